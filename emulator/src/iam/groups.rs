//! CreateGroup, GetGroup, ListGroups, DeleteGroup and membership.

use super::call::{Call, Kind, check_name};
use super::error::IamError;
use super::store::{Group, User};
use super::{render, users};
use crate::authorizer::Context;
use crate::propagating::Propagating;
use crate::protocol::XmlWriter;
use crate::state::State;

/// Most groups of one user.
const MOST_GROUPS: usize = 10;

/// `iam:CreateGroup`.
pub(super) fn create(state: &mut State, call: &Call<'_>, xml: &mut XmlWriter) -> Result<(), IamError> {
    let name = call.entity_name()?;
    let path = call.path()?;
    let arn = format!("arn:aws:iam::{}:group{path}{name}", call.account);
    call.authorize(state, &arn, Context::new())?;
    let taken = |have: &String| have.eq_ignore_ascii_case(name);
    if state
        .iam
        .account(call.account)
        .is_some_and(|account| account.groups.keys().any(taken))
    {
        return Err(IamError::exists("Group", name));
    }
    let group = Group {
        group_id: state.sources.ids.unique_id("AGPA"),
        name: name.to_owned(),
        path: path.to_owned(),
        arn,
        created_at: state.now(),
        policies: Propagating::default(),
    };
    xml.nested("Group", |xml| render::group(xml, &group));
    state
        .iam
        .account_mut(call.account)
        .groups
        .insert(name.to_owned(), group);
    Ok(())
}

/// `iam:GetGroup`: the group and its users.
pub(super) fn get(state: &mut State, call: &Call<'_>, xml: &mut XmlWriter) -> Result<(), IamError> {
    let name = call.entity_name()?;
    call.authorize(state, &call.arn_of(state, Kind::Group, name), Context::new())?;
    let group = find(state, call, name)?;
    xml.nested("Group", |xml| render::group(xml, group));
    let members: Vec<&User> = members(state, call, name).collect();
    render::page(xml, call.parameters, "Users", &members, |xml, user| {
        render::user(xml, user, false)
    })
}

/// `iam:ListGroups`.
pub(super) fn list(state: &mut State, call: &Call<'_>, xml: &mut XmlWriter) -> Result<(), IamError> {
    let prefix = call.parameters.get("PathPrefix").unwrap_or("/");
    call.authorize(
        state,
        &format!("arn:aws:iam::{}:group{prefix}", call.account),
        Context::new(),
    )?;
    let groups: Vec<&Group> = state
        .iam
        .account(call.account)
        .into_iter()
        .flat_map(|account| account.groups.values())
        .filter(|group| group.path.starts_with(prefix))
        .collect();
    render::page(xml, call.parameters, "Groups", &groups, |xml, group| {
        render::group(xml, group)
    })
}

/// `iam:ListGroupsForUser`.
pub(super) fn list_for_user(state: &mut State, call: &Call<'_>, xml: &mut XmlWriter) -> Result<(), IamError> {
    let name = call.entity_name()?;
    call.authorize(state, &call.arn_of(state, Kind::User, name), Context::new())?;
    let user = users::find(state, call, name)?;
    let groups: Vec<&Group> = state
        .iam
        .account(call.account)
        .into_iter()
        .flat_map(|account| account.groups.values())
        .filter(|group| user.groups.contains(&group.name))
        .collect();
    render::page(xml, call.parameters, "Groups", &groups, |xml, group| {
        render::group(xml, group)
    })
}

/// `iam:DeleteGroup`: only an empty, bare group goes.
pub(super) fn delete(state: &mut State, call: &Call<'_>, _xml: &mut XmlWriter) -> Result<(), IamError> {
    let name = call.entity_name()?;
    call.authorize(state, &call.arn_of(state, Kind::Group, name), Context::new())?;
    let group = find(state, call, name)?;
    let conflicts = [
        (
            members(state, call, name).next().is_some(),
            "must remove users from group first.",
        ),
        (
            !group.policies.current().attached.is_empty(),
            "must detach all policies first.",
        ),
        (
            !group.policies.current().inline.is_empty(),
            "must delete policies first.",
        ),
    ];
    if let Some((_, text)) = conflicts.iter().find(|(holds, _)| *holds) {
        return Err(IamError::new("DeleteConflict", format!("Cannot delete entity, {text}")));
    }
    state.iam.account_mut(call.account).groups.remove(name);
    Ok(())
}

/// `iam:AddUserToGroup`.
pub(super) fn add_user(state: &mut State, call: &Call<'_>, _xml: &mut XmlWriter) -> Result<(), IamError> {
    let (group, user) = membership(state, call)?;
    if let Some(user) = state.iam.account_mut(call.account).users.get_mut(user) {
        if user.groups.len() >= MOST_GROUPS && !user.groups.contains(group) {
            return Err(IamError::new(
                "LimitExceeded",
                format!("Cannot exceed quota for GroupsPerUser: {MOST_GROUPS}"),
            ));
        }
        user.groups.insert(group.to_owned());
    }
    Ok(())
}

/// `iam:RemoveUserFromGroup`.
pub(super) fn remove_user(state: &mut State, call: &Call<'_>, _xml: &mut XmlWriter) -> Result<(), IamError> {
    let (group, user) = membership(state, call)?;
    if let Some(user) = state.iam.account_mut(call.account).users.get_mut(user) {
        user.groups.remove(group);
    }
    Ok(())
}

/// Names of an existing group and user, authorized on the group.
fn membership<'a>(state: &State, call: &Call<'a>) -> Result<(&'a str, &'a str), IamError> {
    let group = call.entity_name()?;
    let user = call.required("UserName")?;
    check_name("UserName", user, 64)?;
    call.authorize(state, &call.arn_of(state, Kind::Group, group), Context::new())?;
    find(state, call, group)?;
    users::find(state, call, user)?;
    Ok((group, user))
}

fn find<'a>(state: &'a State, call: &Call<'_>, name: &str) -> Result<&'a Group, IamError> {
    state
        .iam
        .account(call.account)
        .and_then(|account| account.groups.get(name))
        .ok_or_else(|| IamError::no_such("group", name))
}

fn members<'a>(state: &'a State, call: &Call<'_>, group: &'a str) -> impl Iterator<Item = &'a User> {
    state
        .iam
        .account(call.account)
        .into_iter()
        .flat_map(|account| account.users.values())
        .filter(move |user| user.groups.contains(group))
}
