//! A case for a pure evaluator: no world, the policies that apply and one or more requests.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{BlamedExpect, PolicyText, VpcEndpointKind};
use crate::name::{AccountId, Action};
use crate::policy::PolicyKind;

/// Policies and requests.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct EvaluatorCase {
    /// The one request; excludes `requests`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub request: Option<EvaluatorRequest>,
    /// Several requests under the same policies, each with its own expectation.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub requests: Vec<EvaluatorRequest>,
    /// The policies.
    pub policies: EvaluatorPolicies,
    /// Live grants on the key.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub grants: Vec<EvaluatorGrant>,
    /// Which accounts S3's canonical user ids stand for (`iam:P-12`).
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub canonical_users: BTreeMap<String, AccountId>,
    /// Documents that somebody wants to save, each with its own expectation; they need no request and no policies.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub saves: Vec<EvaluatorSave>,
}

/// A document that somebody wants to save.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct EvaluatorSave {
    /// What kind of policy it is to be.
    pub kind: PolicyKind,
    /// The document, as given.
    pub document: PolicyText,
    /// ARNs of the users and roles that exist; absent means that nobody looks (`iam:P-43`).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub existing_principals: Option<Vec<String>>,
    /// What must come out.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub expect: Option<EvaluatorSaveExpect>,
}

/// The expectation of a document to be saved.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct EvaluatorSaveExpect {
    /// Whether it is accepted.
    pub saved: bool,
    /// The rule that refuses it, such as `iam:E-01`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rule: Option<String>,
    /// The message of the refusal, whole.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub message: Option<String>,
}

/// One request.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct EvaluatorRequest {
    /// Who asks.
    pub principal: EvaluatorPrincipal,
    /// The IAM action.
    pub action: Action,
    /// The resource ARN or `*`.
    pub resource: String,
    /// Owner of the resource; default the ARN's account field, for S3 the principal's account.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub resource_account: Option<AccountId>,
    /// Condition keys: text, number or boolean, a list for a multivalued key, `null` to remove a derived key.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub context: BTreeMap<String, serde_json::Value>,
    /// The expectation, in a list of requests.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub expect: Option<EvaluatorExpect>,
}

/// Who asks: an ARN, `anonymous`, a service, a caller with a token of an identity provider, or a federated user whose maker is known.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(
    untagged,
    expecting = "expected an ARN, `anonymous`, {service: …}, {federated: …} or {federated_user: …, made_by: …}"
)]
pub enum EvaluatorPrincipal {
    /// An ARN of a user, role, role session, federated user or root; or the word `anonymous`.
    Arn(String),
    /// A service principal.
    Service {
        /// Its name.
        service: String,
    },
    /// A caller of AssumeRoleWithSAML or AssumeRoleWithWebIdentity (`iam:P-11`).
    Federated {
        /// The provider's ARN or host name.
        federated: String,
    },
    /// A GetFederationToken session together with the user that made it (`iam:P-04`); the bare ARN does not say who that was.
    FederatedUser {
        /// The session's ARN.
        federated_user: String,
        /// The ARN of the IAM user that called GetFederationToken.
        made_by: String,
    },
}

/// The policies that apply.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct EvaluatorPolicies {
    /// Identity-based policies.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub identity: Vec<PolicyText>,
    /// The permissions boundary.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub permissions_boundary: Option<PolicyText>,
    /// Session policies; absent is not the same as empty (`iam:L-77`).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub session: Option<Vec<PolicyText>>,
    /// Key policy, bucket policy or role trust policy.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub resource: Option<PolicyText>,
    /// One list per organization level, root first; absent means no organization, and a level without policies allows nothing.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub service_control: Vec<Vec<PolicyText>>,
    /// One list per organization level, root first.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub resource_control: Vec<Vec<PolicyText>>,
    /// The VPC endpoint the request came through.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub vpc_endpoint: Option<EvaluatorVpcEndpoint>,
}

/// A VPC endpoint with its policy.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct EvaluatorVpcEndpoint {
    /// Gateway or interface.
    #[serde(rename = "type")]
    pub kind: VpcEndpointKind,
    /// Its policy.
    pub policy: PolicyText,
}

/// A live grant.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct EvaluatorGrant {
    /// Grantee.
    pub grantee_principal: String,
    /// Operations.
    pub operations: Vec<String>,
    /// Constraints.
    pub constraints: EvaluatorGrantConstraints,
}

/// Constraints of a grant.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct EvaluatorGrantConstraints {
    /// Exactly these pairs.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub encryption_context_equals: Option<BTreeMap<String, String>>,
    /// At least these pairs.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub encryption_context_subset: Option<BTreeMap<String, String>>,
    /// Only for this source, when a service calls.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub source_arn: Option<String>,
}

/// The expectation of one request.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct EvaluatorExpect {
    /// What must come out.
    pub decision: EvaluatorDecision,
    /// Which policy types may be blamed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub blamed: Option<BlamedExpect>,
}

/// An evaluator's answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum EvaluatorDecision {
    /// Allowed.
    Allow,
    /// Denied, implicitly or explicitly.
    Deny,
    /// Denied by a statement.
    ExplicitDeny,
    /// Not allowed by anything.
    ImplicitDeny,
    /// A document could not be used (`iam:E-22`).
    Error,
}

impl EvaluatorDecision {
    /// The decision as a case writes it.
    pub fn word(self) -> &'static str {
        match self {
            Self::Allow => "allow",
            Self::Deny => "deny",
            Self::ExplicitDeny => "explicit_deny",
            Self::ImplicitDeny => "implicit_deny",
            Self::Error => "error",
        }
    }
}
