//! Replacements that make a case easier to read without making it smaller.

use serde_json::{Map, Value, json};

use super::tree::{Path, Segment, in_condition};

/// Replacements that make a case easier to read: the root user instead of other callers, short bodies, a scalar for a list of one.
pub(super) fn simplifications(tree: &Value) -> Vec<(Path, Value)> {
    let mut found = Vec::new();
    simpler_callers(tree, &mut found);
    simpler_values(tree, &mut Vec::new(), &mut found);
    found
}

fn simpler_callers(tree: &Value, found: &mut Vec<(Path, Value)>) {
    let accounts: Vec<&String> = tree
        .pointer("/world/accounts")
        .and_then(Value::as_object)
        .map(|accounts| accounts.keys().collect())
        .unwrap_or_default();
    let Some(steps) = tree.get("steps").and_then(Value::as_array) else {
        return;
    };
    for (index, step) in steps.iter().enumerate() {
        let Some(Value::Object(caller)) = step.get("as") else {
            continue;
        };
        let path = vec![
            Segment::Member("steps".to_owned()),
            Segment::Entry(index),
            Segment::Member("as".to_owned()),
        ];
        if let Some(by) = caller
            .get("federated_user")
            .and_then(|federated| federated.get("by"))
            .and_then(Value::as_str)
        {
            found.push((
                path.clone(),
                if by == "root" {
                    json!({"root": true})
                } else {
                    json!({"user": by})
                },
            ));
        }
        if !caller.contains_key("root") && !caller.contains_key("service") && !caller.contains_key("anonymous") {
            found.extend(accounts.iter().map(|account| (path.clone(), json!({"root": account}))));
        }
    }
}

fn simpler_values(tree: &Value, path: &mut Path, found: &mut Vec<(Path, Value)>) {
    match tree {
        Value::Object(members) => {
            for (name, member) in members {
                path.push(Segment::Member(name.clone()));
                match member {
                    Value::String(text) if matches!(name.as_str(), "text" | "body") && text.len() > 1 => {
                        found.push((path.clone(), json!("x")));
                    }
                    Value::Array(entries) if entries.len() == 1 && is_scalar_or_list(path, members, name) => {
                        found.push((path.clone(), entries[0].clone()));
                    }
                    _ => {}
                }
                simpler_values(member, path, found);
                path.pop();
            }
        }
        Value::Array(entries) => {
            for (index, entry) in entries.iter().enumerate() {
                path.push(Segment::Entry(index));
                simpler_values(entry, path, found);
                path.pop();
            }
        }
        _ => {}
    }
}

/// Policy members for which a scalar means a list of one.
fn is_scalar_or_list(path: &Path, siblings: &Map<String, Value>, name: &str) -> bool {
    let in_statement =
        siblings.contains_key("Effect") && matches!(name, "Action" | "NotAction" | "Resource" | "NotResource");
    let in_principal = matches!(name, "AWS" | "Service") && path.len() >= 2;
    in_statement || in_principal || (in_condition(path) && name != "Condition")
}
