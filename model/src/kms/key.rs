//! KMS keys, aliases and ciphertexts as data: what the store holds, and the facts that follow from a key's own fields.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;

use jiff::Timestamp;

use super::grant::Grant;
use crate::name::{AccountId, Region};
use crate::world::clock::{Delayed, Moment};
use crate::world::policy::StoredPolicy;

/// Where a key lives. Its ARN follows.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct KeyRef {
    pub(crate) account: AccountId,
    pub(crate) region: Region,
    pub(crate) id: String,
}

impl KeyRef {
    pub(crate) fn arn(&self) -> String {
        format!("arn:aws:kms:{}:{}:key/{}", self.region, self.account, self.id)
    }

    /// What replicas share with their primary: the key material (`svc:K-15`).
    pub(crate) fn material(&self) -> String {
        if self.id.starts_with("mrk-") {
            format!("{}/{}", self.account, self.id)
        } else {
            self.arn()
        }
    }

    pub(crate) fn same_material(&self, other: &Self) -> bool {
        self.material() == other.material()
    }
}

/// The states of a key (`svc:ST-1`).
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum KeyState {
    /// Usable.
    Enabled,
    /// Not usable until enabled.
    Disabled,
    /// Waiting for deletion.
    PendingDeletion,
    /// A multi-Region primary that waits for its replicas to go.
    PendingReplicaDeletion,
    /// Without key material.
    PendingImport,
    /// In a custom key store that is not connected.
    Unavailable,
    /// A replica being made.
    Creating,
    /// Becoming a primary or a replica.
    Updating,
}

impl KeyState {
    /// All states under their AWS names.
    pub const ALL: [(&'static str, Self); 8] = [
        ("Enabled", Self::Enabled),
        ("Disabled", Self::Disabled),
        ("PendingDeletion", Self::PendingDeletion),
        ("PendingReplicaDeletion", Self::PendingReplicaDeletion),
        ("PendingImport", Self::PendingImport),
        ("Unavailable", Self::Unavailable),
        ("Creating", Self::Creating),
        ("Updating", Self::Updating),
    ];

    /// The state by its AWS name.
    pub fn named(name: &str) -> Option<Self> {
        Self::ALL
            .iter()
            .find(|(known, _)| *known == name)
            .map(|(_, state)| *state)
    }

    /// Its AWS name.
    pub fn name(self) -> &'static str {
        Self::ALL
            .iter()
            .find(|(_, state)| *state == self)
            .map_or("", |(name, _)| name)
    }
}

impl fmt::Display for KeyState {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(self.name())
    }
}

/// Who manages a key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum KeyManager {
    /// A customer managed key.
    Customer,
    /// An AWS managed key of a service, such as `s3` (`svc:M-1`).
    Aws(String),
}

/// A KMS key.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Key {
    pub(crate) at: KeyRef,
    pub(crate) spec: String,
    pub(crate) usage: String,
    pub(crate) origin: String,
    pub(crate) multi_region: bool,
    /// The primary, for a replica (`svc:K-15`).
    pub(crate) replica_of: Option<KeyRef>,
    pub(crate) manager: KeyManager,
    pub(crate) state: KeyState,
    pub(crate) description: String,
    pub(crate) rotation_enabled: bool,
    pub(crate) policy: Delayed<Arc<StoredPolicy>>,
    pub(crate) tags: Delayed<BTreeMap<String, String>>,
    /// In the order of creation; ended ones stay until the end has taken effect.
    pub(crate) grants: Vec<Grant>,
    /// When it is deleted, while it is pending deletion.
    pub(crate) deletion: Option<Timestamp>,
    pub(crate) material: Material,
}

/// Where a key's material comes from, and what happens to it in time.
#[derive(Debug, Clone, Default, PartialEq)]
pub(crate) struct Material {
    /// The id of the custom key store it is in.
    pub(crate) custom_key_store: Option<String>,
    /// What was imported by a call, for a key of origin EXTERNAL.
    pub(crate) imported: Option<Imported>,
    /// Rotations on demand, in order.
    pub(crate) rotations: Vec<Timestamp>,
    /// Days between automatic rotations, where they were said.
    pub(crate) rotation_period: Option<i64>,
    /// The state that follows by itself: of a replica being made, of a primary that changes (`svc:ST-4`).
    pub(crate) becomes: Option<(Moment, KeyState)>,
}

