//! The organization of a world: ids, paths, and the policies of every level above an account (`iam:L-02`, `iam:L-03`).

use std::collections::BTreeMap;
use std::sync::Arc;

use super::build::{refused, unsavable};
use super::policy::StoredPolicy;
use super::state::{Membership, Organization, OrganizationPolicy, State};
use super::{OrganizationNames, OrganizationPolicyName, WorldError, resolve, symbol};
use crate::case::OrganizationUnitSpec;
use crate::name::AccountId;
use crate::policy::PolicyKind;

/// Names the organization, its root, its units and its policies.
pub(super) fn name(state: &mut State) -> Result<(), WorldError> {
    let Some(spec) = state.spec.organization.clone() else {
        return Ok(());
    };
    let seed = spec.management_account.to_string();
    let id = format!("o-{}", &symbol::opaque_id("organization", &seed)[..10]);
    let root_id = format!("r-{}", &symbol::opaque_id("root", &seed)[..4]);
    let mut names = OrganizationNames {
        id,
        root_id,
        ..OrganizationNames::default()
    };
    name_unit(&mut names, &spec.management_account, "", &spec.root);
    state.organization_names = Some(names.into());
    Ok(())
}

fn name_unit(names: &mut OrganizationNames, management: &AccountId, path: &str, unit: &OrganizationUnitSpec) {
    for (kind, word, count) in [
        ("scp", "service_control_policy", unit.scp.len()),
        ("rcp", "resource_control_policy", unit.rcp.len()),
    ] {
        for place in 0..count {
            let id = &symbol::opaque_id("policy", &format!("{}{path}/{kind}/{place}", names.id))[..8];
            let at = if path.is_empty() { "root" } else { path };
            let name = OrganizationPolicyName {
                name: format!("{}-{kind}-{place}", at.replace('/', "-")),
                arn: format!("arn:aws:organizations::{management}:policy/{}/{word}/p-{id}", names.id),
            };
            names.policies.insert((path.to_owned(), kind, place), name);
        }
    }
    for (name, child) in &unit.units {
        let path = if path.is_empty() {
            name.clone()
        } else {
            format!("{path}/{name}")
        };
        let id = format!(
            "ou-{}-{}",
            &names.root_id[2..],
            &symbol::opaque_id("unit", &format!("{}{path}", names.id))[..8]
        );
        names.unit_ids.insert(path.clone(), id);
        name_unit(names, management, &path, child);
    }
}

/// Resolves references in the policies of the tree.
pub(super) fn resolve(state: &State, unit: &mut OrganizationUnitSpec) -> Result<(), WorldError> {
    for policy in unit.scp.iter_mut().chain(&mut unit.rcp) {
        *policy = resolve::policy(state, policy)?;
    }
    for child in unit.units.values_mut() {
        resolve(state, child)?;
    }
    Ok(())
}

/// Builds the memberships.
pub(super) fn fill(state: &mut State) -> Result<(), WorldError> {
    let (Some(spec), Some(names)) = (state.spec.organization.clone(), state.organization_names.clone()) else {
        return Ok(());
    };
    let mut members = BTreeMap::new();
    let top = Membership {
        path: format!("{}/{}/", names.id, names.root_id),
        service_control: Vec::new(),
        resource_control: Vec::new(),
    };
    fill_unit(state, &names, "", &spec.root, &top, &mut members)?;
    if !members.contains_key(&spec.management_account) {
        // The management account stands below the root; no policy binds it (iam:L-49).
        members.insert(spec.management_account.clone(), top);
    }
    state.contents.organization = Some(
        Organization {
            id: names.id.clone(),
            management_account: spec.management_account,
            members,
        }
        .into(),
    );
    Ok(())
}

fn fill_unit(
    state: &State,
    names: &OrganizationNames,
    path: &str,
    unit: &OrganizationUnitSpec,
    above: &Membership,
    members: &mut BTreeMap<AccountId, Membership>,
) -> Result<(), WorldError> {
    let level = |kind: &'static str, policies: &[crate::case::PolicyText], policy_kind: PolicyKind| {
        policies
            .iter()
            .enumerate()
            .map(|(place, text)| {
                let name = &names.policies[&(path.to_owned(), kind, place)];
                let what = format!("organization.{}", name.name);
                let policy =
                    StoredPolicy::save(state, &text.text(), policy_kind).map_err(|error| refused(what, &error))?;
                Ok(OrganizationPolicy {
                    name: name.name.clone(),
                    arn: name.arn.clone(),
                    policy: Arc::new(policy),
                })
            })
            .collect::<Result<Vec<_>, WorldError>>()
    };
    let mut service_control = level("scp", &unit.scp, PolicyKind::ServiceControl)?;
    if service_control.is_empty() {
        service_control.push(full_access());
    }
    let mut here = above.clone();
    here.service_control.push(service_control);
    here.resource_control
        .push(level("rcp", &unit.rcp, PolicyKind::ResourceControl)?);
    for account in &unit.accounts {
        if members.insert(account.clone(), here.clone()).is_some() {
            return Err(unsavable(
                "organization",
                format!("the account {account} stands in it twice"),
            ));
        }
    }
    for (name, child) in &unit.units {
        let path = if path.is_empty() {
            name.clone()
        } else {
            format!("{path}/{name}")
        };
        let mut below = here.clone();
        below.path.push_str(&names.unit_ids[&path]);
        below.path.push('/');
        fill_unit(state, names, &path, child, &below, members)?;
    }
    Ok(())
}

/// The policy that AWS attaches where nobody attached another, so that a level allows (`iam:L-03`).
fn full_access() -> OrganizationPolicy {
    const TEXT: &str = r#"{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"*","Resource":"*"}]}"#;
    OrganizationPolicy {
        name: "FullAWSAccess".to_owned(),
        arn: "arn:aws:organizations::aws:policy/service_control_policy/p-FullAWSAccess".to_owned(),
        policy: Arc::new(StoredPolicy::own(TEXT, PolicyKind::ServiceControl)),
    }
}
