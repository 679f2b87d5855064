//! What IAM remembers: users, groups, roles, managed policies by account. Operations are in the sibling files.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::Arc;

use jiff::Timestamp;

use crate::authorizer::{AttachedPolicy, Policy, PrincipalResolver};
use crate::managed_policies;
use crate::names::{AccountId, ArnParts};

/// IAM of every account. Accounts exist on first use.
#[derive(Debug, Clone, Default)]
pub struct Store {
    accounts: BTreeMap<AccountId, Account>,
    /// INVARIANT: one entry per living user and role: unique id -> ARN.
    arns_by_unique_id: HashMap<String, String>,
}

/// IAM of one account.
#[derive(Debug, Clone, Default)]
pub struct Account {
    /// Users by name.
    pub users: BTreeMap<String, User>,
    /// Groups by name.
    pub groups: BTreeMap<String, Group>,
    /// Roles by name.
    pub roles: BTreeMap<String, Role>,
    /// Customer managed policies by ARN.
    pub policies: BTreeMap<String, ManagedPolicy>,
}

/// Inline and attached policies of a user, group or role.
#[derive(Debug, Clone, Default)]
pub struct PolicyAttachments {
    /// Inline policies by name.
    pub inline: BTreeMap<String, Arc<Policy>>,
    /// ARNs of attached managed policies.
    pub attached: BTreeSet<String>,
}

/// An IAM user.
#[derive(Debug, Clone)]
pub struct User {
    /// `AIDA…`.
    pub user_id: String,
    /// Name without path.
    pub name: String,
    /// Path with both slashes.
    pub path: String,
    /// Full ARN.
    pub arn: String,
    /// When it was created.
    pub created_at: Timestamp,
    /// Tags.
    pub tags: BTreeMap<String, String>,
    /// Identity policies.
    pub policies: PolicyAttachments,
    /// Names of the groups it is in.
    pub groups: BTreeSet<String>,
    /// ARN of the permissions boundary.
    pub permissions_boundary: Option<String>,
    /// Long-term access keys made by CreateAccessKey.
    pub access_keys: Vec<AccessKey>,
}

/// A long-term access key as IAM lists it; the secret is in the credential store.
#[derive(Debug, Clone)]
pub struct AccessKey {
    /// `AKIA…`.
    pub access_key_id: String,
    /// When it was created.
    pub created_at: Timestamp,
}

/// An IAM group.
#[derive(Debug, Clone)]
pub struct Group {
    /// `AGPA…`.
    pub group_id: String,
    /// Name without path.
    pub name: String,
    /// Path with both slashes.
    pub path: String,
    /// Full ARN.
    pub arn: String,
    /// When it was created.
    pub created_at: Timestamp,
    /// Identity policies.
    pub policies: PolicyAttachments,
}

/// An IAM role.
#[derive(Debug, Clone)]
pub struct Role {
    /// `AROA…`.
    pub role_id: String,
    /// Name without path.
    pub name: String,
    /// Path with both slashes.
    pub path: String,
    /// Full ARN.
    pub arn: String,
    /// When it was created.
    pub created_at: Timestamp,
    /// Description.
    pub description: Option<String>,
    /// Longest session, 3600 … 43200 seconds.
    pub max_session_duration: i64,
    /// The trust policy.
    pub trust: Arc<Policy>,
    /// Tags.
    pub tags: BTreeMap<String, String>,
    /// Identity policies.
    pub policies: PolicyAttachments,
    /// ARN of the permissions boundary.
    pub permissions_boundary: Option<String>,
}

/// A customer managed policy; one version only.
#[derive(Debug, Clone)]
pub struct ManagedPolicy {
    /// `ANPA…`.
    pub policy_id: String,
    /// Name without path.
    pub name: String,
    /// Path with both slashes.
    pub path: String,
    /// Full ARN.
    pub arn: String,
    /// When it was created.
    pub created_at: Timestamp,
    /// Description.
    pub description: Option<String>,
    /// The document.
    pub policy: Arc<Policy>,
    /// Tags.
    pub tags: BTreeMap<String, String>,
}

impl Role {
    /// Roles of `/aws-service-role/` belong to a service and cannot be changed (svc:N-7).
    #[must_use]
    pub fn is_service_linked(&self) -> bool {
        self.path.starts_with("/aws-service-role/")
    }

    /// Service-linked roles and reserved SSO roles are protected (errata svc:N-7).
    #[must_use]
    pub fn is_protected(&self) -> bool {
        self.is_service_linked() || self.path.starts_with("/aws-reserved/")
    }
}

impl Store {
    /// One account, if anything was ever made in it.
    #[must_use]
    pub fn account(&self, id: &AccountId) -> Option<&Account> {
        self.accounts.get(id)
    }

