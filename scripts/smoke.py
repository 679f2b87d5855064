"""The emulator through boto3 as people use it: keys, policies, grants, SSE-KMS, two accounts, Lambda, Backup, the trail.

Every story has what must be allowed and what must be refused, with code and text. Start it with scripts/smoke.
"""

import io
import re
import urllib.error
import urllib.request
import zipfile

from boto3.s3.transfer import TransferConfig
from smoke_support import A, B, REGION, Caller, Cloud, allow, delegating, deny, not_authorized, policy

NO_IDENTITY_POLICY = "because no identity-based policy allows the {} action"


def caller_identity(cloud):
    """Who is who: roots, users, sessions, strangers."""
    sts = cloud.client("sts", cloud.root(A))
    seen = cloud.allowed("root asks who it is", sts.get_caller_identity)
    cloud.equal("root of A", (seen["Account"], seen["Arn"]), (A, f"arn:aws:iam::{A}:root"))
    user = cloud.user(A, "who")
    seen = cloud.allowed("a user asks who it is", cloud.client("sts", user).get_caller_identity)
    cloud.equal("user of A", seen["Arn"], f"arn:aws:iam::{A}:user/who")
    forged = Caller(A, user.key, "not-its-secret")
    cloud.refused(
        "a wrong secret", "SignatureDoesNotMatch", "signature we calculated", cloud.client("sts", forged).get_caller_identity
    )
    cloud.refused("KMS with it", "InvalidSignatureException", "signature we calculated", cloud.client("kms", forged).list_keys)
    cloud.refused("S3 with it", "SignatureDoesNotMatch", "signature we calculated", cloud.client("s3", forged).list_buckets)
    stranger = Caller(A, "AKIAIOSFODNN7EXAMPLE", "x")
    cloud.refused("an unknown key id", "InvalidAccessKeyId", "does not exist", cloud.client("s3", stranger).list_buckets)


def keys_and_policies(cloud):
    """A key is used by whom its policy and, where it delegates, identity policies allow."""
    root = cloud.client("kms", cloud.root(A))
    key = cloud.allowed("create a key", root.create_key, Description="smoke")["KeyMetadata"]
    cloud.equal("its state", (key["KeyState"], key["Enabled"], key["KeyManager"]), ("Enabled", True, "CUSTOMER"))
    reader = cloud.user(A, "reader", allow("kms:Decrypt", key["Arn"]))
    nobody = cloud.user(A, "nobody")
    blob = cloud.allowed("encrypt", root.encrypt, KeyId=key["KeyId"], Plaintext=b"secret")["CiphertextBlob"]
    opened = cloud.allowed("decrypt", cloud.client("kms", reader).decrypt, CiphertextBlob=blob)
    cloud.equal("the plaintext comes back", (opened["Plaintext"], opened["KeyId"]), (b"secret", key["Arn"]))
    cloud.refused(
        "a user without permission",
        "AccessDeniedException",
        not_authorized(f"arn:aws:iam::{A}:user/nobody", "kms:Decrypt", key["Arn"], NO_IDENTITY_POLICY.format("kms:Decrypt")),
        cloud.client("kms", nobody).decrypt,
        CiphertextBlob=blob,
        KeyId=key["KeyId"],
    )
    cloud.refused(
        "reading is not writing",
        "AccessDeniedException",
        "not authorized to perform: kms:Encrypt",
        cloud.client("kms", reader).encrypt,
        KeyId=key["Arn"],
        Plaintext=b"x",
    )
    named = policy(
        delegating(A),
        allow("kms:Decrypt", principal={"AWS": f"arn:aws:iam::{A}:user/nobody"}),
        deny("kms:Decrypt", principal={"AWS": f"arn:aws:iam::{A}:user/reader"}),
    )
    cloud.allowed("put a key policy", root.put_key_policy, KeyId=key["KeyId"], Policy=named)
    cloud.allowed("whom the policy names may", cloud.client("kms", nobody).decrypt, CiphertextBlob=blob)
    cloud.refused(
        "whom the policy denies may not",
        "AccessDeniedException",
        "with an explicit deny in a resource-based policy",
        cloud.client("kms", reader).decrypt,
        CiphertextBlob=blob,
        KeyId=key["Arn"],
    )
    cloud.refused(
        "the same without naming the key",
        "AccessDeniedException",
        "^The ciphertext refers to a customer master key that does not exist",
        cloud.client("kms", reader).decrypt,
        CiphertextBlob=blob,
    )
    cloud.refused(
        "a policy that locks everybody out",
        "MalformedPolicyDocumentException",
        "update the key policy in the future",
        root.put_key_policy,
        KeyId=key["KeyId"],
        Policy=policy(allow("kms:Decrypt", principal={"AWS": f"arn:aws:iam::{A}:user/nobody"})),
    )
    # Alias, state, deletion.
    cloud.allowed("an alias", root.create_alias, AliasName="alias/smoke", TargetKeyId=key["KeyId"])
    cloud.allowed("encrypt through it", root.encrypt, KeyId="alias/smoke", Plaintext=b"x")
    cloud.allowed("disable", root.disable_key, KeyId=key["KeyId"])
    cloud.refused("a disabled key", "DisabledException", "is disabled", root.encrypt, KeyId="alias/smoke", Plaintext=b"x")
    cloud.allowed("schedule its deletion", root.schedule_key_deletion, KeyId=key["KeyId"], PendingWindowInDays=7)
    cloud.refused(
        "a key that is pending deletion", "KMSInvalidStateException", "is pending deletion", root.enable_key, KeyId=key["KeyId"]
    )
    cloud.allowed("cancel it", root.cancel_key_deletion, KeyId=key["KeyId"])
    state = cloud.allowed("describe it", root.describe_key, KeyId=key["KeyId"])["KeyMetadata"]["KeyState"]
    cloud.equal("a cancelled deletion leaves it disabled", state, "Disabled")
    cloud.refused("an unknown key", "NotFoundException", "alias/none is not found", root.describe_key, KeyId="alias/none")


