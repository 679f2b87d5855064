//! Documents to be saved: accepted, or code and rule of the refusal. The whole table of checks is in the authorizer's
//! tests.

use serde_json::{Value, json};

use crate::authorizer::Settings;
use crate::authorizer::evaluator::{SaveAnswer, evaluate_saves};

#[test]
fn what_can_be_saved_is_told_with_code_and_rule() {
    let statement = |more: Value| {
        let mut statement = json!({"Effect": "Allow", "Action": "s3:GetObject", "Resource": "*"});
        for (name, value) in more.as_object().expect("an object") {
            statement[name] = value.clone();
        }
        json!({"Version": "2012-10-17", "Statement": [statement]})
    };
    let date = json!({"DateGreaterThan": {"aws:CurrentTime": false}});
    let long = json!({"StringEquals": {"a": "x".repeat(2048)}});
    let saves = [
        ("inline", statement(json!({})), None),
        ("inline", json!("{"), Some(("MalformedPolicyDocument", "iam:E-01"))),
        (
            "inline",
            statement(json!({"Sid": "é\u{1F600}"})),
            Some(("ValidationError", "iam:G-11")),
        ),
        (
            "managed",
            statement(json!({"Effect": "allow"})),
            Some(("MalformedPolicyDocument", "iam:E-03")),
        ),
        (
            "session",
            statement(json!({"Resource": "arn:aws:sqs"})),
            Some(("MalformedPolicyDocument", "iam:G-53")),
        ),
        (
            "session",
            statement(json!({"Condition": long})),
            Some(("ValidationError", "iam:G-80")),
        ),
        (
            "service_control",
            statement(json!({"Principal": "*"})),
            Some(("MalformedPolicyDocumentException", "iam:E-21")),
        ),
        (
            "resource_control",
            statement(json!({"Principal": "*"})),
            Some(("MalformedPolicyDocumentException", "iam:G-15")),
        ),
        // H2-E16.
        (
            "key",
            statement(json!({"Principal": "*", "Condition": date})),
            Some(("MalformedPolicyDocumentException", "iam:E-03")),
        ),
        (
            "bucket",
            statement(json!({"Principal": "*", "Condition": date})),
            Some(("MalformedPolicy", "iam:E-03")),
        ),
        (
            "vpc_endpoint",
            statement(json!({"Principal": "*", "Condition": date})),
            Some(("InvalidPolicyDocument", "iam:E-03")),
        ),
        // H2-E1, but what a key policy names as resource is inert (svc:K-14).
        (
            "inline",
            statement(json!({"Resource": "arn:aws-cn:kms:*:*:key/*"})),
            Some(("MalformedPolicyDocument", "iam:E-09")),
        ),
        (
            "key",
            statement(json!({"Principal": "*", "Resource": "arn:aws-cn:kms:*:*:key/*"})),
            None,
        ),
        (
            "key",
            statement(
                json!({"Principal": "*", "Condition": {"ForAllValues:StringEquals": {"kms:EncryptionContext:a": "b"}}}),
            ),
            Some(("MalformedPolicyDocumentException", "svc:C-4")),
        ),
        (
            "bucket",
            statement(json!({"Principal": {"CanonicalUser": "79a5"}})),
            None,
        ),
        (
            "trust",
            statement(json!({"Principal": "*"})),
            Some(("MalformedPolicyDocument", "iam:E-14")),
        ),
    ];
    let form = json!({"saves": saves.iter().map(|(kind, document, _)| json!({"kind": kind, "document": document})).collect::<Vec<_>>()});
    let answers = evaluate_saves(&form, &Settings::default()).expect("the form is right");
    assert_eq!(answers.len(), saves.len());
    for (answer, (kind, document, expected)) in answers.iter().zip(&saves) {
        let found = match answer {
            SaveAnswer::Accepted => None,
            SaveAnswer::Refused { code, rule, .. } => Some((*code, *rule)),
        };
        assert_eq!(found, *expected, "{kind} {document}: {answer:?}");
    }
}

#[test]
fn principals_that_exist_are_known_by_their_arns() {
    let trust = |name: &str| {
        json!({"Statement": [{"Effect": "Allow", "Action": "sts:AssumeRole",
            "Principal": {"AWS": format!("arn:aws:iam::111111111111:user/{name}")}}]})
    };
    let save = |name: &str, existing: Value| {
        let form = json!({"saves": [{"kind": "trust", "document": trust(name), "existing_principals": existing}]});
        let answers = evaluate_saves(&form, &Settings::default()).expect("the form is right");
        answers == [SaveAnswer::Accepted]
    };
    let existing = json!(["arn:aws:iam::111111111111:user/u"]);
    assert!(save("u", existing.clone()));
    assert!(!save("ghost", existing), "iam:P-43");
    assert!(save("ghost", Value::Null), "nobody looks");
}

#[test]
fn partitions_share_no_principals() {
    // iam:P-19, also where nobody looks whether principals exist.
    for (kind, code) in [
        ("trust", "MalformedPolicyDocument"),
        ("bucket", "MalformedPolicy"),
        ("key", "MalformedPolicyDocumentException"),
    ] {
        let statement = |partition: &str| {
            let mut statement = json!({"Effect": "Allow", "Action": "sts:AssumeRole",
                "Principal": {"AWS": format!("arn:{partition}:iam::111111111111:root")}});
            if kind != "trust" {
                statement["Resource"] = json!("*");
            }
            json!({"kind": kind, "document": {"Statement": [statement]}})
        };
        let form = json!({"saves": [statement("aws"), statement("aws-cn")]});
        let answers = evaluate_saves(&form, &Settings::default()).expect("the form is right");
        assert_eq!(answers[0], SaveAnswer::Accepted, "{kind}");
        assert!(
            matches!(&answers[1], SaveAnswer::Refused { code: found, .. } if *found == code),
            "{kind}: {answers:?}"
        );
    }
}
