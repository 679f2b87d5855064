//! Turns the unsigned request that an SDK serialized into one of the other forms a client may send: presigned, HTML form upload,
//! aws-chunked with signed chunks, aws-chunked with an unsigned payload and a trailer. The plain header form is the SDKs' own.

use std::borrow::Cow;
use std::time::{Duration, SystemTime};

use aws_credential_types::Credentials;
use aws_sigv4::http_request::{
    PayloadChecksumKind, PercentEncodingMode, SignableBody, SignableRequest, SignatureLocation, SigningSettings,
    UriPathNormalizationMode, sign,
};
use aws_sigv4::sign::v4;
use bytes::Bytes;
use countersign_model::case::Shape;
use http::header::{
    AUTHORIZATION, CONTENT_ENCODING, CONTENT_LENGTH, CONTENT_TYPE, HeaderName, HeaderValue, REFERER, USER_AGENT,
};
use http::{Method, Request, Uri};
use jiff::Timestamp;
use serde_json::json;

use super::blob;
use super::connector::Facts;
use crate::hexadecimal::sha256_hex;

/// How long presigned URLs and form policies are good for.
pub(crate) const VALID_FOR: Duration = Duration::from_secs(900);
/// Size of one chunk of an aws-chunked body.
const CHUNK: usize = 64 * 1024;
/// Headers that SDKs add for themselves and leave out of presigned URLs.
const SDK_HEADERS: [&str; 6] = [
    "amz-sdk-invocation-id",
    "amz-sdk-request",
    "x-amz-user-agent",
    "x-amz-checksum-mode",
    "x-amz-sdk-checksum-algorithm",
    CHECKSUM,
];
const STREAMING: &str = "STREAMING-AWS4-HMAC-SHA256-PAYLOAD";
const CHECKSUM: &str = "x-amz-checksum-crc32";

/// Signs a request whose signature goes into the `Authorization` header, for calls that no SDK here makes.
///
/// # Errors
/// What cannot be signed.
pub(crate) fn sign_header(
    request: Request<Bytes>,
    service: &str,
    credentials: &Credentials,
    region: &str,
    now: SystemTime,
) -> Result<Request<Bytes>, String> {
    let scope = Scope {
        service,
        credentials,
        region,
        now,
    };
    let body = request.body().clone();
    Ok(scope
        .sign(request, SignableBody::Bytes(&body), SignatureLocation::Headers, |_| {
            true
        })?
        .0)
}

/// Gives an unsigned request the form that the case asks for.
///
/// # Errors
/// Why the request cannot have that form.
pub(crate) fn apply(
    request: Request<Bytes>,
    service: &str,
    facts: &Facts,
    now: SystemTime,
) -> Result<Request<Bytes>, String> {
    let Some(credentials) = &facts.credentials else {
        return match facts.shape {
            Shape::Header => Ok(request),
            Shape::PostForm => form(&request, None, &FormPolicy::default()),
            shape => Err(format!("an anonymous request cannot be {shape:?}")),
        };
    };
    let scope = Scope {
        service,
        credentials,
        region: &facts.region,
        now,
    };
    match facts.shape {
        Shape::Header => sign_header(request, service, credentials, &facts.region, now),
        Shape::Presigned => presigned(request, &scope),
        Shape::PostForm => form(&request, Some(&scope), &FormPolicy::default()),
        Shape::Chunked => chunked(request, &scope),
        Shape::UnsignedTrailer => unsigned_trailer(request, &scope),
    }
}

/// How the policy of a form differs from one that names just what the form has.
#[derive(Debug, Clone, Default)]
pub(crate) struct FormPolicy {
    /// The bucket that the policy and a field of the form name, where it is not the one that the form goes to.
    pub(crate) bucket: Option<String>,
    /// One condition more.
    pub(crate) condition: Option<serde_json::Value>,
}

/// The HTML form of an unsigned PutObject request, with a policy of its own.
///
/// # Errors
/// Why the request cannot have that form.
pub(crate) fn form_under(
    request: &Request<Bytes>,
    facts: &Facts,
    now: SystemTime,
    policy: &FormPolicy,
) -> Result<Request<Bytes>, String> {
    let credentials = facts
        .credentials
        .as_ref()
        .ok_or_else(|| "nobody signs the policy of this form".to_owned())?;
    let scope = Scope {
        service: "s3",
        credentials,
        region: &facts.region,
        now,
    };
    form(request, Some(&scope), policy)
}

