//! Operations on keys themselves: creation, description, listing, states, deletion, last use. Rotation, import and
//! replication have files of their own.

use std::collections::BTreeMap;
use std::sync::Arc;

use serde_json::{Value, json};

use super::aging::after_days;
use super::authorize::{self, KeyUse};
use super::call::{Answer, Call, Note};
use super::error::KmsError;
use super::key::{KEY_SPECS, KEY_USAGES, Key, KeyFamily, KeyManager, KeySpec, KeyState, seconds};
use super::material::Material;
use super::operations::Operation;
use super::params::{Params, check_length};
use super::rotation_operations::DEFAULT_ROTATION;
use super::store::{KeyAddress, resolve, resolve_with};
use super::{policy_operations, states, validate};
use crate::authorizer::{Context, Policy, known};
use crate::fault::Fault;
use crate::names::{AccountId, KeyId, Region};
use crate::propagating::Propagating;
use crate::state::State;

/// Values of Origin.
const ORIGINS: &[&str] = &["AWS_KMS", "EXTERNAL", "AWS_CLOUDHSM", "EXTERNAL_KEY_STORE"];
/// Default waiting period in days.
const DEFAULT_WINDOW: i64 = 30;

/// A read CreateKey request.
struct NewKey<'a> {
    spec: &'static KeySpec,
    usage: &'static str,
    origin: &'static str,
    multi_region: bool,
    description: &'a str,
    policy: Option<&'a str>,
    bypass: Option<bool>,
    tags: BTreeMap<String, String>,
}

/// `kms:CreateKey` (svc:K-19).
pub(super) fn create(
    state: &mut State,
    call: &Call<'_>,
    operation: &'static Operation,
    params: Params<'_>,
    note: &mut Note,
) -> Answer {
    let wanted = NewKey::read(params)?;
    note.request_parameters = Some(wanted.trail_parameters());
    wanted.authorize(state, call, operation)?;
    wanted.check_offered(call)?;
    let Some(account) = call.caller.account() else {
        return Err(KmsError::new(
            "AccessDeniedException",
            "A service principal has no account to create a key in.",
        ));
    };
    let policy = match wanted.policy {
        Some(text) => policy_operations::check(state, text)?,
        None => policy_operations::check(state, &policy_operations::default_text(account))?,
    };
    let key = make(state, account, call.region, &wanted, Arc::new(policy));
    // The default policy is AWS's own and is not checked; only a given one must keep the door open (svc:P-5).
    if wanted.policy.is_some() && wanted.bypass != Some(true) {
        policy_operations::check_lockout(state, call, &key, key.policy.current())?;
    }
    let metadata = key.metadata(&[]);
    let address = KeyAddress {
        account: account.clone(),
        region: call.region.clone(),
        id: key.id.clone(),
    };
    note.keys.push(address);
    state
        .kms
        .region_mut(account, call.region)
        .keys
        .insert(key.id.clone(), key);
    Ok(Some(json!({ "KeyMetadata": metadata })))
}

/// `kms:DescribeKey`.
pub(super) fn describe(
    state: &mut State,
    call: &Call<'_>,
    operation: &'static Operation,
    params: Params<'_>,
    note: &mut Note,
) -> Answer {
    let identifier = params.required("KeyId", 2048)?;
    let tokens = validate::grant_tokens(params)?;
    let address = describe_core(state, call, operation, identifier, &tokens, note)?;
    let metadata = state
        .kms
        .metadata(&address, state.now())
        .ok_or_else(|| gone(&address))?;
    Ok(Some(json!({ "KeyMetadata": metadata })))
}

