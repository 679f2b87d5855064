//! One evaluator case before the authorizer with each fault: what did the fault change, and does the model notice?

use countersign_emulator::fault::{FaultSet, take_came_by};
use countersign_model::case::Case;

use super::measure::{Seen, Suspect};
use crate::evaluator::finding::Disagreement;
use crate::evaluator::{Answer, EmulatorEvaluator, Evaluator as _, ModelEvaluator, generate};

/// Case `number` of a seed, for the faults in question.
pub(super) fn look(seed: u64, number: u64, suspects: &[Suspect], mut saw: impl FnMut(usize, Seen)) {
    let Ok(case) = generate::from_seed(seed, number) else {
        return;
    };
    let Some(sound) = Sound::of(&case) else { return };
    for suspect in suspects {
        if !sound.came_by.contains(suspect.entry.fault) {
            continue;
        }
        saw(suspect.at, sound.with(&case, FaultSet::EMPTY.with(suspect.entry.fault)));
    }
}

/// The answers without any fault.
struct Sound {
    expected: Vec<Answer>,
    healthy: Vec<Answer>,
    came_by: FaultSet,
}

impl Sound {
    /// None for a case that one of the two does not take.
    fn of(case: &Case) -> Option<Self> {
        let expected = ModelEvaluator.answer(case).ok()?;
        take_came_by();
        let healthy = EmulatorEvaluator {
            faults: FaultSet::EMPTY.watched(),
        }
        .answer(case);
        Some(Self {
            expected,
            healthy: healthy.ok()?,
            came_by: take_came_by(),
        })
    }

    fn with(&self, case: &Case, faults: FaultSet) -> Seen {
        let Ok(faulty) = (EmulatorEvaluator { faults }).answer(case) else {
            return Seen::Reached;
        };
        if faulty == self.healthy {
            return Seen::Reached;
        }
        match class(&self.expected, &faulty) {
            Some(new) if Some(&new) != class(&self.expected, &self.healthy).as_ref() => Seen::Detected,
            _ => Seen::Triggered,
        }
    }
}

/// How a case shows a fault: the class of the disagreement that the fault adds. None if it shows nothing.
pub(super) fn detection(case: &Case, faults: FaultSet) -> Option<Disagreement> {
    let expected = ModelEvaluator.answer(case).ok()?;
    let faulty = EmulatorEvaluator { faults }.answer(case).ok()?;
    let found = Disagreement::between(&expected, &faulty)?;
    let healthy = EmulatorEvaluator::default().answer(case).ok()?;
    (class(&expected, &healthy).as_ref() != Some(&found.class())).then_some(found)
}

fn class(expected: &[Answer], observed: &[Answer]) -> Option<String> {
    Disagreement::between(expected, observed).map(|found| found.class())
}
