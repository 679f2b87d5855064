//! Laws about writing: order, splitting, lists of one, wildcards spelled out, letter case, names and white space change nothing
//! (`iam.md` §7.3, 3 and 4).

use std::collections::BTreeSet;

use countersign_model::case::{Case, EvaluatorCase, PolicyText};
use serde_json::{Map, Value, json};

use super::rename::renamed;
use super::{Law, Relation, Trial, changed};
use crate::evaluator::documents::{all_statements, documents, statements};
use crate::evaluator::generate::known_actions;
use crate::generate::dice::Dice;

pub(super) const LAWS: &[Law] = &[
    Law {
        id: "order-is-nothing",
        statement: "the order of policies, statements, members and values changes nothing",
        rules: &["iam:L-04", "iam:G-03", "iam:C-10", "iam:C-11"],
        trials: order,
    },
    Law {
        id: "splitting-is-nothing",
        statement: "one policy as two, or one statement as several, changes nothing",
        rules: &["iam:L-03", "iam:L-32"],
        trials: split,
    },
    Law {
        id: "scalar-is-list-of-one",
        statement: "a bare value and a list of just that value mean the same",
        rules: &["iam:G-08"],
        trials: scalar,
    },
    Law {
        id: "wildcard-is-its-actions",
        statement: "an action wildcard may be replaced by the known actions it covers",
        rules: &["iam:M-02"],
        trials: expand,
    },
    Law {
        id: "action-case-is-nothing",
        statement: "actions match whatever their letter case",
        rules: &["iam:M-01"],
        trials: action_case,
    },
    Law {
        id: "key-case-is-nothing",
        statement: "condition keys match whatever their letter case",
        rules: &["iam:C-01"],
        trials: key_case,
    },
    Law {
        id: "sid-is-nothing",
        statement: "statement ids never influence a decision",
        rules: &["iam:G-33"],
        trials: sid,
    },
    Law {
        id: "names-are-nothing",
        statement: "renaming accounts and principals everywhere changes nothing",
        rules: &["iam:P-03", "iam:P-18"],
        trials: rename,
    },
    Law {
        id: "printing-is-nothing",
        statement: "a policy written out again, with other white space and escapes, means the same",
        rules: &["iam:G-01", "iam:G-03"],
        trials: print,
    },
];

fn order(case: &Case, dice: &mut Dice<'_, '_>) -> Vec<Trial> {
    let turn = dice.below(3);
    changed(case, Relation::Same, |case| {
        let policies = &mut case.policies;
        if turn != 1 {
            policies.identity.reverse();
            policies.service_control.reverse();
            policies.resource_control.reverse();
            for list in policies
                .session
                .iter_mut()
                .chain(&mut policies.service_control)
                .chain(&mut policies.resource_control)
            {
                list.reverse();
            }
        }
        if turn != 0 {
            for document in documents(policies) {
                if let PolicyText::Document(members) = document {
                    *members = reversed(std::mem::take(members));
                }
            }
        }
        true
    })
}

/// Every list and every object the other way round.
fn reversed(members: Map<String, Value>) -> Map<String, Value> {
    members
        .into_iter()
        .rev()
        .map(|(name, value)| (name, reverse(value)))
        .collect()
}

fn reverse(value: Value) -> Value {
    match value {
        Value::Object(members) => Value::Object(reversed(members)),
        Value::Array(items) => Value::Array(items.into_iter().rev().map(reverse).collect()),
        other => other,
    }
}

fn split(case: &Case, dice: &mut Dice<'_, '_>) -> Vec<Trial> {
    // Two statements of one Sid make a document unusable (iam:G-30); apart, or without their ids, they would mend it.
    let mut trials = changed(case, Relation::SameIfUsable, split_policies);
    let name = *dice.pick(&["Action", "Resource", "Principal"]);
    trials.extend(changed(case, Relation::SameIfUsable, |case| {
        split_statements(case, name)
    }));
    trials
}

/// Every identity and session policy of several statements as policies of one.
fn split_policies(case: &mut EvaluatorCase) -> bool {
    let mut applies = false;
    for list in std::iter::once(&mut case.policies.identity).chain(&mut case.policies.session) {
        let mut parts = Vec::new();
        for policy in std::mem::take(list) {
            let PolicyText::Document(document) = &policy else {
                parts.push(policy);
                continue;
            };
            match document.get("Statement") {
                Some(Value::Array(statements)) if statements.len() > 1 => {
                    applies = true;
                    for statement in statements {
                        let mut part = document.clone();
                        part.insert("Statement".to_owned(), json!([statement]));
                        parts.push(PolicyText::Document(part));
                    }
                }
                _ => parts.push(policy),
            }
        }
        *list = parts;
    }
    applies
}

