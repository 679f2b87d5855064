//! The client of the emulator's control plane: case settings, credentials, arrangements, the trail. What the settings mean is not
//! known here.

use aws_credential_types::Credentials;
use bytes::Bytes;
use countersign_model::case::StepPrincipal;
use http::{Method, Request};
use serde_json::{Map, Value, json};

use super::TargetError;
use super::connector::Line;

/// How long role sessions are good for: longer than any case's clock moves between two steps, within what AWS gives.
const SESSION_SECONDS: u32 = 43_200;

/// The control plane behind a line.
#[derive(Debug)]
pub(crate) struct ControlPlane {
    token: String,
}

impl ControlPlane {
    /// A client that knows the token.
    pub(crate) fn new(token: String) -> Self {
        Self { token }
    }

    /// Wipes all state and all case settings.
    pub(crate) async fn reset(&self, line: &Line) -> Result<(), TargetError> {
        self.post(line, "reset", &json!({})).await.map(|_| ())
    }

    /// Sets members of the case settings; absent ones stay.
    pub(crate) async fn case(&self, line: &Line, settings: &Map<String, Value>) -> Result<(), TargetError> {
        self.post(line, "case", &Value::Object(settings.clone()))
            .await
            .map(|_| ())
    }

    /// Puts a state in place that the API cannot produce.
    pub(crate) async fn arrange(&self, line: &Line, arrangement: &Value) -> Result<(), TargetError> {
        self.post(line, "arrange", arrangement).await.map(|_| ())
    }

    /// Credentials for a principal, as the contract's form of it says.
    pub(crate) async fn credentials(&self, line: &Line, request: &Value) -> Result<Credentials, TargetError> {
        let answer = self.post(line, "credentials", request).await?;
        let member = |name: &str| answer.get(name).and_then(Value::as_str);
        match (member("access_key_id"), member("secret_access_key")) {
            (Some(id), Some(secret)) => Ok(Credentials::new(
                id,
                secret,
                member("session_token").map(str::to_owned),
                None,
                "countersign-control-plane",
            )),
            _ => Err(TargetError::adapter(format!(
                "the control plane's credentials are not understood: {answer}"
            ))),
        }
    }

    /// The trail's events since a position, and the next position.
    pub(crate) async fn trail(&self, line: &Line, since: u64) -> Result<(Vec<Value>, u64), TargetError> {
        if let Some(emulator) = line.emulator() {
            return Ok(emulator.trail_since(since));
        }
        let mut answer = self
            .send(line, Method::GET, &format!("trail?since={since}"), Bytes::new())
            .await?;
        let next = answer.get("next").and_then(Value::as_u64);
        match (answer.get_mut("events").map(Value::take), next) {
            (Some(Value::Array(events)), Some(next)) => Ok((events, next)),
            _ => Err(TargetError::adapter(format!(
                "the control plane's trail is not understood: {answer}"
            ))),
        }
    }

    async fn post(&self, line: &Line, path: &str, body: &Value) -> Result<Value, TargetError> {
        self.send(line, Method::POST, path, Bytes::from(body.to_string())).await
    }

    async fn send(&self, line: &Line, method: Method, path: &str, body: Bytes) -> Result<Value, TargetError> {
        let mut request = Request::builder()
            .method(method)
            .uri(format!("{}/_countersign/v1/{path}", line.endpoint()))
            .header("x-countersign-token", &self.token)
            .header("content-type", "application/json")
            .body(body)
            .map_err(|error| TargetError::adapter(format!("no request to the control plane can be made: {error}")))?;
        let length = request.body().len();
        request
            .headers_mut()
            .insert(http::header::CONTENT_LENGTH, length.into());
        let answer = line.send_uncounted(request).await?;
        if answer.status().is_success() {
            return if answer.body().is_empty() {
                Ok(Value::Null)
            } else {
                serde_json::from_slice(answer.body())
                    .map_err(|error| TargetError::adapter(format!("the control plane's answer is not JSON: {error}")))
            };
        }
        let why = serde_json::from_slice::<Value>(answer.body())
            .ok()
            .and_then(|body| body.get("error").and_then(Value::as_str).map(str::to_owned))
            .unwrap_or_else(|| String::from_utf8_lossy(answer.body()).into_owned());
        Err(TargetError::adapter(format!(
            "the control plane refuses `{path}`: {} {why}",
            answer.status().as_u16()
        )))
    }
}

