//! In process, calls skip the SDKs' clients and keep their serializers and parsers, and the most frequent ones are written and read without
//! these too: every call comes to the same, over the corpus and over random cases, and leaves the same trail but for the name of the client.
#![cfg(feature = "wire")]

use std::path::Path;

use countersign::differential::{CaseReport, StepReport, run_case};
use countersign::target::{EmbeddedOptions, EmbeddedTarget};
use countersign::{generate, scenario};
use countersign_model::case::Case;

/// Random cases; a release build takes all of the thousand.
const RANDOM: u64 = if cfg!(debug_assertions) { 150 } else { 1_000 };

fn target(through_sdks: bool) -> EmbeddedTarget {
    EmbeddedTarget::in_process(EmbeddedOptions {
        // The ids that the emulator chooses are the same as long as it is asked the same.
        seed: Some(9),
        through_sdks,
        ..EmbeddedOptions::default()
    })
    .expect("a runtime can be made")
}

/// What may not differ of a step.
fn shown(step: &StepReport) -> StepReport {
    let mut step = step.clone();
    for event in step
        .observed
        .iter_mut()
        .flat_map(|observed| observed.trail.iter_mut().flatten())
    {
        if let Some(event) = event.as_object_mut() {
            event.remove("userAgent");
        }
    }
    step
}

/// Runs every case both ways and counts the calls of their steps.
fn both_ways(cases: impl Iterator<Item = Case>) -> u64 {
    let (mut direct, mut through_sdks) = (target(false), target(true));
    let mut calls = 0;
    for case in cases {
        let (one, other) = (run_case(&case, &mut direct), run_case(&case, &mut through_sdks));
        let (Ok(one), Ok(other)) = (one, other) else {
            panic!("{} cannot be run", case.id);
        };
        let steps = |report: &CaseReport| report.steps.iter().map(shown).collect::<Vec<_>>();
        assert_eq!(one.provisioning_fault, other.provisioning_fault, "{}", case.id);
        assert_eq!(steps(&one), steps(&other), "{}", case.id);
        assert_eq!(one.wire.calls, other.wire.calls, "{}", case.id);
        calls += one.wire.calls;
    }
    calls
}

#[test]
fn the_corpus_comes_to_the_same_both_ways() {
    let corpus = Path::new(env!("CARGO_MANIFEST_DIR")).join("../scenarios");
    let files = scenario::files(&corpus).expect("the corpus can be read");
    let cases = files
        .iter()
        .flat_map(|file| scenario::cases(file).expect("the corpus can be read"))
        .filter(|case| case.world.is_some());
    let calls = both_ways(cases);
    assert!(calls > 1_000, "only {calls} calls");
}

#[test]
fn random_cases_come_to_the_same_both_ways() {
    let cases = (0..RANDOM).filter_map(|number| generate::from_seed(23, number).ok());
    let calls = both_ways(cases);
    assert!(calls > 3 * RANDOM, "only {calls} calls");
}

#[test]
fn many_questions_of_few_worlds_come_to_the_same_both_ways() {
    let settings = generate::Settings::crossed(60);
    let cases = (0..RANDOM / 5).filter_map(|number| generate::from_seed_with(29, number, &settings).ok());
    let calls = both_ways(cases);
    assert!(calls > 50 * RANDOM / 5, "only {calls} calls");
}
