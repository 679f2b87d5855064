"""Request shapes and mistakes that were security bugs elsewhere, over raw HTTP: each is refused, or decided like its plain twin.

The table at the end names the advisory or issue of each (products: MinIO, RustFS, SeaweedFS, Ceph RGW, floci). Every attack has a control
beside it, so that a server which refuses everything fails too.
"""

import base64
import datetime
import hashlib
import hmac
import http.client
import json
import re
import urllib.parse
import zlib

import botocore.auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials
from botocore.exceptions import ClientError
from smoke_support import ADMINISTRATOR, A, B, REGION, Caller, Cloud, allow, delegating, deny, policy

SECRET = b"only for the owner"
UNSIGNED_TRAILER = "STREAMING-UNSIGNED-PAYLOAD-TRAILER"


class Raw:
    """Requests byte for byte: what is signed and what is sent may differ."""

    def __init__(self, cloud):
        self.cloud = cloud
        self.host = urllib.parse.urlsplit(cloud.endpoint).netloc

    def __call__(self, method, path, who=None, headers=None, body=b"", signed_path=None, unsigned=None, wrong=False, presign=False):
        """Signs `headers`, sends them and `unsigned` too; `wrong` spoils the signature. Gives back status, code and body."""
        headers = dict(headers or {})
        if who is not None:
            headers.setdefault("x-amz-content-sha256", hashlib.sha256(body).hexdigest())
            request = AWSRequest(method, f"http://{self.host}{signed_path or path}", headers=headers, data=b"" if presign else body)
            credentials = Credentials(who.key, who.secret, who.token)
            if presign:
                del request.headers["x-amz-content-sha256"]
                botocore.auth.S3SigV4QueryAuth(credentials, "s3", REGION, expires=300).add_auth(request)
                path = request.url.split(self.host, 1)[1]
                headers = dict(headers)
                headers.pop("x-amz-content-sha256")
            else:
                signer = Given(credentials, "s3", REGION)
                signer.add_auth(request)
                headers = dict(request.headers.items())
            if wrong and presign:
                path = re.sub(r"Signature=.{8}", "Signature=00000000", path)
            elif wrong:
                headers["Authorization"] = re.sub(r"Signature=.{8}", "Signature=00000000", headers["Authorization"])
        headers |= unsigned or {}
        connection = http.client.HTTPConnection(self.host, timeout=30)
        connection.putrequest(method, path, skip_host=True, skip_accept_encoding=True)
        for name, value in ({"Host": self.host, "Content-Length": str(len(body))} | headers).items():
            connection.putheader(name, value)
        connection.endheaders(body)
        answer = connection.getresponse()
        text = answer.read()
        connection.close()
        code = re.search(rb"<Code>(.*?)</Code>", text)
        return answer.status, code.group(1).decode() if code else "", text


class Given(botocore.auth.S3SigV4Auth):
    """Signs with the content hash that the request names, and the path as it is."""

    def payload(self, request):
        return request.headers["x-amz-content-sha256"]

    def _modify_request_before_signing(self, request):
        given = request.headers.get("x-amz-content-sha256")
        super()._modify_request_before_signing(request)
        if given:
            request.headers.replace_header("x-amz-content-sha256", given)


class World:
    """Two buckets, callers, and the words for what must happen."""

    def __init__(self, cloud):
        self.cloud, self.raw = cloud, Raw(cloud)
        self.root = cloud.root(A)
        self.s3, self.iam, self.kms = (cloud.client(service, self.root) for service in ("s3", "iam", "kms"))
        for bucket in ("mine", "secret"):
            self.s3.create_bucket(Bucket=bucket)
        self.s3.put_object(Bucket="mine", Key="a/x", Body=b"mine")
        self.s3.put_object(Bucket="secret", Key="x", Body=SECRET)
        self.nobody = cloud.user(A, "nobody")
        self.reader = cloud.user(A, "reader", allow(["s3:GetObject"], "arn:aws:s3:::mine/*"))
        self.writer = cloud.user(A, "writer", allow(["s3:GetObject", "s3:PutObject"], "arn:aws:s3:::mine/*"))
        self.admin = cloud.user(A, "admin", managed=[ADMINISTRATOR])

    def client(self, service, who):
        return self.cloud.client(service, who)

    def is_refused(self, what, answer, *expected):
        """A raw answer must be one of these (status, code) pairs, 403 AccessDenied unless others are named."""
        wanted = expected or ((403, "AccessDenied"),)
        self.cloud.true(f"{what}: expected {wanted}, saw {answer[:2]} {answer[2][:200]!r}", answer[:2] in wanted)
        self.cloud.true(f"{what}: the secret is told", SECRET not in answer[2])

    def is_allowed(self, what, answer, body=None):
        self.cloud.true(f"{what}: must be allowed, saw {answer[:2]} {answer[2][:200]!r}", answer[0] < 300)
        if body is not None:
            self.cloud.equal(what, answer[2], body)

    def denied(self, what, call, **parameters):
        return self.cloud.refused(what, "AccessDenied", "", call, **parameters)


