//! Canned ACLs and what they allow (`svc:S-4`, `svc:S-5`). ACLs can only allow.

use crate::name::AccountId;

/// A canned ACL. Grants by header are read as the canned ACL that has them.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum CannedAcl {
    /// Only the owner.
    #[default]
    Private,
    /// Everybody may read.
    PublicRead,
    /// Everybody may read and write.
    PublicReadWrite,
    /// Every AWS identity may read.
    AuthenticatedRead,
    /// The bucket's owner may read.
    BucketOwnerRead,
    /// The bucket's owner may do everything.
    BucketOwnerFullControl,
    /// EC2 may read.
    AwsExecRead,
    /// The log delivery group may write.
    LogDeliveryWrite,
}

/// A permission of an ACL.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Permission {
    Read,
    Write,
    ReadAcp,
    WriteAcp,
}

/// Who asks an ACL.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Asker<'a> {
    /// The caller's account; none for anonymous callers and services.
    pub(crate) account: Option<&'a AccountId>,
    pub(crate) anonymous: bool,
    pub(crate) bucket_owner: &'a AccountId,
    /// The owner of the bucket or object that carries the ACL.
    pub(crate) owner: &'a AccountId,
    /// Public ACLs do not count (`svc:S-6`).
    pub(crate) ignore_public: bool,
}

impl CannedAcl {
    /// All canned ACLs under their header values.
    pub(crate) const ALL: [(&'static str, Self); 8] = [
        ("private", Self::Private),
        ("public-read", Self::PublicRead),
        ("public-read-write", Self::PublicReadWrite),
        ("authenticated-read", Self::AuthenticatedRead),
        ("bucket-owner-read", Self::BucketOwnerRead),
        ("bucket-owner-full-control", Self::BucketOwnerFullControl),
        ("aws-exec-read", Self::AwsExecRead),
        ("log-delivery-write", Self::LogDeliveryWrite),
    ];

    pub(crate) fn named(name: &str) -> Option<Self> {
        Self::ALL.iter().find(|(known, _)| *known == name).map(|(_, acl)| *acl)
    }

    /// The permissions it grants, the owner's first.
    pub(crate) fn grants(self) -> Vec<&'static str> {
        let others: &[&'static str] = match self {
            Self::Private => &[],
            Self::PublicRead | Self::AuthenticatedRead | Self::AwsExecRead | Self::BucketOwnerRead => &["READ"],
            Self::PublicReadWrite => &["READ", "WRITE"],
            Self::BucketOwnerFullControl => &["FULL_CONTROL"],
            Self::LogDeliveryWrite => &["WRITE", "READ_ACP"],
        };
        std::iter::once("FULL_CONTROL").chain(others.iter().copied()).collect()
    }

    /// The ACL as it counts for what the bucket's owner owns: nothing is granted to an owner that it has not (API_GetObjectAcl).
    pub(crate) fn of_own_object(self) -> Self {
        match self {
            Self::BucketOwnerRead | Self::BucketOwnerFullControl => Self::Private,
            other => other,
        }
    }

    /// A grant to all users or to all authenticated users (`svc:S-5`).
    pub(crate) fn is_public(self) -> bool {
        matches!(self, Self::PublicRead | Self::PublicReadWrite | Self::AuthenticatedRead)
    }

    /// Whether the ACL of a bucket allows a bucket action, or an object action in it.
    pub(crate) fn bucket_allows(self, action: &str, asker: Asker<'_>) -> bool {
        bucket_permission(action).is_some_and(|permission| self.allows(permission, asker))
    }

    /// Whether the ACL of an object allows an object action.
    pub(crate) fn object_allows(self, action: &str, asker: Asker<'_>) -> bool {
        object_permission(action).is_some_and(|permission| self.allows(permission, asker))
    }

