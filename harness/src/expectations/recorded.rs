//! What a run recorded of its cases, as `report.ndjson` keeps it: all that expectations are made of.

use std::path::{Path, PathBuf};

use serde::Deserialize;

use super::{Judged, Verdict};
use crate::differential::fingerprint::StepFailure;
use crate::session::{CaseResult, Finished, Phase};

/// One case of a run.
#[derive(Debug, Clone, PartialEq, Deserialize)]
pub struct Recorded {
    /// Which part of the run.
    pub phase: Phase,
    /// The case's id.
    pub id: String,
    /// What it came to.
    pub verdict: Verdict,
    /// What failed, step by step.
    #[serde(default)]
    pub failures: Vec<StepFailure>,
}

impl Recorded {
    /// Of a case that was judged; none if it was no case.
    pub fn of(finished: &Finished, judged: &Judged) -> Option<Self> {
        let id = match &finished.result {
            CaseResult::Ran { report, .. } => report.id.clone(),
            CaseResult::Lost { id, .. } | CaseResult::Failed { id, .. } => id.clone(),
            CaseResult::Discarded { .. } => return None,
        };
        Some(Self {
            phase: finished.phase,
            id,
            verdict: judged.verdict?,
            failures: judged.failures.clone(),
        })
    }
}

/// A run as its report keeps it.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct RecordedRun {
    /// The target's name.
    pub target: String,
    /// Seed of the random cases.
    pub seed: u64,
    /// Number of the random cases.
    pub random: u64,
    /// Cases of the corpus.
    pub corpus: u64,
    /// Whether it was run to its end, and was no shard of another.
    pub whole: bool,
    /// Its cases.
    pub cases: Vec<Recorded>,
}

/// Why a report tells nothing.
#[derive(Debug, thiserror::Error)]
pub enum RecordedError {
    /// It cannot be read.
    #[error("cannot read `{}`: {source}", path.display())]
    Read {
        /// The file.
        path: PathBuf,
        /// The system's reason.
        source: std::io::Error,
    },
    /// A line is none of a report.
    #[error("`{}`, line {line}: {why}", path.display())]
    Line {
        /// The file.
        path: PathBuf,
        /// From 1.
        line: usize,
        /// What is wrong.
        why: String,
    },
    /// It is of no run of `check`.
    #[error("`{}` has no line `started`: it is no report of `countersign check`", path.display())]
    NoRun {
        /// The file.
        path: PathBuf,
    },
}

#[derive(Deserialize)]
struct StartedForm {
    target: String,
    #[serde(default)]
    key: Option<String>,
    seed: u64,
    random: u64,
    corpus: u64,
    #[serde(default)]
    shard: Option<String>,
}

/// Reads a report: the file, or the folder that holds it.
///
/// # Errors
/// [`RecordedError`].
pub fn read_report(path: &Path) -> Result<RecordedRun, RecordedError> {
    let path = if path.is_dir() {
        path.join(crate::merge::FILE)
    } else {
        path.to_owned()
    };
    let text = std::fs::read_to_string(&path).map_err(|source| RecordedError::Read {
        path: path.clone(),
        source,
    })?;
    let mut started: Option<StartedForm> = None;
    let mut run = RecordedRun::default();
    let (mut finished, mut interrupted) = (false, false);
    for (number, line) in text.lines().enumerate() {
        let wrong = |why: String| RecordedError::Line {
            path: path.clone(),
            line: number + 1,
            why,
        };
        let body: serde_json::Value = serde_json::from_str(line).map_err(|error| wrong(error.to_string()))?;
        let event = body.get("event").and_then(serde_json::Value::as_str);
        let form = |error: serde_json::Error| wrong(error.to_string());
        match event {
            Some("started") => started = Some(serde_json::from_value(body).map_err(form)?),
            Some("case" | "failed") => run.cases.push(serde_json::from_value(body).map_err(form)?),
            Some("interrupted") => interrupted = true,
            Some("finished") => finished = true,
            Some(_) => {}
            None => return Err(wrong("the line names no `event`".to_owned())),
        }
    }
    let started = started.ok_or(RecordedError::NoRun { path })?;
    Ok(RecordedRun {
        target: started.key.unwrap_or(started.target),
        seed: started.seed,
        random: started.random,
        corpus: started.corpus,
        whole: finished && !interrupted && started.shard.is_none(),
        ..run
    })
}
