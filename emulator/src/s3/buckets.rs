//! Buckets themselves: create, delete, head, location, list.

use std::collections::BTreeMap;

use http::StatusCode;
use jiff::civil::{Date, date};

use super::acl::{Acl, canonical_id};
use super::address::is_valid_bucket_name;
use super::authorization::{Facts, ask_account};
use super::bucket::{Bucket, ObjectOwnership, Versioning};
use super::encryption::BlockedEncryption;
use super::error::S3Error;
use super::exchange::{Answer, Exchange, empty, iso_time, set_header, xml};
use super::metadata::{self, MAXIMUM_BUCKET_TAGS};
use super::object_lock::LockConfiguration;
use super::permissions::checks;
use super::public_access::PublicAccessBlock;
use super::xml::{Element, XmlWriter};
use crate::names::Region;
use crate::propagating::Propagating;

/// The Region that is written as an empty location.
const CLASSIC_REGION: &str = "us-east-1";

/// From this day new buckets refuse uploads under SSE-C until told otherwise (S3 user guide, default SSE-C setting FAQ).
const CUSTOMER_KEYS_BLOCKED_SINCE: Date = date(2026, 4, 6);

/// CreateBucket: identity permissions only, the bucket does not exist yet. New buckets have SSE-S3,
/// BucketOwnerEnforced and all of Block Public Access (contract).
pub(crate) fn create_bucket(exchange: &mut Exchange<'_>) -> Answer {
    let request = exchange.request;
    let name = exchange.target.bucket().unwrap_or_default().to_owned();
    if !is_valid_bucket_name(&name) {
        return Err(S3Error::fixed("InvalidBucketName").with("BucketName", name));
    }
    let location = location_constraint(&request.body)?;
    let tags = tags_of(&request.body)?;
    let object_lock = request
        .header("x-amz-bucket-object-lock-enabled")
        .is_some_and(|value| value.eq_ignore_ascii_case("true"))
        .then(LockConfiguration::default);
    let ownership = match request.header("x-amz-object-ownership") {
        None => ObjectOwnership::BucketOwnerEnforced,
        Some(text) => ObjectOwnership::parse(text).ok_or_else(|| {
            S3Error::invalid_argument("Invalid x-amz-object-ownership header", "x-amz-object-ownership", text)
        })?,
    };
    let arn = format!("arn:aws:s3:::{name}");
    let facts = Facts {
        location_constraint: location.as_ref().map(Region::as_str),
        bucket_tags: tags.as_deref(),
        ..Facts::default()
    };
    for check in checks(exchange.operation) {
        ask_account(exchange.state, request, exchange.operation, check, &arn, facts)?;
    }
    let account = request
        .caller
        .account()
        .cloned()
        .ok_or_else(|| S3Error::access_denied("Access Denied"))?;
    let region = bucket_region(&request.region, location)?;
    if let Some(existing) = exchange.state.s3.buckets.get(&name) {
        return if existing.account != account {
            Err(S3Error::fixed("BucketAlreadyExists").with("BucketName", name))
        } else if existing.region.as_str() == CLASSIC_REGION && region.as_str() == CLASSIC_REGION {
            // us-east-1 keeps its old ways: creating one's own bucket again succeeds.
            Ok(created(&name))
        } else {
            Err(S3Error::fixed("BucketAlreadyOwnedByYou").with("BucketName", name))
        };
    }
    let acl = Acl::from_headers(&request.headers, &account, &account)?.unwrap_or_else(|| Acl::private(&account));
    if ownership == ObjectOwnership::BucketOwnerEnforced && !acl.is_owner_only() {
        return Err(S3Error::fixed("InvalidBucketAclWithObjectOwnership"));
    }
    // The new bucket has all of Block Public Access on, so a public ACL cannot be its first (svc:S-6).
    if acl.is_public() {
        return Err(S3Error::access_denied("Access Denied"));
    }
    let bucket = Bucket {
        name: name.clone(),
        account,
        region,
        created_at: exchange.state.now(),
        // Object Lock needs versions, and switches them on.
        versioning: if object_lock.is_some() {
            Versioning::Enabled
        } else {
            Versioning::Off
        },
        ownership: Some(ownership),
        acl,
        policy: Propagating::default(),
        encryption: None,
        blocked_encryption: (exchange.state.as_of() >= CUSTOMER_KEYS_BLOCKED_SINCE)
            .then_some(BlockedEncryption::CustomerKeys),
        public_access_block: Some(PublicAccessBlock::ALL),
        tags: tags.unwrap_or_default().into_iter().collect(),
        requester_pays: false,
        object_lock,
        documents: BTreeMap::new(),
        objects: BTreeMap::new(),
        uploads: BTreeMap::new(),
    };
    exchange.state.s3.buckets.insert(name.clone(), bucket);
    Ok(created(&name))
}

/// DeleteBucket.
pub(crate) fn delete_bucket(exchange: &mut Exchange<'_>) -> Answer {
    let bucket = exchange.require_bucket()?;
    if !bucket.objects.is_empty() {
        return Err(S3Error::fixed("BucketNotEmpty").with("BucketName", bucket.name.clone()));
    }
    let name = bucket.name.clone();
    exchange.state.s3.buckets.remove(&name);
    Ok(empty(StatusCode::NO_CONTENT))
}

