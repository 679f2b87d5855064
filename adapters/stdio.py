"""The stdio protocol for an adapter in Python: one JSON object a line in, one a line out. An adapter gives `serve` its hello and a function
that answers one evaluator request; everything else is here."""

import json


class Skipped(Exception):
    """Raised by an adapter that lacks what a request needs: the answer names the capability, never the test."""

    def __init__(self, capability):
        super().__init__(capability)
        self.capability = capability


class Unusable(Exception):
    """Raised by an adapter for a document that its implementation cannot use."""

    def __init__(self, document, message):
        super().__init__(message)
        self.document = document


def serve(hello, evaluate, lines, out):
    """Answers lines until `bye` or the end of the input. Any other exception is a fault of the adapter: the process ends, and the harness
    says so."""
    for line in lines:
        request = json.loads(line)
        command = request["cmd"]
        if command == "bye":
            return
        if command == "hello":
            answer = {"protocol": 1, **hello}
        elif command == "evaluate" and "request" in request["evaluate"]:
            answer = {"seq": request["seq"], **answer_to(request["evaluate"], evaluate)}
        else:
            answer = {"seq": request.get("seq"), "unsupported": True}
        print(json.dumps(answer), file=out, flush=True)


def answer_to(question, evaluate):
    try:
        return evaluate(question)
    except Skipped as lacking:
        return {"skipped": lacking.capability}
    except Unusable as error:
        return {"error": {"message": str(error), "document": error.document}}
