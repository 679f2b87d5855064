//! The case that found a fault, made small. What must stay is the way in which it shows: the fault's own disagreement, which the sound
//! emulator does not have.

use countersign_emulator::fault::{FaultEntry, FaultSet};
use countersign_model::case::Case;

use super::measure::Hands;
use super::{Exemplar, MeasureError, SeedReport, Size, Tier, evaluator as tier};
use crate::evaluator::{finding, generate as evaluator_cases, shrink as evaluator_shrink};

/// Times a case may be run again while it is shrunk.
const SHRINK_BUDGET: usize = 5_000;

/// The exemplar of a fault from the case that found it; none if that case does not show it again.
pub(super) fn make(
    entry: &FaultEntry,
    found: &SeedReport,
    hands: &mut Hands,
) -> Result<Option<Exemplar>, MeasureError> {
    let (Some(after), Some(tier)) = (found.detected_after, found.tier) else {
        return Ok(None);
    };
    match tier {
        Tier::Evaluator => Ok(of_evaluator(entry, found.seed, after - 1)),
        #[cfg(feature = "wire")]
        Tier::World => of_world(entry, found.seed, after - 1, hands),
        #[cfg(feature = "wire")]
        Tier::Request => Ok(of_request(entry, found.seed, after - 1, hands)),
        #[cfg(not(feature = "wire"))]
        Tier::World | Tier::Request => {
            let _ = hands;
            Ok(None)
        }
    }
}

fn of_evaluator(entry: &FaultEntry, seed: u64, number: u64) -> Option<Exemplar> {
    let case = evaluator_cases::from_seed(seed, number).ok()?;
    let faults = FaultSet::EMPTY.with(entry.fault);
    let wanted = tier::detection(&case, faults)?.class();
    let shrunk = evaluator_shrink::shrink(&case, SHRINK_BUDGET, |smaller| {
        crate::findings::loads(smaller) && tier::detection(smaller, faults).is_some_and(|found| found.class() == wanted)
    });
    let disagreement = tier::detection(&shrunk.case, faults)?;
    Some(Exemplar {
        seed,
        number,
        tier: Tier::Evaluator,
        fingerprint: disagreement.fingerprint(),
        class: wanted,
        decided_by: disagreement.decided_by(),
        before: Size::of(&case),
        after: Size::of(&shrunk.case),
        evaluations: shrunk.evaluations,
        minimal: shrunk.minimal,
        replay: format!(
            "countersign evaluator --seed {seed} --cases {} --fault {}",
            number + 1,
            entry.id
        ),
        case: finding::told(shrunk.case, &disagreement.expected, &case.id),
    })
}

#[cfg(feature = "wire")]
fn of_world(entry: &FaultEntry, seed: u64, number: u64, hands: &mut Hands) -> Result<Option<Exemplar>, MeasureError> {
    use crate::differential::{fingerprint, shrink};
    use crate::target::Target;
    let Ok(case) = crate::generate::from_seed(seed, number) else {
        return Ok(None);
    };
    let worlds = &mut hands.worlds;
    let Some(wanted) = worlds.added(entry.id, &case).into_iter().next() else {
        return Ok(None);
    };
    worlds.target.remember_worlds(true);
    let mut shows = |smaller: &Case| {
        // A part of the case that cannot be read back or run is no smaller case.
        let shows = crate::findings::loads(smaller) && worlds.added(entry.id, smaller).contains(&wanted);
        if shows {
            worlds.target.keep_world();
        }
        shows
    };
    let shrunk = shrink::shrink(&case, SHRINK_BUDGET, &mut shows);
    // What is reported is seen in a world that is built whole.
    worlds.target.remember_worlds(false);
    let shown = worlds.with(entry.id, &shrunk.case).ok();
    let name = shown
        .as_ref()
        .and_then(|report| fingerprint::finding(&shrunk.case, report))
        .unwrap_or_else(|| wanted.clone());
    let decided_by = shown
        .and_then(|report| {
            let step = report.steps.into_iter().find(|step| !step.disagreements.is_empty())?;
            step.expected.as_ref().map(fingerprint::decided_by)
        })
        .unwrap_or_default();
    Ok(Some(Exemplar {
        seed,
        number,
        tier: Tier::World,
        fingerprint: name,
        class: wanted,
        decided_by,
        before: Size::of(&case),
        after: Size::of(&shrunk.case),
        evaluations: shrunk.evaluations,
        minimal: shrunk.minimal,
        replay: format!(
            "countersign check --no-scenarios --seed {seed} --cases {} --fault {}",
            number + 1,
            entry.id
        ),
        case: shrunk.case,
    }))
}

/// The world case of which a hostile twin shows the fault.
#[cfg(feature = "wire")]
fn of_request(entry: &FaultEntry, seed: u64, number: u64, hands: &mut Hands) -> Option<Exemplar> {
    use crate::differential::shrink;
    let case = crate::generate::from_seed(seed, number).ok()?;
    let worlds = &mut hands.worlds;
    let wanted = worlds.twins_added(entry.id, &case).into_iter().next()?;
    let mut shows =
        |smaller: &Case| crate::findings::loads(smaller) && worlds.twins_added(entry.id, smaller).contains(wanted);
    let shrunk = shrink::shrink(&case, SHRINK_BUDGET, &mut shows);
    Some(Exemplar {
        seed,
        number,
        tier: Tier::Request,
        fingerprint: format!("twin {wanted}"),
        class: wanted.to_owned(),
        decided_by: format!("the law of the hostile twin `{wanted}`"),
        before: Size::of(&case),
        after: Size::of(&shrunk.case),
        evaluations: shrunk.evaluations,
        minimal: shrunk.minimal,
        replay: format!(
            "countersign faults --tier request --seed {seed} --cases {} {}",
            number + 1,
            entry.id
        ),
        case: shrunk.case,
    })
}

/// Tells whether a case still shows a fault in the way in which an exemplar does.
pub struct Detector {
    hands: Hands,
}

impl std::fmt::Debug for Detector {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.debug_struct("Detector").finish_non_exhaustive()
    }
}

impl Detector {
    /// One with an emulator of its own.
    ///
    /// # Errors
    /// [`MeasureError::Target`].
    pub fn new() -> Result<Self, MeasureError> {
        Hands::new().map(|hands| Self { hands })
    }

    /// Whether a case, changed or not, shows the fault of this name as the exemplar did. One that cannot be read back or run does not.
    pub fn shows(&mut self, id: &str, exemplar: &Exemplar, case: &Case) -> bool {
        let Some(entry) = super::list().iter().find(|entry| entry.id == id) else {
            return false;
        };
        if !crate::findings::loads(case) {
            return false;
        }
        match exemplar.tier {
            Tier::Evaluator => tier::detection(case, FaultSet::EMPTY.with(entry.fault))
                .is_some_and(|found| found.class() == exemplar.class),
            #[cfg(feature = "wire")]
            Tier::World => self.hands.worlds.added(id, case).contains(&exemplar.class),
            #[cfg(feature = "wire")]
            Tier::Request => self
                .hands
                .worlds
                .twins_added(id, case)
                .contains(exemplar.class.as_str()),
            #[cfg(not(feature = "wire"))]
            Tier::World | Tier::Request => {
                let _ = &self.hands;
                false
            }
        }
    }
}

/// The exemplar without one of its parts, for each part that may go alone.
pub fn single_removals(exemplar: &Exemplar) -> Vec<Case> {
    match exemplar.tier {
        Tier::Evaluator => evaluator_shrink::single_removals(&exemplar.case),
        Tier::World | Tier::Request => crate::differential::shrink::single_removals(&exemplar.case),
    }
}
