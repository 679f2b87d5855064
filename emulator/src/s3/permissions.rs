//! The S3 operation table as data: which `s3:` actions an operation asks for, on which resource, and when
//! (`svc:9.4`, `svc:S-26` and the public "required permissions for Amazon S3 API operations" page). KMS calls are
//! made by the operations themselves; nothing is decided here.

use super::operation::Operation;

/// What a check is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum On {
    /// No resource ARN (account-level operations).
    Nothing,
    /// `arn:aws:s3:::BUCKET`.
    Bucket,
    /// `arn:aws:s3:::BUCKET/KEY`.
    Object,
    /// The source object of a copy.
    SourceObject,
}

/// When a check applies.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum When {
    /// Always.
    Always,
    /// The request carries an ACL header (`x-amz-acl`, `x-amz-grant-*`).
    AclHeader,
    /// The same with an ACL other than `private`.
    OpenAclHeader,
    /// The request carries `x-amz-tagging`; tags that a copy takes from its source do not count.
    Tags,
    /// The request gives a bucket tags.
    BucketTags,
    /// The request carries `x-amz-object-ownership`.
    OwnershipHeader,
    /// A copy takes the tags of its source.
    SourceTagsCopied,
    /// Object Lock headers (`x-amz-object-lock-mode` / `-retain-until-date`).
    RetentionHeader,
    /// `x-amz-object-lock-legal-hold`.
    LegalHoldHeader,
    /// `x-amz-bucket-object-lock-enabled: true`.
    LockHeader,
}

/// One permission an operation needs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Check {
    /// The action without a version in the request.
    pub(crate) action: &'static str,
    /// The action when `versionId` is given; equal to `action` where S3 has no version action.
    pub(crate) version_action: &'static str,
    /// Resource.
    pub(crate) on: On,
    /// Condition for the check.
    pub(crate) when: When,
}

const fn check(action: &'static str, on: On, when: When) -> Check {
    Check {
        action,
        version_action: action,
        on,
        when,
    }
}

/// A permission on the bucket that is always needed.
pub(crate) const fn bucket_check(action: &'static str) -> Check {
    check(action, On::Bucket, When::Always)
}

const fn versioned(action: &'static str, version_action: &'static str, on: On, when: When) -> Check {
    Check {
        action,
        version_action,
        on,
        when,
    }
}

const READ_SOURCE: Check = versioned("s3:GetObject", "s3:GetObjectVersion", On::SourceObject, When::Always);
const PUT: Check = check("s3:PutObject", On::Object, When::Always);
const PUT_ACL: Check = check("s3:PutObjectAcl", On::Object, When::AclHeader);
const PUT_TAGS: Check = check("s3:PutObjectTagging", On::Object, When::Tags);
const PUT_RETENTION: Check = check("s3:PutObjectRetention", On::Object, When::RetentionHeader);
const PUT_LEGAL_HOLD: Check = check("s3:PutObjectLegalHold", On::Object, When::LegalHoldHeader);
const GET: Check = versioned("s3:GetObject", "s3:GetObjectVersion", On::Object, When::Always);

