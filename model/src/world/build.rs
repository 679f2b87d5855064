//! From a Case to its world: ids, references, defaults; identities. Keys are built in `build_keys`, buckets, functions, vaults and
//! endpoints in `build_resources`, the organization in `build_organization`.
//!
//! The order is that of what refers to what: names and ids first, then references, then policies (which bind principals to ids), then
//! grants, then what is encrypted.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use jiff::civil::{Date, date};
use jiff::{SignedDuration, Timestamp};
use serde_json::json;

use super::call::parse_duration;
use super::clock::{Clock, Delayed};
use super::growing::Growing;
use super::policy::{StoredPolicy, managed};
use super::state::{Contents, Group, IdentityPolicies, ManagedPolicy, Role, State, User};
use super::{InitialSymbols, WorldError, build_keys, build_organization, build_resources, resolve, symbol};
use crate::case::{AccountSpec, Case, KeySpec, PolicyText, WorldSpec, legal};
use crate::kms::key::KeyRef;
use crate::name::AccountId;
use crate::policy::{InlineOwner, PolicyError, PolicyKind, length_without_white_space};
use crate::quirks::Quirks;

/// The suite's current date: where a case does not say one.
pub const CURRENT_DATE: Date = date(2026, 11, 22);

/// Builds the state of a Case.
pub(crate) fn build(case: &Case) -> Result<State, WorldError> {
    let spec = case.world.clone().ok_or(WorldError::NoWorld)?;
    if let Some(illegal) = legal::of_world(&spec).into_iter().next() {
        return Err(unsavable(illegal.what, illegal.why));
    }
    let as_of = case.as_of.unwrap_or(CURRENT_DATE);
    let quirks = Quirks::from_overrides(&case.quirks).map_err(|error| invalid("quirks", error.to_string()))?;
    let clock = Clock::new(spec.clock.unwrap_or_else(|| midnight(as_of)), propagation(&spec)?);
    let mut state = State {
        initial_symbols: InitialSymbols::default().into(),
        organization_names: None,
        as_of,
        quirks,
        explained: true,
        clock,
        saved: BTreeMap::new().into(),
        sessions: BTreeMap::new().into(),
        session_policies: Growing::default(),
        symbols: Growing::default(),
        sequence: 0,
        ciphertexts: Growing::default(),
        signatures: BTreeMap::new().into(),
        public_keys: BTreeMap::new().into(),
        import_tokens: BTreeMap::new().into(),
        contents: Contents::default(),
        spec: spec.into(),
    };
    name_everything(&mut state)?;
    build_organization::name(&mut state)?;
    state.spec = resolve_spec(&state)?.into();
    let accounts: Vec<AccountId> = state.spec.accounts.keys().cloned().collect();
    for account in &accounts {
        fill_managed_policies(&mut state, account)?;
    }
    for account in &accounts {
        fill_identities(&mut state, account)?;
    }
    for account in &accounts {
        build_keys::fill(&mut state, account)?;
    }
    for account in &accounts {
        build_keys::fill_grants(&mut state, account)?;
    }
    for account in &accounts {
        build_resources::fill(&mut state, account)?;
    }
    build_organization::fill(&mut state)?;
    state.symbols.extend(
        state
            .initial_symbols
            .unique_ids
            .values()
            .map(|id| (Arc::from(id.as_str()), ())),
    );
    Ok(state)
}

/// A world that AWS could not hold.
pub(super) fn unsavable(what: impl Into<String>, why: impl Into<String>) -> WorldError {
    WorldError::Unsavable {
        what: what.into(),
        why: why.into(),
    }
}

/// A policy that AWS would not save.
pub(super) fn refused(what: impl Into<String>, error: &PolicyError) -> WorldError {
    unsavable(what, error.to_string())
}

pub(super) fn invalid(what: impl Into<String>, why: impl Into<String>) -> WorldError {
    WorldError::Invalid {
        what: what.into(),
        why: why.into(),
    }
}

