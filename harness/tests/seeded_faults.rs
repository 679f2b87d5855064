//! The harness finds the emulator's seeded faults, and what it shrinks cannot be shrunk further.
#![cfg(feature = "wire")]

use countersign::differential::{fingerprint, run_case, shrink};
use countersign::faults;
use countersign::target::{EmbeddedOptions, EmbeddedTarget};

/// Every fault is measured by `countersign faults`; here a few, each found within the bound that all must keep.
#[test]
fn seeded_faults_are_found_and_shrunk() {
    let ids = [
        "delegation-as-direct-allow",
        "grant-constraint-ignored",
        "decrypt-unchecked-on-get",
    ]
    .map(str::to_owned);
    let reports = faults::measure(&ids, &[1], 500).expect("the measurement can be made");
    for report in &reports {
        assert!(report.found(), "{}", faults::render(&reports));
        let exemplar = report.exemplar.as_ref().expect("what was found has an exemplar");
        assert!(exemplar.minimal, "{}: the budget ran out", report.id);
        assert!(exemplar.steps_after <= exemplar.steps_before);
        assert!(
            exemplar.steps_after <= 4,
            "{}: {} steps are left",
            report.id,
            exemplar.steps_after
        );
        let mut target = EmbeddedTarget::in_process(EmbeddedOptions {
            faults: vec![report.id.clone()],
            ..EmbeddedOptions::default()
        })
        .expect("the emulator runs in this process");
        let shows = |case: &_, target: &mut EmbeddedTarget| {
            run_case(case, target).is_ok_and(|again| fingerprint::all(case, &again).contains(&exemplar.fingerprint))
        };
        assert!(
            shows(&exemplar.case, &mut target),
            "{}: the shrunk case does not show the fault",
            report.id
        );
        // 1-minimal: shrinking what is shrunk finds nothing to take away.
        let again = shrink::shrink(&exemplar.case, 3_000, |smaller| shows(smaller, &mut target));
        assert_eq!(again.case.steps, exemplar.case.steps, "{}", report.id);
    }
}

#[test]
fn an_unknown_fault_is_refused() {
    let error = faults::measure(&["no-such-fault".to_owned()], &[1], 1).expect_err("nobody has that fault");
    assert_eq!(error.to_string(), "unknown fault `no-such-fault`");
}
