//! Encrypt, Decrypt, ReEncrypt, GenerateDataKey(WithoutPlaintext), GenerateRandom: reading of requests and the cores
//! that forwarded calls share. Check order is svc:K-32; the single steps are in `using`.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};

use super::call::{Answer, Call, Note};
use super::error::KmsError;
use super::key::KeyState;
use super::operations::Operation;
use super::params::{Params, constraint, missing};
use super::store::{KeyAddress, Resolved, resolve_with};
use super::using::{
    self, SYMMETRIC_DEFAULT, Use, authorize_encryption, check_encryption, material_id, trail_parameters,
};
use super::{authorize, ciphertext};
use crate::authorizer::{Context, known};
use crate::fault::Fault;
use crate::identity::Via;
use crate::state::State;

/// Longest plaintext of Encrypt.
const LONGEST_PLAINTEXT: usize = 4096;
/// Longest ciphertext blob.
const LONGEST_CIPHERTEXT: usize = 6144;
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
    pub(super) material_id: String,
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
    let wanted = using::read(params, operation, "EncryptionContext", "EncryptionAlgorithm")?;
    note.request_parameters = Some(trail_parameters(Some(identifier), &wanted, None));
    let sealed = encrypt_core(state, call, operation, identifier, &plaintext, &wanted, note)?;
    Ok(Some(json!({
        "CiphertextBlob": STANDARD.encode(&sealed.ciphertext),
        "KeyId": sealed.key.arn().as_str(),
        "EncryptionAlgorithm": wanted.algorithm.unwrap_or(SYMMETRIC_DEFAULT),
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
    let wanted = using::read(params, operation, "EncryptionContext", "")?;
    let size = match spec {
        Some(name) => ("keySpec", json!(name)),
        None => ("numberOfBytes", json!(length)),
    };
    note.request_parameters = Some(trail_parameters(Some(identifier), &wanted, Some(size)));
    let plaintext = state.sources.ids.bytes(length);
    let sealed = encrypt_core(state, call, operation, identifier, &plaintext, &wanted, note)?;
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
    let wanted = using::read(params, operation, "EncryptionContext", "EncryptionAlgorithm")?;
    note.request_parameters = Some(trail_parameters(identifier, &wanted, None));
    if ignore_ciphertext {
        let identifier = identifier.ok_or_else(|| missing("KeyId"))?;
        let keys = || using::request_keys(operation, &wanted);
        let resolved = resolve_with(state, call, operation, operation.action(), identifier, keys)?;
        note.keys.push(resolved.address.clone());
        authorize_encryption(state, call, operation, operation.action(), &resolved, &wanted)?;
        check_encryption(state, operation, &resolved.address, wanted.algorithm)?;
        return Err(KmsError::dry_run());
    }
    let blob = blob.ok_or_else(|| missing("CiphertextBlob"))?;
    let opened = decrypt_core(state, call, operation, identifier, &blob, &wanted, note)?;
    let mut answer = json!({
        "Plaintext": STANDARD.encode(&opened.plaintext),
        "KeyId": opened.key.arn().as_str(),
        "EncryptionAlgorithm": wanted.algorithm.unwrap_or(SYMMETRIC_DEFAULT),
    });
    if is_symmetric(&wanted) {
        answer["KeyMaterialId"] = json!(opened.material_id);
    }
    Ok(Some(answer))
}

/// `kms:ReEncryptFrom` on the source key and `kms:ReEncryptTo` on the destination key (svc:K-21).
pub(super) fn re_encrypt(
    state: &mut State,
    call: &Call<'_>,
    operation: &'static Operation,
    params: Params<'_>,
    note: &mut Note,
) -> Answer {
    let mut request = ReEncryptRequest::read(params, operation)?;
    note.request_parameters = Some(request.trail_parameters());
    let named = request.source_identifier;
    let source = match named {
        Some(identifier) => resolve_with(state, call, operation, FROM, identifier, || {
            using::request_keys(operation, &request.source)
        })?,
        None => by_ciphertext(state, call, request.blob.as_deref().unwrap_or_default())?,
    };
    let destination = resolve_with(state, call, operation, TO, request.destination_identifier, || {
        using::request_keys(operation, &request.destination)
    })?;
    note.keys.extend([source.address.clone(), destination.address.clone()]);
    let same = source.address == destination.address;
    for wanted in [&mut request.source, &mut request.destination] {
        wanted.extra.set_bool(known!("kms:reencryptonsamekey"), same);
    }
    let (from, to) = (&request.source, &request.destination);
    if !state.case.faults.contains(Fault::ReEncryptSourceUnchecked) {
        authorize_encryption(state, call, operation, FROM, &source, from)
            .map_err(|error| if named.is_none() { error.without_key_id() } else { error })?;
    }
    if !state.case.faults.contains(Fault::ReEncryptDestinationUnchecked) {
        authorize_encryption(state, call, operation, TO, &destination, to)?;
    }
    check_encryption(state, operation, &source.address, from.algorithm)?;
    if !state.case.faults.contains(Fault::ReEncryptDestinationStateIgnored) {
        check_encryption(state, operation, &destination.address, to.algorithm)?;
    }
    if request.ignore_ciphertext {
        return Err(KmsError::dry_run());
    }
    let blob = request.blob.as_deref().ok_or_else(|| missing("CiphertextBlob"))?;
    let (plaintext, source_material) = using::open(state, &source.address, blob, from)?;
    using::check_plaintext(state, &destination.address, &plaintext, to)?;
    if request.dry_run {
        return Err(KmsError::dry_run());
    }
    let ciphertext = using::seal(state, call, operation, &destination.address, &plaintext, to)?;
    using::used(state, call, operation, &source.address);
    let mut answer = json!({
        "CiphertextBlob": STANDARD.encode(ciphertext),
        "SourceKeyId": source.address.arn().as_str(),
        "KeyId": destination.address.arn().as_str(),
        "SourceEncryptionAlgorithm": from.algorithm.unwrap_or(SYMMETRIC_DEFAULT),
        "DestinationEncryptionAlgorithm": to.algorithm.unwrap_or(SYMMETRIC_DEFAULT),
    });
    if is_symmetric(from) {
        answer["SourceKeyMaterialId"] = json!(source_material);
    }
    if is_symmetric(to) {
        answer["DestinationKeyMaterialId"] = json!(material_id(state, &destination.address));
    }
    Ok(Some(answer))
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
    using::refuse_recipient(params)?;
    note.request_parameters = Some(json!({ "numberOfBytes": count }));
    authorize::identity_only(state, call, operation.action(), "*", Context::new())?;
    if params.has("CustomKeyStoreId") {
        return Err(KmsError::new("CustomKeyStoreNotFoundException", ""));
    }
    let bytes = state.sources.ids.bytes(usize::try_from(count).unwrap_or(1));
    Ok(Some(json!({ "Plaintext": STANDARD.encode(bytes) })))
}

/// Lookup, authorization, state, usage and sealing of everything that encrypts; `plaintext` is made by the caller.
pub(super) fn encrypt_core(
    state: &mut State,
    call: &Call<'_>,
    operation: &'static Operation,
    identifier: &str,
    plaintext: &[u8],
    wanted: &Use,
    note: &mut Note,
) -> Result<Sealed, KmsError> {
    let keys = || using::request_keys(operation, wanted);
    let resolved = resolve_with(state, call, operation, operation.action(), identifier, keys)?;
    note.keys.push(resolved.address.clone());
    let faults = state.case.faults;
    if faults.contains(Fault::StateBeforePermission) {
        check_encryption(state, operation, &resolved.address, wanted.algorithm)?;
    }
    let action = match operation.name {
        "GenerateDataKeyWithoutPlaintext" if faults.contains(Fault::DataKeyWithoutPlaintextAsDataKey) => {
            "kms:GenerateDataKey"
        }
        _ => operation.action(),
    };
    authorize_encryption(state, call, operation, action, &resolved, wanted)?;
    if !serves_disabled_key(state, call, &resolved.address) {
        check_encryption(state, operation, &resolved.address, wanted.algorithm)?;
    }
    using::check_plaintext(state, &resolved.address, plaintext, wanted)?;
    if wanted.dry_run {
        return Err(KmsError::dry_run());
    }
    let ciphertext = using::seal(state, call, operation, &resolved.address, plaintext, wanted)?;
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
    let resolved = match identifier {
        Some(identifier) => resolve_with(state, call, operation, operation.action(), identifier, || {
            using::request_keys(operation, wanted)
        })?,
        None => by_ciphertext(state, call, blob)?,
    };
    note.keys.push(resolved.address.clone());
    let faults = state.case.faults;
    if faults.contains(Fault::StateBeforePermission) {
        check_encryption(state, operation, &resolved.address, wanted.algorithm)?;
    }
    if identifier.is_some() || !faults.contains(Fault::DecryptWithoutKeyIdUnchecked) {
        authorize_encryption(state, call, operation, operation.action(), &resolved, wanted).map_err(|error| {
            if identifier.is_none() && !faults.contains(Fault::KeyIdLessDenialNamesKey) {
                error.without_key_id()
            } else {
                error
            }
        })?;
    }
    if !serves_disabled_key(state, call, &resolved.address) {
        check_encryption(state, operation, &resolved.address, wanted.algorithm)?;
    }
    let (plaintext, material_id) = using::open(state, &resolved.address, blob, wanted)?;
    if wanted.dry_run {
        return Err(KmsError::dry_run());
    }
    using::used(state, call, operation, &resolved.address);
    Ok(Opened {
        plaintext,
        key: resolved.address,
        material_id,
    })
}

/// Whether S3's calls may use the key though it is disabled, under `disabled-key-serves-s3`.
fn serves_disabled_key(state: &State, call: &Call<'_>, address: &KeyAddress) -> bool {
    let forwarded = matches!(call.via, Via::Forwarded { service: "s3", .. });
    let key = state.kms.key(address, state.now());
    forwarded
        && state.case.faults.contains(Fault::DisabledKeyServesS3)
        && key.is_some_and(|key| key.state == KeyState::Disabled)
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
        let source = using::read(
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
            destination: using::read(
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

/// Only symmetric keys have materials to tell apart.
fn is_symmetric(wanted: &Use) -> bool {
    wanted.algorithm.unwrap_or(SYMMETRIC_DEFAULT) == SYMMETRIC_DEFAULT
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

/// The key that a ciphertext names, for a caller who named none (svc:K-10, svc:X-4). A multi-Region key's ciphertext
/// means the related key of the request's Region (svc:K-15).
fn by_ciphertext(state: &mut State, call: &Call<'_>, blob: &[u8]) -> Result<Resolved, KmsError> {
    let mut address = ciphertext::parse(blob)
        .and_then(|blob| blob.key())
        .ok_or_else(|| KmsError::new("InvalidCiphertextException", ""))?;
    if address.id.as_str().starts_with("mrk-") {
        address.region = call.region.clone();
    }
    let now = state.now();
    state.kms.age(&address, now);
    if address.region != *call.region || state.kms.key(&address, now).is_none() {
        return Err(KmsError::ciphertext_key_unknown());
    }
    Ok(Resolved { address, alias: None })
}
