"""What a Terraform run does to a key, as boto3 calls in the provider's order: create with policy and alias, read everything back,
plan without a change, tag, grant, update the policy, apply again, destroy.

The provider decides "no change" by comparing what it reads with what it wrote, so every read must give back what was written, in the
form AWS gives it.
"""

import json

from smoke_support import ADMINISTRATOR, A, Cloud, allow, delegating, policy

ALIAS = "alias/terraform"


def equivalent(one, other):
    """Whether two policies are the same to the provider: the order of members and a list of one do not count."""
    return normal(json.loads(one)) == normal(json.loads(other))


def normal(value):
    if isinstance(value, dict):
        return {name: normal(member) for name, member in value.items()}
    if isinstance(value, list):
        return normal(value[0]) if len(value) == 1 else sorted((normal(member) for member in value), key=json.dumps)
    return value


class Key:
    """The resources `aws_kms_key`, `aws_kms_alias` and `aws_kms_grant` of one configuration."""

    def __init__(self, cloud, kms):
        self.cloud, self.kms = cloud, kms
        self.key_id = self.arn = self.grant = None

    def create(self, wanted):
        made = self.kms.create_key(
            Description=wanted["description"],
            KeyUsage="ENCRYPT_DECRYPT",
            KeySpec="SYMMETRIC_DEFAULT",
            Policy=wanted["policy"],
            MultiRegion=False,
            Tags=[{"TagKey": name, "TagValue": value} for name, value in wanted["tags"].items()],
        )["KeyMetadata"]
        self.key_id, self.arn = made["KeyId"], made["Arn"]
        self.kms.create_alias(AliasName=ALIAS, TargetKeyId=self.key_id)
        if wanted["rotation"]:
            self.kms.enable_key_rotation(KeyId=self.key_id)

    def read(self):
        """Everything that the provider reads on a refresh."""
        metadata = self.kms.describe_key(KeyId=self.key_id)["KeyMetadata"]
        by_arn = self.kms.describe_key(KeyId=self.arn)["KeyMetadata"]
        by_alias = self.kms.describe_key(KeyId=ALIAS)["KeyMetadata"]
        self.cloud.true("the three descriptions agree", metadata == by_arn == by_alias)
        names = self.kms.list_key_policies(KeyId=self.key_id)["PolicyNames"]
        self.cloud.equal("policy names", names, ["default"])
        aliases = [one for page in self.kms.get_paginator("list_aliases").paginate(KeyId=self.key_id) for one in page["Aliases"]]
        listed = [one["KeyId"] for page in self.kms.get_paginator("list_keys").paginate() for one in page["Keys"]]
        self.cloud.true("the key is listed", self.key_id in listed)
        return {
            "description": metadata["Description"],
            "enabled": metadata["Enabled"],
            "policy": self.kms.get_key_policy(KeyId=self.key_id, PolicyName="default")["Policy"],
            "rotation": self.kms.get_key_rotation_status(KeyId=self.key_id)["KeyRotationEnabled"],
            "tags": {tag["TagKey"]: tag["TagValue"] for tag in self.kms.list_resource_tags(KeyId=self.key_id)["Tags"]},
            "aliases": [(one["AliasName"], one["TargetKeyId"]) for one in aliases],
            "grants": [grant["GrantId"] for grant in self.kms.list_grants(KeyId=self.key_id)["Grants"]],
        }

    def plan(self, wanted):
        """What is not as wanted; nothing for a configuration that is applied."""
        seen = self.read()
        changes = [name for name in ("description", "rotation", "tags") if seen[name] != wanted[name]]
        if not equivalent(seen["policy"], wanted["policy"]):
            changes.append("policy")
        if seen["aliases"] != [(ALIAS, self.key_id)]:
            changes.append("alias")
        if wanted["grant"] and seen["grants"] != [self.grant] or not wanted["grant"] and seen["grants"]:
            changes.append("grant")
        return changes

    def apply(self, wanted):
        """Makes the planned changes; gives them back."""
        changes = self.plan(wanted)
        if "description" in changes:
            self.kms.update_key_description(KeyId=self.key_id, Description=wanted["description"])
        if "policy" in changes:
            self.kms.put_key_policy(KeyId=self.key_id, PolicyName="default", Policy=wanted["policy"])
        if "rotation" in changes:
            (self.kms.enable_key_rotation if wanted["rotation"] else self.kms.disable_key_rotation)(KeyId=self.key_id)
        if "tags" in changes:
            have = self.read()["tags"]
            gone = [name for name in have if name not in wanted["tags"]]
            if gone:
                self.kms.untag_resource(KeyId=self.key_id, TagKeys=gone)
            self.kms.tag_resource(
                KeyId=self.key_id, Tags=[{"TagKey": name, "TagValue": value} for name, value in wanted["tags"].items()]
            )
        if "grant" in changes and wanted["grant"]:
            self.grant = self.kms.create_grant(KeyId=self.key_id, **wanted["grant"])["GrantId"]
        elif "grant" in changes:
            self.kms.revoke_grant(KeyId=self.key_id, GrantId=self.grant)
            self.grant = None
        return changes

    def destroy(self):
        """Dependents first, as the provider does."""
        if self.grant:
            self.kms.revoke_grant(KeyId=self.key_id, GrantId=self.grant)
        self.kms.delete_alias(AliasName=ALIAS)
        self.kms.schedule_key_deletion(KeyId=self.key_id, PendingWindowInDays=7)


