//! The embedded target as a whole: switches reach it, faults reach it, a dead endpoint and an impossible step are told apart from a
//! divergence.
#![cfg(feature = "wire")]

use std::collections::BTreeMap;

use countersign::differential::{CaseReport, DisagreementKind, StepStatus, run_case};
use countersign::target::{EmbeddedOptions, EmbeddedTarget, TargetError};
use countersign_model::case::{Case, Syntax, load_str};
use serde_json::{Value, json};

/// A foreign user without any policy asks for a key that does not name it: which side the message blames is a switch (iam:R-08).
const BLAME: &str = r#"
countersign: 1
id: target.blame
source: [{url: "https://example.com/"}]
world:
  accounts:
    "111122223333": {keys: {here: {}}}
    "444455556666": {users: {stranger: {}}}
steps:
  - {name: a stranger asks, kind: observed, as: {user: stranger}, call: kms:DescribeKey, with: {KeyId: "{{key.here.arn}}"}, expect: {decision: deny}}
  - {name: the owner asks, kind: control, as: {root: "111122223333"}, call: kms:DescribeKey, with: {KeyId: "{{key.here.arn}}"}, expect: {decision: allow}}
"#;
const SWITCH: &str = "kms_both_sides_silent_blames_key_policy";

fn case(text: &str) -> Case {
    load_str("case.yaml", text, Syntax::Yaml).unwrap_or_else(|error| panic!("{error:?}"))
}

fn run(case: &Case, options: EmbeddedOptions) -> CaseReport {
    let mut target = EmbeddedTarget::in_process(options).expect("a runtime can be made");
    let report = run_case(case, &mut target).expect("the case can be run");
    assert!(report.reconciles());
    report
}

fn kinds(report: &CaseReport) -> Vec<DisagreementKind> {
    report.disagreements().map(|(_, one)| one.kind).collect()
}

#[test]
fn both_sides_know_the_same_switches_with_the_same_defaults() {
    let model = countersign_model::quirks::Quirks::default().values();
    let emulator = countersign_emulator::quirks::Quirks::default();
    let mut seen = BTreeMap::new();
    for name in countersign_emulator::quirks::Quirks::NAMES {
        seen.insert(*name, emulator.get(name).expect("a listed switch has a value"));
    }
    assert_eq!(model, seen);
}

#[test]
fn a_switch_of_the_case_reaches_both_sides_and_one_of_the_target_only_the_target() {
    let by_default = case(BLAME);
    assert!(run(&by_default, EmbeddedOptions::default()).agrees());

    let switched = BTreeMap::from([(SWITCH.to_owned(), json!(false))]);
    let other_reading = run(
        &by_default,
        EmbeddedOptions {
            quirks: switched.clone(),
            ..EmbeddedOptions::default()
        },
    );
    assert!(
        kinds(&other_reading).contains(&DisagreementKind::Message),
        "{other_reading:?}"
    );

    let mut in_case = case(BLAME);
    in_case.quirks = switched;
    let both = run(&in_case, EmbeddedOptions::default());
    assert!(both.agrees(), "{both:?}");
    let message = |report: &CaseReport| report.steps[0].observed.as_ref().and_then(|seen| seen.message.clone());
    assert_ne!(
        message(&both),
        message(&run(&by_default, EmbeddedOptions::default())),
        "the switch shows"
    );
}

#[test]
fn an_unknown_switch_or_fault_is_an_adapter_fault() {
    let switched = EmbeddedOptions {
        quirks: BTreeMap::from([("no_such_switch".to_owned(), json!(true))]),
        ..EmbeddedOptions::default()
    };
    let report = run(&case(BLAME), switched);
    assert!(
        matches!(report.provisioning_fault, Some(TargetError::Adapter { .. })),
        "{report:?}"
    );
    assert_eq!(report.skipped(), 2);

    // An unknown fault is told before anything is started.
    let faulty = EmbeddedOptions {
        faults: vec!["no-such-fault".to_owned()],
        ..EmbeddedOptions::default()
    };
    let refused = EmbeddedTarget::in_process(faulty);
    assert!(matches!(refused, Err(TargetError::Adapter { .. })), "{refused:?}");
}

