//! `countersign expect`: keeps the file of what is known to go wrong on a target. Here too is what `check` asks of such a file: which one
//! it is, which run it is of, and what to say when it no longer holds. Judging and rewriting are `crate::expectations`'s.

use std::path::{Path, PathBuf};

use clap::{Args, Subcommand};
use jiff::Zoned;
use miette::{LabeledSpan, MietteDiagnostic, NamedSource};
use serde_json::Value;

use super::arguments::{CheckArguments, TargetArguments, TargetName};
use super::{Exit, Failure, check, drawn_seed, print};
use crate::expectations::{
    self, Changes, Expectations, Extent, Judge, PinnedRun, Problem, ProblemKind, RecordedRun, default_path, file_stem,
};
use crate::findings::write_whole;
use crate::merge::Merged;
use crate::report::plain;
use crate::shard::Shard;

/// Stale entries that are shown at their place.
const SHOWN: usize = 10;

/// `expect`.
#[derive(Debug, Clone, Args)]
pub(super) struct ExpectArguments {
    #[command(subcommand)]
    command: ExpectCommand,
}

#[derive(Debug, Clone, Subcommand)]
enum ExpectCommand {
    /// Rewrite the expectations of a target from a run: what is still so keeps its reason, its issue and its last day, what is not goes,
    /// what is new comes with a reason to be written.
    Update(UpdateArguments),
}

/// `expect update`.
#[derive(Debug, Clone, Args)]
struct UpdateArguments {
    /// The target, as `check --target` takes it; with --from its name is enough.
    target: String,
    /// Take the run from its report, a `report.ndjson` or the folder that holds it, instead of making one.
    #[arg(long, value_name = "REPORT", conflicts_with_all = ["cases", "seed"])]
    from: Option<PathBuf>,
    /// The file; `expectations/NAME.toml` when left out.
    #[arg(long, value_name = "FILE")]
    file: Option<PathBuf>,
    /// Name failing cases of the corpus by what failed too, not by their ids.
    #[arg(long)]
    by_fingerprint: bool,
    /// Number of random cases; those of the file when left out.
    #[arg(long)]
    cases: Option<u64>,
    /// Seed of the random cases; that of the file when left out.
    #[arg(long)]
    seed: Option<u64>,
    /// Number of workers.
    #[arg(long, value_name = "N")]
    workers: Option<usize>,
    /// What kind of endpoint a URL is, as `check --profile` takes it.
    #[arg(long, value_name = "NAME_OR_FILE")]
    profile: Option<String>,
    /// Token of the control plane, for a target given by URL.
    #[arg(long, value_name = "TOKEN", conflicts_with = "profile")]
    control_token: Option<String>,
    /// How long an adapter may take for one answer.
    #[arg(long, default_value_t = 10, value_name = "SECONDS", value_parser = clap::value_parser!(u64).range(1..=3600))]
    timeout: u64,
    /// Say what would change and write nothing.
    #[arg(long)]
    dry_run: bool,
}

pub(super) fn run(arguments: &ExpectArguments) -> Result<Exit, Failure> {
    let ExpectCommand::Update(arguments) = &arguments.command;
    let run = match &arguments.from {
        Some(report) => from_report(arguments, report)?,
        None => from_run(arguments)?,
    };
    if !run.whole {
        return Err(Failure::message(
            Exit::Usage,
            "the run was cut off, or is a part of one: what it did not come to would be taken for mended",
            "run `countersign check` to its end, without --shard and --no-scenarios",
        ));
    }
    let path = arguments.file.clone().unwrap_or_else(|| default_path(&run.target));
    let old = if path.exists() { Some(load(&path)?) } else { None };
    let (entries, changes) = expectations::update(old.as_ref(), &run, arguments.by_fingerprint);
    let pinned = PinnedRun {
        seed: run.seed,
        cases: run.random,
    };
    let text = expectations::render(old.as_ref(), &file_stem(&run.target), pinned, &entries);
    if !arguments.dry_run {
        if let Some(folder) = path.parent() {
            std::fs::create_dir_all(folder).map_err(|error| unwritable(&path, &error))?;
        }
        write_whole(&path, &text).map_err(|error| unwritable(&path, &error))?;
    }
    print(plain(&told(&path, &changes, arguments.dry_run)).as_bytes())?;
    Ok(Exit::Conformant)
}

