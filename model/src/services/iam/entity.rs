//! Creating, reading, tagging and deleting users, roles and groups.

use std::collections::BTreeMap;
use std::sync::Arc;

use serde_json::{Value, json};

use super::super::{Call, empty, request_tag_keys};
use super::{Kind, Target, delete_conflict, no_such_entity, show_tags};
use crate::context::Context;
use crate::policy::PolicyKind;
use crate::world::clock::Delayed;
use crate::world::policy::{StoredPolicy, managed};
use crate::world::state::{Group, IdentityPolicies, Role, User};
use crate::world::symbol;
use crate::world::trace::{Answer, Refusal, Stop};

impl Call<'_> {
    pub(super) fn create_entity(&mut self, kind: Kind) -> Answer {
        let path = self.with.text("Path")?.unwrap_or("/").to_owned();
        let named = self.target(kind)?;
        let target = Target {
            arn: format!(
                "arn:aws:iam::{}:{}{path}{}",
                named.account,
                kind.word().to_lowercase(),
                named.name
            ),
            ..named
        };
        let tags = self.with.tags("Tags", "Key", "Value")?.unwrap_or_default();
        let boundary = self.with.text("PermissionsBoundary")?.map(str::to_owned);
        let mut keys = if tags.is_empty() {
            Context::new()
        } else {
            tag_keys(&tags)
        };
        if let Some(boundary) = &boundary {
            keys.set("iam:PermissionsBoundary", boundary.as_str());
        }
        self.authorize(&format!("iam:Create{}", kind.word()), target.arn.clone(), keys.clone())?;
        if !tags.is_empty() && kind != Kind::Group {
            self.authorize(&format!("iam:Tag{}", kind.word()), target.arn.clone(), keys)?;
        }
        if self.policies_of(&target).is_some() {
            let message = format!("{} with name {} already exists.", kind.word(), target.name);
            return Err(Refusal::error("EntityAlreadyExists", 409, message).into());
        }
        if let Some(boundary) = &boundary
            && managed(self.state, boundary).is_none()
        {
            return Err(super::not_found(None));
        }
        let seed = self.state.next_seed(&target.arn);
        let identity = Delayed::new(IdentityPolicies {
            permissions_boundary: boundary,
            ..IdentityPolicies::default()
        });
        let account = target.account.clone();
        match kind {
            Kind::User => {
                let unique_id = self.state.symbol(symbol::unique_id("AIDA", &seed));
                let user = User {
                    path,
                    unique_id,
                    identity,
                    tags: Delayed::new(tags),
                };
                self.state.account_mut(&account).users.insert(target.name.clone(), user);
            }
            Kind::Role => {
                let text = self.with.policy("AssumeRolePolicyDocument")?;
                let text = text.ok_or_else(|| self.with.wrong("AssumeRolePolicyDocument", "it is needed"))?;
                let trust = StoredPolicy::save(self.state, &text, PolicyKind::Trust)
                    .map_err(|error| self.policy_refusal(&error))?;
                let unique_id = self.state.symbol(symbol::unique_id("AROA", &seed));
                let role = Role {
                    path,
                    unique_id,
                    trust: Delayed::new(Arc::new(trust)),
                    identity,
                    tags: Delayed::new(tags),
                    service_linked: None,
                };
                self.state.account_mut(&account).roles.insert(target.name.clone(), role);
            }
            Kind::Group => {
                let group = Group { path, identity };
                self.state
                    .account_mut(&account)
                    .groups
                    .insert(target.name.clone(), group);
            }
        }
        self.show(&target)
    }

    pub(super) fn get_entity(&mut self, kind: Kind) -> Answer {
        let target = self.target(kind)?;
        self.authorize_on(&format!("iam:Get{}", kind.word()), &target, Context::new())?;
        self.must_exist(&target)?;
        self.show(&target)
    }

    /// An entity goes only when nothing hangs on it any more. What was bound to its unique id is dead from now on (`iam:P-40`).
    pub(super) fn delete_entity(&mut self, kind: Kind) -> Answer {
        let target = self.target(kind)?;
        self.authorize_on(&format!("iam:Delete{}", kind.word()), &target, Context::new())?;
        self.must_exist(&target)?;
        self.must_not_be_protected(&target)?;
        let own = self
            .policies_of(&target)
            .map(|own| own.latest().clone())
            .unwrap_or_default();
        if !own.attached.is_empty() {
            return Err(delete_conflict("Cannot delete entity, must detach all policies first."));
        }
        if !own.inline.is_empty() {
            return Err(delete_conflict("Cannot delete entity, must delete policies first."));
        }
        if !own.groups.is_empty() {
            return Err(delete_conflict(
                "Cannot delete entity, must remove users from group first.",
            ));
        }
        let account = self.state.account_mut(&target.account);
        if kind == Kind::Group
            && account
                .users
                .values()
                .any(|user| user.identity.latest().groups.contains(&target.name))
        {
            return Err(delete_conflict(
                "Cannot delete entity, must remove users from group first.",
            ));
        }
        match kind {
            Kind::User => drop(account.users.remove(&target.name)),
            Kind::Role => drop(account.roles.remove(&target.name)),
            Kind::Group => drop(account.groups.remove(&target.name)),
        }
        self.trace.rule("iam:P-40");
        Ok(empty())
    }

    pub(super) fn tag_entity(&mut self, kind: Kind) -> Answer {
        let tags = self.with.tags("Tags", "Key", "Value")?.unwrap_or_default();
        self.change_tags(kind, &format!("iam:Tag{}", kind.word()), tag_keys(&tags), |own| {
            own.extend(tags)
        })
    }

    pub(super) fn untag_entity(&mut self, kind: Kind) -> Answer {
        let names = self.with.texts("TagKeys")?.unwrap_or_default();
        let keys = Context::new().with("aws:TagKeys", names.clone());
        self.change_tags(kind, &format!("iam:Untag{}", kind.word()), keys, |own| {
            own.retain(|name, _| !names.contains(name))
        })
    }

    fn change_tags(
        &mut self,
        kind: Kind,
        action: &str,
        keys: Context,
        change: impl FnOnce(&mut BTreeMap<String, String>),
    ) -> Answer {
        let target = self.target(kind)?;
        self.authorize_on(action, &target, keys)?;
        self.must_exist(&target)?;
        self.must_not_be_protected(&target)?;
        let mut clock = self.state.clock.clone();
        let account = self.state.account_mut(&target.account);
        let tags = match kind {
            Kind::User => account.users.get_mut(&target.name).map(|user| &mut user.tags),
            Kind::Role => account.roles.get_mut(&target.name).map(|role| &mut role.tags),
            Kind::Group => None,
        };
        tags.ok_or_else(|| no_such_entity(&target))?.change(&mut clock, change);
        self.state.clock = clock;
        Ok(empty())
    }

    fn show(&self, target: &Target) -> Result<Value, Stop> {
        let name = format!("{}Name", target.kind.word());
        let mut shown = json!({name: target.name, "Arn": target.arn});
        let account = self
            .state
            .account(&target.account)
            .ok_or_else(|| no_such_entity(target))?;
        match target.kind {
            Kind::User => {
                let user = account.users.get(&target.name).ok_or_else(|| no_such_entity(target))?;
                shown["UserId"] = json!(user.unique_id);
                shown["Path"] = json!(user.path);
                if !user.tags.latest().is_empty() {
                    shown["Tags"] = show_tags(user.tags.latest());
                }
            }
            Kind::Role => {
                let role = account.roles.get(&target.name).ok_or_else(|| no_such_entity(target))?;
                shown["RoleId"] = json!(role.unique_id);
                shown["Path"] = json!(role.path);
                if !role.tags.latest().is_empty() {
                    shown["Tags"] = show_tags(role.tags.latest());
                }
            }
            Kind::Group => {}
        }
        Ok(json!({target.kind.word(): shown}))
    }
}

fn tag_keys(tags: &BTreeMap<String, String>) -> Context {
    request_tag_keys(tags.iter().map(|(key, value)| (key.as_str(), value.as_str())))
}
