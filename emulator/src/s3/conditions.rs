//! The `s3:` condition keys of a request (`svc:9.6`): which headers, parameters and stored facts become keys, and
//! for which actions. Global keys are added by `access`.

use std::collections::BTreeSet;

use super::bucket::{Bucket, ObjectVersion};
use super::documents;
use super::object_lock::RequestedLock;
use super::operation::Operation;
use crate::authorizer::{Context, known};
use crate::fault::Fault;
use crate::protocol::{Authenticated, SignatureForm};
use crate::state::State;

/// Condition key, request header, actions for which the key exists.
struct HeaderKey {
    key: &'static str,
    header: &'static str,
    actions: &'static [&'static str],
}

const PUT: &[&str] = &["s3:PutObject"];
const ACL: &[&str] = &[
    "s3:PutObject",
    "s3:PutObjectAcl",
    "s3:PutObjectVersionAcl",
    "s3:CreateBucket",
    "s3:PutBucketAcl",
];

const fn key(key: &'static str, header: &'static str, actions: &'static [&'static str]) -> HeaderKey {
    HeaderKey { key, header, actions }
}

/// `svc:S-40`, `svc:S-41`, `svc:S-47`: present exactly when the header was sent.
const HEADER_KEYS: &[HeaderKey] = &[
    key("s3:x-amz-server-side-encryption", "x-amz-server-side-encryption", PUT),
    key(
        "s3:x-amz-server-side-encryption-aws-kms-key-id",
        "x-amz-server-side-encryption-aws-kms-key-id",
        PUT,
    ),
    key(
        "s3:x-amz-server-side-encryption-customer-algorithm",
        "x-amz-server-side-encryption-customer-algorithm",
        PUT,
    ),
    key("s3:x-amz-acl", "x-amz-acl", ACL),
    key("s3:x-amz-grant-read", "x-amz-grant-read", ACL),
    key("s3:x-amz-grant-write", "x-amz-grant-write", ACL),
    key("s3:x-amz-grant-read-acp", "x-amz-grant-read-acp", ACL),
    key("s3:x-amz-grant-write-acp", "x-amz-grant-write-acp", ACL),
    key("s3:x-amz-grant-full-control", "x-amz-grant-full-control", ACL),
    key("s3:x-amz-copy-source", "x-amz-copy-source", PUT),
    key("s3:x-amz-metadata-directive", "x-amz-metadata-directive", PUT),
    key(
        "s3:x-amz-storage-class",
        "x-amz-storage-class",
        &["s3:PutObject", "s3:PutObjectAcl", "s3:PutObjectVersionAcl"],
    ),
    key(
        "s3:x-amz-website-redirect-location",
        "x-amz-website-redirect-location",
        PUT,
    ),
    key("s3:if-match", "if-match", &["s3:PutObject", "s3:DeleteObject"]),
    key("s3:if-none-match", "if-none-match", PUT),
    key(
        "s3:x-amz-object-ownership",
        "x-amz-object-ownership",
        &["s3:CreateBucket"],
    ),
    key(
        "s3:x-amz-bucket-namespace",
        "x-amz-bucket-namespace",
        &["s3:CreateBucket"],
    ),
];

/// Listing keys (`svc:S-42`) and their query parameters.
const LIST_KEYS: &[(&str, &str)] = &[
    ("s3:prefix", "prefix"),
    ("s3:delimiter", "delimiter"),
    ("s3:max-keys", "max-keys"),
];
const LIST_ACTIONS: &[&str] = &["s3:ListBucket", "s3:ListBucketVersions"];

/// Actions that see the tags of the object they touch (`svc:S-44`).
const EXISTING_TAG_ACTIONS: &[&str] = &[
    "s3:DeleteObjectTagging",
    "s3:DeleteObjectVersionTagging",
    "s3:GetObject",
    "s3:GetObjectAcl",
    "s3:GetObjectAttributes",
    "s3:GetObjectTagging",
    "s3:GetObjectVersion",
    "s3:GetObjectVersionAcl",
    "s3:GetObjectVersionAttributes",
    "s3:GetObjectVersionTagging",
    "s3:PutObjectAcl",
    "s3:PutObjectTagging",
    "s3:PutObjectVersionAcl",
    "s3:PutObjectVersionTagging",
    "s3:UpdateObjectEncryption",
];