def form(world, who, bucket, key, body, conditions=None, fields=(), policy_bucket=None):
    """A browser form upload with a signed policy; gives back the body and its type."""
    now = datetime.datetime.now(datetime.timezone.utc)
    date, day = now.strftime("%Y%m%dT%H%M%SZ"), now.strftime("%Y%m%d")
    credential = f"{who.key}/{day}/{REGION}/s3/aws4_request"
    listed = [
        {"bucket": policy_bucket or bucket},
        *(conditions if conditions is not None else [["starts-with", "$key", ""]]),
        {"x-amz-algorithm": "AWS4-HMAC-SHA256"},
        {"x-amz-credential": credential},
        {"x-amz-date": date},
    ]
    expiration = (now + datetime.timedelta(minutes=5)).strftime("%Y-%m-%dT%H:%M:%SZ")
    text = base64.b64encode(json.dumps({"expiration": expiration, "conditions": listed}).encode()).decode()
    signing = f"AWS4{who.secret}".encode()
    for part in (day, REGION, "s3", "aws4_request", text):
        signing = hmac.new(signing, part.encode(), hashlib.sha256).digest()
    pairs = [
        ("key", key),
        ("x-amz-algorithm", "AWS4-HMAC-SHA256"),
        ("x-amz-credential", credential),
        ("x-amz-date", date),
        ("policy", text),
        ("x-amz-signature", signing.hex()),
        *fields,
    ]
    boundary = "smoke"
    parts = [f'--{boundary}\r\nContent-Disposition: form-data; name="{name}"\r\n\r\n{value}\r\n' for name, value in pairs]
    parts.append(f'--{boundary}\r\nContent-Disposition: form-data; name="file"; filename="f"\r\n\r\n{body}\r\n--{boundary}--\r\n')
    return world.raw(
        "POST", f"/{bucket}", headers={"content-type": f"multipart/form-data; boundary={boundary}"}, body="".join(parts).encode()
    )


def form_uploads(world):
    world.is_refused("a reader uploads with a form", form(world, world.reader, "mine", "f", "x"))
    world.is_allowed("a writer does", form(world, world.writer, "mine", "f", "x"))


def form_conditions(world):
    exact = [["eq", "$key", "f"]]
    world.is_allowed("the key of the policy", form(world, world.writer, "mine", "f", "x", exact))
    world.is_refused("another key", form(world, world.writer, "mine", "g", "x", exact))
    size = [["starts-with", "$key", ""], ["content-length-range", 0, 3]]
    world.is_allowed("small enough", form(world, world.writer, "mine", "f", "abc", size))
    world.is_refused("too large", form(world, world.writer, "mine", "f", "abcd", size), (400, "EntityTooLarge"))
    extra = form(world, world.writer, "mine", "f", "x", fields=[("acl", "public-read")])
    world.is_refused("a field that the policy does not name", extra)


def form_bucket(world):
    world.is_refused("a policy for another bucket", form(world, world.admin, "secret", "f", "x", policy_bucket="mine"))
    world.is_refused("a field `bucket` of another bucket", form(world, world.writer, "secret", "f", "x", policy_bucket="mine", fields=[("bucket", "mine")]))
    world.is_refused("a writer of one into the other", form(world, world.writer, "secret", "f", "x"))


def own_credentials(world):
    iam = world.client("iam", world.nobody)
    world.denied("a policy for oneself", iam.put_user_policy, UserName="nobody", PolicyName="p", PolicyDocument=policy(allow("*")))
    world.denied("attached", iam.attach_user_policy, UserName="nobody", PolicyArn=ADMINISTRATOR)
    world.denied("a key for oneself", iam.create_access_key, UserName="nobody")


def credentials_of_others(world):
    iam = world.client("iam", world.nobody)
    world.denied("a key for an administrator", iam.create_access_key, UserName="admin")
    helper = world.cloud.user(A, "helper", allow("iam:CreateAccessKey", f"arn:aws:iam::{A}:user/nobody"))
    own = world.client("iam", helper)
    world.denied("who may make one for nobody makes one for an administrator", own.create_access_key, UserName="admin")
    world.cloud.allowed("but for nobody", own.create_access_key, UserName="nobody")


def locked_objects(world):
    s3 = world.s3
    s3.create_bucket(Bucket="locked", ObjectLockEnabledForBucket=True)
    until = datetime.datetime.now(datetime.timezone.utc) + datetime.timedelta(days=3)
    put = s3.put_object(Bucket="locked", Key="x", Body=b"x", ObjectLockMode="GOVERNANCE", ObjectLockRetainUntilDate=until)
    version = {"Bucket": "locked", "Key": "x", "VersionId": put["VersionId"], "BypassGovernanceRetention": True}
    every = "arn:aws:s3:::locked/*"
    denied = world.cloud.user(A, "no-bypass", allow("s3:*", every), deny("s3:BypassGovernanceRetention", every))
    world.denied("a bypass that is denied", world.client("s3", denied).delete_object, **version)
    plain = world.cloud.user(A, "no-bypass-allowed", allow(["s3:DeleteObject", "s3:DeleteObjectVersion"], every))
    world.denied("a bypass that is not allowed", world.client("s3", plain).delete_object, **version)
    world.cloud.allowed("the administrator's", world.client("s3", world.admin).delete_object, **version)


