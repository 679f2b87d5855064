//! From the JSON of the form to an [`EvaluatorCase`]. Unknown members are refused; policies are taken as
//! they are, whatever they say: a broken one is an answer, not a malformed case.

use std::cell::RefCell;
use std::collections::{BTreeMap, BTreeSet};

use serde::Deserialize;
use serde_json::Value;

use super::request::{FormCaller, build_context};
use super::saving::text_of;
use super::*;
use crate::authorizer::{ContextValue, PrincipalResolver};

/// What `s3:ListAllMyBuckets` is matched as.
const EVERY_BUCKET: &str = "arn:aws:s3:::*";

/// The value is not of the form of an evaluator case.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum FormError {
    /// A member is unknown, missing or of another type.
    #[error("not an evaluator case: {0}")]
    Shape(String),
    /// Both `request` and `requests`, or neither and no `saves`.
    #[error("an evaluator case has either `request` or `requests`, or at least `saves`")]
    Requests,
    /// A principal that names nobody who can call.
    #[error("`{0}` is not a principal that can call")]
    Principal(String),
    /// An account id that is not twelve digits.
    #[error("`{0}` is not an account id")]
    Account(String),
    /// Two context keys that are one: which of them the case means is not said. Members of a family, such as tags, may
    /// differ by case only (`iam:C-02`).
    #[error("the context keys `{0}` and `{1}` differ only in letter case")]
    Ambiguous(String, String),
    /// A context value that is neither scalar nor list of scalars.
    #[error("the context key `{0}` has neither a scalar nor a list of scalars")]
    Context(String),
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RawCase {
    request: Option<RawRequest>,
    requests: Option<Vec<RawRequest>>,
    #[serde(default)]
    policies: Option<RawPolicies>,
    #[serde(default)]
    grants: Option<Vec<EvaluatorGrant>>,
    #[serde(default)]
    saves: Option<Vec<RawSave>>,
    #[serde(default)]
    canonical_users: Option<BTreeMap<String, String>>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RawSave {
    kind: SaveKind,
    document: Value,
    #[serde(default)]
    existing_principals: Option<BTreeSet<String>>,
    /// Compared elsewhere.
    #[serde(default, rename = "expect")]
    _expect: Option<Value>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RawRequest {
    principal: RawPrincipal,
    action: String,
    resource: String,
    #[serde(default)]
    resource_account: Option<String>,
    #[serde(default)]
    context: Option<BTreeMap<String, Value>>,
    /// Compared elsewhere.
    #[serde(default, rename = "expect")]
    _expect: Option<Value>,
}

#[derive(Deserialize)]
#[serde(untagged)]
enum RawPrincipal {
    Named(String),
    Service(RawService),
    Federated(RawFederated),
    FederatedUser(RawFederatedUser),
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RawService {
    service: String,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RawFederated {
    federated: String,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RawFederatedUser {
    federated_user: String,
    made_by: String,
}

#[derive(Deserialize, Default)]
#[serde(deny_unknown_fields)]
struct RawPolicies {
    #[serde(default)]
    identity: Option<Vec<Value>>,
    #[serde(default)]
    permissions_boundary: Option<Value>,
    #[serde(default)]
    session: Option<Vec<Value>>,
    #[serde(default)]
    resource: Option<Value>,
    #[serde(default)]
    service_control: Option<Vec<Vec<Value>>>,
    #[serde(default)]
    resource_control: Option<Vec<Vec<Value>>>,
    #[serde(default)]
    vpc_endpoint: Option<RawEndpoint>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RawEndpoint {
    r#type: EndpointType,
    #[serde(default)]
    policy: Option<Value>,
}

#[derive(Clone, Copy, Deserialize, PartialEq, Eq)]
#[serde(rename_all = "snake_case")]
enum EndpointType {
    Gateway,
    Interface,
}

pub(super) fn read(form: &Value, library: &mut Library) -> Result<EvaluatorCase, FormError> {
    let raw = RawCase::deserialize(form).map_err(|error| FormError::Shape(error.to_string()))?;
    let requests = match (raw.request, raw.requests) {
        (Some(request), None) => vec![request],
        (None, Some(requests)) => requests,
        (None, None) if raw.saves.is_some() => Vec::new(),
        _ => return Err(FormError::Requests),
    };
    let canonical_users = read_canonical_users(raw.canonical_users.unwrap_or_default())?;
    let saves = raw.saves.unwrap_or_default().into_iter().map(|save| EvaluatorSave {
        kind: save.kind,
        text: text_of(&save.document),
        existing_principals: save.existing_principals,
    });
    Ok(EvaluatorCase {
        saves: saves.collect(),
        requests: requests.into_iter().map(read_request).collect::<Result<_, _>>()?,
        policies: read_policies(raw.policies.unwrap_or_default(), &canonical_users, library),
        grants: raw.grants.unwrap_or_default(),
        canonical_users,
    })
}

fn read_canonical_users(raw: BTreeMap<String, String>) -> Result<BTreeMap<String, AccountId>, FormError> {
    raw.into_iter()
        .map(|(id, account)| match AccountId::parse(&account) {
            Some(account) => Ok((id, account)),
            None => Err(FormError::Account(account)),
        })
        .collect()
}

fn read_request(raw: RawRequest) -> Result<EvaluatorRequest, FormError> {
    let given = read_context(raw.context.unwrap_or_default())?;
    let named = match raw.principal {
        RawPrincipal::Named(name) => FormCaller::parse(&name, &given).ok_or(FormError::Principal(name))?,
        RawPrincipal::Service(RawService { service }) if service.is_empty() => {
            return Err(FormError::Principal(service));
        }
        RawPrincipal::Service(RawService { service }) => FormCaller::service(service),
        RawPrincipal::Federated(RawFederated { federated }) if federated.is_empty() => {
            return Err(FormError::Principal(federated));
        }
        RawPrincipal::Federated(RawFederated { federated }) => FormCaller::web_identity(federated),
        RawPrincipal::FederatedUser(RawFederatedUser {
            federated_user,
            made_by,
        }) => FormCaller::federated_user(&federated_user, &made_by, &given)
            .ok_or_else(|| FormError::Principal(format!("{federated_user} made by {made_by}")))?,
    };
    let resource_account = match raw.resource_account {
        Some(text) => Some(AccountId::parse(&text).ok_or(FormError::Account(text))?),
        // The owner follows from an ARN that has an account.
        None => raw.resource.split(':').nth(4).and_then(AccountId::parse),
    };
    let owner = resource_account.as_ref().or_else(|| named.caller.account());
    // `iam:OQ-14`: it is matched as every bucket's ARN.
    let lists_buckets = raw.action.eq_ignore_ascii_case("s3:ListAllMyBuckets") && raw.resource == "*";
    let resource = if lists_buckets {
        EVERY_BUCKET.to_owned()
    } else {
        raw.resource
    };
    Ok(EvaluatorRequest {
        context: build_context(&named, owner, &given),
        encryption_context: request::encryption_context(&given),
        caller: named.caller,
        action: raw.action,
        resource,
        resource_account,
    })
}

/// `None` removes the key.
pub(super) type GivenContext = BTreeMap<String, Option<ContextValue>>;

fn read_context(raw: BTreeMap<String, Value>) -> Result<GivenContext, FormError> {
    let mut seen: BTreeMap<String, &String> = BTreeMap::new();
    for key in raw.keys().filter(|key| !request::is_family_member(key)) {
        if let Some(other) = seen.insert(key.to_lowercase(), key) {
            return Err(FormError::Ambiguous(other.clone(), key.clone()));
        }
    }
    raw.into_iter()
        .map(|(key, value)| {
            let read = match value {
                Value::Null => None,
                Value::Array(items) => {
                    let texts: Option<Vec<String>> = items.iter().map(scalar_text).collect();
                    Some(ContextValue::Many(
                        texts.ok_or_else(|| FormError::Context(key.clone()))?.into(),
                    ))
                }
                scalar => {
                    let text = scalar_text(&scalar).ok_or_else(|| FormError::Context(key.clone()))?;
                    Some(ContextValue::Single(text.into()))
                }
            };
            Ok((key, read))
        })
        .collect()
}

fn scalar_text(value: &Value) -> Option<String> {
    match value {
        Value::String(text) => Some(text.clone()),
        Value::Bool(truth) => Some(truth.to_string()),
        Value::Number(number) => Some(number.to_string()),
        Value::Null | Value::Array(_) | Value::Object(_) => None,
    }
}

fn read_policies(
    raw: RawPolicies,
    canonical_users: &BTreeMap<String, AccountId>,
    library: &mut Library,
) -> EvaluatorPolicies {
    let library = RefCell::new(library);
    let policy = |kind, document: &Value| {
        if canonical_users.is_empty() {
            return library.borrow_mut().read(kind, document);
        }
        let users = CanonicalUsers(canonical_users);
        Arc::new(Policy::stored_among(kind, &text_of(document), Some(&users)))
    };
    let list = |kind, documents: Vec<Value>| -> Vec<AttachedPolicy> {
        documents
            .iter()
            .map(|document| AttachedPolicy::inline(policy(kind, document)))
            .collect()
    };
    let levels = |kind, levels: Option<Vec<Vec<Value>>>| -> Vec<PolicyLevel> {
        levels
            .unwrap_or_default()
            .into_iter()
            .map(|documents| PolicyLevel {
                policies: list(kind, documents),
            })
            .collect()
    };
    EvaluatorPolicies {
        sets: PolicySets {
            identity: list(PolicyKind::IdentityManaged, raw.identity.unwrap_or_default()),
            boundary: raw
                .permissions_boundary
                .map(|document| AttachedPolicy::inline(policy(PolicyKind::Boundary, &document))),
            session: raw.session.map(|documents| list(PolicyKind::Session, documents)),
            // A level without SCPs allows nothing (`iam:L-03`).
            service_control: levels(PolicyKind::ServiceControl, raw.service_control),
            resource_control: levels(PolicyKind::ResourceControl, raw.resource_control),
            // Without a document the endpoint has its default one, which allows everything (`iam:L-90`).
            endpoint: raw.vpc_endpoint.and_then(|endpoint| {
                Some(EndpointPolicy {
                    policy: policy(PolicyKind::VpcEndpoint, &endpoint.policy?),
                    gateway: endpoint.r#type == EndpointType::Gateway,
                })
            }),
            ..PolicySets::default()
        },
        resource: raw.resource.map(|document| ResourceReadings {
            generic: policy(PolicyKind::BucketPolicy, &document),
            key: policy(PolicyKind::KeyPolicy, &document),
            trust: policy(PolicyKind::Trust, &document),
        }),
    }
}

/// Whose canonical user ids are. Nobody is bound to unique ids: the form names users and roles by their ARNs.
struct CanonicalUsers<'a>(&'a BTreeMap<String, AccountId>);

impl PrincipalResolver for CanonicalUsers<'_> {
    fn unique_id_of(&self, _arn: &str) -> Option<String> {
        None
    }

    fn arn_of(&self, _unique_id: &str) -> Option<String> {
        None
    }

    fn account_of_canonical_user(&self, canonical_id: &str) -> Option<AccountId> {
        self.0.get(canonical_id).cloned()
    }
}
