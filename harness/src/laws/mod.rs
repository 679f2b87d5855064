//! Laws: what must hold between an evaluator's answers to a case and to a changed case, whatever the answers are. They need no oracle,
//! so any evaluator can be held to them: the model, the emulator's authorizer, an adapter.
//!
//! `guards`, `writing`, `conditions` and `accounts` hold the laws, `run` holds many cases to all of them. A law never decides a
//! request; it compares two answers.

mod accounts;
mod conditions;
mod guards;
mod rename;
pub mod run;
mod writing;

use arbitrary::Unstructured;
use countersign_model::case::{Case, EvaluatorDecision};
use rand_chacha::ChaCha8Rng;
use rand_chacha::rand_core::{Rng, SeedableRng};

use crate::evaluator::{Answer, Evaluator, EvaluatorFault};
use crate::generate::dice::Dice;

/// Every law, in the order of reports.
pub fn all() -> Vec<Law> {
    [guards::LAWS, writing::LAWS, conditions::LAWS, accounts::LAWS].concat()
}

/// A law.
#[derive(Debug, Clone, Copy)]
pub struct Law {
    /// Its name.
    pub id: &'static str,
    /// What it says, in one line.
    pub statement: &'static str,
    /// The rules it follows from.
    pub rules: &'static [&'static str],
    /// The trials that a case gives rise to; none where the law says nothing about it.
    trials: fn(&Case, &mut Dice<'_, '_>) -> Vec<Trial>,
}

/// Two cases with one request each, and what must hold between the answers.
#[derive(Debug, Clone)]
pub struct Trial {
    /// The case as it was.
    pub left: Case,
    /// The changed case.
    pub right: Case,
    relation: Relation,
}

/// What must hold between two answers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Relation {
    /// The same decision, the same blame.
    Same,
    /// The same decision and blame, where the left one can be used at all.
    SameIfUsable,
    /// The same decision.
    SameDecision,
    /// If the right one allows, so does the left one.
    NoNewAllow,
    /// If the left one allows, so does the right one.
    AllowStays,
    /// Exactly one of them allows.
    ExactlyOne,
    /// The right one does not allow.
    RightDenies,
    /// The right one allows.
    RightAllows,
}

impl Relation {
    fn holds(self, left: &Answer, right: &Answer) -> bool {
        let unusable = |answer: &Answer| answer.decision == EvaluatorDecision::Error;
        match self {
            Self::Same => left.decision == right.decision && left.blamed == right.blamed,
            Self::SameIfUsable => unusable(left) || Self::Same.holds(left, right),
            Self::SameDecision => left.decision == right.decision,
            Self::NoNewAllow => left.allows() || !right.allows(),
            Self::AllowStays => !left.allows() || right.allows(),
            // A document that cannot be used says nothing about its conditions.
            Self::ExactlyOne => unusable(left) || unusable(right) || left.allows() != right.allows(),
            Self::RightDenies => !right.allows(),
            Self::RightAllows => unusable(right) || right.allows(),
        }
    }
}

/// A broken law: the trial and the two answers.
#[derive(Debug, Clone)]
pub struct Violation {
    /// The trial.
    pub trial: Trial,
    /// The answer to the case as it was.
    pub left: Answer,
    /// The answer to the changed case.
    pub right: Answer,
}

impl Law {
    /// Holds one case to the law. The salt picks which of the possible changes are made. Answers the number of trials and the first
    /// violation.
    ///
    /// # Errors
    /// [`EvaluatorFault`] of the evaluator; a case it does not take or lacks something for is no trial.
    pub fn hold(
        &self,
        case: &Case,
        salt: u64,
        evaluator: &mut dyn Evaluator,
    ) -> Result<(u64, Option<Violation>), EvaluatorFault> {
        let bytes = salt_bytes(salt);
        let mut source = Unstructured::new(&bytes);
        let mut dice = Dice::new(&mut source);
        let mut tried = 0;
        for trial in (self.trials)(&plain(case), &mut dice) {
            let (Some(left), Some(right)) = (one(&trial.left, evaluator)?, one(&trial.right, evaluator)?) else {
                continue;
            };
            tried += 1;
            if !trial.relation.holds(&left, &right) {
                return Ok((tried, Some(Violation { trial, left, right })));
            }
        }
        Ok((tried, None))
    }
}

/// The only answer to a case; none if the evaluator does not take it.
fn one(case: &Case, evaluator: &mut dyn Evaluator) -> Result<Option<Answer>, EvaluatorFault> {
    match evaluator.answer(case) {
        Ok(answers) => Ok(answers.into_iter().next()),
        Err(EvaluatorFault::Skipped { .. } | EvaluatorFault::Case { .. }) => Ok(None),
        Err(fault) => Err(fault),
    }
}

/// The case under the default reading of disputed rules: laws are about AWS, not about switches.
fn plain(case: &Case) -> Case {
    Case {
        quirks: Default::default(),
        expect: None,
        ..case.clone()
    }
}

/// Bytes for the choices of a law.
fn salt_bytes(salt: u64) -> Vec<u8> {
    let mut bytes = vec![0; 256];
    ChaCha8Rng::seed_from_u64(salt).fill_bytes(&mut bytes);
    bytes
}

/// A trial between a case and a changed copy of it; none if the change does not apply.
fn changed(
    case: &Case,
    relation: Relation,
    change: impl FnOnce(&mut countersign_model::case::EvaluatorCase) -> bool,
) -> Vec<Trial> {
    let mut right = case.clone();
    let applies = right.evaluate.as_mut().is_some_and(change);
    if !applies {
        return Vec::new();
    }
    vec![Trial {
        left: case.clone(),
        right,
        relation,
    }]
}
