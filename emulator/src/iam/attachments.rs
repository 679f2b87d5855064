//! Attach, Detach and ListAttached of managed policies.

use super::call::{Call, Kind, attachments, change_attachments, check_modifiable};
use super::error::IamError;
use super::render;
use super::store::PolicyAttachments;
use crate::authorizer::{Context, known};
use crate::protocol::XmlWriter;
use crate::state::State;

/// Managed policies per entity (iam:§1.9).
fn quota(kind: Kind) -> usize {
    if kind == Kind::Group { 10 } else { 20 }
}

/// `iam:Attach{User,Group,Role}Policy`.
pub(super) fn attach(state: &mut State, call: &Call<'_>, _xml: &mut XmlWriter) -> Result<(), IamError> {
    let (name, arn) = read(state, call)?;
    let kind = call.operation.kind;
    check_modifiable(state, call.account, kind, name)?;
    if !is_attachable(state, call, arn) {
        let message = format!("Policy {arn} does not exist or is not attachable.");
        return Err(IamError::new("NoSuchEntity", message));
    }
    let attached = &existing(state, call, name)?.attached;
    if attached.contains(arn) {
        return Ok(());
    }
    if attached.len() >= quota(kind) {
        let message = format!("Cannot exceed quota for PoliciesPer{}: {}", kind.title(), quota(kind));
        return Err(IamError::new("LimitExceeded", message));
    }
    change_attachments(state, call, name, |policies| {
        policies.attached.insert(arn.to_owned());
    });
    Ok(())
}

/// `iam:Detach{User,Group,Role}Policy`.
pub(super) fn detach(state: &mut State, call: &Call<'_>, _xml: &mut XmlWriter) -> Result<(), IamError> {
    let (name, arn) = read(state, call)?;
    let kind = call.operation.kind;
    check_modifiable(state, call.account, kind, name)?;
    if !existing(state, call, name)?.attached.contains(arn) {
        return Err(IamError::new("NoSuchEntity", format!("Policy {arn} was not found.")));
    }
    change_attachments(state, call, name, |policies| {
        policies.attached.remove(arn);
    });
    Ok(())
}

/// `iam:ListAttached{User,Group,Role}Policies`.
pub(super) fn list(state: &mut State, call: &Call<'_>, xml: &mut XmlWriter) -> Result<(), IamError> {
    let name = call.entity_name()?;
    call.authorize(state, &call.arn_of(state, call.operation.kind, name), Context::new())?;
    let arns: Vec<String> = existing(state, call, name)?.attached.iter().cloned().collect();
    render::page(xml, call.parameters, "AttachedPolicies", &arns, |xml, arn| {
        xml.element("PolicyName", arn.rsplit('/').next().unwrap_or_default())
            .element("PolicyArn", arn);
    })
}

/// Entity name and policy ARN, authorized (iam:PolicyARN) and existing.
fn read<'a>(state: &State, call: &Call<'a>) -> Result<(&'a str, &'a str), IamError> {
    let name = call.entity_name()?;
    let arn = call.required("PolicyArn")?;
    super::managed::check_arn(arn)?;
    let mut context = Context::new();
    context.set(known!("iam:policyarn"), arn);
    super::boundaries::existing_boundary(state, call, name, &mut context);
    call.authorize(state, &call.arn_of(state, call.operation.kind, name), context)?;
    existing(state, call, name)?;
    Ok((name, arn))
}

/// AWS managed policies and those of the own account.
fn is_attachable(state: &State, call: &Call<'_>, arn: &str) -> bool {
    let own = arn
        .split(':')
        .nth(4)
        .is_some_and(|account| account == "aws" || account == call.account.as_str());
    own && state.iam.has_managed_policy(arn)
}

fn existing<'a>(state: &'a State, call: &Call<'_>, name: &str) -> Result<&'a PolicyAttachments, IamError> {
    let kind = call.operation.kind;
    state
        .iam
        .account(call.account)
        .and_then(|account| attachments(account, kind, name))
        .ok_or_else(|| IamError::no_such(kind.word(), name))
}
