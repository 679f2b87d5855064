//! What S3 remembers: buckets, their configuration, object versions, multipart uploads. Only storage and simple
//! look-ups; authorization and wire formats are elsewhere.

use std::collections::BTreeMap;
use std::sync::Arc;

use bytes::Bytes;
use jiff::Timestamp;

use super::acl::Acl;
use super::bucket_keys::BucketKeys;
use super::checksum::{Algorithm, Checksum};
use super::customer_key::CustomerProtection;
use super::documents::Document;
use super::encryption::{BlockedEncryption, DefaultEncryption};
use super::object_lock::{Lock, LockConfiguration};
use super::public_access::PublicAccessBlock;
use super::seal::Sealed;
use super::xml::Element;
use crate::authorizer::Policy;
use crate::names::{AccountId, Region};
use crate::propagating::Propagating;

/// All of S3: the bucket namespace is global.
#[derive(Debug, Clone, Default)]
pub struct Store {
    pub(crate) buckets: BTreeMap<String, Bucket>,
    /// Account-level Block Public Access; absent = nothing set.
    pub(crate) account_blocks: BTreeMap<AccountId, PublicAccessBlock>,
    /// Bucket-level keys of S3 Bucket Keys (`svc:S-20`).
    pub(crate) bucket_keys: BucketKeys,
}

impl Store {
    /// Everything pending has propagated.
    pub(crate) fn settle(&mut self) {
        for bucket in self.buckets.values_mut() {
            bucket.policy.settle();
        }
    }

    /// Account-level Block Public Access, all off when never set.
    pub(crate) fn account_block(&self, account: &AccountId) -> PublicAccessBlock {
        self.account_blocks
            .get(account)
            .copied()
            .unwrap_or(PublicAccessBlock::NONE)
    }

    /// The most restrictive combination of account and bucket settings (`svc:S-6`).
    pub(crate) fn effective_block(&self, bucket: &Bucket) -> PublicAccessBlock {
        let own = bucket.public_access_block.unwrap_or(PublicAccessBlock::NONE);
        own.or(self.account_block(&bucket.account))
    }
}

/// Object Ownership (`svc:S-4`).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum ObjectOwnership {
    /// ACLs are off; the bucket owner owns everything.
    BucketOwnerEnforced,
    /// ACLs count; objects uploaded with `bucket-owner-full-control` belong to the bucket owner.
    BucketOwnerPreferred,
    /// ACLs count; the writer owns the object.
    ObjectWriter,
}

const OWNERSHIPS: &[(ObjectOwnership, &str)] = &[
    (ObjectOwnership::BucketOwnerEnforced, "BucketOwnerEnforced"),
    (ObjectOwnership::BucketOwnerPreferred, "BucketOwnerPreferred"),
    (ObjectOwnership::ObjectWriter, "ObjectWriter"),
];

impl ObjectOwnership {
    /// By API name.
    pub(crate) fn parse(name: &str) -> Option<Self> {
        OWNERSHIPS.iter().find(|row| row.1 == name).map(|row| row.0)
    }

    /// API name.
    pub(crate) fn name(self) -> &'static str {
        OWNERSHIPS
            .iter()
            .find(|row| row.0 == self)
            .map_or("ObjectWriter", |row| row.1)
    }
}

/// Versioning state; a bucket that never had it is `Off`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Versioning {
    /// Never enabled.
    Off,
    /// New versions get ids.
    Enabled,
    /// New versions are the `null` version; old ones stay.
    Suspended,
}

/// A bucket policy as stored.
#[derive(Debug, Clone)]
pub(crate) struct BucketPolicy {
    /// Compiled form.
    pub(crate) compiled: Arc<Policy>,
    /// Whether Block Public Access calls it public (`svc:S-7`).
    pub(crate) public: bool,
}

