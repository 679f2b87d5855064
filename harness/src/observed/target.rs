//! An observation as a target: it answers what was answered then. It cannot be asked anything else.

use std::collections::BTreeMap;

use countersign_model::case::{Case, Step};
use countersign_model::outcome::Outcome;
use countersign_model::world::World;

use super::{Observation, ObservedStep};
use crate::differential::Binding;
use crate::target::{Comparison, Observed, Target, TargetError};

/// Plays observations back.
#[derive(Debug)]
pub struct ObservedTarget {
    observations: BTreeMap<String, Observation>,
    compares: Comparison,
    playing: Option<(String, usize)>,
}

impl ObservedTarget {
    /// A target that knows the answers of these observations.
    pub fn new(observations: impl IntoIterator<Item = Observation>) -> Self {
        Self {
            observations: observations
                .into_iter()
                .map(|observation| (observation.case.id.clone(), observation))
                .collect(),
            compares: Comparison::DECISION,
            playing: None,
        }
    }
}

impl Target for ObservedTarget {
    fn name(&self) -> &str {
        "observed"
    }

    fn begin(&mut self, case: &Case, _world: &World) -> Result<Binding, TargetError> {
        let observation = self
            .observations
            .get(&case.id)
            .filter(|observation| observation.case.world == case.world && observation.case.steps == case.steps)
            .ok_or_else(|| TargetError::unsupported("a case that was not observed"))?;
        self.compares = Comparison::parse(&observation.compare)
            .map_err(|unknown| TargetError::adapter(format!("`{unknown}` is no part of an answer")))?;
        self.playing = Some((case.id.clone(), 0));
        // Observations are in the model's symbols: nothing is to be bound.
        Ok(Binding::default())
    }

    fn step(&mut self, _step: &Step, _outcome: &Outcome, _binding: &mut Binding) -> Result<Observed, TargetError> {
        let (id, next) = self
            .playing
            .as_mut()
            .ok_or_else(|| TargetError::adapter("no case has begun"))?;
        let step = self
            .observations
            .get(id)
            .and_then(|observation| observation.steps.get(*next));
        *next += 1;
        match step {
            Some(ObservedStep::Answered(observed)) => Ok(observed.clone()),
            Some(ObservedStep::Skipped(reason)) => Err(TargetError::unsupported(reason.clone())),
            Some(ObservedStep::Ambiguous(reason)) => Err(TargetError::ambiguous(reason.clone())),
            None => Err(TargetError::adapter("more steps were asked than were observed")),
        }
    }

    fn end(&mut self) -> Result<(), TargetError> {
        self.playing = None;
        Ok(())
    }

    fn compares(&self) -> Comparison {
        self.compares
    }
}
