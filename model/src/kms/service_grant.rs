//! Grants that nobody asks for by CreateGrant: those that services make for themselves (`svc:F-5`), and those that a world starts with.

use std::collections::BTreeSet;

use serde_json::json;

use super::grant::{Constraints, Grant};
use super::grant_operations::{GrantNamed, GrantRequest, check_for_key, check_syntax, principal_of};
use super::key::KeyRef;
use super::{Call, table, trail};
use crate::case::{GrantConstraintsSpec, GrantSpec};
use crate::world::actor::Actor;
use crate::world::clock::Moment;
use crate::world::parameters::Parameters;
use crate::world::state::State;
use crate::world::symbol;
use crate::world::trace::{Stop, Trace};

/// A grant that a service makes for itself while it acts for somebody (`svc:F-5`, `svc:L-3`, `svc:Q-7`).
#[derive(Debug)]
pub(crate) struct ServiceGrant<'a> {
    pub(crate) key: &'a str,
    pub(crate) grantee: String,
    pub(crate) retiring: Option<String>,
    pub(crate) operations: Vec<String>,
    pub(crate) constraints: Constraints,
    pub(crate) name: Option<String>,
}

/// A service makes a grant for itself in the name of the actor it acts for; the answer is the grant's id.
pub(crate) fn create_service_grant(
    state: &mut State,
    trace: &mut Trace,
    actor: &Actor,
    grant: ServiceGrant<'_>,
) -> Result<String, Stop> {
    let operation = table::table()
        .operation("CreateGrant")
        .expect("CreateGrant is in the table");
    let with = json!({"KeyId": grant.key});
    let map = with.as_object().cloned().unwrap_or_default();
    let mut call = Call {
        state,
        trace,
        actor,
        operation,
        with: Parameters::new("kms:CreateGrant", &map),
        log: trail::Log::default(),
    };
    let service_or_principal = |text: String| {
        if text.ends_with(".amazonaws.com") {
            GrantNamed::Service(text)
        } else {
            GrantNamed::Principal(text)
        }
    };
    let request = GrantRequest {
        grantee: service_or_principal(grant.grantee),
        retiring: grant.retiring.map(service_or_principal),
        operations: grant.operations,
        constraints: grant.constraints,
        name: grant.name,
    };
    let answer = call.create_grant_of(request);
    let Call { log, state, trace, .. } = call;
    trail::record(state, trace, actor, operation, &log, &answer);
    let output = answer?;
    Ok(output["GrantId"].as_str().unwrap_or_default().to_owned())
}

/// Puts a grant of the world in place; `Err` says why AWS would not have made it.
pub(crate) fn create_initial(
    state: &mut State,
    at: &KeyRef,
    name: &str,
    spec: &GrantSpec,
) -> Result<(String, String), String> {
    let told = |stop: Stop| match stop {
        Stop::Refused(refusal) => {
            format!(
                "{}: {}",
                refusal.code.unwrap_or_default(),
                refusal.message.unwrap_or_else(|| "no text is known".to_owned())
            )
        }
        Stop::Step(error) => error.to_string(),
    };
    let constraints = constraints_of_spec(spec.constraints.as_ref());
    let principal = |principal: &Option<String>, service: &Option<String>| match (principal, service) {
        (Some(text), None) => Ok(Some(GrantNamed::Principal(text.clone()))),
        (None, Some(text)) => Ok(Some(GrantNamed::Service(text.clone()))),
        (None, None) => Ok(None),
        (Some(_), Some(_)) => Err("a principal and a service principal exclude each other".to_owned()),
    };
    let request = GrantRequest {
        grantee: principal(&spec.grantee_principal, &spec.grantee_service_principal)?
            .ok_or_else(|| "`GranteePrincipal` is missing".to_owned())?,
        retiring: principal(&spec.retiring_principal, &spec.retiring_service_principal)?,
        operations: spec.operations.clone(),
        constraints,
        name: spec.name.clone(),
    };
    check_syntax(&request).map_err(told)?;
    let key = state.key(at).expect("grants are put in place after their keys");
    check_for_key(&request, key).map_err(told)?;
    let seed = format!("{}/{name}", at.arn());
    let grant = Grant {
        id: symbol::grant_id(&seed),
        tokens: BTreeSet::from([symbol::grant_token(&seed)]),
        name: request.name.clone(),
        grantee: principal_of(state, &request.grantee).map_err(told)?,
        retiring: request
            .retiring
            .as_ref()
            .map(|retiring| principal_of(state, retiring))
            .transpose()
            .map_err(told)?,
        operations: request.operations,
        constraints: request.constraints,
        issuing_account: at.account.clone(),
        created: state.clock.now,
        from: Moment::START,
        until: None,
    };
    let names = (grant.id.clone(), symbol::grant_token(&seed));
    state.symbol(names.0.clone());
    state.symbol(names.1.clone());
    state
        .contents
        .keys
        .get_mut(at)
        .expect("the key was there a moment ago")
        .grants
        .push(grant);
    Ok(names)
}

/// Puts a grant that a service made for itself before the case began in place; the answer is its id.
pub(crate) fn insert_service_grant(state: &mut State, at: &KeyRef, grant: ServiceGrant<'_>) -> Result<String, String> {
    let named = |text: String| {
        if text.ends_with(".amazonaws.com") {
            GrantNamed::Service(text)
        } else {
            GrantNamed::Principal(text)
        }
    };
    let invalid = |_| "its principal does not exist".to_owned();
    let seed = state.next_seed("initial service grant");
    let (id, token) = (symbol::grant_id(&seed), symbol::grant_token(&seed));
    let new = Grant {
        id: id.clone(),
        tokens: BTreeSet::from([token]),
        name: grant.name,
        grantee: principal_of(state, &named(grant.grantee)).map_err(invalid)?,
        retiring: grant
            .retiring
            .map(|text| principal_of(state, &named(text)))
            .transpose()
            .map_err(invalid)?,
        operations: grant.operations,
        constraints: grant.constraints,
        issuing_account: at.account.clone(),
        created: state.clock.now,
        from: Moment::START,
        until: None,
    };
    state.symbol(id.clone());
    state
        .contents
        .keys
        .get_mut(at)
        .ok_or_else(|| "its key does not exist".to_owned())?
        .grants
        .push(new);
    Ok(id)
}

/// Ends a grant without asking anybody: by the service that owns it (`svc:L-9`).
pub(crate) fn end_grant(state: &mut State, at: &KeyRef, id: &str) {
    let until = state.clock.moment();
    if let Some(key) = state.contents.keys.get_mut(at)
        && let Some(grant) = key.grants.iter_mut().find(|grant| grant.id == id && grant.exists())
    {
        grant.until = Some(until);
    }
}

fn constraints_of_spec(spec: Option<&GrantConstraintsSpec>) -> Constraints {
    let Some(spec) = spec else {
        return Constraints::default();
    };
    Constraints {
        equals: spec.encryption_context_equals.clone(),
        subset: spec.encryption_context_subset.clone(),
        source_arn: spec.source_arn.clone(),
    }
}
