//! Faults in what a key policy means, and in who may change it.
//! Registry entries only: what a fault does stands where the right code stands.

use super::{Fault, FaultEntry, authorizer, world};

pub(super) const ENTRIES: &[FaultEntry] = &[
    authorizer(
        Fault::DelegationAsDirectAllow,
        "delegation-as-direct-allow",
        "svc:K-4",
        "the account principal in a key policy allows every identity of the account",
    )
    .stands_for("fakecloud 0.51.0"),
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
    )
    .stands_for("fakecloud 0.51.0"),
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
    authorizer(
        Fault::KeyPolicyOptional,
        "key-policy-optional",
        "svc:K-6",
        "an identity policy opens a key whose policy does not delegate",
    )
    .stands_for("fakecloud#488"),
    authorizer(
        Fault::KeyPolicyAllowNeedsIdentity,
        "key-policy-allow-needs-identity",
        "svc:K-3",
        "a key policy's Allow needs an identity policy beside it",
    ),
    authorizer(
        Fault::DelegationIgnoresAction,
        "delegation-ignores-action",
        "svc:K-5",
        "a statement for the account delegates all actions, not only its own",
    ),
    authorizer(
        Fault::OtherAccountDelegates,
        "other-account-delegates",
        "svc:K-7a",
        "a statement for one account delegates to every other account too",
    ),
    world(
        Fault::ReplicaUsesPrimaryPolicy,
        "replica-uses-primary-policy",
        "svc:K-15",
        "a multi-Region replica is decided by the policy of its primary",
    ),
    world(
        Fault::ReplicaCreateKeyUnasked,
        "replica-create-key-unasked",
        "svc:K-22",
        "ReplicateKey does not ask for kms:CreateKey in the replica's Region",
    ),
    world(
        Fault::ForeignOperationsAllowed,
        "foreign-operations-allowed",
        "svc:K-9",
        "every operation works on keys of other accounts",
    ),
    world(
        Fault::AliasItselfUnasked,
        "alias-itself-unasked",
        "svc:K-17",
        "alias operations ask about the key but not about the alias",
    ),
    world(
        Fault::DecryptWithoutKeyIdUnchecked,
        "decrypt-without-key-id-unchecked",
        "svc:K-10",
        "Decrypt without KeyId asks nobody",
    )
    .stands_for("ministack#1505"),
    world(
        Fault::KeyIdLessDenialNamesKey,
        "key-id-less-denial-names-key",
        "svc:X-4",
        "the denial of a Decrypt without KeyId names the key",
    ),
    world(
        Fault::ReEncryptSourceUnchecked,
        "re-encrypt-source-unchecked",
        "svc:K-21",
        "ReEncrypt never asks about the source key",
    ),
    world(
        Fault::DataKeyWithoutPlaintextAsDataKey,
        "data-key-without-plaintext-as-data-key",
        "svc:K-23",
        "GenerateDataKeyWithoutPlaintext asks for kms:GenerateDataKey",
    ),
    world(
        Fault::BadKeyPolicyStored,
        "bad-key-policy-stored",
        "svc:P-4",
        "a malformed key policy is stored",
    )
    .stands_for("ministack 1.5.33"),
    world(
        Fault::DryRunExecutes,
        "dry-run-executes",
        "svc:K-26",
        "DryRun is not looked at and the operation is done",
    ),
];
