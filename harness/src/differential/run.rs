//! Drives one case: model and target take the same steps, side by side. Comparing is `compare`'s, reporting somebody else's.

use countersign_model::case::{Case, Step};
use countersign_model::outcome::Outcome;
use countersign_model::world::{StepError, World, WorldError};

use super::lateness::{Lateness, Patience, reads};
use super::compare::{check_expectation_of_model, check_expectation_of_target, compare_step, inward};
use super::evaluator::run_evaluator_case;
use super::{Binding, CaseReport, Disagreement, DisagreementKind, Side, StepReport, StepStatus};
use crate::target::{Observed, Target, TargetError, Usage};

/// Why a case could not be run at all: the case is wrong, or the target cannot let go of it.
#[derive(Debug, thiserror::Error)]
pub enum RunError {
    /// The model has no world for it. `Unsavable` is a discard, not a fault, when the case is a random one.
    #[error(transparent)]
    World(#[from] WorldError),
    /// The model cannot take a step: the step is wrong.
    #[error("step {number}{}: {source}", name.as_ref().map(|name| format!(" (`{name}`)")).unwrap_or_default())]
    Step {
        /// Its number, from 1.
        number: usize,
        /// Its name.
        name: Option<String>,
        /// What is wrong.
        source: Box<StepError>,
    },
    /// An evaluator case that cannot be asked: the case is wrong.
    #[error("{message}")]
    Evaluator {
        /// What is wrong.
        message: String,
    },
    /// The target failed after the last step.
    #[error(transparent)]
    Target(TargetError),
}

/// Runs a case on a target: its steps in its world, or the requests of an evaluator case.
///
/// # Errors
/// [`RunError`] for what is wrong with the case; all that the target does or fails to do is in the report.
pub fn run_case(case: &Case, target: &mut dyn Target) -> Result<CaseReport, RunError> {
    if case.evaluate.is_some() {
        return run_evaluator_case(case, target);
    }
    let mut world = World::new(case)?;
    let mut report = CaseReport {
        id: case.id.clone(),
        target: target.name().to_owned(),
        steps: Vec::with_capacity(case.steps.len()),
        provisioning_fault: None,
        provisioning: Default::default(),
        wire: Default::default(),
        waiting: Default::default(),
    };
    let mut binding = match target.begin(case, &world) {
        Ok(binding) => binding,
        Err(fault) => return Ok(without_world(case, report, fault, target)),
    };
    let mut patience = Patience::of(target);
    if let Err(fault) = patience.settle_world(case, &mut world, target, &binding) {
        return Ok(without_world(case, report, fault, target));
    }
    let mut halted: Option<String> = None;
    for (index, step) in case.steps.iter().enumerate() {
        if let Some(reason) = &halted {
            report.steps.push(skipped(step, reason));
            continue;
        }
        let step_error = |source: StepError| RunError::Step {
            number: index + 1,
            name: step.name().map(str::to_owned),
            source: Box::new(source),
        };
        let resolved = world.resolve_step(step).map_err(|error| step_error(error.into()))?;
        let outcome = world.apply(step).map_err(step_error)?;
        let taken = take(&mut patience, step, &resolved, &outcome, &mut world, target, &mut binding);
        patience.changed_by(step, &outcome);
        let mut step_report = StepReport {
            name: step.name().map(str::to_owned),
            kind: step.kind(),
            status: StepStatus::Compared,
            expected: None,
            observed: None,
            disagreements: Vec::new(),
        };
        let resolve = |text: &str| world.resolve_text(text).map_err(|error| error.to_string());
        if let Some(expect) = step.expect() {
            step_report
                .disagreements
                .extend(check_expectation_of_model(expect, &outcome, &resolve));
        }
        match taken {
            Ok((observed, mut found)) => {
                let observed = inward(&observed, &binding);
                if let Some(expect) = step.expect() {
                    let unmet = check_expectation_of_target(expect, &observed, &resolve);
                    let compares = target.compares();
                    found.extend(unmet.into_iter().filter(|one| compares.covers(one)));
                }
                step_report.disagreements.extend(found);
                step_report.observed = Some(observed);
            }
            Err(TargetError::Ambiguous { reason }) => {
                // What changes nothing and gives nothing that is needed later leaves the rest of the case as it is.
                if !reads(step) || !outcome.fresh.is_empty() {
                    halted = Some("nobody knows what a step before it did".to_owned());
                }
                step_report.status = StepStatus::Ambiguous { reason };
            }
            Err(TargetError::Unsupported { capability }) => {
                halted = Some(format!("a step before it needs `{capability}`"));
                step_report.status = StepStatus::Skipped { reason: capability };
            }
            Err(TargetError::Unbound { symbol }) => {
                // The target owes a value: what went wrong is in the step that should have given it, and here is its consequence.
                step_report.disagreements.push(Disagreement {
                    kind: DisagreementKind::Binding,
                    side: Side::Target,
                    path: "with".to_owned(),
                    expected: symbol.clone(),
                    observed: format!("the target never gave a value for `{symbol}`"),
                });
                halted = Some("a step before it needs a value that the target never gave".to_owned());
            }
            Err(error) => {
                halted = Some("a step before it failed".to_owned());
                step_report.status = StepStatus::Error { error };
            }
        }
        step_report.expected = Some(outcome);
        report.steps.push(step_report);
    }
    record_usage(&mut report, target.usage());
    target.end().map_err(RunError::Target)?;
    Ok(report)
}

/// Takes one step on the target and compares, again and again as long as the answer may only be late.
fn take(
    patience: &mut Patience,
    step: &Step,
    resolved: &Step,
    outcome: &Outcome,
    world: &mut World,
    target: &mut dyn Target,
    binding: &mut Binding,
) -> Result<(Observed, Vec<Disagreement>), TargetError> {
    let before = patience.is_needed().then(|| binding.clone());
    loop {
        let observed = target.step(resolved, outcome, binding);
        for symbol in outcome.fresh.values() {
            binding.declare(symbol);
        }
        let observed = observed?;
        let compares = target.compares();
        let mut found = compare_step(step, outcome, &observed, binding);
        found.retain(|one| compares.covers(one));
        if found.is_empty() {
            return Ok((observed, found));
        }
        match (patience.judge(step, &observed), &before) {
            (Lateness::AskAgain, Some(before)) => {
                patience.wait(world, target)?;
                binding.clone_from(before);
            }
            (Lateness::Unknown, _) => {
                return Err(TargetError::ambiguous(
                    "the target did it while changes may still have been on their way",
                ));
            }
            _ => return Ok((observed, found)),
        }
    }
}

/// The report of a case whose world could not be built: all its steps are skipped, or ambiguous if nobody knows what was built.
fn without_world(case: &Case, mut report: CaseReport, fault: TargetError, target: &dyn Target) -> CaseReport {
    let steps = case.steps.iter().map(|step| match &fault {
        TargetError::Ambiguous { reason } => StepReport {
            status: StepStatus::Ambiguous { reason: reason.clone() },
            ..skipped(step, "")
        },
        _ => skipped(step, "the world could not be built"),
    });
    report.steps = steps.collect();
    report.provisioning_fault = Some(fault);
    record_usage(&mut report, target.usage());
    report
}

fn record_usage(report: &mut CaseReport, usage: Usage) {
    report.provisioning = usage.provisioning;
    report.wire = usage.wire;
    report.waiting = usage.waiting;
}

fn skipped(step: &Step, reason: &str) -> StepReport {
    StepReport {
        name: step.name().map(str::to_owned),
        kind: step.kind(),
        status: StepStatus::Skipped {
            reason: reason.to_owned(),
        },
        expected: None,
        observed: None,
        disagreements: Vec::new(),
    }
}
