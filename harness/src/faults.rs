//! Measures the harness with the emulator's seeded faults: is each found, after how many cases, and how small is what is left of it?
//! The faults themselves live in the emulator; here they are only named and switched.

#[cfg(feature = "wire")]
use std::collections::BTreeSet;
use std::fmt::Write as _;

use countersign_emulator::fault::{FAULTS, FaultEntry};
use countersign_model::case::Case;
use serde::Serialize;

#[cfg(feature = "wire")]
use crate::differential::{RunError, fingerprint, run_case, shrink};
#[cfg(feature = "wire")]
use crate::generate;
#[cfg(feature = "wire")]
use crate::target::{EmbeddedOptions, EmbeddedTarget, TargetError};

/// All seeded faults, in the emulator's order.
pub fn list() -> &'static [FaultEntry] {
    FAULTS
}

/// Their names.
pub fn names() -> Vec<&'static str> {
    FAULTS.iter().map(|entry| entry.id).collect()
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
    /// One entry for each seed.
    pub seeds: Vec<SeedReport>,
    /// The first case that found it, shrunk.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub exemplar: Option<Exemplar>,
}

/// What came of one fault under one seed.
#[derive(Debug, Clone, Serialize)]
pub struct SeedReport {
    /// The seed.
    pub seed: u64,
    /// Cases run up to and with the one that found the fault; none if it was not found.
    pub found_after: Option<u64>,
    /// Cases that were run.
    pub cases: u64,
    /// Cases that the generator gave up.
    pub discards: u64,
}

/// The case that showed a fault.
#[derive(Debug, Clone, Serialize)]
pub struct Exemplar {
    /// Seed.
    pub seed: u64,
    /// Number under the seed.
    pub number: u64,
    /// What the finding is about.
    pub fingerprint: String,
    /// What decided the step in the model: decision, policy set, the most telling rule.
    pub decided_by: String,
    /// Steps before shrinking.
    pub steps_before: usize,
    /// Steps after shrinking.
    pub steps_after: usize,
    /// How often the case was run while it was shrunk.
    pub evaluations: usize,
    /// Whether nothing more can be taken away.
    pub minimal: bool,
    /// The command that shows it again.
    pub replay: String,
    /// The shrunk case.
    pub case: Case,
}

impl FaultReport {
    /// Whether every seed found the fault.
    pub fn found(&self) -> bool {
        !self.seeds.is_empty() && self.seeds.iter().all(|seed| seed.found_after.is_some())
    }

    /// Cases to detection, half of the seeds needing at most so many. A seed that did not find the fault counts as more than any.
    pub fn median(&self) -> Option<u64> {
        let mut counts: Vec<u64> = self
            .seeds
            .iter()
            .map(|seed| seed.found_after.unwrap_or(u64::MAX))
            .collect();
        counts.sort_unstable();
        counts
            .get(counts.len().saturating_sub(1) / 2)
            .copied()
            .filter(|count| *count != u64::MAX)
    }

    /// Cases to detection of the slowest seed; none if one did not find it.
    pub fn slowest(&self) -> Option<u64> {
        self.seeds
            .iter()
            .map(|seed| seed.found_after)
            .try_fold(0, |most, count| Some(most.max(count?)))
    }
}

/// The reports as a table.
pub fn render(reports: &[FaultReport]) -> String {
    let mut text = String::new();
    // Writing to a String cannot fail.
    let _ = write_table(&mut text, reports);
    text
}

