//! What all uses of a key for data have in common: reading of shared parameters, authorization, key state, usage and
//! algorithm, sealing and opening. Check order is svc:K-32. The operations themselves are in `*_operations`.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use super::asymmetric::SeedStream;
use super::authorize::{self, KeyUse};
use super::call::{Call, Note};
use super::ciphertext;
use super::error::KmsError;
use super::key::{Key, KeyFamily, KeyState, LastUse};
use super::key_operations::gone;
use super::operations::Operation;
use super::params::{Params, check_length};
use super::store::{KeyAddress, Resolved, resolve_with};
use super::{asymmetric, states, validate};
use crate::authorizer::{Context, known};
use crate::fault::Fault;
use crate::state::State;

/// The algorithm of symmetric keys, and the default of EncryptionAlgorithm.
pub(super) const SYMMETRIC_DEFAULT: &str = "SYMMETRIC_DEFAULT";
/// Values of EncryptionAlgorithm.
pub(super) const ALGORITHMS: &[&str] = &[SYMMETRIC_DEFAULT, "RSAES_OAEP_SHA_1", "RSAES_OAEP_SHA_256", "SM2PKE"];

/// One use of a key for data.
#[derive(Debug, Clone, Default)]
pub(super) struct Use {
    pub(super) encryption_context: BTreeMap<String, String>,
    /// EncryptionAlgorithm as sent.
    pub(super) algorithm: Option<&'static str>,
    /// Condition keys of the operation's own parameters.
    pub(super) extra: Context,
    pub(super) tokens: Vec<String>,
    pub(super) dry_run: bool,
    /// True only under the seeded faults that skip the question to KMS.
    pub(super) unchecked: bool,
}

/// Reads what encrypting operations share; `algorithm` is empty where the API has no such parameter.
pub(super) fn read(params: Params<'_>, operation: &Operation, context: &str, algorithm: &str) -> Result<Use, KmsError> {
    let encryption_context = params.string_map(context)?;
    for name in encryption_context.keys() {
        check_length(context, name, 1, 8192)?;
    }
    let algorithm = if algorithm.is_empty() {
        None
    } else {
        params.one_of(algorithm, ALGORITHMS)?
    };
    refuse_recipient(params)?;
    Ok(Use {
        encryption_context,
        algorithm,
        tokens: validate::grant_tokens(params)?,
        dry_run: validate::dry_run(params, operation)?,
        ..Use::default()
    })
}

/// `Recipient` carries a signed attestation document, which nobody outside a Nitro enclave can make (svc:C-27).
pub(super) fn refuse_recipient(params: Params<'_>) -> Result<(), KmsError> {
    if params.has("Recipient") {
        return Err(KmsError::unsupported("Attestation documents are not supported."));
    }
    Ok(())
}

/// The condition keys of a request that encrypts or decrypts, as far as they are not the key's (svc:C-4 … svc:C-6).
pub(super) fn request_keys(operation: &Operation, wanted: &Use) -> Context {
    let mut keys = wanted.extra.clone();
    keys.set_fixed(
        known!("kms:encryptionalgorithm"),
        wanted.algorithm.unwrap_or(SYMMETRIC_DEFAULT),
    );
    if operation.has_condition_key("kms:encryptioncontextkeys") {
        authorize::context_keys(Some(&wanted.encryption_context), &mut keys);
    }
    keys
}

/// Asks whether the caller may use the key with an encryption algorithm and context.
pub(super) fn authorize_encryption(
    state: &State,
    call: &Call<'_>,
    operation: &'static Operation,
    action: &'static str,
    resolved: &Resolved,
    wanted: &Use,
) -> Result<(), KmsError> {
    validate::known_tokens(state, &wanted.tokens)?;
    if wanted.unchecked {
        return Ok(());
    }
    let mut extra = wanted.extra.clone();
    // Present even when the parameter was omitted (svc:C-6).
    extra.set_fixed(
        known!("kms:encryptionalgorithm"),
        wanted.algorithm.unwrap_or(SYMMETRIC_DEFAULT),
    );
    let wanted = KeyUse {
        action,
        alias: resolved.alias.as_deref(),
        encryption_context: Some(&wanted.encryption_context),
        extra,
        tokens: &wanted.tokens,
        ..KeyUse::of(operation)
    };
    authorize::key(state, call, &resolved.address, wanted).map(|_| ())
}

/// Lookup and authorization of uses without encryption context: signatures, MACs, key agreement, public keys.
pub(super) fn authorize_plain(
    state: &mut State,
    call: &Call<'_>,
    operation: &'static Operation,
    identifier: &str,
    tokens: &[String],
    extra: Context,
    note: &mut Note,
) -> Result<KeyAddress, KmsError> {
    let resolved = resolve_with(state, call, operation, operation.action(), identifier, || extra.clone())?;
    note.keys.push(resolved.address.clone());
    validate::known_tokens(state, tokens)?;
    let wanted = KeyUse {
        alias: resolved.alias.as_deref(),
        extra,
        tokens,
        ..KeyUse::of(operation)
    };
    authorize::key(state, call, &resolved.address, wanted)?;
    Ok(resolved.address)
}

