//! Buckets, objects and uploads as data.

use std::collections::BTreeMap;
use std::sync::Arc;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use jiff::Timestamp;
use serde_json::Value;

use super::acl::CannedAcl;
use crate::case::PublicAccessBlockSpec;
use crate::kms::key::KeyRef;
use crate::name::{AccountId, Region};
use crate::world::clock::Delayed;
use crate::world::policy::StoredPolicy;
use crate::world::shared::Shared;

/// A general purpose bucket.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Bucket {
    pub(crate) name: String,
    pub(crate) owner: AccountId,
    pub(crate) region: Region,
    /// Default encryption; SSE-S3 unless something else was put (`svc:S-10`).
    pub(crate) encryption: DefaultEncryption,
    /// Whether uploads under keys that customers send are refused (`svc:S-51`).
    pub(crate) blocks_customer_keys: bool,
    pub(crate) policy: Delayed<Option<Arc<StoredPolicy>>>,
    /// None: no configuration was put, or it was deleted.
    pub(crate) public_access_block: Option<PublicAccessBlockSpec>,
    /// Who owns new objects and whether ACLs count, where it is said (`svc:S-4`).
    pub(crate) ownership_controls: Option<Ownership>,
    pub(crate) acl: CannedAcl,
    pub(crate) versioning: Versioning,
    pub(crate) tags: Delayed<BTreeMap<String, String>>,
    pub(crate) requester_pays: bool,
    pub(crate) abac: bool,
    /// Whether it was made with Object Lock.
    pub(crate) object_lock: bool,
    /// As it was put.
    pub(crate) website: Option<Value>,
    /// Target bucket and prefix of the access logs.
    pub(crate) logging: Option<(String, String)>,
    /// Versions of each key, oldest first. INVARIANT: no list is empty.
    pub(crate) objects: BTreeMap<String, Shared<Vec<ObjectVersion>>>,
    pub(crate) uploads: BTreeMap<String, Upload>,
}

/// Default encryption of a bucket, as it was put: the key is not looked at (`svc:S-12`).
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct DefaultEncryption {
    pub(crate) algorithm: Algorithm,
    pub(crate) key: Option<String>,
    pub(crate) bucket_key: bool,
}

/// `x-amz-server-side-encryption`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Algorithm {
    /// `AES256`: SSE-S3.
    Aes256,
    /// `aws:kms`.
    Kms,
    /// `aws:kms:dsse`.
    Dsse,
}

/// Object Ownership (`svc:S-4`).
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Ownership {
    /// ACLs do not count; the bucket's owner owns everything.
    BucketOwnerEnforced,
    /// ACLs count; objects put with `bucket-owner-full-control` belong to the bucket's owner.
    BucketOwnerPreferred,
    /// ACLs count; objects belong to their writers.
    ObjectWriter,
}

/// Versioning.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Versioning {
    /// Never enabled.
    Never,
    /// Enabled.
    Enabled,
    /// Suspended.
    Suspended,
}

/// One version of an object, or a delete marker.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct ObjectVersion {
    /// `null` where versioning was not enabled.
    pub(crate) version_id: String,
    pub(crate) delete_marker: bool,
    /// Base64 text.
    pub(crate) body: String,
    pub(crate) encryption: ObjectEncryption,
    pub(crate) tags: BTreeMap<String, String>,
    pub(crate) acl: CannedAcl,
    pub(crate) owner: AccountId,
    pub(crate) keeping: Keeping,
}

/// How an object is kept: where, and for how long at least.
#[derive(Debug, Clone, Default, PartialEq)]
pub(crate) struct Keeping {
    /// None: STANDARD.
    pub(crate) storage_class: Option<String>,
    /// Whether an archived object was restored.
    pub(crate) restored: bool,
    pub(crate) retention: Option<Retention>,
    /// None: never said.
    pub(crate) legal_hold: Option<bool>,
}

/// A retention of Object Lock.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Retention {
    pub(crate) mode: RetentionMode,
    pub(crate) until: Timestamp,
}

/// How strong a retention is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum RetentionMode {
    /// Gives way to s3:BypassGovernanceRetention.
    Governance,
    /// Gives way to nobody.
    Compliance,
}

