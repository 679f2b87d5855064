//! GetParametersForImport, ImportKeyMaterial, DeleteImportedKeyMaterial: keys of origin EXTERNAL.

use std::sync::Arc;

use aes_kw::{KeyInit as _, KwpAes256};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use jiff::{SignedDuration, Timestamp};
use serde_json::json;

use super::asymmetric::PrivateKey;
use super::call::{Answer, Call, Note};
use super::drawer::KeyPair;
use super::error::KmsError;
use super::key::{Key, KeyFamily, KeyState, seconds};
use super::key_operations::{self, gone};
use super::material::Material;
use super::operations::Operation;
use super::params::{Params, check_length, constraint, missing};
use super::store::KeyAddress;
use crate::authorizer::{Context, known};
use crate::state::State;

/// Values of WrappingAlgorithm. `RSAES_PKCS1_V1_5` is no longer supported, `SM2PKE` only in China.
const WRAPPING_ALGORITHMS: &[&str] = &[
    "RSAES_PKCS1_V1_5",
    "RSAES_OAEP_SHA_1",
    "RSAES_OAEP_SHA_256",
    "RSA_AES_KEY_WRAP_SHA_1",
    "RSA_AES_KEY_WRAP_SHA_256",
    "SM2PKE",
];
/// Values of WrappingKeySpec.
const WRAPPING_KEY_SPECS: &[&str] = &["RSA_2048", "RSA_3072", "RSA_4096", "SM2"];
/// Values of ExpirationModel.
const EXPIRATION_MODELS: &[&str] = &["KEY_MATERIAL_EXPIRES", "KEY_MATERIAL_DOES_NOT_EXPIRE"];
const NEW: &str = "NEW_KEY_MATERIAL";
const EXISTING: &str = "EXISTING_KEY_MATERIAL";
/// How long import parameters are good.
const PARAMETERS_HOURS: i64 = 24;
/// How long an expired token is still known to be one.
const REMEMBERED_HOURS: i64 = 24 * 30;
/// How many tokens of a key are remembered; the oldest make room.
const MOST_PARAMETERS: usize = 100;
/// Longest token and longest encrypted material.
const LONGEST_BLOB: usize = 6144;
/// Longest life of expiring material, in days.
const LONGEST_LIFE: i64 = 365;

/// What GetParametersForImport gave out.
#[derive(Debug, Clone)]
pub(super) struct ImportParameters {
    token: Vec<u8>,
    algorithm: &'static str,
    wrapping: Arc<KeyPair>,
    valid_to: Timestamp,
}

impl ImportParameters {
    /// The pair under which the material is to come.
    pub(super) fn wrapping(&self) -> Arc<KeyPair> {
        Arc::clone(&self.wrapping)
    }

    /// Long enough expired that the token is no better than a foreign one.
    pub(super) fn is_forgotten(&self, now: Timestamp) -> bool {
        self.valid_to
            .checked_add(SignedDuration::from_hours(REMEMBERED_HOURS))
            .is_ok_and(|end| end <= now)
    }

    /// The key material inside; `None` when it was not wrapped for these parameters.
    fn unwrap(&self, encrypted: &[u8]) -> Option<Vec<u8>> {
        let Some(hash) = self.algorithm.strip_prefix("RSA_AES_KEY_WRAP_") else {
            return self.wrapping.decrypt(self.algorithm, encrypted);
        };
        // The first block is an AES key under RSA-OAEP, the rest the material under AES key wrap with padding.
        let PrivateKey::Rsa(wrapping) = &**self.wrapping else {
            return None;
        };
        let (wrapped_key, wrapped) = encrypted.split_at_checked(rsa::traits::PublicKeyParts::size(&**wrapping))?;
        let aes = self.wrapping.decrypt(&format!("RSAES_OAEP_{hash}"), wrapped_key)?;
        let aes: [u8; 32] = aes.try_into().ok()?;
        let mut buffer = vec![0; wrapped.len()];
        let material = KwpAes256::new(&aes.into()).unwrap_key(wrapped, &mut buffer).ok()?;
        Some(material.to_vec())
    }
}

