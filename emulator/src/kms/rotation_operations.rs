//! EnableKeyRotation, DisableKeyRotation, GetKeyRotationStatus, RotateKeyOnDemand, ListKeyRotations. When rotations
//! happen is in `aging`.

use serde_json::{Value, json};

use super::aging::after_days;
use super::authorize::{self, KeyUse};
use super::call::{Answer, Call, Note};
use super::error::KmsError;
use super::key::{Key, KeyFamily, expiration_model, seconds};
use super::key_operations::{self, gone};
use super::material::Material;
use super::operations::Operation;
use super::params::Params;
use super::store::{KeyAddress, resolve};
use super::validate;
use crate::authorizer::{Context, known};
use crate::state::State;

/// Default rotation period in days.
pub(super) const DEFAULT_ROTATION: i64 = 365;
/// Most rotations on demand of a key (API_RotateKeyOnDemand).
const MOST_ON_DEMAND: usize = 25;

/// `kms:EnableKeyRotation`.
pub(super) fn enable(
    state: &mut State,
    call: &Call<'_>,
    operation: &'static Operation,
    params: Params<'_>,
    note: &mut Note,
) -> Answer {
    let period = params.integer("RotationPeriodInDays", 90, 2560)?;
    let mut extra = Context::new();
    if let Some(period) = period {
        extra.set(known!("kms:rotationperiodindays"), period.to_string());
    }
    let now = state.now();
    reschedule(state, call, operation, params, note, extra, |key| {
        let period = period.or(key.rotation_period_days).unwrap_or(DEFAULT_ROTATION);
        if key.rotation_period_days != Some(period) {
            key.rotation_anchor = now;
        }
        key.rotation_period_days = Some(period);
    })
}

/// `kms:DisableKeyRotation`.
pub(super) fn disable(
    state: &mut State,
    call: &Call<'_>,
    operation: &'static Operation,
    params: Params<'_>,
    note: &mut Note,
) -> Answer {
    reschedule(state, call, operation, params, note, Context::new(), |key| {
        key.rotation_period_days = None;
    })
}

/// Changes the schedule of a key that may have one, and of the keys that share it.
fn reschedule(
    state: &mut State,
    call: &Call<'_>,
    operation: &'static Operation,
    params: Params<'_>,
    note: &mut Note,
    extra: Context,
    change: impl FnOnce(&mut Key),
) -> Answer {
    let address = key_operations::change(state, call, operation, params, note, extra, |key| {
        check_rotatable(key)?;
        change(key);
        Ok(())
    })?;
    share_schedule(state, &address);
    Ok(None)
}

/// `kms:GetKeyRotationStatus`.
pub(super) fn status(
    state: &mut State,
    call: &Call<'_>,
    operation: &'static Operation,
    params: Params<'_>,
    note: &mut Note,
) -> Answer {
    let address = key_operations::change(state, call, operation, params, note, Context::new(), |key| {
        check_rotation_known(key)
    })?;
    let key = state.kms.key(&address, state.now()).ok_or_else(|| gone(&address))?;
    let mut answer = json!({
        "KeyId": key.arn.as_str(),
        "KeyRotationEnabled": key.rotation_period_days.is_some(),
    });
    if let Some(period) = key.rotation_period_days {
        answer["RotationPeriodInDays"] = json!(period);
        answer["NextRotationDate"] = seconds(after_days(key.rotation_anchor, period));
    }
    if let Some((begun, _)) = key.rotation_under_way {
        answer["OnDemandRotationStartDate"] = seconds(begun);
    }
    Ok(Some(answer))
}

/// `kms:RotateKeyOnDemand`.
pub(super) fn on_demand(
    state: &mut State,
    call: &Call<'_>,
    operation: &'static Operation,
    params: Params<'_>,
    note: &mut Note,
) -> Answer {
    let (now, done) = (state.now(), state.effective_at());
    let address = key_operations::change(state, call, operation, params, note, Context::new(), |key| {
        check_shared_property(key)?;
        check_symmetric(key)?;
        if key.rotation_under_way.is_some() {
            return Err(KmsError::new(
                "ConflictException",
                format!("{} has a key rotation in progress.", key.arn),
            ));
        }
        if key.rotations_on_demand >= MOST_ON_DEMAND {
            return Err(KmsError::new(
                "LimitExceededException",
                format!("{} was rotated on demand {MOST_ON_DEMAND} times.", key.arn),
            ));
        }
        Ok(())
    })?;
    // Imported material must be there for every key of a multi-Region set before any of them rotates.
    let related = related(state, &address);
    for member in &related {
        let key = state.kms.key(member, now).ok_or_else(|| gone(member))?;
        let waits = key.materials.len() > key.current + 1;
        if key.origin == "EXTERNAL" && !waits {
            return Err(KmsError::new(
                "KMSInvalidStateException",
                format!("{} has no key material that is pending rotation.", key.arn),
            ));
        }
    }
    for member in related {
        state.kms.age(&member, now);
        if let Some(key) = state.kms.key_mut(&member, now) {
            // What KMS makes, a replica takes over from its primary.
            if key.origin == "EXTERNAL" || member == address {
                key.rotations_on_demand += 1;
                key.rotation_under_way = Some((now, done));
                key.age(now);
            }
        }
    }
    Ok(Some(json!({ "KeyId": address.arn().as_str() })))
}

