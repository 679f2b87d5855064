//! Measures the harness with the emulator's seeded faults: is each reached, triggered, detected, after how many cases, and how small is
//! what is left of the case? The faults themselves live in the emulator; here they are only named and switched.
//!
//! **What is one case.** Case n of a seed is the evaluator case n of that seed and, with the feature `wire`, the world case n of that
//! seed, and once more that world case with the hostile twins of its requests. Each fault is looked for where it sits, as the emulator's
//! registry says: the authorizer's in evaluator cases, those of the services in worlds, those of reading requests in twins. Numbers of
//! discarded cases count as well.
//!
//! - A fault is *reached* when code asked whether it is on: up to there, the emulator with it and without it are the same.
//! - It is *triggered* when the emulator with it answers otherwise than without it.
//! - It is *detected* when the emulator with it disagrees with the model in a way in which the emulator without it does not: what the
//!   two sides dispute anyway is nobody's detection. A hostile twin is judged by its law, not by the model.
//!
//! `measure` runs the cases, `evaluator`, `world` and `request` are the tiers, `exemplar` shrinks, `table` renders. `judges` does the same
//! without the model, `protection` says which rules that protects.

mod evaluator;
mod exemplar;
pub mod judges;
mod measure;
pub mod protection;
#[cfg(feature = "wire")]
mod request;
pub mod table;
#[cfg(feature = "wire")]
mod world;

use countersign_emulator::fault::{FAULTS, FaultEntry};
use countersign_model::case::Case;
use serde::Serialize;

pub use exemplar::{Detector, single_removals};
pub use measure::{Plan, measure, tiers};

/// All seeded faults, in the emulator's order.
pub fn list() -> &'static [FaultEntry] {
    FAULTS
}

/// Their names.
pub fn names() -> Vec<&'static str> {
    FAULTS.iter().map(|entry| entry.id).collect()
}

/// The faults of these names; all of them when none is given.
///
/// # Errors
/// [`MeasureError::UnknownFault`].
pub fn of_names(ids: &[String]) -> Result<Vec<&'static FaultEntry>, MeasureError> {
    if ids.is_empty() {
        return Ok(FAULTS.iter().collect());
    }
    let named = |id: &String| FAULTS.iter().find(|entry| entry.id == id);
    ids.iter()
        .map(|id| named(id).ok_or_else(|| MeasureError::UnknownFault(id.clone())))
        .collect()
}

/// The faults that are looked for in cases of these kinds.
pub fn shown_by(tiers: &[Tier]) -> Vec<&'static FaultEntry> {
    FAULTS.iter().filter(|entry| tiers.contains(&tier_of(entry))).collect()
}

/// The kind of cases in which a fault is looked for.
fn tier_of(entry: &FaultEntry) -> Tier {
    use countersign_emulator::fault::Tier as Seen;
    match entry.tier {
        Seen::Authorizer => Tier::Evaluator,
        Seen::World => Tier::World,
        Seen::Request => Tier::Request,
    }
}

/// Why a measurement could not be made.
#[derive(Debug, thiserror::Error)]
pub enum MeasureError {
    /// No fault has that name.
    #[error("unknown fault `{0}`")]
    UnknownFault(String),
    /// The emulator could not be started.
    #[error("{0}")]
    Target(String),
    /// A case could not be run: a fault of Countersign.
    #[error("`{case}` could not be run: {why}")]
    Run {
        /// The case.
        case: String,
        /// Why.
        why: String,
    },
}

/// Which kind of case shows something.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Tier {
    /// A case without a world: policies and a request.
    Evaluator,
    /// A case with a world, over the wire.
    World,
    /// The hostile twins of the requests of a case with a world.
    Request,
}

impl std::fmt::Display for Tier {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.pad(match self {
            Self::Evaluator => "evaluator",
            Self::World => "world",
            Self::Request => "request",
        })
    }
}

/// What a whole measurement came to.
#[derive(Debug, Clone, Serialize)]
pub struct Measurement {
    /// The seeds.
    pub seeds: Vec<u64>,
    /// Cases after which a fault was given up, under each seed.
    pub cases: u64,
    /// The tiers that were run.
    pub tiers: Vec<Tier>,
    /// Whether the run was ended before its time: what was not found may yet be.
    pub interrupted: bool,
    /// One report for each fault.
    pub faults: Vec<FaultReport>,
}

