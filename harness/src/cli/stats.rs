//! `countersign stats`: how good the random cases are.

use std::io::Write as _;

use super::arguments::StatsArguments;
use super::{Exit, Failure, some_cases};
use crate::stats;

pub(super) fn run(arguments: &StatsArguments) -> Result<Exit, Failure> {
    some_cases(arguments.cases)?;
    let stats = stats::collect(arguments.cases, arguments.seed);
    let mut out = std::io::stdout().lock();
    if arguments.json {
        let json = serde_json::to_string_pretty(&stats).map_err(std::io::Error::other)?;
        writeln!(out, "{json}")?;
    } else {
        write!(out, "{}", crate::report::plain(&stats.render()))?;
    }
    Ok(Exit::Conformant)
}
