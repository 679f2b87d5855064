//! `countersign merge`: the reports of all shards as one. Joining is `crate::merge`'s, shrinking that of `check` and `evaluator`; here
//! are files and the summary for a person.

use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::sync::atomic::AtomicBool;

use clap::Args;
use serde_json::{Map, Value, json};

use super::arguments::{TargetArguments, TargetName};
use super::check::{SHOWN_FINDINGS, effort, interrupt_flag};
use super::evaluator::{finding_line, investigate};
use super::expect::known_of_shards;
use super::{Exit, Failure, fault_set, make_target};
use crate::differential::run_case;
use crate::distinct::Distinct;
use crate::evaluator::run::{EXEMPLARS, Report};
use crate::evaluator::{EmulatorEvaluator, finding, generate};
use crate::findings;
use crate::merge::{Merged, merge};
use crate::report::{FILE, plain, replay_command};

/// `merge`.
#[derive(Debug, Clone, Args)]
pub(super) struct MergeArguments {
    /// The reports: what each shard wrote under --report.
    #[arg(required = true, value_name = "DIR")]
    reports: Vec<PathBuf>,
    /// Folder for the report of the whole run; `countersign-report` when left out.
    #[arg(long, value_name = "DIR")]
    report: Option<PathBuf>,
    /// The target of the shards: what they met is shrunk here.
    #[command(flatten)]
    target: TargetArguments,
    /// As in `check`: kinds of disagreement that are shrunk, shown and saved.
    #[arg(long, default_value_t = SHOWN_FINDINGS, value_name = "N")]
    findings: usize,
}

/// A finding of the whole run: its line in the report and where its Case is.
struct Kept {
    line: Value,
    path: PathBuf,
}

pub(super) fn run(arguments: &MergeArguments) -> Result<Exit, Failure> {
    let mut merged = merge(&arguments.reports).map_err(|error| {
        Failure::message(
            Exit::Usage,
            error,
            "give the --report folder of every shard of one run: the same seed, cases and faults, shards 1/N to N/N",
        )
    })?;
    let folder = arguments
        .report
        .clone()
        .unwrap_or_else(|| PathBuf::from("countersign-report"));
    let kept = if merged.is_of_evaluator() {
        of_evaluator(&merged, &folder)?
    } else {
        let (kept, all) = of_check(&mut merged, arguments, &folder, &interrupt_flag())?;
        merged.finished.insert("findings".to_owned(), json!(all));
        kept
    };
    let known = known_of_shards(&merged)?;
    let mut stale = Vec::new();
    if let Some(known) = &known {
        let is = |name: &str| merged.finished.get(name) == Some(&json!(true));
        let faults = merged.finished.get("transport_faults").and_then(Value::as_array);
        stale = known.stale(is("interrupted") || faults.is_some_and(|faults| !faults.is_empty()));
        merged.finished.insert("stale".to_owned(), json!(stale));
        merged
            .finished
            .insert("expected".to_owned(), json!(known.judge.classes()));
    }
    write_report(&merged, &kept, &folder).map_err(|error| {
        Failure::message(
            Exit::Usage,
            format!("`{}`: {error}", folder.display()),
            "give --report a folder that can be written",
        )
    })?;
    let faults = faults(&merged);
    let mut out = std::io::stdout().lock();
    writeln!(out, "merged {} shards: {} findings", merged.shards, kept.len())?;
    for one in &kept {
        writeln!(
            out,
            "\nFINDING {}\n  seen      {}\n  replay    {}",
            plain(one.line["fingerprint"].as_str().unwrap_or_default()),
            one.line["seen"],
            plain(&replay_command(&one.path, &faults)),
        )?;
    }
    for problem in &stale {
        writeln!(
            out,
            "\nstale     {}:{}: {}",
            plain(&problem.file),
            problem.line,
            plain(&problem.message)
        )?;
    }
    writeln!(out, "\nreport    {}", plain(&folder.join(FILE).display().to_string()))?;
    if let Some(failure) = known.and_then(|known| known.failure(&stale)) {
        failure.print();
    }
    Ok(exit_of(&merged))
}

fn faults(merged: &Merged) -> Vec<String> {
    let list = merged.started.get("faults").and_then(Value::as_array);
    list.into_iter()
        .flatten()
        .filter_map(Value::as_str)
        .map(str::to_owned)
        .collect()
}

fn seed(merged: &Merged) -> u64 {
    merged.started.get("seed").and_then(Value::as_u64).unwrap_or_default()
}

fn unsaved(fingerprint: &str, error: &dyn std::fmt::Display) -> Failure {
    Failure::message(
        Exit::Internal,
        format!("the finding `{fingerprint}` cannot be saved: {error}"),
        "give --report a folder that can be written",
    )
}

