//! S3 errors: code, HTTP status and message, and their XML rendering. Which request earns which error is decided elsewhere.

use bytes::Bytes;
use http::{HeaderMap, Response, StatusCode, header};

use super::xml::XmlWriter;

/// An S3 error answer (`svc:S-30` … `svc:S-36` and the S3 error reference).
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{code}: {message}")]
pub(crate) struct S3Error {
    /// The `Code` element, also what SDKs dispatch on.
    pub(crate) code: String,
    /// HTTP status.
    pub(crate) status: StatusCode,
    /// The `Message` element.
    pub(crate) message: String,
    /// Further elements (`BucketName`, `Key`, …), in output order.
    pub(crate) details: Vec<(&'static str, String)>,
    /// Response headers that belong to the error (`x-amz-delete-marker`, …).
    pub(crate) headers: Vec<(&'static str, String)>,
}

/// Fixed errors: code, status, message.
const FIXED: &[(&str, u16, &str)] = &[
    ("AccessControlListNotSupported", 400, "The bucket does not allow ACLs"),
    (
        "BadDigest",
        400,
        "The Content-MD5 you specified did not match what we received.",
    ),
    (
        "BucketAlreadyExists",
        409,
        "The requested bucket name is not available. The bucket namespace is shared by all users of the system. Please select a different name and try again.",
    ),
    (
        "BucketAlreadyOwnedByYou",
        409,
        "Your previous request to create the named bucket succeeded and you already own it.",
    ),
    ("BucketNotEmpty", 409, "The bucket you tried to delete is not empty"),
    (
        "EntityTooSmall",
        400,
        "Your proposed upload is smaller than the minimum allowed size",
    ),
    (
        "EntityTooLarge",
        400,
        "Your proposed upload exceeds the maximum allowed size",
    ),
    (
        "IllegalLocationConstraintException",
        400,
        "The unspecified location constraint is incompatible for the region specific endpoint this request was sent to.",
    ),
    (
        "InvalidBucketAclWithObjectOwnership",
        400,
        "Bucket cannot have ACLs set with ObjectOwnership's BucketOwnerEnforced setting",
    ),
    ("InvalidBucketName", 400, "The specified bucket is not valid."),
    ("InvalidDigest", 400, "The Content-MD5 you specified was invalid."),
    (
        "InvalidPart",
        400,
        "One or more of the specified parts could not be found.  The part may not have been uploaded, or the specified entity tag may not match the part's entity tag.",
    ),
    (
        "InvalidPartOrder",
        400,
        "The list of parts was not in ascending order. The parts list must be specified in order by part number.",
    ),
    ("InvalidRange", 416, "The requested range is not satisfiable"),
    ("InvalidTag", 400, "The TagKey you have provided is invalid"),
    ("KeyTooLongError", 400, "Your key is too long"),
    (
        "MalformedACLError",
        400,
        "The XML you provided was not well-formed or did not validate against our published schema",
    ),
    (
        "MalformedXML",
        400,
        "The XML you provided was not well-formed or did not validate against our published schema",
    ),
    (
        "MethodNotAllowed",
        405,
        "The specified method is not allowed against this resource.",
    ),
    ("NoSuchBucket", 404, "The specified bucket does not exist"),
    ("NoSuchBucketPolicy", 404, "The bucket policy does not exist"),
    ("NoSuchKey", 404, "The specified key does not exist."),
    (
        "NoSuchPublicAccessBlockConfiguration",
        404,
        "The public access block configuration was not found",
    ),
    ("NoSuchTagSet", 404, "The TagSet does not exist"),
    (
        "NoSuchUpload",
        404,
        "The specified upload does not exist. The upload ID may be invalid, or the upload may have been aborted or completed.",
    ),
    ("NoSuchVersion", 404, "The specified version does not exist."),
    (
        "NotImplemented",
        501,
        "A header you provided implies functionality that is not implemented",
    ),
    ("NotModified", 304, "Not Modified"),
    (
        "OwnershipControlsNotFoundError",
        404,
        "The bucket ownership controls were not found",
    ),
    (
        "PreconditionFailed",
        412,
        "At least one of the pre-conditions you specified did not hold",
    ),
    (
        "ServerSideEncryptionConfigurationNotFoundError",
        404,
        "The server side encryption configuration was not found",
    ),
];

impl S3Error {
    /// An error with its own message; `status` outside 100..=999 cannot happen because every caller passes a literal.
    pub(crate) fn new(code: &str, status: u16, message: impl Into<String>) -> Self {
        Self {
            code: code.to_owned(),
            status: StatusCode::from_u16(status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR),
            message: message.into(),
            details: Vec::new(),
            headers: Vec::new(),
        }
    }

    /// An error of the fixed table. An unknown code is an `InternalError`, which the table test rules out.
    pub(crate) fn fixed(code: &str) -> Self {
        match FIXED.iter().find(|(name, _, _)| *name == code) {
            Some((name, status, message)) => Self::new(name, *status, *message),
            None => Self::new(
                "InternalError",
                500,
                "We encountered an internal error. Please try again.",
            ),
        }
    }

    /// 403 with the given text (`svc:S-30`, `svc:S-36`).
    pub(crate) fn access_denied(message: impl Into<String>) -> Self {
        Self::new("AccessDenied", 403, message)
    }

    /// 400 `InvalidArgument` naming the argument, as S3 does.
    pub(crate) fn invalid_argument(message: impl Into<String>, name: &str, value: &str) -> Self {
        Self::new("InvalidArgument", 400, message)
            .with("ArgumentName", name)
            .with("ArgumentValue", value)
    }

    /// 400 `InvalidRequest`.
    pub(crate) fn invalid_request(message: impl Into<String>) -> Self {
        Self::new("InvalidRequest", 400, message)
    }

    /// Adds a detail element.
    pub(crate) fn with(mut self, name: &'static str, value: impl Into<String>) -> Self {
        self.details.push((name, value.into()));
        self
    }

    /// Adds a response header.
    pub(crate) fn with_header(mut self, name: &'static str, value: impl Into<String>) -> Self {
        self.headers.push((name, value.into()));
        self
    }

    /// The HTTP answer. `bodyless` is for HEAD requests and 304, which carry no body (`svc:S-8`).
    pub(crate) fn render(&self, resource: &str, request_id: &str, host_id: &str, bodyless: bool) -> Response<Bytes> {
        let mut headers = HeaderMap::new();
        for (name, value) in &self.headers {
            if let Ok(value) = header::HeaderValue::from_str(value) {
                headers.insert(*name, value);
            }
        }
        let body = if bodyless || self.status == StatusCode::NOT_MODIFIED {
            Bytes::new()
        } else {
            headers.insert(
                header::CONTENT_TYPE,
                header::HeaderValue::from_static("application/xml"),
            );
            let mut xml = XmlWriter::document();
            xml.open("Error");
            xml.text("Code", &self.code);
            xml.text("Message", &self.message);
            for (name, value) in &self.details {
                xml.text(name, value);
            }
            xml.text("Resource", resource);
            xml.text("RequestId", request_id);
            xml.text("HostId", host_id);
            xml.close("Error");
            xml.finish()
        };
        let mut response = Response::new(body);
        *response.status_mut() = self.status;
        *response.headers_mut() = headers;
        response
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fixed_codes_are_unique_and_have_a_status() {
        let mut codes: Vec<&str> = FIXED.iter().map(|(code, _, _)| *code).collect();
        codes.sort_unstable();
        codes.dedup();
        assert_eq!(codes.len(), FIXED.len());
        for (code, status, message) in FIXED {
            let error = S3Error::fixed(code);
            assert_eq!(error.status.as_u16(), *status);
            assert_eq!(error.message, *message);
        }
    }

    #[test]
    fn render_escapes_and_head_has_no_body() {
        let error = S3Error::access_denied("on resource: \"arn:aws:s3:::b/<k>\"");
        let full = error.render("/b/<k>", "R", "H", false);
        let text = String::from_utf8_lossy(full.body()).into_owned();
        assert!(text.contains("<Code>AccessDenied</Code>"));
        assert!(text.contains("b/&lt;k&gt;"));
        assert_eq!(full.status(), 403);
        assert!(error.render("/", "R", "H", true).body().is_empty());
    }
}
