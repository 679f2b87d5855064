//! Shrinking builds again only what changed: the same smallest case, for a fraction of the calls that build worlds.
#![cfg(feature = "wire")]

use std::time::Duration;

use countersign::differential::shrink::{Shrunk, shrink};
use countersign::differential::{fingerprint, run_case};
use countersign::findings::loads;
use countersign::generate;
use countersign::target::{EmbeddedOptions, EmbeddedTarget, Target};
use countersign_model::case::Case;

/// Faults that only worlds show, each of another kind of state: key policies, grants, buckets.
const FAULTS: [&str; 3] = [
    "delegation-as-direct-allow",
    "grant-constraint-ignored",
    "decrypt-unchecked-on-get",
];

/// What a shrink came to.
#[derive(Debug)]
struct Effort {
    shrunk: Shrunk,
    /// Calls that built worlds.
    calls: u64,
    building: Duration,
    asking: Duration,
}

fn target(fault: &str) -> EmbeddedTarget {
    EmbeddedTarget::in_process(EmbeddedOptions {
        faults: vec![fault.to_owned()],
        seed: Some(7),
        ..EmbeddedOptions::default()
    })
    .expect("the emulator runs in this process")
}

/// The first random case that shows a fault, and how.
fn finding(fault: &str) -> (Case, String) {
    let mut target = target(fault);
    (0..600)
        .filter_map(|number| generate::from_seed(3, number).ok())
        .find_map(|case| {
            let report = run_case(&case, &mut target).ok()?;
            let kind = fingerprint::of(&case, &report)?;
            Some((case, kind))
        })
        .unwrap_or_else(|| panic!("`{fault}` shows in no case"))
}

fn shrunk(fault: &str, case: &Case, kind: &str, remember: bool) -> Effort {
    let mut target = target(fault);
    target.remember_worlds(true);
    let (mut calls, mut building, mut asking) = (0, Duration::ZERO, Duration::ZERO);
    let shrunk = shrink(case, 5_000, |smaller| {
        if !loads(smaller) {
            return false;
        }
        if !remember {
            // Every world whole, as on a target that cannot go back.
            target.remember_worlds(false);
        }
        let Ok(report) = run_case(smaller, &mut target) else {
            return false;
        };
        calls += report.provisioning.calls;
        building += report.provisioning.time;
        asking += report.wire.time;
        let fails = fingerprint::of(smaller, &report).as_deref() == Some(kind);
        if fails {
            target.keep_world();
        }
        fails
    });
    Effort {
        shrunk,
        calls,
        building,
        asking,
    }
}

#[test]
fn only_what_changed_is_built_again_and_the_smallest_case_is_the_same() {
    // The SDKs' futures are deep without optimisation: as much stack as a worker of a run has.
    let worker = std::thread::Builder::new().stack_size(16 << 20);
    let measured = worker.spawn(measure).expect("a thread can be made");
    measured.join().expect("the measurement holds");
}

fn measure() {
    let (mut before, mut after, mut typical) = (0, 0, false);
    for fault in FAULTS {
        let (case, kind) = finding(fault);
        let whole = shrunk(fault, &case, &kind, false);
        let changed = shrunk(fault, &case, &kind, true);
        for (how, effort) in [("whole", &whole), ("changed", &changed)] {
            println!(
                "{fault}: {how}: {} evaluations, {} calls, {:.2} s building, {:.2} s asking",
                effort.shrunk.evaluations,
                effort.calls,
                effort.building.as_secs_f64(),
                effort.asking.as_secs_f64()
            );
        }
        assert!(whole.shrunk.minimal && changed.shrunk.minimal, "{fault}");
        assert_eq!(whole.shrunk.case, changed.shrunk.case, "{fault}");
        assert_eq!(whole.shrunk.evaluations, changed.shrunk.evaluations, "{fault}");
        // Seen in a world that is built whole, it is the same finding.
        let again = run_case(&changed.shrunk.case, &mut target(fault)).expect("the smallest case runs");
        assert_eq!(
            fingerprint::of(&changed.shrunk.case, &again),
            Some(kind),
            "{fault}: it does not show in a world of its own"
        );
        before += whole.calls;
        after += changed.calls;
        typical |= changed.calls * 5 <= whole.calls;
    }
    // Five times fewer in a world of some ten calls; one of three has nothing to spare, and a grant or key that changes is built anew.
    assert!(typical && after * 3 <= before, "{after} calls instead of {before}");
}
