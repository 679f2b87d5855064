//! The emulator's authorizer as a target for evaluator cases alone: no server, no world, no SDKs. The embedded target hands its
//! evaluator cases on to it. Who decides is the emulator; here is only the asking.

use std::collections::BTreeMap;
use std::time::Instant;

use countersign_emulator::fault::{FaultSet, UnknownFault};
use countersign_model::case::{Case, EvaluatorCase, Step};
use countersign_model::outcome::Outcome;
use countersign_model::world::World;
use serde_json::Value;

use super::{CallCount, EvaluatorAnswer, Observed, SavingAnswer, Target, TargetError, Usage};
use crate::differential::Binding;
use crate::evaluator::{EmulatorEvaluator, Evaluator as _, EvaluatorFault};

/// The emulator's authorizer, called directly.
#[derive(Debug, Default)]
pub struct AuthorizerTarget {
    faults: FaultSet,
    quirks: BTreeMap<String, Value>,
    usage: Usage,
}

impl AuthorizerTarget {
    /// The authorizer with seeded faults switched on and with switches that differ from the case's.
    ///
    /// # Errors
    /// [`UnknownFault`].
    pub fn new(faults: &[String], quirks: BTreeMap<String, Value>) -> Result<Self, UnknownFault> {
        Ok(Self {
            faults: FaultSet::from_ids(faults)?,
            quirks,
            usage: Usage::default(),
        })
    }

    /// Counts one question.
    fn counted<T>(&mut self, ask: impl FnOnce(&Self) -> T) -> T {
        let started = Instant::now();
        let answer = ask(self);
        self.usage.wire.add(CallCount {
            calls: 1,
            time: started.elapsed(),
        });
        answer
    }

    /// The case as the authorizer is to read it.
    fn asked(&self, case: &Case, question: &EvaluatorCase) -> (EmulatorEvaluator, Case) {
        let mut asked = Case {
            evaluate: Some(question.clone()),
            ..case.clone()
        };
        asked.quirks.extend(self.quirks.clone());
        (EmulatorEvaluator { faults: self.faults }, asked)
    }

    fn answer(&self, case: &Case, question: &EvaluatorCase) -> Result<EvaluatorAnswer, TargetError> {
        let (mut evaluator, asked) = self.asked(case, question);
        let answer = only(evaluator.answer(&asked))?;
        Ok(EvaluatorAnswer {
            decision: answer.decision,
            blamed: answer.blamed,
            document: answer.document,
            message: Some(answer.note).filter(|note| !note.is_empty()),
        })
    }

    fn save_answer(&self, case: &Case, question: &EvaluatorCase) -> Result<SavingAnswer, TargetError> {
        let (evaluator, asked) = self.asked(case, question);
        let refusal = only(evaluator.refusals(&asked))?;
        Ok(SavingAnswer {
            saved: refusal.is_none(),
            message: refusal,
        })
    }
}

/// The one answer to one question.
fn only<T>(answers: Result<Vec<T>, EvaluatorFault>) -> Result<T, TargetError> {
    let answers = answers.map_err(|fault| match fault {
        EvaluatorFault::Skipped { capability, .. } => TargetError::unsupported(capability),
        fault => TargetError::adapter(fault.to_string()),
    })?;
    let answer = answers.into_iter().next();
    answer.ok_or_else(|| TargetError::adapter("the authorizer gave no answer"))
}

impl Target for AuthorizerTarget {
    fn name(&self) -> &str {
        "authorizer"
    }

    fn begin(&mut self, _case: &Case, _world: &World) -> Result<Binding, TargetError> {
        Err(TargetError::unsupported("steps"))
    }

    fn step(&mut self, _step: &Step, _outcome: &Outcome, _binding: &mut Binding) -> Result<Observed, TargetError> {
        Err(TargetError::unsupported("steps"))
    }

    fn end(&mut self) -> Result<(), TargetError> {
        Ok(())
    }

    fn usage(&self) -> Usage {
        self.usage
    }

    fn forget_usage(&mut self) {
        self.usage = Usage::default();
    }

    fn takes_worlds(&self) -> bool {
        false
    }

    fn takes_evaluator_cases(&self) -> bool {
        true
    }

    fn evaluate(&mut self, case: &Case, question: &EvaluatorCase) -> Result<EvaluatorAnswer, TargetError> {
        self.counted(|this| this.answer(case, question))
    }

    fn save(&mut self, case: &Case, question: &EvaluatorCase) -> Result<SavingAnswer, TargetError> {
        self.counted(|this| this.save_answer(case, question))
    }
}
