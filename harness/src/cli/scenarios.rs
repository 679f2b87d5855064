//! `countersign scenarios`: the corpus, listed or run.

use std::io::Write as _;

use countersign_model::case::Case;

use super::arguments::ScenariosArguments;
use super::{Exit, Failure, check, files};
use crate::report::plain;

pub(super) fn run(arguments: &ScenariosArguments) -> Result<Exit, Failure> {
    let mut cases = files::corpus_cases()?;
    if let Some(filter) = &arguments.filter {
        cases.retain(|case| matches(case, filter));
        if cases.is_empty() {
            return Err(Failure::message(
                Exit::NothingRan,
                format!("no scenario has `{filter}` in its id or title"),
                "`countersign scenarios --list` lists all",
            ));
        }
    }
    if arguments.list {
        let mut out = std::io::stdout().lock();
        for case in &cases {
            writeln!(
                out,
                "{}  {}  ({} steps)",
                case.id,
                plain(case.title.as_deref().unwrap_or("")),
                case.steps.len()
            )?;
        }
        return Ok(Exit::Conformant);
    }
    check::run_cases(cases, &arguments.target, &[], None)
}

fn matches(case: &Case, filter: &str) -> bool {
    case.id.contains(filter) || case.title.as_deref().is_some_and(|title| title.contains(filter))
}
