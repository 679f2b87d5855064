//! CreateGrant, ListGrants, ListRetirableGrants, RetireGrant, RevokeGrant (svc:§4). Matching is in `grants`.

use serde_json::{Value, json};

use super::authorize::{self, GrantSource, KeyUse};
use super::call::{Answer, Call, Note};
use super::error::KmsError;
use super::grants::{self, Grant, GrantPrincipal};
use super::new_grant::NewGrant;
use super::operations::Operation;
use super::params::{Params, check_length, missing};
use super::store::{GrantAddress, KeyAddress, resolve, resolve_with};
use super::{states, validate};
use crate::authorizer::{Context, GranteeMatch, MatchKinds, known};
use crate::fault::{Fault, FaultSet};
use crate::identity::{Principal, Via};
use crate::state::State;

/// Most grants on a customer managed key (svc:G-8).
const MOST_GRANTS: usize = 50_000;

/// What CreateGrant answers.
#[derive(Debug)]
pub(super) struct MadeGrant {
    pub(super) grant_id: String,
    pub(super) token: String,
    pub(super) key: KeyAddress,
}

/// `kms:CreateGrant`.
pub(super) fn create(
    state: &mut State,
    call: &Call<'_>,
    operation: &'static Operation,
    params: Params<'_>,
    note: &mut Note,
) -> Answer {
    let identifier = params.required("KeyId", 2048)?;
    let wanted = NewGrant::read(params, operation, state.case.faults)?;
    let made = create_core(state, call, operation, identifier, &wanted, note)?;
    Ok(Some(json!({ "GrantToken": made.token, "GrantId": made.grant_id })))
}

/// Lookup, authorization, state and storing of CreateGrant; services come here with their own principals.
pub(super) fn create_core(
    state: &mut State,
    call: &Call<'_>,
    operation: &'static Operation,
    identifier: &str,
    wanted: &NewGrant,
    note: &mut Note,
) -> Result<MadeGrant, KmsError> {
    note.request_parameters = Some(wanted.trail_parameters(identifier));
    let keys = || {
        let mut keys = wanted.condition_keys(call);
        authorize::context_keys(wanted.constraints.pairs(), &mut keys);
        keys
    };
    let resolved = resolve_with(state, call, operation, operation.action(), identifier, keys)?;
    note.keys.push(resolved.address.clone());
    validate::known_tokens(state, &wanted.tokens)?;
    let address = resolved.address;
    let now = state.now();
    let key = state.kms.key(&address, now).ok_or_else(|| gone(&address))?;
    // A parent grant counts only if it permits this very child (svc:G-6).
    let parent = grants::best_parent(
        state,
        key,
        &call.caller.principal,
        &wanted.tokens,
        &wanted.operations,
        &wanted.constraints,
    );
    let request = KeyUse {
        encryption_context: wanted.constraints.pairs(),
        extra: wanted.condition_keys(call),
        tokens: &wanted.tokens,
        grants: GrantSource::Found(parent),
        ..KeyUse::of(operation)
    };
    authorize::key(state, call, &address, request)?;
    let faults = state.case.faults;
    if !faults.contains(Fault::KeyStateIgnored) && !faults.contains(Fault::CreateGrantStateIgnored) {
        states::check(operation, key)?;
    }
    wanted.check_against(key)?;
    let grantee = bind(state, &wanted.grantee, wanted.grantee_is_service)?;
    let retiring = match &wanted.retiring {
        Some(text) => Some(bind(state, text, wanted.retiring_is_service)?),
        None => None,
    };
    if key.grants.iter().filter(|grant| grant.is_listed()).count() >= MOST_GRANTS {
        return Err(KmsError::new("LimitExceededException", ""));
    }
    if wanted.dry_run {
        return Err(KmsError::dry_run());
    }
    let issuing_account = call.caller.account().unwrap_or(&address.account).clone();
    let same = key.grants.iter().find(|grant| {
        // Same name and same parameters: the same grant again, with a new token (svc:G-7).
        grant.is_listed()
            && wanted.name.is_some()
            && grant.name == wanted.name
            && grant.grantee == grantee
            && grant.retiring == retiring
            && same_operations(&grant.operations, &wanted.operations)
            && grant.constraints == wanted.constraints
    });
    let existing = same.map(|grant| grant.id.clone());
    let grant_id = existing.clone().unwrap_or_else(|| state.sources.ids.hex(64));
    let token = token(state);
    let effective_at = state.effective_at();
    if existing.is_none() {
        let grant = Grant {
            id: grant_id.clone(),
            name: wanted.name.clone(),
            grantee,
            retiring,
            operations: wanted.operations.clone(),
            constraints: wanted.constraints.clone(),
            issuing_account,
            created_at: now,
            effective_at,
            ended_effective_at: None,
        };
        state
            .kms
            .key_mut(&address, now)
            .ok_or_else(|| gone(&address))?
            .grants
            .push(grant);
    }
    state.kms.add_grant_token(
        token.clone(),
        GrantAddress {
            key: address.clone(),
            grant_id: grant_id.clone(),
        },
    );
    note.response_elements = Some(json!({ "grantId": grant_id, "keyId": address.arn().as_str() }));
    Ok(MadeGrant {
        grant_id,
        token,
        key: address,
    })
}

