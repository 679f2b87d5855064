//! Bucket configuration: policy, encryption, Block Public Access, Object Ownership, versioning, tags, ACL, Requester
//! Pays. PutBucketEncryption never talks to KMS (`svc:S-12`).

use std::collections::BTreeMap;
use std::sync::Arc;

use http::StatusCode;

use super::acl::Acl;
use super::authorization;
use super::bucket::{Bucket, BucketPolicy, ObjectOwnership, Versioning};
use super::encryption::{BlockedEncryption, DefaultEncryption};
use super::error::S3Error;
use super::exchange::{Answer, Exchange, empty, xml};
use super::metadata::{self, MAXIMUM_BUCKET_TAGS, public_acl_blocked, tags_xml};
use super::public_access::{PublicAccessBlock, is_public_under};
use super::xml::{Element, XmlWriter};
use crate::authorizer::{Policy, PolicyError, PolicyKind, ResourceClause, SaveRules};
use crate::fault::Fault;

/// Largest bucket policy.
const MAXIMUM_POLICY_BYTES: usize = 20 * 1024;

/// What S3 says of a policy that is no JSON at all.
const NOT_JSON: &str = "Policies must be valid JSON and the first byte must be '{'";

/// PutBucketPolicy; BlockPublicPolicy rejects public ones (`svc:S-6`).
pub(crate) fn put_policy(exchange: &mut Exchange<'_>) -> Answer {
    let bucket = require_own_bucket(exchange)?;
    let text = std::str::from_utf8(&exchange.request.body).map_err(|_| malformed_policy(NOT_JSON))?;
    if text.is_empty() {
        return Err(malformed_policy(NOT_JSON));
    }
    if text.len() > MAXIMUM_POLICY_BYTES {
        return Err(malformed_policy("Policy exceeds the maximum allowed document size."));
    }
    let rules = SaveRules {
        as_of: exchange.state.as_of(),
        principals: &exchange.state.iam,
    };
    let policy = Policy::save(PolicyKind::BucketPolicy, text, &rules)
        .map_err(|error: PolicyError| malformed_policy(&error.message))?;
    if !resources_are_of_bucket(&policy, &bucket.name) {
        return Err(malformed_policy("Policy has invalid resource"));
    }
    let public = is_public_under(&policy, exchange.state.case.faults);
    if public && authorization::effective_block(exchange.state, bucket).block_public_policy {
        return Err(authorization::blocked_public(
            exchange.state,
            exchange.request,
            bucket,
            "s3:PutBucketPolicy",
            &bucket.arn(),
            "public policies are prevented by the BlockPublicPolicy setting in S3 Block Public Access",
        ));
    }
    let policy = BucketPolicy {
        compiled: Arc::new(policy),
        public,
    };
    let when = exchange.state.change_time();
    exchange.bucket_mut()?.policy.change(Some(policy), when);
    Ok(empty(StatusCode::NO_CONTENT))
}

/// GetBucketPolicy; principals that are gone show as unique ids (`iam:P-40`).
pub(crate) fn get_policy(exchange: &mut Exchange<'_>) -> Answer {
    require_own_bucket(exchange)?;
    let policy = policy_of(exchange)?;
    let text = policy.compiled.displayed_text(&exchange.state.iam);
    let mut response = http::Response::new(text.into());
    response.headers_mut().insert(
        http::header::CONTENT_TYPE,
        http::HeaderValue::from_static("application/json"),
    );
    Ok(response)
}

/// DeleteBucketPolicy.
pub(crate) fn delete_policy(exchange: &mut Exchange<'_>) -> Answer {
    require_own_bucket(exchange)?;
    let when = exchange.state.change_time();
    exchange.bucket_mut()?.policy.change(None, when);
    Ok(empty(StatusCode::NO_CONTENT))
}

/// GetBucketPolicyStatus.
pub(crate) fn get_policy_status(exchange: &mut Exchange<'_>) -> Answer {
    let policy = policy_of(exchange)?;
    let mut document = XmlWriter::document();
    document.open_root("PolicyStatus");
    document.text("IsPublic", if policy.public { "true" } else { "false" });
    document.close("PolicyStatus");
    Ok(xml(document.finish()))
}

