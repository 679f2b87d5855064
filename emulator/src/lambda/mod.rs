//! The slice of Lambda that meets KMS: functions, their encrypted environment variables, cold and warm invocations
//! (`svc:11.1`). No code is ever run: every function answers `{"statusCode":200}`.

mod configure;
mod environment;
mod invoke;
mod permission;
mod tags;

use std::collections::BTreeMap;

use bytes::Bytes;
use http::Method;
use jiff::Timestamp;
use percent_encoding::percent_decode_str;

use crate::names::{AccountId, ArnParts, Region};
use crate::protocol::{Authenticated, Response, json};
use crate::state::State;

use environment::Environment;

/// Functions of every account and Region.
#[derive(Debug, Clone, Default)]
pub struct Store {
    functions: BTreeMap<(AccountId, Region, String), Function>,
}

impl Store {
    /// Throws the warm environments of a function away, or puts one there as if it had started earlier; `false` when there is no
    /// such function (contract: `arrange {"function":{…,"cold":…}}`).
    pub fn set_cold(&mut self, account: &AccountId, region: &Region, name: &str, cold: bool) -> bool {
        let key = (account.clone(), region.clone(), name.to_owned());
        match self.functions.get_mut(&key) {
            Some(function) => {
                function.warm = !cold;
                true
            }
            None => false,
        }
    }
}

/// One function.
#[derive(Debug, Clone)]
struct Function {
    name: String,
    arn: String,
    role_arn: String,
    runtime: Option<String>,
    handler: Option<String>,
    description: String,
    timeout: u64,
    memory_size: u64,
    package_type: String,
    code_size: usize,
    code_sha256: String,
    last_modified: Timestamp,
    revision_id: String,
    /// `KMSKeyArn` as given; `None` = aws/lambda (`svc:L-1`).
    kms_key_arn: Option<String>,
    environment: Option<Environment>,
    tags: BTreeMap<String, String>,
    /// An environment is initialised, so the next invocation makes no KMS call (`svc:L-8`).
    warm: bool,
}

/// A failed Lambda call.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{code}: {message}")]
struct LambdaError {
    status: u16,
    code: &'static str,
    message: String,
}

impl LambdaError {
    fn new(status: u16, code: &'static str, message: impl Into<String>) -> Self {
        Self {
            status,
            code,
            message: message.into(),
        }
    }

    fn invalid(message: impl Into<String>) -> Self {
        Self::new(400, "InvalidParameterValueException", message)
    }

    fn not_found(arn: &str) -> Self {
        Self::new(404, "ResourceNotFoundException", format!("Function not found: {arn}"))
    }
}

type Answer = Result<Response, LambdaError>;

/// The operations.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Operation {
    CreateFunction,
    GetFunction,
    GetFunctionConfiguration,
    UpdateFunctionConfiguration,
    UpdateFunctionCode,
    DeleteFunction,
    ListFunctions,
    ListVersionsByFunction,
    GetFunctionCodeSigningConfig,
    GetFunctionConcurrency,
    Invoke,
    ListTags,
    TagResource,
    UntagResource,
}

/// What requests are about; every collection has a date before it.
const FUNCTIONS: &str = "functions";
const TAGS: &str = "tags";

/// One row: method, collection, is a function named, what follows its name, operation, IAM action.
type Route = (&'static str, &'static str, bool, &'static str, Operation, &'static str);

