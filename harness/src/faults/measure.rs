//! Runs the cases of each seed against every fault, on all cores, until the faults are found or the cases are done. The outcome does not
//! depend on the number of threads: for each fault the first case counts, and no case before it is left out.

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Mutex, PoisonError};

use countersign_emulator::fault::FaultEntry;

#[cfg(feature = "wire")]
use super::world::Emulated;
use super::{FaultReport, Figures, MeasureError, Measurement, SeedReport, Tier, evaluator, exemplar};

/// What to measure.
#[derive(Debug, Clone)]
pub struct Plan {
    /// The faults.
    pub faults: Vec<&'static FaultEntry>,
    /// The seeds, each tried by itself.
    pub seeds: Vec<u64>,
    /// Cases after which a fault is given up, under each seed.
    pub cases: u64,
    /// The kinds of cases, in order.
    pub tiers: Vec<Tier>,
    /// Number of threads.
    pub workers: usize,
}

/// The kinds of cases that this build can run.
pub fn tiers() -> Vec<Tier> {
    if cfg!(feature = "wire") {
        vec![Tier::Evaluator, Tier::World, Tier::Request]
    } else {
        vec![Tier::Evaluator]
    }
}

/// A fault that is still looked for, with its place in the plan.
#[derive(Debug, Clone, Copy)]
pub(super) struct Suspect {
    pub(super) at: usize,
    pub(super) entry: &'static FaultEntry,
}

/// What one case showed of a fault; each includes those before.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Seen {
    Reached,
    Triggered,
    Detected,
}

/// Measures a plan. `progress` is told, now and then, how many pairs of fault and seed are done.
///
/// # Errors
/// [`MeasureError`].
pub fn measure(
    plan: &Plan,
    interrupted: &AtomicBool,
    progress: &(dyn Fn(u64) + Sync),
) -> Result<Measurement, MeasureError> {
    let boards: Vec<Board> = plan.seeds.iter().map(|_| Board::new(plan.faults.len())).collect();
    let next = AtomicU64::new(0);
    let crew = Crew::new(interrupted);
    crew.run(plan.workers, |hands| hunt(plan, &boards, &next, hands, &crew, progress))?;
    let stopped = interrupted.load(Ordering::Relaxed);
    let mut reports: Vec<FaultReport> = plan
        .faults
        .iter()
        .enumerate()
        .map(|(at, entry)| report(entry, at, plan, &boards))
        .collect();
    // The first seed that found a fault gives its exemplar.
    let waiting = AtomicU64::new(0);
    let exemplars: Vec<Mutex<Option<super::Exemplar>>> = reports.iter().map(|_| Mutex::default()).collect();
    crew.run(plan.workers, |hands| {
        while !crew.stopped() {
            let at = usize::try_from(waiting.fetch_add(1, Ordering::Relaxed)).unwrap_or(usize::MAX);
            let Some((entry, report)) = plan.faults.get(at).zip(reports.get(at)) else {
                break;
            };
            let Some(found) = report.seeds.iter().find(|seed| seed.detected_after.is_some()) else {
                continue;
            };
            let made = exemplar::make(entry, found, hands)?;
            *exemplars[at].lock().unwrap_or_else(PoisonError::into_inner) = made;
        }
        Ok(())
    })?;
    for (report, exemplar) in reports.iter_mut().zip(exemplars) {
        report.exemplar = exemplar.into_inner().unwrap_or_else(PoisonError::into_inner);
    }
    Ok(Measurement {
        seeds: plan.seeds.clone(),
        cases: plan.cases,
        tiers: plan.tiers.clone(),
        interrupted: stopped,
        faults: reports,
    })
}

/// What a worker works with.
pub(super) struct Hands {
    #[cfg(feature = "wire")]
    pub(super) worlds: Emulated,
}

impl Hands {
    pub(super) fn new() -> Result<Self, MeasureError> {
        Ok(Self {
            #[cfg(feature = "wire")]
            worlds: Emulated::new()?,
        })
    }
}

/// Workers of which one may fail, and then all stop.
pub(super) struct Crew<'a> {
    interrupted: &'a AtomicBool,
    failed: AtomicBool,
    failure: Mutex<Option<MeasureError>>,
}

impl<'a> Crew<'a> {
    pub(super) fn new(interrupted: &'a AtomicBool) -> Self {
        Self {
            interrupted,
            failed: AtomicBool::new(false),
            failure: Mutex::default(),
        }
    }

    pub(super) fn stopped(&self) -> bool {
        self.interrupted.load(Ordering::Relaxed) || self.failed.load(Ordering::Relaxed)
    }

    /// Does the work on so many threads and answers the first failure.
    pub(super) fn run(
        &self,
        workers: usize,
        work: impl Fn(&mut Hands) -> Result<(), MeasureError> + Sync,
    ) -> Result<(), MeasureError> {
        std::thread::scope(|scope| {
            for _ in 0..workers.max(1) {
                scope.spawn(|| {
                    if let Err(error) = Hands::new().and_then(|mut hands| work(&mut hands)) {
                        self.failed.store(true, Ordering::Relaxed);
                        let mut failure = self.failure.lock().unwrap_or_else(PoisonError::into_inner);
                        failure.get_or_insert(error);
                    }
                });
            }
        });
        let mut failure = self.failure.lock().unwrap_or_else(PoisonError::into_inner);
        failure.take().map_or(Ok(()), Err)
    }
}

/// What one seed showed so far of each fault.
struct Board {
    marks: Vec<Marks>,
}

/// The first times that a case showed so much of a fault.
struct Marks {
    reached: AtomicU64,
    triggered: AtomicU64,
    detected: AtomicU64,
}

