//! Operations that are in the table with their permissions but do nothing here: custom key stores, and encapsulation
//! with ML-KEM keys. They ask like every other operation and then answer UnsupportedOperationException.

use serde_json::json;

use super::authorize;
use super::call::{Answer, Call, Note};
use super::error::KmsError;
use super::operations::Operation;
use super::params::{Params, missing};
use super::using::{authorize_plain, check_usable};
use super::validate;
use crate::authorizer::{Context, known};
use crate::state::State;

/// The seven operations on custom key stores.
pub(super) fn custom_key_store(
    state: &mut State,
    call: &Call<'_>,
    operation: &'static Operation,
    _params: Params<'_>,
    _note: &mut Note,
) -> Answer {
    authorize::identity_only(state, call, operation.action(), "*", Context::new())?;
    Err(KmsError::unsupported("Custom key stores are not supported."))
}

/// `kms:Encapsulate` and `kms:Decapsulate`.
pub(super) fn encapsulation(
    state: &mut State,
    call: &Call<'_>,
    operation: &'static Operation,
    params: Params<'_>,
    note: &mut Note,
) -> Answer {
    let identifier = params.required("KeyId", 2048)?;
    let algorithm = params
        .one_of("EncapsulationAlgorithm", &["ML_KEM"])?
        .ok_or_else(|| missing("EncapsulationAlgorithm"))?;
    let tokens = validate::grant_tokens(params)?;
    validate::dry_run(params, operation)?;
    note.request_parameters = Some(json!({ "keyId": identifier, "encapsulationAlgorithm": algorithm }));
    let mut extra = Context::new();
    extra.set(known!("kms:encapsulationalgorithm"), algorithm);
    let address = authorize_plain(state, call, operation, identifier, &tokens, extra, note)?;
    let key = check_usable(state, operation, &address)?;
    Err(KmsError::unsupported(format!(
        "Cryptographic operations with key spec {} are not supported.",
        key.spec.name
    )))
}
