//! Targets on which decisions see changes late: the same question is asked again until the answer is the model's or the time is over in
//! which it may be late. What cannot be asked again is ambiguous. Without lateness nothing here does anything.

use std::time::Duration;

use countersign_model::case::{AdvanceStep, Case, Decision, Step};
use countersign_model::outcome::Outcome;
use countersign_model::world::World;

use super::binding::Binding;
use super::compare::compare_step;
use super::run::Worlds;
use crate::target::repeat::{Repeat, repeat_of};
use crate::target::{Observed, Settling, Target, TargetError};

/// Questions that are asked to see whether a world has settled.
const PROBES: usize = 6;

/// What a difference means as long as changes may be on their way.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Lateness {
    /// It is a difference.
    None,
    /// The step left nothing: ask again, later.
    AskAgain,
    /// The target did something, perhaps because it had not seen a change yet. Nobody can tell.
    Unknown,
}

/// How much time a case has left in which the target may be late.
#[derive(Debug)]
pub(super) struct Patience {
    settling: Option<Settling>,
    left: Duration,
    asked: u32,
}

impl Patience {
    /// For a target whose world has just been built.
    pub(super) fn of(target: &dyn Target) -> Self {
        let settling = target.settling();
        Self {
            settling,
            left: settling.map_or(Duration::ZERO, |settling| settling.within),
            asked: 0,
        }
    }

    /// Whether there is anything to wait for.
    pub(super) fn is_needed(&self) -> bool {
        self.settling.is_some()
    }

    /// How much of that time is left.
    pub(super) fn left(&self) -> Duration {
        self.left
    }

    /// Waits until the target answers as the model does what the case will read and can be read at once, or the time is over.
    ///
    /// # Errors
    /// When the target's clock cannot be moved.
    pub(super) fn settle_world(
        &mut self,
        case: &Case,
        worlds: &mut Worlds<'_>,
        target: &mut dyn Target,
        binding: &Binding,
    ) -> Result<(), TargetError> {
        if self.settling.is_none() {
            return Ok(());
        }
        // Building the world took its time.
        worlds.advance(self.settling, target.usage().waiting.settled)?;
        while self.left > Duration::ZERO && !probes_agree(case, worlds.asked(), target, binding) {
            self.wait(worlds, target)?;
        }
        target.settled();
        Ok(())
    }

    /// What a difference between the model's outcome of a step and an observation means now.
    pub(super) fn judge(&self, step: &Step, observed: &Observed) -> Lateness {
        if self.settling.is_none() || self.left == Duration::ZERO {
            Lateness::None
        } else if observed.decision != Decision::Allow || reads(step) {
            Lateness::AskAgain
        } else {
            Lateness::Unknown
        }
    }

    /// Lets time pass for the target and the model.
    ///
    /// # Errors
    /// When the target's clock cannot be moved.
    pub(super) fn wait(&mut self, worlds: &mut Worlds<'_>, target: &mut dyn Target) -> Result<(), TargetError> {
        let Some(settling) = self.settling else { return Ok(()) };
        let pause = settling.pause(self.asked).min(self.left);
        target.wait(pause)?;
        worlds.advance(self.settling, pause)?;
        self.asked += 1;
        self.left -= pause;
        Ok(())
    }

    /// A step was taken: if it changed something, the change may be late.
    pub(super) fn changed_by(&mut self, step: &Step, outcome: &Outcome) {
        if let Some(settling) = self.settling
            && outcome.decision == Decision::Allow
            && !reads(step)
        {
            self.left = settling.within;
            self.asked = 0;
        }
    }
}

/// Whether a step leaves nothing behind.
pub(super) fn reads(step: &Step) -> bool {
    matches!(step, Step::Call(call) if repeat_of(call.call.as_str()) == Repeat::Read)
}

fn probes_agree(case: &Case, world: &World, target: &mut dyn Target, binding: &Binding) -> bool {
    let probes = case.steps.iter().filter(|step| reads(step)).take(PROBES);
    for step in probes {
        // What needs the result of a step before it cannot be asked yet.
        let Ok(resolved) = world.resolve_step(step) else {
            continue;
        };
        let Ok(outcome) = world.clone().apply(step) else {
            continue;
        };
        let mut binding = binding.clone();
        let Ok(observed) = target.step(&resolved, &outcome, &mut binding) else {
            continue;
        };
        let compares = target.compares();
        let found = compare_step(step, &outcome, &observed, &mut binding);
        if found.iter().any(|one| compares.covers(one)) {
            return false;
        }
    }
    true
}

/// Moves the model's clock, where the target's moves with it.
pub(super) fn advance(world: &mut World, settling: Option<Settling>, time: Duration) -> Result<(), TargetError> {
    if time.is_zero() || settling.is_none_or(|settling| !settling.case_clock) {
        return Ok(());
    }
    let step = Step::Advance(AdvanceStep {
        name: None,
        advance: format!("{}s", time.as_secs()),
    });
    world
        .apply(&step)
        .map(|_| ())
        .map_err(|error| TargetError::adapter(format!("the model's clock cannot move: {error}")))
}
