//! What exists between two steps. Only data and look-ups; no rule is decided here.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use jiff::Timestamp;
use jiff::civil::Date;

use super::clock::{Clock, Delayed};
use super::growing::Growing;
use super::policy::StoredPolicy;
use super::shared::Shared;
use super::{InitialSymbols, OrganizationNames};
use crate::case::{PublicAccessBlockSpec, StepPrincipal, VpcEndpointKind, WorldSpec};
use crate::kms::key::{Alias, Ciphertext, ImportToken, Key, KeyRef, KeyStore, Signature};
use crate::name::{AccountId, Region};
use crate::quirks::Quirks;
use crate::s3::bucket::Bucket;
use crate::services::backup::{Job, Vault};
use crate::services::lambda::Function;

/// The state of a Case. Equality of [`State::contents`] is what `unchanged` means.
#[derive(Debug, Clone)]
pub(crate) struct State {
    pub(crate) spec: Shared<WorldSpec>,
    pub(crate) initial_symbols: Shared<InitialSymbols>,
    pub(crate) organization_names: Option<Shared<OrganizationNames>>,
    pub(crate) as_of: Date,
    pub(crate) quirks: Quirks,
    /// Whether outcomes say why; that never changes what they say.
    pub(crate) explained: bool,
    pub(crate) clock: Clock,
    /// Values saved by steps.
    pub(crate) saved: Shared<BTreeMap<String, String>>,
    /// When each principal's temporary credentials were made: at their first use.
    pub(crate) sessions: Shared<BTreeMap<StepPrincipal, Timestamp>>,
    /// Session policies that were read, by their texts: who has one uses it many times.
    pub(crate) session_policies: Growing<Arc<str>, Arc<StoredPolicy>>,
    /// Texts the model invented for what the target chooses while the case runs.
    pub(crate) symbols: Growing<Arc<str>, ()>,
    /// Numbers what is invented.
    pub(crate) sequence: u64,
    /// What every ciphertext blob stands for. Not contents: making a ciphertext changes nothing in AWS.
    pub(crate) ciphertexts: Growing<Arc<str>, Shared<Ciphertext>>,
    /// What every signature and MAC stands for, likewise.
    pub(crate) signatures: Shared<BTreeMap<String, Signature>>,
    /// The key spec of every public key that was given out.
    pub(crate) public_keys: Shared<BTreeMap<String, String>>,
    /// Import tokens that were given out.
    pub(crate) import_tokens: Shared<BTreeMap<String, ImportToken>>,
    pub(crate) contents: Contents,
}

/// Everything an API call can change.
#[derive(Debug, Clone, Default, PartialEq)]
pub(crate) struct Contents {
    pub(crate) accounts: Shared<BTreeMap<AccountId, Shared<Account>>>,
    pub(crate) organization: Option<Shared<Organization>>,
    pub(crate) keys: Shared<BTreeMap<KeyRef, Shared<Key>>>,
    pub(crate) aliases: Shared<BTreeMap<AliasRef, Alias>>,
    pub(crate) key_stores: Shared<BTreeMap<KeyStoreRef, KeyStore>>,
    /// Symbolic names of the world's keys.
    pub(crate) key_names: Shared<BTreeMap<(AccountId, String), KeyRef>>,
    pub(crate) buckets: Shared<BTreeMap<String, Shared<Bucket>>>,
}

/// Where an alias lives: an alias is unique in its account and Region.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct AliasRef {
    pub(crate) account: AccountId,
    pub(crate) region: Region,
    /// With its `alias/` prefix.
    pub(crate) name: String,
}

/// Where a custom key store lives.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct KeyStoreRef {
    pub(crate) account: AccountId,
    pub(crate) region: Region,
    /// `cks-…`.
    pub(crate) id: String,
}

impl AliasRef {
    pub(crate) fn arn(&self) -> String {
        format!("arn:aws:kms:{}:{}:{}", self.region, self.account, self.name)
    }
}

/// One account.
#[derive(Debug, Clone, Default, PartialEq)]
pub(crate) struct Account {
    pub(crate) users: BTreeMap<String, User>,
    pub(crate) groups: BTreeMap<String, Group>,
    pub(crate) roles: BTreeMap<String, Role>,
    /// Customer managed policies by ARN.
    pub(crate) managed_policies: BTreeMap<String, ManagedPolicy>,
    pub(crate) public_access_block: Option<PublicAccessBlockSpec>,
    pub(crate) functions: BTreeMap<(Region, String), Function>,
    pub(crate) vaults: BTreeMap<(Region, String), Vault>,
    pub(crate) jobs: BTreeMap<String, Job>,
    pub(crate) tables: BTreeSet<(Region, String)>,
    pub(crate) vpc_endpoints: BTreeMap<String, VpcEndpoint>,
}

