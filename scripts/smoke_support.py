"""What the smoke tests share: callers, clients, and the two things a step can be, allowed or refused. No story is told here."""

import json
import os
import re
import sys
import traceback
import urllib.error
import urllib.request
from contextlib import contextmanager
from dataclasses import dataclass

import boto3
from botocore.config import Config
from botocore.exceptions import ClientError

A = "111122223333"
B = "444455556666"
REGION = "us-east-1"

ADMINISTRATOR = "arn:aws:iam::aws:policy/AdministratorAccess"


class Failed(Exception):
    """A step did not go as it must."""


@dataclass(frozen=True)
class Caller:
    """Credentials and the account they belong to."""

    account: str
    key: str
    secret: str
    token: str | None = None


def statement(effect, action, resource="*", principal=None, condition=None):
    """One statement of a policy."""
    made = {"Effect": effect}
    if principal is not None:
        made["Principal"] = principal
    made |= {"Action": action, "Resource": resource}
    if condition is not None:
        made["Condition"] = condition
    return made


def allow(action, resource="*", principal=None, condition=None):
    """A statement that allows."""
    return statement("Allow", action, resource, principal, condition)


def deny(action, resource="*", principal=None, condition=None):
    """A statement that denies."""
    return statement("Deny", action, resource, principal, condition)


def policy(*statements):
    """A policy as text."""
    return json.dumps({"Version": "2012-10-17", "Statement": list(statements)})


def delegating(account):
    """The statement that lets identity policies of an account decide (the default key policy)."""
    return allow("kms:*", principal={"AWS": f"arn:aws:iam::{account}:root"})


