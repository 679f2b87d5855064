//! Multipart uploads. Create asks KMS for the data key; UploadPart, UploadPartCopy, Complete and ListParts unwrap it,
//! each as its own requester (`svc:S-16`, `svc:9.4`, `svc:Q-9`).

use std::sync::Arc;

use bytes::{Bytes, BytesMut};
use http::StatusCode;

use super::authorization::{self, Facts};
use super::bucket::{PartFacts, Protection, Upload, UploadedPart, Versioning};
use super::checksum::{self, Algorithm, Checksum};
use super::customer_key::{self, CustomerKey};
use super::error::S3Error;
use super::exchange::{Answer, Exchange, empty, find_bucket, iso_time, present, set_header, set_version_header, xml};
use super::metadata::{self, Ownership};
use super::range::parse_range;
use super::restore;
use super::sse;
use super::write::{
    self, Finished, ask_to_compare, check_write_conditions, checksum_algorithm_header, checksum_of, content_of,
    copy_preconditions, copy_source, destination, owned_names, read_all, source_place,
};
use super::xml::{Element, XmlWriter};
use crate::names::Region;

/// Smallest part that is not the last one.
const MINIMUM_PART_BYTES: usize = 5 * 1024 * 1024;
/// Highest part number.
const MAXIMUM_PART_NUMBER: u16 = 10_000;

/// CreateMultipartUpload.
pub(crate) fn create(exchange: &mut Exchange<'_>) -> Answer {
    let request = exchange.request;
    let encryption = metadata::encryption_headers(exchange)?;
    let tags = metadata::tags_of_header(request)?;
    let headers = metadata::stored_headers(&request.headers)?;
    let storage_class = metadata::storage_class(request)?;
    let algorithm = checksum_algorithm_header(exchange)?;
    let composite = match request.header("x-amz-checksum-type") {
        None => None,
        Some("COMPOSITE") => Some(true),
        Some("FULL_OBJECT") => Some(false),
        Some(_) => {
            return Err(S3Error::invalid_request(
                "Value for x-amz-checksum-type header is invalid.",
            ));
        }
    };
    if composite == Some(true) && !algorithm.is_some_and(Algorithm::composite_by_default) {
        return Err(S3Error::invalid_request(
            "The COMPOSITE checksum type cannot be used with the given checksum algorithm.",
        ));
    }
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
        let ownership = metadata::ownership(exchange.state, request, bucket, key)?;
        authorization::check_blocked(exchange.state, request, (bucket, key), &encryption)?;
        let effective = encryption.effective(&bucket.default_encryption());
        (bucket.region.clone(), ownership, effective)
    };
    let (bucket_name, key) = owned_names(exchange);
    // The plaintext key is dropped: parts unwrap the stored ciphertext again.
    let protection = sse::generate(
        exchange.state,
        &request.caller,
        &region,
        exchange.operation,
        (&bucket_name, &key),
        effective,
    )?
    .protection;
    let upload_id = exchange.state.sources.ids.hex(64);
    let initiated_at = exchange.state.now();
    let upload = Upload {
        key: key.clone(),
        initiated_at,
        initiator: request.caller.arn(),
        owner: ownership.owner,
        acl: ownership.acl,
        lock: ownership.lock,
        tags: tags.unwrap_or_default().into_iter().collect(),
        headers,
        storage_class,
        protection: protection.clone(),
        checksum_algorithm: algorithm,
        checksum_composite: composite,
        parts: std::collections::BTreeMap::new(),
    };
    exchange.bucket_mut()?.uploads.insert(upload_id.clone(), upload);
    let mut document = XmlWriter::document();
    document.open_root("InitiateMultipartUploadResult");
    document.text("Bucket", &bucket_name);
    document.text("Key", &key);
    document.text("UploadId", &upload_id);
    document.close("InitiateMultipartUploadResult");
    let mut response = xml(document.finish());
    sse::add_headers(&protection, response.headers_mut());
    write::echo_context(exchange, &protection, &mut response);
    if let Some(algorithm) = algorithm {
        set_header(&mut response, "x-amz-checksum-algorithm", algorithm.name());
        let composite = composite.unwrap_or(algorithm.composite_by_default());
        let name = if composite { "COMPOSITE" } else { "FULL_OBJECT" };
        set_header(&mut response, "x-amz-checksum-type", name);
    }
    Ok(response)
}

