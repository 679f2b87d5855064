//! `countersign merge`: the reports of all shards as one report folder. Joining is `crate::merge`'s; here are files and the summary for
//! a person.

use std::io::Write as _;
use std::path::{Path, PathBuf};

use clap::Args;
use countersign_model::case::Case;
use serde_json::{Map, Value, json};

use super::check::SHOWN_FINDINGS;
use super::{Exit, Failure};
use crate::evaluator::run::EXEMPLARS;
use crate::findings;
use crate::merge::{FILE, Merged, MergedFinding, merge};
use crate::report::{plain, replay_command};

/// `merge`.
#[derive(Debug, Clone, Args)]
pub(super) struct MergeArguments {
    /// The reports: what each shard wrote under --report.
    #[arg(required = true, value_name = "DIR")]
    reports: Vec<PathBuf>,
    /// Folder for the report of the whole run; `countersign-report` when left out.
    #[arg(long, value_name = "DIR")]
    report: Option<PathBuf>,
}

pub(super) fn run(arguments: &MergeArguments) -> Result<Exit, Failure> {
    let mut merged = merge(&arguments.reports, SHOWN_FINDINGS, EXEMPLARS).map_err(|error| {
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
    let unwritable = |error: &dyn std::fmt::Display| {
        Failure::message(
            Exit::Usage,
            format!("`{}`: {error}", folder.display()),
            "give --report a folder that can be written",
        )
    };
    let mut saved = Vec::new();
    for finding in &mut merged.findings {
        let path = keep(finding, &folder.join("findings"), &merged.started).map_err(|error| unwritable(&error))?;
        finding
            .body
            .insert("saved".to_owned(), json!(path.display().to_string()));
        saved.push(path);
    }
    write_report(&merged, &folder).map_err(|error| unwritable(&error))?;
    let mut out = std::io::stdout().lock();
    writeln!(
        out,
        "merged {} shards: {} distinct findings",
        merged.shards,
        merged.findings.len()
    )?;
    for (finding, path) in merged.findings.iter().zip(&saved) {
        writeln!(
            out,
            "\nFINDING {}\n  seen      {}\n  replay    {}",
            plain(finding.fingerprint()),
            finding.body.get("seen").unwrap_or(&Value::Null),
            plain(&replay_command(path, &faults(&merged.started))),
        )?;
    }
    writeln!(out, "\nreport    {}", plain(&folder.join(FILE).display().to_string()))?;
    Ok(exit_of(&merged))
}

fn faults(started: &Map<String, Value>) -> Vec<String> {
    let list = started.get("faults").and_then(Value::as_array);
    list.into_iter()
        .flatten()
        .filter_map(Value::as_str)
        .map(str::to_owned)
        .collect()
}

/// The finding's Case and its explanation in the folder of the whole run. Answers the Case's path.
fn keep(finding: &MergedFinding, folder: &Path, started: &Map<String, Value>) -> Result<PathBuf, String> {
    std::fs::create_dir_all(folder).map_err(|error| error.to_string())?;
    let copied = finding.file().and_then(|name| {
        let from = finding.folder.join("findings").join(name);
        let to = folder.join(name);
        std::fs::copy(&from, &to).ok()?;
        Some((from, to))
    });
    let Some((from, path)) = copied else {
        // The shard's folder did not come along; its report has the case too.
        let case: Case = finding
            .body
            .get("case")
            .cloned()
            .and_then(|case| serde_json::from_value(case).ok())
            .ok_or_else(|| format!("the finding `{}` has no case", finding.fingerprint()))?;
        return findings::save_case(folder, finding.fingerprint(), &case).map_err(|error| error.to_string());
    };
    let explanation = std::fs::read_to_string(from.with_extension("json"))
        .ok()
        .and_then(|text| serde_json::from_str::<Map<String, Value>>(&text).ok());
    if let Some(mut explanation) = explanation {
        if let Some(seen) = finding.body.get("seen") {
            explanation.insert("seen".to_owned(), seen.clone());
        }
        explanation.insert("replay".to_owned(), json!(replay_command(&path, &faults(started))));
        let text = serde_json::to_string_pretty(&explanation).map_err(|error| error.to_string())?;
        std::fs::write(path.with_extension("json"), format!("{text}\n")).map_err(|error| error.to_string())?;
    }
    Ok(path)
}

/// The report of the whole run, in the form of a shard's.
fn write_report(merged: &Merged, folder: &Path) -> std::io::Result<()> {
    let mut text = String::new();
    let findings = merged.findings.iter().map(|finding| ("finding", &finding.body));
    let lines = std::iter::once(("started", &merged.started))
        .chain(findings)
        .chain([("finished", &merged.finished)]);
    for (event, body) in lines {
        let mut line = Map::new();
        line.insert("event".to_owned(), json!(event));
        line.extend(body.clone());
        text.push_str(&Value::Object(line).to_string());
        text.push('\n');
    }
    std::fs::create_dir_all(folder)?;
    std::fs::write(folder.join(FILE), text)
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
    } else if !some(compared("corpus")) && !some(compared("random")) && !some(of_report("compared")) {
        Exit::NothingRan
    } else {
        Exit::Conformant
    }
}
