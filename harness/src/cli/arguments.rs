//! The command line as data. What the commands do lives beside this file, one file each.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::str::FromStr;

use clap::{Args, Parser, Subcommand};

use crate::generate::MOST_CROSSINGS;
use crate::shard::Shard;
use crate::target::{AdapterOptions, Disturbance};

/// Property-based conformance harness for AWS KMS and S3 authorization.
///
/// Alone it is `countersign check`: the corpus and a few hundred random cases against the embedded emulator, through the real AWS SDKs.
#[derive(Debug, Parser)]
#[command(name = "countersign", version, propagate_version = true, after_help = EXIT_CODES)]
pub(super) struct Arguments {
    /// What to do; `check` when left out.
    #[command(subcommand)]
    pub(super) command: Option<Command>,
}

const EXIT_CODES: &str = "Exit codes: 0 conformant, 1 divergence, 2 usage or bad file, 3 target or transport fault, \
                          4 refused by a safety rail, 5 stale expectation, 6 nothing ran, 70 internal fault.";

/// The commands.
#[derive(Debug, Subcommand)]
pub(super) enum Command {
    /// Run the corpus and random cases against a target and compare every outcome with the model.
    Check(CheckArguments),
    /// Run the scenarios of the corpus, or list them.
    Scenarios(ScenariosArguments),
    /// Run cases on a target and write down what it answers, for `check --against`.
    Record(super::record::RecordArguments),
    /// Run Case files: scenarios, findings, vectors.
    Replay(ReplayArguments),
    /// Say how good the random cases are: distinct requests, allow share, rules reached.
    Stats(StatsArguments),
    /// Say where the time of random cases goes, in µs of CPU a step.
    #[cfg(feature = "wire")]
    #[command(hide = true)]
    Cost(CostArguments),
    /// Switch on the seeded faults of the emulator, one at a time, and see after how many cases each is found.
    Faults(super::faults::FaultsArguments),
    /// Random cases without a world, by the hundred thousand: the model against the emulator's authorizer.
    Evaluator(super::evaluator::EvaluatorArguments),
    /// Hold an evaluator to the laws that need no oracle: adding a Deny never allows, order is nothing, both sides must allow.
    Laws(super::laws::LawsArguments),
    /// Every evaluator case of a small vocabulary up to a number of statements: the model against the emulator's authorizer.
    Scope(super::scope::ScopeArguments),
    /// Put the reports of all shards of a run together.
    Merge(super::merge::MergeArguments),
    /// Put the reports of runs on several targets side by side, by areas of the rules.
    Matrix(super::matrix::MatrixArguments),
    /// Make Cases of inputs that a fuzz target saved, and say whether they still fail.
    FuzzCase(super::fuzz_case::FuzzCaseArguments),
    /// List the rules of the model, or explain some of them.
    Rules(super::rules::RulesArguments),
    /// Ask the model: the requests of files, or one JSON object a line on standard input.
    Evaluate(super::evaluate::EvaluateArguments),
    /// Explain why a request is denied, and find the smallest changes that would allow it.
    Explain(super::explain::ExplainArguments),
    /// Keep what is known to go wrong on a target, so that only what is new fails.
    Expect(super::expect::ExpectArguments),
    /// Write the suite as JSON vectors for other people's test programs, or check such an export.
    #[cfg(feature = "wire")]
    Vectors(super::vectors::VectorsArguments),
    /// Serve the embedded emulator alone: an endpoint that enforces key policies, grants and SSE-KMS.
    Emulator(EmulatorArguments),
    /// Delete what live runs left in AWS: what the journal lists and nothing else.
    #[cfg(feature = "wire")]
    Clean(super::live::CleanArguments),
    /// Other implementations of AWS: list what is known of them, install and start one.
    #[command(subcommand)]
    Target(TargetCommand),
}

