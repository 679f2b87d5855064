//! The comparison of one step, by table and example.

use std::collections::BTreeMap;

use countersign_model::case::{AdvanceStep, CallStep, Shape, StepKind, StepPrincipal};
use countersign_model::name::Action;
use countersign_model::rule::Rules;
use serde_json::json;

use super::*;

fn call() -> Step {
    Step::Call(Box::new(CallStep {
        name: None,
        kind: StepKind::Setup,
        principal: StepPrincipal::Anonymous,
        call: Action::new("kms:ListGrants").expect("an action"),
        with: serde_json::Map::new(),
        region: None,
        through: None,
        shape: Shape::Header,
        context: BTreeMap::new(),
        save: BTreeMap::new(),
        expect: None,
    }))
}

fn outcome(output: Value, fresh: &[(&str, &str)]) -> Outcome {
    Outcome {
        decision: Decision::Allow,
        code: None,
        status: 200,
        message: None,
        checks: Vec::new(),
        stops_at: None,
        output: Some(output),
        fresh: fresh
            .iter()
            .map(|(path, symbol)| ((*path).to_owned(), (*symbol).to_owned()))
            .collect(),
        trail: Vec::new(),
        unchanged: true,
        rules: Rules::new(),
    }
}

fn observed(output: Value) -> Observed {
    Observed {
        status: 200,
        output: Some(output),
        trail: Some(Vec::new()),
        ..Observed::quiet()
    }
}

fn kinds(found: &[Disagreement]) -> Vec<(DisagreementKind, &str)> {
    found.iter().map(|one| (one.kind, one.path.as_str())).collect()
}

#[test]
fn more_than_expected_is_no_difference_and_less_is_one() {
    let mut binding = Binding::default();
    let expected = outcome(json!({"KeyMetadata": {"Enabled": true, "KeyState": "Enabled"}}), &[]);
    let more = observed(json!({"KeyMetadata": {"Enabled": true, "KeyState": "Enabled", "Description": ""}, "X": 1}));
    assert_eq!(compare_step(&call(), &expected, &more, &mut binding), []);
    let less = observed(json!({"KeyMetadata": {"Enabled": false}}));
    let found = compare_step(&call(), &expected, &less, &mut binding);
    assert_eq!(
        kinds(&found),
        [
            (DisagreementKind::Output, "output.KeyMetadata.Enabled"),
            (DisagreementKind::Output, "output.KeyMetadata.KeyState")
        ]
    );
}

#[test]
fn a_fresh_value_is_bound_whole_or_inside_an_arn_and_must_stay_the_same() {
    let mut binding = Binding::default();
    let expected = outcome(
        json!({"KeyId": "m-1", "Arn": "arn:aws:kms:r:a:key/m-1"}),
        &[("KeyId", "m-1"), ("Arn", "m-1")],
    );
    let first = observed(json!({"KeyId": "t-1", "Arn": "arn:aws:kms:r:a:key/t-1"}));
    assert_eq!(compare_step(&call(), &expected, &first, &mut binding), []);
    assert_eq!(binding.value_of("m-1"), Some("t-1"));
    let changed = observed(json!({"KeyId": "t-2", "Arn": "arn:aws:kms:r:a:key/t-1"}));
    assert_eq!(
        kinds(&compare_step(&call(), &expected, &changed, &mut binding)),
        [(DisagreementKind::Binding, "output.KeyId")]
    );
    let other = outcome(json!({"KeyId": "m-2"}), &[("KeyId", "m-2")]);
    let reused = observed(json!({"KeyId": "t-1"}));
    assert_eq!(
        kinds(&compare_step(&call(), &other, &reused, &mut binding)),
        [(DisagreementKind::Binding, "output.KeyId")]
    );
}

