//! CreatePolicy, GetPolicy, ListPolicies, ListEntitiesForPolicy, DeletePolicy, and what operations on managed policies share. Their versions
//! are in `policy_versions`.

use std::sync::Arc;

use super::call::{Call, tag_context};
use super::error::IamError;
use super::render;
use super::store::{ManagedPolicy, PolicyAttachments, PolicyVersion};
use crate::authorizer::{Context, Policy, PolicyKind};
use crate::managed_policies;
use crate::names::ArnParts;
use crate::protocol::XmlWriter;
use crate::state::State;

/// Longest managed policy without white space (iam:§1.9).
const LONGEST: usize = 6144;

/// `iam:CreatePolicy`.
pub(super) fn create(state: &mut State, call: &Call<'_>, xml: &mut XmlWriter) -> Result<(), IamError> {
    let name = call.policy_name()?;
    let path = call.path()?;
    let text = call.required("PolicyDocument")?;
    let tags = call.tags()?;
    let arn = format!("arn:aws:iam::{}:policy{path}{name}", call.account);
    let mut context = Context::new();
    tag_context(&tags, &mut context);
    call.authorize(state, &arn, context.clone())?;
    if !tags.is_empty() {
        call.authorize_as(state, "TagPolicy", &arn, context)?;
    }
    let policy = save(state, call, text)?;
    let taken = |have: &ManagedPolicy| have.name.eq_ignore_ascii_case(name);
    if state
        .iam
        .account(call.account)
        .is_some_and(|account| account.policies.values().any(taken))
    {
        return Err(IamError::new(
            "EntityAlreadyExists",
            format!("A policy called {name} already exists. Duplicate names are not allowed."),
        ));
    }
    let when = state.change_time();
    let managed = ManagedPolicy {
        policy_id: state.sources.ids.unique_id("ANPA"),
        name: name.to_owned(),
        path: path.to_owned(),
        arn,
        created_at: when.now,
        updated_at: when.now,
        description: call.parameters.get("Description").map(str::to_owned),
        versions: vec![PolicyVersion {
            number: 1,
            created_at: when.now,
            policy,
        }],
        default_version: 1,
        last_version: 1,
        tags,
    };
    xml.nested("Policy", |xml| render::managed_policy(xml, &managed, (0, 0)));
    state.iam.add_policy(call.account, managed, when);
    Ok(())
}

/// `iam:GetPolicy`.
pub(super) fn get(state: &mut State, call: &Call<'_>, xml: &mut XmlWriter) -> Result<(), IamError> {
    let arn = read(state, call)?;
    let managed = find(state, call, arn)?;
    let counts = state.iam.attachment_counts(call.account, arn);
    xml.nested("Policy", |xml| render::managed_policy(xml, managed, counts));
    Ok(())
}

/// `iam:ListPolicies`.
pub(super) fn list(state: &mut State, call: &Call<'_>, xml: &mut XmlWriter) -> Result<(), IamError> {
    let scope = call.parameters.get("Scope").unwrap_or("All");
    let only_attached = call.parameters.get("OnlyAttached") == Some("true");
    call.authorize(state, "*", Context::new())?;
    let own = state
        .iam
        .account(call.account)
        .into_iter()
        .flat_map(|account| account.policies.values());
    let aws = managed_policies::all().iter();
    let prefix = call.parameters.get("PathPrefix").unwrap_or("/");
    let policies: Vec<(&ManagedPolicy, (usize, usize))> = own
        .filter(|_| scope != "AWS")
        .chain(aws.filter(|_| scope != "Local"))
        .filter(|policy| policy.path.starts_with(prefix))
        .map(|policy| (policy, state.iam.attachment_counts(call.account, &policy.arn)))
        .filter(|(_, counts)| !only_attached || counts.0 > 0)
        .collect();
    render::page(xml, call.parameters, "Policies", &policies, |xml, (policy, counts)| {
        render::managed_policy(xml, policy, *counts);
    })
}

