//! The control plane `/_countersign/v1/…`: reset, case settings, credentials, arranged facts, the trail (contract).
//! Refuses everybody without the token and every request that is not from and to this machine.

use std::collections::BTreeMap;
use std::net::IpAddr;
use std::sync::Arc;

use bytes::Bytes;
use http::{HeaderMap, Method, Request, Response, StatusCode};
use jiff::Timestamp;
use jiff::civil::Date;
use serde::{Deserialize, Deserializer};
use serde_json::{Value, json};
use subtle::ConstantTimeEq as _;
use thiserror::Error;

use crate::authorizer::{NoPrincipals, Policy, PolicyKind, SaveRules};
use crate::emulator::Emulator;
use crate::fault::FaultSet;
use crate::identity::{self, Arrival, Principal};
use crate::kms::{KeyAddress, KeyState};
use crate::names::{AccountId, KeyId, Region};
use crate::organization::{Organization, OrganizationInput};
use crate::quirks::Quirks;
use crate::state::{CaseSettings, State, VpcEndpoint};
use crate::sts::sessions::{self, SessionInput};

/// Path prefix of the control plane.
pub const PREFIX: &str = "/_countersign/v1/";
/// Longest VPC endpoint policy, white space included (iam:§1.9).
const LONGEST_ENDPOINT_POLICY: usize = 20_480;
/// Header that carries the token.
pub const TOKEN_HEADER: &str = "x-countersign-token";
/// Longest propagation delay in seconds.
const LONGEST_PROPAGATION: i64 = 86_400;

