//! Short names for what a shrunk case still names. A name changes wherever it stands; whether the case still fails under it is asked,
//! so a text that only looks like the name does no harm.

use serde_json::{Map, Value};

use super::references::named_things;
use super::tree::{Path, Segment};

/// The case under each name that could be shorter, one at a time.
pub(super) fn renamed(tree: &Value) -> Vec<Value> {
    named_things(tree)
        .into_iter()
        .filter_map(|thing| {
            let place = thing.place?;
            let [
                Segment::Member(_),
                Segment::Member(_),
                Segment::Member(_),
                Segment::Member(map),
                Segment::Member(name),
            ] = place.as_slice()
            else {
                return None;
            };
            let short = short_name(tree, &place, map)?;
            (short.len() + 1 < name.len()).then(|| rename(tree, &place, map, name, &short))
        })
        .collect()
}

/// The first letter of the kind; with a number where it is taken.
fn short_name(tree: &Value, place: &Path, map: &str) -> Option<String> {
    let letter = map.get(..1)?;
    // A bucket's name has at least three characters.
    let stem = if map == "buckets" { "bkt" } else { letter };
    let account = ["world", "accounts"]
        .iter()
        .try_fold(tree, |tree, name| tree.get(name))?;
    let Segment::Member(owner) = &place[2] else { return None };
    let taken = account.get(owner)?.get(map)?.as_object()?;
    std::iter::once(stem.to_owned())
        .chain((2..10).map(|number| format!("{stem}{number}")))
        .find(|name| !taken.contains_key(name))
}

fn rename(tree: &Value, place: &Path, map: &str, name: &str, short: &str) -> Value {
    let kind = map.trim_end_matches('s').replace("managed_policie", "managed_policy");
    let mut renamed = in_texts(
        tree,
        &[
            (format!("{kind}.{name}."), format!("{kind}.{short}.")),
            (format!("{kind}[\"{name}\"]"), format!("{kind}[\"{short}\"]")),
        ],
        (name, short),
    );
    let holder = place[..place.len() - 1]
        .iter()
        .try_fold(&mut renamed, |tree, segment| match segment {
            Segment::Member(name) => tree.get_mut(name),
            Segment::Entry(index) => tree.get_mut(*index),
        });
    if let Some(Value::Object(members)) = holder {
        let entries: Map<String, Value> = std::mem::take(members)
            .into_iter()
            .map(|(key, value)| (if key == name { short.to_owned() } else { key }, value))
            .collect();
        *members = entries;
    }
    renamed
}

fn in_texts(tree: &Value, marks: &[(String, String)], (name, short): (&str, &str)) -> Value {
    match tree {
        Value::String(text) if text == name => Value::from(short),
        Value::String(text) => {
            let changed = marks
                .iter()
                .fold(text.clone(), |text, (mark, other)| text.replace(mark, other));
            Value::from(changed)
        }
        Value::Array(entries) => entries
            .iter()
            .map(|entry| in_texts(entry, marks, (name, short)))
            .collect(),
        Value::Object(members) => members
            .iter()
            .map(|(key, value)| (key.clone(), in_texts(value, marks, (name, short))))
            .collect(),
        other => other.clone(),
    }
}