/// `iam:ListEntitiesForPolicy`: groups, users, roles, in one count for the page.
pub(super) fn list_entities(state: &mut State, call: &Call<'_>, xml: &mut XmlWriter) -> Result<(), IamError> {
    let filter = call.parameters.get("EntityFilter");
    let prefix = call.parameters.get("PathPrefix").unwrap_or("/");
    let usage = call.parameters.get("PolicyUsageFilter");
    let arn = read(state, call)?;
    find(state, call, arn)?;
    let counts = |policies: &PolicyAttachments, boundary: Option<&str>| {
        usage != Some("PermissionsBoundary") && policies.attached.contains(arn)
            || usage != Some("PermissionsPolicy") && boundary == Some(arn)
    };
    let wanted = |kind: &str, path: &str| filter.is_none_or(|filter| filter == kind) && path.starts_with(prefix);
    let mut entities = Vec::new();
    if let Some(account) = state.iam.account(call.account) {
        for group in account.groups.values().filter(|group| wanted("Group", &group.path)) {
            if counts(group.policies.current(), None) {
                entities.push(("Group", group.name.as_str(), group.group_id.as_str()));
            }
        }
        for user in account.users.values().filter(|user| wanted("User", &user.path)) {
            if counts(user.policies.current(), user.permissions_boundary.current().as_deref()) {
                entities.push(("User", user.name.as_str(), user.user_id.as_str()));
            }
        }
        for role in account.roles.values().filter(|role| wanted("Role", &role.path)) {
            if counts(role.policies.current(), role.permissions_boundary.current().as_deref()) {
                entities.push(("Role", role.name.as_str(), role.role_id.as_str()));
            }
        }
    }
    let window = render::Window::read(call.parameters, entities.len())?;
    for kind in ["Group", "User", "Role"] {
        xml.nested(&format!("Policy{kind}s"), |list| {
            for (_, name, id) in window.of(&entities).iter().filter(|entity| entity.0 == kind) {
                list.nested("member", |member| {
                    member
                        .element(&format!("{kind}Name"), name)
                        .element(&format!("{kind}Id"), id);
                });
            }
        });
    }
    window.write_end(xml);
    Ok(())
}

/// `iam:DeletePolicy`.
pub(super) fn delete(state: &mut State, call: &Call<'_>, _xml: &mut XmlWriter) -> Result<(), IamError> {
    let arn = read(state, call)?;
    let versions = own(state, call, arn)?.versions.len();
    if state.iam.attachment_counts(call.account, arn) != (0, 0) {
        return Err(IamError::new(
            "DeleteConflict",
            "Cannot delete a policy attached to entities.",
        ));
    }
    if versions > 1 {
        return Err(IamError::new(
            "DeleteConflict",
            "This policy has more than one version. Before you delete a policy, you must delete the policy's versions. \
             The default version is deleted with the policy.",
        ));
    }
    let when = state.change_time();
    state.iam.remove_policy(call.account, arn, when);
    Ok(())
}

/// A policy ARN that can be one.
pub(super) fn check_arn(arn: &str) -> Result<(), IamError> {
    let legal = ArnParts::parse(arn)
        .is_some_and(|parts| parts.service == "iam" && parts.resource.starts_with("policy/") && arn.len() <= 2048);
    if legal {
        Ok(())
    } else {
        Err(IamError::new("ValidationError", format!("ARN {arn} is not valid.")))
    }
}

/// A document of a managed policy: its grammar and its size.
pub(super) fn save(state: &State, call: &Call<'_>, text: &str) -> Result<Arc<Policy>, IamError> {
    let policy = call.save(state, PolicyKind::IdentityManaged, text)?;
    if policy.characters_without_white_space() > LONGEST {
        return Err(IamError::new(
            "LimitExceeded",
            format!("Cannot exceed quota for PolicySize: {LONGEST}"),
        ));
    }
    Ok(policy)
}

/// The policy ARN of a call that is authorized on it.
pub(super) fn read<'a>(state: &State, call: &Call<'a>) -> Result<&'a str, IamError> {
    let arn = call.required("PolicyArn")?;
    check_arn(arn)?;
    call.authorize(state, arn, Context::new())?;
    Ok(arn)
}

/// The policy of an ARN: AWS managed or of the own account.
pub(super) fn find<'a>(state: &'a State, call: &Call<'_>, arn: &str) -> Result<&'a ManagedPolicy, IamError> {
    managed_policies::find(arn)
        .or_else(|| state.iam.account(call.account)?.policies.get(arn))
        .ok_or_else(|| IamError::new("NoSuchEntity", format!("Policy {arn} was not found.")))
}

/// A policy of the own account that is to be changed: those of AWS are AWS's.
pub(super) fn own<'a>(state: &'a State, call: &Call<'_>, arn: &str) -> Result<&'a ManagedPolicy, IamError> {
    let policy = find(state, call, arn)?;
    if managed_policies::find(arn).is_some() {
        return Err(IamError::new(
            "AccessDenied",
            "Cannot make changes to AWS managed policies.",
        ));
    }
    Ok(policy)
}