/// As many cases without a world are tried for a fault of the authorizer before worlds are built for it too.
const EVALUATOR_ALONE: u64 = 100;

/// A time: number of the case and tier within it, in the order in which a single thread would meet them.
fn time(number: u64, tier: Tier) -> u64 {
    let place = match tier {
        Tier::Evaluator => 0,
        Tier::World => 1,
        Tier::Request => 2,
    };
    number * 3 + place
}

fn case_and_tier(time: u64) -> Option<(u64, Tier)> {
    let tier = match time % 3 {
        0 => Tier::Evaluator,
        1 => Tier::World,
        _ => Tier::Request,
    };
    (time != u64::MAX).then_some((time / 3, tier))
}

impl Board {
    fn new(faults: usize) -> Self {
        let never = || AtomicU64::new(u64::MAX);
        let marks = (0..faults).map(|_| Marks {
            reached: never(),
            triggered: never(),
            detected: never(),
        });
        Self { marks: marks.collect() }
    }

    /// The faults that no earlier case has detected.
    // INVARIANT: a case is left out for a fault only when an earlier one detected it, so the first detection is the same for any
    // number of threads.
    fn wanted(&self, plan: &Plan, number: u64, tier: Tier) -> Vec<Suspect> {
        let time = time(number, tier);
        // A single kind of cases is asked for all faults of the plan: who names faults and a tier wants to know. Worlds cost a thousand
        // times as much as cases without one, so that they are asked for faults of the authorizer only where those found nothing at first.
        let here = |entry: &FaultEntry| {
            plan.tiers.len() == 1
                || super::tier_of(entry) == tier
                || tier == Tier::World && super::tier_of(entry) == Tier::Evaluator && number >= EVALUATOR_ALONE
        };
        plan.faults
            .iter()
            .zip(&self.marks)
            .enumerate()
            .filter(|(_, (entry, marks))| here(entry) && marks.detected.load(Ordering::Relaxed) > time)
            .map(|(at, (entry, _))| Suspect { at, entry })
            .collect()
    }

    /// Notes what a case showed. Answers whether the fault had not been detected before.
    fn note(&self, at: usize, seen: Seen, time: u64) -> bool {
        let marks = &self.marks[at];
        marks.reached.fetch_min(time, Ordering::Relaxed);
        if seen >= Seen::Triggered {
            marks.triggered.fetch_min(time, Ordering::Relaxed);
        }
        seen == Seen::Detected && marks.detected.fetch_min(time, Ordering::Relaxed) == u64::MAX
    }
}

/// Takes one case after the other, seed by seed.
fn hunt(
    plan: &Plan,
    boards: &[Board],
    next: &AtomicU64,
    hands: &mut Hands,
    crew: &Crew<'_>,
    progress: &(dyn Fn(u64) + Sync),
) -> Result<(), MeasureError> {
    let found = |board: &Board, at, seen, time| {
        if board.note(at, seen, time) {
            progress(1);
        }
    };
    while !crew.stopped() {
        let position = next.fetch_add(1, Ordering::Relaxed);
        let number = position % plan.cases.max(1);
        let seed = usize::try_from(position / plan.cases.max(1)).unwrap_or(usize::MAX);
        let Some((seed, board)) = plan.seeds.get(seed).zip(boards.get(seed)) else {
            break;
        };
        if plan.tiers.contains(&Tier::Evaluator) {
            let at = time(number, Tier::Evaluator);
            let wanted = board.wanted(plan, number, Tier::Evaluator);
            if !wanted.is_empty() {
                evaluator::look(*seed, number, &wanted, |fault, seen| found(board, fault, seen, at));
            }
        }
        #[cfg(feature = "wire")]
        if plan.tiers.contains(&Tier::World) {
            let at = time(number, Tier::World);
            let wanted = board.wanted(plan, number, Tier::World);
            if !wanted.is_empty() {
                hands
                    .worlds
                    .look(*seed, number, &wanted, |fault, seen| found(board, fault, seen, at))?;
            }
        }
        #[cfg(feature = "wire")]
        if plan.tiers.contains(&Tier::Request) {
            let at = time(number, Tier::Request);
            let wanted = board.wanted(plan, number, Tier::Request);
            if !wanted.is_empty() {
                hands
                    .worlds
                    .look_at_twins(*seed, number, &wanted, |fault, seen| found(board, fault, seen, at))?;
            }
        }
        #[cfg(not(feature = "wire"))]
        let _ = &hands;
    }
    Ok(())
}

fn report(entry: &FaultEntry, at: usize, plan: &Plan, boards: &[Board]) -> FaultReport {
    let seeds: Vec<SeedReport> = plan
        .seeds
        .iter()
        .zip(boards)
        .map(|(seed, board)| {
            let marks = &board.marks[at];
            let first = |mark: &AtomicU64| case_and_tier(mark.load(Ordering::Relaxed));
            let count = |mark: &AtomicU64| first(mark).map(|(number, _)| number + 1);
            SeedReport {
                seed: *seed,
                reached_after: count(&marks.reached),
                triggered_after: count(&marks.triggered),
                detected_after: count(&marks.detected),
                tier: first(&marks.detected).map(|(_, tier)| tier),
            }
        })
        .collect();
    FaultReport {
        id: entry.id.to_owned(),
        rule: entry.rule.to_owned(),
        story: entry.story.to_owned(),
        class: entry.class.map(str::to_owned),
        visible_to: entry.tier.name().to_owned(),
        figures: Figures::of(&seeds),
        seeds,
        exemplar: None,
    }
}
