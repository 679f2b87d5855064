//! The catalogue of rules is whole: every rule id that the sources name is in it, and its entries are fit to be shown.
#![forbid(unsafe_code)]

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use countersign_model::quirks::Quirks;
use countersign_model::rule::{Status, catalogue, find, rule};

#[test]
fn every_rule_that_the_sources_name_is_in_the_catalogue() {
    let mut named = BTreeSet::new();
    let mut files = Vec::new();
    rust_files(&Path::new(env!("CARGO_MANIFEST_DIR")).join("src"), &mut files);
    for file in &files {
        let text = fs::read_to_string(file).unwrap_or_else(|error| panic!("{}: {error}", file.display()));
        named.extend(rule_ids(&text));
    }
    assert!(
        named.len() > 100,
        "only {} ids were found: the search is broken",
        named.len()
    );
    let missing: Vec<&String> = named.iter().filter(|id| find(id).is_none()).collect();
    assert!(missing.is_empty(), "not in rules.toml: {missing:?}");
}

#[test]
fn entries_are_one_line_with_a_source() {
    assert!(catalogue().len() > 500);
    for (id, entry) in catalogue() {
        assert_eq!(id, &entry.id);
        assert_eq!(rule_ids(id.as_str()), [id.to_string()], "`{id}` is not a rule id");
        let statement = &entry.statement;
        assert!(
            !statement.is_empty() && !statement.contains('\n') && !statement.ends_with('.'),
            "{id}: `{statement}`"
        );
        assert!(statement.len() <= 200, "{id}: a statement is one line");
        let source = &entry.source;
        let known = [
            "https://",
            "seed-",
            "services.md",
            "iam.md",
            "specification",
            "shared/spec",
        ];
        assert!(
            known.iter().any(|start| source.starts_with(start)),
            "{id}: `{source}` is not a source"
        );
    }
}

#[test]
fn every_switch_is_named_by_a_rule_and_exists() {
    let named: BTreeSet<&str> = catalogue()
        .values()
        .filter_map(|entry| entry.switch.as_deref())
        .collect();
    let switches: BTreeSet<&str> = Quirks::names().iter().copied().collect();
    assert_eq!(named, switches);
}

/// Every rule id of the specification, and none besides; read from it once and checked in.
#[test]
fn every_rule_of_the_specification_is_an_entry() {
    let listed: BTreeSet<&str> = ids(include_str!("../spec/rule_ids.txt")).collect();
    let entries: BTreeSet<&str> = catalogue().keys().map(|id| id.as_str()).collect();
    let missing: Vec<&&str> = listed.difference(&entries).collect();
    assert!(missing.is_empty(), "not in rules.toml: {missing:?}");
    let unknown: Vec<&&str> = entries.difference(&listed).collect();
    assert!(unknown.is_empty(), "not in spec/rule_ids.txt: {unknown:?}");
}

#[test]
fn at_most_a_tenth_is_out_of_scope_and_says_why() {
    let out_of_scope: Vec<&str> = catalogue()
        .values()
        .filter_map(|entry| entry.out_of_scope.as_deref())
        .collect();
    assert!(out_of_scope.iter().all(|reason| reason.len() > 20), "{out_of_scope:?}");
    let (few, all) = (out_of_scope.len(), catalogue().len());
    assert!(few * 10 <= all, "{few} of {all} rules are out of scope");
    println!("{all} rules, {few} out of scope");
}

/// Two readings that differ are a switch. Where a disputed rule has none, it says why a switch would be no use, and by what evidence: a page,
/// the errata, or another rule; and what is settled names its evidence in the same way.
#[test]
fn a_disputed_rule_has_its_switch_or_names_the_evidence_that_settles_it() {
    let mut without_switch = Vec::new();
    for entry in catalogue().values().filter(|entry| entry.is_deciding()) {
        if let Some(why) = &entry.settled_by {
            assert!(!why.is_empty() && !why.ends_with('.'), "{}: `{why}`", entry.id);
        }
        if entry.status != Status::Disputed || entry.switch.is_some() {
            continue;
        }
        let why = entry.settled_by.as_deref().unwrap_or_default();
        let names_a_rule = why
            .split(|letter: char| letter.is_whitespace() || ":,;".contains(letter))
            .any(|word| {
                ["iam", "svc"]
                    .iter()
                    .any(|document| find(&format!("{document}:{word}")).is_some())
            });
        assert!(
            why.contains("https://") || why.contains("errata") || names_a_rule,
            "{} is disputed, has no switch, and `{why}` names no evidence",
            entry.id
        );
        without_switch.push(entry.id.to_string());
    }
    // What AWS itself calls unpredictable, and nothing else.
    assert_eq!(without_switch, ["iam:C-02", "iam:OQ-15"]);
}

#[test]
fn an_id_finds_its_entry() {
    assert_eq!(
        rule("svc:K-20").entry().map(|entry| entry.id.as_str()),
        Some("svc:K-20")
    );
    assert!(find("svc:K-2000").is_none());
}

/// The ids of a checked-in list: one a line, `#` starts a comment.
fn ids(text: &str) -> impl Iterator<Item = &str> {
    text.lines().filter(|line| !line.is_empty() && !line.starts_with('#'))
}

fn rust_files(folder: &Path, files: &mut Vec<PathBuf>) {
    let entries = fs::read_dir(folder).unwrap_or_else(|error| panic!("{}: {error}", folder.display()));
    for entry in entries {
        let path = entry.expect("a folder of the crate can be listed").path();
        if path.is_dir() {
            rust_files(&path, files);
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            files.push(path);
        }
    }
}

/// Every `iam:X-1` and `svc:X-1a` of a text: prefix, capitals, a dash, digits, perhaps a small letter.
fn rule_ids(text: &str) -> Vec<String> {
    let mut found = Vec::new();
    for prefix in ["iam:", "svc:"] {
        for (start, _) in text.match_indices(prefix) {
            let rest = &text[start + prefix.len()..];
            let letters = rest.bytes().take_while(u8::is_ascii_uppercase).count();
            let Some(numbered) = rest[letters..].strip_prefix('-').filter(|_| letters > 0) else {
                continue;
            };
            let digits = numbered.bytes().take_while(u8::is_ascii_digit).count();
            if digits == 0 {
                continue;
            }
            let small = usize::from(numbered[digits..].starts_with(|letter: char| letter.is_ascii_lowercase()));
            found.push(format!("{prefix}{}", &rest[..letters + 1 + digits + small]));
        }
    }
    found
}
