//! `countersign evaluator`: many random cases without a world, the model against the emulator's authorizer or an adapter, in process
//! and on all cores. Comparing and shrinking are `crate::evaluator`'s; here are arguments, progress and the report for a person.

use std::collections::{BTreeMap, BTreeSet};
use std::io::{IsTerminal as _, Write as _};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use clap::Args;
use indicatif::{ProgressBar, ProgressStyle};
use serde_json::json;

use super::check::interrupt_flag;
use super::{Exit, Failure, drawn_seed, fault_set, some_cases, workers};
use crate::evaluator::both::BriefEmulator;
use crate::evaluator::finding::{self, Finding};
use crate::evaluator::run::{Plan, Report, number_of, run as compare};
use crate::evaluator::saving;
use crate::evaluator::{EmulatorEvaluator, Evaluator, EvaluatorFault, ModelEvaluator};
use crate::report::plain;
use crate::shard::Shard;

/// Distinct findings that are shown; the rest are counted.
const SHOWN: usize = 40;

/// `evaluator`.
#[derive(Debug, Clone, Args)]
pub(super) struct EvaluatorArguments {
    /// Number of random cases, over all shards.
    #[arg(long, default_value_t = 100_000)]
    cases: u64,
    /// Seed of the random cases; drawn and printed when left out.
    #[arg(long)]
    seed: Option<u64>,
    /// Only this part of the cases: `I/N` with I from 1, or `env` or `env/N` in an indexed job. `countersign merge` puts the reports of
    /// all parts together; all need the same --seed.
    #[arg(long, value_name = "I/N", default_value_t = Shard::WHOLE, requires = "seed")]
    shard: Shard,
    /// Folder for findings and the machine-readable report. Findings go to `countersign-report` when left out; nothing else is written.
    #[arg(long, value_name = "DIR")]
    report: Option<PathBuf>,
    /// Number of threads; one for each core when left out.
    #[arg(long, value_name = "N")]
    workers: Option<usize>,
    /// Switch a seeded fault of the emulator's authorizer on, to see it found. May be given several times.
    #[arg(long = "fault", value_name = "ID")]
    faults: Vec<String>,
    /// Compare what can be saved instead: every document of the cases, read as every kind of policy.
    #[arg(long)]
    saving: bool,
    /// Machine-readable figures.
    #[arg(long)]
    json: bool,
}

pub(super) fn run(arguments: &EvaluatorArguments) -> Result<Exit, Failure> {
    let faults = fault_set(&arguments.faults)?;
    some_cases(arguments.cases)?;
    let seed = arguments.seed.unwrap_or_else(drawn_seed);
    let workers = workers(arguments.workers, 256);
    if arguments.saving {
        return compare_saving(arguments, seed, workers);
    }
    let plan = Plan {
        seed,
        cases: arguments.cases,
        shard: arguments.shard,
        workers,
    };
    let started = Instant::now();
    let bar = Progress::new(arguments.cases);
    let interrupted = interrupt_flag();
    let target = || -> Result<Box<dyn Evaluator>, EvaluatorFault> { Ok(Box::new(BriefEmulator::with_faults(faults))) };
    let report = compare(&plan, &target, &interrupted, &|done| bar.add(done))
        .map_err(|fault| Failure::message(Exit::Target, fault, "the evaluator has to stay alive during a run"))?;
    bar.finish();
    let took = started.elapsed();
    let findings = investigate(&report, &mut EmulatorEvaluator { faults });
    let folder = arguments
        .report
        .clone()
        .unwrap_or_else(|| PathBuf::from("countersign-report"))
        .join("findings");
    let mut saved = Vec::new();
    for finding in &findings {
        let path = finding::save(&folder, finding).map_err(|error| {
            Failure::message(
                Exit::Internal,
                format!("the finding `{}` cannot be saved: {error}", finding.fingerprint),
                "give --report a folder that can be written",
            )
        })?;
        saved.push(path);
    }
    if let Some(folder) = &arguments.report {
        write_report(folder, seed, arguments, &report, findings.iter().zip(&saved), took).map_err(|error| {
            Failure::message(
                Exit::Usage,
                format!("cannot write the report: {error}"),
                "give --report a folder that can be written",
            )
        })?;
    }
    let mut out = std::io::stdout().lock();
    if arguments.json {
        let json = json!({
            "seed": seed,
            "cases": arguments.cases,
            "shard": arguments.shard.to_string(),
            "seconds": took.as_secs_f64(),
            "report": report,
            "distinct_percent": report.distinct_percent(),
            "allow_percent": report.allow_percent(),
            "discard_percent": report.discard_percent(),
            "findings": findings.iter().map(|finding| &finding.fingerprint).collect::<Vec<_>>(),
        });
        writeln!(
            out,
            "{}",
            serde_json::to_string_pretty(&json).map_err(std::io::Error::other)?
        )?;
    } else {
        write!(out, "{}", plain(&render(seed, arguments, &report, took)))?;
        for (finding, path) in findings.iter().zip(&saved).take(SHOWN) {
            write!(out, "{}", plain(&render_finding(finding, &path.display().to_string())))?;
        }
        if findings.len() > SHOWN {
            writeln!(
                out,
                "… and {} more in {}",
                findings.len() - SHOWN,
                plain(&folder.display().to_string())
            )?;
        }
    }
    Ok(if report.compared == 0 {
        Exit::NothingRan
    } else if !report.faults.is_empty() {
        Exit::Internal
    } else if report.disagreements.is_empty() {
        Exit::Conformant
    } else {
        Exit::Divergence
    })
}

