//! Access control lists and canonical user ids: reading them from headers and XML, writing them, and what a grant
//! means to a caller (`svc:S-4`, `svc:S-5`). Whether ACLs count at all is decided by Object Ownership, elsewhere.

use http::HeaderMap;
use sha2::{Digest, Sha256};

use super::error::S3Error;
use super::xml::{Element, XmlWriter};
use crate::authorizer::MatchKinds;
use crate::fault::{Fault, FaultSet};
use crate::identity::Caller;
use crate::names::AccountId;

const ALL_USERS: &str = "http://acs.amazonaws.com/groups/global/AllUsers";
const AUTHENTICATED_USERS: &str = "http://acs.amazonaws.com/groups/global/AuthenticatedUsers";
const LOG_DELIVERY: &str = "http://acs.amazonaws.com/groups/s3/LogDelivery";
/// Most grants in one ACL.
const MAXIMUM_GRANTS: usize = 100;

/// Who a grant names.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Grantee {
    /// An account, by canonical user id.
    Account(AccountId),
    /// Everybody, signed or not.
    AllUsers,
    /// Everybody who signs.
    AuthenticatedUsers,
    /// S3's log delivery.
    LogDelivery,
}

/// A permission of an ACL.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Permission {
    /// List a bucket, read an object.
    Read,
    /// Create objects in a bucket.
    Write,
    /// Read the ACL.
    ReadAcp,
    /// Write the ACL.
    WriteAcp,
    /// All of them.
    FullControl,
}

const PERMISSIONS: &[(Permission, &str, &str)] = &[
    (Permission::Read, "READ", "x-amz-grant-read"),
    (Permission::Write, "WRITE", "x-amz-grant-write"),
    (Permission::ReadAcp, "READ_ACP", "x-amz-grant-read-acp"),
    (Permission::WriteAcp, "WRITE_ACP", "x-amz-grant-write-acp"),
    (Permission::FullControl, "FULL_CONTROL", "x-amz-grant-full-control"),
];

/// One grant.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Grant {
    /// Who.
    pub(crate) grantee: Grantee,
    /// What.
    pub(crate) permission: Permission,
}

/// An access control list.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Acl {
    /// Owner of the bucket or object.
    pub(crate) owner: AccountId,
    /// Grants, in order.
    pub(crate) grants: Vec<Grant>,
}

/// What the permission table of ACLs maps to: permission, bucket actions, object actions.
const ACTIONS: &[(Permission, &[&str], &[&str])] = &[
    (
        Permission::Read,
        &[
            "s3:ListBucket",
            "s3:ListBucketVersions",
            "s3:ListBucketMultipartUploads",
        ],
        &["s3:GetObject", "s3:GetObjectVersion"],
    ),
    (Permission::Write, &["s3:PutObject"], &[]),
    (
        Permission::ReadAcp,
        &["s3:GetBucketAcl"],
        &["s3:GetObjectAcl", "s3:GetObjectVersionAcl"],
    ),
    (
        Permission::WriteAcp,
        &["s3:PutBucketAcl"],
        &["s3:PutObjectAcl", "s3:PutObjectVersionAcl"],
    ),
];

impl Acl {
    /// Full control for the owner, nothing else: the canned ACL `private`.
    pub(crate) fn private(owner: &AccountId) -> Self {
        Self {
            owner: owner.clone(),
            grants: vec![Grant {
                grantee: Grantee::Account(owner.clone()),
                permission: Permission::FullControl,
            }],
        }
    }

    /// Expands a canned ACL; `bucket_owner` matters for objects only.
    pub(crate) fn canned(name: &str, owner: &AccountId, bucket_owner: &AccountId) -> Option<Self> {
        let mut acl = Self::private(owner);
        let mut add = |grantee, permission| {
            acl.grants.push(Grant { grantee, permission });
        };
        match name {
            "private" | "aws-exec-read" => {}
            "public-read" => add(Grantee::AllUsers, Permission::Read),
            "public-read-write" => {
                add(Grantee::AllUsers, Permission::Read);
                add(Grantee::AllUsers, Permission::Write);
            }
            "authenticated-read" => add(Grantee::AuthenticatedUsers, Permission::Read),
            "bucket-owner-read" | "bucket-owner-full-control" => {
                if owner != bucket_owner {
                    let permission = if name == "bucket-owner-read" {
                        Permission::Read
                    } else {
                        Permission::FullControl
                    };
                    add(Grantee::Account(bucket_owner.clone()), permission);
                }
            }
            "log-delivery-write" => {
                add(Grantee::LogDelivery, Permission::Write);
                add(Grantee::LogDelivery, Permission::ReadAcp);
            }
            _ => return None,
        }
        Some(acl)
    }