/// Every statement whose element is a list as one statement for each item.
fn split_statements(case: &mut EvaluatorCase, name: &str) -> bool {
    let mut applies = false;
    for policy in documents(&mut case.policies) {
        let PolicyText::Document(document) = policy else {
            continue;
        };
        let Some(Value::Array(list)) = document.get_mut("Statement") else {
            continue;
        };
        let mut parts = Vec::new();
        for statement in std::mem::take(list) {
            let items = statement.get(name).and_then(|value| {
                let value = if name == "Principal" {
                    value.as_object().filter(|members| members.len() == 1)?.get("AWS")?
                } else {
                    value
                };
                value
                    .as_array()
                    .filter(|items| items.len() > 1 && items.iter().all(Value::is_string))
                    .cloned()
            });
            let Some(items) = items else {
                parts.push(statement);
                continue;
            };
            applies = true;
            for item in items {
                let mut part = statement.clone();
                if let Value::Object(members) = &mut part {
                    // Two statements may not have one Sid.
                    members.remove("Sid");
                    let value = if name == "Principal" {
                        json!({"AWS": item})
                    } else {
                        item
                    };
                    members.insert(name.to_owned(), value);
                }
                parts.push(part);
            }
        }
        *list = parts;
    }
    applies
}

fn scalar(case: &Case, _: &mut Dice<'_, '_>) -> Vec<Trial> {
    changed(case, Relation::Same, |case| {
        let mut applies = false;
        for policy in documents(&mut case.policies) {
            let PolicyText::Document(document) = policy else {
                continue;
            };
            if let Some(value) = document.get_mut("Statement")
                && value.is_object()
            {
                *value = json!([value.take()]);
                applies = true;
            }
        }
        for statement in all_statements(&mut case.policies) {
            for (name, value) in statement.iter_mut() {
                match (name.as_str(), value) {
                    ("Action" | "NotAction" | "Resource" | "NotResource", value) => applies |= toggle(value),
                    ("Principal" | "NotPrincipal", Value::Object(members)) => {
                        for value in members.values_mut() {
                            applies |= toggle(value);
                        }
                    }
                    ("Condition", Value::Object(block)) => {
                        for keys in block.values_mut().filter_map(Value::as_object_mut) {
                            for value in keys.values_mut() {
                                applies |= toggle(value);
                            }
                        }
                    }
                    _ => {}
                }
            }
        }
        applies
    })
}

/// A bare value becomes a list of one, a list of one the bare value.
fn toggle(value: &mut Value) -> bool {
    match value {
        Value::String(_) | Value::Number(_) | Value::Bool(_) => {
            *value = json!([value.take()]);
            true
        }
        Value::Array(items) => match items.as_slice() {
            [only] if !only.is_null() && !only.is_array() && !only.is_object() => {
                *value = only.clone();
                true
            }
            _ => false,
        },
        _ => false,
    }
}

fn expand(case: &Case, _: &mut Dice<'_, '_>) -> Vec<Trial> {
    changed(case, Relation::Same, |case| {
        let trust = case.policies.resource.clone();
        let mut applies = false;
        // What is asked is known too.
        let asked = case.request.iter().chain(&case.requests);
        let asked: BTreeSet<String> = asked.map(|request| request.action.as_str().to_owned()).collect();
        for policy in documents(&mut case.policies) {
            let of_resource = Some(&*policy) == trust.as_ref();
            for statement in statements(policy) {
                for name in ["Action", "NotAction"] {
                    // A trust policy takes no action of another service, hence no bare wildcard either.
                    let bare =
                        !of_resource || statement.contains_key("Resource") || statement.contains_key("NotResource");
                    if let Some(value) = statement.get_mut(name) {
                        applies |= expand_value(value, bare, &asked);
                    }
                }
            }
        }
        applies
    })
}

