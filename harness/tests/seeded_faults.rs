//! The harness finds the emulator's seeded faults, and what it shrinks cannot be shrunk further.
#![cfg(feature = "wire")]

use std::collections::BTreeSet;
use std::sync::atomic::AtomicBool;

use countersign::differential::run_case;
use countersign::faults::table::render;
use countersign::faults::{Detector, Measurement, Plan, Tier, measure, of_names, tiers};
use countersign::generate;
use countersign::target::{EmbeddedOptions, EmbeddedTarget, twin_names};
use countersign_model::case::Case;

fn measured(ids: &[&str], seeds: &[u64], workers: usize) -> Measurement {
    let ids: Vec<String> = ids.iter().map(|id| (*id).to_owned()).collect();
    let plan = Plan {
        faults: of_names(&ids).expect("the faults exist"),
        seeds: seeds.to_vec(),
        cases: 600,
        tiers: tiers(),
        workers,
    };
    measure(&plan, &AtomicBool::new(false), &|_| {}).expect("the measurement can be made")
}

/// Every fault is measured by `countersign faults`; here some of each family and tier, each found within the bound, and each exemplar
/// 1-minimal: no single removal from it shows the fault as it does.
#[test]
fn seeded_faults_are_found_and_what_is_shrunk_is_one_minimal() {
    let ids = [
        "delegation-as-direct-allow",
        "grant-constraint-ignored",
        "decrypt-unchecked-on-get",
        "generate-data-key-unchecked-on-put",
        "retired-grant-still-allows",
        "boundary-skipped",
        "session-policy-skipped",
        "identity-deny-ignored",
        "account-principal-in-deny-misses",
        "action-case-counts",
        "string-equals-ignores-case",
        "numbers-compared-as-text",
        "for-all-values-needs-a-value",
        "unresolved-variable-is-empty",
        "service-control-last-level-only",
        "cross-account-identity-suffices",
    ];
    let measurement = measured(&ids, &[1], 2);
    let mut detector = Detector::new().expect("the emulator runs in this process");
    let (mut tried, mut worlds) = (0, 0);
    for report in &measurement.faults {
        assert!(report.found(), "{}", render(&measurement));
        let exemplar = report.exemplar.as_ref().expect("what was found has an exemplar");
        assert!(exemplar.minimal, "{}: the budget ran out", report.id);
        assert!(exemplar.after.bytes <= exemplar.before.bytes, "{}", report.id);
        assert!(
            exemplar.after.steps <= 4,
            "{}: {} steps are left",
            report.id,
            exemplar.after.steps
        );
        assert!(
            detector.shows(&report.id, exemplar, &exemplar.case),
            "{}: the shrunk case does not show the fault",
            report.id
        );
        worlds += usize::from(exemplar.tier == Tier::World);
        for smaller in countersign::faults::single_removals(exemplar) {
            tried += 1;
            assert!(
                !detector.shows(&report.id, exemplar, &smaller),
                "{}: this can still go\n{}",
                report.id,
                difference(&exemplar.case, &smaller)
            );
        }
    }
    assert!(tried > 100 && worlds > 2, "{tried} removals tried, {worlds} of worlds");
}

fn difference(one: &Case, other: &Case) -> String {
    let text = |case: &Case| serde_json::to_string_pretty(case).expect("a case has a JSON form");
    let (one, other) = (text(one), text(other));
    let gone: Vec<&str> = one.lines().filter(|line| !other.contains(line)).collect();
    gone.join("\n")
}

/// The first case counts, whatever the number of threads.
#[test]
fn a_measurement_does_not_depend_on_the_number_of_threads() {
    let ids = ["boundary-skipped", "decrypt-unchecked-on-get"];
    let (one, two) = (measured(&ids, &[3, 4], 1), measured(&ids, &[3, 4], 2));
    for (one, two) in one.faults.iter().zip(&two.faults) {
        assert_eq!(one.seeds, two.seeds, "{}", one.id);
        assert!(one.found());
        for seed in &one.seeds {
            assert!(seed.reached_after <= seed.triggered_after && seed.triggered_after <= seed.detected_after);
        }
    }
}

/// What no policy allows: the law of a hostile twin holds in every world, but for users who may do everything.
#[test]
fn hostile_twins_of_a_sound_emulator_are_refused_or_mean_nothing() {
    let mut target = EmbeddedTarget::in_process(EmbeddedOptions {
        seed: Some(7),
        twins: true,
        ..EmbeddedOptions::default()
    })
    .expect("the emulator runs in this process");
    let (mut met, mut broken) = (BTreeSet::new(), Vec::new());
    for number in 0..120 {
        let Ok(case) = generate::from_seed(5, number) else {
            continue;
        };
        run_case(&case, &mut target).expect("a generated case runs");
        for seen in target.take_twins() {
            met.insert(seen.twin);
            if !seen.holds && seen.twin != "own-access-key" {
                broken.push(format!("{}: {seen:?}", case.id));
            }
        }
    }
    assert!(broken.is_empty(), "{}", broken.join("\n"));
    let missing: Vec<&str> = twin_names().filter(|twin| !met.contains(twin)).collect();
    assert!(missing.is_empty(), "never met: {missing:?}");
}

/// What no SDK sends shows a fault that no case shows by itself.
#[test]
fn hostile_twins_show_what_no_case_shows_by_itself() {
    let ids = ["signature-unverified", "presign-expiry-ignored", "form-policy-ignored"];
    let measurement = measured(&ids, &[1], 2);
    let mut detector = Detector::new().expect("the emulator runs in this process");
    let mut steps = 0;
    for report in &measurement.faults {
        assert!(report.found(), "{}", render(&measurement));
        let exemplar = report.exemplar.as_ref().expect("what was found has an exemplar");
        steps += exemplar.after.steps;
        assert_eq!(exemplar.tier, Tier::Request, "{}", report.id);
        assert!(detector.shows(&report.id, exemplar, &exemplar.case), "{}", report.id);
        // The request itself, and at most a step that makes what it is about.
        assert!(
            exemplar.after.steps <= 2,
            "{}: {} steps are left",
            report.id,
            exemplar.after.steps
        );
    }
    // Most requests are about what is in the world already.
    assert!(steps <= ids.len() + 1, "{steps} steps for {} faults", ids.len());
}