/// `kms:ListGrants`.
pub(super) fn list(
    state: &mut State,
    call: &Call<'_>,
    operation: &'static Operation,
    params: Params<'_>,
    note: &mut Note,
) -> Answer {
    let identifier = params.required("KeyId", 2048)?;
    let page = validate::Page::read(params, 50, 100)?;
    let grant_id = params.text("GrantId")?;
    let grantee = params
        .text("GranteePrincipal")?
        .or(params.text("GranteeServicePrincipal")?);
    note.request_parameters = Some(json!({ "keyId": identifier }));
    if let Some(id) = grant_id {
        check_grant_id(id)?;
    }
    let resolved = resolve(state, call, operation, operation.action(), identifier)?;
    note.keys.push(resolved.address.clone());
    let request = KeyUse {
        extra: for_aws_resource(call),
        ..KeyUse::of(operation)
    };
    authorize::key(state, call, &resolved.address, request)?;
    let key = state
        .kms
        .key(&resolved.address, state.now())
        .ok_or_else(|| gone(&resolved.address))?;
    if let Some(id) = grant_id
        && !key.grants.iter().any(|grant| grant.is_listed() && grant.id == id)
    {
        return Err(grant_not_found(id));
    }
    let entries: Vec<Value> = key
        .grants
        .iter()
        .filter(|grant| grant.is_listed() && grant_id.is_none_or(|id| grant.id == id))
        .filter(|grant| grantee.is_none_or(|text| grant.grantee.display(state) == text))
        .map(|grant| grant.entry(state, key))
        .collect();
    Ok(Some(page.answer("Grants", &entries)))
}

/// `kms:ListRetirableGrants` (svc:G-19).
pub(super) fn list_retirable(
    state: &mut State,
    call: &Call<'_>,
    operation: &'static Operation,
    params: Params<'_>,
    note: &mut Note,
) -> Answer {
    let retiring = match params.text("RetiringPrincipal")? {
        Some(text) => text,
        None => params
            .text("RetiringServicePrincipal")?
            .ok_or_else(|| missing("RetiringPrincipal"))?,
    };
    let page = validate::Page::read(params, 50, 100)?;
    note.request_parameters = Some(json!({ "retiringPrincipal": retiring }));
    authorize::identity_only(state, call, operation.action(), "*", Context::new())?;
    let principal = GrantPrincipal::bind(state, retiring);
    let own = crate::names::ArnParts::parse(retiring).is_some_and(|parts| {
        call.caller
            .account()
            .is_some_and(|account| account.as_str() == parts.account)
    });
    let now = state.now();
    let entries: Vec<Value> = match principal {
        Some(principal) if own => state
            .kms
            .keys_in(call.region, now)
            .flat_map(|key| key.grants.iter().map(move |grant| (key, grant)))
            .filter(|(_, grant)| grant.is_listed() && grant.retiring.as_ref() == Some(&principal))
            .map(|(key, grant)| grant.entry(state, key))
            .collect(),
        _ => Vec::new(),
    };
    Ok(Some(page.answer("Grants", &entries)))
}

