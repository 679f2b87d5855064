//! `countersign scope`: every evaluator case of the small scope, the model against the emulator's authorizer. Counting and asking are
//! `crate::scope`'s; here are arguments, progress and the report for a person.

use std::io::Write as _;
use std::path::PathBuf;
use std::time::Instant;

use clap::Args;
use serde_json::json;

use super::check::interrupt_flag;
use super::evaluator::Progress;
use super::{Exit, Failure, fault_set, some_cases, workers};
use crate::evaluator::finding::{self, Finding};
use crate::evaluator::{EmulatorEvaluator, ModelEvaluator};
use crate::report::plain;
use crate::scope::Space;
use crate::scope::run::run as ask;

/// Kinds of disagreement that are shrunk and shown; the rest are counted.
const SHOWN: usize = 20;

/// `scope`.
#[derive(Debug, Clone, Args)]
pub(super) struct ScopeArguments {
    /// Most statements of a case.
    #[arg(long, default_value_t = 3, value_name = "N", value_parser = clap::value_parser!(u8).range(1..=4))]
    statements: u8,
    /// Only the first so many cases; all of them when left out.
    #[arg(long)]
    cases: Option<u64>,
    /// Folder for the shrunk cases of findings; `countersign-report` when left out.
    #[arg(long, value_name = "DIR")]
    report: Option<PathBuf>,
    /// Number of threads; one for each core when left out.
    #[arg(long, value_name = "N")]
    workers: Option<usize>,
    /// Switch a seeded fault of the emulator's authorizer on, to see it found. May be given several times.
    #[arg(long = "fault", value_name = "ID")]
    faults: Vec<String>,
    /// Machine-readable figures.
    #[arg(long)]
    json: bool,
}

pub(super) fn run(arguments: &ScopeArguments) -> Result<Exit, Failure> {
    let faults = fault_set(&arguments.faults)?;
    let space = Space::of(usize::from(arguments.statements));
    let wanted = arguments.cases.unwrap_or(space.cases()).min(space.cases());
    some_cases(wanted)?;
    let started = Instant::now();
    let progress = Progress::new(wanted);
    let interrupted = interrupt_flag();
    let workers = workers(arguments.workers, 256);
    let report = ask(&space, wanted, faults, workers, &interrupted, &|cases| {
        progress.add(cases)
    })
    .map_err(|fault| Failure::message(Exit::Internal, fault, "a case of the scope is none; please report it"))?;
    progress.finish();
    let seconds = started.elapsed().as_secs_f64();
    let mut first: Vec<_> = report.first.iter().collect();
    first.sort_by_key(|(_, (number, _))| *number);
    let folder = arguments
        .report
        .clone()
        .unwrap_or_else(|| PathBuf::from("countersign-report"))
        .join("findings");
    let mut saved: Vec<(u64, Finding, PathBuf)> = Vec::new();
    for (class, (number, case)) in first.into_iter().take(SHOWN) {
        let seen = report.disagreements.get(class).copied().unwrap_or_default();
        let mut emulator = EmulatorEvaluator { faults };
        if let Some(finding) = finding::investigate(case, &mut ModelEvaluator, &mut emulator, seen) {
            let path = finding::save(&folder, &finding).map_err(|error| {
                Failure::message(
                    Exit::Internal,
                    format!("the finding `{}` cannot be saved: {error}", finding.fingerprint),
                    "give --report a folder that can be written",
                )
            })?;
            saved.push((*number, finding, path));
        }
    }
    let differing: u64 = report.disagreements.values().sum();
    let mut out = std::io::stdout().lock();
    if arguments.json {
        let json = json!({
            "statements": arguments.statements,
            "bound": space.bound(),
            "space": space.cases(),
            "report": report,
            "seconds": seconds,
            "findings": saved.iter().map(|(number, finding, path)| json!({
                "case": number, "fingerprint": finding.fingerprint, "seen": finding.seen, "saved": path.display().to_string(),
            })).collect::<Vec<_>>(),
        });
        let text = serde_json::to_string_pretty(&json).map_err(std::io::Error::other)?;
        writeln!(out, "{text}")?;
    } else {
        writeln!(out, "scope: {}", space.bound())?;
        writeln!(
            out,
            "  cases       {} of {} canonical cases in {seconds:.1} s ({:.0}/s){}",
            report.cases,
            space.cases(),
            report.cases as f64 / seconds.max(0.001),
            if report.interrupted { ", interrupted" } else { "" },
        )?;
        let shares: Vec<String> = report
            .decisions
            .iter()
            .map(|(decision, count)| format!("{decision} {count} ({:.1}%)", report.percent(decision)))
            .collect();
        writeln!(out, "  decisions   {}", shares.join(", "))?;
        writeln!(
            out,
            "  differ      {differing} cases in {} kinds",
            report.disagreements.len()
        )?;
        for (class, count) in &report.disagreements {
            writeln!(out, "    {count:>9}  {}", plain(class))?;
        }
        for (number, finding, path) in &saved {
            writeln!(
                out,
                "\nFINDING {}\n  first in case {number}; replay: countersign replay {}",
                plain(&finding.fingerprint),
                plain(&path.display().to_string()),
            )?;
        }
    }
    Ok(if differing > 0 {
        Exit::Divergence
    } else if report.cases == 0 {
        Exit::NothingRan
    } else {
        Exit::Conformant
    })
}