/// An IAM user.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct User {
    pub(crate) path: String,
    pub(crate) unique_id: String,
    pub(crate) identity: Delayed<IdentityPolicies>,
    pub(crate) tags: Delayed<BTreeMap<String, String>>,
}

/// An IAM role.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Role {
    pub(crate) path: String,
    pub(crate) unique_id: String,
    pub(crate) trust: Delayed<Arc<StoredPolicy>>,
    pub(crate) identity: Delayed<IdentityPolicies>,
    pub(crate) tags: Delayed<BTreeMap<String, String>>,
    /// The service principal of a service-linked role.
    pub(crate) service_linked: Option<String>,
}

/// An IAM group.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Group {
    pub(crate) path: String,
    pub(crate) identity: Delayed<IdentityPolicies>,
}

/// The policies of a user, role or group.
#[derive(Debug, Clone, Default, PartialEq)]
pub(crate) struct IdentityPolicies {
    /// Inline policies by name.
    pub(crate) inline: BTreeMap<String, Arc<StoredPolicy>>,
    /// ARNs of managed policies, in the order attached.
    pub(crate) attached: Vec<String>,
    /// Names of groups; users only.
    pub(crate) groups: Vec<String>,
    /// ARN of the permissions boundary; users and roles only.
    pub(crate) permissions_boundary: Option<String>,
}

/// A managed policy.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct ManagedPolicy {
    pub(crate) name: String,
    pub(crate) policy: Arc<StoredPolicy>,
}

/// A VPC endpoint.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct VpcEndpoint {
    pub(crate) id: String,
    pub(crate) vpc: String,
    pub(crate) service: String,
    pub(crate) kind: VpcEndpointKind,
    pub(crate) policy: Option<Arc<StoredPolicy>>,
}

/// The organization.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Organization {
    pub(crate) id: String,
    pub(crate) management_account: AccountId,
    pub(crate) members: BTreeMap<AccountId, Membership>,
}

/// Where an account stands in the organization.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Membership {
    /// `o-…/r-…/ou-…/`, with a trailing slash (`iam:K-04`).
    pub(crate) path: String,
    /// SCPs of every level, root first.
    pub(crate) service_control: Vec<Vec<OrganizationPolicy>>,
    /// RCPs of every level, root first.
    pub(crate) resource_control: Vec<Vec<OrganizationPolicy>>,
}

/// An SCP or RCP.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct OrganizationPolicy {
    pub(crate) name: String,
    pub(crate) arn: String,
    pub(crate) policy: Arc<StoredPolicy>,
}

impl State {
    /// A seed for something invented now.
    pub(crate) fn next_seed(&mut self, what: &str) -> String {
        self.sequence += 1;
        format!("{what}#{}", self.sequence)
    }

    /// Registers a text as chosen by the target and gives it back.
    pub(crate) fn symbol(&mut self, text: String) -> String {
        self.symbols.insert(text.as_str().into(), ());
        text
    }

    pub(crate) fn account(&self, id: &AccountId) -> Option<&Account> {
        self.contents.accounts.get(id).map(|account| &**account)
    }

    /// The account, made on first use.
    pub(crate) fn account_mut(&mut self, id: &AccountId) -> &mut Account {
        self.contents.accounts.entry(id.clone()).or_default()
    }

    pub(crate) fn user(&self, account: &AccountId, name: &str) -> Option<&User> {
        self.account(account)?.users.get(name)
    }

    pub(crate) fn role(&self, account: &AccountId, name: &str) -> Option<&Role> {
        self.account(account)?.roles.get(name)
    }

    pub(crate) fn key(&self, key: &KeyRef) -> Option<&Key> {
        self.contents.keys.get(key).map(|key| &**key)
    }

    pub(crate) fn bucket(&self, name: &str) -> Option<&Bucket> {
        self.contents.buckets.get(name).map(|bucket| &**bucket)
    }

    /// Whether two accounts are in the same organization.
    pub(crate) fn same_organization(&self, one: &AccountId, other: &AccountId) -> bool {
        self.contents
            .organization
            .as_ref()
            .is_some_and(|organization| organization.has(one) && organization.has(other))
    }
}

impl Organization {
    /// Whether the account belongs to it, the management account included.
    pub(crate) fn has(&self, account: &AccountId) -> bool {
        *account == self.management_account || self.members.contains_key(account)
    }

    /// The account's path, if it belongs to it.
    pub(crate) fn path(&self, account: &AccountId) -> Option<&str> {
        self.members.get(account).map(|membership| membership.path.as_str())
    }
}
