//! `countersign explain`: what it says of the five documents, and that every change it prints really allows.

use countersign::explain::{Limits, Question, Repair, Ruling, Run, SourceFile, explain, questions, render, repairs};
use countersign::generate;
use countersign_model::case::{Case, Decision, Syntax, load_all, load_str, to_yaml};
use serde_json::Value;

/// The first denied step of each document's story.
const DOCUMENTS: &[&str] = &[
    "000_sse_kms_ec2_role.yaml",
    "001_grant_role_b.yaml",
    "002_sse_s3_vs_sse_kms.yaml",
    "003_lambda_environment_grant.yaml",
    "004_backup_service_principal.yaml",
];

fn text_of(file: &str) -> String {
    let path = format!("{}/../scenarios/{file}", env!("CARGO_MANIFEST_DIR"));
    std::fs::read_to_string(path).expect("the corpus is part of the repository")
}

fn cases_of(file: &str) -> Vec<Case> {
    load_all(file, &text_of(file), Syntax::Yaml).expect("the corpus loads")
}

fn denied(case: &Case) -> Vec<Run> {
    questions(case)
        .into_iter()
        .filter_map(|question| Run::of(case, question).ok())
        .filter(|run| run.ruling.decision == Decision::Deny)
        .collect()
}

/// Where the question is once the changes are made: steps put in before it move it.
fn moved(question: Question, before: &Value, after: &Value) -> Question {
    let steps = |tree: &Value| tree["steps"].as_array().map_or(0, Vec::len);
    match question {
        Question::Step(position) => Question::Step(position + steps(after) - steps(before)),
        request => request,
    }
}

/// What comes of the question after some changes.
fn after(run: &Run, repair: &Repair, written: bool) -> Option<Ruling> {
    let tree = repair.apply(&run.tree)?;
    let question = moved(run.question, &run.tree, &tree);
    if !written {
        return Some(Run::of_tree(tree, question).ok()?.ruling);
    }
    // Of the case as it is read back from a file.
    let case: Case = serde_json::from_value(tree).ok()?;
    let yaml = to_yaml(&case).ok()?;
    let case = load_str("repaired.yaml", &yaml, Syntax::Yaml).ok()?;
    Some(Run::of(&case, question).ok()?.ruling)
}

/// Every repair allows, or lets authorization pass where it says so; and none of its changes can be left out.
fn assert_sound(run: &Run, found: &[Repair]) {
    for repair in found {
        let what = || format!("{} {}: {repair:#?}", run.case.id, run.name());
        let ruling = after(run, repair, true).unwrap_or_else(|| panic!("it cannot be made: {}", what()));
        match &repair.then {
            None => assert_eq!(ruling.decision, Decision::Allow, "{}", what()),
            Some(_) => assert_eq!(ruling.decision, Decision::Error, "{}", what()),
        }
        for place in 0..repair.changes.len() {
            let mut fewer = repair.clone();
            fewer.changes.remove(place);
            let ruling = after(run, &fewer, false);
            let needless = ruling.is_some_and(|ruling| match &repair.then {
                None => ruling.decision == Decision::Allow,
                Some(then) => {
                    ruling.decision == Decision::Error
                        && Some(then.split(' ').next().unwrap_or("")) == ruling.code.as_deref()
                }
            });
            assert!(!needless, "without {place}: {}", what());
        }
    }
    let sizes: Vec<(usize, usize)> = found.iter().map(|repair| (repair.changes.len(), repair.size)).collect();
    assert!(sizes.is_sorted(), "the smallest comes first: {sizes:?}");
}

#[test]
fn the_documents_denials_are_explained() {
    for file in DOCUMENTS {
        let text = text_of(file);
        let source = SourceFile::new(*file, text.as_str(), Syntax::Yaml);
        let cases = cases_of(file);
        let (document, run) = cases
            .iter()
            .enumerate()
            .find_map(|(document, case)| Some((document, denied(case).into_iter().next()?)))
            .expect("something is denied in each document");
        let explanation = explain(
            &cases[document],
            run.question,
            Some((&source, document)),
            Limits::default(),
        )
        .expect("the case runs");
        insta::assert_snapshot!(
            format!("explain-{}", &file[..3]),
            render(&explanation, Some((&source, document)))
        );
    }
}

