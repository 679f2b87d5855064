//! One S3 request on its way through: the pieces every operation needs (target, bucket look-up, headers, answers).
//! No operation lives here.

use std::borrow::Cow;

use bytes::Bytes;
use http::{HeaderName, HeaderValue, StatusCode, header};
use jiff::Timestamp;
use jiff::fmt::rfc2822::DateTimePrinter;
use jiff::tz::TimeZone;

use super::address::Target;
use super::authorization::{self, Facts, Place};
use super::bucket::{Bucket, ObjectVersion};
use super::error::S3Error;
use super::operation::Operation;
use super::range::matches_etag;
use crate::fault::Fault;
use crate::names::{AccountId, Region};
use crate::protocol::{Authenticated, Response, SignatureForm};
use crate::state::State;

/// What every operation answers.
pub(crate) type Answer = Result<Response, S3Error>;

/// One request with the world it meets.
#[derive(Debug)]
pub(crate) struct Exchange<'a> {
    pub(crate) state: &'a mut State,
    pub(crate) request: &'a Authenticated,
    pub(crate) target: Target,
    pub(crate) operation: Operation,
}

impl Exchange<'_> {
    /// The bucket of the target.
    ///
    /// # Errors
    /// See [`find_bucket`].
    pub(crate) fn bucket(&self) -> Result<&Bucket, S3Error> {
        find_bucket(
            self.state,
            self.request,
            self.target.bucket().unwrap_or_default(),
            "x-amz-expected-bucket-owner",
        )
    }

    /// The same for changing; only after [`Self::bucket`] succeeded.
    ///
    /// # Errors
    /// `NoSuchBucket`.
    pub(crate) fn bucket_mut(&mut self) -> Result<&mut Bucket, S3Error> {
        let name = self.target.bucket().unwrap_or_default();
        self.state.s3.buckets.get_mut(name).ok_or_else(|| no_such_bucket(name))
    }

    /// Region of the bucket.
    ///
    /// # Errors
    /// As [`Self::bucket`].
    pub(crate) fn bucket_region(&self) -> Result<Region, S3Error> {
        Ok(self.bucket()?.region.clone())
    }

    /// Bucket and key names of an object request.
    pub(crate) fn names(&self) -> (&str, &str) {
        (
            self.target.bucket().unwrap_or_default(),
            self.target.key().unwrap_or_default(),
        )
    }

    /// `versionId`, if given and not empty.
    pub(crate) fn version_id(&self) -> Option<&str> {
        self.request.query("versionId").filter(|id| !id.is_empty())
    }

    /// Runs the checks of a bucket operation.
    ///
    /// # Errors
    /// `NoSuchBucket`, `AccessDenied`.
    pub(crate) fn require_bucket(&self) -> Result<&Bucket, S3Error> {
        self.require_bucket_with(Facts::default())
    }

    /// The same for a request whose body matters to the checks.
    ///
    /// # Errors
    /// `NoSuchBucket`, `AccessDenied`.
    pub(crate) fn require_bucket_with(&self, facts: Facts<'_>) -> Result<&Bucket, S3Error> {
        let bucket = self.bucket()?;
        let place = Place {
            bucket,
            key: None,
            existing: None,
            version_id: None,
        };
        authorization::require(self.state, self.request, self.operation, place, None, facts)?;
        Ok(bucket)
    }

    /// Runs the checks of an operation on an existing object, then finds the version (`svc:S-8`).
    ///
    /// # Errors
    /// `NoSuchBucket`, `AccessDenied`, `NoSuchKey`, `NoSuchVersion`, and 404/405 for delete markers.
    pub(crate) fn require_object(&self, facts: Facts<'_>) -> Result<(&Bucket, &ObjectVersion), S3Error> {
        let bucket = self.bucket()?;
        let (_, key) = self.names();
        let version_id = self.version_id();
        let existing = bucket.version(key, version_id);
        let place = Place {
            bucket,
            key: Some(key),
            existing,
            version_id,
        };
        if self.state.case.faults.contains(Fault::PreconditionBeforePermission) {
            self.check_preconditions_early(existing)?;
        }
        authorization::require(self.state, self.request, self.operation, place, None, facts)?;
        let version = present(self.state, self.request, self.operation, place)?;
        Ok((bucket, version))
    }

    /// What `precondition-before-permission` tells whoever asks.
    #[cold]
    fn check_preconditions_early(&self, existing: Option<&ObjectVersion>) -> Result<(), S3Error> {
        let Some(content) = existing.and_then(|version| version.content.as_ref()) else {
            return Ok(());
        };
        match self.request.header("if-match") {
            Some(expected) if !matches_etag(expected, &content.etag) => Err(S3Error::fixed("PreconditionFailed")),
            _ => Ok(()),
        }
    }
}

