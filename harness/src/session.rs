//! A whole run: the corpus, then random cases, over workers that each own a target. Results come out in the order of the cases,
//! whatever order the workers finish in. What is done with them is the consumer's business; nothing is compared here.

use std::any::Any;
use std::collections::BTreeMap;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::mpsc;
use std::sync::{Mutex, PoisonError};

use countersign_model::case::Case;

use crate::differential::{CaseReport, Rehearsal, RunError, run_case, run_rehearsed};
use crate::shard::Shard;
use crate::target::{Target, TargetError};

/// Stack of a worker: the SDKs' futures are deep, without optimisation large, and a connection may be opened at the bottom of them.
const WORKER_STACK: usize = 16 << 20;

/// A target that a worker thread owns.
pub type BoxedTarget = Box<dyn Target + Send>;

/// What to run.
#[derive(Debug, Clone)]
pub struct Plan {
    /// Cases from files, first.
    pub corpus: Vec<Case>,
    /// Number of random cases after them.
    pub random: u64,
    /// Seed of the random cases.
    pub seed: u64,
    /// Number of workers, at least one.
    pub workers: usize,
    /// The part of the cases that is run; numbers are those of the whole.
    pub shard: Shard,
}

impl Plan {
    /// Cases of the corpus and random ones together, as far as they are of the plan's shard.
    pub fn total(&self) -> u64 {
        self.shard.count(self.corpus.len() as u64 + self.random)
    }
}

/// A random case.
#[derive(Debug)]
pub struct Drawn {
    /// The case.
    pub case: Case,
    /// The model's way through it, where the generator took it.
    pub rehearsal: Option<Rehearsal>,
}

/// Which part of a run a case belongs to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Phase {
    /// From a file.
    Corpus,
    /// From the generator.
    Random,
}

/// What came of one case of a run.
#[derive(Debug)]
pub struct Finished {
    /// Which part of the run.
    pub phase: Phase,
    /// Its number in that part, from 0.
    pub number: u64,
    /// What came of it.
    pub result: CaseResult,
}

/// What came of one case.
#[derive(Debug)]
pub enum CaseResult {
    /// It was run; steps may still have been skipped or failed.
    Ran {
        /// The case.
        case: Box<Case>,
        /// The comparison.
        report: Box<CaseReport>,
    },
    /// The generator or the model's world gave it up, for a named reason.
    Discarded {
        /// The reason.
        reason: String,
    },
    /// The target failed after its last step.
    Lost {
        /// The case's id.
        id: String,
        /// What happened.
        error: TargetError,
    },
    /// It could not be run: the case or the harness is at fault.
    Failed {
        /// The case's id.
        id: String,
        /// What happened.
        error: String,
    },
}