impl RetentionMode {
    /// All modes under their AWS names.
    pub(crate) const ALL: [(&'static str, Self); 2] =
        [("GOVERNANCE", Self::Governance), ("COMPLIANCE", Self::Compliance)];

    pub(crate) fn named(name: &str) -> Option<Self> {
        Self::ALL
            .iter()
            .find(|(known, _)| *known == name)
            .map(|(_, mode)| *mode)
    }

    pub(crate) fn name(self) -> &'static str {
        Self::ALL
            .iter()
            .find(|(_, mode)| *mode == self)
            .map_or("", |(name, _)| name)
    }
}

/// How an object is encrypted: settled when it is written (`svc:S-13`).
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum ObjectEncryption {
    /// SSE-S3: no KMS (`svc:M-5`).
    S3,
    /// SSE-KMS.
    Kms {
        algorithm: Algorithm,
        key: KeyRef,
        bucket_key: bool,
        /// The whole context that was sent (`svc:S-14`).
        context: BTreeMap<String, String>,
        /// The encrypted data key.
        data_key: String,
    },
    /// SSE-C: under a key that came with the request (`svc:S-49`).
    Customer {
        /// Base64 of the MD5 of the key; S3 keeps no key.
        digest: String,
    },
}

/// A multipart upload: its encryption is settled when it is created.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Upload {
    pub(crate) key: String,
    pub(crate) encryption: ObjectEncryption,
    pub(crate) tags: BTreeMap<String, String>,
    pub(crate) acl: CannedAcl,
    pub(crate) owner: AccountId,
    pub(crate) keeping: Keeping,
    /// Base64 text by part number.
    pub(crate) parts: BTreeMap<i64, String>,
}

impl Bucket {
    /// Without controls a bucket is one of ObjectWriter, as all were before there were any.
    pub(crate) fn ownership(&self) -> Ownership {
        self.ownership_controls.unwrap_or(Ownership::ObjectWriter)
    }

    pub(crate) fn arn(&self) -> String {
        format!("arn:aws:s3:::{}", self.name)
    }

    pub(crate) fn object_arn(&self, key: &str) -> String {
        format!("arn:aws:s3:::{}/{key}", self.name)
    }

    /// A version of an object; without an id the current one. Delete markers are found too.
    pub(crate) fn version(&self, key: &str, id: Option<&str>) -> Option<&ObjectVersion> {
        let versions = self.objects.get(key)?;
        match id {
            Some(id) => versions.iter().find(|version| version.version_id == id),
            None => versions.last(),
        }
    }

    /// The same, to be changed.
    pub(crate) fn version_mut(&mut self, key: &str, id: Option<&str>) -> Option<&mut ObjectVersion> {
        let versions = self.objects.get_mut(key)?;
        match id {
            Some(id) => versions.iter_mut().find(|version| version.version_id == id),
            None => versions.last_mut(),
        }
    }

    /// The current version that can be read.
    pub(crate) fn readable(&self, key: &str, id: Option<&str>) -> Option<&ObjectVersion> {
        self.version(key, id).filter(|version| !version.delete_marker)
    }

    /// Adds a version: replaces the `null` version where versioning is not enabled.
    pub(crate) fn put(&mut self, key: &str, version: ObjectVersion) {
        let versions = self.objects.entry(key.to_owned()).or_default();
        if version.version_id == "null" {
            versions.retain(|old| old.version_id != "null");
        }
        versions.push(version);
    }

    /// Removes a version for good.
    pub(crate) fn remove_version(&mut self, key: &str, id: &str) {
        if let Some(versions) = self.objects.get_mut(key) {
            versions.retain(|version| version.version_id != id);
            if versions.is_empty() {
                self.objects.remove(key);
            }
        }
    }
}

impl Algorithm {
    /// All algorithms under their header values.
    pub(crate) const ALL: [(&'static str, Self); 3] = [
        ("AES256", Self::Aes256),
        ("aws:kms", Self::Kms),
        ("aws:kms:dsse", Self::Dsse),
    ];

    pub(crate) fn named(name: &str) -> Option<Self> {
        Self::ALL
            .iter()
            .find(|(known, _)| *known == name)
            .map(|(_, algorithm)| *algorithm)
    }

    pub(crate) fn name(self) -> &'static str {
        Self::ALL
            .iter()
            .find(|(_, algorithm)| *algorithm == self)
            .map_or("", |(name, _)| name)
    }
}

impl Ownership {
    /// All settings under their AWS names.
    pub(crate) const ALL: [(&'static str, Self); 3] = [
        ("BucketOwnerEnforced", Self::BucketOwnerEnforced),
        ("BucketOwnerPreferred", Self::BucketOwnerPreferred),
        ("ObjectWriter", Self::ObjectWriter),
    ];

    pub(crate) fn named(name: &str) -> Option<Self> {
        Self::ALL
            .iter()
            .find(|(known, _)| *known == name)
            .map(|(_, ownership)| *ownership)
    }
}

impl ObjectVersion {
    /// Bytes of the body.
    pub(crate) fn length(&self) -> usize {
        STANDARD.decode(&self.body).map_or(0, |bytes| bytes.len())
    }
}

impl Default for DefaultEncryption {
    /// SSE-S3, as of every bucket since January 2023.
    fn default() -> Self {
        Self {
            algorithm: Algorithm::Aes256,
            key: None,
            bucket_key: false,
        }
    }
}
