//! `countersign faults`: are the emulator's seeded faults found, and after how many cases?

use std::io::Write as _;
use std::path::Path;

use super::arguments::FaultsArguments;
use super::{Exit, Failure, known_faults, some_cases};
use crate::faults::{self, FaultReport, MeasureError};

pub(super) fn run(arguments: &FaultsArguments) -> Result<Exit, Failure> {
    known_faults(&arguments.ids)?;
    let mut out = std::io::stdout().lock();
    if arguments.list {
        for fault in faults::list() {
            writeln!(out, "{:<38} {:<10} {}", fault.id, fault.rule, fault.story)?;
        }
        return Ok(Exit::Conformant);
    }
    some_cases(arguments.cases)?;
    let ids: Vec<String> = if arguments.ids.is_empty() {
        faults::names().into_iter().map(str::to_owned).collect()
    } else {
        arguments.ids.clone()
    };
    let seeds: Vec<u64> = (0..u64::from(arguments.seeds))
        .map(|offset| arguments.seed.wrapping_add(offset))
        .collect();
    let reports = faults::measure(&ids, &seeds, arguments.cases).map_err(|error| failure(&error))?;
    if let Some(folder) = &arguments.report {
        save(folder, &reports)?;
    }
    if arguments.json {
        let json = serde_json::to_string_pretty(&reports).map_err(std::io::Error::other)?;
        writeln!(out, "{json}")?;
    } else {
        write!(out, "{}", crate::report::plain(&faults::render(&reports)))?;
    }
    let all = reports.iter().all(FaultReport::found);
    Ok(if all { Exit::Conformant } else { Exit::Divergence })
}

/// Writes each exemplar's case under the fault's name.
fn save(folder: &Path, reports: &[FaultReport]) -> Result<(), Failure> {
    for report in reports {
        let Some(exemplar) = &report.exemplar else { continue };
        let path = crate::findings::save_case(folder, &report.id, &exemplar.case).map_err(|error| {
            Failure::message(
                Exit::Usage,
                format!("the case of `{}` cannot be saved: {error}", report.id),
                "give --report a folder that can be written",
            )
        })?;
        eprintln!(
            "{}: {}",
            report.id,
            crate::report::replay_command(&path, std::slice::from_ref(&report.id))
        );
    }
    Ok(())
}

fn failure(error: &MeasureError) -> Failure {
    let exit = match error {
        MeasureError::UnknownFault(_) => Exit::Usage,
        MeasureError::Target(_) => Exit::Target,
        MeasureError::Run { .. } => Exit::Internal,
    };
    Failure::message(exit, error, "`countersign faults --list` lists the faults")
}
