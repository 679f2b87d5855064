//! A case as the tree of members and entries it is in a file: paths into it and changes of it. What a change is good for is not known
//! here.

use std::fmt;

use serde::Serialize;
use serde_json::{Map, Value};

/// One step down the tree.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(untagged)]
pub enum Segment {
    /// The member of a mapping.
    Member(String),
    /// The entry of a list, from 0.
    Entry(usize),
}

/// A place in a case: `world.accounts."111122223333".keys.example.policy.Statement[0]`.
#[derive(Debug, Clone, Default, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(transparent)]
pub struct Path(Vec<Segment>);

impl Path {
    /// The path of members with these names.
    pub fn of<'a>(names: impl IntoIterator<Item = &'a str>) -> Self {
        Self(names.into_iter().map(|name| Segment::Member(name.to_owned())).collect())
    }

    /// The member below this place.
    pub fn member(&self, name: &str) -> Self {
        self.below(Segment::Member(name.to_owned()))
    }

    /// The entry below this place.
    pub fn entry(&self, position: usize) -> Self {
        self.below(Segment::Entry(position))
    }

    /// The steps from the root.
    pub fn segments(&self) -> &[Segment] {
        &self.0
    }

    /// The place above this one, and the step from there.
    pub fn split_last(&self) -> Option<(Self, &Segment)> {
        let (last, above) = self.0.split_last()?;
        Some((Self(above.to_vec()), last))
    }

    fn below(&self, segment: Segment) -> Self {
        let mut path = self.clone();
        path.0.push(segment);
        path
    }
}

impl fmt::Display for Path {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (position, segment) in self.0.iter().enumerate() {
            match segment {
                Segment::Entry(entry) => write!(formatter, "[{entry}]")?,
                Segment::Member(name) => {
                    if position > 0 {
                        formatter.write_str(".")?;
                    }
                    let plain = name.starts_with(|letter: char| letter.is_ascii_alphabetic())
                        && name
                            .chars()
                            .all(|letter| letter.is_ascii_alphanumeric() || "_-".contains(letter));
                    if plain {
                        formatter.write_str(name)?;
                    } else {
                        write!(formatter, "{name:?}")?;
                    }
                }
            }
        }
        Ok(())
    }
}

/// What is done at a place.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Operation {
    /// The value is added at the end of the list at the path. A single value there becomes the first entry, and nothing an empty list.
    Append,
    /// The value is put before the entry at the path.
    Insert,
    /// The value at the path is this one.
    Set,
    /// What stands at the path goes.
    Remove,
}

/// One change of a case.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Edit {
    /// What it does, in words.
    pub words: String,
    /// How.
    pub operation: Operation,
    /// Where.
    pub path: Path,
    /// What is added or set.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub value: Option<Value>,
    /// What was there.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub was: Option<Value>,
}

impl Edit {
    /// Adds a value to a list.
    pub(super) fn append(words: impl Into<String>, path: Path, value: Value) -> Self {
        Self {
            words: words.into(),
            operation: Operation::Append,
            path,
            value: Some(value),
            was: None,
        }
    }

    /// Puts a value before an entry.
    pub(super) fn insert(words: impl Into<String>, path: Path, value: Value) -> Self {
        Self {
            operation: Operation::Insert,
            ..Self::append(words, path, value)
        }
    }

    /// Sets a value; the tree tells what was there.
    pub(super) fn set(words: impl Into<String>, path: Path, value: Value, tree: &Value) -> Self {
        let was = get(tree, &path);
        Self {
            operation: Operation::Set,
            was,
            ..Self::append(words, path, value)
        }
    }

    /// Takes away what is at a place; nothing if there is nothing.
    pub(super) fn remove(words: impl Into<String>, path: Path, tree: &Value) -> Option<Self> {
        let was = get(tree, &path)?;
        Some(Self {
            words: words.into(),
            operation: Operation::Remove,
            path,
            value: None,
            was: Some(was),
        })
    }

    /// How many single values it adds, removes or replaces.
    pub fn size(&self) -> usize {
        let added = self.value.as_ref().map_or(0, leaves);
        let removed = self.was.as_ref().map_or(0, leaves);
        added.max(removed)
    }

    /// What makes it this change, wherever earlier changes moved its place to.
    pub(super) fn identity(&self) -> String {
        let value = self.value.as_ref().or(self.was.as_ref()).map(Value::to_string);
        format!("{:?}|{}|{}", self.operation, self.words, value.unwrap_or_default())
    }

    /// The tree with the change made; nothing if the place is not there or the value there cannot be changed so.
    pub fn apply(&self, tree: &Value) -> Option<Value> {
        let mut changed = tree.clone();
        change_at(&mut changed, self.path.segments(), self)?;
        Some(changed)
    }
}

/// The value at a place. Policies given as texts are read on the way.
pub(super) fn get(tree: &Value, path: &Path) -> Option<Value> {
    fn down(value: &Value, path: &[Segment]) -> Option<Value> {
        let Some((first, rest)) = path.split_first() else {
            return Some(value.clone());
        };
        match (value, first) {
            (Value::String(text), _) => down(&read_verbatim(text)?, path),
            (Value::Object(members), Segment::Member(name)) => down(members.get(name)?, rest),
            (Value::Array(entries), Segment::Entry(entry)) => down(entries.get(*entry)?, rest),
            // A single statement stands for a list of one (`iam:G-08`).
            (Value::Object(_), Segment::Entry(0)) => down(value, rest),
            _ => None,
        }
    }
    down(tree, path.segments())
}