#[rustfmt::skip]
const ROUTES: &[Route] = {
    use Operation as O;
    &[
        ("POST", FUNCTIONS, false, "", O::CreateFunction, "lambda:CreateFunction"),
        ("GET", FUNCTIONS, false, "", O::ListFunctions, "lambda:ListFunctions"),
        ("GET", FUNCTIONS, true, "", O::GetFunction, "lambda:GetFunction"),
        ("DELETE", FUNCTIONS, true, "", O::DeleteFunction, "lambda:DeleteFunction"),
        ("PUT", FUNCTIONS, true, "code", O::UpdateFunctionCode, "lambda:UpdateFunctionCode"),
        ("GET", FUNCTIONS, true, "code-signing-config", O::GetFunctionCodeSigningConfig, "lambda:GetFunctionCodeSigningConfig"),
        ("GET", FUNCTIONS, true, "concurrency", O::GetFunctionConcurrency, "lambda:GetFunctionConcurrency"),
        ("GET", FUNCTIONS, true, "configuration", O::GetFunctionConfiguration, "lambda:GetFunctionConfiguration"),
        ("PUT", FUNCTIONS, true, "configuration", O::UpdateFunctionConfiguration, "lambda:UpdateFunctionConfiguration"),
        ("GET", FUNCTIONS, true, "versions", O::ListVersionsByFunction, "lambda:ListVersionsByFunction"),
        ("POST", FUNCTIONS, true, "invocations", O::Invoke, "lambda:InvokeFunction"),
        ("GET", TAGS, true, "", O::ListTags, "lambda:ListTags"),
        ("POST", TAGS, true, "", O::TagResource, "lambda:TagResource"),
        ("DELETE", TAGS, true, "", O::UntagResource, "lambda:UntagResource"),
    ]
};

/// A routed request.
#[derive(Debug)]
struct Call<'a> {
    request: &'a Authenticated,
    action: &'static str,
    /// The function named in the path, for operations on one.
    function: Option<FunctionName>,
}

/// Where a function lives.
#[derive(Debug, Clone, PartialEq, Eq)]
struct FunctionName {
    account: AccountId,
    region: Region,
    name: String,
}

impl FunctionName {
    fn arn(&self) -> String {
        format!("arn:aws:lambda:{}:{}:function:{}", self.region, self.account, self.name)
    }

    fn key(&self) -> (AccountId, Region, String) {
        (self.account.clone(), self.region.clone(), self.name.clone())
    }

    /// Reads a name, a partial ARN `ACCOUNT:function:NAME` or an ARN, each with an optional `:$LATEST`.
    fn parse(text: &str, account: &AccountId, region: &Region) -> Option<Self> {
        let text = text.strip_suffix(":$LATEST").unwrap_or(text);
        let (account, region, name) = if let Some(arn) = ArnParts::parse(text) {
            let name = arn.resource.strip_prefix("function:")?;
            if arn.service != "lambda" {
                return None;
            }
            (AccountId::parse(arn.account)?, Region::parse(arn.region)?, name)
        } else if let Some((owner, name)) = text.split_once(":function:") {
            (AccountId::parse(owner)?, region.clone(), name)
        } else {
            (account.clone(), region.clone(), text)
        };
        let legal = (1..=64).contains(&name.len())
            && name
                .bytes()
                .all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_'));
        legal.then(|| Self {
            account,
            region,
            name: name.to_owned(),
        })
    }
}

/// Answers one Lambda request.
pub fn handle(state: &mut State, request: &Authenticated) -> Response {
    let answer = route(request).and_then(|(operation, call)| match operation {
        Operation::CreateFunction => configure::create(state, &call),
        Operation::GetFunction => configure::get(state, &call),
        Operation::GetFunctionConfiguration => configure::get_configuration(state, &call),
        Operation::UpdateFunctionConfiguration => configure::update(state, &call),
        Operation::UpdateFunctionCode => configure::update_code(state, &call),
        Operation::DeleteFunction => configure::delete(state, &call),
        Operation::ListFunctions => configure::list(state, &call),
        Operation::ListVersionsByFunction => configure::list_versions(state, &call),
        Operation::GetFunctionCodeSigningConfig => configure::get_code_signing(state, &call),
        Operation::GetFunctionConcurrency => configure::get_concurrency(state, &call),
        Operation::ListTags => tags::list(state, &call),
        Operation::TagResource => tags::tag(state, &call),
        Operation::UntagResource => tags::untag(state, &call),
        Operation::Invoke => invoke::invoke(state, &call),
    });
    answer.unwrap_or_else(|error| json::rest_failure(error.status, error.code, &error.message))
}