/// `kms:GetParametersForImport`.
pub(super) fn parameters(
    state: &mut State,
    call: &Call<'_>,
    operation: &'static Operation,
    params: Params<'_>,
    note: &mut Note,
) -> Answer {
    let algorithm = params
        .one_of("WrappingAlgorithm", WRAPPING_ALGORITHMS)?
        .ok_or_else(|| missing("WrappingAlgorithm"))?;
    let spec = params
        .one_of("WrappingKeySpec", WRAPPING_KEY_SPECS)?
        .ok_or_else(|| missing("WrappingKeySpec"))?;
    let mut extra = Context::new();
    extra.set(known!("kms:wrappingalgorithm"), algorithm);
    extra.set(known!("kms:wrappingkeyspec"), spec);
    let changed = key_operations::change(state, call, operation, params, note, extra, |key| {
        check_wrapping(key, algorithm, spec)
    });
    // Also where it fails: the trail tells what was asked for.
    if let Some(parameters) = &mut note.request_parameters {
        parameters["wrappingAlgorithm"] = json!(algorithm);
        parameters["wrappingKeySpec"] = json!(spec);
    }
    let address = changed?;
    let mut seed = [0; 32];
    state.sources.ids.fill(&mut seed);
    let wrapping = state
        .rsa_pairs
        .take(spec, seed)
        .ok_or_else(|| KmsError::unsupported(format!("WrappingKeySpec {spec} is not supported.")))?;
    let now = state.now();
    let valid_to = now
        .checked_add(SignedDuration::from_hours(PARAMETERS_HOURS))
        .unwrap_or(now);
    let token = state.sources.ids.bytes(256);
    let answer = json!({
        "KeyId": address.arn().as_str(),
        "ImportToken": STANDARD.encode(&token),
        "PublicKey": STANDARD.encode(wrapping.public_der()),
        "ParametersValidTo": seconds(valid_to),
    });
    let key = state.kms.key_mut(&address, now).ok_or_else(|| gone(&address))?;
    if key.import_parameters.len() == MOST_PARAMETERS {
        key.import_parameters.remove(0);
    }
    key.import_parameters.push(ImportParameters {
        token,
        algorithm,
        wrapping,
        valid_to,
    });
    Ok(Some(answer))
}

/// A read ImportKeyMaterial request.
struct Import<'a> {
    token: Vec<u8>,
    encrypted: Vec<u8>,
    expiration_model: Option<&'static str>,
    valid_to: Option<Timestamp>,
    import_type: Option<&'static str>,
    description: Option<&'a str>,
    material_id: Option<&'a str>,
}

/// `kms:ImportKeyMaterial`.
pub(super) fn import(
    state: &mut State,
    call: &Call<'_>,
    operation: &'static Operation,
    params: Params<'_>,
    note: &mut Note,
) -> Answer {
    let now = state.now();
    let wanted = Import::read(params, now)?;
    let mut extra = Context::new();
    // svc:C-25: absent when the parameters are.
    if let Some(model) = wanted.expiration_model {
        extra.set(known!("kms:expirationmodel"), model);
    }
    if let Some(date) = wanted.valid_to {
        extra.set(known!("kms:validto"), date.to_string());
    }
    let address = key_operations::change(state, call, operation, params, note, extra, |key| wanted.check_key(key))?;
    let known = primary_materials(state, &address);
    let key = state.kms.key_mut(&address, now).ok_or_else(|| gone(&address))?;
    let parameters = key
        .import_parameters
        .iter()
        .find(|parameters| parameters.token == wanted.token)
        .ok_or_else(|| KmsError::new("InvalidImportTokenException", ""))?;
    if parameters.valid_to <= now {
        return Err(KmsError::new("ExpiredImportTokenException", ""));
    }
    let bytes = parameters
        .unwrap(&wanted.encrypted)
        .ok_or_else(|| KmsError::new("InvalidCiphertextException", ""))?;
    let mut material = Material::imported(&key.id, key.spec, bytes).ok_or_else(incorrect)?;
    if known.is_some_and(|known| !known.contains(&material.id))
        || wanted.material_id.is_some_and(|id| id != material.id)
    {
        return Err(incorrect());
    }
    material.valid_to = wanted.valid_to;
    material.description = wanted.description.map(str::to_owned);
    let id = material.id.clone();
    wanted.store(key, material)?;
    let mut answer = json!({ "KeyId": address.arn().as_str() });
    if key.spec.family == KeyFamily::Symmetric {
        answer["KeyMaterialId"] = json!(id);
    }
    note.response_elements = Some(json!({ "keyId": address.arn().as_str() }));
    Ok(Some(answer))
}

