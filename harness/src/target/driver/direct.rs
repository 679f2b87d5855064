//! A call without the SDK's orchestration: the SDK's own serializer writes the request and its own parser reads the answer, and between
//! them stand only an address, the headers that its interceptors add, a signature and the emulator's handler. For an emulator in this
//! process: no endpoint rules, retries, timeouts or connections, which cost ten times as much as the answer.
//!
//! What an operation's interceptors do beyond that is not done here; such operations and parameters are left to the SDK ([`suits`]).

use aws_sdk_kms::error::SdkError;
use aws_smithy_runtime_api::box_error::BoxError;
use aws_smithy_runtime_api::client::interceptors::context::{Error, Input, Output};
use aws_smithy_runtime_api::client::orchestrator::{HttpResponse, OrchestratorError};
use aws_smithy_runtime_api::client::result::ConnectorError;
use aws_smithy_runtime_api::client::runtime_plugin::RuntimePlugin;
use aws_smithy_runtime_api::client::ser_de::{
    DeserializeResponse as _, SerializeRequest as _, SharedRequestSerializer, SharedResponseDeserializer,
};
use aws_smithy_types::config_bag::{ConfigBag, FrozenLayer, Layer};
use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use bytes::Bytes;
use countersign_model::case::Shape;
use http::header::{HeaderName, HeaderValue, USER_AGENT};
use serde_json::Value;

use super::Call;
use crate::target::connector::Line;

/// As every SDK: without one `aws:UserAgent` would be absent.
pub(super) const AGENT: HeaderValue = HeaderValue::from_static("countersign");
const CHECKSUM: HeaderName = HeaderName::from_static("x-amz-checksum-crc32");
const CHECKSUM_ALGORITHM: HeaderName = HeaderName::from_static("x-amz-sdk-checksum-algorithm");
const CHECKSUM_MODE: HeaderName = HeaderName::from_static("x-amz-checksum-mode");

/// Services whose operations have no interceptors of their own but those for checksums.
const SERVICES: [&str; 4] = ["kms", "s3", "iam", "sts"];
/// Operations whose answer is a stream of events.
const STREAMS: [&str; 1] = ["SelectObjectContent"];

/// Operations of S3 whose request the SDK gives a checksum.
const WITH_CHECKSUM: &[&str] = &[
    "DeleteObjects",
    "PutBucketAbac",
    "PutBucketAcl",
    "PutBucketEncryption",
    "PutBucketLogging",
    "PutBucketOwnershipControls",
    "PutBucketPolicy",
    "PutBucketRequestPayment",
    "PutBucketTagging",
    "PutBucketVersioning",
    "PutBucketWebsite",
    "PutObject",
    "PutObjectAcl",
    "PutObjectLegalHold",
    "PutObjectRetention",
    "PutObjectTagging",
    "PutPublicAccessBlock",
    "RestoreObject",
    "UpdateObjectEncryption",
    "UploadPart",
];

/// Whether the call is nothing but a request and its answer.
pub(super) fn suits(line: &Line, call: &Call<'_>) -> bool {
    let presigned_by_sdk = call.service == "s3" && call.shape == Shape::Presigned && call.credentials.is_some();
    line.is_direct()
        && SERVICES.contains(&call.service)
        && !STREAMS.contains(&call.name)
        && !presigned_by_sdk
        && (call.service != "s3" || suits_s3(call))
}

/// Buckets whose name is an address of another kind, and checksums that the case asks for, are the SDK's affair.
fn suits_s3(call: &Call<'_>) -> bool {
    let bucket = match call.with.get("Bucket") {
        None => call.name == "ListBuckets",
        Some(Value::String(name)) => is_plain_bucket(name),
        Some(_) => false,
    };
    bucket && !call.with.contains_key("ChecksumAlgorithm") && !call.with.contains_key("ChecksumType")
}

/// Whether a bucket's name is nothing but a part of the path.
pub(super) fn is_plain_bucket(name: &str) -> bool {
    let bytes = name.as_bytes();
    let legal = |byte: &u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || matches!(byte, b'-' | b'.');
    (3..=63).contains(&bytes.len()) && bytes.iter().all(legal) && !name.ends_with("--x-s3")
}

/// What an SDK knows of an operation: its serializer and its parser.
pub(super) fn glue(operation: &dyn RuntimePlugin) -> FrozenLayer {
    operation.config().unwrap_or_else(|| Layer::new("none").freeze())
}

/// A value of the type of another one.
pub(super) fn fresh<T: Default>(_: &T) -> T {
    T::default()
}

