//! Which policy type a denial is blamed on (`iam:R-05`…`R-08`, `svc:X-2`, `svc:X-3`). The blame never changes a decision.

use std::collections::BTreeSet;

use jiff::civil::{Date, date};

use super::Caller;
use super::facts::{Facts, GrantWorth};
use super::input::Request;
use crate::outcome::PolicySet;
use crate::quirks::Quirks;
use crate::rule::{RuleId, rule};

/// The canonical order when several types deny (`iam:R-06`); AWS does not document one (`iam:OQ-37`).
const EXPLICIT_ORDER: &[PolicySet] = &[
    PolicySet::ServiceControl,
    PolicySet::ResourceControl,
    PolicySet::VpcEndpoint,
    PolicySet::PermissionsBoundary,
    PolicySet::Session,
    PolicySet::Identity,
    PolicySet::Resource,
    PolicySet::Trust,
];

/// From this day messages had a reason, and until the end of 2022 a key policy was blamed where it had delegated (`svc:X-3`).
pub(super) const REASONS_SINCE: Date = date(2021, 11, 1);
const DELEGATION_BLAMED_UNTIL: Date = date(2022, 12, 31);

/// The type blamed for an explicit deny.
pub(super) fn blame_explicit(denying: &BTreeSet<PolicySet>) -> Option<PolicySet> {
    EXPLICIT_ORDER.iter().copied().find(|set| denying.contains(set))
}

/// The type blamed for an implicit deny, with every type that failed to allow.
#[derive(Debug)]
pub(super) struct Blame {
    pub(super) set: PolicySet,
    pub(super) failed: BTreeSet<PolicySet>,
    pub(super) rules: Vec<RuleId>,
}

/// The first failing gate of the documented flow (`iam:R-07`).
pub(super) fn blame_implicit(facts: &Facts, request: &Request<'_>, quirks: &Quirks) -> Blame {
    let mut rules = Vec::new();
    let set = if !facts.service_control_ok {
        PolicySet::ServiceControl
    } else if !facts.vpc_endpoint_ok {
        PolicySet::VpcEndpoint
    } else {
        let set = blame_grants(facts, request, quirks, &mut rules);
        delegation_of_2022(set, facts, request, &mut rules)
    };
    let mut failed = failed_sets(facts, request.caller);
    failed.insert(set);
    Blame { set, failed, rules }
}

/// Guardrails are fine; nothing grants. Who should have?
fn blame_grants(facts: &Facts, request: &Request<'_>, quirks: &Quirks, rules: &mut Vec<RuleId>) -> PolicySet {
    if facts.no_account {
        return facts.resource_set;
    }
    // A role ARN, or a grant to a role, stands in for the identity side; then only boundary and session can fail (iam:L-22, svc:Q-3).
    // So do the star and a public ACL under the reading that boundary and session limit them (iam:OQ-32).
    let for_everybody = (facts.kinds.wild || facts.acl) && quirks.star_limited_by_boundary_and_session;
    let stands_in = facts.same_account && (facts.kinds.parent || for_everybody) || facts.grant == GrantWorth::Limited;
    let limiting = match (facts.boundary_ok, facts.session_ok) {
        (false, _) => Some((PolicySet::PermissionsBoundary, rule("iam:L-85"))),
        (true, false) => Some((PolicySet::Session, session_rule(request.caller))),
        (true, true) => None,
    };
    if let (true, Some((set, why))) = (stands_in, limiting.clone()) {
        rules.extend([
            why,
            if facts.is_key {
                rule("svc:K-3a")
            } else {
                parent_row(request.caller)
            },
        ]);
        return set;
    }
    if facts.same_account && facts.assume_role_limited && (facts.kinds.caller || facts.kinds.wild) {
        rules.extend([rule("iam:L-72"), rule("iam:OQ-34")]);
        return PolicySet::PermissionsBoundary;
    }
    let policy_silent = !facts.kinds.any();
    if !facts.identity_ok {
        let delegated = facts.kinds.any() || facts.grant == GrantWorth::NeedsIdentity;
        return blame_identity_or_policy(facts, delegated, quirks, rules);
    }
    if policy_silent && (facts.mandatory || !facts.same_account) {
        rules.push(silent_policy_rule(facts));
        return facts.resource_set;
    }
    match limiting {
        Some((set, why)) => {
            rules.push(why);
            set
        }
        None => {
            rules.push(silent_policy_rule(facts));
            facts.resource_set
        }
    }
}