fn from_report(arguments: &UpdateArguments, report: &Path) -> Result<RecordedRun, Failure> {
    let run = expectations::read_report(report)
        .map_err(|error| Failure::message(Exit::Usage, error, "give the --report folder of a `countersign check`"))?;
    let named = arguments.target.parse::<TargetName>().is_err();
    if named && file_stem(&arguments.target) != file_stem(&run.target) {
        return Err(Failure::message(
            Exit::Usage,
            format!("the report is of `{}`, not of `{}`", run.target, arguments.target),
            "name the target of the report",
        ));
    }
    Ok(run)
}

fn from_run(arguments: &UpdateArguments) -> Result<RecordedRun, Failure> {
    let target: TargetName = arguments.target.parse().map_err(|error| {
        Failure::message(
            Exit::Usage,
            format!("`{}` is no target that could be run: {error}", arguments.target),
            "give a target, or --from with the report of a run",
        )
    })?;
    let check = CheckArguments {
        target: TargetArguments {
            target,
            profile: arguments.profile.clone(),
            control_token: arguments.control_token.clone(),
            timeout: arguments.timeout,
            ..TargetArguments::default()
        },
        cases: arguments.cases,
        seed: arguments.seed,
        expectations: arguments.file.clone().filter(|file| file.exists()),
        workers: arguments.workers,
        ..CheckArguments::default()
    };
    let (exit, run) = check::run_recorded(&check, true)?;
    match run {
        Some(run) if !matches!(exit, Exit::Internal | Exit::Target | Exit::NothingRan) => Ok(run),
        _ => Err(Failure::message(
            exit,
            "the run says nothing about the target: nothing is written",
            "see above what went wrong",
        )),
    }
}

fn told(path: &Path, changes: &Changes, dry_run: bool) -> String {
    let mut text = format!(
        "{}: {} kept, {} new, {} gone{}\n",
        path.display(),
        changes.kept,
        changes.added.len(),
        changes.dropped.len(),
        if dry_run { " (nothing is written)" } else { "" },
    );
    for (sign, list) in [("+", &changes.added), ("-", &changes.dropped)] {
        for words in list.iter().take(40) {
            text.push_str(&format!("  {sign} {words}\n"));
        }
        if list.len() > 40 {
            text.push_str(&format!("  {sign} … and {} more\n", list.len() - 40));
        }
    }
    if !changes.added.is_empty() {
        text.push_str(&format!("write a reason where it says `{}`\n", expectations::UNSEEN));
    }
    text
}

fn unwritable(path: &Path, error: &dyn std::fmt::Display) -> Failure {
    Failure::message(
        Exit::Usage,
        format!("cannot write `{}`: {error}", path.display()),
        "give --file a place that can be written",
    )
}

fn load(path: &Path) -> Result<Expectations, Failure> {
    expectations::load(path).map_err(|error| Failure::new(Exit::Usage, error))
}

/// What is known of the target of a run, and how far the run can be held to it.
#[derive(Debug)]
pub(super) struct Known {
    /// Tells the known from the new.
    pub(super) judge: Judge,
    /// How much of the expected run is run.
    pub(super) extent: Extent,
}

impl Default for Known {
    fn default() -> Self {
        Self {
            judge: Judge::default(),
            extent: Extent::Part,
        }
    }
}

impl Known {
    /// The file's name.
    pub(super) fn file(&self) -> Option<String> {
        self.judge.expectations().map(|file| file.path.display().to_string())
    }

    /// The entries that no longer hold, after a run that may have been cut short.
    pub(super) fn stale(&self, cut_short: bool) -> Vec<Problem> {
        let extent = match self.extent {
            Extent::Whole if cut_short => Extent::Part,
            extent => extent,
        };
        self.judge.stale(extent, Zoned::now().date())
    }