/// What shards of a `check` met, run once more each and shrunk as one process would have done it. Answers also how many findings there
/// are with those that are not shown.
fn of_check(
    merged: &mut Merged,
    arguments: &MergeArguments,
    folder: &Path,
    interrupted: &AtomicBool,
) -> Result<(Vec<Kept>, usize), Failure> {
    if merged.groups.is_empty() {
        return Ok((Vec::new(), 0));
    }
    let faults = faults(merged);
    // As `check` shrinks: the embedded emulator is quicker without its socket.
    let ready = super::ready(&arguments.target)?;
    let quick = match &ready.target.target {
        TargetName::Embedded => TargetArguments {
            target: TargetName::InProcess,
            ..ready.target.clone()
        },
        _ => ready.target.clone(),
    };
    let cannot = |error: &dyn std::fmt::Display| {
        Failure::message(
            Exit::Target,
            format!("the findings could not be shrunk: {error}"),
            "give the --target of the shards",
        )
    };
    let mut target = make_target(&quick, &faults).map_err(|error| cannot(&error))?;
    let mut distinct = Distinct::default();
    for record in std::mem::take(&mut merged.groups) {
        let report = run_case(&record.case, target.as_mut()).map_err(|error| cannot(&error))?;
        distinct.add_group(record, report);
    }
    let effort = effort(&quick, arguments.findings)?;
    let found = distinct.findings(effort, seed(merged), target.as_mut(), interrupted);
    let mut kept = Vec::new();
    for finding in &found.shown {
        let path = findings::save_with_faults(&folder.join("findings"), finding, &faults)
            .map_err(|error| unsaved(&finding.fingerprint, &error))?;
        let mut line = serde_json::to_value(finding).map_err(|error| unsaved(&finding.fingerprint, &error))?;
        line["saved"] = json!(path.display().to_string());
        line["rules"] = json!(finding.rules());
        kept.push(Kept { line, path });
    }
    Ok((kept, found.shown.len() + found.hidden))
}

/// What shards of an `evaluator` run met: the first cases of each class, drawn again and shrunk.
fn of_evaluator(merged: &Merged, folder: &Path) -> Result<Vec<Kept>, Failure> {
    let count = |class: &str| {
        let report = merged.finished.get("report");
        let disagreements = report.and_then(|report| report.get("disagreements"));
        disagreements.and_then(|all| all.get(class)).and_then(Value::as_u64)
    };
    let mut report = Report::default();
    for (class, numbers) in &merged.exemplars {
        let cases = numbers
            .iter()
            .take(EXEMPLARS)
            .filter_map(|number| generate::from_seed(seed(merged), *number).ok());
        report.exemplars.insert(class.clone(), cases.collect());
        if let Some(seen) = count(class) {
            report.disagreements.insert(class.clone(), seen);
        }
    }
    let faults = fault_set(&faults(merged))?;
    let mut kept = Vec::new();
    for found in investigate(&report, &mut EmulatorEvaluator { faults }) {
        let path =
            finding::save(&folder.join("findings"), &found).map_err(|error| unsaved(&found.fingerprint, &error))?;
        kept.push(Kept {
            line: finding_line(&found, &path),
            path,
        });
    }
    Ok(kept)
}

/// The report of the whole run, in the form of a shard's.
fn write_report(merged: &Merged, kept: &[Kept], folder: &Path) -> std::io::Result<()> {
    let line = |event: &str, body: &Map<String, Value>| {
        let mut line = Map::new();
        line.insert("event".to_owned(), json!(event));
        line.extend(body.clone());
        Value::Object(line).to_string()
    };
    let mut lines = vec![line("started", &merged.started)];
    for one in kept {
        if let Value::Object(body) = &one.line {
            lines.push(line("finding", body));
        }
    }
    lines.push(line("finished", &merged.finished));
    std::fs::create_dir_all(folder)?;
    std::fs::write(folder.join(FILE), lines.join("\n") + "\n")
}

/// The exit code that one process would have ended with.
fn exit_of(merged: &Merged) -> Exit {
    let figures = &merged.finished;
    let of_report = |name: &str| figures.get("report").and_then(|report| report.get(name));
    let some = |value: Option<&Value>| match value {
        Some(Value::Array(list)) => !list.is_empty(),
        Some(Value::Object(map)) => !map.is_empty(),
        Some(Value::Number(number)) => number.as_f64() != Some(0.0),
        _ => false,
    };
    let compared = |part: &str| figures.get(part).and_then(|part| part.get("compared"));
    if some(figures.get("internal_faults")) || some(of_report("faults")) {
        Exit::Internal
    } else if some(figures.get("transport_faults")) {
        Exit::Target
    } else if some(figures.get("diverging")) || some(figures.get("model_faults")) || some(of_report("disagreements")) {
        Exit::Divergence
    } else if some(figures.get("stale")) {
        Exit::StaleExpectation
    } else if !some(compared("corpus")) && !some(compared("random")) && !some(of_report("compared")) {
        Exit::NothingRan
    } else {
        Exit::Conformant
    }
}
