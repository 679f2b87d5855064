//! Header signatures for requests that are written here, with signing keys that are derived once. What is signed and how is AWS's
//! Signature Version 4; other forms of a signature are `shape`'s.

use std::fmt;
use std::sync::{Mutex, PoisonError};
use std::time::{SystemTime, UNIX_EPOCH};

use aws_credential_types::Credentials;
use aws_sigv4::sign::v4;
use bytes::Bytes;
use http::header::{AUTHORIZATION, HOST, HeaderName, HeaderValue, USER_AGENT};
use http::{HeaderMap, Request};
use jiff::Timestamp;

use super::shape;
use crate::hexadecimal::sha256_hex;

/// How many signing keys are remembered: the callers of a case on a few services.
const MOST_KEYS: usize = 64;
/// Headers that no signature covers.
const UNSIGNED: [HeaderName; 2] = [AUTHORIZATION, USER_AGENT];
const DATE: HeaderName = HeaderName::from_static("x-amz-date");
const CONTENT_HASH: HeaderName = HeaderName::from_static("x-amz-content-sha256");
const TOKEN: HeaderName = HeaderName::from_static("x-amz-security-token");

/// Signing keys that were derived before, the latest last. A key depends on secret, day, Region and service alone.
#[derive(Default)]
pub(crate) struct SigningKeys(Mutex<Vec<Known>>);

struct Known {
    secret: String,
    /// `20250108/us-east-1/kms/aws4_request`.
    scope: String,
    key: Vec<u8>,
}

impl fmt::Debug for SigningKeys {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("SigningKeys")
    }
}

impl SigningKeys {
    /// Signs a request in its `Authorization` header.
    ///
    /// # Errors
    /// What cannot be signed.
    pub(crate) fn sign(
        &self,
        request: Request<Bytes>,
        service: &str,
        credentials: &Credentials,
        region: &str,
        now: SystemTime,
    ) -> Result<Request<Bytes>, String> {
        let is_plain = (service == "s3" || request.uri().path() == "/") && has_plain_query(request.uri().query());
        if !is_plain {
            return shape::sign_header(request, service, credentials, region, now);
        }
        self.sign_plain(request, service, credentials, region, now)
    }

    /// The same for a path and a query that stand in the request as they stand in its canonical form.
    fn sign_plain(
        &self,
        mut request: Request<Bytes>,
        service: &str,
        credentials: &Credentials,
        region: &str,
        now: SystemTime,
    ) -> Result<Request<Bytes>, String> {
        let date_time = date_time(now)?;
        let payload = sha256_hex(request.body());
        if !request.headers().contains_key(HOST)
            && let Some(authority) = request.uri().authority()
        {
            let host = header_value(authority.as_str())?;
            request.headers_mut().insert(HOST, host);
        }
        request.headers_mut().insert(DATE, header_value(&date_time)?);
        if service == "s3" {
            request.headers_mut().insert(CONTENT_HASH, header_value(&payload)?);
        }
        if let Some(token) = credentials.session_token() {
            request.headers_mut().insert(TOKEN, header_value(token)?);
        }
        let (canonical, signed) = canonical(&request, &payload)?;
        let scope = [&date_time[..8], region, service, "aws4_request"].join("/");
        let hash = sha256_hex(canonical.as_bytes());
        let text = ["AWS4-HMAC-SHA256", &date_time, &scope, &hash].join("\n");
        let signature = self.calculate(credentials.secret_access_key(), &scope, &text, || {
            v4::generate_signing_key(credentials.secret_access_key(), now, region, service)
                .as_ref()
                .to_vec()
        });
        let authorization = [
            "AWS4-HMAC-SHA256 Credential=",
            credentials.access_key_id(),
            "/",
            &scope,
            ", SignedHeaders=",
            &signed,
            ", Signature=",
            &signature,
        ]
        .concat();
        request
            .headers_mut()
            .insert(AUTHORIZATION, header_value(&authorization)?);
        Ok(request)
    }

    fn calculate(&self, secret: &str, scope: &str, text: &str, derive: impl FnOnce() -> Vec<u8>) -> String {
        // A panic between two keys leaves whole keys behind.
        let mut keys = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let known = keys
            .iter()
            .rposition(|known| known.secret == secret && known.scope == scope);
        let at = known.unwrap_or_else(|| {
            if keys.len() == MOST_KEYS {
                keys.drain(..MOST_KEYS / 2);
            }
            keys.push(Known {
                secret: secret.to_owned(),
                scope: scope.to_owned(),
                key: derive(),
            });
            keys.len() - 1
        });
        v4::calculate_signature(&keys[at].key, text.as_bytes())
    }
}

/// The canonical request and the names of the headers that it covers.
fn canonical(request: &Request<Bytes>, payload: &str) -> Result<(String, String), String> {
    let mut text = String::with_capacity(512);
    let uri = request.uri();
    text.push_str(request.method().as_str());
    text.push('\n');
    text.push_str(uri.path());
    text.push('\n');
    write_query(&mut text, uri.query().unwrap_or_default());
    text.push('\n');
    let names = signed_names(request.headers());
    for name in &names {
        text.push_str(name.as_str());
        text.push(':');
        let mut values = request.headers().get_all(*name).iter();
        let first = values.next();
        for value in first.into_iter() {
            write_value(&mut text, value)?;
        }
        for value in values {
            text.push(',');
            write_value(&mut text, value)?;
        }
        text.push('\n');
    }
    let names: Vec<&str> = names.into_iter().map(HeaderName::as_str).collect();
    let signed = names.join(";");
    for part in ["\n", &signed, "\n", payload] {
        text.push_str(part);
    }
    Ok((text, signed))
}

