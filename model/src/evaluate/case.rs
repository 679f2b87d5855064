//! Runs a case for a pure evaluator: reads its policies, fills in the keys that follow from principal and resource, decides.
//! What to expect of the answer is the case's; comparing is done by [`Answer::meets`].

mod grant;
mod library;
mod principal;
mod save;

use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use jiff::civil::Date;
use serde_json::Value;

use super::{Judgement, PolicyRef, PolicySets, Request, ResourcePolicy, VpcEndpoint, decide, judge};
use crate::case::{BlamedExpect, EvaluatorCase, EvaluatorDecision, EvaluatorExpect, EvaluatorRequest, PolicyText};
use crate::context::{ContextValue, is_multivalued, principal_keys};
use crate::name::{AccountId, Action, Arn};
use crate::outcome::{Check, CheckDecision, PolicySet};
use crate::policy::{Document, PolicyError, PolicyKind, rules_of_reading};
use crate::quirks::Quirks;
use crate::rule::Rules;

pub use library::Library;
pub use save::{SaveAnswer, save};

/// Why a case cannot be run: a fault of the case, never an answer of AWS.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum CaseFault {
    /// Exactly one of `request` and `requests` must be given, or `saves` alone.
    #[error("an evaluator case needs either `request` or `requests`, or `saves` alone")]
    Requests,
    /// The principal is none the evaluator knows.
    #[error(
        "`{0}` is not a principal: an ARN of a user, role, session, federated user or root, or `anonymous`, is needed"
    )]
    Principal(String),
    /// The resource is neither an ARN nor `*`.
    #[error("`{0}` is not a resource: an ARN or `*` is needed")]
    Resource(String),
    /// A context value is an object or holds one.
    #[error("the value of `{0}` in `context` must be a text, a number, a boolean, a list of them, or null")]
    ContextValue(String),
}

/// The answer to one request.
#[derive(Debug, Clone, PartialEq)]
pub enum Answer {
    /// A decision.
    Decided(Box<Check>),
    /// A document cannot be used, so nothing is decided (`iam:E-22`, `iam:L-99`).
    Unusable {
        /// Which document: `identity[0]`, `resource`, `service_control[1][0]`.
        document: String,
        /// What is wrong with it, where, and by which rule.
        error: PolicyError,
    },
}

impl Answer {
    /// The decision in the words of an evaluator case.
    pub fn decision(&self) -> EvaluatorDecision {
        match self {
            Self::Decided(check) => match check.decision {
                CheckDecision::Allow => EvaluatorDecision::Allow,
                CheckDecision::ImplicitDeny => EvaluatorDecision::ImplicitDeny,
                CheckDecision::ExplicitDeny => EvaluatorDecision::ExplicitDeny,
            },
            Self::Unusable { .. } => EvaluatorDecision::Error,
        }
    }

    /// The policy type a message would name.
    pub fn blamed(&self) -> Option<PolicySet> {
        match self {
            Self::Decided(check) => check.blamed,
            Self::Unusable { .. } => None,
        }
    }

    /// Whether the answer is what was expected; if not, the difference in words.
    ///
    /// # Errors
    /// The difference.
    pub fn meets(&self, expect: &EvaluatorExpect) -> Result<(), String> {
        let decision = self.decision();
        let fits = match expect.decision {
            EvaluatorDecision::Deny => matches!(
                decision,
                EvaluatorDecision::ImplicitDeny | EvaluatorDecision::ExplicitDeny
            ),
            exact => decision == exact,
        };
        if !fits {
            return Err(format!("expected {:?}, got {decision:?}", expect.decision));
        }
        let blamed = self.blamed();
        let accepted = match &expect.blamed {
            None => true,
            Some(BlamedExpect::One(set)) => blamed == Some(*set),
            Some(BlamedExpect::AnyOf { any_of }) => blamed.is_some_and(|set| any_of.contains(&set)),
        };
        if accepted {
            Ok(())
        } else {
            Err(format!("expected blame {:?}, got {blamed:?}", expect.blamed))
        }
    }
}

