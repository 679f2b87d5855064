//! CreateAccessKey, ListAccessKeys, UpdateAccessKey, DeleteAccessKey.

use super::call::{Call, Kind};
use super::error::IamError;
use super::store::AccessKey;
use super::{render, users};
use crate::authorizer::Context;
use crate::identity::{self, Arrival, Principal};
use crate::protocol::XmlWriter;
use crate::state::State;

/// Most access keys of one user.
const MOST_KEYS: usize = 2;

/// `iam:CreateAccessKey`.
pub(super) fn create(state: &mut State, call: &Call<'_>, xml: &mut XmlWriter) -> Result<(), IamError> {
    let name = user_name(call)?;
    call.authorize(state, &call.arn_of(state, Kind::User, &name), Context::new())?;
    let user = users::find(state, call, &name)?;
    if user.access_keys.len() >= MOST_KEYS {
        return Err(IamError::new(
            "LimitExceeded",
            format!("Cannot exceed quota for AccessKeysPerUser: {MOST_KEYS}"),
        ));
    }
    let principal = Principal::User {
        account: call.account.clone(),
        user_id: user.user_id.clone(),
        path: user.path.clone(),
        name: user.name.clone(),
    };
    let created_at = state.now();
    let issued = identity::issue(state, principal, None, Arrival::default());
    if let Some(user) = state.iam.account_mut(call.account).users.get_mut(&name) {
        user.access_keys.push(AccessKey {
            access_key_id: issued.access_key_id.clone(),
            created_at,
        });
    }
    xml.nested("AccessKey", |xml| {
        xml.element("UserName", &name)
            .element("AccessKeyId", &issued.access_key_id)
            .element("Status", "Active")
            .element("SecretAccessKey", &issued.secret_access_key)
            .element("CreateDate", &render::date(created_at));
    });
    Ok(())
}

/// `iam:ListAccessKeys`.
pub(super) fn list(state: &mut State, call: &Call<'_>, xml: &mut XmlWriter) -> Result<(), IamError> {
    let name = user_name(call)?;
    call.authorize(state, &call.arn_of(state, Kind::User, &name), Context::new())?;
    let keys = &users::find(state, call, &name)?.access_keys;
    xml.element("UserName", &name);
    render::page(xml, call.parameters, "AccessKeyMetadata", keys, |xml, key| {
        let active = state
            .credentials
            .get(&key.access_key_id)
            .is_some_and(|credential| credential.active);
        xml.element("UserName", &name)
            .element("AccessKeyId", &key.access_key_id)
            .element("Status", if active { "Active" } else { "Inactive" })
            .element("CreateDate", &render::date(key.created_at));
    })
}

/// `iam:UpdateAccessKey`.
pub(super) fn update(state: &mut State, call: &Call<'_>, _xml: &mut XmlWriter) -> Result<(), IamError> {
    let active = match call.required("Status")? {
        "Active" => true,
        "Inactive" => false,
        _ => return Err(IamError::new("ValidationError", "Status must be Active or Inactive.")),
    };
    let key = existing_key(state, call)?;
    state.credentials.set_active(key, active);
    Ok(())
}

/// `iam:DeleteAccessKey`.
pub(super) fn delete(state: &mut State, call: &Call<'_>, _xml: &mut XmlWriter) -> Result<(), IamError> {
    let key = existing_key(state, call)?;
    let name = user_name(call)?;
    if let Some(user) = state.iam.account_mut(call.account).users.get_mut(&name) {
        user.access_keys.retain(|have| have.access_key_id != key);
    }
    state.credentials.remove(key);
    Ok(())
}

fn existing_key<'a>(state: &State, call: &Call<'a>) -> Result<&'a str, IamError> {
    let key = call.required("AccessKeyId")?;
    let name = user_name(call)?;
    call.authorize(state, &call.arn_of(state, Kind::User, &name), Context::new())?;
    let user = users::find(state, call, &name)?;
    if user.access_keys.iter().any(|have| have.access_key_id == key) {
        return Ok(key);
    }
    Err(IamError::new(
        "NoSuchEntity",
        format!("The Access Key with id {key} cannot be found."),
    ))
}

/// The named user, or the caller.
fn user_name(call: &Call<'_>) -> Result<String, IamError> {
    match (call.parameters.get("UserName"), &call.caller.principal) {
        (Some(_), _) => call.entity_name().map(str::to_owned),
        (None, Principal::User { name, .. }) => Ok(name.clone()),
        (None, _) => Err(IamError::new(
            "ValidationError",
            "Must specify userName when calling with non-User credentials",
        )),
    }
}
