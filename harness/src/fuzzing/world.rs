//! Worlds and steps made from bytes by the generator of `countersign check`, on the emulator in process through the AWS SDKs.

use std::cell::RefCell;

use arbitrary::Unstructured;

use countersign_model::case::Case;

use super::FuzzTarget;
use crate::differential::{CaseReport, RunError, StepStatus, fingerprint, run_case, shrink};
use crate::findings;
use crate::generate::{Settings, case as draw};
use crate::target::{EmbeddedOptions, EmbeddedTarget, Target as _, TargetError};

/// Most questions for the smallest case.
const SHRINK_BUDGET: usize = 3_000;

/// The target `world`.
pub const TARGET: FuzzTarget = FuzzTarget {
    name: "world",
    property: "the emulator, called directly, does what the model says at every step of a world made from the bytes",
    check,
    case: |input| draw(&mut Unstructured::new(input), &Settings::default()).ok(),
    smallest,
};

thread_local! {
    static TARGET_IN_PROCESS: RefCell<Option<EmbeddedTarget>> = const { RefCell::new(None) };
}

fn check(input: &[u8]) -> Result<(), String> {
    let Ok(case) = draw(&mut Unstructured::new(input), &Settings::default()) else {
        return Ok(());
    };
    TARGET_IN_PROCESS.with_borrow_mut(|target| {
        let target = match target {
            Some(target) => target,
            none => none.insert(target_in_process().map_err(|error| error.to_string())?),
        };
        match run_case(&case, target) {
            Ok(report) if report.agrees() => Ok(()),
            Ok(report) => Err(format!(
                "{:#?}\n{}",
                found(&report),
                countersign_model::case::to_yaml(&case).unwrap_or_default()
            )),
            // What no sequence of calls reaches is no case.
            Err(RunError::World(_)) => Ok(()),
            Err(error) => Err(error.to_string()),
        }
    })
}

fn smallest(case: &Case) -> Option<Case> {
    let mut target = target_in_process().ok()?;
    let kind = fingerprint::of(case, &run_case(case, &mut target).ok()?)?;
    // A smaller case differs from the smallest so far in one part.
    target.remember_worlds(true);
    let shrunk = shrink::shrink(case, SHRINK_BUDGET, |smaller| {
        let fails = findings::loads(smaller)
            && run_case(smaller, &mut target)
                .is_ok_and(|report| fingerprint::of(smaller, &report).as_ref() == Some(&kind));
        if fails {
            target.keep_world();
        }
        fails
    });
    Some(shrunk.case)
}

fn target_in_process() -> Result<EmbeddedTarget, TargetError> {
    EmbeddedTarget::in_process(EmbeddedOptions {
        seed: Some(1),
        ..EmbeddedOptions::default()
    })
}

/// What is wrong, in a few words each: the world that could not be built, steps that were not compared, and differences.
fn found(report: &CaseReport) -> Vec<String> {
    let world = report.provisioning_fault.iter().map(|fault| format!("world: {fault}"));
    let steps = report.steps.iter().enumerate().flat_map(|(index, step)| {
        let uncompared = (step.status != StepStatus::Compared).then(|| format!("{:?}", step.status));
        let differences = step.disagreements.iter().map(|one| format!("{one:?}"));
        uncompared
            .into_iter()
            .chain(differences)
            .map(move |what| format!("step {}: {what}", index + 1))
    });
    world.chain(steps).collect()
}
