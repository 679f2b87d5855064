//! The expected steps of the five documents (`svc:14`) and the riskiest traps (`svc:17`), each in the corpus and agreeing over the wire.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use countersign::scenario;
use countersign_model::case::Case;
use serde::Deserialize;

use crate::probe::{run, target};

/// `corpus.toml`: what the specification lists.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Listed {
    /// How many expected steps each document has, by its number.
    steps: BTreeMap<String, usize>,
    trap: Vec<Trap>,
}

/// One trap.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Trap {
    number: usize,
    says: String,
    /// The rules it is about.
    rules: BTreeSet<String>,
    /// Cases that show it; together they are about all its rules.
    cases: Vec<String>,
}

fn listed() -> Listed {
    toml::from_str(include_str!("corpus.toml")).expect("corpus.toml is of its form")
}

/// Cases with a world, by id.
fn worlds() -> BTreeMap<String, Case> {
    let corpus: PathBuf = Path::new(env!("CARGO_MANIFEST_DIR")).join("../scenarios");
    let files = scenario::files(&corpus).expect("the corpus can be read");
    files
        .iter()
        .flat_map(|file| scenario::cases(file).expect("the corpus can be read"))
        .filter(|case| case.world.is_some())
        .map(|case| (case.id.clone(), case))
        .collect()
}

#[test]
fn every_expected_step_of_the_documents_passes_over_the_wire() {
    let worlds = worlds();
    let mut expected = BTreeSet::new();
    for (document, count) in listed().steps {
        expected.extend((1..=count).map(|number| format!("O-{document}-{number}")));
    }
    let (mut shown, mut target) = (BTreeSet::new(), target());
    for case in worlds.values() {
        let ids = |name: &str| -> Vec<String> {
            let words = name.split(|letter: char| !(letter.is_ascii_alphanumeric() || letter == '-'));
            words
                .filter(|word| expected.contains(*word))
                .map(str::to_owned)
                .collect()
        };
        let named: Vec<Vec<String>> = case
            .steps
            .iter()
            .map(|step| step.name().map(ids).unwrap_or_default())
            .collect();
        if named.iter().all(Vec::is_empty) {
            continue;
        }
        let report = run(case, &mut target).unwrap_or_else(|why| panic!("{}: {why}", case.id));
        assert!(report.agrees(), "{}", case.id);
        for (step, ids) in case.steps.iter().zip(named) {
            assert!(
                ids.is_empty() || step.expect().is_some(),
                "{}: {ids:?} expects nothing",
                case.id
            );
            shown.extend(ids);
        }
    }
    let missing: Vec<&String> = expected.difference(&shown).collect();
    assert!(missing.is_empty(), "no case shows {missing:?}");
    println!("{} expected steps of the documents pass over the wire", shown.len());
}

#[test]
fn every_trap_is_shown_over_the_wire() {
    let (worlds, mut target) = (worlds(), target());
    let traps = listed().trap;
    let numbers: Vec<usize> = traps.iter().map(|trap| trap.number).collect();
    assert_eq!(numbers, (1..=20).collect::<Vec<_>>(), "svc:17 lists 20 traps");
    let mut cases = 0;
    for trap in &traps {
        let mut rules = BTreeSet::new();
        for id in &trap.cases {
            let case = worlds
                .get(id)
                .unwrap_or_else(|| panic!("trap {}: there is no case `{id}`", trap.number));
            let report = run(case, &mut target).unwrap_or_else(|why| panic!("trap {}: {id}: {why}", trap.number));
            assert!(report.agrees(), "trap {}: {id}", trap.number);
            // A rule counts when an outcome says that it decided.
            let outcomes = report.steps.iter().filter_map(|step| step.expected.as_ref());
            rules.extend(
                outcomes
                    .flat_map(|outcome| outcome.all_rules())
                    .map(|rule| rule.to_string()),
            );
            cases += 1;
        }
        let missing: Vec<&String> = trap.rules.difference(&rules).collect();
        assert!(
            missing.is_empty(),
            "trap {} ({}): {missing:?} decide nothing",
            trap.number,
            trap.says
        );
    }
    println!("{} traps are shown by {cases} cases over the wire", traps.len());
}
