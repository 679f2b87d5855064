//! The embedded target: the emulator in this process, driven through the AWS SDKs, over a loopback socket or straight into its handler.

use std::collections::BTreeMap;
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;
use std::time::{Duration, Instant};

use aws_credential_types::Credentials;
use countersign_emulator::{Emulator, EmulatorOptions, Server, Sources, serve};
use countersign_model::case::{ArrangeStep, CallStep, Case, InvokeStep, Shape, Step, WorldSpec};
use countersign_model::name::AccountId;
use countersign_model::outcome::Outcome;
use countersign_model::world::World;
use http::header::{HeaderName, HeaderValue, REFERER, USER_AGENT};
use jiff::{SignedDuration, Timestamp};
use serde_json::{Map, Value, json};

use super::connector::{Line, Way};
use super::control::{ControlPlane, principal_form};
use super::driver::{Call, Driver};
use super::provision::{provision, root, unbound};
use super::settings::{organization, vpc_endpoints};
use super::{CallCount, Observed, Target, TargetError, Usage};
use crate::differential::Binding;

/// Calls after which a name may mean another principal.
const REMAKES: [&str; 3] = ["iam:CreateRole", "iam:CreateServiceLinkedRole", "iam:CreateUser"];

/// From this age on a session is made anew; the credentials themselves are good for twelve hours.
const LONGEST_SESSION: SignedDuration = SignedDuration::from_hours(11);

/// How the embedded target is set up.
#[derive(Debug, Clone, Default)]
pub struct EmbeddedOptions {
    /// Seeded faults that are switched on while steps are taken; never while a world is built.
    pub faults: Vec<String>,
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
    // Held for as long as the target lives; dropped with it.
    server: Option<Server>,
}

/// What is known while a case runs.
#[derive(Debug)]
struct Running {
    spec: WorldSpec,
    clock: Timestamp,
    trail_position: u64,
    /// By principal and network.
    credentials: BTreeMap<String, Credentials>,
    /// When a principal's first credentials were made: a session is as old as its first use, wherever it is used from.
    sessions: BTreeMap<String, Timestamp>,
}

/// The network facts of one call.
#[derive(Debug, Default)]
struct Network {
    source_ip: Option<String>,
    headers: Vec<(HeaderName, HeaderValue)>,
}

impl EmbeddedTarget {
    /// The emulator behind a loopback socket on a free port, driven over real HTTP.
    ///
    /// # Errors
    /// [`TargetError::Transport`] when no socket can be opened.
    pub fn over_socket(options: EmbeddedOptions) -> Result<Self, TargetError> {
        let (runtime, emulator, control) = start(&options)?;
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
        Ok(Self::over(
            runtime,
            Way::InProcess(emulator),
            "http://127.0.0.1".to_owned(),
            control,
            options,
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
            "elsewhere",
        ))
    }

