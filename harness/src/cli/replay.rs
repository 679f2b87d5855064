//! `countersign replay`: Case files against a target.

use super::arguments::ReplayArguments;
use super::{Exit, Failure, check, files, known_faults};

pub(super) fn run(arguments: &ReplayArguments) -> Result<Exit, Failure> {
    known_faults(&arguments.faults)?;
    let mut cases = files::cases_of(&arguments.paths)?;
    let all = cases.len();
    cases.retain(|case| case.world.is_some());
    if cases.is_empty() {
        return Err(Failure::message(
            Exit::NothingRan,
            format!("none of the {all} cases has a world to run"),
            "cases for a pure evaluator are not replayed against a server",
        ));
    }
    check::run_cases(cases, &arguments.target, &arguments.faults, None)
}
