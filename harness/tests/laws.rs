//! The laws: both readings keep them on random cases, and each law is broken by an evaluator that breaks it on purpose: a seeded fault
//! of the emulator's authorizer, or the authorizer asked a distorted question.
#![forbid(unsafe_code)]

use std::collections::BTreeMap;

use countersign::evaluator::{Answer, EmulatorEvaluator, Evaluator, EvaluatorFault, ModelEvaluator, generate};
use countersign::laws;
use countersign_emulator::fault::FaultSet;
use countersign_model::case::{Case, EvaluatorPrincipal, PolicyText};
use serde_json::{Value, json};

/// Random cases that both readings are held to here; `countersign laws` takes many more.
const CASES: u64 = 400;
/// Cases that a deliberately broken evaluator may take until its law breaks.
const PATIENCE: u64 = 6_000;

fn violations(evaluator: &mut dyn Evaluator, id: Option<&str>, cases: u64) -> BTreeMap<&'static str, (u64, u64)> {
    let mut counts: BTreeMap<&'static str, (u64, u64)> = BTreeMap::new();
    for number in 0..cases {
        let Ok(case) = generate::from_seed(11, number) else {
            continue;
        };
        for law in laws::all() {
            if id.is_some_and(|id| id != law.id) {
                continue;
            }
            let (trials, violation) = law
                .hold(&case, number, evaluator)
                .expect("an evaluator in process answers");
            let count = counts.entry(law.id).or_default();
            count.0 += trials;
            count.1 += u64::from(violation.is_some());
        }
        if id.is_some_and(|id| counts.get(id).is_some_and(|(_, broken)| *broken > 0)) {
            break;
        }
    }
    counts
}

#[test]
fn the_model_keeps_every_law() {
    for (law, (trials, broken)) in violations(&mut ModelEvaluator, None, CASES) {
        assert_eq!(broken, 0, "{law}");
        assert!(trials > 10, "{law} was tried {trials} times only");
    }
}

#[test]
fn the_emulators_authorizer_keeps_every_law() {
    for (law, (trials, broken)) in violations(&mut EmulatorEvaluator::default(), None, CASES) {
        assert_eq!(broken, 0, "{law}");
        assert!(trials > 10, "{law} was tried {trials} times only");
    }
}

/// The emulator's authorizer behind a distortion: it is asked about another case than the one it is given.
struct Distorted {
    distort: fn(&mut Case),
    twist: fn(&Case, &mut Vec<Answer>),
    honest: EmulatorEvaluator,
}

impl Evaluator for Distorted {
    fn name(&self) -> &str {
        "distorted"
    }

    fn answer(&mut self, case: &Case) -> Result<Vec<Answer>, EvaluatorFault> {
        let mut other = case.clone();
        (self.distort)(&mut other);
        let mut answers = self.honest.answer(&other)?;
        (self.twist)(case, &mut answers);
        Ok(answers)
    }
}

fn leave(_: &mut Case) {}
fn believe(_: &Case, _: &mut Vec<Answer>) {}

