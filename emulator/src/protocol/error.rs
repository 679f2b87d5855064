//! How each protocol says "you are not authenticated". The failures are `signature`'s, the words are here.

use bytes::Bytes;
use jiff::Timestamp;
use jiff::tz::TimeZone;

use super::{Response, Service, XmlWriter, json, query};
use crate::signature::AuthError;

const TOKEN_INVALID: &str = "The security token included in the request is invalid.";
const TOKEN_EXPIRED: &str = "The security token included in the request is expired";
const TOKEN_MISSING: &str = "Request is missing Authentication Token";
const MISMATCH: &str = "The request signature we calculated does not match the signature you provided. Check your AWS \
                        Secret Access Key and signing method. Consult the service documentation for details.";

/// XML namespace of IAM.
pub const IAM_NAMESPACE: &str = "https://iam.amazonaws.com/doc/2010-05-08/";
/// XML namespace of STS.
pub const STS_NAMESPACE: &str = "https://sts.amazonaws.com/doc/2011-06-15/";

/// Renders an authentication failure in the form of `service`.
#[must_use]
pub fn authentication(service: Service, error: &AuthError, request_id: &str, head: bool) -> Response {
    match service {
        Service::S3 => s3(error, request_id, head),
        Service::Iam | Service::Sts => {
            let namespace = if service == Service::Iam {
                IAM_NAMESPACE
            } else {
                STS_NAMESPACE
            };
            let (status, code, message) = query_words(error);
            query::failure(namespace, status, code, &message, request_id)
        }
        Service::Kms => {
            let (code, message) = json_words(error);
            json::failure(400, json::JSON_1_1, code, &message)
        }
        Service::DynamoDb => {
            let (code, message) = json_words(error);
            json::failure(
                400,
                json::JSON_1_0,
                &format!("com.amazon.coral.service#{code}"),
                &message,
            )
        }
        Service::Lambda | Service::Backup => {
            let (code, message) = json_words(error);
            json::rest_failure(403, code, &message)
        }
    }
}

/// Renders a failure that happens before a service is involved (body too large).
#[must_use]
pub fn too_large() -> Response {
    let mut response = http::Response::new(Bytes::from_static(b"request body exceeds 64 MiB"));
    *response.status_mut() = http::StatusCode::PAYLOAD_TOO_LARGE;
    response
}

fn query_words(error: &AuthError) -> (u16, &'static str, String) {
    match error {
        AuthError::Missing => (403, "MissingAuthenticationToken", TOKEN_MISSING.to_owned()),
        AuthError::Malformed(text) => (400, "IncompleteSignature", text.clone()),
        AuthError::UnsupportedAlgorithm => (
            400,
            "IncompleteSignature",
            "Unsupported AWS 'algorithm' in the Authorization header.".to_owned(),
        ),
        AuthError::UnknownAccessKey(_) | AuthError::InvalidToken => {
            (403, "InvalidClientTokenId", TOKEN_INVALID.to_owned())
        }
        AuthError::ExpiredToken => (403, "ExpiredToken", TOKEN_EXPIRED.to_owned()),
        AuthError::Skewed { .. } | AuthError::PresignExpired { .. } | AuthError::PresignNotYetValid => {
            (403, "SignatureDoesNotMatch", time_words(error))
        }
        AuthError::SignatureMismatch
        | AuthError::HeadersNotSigned(_)
        | AuthError::ContentHashMismatch { .. }
        | AuthError::InvalidContentHash
        | AuthError::MalformedChunks(_) => (403, "SignatureDoesNotMatch", MISMATCH.to_owned()),
    }
}

fn json_words(error: &AuthError) -> (&'static str, String) {
    match error {
        AuthError::Missing => ("MissingAuthenticationTokenException", TOKEN_MISSING.to_owned()),
        AuthError::Malformed(text) => ("IncompleteSignatureException", text.clone()),
        AuthError::UnsupportedAlgorithm => (
            "IncompleteSignatureException",
            "Unsupported AWS 'algorithm' in the Authorization header.".to_owned(),
        ),
        AuthError::UnknownAccessKey(_) | AuthError::InvalidToken => {
            ("UnrecognizedClientException", TOKEN_INVALID.to_owned())
        }
        AuthError::ExpiredToken => ("ExpiredTokenException", TOKEN_EXPIRED.to_owned()),
        AuthError::Skewed { .. } | AuthError::PresignExpired { .. } | AuthError::PresignNotYetValid => {
            ("InvalidSignatureException", time_words(error))
        }
        AuthError::SignatureMismatch
        | AuthError::HeadersNotSigned(_)
        | AuthError::ContentHashMismatch { .. }
        | AuthError::InvalidContentHash
        | AuthError::MalformedChunks(_) => ("InvalidSignatureException", MISMATCH.to_owned()),
    }
}

