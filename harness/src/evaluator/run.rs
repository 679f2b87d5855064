//! A differential run of the evaluator tier: many random cases, the model against one target, on all cores. Counts how good the cases
//! were and keeps an exemplar of each kind of disagreement; shrinking and saving are `finding`'s.

use std::collections::BTreeMap;
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use countersign_model::case::{Case, EvaluatorPrincipal};
use serde::Serialize;

use super::both::BriefModel;
use super::finding::Disagreement;
use super::{Answer, Evaluator, EvaluatorFault, ModelEvaluator, generate};
use crate::shard::Shard;
use crate::stats::digest::digest;

/// Cases a worker takes at a time.
const CHUNK: u64 = 512;
/// Every so many cases the model says why, and its rules are counted.
const EXPLAINED: u64 = 16;
/// Exemplars kept of one kind before shrinking, since a kind may hide several.
pub const EXEMPLARS: usize = 12;

/// What to run.
#[derive(Debug, Clone, Copy)]
pub struct Plan {
    /// Seed of the cases.
    pub seed: u64,
    /// Number of cases over all shards.
    pub cases: u64,
    /// The part of the cases that is run; numbers are those of the whole.
    pub shard: Shard,
    /// Number of threads.
    pub workers: usize,
}

/// What a run came to.
#[derive(Debug, Clone, Default, Serialize)]
pub struct Report {
    /// Cases drawn.
    pub drawn: u64,
    /// Cases asked of both sides.
    pub compared: u64,
    /// Cases that were no cases, by reason.
    pub discards: BTreeMap<String, u64>,
    /// Cases the target has no answer to, by what it lacks.
    pub skipped: BTreeMap<String, u64>,
    /// Distinct cases among the compared ones.
    pub distinct: u64,
    /// The model's decisions.
    pub decisions: BTreeMap<String, u64>,
    /// Whom the model blamed.
    pub blamed: BTreeMap<String, u64>,
    /// Who asked.
    pub callers: BTreeMap<String, u64>,
    /// Rules the model named, with the number of cases; counted on every sixteenth case.
    pub rules: BTreeMap<String, u64>,
    /// Disagreements by class, before shrinking.
    pub disagreements: BTreeMap<String, u64>,
    /// Faults of an evaluator: it could not be asked at all.
    pub faults: BTreeMap<String, u64>,
    /// Exemplars of each class, in the order of their numbers.
    #[serde(skip)]
    pub exemplars: BTreeMap<String, Vec<Case>>,
    #[serde(skip)]
    hashes: Vec<u64>,
}

impl Report {
    /// Percent of compared cases that occur once only counted once.
    pub fn distinct_percent(&self) -> f64 {
        percent(self.distinct, self.compared)
    }

    /// Percent of compared cases that the model allows.
    pub fn allow_percent(&self) -> f64 {
        percent(self.decisions.get("allow").copied().unwrap_or_default(), self.compared)
    }

    /// Percent of drawn cases that were discarded.
    pub fn discard_percent(&self) -> f64 {
        percent(self.discards.values().sum(), self.drawn)
    }

    fn count(map: &mut BTreeMap<String, u64>, name: impl Into<String>) {
        *map.entry(name.into()).or_default() += 1;
    }

    fn merge(&mut self, other: Self) {
        self.drawn += other.drawn;
        self.compared += other.compared;
        self.hashes.extend(other.hashes);
        for (mine, theirs) in [
            (&mut self.discards, other.discards),
            (&mut self.skipped, other.skipped),
            (&mut self.decisions, other.decisions),
            (&mut self.blamed, other.blamed),
            (&mut self.callers, other.callers),
            (&mut self.rules, other.rules),
            (&mut self.disagreements, other.disagreements),
            (&mut self.faults, other.faults),
        ] {
            for (name, count) in theirs {
                *mine.entry(name).or_default() += count;
            }
        }
        for (class, cases) in other.exemplars {
            self.exemplars.entry(class).or_default().extend(cases);
        }
    }

    fn finish(&mut self) {
        self.hashes.sort_unstable();
        self.hashes.dedup();
        self.distinct = self.hashes.len() as u64;
        self.hashes = Vec::new();
        for cases in self.exemplars.values_mut() {
            // The smallest numbers, whichever worker met them: the same run keeps the same exemplars.
            cases.sort_by_key(number_of);
            cases.truncate(EXEMPLARS);
        }
    }
}

/// Runs a plan. `target` makes one evaluator for each worker; `progress` is told how many cases are done.
///
/// # Errors
/// The first [`EvaluatorFault::Transport`]: the target is gone.
pub fn run(
    plan: &Plan,
    target: &(dyn Fn() -> Result<Box<dyn Evaluator>, EvaluatorFault> + Sync),
    interrupted: &AtomicBool,
    progress: &(dyn Fn(u64) + Sync),
) -> Result<Report, EvaluatorFault> {
    let next = AtomicU64::new(0);
    let stop = AtomicBool::new(false);
    let total = Mutex::new(Report::default());
    let failed: Mutex<Option<EvaluatorFault>> = Mutex::new(None);
    std::thread::scope(|scope| {
        for _ in 0..plan.workers.max(1) {
            scope.spawn(|| {
                let mut report = Report::default();
                if let Err(fault) = work(plan, target, &next, &[interrupted, &stop], progress, &mut report) {
                    stop.store(true, Ordering::Relaxed);
                    if let Ok(mut failed) = failed.lock() {
                        failed.get_or_insert(fault);
                    }
                }
                if let Ok(mut total) = total.lock() {
                    total.merge(report);
                }
            });
        }
    });
    if let Ok(Some(fault)) = failed.into_inner() {
        return Err(fault);
    }
    let mut report = total.into_inner().unwrap_or_default();
    report.finish();
    Ok(report)
}

