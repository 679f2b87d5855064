//! PutObject and CopyObject, and the storing of a finished object that multipart uploads share.

use std::collections::BTreeMap;
use std::sync::Arc;

use bytes::Bytes;
use http::StatusCode;

use super::address::CopySource;
use super::authorization::{self, Facts, Place};
use super::bucket::{Bucket, Content, NULL_VERSION, ObjectVersion, PartFacts, Protection, Versioning};
use super::checksum::{self, Checksum};
use super::customer_key::{self, CustomerKey};
use super::error::S3Error;
use super::exchange::{Answer, Exchange, empty, find_bucket, iso_time, present, set_header, set_version_header, xml};
use super::metadata::{self, Ownership};
use super::misreading;
use super::range::{Preconditions, matches_etag};
use super::restore;
use super::sse;
use super::xml::XmlWriter;
use crate::fault::Fault;
use crate::names::Region;
use crate::protocol::Response;
use crate::state::State;

/// PutObject: `s3:PutObject`, then `kms:GenerateDataKey` as the requester (`svc:S-16`, `svc:S-19`).
pub(crate) fn put_object(exchange: &mut Exchange<'_>) -> Answer {
    let tags = metadata::tags_of_header(exchange.request)?;
    put_with_tags(exchange, tags)
}

/// What PutObject and form uploads have in common, once it is known which tags the request brings.
///
/// # Errors
/// Everything that S3 and KMS may answer to an upload.
pub(crate) fn put_with_tags(exchange: &mut Exchange<'_>, tags: Option<Vec<(String, String)>>) -> Answer {
    let request = exchange.request;
    let encryption = metadata::encryption_headers(exchange)?;
    let headers = metadata::stored_headers(&request.headers)?;
    let storage_class = metadata::storage_class(request)?;
    let (region, ownership, effective) = {
        let bucket = exchange.bucket()?;
        let (_, key) = exchange.names();
        authorization::require(
            exchange.state,
            request,
            exchange.operation,
            destination(bucket, key),
            None,
            Facts {
                tags: tags.as_deref(),
                ..Facts::default()
            },
        )?;
        ask_to_compare(exchange)?;
        let ownership = metadata::ownership(exchange.state, request, bucket, key)?;
        authorization::check_blocked(exchange.state, request, (bucket, key), &encryption)?;
        let effective = encryption.effective(&bucket.default_encryption());
        (bucket.region.clone(), ownership, effective)
    };
    let body = &request.body;
    checksum::verify_content_md5(request.header("content-md5"), body)?;
    let checksum = checksum_of(exchange, body, None)?;
    check_write_conditions(exchange)?;
    let (bucket, key) = owned_names(exchange);
    let new = sse::generate(
        exchange.state,
        &request.caller,
        &region,
        exchange.operation,
        (&bucket, &key),
        effective,
    )?;
    let version_id = store(
        exchange.state,
        (&bucket, &key),
        Finished {
            etag: etag(exchange.state, &new.protection, || checksum::md5_hex(body)),
            body: body.clone(),
            headers,
            storage_class,
            checksum: checksum.clone(),
            protection: new.protection,
            data_key: new.data_key,
            parts: Vec::new(),
            ownership,
            tags: tags.unwrap_or_default().into_iter().collect(),
        },
    )?;
    let bucket = exchange.bucket()?;
    let stored = bucket
        .version(&key, Some(&version_id))
        .and_then(|version| version.content.clone())
        .ok_or_else(|| S3Error::fixed("NoSuchKey"))?;
    let mut response = empty(StatusCode::OK);
    set_header(&mut response, "etag", &format!("\"{}\"", stored.etag));
    set_version_header(&mut response, bucket, &version_id);
    sse::add_headers(&stored.protection, response.headers_mut());
    echo_context(exchange, &stored.protection, &mut response);
    set_header(&mut response, checksum.algorithm.header(), &checksum.value);
    set_header(&mut response, "x-amz-checksum-type", checksum.type_name());
    Ok(response)
}