/// `kms:ListKeyRotations`.
pub(super) fn list(
    state: &mut State,
    call: &Call<'_>,
    operation: &'static Operation,
    params: Params<'_>,
    note: &mut Note,
) -> Answer {
    let identifier = params.required("KeyId", 2048)?;
    let everything =
        params.one_of("IncludeKeyMaterial", &["ALL_KEY_MATERIAL", "ROTATIONS_ONLY"])? == Some("ALL_KEY_MATERIAL");
    let page = validate::Page::read(params, 100, 1000)?;
    note.request_parameters = Some(json!({ "keyId": identifier }));
    let address = resolve(state, call, operation, operation.action(), identifier)?.address;
    note.keys.push(address.clone());
    authorize::key(state, call, &address, KeyUse::of(operation))?;
    let key = state.kms.key(&address, state.now()).ok_or_else(|| gone(&address))?;
    check_symmetric(key)?;
    let entries: Vec<Value> = key
        .materials
        .iter()
        .enumerate()
        .filter(|(_, material)| everything || material.rotation.is_some())
        .map(|(number, material)| entry(&address, key, number, material, everything))
        .collect();
    Ok(Some(page.answer("Rotations", &entries)))
}

/// RotationsListEntry; material properties only when all material is asked for.
fn entry(address: &KeyAddress, key: &Key, number: usize, material: &Material, everything: bool) -> Value {
    // The id alone, as API_ListKeyRotations shows it.
    let mut entry = json!({ "KeyId": address.id.as_str(), "KeyMaterialId": material.id });
    if let Some((date, kind)) = material.rotation {
        entry["RotationDate"] = seconds(date);
        entry["RotationType"] = json!(kind.name());
    }
    if !everything {
        return entry;
    }
    entry["KeyMaterialState"] = json!(match number.cmp(&key.current) {
        std::cmp::Ordering::Less => "NON_CURRENT",
        std::cmp::Ordering::Equal => "CURRENT",
        std::cmp::Ordering::Greater => "PENDING_ROTATION",
    });
    if key.origin == "EXTERNAL" {
        let present = material.is_present();
        entry["ImportState"] = json!(if present { "IMPORTED" } else { "PENDING_IMPORT" });
        if present {
            entry["ExpirationModel"] = json!(expiration_model(material.valid_to));
        }
        if let Some(date) = material.valid_to {
            entry["ValidTo"] = seconds(date);
        }
        if let Some(description) = &material.description {
            entry["KeyMaterialDescription"] = json!(description);
        }
    }
    entry
}

/// Rotation is a shared property: replicas follow the primary (API_EnableKeyRotation).
fn share_schedule(state: &mut State, address: &KeyAddress) {
    let now = state.now();
    let Some(key) = state.kms.key(address, now) else {
        return;
    };
    let (period, anchor) = (key.rotation_period_days, key.rotation_anchor);
    for member in related(state, address) {
        if let Some(key) = state.kms.key_mut(&member, now) {
            key.rotation_period_days = period;
            key.rotation_anchor = anchor;
        }
    }
}

fn related(state: &State, address: &KeyAddress) -> Vec<KeyAddress> {
    let now = state.now();
    match state.kms.key(address, now) {
        Some(key) if key.multi_region => state.kms.related(address, now),
        _ => vec![address.clone()],
    }
}

/// Only symmetric keys whose material KMS made rotate by themselves.
fn check_rotatable(key: &Key) -> Result<(), KmsError> {
    check_rotation_known(key)?;
    check_shared_property(key)?;
    check_symmetric(key)
}

/// Imported material and custom key stores have no rotation status at all (svc:ST-2 [6], [7]).
fn check_rotation_known(key: &Key) -> Result<(), KmsError> {
    if key.origin == "AWS_KMS" {
        return Ok(());
    }
    Err(KmsError::wrong_origin(key))
}

/// Properties that related multi-Region keys share change on the primary only.
fn check_shared_property(key: &Key) -> Result<(), KmsError> {
    if key.multi_region_type() == Some("REPLICA") {
        return Err(KmsError::unsupported(format!(
            "{} is a multi-Region replica key.",
            key.arn
        )));
    }
    Ok(())
}

fn check_symmetric(key: &Key) -> Result<(), KmsError> {
    if key.spec.family == KeyFamily::Symmetric {
        return Ok(());
    }
    Err(KmsError::unsupported(format!(
        "{} key spec is {} which is not valid for this operation.",
        key.arn, key.spec.name
    )))
}
