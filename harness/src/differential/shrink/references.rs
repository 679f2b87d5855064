//! Named things that can only go together with the steps, statements and list entries that speak of them.

use serde_json::{Map, Value};

use super::tree::{Path, Segment, remove};

/// Something with a name that other parts speak of.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Named {
    /// Where it stands; none for a saved value.
    pub(super) place: Option<Path>,
    /// Texts that speak of it: any of them, anywhere in a text.
    marks: Vec<String>,
    /// Whole texts that name it.
    exact: String,
}

/// Everything with a name: identities, keys, grants, buckets, objects, functions, managed policies, saved values.
pub(super) fn named_things(tree: &Value) -> Vec<Named> {
    let mut found = Vec::new();
    if let Some(steps) = tree.get("steps").and_then(Value::as_array) {
        for name in steps
            .iter()
            .rev()
            .filter_map(|step| step.get("save")?.as_object())
            .flat_map(Map::keys)
        {
            found.push(Named {
                place: None,
                marks: vec![format!("{{{{saved.{name}}}}}")],
                exact: format!("{{{{saved.{name}}}}}"),
            });
        }
    }
    let kinds = [
        ("buckets", "bucket"),
        ("functions", "function"),
        ("backup_vaults", "backup_vault"),
        ("keys", "key"),
        ("roles", "role"),
        ("users", "user"),
        ("groups", "group"),
        ("managed_policies", "managed_policy"),
        ("vpc_endpoints", "vpc_endpoint"),
    ];
    let Some(accounts) = tree.pointer("/world/accounts").and_then(Value::as_object) else {
        return found;
    };
    for (account, spec) in accounts {
        for (map, kind) in kinds {
            for (name, entry) in spec.get(map).and_then(Value::as_object).into_iter().flatten() {
                let place = ["world", "accounts", account, map, name]
                    .map(|name| Segment::Member(name.to_owned()))
                    .to_vec();
                for (grant, _) in entry.get("grants").and_then(Value::as_object).into_iter().flatten() {
                    let place = [
                        place.clone(),
                        ["grants", grant].map(|name| Segment::Member(name.to_owned())).to_vec(),
                    ]
                    .concat();
                    let mark = format!("key.{name}.grant.{grant}.");
                    found.push(Named {
                        place: Some(place),
                        marks: vec![mark.clone()],
                        exact: mark,
                    });
                }
                let marks = vec![format!("{kind}.{name}."), format!("{kind}[\"{name}\"]")];
                found.push(Named {
                    place: Some(place),
                    marks,
                    exact: name.clone(),
                });
            }
        }
    }
    found
}

/// The tree without a thing and without the steps, statements and list entries that speak of it.
pub(super) fn without(tree: &Value, thing: &Named) -> Value {
    let mut smaller = tree.clone();
    if let Some(place) = &thing.place {
        remove(&mut smaller, place);
    }
    if let Some(Value::Array(steps)) = smaller.get_mut("steps") {
        for step in steps.iter_mut() {
            if let (None, Some(Value::Object(save))) = (&thing.place, step.get_mut("save")) {
                save.retain(|name, _| thing.exact != format!("{{{{saved.{name}}}}}"));
            }
        }
        steps.retain(|step| !speaks_of(step, thing));
    }
    if let Some(world) = smaller.get_mut("world") {
        drop_entries(world, thing);
    }
    smaller
}

/// List entries that speak of the thing, innermost first: a name in a list before the statement that holds the list.
fn drop_entries(tree: &mut Value, thing: &Named) {
    match tree {
        Value::Object(members) => members.values_mut().for_each(|member| drop_entries(member, thing)),
        // A list of nothing else stays whole: it goes with what holds it.
        Value::Array(entries) if entries.iter().any(|entry| !speaks_of(entry, thing)) => {
            entries.iter_mut().for_each(|entry| drop_entries(entry, thing));
            entries.retain(|entry| !speaks_of(entry, thing));
        }
        _ => {}
    }
}

fn speaks_of(tree: &Value, thing: &Named) -> bool {
    match tree {
        Value::String(text) => *text == thing.exact || thing.marks.iter().any(|mark| text.contains(mark)),
        Value::Array(entries) => entries.iter().any(|entry| speaks_of(entry, thing)),
        Value::Object(members) => members.values().any(|member| speaks_of(member, thing)),
        _ => false,
    }
}