/// The number of single values in a value.
fn leaves(value: &Value) -> usize {
    match value {
        Value::Array(entries) => entries.iter().map(leaves).sum::<usize>().max(1),
        Value::Object(members) => members.values().map(leaves).sum::<usize>().max(1),
        _ => 1,
    }
}

fn change_at(value: &mut Value, path: &[Segment], edit: &Edit) -> Option<()> {
    if let Value::String(text) = value {
        let mut document = read_verbatim(text)?;
        change_at(&mut document, path, edit)?;
        *text = document.to_string();
        return Some(());
    }
    match path {
        [] => None,
        [last] => change(value, last, edit),
        [first, rest @ ..] => {
            let below = match (&mut *value, first) {
                // Only what is set may need mappings around it that are not there yet.
                (Value::Object(members), Segment::Member(name)) if edit.operation == Operation::Set => {
                    members.entry(name.clone()).or_insert_with(|| Value::Object(Map::new()))
                }
                (Value::Object(members), Segment::Member(name)) => members.get_mut(name)?,
                (Value::Array(entries), Segment::Entry(entry)) => entries.get_mut(*entry)?,
                (Value::Object(_), Segment::Entry(0)) => value,
                _ => return None,
            };
            change_at(below, rest, edit)
        }
    }
}

fn change(parent: &mut Value, last: &Segment, edit: &Edit) -> Option<()> {
    match (edit.operation, parent, last) {
        (Operation::Remove, Value::Object(members), Segment::Member(name)) => {
            members.shift_remove(name)?;
        }
        (Operation::Remove, Value::Array(entries), Segment::Entry(entry)) if *entry < entries.len() => {
            entries.remove(*entry);
        }
        (Operation::Insert, Value::Array(entries), Segment::Entry(entry)) if *entry <= entries.len() => {
            entries.insert(*entry, edit.value.clone()?);
        }
        (Operation::Set, Value::Object(members), Segment::Member(name)) => {
            members.insert(name.clone(), edit.value.clone()?);
        }
        (Operation::Set, Value::Array(entries), Segment::Entry(entry)) => {
            *entries.get_mut(*entry)? = edit.value.clone()?;
        }
        (Operation::Append, Value::Object(members), Segment::Member(name)) => {
            append(members.entry(name.clone()).or_insert(Value::Null), edit.value.clone()?);
        }
        (Operation::Append, Value::Array(entries), Segment::Entry(entry)) => {
            append(entries.get_mut(*entry)?, edit.value.clone()?);
        }
        _ => return None,
    }
    Some(())
}

fn append(list: &mut Value, value: Value) {
    if let Value::Array(entries) = list {
        entries.push(value);
        return;
    }
    let single = list.take();
    let before = (!single.is_null()).then_some(single);
    *list = before.into_iter().chain([value]).collect();
}

/// A policy given as a text, if it can be written back without a loss: a text with duplicate members or the like cannot.
fn read_verbatim(text: &str) -> Option<Value> {
    let value: Value = serde_json::from_str(text).ok()?;
    let quotes = |text: &str| text.bytes().filter(|byte| *byte == b'"').count();
    (value.is_object() && quotes(text) == quotes(&value.to_string())).then_some(value)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn changes_reach_lists_single_values_and_verbatim_texts() {
        let tree = json!({
            "a": {"Statement": [1, 2]},
            "b": {"Statement": {"Effect": "Deny"}},
            "c": "{\"Statement\": [{\"Sid\": \"x\"}]}",
            "d": "{\"Statement\": [], \"Statement\": []}",
        });
        let append = |name: &str| Edit::append("", Path::of([name, "Statement"]), json!("new")).apply(&tree);
        assert_eq!(append("a").expect("a list")["a"], json!({"Statement": [1, 2, "new"]}));
        assert_eq!(
            append("b").expect("a single value")["b"],
            json!({"Statement": [{"Effect": "Deny"}, "new"]})
        );
        assert_eq!(
            append("c").expect("a policy as a text")["c"],
            json!("{\"Statement\":[{\"Sid\":\"x\"},\"new\"]}")
        );
        assert_eq!(append("d"), None, "a text with a duplicate member is left alone");
        let removed = Edit::remove("", Path::of(["a", "Statement"]).entry(0), &tree).expect("it is there");
        assert_eq!(removed.was, Some(json!(1)));
        assert_eq!(
            removed.apply(&tree).expect("it is there")["a"],
            json!({"Statement": [2]})
        );
        assert_eq!(Edit::remove("", Path::of(["x"]), &tree), None);
        let set = Edit::set("", Path::of(["e", "f"]), json!([1, 2]), &tree);
        assert_eq!(set.apply(&tree).expect("mappings are made")["e"], json!({"f": [1, 2]}));
        assert_eq!(set.size(), 2);
    }

    #[test]
    fn paths_read_well() {
        let path = Path::of(["world", "accounts", "111122223333", "roles", "R.x"]).entry(3);
        assert_eq!(path.to_string(), "world.accounts.\"111122223333\".roles.\"R.x\"[3]");
    }
}