/// One bucket.
#[derive(Debug, Clone)]
pub(crate) struct Bucket {
    pub(crate) name: String,
    pub(crate) account: AccountId,
    pub(crate) region: Region,
    pub(crate) created_at: Timestamp,
    pub(crate) versioning: Versioning,
    /// `None` after DeleteBucketOwnershipControls, which behaves like ObjectWriter.
    pub(crate) ownership: Option<ObjectOwnership>,
    pub(crate) acl: Acl,
    /// Authorization sees changes late (`svc:K-28`, as everything S3 and IAM decide by).
    pub(crate) policy: Propagating<Option<BucketPolicy>>,
    /// `None` = SSE-S3, the base level of encryption.
    pub(crate) encryption: Option<DefaultEncryption>,
    /// Kinds of encryption that uploads may not ask for; `None` where nothing was ever said.
    pub(crate) blocked_encryption: Option<BlockedEncryption>,
    pub(crate) public_access_block: Option<PublicAccessBlock>,
    pub(crate) tags: BTreeMap<String, String>,
    pub(crate) requester_pays: bool,
    /// Object Lock; `None` where it was never enabled.
    pub(crate) object_lock: Option<LockConfiguration>,
    /// Configuration that is only kept, by kind and id (empty where there is at most one).
    pub(crate) documents: BTreeMap<(Document, String), Element>,
    /// Versions by key, oldest first.
    // INVARIANT: no key has an empty list; at most one version of a key has the id `null`.
    pub(crate) objects: BTreeMap<String, Vec<ObjectVersion>>,
    /// Multipart uploads by upload id.
    pub(crate) uploads: BTreeMap<String, Upload>,
}

impl Bucket {
    /// `arn:aws:s3:::BUCKET`.
    pub(crate) fn arn(&self) -> String {
        format!("arn:aws:s3:::{}", self.name)
    }

    /// Whether ACLs count (`svc:S-4`).
    pub(crate) fn acls_enabled(&self) -> bool {
        self.ownership != Some(ObjectOwnership::BucketOwnerEnforced)
    }

    /// The bucket default encryption.
    pub(crate) fn default_encryption(&self) -> DefaultEncryption {
        self.encryption.clone().unwrap_or_default()
    }

    /// The current version of a key, which may be a delete marker.
    pub(crate) fn current(&self, key: &str) -> Option<&ObjectVersion> {
        self.objects.get(key)?.last()
    }

    /// A version by id, or the current one.
    pub(crate) fn version(&self, key: &str, version_id: Option<&str>) -> Option<&ObjectVersion> {
        match version_id {
            None => self.current(key),
            Some(id) => self.objects.get(key)?.iter().find(|version| version.version_id == id),
        }
    }

    /// The same for changing.
    pub(crate) fn version_mut(&mut self, key: &str, version_id: Option<&str>) -> Option<&mut ObjectVersion> {
        let versions = self.objects.get_mut(key)?;
        match version_id {
            None => versions.last_mut(),
            Some(id) => versions.iter_mut().find(|version| version.version_id == id),
        }
    }

    /// Stores a version as the current one, replacing the `null` version if it is that one.
    pub(crate) fn store(&mut self, key: &str, version: ObjectVersion) {
        let versions = self.objects.entry(key.to_owned()).or_default();
        if version.version_id == NULL_VERSION {
            versions.retain(|old| old.version_id != NULL_VERSION);
        }
        versions.push(version);
    }

    /// Removes one version for good.
    pub(crate) fn remove(&mut self, key: &str, version_id: &str) -> Option<ObjectVersion> {
        let versions = self.objects.get_mut(key)?;
        let position = versions.iter().position(|version| version.version_id == version_id)?;
        let removed = versions.remove(position);
        if versions.is_empty() {
            self.objects.remove(key);
        }
        Some(removed)
    }
}

/// The id of versions made without versioning.
pub(crate) const NULL_VERSION: &str = "null";

/// One version of an object, or a delete marker.
#[derive(Debug, Clone)]
pub(crate) struct ObjectVersion {
    pub(crate) version_id: String,
    pub(crate) last_modified: Timestamp,
    /// Object owner; the bucket owner unless ACLs are enabled and another account wrote it.
    pub(crate) owner: AccountId,
    /// `None` for a delete marker.
    pub(crate) content: Option<Arc<Content>>,
    pub(crate) tags: BTreeMap<String, String>,
    pub(crate) acl: Acl,
    /// Retention and legal hold.
    pub(crate) lock: Lock,
    /// How long a restored copy of an archived version stays.
    pub(crate) restored_until: Option<Timestamp>,
}