/// The checks of an operation, in the order S3 makes them.
pub(crate) fn checks(operation: Operation) -> &'static [Check] {
    use On::{Bucket, Nothing, Object};
    use Operation as O;
    use When::Always;
    match operation {
        O::ListBuckets => const { &[check("s3:ListAllMyBuckets", Nothing, Always)] },
        O::GetAccountPublicAccessBlock => const { &[check("s3:GetAccountPublicAccessBlock", Nothing, Always)] },
        O::PutAccountPublicAccessBlock | O::DeleteAccountPublicAccessBlock => {
            const { &[check("s3:PutAccountPublicAccessBlock", Nothing, Always)] }
        }
        O::CreateBucket => {
            const {
                &[
                    check("s3:CreateBucket", Bucket, Always),
                    check("s3:PutBucketAcl", Bucket, When::OpenAclHeader),
                    check("s3:PutBucketObjectLockConfiguration", Bucket, When::LockHeader),
                    check("s3:PutBucketVersioning", Bucket, When::LockHeader),
                    check("s3:PutBucketOwnershipControls", Bucket, When::OwnershipHeader),
                    check("s3:TagResource", Bucket, When::BucketTags),
                ]
            }
        }
        O::DeleteBucket => const { &[check("s3:DeleteBucket", Bucket, Always)] },
        O::HeadBucket | O::ListObjects | O::ListObjectsV2 => const { &[check("s3:ListBucket", Bucket, Always)] },
        O::ListObjectVersions => const { &[check("s3:ListBucketVersions", Bucket, Always)] },
        O::ListMultipartUploads => const { &[check("s3:ListBucketMultipartUploads", Bucket, Always)] },
        O::GetBucketLocation => const { &[check("s3:GetBucketLocation", Bucket, Always)] },
        O::GetBucketAcl => const { &[check("s3:GetBucketAcl", Bucket, Always)] },
        O::PutBucketAcl => const { &[check("s3:PutBucketAcl", Bucket, Always)] },
        O::GetBucketEncryption => const { &[check("s3:GetEncryptionConfiguration", Bucket, Always)] },
        O::PutBucketEncryption | O::DeleteBucketEncryption => {
            const { &[check("s3:PutEncryptionConfiguration", Bucket, Always)] }
        }
        O::GetBucketOwnershipControls => const { &[check("s3:GetBucketOwnershipControls", Bucket, Always)] },
        O::PutBucketOwnershipControls | O::DeleteBucketOwnershipControls => {
            const { &[check("s3:PutBucketOwnershipControls", Bucket, Always)] }
        }
        O::GetBucketPolicy => const { &[check("s3:GetBucketPolicy", Bucket, Always)] },
        O::PutBucketPolicy => const { &[check("s3:PutBucketPolicy", Bucket, Always)] },
        O::DeleteBucketPolicy => const { &[check("s3:DeleteBucketPolicy", Bucket, Always)] },
        O::GetBucketPolicyStatus => const { &[check("s3:GetBucketPolicyStatus", Bucket, Always)] },
        O::GetPublicAccessBlock => const { &[check("s3:GetBucketPublicAccessBlock", Bucket, Always)] },
        O::PutPublicAccessBlock | O::DeletePublicAccessBlock => {
            const { &[check("s3:PutBucketPublicAccessBlock", Bucket, Always)] }
        }
        O::Document(deed, document) => document.checks(deed),
        O::GetObjectLockConfiguration => const { &[check("s3:GetBucketObjectLockConfiguration", Bucket, Always)] },
        O::PutObjectLockConfiguration => const { &[check("s3:PutBucketObjectLockConfiguration", Bucket, Always)] },
        O::GetObjectRetention => const { &[check("s3:GetObjectRetention", Object, Always)] },
        O::PutObjectRetention => const { &[check("s3:PutObjectRetention", Object, Always)] },
        O::GetObjectLegalHold => const { &[check("s3:GetObjectLegalHold", Object, Always)] },
        O::PutObjectLegalHold => const { &[check("s3:PutObjectLegalHold", Object, Always)] },
        O::RestoreObject => const { &[check("s3:RestoreObject", Object, Always)] },
        O::UpdateObjectEncryption => const { &[check("s3:UpdateObjectEncryption", Object, Always)] },
        O::ListTagsForResource => const { &[check("s3:ListTagsForResource", Bucket, Always)] },
        O::TagResource => const { &[check("s3:TagResource", Bucket, Always)] },
        O::UntagResource => const { &[check("s3:UntagResource", Bucket, Always)] },
        O::GetBucketRequestPayment => const { &[check("s3:GetBucketRequestPayment", Bucket, Always)] },
        O::PutBucketRequestPayment => const { &[check("s3:PutBucketRequestPayment", Bucket, Always)] },
        O::GetBucketTagging => const { &[check("s3:GetBucketTagging", Bucket, Always)] },
        O::PutBucketTagging | O::DeleteBucketTagging => const { &[check("s3:PutBucketTagging", Bucket, Always)] },
        O::GetBucketVersioning => const { &[check("s3:GetBucketVersioning", Bucket, Always)] },
        O::PutBucketVersioning => const { &[check("s3:PutBucketVersioning", Bucket, Always)] },
        O::PutObject | O::PostObject => const { &[PUT, PUT_ACL, PUT_TAGS, PUT_RETENTION, PUT_LEGAL_HOLD] },
        O::CreateMultipartUpload => const { &[PUT, PUT_ACL, PUT_TAGS, PUT_RETENTION, PUT_LEGAL_HOLD] },
        O::UploadPart | O::CompleteMultipartUpload => const { &[PUT] },
        O::UploadPartCopy => const { &[READ_SOURCE, PUT] },
        O::CopyObject => {
            const {
                &[
                    READ_SOURCE,
                    versioned(
                        "s3:GetObjectTagging",
                        "s3:GetObjectVersionTagging",
                        On::SourceObject,
                        When::SourceTagsCopied,
                    ),
                    PUT,
                    PUT_ACL,
                    PUT_TAGS,
                    PUT_RETENTION,
                    PUT_LEGAL_HOLD,
                ]
            }
        }
        O::AbortMultipartUpload => const { &[check("s3:AbortMultipartUpload", Object, Always)] },
        O::ListParts => const { &[check("s3:ListMultipartUploadParts", Object, Always)] },
        O::GetObject | O::HeadObject | O::SelectObjectContent => const { &[GET] },
        O::GetObjectAttributes => {
            const {
                &[
                    GET,
                    versioned(
                        "s3:GetObjectAttributes",
                        "s3:GetObjectVersionAttributes",
                        Object,
                        Always,
                    ),
                ]
            }
        }
        O::DeleteObject | O::DeleteObjects => {
            const { &[versioned("s3:DeleteObject", "s3:DeleteObjectVersion", Object, Always)] }
        }
        O::GetObjectAcl => const { &[versioned("s3:GetObjectAcl", "s3:GetObjectVersionAcl", Object, Always)] },
        O::PutObjectAcl => const { &[versioned("s3:PutObjectAcl", "s3:PutObjectVersionAcl", Object, Always)] },
        O::GetObjectTagging => {
            const {
                &[versioned(
                    "s3:GetObjectTagging",
                    "s3:GetObjectVersionTagging",
                    Object,
                    Always,
                )]
            }
        }
        O::PutObjectTagging => {
            const {
                &[versioned(
                    "s3:PutObjectTagging",
                    "s3:PutObjectVersionTagging",
                    Object,
                    Always,
                )]
            }
        }
        O::DeleteObjectTagging => {
            const {
                &[versioned(
                    "s3:DeleteObjectTagging",
                    "s3:DeleteObjectVersionTagging",
                    Object,
                    Always,
                )]
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn actions_match_their_resource_kind() {
        // svc:S-26: object actions go with object ARNs and nothing else.
        for operation in [
            Operation::PutObject,
            Operation::GetObject,
            Operation::DeleteObject,
            Operation::CopyObject,
            Operation::UploadPartCopy,
            Operation::GetObjectAttributes,
            Operation::ListParts,
        ] {
            assert!(
                checks(operation)
                    .iter()
                    .all(|check| matches!(check.on, On::Object | On::SourceObject))
            );
        }
        for operation in [
            Operation::ListObjectsV2,
            Operation::PutBucketEncryption,
            Operation::CreateBucket,
            Operation::ListMultipartUploads,
        ] {
            assert!(checks(operation).iter().all(|check| check.on == On::Bucket));
        }
    }

    #[test]
    fn version_actions_name_the_version() {
        let get = checks(Operation::GetObject)[0];
        assert_eq!(get.action, "s3:GetObject");
        assert_eq!(get.version_action, "s3:GetObjectVersion");
        let delete = checks(Operation::DeleteObject)[0];
        assert_eq!(delete.version_action, "s3:DeleteObjectVersion");
    }

    #[test]
    fn encryption_configuration_actions_are_not_named_after_the_operation() {
        assert_eq!(
            checks(Operation::DeleteBucketEncryption)[0].action,
            "s3:PutEncryptionConfiguration"
        );
        assert_eq!(
            checks(Operation::GetBucketEncryption)[0].action,
            "s3:GetEncryptionConfiguration"
        );
        assert_eq!(checks(Operation::HeadBucket)[0].action, "s3:ListBucket");
    }
}
