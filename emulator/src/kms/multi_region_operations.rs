//! ReplicateKey and UpdatePrimaryRegion (svc:K-22, svc:K-15).

use std::collections::BTreeMap;
use std::sync::Arc;

use serde_json::{Value, json};

use super::authorize::{self, KeyUse};
use super::call::{Answer, Call, Elsewhere, Note};
use super::error::KmsError;
use super::key::{Key, KeyState};
use super::key_operations::{self, gone};
use super::operations::{self, Operation};
use super::params::{Params, check_length, constraint};
use super::store::KeyAddress;
use super::{policy_operations, states, validate};
use crate::authorizer::{Context, known};
use crate::fault::Fault;
use crate::names::Region;
use crate::propagating::Propagating;
use crate::state::State;

/// A read ReplicateKey request.
struct Replica<'a> {
    region: Region,
    policy: Option<&'a str>,
    bypass: Option<bool>,
    description: &'a str,
    tags: BTreeMap<String, String>,
}

/// `kms:ReplicateKey`: asks about the primary in its Region, and about kms:CreateKey (and kms:TagResource) in the
/// replica's (svc:K-22).
pub(super) fn replicate(
    state: &mut State,
    call: &Call<'_>,
    operation: &'static Operation,
    params: Params<'_>,
    note: &mut Note,
) -> Answer {
    let wanted = Replica::read(params)?;
    let mut extra = Context::new();
    extra.set(known!("kms:replicaregion"), wanted.region.as_str());
    let address = key_operations::change(state, call, operation, params, note, extra, |_| Ok(()))?;
    note.request_parameters = Some(json!({
        "keyId": params.text("KeyId")?,
        "replicaRegion": wanted.region.as_str(),
        "bypassPolicyLockoutSafetyCheck": wanted.bypass.unwrap_or(false),
        "description": wanted.description,
    }));
    let there = Call {
        region: &wanted.region,
        ..*call
    };
    let now = state.now();
    let key = state.kms.key(&address, now).ok_or_else(|| gone(&address))?;
    check_primary(key)?;
    if !state.case.faults.contains(Fault::ReplicaCreateKeyUnasked) {
        wanted.authorize(state, &there, key)?;
    }
    let target = KeyAddress {
        region: wanted.region.clone(),
        ..address.clone()
    };
    if state.kms.key(&target, now).is_some() {
        return Err(KmsError::new(
            "AlreadyExistsException",
            format!("{} already exists.", target.arn()),
        ));
    }
    let policy = match wanted.policy {
        Some(text) => policy_operations::check(state, text)?,
        None => policy_operations::check(state, &policy_operations::default_text(&address.account))?,
    };
    let key = state.kms.key(&address, now).ok_or_else(|| gone(&address))?;
    let replica = wanted.make(state, key, &target, policy);
    if wanted.policy.is_some() && wanted.bypass != Some(true) {
        policy_operations::check_lockout(state, &there, &replica, replica.policy.current())?;
    }
    let policy_text = replica.policy.current().displayed_text(&state.iam);
    state
        .kms
        .region_mut(&target.account, &target.region)
        .keys
        .insert(target.id.clone(), replica);
    note.keys.push(target.clone());
    note.elsewhere.extend(wanted.creation(&target, state));
    let metadata = state.kms.metadata(&target, now).ok_or_else(|| gone(&target))?;
    // The answer shows the state of the first seconds (API_ReplicateKey).
    if state.effective_at() <= now {
        state.kms.age(&target, now);
    }
    let tags: Vec<Value> = wanted
        .tags
        .iter()
        .map(|(key, value)| json!({ "TagKey": key, "TagValue": value }))
        .collect();
    Ok(Some(json!({
        "ReplicaKeyMetadata": metadata,
        "ReplicaPolicy": policy_text,
        "ReplicaTags": tags,
    })))
}

/// `kms:UpdatePrimaryRegion`: asks about the primary and the replica, each in its Region (svc:K-22).
pub(super) fn update_primary_region(
    state: &mut State,
    call: &Call<'_>,
    operation: &'static Operation,
    params: Params<'_>,
    note: &mut Note,
) -> Answer {
    let region = region(params, "PrimaryRegion")?;
    let mut extra = Context::new();
    extra.set(known!("kms:primaryregion"), region.as_str());
    let address = key_operations::change(state, call, operation, params, note, extra.clone(), |_| Ok(()))?;
    note.request_parameters = Some(json!({ "keyId": params.text("KeyId")?, "primaryRegion": region.as_str() }));
    let (now, until) = (state.now(), state.effective_at());
    let key = state.kms.key(&address, now).ok_or_else(|| gone(&address))?;
    check_primary(key)?;
    if region == address.region {
        return Err(KmsError::unsupported(format!(
            "{} is already the primary key.",
            key.arn
        )));
    }
    let target = KeyAddress {
        region: region.clone(),
        ..address.clone()
    };
    state.kms.age(&target, now);
    if state.kms.key(&target, now).is_none() {
        return Err(gone(&target));
    }
    let there = Call {
        region: &region,
        ..*call
    };
    authorize::key(
        state,
        &there,
        &target,
        KeyUse {
            extra,
            ..KeyUse::of(operation)
        },
    )?;
    states::check(operation, state.kms.key(&target, now).ok_or_else(|| gone(&target))?)?;
    for member in state.kms.related(&address, now) {
        let Some(key) = state.kms.key_mut(&member, now) else {
            continue;
        };
        key.primary_region = region.clone();
        if member == address || member == target {
            key.transient = Some((until, key.state));
            key.state = KeyState::Updating;
            key.age(now);
        }
    }
    // Each Region is told of its own key (developer guide, log entries of UpdatePrimaryRegion).
    note.elsewhere.push(Elsewhere {
        region,
        operation,
        note: Note {
            keys: vec![target],
            request_parameters: note.request_parameters.clone(),
            ..Note::default()
        },
    });
    Ok(None)
}