fn midnight(day: Date) -> Timestamp {
    day.to_zoned(jiff::tz::TimeZone::UTC)
        .map_or(Timestamp::UNIX_EPOCH, |zoned| zoned.timestamp())
}

fn propagation(spec: &WorldSpec) -> Result<SignedDuration, WorldError> {
    match &spec.propagation {
        None => Ok(SignedDuration::ZERO),
        Some(text) => parse_duration(text)
            .ok_or_else(|| invalid("propagation", format!("`{text}` is not a duration such as `5m`"))),
    }
}

// ---------------------------------------------------------------------------------------------------------------------------------
// Names and ids.

/// Gives every user and role a unique id, every key an id, every endpoint its ids: all that references can ask for.
fn name_everything(state: &mut State) -> Result<(), WorldError> {
    let spec = state.spec.clone();
    for (id, account) in &spec.accounts {
        name_identities(state, id, account);
        for (name, key) in &account.keys {
            if key.replica_of.is_none() {
                let key_id = key
                    .id
                    .clone()
                    .unwrap_or_else(|| symbol::key_id(&format!("{id}/{name}"), key.multi_region == Some(true)));
                name_key(state, id, name, key, key_id)?;
            }
        }
        for (name, key) in &account.keys {
            let Some(primary) = &key.replica_of else { continue };
            let primary_at = state.contents.key_names.get(&(id.clone(), primary.clone())).cloned();
            let primary_at = primary_at
                .ok_or_else(|| invalid(format!("key.{name}.replica_of"), format!("no key is named `{primary}`")))?;
            // A replica has the id of its primary (svc:K-15).
            name_key(state, id, name, key, key.id.clone().unwrap_or(primary_at.id))?;
        }
        build_resources::name_endpoints(state, id, account);
    }
    Ok(())
}

fn name_identities(state: &mut State, id: &AccountId, account: &AccountSpec) {
    let silent = Arc::new(StoredPolicy::silent(crate::policy::Document::empty(PolicyKind::Trust)));
    for (name, user) in &account.users {
        let path = user.path.clone().unwrap_or_else(|| "/".to_owned());
        let arn = format!("arn:aws:iam::{id}:user{path}{name}");
        let unique_id = symbol::unique_id("AIDA", &arn);
        state.initial_symbols.unique_ids.insert(arn, unique_id.clone());
        let user = User {
            path,
            unique_id,
            identity: Delayed::new(IdentityPolicies::default()),
            tags: Delayed::new(user.tags.clone()),
        };
        state.account_mut(id).users.insert(name.clone(), user);
    }
    for (name, role) in &account.roles {
        let path = role.path.clone().unwrap_or_else(|| match &role.service_linked {
            Some(service) => format!("/aws-service-role/{service}/"),
            None => "/".to_owned(),
        });
        let arn = format!("arn:aws:iam::{id}:role{path}{name}");
        let unique_id = symbol::unique_id("AROA", &arn);
        state.initial_symbols.unique_ids.insert(arn, unique_id.clone());
        let role = Role {
            path,
            unique_id,
            trust: Delayed::new(silent.clone()),
            identity: Delayed::new(IdentityPolicies::default()),
            tags: Delayed::new(role.tags.clone()),
            service_linked: role.service_linked.clone(),
        };
        state.account_mut(id).roles.insert(name.clone(), role);
    }
    for (name, group) in &account.groups {
        let path = group.path.clone().unwrap_or_else(|| "/".to_owned());
        state.account_mut(id).groups.insert(
            name.clone(),
            Group {
                path,
                identity: Delayed::new(IdentityPolicies::default()),
            },
        );
    }
    state.account_mut(id).public_access_block = account.public_access_block;
}

