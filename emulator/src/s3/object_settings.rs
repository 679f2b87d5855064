//! Tags and ACL of a stored object. Neither involves KMS (`svc:S-17`).

use std::collections::BTreeMap;

use http::StatusCode;

use super::acl::Acl;
use super::authorization::{self, Facts};
use super::bucket::ObjectVersion;
use super::error::S3Error;
use super::exchange::{Answer, Exchange, empty, set_version_header, xml};
use super::metadata::{self, MAXIMUM_OBJECT_TAGS, public_acl_blocked, tags_xml};

/// PutObjectTagging.
pub(crate) fn put_tagging(exchange: &mut Exchange<'_>) -> Answer {
    let tags = metadata::tags_of_xml(&exchange.request.body, MAXIMUM_OBJECT_TAGS)?;
    let facts = Facts {
        tags: Some(&tags),
        ..Facts::default()
    };
    let version_id = exchange.require_object(facts)?.1.version_id.clone();
    let tags: BTreeMap<String, String> = tags.into_iter().collect();
    change(exchange, &version_id, StatusCode::OK, |version| version.tags = tags)
}

/// GetObjectTagging.
pub(crate) fn get_tagging(exchange: &mut Exchange<'_>) -> Answer {
    let (bucket, version) = exchange.require_object(Facts::default())?;
    let mut response = xml(tags_xml(&version.tags));
    set_version_header(&mut response, bucket, &version.version_id);
    Ok(response)
}

/// DeleteObjectTagging.
pub(crate) fn delete_tagging(exchange: &mut Exchange<'_>) -> Answer {
    let version_id = exchange.require_object(Facts::default())?.1.version_id.clone();
    change(exchange, &version_id, StatusCode::NO_CONTENT, |version| {
        version.tags = BTreeMap::new();
    })
}

/// PutObjectAcl: refused while ACLs are off (`svc:S-4`), and for public ACLs under BlockPublicAcls (`svc:S-6`).
pub(crate) fn put_acl(exchange: &mut Exchange<'_>) -> Answer {
    let request = exchange.request;
    let (bucket, version) = exchange.require_object(Facts::default())?;
    if !bucket.acls_enabled() {
        return Err(S3Error::fixed("AccessControlListNotSupported"));
    }
    let owner = version.owner.clone();
    let acl = match Acl::from_headers(&request.headers, &owner, &bucket.account)? {
        Some(acl) => acl,
        None => Acl::from_xml(&request.body, &owner)?,
    };
    if acl.is_public() && authorization::effective_block(exchange.state, bucket).block_public_acls {
        let (_, key) = exchange.names();
        let arn = format!("{}/{key}", bucket.arn());
        return Err(public_acl_blocked(
            exchange.state,
            request,
            bucket,
            "s3:PutObjectAcl",
            &arn,
        ));
    }
    let version_id = version.version_id.clone();
    change(exchange, &version_id, StatusCode::OK, |version| version.acl = acl)
}

/// GetObjectAcl; with ACLs off it always shows full control for the bucket owner.
pub(crate) fn get_acl(exchange: &mut Exchange<'_>) -> Answer {
    let (bucket, version) = exchange.require_object(Facts::default())?;
    let acl = if bucket.acls_enabled() {
        version.acl.clone()
    } else {
        Acl::private(&bucket.account)
    };
    let mut response = xml(acl.to_xml());
    set_version_header(&mut response, bucket, &version.version_id);
    Ok(response)
}

fn change(
    exchange: &mut Exchange<'_>,
    version_id: &str,
    status: StatusCode,
    change: impl FnOnce(&mut ObjectVersion),
) -> Answer {
    let (_, key) = super::write::owned_names(exchange);
    let bucket = exchange.bucket_mut()?;
    let version = bucket
        .version_mut(&key, Some(version_id))
        .ok_or_else(|| S3Error::fixed("NoSuchKey"))?;
    change(version);
    let mut response = empty(status);
    set_version_header(&mut response, bucket, version_id);
    Ok(response)
}