/// Key state, then usage (svc:K-32 steps 4 and 5, svc:K-24).
pub(super) fn check_usable<'a>(
    state: &'a State,
    operation: &Operation,
    address: &KeyAddress,
) -> Result<&'a Key, KmsError> {
    let key = state.kms.key(address, state.now()).ok_or_else(|| gone(address))?;
    if !state_is_ignored(state, operation, key) {
        states::check(operation, key)?;
    }
    if !operation.usages.is_empty() && !operation.usages.contains(&key.usage) {
        return Err(KmsError::wrong_usage(key, operation.name));
    }
    Ok(key)
}

/// Operations whose key may be in any state under a fault.
const STATELESS: &[(&str, Fault)] = &[
    ("Decrypt", Fault::DecryptStateIgnored),
    ("GenerateDataKey", Fault::DataKeyStateIgnored),
    ("GenerateDataKeyWithoutPlaintext", Fault::DataKeyStateIgnored),
    ("GenerateDataKeyPair", Fault::DataKeyStateIgnored),
    ("GenerateDataKeyPairWithoutPlaintext", Fault::DataKeyStateIgnored),
    ("Sign", Fault::SigningStateIgnored),
    ("Verify", Fault::SigningStateIgnored),
    ("GenerateMac", Fault::SigningStateIgnored),
    ("VerifyMac", Fault::SigningStateIgnored),
];

/// Whether an active fault does not look at the state of the key.
fn state_is_ignored(state: &State, operation: &Operation, key: &Key) -> bool {
    let faults = state.case.faults;
    if faults.is_empty() {
        return false;
    }
    let pending = matches!(key.state, KeyState::PendingDeletion | KeyState::PendingReplicaDeletion);
    faults.contains(Fault::KeyStateIgnored)
        || (pending && faults.contains(Fault::PendingDeletionUsable))
        || STATELESS
            .iter()
            .any(|(name, fault)| *name == operation.name && faults.contains(*fault))
}

/// [`check_usable`], and the encryption algorithm; data keys come from symmetric keys only.
pub(super) fn check_encryption(
    state: &State,
    operation: &Operation,
    address: &KeyAddress,
    algorithm: Option<&'static str>,
) -> Result<(), KmsError> {
    let key = check_usable(state, operation, address)?;
    let data_key = operation.name.starts_with("GenerateDataKey");
    if data_key && key.spec.family != KeyFamily::Symmetric {
        return Err(KmsError::wrong_usage(key, operation.name));
    }
    check_algorithm(key, algorithm.unwrap_or(SYMMETRIC_DEFAULT))
}

/// The algorithm must be one of the key's, and one with cryptography here.
pub(super) fn check_algorithm(key: &Key, algorithm: &str) -> Result<(), KmsError> {
    if !key.algorithms().contains(&algorithm) {
        return Err(KmsError::wrong_algorithm(key, algorithm));
    }
    check_has_cryptography(key)
}

/// SM2, ML-DSA and ML-KEM are in the tables, their cryptography is not here.
pub(super) fn check_has_cryptography(key: &Key) -> Result<(), KmsError> {
    let without = ["ML_", "SM2"].iter().any(|prefix| key.spec.name.starts_with(prefix));
    if without {
        return Err(KmsError::unsupported(format!(
            "Cryptographic operations with key spec {} are not supported.",
            key.spec.name
        )));
    }
    Ok(())
}

/// Checks of a plaintext against the key and its algorithm, before anything is done (svc:K-32 step 6).
pub(super) fn check_plaintext(
    state: &State,
    address: &KeyAddress,
    plaintext: &[u8],
    wanted: &Use,
) -> Result<(), KmsError> {
    let key = state.kms.key(address, state.now()).ok_or_else(|| gone(address))?;
    check_context(key, wanted)?;
    let algorithm = wanted.algorithm.unwrap_or(SYMMETRIC_DEFAULT);
    match asymmetric::longest_rsa_plaintext(key.spec.name, algorithm) {
        Some(longest) if plaintext.len() > longest => Err(KmsError::validation(format!(
            "Algorithm {algorithm} and key spec {} cannot encrypt data larger than {longest} bytes.",
            key.spec.name
        ))),
        _ => Ok(()),
    }
}

/// An encryption context belongs to symmetric keys only (API_Encrypt).
fn check_context(key: &Key, wanted: &Use) -> Result<(), KmsError> {
    if key.spec.family == KeyFamily::Symmetric || wanted.encryption_context.is_empty() {
        return Ok(());
    }
    Err(KmsError::validation(format!(
        "An encryption context is not supported with key spec {}.",
        key.spec.name
    )))
}

