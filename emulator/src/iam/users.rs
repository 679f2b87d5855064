//! CreateUser, GetUser, ListUsers, DeleteUser.

use std::collections::BTreeSet;

use super::boundaries::check_boundary;
use super::call::{Call, Kind, boundary_context, tag_context};
use super::error::IamError;
use super::render;
use super::store::User;
use crate::authorizer::Context;
use crate::identity::Principal;
use crate::propagating::Propagating;
use crate::protocol::XmlWriter;
use crate::state::State;

/// `iam:CreateUser`.
pub(super) fn create(state: &mut State, call: &Call<'_>, xml: &mut XmlWriter) -> Result<(), IamError> {
    let name = call.entity_name()?;
    let path = call.path()?;
    let tags = call.tags()?;
    let boundary = call.parameters.get("PermissionsBoundary");
    let arn = format!("arn:aws:iam::{}:user{path}{name}", call.account);
    let mut context = Context::new();
    tag_context(&tags, &mut context);
    boundary_context(boundary, &mut context);
    call.authorize(state, &arn, context.clone())?;
    if !tags.is_empty() {
        call.authorize_as(state, "TagUser", &arn, context)?;
    }
    check_boundary(state, boundary)?;
    let taken = |have: &String| have.eq_ignore_ascii_case(name);
    if state
        .iam
        .account(call.account)
        .is_some_and(|account| account.users.keys().any(taken))
    {
        return Err(IamError::exists("User", name));
    }
    let user = User {
        user_id: state.sources.ids.unique_id("AIDA"),
        name: name.to_owned(),
        path: path.to_owned(),
        arn,
        created_at: state.now(),
        tags,
        policies: Propagating::default(),
        groups: BTreeSet::new(),
        permissions_boundary: Propagating::settled(boundary.map(str::to_owned)),
        access_keys: Vec::new(),
    };
    xml.nested("User", |xml| render::user(xml, &user, true));
    state.iam.add_user(call.account, user);
    Ok(())
}

/// `iam:GetUser`; without a name, the caller.
pub(super) fn get(state: &mut State, call: &Call<'_>, xml: &mut XmlWriter) -> Result<(), IamError> {
    let name = match (call.parameters.get("UserName"), &call.caller.principal) {
        (Some(_), _) => call.entity_name()?,
        (None, Principal::User { name, .. }) => name.as_str(),
        (None, Principal::Root { account }) => {
            xml.nested("User", |xml| {
                xml.element("UserId", account.as_str())
                    .element("Arn", &account.root_arn());
            });
            return Ok(());
        }
        (None, _) => {
            return Err(IamError::new(
                "ValidationError",
                "Must specify userName when calling with non-User credentials",
            ));
        }
    };
    call.authorize(state, &call.arn_of(state, Kind::User, name), Context::new())?;
    let user = find(state, call, name)?;
    xml.nested("User", |xml| render::user(xml, user, true));
    Ok(())
}

/// `iam:ListUsers`.
pub(super) fn list(state: &mut State, call: &Call<'_>, xml: &mut XmlWriter) -> Result<(), IamError> {
    let prefix = call.parameters.get("PathPrefix").unwrap_or("/");
    call.authorize(
        state,
        &format!("arn:aws:iam::{}:user{prefix}", call.account),
        Context::new(),
    )?;
    let users: Vec<&User> = state
        .iam
        .account(call.account)
        .into_iter()
        .flat_map(|account| account.users.values())
        .filter(|user| user.path.starts_with(prefix))
        .collect();
    render::page(xml, call.parameters, "Users", &users, |xml, user| {
        render::user(xml, user, false)
    })
}

/// `iam:DeleteUser`: only a bare user goes.
pub(super) fn delete(state: &mut State, call: &Call<'_>, _xml: &mut XmlWriter) -> Result<(), IamError> {
    let name = call.entity_name()?;
    call.authorize(state, &call.arn_of(state, Kind::User, name), Context::new())?;
    let user = find(state, call, name)?;
    let conflicts = [
        (
            !user.policies.current().attached.is_empty(),
            "must detach all policies first.",
        ),
        (
            !user.policies.current().inline.is_empty(),
            "must delete policies first.",
        ),
        (!user.access_keys.is_empty(), "must delete access keys first."),
        (!user.groups.is_empty(), "must remove users from group first."),
    ];
    if let Some((_, text)) = conflicts.iter().find(|(holds, _)| *holds) {
        return Err(IamError::new("DeleteConflict", format!("Cannot delete entity, {text}")));
    }
    state.iam.remove_user(call.account, name);
    Ok(())
}

/// The user, or NoSuchEntity.
pub(super) fn find<'a>(state: &'a State, call: &Call<'_>, name: &str) -> Result<&'a User, IamError> {
    state
        .iam
        .account(call.account)
        .and_then(|account| account.users.get(name))
        .ok_or_else(|| IamError::no_such("user", name))
}
