//! Asks every case of the scope, or the first so many, of the model and the authorizer on all cores. Shrinking and saving of what
//! differs is `evaluator::finding`'s.

use std::collections::BTreeMap;
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

use countersign_emulator::authorizer::Settings;
use countersign_emulator::authorizer::evaluator::{self as emulators, EvaluatorRequest as Asked, evaluate};
use countersign_emulator::fault::FaultSet;
use countersign_model::case::{Case, EvaluatorCase};
use countersign_model::quirks::Quirks;
use serde::Serialize;

use super::space::{Space, Unit};
use crate::evaluator::both::{Both, Verdict, policies_form, request_form, verdict};
use crate::evaluator::{EvaluatorFault, TODAY};

/// Combinations a worker takes at a time.
const CHUNK: usize = 16;

/// What a run came to.
#[derive(Debug, Clone, Default, Serialize)]
pub struct Report {
    /// Cases asked of both.
    pub cases: u64,
    /// The model's decisions.
    pub decisions: BTreeMap<&'static str, u64>,
    /// Cases on which the two differ, by what each says.
    pub disagreements: BTreeMap<String, u64>,
    /// The first case of each kind of disagreement, with its number.
    #[serde(skip)]
    pub first: BTreeMap<String, (u64, Case)>,
    /// Whether it was ended early.
    pub interrupted: bool,
}

impl Report {
    /// Percent of the cases with that decision.
    pub fn percent(&self, decision: &str) -> f64 {
        let count = self.decisions.get(decision).copied().unwrap_or_default();
        count as f64 * 100.0 / self.cases.max(1) as f64
    }

    fn merge(&mut self, other: Self) {
        self.cases += other.cases;
        for (decision, count) in other.decisions {
            *self.decisions.entry(decision).or_default() += count;
        }
        for (class, count) in other.disagreements {
            *self.disagreements.entry(class).or_default() += count;
        }
        for (class, (number, case)) in other.first {
            // The smallest number, whichever worker met it.
            match self.first.get(&class) {
                Some((known, _)) if *known <= number => {}
                _ => {
                    self.first.insert(class, (number, case));
                }
            }
        }
    }
}

/// Asks the first `cases` cases of the scope. `progress` is told how many were asked.
///
/// # Errors
/// [`EvaluatorFault`] when a reading does not take a case of the scope: a fault of the scope.
pub fn run(
    space: &Space,
    cases: u64,
    faults: FaultSet,
    workers: usize,
    interrupted: &AtomicBool,
    progress: &(dyn Fn(u64) + Sync),
) -> Result<Report, EvaluatorFault> {
    let next = AtomicUsize::new(0);
    let total = Mutex::new(Report::default());
    let failed: Mutex<Option<EvaluatorFault>> = Mutex::new(None);
    std::thread::scope(|scope| {
        for _ in 0..workers.max(1) {
            scope.spawn(|| {
                let mut worker = Worker::new(space, cases, faults);
                loop {
                    let start = next.fetch_add(CHUNK, Ordering::Relaxed);
                    let units = space.units().get(start..).unwrap_or_default();
                    let units = &units[..CHUNK.min(units.len())];
                    let is_done = units.first().is_none_or(|unit| unit.first >= cases);
                    if is_done || interrupted.load(Ordering::Relaxed) {
                        break;
                    }
                    let before = worker.report.cases;
                    if let Err(fault) = units.iter().try_for_each(|unit| worker.ask(*unit)) {
                        // The others stop at their next chunk.
                        next.store(space.units().len(), Ordering::Relaxed);
                        if let Ok(mut failed) = failed.lock() {
                            failed.get_or_insert(fault);
                        }
                        break;
                    }
                    progress(worker.report.cases - before);
                }
                if let Ok(mut total) = total.lock() {
                    total.merge(worker.report);
                }
            });
        }
    });
    if let Ok(Some(fault)) = failed.into_inner() {
        return Err(fault);
    }
    let mut report = total.into_inner().unwrap_or_default();
    report.interrupted = report.cases < cases.min(space.cases());
    Ok(report)
}

/// One thread's readings of what stays the same from case to case.
struct Worker<'a> {
    space: &'a Space,
    most: u64,
    both: Both,
    quirks: Quirks,
    settings: Settings,
    group: Option<(usize, [Vec<Asked>; 2])>,
    report: Report,
}

