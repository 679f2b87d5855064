//! CreateRole, GetRole, ListRoles, UpdateRole, DeleteRole, UpdateAssumeRolePolicy. Service-linked roles are made and
//! deleted in `service_linked_roles`.

use std::sync::Arc;

use super::boundaries::check_boundary;
use super::call::{Call, Kind, boundary_context, check_modifiable, tag_context};
use super::error::IamError;
use super::render;
use super::store::Role;
use crate::authorizer::{Context, Policy, PolicyKind};
use crate::propagating::Propagating;
use crate::protocol::XmlWriter;
use crate::state::State;

/// Longest trust policy without white space (iam:§1.9).
const LONGEST_TRUST: usize = 2048;
/// `iam:CreateRole`.
pub(super) fn create(state: &mut State, call: &Call<'_>, xml: &mut XmlWriter) -> Result<(), IamError> {
    let name = call.entity_name()?;
    let path = call.path()?;
    let text = call.required("AssumeRolePolicyDocument")?;
    let tags = call.tags()?;
    let boundary = call.parameters.get("PermissionsBoundary");
    let max_session_duration = session_duration(call)?;
    let arn = format!("arn:aws:iam::{}:role{path}{name}", call.account);
    let mut context = Context::new();
    tag_context(&tags, &mut context);
    boundary_context(boundary, &mut context);
    call.authorize(state, &arn, context.clone())?;
    if !tags.is_empty() {
        call.authorize_as(state, "TagRole", &arn, context)?;
    }
    if path.starts_with("/aws-service-role/") {
        return Err(IamError::new(
            "ValidationError",
            "The path /aws-service-role/ is reserved for service-linked roles.",
        ));
    }
    check_boundary(state, boundary)?;
    let trust = save_trust(state, call, text)?;
    check_free(state, call, name)?;
    let role = Role {
        role_id: state.sources.ids.unique_id("AROA"),
        name: name.to_owned(),
        path: path.to_owned(),
        arn,
        created_at: state.now(),
        description: call.parameters.get("Description").map(str::to_owned),
        max_session_duration,
        trust: Propagating::settled(trust),
        tags,
        policies: Propagating::default(),
        permissions_boundary: Propagating::settled(boundary.map(str::to_owned)),
    };
    xml.nested("Role", |xml| render::role(xml, state, &role, true));
    state.iam.add_role(call.account, role);
    Ok(())
}

/// `iam:GetRole`.
pub(super) fn get(state: &mut State, call: &Call<'_>, xml: &mut XmlWriter) -> Result<(), IamError> {
    let name = call.entity_name()?;
    call.authorize(state, &call.arn_of(state, Kind::Role, name), Context::new())?;
    let role = find(state, call, name)?;
    xml.nested("Role", |xml| render::role(xml, state, role, true));
    Ok(())
}

/// `iam:ListRoles`.
pub(super) fn list(state: &mut State, call: &Call<'_>, xml: &mut XmlWriter) -> Result<(), IamError> {
    let prefix = call.parameters.get("PathPrefix").unwrap_or("/");
    call.authorize(
        state,
        &format!("arn:aws:iam::{}:role{prefix}", call.account),
        Context::new(),
    )?;
    let roles: Vec<&Role> = state
        .iam
        .account(call.account)
        .into_iter()
        .flat_map(|account| account.roles.values())
        .filter(|role| role.path.starts_with(prefix))
        .collect();
    render::page(xml, call.parameters, "Roles", &roles, |xml, role| {
        render::role(xml, state, role, false)
    })
}

/// `iam:DeleteRole`: only a bare role goes.
pub(super) fn delete(state: &mut State, call: &Call<'_>, _xml: &mut XmlWriter) -> Result<(), IamError> {
    let name = call.entity_name()?;
    call.authorize(state, &call.arn_of(state, Kind::Role, name), Context::new())?;
    let role = find(state, call, name)?;
    check_modifiable(state, call.account, Kind::Role, name)?;
    if !role.policies.current().attached.is_empty() {
        return Err(IamError::new(
            "DeleteConflict",
            "Cannot delete entity, must detach all policies first.",
        ));
    }
    if !role.policies.current().inline.is_empty() {
        return Err(IamError::new(
            "DeleteConflict",
            "Cannot delete entity, must delete policies first.",
        ));
    }
    state.iam.remove_role(call.account, name);
    Ok(())
}