fn write_table(out: &mut String, reports: &[FaultReport]) -> std::fmt::Result {
    writeln!(
        out,
        "{:<38} {:<10} {:>8} {:>8} {:>6} {:>7}  decided by",
        "fault", "breaks", "median", "slowest", "steps", "shrunk"
    )?;
    for report in reports {
        let count = |count: Option<u64>| count.map_or_else(|| "-".to_owned(), |count| count.to_string());
        write!(
            out,
            "{:<38} {:<10} {:>8} {:>8}",
            report.id,
            report.rule,
            count(report.median()),
            count(report.slowest())
        )?;
        match &report.exemplar {
            Some(exemplar) => {
                writeln!(
                    out,
                    " {:>6} {:>7}  {}",
                    exemplar.steps_before, exemplar.steps_after, exemplar.decided_by
                )?;
            }
            None => writeln!(out, " {:>6} {:>7}  not found", "-", "-")?,
        }
    }
    let found = reports.iter().filter(|report| report.found()).count();
    writeln!(out, "\n{found} of {} faults found", reports.len())?;
    for exemplar in reports.iter().filter_map(|report| report.exemplar.as_ref()) {
        writeln!(out, "  {}", exemplar.replay)?;
    }
    Ok(())
}

/// Why a measurement could not be made.
#[cfg(feature = "wire")]
#[derive(Debug, thiserror::Error)]
pub enum MeasureError {
    /// No fault has that name.
    #[error("unknown fault `{0}`")]
    UnknownFault(String),
    /// The emulator could not be started.
    #[error(transparent)]
    Target(#[from] TargetError),
    /// A generated case could not be run: a fault of Countersign.
    #[error("`{case}` could not be run: {source}")]
    Run {
        /// The case.
        case: String,
        /// Why.
        source: Box<RunError>,
    },
}

/// Times a case may be run again while it is shrunk.
#[cfg(feature = "wire")]
const SHRINK_BUDGET: usize = 3_000;

/// Runs generated cases against the emulator with each fault in turn, under each seed, until the fault shows or `max_cases` are done.
///
/// A fault shows when the emulator with it disagrees with the model in a way in which the emulator without it does not: what the two
/// sides dispute anyway is nobody's detection. The first detection is shrunk.
///
/// # Errors
/// [`MeasureError`].
#[cfg(feature = "wire")]
pub fn measure(ids: &[String], seeds: &[u64], max_cases: u64) -> Result<Vec<FaultReport>, MeasureError> {
    let mut hunts = ids.iter().map(|id| Hunt::new(id)).collect::<Result<Vec<_>, _>>()?;
    let mut healthy = EmbeddedTarget::in_process(EmbeddedOptions::default())?;
    for seed in seeds {
        let mut discards = 0;
        for hunt in &mut hunts {
            hunt.found_after = None;
            hunt.cases = 0;
        }
        for number in 0..max_cases {
            if hunts.iter().all(|hunt| hunt.found_after.is_some()) {
                break;
            }
            let Ok(case) = generate::from_seed(*seed, number) else {
                discards += 1;
                continue;
            };
            let without = fingerprints(&case, &mut healthy)?;
            for hunt in hunts.iter_mut().filter(|hunt| hunt.found_after.is_none()) {
                hunt.cases += 1;
                let with = fingerprints(&case, &mut hunt.target)?;
                let Some(new) = with.into_iter().find(|one| !without.contains(one)) else {
                    continue;
                };
                hunt.found_after = Some(hunt.cases);
                if hunt.report.exemplar.is_none() {
                    let origin = (*seed, number);
                    hunt.report.exemplar = Some(exemplar(
                        &case,
                        origin,
                        new,
                        &mut hunt.target,
                        &mut healthy,
                        &hunt.report.id,
                    ));
                }
            }
        }
        for hunt in &mut hunts {
            let report = SeedReport {
                seed: *seed,
                found_after: hunt.found_after,
                cases: hunt.cases,
                discards,
            };
            hunt.report.seeds.push(report);
        }
    }
    Ok(hunts.into_iter().map(|hunt| hunt.report).collect())
}

/// One fault and the emulator that has it.
#[cfg(feature = "wire")]
struct Hunt {
    report: FaultReport,
    target: EmbeddedTarget,
    found_after: Option<u64>,
    cases: u64,
}

#[cfg(feature = "wire")]
impl Hunt {
    fn new(id: &str) -> Result<Self, MeasureError> {
        let entry = FAULTS
            .iter()
            .find(|entry| entry.id == id)
            .ok_or_else(|| MeasureError::UnknownFault(id.to_owned()))?;
        let options = EmbeddedOptions {
            faults: vec![id.to_owned()],
            ..EmbeddedOptions::default()
        };
        let report = FaultReport {
            id: entry.id.to_owned(),
            rule: entry.rule.to_owned(),
            story: entry.story.to_owned(),
            seeds: Vec::new(),
            exemplar: None,
        };
        Ok(Self {
            report,
            target: EmbeddedTarget::in_process(options)?,
            found_after: None,
            cases: 0,
        })
    }
}

#[cfg(feature = "wire")]
fn fingerprints(case: &Case, target: &mut EmbeddedTarget) -> Result<BTreeSet<String>, MeasureError> {
    match run_case(case, target) {
        Ok(report) => Ok(fingerprint::all(case, &report)),
        Err(source) => Err(MeasureError::Run {
            case: case.id.clone(),
            source: Box::new(source),
        }),
    }
}

#[cfg(feature = "wire")]
fn exemplar(
    case: &Case,
    (seed, number): (u64, u64),
    fingerprint: String,
    faulty: &mut EmbeddedTarget,
    healthy: &mut EmbeddedTarget,
    id: &str,
) -> Exemplar {
    let shrunk = shrink::shrink(case, SHRINK_BUDGET, |smaller| {
        // A part of the case that cannot be read back or run is no smaller case.
        if !crate::findings::loads(smaller) {
            return false;
        }
        fingerprints(smaller, faulty).is_ok_and(|with| with.contains(&fingerprint))
            && fingerprints(smaller, healthy).is_ok_and(|without| !without.contains(&fingerprint))
    });
    let decided_by = run_case(&shrunk.case, faulty)
        .ok()
        .and_then(|report| {
            let step = report.steps.iter().find(|step| !step.disagreements.is_empty())?;
            step.expected.as_ref().map(fingerprint::decided_by)
        })
        .unwrap_or_default();
    Exemplar {
        seed,
        number,
        decided_by,
        steps_before: case.steps.len(),
        steps_after: shrunk.case.steps.len(),
        evaluations: shrunk.evaluations,
        minimal: shrunk.minimal,
        replay: format!(
            "countersign check --no-scenarios --seed {seed} --cases {} --fault {id}",
            number + 1
        ),
        fingerprint,
        case: shrunk.case,
    }
}

#[cfg(test)]
mod tests {
    use super::{FaultReport, SeedReport, names, render};

