//! Administrators of an endpoint's accounts, as its profile says how one becomes one, and the endpoint's own control beside AWS's API.

use std::collections::BTreeMap;

use aws_credential_types::Credentials;
use bytes::Bytes;
use countersign_model::case::Shape;
use countersign_model::name::AccountId;
use http::{Method, Request};
use serde_json::{Map, Value};

use super::profile::{Administrator, HttpCall, Profile, Sessions};
use super::settings::AwsSettings;
use crate::target::TargetError;
use crate::target::connector::Line;
use crate::target::driver::{Call, Driver, RoleSession};

/// IAM and STS are global; their calls are signed for this Region.
const GLOBAL: &str = "us-east-1";
/// Who made the credentials, for the SDKs.
const PROVIDER: &str = "countersign-target";
/// The IAM user that asks for sessions of roles, where no administrator may.
const ASSUMER: &str = "countersign-assumer";

/// Credentials of administrators by account, and whether the endpoint enforces anything at the moment.
#[derive(Debug)]
pub(super) struct Administrators {
    kind: Administrator,
    sessions: Sessions,
    off: Option<HttpCall>,
    on: Option<HttpCall>,
    known: BTreeMap<AccountId, Credentials>,
    assumers: BTreeMap<AccountId, Credentials>,
    only: Option<String>,
}

impl Administrators {
    pub(super) fn new(profile: &Profile) -> Self {
        Self {
            kind: profile.administrator.clone(),
            sessions: profile.sessions,
            off: profile.enforcement.off.clone(),
            on: profile.enforcement.on.clone(),
            known: BTreeMap::new(),
            assumers: BTreeMap::new(),
            only: None,
        }
    }

    /// All state was wiped: nobody is known any more.
    pub(super) fn forget(&mut self) {
        self.known.clear();
        self.assumers.clear();
    }

    /// Switches enforcement off, where set-up needs that.
    pub(super) async fn relax(&self, driver: &Driver) -> Result<(), TargetError> {
        match &self.off {
            Some(call) => control(driver.line(), call, "").await.map(|_| ()),
            None => Ok(()),
        }
    }

    /// Switches enforcement on again.
    pub(super) async fn enforce(&self, driver: &Driver) -> Result<(), TargetError> {
        match &self.on {
            Some(call) => control(driver.line(), call, "").await.map(|_| ()),
            None => Ok(()),
        }
    }

    /// The account of the user's credentials, where there is only this one.
    pub(super) async fn only_account(&mut self, driver: &mut Driver) -> Result<Option<String>, TargetError> {
        if !matches!(self.kind, Administrator::Chain) {
            return Ok(None);
        }
        if self.only.is_none() {
            let credentials = of_chain()?;
            let answer = driver
                .call(Call {
                    service: "sts",
                    name: "GetCallerIdentity",
                    with: &Map::new(),
                    region: GLOBAL,
                    credentials: Some(credentials),
                    shape: Shape::Header,
                    headers: Vec::new(),
                })
                .await?;
            let account = answer
                .result
                .ok()
                .and_then(|output| Some(output.get("Account")?.as_str()?.to_owned()))
                .ok_or_else(|| TargetError::transport("the endpoint does not say whose the credentials are"))?;
            self.only = Some(account);
        }
        Ok(self.only.clone())
    }

    /// Becomes an administrator of the account, if that takes a call. Enforcement may be off while this is done.
    pub(super) async fn prepare(&mut self, driver: &mut Driver, account: &AccountId) -> Result<(), TargetError> {
        if self.known.contains_key(account) {
            return Ok(());
        }
        let filled = |text: &str| text.replace("{account}", account.as_str());
        let credentials = match &self.kind {
            Administrator::Static {
                access_key_id,
                secret_access_key,
            } => Credentials::new(filled(access_key_id), filled(secret_access_key), None, None, PROVIDER),
            Administrator::Call {
                call,
                access_key_id,
                secret_access_key,
            } => {
                let answer = control(driver.line(), call, account.as_str()).await?;
                let member = |pointer: &str| {
                    answer
                        .pointer(pointer)
                        .and_then(Value::as_str)
                        .ok_or_else(|| TargetError::adapter(format!("`{}` answers without `{pointer}`", call.path)))
                };
                Credentials::new(member(access_key_id)?, member(secret_access_key)?, None, None, PROVIDER)
            }
            Administrator::AssumeRole {
                access_key_id,
                secret_access_key,
                role_arn,
            } => {
                let base = Credentials::new(filled(access_key_id), filled(secret_access_key), None, None, PROVIDER);
                let session = RoleSession {
                    role_arn: filled(role_arn),
                    session: "countersign".to_owned(),
                    ..RoleSession::default()
                };
                driver.assume_role(&base, &session).await?.map_err(|failure| {
                    TargetError::transport(format!(
                        "the administrator's role of account `{account}` cannot be assumed: {}",
                        failure.message.or(failure.code).unwrap_or_default()
                    ))
                })?
            }
            Administrator::Chain => of_chain()?,
        };
        self.known.insert(account.clone(), credentials);
        Ok(())
    }

