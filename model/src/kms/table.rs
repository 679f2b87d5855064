//! The KMS operations as data: `spec/kms_operations.json`, read into closed types. A word that is not known is an error when the table
//! is loaded, never a rule that silently does not apply.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::LazyLock;

use serde::Deserialize;
use serde_json::Value;

use super::key::KeyState;

/// The whole table.
#[derive(Debug)]
pub struct OperationTable {
    operations: BTreeMap<String, Operation>,
    grant_operations: BTreeMap<String, Vec<String>>,
}

/// One API operation (`svc:2`).
#[derive(Debug, Clone)]
pub struct Operation {
    /// Its name, such as `ReEncrypt`.
    pub name: String,
    /// The permissions it needs, each on its resource.
    pub permissions: Vec<Permission>,
    /// Whether a caller of another account may use it (`svc:K-8`).
    pub cross_account: bool,
    /// Whether an alias may name the key (`svc:K-10`).
    pub takes_alias: bool,
    /// The states in which it can succeed; none for operations without a key.
    pub valid_states: Option<Vec<KeyState>>,
    /// What the key must be for (`svc:K-24`).
    pub usage: Usage,
    /// What the key must be.
    pub spec: SpecRequirement,
    /// Whether it is a cryptographic operation.
    pub cryptographic: bool,
    /// Whether the request carries an encryption context.
    pub encryption_context: bool,
    /// The names under which grants permit it (`svc:G-4`).
    pub grant_operations: Vec<String>,
    /// Whether the request carries grant tokens.
    pub grant_tokens: bool,
    /// Whether it can be tried without being done (`svc:K-26`).
    pub dry_run: bool,
    /// Condition keys of the request (`svc:3`).
    pub condition_keys: BTreeSet<ConditionKey>,
    /// Condition keys of the key.
    pub resource_condition_keys: BTreeSet<ConditionKey>,
    /// `readOnly` of its trail event (`svc:T-6`).
    pub read_only: bool,
    /// Where it stands.
    pub source: String,
}

/// A permission of an operation.
#[derive(Debug, Clone)]
pub struct Permission {
    /// The IAM action.
    pub action: String,
    /// On what.
    pub resource: PermissionResource,
    /// Which policies can give it.
    pub policies: PolicyPart,
    /// Only in this case.
    pub when: Option<When>,
}

/// What a permission is needed on.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum PermissionResource {
    /// `*`.
    Everything,
    /// `*` in the Region of a replica.
    ReplicaRegion,
    /// A service-linked role.
    ServiceLinkedRole,
    /// The alias.
    Alias,
    /// The key of the request.
    Key,
    /// The key that made the ciphertext.
    SourceKey,
    /// The key that makes the new ciphertext.
    DestinationKey,
    /// The key an alias stands for now.
    CurrentKey,
    /// The key an alias shall stand for.
    NewKey,
    /// The primary of a multi-Region key.
    PrimaryKey,
    /// The replica that becomes the primary.
    ReplicaKey,
    /// The retiring principal in the request.
    RetiringPrincipal,
}

/// Which policies can give a permission.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum PolicyPart {
    /// Identity policies only (`svc:K-18`).
    Identity,
    /// The key policy, or identity policies where it delegates.
    Key,
    /// The same, or a grant (`svc:K-20`).
    KeyOrGrant,
    /// A grant's own rights, or identity policies of the accounts that have a say (`svc:G-16`).
    RetireRights,
}

/// When a permission is needed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum When {
    /// The request has tags.
    Tags,
    /// The request makes a multi-Region key.
    MultiRegion,
    /// The key store is a CloudHSM one.
    CloudHsm,
}

/// What a key must be for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Usage {
    /// There is no key.
    NoKey,
    /// Anything.
    Any,
    /// One of these.
    OneOf(Vec<String>),
}

/// What a key must be.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum SpecRequirement {
    /// There is no key.
    NoKey,
    /// Anything.
    Any,
    /// Any asymmetric spec.
    Asymmetric,
    /// One of these; a trailing `*` stands for any ending.
    OneOf {
        /// The specs.
        specs: Vec<String>,
        /// The origin it must have.
        origin: Option<String>,
        /// Not in a custom key store.
        no_custom_key_store: bool,
    },
    /// Imported key material.
    Imported,
    /// The primary of a multi-Region key.
    MultiRegionPrimary,
}

/// A condition key that KMS puts into the context; families end with their separator.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum ConditionKey {
    /// `aws:RequestTag/…`
    RequestTag,
    /// `aws:ResourceTag/…`
    ResourceTag,
    /// `aws:TagKeys`
    TagKeys,
    /// A `kms:` key under its whole name.
    Kms(&'static str),
}

