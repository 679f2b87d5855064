//! Inline policies, trust policies and permissions boundaries.

use std::sync::Arc;

use serde_json::json;

use super::super::{Call, empty};
use super::{Kind, Target, not_found};
use crate::context::Context;
use crate::policy::{InlineOwner, PolicyKind, length_without_white_space};
use crate::world::policy::{StoredPolicy, managed};
use crate::world::trace::{Answer, Refusal, Stop};

impl Call<'_> {
    pub(super) fn put_inline_policy(&mut self, kind: Kind) -> Answer {
        let target = self.target(kind)?;
        let name = self.with.needed_text("PolicyName")?.to_owned();
        let text = self
            .with
            .policy("PolicyDocument")?
            .ok_or_else(|| self.with.wrong("PolicyDocument", "it is needed"))?;
        self.authorize_on(&format!("iam:Put{}Policy", kind.word()), &target, Context::new())?;
        self.must_exist(&target)?;
        self.must_not_be_protected(&target)?;
        let policy =
            StoredPolicy::save(self.state, &text, PolicyKind::Inline).map_err(|error| self.policy_refusal(&error))?;
        self.check_quota(&target, &name, &text)?;
        self.change_policies(&target, |own| {
            own.inline.insert(name, Arc::new(policy));
        })?;
        Ok(empty())
    }

    /// All inline policies of an entity share one quota (`iam:G-80`).
    fn check_quota(&mut self, target: &Target, name: &str, text: &str) -> Result<(), Stop> {
        let owner = match target.kind {
            Kind::User => InlineOwner::User,
            Kind::Role => InlineOwner::Role,
            Kind::Group => InlineOwner::Group,
        };
        let quota = PolicyKind::inline_quota(owner);
        let others: usize = self
            .policies_of(target)
            .into_iter()
            .flat_map(|own| own.latest().inline.iter())
            .filter(|(other, _)| *other != name)
            .map(|(_, policy)| length_without_white_space(&policy.text))
            .sum();
        if others + length_without_white_space(text) <= quota {
            return Ok(());
        }
        self.trace.rule("iam:G-80");
        let message = format!(
            "Maximum policy size of {quota} bytes exceeded for {} {}",
            target.kind.word().to_lowercase(),
            target.name
        );
        Err(Refusal::error("LimitExceeded", 409, message).into())
    }

    pub(super) fn get_inline_policy(&mut self, kind: Kind) -> Answer {
        let target = self.target(kind)?;
        let name = self.with.needed_text("PolicyName")?.to_owned();
        self.authorize_on(&format!("iam:Get{}Policy", kind.word()), &target, Context::new())?;
        self.must_exist(&target)?;
        let policy = self
            .policies_of(&target)
            .and_then(|own| own.latest().inline.get(&name))
            .cloned();
        let policy = policy.ok_or_else(|| missing_policy(&target, &name))?;
        let entity = format!("{}Name", kind.word());
        Ok(json!({entity: target.name, "PolicyName": name, "PolicyDocument": policy.text}))
    }

    pub(super) fn delete_inline_policy(&mut self, kind: Kind) -> Answer {
        let target = self.target(kind)?;
        let name = self.with.needed_text("PolicyName")?.to_owned();
        self.authorize_on(&format!("iam:Delete{}Policy", kind.word()), &target, Context::new())?;
        self.must_exist(&target)?;
        self.must_not_be_protected(&target)?;
        if !self
            .policies_of(&target)
            .is_some_and(|own| own.latest().inline.contains_key(&name))
        {
            return Err(missing_policy(&target, &name));
        }
        self.change_policies(&target, |own| {
            own.inline.remove(&name);
        })?;
        Ok(empty())
    }

    pub(super) fn put_permissions_boundary(&mut self, kind: Kind) -> Answer {
        let target = self.target(kind)?;
        let boundary = self.with.needed_text("PermissionsBoundary")?.to_owned();
        let keys = Context::new().with("iam:PermissionsBoundary", boundary.as_str());
        self.authorize_on(&format!("iam:Put{}PermissionsBoundary", kind.word()), &target, keys)?;
        self.must_exist(&target)?;
        if managed(self.state, &boundary).is_none() {
            return Err(not_found(None));
        }
        self.change_policies(&target, |own| own.permissions_boundary = Some(boundary))?;
        Ok(empty())
    }

    pub(super) fn delete_permissions_boundary(&mut self, kind: Kind) -> Answer {
        let target = self.target(kind)?;
        self.authorize_on(
            &format!("iam:Delete{}PermissionsBoundary", kind.word()),
            &target,
            Context::new(),
        )?;
        self.must_exist(&target)?;
        if self
            .policies_of(&target)
            .is_none_or(|own| own.latest().permissions_boundary.is_none())
        {
            return Err(not_found(None));
        }
        self.change_policies(&target, |own| own.permissions_boundary = None)?;
        Ok(empty())
    }

    pub(super) fn update_assume_role_policy(&mut self) -> Answer {
        let target = self.target(Kind::Role)?;
        let text = self
            .with
            .policy("PolicyDocument")?
            .ok_or_else(|| self.with.wrong("PolicyDocument", "it is needed"))?;
        self.authorize_on("iam:UpdateAssumeRolePolicy", &target, Context::new())?;
        self.must_exist(&target)?;
        self.must_not_be_protected(&target)?;
        let policy =
            StoredPolicy::save(self.state, &text, PolicyKind::Trust).map_err(|error| self.policy_refusal(&error))?;
        let mut clock = self.state.clock.clone();
        if let Some(role) = self.state.account_mut(&target.account).roles.get_mut(&target.name) {
            role.trust.set(&mut clock, Arc::new(policy));
        }
        self.state.clock = clock;
        Ok(empty())
    }
}

fn missing_policy(target: &Target, name: &str) -> Stop {
    let message = format!(
        "The {} policy with name {name} cannot be found.",
        target.kind.word().to_lowercase()
    );
    not_found(Some(message))
}
