//! One access question without any server: the form "a case for a pure evaluator" of the Case format. Here
//! live the case, its answers and the rules STS and KMS apply before or after policies. Reading the form is
//! in `form`, callers and derived keys in `request`, grants in `grant`, broken documents in `unusable`.
//!
//! The decision itself is [`authorize`]'s; nothing here matches statements.

mod form;
mod grant;
mod library;
mod request;
mod saving;
mod unusable;

#[cfg(test)]
mod tests;

use std::collections::BTreeMap;
use std::fmt;
use std::sync::{Arc, OnceLock};

use serde_json::Value;

use super::decide::authorize;
use super::policy::{Policy, PolicyKind};
use super::request::{
    AccessRequest, AttachedPolicy, EndpointPolicy, PolicyLevel, PolicySets, ResourcePolicyMode, Settings,
};
use super::verdict::{PolicyType, PolicyTypeSet, Verdict};
use super::{Caller, MatchKinds};
use crate::fault::Fault;
use crate::names::AccountId;

pub use form::{
    CaseForm, DocumentText, EndpointForm, EndpointType, FederatedForm, FederatedUserForm, FormError, PoliciesForm,
    PrincipalForm, RequestForm, SaveForm, ServiceForm,
};
pub use grant::{EvaluatorGrant, GrantConstraints};
pub use library::Library;
pub use request::EvaluatorRequest;
pub use saving::{EvaluatorSave, SaveAnswer, SaveKind};
pub use unusable::UnusableDocument;

/// One case: requests, the policies that apply to all of them, and the grants on the key.
#[derive(Clone, Debug)]
pub struct EvaluatorCase {
    /// `request`, or `requests` in order.
    pub requests: Vec<EvaluatorRequest>,
    /// `policies`, compiled once.
    pub policies: EvaluatorPolicies,
    /// `grants`.
    pub grants: Vec<EvaluatorGrant>,
    /// `saves`: documents that somebody wants to save.
    pub saves: Vec<EvaluatorSave>,
    /// `canonical_users`: whose S3's canonical user ids are (`iam:P-12`).
    pub canonical_users: BTreeMap<String, AccountId>,
}

/// The policies of a case, compiled. The resource policy is kept as text beside its compiled readings: what
/// kind of policy it is depends on the request.
#[derive(Clone, Debug, Default)]
pub struct EvaluatorPolicies {
    /// Everything but the resource policy.
    sets: PolicySets,
    resource: Option<ResourceReadings>,
}

/// The resource policy as each kind of resource would have it, each compiled when a request first asks for it.
#[derive(Clone, Debug)]
struct ResourceReadings {
    text: String,
    canonical_users: BTreeMap<String, AccountId>,
    generic: OnceLock<Arc<Policy>>,
    key: OnceLock<Arc<Policy>>,
    trust: OnceLock<Arc<Policy>>,
}

impl ResourceReadings {
    fn new(text: String, canonical_users: BTreeMap<String, AccountId>) -> Self {
        Self {
            text,
            canonical_users,
            generic: OnceLock::new(),
            key: OnceLock::new(),
            trust: OnceLock::new(),
        }
    }

    /// The reading of a mode, compiled by `compile` unless it was before.
    fn compiled(
        &self,
        mode: ResourcePolicyMode,
        compile: impl FnOnce(PolicyKind, &Self) -> Arc<Policy>,
    ) -> &Arc<Policy> {
        let (reading, kind) = match mode {
            ResourcePolicyMode::KeyPolicy { .. } => (&self.key, PolicyKind::KeyPolicy),
            ResourcePolicyMode::TrustPolicy => (&self.trust, PolicyKind::Trust),
            ResourcePolicyMode::Optional => (&self.generic, PolicyKind::BucketPolicy),
        };
        reading.get_or_init(|| compile(kind, self))
    }
}

/// What the evaluator says about one request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Answer {
    /// Allowed, denied or not decidable.
    pub decision: EvaluatorDecision,
    /// The policy type that is named, in the words of the Case format; `None` when allowed, when a document is
    /// unusable, or when the service refuses whatever the policies say.
    pub blamed: Option<&'static str>,
    /// Every type that denies (explicit) or fails to allow (implicit).
    pub all: Vec<&'static str>,
}

/// The decision of an [`Answer`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum EvaluatorDecision {
    /// Allowed.
    Allow,
    /// Some applicable policy denies (`iam:L-10`).
    ExplicitDeny,
    /// Nothing allows.
    ImplicitDeny,
    /// A collected document cannot be used (`iam:E-22`).
    Error(UnusableDocument),
}

impl EvaluatorDecision {
    /// The word of the Case format.
    pub fn word(&self) -> &'static str {
        match self {
            Self::Allow => "allow",
            Self::ExplicitDeny => "explicit_deny",
            Self::ImplicitDeny => "implicit_deny",
            Self::Error(_) => "error",
        }
    }
}