/// HeadBucket: `s3:ListBucket`.
pub(crate) fn head_bucket(exchange: &mut Exchange<'_>) -> Answer {
    let bucket = exchange.require_bucket()?;
    let mut response = empty(StatusCode::OK);
    set_header(&mut response, "x-amz-bucket-region", bucket.region.as_str());
    set_header(&mut response, "x-amz-access-point-alias", "false");
    set_header(&mut response, "content-type", "application/xml");
    Ok(response)
}

/// GetBucketLocation.
pub(crate) fn get_bucket_location(exchange: &mut Exchange<'_>) -> Answer {
    let bucket = exchange.require_bucket()?;
    let region = match bucket.region.as_str() {
        CLASSIC_REGION => "",
        region => region,
    };
    let mut document = XmlWriter::document();
    document.open_root("LocationConstraint");
    document.characters(region);
    document.close("LocationConstraint");
    Ok(xml(document.finish()))
}

/// ListBuckets: the caller's account's buckets.
pub(crate) fn list_buckets(exchange: &mut Exchange<'_>) -> Answer {
    let request = exchange.request;
    for check in checks(exchange.operation) {
        // iam:OQ-14: the resource is `arn:aws:s3:::*`, so both `*` and that pattern match.
        ask_account(
            exchange.state,
            request,
            exchange.operation,
            check,
            "arn:aws:s3:::*",
            Facts::default(),
        )?;
    }
    let account = request
        .caller
        .account()
        .ok_or_else(|| S3Error::access_denied("Access Denied"))?;
    let prefix = request.query("prefix").unwrap_or_default();
    let region = request.query("bucket-region");
    let after = request.query("continuation-token").unwrap_or_default();
    let maximum = request
        .query("max-buckets")
        .and_then(|text| text.parse::<usize>().ok())
        .filter(|number| (1..=10_000).contains(number))
        .unwrap_or(10_000);
    let mut own: Vec<&Bucket> = exchange
        .state
        .s3
        .buckets
        .values()
        .filter(|bucket| bucket.account == *account && bucket.name.starts_with(prefix))
        .filter(|bucket| region.is_none_or(|region| bucket.region.as_str() == region))
        .filter(|bucket| bucket.name.as_str() > after)
        .collect();
    let truncated = own.len() > maximum;
    own.truncate(maximum);
    let mut document = XmlWriter::document();
    document.open_root("ListAllMyBucketsResult");
    document.open("Owner");
    document.text("ID", &canonical_id(account));
    document.close("Owner");
    document.open("Buckets");
    for bucket in &own {
        document.open("Bucket");
        document.text("Name", &bucket.name);
        document.text("CreationDate", &iso_time(bucket.created_at));
        document.text("BucketRegion", bucket.region.as_str());
        document.close("Bucket");
    }
    document.close("Buckets");
    if let (true, Some(last)) = (truncated, own.last()) {
        document.text("ContinuationToken", &last.name);
    }
    document.close("ListAllMyBucketsResult");
    Ok(xml(document.finish()))
}

fn created(name: &str) -> crate::protocol::Response {
    let mut response = empty(StatusCode::OK);
    set_header(&mut response, "location", &format!("/{name}"));
    response
}

fn location_constraint(body: &[u8]) -> Result<Option<Region>, S3Error> {
    if body.is_empty() {
        return Ok(None);
    }
    let root = Element::parse_root(body, "CreateBucketConfiguration")?;
    match root.child_text("LocationConstraint") {
        None | Some("") => Ok(None),
        Some("EU") => Ok(Region::parse("eu-west-1")),
        Some(text) => Region::parse(text).map(Some).ok_or_else(|| {
            S3Error::new(
                "InvalidLocationConstraint",
                400,
                "The specified location-constraint is not valid",
            )
            .with("LocationConstraint", text)
        }),
    }
}

/// The tags of a new bucket.
fn tags_of(body: &[u8]) -> Result<Option<Vec<(String, String)>>, S3Error> {
    if body.is_empty() {
        return Ok(None);
    }
    let root = Element::parse_root(body, "CreateBucketConfiguration")?;
    root.child("Tags")
        .map(|list| metadata::tags_of_list(list, MAXIMUM_BUCKET_TAGS))
        .transpose()
}

/// An endpoint other than us-east-1 only makes buckets of its own Region, and only when told so.
fn bucket_region(endpoint: &Region, location: Option<Region>) -> Result<Region, S3Error> {
    match location {
        Some(region) if region == *endpoint || endpoint.as_str() == CLASSIC_REGION => Ok(region),
        Some(region) => Err(S3Error::new(
            "IllegalLocationConstraintException",
            400,
            format!(
                "The {region} location constraint is incompatible for the region specific endpoint this request was sent to."
            ),
        )),
        None if endpoint.as_str() == CLASSIC_REGION => Ok(endpoint.clone()),
        None => Err(S3Error::fixed("IllegalLocationConstraintException")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn regions_of_new_buckets() {
        let region = |text: &str| Region::parse(text).expect("a literal Region");
        let cases = [
            ("us-east-1", None, Some("us-east-1")),
            ("us-east-1", Some("eu-west-1"), Some("eu-west-1")),
            ("eu-west-1", Some("eu-west-1"), Some("eu-west-1")),
            ("eu-west-1", None, None),
            ("eu-west-1", Some("us-west-2"), None),
        ];
        for (endpoint, location, expected) in cases {
            let actual = bucket_region(&region(endpoint), location.map(region)).ok();
            assert_eq!(actual.as_ref().map(Region::as_str), expected, "{endpoint} {location:?}");
        }
    }
}