def grants(cloud):
    """A grant with an encryption context gives exactly its operation, in exactly its context, until it is revoked."""
    root = cloud.client("kms", cloud.root(A))
    key = root.create_key()["KeyMetadata"]["Arn"]
    worker_arn = cloud.role(A, "Worker", {"AWS": A})
    asker = cloud.user(A, "asker", allow("sts:AssumeRole"))
    worker = cloud.client("kms", cloud.assume(asker, worker_arn, "smoke"))
    context = {"tenant": "blue"}
    blob = root.encrypt(KeyId=key, Plaintext=b"secret", EncryptionContext=context)["CiphertextBlob"]
    session = f"arn:aws:sts::{A}:assumed-role/Worker/smoke"
    denied = not_authorized(session, "kms:Decrypt", key, NO_IDENTITY_POLICY.format("kms:Decrypt"))

    def decrypt(**more):
        return worker.decrypt(CiphertextBlob=blob, KeyId=key, **more)

    cloud.refused("before the grant", "AccessDeniedException", denied, decrypt, EncryptionContext=context)
    grant = cloud.allowed(
        "create a grant",
        root.create_grant,
        KeyId=key,
        GranteePrincipal=worker_arn,
        Operations=["Decrypt"],
        Constraints={"EncryptionContextEquals": context},
        Name="smoke",
    )
    cloud.equal(
        "with the grant", cloud.allowed("decrypt", decrypt, EncryptionContext=context)["Plaintext"], b"secret"
    )
    cloud.refused("in another context", "AccessDeniedException", denied, decrypt, EncryptionContext={"tenant": "red"})
    cloud.refused("without a context", "AccessDeniedException", denied, decrypt)
    cloud.refused(
        "another operation",
        "AccessDeniedException",
        "kms:GenerateDataKey",
        worker.generate_data_key,
        KeyId=key,
        KeySpec="AES_256",
        EncryptionContext=context,
    )
    again = root.create_grant(
        KeyId=key,
        GranteePrincipal=worker_arn,
        Operations=["Decrypt"],
        Constraints={"EncryptionContextEquals": context},
        Name="smoke",
    )
    cloud.equal("the same name is the same grant", again["GrantId"], grant["GrantId"])
    listed = root.list_grants(KeyId=key)["Grants"]
    cloud.equal("one grant is listed", [one["GrantId"] for one in listed], [grant["GrantId"]])
    cloud.equal("with its constraint", listed[0]["Constraints"], {"EncryptionContextEquals": context})
    cloud.refused(
        "revoking is not the grantee's", "AccessDeniedException", "kms:RevokeGrant", worker.revoke_grant, KeyId=key, GrantId=grant["GrantId"]
    )
    cloud.allowed("revoke it", root.revoke_grant, KeyId=key, GrantId=grant["GrantId"])
    cloud.refused("after it", "AccessDeniedException", denied, decrypt, EncryptionContext=context)
    # Grants are eventually consistent; the token makes them work at once.
    cloud.control("POST", "case", {"propagation_seconds": 300})
    try:
        fresh = root.create_grant(KeyId=key, GranteePrincipal=worker_arn, Operations=["Decrypt"])
        cloud.refused("before it has spread", "AccessDeniedException", denied, decrypt, EncryptionContext=context)
        cloud.allowed("with its token", decrypt, EncryptionContext=context, GrantTokens=[fresh["GrantToken"]])
    finally:
        cloud.control("POST", "case", {"propagation_seconds": 0})


