//! What the answers of the sets come to: the facts that the formulas of `iam:6.4` speak about.

use super::answers::{Answers, resource_set};
use super::input::{GranteeKind, PolicySets, Request, ResourcePolicy};
use super::{Caller, Parent};
use crate::outcome::PolicySet;
use crate::policy::MatchKinds;
use crate::quirks::Quirks;
use crate::rule::{RuleId, rule};

/// What a matching KMS grant is worth for this caller.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum GrantWorth {
    /// There is none.
    None,
    /// It allows.
    Allows,
    /// It would, but boundary or session policy do not (`svc:Q-3`).
    Limited,
    /// It delegates to the account, and the identity side does not allow (`svc:Q-4`).
    NeedsIdentity,
}

/// Everything the formulas of `iam:6.4` speak about.
#[derive(Debug)]
pub(super) struct Facts {
    /// Caller and resource belong to the same account.
    pub(super) same_account: bool,
    /// The caller has no account: a service, a federated caller, nobody.
    pub(super) no_account: bool,
    /// The resource's policy must take part (`iam:L-41`).
    pub(super) mandatory: bool,
    pub(super) is_key: bool,
    pub(super) resource_set: PolicySet,
    /// How the Allow statements of the resource's policy name the caller: `g` of `iam:7.2`.
    pub(super) kinds: MatchKinds,
    pub(super) has_identity_side: bool,
    pub(super) identity_ok: bool,
    pub(super) boundary_ok: bool,
    pub(super) session_ok: bool,
    pub(super) service_control_ok: bool,
    pub(super) vpc_endpoint_ok: bool,
    pub(super) grant: GrantWorth,
    pub(super) acl: bool,
    /// `sts:AssumeRole` by somebody the trust policy names, whose boundary does not allow it (`iam:L-72`).
    pub(super) assume_role_limited: bool,
    /// `sts:AssumeRole` by somebody whose boundary does not allow it, whatever that is worth.
    pub(super) boundary_silent_on_assuming: bool,
    pub(super) service_control_rules: Vec<RuleId>,
    pub(super) resource_control_rules: Vec<RuleId>,
    pub(super) identity_rules: Vec<RuleId>,
    pub(super) session_rules: Vec<RuleId>,
    pub(super) rules: Vec<RuleId>,
}

impl Facts {
    /// Reads them off the answers.
    pub(super) fn of(request: &Request<'_>, sets: &PolicySets<'_>, quirks: &Quirks, answers: &Answers<'_>) -> Self {
        let caller = request.caller;
        let account = caller.account();
        // A pair without owner belongs to the caller's own account.
        let same_account = account.is_some() && request.resource_account.is_none_or(|owner| Some(owner) == account);
        let kinds = answers
            .resource
            .as_ref()
            .map_or(MatchKinds::default(), |answer| answer.allowed_kinds);
        let boundary_ok = answers.permissions_boundary.as_ref().is_none_or(|answer| answer.allows);
        let (session_ok, session_rules) = session_gate(caller, answers, quirks);
        let (identity_ok, identity_rules) = identity_gate(caller, answers);
        let assume_role = request.action.as_str().eq_ignore_ascii_case("sts:AssumeRole")
            && matches!(sets.resource, ResourcePolicy::Trust(_));
        let grant = grant_worth(caller, sets, quirks, identity_ok, boundary_ok && session_ok);
        Self {
            same_account,
            no_account: account.is_none(),
            mandatory: sets.resource.is_mandatory(),
            is_key: matches!(sets.resource, ResourcePolicy::Key(_)),
            resource_set: resource_set(&sets.resource),
            kinds,
            has_identity_side: account.is_some(),
            identity_ok,
            boundary_ok,
            session_ok,
            service_control_ok: service_control_allows(answers),
            vpc_endpoint_ok: answers.vpc_endpoint.as_ref().is_none_or(|answer| answer.allows),
            grant,
            acl: sets.acl,
            boundary_silent_on_assuming: assume_role && !boundary_ok,
            assume_role_limited: assume_role && quirks.assume_role_needs_boundary && !boundary_ok,
            service_control_rules: guardrail_rules(
                caller,
                !sets.service_control.is_empty(),
                answers.service_control.is_some(),
            ),
            resource_control_rules: guardrail_rules(
                caller,
                !sets.resource_control.is_empty(),
                answers.resource_control.is_some(),
            ),
            identity_rules,
            session_rules,
            rules: grant_rules(sets, grant),
        }
    }

    /// The identity side as a whole.
    pub(super) fn ident(&self) -> bool {
        self.identity_ok && self.boundary_ok && self.session_ok
    }
}

