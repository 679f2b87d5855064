//! Tags of backup vaults: ListTags, TagResource, UntagResource.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use super::{Answer, BackupError, Call, Vault, require};
use crate::protocol::json as answers;
use crate::state::State;

/// ListTags; the path names the vault by its ARN.
pub(super) fn list(state: &mut State, call: &Call<'_>) -> Answer {
    let vault = find(state, call, "backup:ListTags")?;
    Ok(answers::answer(200, answers::JSON, &json!({ "Tags": vault.tags })))
}

/// TagResource.
pub(super) fn tag(state: &mut State, call: &Call<'_>) -> Answer {
    let tags = read(&call.body()?["Tags"])?;
    find(state, call, "backup:TagResource")?.tags.extend(tags);
    Ok(answers::empty(answers::JSON))
}

/// UntagResource.
pub(super) fn untag(state: &mut State, call: &Call<'_>) -> Answer {
    let body = call.body()?;
    let vault = find(state, call, "backup:UntagResource")?;
    for key in body["TagKeyList"]
        .as_array()
        .into_iter()
        .flatten()
        .filter_map(Value::as_str)
    {
        vault.tags.remove(key);
    }
    Ok(answers::empty(answers::JSON))
}

/// A map of tags.
///
/// # Errors
/// `InvalidParameterValueException`.
pub(super) fn read(tags: &Value) -> Result<BTreeMap<String, String>, BackupError> {
    if tags.is_null() {
        return Ok(BTreeMap::new());
    }
    serde_json::from_value(tags.clone()).map_err(|_| BackupError::invalid("Tags must be texts by text"))
}

/// The vault behind the ARN in the path, after authorization.
fn find<'a>(state: &'a mut State, call: &Call<'_>, action: &str) -> Result<&'a mut Vault, BackupError> {
    require(state, call, action, &call.name)?;
    let regional = state.backup.regions.get_mut(call.account, call.region);
    regional
        .and_then(|regional| regional.vaults.values_mut().find(|vault| vault.arn == call.name))
        .ok_or_else(|| BackupError::not_found(format!("Resource {} does not exist", call.name)))
}