/// Finds a bucket and checks Region and expected owner. An expected owner that is no account id is a fault of the
/// request alone, told before anything is looked up.
///
/// # Errors
/// `InvalidBucketOwnerAWSAccountID`, `NoSuchBucket`, `AuthorizationHeaderMalformed` for a request signed for another Region, `AccessDenied` for another
/// owner than expected.
pub(crate) fn find_bucket<'a>(
    state: &'a State,
    request: &Authenticated,
    name: &str,
    expected_owner_header: &str,
) -> Result<&'a Bucket, S3Error> {
    let expected_owner = request.header(expected_owner_header);
    if let Some(expected) = expected_owner
        && AccountId::parse(expected).is_none()
    {
        return Err(S3Error::new(
            "InvalidBucketOwnerAWSAccountID",
            400,
            format!("The value of the expected bucket owner parameter must be an AWS Account ID... [{expected}]"),
        ));
    }
    let bucket = state.s3.buckets.get(name).ok_or_else(|| no_such_bucket(name))?;
    if request.authentication.form != SignatureForm::Unsigned
        && expected_owner_header == "x-amz-expected-bucket-owner"
        && request.region != bucket.region
    {
        return Err(S3Error::new(
            "AuthorizationHeaderMalformed",
            400,
            format!(
                "The authorization header is malformed; the region '{}' is wrong; expecting '{}'",
                request.region, bucket.region
            ),
        )
        .with("Region", bucket.region.as_str())
        .with_header("x-amz-bucket-region", bucket.region.as_str()));
    }
    if let Some(expected) = expected_owner
        && !state.case.faults.contains(Fault::ExpectedOwnerIgnored)
        && expected != bucket.account.as_str()
    {
        return Err(S3Error::access_denied("Access Denied"));
    }
    Ok(bucket)
}

/// The version that must be there. Missing keys are told only to callers that may list (`svc:S-8`).
///
/// # Errors
/// `AccessDenied` without `s3:ListBucket`; else `NoSuchKey`, `NoSuchVersion`, or the delete-marker forms of them.
pub(crate) fn present<'a>(
    state: &State,
    request: &Authenticated,
    operation: Operation,
    place: Place<'a>,
) -> Result<&'a ObjectVersion, S3Error> {
    let key = place.key.unwrap_or_default();
    match place.existing {
        Some(version) if version.content.is_some() => Ok(version),
        Some(marker) if place.version_id.is_some() => Err(S3Error::fixed("MethodNotAllowed")
            .with("Method", request.method.as_str())
            .with("ResourceType", "DeleteMarker")
            .with_header("x-amz-delete-marker", "true")
            .with_header("x-amz-version-id", marker.version_id.as_str())),
        missing => {
            let bucket_place = Place {
                key: None,
                existing: None,
                version_id: None,
                ..place
            };
            if !state.case.faults.contains(Fault::MissingKeyToldToAll) {
                authorization::ask(
                    state,
                    request,
                    operation,
                    "s3:ListBucket",
                    bucket_place,
                    Facts::default(),
                )?;
            }
            Err(match (missing, place.version_id) {
                (Some(marker), _) => S3Error::fixed("NoSuchKey")
                    .with("Key", key)
                    .with_header("x-amz-delete-marker", "true")
                    .with_header("x-amz-version-id", marker.version_id.as_str()),
                (None, Some(version_id)) => S3Error::fixed("NoSuchVersion")
                    .with("Key", key)
                    .with("VersionId", version_id),
                (None, None) => S3Error::fixed("NoSuchKey").with("Key", key),
            })
        }
    }
}

