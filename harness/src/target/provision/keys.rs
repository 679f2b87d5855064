//! KMS keys: made first, given their grants, states and policies last.

use countersign_model::case::KeySpec;
use countersign_model::name::AccountId;
use serde_json::{Map, Value, json};

use super::memory::ARRANGE;
use super::{Provisioner, Source, list_of_tags};
use crate::target::TargetError;
use crate::target::driver::Answer;

/// States that a key with material has after CreateKey, DisableKey or ScheduleKeyDeletion; all others are arranged.
const REACHABLE_STATES: [&str; 3] = ["Enabled", "Disabled", "PendingDeletion"];

impl<'a> Provisioner<'a> {
    /// Keys first: their ids stand in everything else. Customer keys start with the default policy.
    pub(super) async fn keys(&mut self) -> Result<(), TargetError> {
        for (account, key_name, key) in self.all_keys() {
            if key.replica_of.is_some() {
                return Err(TargetError::unsupported("multi-Region replica keys"));
            }
            let region = self.region(key.region.as_ref());
            let what = format!("key `{key_name}`");
            let output = if key.manager.as_deref() == Some("AWS") {
                // AWS makes it at the first use of its alias.
                let alias = key
                    .aliases
                    .first()
                    .ok_or_else(|| TargetError::adapter(format!("{what} is AWS managed and has no alias")))?;
                self.call(account, region, "kms:DescribeKey", json!({"KeyId": alias}), &what)
                    .await?
            } else {
                let parameters = json!({
                    "KeySpec": key.spec,
                    "KeyUsage": key.usage,
                    "Origin": key.origin,
                    "MultiRegion": key.multi_region,
                    "Tags": list_of_tags(&key.tags, "TagKey", "TagValue"),
                    "Policy": self.is_used_abroad(account, key).then(|| self.open_policy().to_string()),
                    "BypassPolicyLockoutSafetyCheck": self.bypass().filter(|_| self.is_used_abroad(account, key)),
                });
                self.call(account, region, "kms:CreateKey", parameters, &what).await?
            };
            let symbol = key
                .id
                .as_deref()
                .ok_or_else(|| TargetError::adapter(format!("the model gives no id for {what}")))?;
            self.bind(symbol, &output, "/KeyMetadata/KeyId")?;
            if is_imported(key) {
                // Without material it takes no grant and encrypts nothing; a world's key may have lost it since.
                Box::pin(self.arrange_state(account, key_name, key, "Enabled")).await?;
            }
            if key.manager.as_deref() != Some("AWS") {
                for alias in &key.aliases {
                    let parameters = json!({"AliasName": alias, "TargetKeyId": symbol});
                    self.call(
                        account,
                        region,
                        "kms:CreateAlias",
                        parameters,
                        &format!("alias `{alias}`"),
                    )
                    .await?;
                }
            }
        }
        Ok(())
    }

    pub(super) async fn grants(&mut self) -> Result<(), TargetError> {
        for (account, key_name, key) in self.all_keys() {
            let region = self.region(key.region.as_ref());
            for (name, grant) in &key.grants {
                let what = format!("grant `{name}` of key `{key_name}`");
                let mut parameters =
                    serde_json::to_value(grant).map_err(|error| TargetError::adapter(format!("{what}: {error}")))?;
                parameters["KeyId"] = json!(key.id);
                let output = self.call(account, region, "kms:CreateGrant", parameters, &what).await?;
                let symbols = self.world.initial_symbols();
                let mine = symbols
                    .grants
                    .iter()
                    .find(|one| one.account == *account && one.key == key_name && one.name == *name);
                if let Some(symbols) = mine {
                    self.bind(&symbols.grant_id, &output, "/GrantId")?;
                    self.bind(&symbols.grant_token, &output, "/GrantToken")?;
                }
            }
        }
        Ok(())
    }

    pub(super) async fn key_states(&mut self) -> Result<(), TargetError> {
        for (account, key_name, key) in self.all_keys() {
            let region = self.region(key.region.as_ref());
            let what = format!("state of key `{key_name}`");
            match key.state.as_deref() {
                Some("Disabled") => {
                    self.call(account, region, "kms:DisableKey", json!({"KeyId": key.id}), &what)
                        .await?
                }
                Some("PendingDeletion") => {
                    self.call(
                        account,
                        region,
                        "kms:ScheduleKeyDeletion",
                        json!({"KeyId": key.id}),
                        &what,
                    )
                    .await?
                }
                _ => continue,
            };
        }
        Ok(())
    }