def sse_kms(cloud):
    """Uploads and downloads under SSE-KMS need the caller's own permission on the key; multipart needs two."""
    root = cloud.root(A)
    kms, s3 = cloud.client("kms", root), cloud.client("s3", root)
    key = kms.create_key()["KeyMetadata"]["Arn"]
    s3.create_bucket(Bucket="smoke-sse")
    s3.put_bucket_encryption(
        Bucket="smoke-sse",
        ServerSideEncryptionConfiguration={
            "Rules": [{"ApplyServerSideEncryptionByDefault": {"SSEAlgorithm": "aws:kms", "KMSMasterKeyID": key}}]
        },
    )
    objects = [allow(["s3:*"], ["arn:aws:s3:::smoke-sse", "arn:aws:s3:::smoke-sse/*"])]
    writer = cloud.client("s3", cloud.user(A, "writer", *objects, allow("kms:GenerateDataKey", key)))
    both_keys = cloud.user(A, "both", *objects, allow(["kms:GenerateDataKey", "kms:Decrypt"], key))
    without_keys = cloud.user(A, "without", *objects)
    both, without = cloud.client("s3", both_keys), cloud.client("s3", without_keys)
    _, mark = cloud.trail()
    put = cloud.allowed("upload", writer.put_object, Bucket="smoke-sse", Key="a.txt", Body=b"hello")
    cloud.equal("under the bucket's key", (put["ServerSideEncryption"], put["SSEKMSKeyId"]), ("aws:kms", key))
    events = [event for event in cloud.trail(mark)[0] if event["eventSource"] == "kms.amazonaws.com"]
    cloud.equal("one KMS call", [event["eventName"] for event in events], ["GenerateDataKey"])
    cloud.equal(
        "in the context of the object",
        events[0]["requestParameters"]["encryptionContext"],
        {"aws:s3:arn": "arn:aws:s3:::smoke-sse/a.txt"},
    )
    cloud.refused(
        "upload without permission on the key",
        "AccessDenied",
        not_authorized(f"arn:aws:iam::{A}:user/without", "kms:GenerateDataKey", key, NO_IDENTITY_POLICY.format("kms:GenerateDataKey")),
        without.put_object,
        Bucket="smoke-sse",
        Key="b.txt",
        Body=b"x",
    )
    cloud.refused(
        "download without kms:Decrypt",
        "AccessDenied",
        "not authorized to perform: kms:Decrypt on resource: " + re.escape(key),
        writer.get_object,
        Bucket="smoke-sse",
        Key="a.txt",
    )
    cloud.allowed("its head needs no key", writer.head_object, Bucket="smoke-sse", Key="a.txt")
    cloud.allowed("nor does the listing", writer.list_objects_v2, Bucket="smoke-sse")
    place = {"Bucket": "smoke-sse", "Key": "a.txt"}
    got = cloud.allowed("download", both.get_object, **place)
    cloud.equal("the body comes back", got["Body"].read(), b"hello")
    cloud.allowed("SSE-S3 asks for no key", without.put_object, Bucket="smoke-sse", Key="c.txt", Body=b"x", ServerSideEncryption="AES256")

    # Multipart: by hand for the writer, by the transfer manager for the other.
    upload = cloud.allowed("create an upload", writer.create_multipart_upload, Bucket="smoke-sse", Key="big")
    part = {"Bucket": "smoke-sse", "Key": "big", "UploadId": upload["UploadId"]}
    cloud.refused(
        "a part without kms:Decrypt",
        "AccessDenied",
        "not authorized to perform: kms:Decrypt",
        writer.upload_part,
        PartNumber=1,
        Body=b"x",
        **part,
    )
    cloud.allowed("abort it", writer.abort_multipart_upload, **part)
    cloud.refused("it is gone", "NoSuchUpload", "does not exist", both.list_parts, **part)
    body = bytes(range(256)) * 4 * 1024 * 6  # 6 MiB: two parts
    transfer = TransferConfig(multipart_threshold=5 << 20, multipart_chunksize=5 << 20)
    cloud.allowed("upload_fileobj", both.upload_fileobj, io.BytesIO(body), "smoke-sse", "big", Config=transfer)
    head = both.head_object(Bucket="smoke-sse", Key="big")
    cloud.equal("length", head["ContentLength"], len(body))
    cloud.true("an ETag of two parts", head["ETag"].endswith('-2"'))
    whole = io.BytesIO()
    cloud.allowed("download_fileobj", both.download_fileobj, "smoke-sse", "big", whole)
    cloud.true("the same bytes", whole.getvalue() == body)
    # A presigned URL is decided like the call it stands for; only Signature Version 4 is taken (boto3 still presigns with 2 unless told).
    for title, who, version, status, text in [
        ("a presigned URL", both_keys, "s3v4", 200, b"hello"),
        ("one of somebody without the key", without_keys, "s3v4", 403, b"<Code>AccessDenied</Code>"),
        ("one with Signature Version 2", both_keys, "s3", 400, b"Please use AWS4-HMAC-SHA256"),
    ]:
        seen = fetch(cloud.client("s3", who, signature_version=version).generate_presigned_url("get_object", Params=place))
        cloud.equal(title, seen[0], status)
        cloud.true(f"{title} answers {text!r}, saw {seen[1]!r}", text in seen[1])


