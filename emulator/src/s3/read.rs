//! GetObject, HeadObject and GetObjectAttributes: permission, then presence, then KMS (`svc:S-17`, `svc:S-19`).

use std::sync::Arc;

use bytes::Bytes;
use http::{HeaderValue, StatusCode, header};

use super::authorization::Facts;
use super::bucket::{Content, ObjectVersion};
use super::customer_key::{self, CustomerKey};
use super::encryption::{ALGORITHM_HEADER, CONTEXT_HEADER, KEY_ID_HEADER};
use super::error::S3Error;
use super::exchange::{Answer, Exchange, empty, http_time, iso_time, set_header, set_version_header, xml};
use super::object_lock;
use super::operation::Operation;
use super::range::{ByteRange, Preconditions, parse_range};
use super::restore;
use super::sse;
use super::write::content_of;
use super::xml::XmlWriter;
use crate::names::Region;
use crate::protocol::Response;

/// Query parameters that override response headers (signed requests only).
const OVERRIDES: &[(&str, &str)] = &[
    ("response-cache-control", "cache-control"),
    ("response-content-disposition", "content-disposition"),
    ("response-content-encoding", "content-encoding"),
    ("response-content-language", "content-language"),
    ("response-content-type", "content-type"),
    ("response-expires", "expires"),
];

/// Most parts of one GetObjectAttributes answer.
const MOST_PARTS: usize = 1000;

/// GetObject, also ranged and by part.
pub(crate) fn get_object(exchange: &mut Exchange<'_>) -> Answer {
    let found = find(exchange)?;
    restore::check_readable(exchange.state, &found.version, &found.content)?;
    let data_key = match found.content.protection.kms() {
        None => Vec::new(),
        Some(kms) => sse::unwrap(
            exchange.state,
            &exchange.request.caller,
            &found.region,
            exchange.operation,
            kms,
        )?,
    };
    let slice = select(exchange, &found)?;
    let body = sse::open_body(&found.content.body, &data_key)?;
    let body = match slice.range {
        None => body,
        Some(range) => body.slice(range.first..=range.last),
    };
    respond(exchange, &found, &slice, body)
}

/// All bytes of the object, as GetObject would read them.
///
/// # Errors
/// What GetObject answers.
pub(crate) fn whole_object(exchange: &mut Exchange<'_>) -> Result<Bytes, S3Error> {
    let found = find(exchange)?;
    restore::check_readable(exchange.state, &found.version, &found.content)?;
    super::write::read_all(exchange, &found.content, &found.region)
}

/// HeadObject: as GetObject without bytes; KMS only in checksum mode (`svc:S-17`).
pub(crate) fn head_object(exchange: &mut Exchange<'_>) -> Answer {
    let found = find(exchange)?;
    if let Some(kms) = found.content.protection.kms() {
        sse::require_signature(&exchange.request.caller)?;
        if wants_checksum(exchange) {
            sse::unwrap(
                exchange.state,
                &exchange.request.caller,
                &found.region,
                exchange.operation,
                kms,
            )?;
        }
    }
    let slice = select(exchange, &found)?;
    let length = slice
        .range
        .map_or(found.content.size, |range| range.last - range.first + 1);
    let mut response = respond(exchange, &found, &slice, Bytes::new())?;
    set_header(&mut response, "content-length", &length.to_string());
    Ok(response)
}

