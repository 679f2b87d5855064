//! Chooses generated cases for the suite: of many that a fixed seed gives, some of every kind of answer, so that what is rare is not lost
//! behind what is frequent.

use std::collections::{BTreeMap, VecDeque};

use countersign_model::case::Case;

use super::{Tier, VectorOutcome, outcomes};
use crate::differential::fingerprint;
use crate::findings::loads;
use crate::stats::stable_hash;
use crate::{evaluator, generate};

/// The seed of the sample, part of what the suite's version promises.
pub const SAMPLE_SEED: u64 = 20_261_122;

/// Cases that are drawn for each that is taken.
const DRAWN_FOR_ONE: u64 = 8;

/// So many generated cases of a tier, in the order of their numbers; fewer if there are not so many that can be written down.
pub(super) fn sample(tier: Tier, wanted: usize) -> Vec<Case> {
    let mut strata: BTreeMap<String, VecDeque<(u64, Case)>> = BTreeMap::new();
    for number in 0..wanted as u64 * DRAWN_FOR_ONE {
        let drawn = match tier {
            Tier::Evaluator => evaluator::generate::from_seed(SAMPLE_SEED, number).ok(),
            Tier::World => generate::from_seed(SAMPLE_SEED, number).ok(),
        };
        let Some(case) = drawn.filter(loads) else { continue };
        // A world that nobody can save is no vector.
        let Ok(answers) = outcomes(&case) else { continue };
        strata.entry(stratum(&answers)).or_default().push_back((number, case));
    }
    // By name all that is allowed would come first; a small sample would hold nothing else.
    let mut strata: Vec<(String, VecDeque<(u64, Case)>)> = strata.into_iter().collect();
    strata.sort_by_cached_key(|(name, _)| stable_hash(name));
    let mut taken: Vec<(u64, Case)> = Vec::new();
    while taken.len() < wanted && !strata.is_empty() {
        for (_, cases) in &mut strata {
            if taken.len() < wanted {
                taken.extend(cases.pop_front());
            }
        }
        strata.retain(|(_, cases)| !cases.is_empty());
    }
    taken.sort_by_key(|(number, _)| *number);
    taken.into_iter().map(|(_, case)| case).collect()
}

/// The kind of a case: its last answer, and the rule that says most about it. The last step of a story is the one that it tells of.
fn stratum(answers: &[VectorOutcome]) -> String {
    let Some(last) = answers.last() else {
        return String::new();
    };
    let rule = fingerprint::deciding_of(last.rules.iter().map(String::as_str));
    let decision = last.decision.map_or("saved", |decision| decision.word());
    [Some(decision), last.code.as_deref(), rule]
        .into_iter()
        .flatten()
        .collect::<Vec<_>>()
        .join(" ")
}
