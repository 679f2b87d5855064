//! The embedded target: the emulator in this process, driven through the AWS SDKs, over a loopback socket or straight into its handler.
//! Cases without a world go to its authorizer. Here it is set up and given a world; `walk` takes the steps.

mod walk;

use std::collections::BTreeMap;
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;
use std::time::Instant;

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
use super::provision::{Means, provision, root};
use super::settings::{organization, vpc_endpoints};
use super::{AuthorizerTarget, CallCount, EvaluatorAnswer, Observed, SavingAnswer, Target, TargetError, Usage};
use crate::differential::Binding;
use walk::{Running, Walk};

/// How the embedded target is set up.
#[derive(Debug, Clone, Default)]
pub struct EmbeddedOptions {
    /// Seeded faults that are switched on while steps are taken; never while a world is built.
    pub faults: Vec<String>,
    /// Whether the emulator notes which faults its code came by while steps are taken; for a target in this process.
    pub watch_faults: bool,
    /// Switches that differ from the case's, by name: the emulator then reads a disputed rule otherwise than the model.
    pub quirks: BTreeMap<String, Value>,
    /// Seed of the ids that the emulator chooses; none for randomness of the operating system.
    pub seed: Option<u64>,
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
    // Cases without a world: an emulator that runs elsewhere has no way in for them.
    authorizer: Option<AuthorizerTarget>,
    // The last world as it was built, where the emulator can go back to it.
    built: Option<Built>,
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
            Some(server),
            "embedded",
        ))
    }

    /// The emulator's handler called directly: the same drivers and SDKs, without sockets.
    ///
    /// # Errors
    /// [`TargetError::Transport`] when no runtime can be made.
    pub fn in_process(options: EmbeddedOptions) -> Result<Self, TargetError> {
        let (runtime, emulator, control) = start(&options)?;
        let authorizer = Some(authorizer(&options)?);
        Ok(Self::over(
            runtime,
            Way::InProcess(emulator),
            "http://127.0.0.1".to_owned(),
            control,
            options,
            authorizer,
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
        server: Option<Server>,
        name: &'static str,
    ) -> Self {
        let line = Arc::new(Line::new(way, endpoint));
        Self {
            name,
            options,
            runtime,
            driver: Driver::new(line),
            control,
            case: None,
            usage: Usage::default(),
            authorizer,
            built: None,
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
        let calls_before = self.driver.line().calls();
        let result = self.runtime.block_on(begin(
            &mut self.driver,
            &self.control,
            &self.options,
            &mut self.built,
            case,
            world,
        ));
        let calls = self.driver.line().calls() - calls_before;
        self.usage.provisioning = CallCount {
            calls,
            time: started.elapsed(),
        };
        let (binding, running) = result?;
        self.case = Some(running);
        Ok(binding)
    }

    fn step(&mut self, step: &Step, _outcome: &Outcome, binding: &mut Binding) -> Result<Observed, TargetError> {
        let Some(running) = &mut self.case else {
            return Err(TargetError::adapter("no case has begun"));
        };
        let started = Instant::now();
        let calls_before = self.driver.line().calls();
        let mut walk = Walk {
            driver: &mut self.driver,
            control: &self.control,
            running,
            binding,
        };
        let result = self.runtime.block_on(walk.step(step));
        let calls = self.driver.line().calls() - calls_before;
        self.usage.wire.add(CallCount {
            calls,
            time: started.elapsed(),
        });
        result
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

/// A world as it was built, before anything that stands in a provisioner's way came into force.
#[derive(Debug)]
struct Built {
    /// What the world was built from: nothing else of a case takes part in it.
    spec: Option<WorldSpec>,
    quirks: BTreeMap<String, Value>,
    as_of: Option<Date>,
    binding: Binding,
    snapshot: Snapshot,
}

impl Built {
    fn is_of(&self, case: &Case) -> bool {
        self.spec == case.world && self.quirks == case.quirks && self.as_of == case.as_of
    }
}

/// Builds the world, or goes back to it where the last case had the same one: shrinking and fault measurement ask much in one world.
async fn begin(
    driver: &mut Driver,
    control: &ControlPlane,
    options: &EmbeddedOptions,
    built: &mut Option<Built>,
    case: &Case,
    world: &World,
) -> Result<(Binding, Running), TargetError> {
    let line = Arc::clone(driver.line());
    let clock = world.now();
    line.facts().clock = Some(clock);
    let emulator = line.emulator().cloned();
    let binding = match (&emulator, &*built) {
        (Some(emulator), Some(built)) if built.is_of(case) => {
            emulator.restore(&built.snapshot);
            built.binding.clone()
        }
        _ => {
            *built = None;
            let binding = build(driver, control, options, case, world).await?;
            *built = emulator.map(|emulator| Built {
                spec: case.world.clone(),
                quirks: case.quirks.clone(),
                as_of: case.as_of,
                binding: binding.clone(),
                snapshot: emulator.snapshot(),
            });
            binding
        }
    };
    // What could stand in the provisioner's way comes into force now: the organization, endpoints, delays and faults.
    let spec = world.resolved_spec().clone();
    let settings = json!({
        "propagation_seconds": world.propagation().as_secs(),
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
            spec,
            clock,
            trail_position,
            credentials: BTreeMap::new(),
            sessions: BTreeMap::new(),
        },
    ))
}

async fn build(
    driver: &mut Driver,
    control: &ControlPlane,
    options: &EmbeddedOptions,
    case: &Case,
    world: &World,
) -> Result<Binding, TargetError> {
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
        "propagation_seconds": 0,
        "quirks": quirks,
        "faults": [],
        "organization": null,
        "vpc_endpoints": {},
    });
    control.case(&line, &object(settings)).await?;
    let means = Means {
        administrator: &|account| Ok(root(account)),
        control: Some(control),
        explicit_defaults: false,
        bypass_lockout_check: true,
    };
    let binding = provision(driver, &means, case, world).await?;
    control.arrange(&line, &json!({"settle": true})).await?;
    Ok(binding)
}

fn object(value: Value) -> Map<String, Value> {
    match value {
        Value::Object(map) => map,
        _ => Map::new(),
    }
}
