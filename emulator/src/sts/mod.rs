//! STS over the Query protocol: AssumeRole, GetCallerIdentity, GetSessionToken, GetFederationToken,
//! GetAccessKeyInfo. This file reads requests and routes; how sessions are made is in `sessions`.

mod assume_role;
mod federation;
pub mod sessions;

use crate::access::Refusal;
use crate::identity::{Caller, IssuedCredential, Principal};
use crate::names::Region;
use crate::protocol::error::STS_NAMESPACE;
use crate::protocol::query::{self, Parameters};
use crate::protocol::{Authenticated, Response, XmlWriter};
use crate::state::State;

/// API version of STS.
const VERSION: &str = "2011-06-15";

/// The circumstances of one call.
#[derive(Debug, Clone, Copy)]
struct Call<'a> {
    caller: &'a Caller,
    region: &'a Region,
    parameters: &'a Parameters,
}

/// An STS error answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct StsError {
    pub(crate) status: u16,
    pub(crate) code: &'static str,
    pub(crate) message: String,
}

type Run = fn(&mut State, &Call<'_>, &mut XmlWriter) -> Result<(), StsError>;

/// Operations by name.
const OPERATIONS: &[(&str, Run)] = &[
    ("AssumeRole", assume_role::run),
    ("GetAccessKeyInfo", federation::access_key_info),
    ("GetCallerIdentity", caller_identity),
    ("GetFederationToken", federation::federation_token),
    ("GetSessionToken", federation::session_token),
];

/// Answers one verified STS request.
pub fn handle(state: &mut State, request: &Authenticated) -> Response {
    let mut xml = XmlWriter::new();
    let result = read(request).and_then(|(parameters, name, run)| {
        check_session_kind(&request.caller, name)?;
        let call = Call {
            caller: &request.caller,
            region: &request.region,
            parameters: &parameters,
        };
        run(state, &call, &mut xml).map(|()| name)
    });
    match result {
        Ok(name) => query::success(STS_NAMESPACE, name, &request.request_id, true, |result| {
            result.append(&xml);
        }),
        Err(error) => query::failure(
            STS_NAMESPACE,
            error.status,
            error.code,
            &error.message,
            &request.request_id,
        ),
    }
}

impl StsError {
    fn new(code: &'static str, message: impl Into<String>) -> Self {
        let status = if code == "AccessDenied" { 403 } else { 400 };
        Self {
            status,
            code,
            message: message.into(),
        }
    }

    fn refused(refusal: &Refusal) -> Self {
        match refusal {
            Refusal::Denied { message, .. } => Self::new("AccessDenied", message.clone()),
            Refusal::Unusable(error) => Self {
                status: 500,
                code: "InternalFailure",
                message: error.to_string(),
            },
        }
    }

    fn missing(parameter: &str) -> Self {
        let mut member = parameter.to_owned();
        member[..1].make_ascii_lowercase();
        Self::new(
            "ValidationError",
            format!(
                "1 validation error detected: Value null at '{member}' failed to satisfy constraint: Member must not be null"
            ),
        )
    }
}

impl<'a> Call<'a> {
    fn required(&self, name: &str) -> Result<&'a str, StsError> {
        self.parameters.get(name).ok_or_else(|| StsError::missing(name))
    }

    /// `DurationSeconds` within bounds.
    fn duration(&self, default: i64, longest: i64) -> Result<i64, StsError> {
        match self.parameters.get("DurationSeconds").map(str::parse::<i64>) {
            None => Ok(default),
            Some(Ok(seconds)) if seconds < 900 => Err(StsError::new(
                "ValidationError",
                format!(
                    "1 validation error detected: Value '{seconds}' at 'durationSeconds' failed to satisfy constraint: \
                     Member must have value greater than or equal to 900"
                ),
            )),
            Some(Ok(seconds)) if seconds <= longest => Ok(seconds),
            Some(Ok(_)) => Err(StsError::new(
                "ValidationError",
                "The requested DurationSeconds exceeds the MaxSessionDuration set for this role.",
            )),
            Some(Err(_)) => Err(StsError::new("ValidationError", "DurationSeconds is not a number.")),
        }
    }

    /// SerialNumber and TokenCode: MFA is a fact once both are well formed.
    fn mfa(&self) -> Result<bool, StsError> {
        match (self.parameters.get("SerialNumber"), self.parameters.get("TokenCode")) {
            (None, None) => Ok(false),
            (Some(serial), Some(code)) => {
                let legal = (9..=256).contains(&serial.len())
                    && code.len() == 6
                    && code.bytes().all(|byte| byte.is_ascii_digit());
                if legal {
                    return Ok(true);
                }
                Err(StsError::new(
                    "ValidationError",
                    "SerialNumber or TokenCode is not well formed.",
                ))
            }
            _ => Err(StsError::new(
                "AccessDenied",
                "MultiFactorAuthentication failed, must provide both MFA serial number and one time pass code.",
            )),
        }
    }
}

