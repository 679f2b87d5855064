//! The calls that random cases are full of, written and read here instead of by an SDK: the same request under the same signature into an
//! emulator in this process, and the same members of its answer, in a fraction of the time. Here are the operations, and of each the
//! parameters, that come by the thousand; whatever else a call has, the SDK does it. Over a socket the SDK does all.
//!
//! That both ways come to the same is shown by `tests/direct_calls.rs`, over the corpus and random cases.

use std::str::FromStr;

use bytes::Bytes;
use countersign_model::case::Shape;
use http::header::{CONTENT_LENGTH, CONTENT_TYPE, HOST, HeaderName, HeaderValue, USER_AGENT};
use http::{Method, Request, Response};
use quick_xml::escape::unescape;
use serde_json::{Map, Value};

use super::direct::{AGENT, add_checksum};
use super::{Answer, Call, Failure};
use crate::target::connector::Line;
use crate::target::{TargetError, blob};

/// Makes a call, if it is one of those.
///
/// # Errors
/// [`TargetError::Transport`] when there is no answer, [`TargetError::Adapter`] when it cannot be read or the request cannot be signed.
pub(super) async fn call(line: &Line, call: &Call<'_>) -> Result<Option<Answer>, TargetError> {
    if !line.is_direct() || line.watches_twins() || call.shape != Shape::Header {
        return Ok(None);
    }
    let Some((operation, request)) = written(line, call) else {
        return Ok(None);
    };
    let mut request = request;
    if let Some(credentials) = &call.credentials {
        request = line
            .signing_keys()
            .sign(request, operation.service(), credentials, call.region, line.now())
            .map_err(TargetError::adapter)?;
    }
    for (name, value) in &call.headers {
        request.headers_mut().insert(name.clone(), value.clone());
    }
    let response = line.send(request).await?;
    let status = response.status();
    let result = if status.is_success() {
        let output = operation.read(&response).ok_or_else(|| {
            TargetError::adapter(format!("the answer to `{}:{}` cannot be read", call.service, call.name))
        })?;
        Ok(Value::Object(output))
    } else {
        Err(operation.failure(&response))
    };
    Ok(Some(Answer {
        status: status.as_u16(),
        repeated: false,
        result,
    }))
}

/// What a parameter of KMS is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    Text,
    Blob,
    Texts,
    TextMap,
    Boolean,
    Integer,
}

/// An operation of KMS.
#[derive(Debug)]
struct KmsOperation {
    name: &'static str,
    takes: &'static [(&'static str, Kind)],
    /// Members of the answer that the drivers give.
    gives: &'static [&'static str],
}

/// Where a parameter of S3 goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Goes {
    Bucket,
    Key,
    VersionId,
    Body,
    Header(&'static str),
    Flag(&'static str),
    Instant(&'static str),
}

/// What a header of S3's answer becomes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Comes {
    Text,
    Flag,
    Number,
}

/// An operation of S3 on an object.
#[derive(Debug)]
struct S3Operation {
    name: &'static str,
    method: Method,
    takes: &'static [(&'static str, Goes)],
    gives: &'static [(&'static str, &'static str, Comes)],
    gives_body: bool,
}