    fn report(counts: &[Option<u64>]) -> FaultReport {
        let seeds = counts
            .iter()
            .zip(1..)
            .map(|(found_after, seed)| SeedReport {
                seed,
                found_after: *found_after,
                cases: 500,
                discards: 0,
            })
            .collect();
        FaultReport {
            id: "x".to_owned(),
            rule: "svc:K-4".to_owned(),
            story: "s".to_owned(),
            seeds,
            exemplar: None,
        }
    }

    #[test]
    fn the_median_counts_a_miss_as_more_than_any_number() {
        assert_eq!(report(&[Some(5), Some(1), Some(9)]).median(), Some(5));
        assert_eq!(report(&[Some(5), None, None]).median(), None);
        assert_eq!(report(&[Some(5), None, Some(7)]).median(), Some(7));
        assert_eq!(report(&[Some(5), None]).slowest(), None);
        assert_eq!(report(&[Some(5), Some(8)]).slowest(), Some(8));
        assert!(!report(&[Some(5), None]).found());
        assert!(!report(&[]).found());
    }

    #[test]
    fn a_fault_that_was_not_found_is_said_to_be_so() {
        assert!(render(&[report(&[None])]).contains("not found"));
        assert!(render(&[report(&[Some(3)])]).contains("1 of 1 faults found"));
        assert!(names().contains(&"boundary-skipped"));
    }
}