/// Each law with an evaluator that breaks it.
fn breakers() -> Vec<(&'static str, Box<dyn Evaluator>)> {
    let distorted = |distort: fn(&mut Case)| -> Box<dyn Evaluator> {
        Box::new(Distorted {
            distort,
            twist: believe,
            honest: EmulatorEvaluator::default(),
        })
    };
    let twisted = |twist: fn(&Case, &mut Vec<Answer>)| -> Box<dyn Evaluator> {
        Box::new(Distorted {
            distort: leave,
            twist,
            honest: EmulatorEvaluator::default(),
        })
    };
    let faulty = |fault: &str| -> Box<dyn Evaluator> {
        Box::new(EmulatorEvaluator {
            faults: FaultSet::from_ids([fault]).expect("a seeded fault of that name"),
        })
    };
    vec![
        // An odd number of Deny statements turns the answer around.
        (
            "deny-never-allows",
            twisted(|case, answers| allow_if(text(case).matches("\"Deny\"").count() % 2 == 1, answers)),
        ),
        (
            "service-control-never-allows",
            twisted(|case, answers| allow_if(policies(case).service_control.len() > 1, answers)),
        ),
        (
            "resource-control-never-allows",
            twisted(|case, answers| allow_if(policies(case).resource_control.len() > 1, answers)),
        ),
        (
            "boundary-never-allows",
            twisted(|case, answers| allow_if(policies(case).permissions_boundary.is_some(), answers)),
        ),
        (
            "session-never-allows",
            twisted(|case, answers| allow_if(policies(case).session.is_some(), answers)),
        ),
        (
            "endpoint-never-allows",
            twisted(|case, answers| allow_if(policies(case).vpc_endpoint.is_some(), answers)),
        ),
        ("order-is-nothing", distorted(only_the_first_statement)),
        (
            "splitting-is-nothing",
            distorted(|case| policies_mut(case).identity.truncate(1)),
        ),
        ("scalar-is-list-of-one", distorted(no_lists_of_one)),
        (
            "wildcard-is-its-actions",
            distorted(|case| replace(case, ":*\"", ":none\"")),
        ),
        (
            "action-case-is-nothing",
            distorted(|case| replace(case, "KMS:", "none:")),
        ),
        (
            "key-case-is-nothing",
            distorted(|case| replace(case, "\"AWS:", "\"NONE:")),
        ),
        (
            "sid-is-nothing",
            distorted(|case| {
                replace(
                    case,
                    "\"Effect\":\"Allow\",\"Sid\":\"Law",
                    "\"Effect\":\"Deny\",\"Sid\":\"Law",
                )
            }),
        ),
        (
            "names-are-nothing",
            distorted(|case| replace(case, "111111111151:", "999999999999:")),
        ),
        ("printing-is-nothing", distorted(no_verbatim_policies)),
        ("negation-is-complement", faulty("absent-key-negated-false")),
        (
            "if-exists-is-nothing-when-present",
            distorted(|case| replace(case, "IfExists\":{\"", "IfExists\":{\"none")),
        ),
        (
            "for-all-values-of-nothing",
            distorted(|case| replace(case, "\"ForAllValues:", "\"ForAnyValue:")),
        ),
        (
            "deny-without-if-exists",
            distorted(|case| replace(case, "IfExists\":{\"", "\":{\"none")),
        ),
        (
            "across-accounts-identity-is-needed",
            faulty("cross-account-key-policy-suffices"),
        ),
        (
            "across-accounts-resource-is-needed",
            twisted(|case, answers| allow_if(policies(case).resource.is_none(), answers)),
        ),
        (
            "across-accounts-callers-side-allows-alone",
            faulty("cross-account-key-policy-suffices"),
        ),
        (
            "across-accounts-owners-side-allows-alone",
            twisted(|case, answers| {
                deny_if(
                    policies(case).identity.len() == 1
                        && policies(case).permissions_boundary.is_none()
                        && policies(case).service_control.is_empty()
                        && text(case).contains("{\"Effect\":\"Allow\",\"Action\":\"*\",\"Resource\":\"*\"}"),
                    answers,
                )
            }),
        ),
        (
            "own-arn-is-everyone",
            distorted(|case| replace(case, "\"Principal\":\"*\"", "\"Principal\":{\"AWS\":\"999999999999\"}")),
        ),
    ]
}

#[test]
fn every_law_can_be_broken() {
    let mut breakers = breakers();
    let named: Vec<&str> = breakers.iter().map(|(law, _)| *law).collect();
    for law in laws::all() {
        assert!(named.contains(&law.id), "nothing here breaks {}", law.id);
    }
    let mut kept = Vec::new();
    for (law, evaluator) in &mut breakers {
        let counts = violations(evaluator.as_mut(), Some(law), PATIENCE);
        if counts.get(*law).is_none_or(|(_, broken)| *broken == 0) {
            kept.push(format!("{law}: {counts:?}"));
        }
    }
    assert!(
        kept.is_empty(),
        "kept by an evaluator that should break them: {kept:#?}"
    );
}

