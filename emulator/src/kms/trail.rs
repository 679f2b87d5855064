//! The trail: CloudTrail-shaped events of KMS calls (svc:§13). Events are kept as facts and rendered when read; only the
//! last [`Trail::KEPT`] are kept, so that a server that runs for days does not grow.

use std::collections::VecDeque;
use std::sync::Arc;

use jiff::Timestamp;
use serde_json::{Map, Value, json};

use super::call::{Call, Note};
use super::error::KmsError;
use super::operations::Operation;
use super::store::KeyAddress;
use crate::identity::{Caller, Principal, Session, Via};
use crate::names::{AccountId, Region};
use crate::sources::Uuid;
use crate::state::State;

/// Callers whose facts new events may share.
const RECENT_ACTORS: usize = 8;
/// Events whose parts are not yet packed.
const RECENT_EVENTS: usize = 16;
/// Members of an event that is told, at most.
const MEMBERS: usize = 24;
/// From this day Lambda's runtime calls are shown as Lambda's (svc:T-3).
const LAMBDA_RUNTIME_INVOKED_BY: jiff::civil::Date = jiff::civil::date(2025, 1, 1);

/// The events recorded last.
#[derive(Debug, Clone, Default)]
pub struct Trail {
    first: u64,
    events: VecDeque<Event>,
    /// Most callers call again and again: their events share what is known of them.
    actors: VecDeque<Arc<Actor>>,
}

/// Who called and from where.
#[derive(Debug)]
struct Actor {
    principal: Principal,
    session: Option<Arc<Session>>,
    access_key_id: Option<String>,
    source_ip: Option<String>,
    user_agent: Option<String>,
}

/// One recorded call, as seen by one account.
#[derive(Debug, Clone)]
pub struct Event {
    time: Timestamp,
    event_id: Uuid,
    request_id: Box<str>,
    /// Set when two accounts see the call (svc:T-8).
    shared_event_id: Option<Uuid>,
    recipient: Option<AccountId>,
    operation: &'static str,
    read_only: bool,
    region: Region,
    actor: Arc<Actor>,
    of_lambda_runtime: bool,
    invoked_by: Option<&'static str>,
    error: Option<(String, String)>,
    request_parameters: Option<Json>,
    response_elements: Option<Json>,
    additional: Option<Json>,
    keys: Box<[KeyAddress]>,
    other_resources: Box<[String]>,
}

/// A JSON value. Of an event that was recorded just now it may be asked for at once; later it is kept as text, which takes a tenth of the
/// memory, and one piece of it.
#[derive(Debug, Clone)]
enum Json {
    Fresh(Box<Value>),
    Packed(Box<str>),
}

impl Json {
    fn of(value: Value) -> Self {
        Self::Fresh(Box::new(value))
    }

    fn pack(&mut self) {
        if let Self::Fresh(value) = self {
            // Twice as fast as `Value::to_string`.
            let text = serde_json::to_string(value).expect("a JSON value is JSON");
            *self = Self::Packed(text.into_boxed_str());
        }
    }

    fn value(&self) -> Value {
        match self {
            Self::Fresh(value) => (**value).clone(),
            Self::Packed(text) => serde_json::from_str(text).expect("the text was written from a value"),
        }
    }
}

impl Actor {
    fn of(caller: &Caller) -> Self {
        let Caller {
            principal,
            session,
            access_key_id,
            arrival,
        } = caller.clone();
        Self {
            principal,
            session,
            access_key_id,
            source_ip: arrival.source_ip,
            user_agent: arrival.user_agent,
        }
    }

    fn is(&self, caller: &Caller) -> bool {
        let same_session = match (&self.session, &caller.session) {
            (Some(own), Some(other)) => Arc::ptr_eq(own, other),
            (own, other) => own.is_none() && other.is_none(),
        };
        same_session
            && self.access_key_id == caller.access_key_id
            && self.principal == caller.principal
            && self.source_ip == caller.arrival.source_ip
            && self.user_agent == caller.arrival.user_agent
    }
}

impl Trail {
    /// How many events are kept; older ones fall off, their numbers stay taken.
    pub const KEPT: usize = 50_000;

    /// The number of the oldest event that is still kept.
    #[must_use]
    pub fn first(&self) -> u64 {
        self.first
    }

