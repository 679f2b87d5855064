//! S3's own decision (`svc:9.1`): puts bucket policy, ACLs, Block Public Access, Object Ownership and Requester Pays
//! around the one question that `access` answers. Which checks an operation needs is `permissions`' table.

use super::bucket::{Bucket, ObjectVersion};
use super::conditions::{self, Subject};
use super::error::S3Error;
use super::operation::Operation;
use super::permissions::{Check, On, When, checks};
use crate::access::{self, Question, Refusal};
use crate::authorizer::{MatchKinds, ResourcePolicyMode};
use crate::identity::{Principal, Via};
use crate::names::AccountId;
use crate::protocol::Authenticated;
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
    /// Object tags the request brings; a copy's source tags count.
    pub(crate) tags: Option<&'a [(String, String)]>,
    /// A copy takes over the tags of its source, and there are some.
    pub(crate) source_tags_copied: bool,
    /// Destination region of CreateBucket.
    pub(crate) location_constraint: Option<&'a str>,
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
        ask(state, request, operation, action_of(check, place), place, facts)?;
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
    requester_pays(request, bucket)?;
    let caller = &request.caller;
    let block = state.s3.effective_block(bucket);
    // RestrictPublicBuckets: once the policy is public, only the owner's account and services keep what the
    // resource side gives (svc:S-6).
    let public = bucket.policy.as_ref().is_some_and(|policy| policy.public);
    let outsider = !matches!(caller.principal, Principal::Service { .. }) && caller.account() != Some(&bucket.account);
    let cut_off = block.restrict_public_buckets && public && outsider;
    let owner = object_owner(&place, action);
    let acls = if bucket.acls_enabled() && !cut_off {
        acl_allows(&place, request, action, block.ignore_public_acls)
    } else {
        MatchKinds::NONE
    };
    let arn = match place.key {
        None => bucket.arn(),
        Some(key) => format!("{}/{key}", bucket.arn()),
    };
    let via = Via::Direct;
    let question = Question {
        resource: &arn,
        resource_account: Some(owner),
        mode: ResourcePolicyMode::Optional,
        resource_policy: bucket
            .policy
            .as_ref()
            .filter(|_| !escapes_bucket_policy(&caller.principal, bucket, action))
            .map(|policy| &policy.compiled),
        // Allows of the bucket policy do not cover objects of other owners (svc:S-4).
        resource_allows_count: !cut_off && *owner == bucket.account,
        resource_side: acls,
        context: conditions::context(
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
            },
        ),
        ..Question::new(caller, &via, action, &bucket.region)
    };
    access::check(state, question).map(|_| ()).map_err(refused)
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
            },
        ),
        ..Question::new(&request.caller, &via, check.action, &request.region)
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

/// The account's `User: … is not authorized …` sentence for a Block Public Access rejection (`svc:S-6`).
pub(crate) fn blocked_public(
    state: &State,
    request: &Authenticated,
    bucket: &Bucket,
    action: &str,
    arn: &str,
    reason: &str,
) -> S3Error {
    let relation = access::relation(state, request.caller.account(), Some(&bucket.account));
    let told = state.as_of() >= jiff::civil::date(2024, 1, 1) && relation != crate::authorizer::Relation::Stranger;
    S3Error::access_denied(if told {
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
    match when {
        When::Always => true,
        When::AclHeader => {
            has("x-amz-acl")
                || request
                    .headers
                    .keys()
                    .any(|name| name.as_str().starts_with("x-amz-grant-"))
        }
        When::Tags => facts.tags.is_some(),
        When::OwnershipHeader => has("x-amz-object-ownership"),
        When::SourceTagsCopied => facts.source_tags_copied,
        When::RetentionHeader => has("x-amz-object-lock-mode") || has("x-amz-object-lock-retain-until-date"),
        When::LegalHoldHeader => has("x-amz-object-lock-legal-hold"),
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
fn acl_allows(place: &Place<'_>, request: &Authenticated, action: &str, ignore_public: bool) -> MatchKinds {
    let caller = &request.caller;
    if place.key.is_none() || action == "s3:PutObject" {
        return place.bucket.acl.allows(caller, action, true, ignore_public);
    }
    match place.existing {
        Some(version) => version.acl.allows(caller, action, false, ignore_public),
        None => MatchKinds::NONE,
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
