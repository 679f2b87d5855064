//! `countersign faults`: are the emulator's seeded faults found, after how many cases, and which would be found without the model?

use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::time::Instant;

use clap::{Args, ValueEnum};
use serde_json::json;

use super::check::interrupt_flag;
use super::evaluator::Progress;
use super::{Exit, Failure, files, known_faults, some_cases, workers};
use crate::faults::judges::{self, Trial};
use crate::faults::protection::Protection;
use crate::faults::table::{self, Sums};
use crate::faults::{self, MeasureError, Measurement, Plan, Tier};
use crate::report::plain;

/// Cases to try before giving a fault up, when nothing else is said.
const CASES: u64 = 5_000;
/// Random cases that are held to the laws, when nothing else is said.
const LAW_CASES: u64 = 400;

/// `faults`.
#[derive(Debug, Clone, Args)]
pub(super) struct FaultsArguments {
    /// The faults; all of them when left out.
    #[arg(value_name = "ID")]
    ids: Vec<String>,
    /// Cases to try under each seed before giving a fault up: case n is the evaluator case n and the world case n of the seed, and the
    /// hostile twins of its requests.
    /// 5000 when left out; with --without-model, the random cases held to the laws, 400.
    #[arg(long)]
    cases: Option<u64>,
    /// First seed of the random cases.
    #[arg(long, default_value_t = 1)]
    seed: u64,
    /// Number of seeds, each tried by itself.
    #[arg(long, default_value_t = 1, value_name = "N")]
    seeds: u32,
    /// Only cases of this kind, and only the faults that they can show; all kinds when left out.
    #[arg(long, value_name = "TIER")]
    tier: Option<TierName>,
    /// Judge by the laws and by the recorded and documented cases alone, and list the rules that only the model protects.
    #[arg(long)]
    without_model: bool,
    /// Only list the faults.
    #[arg(long)]
    list: bool,
    /// Folder for the shrunk cases.
    #[arg(long, value_name = "DIR")]
    report: Option<PathBuf>,
    /// Number of threads; one for each core when left out.
    #[arg(long, value_name = "N")]
    workers: Option<usize>,
    /// Machine-readable.
    #[arg(long)]
    json: bool,
}

/// The kinds of cases.
#[derive(Debug, Clone, Copy, ValueEnum)]
enum TierName {
    /// Cases without a world: policies and a request.
    Evaluator,
    /// Cases with a world, through the AWS SDKs.
    World,
    /// The hostile twins of their requests: what somebody else makes of a request that was signed.
    Request,
}

impl TierName {
    fn tier(self) -> Tier {
        match self {
            Self::Evaluator => Tier::Evaluator,
            Self::World => Tier::World,
            Self::Request => Tier::Request,
        }
    }
}

pub(super) fn run(arguments: &FaultsArguments) -> Result<Exit, Failure> {
    known_faults(&arguments.ids)?;
    if arguments.list {
        return list(arguments);
    }
    if arguments.without_model {
        return without_model(arguments);
    }
    let tiers = match arguments.tier {
        Some(name) => faults::tiers()
            .into_iter()
            .filter(|tier| *tier == name.tier())
            .collect(),
        None => faults::tiers(),
    };
    let plan = Plan {
        faults: if arguments.ids.is_empty() && arguments.tier.is_some() {
            faults::shown_by(&tiers)
        } else {
            faults::of_names(&arguments.ids).map_err(|error| failure(&error))?
        },
        seeds: (0..u64::from(arguments.seeds.max(1)))
            .map(|offset| arguments.seed.wrapping_add(offset))
            .collect(),
        cases: arguments.cases.unwrap_or(CASES),
        tiers,
        workers: workers(arguments.workers, 64),
    };
    some_cases(plan.cases)?;
    if plan.tiers.is_empty() {
        return Err(Failure::message(
            Exit::NothingRan,
            "this build runs no cases with a world",
            "build with the feature `wire`",
        ));
    }
    let started = Instant::now();
    let bar = Progress::counting((plan.faults.len() * plan.seeds.len()) as u64, "faults found");
    let measured = faults::measure(&plan, &interrupt_flag(), &|found| bar.add(found));
    bar.finish();
    let measurement = measured.map_err(|error| failure(&error))?;
    if let Some(folder) = &arguments.report {
        save(folder, &measurement)?;
    }
    let sums = Sums::of(&measurement);
    let mut out = std::io::stdout().lock();
    if arguments.json {
        let json = json!({
            "seconds": started.elapsed().as_secs_f64(),
            "sums": sums,
            "measurement": measurement,
        });
        let text = serde_json::to_string_pretty(&json).map_err(std::io::Error::other)?;
        writeln!(out, "{text}")?;
    } else {
        write!(out, "{}", plain(&table::render(&measurement)))?;
        writeln!(out, "{:.1} s", started.elapsed().as_secs_f64())?;
    }
    Ok(if sums.missed.is_empty() {
        Exit::Conformant
    } else {
        Exit::Divergence
    })
}

fn list(arguments: &FaultsArguments) -> Result<Exit, Failure> {
    let mut out = std::io::stdout().lock();
    if arguments.json {
        let faults: Vec<serde_json::Value> = faults::list()
            .iter()
            .map(|fault| {
                json!({
                    "id": fault.id,
                    "rule": fault.rule,
                    "story": fault.story,
                    "visible_to": fault.tier.name(),
                    "class": fault.class,
                })
            })
            .collect();
        let text = serde_json::to_string_pretty(&faults).map_err(std::io::Error::other)?;
        writeln!(out, "{text}")?;
        return Ok(Exit::Conformant);
    }
    for fault in faults::list() {
        let class = fault.class.map(|class| format!(" [{class}]")).unwrap_or_default();
        writeln!(
            out,
            "{:<44} {:<10} {:<10} {}{class}",
            fault.id,
            fault.rule,
            fault.tier.name(),
            fault.story
        )?;
    }
    Ok(Exit::Conformant)
}

/// Which faults would be found if the model were not there.
fn without_model(arguments: &FaultsArguments) -> Result<Exit, Failure> {
    let trial = Trial {
        faults: faults::of_names(&arguments.ids).map_err(|error| failure(&error))?,
        corpus: files::whole_corpus()?,
        law_cases: arguments.cases.unwrap_or(LAW_CASES),
        seed: arguments.seed,
        workers: workers(arguments.workers, 64),
    };
    let started = Instant::now();
    let bar = Progress::new(trial.steps());
    let judged = judges::judge(&trial, &interrupt_flag(), &|done| bar.add(done));
    bar.finish();
    let verdicts = judged.map_err(|error| failure(&error))?;
    let protection = Protection::of(&verdicts, &trial.corpus);
    let mut out = std::io::stdout().lock();
    if arguments.json {
        let json = json!({
            "seconds": started.elapsed().as_secs_f64(),
            "judged": verdicts,
            "protection": protection,
        });
        let text = serde_json::to_string_pretty(&json).map_err(std::io::Error::other)?;
        writeln!(out, "{text}")?;
    } else {
        write!(out, "{}", plain(&verdicts.render()))?;
        write!(out, "{}", plain(&protection.render()))?;
        writeln!(out, "{:.1} s", started.elapsed().as_secs_f64())?;
    }
    // What only the model sees is a figure, not a finding.
    Ok(Exit::Conformant)
}

/// Writes each exemplar's case under the fault's name.
fn save(folder: &Path, measurement: &Measurement) -> Result<(), Failure> {
    for report in &measurement.faults {
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