/// `iam:UpdateRole`, `iam:UpdateRoleDescription`: what is not sent stays.
pub(super) fn update(state: &mut State, call: &Call<'_>, xml: &mut XmlWriter) -> Result<(), IamError> {
    let name = call.entity_name()?;
    let max_session_duration = call
        .parameters
        .get("MaxSessionDuration")
        .map(|_| session_duration(call));
    let max_session_duration = max_session_duration.transpose()?;
    call.authorize(state, &call.arn_of(state, Kind::Role, name), Context::new())?;
    find(state, call, name)?;
    check_modifiable(state, call.account, Kind::Role, name)?;
    if let Some(role) = state.iam.account_mut(call.account).roles.get_mut(name) {
        if let Some(description) = call.parameters.get("Description") {
            role.description = Some(description.to_owned()).filter(|text| !text.is_empty());
        }
        role.max_session_duration = max_session_duration.unwrap_or(role.max_session_duration);
    }
    if call.operation.name == "UpdateRoleDescription" {
        let role = find(state, call, name)?;
        xml.nested("Role", |xml| render::role(xml, state, role, true));
    }
    Ok(())
}

/// `iam:ListInstanceProfilesForRole`: there are no instances here, so there are no profiles.
pub(super) fn list_instance_profiles(state: &mut State, call: &Call<'_>, xml: &mut XmlWriter) -> Result<(), IamError> {
    let name = call.entity_name()?;
    call.authorize(state, &call.arn_of(state, Kind::Role, name), Context::new())?;
    find(state, call, name)?;
    render::page::<()>(xml, call.parameters, "InstanceProfiles", &[], |_, ()| {})
}

/// `iam:UpdateAssumeRolePolicy`.
pub(super) fn update_trust(state: &mut State, call: &Call<'_>, _xml: &mut XmlWriter) -> Result<(), IamError> {
    let name = call.entity_name()?;
    let text = call.required("PolicyDocument")?;
    call.authorize(state, &call.arn_of(state, Kind::Role, name), Context::new())?;
    find(state, call, name)?;
    check_modifiable(state, call.account, Kind::Role, name)?;
    let trust = save_trust(state, call, text)?;
    let when = state.change_time();
    if let Some(role) = state.iam.account_mut(call.account).roles.get_mut(name) {
        role.trust.change(trust, when);
    }
    Ok(())
}

/// The role, or NoSuchEntity.
pub(super) fn find<'a>(state: &'a State, call: &Call<'_>, name: &str) -> Result<&'a Role, IamError> {
    state
        .iam
        .account(call.account)
        .and_then(|account| account.roles.get(name))
        .ok_or_else(|| IamError::no_such("role", name))
}

fn save_trust(state: &State, call: &Call<'_>, text: &str) -> Result<Arc<Policy>, IamError> {
    let trust = call.save(state, PolicyKind::Trust, text)?;
    if trust.characters_without_white_space() > LONGEST_TRUST {
        return Err(IamError::new(
            "LimitExceeded",
            format!("Cannot exceed quota for ACLSizePerRole: {LONGEST_TRUST}"),
        ));
    }
    Ok(trust)
}

fn check_free(state: &State, call: &Call<'_>, name: &str) -> Result<(), IamError> {
    let taken = |have: &String| have.eq_ignore_ascii_case(name);
    if state
        .iam
        .account(call.account)
        .is_some_and(|account| account.roles.keys().any(taken))
    {
        return Err(IamError::exists("Role", name));
    }
    Ok(())
}

fn session_duration(call: &Call<'_>) -> Result<i64, IamError> {
    match call.parameters.get("MaxSessionDuration").map(str::parse::<i64>) {
        None => Ok(3600),
        Some(Ok(seconds)) if (3600..=43_200).contains(&seconds) => Ok(seconds),
        Some(_) => Err(IamError::new(
            "ValidationError",
            "The requested MaxSessionDuration must be between 3600 and 43200 seconds.",
        )),
    }
}
