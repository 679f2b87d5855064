//! Encrypt, Decrypt, ReEncrypt, GenerateDataKey(WithoutPlaintext), GenerateRandom: reading of requests and the cores
//! that forwarded calls share. Check order is svc:K-32.

use std::collections::BTreeMap;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};

use super::authorize::{self, KeyUse};
use super::call::{Answer, Call, Note};
use super::ciphertext;
use super::error::KmsError;
use super::key::{Key, KeyFamily};
use super::operations::Operation;
use super::params::{Params, check_length, constraint, missing};
use super::store::{KeyAddress, Resolved, resolve};
use super::{states, validate};
use crate::authorizer::Context;
use crate::fault::Fault;
use crate::state::State;

/// Longest plaintext of Encrypt.
const LONGEST_PLAINTEXT: usize = 4096;
/// Longest ciphertext blob.
const LONGEST_CIPHERTEXT: usize = 6144;
/// The only algorithm of symmetric keys.
const SYMMETRIC_DEFAULT: &str = "SYMMETRIC_DEFAULT";
/// Values of EncryptionAlgorithm.
const ALGORITHMS: &[&str] = &[SYMMETRIC_DEFAULT, "RSAES_OAEP_SHA_1", "RSAES_OAEP_SHA_256", "SM2PKE"];

/// What all uses of a key for data have in common.
#[derive(Debug, Clone, Default)]
pub(super) struct Use {
    pub(super) encryption_context: BTreeMap<String, String>,
    pub(super) algorithm: Option<&'static str>,
    pub(super) tokens: Vec<String>,
    pub(super) dry_run: bool,
    /// False only under the seeded faults that skip the question to KMS.
    pub(super) unchecked: bool,
}

/// A ciphertext and the key that made it.
#[derive(Debug)]
pub(super) struct Sealed {
    pub(super) ciphertext: Vec<u8>,
    pub(super) key: KeyAddress,
}

/// A plaintext and the key that opened it.
#[derive(Debug)]
pub(super) struct Opened {
    pub(super) plaintext: Vec<u8>,
    pub(super) key: KeyAddress,
}

/// `kms:Encrypt`.
pub(super) fn encrypt(
    state: &mut State,
    call: &Call<'_>,
    operation: &'static Operation,
    params: Params<'_>,
    note: &mut Note,
) -> Answer {
    let identifier = params.required("KeyId", 2048)?;
    let plaintext = params
        .blob("Plaintext", LONGEST_PLAINTEXT)?
        .ok_or_else(|| missing("Plaintext"))?;
    let wanted = read_use(params, operation, "EncryptionContext", "EncryptionAlgorithm")?;
    note.request_parameters = Some(trail_parameters(Some(identifier), &wanted, None));
    let sealed = encrypt_core(state, call, operation, identifier, Some(&plaintext), &wanted, note)?;
    Ok(Some(json!({
        "CiphertextBlob": STANDARD.encode(&sealed.ciphertext),
        "KeyId": sealed.key.arn().as_str(),
        "EncryptionAlgorithm": SYMMETRIC_DEFAULT,
    })))
}

/// `kms:GenerateDataKey` and `kms:GenerateDataKeyWithoutPlaintext`.
pub(super) fn generate_data_key(
    state: &mut State,
    call: &Call<'_>,
    operation: &'static Operation,
    params: Params<'_>,
    note: &mut Note,
) -> Answer {
    let identifier = params.required("KeyId", 2048)?;
    let spec = params.one_of("KeySpec", &["AES_256", "AES_128"])?;
    let bytes = params.integer("NumberOfBytes", 1, 1024)?;
    let length = match (spec, bytes) {
        (Some("AES_128"), None) => 16,
        (Some(_), None) => 32,
        (None, Some(count)) => usize::try_from(count).unwrap_or(32),
        _ => {
            return Err(KmsError::validation(
                "Please specify either number of bytes or key spec.",
            ));
        }
    };
    let wanted = read_use(params, operation, "EncryptionContext", "")?;
    let size = match spec {
        Some(name) => ("keySpec", json!(name)),
        None => ("numberOfBytes", json!(length)),
    };
    note.request_parameters = Some(trail_parameters(Some(identifier), &wanted, Some(size)));
    let plaintext = state.sources.ids.bytes(length);
    let sealed = encrypt_core(state, call, operation, identifier, Some(&plaintext), &wanted, note)?;
    let mut answer = json!({
        "CiphertextBlob": STANDARD.encode(&sealed.ciphertext),
        "KeyId": sealed.key.arn().as_str(),
        "KeyMaterialId": material_id(state, &sealed.key),
    });
    if operation.name == "GenerateDataKey" {
        answer["Plaintext"] = json!(STANDARD.encode(&plaintext));
    }
    Ok(Some(answer))
}

