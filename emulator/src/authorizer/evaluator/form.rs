//! From the JSON of the form to an [`EvaluatorCase`]. Unknown members are refused; policies are taken as
//! they are, whatever they say: a broken one is an answer, not a malformed case.

use std::borrow::Cow;
use std::cell::RefCell;
use std::collections::{BTreeMap, BTreeSet};

use serde::Deserialize;
use serde_json::Value;

use super::request::{FormCaller, build_context};
use super::saving::text_of;
use super::*;
use crate::authorizer::principal::{is_provider, is_service_name};
use crate::authorizer::{ContextValue, PrincipalResolver, arn};

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
    /// A resource that is neither an ARN nor `*`.
    #[error("`{0}` is neither an ARN nor `*`")]
    Resource(String),
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

/// The form as values, for callers in this process: what they have is not written as JSON and read again. Members are those of the form.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CaseForm<'a> {
    /// The one request; excludes `requests`.
    #[serde(borrow)]
    pub request: Option<RequestForm<'a>>,
    /// Several requests.
    #[serde(borrow)]
    pub requests: Option<Vec<RequestForm<'a>>>,
    /// The policies that apply to all of them.
    #[serde(default, borrow)]
    pub policies: Option<PoliciesForm<'a>>,
    /// The grants on the key.
    #[serde(default)]
    pub grants: Option<Vec<EvaluatorGrant>>,
    /// Documents that somebody wants to save.
    #[serde(default)]
    pub saves: Option<Vec<SaveForm>>,
    /// Whose S3's canonical user ids are.
    #[serde(default)]
    pub canonical_users: Option<BTreeMap<String, String>>,
}

/// A document to be saved, as the form has it.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SaveForm {
    /// What kind of policy it is to be.
    pub kind: SaveKind,
    /// A mapping, or the text itself.
    pub document: Value,
    /// The users and roles that exist, if anybody looks.
    #[serde(default)]
    pub existing_principals: Option<BTreeSet<String>>,
    /// Compared elsewhere.
    #[serde(default)]
    pub expect: Option<Value>,
}

/// One request as the form has it.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RequestForm<'a> {
    /// Who calls.
    #[serde(borrow)]
    pub principal: PrincipalForm<'a>,
    /// `service:Name`.
    pub action: Cow<'a, str>,
    /// ARN or `*`.
    pub resource: Cow<'a, str>,
    /// Its owner, where the ARN does not say.
    #[serde(default)]
    pub resource_account: Option<Cow<'a, str>>,
    /// Condition keys.
    #[serde(default)]
    pub context: Option<Cow<'a, BTreeMap<String, Value>>>,
    /// Compared elsewhere.
    #[serde(default)]
    pub expect: Option<Value>,
}

/// Who calls, as the form has it.
#[derive(Clone, Debug, Deserialize)]
#[serde(untagged)]
pub enum PrincipalForm<'a> {
    /// By ARN, or `anonymous`.
    Named(Cow<'a, str>),
    /// A service.
    Service(ServiceForm<'a>),
    /// A caller with a token of an identity provider.
    Federated(FederatedForm<'a>),
    /// A federated user whose maker is known.
    FederatedUser(FederatedUserForm<'a>),
}

/// `{service: …}`.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ServiceForm<'a> {
    /// Its principal.
    pub service: Cow<'a, str>,
}

/// `{federated: …}`.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct FederatedForm<'a> {
    /// The provider.
    pub federated: Cow<'a, str>,
}

/// `{federated_user: …, made_by: …}`.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct FederatedUserForm<'a> {
    /// ARN of the session.
    pub federated_user: Cow<'a, str>,
    /// ARN of the user that made it.
    pub made_by: Cow<'a, str>,
}