/// The immutable part of a version.
#[derive(Debug, Clone)]
pub(crate) struct Content {
    /// Hexadecimal, without quotes.
    pub(crate) etag: String,
    pub(crate) size: usize,
    /// Content-Type, Cache-Control, …, x-amz-meta-*: returned as they came.
    pub(crate) headers: Vec<(String, String)>,
    pub(crate) storage_class: String,
    pub(crate) checksum: Checksum,
    pub(crate) protection: Protection,
    pub(crate) body: StoredBody,
    /// Parts of a multipart object.
    pub(crate) parts: Vec<PartFacts>,
}

/// Number, size and checksum of a part of a finished multipart object.
#[derive(Debug, Clone)]
pub(crate) struct PartFacts {
    pub(crate) number: u16,
    pub(crate) size: usize,
    pub(crate) checksum: Option<Checksum>,
}

/// Bytes at rest.
#[derive(Debug, Clone)]
pub(crate) enum StoredBody {
    /// SSE-S3: the key is S3's own and no rule ever looks at it, so the bytes stay as they are (`svc:M-5`). SSE-C: who
    /// brings the key gets them.
    Plain(Bytes),
    /// SSE-KMS: readable only with the data key that KMS unwraps.
    Sealed(Sealed),
}

/// How a version (or a multipart upload) is encrypted (`svc:S-13`: recorded once, used for every read).
#[derive(Debug, Clone)]
pub(crate) enum Protection {
    /// SSE-S3.
    S3Managed,
    /// SSE-KMS, DSSE-KMS.
    Kms(Arc<KmsProtection>),
    /// SSE-C.
    Customer(Arc<CustomerProtection>),
}

/// The facts of a KMS-encrypted version.
#[derive(Debug)]
pub(crate) struct KmsProtection {
    pub(crate) dsse: bool,
    pub(crate) key_arn: String,
    /// The data key encrypted under the KMS key.
    pub(crate) wrapped_key: Vec<u8>,
    /// The context it was encrypted with; reads resend it (`svc:S-14`).
    pub(crate) context: BTreeMap<String, String>,
    pub(crate) bucket_key: bool,
}

impl KmsProtection {
    /// The bucket whose ARN the encryption context names.
    pub(crate) fn bucket(&self) -> &str {
        let arn = self.context.get("aws:s3:arn").map_or("", String::as_str);
        let name = arn.strip_prefix("arn:aws:s3:::").unwrap_or_default();
        name.split('/').next().unwrap_or_default()
    }
}

impl Protection {
    /// The KMS facts, if KMS is involved.
    pub(crate) fn kms(&self) -> Option<&Arc<KmsProtection>> {
        match self {
            Self::S3Managed | Self::Customer(_) => None,
            Self::Kms(kms) => Some(kms),
        }
    }

    /// What is kept of the requester's own key, if there was one.
    pub(crate) fn customer(&self) -> Option<&Arc<CustomerProtection>> {
        match self {
            Self::S3Managed | Self::Kms(_) => None,
            Self::Customer(customer) => Some(customer),
        }
    }
}

/// A multipart upload in progress.
#[derive(Debug, Clone)]
pub(crate) struct Upload {
    pub(crate) key: String,
    pub(crate) initiated_at: Timestamp,
    /// ARN of the initiator, for listings.
    pub(crate) initiator: String,
    pub(crate) owner: AccountId,
    pub(crate) acl: Acl,
    pub(crate) lock: Lock,
    pub(crate) tags: BTreeMap<String, String>,
    pub(crate) headers: Vec<(String, String)>,
    pub(crate) storage_class: String,
    pub(crate) protection: Protection,
    pub(crate) checksum_algorithm: Option<Algorithm>,
    /// `x-amz-checksum-type`, if given.
    pub(crate) checksum_composite: Option<bool>,
    pub(crate) parts: BTreeMap<u16, UploadedPart>,
}

/// One uploaded part.
#[derive(Debug, Clone)]
pub(crate) struct UploadedPart {
    pub(crate) etag: String,
    pub(crate) size: usize,
    pub(crate) last_modified: Timestamp,
    pub(crate) checksum: Checksum,
    pub(crate) body: StoredBody,
}
