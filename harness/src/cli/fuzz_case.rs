//! `countersign fuzz-case`: what a fuzzer saved as a Case: shrunk where the two readings differ, saved, and said in words.

use std::io::Write as _;
use std::path::{Path, PathBuf};

use clap::Args;
use countersign_model::case::Case;

use super::{Exit, Failure};
use crate::evaluator::finding::{self, investigate};
use crate::evaluator::{EmulatorEvaluator, ModelEvaluator};
use crate::findings::{FindingError, save_case};
use crate::fuzzing::{FuzzTarget, TARGETS};
use crate::report::plain;

/// `fuzz-case`.
#[derive(Debug, Clone, Args)]
pub(super) struct FuzzCaseArguments {
    /// The fuzz target whose inputs these are.
    target: String,
    /// Inputs: files of `fuzz/artifacts/TARGET/` or `fuzz/corpus/TARGET/`.
    #[arg(required = true, value_name = "FILE")]
    inputs: Vec<PathBuf>,
    /// Folder for the Cases; `countersign-report` when left out.
    #[arg(long, value_name = "DIR")]
    report: Option<PathBuf>,
}

pub(super) fn run(arguments: &FuzzCaseArguments) -> Result<Exit, Failure> {
    let Some(target) = FuzzTarget::named(&arguments.target) else {
        let known: Vec<&str> = TARGETS.iter().map(|target| target.name).collect();
        return Err(Failure::message(
            Exit::Usage,
            format!("unknown fuzz target `{}`", arguments.target),
            format!("the targets are {}", known.join(", ")),
        ));
    };
    let folder = arguments
        .report
        .clone()
        .unwrap_or_else(|| PathBuf::from("countersign-report"))
        .join("findings");
    let mut exit = Exit::Conformant;
    for path in &arguments.inputs {
        let input = std::fs::read(path).map_err(|error| {
            Failure::message(
                Exit::Usage,
                format!("cannot read `{}`: {error}", path.display()),
                "name a file of fuzz/artifacts or fuzz/corpus",
            )
        })?;
        // First the case: an input that panics still leaves it.
        let saved = save(target, &input, &folder)?;
        let mut out = std::io::stdout().lock();
        writeln!(out, "{}", plain(&path.display().to_string()))?;
        match &saved {
            Some(saved) => {
                let saved = saved.display().to_string();
                writeln!(
                    out,
                    "  case      {0}\n  replay    countersign replay {0}",
                    plain(&saved)
                )?;
            }
            None => writeln!(out, "  case      none: the input stands for no case")?,
        }
        out.flush()?;
        drop(out);
        match target.check(&input) {
            Ok(()) => println!("  holds     {}", target.property),
            Err(found) => {
                println!("  fails     {}", plain(&found));
                exit = Exit::Divergence;
                if let Some(smallest) = target.case(&input).and_then(|case| target.smallest(&case)) {
                    let path = save_one(&folder, &smallest)?.display().to_string();
                    println!("  smallest  {0}\n  replay    countersign replay {0}", plain(&path));
                }
            }
        }
    }
    Ok(exit)
}

/// Saves the Case of an input, shrunk if the readings differ on it.
fn save(target: &FuzzTarget, input: &[u8], folder: &Path) -> Result<Option<PathBuf>, Failure> {
    let Some(case) = target.case(input) else {
        return Ok(None);
    };
    let differs = case
        .evaluate
        .as_ref()
        .is_some_and(|evaluate| evaluate.request.is_some() || !evaluate.requests.is_empty())
        .then(|| investigate(&case, &mut ModelEvaluator, &mut EmulatorEvaluator::default(), 1))
        .flatten();
    match &differs {
        Some(finding) => finding::save(folder, finding).map_err(unsaved),
        None => save_one(folder, &case),
    }
    .map(Some)
}

fn save_one(folder: &Path, case: &Case) -> Result<PathBuf, Failure> {
    save_case(folder, &case.id, case).map_err(unsaved)
}

fn unsaved(error: FindingError) -> Failure {
    Failure::message(
        Exit::Internal,
        format!("the case cannot be saved: {error}"),
        "give --report a folder that can be written",
    )
}
