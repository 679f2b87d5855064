//! Sign, Verify, GetPublicKey, GenerateMac, VerifyMac, DeriveSharedSecret: uses of a key without encryption context.

use std::sync::Arc;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use hmac::Hmac;
use serde_json::{Value, json};

use super::asymmetric::{self, MessageType, SeedStream};
use super::call::{Answer, Call, Note};
use super::drawer::KeyPair;
use super::error::KmsError;
use super::key::{Key, KeyFamily, algorithms_member};
use super::key_operations::gone;
use super::operations::Operation;
use super::params::{Params, missing};
use super::store::KeyAddress;
use super::using::{
    authorize_plain, check_algorithm, check_has_cryptography, check_usable, refuse_recipient, unavailable, used,
};
use super::validate;
use crate::authorizer::{Context, known};
use crate::state::State;

/// Values of SigningAlgorithm.
const SIGNING_ALGORITHMS: &[&str] = &[
    "RSASSA_PSS_SHA_256",
    "RSASSA_PSS_SHA_384",
    "RSASSA_PSS_SHA_512",
    "RSASSA_PKCS1_V1_5_SHA_256",
    "RSASSA_PKCS1_V1_5_SHA_384",
    "RSASSA_PKCS1_V1_5_SHA_512",
    "ECDSA_SHA_256",
    "ECDSA_SHA_384",
    "ECDSA_SHA_512",
    "SM2DSA",
    "ML_DSA_SHAKE_256",
    "ED25519_SHA_512",
    "ED25519_PH_SHA_512",
];
/// Values of MessageType.
const MESSAGE_TYPES: &[&str] = &["RAW", "DIGEST", "EXTERNAL_MU"];
/// Values of MacAlgorithm.
const MAC_ALGORITHMS: &[&str] = &["HMAC_SHA_224", "HMAC_SHA_256", "HMAC_SHA_384", "HMAC_SHA_512"];
/// Longest message.
const LONGEST_MESSAGE: usize = 4096;
/// Longest signature, MAC and public key.
const LONGEST_SIGNATURE: usize = 6144;

/// `kms:Sign`.
pub(super) fn sign(
    state: &mut State,
    call: &Call<'_>,
    operation: &'static Operation,
    params: Params<'_>,
    note: &mut Note,
) -> Answer {
    let wanted = Signing::read(params, operation, note)?;
    let (address, message_type) = wanted.prepare(state, call, operation, note)?;
    let mut seed = [0; 32];
    state.sources.ids.fill(&mut seed);
    let key = state.kms.key(&address, state.now()).ok_or_else(|| gone(&address))?;
    let signature = pair(state, key, &address)?
        .sign(
            wanted.algorithm,
            &wanted.message,
            message_type,
            &mut SeedStream::new(seed),
        )
        .ok_or_else(|| KmsError::wrong_algorithm(key, wanted.algorithm))?;
    let result = json!({ "Signature": STANDARD.encode(signature), "SigningAlgorithm": wanted.algorithm });
    conclude(state, call, operation, &address, result)
}

/// `kms:Verify`.
pub(super) fn verify(
    state: &mut State,
    call: &Call<'_>,
    operation: &'static Operation,
    params: Params<'_>,
    note: &mut Note,
) -> Answer {
    let wanted = Signing::read(params, operation, note)?;
    let signature = params
        .blob("Signature", LONGEST_SIGNATURE)?
        .ok_or_else(|| missing("Signature"))?;
    let (address, message_type) = wanted.prepare(state, call, operation, note)?;
    let key = state.kms.key(&address, state.now()).ok_or_else(|| gone(&address))?;
    if !pair(state, key, &address)?.verify(wanted.algorithm, &wanted.message, message_type, &signature) {
        return Err(KmsError::new("KMSInvalidSignatureException", ""));
    }
    let result = json!({ "SignatureValid": true, "SigningAlgorithm": wanted.algorithm });
    conclude(state, call, operation, &address, result)
}

/// `kms:GetPublicKey`.
pub(super) fn get_public_key(
    state: &mut State,
    call: &Call<'_>,
    operation: &'static Operation,
    params: Params<'_>,
    note: &mut Note,
) -> Answer {
    let identifier = params.required("KeyId", 2048)?;
    let tokens = validate::grant_tokens(params)?;
    note.request_parameters = Some(json!({ "keyId": identifier }));
    let address = authorize_plain(state, call, operation, identifier, &tokens, Context::new(), note)?;
    let key = check_usable(state, operation, &address)?;
    if key.spec.family != KeyFamily::Asymmetric {
        return Err(KmsError::unsupported(format!(
            "{} key spec is {} which is not valid for GetPublicKey.",
            key.arn, key.spec.name
        )));
    }
    check_has_cryptography(key)?;
    let mut answer = json!({
        "KeyId": key.arn.as_str(),
        "PublicKey": STANDARD.encode(pair(state, key, &address)?.public_der()),
        "CustomerMasterKeySpec": key.spec.name,
        "KeySpec": key.spec.name,
        "KeyUsage": key.usage,
    });
    if let Some(name) = algorithms_member(key.usage) {
        answer[name] = json!(key.algorithms());
    }
    Ok(Some(answer))
}