#[derive(Debug, Clone, Copy)]
enum Operation {
    Kms(&'static KmsOperation),
    S3(&'static S3Operation),
}

const CONTEXT: (&str, Kind) = ("EncryptionContext", Kind::TextMap);
const TOKENS: (&str, Kind) = ("GrantTokens", Kind::Texts);
const KEY: (&str, Kind) = ("KeyId", Kind::Text);
const DRY_RUN: (&str, Kind) = ("DryRun", Kind::Boolean);

/// Parameters of both operations that make a data key.
const DATA_KEY: &[(&str, Kind)] = &[
    KEY,
    CONTEXT,
    ("NumberOfBytes", Kind::Integer),
    ("KeySpec", Kind::Text),
    TOKENS,
    DRY_RUN,
];

const KMS: &[KmsOperation] = &[
    KmsOperation {
        name: "Encrypt",
        takes: &[KEY, ("Plaintext", Kind::Blob), CONTEXT, TOKENS, DRY_RUN],
        gives: &["CiphertextBlob", "KeyId", "EncryptionAlgorithm"],
    },
    KmsOperation {
        name: "Decrypt",
        takes: &[("CiphertextBlob", Kind::Blob), CONTEXT, TOKENS, KEY, DRY_RUN],
        gives: &["Plaintext", "KeyId", "EncryptionAlgorithm"],
    },
    KmsOperation {
        name: "ReEncrypt",
        takes: &[
            ("CiphertextBlob", Kind::Blob),
            ("SourceEncryptionContext", Kind::TextMap),
            ("SourceKeyId", Kind::Text),
            ("DestinationKeyId", Kind::Text),
            ("DestinationEncryptionContext", Kind::TextMap),
            TOKENS,
            DRY_RUN,
        ],
        gives: &[
            "CiphertextBlob",
            "SourceKeyId",
            "KeyId",
            "SourceEncryptionAlgorithm",
            "DestinationEncryptionAlgorithm",
        ],
    },
    KmsOperation {
        name: "GenerateDataKey",
        takes: DATA_KEY,
        gives: &["CiphertextBlob", "Plaintext", "KeyId"],
    },
    KmsOperation {
        name: "GenerateDataKeyWithoutPlaintext",
        takes: DATA_KEY,
        gives: &["CiphertextBlob", "KeyId"],
    },
    KmsOperation {
        name: "GenerateMac",
        takes: &[
            ("Message", Kind::Blob),
            KEY,
            ("MacAlgorithm", Kind::Text),
            TOKENS,
            DRY_RUN,
        ],
        gives: &["Mac", "KeyId", "MacAlgorithm"],
    },
    KmsOperation {
        name: "GetKeyPolicy",
        takes: &[KEY, ("PolicyName", Kind::Text)],
        gives: &["Policy", "PolicyName"],
    },
    KmsOperation {
        name: "GetKeyRotationStatus",
        takes: &[KEY],
        gives: &["KeyRotationEnabled", "KeyId", "RotationPeriodInDays"],
    },
    KmsOperation {
        name: "DescribeKey",
        takes: &[KEY, TOKENS],
        gives: &["KeyMetadata"],
    },
];

/// Members of a key's description that the drivers give.
const KEY_METADATA: &[&str] = &[
    "KeyId",
    "Arn",
    "AWSAccountId",
    "KeyState",
    "Enabled",
    "Description",
    "KeySpec",
    "KeyUsage",
    "Origin",
    "KeyManager",
    "MultiRegion",
    "PendingDeletionWindowInDays",
];

const BUCKET: (&str, Goes) = ("Bucket", Goes::Bucket);
const OBJECT: (&str, Goes) = ("Key", Goes::Key);
const VERSION: (&str, Goes) = ("VersionId", Goes::VersionId);
const PAYER: (&str, Goes) = ("RequestPayer", Goes::Header("x-amz-request-payer"));
const OWNER: (&str, Goes) = ("ExpectedBucketOwner", Goes::Header("x-amz-expected-bucket-owner"));

const ETAG: (&str, &str, Comes) = ("ETag", "etag", Comes::Text);
const GIVEN_VERSION: (&str, &str, Comes) = ("VersionId", "x-amz-version-id", Comes::Text);
const LENGTH: (&str, &str, Comes) = ("ContentLength", "content-length", Comes::Number);
const TYPE: (&str, &str, Comes) = ("ContentType", "content-type", Comes::Text);
const MARKER: (&str, &str, Comes) = ("DeleteMarker", "x-amz-delete-marker", Comes::Flag);
const ENCRYPTION: (&str, &str, Comes) = ("ServerSideEncryption", "x-amz-server-side-encryption", Comes::Text);
const ENCRYPTION_KEY: (&str, &str, Comes) = (
    "SSEKMSKeyId",
    "x-amz-server-side-encryption-aws-kms-key-id",
    Comes::Text,
);
const BUCKET_KEY: (&str, &str, Comes) = (
    "BucketKeyEnabled",
    "x-amz-server-side-encryption-bucket-key-enabled",
    Comes::Flag,
);

/// Parameters of what is asked about an object that is there.
const OF_OBJECT: &[(&str, Goes)] = &[BUCKET, OBJECT, VERSION, PAYER, OWNER];

const S3: &[S3Operation] = &[
    S3Operation {
        name: "PutObject",
        method: Method::PUT,
        takes: &[
            BUCKET,
            OBJECT,
            ("Body", Goes::Body),
            ("ACL", Goes::Header("x-amz-acl")),
            ("ContentType", Goes::Header("content-type")),
            ("ServerSideEncryption", Goes::Header("x-amz-server-side-encryption")),
            (
                "SSEKMSKeyId",
                Goes::Header("x-amz-server-side-encryption-aws-kms-key-id"),
            ),
            (
                "SSEKMSEncryptionContext",
                Goes::Header("x-amz-server-side-encryption-context"),
            ),
            (
                "BucketKeyEnabled",
                Goes::Flag("x-amz-server-side-encryption-bucket-key-enabled"),
            ),
            ("Tagging", Goes::Header("x-amz-tagging")),
            ("StorageClass", Goes::Header("x-amz-storage-class")),
            ("ObjectLockMode", Goes::Header("x-amz-object-lock-mode")),
            (
                "ObjectLockLegalHoldStatus",
                Goes::Header("x-amz-object-lock-legal-hold"),
            ),
            (
                "ObjectLockRetainUntilDate",
                Goes::Instant("x-amz-object-lock-retain-until-date"),
            ),
            PAYER,
            OWNER,
        ],
        gives: &[
            ETAG,
            GIVEN_VERSION,
            ENCRYPTION,
            ENCRYPTION_KEY,
            (
                "SSEKMSEncryptionContext",
                "x-amz-server-side-encryption-context",
                Comes::Text,
            ),
            BUCKET_KEY,
        ],
        gives_body: false,
    },
    S3Operation {
        name: "GetObject",
        method: Method::GET,
        takes: OF_OBJECT,
        gives: &[
            ETAG,
            GIVEN_VERSION,
            LENGTH,
            TYPE,
            MARKER,
            ("TagCount", "x-amz-tagging-count", Comes::Number),
            ENCRYPTION,
            ENCRYPTION_KEY,
            BUCKET_KEY,
        ],
        gives_body: true,
    },
    S3Operation {
        name: "HeadObject",
        method: Method::HEAD,
        takes: OF_OBJECT,
        gives: &[
            ETAG,
            GIVEN_VERSION,
            LENGTH,
            TYPE,
            ENCRYPTION,
            ENCRYPTION_KEY,
            BUCKET_KEY,
        ],
        gives_body: false,
    },
    S3Operation {
        name: "DeleteObject",
        method: Method::DELETE,
        takes: OF_OBJECT,
        gives: &[MARKER, GIVEN_VERSION],
        gives_body: false,
    },
];

/// The operation and its request before it is signed.
fn written(line: &Line, call: &Call<'_>) -> Option<(Operation, Request<Bytes>)> {
    match call.service {
        "kms" => {
            let operation = KMS.iter().find(|operation| operation.name == call.name)?;
            Some((Operation::Kms(operation), operation.request(line, call.with)?))
        }
        "s3" => {
            let operation = S3.iter().find(|operation| operation.name == call.name)?;
            Some((Operation::S3(operation), operation.request(line, call.with)?))
        }
        _ => None,
    }
}

impl Operation {
    fn service(self) -> &'static str {
        match self {
            Self::Kms(_) => "kms",
            Self::S3(_) => "s3",
        }
    }

    fn read(self, response: &Response<Bytes>) -> Option<Map<String, Value>> {
        match self {
            Self::Kms(operation) => operation.read(response.body()),
            Self::S3(operation) => operation.read(response),
        }
    }

    fn failure(self, response: &Response<Bytes>) -> Failure {
        match self {
            Self::Kms(_) => Failure::read(&serde_json::from_slice(response.body()).unwrap_or_default()),
            Self::S3(_) => failure_in_xml(response.body()),
        }
    }
}

impl KmsOperation {
    fn request(&self, line: &Line, with: &Map<String, Value>) -> Option<Request<Bytes>> {
        let mut body = Vec::with_capacity(256);
        body.push(b'{');
        for (position, (name, value)) in with.iter().enumerate() {
            let (name, kind) = self.takes.iter().find(|(taken, _)| taken == name)?;
            if position > 0 {
                body.push(b',');
            }
            serde_json::to_writer(&mut body, name).ok()?;
            body.push(b':');
            match kind {
                Kind::Blob => {
                    let bytes = blob::decode(value).ok()?;
                    serde_json::to_writer(&mut body, &blob::encode(bytes)).ok()?;
                }
                kind if kind.is_of(value) => serde_json::to_writer(&mut body, value).ok()?,
                _ => return None,
            }
        }
        body.push(b'}');
        Request::post("/")
            .header(CONTENT_TYPE, HeaderValue::from_static("application/x-amz-json-1.1"))
            .header("x-amz-target", format!("TrentService.{}", self.name))
            .header(CONTENT_LENGTH, body.len())
            .header(HOST, host_of(line)?)
            .header(USER_AGENT, AGENT)
            .body(Bytes::from(body))
            .ok()
    }

