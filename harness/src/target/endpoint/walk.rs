//! Takes the steps of one case on an endpoint. What the target did is looked at here, by the rules of its profile, and judged nowhere.

use std::sync::Arc;

use countersign_model::case::{CallStep, Decision, Shape, Step, WorldSpec};
use countersign_model::world::World;
use serde_json::{Map, Value};

use super::administrator::Administrators;
use super::capability::Capability;
use super::principals::{Maker, Principals};
use super::profile::Profile;
use super::says_missing;
use crate::differential::Binding;
use crate::target::driver::{Answer, Call, Driver, UNPARSABLE};
use crate::target::fact::network_of;
use crate::target::provision::{is_missing, unbound};
use crate::target::repeat::{Repeat, repeat_of};
use crate::target::translation::SECURE_TRANSPORT;
use crate::target::{Observed, TargetError};

/// Calls after which a name may mean another principal.
const REMAKES: [&str; 3] = ["iam:CreateRole", "iam:CreateServiceLinkedRole", "iam:CreateUser"];

/// What is known while a case runs.
#[derive(Debug)]
pub(super) struct Running {
    spec: Arc<WorldSpec>,
    principals: Principals,
}

impl Running {
    pub(super) fn new(world: &World) -> Self {
        Self {
            spec: Arc::new(world.resolved_spec().clone()),
            principals: Principals::default(),
        }
    }
}

/// One step on its way.
pub(super) struct Walk<'a> {
    pub(super) profile: &'a Profile,
    pub(super) driver: &'a mut Driver,
    pub(super) administrators: &'a mut Administrators,
    pub(super) running: &'a mut Running,
    pub(super) binding: &'a Binding,
}

impl Walk<'_> {
    pub(super) async fn step(&mut self, step: &Step) -> Result<Observed, TargetError> {
        match step {
            Step::Call(call) => self.call(call).await,
            // Worlds have no delay of their own here: what the target takes to settle is waited for at the step that sees it.
            Step::Settle { .. } => Ok(Observed::quiet()),
            Step::Invoke(_) => Err(TargetError::unsupported("invoke")),
            Step::Advance(_) => Err(TargetError::unsupported("clock")),
            Step::Arrange(_) => Err(TargetError::unsupported("arrange")),
        }
    }

    /// The step without the fact that it comes without TLS: where loopback does not count as TLS that is so anyway.
    fn as_it_comes(&self, step: &CallStep) -> CallStep {
        let mut step = step.clone();
        if !self.profile.can(Capability::SecureTransport) {
            step.context
                .retain(|key, value| !key.eq_ignore_ascii_case(SECURE_TRANSPORT) || value.as_str() != Some("false"));
        }
        step
    }

    async fn call(&mut self, step: &CallStep) -> Result<Observed, TargetError> {
        let network = network_of(&self.as_it_comes(step))?;
        let spec = Arc::clone(&self.running.spec);
        let mut maker = Maker {
            driver: &mut *self.driver,
            administrators: &mut *self.administrators,
            spec: &spec,
            binding: self.binding,
        };
        let credentials = match self.running.principals.credentials(&step.principal, &mut maker).await {
            Ok(credentials) => credentials,
            // The principal cannot be had although the model has it: then its step cannot be asked.
            Err(TargetError::Provisioning { code, .. }) => {
                return Err(TargetError::unsupported(format!("credentials of the caller ({code})")));
            }
            Err(error) => return Err(error),
        };
        let with = self
            .binding
            .outward_json(Value::Object(step.with.clone()))
            .map_err(unbound)?;
        let region = step.region.as_ref().unwrap_or(&spec.region);
        let answer = self
            .driver
            .call(Call {
                service: step.call.service(),
                name: step.call.operation(),
                with: with.as_object().unwrap_or(&Map::new()),
                region: region.as_str(),
                credentials,
                shape: step.shape,
                headers: network.headers,
            })
            .await?;
        if answer.repeated && answer.result.is_err() && repeat_of(step.call.as_str()) != Repeat::Read {
            return Err(TargetError::ambiguous(format!(
                "`{}` was refused when it was sent again, which may be its own work",
                step.call
            )));
        }
        if REMAKES.contains(&step.call.as_str()) {
            self.running.principals.forget();
        }
        let unknown_operation = is_missing(&answer)
            || answer.result.as_ref().is_err_and(|failure| {
                let code = failure.code.clone().unwrap_or_else(|| answer.status.to_string());
                let message = failure.message.as_deref().unwrap_or_default();
                says_missing(self.profile, &code, message)
            });
        if unknown_operation {
            return Err(TargetError::unsupported(step.call.as_str()));
        }
        if step.shape == Shape::PostForm && answer.status == 405 {
            return Err(TargetError::unsupported("post_form"));
        }
        Ok(observed(self.profile, answer))
    }
}

/// The answer as others compare it.
fn observed(profile: &Profile, answer: Answer) -> Observed {
    let decision = decision(profile, &answer);
    let status = answer.status;
    let (output, failure) = match answer.result {
        Ok(output) => (Some(output), None),
        Err(failure) => (None, Some(failure)),
    };
    let (code, message) = failure.map_or((None, None), |failure| (failure.code, failure.message));
    Observed {
        decision,
        code,
        status,
        message,
        output,
        trail: None,
    }
}

/// What the answer means: besides AWS's own words for a denial those of the profile.
fn decision(profile: &Profile, answer: &Answer) -> Decision {
    let denials = &profile.denials;
    match (answer.decision(), &answer.result) {
        (Decision::Error, Err(failure)) => {
            let code = failure.code.as_deref();
            let unreadable = code.is_none_or(|code| code == UNPARSABLE || code == "403" || code == "Forbidden");
            let denied = code.is_some_and(|code| denials.codes.iter().any(|known| known == code))
                || (denials.bare_403 && answer.status == 403 && unreadable);
            if denied { Decision::Deny } else { Decision::Error }
        }
        (decision, _) => decision,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::target::driver::Failure;

    #[test]
    fn denials_come_in_the_words_of_the_profile() {
        let profile = |name: &str| Profile::find(name).expect("it is built in");
        let refused = |status: u16, code: Option<&str>| Answer {
            status,
            result: Err(Failure {
                code: code.map(str::to_owned),
                message: None,
            }),
            repeated: false,
        };
        let (moto, generic) = (profile("moto"), profile("countersign"));
        for (answer, by_moto, by_others) in [
            (refused(403, Some("AccessDenied")), Decision::Deny, Decision::Deny),
            (refused(403, Some(UNPARSABLE)), Decision::Deny, Decision::Error),
            (
                refused(403, Some("SignatureDoesNotMatch")),
                Decision::Error,
                Decision::Error,
            ),
            (refused(404, Some("NoSuchKey")), Decision::Error, Decision::Error),
            (refused(500, None), Decision::Error, Decision::Error),
        ] {
            assert_eq!(decision(&moto, &answer), by_moto, "{answer:?}");
            assert_eq!(decision(&generic, &answer), by_others, "{answer:?}");
        }
    }
}