    /// Key policies last: any of them may lock the provisioner out, so the lockout check is bypassed.
    pub(super) async fn key_policies(&mut self) -> Result<(), TargetError> {
        for (account, key_name, key) in self.all_keys() {
            let Some(policy) = &key.policy else { continue };
            let given = self.raw_key(account, key_name).is_some_and(|raw| raw.policy.is_some());
            if key.manager.as_deref() == Some("AWS") || !(given || self.is_used_abroad(account, key)) {
                continue;
            }
            let region = self.region(key.region.as_ref());
            let parameters = json!({
                "KeyId": key.id,
                // The default, said: some implementations know no default.
                "PolicyName": "default",
                "Policy": policy.text(),
                "BypassPolicyLockoutSafetyCheck": self.bypass(),
            });
            self.call(
                account,
                region,
                "kms:PutKeyPolicy",
                parameters,
                &format!("policy of key `{key_name}`"),
            )
            .await?;
        }
        Ok(())
    }

    pub(super) async fn arranged_states(&mut self) -> Result<(), TargetError> {
        for (account, key_name, key) in self.all_keys() {
            let state = key.state.as_deref().unwrap_or("Enabled");
            if !REACHABLE_STATES.contains(&state) {
                self.arrange_state(account, key_name, key, state).await?;
            }
        }
        Ok(())
    }

    async fn arrange_state(
        &mut self,
        account: &AccountId,
        key_name: &str,
        key: &KeySpec,
        state: &str,
    ) -> Result<(), TargetError> {
        let id = self.outward(&json!(key.id))?;
        let region = self.region(key.region.as_ref());
        let arrangement = json!({"key": {"account": account, "region": region, "key_id": id, "state": state}});
        let with = match arrangement {
            Value::Object(with) => with,
            _ => Map::new(),
        };
        match self.recalled(account, region, ARRANGE, &with)? {
            Source::Page(_) => return Ok(()),
            Source::Elsewhere => Box::pin(self.go_before_key_policies()).await?,
            Source::Target => {}
        }
        Box::pin(self.arrange(&with)).await.map_err(|error| match error {
            TargetError::Adapter { message } => TargetError::adapter(format!("state of key `{key_name}`: {message}")),
            other => other,
        })?;
        let answer = Answer {
            status: 200,
            repeated: false,
            result: Ok(Value::Null),
        };
        self.remember(account, region, ARRANGE, &with, &answer);
        Ok(())
    }

    /// Puts a state in place that the API cannot produce.
    pub(super) async fn arrange(&mut self, arrangement: &Map<String, Value>) -> Result<(), TargetError> {
        let control = self.means.control.ok_or_else(|| TargetError::unsupported("arrange"))?;
        control
            .arrange(self.driver.line(), &Value::Object(arrangement.clone()))
            .await
    }

    fn raw_key(&self, account: &AccountId, name: &str) -> Option<&'a KeySpec> {
        self.case.world.as_ref()?.accounts.get(account)?.keys.get(name)
    }

    /// Whether something of another account is encrypted under the key while the world is built.
    fn is_used_abroad(&self, owner: &AccountId, key: &KeySpec) -> bool {
        let Some(id) = key.id.as_deref() else { return false };
        let names = |reference: Option<&String>| reference.is_some_and(|reference| reference.ends_with(id));
        self.spec.accounts.iter().any(|(account, holdings)| {
            let abroad = account != owner;
            let by_objects = holdings.buckets.values().any(|bucket| {
                let default = bucket
                    .encryption
                    .as_ref()
                    .and_then(|encryption| encryption.key.as_ref());
                bucket.objects.values().any(|object| {
                    let writer = object.owner.as_ref().unwrap_or(account);
                    writer != owner
                        && (names(object.key.as_ref())
                            || (object.sse.is_none() && object.key.is_none() && names(default)))
                })
            });
            let by_functions = holdings
                .functions
                .values()
                .any(|function| names(function.kms_key.as_ref()));
            let by_vaults = holdings.backup_vaults.values().any(|vault| names(vault.key.as_ref()));
            by_objects || abroad && (by_functions || by_vaults)
        })
    }

    /// Every account of the world may do everything with a key that is used across accounts, until its own policy is put.
    fn open_policy(&self) -> Value {
        let principals: Vec<String> = self.spec.accounts.keys().map(AccountId::root_arn).collect();
        json!({
            "Version": "2012-10-17",
            "Statement": [{"Effect": "Allow", "Principal": {"AWS": principals}, "Action": "kms:*", "Resource": "*"}],
        })
    }
}

/// Whether KMS does not make the key's material.
pub(in crate::target) fn is_imported(key: &KeySpec) -> bool {
    key.origin.as_deref().is_some_and(|origin| origin != "AWS_KMS")
}
