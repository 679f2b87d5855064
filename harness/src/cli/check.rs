//! `countersign check`: the main job. Runs the corpus and random cases, shrinks what diverges, saves it, reports.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Instant;

use countersign_model::case::Case;

use super::arguments::{CheckArguments, TargetArguments, TargetName};
use super::expect::{self, Known};
#[cfg(feature = "wire")]
use super::is_endpoint;
use super::offered::Offered;
use super::{Exit, Failure, files, known_faults, make_target, reached, ready, workers};
use crate::distinct::{Distinct, Effort};
use crate::expectations::{Recorded, RecordedRun, Verdict};
use crate::findings;
use crate::report::{
    Consumer, Event, GithubReport, HtmlReport, JunitReport, NdjsonReport, Start, Summary, TerminalReport,
};
use crate::session::{self, CaseResult, Plan, SessionError};
use crate::shard::Shard;

/// Where findings go when the user names no folder.
const DEFAULT_REPORT: &str = "countersign-report";
/// Kinds of disagreement that are shrunk, shown and saved when nobody says how many; the rest are counted.
pub(super) const SHOWN_FINDINGS: usize = 20;
/// Workers of a run, each with a target of its own.
const MOST_WORKERS: usize = 64;
/// Times a case may be run again while it is shrunk.
pub(super) const SHRINK_BUDGET: usize = 2_000;
/// Times a shrunk case may be run again to see which of its values could be anything.
pub(super) const NEEDS_BUDGET: usize = 300;

pub(super) fn run(arguments: &CheckArguments) -> Result<Exit, Failure> {
    run_recorded(arguments, false).map(|(exit, _)| exit)
}

/// As [`run`]; records the cases too if asked to, and then shrinks nothing.
pub(super) fn run_recorded(arguments: &CheckArguments, record: bool) -> Result<(Exit, Option<RecordedRun>), Failure> {
    known_faults(&arguments.faults)?;
    if let Some(path) = &arguments.against {
        return against(path, arguments).map(|exit| (exit, None));
    }
    let interrupted = interrupt_flag();
    let ready = ready(&arguments.target)?;
    let mut offered = Offered::by(&ready.target, &arguments.faults)?;
    offered.settings.crossings = arguments.crossings;
    let (known, pinned) = expect::known(arguments, offered.key.as_deref())?;
    let plan = Plan {
        corpus: if arguments.no_scenarios {
            Vec::new()
        } else {
            offered.of(files::whole_corpus()?)
        },
        random: pinned.cases,
        seed: pinned.seed,
        workers: workers(arguments.workers, MOST_WORKERS),
        shard: arguments.shard,
    };
    let mut run = record.then(|| RecordedRun {
        target: offered.key.clone().unwrap_or_else(|| offered.name.clone()),
        seed: plan.seed,
        random: plan.random,
        corpus: plan.corpus.len() as u64,
        whole: plan.shard.is_whole() && !arguments.no_scenarios,
        cases: Vec::new(),
    });
    let exit = execute(
        plan,
        &offered,
        &ready.target,
        &arguments.faults,
        Output {
            folder: arguments.report.as_deref(),
            findings: arguments.findings,
            fail_fast: arguments.fail_fast,
        },
        Books {
            known,
            recorded: run.as_mut(),
        },
        &interrupted,
    )?;
    Ok((exit, run))
}

/// Holds observations against the model.
fn against(path: &Path, arguments: &CheckArguments) -> Result<Exit, Failure> {
    let observations = crate::observed::load(path).map_err(|error| {
        Failure::message(
            Exit::Usage,
            error,
            "name a file or folder that `countersign record` wrote",
        )
    })?;
    let cases = observations.into_iter().map(|observation| observation.case).collect();
    let target = TargetArguments {
        target: TargetName::Observed(path.to_owned()),
        ..arguments.target.clone()
    };
    run_cases(cases, &target, &arguments.faults, arguments.report.as_deref())
}

/// Runs given cases, as far as they are for the target, and no random ones.
pub(super) fn run_cases(
    cases: Vec<Case>,
    target: &TargetArguments,
    faults: &[String],
    report: Option<&Path>,
) -> Result<Exit, Failure> {
    let interrupted = interrupt_flag();
    let ready = ready(target)?;
    let target = &ready.target;
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
    let workers = workers(None, MOST_WORKERS).min(cases.len().max(1));
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
        Output {
            folder: report,
            findings: SHOWN_FINDINGS,
            fail_fast: false,
        },
        Books::default(),
        &interrupted,
    )
}

/// What is known of the target before a run, and what is written down of it for expectations.
#[derive(Default)]
struct Books<'a> {
    known: Known,
    recorded: Option<&'a mut RecordedRun>,
}

/// What a run leaves behind.
#[derive(Clone, Copy)]
struct Output<'a> {
    /// Folder for findings and the machine-readable report.
    folder: Option<&'a Path>,
    /// Distinct findings that are shrunk, shown and saved.
    findings: usize,
    /// Whether the first case that differs ends the run.
    fail_fast: bool,
}