/// The request as it goes to a presigned URL: the URL's method, address and headers, and of the old one what a plain HTTP client sends.
pub(crate) fn apply_presigned(request: Request<Bytes>, presigned: &Request<()>) -> Request<Bytes> {
    let mut moved = Request::new(request.body().clone());
    *moved.method_mut() = presigned.method().clone();
    *moved.uri_mut() = presigned.uri().clone();
    for name in [USER_AGENT, REFERER, CONTENT_LENGTH, CONTENT_TYPE] {
        if let Some(value) = request.headers().get(&name) {
            moved.headers_mut().insert(name, value.clone());
        }
    }
    for (name, value) in presigned.headers() {
        moved.headers_mut().insert(name.clone(), value.clone());
    }
    moved
}

struct Scope<'a> {
    service: &'a str,
    credentials: &'a Credentials,
    region: &'a str,
    now: SystemTime,
}

impl Scope<'_> {
    /// Signs and returns the request with its signature.
    fn sign(
        &self,
        mut request: Request<Bytes>,
        body: SignableBody<'_>,
        location: SignatureLocation,
        signed: impl Fn(&HeaderName) -> bool,
    ) -> Result<(Request<Bytes>, String), String> {
        let mut settings = SigningSettings::default();
        settings.signature_location = location;
        if location == SignatureLocation::QueryParams {
            settings.expires_in = Some(VALID_FOR);
        }
        if self.service == "s3" {
            settings.percent_encoding_mode = PercentEncodingMode::Single;
            settings.uri_path_normalization_mode = UriPathNormalizationMode::Disabled;
            if location == SignatureLocation::Headers {
                settings.payload_checksum_kind = PayloadChecksumKind::XAmzSha256;
            }
        }
        let identity = self.credentials.clone().into();
        let parameters = v4::SigningParams::builder()
            .identity(&identity)
            .region(self.region)
            .name(self.service)
            .time(self.now)
            .settings(settings)
            .build()
            .map_err(|error| error.to_string())?
            .into();
        let uri = request.uri().to_string();
        let method = request.method().as_str().to_owned();
        let headers: Vec<(String, String)> = request
            .headers()
            .iter()
            .filter(|(name, _)| signed(name))
            .filter_map(|(name, value)| Some((name.as_str().to_owned(), value.to_str().ok()?.to_owned())))
            .collect();
        let signable = SignableRequest::new(
            &method,
            Cow::Borrowed(uri.as_str()),
            headers.iter().map(|(name, value)| (name.as_str(), value.as_str())),
            body,
        )
        .map_err(|error| error.to_string())?;
        let (instructions, signature) = sign(signable, &parameters)
            .map_err(|error| error.to_string())?
            .into_parts();
        instructions.apply_to_request_http1x(&mut request);
        Ok((request, signature))
    }

    fn date_time(&self) -> Result<String, String> {
        let instant = Timestamp::try_from(self.now).map_err(|error| error.to_string())?;
        Ok(instant.strftime("%Y%m%dT%H%M%SZ").to_string())
    }

    fn credential_scope(&self, date_time: &str) -> String {
        format!("{}/{}/{}/aws4_request", &date_time[..8], self.region, self.service)
    }

    fn calculate(&self, text: &str) -> String {
        let key = v4::generate_signing_key(
            self.credentials.secret_access_key(),
            self.now,
            self.region,
            self.service,
        );
        v4::calculate_signature(key, text.as_bytes())
    }
}

/// A presigned URL signs `host` and the `x-amz-…` headers that mean something; what SDKs add for themselves stays out.
fn presigned(mut request: Request<Bytes>, scope: &Scope<'_>) -> Result<Request<Bytes>, String> {
    for name in SDK_HEADERS {
        request.headers_mut().remove(name);
    }
    let bytes = request.body().clone();
    let body = if scope.service == "s3" {
        SignableBody::UnsignedPayload
    } else {
        SignableBody::Bytes(&bytes)
    };
    Ok(scope
        .sign(request, body, SignatureLocation::QueryParams, |name| {
            name.as_str().starts_with("x-amz-")
        })?
        .0)
}

