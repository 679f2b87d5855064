//! Keys cost money and take a week to go away: a run takes keys of earlier runs, gives them a fresh policy, and leaves them for the next
//! one. Only plain symmetric keys are kept so.

use std::collections::BTreeSet;

use serde_json::{Map, Value, json};

use super::options::{NAME_PREFIX, TAG};
use super::policy::with_provisioner;
use super::rails::Rails;
use super::raw::Raw;
use crate::target::TargetError;

/// Parameters of CreateKey with the values that every key of the pool has.
const PLAIN: [(&str, &str); 3] = [
    ("KeySpec", "SYMMETRIC_DEFAULT"),
    ("KeyUsage", "ENCRYPT_DECRYPT"),
    ("Origin", "AWS_KMS"),
];

/// A key of the pool as CreateKey would have made it, and its DescribeKey; none if a new one must be made.
///
/// # Errors
/// [`TargetError`] when nothing can be asked.
pub(crate) async fn take(
    raw: &Raw,
    rails: &Rails,
    with: &Map<String, Value>,
    in_use: &BTreeSet<String>,
) -> Result<Option<Value>, TargetError> {
    let plain = PLAIN.iter().all(|(name, value)| {
        with.get(*name)
            .is_none_or(|given| given.is_null() || given.as_str() == Some(value))
    });
    let elsewhere = with.get("MultiRegion").is_some_and(|one| *one == Value::Bool(true));
    if !plain || elsewhere {
        return Ok(None);
    }
    for id in rails.own_keys() {
        if !in_use.contains(&id)
            && let Some(described) = refreshed(raw, rails, with, &id).await?
        {
            return Ok(Some(described));
        }
    }
    Ok(None)
}

async fn refreshed(
    raw: &Raw,
    rails: &Rails,
    with: &Map<String, Value>,
    id: &str,
) -> Result<Option<Value>, TargetError> {
    let key = json!({"KeyId": id});
    let Ok(described) = raw.kms("DescribeKey", &key).await? else {
        return Ok(None);
    };
    let member = |name: &str| {
        described
            .pointer(&format!("/KeyMetadata/{name}"))
            .and_then(Value::as_str)
    };
    if !PLAIN
        .iter()
        .all(|(name, value)| member(name).is_none_or(|is| is == *value))
    {
        return Ok(None);
    }
    match member("KeyState") {
        Some("Enabled") => {}
        Some("Disabled") => {
            if raw.kms("EnableKey", &key).await?.is_err() {
                return Ok(None);
            }
        }
        // A key on its way out stays there.
        _ => return Ok(None),
    }
    let policy = default_policy(rails.options().account.as_str());
    let Some(policy) = with_provisioner(&policy, rails.provisioner()) else {
        return Ok(None);
    };
    let put = json!({"KeyId": id, "PolicyName": "default", "Policy": policy});
    if raw.kms("PutKeyPolicy", &put).await?.is_err() {
        return Ok(None);
    }
    let listed = raw.kms("ListGrants", &key).await?.unwrap_or_default();
    for grant in members(&listed, "Grants") {
        if let Some(grant) = grant.get("GrantId") {
            // Gone already is as good.
            let _ = raw.kms("RevokeGrant", &json!({"KeyId": id, "GrantId": grant})).await?;
        }
    }
    let listed = raw.kms("ListAliases", &key).await?.unwrap_or_default();
    for alias in members(&listed, "Aliases") {
        let name = alias.get("AliasName").and_then(Value::as_str).unwrap_or_default();
        if name.starts_with(&format!("alias/{NAME_PREFIX}")) {
            let _ = raw.kms("DeleteAlias", &json!({"AliasName": name})).await?;
        }
    }
    retag(raw, with, id).await?;
    Ok(raw.kms("DescribeKey", &key).await?.ok())
}

/// The tags that the case gives, and the run's own.
async fn retag(raw: &Raw, with: &Map<String, Value>, id: &str) -> Result<(), TargetError> {
    let name = |tag: &Value| tag.get("TagKey").and_then(Value::as_str).unwrap_or_default().to_owned();
    let listed = raw
        .kms("ListResourceTags", &json!({"KeyId": id}))
        .await?
        .unwrap_or_default();
    let old: Vec<String> = members(&listed, "Tags")
        .iter()
        .map(name)
        .filter(|key| key != TAG)
        .collect();
    if !old.is_empty() {
        let _ = raw.kms("UntagResource", &json!({"KeyId": id, "TagKeys": old})).await?;
    }
    let wanted = with.get("Tags").and_then(Value::as_array).cloned().unwrap_or_default();
    let wanted: Vec<Value> = wanted.into_iter().filter(|tag| name(tag) != TAG).collect();
    if !wanted.is_empty() {
        let _ = raw.kms("TagResource", &json!({"KeyId": id, "Tags": wanted})).await?;
    }
    Ok(())
}

/// What a key gets when none is given.
fn default_policy(account: &str) -> String {
    json!({
        "Version": "2012-10-17",
        "Id": "key-default-1",
        "Statement": [{
            "Sid": "Enable IAM User Permissions",
            "Effect": "Allow",
            "Principal": {"AWS": format!("arn:aws:iam::{account}:root")},
            "Action": "kms:*",
            "Resource": "*",
        }],
    })
    .to_string()
}

fn members(value: &Value, name: &str) -> Vec<Value> {
    value.get(name).and_then(Value::as_array).cloned().unwrap_or_default()
}