    /// Events from number `since` on and the number after the last one (contract: `GET trail`).
    #[must_use]
    pub fn since(&self, since: u64) -> (Vec<Value>, u64) {
        let skip = usize::try_from(since.saturating_sub(self.first)).unwrap_or(usize::MAX);
        let events = self.events.iter().skip(skip).map(Event::render).collect();
        (events, self.first + self.events.len() as u64)
    }

    fn push(&mut self, event: Event) {
        if self.events.len() == Self::KEPT {
            self.events.pop_front();
            self.first += 1;
        }
        let aged = self.events.len().checked_sub(RECENT_EVENTS);
        if let Some(event) = aged.and_then(|place| self.events.get_mut(place)) {
            event.pack();
        }
        self.events.push_back(event);
    }

    fn actor(&mut self, caller: &Caller) -> Arc<Actor> {
        if let Some(known) = self.actors.iter().find(|actor| actor.is(caller)) {
            return Arc::clone(known);
        }
        let actor = Arc::new(Actor::of(caller));
        if self.actors.len() == RECENT_ACTORS {
            self.actors.pop_front();
        }
        self.actors.push_back(Arc::clone(&actor));
        actor
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
    let denied = error.is_some_and(KmsError::is_access_denied);
    let caller_account = call.caller.account();
    let first = caller_account.or_else(|| note.keys.first().map(|key| &key.account));
    // A call of one account on its own keys, as nearly all are, has one recipient.
    let mut others: Vec<AccountId> = Vec::new();
    for key in &note.keys {
        if Some(&key.account) != first && !others.contains(&key.account) {
            others.push(key.account.clone());
        }
    }
    let first = first.cloned();
    let shared_event_id = (!others.is_empty()).then(|| state.sources.ids.raw_uuid());
    let mut event = Event {
        time: state.now(),
        event_id: state.sources.ids.raw_uuid(),
        request_id: call.request_id.into(),
        shared_event_id,
        recipient: first,
        operation: operation.name,
        read_only: operation.read_only,
        region: call.region.clone(),
        actor: state.kms.trail.actor(call.caller),
        of_lambda_runtime: matches!(call.via, Via::LambdaRuntime { .. }),
        invoked_by: invoked_by(state, call),
        error: error.map(describe),
        // A denied call tells nothing about itself (svc:T-2).
        request_parameters: note
            .request_parameters
            .filter(|_| !denied && operation.name != "RetireGrant")
            .map(Json::of),
        response_elements: note.response_elements.filter(|_| error.is_none()).map(Json::of),
        additional: note.additional.filter(|_| !denied).map(Json::of),
        keys: if denied { Box::default() } else { note.keys.into() },
        other_resources: if denied {
            Box::default()
        } else {
            note.other_resources.into()
        },
    };
    for recipient in others {
        let next = Event {
            event_id: state.sources.ids.raw_uuid(),
            recipient: Some(recipient),
            ..event.clone()
        };
        state.kms.trail.push(std::mem::replace(&mut event, next));
    }
    state.kms.trail.push(event);
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

impl Event {
    fn pack(&mut self) {
        let parts = [
            &mut self.request_parameters,
            &mut self.response_elements,
            &mut self.additional,
        ];
        parts.into_iter().flatten().for_each(Json::pack);
    }

    fn render(&self) -> Value {
        let outside = match (&self.actor.principal, self.invoked_by) {
            (Principal::Service { name, .. }, _) => (Some(name.as_str()), Some(name.as_str())),
            (_, Some(service)) => (Some(service), Some(service)),
            (_, None) => (
                Some(self.actor.source_ip.as_deref().unwrap_or("127.0.0.1")),
                self.user_agent(),
            ),
        };
        let mut event = Map::with_capacity(MEMBERS);
        let mut put = |name: &str, value: Value| {
            event.insert(name.to_owned(), value);
        };
        put("eventVersion", json!("1.08"));
        put("userIdentity", self.user_identity());
        put("eventTime", json!(second(self.time)));
        put("eventSource", json!("kms.amazonaws.com"));
        put("eventName", json!(self.operation));
        put("awsRegion", json!(self.region.as_str()));
        put("sourceIPAddress", json!(outside.0));
        put("userAgent", json!(outside.1));
        let part = |part: &Option<Json>| part.as_ref().map_or(Value::Null, Json::value);
        put("requestParameters", part(&self.request_parameters));
        put("responseElements", part(&self.response_elements));
        put("requestID", json!(self.request_id));
        put("eventID", json!(self.event_id.to_string()));
        put("readOnly", json!(self.read_only));
        put("eventType", json!("AwsApiCall"));
        put("managementEvent", json!(true));
        put("eventCategory", json!("Management"));
        if let Some((code, message)) = &self.error {
            put("errorCode", json!(code));
            if !message.is_empty() {
                put("errorMessage", json!(message));
            }
        }
        if let Some(recipient) = &self.recipient {
            put("recipientAccountId", json!(recipient.as_str()));
        }
        if let Some(shared) = &self.shared_event_id {
            put("sharedEventID", json!(shared.to_string()));
        }
        if let Some(additional) = &self.additional {
            put("additionalEventData", additional.value());
        }
        let resources = self.resources();
        if !resources.is_empty() {
            put("resources", Value::Array(resources));
        }
        Value::Object(event)
    }

    /// Lambda's runtime is an SDK to KMS (svc:T-3); which one is not told anywhere.
    fn user_agent(&self) -> Option<&str> {
        let runtime = self.of_lambda_runtime.then_some("aws-sdk-go/1.44 Lambda");
        self.actor.user_agent.as_deref().or(runtime)
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
        let mut identity = match &self.actor.principal {
            Principal::Service { name, .. } => return json!({ "type": "AWSService", "invokedBy": name }),
            Principal::Anonymous => return json!({ "type": "AWSAccount", "accountId": "ANONYMOUS_PRINCIPAL" }),
            Principal::User { name, .. } => json!({ "type": "IAMUser", "userName": name }),
            Principal::Root { .. } => json!({ "type": "Root" }),
            Principal::RoleSession { .. } => json!({ "type": "AssumedRole" }),
            Principal::FederatedUser { .. } => json!({ "type": "FederatedUser" }),
        };
        identity["principalId"] = json!(self.actor.principal.user_id());
        identity["arn"] = json!(self.actor.principal.arn());
        identity["accountId"] = json!(self.actor.principal.account().map(AccountId::as_str));
        if let Some(key) = &self.actor.access_key_id {
            identity["accessKeyId"] = json!(key);
        }
        if let Some(session) = &self.actor.session {
            identity["sessionContext"] = self.session_context(session);
        }
        if let Some(service) = self.invoked_by {
            identity["invokedBy"] = json!(service);
        }
        identity
    }

    fn session_context(&self, session: &Session) -> Value {
        let issuer = match &self.actor.principal {
            Principal::RoleSession {
                account,
                role_id,
                role_name,
                ..
            } => json!({
                "type": "Role",
                "principalId": role_id,
                "arn": self.actor.principal.principal_arn(),
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::identity::Arrival;
    use crate::kms::operations;
    use crate::sources::Sources;

    fn caller(user_agent: &str) -> Caller {
        Caller::anonymous(Arrival {
            user_agent: Some(user_agent.to_owned()),
            ..Arrival::default()
        })
    }

    #[test]
    fn the_trail_keeps_the_last_events_and_says_where_they_begin() {
        let mut state = State::new(Sources::seeded(1, Timestamp::UNIX_EPOCH));
        let region = Region::global();
        let operation = operations::find("Encrypt").expect("an operation of the table");
        for number in 0..Trail::KEPT + 3 {
            let caller = caller(if number % 2 == 0 { "even" } else { "odd" });
            let call = Call {
                caller: &caller,
                via: &Via::Direct,
                region: &region,
                request_id: &number.to_string(),
            };
            let note = Note {
                request_parameters: Some(json!({ "number": number })),
                ..Note::default()
            };
            record(&mut state, &call, operation, note, None);
        }
        let trail = &state.kms.trail;
        assert_eq!((trail.first(), trail.events.len()), (3, Trail::KEPT));
        assert_eq!(trail.actors.len(), 2, "callers are remembered once");
        let (events, next) = trail.since(0);
        assert_eq!((events.len(), next), (Trail::KEPT, Trail::KEPT as u64 + 3));
        assert_eq!(events[0]["requestID"], "3");
        assert_eq!(events[0]["userAgent"], "odd");
        assert_eq!(events[1]["userAgent"], "even");
        assert_eq!(events[1]["requestParameters"], json!({ "number": 4 }));
        assert_eq!(trail.since(next - 1).0.len(), 1);
        assert!(trail.since(next).0.is_empty());
    }
}
