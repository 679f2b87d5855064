//! What one evaluation is given: the request and the policy sets that apply to it. Gathering them from a world is the world's work;
//! nothing is decided here.

use jiff::civil::Date;

use super::Caller;
use crate::case::VpcEndpointKind;
use crate::context::Context;
use crate::name::{AccountId, Action, Arn};
use crate::policy::Document;

/// One (action, resource) pair asked for by somebody.
#[derive(Debug, Clone, Copy)]
pub struct Request<'a> {
    /// Who asks.
    pub caller: &'a Caller,
    /// The IAM action.
    pub action: &'a Action,
    /// The resource ARN, or `*` for actions without resource-level permissions (`iam:M-25`).
    pub resource: &'a str,
    /// The account that owns the resource; none means the caller's own (pairs on `*`).
    pub resource_account: Option<&'a AccountId>,
    /// The condition keys, complete: principal keys, network, service keys. See [`crate::context::principal_keys`].
    pub context: &'a Context,
    /// The forwarding service's principal, such as `s3.amazonaws.com`, when the call is made on the caller's behalf (`iam:L-95`).
    pub via: Option<&'a str>,
    /// The date that picks message texts (`svc:X-3`, `iam:R-03`).
    pub as_of: Date,
}

/// A policy in a set.
#[derive(Debug, Clone, Copy)]
pub struct PolicyRef<'a> {
    /// The parsed document.
    pub document: &'a Document,
    /// What a trace calls it: the inline policy's name, the key's name, …
    pub name: &'a str,
    /// Its ARN, for managed and organization policies; appended to messages per `iam:R-03`.
    pub arn: Option<&'a Arn>,
}

/// The policies that apply to one request. A set that does not apply is left empty by whoever gathers it: levels of an
/// organization bind only its member accounts, never the management account (`iam:L-02`, `iam:L-49`).
#[derive(Debug, Clone, Default)]
pub struct PolicySets<'a> {
    /// Identity-based policies: own inline and managed, groups'; the role's for a session; the parent user's for a federated user;
    /// the task policy for an AssumeRoot session.
    pub identity: Vec<PolicyRef<'a>>,
    /// The permissions boundary of the user or role (also for their sessions).
    pub permissions_boundary: Option<PolicyRef<'a>>,
    /// Session policies; `None` is not the same as an empty list (`iam:L-77`).
    pub session: Option<Vec<PolicyRef<'a>>>,
    /// The policy of the resource.
    pub resource: ResourcePolicy<'a>,
    /// SCPs of the *caller's* account, one list per level, root first. An empty level has only FullAWSAccess.
    pub service_control: Vec<Vec<PolicyRef<'a>>>,
    /// RCPs of the *resource owner's* account, one list per level, root first; RCPFullAWSAccess is at every level besides (`iam:L-11`).
    pub resource_control: Vec<Vec<PolicyRef<'a>>>,
    /// The VPC endpoint the request came through; none for forwarded calls (`iam:L-92`).
    pub vpc_endpoint: Option<VpcEndpoint<'a>>,
    /// A live KMS grant that matches caller, operation and constraints (`svc:K-20`).
    pub grant: Option<GrantFact<'a>>,
    /// Whether an S3 ACL allows the pair.
    pub acl: bool,
}

/// The resource's policy and its part in the decision.
#[derive(Debug, Clone, Copy, Default)]
pub enum ResourcePolicy<'a> {
    /// The resource has none.
    #[default]
    None,
    /// It can allow, but need not (`iam:L-40`): bucket policies and most others.
    Optional(PolicyRef<'a>),
    /// A key policy: without it nothing is allowed in its own account (`iam:L-41`, `svc:K-1`).
    Key(PolicyRef<'a>),
    /// A role trust policy: mandatory for `sts:AssumeRole*`, `sts:TagSession`, `sts:SetSourceIdentity` (`iam:L-70`, `iam:L-74`).
    Trust(PolicyRef<'a>),
}

impl<'a> ResourcePolicy<'a> {
    /// The policy, whatever its part.
    pub fn policy(&self) -> Option<PolicyRef<'a>> {
        match *self {
            Self::None => None,
            Self::Optional(policy) | Self::Key(policy) | Self::Trust(policy) => Some(policy),
        }
    }

    /// Whether the account of the resource cannot grant access by identity policies alone (`iam:L-41`).
    pub fn is_mandatory(&self) -> bool {
        matches!(self, Self::Key(_) | Self::Trust(_))
    }
}

/// A VPC endpoint that a request came through.
#[derive(Debug, Clone, Copy)]
pub struct VpcEndpoint<'a> {
    /// Gateway or interface: for gateways an account principal means the root user only (`iam:P-34`).
    pub kind: VpcEndpointKind,
    /// Its policy; none is the default policy that allows everything (`iam:L-90`).
    pub policy: Option<PolicyRef<'a>>,
}

/// A live grant that matches; only what the decision still needs to know about it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct GrantFact<'a> {
    /// How the grantee was named.
    pub grantee: GranteeKind,
    /// The grant's id or name, for traces.
    pub name: &'a str,
}

/// How a grant names its grantee (`svc:G-14`).
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum GranteeKind {
    /// The caller's own user ARN.
    User,
    /// The caller's own session ARN, of a role or a federated user.
    Session,
    /// The role the caller is a session of, or the user a federated session comes from (`svc:Q-3`).
    Role,
    /// The caller's account (`svc:Q-4`).
    Account,
    /// The calling service principal.
    Service,
}
