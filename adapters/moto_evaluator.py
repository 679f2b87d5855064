"""Asks moto's policy check, `moto.iam.access_control` (Apache-2.0), what it makes of an evaluator request. It runs where moto is installed,
in a virtual environment of its own: README.md says how. Only the translation is here; what moto has no notion of is skipped by the name of
the capability.

How moto puts policies together is taken from its callers: `IAMRequestBase.check_action_permitted` for identity-based policies and for the
trust policy of a role, `S3Response` for bucket policies, which can only refuse. It gives identity-based policies no context."""

import json
import sys
from importlib.metadata import version

from moto.iam.access_control import IAMPolicy, PermissionResult
from moto.iam.utils import EXTERNAL_CONDITION_SOURCES

from stdio import Skipped, Unusable, serve

HELLO = {
    "implementation": {
        "name": "moto-evaluator",
        "version": version("moto"),
        "issues": "https://github.com/getmoto/moto/issues",
    },
    # No boundaries, no session policies, no organization, no VPC endpoints, no grants.
    "capabilities": ["evaluate"],
    "compare": "decision",
}


def evaluate(question):
    request, policies = question["request"], question.get("policies", {})
    principal, action, resource = request["principal"], request["action"], request["resource"]
    known_caller(principal)
    service = action.split(":")[0].lower()
    # Always allowed, even where a statement denies it.
    if action == "sts:GetCallerIdentity":
        return {"decision": "allow"}
    results = [result(f"identity[{number}]", policy, action, resource) for number, policy in enumerate(policies.get("identity", []))]
    permitted = PermissionResult.PERMITTED in results
    denied = PermissionResult.DENIED in results
    if "resource" in policies:
        if service == "s3":
            denied |= result("resource", policies["resource"], action, resource) == PermissionResult.DENIED
        elif action == "sts:AssumeRole":
            # What moto reads of the call: the external id.
            given = {key: value for key, value in request.get("context", {}).items() if key in EXTERNAL_CONDITION_SOURCES}
            trust = result("resource", policies["resource"], action, resource, principal, given)
            permitted &= trust == PermissionResult.PERMITTED
        else:
            raise Skipped("key_policy" if service == "kms" else "resource_policy")
    # It does not tell a denial by a statement from one by nothing: a condition that does not hold is DENIED too.
    return {"decision": "allow" if permitted and not denied else "deny", "explain": [one.name for one in results]}


def known_caller(principal):
    """Access keys are those of users and of assumed roles; moto knows no other caller."""
    if not isinstance(principal, str):
        raise Skipped("service_principals" if "service" in principal else "federated")
    if principal == "anonymous":
        raise Skipped("anonymous")
    kind = principal.split(":", 5)[5].split("/")[0]
    if kind not in ("user", "role", "assumed-role"):
        raise Skipped("root_user" if kind == "root" else "federated")


def result(name, policy, *arguments):
    text = policy if isinstance(policy, str) else json.dumps(policy)
    try:
        return IAMPolicy(text).is_action_permitted(*arguments)
    except Exception as error:  # Whatever moto throws at a document, the document is what it cannot use.
        raise Unusable(name, f"{name}: {type(error).__name__}: {error}") from error


if __name__ == "__main__":
    serve(HELLO, evaluate, sys.stdin, sys.stdout)