/// Imported key material.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Imported {
    /// Base64 text of the material itself; in a Case it stands unwrapped.
    pub(crate) material: String,
    /// When it expires.
    pub(crate) valid_to: Option<Timestamp>,
}

/// What GetParametersForImport gave out.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct ImportToken {
    pub(crate) key: KeyRef,
    pub(crate) valid_to: Timestamp,
}

/// What a signature or a MAC stands for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Signature {
    pub(crate) key: KeyRef,
    pub(crate) algorithm: String,
    pub(crate) message_type: String,
    /// Base64 text.
    pub(crate) message: String,
}

/// A custom key store.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct KeyStore {
    pub(crate) name: String,
    pub(crate) kind: KeyStoreKind,
    pub(crate) connected: bool,
}

/// What is behind a custom key store.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum KeyStoreKind {
    /// An AWS CloudHSM cluster.
    CloudHsm,
    /// A key manager outside AWS.
    External,
}

impl KeyStoreKind {
    /// All kinds under `CustomKeyStoreType`; the first is the default.
    pub(crate) const ALL: [(&'static str, Self); 2] =
        [("AWS_CLOUDHSM", Self::CloudHsm), ("EXTERNAL_KEY_STORE", Self::External)];

    /// Also the `Origin` of its keys.
    pub(crate) fn name(self) -> &'static str {
        Self::ALL
            .iter()
            .find(|(_, kind)| *kind == self)
            .map_or("", |(name, _)| name)
    }

    pub(crate) fn named(name: &str) -> Option<Self> {
        Self::ALL
            .iter()
            .find(|(known, _)| *known == name)
            .map(|(_, kind)| *kind)
    }
}

impl Key {
    pub(crate) fn arn(&self) -> String {
        self.at.arn()
    }

    /// `aws:kms` needs this kind: symmetric, for encryption (`svc:S-11`, `svc:K-24`).
    pub(crate) fn is_symmetric_encryption(&self) -> bool {
        self.spec == "SYMMETRIC_DEFAULT" && self.usage == "ENCRYPT_DECRYPT"
    }

    /// The row of `grant_operations_by_key_type` it belongs to (`svc:G-4`).
    pub(crate) fn grant_type(&self) -> &'static str {
        match (self.spec.as_str(), self.usage.as_str()) {
            ("SYMMETRIC_DEFAULT", _) => "SYMMETRIC_ENCRYPT_DECRYPT",
            (_, "ENCRYPT_DECRYPT") => "ASYMMETRIC_ENCRYPT_DECRYPT",
            (_, "SIGN_VERIFY") => "ASYMMETRIC_SIGN_VERIFY",
            (_, "KEY_AGREEMENT") => "ASYMMETRIC_KEY_AGREEMENT",
            (_, "ENCAPSULATE_DECAPSULATE") => "ASYMMETRIC_ENCAPSULATE_DECAPSULATE",
            _ => "HMAC_GENERATE_VERIFY_MAC",
        }
    }

    /// Whether it is in a custom key store.
    pub(crate) fn in_custom_key_store(&self) -> bool {
        matches!(self.origin.as_str(), "AWS_CLOUDHSM" | "EXTERNAL_KEY_STORE")
    }

    /// The algorithms it can be used with, by spec and usage (`svc:K-24`).
    pub(crate) fn algorithms(&self) -> &'static [&'static str] {
        ALGORITHMS
            .iter()
            .find(|(specs, usage, _)| {
                *usage == self.usage
                    && match specs.strip_suffix('*') {
                        Some(start) => self.spec.starts_with(start),
                        None => *specs == self.spec,
                    }
            })
            .map_or(&[], |(_, _, algorithms)| algorithms)
    }
}

/// Specs (a trailing `*` stands for any ending), usage, and the algorithms of both (KMS developer guide, key spec reference).
type AlgorithmRow = (&'static str, &'static str, &'static [&'static str]);

