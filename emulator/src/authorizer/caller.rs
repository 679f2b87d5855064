//! Who makes a request, with what the authorizer needs to know of it. No credentials, no policies.

use crate::names::AccountId;

/// The principal that makes a request (`iam:§0.3`, `iam:§12.1`).
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Caller {
    /// An IAM user: long-term keys, console, or `GetSessionToken` (`iam:L-79`).
    User {
        /// The user's account.
        account: AccountId,
        /// `arn:aws:iam::A:user/path/name`.
        arn: String,
        /// `AIDA…`.
        unique_id: String,
    },
    /// A session of a role, also of a service role or service-linked role (`iam:P-63`).
    RoleSession {
        /// The role's account.
        account: AccountId,
        /// `arn:aws:sts::A:assumed-role/name/session`, without the role's path (`iam:P-20`).
        arn: String,
        /// `arn:aws:iam::A:role/path/name`.
        role_arn: String,
        /// `false` where only account and name of the role are known: `role_arn` is then without path, and the role
        /// is whichever has that name. Role names are unique in an account whatever their paths.
        role_path_known: bool,
        /// `AROA…`.
        role_unique_id: String,
        /// Service-linked roles escape SCPs, RCPs and boundaries (`iam:L-48`).
        service_linked: bool,
    },
    /// A `GetFederationToken` session.
    FederatedUser {
        /// The account of the parent.
        account: AccountId,
        /// `arn:aws:sts::A:federated-user/name`.
        arn: String,
        /// ARN and unique id of the parent user; `None` when root is the parent.
        parent_user: Option<(String, String)>,
    },
    /// The root user of an account.
    Root {
        /// The account.
        account: AccountId,
        /// The partition of the user's ARN (`iam:P-19`).
        partition: String,
        /// Whether this is an `AssumeRoot` session: it can do what its task policy allows, which stands where the
        /// identity policies of others stand (`iam:L-62`).
        assumed: bool,
    },
    /// A service calling as itself (`svc:F-3`). A forwarded call is *not* this: it keeps its caller.
    Service {
        /// The name under which the call arrives, such as `backup-storage.amazonaws.com` or, cross-Region
        /// from an opt-in Region, `s3.ap-east-1.amazonaws.com` (`iam:P-60`).
        name: String,
    },
    /// A caller of `AssumeRoleWithSAML` or `AssumeRoleWithWebIdentity` (`iam:L-75`).
    WebIdentity {
        /// The provider: a host such as `www.amazon.com`, or an OIDC or SAML provider ARN.
        provider: String,
    },
    /// Nobody in particular: an unsigned request.
    Anonymous,
}

impl Caller {
    /// The account the caller belongs to; services, web identities and anonymous callers have none.
    pub fn account(&self) -> Option<&AccountId> {
        match self {
            Self::User { account, .. }
            | Self::RoleSession { account, .. }
            | Self::FederatedUser { account, .. }
            | Self::Root { account, .. } => Some(account),
            Self::Service { .. } | Self::WebIdentity { .. } | Self::Anonymous => None,
        }
    }

    /// How the caller is named in denial messages (`iam:§12.1`): session ARN for role sessions.
    pub fn message_name(&self) -> String {
        match self {
            Self::User { arn, .. } | Self::RoleSession { arn, .. } | Self::FederatedUser { arn, .. } => arn.clone(),
            Self::Root { account, partition, .. } => format!("arn:{partition}:iam::{account}:root"),
            Self::Service { name } => name.clone(),
            Self::WebIdentity { provider } => provider.clone(),
            Self::Anonymous => "anonymous".to_owned(),
        }
    }

    /// Whether policies of an account stand on the caller's side (`iam:L-02`).
    pub fn has_identity_side(&self) -> bool {
        self.account().is_some()
    }

    /// Whether the caller is a session of a service-linked role (`iam:L-48`).
    pub fn is_service_linked(&self) -> bool {
        matches!(
            self,
            Self::RoleSession {
                service_linked: true,
                ..
            }
        )
    }

    /// The partition of the caller's ARN; `aws` where the caller has none.
    pub(crate) fn partition(&self) -> &str {
        let arn = match self {
            Self::User { arn, .. } | Self::RoleSession { arn, .. } | Self::FederatedUser { arn, .. } => arn.as_str(),
            Self::Root { partition, .. } => return partition,
            _ => return "aws",
        };
        arn.split(':').nth(1).unwrap_or("aws")
    }
}