    fn read(&self, body: &Bytes) -> Option<Map<String, Value>> {
        let Value::Object(mut answer) = serde_json::from_slice(body).ok()? else {
            return None;
        };
        answer.retain(|name, value| self.gives.contains(&name.as_str()) && !value.is_null());
        if let Some(Value::Object(metadata)) = answer.get_mut("KeyMetadata") {
            metadata.retain(|name, value| KEY_METADATA.contains(&name.as_str()) && !value.is_null());
        }
        Some(answer)
    }
}

impl Kind {
    fn is_of(self, value: &Value) -> bool {
        match self {
            Self::Text => value.is_string(),
            Self::Blob => false,
            Self::Texts => value.as_array().is_some_and(|list| list.iter().all(Value::is_string)),
            Self::TextMap => value.as_object().is_some_and(|map| map.values().all(Value::is_string)),
            Self::Boolean => value.is_boolean(),
            Self::Integer => value.as_i64().is_some_and(|number| i32::try_from(number).is_ok()),
        }
    }
}

impl S3Operation {
    fn request(&self, line: &Line, with: &Map<String, Value>) -> Option<Request<Bytes>> {
        let (bucket, key) = (with.get("Bucket")?.as_str()?, with.get("Key")?.as_str()?);
        if !super::direct::is_plain_bucket(bucket) || !is_plain_path(key) {
            return None;
        }
        let mut uri = format!("/{bucket}/{}", key.replace(' ', "%20"));
        let mut body = None;
        let mut request = Request::builder().method(self.method.clone());
        for (name, value) in with {
            let (_, goes) = self.takes.iter().find(|(taken, _)| taken == name)?;
            match (goes, value) {
                (Goes::Bucket | Goes::Key, _) => {}
                (Goes::VersionId, Value::String(version))
                    if is_plain_path(version) && !version.contains(['/', ' ']) =>
                {
                    uri.push_str("?versionId=");
                    uri.push_str(version);
                }
                (Goes::Body, value) => body = Some(blob::decode(value).ok()?),
                (Goes::Header(header), Value::String(text)) if !text.is_empty() && text.trim() == text => {
                    request = request.header(*header, HeaderValue::from_str(text).ok()?);
                }
                (Goes::Flag(header), Value::Bool(flag)) => {
                    request = request.header(*header, HeaderValue::from_static(if *flag { "true" } else { "false" }));
                }
                // Whole seconds of UTC are written by the SDK as they came.
                (Goes::Instant(header), Value::String(text))
                    if jiff::Timestamp::from_str(text).ok()?.to_string() == *text =>
                {
                    request = request.header(*header, HeaderValue::from_str(text).ok()?);
                }
                _ => return None,
            }
        }
        let request = request.uri(uri).header(HOST, host_of(line)?).header(USER_AGENT, AGENT);
        let mut request = match (&self.method, body) {
            (&Method::PUT, Some(body)) => {
                let length = body.len();
                let mut request = request.body(Bytes::from(body)).ok()?;
                let octets = HeaderValue::from_static("application/octet-stream");
                request.headers_mut().entry(CONTENT_TYPE).or_insert(octets);
                request.headers_mut().insert(CONTENT_LENGTH, length.into());
                request
            }
            (&Method::PUT, None) | (_, Some(_)) => return None,
            (_, None) => request.body(Bytes::new()).ok()?,
        };
        add_checksum(self.name, &mut request);
        Some(request)
    }

