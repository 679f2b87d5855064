//! Invoke: a cold start decrypts the environment variables as the execution role's session; a warm one asks nobody
//! (`svc:L-4` … `svc:L-10`).

use bytes::Bytes;
use http::HeaderValue;

use super::environment::{self, Environment};
use super::permission::require;
use super::{Answer, Call, Function, FunctionName, LambdaError, empty};
use crate::identity::{Caller, Via};
use crate::kms::KmsError;
use crate::kms::internal;
use crate::protocol::json;
use crate::state::State;

/// What every function answers.
const RESULT: &[u8] = br#"{"statusCode":200}"#;

/// Start of every access-denied text (`svc:L-6`).
const ACCESS_DENIED: &str = "Lambda was unable to decrypt the environment variables because KMS access was denied. Please check the function's KMS key settings. KMS Exception: ";

/// KMS code, Lambda code, text; every other KMS code gets the access-denied text with what KMS said.
const FAILURES: &[(&str, &str, &str)] = &[
    (
        "DisabledException",
        "KMSDisabledException",
        "Lambda was unable to decrypt the environment variables because the KMS key used is disabled. Please check the function's KMS key settings.",
    ),
    (
        "KMSInvalidStateException",
        "KMSInvalidStateException",
        "Lambda was unable to decrypt the environment variables because the state of the KMS key used is not valid for Decrypt. Please check the function's KMS key settings.",
    ),
    (
        "NotFoundException",
        "KMSNotFoundException",
        "Lambda was unable to decrypt the environment variables because the KMS key was not found. Please check the function's KMS key settings.",
    ),
];

/// Invoke.
pub(super) fn invoke(state: &mut State, call: &Call<'_>) -> Answer {
    let name = call.function()?;
    require(state, call, &name.arn())?;
    let function = state
        .lambda
        .functions
        .get(&name.key())
        .cloned()
        .ok_or_else(|| LambdaError::not_found(&name.arn()))?;
    match call.request.header("x-amz-invocation-type") {
        None | Some("RequestResponse") => {}
        Some("DryRun") => return Ok(empty(204)),
        Some("Event") => {
            // The answer to an asynchronous call never depends on the start of the environment.
            if start(state, name, &function).is_ok() {
                set_warm(state, name);
            }
            return Ok(empty(202));
        }
        Some(other) => {
            return Err(LambdaError::invalid(format!("Unknown invocation type `{other}`")));
        }
    }
    start(state, name, &function)?;
    set_warm(state, name);
    let mut response = http::Response::new(Bytes::from_static(RESULT));
    response
        .headers_mut()
        .insert(http::header::CONTENT_TYPE, HeaderValue::from_static(json::JSON));
    response
        .headers_mut()
        .insert("x-amz-executed-version", HeaderValue::from_static("$LATEST"));
    Ok(response)
}

fn set_warm(state: &mut State, name: &FunctionName) {
    if let Some(function) = state.lambda.functions.get_mut(&name.key()) {
        function.warm = true;
    }
}

/// Initialises an execution environment if none is warm.
fn start(state: &mut State, name: &FunctionName, function: &Function) -> Result<(), LambdaError> {
    if function.warm {
        return Ok(());
    }
    let session = environment::role_name(&function.role_arn)
        .and_then(|role| Caller::role_session(state, &name.account, role, &name.name));
    let Some(session) = session else {
        return Err(LambdaError::new(
            403,
            "AccessDeniedException",
            "The role defined for the function cannot be assumed by Lambda.",
        ));
    };
    let Some(stored) = &function.environment else {
        return Ok(());
    };
    if role_was_recreated(state, function, stored) {
        return Err(denied(
            "UnrecognizedClientException",
            "The security token included in the request is invalid.",
        ));
    }
    let via = Via::LambdaRuntime {
        region: name.region.clone(),
    };
    // Without KeyId: the key is read from the ciphertext (svc:L-4, svc:X-4).
    internal::decrypt(
        state,
        &session,
        &via,
        &name.region,
        None,
        &stored.ciphertext,
        &environment::context(name),
    )
    .map(|_| ())
    .map_err(|error| failure(&error))
}

/// `svc:L-9`: the session Lambda holds belongs to the role that was configured, not to a namesake.
fn role_was_recreated(state: &State, function: &Function, stored: &Environment) -> bool {
    environment::role_unique_id(state, &function.role_arn).is_ok_and(|now| now != stored.role_unique_id)
}

fn failure(error: &KmsError) -> LambdaError {
    match FAILURES.iter().find(|row| row.0 == error.code) {
        Some((_, code, message)) => LambdaError::new(502, code, *message),
        None => denied(error.code, &error.message),
    }
}

fn denied(exception: &str, message: &str) -> LambdaError {
    LambdaError::new(
        502,
        "KMSAccessDeniedException",
        format!("{ACCESS_DENIED}{exception} KMS Message: {message}"),
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    /// svc:L-5 … svc:L-7 as a table.
    #[test]
    fn failure_table() {
        let cases = [
            ("AccessDeniedException", "KMSAccessDeniedException"),
            ("DisabledException", "KMSDisabledException"),
            ("KMSInvalidStateException", "KMSInvalidStateException"),
            ("NotFoundException", "KMSNotFoundException"),
        ];
        for (kms, lambda) in cases {
            let error = failure(&KmsError::new(kms, "text"));
            assert_eq!((error.status, error.code), (502, lambda), "{kms}");
        }
        let text = failure(&KmsError::new("AccessDeniedException", "The ciphertext refers to x")).message;
        assert!(text.ends_with("KMS Exception: AccessDeniedException KMS Message: The ciphertext refers to x"));
    }
}
