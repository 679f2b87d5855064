//! Who is calling: principals, sessions, credentials and how a call arrived. What they may do is `access`'s.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::Arc;

use jiff::Timestamp;

use crate::authorizer::Policy;
use crate::names::{AccountId, Region};
use crate::signature::SigningKeys;
use crate::state::State;
use crate::sts::sessions;

/// A principal as IAM knows it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Principal {
    /// An IAM user, with long-term or GetSessionToken credentials (iam:L-79).
    User {
        /// Owning account.
        account: AccountId,
        /// `AIDA…`.
        user_id: String,
        /// Path with both slashes, `/` by default.
        path: String,
        /// Name without path.
        name: String,
    },
    /// The account root user.
    Root {
        /// The account.
        account: AccountId,
    },
    /// A session of an IAM role.
    RoleSession {
        /// Owning account.
        account: AccountId,
        /// `AROA…` of the role.
        role_id: String,
        /// Path of the role with both slashes.
        role_path: String,
        /// Role name without path.
        role_name: String,
        /// Role session name.
        session_name: String,
    },
    /// A GetFederationToken session.
    FederatedUser {
        /// Owning account.
        account: AccountId,
        /// Name given to GetFederationToken.
        name: String,
        /// The user or root that asked for the token.
        parent: Box<Principal>,
    },
    /// An AWS service acting as itself (svc:F-3).
    Service {
        /// `backup-storage.amazonaws.com`.
        name: String,
        /// Resource on whose behalf the service calls: aws:SourceArn.
        source_arn: Option<String>,
        /// Account on whose behalf the service calls: aws:SourceAccount.
        source_account: Option<AccountId>,
    },
    /// An unsigned request.
    Anonymous,
}

/// What was fixed when temporary credentials were issued (iam:K-90).
#[derive(Debug, Clone, Default)]
pub struct Session {
    /// When the credentials were issued: aws:TokenIssueTime.
    pub issued_at: Timestamp,
    /// When they stop working.
    pub expires_at: Timestamp,
    /// When MFA was checked, if it was: aws:MultiFactorAuthPresent/Age.
    pub mfa_authenticated_at: Option<Timestamp>,
    /// False where the key aws:MultiFactorAuthPresent does not exist: federated users, AssumeRole (iam:K-21).
    pub mfa_known: bool,
    /// Inline session policy (iam:L-76).
    pub inline_policy: Option<Arc<Policy>>,
    /// Managed policies passed as session policies.
    pub managed_policy_arns: Vec<String>,
    /// Session tags.
    pub tags: BTreeMap<String, String>,
    /// Lower-cased keys of the tags that stick through role chaining.
    pub transitive_tag_keys: BTreeSet<String>,
    /// aws:SourceIdentity.
    pub source_identity: Option<String>,
}

/// How a call reached AWS.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Arrival {
    /// Address of the caller; `None` = the default `127.0.0.1`.
    pub source_ip: Option<String>,
    /// Name of the VPC endpoint in the case settings.
    pub vpc_endpoint: Option<String>,
    /// `User-Agent` header.
    pub user_agent: Option<String>,
    /// `Referer` header.
    pub referer: Option<String>,
}

impl Arrival {
    /// What credentials derived from these keep: the network facts, not those of one request.
    #[must_use]
    pub fn without_request(&self) -> Self {
        Self {
            user_agent: None,
            referer: None,
            ..self.clone()
        }
    }
}

/// One authenticated (or anonymous) caller of one request.
#[derive(Debug, Clone)]
pub struct Caller {
    /// Who.
    pub principal: Principal,
    /// Facts of temporary credentials; `None` for long-term ones, services and anonymous callers.
    pub session: Option<Arc<Session>>,
    /// The access key id that signed, for the trail.
    pub access_key_id: Option<String>,
    /// Through which door.
    pub arrival: Arrival,
}

/// Whether a service makes the call for the caller (svc:F-1, svc:F-2).
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Via {
    /// The caller calls by itself.
    Direct,
    /// A forward access session: `service` (`s3`, `lambda`, `backup`) re-uses the caller's identity.
    Forwarded {
        /// Service name as in `SERVICE.REGION.amazonaws.com`.
        service: &'static str,
        /// Region of the forwarding service.
        region: Region,
    },
    /// Lambda's runtime uses the execution role's session (svc:L-4): kms:ViaService only by quirk.
    LambdaRuntime {
        /// Region of the function.
        region: Region,
    },
}

