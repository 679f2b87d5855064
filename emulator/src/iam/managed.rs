//! CreatePolicy, GetPolicy, GetPolicyVersion, ListPolicyVersions, ListPolicies, DeletePolicy. One version per policy.

use super::call::{Call, tag_context};
use super::error::IamError;
use super::render;
use super::store::ManagedPolicy;
use crate::authorizer::{Context, PolicyKind};
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
    let policy = call.save(state, PolicyKind::IdentityManaged, text)?;
    if policy.characters_without_white_space() > LONGEST {
        return Err(IamError::new(
            "LimitExceeded",
            format!("Cannot exceed quota for PolicySize: {LONGEST}"),
        ));
    }
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
    let managed = ManagedPolicy {
        policy_id: state.sources.ids.unique_id("ANPA"),
        name: name.to_owned(),
        path: path.to_owned(),
        arn: arn.clone(),
        created_at: state.now(),
        description: call.parameters.get("Description").map(str::to_owned),
        policy,
        tags,
    };
    xml.nested("Policy", |xml| render::managed_policy(xml, &managed, (0, 0)));
    state.iam.account_mut(call.account).policies.insert(arn, managed);
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

/// `iam:GetPolicyVersion`.
pub(super) fn get_version(state: &mut State, call: &Call<'_>, xml: &mut XmlWriter) -> Result<(), IamError> {
    let version = call.required("VersionId")?;
    let arn = read(state, call)?;
    let managed = find(state, call, arn)?;
    if version != "v1" {
        let message = format!("Policy {arn} version {version} does not exist or is not attachable.");
        return Err(IamError::new("NoSuchEntity", message));
    }
    xml.nested("PolicyVersion", |xml| {
        xml.element("Document", &render::document(&managed.policy, state))
            .element("VersionId", "v1")
            .element("IsDefaultVersion", "true")
            .element("CreateDate", &render::date(managed.created_at));
    });
    Ok(())
}

/// `iam:ListPolicyVersions`.
pub(super) fn list_versions(state: &mut State, call: &Call<'_>, xml: &mut XmlWriter) -> Result<(), IamError> {
    let arn = read(state, call)?;
    let managed = find(state, call, arn)?;
    render::page(xml, call.parameters, "Versions", &[managed], |xml, managed| {
        xml.element("VersionId", "v1")
            .element("IsDefaultVersion", "true")
            .element("CreateDate", &render::date(managed.created_at));
    })
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
    let policies: Vec<(&ManagedPolicy, (usize, usize))> = own
        .filter(|_| scope != "AWS")
        .chain(aws.filter(|_| scope != "Local"))
        .map(|policy| (policy, state.iam.attachment_counts(call.account, &policy.arn)))
        .filter(|(_, counts)| !only_attached || counts.0 > 0)
        .collect();
    render::page(xml, call.parameters, "Policies", &policies, |xml, (policy, counts)| {
        render::managed_policy(xml, policy, *counts);
    })
}

/// `iam:DeletePolicy`.
pub(super) fn delete(state: &mut State, call: &Call<'_>, _xml: &mut XmlWriter) -> Result<(), IamError> {
    let arn = read(state, call)?;
    find(state, call, arn)?;
    if managed_policies::find(arn).is_some() {
        return Err(IamError::new("AccessDenied", "AWS managed policies cannot be deleted."));
    }
    if state.iam.attachment_counts(call.account, arn) != (0, 0) {
        return Err(IamError::new(
            "DeleteConflict",
            "Cannot delete a policy attached to entities.",
        ));
    }
    state.iam.account_mut(call.account).policies.remove(arn);
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

fn read<'a>(state: &State, call: &Call<'a>) -> Result<&'a str, IamError> {
    let arn = call.required("PolicyArn")?;
    check_arn(arn)?;
    call.authorize(state, arn, Context::new())?;
    Ok(arn)
}

fn find<'a>(state: &'a State, call: &Call<'_>, arn: &str) -> Result<&'a ManagedPolicy, IamError> {
    managed_policies::find(arn)
        .or_else(|| state.iam.account(call.account)?.policies.get(arn))
        .ok_or_else(|| IamError::new("NoSuchEntity", format!("Policy {arn} was not found.")))
}