#[test]
fn grants_match_in_any_order_and_their_ids_are_bound() {
    let mut binding = Binding::default();
    let grant =
        |id: &str, name: &str, operations: &[&str]| json!({"GrantId": id, "Name": name, "Operations": operations});
    let expected = outcome(
        json!({"Grants": [grant("g-a", "a", &["Decrypt", "Encrypt"]), grant("g-b", "b", &["Decrypt"])]}),
        &[("Grants.0.GrantId", "g-a"), ("Grants.1.GrantId", "g-b")],
    );
    let seen =
        observed(json!({"Grants": [grant("T-B", "b", &["Decrypt"]), grant("T-A", "a", &["Encrypt", "Decrypt"])]}));
    assert_eq!(compare_step(&call(), &expected, &seen, &mut binding), []);
    assert_eq!(
        (binding.value_of("g-a"), binding.value_of("g-b")),
        (Some("T-A"), Some("T-B"))
    );
    let fewer = observed(json!({"Grants": [grant("T-B", "b", &["Decrypt"])]}));
    assert_eq!(
        kinds(&compare_step(&call(), &expected, &fewer, &mut binding)),
        [(DisagreementKind::Output, "output.Grants")]
    );
    let wrong = observed(json!({"Grants": [grant("T-B", "b", &["Decrypt"]), grant("T-A", "a", &["Encrypt"])]}));
    assert_eq!(
        kinds(&compare_step(&call(), &expected, &wrong, &mut binding)),
        [(DisagreementKind::Output, "output.Grants[0].Operations")]
    );
}

#[test]
fn policies_are_compared_as_json() {
    let mut binding = Binding::default();
    binding.bind("m-1", "t-1").expect("nothing is bound yet");
    let expected = outcome(json!({"Policy": "{\"Version\":\"2012-10-17\",\"Id\":\"m-1\"}"}), &[]);
    let same = observed(json!({"Policy": "{ \"Id\" : \"t-1\", \"Version\" : \"2012-10-17\" }"}));
    assert_eq!(compare_step(&call(), &expected, &same, &mut binding), []);
    let other = observed(json!({"Policy": "{}"}));
    assert_eq!(
        kinds(&compare_step(&call(), &expected, &other, &mut binding)),
        [(DisagreementKind::Output, "output.Policy")]
    );
}

#[test]
fn a_body_that_holds_an_id_is_compared_in_the_targets_values() {
    let mut binding = Binding::default();
    binding.bind("m-1", "t-1").expect("nothing is bound yet");
    let expected = outcome(json!({"Body": STANDARD.encode("key m-1")}), &[]);
    assert_eq!(
        compare_step(
            &call(),
            &expected,
            &observed(json!({"Body": STANDARD.encode("key t-1")})),
            &mut binding
        ),
        []
    );
    let found = compare_step(
        &call(),
        &expected,
        &observed(json!({"Body": STANDARD.encode("key t-2")})),
        &mut binding,
    );
    assert_eq!(kinds(&found), [(DisagreementKind::Output, "output.Body")]);
}

#[test]
fn a_message_is_compared_in_the_targets_values_with_white_space_folded() {
    let mut binding = Binding::default();
    binding.bind("m-1", "t-1").expect("nothing is bound yet");
    let mut expected = outcome(Value::Null, &[]);
    expected.decision = Decision::Deny;
    expected.output = None;
    expected.message = Some("no key m-1 and\n  arn:aws:kms:r:a:key/aws-managed for you".to_owned());
    let mut seen = observed(Value::Null);
    seen.decision = Decision::Deny;
    seen.output = None;
    seen.message = Some("no key t-1 and arn:aws:kms:r:a:key/77-88 for you".to_owned());
    assert_eq!(compare_step(&call(), &expected, &seen, &mut binding), []);
    assert_eq!(
        binding.value_of("aws-managed"),
        Some("77-88"),
        "the id of a managed key is bound where it first shows"
    );
    seen.message = Some("no key t-2 and arn:aws:kms:r:a:key/77-88 for you".to_owned());
    assert_eq!(
        kinds(&compare_step(&call(), &expected, &seen, &mut binding)),
        [(DisagreementKind::Message, "message")]
    );
    seen.message = Some("no key t-1 and arn:aws:kms:r:a:key/t-1 for you".to_owned());
    assert_eq!(
        kinds(&compare_step(&call(), &expected, &seen, &mut binding)),
        [(DisagreementKind::Message, "message")]
    );
}