def key_life(cloud):
    """The whole life of a key under configuration."""
    terraform = cloud.user(A, "terraform", managed=[ADMINISTRATOR])
    app = cloud.role(A, "app", {"AWS": A})
    session = cloud.assume(cloud.user(A, "app-user", allow("sts:AssumeRole")), app, "run")
    kms = cloud.client("kms", terraform)
    wanted = {
        "description": "made by configuration",
        # Written as people write it: members in any order, a list of one, spaces.
        "policy": json.dumps(
            {
                "Statement": [
                    {
                        "Resource": "*",
                        "Principal": {"AWS": [f"arn:aws:iam::{A}:root"]},
                        "Sid": "Enable IAM User Permissions",
                        "Effect": "Allow",
                        "Action": ["kms:*"],
                    }
                ],
                "Version": "2012-10-17",
            },
            indent=4,
        ),
        "rotation": True,
        "tags": {"team": "storage", "stage": "test"},
        "grant": None,
    }
    key = Key(cloud, kms)
    cloud.allowed("create", key.create, wanted)
    cloud.equal("a plan after it", key.plan(wanted), [])
    principals = json.loads(key.read()["policy"])["Statement"][0]["Principal"]
    cloud.equal("the principal is read back as an ARN", normal(principals), {"AWS": f"arn:aws:iam::{A}:root"})

    # Tags.
    wanted["tags"] = {"team": "storage", "stage": "live", "cost": "7"}
    cloud.equal("tags", cloud.allowed("apply", key.apply, wanted), ["tags"])
    cloud.equal("again", cloud.allowed("apply", key.apply, wanted), [])
    del wanted["tags"]["cost"]
    cloud.equal("a tag goes", cloud.allowed("apply", key.apply, wanted), ["tags"])
    cloud.equal("again", cloud.allowed("apply", key.apply, wanted), [])

    # A grant for the application.
    using = cloud.client("kms", session)
    cloud.refused("before the grant", "AccessDeniedException", "kms:Encrypt", using.encrypt, KeyId=key.arn, Plaintext=b"x")
    wanted["grant"] = {
        "GranteePrincipal": app,
        "Operations": ["Encrypt", "Decrypt"],
        "Constraints": {"EncryptionContextSubset": {"app": "one"}},
        "Name": "app",
    }
    cloud.equal("a grant", cloud.allowed("apply", key.apply, wanted), ["grant"])
    cloud.equal("again", cloud.allowed("apply", key.apply, wanted), [])
    context = {"app": "one", "row": "5"}
    cloud.allowed("with the grant", using.encrypt, KeyId=key.arn, Plaintext=b"x", EncryptionContext=context)

    # The policy names a role; the role must exist, and its ARN is read back, not its id.
    wanted["policy"] = policy(delegating(A), allow(["kms:Decrypt", "kms:DescribeKey"], principal={"AWS": app}))
    cloud.equal("a policy", cloud.allowed("apply", key.apply, wanted), ["policy"])
    cloud.equal("again", cloud.allowed("apply", key.apply, wanted), [])
    nobody = policy(delegating(A), allow("kms:Decrypt", principal={"AWS": f"arn:aws:iam::{A}:role/not-there"}))
    cloud.refused(
        "a role that is not there",
        "MalformedPolicyDocumentException",
        "invalid principals",
        kms.put_key_policy,
        KeyId=key.key_id,
        Policy=nobody,
    )
    cloud.equal("nothing has changed", key.plan(wanted), [])

    # Description and rotation.
    wanted |= {"description": "changed", "rotation": False}
    cloud.equal("two at once", cloud.allowed("apply", key.apply, wanted), ["description", "rotation"])
    cloud.equal("again", cloud.allowed("apply", key.apply, wanted), [])

    # Destroy: what is gone is gone, and the key waits.
    cloud.allowed("destroy", key.destroy)
    cloud.refused("the alias", "NotFoundException", "is not found", kms.describe_key, KeyId=ALIAS)
    cloud.refused("the grant", "AccessDeniedException", "kms:Decrypt|kms:Encrypt", using.encrypt, KeyId=key.arn, Plaintext=b"x", EncryptionContext=context)
    left = cloud.allowed("describe", kms.describe_key, KeyId=key.arn)["KeyMetadata"]
    cloud.equal("pending", (left["KeyState"], left["Enabled"]), ("PendingDeletion", False))
    cloud.true("with a date", left["DeletionDate"] is not None)
    cloud.refused(
        "twice", "KMSInvalidStateException", "is pending deletion", kms.schedule_key_deletion, KeyId=key.key_id
    )
    # The same names can be made again.
    second = Key(cloud, kms)
    cloud.allowed("create again", second.create, wanted | {"policy": policy(delegating(A))})
    cloud.true("another key", second.key_id != key.key_id)
    cloud.allowed("destroy again", second.destroy)