/// UploadPart.
pub(crate) fn upload_part(exchange: &mut Exchange<'_>) -> Answer {
    let request = exchange.request;
    let number = part_number(exchange)?;
    let key = CustomerKey::of_write(|name| request.header(name), customer_key::OBJECT)?;
    let found = find(exchange)?;
    customer_key::check_part(&found.protection, key.as_ref())?;
    let body = &request.body;
    checksum::verify_content_md5(request.header("content-md5"), body)?;
    let checksum = checksum_of(exchange, body, found.checksum_algorithm)?;
    let data_key = found.data_key(exchange)?;
    let etag = save_part(exchange, number, &found.protection, &data_key, body, checksum.clone())?;
    let mut response = empty(StatusCode::OK);
    set_header(&mut response, "etag", &format!("\"{etag}\""));
    set_header(&mut response, checksum.algorithm.header(), &checksum.value);
    sse::add_headers(&found.protection, response.headers_mut());
    Ok(response)
}

/// UploadPartCopy: reads the source as the requester, then unwraps the upload's own key (`svc:9.4`).
pub(crate) fn upload_part_copy(exchange: &mut Exchange<'_>) -> Answer {
    let number = part_number(exchange)?;
    let request = exchange.request;
    let source = copy_source(exchange)?;
    let source_key = CustomerKey::of_read(request, customer_key::COPY_SOURCE)?;
    let key = CustomerKey::of_write(|name| request.header(name), customer_key::OBJECT)?;
    let (content, source_version_id, source_region) = {
        let bucket = exchange.bucket()?;
        let (_, key) = exchange.names();
        let source_bucket = find_bucket(
            exchange.state,
            request,
            &source.bucket,
            "x-amz-source-expected-bucket-owner",
        )?;
        let place = source_place(source_bucket, &source);
        authorization::require(
            exchange.state,
            request,
            exchange.operation,
            destination(bucket, key),
            Some(place),
            Facts::default(),
        )?;
        let version = present(exchange.state, request, exchange.operation, place)?;
        let content = Arc::clone(content_of(version)?);
        restore::check_readable(exchange.state, version, &content)?;
        copy_preconditions(exchange).check(&content.etag, version.last_modified, true)?;
        customer_key::check_copy_source(&content.protection, source_key.as_ref())?;
        let version_id = (source_bucket.versioning != Versioning::Off).then(|| version.version_id.clone());
        (content, version_id, source_bucket.region.clone())
    };
    let found = find_authorized(exchange)?;
    customer_key::check_part(&found.protection, key.as_ref())?;
    let range = parse_range(request.header("x-amz-copy-source-range"), content.size)?;
    let whole = read_all(exchange, &content, &source_region)?;
    let body = match range {
        None => whole,
        Some(range) => whole.slice(range.first..=range.last),
    };
    let algorithm = found.checksum_algorithm.unwrap_or(Algorithm::Crc64Nvme);
    let checksum = Checksum {
        algorithm,
        value: algorithm.digest(&body),
        composite: false,
    };
    let data_key = found.data_key(exchange)?;
    let etag = save_part(exchange, number, &found.protection, &data_key, &body, checksum.clone())?;
    let mut document = XmlWriter::document();
    document.open_root("CopyPartResult");
    document.text("LastModified", &iso_time(exchange.state.now()));
    document.text("ETag", &format!("\"{etag}\""));
    document.text(checksum.algorithm.element(), &checksum.value);
    document.close("CopyPartResult");
    let mut response = xml(document.finish());
    if let Some(version_id) = source_version_id {
        set_header(&mut response, "x-amz-copy-source-version-id", &version_id);
    }
    sse::add_headers(&found.protection, response.headers_mut());
    Ok(response)
}