    fn allows(self, permission: Permission, asker: Asker<'_>) -> bool {
        let public = !asker.ignore_public
            && match self {
                Self::PublicRead => permission == Permission::Read,
                Self::PublicReadWrite => matches!(permission, Permission::Read | Permission::Write),
                Self::AuthenticatedRead => {
                    permission == Permission::Read && asker.account.is_some() && !asker.anonymous
                }
                _ => false,
            };
        // Grants to accounts matter across accounts; inside the owner's account its policies decide, so that the owner's own grant
        // gives its users nothing (svc:S-1).
        let as_bucket_owner = asker.owner != asker.bucket_owner
            && asker.account == Some(asker.bucket_owner)
            && match self {
                Self::BucketOwnerRead => permission == Permission::Read,
                Self::BucketOwnerFullControl => true,
                _ => false,
            };
        public || as_bucket_owner
    }
}

/// What a permission on a bucket allows (S3 user guide, access control list overview).
fn bucket_permission(action: &str) -> Option<Permission> {
    Some(match action {
        "s3:ListBucket" | "s3:ListBucketVersions" | "s3:ListBucketMultipartUploads" => Permission::Read,
        // Deletions are for the owners of bucket and object, whose own policies decide.
        "s3:PutObject" => Permission::Write,
        "s3:GetBucketAcl" => Permission::ReadAcp,
        "s3:PutBucketAcl" => Permission::WriteAcp,
        _ => return None,
    })
}

/// What a permission on an object allows.
fn object_permission(action: &str) -> Option<Permission> {
    Some(match action {
        "s3:GetObject" | "s3:GetObjectVersion" => Permission::Read,
        "s3:GetObjectAcl" | "s3:GetObjectVersionAcl" => Permission::ReadAcp,
        "s3:PutObjectAcl" | "s3:PutObjectVersionAcl" => Permission::WriteAcp,
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn public_acls_reach_everybody_unless_they_are_ignored() {
        // svc:S-5, svc:S-6
        let owner = AccountId::new("111111111111").expect("twelve digits");
        let other = AccountId::new("222222222222").expect("twelve digits");
        let anonymous = Asker {
            account: None,
            anonymous: true,
            bucket_owner: &owner,
            owner: &owner,
            ignore_public: false,
        };
        let foreign = Asker {
            account: Some(&other),
            anonymous: false,
            ..anonymous
        };
        for (acl, action, asker, allowed) in [
            (CannedAcl::PublicRead, "s3:GetObject", anonymous, true),
            (
                CannedAcl::PublicRead,
                "s3:GetObject",
                Asker {
                    ignore_public: true,
                    ..anonymous
                },
                false,
            ),
            (CannedAcl::PublicRead, "s3:GetObjectAcl", anonymous, false),
            (CannedAcl::AuthenticatedRead, "s3:GetObject", anonymous, false),
            (CannedAcl::AuthenticatedRead, "s3:GetObject", foreign, true),
            (CannedAcl::Private, "s3:GetObject", foreign, false),
            (
                CannedAcl::Private,
                "s3:GetObject",
                Asker {
                    owner: &other,
                    ..foreign
                },
                false,
            ),
            (
                CannedAcl::Private,
                "s3:GetObject",
                Asker {
                    account: Some(&owner),
                    owner: &other,
                    ..foreign
                },
                false,
            ),
            (
                CannedAcl::BucketOwnerFullControl,
                "s3:GetObject",
                Asker {
                    account: Some(&owner),
                    owner: &other,
                    ..foreign
                },
                true,
            ),
        ] {
            assert_eq!(acl.object_allows(action, asker), allowed, "{acl:?} {action} {asker:?}");
        }
        assert!(CannedAcl::PublicReadWrite.bucket_allows("s3:PutObject", anonymous));
        assert!(!CannedAcl::PublicRead.bucket_allows("s3:PutObject", anonymous));
        assert!(!CannedAcl::PublicReadWrite.bucket_allows("s3:DeleteObject", anonymous));
    }
}
