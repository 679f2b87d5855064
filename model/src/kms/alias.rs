//! Aliases: operations on two or three resources under one action name (`svc:K-17`).

use serde_json::{Value, json};

use super::authorize::denied_by_resource;
use super::identifier::alias_not_found;
use super::key::{Alias, KeyRef};
use super::key_state::KeyPart;
use super::{Ask, Call, Opened, empty, validation};
use crate::context::Context;
use crate::world::clock::Delayed;
use crate::world::state::AliasRef;
use crate::world::trace::{Answer, Refusal, Stop};

impl Call<'_> {
    pub(super) fn create_alias(&mut self) -> Answer {
        let at = self.alias_at()?;
        let opened = self.open_own("kms:CreateAlias")?;
        self.refuse_reserved(&at, "kms:CreateAlias")?;
        self.trace.rule("svc:K-17");
        self.authorize_identity("kms:CreateAlias", at.arn(), Context::new())?;
        self.authorize("kms:CreateAlias", &opened, Ask::default())?;
        if self.target(&at).is_some() {
            let message = format!("An alias with the name {} already exists", at.arn());
            return Err(Refusal::error("AlreadyExistsException", 400, message).into());
        }
        self.state_permits(&opened.key, KeyPart::Subject)?;
        self.point(&at, Some(opened.key));
        Ok(empty())
    }

    pub(super) fn update_alias(&mut self) -> Answer {
        let at = self.alias_at()?;
        let Some(current) = self.target(&at) else {
            return Err(alias_not_found(&at));
        };
        let opened = self.open_own("kms:UpdateAlias")?;
        self.refuse_reserved(&at, "kms:UpdateAlias")?;
        let current = Opened {
            key: current,
            alias: None,
        };
        self.trace.rule("svc:K-17");
        self.authorize_identity("kms:UpdateAlias", at.arn(), Context::new())?;
        self.authorize("kms:UpdateAlias", &current, Ask::default())?;
        self.authorize("kms:UpdateAlias", &opened, Ask::default())?;
        self.state_permits(&current.key, KeyPart::Subject)?;
        self.state_permits(&opened.key, KeyPart::Target)?;
        let (old, new) = (self.key(&current.key), self.key(&opened.key));
        if old.grant_type() != new.grant_type() || old.usage != new.usage {
            return Err(validation(None));
        }
        self.point(&at, Some(opened.key));
        Ok(empty())
    }

    /// The key that an alias shall name. One of another account is refused before the alias is asked about (`svc:K-9`).
    fn open_own(&mut self, action: &str) -> Result<Opened, Stop> {
        let opened = self.open("TargetKeyId", action)?;
        if self.is_foreign(&opened.key) {
            self.authorize(action, &opened, Ask::default())?;
        }
        Ok(opened)
    }

    pub(super) fn delete_alias(&mut self) -> Answer {
        let at = self.alias_at()?;
        let Some(current) = self.target(&at) else {
            return Err(alias_not_found(&at));
        };
        self.log.keys.push(current.clone());
        self.refuse_reserved(&at, "kms:DeleteAlias")?;
        let current = Opened {
            key: current,
            alias: None,
        };
        self.trace.rule("svc:K-17");
        self.authorize_identity("kms:DeleteAlias", at.arn(), Context::new())?;
        self.authorize("kms:DeleteAlias", &current, Ask::default())?;
        self.state_permits(&current.key, KeyPart::Subject)?;
        self.point(&at, None);
        Ok(empty())
    }

    pub(super) fn list_aliases(&mut self) -> Answer {
        let account = self.own_account()?;
        let mut keys = Context::new();
        super::authorize::set_caller_account(self.actor, &mut keys);
        self.authorize_identity("kms:ListAliases", "*".to_owned(), keys)?;
        let only = if self.with.has("KeyId") {
            // Not an operation across accounts: a foreign key ends it here (svc:K-9).
            let key = self.open("KeyId", "kms:ListAliases")?.key;
            if self.is_foreign(&key) {
                let arn = key.arn();
                let check = denied_by_resource(self.state, self.actor, "kms:ListAliases", &arn, "svc:K-9");
                return Err(self.denied(check, false));
            }
            // The key is a filter, not what is acted on (svc:K-18): the event names no resource.
            self.log.keys.clear();
            Some(key)
        } else {
            None
        };
        let shown: Vec<Value> = self
            .state
            .contents
            .aliases
            .iter()
            .filter(|(at, _)| at.account == account && at.region == self.actor.region)
            .filter_map(|(at, alias)| Some((at, alias.target.latest().as_ref()?)))
            .filter(|(_, key)| only.as_ref().is_none_or(|only| only == *key))
            .map(|(at, key)| json!({"AliasName": at.name, "AliasArn": at.arn(), "TargetKeyId": key.id}))
            .collect();
        Ok(json!({"Aliases": shown, "Truncated": false}))
    }

    /// The alias of the request: always of the caller's account and Region.
    fn alias_at(&mut self) -> Result<AliasRef, Stop> {
        let name = self.with.needed_text("AliasName")?.to_owned();
        let well_formed = name.strip_prefix("alias/").is_some_and(|rest| {
            !rest.is_empty()
                && rest
                    .bytes()
                    .all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'/' | b'_' | b'-'))
        });
        if !well_formed || name.len() > 256 {
            return Err(validation(None));
        }
        self.log.request("aliasName", json!(name));
        Ok(AliasRef {
            account: self.own_account()?,
            region: self.actor.region.clone(),
            name,
        })
    }

    fn target(&self, at: &AliasRef) -> Option<KeyRef> {
        self.state.contents.aliases.get(at)?.target.latest().clone()
    }

    /// `alias/aws/…` belongs to AWS (`svc:K-30` as corrected): never allowed.
    fn refuse_reserved(&mut self, at: &AliasRef, action: &str) -> Result<(), Stop> {
        if !at.name.starts_with("alias/aws/") {
            return Ok(());
        }
        self.trace.rule("svc:K-30");
        let mut check = denied_by_resource(self.state, self.actor, action, &at.arn(), "svc:K-30");
        check.message = None;
        Err(self.denied(check, false))
    }

    /// Points an alias at a key, or at nothing.
    fn point(&mut self, at: &AliasRef, target: Option<KeyRef>) {
        let state = &mut *self.state;
        match state.contents.aliases.get_mut(at) {
            Some(alias) => alias.target.set(&mut state.clock, target),
            None => {
                let mut delayed = Delayed::new(None);
                delayed.set(&mut state.clock, target);
                state.contents.aliases.insert(at.clone(), Alias { target: delayed });
            }
        }
    }
}