/// CompleteMultipartUpload.
pub(crate) fn complete(exchange: &mut Exchange<'_>) -> Answer {
    let request = exchange.request;
    let listed = listed_parts(&request.body)?;
    let key = CustomerKey::of_write(|name| request.header(name), customer_key::OBJECT)?;
    let found = find(exchange)?;
    customer_key::check_completion(&found.protection, key.as_ref())?;
    let upload = upload(exchange)?.clone();
    let parts = chosen_parts(&upload, &listed)?;
    ask_to_compare(exchange)?;
    check_write_conditions(exchange)?;
    let data_key = found.data_key(exchange)?;
    let mut joined = BytesMut::with_capacity(parts.iter().map(|(_, part)| part.size).sum());
    for (_, part) in &parts {
        joined.extend_from_slice(&sse::open_body(&part.body, &data_key)?);
    }
    let body = joined.freeze();
    let etags: Vec<String> = parts.iter().map(|(_, part)| part.etag.clone()).collect();
    let checksum = object_checksum(&upload, &parts, &body);
    let (bucket_name, key) = owned_names(exchange);
    let etag = write::etag(exchange.state, &upload.protection, || checksum::multipart_etag(&etags));
    let etag = match upload.protection {
        Protection::S3Managed => etag,
        Protection::Kms(_) | Protection::Customer(_) => format!("{etag}-{}", parts.len()),
    };
    let facts = parts
        .iter()
        .map(|(number, part)| PartFacts {
            number: *number,
            size: part.size,
            checksum: Some(part.checksum.clone()),
        })
        .collect();
    let version_id = write::store(
        exchange.state,
        (&bucket_name, &key),
        Finished {
            etag: etag.clone(),
            body,
            headers: upload.headers.clone(),
            storage_class: upload.storage_class.clone(),
            checksum: checksum.clone(),
            protection: upload.protection.clone(),
            data_key,
            parts: facts,
            ownership: Ownership {
                owner: upload.owner.clone(),
                acl: upload.acl.clone(),
                lock: upload.lock,
            },
            tags: upload.tags.clone(),
        },
    )?;
    let upload_id = upload_id(exchange)?.to_owned();
    exchange.bucket_mut()?.uploads.remove(&upload_id);
    let mut document = XmlWriter::document();
    document.open_root("CompleteMultipartUploadResult");
    document.text("Location", &format!("http://{}/{bucket_name}/{key}", request.host));
    document.text("Bucket", &bucket_name);
    document.text("Key", &key);
    document.text("ETag", &format!("\"{etag}\""));
    document.text(checksum.algorithm.element(), &checksum.value);
    document.text("ChecksumType", checksum.type_name());
    document.close("CompleteMultipartUploadResult");
    let mut response = xml(document.finish());
    set_version_header(&mut response, exchange.bucket()?, &version_id);
    sse::add_headers(&upload.protection, response.headers_mut());
    Ok(response)
}

/// AbortMultipartUpload.
pub(crate) fn abort(exchange: &mut Exchange<'_>) -> Answer {
    authorize(exchange)?;
    upload(exchange)?;
    let upload_id = upload_id(exchange)?.to_owned();
    exchange.bucket_mut()?.uploads.remove(&upload_id);
    Ok(empty(StatusCode::NO_CONTENT))
}

