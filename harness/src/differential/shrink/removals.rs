//! What may be taken away alone: every member and list entry that a case can be without.

use serde_json::Value;

use super::tree::{Path, Segment, in_condition, last_name};

/// Members that are never taken away: what identifies a case, what a step or a statement cannot be without.
const KEPT: &[&str] = &[
    "$schema",
    "countersign",
    "id",
    "origin",
    "title",
    "source",
    "steps",
    "accounts",
    "as",
    "call",
    "Version",
    "Statement",
    "Effect",
    "Principal",
    "NotPrincipal",
    "Action",
    "NotAction",
    "Resource",
    "NotResource",
    "management_account",
    "name",
    "kind",
    "spec",
    "role",
    "user",
    "root",
    "federated_user",
    "service",
    "by",
];
/// Members with these names are taken away all the same where they stand for something else: an account's map, an organization's node.
const KEPT_IN_STEP_ONLY: &[&str] = &[
    "name",
    "kind",
    "role",
    "user",
    "root",
    "federated_user",
    "service",
    "by",
];
/// Lists that must keep one entry to mean anything.
const NEVER_EMPTY: &[&str] = &[
    "Statement",
    "Action",
    "NotAction",
    "Resource",
    "NotResource",
    "AWS",
    "Service",
    "Operations",
    "steps",
];

/// Every place that may be taken away, parents before children, list entries from the back.
pub(super) fn removals(tree: &Value) -> Vec<Path> {
    let mut found = Vec::new();
    collect_removals(tree, &mut Vec::new(), &mut found);
    found
}

fn collect_removals(tree: &Value, path: &mut Path, found: &mut Vec<Path>) {
    match tree {
        Value::Object(members) => {
            for (name, member) in members {
                path.push(Segment::Member(name.clone()));
                if may_remove_member(path, name) {
                    found.push(path.clone());
                }
                if !is_opaque(path) {
                    collect_removals(member, path, found);
                }
                path.pop();
            }
        }
        Value::Array(entries) => {
            let fixed = entries.len() == 1
                && last_name(path).is_some_and(|name| NEVER_EMPTY.contains(&name) || in_condition(path));
            for (index, entry) in entries.iter().enumerate().rev() {
                path.push(Segment::Entry(index));
                if !fixed {
                    found.push(path.clone());
                }
                collect_removals(entry, path, found);
                path.pop();
            }
        }
        _ => {}
    }
}

fn may_remove_member(path: &Path, name: &str) -> bool {
    let in_step = matches!(path.first(), Some(Segment::Member(top)) if top == "steps");
    // A map keyed by names chosen by people: whatever the name, the entry may go.
    let named_entry = path.len() >= 2
        && matches!(&path[path.len() - 2], Segment::Member(map)
            if matches!(map.as_str(), "accounts" | "managed_policies" | "users" | "groups" | "roles" | "keys" | "buckets" | "functions"
                | "backup_vaults" | "vpc_endpoints" | "policies" | "grants" | "objects" | "tags" | "units" | "quirks" | "save" | "context"));
    if named_entry {
        return true;
    }
    if !in_step && KEPT_IN_STEP_ONLY.contains(&name) {
        // In the world: `root` of an organization, `role` of a function; the format says which are needed.
        return true;
    }
    !KEPT.contains(&name)
}

/// Parts that are whole or not at all.
fn is_opaque(path: &Path) -> bool {
    matches!(last_name(path), Some("origin" | "$schema" | "source"))
}
