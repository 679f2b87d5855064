//! The seeded faults: deliberate violations of single rules, switchable by name.
//!
//! Here live the names, the set type and parsing by name; what is said of each fault stands in the tables of the
//! families below (id, broken rule, story, who sees it, what published flaw it stands for). The code that
//! misbehaves lives beside the code that behaves: each hook asks `FaultSet::contains`.

mod conditions;
mod context;
mod grants;
mod key_policies;
mod key_states;
mod layers;
mod matching;
mod principals;
mod sse_kms;
mod watch;

use std::fmt;

pub use watch::take_came_by;

/// One seeded fault. The id, the rule it breaks and its story are in [`FAULTS`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Fault {
    /// `user-principal-ignores-case` (`iam:P-18`).
    UserPrincipalIgnoresCase,
    /// `session-principal-matches-role` (`iam:P-06`).
    SessionPrincipalMatchesRole,
    /// `aws-star-misses-anonymous` (`iam:P-02`).
    AwsStarMissesAnonymous,
    /// `account-principal-in-deny-misses` (`iam:P-32`).
    AccountPrincipalInDenyMisses,
    /// `action-case-counts` (`iam:M-01`).
    ActionCaseCounts,
    /// `not-action-first-entry-only` (`iam:M-03`).
    NotActionFirstEntryOnly,
    /// `resource-star-stops-at-slash` (`iam:M-22`).
    ResourceStarStopsAtSlash,
    /// `unresolved-variable-is-empty` (`iam:V-10`).
    UnresolvedVariableIsEmpty,
    /// `substituted-wildcards-active` (`iam:V-12`).
    SubstitutedWildcardsActive,
    /// `string-equals-ignores-case` (`iam:C-03`).
    StringEqualsIgnoresCase,
    /// `string-like-question-mark-literal` (`iam:C-61`).
    StringLikeQuestionMarkLiteral,
    /// `numbers-compared-as-text` (`iam:C-30`).
    NumbersComparedAsText,
    /// `date-less-than-inclusive` (`iam:C-31`).
    DateLessThanInclusive,
    /// `absent-bool-is-false` (`iam:C-43`).
    AbsentBoolIsFalse,
    /// `binary-compared-as-text` (`iam:C-36`).
    BinaryComparedAsText,
    /// `address-prefix-ignored` (`iam:C-35`).
    AddressPrefixIgnored,
    /// `arn-compared-as-whole-text` (`iam:C-50`).
    ArnComparedAsWholeText,
    /// `null-sees-empty-list` (`iam:C-70`).
    NullSeesEmptyList,
    /// `negated-list-any` (`iam:C-11`).
    NegatedListAny,
    /// `absent-key-negated-false` (`iam:C-11`).
    AbsentKeyNegatedFalse,
    /// `if-exists-ignored` (`iam:C-41`).
    IfExistsIgnored,
    /// `if-exists-always-holds` (`iam:C-40`).
    IfExistsAlwaysHolds,
    /// `for-all-values-needs-a-value` (`iam:C-92`).
    ForAllValuesNeedsAValue,
    /// `for-any-value-as-all` (`iam:C-90`).
    ForAnyValueAsAll,
    /// `session-arn-as-principal-arn` (`iam:K-95`).
    SessionArnAsPrincipalArn,
    /// `via-aws-service-always-false` (`iam:K-62`).
    ViaAwsServiceAlwaysFalse,
    /// `service-principal-has-principal-arn` (`svc:F-3`).
    ServicePrincipalHasPrincipalArn,
    /// `request-alias-absent` (`svc:C-11`).
    RequestAliasAbsent,
    /// `identity-deny-ignored` (`iam:L-10`).
    IdentityDenyIgnored,
    /// `boundary-skipped` (`iam:L-13`).
    BoundarySkipped,
    /// `boundary-grants` (`iam:L-85`).
    BoundaryGrants,
    /// `session-policy-skipped` (`iam:L-76`).
    SessionPolicySkipped,
    /// `federated-user-needs-no-session-policy` (`iam:L-77`).
    FederatedUserNeedsNoSessionPolicy,
    /// `service-control-last-level-only` (`iam:L-03`).
    ServiceControlLastLevelOnly,
    /// `service-linked-role-bound` (`iam:L-48`).
    ServiceLinkedRoleBound,
    /// `resource-control-spares-own-account` (`iam:L-11`).
    ResourceControlSparesOwnAccount,
    /// `endpoint-policy-skipped` (`iam:L-14`).
    EndpointPolicySkipped,
    /// `trust-policy-optional` (`iam:L-41`).
    TrustPolicyOptional,
    /// `cross-account-identity-suffices` (`iam:L-42`).
    CrossAccountIdentitySuffices,
    /// `root-needs-identity-policy` (`iam:L-60`).
    RootNeedsIdentityPolicy,
    /// `blames-identity-always` (`iam:R-07`).
    BlamesIdentityAlways,
    /// `delegation-as-direct-allow` (`svc:K-4`).
    DelegationAsDirectAllow,
    /// `cross-account-key-policy-suffices` (`svc:K-7`).
    CrossAccountKeyPolicySuffices,
    /// `key-policy-deny-ignored-for-grants` (`svc:K-11`).
    KeyPolicyDenyIgnoredForGrants,
    /// `lockout-check-skipped` (`svc:P-5`).
    LockoutCheckSkipped,
    /// `alias-key-unasked` (`svc:K-17`).
    AliasKeyUnasked,
    /// `re-encrypt-destination-unchecked` (`svc:K-21`).
    ReEncryptDestinationUnchecked,
    /// `grant-constraint-ignored` (`svc:G-10`).
    GrantConstraintIgnored,
    /// `role-grantee-misses-sessions` (`svc:G-14`).
    RoleGranteeMissesSessions,
    /// `session-name-ignored-in-grantee` (`svc:G-14`).
    SessionNameIgnoredInGrantee,
    /// `retired-grant-still-allows` (`svc:G-1`).
    RetiredGrantStillAllows,
    /// `child-grant-unlimited` (`svc:G-6`).
    ChildGrantUnlimited,
    /// `grant-token-ignored` (`svc:G-21`).
    GrantTokenIgnored,
    /// `key-policy-retire-grant-counts` (`svc:G-16`).
    KeyPolicyRetireGrantCounts,
    /// `key-state-ignored` (`svc:ST-1`).
    KeyStateIgnored,
    /// `cancelled-deletion-enables` (`svc:ST-4`).
    CancelledDeletionEnables,
    /// `generate-data-key-unchecked-on-put` (`svc:S-16`).
    GenerateDataKeyUncheckedOnPut,
    /// `decrypt-unchecked-on-get` (`svc:S-17`).
    DecryptUncheckedOnGet,
}

