//! The hostile twins of the requests of one world case, before the emulator with each fault that only they can show: which law does the
//! fault break? The sound emulator breaks none, or what it breaks is nobody's detection. The model is not asked.

use std::collections::BTreeSet;

use countersign_emulator::fault::{FaultSet, Tier};
use countersign_model::case::Case;

use super::MeasureError;
use super::measure::{Seen, Suspect};
use super::world::Emulated;
use crate::generate;
use crate::target::TwinSeen;

impl Emulated {
    /// Case `number` of a seed, for the faults in question.
    pub(super) fn look_at_twins(
        &mut self,
        seed: u64,
        number: u64,
        suspects: &[Suspect],
        mut saw: impl FnMut(usize, Seen),
    ) -> Result<(), MeasureError> {
        let suspects: Vec<&Suspect> = suspects
            .iter()
            .filter(|suspect| suspect.entry.tier == Tier::Request)
            .collect();
        if suspects.is_empty() {
            return Ok(());
        }
        let Ok(case) = generate::from_seed(seed, number) else {
            return Ok(());
        };
        let (sound, came_by) = self.twins_soundly(&case)?;
        let known = broken(&sound);
        for suspect in suspects {
            if !came_by.contains(suspect.entry.fault) {
                continue;
            }
            let faulty = self.twins_with(suspect.entry.id, &case)?;
            let seen = if !broken(&faulty).is_subset(&known) {
                Seen::Detected
            } else if faulty != sound {
                Seen::Triggered
            } else {
                Seen::Reached
            };
            saw(suspect.at, seen);
        }
        Ok(())
    }

    /// The kinds of twins whose law a fault breaks in a case, and the sound emulator does not. None of a case that cannot be run.
    pub(super) fn twins_added(&mut self, id: &str, case: &Case) -> BTreeSet<&'static str> {
        let Ok(faulty) = self.twins_with(id, case) else {
            return BTreeSet::new();
        };
        let mut added = broken(&faulty);
        if !added.is_empty()
            && let Ok((sound, _)) = self.twins_soundly(case)
        {
            let known = broken(&sound);
            added.retain(|twin| !known.contains(twin));
        }
        added
    }

    fn twins_soundly(&mut self, case: &Case) -> Result<(Vec<TwinSeen>, FaultSet), MeasureError> {
        self.target.watch_twins(true);
        let run = self.soundly(case);
        self.target.watch_twins(false);
        let twins = self.target.take_twins();
        run.map(|(_, came_by)| (twins, came_by))
    }

    fn twins_with(&mut self, id: &str, case: &Case) -> Result<Vec<TwinSeen>, MeasureError> {
        self.target.watch_twins(true);
        let run = self.with(id, case);
        self.target.watch_twins(false);
        let twins = self.target.take_twins();
        run.map(|_| twins)
    }
}

fn broken(twins: &[TwinSeen]) -> BTreeSet<&'static str> {
    twins.iter().filter(|seen| !seen.holds).map(|seen| seen.twin).collect()
}
