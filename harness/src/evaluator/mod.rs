//! The evaluator tier: cases without a world, asked of the model and of anything else that answers the same form. Here are the answer
//! and the trait; `generate` draws cases, `run` compares many, `both` compares without explanations, `shrink` makes a finding small,
//! `finding` names and keeps it.
//!
//! No decision logic: the model and the emulator's authorizer decide, each behind [`Evaluator`].

pub mod both;
pub(crate) mod documents;
pub mod finding;
pub mod generate;
pub mod run;
pub mod saving;
pub mod shrink;
pub mod target;

use std::collections::BTreeSet;

use countersign_emulator::authorizer::{Settings, evaluator as emulators};
use countersign_emulator::fault::FaultSet;
use countersign_emulator::quirks::Quirks as EmulatorQuirks;
use countersign_model::case::{Case, EvaluatorCase, EvaluatorDecision};
use countersign_model::evaluate::case as models;
use countersign_model::outcome::PolicySet;
use countersign_model::quirks::Quirks;
use countersign_model::rule::Rules;
use jiff::civil::{Date, date};

/// The suite's current date, for cases without `as_of`.
pub(crate) const TODAY: Date = date(2026, 11, 22);

/// What an evaluator says about one request. Equality is what a differential run compares.
#[derive(Debug, Clone)]
pub struct Answer {
    /// The decision.
    pub decision: EvaluatorDecision,
    /// The policy type a message would name.
    pub blamed: Option<PolicySet>,
    /// For an error, the document that cannot be used: `identity[0]`, `service_control[1][0]`.
    pub document: Option<String>,
    /// The rules that decided, where the evaluator names them. Never compared.
    pub rules: BTreeSet<String>,
    /// In words, for people. Never compared.
    pub note: String,
}

impl PartialEq for Answer {
    fn eq(&self, other: &Self) -> bool {
        self.decision == other.decision && self.blamed == other.blamed && self.document == other.document
    }
}

impl Answer {
    /// Whether the request is allowed.
    pub fn allows(&self) -> bool {
        self.decision == EvaluatorDecision::Allow
    }

    /// `explicit_deny (identity)`, `error (resource)`, `allow`.
    pub fn words(&self) -> String {
        let decision = self.decision.word();
        match (&self.document, self.blamed) {
            (Some(document), _) => format!("{decision} ({document})"),
            (None, Some(blamed)) => format!("{decision} ({blamed})"),
            (None, None) => decision.to_owned(),
        }
    }
}

/// Why an evaluator gave no answer.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum EvaluatorFault {
    /// The case has no `evaluate` member.
    #[error("`{0}` is not a case for a pure evaluator")]
    NoEvaluator(String),
    /// The evaluator does not take the case: a fault of the case, never an answer.
    #[error("{evaluator} does not take the case: {why}")]
    Case {
        /// Which evaluator.
        evaluator: String,
        /// Its words.
        why: String,
    },
    /// The evaluator cannot do what the case needs.
    #[error("{evaluator} lacks `{capability}`")]
    Skipped {
        /// Which evaluator.
        evaluator: String,
        /// What it lacks.
        capability: String,
    },
    /// The evaluator could not be asked.
    #[error("{evaluator} cannot be asked: {why}")]
    Transport {
        /// Which evaluator.
        evaluator: String,
        /// The reason.
        why: String,
    },
}

/// Something that answers evaluator cases. Object-safe; a process behind it is its own business.
pub trait Evaluator {
    /// The name in reports.
    fn name(&self) -> &str;

    /// Answers every request of a case, in order.
    ///
    /// # Errors
    /// [`EvaluatorFault`] when there is no answer. A denial or an unusable document is an answer.
    fn answer(&mut self, case: &Case) -> Result<Vec<Answer>, EvaluatorFault>;
}

/// The reference model.
#[derive(Debug, Clone, Copy, Default)]
pub struct ModelEvaluator;

impl Evaluator for ModelEvaluator {
    fn name(&self) -> &str {
        "model"
    }

    fn answer(&mut self, case: &Case) -> Result<Vec<Answer>, EvaluatorFault> {
        let evaluate = asked(case)?;
        let quirks = Quirks::from_overrides(&case.quirks).map_err(|error| fault("model", &error))?;
        let answers =
            models::run(evaluate, &quirks, case.as_of.unwrap_or(TODAY)).map_err(|error| fault("model", &error))?;
        Ok(answers.iter().map(of_model).collect())
    }
}

