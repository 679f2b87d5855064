//! The model's way through a case, kept by whoever took it already: the generator takes every step to see that it can be taken, and then the
//! model need not take them again beside the target.

use std::collections::VecDeque;

use countersign_model::case::Step;
use countersign_model::outcome::Outcome;
use countersign_model::world::World;

/// The world before the first step of a case, and what came of each step.
// INVARIANT: it is of the case that it is handed on with, step by step.
#[derive(Debug, Clone)]
pub struct Rehearsal {
    pub(super) start: World,
    pub(super) steps: VecDeque<Rehearsed>,
}

/// A step that the model took.
#[derive(Debug, Clone)]
pub(super) struct Rehearsed {
    /// The step with every reference replaced.
    pub(super) step: Step,
    pub(super) outcome: Outcome,
    /// The world after it.
    pub(super) after: World,
}

impl Rehearsal {
    /// Nothing but the world at the start.
    pub fn new(start: World) -> Self {
        Self {
            start,
            steps: VecDeque::new(),
        }
    }

    /// The next step, as it was taken, with what came of it and the world after it.
    pub fn push(&mut self, step: Step, outcome: Outcome, after: World) {
        self.steps.push_back(Rehearsed { step, outcome, after });
    }
}
