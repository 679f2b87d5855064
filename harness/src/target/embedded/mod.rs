//! The embedded target: the emulator in this process, driven through the AWS SDKs, over a loopback socket or straight into its handler.
//! Cases without a world go to its authorizer. Here it is set up and given a world; `walk` takes the steps.

mod walk;

use std::collections::BTreeMap;
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;
use std::time::{Duration, Instant};

use countersign_emulator::{Emulator, EmulatorOptions, Server, Snapshot, Sources, serve};
use countersign_model::case::{Case, EvaluatorCase, Step, WorldSpec};
use countersign_model::outcome::Outcome;
use countersign_model::world::World;
use jiff::Timestamp;
use jiff::civil::Date;
use serde_json::{Map, Value, json};

use super::connector::{Line, Way};
use super::control::ControlPlane;
use super::driver::Driver;
use super::patience::Patience;
use super::provision::{BuiltWorld, Means, Memory, Recall, provision, root};
use super::settings::{organization, vpc_endpoints};
use super::{
    AuthorizerTarget, CallCount, Disturbance, EvaluatorAnswer, Observed, SavingAnswer, Settling, Target, TargetError,
    TwinSeen, Usage, Waiting,
};
use crate::differential::Binding;
use walk::{Running, Walk};

/// How the embedded target is set up.
#[derive(Debug, Clone, Default)]
pub struct EmbeddedOptions {
    /// Seeded faults that are switched on while steps are taken; never while a world is built.
    pub faults: Vec<String>,
    /// Whether the emulator notes which faults its code came by while steps are taken; for a target in this process.
    pub watch_faults: bool,
    /// Whether the hostile twins of each request are sent too while steps are taken; for a target in this process.
    pub twins: bool,
    /// Switches that differ from the case's, by name: the emulator then reads a disputed rule otherwise than the model.
    pub quirks: BTreeMap<String, Value>,
    /// Seed of the ids that the emulator chooses; none for randomness of the operating system.
    pub seed: Option<u64>,
    /// What is done to its calls on purpose.
    pub disturbance: Option<Disturbance>,
    /// Whether calls go through the SDKs' whole clients also where the emulator is in this process: slower, and the yardstick of the
    /// direct way.
    pub through_sdks: bool,
}

/// The emulator in this process. It can be sent to another thread, and each worker owns one.
#[derive(Debug)]
pub struct EmbeddedTarget {
    name: &'static str,
    options: EmbeddedOptions,
    runtime: tokio::runtime::Runtime,
    driver: Driver,
    control: ControlPlane,
    case: Option<Running>,
    usage: Usage,
    // What came of hostile twins.
    twins: Vec<TwinSeen>,
    // Cases without a world: an emulator that runs elsewhere has no way in for them.
    authorizer: Option<AuthorizerTarget>,
    // The emulator's state, where it is in this process: worlds that were built can be gone back to.
    state: Option<Arc<Emulator>>,
    worlds: Worlds,
    // Held for as long as the target lives; dropped with it.
    server: Option<Server>,
}

impl EmbeddedTarget {
    /// The emulator behind a loopback socket on a free port, driven over real HTTP.
    ///
    /// # Errors
    /// [`TargetError::Transport`] when no socket can be opened.
    pub fn over_socket(options: EmbeddedOptions) -> Result<Self, TargetError> {
        let (runtime, emulator, control) = start(&options)?;
        let authorizer = Some(authorizer(&options)?);
        let address = SocketAddr::from((Ipv4Addr::LOCALHOST, 0));
        let state = Some(Arc::clone(&emulator));
        let server = runtime
            .block_on(async { serve(emulator, address).await })
            .map_err(|error| TargetError::transport(format!("the emulator cannot listen on {address}: {error}")))?;
        let endpoint = format!("http://{}", server.address());
        Ok(Self::over(
            runtime,
            Way::socket(),
            endpoint,
            control,
            options,
            authorizer,
            state,
            Some(server),
            "embedded",
        ))
    }