/// `kms:DeleteImportedKeyMaterial`.
pub(super) fn delete(
    state: &mut State,
    call: &Call<'_>,
    operation: &'static Operation,
    params: Params<'_>,
    note: &mut Note,
) -> Answer {
    let wanted = material_id(params)?;
    let mut deleted = None;
    let address = key_operations::change(state, call, operation, params, note, Context::new(), |key| {
        let current = key.current;
        let found = match wanted {
            Some(id) => key
                .materials
                .iter()
                .position(|material| material.id == id)
                .ok_or_else(|| KmsError::not_found(format!("Key material {id} is not associated with {}.", key.arn)))?,
            None => current,
        };
        if found > current {
            // Material that waits for its rotation was never in use and goes without a trace.
            deleted = Some(key.materials.remove(found).id);
        } else if let Some(material) = key.materials.get_mut(found) {
            material.delete();
            deleted = Some(material.id.clone());
            key.lose_material();
        }
        Ok(())
    })?;
    let mut answer = json!({ "KeyId": address.arn().as_str() });
    let symmetric = state
        .kms
        .key(&address, state.now())
        .is_some_and(|key| key.spec.family == KeyFamily::Symmetric);
    if let Some(id) = deleted.filter(|_| symmetric) {
        answer["KeyMaterialId"] = json!(id);
    }
    Ok(Some(answer))
}

impl<'a> Import<'a> {
    fn read(params: Params<'a>, now: Timestamp) -> Result<Self, KmsError> {
        let token = params
            .blob("ImportToken", LONGEST_BLOB)?
            .ok_or_else(|| missing("ImportToken"))?;
        let encrypted = params
            .blob("EncryptedKeyMaterial", LONGEST_BLOB)?
            .ok_or_else(|| missing("EncryptedKeyMaterial"))?;
        let model = params.one_of("ExpirationModel", EXPIRATION_MODELS)?;
        let valid_to = params.timestamp("ValidTo")?;
        match (model, valid_to) {
            (None | Some("KEY_MATERIAL_EXPIRES"), None) => {
                return Err(KmsError::validation(
                    "A validTo date must be set if the ExpirationModel is KEY_MATERIAL_EXPIRES",
                ));
            }
            (Some("KEY_MATERIAL_DOES_NOT_EXPIRE"), Some(_)) => {
                return Err(KmsError::validation(
                    "A validTo date can only be set if the ExpirationModel is KEY_MATERIAL_EXPIRES",
                ));
            }
            _ => {}
        }
        if valid_to.is_some_and(|date| date <= now || date > super::aging::after_days(now, LONGEST_LIFE)) {
            return Err(KmsError::validation(format!(
                "The validTo date must be in the future and at most {LONGEST_LIFE} days from now"
            )));
        }
        let import_type = params.one_of("ImportType", &[NEW, EXISTING])?;
        let material_id = material_id(params)?;
        if material_id.is_some() && import_type == Some(NEW) {
            return Err(KmsError::validation(format!(
                "KeyMaterialId cannot be specified with ImportType {NEW}."
            )));
        }
        let description = params.text("KeyMaterialDescription")?;
        if let Some(text) = description {
            check_description(text)?;
        }
        Ok(Self {
            token,
            encrypted,
            expiration_model: model,
            valid_to,
            import_type,
            description,
            material_id,
        })
    }

    /// Parameters that only symmetric keys have, and what a replica may not do.
    fn check_key(&self, key: &Key) -> Result<(), KmsError> {
        let symmetric = key.spec.family == KeyFamily::Symmetric;
        if !symmetric && (self.import_type.is_some() || self.description.is_some() || self.material_id.is_some()) {
            return Err(KmsError::unsupported(
                "ImportType, KeyMaterialDescription and KeyMaterialId are only supported for symmetric encryption keys.",
            ));
        }
        if key.multi_region_type() == Some("REPLICA") && self.import_type == Some(NEW) {
            return Err(KmsError::unsupported(format!(
                "{} is a multi-Region replica key: import new key material into the primary key first.",
                key.arn
            )));
        }
        Ok(())
    }

