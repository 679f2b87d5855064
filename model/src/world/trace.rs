//! What a call leaves behind while it runs: checks, rules, trail events; and the two ways in which it can stop.

use serde_json::Value;

use super::StepError;
use crate::case::Decision;
use crate::name::Action;
use crate::outcome::{Check, CheckDecision};
use crate::rule::{Rules, rule};

/// What is collected on the way.
#[derive(Debug, Default)]
pub(crate) struct Trace {
    pub(crate) checks: Vec<Check>,
    pub(crate) rules: Rules,
    pub(crate) trail: Vec<Value>,
    /// The HTTP status of success, where it is not the usual one of the operation.
    pub(crate) status: Option<u16>,
}

impl Trace {
    /// Names a rule that shaped the outcome.
    pub(crate) fn rule(&mut self, id: &'static str) {
        self.rules.insert(rule(id));
    }

    /// Records a check and gives back whether it allows.
    pub(crate) fn check(&mut self, check: Check) -> bool {
        let allowed = check.decision == CheckDecision::Allow;
        self.checks.push(check);
        allowed
    }

    /// The check recorded last.
    pub(crate) fn last(&self) -> Option<&Check> {
        self.checks.last()
    }
}

/// The answer of a service that refuses.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Refusal {
    pub(crate) decision: Decision,
    /// None on HEAD: the answer has no body.
    pub(crate) code: Option<String>,
    pub(crate) status: u16,
    /// None where no text is known or there is no body: then it is not compared.
    pub(crate) message: Option<String>,
    /// The action whose check ended the call.
    pub(crate) stops_at: Option<Action>,
}

impl Refusal {
    /// A refusal under a code; what is not authorization has codes of its own.
    pub(crate) fn error(code: &str, status: u16, message: impl Into<Option<String>>) -> Self {
        Self {
            decision: decision_of(code),
            code: Some(code.to_owned()),
            status,
            message: message.into(),
            stops_at: None,
        }
    }

    /// Authorization refused: which code, under which status.
    pub(crate) fn denied(code: &str, status: u16, message: impl Into<Option<String>>, at: Option<&Check>) -> Self {
        Self {
            decision: decision_of(code),
            code: Some(code.to_owned()),
            status,
            message: message.into(),
            stops_at: at.map(|check| check.action.clone()),
        }
    }
}

/// The decision as it is seen from outside: by the code alone, so that every observer can tell.
fn decision_of(code: &str) -> Decision {
    match code {
        "AccessDenied" | "AccessDeniedException" | "KMSAccessDeniedException" => Decision::Deny,
        _ => Decision::Error,
    }
}

/// How a call stops before its end.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Stop {
    /// AWS refuses.
    Refused(Refusal),
    /// The step is wrong.
    Step(StepError),
}

impl From<Refusal> for Stop {
    fn from(refusal: Refusal) -> Self {
        Self::Refused(refusal)
    }
}

impl From<StepError> for Stop {
    fn from(error: StepError) -> Self {
        Self::Step(error)
    }
}

/// The output of an operation, or why there is none.
pub(crate) type Answer = Result<Value, Stop>;
