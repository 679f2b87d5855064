//! Drives one case: model and target take the same steps, side by side. Comparing is `compare`'s, reporting somebody else's.

use std::borrow::Cow;
use std::collections::VecDeque;
use std::time::Duration;

use countersign_model::case::{Case, Step};
use countersign_model::outcome::Outcome;
use countersign_model::world::{StepError, World, WorldError};

use super::compare::{check_expectation_of_model, check_expectation_of_target, compare_step, inward};
use super::evaluator::run_evaluator_case;
use super::lateness::{self, Lateness, Patience, reads};
use super::rehearsal::Rehearsed;
use super::{Binding, CaseReport, Disagreement, DisagreementKind, Rehearsal, Side, StepReport, StepStatus};
use crate::target::{Observed, Settling, Target, TargetError, Translation, Usage};

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
    run_rehearsed(case, Rehearsal::new(World::new(case)?), target)
}

/// Runs a case with a world whose steps the model has taken already, or some of them.
///
/// # Errors
/// As for [`run_case`].
pub fn run_rehearsed(case: &Case, rehearsal: Rehearsal, target: &mut dyn Target) -> Result<CaseReport, RunError> {
    let keeps_all = rehearsal.is_explained();
    let mut worlds = Worlds {
        written: rehearsal.start,
        steps: &case.steps,
        taken: 0,
        rehearsed: rehearsal.steps,
        there: None,
    };
    let mut report = CaseReport {
        id: case.id.clone(),
        target: target.name().to_owned(),
        steps: Vec::with_capacity(case.steps.len()),
        provisioning_fault: None,
        provisioning: Default::default(),
        wire: Default::default(),
        waiting: Default::default(),
    };
    if let Some(translation) = target.translate(case) {
        match World::new(&translation.case) {
            Ok(world) => worlds.there = Some((world, translation)),
            // In other names it is no case any more: only a target that takes it as it is written could be asked.
            Err(_) => return Ok(unasked(report, case, TargetError::unsupported(translation.instead_of))),
        }
    }
    let translated = worlds.there.as_ref().map(|(_, translation)| translation.case.clone());
    let there = translated.as_ref().unwrap_or(case);
    let mut binding = match target.begin(there, worlds.asked()) {
        Ok(binding) => binding,
        Err(fault) => {
            record_usage(&mut report, target.usage());
            return Ok(unasked(report, case, worlds.fault_as_written(fault)));
        }
    };
    let mut patience = Patience::of(target);
    if let Err(fault) = patience.settle_world(there, &mut worlds, target, &binding) {
        record_usage(&mut report, target.usage());
        return Ok(unasked(report, case, fault));
    }
    let mut halted: Option<String> = None;
    for (index, (step, step_there)) in case.steps.iter().zip(&there.steps).enumerate() {
        if let Some(reason) = &halted {
            report.steps.push(skipped(step, reason));
            continue;
        }
        let taken = worlds.take(step, step_there).map_err(|source| RunError::Step {
            number: index + 1,
            name: step.name().map(str::to_owned),
            source: Box::new(source),
        })?;
        let mut step_report = StepReport {
            name: step.name().map(str::to_owned),
            kind: step.kind(),
            status: StepStatus::Compared,
            expected: None,
            observed: None,
            settled_after: None,
            disagreements: Vec::new(),
        };
        if let Some(expect) = step.expect() {
            let written = worlds.written();
            let resolve = |text: &str| written.resolve_text(text).map_err(|error| error.to_string());
            step_report
                .disagreements
                .extend(check_expectation_of_model(expect, &taken.outcome, &resolve));
        }
        let Some(there) = taken.there else {
            let reason = worlds
                .there
                .as_ref()
                .map_or("", |(_, translation)| &translation.instead_of);
            halted = Some(format!("a step before it needs `{reason}`"));
            step_report.status = StepStatus::Skipped {
                reason: reason.to_owned(),
            };
            step_report.expected = Some(taken.outcome);
            report.steps.push(step_report);
            continue;
        };
        let there = There {
            step: &there.step,
            outcome: there.outcome.as_ref().unwrap_or(&taken.outcome),
        };
        let asked = ask(
            &mut patience,
            step_there,
            there,
            &mut worlds,
            target,
            &mut binding,
            keeps_all,
        );
        step_report.settled_after = asked.waited;
        patience.changed_by(step_there, there.outcome);
        match asked.answer {
            Ok((observed, found)) => {
                step_report
                    .disagreements
                    .extend(found.into_iter().map(|one| worlds.as_written(one)));
                step_report.observed = observed.map(|observed| worlds.observed_as_written(observed));
            }
            Err(TargetError::Ambiguous { reason }) => {
                // What changes nothing and gives nothing that is needed later leaves the rest of the case as it is.
                if !reads(step) || !there.outcome.fresh.is_empty() {
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
        let agrees = step_report.status == StepStatus::Compared && step_report.disagreements.is_empty();
        step_report.expected = Some(if keeps_all || !agrees {
            taken.outcome
        } else {
            what_counts(taken.outcome)
        });
        report.steps.push(step_report);
    }
    record_usage(&mut report, target.usage());
    target.end().map_err(RunError::Target)?;
    Ok(report)
}

/// The world of the case as it is written, and where the target has other names, the same world in those.
pub(super) struct Worlds<'c> {
    /// The world before the first of `steps`: steps that were rehearsed are taken here when somebody looks.
    written: World,
    /// Steps from that world on.
    steps: &'c [Step],
    /// How many of them were taken in the rehearsal alone.
    taken: usize,
    /// What the model's next steps come to, as far as it has taken them before.
    // INVARIANT: the first of them follows on the first `taken` of `steps`.
    rehearsed: VecDeque<Rehearsed>,
    there: Option<(World, Translation)>,
}

/// A step that the model took.
struct Taken<'s> {
    /// What comes of it as it is written.
    outcome: Outcome,
    /// What the target is asked; none where the two forms of the case come to different ends.
    there: Option<Translated<'s>>,
}

/// A taken step in the target's names.
struct Translated<'s> {
    step: Cow<'s, Step>,
    /// What comes of it; none if it is what comes of it as it is written.
    outcome: Option<Outcome>,
}

