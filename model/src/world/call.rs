//! The way of a step: references, the caller, dispatch to the service, and the outcome. On an error of the step the state stays as it was.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::sync::Arc;

use jiff::SignedDuration;
use serde_json::{Value, json};

use super::actor::{Actor, Network};
use super::catalogue;
use super::growing::Growing;
use super::notes;
use super::parameters::Parameters;
use super::resolve;
use super::state::State;
use super::trace::{Answer, Refusal, Stop, Trace};
use super::{ReferenceError, StepError};
use crate::case::check::value_at;
use crate::case::reference::{ReferenceKind, parse_reference};
use crate::case::{ArrangeStep, CallStep, Decision, InvokeStep, Shape, Step};
use crate::kms::KeyState;
use crate::kms::key::KeyRef;
use crate::name::Region;
use crate::outcome::Outcome;
use crate::rule::Rules;
use crate::services::{backup, dynamodb, iam, lambda, sts};
use crate::{kms, s3};

/// The Region of global services, as `aws:RequestedRegion` shows it (`iam:K-67`).
const GLOBAL_REGION: &str = "us-east-1";
/// A form upload answers without a body where the form does not ask for another status.
const POST_FORM_STATUS: u16 = 204;
/// How long a key waits for its deletion where nobody says (`svc:ST-4`).
const DELETION_DAYS: i64 = 30;

/// Does one step. Answers the step with its references replaced, and what comes of it.
pub(crate) fn apply<'s>(state: &mut State, step: &'s Step) -> Result<(Cow<'s, Step>, Outcome), StepError> {
    let mut next = state.clone();
    let step = resolve::step(&next, step)?;
    let outcome = match &*step {
        Step::Call(step) => call(&mut next, step)?,
        Step::Invoke(step) => invoke(&mut next, step)?,
        Step::Advance(step) => {
            let by = parse_duration(&step.advance)
                .ok_or_else(|| StepError::Step(format!("`{}` is not a duration such as `10m`", step.advance)))?;
            next.clock.advance(by);
            kms::pass_time(&mut next);
            done(state, &next)
        }
        Step::Settle { .. } => {
            next.clock.settle();
            kms::pass_time(&mut next);
            done(state, &next)
        }
        Step::Arrange(step) => {
            arrange(&mut next, step)?;
            done(state, &next)
        }
    };
    if outcome.decision != Decision::Allow {
        // INVARIANT: a refused call changes nothing, also where a flow had got some way.
        next.contents = state.contents.clone();
    }
    let outcome = Outcome {
        unchanged: state.contents == next.contents,
        ..outcome
    };
    *state = next;
    Ok((step, outcome))
}

/// `30s`, `10m`, `1h`, `7d`.
pub(super) fn parse_duration(text: &str) -> Option<SignedDuration> {
    let text = text.trim();
    let unit = text.chars().next_back()?;
    let seconds = match unit {
        's' => 1,
        'm' => 60,
        'h' => 3600,
        'd' => 86_400,
        _ => return None,
    };
    let digits = &text[..text.len() - unit.len_utf8()];
    if digits.is_empty() || !digits.bytes().all(|byte| byte.is_ascii_digit()) {
        return None;
    }
    digits
        .parse::<i64>()
        .ok()?
        .checked_mul(seconds)
        .map(SignedDuration::from_secs)
}