impl fmt::Display for EvaluatorDecision {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Error(document) => write!(formatter, "error: {document}"),
            other => formatter.write_str(other.word()),
        }
    }
}

/// Answers every request of the `evaluate` member of a case.
///
/// # Errors
/// [`FormError`] when the value is not of the form.
pub fn evaluate_form(form: &Value, settings: &Settings) -> Result<Vec<Answer>, FormError> {
    Ok(EvaluatorCase::parse(form)?.answers(settings))
}

/// Answers every document under `saves` of the `evaluate` member of a case.
///
/// # Errors
/// [`FormError`] when the value is not of the form.
pub fn evaluate_saves(form: &Value, settings: &Settings) -> Result<Vec<SaveAnswer>, FormError> {
    Ok(EvaluatorCase::parse(form)?.save_answers(settings))
}

/// Answers one request under the policies and grants of its case.
pub fn evaluate(
    request: &EvaluatorRequest,
    policies: &EvaluatorPolicies,
    grants: &[EvaluatorGrant],
    settings: &Settings,
) -> Answer {
    if !reads_on(settings)
        && let Some(document) = unusable::find(&policies.sets, policies.resource_of(request.mode()).map(Arc::as_ref))
    {
        return Answer::error(document);
    }
    match before_policies(request) {
        Some(Ruling::Allowed) => return Answer::allow(),
        Some(Ruling::Refused) => return Answer::refused(),
        None => {}
    }
    let mode = request.mode();
    let sets = policies.sets_for(request, grants, settings);
    let question = AccessRequest {
        caller: &request.caller,
        action: &request.action,
        resource: &request.resource,
        resource_account: request.resource_account.as_ref(),
        mode,
        context: &request.context,
    };
    match authorize(&question, &sets, settings) {
        // Every document is usable by now, so this is never seen.
        Verdict::Error(error) => Answer::error(UnusableDocument {
            document: error.policy_type.noun().to_owned(),
            rule: "iam:E-22",
            place: "/".to_owned(),
            message: error.reason,
        }),
        Verdict::Deny(denial) => Answer {
            decision: if denial.explicit {
                EvaluatorDecision::ExplicitDeny
            } else {
                EvaluatorDecision::ImplicitDeny
            },
            blamed: Some(blame_word(denial.blamed)),
            all: blame_words(denial.all),
        },
        Verdict::Allow(_) if fails_whatever_policies_say(request) => Answer::refused(),
        Verdict::Allow(_) => Answer::allow(),
    }
}

/// Whether a fault makes unusable documents no reason to stop.
fn reads_on(settings: &Settings) -> bool {
    settings.faults.contains(Fault::UnusablePolicyIgnored) || settings.faults.contains(Fault::UnreadablePartsSkipped)
}

impl EvaluatorCase {
    /// Reads the `evaluate` member of a case. `expect` members are left to whoever compares.
    ///
    /// # Errors
    /// [`FormError`] when the value is not of the form.
    pub fn parse(form: &Value) -> Result<Self, FormError> {
        form::read(form, &mut Library::default())
    }

    /// The same, with documents that were compiled for earlier cases: many cases over few documents compile each of
    /// them once.
    ///
    /// # Errors
    /// [`FormError`] when the value is not of the form.
    pub fn parse_from(form: &Value, library: &mut Library) -> Result<Self, FormError> {
        form::read(form, library)
    }

    /// One answer a request, in order.
    pub fn answers(&self, settings: &Settings) -> Vec<Answer> {
        self.requests
            .iter()
            .map(|request| evaluate(request, &self.policies, &self.grants, settings))
            .collect()
    }

    /// One answer a document to be saved, in order.
    pub fn save_answers(&self, settings: &Settings) -> Vec<SaveAnswer> {
        self.saves
            .iter()
            .map(|save| save.answer(&self.canonical_users, settings))
            .collect()
    }
}

impl Answer {
    fn allow() -> Self {
        Self {
            decision: EvaluatorDecision::Allow,
            blamed: None,
            all: Vec::new(),
        }
    }

    fn error(document: UnusableDocument) -> Self {
        Self {
            decision: EvaluatorDecision::Error(document),
            blamed: None,
            all: Vec::new(),
        }
    }

    /// The service refuses, and no policy is to blame.
    fn refused() -> Self {
        Self {
            decision: EvaluatorDecision::ImplicitDeny,
            blamed: None,
            all: Vec::new(),
        }
    }
}

impl EvaluatorPolicies {
    /// The resource policy as the mode reads it.
    fn resource_of(&self, mode: ResourcePolicyMode) -> Option<&Arc<Policy>> {
        let readings = self.resource.as_ref()?;
        Some(readings.compiled(mode, |kind, readings| {
            Arc::new(form::policy_among(kind, &readings.text, &readings.canonical_users))
        }))
    }

