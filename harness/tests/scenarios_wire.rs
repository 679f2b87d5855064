//! Every scenario of the corpus, over real HTTP through the AWS SDKs and straight into the emulator's handler; cases without a world
//! straight into its authorizer: model, target and the expectations written in the files agree on every step.
#![cfg(feature = "wire")]

use std::fmt::Write as _;
use std::path::{Path, PathBuf};

use countersign::differential::{CaseReport, StepStatus};
use countersign::scenario;
use countersign::target::{EmbeddedOptions, EmbeddedTarget, Target};
use countersign_model::case::Case;

fn corpus() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../scenarios")
}

/// The fact that the embedded target cannot arrange.
const NO_TLS: &str = "aws:SecureTransport";

/// Everything that is not as it should be, for people.
fn complaints(reports: &[CaseReport]) -> String {
    let mut text = String::new();
    for report in reports {
        if let Some(fault) = &report.provisioning_fault {
            let _ = writeln!(text, "{}: the world cannot be built: {fault}", report.id);
        }
        for (index, step) in report.steps.iter().enumerate() {
            let name = step.name.as_deref().unwrap_or("");
            match &step.status {
                StepStatus::Compared => {}
                // A loopback socket without TLS cannot show a request with it; the pair of rule svc:Q-10 is the model's.
                StepStatus::Skipped { reason } if report.id == "svc.pair.q-10" && reason.contains(NO_TLS) => {}
                other => {
                    let _ = writeln!(text, "{} step {} ({name}): {other:?}", report.id, index + 1);
                }
            }
            for one in &step.disagreements {
                let _ = writeln!(
                    text,
                    "{} step {} ({name}): {:?} of {:?} at {}\n    expected {}\n    observed {}",
                    report.id,
                    index + 1,
                    one.kind,
                    one.side,
                    one.path,
                    one.expected,
                    one.observed
                );
            }
        }
    }
    text
}

/// How many cases of the corpus are of a kind.
fn corpus_cases(of_kind: fn(&Case) -> bool) -> usize {
    let files = scenario::files(&corpus()).expect("the corpus can be read");
    let cases = files
        .iter()
        .flat_map(|file| scenario::cases(file).expect("the corpus can be read"));
    cases.filter(of_kind).count()
}

fn run(target: &mut dyn Target) -> Vec<CaseReport> {
    let reports = scenario::run_path(&corpus(), target).expect("the corpus can be read and run");
    assert_eq!(
        reports.len(),
        corpus_cases(|_| true),
        "nothing of the corpus is left out"
    );
    assert!(reports.iter().all(CaseReport::reconciles));
    let complaints = complaints(&reports);
    assert!(complaints.is_empty(), "{} cases\n{complaints}", reports.len());
    reports
}

#[test]
fn every_scenario_agrees_over_the_socket() {
    let mut target = EmbeddedTarget::over_socket(EmbeddedOptions::default()).expect("loopback is there");
    assert!(target.port().is_some());
    // What goes over the wire has a world; building it or taking its steps makes calls.
    let worlds: Vec<CaseReport> = run(&mut target)
        .into_iter()
        .filter(|report| report.provisioning.calls + report.wire.calls > 0)
        .collect();
    assert_eq!(worlds.len(), corpus_cases(|case| case.world.is_some()));
    for report in worlds {
        let calls = report
            .steps
            .iter()
            .filter(|step| step.observed.as_ref().is_some_and(|seen| seen.trail.is_some()))
            .count();
        assert_eq!(
            report.wire.calls, calls as u64,
            "{}: one call for each step that makes one",
            report.id
        );
    }
}

#[test]
fn every_scenario_agrees_in_process() {
    let options = EmbeddedOptions {
        seed: Some(7),
        ..EmbeddedOptions::default()
    };
    let mut target = EmbeddedTarget::in_process(options).expect("a runtime can be made");
    run(&mut target);
}