fn call(state: &mut State, step: &CallStep) -> Result<Outcome, StepError> {
    let name = step.call.as_str();
    let entry = catalogue::operation(name).ok_or_else(|| StepError::Operation(name.to_owned()))?;
    if let Some(unknown) = step.with.keys().find(|parameter| !entry.takes(parameter)) {
        return Err(StepError::Parameter {
            call: name.to_owned(),
            name: unknown.clone(),
            why: "the model does not know it".to_owned(),
        });
    }
    let service = step.call.service();
    let region = match service {
        "iam" => Region::new(GLOBAL_REGION).unwrap_or_default(),
        _ => step.region.clone().unwrap_or_else(|| state.spec.region.clone()),
    };
    let network = Network {
        through: step.through.as_deref(),
        facts: &step.context,
    };
    let actor = Actor::of_step(state, &step.principal, &region, &network)?;
    check_endpoint(state, &actor, service)?;
    let with = Parameters::new(name, &step.with);
    let mut trace = Trace::default();
    let operation = step.call.operation();
    let answer = match service {
        "kms" => kms::call(state, &mut trace, &actor, operation, with),
        "s3" => s3::call(state, &mut trace, &actor, operation, step.shape, with),
        "iam" => iam::call(state, &mut trace, &actor, operation, with),
        "sts" => sts::call(state, &mut trace, &actor, operation, with),
        "lambda" => lambda::call(state, &mut trace, &actor, operation, with),
        "backup" => backup::call(state, &mut trace, &actor, operation, with),
        "dynamodb" => dynamodb::call(state, &mut trace, &actor, operation, with),
        _ => Err(StepError::Operation(name.to_owned()).into()),
    };
    let success = if step.shape == Shape::PostForm && name == "s3:PutObject" {
        POST_FORM_STATUS
    } else {
        entry.status
    };
    let mut outcome = finish(state, trace, answer, success)?;
    if state.explained {
        let noted = notes::of_call(state, &actor, step, &outcome);
        outcome.rules.extend(noted);
    }
    if let Some(output) = &outcome.output {
        for (name, path) in &step.save {
            let value = value_at(output, path).ok_or_else(|| StepError::Save {
                name: name.clone(),
                path: path.clone(),
            })?;
            let text = value.as_str().map_or_else(|| value.to_string(), str::to_owned);
            state.saved.insert(name.clone(), text);
        }
    }
    Ok(outcome)
}

/// An endpoint serves one service; a call to another one cannot come through it.
fn check_endpoint(state: &State, actor: &Actor, service: &str) -> Result<(), StepError> {
    let Some((owner, name)) = &actor.through else {
        return Ok(());
    };
    let endpoint = state.account(owner).and_then(|account| account.vpc_endpoints.get(name));
    match endpoint {
        Some(endpoint) if endpoint.service != service => Err(StepError::Step(format!(
            "the VPC endpoint `{name}` is for `{}`, not for `{service}`",
            endpoint.service
        ))),
        _ => Ok(()),
    }
}

fn invoke(state: &mut State, step: &InvokeStep) -> Result<Outcome, StepError> {
    let function = step
        .account
        .as_ref()
        .and_then(|account| state.account(account))
        .and_then(|account| {
            account
                .functions
                .values()
                .find(|function| function.name == step.function)
        })
        .cloned()
        .ok_or_else(|| StepError::Step(format!("no function is named `{}`", step.function)))?;
    let mut trace = Trace::default();
    let answer = lambda::invoke(state, &mut trace, &function, step.cold);
    trace.rules.extend(notes::of_invocation(state, &function));
    finish(state, trace, answer, 200)
}

/// Puts key states in place that AWS cannot produce on demand.
fn arrange(state: &mut State, step: &ArrangeStep) -> Result<(), StepError> {
    for (target, name) in &step.arrange {
        let bad = || StepError::Step(format!("`{target}` is not of the form `key.NAME.state`"));
        let subject = target.strip_suffix(".state").ok_or_else(bad)?;
        let reference = parse_reference(&format!("{subject}.arn")).map_err(|_| bad())?;
        if reference.kind != ReferenceKind::Key || reference.part.is_some() {
            return Err(bad());
        }
        let arn = resolve::text(state, &reference.to_string())?;
        let key_state = KeyState::named(name).ok_or_else(|| StepError::Step(format!("`{name}` is not a key state")))?;
        let at: Option<KeyRef> = state.contents.keys.keys().find(|key| key.arn() == arn).cloned();
        let due = state
            .clock
            .now
            .checked_add(SignedDuration::from_hours(24 * DELETION_DAYS))
            .unwrap_or(jiff::Timestamp::MAX);
        let key = at.and_then(|at| state.contents.keys.get_mut(&at)).ok_or_else(|| {
            StepError::Reference(ReferenceError::Unknown {
                reference: target.clone(),
                kind: "key".to_owned(),
                name: reference.name.clone(),
                nearest: None,
            })
        })?;
        key.state = key_state;
        let pending = matches!(key_state, KeyState::PendingDeletion | KeyState::PendingReplicaDeletion);
        key.deletion = pending.then_some(due);
    }
    Ok(())
}