/// A step as the target is asked it.
#[derive(Clone, Copy)]
struct There<'a> {
    step: &'a Step,
    outcome: &'a Outcome,
}

impl Worlds<'_> {
    /// The world that the target is given.
    pub(super) fn asked(&mut self) -> &World {
        self.catch_up();
        self.there.as_ref().map_or(&self.written, |(world, _)| world)
    }

    /// The world after the steps that were taken.
    fn written(&mut self) -> &World {
        self.catch_up();
        &self.written
    }

    fn catch_up(&mut self) {
        let (taken, left) = self
            .steps
            .split_at(std::mem::take(&mut self.taken).min(self.steps.len()));
        for step in taken {
            // It could be taken when it was rehearsed, in this very world.
            let _ = self.written.apply(step);
        }
        self.steps = left;
    }

    /// Time passed on the target.
    pub(super) fn advance(&mut self, settling: Option<Settling>, time: Duration) -> Result<(), TargetError> {
        // They were taken at another time.
        self.catch_up();
        self.rehearsed.clear();
        lateness::advance(&mut self.written, settling, time)?;
        match &mut self.there {
            Some((world, _)) => lateness::advance(world, settling, time),
            None => Ok(()),
        }
    }

    fn take<'s>(&mut self, written: &'s Step, there: &'s Step) -> Result<Taken<'s>, StepError> {
        let Some((world, _)) = &mut self.there else {
            let (step, outcome) = match self.rehearsed.pop_front() {
                Some(rehearsed) => {
                    self.taken += 1;
                    let step = rehearsed.step.map_or(Cow::Borrowed(written), Cow::Owned);
                    (step, rehearsed.outcome)
                }
                None => {
                    self.catch_up();
                    self.steps = self.steps.get(1..).unwrap_or_default();
                    self.written.take(written)?
                }
            };
            return Ok(Taken {
                there: Some(Translated { step, outcome: None }),
                outcome,
            });
        };
        let outcome = self.written.apply(written)?;
        let same = world.resolve_step(there).ok().zip(world.apply(there).ok());
        let same = same.filter(|(_, other)| {
            (other.decision, &other.code, other.status) == (outcome.decision, &outcome.code, outcome.status)
        });
        Ok(Taken {
            outcome,
            there: same.map(|(step, outcome)| Translated {
                step,
                outcome: Some(outcome),
            }),
        })
    }

    /// A disagreement in the names of the case as it is written.
    fn as_written(&self, one: Disagreement) -> Disagreement {
        match &self.there {
            None => one,
            Some((_, translation)) => Disagreement {
                path: translation.back(&one.path),
                expected: translation.back(&one.expected),
                observed: translation.back(&one.observed),
                ..one
            },
        }
    }

    fn observed_as_written(&self, observed: Observed) -> Observed {
        match &self.there {
            None => observed,
            Some((_, translation)) => Observed {
                message: observed.message.map(|message| translation.back(&message)),
                output: observed.output.map(|output| translation.back_json(&output)),
                trail: observed
                    .trail
                    .map(|trail| trail.iter().map(|event| translation.back_json(event)).collect()),
                ..observed
            },
        }
    }

    fn fault_as_written(&self, fault: TargetError) -> TargetError {
        match (&self.there, fault) {
            (Some((_, translation)), TargetError::Provisioning { what, code, message }) => TargetError::Provisioning {
                what: translation.back(&what),
                code,
                message: translation.back(&message),
            },
            (_, fault) => fault,
        }
    }
}

