"""A whole adapter in Python, without dependencies. It answers what its engine can answer, names what it lacks, and agrees with the model on
the rest. To put your implementation under test, replace `decide`, and drop a `Skipped` wherever your implementation has an answer."""

import json
import re
import sys

HELLO = {
    "protocol": 1,
    # Known divergences are kept under this name: expectations/example-python.toml.
    "implementation": {"name": "example-python", "version": "1"},
    # What it can be asked. Requests with a boundary, a session policy, SCPs … are not sent to an adapter that does not name them.
    "capabilities": ["evaluate"],
    # What it stands for. It does not say which policy a message would blame.
    "compare": "decision",
}


class Skipped(Exception):
    """The engine lacks a capability that the request needs. Name the capability, never the case."""


def main():
    for line in sys.stdin:
        request = json.loads(line)
        if request["cmd"] == "bye":
            break
        if request["cmd"] == "hello":
            answer = HELLO
        elif request["cmd"] == "evaluate" and "request" in request["evaluate"]:
            answer = {"seq": request["seq"], **answer_to(request["evaluate"])}
        else:
            answer = {"seq": request.get("seq"), "unsupported": True}
        # One line a question, flushed at once. Logs go to standard error.
        print(json.dumps(answer), flush=True)


def answer_to(question):
    try:
        return {"decision": decide(question["request"], question.get("policies", {}))}
    except Skipped as lacking:
        return {"skipped": str(lacking)}


def decide(request, policies):
    """The engine: identity-based policies of users on S3, with Effect, Action and Resource."""
    principal = request["principal"]
    if not isinstance(principal, str) or ":user/" not in principal:
        raise Skipped("principals_other_than_users")
    if not request["action"].startswith("s3:") or "resource" in policies or "resource_account" in request:
        raise Skipped("resource_policies")
    if "*" in request["resource"] or not request["resource"].startswith("arn:aws:s3:::"):
        raise Skipped("resources_other_than_objects")
    # Every policy is read before any is asked: what cannot be read must not hide behind a denial.
    statements = [statement for policy in policies.get("identity", []) for statement in statements_of(policy)]
    effects = [
        effect
        for effect, actions, resources in statements
        if any(matches(action.lower(), request["action"].lower()) for action in actions)
        and any(matches(resource, request["resource"]) for resource in resources)
    ]
    if "Deny" in effects:
        return "explicit_deny"
    return "allow" if "Allow" in effects else "implicit_deny"


def statements_of(policy):
    """Effect, actions and resources of each statement. A policy is an object, or a text that is to be parsed as it stands."""
    if isinstance(policy, str) or set(policy) - {"Version", "Statement"}:
        raise Skipped("policy_grammar")
    if policy.get("Version") not in (None, "2008-10-17", "2012-10-17") or not policy.get("Statement"):
        raise Skipped("policy_grammar")
    statements = policy["Statement"]
    for statement in statements if isinstance(statements, list) else [statements]:
        if not isinstance(statement, dict) or set(statement) != {"Effect", "Action", "Resource"}:
            raise Skipped("policy_grammar")
        actions, resources = listed(statement["Action"]), listed(statement["Resource"])
        plain = statement["Effect"] in ("Allow", "Deny")
        plain &= all(re.fullmatch(r"\*|s3:[A-Za-z*?]+", action) for action in actions)
        plain &= all(re.fullmatch(r"\*|arn:aws:s3:::[a-z0-9./*?-]+", resource) for resource in resources)
        if not plain:
            raise Skipped("policy_grammar")
        yield statement["Effect"], actions, resources


def listed(value):
    values = value if isinstance(value, list) else [value]
    if not values or not all(isinstance(one, str) for one in values):
        raise Skipped("policy_grammar")
    return values


def matches(pattern, text):
    return re.fullmatch("".join({"*": ".*", "?": "."}.get(letter, re.escape(letter)) for letter in pattern), text, re.S) is not None


if __name__ == "__main__":
    main()
