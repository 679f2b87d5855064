//! One world case before the emulator with each fault, in this process: what did the fault change, and does the model notice?

use std::collections::BTreeSet;

use countersign_emulator::fault::{FaultSet, Tier as SeenBy, take_came_by};
use countersign_model::case::Case;

use super::MeasureError;
use super::measure::{Seen, Suspect};
use crate::differential::{CaseReport, Disagreement, DisagreementKind, Side, StepStatus, fingerprint, run_case};
use crate::generate;
use crate::target::{EmbeddedOptions, EmbeddedTarget};

/// The emulator of one worker. Its faults change, and it goes back to a world that it has built: most of the time would go into that.
#[derive(Debug)]
pub(super) struct Emulated {
    pub(super) target: EmbeddedTarget,
}

/// Ids are drawn alike with a fault and without it, so that answers can be compared as they are.
const SEED: u64 = 7;

impl Emulated {
    pub(super) fn new() -> Result<Self, MeasureError> {
        let options = EmbeddedOptions {
            seed: Some(SEED),
            ..EmbeddedOptions::default()
        };
        EmbeddedTarget::in_process(options)
            .map(|target| Self { target })
            .map_err(|error| MeasureError::Target(error.to_string()))
    }

    /// Case `number` of a seed, for the faults in question.
    pub(super) fn look(
        &mut self,
        seed: u64,
        number: u64,
        suspects: &[Suspect],
        mut saw: impl FnMut(usize, Seen),
    ) -> Result<(), MeasureError> {
        let Ok(case) = generate::from_seed(seed, number) else {
            return Ok(());
        };
        let (sound, came_by) = self.soundly(&case)?;
        let known = fingerprint::all(&case, &sound);
        for suspect in suspects {
            // What only a request that no SDK sends can show, no case shows by itself.
            if !came_by.contains(suspect.entry.fault) || suspect.entry.tier == SeenBy::Request {
                continue;
            }
            let faulty = self.with(suspect.entry.id, &case)?;
            let seen = if fingerprint::all(&case, &faulty).iter().any(|one| !known.contains(one)) {
                Seen::Detected
            } else if differ(&sound, &faulty) {
                Seen::Triggered
            } else {
                Seen::Reached
            };
            saw(suspect.at, seen);
        }
        Ok(())
    }

    /// What comes of a case without faults, and which faults the code came by.
    pub(super) fn soundly(&mut self, case: &Case) -> Result<(CaseReport, FaultSet), MeasureError> {
        self.switch(&[])?;
        self.target.watch_faults(true);
        take_came_by();
        let report = report(case, &mut self.target);
        self.target.watch_faults(false);
        Ok((report?, take_came_by()))
    }

    /// What comes of a case with a fault.
    pub(super) fn with(&mut self, id: &str, case: &Case) -> Result<CaseReport, MeasureError> {
        self.switch(&[id.to_owned()])?;
        report(case, &mut self.target)
    }

    /// The fingerprints that a fault adds to those of the sound emulator. None of a case that cannot be run.
    pub(super) fn added(&mut self, id: &str, case: &Case) -> BTreeSet<String> {
        let Ok(faulty) = self.with(id, case) else {
            return BTreeSet::new();
        };
        let mut added = fingerprint::all(case, &faulty);
        if !added.is_empty()
            && let Ok((sound, _)) = self.soundly(case)
        {
            let known = fingerprint::all(case, &sound);
            added.retain(|one| !known.contains(one));
        }
        added
    }

    fn switch(&mut self, faults: &[String]) -> Result<(), MeasureError> {
        self.target
            .set_faults(faults)
            .map_err(|error| MeasureError::Target(error.to_string()))
    }
}

fn report(case: &Case, target: &mut EmbeddedTarget) -> Result<CaseReport, MeasureError> {
    run_case(case, target).map_err(|error| MeasureError::Run {
        case: case.id.clone(),
        why: error.to_string(),
    })
}

fn differ(one: &CaseReport, other: &CaseReport) -> bool {
    one.steps
        .iter()
        .zip(&other.steps)
        .any(|(one, other)| one.observed != other.observed || one.status != other.status)
}

/// Without the model's judgement: whether everything is as a case of the corpus itself expects.
pub(super) fn meets(report: &CaseReport) -> bool {
    let broken = |one: &Disagreement| one.kind == DisagreementKind::Expectation && one.side == Side::Target;
    report.provisioning_fault.is_none()
        && report.steps.iter().all(|step| step.status == StepStatus::Compared)
        && !report.disagreements().any(|(_, one)| broken(one))
}