/// Lookup and authorization of DescribeKey.
pub(super) fn describe_core(
    state: &mut State,
    call: &Call<'_>,
    operation: &'static Operation,
    identifier: &str,
    tokens: &[String],
    note: &mut Note,
) -> Result<KeyAddress, KmsError> {
    note.request_parameters = Some(json!({ "keyId": identifier }));
    let resolved = resolve(state, call, operation, operation.action(), identifier)?;
    note.keys.push(resolved.address.clone());
    validate::known_tokens(state, tokens)?;
    let wanted = KeyUse {
        tokens,
        ..KeyUse::of(operation).alias(resolved.alias.as_deref())
    };
    authorize::key(state, call, &resolved.address, wanted)?;
    Ok(resolved.address)
}

/// `kms:ListKeys`.
pub(super) fn list(
    state: &mut State,
    call: &Call<'_>,
    operation: &'static Operation,
    params: Params<'_>,
    note: &mut Note,
) -> Answer {
    let page = validate::Page::read(params, 100, 1000)?;
    note.request_parameters = None;
    authorize::identity_only(state, call, operation.action(), "*", Context::new())?;
    let now = state.now();
    let keys: Vec<Value> = call
        .caller
        .account()
        .and_then(|account| state.kms.region(account, call.region))
        .into_iter()
        .flat_map(|store| store.keys.values())
        .filter(|key| !key.is_gone(now))
        .map(|key| json!({ "KeyId": key.id.as_str(), "KeyArn": key.arn.as_str() }))
        .collect();
    Ok(Some(page.answer("Keys", &keys)))
}

/// `kms:EnableKey`.
pub(super) fn enable(
    state: &mut State,
    call: &Call<'_>,
    operation: &'static Operation,
    params: Params<'_>,
    note: &mut Note,
) -> Answer {
    change(state, call, operation, params, note, Context::new(), |key| {
        // An unavailable key keeps its state; only its switch is turned.
        if matches!(key.state, KeyState::Enabled | KeyState::Disabled) {
            key.state = KeyState::Enabled;
        }
        Ok(())
    })?;
    Ok(None)
}

/// `kms:DisableKey`.
pub(super) fn disable(
    state: &mut State,
    call: &Call<'_>,
    operation: &'static Operation,
    params: Params<'_>,
    note: &mut Note,
) -> Answer {
    change(state, call, operation, params, note, Context::new(), |key| {
        if matches!(key.state, KeyState::Enabled | KeyState::Disabled) {
            key.state = KeyState::Disabled;
        }
        Ok(())
    })?;
    Ok(None)
}

/// `kms:ScheduleKeyDeletion` (svc:ST-4).
pub(super) fn schedule_deletion(
    state: &mut State,
    call: &Call<'_>,
    operation: &'static Operation,
    params: Params<'_>,
    note: &mut Note,
) -> Answer {
    let window = params.integer("PendingWindowInDays", 7, 30)?.unwrap_or(DEFAULT_WINDOW);
    let mut extra = Context::new();
    extra.set(known!("kms:schedulekeydeletionpendingwindowindays"), window.to_string());
    let now = state.now();
    let mut answer = json!({ "PendingWindowInDays": window });
    let address = prepare(state, call, operation, params, note, extra)?;
    // A primary waits for its replicas first; its own period begins when the last one is gone (svc:ST-4).
    let waits = state
        .kms
        .key(&address, now)
        .is_some_and(|key| key.multi_region_type() == Some("PRIMARY"))
        && !state.kms.replica_regions(&address, now).is_empty();
    let key = state.kms.key_mut(&address, now).ok_or_else(|| gone(&address))?;
    key.transient = None;
    if waits {
        key.state = KeyState::PendingReplicaDeletion;
        key.pending_window_days = Some(window);
    } else {
        let date = after_days(now, window);
        key.state = KeyState::PendingDeletion;
        key.deletion_date = Some(date);
        answer["DeletionDate"] = seconds(date);
    }
    answer["KeyId"] = json!(key.arn.as_str());
    answer["KeyState"] = json!(key.state.name());
    note.response_elements = Some(json!({
        "keyId": key.arn.as_str(),
        "deletionDate": key.deletion_date.map(|date| date.to_string()),
    }));
    Ok(Some(answer))
}