/// `NoSuchBucket` naming the bucket.
pub(crate) fn no_such_bucket(name: &str) -> S3Error {
    S3Error::fixed("NoSuchBucket").with("BucketName", name)
}

/// An empty answer.
pub(crate) fn empty(status: StatusCode) -> Response {
    let mut response = http::Response::new(Bytes::new());
    *response.status_mut() = status;
    response
}

/// A 200 with an XML document.
pub(crate) fn xml(body: Bytes) -> Response {
    let mut response = http::Response::new(body);
    response
        .headers_mut()
        .insert(header::CONTENT_TYPE, HeaderValue::from_static("application/xml"));
    response
}

/// Sets a header; a value that HTTP cannot carry is left out (S3 never stores one: it came in a header).
pub(crate) fn set_header(response: &mut Response, name: &str, value: &str) {
    if let (Ok(name), Ok(value)) = (
        HeaderName::from_bytes(name.as_bytes()),
        HeaderValue::from_bytes(value.as_bytes()),
    ) {
        response.headers_mut().insert(name, value);
    }
}

/// Sets `x-amz-version-id` where the bucket has, or had, versioning.
pub(crate) fn set_version_header(response: &mut Response, bucket: &Bucket, version_id: &str) {
    if bucket.versioning != super::bucket::Versioning::Off {
        set_header(response, "x-amz-version-id", version_id);
    }
}

/// `2025-01-08T00:00:00.000Z`, the form of XML documents.
pub(crate) fn iso_time(instant: Timestamp) -> String {
    instant
        .to_zoned(TimeZone::UTC)
        .strftime("%Y-%m-%dT%H:%M:%S.%3fZ")
        .to_string()
}

/// `Wed, 08 Jan 2025 00:00:00 GMT`, the form of HTTP headers.
pub(crate) fn http_time(instant: Timestamp) -> String {
    let usual = DateTimePrinter::new().timestamp_to_rfc9110_string(&instant);
    // Years that RFC 9110 has no form for; a clock may be set to anything.
    usual.unwrap_or_else(|_| {
        instant
            .to_zoned(TimeZone::UTC)
            .strftime("%a, %d %b %Y %H:%M:%S GMT")
            .to_string()
    })
}

/// Reads an HTTP date; `None` when it is none.
pub(crate) fn parse_http_time(text: &str) -> Option<Timestamp> {
    jiff::civil::DateTime::strptime("%a, %d %b %Y %H:%M:%S GMT", text.trim())
        .ok()?
        .to_zoned(TimeZone::UTC)
        .ok()
        .map(|zoned| zoned.timestamp())
}

/// Percent-encodes for `encoding-type=url`.
pub(crate) fn encoded(text: &str, url: bool) -> Cow<'_, str> {
    use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
    const KEEP: &AsciiSet = &NON_ALPHANUMERIC
        .remove(b'-')
        .remove(b'_')
        .remove(b'.')
        .remove(b'*')
        .remove(b'/')
        .remove(b'~');
    if url {
        Cow::Owned(utf8_percent_encode(text, KEEP).to_string())
    } else {
        Cow::Borrowed(text)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times() {
        let instant: Timestamp = "2025-01-08T03:04:05.678Z".parse().expect("a literal time");
        assert_eq!(iso_time(instant), "2025-01-08T03:04:05.678Z");
        assert_eq!(http_time(instant), "Wed, 08 Jan 2025 03:04:05 GMT");
        assert_eq!(
            parse_http_time("Wed, 08 Jan 2025 03:04:05 GMT").map(Timestamp::as_second),
            Some(instant.as_second())
        );
        assert_eq!(parse_http_time("yesterday"), None);
    }

    #[test]
    fn url_encoding_keeps_slashes() {
        assert_eq!(encoded("a b/c+あ", true), "a%20b/c%2B%E3%81%82");
        assert_eq!(encoded("a b", false), "a b");
    }
}
