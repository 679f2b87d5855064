//! Service-linked roles: CreateServiceLinkedRole, DeleteServiceLinkedRole and what became of it. That nobody may change
//! them otherwise is `call`'s (errata svc:N-7).

use std::collections::BTreeMap;
use std::sync::Arc;

use serde_json::json;

use super::call::{Call, Kind, check_name};
use super::error::IamError;
use super::render;
use super::roles::find;
use super::store::Role;
use crate::authorizer::{Context, Policy, PolicyKind, known};
use crate::propagating::Propagating;
use crate::protocol::XmlWriter;
use crate::state::State;

/// What a deletion task is called.
const TASK: &str = "task/aws-service-role/";

/// Service-linked role names that do not follow from the service's name.
const SERVICE_LINKED_NAMES: &[(&str, &str)] = &[
    ("autoscaling.amazonaws.com", "AWSServiceRoleForAutoScaling"),
    ("backup.amazonaws.com", "AWSServiceRoleForBackup"),
    (
        "cks.kms.amazonaws.com",
        "AWSServiceRoleForKeyManagementServiceCustomKeyStores",
    ),
    (
        "mrk.kms.amazonaws.com",
        "AWSServiceRoleForKeyManagementServiceMultiRegionKeys",
    ),
    ("replicator.lambda.amazonaws.com", "AWSServiceRoleForLambdaReplicator"),
    ("spot.amazonaws.com", "AWSServiceRoleForEC2Spot"),
];

/// `iam:CreateServiceLinkedRole`.
pub(super) fn create(state: &mut State, call: &Call<'_>, xml: &mut XmlWriter) -> Result<(), IamError> {
    let service = call.required("AWSServiceName")?;
    check_name("AWSServiceName", service, 128)?;
    let Some(prefix) = service.strip_suffix(".amazonaws.com") else {
        return Err(IamError::new(
            "InvalidInput",
            format!("Service role operation is not supported for {service}"),
        ));
    };
    let mut name = SERVICE_LINKED_NAMES
        .iter()
        .find(|(known, _)| *known == service)
        .map_or_else(
            || format!("AWSServiceRoleFor{}", camel(prefix)),
            |(_, name)| (*name).to_owned(),
        );
    if let Some(suffix) = call.parameters.get("CustomSuffix") {
        check_name("CustomSuffix", suffix, 64)?;
        name = format!("{name}_{suffix}");
    }
    let path = format!("/aws-service-role/{service}/");
    let arn = format!("arn:aws:iam::{}:role{path}{name}", call.account);
    let mut context = Context::new();
    context.set(known!("iam:awsservicename"), service);
    call.authorize(state, &arn, context)?;
    if state
        .iam
        .account(call.account)
        .is_some_and(|account| account.roles.contains_key(&name))
    {
        return Err(IamError::new(
            "InvalidInput",
            format!("Service role name {name} has been taken in this account, please try a different suffix."),
        ));
    }
    let trust = json!({
        "Version": "2012-10-17",
        "Statement": [{ "Effect": "Allow", "Principal": { "Service": service }, "Action": "sts:AssumeRole" }],
    });
    let role = Role {
        role_id: state.sources.ids.unique_id("AROA"),
        name,
        path,
        arn,
        created_at: state.now(),
        description: call.parameters.get("Description").map(str::to_owned),
        max_session_duration: 3600,
        trust: Propagating::settled(Arc::new(Policy::stored(PolicyKind::Trust, &trust.to_string()))),
        tags: BTreeMap::new(),
        policies: Propagating::default(),
        permissions_boundary: Propagating::default(),
    };
    xml.nested("Role", |xml| render::role(xml, state, &role, true));
    state.iam.add_role(call.account, role);
    Ok(())
}

/// `iam:DeleteServiceLinkedRole`: no service holds anything back here, so the task is done when it is given.
pub(super) fn delete(state: &mut State, call: &Call<'_>, xml: &mut XmlWriter) -> Result<(), IamError> {
    let name = call.entity_name()?;
    let service = find(state, call, name).ok().and_then(service_of).map(str::to_owned);
    let mut context = Context::new();
    if let Some(service) = &service {
        context.set(known!("iam:awsservicename"), service.clone());
    }
    call.authorize(state, &call.arn_of(state, Kind::Role, name), context)?;
    find(state, call, name)?;
    let service = service
        .ok_or_else(|| IamError::new("InvalidInput", format!("The role {name} is not a service-linked role.")))?;
    state.iam.remove_role(call.account, name);
    let id = state.sources.ids.uuid();
    xml.element("DeletionTaskId", &format!("{TASK}{service}/{name}/{id}"));
    Ok(())
}

/// `iam:GetServiceLinkedRoleDeletionStatus`: a task that could be given is done.
pub(super) fn deletion_status(state: &mut State, call: &Call<'_>, xml: &mut XmlWriter) -> Result<(), IamError> {
    let task = call.required("DeletionTaskId")?;
    let parts: Vec<&str> = task.strip_prefix(TASK).unwrap_or_default().split('/').collect();
    let &[service, name, _] = parts.as_slice() else {
        return Err(IamError::new(
            "InvalidInput",
            format!("The deletion task {task} is not valid."),
        ));
    };
    let arn = format!("arn:aws:iam::{}:role/aws-service-role/{service}/{name}", call.account);
    call.authorize(state, &arn, Context::new())?;
    xml.element("Status", "SUCCEEDED");
    Ok(())
}

/// The service of a service-linked role, as its path names it.
fn service_of(role: &Role) -> Option<&str> {
    role.path.strip_prefix("/aws-service-role/")?.strip_suffix('/')
}

/// `elastic-thing.x` -> `ElasticThingX`.
fn camel(text: &str) -> String {
    text.split(['.', '-'])
        .flat_map(|word| {
            let mut characters = word.chars();
            characters
                .next()
                .into_iter()
                .flat_map(char::to_uppercase)
                .chain(characters.collect::<Vec<_>>())
        })
        .collect()
}
