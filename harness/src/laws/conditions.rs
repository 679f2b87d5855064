//! Laws about condition operators (`iam.md` §7.3, 5 to 7 and 9). Most are asked through a probe: one identity policy that allows
//! everything under one condition, so that allow means the condition holds.

use std::collections::BTreeMap;

use countersign_model::case::{
    Case, EvaluatorCase, EvaluatorPolicies, EvaluatorPrincipal, EvaluatorRequest, PolicyText,
};
use countersign_model::context::is_multivalued;
use countersign_model::name::Action;
use serde_json::{Value, json};

use super::{Law, Relation, Trial, changed};
use crate::evaluator::documents::all_statements;
use crate::generate::dice::Dice;

pub(super) const LAWS: &[Law] = &[
    Law {
        id: "negation-is-complement",
        statement: "for a single-valued key a negated operator holds exactly when the plain one does not",
        rules: &["iam:C-11", "iam:C-37"],
        trials: negation,
    },
    Law {
        id: "if-exists-is-nothing-when-present",
        statement: "IfExists changes nothing when the key is present",
        rules: &["iam:C-40"],
        trials: if_exists,
    },
    Law {
        id: "for-all-values-of-nothing",
        statement: "ForAllValues holds when the key is absent",
        rules: &["iam:C-90", "iam:C-92"],
        trials: for_all,
    },
    Law {
        id: "deny-without-if-exists",
        statement: "removing IfExists from a positive operator of a Deny never denies more",
        rules: &["iam:C-40", "iam:C-41"],
        trials: deny_without_if_exists,
    },
];

/// Operators with their negations.
const NEGATIONS: &[(&str, &str)] = &[
    ("StringEquals", "StringNotEquals"),
    ("StringEqualsIgnoreCase", "StringNotEqualsIgnoreCase"),
    ("StringLike", "StringNotLike"),
    ("NumericEquals", "NumericNotEquals"),
    ("DateEquals", "DateNotEquals"),
    ("IpAddress", "NotIpAddress"),
    ("ArnEquals", "ArnNotEquals"),
    ("ArnLike", "ArnNotLike"),
];

/// Operators that are neither negated nor `Null`.
const POSITIVE: &[&str] = &[
    "StringEquals",
    "StringEqualsIgnoreCase",
    "StringLike",
    "NumericEquals",
    "NumericLessThan",
    "NumericLessThanEquals",
    "NumericGreaterThan",
    "NumericGreaterThanEquals",
    "DateEquals",
    "DateLessThan",
    "DateLessThanEquals",
    "DateGreaterThan",
    "DateGreaterThanEquals",
    "Bool",
    "BinaryEquals",
    "IpAddress",
    "ArnEquals",
    "ArnLike",
];

/// One test of a condition block.
struct Test {
    operator: String,
    key: String,
    values: Value,
}

/// Every test in the case's policies.
fn tests(case: &Case) -> Vec<Test> {
    let mut policies = case.evaluate.clone().unwrap_or_default().policies;
    let mut found = Vec::new();
    for statement in all_statements(&mut policies) {
        let Some(Value::Object(block)) = statement.get("Condition") else {
            continue;
        };
        for (operator, keys) in block {
            for (key, values) in keys.as_object().into_iter().flatten() {
                found.push(Test {
                    operator: operator.clone(),
                    key: key.clone(),
                    values: values.clone(),
                });
            }
        }
    }
    found
}

/// A user with one policy that allows everything under one condition; the request's own keys are the case's.
fn probe(case: &Case, operator: &str, key: &str, values: &Value) -> Option<Case> {
    let context: BTreeMap<String, Value> = case.evaluate.as_ref()?.request.as_ref()?.context.clone();
    let policy = json!({
        "Version": "2012-10-17",
        "Statement": [{"Effect": "Allow", "Action": "*", "Resource": "*", "Condition": {operator: {key: values}}}],
    });
    let Value::Object(policy) = policy else { return None };
    let evaluate = EvaluatorCase {
        request: Some(EvaluatorRequest {
            principal: EvaluatorPrincipal::Arn("arn:aws:iam::111111111111:user/alice".to_owned()),
            action: Action::new("sqs:SendMessage").ok()?,
            resource: "arn:aws:sqs:us-east-1:111111111111:orders".to_owned(),
            resource_account: None,
            context,
            expect: None,
        }),
        policies: EvaluatorPolicies {
            identity: vec![PolicyText::Document(policy)],
            ..EvaluatorPolicies::default()
        },
        ..EvaluatorCase::default()
    };
    Some(Case {
        evaluate: Some(evaluate),
        ..case.clone()
    })
}

