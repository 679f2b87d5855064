//! A KMS key and its properties: specs, usages, states, metadata. What may be done with it is elsewhere; what time does
//! to it is in `aging`.

use std::collections::BTreeMap;
use std::sync::Arc;

use jiff::Timestamp;
use serde_json::{Map, Value, json};

use super::grants::Grant;
use super::import_operations::ImportParameters;
use super::material::Material;
use super::store::KeyAddress;
use crate::authorizer::Policy;
use crate::names::{AccountId, KeyArn, KeyId, Region};
use crate::propagating::Propagating;

/// Key states (svc:§5).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum KeyState {
    /// Usable.
    Enabled,
    /// Switched off.
    Disabled,
    /// Waiting period before deletion.
    PendingDeletion,
    /// Multi-Region primary whose replicas are to go first.
    PendingReplicaDeletion,
    /// Without key material.
    PendingImport,
    /// Custom key store disconnected.
    Unavailable,
    /// Replica being made.
    Creating,
    /// Primary Region changing.
    Updating,
}

impl KeyState {
    /// Every state with its name, in the order of the state table.
    pub const ALL: [(Self, &'static str); 8] = [
        (Self::Enabled, "Enabled"),
        (Self::Disabled, "Disabled"),
        (Self::PendingDeletion, "PendingDeletion"),
        (Self::PendingReplicaDeletion, "PendingReplicaDeletion"),
        (Self::PendingImport, "PendingImport"),
        (Self::Unavailable, "Unavailable"),
        (Self::Creating, "Creating"),
        (Self::Updating, "Updating"),
    ];

    /// The name in key metadata.
    #[must_use]
    pub fn name(self) -> &'static str {
        Self::ALL
            .iter()
            .find(|(state, _)| *state == self)
            .map_or("Enabled", |(_, name)| name)
    }

    /// Reads a name.
    #[must_use]
    pub fn parse(name: &str) -> Option<Self> {
        Self::ALL
            .iter()
            .find(|(_, text)| *text == name)
            .map(|(state, _)| *state)
    }
}

/// What a spec is made for; decides metadata and usable operations.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum KeyFamily {
    /// `SYMMETRIC_DEFAULT`.
    Symmetric,
    /// `HMAC_…`.
    Mac,
    /// Everything with a public key.
    Asymmetric,
}

/// One key spec (svc:N-6).
#[derive(Debug)]
pub struct KeySpec {
    /// Its name.
    pub name: &'static str,
    /// Its family.
    pub family: KeyFamily,
    /// Key usages it may have; the first is the default where there is one.
    pub usages: &'static [&'static str],
    /// Algorithms shown in metadata, by usage.
    pub algorithms: &'static [(&'static str, &'static [&'static str])],
}

const RSA_ENCRYPTION: &[&str] = &["RSAES_OAEP_SHA_1", "RSAES_OAEP_SHA_256"];
const RSA_SIGNING: &[&str] = &[
    "RSASSA_PKCS1_V1_5_SHA_256",
    "RSASSA_PKCS1_V1_5_SHA_384",
    "RSASSA_PKCS1_V1_5_SHA_512",
    "RSASSA_PSS_SHA_256",
    "RSASSA_PSS_SHA_384",
    "RSASSA_PSS_SHA_512",
];
const RSA: &[(&str, &[&str])] = &[("ENCRYPT_DECRYPT", RSA_ENCRYPTION), ("SIGN_VERIFY", RSA_SIGNING)];
const RSA_USAGES: &[&str] = &["ENCRYPT_DECRYPT", "SIGN_VERIFY"];
const ECC_USAGES: &[&str] = &["SIGN_VERIFY", "KEY_AGREEMENT"];
const ML_DSA: &[(&str, &[&str])] = &[("SIGN_VERIFY", &["ML_DSA_SHAKE_256"])];
const ML_KEM: &[(&str, &[&str])] = &[("ENCAPSULATE_DECAPSULATE", &["ML_KEM"])];

