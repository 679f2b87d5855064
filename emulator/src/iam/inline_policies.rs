//! Put, Get, List and Delete of inline policies of users, groups and roles.

use super::call::{Call, Kind, attachments, change_attachments, check_modifiable};
use super::error::IamError;
use super::render;
use super::store::PolicyAttachments;
use crate::authorizer::{Context, PolicyKind};
use crate::protocol::XmlWriter;
use crate::state::State;

/// Sum of all inline policies, white space excluded (iam:§1.9).
fn quota(kind: Kind) -> usize {
    match kind {
        Kind::User | Kind::Other => 2048,
        Kind::Group => 5120,
        Kind::Role => 10_240,
    }
}

/// `iam:Put{User,Group,Role}Policy`.
pub(super) fn put(state: &mut State, call: &Call<'_>, _xml: &mut XmlWriter) -> Result<(), IamError> {
    let name = call.entity_name()?;
    let policy_name = call.policy_name()?;
    let text = call.required("PolicyDocument")?;
    let kind = call.operation.kind;
    authorize(state, call, name)?;
    existing(state, call, name)?;
    check_modifiable(state, call.account, kind, name)?;
    let policy = call.save(state, PolicyKind::IdentityInline, text)?;
    let others: usize = existing(state, call, name)?
        .inline
        .iter()
        .filter(|(have, _)| *have != policy_name)
        .map(|(_, policy)| policy.characters_without_white_space())
        .sum();
    let quota = quota(kind);
    if others + policy.characters_without_white_space() > quota {
        let message = format!(
            "Maximum policy size of {quota} bytes exceeded for {} {name}",
            kind.word()
        );
        return Err(IamError::new("LimitExceeded", message));
    }
    change_attachments(state, call, name, |policies| {
        policies.inline.insert(policy_name.to_owned(), policy);
    });
    Ok(())
}

/// `iam:Get{User,Group,Role}Policy`.
pub(super) fn get(state: &mut State, call: &Call<'_>, xml: &mut XmlWriter) -> Result<(), IamError> {
    let name = call.entity_name()?;
    let policy_name = call.policy_name()?;
    authorize(state, call, name)?;
    let policies = existing(state, call, name)?;
    let policy = policies
        .inline
        .get(policy_name)
        .ok_or_else(|| unknown(call, policy_name))?;
    xml.element(call.operation.kind.parameter(), name)
        .element("PolicyName", policy_name)
        .element("PolicyDocument", &render::document(policy, state));
    Ok(())
}

/// `iam:List{User,Group,Role}Policies`.
pub(super) fn list(state: &mut State, call: &Call<'_>, xml: &mut XmlWriter) -> Result<(), IamError> {
    let name = call.entity_name()?;
    authorize(state, call, name)?;
    let names: Vec<String> = existing(state, call, name)?.inline.keys().cloned().collect();
    // Members of this list are plain texts.
    render::texts(xml, call.parameters, "PolicyNames", &names)
}

/// `iam:Delete{User,Group,Role}Policy`.
pub(super) fn delete(state: &mut State, call: &Call<'_>, _xml: &mut XmlWriter) -> Result<(), IamError> {
    let name = call.entity_name()?;
    let policy_name = call.policy_name()?;
    let kind = call.operation.kind;
    authorize(state, call, name)?;
    if !existing(state, call, name)?.inline.contains_key(policy_name) {
        return Err(unknown(call, policy_name));
    }
    check_modifiable(state, call.account, kind, name)?;
    change_attachments(state, call, name, |policies| {
        policies.inline.remove(policy_name);
    });
    Ok(())
}

/// Authorizes on the entity, its boundary in the context (iam:PermissionsBoundary).
fn authorize(state: &State, call: &Call<'_>, name: &str) -> Result<(), IamError> {
    let kind = call.operation.kind;
    let mut context = Context::new();
    super::boundaries::existing_boundary(state, call, name, &mut context);
    call.authorize(state, &call.arn_of(state, kind, name), context)
}

fn existing<'a>(state: &'a State, call: &Call<'_>, name: &str) -> Result<&'a PolicyAttachments, IamError> {
    let kind = call.operation.kind;
    state
        .iam
        .account(call.account)
        .and_then(|account| attachments(account, kind, name))
        .ok_or_else(|| IamError::no_such(kind.word(), name))
}

fn unknown(call: &Call<'_>, policy_name: &str) -> IamError {
    IamError::no_such(&format!("{} policy", call.operation.kind.word()), policy_name)
}