/// `sts:GetCallerIdentity` always succeeds (iam:L-80).
fn caller_identity(_state: &mut State, call: &Call<'_>, xml: &mut XmlWriter) -> Result<(), StsError> {
    let principal = &call.caller.principal;
    let account = principal
        .account()
        .ok_or_else(|| StsError::new("AccessDenied", "This caller has no account."))?;
    xml.element("Arn", &principal.arn())
        .element("UserId", &principal.user_id().unwrap_or_default())
        .element("Account", account.as_str());
    Ok(())
}

fn read(request: &Authenticated) -> Result<(Parameters, &'static str, Run), StsError> {
    let form = if request.method == http::Method::GET {
        // Presigned GetCallerIdentity and its like carry everything in the query.
        let pairs: Vec<String> = request
            .query
            .iter()
            .map(|(name, value)| encode_pair(name, value))
            .collect();
        Parameters::read(&pairs.join("&"))
    } else {
        std::str::from_utf8(&request.body).ok().and_then(Parameters::read)
    };
    let parameters = form.ok_or_else(|| StsError::new("MalformedInput", "The request is not a valid form."))?;
    let name = parameters.get("Action").unwrap_or_default().to_owned();
    let version = parameters.get("Version").unwrap_or(VERSION).to_owned();
    match OPERATIONS.iter().find(|(known, _)| *known == name) {
        Some((known, run)) if version == VERSION => Ok((parameters, known, *run)),
        _ => Err(StsError::new(
            "InvalidAction",
            format!("Could not find operation {name} for version {version}"),
        )),
    }
}

fn encode_pair(name: &str, value: &str) -> String {
    use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
    format!(
        "{}={}",
        utf8_percent_encode(name, NON_ALPHANUMERIC),
        utf8_percent_encode(value, NON_ALPHANUMERIC)
    )
}

/// Which STS calls temporary credentials may make at all (iam:L-78), before any policy.
fn check_session_kind(caller: &Caller, operation: &str) -> Result<(), StsError> {
    let session_of_user =
        caller.session.is_some() && matches!(caller.principal, Principal::User { .. } | Principal::Root { .. });
    let refused = match (&caller.principal, operation) {
        (_, "GetCallerIdentity") => false,
        (Principal::FederatedUser { .. }, _) => true,
        (Principal::RoleSession { .. }, name) => matches!(name, "GetSessionToken" | "GetFederationToken"),
        (_, "AssumeRole") => false,
        _ => session_of_user,
    };
    if refused {
        return Err(StsError::new(
            "AccessDenied",
            format!("Cannot call {operation} with session credentials"),
        ));
    }
    Ok(())
}

/// `Credentials`.
fn write_credentials(xml: &mut XmlWriter, issued: &IssuedCredential) {
    xml.nested("Credentials", |xml| {
        xml.element("AccessKeyId", &issued.access_key_id)
            .element("SecretAccessKey", &issued.secret_access_key)
            .optional("SessionToken", issued.session_token.as_deref())
            .optional("Expiration", issued.expires_at.map(|at| at.to_string()).as_deref());
    });
}
