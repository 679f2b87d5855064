//! What IAM remembers: users, groups, roles, managed policies by account. Operations are in the sibling files.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::Arc;

use jiff::Timestamp;

use crate::authorizer::{AttachedPolicy, Policy, PrincipalResolver};
use crate::managed_policies;
use crate::names::{AccountId, ArnParts};
use crate::propagating::{ChangeTime, Propagating};

/// IAM of every account. Accounts exist on first use.
#[derive(Debug, Clone, Default)]
pub struct Store {
    accounts: BTreeMap<AccountId, Account>,
    /// INVARIANT: one entry per living user and role: unique id -> ARN.
    arns_by_unique_id: HashMap<String, String>,
    /// The default versions of customer managed policies by ARN, as decisions read them: `None` once deleted.
    // INVARIANT: the current value is the default version of the policy of that ARN.
    documents: HashMap<String, Propagating<Option<Arc<Policy>>>>,
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
    /// Identity policies; authorization sees changes late (svc:K-28).
    pub policies: Propagating<PolicyAttachments>,
    /// Names of the groups it is in.
    pub groups: BTreeSet<String>,
    /// ARN of the permissions boundary; authorization sees changes late (svc:K-28).
    pub permissions_boundary: Propagating<Option<String>>,
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
    /// Identity policies; authorization sees changes late (svc:K-28).
    pub policies: Propagating<PolicyAttachments>,
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
    /// The trust policy; authorization sees changes late (svc:K-28).
    pub trust: Propagating<Arc<Policy>>,
    /// Tags.
    pub tags: BTreeMap<String, String>,
    /// Identity policies; authorization sees changes late (svc:K-28).
    pub policies: Propagating<PolicyAttachments>,
    /// ARN of the permissions boundary; authorization sees changes late (svc:K-28).
    pub permissions_boundary: Propagating<Option<String>>,
}

/// A managed policy with its versions.
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
    /// When its default version or its set of versions last changed.
    pub updated_at: Timestamp,
    /// Versions, oldest first.
    // INVARIANT: numbers rise, and the default version is one of them.
    pub versions: Vec<PolicyVersion>,
    /// Number of the default version.
    pub default_version: u32,
    /// Number of the version that was made last; it is never used again.
    pub last_version: u32,
    /// Tags.
    pub tags: BTreeMap<String, String>,
}

/// One version of a managed policy.
#[derive(Debug, Clone)]
pub struct PolicyVersion {
    /// N of `vN`; numbers are never used again.
    pub number: u32,
    /// When it was created.
    pub created_at: Timestamp,
    /// The document.
    pub policy: Arc<Policy>,
}

impl PolicyVersion {
    /// `vN`.
    #[must_use]
    pub fn id(&self) -> String {
        format!("v{}", self.number)
    }
}

impl ManagedPolicy {
    /// The version that is in force.
    #[must_use]
    pub fn default(&self) -> Option<&PolicyVersion> {
        self.versions
            .iter()
            .find(|version| version.number == self.default_version)
    }
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

    /// Whether there is a managed policy of this ARN: AWS managed or a customer's.
    #[must_use]
    pub fn has_managed_policy(&self, arn: &str) -> bool {
        managed_policies::find(arn).is_some()
            || self
                .documents
                .get(arn)
                .is_some_and(|document| document.current().is_some())
    }

    /// The document behind a managed policy ARN as decisions see it at `now`: AWS managed or a customer's.
    #[must_use]
    pub fn managed_policy(&self, arn: &str, now: Timestamp) -> Option<AttachedPolicy> {
        let policy = match managed_policies::find(arn) {
            Some(managed) => &managed.default()?.policy,
            None => self.documents.get(arn)?.visible(now).as_ref()?,
        };
        Some(AttachedPolicy::managed(arn, policy.clone()))
    }

    /// Everything attached to one user, group or role as decisions see it at `now`.
    #[must_use]
    pub fn policies_of(&self, attachments: &Propagating<PolicyAttachments>, now: Timestamp) -> Vec<AttachedPolicy> {
        let attachments = attachments.visible(now);
        let inline = attachments.inline.values().cloned().map(AttachedPolicy::inline);
        let attached = attachments
            .attached
            .iter()
            .filter_map(|arn| self.managed_policy(arn, now));
        inline.chain(attached).collect()
    }

    /// A permissions boundary as decisions see it at `now`.
    #[must_use]
    pub fn boundary(&self, boundary: &Propagating<Option<String>>, now: Timestamp) -> Option<AttachedPolicy> {
        self.managed_policy(boundary.visible(now).as_deref()?, now)
    }

    /// Adds a customer managed policy. Nothing is attached to it yet, so its document needs no time to be seen.
    pub fn add_policy(&mut self, account: &AccountId, policy: ManagedPolicy, when: ChangeTime) {
        let document = policy.default().map(|version| version.policy.clone());
        match self.documents.get_mut(&policy.arn) {
            // Attachments to a predecessor may still be seen; they see the new document when it has propagated.
            Some(earlier) => earlier.change(document, when),
            None => {
                self.documents
                    .insert(policy.arn.clone(), Propagating::settled(document));
            }
        }
        self.account_mut(account).policies.insert(policy.arn.clone(), policy);
    }

    /// Changes the versions of a customer managed policy; decisions see a new default version late (svc:K-28).
    pub fn change_policy(
        &mut self,
        account: &AccountId,
        arn: &str,
        when: ChangeTime,
        change: impl FnOnce(&mut ManagedPolicy),
    ) {
        let Some(policy) = self.account_mut(account).policies.get_mut(arn) else {
            return;
        };
        let before = policy.default_version;
        change(policy);
        policy.updated_at = when.now;
        let default = policy.default().map(|version| version.policy.clone());
        if policy.default_version != before
            && let Some(document) = self.documents.get_mut(arn)
        {
            document.change(default, when);
        }
    }

    /// Removes a customer managed policy; an attachment that decisions still see keeps its document for as long.
    pub fn remove_policy(&mut self, account: &AccountId, arn: &str, when: ChangeTime) {
        self.account_mut(account).policies.remove(arn);
        if when.effective_at <= when.now {
            self.documents.remove(arn);
        } else if let Some(document) = self.documents.get_mut(arn) {
            document.change(None, when);
        }
    }

    /// Everything pending has propagated.
    pub fn settle(&mut self) {
        for account in self.accounts.values_mut() {
            for user in account.users.values_mut() {
                user.policies.settle();
                user.permissions_boundary.settle();
            }
            for group in account.groups.values_mut() {
                group.policies.settle();
            }
            for role in account.roles.values_mut() {
                role.policies.settle();
                role.permissions_boundary.settle();
                role.trust.settle();
            }
        }
        self.documents.retain(|_, document| {
            document.settle();
            document.current().is_some()
        });
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
            .filter(|policies| policies.current().attached.contains(arn))
            .count();
        let boundaries = account
            .users
            .values()
            .map(|user| &user.permissions_boundary)
            .chain(account.roles.values().map(|role| &role.permissions_boundary))
            .filter(|boundary| boundary.current().as_deref() == Some(arn))
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
