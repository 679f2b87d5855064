//! The answer of the authorizer and its wording. No decisions: which type is blamed is settled in `decide`.

use std::fmt;

use jiff::civil::{Date, date};

use super::Caller;
use super::request::{AccessRequest, PolicyArn, ResourcePolicyMode, Settings};
use crate::fault::Fault;

/// The answer to one access question.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// Allowed.
    Allow(AllowedBy),
    /// Denied.
    Deny(Denial),
    /// A collected policy cannot be read: neither allowed nor denied, the request fails (`iam:L-99`).
    Error(EvaluationError),
}

impl Verdict {
    /// Whether the pair is allowed.
    pub fn is_allowed(&self) -> bool {
        matches!(self, Self::Allow(_))
    }

    /// The denial, if the pair is denied.
    pub fn denial(&self) -> Option<&Denial> {
        match self {
            Self::Deny(denial) => Some(denial),
            Self::Allow(_) | Self::Error(_) => None,
        }
    }
}

/// What carried an allowed request. A grant is named only when no policy would have sufficed (`svc:G-6`).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AllowedBy {
    /// Policies (or ACLs).
    Policies,
    /// A grant alone.
    Grant,
}

/// A policy type, as denials name it (`iam:R-02`).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum PolicyType {
    /// Service control policies.
    ServiceControl,
    /// Resource control policies.
    ResourceControl,
    /// The VPC endpoint policy.
    VpcEndpoint,
    /// The permissions boundary.
    PermissionsBoundary,
    /// Session policies.
    Session,
    /// Identity-based policies.
    Identity,
    /// The resource-based policy.
    Resource,
    /// The role trust policy, which is the resource-based policy of a role.
    RoleTrust,
}

impl PolicyType {
    /// Every type, in the order in which explicit denies are blamed (`iam:R-06`).
    pub const ALL: [Self; 8] = [
        Self::ServiceControl,
        Self::ResourceControl,
        Self::VpcEndpoint,
        Self::PermissionsBoundary,
        Self::Session,
        Self::Identity,
        Self::Resource,
        Self::RoleTrust,
    ];

    /// `service control policy`, `permissions boundary`, …
    pub fn noun(self) -> &'static str {
        match self {
            Self::ServiceControl => "service control policy",
            Self::ResourceControl => "resource control policy",
            Self::VpcEndpoint => "VPC endpoint policy",
            Self::PermissionsBoundary => "permissions boundary",
            Self::Session => "session policy",
            Self::Identity => "identity-based policy",
            Self::Resource => "resource-based policy",
            Self::RoleTrust => "role trust policy",
        }
    }

    fn article(self) -> &'static str {
        match self {
            Self::Identity => "an",
            Self::RoleTrust => "the",
            _ => "a",
        }
    }

    /// Whether the ARN of a denying policy of this type is told (`iam:R-04`).
    fn tells_arn(self) -> bool {
        !matches!(self, Self::VpcEndpoint | Self::Resource | Self::RoleTrust)
    }
}

/// A set of policy types.
#[derive(Clone, Copy, Default, PartialEq, Eq)]
pub struct PolicyTypeSet(u8);

impl PolicyTypeSet {
    /// No type.
    pub const EMPTY: Self = Self(0);

    /// Adds a type.
    pub fn insert(&mut self, policy_type: PolicyType) {
        self.0 |= 1 << policy_type as u8;
    }

    /// Takes a type out.
    pub(super) fn remove(&mut self, policy_type: PolicyType) {
        self.0 &= !(1 << policy_type as u8);
    }

    /// Whether the type is in the set.
    pub fn contains(self, policy_type: PolicyType) -> bool {
        self.0 & (1 << policy_type as u8) != 0
    }

    /// The members in blame order.
    pub fn iter(self) -> impl Iterator<Item = PolicyType> {
        PolicyType::ALL
            .into_iter()
            .filter(move |policy_type| self.contains(*policy_type))
    }
}

impl FromIterator<PolicyType> for PolicyTypeSet {
    fn from_iter<I: IntoIterator<Item = PolicyType>>(types: I) -> Self {
        let mut set = Self::EMPTY;
        for policy_type in types {
            set.insert(policy_type);
        }
        set
    }
}

impl fmt::Debug for PolicyTypeSet {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_set().entries(self.iter()).finish()
    }
}

/// Why a pair was denied.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Denial {
    /// An applicable Deny, as opposed to a missing Allow.
    pub explicit: bool,
    /// The one type that is named (`iam:R-05`).
    pub blamed: PolicyType,
    /// Every type that denies (explicit) or fails to allow (implicit).
    pub all: PolicyTypeSet,
    /// The ARN of the denying policy of the blamed type, if it is explicit and has one (`iam:R-03`).
    pub policy_arn: Option<PolicyArn>,
    /// The key policy hands the decision to the account's identity policies, and those are silent
    /// (`svc:K-4`): the case whose wording changed over time (`svc:X-2`, `svc:X-3`).
    pub delegated: bool,
}