/// PutBucketEncryption.
pub(crate) fn put_encryption(exchange: &mut Exchange<'_>) -> Answer {
    exchange.require_bucket()?;
    let encryption = DefaultEncryption::from_xml(&exchange.request.body)?;
    let blocked = BlockedEncryption::from_xml(&exchange.request.body)?;
    let bucket = exchange.bucket_mut()?;
    bucket.encryption = Some(encryption);
    bucket.blocked_encryption = blocked.or(bucket.blocked_encryption);
    Ok(empty(StatusCode::OK))
}

/// GetBucketEncryption.
pub(crate) fn get_encryption(exchange: &mut Exchange<'_>) -> Answer {
    let bucket = exchange.require_bucket()?;
    Ok(xml(bucket.default_encryption().to_xml(bucket.blocked_encryption)))
}

/// DeleteBucketEncryption: back to SSE-S3. What is blocked stays blocked.
pub(crate) fn delete_encryption(exchange: &mut Exchange<'_>) -> Answer {
    exchange.require_bucket()?;
    exchange.bucket_mut()?.encryption = None;
    Ok(empty(StatusCode::NO_CONTENT))
}

/// PutPublicAccessBlock.
pub(crate) fn put_public_access_block(exchange: &mut Exchange<'_>) -> Answer {
    exchange.require_bucket()?;
    let block = PublicAccessBlock::from_xml(&exchange.request.body)?;
    exchange.bucket_mut()?.public_access_block = Some(block);
    Ok(empty(StatusCode::OK))
}

/// GetPublicAccessBlock.
pub(crate) fn get_public_access_block(exchange: &mut Exchange<'_>) -> Answer {
    let bucket = exchange.require_bucket()?;
    let block = bucket.public_access_block.ok_or_else(|| {
        S3Error::fixed("NoSuchPublicAccessBlockConfiguration").with("BucketName", bucket.name.clone())
    })?;
    Ok(xml(block.to_xml()))
}

/// DeletePublicAccessBlock.
pub(crate) fn delete_public_access_block(exchange: &mut Exchange<'_>) -> Answer {
    exchange.require_bucket()?;
    exchange.bucket_mut()?.public_access_block = None;
    Ok(empty(StatusCode::NO_CONTENT))
}

/// PutBucketOwnershipControls: BucketOwnerEnforced only while the bucket ACL names nobody but the owner.
pub(crate) fn put_ownership_controls(exchange: &mut Exchange<'_>) -> Answer {
    let owner_only = exchange.require_bucket()?.acl.is_owner_only();
    let malformed = || S3Error::fixed("MalformedXML");
    let root = Element::parse_root(&exchange.request.body, "OwnershipControls")?;
    let ownership = root
        .child("Rule")
        .and_then(|rule| rule.child_text("ObjectOwnership"))
        .and_then(ObjectOwnership::parse)
        .ok_or_else(malformed)?;
    if ownership == ObjectOwnership::BucketOwnerEnforced && !owner_only {
        return Err(S3Error::fixed("InvalidBucketAclWithObjectOwnership"));
    }
    exchange.bucket_mut()?.ownership = Some(ownership);
    Ok(empty(StatusCode::OK))
}

/// GetBucketOwnershipControls.
pub(crate) fn get_ownership_controls(exchange: &mut Exchange<'_>) -> Answer {
    let bucket = exchange.require_bucket()?;
    let ownership = bucket
        .ownership
        .ok_or_else(|| S3Error::fixed("OwnershipControlsNotFoundError").with("BucketName", bucket.name.clone()))?;
    let mut document = XmlWriter::document();
    document.open_root("OwnershipControls");
    document.open("Rule");
    document.text("ObjectOwnership", ownership.name());
    document.close("Rule");
    document.close("OwnershipControls");
    Ok(xml(document.finish()))
}

/// DeleteBucketOwnershipControls.
pub(crate) fn delete_ownership_controls(exchange: &mut Exchange<'_>) -> Answer {
    exchange.require_bucket()?;
    exchange.bucket_mut()?.ownership = None;
    Ok(empty(StatusCode::NO_CONTENT))
}