/// CopyObject: source and destination permissions, then `kms:Decrypt` for the source and `kms:GenerateDataKey` for
/// the destination, all as the copier (`svc:S-18`).
pub(crate) fn copy_object(exchange: &mut Exchange<'_>) -> Answer {
    let request = exchange.request;
    let encryption = metadata::encryption_headers(exchange)?;
    let header_tags = metadata::tags_of_header(request)?;
    let replace_headers = replaces(exchange, "x-amz-metadata-directive")?;
    let replace_tags = replaces(exchange, "x-amz-tagging-directive")?;
    let storage_class = metadata::storage_class(request)?;
    let source = copy_source(exchange)?;
    let source_key = CustomerKey::of_read(request, customer_key::COPY_SOURCE)?;
    let changes_nothing = !replace_headers
        && !customer_key::is_named(|name| request.header(name))
        && [
            "x-amz-storage-class",
            "x-amz-server-side-encryption",
            "x-amz-website-redirect-location",
        ]
        .iter()
        .all(|name| request.header(name).is_none());
    let plan = {
        let bucket = exchange.bucket()?;
        let (name, key) = exchange.names();
        let source_bucket = find_bucket(
            exchange.state,
            request,
            &source.bucket,
            "x-amz-source-expected-bucket-owner",
        )?;
        // The request alone shows it: nobody's permissions are asked.
        if changes_nothing
            && source.version_id.is_none()
            && (source.bucket.as_str(), source.key.as_str()) == (name, key)
        {
            return Err(S3Error::invalid_request(
                "This copy request is illegal because it is trying to copy an object to itself without changing the object's metadata, storage class, website redirect location or encryption attributes.",
            ));
        }
        let source_place = source_place(source_bucket, &source);
        let source_tags: Vec<(String, String)> = source_place
            .existing
            .map(|version| version.tags.clone().into_iter().collect())
            .unwrap_or_default();
        let brought = if replace_tags {
            header_tags.clone()
        } else {
            (!source_tags.is_empty()).then(|| source_tags.clone())
        };
        authorization::require(
            exchange.state,
            request,
            exchange.operation,
            destination(bucket, key),
            Some(source_place),
            Facts {
                // The tags of the source are read, not brought: only the header asks for tagging (svc:§9.4).
                tags: header_tags.as_deref(),
                source_tags_copied: !replace_tags && !source_tags.is_empty(),
                ..Facts::default()
            },
        )?;
        let touched = touched_source(exchange, source_place);
        let version = present(exchange.state, request, exchange.operation, touched)?;
        let content = content_of(version)?;
        restore::check_readable(exchange.state, version, content)?;
        copy_preconditions(exchange).check(&content.etag, version.last_modified, true)?;
        customer_key::check_copy_source(&content.protection, source_key.as_ref())?;
        CopyPlan {
            content: Arc::clone(content),
            source_version_id: version.version_id.clone(),
            source_versioned: source_bucket.versioning != Versioning::Off,
            source_region: source_bucket.region.clone(),
            region: bucket.region.clone(),
            ownership: metadata::ownership(exchange.state, request, bucket, key)?,
            effective: {
                authorization::check_blocked(exchange.state, request, (bucket, key), &encryption)?;
                encryption.effective(&bucket.default_encryption())
            },
            tags: brought.unwrap_or_default(),
        }
    };
    ask_to_compare(exchange)?;
    check_write_conditions(exchange)?;
    let body = read_all(exchange, &plan.content, &plan.source_region)?;
    let (bucket, key) = owned_names(exchange);
    let new = sse::generate(
        exchange.state,
        &request.caller,
        &plan.region,
        exchange.operation,
        (&bucket, &key),
        plan.effective,
    )?;
    let algorithm = checksum_algorithm_header(exchange)?.unwrap_or(plan.content.checksum.algorithm);
    let checksum = Checksum {
        algorithm,
        value: algorithm.digest(&body),
        composite: false,
    };
    let headers = if replace_headers {
        metadata::stored_headers(&request.headers)?
    } else {
        plan.content.headers.clone()
    };
    let version_id = store(
        exchange.state,
        (&bucket, &key),
        Finished {
            etag: etag(exchange.state, &new.protection, || checksum::md5_hex(&body)),
            body,
            headers,
            storage_class,
            checksum: checksum.clone(),
            protection: new.protection,
            data_key: new.data_key,
            parts: Vec::new(),
            ownership: plan.ownership,
            tags: plan.tags.into_iter().collect(),
        },
    )?;
    let bucket = exchange.bucket()?;
    let version = bucket
        .version(&key, Some(&version_id))
        .ok_or_else(|| S3Error::fixed("NoSuchKey"))?;
    let content = content_of(version)?;
    let mut document = XmlWriter::document();
    document.open_root("CopyObjectResult");
    document.text("LastModified", &iso_time(version.last_modified));
    document.text("ETag", &format!("\"{}\"", content.etag));
    document.text(checksum.algorithm.element(), &checksum.value);
    document.text("ChecksumType", checksum.type_name());
    document.close("CopyObjectResult");
    let mut response = xml(document.finish());
    set_version_header(&mut response, bucket, &version_id);
    if plan.source_versioned {
        set_header(&mut response, "x-amz-copy-source-version-id", &plan.source_version_id);
    }
    sse::add_headers(&content.protection, response.headers_mut());
    echo_context(exchange, &content.protection, &mut response);
    Ok(response)
}