def principals_are_unique(world):
    user = world.cloud.user(A, B)
    world.cloud.true("a user named like an account has its own key", user.key != B)
    seen = world.client("sts", world.cloud.root(B)).get_caller_identity()["Arn"]
    world.cloud.equal("the account's root stays", seen, f"arn:aws:iam::{B}:root")
    world.denied("the user is nobody in it", world.client("iam", user).list_users)


def sessions_are_no_wider(world):
    arn = world.cloud.role(A, "wide", {"AWS": A}, allow("*"))
    assuming = world.cloud.user(A, "assuming", allow("sts:AssumeRole"))
    whole = world.cloud.assume(assuming, arn, "whole")
    narrow = world.cloud.assume(assuming, arn, "narrow", Policy=policy(allow("s3:GetObject", "arn:aws:s3:::mine/*")))
    world.is_allowed("without a session policy it has all of its role", world.raw("GET", "/secret/x", whole), SECRET)
    world.cloud.allowed("IAM too", world.client("iam", whole).list_users)
    world.is_allowed("with one, what it names", world.raw("GET", "/mine/a/x", narrow), b"mine")
    world.is_refused("and nothing else", world.raw("GET", "/secret/x", narrow))
    world.denied("no credentials in its own account", world.client("iam", narrow).create_access_key, UserName="admin")
    world.denied("no policy of its own role", world.client("iam", narrow).put_role_policy, RoleName="wide", PolicyName="p", PolicyDocument=policy(allow("*")))
    world.denied("no bucket", world.client("s3", narrow).create_bucket, Bucket="narrow")
    world.denied("no wider session", world.client("sts", narrow).assume_role, RoleArn=arn, RoleSessionName="again")
    world.cloud.refused("no key", "AccessDeniedException", "session policy", world.client("kms", narrow).create_key)


def federated_users_are_no_wider(world):
    sts = world.client("sts", world.admin)
    given = sts.get_federation_token(Name="fed", Policy=policy(allow("s3:GetObject", "arn:aws:s3:::mine/*")))["Credentials"]
    user = Caller(A, given["AccessKeyId"], given["SecretAccessKey"], given["SessionToken"])
    world.is_allowed("what the policy names", world.raw("GET", "/mine/a/x", user), b"mine")
    world.is_refused("nothing else of the administrator's", world.raw("GET", "/secret/x", user))
    without = sts.get_federation_token(Name="none")["Credentials"]
    user = Caller(A, without["AccessKeyId"], without["SecretAccessKey"], without["SessionToken"])
    world.is_refused("without a policy nothing", world.raw("GET", "/secret/x", user))


def preconditions(world):
    etag = world.s3.head_object(Bucket="secret", Key="x")["ETag"]
    for name, value in [("if-none-match", etag), ("if-match", '"0"'), ("if-modified-since", "Fri, 01 Jan 2100 00:00:00 GMT")]:
        answer = world.raw("GET", "/secret/x", world.nobody, {name: value})
        world.is_refused(f"{name} of who may not read", answer)
        head = world.raw("HEAD", "/secret/x", world.nobody, {name: value})
        world.is_refused(f"{name} with HEAD", head, (403, ""))
    world.is_refused("an object that is not there", world.raw("GET", "/secret/none", world.nobody))
    world.cloud.equal("for the owner it counts", world.raw("GET", "/secret/x", world.root, {"if-none-match": etag})[0], 304)


def iam_needs_permission(world):
    iam = world.client("iam", world.nobody)
    world.denied("create a user", iam.create_user, UserName="made")
    world.denied("read everything", iam.list_users)
    exact = world.client("iam", world.cloud.user(A, "lists", allow("iam:ListUsers")))
    world.cloud.allowed("who may list users lists them", exact.list_users)
    world.denied("and makes none", exact.create_user, UserName="made")
    other = world.client("iam", world.cloud.user(A, "makes", allow("iam:CreateUser")))
    world.cloud.allowed("who may make one makes one", other.create_user, UserName="made")
    world.denied("and lists none", other.list_users)


def access_keys_are_exact(world):
    world.iam.create_user(UserName="target")
    updates = world.client("iam", world.cloud.user(A, "updates", allow("iam:UpdateAccessKey")))
    lists = world.client("iam", world.cloud.user(A, "lists-keys", allow("iam:ListAccessKeys")))
    key = world.iam.create_access_key(UserName="target")["AccessKey"]["AccessKeyId"]
    change = {"UserName": "target", "AccessKeyId": key, "Status": "Inactive"}
    world.denied("who may update lists none", updates.list_access_keys, UserName="target")
    world.denied("who may list updates none", lists.update_access_key, **change)
    world.cloud.allowed("each its own", lists.list_access_keys, UserName="target")
    world.cloud.allowed("each its own", updates.update_access_key, **change)


CHECKSUM = base64.b64encode(zlib.crc32(b"x").to_bytes(4, "big"))