/// Where cases are run.
#[derive(Debug, Clone, Args)]
pub(super) struct TargetArguments {
    /// `embedded` (the emulator behind a loopback socket), `in-process` (the same without a socket), `ministack` or `moto` (installed,
    /// started and ended by Countersign), the URL of any AWS-compatible endpoint (see --profile), `endpoint` (that of AWS_ENDPOINT_URL),
    /// or `adapter: COMMAND`, a program that speaks the stdio protocol.
    #[arg(long, default_value = "embedded", value_name = "TARGET")]
    pub(super) target: TargetName,
    /// What kind of endpoint the URL is: a name of `countersign target list`, or a TOML file. `generic` when left out.
    #[arg(long, value_name = "NAME_OR_FILE")]
    pub(super) profile: Option<String>,
    /// Drive an endpoint that is not on this machine. Never AWS itself.
    #[arg(long)]
    pub(super) allow_remote: bool,
    /// Token of the control plane: the URL is that of a `countersign emulator --control-token`, which is then driven as the embedded one is.
    #[arg(long, value_name = "TOKEN", conflicts_with = "profile")]
    pub(super) control_token: Option<String>,
    /// How long an adapter may take for one answer.
    #[arg(long, default_value_t = 10, value_name = "SECONDS", value_parser = clap::value_parser!(u64).range(1..=3600))]
    pub(super) timeout: u64,
    /// Hold every line of an adapter to the schema of the protocol: for those who write one.
    #[arg(long)]
    pub(super) validate: bool,
    /// Disturb the calls on purpose, the same way for the same seed: `throttle=0.3,reset=0.1,5xx=0.05,slow=0.1:8s,propagation=2s,seed=1`.
    /// What is lost is asked again where that can do no harm; what nobody can know is counted as ambiguous, never as a divergence.
    #[arg(long, value_name = "SHARES")]
    pub(super) disturb: Option<Disturbance>,
    /// What must be said before AWS is driven.
    #[cfg(feature = "wire")]
    #[command(flatten, next_help_heading = "AWS itself (--target aws)")]
    pub(super) live: super::live::LiveArguments,
}

/// The targets there are.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum TargetName {
    /// The emulator behind a loopback socket.
    Embedded,
    /// The emulator called directly: no socket, the same SDKs.
    InProcess,
    /// Something that listens at an address: an emulator of Countersign's if a control token is given, else any endpoint.
    Url(String),
    /// An endpoint that Countersign installs and starts, by the name of its profile.
    Managed(String),
    /// An endpoint: at an address, or where the environment says; with the name it has in reports.
    Endpoint {
        /// The address, if it is given.
        url: Option<String>,
        /// The name of what Countersign started.
        name: Option<String>,
    },
    /// AWS itself, behind its rails.
    Aws,
    /// What `record` wrote, played back.
    Observed(PathBuf),
    /// Another program, asked over its standard input and output.
    Adapter(AdapterOptions),
}

impl FromStr for TargetName {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        match text {
            "embedded" => Ok(Self::Embedded),
            "in-process" => Ok(Self::InProcess),
            "aws" => Ok(Self::Aws),
            "endpoint" => Ok(Self::Endpoint { url: None, name: None }),
            "ministack" | "moto" | "fakecloud" => Ok(Self::Managed(text.to_owned())),
            url if url.starts_with("http://") => Ok(Self::Url(url.trim_end_matches('/').to_owned())),
            command if command.starts_with("adapter:") => {
                AdapterOptions::of_command_line(command.trim_start_matches("adapter:"))
                    .map(Self::Adapter)
                    .map_err(|error| format!("{error}; an adapter is given as `adapter: COMMAND ARGUMENTS`"))
            }
            _ => Err(
                "a target is `embedded`, `in-process`, `ministack`, `moto`, `fakecloud`, `endpoint`, a URL such as `http://127.0.0.1:4566`, or \
                 `adapter: COMMAND`"
                    .to_owned(),
            ),
        }
    }
}