/// What a copy needs once the buckets are no longer borrowed.
#[derive(Debug)]
struct CopyPlan {
    content: Arc<Content>,
    source_version_id: String,
    source_versioned: bool,
    source_region: Region,
    region: Region,
    ownership: Ownership,
    effective: super::encryption::Effective,
    tags: Vec<(String, String)>,
}

/// A complete object, ready to be stored.
#[derive(Debug)]
pub(crate) struct Finished {
    pub(crate) etag: String,
    pub(crate) body: Bytes,
    pub(crate) headers: Vec<(String, String)>,
    pub(crate) storage_class: String,
    pub(crate) checksum: Checksum,
    pub(crate) protection: Protection,
    /// Plaintext data key; empty where KMS has no part.
    pub(crate) data_key: Vec<u8>,
    pub(crate) parts: Vec<PartFacts>,
    pub(crate) ownership: Ownership,
    pub(crate) tags: BTreeMap<String, String>,
}

/// Seals and stores an object as the current version; returns its version id.
///
/// # Errors
/// `NoSuchBucket`, or an internal error of sealing.
pub(crate) fn store(state: &mut State, (bucket, key): (&str, &str), finished: Finished) -> Result<String, S3Error> {
    let body = sse::seal_body(state, &finished.protection, &finished.data_key, &finished.body)?;
    let last_modified = state.now();
    let fresh_id = state.sources.ids.hex(32);
    let bucket = state
        .s3
        .buckets
        .get_mut(bucket)
        .ok_or_else(|| S3Error::fixed("NoSuchBucket"))?;
    let version_id = new_version_id(bucket, fresh_id);
    bucket.store(
        key,
        ObjectVersion {
            version_id: version_id.clone(),
            last_modified,
            owner: finished.ownership.owner,
            content: Some(Arc::new(Content {
                etag: finished.etag,
                size: finished.body.len(),
                headers: finished.headers,
                storage_class: finished.storage_class,
                checksum: finished.checksum,
                protection: finished.protection,
                body,
                parts: finished.parts,
            })),
            tags: finished.tags,
            acl: finished.ownership.acl,
            lock: finished.ownership.lock,
            restored_until: None,
        },
    );
    Ok(version_id)
}

