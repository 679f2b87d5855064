//! The model's way through a case, kept by whoever took it already: the generator takes every step to see that it can be taken, and then the
//! model need not take them again beside the target.

use std::borrow::Cow;
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
    /// Whether the outcomes say why.
    explained: bool,
}

/// A step that the model took.
#[derive(Debug, Clone)]
pub(super) struct Rehearsed {
    /// The step with every reference replaced; none if it has none.
    pub(super) step: Option<Step>,
    pub(super) outcome: Outcome,
}

impl Rehearsal {
    /// Nothing but the world at the start.
    pub fn new(start: World) -> Self {
        Self {
            start,
            steps: VecDeque::new(),
            explained: true,
        }
    }

    /// Nothing but the world at the start, whose outcomes say what comes of a step and not why.
    pub fn unexplained(start: World) -> Self {
        Self {
            explained: false,
            ..Self::new(start.unexplained())
        }
    }

    /// The world before the first step.
    pub fn world(&self) -> &World {
        &self.start
    }

    /// Whether the outcomes say why.
    pub fn is_explained(&self) -> bool {
        self.explained
    }

    /// Makes room for so many steps.
    pub fn reserve(&mut self, steps: usize) {
        self.steps.reserve(steps);
    }

    /// The next step, as it was taken, with what came of it.
    pub fn push(&mut self, step: Cow<'_, Step>, outcome: Outcome) {
        let step = match step {
            Cow::Borrowed(_) => None,
            Cow::Owned(step) => Some(step),
        };
        self.steps.push_back(Rehearsed { step, outcome });
    }
}
