//! The S3 operations as data: `spec/s3_operations.json`, read into closed types. A `when`, a key or a context that is not known is an
//! error when the table is loaded.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::LazyLock;

use serde::Deserialize;
use serde_json::Value;

/// The whole table.
#[derive(Debug)]
pub struct OperationTable {
    operations: BTreeMap<String, Operation>,
    actions: BTreeMap<String, Action>,
}

/// What an action knows (`svc:S-26`).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Action {
    /// The types of resources it can be asked on.
    pub resource_types: BTreeSet<String>,
    /// Its condition keys; names with a variable part are written `s3:ExistingObjectTag/<key>`.
    pub condition_keys: BTreeSet<String>,
}

/// One API operation (`svc:S-15`).
#[derive(Debug, Clone)]
pub struct Operation {
    /// Its name.
    pub name: String,
    /// The S3 checks it makes, in order.
    pub permissions: Vec<Permission>,
    /// The KMS calls it makes after them, in order.
    pub kms_calls: Vec<KmsCall>,
}

/// An S3 check.
#[derive(Debug, Clone)]
pub struct Permission {
    /// The IAM action.
    pub action: String,
    /// On what kind of resource (`svc:S-26`).
    pub resource: ResourceKind,
    /// Of which bucket of the request.
    pub of: Side,
    /// Only in this case.
    pub when: Option<When>,
}

/// A KMS call of an S3 operation.
#[derive(Debug, Clone)]
pub struct KmsCall {
    /// The KMS action.
    pub action: String,
    /// With which key.
    pub key: KeyChoice,
    /// Only in this case.
    pub when: Option<KmsWhen>,
}

/// The kind of resource of a check.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum ResourceKind {
    /// `arn:aws:s3:::b`.
    Bucket,
    /// `arn:aws:s3:::b/k`.
    Object,
    /// `*`.
    Everything,
}

/// Which bucket of a request.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Side {
    /// The only one, or the destination.
    Target,
    /// The source of a copy.
    Source,
}

/// When an S3 check is made.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum When {
    /// An ACL stands in the request.
    AclHeader,
    /// An ACL that lets somebody else in stands in the request.
    OpeningAclHeader,
    /// Object Ownership stands in the request.
    OwnershipHeader,
    /// Object Lock is asked for.
    ObjectLockHeader,
    /// Tags stand in the request.
    TaggingHeader,
    /// A retention stands in the request.
    RetentionHeader,
    /// A legal hold stands in the request.
    LegalHoldHeader,
    /// A version is named.
    VersionNamed,
    /// No version is named.
    NoVersionNamed,
    /// The source is named with a version.
    SourceVersionNamed,
    /// The source is named without a version.
    NoSourceVersionNamed,
    /// The tags of the source, named without a version, are copied.
    SourceTagsCopied,
    /// The tags of a version of the source are copied.
    SourceVersionTagsCopied,
}

/// When a KMS call is made.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum KmsWhen {
    /// The checksum is asked for (`svc:S-17`).
    ChecksumMode,
    /// The source is encrypted under a KMS key.
    SourceIsKms,
    /// The destination is to be encrypted under a KMS key.
    DestinationIsKms,
    /// Always, though AWS documents less.
    Always,
    /// The object was encrypted under a KMS key before.
    OldIsKms,
}

/// Which key a KMS call is made with.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum KeyChoice {
    /// The one that `svc:S-10` chooses for the write.
    Effective,
    /// The one of the stored object (`svc:S-13`).
    Stored,
    /// The one of the stored source.
    StoredSource,
    /// The one chosen when the upload was created.
    Upload,
    /// The key before a change of encryption.
    Old,
    /// The key after a change of encryption.
    New,
}

impl OperationTable {
    /// An operation by name.
    pub fn operation(&self, name: &str) -> Option<&Operation> {
        self.operations.get(name)
    }

    /// All operations, by name.
    pub fn operations(&self) -> impl Iterator<Item = &Operation> {
        self.operations.values()
    }

    /// Whether a condition key exists for an action. Names with a variable part are written `s3:ExistingObjectTag/<key>`.
    pub fn action_has_key(&self, action: &str, key: &str) -> bool {
        self.actions
            .get(action)
            .is_some_and(|action| action.condition_keys.contains(key))
    }

    /// The actions that the table lists, by name.
    pub fn actions(&self) -> &BTreeMap<String, Action> {
        &self.actions
    }