/// The policies as the form has them.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PoliciesForm<'a> {
    /// Identity-based policies.
    #[serde(default)]
    pub identity: Option<Vec<DocumentText<'a>>>,
    /// The permissions boundary.
    #[serde(default)]
    pub permissions_boundary: Option<DocumentText<'a>>,
    /// Session policies; none is not the same as an empty list.
    #[serde(default)]
    pub session: Option<Vec<DocumentText<'a>>>,
    /// The resource's policy.
    #[serde(default)]
    pub resource: Option<DocumentText<'a>>,
    /// SCPs, a list a level.
    #[serde(default)]
    pub service_control: Option<Vec<Vec<DocumentText<'a>>>>,
    /// RCPs, a list a level.
    #[serde(default)]
    pub resource_control: Option<Vec<Vec<DocumentText<'a>>>>,
    /// The VPC endpoint.
    #[serde(default)]
    pub vpc_endpoint: Option<EndpointForm<'a>>,
}

/// A VPC endpoint as the form has it.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct EndpointForm<'a> {
    /// Gateway or interface.
    pub r#type: EndpointType,
    /// Its policy; without one it has the default policy.
    #[serde(default)]
    pub policy: Option<DocumentText<'a>>,
}

/// The kinds of VPC endpoint.
#[derive(Clone, Copy, Debug, Deserialize, PartialEq, Eq)]
#[serde(rename_all = "snake_case")]
pub enum EndpointType {
    /// A gateway endpoint.
    Gateway,
    /// An interface endpoint.
    Interface,
}

/// The text of a document, whatever it says. In JSON a mapping stands for its compact text.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DocumentText<'a>(pub Cow<'a, str>);

impl<'de> Deserialize<'de> for DocumentText<'_> {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Ok(Self(Cow::Owned(match Value::deserialize(deserializer)? {
            Value::String(text) => text,
            other => other.to_string(),
        })))
    }
}

pub(super) fn read(form: &Value, library: &mut Library) -> Result<EvaluatorCase, FormError> {
    let form = CaseForm::deserialize(form).map_err(|error| FormError::Shape(error.to_string()))?;
    form.read(library)
}

impl CaseForm<'_> {
    /// Reads it, with documents that were compiled for earlier cases.
    ///
    /// # Errors
    /// [`FormError`] when it is not of the form.
    pub fn read(self, library: &mut Library) -> Result<EvaluatorCase, FormError> {
        let requests = match (self.request, self.requests) {
            (Some(request), None) => vec![request],
            (None, Some(requests)) => requests,
            (None, None) if self.saves.is_some() => Vec::new(),
            _ => return Err(FormError::Requests),
        };
        let canonical_users = read_canonical_users(self.canonical_users.unwrap_or_default())?;
        let saves = self.saves.unwrap_or_default().into_iter().map(|save| EvaluatorSave {
            kind: save.kind,
            text: text_of(&save.document),
            existing_principals: save.existing_principals,
        });
        let requests: Vec<EvaluatorRequest> = requests.into_iter().map(read_request).collect::<Result<_, _>>()?;
        let policies = read_policies(self.policies.unwrap_or_default(), &canonical_users, library);
        // What these requests ask of the resource's policy may be known; what others ask of it is compiled for them.
        if let Some(readings) = policies.resource.as_ref().filter(|_| canonical_users.is_empty()) {
            for request in &requests {
                readings.compiled(request.mode(), |kind, readings| library.read(kind, &readings.text));
            }
        }
        Ok(EvaluatorCase {
            saves: saves.collect(),
            requests,
            policies,
            grants: self.grants.unwrap_or_default(),
            canonical_users,
        })
    }
}

fn read_canonical_users(raw: BTreeMap<String, String>) -> Result<BTreeMap<String, AccountId>, FormError> {
    raw.into_iter()
        .map(|(id, account)| match AccountId::parse(&account) {
            Some(account) => Ok((id, account)),
            None => Err(FormError::Account(account)),
        })
        .collect()
}

