//! Faults in what a key policy means, and in who may change it. Registry entries only: what each fault does stands where the right code stands.

use super::{Fault, FaultEntry, authorizer, world};

pub(super) const ENTRIES: &[FaultEntry] = &[
    authorizer(
        Fault::DelegationAsDirectAllow,
        "delegation-as-direct-allow",
        "svc:K-4",
        "the account principal in a key policy allows every identity of the account",
    )
    .stands_for("fakecloud (evaluators.md §1)"),
    authorizer(
        Fault::CrossAccountKeyPolicySuffices,
        "cross-account-key-policy-suffices",
        "svc:K-7",
        "a foreign caller needs no identity policy when the key policy names it",
    )
    .stands_for("yulin#187"),
    authorizer(
        Fault::KeyPolicyDenyIgnoredForGrants,
        "key-policy-deny-ignored-for-grants",
        "svc:K-11",
        "a live grant wins over an explicit Deny of the key policy",
    ),
    world(
        Fault::LockoutCheckSkipped,
        "lockout-check-skipped",
        "svc:P-5",
        "a key policy that locks its caller out is stored",
    ),
    world(
        Fault::AliasKeyUnasked,
        "alias-key-unasked",
        "svc:K-17",
        "alias operations ask about the alias but not about its key",
    ),
    world(
        Fault::ReEncryptDestinationUnchecked,
        "re-encrypt-destination-unchecked",
        "svc:K-21",
        "ReEncrypt never asks about the destination key",
    ),
];
