//! `countersign cost`: where the time of generated cases goes, in µs of CPU a step. One thread, no sockets.

use std::fmt::Write as _;
use std::time::{Duration, Instant};

use countersign_model::case::{Case, Step};
use countersign_model::outcome::Outcome;
use countersign_model::world::World;

use super::arguments::CostArguments;
use super::{Exit, Failure, print, some_cases};
use crate::differential::{Binding, Rehearsal, run_rehearsed};
use crate::generate;
use crate::stats::StatsBuilder;
use crate::target::{EmbeddedOptions, EmbeddedTarget, Observed, Target, TargetError};

pub(super) fn run(arguments: &CostArguments) -> Result<Exit, Failure> {
    some_cases(arguments.cases)?;
    let options = EmbeddedOptions {
        through_sdks: arguments.through_sdks,
        ..EmbeddedOptions::default()
    };
    let costs = measure(arguments, options)
        .map_err(|error| Failure::message(Exit::Target, error, "please report it with the seed"))?;
    print(render(&costs).as_bytes())?;
    Ok(if costs.disagreeing == 0 {
        Exit::Conformant
    } else {
        Exit::Divergence
    })
}

/// What came of the measured cases, and what their parts took.
#[derive(Default)]
struct Costs {
    steps: u64,
    discards: u64,
    disagreeing: u64,
    generation: Duration,
    world: Duration,
    apply: Duration,
    provisioning: Duration,
    target: Duration,
    run: Duration,
    run_by_the_wall: Duration,
    release: Duration,
    statistics: Duration,
}

/// A target that is timed, by the wall clock: to ask for the time of the CPU takes a µs each time.
struct Timed {
    inner: EmbeddedTarget,
    provisioning: Duration,
    steps: Duration,
}

impl Target for Timed {
    fn name(&self) -> &str {
        self.inner.name()
    }

    fn begin(&mut self, case: &Case, world: &World) -> Result<Binding, TargetError> {
        let started = Instant::now();
        let result = self.inner.begin(case, world);
        self.provisioning += started.elapsed();
        result
    }

    fn step(&mut self, step: &Step, outcome: &Outcome, binding: &mut Binding) -> Result<Observed, TargetError> {
        let started = Instant::now();
        let result = self.inner.step(step, outcome, binding);
        self.steps += started.elapsed();
        result
    }

    fn end(&mut self) -> Result<(), TargetError> {
        self.inner.end()
    }
}

fn measure(arguments: &CostArguments, options: EmbeddedOptions) -> Result<Costs, TargetError> {
    let mut target = Timed {
        inner: EmbeddedTarget::in_process(options)?,
        provisioning: Duration::ZERO,
        steps: Duration::ZERO,
    };
    let mut costs = Costs::default();
    let mut statistics = StatsBuilder::default();
    let settings = generate::Settings::crossed(arguments.crossings);
    let rehearsal = if arguments.crossings > 0 {
        Rehearsal::unexplained
    } else {
        Rehearsal::new
    };
    for number in 0..arguments.cases {
        let (drawn, time) = timed(|| generate::rehearsed_from_seed(arguments.seed, number, &settings, rehearsal));
        costs.generation += time;
        let Ok((case, rehearsal)) = drawn else {
            costs.discards += 1;
            continue;
        };
        let explained = rehearsal.is_explained();
        let wall = Instant::now();
        let (report, time) = timed(|| run_rehearsed(&case, rehearsal, &mut target));
        costs.run += time;
        costs.run_by_the_wall += wall.elapsed();
        costs.steps += case.steps.len() as u64;
        if let Ok(report) = report {
            costs.disagreeing += u64::from(!report.agrees());
            let outcomes: Vec<_> = report.steps.iter().map(|step| step.expected.as_ref()).collect();
            let ((), time) = timed(|| statistics.add(&case, &outcomes));
            costs.statistics += time;
            drop(outcomes);
            let ((), time) = timed(|| drop(report));
            costs.release += time;
        }
        // Once more, to tell the model's part of generation; last, so that the rest finds its caches as a run does.
        let (world, time) =
            timed(|| World::new(&case).map(|world| if explained { world } else { world.unexplained() }));
        costs.world += time;
        if let Ok(mut world) = world {
            let (_, time) = timed(|| case.steps.iter().filter_map(|step| world.apply(step).ok()).count());
            costs.apply += time;
        }
        let ((), time) = timed(|| drop(case));
        costs.release += time;
    }
    let of_the_cpu = |part: Duration| {
        let share = part.as_secs_f64() / costs.run_by_the_wall.as_secs_f64().max(f64::MIN_POSITIVE);
        costs.run.mul_f64(share.min(1.0))
    };
    (costs.provisioning, costs.target) = (of_the_cpu(target.provisioning), of_the_cpu(target.steps));
    Ok(costs)
}

fn render(costs: &Costs) -> String {
    let comparison = costs.run.saturating_sub(costs.provisioning + costs.target) + costs.release;
    let rows = [
        ("generation with the model's way through the case", costs.generation),
        ("  of that the model: the world", costs.world),
        ("  of that the model: the steps", costs.apply),
        ("building the world", costs.provisioning),
        ("steps on the target", costs.target),
        ("comparison and the rest of a case", comparison),
        ("statistics", costs.statistics),
    ];
    let mut text = format!(
        "{} steps, {} discards, {} cases disagree\n",
        costs.steps, costs.discards, costs.disagreeing
    );
    for (name, time) in rows {
        // Writing to a String cannot fail.
        let _ = writeln!(text, "{:>10.1} µs  {name}", a_step(time, costs.steps));
    }
    let whole = a_step(
        costs.generation + costs.run + costs.release + costs.statistics,
        costs.steps,
    );
    let _ = writeln!(
        text,
        "{whole:>10.1} µs  a step in all: {:.0} steps a second",
        1e6 / whole
    );
    text
}

#[expect(clippy::cast_precision_loss, reason = "counts stay far below 2^52")]
fn a_step(time: Duration, steps: u64) -> f64 {
    time.as_secs_f64() * 1e6 / steps.max(1) as f64
}

fn timed<T>(work: impl FnOnce() -> T) -> (T, Duration) {
    let before = on_cpu();
    let result = work();
    (result, on_cpu().saturating_sub(before))
}

/// CPU time of this thread, so that other work on the machine does not count.
#[cfg(unix)]
fn on_cpu() -> Duration {
    use nix::time::{ClockId, clock_gettime};
    clock_gettime(ClockId::CLOCK_THREAD_CPUTIME_ID).map_or_else(|_| passed(), Duration::from)
}

#[cfg(not(unix))]
fn on_cpu() -> Duration {
    passed()
}

/// Time as it passes, where a thread's own is not to be had.
fn passed() -> Duration {
    static START: std::sync::OnceLock<std::time::Instant> = std::sync::OnceLock::new();
    START.get_or_init(std::time::Instant::now).elapsed()
}
