//! Faults in how a request is read and its signature verified.
//! Registry entries only: what a fault does stands where the right code stands.

use super::{Fault, FaultEntry, request, world};

pub(super) const ENTRIES: &[FaultEntry] = &[
    request(
        Fault::SignatureUnverified,
        "signature-unverified",
        "svc:S-21",
        "signatures are not verified",
    )
    .stands_for("s3rver 3.7.1"),
    request(
        Fault::UnsignedTrailerUnverified,
        "unsigned-trailer-unverified",
        "svc:S-21",
        "the signature of an upload with an unsigned trailer is not verified",
    )
    .stands_for("CVE-2025-31489"),
    request(
        Fault::SessionTokenUnchecked,
        "session-token-unchecked",
        "svc:S-21",
        "any session token will do",
    )
    .stands_for("fakecloud 0.51.0"),
    request(
        Fault::UnsignedHeaderAccepted,
        "unsigned-header-accepted",
        "svc:S-21",
        "x-amz headers that the signature does not cover count",
    )
    .stands_for("GHSA-g8w9-qw9q-fghr"),
    request(
        Fault::PresignedExtraHeaderAccepted,
        "presigned-extra-header-accepted",
        "svc:S-23",
        "x-amz headers that a presigned URL does not cover count",
    )
    .stands_for("GHSA-xm99-m3gq-83g8"),
    request(
        Fault::PresignExpiryIgnored,
        "presign-expiry-ignored",
        "svc:S-23",
        "a presigned URL does not expire",
    ),
    world(
        Fault::PresignedUnchecked,
        "presigned-unchecked",
        "svc:S-23",
        "a presigned request asks for no permission",
    )
    .stands_for("floci#3195"),
    world(
        Fault::StreamingUploadUnchecked,
        "streaming-upload-unchecked",
        "svc:S-1",
        "an upload with a streaming signature asks for no permission",
    )
    .stands_for("seaweedfs#2180"),
    request(
        Fault::QueryOverHeader,
        "query-over-header",
        "svc:S-47",
        "x-amz query parameters stand in for headers",
    ),
    world(
        Fault::FormUploadUnchecked,
        "form-upload-unchecked",
        "svc:S-23",
        "a form upload asks for no permission",
    )
    .stands_for("CVE-2021-21362"),
    request(
        Fault::FormPolicyIgnored,
        "form-policy-ignored",
        "svc:S-23",
        "the conditions of a POST policy are not looked at",
    )
    .stands_for("CVE-2026-27607"),
    request(
        Fault::FormBucketFieldDecides,
        "form-bucket-field-decides",
        "svc:S-23",
        "a POST policy is held against the form's bucket field, not the bucket",
    )
    .stands_for("CVE-2023-43040"),
    request(
        Fault::DotSegmentsRemovedAfterCheck,
        "dot-segments-removed-after-check",
        "svc:S-26",
        "a key is checked as sent and used without its dot segments",
    )
    .stands_for("CVE-2026-54917"),
    request(
        Fault::CopySourceDotSegments,
        "copy-source-dot-segments",
        "svc:S-18",
        "a copy source is checked as sent and read without its dot segments",
    )
    .stands_for("CVE-2026-55874"),
    world(
        Fault::KeyCheckedUndecoded,
        "key-checked-undecoded",
        "svc:S-26",
        "policies are asked about the percent-encoded key",
    ),
];
