//! Rows of the faults that need the whole form of an evaluator case: grants with their grantees, operations and
//! constraints, and documents that cannot be used. One row a fault: the grant, the request, the right and the wrong
//! word.

use serde_json::{Map, Value, json};

use crate::authorizer::Settings;
use crate::authorizer::evaluator::evaluate_form;
use crate::fault::FaultSet;

pub(super) struct FormRow {
    pub(super) fault: &'static str,
    form: fn() -> Value,
    right: &'static str,
    wrong: &'static str,
}

const fn row(fault: &'static str, form: fn() -> Value, right: &'static str, wrong: &'static str) -> FormRow {
    FormRow {
        fault,
        form,
        right,
        wrong,
    }
}

const SESSION: &str = "arn:aws:sts::111111111111:assumed-role/R/s";
const ROLE: &str = "arn:aws:iam::111111111111:role/R";

/// A session calls `action` with an encryption context, and there is one grant on the key.
fn granted(action: &str, context: Value, grantee: &str, constraints: Value) -> Value {
    let pairs = context.as_object().expect("pairs");
    let context: Map<String, Value> = pairs
        .iter()
        .map(|(name, value)| (format!("kms:EncryptionContext:{name}"), value.clone()))
        .collect();
    json!({
        "request": {
            "principal": SESSION, "action": action, "resource": "arn:aws:kms:us-east-1:111111111111:key/1",
            "context": context,
        },
        "policies": { "resource": { "Version": "2012-10-17", "Statement": [
            { "Effect": "Allow", "Principal": { "AWS": "111111111111" }, "Action": "kms:*", "Resource": "*" },
        ] } },
        "grants": [{
            "grantee_principal": grantee, "operations": ["Decrypt", "DescribeKey"], "constraints": constraints,
        }],
    })
}

fn service_calls(source: &str) -> Value {
    let mut form = granted(
        "kms:Decrypt",
        json!({}),
        "lambda.amazonaws.com",
        json!({ "source_arn": "arn:aws:lambda:us-east-1:111111111111:function:f" }),
    );
    form["request"]["principal"] = json!({ "service": "lambda.amazonaws.com" });
    form["request"]["context"] = json!({ "aws:SourceArn": source });
    form
}

pub(super) const ROWS: &[FormRow] = &[
    row(
        "grant-constraint-ignored",
        || {
            granted(
                "kms:Decrypt",
                json!({}),
                ROLE,
                json!({ "encryption_context_subset": { "a": "b" } }),
            )
        },
        "implicit_deny",
        "allow",
    ),
    row(
        "role-grantee-misses-sessions",
        || granted("kms:Decrypt", json!({}), ROLE, json!({})),
        "allow",
        "implicit_deny",
    ),
    row(
        "session-name-ignored-in-grantee",
        || {
            granted(
                "kms:Decrypt",
                json!({}),
                "arn:aws:sts::111111111111:assumed-role/R/t",
                json!({}),
            )
        },
        "implicit_deny",
        "allow",
    ),
    row(
        "grants-inert",
        || granted("kms:Decrypt", json!({}), ROLE, json!({})),
        "allow",
        "implicit_deny",
    ),
    row(
        "grant-operation-ignored",
        || granted("kms:Encrypt", json!({}), ROLE, json!({})),
        "implicit_deny",
        "allow",
    ),
    row(
        "grant-equals-as-subset",
        || {
            let equals = json!({ "encryption_context_equals": { "a": "b" } });
            granted("kms:Decrypt", json!({ "a": "b", "c": "d" }), ROLE, equals)
        },
        "implicit_deny",
        "allow",
    ),
    row(
        "grant-subset-as-equals",
        || {
            let subset = json!({ "encryption_context_subset": { "a": "b" } });
            granted("kms:Decrypt", json!({ "a": "b", "c": "d" }), ROLE, subset)
        },
        "allow",
        "implicit_deny",
    ),
    row(
        "grant-constraint-on-describe-key",
        || {
            granted(
                "kms:DescribeKey",
                json!({}),
                ROLE,
                json!({ "encryption_context_equals": { "a": "b" } }),
            )
        },
        "allow",
        "implicit_deny",
    ),
    row(
        "grant-source-ignored",
        || service_calls("arn:aws:lambda:us-east-1:111111111111:function:g"),
        "implicit_deny",
        "allow",
    ),
];

#[test]
fn each_fault_turns_the_form_of_its_row() {
    for row in ROWS {
        let answer = |faults| {
            let settings = Settings {
                faults,
                ..Settings::default()
            };
            let answers = evaluate_form(&(row.form)(), &settings).expect("the form is right");
            answers[0].decision.word()
        };
        assert_eq!(answer(FaultSet::EMPTY), row.right, "{}", row.fault);
        let fault = FaultSet::from_ids([row.fault]).expect("a fault of that name");
        assert_eq!(answer(fault), row.wrong, "{}", row.fault);
    }
}
