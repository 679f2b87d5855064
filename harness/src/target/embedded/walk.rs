//! Takes the steps of one case: calls, invocations, the clock, arranged states. What the target did is looked at here and judged nowhere.

use std::collections::BTreeMap;
use std::sync::Arc;

use aws_credential_types::Credentials;
use countersign_model::case::{ArrangeStep, CallStep, InvokeStep, Shape, Step, StepPrincipal};
use countersign_model::world::World;
use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};

use super::object;
use crate::differential::Binding;
use crate::target::control::{ControlPlane, principal_form};
use crate::target::driver::{Call, Driver};
use crate::target::fact::{Network, key_of, network_of, parse_duration};
use crate::target::provision::{root, unbound};
use crate::target::repeat::{Repeat, repeat_of};
use crate::target::{Observed, TargetError};

/// Calls after which a name may mean another principal.
const REMAKES: [&str; 3] = ["iam:CreateRole", "iam:CreateServiceLinkedRole", "iam:CreateUser"];

/// From this age on a session is made anew; the credentials themselves are good for twelve hours.
const LONGEST_SESSION: SignedDuration = SignedDuration::from_hours(11);

/// What is known while a case runs.
#[derive(Debug)]
pub(super) struct Running {
    /// The world at the start.
    pub(super) world: World,
    pub(super) clock: Timestamp,
    pub(super) trail_position: u64,
    /// By who a step says it is, and its network.
    pub(super) credentials: Vec<Known>,
    /// When a principal's first credentials were made: a session is as old as its first use, wherever it is used from.
    pub(super) sessions: BTreeMap<String, Timestamp>,
}

/// Credentials that were made.
#[derive(Debug)]
pub(super) struct Known {
    principal: StepPrincipal,
    source_ip: Option<String>,
    through: Option<String>,
    credentials: Credentials,
}

/// One step on its way.
pub(super) struct Walk<'a> {
    pub(super) driver: &'a mut Driver,
    pub(super) control: &'a ControlPlane,
    pub(super) running: &'a mut Running,
    pub(super) binding: &'a Binding,
}

impl Walk<'_> {
    pub(super) async fn step(&mut self, step: &Step) -> Result<Observed, TargetError> {
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
            .outward_json(Value::Object(step.with.clone()))
            .map_err(unbound)?;
        let region = step
            .region
            .as_ref()
            .unwrap_or(&self.running.world.resolved_spec().region)
            .clone();
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
        let spec = self.running.world.resolved_spec();
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
                .world
                .resolved_spec()
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
            let region = key
                .region
                .as_ref()
                .unwrap_or(&self.running.world.resolved_spec().region);
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
        let operation = format!("{}:{}", call.service, call.name);
        let answer = self.driver.call(call).await?;
        if answer.repeated && answer.result.is_err() && repeat_of(&operation) != Repeat::Read {
            return Err(TargetError::ambiguous(format!(
                "`{operation}` was refused when it was sent again, which may be its own work"
            )));
        }
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
            // An attempt whose answer was lost leaves its events too.
            trail: (!answer.repeated).then_some(trail),
        })
    }

    /// Credentials for a step's principal: made once for each principal and network, for a case.
    async fn credentials_of(&mut self, step: &CallStep, network: &Network) -> Result<Option<Credentials>, TargetError> {
        let known = self.running.credentials.iter().find(|known| {
            known.through == step.through && known.source_ip == network.source_ip && known.principal == step.principal
        });
        if let Some(known) = known {
            return Ok(Some(known.credentials.clone()));
        }
        let Some(principal) = principal_form(&step.principal)? else {
            if network.source_ip.is_some() || step.through.is_some() {
                return Err(TargetError::unsupported("network facts of anonymous calls"));
            }
            return Ok(None);
        };
        let principal = self.binding.outward_json(principal).map_err(unbound)?;
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
        if issued != now {
            self.set_clock(issued).await?;
        }
        let made = self.control.credentials(self.driver.line(), &request).await;
        if issued != now {
            self.set_clock(now).await?;
        }
        let made = made?;
        self.running.credentials.push(Known {
            principal: step.principal.clone(),
            source_ip: network.source_ip.clone(),
            through: step.through.clone(),
            credentials: made.clone(),
        });
        Ok(Some(made))
    }
}
