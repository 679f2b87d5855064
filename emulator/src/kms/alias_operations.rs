//! CreateAlias, UpdateAlias, DeleteAlias, ListAliases (svc:K-17): each is a question about the alias and about keys.

use serde_json::{Value, json};

use super::authorize::{self, KeyUse};
use super::call::{Answer, Call, Note};
use super::error::KmsError;
use super::operations::Operation;
use super::params::{Params, missing};
use super::store::{Alias, KeyAddress, resolve};
use super::{states, validate};
use crate::authorizer::Context;
use crate::fault::Fault;
use crate::names::AccountId;
use crate::state::State;

/// Aliases AWS keeps for itself.
const RESERVED: &str = "alias/aws/";
/// Most aliases on one key.
const MOST_ALIASES: usize = 50;

/// `kms:CreateAlias`.
pub(super) fn create(
    state: &mut State,
    call: &Call<'_>,
    operation: &'static Operation,
    params: Params<'_>,
    note: &mut Note,
) -> Answer {
    let name = alias_name(params)?;
    let identifier = params.required("TargetKeyId", 2048)?;
    note.request_parameters = Some(json!({ "aliasName": name, "targetKeyId": identifier }));
    let account = own_account(call)?.clone();
    let resolved = resolve(state, call, operation, operation.action(), identifier)?;
    note.keys.push(resolved.address.clone());
    note.other_resources.push(alias_arn(call, &account, name));
    authorize_alias(state, call, operation, &account, name)?;
    authorize_key(state, call, operation, &resolved.address)?;
    let now = state.now();
    let key = state
        .kms
        .key(&resolved.address, now)
        .ok_or_else(|| gone(&resolved.address))?;
    states::check(operation, key)?;
    let existing = living_alias(state, call, &account, name);
    if existing.is_some() {
        let arn = alias_arn(call, &account, name);
        return Err(KmsError::new(
            "AlreadyExistsException",
            format!("An alias with the name {arn} already exists"),
        ));
    }
    if key.alias_names.current().len() >= MOST_ALIASES {
        return Err(KmsError::new("LimitExceededException", ""));
    }
    let alias = Alias {
        target: resolved.address.id.clone(),
        created_at: now,
        updated_at: now,
    };
    state
        .kms
        .region_mut(&account, call.region)
        .aliases
        .insert(name.to_owned(), alias);
    attach(state, &resolved.address, name, true);
    Ok(None)
}

/// `kms:UpdateAlias`: alias, current key and new key must all be allowed; only the new key's state counts (svc:N-3).
pub(super) fn update(
    state: &mut State,
    call: &Call<'_>,
    operation: &'static Operation,
    params: Params<'_>,
    note: &mut Note,
) -> Answer {
    let name = alias_name(params)?;
    let identifier = params.required("TargetKeyId", 2048)?;
    note.request_parameters = Some(json!({ "aliasName": name, "targetKeyId": identifier }));
    let account = own_account(call)?.clone();
    let current = living_alias(state, call, &account, name).ok_or_else(|| unknown_alias(call, &account, name))?;
    let resolved = resolve(state, call, operation, operation.action(), identifier)?;
    note.keys.extend([current.clone(), resolved.address.clone()]);
    note.other_resources.push(alias_arn(call, &account, name));
    authorize_alias(state, call, operation, &account, name)?;
    authorize_key(state, call, operation, &current)?;
    authorize_key(state, call, operation, &resolved.address)?;
    let now = state.now();
    let old = state.kms.key(&current, now).ok_or_else(|| gone(&current))?;
    let new = state
        .kms
        .key(&resolved.address, now)
        .ok_or_else(|| gone(&resolved.address))?;
    states::check(operation, new)?;
    if old.spec.family != new.spec.family || old.usage != new.usage {
        return Err(KmsError::validation(format!(
            "Alias {name} cannot be moved from a key with usage {} and spec {} to a key with usage {} and spec {}",
            old.usage, old.spec.name, new.usage, new.spec.name
        )));
    }
    if current != resolved.address && new.alias_names.current().len() >= MOST_ALIASES {
        return Err(KmsError::new("LimitExceededException", ""));
    }
    if let Some(alias) = state.kms.region_mut(&account, call.region).aliases.get_mut(name) {
        alias.target = resolved.address.id.clone();
        alias.updated_at = now;
    }
    attach(state, &current, name, false);
    attach(state, &resolved.address, name, true);
    Ok(None)
}

/// `kms:DeleteAlias`.
pub(super) fn delete(
    state: &mut State,
    call: &Call<'_>,
    operation: &'static Operation,
    params: Params<'_>,
    note: &mut Note,
) -> Answer {
    let name = alias_name(params)?;
    note.request_parameters = Some(json!({ "aliasName": name }));
    let account = own_account(call)?.clone();
    let current = living_alias(state, call, &account, name).ok_or_else(|| unknown_alias(call, &account, name))?;
    note.keys.push(current.clone());
    note.other_resources.push(alias_arn(call, &account, name));
    authorize_alias(state, call, operation, &account, name)?;
    authorize_key(state, call, operation, &current)?;
    state.kms.region_mut(&account, call.region).aliases.remove(name);
    attach(state, &current, name, false);
    Ok(None)
}

