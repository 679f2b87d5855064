//! The verified request that every service handler receives. How it was verified is `signature`'s.

use bytes::Bytes;
use http::{HeaderMap, Method};
use jiff::Timestamp;

use crate::identity::Caller;
use crate::names::Region;

/// The services behind the one port.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Service {
    /// AWS KMS, JSON 1.1.
    Kms,
    /// S3, REST/XML.
    S3,
    /// IAM, Query/XML.
    Iam,
    /// STS, Query/XML.
    Sts,
    /// Lambda, REST/JSON.
    Lambda,
    /// AWS Backup, REST/JSON.
    Backup,
    /// DynamoDB, JSON 1.0.
    DynamoDb,
}

/// How the request was signed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SignatureForm {
    /// `Authorization` header: s3:authType REST-HEADER.
    Header,
    /// Presigned URL: s3:authType REST-QUERY-STRING.
    QueryString,
    /// Fields of an HTML form: s3:authType POST.
    Form,
    /// Not at all.
    Unsigned,
}

/// Authentication properties that S3 exposes as condition keys (svc:S-46).
#[derive(Debug, Clone)]
pub struct Authentication {
    /// Which form.
    pub form: SignatureForm,
    /// When it was signed.
    pub signed_at: Option<Timestamp>,
    /// The `x-amz-content-sha256` value, or `UNSIGNED-PAYLOAD` for presigned URLs.
    pub content_sha256: Option<String>,
}

/// A request whose signature, if any, has been verified.
#[derive(Debug, Clone)]
pub struct Authenticated {
    /// Who calls.
    pub caller: Caller,
    /// Routed service.
    pub service: Service,
    /// Region of the credential scope; `us-east-1` for unsigned requests.
    pub region: Region,
    /// Request id of the answer (`x-amzn-RequestId`, `<RequestId>`).
    pub request_id: String,
    /// HTTP method.
    pub method: Method,
    /// `Host` header, lower-case, with port if any.
    pub host: String,
    /// Path exactly as sent, still percent-encoded.
    pub raw_path: String,
    /// Query parameters, percent-decoded, in order; a parameter without `=` has an empty value.
    /// The `X-Amz-*` signature parameters of presigned URLs are still in it.
    pub query: Vec<(String, String)>,
    /// Headers as sent.
    pub headers: HeaderMap,
    /// Body with aws-chunked encoding already removed and verified.
    pub body: Bytes,
    /// Trailing headers of an aws-chunked body, lower-case names.
    pub trailers: Vec<(String, String)>,
    /// Authentication properties.
    pub authentication: Authentication,
}

impl Authenticated {
    /// First value of a query parameter.
    #[must_use]
    pub fn query(&self, name: &str) -> Option<&str> {
        self.query
            .iter()
            .find(|(key, _)| key == name)
            .map(|(_, value)| value.as_str())
    }

    /// A header as text, by its lower-case name; `None` when absent or not visible ASCII.
    #[must_use]
    pub fn header(&self, name: &str) -> Option<&str> {
        debug_assert!(
            !name.bytes().any(|byte| byte.is_ascii_uppercase()),
            "`{name}` has capital letters"
        );
        // Requests have a dozen headers, and handlers ask for dozens: looking is cheaper than hashing the name.
        let found = self.headers.iter().find(|(have, _)| have.as_str() == name);
        found.and_then(|(_, value)| value.to_str().ok())
    }
}

/// What a handler answers. `protocol` adds the request id headers.
pub type Response = http::Response<Bytes>;