    /// The emulator's handler called directly: the same drivers, the SDKs' serializers and parsers, without sockets and without what the
    /// SDKs' clients do besides, unless the options ask for it.
    ///
    /// # Errors
    /// [`TargetError::Transport`] when no runtime can be made.
    pub fn in_process(options: EmbeddedOptions) -> Result<Self, TargetError> {
        let (runtime, emulator, control) = start(&options)?;
        let authorizer = Some(authorizer(&options)?);
        let state = Some(Arc::clone(&emulator));
        Ok(Self::over(
            runtime,
            Way::InProcess(emulator),
            "http://127.0.0.1".to_owned(),
            control,
            options,
            authorizer,
            state,
            None,
            "in-process",
        ))
    }

    /// An emulator that was started elsewhere on this machine with a control token. Each case wipes it.
    ///
    /// # Errors
    /// [`TargetError::Transport`] when no runtime can be made; an endpoint that does not answer is found by the first case.
    pub fn elsewhere(endpoint: String, control_token: String, options: EmbeddedOptions) -> Result<Self, TargetError> {
        let control = ControlPlane::new(control_token);
        Ok(Self::over(
            runtime()?,
            Way::socket(),
            endpoint,
            control,
            options,
            None,
            None,
            None,
            "elsewhere",
        ))
    }

    #[expect(
        clippy::too_many_arguments,
        reason = "the one place where the parts are put together"
    )]
    fn over(
        runtime: tokio::runtime::Runtime,
        way: Way,
        endpoint: String,
        control: ControlPlane,
        options: EmbeddedOptions,
        authorizer: Option<AuthorizerTarget>,
        state: Option<Arc<Emulator>>,
        server: Option<Server>,
        name: &'static str,
    ) -> Self {
        let patience = options.disturbance.clone().map(|disturbance| Patience {
            disturbance,
            real_time: false,
        });
        let line = Line::new(way, endpoint).with_patience(patience);
        let line = Arc::new(if options.through_sdks { line } else { line.directly() });
        Self {
            name,
            options,
            runtime,
            driver: Driver::new(line),
            control,
            case: None,
            usage: Usage::default(),
            twins: Vec::new(),
            authorizer,
            state,
            worlds: Worlds::default(),
            server,
        }
    }

    /// Switches other seeded faults on from the next case on, instead of those of the options.
    ///
    /// # Errors
    /// [`TargetError::Adapter`] when no fault has one of the names.
    pub fn set_faults(&mut self, faults: &[String]) -> Result<(), TargetError> {
        let mut options = self.options.clone();
        options.faults = faults.to_vec();
        if self.authorizer.is_some() {
            self.authorizer = Some(authorizer(&options)?);
        }
        self.options = options;
        Ok(())
    }

    /// Whether the emulator notes which faults its code comes by, from the next case on.
    pub fn watch_faults(&mut self, watch: bool) {
        self.options.watch_faults = watch;
    }

    /// Whether the hostile twins of each request are sent too, from the next step on.
    pub fn watch_twins(&mut self, watch: bool) {
        self.options.twins = watch;
    }

    /// What came of the hostile twins since this was asked last.
    pub fn take_twins(&mut self) -> Vec<TwinSeen> {
        std::mem::take(&mut self.twins)
    }

    /// The port, when the emulator is behind a socket.
    pub fn port(&self) -> Option<u16> {
        self.server.as_ref().map(|server| server.address().port())
    }
}

impl Target for EmbeddedTarget {
    fn name(&self) -> &str {
        self.name
    }