#[test]
fn places_point_at_the_statements_they_speak_of() {
    let mut pointed = 0;
    for file in DOCUMENTS {
        let text = text_of(file);
        let source = SourceFile::new(*file, text.as_str(), Syntax::Yaml);
        for (document, case) in cases_of(file).iter().enumerate() {
            for run in denied(case) {
                let explanation = explain(
                    case,
                    run.question,
                    Some((&source, document)),
                    Limits {
                        runs: 0,
                        ..Limits::default()
                    },
                )
                .expect("the case runs");
                for check in &explanation.checks {
                    for (trace, place) in check.check.statements.iter().zip(&check.places) {
                        let Some(place) = place else { continue };
                        let shown = &text[place.bytes.clone()];
                        // Aliases stand for statements written elsewhere.
                        if shown.starts_with('*') {
                            continue;
                        }
                        assert!(
                            shown.contains(&*trace.effect),
                            "{file}:{}:{} {trace:?}: {shown}",
                            place.line,
                            place.column
                        );
                        if let Some(sid) = &trace.sid {
                            assert!(shown.contains(sid), "{file}:{}: {trace:?}: {shown}", place.line);
                        }
                        pointed += 1;
                    }
                }
            }
        }
    }
    assert!(pointed > 40, "only {pointed} statements have a place");
}

#[test]
fn every_repair_of_the_corpus_allows() {
    let (mut asked, mut mended) = (0, 0);
    let mut lost = Vec::new();
    for (name, text) in countersign::corpus::FILES {
        let Ok(cases) = load_all(name, text, Syntax::of_file(name)) else {
            continue;
        };
        for run in cases.iter().flat_map(denied) {
            let search = repairs(
                &run,
                Limits {
                    runs: 150,
                    ..Limits::default()
                },
            );
            asked += 1;
            if search.repairs.is_empty() {
                lost.push(format!("{} {}: {:?}", run.case.id, run.name(), run.ruling.message));
            } else {
                mended += 1;
            }
            assert_sound(&run, &search.repairs);
        }
    }
    println!(
        "{mended} of {asked} denials of the corpus can be mended; without:\n{}",
        lost.join("\n")
    );
    assert!(asked > 200, "{asked} denials");
    // What no change of policies, grants or facts can allow stays without: S3 that hides a missing object, and the like.
    assert!(
        mended * 20 >= asked * 19,
        "{mended} of {asked}; without:\n{}",
        lost.join("\n")
    );
}

#[test]
fn every_repair_of_random_cases_allows() {
    let (mut asked, mut mended) = (0, 0);
    let mut lost = Vec::new();
    for number in 0..30 {
        let Ok(case) = generate::from_seed(42, number) else {
            continue;
        };
        // The first denials of a case; the later ones are much the same.
        for run in denied(&case).into_iter().take(3) {
            let limits = Limits {
                runs: 100,
                changes: 3,
                repairs: 3,
            };
            let search = repairs(&run, limits);
            asked += 1;
            if search.repairs.is_empty() {
                lost.push(format!("{} {}: {:?}", run.case.id, run.name(), run.ruling.message));
            } else {
                mended += 1;
            }
            assert_sound(&run, &search.repairs);
        }
    }
    println!(
        "{mended} of {asked} random denials can be mended; without:\n{}",
        lost.join("\n")
    );
    assert!(asked > 30, "{asked} denials");
    assert!(
        mended * 10 >= asked * 8,
        "{mended} of {asked}; without:\n{}",
        lost.join("\n")
    );
}

/// A denied user under a silent boundary and two silent SCP levels: four things are missing at once.
const FOUR_MISSING: &str = r#"
countersign: 1
id: test.explain.four-missing
evaluate:
  request: {principal: "arn:aws:iam::111111111111:user/u", action: "s3:GetObject", resource: "arn:aws:s3:::b/k"}
  policies:
    permissions_boundary: {Version: "2012-10-17", Statement: [{Effect: Allow, Action: "ec2:*", Resource: "*"}]}
    service_control:
      - [{Version: "2012-10-17", Statement: [{Effect: Allow, Action: "ec2:*", Resource: "*"}]}]
      - [{Version: "2012-10-17", Statement: [{Effect: Allow, Action: "ec2:*", Resource: "*"}]}]
"#;

#[test]
fn what_is_needed_together_is_found_together() {
    let case = load_str("case.yaml", FOUR_MISSING, Syntax::Yaml).expect("the case is well formed");
    let run = Run::of(&case, Question::Request(0)).expect("the case runs");
    let search = repairs(&run, Limits::default());
    let smallest = search.repairs.first().expect("it can be allowed");
    // A bucket policy that names the user passes the boundary: three changes do, a statement in each SCP and in the bucket policy.
    assert_eq!(smallest.changes.len(), 3, "{smallest:#?}");
    assert_sound(&run, &search.repairs);
    assert!(!search.cut_short);
}