/// PutBucketVersioning.
pub(crate) fn put_versioning(exchange: &mut Exchange<'_>) -> Answer {
    exchange.require_bucket()?;
    let root = Element::parse_root(&exchange.request.body, "VersioningConfiguration")?;
    if root.child_text("MfaDelete") == Some("Enabled") {
        return Err(S3Error::fixed("NotImplemented").with("Header", "MfaDelete"));
    }
    let versioning = match root.child_text("Status") {
        Some("Enabled") => Versioning::Enabled,
        Some("Suspended") => Versioning::Suspended,
        Some(_) => return Err(S3Error::fixed("MalformedXML")),
        None => {
            return Err(S3Error::new(
                "IllegalVersioningConfigurationException",
                400,
                "The Versioning element must be specified",
            ));
        }
    };
    let bucket = exchange.bucket_mut()?;
    if bucket.object_lock.is_some() && versioning != Versioning::Enabled {
        return Err(S3Error::new(
            "InvalidBucketState",
            409,
            "An Object Lock configuration is present on this bucket, so the versioning state cannot be changed.",
        ));
    }
    bucket.versioning = versioning;
    Ok(empty(StatusCode::OK))
}

/// GetBucketVersioning.
pub(crate) fn get_versioning(exchange: &mut Exchange<'_>) -> Answer {
    let bucket = exchange.require_bucket()?;
    let mut document = XmlWriter::document();
    document.open_root("VersioningConfiguration");
    document.optional(
        "Status",
        match bucket.versioning {
            Versioning::Off => None,
            Versioning::Enabled => Some("Enabled"),
            Versioning::Suspended => Some("Suspended"),
        },
    );
    document.close("VersioningConfiguration");
    Ok(xml(document.finish()))
}

/// PutBucketTagging.
pub(crate) fn put_tagging(exchange: &mut Exchange<'_>) -> Answer {
    exchange.require_bucket()?;
    let tags = metadata::tags_of_xml(&exchange.request.body, MAXIMUM_BUCKET_TAGS)?;
    exchange.bucket_mut()?.tags = tags.into_iter().collect();
    Ok(empty(StatusCode::NO_CONTENT))
}

/// GetBucketTagging.
pub(crate) fn get_tagging(exchange: &mut Exchange<'_>) -> Answer {
    let bucket = exchange.require_bucket()?;
    if bucket.tags.is_empty() {
        return Err(S3Error::fixed("NoSuchTagSet").with("BucketName", bucket.name.clone()));
    }
    Ok(xml(tags_xml(&bucket.tags)))
}

/// DeleteBucketTagging.
pub(crate) fn delete_tagging(exchange: &mut Exchange<'_>) -> Answer {
    exchange.require_bucket()?;
    exchange.bucket_mut()?.tags = BTreeMap::new();
    Ok(empty(StatusCode::NO_CONTENT))
}

/// PutBucketRequestPayment.
pub(crate) fn put_request_payment(exchange: &mut Exchange<'_>) -> Answer {
    exchange.require_bucket()?;
    let root = Element::parse_root(&exchange.request.body, "RequestPaymentConfiguration")?;
    let requester_pays = match root.child_text("Payer") {
        Some("Requester") => true,
        Some("BucketOwner") => false,
        _ => return Err(S3Error::fixed("MalformedXML")),
    };
    exchange.bucket_mut()?.requester_pays = requester_pays;
    Ok(empty(StatusCode::OK))
}

/// GetBucketRequestPayment.
pub(crate) fn get_request_payment(exchange: &mut Exchange<'_>) -> Answer {
    let bucket = exchange.require_bucket()?;
    let mut document = XmlWriter::document();
    document.open_root("RequestPaymentConfiguration");
    document.text(
        "Payer",
        if bucket.requester_pays {
            "Requester"
        } else {
            "BucketOwner"
        },
    );
    document.close("RequestPaymentConfiguration");
    Ok(xml(document.finish()))
}

