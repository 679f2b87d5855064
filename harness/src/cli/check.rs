//! `countersign check`: the main job. Runs the corpus and random cases, shrinks what diverges, saves it, reports.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Instant;

use countersign_model::case::Case;

use super::arguments::{CheckArguments, TargetArguments, TargetName};
use super::{Exit, Failure, adapter, drawn_seed, files, known_faults, make_target, reached, safe_target, workers};
use crate::differential::{CaseReport, fingerprint, run_case, shrink};
use crate::evaluator;
use crate::findings;
use crate::generate;
use crate::report::{Consumer, Event, FindingReport, NdjsonReport, Start, Summary, TerminalReport};
use crate::session::{self, CaseResult, Phase, Plan, SessionError};
use crate::shard::Shard;
use crate::target::{AdapterTarget, Target as _};

/// Where findings go when the user names no folder.
const DEFAULT_REPORT: &str = "countersign-report";
/// Distinct findings that are shrunk and shown; the rest are counted.
pub(super) const SHOWN_FINDINGS: usize = 20;
/// Times a case may be run again while it is shrunk.
const SHRINK_BUDGET: usize = 2_000;

pub(super) fn run(arguments: &CheckArguments) -> Result<Exit, Failure> {
    known_faults(&arguments.faults)?;
    safe_target(&arguments.target)?;
    let offered = Offered::by(&arguments.target, &arguments.faults)?;
    let plan = Plan {
        corpus: if arguments.no_scenarios {
            Vec::new()
        } else {
            offered.of(files::whole_corpus()?)
        },
        random: arguments.cases,
        seed: arguments.seed.unwrap_or_else(drawn_seed),
        workers: arguments.workers.unwrap_or_else(default_workers).clamp(1, 64),
        shard: arguments.shard,
    };
    execute(
        plan,
        &offered,
        &arguments.target,
        &arguments.faults,
        arguments.report.as_deref(),
    )
}

/// Runs given cases, as far as they are for the target, and no random ones.
pub(super) fn run_cases(
    cases: Vec<Case>,
    target: &TargetArguments,
    faults: &[String],
    report: Option<&Path>,
) -> Result<Exit, Failure> {
    safe_target(target)?;
    let offered = Offered::by(target, faults)?;
    let all = cases.len();
    let cases = offered.of(cases);
    if cases.is_empty() && all > 0 {
        let (what, help) = if offered.worlds {
            (
                "has a world to run",
                "an emulator given by URL has no way in for cases without a world",
            )
        } else {
            (
                "is for a pure evaluator",
                "the adapter takes no worlds: it does not declare `steps`",
            )
        };
        return Err(Failure::message(
            Exit::NothingRan,
            format!("none of the {all} cases {what}"),
            help,
        ));
    }
    let workers = default_workers().min(cases.len().max(1));
    execute(
        Plan {
            corpus: cases,
            random: 0,
            seed: 0,
            workers,
            shard: Shard::WHOLE,
        },
        &offered,
        target,
        faults,
        report,
    )
}

fn execute(
    mut plan: Plan,
    offered: &Offered,
    target: &TargetArguments,
    faults: &[String],
    folder: Option<&Path>,
) -> Result<Exit, Failure> {
    if plan.total() == 0 {
        return Err(Failure::message(
            Exit::NothingRan,
            "there is nothing to run",
            "give --cases a number above 0, or leave --no-scenarios out",
        ));
    }
    if matches!(target.target, TargetName::Url(_)) {
        // Workers would wipe each other's worlds.
        plan.workers = 1;
    }
    let started = Instant::now();
    let interrupted = interrupt_flag();
    let mut consumers: Vec<Box<dyn Consumer>> = vec![Box::new(TerminalReport::new())];
    if let Some(folder) = folder {
        let report = NdjsonReport::create(folder)
            .map_err(|error| Failure::message(Exit::Usage, error, "give --report a folder that can be written"))?;
        consumers.push(Box::new(report));
    }
    let start = Start {
        version: env!("CARGO_PKG_VERSION"),
        target: offered.name.clone(),
        reached: reached(&target.target),
        corpus: plan.corpus.len() as u64,
        random: plan.random,
        seed: plan.seed,
        workers: plan.workers,
        shard: (!plan.shard.is_whole()).then(|| plan.shard.to_string()),
        faults: faults.to_vec(),
    };
    tell(&mut consumers, &Event::Started(&start))?;

    let mut summary = Summary::default();
    let mut distinct = Distinct::default();
    let mut failed_to_tell = None;
    let outcome = session::run(
        &plan,
        &|| make_target(target, faults),
        &|seed, number| offered.draw(seed, number),
        &interrupted,
        |finished| {
            summary.add(&finished);
            if let Err(error) = tell(&mut consumers, &Event::Case(&finished)) {
                failed_to_tell.get_or_insert(error);
            }
            if let CaseResult::Ran { case, report } = finished.result {
                distinct.add(finished.phase, finished.number, *case, *report);
            }
        },
    );
    if let Some(error) = failed_to_tell {
        return Err(error.into());
    }
    let stopped = match outcome {
        Ok(stopped) => stopped,
        Err(SessionError::Target(error)) => {
            return Err(Failure::message(
                Exit::Target,
                format!("the target could not be started: {error}"),
                match &target.target {
                    TargetName::Adapter(_) => {
                        "does the command run by itself, and does it answer one JSON line with one?"
                    }
                    _ => "is the loopback interface up?",
                },
            ));
        }
        Err(error @ SessionError::Worker) => {
            return Err(Failure::message(
                Exit::Internal,
                error,
                "please report it with the seed",
            ));
        }
    };
    if stopped {
        tell(&mut consumers, &Event::Interrupted)?;
    }
    summary.findings = distinct.groups.len();
    summary.fingerprints = distinct.seen();
    investigate(distinct, &plan, target, faults, folder, &interrupted, &mut consumers)?;
    summary.finish(started.elapsed(), stopped);
    tell(&mut consumers, &Event::Finished(&summary))?;
    Ok(exit_of(&summary))
}