/// Runs every request of a case, in order.
///
/// # Errors
/// [`CaseFault`] when the case itself cannot be understood.
pub fn run(case: &EvaluatorCase, quirks: &Quirks, as_of: Date) -> Result<Vec<Answer>, CaseFault> {
    let explained = |request: &Request<'_>, sets: &PolicySets<'_>| {
        let check = decide(request, sets, quirks);
        Answer::Decided(Box::new(check))
    };
    let unusable = |Unusable { document, error }: &Unusable| Answer::Unusable {
        document: document.clone(),
        error: error.clone(),
    };
    run_with(case, quirks, as_of, &mut Library::default(), explained, unusable)
}

/// What an answer comes to, without its explanation.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Verdict {
    /// A decision, and whom it is blamed on.
    Decided(Judgement),
    /// A document cannot be used: which, as in [`Answer::Unusable`].
    Unusable(String),
}

/// Every request of a case, in order, without explanations and with documents that were read for earlier cases: for many cases over few
/// documents. What is decided is what [`run`] decides.
///
/// # Errors
/// [`CaseFault`] when the case itself cannot be understood.
pub fn judge_from(
    case: &EvaluatorCase,
    quirks: &Quirks,
    as_of: Date,
    library: &mut Library,
) -> Result<Vec<Verdict>, CaseFault> {
    let judged = |request: &Request<'_>, sets: &PolicySets<'_>| Verdict::Decided(judge(request, sets, quirks));
    let unusable = |unusable: &Unusable| Verdict::Unusable(unusable.document.clone());
    run_with(case, quirks, as_of, library, judged, unusable)
}

/// Asks `decided` about every request under the policies that were read for it, or tells `unusable` the document that cannot be used.
fn run_with<T>(
    case: &EvaluatorCase,
    quirks: &Quirks,
    as_of: Date,
    library: &mut Library,
    decided: impl Fn(&Request<'_>, &PolicySets<'_>) -> T,
    unusable: impl Fn(&Unusable) -> T,
) -> Result<Vec<T>, CaseFault> {
    let requests: Vec<&EvaluatorRequest> = match (&case.request, case.requests.as_slice()) {
        (Some(request), []) => vec![request],
        (None, [_, ..]) => case.requests.iter().collect(),
        (None, []) if !case.saves.is_empty() => Vec::new(),
        _ => return Err(CaseFault::Requests),
    };
    // Requests to which the resource's policy means the same share what was read.
    let mut gathered: Vec<(PolicyPart, Option<AccountId>, Result<Policies, Unusable>)> = Vec::new();
    let mut answers = Vec::with_capacity(requests.len());
    for request in requests {
        let part = PolicyPart::of(request);
        let owner = resource_account(request);
        // Only what may retire a grant depends on the owner.
        let owner = owner.as_deref().filter(|_| part == PolicyPart::RetiringKey);
        let known = gathered
            .iter()
            .position(|(known, whose, _)| *known == part && whose.as_ref() == owner);
        let at = known.unwrap_or_else(|| {
            gathered.push((part, owner.cloned(), Policies::parse(case, part, owner, library)));
            gathered.len() - 1
        });
        answers.push(match &gathered[at].2 {
            Ok(policies) => answer(request, case, policies, quirks, as_of, &decided)?,
            Err(document) => unusable(document),
        });
    }
    Ok(answers)
}

/// The rules of the grammar by which the documents of a request are read, whether they can be used or not.
pub fn reading_rules(case: &EvaluatorCase, request: &EvaluatorRequest) -> Rules {
    let policies = &case.policies;
    let all = |kind| move |text: &PolicyText| rules_of_reading(&text.text(), kind);
    let mut rules = Rules::new();
    rules.extend(policies.identity.iter().flat_map(all(PolicyKind::Inline)));
    rules.extend(policies.permissions_boundary.iter().flat_map(all(PolicyKind::Managed)));
    rules.extend(policies.session.iter().flatten().flat_map(all(PolicyKind::Session)));
    let of_resource = PolicyPart::of(request).kind();
    rules.extend(policies.resource.iter().flat_map(all(of_resource)));
    let service_control = policies.service_control.iter().flatten();
    rules.extend(service_control.flat_map(all(PolicyKind::ServiceControl)));
    let resource_control = policies.resource_control.iter().flatten();
    rules.extend(resource_control.flat_map(all(PolicyKind::ResourceControl)));
    let endpoint = policies.vpc_endpoint.iter().map(|endpoint| &endpoint.policy);
    rules.extend(endpoint.flat_map(all(PolicyKind::VpcEndpoint)));
    rules
}

