//! The CloudTrail event of a KMS call (`svc:T-1`…`svc:T-9`). Only members that the model can know; times and request ids are left out.

use serde_json::{Map, Value, json};

use super::key::KeyRef;
use super::table::Operation;
use crate::evaluate::{Caller, Parent};
use crate::name::AccountId;
use crate::rule::rule;
use crate::world::actor::{Actor, time_text};
use crate::world::state::State;
use crate::world::trace::{Answer, Stop, Trace};

/// Members of an event, about.
const MEMBERS: usize = 16;

/// What a call tells the trail while it runs.
#[derive(Debug, Default)]
pub(super) struct Log {
    /// The identifier as it was given.
    pub(super) key_text: Option<String>,
    /// Keys that were found.
    pub(super) keys: Vec<KeyRef>,
    /// The message of a denied check: the trail shows it even where the answer hides it (`svc:X-4`).
    pub(super) denied: Option<String>,
    /// `additionalEventData`.
    pub(super) additional: Option<Value>,
    request: Map<String, Value>,
    response: Option<Value>,
}

impl Log {
    pub(super) fn request(&mut self, name: &str, value: Value) {
        self.request.insert(name.to_owned(), value);
    }

    pub(super) fn forget(&mut self, name: &str) {
        self.request.remove(name);
    }

    pub(super) fn respond(&mut self, value: Value) {
        self.response = Some(value);
    }
}

/// Adds the event of a call. Requests that fail the syntax check never reach the trail.
pub(super) fn record(
    state: &State,
    trace: &mut Trace,
    actor: &Actor,
    operation: &Operation,
    log: &Log,
    answer: &Answer,
) {
    let refusal = match answer {
        Ok(_) => None,
        Err(Stop::Refused(refusal)) => Some(refusal),
        Err(Stop::Step(_)) => return,
    };
    let code = refusal.and_then(|refusal| refusal.code.as_deref());
    if code == Some("ValidationException") {
        return;
    }
    let mut event = Map::with_capacity(MEMBERS);
    event.insert("eventSource".to_owned(), json!("kms.amazonaws.com"));
    event.insert("eventName".to_owned(), json!(operation.name));
    event.insert("awsRegion".to_owned(), json!(actor.region));
    event.insert("eventType".to_owned(), json!("AwsApiCall"));
    event.insert("managementEvent".to_owned(), json!(true));
    event.insert("eventCategory".to_owned(), json!("Management"));
    // svc:T-6
    event.insert("readOnly".to_owned(), json!(operation.read_only));
    event.insert("userIdentity".to_owned(), user_identity(state, actor));
    if let Some(service) = invoked_by(actor) {
        event.insert("sourceIPAddress".to_owned(), json!(service));
        event.insert("userAgent".to_owned(), json!(service));
    }
    match code {
        // svc:K-31, svc:T-2: no resources, no parameters.
        Some("AccessDeniedException") => {
            event.insert("errorCode".to_owned(), json!("AccessDenied"));
            let message = log
                .denied
                .as_ref()
                .or(refusal.and_then(|refusal| refusal.message.as_ref()));
            if let Some(message) = message {
                event.insert("errorMessage".to_owned(), json!(message));
            }
            event.insert("requestParameters".to_owned(), Value::Null);
            event.insert("responseElements".to_owned(), Value::Null);
        }
        // svc:T-9
        Some(code) => {
            event.insert("errorCode".to_owned(), json!(code));
        }
        None => {
            // CreateKey shows every parameter with its default; the model does not know them all and says nothing.
            if operation.name != "CreateKey" {
                let parameters = request_parameters(operation, log);
                // Nothing is said where the model keeps none of the parameters.
                if parameters.as_object().is_none_or(|members| !members.is_empty()) {
                    event.insert("requestParameters".to_owned(), parameters);
                }
            }
            if let Some(response) = &log.response {
                event.insert("responseElements".to_owned(), response.clone());
            }
            if let Some(additional) = &log.additional {
                event.insert("additionalEventData".to_owned(), additional.clone());
            }
            let resources: Vec<Value> = log
                .keys
                .iter()
                // Each Region has an event of its own, with its own key.
                .take(if operation.name == "UpdatePrimaryRegion" {
                    1
                } else {
                    usize::MAX
                })
                .map(resource)
                .collect();
            if !resources.is_empty() {
                event.insert("resources".to_owned(), json!(resources));
            }
        }
    }
    trace.rules.extend([rule("svc:T-1"), rule("svc:T-2"), rule("svc:T-6")]);
    if actor.is_service() {
        trace.rules.insert(rule("svc:T-4"));
    }
    if operation.name == "CreateGrant" || operation.name == "RetireGrant" {
        trace.rules.insert(rule("svc:T-7"));
    }
    // svc:T-8: the caller's account and the key's each have the event.
    let mut recipients: Vec<&AccountId> = actor
        .account()
        .or(log.keys.first().map(|key| &key.account))
        .into_iter()
        .collect();
    for key in &log.keys {
        if operation.cross_account && !recipients.contains(&&key.account) {
            recipients.push(&key.account);
        }
    }
    if recipients.len() > 1 {
        trace.rules.insert(rule("svc:T-8"));
    }
    let replica = log.keys.last().filter(|_| code.is_none());
    let made = match (operation.name.as_str(), replica) {
        ("ReplicateKey", Some(replica)) => Some(event_of_replica(&event, replica)),
        ("UpdatePrimaryRegion", Some(replica)) => Some(in_region_of(&event, replica)),
        _ => None,
    };
    for event in std::iter::once(event).chain(made) {
        let Some((last, others)) = recipients.split_last() else {
            trace.trail.push(Value::Object(event));
            continue;
        };
        let mut tell = |mut event: Map<String, Value>, recipient: &AccountId| {
            event.insert("recipientAccountId".to_owned(), json!(recipient));
            trace.trail.push(Value::Object(event));
        };
        for recipient in others {
            tell(event.clone(), recipient);
        }
        tell(event, last);
    }
}

