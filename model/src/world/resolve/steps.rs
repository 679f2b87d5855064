//! Finds the references of a step and replaces them, and fills in accounts that a principal's name says. What a reference stands for is
//! `resolve`'s.

use std::borrow::Cow;

use super::{has_reference, json, map, owners, policy, refers, text, the_account, the_only_account};
use crate::case::reference::ReferenceKind;
use crate::case::{CallStep, Expect, InvokeStep, MessageExpect, OneOrMany, PolicyKey, PolicyText, Step, StepPrincipal};
use crate::name::AccountId;
use crate::world::ReferenceError;
use crate::world::state::State;

/// The step with every reference replaced and the principal's account filled in; the step itself, where nothing is to be done.
pub(in crate::world) fn step<'s>(state: &State, step: &'s Step) -> Result<Cow<'s, Step>, ReferenceError> {
    if is_resolved(step) {
        return Ok(Cow::Borrowed(step));
    }
    Ok(Cow::Owned(match step {
        Step::Call(call) => Step::Call(Box::new(CallStep {
            name: call.name.clone(),
            kind: call.kind,
            principal: principal(state, &call.principal)?,
            call: call.call.clone(),
            with: map(state, &call.with)?,
            region: call.region.clone(),
            through: call.through.clone(),
            shape: call.shape,
            context: call
                .context
                .iter()
                .map(|(key, value)| Ok((key.clone(), json(state, value)?)))
                .collect::<Result<_, ReferenceError>>()?,
            save: call.save.clone(),
            expect: call.expect.as_ref().map(|given| expect(state, given)).transpose()?,
        })),
        Step::Invoke(invoke) => Step::Invoke(Box::new(InvokeStep {
            account: Some(account_of_function(state, invoke)?),
            expect: invoke.expect.as_ref().map(|given| expect(state, given)).transpose()?,
            ..invoke.as_ref().clone()
        })),
        other => other.clone(),
    }))
}

/// Whether nothing of a step is to be replaced or filled in.
fn is_resolved(step: &Step) -> bool {
    match step {
        Step::Call(call) => {
            call.expect.is_none()
                && names_all(&call.principal)
                && !call
                    .with
                    .iter()
                    .any(|(name, value)| refers(name) || has_reference(value))
                && !call.context.values().any(has_reference)
        }
        Step::Invoke(_) => false,
        Step::Advance(_) | Step::Settle { .. } | Step::Arrange(_) => true,
    }
}

/// Whether a principal has its account, and no reference.
fn names_all(principal: &StepPrincipal) -> bool {
    match principal {
        StepPrincipal::User {
            account: Some(_), name, ..
        } => !refers(name),
        StepPrincipal::Role {
            account: Some(_),
            name,
            session,
            policy,
            policy_arns,
            tags,
            source_identity,
            mfa: _,
        } => {
            let texts = [name, session].into_iter().chain(source_identity);
            let texts = texts.chain(policy_arns).chain(tags.values());
            !policy.as_ref().is_some_and(|policy| refers(policy.text())) && !texts.into_iter().any(|text| refers(text))
        }
        StepPrincipal::Root { account: Some(_) } | StepPrincipal::Anonymous => true,
        StepPrincipal::Service { source_arn, .. } => !source_arn.as_deref().is_some_and(refers),
        _ => false,
    }
}

/// The principal with its account filled in.
fn principal(state: &State, principal: &StepPrincipal) -> Result<StepPrincipal, ReferenceError> {
    let fill = |account: &Option<AccountId>, kind: ReferenceKind, name: &str| match account {
        Some(account) => Ok(Some(account.clone())),
        None => the_account(
            state,
            &format!("{} {name}", kind.word()),
            kind,
            name,
            &owners(state, kind, name),
        )
        .map(Some),
    };
    let mut resolved = principal.clone();
    match &mut resolved {
        StepPrincipal::User { account, name, .. } => {
            *name = text(state, name)?;
            *account = fill(account, ReferenceKind::User, name)?;
        }
        StepPrincipal::Role {
            account,
            name,
            policy,
            policy_arns,
            tags,
            session,
            source_identity,
            ..
        } => {
            *name = text(state, name)?;
            *session = text(state, session)?;
            *account = fill(account, ReferenceKind::Role, name)?;
            if let Some(given) = policy {
                session_policy(state, given)?;
            }
            for arn in policy_arns {
                *arn = text(state, arn)?;
            }
            for value in tags.values_mut() {
                *value = text(state, value)?;
            }
            if let Some(identity) = source_identity {
                *identity = text(state, identity)?;
            }
        }
        StepPrincipal::FederatedUser {
            account, by, policy, ..
        } => {
            *account = match account {
                Some(account) => Some(account.clone()),
                None if by == "root" => Some(the_only_account(state, "federated_user by root")?),
                None => fill(&None, ReferenceKind::User, by)?,
            };
            if let Some(given) = policy {
                session_policy(state, given)?;
            }
        }
        StepPrincipal::Root { account } => {
            if account.is_none() {
                *account = Some(the_only_account(state, "root")?);
            }
        }
        StepPrincipal::Service { source_arn, .. } => {
            if let Some(arn) = source_arn {
                *arn = text(state, arn)?;
            }
        }
        StepPrincipal::Anonymous => {}
    }
    Ok(resolved)
}

/// Replaces the references in a session policy.
fn session_policy(state: &State, key: &mut PolicyKey) -> Result<(), ReferenceError> {
    if refers(key.text()) {
        *key = policy(state, &PolicyText::from(key.clone()))?.into();
    }
    Ok(())
}