/// What came of measuring one fault.
#[derive(Debug, Clone, Serialize)]
pub struct FaultReport {
    /// The fault's name.
    pub id: String,
    /// The rule it breaks.
    pub rule: String,
    /// What goes wrong, in one sentence.
    pub story: String,
    /// The published flaw it stands for.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub class: Option<String>,
    /// Who can see it, as the emulator's registry says.
    pub visible_to: String,
    /// One entry for each seed.
    pub seeds: Vec<SeedReport>,
    /// The figures over all seeds.
    pub figures: Figures,
    /// The case that found it under the first seed that did, shrunk.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub exemplar: Option<Exemplar>,
}

/// What came of one fault under one seed. Counts are of cases up to and with the one meant.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct SeedReport {
    /// The seed.
    pub seed: u64,
    /// The first case that reached it.
    pub reached_after: Option<u64>,
    /// The first case that triggered it.
    pub triggered_after: Option<u64>,
    /// The first case that detected it.
    pub detected_after: Option<u64>,
    /// The tier that detected it.
    pub tier: Option<Tier>,
}

/// Figures of one fault over the seeds.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Figures {
    /// Seeds that reached it.
    pub reached: usize,
    /// Seeds that triggered it.
    pub triggered: usize,
    /// Seeds that detected it.
    pub detected: usize,
    /// Cases to detection: half of the seeds need at most so many. None if more than half of them do not detect it.
    pub median: Option<u64>,
    /// Cases to detection: 95 of 100 seeds lie between the two, the 2.5th and the 97.5th percentile by nearest rank. The second is none if
    /// it falls on a seed that does not detect the fault.
    pub interval: (Option<u64>, Option<u64>),
}

impl Figures {
    /// The figures of some seeds. A seed that did not detect the fault counts as more than any number of cases.
    pub fn of(seeds: &[SeedReport]) -> Self {
        let mut counts: Vec<u64> = seeds
            .iter()
            .map(|seed| seed.detected_after.unwrap_or(u64::MAX))
            .collect();
        counts.sort_unstable();
        let count = |which: fn(&SeedReport) -> Option<u64>| seeds.iter().filter(|seed| which(seed).is_some()).count();
        Self {
            reached: count(|seed| seed.reached_after),
            triggered: count(|seed| seed.triggered_after),
            detected: count(|seed| seed.detected_after),
            median: percentile(&counts, 500),
            interval: (percentile(&counts, 25), percentile(&counts, 975)),
        }
    }
}

/// The percentile in thousandths, by nearest rank, of sorted counts. `u64::MAX` stands for "never".
fn percentile(sorted: &[u64], thousandths: usize) -> Option<u64> {
    let rank = (sorted.len() * thousandths).div_ceil(1000).max(1);
    sorted.get(rank - 1).copied().filter(|count| *count != u64::MAX)
}

/// The case that showed a fault.
#[derive(Debug, Clone, Serialize)]
pub struct Exemplar {
    /// Seed.
    pub seed: u64,
    /// Number under the seed.
    pub number: u64,
    /// Its kind.
    pub tier: Tier,
    /// The finding that the shrunk case is: kind of disagreement and deciding rule.
    pub fingerprint: String,
    /// What had to stay while it was shrunk: the kind of disagreement as it showed in the whole case.
    pub class: String,
    /// What decided the step in the model: decision, policy set, the most telling rule.
    pub decided_by: String,
    /// The case before shrinking.
    pub before: Size,
    /// The shrunk case.
    pub after: Size,
    /// How often the case was run while it was shrunk.
    pub evaluations: usize,
    /// Whether nothing more can be taken away.
    pub minimal: bool,
    /// The command that shows it again.
    pub replay: String,
    /// The shrunk case.
    pub case: Case,
}

