//! A bad network and late propagation are no divergence, and hide none.
#![cfg(feature = "wire")]

use countersign::differential::{Side, run_case};
use countersign::generate;
use countersign::target::{EmbeddedOptions, EmbeddedTarget, TargetError};
use countersign_model::case::Case;

const BAD: &str = "throttle=0.3,reset=0.1,5xx=0.05,slow=0.05:12s,propagation=2s,seed=7";

fn target(disturbance: &str, faults: &[&str]) -> EmbeddedTarget {
    EmbeddedTarget::in_process(EmbeddedOptions {
        disturbance: Some(disturbance.parse().expect("the documented form")),
        faults: faults.iter().map(|fault| (*fault).to_owned()).collect(),
        seed: Some(1),
        ..EmbeddedOptions::default()
    })
    .expect("a runtime can be made")
}

fn cases(count: u64) -> Vec<Case> {
    (0..count)
        .filter_map(|number| generate::from_seed(11, number).ok())
        .collect()
}

#[test]
fn a_bad_network_is_never_a_divergence_and_mostly_no_obstacle() {
    let mut target = target(BAD, &[]);
    let (mut steps, mut compared, mut retries, mut settled) = (0, 0, 0, 0);
    for case in cases(60) {
        let Ok(report) = run_case(&case, &mut target) else {
            continue;
        };
        let fault = &report.provisioning_fault;
        assert!(
            matches!(
                fault,
                None | Some(TargetError::Ambiguous { .. } | TargetError::Unsupported { .. })
            ),
            "{}: {fault:?}",
            case.id
        );
        let differing: Vec<_> = report
            .disagreements()
            .filter(|(_, one)| one.side == Side::Target)
            .collect();
        assert!(differing.is_empty(), "{}: {differing:#?}", case.id);
        assert!(report.reconciles() && report.errors() == 0, "{}: {report:#?}", case.id);
        steps += report.steps.len();
        compared += report.compared();
        retries += report.waiting.retries;
        settled += report.waiting.settled.as_secs();
    }
    assert!(
        retries > 100 && settled > 60,
        "nothing was disturbed: {retries} retries, {settled} s"
    );
    assert!(compared * 2 > steps, "only {compared} of {steps} steps were compared");
}

#[test]
fn the_same_seed_disturbs_the_same_calls() {
    let reports = || {
        let mut target = target(BAD, &[]);
        cases(6)
            .iter()
            .filter_map(|case| run_case(case, &mut target).ok())
            .map(|report| (report.ambiguous(), report.waiting, report.compared()))
            .collect::<Vec<_>>()
    };
    assert_eq!(reports(), reports());
}

#[test]
fn a_seeded_fault_is_found_all_the_same() {
    let mut target = target(BAD, &["conditions-ignored"]);
    let found = cases(120).iter().any(|case| {
        run_case(case, &mut target).is_ok_and(|report| report.disagreements().any(|(_, one)| one.side == Side::Target))
    });
    assert!(found, "the fault was not found in 120 cases");
}