/// `kms:Decrypt`.
pub(super) fn decrypt(
    state: &mut State,
    call: &Call<'_>,
    operation: &'static Operation,
    params: Params<'_>,
    note: &mut Note,
) -> Answer {
    let identifier = params.text("KeyId")?;
    let ignore_ciphertext = ignores_ciphertext(params)?;
    let blob = params.blob("CiphertextBlob", LONGEST_CIPHERTEXT)?;
    let wanted = read_use(params, operation, "EncryptionContext", "EncryptionAlgorithm")?;
    note.request_parameters = Some(trail_parameters(identifier, &wanted, None));
    if ignore_ciphertext {
        let identifier = identifier.ok_or_else(|| missing("KeyId"))?;
        let resolved = resolve(state, call, operation, operation.action, identifier)?;
        note.keys.push(resolved.address.clone());
        authorize_use(state, call, operation.action, &resolved, &wanted, Context::new())?;
        check_usable(state, operation.name, &resolved.address, wanted.algorithm)?;
        return Err(KmsError::dry_run());
    }
    let blob = blob.ok_or_else(|| missing("CiphertextBlob"))?;
    let opened = decrypt_core(state, call, operation, identifier, &blob, &wanted, note)?;
    Ok(Some(json!({
        "Plaintext": STANDARD.encode(&opened.plaintext),
        "KeyId": opened.key.arn().as_str(),
        "EncryptionAlgorithm": SYMMETRIC_DEFAULT,
        "KeyMaterialId": material_id(state, &opened.key),
    })))
}

/// `kms:ReEncryptFrom` on the source key and `kms:ReEncryptTo` on the destination key (svc:K-21).
pub(super) fn re_encrypt(
    state: &mut State,
    call: &Call<'_>,
    operation: &'static Operation,
    params: Params<'_>,
    note: &mut Note,
) -> Answer {
    let request = ReEncryptRequest::read(params, operation)?;
    note.request_parameters = Some(request.trail_parameters());
    let named = request.source_identifier;
    let blob = request.blob.as_deref().map(ciphertext::parse);
    let source = match (named, &blob) {
        (Some(identifier), _) => resolve(state, call, operation, FROM, identifier)?,
        (None, Some(Some(blob))) => by_ciphertext(state, call, &blob.key)?,
        (None, _) => return Err(KmsError::new("InvalidCiphertextException", "")),
    };
    let destination = resolve(state, call, operation, TO, request.destination_identifier)?;
    note.keys.extend([source.address.clone(), destination.address.clone()]);
    let same = source.address == destination.address;
    let mut extra = Context::new();
    extra.set_bool("kms:reencryptonsamekey", same);
    authorize_use(state, call, FROM, &source, &request.source, extra.clone())
        .map_err(|error| if named.is_none() { error.without_key_id() } else { error })?;
    authorize_use(state, call, TO, &destination, &request.destination, extra)?;
    check_usable(state, operation.name, &source.address, request.source.algorithm)?;
    check_usable(
        state,
        operation.name,
        &destination.address,
        request.destination.algorithm,
    )?;
    if request.ignore_ciphertext {
        return Err(KmsError::dry_run());
    }
    let plaintext = match &blob {
        Some(blob) => open(
            state,
            &source.address,
            blob.as_ref(),
            &request.source.encryption_context,
        )?,
        None => return Err(missing("CiphertextBlob")),
    };
    if request.dry_run {
        return Err(KmsError::dry_run());
    }
    let ciphertext = seal(
        state,
        &destination.address,
        &plaintext,
        &request.destination.encryption_context,
    )?;
    Ok(Some(json!({
        "CiphertextBlob": STANDARD.encode(ciphertext),
        "SourceKeyId": source.address.arn().as_str(),
        "KeyId": destination.address.arn().as_str(),
        "SourceEncryptionAlgorithm": SYMMETRIC_DEFAULT,
        "DestinationEncryptionAlgorithm": SYMMETRIC_DEFAULT,
        "SourceKeyMaterialId": material_id(state, &source.address),
        "DestinationKeyMaterialId": material_id(state, &destination.address),
    })))
}