    fn read(&self, response: &Response<Bytes>) -> Option<Map<String, Value>> {
        let mut output = Map::with_capacity(self.gives.len() + 1);
        for (member, header, comes) in self.gives {
            let Some(value) = response.headers().get(HeaderName::from_static(header)) else {
                continue;
            };
            let text = value.to_str().ok()?;
            let value = match comes {
                Comes::Text => Value::from(text),
                Comes::Flag => Value::from(text.parse::<bool>().ok()?),
                Comes::Number => Value::from(text.parse::<i64>().ok()?),
            };
            output.insert((*member).to_owned(), value);
        }
        if self.gives_body {
            output.insert("Body".to_owned(), blob::encode(response.body()).into());
        }
        Some(output)
    }
}

/// What the `Host` of a request in origin form says.
fn host_of(line: &Line) -> Option<HeaderValue> {
    let (_, authority) = line.endpoint().split_once("://")?;
    HeaderValue::from_str(authority).ok()
}

/// Whether a text stands in a path as it is but for its spaces.
fn is_plain_path(text: &str) -> bool {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-_.~/ ".contains(&byte);
    !text.is_empty() && text.bytes().all(plain) && text.split('/').all(|segment| !matches!(segment, "" | "." | ".."))
}

fn failure_in_xml(body: &Bytes) -> Failure {
    let text = String::from_utf8_lossy(body);
    let element = |open: &str, close: &str| {
        let (_, rest) = text.split_once(open)?;
        let (content, _) = rest.split_once(close)?;
        Some(unescape(content).ok()?.into_owned())
    };
    Failure {
        code: element("<Code>", "</Code>"),
        message: element("<Message>", "</Message>"),
    }
}