    fn begin(&mut self, case: &Case, world: &World) -> Result<Binding, TargetError> {
        let started = Instant::now();
        self.usage = Usage::default();
        self.case = None;
        self.driver.line().begin_case(&case.id);
        let calls_before = self.driver.line().calls();
        // What was disturbed on the way is no world to go back to.
        let state = self.state.as_deref().filter(|_| self.options.disturbance.is_none());
        let hands = Hands {
            driver: &mut self.driver,
            control: &self.control,
            options: &self.options,
        };
        let result = self
            .runtime
            .block_on(begin(hands, state, &mut self.worlds, case, world));
        let calls = self.driver.line().calls() - calls_before;
        self.usage.provisioning = CallCount {
            calls,
            time: started.elapsed(),
        };
        self.usage.waiting = self.driver.line().waiting();
        let (binding, running) = result?;
        self.usage.waiting.settled = passed(world.now(), running.clock);
        self.case = Some(running);
        Ok(binding)
    }

    fn step(&mut self, step: &Step, _outcome: &Outcome, binding: &mut Binding) -> Result<Observed, TargetError> {
        let Some(running) = &mut self.case else {
            return Err(TargetError::adapter("no case has begun"));
        };
        let started = Instant::now();
        let line = Arc::clone(self.driver.line());
        let calls_before = line.calls();
        let mut walk = Walk {
            driver: &mut self.driver,
            control: &self.control,
            running,
            binding,
        };
        line.watch_twins(self.options.twins);
        let result = self.runtime.block_on(walk.step(step));
        self.twins.extend(line.take_twins());
        line.watch_twins(false);
        let calls = self.driver.line().calls() - calls_before;
        self.usage.wire.add(CallCount {
            calls,
            time: started.elapsed(),
        });
        self.usage.waiting = Waiting {
            settled: self.usage.waiting.settled,
            ..self.driver.line().waiting()
        };
        result
    }

    fn remember_worlds(&mut self, on: bool) {
        self.worlds = Worlds {
            remembers: on,
            ..Worlds::default()
        };
    }

    fn keep_world(&mut self) {
        self.worlds.kept = self.worlds.last.clone();
    }

    fn settling(&self) -> Option<Settling> {
        settling(&self.options)
    }

    fn wait(&mut self, time: Duration) -> Result<(), TargetError> {
        let Some(running) = &mut self.case else {
            return Err(TargetError::adapter("no case has begun"));
        };
        let clock = running.clock.checked_add(time);
        running.clock = clock.map_err(|error| TargetError::adapter(format!("the clock cannot move: {error}")))?;
        self.usage.waiting.settled += time;
        let line = Arc::clone(self.driver.line());
        line.facts().clock = Some(running.clock);
        let settings = object(json!({"clock": running.clock.to_string()}));
        self.runtime.block_on(self.control.case(&line, &settings))
    }

    fn settled(&mut self) {
        if let Some(running) = &mut self.case {
            // A session is as old as its first use in the case.
            running.credentials.clear();
            running.sessions.clear();
        }
    }

    fn end(&mut self) -> Result<(), TargetError> {
        self.case = None;
        Ok(())
    }

    fn usage(&self) -> Usage {
        self.usage
    }

    fn forget_usage(&mut self) {
        self.usage = Usage::default();
    }

    fn takes_evaluator_cases(&self) -> bool {
        self.authorizer.is_some()
    }

    fn evaluate(&mut self, case: &Case, question: &EvaluatorCase) -> Result<EvaluatorAnswer, TargetError> {
        match &mut self.authorizer {
            Some(authorizer) => authorizer.evaluate(case, question),
            None => Err(TargetError::unsupported("evaluate")),
        }
    }

    fn save(&mut self, case: &Case, question: &EvaluatorCase) -> Result<SavingAnswer, TargetError> {
        match &mut self.authorizer {
            Some(authorizer) => authorizer.save(case, question),
            None => Err(TargetError::unsupported("saves")),
        }
    }
}

/// Time that passed from one instant to a later one.
fn passed(from: Timestamp, to: Timestamp) -> Duration {
    to.duration_since(from).try_into().unwrap_or_default()
}