    fn over(
        runtime: tokio::runtime::Runtime,
        way: Way,
        endpoint: String,
        control: ControlPlane,
        options: EmbeddedOptions,
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
            server,
        }
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
        let result = self
            .runtime
            .block_on(begin(&mut self.driver, &self.control, &self.options, case, world));
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

async fn begin(
    driver: &mut Driver,
    control: &ControlPlane,
    options: &EmbeddedOptions,
    case: &Case,
    world: &World,
) -> Result<(Binding, Running), TargetError> {
    let line = Arc::clone(driver.line());
    let clock = world.now();
    line.facts().clock = Some(clock);
    control.reset(&line).await?;
    let mut quirks: Map<String, Value> = case
        .quirks
        .iter()
        .map(|(name, value)| (name.clone(), value.clone()))
        .collect();
    quirks.extend(options.quirks.iter().map(|(name, value)| (name.clone(), value.clone())));
    let settings = json!({
        "as_of": world.as_of().to_string(),
        "clock": clock.to_string(),
        "propagation_seconds": 0,
        "quirks": quirks,
        "faults": [],
        "organization": null,
        "vpc_endpoints": {},
    });
    control.case(&line, &object(settings)).await?;
    let binding = provision(driver, control, case, world).await?;
    control.arrange(&line, &json!({"settle": true})).await?;
    // What could stand in the provisioner's way comes into force now: the organization, endpoints, delays and faults.
    let spec = world.resolved_spec().clone();
    let settings = json!({
        "propagation_seconds": world.propagation().as_secs(),
        "faults": options.faults,
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

/// One step on its way.
struct Walk<'a> {
    driver: &'a mut Driver,
    control: &'a ControlPlane,
    running: &'a mut Running,
    binding: &'a Binding,
}

impl Walk<'_> {
    async fn step(&mut self, step: &Step) -> Result<Observed, TargetError> {
        match step {
            Step::Call(call) => self.call(call).await,
            Step::Invoke(invoke) => self.invoke(invoke).await,
            Step::Advance(advance) => {
                let by = parse_duration(&advance.advance)?;
                let clock = self.running.clock.checked_add(by);
                self.running.clock =
                    clock.map_err(|error| TargetError::adapter(format!("the clock cannot move: {error}")))?;
                self.set_clock(self.running.clock).await?;
                self.forget_old_sessions();
                Ok(Observed::quiet())
            }
            Step::Settle { .. } => {
                self.control
                    .arrange(self.driver.line(), &json!({"settle": true}))
                    .await?;
                Ok(Observed::quiet())
            }
            Step::Arrange(arrange) => self.arrange(arrange).await,
        }
    }

    /// Sessions that end soon are made anew at their next use: how long credentials last is not what a case is about.
    fn forget_old_sessions(&mut self) {
        let now = self.running.clock;
        let before = self.running.sessions.len();
        self.running
            .sessions
            .retain(|_, issued| now.duration_since(*issued) < LONGEST_SESSION);
        if self.running.sessions.len() < before {
            self.running.credentials.clear();
        }
    }

    /// Sets the emulator's clock and the signers'.
    async fn set_clock(&mut self, clock: Timestamp) -> Result<(), TargetError> {
        let line = Arc::clone(self.driver.line());
        line.facts().clock = Some(clock);
        self.control
            .case(&line, &object(json!({"clock": clock.to_string()})))
            .await
    }

    async fn call(&mut self, step: &CallStep) -> Result<Observed, TargetError> {
        let network = network_of(step)?;
        let credentials = self.credentials_of(step, &network).await?;
        let with = self
            .binding
            .outward_json(&Value::Object(step.with.clone()))
            .map_err(unbound)?;
        let region = step.region.as_ref().unwrap_or(&self.running.spec.region).clone();
        let observed = self
            .observe(Call {
                service: step.call.service(),
                name: step.call.operation(),
                with: &object(with),
                region: region.as_str(),
                credentials,
                shape: step.shape,
                headers: network.headers,
            })
            .await?;
        if step.shape == Shape::PostForm && observed.status == 405 {
            return Err(TargetError::unsupported("HTML form uploads"));
        }
        if REMAKES.contains(&step.call.as_str()) {
            // Who a principal is may have changed: a role made anew is another one.
            self.running.credentials.clear();
        }
        Ok(observed)
    }

    /// An invocation is made by the root user of the function's account: what is observed is the function's start.
    async fn invoke(&mut self, step: &InvokeStep) -> Result<Observed, TargetError> {
        let holds = |spec: &countersign_model::case::AccountSpec| spec.functions.contains_key(&step.function);
        let spec = &self.running.spec;
        let account = step
            .account
            .clone()
            .or_else(|| {
                spec.accounts
                    .iter()
                    .find(|(_, holdings)| holds(holdings))
                    .map(|(account, _)| account.clone())
            })
            .or_else(|| {
                if spec.accounts.len() == 1 {
                    spec.accounts.keys().next().cloned()
                } else {
                    None
                }
            })
            .ok_or_else(|| {
                TargetError::adapter(format!("the account of the function `{}` is not known", step.function))
            })?;
        let of_function = spec
            .accounts
            .get(&account)
            .and_then(|holdings| holdings.functions.get(&step.function)?.region.clone());
        let region = of_function.unwrap_or_else(|| spec.region.clone());
        let arrangement =
            json!({"function": {"account": account, "region": region, "name": step.function, "cold": step.cold}});
        match self.control.arrange(self.driver.line(), &arrangement).await {
            // A function that is gone has no environments; the call itself says that it is gone.
            Err(TargetError::Adapter { message }) if message.contains("unknown function") => {}
            other => other?,
        }
        let with = object(json!({"FunctionName": step.function}));
        let observed = self
            .observe(Call {
                service: "lambda",
                name: "Invoke",
                with: &with,
                region: region.as_str(),
                credentials: Some(root(&account)),
                shape: Shape::Header,
                headers: Vec::new(),
            })
            .await?;
        let refused = observed.status == 403
            && observed
                .message
                .as_deref()
                .is_some_and(|message| message.contains("lambda:InvokeFunction"));
        if refused {
            // An organization may bind even the root user: then nobody is left who could only be watched starting the function.
            return Err(TargetError::unsupported(
                "an invoker that the organization lets through",
            ));
        }
        Ok(observed)
    }

    async fn arrange(&mut self, step: &ArrangeStep) -> Result<Observed, TargetError> {
        for (path, state) in &step.arrange {
            let (account, name) = key_of(path)?;
            let keys: Vec<_> = self
                .running
                .spec
                .accounts
                .iter()
                .filter(|(id, _)| account.as_ref().is_none_or(|account| account == *id))
                .filter_map(|(id, holdings)| Some((id.clone(), holdings.keys.get(&name)?.clone())))
                .collect();
            let [(account, key)] = keys.as_slice() else {
                return Err(TargetError::adapter(format!(
                    "`{path}`: {} keys have this name",
                    keys.len()
                )));
            };
            let region = key.region.as_ref().unwrap_or(&self.running.spec.region);
            let id = self
                .binding
                .outward_text(key.id.as_deref().unwrap_or_default())
                .map_err(unbound)?;
            let arrangement = json!({"key": {"account": account, "region": region, "key_id": id, "state": state}});
            self.control.arrange(self.driver.line(), &arrangement).await?;
        }
        Ok(Observed::quiet())
    }

    /// Makes a call and looks at what it left behind.
    async fn observe(&mut self, call: Call<'_>) -> Result<Observed, TargetError> {
        let answer = self.driver.call(call).await?;
        let (trail, next) = self
            .control
            .trail(self.driver.line(), self.running.trail_position)
            .await?;
        self.running.trail_position = next;
        let decision = answer.decision();
        let (output, failure) = match answer.result {
            Ok(output) => (Some(output), None),
            Err(failure) => (None, Some(failure)),
        };
        let (code, message) = failure.map_or((None, None), |failure| (failure.code, failure.message));
        Ok(Observed {
            decision,
            code,
            status: answer.status,
            message,
            output,
            trail: Some(trail),
        })
    }

    /// Credentials for a step's principal: made once for each principal and network, for a case.
    async fn credentials_of(&mut self, step: &CallStep, network: &Network) -> Result<Option<Credentials>, TargetError> {
        let Some(principal) = principal_form(&step.principal)? else {
            if network.source_ip.is_some() || step.through.is_some() {
                return Err(TargetError::unsupported("network facts of anonymous calls"));
            }
            return Ok(None);
        };
        let principal = self.binding.outward_json(&principal).map_err(unbound)?;
        let now = self.running.clock;
        let issued = *self.running.sessions.entry(principal.to_string()).or_insert(now);
        let mut request = object(json!({"principal": principal}));
        if let Some(address) = &network.source_ip {
            request.insert("source_ip".to_owned(), json!(address));
        }
        if let Some(endpoint) = &step.through {
            request.insert("vpc_endpoint".to_owned(), json!(endpoint));
        }
        let request = Value::Object(request);
        let name = request.to_string();
        if let Some(known) = self.running.credentials.get(&name) {
            return Ok(Some(known.clone()));
        }
        if issued != now {
            self.set_clock(issued).await?;
        }
        let made = self.control.credentials(self.driver.line(), &request).await;
        if issued != now {
            self.set_clock(now).await?;
        }
        let made = made?;
        self.running.credentials.insert(name, made.clone());
        Ok(Some(made))
    }
}

/// What the `context:` of a step means on the wire. Facts that a client cannot make true are a missing capability.
fn network_of(step: &CallStep) -> Result<Network, TargetError> {
    let mut network = Network::default();
    for (key, value) in &step.context {
        let text = match value {
            Value::String(text) => text.clone(),
            other => other.to_string(),
        };
        let header = |text: &str| {
            HeaderValue::from_str(text)
                .map_err(|error| TargetError::adapter(format!("`{key}` cannot be a header: {error}")))
        };
        match key.to_ascii_lowercase().as_str() {
            "aws:sourceip" | "aws:vpcsourceip" => network.source_ip = Some(text),
            "aws:useragent" => network.headers.push((USER_AGENT, header(&text)?)),
            "aws:referer" => network.headers.push((REFERER, header(&text)?)),
            "aws:securetransport" if text == "true" => {}
            _ => return Err(TargetError::unsupported(format!("the fact `{key}`"))),
        }
    }
    Ok(network)
}

/// `key.NAME.state`, with an account before it and the name in `["…"]` where needed.
fn key_of(path: &str) -> Result<(Option<AccountId>, String), TargetError> {
    let wrong = || TargetError::adapter(format!("`{path}` cannot be arranged: `key.NAME.state` is needed"));
    let (account, rest) = match path.split_once('.') {
        Some((first, rest)) if AccountId::new(first).is_ok() => (AccountId::new(first).ok(), rest),
        _ => (None, path),
    };
    let rest = rest.strip_suffix(".state").ok_or_else(wrong)?;
    let name = match rest.strip_prefix("key[\"").and_then(|name| name.strip_suffix("\"]")) {
        Some(quoted) => quoted,
        None => rest.strip_prefix("key.").ok_or_else(wrong)?,
    };
    Ok((account, name.to_owned()))
}

/// `90s`, `10m`, `1h`, `7d`, and sums of them such as `1h30m`.
fn parse_duration(text: &str) -> Result<SignedDuration, TargetError> {
    let wrong = || TargetError::adapter(format!("`{text}` is not a duration such as `10m` or `7d`"));
    let mut total = Duration::ZERO;
    let mut digits = String::new();
    for character in text.chars().filter(|character| !character.is_whitespace()) {
        if character.is_ascii_digit() {
            digits.push(character);
            continue;
        }
        let unit = match character {
            's' => 1,
            'm' => 60,
            'h' => 3_600,
            'd' => 86_400,
            _ => return Err(wrong()),
        };
        let number: u64 = digits.parse().map_err(|_| wrong())?;
        let part = number.checked_mul(unit).map(Duration::from_secs).ok_or_else(wrong)?;
        total = total.checked_add(part).ok_or_else(wrong)?;
        digits.clear();
    }
    if !digits.is_empty() || text.is_empty() {
        return Err(wrong());
    }
    SignedDuration::try_from(total).map_err(|_| wrong())
}

fn object(value: Value) -> Map<String, Value> {
    match value {
        Value::Object(map) => map,
        _ => Map::new(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_are_read_whole_or_not_at_all() {
        for (text, seconds) in [("90s", 90), ("10m", 600), ("1h30m", 5_400), ("7d", 604_800)] {
            assert_eq!(parse_duration(text), Ok(SignedDuration::from_secs(seconds)), "{text}");
        }
        for wrong in ["", "10", "m", "1w", "-5m", "99999999999999999999d", "1h30"] {
            assert!(parse_duration(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn a_key_to_arrange_is_named_with_or_without_its_account() {
        let account = AccountId::new("111122223333").ok();
        assert_eq!(key_of("key.example.state"), Ok((None, "example".to_owned())));
        assert_eq!(
            key_of("111122223333.key[\"a.b\"].state"),
            Ok((account, "a.b".to_owned()))
        );
        for wrong in ["example.state", "key.example", "bucket.b.state", "key.state"] {
            assert!(key_of(wrong).is_err(), "{wrong}");
        }
    }
}