/// Each: the parts of an evaluator case, and the words of a repair of one change that must be among those found.
const ONE_CHANGE: &[(&str, &str, &str)] = &[
    (
        "identity: [{Version: '2012-10-17', Statement: [{Effect: Allow, Action: 's3:*', Resource: '*'}, {Sid: No, Effect: Deny, Action: 's3:GetObject', Resource: '*'}]}]",
        "",
        "remove the Deny statement `No` from `policies.identity[0]`",
    ),
    (
        "identity: [{Version: '2012-10-17', Statement: [{Effect: Allow, Action: 's3:*', Resource: '*', Condition: {IpAddress: {'aws:SourceIp': '203.0.113.0/24'}}}]}]",
        "",
        "let the request have `aws:SourceIp`: `203.0.113.0`",
    ),
    (
        "identity: [{Version: '2012-10-17', Statement: [{Effect: Allow, Action: 's3:*', Resource: '*'}, {Effect: Deny, Action: '*', Resource: '*', Condition: {Bool: {'aws:SecureTransport': 'false'}}}]}]",
        "'aws:SecureTransport': 'false'",
        "let the request have `aws:SecureTransport`: `true`",
    ),
    (
        "resource: {Version: '2012-10-17', Statement: [{Effect: Allow, Principal: {AWS: 'arn:aws:iam::111111111111:user/v'}, Action: 's3:GetObject', Resource: '*'}]}",
        "",
        "add the principal `arn:aws:iam::111111111111:user/u` to the Allow statement 0 of `policies.resource`",
    ),
    (
        "identity: [{Version: '2012-10-17', Statement: [{Effect: Allow, Action: 's3:GetObject', Resource: '*'}]}], session: []",
        "",
        "",
    ),
    (
        "identity: ['{\"Version\": \"2012-10-17\", \"Statement\": {\"Effect\": \"Allow\", \"Action\": \"s3:PutObject\", \"Resource\": \"*\"}}']",
        "",
        "add `s3:GetObject` to `Action` in the Allow statement 0 of `policies.identity[0]`",
    ),
    (
        "identity: [{Version: '2012-10-17', Statement: [{Effect: Allow, Action: 's3:*', Resource: '*'}]}], resource: {Version: '2012-10-17', Statement: [{Effect: Deny, NotPrincipal: {AWS: ['arn:aws:iam::111111111111:user/v', 'arn:aws:iam::111111111111:root']}, Action: 's3:*', Resource: '*'}]}",
        "",
        "spare `arn:aws:iam::111111111111:user/u` in the Deny statement 0 of `policies.resource`",
    ),
];

#[test]
fn changes_of_every_kind_are_found() {
    for (policies, context, words) in ONE_CHANGE {
        let yaml = format!(
            "countersign: 1\nid: test.explain.one\nevaluate:\n  request: {{principal: 'arn:aws:iam::111111111111:user/u', action: 's3:GetObject', resource: 'arn:aws:s3:::b/k', context: {{{context}}}}}\n  policies: {{{policies}}}\n"
        );
        let case = load_str("case.yaml", &yaml, Syntax::Yaml).unwrap_or_else(|error| panic!("{error}"));
        let run = Run::of(&case, Question::Request(0)).expect("the case runs");
        let search = repairs(&run, Limits::default());
        if words.is_empty() {
            // Session policies do not bind users: nothing to mend.
            assert_eq!(run.ruling.decision, Decision::Allow);
            assert!(search.repairs.is_empty());
            continue;
        }
        assert_sound(&run, &search.repairs);
        let found: Vec<&str> = search
            .repairs
            .iter()
            .filter(|repair| repair.changes.len() == 1)
            .map(|repair| repair.changes[0].words.as_str())
            .collect();
        assert!(found.contains(words), "`{words}` is not among {found:#?}");
    }
}

#[test]
fn control_characters_are_shown_not_sent() {
    let yaml = FOUR_MISSING.replace("arn:aws:s3:::b/k", "arn:aws:s3:::b/\\x1b]0;evil\\x07k");
    let case = load_str("case.yaml", &yaml, Syntax::Yaml).expect("the case is well formed");
    let source = SourceFile::new("ca\u{1b}se.yaml", yaml.as_str(), Syntax::Yaml);
    let explanation =
        explain(&case, Question::Request(0), Some((&source, 0)), Limits::default()).expect("the case runs");
    let text = render(&explanation, Some((&source, 0)));
    assert!(text.contains("\\u{1b}]0;evil"), "{text}");
    assert!(
        !text.chars().any(|letter| letter.is_control() && letter != '\n'),
        "{text}"
    );
}

#[test]
fn an_unusable_document_is_pointed_at() {
    let yaml = FOUR_MISSING.replace(
        "[{Effect: Allow, Action: \"ec2:*\", Resource: \"*\"}]}\n    service",
        "[{Effekt: Allow}]}\n    service",
    );
    let case = load_str("case.yaml", &yaml, Syntax::Yaml).expect("the case is well formed");
    let source = SourceFile::new("case.yaml", yaml.as_str(), Syntax::Yaml);
    let explanation =
        explain(&case, Question::Request(0), Some((&source, 0)), Limits::default()).expect("the case runs");
    assert_eq!(explanation.answer.decision, Decision::Error);
    let place = explanation.unusable.as_ref().expect("the document has a place");
    assert_eq!(place.line, 7, "{place:?}");
    assert!(render(&explanation, Some((&source, 0))).contains("--> case.yaml:7:"));
}
