//! Listings: objects (V1, V2), versions, multipart uploads. Listing never involves KMS (`svc:S-17`).

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;

use super::acl::canonical_id;
use super::bucket::{Bucket, Content, ObjectVersion};
use super::error::S3Error;
use super::exchange::{Answer, Exchange, encoded, iso_time, xml};
use super::read::modified_text;
use super::xml::XmlWriter;

/// Most entries of one page.
const MAXIMUM_PAGE: usize = 1000;

/// ListObjects (version 1).
pub(crate) fn list_objects(exchange: &mut Exchange<'_>) -> Answer {
    let parameters = Parameters::read(exchange)?;
    let bucket = exchange.require_bucket()?;
    let marker = exchange.request.query("marker").unwrap_or_default();
    let page = current_page(bucket, &parameters, marker);
    let mut document = XmlWriter::document();
    document.open_root("ListBucketResult");
    document.text("Name", &bucket.name);
    document.text("Prefix", &parameters.encode(parameters.prefix));
    document.text("Marker", &parameters.encode(marker));
    parameters.write_common(&mut document, page.truncated);
    if page.truncated && parameters.delimiter.is_some() {
        document.optional(
            "NextMarker",
            page.last.as_deref().map(|last| parameters.encode(last)).as_deref(),
        );
    }
    page.write(&parameters, &mut document, true);
    document.close("ListBucketResult");
    Ok(xml(document.finish()))
}

/// ListObjectsV2.
pub(crate) fn list_objects_v2(exchange: &mut Exchange<'_>) -> Answer {
    let parameters = Parameters::read(exchange)?;
    let request = exchange.request;
    let token = request.query("continuation-token");
    let start_after = request.query("start-after");
    let marker = match token {
        Some(token) => token_marker(token)?,
        None => start_after.unwrap_or_default().to_owned(),
    };
    let with_owner = request.query("fetch-owner") == Some("true");
    let bucket = exchange.require_bucket()?;
    let page = current_page(bucket, &parameters, &marker);
    let mut document = XmlWriter::document();
    document.open_root("ListBucketResult");
    document.text("Name", &bucket.name);
    document.text("Prefix", &parameters.encode(parameters.prefix));
    parameters.write_common(&mut document, page.truncated);
    document.text("KeyCount", &page.count().to_string());
    document.optional("ContinuationToken", token);
    document.optional("StartAfter", start_after.map(|text| parameters.encode(text)).as_deref());
    if page.truncated {
        document.optional(
            "NextContinuationToken",
            page.last.as_deref().map(|last| URL_SAFE_NO_PAD.encode(last)).as_deref(),
        );
    }
    page.write(&parameters, &mut document, with_owner);
    document.close("ListBucketResult");
    Ok(xml(document.finish()))
}

/// ListObjectVersions.
pub(crate) fn list_object_versions(exchange: &mut Exchange<'_>) -> Answer {
    let parameters = Parameters::read(exchange)?;
    let request = exchange.request;
    let key_marker = request.query("key-marker").unwrap_or_default();
    let version_marker = request.query("version-id-marker").filter(|id| !id.is_empty());
    let bucket = exchange.require_bucket()?;
    let mut page = Page::new(&parameters, "");
    for (key, versions) in bucket.objects.range(parameters.prefix.to_owned()..) {
        if !key.starts_with(parameters.prefix) {
            break;
        }
        let after_marker = key.as_str() > key_marker;
        let at_marker = key == key_marker;
        if !(after_marker || at_marker && version_marker.is_some()) {
            continue;
        }
        if parameters.group(key).is_some_and(|group| group == key_marker) {
            continue;
        }
        let mut past = after_marker;
        for (index, version) in versions.iter().enumerate().rev() {
            if !past {
                past = Some(version.version_id.as_str()) == version_marker;
                continue;
            }
            let latest = index + 1 == versions.len();
            page.add(key, (version, latest));
        }
        if page.truncated {
            break;
        }
    }
    let mut document = XmlWriter::document();
    document.open_root("ListVersionsResult");
    document.text("Name", &bucket.name);
    document.text("Prefix", &parameters.encode(parameters.prefix));
    document.text("KeyMarker", &parameters.encode(key_marker));
    document.text("VersionIdMarker", version_marker.unwrap_or_default());
    parameters.write_common(&mut document, page.truncated);
    if page.truncated {
        document.optional(
            "NextKeyMarker",
            page.last.as_deref().map(|last| parameters.encode(last)).as_deref(),
        );
        if let Some((_, (version, _))) = page.entries.last()
            && !page.last_is_group
        {
            document.text("NextVersionIdMarker", &version.version_id);
        }
    }
    for (key, (version, latest)) in &page.entries {
        let element = if version.content.is_some() {
            "Version"
        } else {
            "DeleteMarker"
        };
        document.open(element);
        document.text("Key", &parameters.encode(key));
        document.text("VersionId", &version.version_id);
        document.text("IsLatest", if *latest { "true" } else { "false" });
        document.text("LastModified", &modified_text(version));
        if let Some(content) = &version.content {
            write_content(content, &mut document);
        }
        write_owner(version, &mut document);
        document.close(element);
    }
    page.write_groups(&parameters, &mut document);
    document.close("ListVersionsResult");
    Ok(xml(document.finish()))
}

