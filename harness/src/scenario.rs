//! Runs scenario files and folders of them against a target. Reading a Case is the model crate's affair, comparing `differential`'s.

use std::path::{Path, PathBuf};

use countersign_model::case::{Case, CaseError, Syntax, load_all};

use crate::differential::{CaseReport, RunError, run_case};
use crate::target::Target;

/// Why a scenario could not be read or run.
#[derive(Debug, thiserror::Error)]
pub enum ScenarioError {
    /// The file cannot be read.
    #[error("cannot read `{}`: {source}", path.display())]
    Unreadable {
        /// The file or folder.
        path: PathBuf,
        /// Why.
        source: std::io::Error,
    },
    /// It is not a Case.
    #[error("`{}` is not a case: {source}", path.display())]
    Case {
        /// The file.
        path: PathBuf,
        /// What is wrong, with its place.
        source: Box<CaseError>,
    },
    /// The case cannot be run.
    #[error("`{id}`: {source}")]
    Run {
        /// The case's id.
        id: String,
        /// What is wrong with it.
        source: Box<RunError>,
    },
}

/// The scenario files of a folder and the folders below it, by path. JSON files beside them are schemas and reports.
///
/// # Errors
/// [`ScenarioError::Unreadable`].
pub fn files(folder: &Path) -> Result<Vec<PathBuf>, ScenarioError> {
    let unreadable = |source| ScenarioError::Unreadable {
        path: folder.to_owned(),
        source,
    };
    let mut entries = Vec::new();
    for entry in std::fs::read_dir(folder).map_err(unreadable)? {
        entries.push(entry.map_err(unreadable)?.path());
    }
    entries.sort();
    let mut found = Vec::new();
    for path in entries {
        if path.is_dir() {
            found.extend(files(&path)?);
        } else if path
            .extension()
            .is_some_and(|extension| extension == "yaml" || extension == "yml")
        {
            found.push(path);
        }
    }
    Ok(found)
}

/// The cases of one file.
///
/// # Errors
/// [`ScenarioError::Unreadable`] and [`ScenarioError::Case`].
pub fn cases(path: &Path) -> Result<Vec<Case>, ScenarioError> {
    let text = std::fs::read_to_string(path).map_err(|source| ScenarioError::Unreadable {
        path: path.to_owned(),
        source,
    })?;
    let name = path.display().to_string();
    load_all(&name, &text, Syntax::of_file(&name)).map_err(|source| ScenarioError::Case {
        path: path.to_owned(),
        source: Box::new(source),
    })
}

/// Runs every case of a file or folder that the target takes, with a world and without, in the order of the paths.
///
/// # Errors
/// The first [`ScenarioError`]; disagreements are in the reports.
pub fn run_path(path: &Path, target: &mut dyn Target) -> Result<Vec<CaseReport>, ScenarioError> {
    let paths = if path.is_dir() {
        files(path)?
    } else {
        vec![path.to_owned()]
    };
    let mut reports = Vec::new();
    for path in paths {
        for case in cases(&path)? {
            let taken = match case.evaluate {
                Some(_) => target.takes_evaluator_cases(),
                None => target.takes_worlds(),
            };
            if !taken {
                continue;
            }
            let report = run_case(&case, target).map_err(|source| ScenarioError::Run {
                id: case.id.clone(),
                source: Box::new(source),
            })?;
            reports.push(report);
        }
    }
    Ok(reports)
}