/// Changes that propagate late on purpose are waited for by asking again: five times as long as they take, in as many steps as seconds.
fn settling(options: &EmbeddedOptions) -> Option<Settling> {
    let lag = options.disturbance.as_ref().map(Disturbance::propagation)?;
    (lag > Duration::ZERO).then(|| Settling {
        within: lag * 5,
        every: Duration::from_secs(1),
        case_clock: true,
    })
}

fn authorizer(options: &EmbeddedOptions) -> Result<AuthorizerTarget, TargetError> {
    AuthorizerTarget::new(&options.faults, options.quirks.clone())
        .map_err(|error| TargetError::adapter(error.to_string()))
}

fn start(options: &EmbeddedOptions) -> Result<(tokio::runtime::Runtime, Arc<Emulator>, ControlPlane), TargetError> {
    let runtime = runtime()?;
    let token = Sources::system().ids.hex(32);
    let sources = match options.seed {
        Some(seed) => Sources::seeded(seed, Timestamp::now()),
        None => Sources::system(),
    };
    let emulator = Arc::new(Emulator::new(EmulatorOptions {
        control_token: Some(token.clone()),
        sources,
        ..EmulatorOptions::default()
    }));
    Ok((runtime, emulator, ControlPlane::new(token)))
}

fn runtime() -> Result<tokio::runtime::Runtime, TargetError> {
    tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .map_err(|error| TargetError::transport(format!("no runtime for the target: {error}")))
}

/// What a world is built with.
struct Hands<'a> {
    driver: &'a mut Driver,
    control: &'a ControlPlane,
    options: &'a EmbeddedOptions,
}

/// Worlds that can be gone back to.
#[derive(Debug, Default)]
struct Worlds {
    /// Whether worlds are made of one another.
    remembers: bool,
    /// The one that was built last.
    last: Option<Arc<Built>>,
    /// The one that others are made of.
    kept: Option<Arc<Built>>,
}

impl Worlds {
    fn of(&self, case: &Case) -> Option<Arc<Built>> {
        let mut known = self.last.iter().chain(&self.kept);
        known.find(|built| built.is_of(case)).map(Arc::clone)
    }

    /// The world that the one of a case may be made of.
    fn before(&self, case: &Case, world: &World) -> Option<Arc<Built>> {
        let kept = self.kept.as_ref().filter(|_| self.remembers)?;
        let alike = kept.quirks == case.quirks && kept.as_of == case.as_of && kept.began == world.now();
        alike.then(|| Arc::clone(kept))
    }
}

/// A world as it was built, before anything that stands in a provisioner's way came into force.
#[derive(Debug)]
struct Built {
    /// What the world was built from: nothing else of a case takes part in it.
    spec: Option<WorldSpec>,
    quirks: BTreeMap<String, Value>,
    as_of: Option<Date>,
    began: Timestamp,
    binding: Binding,
    snapshot: Snapshot,
    memory: Option<Memory>,
}

impl Built {
    fn is_of(&self, case: &Case) -> bool {
        self.spec == case.world && self.quirks == case.quirks && self.as_of == case.as_of
    }
}

