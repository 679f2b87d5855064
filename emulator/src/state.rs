//! Everything the emulator remembers: one world, plus the settings of the current case. No decisions here.

use std::collections::BTreeMap;
use std::sync::Arc;

use jiff::Timestamp;
use jiff::civil::Date;

use crate::authorizer::Policy;
use crate::fault::FaultSet;
use crate::identity::CredentialStore;
use crate::names::{AccountId, Region};
use crate::organization::Organization;
use crate::propagating::ChangeTime;
use crate::quirks::Quirks;
use crate::sources::Sources;

/// The suite's current date, used when a case sets no `as_of` (contract).
pub const CURRENT_DATE: Date = jiff::civil::date(2026, 11, 22);

/// The whole world behind one lock.
#[derive(Debug)]
pub struct State {
    /// Clock and id source.
    pub sources: Sources,
    /// Switches of the current case.
    pub case: CaseSettings,
    /// Faults that are on from the start and after every reset.
    base_faults: FaultSet,
    /// Secret of every account's root user (contract); survives resets.
    pub root_secret: String,
    /// Working credentials by access key id.
    pub credentials: CredentialStore,
    /// IAM users, groups, roles, policies by account.
    pub iam: crate::iam::Store,
    /// KMS keys, grants, aliases and the trail.
    pub kms: crate::kms::Store,
    /// RSA key pairs of earlier worlds; survives resets.
    pub rsa_pairs: crate::kms::Drawer,
    /// S3 buckets and objects.
    pub s3: crate::s3::Store,
    /// Lambda functions.
    pub lambda: crate::lambda::Store,
    /// Backup vaults, jobs and recovery points.
    pub backup: crate::backup::Store,
    /// DynamoDB tables.
    pub dynamodb: crate::dynamodb::Store,
}

/// Settings that a case may change through `POST case` (contract).
#[derive(Debug, Clone, Default)]
pub struct CaseSettings {
    /// Rule and message profile date; `None` = current.
    pub as_of: Option<Date>,
    /// A clock that stands still; `None` = the source's clock.
    pub clock: Option<Timestamp>,
    /// How long policies, grants, key tags and aliases take to become effective (svc:K-28, svc:G-21).
    pub propagation_seconds: i64,
    /// How long S3 keeps a bucket-level key without asking KMS again (svc:S-20); 0 = not at all (svc:Q-11).
    pub bucket_key_seconds: i64,
    /// Disputed rules as switches.
    pub quirks: Quirks,
    /// Seeded faults that are switched on.
    pub faults: FaultSet,
    /// The organization of the world, if any.
    pub organization: Option<Arc<Organization>>,
    /// VPC endpoints by name.
    pub vpc_endpoints: BTreeMap<String, VpcEndpoint>,
}

/// A VPC endpoint that calls can arrive through (iam:L-90).
#[derive(Debug, Clone)]
pub struct VpcEndpoint {
    /// `vpce-…`.
    pub id: String,
    /// `vpc-…`.
    pub vpc: String,
    /// Owner of the endpoint.
    pub account: AccountId,
    /// `s3` or `kms`.
    pub service: String,
    /// Gateway endpoints read account principals as "root user only" (iam:P-34).
    pub gateway: bool,
    /// The endpoint policy; `None` = the default, which allows everything.
    pub policy: Option<Arc<Policy>>,
}

impl State {
    /// An empty world with default settings and no faults.
    #[must_use]
    pub fn new(sources: Sources) -> Self {
        Self::with_faults(sources, FaultSet::EMPTY)
    }

