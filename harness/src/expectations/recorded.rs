//! What a run recorded of its cases, as `report.ndjson` keeps it: all that expectations are made of.

use std::path::Path;

use serde::Deserialize;

use super::{Judged, Verdict};
use crate::differential::fingerprint::StepFailure;
use crate::report::{ReportFile, ReportFileError};
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
/// [`ReportFileError`].
pub fn read_report(path: &Path) -> Result<RecordedRun, ReportFileError> {
    let file = ReportFile::read(path)?;
    let mut started: Option<StartedForm> = None;
    let mut run = RecordedRun::default();
    let (mut finished, mut interrupted) = (false, false);
    file.each(true, |event, body| {
        match event {
            "started" => started = Some(serde_json::from_value(body)?),
            "case" | "failed" => run.cases.push(serde_json::from_value(body)?),
            "interrupted" => interrupted = true,
            "finished" => finished = true,
            _ => {}
        }
        Ok(())
    })?;
    let started = file.had("started", started)?;
    Ok(RecordedRun {
        target: started.key.unwrap_or(started.target),
        seed: started.seed,
        random: started.random,
        corpus: started.corpus,
        whole: finished && !interrupted && started.shard.is_none(),
        ..run
    })
}
