//! Runs every evaluator case under `scenarios/evaluator/`: each expectation holds, and every rule a case is about is in some trace.

#![forbid(unsafe_code)]

use std::collections::BTreeSet;
use std::fs;
use std::path::PathBuf;

use countersign_model::case::{Case, EvaluatorDecision, Syntax, load_all};
use countersign_model::evaluate::case::{Answer, run};
use countersign_model::quirks::Quirks;
use jiff::civil::{Date, date};

/// The suite's current date, for cases without `as_of`.
const TODAY: Date = date(2026, 11, 22);

fn cases() -> Vec<(String, Case)> {
    let folder = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../scenarios/evaluator");
    let mut files: Vec<PathBuf> = fs::read_dir(&folder)
        .expect("the folder is part of the repository")
        .map(|entry| entry.expect("a readable entry").path())
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
        for (position, answer) in answers.iter().enumerate() {
            requests += 1;
            let expect = evaluate
                .requests
                .get(position)
                .and_then(|request| request.expect.as_ref())
                .or(case.expect.as_ref());
            let Some(expect) = expect else {
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
