//! S3's own decision (`svc:9.1`): puts bucket policy, ACLs, Block Public Access, Object Ownership and Requester Pays
//! around the one question that `access` answers. Which checks an operation needs is `permissions`' table.

use super::bucket::{Bucket, ObjectVersion};
use super::conditions::{self, Subject};
use super::documents;
use super::encryption::EncryptionHeaders;
use super::error::S3Error;
use super::exchange::{Exchange, set_header};
use super::misreading;
use super::object_lock::RequestedLock;
use super::operation::Operation;
use super::permissions::{Check, On, When, checks};
use super::public_access::PublicAccessBlock;
use crate::access::{self, Question, Refusal};
use crate::authorizer::{Context, MatchKinds, ResourcePolicyMode, known};
use crate::fault::{Fault, FaultSet};
use crate::identity::{Principal, Via};
use crate::names::{AccountId, ArnParts};
use crate::protocol::{Authenticated, Response};
use crate::state::State;

/// The bucket (and object) a check is about.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Place<'a> {
    /// The bucket.
    pub(crate) bucket: &'a Bucket,
    /// The key; `None` for bucket actions.
    pub(crate) key: Option<&'a str>,
    /// The version that exists there, if any.
    pub(crate) existing: Option<&'a ObjectVersion>,
    /// Version id asked for.
    pub(crate) version_id: Option<&'a str>,
}

/// Request facts that switch checks on (`permissions::When`).
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Facts<'a> {
    /// Object tags the request itself brings (`x-amz-tagging`, the `tagging` field of a form).
    pub(crate) tags: Option<&'a [(String, String)]>,
    /// A copy takes over the tags of its source, and there are some.
    pub(crate) source_tags_copied: bool,
    /// Destination region of CreateBucket.
    pub(crate) location_constraint: Option<&'a str>,
    /// Retention and legal hold that the body asks for.
    pub(crate) lock: Option<&'a RequestedLock>,
    /// KMS key that the body asks for.
    pub(crate) new_key: Option<&'a str>,
    /// Tags that the request gives a bucket.
    pub(crate) bucket_tags: Option<&'a [(String, String)]>,
    /// Keys of the tags that the request takes from a bucket.
    pub(crate) tag_keys: Option<&'a [String]>,
    /// Optional fields of the inventory that the body asks for.
    pub(crate) inventory_fields: Option<&'a [String]>,
}

/// All checks of an operation, in table order.
///
/// # Errors
/// `AccessDenied` for the first one that fails.
pub(crate) fn require(
    state: &State,
    request: &Authenticated,
    operation: Operation,
    place: Place<'_>,
    source: Option<Place<'_>>,
    facts: Facts<'_>,
) -> Result<(), S3Error> {
    for check in checks(operation)
        .iter()
        .filter(|check| applies(check.when, request, &facts))
        .filter(|check| state.case.faults.is_empty() || !misreading::is_unasked(state.case.faults, operation, check))
    {
        let place = match (check.on, source) {
            (On::SourceObject, Some(source)) => source,
            (On::Bucket, _) => Place {
                key: None,
                existing: None,
                ..place
            },
            _ => place,
        };
        let action = action_of(check, place);
        let action = misreading::renamed(state.case.faults, operation, action).unwrap_or(action);
        ask(state, request, operation, action, place, facts)?;
    }
    Ok(())
}

