//! Creating, reading, changing and deleting functions. Environment variables are `environment`'s.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Map, Value, json};
use sha2::{Digest, Sha256};

use super::environment::{self, Variables};
use super::permission::{require, require_role};
use super::{Answer, Call, Function, FunctionName, LambdaError, empty};
use crate::protocol::json as answers;
use crate::state::State;

/// Most functions of one ListFunctions answer.
const MOST_FUNCTIONS: usize = 50;

/// CreateFunction.
pub(super) fn create(state: &mut State, call: &Call<'_>) -> Answer {
    let body = call.body()?;
    let name = text(&body, "FunctionName").ok_or_else(|| LambdaError::invalid("FunctionName is required"))?;
    let account = call.account()?.clone();
    let name = FunctionName::parse(name, &account, &call.request.region).ok_or_else(|| {
        LambdaError::new(
            400,
            "ValidationException",
            format!("1 validation error detected: Value '{name}' at 'functionName' failed to satisfy constraint"),
        )
    })?;
    // The names are a constraint of the API, checked before anybody is asked.
    let variables = variables(&body)?.unwrap_or_default();
    require(state, call, &name.arn())?;
    let role_arn = text(&body, "Role").ok_or_else(|| LambdaError::invalid("Role is required"))?;
    require_role(state, call, role_arn)?;
    if state.lambda.functions.contains_key(&name.key()) {
        return Err(LambdaError::new(
            409,
            "ResourceConflictException",
            format!("Function already exist: {}", name.name),
        ));
    }
    let tags = super::tags::read(&body["Tags"])?;
    if !tags.is_empty() {
        super::permission::require_action(state, call, "lambda:TagResource", &name.arn())?;
    }
    let (code_size, code_sha256) = code(&body["Code"])?;
    let kms_key_arn = kms_key(&body).flatten();
    let environment = if variables.is_empty() {
        None
    } else {
        Some(environment::protect(
            state,
            &call.request.caller,
            &name,
            role_arn,
            kms_key_arn.as_deref(),
            &variables,
        )?)
    };
    let function = Function {
        name: name.name.clone(),
        arn: name.arn(),
        role_arn: role_arn.to_owned(),
        runtime: text(&body, "Runtime").map(str::to_owned),
        handler: text(&body, "Handler").map(str::to_owned),
        description: text(&body, "Description").unwrap_or_default().to_owned(),
        timeout: number(&body, "Timeout", 3),
        memory_size: number(&body, "MemorySize", 128),
        package_type: text(&body, "PackageType").unwrap_or("Zip").to_owned(),
        code_size,
        code_sha256,
        last_modified: state.now(),
        revision_id: state.sources.ids.uuid(),
        kms_key_arn,
        environment,
        tags,
        warm: false,
    };
    let document = describe(&function, known(&variables));
    state.lambda.functions.insert(name.key(), function);
    Ok(answers::answer(201, answers::JSON, &document))
}

/// GetFunctionConfiguration: shows the variables if the caller may decrypt them.
pub(super) fn get_configuration(state: &mut State, call: &Call<'_>) -> Answer {
    let function = find(state, call)?;
    let shown = reveal(state, call, call.function()?, &function);
    Ok(answers::answer(200, answers::JSON, &describe(&function, shown)))
}

/// GetFunction.
pub(super) fn get(state: &mut State, call: &Call<'_>) -> Answer {
    let function = find(state, call)?;
    let shown = reveal(state, call, call.function()?, &function);
    let mut document = json!({
        "Configuration": describe(&function, shown),
        "Code": { "RepositoryType": "S3", "Location": "" },
    });
    if !function.tags.is_empty() {
        document["Tags"] = json!(function.tags);
    }
    Ok(answers::answer(200, answers::JSON, &document))
}

/// UpdateFunctionConfiguration: a new role, key or environment means a new encryption and a new grant; Lambda
/// retires the old one (`svc:L-2`, `svc:L-9`).
pub(super) fn update(state: &mut State, call: &Call<'_>) -> Answer {
    let body = call.body()?;
    let new_variables = variables(&body)?;
    let mut function = find(state, call)?;
    let name = call.function()?;
    let new_role = text(&body, "Role");
    if let Some(role_arn) = new_role {
        require_role(state, call, role_arn)?;
    }
    let new_key = kms_key(&body);
    let previous = function.environment.clone();
    let previous_role = function.role_arn.clone();
    let touched = new_role.is_some() || new_variables.is_some() || new_key.is_some();
    if let Some(role_arn) = new_role {
        role_arn.clone_into(&mut function.role_arn);
    }
    if let Some(key) = new_key {
        function.kms_key_arn = key;
    }
    let mut shown = None;
    if touched {
        let variables = match (new_variables, &previous) {
            (Some(variables), _) => variables,
            (None, None) => Variables::new(),
            // Moving values to another key or session needs them in the clear: the caller's Decrypt.
            (None, Some(stored)) => {
                environment::reveal(state, &call.request.caller, name, stored).map_err(|error| {
                    LambdaError::new(403, "AccessDeniedException", unreadable(error.code, &error.message))
                })?
            }
        };
        function.environment = if variables.is_empty() {
            None
        } else {
            Some(environment::protect(
                state,
                &call.request.caller,
                name,
                &function.role_arn,
                function.kms_key_arn.as_deref(),
                &variables,
            )?)
        };
        if let Some(stored) = &previous {
            environment::retire(state, name, &previous_role, stored);
        }
        shown = known(&variables);
    }
    for (member, field) in [("Runtime", &mut function.runtime), ("Handler", &mut function.handler)] {
        if let Some(value) = text(&body, member) {
            *field = Some(value.to_owned());
        }
    }
    if let Some(description) = text(&body, "Description") {
        description.clone_into(&mut function.description);
    }
    function.timeout = number(&body, "Timeout", function.timeout);
    function.memory_size = number(&body, "MemorySize", function.memory_size);
    function.last_modified = state.now();
    function.revision_id = state.sources.ids.uuid();
    function.warm = false;
    if !touched {
        shown = reveal(state, call, name, &function);
    }
    let document = describe(&function, shown);
    state.lambda.functions.insert(name.key(), function);
    Ok(answers::answer(200, answers::JSON, &document))
}

