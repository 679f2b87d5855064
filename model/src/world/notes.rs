//! Which rules of the services (`svc:…`) a call was made under besides those that its flow names on the way: what the operation is,
//! what the key, the grants and the parameters are. One table; nothing here decides.

use super::actor::Actor;
use super::state::State;
use crate::case::{CallStep, Decision, StepPrincipal};
use crate::kms::KeyState;
use crate::kms::key::{Key, KeyManager};
use crate::outcome::{Check, CheckDecision, GateVerdict, Outcome, PolicySet};
use crate::rule::{RuleId, rule};
use crate::s3::bucket::{Bucket, Ownership};
use crate::services::lambda::Function;

/// The rules of one call.
pub(super) fn of_call(state: &State, actor: &Actor, step: &CallStep, outcome: &Outcome) -> Vec<RuleId> {
    let look = Look {
        state,
        actor,
        step,
        outcome,
        keys: keys_of(state, outcome),
    };
    NOTES
        .iter()
        .filter(|(_, matters)| matters(&look))
        .flat_map(|(ids, _)| *ids)
        .map(|id| rule(id))
        .collect()
}

/// The rules of an invocation: how an encrypted environment is opened at the start, and what failing to comes to.
pub(super) fn of_invocation(state: &State, function: &Function) -> Vec<RuleId> {
    const OF_EVERY_KEY: &[&str] = &[
        "svc:L-4", "svc:L-5", "svc:L-6", "svc:L-8", "svc:L-9", "svc:L-10", "svc:Q-20",
    ];
    let Some(encrypted) = &function.encrypted else {
        return Vec::new();
    };
    let key = state.contents.keys.get(&encrypted.key);
    let disabled = key.is_some_and(|key| key.state == KeyState::Disabled);
    let of_state = disabled.then_some("svc:L-7");
    OF_EVERY_KEY.iter().copied().chain(of_state).map(rule).collect()
}

/// Everything a row may look at.
struct Look<'a> {
    state: &'a State,
    actor: &'a Actor,
    step: &'a CallStep,
    outcome: &'a Outcome,
    /// The keys that were asked about, as far as they exist.
    keys: Vec<&'a Key>,
}

fn keys_of<'a>(state: &'a State, outcome: &Outcome) -> Vec<&'a Key> {
    let asked: Vec<&str> = key_checks(outcome).map(|check| check.resource.as_str()).collect();
    if asked.is_empty() {
        return Vec::new();
    }
    let keys = state.contents.keys.values().map(|key| &**key);
    keys.filter(|key| asked.contains(&key.arn().as_str())).collect()
}

/// The checks on keys, the call's own or those of a service for the caller.
fn key_checks(outcome: &Outcome) -> impl Iterator<Item = &Check> {
    let checks = outcome.checks.iter();
    checks.filter(|check| check.action.service() == "kms" && check.resource.contains(":key/"))
}

impl Look<'_> {
    fn calls(&self, operations: &[&str]) -> bool {
        operations.contains(&self.step.call.as_str())
    }

    fn is_of(&self, service: &str) -> bool {
        self.step.call.service() == service
    }

    fn has(&self, parameter: &str) -> bool {
        self.step.with.contains_key(parameter)
    }

    fn is_allowed(&self) -> bool {
        self.outcome.decision == Decision::Allow
    }

    fn code_is(&self, code: &str) -> bool {
        self.outcome.code.as_deref() == Some(code)
    }

    fn key_check(&self, wanted: fn(&Check) -> bool) -> bool {
        key_checks(self.outcome).any(wanted)
    }

    fn keys(&self) -> impl Iterator<Item = &Key> {
        self.keys.iter().copied()
    }

    fn on_foreign_key(&self) -> bool {
        let account = self.actor.account();
        account.is_some_and(|account| {
            key_checks(self.outcome).any(|check| check.resource.split(':').nth(4) != Some(account.as_str()))
        })
    }

    fn some_grant(&self) -> bool {
        self.keys().any(|key| !key.grants.is_empty())
    }

    /// Some grant for the operation of a check has a constraint.
    fn some_constraint(&self, wanted: fn(&crate::kms::grant::Constraints) -> bool) -> bool {
        self.keys()
            .any(|key| key.grants.iter().any(|grant| wanted(&grant.constraints)))
    }

    fn key_state_is(&self, wanted: fn(KeyState) -> bool) -> bool {
        self.keys().any(|key| wanted(key.state))
    }

    /// The bucket of an S3 call.
    fn bucket(&self) -> Option<&Bucket> {
        let name = self.step.with.get("Bucket")?.as_str()?;
        self.state.bucket(name)
    }

    fn is_by(&self, wanted: fn(&StepPrincipal) -> bool) -> bool {
        wanted(&self.step.principal)
    }

    /// A check of S3's own.
    fn s3_check(&self, wanted: fn(&Check) -> bool) -> bool {
        let checks = self.outcome.checks.iter();
        checks.filter(|check| check.action.service() == "s3").any(wanted)
    }
}