/// `kms:CancelKeyDeletion`: the key comes back disabled (svc:ST-4).
pub(super) fn cancel_deletion(
    state: &mut State,
    call: &Call<'_>,
    operation: &'static Operation,
    params: Params<'_>,
    note: &mut Note,
) -> Answer {
    let enables = state.case.faults.contains(Fault::CancelledDeletionEnables);
    let address = change(state, call, operation, params, note, Context::new(), |key| {
        key.state = if enables { KeyState::Enabled } else { KeyState::Disabled };
        key.deletion_date = None;
        key.pending_window_days = None;
        // Material may have gone in the meantime.
        if key.origin == "EXTERNAL" {
            key.lose_material();
        }
        Ok(())
    })?;
    Ok(Some(json!({ "KeyId": address.arn().as_str() })))
}

/// `kms:UpdateKeyDescription`.
pub(super) fn update_description(
    state: &mut State,
    call: &Call<'_>,
    operation: &'static Operation,
    params: Params<'_>,
    note: &mut Note,
) -> Answer {
    let description = params
        .text("Description")?
        .ok_or_else(|| super::params::missing("Description"))?;
    check_length("Description", description, 0, 8192)?;
    change(state, call, operation, params, note, Context::new(), |key| {
        key.description = description.to_owned();
        Ok(())
    })?;
    Ok(None)
}

/// `kms:GetKeyLastUsage`: tracking began when the emulator did not know the key, that is with its creation.
pub(super) fn last_usage(
    state: &mut State,
    call: &Call<'_>,
    operation: &'static Operation,
    params: Params<'_>,
    note: &mut Note,
) -> Answer {
    let address = change(state, call, operation, params, note, Context::new(), |_| Ok(()))?;
    let key = state.kms.key(&address, state.now()).ok_or_else(|| gone(&address))?;
    let mut answer = json!({
        "KeyId": key.arn.as_str(),
        "KeyCreationDate": seconds(key.created_at),
        "TrackingStartDate": seconds(key.created_at),
    });
    if let Some(last) = &key.last_use {
        answer["KeyLastUsage"] = json!({
            "Operation": last.operation,
            "Timestamp": seconds(last.at),
            "KmsRequestId": last.request_id,
        });
    }
    Ok(Some(answer))
}

/// Creates a key that AWS manages; no authorization, its policy is AWS's (svc:M-1).
pub(super) fn make_managed(
    state: &mut State,
    account: &AccountId,
    region: &Region,
    description: &str,
    policy: Policy,
) -> KeyId {
    let wanted = NewKey {
        spec: &KEY_SPECS[0],
        usage: "ENCRYPT_DECRYPT",
        origin: "AWS_KMS",
        multi_region: false,
        description,
        policy: None,
        bypass: None,
        tags: BTreeMap::new(),
    };
    let mut key = make(state, account, region, &wanted, Arc::new(policy));
    key.manager = KeyManager::Aws;
    key.rotation_period_days = Some(DEFAULT_ROTATION);
    let id = key.id.clone();
    state.kms.region_mut(account, region).keys.insert(id.clone(), key);
    id
}