fn execute(
    mut plan: Plan,
    offered: &Offered,
    target: &TargetArguments,
    faults: &[String],
    output: Output<'_>,
    books: Books<'_>,
    interrupted: &AtomicBool,
) -> Result<Exit, Failure> {
    let Books {
        mut known,
        mut recorded,
    } = books;
    if plan.total() == 0 {
        return Err(Failure::message(
            Exit::NothingRan,
            "there is nothing to run",
            "give --cases a number above 0, or leave --no-scenarios out",
        ));
    }
    #[cfg(feature = "wire")]
    {
        let drawn = (0..plan.random).filter_map(|number| offered.draw(plan.seed, number).ok().map(|drawn| drawn.case));
        let cases: Vec<Case> = if target.live.plan {
            plan.corpus.iter().cloned().chain(drawn).collect()
        } else {
            Vec::new()
        };
        if let Some(exit) = super::live::planned(target, &cases)? {
            return Ok(exit);
        }
    }
    if !offered.takes_workers {
        // Workers would wipe each other's worlds.
        plan.workers = 1;
    }
    let started = Instant::now();
    let mut consumers: Vec<Box<dyn Consumer>> = vec![Box::new(TerminalReport::new())];
    if let Some(folder) = output.folder {
        let unwritable = |error| Failure::message(Exit::Usage, error, "give --report a folder that can be written");
        consumers.push(Box::new(NdjsonReport::create(folder).map_err(unwritable)?));
        consumers.push(Box::new(JunitReport::create(folder).map_err(unwritable)?));
        consumers.push(Box::new(HtmlReport::create(folder).map_err(unwritable)?));
    }
    if std::env::var_os("GITHUB_ACTIONS").is_some_and(|value| value == "true") {
        consumers.push(Box::new(GithubReport::new(std::io::stdout())));
    }
    let start = Start {
        version: env!("CARGO_PKG_VERSION"),
        target: offered.name.clone(),
        key: offered.key.clone(),
        reached: reached(&target.target),
        corpus: plan.corpus.len() as u64,
        random: plan.random,
        seed: plan.seed,
        crossings: offered.settings.crossings,
        workers: plan.workers,
        shard: (!plan.shard.is_whole()).then(|| plan.shard.to_string()),
        faults: faults.to_vec(),
        expectations: known.file(),
        held: known.file().map(|_| known.extent),
    };
    tell(&mut consumers, &Event::Started(&start))?;

    let mut summary = Summary::default();
    let mut distinct = Distinct::default();
    let mut failed_to_tell = None;
    let outcome = session::run(
        &plan,
        &|| make_target(target, faults),
        &|seed, number| offered.draw(seed, number),
        interrupted,
        |finished| {
            let judged = known.judge.judge(&finished);
            summary.add(&finished, &judged);
            if !summary.refusals.is_empty() {
                // Nothing more is sent, so nothing more can be found.
                interrupted.store(true, Ordering::Relaxed);
            }
            let event = Event::Case {
                finished: &finished,
                judged: &judged,
            };
            if let Err(error) = tell(&mut consumers, &event) {
                failed_to_tell.get_or_insert(error);
            }
            if output.fail_fast && !is_well(&finished.result) {
                interrupted.store(true, Ordering::Relaxed);
            }
            if let Some(run) = recorded.as_deref_mut() {
                run.cases.extend(Recorded::of(&finished, &judged));
            }
            if let CaseResult::Ran { case, report } = finished.result
                && judged.verdict != Some(Verdict::ExpectedFailure)
            {
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
    if stopped && summary.refusals.is_empty() {
        tell(&mut consumers, &Event::Interrupted)?;
    }
    if let (Some(folder), false) = (output.folder, plan.shard.is_whole()) {
        write_groups(folder, &distinct).map_err(|error| {
            Failure::message(
                Exit::Usage,
                format!("cannot write the report: {error}"),
                "give --report a folder that can be written",
            )
        })?;
    }
    summary.expected = known.judge.classes();
    let cut_short = stopped || !summary.transport_faults.is_empty();
    summary.stale = known.stale(cut_short);
    if let Some(run) = recorded {
        run.whole &= !cut_short;
        summary.findings = distinct.len();
    } else {
        summary.findings = investigate(distinct, &plan, target, faults, output, interrupted, &mut consumers)?;
    }
    summary.finish(started.elapsed(), stopped);
    tell(&mut consumers, &Event::Finished(&summary))?;
    if let Some(failure) = known.failure(&summary.stale) {
        failure.print();
    }
    #[cfg(feature = "wire")]
    if let Some(line) = super::live::leftovers(target) {
        super::print(format!("{line}\n").as_bytes())?;
        if exit_of(&summary) == Exit::Conformant && super::live::left_something(target) {
            return Ok(Exit::Target);
        }
    }
    Ok(exit_of(&summary))
}

/// Whether nothing speaks against going on: what was compared agrees, nothing failed. What a target lacks, or a generator gives up, is fine.
fn is_well(result: &CaseResult) -> bool {
    match result {
        CaseResult::Ran { report, .. } => {
            report.provisioning_fault.is_none() && report.errors() == 0 && report.disagreements().next().is_none()
        }
        CaseResult::Discarded { .. } => true,
        CaseResult::Lost { .. } | CaseResult::Failed { .. } => false,
    }
}

/// What `merge` needs of a shard: the first exemplar of every kind of disagreement, as it was before it was shrunk.
fn write_groups(folder: &Path, distinct: &Distinct) -> std::io::Result<()> {
    use std::io::Write as _;
    let mut file = std::io::BufWriter::new(std::fs::File::create(folder.join(crate::merge::GROUPS))?);
    for group in distinct.groups() {
        serde_json::to_writer(&mut file, &group)?;
        file.write_all(b"\n")?;
    }
    file.flush()
}

/// Shrinks, saves and shows one exemplar of each distinct finding, in the order they were met. Answers how many findings there are.
fn investigate(
    distinct: Distinct,
    plan: &Plan,
    target: &TargetArguments,
    faults: &[String],
    output: Output<'_>,
    interrupted: &AtomicBool,
    consumers: &mut [Box<dyn Consumer>],
) -> Result<usize, Failure> {
    if distinct.is_empty() {
        return Ok(0);
    }
    tell(
        consumers,
        &Event::Shrinking {
            findings: distinct.len(),
        },
    )?;
    let folder = output
        .folder
        .map_or_else(|| PathBuf::from(DEFAULT_REPORT), Path::to_path_buf)
        .join("findings");
    // Shrinking runs a case hundreds of times: the embedded emulator is quicker without its socket.
    let quick = match &target.target {
        TargetName::Embedded => TargetArguments {
            target: TargetName::InProcess,
            // What differs only when it is disturbed is shown as it was found.
            disturb: None,
            ..target.clone()
        },
        _ => TargetArguments {
            disturb: None,
            ..target.clone()
        },
    };
    let mut target = make_target(&quick, faults)
        .map_err(|error| Failure::message(Exit::Target, error, "the findings could not be shrunk"))?;
    let effort = effort(&quick, output.findings)?;
    let found = distinct.findings(effort, plan.seed, target.as_mut(), interrupted);
    for finding in &found.shown {
        let saved = findings::save_with_faults(&folder, finding, faults).map_err(|error| {
            Failure::message(
                Exit::Internal,
                format!("the finding `{}` cannot be saved: {error}", finding.fingerprint),
                "give --report a folder that can be written",
            )
        })?;
        tell(
            consumers,
            &Event::Finding {
                finding,
                saved: Some(&saved),
            },
        )?;
    }
    Ok(found.shown.len() + found.hidden)
}

/// How much work findings are worth: on an endpoint a case takes longer, more of them diverge, and those of the corpus are shrunk too.
pub(super) fn effort(target: &TargetArguments, findings: usize) -> Result<Effort, Failure> {
    #[cfg(feature = "wire")]
    if is_endpoint(target) {
        let limits = super::endpoint::profile_of(target)?.effort;
        return Ok(Effort {
            groups: findings,
            shrinking: limits.shrinking,
            needs: limits.needs,
            stranger: true,
        });
    }
    let _ = target;
    Ok(Effort {
        groups: findings,
        shrinking: SHRINK_BUDGET,
        needs: NEEDS_BUDGET,
        stranger: false,
    })
}

/// Whose fault decides: ours before the target's reachability, that before a divergence.
fn exit_of(summary: &Summary) -> Exit {
    let reconcile = summary.corpus.reconcile() && summary.random.reconcile() && summary.verdicts.reconcile();
    if !summary.internal_faults.is_empty() || !reconcile {
        Exit::Internal
    } else if !summary.refusals.is_empty() {
        Exit::Refused
    } else if !summary.transport_faults.is_empty() {
        Exit::Target
    } else if summary.diverging + summary.model_faults > 0 {
        Exit::Divergence
    } else if !summary.stale.is_empty() {
        Exit::StaleExpectation
    } else if summary.corpus.compared + summary.random.compared == 0 {
        Exit::NothingRan
    } else {
        Exit::Conformant
    }
}

fn tell(consumers: &mut [Box<dyn Consumer>], event: &Event<'_>) -> std::io::Result<()> {
    consumers.iter_mut().try_for_each(|consumer| consumer.event(event))
}

/// Raised by Ctrl-C. A second Ctrl-C ends the process at once.
pub(super) fn interrupt_flag() -> Arc<AtomicBool> {
    let flag = Arc::new(AtomicBool::new(false));
    let raised = Arc::clone(&flag);
    // A handler can be set once a process; without one Ctrl-C ends the run at once, which loses findings but nothing else.
    let _ = ctrlc::set_handler(move || {
        if raised.swap(true, Ordering::Relaxed) {
            #[cfg(feature = "wire")]
            super::endpoint::end_all();
            std::process::exit(i32::from(Exit::Divergence.code()));
        }
    });
    flag
}
