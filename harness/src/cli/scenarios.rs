//! `countersign scenarios`: the corpus, listed or run.

use std::io::Write as _;

use countersign_model::case::Case;

use super::arguments::ScenariosArguments;
use super::{Exit, Failure, check, files};
use crate::differential::requests;
use crate::report::plain;

pub(super) fn run(arguments: &ScenariosArguments) -> Result<Exit, Failure> {
    let mut cases = files::whole_corpus()?;
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
            let title = plain(case.title.as_deref().unwrap_or(""));
            match &case.evaluate {
                Some(evaluate) => {
                    let asked = requests(evaluate).count() + evaluate.saves.len();
                    writeln!(out, "{}  {title}  ({asked} asked)", case.id)?;
                }
                None => writeln!(out, "{}  {title}  ({} steps)", case.id, case.steps.len())?,
            }
        }
        return Ok(Exit::Conformant);
    }
    check::run_cases(cases, &arguments.target, &[], None)
}

fn matches(case: &Case, filter: &str) -> bool {
    case.id.contains(filter) || case.title.as_deref().is_some_and(|title| title.contains(filter))
}
