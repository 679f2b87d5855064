//! Drives one evaluator case: the model and a target answer the same requests under the same policies, then save the same documents. An
//! answer takes the form of a step's report, so that reports, fingerprints and findings are those of every other case.

use countersign_model::case::{
    BlamedExpect, Case, Decision, EvaluatorCase, EvaluatorDecision, EvaluatorExpect, EvaluatorRequest, EvaluatorSave,
    EvaluatorSaveExpect, StepKind,
};
use countersign_model::evaluate;
use countersign_model::evaluate::case::{Answer, SaveAnswer, save};
use countersign_model::outcome::{CheckDecision, Outcome, PolicySet};
use countersign_model::quirks::Quirks;
use countersign_model::rule::RuleId;
use countersign_model::world::CURRENT_DATE;

use super::{CaseReport, Disagreement, DisagreementKind, RunError, Side, StepReport, StepStatus};
use crate::target::{EvaluatorAnswer, Observed, SavingAnswer, Target, TargetError};

/// Asks model and target every request of an evaluator case.
///
/// # Errors
/// [`RunError::Evaluator`] for what is wrong with the case; all that the target does or fails to do is in the report.
pub(super) fn run_evaluator_case(case: &Case, target: &mut dyn Target) -> Result<CaseReport, RunError> {
    let fault = |message: String| RunError::Evaluator { message };
    let evaluate = case
        .evaluate
        .as_ref()
        .ok_or_else(|| fault("the case has neither a world nor `evaluate`".to_owned()))?;
    let quirks = Quirks::from_overrides(&case.quirks).map_err(|error| fault(error.to_string()))?;
    let answers = evaluate::case::run(evaluate, &quirks, case.as_of.unwrap_or(CURRENT_DATE))
        .map_err(|error| fault(error.to_string()))?;
    target.forget_usage();
    let mut steps = Vec::with_capacity(answers.len());
    for (request, answer) in requests(evaluate).zip(&answers) {
        steps.push(ask(case, evaluate, request, answer, target));
    }
    steps.extend(
        evaluate
            .saves
            .iter()
            .map(|document| ask_to_save(case, evaluate, document, target)),
    );
    Ok(CaseReport {
        id: case.id.clone(),
        target: target.name().to_owned(),
        steps,
        provisioning_fault: None,
        provisioning: Default::default(),
        wire: target.usage().wire,
        waiting: Default::default(),
    })
}

/// The requests of an evaluator case, in order.
pub fn requests(evaluate: &EvaluatorCase) -> impl Iterator<Item = &EvaluatorRequest> {
    evaluate.request.iter().chain(&evaluate.requests)
}

/// One request of an evaluator case with the policies it is under.
pub fn question(evaluate: &EvaluatorCase, request: &EvaluatorRequest) -> EvaluatorCase {
    EvaluatorCase {
        request: Some(request.clone()),
        requests: Vec::new(),
        saves: Vec::new(),
        ..evaluate.clone()
    }
}

/// The case with the model's answer as expectation of each request that has none, so that the file says what should come.
pub fn with_answers(case: &Case, outcomes: &[Option<&Outcome>]) -> Case {
    let mut case = case.clone();
    let Some(evaluate) = &mut case.evaluate else {
        return case;
    };
    if evaluate.request.is_some() {
        if case.expect.is_none() {
            case.expect = outcomes.first().copied().flatten().map(expectation);
        }
        return case;
    }
    for (request, outcome) in evaluate.requests.iter_mut().zip(outcomes) {
        if request.expect.is_none() {
            request.expect = outcome.map(expectation);
        }
    }
    for (document, outcome) in evaluate
        .saves
        .iter_mut()
        .zip(outcomes.iter().skip(evaluate.requests.len()))
    {
        if document.expect.is_none() {
            document.expect = outcome.map(|outcome| EvaluatorSaveExpect {
                saved: outcome.decision == Decision::Allow,
                rule: None,
                message: None,
            });
        }
    }
    case
}