/// GetObjectAttributes: asks KMS for encrypted objects (`svc:9.4`).
pub(crate) fn get_object_attributes(exchange: &mut Exchange<'_>) -> Answer {
    let wanted = exchange
        .request
        .headers
        .get_all("x-amz-object-attributes")
        .iter()
        .filter_map(|value| value.to_str().ok())
        .flat_map(|text| text.split(','))
        .map(|name| name.trim().to_owned())
        .collect::<Vec<_>>();
    if wanted.is_empty() {
        return Err(S3Error::invalid_request(
            "The x-amz-object-attributes header specifying the attributes to be retrieved is either missing or empty",
        ));
    }
    let found = find(exchange)?;
    if let Some(kms) = found.content.protection.kms() {
        sse::unwrap(
            exchange.state,
            &exchange.request.caller,
            &found.region,
            exchange.operation,
            kms,
        )?;
    }
    let number = |name: &str, default: usize| match exchange.request.header(name) {
        None => Ok(default),
        Some(text) => text.parse::<usize>().map_err(|_| {
            S3Error::invalid_argument(
                format!("Provided {name} not an integer or within integer range"),
                name,
                text,
            )
        }),
    };
    let marker = number("x-amz-part-number-marker", 0)?;
    let most = number("x-amz-max-parts", MOST_PARTS)?.min(MOST_PARTS);
    let content = &found.content;
    let has = |name: &str| wanted.iter().any(|wanted| wanted == name);
    let mut document = XmlWriter::document();
    document.open_root("GetObjectAttributesResponse");
    if has("ETag") {
        document.text("ETag", &content.etag);
    }
    if has("Checksum") {
        document.open("Checksum");
        document.text(content.checksum.algorithm.element(), &content.checksum.value);
        document.text("ChecksumType", content.checksum.type_name());
        document.close("Checksum");
    }
    if has("ObjectParts") && !content.parts.is_empty() {
        let rest: Vec<_> = content
            .parts
            .iter()
            .filter(|part| usize::from(part.number) > marker)
            .collect();
        let page = &rest[..rest.len().min(most)];
        document.open("ObjectParts");
        document.text("PartsCount", &content.parts.len().to_string());
        document.text("PartNumberMarker", &marker.to_string());
        if let (true, Some(last)) = (page.len() < rest.len(), page.last()) {
            document.text("NextPartNumberMarker", &last.number.to_string());
        }
        document.text("MaxParts", &most.to_string());
        document.text("IsTruncated", if page.len() < rest.len() { "true" } else { "false" });
        for part in page {
            document.open("Part");
            document.text("PartNumber", &part.number.to_string());
            document.text("Size", &part.size.to_string());
            if let Some(checksum) = &part.checksum {
                document.text(checksum.algorithm.element(), &checksum.value);
            }
            document.close("Part");
        }
        document.close("ObjectParts");
    }
    if has("StorageClass") {
        document.text("StorageClass", &content.storage_class);
    }
    if has("ObjectSize") {
        document.text("ObjectSize", &content.size.to_string());
    }
    document.close("GetObjectAttributesResponse");
    let mut response = xml(document.finish());
    set_header(&mut response, "last-modified", &http_time(found.version.last_modified));
    set_version_header(&mut response, exchange.bucket()?, &found.version.version_id);
    Ok(response)
}

/// A version that was found and may be read as far as S3 is concerned.
#[derive(Debug)]
struct Found {
    version: ObjectVersion,
    content: Arc<Content>,
    region: Region,
}

fn find(exchange: &Exchange<'_>) -> Result<Found, S3Error> {
    let request = exchange.request;
    // svc:S-22: encryption headers belong on writes.
    for name in [ALGORITHM_HEADER, KEY_ID_HEADER, CONTEXT_HEADER] {
        if let Some(value) = request.header(name) {
            return Err(S3Error::invalid_argument(
                format!("{name} header is not supported for this operation."),
                name,
                value,
            ));
        }
    }
    let key = CustomerKey::of_read(request, customer_key::OBJECT)?;
    let (bucket, version) = exchange.require_object(Facts::default())?;
    let content = content_of(version)?;
    customer_key::check_read(&content.protection, key.as_ref())?;
    Ok(Found {
        content: Arc::clone(content),
        version: version.clone(),
        region: bucket.region.clone(),
    })
}

/// The bytes asked for.
#[derive(Debug, Clone, Copy, Default)]
struct Slice {
    /// `None` = all of them.
    range: Option<ByteRange>,
    /// Number of parts, when one was asked for by number.
    parts_count: Option<usize>,
}