fn route(request: &Authenticated) -> Result<(Operation, Call<'_>), LambdaError> {
    let unknown = || {
        LambdaError::new(
            404,
            "ResourceNotFoundException",
            "The requested resource does not exist in this emulator",
        )
    };
    let mut path = request.raw_path.trim_matches('/').splitn(4, '/');
    let (date, collection) = (path.next().unwrap_or_default(), path.next().unwrap_or_default());
    let (raw_name, rest) = (path.next().unwrap_or_default(), path.next().unwrap_or_default());
    let (_, _, _, _, operation, action) = ROUTES
        .iter()
        .filter(|_| is_date(date))
        .find(|row| {
            request.method == method(row.0) && row.1 == collection && row.2 != raw_name.is_empty() && row.3 == rest
        })
        .ok_or_else(unknown)?;
    let account = request.caller.account().ok_or_else(|| {
        LambdaError::new(
            403,
            "MissingAuthenticationTokenException",
            "Missing Authentication Token",
        )
    })?;
    let function = if raw_name.is_empty() {
        None
    } else {
        let text = percent_decode_str(raw_name).decode_utf8().map_err(|_| unknown())?;
        let name = FunctionName::parse(&text, account, &request.region).ok_or_else(|| {
            LambdaError::new(
                400,
                "ValidationException",
                format!("1 validation error detected: Value '{text}' at 'functionName' failed to satisfy constraint"),
            )
        })?;
        Some(name)
    };
    Ok((
        *operation,
        Call {
            request,
            action,
            function,
        },
    ))
}

/// The version of the API that an operation came with; each operation has its own, and no two differ only in it.
fn is_date(text: &str) -> bool {
    let mut parts = text
        .split('-')
        .map(|part| (part.len(), part.bytes().all(|byte| byte.is_ascii_digit())));
    parts.by_ref().take(3).eq([(4, true), (2, true), (2, true)]) && parts.next().is_none()
}

fn method(name: &str) -> Method {
    match name {
        "POST" => Method::POST,
        "PUT" => Method::PUT,
        "DELETE" => Method::DELETE,
        _ => Method::GET,
    }
}

impl Call<'_> {
    fn account(&self) -> Result<&AccountId, LambdaError> {
        self.request
            .caller
            .account()
            .ok_or_else(|| LambdaError::new(403, "AccessDeniedException", "Access denied"))
    }

    fn function(&self) -> Result<&FunctionName, LambdaError> {
        self.function
            .as_ref()
            .ok_or_else(|| LambdaError::invalid("a function name is missing"))
    }

    fn body(&self) -> Result<serde_json::Value, LambdaError> {
        if self.request.body.is_empty() {
            return Ok(serde_json::json!({}));
        }
        serde_json::from_slice(&self.request.body).map_err(|error| {
            LambdaError::new(
                400,
                "InvalidRequestContentException",
                format!("Could not parse request body into json: {error}"),
            )
        })
    }
}

fn empty(status: u16) -> Response {
    let mut response = http::Response::new(Bytes::new());
    *response.status_mut() = http::StatusCode::from_u16(status).unwrap_or(http::StatusCode::INTERNAL_SERVER_ERROR);
    response
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn function_names() {
        let account = AccountId::parse("111111111111").expect("a literal account id");
        let region = Region::parse("eu-west-1").expect("a literal Region");
        let arn = "arn:aws:lambda:eu-west-1:111111111111:function:fn";
        for text in ["fn", "fn:$LATEST", "111111111111:function:fn", arn] {
            let name = FunctionName::parse(text, &account, &region).expect("a legal name");
            assert_eq!(name.arn(), arn, "{text}");
        }
        for text in [
            "",
            "a b",
            "fn:1",
            "arn:aws:s3:eu-west-1:111111111111:function:fn",
            &"x".repeat(65),
        ] {
            assert_eq!(FunctionName::parse(text, &account, &region), None, "{text}");
        }
    }
}
