//! The decision on one pair, in the order of the documented flow: explicit denies, then the guardrails (RCP, SCP, VPC endpoint), then
//! what can grant: the resource's policy, a KMS grant, the identity side.
//!
//! Which sets apply is said in `answers`, what their answers come to in `facts`, what grants in `formula`, who is blamed in `blame`.

use std::collections::BTreeSet;

use super::answers::Answers;
use super::blame::{blame_explicit, blame_implicit};
use super::facts::{Facts, GrantWorth};
use super::gates::gates;
use super::input::{PolicySets, Request};
use super::message::denial_message;
use super::never::{changes_reserved_alias, is_foreign_key_operation};
use super::notes::Look;
use super::scan::Trace;
use super::shortcut::shortcut;
use crate::outcome::{Check, CheckDecision, PolicySet};
use crate::quirks::Quirks;
use crate::rule::{Rules, rule};

/// Decides whether a caller may perform one action on one resource, and explains why.
///
/// The answer names every gate in order, every statement that mattered, the rules that decided and, for a denial, the policy type a
/// message would name (`iam:R-05`…`R-08`) together with all types that deny or fail to allow.
pub fn decide(request: &Request<'_>, sets: &PolicySets<'_>, quirks: &Quirks) -> Check {
    if let Some(shortcut) = shortcut(request) {
        return shortcut.check(request);
    }
    let mut trace = Trace::new();
    let Reached {
        answers,
        facts,
        mut decided,
    } = reach(request, sets, quirks, Some(&mut trace));
    let gates = gates(&answers, sets, &facts);
    let look = Look {
        request,
        sets,
        facts: &facts,
        decision: decided.decision,
        failed: &decided.failed,
    };
    let noted = look.rules();
    decided.rules.extend(noted);
    decided.rules.extend(facts.rules);
    // By set, and within a set as asked.
    trace.sort_by_key(|statement| statement.set);
    let mut check = told(request, &answers, decided);
    if check.message.is_some() {
        check.rules.extend([rule("iam:R-01"), rule("iam:R-02")]);
    }
    Check {
        gates,
        statements: trace,
        ..check
    }
}

/// The same without the reasons: no gates, no statements, few rules. What is decided, who is blamed and what a message says are the same.
pub(crate) fn decide_unexplained(request: &Request<'_>, sets: &PolicySets<'_>, quirks: &Quirks) -> Check {
    if let Some(shortcut) = shortcut(request) {
        return shortcut.check(request);
    }
    let Reached { answers, decided, .. } = reach(request, sets, quirks, None);
    told(request, &answers, decided)
}

/// What is decided, as the API tells it.
fn told(request: &Request<'_>, answers: &Answers<'_>, decided: Decided) -> Check {
    let message = (decided.decision != CheckDecision::Allow).then(|| {
        let denying_policy = answers.denying_policy(decided.blamed);
        denial_message(request, decided.decision, decided.blamed, denying_policy)
    });
    Check {
        action: request.action.clone(),
        resource: request.resource.to_owned(),
        caller: request.caller.message_name(),
        via: request.via.map(str::to_owned),
        decision: decided.decision,
        blamed: decided.blamed,
        failed: decided.failed,
        gates: Vec::new(),
        statements: Vec::new(),
        rules: decided.rules,
        message,
    }
}

/// The same decision and blame without the explanation, for many cases that are only compared.
pub fn judge(request: &Request<'_>, sets: &PolicySets<'_>, quirks: &Quirks) -> Judgement {
    if let Some(shortcut) = shortcut(request) {
        return shortcut.judgement();
    }
    let decided = reach(request, sets, quirks, None).decided;
    Judgement {
        decision: decided.decision,
        blamed: decided.blamed,
    }
}

/// What is decided, and the policy type that a message would name.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Judgement {
    /// The decision.
    pub decision: CheckDecision,
    /// The policy type.
    pub blamed: Option<PolicySet>,
}

/// A decision with all that led to it.
struct Reached<'a> {
    answers: Answers<'a>,
    facts: Facts,
    decided: Decided,
}