    fn sets_for(&self, request: &EvaluatorRequest, grants: &[EvaluatorGrant], settings: &Settings) -> PolicySets {
        let mode = request.mode();
        let mut sets = self.sets.clone();
        // Without a key there is no key policy, and aliases have none.
        sets.resource = self.resource_of(mode).filter(|_| !request.is_keyless()).cloned();
        if request.is_never_across_accounts() {
            // `svc:K-9`: neither the key policy nor a grant can help; their Denies still count.
            sets.resource_allows_count = false;
        } else if matches!(mode, ResourcePolicyMode::KeyPolicy { .. }) && request.is_of_service("kms") {
            sets.grant = grant::best_match(grants, request, settings);
            if request.is_action("kms:RetireGrant") {
                // `svc:G-16`: the key policy's Allow is ineffective; the key's account delegates by itself.
                sets.resource_allows_count = false;
                if settings.quirks.key_owner_account_may_retire && request.caller.account() == request.owner() {
                    sets.resource_side = MatchKinds::ACCOUNT;
                }
            }
        }
        sets
    }
}

enum Ruling {
    Allowed,
    Refused,
}

/// What STS and IAM settle before they look at policies (`iam:L-63`, `iam:L-78`, `iam:L-80`).
fn before_policies(request: &EvaluatorRequest) -> Option<Ruling> {
    let caller = &request.caller;
    let has_credentials = !matches!(caller, Caller::Anonymous | Caller::WebIdentity { .. });
    if request.is_action("sts:GetCallerIdentity") && has_credentials {
        return Some(Ruling::Allowed);
    }
    // `iam:L-63`.
    if matches!(caller, Caller::Root { .. }) && request.is_action("sts:AssumeRole") {
        return Some(Ruling::Refused);
    }
    let mints_session = request.is_action("sts:GetSessionToken") || request.is_action("sts:GetFederationToken");
    match caller {
        Caller::FederatedUser { .. } if request.is_of_service("iam") || request.is_of_service("sts") => {
            Some(Ruling::Refused)
        }
        Caller::RoleSession { .. } if mints_session => Some(Ruling::Refused),
        Caller::User { .. } if request.has_temporary_credentials() && request.is_barred_from_user_sessions() => {
            Some(Ruling::Refused)
        }
        Caller::User { .. } | Caller::Root { .. } if request.is_action("sts:GetSessionToken") => Some(Ruling::Allowed),
        _ => None,
    }
}

/// Whether the request fails although the policies allow it, so that none of them is to blame: aliases of AWS managed
/// keys (errata `svc:K-30`).
fn fails_whatever_policies_say(request: &EvaluatorRequest) -> bool {
    let touches_alias = ["kms:CreateAlias", "kms:UpdateAlias", "kms:DeleteAlias"]
        .iter()
        .any(|action| request.is_action(action));
    let is_reserved = request
        .resource
        .splitn(6, ':')
        .nth(5)
        .is_some_and(|name| name.starts_with("alias/aws/"));
    touches_alias && is_reserved
}

/// The actions that work on a key of another account (`svc:K-8`).
const CROSS_ACCOUNT_KEY_ACTIONS: &[&str] = &[
    "kms:Encrypt",
    "kms:Decrypt",
    "kms:ReEncryptFrom",
    "kms:ReEncryptTo",
    "kms:GenerateDataKey",
    "kms:GenerateDataKeyWithoutPlaintext",
    "kms:GenerateDataKeyPair",
    "kms:GenerateDataKeyPairWithoutPlaintext",
    "kms:Sign",
    "kms:Verify",
    "kms:GenerateMac",
    "kms:VerifyMac",
    "kms:DeriveSharedSecret",
    "kms:Encapsulate",
    "kms:Decapsulate",
    "kms:CreateGrant",
    "kms:DescribeKey",
    "kms:GetKeyRotationStatus",
    "kms:GetPublicKey",
    "kms:ListGrants",
    "kms:RetireGrant",
    "kms:RevokeGrant",
];

/// The words of the Case format for the blamed sets.
fn blame_word(policy_type: PolicyType) -> &'static str {
    match policy_type {
        PolicyType::ServiceControl => "service_control",
        PolicyType::ResourceControl => "resource_control",
        PolicyType::VpcEndpoint => "vpc_endpoint",
        PolicyType::PermissionsBoundary => "permissions_boundary",
        PolicyType::Session => "session",
        PolicyType::Identity => "identity",
        PolicyType::Resource => "resource",
        PolicyType::RoleTrust => "trust",
    }
}

fn blame_words(types: PolicyTypeSet) -> Vec<&'static str> {
    types.iter().map(blame_word).collect()
}
