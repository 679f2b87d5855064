"""An evaluator that allows everything: a run against it must find the denials."""

from always_answer import serve

serve("always-allow", "allow")
