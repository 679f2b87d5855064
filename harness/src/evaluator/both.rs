//! Model and authorizer side by side, decisions only: no explanation is copied, and documents that either has read before are not read
//! again. For fuzzing, for the exhaustive scope and for long runs, where a case must cost microseconds.

use std::borrow::Cow;
use std::sync::LazyLock;

use countersign_emulator::authorizer::evaluator as emulators;
use countersign_emulator::fault::FaultSet;
use countersign_model::case::{
    Case, EvaluatorCase, EvaluatorDecision, EvaluatorGrant, EvaluatorGrantConstraints, EvaluatorPolicies,
    EvaluatorPrincipal, EvaluatorRequest, PolicyText, VpcEndpointKind,
};
use countersign_model::evaluate::case as models;
use countersign_model::outcome::{CheckDecision, PolicySet};
use countersign_model::quirks::Quirks;
use jiff::civil::Date;

use super::{Answer, EmulatorEvaluator, Evaluator, EvaluatorFault, TODAY, asked, fault, policy_set};

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

/// The model without its reasons: the answers have neither rules nor a note.
#[derive(Debug, Default)]
pub struct BriefModel {
    library: models::Library,
}

impl BriefModel {
    fn verdicts(
        &mut self,
        evaluate: &EvaluatorCase,
        quirks: &Quirks,
        as_of: Date,
    ) -> Result<Vec<Verdict>, EvaluatorFault> {
        let verdicts =
            models::judge_from(evaluate, quirks, as_of, &mut self.library).map_err(|error| fault("model", &error))?;
        Ok(verdicts.into_iter().map(of_model).collect())
    }

    fn of_case(&mut self, case: &Case) -> Result<Vec<Verdict>, EvaluatorFault> {
        let evaluate = asked(case)?;
        let quirks = Quirks::from_overrides(&case.quirks).map_err(|error| fault("model", &error))?;
        self.verdicts(evaluate, &quirks, case.as_of.unwrap_or(TODAY))
    }
}

impl Evaluator for BriefModel {
    fn name(&self) -> &str {
        "model"
    }

    fn answer(&mut self, case: &Case) -> Result<Vec<Answer>, EvaluatorFault> {
        Ok(self.of_case(case)?.into_iter().map(Answer::from).collect())
    }
}

/// The emulator's authorizer without its reasons.
#[derive(Debug, Default)]
pub struct BriefEmulator {
    library: emulators::Library,
    faults: FaultSet,
}

impl BriefEmulator {
    /// The authorizer with seeded faults.
    pub fn with_faults(faults: FaultSet) -> Self {
        Self {
            faults,
            ..Self::default()
        }
    }

    fn read(&mut self, form: emulators::CaseForm<'_>) -> Result<emulators::EvaluatorCase, EvaluatorFault> {
        form.read(&mut self.library).map_err(|error| fault("emulator", &error))
    }

    fn of_case(&mut self, case: &Case) -> Result<Vec<Verdict>, EvaluatorFault> {
        let evaluate = asked(case)?;
        let settings = EmulatorEvaluator { faults: self.faults }.settings(case)?;
        let read = self.read(form(evaluate))?;
        let answers = read.requests.iter();
        Ok(answers
            .map(|request| verdict(emulators::evaluate(request, &read.policies, &read.grants, &settings)))
            .collect())
    }
}

impl Evaluator for BriefEmulator {
    fn name(&self) -> &str {
        "emulator"
    }

    fn answer(&mut self, case: &Case) -> Result<Vec<Answer>, EvaluatorFault> {
        Ok(self.of_case(case)?.into_iter().map(Answer::from).collect())
    }
}

impl From<Verdict> for Answer {
    fn from(verdict: Verdict) -> Self {
        Self {
            decision: verdict.decision,
            blamed: verdict.blamed,
            document: verdict.document,
            rules: Default::default(),
            note: String::new(),
        }
    }
}

/// The two readings, with what they have read.
#[derive(Debug, Default)]
pub struct Both {
    model: BriefModel,
    emulator: BriefEmulator,
}