/// A principal in the contract's form. Policies and ARNs are already in the target's values.
///
/// # Errors
/// [`TargetError::Adapter`] when the account is missing: the model fills it in.
pub(crate) fn principal_form(principal: &StepPrincipal) -> Result<Option<Value>, TargetError> {
    let missing = || TargetError::adapter(format!("the account of the principal {principal:?} is not known"));
    let form = match principal {
        StepPrincipal::Anonymous => return Ok(None),
        StepPrincipal::User { account, name, mfa } => {
            let account = account.as_ref().ok_or_else(missing)?;
            json!({"user": present([("account", json!(account)), ("name", json!(name)), ("mfa", json!(mfa))])})
        }
        StepPrincipal::Root { account } => json!({"root": {"account": account.as_ref().ok_or_else(missing)?}}),
        StepPrincipal::Role {
            account,
            name,
            session,
            policy,
            policy_arns,
            tags,
            source_identity,
            mfa,
        } => {
            let account = account.as_ref().ok_or_else(missing)?;
            json!({"role": present([
                ("account", json!(account)),
                ("name", json!(name)),
                ("session", json!(session)),
                ("policy", json!(policy.as_ref().map(|policy| policy.text()))),
                ("policy_arns", if policy_arns.is_empty() { Value::Null } else { json!(policy_arns) }),
                ("tags", if tags.is_empty() { Value::Null } else { json!(tags) }),
                ("source_identity", json!(source_identity)),
                ("mfa", json!(mfa)),
                ("duration_seconds", json!(SESSION_SECONDS)),
            ])})
        }
        StepPrincipal::FederatedUser {
            account,
            name,
            by,
            policy,
        } => {
            let account = account.as_ref().ok_or_else(missing)?;
            json!({"federated_user": present([
                ("account", json!(account)),
                ("name", json!(name)),
                ("by", json!(by)),
                ("policy", json!(policy.as_ref().map(|policy| policy.text()))),
            ])})
        }
        StepPrincipal::Service {
            name,
            source_arn,
            source_account,
        } => json!({"service": present([
            ("name", json!(name)),
            ("source_arn", json!(source_arn)),
            ("source_account", json!(source_account)),
        ])}),
    };
    Ok(Some(form))
}

/// The members that are there.
fn present<const COUNT: usize>(members: [(&str, Value); COUNT]) -> Value {
    members
        .into_iter()
        .filter(|(_, value)| !value.is_null())
        .map(|(name, value)| (name.to_owned(), value))
        .collect::<Map<_, _>>()
        .into()
}

#[cfg(test)]
mod tests {
    use countersign_model::name::AccountId;

    use super::*;

    #[test]
    fn absent_members_stay_absent_and_the_account_is_needed() {
        let account = AccountId::new("111122223333").ok();
        let user = StepPrincipal::User {
            account: account.clone(),
            name: "alice".to_owned(),
            mfa: None,
        };
        assert_eq!(
            principal_form(&user),
            Ok(Some(json!({"user": {"account": "111122223333", "name": "alice"}})))
        );
        let nobody = StepPrincipal::User {
            account: None,
            name: "alice".to_owned(),
            mfa: None,
        };
        assert!(matches!(principal_form(&nobody), Err(TargetError::Adapter { .. })));
        assert_eq!(principal_form(&StepPrincipal::Anonymous), Ok(None));
    }
}
