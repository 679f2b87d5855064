//! Flipping pairs: for every deciding rule two cases that differ in one fact, come out differently, and both name the rule.
//! The pairs are data under `scenarios/evaluator/pairs/`; here they are gathered, run and judged, and the table rule × outcome is made.
#![forbid(unsafe_code)]

mod difference;
mod generated;
mod invariants;
mod side;
mod table;

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::Path;

use countersign_model::case::{Case, Syntax, load_all};
use countersign_model::rule::catalogue;
use jiff::civil::{Date, date};
use serde::Deserialize;

use difference::differences;
use side::{Side, sides};

/// The suite's current date, for cases without `as_of`.
pub(crate) const TODAY: Date = date(2026, 11, 22);

/// Every pair's case, or its two cases, by what their ids share.
pub(crate) fn pairs() -> BTreeMap<String, Vec<Case>> {
    let mut pairs: BTreeMap<String, Vec<Case>> = BTreeMap::new();
    for case in cases_in("evaluator/pairs").into_iter().chain(generated::cases()) {
        let base = case
            .id
            .strip_suffix(".a")
            .or_else(|| case.id.strip_suffix(".b"))
            .unwrap_or(&case.id);
        assert!(
            base.starts_with("iam.pair.") || base.starts_with("svc.pair."),
            "{}: pairs are named after a rule",
            case.id
        );
        pairs.entry(base.to_owned()).or_default().push(case);
    }
    pairs
}

/// The cases of a folder under `scenarios/`, in the order of files and documents, without the folders in it.
pub(crate) fn cases_in(folder: &str) -> Vec<Case> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../scenarios").join(folder);
    let entries = fs::read_dir(&folder).unwrap_or_else(|error| panic!("{}: {error}", folder.display()));
    let mut files: Vec<_> = entries
        .map(|entry| entry.expect("the folder can be listed").path())
        .filter(|path| path.extension().is_some_and(|extension| extension == "yaml"))
        .collect();
    files.sort();
    let mut cases = Vec::new();
    for file in files {
        let text = fs::read_to_string(&file).unwrap_or_else(|error| panic!("{}: {error}", file.display()));
        let name = file.display().to_string();
        cases.extend(load_all(&name, &text, Syntax::Yaml).unwrap_or_else(|error| panic!("{error}")));
    }
    cases
}

/// The ids of the rules of iam.md that decide something.
pub(crate) fn deciding_iam_rules() -> BTreeSet<String> {
    deciding_rules("iam:")
}

fn deciding_rules(document: &str) -> BTreeSet<String> {
    catalogue()
        .values()
        .filter(|entry| entry.is_deciding() && entry.id.as_str().starts_with(document))
        .map(|entry| entry.id.to_string())
        .collect()
}

/// The rules of services.md that have no pair yet, in groups with the reason.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct WithoutPair {
    group: Vec<WithoutPairGroup>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct WithoutPairGroup {
    rules: Vec<String>,
    reason: String,
}

#[test]
fn every_pair_flips_on_one_fact_and_names_its_rules() {
    let mut faults = Vec::new();
    for (id, cases) in pairs() {
        match sides(&cases) {
            Ok([a, b]) => faults.extend(judge(&a, &b).into_iter().map(|fault| format!("{id}: {fault}"))),
            Err(fault) => faults.push(format!("{id}: {fault}")),
        }
    }
    assert!(faults.is_empty(), "{} faults\n{}", faults.len(), faults.join("\n"));
}

/// What is wrong with a pair.
fn judge(a: &Side, b: &Side) -> Vec<String> {
    let mut faults: Vec<String> = a.faults.iter().chain(&b.faults).cloned().collect();
    let facts = differences(&a.input, &b.input);
    if facts.len() != 1 {
        faults.push(format!("{} facts differ: {facts:?}", facts.len()));
    }
    if a.outcome == b.outcome {
        faults.push(format!("both come out as {}", a.outcome));
    }
    if a.about != b.about {
        faults.push("the two cases are about different rules".to_owned());
    }
    for (side, name) in [(a, "a"), (b, "b")] {
        let lost: Vec<&String> = side.about.iter().filter(|id| !side.named.contains(*id)).collect();
        if !lost.is_empty() {
            faults.push(format!("the trace of {name} does not name {lost:?}: {:?}", side.named));
        }
    }
    faults
}

#[test]
fn every_deciding_rule_has_a_pair() {
    let covered: BTreeSet<String> = pairs().into_values().flatten().flat_map(|case| case.rules).collect();
    let wanted = deciding_iam_rules();
    assert!(
        wanted.len() > 300,
        "only {} deciding rules: the search is broken",
        wanted.len()
    );
    let missing: Vec<&String> = wanted.difference(&covered).collect();
    assert!(
        missing.is_empty(),
        "{} rules without a pair: {missing:?}",
        missing.len()
    );
    let idle: Vec<&String> = covered
        .iter()
        .filter(|id| id.starts_with("iam:"))
        .filter(|id| !wanted.contains(*id))
        .collect();
    assert!(idle.is_empty(), "pairs for rules that decide nothing: {idle:?}");
}

/// A pair for every deciding rule of services.md, but for those in `svc_missing.toml`, which may only get fewer.
#[test]
fn every_deciding_service_rule_has_a_pair_or_a_reason() {
    let covered: BTreeSet<String> = pairs().into_values().flatten().flat_map(|case| case.rules).collect();
    let list: WithoutPair = toml::from_str(include_str!("svc_missing.toml")).expect("the list is TOML of its type");
    let mut excused = BTreeSet::new();
    for group in list.group {
        assert!(!group.reason.is_empty(), "{:?}: why?", group.rules);
        for id in group.rules {
            assert!(excused.insert(id.clone()), "{id} is excused twice");
        }
    }
    let wanted = deciding_rules("svc:");
    assert!(
        wanted.len() > 200,
        "only {} deciding rules: the search is broken",
        wanted.len()
    );
    let missing: Vec<&String> = wanted
        .difference(&covered)
        .filter(|id| !excused.contains(*id))
        .collect();
    assert!(
        missing.is_empty(),
        "{} rules without a pair: {missing:?}",
        missing.len()
    );
    let done: Vec<&String> = excused.intersection(&covered).collect();
    assert!(done.is_empty(), "these have a pair, take them off the list: {done:?}");
    let unknown: Vec<&String> = excused.difference(&wanted).collect();
    assert!(unknown.is_empty(), "no deciding rules: {unknown:?}");
    println!(
        "{} of {} rules of services.md have a pair",
        wanted.len() - excused.len(),
        wanted.len()
    );
}
