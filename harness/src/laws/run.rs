//! Holds many random cases to every law, on all cores, and shrinks what breaks one.

use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, Ordering};

use countersign_model::case::Case;
use serde::Serialize;

use super::{Law, Violation, all};
use crate::evaluator::generate;
use crate::evaluator::shrink::shrink;
use crate::evaluator::{Evaluator, EvaluatorFault};

/// Cases a worker takes at a time.
const CHUNK: u64 = 128;
/// Times a case may be asked again while it is shrunk.
const SHRINK_BUDGET: usize = 2_000;
/// Salts tried on a shrunk case: its choices fall otherwise.
const SALTS: u64 = 4;

/// What one law came to.
#[derive(Debug, Clone, Serialize)]
pub struct LawReport {
    /// The law's name.
    pub id: &'static str,
    /// What it says.
    pub statement: &'static str,
    /// Pairs of answers that were compared.
    pub trials: u64,
    /// Cases that broke it.
    pub violations: u64,
    /// The first case that broke it: number and case.
    #[serde(skip)]
    pub first: Option<(u64, Case)>,
}

/// Holds `cases` random cases of a seed to all laws. `target` makes one evaluator for each worker.
///
/// # Errors
/// The first fault of an evaluator that could not be asked.
pub fn run(
    seed: u64,
    cases: u64,
    workers: usize,
    target: &(dyn Fn() -> Result<Box<dyn Evaluator>, EvaluatorFault> + Sync),
    progress: &(dyn Fn(u64) + Sync),
) -> Result<Vec<LawReport>, EvaluatorFault> {
    let laws = all();
    let next = AtomicU64::new(0);
    let total = Mutex::new(blank(&laws));
    let failed: Mutex<Option<EvaluatorFault>> = Mutex::new(None);
    std::thread::scope(|scope| {
        for _ in 0..workers.max(1) {
            scope.spawn(|| {
                let mut reports = blank(&laws);
                if let Err(fault) = work(seed, cases, &laws, target, &next, progress, &mut reports) {
                    // The others stop at their next chunk.
                    next.store(cases, Ordering::Relaxed);
                    if let Ok(mut failed) = failed.lock() {
                        failed.get_or_insert(fault);
                    }
                }
                if let Ok(mut total) = total.lock() {
                    for (mine, theirs) in total.iter_mut().zip(reports) {
                        merge(mine, theirs);
                    }
                }
            });
        }
    });
    if let Ok(Some(fault)) = failed.into_inner() {
        return Err(fault);
    }
    Ok(total.into_inner().unwrap_or_default())
}

/// The smallest case found that breaks the law, with how it does.
pub fn explain(law: &Law, number: u64, case: &Case, evaluator: &mut dyn Evaluator) -> Option<(Case, Violation)> {
    let mut broken = |candidate: &Case| -> Option<Violation> {
        (0..SALTS).find_map(|salt| law.hold(candidate, number.wrapping_add(salt), evaluator).ok()?.1)
    };
    broken(case)?;
    let small = shrink(case, SHRINK_BUDGET, |candidate| broken(candidate).is_some()).case;
    let violation = broken(&small)?;
    Some((small, violation))
}

fn blank(laws: &[Law]) -> Vec<LawReport> {
    laws.iter()
        .map(|law| LawReport {
            id: law.id,
            statement: law.statement,
            trials: 0,
            violations: 0,
            first: None,
        })
        .collect()
}

fn merge(mine: &mut LawReport, theirs: LawReport) {
    mine.trials += theirs.trials;
    mine.violations += theirs.violations;
    let earlier = match (&mine.first, &theirs.first) {
        (Some((mine, _)), Some((theirs, _))) => theirs < mine,
        (None, Some(_)) => true,
        (_, None) => false,
    };
    if earlier {
        mine.first = theirs.first;
    }
}

fn work(
    seed: u64,
    cases: u64,
    laws: &[Law],
    target: &(dyn Fn() -> Result<Box<dyn Evaluator>, EvaluatorFault> + Sync),
    next: &AtomicU64,
    progress: &(dyn Fn(u64) + Sync),
    reports: &mut [LawReport],
) -> Result<(), EvaluatorFault> {
    let mut target = target()?;
    loop {
        let start = next.fetch_add(CHUNK, Ordering::Relaxed);
        if start >= cases {
            return Ok(());
        }
        let end = (start + CHUNK).min(cases);
        for number in start..end {
            let Ok(case) = generate::from_seed(seed, number) else {
                continue;
            };
            for (law, report) in laws.iter().zip(reports.iter_mut()) {
                let (trials, violation) = law.hold(&case, number, target.as_mut())?;
                report.trials += trials;
                if violation.is_some() {
                    report.violations += 1;
                    if report.first.is_none() {
                        report.first = Some((number, case.clone()));
                    }
                }
            }
        }
        progress(end - start);
    }
}