/// The value of a key in the request, whatever its case.
fn given<'c>(case: &'c Case, key: &str) -> Option<&'c Value> {
    let request = case.evaluate.as_ref()?.request.as_ref()?;
    request
        .context
        .iter()
        .find(|(name, _)| name.eq_ignore_ascii_case(key))
        .map(|(_, value)| value)
}

fn negation(case: &Case, _: &mut Dice<'_, '_>) -> Vec<Trial> {
    tests(case)
        .into_iter()
        .filter_map(|test| {
            let (plain, negated) = NEGATIONS
                .iter()
                .find(|(plain, negated)| test.operator == *plain || test.operator == *negated)?;
            // A plain operator on a list has a rule of its own (iam:C-93).
            if is_multivalued(&test.key) || given(case, &test.key).is_some_and(Value::is_array) {
                return None;
            }
            Some(Trial {
                left: probe(case, plain, &test.key, &test.values)?,
                right: probe(case, negated, &test.key, &test.values)?,
                relation: Relation::ExactlyOne,
            })
        })
        .collect()
}

fn if_exists(case: &Case, _: &mut Dice<'_, '_>) -> Vec<Trial> {
    tests(case)
        .into_iter()
        .filter_map(|test| {
            let base = test.operator.trim_end_matches("IfExists");
            if base.ends_with("Null") {
                return None;
            }
            // Null data sets count as absent (iam:C-05).
            let present = match given(case, &test.key)? {
                Value::Null => false,
                Value::String(text) => !text.is_empty(),
                Value::Array(items) => !items.is_empty() && items.iter().all(|item| item != ""),
                _ => true,
            };
            if !present {
                return None;
            }
            Some(Trial {
                left: probe(case, base, &test.key, &test.values)?,
                right: probe(case, &format!("{base}IfExists"), &test.key, &test.values)?,
                relation: Relation::SameDecision,
            })
        })
        .collect()
}

fn for_all(case: &Case, dice: &mut Dice<'_, '_>) -> Vec<Trial> {
    let all = tests(case);
    if all.is_empty() {
        return Vec::new();
    }
    let test = &all[dice.position(all.len())];
    let base = test
        .operator
        .trim_start_matches("ForAllValues:")
        .trim_start_matches("ForAnyValue:")
        .trim_end_matches("IfExists");
    let operator = format!("ForAllValues:{base}");
    probe(case, &operator, "app:NeverThere", &test.values)
        .map(|right| Trial {
            left: right.clone(),
            right,
            relation: Relation::RightAllows,
        })
        .into_iter()
        .collect()
}

fn deny_without_if_exists(case: &Case, _: &mut Dice<'_, '_>) -> Vec<Trial> {
    changed(case, Relation::AllowStays, |case| {
        let mut applies = false;
        for statement in all_statements(&mut case.policies) {
            if statement.get("Effect").and_then(Value::as_str) != Some("Deny") {
                continue;
            }
            let Some(Value::Object(block)) = statement.get_mut("Condition") else {
                continue;
            };
            let named: Vec<(String, String)> = block
                .keys()
                .filter_map(|operator| {
                    let shorter = operator.strip_suffix("IfExists")?;
                    let base = shorter
                        .trim_start_matches("ForAllValues:")
                        .trim_start_matches("ForAnyValue:");
                    (POSITIVE.contains(&base) && !block.contains_key(shorter))
                        .then(|| (operator.clone(), shorter.to_owned()))
                })
                .collect();
            for (operator, shorter) in named {
                if let Some(keys) = block.remove(&operator) {
                    block.insert(shorter, keys);
                    applies = true;
                }
            }
        }
        applies
    })
}
