//! Makes a failing case small: takes away whatever can go while a predicate still holds. The order is fixed, so the same case and
//! predicate give the same result. What "still fails" means is the caller's to say.
//!
//! A case is cut as the tree of members and list entries it is in a file: steps, accounts, identities, policies, statements, list
//! entries, conditions, grants, objects, organization units, parameters. What is left is 1-minimal: no single one of these removals
//! and simplifications can be made any more.

use countersign_model::case::{Case, Origin};
use serde_json::{Map, Value, json};

/// A shrunk case.
#[derive(Debug, Clone, PartialEq)]
pub struct Shrunk {
    /// The smallest case found.
    pub case: Case,
    /// How often the predicate was asked.
    pub evaluations: usize,
    /// Whether nothing more can be taken away: false when the budget ran out first.
    pub minimal: bool,
}

/// Shrinks a case as long as the predicate holds, asking it at most `budget` times. The predicate is not asked about the case itself.
///
/// A case that got smaller gets an id of its own, and its origin says what it was shrunk from.
pub fn shrink(case: &Case, budget: usize, still_fails: impl FnMut(&Case) -> bool) -> Shrunk {
    let Ok(tree) = serde_json::to_value(case) else {
        return Shrunk {
            case: case.clone(),
            evaluations: 0,
            minimal: false,
        };
    };
    let mut search = Search {
        best: tree,
        best_case: case.clone(),
        evaluations: 0,
        budget,
        still_fails,
    };
    let minimal = search.run();
    let (evaluations, mut smaller) = (search.evaluations, search.best_case);
    if smaller != *case {
        smaller.id = format!("{}.shrunk", case.id);
        if let Some(Origin::Generated { shrunk_from, .. }) = &mut smaller.origin {
            *shrunk_from = Some(case.id.clone());
        }
    }
    Shrunk {
        case: smaller,
        evaluations,
        minimal,
    }
}

/// A place in the tree.
type Path = Vec<Segment>;

#[derive(Debug, Clone, PartialEq, Eq)]
enum Segment {
    Member(String),
    Entry(usize),
}

struct Search<F> {
    best: Value,
    best_case: Case,
    evaluations: usize,
    budget: usize,
    still_fails: F,
}

impl<F: FnMut(&Case) -> bool> Search<F> {
    /// Whether the result is 1-minimal.
    fn run(&mut self) -> bool {
        loop {
            let before = self.best.clone();
            self.drop_steps();
            self.drop_with_references();
            self.drop_parts();
            self.simplify();
            if self.spent() {
                return false;
            }
            if self.best == before {
                return true;
            }
        }
    }

    fn spent(&self) -> bool {
        self.evaluations >= self.budget
    }

    /// Takes the candidate if it is a case and the predicate holds for it.
    fn accept(&mut self, candidate: Value) -> bool {
        // What is no case any more costs nothing to refuse.
        let Ok(case) = serde_json::from_value::<Case>(candidate.clone()) else {
            return false;
        };
        if case == self.best_case || self.spent() {
            return false;
        }
        self.evaluations += 1;
        if (self.still_fails)(&case) {
            self.best = candidate;
            self.best_case = case;
            return true;
        }
        false
    }

    /// Steps, in runs of halving length, from the back: what others depend on stands in front.
    fn drop_steps(&mut self) {
        let mut run = self.steps() / 2;
        while run > 1 {
            let mut end = self.steps();
            while end >= run && !self.spent() {
                let mut candidate = self.best.clone();
                if let Some(Value::Array(steps)) = candidate.get_mut("steps") {
                    steps.drain(end - run..end);
                }
                self.accept(candidate);
                end = (end - run).min(self.steps());
            }
            run /= 2;
        }
    }

    fn steps(&self) -> usize {
        self.best.get("steps").and_then(Value::as_array).map_or(0, Vec::len)
    }

    /// Every removal, larger parts before what is in them. After a success the parts are listed anew and the search goes on at the
    /// same position, where the next part stands now.
    fn drop_parts(&mut self) {
        let mut position = 0;
        let mut parts = removals(&self.best);
        while position < parts.len() && !self.spent() {
            let mut candidate = self.best.clone();
            if remove(&mut candidate, &parts[position]) && self.accept(candidate) {
                parts = removals(&self.best);
            } else {
                position += 1;
            }
        }
    }

    /// Named things together with the steps and statements that speak of them, and saved values with all their uses: neither could go
    /// alone.
    fn drop_with_references(&mut self) {
        let mut position = 0;
        let mut names = named_things(&self.best);
        while position < names.len() && !self.spent() {
            if self.accept(without(&self.best, &names[position])) {
                names = named_things(&self.best);
            } else {
                position += 1;
            }
        }
    }

