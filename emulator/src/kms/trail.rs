//! The trail: CloudTrail-shaped events of KMS calls (svc:§13). Events are kept as facts and rendered when read.

use std::collections::VecDeque;
use std::sync::Arc;

use jiff::Timestamp;
use serde_json::{Value, json};

use super::call::{Call, Note};
use super::error::KmsError;
use super::operations::Operation;
use super::store::KeyAddress;
use crate::identity::{Caller, Principal, Session, Via};
use crate::names::{AccountId, Region};
use crate::state::State;

/// How many events are kept; older ones fall off, their numbers stay taken.
const KEPT: usize = 50_000;
/// From this day Lambda's runtime calls are shown as Lambda's (svc:T-3).
const LAMBDA_RUNTIME_INVOKED_BY: jiff::civil::Date = jiff::civil::date(2025, 1, 1);

/// All recorded events.
#[derive(Debug, Clone, Default)]
pub struct Trail {
    first: u64,
    events: VecDeque<Event>,
}

/// One recorded call, as seen by one account.
#[derive(Debug, Clone)]
pub struct Event {
    time: Timestamp,
    event_id: String,
    request_id: String,
    /// Set when two accounts see the call (svc:T-8).
    shared_event_id: Option<String>,
    recipient: Option<AccountId>,
    operation: &'static str,
    read_only: bool,
    region: Region,
    principal: Principal,
    session: Option<Arc<Session>>,
    access_key_id: Option<String>,
    source_ip: Option<String>,
    user_agent: Option<String>,
    invoked_by: Option<&'static str>,
    error: Option<(String, String)>,
    request_parameters: Option<Value>,
    response_elements: Option<Value>,
    additional: Option<Value>,
    keys: Vec<KeyAddress>,
    other_resources: Vec<String>,
}

impl Trail {
    /// Events from number `since` on and the number after the last one (contract: `GET trail`).
    #[must_use]
    pub fn since(&self, since: u64) -> (Vec<Value>, u64) {
        let skip = usize::try_from(since.saturating_sub(self.first)).unwrap_or(usize::MAX);
        let events = self.events.iter().skip(skip).map(Event::render).collect();
        (events, self.first + self.events.len() as u64)
    }

    fn push(&mut self, event: Event) {
        if self.events.len() == KEPT {
            self.events.pop_front();
            self.first += 1;
        }
        self.events.push_back(event);
    }
}

/// Records one finished call. What fails the syntax check of the API has touched nothing yet and never gets here
/// (svc:K-32); another ValidationException after a key was looked up is a finished call like any other (svc:T-9).
pub(super) fn record(
    state: &mut State,
    call: &Call<'_>,
    operation: &'static Operation,
    mut note: Note,
    error: Option<&KmsError>,
) {
    let elsewhere = std::mem::take(&mut note.elsewhere);
    let looked_up = !note.keys.is_empty() || !note.other_resources.is_empty();
    if error.is_some_and(|error| error.is_of_form || error.is_syntax() && !looked_up) {
        return;
    }
    let ids = &state.sources.ids;
    let denied = error.is_some_and(KmsError::is_access_denied);
    let caller_account = call.caller.account().cloned();
    let key_account = note.keys.first().map(|key| key.account.clone());
    let mut recipients: Vec<Option<AccountId>> = vec![caller_account.clone().or_else(|| key_account.clone())];
    for key in &note.keys {
        let account = Some(key.account.clone());
        if !recipients.contains(&account) {
            recipients.push(account);
        }
    }
    let shared = (recipients.len() > 1).then(|| ids.uuid());
    let event = Event {
        time: state.now(),
        event_id: String::new(),
        request_id: call.request_id.to_owned(),
        shared_event_id: shared,
        recipient: None,
        operation: operation.name,
        read_only: operation.read_only,
        region: call.region.clone(),
        principal: call.caller.principal.clone(),
        session: call.caller.session.clone(),
        access_key_id: call.caller.access_key_id.clone(),
        source_ip: source_ip(call.caller),
        user_agent: user_agent(call),
        invoked_by: invoked_by(state, call),
        error: error.map(describe),
        // A denied call tells nothing about itself (svc:T-2).
        request_parameters: note
            .request_parameters
            .filter(|_| !denied && operation.name != "RetireGrant"),
        response_elements: note.response_elements.filter(|_| error.is_none()),
        additional: note.additional.filter(|_| !denied),
        keys: if denied { Vec::new() } else { note.keys },
        other_resources: if denied { Vec::new() } else { note.other_resources },
    };
    for recipient in recipients {
        let mut event = event.clone();
        event.event_id = state.sources.ids.uuid();
        event.recipient = recipient;
        state.kms.trail.push(event);
    }
    for other in elsewhere.into_iter().filter(|_| error.is_none()) {
        let there = Call {
            region: &other.region,
            ..*call
        };
        record(state, &there, other.operation, other.note, None);
    }
}

/// errorCode and errorMessage (svc:K-31, svc:X-4, svc:T-9).
fn describe(error: &KmsError) -> (String, String) {
    let code = if error.is_access_denied() {
        "AccessDenied"
    } else {
        error.code
    };
    (
        code.to_owned(),
        error.trail_message.clone().unwrap_or_else(|| error.message.clone()),
    )
}

