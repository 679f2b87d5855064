//! What is asked of the authorizer: one pair, the policies that bear on it, the settings. Data only.

use std::fmt;
use std::sync::Arc;

use jiff::civil::Date;

use super::{Caller, Context, MatchKinds, Policy};
use crate::fault::FaultSet;
use crate::names::AccountId;
use crate::quirks::Quirks;

/// One pair `(action, resource)` and who asks for it in which context (`iam:§0.3`).
#[derive(Clone, Copy, Debug)]
pub struct AccessRequest<'a> {
    /// The principal that makes the request; on forwarded calls the original one (`iam:P-64`).
    pub caller: &'a Caller,
    /// `service:Name`, in AWS's spelling: it is printed in messages.
    pub action: &'a str,
    /// The ARN of the resource, or `*` when the action has none (`iam:M-25`).
    pub resource: &'a str,
    /// The account that owns the resource; `None` means the caller's own.
    pub resource_account: Option<&'a AccountId>,
    /// What a resource policy means for this pair (`iam:§10`).
    pub mode: ResourcePolicyMode,
    /// The condition keys of the pair.
    pub context: &'a Context,
}

/// What a resource policy means for a pair (`iam:L-40`, `iam:L-41`).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ResourcePolicyMode {
    /// The identity side suffices in the own account. Also for pairs that cannot have a resource policy.
    Optional,
    /// The resource is a KMS key: nothing happens without its key policy or a grant (`svc:K-1`).
    KeyPolicy {
        /// RCPs do not reach AWS managed keys (`iam:A-05`).
        aws_managed: bool,
    },
    /// The resource is a role and the pair is `sts:AssumeRole*`, `sts:TagSession` or
    /// `sts:SetSourceIdentity` (`iam:L-70`, errata `iam:L-74`).
    TrustPolicy,
}

/// The policies that bear on one pair, collected by the caller of the authorizer. Which sets apply to
/// which caller is decided here, so collecting too much for the *right* principal does no harm.
#[derive(Clone, Debug)]
pub struct PolicySets {
    /// The principal's identity policies: inline, managed, its groups'; for a role session the role's,
    /// for a federated user the parent user's (`iam:L-02`).
    pub identity: Vec<AttachedPolicy>,
    /// The permissions boundary of the user or role.
    pub boundary: Option<AttachedPolicy>,
    /// The session policies; `None` when the session was made without any. An empty list is a session whose
    /// policies are gone: it limits to nothing.
    pub session: Option<Vec<AttachedPolicy>>,
    /// SCPs of the *caller's* account, root first, one level per node; empty when none apply (no
    /// organization, management account). A level must hold `FullAWSAccess` if that is attached.
    pub service_control: Vec<PolicyLevel>,
    /// RCPs of the *resource owner's* account, root first; empty when none apply.
    /// `RCPFullAWSAccess` need not be listed.
    pub resource_control: Vec<PolicyLevel>,
    /// The policy of the VPC endpoint the call came through; `None` when there is none or it is the
    /// default one that allows everything (`iam:L-90`). Forwarded calls have none (`iam:L-92`).
    pub endpoint: Option<EndpointPolicy>,
    /// The resource policy: bucket policy, key policy, trust policy.
    pub resource: Option<Arc<Policy>>,
    /// `false` when Allows of the resource policy do not cover the object but its Denies do (`svc:S-4`).
    pub resource_allows_count: bool,
    /// Allows of the resource side that are not policies: ACLs (`iam:§10 acl_grants`). A canonical-user
    /// grant is [`MatchKinds::ACCOUNT`], the AllUsers group [`MatchKinds::WILD`].
    pub resource_side: MatchKinds,
    /// A live KMS grant that matches caller, operation and constraints (`svc:K-20`).
    pub grant: Option<GranteeMatch>,
}

impl Default for PolicySets {
    fn default() -> Self {
        Self {
            identity: Vec::new(),
            boundary: None,
            session: None,
            service_control: Vec::new(),
            resource_control: Vec::new(),
            endpoint: None,
            resource: None,
            resource_allows_count: true,
            resource_side: MatchKinds::NONE,
            grant: None,
        }
    }
}

/// A policy with the ARN under which it is attached; inline policies have none (`iam:R-04`).
#[derive(Clone, Debug)]
pub struct AttachedPolicy {
    /// The ARN of a managed policy, SCP or RCP.
    pub arn: Option<PolicyArn>,
    /// The policy.
    pub policy: Arc<Policy>,
}

impl AttachedPolicy {
    /// An inline policy: no ARN.
    pub fn inline(policy: Arc<Policy>) -> Self {
        Self { arn: None, policy }
    }

    /// A managed policy, SCP or RCP.
    pub fn managed(arn: impl Into<PolicyArn>, policy: Arc<Policy>) -> Self {
        Self {
            arn: Some(arn.into()),
            policy,
        }
    }
}

/// The ARN of a policy.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct PolicyArn(Arc<str>);

impl PolicyArn {
    /// The text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for PolicyArn {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.0)
    }
}

impl From<&str> for PolicyArn {
    fn from(text: &str) -> Self {
        Self(Arc::from(text))
    }
}

impl From<String> for PolicyArn {
    fn from(text: String) -> Self {
        Self(Arc::from(text))
    }
}

impl From<&String> for PolicyArn {
    fn from(text: &String) -> Self {
        Self(Arc::from(text.as_str()))
    }
}

/// The policies attached to one node of the organization (`iam:L-03`).
#[derive(Clone, Debug, Default)]
pub struct PolicyLevel {
    /// Everything attached to the node.
    pub policies: Vec<AttachedPolicy>,
}

/// The policy of a VPC endpoint and what its account principals mean.
#[derive(Clone, Debug)]
pub struct EndpointPolicy {
    /// The policy.
    pub policy: Arc<Policy>,
    /// Gateway endpoints read an account principal as "its root user" (`iam:P-34`).
    pub gateway: bool,
}

/// How a live grant names the caller (`svc:G-14`).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum GranteeMatch {
    /// The user ARN.
    User,
    /// The session ARN, of a role session or a federated user.
    Session,
    /// The role ARN of the caller's session, or the parent user of a federated user.
    Role,
    /// The caller's account.
    Account,
    /// The service principal.
    Service,
}

/// Everything that changes how rules are read.
#[derive(Clone, Copy, Debug)]
pub struct Settings {
    /// Disputed rules as switches.
    pub quirks: Quirks,
    /// Active faults.
    pub faults: FaultSet,
    /// The date whose rules and message texts apply.
    pub as_of: Date,
}

impl Settings {
    /// The suite's current date, used when none is given.
    pub const CURRENT: Date = jiff::civil::date(2026, 11, 22);
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            quirks: Quirks::default(),
            faults: FaultSet::EMPTY,
            as_of: Self::CURRENT,
        }
    }
}