def trailer():
    """One chunk and a checksum behind it."""
    return b"1\r\nx\r\n0\r\nx-amz-checksum-crc32:%s\r\n\r\n" % CHECKSUM


def trailers(world):
    plain = {
        "x-amz-content-sha256": UNSIGNED_TRAILER,
        "content-encoding": "aws-chunked",
        "x-amz-decoded-content-length": "1",
        "x-amz-trailer": "x-amz-checksum-crc32",
    }
    put = ("PUT", "/mine/t")
    world.is_allowed("a trailer, signed", world.raw(*put, world.writer, plain, trailer()))
    mismatch = (403, "SignatureDoesNotMatch")
    world.is_refused("with a wrong signature", world.raw(*put, world.writer, plain, trailer(), wrong=True), mismatch)
    world.is_refused("of a reader", world.raw(*put, world.reader, plain, trailer()))
    anonymous = dict(plain)
    world.is_refused("of nobody", world.raw(*put, None, anonymous, trailer()))
    world.is_refused("presigned, with a wrong signature", world.raw(*put, world.writer, unsigned=plain, body=trailer(), presign=True, wrong=True), mismatch, (403, "AccessDenied"))
    extract = plain | {"x-amz-meta-snowball-auto-extract": "true"}
    world.is_refused("as an archive, with a wrong signature", world.raw(*put, world.writer, extract, trailer(), wrong=True), mismatch)
    world.is_refused("as an archive, of a reader", world.raw(*put, world.reader, extract, trailer()))
    forged = trailer().replace(CHECKSUM, b"AAAAAA==")
    answer = world.raw(*put, world.writer, plain, forged)
    world.cloud.true(f"a wrong checksum in it, saw {answer[:2]}", answer[0] == 400)


def streaming(world):
    headers = {"x-amz-content-sha256": "STREAMING-AWS4-HMAC-SHA256-PAYLOAD", "content-encoding": "aws-chunked", "x-amz-decoded-content-length": "1"}
    body = b"1;chunk-signature=" + b"0" * 64 + b"\r\nx\r\n0;chunk-signature=" + b"0" * 64 + b"\r\n\r\n"
    world.is_refused("chunks of a reader", world.raw("PUT", "/mine/s", world.reader, headers, body), (403, "AccessDenied"), (403, "SignatureDoesNotMatch"))
    world.is_refused("chunks with wrong signatures", world.raw("PUT", "/mine/s", world.writer, headers, body), (403, "SignatureDoesNotMatch"))
    world.cloud.equal("nothing is stored", world.raw("GET", "/mine/s", world.root)[1], "NoSuchKey")


def plain_policies(world):
    user = world.cloud.user(A, "plain", allow("s3:*"), deny("s3:GetObject", "arn:aws:s3:::secret/*"))
    world.is_refused("a Deny of a plain user", world.raw("GET", "/secret/x", user))
    world.is_allowed("its Allow", world.raw("GET", "/mine/a/x", user), b"mine")


def copies(world):
    source = {"x-amz-copy-source": "/secret/x"}
    world.is_refused("copy from where one may not read", world.raw("PUT", "/mine/c", world.writer, source))
    world.is_allowed("from where one may", world.raw("PUT", "/mine/c", world.writer, {"x-amz-copy-source": "/mine/a/x"}))
    upload = world.s3.create_multipart_upload(Bucket="mine", Key="m")["UploadId"]
    part = f"/mine/m?partNumber=1&uploadId={upload}"
    world.is_refused("as a part", world.raw("PUT", part, world.writer, source))
    world.is_allowed("as a part from where one may", world.raw("PUT", part, world.writer, {"x-amz-copy-source": "/mine/a/x"}))
    etag = world.s3.list_parts(Bucket="mine", Key="m", UploadId=upload)["Parts"][0]["ETag"]
    done = f"<CompleteMultipartUpload><Part><PartNumber>1</PartNumber><ETag>{etag}</ETag></Part></CompleteMultipartUpload>".encode()
    world.is_refused("complete it without permission", world.raw("POST", f"/mine/m?uploadId={upload}", world.reader, body=done))
    world.is_refused("abort it without permission", world.raw("DELETE", f"/mine/m?uploadId={upload}", world.writer))
    world.is_allowed("complete it", world.raw("POST", f"/mine/m?uploadId={upload}", world.writer, body=done))


def copy_source_conditions(world):
    only = {"StringLike": {"s3:x-amz-copy-source": "mine/a/*"}}
    user = world.cloud.user(A, "copies", allow("s3:GetObject"), allow("s3:PutObject", "arn:aws:s3:::mine/*", condition=only))
    world.is_allowed("from the source that is named", world.raw("PUT", "/mine/d", user, {"x-amz-copy-source": "mine/a/x"}))
    world.is_refused("from another", world.raw("PUT", "/mine/d", user, {"x-amz-copy-source": "secret/x"}))
    world.is_refused("an upload", world.raw("PUT", "/mine/d", user, body=b"x"))