impl Principal {
    /// The account the principal belongs to; services and anonymous callers have none.
    #[must_use]
    pub fn account(&self) -> Option<&AccountId> {
        match self {
            Self::User { account, .. }
            | Self::Root { account }
            | Self::RoleSession { account, .. }
            | Self::FederatedUser { account, .. } => Some(account),
            Self::Service { .. } | Self::Anonymous => None,
        }
    }

    /// The caller ARN of messages and GetCallerIdentity (iam:§12.1); services by name, anonymous as `anonymous`.
    #[must_use]
    pub fn arn(&self) -> String {
        match self {
            Self::User {
                account, path, name, ..
            } => ["arn:aws:iam::", account.as_str(), ":user", path, name].concat(),
            Self::Root { account } => account.root_arn(),
            Self::RoleSession {
                account,
                role_name,
                session_name,
                ..
            } => [
                "arn:aws:sts::",
                account.as_str(),
                ":assumed-role/",
                role_name,
                "/",
                session_name,
            ]
            .concat(),
            Self::FederatedUser { account, name, .. } => format!("arn:aws:sts::{account}:federated-user/{name}"),
            Self::Service { name, .. } => name.clone(),
            Self::Anonymous => "anonymous".to_owned(),
        }
    }

    /// aws:PrincipalArn: the role ARN for sessions; absent for services and anonymous callers (svc:F-3).
    #[must_use]
    pub fn principal_arn(&self) -> Option<String> {
        match self {
            Self::RoleSession {
                account,
                role_path,
                role_name,
                ..
            } => Some(["arn:aws:iam::", account.as_str(), ":role", role_path, role_name].concat()),
            Self::Service { .. } | Self::Anonymous => None,
            _ => Some(self.arn()),
        }
    }

    /// aws:userid and the trail's principalId.
    #[must_use]
    pub fn user_id(&self) -> Option<String> {
        match self {
            Self::User { user_id, .. } => Some(user_id.clone()),
            Self::Root { account } => Some(account.to_string()),
            Self::RoleSession {
                role_id, session_name, ..
            } => Some([role_id, ":", session_name].concat()),
            Self::FederatedUser { account, name, .. } => Some(format!("{account}:{name}")),
            Self::Service { .. } => None,
            Self::Anonymous => Some("anonymous".to_owned()),
        }
    }
}

impl Caller {
    /// An AWS service acting as itself (svc:F-3).
    #[must_use]
    pub fn service(name: &str, source_arn: Option<String>, source_account: Option<AccountId>) -> Self {
        Self {
            principal: Principal::Service {
                name: name.to_owned(),
                source_arn,
                source_account,
            },
            session: None,
            access_key_id: None,
            arrival: Arrival::default(),
        }
    }

    /// Who signed with a credential.
    #[must_use]
    pub fn with_credential(access_key_id: &str, credential: &Credential, arrival: Arrival) -> Self {
        Self {
            principal: credential.principal.clone(),
            session: credential.session.clone(),
            access_key_id: Some(access_key_id.to_owned()),
            arrival,
        }
    }

    /// An unsigned request.
    #[must_use]
    pub fn anonymous(arrival: Arrival) -> Self {
        Self {
            principal: Principal::Anonymous,
            session: None,
            access_key_id: None,
            arrival,
        }
    }

    /// A service that assumes a role in the account, as Lambda and Backup do (svc:F-4, svc:L-4).
    /// `None` when the account has no such role. The trust policy is the service's business to check.
    #[must_use]
    pub fn role_session(state: &State, account: &AccountId, role_name: &str, session_name: &str) -> Option<Self> {
        let role = state.iam.account(account)?.roles.get(role_name)?;
        let now = state.now();
        let session = Session {
            issued_at: now,
            expires_at: now.checked_add(jiff::SignedDuration::from_hours(1)).unwrap_or(now),
            ..Session::default()
        };
        Some(Self {
            principal: Principal::RoleSession {
                account: account.clone(),
                role_id: role.role_id.clone(),
                role_path: role.path.clone(),
                role_name: role.name.clone(),
                session_name: session_name.to_owned(),
            },
            session: Some(Arc::new(session)),
            access_key_id: None,
            arrival: Arrival::default(),
        })
    }

    /// Shorthand for [`Principal::account`].
    #[must_use]
    pub fn account(&self) -> Option<&AccountId> {
        self.principal.account()
    }