    /// The ACL of the request's headers; `None` when it has none.
    ///
    /// # Errors
    /// `InvalidArgument` for unknown canned ACLs and grantees, `InvalidRequest` for canned and explicit together.
    pub(crate) fn from_headers(
        headers: &HeaderMap,
        owner: &AccountId,
        bucket_owner: &AccountId,
    ) -> Result<Option<Self>, S3Error> {
        let text = |name: &str| headers.get(name).and_then(|value| value.to_str().ok());
        let canned = text("x-amz-acl");
        let mut grants = Vec::new();
        for (permission, _, header) in PERMISSIONS {
            if let Some(value) = text(header) {
                for part in value.split(',') {
                    grants.push(Grant {
                        grantee: grantee_of_header(part.trim())?,
                        permission: *permission,
                    });
                }
            }
        }
        match (canned, grants.is_empty()) {
            (Some(_), false) => Err(S3Error::invalid_request(
                "Specifying both Canned ACLs and Header Grants is not allowed",
            )),
            (Some(name), true) => Self::canned(name, owner, bucket_owner)
                .map(Some)
                .ok_or_else(|| S3Error::invalid_argument("", "x-amz-acl", name)),
            (None, false) => Ok(Some(Self {
                owner: owner.clone(),
                grants,
            })),
            (None, true) => Ok(None),
        }
    }

    /// Reads an `AccessControlPolicy` document.
    ///
    /// # Errors
    /// `MalformedACLError` or `InvalidArgument`.
    pub(crate) fn from_xml(body: &[u8], owner: &AccountId) -> Result<Self, S3Error> {
        let malformed = || S3Error::fixed("MalformedACLError");
        let root = Element::parse_root(body, "AccessControlPolicy").map_err(|_| malformed())?;
        if let Some(id) = root.child("Owner").and_then(|owner| owner.child_text("ID"))
            && account_of_canonical_id(id).as_ref() != Some(owner)
        {
            return Err(S3Error::access_denied("Access Denied"));
        }
        let list = root.child("AccessControlList").ok_or_else(malformed)?;
        let mut grants = Vec::new();
        for grant in list.all("Grant") {
            let grantee = grant.child("Grantee").ok_or_else(malformed)?;
            let permission = grant.child_text("Permission").ok_or_else(malformed)?;
            let permission = PERMISSIONS
                .iter()
                .find(|row| row.1 == permission)
                .map(|row| row.0)
                .ok_or_else(malformed)?;
            let grantee = match (grantee.child_text("ID"), grantee.child_text("URI")) {
                (Some(id), None) => grantee_of_id(id)?,
                (None, Some(uri)) => grantee_of_uri(uri)?,
                _ => return Err(malformed()),
            };
            grants.push(Grant { grantee, permission });
        }
        if grants.len() > MAXIMUM_GRANTS {
            return Err(malformed());
        }
        Ok(Self {
            owner: owner.clone(),
            grants,
        })
    }

    /// Writes an `AccessControlPolicy` document.
    pub(crate) fn to_xml(&self) -> bytes::Bytes {
        let mut xml = XmlWriter::document();
        xml.open_root("AccessControlPolicy");
        xml.open("Owner");
        xml.text("ID", &canonical_id(&self.owner));
        xml.close("Owner");
        xml.open("AccessControlList");
        for grant in &self.grants {
            xml.open("Grant");
            let schema = ("xmlns:xsi", "http://www.w3.org/2001/XMLSchema-instance");
            let (kind, element, value) = match &grant.grantee {
                Grantee::Account(account) => ("CanonicalUser", "ID", canonical_id(account)),
                Grantee::AllUsers => ("Group", "URI", ALL_USERS.to_owned()),
                Grantee::AuthenticatedUsers => ("Group", "URI", AUTHENTICATED_USERS.to_owned()),
                Grantee::LogDelivery => ("Group", "URI", LOG_DELIVERY.to_owned()),
            };
            xml.open_with("Grantee", &[schema, ("xsi:type", kind)]);
            xml.text(element, &value);
            xml.close("Grantee");
            let name = PERMISSIONS
                .iter()
                .find(|row| row.0 == grant.permission)
                .map_or("FULL_CONTROL", |row| row.1);
            xml.text("Permission", name);
            xml.close("Grant");
        }
        xml.close("AccessControlList");
        xml.close("AccessControlPolicy");
        xml.finish()
    }