/// aws-chunked with a signature on every chunk.
fn chunked(mut request: Request<Bytes>, scope: &Scope<'_>) -> Result<Request<Bytes>, String> {
    only_uploads(&request, scope, Shape::Chunked)?;
    let body = request.body().clone();
    let pieces: Vec<&[u8]> = body.chunks(CHUNK).chain(std::iter::once(&[][..])).collect();
    // The length is announced before the signatures are known: they are always 64 hexadecimal digits.
    let frame = |piece: &[u8]| format!("{:x};chunk-signature=", piece.len()).len() + 64 + 2 + piece.len() + 2;
    let length: usize = pieces.iter().map(|piece| frame(piece)).sum();
    announce(&mut request, body.len(), length);
    let (mut request, seed) = scope.sign(
        request,
        SignableBody::Precomputed(STREAMING.to_owned()),
        SignatureLocation::Headers,
        |name| name != AUTHORIZATION,
    )?;
    let date_time = scope.date_time()?;
    let mut previous = seed;
    let mut encoded = Vec::with_capacity(length);
    for piece in pieces {
        let text = format!(
            "AWS4-HMAC-SHA256-PAYLOAD\n{date_time}\n{}\n{previous}\n{}\n{}",
            scope.credential_scope(&date_time),
            sha256_hex(b""),
            sha256_hex(piece)
        );
        previous = scope.calculate(&text);
        encoded.extend_from_slice(format!("{:x};chunk-signature={previous}\r\n", piece.len()).as_bytes());
        encoded.extend_from_slice(piece);
        encoded.extend_from_slice(b"\r\n");
    }
    *request.body_mut() = Bytes::from(encoded);
    Ok(request)
}

/// aws-chunked with an unsigned payload; the checksum that the SDK computed travels as the trailer.
fn unsigned_trailer(mut request: Request<Bytes>, scope: &Scope<'_>) -> Result<Request<Bytes>, String> {
    only_uploads(&request, scope, Shape::UnsignedTrailer)?;
    let checksum = request
        .headers_mut()
        .remove(CHECKSUM)
        .ok_or_else(|| format!("this operation carries no `{CHECKSUM}` to put into a trailer"))?;
    let checksum = checksum.to_str().map_err(|error| error.to_string())?.to_owned();
    let body = request.body().clone();
    let mut encoded = Vec::new();
    for piece in body.chunks(CHUNK) {
        encoded.extend_from_slice(format!("{:x}\r\n", piece.len()).as_bytes());
        encoded.extend_from_slice(piece);
        encoded.extend_from_slice(b"\r\n");
    }
    encoded.extend_from_slice(format!("0\r\n{CHECKSUM}:{checksum}\r\n\r\n").as_bytes());
    announce(&mut request, body.len(), encoded.len());
    request
        .headers_mut()
        .insert("x-amz-trailer", HeaderValue::from_static(CHECKSUM));
    let (mut request, _) = scope.sign(
        request,
        SignableBody::StreamingUnsignedPayloadTrailer,
        SignatureLocation::Headers,
        |name| name != AUTHORIZATION,
    )?;
    *request.body_mut() = Bytes::from(encoded);
    Ok(request)
}

