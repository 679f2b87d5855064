//! What active faults make of S3's own checks: permissions that nobody asks for, actions under other names, settings
//! that do not count, keys that are checked in another spelling than they are used in. The right checks are
//! `permissions`' and `authorization`'s.

use super::bucket::Bucket;
use super::operation::Operation;
use super::permissions::{Check, On, When};
use super::public_access::PublicAccessBlock;
use crate::fault::{Fault, FaultSet};
use crate::protocol::{Authenticated, SignatureForm};
use crate::state::State;

/// Operations that leave out what they should ask about a resource.
const UNASKED: &[(Fault, Operation, On)] = &[
    (Fault::CopySourceUnchecked, Operation::CopyObject, On::SourceObject),
    (
        Fault::PartCopySourceUnchecked,
        Operation::UploadPartCopy,
        On::SourceObject,
    ),
    (
        Fault::CompleteUploadUnchecked,
        Operation::CompleteMultipartUpload,
        On::Object,
    ),
    (Fault::AbortUploadUnchecked, Operation::AbortMultipartUpload, On::Object),
    (Fault::FormUploadUnchecked, Operation::PostObject, On::Object),
];

/// Parts of a request that should ask for a permission of their own, and do not.
const UNNOTICED: &[(Fault, When)] = &[
    (Fault::TaggingUnasked, When::Tags),
    (Fault::AclHeaderUnasked, When::AclHeader),
    (Fault::LockHeadersUnasked, When::RetentionHeader),
    (Fault::LockHeadersUnasked, When::LegalHoldHeader),
    (Fault::SourceTagsUnasked, When::SourceTagsCopied),
];

/// Operations that ask for an action under a name of their own: fault, operation, right action, wrong one.
const RENAMED: &[(Fault, Operation, &str, &str)] = &[
    (
        Fault::HeadObjectAsOwnAction,
        Operation::HeadObject,
        "s3:GetObject",
        "s3:HeadObject",
    ),
    (
        Fault::HeadBucketAsOwnAction,
        Operation::HeadBucket,
        "s3:ListBucket",
        "s3:HeadBucket",
    ),
    (
        Fault::ListObjectsV2AsOwnAction,
        Operation::ListObjectsV2,
        "s3:ListBucket",
        "s3:ListObjectsV2",
    ),
    (
        Fault::ListVersionsAsListBucket,
        Operation::ListObjectVersions,
        "s3:ListBucketVersions",
        "s3:ListBucket",
    ),
    (
        Fault::UploadPartAsOwnAction,
        Operation::UploadPart,
        "s3:PutObject",
        "s3:UploadPart",
    ),
    (
        Fault::VersionReadAsPlainRead,
        Operation::GetObject,
        "s3:GetObjectVersion",
        "s3:GetObject",
    ),
    (
        Fault::VersionDeleteAsPlainDelete,
        Operation::DeleteObject,
        "s3:DeleteObjectVersion",
        "s3:DeleteObject",
    ),
];

/// Whether an active fault leaves a check of the table out.
#[cold]
pub(super) fn is_unasked(faults: FaultSet, operation: Operation, check: &Check) -> bool {
    UNASKED
        .iter()
        .any(|(fault, of, on)| (*of, *on) == (operation, check.on) && faults.contains(*fault))
        || UNNOTICED
            .iter()
            .any(|(fault, when)| *when == check.when && faults.contains(*fault))
        || (check.action == "s3:GetObjectAttributes" && faults.contains(Fault::AttributesActionUnasked))
}

/// The name under which an active fault asks for the action.
pub(super) fn renamed(faults: FaultSet, operation: Operation, action: &str) -> Option<&'static str> {
    if faults.is_empty() {
        return None;
    }
    RENAMED
        .iter()
        .find(|(fault, of, right, _)| *of == operation && *right == action && faults.contains(*fault))
        .map(|(_, _, _, wrong)| *wrong)
}

/// Whether an active fault lets the request through whatever is asked.
#[cold]
pub(super) fn passes_unasked(faults: FaultSet, request: &Authenticated, action: &str) -> bool {
    let form = request.authentication.form;
    let streaming = request
        .authentication
        .content_sha256
        .as_deref()
        .is_some_and(|hash| hash.starts_with("STREAMING-"));
    (form == SignatureForm::QueryString && faults.contains(Fault::PresignedUnchecked))
        || (streaming && faults.contains(Fault::StreamingUploadUnchecked))
        || (action == "s3:BypassGovernanceRetention" && faults.contains(Fault::GovernanceBypassUnasked))
}

/// Block Public Access without the settings that do not count.
#[cold]
pub(super) fn block(state: &State, bucket: &Bucket, right: PublicAccessBlock) -> PublicAccessBlock {
    let faults = state.case.faults;
    let block = if faults.contains(Fault::AccountBlockIgnored) {
        bucket.public_access_block.unwrap_or(PublicAccessBlock::NONE)
    } else {
        right
    };
    PublicAccessBlock {
        block_public_acls: block.block_public_acls && !faults.contains(Fault::BlockPublicAclsIgnored),
        ignore_public_acls: block.ignore_public_acls && !faults.contains(Fault::IgnorePublicAclsIgnored),
        block_public_policy: block.block_public_policy && !faults.contains(Fault::BlockPublicPolicyIgnored),
        restrict_public_buckets: block.restrict_public_buckets && !faults.contains(Fault::RestrictPublicBucketsIgnored),
    }
}

/// The spelling of the key that policies are asked about.
pub(super) fn checked_key<'a>(faults: FaultSet, request: &'a Authenticated, key: &'a str) -> &'a str {
    let undecoded = (faults.contains(Fault::KeyCheckedUndecoded) && request.raw_path.contains('%'))
        || (faults.contains(Fault::DotSegmentsRemovedAfterCheck) && request.raw_path.contains("/../"));
    let raw = request.raw_path.trim_start_matches('/').split_once('/');
    match raw {
        Some((_, raw)) if undecoded => raw,
        _ => key,
    }
}

/// The key without `..` and what it takes back, as a file system would have it; `../` at the start leads to another
/// bucket.
pub(super) fn without_dot_segments(path: &str) -> String {
    let mut segments: Vec<&str> = Vec::new();
    for segment in path.split('/') {
        if segment == ".." {
            segments.pop();
        } else {
            segments.push(segment);
        }
    }
    segments.join("/")
}