fn select(exchange: &Exchange<'_>, found: &Found) -> Result<Slice, S3Error> {
    let request = exchange.request;
    let content = &found.content;
    Preconditions {
        if_match: request.header("if-match"),
        if_none_match: request.header("if-none-match"),
        if_modified_since: request.header("if-modified-since"),
        if_unmodified_since: request.header("if-unmodified-since"),
    }
    .check(&content.etag, found.version.last_modified, false)?;
    let Some(part) = request.query("partNumber") else {
        return Ok(Slice {
            range: parse_range(request.header("range"), content.size)?,
            parts_count: None,
        });
    };
    let invalid = || S3Error::new("InvalidPartNumber", 416, "The requested partnumber is not satisfiable");
    let number: u16 = part.parse().map_err(|_| {
        S3Error::invalid_argument(
            "Part number must be an integer between 1 and 10000, inclusive",
            "partNumber",
            part,
        )
    })?;
    if content.parts.is_empty() {
        return if number == 1 {
            Ok(Slice::default())
        } else {
            Err(invalid())
        };
    }
    let mut first = 0;
    for facts in &content.parts {
        if facts.number == number {
            let range = (facts.size > 0).then(|| ByteRange {
                first,
                last: first + facts.size - 1,
            });
            return Ok(Slice {
                range,
                parts_count: Some(content.parts.len()),
            });
        }
        first += facts.size;
    }
    Err(invalid())
}

fn respond(exchange: &Exchange<'_>, found: &Found, slice: &Slice, body: Bytes) -> Answer {
    let request = exchange.request;
    let content = &found.content;
    let mut response = empty(StatusCode::OK);
    *response.body_mut() = body;
    for (name, value) in &content.headers {
        set_header(&mut response, name, value);
    }
    override_headers(exchange, &mut response)?;
    let headers = response.headers_mut();
    headers.insert(header::ACCEPT_RANGES, HeaderValue::from_static("bytes"));
    for (name, value) in [
        (header::ETAG, ["\"", &content.etag, "\""].concat()),
        (header::LAST_MODIFIED, http_time(found.version.last_modified)),
    ] {
        if let Ok(value) = HeaderValue::try_from(value) {
            headers.insert(name, value);
        }
    }
    set_version_header(&mut response, exchange.bucket()?, &found.version.version_id);
    sse::add_headers(&content.protection, response.headers_mut());
    if content.storage_class != "STANDARD" {
        set_header(&mut response, "x-amz-storage-class", &content.storage_class);
    }
    if !found.version.tags.is_empty() && request.authentication.form != crate::protocol::SignatureForm::Unsigned {
        set_header(
            &mut response,
            "x-amz-tagging-count",
            &found.version.tags.len().to_string(),
        );
    }
    object_lock::add_headers(exchange, &found.version, &mut response);
    restore::add_header(exchange.state, &found.version, &mut response);
    if let Some(count) = slice.parts_count {
        set_header(&mut response, "x-amz-mp-parts-count", &count.to_string());
    }
    if let Some(range) = slice.range {
        *response.status_mut() = StatusCode::PARTIAL_CONTENT;
        set_header(
            &mut response,
            "content-range",
            &format!("bytes {}-{}/{}", range.first, range.last, content.size),
        );
    } else if wants_checksum(exchange) {
        let checksum = &content.checksum;
        set_header(&mut response, checksum.algorithm.header(), &checksum.value);
        set_header(&mut response, "x-amz-checksum-type", checksum.type_name());
    }
    Ok(response)
}

fn override_headers(exchange: &Exchange<'_>, response: &mut Response) -> Result<(), S3Error> {
    for (parameter, header) in OVERRIDES {
        if let Some(value) = exchange.request.query(parameter) {
            if exchange.request.caller.is_anonymous() {
                return Err(S3Error::invalid_request(
                    "Request specific response headers cannot be used for anonymous GET requests.",
                ));
            }
            set_header(response, header, value);
        }
    }
    Ok(())
}

fn wants_checksum(exchange: &Exchange<'_>) -> bool {
    matches!(exchange.operation, Operation::GetObject | Operation::HeadObject)
        && exchange
            .request
            .header("x-amz-checksum-mode")
            .is_some_and(|mode| mode.eq_ignore_ascii_case("ENABLED"))
}

/// Tells listings when an object changed.
pub(crate) fn modified_text(version: &ObjectVersion) -> String {
    iso_time(version.last_modified)
}