/// The tags of a header, `a=b&c=d`, as the XML that a form has in their place.
fn tagging_field(header: &str) -> Result<String, String> {
    let escaped = |text: &str| -> Result<String, String> {
        let text = percent_decoded(&text.replace('+', " "))?;
        Ok(text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;"))
    };
    let mut tags = String::new();
    for pair in header.split('&').filter(|pair| !pair.is_empty()) {
        let (key, value) = pair.split_once('=').unwrap_or((pair, ""));
        tags.push_str(&format!(
            "<Tag><Key>{}</Key><Value>{}</Value></Tag>",
            escaped(key)?,
            escaped(value)?
        ));
    }
    Ok(format!("<Tagging><TagSet>{tags}</TagSet></Tagging>"))
}

/// An HTML form upload: the PutObject request's headers become fields, and the policy document names each of them.
fn form(request: &Request<Bytes>, scope: Option<&Scope<'_>>, policy: &FormPolicy) -> Result<Request<Bytes>, String> {
    if request.method() != Method::PUT || scope.is_some_and(|scope| scope.service != "s3") {
        return Err("only s3:PutObject can be an HTML form upload".to_owned());
    }
    let path = request.uri().path();
    let (bucket, key) = path
        .trim_start_matches('/')
        .split_once('/')
        .filter(|(bucket, key)| !bucket.is_empty() && !key.is_empty())
        .ok_or_else(|| "only s3:PutObject can be an HTML form upload".to_owned())?;
    let mut fields = vec![("key".to_owned(), percent_decoded(key)?)];
    for (name, value) in request.headers() {
        let value = value.to_str().map_err(|error| error.to_string())?.to_owned();
        match name.as_str() {
            "x-amz-acl" => fields.push(("acl".to_owned(), value)),
            "content-type" => fields.push(("Content-Type".to_owned(), value)),
            "x-amz-user-agent" | "x-amz-sdk-checksum-algorithm" | CHECKSUM => {}
            "x-amz-tagging" => fields.push(("tagging".to_owned(), tagging_field(&value)?)),
            name if name.starts_with("x-amz-") => fields.push((name.to_owned(), value)),
            _ => {}
        }
    }
    if let Some(other) = &policy.bucket {
        fields.push(("bucket".to_owned(), other.clone()));
    }
    if let Some(scope) = scope {
        sign_form(scope, bucket, policy, &mut fields)?;
    }
    let boundary = format!("countersign-{}", &sha256_hex(request.body())[..16]);
    let mut body = Vec::new();
    for (name, value) in &fields {
        body.extend_from_slice(
            format!("--{boundary}\r\nContent-Disposition: form-data; name=\"{name}\"\r\n\r\n{value}\r\n").as_bytes(),
        );
    }
    body.extend_from_slice(
        format!("--{boundary}\r\nContent-Disposition: form-data; name=\"file\"; filename=\"file\"\r\nContent-Type: application/octet-stream\r\n\r\n").as_bytes(),
    );
    body.extend_from_slice(request.body());
    body.extend_from_slice(format!("\r\n--{boundary}--\r\n").as_bytes());
    let authority = request.uri().authority().map_or("", |authority| authority.as_str());
    let uri: Uri = format!("http://{authority}/{bucket}")
        .parse()
        .map_err(|error| format!("no address for the form: {error}"))?;
    let mut upload = Request::new(Bytes::from(body));
    *upload.method_mut() = Method::POST;
    *upload.uri_mut() = uri;
    for kept in [USER_AGENT, REFERER] {
        if let Some(value) = request.headers().get(&kept) {
            upload.headers_mut().insert(kept, value.clone());
        }
    }
    let content_type = format!("multipart/form-data; boundary={boundary}");
    upload.headers_mut().insert(
        CONTENT_TYPE,
        HeaderValue::from_str(&content_type).map_err(|error| error.to_string())?,
    );
    let length = upload.body().len();
    upload.headers_mut().insert(CONTENT_LENGTH, HeaderValue::from(length));
    Ok(upload)
}

fn sign_form(
    scope: &Scope<'_>,
    bucket: &str,
    policy: &FormPolicy,
    fields: &mut Vec<(String, String)>,
) -> Result<(), String> {
    let date_time = scope.date_time()?;
    fields.push(("x-amz-algorithm".to_owned(), "AWS4-HMAC-SHA256".to_owned()));
    fields.push((
        "x-amz-credential".to_owned(),
        format!(
            "{}/{}",
            scope.credentials.access_key_id(),
            scope.credential_scope(&date_time)
        ),
    ));
    fields.push(("x-amz-date".to_owned(), date_time));
    if let Some(token) = scope.credentials.session_token() {
        fields.push(("x-amz-security-token".to_owned(), token.to_owned()));
    }
    let mut conditions = vec![json!({"bucket": policy.bucket.as_deref().unwrap_or(bucket)})];
    conditions.extend(policy.condition.clone());
    let said = fields.iter().filter(|(name, _)| name != "bucket");
    conditions.extend(said.map(|(name, value)| json!({ name: value })));
    let expires = Timestamp::try_from(scope.now + VALID_FOR).map_err(|error| error.to_string())?;
    let policy = json!({
        "expiration": expires.strftime("%Y-%m-%dT%H:%M:%S.000Z").to_string(),
        "conditions": conditions,
    });
    let policy = blob::encode(policy.to_string());
    let signature = scope.calculate(&policy);
    fields.push(("policy".to_owned(), policy));
    fields.push(("x-amz-signature".to_owned(), signature));
    Ok(())
}

fn only_uploads(request: &Request<Bytes>, scope: &Scope<'_>, shape: Shape) -> Result<(), String> {
    if scope.service == "s3" && request.method() == Method::PUT {
        Ok(())
    } else {
        Err(format!("{shape:?} is a form of S3 uploads only"))
    }
}

fn announce(request: &mut Request<Bytes>, decoded: usize, encoded: usize) {
    let headers = request.headers_mut();
    headers.insert(CONTENT_ENCODING, HeaderValue::from_static("aws-chunked"));
    headers.insert("x-amz-decoded-content-length", HeaderValue::from(decoded));
    headers.insert(CONTENT_LENGTH, HeaderValue::from(encoded));
}

/// Text with its `%XX` replaced.
///
/// # Errors
/// When the bytes are not UTF-8.
pub(crate) fn percent_decoded(text: &str) -> Result<String, String> {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let Some((&first, tail)) = rest.split_first() {
        let digits = tail.get(..2).and_then(|digits| std::str::from_utf8(digits).ok());
        match (first, digits.and_then(|digits| u8::from_str_radix(digits, 16).ok())) {
            (b'%', Some(byte)) => {
                bytes.push(byte);
                rest = &tail[2..];
            }
            _ => {
                bytes.push(first);
                rest = tail;
            }
        }
    }
    String::from_utf8(bytes).map_err(|error| error.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn facts(shape: Shape) -> Facts {
        Facts {
            credentials: Some(Credentials::new(
                "AKIAIOSFODNN7EXAMPLE",
                "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY",
                None,
                None,
                "test",
            )),
            region: "us-east-1".to_owned(),
            shape,
            ..Facts::default()
        }
    }

    fn upload(body: &'static [u8]) -> Request<Bytes> {
        Request::builder()
            .method(Method::PUT)
            .uri("http://127.0.0.1:4566/bucket/a%20key.txt?x-id=PutObject")
            .header(CHECKSUM, "AAAAAA==")
            .header("x-amz-server-side-encryption", "aws:kms")
            .body(Bytes::from_static(body))
            .expect("a well-formed request")
    }

    #[test]
    fn a_signed_chunked_body_has_the_announced_length_and_ends_with_an_empty_chunk() {
        let now = SystemTime::UNIX_EPOCH + Duration::from_secs(1_369_353_600);
        let request = apply(upload(b"hello"), "s3", &facts(Shape::Chunked), now).expect("an upload can be chunked");
        assert_eq!(request.headers()[CONTENT_LENGTH], request.body().len().to_string());
        assert_eq!(request.headers()["x-amz-decoded-content-length"], "5");
        assert_eq!(request.headers()["x-amz-content-sha256"], STREAMING);
        let text = std::str::from_utf8(request.body()).expect("the body is text");
        assert!(text.starts_with("5;chunk-signature="), "{text}");
        assert!(text.contains("\r\nhello\r\n0;chunk-signature="), "{text}");
    }

    #[test]
    fn a_trailer_carries_the_checksum() {
        let request = apply(
            upload(b"hello"),
            "s3",
            &facts(Shape::UnsignedTrailer),
            SystemTime::UNIX_EPOCH,
        )
        .expect("it can");
        assert!(!request.headers().contains_key(CHECKSUM));
        assert_eq!(
            &request.body()[..],
            b"5\r\nhello\r\n0\r\nx-amz-checksum-crc32:AAAAAA==\r\n\r\n"
        );
        assert_eq!(
            request.headers()["x-amz-content-sha256"],
            "STREAMING-UNSIGNED-PAYLOAD-TRAILER"
        );
    }

    #[test]
    fn a_presigned_url_carries_the_signature_and_signs_what_matters() {
        let request = apply(upload(b"hello"), "s3", &facts(Shape::Presigned), SystemTime::UNIX_EPOCH).expect("it can");
        let query = request.uri().query().expect("a query");
        for part in [
            "X-Amz-Signature=",
            "X-Amz-Expires=900",
            "X-Amz-SignedHeaders=host%3Bx-amz-server-side-encryption",
        ] {
            assert!(query.contains(part), "{part} in {query}");
        }
        assert!(!request.headers().contains_key(AUTHORIZATION));
    }

    #[test]
    fn a_form_names_every_field_in_its_policy() {
        let request = apply(upload(b"hello"), "s3", &facts(Shape::PostForm), SystemTime::UNIX_EPOCH).expect("it can");
        assert_eq!(request.method(), Method::POST);
        assert_eq!(request.uri().path(), "/bucket");
        let text = String::from_utf8(request.body().to_vec()).expect("text");
        assert!(text.contains("name=\"key\"\r\n\r\na key.txt\r\n"), "{text}");
        assert!(
            text.contains("name=\"x-amz-server-side-encryption\"\r\n\r\naws:kms\r\n"),
            "{text}"
        );
        assert!(text.contains("name=\"x-amz-signature\""), "{text}");
    }

    #[test]
    fn what_is_no_upload_is_refused() {
        let get = || {
            let mut request = upload(b"");
            *request.method_mut() = Method::GET;
            request
        };
        for shape in [Shape::Chunked, Shape::UnsignedTrailer, Shape::PostForm] {
            assert!(
                apply(get(), "s3", &facts(shape), SystemTime::UNIX_EPOCH).is_err(),
                "{shape:?}"
            );
            assert!(
                apply(upload(b""), "kms", &facts(shape), SystemTime::UNIX_EPOCH).is_err(),
                "{shape:?}"
            );
        }
    }
}
