//! What a write request says about the object beside its bytes: stored headers, tags, ACL and owner.

use std::collections::BTreeMap;

use http::HeaderMap;

use super::acl::Acl;
use super::authorization;
use super::bucket::{Bucket, ObjectOwnership};
use super::encryption::EncryptionHeaders;
use super::error::S3Error;
use super::exchange::Exchange;
use super::object_lock::{self, Lock};
use super::xml::{Element, XmlWriter};
use crate::names::AccountId;
use crate::protocol::Authenticated;
use crate::state::State;

/// System metadata that is stored and returned as it came.
const STORED_HEADERS: &[&str] = &[
    "cache-control",
    "content-disposition",
    "content-encoding",
    "content-language",
    "content-type",
    "expires",
    "x-amz-website-redirect-location",
];
/// Content type of objects stored without one.
const DEFAULT_CONTENT_TYPE: &str = "binary/octet-stream";
/// Longest sum of user metadata.
const MAXIMUM_USER_METADATA_BYTES: usize = 2048;
/// Most tags of an object.
pub(crate) const MAXIMUM_OBJECT_TAGS: usize = 10;
/// Most tags of a bucket.
pub(crate) const MAXIMUM_BUCKET_TAGS: usize = 50;

const STORAGE_CLASSES: &[&str] = &[
    "STANDARD",
    "REDUCED_REDUNDANCY",
    "STANDARD_IA",
    "ONEZONE_IA",
    "INTELLIGENT_TIERING",
    "GLACIER",
    "DEEP_ARCHIVE",
    "GLACIER_IR",
];

/// Headers to store with an object.
///
/// # Errors
/// `MetadataTooLarge`.
pub(crate) fn stored_headers(headers: &HeaderMap) -> Result<Vec<(String, String)>, S3Error> {
    let mut stored = Vec::new();
    let mut user_bytes = 0;
    for (name, value) in headers {
        let name = name.as_str();
        let user = name.strip_prefix("x-amz-meta-");
        if user.is_none() && !STORED_HEADERS.contains(&name) {
            continue;
        }
        let mut text = String::from_utf8_lossy(value.as_bytes()).into_owned();
        if let Some(short) = user {
            user_bytes += short.len() + text.len();
        }
        if name == "content-encoding" {
            text = without_aws_chunked(&text);
            if text.is_empty() {
                continue;
            }
        }
        stored.push((name.to_owned(), text));
    }
    if user_bytes > MAXIMUM_USER_METADATA_BYTES {
        return Err(S3Error::new(
            "MetadataTooLarge",
            400,
            "Your metadata headers exceed the maximum allowed metadata size",
        ));
    }
    if !stored.iter().any(|(name, _)| name == "content-type") {
        stored.push(("content-type".to_owned(), DEFAULT_CONTENT_TYPE.to_owned()));
    }
    Ok(stored)
}

fn without_aws_chunked(text: &str) -> String {
    let codings: Vec<&str> = text
        .split(',')
        .map(str::trim)
        .filter(|coding| !coding.is_empty() && !coding.eq_ignore_ascii_case("aws-chunked"))
        .collect();
    codings.join(",")
}

/// `x-amz-storage-class`, STANDARD if absent.
///
/// # Errors
/// `InvalidStorageClass`.
pub(crate) fn storage_class(request: &Authenticated) -> Result<String, S3Error> {
    let class = request.header("x-amz-storage-class").unwrap_or("STANDARD");
    if STORAGE_CLASSES.contains(&class) {
        Ok(class.to_owned())
    } else {
        Err(S3Error::new(
            "InvalidStorageClass",
            400,
            "The storage class you specified is not valid",
        ))
    }
}

/// The encryption headers of a write. A bucket that is not there, or not of the owner that is expected, is told before headers that do not
/// fit together.
///
/// # Errors
/// See [`Exchange::bucket`], then [`EncryptionHeaders::read`].
pub(crate) fn encryption_headers(exchange: &Exchange<'_>) -> Result<EncryptionHeaders, S3Error> {
    exchange.bucket()?;
    EncryptionHeaders::read(|name| exchange.request.header(name))
}