/// Every key spec.
pub(super) const KEY_SPECS: &[KeySpec] = &[
    spec(
        "SYMMETRIC_DEFAULT",
        KeyFamily::Symmetric,
        &["ENCRYPT_DECRYPT"],
        &[("ENCRYPT_DECRYPT", &["SYMMETRIC_DEFAULT"])],
    ),
    spec(
        "HMAC_224",
        KeyFamily::Mac,
        &["GENERATE_VERIFY_MAC"],
        &[("GENERATE_VERIFY_MAC", &["HMAC_SHA_224"])],
    ),
    spec(
        "HMAC_256",
        KeyFamily::Mac,
        &["GENERATE_VERIFY_MAC"],
        &[("GENERATE_VERIFY_MAC", &["HMAC_SHA_256"])],
    ),
    spec(
        "HMAC_384",
        KeyFamily::Mac,
        &["GENERATE_VERIFY_MAC"],
        &[("GENERATE_VERIFY_MAC", &["HMAC_SHA_384"])],
    ),
    spec(
        "HMAC_512",
        KeyFamily::Mac,
        &["GENERATE_VERIFY_MAC"],
        &[("GENERATE_VERIFY_MAC", &["HMAC_SHA_512"])],
    ),
    spec("RSA_2048", KeyFamily::Asymmetric, RSA_USAGES, RSA),
    spec("RSA_3072", KeyFamily::Asymmetric, RSA_USAGES, RSA),
    spec("RSA_4096", KeyFamily::Asymmetric, RSA_USAGES, RSA),
    spec(
        "ECC_NIST_P256",
        KeyFamily::Asymmetric,
        ECC_USAGES,
        &[("SIGN_VERIFY", &["ECDSA_SHA_256"]), ("KEY_AGREEMENT", &["ECDH"])],
    ),
    spec(
        "ECC_NIST_P384",
        KeyFamily::Asymmetric,
        ECC_USAGES,
        &[("SIGN_VERIFY", &["ECDSA_SHA_384"]), ("KEY_AGREEMENT", &["ECDH"])],
    ),
    spec(
        "ECC_NIST_P521",
        KeyFamily::Asymmetric,
        ECC_USAGES,
        &[("SIGN_VERIFY", &["ECDSA_SHA_512"]), ("KEY_AGREEMENT", &["ECDH"])],
    ),
    spec(
        "ECC_NIST_EDWARDS25519",
        KeyFamily::Asymmetric,
        &["SIGN_VERIFY"],
        &[("SIGN_VERIFY", &["ED25519_SHA_512", "ED25519_PH_SHA_512"])],
    ),
    spec(
        "ECC_SECG_P256K1",
        KeyFamily::Asymmetric,
        &["SIGN_VERIFY"],
        &[("SIGN_VERIFY", &["ECDSA_SHA_256"])],
    ),
    spec("ML_DSA_44", KeyFamily::Asymmetric, &["SIGN_VERIFY"], ML_DSA),
    spec("ML_DSA_65", KeyFamily::Asymmetric, &["SIGN_VERIFY"], ML_DSA),
    spec("ML_DSA_87", KeyFamily::Asymmetric, &["SIGN_VERIFY"], ML_DSA),
    spec(
        "ML_KEM_512",
        KeyFamily::Asymmetric,
        &["ENCAPSULATE_DECAPSULATE"],
        ML_KEM,
    ),
    spec(
        "ML_KEM_768",
        KeyFamily::Asymmetric,
        &["ENCAPSULATE_DECAPSULATE"],
        ML_KEM,
    ),
    spec(
        "ML_KEM_1024",
        KeyFamily::Asymmetric,
        &["ENCAPSULATE_DECAPSULATE"],
        ML_KEM,
    ),
    spec(
        "SM2",
        KeyFamily::Asymmetric,
        &["ENCRYPT_DECRYPT", "SIGN_VERIFY", "KEY_AGREEMENT"],
        &[
            ("ENCRYPT_DECRYPT", &["SM2PKE"]),
            ("SIGN_VERIFY", &["SM2DSA"]),
            ("KEY_AGREEMENT", &["ECDH"]),
        ],
    ),
];

/// Every key usage.
pub(super) const KEY_USAGES: &[&str] = &[
    "SIGN_VERIFY",
    "ENCRYPT_DECRYPT",
    "GENERATE_VERIFY_MAC",
    "KEY_AGREEMENT",
    "ENCAPSULATE_DECAPSULATE",
];

const fn spec(
    name: &'static str,
    family: KeyFamily,
    usages: &'static [&'static str],
    algorithms: &'static [(&'static str, &'static [&'static str])],
) -> KeySpec {
    KeySpec {
        name,
        family,
        usages,
        algorithms,
    }
}

