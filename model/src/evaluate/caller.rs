//! Who makes a request, as the evaluator sees it. How a `Principal` entry matches a caller lives in `policy::principal`.

use crate::name::{AccountId, Arn, Partition};

/// The principal that makes a request (`iam:0.3`). A service acting with the caller's own identity is *not* a service principal:
/// the caller stays the same (`iam:P-64`, `svc:F-1`).
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Caller {
    /// An IAM user, with long-term keys, console or GetSessionToken credentials alike (`iam:L-79`).
    User(User),
    /// A session of a role: assumed by somebody, or used by a service (`iam:P-63`).
    RoleSession(RoleSession),
    /// A GetFederationToken session.
    FederatedUser(FederatedUser),
    /// The account's root user, or an AssumeRoot session of it.
    Root {
        /// The account.
        account: AccountId,
        /// The account's partition.
        partition: Partition,
        /// Whether this is an AssumeRoot session; then the identity set holds the task policy (`iam:L-62`).
        assumed: bool,
    },
    /// A caller of AssumeRoleWithSAML / AssumeRoleWithWebIdentity, before a session exists (`iam:P-11`).
    Federated {
        /// Provider ARN or web identity host, as a trust policy names it.
        provider: String,
    },
    /// An AWS service calling for itself (`iam:P-09`).
    Service {
        /// The name it calls under, such as `backup-storage.amazonaws.com`.
        name: String,
        /// All names of the regional service (`aws:PrincipalServiceNamesList`); may be empty when unknown.
        names: Vec<String>,
    },
    /// Nobody: an unsigned request.
    Anonymous,
}

/// An IAM user.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct User {
    /// Its account.
    pub account: AccountId,
    /// The account's partition.
    pub partition: Partition,
    /// Its path, `/` or `/x/y/`.
    pub path: String,
    /// Its name.
    pub name: String,
    /// Its `AIDA…` id, if known. A policy bound to an id matches only the entity that carries it (`iam:P-08`, `iam:P-40`).
    pub unique_id: Option<String>,
}

impl User {
    /// `arn:aws:iam::A:user/path/name`.
    pub fn arn(&self) -> String {
        let (partition, account) = (&self.partition, &self.account);
        format!("arn:{partition}:iam::{account}:user{}{}", self.path, self.name)
    }
}

/// An IAM role.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Role {
    /// Its account.
    pub account: AccountId,
    /// The account's partition.
    pub partition: Partition,
    /// Its path; none when only a session ARN, which carries no path, is known (`iam:P-20`).
    pub path: Option<String>,
    /// Its name.
    pub name: String,
    /// Its `AROA…` id, if known.
    pub unique_id: Option<String>,
}

impl Role {
    /// `arn:aws:iam::A:role/path/name`; an unknown path is taken as `/`.
    pub fn arn(&self) -> String {
        format!(
            "arn:{}:iam::{}:role{}{}",
            self.partition,
            self.account,
            self.path.as_deref().unwrap_or("/"),
            self.name
        )
    }
}

/// A role session.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RoleSession {
    /// The role.
    pub role: Role,
    /// The session name; none for "some session of this role", which never matches a session ARN.
    pub name: Option<String>,
    /// Whether the role is service-linked: SCPs, RCPs and boundaries never bind it (`iam:L-48`).
    pub service_linked: bool,
}

/// A GetFederationToken session.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FederatedUser {
    /// Who called GetFederationToken.
    pub parent: Parent,
    /// The federated name.
    pub name: String,
}

impl FederatedUser {
    /// The account: that of the parent.
    pub fn account(&self) -> &AccountId {
        match &self.parent {
            Parent::User(user) => &user.account,
            Parent::Root(account) => account,
        }
    }

    /// The partition: that of the parent.
    pub fn partition(&self) -> Partition {
        match &self.parent {
            Parent::User(user) => user.partition.clone(),
            Parent::Root(_) => Partition::default(),
        }
    }
}

/// The parent of a federated user.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Parent {
    /// An IAM user: its policies and boundary count.
    User(User),
    /// The root user. Only a world knows of such a session, and worlds are of partition `aws`.
    Root(AccountId),
}

impl Caller {
    /// The account, for callers that have one (`iam:P-62`).
    pub fn account(&self) -> Option<&AccountId> {
        match self {
            Self::User(user) => Some(&user.account),
            Self::RoleSession(session) => Some(&session.role.account),
            Self::FederatedUser(federated) => Some(federated.account()),
            Self::Root { account, .. } => Some(account),
            Self::Federated { .. } | Self::Service { .. } | Self::Anonymous => None,
        }
    }

    /// Whether the caller's account is one of another partition than `aws`: no entry that names an identity or an account means it
    /// (`iam:P-19`).
    pub fn is_of_other_partition(&self) -> bool {
        let partition = match self {
            Self::User(user) => &user.partition,
            Self::RoleSession(session) => &session.role.partition,
            Self::FederatedUser(federated) => &federated.partition(),
            Self::Root { partition, .. } => partition,
            Self::Federated { .. } | Self::Service { .. } | Self::Anonymous => return false,
        };
        !partition.is_aws()
    }

    /// How messages and CloudTrail name the caller: the session ARN for sessions, the service's name for services
    /// (`iam:R-01`, `iam:12.1`). An unknown session name leaves the role's ARN.
    pub fn message_name(&self) -> String {
        match self {
            Self::User(user) => user.arn(),
            Self::RoleSession(session) => session.arn().map_or_else(|| session.role.arn(), |arn| arn.to_string()),
            Self::FederatedUser(federated) => {
                let (partition, account) = (federated.partition(), federated.account());
                format!("arn:{partition}:sts::{account}:federated-user/{}", federated.name)
            }
            Self::Root {
                account,
                partition,
                assumed: false,
            } => format!("arn:{partition}:iam::{account}:root"),
            Self::Root {
                account,
                partition,
                assumed: true,
            } => format!("arn:{partition}:sts::{account}:assumed-root"),
            Self::Federated { provider } => provider.clone(),
            Self::Service { name, .. } => name.clone(),
            Self::Anonymous => "anonymous".to_owned(),
        }
    }

    /// Whether this is a session of a service-linked role (`iam:L-48`).
    pub fn is_service_linked(&self) -> bool {
        matches!(self, Self::RoleSession(session) if session.service_linked)
    }
}

impl RoleSession {
    /// `arn:aws:sts::A:assumed-role/R/s`, if the session name is known.
    pub fn arn(&self) -> Option<Arn> {
        let name = self.name.as_ref()?;
        Arn::new(format!(
            "arn:{}:sts::{}:assumed-role/{}/{name}",
            self.role.partition, self.role.account, self.role.name
        ))
        .ok()
    }
}
