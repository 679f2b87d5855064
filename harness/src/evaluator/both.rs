//! Model and authorizer side by side, decisions only: no explanation is copied, and documents that either has read before are not read
//! again. For fuzzing and for the exhaustive scope, where a case must cost microseconds.

use std::sync::LazyLock;

use countersign_emulator::authorizer::Settings;
use countersign_emulator::authorizer::evaluator as emulators;
use countersign_emulator::fault::FaultSet;
use countersign_emulator::quirks::Quirks as EmulatorQuirks;
use countersign_model::case::{Case, EvaluatorCase, EvaluatorDecision};
use countersign_model::evaluate::case as models;
use countersign_model::outcome::PolicySet;
use countersign_model::quirks::Quirks;
use jiff::civil::Date;

use super::{EvaluatorFault, TODAY, policy_set};

/// What is compared of an answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Verdict {
    /// The decision.
    pub decision: EvaluatorDecision,
    /// The policy type a message would name.
    pub blamed: Option<PolicySet>,
    /// For an error, the document that cannot be used.
    pub document: Option<String>,
}

/// The two readings, with what they have read.
#[derive(Debug, Default)]
pub struct Both {
    model: models::Library,
    emulator: emulators::Library,
    faults: FaultSet,
}

impl Both {
    /// The two readings, with seeded faults of the authorizer.
    pub fn with_faults(faults: FaultSet) -> Self {
        Self {
            faults,
            ..Self::default()
        }
    }

    /// The first request of a case on which they differ: its number, the model's verdict, the authorizer's.
    ///
    /// # Errors
    /// [`EvaluatorFault`] when one of them does not take the case.
    pub fn difference(&mut self, case: &Case) -> Result<Option<(usize, Verdict, Verdict)>, EvaluatorFault> {
        let evaluate = case
            .evaluate
            .as_ref()
            .ok_or_else(|| EvaluatorFault::NoEvaluator(case.id.clone()))?;
        let as_of = case.as_of.unwrap_or(TODAY);
        let quirks = Quirks::from_overrides(&case.quirks).map_err(|error| fault("model", &error))?;
        let expected = self.model_verdicts(evaluate, &quirks, as_of)?;
        let mut theirs = EmulatorQuirks::default();
        for (name, value) in &case.quirks {
            theirs.set(name, value).map_err(|error| fault("emulator", &error))?;
        }
        let settings = Settings {
            quirks: theirs,
            faults: self.faults,
            as_of,
        };
        let form = serde_json::to_value(evaluate).map_err(|error| fault("emulator", &error))?;
        let read = emulators::EvaluatorCase::parse_from(&form, &mut self.emulator)
            .map_err(|error| fault("emulator", &error))?;
        for (number, (request, expected)) in read.requests.iter().zip(expected).enumerate() {
            let observed = verdict(emulators::evaluate(request, &read.policies, &read.grants, &settings));
            if expected != observed {
                return Ok(Some((number, expected, observed)));
            }
        }
        Ok(None)
    }

    /// The model's verdict on every request of a case.
    ///
    /// # Errors
    /// [`EvaluatorFault`] when it does not take the case.
    pub fn model_verdicts(
        &mut self,
        evaluate: &EvaluatorCase,
        quirks: &Quirks,
        as_of: Date,
    ) -> Result<Vec<Verdict>, EvaluatorFault> {
        let answers =
            models::run_from(evaluate, quirks, as_of, &mut self.model).map_err(|error| fault("model", &error))?;
        Ok(answers.into_iter().map(of_model).collect())
    }

    /// The authorizer's reading of a case's requests, policies and grants.
    ///
    /// # Errors
    /// [`EvaluatorFault`] when it does not take the case.
    pub fn emulators_case(&mut self, form: &serde_json::Value) -> Result<emulators::EvaluatorCase, EvaluatorFault> {
        emulators::EvaluatorCase::parse_from(form, &mut self.emulator).map_err(|error| fault("emulator", &error))
    }
}

fn of_model(answer: models::Answer) -> Verdict {
    Verdict {
        decision: answer.decision(),
        blamed: answer.blamed(),
        document: match answer {
            models::Answer::Unusable { document, .. } => Some(document),
            models::Answer::Decided(_) => None,
        },
    }
}

/// The authorizer's answer in the same words.
pub fn verdict(answer: emulators::Answer) -> Verdict {
    // The words of the Case format, read once.
    static SETS: LazyLock<Vec<(&str, PolicySet)>> = LazyLock::new(|| {
        [
            "identity",
            "resource",
            "trust",
            "permissions_boundary",
            "session",
            "service_control",
            "resource_control",
            "vpc_endpoint",
        ]
        .into_iter()
        .filter_map(|word| Some((word, policy_set(word)?)))
        .collect()
    });
    let blamed = answer
        .blamed
        .and_then(|word| SETS.iter().find(|(known, _)| *known == word).map(|(_, set)| *set));
    let (decision, document) = match answer.decision {
        emulators::EvaluatorDecision::Allow => (EvaluatorDecision::Allow, None),
        emulators::EvaluatorDecision::ExplicitDeny => (EvaluatorDecision::ExplicitDeny, None),
        emulators::EvaluatorDecision::ImplicitDeny => (EvaluatorDecision::ImplicitDeny, None),
        emulators::EvaluatorDecision::Error(unusable) => (
            EvaluatorDecision::Error,
            Some(unusable.document.trim_end_matches(".policy").to_owned()),
        ),
    };
    Verdict {
        decision,
        blamed,
        document,
    }
}

fn fault(evaluator: &str, why: &dyn std::fmt::Display) -> EvaluatorFault {
    EvaluatorFault::Case {
        evaluator: evaluator.to_owned(),
        why: why.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::Both;
    use crate::evaluator::finding::Disagreement;
    use crate::evaluator::{EmulatorEvaluator, ModelEvaluator, generate};
    use countersign_emulator::fault::FaultSet;

    /// With and without explanations, the same cases differ: none without a fault, some with one.
    #[test]
    fn the_quick_way_finds_what_the_long_way_finds() {
        let faults = FaultSet::from_ids(["absent-key-negated-false"]).expect("a seeded fault of that name");
        let mut quick = Both::with_faults(faults);
        let mut differing = 0;
        for number in 0..500 {
            let Ok(case) = generate::from_seed(5, number) else {
                continue;
            };
            let long = Disagreement::of(&case, &mut ModelEvaluator, &mut EmulatorEvaluator { faults });
            let found = quick.difference(&case).expect("both take generated cases");
            assert_eq!(long.is_some(), found.is_some(), "case {number}");
            differing += u32::from(found.is_some());
        }
        assert!(differing > 0, "the fault is never seen");
    }
}
