//! Says of each part that shrinking left whether it is needed as it stands or could be anything: every value is replaced by others of
//! its kind, one at a time, and asked whether the case still fails. Nothing is taken away here; a shrunk case has nothing to take away.

use countersign_model::case::Case;
use serde::Serialize;
use serde_json::{Value, json};

use super::tree::{Path, Segment, last_name, replace};

/// A value of a shrunk case.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Part {
    /// Where it stands: `steps[0].with.KeyId`.
    pub path: String,
    /// The value.
    pub value: Value,
    /// What the disagreement asks of it.
    pub need: Need,
    /// Other values with which the case still fails.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub also: Vec<Value>,
}

/// What the disagreement asks of a value.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Need {
    /// With no other value that was tried does the case still fail.
    Needed,
    /// With some other values it does.
    Loose,
    /// With every other value that was tried it does: it could be anything.
    Anything,
}

/// Every value of a case with what the disagreement asks of it, in the order of the case. Asks the predicate at most `budget` times;
/// values that it did not come to are left out. A value without any other that can be written in its place is needed.
pub fn needs(case: &Case, budget: usize, mut still_fails: impl FnMut(&Case) -> bool) -> Vec<Part> {
    let Ok(tree) = serde_json::to_value(case) else {
        return Vec::new();
    };
    let mut values = Vec::new();
    collect(&tree, &mut Vec::new(), &mut values);
    let mut left = budget;
    let mut parts = Vec::new();
    for (path, value) in values {
        let (mut tried, mut also) = (0, Vec::new());
        for other in others(&tree, &path, &value) {
            let mut changed = tree.clone();
            if !replace(&mut changed, &path, other.clone()) {
                continue;
            }
            let Ok(changed) = serde_json::from_value::<Case>(changed) else {
                continue;
            };
            if !crate::findings::loads(&changed) {
                continue;
            }
            if left == 0 {
                return parts;
            }
            left -= 1;
            tried += 1;
            if still_fails(&changed) {
                also.push(other);
            }
        }
        let need = match also.len() {
            0 => Need::Needed,
            kept if kept == tried => Need::Anything,
            _ => Need::Loose,
        };
        parts.push(Part {
            path: written(&path),
            value,
            need,
            also,
        });
    }
    parts
}

/// Members that say what the case is, not what happens in it.
const ABOUT: &[&str] = &[
    "$schema",
    "countersign",
    "id",
    "title",
    "source",
    "evidence",
    "rules",
    "origin",
    "expect",
];

fn collect(tree: &Value, path: &mut Path, found: &mut Vec<(Path, Value)>) {
    match tree {
        Value::Object(members) => {
            for (name, member) in members {
                if ABOUT.contains(&name.as_str()) && (path.is_empty() || name == "expect") {
                    continue;
                }
                path.push(Segment::Member(name.clone()));
                collect(member, path, found);
                path.pop();
            }
        }
        Value::Array(entries) => {
            for (index, entry) in entries.iter().enumerate() {
                path.push(Segment::Entry(index));
                collect(entry, path, found);
                path.pop();
            }
        }
        Value::Null => {}
        value => found.push((path.clone(), value.clone())),
    }
}

/// Other values of the same kind.
fn others(tree: &Value, path: &Path, value: &Value) -> Vec<Value> {
    let text = match value {
        Value::Bool(value) => return vec![json!(!value)],
        Value::Number(number) => {
            return number
                .as_i64()
                .map(|number| vec![json!(number.saturating_add(1)), json!(number.saturating_add(1000))])
                .unwrap_or_default();
        }
        Value::String(text) => text.as_str(),
        _ => return Vec::new(),
    };
    let among = |words: &[&str]| words.iter().map(|word| json!(word)).collect::<Vec<Value>>();
    let mut others = match last_name(path) {
        Some("Effect") => among(&["Allow", "Deny"]),
        Some("Version") => among(&["2012-10-17", "2008-10-17"]),
        Some("Action" | "NotAction") => {
            among(&["*", "kms:Decrypt", "kms:DescribeKey", "s3:GetObject", "s3:ListBucket"])
        }
        Some("call" | "action") => among(&["kms:Decrypt", "kms:DescribeKey", "s3:GetObject", "s3:ListBucket"]),
        Some("Operations" | "operations") => among(&["Decrypt", "Encrypt", "DescribeKey"]),
        Some("Resource" | "NotResource") => vec![json!("*"), json!(format!("{text}x"))],
        Some("advance") => among(&["1s", "1h", "8d"]),
        _ => vec![json!("x"), json!(format!("{text}x"))],
    };
    // What stands in the same place elsewhere: another user, another key, another account.
    others.extend(peers(tree, path, text));
    others.retain(|other| other != value);
    let mut distinct: Vec<Value> = Vec::new();
    for other in others {
        if !distinct.contains(&other) {
            distinct.push(other);
        }
    }
    distinct
}

/// Names of other things of the same kind, where the value names one.
fn peers(tree: &Value, path: &Path, text: &str) -> Vec<Value> {
    const MAPS: &[(&str, &str)] = &[
        ("user", "users"),
        ("role", "roles"),
        ("key", "keys"),
        ("bucket", "buckets"),
        ("function", "functions"),
    ];
    let accounts = tree.pointer("/world/accounts").and_then(Value::as_object);
    let names = |map: &str| -> Vec<&String> {
        let specs = accounts.into_iter().flat_map(|accounts| accounts.values());
        specs
            .filter_map(|spec| spec.get(map)?.as_object())
            .flat_map(|things| things.keys())
            .collect()
    };
    let mut found = Vec::new();
    for (kind, map) in MAPS {
        for name in names(map) {
            if last_name(path) == Some(*kind) {
                found.push(json!(name));
            }
            for own in names(map) {
                let mark = format!("{kind}.{own}.");
                if text.contains(&mark) {
                    found.push(json!(text.replace(&mark, &format!("{kind}.{name}."))));
                }
            }
        }
    }
    if last_name(path) == Some("root") {
        found.extend(
            accounts
                .into_iter()
                .flat_map(|accounts| accounts.keys())
                .map(|account| json!(account)),
        );
    }
    found
}

/// `steps[0].with.KeyId`; names with marks in them in quotes.
fn written(path: &Path) -> String {
    let mut text = String::new();
    for segment in path {
        match segment {
            Segment::Entry(index) => text.push_str(&format!("[{index}]")),
            Segment::Member(name) if name.contains(['.', ':', '/', ' ']) => text.push_str(&format!("[{name:?}]")),
            Segment::Member(name) => {
                if !text.is_empty() {
                    text.push('.');
                }
                text.push_str(name);
            }
        }
    }
    text
}