def versions_are_exact(world):
    s3 = world.s3
    s3.create_bucket(Bucket="versions")
    s3.put_bucket_versioning(Bucket="versions", VersioningConfiguration={"Status": "Enabled"})
    version = s3.put_object(Bucket="versions", Key="x", Body=SECRET)["VersionId"]
    s3.put_object(Bucket="versions", Key="x", Body=b"new")
    latest = world.cloud.user(A, "latest", allow("s3:GetObject", "arn:aws:s3:::versions/*"))
    named = world.cloud.user(A, "named", allow("s3:GetObjectVersion", "arn:aws:s3:::versions/*"))
    world.is_allowed("the newest", world.raw("GET", "/versions/x", latest), b"new")
    world.is_refused("a named one with s3:GetObject", world.raw("GET", f"/versions/x?versionId={version}", latest))
    world.is_allowed("with s3:GetObjectVersion", world.raw("GET", f"/versions/x?versionId={version}", named), SECRET)
    world.is_refused("and not the newest", world.raw("GET", "/versions/x", named))


def unsigned_headers(world):
    for name, value in [
        ("x-amz-copy-source", "/secret/x"),
        ("x-amz-acl", "public-read"),
        ("x-amz-grant-read", "uri=http://acs.amazonaws.com/groups/global/AllUsers"),
        ("x-amz-tagging", "a=b"),
        ("x-amz-server-side-encryption", "aws:kms"),
        ("x-amz-bypass-governance-retention", "true"),
        ("x-amz-security-token", "t"),
        ("x-amz-meta-a", "b"),
    ]:
        answer = world.raw("PUT", "/mine/u", world.admin, body=b"x", unsigned={name: value})
        world.cloud.true(f"{name} not signed, saw {answer[:2]}", answer[0] in (400, 403))
    world.cloud.equal("nothing is stored", world.raw("GET", "/mine/u", world.root)[1], "NoSuchKey")
    world.is_refused("not signed in a presigned URL", world.raw("PUT", "/mine/u", world.admin, presign=True, unsigned={"x-amz-copy-source": "/secret/x"}), (403, "AccessDenied"), (403, "SignatureDoesNotMatch"), (400, "InvalidRequest"))
    world.is_allowed("signed", world.raw("PUT", "/mine/u", world.admin, {"x-amz-meta-a": "b"}, b"x"))


def dots(world):
    under = world.cloud.user(A, "under", allow(["s3:GetObject", "s3:PutObject"], ["arn:aws:s3:::mine/a/*", "arn:aws:s3:::mine/..*"]))
    world.is_allowed("a key with dots", world.raw("PUT", "/mine/a/../b", under, body=b"dots"))
    keys = [one["Key"] for one in world.s3.list_objects_v2(Bucket="mine", Prefix="a/..")["Contents"]]
    world.cloud.equal("is stored as it is", keys, ["a/../b"])
    world.cloud.equal("and not cleaned", world.raw("GET", "/mine/b", world.root)[1], "NoSuchKey")
    for path in ["/mine/../secret/x", "/mine/..%2Fsecret%2Fx", "/mine/%2e%2e/secret/x", "/mine/a/../../secret/x"]:
        # S3 signs the decoded path, encoded once.
        plain = urllib.parse.quote(urllib.parse.unquote(path))
        answer = world.raw("GET", path, under, signed_path=plain)
        world.is_refused(path, answer, (403, "AccessDenied"), (404, "NoSuchKey"))
        answer = world.raw("GET", path, world.admin, signed_path=plain)
        world.is_refused(f"{path} of the administrator", answer, (404, "NoSuchKey"))
        answer = world.raw("GET", "/secret/x", under, signed_path=plain)
        world.is_refused(f"signed as {path}, sent clean", answer, (403, "SignatureDoesNotMatch"))
    world.is_allowed("an encoded slash is a slash", world.raw("GET", "/mine/a%2Fx", world.reader, signed_path="/mine/a/x"), b"mine")
    world.is_allowed("a double slash is no slash", world.raw("PUT", "/mine//x", world.writer, body=b"double"))
    world.cloud.equal("but a key of its own", world.raw("GET", "/mine/x", world.root)[1], "NoSuchKey")
    answer = world.raw("GET", "//secret/x", under)
    world.cloud.true("slashes before the bucket", answer[0] >= 400 and SECRET not in answer[2])


def dots_in_copy_sources(world):
    writer = world.cloud.user(A, "dots", allow(["s3:GetObject", "s3:PutObject"], "arn:aws:s3:::mine/*"))
    for source in ["mine/../secret/x", "/mine/../secret/x", "mine/..%2Fsecret%2Fx", "mine/%2e%2e/secret/x", "mine%2F..%2Fsecret/x"]:
        for who in (writer, world.admin):
            answer = world.raw("PUT", "/mine/stolen", who, {"x-amz-copy-source": source})
            world.is_refused(source, answer, (403, "AccessDenied"), (404, "NoSuchKey"), (404, "NoSuchBucket"), (400, "InvalidArgument"))
    world.cloud.equal("nothing is copied", world.raw("GET", "/mine/stolen", world.root)[1], "NoSuchKey")