/// `kms:GenerateRandom`.
pub(super) fn generate_random(
    state: &mut State,
    call: &Call<'_>,
    operation: &'static Operation,
    params: Params<'_>,
    note: &mut Note,
) -> Answer {
    let count = params
        .integer("NumberOfBytes", 1, 1024)?
        .ok_or_else(|| missing("NumberOfBytes"))?;
    if params.has("CustomKeyStoreId") {
        return Err(KmsError::new("CustomKeyStoreNotFoundException", ""));
    }
    note.request_parameters = Some(json!({ "numberOfBytes": count }));
    authorize::identity_only(state, call, operation.action, "*", Context::new())?;
    let bytes = state.sources.ids.bytes(usize::try_from(count).unwrap_or(1));
    Ok(Some(json!({ "Plaintext": STANDARD.encode(bytes) })))
}

/// Lookup, authorization, state, usage and sealing of everything that encrypts; `plaintext` is made by the caller.
pub(super) fn encrypt_core(
    state: &mut State,
    call: &Call<'_>,
    operation: &'static Operation,
    identifier: &str,
    plaintext: Option<&[u8]>,
    wanted: &Use,
    note: &mut Note,
) -> Result<Sealed, KmsError> {
    let resolved = resolve(state, call, operation, operation.action, identifier)?;
    note.keys.push(resolved.address.clone());
    authorize_use(state, call, operation.action, &resolved, wanted, Context::new())?;
    check_usable(state, operation.name, &resolved.address, wanted.algorithm)?;
    if wanted.dry_run {
        return Err(KmsError::dry_run());
    }
    let plaintext = plaintext.unwrap_or_default();
    let ciphertext = seal(state, &resolved.address, plaintext, &wanted.encryption_context)?;
    Ok(Sealed {
        ciphertext,
        key: resolved.address,
    })
}

/// Lookup, authorization, state, usage, ciphertext and opening of Decrypt.
pub(super) fn decrypt_core(
    state: &mut State,
    call: &Call<'_>,
    operation: &'static Operation,
    identifier: Option<&str>,
    blob: &[u8],
    wanted: &Use,
    note: &mut Note,
) -> Result<Opened, KmsError> {
    let blob = ciphertext::parse(blob);
    let resolved = match (identifier, &blob) {
        (Some(identifier), _) => resolve(state, call, operation, operation.action, identifier)?,
        (None, Some(blob)) => by_ciphertext(state, call, &blob.key)?,
        (None, None) => return Err(KmsError::new("InvalidCiphertextException", "")),
    };
    note.keys.push(resolved.address.clone());
    authorize_use(state, call, operation.action, &resolved, wanted, Context::new()).map_err(|error| {
        if identifier.is_none() {
            error.without_key_id()
        } else {
            error
        }
    })?;
    check_usable(state, operation.name, &resolved.address, wanted.algorithm)?;
    let plaintext = open(state, &resolved.address, blob.as_ref(), &wanted.encryption_context)?;
    if wanted.dry_run {
        return Err(KmsError::dry_run());
    }
    Ok(Opened {
        plaintext,
        key: resolved.address,
    })
}