fn answer<T>(
    request: &EvaluatorRequest,
    case: &EvaluatorCase,
    policies: &Policies,
    quirks: &Quirks,
    as_of: Date,
    decided: impl Fn(&Request<'_>, &PolicySets<'_>) -> T,
) -> Result<T, CaseFault> {
    if request.resource != "*" && Arn::new(request.resource.as_str()).is_err() {
        return Err(CaseFault::Resource(request.resource.clone()));
    }
    let given = given_context(request)?;
    let caller = principal::caller(&request.principal, &given).ok_or_else(|| principal::fault(&request.principal))?;
    let owner = resource_account(request);
    let mut context = principal_keys(&caller);
    if let Some(owner) = owner.as_deref().or(caller.account()) {
        context.set("aws:ResourceAccount", owner.as_str());
    }
    let mut seen = BTreeSet::new();
    for (key, value) in given {
        let collides = !seen.insert(key.to_ascii_lowercase());
        match value {
            // Two tags whose keys differ only in case (iam:C-02, iam:OQ-15).
            Some(_) if collides => context.set(&key, ContextValue::Ambiguous),
            Some(value) => context.set(&key, value),
            None => context.remove(&key),
        }
    }
    let grant = grant::matching(
        &case.grants,
        &caller,
        &request.action,
        &request.resource,
        &context,
        quirks,
    );
    let request = Request {
        caller: &caller,
        action: &request.action,
        resource: &request.resource,
        resource_account: owner.as_deref(),
        context: &context,
        via: None,
        as_of,
    };
    let sets = PolicySets {
        grant,
        ..policies.sets()
    };
    Ok(decided(&request, &sets))
}

/// The context as given: a value, or nothing to remove a derived key. A scalar under a multivalued key is a set of one (`iam:C-04`).
fn given_context(request: &EvaluatorRequest) -> Result<BTreeMap<String, Option<ContextValue>>, CaseFault> {
    let fault = |key: &String| CaseFault::ContextValue(key.clone());
    request
        .context
        .iter()
        .map(|(key, value)| {
            let read = match value {
                Value::Null => None,
                Value::Array(list) => {
                    let texts = list
                        .iter()
                        .map(|item| scalar(item).ok_or_else(|| fault(key)))
                        .collect::<Result<Vec<_>, _>>()?;
                    Some(ContextValue::Many(texts))
                }
                other => {
                    let text = scalar(other).ok_or_else(|| fault(key))?;
                    Some(if is_multivalued(key) {
                        ContextValue::Many(vec![text])
                    } else {
                        ContextValue::from(text)
                    })
                }
            };
            Ok((key.clone(), read))
        })
        .collect()
}

fn scalar(value: &Value) -> Option<String> {
    match value {
        Value::String(text) => Some(text.clone()),
        Value::Number(number) => Some(number.to_string()),
        Value::Bool(truth) => Some(truth.to_string()),
        Value::Null | Value::Array(_) | Value::Object(_) => None,
    }
}

/// Who owns the resource: as given, else the ARN's account field; none where the ARN has no account (S3, `*`), which means the
/// caller's own.
fn resource_account(request: &EvaluatorRequest) -> Option<Cow<'_, AccountId>> {
    if let Some(account) = &request.resource_account {
        return Some(Cow::Borrowed(account));
    }
    Arn::new(request.resource.as_str())
        .ok()
        .and_then(|arn| arn.account())
        .map(Cow::Owned)
}