impl Both {
    /// The two readings, with seeded faults of the authorizer.
    pub fn with_faults(faults: FaultSet) -> Self {
        Self {
            model: BriefModel::default(),
            emulator: BriefEmulator::with_faults(faults),
        }
    }

    /// The first request of a case on which they differ: its number, the model's verdict, the authorizer's.
    ///
    /// # Errors
    /// [`EvaluatorFault`] when one of them does not take the case.
    pub fn difference(&mut self, case: &Case) -> Result<Option<(usize, Verdict, Verdict)>, EvaluatorFault> {
        let expected = self.model.of_case(case)?;
        let observed = self.emulator.of_case(case)?;
        let mut pairs = expected.into_iter().zip(observed).enumerate();
        Ok(pairs
            .find(|(_, (expected, observed))| expected != observed)
            .map(|(number, (expected, observed))| (number, expected, observed)))
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
        self.model.verdicts(evaluate, quirks, as_of)
    }

    /// The authorizer's reading of a case's requests, policies and grants.
    ///
    /// # Errors
    /// [`EvaluatorFault`] when it does not take the case.
    pub fn emulators_case(
        &mut self,
        form: emulators::CaseForm<'_>,
    ) -> Result<emulators::EvaluatorCase, EvaluatorFault> {
        self.emulator.read(form)
    }
}

/// The case as the emulator has its form, without writing JSON. What is saved is left out: nobody asks it here.
fn form(evaluate: &EvaluatorCase) -> emulators::CaseForm<'_> {
    let requests: Vec<_> = evaluate.requests.iter().map(request_form).collect();
    emulators::CaseForm {
        request: evaluate.request.as_ref().map(request_form),
        requests: Some(requests).filter(|requests| !requests.is_empty()),
        canonical_users: Some(&evaluate.canonical_users)
            .filter(|users| !users.is_empty())
            .map(|users| {
                users
                    .iter()
                    .map(|(id, account)| (id.clone(), account.to_string()))
                    .collect()
            }),
        ..policies_form(&evaluate.policies, &evaluate.grants)
    }
}

/// A request in the emulator's form.
pub fn request_form(request: &EvaluatorRequest) -> emulators::RequestForm<'_> {
    emulators::RequestForm {
        principal: match &request.principal {
            EvaluatorPrincipal::Arn(arn) => emulators::PrincipalForm::Named(arn.into()),
            EvaluatorPrincipal::Service { service } => emulators::PrincipalForm::Service(emulators::ServiceForm {
                service: service.into(),
            }),
            EvaluatorPrincipal::Federated { federated } => {
                emulators::PrincipalForm::Federated(emulators::FederatedForm {
                    federated: federated.into(),
                })
            }
            EvaluatorPrincipal::FederatedUser {
                federated_user,
                made_by,
            } => emulators::PrincipalForm::FederatedUser(emulators::FederatedUserForm {
                federated_user: federated_user.into(),
                made_by: made_by.into(),
            }),
        },
        action: request.action.as_str().into(),
        resource: request.resource.as_str().into(),
        resource_account: request.resource_account.as_ref().map(|account| account.as_str().into()),
        context: Some(Cow::Borrowed(&request.context)),
        expect: None,
    }
}

/// Policies and grants in the emulator's form, without a request.
pub fn policies_form<'a>(policies: &'a EvaluatorPolicies, grants: &[EvaluatorGrant]) -> emulators::CaseForm<'a> {
    let one = |text: &'a PolicyText| {
        emulators::DocumentText(match text {
            PolicyText::Verbatim(text) => Cow::Borrowed(text.as_str()),
            PolicyText::Document(_) => Cow::Owned(text.text()),
        })
    };
    let list = |texts: &'a [PolicyText]| texts.iter().map(one).collect::<Vec<_>>();
    let levels = |levels: &'a [Vec<PolicyText>]| levels.iter().map(|level| list(level)).collect::<Vec<_>>();
    emulators::CaseForm {
        policies: Some(emulators::PoliciesForm {
            identity: Some(list(&policies.identity)),
            permissions_boundary: policies.permissions_boundary.as_ref().map(one),
            session: policies.session.as_deref().map(list),
            resource: policies.resource.as_ref().map(one),
            service_control: Some(levels(&policies.service_control)),
            resource_control: Some(levels(&policies.resource_control)),
            vpc_endpoint: policies.vpc_endpoint.as_ref().map(|endpoint| emulators::EndpointForm {
                r#type: match endpoint.kind {
                    VpcEndpointKind::Gateway => emulators::EndpointType::Gateway,
                    VpcEndpointKind::Interface => emulators::EndpointType::Interface,
                },
                policy: Some(one(&endpoint.policy)),
            }),
        }),
        grants: Some(grants.iter().map(grant_form).collect()),
        ..emulators::CaseForm::default()
    }
}

