//! The IAM calls that change who may do what: users, groups, roles, their policies, boundaries and tags.

mod entity;
mod managed;
mod membership;
mod policies;

use serde_json::Value;

use super::Call;
use crate::context::Context;
use crate::evaluate::Caller;
use crate::name::AccountId;
use crate::policy::{PolicyError, PolicyErrorKind};
use crate::world::StepError;
use crate::world::actor::Actor;
use crate::world::clock::Delayed;
use crate::world::parameters::Parameters;
use crate::world::state::{IdentityPolicies, State};
use crate::world::trace::{Answer, Refusal, Stop, Trace};

/// Runs one IAM operation.
pub(crate) fn call(state: &mut State, trace: &mut Trace, actor: &Actor, name: &str, with: Parameters<'_>) -> Answer {
    let mut call = Call {
        state,
        trace,
        actor,
        with,
        denied_code: "AccessDenied",
        denied_status: 403,
    };
    for (verb, run) in ENTITY_OPERATIONS {
        for kind in Kind::ALL {
            if name == verb.replace("{}", kind.word()) {
                return run(&mut call, kind);
            }
        }
    }
    match name {
        "UpdateAssumeRolePolicy" => call.update_assume_role_policy(),
        "CreatePolicy" => call.create_policy(),
        "DeletePolicy" => call.delete_policy(),
        "AddUserToGroup" => call.change_membership(true),
        "RemoveUserFromGroup" => call.change_membership(false),
        other => Err(StepError::Operation(format!("iam:{other}")).into()),
    }
}

type Run = fn(&mut Call<'_>, Kind) -> Answer;

/// Operations that exist for users, roles and mostly groups alike; `{}` stands for the kind.
const ENTITY_OPERATIONS: &[(&str, Run)] = &[
    ("Create{}", |call, kind| call.create_entity(kind)),
    ("Delete{}", |call, kind| call.delete_entity(kind)),
    ("Get{}", |call, kind| call.get_entity(kind)),
    ("Put{}Policy", |call, kind| call.put_inline_policy(kind)),
    ("Get{}Policy", |call, kind| call.get_inline_policy(kind)),
    ("Delete{}Policy", |call, kind| call.delete_inline_policy(kind)),
    ("Attach{}Policy", |call, kind| call.attach_policy(kind)),
    ("Detach{}Policy", |call, kind| call.detach_policy(kind)),
    ("Put{}PermissionsBoundary", |call, kind| {
        call.put_permissions_boundary(kind)
    }),
    ("Delete{}PermissionsBoundary", |call, kind| {
        call.delete_permissions_boundary(kind)
    }),
    ("Tag{}", |call, kind| call.tag_entity(kind)),
    ("Untag{}", |call, kind| call.untag_entity(kind)),
];

/// What an operation is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    User,
    Role,
    Group,
}

impl Kind {
    pub(super) const ALL: [Self; 3] = [Self::User, Self::Role, Self::Group];

    pub(super) fn word(self) -> &'static str {
        match self {
            Self::User => "User",
            Self::Role => "Role",
            Self::Group => "Group",
        }
    }

    fn lower(self) -> &'static str {
        match self {
            Self::User => "user",
            Self::Role => "role",
            Self::Group => "group",
        }
    }
}

/// An entity that a request names; it may not exist.
#[derive(Debug, Clone)]
pub(super) struct Target {
    pub(super) kind: Kind,
    pub(super) account: AccountId,
    pub(super) name: String,
    pub(super) arn: String,
}

