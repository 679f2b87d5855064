//! AWS managed keys: made in the caller's account on first use, with the policies of `spec/aws_managed_keys.json`
//! (`svc:M-1`…`svc:M-4`, `svc:M-7`).

use std::collections::BTreeMap;
use std::sync::{Arc, LazyLock};

use serde::Deserialize;
use serde_json::{Map, Value, json};

use super::key::{Alias, Key, KeyManager, KeyRef, KeyState, Material};
use crate::name::{AccountId, Region};
use crate::policy::PolicyKind;
use crate::world::clock::Delayed;
use crate::world::policy::StoredPolicy;
use crate::world::state::{AliasRef, State};
use crate::world::symbol;

/// The AWS managed key of a service in an account and Region; made if it is not there yet.
///
/// # Panics
/// When the model knows no such key: its flows ask for `s3`, `lambda` and `backup` only.
pub(crate) fn ensure(state: &mut State, account: &AccountId, region: &Region, service: &str) -> KeyRef {
    let alias = alias_of(account, region, service);
    if let Some(key) = state
        .contents
        .aliases
        .get(&alias)
        .and_then(|alias| alias.target.latest().clone())
    {
        return key;
    }
    let id = state.symbol(symbol::key_id(&format!("{account}/{region}/aws/{service}"), false));
    let at = KeyRef {
        account: account.clone(),
        region: region.clone(),
        id,
    };
    state.symbol(at.arn());
    let policy = policy_text(service, account, region).expect("the flows ask for services of the data file only");
    insert(state, &at, service, StoredPolicy::own(&policy, PolicyKind::Key));
    state.contents.aliases.insert(
        alias,
        Alias {
            target: Delayed::new(Some(at.clone())),
        },
    );
    at
}

/// Puts an AWS managed key in place under a given id.
pub(crate) fn insert(state: &mut State, at: &KeyRef, service: &str, policy: StoredPolicy) {
    let key = Key {
        at: at.clone(),
        spec: "SYMMETRIC_DEFAULT".to_owned(),
        usage: "ENCRYPT_DECRYPT".to_owned(),
        origin: "AWS_KMS".to_owned(),
        multi_region: false,
        replica_of: None,
        manager: KeyManager::Aws(service.to_owned()),
        state: KeyState::Enabled,
        description: format!(
            "Default key that protects my {} when no other key is defined",
            protected(service)
        ),
        rotation_enabled: true,
        policy: Delayed::new(Arc::new(policy)),
        tags: Delayed::new(BTreeMap::new()),
        grants: Vec::new(),
        deletion: None,
        material: Material::default(),
    };
    state.contents.keys.insert(at.clone(), key.into());
}

/// What a service's managed key protects, in the words of its description.
fn protected(service: &str) -> &str {
    match service {
        "s3" => "S3 objects",
        "lambda" => "Lambda functions",
        "backup" => "Backup data",
        "ebs" => "EBS volumes",
        "dynamodb" => "DynamoDB data",
        other => other,
    }
}

/// The policy of an AWS managed key; none for a service the data file does not have.
pub(crate) fn policy_text(service: &str, account: &AccountId, region: &Region) -> Option<String> {
    let entry = FILE.keys.get(service)?;
    let via = entry.via_service.replace("{region}", region.as_str());
    let account_test = ("kms:CallerAccount", json!(account));
    let via_test = ("kms:ViaService", json!(via));
    let mut condition = Map::new();
    for (operator, (key, value)) in [
        ("StringEquals", account_test),
        (entry.via_service_operator.as_str(), via_test),
    ] {
        let tests = condition.entry(operator).or_insert_with(|| json!({}));
        tests[key] = value;
    }
    let mut statements = vec![
        json!({
            "Sid": format!("Allow access through {service} for all principals in the account that are authorized to use it"),
            "Effect": "Allow",
            "Principal": {"AWS": "*"},
            "Action": entry.actions,
            "Resource": "*",
            "Condition": condition,
        }),
        json!({
            "Sid": "Allow direct access to key metadata to the account",
            "Effect": "Allow",
            "Principal": {"AWS": account.root_arn()},
            "Action": entry.account_actions,
            "Resource": "*",
        }),
    ];
    if let Some(principal) = &entry.service {
        statements.push(json!({
            "Sid": "Allow the service to describe the key directly",
            "Effect": "Allow",
            "Principal": {"Service": principal},
            "Action": ["kms:Describe*", "kms:Get*", "kms:List*"],
            "Resource": "*",
        }));
    }
    Some(json!({"Version": "2012-10-17", "Id": entry.id, "Statement": statements}).to_string())
}

fn alias_of(account: &AccountId, region: &Region, service: &str) -> AliasRef {
    AliasRef {
        account: account.clone(),
        region: region.clone(),
        name: format!("alias/aws/{service}"),
    }
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    #[serde(rename = "source")]
    _source: Value,
    keys: BTreeMap<String, Entry>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Entry {
    id: String,
    via_service: String,
    via_service_operator: String,
    actions: Vec<String>,
    account_actions: Vec<String>,
    service: Option<String>,
}

static FILE: LazyLock<File> = LazyLock::new(|| {
    serde_json::from_str(include_str!("../../spec/aws_managed_keys.json"))
        .expect("aws_managed_keys.json is part of this crate and a test reads it")
});

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_policy_is_a_key_policy_with_the_caller_account_and_the_service() {
        let account = AccountId::new("111122223333").expect("twelve digits");
        let region = Region::default();
        for service in FILE.keys.keys() {
            let text = policy_text(service, &account, &region).expect("the data file has it");
            let policy = StoredPolicy::own(&text, PolicyKind::Key);
            assert!(policy.document.statements().len() >= 2, "{service}");
            assert!(
                text.contains("\"kms:CallerAccount\":\"111122223333\""),
                "svc:M-2 {service}"
            );
        }
        assert!(
            policy_text("s3", &account, &region).is_some_and(|text| !text.contains("CreateGrant")),
            "svc:M-7"
        );
        assert_eq!(policy_text("nothing", &account, &region), None);
    }
}
