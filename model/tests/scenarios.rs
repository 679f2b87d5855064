//! The corpus against the model: every Case under `scenarios/` runs, every expectation holds, every rule that a Case is about is
//! named in its trace, and the whole explanation of every step is kept as a snapshot.
#![forbid(unsafe_code)]

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};

use countersign_model::case::check::{View, expectation};
use countersign_model::case::schema::case_schema;
use countersign_model::case::{
    Case, EvaluatorCase, EvaluatorRequest, Evidence, Step, StepKind, Syntax, load_all, load_str, to_json, to_yaml,
};
use countersign_model::evaluate;
use countersign_model::evaluate::case::Answer;
use countersign_model::outcome::{Check, Outcome};
use countersign_model::quirks::Quirks;
use countersign_model::rule::RuleId;
use countersign_model::world::World;
use jiff::civil::Date;
use serde::Serialize;

/// The steps of the five documents, as the specification numbers them: story and last step.
const STORIES: [(&str, u32); 5] = [("000", 12), ("001", 18), ("002", 13), ("003", 13), ("004", 14)];

/// The date of a Case that names none.
const SUITE_DATE: Date = jiff::civil::date(2026, 11, 22);

/// What a Case came to.
#[derive(Serialize)]
struct Explanation {
    case: String,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    steps: Vec<Explained>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    answers: Vec<Asked>,
}

impl Explanation {
    /// Every rule that any step names.
    fn rules(&self) -> BTreeSet<RuleId> {
        let of_steps = self.steps.iter().flat_map(|explained| explained.outcome.all_rules());
        let checks = self.answers.iter().filter_map(|asked| asked.check.as_ref());
        of_steps.chain(checks.flat_map(Check::all_rules)).collect()
    }
}

/// What a request to the evaluator came to; no check where a document cannot be used.
#[derive(Serialize)]
struct Asked {
    request: String,
    check: Option<Check>,
}

/// What a step came to.
#[derive(Serialize)]
struct Explained {
    step: String,
    outcome: Outcome,
}

#[test]
fn every_expectation_holds_in_the_model() {
    let mut faults = Vec::new();
    for (file, case) in corpus() {
        run(&case, &mut |step, fault| {
            faults.push(format!("{file} {}: {step}: {fault}", case.id))
        });
    }
    assert!(faults.is_empty(), "{} faults:\n{}", faults.len(), faults.join("\n"));
}

#[test]
fn every_rule_that_a_case_is_about_is_in_its_trace() {
    let mut missing = Vec::new();
    for (file, case) in corpus() {
        let named = run(&case, &mut |_, _| {}).rules();
        let lost: Vec<&String> = case.rules.iter().filter(|id| !named.contains(id.as_str())).collect();
        if !lost.is_empty() {
            missing.push(format!("{file} {}: {lost:?}", case.id));
        }
    }
    assert!(
        missing.is_empty(),
        "rules that no step of their case names:\n{}",
        missing.join("\n")
    );
}

#[test]
fn every_explanation_is_as_it_was() {
    let mut settings = insta::Settings::clone_current();
    settings.set_snapshot_path("../../snapshots");
    settings.set_prepend_module_to_snapshot(false);
    settings.set_omit_expression(true);
    for (file, case) in corpus() {
        let explanation = run(&case, &mut |_, _| {});
        let text = serde_saphyr::to_string(&explanation).expect("an outcome can be written as YAML");
        settings.set_description(format!("the model's explanation of scenarios/{file}"));
        settings.bind(|| insta::assert_snapshot!(case.id.as_str(), text));
    }
}

#[test]
fn every_step_of_the_documents_is_in_the_corpus() {
    let mut found = BTreeSet::new();
    for (_, case) in corpus() {
        for step in &case.steps {
            let observed = step.kind() == StepKind::Observed;
            let id = step
                .name()
                .and_then(|name| name.split(' ').next())
                .filter(|id| id.starts_with("O-"));
            if let Some(id) = id {
                assert!(
                    observed,
                    "{}: `{id}` is what the case is about, so its kind is observed",
                    case.id
                );
                found.insert(id.to_owned());
            }
        }
    }
    let wanted: BTreeSet<String> = STORIES
        .iter()
        .flat_map(|(story, last)| (1..=*last).map(move |step| format!("O-{story}-{step}")))
        .collect();
    assert_eq!(wanted.len(), 70);
    assert_eq!(found, wanted);
}

#[test]
fn every_case_has_an_id_of_its_own_and_says_where_it_is_from() {
    let mut ids = BTreeMap::new();
    for (file, case) in corpus() {
        assert!(
            !case.source.is_empty() && case.evidence.is_some() && !case.rules.is_empty(),
            "{}",
            case.id
        );
        assert!(case.title.is_some(), "{}: a title is missing", case.id);
        if case.evidence == Some(Evidence::Recorded) {
            let recorded = case
                .source
                .iter()
                .any(|source| source.document.is_some() || source.issue.is_some() || source.repository.is_some());
            assert!(recorded, "{}: a recording has a source that recorded it", case.id);
        }
        if let Some(other) = ids.insert(case.id.clone(), file.clone()) {
            panic!("`{}` stands in {other} and in {file}", case.id);
        }
    }
    assert!(ids.len() >= 24, "only {} cases were found", ids.len());
}

