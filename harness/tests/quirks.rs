//! The switches of disputed rules: both sides know the same ones, every one of them changes an outcome on both sides in the same way,
//! and a target that reads a rule otherwise than the model is found. The cases are `scenarios/quirks.yaml`, one for each switch; what
//! each reading changes in them is the table here.
#![cfg(feature = "wire")]

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use countersign::differential::{CaseReport, Disagreement, DisagreementKind, Side, run_case};
use countersign::evaluator::{Answer, EmulatorEvaluator, Evaluator, ModelEvaluator};
use countersign::scenario;
use countersign::target::{EmbeddedOptions, EmbeddedTarget};
use countersign_emulator::quirks::Quirks as EmulatorQuirks;
use countersign_model::case::{Case, Decision, Step, StepKind};
use countersign_model::quirks::Quirks as ModelQuirks;
use serde_json::Value;

/// What another reading of a rule changes: the switch, its value as JSON, and the observed steps that come out otherwise than by
/// default. All other steps of the case come out the same.
const READINGS: &[(&str, &str, &[&str])] = &[
    ("notprincipal_strict", "false", &["a user of the account"]),
    (
        "star_limited_by_boundary_and_session",
        "true",
        &["a session within a boundary"],
    ),
    (
        "role_arn_limited_by_boundary_and_session",
        "false",
        &["a session within a boundary"],
    ),
    ("assume_role_needs_boundary", "false", &["a user within a boundary"]),
    (
        "plain_operator_on_multivalued",
        r#""any""#,
        &["a value of the list", "none of the list"],
    ),
    (
        "negated_parse_error_matches",
        "false",
        &["a name is no number", "neither is the value of the policy"],
    ),
    ("for_any_value_negated_missing", "true", &["any of no tags"]),
    (
        "for_any_value_if_exists_missing",
        "true",
        &["any of no tags", "any other of no tags"],
    ),
    ("variables_in_bool", "true", &["a variable"]),
    ("forwarded_call_keeps_source_ip", "false", &["from the network"]),
    ("unresolved_not_resource", r#""applies""#, &["an Allow"]),
    ("unresolved_not_resource", r#""void""#, &["a Deny"]),
    ("aws_star_matches_service", "false", &["everybody with an AWS identity"]),
    ("lone_star_arn_like_matches", "true", &["a lone star"]),
    ("empty_value_list_matches", "true", &["none of no names"]),
    ("unresolved_variable_spoils_list", "true", &["the literal value"]),
    ("role_name_case_insensitive", "true", &["another case"]),
    ("year_is_epoch", "false", &["a year"]),
    ("session_policies_intersect", "true", &["one of two allows"]),
    (
        "federated_user_default_session_policy",
        "true",
        &["without a session policy"],
    ),
    ("rcp_covers_requests_without_resource", "true", &["the list of buckets"]),
    ("both_sides_silent_blames_resource", "true", &["neither side"]),
    ("kms_both_sides_silent_blames_key_policy", "false", &["neither side"]),
    (
        "grant_constraint_key_case_insensitive",
        "false",
        &["a subset in another case", "the whole in another case"],
    ),
    (
        "role_grant_limited_by_boundary_and_session",
        "false",
        &["a session within a boundary"],
    ),
    (
        "account_grantee_needs_identity",
        "false",
        &["without an identity policy"],
    ),
    ("called_via_on_s3_and_lambda", "true", &["by the chain of services"]),
    (
        "lambda_runtime_decrypt_via_service",
        "true",
        &["only through the service"],
    ),
    (
        "key_owner_account_may_retire",
        "false",
        &["a user of the key's account retires it"],
    ),
];

/// The switch that no world shows, for nothing saves such a document: an evaluator case shows it, with what each request comes to by
/// default and under the other reading.
const EVALUATOR_ONLY: (&str, [(&str, &str); 2]) = (
    "empty_not_list_applies",
    [
        ("allow", "explicit_deny (identity)"),
        ("implicit_deny (identity)", "allow"),
    ],
);

/// What a person sees of an outcome: decision, code, status, message.
type Seen = (Decision, Option<String>, u16, Option<String>);

/// What model and target made of each step, by the step's name.
type Sides = BTreeMap<String, (Seen, Seen)>;

#[test]
fn both_sides_know_the_same_switches_with_the_same_values() {
    let model = ModelQuirks::default().values();
    let emulator: BTreeMap<&str, Value> = EmulatorQuirks::NAMES
        .iter()
        .map(|name| {
            (
                *name,
                EmulatorQuirks::default()
                    .get(name)
                    .expect("a listed switch has a value"),
            )
        })
        .collect();
    assert_eq!(model, emulator);
    // What one side takes the other takes, and nothing else.
    for name in ModelQuirks::names() {
        for value in [
            "true",
            "false",
            r#""never""#,
            r#""any""#,
            r#""fail_closed""#,
            r#""applies""#,
            r#""void""#,
            "1",
            "null",
        ] {
            let value: Value = serde_json::from_str(value).expect("the values are JSON");
            assert_eq!(
                ModelQuirks::default().set(name, &value).is_ok(),
                EmulatorQuirks::default().set(name, &value).is_ok(),
                "{name}: {value}"
            );
        }
    }
}

#[test]
fn the_table_names_every_reading_of_every_switch_and_every_case() {
    let mut wanted = BTreeSet::new();
    for (name, default) in ModelQuirks::default().values() {
        for value in [
            true.into(),
            false.into(),
            "never".into(),
            "any".into(),
            "fail_closed".into(),
            "applies".into(),
            "void".into(),
        ] {
            if value != default && ModelQuirks::default().set(name, &value).is_ok() {
                wanted.insert((name, value.to_string()));
            }
        }
    }
    let mut listed: BTreeSet<(&str, String)> = READINGS
        .iter()
        .map(|(name, value, _)| (*name, (*value).to_owned()))
        .collect();
    listed.insert((EVALUATOR_ONLY.0, "true".to_owned()));
    assert_eq!(wanted, listed);

    let ids: BTreeSet<String> = all_cases().into_iter().map(|case| case.id).collect();
    let of_switches: BTreeSet<String> = ModelQuirks::names().iter().map(|name| id_of(name)).collect();
    assert_eq!(ids, of_switches, "scenarios/quirks.yaml has one case for each switch");
}

#[test]
fn every_reading_changes_its_steps_on_both_sides_alike() {
    for (switch, value, changed) in READINGS {
        let by_default = case_of(switch);
        for name in *changed {
            let observed = by_default
                .steps
                .iter()
                .any(|step| step.name() == Some(name) && step.kind() == StepKind::Observed);
            assert!(observed, "{switch}: `{name}` is no observed step");
        }
        let report = run(&by_default, EmbeddedOptions::default());
        assert!(report.agrees(), "{switch} by default:\n{}", differences(&report));

        let mut otherwise = without_expectations(&by_default);
        otherwise.quirks = reading(switch, value);
        let other_report = run(&otherwise, EmbeddedOptions::default());
        assert!(
            other_report.agrees(),
            "{switch} = {value}:\n{}",
            differences(&other_report)
        );

        let (before, after) = (sides(&report), sides(&other_report));
        let differing = |side: fn(&(Seen, Seen)) -> &Seen| -> BTreeSet<&str> {
            before
                .iter()
                .filter(|(name, seen)| side(seen) != side(&after[*name]))
                .map(|(name, _)| name.as_str())
                .collect()
        };
        let changed: BTreeSet<&str> = changed.iter().copied().collect();
        assert_eq!(differing(|seen| &seen.0), changed, "{switch} = {value}: the model");
        assert_eq!(differing(|seen| &seen.1), changed, "{switch} = {value}: the target");
    }
}

#[test]
fn a_target_with_another_reading_is_found() {
    for (switch, value, changed) in READINGS {
        let case = without_expectations(&case_of(switch));
        // The target reads otherwise.
        let target = run(
            &case,
            EmbeddedOptions {
                quirks: reading(switch, value),
                ..EmbeddedOptions::default()
            },
        );
        expect_divergence(&target, changed, &format!("{switch} = {value} in the target"));
        // The model reads otherwise, and the target as by default.
        let mut of_model = case.clone();
        of_model.quirks = reading(switch, value);
        let default = ModelQuirks::default().values()[switch].to_string();
        let model = run(
            &of_model,
            EmbeddedOptions {
                quirks: reading(switch, &default),
                ..EmbeddedOptions::default()
            },
        );
        expect_divergence(&model, changed, &format!("{switch} = {value} in the model"));
    }
}

#[test]
fn the_reading_that_no_world_shows_changes_evaluator_answers_on_both_sides_alike() {
    let (switch, outcomes) = EVALUATOR_ONLY;
    let by_default = case_of(switch);
    let mut otherwise = by_default.clone();
    otherwise.quirks = reading(switch, "true");
    let sides: [Box<dyn Evaluator>; 2] = [Box::new(ModelEvaluator), Box::new(EmulatorEvaluator::default())];
    for mut side in sides {
        let name = side.name().to_owned();
        let mut words = |case: &Case| -> Vec<String> {
            let answers = side.answer(case).unwrap_or_else(|error| panic!("{error}"));
            answers.iter().map(Answer::words).collect()
        };
        assert_eq!(
            words(&by_default),
            outcomes.map(|(default, _)| default),
            "{name} by default"
        );
        assert_eq!(words(&otherwise), outcomes.map(|(_, other)| other), "{name} otherwise");
    }
}

/// The first step that a reading changes is a finding, and nothing before it is.
fn expect_divergence(report: &CaseReport, changed: &[&str], what: &str) {
    let found: Vec<&str> = report
        .disagreements()
        .filter(|(_, one)| {
            one.side == Side::Target && matches!(one.kind, DisagreementKind::Decision | DisagreementKind::Message)
        })
        .filter_map(|(step, _)| report.steps[step].name.as_deref())
        .collect();
    assert_eq!(found.first(), changed.first(), "{what}:\n{}", differences(report));
    for name in changed {
        assert!(
            found.contains(name),
            "{what}: `{name}` is not found:\n{}",
            differences(report)
        );
    }
}

/// Every difference in a line of its own.
fn differences(report: &CaseReport) -> String {
    let line = |(step, one): (usize, &Disagreement)| {
        let name = report.steps[step].name.as_deref().unwrap_or("");
        format!(
            "{name}: {}: expected {}, observed {}",
            one.path, one.expected, one.observed
        )
    };
    report.disagreements().map(line).collect::<Vec<_>>().join("\n")
}

fn run(case: &Case, options: EmbeddedOptions) -> CaseReport {
    let mut target = EmbeddedTarget::in_process(options).expect("a runtime can be made");
    let report = run_case(case, &mut target).unwrap_or_else(|error| panic!("{}: {error}", case.id));
    assert!(
        report.provisioning_fault.is_none(),
        "{}: {:?}",
        case.id,
        report.provisioning_fault
    );
    assert_eq!(
        report.compared(),
        case.steps.len(),
        "{}: every step is compared",
        case.id
    );
    report
}

fn sides(report: &CaseReport) -> Sides {
    let seen = |step: &countersign::differential::StepReport| -> (Seen, Seen) {
        let expected = step.expected.as_ref().expect("a compared step has the model's outcome");
        let observed = step.observed.as_ref().expect("a compared step has the target's");
        (
            (
                expected.decision,
                expected.code.clone(),
                expected.status,
                expected.message.clone(),
            ),
            (
                observed.decision,
                observed.code.clone(),
                observed.status,
                observed.message.clone(),
            ),
        )
    };
    report
        .steps
        .iter()
        .map(|step| {
            (
                step.name.clone().expect("every step of these cases has a name"),
                seen(step),
            )
        })
        .collect()
}

fn reading(switch: &str, value: &str) -> BTreeMap<String, Value> {
    let value = serde_json::from_str(value).expect("the table's values are JSON");
    BTreeMap::from([(switch.to_owned(), value)])
}

/// What a case expects, it expects under the default reading.
fn without_expectations(case: &Case) -> Case {
    let mut bare = case.clone();
    for step in &mut bare.steps {
        match step {
            Step::Call(call) => call.expect = None,
            Step::Invoke(invoke) => invoke.expect = None,
            _ => {}
        }
    }
    bare
}

fn id_of(switch: &str) -> String {
    format!("quirk.{}", switch.replace('_', "-"))
}

fn case_of(switch: &str) -> Case {
    let id = id_of(switch);
    let case = all_cases().into_iter().find(|case| case.id == id);
    case.unwrap_or_else(|| panic!("scenarios/quirks.yaml has no case `{id}`"))
}

fn all_cases() -> Vec<Case> {
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("../scenarios/quirks.yaml");
    scenario::cases(&file).unwrap_or_else(|error| panic!("{error}"))
}