/// What part the resource's policy plays for a request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum PolicyPart {
    /// The resource can have no policy that counts: KMS pairs that are not on a key (`svc:K-18`).
    None,
    Optional(PolicyKind),
    Key,
    /// A key whose grant is to be retired: what its policy allows is worth nothing, its Deny counts, and the key's account, which is
    /// taken for the grant's, leaves it to its identity policies (`svc:G-16`, `svc:G-16a`).
    RetiringKey,
    Trust,
}

impl PolicyPart {
    /// The kind of policy that stands there; none that counts is read like any other.
    fn kind(self) -> PolicyKind {
        match self {
            Self::None => PolicyKind::Resource,
            Self::Optional(kind) => kind,
            Self::Key | Self::RetiringKey => PolicyKind::Key,
            Self::Trust => PolicyKind::Trust,
        }
    }

    fn of(request: &EvaluatorRequest) -> Self {
        let service = request.action.service().to_ascii_lowercase();
        let on_role = resource_field(&request.resource).is_some_and(|resource| resource.starts_with("role/"));
        // The policy of a key is mandatory because it is a key's, whatever is asked (iam:L-41, iam:10).
        match (service.as_str(), is_key(&request.resource)) {
            ("kms", true) if request.action.operation().eq_ignore_ascii_case("RetireGrant") => Self::RetiringKey,
            (_, true) => Self::Key,
            ("kms", false) => Self::None,
            ("sts", false) if on_role && is_trust_action(&request.action) => Self::Trust,
            ("s3", false) => Self::Optional(PolicyKind::Bucket),
            _ => Self::Optional(PolicyKind::Resource),
        }
    }
}

/// The sixth field of an ARN.
fn resource_field(resource: &str) -> Option<&str> {
    resource.splitn(6, ':').nth(5)
}

/// Whether a resource is a KMS key: an ARN of KMS whose resource says so.
fn is_key(resource: &str) -> bool {
    resource.starts_with("arn:")
        && resource.split(':').nth(2) == Some("kms")
        && resource_field(resource).is_some_and(|name| name.starts_with("key/"))
}

/// Actions for which the trust policy is mandatory (`iam:L-74` as corrected).
fn is_trust_action(action: &Action) -> bool {
    let name = action.operation().to_ascii_lowercase();
    name.starts_with("assumerole") || matches!(name.as_str(), "tagsession" | "setsourceidentity")
}

/// The case's documents, parsed.
struct Policies {
    identity: Vec<Named>,
    permissions_boundary: Option<Named>,
    session: Option<Vec<Named>>,
    resource: Option<Named>,
    part: PolicyPart,
    service_control: Vec<Vec<Named>>,
    resource_control: Vec<Vec<Named>>,
    vpc_endpoint: Option<(crate::case::VpcEndpointKind, Named)>,
}

/// A document with its place in the case.
struct Named {
    name: String,
    document: Arc<Document>,
}

/// A document that cannot be used, with its place in the case and what is wrong with it.
struct Unusable {
    document: String,
    error: PolicyError,
}

impl Named {
    fn parse(text: &PolicyText, name: String, kind: PolicyKind, library: &mut Library) -> Result<Self, Unusable> {
        match library.read(text, kind) {
            Ok(document) => Ok(Self { name, document }),
            Err(error) => Err(Unusable { document: name, error }),
        }
    }

    fn list(texts: &[PolicyText], name: &str, kind: PolicyKind, library: &mut Library) -> Result<Vec<Self>, Unusable> {
        texts
            .iter()
            .enumerate()
            .map(|(position, text)| Self::parse(text, format!("{name}[{position}]"), kind, library))
            .collect()
    }

    fn levels(
        levels: &[Vec<PolicyText>],
        name: &str,
        kind: PolicyKind,
        library: &mut Library,
    ) -> Result<Vec<Vec<Self>>, Unusable> {
        levels
            .iter()
            .enumerate()
            .map(|(level, texts)| Self::list(texts, &format!("{name}[{level}]"), kind, library))
            .collect()
    }