impl KeySpec {
    /// Finds a spec.
    #[must_use]
    pub fn find(name: &str) -> Option<&'static Self> {
        KEY_SPECS.iter().find(|spec| spec.name == name)
    }
}

/// Who looks after a key.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum KeyManager {
    /// The account.
    Customer,
    /// AWS, as `alias/aws/…` (svc:M-1).
    Aws,
}

impl KeyManager {
    /// The name in key metadata.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Customer => "CUSTOMER",
            Self::Aws => "AWS",
        }
    }
}

/// A KMS key with everything that belongs to it (svc:K-15).
#[derive(Debug, Clone)]
pub struct Key {
    /// Key id.
    pub id: KeyId,
    /// Key ARN.
    pub arn: KeyArn,
    /// Owner.
    pub account: AccountId,
    /// Region.
    pub region: Region,
    /// State.
    pub state: KeyState,
    /// Spec.
    pub spec: &'static KeySpec,
    /// Usage.
    pub usage: &'static str,
    /// `AWS_KMS`, `EXTERNAL`, `AWS_CLOUDHSM`, `EXTERNAL_KEY_STORE`.
    pub origin: &'static str,
    /// Customer or AWS.
    pub manager: KeyManager,
    /// True for multi-Region keys.
    pub multi_region: bool,
    /// Region of the primary key; the key's own for primaries and single-Region keys (svc:K-15).
    pub primary_region: Region,
    /// Description.
    pub description: String,
    /// When it was created.
    pub created_at: Timestamp,
    /// End of the waiting period.
    pub deletion_date: Option<Timestamp>,
    /// Waiting period of a primary that waits for its replicas to go first (svc:ST-4).
    pub pending_window_days: Option<i64>,
    /// A state that passes by itself, Creating or Updating: until when, and what follows (svc:ST-4).
    pub transient: Option<(Timestamp, KeyState)>,
    /// The key policy `default`; authorization sees changes late (svc:K-28).
    pub policy: Propagating<Arc<Policy>>,
    /// Tags; authorization sees them late (svc:K-28).
    pub tags: Propagating<BTreeMap<String, String>>,
    /// Names of the aliases on it; authorization sees them late (svc:K-28).
    pub alias_names: Propagating<Vec<String>>,
    /// Grants, oldest first, ended ones included until their end has propagated.
    pub grants: Vec<Grant>,
    /// Rotation period in days while rotation is on.
    pub rotation_period_days: Option<i64>,
    /// From when the next automatic rotation counts.
    pub rotation_anchor: Timestamp,
    /// A rotation on demand that is under way: begin and end.
    pub rotation_under_way: Option<(Timestamp, Timestamp)>,
    /// How often it was rotated on demand.
    pub rotations_on_demand: usize,
    /// Its last use for a cryptographic operation.
    pub last_use: Option<LastUse>,
    /// Key materials, oldest first; empty until the first import.
    pub(super) materials: Vec<Material>,
    /// Which material is current. A later one waits for its rotation.
    // INVARIANT: below `materials.len()` unless that is empty.
    pub(super) current: usize,
    /// Import tokens given out and not used up by time.
    pub(super) import_parameters: Vec<ImportParameters>,
}

/// The last successful cryptographic use of a key (GetKeyLastUsage).
#[derive(Debug, Clone)]
pub struct LastUse {
    /// When.
    pub at: Timestamp,
    /// API operation.
    pub operation: &'static str,
    /// Request id of the call.
    pub request_id: String,
}

impl Key {
    /// Where it is.
    pub(super) fn address(&self) -> KeyAddress {
        KeyAddress {
            account: self.account.clone(),
            region: self.region.clone(),
            id: self.id.clone(),
        }
    }

    /// True once the waiting period is over: the key no longer exists (svc:ST-5).
    #[must_use]
    pub fn is_gone(&self, now: Timestamp) -> bool {
        self.deletion_date.is_some_and(|date| date <= now)
    }

    /// The material that encrypts, signs and authenticates; `None` before the first import and after deletion.
    pub(super) fn current_material(&self) -> Option<&Material> {
        self.materials
            .get(self.current)
            .filter(|material| material.is_present())
    }

    /// The material with this id, also one that is no longer current.
    pub(super) fn material(&self, id: &str) -> Option<&Material> {
        self.materials[..self.materials.len().min(self.current + 1)]
            .iter()
            .find(|material| material.id == id && material.is_present())
    }