impl<'a> Replica<'a> {
    /// ReplicateKey is also a CreateKey in the Region of the replica (developer guide, log entry of ReplicateKey).
    fn creation(&self, target: &KeyAddress, state: &State) -> Option<Elsewhere> {
        let key = state.kms.key(target, state.now())?;
        Some(Elsewhere {
            region: self.region.clone(),
            operation: operations::find("CreateKey")?,
            note: Note {
                keys: vec![target.clone()],
                request_parameters: Some(json!({
                    "keySpec": key.spec.name,
                    "keyUsage": key.usage,
                    "origin": key.origin,
                    "multiRegion": true,
                    "description": self.description,
                    "bypassPolicyLockoutSafetyCheck": self.bypass.unwrap_or(false),
                })),
                ..Note::default()
            },
        })
    }

    fn read(params: Params<'a>) -> Result<Self, KmsError> {
        let description = params.text("Description")?.unwrap_or_default();
        check_length("Description", description, 0, 8192)?;
        Ok(Self {
            region: region(params, "ReplicaRegion")?,
            policy: policy_operations::policy_text(params)?,
            bypass: params.boolean("BypassPolicyLockoutSafetyCheck")?,
            description,
            tags: validate::tags(params, false)?,
        })
    }

    /// kms:CreateKey and, with tags, kms:TagResource in the Region of the replica. kms:ReplicaRegion is not among
    /// their condition keys (svc:C-23).
    fn authorize(&self, state: &State, there: &Call<'_>, primary: &Key) -> Result<(), KmsError> {
        let mut context = Context::new();
        authorize::spec_keys(
            primary.spec.name,
            primary.usage,
            primary.origin,
            Some("REPLICA"),
            &mut context,
        );
        policy_operations::bypass_key(self.bypass, &mut context);
        validate::tag_keys(&self.tags, &mut context);
        for (name, value) in &self.tags {
            context.add_member("aws:ResourceTag/", name, value.clone());
        }
        authorize::identity_only(state, there, "kms:CreateKey", "*", context.clone())?;
        if !self.tags.is_empty() {
            authorize::identity_only(state, there, "kms:TagResource", "*", context)?;
        }
        Ok(())
    }

    /// The replica shares id, spec, usage, origin, material and rotation with its primary, and nothing else (svc:K-15).
    fn make(&self, state: &State, primary: &Key, target: &KeyAddress, policy: crate::authorizer::Policy) -> Key {
        let imported = primary.origin == "EXTERNAL";
        let ready = if imported {
            KeyState::PendingImport
        } else {
            KeyState::Enabled
        };
        Key {
            arn: target.arn(),
            region: target.region.clone(),
            state: KeyState::Creating,
            transient: Some((state.effective_at(), ready)),
            description: self.description.to_owned(),
            created_at: state.now(),
            deletion_date: None,
            pending_window_days: None,
            policy: Propagating::settled(Arc::new(policy)),
            tags: Propagating::settled(self.tags.clone()),
            alias_names: Propagating::settled(Vec::new()),
            grants: Vec::new(),
            rotation_under_way: None,
            last_use: None,
            // Imported material is imported into every Region by itself (API_ReplicateKey).
            materials: if imported {
                Vec::new()
            } else {
                primary.materials.clone()
            },
            current: if imported { 0 } else { primary.current },
            import_parameters: Vec::new(),
            ..primary.clone()
        }
    }
}

fn check_primary(key: &Key) -> Result<(), KmsError> {
    if key.multi_region_type() == Some("PRIMARY") {
        return Ok(());
    }
    Err(KmsError::unsupported(format!(
        "{} is not a multi-Region primary key.",
        key.arn
    )))
}

/// A Region parameter: 1 to 32 characters.
fn region(params: Params<'_>, name: &str) -> Result<Region, KmsError> {
    let text = params.required(name, 32)?;
    let shape = text.split('-').count() >= 3 && text.ends_with(|last: char| last.is_ascii_digit());
    Region::parse(text).filter(|_| shape).ok_or_else(|| {
        constraint(
            name,
            text,
            "Member must satisfy regular expression pattern: ^([a-z]+-){2,3}\\d+$",
        )
    })
}
