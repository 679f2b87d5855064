//! PutKeyPolicy, GetKeyPolicy, ListKeyPolicies, and the checks of a new key policy (svc:§6).

use std::sync::Arc;

use serde_json::json;

use super::authorize::{self, KeyUse};
use super::call::{Answer, Call, Note};
use super::error::KmsError;
use super::key::{Key, KeyManager};
use super::operations::Operation;
use super::params::{Params, check_length, constraint, missing};
use super::store::{KeyAddress, resolve, resolve_with};
use super::validate;
use crate::access::{self, Question};
use crate::authorizer::{Context, Policy, PolicyKind, ResourcePolicyMode, SaveRules, known};
use crate::fault::Fault;
use crate::names::AccountId;
use crate::state::State;

/// Longest key policy in bytes (svc:P-1).
const LONGEST_POLICY: usize = 32_768;
/// Longest value the API takes at all.
const LONGEST_PARAMETER: usize = 131_072;
/// The only policy a key has (svc:P-6); `AWS_RAM` is managed by RAM (svc:K-34).
const DEFAULT_NAME: &str = "default";
const RAM_NAME: &str = "AWS_RAM";

/// `kms:PutKeyPolicy`.
pub(super) fn put(
    state: &mut State,
    call: &Call<'_>,
    operation: &'static Operation,
    params: Params<'_>,
    note: &mut Note,
) -> Answer {
    let identifier = params.required("KeyId", 2048)?;
    let text = policy_text(params)?.ok_or_else(|| missing("Policy"))?;
    let name = policy_name(params)?;
    let bypass = params.boolean("BypassPolicyLockoutSafetyCheck")?;
    note.request_parameters = Some(json!({
        "keyId": identifier, "policyName": name, "policy": text,
        "bypassPolicyLockoutSafetyCheck": bypass.unwrap_or(false),
    }));
    if name == RAM_NAME {
        return Err(KmsError::validation(
            "The AWS_RAM policy can only be managed by the RAM service.",
        ));
    }
    if name != DEFAULT_NAME {
        return Err(KmsError::not_found("No such policy exists"));
    }
    let mut extra = Context::new();
    extra.set(known!("kms:policyname"), name);
    bypass_key(bypass, &mut extra);
    let resolved = resolve_with(state, call, operation, operation.action(), identifier, || extra.clone())?;
    note.keys.push(resolved.address.clone());
    authorize::key(
        state,
        call,
        &resolved.address,
        KeyUse {
            extra,
            ..KeyUse::of(operation)
        },
    )?;
    let policy = Arc::new(check(state, text)?);
    let when = state.change_time();
    let key = state
        .kms
        .key(&resolved.address, when.now)
        .ok_or_else(|| gone(&resolved.address))?;
    if bypass != Some(true) {
        check_lockout(state, call, key, &policy)?;
    }
    state
        .kms
        .key_mut(&resolved.address, when.now)
        .ok_or_else(|| gone(&resolved.address))?
        .policy
        .change(policy, when);
    Ok(None)
}

/// `kms:GetKeyPolicy`: the text as saved, principals that are gone as unique ids (iam:P-41).
pub(super) fn get(
    state: &mut State,
    call: &Call<'_>,
    operation: &'static Operation,
    params: Params<'_>,
    note: &mut Note,
) -> Answer {
    let identifier = params.required("KeyId", 2048)?;
    let name = policy_name(params)?;
    note.request_parameters = Some(json!({ "keyId": identifier, "policyName": name }));
    let mut extra = Context::new();
    extra.set(known!("kms:policyname"), name);
    let resolved = resolve_with(state, call, operation, operation.action(), identifier, || extra.clone())?;
    note.keys.push(resolved.address.clone());
    authorize::key(
        state,
        call,
        &resolved.address,
        KeyUse {
            extra,
            ..KeyUse::of(operation)
        },
    )?;
    if name != DEFAULT_NAME {
        return Err(KmsError::not_found("No such policy exists"));
    }
    let key = state
        .kms
        .key(&resolved.address, state.now())
        .ok_or_else(|| gone(&resolved.address))?;
    Ok(Some(
        json!({ "Policy": key.policy.current().displayed_text(&state.iam), "PolicyName": name }),
    ))
}

/// `kms:ListKeyPolicies`.
pub(super) fn list(
    state: &mut State,
    call: &Call<'_>,
    operation: &'static Operation,
    params: Params<'_>,
    note: &mut Note,
) -> Answer {
    let identifier = params.required("KeyId", 2048)?;
    let page = validate::Page::read(params, 100, 1000)?;
    note.request_parameters = Some(json!({ "keyId": identifier }));
    let resolved = resolve(state, call, operation, operation.action(), identifier)?;
    note.keys.push(resolved.address.clone());
    authorize::key(state, call, &resolved.address, KeyUse::of(operation))?;
    Ok(Some(page.answer("PolicyNames", &[json!(DEFAULT_NAME)])))
}