/// Every `kms:` condition key of the specification (`svc:3`).
const KMS_CONDITION_KEYS: &[&str] = &[
    "kms:BypassPolicyLockoutSafetyCheck",
    "kms:CallerAccount",
    "kms:DataKeyPairSpec",
    "kms:EncapsulationAlgorithm",
    "kms:EncryptionAlgorithm",
    "kms:EncryptionContext:${EncryptionContextKey}",
    "kms:EncryptionContextKeys",
    "kms:ExpirationModel",
    "kms:GrantConstraintSourceArn",
    "kms:GrantConstraintType",
    "kms:GrantIsForAWSResource",
    "kms:GrantOperations",
    "kms:GranteePrincipal",
    "kms:GranteeServicePrincipal",
    "kms:KeyAgreementAlgorithm",
    "kms:KeyOrigin",
    "kms:KeySpec",
    "kms:KeyUsage",
    "kms:MacAlgorithm",
    "kms:MessageType",
    "kms:MultiRegion",
    "kms:MultiRegionKeyType",
    "kms:PrimaryRegion",
    "kms:ReEncryptOnSameKey",
    "kms:RecipientAttestation:*",
    "kms:ReplicaRegion",
    "kms:RequestAlias",
    "kms:ResourceAliases",
    "kms:RetiringPrincipal",
    "kms:RetiringServicePrincipal",
    "kms:RotationPeriodInDays",
    "kms:ScheduleKeyDeletionPendingWindowInDays",
    "kms:SigningAlgorithm",
    "kms:TrailingDaysWithoutKeyUsage",
    "kms:ValidTo",
    "kms:ViaService",
    "kms:WrappingAlgorithm",
    "kms:WrappingKeySpec",
];

impl OperationTable {
    /// An operation by name.
    pub fn operation(&self, name: &str) -> Option<&Operation> {
        self.operations.get(name)
    }

    /// All operations, by name.
    pub fn operations(&self) -> impl Iterator<Item = &Operation> {
        self.operations.values()
    }

    /// What a grant on a key of this type can permit (`svc:G-4`).
    pub fn grant_operations(&self, key_type: &str) -> &[String] {
        self.grant_operations.get(key_type).map_or(&[], Vec::as_slice)
    }

    /// Every operation a grant can permit on some key.
    pub fn all_grant_operations(&self) -> BTreeSet<&str> {
        self.grant_operations.values().flatten().map(String::as_str).collect()
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
            .map(|(name, row)| {
                let operation = row.read(&name).map_err(|why| format!("{name}: {why}"))?;
                Ok((name, operation))
            })
            .collect::<Result<BTreeMap<_, _>, String>>()?;
        if operations.len() != file.operation_count {
            return Err(format!(
                "{} operations, {} were announced",
                operations.len(),
                file.operation_count
            ));
        }
        Ok(Self {
            operations,
            grant_operations: file.grant_operations_by_key_type,
        })
    }
}

impl Operation {
    /// Whether a condition key of the request exists for it.
    pub fn has_key(&self, name: &str) -> bool {
        condition_key(name).is_ok_and(|key| self.condition_keys.contains(&key))
    }

    /// Whether a condition key of the resource exists for it.
    pub fn has_resource_key(&self, name: &str) -> bool {
        condition_key(name).is_ok_and(|key| self.resource_condition_keys.contains(&key))
    }

    /// The permission on a kind of resource.
    pub fn permission_on(&self, resource: PermissionResource) -> Option<&Permission> {
        self.permissions
            .iter()
            .find(|permission| permission.resource == resource)
    }
}

impl SpecRequirement {
    /// Whether a spec satisfies the requirement, as far as specs go.
    pub fn admits_spec(&self, spec: &str) -> bool {
        match self {
            Self::OneOf { specs, .. } => specs.iter().any(|wanted| match wanted.strip_suffix('*') {
                Some(start) => spec.starts_with(start),
                None => spec == wanted,
            }),
            Self::Asymmetric => spec != "SYMMETRIC_DEFAULT" && !spec.starts_with("HMAC_"),
            _ => true,
        }
    }
}

/// The table of this crate.
pub fn table() -> &'static OperationTable {
    &TABLE
}

