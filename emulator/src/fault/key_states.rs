//! Faults in what the state of a key forbids.
//! Registry entries only: what a fault does stands where the right code stands.

use super::{Fault, FaultEntry, world};

pub(super) const ENTRIES: &[FaultEntry] = &[
    world(
        Fault::KeyStateIgnored,
        "key-state-ignored",
        "svc:ST-1",
        "a disabled key still encrypts and decrypts",
    ),
    world(
        Fault::CancelledDeletionEnables,
        "cancelled-deletion-enables",
        "svc:ST-4",
        "CancelKeyDeletion leaves the key enabled",
    ),
    world(
        Fault::DecryptStateIgnored,
        "decrypt-state-ignored",
        "svc:ST-1",
        "Decrypt works with a key in any state",
    ),
    world(
        Fault::DataKeyStateIgnored,
        "data-key-state-ignored",
        "svc:ST-1",
        "data keys are made under a key in any state",
    ),
    world(
        Fault::SigningStateIgnored,
        "signing-state-ignored",
        "svc:ST-1",
        "signatures and MACs are made with a key in any state",
    ),
    world(
        Fault::CreateGrantStateIgnored,
        "create-grant-state-ignored",
        "svc:G-9",
        "grants are made on a key in any state",
    ),
    world(
        Fault::PendingDeletionUsable,
        "pending-deletion-usable",
        "svc:ST-3",
        "a key that is pending deletion still works",
    ),
    world(
        Fault::DisabledKeyServesS3,
        "disabled-key-serves-s3",
        "svc:S-31",
        "a disabled key still serves S3",
    )
    .stands_for("ministack 1.5.33"),
    world(
        Fault::ReEncryptDestinationStateIgnored,
        "re-encrypt-destination-state-ignored",
        "svc:K-21",
        "ReEncrypt does not look at the state of its destination key",
    ),
    world(
        Fault::StateBeforePermission,
        "state-before-permission",
        "svc:K-32",
        "the state of a key is told to callers that may not use it",
    ),
];