/// What the target answered to a step in the end.
struct Asked {
    /// The observation, in the model's symbols and if it is kept, and every difference.
    answer: Result<(Option<Observed>, Vec<Disagreement>), TargetError>,
    /// How long it took if it had to be asked again.
    waited: Option<Duration>,
}

/// Takes one step on the target and compares, again and again as long as the answer may only be late.
fn ask(
    patience: &mut Patience,
    step: &Step,
    there: There<'_>,
    worlds: &mut Worlds<'_>,
    target: &mut dyn Target,
    binding: &mut Binding,
    keeps_all: bool,
) -> Asked {
    let before = patience.is_needed().then(|| binding.clone());
    let started = patience.left();
    let answer = loop {
        let observed = target.step(there.step, there.outcome, binding);
        for symbol in there.outcome.fresh.values() {
            binding.declare(symbol);
        }
        let observed = match observed {
            Ok(observed) => observed,
            Err(error) => break Err(error),
        };
        let compares = target.compares();
        let mut found = compare_step(step, there.outcome, &observed, binding);
        found.retain(|one| compares.covers(one));
        if !keeps_all && found.is_empty() && step.expect().is_none() {
            break Ok((None, found));
        }
        let observed = inward(observed, binding);
        if let Some(expect) = step.expect() {
            let asked = worlds.asked();
            let resolve = |text: &str| asked.resolve_text(text).map_err(|error| error.to_string());
            let broken = check_expectation_of_target(expect, &observed, &resolve);
            found.extend(broken.into_iter().filter(|one| compares.covers(one)));
        }
        if found.is_empty() {
            break Ok((Some(observed), found));
        }
        match (patience.judge(step, &observed), &before) {
            (Lateness::AskAgain, Some(before)) => {
                if let Err(error) = patience.wait(worlds, target) {
                    break Err(error);
                }
                binding.clone_from(before);
            }
            (Lateness::Unknown, _) => {
                break Err(TargetError::ambiguous(
                    "the target did it while changes may still have been on their way",
                ));
            }
            _ => break Ok((Some(observed), found)),
        }
    };
    let waited = started.saturating_sub(patience.left());
    Asked {
        answer,
        waited: (!waited.is_zero()).then_some(waited),
    }
}

/// What is counted of an outcome that agrees: its decision and code, its checks and rules.
fn what_counts(outcome: Outcome) -> Outcome {
    Outcome {
        message: None,
        output: None,
        fresh: Default::default(),
        trail: Vec::new(),
        ..outcome
    }
}

/// The report of a case of which the target was asked nothing.
fn unasked(mut report: CaseReport, case: &Case, fault: TargetError) -> CaseReport {
    let reason = match &fault {
        TargetError::Unsupported { capability } => capability.clone(),
        _ => "the world could not be built".to_owned(),
    };
    report.steps = case.steps.iter().map(|step| skipped(step, &reason)).collect();
    if let TargetError::Ambiguous { reason } = &fault {
        for step in &mut report.steps {
            step.status = StepStatus::Ambiguous { reason: reason.clone() };
        }
    }
    report.provisioning_fault = Some(fault);
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
        settled_after: None,
        disagreements: Vec::new(),
    }
}