/// Who can see that a fault is active.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Tier {
    /// Whoever asks the authorizer: policies and one request, as in an evaluator case. The services show it too.
    Authorizer,
    /// Only who uses the services: the fault sits in what they ask, store or answer.
    World,
}

impl Tier {
    /// `authorizer` or `world`.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Authorizer => "authorizer",
            Self::World => "world",
        }
    }
}

/// What the registry says about one fault.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FaultEntry {
    /// The fault.
    pub fault: Fault,
    /// Its name on the command line and in the control plane.
    pub id: &'static str,
    /// The rule it breaks.
    pub rule: &'static str,
    /// What goes wrong, in one sentence.
    pub story: &'static str,
    /// Who can see it.
    pub tier: Tier,
    /// The published flaw it stands for: an advisory, an issue, or what a named version of a product does.
    pub class: Option<&'static str>,
}

impl FaultEntry {
    const fn stands_for(mut self, class: &'static str) -> Self {
        self.class = Some(class);
        self
    }
}

const fn authorizer(fault: Fault, id: &'static str, rule: &'static str, story: &'static str) -> FaultEntry {
    FaultEntry {
        fault,
        id,
        rule,
        story,
        tier: Tier::Authorizer,
        class: None,
    }
}

const fn world(fault: Fault, id: &'static str, rule: &'static str, story: &'static str) -> FaultEntry {
    FaultEntry {
        fault,
        id,
        rule,
        story,
        tier: Tier::World,
        class: None,
    }
}

/// The tables of all families.
const FAMILIES: &[&[FaultEntry]] = &[
    principals::ENTRIES,
    matching::ENTRIES,
    conditions::ENTRIES,
    context::ENTRIES,
    layers::ENTRIES,
    key_policies::ENTRIES,
    grants::ENTRIES,
    key_states::ENTRIES,
    sse_kms::ENTRIES,
];

/// Every fault, in the order of the [`Fault`] variants.
pub const FAULTS: &[FaultEntry] = &IN_ORDER;

const COUNT: usize = {
    let mut count = 0;
    let mut family = 0;
    while family < FAMILIES.len() {
        count += FAMILIES[family].len();
        family += 1;
    }
    count
};

// INVARIANT: entry n describes the variant with discriminant n; the build fails otherwise.
const IN_ORDER: [FaultEntry; COUNT] = {
    let mut entries = [FAMILIES[0][0]; COUNT];
    let mut family = 0;
    while family < FAMILIES.len() {
        let mut row = 0;
        while row < FAMILIES[family].len() {
            let entry = FAMILIES[family][row];
            entries[entry.fault as usize] = entry;
            row += 1;
        }
        family += 1;
    }
    let mut place = 0;
    while place < COUNT {
        assert!(entries[place].fault as usize == place, "a fault has no entry");
        place += 1;
    }
    entries
};