/// Builds the world, or goes back to it where it was built before: shrinking and fault measurement ask much in one world.
async fn begin(
    mut hands: Hands<'_>,
    state: Option<&Emulator>,
    worlds: &mut Worlds,
    case: &Case,
    world: &World,
) -> Result<(Binding, Running), TargetError> {
    let line = Arc::clone(hands.driver.line());
    let clock = world.now();
    line.facts().clock = Some(clock);
    let (binding, clock) = match (state, worlds.of(case)) {
        (Some(emulator), Some(built)) => {
            emulator.restore(&built.snapshot);
            let binding = built.binding.clone();
            worlds.last = Some(built);
            (binding, clock)
        }
        _ => {
            worlds.last = None;
            let made = Box::pin(build_or_remake(&mut hands, state, worlds, case, world)).await?;
            let binding = made.binding.clone();
            worlds.last = state.map(|emulator| {
                Arc::new(Built {
                    spec: case.world.clone(),
                    quirks: case.quirks.clone(),
                    as_of: case.as_of,
                    began: world.now(),
                    binding: made.binding,
                    snapshot: emulator.snapshot(),
                    memory: made.memory,
                })
            });
            if worlds.remembers && worlds.kept.is_none() {
                worlds.kept.clone_from(&worlds.last);
            }
            (binding, made.clock)
        }
    };
    let Hands { control, options, .. } = hands;
    // What could stand in the provisioner's way comes into force now: the organization, endpoints, delays and faults.
    // A case that is about propagation keeps its own.
    let own = case.world.as_ref().is_some_and(|world| world.propagation.is_some());
    let delay = if own {
        world.propagation().as_secs().unsigned_abs()
    } else {
        lag(options)
    };
    let settings = json!({
        "propagation_seconds": delay,
        "faults": options.faults,
        "watch_faults": options.watch_faults,
        "organization": organization(world, &binding)?,
        "vpc_endpoints": vpc_endpoints(world, &binding)?,
    });
    control.case(&line, &object(settings)).await?;
    let (_, trail_position) = control.trail(&line, 0).await?;
    Ok((
        binding,
        Running {
            world: world.clone(),
            clock,
            trail_position,
            credentials: Vec::new(),
            sessions: BTreeMap::new(),
        },
    ))
}

/// Makes the world of the one that is kept, and builds it whole where that cannot be.
async fn build_or_remake(
    hands: &mut Hands<'_>,
    state: Option<&Emulator>,
    worlds: &Worlds,
    case: &Case,
    world: &World,
) -> Result<BuiltWorld, TargetError> {
    let Some(emulator) = state.filter(|_| worlds.remembers) else {
        return Box::pin(build(hands, case, world, None)).await;
    };
    if let Some(before) = worlds.before(case, world)
        && let Some(memory) = &before.memory
    {
        let means = means(hands);
        let recall = Some(Recall::new(emulator, Some(memory)));
        // Whatever stands in its way: built whole, it is said by the target itself.
        if let Ok(made) = Box::pin(provision(hands.driver, &means, case, world, recall)).await {
            return Ok(made);
        }
    }
    Box::pin(build(hands, case, world, Some(Recall::new(emulator, None)))).await
}

fn means<'a>(hands: &Hands<'a>) -> Means<'a> {
    Means {
        administrator: &|account| Ok(root(account)),
        control: Some(hands.control),
        explicit_defaults: false,
        bypass_lockout_check: true,
        settling: settling(hands.options),
    }
}

async fn build(
    hands: &mut Hands<'_>,
    case: &Case,
    world: &World,
    recall: Option<Recall<'_>>,
) -> Result<BuiltWorld, TargetError> {
    let means = means(hands);
    let Hands {
        driver,
        control,
        options,
    } = hands;
    let line = Arc::clone(driver.line());
    control.reset(&line).await?;
    let mut quirks: Map<String, Value> = case
        .quirks
        .iter()
        .map(|(name, value)| (name.clone(), value.clone()))
        .collect();
    quirks.extend(options.quirks.iter().map(|(name, value)| (name.clone(), value.clone())));
    let settings = json!({
        "as_of": world.as_of().to_string(),
        "clock": world.now().to_string(),
        "propagation_seconds": lag(options),
        "quirks": quirks,
        "faults": [],
        "organization": null,
        "vpc_endpoints": {},
    });
    control.case(&line, &object(settings)).await?;
    let built = Box::pin(provision(driver, &means, case, world, recall)).await?;
    if means.settling.is_none() {
        control.arrange(&line, &json!({"settle": true})).await?;
    }
    Ok(built)
}

/// Seconds that changes take on purpose.
fn lag(options: &EmbeddedOptions) -> u64 {
    options.disturbance.as_ref().map_or(0, |disturbance| {
        disturbance.propagation().as_millis().div_ceil(1_000) as u64
    })
}

fn object(value: Value) -> Map<String, Value> {
    match value {
        Value::Object(map) => map,
        _ => Map::new(),
    }
}
