//! Tag, Untag and List of tags of users and roles.

use std::collections::BTreeMap;

use super::call::{Call, Kind, check_modifiable, merge_tags, tag_context};
use super::error::IamError;
use super::render;
use crate::authorizer::Context;
use crate::protocol::XmlWriter;
use crate::state::State;

/// `iam:TagUser`, `iam:TagRole`.
pub(super) fn tag(state: &mut State, call: &Call<'_>, _xml: &mut XmlWriter) -> Result<(), IamError> {
    let more = call.tags()?;
    let mut context = Context::new();
    tag_context(&more, &mut context);
    change(state, call, context, |tags| merge_tags(tags, more))
}

/// `iam:UntagUser`, `iam:UntagRole`.
pub(super) fn untag(state: &mut State, call: &Call<'_>, _xml: &mut XmlWriter) -> Result<(), IamError> {
    let keys = call.parameters.list("TagKeys");
    let mut context = Context::new();
    if !keys.is_empty() {
        context.set_many("aws:tagkeys", keys.iter().map(|key| (*key).to_owned()).collect());
    }
    change(state, call, context, |tags| {
        let gone = |key: &String| keys.iter().any(|name| name.eq_ignore_ascii_case(key));
        Ok(tags
            .iter()
            .filter(|(key, _)| !gone(key))
            .map(|(key, value)| (key.clone(), value.clone()))
            .collect())
    })
}

/// `iam:ListUserTags`, `iam:ListRoleTags`.
pub(super) fn list(state: &mut State, call: &Call<'_>, xml: &mut XmlWriter) -> Result<(), IamError> {
    let name = call.entity_name()?;
    let kind = call.operation.kind;
    call.authorize(state, &call.arn_of(state, kind, name), Context::new())?;
    let tags = tags_mut(state, call, name).ok_or_else(|| IamError::no_such(kind.word(), name))?;
    let pairs: Vec<(String, String)> = tags.iter().map(|(key, value)| (key.clone(), value.clone())).collect();
    render::page(xml, call.parameters, "Tags", &pairs, |xml, (key, value)| {
        xml.element("Key", key).element("Value", value);
    })
}

fn change(
    state: &mut State,
    call: &Call<'_>,
    context: Context,
    new_tags: impl FnOnce(&BTreeMap<String, String>) -> Result<BTreeMap<String, String>, IamError>,
) -> Result<(), IamError> {
    let name = call.entity_name()?;
    let kind = call.operation.kind;
    call.authorize(state, &call.arn_of(state, kind, name), context)?;
    check_modifiable(state, call.account, kind, name)?;
    let tags = tags_mut(state, call, name).ok_or_else(|| IamError::no_such(kind.word(), name))?;
    *tags = new_tags(tags)?;
    Ok(())
}

fn tags_mut<'a>(state: &'a mut State, call: &Call<'_>, name: &str) -> Option<&'a mut BTreeMap<String, String>> {
    let account = state.iam.account_mut(call.account);
    match call.operation.kind {
        Kind::User => account.users.get_mut(name).map(|user| &mut user.tags),
        Kind::Role => account.roles.get_mut(name).map(|role| &mut role.tags),
        Kind::Group | Kind::Other => None,
    }
}
