"""An evaluator that denies everything: a run against it must find the allows."""

from always_answer import serve

serve("always-deny", "deny")