/// UpdateFunctionCode: no code is ever run, so all that changes is what is told of it.
pub(super) fn update_code(state: &mut State, call: &Call<'_>) -> Answer {
    let mut function = find(state, call)?;
    let name = call.function()?;
    (function.code_size, function.code_sha256) = code(&call.body()?)?;
    function.last_modified = state.now();
    function.revision_id = state.sources.ids.uuid();
    function.warm = false;
    let shown = reveal(state, call, name, &function);
    let document = describe(&function, shown);
    state.lambda.functions.insert(name.key(), function);
    Ok(answers::answer(200, answers::JSON, &document))
}

/// ListVersionsByFunction: nothing is ever published, so there is `$LATEST`.
pub(super) fn list_versions(state: &mut State, call: &Call<'_>) -> Answer {
    let function = find(state, call)?;
    let shown = reveal(state, call, call.function()?, &function);
    let versions = json!({ "Versions": [describe(&function, shown)] });
    Ok(answers::answer(200, answers::JSON, &versions))
}

/// GetFunctionCodeSigningConfig: functions have none.
pub(super) fn get_code_signing(state: &mut State, call: &Call<'_>) -> Answer {
    let function = find(state, call)?;
    Ok(answers::answer(
        200,
        answers::JSON,
        &json!({ "FunctionName": function.name }),
    ))
}

/// GetFunctionConcurrency: nothing is reserved.
pub(super) fn get_concurrency(state: &mut State, call: &Call<'_>) -> Answer {
    find(state, call)?;
    Ok(answers::answer(200, answers::JSON, &json!({})))
}

/// DeleteFunction; Lambda retires the function's grant.
pub(super) fn delete(state: &mut State, call: &Call<'_>) -> Answer {
    let function = find(state, call)?;
    let name = call.function()?;
    if let Some(stored) = &function.environment {
        environment::retire(state, name, &function.role_arn, stored);
    }
    state.lambda.functions.remove(&name.key());
    Ok(empty(204))
}

/// ListFunctions of the caller's account and Region.
pub(super) fn list(state: &mut State, call: &Call<'_>) -> Answer {
    require(state, call, "*")?;
    let account = call.account()?.clone();
    let region = call.request.region.clone();
    let limit = match call.request.query("MaxItems").map(str::parse::<usize>) {
        None => MOST_FUNCTIONS,
        Some(Ok(limit)) if (1..=10_000).contains(&limit) => limit.min(MOST_FUNCTIONS),
        Some(_) => return Err(LambdaError::invalid("MaxItems must be between 1 and 10000")),
    };
    let after = call.request.query("Marker").unwrap_or_default();
    let mut functions: Vec<Function> = state
        .lambda
        .functions
        .iter()
        .filter(|((owner, place, name), _)| *owner == account && *place == region && name.as_str() > after)
        .map(|(_, function)| function.clone())
        .take(limit + 1)
        .collect();
    let more = functions.len() > limit;
    functions.truncate(limit);
    let last = functions.last().map(|function| function.name.clone());
    let mut documents = Vec::new();
    for function in functions {
        let name = FunctionName {
            account: account.clone(),
            region: region.clone(),
            name: function.name.clone(),
        };
        let shown = reveal(state, call, &name, &function);
        documents.push(describe(&function, shown));
    }
    let mut answer = json!({ "Functions": documents });
    if let (true, Some(last)) = (more, last) {
        answer["NextMarker"] = json!(last);
    }
    Ok(answers::answer(200, answers::JSON, &answer))
}

/// Authorizes the caller, then finds the function.
pub(super) fn find(state: &State, call: &Call<'_>) -> Result<Function, LambdaError> {
    let name = call.function()?;
    require(state, call, &name.arn())?;
    state
        .lambda
        .functions
        .get(&name.key())
        .cloned()
        .ok_or_else(|| LambdaError::not_found(&name.arn()))
}

