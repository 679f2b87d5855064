//! The keys of a world at its start, with their policies, aliases, states and grants.

use std::sync::Arc;

use jiff::{SignedDuration, Timestamp};

use super::build::{document, invalid, refused, unsavable};
use super::clock::Delayed;
use super::policy::StoredPolicy;
use super::resolve as references;
use super::state::{AliasRef, State};
use super::{InitialGrant, WorldError};
use crate::case::{KeySpec, PolicyText};
use crate::kms;
use crate::kms::KeyState;
use crate::kms::key::{Alias, Key, KeyManager, KeyRef, Material, usages_of_spec};
use crate::kms::managed_key;
use crate::name::AccountId;
use crate::policy::PolicyKind;

/// Fills in the defaults of a key and resolves the references in its policy and grants.
pub(super) fn resolve(state: &State, account: &AccountId, name: &str, key: &mut KeySpec) -> Result<(), WorldError> {
    let what = format!("key.{name}");
    key.spec.get_or_insert_with(|| "SYMMETRIC_DEFAULT".to_owned());
    key.usage.get_or_insert_with(|| "ENCRYPT_DECRYPT".to_owned());
    key.origin.get_or_insert_with(|| "AWS_KMS".to_owned());
    key.state.get_or_insert_with(|| "Enabled".to_owned());
    key.manager.get_or_insert_with(|| "CUSTOMER".to_owned());
    key.region.get_or_insert_with(|| state.spec.region.clone());
    let region = key.region.clone().unwrap_or_default();
    key.policy = Some(match (&key.policy, aws_service(&what, key)?) {
        (Some(policy), _) => references::policy(state, policy)?,
        (None, Some(service)) => {
            let text = managed_key::policy_text(&service, account, &region)
                .ok_or_else(|| invalid(what.as_str(), format!("no AWS managed key `aws/{service}` is known")))?;
            PolicyText::Verbatim(text)
        }
        (None, None) => document(serde_json::from_str(&kms::default_key_policy(account)).unwrap_or_default()),
    });
    for grant in key.grants.values_mut() {
        for text in [
            &mut grant.grantee_principal,
            &mut grant.grantee_service_principal,
            &mut grant.retiring_principal,
            &mut grant.retiring_service_principal,
        ]
        .into_iter()
        .flatten()
        {
            *text = references::text(state, text)?;
        }
        if let Some(constraints) = &mut grant.constraints {
            for pairs in [
                &mut constraints.encryption_context_equals,
                &mut constraints.encryption_context_subset,
            ]
            .into_iter()
            .flatten()
            {
                for value in pairs.values_mut() {
                    *value = references::text(state, value)?;
                }
            }
            if let Some(source) = &mut constraints.source_arn {
                *source = references::text(state, source)?;
            }
        }
    }
    Ok(())
}

/// The service of an AWS managed key: from its alias `alias/aws/…` (`svc:M-1`).
fn aws_service(what: &str, key: &KeySpec) -> Result<Option<String>, WorldError> {
    match key.manager.as_deref() {
        None | Some("CUSTOMER") => Ok(None),
        Some("AWS") => key
            .aliases
            .iter()
            .find_map(|alias| alias.strip_prefix("alias/aws/"))
            .map(|service| Some(service.to_owned()))
            .ok_or_else(|| invalid(what, "an AWS managed key needs its alias `alias/aws/SERVICE`")),
        Some(other) => Err(invalid(what, format!("`{other}` manages no keys: CUSTOMER or AWS"))),
    }
}