/// Actions that see the tags a request gives a bucket; PutBucketTagging is not among them.
const BUCKET_TAG_ACTIONS: &[&str] = &["s3:CreateBucket", "s3:TagResource"];

/// Actions that see the tags a request brings.
const REQUEST_TAG_ACTIONS: &[&str] = &["s3:PutObject", "s3:PutObjectTagging", "s3:PutObjectVersionTagging"];

/// Keys of the legal hold that a request wants.
const HOLD_KEYS: &[&str] = &["s3:object-lock-legal-hold"];
/// Keys of the retention that a request wants.
const RETENTION_KEYS: &[&str] = &[
    "s3:object-lock-mode",
    "s3:object-lock-remaining-retention-days",
    "s3:object-lock-retain-until-date",
];
/// Actions that see what a request wants of an object's lock, and what of it.
const LOCK_ACTIONS: &[(&str, &[&[&str]])] = &[
    ("s3:PutObject", &[HOLD_KEYS, RETENTION_KEYS]),
    ("s3:PutObjectLegalHold", &[HOLD_KEYS]),
    ("s3:PutObjectRetention", &[RETENTION_KEYS]),
];

/// The lock's keys that an action sees.
fn lock_keys_of(action: &str) -> impl Iterator<Item = &'static str> {
    let rows = LOCK_ACTIONS.iter().filter(move |(name, _)| *name == action);
    rows.flat_map(|(_, groups)| groups.iter().flat_map(|keys| keys.iter().copied()))
}

/// Only actions of a named version see which.
fn sees_version(action: &str) -> bool {
    action.contains("ObjectVersion") && !LIST_ACTIONS.contains(&action)
}

/// Operations that create an object, as opposed to preparing one (`s3:ObjectCreationOperation`).
const CREATING: &[Operation] = &[
    Operation::PutObject,
    Operation::PostObject,
    Operation::CopyObject,
    Operation::CompleteMultipartUpload,
];

/// What the context is built from, beside request and state.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Subject<'a> {
    /// The operation.
    pub(crate) operation: Operation,
    /// The action being asked for.
    pub(crate) action: &'a str,
    /// The bucket; none for account-level actions and CreateBucket.
    pub(crate) bucket: Option<&'a Bucket>,
    /// The object version the action touches, if it exists.
    pub(crate) existing: Option<&'a ObjectVersion>,
    /// Version id asked for.
    pub(crate) version_id: Option<&'a str>,
    /// Object tags the request brings.
    pub(crate) request_tags: Option<&'a [(String, String)]>,
    /// Region asked for by CreateBucket.
    pub(crate) location_constraint: Option<&'a str>,
    /// Retention and legal hold that the body asks for; uploads have headers for it.
    pub(crate) lock: Option<&'a RequestedLock>,
    /// KMS key that the body of UpdateObjectEncryption asks for.
    pub(crate) new_key: Option<&'a str>,
    /// Tags of a bucket that the request brings.
    pub(crate) bucket_tags: Option<&'a [(String, String)]>,
    /// Keys of bucket tags that the request removes.
    pub(crate) tag_keys: Option<&'a [String]>,
    /// Optional fields of an inventory.
    pub(crate) inventory_fields: Option<&'a [String]>,
}