class Cloud:
    """The emulator as seen from outside."""

    def __init__(self):
        self.endpoint = os.environ["AWS_ENDPOINT_URL"]
        self.control_token = os.environ["COUNTERSIGN_CONTROL_TOKEN"]
        self.root_secret = os.environ.get("COUNTERSIGN_ROOT_SECRET", "test")
        self._session = boto3.Session()
        self._clients = {}
        self.checks = 0
        self.failures = []

    # Callers

    def root(self, account):
        """The root user of an account: its access key id is the account id."""
        return Caller(account, account, self.root_secret)

    def user(self, account, name, *statements, managed=()):
        """A new user with an access key."""
        iam = self.client("iam", self.root(account))
        iam.create_user(UserName=name)
        if statements:
            iam.put_user_policy(UserName=name, PolicyName="p", PolicyDocument=policy(*statements))
        for arn in managed:
            iam.attach_user_policy(UserName=name, PolicyArn=arn)
        key = iam.create_access_key(UserName=name)["AccessKey"]
        return Caller(account, key["AccessKeyId"], key["SecretAccessKey"])

    def role(self, account, name, trusts, *statements):
        """A new role that trusts a principal."""
        iam = self.client("iam", self.root(account))
        trust = policy({"Effect": "Allow", "Principal": trusts, "Action": "sts:AssumeRole"})
        arn = iam.create_role(RoleName=name, AssumeRolePolicyDocument=trust)["Role"]["Arn"]
        if statements:
            iam.put_role_policy(RoleName=name, PolicyName="p", PolicyDocument=policy(*statements))
        return arn

    def assume(self, who, role_arn, session, **more):
        """The session of a role."""
        answer = self.client("sts", who).assume_role(RoleArn=role_arn, RoleSessionName=session, **more)
        given = answer["Credentials"]
        account = role_arn.split(":")[4]
        return Caller(account, given["AccessKeyId"], given["SecretAccessKey"], given["SessionToken"])

    def service(self, name, **facts):
        """A service principal: no API gives its credentials, so they come from the control plane."""
        given = self.control("POST", "credentials", {"principal": {"service": {"name": name, **facts}}})
        return Caller("", given["access_key_id"], given["secret_access_key"], given.get("session_token"))

    def client(self, service, who, region=REGION, signature_version=None):
        """A boto3 client of a service for a caller."""
        place = (service, who, region, signature_version)
        if place not in self._clients:
            self._clients[place] = self._session.client(
                service,
                region_name=region,
                endpoint_url=self.endpoint,
                aws_access_key_id=who.key,
                aws_secret_access_key=who.secret,
                aws_session_token=who.token,
                # A refusal is a refusal: nothing is tried twice.
                config=Config(retries={"total_max_attempts": 1}, signature_version=signature_version),
            )
        return self._clients[place]

    def control(self, method, path, body=None):
        """One request to the control plane."""
        request = urllib.request.Request(
            f"{self.endpoint}/_countersign/v1/{path}",
            method=method,
            data=None if body is None else json.dumps(body).encode(),
            headers={"x-countersign-token": self.control_token, "content-type": "application/json"},
        )
        try:
            with urllib.request.urlopen(request, timeout=30) as answer:
                text = answer.read()
        except urllib.error.HTTPError as error:
            raise Failed(f"control plane: {error.code} {error.read().decode()}") from error
        return json.loads(text) if text else None

    def trail(self, since=0):
        """The events of the trail from a number on, and the next number."""
        answer = self.control("GET", f"trail?since={since}")
        return answer["events"], answer["next"]

    # Steps

    def equal(self, what, seen, expected):
        """A fact must be as expected."""
        self.checks += 1
        if seen != expected:
            raise Failed(f"{what}: expected {expected!r}, saw {seen!r}")

    def true(self, what, seen):
        """A fact must hold."""
        self.checks += 1
        if not seen:
            raise Failed(f"{what}: does not hold")

    def allowed(self, what, call, *arguments, **parameters):
        """A call must be allowed; gives back its answer."""
        self.checks += 1
        try:
            return call(*arguments, **parameters)
        except ClientError as error:
            raise Failed(f"{what}: must be allowed, but {describe(error)}") from error

    def refused(self, what, code, text, call, *arguments, **parameters):
        """A call must be refused with a code, and with a text: a regular expression that is found in the message."""
        self.checks += 1
        try:
            call(*arguments, **parameters)
        except ClientError as error:
            if error.response["Error"]["Code"] != code or not re.search(text, error.response["Error"].get("Message", "")):
                raise Failed(f"{what}: must be refused with {code} /{text}/, but {describe(error)}") from error
            return error
        raise Failed(f"{what}: must be refused with {code}, but was allowed")

    @contextmanager
    def story(self, title):
        """A part that stands alone: its failure does not stop the others."""
        before = self.checks
        try:
            yield
        except Failed as error:
            self.failures.append(f"{title}: {error}")
            print(f"  FAILED {title}: {error}", flush=True)
        except ClientError as error:
            self.failures.append(f"{title}: {describe(error)}")
            print(f"  FAILED {title}: while preparing: {describe(error)}", flush=True)
        except Exception as error:  # A waiter that gives up, an answer without a member: a failure with its place.
            self.failures.append(f"{title}: {error!r}")
            print(f"  FAILED {title}: {error!r}", flush=True)
            traceback.print_exc()
        else:
            print(f"  ok     {title} ({self.checks - before} checks)", flush=True)

    def finish(self, name):
        """Says how it went and ends the program."""
        if self.failures:
            print(f"{name}: {len(self.failures)} of the stories failed", file=sys.stderr)
            sys.exit(1)
        if not self.checks:
            print(f"{name}: nothing was checked", file=sys.stderr)
            sys.exit(1)
        print(f"{name}: {self.checks} checks hold", flush=True)


def describe(error):
    """An error as people read it."""
    seen = error.response["Error"]
    status = error.response["ResponseMetadata"]["HTTPStatusCode"]
    return f"{error.operation_name} answered {status} {seen['Code']}: {seen.get('Message', '')}"


def not_authorized(who, action, resource, why):
    """AWS's sentence for a denial, as a regular expression."""
    return re.escape(f"User: {who} is not authorized to perform: {action} on resource: {resource} {why}")