/// `kms:RevokeGrant` (svc:G-18).
pub(super) fn revoke(
    state: &mut State,
    call: &Call<'_>,
    operation: &'static Operation,
    params: Params<'_>,
    note: &mut Note,
) -> Answer {
    let identifier = params.required("KeyId", 2048)?;
    let grant_id = params.required("GrantId", 128)?;
    note.request_parameters = Some(json!({ "keyId": identifier, "grantId": grant_id }));
    check_grant_id(grant_id)?;
    let resolved = resolve(state, call, operation, operation.action(), identifier)?;
    note.keys.push(resolved.address.clone());
    let request = KeyUse {
        extra: for_aws_resource(call),
        ..KeyUse::of(operation)
    };
    authorize::key(state, call, &resolved.address, request)?;
    find(state, &resolved.address, grant_id)?;
    if validate::dry_run(params, operation)? {
        return Err(KmsError::dry_run());
    }
    end(state, &resolved.address, grant_id);
    Ok(None)
}

/// `kms:RetireGrant` (svc:G-16, svc:G-17).
pub(super) fn retire(
    state: &mut State,
    call: &Call<'_>,
    operation: &'static Operation,
    params: Params<'_>,
    note: &mut Note,
) -> Answer {
    let target = retire_target(state, call, operation, params)?;
    retire_core(
        state,
        call,
        operation,
        &target,
        validate::dry_run(params, operation)?,
        note,
    )?;
    Ok(None)
}

/// Authorization and ending of RetireGrant for a grant that was found.
pub(super) fn retire_core(
    state: &mut State,
    call: &Call<'_>,
    operation: &'static Operation,
    target: &GrantAddress,
    dry_run: bool,
    note: &mut Note,
) -> Result<(), KmsError> {
    note.keys.push(target.key.clone());
    note.additional = Some(json!({ "grantId": target.grant_id }));
    let grant = find(state, &target.key, &target.grant_id)?;
    let constraints = grant.constraints.clone();
    let authority = retire_authority(state, grant, target, &call.caller.principal);
    let mut extra = Context::new();
    if let Some(name) = constraints.constraint_type() {
        extra.set(known!("kms:grantconstrainttype"), name);
    }
    let request = KeyUse {
        encryption_context: constraints.pairs(),
        extra,
        grants: GrantSource::Found(authority.grant),
        key_side: authority.key_side,
        ..KeyUse::of(operation)
    };
    if !state.case.faults.contains(Fault::AnyoneMayRetire) {
        authorize::key(state, call, &target.key, request)?;
    }
    if dry_run {
        return Err(KmsError::dry_run());
    }
    end(state, &target.key, &target.grant_id);
    Ok(())
}

/// Why a caller may retire a grant.
struct Authority {
    /// (a) retiring principal, (b) grantee with RetireGrant: no policy needed.
    grant: Option<GranteeMatch>,
    /// (c) issuing or key account, (d) retiring account: an identity policy is needed, root apart.
    key_side: MatchKinds,
}

/// svc:G-16, svc:G-16a.
fn retire_authority(state: &State, grant: &Grant, target: &GrantAddress, principal: &Principal) -> Authority {
    let faults = state.case.faults;
    // Faults of grantee matching do not concern the retiring principal.
    let retiring = grant
        .retiring
        .as_ref()
        .and_then(|retiring| retiring.matches(principal, FaultSet::EMPTY))
        .filter(|_| !faults.contains(Fault::RetiringPrincipalNeedsPolicy));
    let grantee = grant
        .operations
        .contains(&"RetireGrant")
        .then(|| grant.grantee.matches(principal, faults))
        .flatten();
    let is_account = |how: &GranteeMatch| *how == GranteeMatch::Account;
    let account = principal.account();
    let in_account = faults.contains(Fault::IdentityPolicyRetiresAnyGrant)
        || account == Some(&grant.issuing_account)
        || account == Some(&target.key.account) && state.case.quirks.key_owner_account_may_retire
        || [retiring, grantee].iter().flatten().any(is_account);
    Authority {
        grant: [retiring, grantee].into_iter().flatten().find(|how| !is_account(how)),
        key_side: if in_account {
            MatchKinds::ACCOUNT
        } else {
            MatchKinds::NONE
        },
    }
}