/// Builds the service part of the request context.
pub(crate) fn context(state: &State, request: &Authenticated, subject: &Subject<'_>) -> Context {
    let mut context = Context::new();
    authentication_keys(state, request, &mut context);
    for row in HEADER_KEYS {
        if row.actions.contains(&subject.action)
            && let Some(value) = request.header(row.header)
        {
            context.set(row.key, value);
        }
    }
    if state.case.faults.contains(Fault::EncryptionHeaderToldFromDefault)
        && subject.action == "s3:PutObject"
        && request.header("x-amz-server-side-encryption").is_none()
        && let Some(bucket) = subject.bucket
    {
        let algorithm = bucket.default_encryption().algorithm;
        context.set(known!("s3:x-amz-server-side-encryption"), algorithm.name());
    }
    if let Some(bucket) = subject.bucket {
        context.set(known!("s3:resourceaccount"), &bucket.account);
        // Until the owner wants attribute-based access control, the tags of the bucket count for nothing.
        for (name, value) in bucket.tags.iter().filter(|_| documents::has_abac(bucket)) {
            context.add_member("s3:BucketTag/", name, value.clone());
        }
    } else if let Some(account) = request.caller.account() {
        // What there is no bucket for yet, or at all, belongs to the caller's account.
        context.set(known!("s3:resourceaccount"), account);
    }
    if LIST_ACTIONS.contains(&subject.action) && is_listing(subject.operation) {
        for (name, parameter) in LIST_KEYS {
            if let Some(value) = request.query(parameter) {
                context.set(*name, value);
            }
        }
    }
    if let Some(version_id) = subject.version_id
        && sees_version(subject.action)
    {
        context.set(known!("s3:versionid"), version_id);
    }
    if let Some(version) = subject.existing
        && EXISTING_TAG_ACTIONS.contains(&subject.action)
    {
        for (name, value) in &version.tags {
            context.add_member("s3:ExistingObjectTag/", name, value.clone());
        }
    }
    if let Some(tags) = subject.request_tags
        && REQUEST_TAG_ACTIONS.contains(&subject.action)
    {
        for (name, value) in tags {
            context.add_member("s3:RequestObjectTag/", name, value.clone());
        }
        let names = tags.iter().map(|(name, _)| name.clone()).collect();
        context.set_many(known!("s3:requestobjecttagkeys"), names);
    }
    if let (Some(region), "s3:CreateBucket") = (subject.location_constraint, subject.action) {
        context.set(known!("s3:locationconstraint"), region);
    }
    lock_keys(state, request, subject, &mut context);
    if let Some(tags) = subject.bucket_tags
        && BUCKET_TAG_ACTIONS.contains(&subject.action)
    {
        for (name, value) in tags {
            context.add_member("aws:RequestTag/", name, value.clone());
        }
        context.set_many(
            known!("aws:tagkeys"),
            tags.iter().map(|(name, _)| name.clone()).collect(),
        );
    }
    if let Some(keys) = subject.tag_keys {
        context.set_many(known!("aws:tagkeys"), keys.to_vec());
    }
    if let Some(fields) = subject.inventory_fields {
        context.set_many(known!("s3:inventoryaccessibleoptionalfields"), fields.to_vec());
    }
    if let (Some(key), "s3:UpdateObjectEncryption") = (subject.new_key, subject.action) {
        context.set(known!("s3:x-amz-server-side-encryption"), "aws:kms");
        context.set(known!("s3:x-amz-server-side-encryption-aws-kms-key-id"), key);
    }
    if subject.action == "s3:PutObject" {
        context.set_bool(
            known!("s3:objectcreationoperation"),
            CREATING.contains(&subject.operation),
        );
    }
    // INVARIANT: a request has only condition keys that its action knows (svc:9.6); `tables` shows them.
    debug_assert!(
        {
            let known = known(subject.action);
            context.iter().all(|(key, _)| is_known(&known, key))
        },
        "{} has a condition key that it does not know: {context:?}",
        subject.action
    );
    context
}

/// The keys that every request has.
const REQUEST_KEYS: &[&str] = &[
    "s3:authtype",
    "s3:resourceaccount",
    "s3:signatureage",
    "s3:signatureversion",
    "s3:tlsversion",
    "s3:x-amz-content-sha256",
];
/// The keys of a bucket that is there.
const BUCKET_KEYS: &[&str] = &["s3:buckettag/"];
/// Actions that are about no bucket, or about one that is not there yet.
const WITHOUT_BUCKET: &[&str] = &[
    "s3:CreateBucket",
    "s3:GetAccountPublicAccessBlock",
    "s3:ListAllMyBuckets",
    "s3:PutAccountPublicAccessBlock",
];
/// Keys that few actions have, beside those of headers, listings, tags and locks.
const SPECIAL_KEYS: &[(&str, &[&str])] = &[
    (
        "s3:CreateBucket",
        &["aws:requesttag/", "aws:tagkeys", "s3:locationconstraint"],
    ),
    (
        "s3:PutInventoryConfiguration",
        &["s3:inventoryaccessibleoptionalfields"],
    ),
    ("s3:PutObject", &["s3:objectcreationoperation"]),
    ("s3:TagResource", &["aws:requesttag/", "aws:tagkeys"]),
    ("s3:UntagResource", &["aws:tagkeys"]),
    (
        "s3:UpdateObjectEncryption",
        &[
            "s3:x-amz-server-side-encryption",
            "s3:x-amz-server-side-encryption-aws-kms-key-id",
        ],
    ),
];