/// What a target can be asked, learnt before anything is run.
struct Offered {
    /// The target's name, an adapter's as it calls itself.
    name: String,
    worlds: bool,
    evaluator: bool,
    /// Whether random cases are drawn for an evaluator too: the emulator has a command of its own for that.
    random_evaluator: bool,
}

impl Offered {
    fn by(arguments: &TargetArguments, faults: &[String]) -> Result<Self, Failure> {
        let (name, worlds, evaluator) = match &arguments.target {
            TargetName::Embedded => ("embedded".to_owned(), true, true),
            TargetName::InProcess => ("in-process".to_owned(), true, true),
            TargetName::Url(endpoint) => (endpoint.clone(), true, false),
            TargetName::Adapter(options) => {
                if let Some(fault) = faults.first() {
                    return Err(Failure::message(
                        Exit::Usage,
                        format!("an adapter has no seeded fault `{fault}`"),
                        "the seeded faults are the emulator's: leave --target out",
                    ));
                }
                let adapter = AdapterTarget::start(adapter(options, arguments)).map_err(|error| {
                    Failure::message(
                        Exit::Target,
                        error,
                        "does the command run by itself, and does it answer one JSON line with one?",
                    )
                })?;
                let hello = adapter.hello();
                let name = format!("{} {}, {}", hello.name, hello.version, options.name);
                (name, adapter.takes_worlds(), adapter.takes_evaluator_cases())
            }
        };
        let random_evaluator = evaluator && matches!(arguments.target, TargetName::Adapter(_));
        Ok(Self {
            name,
            worlds,
            evaluator,
            random_evaluator,
        })
    }

    /// The cases that are for the target.
    fn of(&self, cases: Vec<Case>) -> Vec<Case> {
        let mut cases = cases;
        cases.retain(|case| match case.evaluate {
            Some(_) => self.evaluator,
            None => self.worlds && case.world.is_some(),
        });
        cases
    }

    /// A random case for the target; of both kinds in turn if it takes both.
    fn draw(&self, seed: u64, number: u64) -> Result<Case, String> {
        if self.random_evaluator && (!self.worlds || number.is_multiple_of(2)) {
            evaluator::generate::from_seed(seed, number).map_err(|discard| discard.to_string())
        } else {
            generate::from_seed(seed, number).map_err(|discard| discard.to_string())
        }
    }
}

/// Disagreements by fingerprint, each with its first exemplar.
#[derive(Default)]
struct Distinct {
    groups: BTreeMap<String, Group>,
}

struct Group {
    seen: u64,
    order: (Phase, u64),
    case: Case,
    report: CaseReport,
}

impl Distinct {
    /// How many cases show each finding.
    fn seen(&self) -> BTreeMap<String, u64> {
        let groups = self.groups.iter();
        groups
            .map(|(fingerprint, group)| (fingerprint.clone(), group.seen))
            .collect()
    }

    fn add(&mut self, phase: Phase, number: u64, case: Case, report: CaseReport) {
        let Some(fingerprint) = fingerprint::of(&case, &report) else {
            return;
        };
        self.groups
            .entry(fingerprint)
            .and_modify(|group| group.seen += 1)
            .or_insert(Group {
                seen: 1,
                order: (phase, number),
                case,
                report,
            });
    }
}