impl<'a> NewKey<'a> {
    fn read(params: Params<'a>) -> Result<Self, KmsError> {
        let names: Vec<&'static str> = KEY_SPECS.iter().map(|spec| spec.name).collect();
        let current = params.one_of("KeySpec", &names)?;
        let deprecated = params.one_of("CustomerMasterKeySpec", &names)?;
        if current.is_some() && deprecated.is_some() {
            return Err(KmsError::validation(
                "You cannot specify KeySpec and CustomerMasterKeySpec in the same request. CustomerMasterKeySpec is \
                 deprecated.",
            ));
        }
        let name = current.or(deprecated).unwrap_or("SYMMETRIC_DEFAULT");
        let spec = KeySpec::find(name).unwrap_or(&KEY_SPECS[0]);
        let usage = match params.one_of("KeyUsage", KEY_USAGES)? {
            Some(usage) if spec.usages.contains(&usage) => usage,
            Some(usage) => {
                return Err(KmsError::validation(format!(
                    "KeyUsage {usage} is not compatible with KeySpec {name}"
                )));
            }
            None if spec.family == KeyFamily::Symmetric => "ENCRYPT_DECRYPT",
            None => {
                return Err(KmsError::validation(
                    "You must specify a KeyUsage value for all KMS keys except for symmetric encryption keys.",
                ));
            }
        };
        let origin = params.one_of("Origin", ORIGINS)?.unwrap_or("AWS_KMS");
        let in_store = matches!(origin, "AWS_CLOUDHSM" | "EXTERNAL_KEY_STORE");
        if in_store != params.has("CustomKeyStoreId") {
            return Err(KmsError::validation(if in_store {
                format!("You must specify a CustomKeyStoreId for Origin {origin}.")
            } else {
                format!("You cannot specify a CustomKeyStoreId for Origin {origin}.")
            }));
        }
        let description = params.text("Description")?.unwrap_or_default();
        check_length("Description", description, 0, 8192)?;
        let policy = policy_operations::policy_text(params)?;
        Ok(Self {
            spec,
            usage,
            origin,
            multi_region: params.flag("MultiRegion")?,
            description,
            policy,
            bypass: params.boolean("BypassPolicyLockoutSafetyCheck")?,
            tags: validate::tags(params, false)?,
        })
    }

    /// kms:CreateKey, with tags kms:TagResource, with MultiRegion iam:CreateServiceLinkedRole (svc:K-19).
    fn authorize(&self, state: &State, call: &Call<'_>, operation: &Operation) -> Result<(), KmsError> {
        let mut context = Context::new();
        let kind = self.multi_region.then_some("PRIMARY");
        authorize::spec_keys(self.spec.name, self.usage, self.origin, kind, &mut context);
        policy_operations::bypass_key(self.bypass, &mut context);
        validate::tag_keys(&self.tags, &mut context);
        // A key that is created with tags has them already (iam:K-53).
        for (name, value) in &self.tags {
            context.add_member("aws:ResourceTag/", name, value.clone());
        }
        authorize::identity_only(state, call, operation.action(), "*", context.clone())?;
        if !self.tags.is_empty() {
            authorize::identity_only(state, call, "kms:TagResource", "*", context)?;
        }
        if self.multi_region {
            let role = format!(
                "arn:aws:iam::{}:role/aws-service-role/mrk.kms.amazonaws.com/\
                 AWSServiceRoleForKeyManagementServiceMultiRegionKeys",
                call.caller.account().map_or("", AccountId::as_str)
            );
            let mut context = Context::new();
            context.set(known!("iam:awsservicename"), "mrk.kms.amazonaws.com");
            authorize::identity_only(state, call, "iam:CreateServiceLinkedRole", &role, context)?;
        }
        Ok(())
    }

    /// What the emulator's one partition does not have, after authorization: custom key stores, and SM2 outside China.
    fn check_offered(&self, call: &Call<'_>) -> Result<(), KmsError> {
        if matches!(self.origin, "AWS_CLOUDHSM" | "EXTERNAL_KEY_STORE") {
            return Err(KmsError::unsupported("Custom key stores are not supported."));
        }
        if self.spec.name == "SM2" && !call.region.as_str().starts_with("cn-") {
            return Err(KmsError::unsupported(format!(
                "KeySpec SM2 is not supported in Region {}.",
                call.region
            )));
        }
        Ok(())
    }