/// Found by fuzzing: split into documents of one statement each, a document that was unusable for its repeated Sid can be used.
#[test]
fn splitting_says_nothing_about_a_document_with_a_repeated_sid() {
    let case = countersign_model::case::load_str(
        "case",
        r#"{"countersign": 1, "id": "repeated-sid", "evaluate": {
            "request": {"principal": "arn:aws:iam::111111111111:user/alice", "action": "s3:GetObject",
                        "resource": "arn:aws:s3:::data/report", "resource_account": "111111111111"},
            "policies": {"identity": [{"Version": "2012-10-17", "Statement": [
                {"Sid": "S0", "Effect": "Allow", "Action": ["s3:GetObject", "s3:PutObject"], "Resource": "*"},
                {"Sid": "S0", "Effect": "Deny", "Action": "kms:*", "Resource": "*"}]}]}}}"#,
        countersign_model::case::Syntax::Json,
    )
    .expect("the case is well-formed");
    for law in laws::all() {
        for salt in 0..20 {
            let held = law.hold(&case, salt, &mut ModelEvaluator);
            assert!(matches!(held, Ok((_, None))), "{}: {held:#?}", law.id);
        }
    }
}

#[test]
fn a_case_survives_being_written_and_read() {
    use countersign_model::case::{Syntax, load_str, to_json, to_yaml};
    let mut seen = 0;
    for number in 0..300 {
        let Ok(case) = generate::from_seed(12, number) else {
            continue;
        };
        let yaml = to_yaml(&case).expect("a case can be written");
        let json = to_json(&case).expect("a case can be written");
        assert_eq!(
            load_str("case", &yaml, Syntax::Yaml).expect("what was written can be read"),
            case,
            "{yaml}"
        );
        assert_eq!(
            load_str("case", &json, Syntax::Json).expect("what was written can be read"),
            case,
            "{json}"
        );
        seen += 1;
    }
    assert!(seen > 280, "only {seen} cases");
}

fn policies(case: &Case) -> &countersign_model::case::EvaluatorPolicies {
    &case.evaluate.as_ref().expect("an evaluator case").policies
}

fn policies_mut(case: &mut Case) -> &mut countersign_model::case::EvaluatorPolicies {
    &mut case.evaluate.as_mut().expect("an evaluator case").policies
}

fn text(case: &Case) -> String {
    serde_json::to_string(policies(case)).expect("policies are JSON")
}

fn allow_if(condition: bool, answers: &mut [Answer]) {
    if condition {
        answers.iter_mut().for_each(|answer| {
            answer.decision = countersign_model::case::EvaluatorDecision::Allow;
            answer.blamed = None;
        });
    }
}

fn deny_if(condition: bool, answers: &mut [Answer]) {
    if condition {
        answers
            .iter_mut()
            .for_each(|answer| answer.decision = countersign_model::case::EvaluatorDecision::ImplicitDeny);
    }
}

/// Replaces text in the policies; what is no policy afterwards is left alone.
fn replace(case: &mut Case, from: &str, to: &str) {
    let text = text(case).replace(from, to);
    if let Ok(policies) = serde_json::from_str(&text) {
        *policies_mut(case) = policies;
    }
    if let Some(request) = &mut case.evaluate.as_mut().expect("an evaluator case").request
        && let EvaluatorPrincipal::Arn(arn) = &mut request.principal
    {
        *arn = arn.replace(from, to);
    }
}

fn each_document(case: &mut Case, change: impl Fn(&mut PolicyText)) {
    let policies = policies_mut(case);
    policies
        .identity
        .iter_mut()
        .chain(&mut policies.resource)
        .for_each(change);
}

fn only_the_first_statement(case: &mut Case) {
    each_document(case, |policy| {
        if let PolicyText::Document(document) = policy
            && let Some(Value::Array(statements)) = document.get_mut("Statement")
        {
            statements.truncate(1);
        }
    });
}

/// An evaluator that overlooks lists of one.
fn no_lists_of_one(case: &mut Case) {
    each_document(case, |policy| {
        if let PolicyText::Document(document) = policy
            && let Some(Value::Array(statements)) = document.get_mut("Statement")
        {
            for statement in statements {
                if statement["Action"].as_array().is_some_and(|actions| actions.len() == 1) {
                    statement["Action"] = json!("none:None");
                }
            }
        }
    });
}

fn no_verbatim_policies(case: &mut Case) {
    let verbatim = |policy: &PolicyText| matches!(policy, PolicyText::Verbatim(_));
    policies_mut(case).identity.retain(|policy| !verbatim(policy));
}
