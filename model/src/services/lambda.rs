//! Lambda environment variables: encrypted as the configuring user, decrypted as the execution role's session by a grant that Lambda
//! made for itself (`svc:L-1`…`svc:L-10`).

use std::collections::BTreeMap;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use jiff::civil::date;
use serde_json::{Value, json};

use super::{Call, empty};
use crate::context::Context;
use crate::kms;
use crate::kms::grant::Constraints;
use crate::kms::key::KeyRef;
use crate::kms::managed_key;
use crate::name::{AccountId, Arn, Region};
use crate::world::StepError;
use crate::world::actor::Actor;
use crate::world::parameters::Parameters;
use crate::world::policy::Named;
use crate::world::state::State;
use crate::world::symbol;
use crate::world::trace::{Answer, Refusal, Stop, Trace};

/// A function.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Function {
    pub(crate) account: AccountId,
    pub(crate) region: Region,
    pub(crate) name: String,
    /// Name of the execution role, and the unique id it had when the function was configured (`svc:L-9`).
    pub(crate) role: String,
    pub(crate) role_id: String,
    /// The key as given; none means `aws/lambda`.
    pub(crate) key_text: Option<String>,
    pub(crate) environment: BTreeMap<String, String>,
    /// What encrypts the environment; none without variables.
    pub(crate) encrypted: Option<Encrypted>,
}

/// An encrypted environment.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Encrypted {
    pub(crate) key: KeyRef,
    pub(crate) ciphertext: String,
    /// The grant that Lambda made for the role's session.
    pub(crate) grant: Option<String>,
}

impl Function {
    pub(crate) fn arn(&self) -> String {
        format!("arn:aws:lambda:{}:{}:function:{}", self.region, self.account, self.name)
    }

    /// The encryption context of its environment (`svc:L-4`).
    pub(crate) fn context(&self) -> BTreeMap<String, String> {
        BTreeMap::from([("aws:lambda:FunctionArn".to_owned(), self.arn())])
    }
}

const ENCRYPTION_FAILED: &str = "InvalidParameterValueException";
const DENIED: &str = "Lambda was unable to decrypt the environment variables because KMS access was denied. \
     Please check the function's KMS key settings. KMS Exception: ";
const DISABLED: &str = "Lambda was unable to decrypt the environment variables because the KMS key used is disabled. \
     Please check the function's KMS key settings.";

/// Runs one Lambda operation.
pub(crate) fn call(state: &mut State, trace: &mut Trace, actor: &Actor, name: &str, with: Parameters<'_>) -> Answer {
    let mut call = Call {
        state,
        trace,
        actor,
        with,
        denied_code: "AccessDeniedException",
        denied_status: 403,
    };
    match name {
        "CreateFunction" => call.create_function(),
        "UpdateFunctionConfiguration" => call.update_function_configuration(),
        "GetFunctionConfiguration" => call.get_function_configuration(),
        "DeleteFunction" => call.delete_function(),
        other => Err(StepError::Operation(format!("lambda:{other}")).into()),
    }
}

/// Starts a function: a cold one decrypts its environment as a session of its role (`svc:L-4`, `svc:L-8`).
pub(crate) fn invoke(state: &mut State, trace: &mut Trace, function: &Function, cold: bool) -> Answer {
    let Some(encrypted) = function.encrypted.as_ref().filter(|_| cold) else {
        trace.rule("svc:L-8");
        return Ok(empty());
    };
    trace.rule("svc:L-4");
    let session = Actor::lambda_runtime(
        state,
        &function.account,
        &function.role,
        &function.name,
        &function.region,
    );
    let same_role = state
        .role(&function.account, &function.role)
        .is_some_and(|role| role.unique_id == function.role_id);
    let Some(session) = session.filter(|_| same_role) else {
        // The role is gone, or another one of the same name: its old credentials are worth nothing (svc:L-9).
        trace.rule("svc:L-9");
        let message = format!(
            "{DENIED}UnrecognizedClientException KMS Message: The security token included in the request is invalid."
        );
        return Err(Refusal::error("KMSAccessDeniedException", 502, message).into());
    };
    let with = json!({"CiphertextBlob": encrypted.ciphertext, "EncryptionContext": function.context()});
    match kms::forwarded(state, trace, &session, "Decrypt", with) {
        Ok(_) => Ok(empty()),
        Err(Stop::Refused(refusal)) => {
            trace.rule("svc:L-5");
            trace.rule("svc:L-10");
            Err(invocation_failure(trace, refusal).into())
        }
        Err(step) => Err(step),
    }
}