def forged_addresses(world):
    inside = {"IpAddress": {"aws:SourceIp": "203.0.113.0/24"}}
    user = world.cloud.user(A, "inside", allow("s3:GetObject", condition=inside))
    here = world.cloud.user(A, "here", allow("s3:GetObject", condition={"IpAddress": {"aws:SourceIp": "127.0.0.1/32"}}))
    for name in ["x-forwarded-for", "x-real-ip", "forwarded", "true-client-ip", "x-amz-source-ip"]:
        for signed in (False, True):
            given = {name: "for=203.0.113.7" if name == "forwarded" else "203.0.113.7"}
            answer = world.raw("GET", "/mine/a/x", user, *([given] if signed else []), **({} if signed else {"unsigned": given}))
            world.is_refused(name, answer, (403, "AccessDenied"), (403, "SignatureDoesNotMatch"))
    world.is_allowed("the address it has", world.raw("GET", "/mine/a/x", here, unsigned={"x-forwarded-for": "203.0.113.7"}), b"mine")


def really_encrypted(world):
    key = world.kms.create_key()["KeyMetadata"]["KeyId"]
    world.s3.put_object(Bucket="mine", Key="sealed", Body=b"plaintext", ServerSideEncryption="aws:kms", SSEKMSKeyId=key)
    world.is_allowed("with the key", world.raw("GET", "/mine/sealed", world.admin), b"plaintext")
    world.kms.disable_key(KeyId=key)
    answer = world.raw("GET", "/mine/sealed", world.root)
    world.cloud.true(f"without it, saw {answer[:2]}", answer[:2] == (400, "KMS.DisabledException") and b"plaintext" not in answer[2])


def who_has_no_account(world):
    for method, path in [("GET", "/secret/x"), ("GET", "/secret?list-type=2"), ("PUT", "/secret/y"), ("PUT", "/secret?policy"), ("DELETE", "/secret/x")]:
        world.is_refused(f"nobody: {method} {path}", world.raw(method, path, body=b"{}" if "policy" in path else b""))
    service = world.cloud.service("backup.amazonaws.com")
    world.cloud.refused("a service", "AccessDeniedException", "kms:CreateKey", world.client("kms", service).create_key)


def unsigned_apis(world):
    for body in ["Action=ListUsers&Version=2010-05-08", "Action=CreateUser&UserName=x&Version=2010-05-08"]:
        answer = world.raw("POST", "/", headers={"content-type": "application/x-www-form-urlencoded"}, body=body.encode())
        world.cloud.true(f"IAM unsigned, saw {answer[:2]}", answer[0] in (400, 403, 405))
    answer = world.raw("POST", "/", headers={"x-amz-target": "TrentService.CreateKey"}, body=b"{}")
    world.cloud.true(f"KMS unsigned, saw {answer[0]}", answer[0] == 400 and b"MissingAuthenticationToken" in answer[2])
    names = [one["UserName"] for one in world.iam.list_users()["Users"]]
    world.cloud.true("nobody was made", "x" not in names)


def unknown_words(world):
    document = policy(allow("s3:*", condition={"StringAlmostEquals": {"aws:PrincipalArn": "*"}}))
    world.cloud.refused("an unknown operator", "MalformedPolicyDocument", "", world.iam.put_user_policy, UserName="nobody", PolicyName="p", PolicyDocument=document)
    bucket = policy(allow("s3:*", ["arn:aws:s3:::mine/*"], "*", {"StringAlmostEquals": {"aws:PrincipalArn": "*"}}))
    world.cloud.refused("in a bucket policy", "MalformedPolicy", "", world.s3.put_bucket_policy, Bucket="mine", Policy=bucket)
    world.is_refused("nothing is widened", world.raw("GET", "/mine/a/x", world.nobody))