static TABLE: LazyLock<OperationTable> = LazyLock::new(|| {
    OperationTable::read(include_str!("../../spec/kms_operations.json"))
        .expect("kms_operations.json is part of this crate and a test reads it")
});

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    #[serde(rename = "source")]
    _source: Value,
    #[serde(rename = "http_status_default")]
    _http_status_default: u16,
    operation_count: usize,
    operations: BTreeMap<String, Row>,
    #[serde(rename = "permission_only")]
    _permission_only: Value,
    grant_operations_by_key_type: BTreeMap<String, Vec<String>>,
    #[serde(rename = "note_errors")]
    _note_errors: Value,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Row {
    permissions: Vec<PermissionRow>,
    #[serde(rename = "resource_kind")]
    _resource_kind: String,
    cross_account: Value,
    cross_account_identifiers: Vec<String>,
    #[serde(rename = "key_state_row")]
    _key_state_row: Option<String>,
    valid_states: Option<Vec<String>>,
    key_usage: Option<String>,
    key_spec: Option<String>,
    cryptographic: bool,
    encryption_context: bool,
    grantable: bool,
    grant_operations: Vec<String>,
    grant_tokens: bool,
    dry_run: bool,
    #[serde(rename = "dry_run_modifiers")]
    _dry_run_modifiers: bool,
    condition_keys: Vec<String>,
    resource_condition_keys: Vec<String>,
    cloudtrail_read_only: bool,
    #[serde(rename = "errors")]
    _errors: Vec<String>,
    source: String,
    #[serde(default, rename = "notes")]
    _notes: Option<Value>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct PermissionRow {
    action: String,
    resource: String,
    policy_type: String,
    when: Option<String>,
}

impl Row {
    fn read(self, name: &str) -> Result<Operation, String> {
        if self.grantable == self.grant_operations.is_empty() {
            return Err("`grantable` and `grant_operations` disagree".to_owned());
        }
        // Cross-account identifiers say whether an alias may name the key; for others the own-account rule is the same.
        let takes_alias = self.cross_account_identifiers.iter().any(|form| form == "alias ARN");
        if let Some(unknown) = self
            .cross_account_identifiers
            .iter()
            .find(|form| !matches!(form.as_str(), "key ARN" | "alias ARN"))
        {
            return Err(format!("unknown identifier form `{unknown}`"));
        }
        Ok(Operation {
            name: name.to_owned(),
            permissions: self
                .permissions
                .into_iter()
                .map(PermissionRow::read)
                .collect::<Result<_, _>>()?,
            cross_account: match &self.cross_account {
                Value::Bool(truth) => *truth,
                Value::String(text) if text == "own-account retiring principal only" => false,
                other => return Err(format!("unknown `cross_account` `{other}`")),
            },
            takes_alias,
            valid_states: self
                .valid_states
                .map(|states| {
                    states
                        .iter()
                        .map(|state| KeyState::named(state).ok_or_else(|| format!("unknown state `{state}`")))
                        .collect::<Result<_, _>>()
                })
                .transpose()?,
            usage: match self.key_usage.as_deref() {
                None => Usage::NoKey,
                Some("any") => Usage::Any,
                Some(list) => Usage::OneOf(alternatives(list, KNOWN_USAGES)?),
            },
            spec: spec_requirement(self.key_spec.as_deref())?,
            cryptographic: self.cryptographic,
            encryption_context: self.encryption_context,
            grant_operations: self.grant_operations,
            grant_tokens: self.grant_tokens,
            dry_run: self.dry_run,
            condition_keys: condition_keys(&self.condition_keys)?,
            resource_condition_keys: condition_keys(&self.resource_condition_keys)?,
            read_only: self.cloudtrail_read_only,
            source: self.source,
        })
    }
}

impl PermissionRow {
    fn read(self) -> Result<Permission, String> {
        Ok(Permission {
            resource: match self.resource.as_str() {
                "*" => PermissionResource::Everything,
                "* (replica Region)" => PermissionResource::ReplicaRegion,
                "SLR" => PermissionResource::ServiceLinkedRole,
                "alias ARN" => PermissionResource::Alias,
                "KMS key" => PermissionResource::Key,
                "source KMS key" => PermissionResource::SourceKey,
                "destination KMS key" => PermissionResource::DestinationKey,
                "current KMS key" => PermissionResource::CurrentKey,
                "new KMS key" => PermissionResource::NewKey,
                "current primary key (its Region)" | "primary KMS key (primary Region)" => {
                    PermissionResource::PrimaryKey
                }
                "replica that becomes primary (its Region)" => PermissionResource::ReplicaKey,
                "the retiring principal named in the request (write Resource as *)" => {
                    PermissionResource::RetiringPrincipal
                }
                other => return Err(format!("unknown resource `{other}`")),
            },
            policies: match self.policy_type.as_str() {
                "IAM policy only" => PolicyPart::Identity,
                "key policy (or IAM if delegated)" => PolicyPart::Key,
                "key policy (or IAM if delegated) or grant" => PolicyPart::KeyOrGrant,
                "grant (retiring principal / grantee with RetireGrant) or IAM policy delegated by issuing/retiring account; NOT effective in a key policy" => {
                    PolicyPart::RetireRights
                }
                other => return Err(format!("unknown policy type `{other}`")),
            },
            when: match self.when.as_deref() {
                None => None,
                Some("Tags parameter used") => Some(When::Tags),
                Some("MultiRegion=true") => Some(When::MultiRegion),
                Some("CloudHSM store") => Some(When::CloudHsm),
                Some(other) => return Err(format!("unknown `when` `{other}`")),
            },
            action: self.action,
        })
    }
}

const KNOWN_USAGES: &[&str] = &[
    "ENCRYPT_DECRYPT",
    "SIGN_VERIFY",
    "GENERATE_VERIFY_MAC",
    "KEY_AGREEMENT",
    "ENCAPSULATE_DECAPSULATE",
];
const KNOWN_SPECS: &[&str] = &[
    "SYMMETRIC_DEFAULT",
    "RSA_*",
    "SM2",
    "ECC_*",
    "ECC_NIST_P*",
    "ECC_NIST_EDWARDS25519",
    "ML_DSA_*",
    "ML_KEM_*",
    "HMAC_*",
];

fn spec_requirement(text: Option<&str>) -> Result<SpecRequirement, String> {
    Ok(match text {
        None => SpecRequirement::NoKey,
        Some("any") => SpecRequirement::Any,
        Some("any asymmetric spec") => SpecRequirement::Asymmetric,
        Some("Origin=EXTERNAL") => SpecRequirement::Imported,
        Some("MultiRegion=true (primary)") => SpecRequirement::MultiRegionPrimary,
        Some(list) => {
            let (specs, rest) = list
                .split_once(", ")
                .map_or((list, None), |(specs, rest)| (specs, Some(rest)));
            let (origin, no_custom_key_store) = match rest {
                None => (None, false),
                Some("Origin=AWS_KMS") => (Some("AWS_KMS".to_owned()), false),
                Some("not in a custom key store") => (None, true),
                Some(other) => return Err(format!("unknown requirement `{other}`")),
            };
            SpecRequirement::OneOf {
                specs: alternatives(specs, KNOWN_SPECS)?,
                origin,
                no_custom_key_store,
            }
        }
    })
}

fn alternatives(list: &str, known: &[&str]) -> Result<Vec<String>, String> {
    list.split(" | ")
        .map(|one| {
            if known.contains(&one) {
                Ok(one.to_owned())
            } else {
                Err(format!("unknown word `{one}`"))
            }
        })
        .collect()
}

fn condition_keys(names: &[String]) -> Result<BTreeSet<ConditionKey>, String> {
    names.iter().map(|name| condition_key(name)).collect()
}

fn condition_key(name: &str) -> Result<ConditionKey, String> {
    match name {
        "aws:RequestTag/${TagKey}" => Ok(ConditionKey::RequestTag),
        "aws:ResourceTag/${TagKey}" => Ok(ConditionKey::ResourceTag),
        "aws:TagKeys" => Ok(ConditionKey::TagKeys),
        _ => KMS_CONDITION_KEYS
            .iter()
            .find(|known| **known == name)
            .map(|known| ConditionKey::Kms(known))
            .ok_or_else(|| format!("unknown condition key `{name}`")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_whole_table_is_understood() {
        let table = OperationTable::read(include_str!("../../spec/kms_operations.json")).expect("every word is known");
        assert_eq!(table.operations().count(), 56);
        assert_eq!(
            table.all_grant_operations().len(),
            17 + 2,
            "svc:G-4: 19 grant operations"
        );
    }

    #[test]
    fn what_is_not_understood_is_an_error() {
        let text = include_str!("../../spec/kms_operations.json").replace("Tags parameter used", "the moon is full");
        let error = OperationTable::read(&text).expect_err("the moon is not a condition of KMS");
        assert!(error.contains("the moon is full"), "{error}");
    }

    #[test]
    fn rows_say_what_the_specification_says() {
        let operation = |name: &str| table().operation(name).expect("it is in the table");
        assert_eq!(operation("ReEncrypt").permissions.len(), 2, "svc:K-21");
        assert_eq!(operation("UpdateAlias").permissions.len(), 3, "svc:K-17");
        assert!(!operation("ScheduleKeyDeletion").cross_account, "svc:K-8");
        assert!(
            operation("RevokeGrant").cross_account && !operation("RevokeGrant").takes_alias,
            "svc:K-10"
        );
        assert!(operation("Decrypt").has_key("kms:EncryptionContextKeys"));
        assert!(
            !operation("DescribeKey").has_key("kms:EncryptionContextKeys"),
            "svc:C-4"
        );
        assert!(operation("GenerateDataKey").spec.admits_spec("SYMMETRIC_DEFAULT"));
        assert!(!operation("GenerateDataKey").spec.admits_spec("RSA_2048"), "svc:K-24");
        assert!(operation("Encrypt").spec.admits_spec("RSA_2048"));
    }
}