/// GrantToken, or key ARN and GrantId (svc:G-17).
fn retire_target(
    state: &State,
    call: &Call<'_>,
    operation: &Operation,
    params: Params<'_>,
) -> Result<GrantAddress, KmsError> {
    let token = params.text("GrantToken")?;
    let pair = (params.text("KeyId")?, params.text("GrantId")?);
    match (token, pair) {
        (Some(token), (None, None)) => state
            .kms
            .grant_token(token)
            .cloned()
            .ok_or_else(|| KmsError::new("InvalidGrantTokenException", "")),
        (None, (Some(arn), Some(grant_id))) => {
            check_grant_id(grant_id)?;
            let key = KeyAddress::from_arn(arn)
                .ok_or_else(|| KmsError::new("InvalidArnException", format!("Invalid arn {arn}")))?;
            if key.region != *call.region {
                return Err(KmsError::not_found(format!("Invalid arn {}", key.region)));
            }
            if state.kms.key(&key, state.now()).is_none() {
                let own = call.caller.account() == Some(&key.account);
                return Err(if own {
                    gone(&key)
                } else {
                    authorize::foreign_denial(state, call, operation, operation.action(), arn, Context::new())
                });
            }
            Ok(GrantAddress {
                key,
                grant_id: grant_id.to_owned(),
            })
        }
        _ => Err(KmsError::validation(
            "You must provide a grant token or a key ARN and a grant ID, but not both.",
        )),
    }
}

/// The order of operations is no part of a grant.
fn same_operations(left: &[&str], right: &[&str]) -> bool {
    left.len() == right.len() && left.iter().all(|operation| right.contains(operation))
}

/// kms:GrantIsForAWSResource (svc:C-18).
pub(super) fn for_aws_resource(call: &Call<'_>) -> Context {
    let mut context = Context::new();
    context.set_bool(
        known!("kms:grantisforawsresource"),
        matches!(call.via, Via::Forwarded { .. }),
    );
    context
}

fn bind(state: &State, text: &str, is_service: bool) -> Result<GrantPrincipal, KmsError> {
    let invalid = || {
        KmsError::new(
            "InvalidArnException",
            format!("ARN does not refer to a valid principal: {text}"),
        )
    };
    if is_service {
        let legal = text.ends_with(".amazonaws.com")
            && text
                .bytes()
                .all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || b".-".contains(&byte));
        return if legal {
            Ok(GrantPrincipal::Service { name: text.to_owned() })
        } else {
            Err(invalid())
        };
    }
    let nobody = || {
        let fault = state.case.faults.contains(Fault::NonexistentGranteeAccepted);
        fault.then(|| GrantPrincipal::FederatedUser { arn: text.to_owned() })
    };
    GrantPrincipal::bind(state, text).or_else(nobody).ok_or_else(invalid)
}

fn check_grant_id(id: &str) -> Result<(), KmsError> {
    if id.len() == 64 && id.bytes().all(|byte| byte.is_ascii_hexdigit()) {
        return Ok(());
    }
    check_length("GrantId", id, 1, 128)?;
    Err(KmsError::new(
        "InvalidGrantIdException",
        format!("Invalid grant id '{id}'"),
    ))
}

/// A grant that is neither retired nor revoked.
fn find<'a>(state: &'a State, address: &KeyAddress, grant_id: &str) -> Result<&'a Grant, KmsError> {
    let key = state.kms.key(address, state.now()).ok_or_else(|| gone(address))?;
    key.grants
        .iter()
        .find(|grant| grant.is_listed() && grant.id == grant_id)
        .ok_or_else(|| grant_not_found(grant_id))
}

/// Ends a grant; authorization may still see it until that has propagated (svc:G-21).
pub(super) fn end(state: &mut State, address: &KeyAddress, grant_id: &str) {
    let (now, effective_at) = (state.now(), state.effective_at());
    let key = state.kms.key_mut(address, now);
    if let Some(grant) = key.and_then(|key| key.grants.iter_mut().find(|grant| grant.id == grant_id)) {
        grant.ended_effective_at = Some(effective_at);
    }
}

fn token(state: &State) -> String {
    use base64::Engine as _;
    let random = state.sources.ids.bytes(120);
    format!("AQpA{}", base64::engine::general_purpose::STANDARD.encode(random))
}

fn grant_not_found(id: &str) -> KmsError {
    KmsError::not_found(format!("Grant ID {id} not found"))
}

fn gone(address: &KeyAddress) -> KmsError {
    KmsError::not_found(format!("Key '{}' does not exist", address.arn()))
}