fn name_key(state: &mut State, account: &AccountId, name: &str, key: &KeySpec, id: String) -> Result<(), WorldError> {
    let region = key.region.clone().unwrap_or_else(|| state.spec.region.clone());
    let at = KeyRef {
        account: account.clone(),
        region,
        id: id.clone(),
    };
    if state.contents.key_names.values().any(|other| *other == at) {
        return Err(unsavable(format!("key.{name}"), format!("the id `{id}` is used twice")));
    }
    state.contents.key_names.insert((account.clone(), name.to_owned()), at);
    if let Some(spec) = state
        .spec
        .accounts
        .get_mut(account)
        .and_then(|spec| spec.keys.get_mut(name))
    {
        spec.id = Some(id);
    }
    Ok(())
}

// ---------------------------------------------------------------------------------------------------------------------------------
// References and defaults in the spec.

/// The spec as the harness provisions it: references resolved, names of managed policies as ARNs, defaults filled in.
fn resolve_spec(state: &State) -> Result<WorldSpec, WorldError> {
    let mut spec = WorldSpec::clone(&state.spec);
    spec.clock = Some(state.clock.now);
    for (id, account) in &mut spec.accounts {
        let managed_names: BTreeSet<String> = account.managed_policies.keys().cloned().collect();
        let arn_of = |text: &str| -> Result<String, WorldError> {
            if managed_names.contains(text) {
                Ok(format!("arn:aws:iam::{id}:policy/{text}"))
            } else {
                Ok(resolve::text(state, text)?)
            }
        };
        let all = |policies: &mut BTreeMap<String, PolicyText>| -> Result<(), WorldError> {
            for policy in policies.values_mut() {
                *policy = resolve::policy(state, policy)?;
            }
            Ok(())
        };
        let attached = |list: &mut Vec<String>| -> Result<(), WorldError> {
            for text in list {
                *text = arn_of(text)?;
            }
            Ok(())
        };
        let boundary = |boundary: &mut Option<String>| -> Result<(), WorldError> {
            if let Some(text) = boundary {
                *text = arn_of(text)?;
            }
            Ok(())
        };
        all(&mut account.managed_policies)?;
        for user in account.users.values_mut() {
            all(&mut user.policies)?;
            attached(&mut user.attached)?;
            boundary(&mut user.permissions_boundary)?;
        }
        for group in account.groups.values_mut() {
            all(&mut group.policies)?;
            attached(&mut group.attached)?;
        }
        for role in account.roles.values_mut() {
            all(&mut role.policies)?;
            attached(&mut role.attached)?;
            boundary(&mut role.permissions_boundary)?;
            if let Some(service) = &role.service_linked {
                role.path.get_or_insert_with(|| format!("/aws-service-role/{service}/"));
            }
            let trust = match &role.trust {
                Some(trust) => resolve::policy(state, trust)?,
                None => default_trust(id, role.service_linked.as_deref()),
            };
            role.trust = Some(trust);
        }
        for (name, key) in &mut account.keys {
            build_keys::resolve(state, id, name, key)?;
        }
        build_resources::resolve(state, id, account)?;
    }
    if let Some(organization) = &mut spec.organization {
        build_organization::resolve(state, &mut organization.root)?;
    }
    Ok(spec)
}

/// A role without a trust policy may be assumed by its account; a service-linked one by its service.
fn default_trust(account: &AccountId, service: Option<&str>) -> PolicyText {
    let principal = match service {
        Some(service) => json!({"Service": service}),
        None => json!({"AWS": account.root_arn()}),
    };
    let statement = json!({"Effect": "Allow", "Principal": principal, "Action": "sts:AssumeRole"});
    document(json!({"Version": "2012-10-17", "Statement": [statement]}))
}

pub(super) fn document(value: serde_json::Value) -> PolicyText {
    match value {
        serde_json::Value::Object(map) => PolicyText::Document(map),
        other => PolicyText::Verbatim(other.to_string()),
    }
}

// ---------------------------------------------------------------------------------------------------------------------------------
// Policies.

