//! Worlds and steps made from bytes by the generator of `countersign check`, on the emulator in process through the AWS SDKs.

use std::cell::RefCell;

use arbitrary::Unstructured;

use super::FuzzTarget;
use crate::differential::{RunError, run_case};
use crate::generate::{Settings, case as draw};
use crate::target::{EmbeddedOptions, EmbeddedTarget};

/// The target `world`.
pub const TARGET: FuzzTarget = FuzzTarget {
    name: "world",
    property: "the emulator, called directly, does what the model says at every step of a world made from the bytes",
    check,
    case: |input| draw(&mut Unstructured::new(input), &Settings::default()).ok(),
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
            none => {
                let options = EmbeddedOptions {
                    seed: Some(1),
                    ..EmbeddedOptions::default()
                };
                none.insert(EmbeddedTarget::in_process(options).map_err(|error| error.to_string())?)
            }
        };
        match run_case(&case, target) {
            Ok(report) if report.agrees() && report.errors() == 0 => Ok(()),
            Ok(report) => Err(format!(
                "{:#?}\n{}",
                report.disagreements().collect::<Vec<_>>(),
                countersign_model::case::to_yaml(&case).unwrap_or_default()
            )),
            // What no sequence of calls reaches is no case.
            Err(RunError::World(_)) => Ok(()),
            Err(error) => Err(error.to_string()),
        }
    })
}
