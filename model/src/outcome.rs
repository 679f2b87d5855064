//! What a step comes to, fully explained. An outcome is never a bare boolean; nothing here decides.

use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::case::Decision;
use crate::name::Action;
use crate::rule::{RuleId, Rules};

/// The result of one step.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Outcome {
    /// allow | deny | error.
    pub decision: Decision,
    /// The error code as the SDK sees it; none on success.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub code: Option<String>,
    /// HTTP status.
    pub status: u16,
    /// The error message; none on success, and on HEAD.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub message: Option<String>,
    /// Every check made, in order; the last one ended the call if it is not an allow.
    pub checks: Vec<Check>,
    /// The action whose check ended the call.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub stops_at: Option<Action>,
    /// The output under AWS names, with symbols where the target chooses values.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub output: Option<serde_json::Value>,
    /// Values the target chooses (ids, tokens, ciphertexts): path in `output` -> the model's symbol for it.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub fresh: BTreeMap<String, String>,
    /// CloudTrail events of KMS calls, in order.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub trail: Vec<serde_json::Value>,
    /// Whether the state is the same as before.
    pub unchanged: bool,
    /// Rules beyond those of the checks that shaped the outcome (key state, validation, messages, choice of key).
    pub rules: Rules,
}

impl Outcome {
    /// All rules named anywhere in the trace.
    pub fn all_rules(&self) -> Rules {
        self.every_rule().cloned().collect()
    }

    /// The same, each as often as it is named.
    pub fn every_rule(&self) -> impl Iterator<Item = &RuleId> {
        self.rules.iter().chain(self.checks.iter().flat_map(Check::every_rule))
    }
}

/// One (action, resource) pair decided.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Check {
    /// The IAM action.
    pub action: Action,
    /// The resource ARN, or `*`.
    pub resource: String,
    /// The caller as messages show it.
    pub caller: String,
    /// The forwarding service, if the call was made on somebody's behalf (`svc:F-1`).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub via: Option<String>,
    /// The decision.
    pub decision: CheckDecision,
    /// The policy type that a message would name.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub blamed: Option<PolicySet>,
    /// Every policy type that denies or fails to allow.
    #[serde(skip_serializing_if = "BTreeSet::is_empty")]
    pub failed: BTreeSet<PolicySet>,
    /// The gates in the order of evaluation.
    pub gates: Vec<Gate>,
    /// Every statement that mattered.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub statements: Vec<StatementTrace>,
    /// The rules that decided.
    pub rules: Rules,
    /// The denial text of `iam:R-01`, for a denied check (before a service rewrites it).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub message: Option<String>,
}

impl Check {
    /// All rules named anywhere in the check.
    pub fn all_rules(&self) -> Rules {
        self.every_rule().cloned().collect()
    }

    /// Whether a rule is named anywhere in the check.
    pub fn names(&self, id: &str) -> bool {
        self.every_rule().any(|rule| rule.as_str() == id)
    }

    /// All rules, each as often as it is named.
    pub fn every_rule(&self) -> impl Iterator<Item = &RuleId> {
        let gates = self.gates.iter().flat_map(|gate| &gate.rules);
        let statements = self.statements.iter().flat_map(|statement| &statement.rules);
        self.rules.iter().chain(gates).chain(statements)
    }
}

/// The decision on one pair.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum CheckDecision {
    /// Allowed.
    Allow,
    /// Nothing allows it, or a gate does not.
    ImplicitDeny,
    /// A statement denies it.
    ExplicitDeny,
}

/// One gate of the evaluation: a policy set and what it said.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Gate {
    /// Which set.
    pub set: PolicySet,
    /// What it said.
    pub verdict: GateVerdict,
    /// Why this set was consulted or stood aside.
    #[serde(skip_serializing_if = "Rules::is_empty")]
    pub rules: Rules,
}

/// What a policy set said.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum GateVerdict {
    /// The set does not apply to this request.
    NotApplicable,
    /// It allows.
    Allows,
    /// It has no matching statement.
    Silent,
    /// It denies.
    Denies,
}

/// A statement that mattered.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct StatementTrace {
    /// Which set it belongs to.
    pub set: PolicySet,
    /// The policy: its name or ARN, or the kind of document.
    pub policy: String,
    /// Position in the document, from 0.
    pub position: usize,
    /// Its Sid.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub sid: Option<String>,
    /// `Allow` or `Deny`.
    pub effect: Cow<'static, str>,
    /// How its principal matched, in resource policies: `caller`, `parent`, `account`, `wild`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub principal: Option<Cow<'static, str>>,
    /// Whether it applied; if not, which part did not match.
    pub verdict: Cow<'static, str>,
    /// Rules that mattered in matching it.
    #[serde(skip_serializing_if = "Rules::is_empty")]
    pub rules: Rules,
}

/// The kinds of policy that can allow, limit or be blamed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum PolicySet {
    /// Identity-based policies.
    Identity,
    /// The resource's policy: key policy, bucket policy.
    Resource,
    /// A role's trust policy.
    Trust,
    /// The permissions boundary.
    PermissionsBoundary,
    /// Session policies.
    Session,
    /// Service control policies.
    ServiceControl,
    /// Resource control policies.
    ResourceControl,
    /// The VPC endpoint's policy.
    VpcEndpoint,
    /// KMS grants.
    Grant,
    /// S3 Block Public Access.
    PublicAccessBlock,
    /// S3 ACLs.
    Acl,
}

impl fmt::Display for PolicySet {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(match self {
            Self::Identity => "identity",
            Self::Resource => "resource",
            Self::Trust => "trust",
            Self::PermissionsBoundary => "permissions_boundary",
            Self::Session => "session",
            Self::ServiceControl => "service_control",
            Self::ResourceControl => "resource_control",
            Self::VpcEndpoint => "vpc_endpoint",
            Self::Grant => "grant",
            Self::PublicAccessBlock => "public_access_block",
            Self::Acl => "acl",
        })
    }
}