impl Fault {
    /// The registry entry of this fault.
    pub fn entry(self) -> &'static FaultEntry {
        &FAULTS[self as usize]
    }

    /// The name of this fault on the command line and in the control plane.
    pub fn id(self) -> &'static str {
        self.entry().id
    }

    /// Finds a fault by its exact name.
    ///
    /// # Errors
    /// [`UnknownFault`] when no fault has that name.
    pub fn from_id(id: &str) -> Result<Self, UnknownFault> {
        FAULTS
            .iter()
            .find(|entry| entry.id == id)
            .map(|entry| entry.fault)
            .ok_or_else(|| UnknownFault(id.to_owned()))
    }

    /// The word of a set that holds the fault, and its bit there.
    const fn place(self) -> (usize, u64) {
        (self as usize / FAULTS_PER_WORD, 1 << (self as usize % FAULTS_PER_WORD))
    }
}

impl fmt::Display for Fault {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(self.id())
    }
}

/// A name that no fault has.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("unknown fault `{0}`")]
pub struct UnknownFault(pub String);

/// A set of active faults; empty by default.
#[derive(Clone, Copy, Default, PartialEq, Eq)]
pub struct FaultSet([u64; WORDS]);

/// Room for every fault.
const WORDS: usize = COUNT.div_ceil(FAULTS_PER_WORD);
/// The last bit of each word says that the set is watched.
const FAULTS_PER_WORD: usize = 63;
const WATCHED: u64 = 1 << FAULTS_PER_WORD;

impl FaultSet {
    /// No fault at all: the emulator behaves.
    pub const EMPTY: Self = Self([0; WORDS]);

    /// Whether the fault is active.
    #[inline]
    pub fn contains(self, fault: Fault) -> bool {
        let (word, bit) = fault.place();
        // One test where nothing is on, watched or not.
        self.0[word] & (bit | WATCHED) != 0 && self.answer(fault)
    }

    #[cold]
    fn answer(self, fault: Fault) -> bool {
        if self.0[0] & WATCHED != 0 {
            watch::note(fault);
        }
        self.holds(fault)
    }

    const fn holds(self, fault: Fault) -> bool {
        let (word, bit) = fault.place();
        self.0[word] & bit != 0
    }

    /// The set as one that notes which faults it is asked for ([`take_came_by`]).
    #[must_use]
    pub const fn watched(mut self) -> Self {
        let mut word = 0;
        while word < WORDS {
            self.0[word] |= WATCHED;
            word += 1;
        }
        self
    }

    /// Whether no fault is active and nobody watches.
    pub const fn is_empty(self) -> bool {
        let mut word = 0;
        while word < WORDS {
            if self.0[word] != 0 {
                return false;
            }
            word += 1;
        }
        true
    }

    /// Activates a fault.
    pub const fn insert(&mut self, fault: Fault) {
        let (word, bit) = fault.place();
        self.0[word] |= bit;
    }

    /// The set with one more fault.
    #[must_use]
    pub const fn with(mut self, fault: Fault) -> Self {
        self.insert(fault);
        self
    }

    /// The set of the named faults.
    ///
    /// # Errors
    /// [`UnknownFault`] for the first name that no fault has.
    pub fn from_ids<I, S>(ids: I) -> Result<Self, UnknownFault>
    where
        I: IntoIterator<Item = S>,
        S: AsRef<str>,
    {
        let mut set = Self::EMPTY;
        for id in ids {
            set.insert(Fault::from_id(id.as_ref())?);
        }
        Ok(set)
    }

    /// The active faults in registry order.
    pub fn iter(self) -> impl Iterator<Item = Fault> {
        FAULTS
            .iter()
            .map(|entry| entry.fault)
            .filter(move |fault| self.holds(*fault))
    }
}

impl fmt::Debug for FaultSet {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_set().entries(self.iter().map(Fault::id)).finish()
    }
}

#[cfg(test)]
mod tests {
    use super::{FAULTS, Fault, FaultSet, UnknownFault};
    use std::collections::BTreeSet;

    #[test]
    fn every_entry_sits_at_its_discriminant_and_has_its_own_id() {
        let mut ids = BTreeSet::new();
        for (index, entry) in FAULTS.iter().enumerate() {
            assert_eq!(entry.fault as usize, index, "{}", entry.id);
            assert_eq!(entry.fault.entry(), entry);
            assert!(ids.insert(entry.id), "duplicate id {}", entry.id);
            assert_eq!(Fault::from_id(entry.id), Ok(entry.fault));
        }
    }

    #[test]
    fn a_set_is_exactly_the_named_faults() {
        let set = FaultSet::from_ids(["boundary-skipped", "key-state-ignored"]).expect("both exist");
        assert!(set.contains(Fault::BoundarySkipped));
        assert!(set.contains(Fault::KeyStateIgnored));
        assert_eq!(set.iter().count(), 2);
        assert!(FaultSet::EMPTY.is_empty());
    }

    #[test]
    fn an_unknown_name_is_an_error_with_the_contract_text() {
        let error = FaultSet::from_ids(["x"]).expect_err("no such fault");
        assert_eq!(error, UnknownFault("x".to_owned()));
        assert_eq!(error.to_string(), "unknown fault `x`");
    }
}
