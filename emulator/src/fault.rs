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

    const fn bit(self) -> u64 {
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
pub struct FaultSet(u64);

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
        assert!(FAULTS.len() <= 64);
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