/// What KMS refuses, as the invoker sees it (`svc:L-5`…`svc:L-7`).
fn invocation_failure(trace: &mut Trace, refusal: Refusal) -> Refusal {
    let code = refusal.code.clone().unwrap_or_default();
    let (name, rule, message) = match code.as_str() {
        "AccessDeniedException" => {
            let text = refusal.message.clone().unwrap_or_default();
            (
                "KMSAccessDeniedException",
                "svc:L-6",
                Some(format!("{DENIED}AccessDeniedException KMS Message: {text}")),
            )
        }
        "DisabledException" => ("KMSDisabledException", "svc:L-7", Some(DISABLED.to_owned())),
        "NotFoundException" => ("KMSNotFoundException", "svc:L-5", None),
        _ => ("KMSInvalidStateException", "svc:L-5", None),
    };
    trace.rule(rule);
    Refusal {
        stops_at: refusal.stops_at,
        ..Refusal::error(name, 502, message)
    }
}

/// Whether a variable can be called so: `[a-zA-Z]([a-zA-Z0-9_])+`, two characters at least (Lambda API, Environment).
pub(crate) fn is_variable_name(name: &str) -> bool {
    name.len() > 1
        && name.starts_with(|first: char| first.is_ascii_alphabetic())
        && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_')
}