const FROM: &str = "kms:ReEncryptFrom";
const TO: &str = "kms:ReEncryptTo";

/// A read ReEncrypt request.
struct ReEncryptRequest<'a> {
    source_identifier: Option<&'a str>,
    destination_identifier: &'a str,
    blob: Option<Vec<u8>>,
    source: Use,
    destination: Use,
    ignore_ciphertext: bool,
    dry_run: bool,
}

impl<'a> ReEncryptRequest<'a> {
    fn read(params: Params<'a>, operation: &Operation) -> Result<Self, KmsError> {
        let ignore_ciphertext = ignores_ciphertext(params)?;
        let source_identifier = params.text("SourceKeyId")?;
        let blob = params.blob("CiphertextBlob", LONGEST_CIPHERTEXT)?;
        if ignore_ciphertext && source_identifier.is_none() {
            return Err(missing("SourceKeyId"));
        }
        if !ignore_ciphertext && blob.is_none() {
            return Err(missing("CiphertextBlob"));
        }
        let source = read_use(
            params,
            operation,
            "SourceEncryptionContext",
            "SourceEncryptionAlgorithm",
        )?;
        Ok(Self {
            source_identifier,
            destination_identifier: params.required("DestinationKeyId", 2048)?,
            blob,
            dry_run: source.dry_run,
            source,
            destination: read_use(
                params,
                operation,
                "DestinationEncryptionContext",
                "DestinationEncryptionAlgorithm",
            )?,
            ignore_ciphertext,
        })
    }

    fn trail_parameters(&self) -> Value {
        let mut parameters = json!({
            "destinationKeyId": self.destination_identifier,
            "sourceEncryptionAlgorithm": self.source.algorithm.unwrap_or(SYMMETRIC_DEFAULT),
            "destinationEncryptionAlgorithm": self.destination.algorithm.unwrap_or(SYMMETRIC_DEFAULT),
        });
        if let Some(source) = self.source_identifier {
            parameters["sourceKeyId"] = json!(source);
        }
        for (name, wanted) in [
            ("sourceEncryptionContext", &self.source),
            ("destinationEncryptionContext", &self.destination),
        ] {
            if !wanted.encryption_context.is_empty() {
                parameters[name] = json!(wanted.encryption_context);
            }
        }
        parameters
    }
}

fn read_use(params: Params<'_>, operation: &Operation, context: &str, algorithm: &str) -> Result<Use, KmsError> {
    let encryption_context = params.string_map(context)?;
    for name in encryption_context.keys() {
        check_length(context, name, 1, 8192)?;
    }
    let algorithm = if algorithm.is_empty() {
        None
    } else {
        params.one_of(algorithm, ALGORITHMS)?
    };
    Ok(Use {
        encryption_context,
        algorithm,
        tokens: validate::grant_tokens(params)?,
        dry_run: validate::dry_run(params, operation)?,
        unchecked: false,
    })
}

/// DryRunModifiers=[IGNORE_CIPHERTEXT] (svc:K-26).
fn ignores_ciphertext(params: Params<'_>) -> Result<bool, KmsError> {
    let modifiers = params.strings("DryRunModifiers")?;
    if let Some(unknown) = modifiers.iter().find(|modifier| *modifier != "IGNORE_CIPHERTEXT") {
        return Err(constraint(
            "DryRunModifiers",
            unknown,
            "Member must satisfy enum value set: [IGNORE_CIPHERTEXT]",
        ));
    }
    if !modifiers.is_empty() && !params.flag("DryRun")? {
        return Err(KmsError::validation(
            "DryRunModifiers can only be used when DryRun is true.",
        ));
    }
    Ok(!modifiers.is_empty())
}

/// The key that a ciphertext names, for a caller who named none (svc:K-10, svc:X-4).
fn by_ciphertext(state: &State, call: &Call<'_>, key: &KeyAddress) -> Result<Resolved, KmsError> {
    if key.region != *call.region || state.kms.key(key, state.now()).is_none() {
        return Err(KmsError::ciphertext_key_unknown());
    }
    Ok(Resolved {
        address: key.clone(),
        alias: None,
    })
}

