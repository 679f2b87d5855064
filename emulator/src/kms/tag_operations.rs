//! TagResource, UntagResource, ListResourceTags.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use super::authorize::{self, KeyUse};
use super::call::{Answer, Call, Note};
use super::error::KmsError;
use super::operations::Operation;
use super::params::{Params, missing};
use super::store::{KeyAddress, resolve, resolve_with};
use super::{states, validate};
use crate::authorizer::{Context, known};
use crate::state::State;

/// `kms:TagResource`.
pub(super) fn tag(
    state: &mut State,
    call: &Call<'_>,
    operation: &'static Operation,
    params: Params<'_>,
    note: &mut Note,
) -> Answer {
    let identifier = params.required("KeyId", 2048)?;
    let more = validate::tags(params, true)?;
    let listed: Vec<Value> = more
        .iter()
        .map(|(key, value)| json!({ "tagKey": key, "tagValue": value }))
        .collect();
    note.request_parameters = Some(json!({ "keyId": identifier, "tags": listed }));
    let mut extra = Context::new();
    validate::tag_keys(&more, &mut extra);
    change(state, call, operation, identifier, extra, note, |tags| {
        validate::merged_tags(tags, more)
    })
}

/// `kms:UntagResource`.
pub(super) fn untag(
    state: &mut State,
    call: &Call<'_>,
    operation: &'static Operation,
    params: Params<'_>,
    note: &mut Note,
) -> Answer {
    let identifier = params.required("KeyId", 2048)?;
    if !params.has("TagKeys") {
        return Err(missing("TagKeys"));
    }
    let keys = params.strings("TagKeys")?;
    note.request_parameters = Some(json!({ "keyId": identifier, "tagKeys": keys }));
    let mut extra = Context::new();
    if !keys.is_empty() {
        extra.set_many(known!("aws:tagkeys"), keys.clone());
    }
    change(state, call, operation, identifier, extra, note, |tags| {
        Ok(tags
            .iter()
            .filter(|(key, _)| !keys.contains(key))
            .map(|(key, value)| (key.clone(), value.clone()))
            .collect())
    })
}

/// `kms:ListResourceTags`.
pub(super) fn list(
    state: &mut State,
    call: &Call<'_>,
    operation: &'static Operation,
    params: Params<'_>,
    note: &mut Note,
) -> Answer {
    let identifier = params.required("KeyId", 2048)?;
    let page = validate::Page::read(params, 50, 50)?;
    note.request_parameters = Some(json!({ "keyId": identifier }));
    let address = resolve(state, call, operation, operation.action(), identifier)?.address;
    note.keys.push(address.clone());
    authorize::key(state, call, &address, KeyUse::of(operation))?;
    let key = state.kms.key(&address, state.now()).ok_or_else(|| gone(&address))?;
    let tags: Vec<Value> = key
        .tags
        .current()
        .iter()
        .map(|(key, value)| json!({ "TagKey": key, "TagValue": value }))
        .collect();
    Ok(Some(page.answer("Tags", &tags)))
}

fn change(
    state: &mut State,
    call: &Call<'_>,
    operation: &'static Operation,
    identifier: &str,
    extra: Context,
    note: &mut Note,
    new_tags: impl FnOnce(&BTreeMap<String, String>) -> Result<BTreeMap<String, String>, KmsError>,
) -> Answer {
    let address = resolve_with(state, call, operation, operation.action(), identifier, || extra.clone())?.address;
    note.keys.push(address.clone());
    authorize::key(
        state,
        call,
        &address,
        KeyUse {
            extra,
            ..KeyUse::of(operation)
        },
    )?;
    let when = state.change_time();
    let key = state.kms.key_mut(&address, when.now).ok_or_else(|| gone(&address))?;
    states::check(operation, key)?;
    let tags = new_tags(key.tags.current())?;
    key.tags.change(tags, when);
    Ok(None)
}

fn gone(address: &KeyAddress) -> KmsError {
    KmsError::not_found(format!("Key '{}' does not exist", address.arn()))
}