impl Call<'_> {
    fn create_function(&mut self) -> Answer {
        let account = self.own_account()?;
        let name = self.with.needed_text("FunctionName")?.to_owned();
        let role = self.with.needed_text("Role")?.to_owned();
        let mut function = Function {
            account: account.clone(),
            region: self.actor.region.clone(),
            name: name.clone(),
            role: String::new(),
            role_id: String::new(),
            key_text: self.given_key()?.flatten(),
            environment: self.given_environment()?.unwrap_or_default(),
            encrypted: None,
        };
        self.authorize("lambda:CreateFunction", function.arn(), Context::new())?;
        self.pass_role(&role)?;
        let at = (function.region.clone(), name.clone());
        if self
            .state
            .account(&account)
            .is_some_and(|account| account.functions.contains_key(&at))
        {
            let message = format!("Function already exist: {name}");
            return Err(Refusal::error("ResourceConflictException", 409, message).into());
        }
        self.set_role(&mut function, &role)?;
        self.encrypt_environment(&mut function)?;
        let output = show(&function);
        self.state.account_mut(&account).functions.insert(at, function);
        Ok(output)
    }

    fn update_function_configuration(&mut self) -> Answer {
        let environment = self.given_environment()?;
        let (at, mut function) = self.named_function("lambda:UpdateFunctionConfiguration")?;
        if !["Role", "KMSKeyArn", "Environment"]
            .iter()
            .any(|name| self.with.has(name))
        {
            return self.reveal(&function);
        }
        if let Some(role) = self.with.text("Role")?.map(str::to_owned) {
            self.pass_role(&role)?;
            self.set_role(&mut function, &role)?;
        } else {
            // Configuring a function binds it to the role that has the name now (svc:L-9).
            let role = format!("arn:aws:iam::{}:role/{}", function.account, function.role);
            if self.state.role(&function.account, &function.role).is_some() {
                self.set_role(&mut function, &role)?;
            }
        }
        if let Some(key) = self.given_key()? {
            function.key_text = key;
        }
        if let Some(environment) = environment {
            function.environment = environment;
        }
        let old = function.encrypted.take();
        self.encrypt_environment(&mut function)?;
        if let Some(Encrypted {
            key,
            grant: Some(grant),
            ..
        }) = old
        {
            self.trace.rule("svc:L-9");
            kms::end_grant(self.state, &key, &grant);
        }
        let output = show(&function);
        let account = function.account.clone();
        self.state.account_mut(&account).functions.insert(at, function);
        Ok(output)
    }

    /// The variables are shown only to those who may decrypt them (`svc:L-2`).
    fn get_function_configuration(&mut self) -> Answer {
        let (_, function) = self.named_function("lambda:GetFunctionConfiguration")?;
        self.reveal(&function)
    }

    /// The configuration with its variables, if the caller may decrypt them.
    fn reveal(&mut self, function: &Function) -> Answer {
        let mut output = show(function);
        if let Some(encrypted) = &function.encrypted {
            self.trace.rule("svc:L-2");
            let forwarded = self.actor.forwarded_by(self.state, "lambda", &self.actor.region);
            let with = json!({
                "KeyId": encrypted.key.arn(), "CiphertextBlob": encrypted.ciphertext, "EncryptionContext": function.context(),
            });
            output["Environment"] = match kms::forwarded(self.state, self.trace, &forwarded, "Decrypt", with) {
                Ok(_) => json!({"Variables": function.environment}),
                Err(Stop::Refused(refusal)) => json!({"Error": {"ErrorCode": refusal.code}}),
                Err(step) => return Err(step),
            };
        }
        Ok(output)
    }

    fn delete_function(&mut self) -> Answer {
        let (at, function) = self.named_function("lambda:DeleteFunction")?;
        if let Some(Encrypted {
            key,
            grant: Some(grant),
            ..
        }) = &function.encrypted
        {
            kms::end_grant(self.state, key, grant);
        }
        self.state.account_mut(&function.account).functions.remove(&at);
        Ok(empty())
    }

    /// The function of the request, by name or ARN, after the check.
    fn named_function(&mut self, action: &str) -> Result<((Region, String), Function), Stop> {
        let account = self.own_account()?;
        let text = self.with.needed_text("FunctionName")?;
        let name = text.rsplit(':').next().unwrap_or(text).to_owned();
        let arn = if text.starts_with("arn:") {
            text.to_owned()
        } else {
            format!("arn:aws:lambda:{}:{account}:function:{name}", self.actor.region)
        };
        self.authorize(action, arn.clone(), Context::new())?;
        let at = (self.actor.region.clone(), name);
        match self
            .state
            .account(&account)
            .and_then(|account| account.functions.get(&at))
        {
            Some(function) if function.arn() == arn => Ok((at.clone(), function.clone())),
            _ => Err(Refusal::error("ResourceNotFoundException", 404, format!("Function not found: {arn}")).into()),
        }
    }

    /// `iam:PassRole` on the execution role.
    fn pass_role(&mut self, role: &str) -> Result<(), Stop> {
        self.authorize(
            "iam:PassRole",
            role.to_owned(),
            Context::new().with("iam:PassedToService", "lambda.amazonaws.com"),
        )
    }

    fn set_role(&mut self, function: &mut Function, arn: &str) -> Result<(), Stop> {
        let name = arn.rsplit('/').next().unwrap_or_default().to_owned();
        let of_account = Arn::new(arn).ok().and_then(|arn| arn.account()) == Some(function.account.clone());
        let is_role = matches!(Named::of(arn), Some(Named::Role { .. }));
        let Some(role) = self
            .state
            .role(&function.account, &name)
            .filter(|_| of_account && is_role)
        else {
            let message = "The role defined for the function cannot be assumed by Lambda.".to_owned();
            return Err(Refusal::error("InvalidParameterValueException", 400, message).into());
        };
        function.role_id = role.unique_id.clone();
        function.role = name;
        Ok(())
    }

    /// `KMSKeyArn`: absent, or a key; an empty text takes the key away.
    fn given_key(&self) -> Result<Option<Option<String>>, Stop> {
        Ok(self
            .with
            .text("KMSKeyArn")?
            .map(|text| (!text.is_empty()).then(|| text.to_owned())))
    }

    fn given_environment(&self) -> Result<Option<BTreeMap<String, String>>, Stop> {
        match self.with.inside("Environment")? {
            Some(inner) => {
                let variables = inner.text_map("Variables")?.unwrap_or_default();
                if variables.keys().all(|name| is_variable_name(name)) {
                    Ok(Some(variables))
                } else {
                    Err(Refusal::error("ValidationException", 400, None).into())
                }
            }
            None => Ok(None),
        }
    }

    /// Encrypt and CreateGrant as the configuring user, through Lambda (`svc:L-2`, `svc:L-3`). Nothing to do without variables.
    fn encrypt_environment(&mut self, function: &mut Function) -> Result<(), Stop> {
        if function.environment.is_empty() {
            return Ok(());
        }
        let key = match &function.key_text {
            Some(text) => {
                self.trace.rule("svc:L-2");
                text.clone()
            }
            None => {
                self.trace.rule("svc:L-1");
                managed_key::ensure(self.state, &function.account, &function.region, "lambda").arn()
            }
        };
        let forwarded = self.actor.forwarded_by(self.state, "lambda", &self.actor.region);
        let plaintext = STANDARD.encode(json!(function.environment).to_string());
        let with = json!({"KeyId": key, "Plaintext": plaintext, "EncryptionContext": function.context()});
        let output =
            kms::forwarded(self.state, self.trace, &forwarded, "Encrypt", with).map_err(configuration_failure)?;
        let grant = service_grant(self.state, function, &key);
        self.trace.rule("svc:L-3");
        self.trace.rule("svc:F-5");
        let grant =
            kms::create_service_grant(self.state, self.trace, &forwarded, grant).map_err(configuration_failure)?;
        let arn = output["KeyId"].as_str().unwrap_or_default();
        let key = self.state.contents.keys.keys().find(|key| key.arn() == arn).cloned();
        function.encrypted = Some(Encrypted {
            key: key.expect("Encrypt answers with the ARN of a key that exists"),
            ciphertext: output["CiphertextBlob"].as_str().unwrap_or_default().to_owned(),
            grant: Some(grant),
        });
        Ok(())
    }
}