    /// A public ACL: any grant to AllUsers or AuthenticatedUsers (`svc:S-5`).
    pub(crate) fn is_public(&self) -> bool {
        self.grants
            .iter()
            .any(|grant| matches!(grant.grantee, Grantee::AllUsers | Grantee::AuthenticatedUsers))
    }

    /// Only the owner is named.
    pub(crate) fn is_owner_only(&self) -> bool {
        self.grants
            .iter()
            .all(|grant| grant.grantee == Grantee::Account(self.owner.clone()))
    }

    /// How the ACL allows `caller` the action: group grants like a `*` principal, canonical users like the account
    /// principal (`svc:S-2`). `ignore_public` is IgnorePublicAcls (`svc:S-6`).
    pub(crate) fn allows(
        &self,
        caller: &Caller,
        action: &str,
        on_bucket: bool,
        ignore_public: bool,
        faults: FaultSet,
    ) -> MatchKinds {
        let signed = !caller.is_anonymous() || faults.contains(Fault::AuthenticatedUsersIncludeAnonymous);
        let mut kinds = MatchKinds::NONE;
        for grant in self
            .grants
            .iter()
            .filter(|grant| permits(grant.permission, action, on_bucket))
        {
            let kind = match &grant.grantee {
                Grantee::AllUsers if !ignore_public => MatchKinds::WILD,
                Grantee::AuthenticatedUsers if !ignore_public && signed => MatchKinds::WILD,
                Grantee::Account(account) if caller.account() == Some(account) => MatchKinds::ACCOUNT,
                _ => continue,
            };
            kinds |= kind;
        }
        kinds
    }
}

fn permits(permission: Permission, action: &str, on_bucket: bool) -> bool {
    ACTIONS.iter().any(|(needed, bucket, object)| {
        let actions = if on_bucket { bucket } else { object };
        (permission == *needed || permission == Permission::FullControl) && actions.contains(&action)
    })
}

fn grantee_of_header(text: &str) -> Result<Grantee, S3Error> {
    let invalid = || S3Error::invalid_argument("Argument format not recognized", "x-amz-grant", text);
    let (kind, value) = text.split_once('=').ok_or_else(invalid)?;
    let value = value.trim().trim_matches('"');
    match kind.trim() {
        "id" => grantee_of_id(value),
        "uri" => grantee_of_uri(value),
        _ => Err(invalid()),
    }
}

fn grantee_of_id(id: &str) -> Result<Grantee, S3Error> {
    account_of_canonical_id(id)
        .map(Grantee::Account)
        .ok_or_else(|| S3Error::invalid_argument("Invalid id", "CanonicalUser/ID", id))
}

fn grantee_of_uri(uri: &str) -> Result<Grantee, S3Error> {
    match uri {
        ALL_USERS => Ok(Grantee::AllUsers),
        AUTHENTICATED_USERS => Ok(Grantee::AuthenticatedUsers),
        LOG_DELIVERY => Ok(Grantee::LogDelivery),
        _ => Err(S3Error::invalid_argument("Invalid group uri", "Group/URI", uri)),
    }
}

/// The canonical user id of an account: 64 hexadecimal digits. AWS's are opaque; these carry the account id in front
/// so that they can be read back without a registry.
pub(crate) fn canonical_id(account: &AccountId) -> String {
    let mut hasher = Sha256::new();
    hasher.update(b"canonical user id of ");
    hasher.update(account.as_str().as_bytes());
    format!("{account}{}", &hex::encode(hasher.finalize())[..52])
}