/// One check that is not (or not only) in the table, such as `s3:ListBucket` for missing keys (`svc:S-8`).
///
/// # Errors
/// `AccessDenied`.
pub(crate) fn ask(
    state: &State,
    request: &Authenticated,
    operation: Operation,
    action: &str,
    place: Place<'_>,
    facts: Facts<'_>,
) -> Result<(), S3Error> {
    let bucket = place.bucket;
    let faults = state.case.faults;
    if !faults.is_empty() && misreading::passes_unasked(faults, request, action) {
        return Ok(());
    }
    if !faults.contains(Fault::RequesterPaysUnasked) {
        requester_pays(request, bucket)?;
    }
    let caller = &request.caller;
    let block = effective_block(state, bucket);
    // RestrictPublicBuckets: once the policy is public, only the owner's account and services keep what the
    // resource side gives (svc:S-6).
    let policy = bucket.policy.visible(state.now()).as_ref();
    let public = policy.is_some_and(|policy| policy.public);
    let outsider = !matches!(caller.principal, Principal::Service { .. }) && caller.account() != Some(&bucket.account);
    let cut_off = block.restrict_public_buckets && public && outsider;
    let owner = object_owner(&place, action);
    let acls_count = bucket.acls_enabled() || faults.contains(Fault::DisabledAclsCount);
    let acls = if acls_count && !cut_off {
        acl_allows(&place, request, action, block.ignore_public_acls, faults)
    } else {
        MatchKinds::NONE
    };
    let arn = match place.key {
        None => bucket.arn(),
        Some(key) => format!("{}/{}", bucket.arn(), misreading::checked_key(faults, request, key)),
    };
    let mut context = conditions::context(
        state,
        request,
        &Subject {
            operation,
            action,
            bucket: Some(bucket),
            existing: place.existing,
            version_id: place.version_id,
            request_tags: facts.tags,
            location_constraint: facts.location_constraint,
            lock: facts.lock,
            new_key: facts.new_key,
            bucket_tags: facts.bucket_tags,
            tag_keys: facts.tag_keys,
            inventory_fields: facts.inventory_fields,
        },
    );
    // Restricting access to the buckets of an account is what the key is for, as `s3:ResourceAccount` is (user guide, condition keys): an
    // object that is somebody else's has the account of its bucket.
    context.set(known!("aws:resourceaccount"), &bucket.account);
    let via = Via::Direct;
    let question = Question {
        resource: &arn,
        resource_account: Some(owner),
        mode: ResourcePolicyMode::Optional,
        resource_policy: policy
            .filter(|_| !escapes_bucket_policy(&caller.principal, bucket, action))
            .map(|policy| &policy.compiled),
        // Attribute-based access control is the owner's choice (PutBucketAbac).
        resource_tags: (place.key.is_none() && documents::has_abac(bucket)).then_some(&bucket.tags),
        // Allows of the bucket policy do not cover objects of other owners (svc:S-4).
        resource_allows_count: !cut_off
            && (*owner == bucket.account || faults.contains(Fault::BucketPolicyCoversForeignObjects)),
        cut_off,
        resource_side: acls,
        context,
        ..Question::new(caller, &via, action, &bucket.region)
    };
    access::check(state, question).map(|_| ()).map_err(refused)
}

/// Block Public Access as it counts for a bucket: the most restrictive combination of account and bucket (`svc:S-6`).
pub(crate) fn effective_block(state: &State, bucket: &Bucket) -> PublicAccessBlock {
    let block = state.s3.effective_block(bucket);
    if state.case.faults.is_empty() {
        return block;
    }
    misreading::block(state, bucket, block)
}

/// A check without a bucket that exists: account-level actions (`arn` is `*`) and CreateBucket.
///
/// # Errors
/// `AccessDenied`.
pub(crate) fn ask_account(
    state: &State,
    request: &Authenticated,
    operation: Operation,
    check: &Check,
    arn: &str,
    facts: Facts<'_>,
) -> Result<(), S3Error> {
    if !applies(check.when, request, &facts) {
        return Ok(());
    }
    let via = Via::Direct;
    let question = Question {
        resource: arn,
        context: conditions::context(
            state,
            request,
            &Subject {
                operation,
                action: check.action,
                bucket: None,
                existing: None,
                version_id: None,
                request_tags: None,
                location_constraint: facts.location_constraint,
                lock: None,
                new_key: None,
                bucket_tags: facts.bucket_tags,
                tag_keys: None,
                inventory_fields: None,
            },
        ),
        ..Question::new(&request.caller, &via, check.action, &request.region)
    };
    access::check(state, question).map(|_| ()).map_err(refused)
}