/// Rules and when they matter.
type Row = (&'static [&'static str], fn(&Look<'_>) -> bool);

/// Operations that change a key policy or take one.
const POLICY_WRITES: &[&str] = &["kms:PutKeyPolicy", "kms:CreateKey"];
const ALIAS_WRITES: &[&str] = &["kms:CreateAlias", "kms:UpdateAlias", "kms:DeleteAlias"];
const ROTATION: &[&str] = &[
    "kms:EnableKeyRotation",
    "kms:DisableKeyRotation",
    "kms:GetKeyRotationStatus",
    "kms:ListKeyRotations",
];
/// Operations with which a key can be looked at and repaired in every state.
const REPAIRS: &[&str] = &[
    "kms:DescribeKey",
    "kms:GetKeyPolicy",
    "kms:ListGrants",
    "kms:PutKeyPolicy",
    "kms:RetireGrant",
    "kms:RevokeGrant",
];
/// Operations that change a key itself, which no account may do to a key that AWS manages.
const KEY_CHANGES: &[&str] = &[
    "kms:CreateGrant",
    "kms:DisableKey",
    "kms:EnableKey",
    "kms:PutKeyPolicy",
    "kms:ScheduleKeyDeletion",
    "kms:TagResource",
];
const ROLE_WRITES: &[&str] = &[
    "iam:AttachRolePolicy",
    "iam:DeleteRole",
    "iam:DetachRolePolicy",
    "iam:PutRolePolicy",
    "iam:UpdateAssumeRolePolicy",
];

#[rustfmt::skip]
const NOTES: &[Row] = &[
    (&["svc:K-1", "svc:K-2"], |look| look.key_check(|_| true)),
    (&["svc:K-3", "svc:Q-16"], |look| !look.on_foreign_key() && look.key_check(|check| policy_says(check, |verdict, principal| verdict == OTHER_PRINCIPAL || matches!(principal, Some("caller" | "parent"))))),
    (&["svc:K-4a"], |look| look.key_check(|check| policy_says(check, |_, principal| principal == Some("account")))),
    (&["svc:K-5"], |look| look.key_check(|check| policy_says(check, |verdict, principal| principal == Some("account") && verdict != OTHER_PRINCIPAL))),
    (&["svc:K-6"], |look| look.key_check(|check| !policy_says(check, |verdict, principal| principal == Some("account") && verdict == "applies"))),
    (&["svc:K-7a"], |look| look.on_foreign_key()),
    (&["svc:K-8", "svc:K-9"], |look| look.on_foreign_key()),
    (&["svc:K-11", "svc:G-23"], |look| look.key_check(|check| check.statements.iter().any(|statement| statement.set == PolicySet::Resource && statement.effect == "Deny"))),
    (&["svc:K-12"], |look| look.key_check(|check| policy_says(check, |verdict, principal| principal == Some("wild") && verdict == "applies"))),
    (&["svc:K-13"], |look| look.key_check(|check| policy_says(check, |_, principal| principal == Some("wild")) && check.names("svc:C-1"))),
    (&["svc:K-15"], |look| look.keys().any(|key| key.multi_region)),
    (&["svc:K-20", "svc:G-1", "svc:G-15"], |look| look.some_grant()),
    (&["svc:K-23"], |look| look.key_check(|check| check.statements.iter().any(|statement| statement.rules.contains("iam:M-02")))),
    (&["svc:K-24"], |look| look.is_of("kms") && look.has("KeyId") && (look.is_allowed() || look.outcome.rules.contains("svc:K-24"))),
    (&["svc:K-25"], |look| look.calls(&["kms:Decrypt", "kms:ReEncrypt"])),
    (&["svc:K-26"], |look| look.has("DryRun")),
    (&["svc:K-27"], |look| look.key_check(is_limited)),
    (&["svc:K-28"], |look| look.is_of("kms") && look.state.clock.propagation != jiff::SignedDuration::ZERO),
    (&["svc:K-29", "svc:P-1", "svc:P-2", "svc:P-3", "svc:P-4", "svc:P-5"], |look| look.calls(POLICY_WRITES) && look.has("Policy")),
    (&["svc:P-6"], |look| look.calls(&["kms:PutKeyPolicy"])),
    (&["svc:K-30"], |look| look.calls(ALIAS_WRITES)),
    (&["svc:K-31", "svc:Q-2"], |look| look.is_of("kms") && !look.is_allowed()),
    (&["svc:K-33"], |look| look.is_of("kms") && look.code_is("NotFoundException")),
    (&["svc:K-34"], |look| look.calls(&["kms:PutKeyPolicy", "kms:GetKeyPolicy"]) && look.has("PolicyName")),
    (&["svc:N-2"], |look| look.calls(ROTATION)),
    (&["svc:N-3"], |look| look.calls(&["kms:UpdateAlias"])),
    (&["svc:N-4"], |look| look.key_check(|check| check.names("svc:C-11"))),
    (&["svc:N-5"], |look| look.calls(REPAIRS) || look.key_state_is(|state| state != KeyState::Enabled)),
    (&["svc:N-6"], |look| look.calls(&["kms:CreateKey"])),
    (&["svc:N-7"], |look| look.calls(ROLE_WRITES)),
    (&["svc:G-4"], |look| look.calls(&["kms:CreateGrant"])),
    (&["svc:G-2", "svc:G-3", "svc:G-5"], |look| look.calls(&["kms:CreateGrant"])),
    (&["svc:G-7"], |look| look.calls(&["kms:CreateGrant"]) && look.has("Name")),
    (&["svc:G-10", "svc:G-12"], |look| look.some_constraint(|constraints| constraints.pairs().is_some())),
    (&["svc:G-10a", "svc:Q-1"], |look| look.some_constraint(|constraints| constraints.pairs().is_some())),
    (&["svc:G-13"], |look| look.some_constraint(|constraints| constraints.source_arn.is_some())),
    (&["svc:G-14"], |look| look.some_grant()),
    (&["svc:G-17"], |look| look.calls(&["kms:RetireGrant"])),
    (&["svc:G-18"], |look| look.calls(&["kms:RevokeGrant"])),
    (&["svc:G-19"], |look| look.calls(&["kms:ListGrants", "kms:ListRetirableGrants"])),
    (&["svc:G-20"], |look| look.on_foreign_key() && look.some_grant()),
    (&["svc:G-21", "svc:G-22"], |look| look.some_grant() && (look.has("GrantTokens") || look.state.clock.propagation != jiff::SignedDuration::ZERO)),
    (&["svc:G-22"], |look| look.has("GrantTokens")),
    (&["svc:G-24"], |look| look.keys().any(|key| key.grants.len() > 1)),
    (&["svc:ST-1", "svc:ST-2"], |look| look.key_state_is(|state| state != KeyState::Enabled)),
    (&["svc:ST-3"], |look| look.key_state_is(|state| state == KeyState::PendingDeletion)),
    (&["svc:ST-4"], |look| look.calls(&["kms:EnableKey", "kms:DisableKey", "kms:ScheduleKeyDeletion", "kms:CancelKeyDeletion"])),
    (&["svc:M-1"], |look| look.calls(KEY_CHANGES)),
    (&["svc:M-2", "svc:M-3", "svc:M-7"], |look| look.keys().any(|key| matches!(key.manager, KeyManager::Aws(_)))),
    (&["svc:F-6", "svc:F-7"], |look| look.actor.is_service() && look.key_check(|check| check.statements.iter().any(|statement| statement.effect == "Deny" && statement.principal.as_deref() == Some("wild")))),
    (&["svc:G-11"], |look| look.calls(&["kms:CreateGrant"]) && look.some_constraint(|constraints| constraints.pairs().is_some())),
    (&["svc:P-7"], |look| look.calls(&["kms:CreateKey"])),
    (&["svc:X-4"], |look| look.calls(&["kms:Decrypt"]) && !look.is_allowed()),
    (&["svc:X-6"], |look| look.key_check(|check| check.decision == CheckDecision::ExplicitDeny)),
    (&["svc:S-19"], |look| look.is_of("s3")),
    (&["svc:S-30", "svc:X-5"], |look| look.is_of("s3") && look.key_check(|_| true)),
    (&["svc:S-31"], |look| look.is_of("s3") && look.key_state_is(|state| state == KeyState::Disabled)),
    (&["svc:S-32"], |look| look.is_of("s3") && look.key_state_is(|state| state == KeyState::PendingDeletion)),
    (&["svc:S-33", "svc:S-34", "svc:S-35"], |look| look.is_of("s3") && look.has("SSEKMSKeyId")),
    (&["svc:S-4"], |look| look.is_of("s3") && look.has("ACL")),
    (&["svc:S-5"], |look| look.bucket().is_some_and(|bucket| bucket.ownership() != Ownership::BucketOwnerEnforced)),
    (&["svc:S-6", "svc:S-7"], |look| look.calls(&["s3:PutBucketPolicy"])),
    (&["svc:S-12"], |look| look.calls(&["s3:PutBucketEncryption"])),
    (&["svc:S-21"], |look| look.calls(&["s3:GetObject", "s3:PutObject"]) && look.actor.is_anonymous()),
    (&["svc:S-23"], |look| look.step.shape == crate::case::Shape::Presigned),
    (&["svc:S-24"], |look| look.is_of("s3") && look.on_foreign_key()),
    (&["svc:S-26"], |look| look.s3_check(|check| check.statements.iter().any(|statement| statement.verdict == "applies" || statement.verdict == "resource does not match"))),
    (&["svc:T-5"], |look| look.is_of("kms") && look.is_by(|principal| matches!(principal, StepPrincipal::User { .. } | StepPrincipal::Root { .. }))),
    (&["svc:X-3"], |look| look.key_check(is_denied_implicitly)),
    (&["svc:Q-15"], |look| look.on_foreign_key() && look.key_check(is_denied_implicitly)),
    (&["svc:K-14"], |look| look.calls(POLICY_WRITES) && look.has("Policy")),
    (&["svc:C-31", "svc:Q-5"], |look| look.is_of("s3") && look.key_check(|_| true)),
    (&["svc:G-16a", "svc:Q-19"], |look| look.calls(&["kms:RetireGrant"])),
    (&["svc:L-1", "svc:L-2", "svc:F-5", "svc:T-3"], |look| look.calls(&["lambda:CreateFunction", "lambda:UpdateFunctionConfiguration"])),
    (&["svc:L-3"], |look| look.keys().any(|key| key.grants.iter().any(|grant| grant.constraints.pairs().is_some_and(|pairs| pairs.contains_key("aws:lambda:FunctionArn"))))),
    (&["svc:B-1"], |look| look.calls(&["backup:CreateBackupVault"])),
    (&["svc:B-3", "svc:B-4", "svc:B-6", "svc:Q-7"], |look| is_storage_of_backup(look)),
    (&["svc:M-4", "svc:M-5"], |look| look.is_of("s3") && look.has("ServerSideEncryption")),
    (&["svc:Q-6"], |look| look.is_of("kms") && look.actor.is_service()),
    (&["svc:Q-9", "svc:S-16"], |look| look.calls(&["s3:PutObject", "s3:CreateMultipartUpload", "s3:UploadPart"]) && look.key_check(|_| true)),
    (&["svc:Q-13"], |look| look.calls(&["kms:RotateKeyOnDemand"])),
    (&["svc:Q-14"], |look| look.key_check(|check| check.names("svc:C-14"))),
    (&["svc:ST-5"], |look| look.code_is("NotFoundException") || look.key_state_is(|state| state == KeyState::PendingDeletion)),
    (&["svc:T-8"], |look| look.is_of("kms") && look.key_check(|_| true)),
    (&["svc:T-9"], |look| look.is_of("kms") && !look.is_allowed()),
];

/// The storage service of AWS Backup, calling as itself on behalf of a vault.
fn is_storage_of_backup(look: &Look<'_>) -> bool {
    look.is_of("kms") && look.is_by(|principal| matches!(principal, StepPrincipal::Service { name, .. } if name == "backup-storage.amazonaws.com"))
}

fn is_denied_implicitly(check: &Check) -> bool {
    check.decision == CheckDecision::ImplicitDeny
}

const OTHER_PRINCIPAL: &str = "principal does not match";

/// Whether some Allow of the key policy that mattered is like this: its verdict, and how its principal matched.
fn policy_says(check: &Check, wanted: impl Fn(&str, Option<&str>) -> bool) -> bool {
    let statements = check.statements.iter();
    statements
        .filter(|statement| statement.set == PolicySet::Resource && statement.effect == "Allow")
        .any(|statement| wanted(&statement.verdict, statement.principal.as_deref()))
}

/// Whether a set that only limits took part: organization, endpoint, boundary, session.
fn is_limited(check: &Check) -> bool {
    let limits = [
        PolicySet::ServiceControl,
        PolicySet::ResourceControl,
        PolicySet::VpcEndpoint,
        PolicySet::PermissionsBoundary,
        PolicySet::Session,
    ];
    check
        .gates
        .iter()
        .any(|gate| limits.contains(&gate.set) && gate.verdict != GateVerdict::NotApplicable)
}
