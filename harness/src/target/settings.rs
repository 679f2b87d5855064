//! Case settings in the contract's form: the organization and the VPC endpoints, with the names and ids that the model gave them.

use std::borrow::Cow;

use countersign_model::case::{OrganizationUnitSpec, PolicyText, VpcEndpointKind};
use countersign_model::world::{OrganizationNames, World};
use serde_json::{Map, Value, json};

use super::TargetError;
use super::provision::unbound;
use crate::differential::Binding;

/// The organization in the contract's form: ids, names and ARNs are the model's.
pub(super) fn organization(world: &World, binding: &Binding) -> Result<Value, TargetError> {
    let Some(organization) = &world.resolved_spec().organization else {
        return Ok(Value::Null);
    };
    let names = world
        .organization_names()
        .ok_or_else(|| TargetError::adapter("the model gives no names for the organization"))?;
    let form = json!({
        "id": names.id,
        "root_id": names.root_id,
        "management_account": organization.management_account,
        "root": organization_node(&organization.root, names, "")?,
    });
    binding.outward_json(form).map_err(unbound)
}

fn organization_node(node: &OrganizationUnitSpec, names: &OrganizationNames, path: &str) -> Result<Value, TargetError> {
    let missing = |what: &str| TargetError::adapter(format!("the model gives no name for {what} of the unit `{path}`"));
    let policies = |documents: &[PolicyText], kind: &'static str| -> Result<Value, TargetError> {
        let mut forms = Vec::with_capacity(documents.len());
        for (position, document) in documents.iter().enumerate() {
            let known = names
                .policies
                .get(&(path.to_owned(), kind, position))
                .ok_or_else(|| missing(kind))?;
            forms.push(json!({"name": known.name, "arn": known.arn, "document": document.text()}));
        }
        Ok(Value::Array(forms))
    };
    let mut units = Map::new();
    for (name, unit) in &node.units {
        let below = if path.is_empty() {
            name.clone()
        } else {
            format!("{path}/{name}")
        };
        let id = names.unit_ids.get(&below).ok_or_else(|| missing(name))?;
        units.insert(id.clone(), organization_node(unit, names, &below)?);
    }
    Ok(json!({
        "scp": policies(&node.scp, "scp")?,
        "rcp": policies(&node.rcp, "rcp")?,
        "accounts": node.accounts,
        "units": units,
    }))
}

/// The VPC endpoints in the contract's form, by name.
pub(super) fn vpc_endpoints(world: &World, binding: &Binding) -> Result<Value, TargetError> {
    let mut endpoints = Map::new();
    for (account, holdings) in &world.resolved_spec().accounts {
        for (name, endpoint) in &holdings.vpc_endpoints {
            let resolve = |field: &str| {
                let reference = format!("{{{{{account}.vpc_endpoint[\"{name}\"].{field}}}}}");
                world
                    .resolve_text(&reference)
                    .map_err(|error| TargetError::adapter(error.to_string()))
            };
            let kind = match endpoint.kind {
                VpcEndpointKind::Gateway => "gateway",
                VpcEndpointKind::Interface => "interface",
            };
            let policy = endpoint
                .policy
                .as_ref()
                .map(|policy| binding.outward_text(&policy.text()).map(Cow::into_owned))
                .transpose()
                .map_err(unbound)?;
            let form = json!({
                "id": resolve("id")?,
                "vpc": resolve("vpc")?,
                "account": account,
                "service": endpoint.service,
                "type": kind,
                "policy": policy,
            });
            if endpoints.insert(name.clone(), form).is_some() {
                return Err(TargetError::unsupported("VPC endpoints of one name in two accounts"));
            }
        }
    }
    Ok(Value::Object(endpoints))
}