def foreign_resources(world):
    user = world.cloud.user(A, "foreign", allow("s3:GetObject", "arn:aws:s3:::other-tenant/*"))
    world.is_refused("a resource of others covers nothing here", world.raw("GET", "/secret/x", user))
    empty = json.dumps({"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "s3:*", "Resource": []}]})
    world.cloud.refused("an empty list", "MalformedPolicyDocument", "", world.iam.put_user_policy, UserName="foreign", PolicyName="q", PolicyDocument=empty)


def web_identities(world):
    sts = world.client("sts", world.admin)
    token = "eyJhbGciOiJub25lIn0.eyJzdWIiOiJhZG1pbiJ9."
    arn = world.cloud.role(A, "web", {"Federated": "cognito-identity.amazonaws.com"})
    try:
        sts.assume_role_with_web_identity(RoleArn=arn, RoleSessionName="session", WebIdentityToken=token)
    except ClientError as error:
        world.cloud.true("an unsigned token", error.response["ResponseMetadata"]["HTTPStatusCode"] >= 400)
    else:
        world.cloud.true("an unsigned token is refused", False)


def roles_of_others(world):
    arn = world.cloud.role(A, "theirs", {"AWS": A}, allow("s3:*"))
    iam = world.client("iam", world.nobody)
    trust = policy({"Effect": "Allow", "Principal": {"AWS": f"arn:aws:iam::{A}:user/nobody"}, "Action": "sts:AssumeRole"})
    world.denied("change whom it trusts", iam.update_assume_role_policy, RoleName="theirs", PolicyDocument=trust)
    world.denied("delete it", iam.delete_role, RoleName="theirs")
    # The account is trusted: its users need a permission of their own.
    world.denied("assume it without permission", world.client("sts", world.nobody).assume_role, RoleArn=arn, RoleSessionName="session")
    across = world.cloud.role(A, "across", {"AWS": B}, allow("s3:GetObject"))
    stranger = world.cloud.user(B, "stranger")
    world.denied("from another account without permission", world.client("sts", stranger).assume_role, RoleArn=across, RoleSessionName="session")
    may = world.cloud.user(B, "may", allow("sts:AssumeRole", across))
    world.cloud.allowed("with it", world.client("sts", may).assume_role, RoleArn=across, RoleSessionName="session")
    untrusted = world.cloud.role(A, "untrusted", {"AWS": A}, allow("s3:GetObject"))
    every = world.cloud.user(B, "every", allow("sts:AssumeRole"))
    world.denied("who is not trusted", world.client("sts", every).assume_role, RoleArn=untrusted, RoleSessionName="session")


def authenticated_read(world):
    s3 = world.s3
    s3.create_bucket(Bucket="acl", ObjectOwnership="ObjectWriter")
    s3.delete_public_access_block(Bucket="acl")
    s3.put_bucket_acl(Bucket="acl", ACL="authenticated-read")
    s3.put_object(Bucket="acl", Key="x", Body=b"x")
    world.is_refused("nobody lists", world.raw("GET", "/acl?list-type=2"))
    lists = world.cloud.user(B, "lists", allow("s3:ListBucket"))
    world.is_allowed("who is somebody does", world.raw("GET", "/acl?list-type=2", lists))


def negations(world):
    cases = [
        ("StringNotEquals, equal", {"StringNotEquals": {"aws:PrincipalTag/team": "a"}}, "a", False),
        ("StringNotEquals, other", {"StringNotEquals": {"aws:PrincipalTag/team": "a"}}, "b", True),
        ("StringNotEquals, absent", {"StringNotEquals": {"aws:PrincipalTag/team": "a"}}, None, True),
        ("StringEquals, absent", {"StringEquals": {"aws:PrincipalTag/team": "a"}}, None, False),
        ("Null true, absent", {"Null": {"aws:PrincipalTag/team": "true"}}, None, True),
        ("Null true, there", {"Null": {"aws:PrincipalTag/team": "true"}}, "a", False),
        ("Null false, absent", {"Null": {"aws:PrincipalTag/team": "false"}}, None, False),
        ("Null false, there", {"Null": {"aws:PrincipalTag/team": "false"}}, "a", True),
        ("StringEqualsIfExists, absent", {"StringEqualsIfExists": {"aws:PrincipalTag/team": "a"}}, None, True),
        ("StringEqualsIfExists, other", {"StringEqualsIfExists": {"aws:PrincipalTag/team": "a"}}, "b", False),
        ("StringNotEqualsIfExists, equal", {"StringNotEqualsIfExists": {"aws:PrincipalTag/team": "a"}}, "a", False),
        ("ForAllValues on nothing", {"ForAllValues:StringEquals": {"aws:PrincipalTag/team": "a"}}, None, True),
        ("ForAnyValue on nothing", {"ForAnyValue:StringEquals": {"aws:PrincipalTag/team": "a"}}, None, False),
    ]
    for number, (title, condition, tag, allowed) in enumerate(cases):
        name = f"negation{number}"
        user = world.cloud.user(A, name, allow("s3:GetObject", condition=condition))
        if tag is not None:
            world.iam.tag_user(UserName=name, Tags=[{"Key": "team", "Value": tag}])
        answer = world.raw("GET", "/mine/a/x", user)
        if allowed:
            world.is_allowed(title, answer, b"mine")
        else:
            world.is_refused(title, answer)


def presigned(world):
    world.is_allowed("a presigned URL of the administrator", world.raw("GET", "/secret/x", world.admin, presign=True), SECRET)
    world.is_refused("of a reader of the other bucket", world.raw("GET", "/secret/x", world.reader, presign=True))
    world.is_refused("with a wrong signature", world.raw("GET", "/secret/x", world.admin, presign=True, wrong=True), (403, "SignatureDoesNotMatch"))
    world.is_refused("with another method", world.raw("DELETE", "/secret/x?X-Amz-Signature=0", None), (403, "AccessDenied"), (400, "AuthorizationQueryParametersError"))


def wrong_signatures(world):
    for method, path, body in [("GET", "/secret/x", b""), ("PUT", "/secret/x", b"x"), ("DELETE", "/secret/x", b""), ("POST", "/secret?delete", b"<Delete/>"), ("GET", "/", b"")]:
        world.is_refused(f"{method} {path}", world.raw(method, path, world.admin, body=body, wrong=True), (403, "SignatureDoesNotMatch"))
    answer = world.raw("PUT", "/secret/x", world.admin, {"x-amz-content-sha256": hashlib.sha256(b"a").hexdigest()}, b"b")
    world.is_refused("a body that is not the one signed", answer, (400, "XAmzContentSHA256Mismatch"), (403, "SignatureDoesNotMatch"))
    world.cloud.equal("nothing has changed", world.raw("GET", "/secret/x", world.root)[2], SECRET)


def boundaries(world):
    document = policy(allow("s3:GetObject", "arn:aws:s3:::mine/*"))
    arn = world.iam.create_policy(PolicyName="boundary", PolicyDocument=document)["Policy"]["Arn"]
    user = world.cloud.user(A, "bounded", allow("s3:*"))
    world.is_allowed("before the boundary", world.raw("GET", "/secret/x", user), SECRET)
    world.iam.put_user_permissions_boundary(UserName="bounded", PermissionsBoundary=arn)
    world.is_refused("outside it", world.raw("GET", "/secret/x", user))
    world.is_allowed("inside it", world.raw("GET", "/mine/a/x", user), b"mine")
    stranger = world.cloud.user(B, "reader", allow("s3:GetObject"))
    world.is_refused("another account with its own permission only", world.raw("GET", "/secret/x", stranger))
    key = world.kms.create_key(Policy=policy(delegating(A)))["KeyMetadata"]["Arn"]
    other = world.cloud.user(B, "user-of-keys", allow("kms:*"))
    world.cloud.refused("a key of another account", "AccessDeniedException", "kms:Encrypt", world.client("kms", other).encrypt, KeyId=key, Plaintext=b"x")


# What each stands for. A row has a check, or says why there is nothing to ask.
TABLE = [
    ("CVE-2021-21362", form_uploads),
    ("CVE-2021-43858", own_credentials),
    ("CVE-2022-24842", credentials_of_others),
    ("CVE-2023-25812", locked_objects),
    ("CVE-2023-27589", principals_are_unique),
    ("CVE-2023-28434", form_bucket),
    ("CVE-2024-24747 minio#18939", sessions_are_no_wider),
    ("CVE-2024-36107", preconditions),
    ("CVE-2024-55949 minio#20756", iam_needs_permission),
    ("CVE-2025-31489", trailers),
    ("CVE-2025-62506", sessions_are_no_wider),
    ("CVE-2026-40344 CVE-2026-41145", trailers),
    ("CVE-2021-41137", plain_policies),
    ("CVE-2026-22043 GHSA-xgr5-qc6w-vcg9", federated_users_are_no_wider),
    ("CVE-2026-22042 GHSA-vcwh-pff9-64cc", iam_needs_permission),
    ("CVE-2026-45043 GHSA-566f-q62r-wcr8", "no operation of IAM takes the parent of a credential: AWS chooses it"),
    ("CVE-2026-27607 GHSA-w5fh-f8xh-5x3p", form_conditions),
    ("GHSA-mx42-j6wv-px98 rustfs#2411", copies),
    ("GHSA-wfxj-ph3v-7mjf", copy_source_conditions),
    ("GHSA-3ppv-fx5m-m749 rustfs#5142", versions_are_exact),
    ("GHSA-g8w9-qw9q-fghr GHSA-xm99-m3gq-83g8", unsigned_headers),
    ("GHSA-f4vq-9ffr-m8m3 GHSA-8r6f-hmq2-28rg", dots),
    ("GHSA-fc6g-2gcp-2qrq", forged_addresses),
    ("GHSA-3g29-xff2-92vp GHSA-g3vq-vv42-f647", "there is no FTP: one protocol, one verifier"),
    ("GHSA-mm2q-qcmx-gw4w", access_keys_are_exact),
    ("GHSA-xrrf-67jm-3c2r", really_encrypted),
    ("CVE-2026-55874", dots_in_copy_sources),
    ("CVE-2026-54917", dots),
    ("CVE-2026-55873", who_has_no_account),
    ("CVE-2026-72920", unsigned_apis),
    ("seaweedfs#9555 seaweedfs#9546", copies),
    ("seaweedfs#11283", unknown_words),
    ("seaweedfs#2180", streaming),
    ("CVE-2023-43040 ceph#53714", form_bucket),
    ("CVE-2024-48916 ceph#62137", web_identities),
    ("ceph#41931", foreign_resources),
    ("ceph#54826", roles_of_others),
    ("ceph#66909", roles_of_others),
    ("ceph#41585 ceph#42247", sessions_are_no_wider),
    ("CVE-2016-7031", authenticated_read),
    ("rustfs#2015 minio#3660", negations),
    ("minio#6955 minio#7021", negations),
    ("ceph#15607 ceph#16463", negations),
    ("floci#3195", presigned),
    ("floci#3536", who_has_no_account),
    ("floci#2333", copies),
    ("floci#3584", boundaries),
    ("wrong signatures of every method", wrong_signatures),
]


def main():
    cloud = Cloud()
    done = set()
    for names, check in TABLE:
        if isinstance(check, str):
            print(f"  none   {names}: {check}", flush=True)
        elif check not in done:
            done.add(check)
            shown = "; ".join(name for name, other in TABLE if other is check)
            cloud.control("POST", "reset")
            with cloud.story(f"{check.__name__}: {shown}"):
                check(World(cloud))
    cloud.finish("smoke_shapes")


if __name__ == "__main__":
    main()