fn read_request(raw: RequestForm<'_>) -> Result<EvaluatorRequest, FormError> {
    if raw.resource != "*" && !matches!(arn::split(&raw.resource), Some(["arn", ..])) {
        return Err(FormError::Resource(raw.resource.into_owned()));
    }
    let given = match &raw.context {
        Some(context) => read_context(context)?,
        None => GivenContext::new(),
    };
    let named = match raw.principal {
        PrincipalForm::Named(name) => {
            FormCaller::parse(&name, &given).ok_or_else(|| FormError::Principal(name.into_owned()))?
        }
        PrincipalForm::Service(ServiceForm { service }) if !is_service_name(&service) => {
            return Err(FormError::Principal(service.into_owned()));
        }
        PrincipalForm::Service(ServiceForm { service }) => FormCaller::service(service.into_owned()),
        PrincipalForm::Federated(FederatedForm { federated }) if !is_provider(&federated) => {
            return Err(FormError::Principal(federated.into_owned()));
        }
        PrincipalForm::Federated(FederatedForm { federated }) => FormCaller::web_identity(federated.into_owned()),
        PrincipalForm::FederatedUser(FederatedUserForm {
            federated_user,
            made_by,
        }) => FormCaller::federated_user(&federated_user, &made_by, &given)
            .ok_or_else(|| FormError::Principal(format!("{federated_user} made by {made_by}")))?,
    };
    let resource_account = match raw.resource_account {
        Some(text) => Some(AccountId::parse(&text).ok_or_else(|| FormError::Account(text.into_owned()))?),
        // The owner follows from an ARN that has an account.
        None => raw.resource.split(':').nth(4).and_then(AccountId::parse),
    };
    let owner = resource_account.as_ref().or_else(|| named.caller.account());
    // `iam:OQ-14`: it is matched as every bucket's ARN.
    let lists_buckets = raw.action.eq_ignore_ascii_case("s3:ListAllMyBuckets") && raw.resource == "*";
    let resource = if lists_buckets {
        EVERY_BUCKET.to_owned()
    } else {
        raw.resource.into_owned()
    };
    Ok(EvaluatorRequest {
        context: build_context(&named, owner, &given),
        encryption_context: request::encryption_context(&given),
        caller: named.caller,
        action: raw.action.into_owned(),
        resource,
        resource_account,
    })
}

/// `None` removes the key.
pub(super) type GivenContext = BTreeMap<String, Option<ContextValue>>;

fn read_context(raw: &BTreeMap<String, Value>) -> Result<GivenContext, FormError> {
    let mut seen: BTreeMap<String, &String> = BTreeMap::new();
    for key in raw.keys().filter(|key| !request::is_family_member(key)) {
        if let Some(other) = seen.insert(key.to_lowercase(), key) {
            return Err(FormError::Ambiguous(other.clone(), key.clone()));
        }
    }
    raw.iter()
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
                    let text = scalar_text(scalar).ok_or_else(|| FormError::Context(key.clone()))?;
                    Some(ContextValue::Single(text.into()))
                }
            };
            Ok((key.clone(), read))
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
    raw: PoliciesForm<'_>,
    canonical_users: &BTreeMap<String, AccountId>,
    library: &mut Library,
) -> EvaluatorPolicies {
    let library = RefCell::new(library);
    let policy = |kind, document: &DocumentText<'_>| {
        if canonical_users.is_empty() {
            return library.borrow_mut().read(kind, &document.0);
        }
        Arc::new(policy_among(kind, &document.0, canonical_users))
    };
    let list = |kind, documents: Vec<DocumentText<'_>>| -> Vec<AttachedPolicy> {
        documents
            .iter()
            .map(|document| AttachedPolicy::inline(policy(kind, document)))
            .collect()
    };
    let levels = |kind, levels: Option<Vec<Vec<DocumentText<'_>>>>| -> Vec<PolicyLevel> {
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
        resource: raw
            .resource
            .map(|document| ResourceReadings::new(document.0.into_owned(), canonical_users.clone())),
    }
}

/// A document as it is read where these canonical users are known.
pub(super) fn policy_among(kind: PolicyKind, text: &str, canonical_users: &BTreeMap<String, AccountId>) -> Policy {
    if canonical_users.is_empty() {
        return Policy::stored(kind, text);
    }
    Policy::stored_among(kind, text, Some(&CanonicalUsers(canonical_users)))
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
