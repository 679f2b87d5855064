//! The machine-readable report: one JSON object a line, `report.ndjson` in the report's folder, written as the run goes.
//!
//! Every line has an `event`: `started`, `case`, `discarded`, `failed`, `finding`, `interrupted`, `matrix`, `finished`. The `finished` line
//! holds the whole summary; a file without one is of a run that was cut off. docs/reports.md describes the members.

use std::fs::File;
use std::io::{BufWriter, Write};
use std::path::{Path, PathBuf};

use serde_json::{Value, json};

use super::{Consumer, Event, Matrix};
use crate::expectations::Judged;
use crate::session::CaseResult;

/// Why a report cannot be written.
#[derive(Debug, thiserror::Error)]
pub enum ReportError {
    /// The folder or file cannot be made.
    #[error("cannot write the report `{}`: {source}", path.display())]
    Create {
        /// The file or folder.
        path: PathBuf,
        /// Why.
        source: std::io::Error,
    },
}

/// Writes `report.ndjson`.
#[derive(Debug)]
pub struct NdjsonReport {
    file: BufWriter<File>,
    matrix: Matrix,
}

impl NdjsonReport {
    /// Makes the folder and the file.
    ///
    /// # Errors
    /// [`ReportError::Create`].
    pub fn create(folder: &Path) -> Result<Self, ReportError> {
        Ok(Self {
            file: create_file(folder, "report.ndjson")?,
            matrix: Matrix::default(),
        })
    }

    fn line(&mut self, event: &str, mut body: Value) -> std::io::Result<()> {
        if let Value::Object(map) = &mut body {
            map.shift_insert(0, "event".to_owned(), Value::from(event));
        }
        serde_json::to_writer(&mut self.file, &body)?;
        self.file.write_all(b"\n")
    }
}

impl Consumer for NdjsonReport {
    fn event(&mut self, event: &Event<'_>) -> std::io::Result<()> {
        match event {
            Event::Started(start) => self.line("started", serde_json::to_value(start)?),
            Event::Case { finished, judged } => {
                let place = json!({"phase": finished.phase, "number": finished.number});
                let place = merge(place, verdict(judged));
                match &finished.result {
                    CaseResult::Ran { report, .. } => {
                        self.matrix.add(report);
                        self.line(
                            "case",
                            merge(
                                place,
                                json!({
                                    "id": report.id, "agrees": report.agrees(), "steps": report.steps.len(), "compared": report.compared(),
                                    "skipped": report.skipped(), "ambiguous": report.ambiguous(), "errors": report.errors(),
                                }),
                            ),
                        )
                    }
                    CaseResult::Discarded { reason } => self.line("discarded", merge(place, json!({"reason": reason}))),
                    CaseResult::Lost { id, error } => {
                        self.line("failed", merge(place, json!({"id": id, "error": error.to_string()})))
                    }
                    CaseResult::Failed { id, error } => {
                        self.line("failed", merge(place, json!({"id": id, "error": error})))
                    }
                }
            }
            Event::Shrinking { .. } => Ok(()),
            Event::Finding { finding, saved } => {
                let saved = saved.map(|path| path.display().to_string());
                self.line(
                    "finding",
                    merge(
                        serde_json::to_value(finding)?,
                        json!({"saved": saved, "rules": finding.rules()}),
                    ),
                )
            }
            Event::Interrupted => self.line("interrupted", json!({})),
            Event::Finished(summary) => {
                let matrix = self.matrix.lines();
                self.line("matrix", matrix)?;
                self.line("finished", serde_json::to_value(summary)?)?;
                self.file.flush()
            }
        }
    }
}

/// What a case is worth; nothing of one that was given up.
fn verdict(judged: &Judged) -> Value {
    let mut line = json!({});
    if let Some(verdict) = judged.verdict {
        line["verdict"] = json!(verdict);
    }
    if !judged.failures.is_empty() {
        line["failures"] = json!(judged.failures);
    }
    if !judged.reasons.is_empty() {
        line["reasons"] = json!(judged.reasons);
    }
    line
}

/// Makes a folder and an empty file in it, so that a folder that cannot be written is told before the run and not after it.
pub(super) fn create_file(folder: &Path, name: &str) -> Result<BufWriter<File>, ReportError> {
    let create = |path: PathBuf| move |source| ReportError::Create { path, source };
    std::fs::create_dir_all(folder).map_err(create(folder.to_owned()))?;
    let path = folder.join(name);
    let file = File::create(&path).map_err(create(path))?;
    Ok(BufWriter::new(file))
}

fn merge(mut left: Value, right: Value) -> Value {
    if let (Value::Object(left), Value::Object(right)) = (&mut left, right) {
        left.extend(right);
    }
    left
}