fn ask(
    case: &Case,
    evaluate: &EvaluatorCase,
    request: &EvaluatorRequest,
    answer: &Answer,
    target: &mut dyn Target,
) -> StepReport {
    let expect = request.expect.as_ref().or(case.expect.as_ref());
    let mut report = StepReport {
        name: Some(format!("{} on {}", request.action, request.resource)),
        kind: if expect.is_some() {
            StepKind::Observed
        } else {
            StepKind::default()
        },
        status: StepStatus::Compared,
        expected: Some(outcome(answer)),
        observed: None,
        settled_after: None,
        disagreements: Vec::new(),
    };
    if let Some(Err(difference)) = expect.map(|expect| answer.meets(expect)) {
        report.disagreements.push(Disagreement {
            kind: DisagreementKind::Expectation,
            side: Side::Model,
            path: "expect".to_owned(),
            expected: expect.map_or_else(String::new, |expect| expect.decision.word().to_owned()),
            observed: difference,
        });
    }
    let question = question(evaluate, request);
    match target.evaluate(case, &question) {
        Ok(observed) => {
            let compares = target.compares();
            let found = compare(answer, &observed).into_iter().chain(
                expect
                    .map(|expect| broken_expectations(expect, &observed))
                    .unwrap_or_default(),
            );
            report
                .disagreements
                .extend(found.filter(|disagreement| compares.covers(disagreement)));
            report.observed = Some(observation(&observed));
        }
        Err(error) => report.status = not_asked(error),
    }
    report
}

fn ask_to_save(case: &Case, evaluate: &EvaluatorCase, document: &EvaluatorSave, target: &mut dyn Target) -> StepReport {
    let answer = save(document, case.as_of.unwrap_or(CURRENT_DATE));
    let mut report = StepReport {
        name: Some(format!("save a {}", document.kind.words())),
        kind: if document.expect.is_some() {
            StepKind::Observed
        } else {
            StepKind::default()
        },
        status: StepStatus::Compared,
        expected: Some(saving_outcome(&answer)),
        observed: None,
        settled_after: None,
        disagreements: Vec::new(),
    };
    if let Some(expect) = &document.expect
        && let Err(difference) = answer.meets(expect)
    {
        report.disagreements.push(Disagreement {
            kind: DisagreementKind::Expectation,
            side: Side::Model,
            path: "expect".to_owned(),
            expected: saving_word(expect.saved).to_owned(),
            observed: difference,
        });
    }
    let question = EvaluatorCase {
        saves: vec![document.clone()],
        canonical_users: evaluate.canonical_users.clone(),
        ..EvaluatorCase::default()
    };
    match target.save(case, &question) {
        Ok(observed) => {
            let compares = target.compares();
            let found = compare_saving(&answer, &observed);
            report
                .disagreements
                .extend(found.into_iter().filter(|disagreement| compares.covers(disagreement)));
            report.observed = Some(Observed {
                decision: saving_decision(observed.saved),
                message: Some(
                    observed
                        .message
                        .unwrap_or_else(|| saving_word(observed.saved).to_owned()),
                ),
                status: 0,
                ..Observed::quiet()
            });
        }
        Err(error) => report.status = not_asked(error),
    }
    report
}

fn not_asked(error: TargetError) -> StepStatus {
    match error {
        TargetError::Unsupported { capability } => StepStatus::Skipped { reason: capability },
        error => StepStatus::Error { error },
    }
}

/// Rules are the model's own names, and a text is compared only if both sides refuse and the target gives one.
fn compare_saving(answer: &SaveAnswer, observed: &SavingAnswer) -> Option<Disagreement> {
    let difference = |kind, path: &str, expected: &str, observed: &str| Disagreement {
        kind,
        side: Side::Target,
        path: path.to_owned(),
        expected: expected.to_owned(),
        observed: observed.to_owned(),
    };
    let saved = answer.refusal.is_none();
    if saved != observed.saved {
        return Some(difference(
            DisagreementKind::Decision,
            "saved",
            saving_word(saved),
            saving_word(observed.saved),
        ));
    }
    // Not every refusal has a text that is known.
    let expected = Some(&answer.refusal.as_ref()?.message).filter(|text| !text.is_empty())?;
    let told = observed.message.as_ref()?;
    (expected != told).then(|| difference(DisagreementKind::Message, "message", expected, told))
}

fn saving_decision(saved: bool) -> Decision {
    if saved { Decision::Allow } else { Decision::Error }
}

fn saving_word(saved: bool) -> &'static str {
    if saved { "saved" } else { "refused" }
}

/// The model's answer to a document in the form of a step's outcome.
fn saving_outcome(answer: &SaveAnswer) -> Outcome {
    let refusal = answer.refusal.as_ref();
    Outcome {
        decision: saving_decision(refusal.is_none()),
        message: Some(refusal.map_or_else(|| saving_word(true).to_owned(), |refusal| refusal.message.clone())),
        rules: match refusal {
            Some(refusal) => [refusal.rule.clone()].into(),
            None => answer.rules.clone(),
        },
        ..bare_outcome()
    }
}