/// Why a control request is refused; the texts are the `error` member of the answer.
#[derive(Debug, Error)]
enum ControlError {
    #[error("forbidden")]
    Forbidden,
    #[error("no such control operation")]
    Unknown,
    #[error("invalid request: {0}")]
    Json(#[from] serde_json::Error),
    #[error("{0}")]
    Invalid(String),
}

/// Answers one control request. `path` is what follows [`PREFIX`].
pub(crate) fn handle(emulator: &Emulator, path: &str, host: &str, request: &Request<Bytes>) -> Response<Bytes> {
    let result = check_rails(emulator, host, request.headers()).and_then(|()| route(emulator, path, request));
    match result {
        Ok(Some(answer)) => respond(StatusCode::OK, &answer),
        Ok(None) => {
            let mut response = Response::new(Bytes::new());
            *response.status_mut() = StatusCode::NO_CONTENT;
            response
        }
        Err(error) => {
            let status = match error {
                ControlError::Forbidden => StatusCode::FORBIDDEN,
                ControlError::Unknown => StatusCode::NOT_FOUND,
                ControlError::Json(_) | ControlError::Invalid(_) => StatusCode::BAD_REQUEST,
            };
            respond(status, &json!({ "error": error.to_string() }))
        }
    }
}

/// Token, loopback `Host`, loopback `Origin` if there is one.
fn check_rails(emulator: &Emulator, host: &str, headers: &HeaderMap) -> Result<(), ControlError> {
    let text = |name: &str| headers.get(name).and_then(|value| value.to_str().ok());
    let token_fits = match (emulator.control_token(), text(TOKEN_HEADER)) {
        (Some(expected), Some(given)) => bool::from(expected.as_bytes().ct_eq(given.as_bytes())),
        _ => false,
    };
    let origin_fits = match headers.get(http::header::ORIGIN).map(http::HeaderValue::to_str) {
        None => true,
        Some(Ok(origin)) => origin
            .split_once("://")
            .is_some_and(|(_, authority)| is_loopback(authority)),
        Some(Err(_)) => false,
    };
    if token_fits && origin_fits && is_loopback(host) {
        Ok(())
    } else {
        Err(ControlError::Forbidden)
    }
}

/// `127.0.0.1`, `localhost` or `[::1]`, any port.
fn is_loopback(authority: &str) -> bool {
    let (host, port) = match authority.strip_prefix('[') {
        Some(rest) => match rest.split_once(']') {
            Some(("::1", port)) => ("localhost", port),
            _ => return false,
        },
        None => match authority.find(':') {
            Some(colon) => authority.split_at(colon),
            None => (authority, ""),
        },
    };
    let port_fits = port.is_empty()
        || port
            .strip_prefix(':')
            .is_some_and(|port| !port.is_empty() && port.bytes().all(|byte| byte.is_ascii_digit()));
    port_fits && (host == "127.0.0.1" || host.eq_ignore_ascii_case("localhost"))
}

fn route(emulator: &Emulator, path: &str, request: &Request<Bytes>) -> Result<Option<Value>, ControlError> {
    let body = request.body();
    match (request.method(), path) {
        (&Method::POST, "reset") => {
            emulator.lock().reset();
            Ok(None)
        }
        (&Method::POST, "case") => {
            let input = serde_json::from_slice(body)?;
            let mut state = emulator.lock();
            state.case = new_case(&state, input)?;
            Ok(None)
        }
        (&Method::POST, "credentials") => {
            let input = serde_json::from_slice(body)?;
            mint(&mut emulator.lock(), input).map(Some)
        }
        (&Method::POST, "arrange") => {
            let input = serde_json::from_slice(body)?;
            arrange(&mut emulator.lock(), input).map(|()| None)
        }
        (&Method::GET, "trail") => {
            let since = read_since(request.uri().query().unwrap_or_default())?;
            let state = emulator.lock();
            let trail = &state.kms.trail;
            let (events, next) = trail.since(since);
            // Who asks for older events than the first learns that they are gone.
            Ok(Some(json!({ "events": events, "next": next, "first": trail.first() })))
        }
        _ => Err(ControlError::Unknown),
    }
}

fn read_since(query: &str) -> Result<u64, ControlError> {
    match query.split('&').find_map(|part| part.strip_prefix("since=")) {
        None => Ok(0),
        Some(text) => text
            .parse()
            .map_err(|_| invalid(format!("`{text}` is not an event number"))),
    }
}

/// `POST case`: an absent member leaves its setting alone, null restores the default.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct CaseInput {
    #[serde(default, deserialize_with = "present")]
    as_of: Option<Option<String>>,
    #[serde(default, deserialize_with = "present")]
    clock: Option<Option<String>>,
    propagation_seconds: Option<i64>,
    bucket_key_seconds: Option<i64>,
    quirks: Option<BTreeMap<String, Value>>,
    faults: Option<Vec<String>>,
    /// The faults that are asked for are noted (`fault::take_came_by`); for an emulator in the asker's process.
    #[serde(default)]
    watch_faults: bool,
    #[serde(default, deserialize_with = "present")]
    organization: Option<Option<OrganizationInput>>,
    vpc_endpoints: Option<BTreeMap<String, EndpointInput>>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct EndpointInput {
    id: String,
    vpc: String,
    account: String,
    service: String,
    #[serde(rename = "type")]
    kind: String,
    policy: Option<String>,
}

/// The settings after a case request; nothing changes when any part of it is wrong.
fn new_case(state: &State, input: CaseInput) -> Result<CaseSettings, ControlError> {
    let mut case = state.case.clone();
    if let Some(as_of) = input.as_of {
        case.as_of = as_of.map(|text| read_date(&text)).transpose()?;
    }
    if let Some(clock) = input.clock {
        case.clock = clock.map(|text| read_instant(&text)).transpose()?;
    }
    if let Some(seconds) = input.propagation_seconds {
        if !(0..=LONGEST_PROPAGATION).contains(&seconds) {
            return Err(invalid(format!(
                "propagation_seconds must be between 0 and {LONGEST_PROPAGATION}"
            )));
        }
        case.propagation_seconds = seconds;
    }
    if let Some(seconds) = input.bucket_key_seconds {
        if !(0..=LONGEST_PROPAGATION).contains(&seconds) {
            return Err(invalid(format!(
                "bucket_key_seconds must be between 0 and {LONGEST_PROPAGATION}"
            )));
        }
        case.bucket_key_seconds = seconds;
    }
    if let Some(switches) = input.quirks {
        case.quirks = Quirks::default();
        for (name, value) in &switches {
            case.quirks
                .set(name, value)
                .map_err(|error| invalid(error.to_string()))?;
        }
    }
    if let Some(names) = input.faults {
        case.faults = FaultSet::from_ids(&names).map_err(|error| invalid(error.to_string()))?;
    }
    if input.watch_faults {
        case.faults = case.faults.watched();
    }
    let as_of = case.as_of.unwrap_or(crate::state::CURRENT_DATE);
    if let Some(organization) = input.organization {
        let built = organization.map(|input| Organization::build(&input, as_of).map(Arc::new));
        case.organization = built.transpose().map_err(|error| invalid(error.to_string()))?;
    }
    if let Some(endpoints) = input.vpc_endpoints {
        let built = endpoints
            .into_iter()
            .map(|(name, input)| Ok((name, endpoint(input, as_of)?)));
        case.vpc_endpoints = built.collect::<Result<_, ControlError>>()?;
    }
    Ok(case)
}

fn endpoint(input: EndpointInput, as_of: Date) -> Result<VpcEndpoint, ControlError> {
    if !matches!(input.service.as_str(), "s3" | "kms") {
        return Err(invalid(format!("unknown endpoint service `{}`", input.service)));
    }
    let gateway = match input.kind.as_str() {
        "gateway" => true,
        "interface" => false,
        other => return Err(invalid(format!("unknown endpoint type `{other}`"))),
    };
    let rules = SaveRules {
        as_of,
        principals: &NoPrincipals,
    };
    if let Some(text) = &input.policy
        && text.chars().count() > LONGEST_ENDPOINT_POLICY
    {
        return Err(invalid(format!(
            "endpoint policy: longer than {LONGEST_ENDPOINT_POLICY} characters"
        )));
    }
    let policy = input
        .policy
        .map(|text| Policy::save(PolicyKind::VpcEndpoint, &text, &rules).map(Arc::new));
    Ok(VpcEndpoint {
        policy: policy
            .transpose()
            .map_err(|error| invalid(format!("endpoint policy: {error}")))?,
        account: read_account(&input.account)?,
        id: input.id,
        vpc: input.vpc,
        service: input.service,
        gateway,
    })
}

/// `POST credentials`.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct MintInput {
    principal: PrincipalInput,
    source_ip: Option<String>,
    vpc_endpoint: Option<String>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
enum PrincipalInput {
    User {
        account: String,
        name: String,
        mfa: Option<bool>,
    },
    Root {
        account: String,
    },
    Role(RoleInput),
    FederatedUser(FederatedInput),
    Service {
        name: String,
        source_arn: Option<String>,
        source_account: Option<String>,
    },
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct RoleInput {
    account: String,
    name: String,
    session: String,
    policy: Option<String>,
    #[serde(default)]
    policy_arns: Vec<String>,
    #[serde(default)]
    tags: BTreeMap<String, String>,
    source_identity: Option<String>,
    mfa: Option<bool>,
    duration_seconds: Option<i64>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct FederatedInput {
    account: String,
    name: String,
    by: String,
    policy: Option<String>,
    #[serde(default)]
    policy_arns: Vec<String>,
    #[serde(default)]
    tags: BTreeMap<String, String>,
}

fn mint(state: &mut State, input: MintInput) -> Result<Value, ControlError> {
    let arrival = read_arrival(state, input.source_ip, input.vpc_endpoint)?;
    let (principal, session) = read_principal(state, input.principal)?;
    let session = match session {
        Some(input) => Some(sessions::build(state, &input).map_err(|error| invalid(error.to_string()))?),
        None => None,
    };
    let issued = identity::issue(state, principal, session, arrival);
    Ok(json!({
        "access_key_id": issued.access_key_id,
        "secret_access_key": issued.secret_access_key,
        "session_token": issued.session_token,
    }))
}

fn read_arrival(
    state: &State,
    source_ip: Option<String>,
    vpc_endpoint: Option<String>,
) -> Result<Arrival, ControlError> {
    if let Some(text) = source_ip.as_deref().filter(|text| text.parse::<IpAddr>().is_err()) {
        return Err(invalid(format!("`{text}` is not an address")));
    }
    if let Some(name) = vpc_endpoint
        .as_deref()
        .filter(|name| !state.case.vpc_endpoints.contains_key(*name))
    {
        return Err(invalid(format!("unknown vpc endpoint `{name}`")));
    }
    Ok(Arrival {
        source_ip,
        vpc_endpoint,
        ..Arrival::default()
    })
}

fn read_principal(state: &State, input: PrincipalInput) -> Result<(Principal, Option<SessionInput>), ControlError> {
    const HOUR: i64 = 3600;
    match input {
        PrincipalInput::Root { account } => Ok((
            Principal::Root {
                account: read_account(&account)?,
            },
            None,
        )),
        PrincipalInput::User { account, name, mfa } => {
            let principal = user(state, &read_account(&account)?, &name)?;
            let session = SessionInput {
                mfa,
                duration_seconds: 12 * HOUR,
                ..SessionInput::default()
            };
            Ok((principal, mfa.is_some().then_some(session)))
        }
        PrincipalInput::Role(role) => {
            let account = read_account(&role.account)?;
            sessions::check_name("session", &role.session, 2, 64).map_err(|error| invalid(error.to_string()))?;
            let principal = sessions::role_principal(state, &account, &role.name, &role.session)
                .ok_or_else(|| invalid(format!("unknown role `{}` in account `{account}`", role.name)))?;
            let session = SessionInput {
                policy: role.policy,
                policy_arns: role.policy_arns,
                tags: role.tags.into_iter().collect(),
                transitive_tag_keys: Vec::new(),
                source_identity: role.source_identity,
                mfa: role.mfa,
                duration_seconds: role.duration_seconds.unwrap_or(HOUR),
            };
            Ok((principal, Some(session)))
        }
        PrincipalInput::FederatedUser(federated) => {
            let account = read_account(&federated.account)?;
            let parent = match federated.by.as_str() {
                "root" => Principal::Root {
                    account: account.clone(),
                },
                name => user(state, &account, name)?,
            };
            let principal = Principal::FederatedUser {
                account,
                name: federated.name,
                parent: Box::new(parent),
            };
            let session = SessionInput {
                policy: federated.policy,
                policy_arns: federated.policy_arns,
                tags: federated.tags.into_iter().collect(),
                duration_seconds: 12 * HOUR,
                ..SessionInput::default()
            };
            Ok((principal, Some(session)))
        }
        PrincipalInput::Service {
            name,
            source_arn,
            source_account,
        } => {
            let source_account = source_account.map(|text| read_account(&text)).transpose()?;
            Ok((
                Principal::Service {
                    name,
                    source_arn,
                    source_account,
                },
                None,
            ))
        }
    }
}

fn user(state: &State, account: &AccountId, name: &str) -> Result<Principal, ControlError> {
    sessions::user_principal(state, account, name)
        .ok_or_else(|| invalid(format!("unknown user `{name}` in account `{account}`")))
}

/// `POST arrange`: one fact at a time.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
enum ArrangeInput {
    Key {
        account: String,
        region: String,
        key_id: String,
        state: String,
    },
    Function {
        account: String,
        region: String,
        name: String,
        cold: bool,
    },
    Settle(bool),
}

fn arrange(state: &mut State, input: ArrangeInput) -> Result<(), ControlError> {
    match input {
        ArrangeInput::Settle(true) => {
            state.settle();
            Ok(())
        }
        ArrangeInput::Settle(false) => Err(invalid("settle must be true".to_owned())),
        ArrangeInput::Key {
            account,
            region,
            key_id,
            state: name,
        } => {
            let key_state = KeyState::parse(&name).ok_or_else(|| invalid(format!("unknown key state `{name}`")))?;
            let address = KeyAddress {
                account: read_account(&account)?,
                region: read_region(&region)?,
                id: KeyId::parse(&key_id).ok_or_else(|| invalid(format!("`{key_id}` is not a key id")))?,
            };
            let now = state.now();
            let mut seed = [0; 32];
            state.sources.ids.fill(&mut seed);
            let found = state.kms.arrange_state(&address, key_state, now, seed);
            if found {
                Ok(())
            } else {
                Err(invalid(format!("unknown key `{}`", address.arn())))
            }
        }
        ArrangeInput::Function {
            account,
            region,
            name,
            cold,
        } => {
            let found = state
                .lambda
                .set_cold(&read_account(&account)?, &read_region(&region)?, &name, cold);
            if found {
                Ok(())
            } else {
                Err(invalid(format!("unknown function `{name}`")))
            }
        }
    }
}

fn read_account(text: &str) -> Result<AccountId, ControlError> {
    AccountId::parse(text).ok_or_else(|| invalid(format!("`{text}` is not an account id")))
}

fn read_region(text: &str) -> Result<Region, ControlError> {
    Region::parse(text).ok_or_else(|| invalid(format!("`{text}` is not a region")))
}

fn read_date(text: &str) -> Result<Date, ControlError> {
    text.parse().map_err(|_| invalid(format!("`{text}` is not a date")))
}

fn read_instant(text: &str) -> Result<Timestamp, ControlError> {
    text.parse().map_err(|_| invalid(format!("`{text}` is not an instant")))
}

fn invalid(text: String) -> ControlError {
    ControlError::Invalid(text)
}

/// Tells `null` from absent.
fn present<'de, D, T>(deserializer: D) -> Result<Option<Option<T>>, D::Error>
where
    D: Deserializer<'de>,
    T: Deserialize<'de>,
{
    Option::deserialize(deserializer).map(Some)
}

fn respond(status: StatusCode, body: &Value) -> Response<Bytes> {
    let mut response = Response::new(Bytes::from(body.to_string()));
    *response.status_mut() = status;
    response.headers_mut().insert(
        http::header::CONTENT_TYPE,
        http::HeaderValue::from_static("application/json"),
    );
    response
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_loopback_authorities_pass() {
        for good in [
            "127.0.0.1",
            "127.0.0.1:80",
            "localhost:4566",
            "LOCALHOST",
            "[::1]",
            "[::1]:9",
        ] {
            assert!(is_loopback(good), "{good}");
        }
        for bad in [
            "",
            "example.com",
            "127.0.0.1.example.com",
            "localhost.evil",
            "[::2]",
            "[::1]x",
            "127.0.0.1:",
            "127.0.0.1:x",
        ] {
            assert!(!is_loopback(bad), "{bad}");
        }
    }
}
