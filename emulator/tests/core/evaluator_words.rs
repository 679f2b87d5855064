//! What the authorizer's answers say beyond the decision: the rule behind a refused save and every policy type that fails. No comparison
//! with the model reads these, so a wrong one would be seen here only.

use countersign_emulator::authorizer::Settings;
use countersign_emulator::authorizer::evaluator::{EvaluatorDecision, SaveAnswer, evaluate_form, evaluate_saves};
use serde_json::json;

#[test]
fn the_rule_of_a_sid_is_told_whatever_the_kind() {
    let statement = json!({"Sid": "a b", "Effect": "Allow", "Action": "s3:GetObject", "Resource": "*"});
    let trust = json!({"Sid": "a b", "Effect": "Allow", "Action": "sts:AssumeRole", "Principal": "*"});
    let twice = json!([{"Sid": "a", "Effect": "Allow", "Action": "s3:GetObject", "Resource": "*"},
        {"Sid": "a", "Effect": "Deny", "Action": "s3:PutObject", "Resource": "*"}]);
    let rows = [
        ("inline", statement, "iam:G-30"),
        ("trust", trust, "iam:G-30"),
        ("inline", twice, "iam:E-04"),
    ];
    for (kind, statement, expected) in rows {
        let document = json!({"Version": "2012-10-17", "Statement": statement});
        let form = json!({"saves": [{"kind": kind, "document": document}]});
        let answers = evaluate_saves(&form, &Settings::default()).expect("the form is right");
        let [SaveAnswer::Refused { rule, .. }] = answers.as_slice() else {
            panic!("{kind} {statement} is not refused: {answers:?}");
        };
        assert_eq!(*rule, expected, "{kind} {statement}");
    }
}

#[test]
fn every_policy_type_that_fails_is_told() {
    // iam:A-07: SCP, boundary and identity policies are all silent; one of them is blamed.
    let silent =
        json!({"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "sqs:*", "Resource": "*"}]});
    let form = json!({
        "requests": [{"principal": "arn:aws:iam::111111111111:user/u", "action": "s3:GetObject", "resource": "arn:aws:s3:::b/k"}],
        "policies": {"service_control": [[silent.clone()]], "permissions_boundary": silent.clone(), "identity": [silent]},
    });
    let answers = evaluate_form(&form, &Settings::default()).expect("the form is right");
    let [answer] = answers.as_slice() else {
        panic!("one request has one answer: {answers:?}");
    };
    assert_eq!(answer.decision, EvaluatorDecision::ImplicitDeny);
    assert_eq!(answer.blamed, Some("service_control"));
    assert_eq!(answer.all, ["service_control", "permissions_boundary", "identity"]);
}