impl<'a> Worker<'a> {
    fn new(space: &'a Space, most: u64, faults: FaultSet) -> Self {
        Self {
            space,
            most,
            both: Both::with_faults(faults),
            quirks: Quirks::default(),
            settings: Settings {
                faults,
                as_of: TODAY,
                ..Settings::default()
            },
            group: None,
            report: Report::default(),
        }
    }

    fn ask(&mut self, unit: Unit) -> Result<(), EvaluatorFault> {
        let space = self.space;
        let group = space.group(unit);
        let asked = match self.group.take() {
            Some((known, asked)) if known == unit.group => asked,
            _ => [
                self.read_requests(&group.requests[0])?,
                self.read_requests(&group.requests[1])?,
            ],
        };
        let mut number = unit.first;
        for policies in space.policies(unit) {
            let requests = &group.requests[usize::from(policies.conditioned)];
            let evaluate_case = EvaluatorCase {
                requests: requests.clone(),
                policies: policies.policies.clone(),
                grants: policies.grants.clone(),
                ..EvaluatorCase::default()
            };
            let expected = self.both.model_verdicts(&evaluate_case, &self.quirks, TODAY)?;
            let form = emulators::CaseForm {
                requests: Some(Vec::new()),
                ..policies_form(&policies.policies, &policies.grants)
            };
            let read = self.both.emulators_case(form)?;
            let asked = &asked[usize::from(policies.conditioned)];
            for ((request, asked), expected) in requests.iter().zip(asked).zip(expected) {
                if number >= self.most {
                    break;
                }
                let observed = verdict(evaluate(asked, &read.policies, &read.grants, &self.settings));
                self.report.cases += 1;
                *self.report.decisions.entry(expected.decision.word()).or_default() += 1;
                if expected != observed {
                    self.differ(number, &expected, &observed, || space.case(number, request, &policies));
                }
                number += 1;
            }
        }
        self.group = Some((unit.group, asked));
        Ok(())
    }

    fn read_requests(
        &mut self,
        requests: &[countersign_model::case::EvaluatorRequest],
    ) -> Result<Vec<Asked>, EvaluatorFault> {
        let form = emulators::CaseForm {
            requests: Some(requests.iter().map(request_form).collect()),
            ..emulators::CaseForm::default()
        };
        Ok(self.both.emulators_case(form)?.requests)
    }

    fn differ(&mut self, number: u64, expected: &Verdict, observed: &Verdict, case: impl FnOnce() -> Case) {
        let class = format!("{} -> {}", words(expected), words(observed));
        self.report
            .first
            .entry(class.clone())
            .or_insert_with(|| (number, case()));
        *self.report.disagreements.entry(class).or_default() += 1;
    }
}

fn words(verdict: &Verdict) -> String {
    match (verdict.blamed, &verdict.document) {
        (Some(set), _) => format!("{} ({set})", verdict.decision.word()),
        (None, Some(document)) => format!("{} ({document})", verdict.decision.word()),
        (None, None) => verdict.decision.word().to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::run;
    use crate::evaluator::both::Both;
    use crate::scope::Space;
    use countersign_emulator::fault::FaultSet;
    use std::sync::atomic::AtomicBool;

    #[test]
    fn a_small_scope_agrees_and_a_fault_shows_with_its_first_case() {
        let space = Space::of(1);
        let never = AtomicBool::new(false);
        let report = run(&space, u64::MAX, FaultSet::default(), 2, &never, &|_| {}).expect("both take the scope");
        assert_eq!(report.cases, space.cases());
        assert_eq!(report.disagreements.values().sum::<u64>(), 0, "{:?}", report.first);
        assert_eq!(report.decisions.values().sum::<u64>(), report.cases);

        let faults = FaultSet::from_ids(["absent-key-negated-false"]).expect("a seeded fault of that name");
        let faulty = run(&space, u64::MAX, faults, 2, &never, &|_| {}).expect("both take the scope");
        let (class, (number, case)) = faulty
            .first
            .iter()
            .next()
            .expect("the fault shows within one statement");
        let found = Both::with_faults(faults).difference(case).expect("both take it");
        assert!(found.is_some(), "{class}, case {number}");
    }

    #[test]
    fn so_many_cases_and_no_more() {
        let space = Space::of(2);
        let report = run(&space, 1_000, FaultSet::default(), 2, &AtomicBool::new(false), &|_| {}).expect("asked");
        assert_eq!(report.cases, 1_000);
        assert!(!report.interrupted);
    }
}
