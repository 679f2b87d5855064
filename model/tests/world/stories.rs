//! What every failure story has: a public source, a symptom, the rule that decides, and a repair after which it works.

use std::fs;
use std::path::Path;

use countersign_model::case::{CallStep, Case, Decision, Step, StepKind, Syntax, load_all};

/// What the corpus promises.
const AT_LEAST: usize = 20;

fn stories() -> Vec<Case> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../scenarios/stories");
    let mut cases = Vec::new();
    for entry in fs::read_dir(&folder).expect("the folder of the stories is in the tree") {
        let path = entry.expect("it can be listed").path();
        let name = path.display().to_string();
        let text = fs::read_to_string(&path).unwrap_or_else(|error| panic!("{name}: {error}"));
        cases.extend(load_all(&name, &text, Syntax::of_file(&name)).unwrap_or_else(|error| panic!("{error:?}")));
    }
    cases
}

#[test]
fn every_story_has_a_source_a_symptom_a_rule_and_a_repair() {
    let stories = stories();
    assert!(stories.len() >= AT_LEAST, "{}", stories.len());
    let mut faults = Vec::new();
    for case in &stories {
        let calls: Vec<&CallStep> = case
            .steps
            .iter()
            .filter_map(|step| match step {
                Step::Call(call) => Some(call.as_ref()),
                _ => None,
            })
            .collect();
        let decision = |call: &CallStep| call.expect.as_ref().and_then(|expect| expect.decision);
        let observed: Vec<&&CallStep> = calls.iter().filter(|call| call.kind == StepKind::Observed).collect();
        let symptom = observed
            .iter()
            .find(|call| decision(call).is_some_and(|decision| decision != Decision::Allow));
        let repaired = observed.last().is_some_and(|last| {
            // A missing object that is told to be missing is what was wanted, too.
            let missing = last.expect.as_ref().and_then(|expect| expect.status) == Some(404);
            symptom.is_some_and(|symptom| !std::ptr::eq(**symptom, **last))
                && (decision(last) == Some(Decision::Allow) || missing)
        });
        let has_source = case
            .source
            .iter()
            .any(|source| source.issue.is_some() || source.url.is_some());
        for (what, is_there) in [
            ("a source", has_source),
            ("a rule", !case.rules.is_empty()),
            ("a symptom", symptom.is_some()),
            ("a repair", repaired),
            ("a title", case.title.is_some()),
        ] {
            if !is_there {
                faults.push(format!("{} has no {what}", case.id));
            }
        }
    }
    assert!(faults.is_empty(), "{}", faults.join("\n"));
}