/// Id of a new version: fresh under versioning, `null` otherwise.
pub(crate) fn new_version_id(bucket: &Bucket, fresh: String) -> String {
    match bucket.versioning {
        Versioning::Enabled => fresh,
        Versioning::Off | Versioning::Suspended => NULL_VERSION.to_owned(),
    }
}

/// ETag of a new object: MD5 for SSE-S3; under other keys it is no MD5 of the plaintext.
pub(crate) fn etag(state: &State, protection: &Protection, md5: impl FnOnce() -> String) -> String {
    match protection {
        Protection::S3Managed => md5(),
        Protection::Kms(_) | Protection::Customer(_) => state.sources.ids.hex(32),
    }
}

/// The place a write goes to.
pub(crate) fn destination<'a>(bucket: &'a Bucket, key: &'a str) -> Place<'a> {
    Place {
        bucket,
        key: Some(key),
        existing: bucket.current(key),
        version_id: None,
    }
}

/// The place a copy reads from.
pub(crate) fn source_place<'a>(bucket: &'a Bucket, source: &'a CopySource) -> Place<'a> {
    let version_id = source.version_id.as_deref();
    Place {
        bucket,
        key: Some(&source.key),
        existing: bucket.version(&source.key, version_id),
        version_id,
    }
}

/// The copy source of a request.
///
/// # Errors
/// `InvalidArgument`.
pub(crate) fn copy_source(exchange: &Exchange<'_>) -> Result<CopySource, S3Error> {
    CopySource::parse(exchange.request.header("x-amz-copy-source").unwrap_or_default())
}

/// Where a copy really reads: what was checked, and under `copy-source-dot-segments` what is left of it without `..`,
/// which may be in another bucket.
fn touched_source<'a>(exchange: &'a Exchange<'_>, checked: Place<'a>) -> Place<'a> {
    let key = checked.key.unwrap_or_default();
    if !exchange.state.case.faults.contains(Fault::CopySourceDotSegments) || !key.contains("../") {
        return checked;
    }
    let path = misreading::without_dot_segments(&format!("{}/{key}", checked.bucket.name));
    let found = path.split_once('/').and_then(|(bucket, key)| {
        let bucket = exchange.state.s3.buckets.get(bucket)?;
        Some((bucket, bucket.current(key)?))
    });
    found.map_or(checked, |(bucket, version)| Place {
        bucket,
        existing: Some(version),
        ..checked
    })
}

/// Preconditions on a copy source.
pub(crate) fn copy_preconditions<'a>(exchange: &Exchange<'a>) -> Preconditions<'a> {
    let request = exchange.request;
    Preconditions {
        if_match: request.header("x-amz-copy-source-if-match"),
        if_none_match: request.header("x-amz-copy-source-if-none-match"),
        if_modified_since: request.header("x-amz-copy-source-if-modified-since"),
        if_unmodified_since: request.header("x-amz-copy-source-if-unmodified-since"),
    }
}

/// The content of a version that is no delete marker.
///
/// # Errors
/// `NoSuchKey`.
pub(crate) fn content_of(version: &ObjectVersion) -> Result<&Arc<Content>, S3Error> {
    version.content.as_ref().ok_or_else(|| S3Error::fixed("NoSuchKey"))
}

/// All bytes of an object, read as the requester.
///
/// # Errors
/// What KMS answers.
pub(crate) fn read_all(exchange: &mut Exchange<'_>, content: &Content, region: &Region) -> Result<Bytes, S3Error> {
    let data_key = match content.protection.kms() {
        None => Vec::new(),
        Some(kms) => sse::unwrap(
            exchange.state,
            &exchange.request.caller,
            region,
            exchange.operation,
            kms,
        )?,
    };
    sse::open_body(&content.body, &data_key)
}

/// Bucket and key as owned names, for calls that need the state for themselves.
pub(crate) fn owned_names(exchange: &Exchange<'_>) -> (String, String) {
    let (bucket, key) = exchange.names();
    (bucket.to_owned(), key.to_owned())
}