/// ListParts.
pub(crate) fn list_parts(exchange: &mut Exchange<'_>) -> Answer {
    let found = find(exchange)?;
    let number = |name: &str, default: usize| match exchange.request.query(name) {
        None | Some("") => Ok(default),
        Some(text) => text.parse::<u32>().map(|value| value as usize).map_err(|_| {
            S3Error::invalid_argument(
                format!("Provided {name} not an integer or within integer range"),
                name,
                text,
            )
        }),
    };
    let marker = number("part-number-marker", 0)?;
    let maximum = number("max-parts", 1000)?.min(1000);
    found.data_key(exchange)?;
    let upload = upload(exchange)?;
    let rest: Vec<_> = upload
        .parts
        .iter()
        .filter(|(number, _)| usize::from(**number) > marker)
        .collect();
    let truncated = maximum > 0 && rest.len() > maximum;
    let page = &rest[..rest.len().min(maximum)];
    let (bucket_name, key) = exchange.names();
    let mut document = XmlWriter::document();
    document.open_root("ListPartsResult");
    document.text("Bucket", bucket_name);
    document.text("Key", key);
    document.text("UploadId", upload_id(exchange)?);
    document.text("StorageClass", &upload.storage_class);
    document.text("PartNumberMarker", &marker.to_string());
    if let (true, Some((number, _))) = (truncated, page.last()) {
        document.text("NextPartNumberMarker", &number.to_string());
    }
    document.text("MaxParts", &maximum.to_string());
    document.text("IsTruncated", if truncated { "true" } else { "false" });
    if let Some(algorithm) = upload.checksum_algorithm {
        document.text("ChecksumAlgorithm", algorithm.name());
    }
    for (number, part) in page {
        document.open("Part");
        document.text("PartNumber", &number.to_string());
        document.text("LastModified", &iso_time(part.last_modified));
        document.text("ETag", &format!("\"{}\"", part.etag));
        document.text("Size", &part.size.to_string());
        document.text(part.checksum.algorithm.element(), &part.checksum.value);
        document.close("Part");
    }
    document.close("ListPartsResult");
    Ok(xml(document.finish()))
}

/// The facts of an upload that an operation needs while the state is borrowed for KMS.
#[derive(Debug)]
struct Found {
    protection: Protection,
    region: Region,
    checksum_algorithm: Option<Algorithm>,
}

impl Found {
    /// Unwraps the upload's data key as the requester.
    fn data_key(&self, exchange: &mut Exchange<'_>) -> Result<Vec<u8>, S3Error> {
        match self.protection.kms() {
            None => Ok(Vec::new()),
            Some(kms) => sse::unwrap(
                exchange.state,
                &exchange.request.caller,
                &self.region,
                exchange.operation,
                kms,
            ),
        }
    }
}

/// Authorizes, then finds the upload.
fn find(exchange: &Exchange<'_>) -> Result<Found, S3Error> {
    authorize(exchange)?;
    find_authorized(exchange)
}

fn find_authorized(exchange: &Exchange<'_>) -> Result<Found, S3Error> {
    let upload = upload(exchange)?;
    Ok(Found {
        protection: upload.protection.clone(),
        region: exchange.bucket_region()?,
        checksum_algorithm: upload.checksum_algorithm,
    })
}

fn authorize(exchange: &Exchange<'_>) -> Result<(), S3Error> {
    let bucket = exchange.bucket()?;
    let (_, key) = exchange.names();
    authorization::require(
        exchange.state,
        exchange.request,
        exchange.operation,
        destination(bucket, key),
        None,
        Facts::default(),
    )
}

fn upload_id<'a>(exchange: &Exchange<'a>) -> Result<&'a str, S3Error> {
    exchange
        .request
        .query("uploadId")
        .ok_or_else(|| S3Error::fixed("NoSuchUpload"))
}

fn upload<'a>(exchange: &'a Exchange<'_>) -> Result<&'a Upload, S3Error> {
    let id = upload_id(exchange)?;
    let (_, key) = exchange.names();
    exchange
        .bucket()?
        .uploads
        .get(id)
        .filter(|upload| upload.key == key)
        .ok_or_else(|| S3Error::fixed("NoSuchUpload").with("UploadId", id))
}

fn part_number(exchange: &Exchange<'_>) -> Result<u16, S3Error> {
    let text = exchange.request.query("partNumber").unwrap_or_default();
    text.parse::<u16>()
        .ok()
        .filter(|number| (1..=MAXIMUM_PART_NUMBER).contains(number))
        .ok_or_else(|| {
            S3Error::invalid_argument(
                "Part number must be an integer between 1 and 10000, inclusive",
                "partNumber",
                text,
            )
        })
}

