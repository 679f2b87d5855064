//! The gates of a decision, for its explanation: every set in the order of the documented flow (`iam:L-11`…`L-14`), what it said, and
//! why it was consulted or stood aside.

use super::answers::{Answers, resource_set};
use super::facts::{Facts, GrantWorth};
use super::input::PolicySets;
use super::scan::Answer;
use crate::outcome::{Gate, GateVerdict, PolicySet};
use crate::rule::{RuleId, rule};

/// Lists the gates.
pub(super) fn gates(answers: &Answers<'_>, sets: &PolicySets<'_>, facts: &Facts) -> Vec<Gate> {
    let resource_control = &answers.resource_control;
    let service_control = &answers.service_control;
    let boundary = &answers.permissions_boundary;
    let has_session = answers.session.is_some() || !facts.session_ok;
    let rules_if = |applies: bool, rules: &[RuleId]| if applies { rules.to_vec() } else { Vec::new() };
    let mut gates = vec![
        // RCPFullAWSAccess is at every level, so RCPs are never silent.
        Gate {
            set: PolicySet::ResourceControl,
            verdict: verdict(resource_control.is_some(), some_level_denies(resource_control), true),
            rules: facts.resource_control_rules.iter().cloned().collect(),
        },
        Gate {
            set: PolicySet::ServiceControl,
            verdict: verdict(
                service_control.is_some(),
                some_level_denies(service_control),
                facts.service_control_ok,
            ),
            rules: facts.service_control_rules.iter().cloned().collect(),
        },
        Gate {
            set: PolicySet::VpcEndpoint,
            verdict: verdict(
                sets.vpc_endpoint.is_some(),
                denies(&answers.vpc_endpoint),
                facts.vpc_endpoint_ok,
            ),
            rules: rules_if(sets.vpc_endpoint.is_some(), &[rule("iam:L-14"), rule("iam:L-90")])
                .into_iter()
                .collect(),
        },
        Gate {
            set: resource_set(&sets.resource),
            verdict: verdict(answers.resource.is_some(), denies(&answers.resource), facts.kinds.any()),
            rules: rules_if(facts.mandatory, &[rule("iam:L-41")])
                .into_iter()
                .chain([rule("iam:L-12")])
                .collect(),
        },
    ];
    if sets.grant.is_some() {
        gates.push(Gate {
            set: PolicySet::Grant,
            verdict: verdict(true, false, facts.grant == GrantWorth::Allows),
            rules: [rule("svc:K-20")].into(),
        });
    }
    if sets.acl {
        gates.push(Gate {
            set: PolicySet::Acl,
            verdict: GateVerdict::Allows,
            rules: [rule("svc:S-5")].into(),
        });
    }
    gates.extend([
        Gate {
            set: PolicySet::Identity,
            verdict: verdict(facts.has_identity_side, denies(&answers.identity), facts.identity_ok),
            rules: facts.identity_rules.iter().cloned().collect(),
        },
        Gate {
            set: PolicySet::PermissionsBoundary,
            verdict: verdict(boundary.is_some(), denies(boundary), facts.boundary_ok),
            rules: rules_if(boundary.is_some(), &[rule("iam:L-85")]).into_iter().collect(),
        },
        Gate {
            set: PolicySet::Session,
            verdict: verdict(has_session, some_level_denies(&answers.session), facts.session_ok),
            rules: facts.session_rules.iter().cloned().collect(),
        },
    ]);
    gates
}

fn verdict(applies: bool, denies: bool, allows: bool) -> GateVerdict {
    match (applies, denies, allows) {
        (false, ..) => GateVerdict::NotApplicable,
        (true, true, _) => GateVerdict::Denies,
        (true, false, true) => GateVerdict::Allows,
        (true, false, false) => GateVerdict::Silent,
    }
}

fn denies(answer: &Option<Answer<'_>>) -> bool {
    answer.as_ref().is_some_and(|answer| answer.denies)
}

fn some_level_denies(answers: &Option<Vec<Answer<'_>>>) -> bool {
    answers.iter().flatten().any(|answer| answer.denies)
}
