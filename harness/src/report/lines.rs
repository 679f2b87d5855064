//! Reads `report.ndjson` line by line, for everything that is made of the reports of earlier runs. What the lines mean is their readers'
//! affair.

use std::path::{Path, PathBuf};

use serde_json::Value;

/// Name of the report in a report's folder.
pub const FILE: &str = "report.ndjson";

/// Why a report cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum ReportFileError {
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
    /// A line is missing.
    #[error("`{}` has no line `{event}`: its run was cut off, or was none of `countersign`", path.display())]
    Missing {
        /// The file.
        path: PathBuf,
        /// Which line.
        event: &'static str,
    },
}

/// A report that is read.
#[derive(Debug)]
pub(crate) struct ReportFile {
    path: PathBuf,
    text: String,
}

impl ReportFile {
    /// Reads a report: the file, or the folder that holds it.
    ///
    /// # Errors
    /// [`ReportFileError::Read`].
    pub(crate) fn read(path: &Path) -> Result<Self, ReportFileError> {
        let path = if path.is_dir() {
            path.join(FILE)
        } else {
            path.to_owned()
        };
        match std::fs::read_to_string(&path) {
            Ok(text) => Ok(Self { path, text }),
            Err(source) => Err(ReportFileError::Read { path, source }),
        }
    }

    /// Where it was read.
    pub(crate) fn path(&self) -> &Path {
        &self.path
    }

    /// Hands on each line with its event. Lines of cases are many: whoever has no use for them (`cases`) does not wait for them to be parsed.
    ///
    /// # Errors
    /// [`ReportFileError::Line`] for a line that is none of a report, or that the reader does not understand.
    pub(crate) fn each(
        &self,
        cases: bool,
        mut line: impl FnMut(&str, Value) -> Result<(), serde_json::Error>,
    ) -> Result<(), ReportFileError> {
        for (number, text) in self.text.lines().enumerate() {
            if !cases && text.starts_with(r#"{"event":"case""#) {
                continue;
            }
            let wrong = |why: String| ReportFileError::Line {
                path: self.path.clone(),
                line: number + 1,
                why,
            };
            let body: Value = serde_json::from_str(text).map_err(|error| wrong(error.to_string()))?;
            let event = body.get("event").and_then(Value::as_str).map(str::to_owned);
            let event = event.ok_or_else(|| wrong("the line names no `event`".to_owned()))?;
            line(&event, body).map_err(|error| wrong(error.to_string()))?;
        }
        Ok(())
    }

    /// What a report must have.
    ///
    /// # Errors
    /// [`ReportFileError::Missing`].
    pub(crate) fn had<T>(&self, event: &'static str, found: Option<T>) -> Result<T, ReportFileError> {
        found.ok_or_else(|| ReportFileError::Missing {
            path: self.path.clone(),
            event,
        })
    }
}
