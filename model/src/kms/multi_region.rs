//! Multi-Region keys: replicas and the change of the primary (`svc:K-15`, `svc:K-22`). Each key of the family has its own policy,
//! grants, aliases, tags and state; id and material are shared.

use std::sync::Arc;

use serde_json::json;

use super::authorize::{KeyQuestion, decide, set_key_request_properties};
use super::key::{Key, KeyManager, KeyRef, KeyState, Material};
use super::key_state::KeyPart;
use super::manage::{check_policy_length, default_key_policy, metadata, tag_context};
use super::{Ask, Call, empty, identifier, validation};
use crate::context::Context;
use crate::name::Region;
use crate::policy::PolicyKind;
use crate::world::clock::Delayed;
use crate::world::policy::StoredPolicy;
use crate::world::trace::{Answer, Refusal, Stop};

impl Call<'_> {
    /// kms:ReplicateKey on the primary where it is, kms:CreateKey and kms:TagResource by identity policies in the replica's Region.
    pub(super) fn replicate_key(&mut self) -> Answer {
        let region = self.region("ReplicaRegion")?;
        let tags = self.with.tags("Tags", "TagKey", "TagValue")?;
        let text = self.with.policy("Policy")?;
        text.as_deref().map_or(Ok(()), check_policy_length)?;
        let bypass = self.with.boolean("BypassPolicyLockoutSafetyCheck")?;
        let description = self.with.text("Description")?.unwrap_or_default().to_owned();
        self.trace.rule("svc:K-22");
        self.trace.rule("svc:C-23");
        let opened = self.open_and_authorize(Context::new().with("kms:ReplicaRegion", region.as_str()))?;
        let there = self.actor.in_region(&region);
        let primary = self.key(&opened.key).clone();
        let mut keys = match &tags {
            Some(tags) => tag_context(Some(tags), tags.keys()),
            None => Context::new(),
        };
        // kms:ReplicaRegion is not one of them (svc:C-23).
        set_key_request_properties(&mut keys, &primary.spec, &primary.usage, &primary.origin, true, true);
        if let Some(bypass) = bypass {
            keys.set("kms:BypassPolicyLockoutSafetyCheck", bypass);
        }
        self.authorize_identity_as(&there, "kms:CreateKey", "*".to_owned(), keys)?;
        if let Some(tags) = tags.as_ref().filter(|tags| !tags.is_empty()) {
            let keys = tag_context(Some(tags), tags.keys());
            self.authorize_identity_as(&there, "kms:TagResource", "*".to_owned(), keys)?;
        }
        self.state_permits(&opened.key, KeyPart::Subject)?;
        self.usage_permits(&opened.key, None)?;
        let at = KeyRef {
            region,
            ..opened.key.clone()
        };
        if self.state.key(&at).is_some() {
            return Err(Refusal::error("AlreadyExistsException", 400, None).into());
        }
        let policy = match &text {
            Some(text) => self.save_key_policy(text)?,
            None => {
                self.trace.rule("svc:P-7");
                StoredPolicy::own(&default_key_policy(&at.account), PolicyKind::Key)
            }
        };
        self.trace.rule("svc:ST-4");
        // A replica of imported material waits for the same import as its primary did.
        let next = if primary.origin == "EXTERNAL" {
            KeyState::PendingImport
        } else {
            KeyState::Enabled
        };
        let moment = self.state.clock.moment();
        let key = Key {
            at: at.clone(),
            spec: primary.spec,
            usage: primary.usage,
            origin: primary.origin,
            multi_region: true,
            replica_of: Some(opened.key.clone()),
            manager: KeyManager::Customer,
            state: KeyState::Creating,
            description,
            rotation_enabled: primary.rotation_enabled,
            policy: Delayed::new(Arc::new(policy)),
            tags: Delayed::new(tags.unwrap_or_default()),
            grants: Vec::new(),
            deletion: None,
            material: Material {
                becomes: Some((moment, next)),
                ..Material::default()
            },
        };
        if text.is_some() && bypass != Some(true) {
            self.check_lockout(&key, key.policy.latest())?;
        }
        self.log.keys.push(at.clone());
        self.state.symbol(at.arn());
        let output = json!({"ReplicaKeyMetadata": metadata(&key)});
        self.state.contents.keys.insert(at, key.into());
        super::pass_time(self.state);
        Ok(output)
    }

    /// kms:UpdatePrimaryRegion on both keys, each in its Region.
    pub(super) fn update_primary_region(&mut self) -> Answer {
        let region = self.region("PrimaryRegion")?;
        self.trace.rule("svc:K-22");
        self.trace.rule("svc:C-23");
        let keys = Context::new().with("kms:PrimaryRegion", region.as_str());
        let opened = self.open("KeyId", "kms:UpdatePrimaryRegion")?;
        let ask = Ask {
            keys: keys.clone(),
            ..Ask::default()
        };
        self.authorize("kms:UpdatePrimaryRegion", &opened, ask)?;
        let replica = KeyRef {
            region: region.clone(),
            ..opened.key.clone()
        };
        let has_replica = replica != opened.key
            && self
                .state
                .key(&replica)
                .is_some_and(|key| key.replica_of.as_ref() == Some(&opened.key));
        if has_replica {
            let there = self.actor.in_region(&region);
            let check = {
                let question = KeyQuestion {
                    operation: self.operation,
                    action: "kms:UpdatePrimaryRegion",
                    key: identifier::key(self.state, &replica),
                    alias: None,
                    encryption_context: None,
                    tokens: &[],
                    keys,
                    child: None,
                    policy: None,
                };
                decide(self.state, &there, &question)
            };
            self.require(check, false)?;
        }
        self.state_permits(&opened.key, KeyPart::Subject)?;
        self.usage_permits(&opened.key, None)?;
        if !has_replica {
            // There is no replica to become the primary; that the code is this one is assumed.
            return Err(Refusal::error("NotFoundException", 400, None).into());
        }
        self.log.keys.push(replica.clone());
        self.trace.rule("svc:ST-4");
        let moment = self.state.clock.moment();
        for key in self.state.contents.keys.values_mut() {
            if key.at == replica {
                key.replica_of = None;
            } else if key.at == opened.key || key.replica_of.as_ref() == Some(&opened.key) {
                key.replica_of = Some(replica.clone());
            }
            if key.at == replica || key.at == opened.key {
                key.material.becomes = Some((moment, key.state));
                key.state = KeyState::Updating;
            }
        }
        super::pass_time(self.state);
        Ok(empty())
    }

    fn region(&self, parameter: &str) -> Result<Region, Stop> {
        Region::new(self.with.needed_text(parameter)?).map_err(|_| validation(None))
    }
}
