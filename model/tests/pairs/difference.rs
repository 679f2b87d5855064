//! In how many facts two inputs differ: one leaf or one subtree changed, added or removed, or one member renamed, is one fact; of the
//! steps of a world, one group that stands together and is there or not (somebody is deleted and made again) is one fact too.
//! What the facts do is not asked here.

use serde_json::{Map, Value};

/// The facts in which two JSON trees differ, as paths with the two values.
pub(crate) fn differences(a: &Value, b: &Value) -> Vec<String> {
    let mut found = Vec::new();
    compare(a, b, "", &mut found);
    found
}

fn compare(a: &Value, b: &Value, path: &str, found: &mut Vec<String>) {
    match (a, b) {
        _ if a == b => {}
        (Value::Object(a), Value::Object(b)) => compare_members(a, b, path, found),
        (Value::Array(a), Value::Array(b)) if a.len() == b.len() => {
            for (position, (a, b)) in a.iter().zip(b).enumerate() {
                compare(a, b, &format!("{path}[{position}]"), found);
            }
        }
        (Value::Array(a), Value::Array(b)) if is_one_apart(a, b) => {
            found.push(format!("{path}: one item more or less"));
        }
        (Value::Array(a), Value::Array(b)) if path == ".steps" => {
            found.push(format!("{path}: a group of steps more or less"));
            if !is_one_group_apart(a, b) {
                found.push(format!("{path}: and another"));
            }
        }
        _ => found.push(format!("{path}: {a} -> {b}")),
    }
}

fn compare_members(a: &Map<String, Value>, b: &Map<String, Value>, path: &str, found: &mut Vec<String>) {
    let only_a: Vec<(&String, &Value)> = a.iter().filter(|(key, _)| !b.contains_key(*key)).collect();
    let only_b: Vec<(&String, &Value)> = b.iter().filter(|(key, _)| !a.contains_key(*key)).collect();
    for (key, value) in a {
        if let Some(other) = b.get(key) {
            compare(value, other, &format!("{path}.{key}"), found);
        }
    }
    match (&only_a[..], &only_b[..]) {
        // The same value under another name.
        ([(old, value)], [(new, other)]) if value == other => found.push(format!("{path}: {old} is now {new}")),
        _ => {
            let removed = only_a.iter().map(|(key, _)| format!("{path}.{key}: removed"));
            let added = only_b.iter().map(|(key, _)| format!("{path}.{key}: added"));
            found.extend(removed.chain(added));
        }
    }
}

/// Whether one list is the other with one item taken out.
fn is_one_apart(a: &[Value], b: &[Value]) -> bool {
    let (short, long) = if a.len() < b.len() { (a, b) } else { (b, a) };
    let shared = short.iter().zip(long).take_while(|(left, right)| left == right).count();
    short.len() + 1 == long.len() && short[shared..] == long[shared + 1..]
}

/// Whether one list is the other with items taken out that stand together.
fn is_one_group_apart(a: &[Value], b: &[Value]) -> bool {
    let (short, long) = if a.len() < b.len() { (a, b) } else { (b, a) };
    let before = short.iter().zip(long).take_while(|(left, right)| left == right).count();
    short[before..] == long[long.len() - (short.len() - before)..]
}

#[test]
fn facts_are_counted() {
    use serde_json::json;
    for (a, b, facts) in [
        (json!({"a": 1}), json!({"a": 1}), 0),
        (json!({"a": 1}), json!({"a": 2}), 1),
        (json!({"a": 1}), json!({"a": 1, "b": {"c": 2}}), 1),
        (json!({"a": [1]}), json!({"b": [1]}), 1),
        (json!({"a": [1]}), json!({"b": [2]}), 2),
        (json!({"a": 1, "b": 1}), json!({"a": 2, "b": 2}), 2),
        (json!([1, 2, 3]), json!([1, 3]), 1),
        (json!([1, 2, 3]), json!([4, 2, 5]), 2),
        (json!([1, 2, 3]), json!([3]), 1),
        (json!({"steps": [1, 2, 3, 4]}), json!({"steps": [1, 4]}), 1),
        (json!({"steps": [1, 2, 3, 4, 5]}), json!({"steps": [1, 3, 5]}), 2),
        (json!({"steps": [1, 2, 3, 4]}), json!({"steps": [1, 5]}), 2),
        (
            json!({"steps": [1, 2, 3, 4], "world": 1}),
            json!({"steps": [1, 4], "world": 2}),
            2,
        ),
    ] {
        assert_eq!(differences(&a, &b).len(), facts, "{a} against {b}");
    }
}