def fetch(url):
    """Status and body of a URL, without credentials."""
    try:
        with urllib.request.urlopen(url, timeout=30) as answer:
            return answer.status, answer.read()
    except urllib.error.HTTPError as error:
        return error.code, error.read()


def cross_account(cloud):
    """Another account reads when bucket policy, key policy and its own identity policies all allow it.

    S3 says no more than Access Denied to other accounts; what KMS says comes through.
    """
    owner = cloud.root(A)
    kms, s3 = cloud.client("kms", owner), cloud.client("s3", owner)
    key = kms.create_key()["KeyMetadata"]["Arn"]
    s3.create_bucket(Bucket="smoke-shared")
    s3.put_object(Bucket="smoke-shared", Key="x", Body=b"shared", ServerSideEncryption="aws:kms", SSEKMSKeyId=key)
    partner = cloud.user(B, "partner")
    reading, own_iam = cloud.client("s3", partner), cloud.client("iam", cloud.root(B))
    arn = f"arn:aws:iam::{B}:user/partner"

    def read():
        return reading.get_object(Bucket="smoke-shared", Key="x")["Body"].read()

    def own(*statements):
        own_iam.put_user_policy(UserName="partner", PolicyName="p", PolicyDocument=policy(*statements))

    get = allow("s3:GetObject", "arn:aws:s3:::smoke-shared/*")
    own(get)
    cloud.refused("no bucket policy", "AccessDenied", "^Access Denied$", read)
    s3.put_bucket_policy(
        Bucket="smoke-shared", Policy=policy(allow("s3:GetObject", "arn:aws:s3:::smoke-shared/*", {"AWS": arn}))
    )
    cloud.refused("no key policy", "AccessDenied", "kms:Decrypt", read)
    kms.put_key_policy(KeyId=key, Policy=policy(delegating(A), allow("kms:Decrypt", principal={"AWS": arn})))
    cloud.refused(
        "no own permission on the key", "AccessDenied", NO_IDENTITY_POLICY.format("kms:Decrypt"), read
    )
    own(get, allow("kms:Decrypt", key))
    cloud.equal("all three", cloud.allowed("read", read), b"shared")
    own(allow("kms:Decrypt", key))
    cloud.refused("no own permission on the object", "AccessDenied", "^Access Denied$", read)
    own(get, allow("kms:*", key))
    cloud.refused(
        "managing a key never crosses accounts", "AccessDeniedException", "kms:DisableKey", cloud.client("kms", partner).disable_key, KeyId=key
    )


