//! Encrypted environment variables: `kms:Encrypt` and `kms:CreateGrant` as the configuring user (`svc:L-2`), the
//! grant for the execution role's session (`svc:L-3`), and reading the values back.

use std::collections::BTreeMap;

use jiff::civil::{Date, date};

use super::{FunctionName, LambdaError};
use crate::fault::Fault;
use crate::identity::{Caller, Principal, Via};
use crate::kms::KmsError;
use crate::kms::internal::{self, EncryptionContext, GrantRequest};
use crate::names::{KeyArn, Region};
use crate::state::State;

/// Largest sum of environment variables, as JSON.
const MAXIMUM_BYTES: usize = 4096;
/// From this day the service principal retires the grant and its name carries an id (`svc:L-3`).
const SERVICE_RETIRES_SINCE: Date = date(2022, 1, 1);

/// Environment variables at rest.
#[derive(Debug, Clone)]
pub(super) struct Environment {
    /// JSON of the variables, encrypted by KMS.
    pub(super) ciphertext: Vec<u8>,
    /// The key that encrypted them.
    pub(super) key_arn: KeyArn,
    /// The grant that lets the execution role's session decrypt.
    pub(super) grant_id: String,
    /// Unique id of the role the grant was made for; a recreated role has another (`svc:L-9`).
    pub(super) role_unique_id: String,
}

/// Variables by name.
pub(super) type Variables = BTreeMap<String, String>;

/// `{aws:lambda:FunctionArn: ARN}` (`svc:L-3`, `svc:L-4`).
pub(super) fn context(function: &FunctionName) -> EncryptionContext {
    BTreeMap::from([("aws:lambda:FunctionArn".to_owned(), function.arn())])
}

/// Encrypts variables for a function and makes the grant, both as the configuring user.
pub(super) fn protect(
    state: &mut State,
    caller: &Caller,
    function: &FunctionName,
    role_arn: &str,
    kms_key_arn: Option<&str>,
    variables: &Variables,
) -> Result<Environment, LambdaError> {
    let json = serde_json::to_vec(variables)
        .map_err(|error| LambdaError::invalid(format!("environment is not JSON: {error}")))?;
    if json.len() > MAXIMUM_BYTES {
        return Err(LambdaError::invalid(
            "Lambda was unable to configure your environment variables because the environment variables you have provided exceeded the 4KB limit.",
        ));
    }
    let region = &function.region;
    let via = via(region);
    let key_id = match kms_key_arn {
        Some(arn) => arn.to_owned(),
        None => internal::managed_key(state, &function.account, region, "lambda")
            .expect("aws/lambda is one of the managed keys that kms knows")
            .to_string(),
    };
    let context = context(function);
    let caller = &asking(state, caller, function);
    let encrypted = internal::encrypt(state, caller, &via, region, &key_id, &json, &context)
        .map_err(|error| failure("encrypt your environment variables", "Encrypt", &error))?;
    let request = grant_request(state, function, role_arn, context)?;
    let role_unique_id = role_unique_id(state, role_arn)?;
    let grant = internal::create_grant(state, caller, &via, region, &key_id, &request)
        .map_err(|error| failure("configure access to your environment variables", "CreateGrant", &error))?;
    Ok(Environment {
        ciphertext: encrypted.ciphertext,
        key_arn: encrypted.key_arn,
        grant_id: grant.grant_id,
        role_unique_id,
    })
}

/// Who asks KMS: the configuring user, and under `lambda-asks-as-account` the account's root user.
fn asking(state: &State, caller: &Caller, function: &FunctionName) -> Caller {
    if !state.case.faults.contains(Fault::LambdaAsksAsAccount) {
        return caller.clone();
    }
    Caller {
        principal: Principal::Root {
            account: function.account.clone(),
        },
        session: None,
        ..caller.clone()
    }
}