/// `check`.
#[derive(Debug, Clone, Args)]
pub(super) struct CheckArguments {
    #[command(flatten)]
    pub(super) target: TargetArguments,
    /// Number of random cases; 300 when left out, or what the expectations of the target say.
    #[arg(long)]
    pub(super) cases: Option<u64>,
    /// Seed of the random cases. When left out it is drawn and printed; on another target than the embedded one it is pinned, so that
    /// runs can be compared.
    #[arg(long)]
    pub(super) seed: Option<u64>,
    /// Steps of each random world that cross its callers and its requests, after those of its stories: fewer worlds, many more questions.
    #[arg(long, default_value_t = 0, value_name = "N", value_parser = clap::value_parser!(u32).range(..=i64::from(MOST_CROSSINGS)))]
    pub(super) crossings: u32,
    /// What is known to go wrong on the target; `expectations/NAME.toml` when left out, if another target than the embedded one has one.
    #[arg(long, value_name = "FILE", conflicts_with = "no_expectations")]
    pub(super) expectations: Option<PathBuf>,
    /// Every divergence counts, known or not.
    #[arg(long)]
    pub(super) no_expectations: bool,
    /// Look around with a fresh seed: what is known is told apart, and the expectations themselves are not held to the run.
    #[arg(long)]
    pub(super) explore: bool,
    /// Folder for findings and reports (`report.ndjson`, `junit.xml`, `report.html`). Findings go to `countersign-report` when left out;
    /// nothing else is written.
    #[arg(long, value_name = "DIR")]
    pub(super) report: Option<PathBuf>,
    /// Findings that are shrunk, shown and saved, of those that differ; the rest are counted.
    #[arg(long, default_value_t = super::check::SHOWN_FINDINGS, value_name = "N")]
    pub(super) findings: usize,
    /// Stop at the first case that differs or cannot be run, and leave it unshrunk: for a yes or no in little time.
    #[arg(long)]
    pub(super) fail_fast: bool,
    /// Leave the corpus out.
    #[arg(long)]
    pub(super) no_scenarios: bool,
    /// Hold observations that `record` wrote against the model, and nothing else; a file or a folder, such as `snapshots/observed`.
    #[arg(long, value_name = "FILE_OR_DIR", conflicts_with_all = ["cases", "target", "no_scenarios", "shard", "disturb"])]
    pub(super) against: Option<PathBuf>,
    /// Switch a seeded fault of the embedded emulator on, to see it found. May be given several times.
    #[arg(long = "fault", value_name = "ID")]
    pub(super) faults: Vec<String>,
    /// Number of workers, each with an emulator of its own.
    #[arg(long, value_name = "N")]
    pub(super) workers: Option<usize>,
    /// Only this part of the cases: `I/N` with I from 1, or `env` or `env/N` in an indexed job. `countersign merge` puts the reports of
    /// all parts together; all need the same --seed.
    #[arg(long, value_name = "I/N", default_value_t = Shard::WHOLE, requires = "seed")]
    pub(super) shard: Shard,
}

impl Default for TargetArguments {
    fn default() -> Self {
        Self {
            target: TargetName::Embedded,
            profile: None,
            allow_remote: false,
            control_token: None,
            timeout: 10,
            validate: false,
            disturb: None,
            #[cfg(feature = "wire")]
            live: super::live::LiveArguments::default(),
        }
    }
}

impl Default for CheckArguments {
    fn default() -> Self {
        Self {
            target: TargetArguments::default(),
            cases: None,
            seed: None,
            crossings: 0,
            expectations: None,
            no_expectations: false,
            explore: false,
            report: None,
            findings: super::check::SHOWN_FINDINGS,
            fail_fast: false,
            no_scenarios: false,
            against: None,
            faults: Vec::new(),
            workers: None,
            shard: Shard::WHOLE,
        }
    }
}

