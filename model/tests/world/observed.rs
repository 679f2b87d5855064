//! Every line of `spec/observed.jsonl` is a case or stands in the list of those that are none, with the reason; none is both.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};

use countersign_model::case::{Case, StepKind, Syntax, load_all};
use serde_json::Value;

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..")
}

fn ids() -> Vec<String> {
    let text = include_str!("../../spec/observed.jsonl");
    text.lines()
        .map(|line| {
            let line: Value = serde_json::from_str(line).expect("every line is JSON");
            line["id"].as_str().expect("every line has an id").to_owned()
        })
        .collect()
}

fn list(text: &str) -> BTreeMap<String, String> {
    toml::from_str(text).expect("the list is TOML: id to text")
}

fn cases() -> Vec<Case> {
    let mut cases = Vec::new();
    let scenarios = root().join("scenarios");
    for folder in [
        scenarios.clone(),
        scenarios.join("stories"),
        scenarios.join("evaluator"),
        scenarios.join("evaluator/pairs"),
    ] {
        for entry in fs::read_dir(&folder).expect("the corpus is in the tree") {
            let path = entry.expect("it can be listed").path();
            if path.extension().is_some_and(|extension| extension == "yaml") {
                let name = path.display().to_string();
                let text = fs::read_to_string(&path).expect("it can be read");
                cases.extend(load_all(&name, &text, Syntax::Yaml).unwrap_or_else(|error| panic!("{error:?}")));
            }
        }
    }
    cases
}

#[test]
fn every_observed_line_is_a_case_or_has_a_reason() {
    let ids = ids();
    let known: BTreeSet<&str> = ids.iter().map(String::as_str).collect();
    assert_eq!(known.len(), ids.len(), "ids are unique");
    let cases = cases();
    let case_ids: BTreeSet<&str> = cases.iter().map(|case| case.id.as_str()).collect();
    let by_name: BTreeSet<&str> = cases
        .iter()
        .filter(|case| case.id.starts_with("observed."))
        .flat_map(|case| &case.steps)
        .filter(|step| step.kind() == StepKind::Observed)
        .filter_map(|step| step.name()?.split(' ').next())
        .collect();
    let by_case = list(include_str!("../../spec/observed_cases.toml"));
    let without = list(include_str!("../../spec/observed_without_case.toml"));
    let mut faults = Vec::new();
    for id in &ids {
        let places = [
            by_name.contains(id.as_str()),
            by_case.contains_key(id),
            without.contains_key(id),
        ];
        let count = places.iter().filter(|is_there| **is_there).count();
        if count != 1 {
            faults.push(format!("{id} stands in {count} places"));
        }
    }
    for unknown in by_name
        .iter()
        .copied()
        .chain(by_case.keys().chain(without.keys()).map(String::as_str))
        .filter(|id| !known.contains(id))
    {
        faults.push(format!("{unknown} is no line of observed.jsonl"));
    }
    for (id, case) in &by_case {
        if !case_ids.contains(case.as_str()) {
            faults.push(format!("{id}: there is no case `{case}`"));
        }
    }
    for (id, reason) in &without {
        if reason.len() < 20 {
            faults.push(format!("{id}: `{reason}` is no reason"));
        }
    }
    assert!(faults.is_empty(), "{}:\n{}", faults.len(), faults.join("\n"));
}