/// Reads the variables as the caller of a configuration operation: `kms:Decrypt` forwarded (`svc:L-2`).
pub(super) fn reveal(
    state: &mut State,
    caller: &Caller,
    function: &FunctionName,
    environment: &Environment,
) -> Result<Variables, KmsError> {
    let region = &function.region;
    let answer = internal::decrypt(
        state,
        caller,
        &via(region),
        region,
        Some(environment.key_arn.as_str()),
        &environment.ciphertext,
        &context(function),
    )?;
    // The plaintext is what `protect` encrypted, so it always parses.
    Ok(serde_json::from_slice(&answer.plaintext).unwrap_or_default())
}

/// Lambda retires the grant of a replaced or deleted environment (`svc:L-9`). A grant that is already gone is fine.
pub(super) fn retire(state: &mut State, function: &FunctionName, role_arn: &str, environment: &Environment) {
    let caller = if state.as_of() >= SERVICE_RETIRES_SINCE {
        Some(Caller::service(
            &retiring_service(&function.region),
            Some(function.arn()),
            Some(function.account.clone()),
        ))
    } else {
        role_name(role_arn).and_then(|role| Caller::role_session(state, &function.account, role, &function.name))
    };
    if let Some(caller) = caller {
        let retired = internal::retire_grant_silently(
            state,
            &caller,
            &Via::Direct,
            &function.region,
            &environment.key_arn,
            &environment.grant_id,
        );
        // Somebody may have revoked the grant or deleted the key before.
        drop(retired);
    }
}

/// The bare role name of a role ARN.
pub(super) fn role_name(role_arn: &str) -> Option<&str> {
    role_arn.rsplit('/').next().filter(|name| !name.is_empty())
}

/// The role's unique id now.
pub(super) fn role_unique_id(state: &State, role_arn: &str) -> Result<String, LambdaError> {
    state
        .iam
        .role_by_arn(role_arn)
        .map(|(_, role)| role.role_id.clone())
        .ok_or_else(|| LambdaError::invalid("The role defined for the function cannot be assumed by Lambda."))
}

/// The grant of `svc:L-3`: session name = function name, Decrypt and RetireGrant, context equals the function ARN.
fn grant_request(
    state: &State,
    function: &FunctionName,
    role_arn: &str,
    context: EncryptionContext,
) -> Result<GrantRequest, LambdaError> {
    let role = role_name(role_arn)
        .ok_or_else(|| LambdaError::invalid("The role defined for the function cannot be assumed by Lambda."))?;
    let session = format!(
        "arn:aws:sts::{}:assumed-role/{role}/{}",
        function.account, function.name
    );
    let (name, retiring) = if state.as_of() >= SERVICE_RETIRES_SINCE {
        (
            format!("{}/{}", function.name, state.sources.ids.uuid()),
            retiring_service(&function.region),
        )
    } else {
        (function.name.clone(), session.clone())
    };
    let faults = state.case.faults;
    Ok(GrantRequest {
        grantee_principal: if faults.contains(Fault::LambdaGrantsWholeRole) {
            role_arn.to_owned()
        } else {
            session
        },
        retiring_principal: Some(retiring),
        operations: if faults.contains(Fault::LambdaGrantLacksDecrypt) {
            vec!["DescribeKey", "RetireGrant"]
        } else {
            vec!["Decrypt", "RetireGrant"]
        },
        encryption_context_equals: Some(context),
        encryption_context_subset: None,
        name: Some(name),
    })
}

fn retiring_service(region: &Region) -> String {
    format!("lambda.{region}.amazonaws.com")
}

fn via(region: &Region) -> Via {
    Via::Forwarded {
        service: "lambda",
        region: region.clone(),
    }
}

/// How Lambda words a KMS failure during configuration.
fn failure(task: &str, operation: &str, error: &KmsError) -> LambdaError {
    let tail = format!("KMS Exception: {} KMS Message: {}", error.code, error.message);
    if error.is_access_denied() {
        return LambdaError::new(
            403,
            "AccessDeniedException",
            format!(
                "Lambda was unable to {task} because the KMS access was denied. Please check your KMS permissions. {tail}"
            ),
        );
    }
    LambdaError::invalid(format!(
        "Lambda was unable to {task} because the KMS key is invalid for {operation}. Please check your KMS key settings. {tail}"
    ))
}