    fn simplify(&mut self) {
        let mut position = 0;
        let mut rewrites = simplifications(&self.best);
        while position < rewrites.len() && !self.spent() {
            let (path, simple) = rewrites[position].clone();
            let mut candidate = self.best.clone();
            if replace(&mut candidate, &path, simple) && self.accept(candidate) {
                rewrites = simplifications(&self.best);
            } else {
                position += 1;
            }
        }
    }
}

// ---- the removals ----

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
fn removals(tree: &Value) -> Vec<Path> {
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

fn last_name(path: &Path) -> Option<&str> {
    path.iter().rev().find_map(|segment| match segment {
        Segment::Member(name) => Some(name.as_str()),
        Segment::Entry(_) => None,
    })
}

fn in_condition(path: &Path) -> bool {
    path.iter()
        .any(|segment| matches!(segment, Segment::Member(name) if name == "Condition"))
}

fn remove(tree: &mut Value, path: &Path) -> bool {
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

fn replace(tree: &mut Value, path: &Path, simple: Value) -> bool {
    match find(tree, path) {
        Some(place) if *place != simple => {
            *place = simple;
            true
        }
        _ => false,
    }
}

// ---- the removals with references ----

/// Something with a name that other parts speak of.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Named {
    /// Where it stands; none for a saved value.
    place: Option<Path>,
    /// Texts that speak of it: any of them, anywhere in a text.
    marks: Vec<String>,
    /// Whole texts that name it.
    exact: String,
}

/// Everything with a name: identities, keys, grants, buckets, objects, functions, managed policies, saved values.
fn named_things(tree: &Value) -> Vec<Named> {
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
fn without(tree: &Value, thing: &Named) -> Value {
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

// ---- the simplifications ----

/// Replacements that make a case easier to read: the root user instead of other callers, short bodies, a scalar for a list of one.
fn simplifications(tree: &Value) -> Vec<(Path, Value)> {
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

#[cfg(test)]
mod tests {
    use super::{Segment, removals, remove, shrink, simplifications};
    use countersign_model::case::Case;
    use serde_json::{Value, json};

    fn sample() -> Case {
        let allow = |action: &str| json!({"Effect": "Allow", "Action": [action, "kms:Sign"], "Resource": "*"});
        serde_json::from_value(json!({
            "countersign": 1,
            "id": "sample",
            "origin": {"generator": 1, "seed": 3, "case": 4},
            "as_of": "2025-01-08",
            "world": {
                "region": "us-east-1",
                "accounts": {
                    "111122223333": {
                        "users": {
                            "alice": {"policies": {"one": {"Version": "2012-10-17", "Statement": [allow("kms:Decrypt"), allow("kms:Encrypt")]}},
                                      "tags": {"team": "a"}},
                            "bob": {},
                        },
                        "keys": {"k": {"aliases": ["alias/a", "alias/b"], "grants": {"g": {"Operations": ["Decrypt", "Encrypt"]}}}},
                    },
                    "444455556666": {"roles": {"r": {}}},
                },
            },
            "steps": [
                {"as": {"user": "alice"}, "call": "kms:Encrypt", "with": {"KeyId": "{{key.k.arn}}", "Plaintext": {"text": "long text"}}, "save": {"c": "CiphertextBlob"}},
                {"as": {"role": "r", "session": "s"}, "call": "kms:Decrypt", "with": {"CiphertextBlob": "{{saved.c}}"}},
                {"advance": "10m"},
                {"as": {"user": "bob"}, "call": "kms:DescribeKey", "with": {"KeyId": "{{key.k.arn}}"}},
                {"as": {"user": "alice"}, "call": "kms:Decrypt", "with": {"CiphertextBlob": "{{saved.c}}"}},
            ],
        }))
        .expect("the sample is a case")
    }

    fn text(case: &Case) -> String {
        serde_json::to_string(case).expect("a case has a JSON form")
    }

    #[test]
    fn what_is_left_is_what_the_predicate_needs() {
        let shrunk = shrink(&sample(), 10_000, |case| {
            let text = text(case);
            text.contains("kms:Encrypt\",\"kms:Sign")
                && text.contains("\"call\":\"kms:Decrypt\"")
                && text.contains("alias/b")
        });
        assert!(shrunk.minimal);
        let text = text(&shrunk.case);
        for gone in [
            "444455556666",
            "bob",
            "alias/a",
            "as_of",
            "advance",
            "DescribeKey",
            "long text",
            "team",
            "grants",
            "[\"kms:Decrypt\"",
        ] {
            assert!(!text.contains(gone), "{gone} is still there: {text}");
        }
        assert_eq!(shrunk.case.steps.len(), 1);
        assert_eq!(shrunk.case.id, "sample.shrunk");
        assert!(text.contains("\"shrunk_from\":\"sample\""), "{text}");
    }

    #[test]
    fn the_result_is_one_minimal_over_every_removal_and_simplification() {
        let holds = |case: &Case| {
            let text = text(case);
            text.matches("kms:").count() >= 4
                && text.contains("{{saved.c}}")
                && text.contains("\"save\"")
                && text.contains("Condition").eq(&false)
        };
        let shrunk = shrink(&sample(), 10_000, holds);
        assert!(shrunk.minimal && holds(&shrunk.case));
        let tree = serde_json::to_value(&shrunk.case).expect("a case has a JSON form");
        let mut tried = 0;
        for path in removals(&tree) {
            let mut smaller = tree.clone();
            assert!(remove(&mut smaller, &path));
            if let Ok(case) = serde_json::from_value::<Case>(smaller) {
                tried += 1;
                assert!(case == shrunk.case || !holds(&case), "{path:?} can still go");
            }
        }
        for (path, simple) in simplifications(&tree) {
            let mut simpler = tree.clone();
            assert!(super::replace(&mut simpler, &path, simple));
            assert!(
                !serde_json::from_value::<Case>(simpler).is_ok_and(|case| case != shrunk.case && holds(&case)),
                "{path:?}"
            );
        }
        assert!(tried > 0, "nothing was tried");
    }

    #[test]
    fn a_named_thing_goes_with_all_that_speaks_of_it() {
        // Neither the key nor the steps on it can go alone: a step without its key would be no case for this predicate.
        let holds = |case: &Case| {
            let text = text(case);
            let keys_and_users_agree = text.contains("\"keys\"") == text.contains("{{key.k.arn}}");
            keys_and_users_agree && text.contains("{{saved.c}}") == text.contains("\"save\"")
        };
        let shrunk = shrink(&sample(), 10_000, holds);
        assert!(shrunk.minimal);
        let text = text(&shrunk.case);
        assert!(!text.contains("key.k") && !text.contains("saved.c"), "{text}");
    }

    #[test]
    fn shrinking_is_deterministic_and_keeps_to_its_budget() {
        let predicate = |case: &Case| case.steps.len() >= 2 && text(case).contains("alice");
        let first = shrink(&sample(), 10_000, predicate);
        assert_eq!(first, shrink(&sample(), 10_000, predicate));
        let mut asked = 0;
        let short = shrink(&sample(), 7, |case| {
            asked += 1;
            predicate(case)
        });
        assert!(!short.minimal);
        assert_eq!((short.evaluations, asked), (7, 7));
    }

    #[test]
    fn a_case_that_cannot_shrink_is_left_alone() {
        let shrunk = shrink(&sample(), 10_000, |_| false);
        assert!(shrunk.minimal);
        assert_eq!(shrunk.case, sample());
    }

    #[test]
    fn every_listed_kind_of_part_is_a_removal() {
        let tree: Value = serde_json::to_value(sample()).expect("a case has a JSON form");
        let paths: Vec<String> = removals(&tree)
            .into_iter()
            .map(|path| {
                path.iter()
                    .map(|segment| match segment {
                        Segment::Member(name) => name.clone(),
                        Segment::Entry(index) => index.to_string(),
                    })
                    .collect::<Vec<_>>()
                    .join("/")
            })
            .collect();
        let account = "world/accounts/111122223333";
        for wanted in [
            "steps/2".to_owned(),
            "as_of".to_owned(),
            account.to_owned(),
            format!("{account}/users"),
            format!("{account}/users/alice"),
            format!("{account}/users/alice/policies/one"),
            format!("{account}/users/alice/policies/one/Statement/1"),
            format!("{account}/users/alice/policies/one/Statement/0/Action/0"),
            format!("{account}/keys/k/grants/g"),
            format!("{account}/keys/k/grants/g/Operations/1"),
            format!("{account}/keys/k/aliases/0"),
            "steps/0/with/Plaintext".to_owned(),
            "steps/1/as/session".to_owned(),
        ] {
            assert!(paths.contains(&wanted), "{wanted} is not among {paths:#?}");
        }
        for kept in ["id", "origin", "steps", "steps/0/as", "steps/0/call"] {
            assert!(!paths.iter().any(|path| path == kept), "{kept} may not go");
        }
    }
}
