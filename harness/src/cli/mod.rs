//! The command line: one file a command. Commands put rooms together and choose the exit code; they decide nothing else.

mod arguments;
mod check;
#[cfg(feature = "wire")]
mod cost;
mod emulator;
#[cfg(feature = "wire")]
mod endpoint;
mod evaluate;
mod evaluator;
mod exit;
mod expect;
mod explain;
mod faults;
mod files;
mod fuzz_case;
mod laws;
#[cfg(feature = "wire")]
mod live;
mod matrix;
mod merge;
mod offered;
mod record;
mod replay;
mod rules;
mod scenarios;
mod scope;
mod stats;
#[cfg(feature = "wire")]
mod vectors;

use clap::Parser as _;

use arguments::{Arguments, CheckArguments, Command, TargetArguments, TargetName};
pub use exit::Exit;

use countersign_emulator::fault::FaultSet;

use crate::observed::{self, ObservedTarget};
use crate::session::BoxedTarget;
use crate::target::{AdapterOptions, AdapterTarget, TargetError};
#[cfg(feature = "wire")]
use crate::target::{EmbeddedOptions, EmbeddedTarget};

/// Reads the command line, does what it says, and answers with the exit code.
pub fn main() -> Exit {
    let arguments = match Arguments::try_parse() {
        Ok(arguments) => arguments,
        Err(error) => {
            // Help and version come this way too, and are no mistake.
            let exit = if error.use_stderr() {
                Exit::Usage
            } else {
                Exit::Conformant
            };
            let _ = error.print();
            return exit;
        }
    };
    let result = match arguments.command.unwrap_or(Command::Check(CheckArguments::default())) {
        Command::Check(arguments) => check::run(&arguments),
        Command::Scenarios(arguments) => scenarios::run(&arguments),
        Command::Record(arguments) => record::run(&arguments),
        Command::Replay(arguments) => replay::run(&arguments),
        Command::Stats(arguments) => stats::run(&arguments),
        #[cfg(feature = "wire")]
        Command::Cost(arguments) => cost::run(&arguments),
        Command::Faults(arguments) => faults::run(&arguments),
        Command::Evaluator(arguments) => evaluator::run(&arguments),
        Command::Laws(arguments) => laws::run(&arguments),
        Command::Scope(arguments) => scope::run(&arguments),
        Command::Merge(arguments) => merge::run(&arguments),
        Command::Matrix(arguments) => matrix::run(&arguments),
        Command::FuzzCase(arguments) => fuzz_case::run(&arguments),
        Command::Rules(arguments) => rules::run(&arguments),
        Command::Evaluate(arguments) => evaluate::run(&arguments),
        Command::Explain(arguments) => explain::run(&arguments),
        Command::Expect(arguments) => expect::run(&arguments),
        #[cfg(feature = "wire")]
        Command::Vectors(arguments) => vectors::run(&arguments),
        Command::Emulator(arguments) => emulator::run(&arguments),
        #[cfg(feature = "wire")]
        Command::Clean(arguments) => live::clean(&arguments),
        #[cfg(feature = "wire")]
        Command::Target(command) => endpoint::run(&command),
        #[cfg(not(feature = "wire"))]
        Command::Target(_) => Err(without_wire()),
    };
    result.unwrap_or_else(|failure| {
        failure.print();
        failure.exit
    })
}

/// A command that could not do its work.
struct Failure {
    exit: Exit,
    report: Box<miette::Report>,
}

impl Failure {
    fn new(exit: Exit, report: impl Into<miette::Report>) -> Self {
        Self {
            exit,
            report: Box::new(report.into()),
        }
    }

    /// A message with a next step.
    fn message(exit: Exit, message: impl std::fmt::Display, help: impl std::fmt::Display) -> Self {
        Self::new(
            exit,
            miette::miette!(
                help = help.to_string(),
                "{}",
                crate::report::plain(&message.to_string())
            ),
        )
    }

    fn print(&self) {
        eprintln!("{:?}", self.report);
    }
}

/// Standard output is gone (a closed pipe, a full disk): nothing more can be said.
impl From<std::io::Error> for Failure {
    fn from(error: std::io::Error) -> Self {
        Self::message(
            Exit::Internal,
            format!("cannot write: {error}"),
            "look at where the output goes",
        )
    }
}

