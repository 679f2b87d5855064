//! A distinct finding as reports show it: one fingerprint, how often it was seen, the shrunk case and what came of it.

use std::collections::BTreeMap;
use std::path::Path;

use countersign_model::case::Case;
use countersign_model::outcome::Check;
use countersign_model::rule::RuleId;
use serde::Serialize;

use super::shell_word;
use crate::differential::shrink::Part;
use crate::differential::{CaseReport, Side, StepReport, fingerprint};

/// Targets that a replay needs not name: the default one, or one that needs a token that is not for files.
const OWN: [&str; 4] = ["embedded", "in-process", "elsewhere", "authorizer"];

/// One distinct finding.
#[derive(Debug, Clone, Serialize)]
pub struct FindingReport {
    /// What makes it one finding.
    pub fingerprint: String,
    /// What its cases looked like before they were shrunk: the fingerprints that expectations name.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub kinds: Vec<String>,
    /// How many cases of the run show it.
    pub seen: u64,
    /// The operations on which they show it, with the number of cases.
    pub seen_on: BTreeMap<String, u64>,
    /// The exemplar's id before it was shrunk.
    pub found_in: String,
    /// Seed and number of the exemplar, if it is a random case.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub seed: Option<(u64, u64)>,
    /// Steps of the exemplar before it was shrunk.
    pub steps_before: usize,
    /// Whether nothing more can be taken away from the shrunk case.
    pub minimal: bool,
    /// Which of the values left are needed and which could be anything; none if the case could be smaller.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub needs: Vec<Part>,
    /// The shrunk case.
    pub case: Case,
    /// What came of it.
    pub report: CaseReport,
}

impl FindingReport {
    /// Whose answer is off: the model's only if no target's is.
    pub fn side(&self) -> Side {
        if self.report.provisioning_fault.is_some()
            || self.report.disagreements().any(|(_, one)| one.side == Side::Target)
        {
            Side::Target
        } else {
            Side::Model
        }
    }

    /// The first step that disagrees, with its position from 0.
    pub fn step(&self) -> Option<(usize, &StepReport)> {
        self.report
            .steps
            .iter()
            .enumerate()
            .find(|(_, step)| !step.disagreements.is_empty())
    }

    /// The check that decided the disagreeing step in the model: the one that ended the call, else the last.
    pub fn deciding_check(&self) -> Option<&Check> {
        self.step()?.1.expected.as_ref().and_then(fingerprint::deciding_check)
    }

    /// The rules that decided the disagreeing step: those of the deciding check, then those of the outcome.
    pub fn rules(&self) -> Vec<RuleId> {
        let mut rules: Vec<RuleId> = self
            .deciding_check()
            .map(|check| check.rules.iter().cloned().collect())
            .unwrap_or_default();
        if let Some(outcome) = self.step().and_then(|(_, step)| step.expected.as_ref()) {
            for one in &outcome.rules {
                if !rules.contains(one) {
                    rules.push(one.clone());
                }
            }
        }
        rules
    }

    /// The command that runs the saved finding again, on the target it was found with.
    pub fn replay_command(&self, path: &Path, faults: &[String]) -> String {
        let mut command = replay_command(path, faults);
        let target = &self.report.target;
        if let Some((profile, url)) = target.split_once(" at ").filter(|_| !target.starts_with("adapter:")) {
            command.push_str(&format!(
                " --target {} --profile {}",
                shell_word(url),
                shell_word(profile)
            ));
        } else if !OWN.contains(&target.as_str()) {
            command.push_str(" --target ");
            command.push_str(&shell_word(target));
        }
        command
    }
}

/// The command that runs a saved case again.
pub fn replay_command(path: &Path, faults: &[String]) -> String {
    let mut command = format!("countersign replay {}", shell_word(&path.display().to_string()));
    for fault in faults {
        command.push_str(" --fault ");
        command.push_str(&shell_word(fault));
    }
    command
}