    /// `PRIMARY` or `REPLICA`; `None` for single-Region keys (svc:C-2).
    #[must_use]
    pub fn multi_region_type(&self) -> Option<&'static str> {
        self.multi_region.then_some(if self.primary_region == self.region {
            "PRIMARY"
        } else {
            "REPLICA"
        })
    }

    /// `KeyMetadata` of CreateKey and DescribeKey; `replicas` are the Regions of a multi-Region key's replicas.
    #[must_use]
    pub fn metadata(&self, replicas: &[Region]) -> Value {
        let mut metadata = Map::new();
        let mut put = |name: &str, value: Value| {
            metadata.insert(name.to_owned(), value);
        };
        put("AWSAccountId", json!(self.account.as_str()));
        put("KeyId", json!(self.id.as_str()));
        put("Arn", json!(self.arn.as_str()));
        put("CreationDate", seconds(self.created_at));
        put("Enabled", json!(self.state == KeyState::Enabled));
        put("Description", json!(self.description));
        put("KeyUsage", json!(self.usage));
        put("KeyState", json!(self.state.name()));
        put("Origin", json!(self.origin));
        put("KeyManager", json!(self.manager.name()));
        put("CustomerMasterKeySpec", json!(self.spec.name));
        put("KeySpec", json!(self.spec.name));
        put("MultiRegion", json!(self.multi_region));
        if let Some(date) = self.deletion_date {
            put("DeletionDate", seconds(date));
        }
        if let Some(name) = algorithms_member(self.usage) {
            put(name, json!(self.algorithms()));
        }
        if let Some(days) = self.pending_window_days {
            put("PendingDeletionWindowInDays", json!(days));
        }
        if let Some(material) = self.current_material() {
            if self.spec.family == KeyFamily::Symmetric {
                put("CurrentKeyMaterialId", json!(material.id));
            }
            if self.origin == "EXTERNAL" {
                put("ExpirationModel", json!(expiration_model(material.valid_to)));
                if let Some(date) = material.valid_to {
                    put("ValidTo", seconds(date));
                }
            }
        }
        if let Some(kind) = self.multi_region_type() {
            let related = |region: &Region| {
                let arn = KeyArn::new(region, &self.account, &self.id);
                json!({ "Arn": arn.as_str(), "Region": region.as_str() })
            };
            let replicas: Vec<Value> = replicas.iter().map(related).collect();
            put(
                "MultiRegionConfiguration",
                json!({
                    "MultiRegionKeyType": kind,
                    "PrimaryKey": related(&self.primary_region),
                    "ReplicaKeys": replicas,
                }),
            );
        }
        Value::Object(metadata)
    }

    /// Algorithms of the key for its usage.
    #[must_use]
    pub fn algorithms(&self) -> &'static [&'static str] {
        self.spec
            .algorithms
            .iter()
            .find(|(usage, _)| *usage == self.usage)
            .map_or(&[], |(_, algorithms)| algorithms)
    }
}

/// ExpirationModel of a material.
pub(super) fn expiration_model(valid_to: Option<Timestamp>) -> &'static str {
    match valid_to {
        Some(_) => "KEY_MATERIAL_EXPIRES",
        None => "KEY_MATERIAL_DOES_NOT_EXPIRE",
    }
}

/// The member that lists a key's algorithms.
pub(super) fn algorithms_member(usage: &str) -> Option<&'static str> {
    match usage {
        "ENCRYPT_DECRYPT" => Some("EncryptionAlgorithms"),
        "SIGN_VERIFY" => Some("SigningAlgorithms"),
        "GENERATE_VERIFY_MAC" => Some("MacAlgorithms"),
        "KEY_AGREEMENT" => Some("KeyAgreementAlgorithms"),
        "ENCAPSULATE_DECAPSULATE" => Some("EncapsulationAlgorithms"),
        _ => None,
    }
}

/// An instant as JSON 1.1 writes it: seconds with milliseconds.
#[must_use]
pub(super) fn seconds(instant: Timestamp) -> Value {
    #[expect(
        clippy::cast_precision_loss,
        reason = "milliseconds of this era fit a double exactly"
    )]
    let value = instant.as_millisecond() as f64 / 1000.0;
    json!(value)
}
