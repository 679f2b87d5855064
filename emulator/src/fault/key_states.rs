//! Faults in what the state of a key forbids. Registry entries only: what each fault does stands where the right code stands.

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
];
