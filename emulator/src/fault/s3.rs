//! Faults in S3's own checks: permissions, ACLs, Block Public Access, settings of buckets.
//! Registry entries only: what a fault does stands where the right code stands.

use super::{Fault, FaultEntry, request, world};

pub(super) const ENTRIES: &[FaultEntry] = &[
    world(
        Fault::HeadObjectAsOwnAction,
        "head-object-as-own-action",
        "svc:S-26",
        "HeadObject asks for s3:HeadObject",
    )
    .stands_for("ministack#1588"),
    world(
        Fault::HeadBucketAsOwnAction,
        "head-bucket-as-own-action",
        "svc:S-26",
        "HeadBucket asks for s3:HeadBucket",
    )
    .stands_for("ministack#1588"),
    world(
        Fault::ListObjectsV2AsOwnAction,
        "list-objects-v2-as-own-action",
        "svc:S-26",
        "ListObjectsV2 asks for s3:ListObjectsV2",
    )
    .stands_for("fakecloud 0.51.0"),
    world(
        Fault::ListVersionsAsListBucket,
        "list-versions-as-list-bucket",
        "svc:S-26",
        "ListObjectVersions asks for s3:ListBucket",
    ),
    world(
        Fault::UploadPartAsOwnAction,
        "upload-part-as-own-action",
        "svc:S-16",
        "UploadPart asks for s3:UploadPart",
    )
    .stands_for("ministack#1588"),
    world(
        Fault::VersionReadAsPlainRead,
        "version-read-as-plain-read",
        "svc:S-43",
        "reading a version asks for s3:GetObject",
    )
    .stands_for("GHSA-3ppv-fx5m-m749"),
    world(
        Fault::VersionDeleteAsPlainDelete,
        "version-delete-as-plain-delete",
        "svc:S-43",
        "deleting a version asks for s3:DeleteObject",
    ),
    world(
        Fault::AttributesActionUnasked,
        "attributes-action-unasked",
        "svc:S-26",
        "GetObjectAttributes asks for s3:GetObject only",
    ),
    world(
        Fault::DeleteObjectsCheckedOnce,
        "delete-objects-checked-once",
        "svc:S-26",
        "DeleteObjects asks about its first key only",
    ),
    world(
        Fault::CopySourceUnchecked,
        "copy-source-unchecked",
        "svc:S-18",
        "CopyObject asks nothing about its source",
    )
    .stands_for("seaweedfs#9555"),
    world(
        Fault::PartCopySourceUnchecked,
        "part-copy-source-unchecked",
        "svc:S-16",
        "UploadPartCopy asks nothing about its source",
    )
    .stands_for("GHSA-mx42-j6wv-px98"),
    world(
        Fault::CompleteUploadUnchecked,
        "complete-upload-unchecked",
        "svc:S-16",
        "CompleteMultipartUpload asks nothing",
    )
    .stands_for("GHSA-mx42-j6wv-px98"),
    world(
        Fault::AbortUploadUnchecked,
        "abort-upload-unchecked",
        "svc:S-16",
        "AbortMultipartUpload asks nothing",
    )
    .stands_for("GHSA-mx42-j6wv-px98"),
    world(
        Fault::TaggingUnasked,
        "tagging-unasked",
        "svc:S-44",
        "an upload with tags does not ask for s3:PutObjectTagging",
    ),
    world(
        Fault::SourceTagsUnasked,
        "source-tags-unasked",
        "svc:S-18",
        "a copy with the tags of its source does not ask for s3:GetObjectTagging",
    ),
    world(
        Fault::AclHeaderUnasked,
        "acl-header-unasked",
        "svc:S-47",
        "an upload with an ACL header does not ask for s3:PutObjectAcl",
    ),
    world(
        Fault::LockHeadersUnasked,
        "lock-headers-unasked",
        "svc:S-47",
        "an upload with Object Lock headers does not ask for them",
    ),
    world(
        Fault::GovernanceBypassUnasked,
        "governance-bypass-unasked",
        "iam:L-10",
        "governance retention is bypassed without asking for s3:BypassGovernanceRetention",
    )
    .stands_for("CVE-2023-25812"),
    world(
        Fault::MissingKeyToldToAll,
        "missing-key-told-to-all",
        "svc:S-8",
        "a missing key is 404 also for callers without s3:ListBucket",
    )
    .stands_for("moto 5.2.5"),
    request(
        Fault::PreconditionBeforePermission,
        "precondition-before-permission",
        "svc:S-19",
        "preconditions are evaluated before permissions",
    )
    .stands_for("CVE-2024-36107"),
    world(
        Fault::ExpectedOwnerIgnored,
        "expected-owner-ignored",
        "svc:S-19",
        "the expected bucket owner is not compared",
    ),
    world(
        Fault::RequesterPaysUnasked,
        "requester-pays-unasked",
        "svc:S-9",
        "requests to a Requester Pays bucket need no acknowledgement",
    ),
    world(
        Fault::BlockPublicAclsIgnored,
        "block-public-acls-ignored",
        "svc:S-6",
        "BlockPublicAcls does not count",
    ),
    world(
        Fault::IgnorePublicAclsIgnored,
        "ignore-public-acls-ignored",
        "svc:S-6",
        "IgnorePublicAcls does not count",
    ),
    world(
        Fault::BlockPublicPolicyIgnored,
        "block-public-policy-ignored",
        "svc:S-6",
        "BlockPublicPolicy does not count",
    ),
    world(
        Fault::RestrictPublicBucketsIgnored,
        "restrict-public-buckets-ignored",
        "svc:S-6",
        "RestrictPublicBuckets does not count",
    ),
    world(
        Fault::AccountBlockIgnored,
        "account-block-ignored",
        "svc:S-6",
        "Block Public Access of the account does not count",
    ),
    world(
        Fault::AwsStarPolicyNotPublic,
        "aws-star-policy-not-public",
        "svc:S-7",
        "a bucket policy for {\"AWS\":\"*\"} is not taken for public",
    ),
    world(
        Fault::AnyConditionMakesPrivate,
        "any-condition-makes-private",
        "svc:S-7",
        "a bucket policy with any condition is not taken for public",
    ),
    world(
        Fault::BucketPolicyCoversForeignObjects,
        "bucket-policy-covers-foreign-objects",
        "svc:S-4",
        "Allows of the bucket policy cover objects of other owners",
    ),
    world(
        Fault::DisabledAclsCount,
        "disabled-acls-count",
        "svc:S-4",
        "ACLs count also where Object Ownership switches them off",
    ),
    world(
        Fault::AuthenticatedUsersIncludeAnonymous,
        "authenticated-users-include-anonymous",
        "svc:S-5",
        "an ACL for authenticated users lets anonymous callers in",
    )
    .stands_for("CVE-2016-7031"),
    world(
        Fault::BucketPolicyOpenToStrangers,
        "bucket-policy-open-to-strangers",
        "svc:S-3",
        "an anonymous caller may put and delete bucket policies",
    )
    .stands_for("floci#3536"),
];