fn signed_names(headers: &HeaderMap) -> Vec<&HeaderName> {
    let mut names: Vec<&HeaderName> = headers.keys().filter(|name| !UNSIGNED.contains(name)).collect();
    names.sort_unstable_by_key(|name| name.as_str());
    names
}

/// White space around a value is left out, and several spaces are one.
fn write_value(text: &mut String, value: &HeaderValue) -> Result<(), String> {
    let value = value.to_str().map_err(|error| error.to_string())?.trim();
    if !value.contains("  ") {
        text.push_str(value);
        return Ok(());
    }
    let mut words = value.split(' ').filter(|word| !word.is_empty());
    if let Some(first) = words.next() {
        text.push_str(first);
    }
    for word in words {
        text.push(' ');
        text.push_str(word);
    }
    Ok(())
}

/// Parameters in the order of their names, each with a `=`.
fn write_query(text: &mut String, query: &str) {
    let mut pairs: Vec<(&str, &str)> = query
        .split('&')
        .filter(|pair| !pair.is_empty())
        .map(|pair| pair.split_once('=').unwrap_or((pair, "")))
        .collect();
    pairs.sort_unstable();
    for (position, (name, value)) in pairs.into_iter().enumerate() {
        if position > 0 {
            text.push('&');
        }
        text.push_str(name);
        text.push('=');
        text.push_str(value);
    }
}

/// Whether a query is written as its canonical form writes it: all but unreserved characters percent-encoded.
fn has_plain_query(query: Option<&str>) -> bool {
    query
        .unwrap_or_default()
        .bytes()
        .all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'.' | b'_' | b'~' | b'%' | b'&' | b'='))
}

fn header_value(text: &str) -> Result<HeaderValue, String> {
    HeaderValue::from_str(text).map_err(|error| error.to_string())
}

fn date_time(now: SystemTime) -> Result<String, String> {
    let since = now.duration_since(UNIX_EPOCH).map_err(|error| error.to_string())?;
    let seconds = i64::try_from(since.as_secs()).map_err(|error| error.to_string())?;
    let instant = Timestamp::from_second(seconds).map_err(|error| error.to_string())?;
    let moment = instant.to_zoned(jiff::tz::TimeZone::UTC);
    Ok(format!(
        "{:04}{:02}{:02}T{:02}{:02}{:02}Z",
        moment.year(),
        moment.month(),
        moment.day(),
        moment.hour(),
        moment.minute(),
        moment.second()
    ))
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    /// The signature that AWS's own signer makes of the same request.
    fn of_aws(request: &Request<Bytes>, service: &str, credentials: &Credentials, now: SystemTime) -> String {
        let mut unsigned = request.clone();
        for name in [AUTHORIZATION, DATE, CONTENT_HASH, TOKEN] {
            unsigned.headers_mut().remove(name);
        }
        let signed = shape::sign_header(unsigned, service, credentials, "eu-west-1", now).expect("it can be signed");
        authorization(&signed)
    }

    fn authorization(request: &Request<Bytes>) -> String {
        let value = request.headers().get(AUTHORIZATION).expect("it is signed");
        value.to_str().expect("plain text").to_owned()
    }

    #[test]
    fn signatures_are_those_of_the_sdks_signer() {
        let now = SystemTime::UNIX_EPOCH + Duration::from_secs(1_763_769_600);
        let keys = SigningKeys::default();
        let permanent = Credentials::new("AKIA1", "secret", None, None, "test");
        let temporary = Credentials::new("ASIA1", "other", Some("token/+=".to_owned()), None, "test");
        let requests = [
            ("kms", "POST", "http://127.0.0.1/", "{}"),
            ("s3", "PUT", "http://127.0.0.1/data/?policy", "{\"a\": 1}"),
            (
                "s3",
                "GET",
                "http://127.0.0.1/data/a%20b/c?versionId=v&x-id=GetObject&partNumber=1",
                "",
            ),
            (
                "s3",
                "GET",
                "http://127.0.0.1/data/?list-type=2&prefix=a%2Fb&delimiter=%2F",
                "",
            ),
            ("iam", "POST", "http://127.0.0.1/", "Action=GetUser"),
        ];
        for (service, method, uri, body) in requests {
            for credentials in [&permanent, &temporary, &permanent] {
                let request = Request::builder()
                    .method(method)
                    .uri(uri)
                    .header("content-type", "application/xml")
                    .header("x-amz-meta-odd", " a   b ")
                    .body(Bytes::from(body))
                    .expect("a request of plain names");
                let signed = keys
                    .sign(request, service, credentials, "eu-west-1", now)
                    .expect("it can be signed");
                assert_eq!(
                    authorization(&signed),
                    of_aws(&signed, service, credentials, now),
                    "{service} {uri}"
                );
            }
        }
        assert!(
            keys.0.lock().expect("nobody panicked").len() <= 6,
            "keys are derived once"
        );
    }
}