def lambda_grant(cloud):
    """Lambda keeps its environment under a key through a grant for one function; without it a cold start fails."""
    root = cloud.root(A)
    kms, functions = cloud.client("kms", root), cloud.client("lambda", root)
    key = kms.create_key()["KeyMetadata"]["Arn"]
    role = cloud.role(A, "fn-role", {"Service": "lambda.amazonaws.com"}, allow("logs:*"))
    code = io.BytesIO()
    with zipfile.ZipFile(code, "w") as archive:
        archive.writestr("index.py", "def handler(event, context):\n    return {'statusCode': 200}\n")
    made = cloud.allowed(
        "create a function",
        functions.create_function,
        FunctionName="fn",
        Role=role,
        Runtime="python3.12",
        Handler="index.handler",
        Code={"ZipFile": code.getvalue()},
    )
    functions.get_waiter("function_active").wait(FunctionName="fn")
    cloud.allowed(
        "an environment under the key",
        functions.update_function_configuration,
        FunctionName="fn",
        KMSKeyArn=key,
        Environment={"Variables": {"SECRET": "value"}},
    )
    functions.get_waiter("function_updated").wait(FunctionName="fn")
    listed = kms.list_grants(KeyId=key)["Grants"]
    cloud.equal("one grant", len(listed), 1)
    cloud.equal("for the function", listed[0]["Constraints"], {"EncryptionContextEquals": {"aws:lambda:FunctionArn": made["FunctionArn"]}})
    cloud.equal("to the session of the function", listed[0]["GranteePrincipal"], f"arn:aws:sts::{A}:assumed-role/fn-role/fn")
    cold = {"function": {"account": A, "region": REGION, "name": "fn", "cold": True}}
    answer = cloud.allowed("invoke", functions.invoke, FunctionName="fn")
    cloud.equal("it answers", answer["StatusCode"], 200)
    cloud.allowed("revoke the grant", kms.revoke_grant, KeyId=key, GrantId=listed[0]["GrantId"])
    cloud.allowed("a warm environment asks nobody", functions.invoke, FunctionName="fn")
    cloud.control("POST", "arrange", cold)
    cloud.refused("a cold start", "KMSAccessDeniedException", "KMS access was denied", functions.invoke, FunctionName="fn")
    limited = cloud.user(A, "deployer", allow("lambda:*"))
    cloud.refused(
        "who configures needs the key",
        "AccessDeniedException",
        "kms:Encrypt|kms:CreateGrant",
        cloud.client("lambda", limited).update_function_configuration,
        FunctionName="fn",
        KMSKeyArn=key,
        Environment={"Variables": {"SECRET": "other"}},
    )