fn expect(state: &State, expect: &Expect) -> Result<Expect, ReferenceError> {
    let mut resolved = expect.clone();
    resolved.message = expect
        .message
        .as_ref()
        .map(|message| {
            Ok::<_, ReferenceError>(match message {
                MessageExpect::Whole(given) => MessageExpect::Whole(text(state, given)?),
                MessageExpect::Prefix { prefix } => MessageExpect::Prefix {
                    prefix: text(state, prefix)?,
                },
                MessageExpect::Contains { contains } => MessageExpect::Contains {
                    contains: contains
                        .iter()
                        .map(|part| text(state, part))
                        .collect::<Result<_, _>>()?,
                },
            })
        })
        .transpose()?;
    if let Some(OneOrMany::One(code)) = &mut resolved.code {
        *code = text(state, code)?;
    }
    if let Some(trail) = &mut resolved.trail {
        for event in trail {
            *event = json(state, event)?;
        }
    }
    if let Some(output) = &mut resolved.output {
        *output = json(state, output)?;
    }
    for check in resolved.checks.iter_mut().flatten() {
        if let Some(resource) = &mut check.resource {
            *resource = text(state, resource)?;
        }
    }
    Ok(resolved)
}

/// The account of the function of an `invoke` step.
fn account_of_function(state: &State, invoke: &InvokeStep) -> Result<AccountId, ReferenceError> {
    match &invoke.account {
        Some(account) => Ok(account.clone()),
        None => the_account(
            state,
            &format!("invoke {}", invoke.function),
            ReferenceKind::Function,
            &invoke.function,
            &owners(state, ReferenceKind::Function, &invoke.function),
        ),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::case::Case;
    use crate::world::World;

    const WORLD: &str = r#"{
        "countersign": 1, "id": "test.steps", "origin": "handwritten",
        "world": {"accounts": {"111111111111": {
            "users": {"u": {}}, "roles": {"r": {}}, "functions": {"f": {"role": "{{role.r.arn}}"}}, "buckets": {"bkt": {}}
        }}},
        "steps": []
    }"#;

    fn world() -> World {
        let case: Case = serde_json::from_str(WORLD).expect("the case is one");
        World::new(&case).expect("the world can be built")
    }

    /// Every member of a step that may hold a reference: a step that has one there and nowhere else does not stay as it is.
    #[test]
    fn a_reference_is_replaced_wherever_it_stands() {
        let world = world();
        let role = || json!({"role": "r", "account": "111111111111"});
        let call = |member: &str, value: serde_json::Value| {
            let mut step = json!({"as": role(), "call": "s3:GetObject", "with": {"Bucket": "bkt", "Key": "k"}});
            step[member] = value;
            step
        };
        let by = |member: &str, value: serde_json::Value| {
            let mut principal = role();
            principal[member] = value;
            call("as", principal)
        };
        let name = "{{bucket.bkt.name}}";
        let policy = json!({"Version": "2012-10-17", "Statement": {"Effect": "Allow", "Action": "*", "Resource": "{{bucket.bkt.arn}}"}});
        for step in [
            call("as", json!({"user": "{{user.u.name}}", "account": "111111111111"})),
            by("role", json!("{{role.r.name}}")),
            by("session", json!(name)),
            by("policy", policy.clone()),
            by("policy", json!(policy.to_string())),
            by("policy_arns", json!([name])),
            by("tags", json!({"a": name})),
            by("source_identity", json!(name)),
            call(
                "as",
                json!({"service": {"name": "x.amazonaws.com", "source_arn": "{{bucket.bkt.arn}}"}}),
            ),
            call(
                "as",
                json!({"federated_user": {"name": "f", "by": "u", "policy": policy}, "account": "111111111111"}),
            ),
            call("with", json!({"Bucket": name})),
            call("with", json!({"Tagging": {"TagSet": [{"Key": name}]}})),
            call("with", json!({"Tagging": {name: "x"}})),
            call("context", json!({"aws:Referer": name})),
            call("expect", json!({"message": name})),
            call("expect", json!({"message": {"prefix": name}})),
            call("expect", json!({"message": {"contains": [name]}})),
            call("expect", json!({"code": name})),
            call("expect", json!({"trail": [{"a": name}]})),
            call("expect", json!({"output": {"a": name}})),
            call(
                "expect",
                json!({"checks": [{"action": "s3:GetObject", "resource": name, "decision": "allow"}]}),
            ),
            json!({"invoke": {"function": "f"}, "expect": {"message": name}}),
        ] {
            let given: Step = serde_json::from_value(step.clone()).unwrap_or_else(|error| panic!("{step}: {error}"));
            let resolved = world
                .resolve_step(&given)
                .unwrap_or_else(|error| panic!("{step}: {error}"));
            let written = serde_json::to_string(&*resolved).expect("a step is JSON");
            assert!(!written.contains("{{"), "{step} became {written}");
        }
    }

    #[test]
    fn a_step_without_references_stays_where_it_is() {
        let world = world();
        let step = json!({
            "as": {"role": "r", "account": "111111111111", "session": "s", "tags": {"a": "b"}},
            "call": "s3:GetObject", "with": {"Bucket": "bkt", "Key": "{k}"}, "context": {"aws:Referer": "x"}
        });
        let given: Step = serde_json::from_value(step).expect("a step");
        assert!(matches!(world.resolve_step(&given), Ok(Cow::Borrowed(_))));
    }
}