/// Decides. The statements that mattered go into the trace, if there is one.
fn reach<'a>(request: &Request<'_>, sets: &PolicySets<'a>, quirks: &Quirks, trace: Option<&mut Trace>) -> Reached<'a> {
    let answers = Answers::gather(request, sets, quirks, trace);
    let facts = Facts::of(request, sets, quirks, &answers);
    let denying = answers.denying(sets);
    let is_foreign_operation = is_foreign_key_operation(request, sets);
    let mut decided = if !denying.is_empty() {
        refuse_explicitly(&facts, request, denying)
    } else if is_foreign_operation {
        refuse_foreign_key_operation(&facts, quirks)
    } else {
        grant_or_refuse(&facts, request, quirks)
    };
    if changes_reserved_alias(request) {
        refuse_reserved_alias(&mut decided);
    }
    if is_foreign_operation {
        decided.rules.insert(rule("svc:K-9"));
    }
    Reached {
        answers,
        facts,
        decided,
    }
}

/// The decision with its reasons.
#[derive(Debug)]
struct Decided {
    decision: CheckDecision,
    blamed: Option<PolicySet>,
    failed: BTreeSet<PolicySet>,
    rules: Rules,
}

/// An explicit deny, whatever allows (`iam:L-29`, `svc:K-11`).
fn refuse_explicitly(facts: &Facts, request: &Request<'_>, denying: BTreeSet<PolicySet>) -> Decided {
    let blamed = blame_explicit(&denying);
    let mut rules = Rules::from([rule("iam:L-10"), rule("iam:R-06"), facts.formula(request.caller)]);
    if facts.kinds.any() {
        rules.insert(rule("iam:L-29"));
    }
    if denying.len() > 1 {
        rules.insert(rule("iam:R-05"));
    }
    if facts.is_key {
        rules.insert(rule("svc:K-2"));
        if denying.contains(&PolicySet::Resource) || facts.grant != GrantWorth::None {
            rules.insert(rule("svc:K-11"));
        }
    }
    Decided {
        decision: CheckDecision::ExplicitDeny,
        blamed,
        failed: denying,
        rules,
    }
}

/// Whatever the policies allow, the key's side refuses (`svc:K-9`). A guardrail that does not allow is blamed before it (`iam:R-07`), and
/// under the other reading of `svc:X-2` a silent identity side is.
fn refuse_foreign_key_operation(facts: &Facts, quirks: &Quirks) -> Decided {
    let identity_is_told = !facts.identity_ok && !quirks.kms_both_sides_silent_blames_key_policy;
    let before = [
        (facts.service_control_ok, PolicySet::ServiceControl),
        (facts.vpc_endpoint_ok, PolicySet::VpcEndpoint),
        (!identity_is_told, PolicySet::Identity),
    ];
    let closed = before.into_iter().filter(|(open, _)| !open).map(|(_, set)| set);
    let failing: Vec<PolicySet> = closed.chain([PolicySet::Resource]).collect();
    Decided {
        decision: CheckDecision::ImplicitDeny,
        blamed: failing.first().copied(),
        failed: failing.into_iter().collect(),
        rules: Rules::from([rule("iam:R-07")]),
    }
}

/// What the policies allow on a reserved alias is denied all the same, and no policy is blamed (`svc:K-30`).
fn refuse_reserved_alias(decided: &mut Decided) {
    if decided.decision == CheckDecision::Allow {
        decided.decision = CheckDecision::ImplicitDeny;
    }
    decided.rules.insert(rule("svc:K-30"));
}

/// No explicit deny: every guardrail must allow, and one source must grant.
fn grant_or_refuse(facts: &Facts, request: &Request<'_>, quirks: &Quirks) -> Decided {
    let granted = facts.granted(request.caller, quirks);
    let guarded = facts.service_control_ok && facts.vpc_endpoint_ok;
    if let (Some(rules), true) = (&granted, guarded) {
        let rules = rules.iter().cloned().collect();
        return Decided {
            decision: CheckDecision::Allow,
            blamed: None,
            failed: BTreeSet::new(),
            rules,
        };
    }
    let blame = blame_implicit(facts, request, quirks);
    let mut rules: Rules = blame.rules.into_iter().collect();
    rules.insert(rule("iam:R-07"));
    rules.insert(facts.formula(request.caller));
    if !guarded {
        // Guardrails limit every way of being granted (iam:L-30, svc:K-27); an endpoint's policy too.
        rules.insert(rule("iam:L-30"));
        rules.insert(if facts.service_control_ok {
            rule("iam:L-14")
        } else {
            rule("iam:L-11")
        });
        if facts.is_key {
            rules.insert(rule("svc:K-27"));
        }
    }
    Decided {
        decision: CheckDecision::ImplicitDeny,
        blamed: Some(blame.set),
        failed: blame.failed,
        rules,
    }
}