/// Every key that a request for an action can have, in lower case; families end with their `/`.
pub(crate) fn known(action: &str) -> BTreeSet<String> {
    let mut keys: Vec<&str> = REQUEST_KEYS.to_vec();
    if !WITHOUT_BUCKET.contains(&action) {
        keys.extend(BUCKET_KEYS);
    }
    let rows = HEADER_KEYS.iter().filter(|row| row.actions.contains(&action));
    keys.extend(rows.map(|row| row.key));
    if LIST_ACTIONS.contains(&action) {
        keys.extend(LIST_KEYS.iter().map(|(key, _)| *key));
    }
    if sees_version(action) {
        keys.push("s3:versionid");
    }
    if EXISTING_TAG_ACTIONS.contains(&action) {
        keys.push("s3:existingobjecttag/");
    }
    if REQUEST_TAG_ACTIONS.contains(&action) {
        keys.extend(["s3:requestobjecttag/", "s3:requestobjecttagkeys"]);
    }
    keys.extend(lock_keys_of(action));
    let special = SPECIAL_KEYS.iter().filter(|(name, _)| *name == action);
    keys.extend(special.flat_map(|(_, keys)| *keys));
    keys.into_iter().map(str::to_ascii_lowercase).collect()
}

/// Whether a key, or the family it is of, is among those that are known.
fn is_known(known: &BTreeSet<String>, key: &str) -> bool {
    let family = key.find('/').map_or(key, |slash| &key[..=slash]);
    known.contains(key) || known.contains(family)
}

/// `s3:object-lock-…`: from the headers of an upload, or from the body of a request about the lock itself.
fn lock_keys(state: &State, request: &Authenticated, subject: &Subject<'_>, context: &mut Context) {
    let known: Vec<&str> = lock_keys_of(subject.action).collect();
    if known.is_empty() {
        return;
    }
    let of_headers;
    let lock = match subject.lock {
        Some(lock) => lock,
        None => {
            of_headers = RequestedLock::of_headers(&request.headers);
            &of_headers
        }
    };
    for (key, value) in [
        ("s3:object-lock-mode", &lock.mode),
        ("s3:object-lock-retain-until-date", &lock.until),
        ("s3:object-lock-legal-hold", &lock.legal_hold),
    ] {
        if let Some(value) = value
            && known.contains(&key)
        {
            context.set(key, value.clone());
        }
    }
    if let Some(days) = lock.remaining_days(state.now())
        && known.contains(&"s3:object-lock-remaining-retention-days")
    {
        context.set(known!("s3:object-lock-remaining-retention-days"), days.to_string());
    }
}

/// `svc:S-46`.
fn authentication_keys(state: &State, request: &Authenticated, context: &mut Context) {
    let authentication = &request.authentication;
    context.set_fixed(known!("s3:tlsversion"), "1.3");
    let form = match authentication.form {
        SignatureForm::Header => "REST-HEADER",
        SignatureForm::QueryString => "REST-QUERY-STRING",
        SignatureForm::Form => "POST",
        SignatureForm::Unsigned => return,
    };
    context.set_fixed(known!("s3:authtype"), form);
    context.set_fixed(known!("s3:signatureversion"), "AWS4-HMAC-SHA256");
    if let Some(signed_at) = authentication.signed_at {
        let age = state.now().as_millisecond() - signed_at.as_millisecond();
        context.set(known!("s3:signatureage"), age.max(0).to_string());
    }
    if let Some(hash) = &authentication.content_sha256 {
        context.set(known!("s3:x-amz-content-sha256"), hash.clone());
    }
}

fn is_listing(operation: Operation) -> bool {
    matches!(
        operation,
        Operation::ListObjects | Operation::ListObjectsV2 | Operation::ListObjectVersions
    )
}