    /// Shorthand for [`Principal::arn`].
    #[must_use]
    pub fn arn(&self) -> String {
        self.principal.arn()
    }

    /// True for unsigned requests.
    #[must_use]
    pub fn is_anonymous(&self) -> bool {
        self.principal == Principal::Anonymous
    }
}

/// One set of working credentials.
#[derive(Debug, Clone)]
pub struct Credential {
    /// Secret access key.
    pub secret_access_key: String,
    /// Session token; present exactly for temporary credentials.
    pub session_token: Option<String>,
    /// Whose.
    pub principal: Principal,
    /// Facts of temporary credentials.
    pub session: Option<Arc<Session>>,
    /// Arrival facts fixed by the control plane.
    pub arrival: Arrival,
    /// When it was made.
    pub created_at: Timestamp,
    /// False after UpdateAccessKey Inactive.
    pub active: bool,
    /// Signing keys derived from the secret so far.
    pub signing_keys: SigningKeys,
}

/// Credentials by access key id. Only looked up, never listed in this order.
#[derive(Debug, Clone, Default)]
pub struct CredentialStore {
    by_access_key_id: HashMap<String, Arc<Credential>>,
}

impl CredentialStore {
    /// Finds a credential.
    #[must_use]
    pub fn get(&self, access_key_id: &str) -> Option<&Arc<Credential>> {
        self.by_access_key_id.get(access_key_id)
    }

    /// Adds a credential.
    pub fn insert(&mut self, access_key_id: String, credential: Credential) {
        self.by_access_key_id.insert(access_key_id, Arc::new(credential));
    }

    /// Switches a credential on or off.
    pub fn set_active(&mut self, access_key_id: &str, active: bool) {
        if let Some(credential) = self.by_access_key_id.get_mut(access_key_id) {
            let mut changed = Credential::clone(credential);
            changed.active = active;
            *credential = Arc::new(changed);
        }
    }

    /// Removes a credential.
    pub fn remove(&mut self, access_key_id: &str) {
        self.by_access_key_id.remove(access_key_id);
    }
}

/// The credential behind an access key id: a stored one whose principal still lives, or an account's root (contract).
#[must_use]
pub fn working_credential(state: &State, access_key_id: &str) -> Option<Arc<Credential>> {
    if let Some(account) = AccountId::parse(access_key_id) {
        return Some(Arc::new(Credential {
            secret_access_key: state.root_secret.clone(),
            session_token: None,
            principal: Principal::Root { account },
            session: None,
            arrival: Arrival::default(),
            created_at: Timestamp::UNIX_EPOCH,
            active: true,
            signing_keys: SigningKeys::default(),
        }));
    }
    let credential = state.credentials.get(access_key_id)?;
    (credential.active && sessions::is_alive(state, &credential.principal)).then(|| credential.clone())
}

/// A freshly issued credential as the caller receives it.
#[derive(Debug, Clone)]
pub struct IssuedCredential {
    /// `AKIA…` or `ASIA…`.
    pub access_key_id: String,
    /// Secret access key.
    pub secret_access_key: String,
    /// Session token of temporary credentials.
    pub session_token: Option<String>,
    /// End of temporary credentials.
    pub expires_at: Option<Timestamp>,
}

/// Issues credentials for `principal` and stores them: temporary (`ASIA…` with token) when `session` is given.
pub fn issue(state: &mut State, principal: Principal, session: Option<Session>, arrival: Arrival) -> IssuedCredential {
    let ids = &state.sources.ids;
    let temporary = session.is_some();
    let access_key_id = format!("{}{}", if temporary { "ASIA" } else { "AKIA" }, ids.base32(16));
    let secret_access_key = secret(&ids.bytes(30));
    let session_token = temporary.then(|| format!("IQoJb3JpZ2luX2Vj{}", secret(&ids.bytes(96))));
    let issued = IssuedCredential {
        access_key_id: access_key_id.clone(),
        secret_access_key: secret_access_key.clone(),
        session_token: session_token.clone(),
        expires_at: session.as_ref().map(|session| session.expires_at),
    };
    let credential = Credential {
        secret_access_key,
        session_token,
        principal,
        session: session.map(Arc::new),
        arrival,
        created_at: state.now(),
        active: true,
        signing_keys: SigningKeys::default(),
    };
    state.credentials.insert(access_key_id, credential);
    issued
}

fn secret(bytes: &[u8]) -> String {
    use base64::Engine as _;
    base64::engine::general_purpose::STANDARD.encode(bytes)
}