/// Writes to standard output. A reader that has seen enough and closed its end is no fault.
fn print(text: &[u8]) -> Result<(), Failure> {
    use std::io::Write as _;
    let mut out = std::io::stdout().lock();
    match out.write_all(text).and_then(|()| out.flush()) {
        Err(error) if error.kind() != std::io::ErrorKind::BrokenPipe => Err(error.into()),
        _ => Ok(()),
    }
}

/// Makes a target of the kind asked for, with seeded faults switched on.
fn make_target(arguments: &TargetArguments, faults: &[String]) -> Result<BoxedTarget, TargetError> {
    match &arguments.target {
        TargetName::Observed(path) => {
            let observations = observed::load(path).map_err(|error| TargetError::adapter(error.to_string()))?;
            Ok(Box::new(ObservedTarget::new(observations)))
        }
        TargetName::Adapter(options) => Ok(Box::new(AdapterTarget::start(adapter(options, arguments))?)),
        #[cfg(feature = "wire")]
        _ if is_endpoint(arguments) => endpoint::make(arguments),
        other => embedded(other, arguments, faults),
    }
}

/// The emulator, driven through the AWS SDKs.
#[cfg(feature = "wire")]
fn embedded(name: &TargetName, arguments: &TargetArguments, faults: &[String]) -> Result<BoxedTarget, TargetError> {
    let options = EmbeddedOptions {
        faults: faults.to_vec(),
        disturbance: arguments.disturb.clone(),
        ..EmbeddedOptions::default()
    };
    let target = match name {
        TargetName::Url(endpoint) => EmbeddedTarget::elsewhere(
            endpoint.clone(),
            arguments.control_token.clone().unwrap_or_default(),
            options,
        )?,
        TargetName::InProcess => EmbeddedTarget::in_process(options)?,
        _ => EmbeddedTarget::over_socket(options)?,
    };
    Ok(Box::new(target))
}

/// Without the SDKs there is nothing to drive the emulator with.
#[cfg(not(feature = "wire"))]
fn embedded(_: &TargetName, _: &TargetArguments, _: &[String]) -> Result<BoxedTarget, TargetError> {
    Err(TargetError::unsupported("a build with the feature `wire`"))
}

/// The adapter's options with the limits of the command line.
fn adapter(options: &AdapterOptions, arguments: &TargetArguments) -> AdapterOptions {
    AdapterOptions {
        limit: std::time::Duration::from_secs(arguments.timeout),
        validate: arguments.validate,
        ..options.clone()
    }
}

/// Whether the target is an endpoint that is driven by its profile.
fn is_endpoint(arguments: &TargetArguments) -> bool {
    match &arguments.target {
        TargetName::Url(_) => arguments.control_token.is_none(),
        TargetName::Managed(_) | TargetName::Endpoint { .. } | TargetName::Aws => true,
        TargetName::Embedded | TargetName::InProcess | TargetName::Observed(_) | TargetName::Adapter(_) => false,
    }
}

/// A target that can be asked, with what was started for it: nothing for the targets in this process.
#[cfg(feature = "wire")]
fn ready(arguments: &TargetArguments) -> Result<endpoint::Ready, Failure> {
    live::said(arguments)?;
    safe_target(arguments)?;
    endpoint::ready(arguments)
}

/// Without the SDKs there is nothing to start.
#[cfg(not(feature = "wire"))]
fn ready(arguments: &TargetArguments) -> Result<Ready, Failure> {
    safe_target(arguments)?;
    Ok(Ready {
        target: arguments.clone(),
    })
}

/// Targets of a command.
#[cfg(not(feature = "wire"))]
struct Ready {
    target: TargetArguments,
}

#[cfg(not(feature = "wire"))]
fn without_wire() -> Failure {
    Failure::message(
        Exit::Usage,
        "this build has no AWS SDKs",
        "build it with the feature `wire`, which is on by default",
    )
}

