//! Faults in what S3 asks KMS for. Registry entries only: what each fault does stands where the right code stands.

use super::{Fault, FaultEntry, world};

pub(super) const ENTRIES: &[FaultEntry] = &[
    world(
        Fault::GenerateDataKeyUncheckedOnPut,
        "generate-data-key-unchecked-on-put",
        "svc:S-16",
        "PutObject never asks KMS for kms:GenerateDataKey",
    ),
    world(
        Fault::DecryptUncheckedOnGet,
        "decrypt-unchecked-on-get",
        "svc:S-17",
        "GetObject of an SSE-KMS object never asks KMS for kms:Decrypt",
    ),
];