#[test]
fn a_dead_endpoint_is_a_transport_fault_and_nothing_is_compared() {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").expect("loopback is there");
    let endpoint = format!("http://{}", listener.local_addr().expect("it is bound"));
    drop(listener);
    let mut target = EmbeddedTarget::elsewhere(endpoint, "token".to_owned(), EmbeddedOptions::default())
        .expect("a runtime can be made");
    let report = run_case(&case(BLAME), &mut target).expect("the case itself is right");
    assert!(
        matches!(report.provisioning_fault, Some(TargetError::Transport { .. })),
        "{report:?}"
    );
    assert_eq!((report.compared(), report.skipped()), (0, 2));
    assert!(report.reconciles() && !report.agrees());
}

#[test]
fn what_the_target_cannot_do_is_skipped_by_name() {
    let text = r#"
countersign: 1
id: target.capability
source: [{url: "https://example.com/"}]
world:
  accounts:
    "111122223333": {buckets: {some-bucket: {}}}
steps:
  - {name: nobody from somewhere, kind: observed, as: {anonymous: true}, call: s3:ListObjectsV2, with: {Bucket: some-bucket}, context: {"aws:SourceIp": 203.0.113.7}, expect: {decision: deny}}
  - {name: the owner, kind: control, as: {root: true}, call: s3:ListObjectsV2, with: {Bucket: some-bucket}, expect: {decision: allow}}
"#;
    let report = run(&case(text), EmbeddedOptions::default());
    assert_eq!(
        report.steps[0].status,
        StepStatus::Skipped {
            reason: "network facts of anonymous calls".to_owned()
        }
    );
    assert!(
        matches!(report.steps[1].status, StepStatus::Skipped { .. }),
        "what follows rests on the step that was not taken"
    );
    assert_eq!((report.compared(), report.errors()), (0, 0));
}

#[test]
fn a_wrong_expectation_is_a_fault_of_the_case_on_both_sides() {
    let text = BLAME.replace(
        "expect: {decision: allow}",
        "expect: {decision: allow, output: {KeyMetadata: {KeyState: Disabled}}}",
    );
    let report = run(&case(&text), EmbeddedOptions::default());
    let sides: Vec<_> = report
        .disagreements()
        .map(|(step, one)| (step, one.kind, one.side))
        .collect();
    use countersign::differential::Side;
    assert_eq!(
        sides,
        [
            (1, DisagreementKind::Expectation, Side::Model),
            (1, DisagreementKind::Expectation, Side::Target)
        ]
    );
}

#[test]
fn ids_are_the_targets_on_the_wire_and_the_models_in_reports() {
    let text = r#"
countersign: 1
id: target.binding
source: [{url: "https://example.com/"}]
world:
  accounts:
    "111122223333": {keys: {here: {id: 1234abcd-12ab-34cd-56ef-1234567890ab}}}
steps:
  - {name: describe, kind: observed, as: {root: true}, call: kms:DescribeKey, with: {KeyId: "{{key.here.arn}}"}, expect: {decision: allow, output: {KeyMetadata: {KeyId: 1234abcd-12ab-34cd-56ef-1234567890ab}}}}
"#;
    let report = run(&case(text), EmbeddedOptions::default());
    assert!(report.agrees(), "{report:?}");
    let shown = report.steps[0]
        .observed
        .as_ref()
        .and_then(|seen| seen.output.as_ref())
        .expect("an output");
    assert_eq!(
        shown.pointer("/KeyMetadata/KeyId").and_then(Value::as_str),
        Some("1234abcd-12ab-34cd-56ef-1234567890ab")
    );
}
