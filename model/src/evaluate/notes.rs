//! Which rules a decision was made under besides those that its gates, statements and formula name: the row of `iam:6.3` that the
//! caller stands in, what the caller and the resource are, and what a message says. One table; nothing here decides.

use std::collections::BTreeSet;

use super::facts::{Facts, GrantWorth};
use super::formula::{named_rule, parent_rule, star_rule};
use super::input::{PolicySets, Request, ResourcePolicy};
use super::{Caller, RoleSession};
use crate::outcome::{CheckDecision, PolicySet};
use crate::rule::{RuleId, rule};

/// Everything a row may look at.
pub(super) struct Look<'a> {
    pub(super) request: &'a Request<'a>,
    pub(super) sets: &'a PolicySets<'a>,
    pub(super) facts: &'a Facts,
    pub(super) decision: CheckDecision,
    /// Every type that denies or fails to allow.
    pub(super) failed: &'a BTreeSet<PolicySet>,
}

impl Look<'_> {
    /// The rules of one decision.
    pub(super) fn rules(&self) -> Vec<RuleId> {
        let mut rules: Vec<RuleId> = NOTES
            .iter()
            .filter(|(_, matters)| matters(self))
            .map(|(id, _)| rule(id))
            .collect();
        rules.extend(self.row());
        rules
    }

    /// The rows of `iam:6.3` by which the resource's policy names the caller in its own account.
    fn row(&self) -> Vec<RuleId> {
        let (caller, facts) = (self.request.caller, self.facts);
        if !facts.same_account {
            return Vec::new();
        }
        let mut rules = Vec::new();
        if facts.kinds.caller {
            rules.push(named_rule(caller, facts.is_key));
        }
        if facts.kinds.wild {
            rules.push(star_rule(caller, facts.is_key));
        }
        if facts.kinds.parent {
            rules.push(parent_rule(caller, facts.is_key));
        }
        rules
    }

    fn is_root(&self) -> bool {
        matches!(self.request.caller, Caller::Root { .. })
    }

    fn session(&self) -> Option<&RoleSession> {
        match self.request.caller {
            Caller::RoleSession(session) => Some(session),
            _ => None,
        }
    }

    fn has_account(&self) -> bool {
        !self.facts.no_account
    }

    fn crosses_accounts(&self) -> bool {
        self.has_account() && !self.facts.same_account
    }

    /// The identity side's limits allow.
    fn unlimited(&self) -> bool {
        self.facts.boundary_ok && self.facts.session_ok
    }

    fn on_trust_policy(&self) -> bool {
        matches!(self.sets.resource, ResourcePolicy::Trust(_))
    }

    fn has_service_control(&self) -> bool {
        !self.sets.service_control.is_empty()
    }

    fn has_resource_control(&self) -> bool {
        !self.sets.resource_control.is_empty()
    }

    /// Made by a service for the caller; a pure evaluation says so by its context alone.
    fn is_forwarded(&self) -> bool {
        self.request.via.is_some() || self.request.context.is_true("aws:ViaAWSService")
    }

    fn acts_on(&self, actions: &[&str]) -> bool {
        let action = self.request.action.as_str();
        actions.iter().any(|known| known.eq_ignore_ascii_case(action))
    }

    fn is_of(&self, service: &str) -> bool {
        self.request.action.service().eq_ignore_ascii_case(service)
    }

    fn is_denied(&self) -> bool {
        self.decision != CheckDecision::Allow
    }

    fn is_denied_explicitly(&self) -> bool {
        self.decision == CheckDecision::ExplicitDeny
    }
}

/// A rule and when it matters.
type Row = (&'static str, fn(&Look<'_>) -> bool);