/// `kms:ListAliases`.
pub(super) fn list(
    state: &mut State,
    call: &Call<'_>,
    operation: &'static Operation,
    params: Params<'_>,
    note: &mut Note,
) -> Answer {
    let page = validate::Page::read(params, 50, 100)?;
    let identifier = params.text("KeyId")?;
    note.request_parameters = identifier.map(|identifier| json!({ "keyId": identifier }));
    authorize::identity_only(state, call, operation.action(), "*", Context::new())?;
    let only = match identifier {
        Some(identifier) => Some(resolve(state, call, operation, operation.action(), identifier)?.address),
        None => None,
    };
    let account = own_account(call)?;
    let now = state.now();
    let aliases: Vec<Value> = state
        .kms
        .region(account, call.region)
        .into_iter()
        .flat_map(|store| store.aliases.iter().map(move |(name, alias)| (store, name, alias)))
        .filter(|(store, _, alias)| store.keys.get(&alias.target).is_some_and(|key| !key.is_gone(now)))
        .filter(|(_, _, alias)| only.as_ref().is_none_or(|key| key.id == alias.target))
        .map(|(_, name, alias)| {
            json!({
                "AliasName": name,
                "AliasArn": alias_arn(call, account, name),
                "TargetKeyId": alias.target.as_str(),
                "CreationDate": super::key::seconds(alias.created_at),
                "LastUpdatedDate": super::key::seconds(alias.updated_at),
            })
        })
        .collect();
    Ok(Some(page.answer("Aliases", &aliases)))
}

/// The permission on the alias itself, by identity policy only. On `alias/aws/…` it never succeeds (errata svc:K-30).
fn authorize_alias(
    state: &State,
    call: &Call<'_>,
    operation: &Operation,
    account: &AccountId,
    name: &str,
) -> Result<(), KmsError> {
    let arn = alias_arn(call, account, name);
    if !state.case.faults.contains(Fault::AliasItselfUnasked) {
        authorize::identity_only(state, call, operation.action(), &arn, Context::new())?;
    }
    if name.starts_with(RESERVED) {
        return Err(authorize::identity_denial(state, call, operation.action(), &arn));
    }
    Ok(())
}

/// The permission on a key of the alias.
fn authorize_key(
    state: &State,
    call: &Call<'_>,
    operation: &'static Operation,
    address: &KeyAddress,
) -> Result<(), KmsError> {
    if state.case.faults.contains(Fault::AliasKeyUnasked) {
        return Ok(());
    }
    authorize::key(state, call, address, KeyUse::of(operation)).map(|_| ())
}

fn alias_name<'a>(params: Params<'a>) -> Result<&'a str, KmsError> {
    let name = params.text("AliasName")?.ok_or_else(|| missing("AliasName"))?;
    let Some(rest) = name.strip_prefix("alias/") else {
        return Err(KmsError::validation("Invalid identifier"));
    };
    let legal = |byte: u8| byte.is_ascii_alphanumeric() || b"/_-".contains(&byte);
    if rest.is_empty() || name.len() > 256 || !rest.bytes().all(legal) {
        return Err(KmsError::new(
            "InvalidAliasNameException",
            format!("{name} contains invalid characters for an alias"),
        ));
    }
    Ok(name)
}

fn own_account<'a>(call: &Call<'a>) -> Result<&'a AccountId, KmsError> {
    call.caller.account().ok_or_else(|| {
        KmsError::new(
            "AccessDeniedException",
            "A service principal has no aliases of its own.",
        )
    })
}

fn alias_arn(call: &Call<'_>, account: &AccountId, name: &str) -> String {
    format!("arn:aws:kms:{}:{account}:{name}", call.region)
}

fn unknown_alias(call: &Call<'_>, account: &AccountId, name: &str) -> KmsError {
    KmsError::not_found(format!("Alias {} is not found.", alias_arn(call, account, name)))
}

fn living_alias(state: &State, call: &Call<'_>, account: &AccountId, name: &str) -> Option<KeyAddress> {
    let alias = state.kms.region(account, call.region)?.aliases.get(name)?;
    let address = KeyAddress {
        account: account.clone(),
        region: call.region.clone(),
        id: alias.target.clone(),
    };
    state.kms.key(&address, state.now()).is_some().then_some(address)
}

/// Adds or removes a name on a key; kms:ResourceAliases follows when that has propagated (svc:K-28).
fn attach(state: &mut State, address: &KeyAddress, name: &str, present: bool) {
    let when = state.change_time();
    if let Some(key) = state.kms.key_mut(address, when.now) {
        let mut names: Vec<String> = key
            .alias_names
            .current()
            .iter()
            .filter(|have| *have != name)
            .cloned()
            .collect();
        if present {
            names.push(name.to_owned());
            names.sort();
        }
        key.alias_names.change(names, when);
    }
}

fn gone(address: &KeyAddress) -> KmsError {
    KmsError::not_found(format!("Key '{}' does not exist", address.arn()))
}
