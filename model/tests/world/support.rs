//! Runs a case given as YAML and fails with everything that is not as expected.

use countersign_model::case::check::{View, expectation};
use countersign_model::case::{Case, Decision, Syntax, load_str};
use countersign_model::outcome::Outcome;
use countersign_model::world::{World, WorldError};

/// The head that every case of these tests shares.
const HEAD: &str = "countersign: 1\nid: test.case\n";

/// Loads a case from its `world` and `steps`.
pub(crate) fn case(text: &str) -> Case {
    load_str("test.yaml", &format!("{HEAD}{text}"), Syntax::Yaml).unwrap_or_else(|error| panic!("{error:?}"))
}

/// Builds the world of a case that must have none, for the reason. Loading would refuse most of these with a place; a case that a
/// program made reaches the world all the same.
pub(crate) fn no_world(text: &str) -> WorldError {
    let case: Case = serde_saphyr::from_str(&format!("{HEAD}{text}")).unwrap_or_else(|error| panic!("{error}"));
    World::new(&case).expect_err("this world cannot be")
}

/// Runs all steps. A step without an expectation must succeed.
pub(crate) fn run(text: &str) -> Vec<Outcome> {
    let case = case(text);
    let mut world = World::new(&case).unwrap_or_else(|error| panic!("{error}"));
    let mut outcomes = Vec::new();
    let mut faults = Vec::new();
    for (place, step) in case.steps.iter().enumerate() {
        let name = step.name().map_or_else(|| format!("step {place}"), str::to_owned);
        let outcome = match world.apply(step) {
            Ok(outcome) => outcome,
            Err(error) => panic!("{name}: {error}\nso far: {faults:#?}"),
        };
        match step.expect() {
            Some(expect) => {
                let resolve = |text: &str| world.resolve_text(text).map_err(|error| error.to_string());
                for mismatch in expectation(expect, &View::from(&outcome), &resolve) {
                    faults.push(format!(
                        "{name}: {mismatch}\n    {:?} {:?}",
                        outcome.code, outcome.message
                    ));
                }
            }
            None if outcome.decision != Decision::Allow => {
                faults.push(format!(
                    "{name}: must succeed, but {:?} {:?}",
                    outcome.code, outcome.message
                ));
            }
            None => {}
        }
        outcomes.push(outcome);
    }
    assert!(faults.is_empty(), "{} faults:\n{}", faults.len(), faults.join("\n"));
    outcomes
}

/// Whether a step named a rule.
pub(crate) fn names(outcome: &Outcome, rule: &str) -> bool {
    outcome.all_rules().contains(rule)
}