fn expand_value(value: &mut Value, bare: bool, asked: &BTreeSet<String>) -> bool {
    let items = match &*value {
        Value::Array(items) => items.clone(),
        other => vec![other.clone()],
    };
    let mut expanded = Vec::new();
    let mut applies = false;
    for item in items {
        let covered: Vec<Value> = item
            .as_str()
            .map(|pattern| covered(pattern, bare, asked))
            .unwrap_or_default();
        if covered.is_empty() {
            expanded.push(item);
        } else {
            applies = true;
            expanded.extend(covered);
        }
    }
    *value = Value::Array(expanded);
    applies
}

/// The known actions, and those that are asked for, under a pattern that is `*` or ends in its only wildcard.
fn covered(pattern: &str, bare: bool, asked: &BTreeSet<String>) -> Vec<Value> {
    let Some(start) = pattern.strip_suffix('*') else {
        return Vec::new();
    };
    if start.contains(['*', '?']) || (start.is_empty() && !bare) || (!start.is_empty() && !start.contains(':')) {
        return Vec::new();
    }
    let start = start.to_ascii_lowercase();
    let mut all = asked.clone();
    all.extend(known_actions().map(str::to_owned));
    all.into_iter()
        .filter(|action| action.to_ascii_lowercase().starts_with(&start))
        .map(|action| json!(action))
        .collect()
}

fn action_case(case: &Case, dice: &mut Dice<'_, '_>) -> Vec<Trial> {
    let upper = dice.coin();
    changed(case, Relation::Same, |case| {
        let mut applies = false;
        for statement in all_statements(&mut case.policies) {
            for name in ["Action", "NotAction"] {
                let Some(value) = statement.get_mut(name) else { continue };
                let items: Vec<&mut Value> = match value {
                    Value::Array(items) => items.iter_mut().collect(),
                    other => vec![other],
                };
                for item in items {
                    if let Value::String(text) = item {
                        *text = if upper {
                            text.to_ascii_uppercase()
                        } else {
                            text.to_ascii_lowercase()
                        };
                        applies = true;
                    }
                }
            }
        }
        applies
    })
}

fn key_case(case: &Case, dice: &mut Dice<'_, '_>) -> Vec<Trial> {
    let upper = dice.coin();
    let fold = |name: String| {
        if upper {
            name.to_ascii_uppercase()
        } else {
            name.to_ascii_lowercase()
        }
    };
    changed(case, Relation::Same, |case| {
        let mut applies = false;
        for statement in all_statements(&mut case.policies) {
            let Some(Value::Object(block)) = statement.get_mut("Condition") else {
                continue;
            };
            for keys in block.values_mut().filter_map(Value::as_object_mut) {
                let names: Vec<String> = keys.keys().map(|name| name.to_ascii_lowercase()).collect();
                let mut unique = names.clone();
                unique.sort();
                unique.dedup();
                if unique.len() == names.len() && !names.is_empty() {
                    *keys = std::mem::take(keys)
                        .into_iter()
                        .map(|(name, value)| (fold(name), value))
                        .collect();
                    applies = true;
                }
            }
        }
        applies
    })
}

fn sid(case: &Case, _: &mut Dice<'_, '_>) -> Vec<Trial> {
    // Ids that repeat or break their grammar make a document unusable (iam:G-30); other ones would mend it.
    changed(case, Relation::SameIfUsable, |case| {
        let statements = all_statements(&mut case.policies);
        let applies = !statements.is_empty();
        for (position, statement) in statements.into_iter().enumerate() {
            statement.insert("Sid".to_owned(), json!(format!("Law{position}")));
        }
        applies
    })
}

fn rename(case: &Case, _: &mut Dice<'_, '_>) -> Vec<Trial> {
    changed(case, Relation::Same, |case| match renamed(case) {
        Some(other) => {
            *case = other;
            true
        }
        None => false,
    })
}

fn print(case: &Case, dice: &mut Dice<'_, '_>) -> Vec<Trial> {
    let escape = dice.coin();
    changed(case, Relation::Same, |case| {
        let mut applies = false;
        for policy in documents(&mut case.policies) {
            let PolicyText::Document(document) = &*policy else {
                continue;
            };
            let Ok(mut text) = serde_json::to_string_pretty(document) else {
                continue;
            };
            if escape {
                text = text
                    .replace("\"Allow\"", "\"\\u0041llow\"")
                    .replace("arn:", "\\u0061rn\\u003a")
                    .replace('/', "\\/");
            }
            *policy = PolicyText::Verbatim(format!("\r\n\t{text} \n"));
            applies = true;
        }
        applies
    })
}