    /// One account, created on first use.
    pub fn account_mut(&mut self, id: &AccountId) -> &mut Account {
        self.accounts.entry(id.clone()).or_default()
    }

    /// The role behind an ARN.
    #[must_use]
    pub fn role_by_arn(&self, arn: &str) -> Option<(AccountId, &Role)> {
        let (account, name) = entity_name(arn, "role/")?;
        let role = self.accounts.get(&account)?.roles.get(name)?;
        (role.arn == arn).then_some((account, role))
    }

    /// Adds a user and its unique id.
    pub fn add_user(&mut self, account: &AccountId, user: User) {
        self.arns_by_unique_id.insert(user.user_id.clone(), user.arn.clone());
        self.account_mut(account).users.insert(user.name.clone(), user);
    }

    /// Removes a user; its unique id is gone for good (iam:P-40).
    pub fn remove_user(&mut self, account: &AccountId, name: &str) {
        if let Some(user) = self.account_mut(account).users.remove(name) {
            self.arns_by_unique_id.remove(&user.user_id);
        }
    }

    /// Adds a role and its unique id.
    pub fn add_role(&mut self, account: &AccountId, role: Role) {
        self.arns_by_unique_id.insert(role.role_id.clone(), role.arn.clone());
        self.account_mut(account).roles.insert(role.name.clone(), role);
    }

    /// Removes a role; its unique id is gone for good (iam:P-40).
    pub fn remove_role(&mut self, account: &AccountId, name: &str) {
        if let Some(role) = self.account_mut(account).roles.remove(name) {
            self.arns_by_unique_id.remove(&role.role_id);
        }
    }

    /// The document behind a managed policy ARN: AWS managed or a customer's.
    #[must_use]
    pub fn managed_policy(&self, arn: &str) -> Option<AttachedPolicy> {
        let policy = match managed_policies::find(arn) {
            Some(managed) => managed.policy.clone(),
            None => {
                let account = AccountId::parse(ArnParts::parse(arn)?.account)?;
                self.accounts.get(&account)?.policies.get(arn)?.policy.clone()
            }
        };
        Some(AttachedPolicy::managed(arn, policy))
    }

    /// Everything attached to one user, group or role.
    #[must_use]
    pub fn policies_of(&self, _account: &AccountId, attachments: &PolicyAttachments) -> Vec<AttachedPolicy> {
        let inline = attachments.inline.values().cloned().map(AttachedPolicy::inline);
        let attached = attachments.attached.iter().filter_map(|arn| self.managed_policy(arn));
        inline.chain(attached).collect()
    }

    /// The permissions boundary behind an ARN.
    #[must_use]
    pub fn boundary(&self, _account: &AccountId, arn: Option<&str>) -> Option<AttachedPolicy> {
        self.managed_policy(arn?)
    }

    /// How often a managed policy is attached, and how often it serves as a boundary, in its account.
    #[must_use]
    pub fn attachment_counts(&self, account: &AccountId, arn: &str) -> (usize, usize) {
        let Some(account) = self.accounts.get(account) else {
            return (0, 0);
        };
        let attachments = account
            .users
            .values()
            .map(|user| &user.policies)
            .chain(account.groups.values().map(|group| &group.policies))
            .chain(account.roles.values().map(|role| &role.policies))
            .filter(|policies| policies.attached.contains(arn))
            .count();
        let boundaries = account
            .users
            .values()
            .map(|user| user.permissions_boundary.as_deref())
            .chain(account.roles.values().map(|role| role.permissions_boundary.as_deref()))
            .filter(|boundary| *boundary == Some(arn))
            .count();
        (attachments, boundaries)
    }
}

impl PrincipalResolver for Store {
    fn unique_id_of(&self, arn: &str) -> Option<String> {
        if let Some((account, name)) = entity_name(arn, "user/") {
            let user = self.accounts.get(&account)?.users.get(name)?;
            return (user.arn == arn).then(|| user.user_id.clone());
        }
        self.role_by_arn(arn).map(|(_, role)| role.role_id.clone())
    }

    fn arn_of(&self, unique_id: &str) -> Option<String> {
        self.arns_by_unique_id.get(unique_id).cloned()
    }

    fn account_of_canonical_user(&self, canonical_id: &str) -> Option<AccountId> {
        crate::s3::account_of_canonical_id(canonical_id)
    }
}

/// Account and bare name of `arn:aws:iam::A:KIND/path/name`.
fn entity_name<'a>(arn: &'a str, kind: &str) -> Option<(AccountId, &'a str)> {
    let parts = ArnParts::parse(arn)?;
    if parts.partition != "aws" || parts.service != "iam" || !parts.region.is_empty() {
        return None;
    }
    let path_and_name = parts.resource.strip_prefix(kind)?;
    let name = path_and_name.rsplit('/').next()?;
    Some((AccountId::parse(parts.account)?, name))
}