    /// Reads a table.
    ///
    /// # Errors
    /// What is not understood, and where.
    pub fn read(text: &str) -> Result<Self, String> {
        let file: File = serde_json::from_str(text).map_err(|error| error.to_string())?;
        let operations = file
            .operations
            .into_iter()
            .map(|(name, row)| Ok((name.clone(), row.read(&name).map_err(|why| format!("{name}: {why}"))?)))
            .collect::<Result<BTreeMap<_, _>, String>>()?;
        for error in &file.kms_error_mapping {
            if error.code.is_empty() || !(400..=403).contains(&error.http) {
                return Err(format!("unexpected error mapping `{}`", error.code));
            }
        }
        let actions = file
            .actions
            .into_iter()
            .map(|(name, row)| {
                let action = Action {
                    resource_types: row.resource_types.into_iter().collect(),
                    condition_keys: row.condition_keys.into_iter().collect(),
                };
                (name, action)
            })
            .collect();
        Ok(Self { operations, actions })
    }
}

/// The table of this crate.
pub fn table() -> &'static OperationTable {
    &TABLE
}

static TABLE: LazyLock<OperationTable> = LazyLock::new(|| {
    OperationTable::read(include_str!("../../spec/s3_operations.json"))
        .expect("s3_operations.json is part of this crate and a test reads it")
});

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    #[serde(rename = "source")]
    _source: Value,
    #[serde(rename = "resource_arns")]
    _resource_arns: Value,
    operations: BTreeMap<String, Row>,
    actions: BTreeMap<String, ActionRow>,
    kms_error_mapping: Vec<ErrorRow>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Row {
    s3_permissions: Vec<PermissionRow>,
    #[serde(default)]
    kms_calls: Vec<KmsRow>,
    kms_applies_when: Option<String>,
    #[serde(default, rename = "notes")]
    _notes: Option<Value>,
    #[serde(rename = "confidence")]
    _confidence: Value,
    #[serde(rename = "source")]
    _source: Value,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct PermissionRow {
    action: String,
    resource: String,
    of: String,
    when: Option<String>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct KmsRow {
    action: String,
    key: String,
    encryption_context: String,
    when: Option<String>,
    #[serde(rename = "confidence")]
    _confidence: String,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct ActionRow {
    #[serde(rename = "access_level")]
    _access_level: Value,
    resource_types: Vec<String>,
    condition_keys: Vec<String>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct ErrorRow {
    #[serde(rename = "cause")]
    _cause: String,
    code: String,
    http: u16,
    #[serde(rename = "message")]
    _message: Option<String>,
    #[serde(rename = "source")]
    _source: String,
}

impl Row {
    fn read(self, name: &str) -> Result<Operation, String> {
        // Every call depends on the encryption being a KMS one; the flows know that without being told per row.
        match self.kms_applies_when.as_deref() {
            None if self.kms_calls.is_empty() => {}
            Some("object/bucket uses SSE-KMS or DSSE-KMS") if !self.kms_calls.is_empty() => {}
            other => return Err(format!("unexpected `kms_applies_when` {other:?}")),
        }
        Ok(Operation {
            name: name.to_owned(),
            permissions: self
                .s3_permissions
                .into_iter()
                .map(PermissionRow::read)
                .collect::<Result<_, _>>()?,
            kms_calls: self.kms_calls.into_iter().map(KmsRow::read).collect::<Result<_, _>>()?,
        })
    }
}

impl PermissionRow {
    fn read(self) -> Result<Permission, String> {
        Ok(Permission {
            resource: match self.resource.as_str() {
                "bucket" => ResourceKind::Bucket,
                "object" => ResourceKind::Object,
                "*" => ResourceKind::Everything,
                other => return Err(format!("unknown resource `{other}`")),
            },
            of: match self.of.as_str() {
                "target" | "destination" => Side::Target,
                "source" => Side::Source,
                other => return Err(format!("unknown side `{other}`")),
            },
            when: self.when.as_deref().map(when).transpose()?,
            action: self.action,
        })
    }
}

impl KmsRow {
    fn read(self) -> Result<KmsCall, String> {
        let key = match self.key.as_str() {
            "effective destination key (S-10)" => KeyChoice::Effective,
            "key recorded on the stored object" => KeyChoice::Stored,
            "key recorded on the stored object (source)" => KeyChoice::StoredSource,
            "key chosen at CreateMultipartUpload" => KeyChoice::Upload,
            "old key" => KeyChoice::Old,
            "new key" => KeyChoice::New,
            other => return Err(format!("unknown key `{other}`")),
        };
        // The context belongs to the key: S-14 makes both together.
        let context = match key {
            KeyChoice::Effective => "dest default context (S-14)",
            KeyChoice::Stored | KeyChoice::StoredSource => "context stored with the object (S-14)",
            KeyChoice::Upload => "context chosen at CreateMultipartUpload",
            KeyChoice::Old => "old context",
            KeyChoice::New => "new context",
        };
        if self.encryption_context != context {
            return Err(format!(
                "unknown encryption context `{}` for `{}`",
                self.encryption_context, self.key
            ));
        }
        Ok(KmsCall {
            key,
            when: self.when.as_deref().map(kms_when).transpose()?,
            action: self.action,
        })
    }
}

fn when(text: &str) -> Result<When, String> {
    Ok(match text {
        "x-amz-acl or x-amz-grant-* header present" => When::AclHeader,
        "x-amz-acl other than private or x-amz-grant-* header present" => When::OpeningAclHeader,
        "x-amz-object-ownership header present" => When::OwnershipHeader,
        "x-amz-bucket-object-lock-enabled: true" => When::ObjectLockHeader,
        "x-amz-tagging header present" => When::TaggingHeader,
        "object-lock mode/retain-until header present" => When::RetentionHeader,
        "object-lock legal-hold header present" => When::LegalHoldHeader,
        "versionId in request" | "versionId" | "entry with versionId" => When::VersionNamed,
        "no versionId in request" | "no versionId" | "entry without versionId" => When::NoVersionNamed,
        "source versionId" => When::SourceVersionNamed,
        "no source versionId" => When::NoSourceVersionNamed,
        "tagging directive COPY and source has tags, no source versionId" => When::SourceTagsCopied,
        "tagging directive COPY and source has tags, source versionId" => When::SourceVersionTagsCopied,
        other => return Err(format!("unknown `when` `{other}`")),
    })
}

fn kms_when(text: &str) -> Result<KmsWhen, String> {
    Ok(match text {
        "x-amz-checksum-mode: ENABLED" => KmsWhen::ChecksumMode,
        "source is KMS-encrypted" => KmsWhen::SourceIsKms,
        "destination is KMS-encrypted" => KmsWhen::DestinationIsKms,
        "old encryption is SSE-KMS" => KmsWhen::OldIsKms,
        "always (API page lists kms:GenerateDataKey and kms:Decrypt; the former is assumed unused)"
        | "documented for the additional-checksum case; model: always" => KmsWhen::Always,
        other => return Err(format!("unknown `when` of a KMS call `{other}`")),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_whole_table_is_understood() {
        let table = OperationTable::read(include_str!("../../spec/s3_operations.json")).expect("every word is known");
        assert!(table.operations().count() >= 50);
    }

    #[test]
    fn what_is_not_understood_is_an_error() {
        let text = include_str!("../../spec/s3_operations.json");
        for (word, other) in [
            ("\"no versionId\"", "\"the moon is full\""),
            ("x-amz-checksum-mode: ENABLED", "the moon is full"),
            ("effective destination key (S-10)", "some key"),
            ("dest default context (S-14)", "some context"),
        ] {
            let error = OperationTable::read(&text.replace(word, other)).expect_err(word);
            assert!(error.contains(other.trim_matches('"')), "{error}");
        }
    }

    #[test]
    fn rows_say_what_the_specification_says() {
        let calls = |name: &str| -> Vec<(&str, KeyChoice)> {
            table()
                .operation(name)
                .expect("it is in the table")
                .kms_calls
                .iter()
                .map(|call| (call.action.as_str(), call.key))
                .collect()
        };
        assert_eq!(
            calls("PutObject"),
            [("kms:GenerateDataKey", KeyChoice::Effective)],
            "svc:S-16"
        );
        assert_eq!(calls("GetObject"), [("kms:Decrypt", KeyChoice::Stored)], "svc:S-17");
        assert_eq!(
            calls("CopyObject"),
            [
                ("kms:Decrypt", KeyChoice::StoredSource),
                ("kms:GenerateDataKey", KeyChoice::Effective)
            ],
            "svc:S-18"
        );
        assert!(
            calls("DeleteObject").is_empty() && calls("ListObjectsV2").is_empty(),
            "svc:S-17"
        );
        assert!(table().action_has_key("s3:ListBucket", "s3:prefix"), "svc:S-42");
        assert!(
            !table().action_has_key("s3:GetObject", "s3:x-amz-server-side-encryption"),
            "svc:S-40"
        );
    }
}
