//! `countersign record`: runs cases on a target and writes down what it answered. `check --against` holds it against the model later.

use std::io::Write as _;
use std::path::PathBuf;
use std::sync::atomic::Ordering;

use clap::Args;
use countersign_model::case::Case;

use super::arguments::{TargetArguments, TargetName};
use super::{Exit, Failure, files, make_target, ready};
use crate::differential::run_case;
use crate::observed::{Circumstances, Observation};
use crate::report::plain;
use crate::target::TargetError;

/// `record`.
#[derive(Debug, Clone, Args)]
pub(super) struct RecordArguments {
    #[command(flatten)]
    pub(super) target: TargetArguments,
    /// Folder for the observations, a file a case.
    #[arg(long, default_value = "snapshots/observed", value_name = "DIR")]
    pub(super) out: PathBuf,
    /// Only cases whose id or title contains this text.
    #[arg(long, value_name = "TEXT")]
    pub(super) filter: Option<String>,
    /// Case files, or folders of them; the corpus when left out.
    #[arg(value_name = "FILE_OR_DIR")]
    pub(super) paths: Vec<PathBuf>,
}

pub(super) fn run(arguments: &RecordArguments) -> Result<Exit, Failure> {
    let mut cases = if arguments.paths.is_empty() {
        files::whole_corpus()?
    } else {
        files::cases_of(&arguments.paths)?
    };
    cases.retain(|case| case.world.is_some() && arguments.filter.as_ref().is_none_or(|filter| has(case, filter)));
    if cases.is_empty() {
        return Err(Failure::message(
            Exit::NothingRan,
            "no case has a world to record",
            "name Case files, or another --filter",
        ));
    }
    let interrupted = super::check::interrupt_flag();
    let ready = ready(&arguments.target)?;
    #[cfg(feature = "wire")]
    if let Some(exit) = super::live::planned(&ready.target, &cases)? {
        return Ok(exit);
    }
    let mut target = make_target(&ready.target, &[])
        .map_err(|error| Failure::message(Exit::Target, error, "is the target running?"))?;
    let mut recorded = 0_usize;
    let mut lost = 0_usize;
    for case in &cases {
        if interrupted.load(Ordering::Relaxed) {
            break;
        }
        let report = run_case(case, target.as_mut())
            .map_err(|error| Failure::message(Exit::Usage, format!("`{}`: {error}", case.id), "is the case sound?"))?;
        if let Some(refusal) = refusal_of(&report) {
            return Err(refusal);
        }
        let circumstances = circumstances(&ready.target, case, target.compares());
        let observation = Observation::of(case, &report, &circumstances)
            .map_err(|error| Failure::message(Exit::Refused, error, "please report it; nothing was written"))?;
        let Some(observation) = observation else {
            lost += 1;
            continue;
        };
        let path = observation
            .save(&arguments.out)
            .map_err(|error| Failure::message(Exit::Usage, error, "give --out a folder that can be written"))?;
        recorded += 1;
        let mut out = std::io::stdout().lock();
        let differs = if report.disagreements().next().is_some() {
            "  (differs from the model)"
        } else {
            ""
        };
        writeln!(out, "{}", plain(&format!("{}{differs}", path.display())))?;
    }
    let text = format!("recorded  {recorded} cases; {lost} could not be asked\n");
    super::print(text.as_bytes())?;
    #[cfg(feature = "wire")]
    if let Some(line) = super::live::leftovers(&ready.target) {
        super::print(format!("{line}\n").as_bytes())?;
        if super::live::left_something(&ready.target) {
            return Ok(Exit::Target);
        }
    }
    Ok(if recorded > 0 {
        Exit::Conformant
    } else {
        Exit::NothingRan
    })
}

fn circumstances(target: &TargetArguments, case: &Case, compares: crate::target::Comparison) -> Circumstances {
    let of_world = case.world.as_ref().map(|world| world.region.to_string());
    #[cfg(feature = "wire")]
    let (region, account) = (
        target.live.region.as_ref().map(ToString::to_string),
        target.live.account.as_ref().map(ToString::to_string),
    );
    #[cfg(not(feature = "wire"))]
    let (region, account) = (None, None);
    let live = target.target == TargetName::Aws;
    Circumstances {
        date: jiff::Timestamp::now().strftime("%Y-%m-%d").to_string(),
        region: region.filter(|_| live).or(of_world),
        compare: compares.to_string(),
        account: account.filter(|_| live),
    }
}

/// A rail that stopped the run.
fn refusal_of(report: &crate::differential::CaseReport) -> Option<Failure> {
    let of_steps = report.steps.iter().filter_map(|step| match &step.status {
        crate::differential::StepStatus::Error { error } => Some(error),
        _ => None,
    });
    report
        .provisioning_fault
        .iter()
        .chain(of_steps)
        .find_map(|error| match error {
            TargetError::Refused { message, next_step } => Some(Failure::message(Exit::Refused, message, next_step)),
            _ => None,
        })
}

fn has(case: &Case, filter: &str) -> bool {
    case.id.contains(filter) || case.title.as_deref().is_some_and(|title| title.contains(filter))
}