/// The `Environment` member of an answer: the values, or why they cannot be shown.
fn reveal(state: &mut State, call: &Call<'_>, name: &FunctionName, function: &Function) -> Option<Value> {
    let stored = function.environment.as_ref()?;
    Some(match environment::reveal(state, &call.request.caller, name, stored) {
        Ok(variables) => json!({ "Variables": variables }),
        Err(error) => json!({ "Error": {
            "ErrorCode": error.code,
            "Message": unreadable(error.code, &error.message),
        }}),
    })
}

fn unreadable(code: &str, message: &str) -> String {
    format!(
        "Lambda was unable to decrypt your environment variables because the KMS access was denied. Please check your KMS permissions. KMS Exception: {code} KMS Message: {message}"
    )
}

fn known(variables: &Variables) -> Option<Value> {
    (!variables.is_empty()).then(|| json!({ "Variables": variables }))
}

fn describe(function: &Function, environment: Option<Value>) -> Value {
    let mut document = Map::new();
    let mut put = |name: &str, value: Value| {
        if !value.is_null() {
            document.insert(name.to_owned(), value);
        }
    };
    put("FunctionName", json!(function.name));
    put("FunctionArn", json!(function.arn));
    put("Runtime", json!(function.runtime));
    put("Role", json!(function.role_arn));
    put("Handler", json!(function.handler));
    put("CodeSize", json!(function.code_size));
    put("Description", json!(function.description));
    put("Timeout", json!(function.timeout));
    put("MemorySize", json!(function.memory_size));
    let modified = function
        .last_modified
        .to_zoned(jiff::tz::TimeZone::UTC)
        .strftime("%Y-%m-%dT%H:%M:%S.%3f+0000")
        .to_string();
    put("LastModified", json!(modified));
    put("CodeSha256", json!(function.code_sha256));
    put("Version", json!("$LATEST"));
    put("TracingConfig", json!({ "Mode": "PassThrough" }));
    put("RevisionId", json!(function.revision_id));
    put("State", json!("Active"));
    put("LastUpdateStatus", json!("Successful"));
    put("PackageType", json!(function.package_type));
    put("Architectures", json!(["x86_64"]));
    put("EphemeralStorage", json!({ "Size": 512 }));
    put(
        "LoggingConfig",
        json!({ "LogFormat": "Text", "LogGroup": format!("/aws/lambda/{}", function.name) }),
    );
    put("SnapStart", json!({ "ApplyOn": "None", "OptimizationStatus": "Off" }));
    put("KMSKeyArn", json!(function.kms_key_arn));
    put("Environment", json!(environment));
    Value::Object(document)
}

fn text<'a>(body: &'a Value, member: &str) -> Option<&'a str> {
    body.get(member).and_then(Value::as_str)
}

fn number(body: &Value, member: &str, default: u64) -> u64 {
    body.get(member).and_then(Value::as_u64).unwrap_or(default)
}

/// `KMSKeyArn`: absent, removed (empty text) or set.
fn kms_key(body: &Value) -> Option<Option<String>> {
    text(body, "KMSKeyArn").map(|arn| (!arn.is_empty()).then(|| arn.to_owned()))
}

/// `Environment.Variables`; an `Environment` without variables clears them.
fn variables(body: &Value) -> Result<Option<Variables>, LambdaError> {
    let Some(environment) = body.get("Environment").filter(|value| !value.is_null()) else {
        return Ok(None);
    };
    let Some(variables) = environment.get("Variables").filter(|value| !value.is_null()) else {
        return Ok(Some(Variables::new()));
    };
    let variables: Variables = serde_json::from_value(variables.clone())
        .map_err(|_| LambdaError::invalid("environment variables must be strings"))?;
    let legal = |name: &str| {
        name.starts_with(|first: char| first.is_ascii_alphabetic())
            && name.len() > 1
            && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_')
    };
    if let Some(name) = variables.keys().find(|name| !legal(name)) {
        return Err(LambdaError::new(
            400,
            "ValidationException",
            format!(
                "1 validation error detected: Value at 'environment.variables' failed to satisfy constraint: key `{name}` does not match [a-zA-Z]([a-zA-Z0-9_])+"
            ),
        ));
    }
    Ok(Some(variables))
}

/// Size and digest of the code. Code in S3 is out of scope.
fn code(code: &Value) -> Result<(usize, String), LambdaError> {
    let code = code
        .as_object()
        .ok_or_else(|| LambdaError::invalid("Code is required"))?;
    let bytes = match (code.get("ZipFile").and_then(Value::as_str), code.get("ImageUri")) {
        (Some(zip), _) => STANDARD.decode(zip).map_err(|_| {
            LambdaError::invalid("Could not unzip uploaded file. Please check your file, then try to upload again.")
        })?,
        (None, Some(image)) => image.as_str().unwrap_or_default().as_bytes().to_vec(),
        (None, None) => {
            return Err(LambdaError::invalid(
                "Please provide a source for function code: this emulator takes ZipFile or ImageUri",
            ));
        }
    };
    Ok((bytes.len(), STANDARD.encode(Sha256::digest(&bytes))))
}