def backup_job(cloud):
    """A backup job is the service's own use of the vault's key: a Deny by principal ARN kills it."""
    root = cloud.root(A)
    kms, backup, tables = cloud.client("kms", root), cloud.client("backup", root), cloud.client("dynamodb", root)
    key = kms.create_key()["KeyMetadata"]["Arn"]
    role = cloud.role(A, "backup-role", {"Service": "backup.amazonaws.com"}, allow("dynamodb:*"))
    table = tables.create_table(
        TableName="smoke",
        AttributeDefinitions=[{"AttributeName": "id", "AttributeType": "S"}],
        KeySchema=[{"AttributeName": "id", "KeyType": "HASH"}],
        BillingMode="PAY_PER_REQUEST",
    )["TableDescription"]["TableArn"]
    tables.get_waiter("table_exists").wait(TableName="smoke")
    cloud.allowed("a vault", backup.create_backup_vault, BackupVaultName="vault", EncryptionKeyArn=key)

    def job():
        started = backup.start_backup_job(BackupVaultName="vault", ResourceArn=table, IamRoleArn=role)
        return backup.describe_backup_job(BackupJobId=started["BackupJobId"])

    cloud.equal("a job", cloud.allowed("start", job)["State"], "COMPLETED")
    me = {"aws:PrincipalArn": [f"arn:aws:iam::{A}:root"]}
    kms.put_key_policy(KeyId=key, Policy=policy(delegating(A), deny("kms:*", principal="*", condition={"StringNotEquals": me})))
    failed = cloud.allowed("start", job)
    cloud.equal("a Deny for all but one", failed["State"], "FAILED")
    cloud.true("says so", "access to KMS key is denied" in failed["StatusMessage"])
    cured = {"StringNotEquals": me, "BoolIfExists": {"aws:PrincipalIsAWSService": "false"}}
    kms.put_key_policy(KeyId=key, Policy=policy(delegating(A), deny("kms:*", principal="*", condition=cured)))
    cloud.equal("one that spares services", cloud.allowed("start", job)["State"], "COMPLETED")
    service = cloud.client("kms", cloud.service("backup.amazonaws.com"))
    cloud.refused(
        "a service principal without a grant", "AccessDeniedException", "kms:Encrypt", service.encrypt, KeyId=key, Plaintext=b"x"
    )


def trail(cloud):
    """Each KMS call leaves an event that says who did what, and how it ended."""
    root = cloud.client("kms", cloud.root(A))
    user = cloud.client("kms", cloud.user(A, "watched"))
    key = root.create_key()["KeyMetadata"]["Arn"]
    _, mark = cloud.trail()
    root.encrypt(KeyId=key, Plaintext=b"x", EncryptionContext={"a": "b"})
    cloud.refused("a user without permission", "AccessDeniedException", "kms:DescribeKey", user.describe_key, KeyId=key)
    events, following = cloud.trail(mark)
    cloud.equal("two events", [event["eventName"] for event in events], ["Encrypt", "DescribeKey"])
    cloud.equal("numbers go on", cloud.trail(following)[0], [])
    first, second = events
    cloud.equal("who", first["userIdentity"]["arn"], f"arn:aws:iam::{A}:root")
    cloud.equal("in which context", first["requestParameters"]["encryptionContext"], {"a": "b"})
    cloud.true("no plaintext", "plaintext" not in str(first["requestParameters"]).lower())
    cloud.equal("no error", first.get("errorCode"), None)
    cloud.equal("an error", second["errorCode"], "AccessDenied")
    cloud.true("in its words", "is not authorized to perform: kms:DescribeKey" in second["errorMessage"])


def main():
    cloud = Cloud()
    for title, story in [
        ("callers and wrong signatures", caller_identity),
        ("keys and key policies", keys_and_policies),
        ("grants with an encryption context", grants),
        ("SSE-KMS uploads, multipart, presigned URLs", sse_kms),
        ("reading from another account", cross_account),
        ("Lambda's grant", lambda_grant),
        ("a Backup job", backup_job),
        ("the trail", trail),
    ]:
        with cloud.story(title):
            story(cloud)
    cloud.finish("smoke")


if __name__ == "__main__":
    main()