/// Replicating a key makes one: the replica's Region has the event of a CreateKey too (AWS's sample of ReplicateKey).
fn event_of_replica(replication: &Map<String, Value>, replica: &KeyRef) -> Map<String, Value> {
    let mut event = in_region_of(replication, replica);
    event.insert("eventName".to_owned(), json!("CreateKey"));
    for of_replication in ["requestParameters", "responseElements", "additionalEventData"] {
        event.shift_remove(of_replication);
    }
    event
}

/// The same event as the Region of another key of the call has it, about that key: of a change of primaries both Regions have one
/// (AWS's sample of UpdatePrimaryRegion).
fn in_region_of(event: &Map<String, Value>, key: &KeyRef) -> Map<String, Value> {
    let mut event = event.clone();
    event.insert("awsRegion".to_owned(), json!(key.region));
    event.insert("resources".to_owned(), json!([resource(key)]));
    event
}

fn resource(key: &KeyRef) -> Value {
    json!({"accountId": key.account, "type": "AWS::KMS::Key", "ARN": key.arn()})
}

/// Decrypt without a key id has none here; RetireGrant shows nothing (`svc:T-2`, `svc:T-7`).
fn request_parameters(operation: &Operation, log: &Log) -> Value {
    if operation.name == "RetireGrant" {
        return Value::Null;
    }
    let mut parameters = log.request.clone();
    if let Some(text) = &log.key_text {
        let name = match operation.name.as_str() {
            "CreateAlias" | "UpdateAlias" => "targetKeyId",
            "ReEncrypt" => "destinationKeyId",
            _ => "keyId",
        };
        parameters.insert(name.to_owned(), json!(text));
    }
    Value::Object(parameters)
}

/// Who the trail says it was (`svc:T-1`, `svc:T-4`, `svc:T-5`).
fn user_identity(state: &State, actor: &Actor) -> Value {
    let mut identity = match &actor.caller {
        Caller::User(user) => json!({
            "type": "IAMUser", "principalId": user.unique_id, "arn": user.arn(), "accountId": user.account, "userName": user.name,
        }),
        Caller::RoleSession(session) => {
            let role = &session.role;
            let id = role.unique_id.clone().unwrap_or_default();
            let mut identity = json!({
                "type": "AssumedRole",
                "principalId": format!("{id}:{}", session.name.clone().unwrap_or_default()),
                "arn": actor.caller.message_name(),
                "accountId": role.account,
                "sessionContext": {
                    "sessionIssuer": {
                        "type": "Role", "principalId": id, "arn": role.arn(), "accountId": role.account, "userName": role.name,
                    },
                    "attributes": {"mfaAuthenticated": (actor.session.mfa == Some(true)).to_string()},
                },
            });
            if let Some(issued) = actor.session.issued {
                identity["sessionContext"]["attributes"]["creationDate"] = json!(time_text(issued));
            }
            identity
        }
        Caller::FederatedUser(federated) => json!({
            "type": "FederatedUser",
            "principalId": format!("{}:{}", federated.account(), federated.name),
            "arn": actor.caller.message_name(),
            "accountId": federated.account(),
            "sessionContext": {"sessionIssuer": match &federated.parent {
                Parent::User(user) => json!({
                    "type": "IAMUser", "principalId": user.unique_id, "arn": user.arn(), "accountId": user.account,
                    "userName": user.name,
                }),
                Parent::Root(account) => {
                    json!({"type": "Root", "principalId": account, "arn": account.root_arn(), "accountId": account})
                }
            }},
        }),
        Caller::Root { account, .. } => {
            json!({"type": "Root", "principalId": account, "arn": account.root_arn(), "accountId": account})
        }
        Caller::Service { name, .. } => json!({"type": "AWSService", "invokedBy": name}),
        Caller::Federated { provider } => json!({"type": "WebIdentityUser", "identityProvider": provider}),
        Caller::Anonymous => json!({"type": "AWSAccount", "accountId": "ANONYMOUS_PRINCIPAL"}),
    };
    debug_assert!(state.clock.now >= actor.session.issued.unwrap_or(state.clock.now));
    if let (Some(service), false) = (invoked_by(actor), actor.is_service()) {
        identity["invokedBy"] = json!(service);
    }
    identity
}

/// The service behind a call: itself, or the one that forwards. S3 hides behind `AWS Internal` (`svc:T-1`, `svc:T-3`, `svc:T-4`).
fn invoked_by(actor: &Actor) -> Option<String> {
    match (&actor.caller, actor.via.as_deref()) {
        (Caller::Service { name, .. }, _) => Some(name.clone()),
        (_, Some("s3.amazonaws.com")) => Some("AWS Internal".to_owned()),
        (_, via) => via.or(actor.session.invoked_by).map(str::to_owned),
    }
}