/// The service that made the call for the caller (svc:T-1, svc:T-3).
fn invoked_by(state: &State, call: &Call<'_>) -> Option<&'static str> {
    match call.via {
        Via::Forwarded { service: "s3", .. } => Some("AWS Internal"),
        Via::Forwarded { service: "lambda", .. } => Some("lambda.amazonaws.com"),
        Via::Forwarded { service: "backup", .. } => Some("backup.amazonaws.com"),
        Via::Forwarded { .. } => Some("AWS Internal"),
        Via::LambdaRuntime { .. } if state.as_of() >= LAMBDA_RUNTIME_INVOKED_BY => Some("lambda.amazonaws.com"),
        Via::LambdaRuntime { .. } | Via::Direct => None,
    }
}

fn source_ip(caller: &Caller) -> Option<String> {
    Some(
        caller
            .arrival
            .source_ip
            .clone()
            .unwrap_or_else(|| "127.0.0.1".to_owned()),
    )
}

/// Lambda's runtime is an SDK to KMS (svc:T-3); which one is not told anywhere.
fn user_agent(call: &Call<'_>) -> Option<String> {
    let agent = call.caller.arrival.user_agent.clone();
    agent.or_else(|| matches!(call.via, Via::LambdaRuntime { .. }).then(|| "aws-sdk-go/1.44 Lambda".to_owned()))
}

impl Event {
    fn render(&self) -> Value {
        let outside = match (&self.principal, self.invoked_by) {
            (Principal::Service { name, .. }, _) => (Some(name.as_str()), Some(name.as_str())),
            (_, Some(service)) => (Some(service), Some(service)),
            (_, None) => (self.source_ip.as_deref(), self.user_agent.as_deref()),
        };
        let mut event = json!({
            "eventVersion": "1.08",
            "userIdentity": self.user_identity(),
            "eventTime": second(self.time),
            "eventSource": "kms.amazonaws.com",
            "eventName": self.operation,
            "awsRegion": self.region.as_str(),
            "sourceIPAddress": outside.0,
            "userAgent": outside.1,
            "requestParameters": self.request_parameters,
            "responseElements": self.response_elements,
            "requestID": self.request_id,
            "eventID": self.event_id,
            "readOnly": self.read_only,
            "eventType": "AwsApiCall",
            "managementEvent": true,
            "eventCategory": "Management",
        });
        if let Some((code, message)) = &self.error {
            event["errorCode"] = json!(code);
            if !message.is_empty() {
                event["errorMessage"] = json!(message);
            }
        }
        if let Some(recipient) = &self.recipient {
            event["recipientAccountId"] = json!(recipient.as_str());
        }
        if let Some(shared) = &self.shared_event_id {
            event["sharedEventID"] = json!(shared);
        }
        if let Some(additional) = &self.additional {
            event["additionalEventData"] = additional.clone();
        }
        let resources = self.resources();
        if !resources.is_empty() {
            event["resources"] = Value::Array(resources);
        }
        event
    }

    fn resources(&self) -> Vec<Value> {
        let keys = self.keys.iter().map(
            |key| json!({ "accountId": key.account.as_str(), "type": "AWS::KMS::Key", "ARN": key.arn().as_str() }),
        );
        let aliases = self.other_resources.iter().map(|arn| {
            let account = arn.split(':').nth(4).unwrap_or_default();
            json!({ "accountId": account, "type": "AWS::KMS::Alias", "ARN": arn })
        });
        keys.chain(aliases).collect()
    }

    /// svc:T-1, svc:T-4, svc:T-5.
    fn user_identity(&self) -> Value {
        let mut identity = match &self.principal {
            Principal::Service { name, .. } => return json!({ "type": "AWSService", "invokedBy": name }),
            Principal::Anonymous => return json!({ "type": "AWSAccount", "accountId": "ANONYMOUS_PRINCIPAL" }),
            Principal::User { name, .. } => json!({ "type": "IAMUser", "userName": name }),
            Principal::Root { .. } => json!({ "type": "Root" }),
            Principal::RoleSession { .. } => json!({ "type": "AssumedRole" }),
            Principal::FederatedUser { .. } => json!({ "type": "FederatedUser" }),
        };
        identity["principalId"] = json!(self.principal.user_id());
        identity["arn"] = json!(self.principal.arn());
        identity["accountId"] = json!(self.principal.account().map(AccountId::as_str));
        if let Some(key) = &self.access_key_id {
            identity["accessKeyId"] = json!(key);
        }
        if let Some(session) = &self.session {
            identity["sessionContext"] = self.session_context(session);
        }
        if let Some(service) = self.invoked_by {
            identity["invokedBy"] = json!(service);
        }
        identity
    }

    fn session_context(&self, session: &Session) -> Value {
        let issuer = match &self.principal {
            Principal::RoleSession {
                account,
                role_id,
                role_name,
                ..
            } => json!({
                "type": "Role",
                "principalId": role_id,
                "arn": self.principal.principal_arn(),
                "accountId": account.as_str(),
                "userName": role_name,
            }),
            Principal::FederatedUser { parent, account, .. } => {
                let mut issuer = json!({
                    "type": if matches!(**parent, Principal::Root { .. }) { "Root" } else { "IAMUser" },
                    "principalId": parent.user_id(),
                    "arn": parent.arn(),
                    "accountId": account.as_str(),
                });
                if let Principal::User { name, .. } = &**parent {
                    issuer["userName"] = json!(name);
                }
                issuer
            }
            _ => json!({}),
        };
        let mut context = json!({
            "sessionIssuer": issuer,
            "webIdFederationData": {},
            "attributes": {
                "creationDate": second(session.issued_at),
                "mfaAuthenticated": if session.mfa_authenticated_at.is_some() { "true" } else { "false" },
            },
        });
        if let Some(identity) = &session.source_identity {
            context["sourceIdentity"] = json!(identity);
        }
        context
    }
}

fn second(instant: Timestamp) -> String {
    Timestamp::from_second(instant.as_second())
        .unwrap_or(instant)
        .to_string()
}
