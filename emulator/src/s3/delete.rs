//! DeleteObject and DeleteObjects. No KMS call is ever made for a deletion (`svc:S-17`).

use http::StatusCode;

use super::acl::Acl;
use super::authorization::{self, Facts, Place};
use super::bucket::{NULL_VERSION, ObjectVersion, Versioning};
use super::error::S3Error;
use super::exchange::{Answer, Exchange, empty, set_header, xml};
use super::object_lock::{self, Lock};
use super::range::matches_etag;
use super::xml::{Element, XmlWriter};
use crate::fault::Fault;
use crate::state::State;

/// Most keys of one DeleteObjects request.
const MAXIMUM_KEYS: usize = 1000;

/// DeleteObject: `s3:DeleteObject`, or `s3:DeleteObjectVersion` when a version is named.
pub(crate) fn delete_object(exchange: &mut Exchange<'_>) -> Answer {
    let version_id = exchange.version_id().map(str::to_owned);
    let (bucket, key) = super::write::owned_names(exchange);
    allowed(exchange, &key, version_id.as_deref())?;
    check_etag(
        exchange,
        &key,
        version_id.as_deref(),
        exchange.request.header("if-match"),
    )?;
    let deleted = delete(exchange.state, &bucket, &key, version_id.as_deref())?;
    let mut response = empty(StatusCode::NO_CONTENT);
    if deleted.marker {
        set_header(&mut response, "x-amz-delete-marker", "true");
    }
    if let Some(version_id) = &deleted.version_id {
        set_header(&mut response, "x-amz-version-id", version_id);
    }
    Ok(response)
}

/// DeleteObjects: every key is authorized by itself; refusals are entries of a 200 answer.
pub(crate) fn delete_objects(exchange: &mut Exchange<'_>) -> Answer {
    super::checksum::verify_content_md5(exchange.request.header("content-md5"), &exchange.request.body)?;
    let root = Element::parse_root(&exchange.request.body, "Delete")?;
    let quiet = root.child_text("Quiet") == Some("true");
    let objects: Vec<Doomed> = root
        .all("Object")
        .map(|object| {
            let key = object
                .child("Key")
                .map(|key| key.text.clone())
                .filter(|key| !key.is_empty())
                .ok_or_else(|| S3Error::fixed("MalformedXML"))?;
            let version = object
                .child_text("VersionId")
                .filter(|id| !id.is_empty())
                .map(str::to_owned);
            let etag = object.child_text("ETag").map(str::to_owned);
            Ok(Doomed { key, version, etag })
        })
        .collect::<Result<_, S3Error>>()?;
    if objects.is_empty() || objects.len() > MAXIMUM_KEYS {
        return Err(S3Error::fixed("MalformedXML"));
    }
    let bucket = exchange.bucket()?.name.clone();
    let mut document = XmlWriter::document();
    document.open_root("DeleteResult");
    for Doomed {
        key,
        version: version_id,
        etag,
    } in &objects
    {
        let once = exchange.state.case.faults.contains(Fault::DeleteObjectsCheckedOnce);
        let asked = !once || std::ptr::eq(key, &raw const objects[0].key);
        let outcome = super::address::check_key(key)
            .and_then(|()| {
                if asked {
                    allowed(exchange, key, version_id.as_deref())
                } else {
                    Ok(())
                }
            })
            .and_then(|()| check_etag(exchange, key, version_id.as_deref(), etag.as_deref()))
            .and_then(|()| delete(exchange.state, &bucket, key, version_id.as_deref()));
        match outcome {
            Ok(_) if quiet => {}
            Ok(deleted) => {
                document.open("Deleted");
                document.text("Key", key);
                document.optional("VersionId", version_id.as_deref());
                if deleted.marker {
                    document.text("DeleteMarker", "true");
                    document.optional("DeleteMarkerVersionId", deleted.version_id.as_deref());
                }
                document.close("Deleted");
            }
            Err(error) => {
                document.open("Error");
                document.text("Key", key);
                document.optional("VersionId", version_id.as_deref());
                document.text("Code", &error.code);
                document.text("Message", &error.message);
                document.close("Error");
            }
        }
    }
    document.close("DeleteResult");
    Ok(xml(document.finish()))
}

/// One entry of a DeleteObjects request.
#[derive(Debug)]
struct Doomed {
    key: String,
    version: Option<String>,
    /// The entity tag that the object must have.
    etag: Option<String>,
}

/// Conditional deletion: what is deleted must be what the caller has seen.
fn check_etag(
    exchange: &Exchange<'_>,
    key: &str,
    version_id: Option<&str>,
    expected: Option<&str>,
) -> Result<(), S3Error> {
    let Some(expected) = expected else { return Ok(()) };
    let version = exchange.bucket()?.version(key, version_id);
    match version.and_then(|version| version.content.as_ref()) {
        None => Err(S3Error::fixed("NoSuchKey").with("Key", key)),
        Some(content) if !matches_etag(expected, &content.etag) => {
            Err(S3Error::fixed("PreconditionFailed").with("Condition", "If-Match"))
        }
        Some(_) => Ok(()),
    }
}

fn allowed(exchange: &Exchange<'_>, key: &str, version_id: Option<&str>) -> Result<(), S3Error> {
    let bucket = exchange.bucket()?;
    let place = Place {
        bucket,
        key: Some(key),
        existing: bucket.version(key, version_id),
        version_id,
    };
    authorization::require(
        exchange.state,
        exchange.request,
        exchange.operation,
        place,
        None,
        Facts::default(),
    )?;
    object_lock::check_removal(exchange, place)
}

/// What a deletion did.
#[derive(Debug)]
struct Deleted {
    /// A delete marker was made, or one was removed.
    marker: bool,
    /// Version made or removed; none in buckets without versioning.
    version_id: Option<String>,
}

fn delete(state: &mut State, bucket: &str, key: &str, version_id: Option<&str>) -> Result<Deleted, S3Error> {
    let now = state.now();
    let fresh_id = state.sources.ids.hex(32);
    let bucket = state
        .s3
        .buckets
        .get_mut(bucket)
        .ok_or_else(|| S3Error::fixed("NoSuchBucket"))?;
    if let Some(version_id) = version_id {
        let removed = bucket.remove(key, version_id);
        return Ok(Deleted {
            marker: removed.is_some_and(|version| version.content.is_none()),
            version_id: Some(version_id.to_owned()),
        });
    }
    if bucket.versioning == Versioning::Off {
        bucket.remove(key, NULL_VERSION);
        return Ok(Deleted {
            marker: false,
            version_id: None,
        });
    }
    let version_id = super::write::new_version_id(bucket, fresh_id);
    let owner = bucket.account.clone();
    bucket.store(
        key,
        ObjectVersion {
            version_id: version_id.clone(),
            last_modified: now,
            content: None,
            tags: std::collections::BTreeMap::new(),
            acl: Acl::private(&owner),
            lock: Lock::default(),
            restored_until: None,
            owner,
        },
    );
    Ok(Deleted {
        marker: true,
        version_id: Some(version_id),
    })
}