#[rustfmt::skip]
const NOTES: &[Row] = &[
    ("iam:L-01", |look| !look.is_denied_explicitly()),
    ("iam:L-10", |_| true),
    ("iam:L-05", |look| look.session().is_some()),
    ("iam:L-27", |look| look.facts.same_account && look.facts.kinds.account),
    ("iam:P-30", |look| look.facts.kinds.account && !look.is_root()),
    ("iam:L-28", |look| look.facts.same_account && look.is_root() && look.facts.kinds.any()),
    ("iam:L-31", |look| look.facts.same_account && look.facts.kinds.parent && !look.facts.boundary_ok),
    ("iam:OQ-33", |look| look.facts.same_account && look.facts.kinds.parent && !look.unlimited()),
    ("iam:OQ-38", |look| look.facts.same_account && look.facts.kinds.parent && !look.facts.identity_ok),
    ("iam:OQ-32", |look| look.facts.same_account && look.facts.kinds.wild && !look.unlimited()),
    ("iam:L-32", |look| {
        let kinds = look.facts.kinds;
        [kinds.caller, kinds.parent, kinds.account, kinds.wild].into_iter().filter(|matched| *matched).count() > 1
    }),
    ("iam:L-43", |look| look.crosses_accounts() && (look.facts.kinds.caller || look.facts.kinds.parent)),
    ("iam:L-44", |look| look.crosses_accounts() && (look.has_service_control() || look.has_resource_control())),
    ("iam:L-45", |look| look.crosses_accounts() && look.is_root()),
    ("iam:L-30", |look| look.has_service_control() || look.has_resource_control()),
    ("iam:L-61", |look| look.is_root() && (look.has_service_control() || look.has_resource_control() || look.is_denied_explicitly())),
    ("iam:L-63", |look| look.is_root() && look.is_of("sts")),
    ("iam:L-70", |look| look.on_trust_policy()),
    ("iam:L-71", |look| look.on_trust_policy() && look.facts.same_account && look.facts.kinds.any()),
    ("iam:L-72", |look| look.facts.boundary_silent_on_assuming && look.facts.same_account && (look.facts.kinds.caller || look.facts.kinds.wild)),
    ("iam:OQ-34", |look| look.facts.boundary_silent_on_assuming && look.facts.same_account && (look.facts.kinds.caller || look.facts.kinds.wild)),
    ("iam:L-73", |look| look.on_trust_policy() && look.session().is_some_and(|session| session.role.arn() == look.request.resource)),
    ("iam:L-74", |look| look.on_trust_policy() && look.acts_on(&["sts:TagSession", "sts:SetSourceIdentity"])),
    ("iam:L-77", |look| matches!(look.request.caller, Caller::FederatedUser(_))),
    ("iam:L-79", |look| matches!(look.request.caller, Caller::User(_)) && look.request.context.get("aws:TokenIssueTime").is_some()),
    ("iam:L-80", |look| look.acts_on(&["sts:GetCallerIdentity"])),
    ("iam:L-86", |look| look.session().is_some() && look.sets.permissions_boundary.is_some()),
    ("iam:L-92", |look| look.is_forwarded()),
    ("iam:L-95", |look| look.is_forwarded()),
    ("iam:L-96", |look| look.is_forwarded()),
    ("iam:L-97", |look| look.is_forwarded()),
    ("iam:P-64", |look| look.is_forwarded()),
    ("iam:A-04", |look| look.facts.mandatory && look.facts.same_account && look.decision == CheckDecision::ImplicitDeny),
    ("iam:A-05", |look| look.has_resource_control() && matches!(look.request.resource, "*" | "arn:aws:s3:::*")),
    ("iam:A-06", |look| look.has_service_control() && look.session().is_some()),
    ("iam:OQ-37", |look| look.is_denied_explicitly() && look.failed.len() > 1),
    ("iam:OQ-39", |look| look.facts.same_account && look.has_resource_control()),
    ("iam:R-03", |look| look.is_denied_explicitly() && look.is_of("s3")),
    ("iam:R-04", |look| look.is_denied_explicitly() && look.is_of("s3")),
    ("iam:R-09", |look| look.is_denied() && look.is_of("s3")),
    ("iam:R-10", |look| look.is_denied()),
    ("svc:K-1", |look| look.facts.is_key && look.decision == CheckDecision::ImplicitDeny),
    ("svc:K-5", |look| look.facts.is_key && look.facts.kinds.account),
    ("svc:N-1", |look| look.acts_on(&["kms:RetireGrant"])),
    ("svc:G-16", |look| look.acts_on(&["kms:RetireGrant"])),
    ("svc:G-20", |look| look.crosses_accounts() && look.facts.grant == GrantWorth::Allows),
    ("svc:G-23", |look| look.is_denied_explicitly() && look.facts.grant != GrantWorth::None),
];