/// `x-amz-tagging`: tags as a query string.
///
/// # Errors
/// `InvalidArgument`, `InvalidTag`, `BadRequest` for too many.
pub(crate) fn tags_of_header(request: &Authenticated) -> Result<Option<Vec<(String, String)>>, S3Error> {
    let Some(text) = request.header("x-amz-tagging") else {
        return Ok(None);
    };
    let decode = |part: &str| {
        percent_encoding::percent_decode_str(&part.replace('+', " "))
            .decode_utf8()
            .map(std::borrow::Cow::into_owned)
            .map_err(|_| {
                S3Error::invalid_argument(
                    "The header 'x-amz-tagging' shall be encoded as UTF-8 then URLEncoded URL query parameters without tag name duplicates.",
                    "x-amz-tagging",
                    text,
                )
            })
    };
    let mut tags = Vec::new();
    for part in text.split('&').filter(|part| !part.is_empty()) {
        let (name, value) = part.split_once('=').unwrap_or((part, ""));
        tags.push((decode(name)?, decode(value)?));
    }
    check_tags(&tags, MAXIMUM_OBJECT_TAGS)?;
    Ok(Some(tags))
}

/// A `Tagging` document.
///
/// # Errors
/// `MalformedXML`, `InvalidTag`, `BadRequest`.
pub(crate) fn tags_of_xml(body: &[u8], most: usize) -> Result<Vec<(String, String)>, S3Error> {
    let malformed = || S3Error::fixed("MalformedXML");
    let root = Element::parse_root(body, "Tagging")?;
    tags_of_list(root.child("TagSet").ok_or_else(malformed)?, most)
}

/// The `Tag` elements of a list.
///
/// # Errors
/// `MalformedXML`, `InvalidTag`, `BadRequest`.
pub(crate) fn tags_of_list(list: &Element, most: usize) -> Result<Vec<(String, String)>, S3Error> {
    let malformed = || S3Error::fixed("MalformedXML");
    let mut tags = Vec::new();
    for tag in list.all("Tag") {
        let name = tag.child("Key").ok_or_else(malformed)?;
        let value = tag.child("Value").ok_or_else(malformed)?;
        tags.push((name.text.clone(), value.text.clone()));
    }
    check_tags(&tags, most)?;
    Ok(tags)
}

/// Writes a `Tagging` document.
pub(crate) fn tags_xml(tags: &BTreeMap<String, String>) -> bytes::Bytes {
    let mut xml = XmlWriter::document();
    xml.open_root("Tagging");
    xml.open("TagSet");
    for (name, value) in tags {
        xml.open("Tag");
        xml.text("Key", name);
        xml.text("Value", value);
        xml.close("Tag");
    }
    xml.close("TagSet");
    xml.close("Tagging");
    xml.finish()
}

fn check_tags(tags: &[(String, String)], most: usize) -> Result<(), S3Error> {
    if tags.len() > most {
        return Err(S3Error::new(
            "BadRequest",
            400,
            format!("Object tags cannot be greater than {most}"),
        ));
    }
    let mut names = std::collections::BTreeSet::new();
    for (name, value) in tags {
        if name.is_empty() || name.chars().count() > 128 || name.starts_with("aws:") {
            return Err(S3Error::fixed("InvalidTag").with("TagKey", name.clone()));
        }
        if value.chars().count() > 256 {
            return Err(
                S3Error::new("InvalidTag", 400, "The TagValue you have provided is invalid")
                    .with("TagKey", name.clone()),
            );
        }
        if !names.insert(name) {
            return Err(
                S3Error::new("InvalidTag", 400, "Cannot provide multiple Tags with the same key")
                    .with("TagKey", name.clone()),
            );
        }
    }
    Ok(())
}

/// Owner, ACL and lock of a new object (`svc:S-4`, `svc:S-6`).
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Ownership {
    /// Object owner.
    pub(crate) owner: AccountId,
    /// Object ACL.
    pub(crate) acl: Acl,
    /// Retention and legal hold.
    pub(crate) lock: Lock,
}