fn time_words(error: &AuthError) -> String {
    match error {
        AuthError::Skewed { signed_at, server_time } if signed_at > server_time => format!(
            "Signature not yet current: {} is still later than {}",
            compact(*signed_at),
            compact(*server_time)
        ),
        AuthError::Skewed { signed_at, server_time } => {
            format!(
                "Signature expired: {} is now earlier than {}",
                compact(*signed_at),
                compact(*server_time)
            )
        }
        AuthError::PresignExpired {
            ended_at, server_time, ..
        } => {
            format!(
                "Signature expired: {} is now earlier than {}",
                compact(*ended_at),
                compact(*server_time)
            )
        }
        _ => "Signature not yet current".to_owned(),
    }
}

/// Status, code, message and extra elements of an S3 authentication error.
pub(crate) type S3Words = (u16, &'static str, String, Vec<(&'static str, String)>);

fn s3(error: &AuthError, request_id: &str, head: bool) -> Response {
    let (status, code, message, details) = s3_words(error);
    let mut xml = XmlWriter::new();
    xml.open("Error").element("Code", code).element("Message", &message);
    for (name, value) in &details {
        xml.element(name, value);
    }
    xml.element("RequestId", request_id)
        .element("HostId", "countersign")
        .close("Error");
    let text = format!("<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n{}", xml.finish());
    let mut response = http::Response::new(if head { Bytes::new() } else { Bytes::from(text) });
    *response.status_mut() = http::StatusCode::from_u16(status).unwrap_or(http::StatusCode::FORBIDDEN);
    response.headers_mut().insert(
        http::header::CONTENT_TYPE,
        http::HeaderValue::from_static("application/xml"),
    );
    response
}

/// What S3 says of an authentication failure, however it is rendered.
pub(crate) fn s3_words(error: &AuthError) -> S3Words {
    let plain = |status, code, message: &str| (status, code, message.to_owned(), Vec::new());
    match error {
        AuthError::Missing => plain(403, "AccessDenied", "Access Denied"),
        AuthError::Malformed(text) => plain(
            400,
            "AuthorizationHeaderMalformed",
            &format!("The authorization header is malformed; {text}"),
        ),
        AuthError::UnsupportedAlgorithm => plain(
            400,
            "InvalidRequest",
            "The authorization mechanism you have provided is not supported. Please use AWS4-HMAC-SHA256.",
        ),
        AuthError::UnknownAccessKey(key) => (
            403,
            "InvalidAccessKeyId",
            "The AWS Access Key Id you provided does not exist in our records.".to_owned(),
            vec![("AWSAccessKeyId", key.clone())],
        ),
        AuthError::InvalidToken => plain(
            400,
            "InvalidToken",
            "The provided token is malformed or otherwise invalid.",
        ),
        AuthError::ExpiredToken => plain(400, "ExpiredToken", "The provided token has expired."),
        AuthError::SignatureMismatch => plain(
            403,
            "SignatureDoesNotMatch",
            "The request signature we calculated does not match the signature you provided. Check your key and \
             signing method.",
        ),
        AuthError::Skewed { signed_at, server_time } => (
            403,
            "RequestTimeTooSkewed",
            "The difference between the request time and the current time is too large.".to_owned(),
            vec![
                ("RequestTime", compact(*signed_at)),
                ("ServerTime", server_time.to_string()),
                ("MaxAllowedSkewMilliseconds", "900000".to_owned()),
            ],
        ),
        AuthError::PresignExpired {
            expires_in,
            ended_at,
            server_time,
        } => (
            403,
            "AccessDenied",
            "Request has expired".to_owned(),
            vec![
                ("X-Amz-Expires", expires_in.to_string()),
                ("Expires", ended_at.to_string()),
                ("ServerTime", server_time.to_string()),
            ],
        ),
        AuthError::PresignNotYetValid => plain(403, "AccessDenied", "Request is not valid yet"),
        AuthError::HeadersNotSigned(names) => (
            403,
            "AccessDenied",
            "There were headers present in the request which were not signed".to_owned(),
            vec![("HeadersNotSigned", names.clone())],
        ),
        AuthError::ContentHashMismatch { stated, computed } => (
            400,
            "XAmzContentSHA256Mismatch",
            "The provided 'x-amz-content-sha256' header does not match what was computed.".to_owned(),
            vec![
                ("ClientComputedContentSHA256", stated.clone()),
                ("S3ComputedContentSHA256", computed.clone()),
            ],
        ),
        AuthError::InvalidContentHash => plain(
            400,
            "InvalidRequest",
            "Missing required header for this request: x-amz-content-sha256",
        ),
        AuthError::MalformedChunks(_) => plain(400, "IncompleteBody", "The request body terminated unexpectedly"),
    }
}

fn compact(instant: Timestamp) -> String {
    instant.to_zoned(TimeZone::UTC).strftime("%Y%m%dT%H%M%SZ").to_string()
}