/// `kms:GenerateMac`.
pub(super) fn generate_mac(
    state: &mut State,
    call: &Call<'_>,
    operation: &'static Operation,
    params: Params<'_>,
    note: &mut Note,
) -> Answer {
    let wanted = Authentication::read(params, operation, note)?;
    let address = wanted.prepare(state, call, operation, note)?;
    let mac = wanted.mac(state, &address)?;
    let result = json!({ "Mac": STANDARD.encode(mac), "MacAlgorithm": wanted.algorithm });
    conclude(state, call, operation, &address, result)
}

/// `kms:VerifyMac`.
pub(super) fn verify_mac(
    state: &mut State,
    call: &Call<'_>,
    operation: &'static Operation,
    params: Params<'_>,
    note: &mut Note,
) -> Answer {
    let wanted = Authentication::read(params, operation, note)?;
    let given = params.blob("Mac", LONGEST_SIGNATURE)?.ok_or_else(|| missing("Mac"))?;
    let address = wanted.prepare(state, call, operation, note)?;
    let mac = wanted.mac(state, &address)?;
    if !bool::from(subtle::ConstantTimeEq::ct_eq(mac.as_slice(), given.as_slice())) {
        return Err(KmsError::new("KMSInvalidMacException", ""));
    }
    let result = json!({ "MacValid": true, "MacAlgorithm": wanted.algorithm });
    conclude(state, call, operation, &address, result)
}

/// `kms:DeriveSharedSecret`.
pub(super) fn derive_shared_secret(
    state: &mut State,
    call: &Call<'_>,
    operation: &'static Operation,
    params: Params<'_>,
    note: &mut Note,
) -> Answer {
    let identifier = params.required("KeyId", 2048)?;
    let algorithm = params
        .one_of("KeyAgreementAlgorithm", &["ECDH"])?
        .ok_or_else(|| missing("KeyAgreementAlgorithm"))?;
    let peer = params
        .blob("PublicKey", LONGEST_SIGNATURE)?
        .ok_or_else(|| missing("PublicKey"))?;
    let tokens = validate::grant_tokens(params)?;
    let dry_run = validate::dry_run(params, operation)?;
    refuse_recipient(params)?;
    note.request_parameters = Some(json!({ "keyId": identifier, "keyAgreementAlgorithm": algorithm }));
    let mut extra = Context::new();
    extra.set(known!("kms:keyagreementalgorithm"), algorithm);
    let address = authorize_plain(state, call, operation, identifier, &tokens, extra, note)?;
    let key = check_usable(state, operation, &address)?;
    check_algorithm(key, algorithm)?;
    let secret = pair(state, key, &address)?
        .agree(&peer)
        .ok_or_else(|| KmsError::malformed(format!("The public key is not a valid key of spec {}.", key.spec.name)))?;
    if dry_run {
        return Err(KmsError::dry_run());
    }
    let result = json!({
        "SharedSecret": STANDARD.encode(secret),
        "KeyAgreementAlgorithm": algorithm,
        "KeyOrigin": key.origin,
    });
    conclude(state, call, operation, &address, result)
}

/// Ends a successful use: remembers it and answers the result with the key's ARN.
fn conclude(
    state: &mut State,
    call: &Call<'_>,
    operation: &'static Operation,
    address: &KeyAddress,
    mut result: Value,
) -> Answer {
    used(state, call, operation, address);
    result["KeyId"] = json!(address.arn().as_str());
    Ok(Some(result))
}

/// What Sign and Verify share.
struct Signing<'a> {
    identifier: &'a str,
    message: Vec<u8>,
    message_type: &'static str,
    algorithm: &'static str,
    tokens: Vec<String>,
    dry_run: bool,
}

impl<'a> Signing<'a> {
    fn read(params: Params<'a>, operation: &Operation, note: &mut Note) -> Result<Self, KmsError> {
        let identifier = params.required("KeyId", 2048)?;
        let message = params
            // Empty messages are legal here, though not for MACs (API_Sign).
            .blob_of("Message", 0, LONGEST_MESSAGE)?
            .ok_or_else(|| missing("Message"))?;
        let message_type = params.one_of("MessageType", MESSAGE_TYPES)?.unwrap_or("RAW");
        let algorithm = params
            .one_of("SigningAlgorithm", SIGNING_ALGORITHMS)?
            .ok_or_else(|| missing("SigningAlgorithm"))?;
        let wanted = Self {
            identifier,
            message,
            message_type,
            algorithm,
            tokens: validate::grant_tokens(params)?,
            dry_run: validate::dry_run(params, operation)?,
        };
        note.request_parameters = Some(trail(
            json!({ "keyId": identifier, "messageType": message_type, "signingAlgorithm": algorithm }),
            wanted.dry_run,
        ));
        Ok(wanted)
    }