    /// The administrator of an account that was prepared.
    pub(super) fn of(&self, account: &AccountId) -> Result<Credentials, TargetError> {
        self.known
            .get(account)
            .cloned()
            .ok_or_else(|| TargetError::adapter(format!("nobody is administrator of account `{account}`")))
    }

    /// Who asks for sessions of roles of the account.
    pub(super) async fn assumer(
        &mut self,
        driver: &mut Driver,
        account: &AccountId,
    ) -> Result<Credentials, TargetError> {
        self.prepare(driver, account).await?;
        let administrator = self.of(account)?;
        if self.sessions == Sessions::Administrator {
            return Ok(administrator);
        }
        if let Some(known) = self.assumers.get(account) {
            return Ok(known.clone());
        }
        let policy = r#"{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":["sts:AssumeRole","sts:TagSession","sts:SetSourceIdentity"],"Resource":"*"}]}"#;
        let calls = [
            ("CreateUser", serde_json::json!({"UserName": ASSUMER})),
            (
                "PutUserPolicy",
                serde_json::json!({"UserName": ASSUMER, "PolicyName": "assume", "PolicyDocument": policy}),
            ),
        ];
        for (name, with) in calls {
            let answer = driver.call(of_iam(name, &with, &administrator)).await?;
            if let Err(failure) = answer.result
                && failure.code.as_deref() != Some("EntityAlreadyExists")
            {
                return Err(TargetError::Provisioning {
                    what: format!("Countersign's own user `{ASSUMER}`"),
                    code: failure.code.unwrap_or_default(),
                    message: failure.message.unwrap_or_default(),
                });
            }
        }
        let key = driver
            .create_access_key(&administrator, ASSUMER)
            .await?
            .map_err(|failure| TargetError::Provisioning {
                what: format!("an access key of Countersign's own user `{ASSUMER}`"),
                code: failure.code.unwrap_or_default(),
                message: failure.message.unwrap_or_default(),
            })?;
        self.assumers.insert(account.clone(), key.clone());
        Ok(key)
    }

    /// Who asks for sessions, for trust policies.
    pub(super) fn assumer_arn(&self, account: &AccountId) -> String {
        match self.sessions {
            Sessions::Administrator => "*".to_owned(),
            Sessions::User => format!("arn:aws:iam::{account}:user/{ASSUMER}"),
        }
    }

    /// Whether roles let in only whom their trust policy names, whoever asks.
    pub(super) fn is_bound_by_trust(&self) -> bool {
        self.sessions == Sessions::User
    }
}

/// A call of IAM.
pub(super) fn of_iam<'a>(name: &'a str, with: &'a Value, by: &Credentials) -> Call<'a> {
    static NOTHING: std::sync::LazyLock<Map<String, Value>> = std::sync::LazyLock::new(Map::new);
    Call {
        service: "iam",
        name,
        with: with.as_object().unwrap_or(&NOTHING),
        region: GLOBAL,
        credentials: Some(by.clone()),
        shape: Shape::Header,
        headers: Vec::new(),
    }
}

/// Makes a call of the endpoint's own control. The answer's body as JSON; null if it is none.
pub(super) async fn control(line: &Line, call: &HttpCall, account: &str) -> Result<Value, TargetError> {
    let filled = |text: &str| text.replace("{account}", account);
    let body = Bytes::from(filled(&call.body));
    let method = Method::from_bytes(call.method.as_bytes())
        .map_err(|_| TargetError::adapter(format!("`{}` is not an HTTP method", call.method)))?;
    let mut request = Request::builder()
        .method(method)
        .uri(format!("{}{}", line.endpoint(), filled(&call.path)))
        .header(http::header::CONTENT_LENGTH, body.len());
    for (name, value) in &call.headers {
        request = request.header(name, filled(value));
    }
    let request = request
        .body(body)
        .map_err(|error| TargetError::adapter(format!("`{}` is no request: {error}", call.path)))?;
    let answer = line.send_uncounted(request).await?;
    if !answer.status().is_success() {
        return Err(TargetError::transport(format!(
            "the endpoint answers `{} {}` with {}; is it of the kind that the profile describes?",
            call.method,
            call.path,
            answer.status().as_u16()
        )));
    }
    Ok(serde_json::from_slice(answer.body()).unwrap_or(Value::Null))
}

pub(super) fn of_chain() -> Result<Credentials, TargetError> {
    let settings = AwsSettings::of_process().map_err(|error| TargetError::adapter(error.to_string()))?;
    Ok(settings.credentials)
}