    /// Puts the material where it belongs and gives the key its state back.
    fn store(&self, key: &mut Key, material: Material) -> Result<(), KmsError> {
        let existing = key.materials.iter().position(|known| known.id == material.id);
        match existing {
            Some(_) if self.import_type == Some(NEW) => return Err(incorrect()),
            Some(at) => {
                let known = std::mem::replace(&mut key.materials[at], material);
                let material = &mut key.materials[at];
                material.rotation = known.rotation;
                // Without a new description the last one stays (API_ImportKeyMaterial).
                material.description = material.description.take().or(known.description);
            }
            None if key.materials.is_empty() => key.materials.push(material),
            None if key.spec.family != KeyFamily::Symmetric => return Err(incorrect()),
            None if self.import_type != Some(NEW) && key.multi_region_type() != Some("REPLICA") => {
                return Err(incorrect());
            }
            None if key.materials.len() > key.current + 1 => {
                return Err(KmsError::new(
                    "KMSInvalidStateException",
                    format!("{} has key material that is pending rotation.", key.arn),
                ));
            }
            None => key.materials.push(material),
        }
        if key.state == KeyState::PendingImport && key.has_its_material() {
            key.state = KeyState::Enabled;
        }
        Ok(())
    }
}

/// The material ids that a replica may import: the primary's; `None` for every other key.
fn primary_materials(state: &State, address: &KeyAddress) -> Option<Vec<String>> {
    let now = state.now();
    let key = state.kms.key(address, now)?;
    if key.multi_region_type() != Some("REPLICA") {
        return None;
    }
    let primary = KeyAddress {
        region: key.primary_region.clone(),
        ..address.clone()
    };
    let primary = state.kms.key(&primary, now)?;
    Some(primary.materials.iter().map(|material| material.id.clone()).collect())
}

/// Which wrapping suits which key (KDG, importing key material).
fn check_wrapping(key: &Key, algorithm: &str, spec: &str) -> Result<(), KmsError> {
    if algorithm == "RSAES_PKCS1_V1_5" || algorithm == "SM2PKE" || spec == "SM2" {
        return Err(KmsError::unsupported(format!(
            "WrappingAlgorithm {algorithm} with WrappingKeySpec {spec} is not supported."
        )));
    }
    let rsa = key.spec.name.starts_with("RSA_");
    let too_long = rsa || key.spec.name == "ECC_NIST_P521" && spec == "RSA_2048";
    if too_long && algorithm.starts_with("RSAES_") {
        return Err(KmsError::unsupported(format!(
            "WrappingAlgorithm {algorithm} with WrappingKeySpec {spec} is not valid for key spec {}.",
            key.spec.name
        )));
    }
    super::using::check_has_cryptography(key)
}

fn material_id<'a>(params: Params<'a>) -> Result<Option<&'a str>, KmsError> {
    let Some(id) = params.text("KeyMaterialId")? else {
        return Ok(None);
    };
    if id.len() == 64 && id.bytes().all(|byte| byte.is_ascii_hexdigit()) {
        return Ok(Some(id));
    }
    Err(constraint(
        "KeyMaterialId",
        id,
        "Member must satisfy regular expression pattern: ^[a-f0-9]+$",
    ))
}

fn incorrect() -> KmsError {
    KmsError::new("IncorrectKeyMaterialException", "")
}

/// `KeyMaterialDescription`: 0 to 256 letters, digits, blanks and `:/_.-`.
fn check_description(text: &str) -> Result<(), KmsError> {
    check_length("KeyMaterialDescription", text, 0, 256)?;
    let legal = |character: char| {
        character.is_ascii_alphanumeric() || character.is_ascii_whitespace() || ":/_.-".contains(character)
    };
    if text.chars().all(legal) {
        return Ok(());
    }
    Err(constraint(
        "KeyMaterialDescription",
        text,
        "Member must satisfy regular expression pattern: ^[a-zA-Z0-9:/_\\s.-]+$",
    ))
}