    /// What to say of stale entries, at their places.
    pub(super) fn failure(&self, problems: &[Problem]) -> Option<Failure> {
        let file = self.judge.expectations()?;
        let first = problems.first()?;
        let what = match first.kind {
            ProblemKind::Duplicate => "remove one of the two",
            ProblemKind::Expired => "mend the target, or give the entry another `until`",
            ProblemKind::UnexpectedPass | ProblemKind::MatchesNothing | ProblemKind::OnlySkipped => {
                "remove the entry, or let `countersign expect update` rewrite the file"
            }
        };
        let labels = problems.iter().take(SHOWN).map(|problem| {
            // The whole entry would be many lines: its head is enough.
            let start = problem.span.start;
            LabeledSpan::new_with_span(Some(problem.message.clone()), start..start + "[[expect]]".len())
        });
        let message = match problems.len() {
            1 => format!("`{}` is stale", file.path.display()),
            several => format!("`{}` is stale in {several} entries", file.path.display()),
        };
        let diagnostic = MietteDiagnostic::new(plain(&message))
            .with_help(what)
            .with_labels(labels);
        let source = NamedSource::new(file.path.display().to_string(), file.text.clone());
        Some(Failure::new(
            Exit::StaleExpectation,
            miette::Report::new(diagnostic).with_source_code(source),
        ))
    }
}

/// What is known of the target of a run that was made in shards, judged by all of its cases; none if the run was held to no file.
pub(super) fn known_of_shards(merged: &Merged) -> Result<Option<Known>, Failure> {
    let member = |name: &str| merged.started.get(name).cloned().unwrap_or_default();
    let (Value::String(file), Ok(Extent::Shard)) = (member("expectations"), serde_json::from_value(member("held")))
    else {
        return Ok(None);
    };
    let file = load(Path::new(&file))?;
    let run = PinnedRun {
        seed: member("seed").as_u64().unwrap_or_default(),
        cases: member("random").as_u64().unwrap_or_default(),
    };
    let has_faults = member("faults").as_array().is_some_and(|faults| !faults.is_empty());
    let is_whole = run == file.run && member("corpus") != 0 && !has_faults;
    let mut judge = Judge::new(Some(file));
    for case in &merged.cases {
        judge.take(case);
    }
    Ok(Some(Known {
        judge,
        extent: if is_whole { Extent::Whole } else { Extent::Part },
    }))
}

/// The expectations that a `check` is held to, and the seed and number of its random cases. `key` is the target's name, if it is one of
/// which something can be known.
pub(super) fn known(arguments: &CheckArguments, key: Option<&str>) -> Result<(Known, PinnedRun), Failure> {
    let file = match (&arguments.expectations, key) {
        _ if arguments.no_expectations => None,
        (Some(path), _) => Some(load(path)?),
        (None, Some(key)) => {
            let path = default_path(key);
            if path.exists() { Some(load(&path)?) } else { None }
        }
        (None, None) => None,
    };
    if let (Some(file), Some(key)) = (&file, key)
        && file_stem(key) != file_stem(&file.target)
    {
        return Err(Failure::message(
            Exit::Usage,
            format!(
                "`{}` is of `{}`, and the target calls itself `{key}`",
                file.path.display(),
                file.target
            ),
            "give the expectations of this target, or --no-expectations",
        ));
    }
    let pinned = file.as_ref().map_or_else(PinnedRun::default, |file| file.run);
    let is_pinned = !arguments.explore && (file.is_some() || key.is_some());
    let run = PinnedRun {
        seed: arguments
            .seed
            .unwrap_or_else(|| if is_pinned { pinned.seed } else { drawn_seed() }),
        cases: arguments.cases.unwrap_or(if arguments.explore {
            PinnedRun::default().cases
        } else {
            pinned.cases
        }),
    };
    let extent = if arguments.explore {
        Extent::Explore
    } else if arguments.shard != Shard::WHOLE {
        Extent::Shard
    } else if run == pinned && !arguments.no_scenarios && arguments.faults.is_empty() {
        Extent::Whole
    } else {
        Extent::Part
    };
    let known = Known {
        judge: Judge::new(file),
        extent,
    };
    if let (Some(failure), false) = (known.failure(&known.judge.duplicates()), arguments.explore) {
        return Err(failure);
    }
    Ok((known, run))
}
