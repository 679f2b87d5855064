//! `countersign replay`: Case files against a target.

use super::arguments::ReplayArguments;
use super::{Exit, Failure, check, files, known_faults};

pub(super) fn run(arguments: &ReplayArguments) -> Result<Exit, Failure> {
    known_faults(&arguments.faults)?;
    let cases = files::cases_of(&arguments.paths)?;
    check::run_cases(cases, &arguments.target, &arguments.faults, arguments.report.as_deref())
}
