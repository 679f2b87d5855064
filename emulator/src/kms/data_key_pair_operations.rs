//! GenerateDataKeyPair and GenerateDataKeyPairWithoutPlaintext.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::json;

use super::call::{Answer, Call, Note};
use super::error::KmsError;
use super::operations::Operation;
use super::params::{Params, missing};
use super::store::resolve_with;
use super::using::{self, authorize_encryption, check_encryption};
use crate::authorizer::known;
use crate::state::State;

/// Values of KeyPairSpec.
const KEY_PAIR_SPECS: &[&str] = &[
    "RSA_2048",
    "RSA_3072",
    "RSA_4096",
    "ECC_NIST_P256",
    "ECC_NIST_P384",
    "ECC_NIST_P521",
    "ECC_SECG_P256K1",
    "SM2",
    "ECC_NIST_EDWARDS25519",
    "ML_KEM_512",
    "ML_KEM_768",
    "ML_KEM_1024",
];

/// Both operations; the one without plaintext keeps the private key to itself.
pub(super) fn generate(
    state: &mut State,
    call: &Call<'_>,
    operation: &'static Operation,
    params: Params<'_>,
    note: &mut Note,
) -> Answer {
    let identifier = params.required("KeyId", 2048)?;
    let spec = params
        .one_of("KeyPairSpec", KEY_PAIR_SPECS)?
        .ok_or_else(|| missing("KeyPairSpec"))?;
    let mut wanted = using::read(params, operation, "EncryptionContext", "")?;
    wanted.extra.set(known!("kms:datakeypairspec"), spec);
    note.request_parameters = Some(using::trail_parameters(
        Some(identifier),
        &wanted,
        Some(("keyPairSpec", json!(spec))),
    ));
    let keys = || using::request_keys(operation, &wanted);
    let resolved = resolve_with(state, call, operation, operation.action(), identifier, keys)?;
    let address = resolved.address.clone();
    note.keys.push(address.clone());
    authorize_encryption(state, call, operation, operation.action(), &resolved, &wanted)?;
    check_encryption(state, operation, &address, None)?;
    let without = || KmsError::unsupported(format!("KeyPairSpec {spec} is not supported."));
    if spec.starts_with("ML_") || spec == "SM2" {
        return Err(without());
    }
    if wanted.dry_run {
        return Err(KmsError::dry_run());
    }
    let mut seed = [0; 32];
    state.sources.ids.fill(&mut seed);
    let pair = state.rsa_pairs.take(spec, seed).ok_or_else(without)?;
    state.kms.hand_out(&pair);
    let private = pair.pkcs8();
    let sealed = using::seal(state, call, operation, &address, &private, &wanted)?;
    let mut answer = json!({
        "PrivateKeyCiphertextBlob": STANDARD.encode(sealed),
        "PublicKey": STANDARD.encode(pair.public_der()),
        "KeyId": address.arn().as_str(),
        "KeyPairSpec": spec,
        "KeyMaterialId": using::material_id(state, &address),
    });
    if operation.name == "GenerateDataKeyPair" {
        answer["PrivateKeyPlaintext"] = json!(STANDARD.encode(private));
    }
    Ok(Some(answer))
}