#[test]
fn decision_code_status_and_trail_are_compared() {
    let mut binding = Binding::default();
    let mut expected = outcome(json!({}), &[]);
    expected.trail = vec![json!({"eventName": "Decrypt", "errorCode": "AccessDenied"})];
    let mut seen = observed(json!({}));
    seen.decision = Decision::Deny;
    seen.code = Some("AccessDenied".to_owned());
    seen.status = 403;
    assert_eq!(
        kinds(&compare_step(&call(), &expected, &seen, &mut binding)),
        [
            (DisagreementKind::Decision, "decision"),
            (DisagreementKind::Code, "code"),
            (DisagreementKind::Status, "status"),
            (DisagreementKind::Trail, "trail")
        ]
    );
    let mut seen = observed(json!({}));
    seen.trail = Some(vec![
        json!({"eventName": "Decrypt", "errorCode": "AccessDenied", "eventID": "x"}),
    ]);
    assert_eq!(compare_step(&call(), &expected, &seen, &mut binding), []);
    seen.trail = Some(vec![json!({"eventName": "Encrypt", "errorCode": "AccessDenied"})]);
    assert_eq!(
        kinds(&compare_step(&call(), &expected, &seen, &mut binding)),
        [(DisagreementKind::Trail, "trail[0].eventName")]
    );
    seen.trail = None;
    assert_eq!(
        compare_step(&call(), &expected, &seen, &mut binding),
        [],
        "a target without a trail is not asked for one"
    );
}

#[test]
fn steps_that_make_no_call_have_only_a_decision() {
    let mut binding = Binding::default();
    let step = Step::Advance(AdvanceStep {
        name: None,
        advance: "1h".to_owned(),
    });
    let expected = outcome(json!({"clock": "x"}), &[]);
    assert_eq!(compare_step(&step, &expected, &Observed::quiet(), &mut binding), []);
}

#[test]
fn no_parameters_and_an_empty_set_of_them_are_the_same() {
    let mut binding = Binding::default();
    let found = |expected: Value, actual: Value, binding: &mut Binding| {
        let mut wanted = outcome(json!({}), &[]);
        wanted.trail = vec![json!({"eventName": "ListKeys", "requestParameters": expected})];
        let mut seen = observed(json!({}));
        seen.trail = Some(vec![json!({"eventName": "ListKeys", "requestParameters": actual})]);
        compare_step(&call(), &wanted, &seen, binding).len()
    };
    assert_eq!(found(json!({}), Value::Null, &mut binding), 0);
    assert_eq!(found(Value::Null, json!({}), &mut binding), 0);
    assert_eq!(found(json!({"limit": 1}), Value::Null, &mut binding), 1);
    assert_eq!(found(Value::Null, json!({"limit": 1}), &mut binding), 1);
}

#[test]
fn an_expectation_is_held_against_what_the_target_shows_in_the_models_symbols() {
    let mut binding = Binding::default();
    binding
        .bind("model-id", "target-id")
        .expect("nothing else is bound to either");
    let mut seen = observed(json!({"KeyId": "target-id"}));
    seen.message = Some("target-id is used".to_owned());
    let seen = inward(seen, &binding);
    assert_eq!(seen.output, Some(json!({"KeyId": "model-id"})));
    assert_eq!(seen.message.as_deref(), Some("model-id is used"));
    let resolve = |text: &str| Ok(text.to_owned());
    let expect = |text: &str| serde_json::from_str::<Expect>(text).expect("an expectation");
    let met = expect(r#"{"decision": "allow", "output": {"KeyId": "model-id"}}"#);
    assert_eq!(check_expectation_of_target(&met, &seen, &resolve), []);
    let broken = expect(r#"{"decision": "deny", "output": {"KeyId": "other"}}"#);
    assert_eq!(
        kinds(&check_expectation_of_target(&broken, &seen, &resolve)),
        [
            (DisagreementKind::Expectation, "expect.decision"),
            (DisagreementKind::Expectation, "expect.output.KeyId")
        ]
    );
}