/// Compares what can be saved.
fn compare_saving(arguments: &EvaluatorArguments, seed: u64, workers: usize) -> Result<Exit, Failure> {
    let bar = Progress::new(arguments.cases);
    let report = saving::run(seed, arguments.cases, workers, &|done| bar.add(done));
    bar.finish();
    let mut out = std::io::stdout().lock();
    if arguments.json {
        writeln!(
            out,
            "{}",
            serde_json::to_string_pretty(&report).map_err(std::io::Error::other)?
        )?;
    } else {
        writeln!(
            out,
            "saving, seed {seed}: {} documents, each as every kind of policy; {} classes differ",
            report.documents,
            report.classes.len()
        )?;
        for (name, class) in &report.classes {
            writeln!(
                out,
                "{:>8}  {}\n          {}",
                class.seen,
                plain(name),
                plain(&class.shortest)
            )?;
        }
    }
    Ok(if report.classes.is_empty() {
        Exit::Conformant
    } else {
        Exit::Divergence
    })
}

/// One finding for each fingerprint that is left after shrinking, in the order of the classes. Shrinking may tell kinds apart within a class; each
/// is then given the class's count, for the others of the class were not shrunk.
pub(super) fn investigate(report: &Report, target: &mut dyn Evaluator) -> Vec<Finding> {
    let mut found: BTreeMap<String, Finding> = BTreeMap::new();
    for (class, cases) in &report.exemplars {
        let seen = report.disagreements.get(class).copied().unwrap_or_default();
        let mut counted = BTreeSet::new();
        for case in cases {
            let Some(finding) = finding::investigate(case, &mut ModelEvaluator, target, seen) else {
                continue;
            };
            let first_of_class = counted.insert(finding.fingerprint.clone());
            match found.get_mut(&finding.fingerprint) {
                Some(known) if first_of_class => known.seen += seen,
                Some(_) => {}
                None => {
                    found.insert(finding.fingerprint.clone(), finding);
                }
            }
        }
    }
    found.into_values().collect()
}

/// A finding as a line of the report.
pub(super) fn finding_line(finding: &Finding, saved: &Path) -> serde_json::Value {
    json!({
        "event": "finding",
        "fingerprint": finding.fingerprint,
        "seen": finding.seen,
        "found_in": finding.found_in,
        "case": finding.case,
        "expected": finding.disagreement.expected.words(),
        "observed": finding.disagreement.observed.words(),
        "saved": saved.display().to_string(),
    })
}

/// The machine-readable report: one JSON object a line, as `check` writes it; `exemplar` lines say which cases were shrunk, so that the
/// reports of shards can be put together.
fn write_report<'a>(
    folder: &Path,
    seed: u64,
    arguments: &EvaluatorArguments,
    report: &Report,
    findings: impl Iterator<Item = (&'a Finding, &'a PathBuf)>,
    took: Duration,
) -> std::io::Result<()> {
    std::fs::create_dir_all(folder)?;
    let mut file = std::io::BufWriter::new(std::fs::File::create(folder.join(crate::report::FILE))?);
    let mut started = json!({
        "event": "started",
        "run": "evaluator",
        "version": env!("CARGO_PKG_VERSION"),
        "seed": seed,
        "random": arguments.cases,
        "faults": arguments.faults,
    });
    if !arguments.shard.is_whole() {
        started["shard"] = json!(arguments.shard.to_string());
    }
    writeln!(file, "{started}")?;
    for (class, cases) in &report.exemplars {
        for case in cases {
            writeln!(
                file,
                "{}",
                json!({"event": "exemplar", "class": class, "number": number_of(case)})
            )?;
        }
    }
    for (finding, saved) in findings {
        writeln!(file, "{}", finding_line(finding, saved))?;
    }
    let finished = json!({"event": "finished", "report": report, "seconds": took.as_secs_f64()});
    writeln!(file, "{finished}")?;
    file.flush()
}

