"""The stdio protocol in a page of Python: an evaluator that gives every request the same answer. It shows what an adapter must do, and
that a run against an evaluator that is wrong is not conformant."""

import json
import sys

CAPABILITIES = ["evaluate", "permissions_boundary", "session", "scp", "rcp", "vpc_endpoint", "grants", "quirks"]


def serve(name, decision):
    for line in sys.stdin:
        request = json.loads(line)
        command = request["cmd"]
        if command == "bye":
            return
        if command == "hello":
            answer = {
                "protocol": 1,
                "implementation": {"name": name, "version": "1"},
                "capabilities": CAPABILITIES,
                "compare": "decision",
            }
        elif command == "evaluate":
            answer = {"seq": request["seq"], "decision": decision, "explain": ["it always says so"]}
        else:
            answer = {"seq": request.get("seq"), "unsupported": True}
        print(json.dumps(answer), flush=True)