fn fill_managed_policies(state: &mut State, account: &AccountId) -> Result<(), WorldError> {
    let spec = state.spec.clone();
    for (name, text) in &spec.accounts[account].managed_policies {
        let policy = StoredPolicy::save(state, &text.text(), PolicyKind::Managed)
            .map_err(|error| refused(format!("managed_policy.{name}"), &error))?;
        let arn = format!("arn:aws:iam::{account}:policy/{name}");
        state.account_mut(account).managed_policies.insert(
            arn,
            ManagedPolicy {
                name: name.clone(),
                policy: Arc::new(policy),
            },
        );
    }
    Ok(())
}

fn fill_identities(state: &mut State, account: &AccountId) -> Result<(), WorldError> {
    let spec = state.spec.clone();
    let spec = &spec.accounts[account];
    for (name, group) in &spec.groups {
        let what = format!("group.{name}");
        let own = identity_policies(state, &what, InlineOwner::Group, &group.policies, &group.attached, None)?;
        if let Some(group) = state.account_mut(account).groups.get_mut(name) {
            group.identity = Delayed::new(own);
        }
    }
    for (name, user) in &spec.users {
        let what = format!("user.{name}");
        let boundary = user.permissions_boundary.as_deref();
        let mut own = identity_policies(
            state,
            &what,
            InlineOwner::User,
            &user.policies,
            &user.attached,
            boundary,
        )?;
        for group in &user.groups {
            if !spec.groups.contains_key(group) {
                return Err(invalid(
                    format!("{what}.groups"),
                    format!("no group is named `{group}`"),
                ));
            }
            own.groups.push(group.clone());
        }
        if let Some(user) = state.account_mut(account).users.get_mut(name) {
            user.identity = Delayed::new(own);
        }
    }
    for (name, role) in &spec.roles {
        let what = format!("role.{name}");
        let boundary = role.permissions_boundary.as_deref();
        if boundary.is_some() && role.service_linked.is_some() {
            return Err(unsavable(
                what,
                "a service-linked role has no permissions boundary (iam:L-48)",
            ));
        }
        let own = identity_policies(
            state,
            &what,
            InlineOwner::Role,
            &role.policies,
            &role.attached,
            boundary,
        )?;
        let trust = role.trust.as_ref().map(PolicyText::text).unwrap_or_default();
        let trust = StoredPolicy::save(state, &trust, PolicyKind::Trust)
            .map_err(|error| refused(format!("{what}.trust"), &error))?;
        if let Some(role) = state.account_mut(account).roles.get_mut(name) {
            role.identity = Delayed::new(own);
            role.trust = Delayed::new(Arc::new(trust));
        }
    }
    Ok(())
}

fn identity_policies(
    state: &State,
    what: &str,
    owner: InlineOwner,
    inline: &BTreeMap<String, PolicyText>,
    attached: &[String],
    boundary: Option<&str>,
) -> Result<IdentityPolicies, WorldError> {
    let mut own = IdentityPolicies::default();
    let mut length = 0;
    for (name, text) in inline {
        let text = text.text();
        length += length_without_white_space(&text);
        let policy = StoredPolicy::save(state, &text, PolicyKind::Inline)
            .map_err(|error| refused(format!("{what}.policies.{name}"), &error))?;
        own.inline.insert(name.clone(), Arc::new(policy));
    }
    let quota = PolicyKind::inline_quota(owner);
    if length > quota {
        return Err(unsavable(
            format!("{what}.policies"),
            format!("{length} characters exceed the quota of {quota} (iam:G-80)"),
        ));
    }
    for arn in attached {
        if managed(state, arn).is_none() {
            return Err(invalid(
                format!("{what}.attached"),
                format!("no managed policy `{arn}` is known"),
            ));
        }
        if !own.attached.contains(arn) {
            own.attached.push(arn.clone());
        }
    }
    if let Some(arn) = boundary {
        if managed(state, arn).is_none() {
            return Err(invalid(
                format!("{what}.permissions_boundary"),
                format!("no managed policy `{arn}` is known"),
            ));
        }
        own.permissions_boundary = Some(arn.to_owned());
    }
    Ok(own)
}