/// ListMultipartUploads.
pub(crate) fn list_multipart_uploads(exchange: &mut Exchange<'_>) -> Answer {
    let parameters = Parameters::read_uploads(exchange)?;
    let request = exchange.request;
    let key_marker = request.query("key-marker").unwrap_or_default();
    let id_marker = request.query("upload-id-marker").unwrap_or_default();
    let bucket = exchange.require_bucket()?;
    let mut uploads: Vec<_> = bucket
        .uploads
        .iter()
        .map(|(id, upload)| (upload.key.as_str(), upload.initiated_at, id.as_str(), upload))
        .collect();
    uploads.sort_by(|left, right| (left.0, left.1, left.2).cmp(&(right.0, right.1, right.2)));
    let resume = uploads
        .iter()
        .position(|row| row.0 == key_marker && row.2 == id_marker)
        .map(|position| position + 1);
    let mut page = Page::new(&parameters, "");
    for (index, (key, _, id, upload)) in uploads.iter().enumerate() {
        let past = match resume {
            Some(resume) => index >= resume,
            None => *key > key_marker,
        };
        if !past || !key.starts_with(parameters.prefix) {
            continue;
        }
        if parameters.group(key).is_some_and(|group| group == key_marker) {
            continue;
        }
        page.add(key, (*id, *upload));
    }
    let mut document = XmlWriter::document();
    document.open_root("ListMultipartUploadsResult");
    document.text("Bucket", &bucket.name);
    document.text("KeyMarker", &parameters.encode(key_marker));
    document.text("UploadIdMarker", id_marker);
    document.text("Prefix", &parameters.encode(parameters.prefix));
    document.optional(
        "Delimiter",
        parameters.delimiter.map(|text| parameters.encode(text)).as_deref(),
    );
    document.text("MaxUploads", &parameters.maximum.to_string());
    document.text("IsTruncated", if page.truncated { "true" } else { "false" });
    if page.truncated {
        document.optional(
            "NextKeyMarker",
            page.last.as_deref().map(|last| parameters.encode(last)).as_deref(),
        );
        if let Some((_, (id, _))) = page.entries.last()
            && !page.last_is_group
        {
            document.text("NextUploadIdMarker", id);
        }
    }
    for (key, (id, upload)) in &page.entries {
        document.open("Upload");
        document.text("Key", &parameters.encode(key));
        document.text("UploadId", id);
        document.open("Initiator");
        document.text("ID", &upload.initiator);
        document.close("Initiator");
        document.open("Owner");
        document.text("ID", &canonical_id(&upload.owner));
        document.close("Owner");
        document.text("StorageClass", &upload.storage_class);
        document.text("Initiated", &iso_time(upload.initiated_at));
        if let Some(algorithm) = upload.checksum_algorithm {
            document.text("ChecksumAlgorithm", algorithm.name());
        }
        document.close("Upload");
    }
    page.write_groups(&parameters, &mut document);
    document.close("ListMultipartUploadsResult");
    Ok(xml(document.finish()))
}

/// Parameters shared by all listings.
#[derive(Debug, Clone, Copy)]
struct Parameters<'a> {
    prefix: &'a str,
    delimiter: Option<&'a str>,
    maximum: usize,
    url: bool,
}

impl<'a> Parameters<'a> {
    fn read(exchange: &Exchange<'a>) -> Result<Self, S3Error> {
        Self::read_named(exchange, "max-keys")
    }

    fn read_uploads(exchange: &Exchange<'a>) -> Result<Self, S3Error> {
        Self::read_named(exchange, "max-uploads")
    }

    fn read_named(exchange: &Exchange<'a>, maximum_name: &str) -> Result<Self, S3Error> {
        let request = exchange.request;
        let maximum = match request.query(maximum_name) {
            None | Some("") => MAXIMUM_PAGE,
            Some(text) => text
                .parse::<u32>()
                .ok()
                .filter(|number| *number <= i32::MAX as u32)
                .map(|number| (number as usize).min(MAXIMUM_PAGE))
                .ok_or_else(|| {
                    S3Error::invalid_argument(
                        format!("Provided {maximum_name} not an integer or within integer range"),
                        maximum_name,
                        text,
                    )
                })?,
        };
        let url = match request.query("encoding-type") {
            None | Some("") => false,
            Some("url") => true,
            Some(other) => {
                return Err(S3Error::invalid_argument(
                    "Invalid Encoding Method specified in Request",
                    "encoding-type",
                    other,
                ));
            }
        };
        Ok(Self {
            prefix: request.query("prefix").unwrap_or_default(),
            delimiter: request.query("delimiter").filter(|text| !text.is_empty()),
            maximum,
            url,
        })
    }

