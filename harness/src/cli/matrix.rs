//! `countersign matrix`: several runs side by side as a Markdown page. The tables are `report::targets`'s.

use std::path::PathBuf;

use clap::Args;

use super::{Exit, Failure, print};
use crate::findings::write_whole;
use crate::report::{TargetRun, targets_page};

/// `matrix`.
#[derive(Debug, Clone, Args)]
pub(super) struct MatrixArguments {
    /// The reports: `report.ndjson`, or the folder that holds it, one a target, in the order of the columns.
    #[arg(required = true, value_name = "REPORT")]
    reports: Vec<PathBuf>,
    /// Write to a file instead of standard output.
    #[arg(long, value_name = "FILE")]
    output: Option<PathBuf>,
}

pub(super) fn run(arguments: &MatrixArguments) -> Result<Exit, Failure> {
    let runs = arguments
        .reports
        .iter()
        .map(|path| TargetRun::read(path))
        .collect::<Result<Vec<_>, _>>()
        .map_err(|error| Failure::message(Exit::Usage, error, "give the --report folder of a `countersign check`"))?;
    let page = targets_page(&runs);
    match &arguments.output {
        None => print(page.as_bytes())?,
        Some(path) => write_whole(path, &page)
            .map_err(|error| Failure::message(Exit::Usage, error, "give --output a file that can be written"))?,
    }
    Ok(Exit::Conformant)
}
