"""Pages, waiters, the command line: what people lean on without thinking.

Every listing is read through boto3's paginator with a small page and must give the same, complete and without repetition, as one big
page; what is listed is what is described.
"""

import os
import subprocess

from smoke_support import A, Cloud, Failed, allow, policy


def pages(cloud, client, operation, member, key, size, expected, **parameters):
    """Reads a listing in pages of `size` and whole; both must be `expected`."""
    paginator = client.get_paginator(operation)
    read = list(paginator.paginate(PaginationConfig={"PageSize": size}, **parameters))
    cloud.equal(f"{operation}: pages of {size}", len(read), -(-len(expected) // size))
    small = [key(one) for page in read for one in page.get(member, [])]
    cloud.equal(f"{operation} in pages, in order", small, expected)
    whole = [key(one) for one in paginator.paginate(**parameters).build_full_result().get(member, [])]
    cloud.equal(f"{operation} whole", whole, expected)
    # MaxItems ends inside a page; the token that boto3 makes of it goes on there.
    first = paginator.paginate(PaginationConfig={"PageSize": size, "MaxItems": size + 1}, **parameters).build_full_result()
    rest = paginator.paginate(PaginationConfig={"StartingToken": first["NextToken"]}, **parameters).build_full_result()
    resumed = [key(one) for one in first[member] + rest[member]]
    cloud.equal(f"{operation} resumed", resumed, expected)


def kms_pages(cloud):
    """Keys, aliases, grants, tags, rotations, retirable grants."""
    # An account of its own: nobody else's keys.
    account = "777788889999"
    kms = cloud.client("kms", cloud.root(account))
    arns = [kms.create_key()["KeyMetadata"]["Arn"] for _ in range(7)]
    key = arns[0]
    listed = [one["KeyArn"] for one in kms.list_keys(Limit=1000)["Keys"]]
    cloud.equal("all keys are listed", sorted(listed), sorted(arns))
    pages(cloud, kms, "list_keys", "Keys", lambda one: one["KeyArn"], 3, listed)
    for arn in arns:
        metadata = kms.describe_key(KeyId=arn)["KeyMetadata"]
        cloud.equal("what is listed is described", metadata["Arn"], arn)
    names = sorted(f"alias/a{number}" for number in range(7))
    for name in names:
        kms.create_alias(AliasName=name, TargetKeyId=key)
    seen = [one["AliasName"] for one in kms.list_aliases(KeyId=key)["Aliases"]]
    cloud.equal("all aliases are listed", sorted(seen), names)
    pages(cloud, kms, "list_aliases", "Aliases", lambda one: one["AliasName"], 2, seen, KeyId=key)
    grantee = f"arn:aws:iam::{account}:root"
    grants = [
        kms.create_grant(KeyId=key, GranteePrincipal=grantee, RetiringPrincipal=grantee, Operations=["Decrypt"])["GrantId"]
        for _ in range(5)
    ]
    seen = [one["GrantId"] for one in kms.list_grants(KeyId=key)["Grants"]]
    cloud.equal("all grants are listed", sorted(seen), sorted(grants))
    pages(cloud, kms, "list_grants", "Grants", lambda one: one["GrantId"], 2, seen, KeyId=key)
    seen = [one["GrantId"] for one in kms.list_retirable_grants(RetiringPrincipal=grantee)["Grants"]]
    cloud.equal("all retirable grants are listed", sorted(seen), sorted(grants))
    pages(
        cloud, kms, "list_retirable_grants", "Grants", lambda one: one["GrantId"], 2, seen, RetiringPrincipal=grantee
    )
    kms.tag_resource(KeyId=key, Tags=[{"TagKey": f"t{number}", "TagValue": "v"} for number in range(5)])
    seen = [one["TagKey"] for one in kms.list_resource_tags(KeyId=key)["Tags"]]
    cloud.equal("all tags are listed", sorted(seen), [f"t{number}" for number in range(5)])
    pages(cloud, kms, "list_resource_tags", "Tags", lambda one: one["TagKey"], 2, seen, KeyId=key)
    cloud.refused("an impossible page", "ValidationException", "", kms.list_keys, Limit=1001)
    cloud.refused("an invented marker", "InvalidMarkerException", "", kms.list_keys, Marker="invented")


def s3_pages(cloud):
    """Objects, versions, uploads, parts, buckets."""
    s3 = cloud.client("s3", cloud.root("777788889999"))
    bucket = {"Bucket": "smoke-pages"}
    s3.create_bucket(**bucket)
    s3.put_bucket_versioning(VersioningConfiguration={"Status": "Enabled"}, **bucket)
    names = sorted(["a/1", "a/2", "b", "c d", "e+f", "g%2Fh", "ü"], key=lambda name: name.encode())
    for name in names:
        s3.put_object(Key=name, Body=name.encode(), **bucket)

    def key_of(one):
        return one["Key"]

    pages(cloud, s3, "list_objects_v2", "Contents", key_of, 3, names, **bucket)
    pages(cloud, s3, "list_objects", "Contents", key_of, 3, names, **bucket)
    for name in names:
        body = s3.get_object(Key=name, **bucket)["Body"].read()
        cloud.equal("what is listed is read", body, name.encode())
    grouped = s3.list_objects_v2(Delimiter="/", **bucket)
    cloud.equal("groups", [one["Prefix"] for one in grouped["CommonPrefixes"]], ["a/"])
    s3.put_object(Key="b", Body=b"second", **bucket)
    s3.delete_object(Key="a/1", **bucket)
    read = list(s3.get_paginator("list_object_versions").paginate(PaginationConfig={"PageSize": 2}, **bucket))
    versions = [(one["Key"], one["VersionId"]) for page in read for one in page.get("Versions", [])]
    markers = [one["Key"] for page in read for one in page.get("DeleteMarkers", [])]
    cloud.equal("all versions", sorted(name for name, _ in versions), sorted([*names, "b"]))
    cloud.equal("each once", len(set(versions)), len(versions))
    cloud.equal("the delete marker", markers, ["a/1"])
    uploads = [
        s3.create_multipart_upload(Key=f"up{number}", **bucket)["UploadId"] for number in range(5)
    ]
    pages(cloud, s3, "list_multipart_uploads", "Uploads", lambda one: one["UploadId"], 2, uploads, **bucket)
    for number in range(1, 6):
        s3.upload_part(Key="up0", UploadId=uploads[0], PartNumber=number, Body=b"x", **bucket)
    pages(
        cloud, s3, "list_parts", "Parts", lambda one: one["PartNumber"], 2, [1, 2, 3, 4, 5], Key="up0", UploadId=uploads[0], **bucket
    )
    more = [f"smoke-pages-{number}" for number in range(4)]
    for name in more:
        s3.create_bucket(Bucket=name)
    pages(cloud, s3, "list_buckets", "Buckets", lambda one: one["Name"], 2, ["smoke-pages", *more])


def iam_pages(cloud):
    """Users and roles."""
    iam = cloud.client("iam", cloud.root("777788889999"))
    names = [f"user{number}" for number in range(5)]
    for name in names:
        iam.create_user(UserName=name)
        iam.get_waiter("user_exists").wait(UserName=name)
    pages(cloud, iam, "list_users", "Users", lambda one: one["UserName"], 2, names)
    trust = policy({"Effect": "Allow", "Principal": {"AWS": A}, "Action": "sts:AssumeRole"})
    roles = [f"role{number}" for number in range(4)]
    for name in roles:
        iam.create_role(RoleName=name, AssumeRolePolicyDocument=trust)
        iam.get_waiter("role_exists").wait(RoleName=name)
    pages(cloud, iam, "list_roles", "Roles", lambda one: one["RoleName"], 2, roles)
    document = policy(allow("s3:ListAllMyBuckets"))
    arn = iam.create_policy(PolicyName="p", PolicyDocument=document)["Policy"]["Arn"]
    iam.get_waiter("policy_exists").wait(PolicyArn=arn)
    cloud.true("waiters of IAM", True)


def waiters(cloud):
    """Waiters end when the thing is there, and when it is gone."""
    s3 = cloud.client("s3", cloud.root(A))
    bucket, quick = {"Bucket": "smoke-waiters"}, {"Delay": 1, "MaxAttempts": 2}
    s3.get_waiter("bucket_not_exists").wait(WaiterConfig=quick, **bucket)
    s3.create_bucket(**bucket)
    s3.get_waiter("bucket_exists").wait(WaiterConfig=quick, **bucket)
    s3.get_waiter("object_not_exists").wait(Key="x", WaiterConfig=quick, **bucket)
    s3.put_object(Key="x", Body=b"x", **bucket)
    s3.get_waiter("object_exists").wait(Key="x", WaiterConfig=quick, **bucket)
    s3.delete_object(Key="x", **bucket)
    s3.get_waiter("object_not_exists").wait(Key="x", WaiterConfig=quick, **bucket)
    s3.delete_bucket(**bucket)
    s3.get_waiter("bucket_not_exists").wait(WaiterConfig=quick, **bucket)
    cloud.true("waiters of S3", True)


def command_line(cloud):
    """The `aws` command, as in README."""
    environment = os.environ | {
        "AWS_ACCESS_KEY_ID": A,
        "AWS_SECRET_ACCESS_KEY": cloud.root_secret,
        "AWS_REGION": "us-east-1",
        "AWS_DEFAULT_REGION": "us-east-1",
        "AWS_CONFIG_FILE": os.devnull,
        "AWS_SHARED_CREDENTIALS_FILE": os.devnull,
    }

    def aws(*words, given=None, **changed):
        done = subprocess.run(
            ["aws", *words], input=given, env=environment | changed, capture_output=True, text=True, timeout=120, check=False
        )
        return done.returncode, done.stdout.strip(), done.stderr.strip()

    def works(*words, given=None):
        code, out, error = aws(*words, given=given)
        if code != 0:
            raise Failed(f"aws {' '.join(words)}: exit code {code}: {error}")
        cloud.true(" ".join(words[:2]), True)
        return out

    key = works("kms", "create-key", "--query", "KeyMetadata.KeyId", "--output", "text")
    works("kms", "create-alias", "--alias-name", "alias/cli", "--target-key-id", key)
    works("s3", "mb", "s3://smoke-cli")
    works("s3", "cp", "-", "s3://smoke-cli/a b.txt", "--sse", "aws:kms", "--sse-kms-key-id", "alias/cli", given="hello")
    cloud.equal("s3 cp", works("s3", "cp", "s3://smoke-cli/a b.txt", "-"), "hello")
    cloud.true("s3 ls", works("s3", "ls", "s3://smoke-cli").endswith("a b.txt"))
    works("kms", "disable-key", "--key-id", key)
    code, _, error = aws("s3", "cp", "s3://smoke-cli/a b.txt", "-")
    cloud.equal("its exit code under a disabled key", code, 1)
    cloud.true(f"its text: {error}", "KMS.DisabledException" in error and "is disabled" in error)
    nobody = cloud.user(A, "cli")
    code, _, error = aws("kms", "list-keys", AWS_ACCESS_KEY_ID=nobody.key, AWS_SECRET_ACCESS_KEY=nobody.secret)
    cloud.true("a refused call fails", code not in (0, 1))
    cloud.true(f"its text: {error}", "(AccessDeniedException)" in error and "kms:ListKeys" in error)
    works("s3", "rb", "--force", "s3://smoke-cli")


def main():
    cloud = Cloud()
    for title, story in [
        ("pages of KMS", kms_pages),
        ("pages of S3", s3_pages),
        ("pages and waiters of IAM", iam_pages),
        ("waiters of S3", waiters),
        ("the aws command", command_line),
    ]:
        with cloud.story(title):
            story(cloud)
    cloud.finish("smoke_paging")


if __name__ == "__main__":
    main()