/// Makes a call that [`suits`].
///
/// # Errors
/// As the SDK's client would say it.
pub(super) async fn call<O, E>(
    line: &Line,
    service: &'static str,
    called: (&str, Option<&str>),
    glue: &FrozenLayer,
    input: Input,
) -> Result<O, SdkError<E, HttpResponse>>
where
    O: std::fmt::Debug + Send + Sync + 'static,
    E: std::error::Error + Send + Sync + 'static,
{
    match exchange(line, service, called, glue, input).await {
        Ok((parsed, response)) => typed(parsed, response),
        Err(Failure::Construction(error)) => Err(SdkError::construction_failure(error)),
        Err(Failure::Dispatch(error)) => Err(SdkError::dispatch_failure(error)),
    }
}

/// Why there is no answer.
enum Failure {
    /// The request could not be written.
    Construction(BoxError),
    /// It did not come through.
    Dispatch(ConnectorError),
}

impl Failure {
    fn construction(error: impl Into<BoxError>) -> Self {
        Self::Construction(error.into())
    }
}

type Parsed = Result<Output, OrchestratorError<Error>>;

/// The call without its types: with them it would be compiled again for each of the 170 operations.
async fn exchange(
    line: &Line,
    service: &'static str,
    (name, bucket): (&str, Option<&str>),
    glue: &FrozenLayer,
    input: Input,
) -> Result<(Parsed, HttpResponse), Failure> {
    let (Some(serializer), Some(parser)) = (
        glue.load::<SharedRequestSerializer>(),
        glue.load::<SharedResponseDeserializer>(),
    ) else {
        return Err(Failure::construction("the SDK has no serializer"));
    };
    let mut settings = ConfigBag::base();
    let mut request = serializer
        .serialize_input(input, &mut settings)
        .map_err(Failure::construction)?;
    let endpoint = line.endpoint_of(service);
    let addressed = match bucket {
        Some(bucket) => request.uri_mut().set_endpoint(&format!("{endpoint}/{bucket}")),
        None => request.uri_mut().set_endpoint(endpoint),
    };
    addressed.map_err(Failure::construction)?;
    let request = request.try_into_http1x().map_err(Failure::construction)?;
    let (parts, body) = request.into_parts();
    let body = body
        .bytes()
        .map(Bytes::copy_from_slice)
        .ok_or_else(|| Failure::construction("the body is not in memory"))?;
    let mut request = http::Request::from_parts(parts, body);
    request.headers_mut().insert(USER_AGENT, AGENT);
    if service == "s3" {
        add_checksum(name, &mut request);
    }
    let facts = line.facts().clone();
    if facts.shape == Shape::Header
        && let Some(credentials) = &facts.credentials
    {
        request = line
            .signing_keys()
            .sign(request, service, credentials, &facts.region, line.now())
            .map_err(|message| Failure::Dispatch(ConnectorError::user(message.into())))?;
    }
    let mut response = line
        .exchange(service, facts, request)
        .await
        .map_err(Failure::Dispatch)?;
    let parsed = match parser.deserialize_streaming_with_config(&mut response, &settings) {
        Some(parsed) => parsed,
        None => parser.deserialize_nonstreaming_with_config(&response, &settings),
    };
    Ok((parsed, response))
}

#[expect(
    clippy::result_large_err,
    reason = "the SDKs' own error, as their clients return it; it is looked at once"
)]
fn typed<O, E>(
    parsed: Result<Output, OrchestratorError<Error>>,
    response: HttpResponse,
) -> Result<O, SdkError<E, HttpResponse>>
where
    O: std::fmt::Debug + Send + Sync + 'static,
    E: std::error::Error + Send + Sync + 'static,
{
    let error = match parsed {
        Ok(output) => {
            return output
                .downcast::<O>()
                .map_err(|_| SdkError::response_error("the SDK's answer is of another operation", response));
        }
        Err(error) => error,
    };
    if !error.is_operation_error() {
        return Err(SdkError::response_error(error, response));
    }
    let mut found = None;
    // The error can only be had by value through a mapping, and what is left of it says nothing.
    let _ = error.map_operation_error(|error| found = error.downcast::<E>().ok());
    match found {
        Some(error) => Err(SdkError::service_error(error, response)),
        None => Err(SdkError::response_error(
            "the SDK's error is of another operation",
            response,
        )),
    }
}

/// The checksums that the SDK adds where nobody asks for others.
pub(super) fn add_checksum(name: &str, request: &mut http::Request<Bytes>) {
    if name == "GetObject" && !request.headers().contains_key(CHECKSUM_MODE) {
        let enabled = HeaderValue::from_static("ENABLED");
        request.headers_mut().insert(CHECKSUM_MODE, enabled);
    }
    if !WITH_CHECKSUM.contains(&name) {
        return;
    }
    let encoded = BASE64_STANDARD.encode(crc32fast::hash(request.body()).to_be_bytes());
    if let Ok(value) = HeaderValue::from_str(&encoded) {
        request.headers_mut().insert(CHECKSUM, value);
        let algorithm = HeaderValue::from_static("CRC32");
        request.headers_mut().insert(CHECKSUM_ALGORITHM, algorithm);
    }
}