fn authorize_use(
    state: &State,
    call: &Call<'_>,
    action: &'static str,
    resolved: &Resolved,
    wanted: &Use,
    mut extra: Context,
) -> Result<(), KmsError> {
    validate::known_tokens(state, &wanted.tokens)?;
    if wanted.unchecked {
        return Ok(());
    }
    extra.set("kms:encryptionalgorithm", wanted.algorithm.unwrap_or(SYMMETRIC_DEFAULT));
    let wanted = KeyUse {
        alias: resolved.alias.as_deref(),
        encryption_context: Some(&wanted.encryption_context),
        extra,
        tokens: &wanted.tokens,
        ..KeyUse::of_action(action)
    };
    authorize::key(state, call, &resolved.address, wanted).map(|_| ())
}

/// Key state, then usage, spec and algorithm (svc:K-32 steps 4 and 5).
fn check_usable(
    state: &State,
    operation: &'static str,
    address: &KeyAddress,
    algorithm: Option<&'static str>,
) -> Result<(), KmsError> {
    let now = state.now();
    let ignores_state = state.case.faults.contains(Fault::KeyStateIgnored);
    let key = state.kms.key(address, now).ok_or_else(|| gone(address))?;
    if !ignores_state {
        states::check(operation, key)?;
    }
    check_usage(operation, key, algorithm)?;
    Ok(())
}

/// svc:K-24.
fn check_usage(operation: &'static str, key: &Key, algorithm: Option<&'static str>) -> Result<(), KmsError> {
    let data_key = operation.starts_with("GenerateDataKey");
    if key.usage != "ENCRYPT_DECRYPT" || data_key && key.spec.family != KeyFamily::Symmetric {
        return Err(KmsError::wrong_usage(key, operation));
    }
    let algorithm = algorithm.unwrap_or(SYMMETRIC_DEFAULT);
    if !key.algorithms().contains(&algorithm) {
        return Err(KmsError::new(
            "InvalidKeyUsageException",
            format!("Algorithm {algorithm} is incompatible with key spec {}.", key.spec.name),
        ));
    }
    if key.spec.family != KeyFamily::Symmetric {
        return Err(KmsError::new(
            "UnsupportedOperationException",
            format!("{operation} with key spec {} is not supported.", key.spec.name),
        ));
    }
    Ok(())
}

fn seal(
    state: &mut State,
    address: &KeyAddress,
    plaintext: &[u8],
    context: &BTreeMap<String, String>,
) -> Result<Vec<u8>, KmsError> {
    let mut nonce = [0; 12];
    state.sources.ids.fill(&mut nonce);
    let now = state.now();
    let key = state.kms.key_mut(address, now).ok_or_else(|| gone(address))?;
    key.last_used_at = Some(now);
    Ok(ciphertext::seal(&key.material, address, nonce, plaintext, context))
}

/// Ciphertext checks (svc:K-25): another key's ciphertext, then a changed blob or context.
fn open(
    state: &State,
    address: &KeyAddress,
    blob: Option<&ciphertext::Blob<'_>>,
    context: &BTreeMap<String, String>,
) -> Result<Vec<u8>, KmsError> {
    let invalid = || KmsError::new("InvalidCiphertextException", "");
    let blob = blob.ok_or_else(invalid)?;
    if blob.key != *address {
        return Err(KmsError::new(
            "IncorrectKeyException",
            "The key ID in the request does not identify a CMK that can perform this operation.",
        ));
    }
    let key = state.kms.key(address, state.now()).ok_or_else(|| gone(address))?;
    blob.open(&key.material, context).ok_or_else(invalid)
}

fn material_id(state: &State, address: &KeyAddress) -> String {
    state
        .kms
        .key(address, state.now())
        .map(|key| key.material_id.clone())
        .unwrap_or_default()
}

fn gone(address: &KeyAddress) -> KmsError {
    KmsError::not_found(format!("Key '{}' does not exist", address.arn()))
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