    fn trail_parameters(&self) -> Value {
        let mut parameters = json!({
            "keySpec": self.spec.name,
            "keyUsage": self.usage,
            "origin": self.origin,
            "multiRegion": self.multi_region,
            "description": self.description,
            "bypassPolicyLockoutSafetyCheck": self.bypass.unwrap_or(false),
        });
        if let Some(policy) = self.policy {
            parameters["policy"] = json!(policy);
        }
        if !self.tags.is_empty() {
            let tags: Vec<Value> = self
                .tags
                .iter()
                .map(|(key, value)| json!({ "tagKey": key, "tagValue": value }))
                .collect();
            parameters["tags"] = json!(tags);
        }
        parameters
    }
}

fn make(state: &State, account: &AccountId, region: &Region, wanted: &NewKey<'_>, policy: Arc<Policy>) -> Key {
    let ids = &state.sources.ids;
    let text = if wanted.multi_region {
        format!("mrk-{}", ids.hex(32))
    } else {
        ids.uuid()
    };
    let id = KeyId::parse(&text).expect("the id source makes UUIDs and hexadecimal digits");
    let mut seed = [0; 32];
    ids.fill(&mut seed);
    let materials = if wanted.origin == "EXTERNAL" {
        Vec::new()
    } else {
        vec![Material::generated(&id, seed)]
    };
    Key {
        arn: KeyAddress {
            account: account.clone(),
            region: region.clone(),
            id: id.clone(),
        }
        .arn(),
        id,
        account: account.clone(),
        region: region.clone(),
        state: if wanted.origin == "EXTERNAL" {
            KeyState::PendingImport
        } else {
            KeyState::Enabled
        },
        spec: wanted.spec,
        usage: wanted.usage,
        origin: wanted.origin,
        manager: KeyManager::Customer,
        multi_region: wanted.multi_region,
        primary_region: region.clone(),
        description: wanted.description.to_owned(),
        created_at: state.now(),
        deletion_date: None,
        pending_window_days: None,
        transient: None,
        policy: Propagating::settled(policy),
        tags: Propagating::settled(wanted.tags.clone()),
        alias_names: Propagating::settled(Vec::new()),
        grants: Vec::new(),
        rotation_period_days: None,
        rotation_anchor: state.now(),
        rotation_under_way: None,
        rotations_on_demand: 0,
        last_use: None,
        materials,
        current: 0,
        import_parameters: Vec::new(),
    }
}

/// Lookup, authorization, key state, then `apply` on the key.
pub(super) fn change(
    state: &mut State,
    call: &Call<'_>,
    operation: &'static Operation,
    params: Params<'_>,
    note: &mut Note,
    extra: Context,
    apply: impl FnOnce(&mut Key) -> Result<(), KmsError>,
) -> Result<KeyAddress, KmsError> {
    let address = prepare(state, call, operation, params, note, extra)?;
    let now = state.now();
    let key = state.kms.key_mut(&address, now).ok_or_else(|| gone(&address))?;
    apply(key)?;
    Ok(address)
}

/// Lookup, authorization, key state.
fn prepare(
    state: &mut State,
    call: &Call<'_>,
    operation: &'static Operation,
    params: Params<'_>,
    note: &mut Note,
    extra: Context,
) -> Result<KeyAddress, KmsError> {
    let identifier = params.required("KeyId", 2048)?;
    note.request_parameters = Some(json!({ "keyId": identifier }));
    let address = resolve_with(state, call, operation, operation.action(), identifier, || extra.clone())?.address;
    note.keys.push(address.clone());
    let now = state.now();
    authorize::key(
        state,
        call,
        &address,
        KeyUse {
            extra,
            ..KeyUse::of(operation)
        },
    )?;
    states::check(operation, state.kms.key(&address, now).ok_or_else(|| gone(&address))?)?;
    Ok(address)
}

/// A key that vanished between two steps.
pub(super) fn gone(address: &KeyAddress) -> KmsError {
    KmsError::not_found(format!("Key '{}' does not exist", address.arn()))
}