/// Handing a role to S3 takes `iam:PassRole` on it (PutBucketReplication API page); S3 itself may only be told to use a
/// role of the caller's own account.
///
/// # Errors
/// `InvalidArgument` for what is no role, `AccessDenied`.
pub(crate) fn ask_pass_role(
    state: &State,
    request: &Authenticated,
    role_arn: &str,
    service: &str,
) -> Result<(), S3Error> {
    let invalid = || S3Error::invalid_argument("Invalid role", "Role", role_arn);
    let arn = ArnParts::parse(role_arn)
        .filter(|arn| arn.service == "iam" && arn.resource.starts_with("role/"))
        .ok_or_else(invalid)?;
    let account = AccountId::parse(arn.account).ok_or_else(invalid)?;
    let via = Via::Direct;
    let mut context = Context::new();
    context.set(known!("iam:passedtoservice"), service);
    let question = Question {
        resource: role_arn,
        resource_account: Some(&account),
        context,
        ..Question::new(&request.caller, &via, "iam:PassRole", &request.region)
    };
    access::check(state, question).map(|_| ()).map_err(refused)
}

/// `svc:S-36`: the text is the authorizer's.
pub(crate) fn refused(refusal: Refusal) -> S3Error {
    match refusal {
        Refusal::Denied { message, .. } => S3Error::access_denied(message),
        Refusal::Unusable(_) => S3Error::new(
            "InternalError",
            500,
            "We encountered an internal error. Please try again.",
        ),
    }
}

/// Refuses an upload under a kind of encryption that the bucket blocks. The text, both its blanks included, is the user
/// guide's (troubleshoot-403-errors).
///
/// # Errors
/// `AccessDenied`.
pub(crate) fn check_blocked(
    state: &State,
    request: &Authenticated,
    (bucket, key): (&Bucket, &str),
    encryption: &EncryptionHeaders,
) -> Result<(), S3Error> {
    if !encryption.is_blocked(bucket.blocked_encryption) {
        return Ok(());
    }
    Err(S3Error::access_denied(if is_told_why(state, request, bucket) {
        format!(
            "User: {}  is not authorized to perform: s3:PutObject on resource: \"{}/{key}\" because this bucket has blocked \
             upload requests that specify Server Side Encryption with Customer provided keys (SSE-C). Please specify a \
             different server-side encryption type",
            request.caller.arn(),
            bucket.arn()
        )
    } else {
        "Access Denied".to_owned()
    }))
}

/// Whether S3 tells the caller the reason of its own denials (`svc:S-36`).
fn is_told_why(state: &State, request: &Authenticated, bucket: &Bucket) -> bool {
    let relation = access::relation(state, request.caller.account(), Some(&bucket.account));
    state.as_of() >= jiff::civil::date(2024, 1, 1) && relation != crate::authorizer::Relation::Stranger
}

/// The account's `User: … is not authorized …` sentence for a Block Public Access rejection (`svc:S-6`).
pub(crate) fn blocked_public(
    state: &State,
    request: &Authenticated,
    bucket: &Bucket,
    action: &str,
    arn: &str,
    reason: &str,
) -> S3Error {
    S3Error::access_denied(if is_told_why(state, request, bucket) {
        format!(
            "User: {} is not authorized to perform: {action} on resource: \"{arn}\" because {reason}.",
            request.caller.arn()
        )
    } else {
        "Access Denied".to_owned()
    })
}