/// How large a case is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct Size {
    /// Steps; requests of a case without a world. The world itself is set-up and is not counted.
    pub steps: usize,
    /// Policy statements, wherever they stand.
    pub statements: usize,
    /// Bytes of its JSON form.
    pub bytes: usize,
}

impl Size {
    /// The size of a case.
    pub fn of(case: &Case) -> Self {
        let requests = case.evaluate.as_ref().map_or(0, |evaluate| {
            usize::from(evaluate.request.is_some()) + evaluate.requests.len()
        });
        let tree = serde_json::to_value(case).unwrap_or_default();
        Self {
            steps: case.steps.len() + requests,
            statements: statements(&tree),
            bytes: tree.to_string().len(),
        }
    }
}

/// A statement is whatever has an effect; a verbatim document is looked into.
fn statements(tree: &serde_json::Value) -> usize {
    use serde_json::Value;
    match tree {
        Value::Object(members) => {
            usize::from(members.contains_key("Effect")) + members.values().map(statements).sum::<usize>()
        }
        Value::Array(entries) => entries.iter().map(statements).sum(),
        Value::String(text) if text.starts_with('{') => {
            serde_json::from_str::<Value>(text).map_or(0, |document| statements(&document))
        }
        _ => 0,
    }
}

impl FaultReport {
    /// Whether every seed detected the fault.
    pub fn found(&self) -> bool {
        !self.seeds.is_empty() && self.figures.detected == self.seeds.len()
    }
}

#[cfg(test)]
mod tests {
    use super::{Figures, SeedReport, Size, names, of_names};
    use serde_json::json;

    fn figures(counts: &[Option<u64>]) -> Figures {
        let seeds: Vec<SeedReport> = counts
            .iter()
            .zip(1..)
            .map(|(detected_after, seed)| SeedReport {
                seed,
                reached_after: Some(1),
                triggered_after: *detected_after,
                detected_after: *detected_after,
                tier: None,
            })
            .collect();
        Figures::of(&seeds)
    }

    #[test]
    fn a_miss_counts_as_more_than_any_number() {
        assert_eq!(figures(&[Some(5), Some(1), Some(9)]).median, Some(5));
        assert_eq!(figures(&[Some(5), None, None]).median, None);
        assert_eq!(figures(&[Some(5), None, Some(7)]).median, Some(7));
        assert_eq!(figures(&[Some(5), None]).interval, (Some(5), None));
        assert_eq!(figures(&[Some(5), Some(8)]).interval, (Some(5), Some(8)));
        let one_miss = figures(&[Some(5), None]);
        assert_eq!((one_miss.reached, one_miss.triggered, one_miss.detected), (2, 1, 1));
        assert_eq!(figures(&[]).median, None);
    }

    #[test]
    fn the_interval_leaves_out_a_fortieth_at_each_end() {
        let counts: Vec<Option<u64>> = (1..=80).map(Some).collect();
        let figures = figures(&counts);
        assert_eq!(figures.interval, (Some(2), Some(78)));
        assert_eq!(figures.median, Some(40));
    }

    #[test]
    fn statements_count_wherever_they_stand() {
        let case = serde_json::from_value(json!({
            "countersign": 1,
            "id": "x",
            "evaluate": {
                "request": {"principal": "arn:aws:iam::111111111111:user/u", "action": "s3:GetObject", "resource": "arn:aws:s3:::b/k"},
                "policies": {
                    "identity": [
                        {"Version": "2012-10-17", "Statement": {"Effect": "Allow", "Action": "*", "Resource": "*"}},
                        "{\"Statement\": [{\"Effect\": \"Deny\", \"Action\": \"*\", \"Resource\": \"*\"}]}",
                    ],
                },
            },
        }))
        .expect("the sample is a case");
        let size = Size::of(&case);
        assert_eq!((size.steps, size.statements), (1, 2));
    }

    #[test]
    fn faults_are_known_by_name() {
        assert!(names().contains(&"boundary-skipped"));
        assert_eq!(of_names(&[]).expect("all").len(), names().len());
        let error = of_names(&["no-such-fault".to_owned()]).expect_err("nobody has that fault");
        assert_eq!(error.to_string(), "unknown fault `no-such-fault`");
    }
}
