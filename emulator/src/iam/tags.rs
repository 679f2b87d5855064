//! Tag, Untag and List of tags of users, roles and managed policies.

use std::collections::BTreeMap;

use super::call::{Call, Kind, check_modifiable, merge_tags, tag_context};
use super::error::IamError;
use super::{managed, render};
use crate::authorizer::{Context, known};
use crate::protocol::XmlWriter;
use crate::state::State;

/// `iam:TagUser`, `iam:TagRole`, `iam:TagPolicy`.
pub(super) fn tag(state: &mut State, call: &Call<'_>, _xml: &mut XmlWriter) -> Result<(), IamError> {
    let more = call.tags()?;
    let mut context = Context::new();
    tag_context(&more, &mut context);
    change(state, call, context, |tags| merge_tags(tags, more))
}

/// `iam:UntagUser`, `iam:UntagRole`, `iam:UntagPolicy`.
pub(super) fn untag(state: &mut State, call: &Call<'_>, _xml: &mut XmlWriter) -> Result<(), IamError> {
    let keys = call.parameters.list("TagKeys");
    let mut context = Context::new();
    if !keys.is_empty() {
        context.set_many(
            known!("aws:tagkeys"),
            keys.iter().map(|key| (*key).to_owned()).collect(),
        );
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

/// `iam:ListUserTags`, `iam:ListRoleTags`, `iam:ListPolicyTags`.
pub(super) fn list(state: &mut State, call: &Call<'_>, xml: &mut XmlWriter) -> Result<(), IamError> {
    let tagged = Tagged::read(state, call)?;
    call.authorize(state, &tagged.arn, Context::new())?;
    let tags = tagged.tags(state, call)?;
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
    let tagged = Tagged::read(state, call)?;
    call.authorize(state, &tagged.arn, context)?;
    if call.operation.kind == Kind::Other {
        managed::own(state, call, tagged.name)?;
    } else {
        check_modifiable(state, call.account, call.operation.kind, tagged.name)?;
    }
    let tags = tagged.tags(state, call)?;
    *tags = new_tags(tags)?;
    Ok(())
}

/// What the call names: a user or role by its name, a managed policy by its ARN.
struct Tagged<'a> {
    name: &'a str,
    arn: String,
}

impl<'a> Tagged<'a> {
    fn read(state: &State, call: &Call<'a>) -> Result<Self, IamError> {
        let kind = call.operation.kind;
        if kind == Kind::Other {
            let name = call.required("PolicyArn")?;
            managed::check_arn(name)?;
            return Ok(Self {
                name,
                arn: name.to_owned(),
            });
        }
        let name = call.entity_name()?;
        Ok(Self {
            name,
            arn: call.arn_of(state, kind, name),
        })
    }

    fn tags<'s>(&self, state: &'s mut State, call: &Call<'_>) -> Result<&'s mut BTreeMap<String, String>, IamError> {
        let (kind, name) = (call.operation.kind, self.name);
        let account = state.iam.account_mut(call.account);
        let tags = match kind {
            Kind::User => account.users.get_mut(name).map(|user| &mut user.tags),
            Kind::Role => account.roles.get_mut(name).map(|role| &mut role.tags),
            Kind::Other => account.policies.get_mut(name).map(|policy| &mut policy.tags),
            Kind::Group => None,
        };
        tags.ok_or_else(|| match kind {
            Kind::Other => IamError::new("NoSuchEntity", format!("Policy {name} was not found.")),
            _ => IamError::no_such(kind.word(), name),
        })
    }
}