/// Builds the keys of an account and names them by their aliases.
pub(super) fn fill(state: &mut State, account: &AccountId) -> Result<(), WorldError> {
    let spec = state.spec.clone();
    for (name, spec) in &spec.accounts[account].keys {
        let what = format!("key.{name}");
        let at = state.contents.key_names[&(account.clone(), name.clone())].clone();
        let policy_text = spec.policy.as_ref().map(PolicyText::text).unwrap_or_default();
        let service = aws_service(&what, spec)?;
        let policy = StoredPolicy::save(state, &policy_text, PolicyKind::Key)
            .map_err(|error| refused(format!("{what}.policy"), &error))?;
        if let Some(service) = &service {
            managed_key::insert(state, &at, service, policy);
        } else {
            let key = key_of_spec(state, account, &what, &at, spec, policy)?;
            state.contents.keys.insert(at.clone(), key.into());
        }
        for alias in &spec.aliases {
            let reserved = alias.starts_with("alias/aws/") && service.is_none();
            if !alias.starts_with("alias/") || reserved {
                return Err(unsavable(
                    format!("{what}.aliases"),
                    format!("`{alias}` is not a name for an alias (svc:K-30)"),
                ));
            }
            let alias_at = AliasRef {
                account: account.clone(),
                region: at.region.clone(),
                name: alias.clone(),
            };
            if state
                .contents
                .aliases
                .insert(
                    alias_at,
                    Alias {
                        target: Delayed::new(Some(at.clone())),
                    },
                )
                .is_some()
            {
                return Err(unsavable(
                    format!("{what}.aliases"),
                    format!("`{alias}` is given twice in one Region"),
                ));
            }
        }
    }
    Ok(())
}

fn key_of_spec(
    state: &State,
    account: &AccountId,
    what: &str,
    at: &KeyRef,
    spec: &KeySpec,
    policy: StoredPolicy,
) -> Result<Key, WorldError> {
    let text = |value: &Option<String>| value.clone().unwrap_or_default();
    let (key_spec, usage) = (text(&spec.spec), text(&spec.usage));
    let usages = usages_of_spec(&key_spec)
        .ok_or_else(|| invalid(format!("{what}.spec"), format!("`{key_spec}` is not a key spec")))?;
    if !usages.contains(&usage.as_str()) {
        return Err(unsavable(
            format!("{what}.usage"),
            format!("`{usage}` is not a usage of {key_spec} (svc:N-6)"),
        ));
    }
    let state_text = text(&spec.state);
    let key_state = KeyState::named(&state_text)
        .ok_or_else(|| invalid(format!("{what}.state"), format!("`{state_text}` is not a key state")))?;
    let pending = matches!(key_state, KeyState::PendingDeletion | KeyState::PendingReplicaDeletion);
    let due = state
        .clock
        .now
        .checked_add(SignedDuration::from_hours(24 * 30))
        .unwrap_or(Timestamp::MAX);
    let replica_of = spec
        .replica_of
        .as_ref()
        .and_then(|primary| state.contents.key_names.get(&(account.clone(), primary.clone())))
        .cloned();
    Ok(Key {
        at: at.clone(),
        spec: key_spec,
        usage,
        origin: text(&spec.origin),
        multi_region: spec.multi_region == Some(true) || replica_of.is_some(),
        replica_of,
        manager: KeyManager::Customer,
        state: key_state,
        description: String::new(),
        rotation_enabled: false,
        policy: Delayed::new(Arc::new(policy)),
        tags: Delayed::new(spec.tags.clone()),
        grants: Vec::new(),
        deletion: pending.then_some(due),
        material: Material::default(),
    })
}

/// Puts the grants of a world's keys in place, after all identities.
pub(super) fn fill_grants(state: &mut State, account: &AccountId) -> Result<(), WorldError> {
    let spec = state.spec.clone();
    for (key, spec) in &spec.accounts[account].keys {
        let at = state.contents.key_names[&(account.clone(), key.clone())].clone();
        for (name, grant) in &spec.grants {
            let (grant_id, grant_token) = kms::create_initial_grant(state, &at, name, grant)
                .map_err(|why| unsavable(format!("key.{key}.grants.{name}"), why))?;
            state.initial_symbols.grants.push(InitialGrant {
                account: account.clone(),
                key: key.clone(),
                name: name.clone(),
                grant_id,
                grant_token,
            });
        }
    }
    Ok(())
}
