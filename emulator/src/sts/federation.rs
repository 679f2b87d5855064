//! `sts:GetSessionToken`, `sts:GetFederationToken`, `sts:GetAccessKeyInfo`.

use super::assume_role::{policy_arns, tag_context};
use super::sessions::{self, SessionInput};
use super::{Call, StsError, write_credentials};
use crate::access::{self, Question};
use crate::authorizer::Context;
use crate::identity::{self, Principal, Via};
use crate::names::AccountId;
use crate::protocol::XmlWriter;
use crate::state::State;

/// Longest life of GetSessionToken and GetFederationToken credentials, and of root's.
const LONGEST: i64 = 129_600;
const LONGEST_OF_ROOT: i64 = 3600;
/// Their default.
const DEFAULT: i64 = 43_200;

/// `sts:GetSessionToken` needs no permission and cannot be controlled (iam:L-80).
pub(super) fn session_token(state: &mut State, call: &Call<'_>, xml: &mut XmlWriter) -> Result<(), StsError> {
    let input = SessionInput {
        mfa: Some(call.mfa()?),
        duration_seconds: duration(call)?,
        ..SessionInput::default()
    };
    let session = sessions::build(state, &input).map_err(|error| StsError::new(error.code, error.message))?;
    let arrival = call.caller.arrival.without_request();
    let issued = identity::issue(state, call.caller.principal.clone(), Some(session), arrival);
    write_credentials(xml, &issued);
    Ok(())
}

/// `sts:GetFederationToken` (iam:L-77, iam:L-78).
pub(super) fn federation_token(state: &mut State, call: &Call<'_>, xml: &mut XmlWriter) -> Result<(), StsError> {
    let name = call.required("Name")?;
    let invalid = |error: sessions::SessionError| StsError::new(error.code, error.message);
    sessions::check_name("name", name, 2, 32).map_err(invalid)?;
    let tags = call.parameters.tags();
    let parent = call.caller.principal.clone();
    let account = parent
        .account()
        .ok_or_else(|| StsError::new("AccessDenied", "This caller has no account."))?
        .clone();
    let arn = format!("arn:aws:sts::{account}:federated-user/{name}");
    let mut actions = vec!["sts:GetFederationToken"];
    if !tags.is_empty() {
        actions.push("sts:TagSession");
    }
    for action in actions {
        let mut context = Context::new();
        tag_context(&tags, &mut context);
        authorize(state, call, action, &arn, &account, context)?;
    }
    let input = SessionInput {
        policy: call.parameters.get("Policy").map(str::to_owned),
        policy_arns: policy_arns(call),
        tags,
        duration_seconds: duration(call)?,
        ..SessionInput::default()
    };
    let session = sessions::build(state, &input).map_err(invalid)?;
    let principal = Principal::FederatedUser {
        account: account.clone(),
        name: name.to_owned(),
        parent: Box::new(parent),
    };
    let arrival = call.caller.arrival.without_request();
    let issued = identity::issue(state, principal, Some(session), arrival);
    write_credentials(xml, &issued);
    xml.nested("FederatedUser", |xml| {
        xml.element("FederatedUserId", &format!("{account}:{name}"))
            .element("Arn", &arn);
    });
    xml.element("PackedPolicySize", "0");
    Ok(())
}

/// `sts:GetAccessKeyInfo`.
pub(super) fn access_key_info(state: &mut State, call: &Call<'_>, xml: &mut XmlWriter) -> Result<(), StsError> {
    let key = call.required("AccessKeyId")?;
    let own = call.caller.account().cloned();
    let own = own.ok_or_else(|| StsError::new("AccessDenied", "This caller has no account."))?;
    authorize(state, call, "sts:GetAccessKeyInfo", "*", &own, Context::new())?;
    let account = match AccountId::parse(key) {
        Some(account) => Some(account),
        None => state
            .credentials
            .get(key)
            .and_then(|credential| credential.principal.account().cloned()),
    };
    let account = account.ok_or_else(|| StsError::new("ValidationError", format!("Invalid access key id {key}")))?;
    xml.element("Account", account.as_str());
    Ok(())
}

fn authorize(
    state: &State,
    call: &Call<'_>,
    action: &str,
    resource: &str,
    account: &AccountId,
    context: Context,
) -> Result<(), StsError> {
    let mut question = Question::new(call.caller, &Via::Direct, action, call.region);
    question.resource = resource;
    question.resource_account = Some(account);
    question.context = context;
    access::check(state, question)
        .map(|_| ())
        .map_err(|refusal| StsError::refused(&refusal))
}

fn duration(call: &Call<'_>) -> Result<i64, StsError> {
    if matches!(call.caller.principal, Principal::Root { .. }) {
        return call.duration(LONGEST_OF_ROOT, LONGEST_OF_ROOT);
    }
    call.duration(DEFAULT, LONGEST)
}
