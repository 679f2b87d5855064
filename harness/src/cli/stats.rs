//! `countersign stats`: how good the random cases are.

use std::io::Write as _;

use super::arguments::StatsArguments;
use super::{Exit, Failure};
use crate::stats;

pub(super) fn run(arguments: &StatsArguments) -> Result<Exit, Failure> {
    if arguments.cases == 0 {
        return Err(Failure::message(
            Exit::NothingRan,
            "no cases were asked for",
            "give --cases a number above 0",
        ));
    }
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