/// The outcome of an answer.
fn finish(state: &State, trace: Trace, answer: Answer, success: u16) -> Result<Outcome, StepError> {
    let Trace {
        checks,
        rules,
        trail,
        status,
    } = trace;
    let fresh = |output: &Value| {
        let mut found = BTreeMap::new();
        find_symbols(&state.symbols, output, &mut String::new(), &mut found);
        found
    };
    Ok(match answer {
        Ok(output) => Outcome {
            decision: Decision::Allow,
            code: None,
            status: status.unwrap_or(success),
            message: None,
            checks,
            stops_at: None,
            fresh: fresh(&output),
            output: Some(output),
            trail,
            unchanged: false,
            rules,
        },
        Err(Stop::Refused(Refusal {
            decision,
            code,
            status,
            message,
            stops_at,
        })) => Outcome {
            decision,
            code,
            status,
            message,
            checks,
            stops_at,
            output: None,
            fresh: BTreeMap::new(),
            trail,
            unchanged: false,
            rules,
        },
        Err(Stop::Step(error)) => return Err(error),
    })
}

/// The outcome of a step that nobody answers.
fn done(before: &State, after: &State) -> Outcome {
    Outcome {
        decision: Decision::Allow,
        code: None,
        status: 200,
        message: None,
        checks: Vec::new(),
        stops_at: None,
        output: Some(json!({})),
        fresh: BTreeMap::new(),
        trail: Vec::new(),
        unchanged: before.contents == after.contents,
        rules: Rules::new(),
    }
}

/// Every place of an output where a text stands that the target chooses.
fn find_symbols(
    symbols: &Growing<Arc<str>, ()>,
    value: &Value,
    path: &mut String,
    found: &mut BTreeMap<String, String>,
) {
    let length = path.len();
    match value {
        Value::Object(members) => {
            for (name, value) in members {
                path.push_str(if length == 0 { "" } else { "." });
                path.push_str(name);
                find_symbols(symbols, value, path, found);
                path.truncate(length);
            }
        }
        Value::Array(items) => {
            for (place, value) in items.iter().enumerate() {
                path.push_str(&format!("{}{place}", if length == 0 { "" } else { "." }));
                find_symbols(symbols, value, path, found);
                path.truncate(length);
            }
        }
        Value::String(text) if symbols.contains(text.as_str()) => {
            found.insert(path.clone(), text.clone());
        }
        _ => {}
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_are_numbers_with_units() {
        assert_eq!(parse_duration("10m"), Some(SignedDuration::from_mins(10)));
        assert_eq!(parse_duration("7d"), Some(SignedDuration::from_hours(168)));
        assert_eq!(parse_duration("0s"), Some(SignedDuration::ZERO));
        for text in [
            "",
            "10",
            "m",
            "10y",
            "-1s",
            "99999999999999999999d",
            "1.5h",
            "1h30m",
            "１0m",
        ] {
            assert_eq!(parse_duration(text), None, "{text}");
        }
    }

    #[test]
    fn paths_reach_members_and_elements() {
        let value = json!({"Grants": [{"GrantId": "x"}]});
        assert_eq!(value_at(&value, "Grants.0.GrantId"), Some(&json!("x")));
        assert_eq!(value_at(&value, "Grants.1.GrantId"), None);
        let mut found = BTreeMap::new();
        let mut symbols = Growing::default();
        symbols.insert("x".into(), ());
        find_symbols(&symbols, &value, &mut String::new(), &mut found);
        assert_eq!(found, BTreeMap::from([("Grants.0.GrantId".to_owned(), "x".to_owned())]));
    }
}