/// The checksum of the request's body, from header or trailer, verified; `upload` is the algorithm of the multipart
/// upload the body belongs to.
///
/// # Errors
/// See [`checksum::of_upload`].
pub(crate) fn checksum_of(
    exchange: &Exchange<'_>,
    body: &[u8],
    upload: Option<checksum::Algorithm>,
) -> Result<Checksum, S3Error> {
    let request = exchange.request;
    let named = request
        .header("x-amz-sdk-checksum-algorithm")
        .and_then(checksum::Algorithm::parse);
    checksum::of_upload(
        |name| {
            request.header(name).or_else(|| {
                request
                    .trailers
                    .iter()
                    .find(|(trailer, _)| trailer == name)
                    .map(|(_, value)| value.as_str())
            })
        },
        named.or(upload),
        body,
    )
}

/// `x-amz-checksum-algorithm`.
///
/// # Errors
/// `InvalidRequest` for an unknown algorithm.
pub(crate) fn checksum_algorithm_header(exchange: &Exchange<'_>) -> Result<Option<checksum::Algorithm>, S3Error> {
    match exchange.request.header("x-amz-checksum-algorithm") {
        None => Ok(None),
        Some(name) => checksum::Algorithm::parse(name)
            .map(Some)
            .ok_or_else(|| S3Error::invalid_request("Checksum algorithm provided is unsupported.")),
    }
}

/// Conditional writes: `If-None-Match: *` and `If-Match` against the current version. The permission to compare is asked
/// for before, by [`ask_to_compare`].
///
/// # Errors
/// `PreconditionFailed`, `NoSuchKey`.
pub(crate) fn check_write_conditions(exchange: &Exchange<'_>) -> Result<(), S3Error> {
    let request = exchange.request;
    let (if_match, if_none_match) = (request.header("if-match"), request.header("if-none-match"));
    if if_match.is_none() && if_none_match.is_none() {
        return Ok(());
    }
    let bucket = exchange.bucket()?;
    let (_, key) = exchange.names();
    let place = destination(bucket, key);
    let current = place.existing.and_then(|version| version.content.as_deref());
    let failed = |name: &str| Err(S3Error::fixed("PreconditionFailed").with("Condition", name.to_owned()));
    if if_none_match.is_some() && current.is_some() {
        return failed("If-None-Match");
    }
    match (if_match, current) {
        (Some(_), None) => Err(S3Error::fixed("NoSuchKey").with("Key", key)),
        (Some(expected), Some(content)) if !matches_etag(expected, &content.etag) => failed("If-Match"),
        _ => Ok(()),
    }
}

/// Who compares with what is there (`If-Match`) has to be allowed to read it.
///
/// # Errors
/// `AccessDenied` without `s3:GetObject`.
pub(crate) fn ask_to_compare(exchange: &Exchange<'_>) -> Result<(), S3Error> {
    if exchange.request.header("if-match").is_none() {
        return Ok(());
    }
    let bucket = exchange.bucket()?;
    let (_, key) = exchange.names();
    authorization::ask(
        exchange.state,
        exchange.request,
        exchange.operation,
        "s3:GetObject",
        destination(bucket, key),
        Facts::default(),
    )
}

/// Echoes the caller's encryption context, as S3 does.
pub(crate) fn echo_context(exchange: &Exchange<'_>, protection: &Protection, response: &mut Response) {
    if let (Some(context), true) = (
        exchange.request.header(super::encryption::CONTEXT_HEADER),
        protection.kms().is_some(),
    ) {
        set_header(response, super::encryption::CONTEXT_HEADER, context);
    }
}

fn replaces(exchange: &Exchange<'_>, header: &str) -> Result<bool, S3Error> {
    match exchange.request.header(header) {
        None | Some("COPY") => Ok(false),
        Some("REPLACE") => Ok(true),
        Some(other) => Err(S3Error::invalid_argument("Unknown metadata directive.", header, other)),
    }
}