fn compare(answer: &Answer, observed: &EvaluatorAnswer) -> Vec<Disagreement> {
    let mut found = Vec::new();
    if !same_decision(answer.decision(), observed.decision) {
        found.push(Disagreement {
            kind: DisagreementKind::Decision,
            side: Side::Target,
            path: "decision".to_owned(),
            expected: answer.decision().word().to_owned(),
            observed: observed.decision.word().to_owned(),
        });
    } else if answer.blamed() != observed.blamed {
        found.push(Disagreement {
            kind: DisagreementKind::Expectation,
            side: Side::Target,
            path: "expect.blamed".to_owned(),
            expected: set_word(answer.blamed()),
            observed: set_word(observed.blamed),
        });
    } else if let (Answer::Unusable { document, .. }, Some(theirs)) = (answer, &observed.document)
        && document != theirs
    {
        found.push(Disagreement {
            kind: DisagreementKind::Expectation,
            side: Side::Target,
            path: "expect.document".to_owned(),
            expected: document.clone(),
            observed: theirs.clone(),
        });
    }
    found
}

/// What the case itself expects and the target does not show.
fn broken_expectations(expect: &EvaluatorExpect, observed: &EvaluatorAnswer) -> Vec<Disagreement> {
    let mut found = Vec::new();
    if !same_decision(expect.decision, observed.decision) {
        found.push(Disagreement {
            kind: DisagreementKind::Expectation,
            side: Side::Target,
            path: "expect.decision".to_owned(),
            expected: expect.decision.word().to_owned(),
            observed: observed.decision.word().to_owned(),
        });
    }
    found
}

/// Whether two decisions say the same; `deny` leaves open which of the two denials it is.
fn same_decision(one: EvaluatorDecision, other: EvaluatorDecision) -> bool {
    use EvaluatorDecision as D;
    let denial = |decision| matches!(decision, D::Deny | D::ImplicitDeny | D::ExplicitDeny);
    one == other || ((one == D::Deny || other == D::Deny) && denial(one) && denial(other))
}

/// The model's answer in the form of a step's outcome.
fn outcome(answer: &Answer) -> Outcome {
    let (decision, checks, message, rules) = match answer {
        Answer::Decided(check) => (
            match check.decision {
                CheckDecision::Allow => Decision::Allow,
                CheckDecision::ImplicitDeny | CheckDecision::ExplicitDeny => Decision::Deny,
            },
            vec![(**check).clone()],
            Some(match check.blamed {
                Some(set) => format!("{}, blamed: {set}", answer.decision().word()),
                None => answer.decision().word().to_owned(),
            }),
            Default::default(),
        ),
        Answer::Unusable { document, error } => (
            Decision::Error,
            Vec::new(),
            Some(format!("{document}: {error}")),
            [error.rule.clone(), RuleId::from("iam:E-22".to_owned())].into(),
        ),
    };
    Outcome {
        decision,
        message,
        checks,
        rules,
        ..bare_outcome()
    }
}

/// An outcome of no call: nothing but a decision.
fn bare_outcome() -> Outcome {
    Outcome {
        decision: Decision::Allow,
        code: None,
        status: 0,
        message: None,
        stops_at: None,
        checks: Vec::new(),
        output: None,
        fresh: Default::default(),
        trail: Vec::new(),
        unchanged: true,
        rules: Default::default(),
    }
}

fn observation(answer: &EvaluatorAnswer) -> Observed {
    let mut message = answer.decision.word().to_owned();
    if let Some(set) = answer.blamed {
        message.push_str(&format!(", blamed: {set}"));
    }
    if let Some(reasons) = &answer.message {
        message.push_str("; ");
        message.push_str(reasons);
    }
    Observed {
        decision: match answer.decision {
            EvaluatorDecision::Allow => Decision::Allow,
            EvaluatorDecision::Error => Decision::Error,
            EvaluatorDecision::Deny | EvaluatorDecision::ExplicitDeny | EvaluatorDecision::ImplicitDeny => {
                Decision::Deny
            }
        },
        code: None,
        status: 0,
        message: Some(message),
        output: None,
        trail: None,
    }
}

fn expectation(outcome: &Outcome) -> EvaluatorExpect {
    let check = outcome.checks.first();
    EvaluatorExpect {
        decision: match check.map(|check| check.decision) {
            Some(CheckDecision::Allow) => EvaluatorDecision::Allow,
            Some(CheckDecision::ImplicitDeny) => EvaluatorDecision::ImplicitDeny,
            Some(CheckDecision::ExplicitDeny) => EvaluatorDecision::ExplicitDeny,
            None => EvaluatorDecision::Error,
        },
        blamed: check.and_then(|check| check.blamed).map(BlamedExpect::One),
    }
}

fn set_word(set: Option<PolicySet>) -> String {
    set.map_or_else(|| "none".to_owned(), |set| set.to_string())
}