fn grant_form(grant: &EvaluatorGrant) -> emulators::EvaluatorGrant {
    let EvaluatorGrantConstraints {
        encryption_context_equals,
        encryption_context_subset,
        source_arn,
    } = &grant.constraints;
    emulators::EvaluatorGrant {
        grantee_principal: grant.grantee_principal.clone(),
        operations: grant.operations.clone(),
        constraints: Some(emulators::GrantConstraints {
            encryption_context_equals: encryption_context_equals.clone(),
            encryption_context_subset: encryption_context_subset.clone(),
            source_arn: source_arn.clone(),
        }),
    }
}

fn of_model(verdict: models::Verdict) -> Verdict {
    match verdict {
        models::Verdict::Decided(judgement) => Verdict {
            decision: match judgement.decision {
                CheckDecision::Allow => EvaluatorDecision::Allow,
                CheckDecision::ImplicitDeny => EvaluatorDecision::ImplicitDeny,
                CheckDecision::ExplicitDeny => EvaluatorDecision::ExplicitDeny,
            },
            blamed: judgement.blamed,
            document: None,
        },
        models::Verdict::Unusable(document) => Verdict {
            decision: EvaluatorDecision::Error,
            blamed: None,
            document: Some(document),
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

#[cfg(test)]
mod tests {
    use super::{Both, TODAY, emulators, form};
    use crate::evaluator::finding::Disagreement;
    use crate::evaluator::{EmulatorEvaluator, Evaluator as _, ModelEvaluator, generate};
    use countersign_emulator::fault::FaultSet;
    use countersign_model::quirks::Quirks;

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

    /// The emulator reads the same case whether it comes as values or as JSON.
    #[test]
    fn the_form_as_values_is_the_form_as_json() {
        for number in 0..1_000 {
            let Ok(case) = generate::from_seed(7, number) else {
                continue;
            };
            let evaluate = case.evaluate.as_ref().expect("an evaluator case");
            let json = serde_json::to_value(evaluate).expect("a case is JSON");
            let of_json = emulators::EvaluatorCase::parse(&json);
            let of_values = form(evaluate).read(&mut emulators::Library::default());
            assert_eq!(format!("{of_values:?}"), format!("{of_json:?}"), "case {number}");
        }
    }

    /// What the model decides does not depend on whether it explains itself.
    #[test]
    fn the_model_judges_as_it_explains() {
        let mut quick = Both::default();
        for number in 0..3_000 {
            let Ok(case) = generate::from_seed(6, number) else {
                continue;
            };
            let evaluate = case.evaluate.as_ref().expect("an evaluator case");
            let quirks = Quirks::from_overrides(&case.quirks).expect("switches of the vocabulary");
            let as_of = case.as_of.unwrap_or(TODAY);
            let judged = quick.model_verdicts(evaluate, &quirks, as_of);
            let explained = ModelEvaluator.answer(&case);
            assert_eq!(judged.is_ok(), explained.is_ok(), "case {number}");
            for (judged, explained) in judged.into_iter().flatten().zip(explained.into_iter().flatten()) {
                assert_eq!(judged.decision, explained.decision, "case {number}");
                assert_eq!(judged.blamed, explained.blamed, "case {number}");
                assert_eq!(judged.document, explained.document, "case {number}");
            }
        }
    }
}
