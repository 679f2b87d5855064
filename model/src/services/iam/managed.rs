//! Managed policies: making, attaching, detaching.

use std::sync::Arc;

use serde_json::json;

use super::super::{Call, empty};
use super::{Kind, delete_conflict, not_found};
use crate::context::Context;
use crate::name::Arn;
use crate::policy::PolicyKind;
use crate::world::policy::{StoredPolicy, managed};
use crate::world::state::ManagedPolicy;
use crate::world::trace::{Answer, Refusal, Stop};

impl Call<'_> {
    pub(super) fn create_policy(&mut self) -> Answer {
        let name = self.with.needed_text("PolicyName")?.to_owned();
        let path = self.with.text("Path")?.unwrap_or("/").to_owned();
        let text = self
            .with
            .policy("PolicyDocument")?
            .ok_or_else(|| self.with.wrong("PolicyDocument", "it is needed"))?;
        let account = self.own_account()?;
        let arn = format!("arn:aws:iam::{account}:policy{path}{name}");
        self.authorize("iam:CreatePolicy", arn.clone(), Context::new())?;
        if self
            .state
            .account(&account)
            .is_some_and(|account| account.managed_policies.values().any(|policy| policy.name == name))
        {
            let message = format!("A policy called {name} already exists. Duplicate names are not allowed.");
            return Err(Refusal::error("EntityAlreadyExists", 409, message).into());
        }
        let policy =
            StoredPolicy::save(self.state, &text, PolicyKind::Managed).map_err(|error| self.policy_refusal(&error))?;
        let policy = ManagedPolicy {
            name: name.clone(),
            policy: Arc::new(policy),
        };
        self.state
            .account_mut(&account)
            .managed_policies
            .insert(arn.clone(), policy);
        Ok(json!({"Policy": {"PolicyName": name, "Arn": arn, "Path": path}}))
    }

    pub(super) fn delete_policy(&mut self) -> Answer {
        let arn = self.with.needed_text("PolicyArn")?.to_owned();
        self.authorize("iam:DeletePolicy", arn.clone(), Context::new())?;
        let account = self.own_account()?;
        if !self
            .state
            .account(&account)
            .is_some_and(|account| account.managed_policies.contains_key(&arn))
        {
            return Err(unknown(&arn));
        }
        if self.is_attached(&account, &arn) {
            return Err(delete_conflict("Cannot delete a policy attached to entities."));
        }
        self.state.account_mut(&account).managed_policies.remove(&arn);
        Ok(empty())
    }

    fn is_attached(&self, account: &crate::name::AccountId, arn: &str) -> bool {
        let Some(account) = self.state.account(account) else {
            return false;
        };
        let users = account.users.values().map(|user| user.identity.latest());
        let roles = account.roles.values().map(|role| role.identity.latest());
        let groups = account.groups.values().map(|group| group.identity.latest());
        users.chain(roles).chain(groups).any(|own| {
            own.attached.iter().any(|other| other == arn) || own.permissions_boundary.as_deref() == Some(arn)
        })
    }

    pub(super) fn attach_policy(&mut self, kind: Kind) -> Answer {
        let target = self.target(kind)?;
        let arn = self.with.needed_text("PolicyArn")?.to_owned();
        let keys = Context::new().with("iam:PolicyARN", arn.as_str());
        self.authorize_on(&format!("iam:Attach{}Policy", kind.word()), &target, keys)?;
        self.must_exist(&target)?;
        self.must_not_be_protected(&target)?;
        // Policies of other accounts cannot be attached.
        let reachable = match Arn::new(arn.as_str()).ok().and_then(|arn| arn.account()) {
            Some(account) => account == target.account,
            None => true,
        };
        if !reachable || managed(self.state, &arn).is_none() {
            return Err(not_attachable(&arn));
        }
        self.change_policies(&target, |own| {
            if !own.attached.contains(&arn) {
                own.attached.push(arn);
            }
        })?;
        Ok(empty())
    }

    pub(super) fn detach_policy(&mut self, kind: Kind) -> Answer {
        let target = self.target(kind)?;
        let arn = self.with.needed_text("PolicyArn")?.to_owned();
        let keys = Context::new().with("iam:PolicyARN", arn.as_str());
        self.authorize_on(&format!("iam:Detach{}Policy", kind.word()), &target, keys)?;
        self.must_exist(&target)?;
        self.must_not_be_protected(&target)?;
        if !self
            .policies_of(&target)
            .is_some_and(|own| own.latest().attached.contains(&arn))
        {
            return Err(unknown(&arn));
        }
        self.change_policies(&target, |own| own.attached.retain(|other| *other != arn))?;
        Ok(empty())
    }
}

/// What calls say that attach a policy; the others say [`unknown`].
fn not_attachable(arn: &str) -> Stop {
    not_found(Some(format!("Policy {arn} does not exist or is not attachable.")))
}

fn unknown(arn: &str) -> Stop {
    not_found(Some(format!("Policy {arn} was not found.")))
}