/// Decides owner, ACL and lock of an object that the request writes to `key`.
///
/// # Errors
/// `AccessControlListNotSupported` for ACLs on a BucketOwnerEnforced bucket, `AccessDenied` for public ACLs under
/// BlockPublicAcls, `InvalidRequest` for Object Lock headers where there is no Object Lock.
pub(crate) fn ownership(
    state: &State,
    request: &Authenticated,
    bucket: &Bucket,
    key: &str,
) -> Result<Ownership, S3Error> {
    let lock = object_lock::of_upload(state, request, bucket)?;
    let bucket_owner = &bucket.account;
    // Anonymous writers and services have no account: what they write is the bucket owner's.
    let writer = request.caller.account().unwrap_or(bucket_owner);
    if !bucket.acls_enabled() {
        let acl = Acl::from_headers(&request.headers, bucket_owner, bucket_owner)?;
        let canned = request.header("x-amz-acl");
        let legal = match (&acl, canned) {
            (None, _) => true,
            (Some(_), Some(name)) => name == "bucket-owner-full-control",
            (Some(acl), None) => *acl == Acl::private(bucket_owner),
        };
        return if legal {
            Ok(Ownership {
                owner: bucket_owner.clone(),
                acl: Acl::private(bucket_owner),
                lock,
            })
        } else {
            Err(S3Error::fixed("AccessControlListNotSupported"))
        };
    }
    let given_away = bucket.ownership == Some(ObjectOwnership::BucketOwnerPreferred)
        && request.header("x-amz-acl") == Some("bucket-owner-full-control");
    let owner = if given_away { bucket_owner } else { writer };
    let acl = Acl::from_headers(&request.headers, owner, bucket_owner)?.unwrap_or_else(|| Acl::private(owner));
    if acl.is_public() && authorization::effective_block(state, bucket).block_public_acls {
        let arn = format!("{}/{key}", bucket.arn());
        return Err(public_acl_blocked(state, request, bucket, "s3:PutObject", &arn));
    }
    Ok(Ownership {
        owner: owner.clone(),
        acl,
        lock,
    })
}

/// The BlockPublicAcls rejection.
pub(crate) fn public_acl_blocked(
    state: &State,
    request: &Authenticated,
    bucket: &Bucket,
    action: &str,
    arn: &str,
) -> S3Error {
    authorization::blocked_public(
        state,
        request,
        bucket,
        action,
        arn,
        "public ACLs are prevented by the BlockPublicAcls setting in S3 Block Public Access",
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn stored_headers_keep_what_is_the_objects() {
        let mut headers = HeaderMap::new();
        for (name, value) in [
            ("content-encoding", "aws-chunked,gzip"),
            ("x-amz-meta-a", "1"),
            ("x-amz-acl", "private"),
            ("cache-control", "no-store"),
            ("host", "h"),
        ] {
            headers.insert(name, http::HeaderValue::from_static(value));
        }
        let stored = stored_headers(&headers).expect("small metadata");
        let get = |name: &str| stored.iter().find(|row| row.0 == name).map(|row| row.1.as_str());
        assert_eq!(get("content-encoding"), Some("gzip"));
        assert_eq!(get("content-type"), Some(DEFAULT_CONTENT_TYPE));
        assert_eq!(get("x-amz-meta-a"), Some("1"));
        assert_eq!(get("cache-control"), Some("no-store"));
        assert_eq!(stored.len(), 4);
        let large = http::HeaderValue::from_str(&"x".repeat(2049)).expect("visible ASCII");
        headers.insert("x-amz-meta-b", large);
        assert_eq!(
            stored_headers(&headers).map_err(|e| e.code).unwrap_err(),
            "MetadataTooLarge"
        );
    }

    #[test]
    fn tag_documents() {
        let body = b"<Tagging><TagSet><Tag><Key>a</Key><Value>1</Value></Tag></TagSet></Tagging>";
        let tags = tags_of_xml(body, 10).expect("a legal document");
        assert_eq!(tags, [("a".to_owned(), "1".to_owned())]);
        let map = tags.into_iter().collect();
        assert!(tags_of_xml(&tags_xml(&map), 10).is_ok());
        let twice = b"<Tagging><TagSet><Tag><Key>a</Key><Value>1</Value></Tag><Tag><Key>a</Key><Value>2</Value></Tag></TagSet></Tagging>";
        assert_eq!(tags_of_xml(twice, 10).map_err(|e| e.code).unwrap_err(), "InvalidTag");
        assert_eq!(tags_of_xml(body, 0).map_err(|e| e.code).unwrap_err(), "BadRequest");
        assert_eq!(
            tags_of_xml(b"<T/>", 10).map_err(|e| e.code).unwrap_err(),
            "MalformedXML"
        );
    }
}