def bucket_life(cloud):
    """The resources around a bucket, each read back as written, and destroyed."""
    terraform = cloud.user(A, "terraform-s3", managed=[ADMINISTRATOR])
    s3, kms = cloud.client("s3", terraform), cloud.client("kms", terraform)
    key = kms.create_key()["KeyMetadata"]["Arn"]
    bucket = {"Bucket": "smoke-terraform"}
    s3.create_bucket(**bucket)
    s3.get_waiter("bucket_exists").wait(**bucket)
    encryption = {
        "Rules": [
            {"ApplyServerSideEncryptionByDefault": {"SSEAlgorithm": "aws:kms", "KMSMasterKeyID": key}, "BucketKeyEnabled": True}
        ]
    }
    block = {"BlockPublicAcls": True, "IgnorePublicAcls": True, "BlockPublicPolicy": True, "RestrictPublicBuckets": True}
    owners = {"Rules": [{"ObjectOwnership": "BucketOwnerEnforced"}]}
    tls = policy(
        {
            "Sid": "OnlyTls",
            "Effect": "Deny",
            "Principal": "*",
            "Action": "s3:PutObject",
            "Resource": "arn:aws:s3:::smoke-terraform/*",
            "Condition": {"Null": {"s3:x-amz-server-side-encryption": "false"}},
        }
    )
    for _ in range(2):  # Applied twice: the second time changes nothing.
        s3.put_bucket_encryption(ServerSideEncryptionConfiguration=encryption, **bucket)
        s3.put_public_access_block(PublicAccessBlockConfiguration=block, **bucket)
        s3.put_bucket_ownership_controls(OwnershipControls=owners, **bucket)
        s3.put_bucket_versioning(VersioningConfiguration={"Status": "Enabled"}, **bucket)
        s3.put_bucket_tagging(Tagging={"TagSet": [{"Key": "team", "Value": "storage"}]}, **bucket)
        s3.put_bucket_policy(Policy=tls, **bucket)
        rules = s3.get_bucket_encryption(**bucket)["ServerSideEncryptionConfiguration"]["Rules"]
        cloud.equal("encryption", [{name: rule[name] for name in encryption["Rules"][0]} for rule in rules], encryption["Rules"])
        cloud.equal("public access block", s3.get_public_access_block(**bucket)["PublicAccessBlockConfiguration"], block)
        cloud.equal("ownership", s3.get_bucket_ownership_controls(**bucket)["OwnershipControls"], owners)
        cloud.equal("versioning", s3.get_bucket_versioning(**bucket)["Status"], "Enabled")
        cloud.equal("tags", s3.get_bucket_tagging(**bucket)["TagSet"], [{"Key": "team", "Value": "storage"}])
        cloud.true("policy", equivalent(s3.get_bucket_policy(**bucket)["Policy"], tls))
    cloud.allowed("upload with the bucket's encryption", s3.put_object, Key="x", Body=b"x", **bucket)
    cloud.refused(
        "upload that names its own",
        "AccessDenied",
        "with an explicit deny in a resource-based policy",
        s3.put_object,
        Key="x",
        Body=b"x",
        ServerSideEncryption="AES256",
        **bucket,
    )
    cloud.refused("a bucket that is not empty", "BucketNotEmpty", "not empty", s3.delete_bucket, **bucket)
    # force_destroy: every version, then the bucket.
    for page in s3.get_paginator("list_object_versions").paginate(**bucket):
        doomed = page.get("Versions", []) + page.get("DeleteMarkers", [])
        objects = [{"Key": one["Key"], "VersionId": one["VersionId"]} for one in doomed]
        answer = s3.delete_objects(Delete={"Objects": objects}, **bucket)
        cloud.true("no errors", not answer.get("Errors"))
    cloud.allowed("destroy", s3.delete_bucket, **bucket)
    s3.get_waiter("bucket_not_exists").wait(**bucket)
    cloud.refused("its policy", "NoSuchBucket", "does not exist", s3.get_bucket_policy, **bucket)


def main():
    cloud = Cloud()
    with cloud.story("a key under configuration"):
        key_life(cloud)
    with cloud.story("a bucket under configuration"):
        bucket_life(cloud)
    cloud.finish("smoke_terraform")


if __name__ == "__main__":
    main()