fn save_part(
    exchange: &mut Exchange<'_>,
    number: u16,
    protection: &Protection,
    data_key: &[u8],
    body: &Bytes,
    checksum: Checksum,
) -> Result<String, S3Error> {
    let etag = write::etag(exchange.state, protection, || checksum::md5_hex(body));
    let part = UploadedPart {
        etag: etag.clone(),
        size: body.len(),
        last_modified: exchange.state.now(),
        checksum,
        body: sse::seal_body(exchange.state, protection, data_key, body)?,
    };
    let upload_id = upload_id(exchange)?.to_owned();
    exchange
        .bucket_mut()?
        .uploads
        .get_mut(&upload_id)
        .ok_or_else(|| S3Error::fixed("NoSuchUpload"))?
        .parts
        .insert(number, part);
    Ok(etag)
}

/// A part as the Complete request lists it.
#[derive(Debug)]
struct ListedPart {
    number: u16,
    etag: String,
    checksums: Vec<(Algorithm, String)>,
}

fn listed_parts(body: &[u8]) -> Result<Vec<ListedPart>, S3Error> {
    let malformed = || S3Error::fixed("MalformedXML");
    let root = Element::parse_root(body, "CompleteMultipartUpload")?;
    let mut parts: Vec<ListedPart> = Vec::new();
    for part in root.all("Part") {
        let number = part
            .child_text("PartNumber")
            .and_then(|text| text.parse::<u16>().ok())
            .filter(|number| (1..=MAXIMUM_PART_NUMBER).contains(number))
            .ok_or_else(malformed)?;
        let etag = part.child_text("ETag").ok_or_else(malformed)?;
        if parts.last().is_some_and(|last| last.number >= number) {
            return Err(S3Error::fixed("InvalidPartOrder"));
        }
        parts.push(ListedPart {
            number,
            etag: etag.trim_matches('"').to_owned(),
            checksums: Algorithm::headers()
                .filter_map(|(algorithm, _)| {
                    let text = part.child_text(algorithm.element())?;
                    Some((algorithm, text.to_owned()))
                })
                .collect(),
        });
    }
    if parts.is_empty() {
        return Err(malformed());
    }
    Ok(parts)
}

/// The uploaded parts behind the listed ones.
fn chosen_parts<'a>(upload: &'a Upload, listed: &[ListedPart]) -> Result<Vec<(u16, &'a UploadedPart)>, S3Error> {
    let mut chosen = Vec::with_capacity(listed.len());
    for (index, wanted) in listed.iter().enumerate() {
        let invalid = || {
            S3Error::fixed("InvalidPart")
                .with("PartNumber", wanted.number.to_string())
                .with("ETag", wanted.etag.clone())
        };
        let part = upload
            .parts
            .get(&wanted.number)
            .filter(|part| part.etag == wanted.etag)
            .ok_or_else(invalid)?;
        let contradicted = wanted
            .checksums
            .iter()
            .any(|(algorithm, value)| *algorithm == part.checksum.algorithm && *value != part.checksum.value);
        if contradicted {
            return Err(invalid());
        }
        if part.size < MINIMUM_PART_BYTES && index + 1 < listed.len() {
            return Err(S3Error::fixed("EntityTooSmall")
                .with("ProposedSize", part.size.to_string())
                .with("MinSizeAllowed", MINIMUM_PART_BYTES.to_string())
                .with("PartNumber", wanted.number.to_string())
                .with("ETag", wanted.etag.clone()));
        }
        chosen.push((wanted.number, part));
    }
    Ok(chosen)
}

/// The checksum of the finished object: composite where the algorithm (or the request) says so, else of all bytes.
fn object_checksum(upload: &Upload, parts: &[(u16, &UploadedPart)], body: &[u8]) -> Checksum {
    let algorithm = upload.checksum_algorithm.unwrap_or(Algorithm::Crc64Nvme);
    let composite = upload
        .checksum_composite
        .unwrap_or(upload.checksum_algorithm.is_some() && algorithm.composite_by_default());
    if composite {
        let digests: Vec<String> = parts
            .iter()
            .map(|(_, part)| part.checksum.clone())
            .filter(|checksum| checksum.algorithm == algorithm)
            .map(|checksum| checksum.value)
            .collect();
        if digests.len() == parts.len() {
            return Checksum {
                algorithm,
                value: algorithm.composite(&digests),
                composite: true,
            };
        }
    }
    Checksum {
        algorithm,
        value: algorithm.digest(body),
        composite: false,
    }
}