fn action_of(check: &Check, place: Place<'_>) -> &'static str {
    if place.version_id.is_some() {
        check.version_action
    } else {
        check.action
    }
}

fn applies(when: When, request: &Authenticated, facts: &Facts<'_>) -> bool {
    let has = |name: &str| request.headers.contains_key(name);
    let grants = || {
        let mut names = request.headers.keys();
        names.any(|name| name.as_str().starts_with("x-amz-grant-"))
    };
    match when {
        When::Always => true,
        When::AclHeader => has("x-amz-acl") || grants(),
        When::OpenAclHeader => request.header("x-amz-acl").is_some_and(|acl| acl != "private") || grants(),
        When::Tags => facts.tags.is_some(),
        When::BucketTags => facts.bucket_tags.is_some(),
        When::OwnershipHeader => has("x-amz-object-ownership"),
        When::SourceTagsCopied => facts.source_tags_copied,
        When::RetentionHeader => has("x-amz-object-lock-mode") || has("x-amz-object-lock-retain-until-date"),
        When::LegalHoldHeader => has("x-amz-object-lock-legal-hold"),
        When::LockHeader => request
            .header("x-amz-bucket-object-lock-enabled")
            .is_some_and(|value| value.eq_ignore_ascii_case("true")),
    }
}

/// Object actions that are about the bucket's space rather than about what is in the object: the bucket owner decides
/// them whoever owns the object.
const BUCKET_OWNER_DECIDES: &[&str] = &[
    "s3:PutObject",
    "s3:DeleteObject",
    "s3:DeleteObjectVersion",
    "s3:AbortMultipartUpload",
    "s3:ListMultipartUploadParts",
];

/// Whose resource it is: the object's owner where ACLs count, else the bucket's.
fn object_owner<'a>(place: &Place<'a>, action: &str) -> &'a AccountId {
    match place.existing {
        Some(version)
            if place.key.is_some() && place.bucket.acls_enabled() && !BUCKET_OWNER_DECIDES.contains(&action) =>
        {
            &version.owner
        }
        _ => &place.bucket.account,
    }
}

/// The owner's root user can always read, replace and delete the bucket policy, whatever it denies: the documented way
/// out of a bucket policy that locks everybody out (PutBucketPolicy API page; no rule of the table).
fn escapes_bucket_policy(principal: &Principal, bucket: &Bucket, action: &str) -> bool {
    const ACTIONS: &[&str] = &["s3:GetBucketPolicy", "s3:PutBucketPolicy", "s3:DeleteBucketPolicy"];
    matches!(principal, Principal::Root { account } if *account == bucket.account) && ACTIONS.contains(&action)
}

/// The bucket ACL covers bucket actions and writing objects, the object's own ACL everything else about it.
fn acl_allows(
    place: &Place<'_>,
    request: &Authenticated,
    action: &str,
    ignore_public: bool,
    faults: FaultSet,
) -> MatchKinds {
    let caller = &request.caller;
    if place.key.is_none() || action == "s3:PutObject" {
        return place.bucket.acl.allows(caller, action, true, ignore_public, faults);
    }
    match place.existing {
        Some(version) => version.acl.allows(caller, action, false, ignore_public, faults),
        None => MatchKinds::NONE,
    }
}

/// `x-amz-request-charged`: tells a requester who pays that he does (`svc:S-9`).
pub(crate) fn tell_charge(exchange: &Exchange<'_>, response: &mut Response) {
    let paid = exchange
        .bucket()
        .is_ok_and(|bucket| bucket.requester_pays && exchange.request.caller.account() != Some(&bucket.account));
    if paid {
        set_header(response, "x-amz-request-charged", "requester");
    }
}

/// `svc:S-9`.
fn requester_pays(request: &Authenticated, bucket: &Bucket) -> Result<(), S3Error> {
    if !bucket.requester_pays || request.caller.account() == Some(&bucket.account) {
        return Ok(());
    }
    let acknowledged = request
        .header("x-amz-request-payer")
        .or_else(|| request.query("x-amz-request-payer"))
        .is_some_and(|value| value.eq_ignore_ascii_case("requester"));
    if acknowledged && !request.caller.is_anonymous() {
        Ok(())
    } else {
        Err(S3Error::access_denied("Access Denied"))
    }
}