fn render(seed: u64, arguments: &EvaluatorArguments, report: &Report, took: Duration) -> String {
    let rate = report.compared as f64 / took.as_secs_f64().max(0.001);
    let differing: u64 = report.disagreements.values().sum();
    let table = |title: &str, map: &BTreeMap<String, u64>| {
        let mut rows: Vec<(&String, &u64)> = map.iter().collect();
        rows.sort_by_key(|(_, count)| std::cmp::Reverse(**count));
        let rows: Vec<String> = rows.iter().map(|(name, count)| format!("{name} {count}")).collect();
        format!(
            "  {title:<11} {}\n",
            if rows.is_empty() {
                "none".to_owned()
            } else {
                rows.join(", ")
            }
        )
    };
    let mut text = format!(
        "evaluator, seed {seed}, shard {}: {} cases in {:.1} s ({rate:.0}/s), the model against the emulator's authorizer\n",
        arguments.shard,
        report.compared,
        took.as_secs_f64(),
    );
    text += &format!(
        "  quality     {:.2}% distinct (target ≥ 90), {:.1}% allowed (target 35–65), {:.2}% discarded (target < 5)\n",
        report.distinct_percent(),
        report.allow_percent(),
        report.discard_percent(),
    );
    text += &table("decisions", &report.decisions);
    text += &table("blamed", &report.blamed);
    text += &table("callers", &report.callers);
    text += &format!(
        "  rules       {} named by the model on every sixteenth case\n",
        report.rules.len()
    );
    for (title, map) in [
        ("discards", &report.discards),
        ("skipped", &report.skipped),
        ("faults", &report.faults),
    ] {
        if !map.is_empty() {
            text += &table(title, map);
        }
    }
    text += &format!(
        "  differ      {differing} cases in {} classes\n",
        report.disagreements.len()
    );
    for (class, count) in &report.disagreements {
        text += &format!("    {count:>8}  {class}\n");
    }
    text
}

fn render_finding(finding: &Finding, saved: &str) -> String {
    let told = &finding.disagreement;
    format!(
        "\nFINDING {}\n  model     {}   {}\n  emulator  {}   {}\n  rules     {}\n  found in  {}; replay: countersign replay {saved}\n",
        finding.fingerprint,
        told.expected.words(),
        told.expected.note,
        told.observed.words(),
        told.observed.note,
        told.expected.rules.iter().cloned().collect::<Vec<_>>().join(" "),
        finding.found_in,
    )
}

/// A bar on a terminal, a line now and then elsewhere.
pub(super) struct Progress {
    bar: Option<ProgressBar>,
    done: AtomicU64,
    told: AtomicU64,
    whole: u64,
    what: &'static str,
    started: Instant,
}

impl Progress {
    /// Without a terminal, a line is written at most this often, in seconds.
    const LINE_EVERY: u64 = 10;

    pub(super) fn new(whole: u64) -> Self {
        Self::counting(whole, "cases")
    }

    /// Of something else than cases.
    pub(super) fn counting(whole: u64, what: &'static str) -> Self {
        let fancy = std::io::stderr().is_terminal() && std::env::var_os("NO_COLOR").is_none();
        let style = ProgressStyle::with_template("{bar:40} {human_pos}/{human_len} {per_sec} {eta}");
        let bar = fancy.then(|| {
            let bar = ProgressBar::new(whole);
            style.map_or_else(|_| bar.clone(), |style| bar.clone().with_style(style))
        });
        Self {
            bar,
            done: AtomicU64::new(0),
            told: AtomicU64::new(0),
            whole,
            what,
            started: Instant::now(),
        }
    }

    pub(super) fn add(&self, cases: u64) {
        let done = self.done.fetch_add(cases, Ordering::Relaxed) + cases;
        if let Some(bar) = &self.bar {
            bar.set_position(done);
            return;
        }
        let now = self.started.elapsed().as_secs() / Self::LINE_EVERY;
        if now > self.told.fetch_max(now, Ordering::Relaxed) {
            eprintln!("{done} of {} {}", self.whole, self.what);
        }
    }

    pub(super) fn finish(&self) {
        if let Some(bar) = &self.bar {
            bar.finish_and_clear();
        }
    }
}
