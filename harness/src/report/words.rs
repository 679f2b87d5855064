//! The words that reports share: a step, an answer, a gate and the result of a run, each as one line. Nothing here knows where they go.

use std::fmt::Write as _;

use countersign_model::case::{Decision, EvaluatorPrincipal};
use countersign_model::outcome::{GateVerdict, Outcome};

use super::{FindingReport, Summary};
use crate::differential::{StepReport, requests};
use crate::target::Observed;

/// What a run came to.
pub(super) fn result(summary: &Summary) -> String {
    if !summary.internal_faults.is_empty() {
        format!(
            "{} faults of the case files or of Countersign itself",
            summary.internal_faults.len()
        )
    } else if let Some(refusal) = summary.refusals.keys().next() {
        format!("stopped by a safety rail: {refusal}")
    } else if !summary.transport_faults.is_empty() {
        format!(
            "the target could not be asked: {} transport faults",
            summary.transport_faults.len()
        )
    } else if summary.diverging + summary.model_faults > 0 {
        format!(
            "{} distinct {} in {} {}{}",
            summary.findings,
            if summary.findings == 1 { "finding" } else { "findings" },
            summary.diverging.max(summary.model_faults),
            cases(summary.diverging.max(summary.model_faults)),
            if summary.model_faults > 0 {
                format!(
                    " ({} with an expectation the model does not meet)",
                    summary.model_faults
                )
            } else {
                String::new()
            },
        )
    } else if !summary.stale.is_empty() {
        let stale = summary.stale.len();
        format!(
            "{stale} {} of what is known of the target no longer so",
            if stale == 1 { "entry is" } else { "entries are" }
        )
    } else if summary.corpus.compared + summary.random.compared == 0 {
        "nothing was compared".to_owned()
    } else if summary.verdicts.expected_failures > 0 {
        format!(
            "as expected: {} {} in known ways, nothing else differs",
            summary.verdicts.expected_failures,
            if summary.verdicts.expected_failures == 1 {
                "case fails"
            } else {
                "cases fail"
            }
        )
    } else {
        "conformant: every compared outcome agrees with the model".to_owned()
    }
}

/// The word for so many cases.
pub(super) fn cases(count: u64) -> &'static str {
    if count == 1 { "case" } else { "cases" }
}

/// The step as one line: its name, the call, the caller.
pub(super) fn describe_step(finding: &FindingReport, position: usize, step: &StepReport) -> String {
    let name = step
        .name
        .as_deref()
        .map(|name| format!("`{name}` "))
        .unwrap_or_default();
    if let Some(evaluate) = &finding.case.evaluate {
        return match requests(evaluate).nth(position) {
            Some(request) => format!("{name}as {}", describe_asker(&request.principal)),
            None => name,
        };
    }
    match finding.case.steps.get(position) {
        Some(countersign_model::case::Step::Call(call)) => {
            format!("{name}{} as {}", call.call, describe_principal(&call.principal))
        }
        Some(countersign_model::case::Step::Invoke(invoke)) => format!("{name}invoke {}", invoke.function),
        _ => name,
    }
}

fn describe_asker(principal: &EvaluatorPrincipal) -> String {
    match principal {
        EvaluatorPrincipal::Arn(arn) => arn.clone(),
        EvaluatorPrincipal::Service { service } => format!("service {service}"),
        EvaluatorPrincipal::Federated { federated } => format!("a caller with a token of {federated}"),
        EvaluatorPrincipal::FederatedUser {
            federated_user,
            made_by,
        } => format!("{federated_user}, made by {made_by}"),
    }
}

/// Who calls, in a few words.
pub(super) fn describe_principal(principal: &countersign_model::case::StepPrincipal) -> String {
    use countersign_model::case::StepPrincipal as P;
    match principal {
        P::User { name, .. } => format!("user {name}"),
        P::Root { account } => account
            .as_ref()
            .map_or_else(|| "root".to_owned(), |account| format!("root of {account}")),
        P::Role {
            name,
            session,
            policy,
            policy_arns,
            ..
        } => {
            let limited = if policy.is_some() || !policy_arns.is_empty() {
                " with a session policy"
            } else {
                ""
            };
            format!("role {name}, session {session}{limited}")
        }
        P::FederatedUser { name, by, .. } => format!("federated user {name} of {by}"),
        P::Service { name, .. } => format!("service {name}"),
        P::Anonymous => "nobody (unsigned)".to_owned(),
    }
}

/// The model's outcome as one line.
pub(super) fn describe_expected(outcome: &Outcome) -> String {
    describe(
        outcome.decision,
        outcome.code.as_deref(),
        outcome.status,
        outcome.message.as_deref(),
    )
}

/// The target's answer as one line.
pub(super) fn describe_observed(observed: &Observed) -> String {
    describe(
        observed.decision,
        observed.code.as_deref(),
        observed.status,
        observed.message.as_deref(),
    )
}

fn describe(decision: Decision, code: Option<&str>, status: u16, message: Option<&str>) -> String {
    let decision = match decision {
        Decision::Allow => "allow",
        Decision::Deny => "deny ",
        Decision::Error => "error",
    };
    let mut text = decision.to_owned();
    if status != 0 {
        let _ = write!(text, " {status}");
    }
    if let Some(code) = code {
        text.push(' ');
        text.push_str(code);
    }
    if let Some(message) = message {
        text.push_str(": ");
        text.push_str(message);
    }
    text
}

/// What a gate said, as the end of a sentence.
pub(super) fn verdict(verdict: GateVerdict) -> &'static str {
    match verdict {
        GateVerdict::NotApplicable => "does not apply",
        GateVerdict::Allows => "allows",
        GateVerdict::Silent => "is silent",
        GateVerdict::Denies => "denies",
    }
}