#[rustfmt::skip]
const ALGORITHMS: &[AlgorithmRow] = &[
    ("SYMMETRIC_DEFAULT", "ENCRYPT_DECRYPT", &["SYMMETRIC_DEFAULT"]),
    ("RSA_*", "ENCRYPT_DECRYPT", &["RSAES_OAEP_SHA_1", "RSAES_OAEP_SHA_256"]),
    ("SM2", "ENCRYPT_DECRYPT", &["SM2PKE"]),
    ("RSA_*", "SIGN_VERIFY", &[
        "RSASSA_PKCS1_V1_5_SHA_256", "RSASSA_PKCS1_V1_5_SHA_384", "RSASSA_PKCS1_V1_5_SHA_512",
        "RSASSA_PSS_SHA_256", "RSASSA_PSS_SHA_384", "RSASSA_PSS_SHA_512",
    ]),
    ("ECC_NIST_P256", "SIGN_VERIFY", &["ECDSA_SHA_256"]),
    ("ECC_NIST_P384", "SIGN_VERIFY", &["ECDSA_SHA_384"]),
    ("ECC_NIST_P521", "SIGN_VERIFY", &["ECDSA_SHA_512"]),
    ("ECC_SECG_P256K1", "SIGN_VERIFY", &["ECDSA_SHA_256"]),
    ("ECC_NIST_EDWARDS25519", "SIGN_VERIFY", &["ED25519_SHA_512", "ED25519_PH_SHA_512"]),
    ("SM2", "SIGN_VERIFY", &["SM2DSA"]),
    ("ML_DSA_*", "SIGN_VERIFY", &["ML_DSA_SHAKE_256"]),
    ("HMAC_224", "GENERATE_VERIFY_MAC", &["HMAC_SHA_224"]),
    ("HMAC_256", "GENERATE_VERIFY_MAC", &["HMAC_SHA_256"]),
    ("HMAC_384", "GENERATE_VERIFY_MAC", &["HMAC_SHA_384"]),
    ("HMAC_512", "GENERATE_VERIFY_MAC", &["HMAC_SHA_512"]),
    ("ECC_NIST_P*", "KEY_AGREEMENT", &["ECDH"]),
    ("SM2", "KEY_AGREEMENT", &["ECDH"]),
    ("ML_KEM_*", "ENCAPSULATE_DECAPSULATE", &["ML_KEM"]),
];

/// An alias. `None` as its latest target: it was deleted.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Alias {
    pub(crate) target: Delayed<Option<KeyRef>>,
}

/// What a ciphertext blob stands for (`svc:K-25`).
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Ciphertext {
    pub(crate) key: KeyRef,
    pub(crate) algorithm: String,
    pub(crate) encryption_context: BTreeMap<String, String>,
    /// Base64 text, or the symbol of a plaintext that the target made.
    pub(crate) plaintext: String,
}

/// The usages a spec may have (`svc:N-6`); the first is the default where one may be left out.
pub(crate) fn usages_of_spec(spec: &str) -> Option<&'static [&'static str]> {
    match spec {
        "SYMMETRIC_DEFAULT" => Some(&["ENCRYPT_DECRYPT"]),
        "HMAC_224" | "HMAC_256" | "HMAC_384" | "HMAC_512" => Some(&["GENERATE_VERIFY_MAC"]),
        "RSA_2048" | "RSA_3072" | "RSA_4096" => Some(&["ENCRYPT_DECRYPT", "SIGN_VERIFY"]),
        "ECC_NIST_P256" | "ECC_NIST_P384" | "ECC_NIST_P521" => Some(&["SIGN_VERIFY", "KEY_AGREEMENT"]),
        "ECC_NIST_EDWARDS25519" | "ECC_SECG_P256K1" | "ML_DSA_44" | "ML_DSA_65" | "ML_DSA_87" => Some(&["SIGN_VERIFY"]),
        "ML_KEM_512" | "ML_KEM_768" | "ML_KEM_1024" => Some(&["ENCAPSULATE_DECAPSULATE"]),
        "SM2" => Some(&["ENCRYPT_DECRYPT", "SIGN_VERIFY", "KEY_AGREEMENT"]),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn states_are_read_and_written_under_their_aws_names() {
        for (name, state) in KeyState::ALL {
            assert_eq!(KeyState::named(name), Some(state));
            assert_eq!(state.to_string(), name);
        }
        assert_eq!(KeyState::named("enabled"), None);
    }

    #[test]
    fn specs_have_the_usages_of_n_6() {
        // svc:N-6
        assert_eq!(
            usages_of_spec("SYMMETRIC_DEFAULT"),
            Some(["ENCRYPT_DECRYPT"].as_slice())
        );
        assert_eq!(usages_of_spec("RSA_2048").map(<[_]>::len), Some(2));
        assert_eq!(usages_of_spec("RSA_1024"), None);
    }
}