impl Call<'_> {
    /// The entity of the request. The ARN of one that does not exist has no path.
    pub(super) fn target(&self, kind: Kind) -> Result<Target, Stop> {
        let parameter = format!("{}Name", kind.word());
        let name = match (kind, &self.actor.caller) {
            // GetUser without a name is about the caller.
            (Kind::User, Caller::User(user)) if !self.with.has(&parameter) => user.name.clone(),
            _ => self.with.needed_text(&parameter)?.to_owned(),
        };
        let account = self.own_account()?;
        let found = self.state.account(&account).and_then(|account| match kind {
            Kind::User => account.users.get(&name).map(|user| user.path.clone()),
            Kind::Role => account.roles.get(&name).map(|role| role.path.clone()),
            Kind::Group => account.groups.get(&name).map(|group| group.path.clone()),
        });
        let path = found.unwrap_or_else(|| "/".to_owned());
        let arn = format!("arn:aws:iam::{account}:{}{path}{name}", kind.lower());
        Ok(Target {
            kind,
            account,
            name,
            arn,
        })
    }

    /// Asks for the operation on its target. The target's tags and boundary are condition keys.
    pub(super) fn authorize_on(&mut self, action: &str, target: &Target, keys: Context) -> Result<(), Stop> {
        let mut keys = keys;
        let clock = &self.state.clock;
        let tags = match target.kind {
            Kind::User => self
                .state
                .user(&target.account, &target.name)
                .map(|user| user.tags.effective(clock)),
            Kind::Role => self
                .state
                .role(&target.account, &target.name)
                .map(|role| role.tags.effective(clock)),
            Kind::Group => None,
        };
        if let Some(tags) = tags {
            keys.set_family(
                "aws:ResourceTag/",
                tags.iter().map(|(key, value)| (key.as_str(), value.as_str())),
            );
        }
        if keys.get("iam:PermissionsBoundary").is_none()
            && let Some(boundary) = self
                .policies_of(target)
                .and_then(|own| own.latest().permissions_boundary.clone())
        {
            keys.set("iam:PermissionsBoundary", boundary);
        }
        self.authorize(action, target.arn.clone(), keys)
    }

    /// The policies of the target, or the answer that it does not exist; protected roles cannot be changed (`svc:N-7`).
    pub(super) fn changeable(&mut self, target: &Target) -> Result<&mut Delayed<IdentityPolicies>, Stop> {
        self.must_exist(target)?;
        self.must_not_be_protected(target)?;
        let account = self.state.contents.accounts.get_mut(&target.account);
        let policies = account.and_then(|account| match target.kind {
            Kind::User => account.users.get_mut(&target.name).map(|user| &mut user.identity),
            Kind::Role => account.roles.get_mut(&target.name).map(|role| &mut role.identity),
            Kind::Group => account.groups.get_mut(&target.name).map(|group| &mut group.identity),
        });
        policies.ok_or_else(|| no_such_entity(target))
    }

    /// Changes the policies of the target; the change takes effect after the propagation delay.
    pub(super) fn change_policies(
        &mut self,
        target: &Target,
        change: impl FnOnce(&mut IdentityPolicies),
    ) -> Result<(), Stop> {
        let mut clock = self.state.clock.clone();
        self.changeable(target)?.change(&mut clock, change);
        self.state.clock = clock;
        Ok(())
    }

    pub(super) fn policies_of(&self, target: &Target) -> Option<&Delayed<IdentityPolicies>> {
        let account = self.state.account(&target.account)?;
        match target.kind {
            Kind::User => account.users.get(&target.name).map(|user| &user.identity),
            Kind::Role => account.roles.get(&target.name).map(|role| &role.identity),
            Kind::Group => account.groups.get(&target.name).map(|group| &group.identity),
        }
    }

    pub(super) fn must_exist(&self, target: &Target) -> Result<(), Stop> {
        if self.policies_of(target).is_some() {
            Ok(())
        } else {
            Err(no_such_entity(target))
        }
    }

    /// Reserved and service-linked roles are AWS's (`svc:N-7`).
    pub(super) fn must_not_be_protected(&mut self, target: &Target) -> Result<(), Stop> {
        let protected = target.kind == Kind::Role
            && self
                .state
                .role(&target.account, &target.name)
                .is_some_and(|role| role.service_linked.is_some() || role.path.starts_with("/aws-reserved/"));
        if !protected {
            return Ok(());
        }
        self.trace.rule("svc:N-7");
        let message = format!(
            "Cannot perform the operation on the protected role '{}' - this role is only modifiable by AWS",
            target.name
        );
        Err(Refusal::error("UnmodifiableEntity", 400, message).into())
    }

    /// The answer to a policy that IAM refuses.
    pub(super) fn policy_refusal(&mut self, error: &PolicyError) -> Stop {
        self.trace.rules.insert(error.rule.clone());
        let message = (!error.message.is_empty()).then(|| error.message.clone());
        let (code, status) = match error.kind {
            PolicyErrorKind::TooLong | PolicyErrorKind::PackedTooLarge => ("LimitExceeded", 409),
            PolicyErrorKind::Characters => ("ValidationError", 400),
            PolicyErrorKind::Malformed | PolicyErrorKind::InvalidPrincipal => ("MalformedPolicyDocument", 400),
        };
        Refusal::error(code, status, message).into()
    }
}

/// `NoSuchEntity`, 404.
pub(super) fn no_such_entity(target: &Target) -> Stop {
    let message = format!("The {} with name {} cannot be found.", target.kind.lower(), target.name);
    Refusal::error("NoSuchEntity", 404, message).into()
}

/// `NoSuchEntity` for something else.
pub(super) fn not_found(message: Option<String>) -> Stop {
    Refusal::error("NoSuchEntity", 404, message).into()
}

/// `DeleteConflict`, 409.
pub(super) fn delete_conflict(message: &str) -> Stop {
    Refusal::error("DeleteConflict", 409, message.to_owned()).into()
}

/// A tag as IAM shows and takes it.
pub(super) fn show_tags(tags: &std::collections::BTreeMap<String, String>) -> Value {
    tags.iter()
        .map(|(key, value)| serde_json::json!({"Key": key, "Value": value}))
        .collect()
}