    /// An empty world whose `base_faults` survive every reset.
    #[must_use]
    pub fn with_faults(sources: Sources, base_faults: FaultSet) -> Self {
        Self {
            sources,
            case: CaseSettings {
                faults: base_faults,
                ..CaseSettings::default()
            },
            base_faults,
            root_secret: "test".to_owned(),
            credentials: CredentialStore::default(),
            iam: crate::iam::Store::default(),
            kms: crate::kms::Store::default(),
            rsa_pairs: crate::kms::Drawer::default(),
            s3: crate::s3::Store::default(),
            lambda: crate::lambda::Store::default(),
            backup: crate::backup::Store::default(),
            dynamodb: crate::dynamodb::Store::default(),
        }
    }

    /// Wipes the world and the case settings; the sources stay (contract: `POST reset`).
    pub fn reset(&mut self) {
        self.case = CaseSettings {
            faults: self.base_faults,
            ..CaseSettings::default()
        };
        self.credentials = CredentialStore::default();
        self.iam = crate::iam::Store::default();
        self.replace_kms(crate::kms::Store::default());
        self.s3 = crate::s3::Store::default();
        self.lambda = crate::lambda::Store::default();
        self.backup = crate::backup::Store::default();
        self.dynamodb = crate::dynamodb::Store::default();
    }

    /// Another world's keys; the RSA pairs of the old ones can serve again.
    pub(crate) fn replace_kms(&mut self, kms: crate::kms::Store) {
        std::mem::replace(&mut self.kms, kms).end(&self.rsa_pairs);
    }

    /// The current instant: the case's still clock, else the source's.
    #[must_use]
    pub fn now(&self) -> Timestamp {
        self.case.clock.unwrap_or_else(|| self.sources.clock.now())
    }

    /// The date that decides rule and message profiles.
    #[must_use]
    pub fn as_of(&self) -> Date {
        self.case.as_of.unwrap_or(CURRENT_DATE)
    }

    /// When a change made now becomes effective for authorization (svc:G-21, svc:K-28).
    #[must_use]
    pub fn effective_at(&self) -> Timestamp {
        let now = self.now();
        now.checked_add(jiff::SignedDuration::from_secs(self.case.propagation_seconds))
            .unwrap_or(now)
    }

    /// The instant of a change made now, and of its effect (svc:K-28).
    #[must_use]
    pub fn change_time(&self) -> ChangeTime {
        ChangeTime {
            now: self.now(),
            effective_at: self.effective_at(),
        }
    }

    /// Everything pending has propagated (contract: `arrange {"settle":true}`).
    pub fn settle(&mut self) {
        let now = self.now();
        self.iam.settle();
        self.s3.settle();
        self.kms.settle(now);
    }
}

/// A Region-bound store: one `T` per account and Region, created on first use.
#[derive(Debug, Clone)]
pub struct PerRegion<T>(BTreeMap<AccountId, BTreeMap<Region, T>>);

impl<T> Default for PerRegion<T> {
    fn default() -> Self {
        Self(BTreeMap::new())
    }
}

impl<T: Default> PerRegion<T> {
    /// Read access; `None` when the pair was never written.
    #[must_use]
    pub fn get(&self, account: &AccountId, region: &Region) -> Option<&T> {
        self.0.get(account)?.get(region)
    }

    /// Write access, creating an empty `T` on first use.
    pub fn entry(&mut self, account: &AccountId, region: &Region) -> &mut T {
        let regions = self.0.entry(account.clone()).or_default();
        regions.entry(region.clone()).or_default()
    }

    /// Write access without creating.
    pub fn get_mut(&mut self, account: &AccountId, region: &Region) -> Option<&mut T> {
        self.0.get_mut(account)?.get_mut(region)
    }

    /// All stores in account, Region order.
    pub fn values_mut(&mut self) -> impl Iterator<Item = &mut T> {
        self.0.values_mut().flat_map(BTreeMap::values_mut)
    }

    /// All stores in account, Region order.
    pub fn iter(&self) -> impl Iterator<Item = ((&AccountId, &Region), &T)> {
        self.0
            .iter()
            .flat_map(|(account, regions)| regions.iter().map(move |(region, store)| ((account, region), store)))
    }
}
