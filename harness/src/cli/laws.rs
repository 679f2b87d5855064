//! `countersign laws`: holds an evaluator to the laws that need no oracle. The laws are `crate::laws`'s; here are arguments and report.

use std::io::Write as _;
use std::str::FromStr;

use clap::Args;
use countersign_emulator::fault::FaultSet;

use super::evaluator::Progress;
use super::{Exit, Failure, drawn_seed, fault_set, some_cases, workers};
use crate::evaluator::target::TargetEvaluator;
use crate::evaluator::{EmulatorEvaluator, Evaluator, EvaluatorFault, ModelEvaluator};
use crate::laws::{self, run};
use crate::report::plain;
use crate::target::{AdapterOptions, AdapterTarget};

/// `laws`.
#[derive(Debug, Clone, Args)]
pub(super) struct LawsArguments {
    /// Whom to hold to the laws: `model`, `emulator`, or `adapter: COMMAND`, a program that speaks the stdio protocol.
    #[arg(long, default_value = "emulator", value_name = "TARGET")]
    target: LawsTarget,
    /// Number of random cases; each is held to every law.
    #[arg(long, default_value_t = 20_000)]
    cases: u64,
    /// Seed of the random cases; drawn and printed when left out.
    #[arg(long)]
    seed: Option<u64>,
    /// Number of threads; one for each core when left out.
    #[arg(long, value_name = "N")]
    workers: Option<usize>,
    /// Switch a seeded fault of the emulator's authorizer on. May be given several times.
    #[arg(long = "fault", value_name = "ID")]
    faults: Vec<String>,
    /// Machine-readable.
    #[arg(long)]
    json: bool,
    /// Only list the laws.
    #[arg(long)]
    list: bool,
}

/// Whom the laws are held against.
#[derive(Debug, Clone)]
enum LawsTarget {
    Model,
    Emulator,
    Adapter(AdapterOptions),
}

impl FromStr for LawsTarget {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        match text {
            "model" => Ok(Self::Model),
            "emulator" => Ok(Self::Emulator),
            command if command.starts_with("adapter:") => {
                AdapterOptions::of_command_line(command.trim_start_matches("adapter:"))
                    .map(Self::Adapter)
                    .map_err(|error| format!("{error}; an adapter is given as `adapter: COMMAND ARGUMENTS`"))
            }
            _ => Err("laws are held against `model`, `emulator` or `adapter: COMMAND`".to_owned()),
        }
    }
}

impl LawsTarget {
    fn name(&self) -> &'static str {
        match self {
            Self::Model => "model",
            Self::Emulator => "emulator",
            Self::Adapter(_) => "adapter",
        }
    }

    fn start(&self, faults: FaultSet) -> Result<Box<dyn Evaluator>, EvaluatorFault> {
        Ok(match self {
            Self::Model => Box::new(ModelEvaluator),
            Self::Emulator => Box::new(EmulatorEvaluator { faults }),
            Self::Adapter(options) => {
                let target = AdapterTarget::start(options.clone()).map_err(|error| EvaluatorFault::Transport {
                    evaluator: "adapter".to_owned(),
                    why: error.to_string(),
                })?;
                Box::new(TargetEvaluator::new(Box::new(target)))
            }
        })
    }
}

pub(super) fn run(arguments: &LawsArguments) -> Result<Exit, Failure> {
    let faults = fault_set(&arguments.faults)?;
    let mut out = std::io::stdout().lock();
    let all = laws::all();
    if arguments.list {
        for law in &all {
            writeln!(out, "{:<42} {}  [{}]", law.id, law.statement, law.rules.join(" "))?;
        }
        return Ok(Exit::Conformant);
    }
    some_cases(arguments.cases)?;
    let seed = arguments.seed.unwrap_or_else(drawn_seed);
    let workers = workers(arguments.workers, 64);
    let bar = Progress::new(arguments.cases);
    let start = || arguments.target.start(faults);
    let unreachable = |fault| Failure::message(Exit::Target, fault, "the evaluator has to stay alive during a run");
    let reports = run::run(seed, arguments.cases, workers, &start, &|done| bar.add(done)).map_err(unreachable)?;
    bar.finish();
    if arguments.json {
        let json = serde_json::json!({
            "target": arguments.target.name(), "seed": seed, "cases": arguments.cases, "laws": reports,
        });
        writeln!(
            out,
            "{}",
            serde_json::to_string_pretty(&json).map_err(std::io::Error::other)?
        )?;
    } else {
        writeln!(
            out,
            "laws, seed {seed}: {} cases against the {}",
            arguments.cases,
            arguments.target.name()
        )?;
    }
    let mut asked = start().map_err(unreachable)?;
    let mut broken = 0;
    for (law, report) in all.iter().zip(&reports) {
        broken += u64::from(report.violations > 0);
        if arguments.json {
            continue;
        }
        let verdict = if report.violations > 0 { "BROKEN" } else { "holds" };
        writeln!(
            out,
            "  {verdict:<6} {:<42} {:>9} trials {:>6} violations",
            report.id, report.trials, report.violations
        )?;
        let Some((number, case)) = &report.first else { continue };
        let Some((small, violation)) = run::explain(law, *number, case, asked.as_mut()) else {
            continue;
        };
        writeln!(out, "         {}", law.statement)?;
        writeln!(
            out,
            "         left  {}: {}",
            violation.left.words(),
            plain(&serde_json::to_string(&violation.trial.left.evaluate).unwrap_or_default())
        )?;
        writeln!(
            out,
            "         right {}: {}",
            violation.right.words(),
            plain(&serde_json::to_string(&violation.trial.right.evaluate).unwrap_or_default())
        )?;
        writeln!(out, "         of {} (rules {})", plain(&small.id), law.rules.join(" "))?;
    }
    Ok(if broken > 0 { Exit::Divergence } else { Exit::Conformant })
}
