//! Tags of functions: ListTags, TagResource, UntagResource. The path names the function by its ARN.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use super::configure::find;
use super::{Answer, Call, LambdaError, empty};
use crate::protocol::json as answers;
use crate::state::State;

/// ListTags.
pub(super) fn list(state: &mut State, call: &Call<'_>) -> Answer {
    let function = find(state, call)?;
    Ok(answers::answer(200, answers::JSON, &json!({ "Tags": function.tags })))
}

/// TagResource.
pub(super) fn tag(state: &mut State, call: &Call<'_>) -> Answer {
    let more = read(&call.body()?["Tags"])?;
    change(state, call, |tags| tags.extend(more))
}

/// UntagResource.
pub(super) fn untag(state: &mut State, call: &Call<'_>) -> Answer {
    let gone = |key: &String| {
        let mut keys = call.request.query.iter().filter(|(name, _)| name == "tagKeys");
        keys.any(|(_, value)| value == key)
    };
    change(state, call, |tags| tags.retain(|key, _| !gone(key)))
}

/// A map of tags.
///
/// # Errors
/// `InvalidParameterValueException`.
pub(super) fn read(tags: &Value) -> Result<BTreeMap<String, String>, LambdaError> {
    if tags.is_null() {
        return Ok(BTreeMap::new());
    }
    serde_json::from_value(tags.clone()).map_err(|_| LambdaError::invalid("Tags must be texts by text"))
}

fn change(state: &mut State, call: &Call<'_>, change: impl FnOnce(&mut BTreeMap<String, String>)) -> Answer {
    find(state, call)?;
    if let Some(function) = state.lambda.functions.get_mut(&call.function()?.key()) {
        change(&mut function.tags);
    }
    Ok(empty(204))
}
