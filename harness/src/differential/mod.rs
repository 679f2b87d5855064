//! The differential loop: one case, model and target side by side, every difference named. Here are the shared types; `run` drives
//! a world and its steps, `lateness` waits for changes that propagate late, `evaluator` the requests of an evaluator case, `compare` compares, `binding` translates between the model's symbols and the target's values.

mod binding;
mod compare;
mod evaluator;
pub mod fingerprint;
mod lateness;
mod names;
mod rehearsal;
mod run;
pub mod shrink;

use countersign_model::case::StepKind;
use countersign_model::outcome::Outcome;
use serde::Serialize;

use crate::target::{CallCount, Observed, TargetError, Waiting};

pub use binding::{Binding, BindingError};
pub use compare::{check_expectation_of_model, check_expectation_of_target, compare_step, fold_white_space, inward};
pub use evaluator::{question, requests, with_answers};
pub use rehearsal::Rehearsal;
pub use run::{RunError, run_case, run_rehearsed};

/// What came of one case on one target.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct CaseReport {
    /// The case's id.
    pub id: String,
    /// The target's name.
    pub target: String,
    /// One report for each step of the case, in order.
    pub steps: Vec<StepReport>,
    /// The world could not be built: the target refused what the model holds for legal, or lacks a capability. All steps are skipped.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub provisioning_fault: Option<TargetError>,
    /// Calls and time that building the world took.
    pub provisioning: CallCount,
    /// Calls and time that the steps took.
    pub wire: CallCount,
    /// What had to be waited for.
    pub waiting: Waiting,
}

impl CaseReport {
    /// Steps whose outcome was compared.
    pub fn compared(&self) -> usize {
        self.steps
            .iter()
            .filter(|step| step.status == StepStatus::Compared)
            .count()
    }

    /// Steps that were not taken.
    pub fn skipped(&self) -> usize {
        self.steps
            .iter()
            .filter(|step| matches!(step.status, StepStatus::Skipped { .. }))
            .count()
    }

    /// Steps of which nobody knows what the target did.
    pub fn ambiguous(&self) -> usize {
        self.steps
            .iter()
            .filter(|step| matches!(step.status, StepStatus::Ambiguous { .. }))
            .count()
    }

    /// Steps in which the target could not be asked.
    pub fn errors(&self) -> usize {
        self.steps
            .iter()
            .filter(|step| matches!(step.status, StepStatus::Error { .. }))
            .count()
    }

    /// Whether every step is accounted for: compared, skipped, ambiguous or an error.
    pub fn reconciles(&self) -> bool {
        self.steps.len() == self.compared() + self.skipped() + self.ambiguous() + self.errors()
    }

    /// All disagreements with the step they belong to.
    pub fn disagreements(&self) -> impl Iterator<Item = (usize, &Disagreement)> {
        self.steps
            .iter()
            .enumerate()
            .flat_map(|(index, step)| step.disagreements.iter().map(move |one| (index, one)))
    }

    /// Whether model and target agree on everything that was compared, all expectations hold, and nothing was skipped or failed.
    pub fn agrees(&self) -> bool {
        self.provisioning_fault.is_none()
            && self.compared() == self.steps.len()
            && self.disagreements().next().is_none()
    }
}

/// What came of one step.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct StepReport {
    /// The step's name.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// Set-up, observation or control.
    pub kind: StepKind,
    /// Compared, skipped or error.
    pub status: StepStatus,
    /// The model's outcome; none for a skipped step. Where a step agrees in a run of an [unexplained](Rehearsal::unexplained) rehearsal, its
    /// answer is left out.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub expected: Option<Outcome>,
    /// The target's observation, translated into the model's symbols; none for a skipped step, nor where a step agrees in a run of an
    /// unexplained rehearsal.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub observed: Option<Observed>,
    /// How long it took until the target's answer stood, where it was asked more than once: a target that settles late.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub settled_after: Option<std::time::Duration>,
    /// Every difference.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub disagreements: Vec<Disagreement>,
}

/// How far a step came.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(tag = "status", rename_all = "snake_case")]
pub enum StepStatus {
    /// Both sides answered and were compared.
    Compared,
    /// It was not taken.
    Skipped {
        /// Why: a missing capability, or what happened before.
        reason: String,
    },
    /// Nobody knows what the target did: neither agreement nor divergence.
    Ambiguous {
        /// What was lost, or came too early.
        reason: String,
    },
    /// The target could not be asked.
    Error {
        /// Whose fault it is.
        error: TargetError,
    },
}

/// One difference.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Disagreement {
    /// What differs.
    pub kind: DisagreementKind,
    /// Who differs: the target from the model or the case, or the model from the case.
    pub side: Side,
    /// Where: a path such as `output.KeyMetadata.KeyState`, `trail[0].eventName`, `expect.code`.
    pub path: String,
    /// What should be there.
    pub expected: String,
    /// What is there.
    pub observed: String,
}

/// What differs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum DisagreementKind {
    /// allow, deny or error.
    Decision,
    /// The error code.
    Code,
    /// The HTTP status.
    Status,
    /// The error message.
    Message,
    /// A member of the output.
    Output,
    /// The CloudTrail events.
    Trail,
    /// A value the target chose is unbound, reused, or not the one it chose before.
    Binding,
    /// The step's own `expect`.
    Expectation,
}

/// Whose answer is off.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Side {
    /// The target's.
    Target,
    /// The model's: a model fault, or a wrong expectation in the case.
    Model,
}