#[test]
fn every_case_reads_back_as_it_was_written() {
    for (file, case) in corpus() {
        let forms = [(Syntax::Yaml, to_yaml(&case)), (Syntax::Json, to_json(&case))];
        for (syntax, text) in forms {
            let text = text.expect("a case can be written");
            let again = load_str(&file, &text, syntax).unwrap_or_else(|error| panic!("{}: {error}\n{text}", case.id));
            assert_eq!(again, case, "{text}");
        }
    }
}

#[test]
fn the_schema_accepts_every_case_and_every_file_names_it() {
    let validator = jsonschema::validator_for(&case_schema()).expect("the schema is a schema");
    for path in files() {
        let text = read(&path);
        let up = if path.parent().is_some_and(|folder| folder.ends_with("stories")) {
            "../"
        } else {
            ""
        };
        assert!(
            text.starts_with(&format!(
                "# yaml-language-server: $schema={up}schema/case.schema.json\n"
            )),
            "{}",
            path.display()
        );
        // As written, not as read and written again.
        let documents: Vec<serde_json::Value> = serde_saphyr::from_multiple(&text).expect("the file is YAML");
        for document in documents {
            let faults: Vec<String> = validator
                .iter_errors(&document)
                .map(|error| format!("{}: {error}", error.instance_path()))
                .collect();
            assert!(faults.is_empty(), "{} {}: {faults:#?}", path.display(), document["id"]);
        }
    }
}

/// Runs a Case and judges it.
fn run(case: &Case, report: &mut dyn FnMut(&str, String)) -> Explanation {
    let mut explanation = Explanation {
        case: case.id.clone(),
        steps: Vec::new(),
        answers: Vec::new(),
    };
    match &case.evaluate {
        Some(evaluate) => explanation.answers = ask(case, evaluate, report),
        None => explanation.steps = play(case, report),
    }
    explanation
}

/// Asks every request of an evaluator case.
fn ask(case: &Case, evaluate: &EvaluatorCase, report: &mut dyn FnMut(&str, String)) -> Vec<Asked> {
    let quirks = Quirks::from_overrides(&case.quirks).unwrap_or_else(|error| panic!("{}: {error}", case.id));
    let answers = match evaluate::case::run(evaluate, &quirks, case.as_of.unwrap_or(SUITE_DATE)) {
        Ok(answers) => answers,
        Err(fault) => {
            report("the case", fault.to_string());
            return Vec::new();
        }
    };
    let requests: Vec<&EvaluatorRequest> = evaluate.request.iter().chain(&evaluate.requests).collect();
    assert_eq!(
        requests.len(),
        answers.len(),
        "{}: one answer for each request",
        case.id
    );
    let mut asked = Vec::new();
    for (request, answer) in requests.into_iter().zip(answers) {
        let name = format!("{} on {}", request.action, request.resource);
        let expect = request.expect.as_ref().or(case.expect.as_ref());
        match expect.map(|expect| answer.meets(expect)) {
            None => report(&name, "it expects nothing".to_owned()),
            Some(Err(difference)) => report(&name, difference),
            Some(Ok(())) => {}
        }
        let check = match answer {
            Answer::Decided(check) => Some(*check),
            Answer::Unusable { .. } => None,
        };
        asked.push(Asked { request: name, check });
    }
    asked
}

/// Plays the steps of a world, judging each. A step without outcome ends the Case.
fn play(case: &Case, report: &mut dyn FnMut(&str, String)) -> Vec<Explained> {
    let mut world = match World::new(case) {
        Ok(world) => world,
        Err(error) => {
            report("the world", error.to_string());
            return Vec::new();
        }
    };
    let mut explained = Vec::new();
    for (position, step) in case.steps.iter().enumerate() {
        let name = step
            .name()
            .map_or_else(|| format!("step {}", position + 1), str::to_owned);
        let outcome = match world.apply(step) {
            Ok(outcome) => outcome,
            Err(error) => {
                report(&name, format!("no outcome: {error}"));
                return explained;
            }
        };
        if let Some(expect) = step.expect() {
            let resolve = |text: &str| world.resolve_text(text).map_err(|error| error.to_string());
            for mismatch in expectation(expect, &View::from(&outcome), &resolve) {
                report(&name, mismatch.to_string());
            }
        }
        if step.kind() == StepKind::Setup && matches!(step, Step::Call(_)) && outcome.code.is_some() {
            report(
                &name,
                format!("a set-up step failed: {:?} {:?}", outcome.code, outcome.message),
            );
        }
        explained.push(Explained { step: name, outcome });
    }
    explained
}

/// Every Case with the name of its file.
fn corpus() -> Vec<(String, Case)> {
    let mut corpus = Vec::new();
    for path in files() {
        let name = path
            .file_name()
            .and_then(|name| name.to_str())
            .expect("scenario files have plain names")
            .to_owned();
        let cases = load_all(&name, &read(&path), Syntax::of_file(&name)).unwrap_or_else(|error| panic!("{error}"));
        corpus.extend(cases.into_iter().map(|case| (name.clone(), case)));
    }
    corpus
}

/// The files of the corpus in the order of their names.
fn files() -> Vec<PathBuf> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../scenarios");
    let mut files = Vec::new();
    for folder in [folder.clone(), folder.join("stories")] {
        let entries = fs::read_dir(&folder).unwrap_or_else(|error| panic!("{}: {error}", folder.display()));
        files.extend(entries.map(|entry| entry.expect("the folder can be listed").path()));
    }
    files.retain(|path| path.extension().is_some_and(|extension| extension == "yaml"));
    files.sort();
    files
}

fn read(path: &Path) -> String {
    fs::read_to_string(path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}