fn work(
    plan: &Plan,
    target: &(dyn Fn() -> Result<Box<dyn Evaluator>, EvaluatorFault> + Sync),
    next: &AtomicU64,
    stops: &[&AtomicBool],
    progress: &(dyn Fn(u64) + Sync),
    report: &mut Report,
) -> Result<(), EvaluatorFault> {
    let mut model = BriefModel::default();
    let mut target = target()?;
    loop {
        let start = next.fetch_add(CHUNK, Ordering::Relaxed);
        if start >= plan.cases || stops.iter().any(|stop| stop.load(Ordering::Relaxed)) {
            return Ok(());
        }
        let end = (start + CHUNK).min(plan.cases);
        for number in (start..end).filter(|number| plan.shard.has(*number)) {
            one((plan.seed, number), &mut model, target.as_mut(), report)?;
        }
        progress(end - start);
    }
}

fn one(
    (seed, number): (u64, u64),
    model: &mut BriefModel,
    target: &mut dyn Evaluator,
    report: &mut Report,
) -> Result<(), EvaluatorFault> {
    report.drawn += 1;
    let case = match generate::from_seed(seed, number) {
        Ok(case) => case,
        Err(discard) => {
            Report::count(&mut report.discards, discard.to_string());
            return Ok(());
        }
    };
    // Reasons take longer than decisions: they are asked for where they are counted.
    let expected = if number.is_multiple_of(EXPLAINED) {
        ModelEvaluator.answer(&case)
    } else {
        model.answer(&case)
    };
    let expected = match expected {
        Ok(answers) => answers,
        Err(fault) => {
            // The model does not take it: the generator wrote something that is not a case.
            Report::count(&mut report.discards, fault.to_string());
            return Ok(());
        }
    };
    let observed = match target.answer(&case) {
        Ok(answers) => answers,
        Err(EvaluatorFault::Skipped { capability, .. }) => {
            Report::count(&mut report.skipped, capability);
            return Ok(());
        }
        Err(fault @ EvaluatorFault::Transport { .. }) => return Err(fault),
        Err(fault) => {
            Report::count(&mut report.faults, fault.to_string());
            report
                .exemplars
                .entry(format!("fault: {fault}"))
                .or_default()
                .push(case);
            return Ok(());
        }
    };
    describe(&case, &expected, report);
    if let Some(disagreement) = Disagreement::between(&expected, &observed) {
        let class = class_of(&case, &disagreement);
        Report::count(&mut report.disagreements, class.clone());
        let kept = report.exemplars.entry(class).or_default();
        if kept.len() < EXEMPLARS {
            kept.push(case);
        }
    }
    Ok(())
}

/// The class of a disagreement with the service it is about: rough, but enough to keep exemplars of each.
fn class_of(case: &Case, disagreement: &Disagreement) -> String {
    let service = case
        .evaluate
        .as_ref()
        .and_then(|evaluate| evaluate.request.as_ref())
        .map_or("?", |request| request.action.service());
    format!("{service}: {}", disagreement.class())
}

fn describe(case: &Case, expected: &[Answer], report: &mut Report) {
    report.compared += 1;
    report.hashes.extend(digest(&(&case.evaluate, &case.quirks)));
    for answer in expected {
        let words = answer.words();
        let decision = words.split(' ').next().unwrap_or_default();
        Report::count(&mut report.decisions, decision);
        if let Some(blamed) = answer.blamed {
            Report::count(&mut report.blamed, blamed.to_string());
        }
        for rule in &answer.rules {
            Report::count(&mut report.rules, rule.clone());
        }
    }
    if let Some(request) = case.evaluate.as_ref().and_then(|evaluate| evaluate.request.as_ref()) {
        Report::count(&mut report.callers, caller_word(&request.principal));
    }
}

fn caller_word(principal: &EvaluatorPrincipal) -> &'static str {
    let EvaluatorPrincipal::Arn(arn) = principal else {
        return "service";
    };
    const WORDS: &[(&str, &str)] = &[
        (":role/aws-service-role/", "service_linked_role"),
        (":assumed-role/AWSServiceRole", "service_linked_role"),
        (":assumed-role/", "role_session"),
        (":role/", "bare_role"),
        (":federated-user/", "federated_user"),
        (":user/", "user"),
        (":root", "root"),
    ];
    WORDS
        .iter()
        .find(|(part, _)| arn.contains(part))
        .map_or("anonymous", |(_, word)| word)
}

pub(crate) fn number_of(case: &Case) -> u64 {
    match &case.origin {
        Some(countersign_model::case::Origin::Generated { case: Some(number), .. }) => *number,
        _ => u64::MAX,
    }
}

fn percent(part: u64, whole: u64) -> f64 {
    if whole == 0 {
        0.0
    } else {
        part as f64 * 100.0 / whole as f64
    }
}
