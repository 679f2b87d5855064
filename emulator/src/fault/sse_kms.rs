//! Faults in what S3 and other services ask KMS for.
//! Registry entries only: what a fault does stands where the right code stands.

use super::{Fault, FaultEntry, world};

pub(super) const ENTRIES: &[FaultEntry] = &[
    world(
        Fault::GenerateDataKeyUncheckedOnPut,
        "generate-data-key-unchecked-on-put",
        "svc:S-16",
        "PutObject never asks KMS for kms:GenerateDataKey",
    )
    .stands_for("ministack 1.5.33"),
    world(
        Fault::DecryptUncheckedOnGet,
        "decrypt-unchecked-on-get",
        "svc:S-17",
        "GetObject of an SSE-KMS object never asks KMS for kms:Decrypt",
    )
    .stands_for("ministack 1.5.33"),
    world(
        Fault::GenerateDataKeyUncheckedOnForm,
        "generate-data-key-unchecked-on-form",
        "svc:S-16",
        "a form upload never asks KMS for kms:GenerateDataKey",
    ),
    world(
        Fault::GenerateDataKeyUncheckedOnCopy,
        "generate-data-key-unchecked-on-copy",
        "svc:S-18",
        "CopyObject never asks KMS for kms:GenerateDataKey",
    )
    .stands_for("ministack 1.5.33"),
    world(
        Fault::GenerateDataKeyUncheckedOnUpload,
        "generate-data-key-unchecked-on-upload",
        "svc:S-16",
        "CreateMultipartUpload never asks KMS for kms:GenerateDataKey",
    ),
    world(
        Fault::DecryptUncheckedOnHead,
        "decrypt-unchecked-on-head",
        "svc:S-17",
        "HeadObject in checksum mode never asks KMS for kms:Decrypt",
    ),
    world(
        Fault::DecryptUncheckedOnAttributes,
        "decrypt-unchecked-on-attributes",
        "svc:S-15",
        "GetObjectAttributes never asks KMS for kms:Decrypt",
    ),
    world(
        Fault::DecryptUncheckedOnSelect,
        "decrypt-unchecked-on-select",
        "svc:S-15",
        "SelectObjectContent never asks KMS for kms:Decrypt",
    ),
    world(
        Fault::DecryptUncheckedOnCopySource,
        "decrypt-unchecked-on-copy-source",
        "svc:S-18",
        "CopyObject never asks KMS for kms:Decrypt of its source",
    )
    .stands_for("ministack 1.5.33"),
    world(
        Fault::DecryptUncheckedOnPart,
        "decrypt-unchecked-on-part",
        "svc:S-16",
        "UploadPart never asks KMS for kms:Decrypt",
    ),
    world(
        Fault::DecryptUncheckedOnPartCopy,
        "decrypt-unchecked-on-part-copy",
        "svc:S-16",
        "UploadPartCopy never asks KMS for kms:Decrypt",
    ),
    world(
        Fault::DecryptUncheckedOnComplete,
        "decrypt-unchecked-on-complete",
        "svc:S-16",
        "CompleteMultipartUpload never asks KMS for kms:Decrypt",
    ),
    world(
        Fault::DecryptUncheckedOnListParts,
        "decrypt-unchecked-on-list-parts",
        "svc:S-15",
        "ListParts never asks KMS for kms:Decrypt",
    ),
    world(
        Fault::AnonymousReadsKmsObjects,
        "anonymous-reads-kms-objects",
        "svc:S-21",
        "SSE-KMS objects of a public bucket are read without signature",
    )
    .stands_for("ministack 1.5.33"),
    world(
        Fault::KmsAskedAsBucketOwner,
        "kms-asked-as-bucket-owner",
        "svc:F-1",
        "S3 asks KMS as the owner of the bucket, not as the requester",
    ),
    world(
        Fault::BucketDefaultKeyAsked,
        "bucket-default-key-asked",
        "svc:S-10",
        "a write asks about the key of the bucket default, whatever key the request names",
    )
    .stands_for("rustfs#5538"),
    world(
        Fault::BucketKeyContextIsObject,
        "bucket-key-context-is-object",
        "svc:S-14",
        "under an S3 Bucket Key the encryption context still names the object",
    ),
    world(
        Fault::CustomerContextDropped,
        "customer-context-dropped",
        "svc:S-14",
        "the caller's own encryption context does not reach KMS",
    ),
    world(
        Fault::LambdaAsksAsAccount,
        "lambda-asks-as-account",
        "svc:L-2",
        "Lambda asks KMS as the account, not as the configuring user",
    )
    .stands_for("ministack 1.5.33"),
    world(
        Fault::BackupAsksAsAccount,
        "backup-asks-as-account",
        "svc:B-1",
        "AWS Backup asks KMS as the account, not as the creator of the vault",
    ),
];