    fn encode(&self, text: &str) -> String {
        encoded(text, self.url).into_owned()
    }

    /// The common prefix a key falls into, if any.
    fn group<'k>(&self, key: &'k str) -> Option<&'k str> {
        let delimiter = self.delimiter?;
        let rest = key.get(self.prefix.len()..)?;
        let position = rest.find(delimiter)?;
        key.get(..self.prefix.len() + position + delimiter.len())
    }

    fn write_common(&self, document: &mut XmlWriter, truncated: bool) {
        document.text("MaxKeys", &self.maximum.to_string());
        document.optional("Delimiter", self.delimiter.map(|text| self.encode(text)).as_deref());
        document.text("IsTruncated", if truncated { "true" } else { "false" });
        if self.url {
            document.text("EncodingType", "url");
        }
    }
}

/// One page: entries and common prefixes in key order, cut at the maximum.
#[derive(Debug)]
struct Page<'a, T> {
    parameters: Parameters<'a>,
    /// Where the page starts: keys in this very group were on an earlier page.
    marker: String,
    entries: Vec<(String, T)>,
    groups: Vec<String>,
    truncated: bool,
    last: Option<String>,
    last_is_group: bool,
}

impl<'a, T> Page<'a, T> {
    fn new(parameters: &Parameters<'a>, marker: &str) -> Self {
        Self {
            parameters: *parameters,
            marker: marker.to_owned(),
            entries: Vec::new(),
            groups: Vec::new(),
            // An empty page is never truncated, however much there is.
            truncated: false,
            last: None,
            last_is_group: false,
        }
    }

    fn count(&self) -> usize {
        self.entries.len() + self.groups.len()
    }

    fn add(&mut self, key: &str, entry: T) {
        if self.truncated || self.parameters.maximum == 0 {
            return;
        }
        let group = self.parameters.group(key);
        if let Some(group) = group
            && (group == self.marker || self.groups.last().is_some_and(|last| last == group))
        {
            return;
        }
        if self.count() == self.parameters.maximum {
            self.truncated = true;
            return;
        }
        self.last_is_group = group.is_some();
        if let Some(group) = group {
            self.groups.push(group.to_owned());
            self.last = Some(group.to_owned());
        } else {
            self.entries.push((key.to_owned(), entry));
            self.last = Some(key.to_owned());
        }
    }

    fn write_groups(&self, parameters: &Parameters<'_>, document: &mut XmlWriter) {
        for group in &self.groups {
            document.open("CommonPrefixes");
            document.text("Prefix", &parameters.encode(group));
            document.close("CommonPrefixes");
        }
    }
}

impl Page<'_, &ObjectVersion> {
    fn write(&self, parameters: &Parameters<'_>, document: &mut XmlWriter, with_owner: bool) {
        for (key, version) in &self.entries {
            let Some(content) = &version.content else {
                continue;
            };
            document.open("Contents");
            document.text("Key", &parameters.encode(key));
            document.text("LastModified", &modified_text(version));
            write_content(content, document);
            if with_owner {
                write_owner(version, document);
            }
            document.close("Contents");
        }
        self.write_groups(parameters, document);
    }
}

/// The current objects after `marker`.
fn current_page<'b, 'p>(bucket: &'b Bucket, parameters: &Parameters<'p>, marker: &str) -> Page<'p, &'b ObjectVersion> {
    let mut page = Page::new(parameters, marker);
    let from = parameters.prefix.max(marker).to_owned();
    for (key, versions) in bucket.objects.range(from..) {
        if !key.starts_with(parameters.prefix) || page.truncated {
            break;
        }
        if key.as_str() <= marker {
            continue;
        }
        if let Some(version) = versions.last()
            && version.content.is_some()
        {
            page.add(key, version);
        }
    }
    page
}

fn token_marker(token: &str) -> Result<String, S3Error> {
    URL_SAFE_NO_PAD
        .decode(token)
        .ok()
        .and_then(|bytes| String::from_utf8(bytes).ok())
        .filter(|text| !text.is_empty())
        .ok_or_else(|| {
            S3Error::invalid_argument(
                "The continuation token provided is incorrect",
                "continuation-token",
                token,
            )
        })
}

fn write_content(content: &Content, document: &mut XmlWriter) {
    document.text("ETag", &format!("\"{}\"", content.etag));
    document.text("ChecksumAlgorithm", content.checksum.algorithm.name());
    document.text("ChecksumType", content.checksum.type_name());
    document.text("Size", &content.size.to_string());
    document.text("StorageClass", &content.storage_class);
}

fn write_owner(version: &ObjectVersion, document: &mut XmlWriter) {
    document.open("Owner");
    document.text("ID", &canonical_id(&version.owner));
    document.close("Owner");
}