    fn refer(&self) -> PolicyRef<'_> {
        PolicyRef {
            document: &self.document,
            name: &self.name,
            arn: None,
        }
    }
}

impl Policies {
    /// Parses everything; the first document that cannot be used is the answer to the whole request.
    fn parse(
        case: &EvaluatorCase,
        part: PolicyPart,
        owner: Option<&AccountId>,
        library: &mut Library,
    ) -> Result<Self, Unusable> {
        let policies = &case.policies;
        let resource_kind = part.kind();
        // In the order of the form: several documents may be unusable, and the first is told.
        let identity = Named::list(&policies.identity, "identity", PolicyKind::Inline, library)?;
        let permissions_boundary = policies
            .permissions_boundary
            .as_ref()
            .map(|text| Named::parse(text, "permissions_boundary".to_owned(), PolicyKind::Managed, library))
            .transpose()?;
        let session = policies
            .session
            .as_ref()
            .map(|texts| Named::list(texts, "session", PolicyKind::Session, library))
            .transpose()?;
        let resource = match &policies.resource {
            Some(text) => {
                let mut named = Named::parse(text, "resource".to_owned(), resource_kind, library)?;
                let accounts = &case.canonical_users;
                if !accounts.is_empty() {
                    Arc::make_mut(&mut named.document).bind_canonical_users(|id| accounts.get(id).cloned());
                }
                if part == PolicyPart::RetiringKey {
                    named.document = Arc::new(Document::clone(&named.document).rights_to_retire(owner.as_slice()));
                }
                Some(named)
            }
            // Every key has a key policy and every role a trust policy, if only a silent one (svc:K-1).
            None if part == PolicyPart::RetiringKey => Some(Named {
                name: "resource".to_owned(),
                document: Arc::new(Document::empty(resource_kind).rights_to_retire(owner.as_slice())),
            }),
            None if matches!(part, PolicyPart::Key | PolicyPart::Trust) => Some(Named {
                name: "resource".to_owned(),
                document: Arc::new(Document::empty(resource_kind)),
            }),
            None => None,
        };
        Ok(Self {
            identity,
            permissions_boundary,
            session,
            resource,
            part,
            service_control: Named::levels(
                &policies.service_control,
                "service_control",
                PolicyKind::ServiceControl,
                library,
            )?,
            resource_control: Named::levels(
                &policies.resource_control,
                "resource_control",
                PolicyKind::ResourceControl,
                library,
            )?,
            vpc_endpoint: policies
                .vpc_endpoint
                .as_ref()
                .map(|endpoint| {
                    let name = "vpc_endpoint".to_owned();
                    let policy = Named::parse(&endpoint.policy, name, PolicyKind::VpcEndpoint, library)?;
                    Ok((endpoint.kind, policy))
                })
                .transpose()?,
        })
    }

    fn sets(&self) -> PolicySets<'_> {
        PolicySets {
            identity: self.identity.iter().map(Named::refer).collect(),
            permissions_boundary: self.permissions_boundary.as_ref().map(Named::refer),
            session: self
                .session
                .as_ref()
                .map(|session| session.iter().map(Named::refer).collect()),
            resource: match (self.part, &self.resource) {
                (PolicyPart::None, _) | (_, None) => ResourcePolicy::None,
                (PolicyPart::Optional(_), Some(policy)) => ResourcePolicy::Optional(policy.refer()),
                (PolicyPart::Key | PolicyPart::RetiringKey, Some(policy)) => ResourcePolicy::Key(policy.refer()),
                (PolicyPart::Trust, Some(policy)) => ResourcePolicy::Trust(policy.refer()),
            },
            service_control: self
                .service_control
                .iter()
                .map(|level| level.iter().map(Named::refer).collect())
                .collect(),
            resource_control: self
                .resource_control
                .iter()
                .map(|level| level.iter().map(Named::refer).collect())
                .collect(),
            vpc_endpoint: self.vpc_endpoint.as_ref().map(|(kind, policy)| VpcEndpoint {
                kind: *kind,
                policy: Some(policy.refer()),
            }),
            grant: None,
            acl: false,
        }
    }
}