/// Refuses an emulator that is not on this machine, before anything starts.
fn safe_target(arguments: &TargetArguments) -> Result<(), Failure> {
    if arguments.disturb.is_some() && matches!(arguments.target, TargetName::Adapter(_)) {
        return Err(Failure::message(
            Exit::Usage,
            "an adapter has no network to disturb",
            "leave --disturb out, or choose a target over the network",
        ));
    }
    if arguments.profile.is_some() && !is_endpoint(arguments) {
        return Err(Failure::message(
            Exit::Usage,
            "--profile says what kind of endpoint a URL is, and this target is none",
            "give --target a URL, as in `--target http://127.0.0.1:4566 --profile ministack`",
        ));
    }
    let (TargetName::Url(endpoint), true) = (&arguments.target, arguments.control_token.is_some()) else {
        return Ok(());
    };
    let authority = endpoint.trim_start_matches("http://");
    let host = authority
        .rsplit_once(':')
        .map_or(authority, |(host, _)| host)
        .trim_start_matches('[')
        .trim_end_matches(']');
    let loopback = host == "localhost"
        || host
            .parse::<std::net::IpAddr>()
            .is_ok_and(|address| address.is_loopback());
    if loopback {
        return Ok(());
    }
    Err(Failure::message(
        Exit::Refused,
        format!("`{endpoint}` is not on this machine"),
        "a run wipes its target: only loopback addresses are driven with a control token",
    ))
}

/// How a target is reached, for the first line of a report.
fn reached(target: &TargetName) -> String {
    match target {
        TargetName::Embedded => "the emulator over loopback HTTP, through the AWS SDKs".to_owned(),
        TargetName::InProcess => "the emulator called directly, with requests that the AWS SDKs write".to_owned(),
        TargetName::Url(endpoint) => format!("{endpoint}, through the AWS SDKs"),
        TargetName::Endpoint { url: Some(url), .. } => format!("{url}, through the AWS SDKs"),
        TargetName::Endpoint { .. } => "the endpoint of AWS_ENDPOINT_URL, through the AWS SDKs".to_owned(),
        TargetName::Managed(name) => format!("`{name}`, started for this run, through the AWS SDKs"),
        TargetName::Observed(path) => format!("the observations of `{}`, played back", path.display()),
        TargetName::Aws => "through the AWS SDKs, behind the rails".to_owned(),
        TargetName::Adapter(_) => "asked over standard input and output".to_owned(),
    }
}

/// Refuses a fault nobody knows, before anything starts.
fn known_faults(faults: &[String]) -> Result<(), Failure> {
    let known = crate::faults::names();
    for fault in faults {
        if !known.contains(&fault.as_str()) {
            let nearest = known
                .iter()
                .max_by(|a, b| strsim::jaro_winkler(a, fault).total_cmp(&strsim::jaro_winkler(b, fault)));
            return Err(Failure::message(
                Exit::Usage,
                format!("unknown fault `{fault}`"),
                nearest.map_or_else(String::new, |nearest| {
                    format!("the nearest name is `{nearest}`; `countersign faults --list` lists all")
                }),
            ));
        }
    }
    Ok(())
}

/// The faults of that name as the authorizer takes them.
fn fault_set(faults: &[String]) -> Result<FaultSet, Failure> {
    known_faults(faults)?;
    FaultSet::from_ids(faults)
        .map_err(|error| Failure::message(Exit::Usage, error, "`countersign faults --list` lists the faults"))
}

/// Refuses a run without cases.
fn some_cases(cases: u64) -> Result<(), Failure> {
    if cases > 0 {
        return Ok(());
    }
    Err(Failure::message(
        Exit::NothingRan,
        "no cases were asked for",
        "give --cases a number above 0",
    ))
}

/// Threads of a run: as many as asked for or as there are cores, within bounds.
fn workers(asked: Option<usize>, most: usize) -> usize {
    asked
        .unwrap_or_else(|| std::thread::available_parallelism().map_or(1, usize::from))
        .clamp(1, most)
}

/// Seed of a run that was given none.
fn drawn_seed() -> u64 {
    use std::hash::{BuildHasher as _, Hasher as _};
    // The only randomness the standard library hands out; small enough to be typed again.
    std::collections::hash_map::RandomState::new().build_hasher().finish() % 1_000_000
}
