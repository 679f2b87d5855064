//! The evaluator tier: the generator's quality, the two readings against each other, seeded faults found, findings that replay, and
//! hostile input answered in bounded time.
#![forbid(unsafe_code)]

use std::sync::atomic::AtomicBool;
use std::time::{Duration, Instant};

use countersign::evaluator::finding::{self, Disagreement};
use countersign::evaluator::run::{Plan, run};
use countersign::evaluator::{EmulatorEvaluator, Evaluator, EvaluatorFault, ModelEvaluator, generate};
use countersign::shard::Shard;
use countersign_emulator::fault::FaultSet;
use countersign_model::case::{Case, EvaluatorDecision, Syntax, load_str};
use serde_json::json;

const PLAN: Plan = Plan {
    seed: 5,
    cases: 3_000,
    shard: Shard::WHOLE,
    workers: 2,
};

fn against(faults: FaultSet, plan: &Plan) -> countersign::evaluator::run::Report {
    let target = || -> Result<Box<dyn Evaluator>, EvaluatorFault> { Ok(Box::new(EmulatorEvaluator { faults })) };
    run(plan, &target, &AtomicBool::new(false), &|_| {}).expect("evaluators in process answer")
}

#[test]
fn the_generator_keeps_its_quality() {
    let report = against(FaultSet::EMPTY, &PLAN);
    assert!(report.distinct_percent() >= 90.0, "{}", report.distinct_percent());
    assert!(
        (35.0..=65.0).contains(&report.allow_percent()),
        "{}",
        report.allow_percent()
    );
    assert!(report.discard_percent() < 5.0, "{:?}", report.discards);
    assert!(report.faults.is_empty(), "{:?}", report.faults);
    for caller in [
        "user",
        "role_session",
        "bare_role",
        "federated_user",
        "root",
        "service",
        "service_linked_role",
        "anonymous",
    ] {
        assert!(
            report.callers.get(caller).is_some_and(|count| *count > 30),
            "{caller}: {:?}",
            report.callers
        );
    }
    for set in [
        "identity",
        "resource",
        "trust",
        "permissions_boundary",
        "session",
        "service_control",
        "resource_control",
        "vpc_endpoint",
    ] {
        assert!(
            report.blamed.get(set).is_some_and(|count| *count > 5),
            "{set}: {:?}",
            report.blamed
        );
    }
}

#[test]
fn both_readings_agree() {
    let report = against(FaultSet::EMPTY, &PLAN);
    let examples: Vec<String> = report
        .exemplars
        .iter()
        .take(5)
        .filter_map(|(_, cases)| {
            let found = finding::investigate(
                cases.first()?,
                &mut ModelEvaluator,
                &mut EmulatorEvaluator::default(),
                1,
            )?;
            serde_json::to_string(&found.case).ok()
        })
        .collect();
    assert!(
        report.disagreements.is_empty(),
        "{:#?}\n{examples:#?}",
        report.disagreements
    );
}

#[test]
fn the_same_seed_gives_the_same_run_however_it_is_cut() {
    let whole = against(FaultSet::EMPTY, &PLAN);
    let mut compared = 0;
    let mut allowed = 0;
    for shard in ["1/3", "2/3", "3/3"] {
        let shard: Shard = shard.parse().expect("a shard");
        let part = against(
            FaultSet::EMPTY,
            &Plan {
                shard,
                workers: 1,
                ..PLAN
            },
        );
        compared += part.compared;
        allowed += part.decisions.get("allow").copied().unwrap_or_default();
    }
    assert_eq!(compared, whole.compared);
    assert_eq!(Some(&allowed), whole.decisions.get("allow"));
}

#[test]
fn seeded_faults_are_found_shrunk_and_replayable() {
    for fault in [
        "identity-deny-ignored",
        "boundary-skipped",
        "session-policy-skipped",
        "account-principal-in-deny-misses",
    ] {
        let faults = FaultSet::from_ids([fault]).expect("a seeded fault of that name");
        let mut faulty = EmulatorEvaluator { faults };
        let case = (0..4_000)
            .filter_map(|number| generate::from_seed(8, number).ok())
            .find(|case| {
                Disagreement::of(case, &mut ModelEvaluator, &mut faulty).is_some()
                    && Disagreement::of(case, &mut ModelEvaluator, &mut EmulatorEvaluator::default()).is_none()
            })
            .unwrap_or_else(|| panic!("{fault} was not found in four thousand cases"));
        let found = finding::investigate(&case, &mut ModelEvaluator, &mut faulty, 1).expect("they differ");
        let length = |case: &Case| serde_json::to_string(&case.evaluate).map_or(0, |text| text.len());
        assert!(length(&found.case) <= length(&case), "{fault}");
        let folder = std::env::temp_dir().join(format!("countersign-evaluator-{}-{fault}", std::process::id()));
        let path = finding::save(&folder, &found).expect("the folder can be written");
        let text = std::fs::read_to_string(&path).expect("the case was written");
        let read = load_str("finding", &text, Syntax::Yaml).expect("a saved finding loads");
        assert!(
            Disagreement::of(&read, &mut ModelEvaluator, &mut faulty).is_some(),
            "{fault}: {text}"
        );
        std::fs::remove_dir_all(&folder).expect("the folder was ours");
    }
}

/// A case with one identity policy given as text.
fn with_policy(text: &str) -> Case {
    serde_json::from_value(json!({
        "countersign": 1,
        "id": "hostile",
        "evaluate": {
            "request": {"principal": "arn:aws:iam::111111111111:user/alice", "action": "s3:GetObject", "resource": format!("arn:aws:s3:::b/{}", "a".repeat(900))},
            "policies": {"identity": [text]},
        },
    }))
    .expect("the sample is a case")
}

#[test]
fn hostile_policies_are_answered_alike_and_in_time() {
    let statement = |resource: &str| {
        format!(
            r#"{{"Version":"2012-10-17","Statement":[{{"Effect":"Allow","Action":"s3:*","Resource":"{resource}"}}]}}"#
        )
    };
    let texts = [
        format!("{}{}", "[".repeat(100_000), "]".repeat(100_000)),
        format!(
            r#"{{"Statement":{}1{}}}"#,
            r#"{"a":"#.repeat(50_000),
            "}".repeat(50_000)
        ),
        statement(&format!("arn:aws:s3:::{}c", "*a".repeat(5_000))),
        statement(&format!("arn:aws:s3:::{}", "*?".repeat(5_000))),
        statement(&"${aws:username}".repeat(2_000)),
        statement(&format!("arn:aws:s3:::{}", "${aws:username, '".repeat(2_000))),
        format!(
            r#"{{"Statement":[{}]}}"#,
            vec![r#"{"Effect":"Deny","Action":"*","Resource":"*"}"#; 3_000].join(",")
        ),
        format!(r#"{{{}"Statement":[]}}"#, r#""Version":"2012-10-17","#.repeat(20_000)),
        "\u{0}".repeat(64),
    ];
    for text in &texts {
        let case = with_policy(text);
        let start = Instant::now();
        let expected = ModelEvaluator.answer(&case).expect("the model answers");
        let observed = EmulatorEvaluator::default()
            .answer(&case)
            .expect("the authorizer answers");
        let took = start.elapsed();
        let head: String = text.chars().take(60).collect();
        assert!(took < Duration::from_secs(20), "{head}: {took:?}");
        assert_eq!(expected, observed, "{head}");
        assert_ne!(expected[0].decision, EvaluatorDecision::Allow, "{head}");
    }
}
