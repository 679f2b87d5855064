//! Every case of the corpus without a world, asked of the emulator's authorizer without server and SDKs: model, authorizer and the
//! expectations written in the files agree on every request and on every document to be saved.
#![forbid(unsafe_code)]

use std::fmt::Write as _;
use std::path::Path;

use countersign::differential::{CaseReport, Side, StepStatus};
use countersign::scenario;
use countersign::target::AuthorizerTarget;

fn reports(faults: &[&str]) -> Vec<CaseReport> {
    let corpus = Path::new(env!("CARGO_MANIFEST_DIR")).join("../scenarios");
    let faults: Vec<String> = faults.iter().map(ToString::to_string).collect();
    let mut target = AuthorizerTarget::new(&faults, Default::default()).expect("the faults are seeded ones");
    scenario::run_path(&corpus, &mut target).expect("the corpus can be read and run")
}

#[test]
fn every_evaluator_case_agrees() {
    let reports = reports(&[]);
    assert!(reports.len() > 500, "{} cases", reports.len());
    let saved = |report: &CaseReport| {
        let documents = report.steps.iter().filter_map(|step| step.name.as_deref());
        documents.filter(|name| name.starts_with("save a ")).count()
    };
    assert!(reports.iter().map(saved).sum::<usize>() > 50);
    let mut complaints = String::new();
    for report in &reports {
        for (position, step) in report.steps.iter().enumerate() {
            let name = step.name.as_deref().unwrap_or_default();
            if step.status != StepStatus::Compared {
                let _ = writeln!(
                    complaints,
                    "{} #{} ({name}): {:?}",
                    report.id,
                    position + 1,
                    step.status
                );
            }
            for one in &step.disagreements {
                let _ = writeln!(
                    complaints,
                    "{} #{} ({name}), {:?} of {:?}: {} expected, {} observed",
                    report.id,
                    position + 1,
                    one.path,
                    one.side,
                    one.expected,
                    one.observed
                );
            }
        }
    }
    assert!(complaints.is_empty(), "{} cases\n{complaints}", reports.len());
}

#[test]
fn a_seeded_fault_shows_in_the_corpus() {
    let reports = reports(&["boundary-skipped"]);
    let diverging = reports
        .iter()
        .filter(|report| report.disagreements().any(|(_, one)| one.side == Side::Target))
        .count();
    assert!(diverging > 0, "no case of {} shows it", reports.len());
}
