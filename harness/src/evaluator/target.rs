//! A target of the harness (an adapter, say) as an evaluator: its requests one by one, its faults in this tier's words.

use countersign_model::case::{Case, EvaluatorCase};

use super::{Answer, Evaluator, EvaluatorFault, asked};
use crate::target::{Target, TargetError};

/// An evaluator behind a [`Target`].
pub struct TargetEvaluator {
    target: Box<dyn Target>,
}

impl std::fmt::Debug for TargetEvaluator {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter
            .debug_struct("TargetEvaluator")
            .field("target", &self.target.name())
            .finish()
    }
}

impl TargetEvaluator {
    /// Asks a target.
    pub fn new(target: Box<dyn Target>) -> Self {
        Self { target }
    }
}

impl Evaluator for TargetEvaluator {
    fn name(&self) -> &str {
        self.target.name()
    }

    fn answer(&mut self, case: &Case) -> Result<Vec<Answer>, EvaluatorFault> {
        let evaluate = asked(case)?;
        let mut answers = Vec::new();
        for request in evaluate.request.iter().chain(&evaluate.requests) {
            let question = EvaluatorCase {
                request: Some(request.clone()),
                requests: Vec::new(),
                ..evaluate.clone()
            };
            let answer = self
                .target
                .evaluate(case, &question)
                .map_err(|error| self.fault(error))?;
            answers.push(Answer {
                decision: answer.decision,
                blamed: answer.blamed,
                document: answer.document,
                rules: Default::default(),
                note: answer.message.unwrap_or_default(),
            });
        }
        Ok(answers)
    }
}

impl TargetEvaluator {
    fn fault(&self, error: TargetError) -> EvaluatorFault {
        let evaluator = self.target.name().to_owned();
        match error {
            TargetError::Unsupported { capability } => EvaluatorFault::Skipped { evaluator, capability },
            error @ TargetError::Adapter { .. } => EvaluatorFault::Case {
                evaluator,
                why: error.to_string(),
            },
            error => EvaluatorFault::Transport {
                evaluator,
                why: error.to_string(),
            },
        }
    }
}