/// PutBucketAcl: refused while ACLs are off (`svc:S-4`), and for public ACLs under BlockPublicAcls (`svc:S-6`).
pub(crate) fn put_acl(exchange: &mut Exchange<'_>) -> Answer {
    let request = exchange.request;
    let bucket = exchange.require_bucket()?;
    let owner = bucket.account.clone();
    let acl = match Acl::from_headers(&request.headers, &owner, &owner)? {
        Some(acl) => acl,
        None => Acl::from_xml(&request.body, &owner)?,
    };
    if !bucket.acls_enabled() {
        return if acl.is_owner_only() && request.header("x-amz-acl").is_none() {
            Ok(empty(StatusCode::OK))
        } else {
            Err(S3Error::fixed("AccessControlListNotSupported"))
        };
    }
    if acl.is_public() && authorization::effective_block(exchange.state, bucket).block_public_acls {
        return Err(public_acl_blocked(
            exchange.state,
            request,
            bucket,
            "s3:PutBucketAcl",
            &bucket.arn(),
        ));
    }
    exchange.bucket_mut()?.acl = acl;
    Ok(empty(StatusCode::OK))
}

/// GetBucketAcl; with ACLs off it always shows full control for the owner.
pub(crate) fn get_acl(exchange: &mut Exchange<'_>) -> Answer {
    let bucket = exchange.require_bucket()?;
    let acl = if bucket.acls_enabled() {
        bucket.acl.clone()
    } else {
        Acl::private(&bucket.account)
    };
    Ok(xml(acl.to_xml()))
}

/// The three bucket policy operations are for identities of the owner's account; allowed outsiders get 405
/// (PutBucketPolicy API page).
fn require_own_bucket<'a>(exchange: &'a Exchange<'_>) -> Result<&'a Bucket, S3Error> {
    if exchange.state.case.faults.contains(Fault::BucketPolicyOpenToStrangers)
        && exchange.request.caller.account().is_none()
    {
        return exchange.bucket();
    }
    let bucket = exchange.require_bucket()?;
    if exchange.request.caller.account() == Some(&bucket.account) {
        Ok(bucket)
    } else {
        Err(S3Error::fixed("MethodNotAllowed").with("Method", exchange.request.method.as_str()))
    }
}

fn policy_of<'a>(exchange: &'a Exchange<'_>) -> Result<&'a BucketPolicy, S3Error> {
    let bucket = exchange.require_bucket()?;
    bucket
        .policy
        .current()
        .as_ref()
        .ok_or_else(|| S3Error::fixed("NoSuchBucketPolicy").with("BucketName", bucket.name.clone()))
}

fn malformed_policy(message: &str) -> S3Error {
    S3Error::new("MalformedPolicy", 400, message)
}

/// Every resource pattern must be able to mean this bucket or something in it.
fn resources_are_of_bucket(policy: &Policy, bucket: &str) -> bool {
    let arn = format!("arn:aws:s3:::{bucket}");
    policy.statements().iter().all(|statement| match &statement.resources {
        ResourceClause::Resource(patterns) | ResourceClause::NotResource(patterns) => {
            patterns.iter().all(|pattern| may_mean(pattern.text(), &arn))
        }
        ResourceClause::Attached | ResourceClause::Inert => true,
    })
}

/// Compares the literal text before the first wildcard or variable.
fn may_mean(pattern: &str, arn: &str) -> bool {
    let literal = pattern.find(['*', '?', '$']).map_or(pattern, |end| &pattern[..end]);
    if literal.len() < pattern.len() && literal.len() <= arn.len() {
        return arn.starts_with(literal);
    }
    match literal.strip_prefix(arn) {
        Some(rest) => rest.is_empty() || rest.starts_with('/'),
        None => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn resources_of_a_bucket_policy() {
        let arn = "arn:aws:s3:::bucket";
        for good in [
            "arn:aws:s3:::bucket",
            "arn:aws:s3:::bucket/*",
            "arn:aws:s3:::bucket/a/${aws:username}/*",
            "arn:aws:s3:::buck*",
            "arn:aws:s3:::*",
            "*",
        ] {
            assert!(may_mean(good, arn), "{good}");
        }
        for bad in [
            "arn:aws:s3:::other",
            "arn:aws:s3:::bucket2/*",
            "arn:aws:s3:::bucket2",
            "arn:aws:s3:::buc",
            "arn:aws:sqs:*",
        ] {
            assert!(!may_mean(bad, arn), "{bad}");
        }
    }
}