/// How close the caller is to the owner of the resource; decides how much S3 tells (`svc:S-36`).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Relation {
    /// The same account.
    SameAccount,
    /// Another account of the same organization.
    SameOrganization,
    /// Neither.
    Stranger,
}

/// A collected policy that cannot be read (`iam:E-22`, `iam:L-99`).
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("evaluation stopped at an unusable {}: {reason}", .policy_type.noun())]
pub struct EvaluationError {
    /// The type of the policy.
    pub policy_type: PolicyType,
    /// What is wrong with it.
    pub reason: String,
}

/// From this day denials say which policy type is to blame (contract, `svc:X-3`).
const REASONS_SINCE: Date = date(2021, 11, 1);
/// From this day the delegated case of KMS blames the identity side (contract, `svc:X-2`).
const DELEGATED_BLAMES_IDENTITY_SINCE: Date = date(2023, 1, 1);
/// From this day S3 tells more than `Access Denied` (contract, `svc:S-36`).
const S3_DETAILS_SINCE: Date = date(2024, 1, 1);
/// From this day S3 appends the ARN of the denying policy (errata `iam:R-03`).
const S3_POLICY_ARN_SINCE: Date = date(2026, 8, 13);

/// What S3 says when it says nothing.
const ACCESS_DENIED: &str = "Access Denied";

impl Denial {
    /// The text of the denial as the service of the action words it (`iam:R-01`, `iam:R-02`, `svc:X-1`).
    ///
    /// KMS without a `KeyId` in the request (`svc:X-4`) has a text of its own that is not made here.
    pub fn message(&self, request: &AccessRequest<'_>, relation: Relation, settings: &Settings) -> String {
        let is_s3 = request.action.starts_with("s3:");
        if is_s3 && !s3_tells_details(request, relation, settings.as_of) {
            return ACCESS_DENIED.to_owned();
        }
        let mut text = format!(
            "User: {} is not authorized to perform: {}",
            self.name_of_caller(request, settings),
            request.action
        );
        if !is_s3 {
            text.push_str(" on resource: ");
            text.push_str(request.resource);
        } else if names_a_resource(request) {
            text.push_str(" on resource: \"");
            text.push_str(request.resource);
            text.push('"');
        }
        // Before that day only the `because` clause is missing.
        if self.explicit || settings.as_of >= REASONS_SINCE {
            self.append_reason(&mut text, request, settings.as_of);
        }
        text
    }

    /// The caller as the text names it: by its session, not by its role (`iam:R-01`).
    fn name_of_caller(&self, request: &AccessRequest<'_>, settings: &Settings) -> String {
        match request.caller {
            Caller::RoleSession { role_arn, .. } if settings.faults.contains(Fault::MessageNamesRole) => {
                role_arn.clone()
            }
            caller => caller.message_name(),
        }
    }

    fn append_reason(&self, text: &mut String, request: &AccessRequest<'_>, as_of: Date) {
        let named = self.named_type(request, as_of);
        if !self.explicit {
            text.push_str(" because no ");
            text.push_str(named.noun());
            text.push_str(" allows the ");
            text.push_str(request.action);
            text.push_str(" action");
            return;
        }
        text.push_str(" with an explicit deny in ");
        text.push_str(named.article());
        text.push(' ');
        text.push_str(named.noun());
        let tells_arn = request.action.starts_with("s3:") && as_of >= S3_POLICY_ARN_SINCE && named.tells_arn();
        if let (true, Some(arn)) = (tells_arn, &self.policy_arn) {
            text.push_str(": ");
            text.push_str(arn.as_str());
        }
    }

    fn named_type(&self, request: &AccessRequest<'_>, as_of: Date) -> PolicyType {
        let is_key = matches!(request.mode, ResourcePolicyMode::KeyPolicy { .. });
        if is_key && self.delegated && !self.explicit && as_of < DELEGATED_BLAMES_IDENTITY_SINCE {
            return PolicyType::Resource;
        }
        self.blamed
    }
}

fn s3_tells_details(request: &AccessRequest<'_>, relation: Relation, as_of: Date) -> bool {
    as_of >= S3_DETAILS_SINCE && relation != Relation::Stranger && !matches!(request.caller, Caller::Anonymous)
}

/// S3 leaves the resource out where the action has none (`iam:R-01`, `iam:OQ-14`).
fn names_a_resource(request: &AccessRequest<'_>) -> bool {
    !matches!(request.resource, "*" | "arn:aws:s3:::*")
}