/// `scenarios`.
#[derive(Debug, Clone, Args)]
pub(super) struct ScenariosArguments {
    #[command(flatten)]
    pub(super) target: TargetArguments,
    /// Only list them.
    #[arg(long)]
    pub(super) list: bool,
    /// Only cases whose id or title contains this text.
    pub(super) filter: Option<String>,
}

/// `replay`.
#[derive(Debug, Clone, Args)]
pub(super) struct ReplayArguments {
    #[command(flatten)]
    pub(super) target: TargetArguments,
    /// Case files, or folders of them.
    #[arg(required = true, value_name = "FILE_OR_DIR")]
    pub(super) paths: Vec<PathBuf>,
    /// Switch a seeded fault of the embedded emulator on.
    #[arg(long = "fault", value_name = "ID")]
    pub(super) faults: Vec<String>,
    /// Folder for findings and reports (`report.ndjson`, `junit.xml`, `report.html`).
    #[arg(long, value_name = "DIR")]
    pub(super) report: Option<PathBuf>,
}

/// `target`.
#[derive(Debug, Clone, Subcommand)]
pub(super) enum TargetCommand {
    /// List the profiles that come with Countersign.
    List,
    /// Say what is known of one: what it is asked, how cases are kept apart, how enforcement is switched on.
    Show {
        /// A name of `target list`, or a TOML file.
        profile: String,
    },
    /// Install an endpoint if need be, start it on a loopback port, and keep it until Ctrl-C.
    Start {
        /// A name of `target list`, or a TOML file.
        profile: String,
        /// Port on the loopback address; 0 picks a free one.
        #[arg(long, default_value_t = 0)]
        port: u16,
    },
}

/// `cost`.
#[cfg(feature = "wire")]
#[derive(Debug, Clone, Args)]
pub(super) struct CostArguments {
    /// Number of random cases.
    #[arg(long, default_value_t = 1000)]
    pub(super) cases: u64,
    /// Seed of the random cases.
    #[arg(long, default_value_t = 1)]
    pub(super) seed: u64,
    /// Steps of each case that cross its callers and its requests, after those of its stories.
    #[arg(long, default_value_t = 0, value_name = "N", value_parser = clap::value_parser!(u32).range(..=i64::from(MOST_CROSSINGS)))]
    pub(super) crossings: u32,
    /// Make the calls through the SDKs' whole clients.
    #[arg(long)]
    pub(super) through_sdks: bool,
}

/// `stats`.
#[derive(Debug, Clone, Args)]
pub(super) struct StatsArguments {
    /// Number of random cases.
    #[arg(long, default_value_t = 1000)]
    pub(super) cases: u64,
    /// Seed of the random cases.
    #[arg(long, default_value_t = 1)]
    pub(super) seed: u64,
    /// Machine-readable.
    #[arg(long)]
    pub(super) json: bool,
}

/// `emulator`.
#[derive(Debug, Clone, Args)]
pub(super) struct EmulatorArguments {
    /// Port on the loopback address; 0 picks a free one.
    #[arg(long, default_value_t = 4566)]
    pub(super) port: u16,
    /// Address to bind; loopback only.
    #[arg(long, default_value = "127.0.0.1", value_name = "IP")]
    pub(super) bind: std::net::IpAddr,
    /// Secret of every account's root access key (the access key id is the account id).
    #[arg(long, default_value = "test", value_name = "SECRET")]
    pub(super) root_secret: String,
    /// Switch a seeded fault on. May be given several times.
    #[arg(long = "fault", value_name = "ID")]
    pub(super) faults: Vec<String>,
    /// Enable the control plane with this token.
    #[arg(long, value_name = "TOKEN")]
    pub(super) control_token: Option<String>,
}

impl EmulatorArguments {
    /// The address to listen on.
    pub(super) fn address(&self) -> SocketAddr {
        SocketAddr::new(self.bind, self.port)
    }
}