/// Encrypts and remembers the use.
pub(super) fn seal(
    state: &mut State,
    call: &Call<'_>,
    operation: &Operation,
    address: &KeyAddress,
    plaintext: &[u8],
    wanted: &Use,
) -> Result<Vec<u8>, KmsError> {
    let mut random = [0; 32];
    state.sources.ids.fill(&mut random);
    let now = state.now();
    let key = state.kms.key(address, now).ok_or_else(|| gone(address))?;
    let material = key.current_material().ok_or_else(|| unavailable(address))?;
    let sealed = if key.spec.family == KeyFamily::Symmetric {
        let aes = material.aes().ok_or_else(|| unavailable(address))?;
        let nonce = *random.first_chunk().expect("32 bytes have a first dozen");
        ciphertext::seal(
            &aes,
            &material.id,
            address,
            nonce,
            plaintext,
            &wanted.encryption_context,
        )
    } else {
        let algorithm = wanted.algorithm.unwrap_or(SYMMETRIC_DEFAULT);
        let pair = material
            .pair(key.spec, &state.rsa_pairs)
            .ok_or_else(|| unavailable(address))?;
        pair.encrypt(algorithm, plaintext, &mut SeedStream::new(random))
            .ok_or_else(|| KmsError::wrong_algorithm(key, algorithm))?
    };
    used(state, call, operation, address);
    Ok(sealed)
}

/// Decrypts: another key's ciphertext, then a changed blob or context (svc:K-25). Answers the material's id too.
pub(super) fn open(
    state: &State,
    address: &KeyAddress,
    bytes: &[u8],
    wanted: &Use,
) -> Result<(Vec<u8>, String), KmsError> {
    let invalid = || KmsError::new("InvalidCiphertextException", "");
    let key = state.kms.key(address, state.now()).ok_or_else(|| gone(address))?;
    if key.spec.family != KeyFamily::Symmetric {
        check_context(key, wanted)?;
        let material = key.current_material().ok_or_else(|| unavailable(address))?;
        let pair = material
            .pair(key.spec, &state.rsa_pairs)
            .ok_or_else(|| unavailable(address))?;
        let plaintext = pair
            .decrypt(wanted.algorithm.unwrap_or(SYMMETRIC_DEFAULT), bytes)
            .ok_or_else(invalid)?;
        return Ok((plaintext, material.id.clone()));
    }
    let blob = ciphertext::parse(bytes).ok_or_else(invalid)?;
    // Related multi-Region keys open each other's ciphertexts (svc:K-15).
    let related =
        |made_by: &KeyAddress| key.multi_region && made_by.account == address.account && made_by.id == address.id;
    if !blob.is_of(&key.arn) && !related(&blob.key().ok_or_else(invalid)?) {
        return Err(KmsError::new(
            "IncorrectKeyException",
            "The key ID in the request does not identify a CMK that can perform this operation.",
        ));
    }
    let material = key.material(&blob.material_id()).ok_or_else(invalid)?;
    let aes = material.aes().ok_or_else(|| unavailable(address))?;
    let plaintext = blob.open(&aes, &wanted.encryption_context).ok_or_else(invalid)?;
    Ok((plaintext, material.id.clone()))
}

/// Remembers a successful cryptographic use (GetKeyLastUsage, svc:C-21).
pub(super) fn used(state: &mut State, call: &Call<'_>, operation: &Operation, address: &KeyAddress) {
    let now = state.now();
    if let Some(key) = state.kms.key_mut(address, now) {
        key.last_use = Some(LastUse {
            at: now,
            operation: operation.name,
            request_id: call.request_id.to_owned(),
        });
    }
}

/// Id of the current material, for answers.
pub(super) fn material_id(state: &State, address: &KeyAddress) -> String {
    state
        .kms
        .key(address, state.now())
        .and_then(Key::current_material)
        .map(|material| material.id.clone())
        .unwrap_or_default()
}

/// `requestParameters` of the trail (svc:T-2).
pub(super) fn trail_parameters(identifier: Option<&str>, wanted: &Use, size: Option<(&str, Value)>) -> Value {
    let mut parameters = serde_json::Map::new();
    if let Some(identifier) = identifier {
        parameters.insert("keyId".to_owned(), json!(identifier));
    }
    match size {
        Some((name, value)) => parameters.insert(name.to_owned(), value),
        None => parameters.insert(
            "encryptionAlgorithm".to_owned(),
            json!(wanted.algorithm.unwrap_or(SYMMETRIC_DEFAULT)),
        ),
    };
    if !wanted.encryption_context.is_empty() {
        parameters.insert("encryptionContext".to_owned(), json!(wanted.encryption_context));
    }
    if wanted.dry_run {
        parameters.insert("dryRun".to_owned(), json!(true));
    }
    Value::Object(parameters)
}

/// Key material that its state did not tell of: only a key arranged into a state can come here.
pub(super) fn unavailable(address: &KeyAddress) -> KmsError {
    KmsError::new(
        "KMSInvalidStateException",
        format!("{} is pending import.", address.arn()),
    )
}