    /// Everything up to the cryptography.
    fn prepare(
        &self,
        state: &mut State,
        call: &Call<'_>,
        operation: &'static Operation,
        note: &mut Note,
    ) -> Result<(KeyAddress, MessageType), KmsError> {
        let mut extra = Context::new();
        extra.set(known!("kms:signingalgorithm"), self.algorithm);
        extra.set(known!("kms:messagetype"), self.message_type);
        let address = authorize_plain(state, call, operation, self.identifier, &self.tokens, extra, note)?;
        let key = check_usable(state, operation, &address)?;
        check_algorithm(key, self.algorithm)?;
        let message_type = self.check_message(key)?;
        if self.dry_run {
            return Err(KmsError::dry_run());
        }
        Ok((address, message_type))
    }

    fn check_message(&self, key: &Key) -> Result<MessageType, KmsError> {
        let message_type = match self.message_type {
            "RAW" => MessageType::Raw,
            "DIGEST" => MessageType::Digest,
            other => {
                return Err(KmsError::validation(format!(
                    "Message type {other} is incompatible with key spec {}.",
                    key.spec.name
                )));
            }
        };
        if !asymmetric::takes(self.algorithm, message_type) {
            return Err(KmsError::validation(format!(
                "Message type {} is incompatible with algorithm {}.",
                self.message_type, self.algorithm
            )));
        }
        let length = asymmetric::digest_length(self.algorithm);
        if message_type == MessageType::Digest && length.is_some_and(|length| length != self.message.len()) {
            return Err(KmsError::validation(format!(
                "Digest is invalid length for algorithm {}.",
                self.algorithm
            )));
        }
        Ok(message_type)
    }
}

/// What GenerateMac and VerifyMac share.
struct Authentication<'a> {
    identifier: &'a str,
    message: Vec<u8>,
    algorithm: &'static str,
    tokens: Vec<String>,
    dry_run: bool,
}

impl<'a> Authentication<'a> {
    fn read(params: Params<'a>, operation: &Operation, note: &mut Note) -> Result<Self, KmsError> {
        let identifier = params.required("KeyId", 2048)?;
        let message = params
            .blob("Message", LONGEST_MESSAGE)?
            .ok_or_else(|| missing("Message"))?;
        let algorithm = params
            .one_of("MacAlgorithm", MAC_ALGORITHMS)?
            .ok_or_else(|| missing("MacAlgorithm"))?;
        let wanted = Self {
            identifier,
            message,
            algorithm,
            tokens: validate::grant_tokens(params)?,
            dry_run: validate::dry_run(params, operation)?,
        };
        note.request_parameters = Some(trail(
            json!({ "keyId": identifier, "macAlgorithm": algorithm }),
            wanted.dry_run,
        ));
        Ok(wanted)
    }

    /// Everything up to the cryptography.
    fn prepare(
        &self,
        state: &mut State,
        call: &Call<'_>,
        operation: &'static Operation,
        note: &mut Note,
    ) -> Result<KeyAddress, KmsError> {
        let mut extra = Context::new();
        extra.set(known!("kms:macalgorithm"), self.algorithm);
        let address = authorize_plain(state, call, operation, self.identifier, &self.tokens, extra, note)?;
        check_algorithm(check_usable(state, operation, &address)?, self.algorithm)?;
        if self.dry_run {
            return Err(KmsError::dry_run());
        }
        Ok(address)
    }

    fn mac(&self, state: &State, address: &KeyAddress) -> Result<Vec<u8>, KmsError> {
        let key = state.kms.key(address, state.now()).ok_or_else(|| gone(address))?;
        let secret = key
            .current_material()
            .and_then(|material| material.hmac(key.spec))
            .ok_or_else(|| unavailable(address))?;
        Ok(match self.algorithm {
            "HMAC_SHA_224" => hmac::<Hmac<sha2::Sha224>>(&secret, &self.message),
            "HMAC_SHA_256" => hmac::<Hmac<sha2::Sha256>>(&secret, &self.message),
            "HMAC_SHA_384" => hmac::<Hmac<sha2::Sha384>>(&secret, &self.message),
            _ => hmac::<Hmac<sha2::Sha512>>(&secret, &self.message),
        })
    }
}

fn hmac<M: hmac::Mac + hmac::KeyInit>(secret: &[u8], message: &[u8]) -> Vec<u8> {
    let mut mac = <M as hmac::KeyInit>::new_from_slice(secret).expect("HMAC takes keys of every length");
    mac.update(message);
    mac.finalize().into_bytes().to_vec()
}

fn pair(state: &State, key: &Key, address: &KeyAddress) -> Result<Arc<KeyPair>, KmsError> {
    key.current_material()
        .and_then(|material| material.pair(key.spec, &state.rsa_pairs))
        .ok_or_else(|| unavailable(address))
}

fn trail(mut parameters: Value, dry_run: bool) -> Value {
    if dry_run {
        parameters["dryRun"] = json!(true);
    }
    parameters
}