/// Shrinks, saves and shows one exemplar of each distinct finding, in the order they were met.
fn investigate(
    distinct: Distinct,
    plan: &Plan,
    target: &TargetArguments,
    faults: &[String],
    folder: Option<&Path>,
    interrupted: &AtomicBool,
    consumers: &mut [Box<dyn Consumer>],
) -> Result<(), Failure> {
    if distinct.groups.is_empty() {
        return Ok(());
    }
    tell(
        consumers,
        &Event::Shrinking {
            findings: distinct.groups.len(),
        },
    )?;
    let folder = folder
        .map_or_else(|| PathBuf::from(DEFAULT_REPORT), Path::to_path_buf)
        .join("findings");
    let mut groups: Vec<(String, Group)> = distinct.groups.into_iter().collect();
    groups.sort_by_key(|(_, group)| group.order);
    // Shrinking runs a case hundreds of times: the embedded emulator is quicker without its socket.
    let quick = match &target.target {
        TargetName::Embedded => TargetArguments {
            target: TargetName::InProcess,
            control_token: None,
            timeout: target.timeout,
        },
        _ => target.clone(),
    };
    let mut target = make_target(&quick, faults)
        .map_err(|error| Failure::message(Exit::Target, error, "the findings could not be shrunk"))?;
    for (fingerprint, group) in groups.into_iter().take(SHOWN_FINDINGS) {
        let random = group.order.0 == Phase::Random;
        let seed = random.then_some((plan.seed, group.order.1));
        let steps_before = group.case.steps.len();
        let (mut case, mut report) = (group.case, group.report);
        let found_in = case.id.clone();
        if random {
            let still_fails = |smaller: &Case| {
                !interrupted.load(Ordering::Relaxed)
                    && findings::loads(smaller)
                    && run_case(smaller, target.as_mut())
                        .is_ok_and(|report| fingerprint::of(smaller, &report).as_deref() == Some(fingerprint.as_str()))
            };
            let smaller = if case.evaluate.is_some() {
                evaluator::shrink::shrink(&case, SHRINK_BUDGET, still_fails)
            } else {
                shrink::shrink(&case, SHRINK_BUDGET, still_fails).case
            };
            if let Ok(again) = run_case(&smaller, target.as_mut())
                && fingerprint::of(&smaller, &again).as_deref() == Some(fingerprint.as_str())
            {
                case = smaller;
                report = again;
            }
        }
        let finding = FindingReport {
            fingerprint,
            seen: group.seen,
            found_in,
            seed,
            position: match group.order {
                (Phase::Corpus, number) => number,
                (Phase::Random, number) => plan.corpus.len() as u64 + number,
            },
            steps_before,
            case,
            report,
        };
        let saved = findings::save_with_faults(&folder, &finding, faults).map_err(|error| {
            Failure::message(
                Exit::Internal,
                format!("the finding `{}` cannot be saved: {error}", finding.fingerprint),
                "give --report a folder that can be written",
            )
        })?;
        tell(
            consumers,
            &Event::Finding {
                finding: &finding,
                saved: Some(&saved),
            },
        )?;
    }
    Ok(())
}

/// Whose fault decides: ours before the target's reachability, that before a divergence.
fn exit_of(summary: &Summary) -> Exit {
    let reconcile = summary.corpus.reconcile() && summary.random.reconcile();
    if !summary.internal_faults.is_empty() || !reconcile {
        Exit::Internal
    } else if !summary.transport_faults.is_empty() {
        Exit::Target
    } else if summary.diverging + summary.model_faults > 0 {
        Exit::Divergence
    } else if summary.corpus.compared + summary.random.compared == 0 {
        Exit::NothingRan
    } else {
        Exit::Conformant
    }
}

fn tell(consumers: &mut [Box<dyn Consumer>], event: &Event<'_>) -> std::io::Result<()> {
    consumers.iter_mut().try_for_each(|consumer| consumer.event(event))
}

fn default_workers() -> usize {
    workers(None, 8)
}

/// Raised by Ctrl-C. A second Ctrl-C ends the process at once.
pub(super) fn interrupt_flag() -> Arc<AtomicBool> {
    let flag = Arc::new(AtomicBool::new(false));
    let raised = Arc::clone(&flag);
    // A handler can be set once a process; without one Ctrl-C ends the run at once, which loses findings but nothing else.
    let _ = ctrlc::set_handler(move || {
        if raised.swap(true, Ordering::Relaxed) {
            std::process::exit(i32::from(Exit::Divergence.code()));
        }
    });
    flag
}
