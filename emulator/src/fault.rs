//! The seeded faults: deliberate violations of single rules, switchable by name.
//!
//! Here live the registry (id, broken rule, story), the set type and parsing by name. The code that
//! misbehaves lives beside the code that behaves: each hook asks `FaultSet::contains`.

use std::fmt;

/// One seeded fault. The id, the rule it breaks and its story are in [`FAULTS`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Fault {
    /// `identity-deny-ignored` (`iam:L-10`).
    IdentityDenyIgnored,
    /// `key-policy-deny-ignored-for-grants` (`svc:K-11`).
    KeyPolicyDenyIgnoredForGrants,
    /// `generate-data-key-unchecked-on-put` (`svc:S-16`).
    GenerateDataKeyUncheckedOnPut,
    /// `decrypt-unchecked-on-get` (`svc:S-17`).
    DecryptUncheckedOnGet,
    /// `grant-constraint-ignored` (`svc:G-10`).
    GrantConstraintIgnored,
    /// `delegation-as-direct-allow` (`svc:K-4`).
    DelegationAsDirectAllow,
    /// `absent-key-negated-false` (`iam:C-11`, §3.5).
    AbsentKeyNegatedFalse,
    /// `service-principal-has-principal-arn` (`svc:F-3`).
    ServicePrincipalHasPrincipalArn,
    /// `boundary-skipped` (`iam:L-13`).
    BoundarySkipped,
    /// `session-policy-skipped` (`iam:L-76`).
    SessionPolicySkipped,
    /// `role-grantee-misses-sessions` (`svc:G-14`).
    RoleGranteeMissesSessions,
    /// `retired-grant-still-allows` (`svc:G-1`).
    RetiredGrantStillAllows,
    /// `cross-account-key-policy-suffices` (`svc:K-7`).
    CrossAccountKeyPolicySuffices,
    /// `key-state-ignored` (`svc:ST-1`).
    KeyStateIgnored,
    /// `account-principal-in-deny-misses` (`iam:P-32`).
    AccountPrincipalInDenyMisses,
    /// `session-name-ignored-in-grantee` (`svc:G-14`).
    SessionNameIgnoredInGrantee,
    /// `user-principal-ignores-case` (`iam:P-18`).
    UserPrincipalIgnoresCase,
    /// `session-principal-matches-role` (`iam:P-06`).
    SessionPrincipalMatchesRole,
    /// `aws-star-misses-anonymous` (`iam:P-02`).
    AwsStarMissesAnonymous,
    /// `action-case-counts` (`iam:M-01`).
    ActionCaseCounts,
    /// `not-action-first-entry-only` (`iam:M-03`).
    NotActionFirstEntryOnly,
    /// `resource-star-stops-at-slash` (`iam:M-22`).
    ResourceStarStopsAtSlash,
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
    /// `if-exists-ignored` (`iam:C-41`).
    IfExistsIgnored,
    /// `if-exists-always-holds` (`iam:C-40`).
    IfExistsAlwaysHolds,
    /// `for-all-values-needs-a-value` (`iam:C-92`).
    ForAllValuesNeedsAValue,
    /// `for-any-value-as-all` (`iam:C-90`).
    ForAnyValueAsAll,
    /// `unresolved-variable-is-empty` (`iam:V-10`).
    UnresolvedVariableIsEmpty,
    /// `substituted-wildcards-active` (`iam:V-12`).
    SubstitutedWildcardsActive,
    /// `session-arn-as-principal-arn` (`iam:K-95`).
    SessionArnAsPrincipalArn,
    /// `via-aws-service-always-false` (`iam:K-62`).
    ViaAwsServiceAlwaysFalse,
    /// `boundary-grants` (`iam:L-85`).
    BoundaryGrants,
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
    /// `re-encrypt-destination-unchecked` (`svc:K-21`).
    ReEncryptDestinationUnchecked,
    /// `cancelled-deletion-enables` (`svc:ST-4`).
    CancelledDeletionEnables,
    /// `child-grant-unlimited` (`svc:G-6`).
    ChildGrantUnlimited,
    /// `grant-token-ignored` (`svc:G-21`).
    GrantTokenIgnored,
    /// `alias-key-unasked` (`svc:K-17`).
    AliasKeyUnasked,
    /// `lockout-check-skipped` (`svc:P-5`).
    LockoutCheckSkipped,
    /// `key-policy-retire-grant-counts` (`svc:G-16`).
    KeyPolicyRetireGrantCounts,
    /// `request-alias-absent` (`svc:C-11`).
    RequestAliasAbsent,
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
}

