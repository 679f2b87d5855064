//! Runs every evaluator case under `scenarios/evaluator/`: each expectation holds, and every rule a case is about is in some trace.

#![forbid(unsafe_code)]

use std::collections::BTreeSet;
use std::fs;
use std::path::PathBuf;

use countersign_model::case::{Case, EvaluatorDecision, EvaluatorRequest, Syntax, load_all};
use countersign_model::evaluate::case::{Answer, reading_rules, run, save};
use countersign_model::quirks::Quirks;
use jiff::civil::{Date, date};

/// The suite's current date, for cases without `as_of`.
const TODAY: Date = date(2026, 11, 22);

/// The evaluator cases, but for the pairs, which a test of their own runs.
fn cases() -> Vec<(String, Case)> {
    cases_in("evaluator")
}

/// Every case of a folder of `scenarios/`, without the folders in it.
fn cases_in(folder: &str) -> Vec<(String, Case)> {
    let folder = PathBuf::from(env!("CARGO_MANIFEST_DIR"))
        .join("../scenarios")
        .join(folder);
    let mut files: Vec<PathBuf> = fs::read_dir(&folder)
        .expect("the folder is part of the repository")
        .map(|entry| entry.expect("a readable entry").path())
        .filter(|path| path.extension().is_some_and(|extension| extension == "yaml"))
        .collect();
    files.sort();
    let mut cases = Vec::new();
    for file in files {
        let name = file
            .file_name()
            .expect("files have names")
            .to_string_lossy()
            .into_owned();
        let text = fs::read_to_string(&file).expect("a readable file");
        let loaded = load_all(&name, &text, Syntax::Yaml).unwrap_or_else(|error| panic!("{name}: {error:?}"));
        cases.extend(loaded.into_iter().map(|case| (name.clone(), case)));
    }
    cases
}

/// The rules an answer names.
fn rules(answer: &Answer) -> BTreeSet<String> {
    match answer {
        Answer::Unusable { error, .. } => BTreeSet::from([error.rule.to_string()]),
        Answer::Decided(check) => {
            let of_gates = check.gates.iter().flat_map(|gate| &gate.rules);
            let of_statements = check.statements.iter().flat_map(|statement| &statement.rules);
            check
                .rules
                .iter()
                .chain(of_gates)
                .chain(of_statements)
                .map(ToString::to_string)
                .collect()
        }
    }
}

#[test]
fn every_evaluator_case_holds() {
    let cases = cases();
    let mut faults = Vec::new();
    let mut requests = 0;
    for (file, case) in &cases {
        let evaluate = case
            .evaluate
            .as_ref()
            .expect("only evaluator cases live in this folder");
        let quirks = Quirks::from_overrides(&case.quirks).expect("known quirks");
        let answers =
            run(evaluate, &quirks, case.as_of.unwrap_or(TODAY)).unwrap_or_else(|error| panic!("{}: {error}", case.id));
        let mut named = BTreeSet::new();
        let asked: Vec<&EvaluatorRequest> = evaluate.request.iter().chain(&evaluate.requests).collect();
        for (position, (request, answer)) in asked.into_iter().zip(&answers).enumerate() {
            requests += 1;
            let Some(expect) = request.expect.as_ref().or(case.expect.as_ref()) else {
                faults.push(format!("{file} {}: request {position} expects nothing", case.id));
                continue;
            };
            if let Err(difference) = answer.meets(expect) {
                faults.push(format!(
                    "{file} {}: request {position}: {difference}\n{answer:#?}",
                    case.id
                ));
            }
            named.extend(rules(answer));
            named.extend(reading_rules(evaluate, request).iter().map(ToString::to_string));
        }
        for (position, document) in evaluate.saves.iter().enumerate() {
            requests += 1;
            let answer = save(document, case.as_of.unwrap_or(TODAY));
            match document.expect.as_ref().map(|expect| answer.meets(expect)) {
                Some(Ok(())) => {}
                Some(Err(difference)) => faults.push(format!("{file} {}: save {position}: {difference}", case.id)),
                None => faults.push(format!("{file} {}: save {position} expects nothing", case.id)),
            }
            named.extend(answer.rules.iter().map(ToString::to_string));
        }
        for rule in &case.rules {
            if !named.contains(rule) {
                faults.push(format!("{file} {}: {rule} is not in the trace: {named:?}", case.id));
            }
        }
    }
    assert!(faults.is_empty(), "{} faults\n{}", faults.len(), faults.join("\n"));
    assert!(
        cases.len() > 100 && requests > 200,
        "{} cases, {requests} requests",
        cases.len()
    );
}

/// Every micro-case and vector of the specification is a case here; titles carry their ids.
#[test]
fn every_vector_of_the_specification_is_a_case() {
    // Some need a world.
    let cases = [cases(), cases_in("")].concat();
    let titles: Vec<&str> = cases.iter().filter_map(|(_, case)| case.title.as_deref()).collect();
    let present: BTreeSet<&str> = titles
        .iter()
        .flat_map(|title| title.split(|character: char| !character.is_ascii_alphanumeric() && character != '-'))
        .collect();
    let wanted: Vec<&str> = include_str!("../spec/vector_ids.txt")
        .lines()
        .filter(|line| !line.starts_with('#'))
        .collect();
    assert!(wanted.len() > 300, "only {} ids: the list is broken", wanted.len());
    let missing: Vec<&&str> = wanted.iter().filter(|id| !present.contains(**id)).collect();
    assert!(
        missing.is_empty(),
        "{} vectors without a case: {missing:?}",
        missing.len()
    );
}

/// A disputed case that runs under the default switch has a sister under the other reading.
#[test]
fn every_switch_is_run_under_both_readings() {
    let flipped: BTreeSet<String> = [cases(), cases_in("evaluator/pairs")]
        .concat()
        .iter()
        .flat_map(|(_, case)| case.quirks.keys().cloned().collect::<Vec<_>>())
        .collect();
    let lost: Vec<&&str> = Quirks::names()
        .iter()
        .filter(|name| !flipped.contains(**name) && !OF_WORLDS.contains(name))
        .collect();
    assert!(lost.is_empty(), "no evaluator case flips {lost:?}");
}

/// Switches that flows read, so that no pure evaluation depends on them.
const OF_WORLDS: [&str; 4] = [
    "called_via_on_s3_and_lambda",
    "forwarded_call_keeps_source_ip",
    "key_owner_account_may_retire",
    "lambda_runtime_decrypt_via_service",
];

#[test]
fn an_explanation_is_never_empty() {
    for (_, case) in cases() {
        let evaluate = case
            .evaluate
            .as_ref()
            .expect("only evaluator cases live in this folder");
        for answer in run(evaluate, &Quirks::default(), TODAY).expect("a case that runs") {
            let Answer::Decided(check) = &answer else { continue };
            assert!(!check.rules.is_empty(), "{}", case.id);
            let denied = answer.decision() != EvaluatorDecision::Allow;
            assert_eq!(check.message.is_some(), denied, "{}", case.id);
            assert!(
                check.blamed.is_none_or(|set| check.failed.contains(&set)),
                "{}: who is blamed failed",
                case.id
            );
        }
    }
}
