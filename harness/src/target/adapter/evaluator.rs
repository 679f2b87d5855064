//! An adapter as an evaluator for whole cases: for laws and other questions that need no model beside it. What one request needs and how
//! it is asked is `mod`'s.

use countersign_model::case::{Case, EvaluatorDecision};

use super::AdapterTarget;
use crate::differential::{question, requests};
use crate::evaluator::{Answer, Evaluator, EvaluatorFault, asked};
use crate::target::{Target as _, TargetError};

impl Evaluator for AdapterTarget {
    fn name(&self) -> &str {
        &self.options.name
    }

    fn answer(&mut self, case: &Case) -> Result<Vec<Answer>, EvaluatorFault> {
        let evaluate = asked(case)?;
        let compares = self.compares();
        let mut answers = Vec::new();
        for request in requests(evaluate) {
            let question = question(evaluate, request);
            let answer = self.evaluate(case, &question).map_err(|error| {
                let evaluator = self.options.name.clone();
                match error {
                    TargetError::Unsupported { capability } => EvaluatorFault::Skipped { evaluator, capability },
                    error => EvaluatorFault::Transport {
                        evaluator,
                        why: error.to_string(),
                    },
                }
            })?;
            answers.push(Answer {
                decision: answer.decision,
                // What it does not stand for is not its answer.
                blamed: answer.blamed.filter(|_| compares.blamed),
                document: match answer.decision {
                    EvaluatorDecision::Error => answer.document,
                    _ => None,
                },
                rules: Default::default(),
                note: answer.message.unwrap_or_default(),
            });
        }
        Ok(answers)
    }
}