/// Every fault, in the order of the [`Fault`] variants.
// INVARIANT: entry n describes the variant with discriminant n (checked by a test).
pub const FAULTS: &[FaultEntry] = &[
    FaultEntry {
        fault: Fault::IdentityDenyIgnored,
        id: "identity-deny-ignored",
        rule: "iam:L-10",
        story: "an explicit Deny in an identity policy is not collected",
    },
    FaultEntry {
        fault: Fault::KeyPolicyDenyIgnoredForGrants,
        id: "key-policy-deny-ignored-for-grants",
        rule: "svc:K-11",
        story: "a live grant wins over an explicit Deny of the key policy",
    },
    FaultEntry {
        fault: Fault::GenerateDataKeyUncheckedOnPut,
        id: "generate-data-key-unchecked-on-put",
        rule: "svc:S-16",
        story: "PutObject never asks KMS for kms:GenerateDataKey",
    },
    FaultEntry {
        fault: Fault::DecryptUncheckedOnGet,
        id: "decrypt-unchecked-on-get",
        rule: "svc:S-17",
        story: "GetObject of an SSE-KMS object never asks KMS for kms:Decrypt",
    },
    FaultEntry {
        fault: Fault::GrantConstraintIgnored,
        id: "grant-constraint-ignored",
        rule: "svc:G-10",
        story: "encryption-context constraints of a grant are not looked at",
    },
    FaultEntry {
        fault: Fault::DelegationAsDirectAllow,
        id: "delegation-as-direct-allow",
        rule: "svc:K-4",
        story: "the account principal in a key policy allows every identity of the account",
    },
    FaultEntry {
        fault: Fault::AbsentKeyNegatedFalse,
        id: "absent-key-negated-false",
        rule: "iam:C-11",
        story: "a negated operator on an absent key is false",
    },
    FaultEntry {
        fault: Fault::ServicePrincipalHasPrincipalArn,
        id: "service-principal-has-principal-arn",
        rule: "svc:F-3",
        story: "a service principal's call carries an aws:PrincipalArn",
    },
    FaultEntry {
        fault: Fault::BoundarySkipped,
        id: "boundary-skipped",
        rule: "iam:L-13",
        story: "permissions boundaries are not consulted",
    },
    FaultEntry {
        fault: Fault::SessionPolicySkipped,
        id: "session-policy-skipped",
        rule: "iam:L-76",
        story: "session policies are not consulted",
    },
    FaultEntry {
        fault: Fault::RoleGranteeMissesSessions,
        id: "role-grantee-misses-sessions",
        rule: "svc:G-14",
        story: "a grant to a role ARN does not match sessions of that role",
    },
    FaultEntry {
        fault: Fault::RetiredGrantStillAllows,
        id: "retired-grant-still-allows",
        rule: "svc:G-1",
        story: "a retired or revoked grant keeps allowing",
    },
    FaultEntry {
        fault: Fault::CrossAccountKeyPolicySuffices,
        id: "cross-account-key-policy-suffices",
        rule: "svc:K-7",
        story: "a foreign caller needs no identity policy when the key policy names it",
    },
    FaultEntry {
        fault: Fault::KeyStateIgnored,
        id: "key-state-ignored",
        rule: "svc:ST-1",
        story: "a disabled key still encrypts and decrypts",
    },
    FaultEntry {
        fault: Fault::AccountPrincipalInDenyMisses,
        id: "account-principal-in-deny-misses",
        rule: "iam:P-32",
        story: "an account principal in a Deny hits nobody",
    },
    FaultEntry {
        fault: Fault::SessionNameIgnoredInGrantee,
        id: "session-name-ignored-in-grantee",
        rule: "svc:G-14",
        story: "a session-ARN grantee matches every session of the role",
    },
    FaultEntry {
        fault: Fault::UserPrincipalIgnoresCase,
        id: "user-principal-ignores-case",
        rule: "iam:P-18",
        story: "a user ARN in Principal matches the user in any letter case",
    },
    FaultEntry {
        fault: Fault::SessionPrincipalMatchesRole,
        id: "session-principal-matches-role",
        rule: "iam:P-06",
        story: "a session ARN in Principal matches every session of the role",
    },
    FaultEntry {
        fault: Fault::AwsStarMissesAnonymous,
        id: "aws-star-misses-anonymous",
        rule: "iam:P-02",
        story: "the principal {\"AWS\":\"*\"} does not match anonymous callers",
    },
    FaultEntry {
        fault: Fault::ActionCaseCounts,
        id: "action-case-counts",
        rule: "iam:M-01",
        story: "actions are compared with their letter case",
    },
    FaultEntry {
        fault: Fault::NotActionFirstEntryOnly,
        id: "not-action-first-entry-only",
        rule: "iam:M-03",
        story: "only the first entry of a NotAction list is looked at",
    },
    FaultEntry {
        fault: Fault::ResourceStarStopsAtSlash,
        id: "resource-star-stops-at-slash",
        rule: "iam:M-22",
        story: "a star in Resource does not cross a slash",
    },
    FaultEntry {
        fault: Fault::StringEqualsIgnoresCase,
        id: "string-equals-ignores-case",
        rule: "iam:C-03",
        story: "StringEquals and StringNotEquals ignore letter case",
    },
    FaultEntry {
        fault: Fault::StringLikeQuestionMarkLiteral,
        id: "string-like-question-mark-literal",
        rule: "iam:C-61",
        story: "a question mark in StringLike is literal where the value has no star",
    },
    FaultEntry {
        fault: Fault::NumbersComparedAsText,
        id: "numbers-compared-as-text",
        rule: "iam:C-30",
        story: "numeric operators compare the spellings",
    },
    FaultEntry {
        fault: Fault::DateLessThanInclusive,
        id: "date-less-than-inclusive",
        rule: "iam:C-31",
        story: "DateLessThan is true of the very instant",
    },
    FaultEntry {
        fault: Fault::AbsentBoolIsFalse,
        id: "absent-bool-is-false",
        rule: "iam:C-43",
        story: "Bool reads an absent key as false",
    },
    FaultEntry {
        fault: Fault::BinaryComparedAsText,
        id: "binary-compared-as-text",
        rule: "iam:C-36",
        story: "BinaryEquals decodes the value of the policy, but not the one of the request",
    },
    FaultEntry {
        fault: Fault::AddressPrefixIgnored,
        id: "address-prefix-ignored",
        rule: "iam:C-35",
        story: "an address range is read as its one address",
    },
    FaultEntry {
        fault: Fault::ArnComparedAsWholeText,
        id: "arn-compared-as-whole-text",
        rule: "iam:C-50",
        story: "ARN operators let wildcards cross the first five colons",
    },
    FaultEntry {
        fault: Fault::NullSeesEmptyList,
        id: "null-sees-empty-list",
        rule: "iam:C-70",
        story: "Null takes an empty list for a value",
    },
    FaultEntry {
        fault: Fault::NegatedListAny,
        id: "negated-list-any",
        rule: "iam:C-11",
        story: "a negated operator is true as soon as one of its values differs",
    },
    FaultEntry {
        fault: Fault::IfExistsIgnored,
        id: "if-exists-ignored",
        rule: "iam:C-41",
        story: "an IfExists operator on an absent key is read without its suffix",
    },
    FaultEntry {
        fault: Fault::IfExistsAlwaysHolds,
        id: "if-exists-always-holds",
        rule: "iam:C-40",
        story: "an IfExists operator is true also where the key is present",
    },
    FaultEntry {
        fault: Fault::ForAllValuesNeedsAValue,
        id: "for-all-values-needs-a-value",
        rule: "iam:C-92",
        story: "ForAllValues is false on an absent key",
    },
    FaultEntry {
        fault: Fault::ForAnyValueAsAll,
        id: "for-any-value-as-all",
        rule: "iam:C-90",
        story: "ForAnyValue asks all values of a list",
    },
    FaultEntry {
        fault: Fault::UnresolvedVariableIsEmpty,
        id: "unresolved-variable-is-empty",
        rule: "iam:V-10",
        story: "a policy variable without value is replaced by the empty text",
    },
    FaultEntry {
        fault: Fault::SubstitutedWildcardsActive,
        id: "substituted-wildcards-active",
        rule: "iam:V-12",
        story: "wildcards in the value of a policy variable are wildcards",
    },
    FaultEntry {
        fault: Fault::SessionArnAsPrincipalArn,
        id: "session-arn-as-principal-arn",
        rule: "iam:K-95",
        story: "aws:PrincipalArn of a role session is the session ARN",
    },
    FaultEntry {
        fault: Fault::ViaAwsServiceAlwaysFalse,
        id: "via-aws-service-always-false",
        rule: "iam:K-62",
        story: "aws:ViaAWSService is false on forwarded calls too",
    },
    FaultEntry {
        fault: Fault::BoundaryGrants,
        id: "boundary-grants",
        rule: "iam:L-85",
        story: "an Allow of the permissions boundary grants by itself",
    },
    FaultEntry {
        fault: Fault::FederatedUserNeedsNoSessionPolicy,
        id: "federated-user-needs-no-session-policy",
        rule: "iam:L-77",
        story: "a federated user without session policy has all its parent's permissions",
    },
    FaultEntry {
        fault: Fault::ServiceControlLastLevelOnly,
        id: "service-control-last-level-only",
        rule: "iam:L-03",
        story: "only the account's own SCPs must allow, the levels above only deny",
    },
    FaultEntry {
        fault: Fault::ServiceLinkedRoleBound,
        id: "service-linked-role-bound",
        rule: "iam:L-48",
        story: "SCPs and RCPs bind sessions of service-linked roles",
    },
    FaultEntry {
        fault: Fault::ResourceControlSparesOwnAccount,
        id: "resource-control-spares-own-account",
        rule: "iam:L-11",
        story: "RCPs bind only callers of other accounts",
    },
    FaultEntry {
        fault: Fault::EndpointPolicySkipped,
        id: "endpoint-policy-skipped",
        rule: "iam:L-14",
        story: "the policy of a VPC endpoint is not consulted",
    },
    FaultEntry {
        fault: Fault::TrustPolicyOptional,
        id: "trust-policy-optional",
        rule: "iam:L-41",
        story: "an identity policy suffices to assume a role of the own account",
    },
    FaultEntry {
        fault: Fault::CrossAccountIdentitySuffices,
        id: "cross-account-identity-suffices",
        rule: "iam:L-42",
        story: "a foreign caller needs no resource policy when its identity policy allows",
    },
    FaultEntry {
        fault: Fault::RootNeedsIdentityPolicy,
        id: "root-needs-identity-policy",
        rule: "iam:L-60",
        story: "the root user is not allowed everything in its account by nature",
    },
    FaultEntry {
        fault: Fault::BlamesIdentityAlways,
        id: "blames-identity-always",
        rule: "iam:R-07",
        story: "every implicit denial is blamed on the identity-based policies",
    },
    FaultEntry {
        fault: Fault::ReEncryptDestinationUnchecked,
        id: "re-encrypt-destination-unchecked",
        rule: "svc:K-21",
        story: "ReEncrypt never asks about the destination key",
    },
    FaultEntry {
        fault: Fault::CancelledDeletionEnables,
        id: "cancelled-deletion-enables",
        rule: "svc:ST-4",
        story: "CancelKeyDeletion leaves the key enabled",
    },
    FaultEntry {
        fault: Fault::ChildGrantUnlimited,
        id: "child-grant-unlimited",
        rule: "svc:G-6",
        story: "a grant with CreateGrant permits child grants of any operations and constraints",
    },
    FaultEntry {
        fault: Fault::GrantTokenIgnored,
        id: "grant-token-ignored",
        rule: "svc:G-21",
        story: "a grant token does not help before the grant has propagated",
    },
    FaultEntry {
        fault: Fault::AliasKeyUnasked,
        id: "alias-key-unasked",
        rule: "svc:K-17",
        story: "alias operations ask about the alias but not about its key",
    },
    FaultEntry {
        fault: Fault::LockoutCheckSkipped,
        id: "lockout-check-skipped",
        rule: "svc:P-5",
        story: "a key policy that locks its caller out is stored",
    },
    FaultEntry {
        fault: Fault::KeyPolicyRetireGrantCounts,
        id: "key-policy-retire-grant-counts",
        rule: "svc:G-16",
        story: "an Allow of kms:RetireGrant in a key policy lets its principal retire grants",
    },
    FaultEntry {
        fault: Fault::RequestAliasAbsent,
        id: "request-alias-absent",
        rule: "svc:C-11",
        story: "the alias that a request names is not visible as kms:RequestAlias",
    },
];

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

    const fn bit(self) -> u128 {
        1 << (self as u32)
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
pub struct FaultSet(u128);

impl FaultSet {
    /// No fault at all: the emulator behaves.
    pub const EMPTY: Self = Self(0);

    /// Whether the fault is active.
    #[inline]
    pub const fn contains(self, fault: Fault) -> bool {
        self.0 & fault.bit() != 0
    }

    /// Whether no fault is active.
    pub const fn is_empty(self) -> bool {
        self.0 == 0
    }

    /// Activates a fault.
    pub const fn insert(&mut self, fault: Fault) {
        self.0 |= fault.bit();
    }

    /// The set with one more fault.
    #[must_use]
    pub const fn with(self, fault: Fault) -> Self {
        Self(self.0 | fault.bit())
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
            .filter(move |fault| self.contains(*fault))
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
        assert!(FAULTS.len() <= 128);
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
