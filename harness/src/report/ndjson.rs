//! The machine-readable report: one JSON object a line, `report.ndjson` in the report's folder, written as the run goes.
//!
//! Every line has an `event`: `started`, `case`, `discarded`, `failed`, `finding`, `interrupted`, `matrix`, `finished`. The `finished` line
//! holds the whole summary; a file without one is of a run that was cut off. docs/reports.md describes the members.

use std::fs::File;
use std::io::{BufWriter, Write};
use std::path::Path;

use serde_json::{Value, json};

use super::folder::{ReportError, create_file};
use super::lines::FILE;
use super::{Consumer, Event, Matrix};
use crate::expectations::Judged;
use crate::session::CaseResult;

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
            file: create_file(folder, FILE)?,
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

fn merge(mut left: Value, right: Value) -> Value {
    if let (Value::Object(left), Value::Object(right)) = (&mut left, right) {
        left.extend(right);
    }
    left
}