/// The account behind a canonical user id.
pub(crate) fn account_of_canonical_id(id: &str) -> Option<AccountId> {
    let account = AccountId::parse(id.get(..12)?)?;
    (canonical_id(&account) == id).then_some(account)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::identity::{Arrival, Principal};

    fn account(text: &str) -> AccountId {
        AccountId::parse(text).expect("a literal account id")
    }

    fn root(of: &AccountId) -> Caller {
        Caller {
            principal: Principal::Root { account: of.clone() },
            session: None,
            access_key_id: None,
            arrival: Arrival::default(),
        }
    }

    #[test]
    fn canonical_ids_read_back() {
        let a = account("111111111111");
        let id = canonical_id(&a);
        assert_eq!(id.len(), 64);
        assert_eq!(account_of_canonical_id(&id), Some(a));
        assert_eq!(account_of_canonical_id(&"1".repeat(64)), None);
        assert_eq!(account_of_canonical_id("あああああ"), None);
    }

    #[test]
    fn public_acls() {
        let (a, b) = (account("111111111111"), account("222222222222"));
        for (name, public) in [
            ("private", false),
            ("public-read", true),
            ("public-read-write", true),
            ("authenticated-read", true),
            ("bucket-owner-full-control", false),
            ("log-delivery-write", false),
        ] {
            let acl = Acl::canned(name, &b, &a).expect("a canned name");
            assert_eq!(acl.is_public(), public, "{name}");
        }
        assert!(Acl::canned("nonsense", &a, &a).is_none());
    }

    #[test]
    fn xml_round_trip() {
        let (a, b) = (account("111111111111"), account("222222222222"));
        let mut acl = Acl::canned("public-read", &a, &a).expect("a canned name");
        acl.grants.push(Grant {
            grantee: Grantee::Account(b),
            permission: Permission::WriteAcp,
        });
        assert_eq!(Acl::from_xml(&acl.to_xml(), &a), Ok(acl));
    }

    #[test]
    fn what_grants_allow() {
        let (a, b) = (account("111111111111"), account("222222222222"));
        let anonymous = Caller::anonymous(Arrival::default());
        let public = Acl::canned("public-read", &a, &a).expect("a canned name");
        let signed = Acl::canned("authenticated-read", &a, &a).expect("a canned name");
        let shared = Acl::canned("bucket-owner-read", &a, &b).expect("a canned name");
        let cases = [
            (&public, &anonymous, "s3:GetObject", false, false, MatchKinds::WILD),
            (&public, &anonymous, "s3:GetObject", false, true, MatchKinds::NONE),
            (&public, &anonymous, "s3:ListBucket", true, false, MatchKinds::WILD),
            (&public, &anonymous, "s3:GetObject", true, false, MatchKinds::NONE),
            (&public, &anonymous, "s3:PutObject", true, false, MatchKinds::NONE),
            (&signed, &anonymous, "s3:GetObject", false, false, MatchKinds::NONE),
            (&signed, &root(&b), "s3:GetObject", false, false, MatchKinds::WILD),
            (&shared, &root(&b), "s3:GetObject", false, true, MatchKinds::ACCOUNT),
            (&shared, &root(&b), "s3:PutObjectAcl", false, false, MatchKinds::NONE),
        ];
        for (acl, caller, action, on_bucket, ignore, expected) in cases {
            assert_eq!(
                acl.allows(caller, action, on_bucket, ignore, FaultSet::EMPTY),
                expected,
                "{action} {on_bucket} {ignore}"
            );
        }
    }

    #[test]
    fn headers() {
        let a = account("111111111111");
        let mut headers = HeaderMap::new();
        assert_eq!(Acl::from_headers(&headers, &a, &a), Ok(None));
        headers.insert(
            "x-amz-grant-read",
            http::HeaderValue::from_static("uri=\"http://acs.amazonaws.com/groups/global/AllUsers\""),
        );
        let acl = Acl::from_headers(&headers, &a, &a)
            .expect("legal headers")
            .expect("an ACL");
        assert!(acl.is_public());
        headers.insert("x-amz-acl", http::HeaderValue::from_static("private"));
        assert!(Acl::from_headers(&headers, &a, &a).is_err());
    }
}
