//! Observations: what a target answered to a case, written down once with date and Region and held against the model ever after. `scrub`
//! takes out what is the account's own; `target` plays an observation back. Nothing is compared here.

mod scrub;
mod target;

use std::path::{Path, PathBuf};

use countersign_model::case::Case;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::differential::{CaseReport, StepStatus};
use crate::target::Observed;

pub use target::ObservedTarget;

/// One case with what was answered.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Observation {
    /// Version of this format.
    pub observed: u32,
    /// The day, in UTC.
    pub date: String,
    /// The Region, where there is one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub region: Option<String>,
    /// The target, as in reports.
    pub target: String,
    /// Which parts of the answers count, as `--profile` files write it.
    pub compare: String,
    /// The case.
    pub case: Case,
    /// What was answered, a step each.
    pub steps: Vec<ObservedStep>,
}

/// What was answered to one step, in the model's symbols and the case's names.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ObservedStep {
    /// An answer.
    Answered(Observed),
    /// It was not asked, for this reason.
    Skipped(String),
    /// Nobody knows what was done, for this reason.
    Ambiguous(String),
}

/// Where an observation was made.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Circumstances {
    /// The day, in UTC.
    pub date: String,
    /// The Region, where there is one.
    pub region: Option<String>,
    /// Which parts of the answers count.
    pub compare: String,
    /// The account whose id must not be in any observation.
    pub account: Option<String>,
}

/// Why an observation cannot be written or read.
#[derive(Debug, thiserror::Error)]
pub enum ObservationError {
    /// Something of the account is still in it.
    #[error("the observation of `{case}` still holds `{what}`, which is the account's own")]
    NotScrubbed {
        /// The case's id.
        case: String,
        /// What it holds.
        what: String,
    },
    /// The file cannot be read or written.
    #[error("`{path}`: {source}")]
    File {
        /// The file.
        path: String,
        /// Why.
        source: std::io::Error,
    },
    /// The file is no observation.
    #[error("`{path}` is no observation: {reason}")]
    Text {
        /// The file.
        path: String,
        /// What is wrong, with line and column.
        reason: String,
    },
}

impl Observation {
    /// What came of a case, without what is the account's own; none if nothing was answered.
    ///
    /// # Errors
    /// [`ObservationError::NotScrubbed`].
    pub fn of(
        case: &Case,
        report: &CaseReport,
        circumstances: &Circumstances,
    ) -> Result<Option<Self>, ObservationError> {
        if report.compared() == 0 {
            return Ok(None);
        }
        let known = (case, report.steps.iter().map(|step| &step.expected).collect::<Vec<_>>());
        let mut scrub = scrub::Scrub::knowing(&serde_json::to_value(known).unwrap_or_default());
        let steps = report
            .steps
            .iter()
            .map(|step| match (&step.status, &step.observed) {
                (StepStatus::Compared, Some(observed)) => ObservedStep::Answered(scrub.observed(observed)),
                (StepStatus::Ambiguous { reason }, _) => ObservedStep::Ambiguous(scrub.text(reason)),
                (StepStatus::Skipped { reason }, _) => ObservedStep::Skipped(scrub.text(reason)),
                (StepStatus::Error { error }, _) => ObservedStep::Skipped(scrub.text(&error.to_string())),
                (StepStatus::Compared, None) => ObservedStep::Skipped("nothing was answered".to_owned()),
            })
            .collect();
        let observation = Self {
            observed: 1,
            date: circumstances.date.clone(),
            region: circumstances.region.clone(),
            target: report.target.clone(),
            compare: circumstances.compare.clone(),
            case: case.clone(),
            steps,
        };
        if let Some(account) = &circumstances.account {
            // The account may be the case's own by chance; then it is no secret.
            let given = serde_json::to_string(case).unwrap_or_default();
            let text = serde_json::to_string(&observation).unwrap_or_default();
            if text.contains(account.as_str()) && !given.contains(account.as_str()) {
                return Err(ObservationError::NotScrubbed {
                    case: case.id.clone(),
                    what: account.clone(),
                });
            }
        }
        Ok(Some(observation))
    }

    /// Writes it into a folder, under the case's id.
    ///
    /// # Errors
    /// [`ObservationError::File`].
    pub fn save(&self, folder: &Path) -> Result<PathBuf, ObservationError> {
        let path = folder.join(format!("{}.json", file_name(&self.case.id)));
        let fault = |source| ObservationError::File {
            path: path.display().to_string(),
            source,
        };
        std::fs::create_dir_all(folder).map_err(fault)?;
        let mut text = serde_json::to_string_pretty(self).map_err(|error| fault(error.into()))?;
        text.push('\n');
        // Whole or not at all: a torn observation would be worse than none.
        let temporary = path.with_extension("json.part");
        std::fs::write(&temporary, text).map_err(fault)?;
        std::fs::rename(&temporary, &path).map_err(fault)?;
        Ok(path)
    }
}

/// The observations of a file, or of all `.json` files of a folder, in the order of their names.
///
/// # Errors
/// [`ObservationError::File`] and [`ObservationError::Text`].
pub fn load(path: &Path) -> Result<Vec<Observation>, ObservationError> {
    let fault = |path: &Path| {
        let path = path.display().to_string();
        move |source| ObservationError::File { path, source }
    };
    let mut files = Vec::new();
    if path.is_dir() {
        for entry in std::fs::read_dir(path).map_err(fault(path))? {
            let file = entry.map_err(fault(path))?.path();
            if file.extension().is_some_and(|extension| extension == "json") {
                files.push(file);
            }
        }
        files.sort();
    } else {
        files.push(path.to_owned());
    }
    let mut observations = Vec::with_capacity(files.len());
    for file in files {
        let text = std::fs::read_to_string(&file).map_err(fault(&file))?;
        let wrong = |reason: String| ObservationError::Text {
            path: file.display().to_string(),
            reason,
        };
        let observation: Observation = serde_json::from_str(&text).map_err(|error| wrong(error.to_string()))?;
        if observation.observed != 1 {
            return Err(wrong(format!("format {} is not known", observation.observed)));
        }
        if observation.steps.len() != observation.case.steps.len() {
            return Err(wrong(format!(
                "it answers {} steps, and the case has {}",
                observation.steps.len(),
                observation.case.steps.len()
            )));
        }
        observations.push(observation);
    }
    Ok(observations)
}

/// An id as a file name: letters, digits, dots and dashes.
fn file_name(id: &str) -> String {
    let plain = |letter: char| letter.is_ascii_alphanumeric() || matches!(letter, '.' | '-' | '_');
    let name: String = id
        .chars()
        .map(|letter| if plain(letter) { letter } else { '-' })
        .collect();
    name.trim_start_matches('.').to_owned()
}

/// The texts of a value.
fn texts<'a>(value: &'a Value, found: &mut Vec<&'a str>) {
    match value {
        Value::String(text) => found.push(text),
        Value::Array(list) => list.iter().for_each(|one| texts(one, found)),
        Value::Object(members) => members.iter().for_each(|(name, member)| {
            found.push(name);
            texts(member, found);
        }),
        _ => {}
    }
}