/// Every level must allow (`iam:L-03`); one without policies does not.
fn service_control_allows(answers: &Answers<'_>) -> bool {
    let mut levels = answers.service_control.iter().flatten();
    levels.all(|answer| answer.allows)
}

/// Why an organization's policies were consulted, or stood aside.
fn guardrail_rules(caller: &Caller, given: bool, consulted: bool) -> Vec<RuleId> {
    match (given, consulted) {
        (false, _) => Vec::new(),
        (true, true) => vec![rule("iam:L-02"), rule("iam:L-03"), rule("iam:L-11")],
        (true, false) if caller.is_service_linked() => vec![rule("iam:L-48")],
        (true, false) => vec![rule("iam:L-02"), rule("iam:A-05")],
    }
}

/// Whether the identity side allows: the root user's own is implicit (`iam:L-60`), and so is that of a session it made.
fn identity_gate(caller: &Caller, answers: &Answers<'_>) -> (bool, Vec<RuleId>) {
    let asked = answers.identity.as_ref().is_some_and(|answer| answer.allows);
    match caller {
        Caller::Root { assumed: false, .. } => (true, vec![rule("iam:L-60")]),
        Caller::Root { assumed: true, .. } => (asked, vec![rule("iam:L-62")]),
        Caller::FederatedUser(federated) if matches!(federated.parent, Parent::Root(_)) => {
            (true, vec![rule("iam:L-60")])
        }
        Caller::User(_) | Caller::RoleSession(_) | Caller::FederatedUser(_) => (asked, vec![rule("iam:L-13")]),
        Caller::Service { .. } => (false, vec![rule("iam:P-62")]),
        Caller::Federated { .. } | Caller::Anonymous => (false, Vec::new()),
    }
}

/// Whether the session policies allow (`iam:L-76`, `iam:L-77`).
fn session_gate(caller: &Caller, answers: &Answers<'_>, quirks: &Quirks) -> (bool, Vec<RuleId>) {
    match (caller, &answers.session) {
        (_, Some(policies)) if quirks.session_policies_intersect => {
            let all = !policies.is_empty() && policies.iter().all(|answer| answer.allows);
            (all, vec![rule("iam:L-76"), rule("iam:OQ-31")])
        }
        (_, Some(policies)) => {
            let mut rules = vec![rule("iam:L-76")];
            if policies.len() > 1 {
                rules.extend([rule("iam:L-02"), rule("iam:OQ-31")]);
            }
            (policies.iter().any(|answer| answer.allows), rules)
        }
        (Caller::FederatedUser(_), None) => (
            quirks.federated_user_default_session_policy,
            vec![rule("iam:L-77"), rule("iam:OQ-35")],
        ),
        (Caller::RoleSession(_), None) => (true, vec![rule("iam:L-77")]),
        _ => (true, Vec::new()),
    }
}

/// What a matching grant is worth: on its own it allows (`svc:K-20`); named by role it is limited as a role ARN in a policy is
/// (`svc:Q-3`), named by account it delegates (`svc:Q-4`).
fn grant_worth(
    caller: &Caller,
    sets: &PolicySets<'_>,
    quirks: &Quirks,
    identity_ok: bool,
    unlimited: bool,
) -> GrantWorth {
    match sets.grant.map(|grant| grant.grantee) {
        None => GrantWorth::None,
        Some(GranteeKind::User | GranteeKind::Session | GranteeKind::Service) => GrantWorth::Allows,
        Some(GranteeKind::Role) if unlimited || !quirks.role_grant_limited_by_boundary_and_session => {
            GrantWorth::Allows
        }
        Some(GranteeKind::Role) => GrantWorth::Limited,
        Some(GranteeKind::Account) if matches!(caller, Caller::Root { .. }) => GrantWorth::Allows,
        // The other reading lifts the identity policy alone; boundary and session still limit.
        Some(GranteeKind::Account) if quirks.account_grantee_needs_identity && !identity_ok => {
            GrantWorth::NeedsIdentity
        }
        Some(GranteeKind::Account) if unlimited => GrantWorth::Allows,
        Some(GranteeKind::Account) => GrantWorth::Limited,
    }
}

fn grant_rules(sets: &PolicySets<'_>, worth: GrantWorth) -> Vec<RuleId> {
    match (sets.grant.map(|grant| grant.grantee), worth) {
        (Some(GranteeKind::Role), _) => vec![rule("svc:G-14"), rule("svc:Q-3")],
        (Some(GranteeKind::Account), _) => vec![rule("svc:G-14"), rule("svc:Q-4")],
        (Some(_), _) => vec![rule("svc:G-14")],
        (None, _) => Vec::new(),
    }
}
