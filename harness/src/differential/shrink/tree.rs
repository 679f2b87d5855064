//! Places in the tree of a case, and what is done at one: find, remove, replace. Which places are worth a try is not known here.

use serde_json::Value;

/// A place in the tree.
pub(super) type Path = Vec<Segment>;

#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Segment {
    Member(String),
    Entry(usize),
}

pub(super) fn last_name(path: &Path) -> Option<&str> {
    path.iter().rev().find_map(|segment| match segment {
        Segment::Member(name) => Some(name.as_str()),
        Segment::Entry(_) => None,
    })
}

pub(super) fn in_condition(path: &Path) -> bool {
    path.iter()
        .any(|segment| matches!(segment, Segment::Member(name) if name == "Condition"))
}

pub(super) fn remove(tree: &mut Value, path: &Path) -> bool {
    let Some((last, parents)) = path.split_last() else {
        return false;
    };
    let Some(parent) = find(tree, parents) else {
        return false;
    };
    match (parent, last) {
        // Order matters to the reader: what follows keeps its place.
        (Value::Object(members), Segment::Member(name)) => members.shift_remove(name).is_some(),
        (Value::Array(entries), Segment::Entry(index)) if *index < entries.len() => {
            entries.remove(*index);
            true
        }
        _ => false,
    }
}

fn find<'t>(tree: &'t mut Value, path: &[Segment]) -> Option<&'t mut Value> {
    path.iter().try_fold(tree, |place, segment| match segment {
        Segment::Member(name) => place.get_mut(name),
        Segment::Entry(index) => place.get_mut(*index),
    })
}

pub(super) fn replace(tree: &mut Value, path: &Path, simple: Value) -> bool {
    match find(tree, path) {
        Some(place) if *place != simple => {
            *place = simple;
            true
        }
        _ => false,
    }
}