fn of_model(answer: &models::Answer) -> Answer {
    let (document, rules, note) = match answer {
        models::Answer::Decided(check) => (None, check.all_rules(), check.message.clone().unwrap_or_default()),
        models::Answer::Unusable { document, error } => (
            Some(document.clone()),
            Rules::from([error.rule.clone()]),
            error.to_string(),
        ),
    };
    Answer {
        decision: answer.decision(),
        blamed: answer.blamed(),
        document,
        rules: rules.iter().map(ToString::to_string).collect(),
        note,
    }
}

/// The emulator's authorizer, called directly.
#[derive(Debug, Clone, Copy, Default)]
pub struct EmulatorEvaluator {
    /// Seeded faults that are switched on.
    pub faults: FaultSet,
}

impl Evaluator for EmulatorEvaluator {
    fn name(&self) -> &str {
        "emulator"
    }

    fn answer(&mut self, case: &Case) -> Result<Vec<Answer>, EvaluatorFault> {
        let form = emulators_form(case)?;
        let settings = self.settings(case)?;
        let answers = emulators::evaluate_form(&form, &settings).map_err(|error| fault("emulator", &error))?;
        Ok(answers.iter().map(of_emulator).collect())
    }
}

impl EmulatorEvaluator {
    /// What the emulator says to the documents that a case wants to save, in order: the refusal's text, none for what is saved.
    ///
    /// # Errors
    /// [`EvaluatorFault`] when the emulator does not take the case.
    pub fn refusals(&self, case: &Case) -> Result<Vec<Option<String>>, EvaluatorFault> {
        let form = emulators_form(case)?;
        let settings = self.settings(case)?;
        let answers = emulators::evaluate_saves(&form, &settings).map_err(|error| fault("emulator", &error))?;
        let refusal = |answer| match answer {
            emulators::SaveAnswer::Accepted => None,
            emulators::SaveAnswer::Refused { message, .. } => Some(message),
        };
        Ok(answers.into_iter().map(refusal).collect())
    }

    fn settings(&self, case: &Case) -> Result<Settings, EvaluatorFault> {
        let mut quirks = EmulatorQuirks::default();
        for (name, value) in &case.quirks {
            quirks.set(name, value).map_err(|error| fault("emulator", &error))?;
        }
        Ok(Settings {
            quirks,
            faults: self.faults,
            as_of: case.as_of.unwrap_or(TODAY),
        })
    }
}

/// The case as JSON, which is all that the two sides share.
fn emulators_form(case: &Case) -> Result<serde_json::Value, EvaluatorFault> {
    serde_json::to_value(asked(case)?).map_err(|error| fault("emulator", &error))
}

/// What an evaluator is asked by a case.
pub(crate) fn asked(case: &Case) -> Result<&EvaluatorCase, EvaluatorFault> {
    case.evaluate
        .as_ref()
        .ok_or_else(|| EvaluatorFault::NoEvaluator(case.id.clone()))
}

fn fault(evaluator: &str, why: &dyn std::fmt::Display) -> EvaluatorFault {
    EvaluatorFault::Case {
        evaluator: evaluator.to_owned(),
        why: why.to_string(),
    }
}

fn of_emulator(answer: &emulators::Answer) -> Answer {
    let mut rules = BTreeSet::new();
    let (decision, document, note) = match &answer.decision {
        emulators::EvaluatorDecision::Allow => (EvaluatorDecision::Allow, None, String::new()),
        emulators::EvaluatorDecision::ExplicitDeny => (EvaluatorDecision::ExplicitDeny, None, String::new()),
        emulators::EvaluatorDecision::ImplicitDeny => (EvaluatorDecision::ImplicitDeny, None, String::new()),
        emulators::EvaluatorDecision::Error(unusable) => {
            rules.insert(unusable.rule.to_owned());
            // The endpoint's document is the only one that has a member name of its own.
            let document = unusable.document.trim_end_matches(".policy").to_owned();
            (EvaluatorDecision::Error, Some(document), unusable.to_string())
        }
    };
    Answer {
        decision,
        blamed: answer.blamed.and_then(policy_set),
        document,
        rules,
        note,
    }
}

/// The policy type of that word of the Case format.
pub fn policy_set(word: &str) -> Option<PolicySet> {
    serde_json::from_value(serde_json::Value::from(word)).ok()
}