/// The grant that Lambda makes for the role's session; its name and retiring principal changed over time (`svc:L-3`).
pub(crate) fn service_grant<'a>(state: &mut State, function: &Function, key: &'a str) -> kms::ServiceGrant<'a> {
    let session = format!(
        "arn:aws:sts::{}:assumed-role/{}/{}",
        function.account, function.role, function.name
    );
    let (name, retiring) = if state.as_of < date(2022, 1, 1) {
        (function.name.clone(), session.clone())
    } else {
        let seed = state.next_seed("lambda grant");
        let name = format!("{}/{}", function.name, symbol::key_id(&seed, false));
        (state.symbol(name), format!("lambda.{}.amazonaws.com", function.region))
    };
    kms::ServiceGrant {
        key,
        grantee: session,
        retiring: Some(retiring),
        operations: vec!["Decrypt".to_owned(), "RetireGrant".to_owned()],
        constraints: Constraints {
            equals: Some(function.context()),
            ..Constraints::default()
        },
        name: Some(name),
    }
}

/// What KMS refuses while a function is configured: a denial stays one; the texts are not known.
fn configuration_failure(stop: Stop) -> Stop {
    match stop {
        Stop::Refused(refusal) if refusal.code.as_deref() == Some("AccessDeniedException") => Stop::Refused(Refusal {
            status: 403,
            message: None,
            ..refusal
        }),
        Stop::Refused(refusal) => Stop::Refused(Refusal {
            stops_at: refusal.stops_at,
            ..Refusal::error(ENCRYPTION_FAILED, 400, None)
        }),
        step => step,
    }
}

fn show(function: &Function) -> Value {
    let mut shown = json!({"FunctionName": function.name, "FunctionArn": function.arn()});
    if let Some(key) = &function.key_text {
        shown["KMSKeyArn"] = json!(key);
    }
    shown
}