/// Why a run could not go on.
#[derive(Debug, thiserror::Error)]
pub enum SessionError {
    /// No worker could make its target.
    #[error("the target could not be started: {0}")]
    Target(#[from] TargetError),
    /// A worker died: a fault of Countersign.
    #[error("a worker ended before its work was done; this is a fault of Countersign")]
    Worker,
}

/// Runs a plan and hands over every case's result in order. Returns whether the run was interrupted.
///
/// A raised `interrupted` lets every worker finish the case it is on; nothing found so far is lost.
///
/// # Errors
/// [`SessionError`] when a target cannot be made or a worker dies; what came before has been handed over.
pub fn run(
    plan: &Plan,
    make_target: &(dyn Fn() -> Result<BoxedTarget, TargetError> + Sync),
    generate: &(dyn Fn(u64, u64) -> Result<Drawn, String> + Sync),
    interrupted: &AtomicBool,
    mut consume: impl FnMut(Finished),
) -> Result<bool, SessionError> {
    let next = AtomicU64::new(0);
    let failure: Mutex<Option<TargetError>> = Mutex::new(None);
    let (sender, receiver) = mpsc::channel::<(u64, Finished)>();
    let total = plan.total();
    let mut handed_over = 0;
    std::thread::scope(|scope| {
        for _ in 0..plan.workers.max(1) {
            let sender = sender.clone();
            let (next, failure) = (&next, &failure);
            let worker = std::thread::Builder::new().stack_size(WORKER_STACK);
            let spawned = worker.spawn_scoped(scope, move || {
                let fail = |error| {
                    failure
                        .lock()
                        .unwrap_or_else(PoisonError::into_inner)
                        .get_or_insert(error);
                };
                let mut target = match make_target() {
                    Ok(target) => target,
                    Err(error) => return fail(error),
                };
                while !interrupted.load(Ordering::Relaxed) {
                    let nth = next.fetch_add(1, Ordering::Relaxed);
                    if nth >= total {
                        break;
                    }
                    let position = plan.shard.number(nth);
                    let guarded = catch_unwind(AssertUnwindSafe(|| run_one(plan, position, generate, target.as_mut())));
                    let finished = match guarded {
                        Ok(finished) => finished,
                        Err(panic) => {
                            // The target may be left in the middle of something: the next case gets a new one.
                            match make_target() {
                                Ok(fresh) => target = fresh,
                                Err(error) => return fail(error),
                            }
                            panicked(plan, position, panic.as_ref())
                        }
                    };
                    if sender.send((nth, finished)).is_err() {
                        break;
                    }
                }
            });
            if let Err(error) = spawned {
                failure
                    .lock()
                    .unwrap_or_else(PoisonError::into_inner)
                    .get_or_insert_with(|| TargetError::transport(format!("no thread for a worker: {error}")));
            }
        }
        drop(sender);
        // Cases finish in any order and are handed over in theirs.
        let mut waiting = BTreeMap::new();
        for (nth, finished) in receiver {
            waiting.insert(nth, finished);
            while let Some(finished) = waiting.remove(&handed_over) {
                consume(finished);
                handed_over += 1;
            }
        }
        for (_, finished) in waiting {
            consume(finished);
            handed_over += 1;
        }
    });
    if let Some(error) = failure.into_inner().unwrap_or_else(PoisonError::into_inner) {
        return Err(error.into());
    }
    let stopped = interrupted.load(Ordering::Relaxed);
    if handed_over < total && !stopped {
        return Err(SessionError::Worker);
    }
    Ok(stopped)
}

fn run_one(
    plan: &Plan,
    position: u64,
    generate: &(dyn Fn(u64, u64) -> Result<Drawn, String> + Sync),
    target: &mut dyn Target,
) -> Finished {
    let corpus = plan.corpus.len() as u64;
    if let Some(case) = usize::try_from(position)
        .ok()
        .and_then(|position| plan.corpus.get(position))
    {
        return Finished {
            phase: Phase::Corpus,
            number: position,
            result: compare(case.clone(), None, target, false),
        };
    }
    let number = position - corpus;
    let result = match generate(plan.seed, number) {
        Ok(Drawn { case, rehearsal }) => compare(case, rehearsal, target, true),
        Err(reason) => CaseResult::Discarded { reason },
    };
    Finished {
        phase: Phase::Random,
        number,
        result,
    }
}

/// A panic is a fault of Countersign in one case; it must not cost the user what the others found.
fn panicked(plan: &Plan, position: u64, panic: &(dyn Any + Send)) -> Finished {
    let text = panic
        .downcast_ref::<String>()
        .map(String::as_str)
        .or_else(|| panic.downcast_ref::<&str>().copied())
        .unwrap_or("no message");
    let error = format!("panic: {text}");
    let corpus = plan.corpus.len() as u64;
    match usize::try_from(position)
        .ok()
        .and_then(|position| plan.corpus.get(position))
    {
        Some(case) => Finished {
            phase: Phase::Corpus,
            number: position,
            result: CaseResult::Failed {
                id: case.id.clone(),
                error,
            },
        },
        None => {
            let number = position - corpus;
            let id = format!("seed {}, case {number}", plan.seed);
            Finished {
                phase: Phase::Random,
                number,
                result: CaseResult::Failed { id, error },
            }
        }
    }
}

/// A random case whose world the model holds for unreachable is a discard; a written one is a mistake in the file.
fn compare(case: Case, rehearsal: Option<Rehearsal>, target: &mut dyn Target, random: bool) -> CaseResult {
    let run = match rehearsal {
        Some(rehearsal) => {
            let explained = rehearsal.is_explained();
            match run_rehearsed(&case, rehearsal, target) {
                // What differs is asked again, for the reasons; what differs no more is kept as it was met.
                Ok(met) if !explained && !met.agrees() => Ok(match run_case(&case, target) {
                    Ok(again) if !again.agrees() => again,
                    _ => met,
                }),
                run => run,
            }
        }
        None => run_case(&case, target),
    };
    match run {
        Ok(report) => CaseResult::Ran {
            case: Box::new(case),
            report: Box::new(report),
        },
        Err(RunError::World(countersign_model::world::WorldError::Unsavable { .. })) if random => {
            CaseResult::Discarded {
                reason: "unsavable".to_owned(),
            }
        }
        Err(RunError::Target(error)) => CaseResult::Lost { id: case.id, error },
        Err(error) => CaseResult::Failed {
            id: case.id,
            error: error.to_string(),
        },
    }
}