/// The identity side does not allow. If the resource's policy is silent too, both could be blamed (`iam:R-08`, `svc:X-2`).
fn blame_identity_or_policy(facts: &Facts, delegated: bool, quirks: &Quirks, rules: &mut Vec<RuleId>) -> PolicySet {
    let needs_policy = facts.mandatory || !facts.same_account;
    if !delegated && facts.is_key {
        rules.extend([rule("svc:X-2"), rule("iam:R-08")]);
        return if quirks.kms_both_sides_silent_blames_key_policy {
            facts.resource_set
        } else {
            PolicySet::Identity
        };
    }
    if !delegated && needs_policy {
        rules.push(rule("iam:R-08"));
        let blames_resource = !facts.same_account && quirks.both_sides_silent_blames_resource;
        return if blames_resource {
            facts.resource_set
        } else {
            PolicySet::Identity
        };
    }
    rules.push(match (facts.same_account, facts.is_key) {
        (true, true) => rule("svc:K-4"),
        (true, false) if facts.kinds.account => rule("iam:P-30"),
        (true, false) => rule("iam:L-13"),
        (false, true) => rule("svc:K-7"),
        (false, false) => rule("iam:L-43"),
    });
    PolicySet::Identity
}

/// In 2022 a KMS denial where the key policy had delegated and the identity side was silent named the key policy (`svc:X-3`).
fn delegation_of_2022(set: PolicySet, facts: &Facts, request: &Request<'_>, rules: &mut Vec<RuleId>) -> PolicySet {
    let in_era = (REASONS_SINCE..=DELEGATION_BLAMED_UNTIL).contains(&request.as_of);
    // A grant to the account delegates as a statement does (svc:Q-4).
    let delegated = facts.kinds.account || facts.grant == GrantWorth::NeedsIdentity;
    if in_era && facts.is_key && delegated && set == PolicySet::Identity {
        rules.push(rule("svc:X-3"));
        return facts.resource_set;
    }
    set
}

/// Every type whose allow was missing.
fn failed_sets(facts: &Facts, caller: &Caller) -> BTreeSet<PolicySet> {
    let policy_needed = facts.no_account || facts.mandatory || !facts.same_account;
    let has_sides = !matches!(
        caller,
        Caller::Service { .. } | Caller::Federated { .. } | Caller::Anonymous
    );
    [
        (!facts.service_control_ok, PolicySet::ServiceControl),
        (!facts.vpc_endpoint_ok, PolicySet::VpcEndpoint),
        (policy_needed && !facts.kinds.any(), facts.resource_set),
        (has_sides && !facts.identity_ok, PolicySet::Identity),
        (!facts.boundary_ok, PolicySet::PermissionsBoundary),
        (!facts.session_ok, PolicySet::Session),
    ]
    .into_iter()
    .filter_map(|(failed, set)| failed.then_some(set))
    .collect()
}

fn session_rule(caller: &Caller) -> RuleId {
    if matches!(caller, Caller::FederatedUser(_)) {
        rule("iam:L-77")
    } else {
        rule("iam:L-76")
    }
}

fn parent_row(caller: &Caller) -> RuleId {
    if matches!(caller, Caller::FederatedUser(_)) {
        rule("iam:L-26")
    } else {
        rule("iam:L-22")
    }
}

fn silent_policy_rule(facts: &Facts) -> RuleId {
    match (facts.is_key, facts.same_account) {
        (true, true) => rule("svc:K-6"),
        (true, false) => rule("svc:K-7"),
        (false, true) => rule("iam:A-04"),
        (false, false) => rule("iam:L-42"),
    }
}