/// The policy of a key created without one (svc:P-7, contract).
#[must_use]
pub(super) fn default_text(account: &AccountId) -> String {
    format!(
        "{{\n  \"Version\" : \"2012-10-17\",\n  \"Id\" : \"key-default-1\",\n  \"Statement\" : [ {{\n    \"Sid\" : \
         \"Enable IAM User Permissions\",\n    \"Effect\" : \"Allow\",\n    \"Principal\" : {{\n      \"AWS\" : \
         \"arn:aws:iam::{account}:root\"\n    }},\n    \"Action\" : \"kms:*\",\n    \"Resource\" : \"*\"\n  }} ]\n}}"
    )
}

/// The `Policy` parameter: its length and characters are constraints of the API (svc:P-2), its content is not.
///
/// # Errors
/// ValidationException.
pub(super) fn policy_text<'a>(params: Params<'a>) -> Result<Option<&'a str>, KmsError> {
    let Some(text) = params.text("Policy")? else {
        return Ok(None);
    };
    check_length("Policy", text, 1, LONGEST_PARAMETER)?;
    let legal = |character: char| matches!(character, '\t' | '\n' | '\r' | '\u{20}'..='\u{ff}');
    if text.chars().all(legal) {
        return Ok(Some(text));
    }
    Err(constraint(
        "Policy",
        text,
        "Member must satisfy regular expression pattern: [\\u0009\\u000A\\u000D\\u0020-\\u00FF]+",
    ))
}

/// Size, grammar, existing principals (svc:P-1, svc:P-3, svc:P-4).
///
/// # Errors
/// LimitExceededException, MalformedPolicyDocumentException.
pub(super) fn check(state: &State, text: &str) -> Result<Policy, KmsError> {
    if text.len() > LONGEST_POLICY {
        return Err(KmsError::new(
            "LimitExceededException",
            "Policy document exceeds the maximum length of 32768 bytes",
        ));
    }
    let rules = SaveRules {
        as_of: state.as_of(),
        principals: &state.iam,
    };
    Policy::save(PolicyKind::KeyPolicy, text, &rules)
        .or_else(|error| {
            let fault = state.case.faults.contains(Fault::BadKeyPolicyStored);
            fault.then(|| Policy::stored(PolicyKind::KeyPolicy, text)).ok_or(error)
        })
        .map_err(|error| KmsError::new("MalformedPolicyDocumentException", error.message))
}

/// The calling principal must be able to call PutKeyPolicy under the new policy (svc:P-5). Full KMS logic, but no
/// grant can help, and only the new policy counts.
///
/// # Errors
/// MalformedPolicyDocumentException.
pub(super) fn check_lockout(state: &State, call: &Call<'_>, key: &Key, policy: &Arc<Policy>) -> Result<(), KmsError> {
    let faults = state.case.faults;
    let bad = faults.contains(Fault::BadKeyPolicyStored) && policy.unusable().is_some();
    if faults.contains(Fault::LockoutCheckSkipped) || bad {
        return Ok(());
    }
    let now = state.now();
    let mut context = Context::new();
    context.set(known!("kms:policyname"), DEFAULT_NAME);
    authorize::key_context(state, call, key, &mut context);
    let mut question = Question::new(call.caller, call.via, "kms:PutKeyPolicy", call.region);
    question.resource = key.arn.as_str();
    question.resource_account = Some(&key.account);
    question.mode = ResourcePolicyMode::KeyPolicy {
        aws_managed: key.manager == KeyManager::Aws,
    };
    question.resource_policy = Some(policy);
    question.resource_tags = Some(key.tags.visible(now));
    question.context = context;
    access::check(state, question).map(|_| ()).map_err(|_| {
        KmsError::new(
            "MalformedPolicyDocumentException",
            "The new key policy will not allow you to update the key policy in the future.",
        )
    })
}

/// kms:BypassPolicyLockoutSafetyCheck exists only when the parameter was sent (svc:C-19).
pub(super) fn bypass_key(bypass: Option<bool>, context: &mut Context) {
    if let Some(value) = bypass {
        context.set_bool(known!("kms:bypasspolicylockoutsafetycheck"), value);
    }
}

fn policy_name<'a>(params: Params<'a>) -> Result<&'a str, KmsError> {
    let name = params.text("PolicyName")?.unwrap_or(DEFAULT_NAME);
    check_length("PolicyName", name, 1, 128)?;
    Ok(name)
}

fn gone(address: &KeyAddress) -> KmsError {
    KmsError::not_found(format!("Key '{}' does not exist", address.arn()))
}
