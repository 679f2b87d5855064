//! Key material: the secret bytes behind a key, its id, how it came and when it goes. What a key does with it is
//! elsewhere; rules of rotation and import are `key`'s and `import_operations`'.

use std::fmt;
use std::sync::{Arc, OnceLock};

use jiff::Timestamp;
use sha2::{Digest as _, Sha256};

use super::asymmetric::{PrivateKey, SeedStream};
use super::drawer::{Drawer, KeyPair};
use super::key::{KeyFamily, KeySpec};
use crate::names::KeyId;

/// One key material of a key.
#[derive(Debug, Clone)]
pub(super) struct Material {
    /// 64 hexadecimal digits; of key id and secret, so that related multi-Region keys show the same.
    pub(super) id: String,
    secret: Option<Secret>,
    /// The key pair of asymmetric specs, made when it is first needed; copies of the material have the same one.
    pair: Arc<OnceLock<Option<Arc<KeyPair>>>>,
    /// When and how it became current; `None` for the first one.
    pub(super) rotation: Option<(Timestamp, RotationType)>,
    /// Expiration of imported material; `None`: never.
    pub(super) valid_to: Option<Timestamp>,
    /// KeyMaterialDescription of imported material.
    pub(super) description: Option<String>,
}

/// What started a rotation.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum RotationType {
    /// The rotation period was over.
    Automatic,
    /// RotateKeyOnDemand.
    OnDemand,
}

#[derive(Clone)]
enum Secret {
    /// Made by KMS: every kind of key grows out of 32 bytes.
    Seed([u8; 32]),
    /// Imported: AES or HMAC bytes, or PKCS #8.
    Imported(Vec<u8>),
}

impl Material {
    /// Material of KMS's own making.
    pub(super) fn generated(key: &KeyId, seed: [u8; 32]) -> Self {
        Self::new(key, Secret::Seed(seed))
    }

    /// Imported material; `None` when the bytes are no key of this spec (IncorrectKeyMaterialException).
    pub(super) fn imported(key: &KeyId, spec: &KeySpec, bytes: Vec<u8>) -> Option<Self> {
        let legal = match spec.family {
            KeyFamily::Symmetric => bytes.len() == 32,
            KeyFamily::Mac => hmac_length(spec.name) == Some(bytes.len()),
            KeyFamily::Asymmetric => PrivateKey::from_pkcs8(spec.name, &bytes).is_some(),
        };
        legal.then(|| Self::new(key, Secret::Imported(bytes)))
    }

    fn new(key: &KeyId, secret: Secret) -> Self {
        let mut hasher = Sha256::new();
        hasher.update(b"countersign-key-material");
        hasher.update(key.as_str().as_bytes());
        hasher.update(secret.bytes());
        Self {
            id: hex::encode(hasher.finalize()),
            secret: Some(secret),
            pair: Arc::default(),
            rotation: None,
            valid_to: None,
            description: None,
        }
    }

    /// The material after this one, number `number` of the key: the same for every related multi-Region key.
    pub(super) fn next(&self, key: &KeyId, number: usize) -> Self {
        let mut hasher = Sha256::new();
        hasher.update(b"countersign-key-rotation");
        hasher.update(self.secret.as_ref().map(Secret::bytes).unwrap_or_default());
        hasher.update((number as u64).to_be_bytes());
        Self::generated(key, hasher.finalize().into())
    }

    /// Whether the secret is there; imported material may be deleted or expired.
    pub(super) fn is_present(&self) -> bool {
        self.secret.is_some()
    }

    /// Forgets the secret; the id stays, so that only the same material can come back.
    pub(super) fn delete(&mut self) {
        self.secret = None;
        self.pair = Arc::default();
        self.valid_to = None;
    }

    /// AES-256 key of symmetric keys.
    pub(super) fn aes(&self) -> Option<[u8; 32]> {
        match self.secret.as_ref()? {
            Secret::Seed(seed) => Some(*seed),
            Secret::Imported(bytes) => bytes.as_slice().try_into().ok(),
        }
    }

    /// HMAC key of a spec.
    pub(super) fn hmac(&self, spec: &KeySpec) -> Option<Vec<u8>> {
        let length = hmac_length(spec.name)?;
        Some(match self.secret.as_ref()? {
            Secret::Seed(seed) => SeedStream::new(*seed).bytes(length),
            Secret::Imported(bytes) => bytes.clone(),
        })
    }

    /// The key pair of an asymmetric spec; `None` without material and for specs without cryptography here.
    pub(super) fn pair(&self, spec: &KeySpec, drawer: &Drawer) -> Option<Arc<KeyPair>> {
        self.pair
            .get_or_init(|| match self.secret.as_ref()? {
                Secret::Seed(seed) => drawer.take(spec.name, *seed),
                Secret::Imported(bytes) => {
                    PrivateKey::from_pkcs8(spec.name, bytes).map(|key| Arc::new(KeyPair::imported(key)))
                }
            })
            .clone()
    }

    /// The key pair, if it was ever needed.
    pub(super) fn made_pair(&self) -> Option<Arc<KeyPair>> {
        self.pair.get()?.clone()
    }
}

impl RotationType {
    /// The name in ListKeyRotations.
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Automatic => "AUTOMATIC",
            Self::OnDemand => "ON_DEMAND",
        }
    }
}

impl Secret {
    fn bytes(&self) -> &[u8] {
        match self {
            Self::Seed(seed) => seed,
            Self::Imported(bytes) => bytes,
        }
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("Secret")
    }
}

/// Bytes of HMAC keys (KDG, key spec reference).
fn hmac_length(spec: &str) -> Option<usize> {
    match spec {
        "HMAC_224" => Some(28),
        "HMAC_256" => Some(32),
        "HMAC_384" => Some(48),
        "HMAC_512" => Some(64),
        _ => None,
    }
}
