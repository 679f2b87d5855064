//! A few HTTP requests to a fresh emulator, called directly.
//!
//! Requests are texts: a line `METHOD TARGET`, header lines, an empty line, the body; a line `===` stands between two. A third word of
//! the first line is a service in whose name the root user of an account signs the request, so that it gets past the signature.

use bytes::Bytes;
use countersign_emulator::{Emulator, EmulatorOptions, Sources};
use http::Request;
use sha2::{Digest as _, Sha256};

use super::FuzzTarget;
use crate::hexadecimal::{hex, sha256_hex};

/// The target `http_request`.
pub const TARGET: FuzzTarget = FuzzTarget {
    name: "http_request",
    property: "the emulator answers any requests, signed or not, and the same requests alike; what it calls JSON is JSON",
    check,
    // What came is a response, not a decision of a policy: no Case says it.
    case: |_| None,
    smallest: |_| None,
};

/// Requests of an input at most.
const REQUESTS: usize = 6;
/// The instant at which the emulator's clock stands, and as a signature has it.
const NOW: (&str, &str) = ("2026-11-22T12:00:00Z", "20261122T120000Z");
const ROOT: (&str, &str) = ("111122223333", "test");
const HOST: &str = "localhost:4566";

fn check(input: &[u8]) -> Result<(), String> {
    let Ok(text) = std::str::from_utf8(input) else {
        return Ok(());
    };
    // Searching RSA primes takes seconds and shows nothing.
    if text.contains("RSA_") {
        return Ok(());
    }
    let first = answers(text)?;
    let again = answers(text)?;
    if first != again {
        return Err(format!("the same requests, other answers:\n{first:#?}\n{again:#?}"));
    }
    Ok(())
}

fn answers(text: &str) -> Result<Vec<(u16, Bytes)>, String> {
    let emulator = Emulator::new(EmulatorOptions {
        sources: Sources::seeded(1, NOW.0.parse().expect("a timestamp")),
        ..EmulatorOptions::default()
    });
    let mut answers = Vec::new();
    for request in text.split("\n===\n").take(REQUESTS).filter_map(request) {
        let response = emulator.handle(request);
        let (parts, body) = response.into_parts();
        let content_type = parts.headers.get("content-type").and_then(|value| value.to_str().ok());
        // An object comes back with the content type that its writer gave it, whatever it is.
        let is_object = parts.headers.contains_key("etag");
        let is_json = !is_object && content_type.is_some_and(|kind| kind.starts_with("application/x-amz-json"));
        if is_json && !body.is_empty() && serde_json::from_slice::<serde::de::IgnoredAny>(&body).is_err() {
            return Err(format!("not JSON: {}", String::from_utf8_lossy(&body)));
        }
        answers.push((parts.status.as_u16(), body));
    }
    Ok(answers)
}

/// One request; none where the text is none that HTTP could carry.
fn request(text: &str) -> Option<Request<Bytes>> {
    let (head, body) = text.split_once("\n\n").unwrap_or((text, ""));
    let mut lines = head.split('\n');
    let mut words = lines.next()?.split(' ');
    let (method, target, service) = (words.next()?, words.next()?, words.next());
    let mut headers: Vec<(String, String)> = lines
        .filter_map(|line| line.split_once(": "))
        .map(|(name, value)| (name.to_ascii_lowercase(), value.to_owned()))
        .collect();
    if let Some(service) = service {
        sign(method, target, service, &mut headers, body.as_bytes());
    }
    let mut request = Request::builder().method(method).uri(target);
    for (name, value) in headers {
        request = request.header(name, value);
    }
    request.body(Bytes::copy_from_slice(body.as_bytes())).ok()
}

/// Signature Version 4 in the `Authorization` header, by the root user.
fn sign(method: &str, target: &str, service: &str, headers: &mut Vec<(String, String)>, body: &[u8]) {
    const OWN: &[&str] = &["host", "x-amz-date", "x-amz-content-sha256", "authorization"];
    headers.retain(|(name, _)| !OWN.contains(&name.as_str()));
    let payload = sha256_hex(body);
    headers.push(("host".to_owned(), HOST.to_owned()));
    headers.push(("x-amz-date".to_owned(), NOW.1.to_owned()));
    headers.push(("x-amz-content-sha256".to_owned(), payload.clone()));
    headers.sort();
    let (path, query) = target.split_once('?').unwrap_or((target, ""));
    let mut pairs: Vec<String> = query
        .split('&')
        .filter(|pair| !pair.is_empty())
        .map(|pair| {
            if pair.contains('=') {
                pair.to_owned()
            } else {
                format!("{pair}=")
            }
        })
        .collect();
    pairs.sort();
    let names: Vec<&str> = headers.iter().map(|(name, _)| name.as_str()).collect();
    let signed = names.join(";");
    let lines: String = headers
        .iter()
        .map(|(name, value)| format!("{name}:{}\n", value.trim()))
        .collect();
    let canonical = format!("{method}\n{path}\n{}\n{lines}\n{signed}\n{payload}", pairs.join("&"));
    let day = &NOW.1[..8];
    let scope = format!("{day}/us-east-1/{service}/aws4_request");
    let to_sign = format!(
        "AWS4-HMAC-SHA256\n{}\n{scope}\n{}",
        NOW.1,
        sha256_hex(canonical.as_bytes())
    );
    let mut key = format!("AWS4{}", ROOT.1).into_bytes();
    for part in [day, "us-east-1", service, "aws4_request"] {
        key = mac(&key, part.as_bytes());
    }
    let signature = hex(&mac(&key, to_sign.as_bytes()));
    headers.push((
        "authorization".to_owned(),
        format!(
            "AWS4-HMAC-SHA256 Credential={}/{scope}, SignedHeaders={signed}, Signature={signature}",
            ROOT.0
        ),
    ));
}

/// HMAC-SHA-256 (RFC 2104).
fn mac(key: &[u8], message: &[u8]) -> Vec<u8> {
    let mut block = [0_u8; 64];
    if key.len() > block.len() {
        block[..32].copy_from_slice(&Sha256::digest(key));
    } else {
        block[..key.len()].copy_from_slice(key);
    }
    let inner = Sha256::new_with_prefix(block.map(|byte| byte ^ 0x36))
        .chain_update(message)
        .finalize();
    Sha256::new_with_prefix(block.map(|byte| byte ^ 0x5c))
        .chain_update(inner)
        .finalize()
        .to_vec()
}

#[cfg(test)]
mod tests {
    use super::answers;

    /// The signature is right, or nothing behind it would ever be reached.
    #[test]
    fn signed_requests_reach_their_service() {
        let kms = "POST / kms\nx-amz-target: TrentService.CreateKey\ncontent-type: application/x-amz-json-1.1\n\n{}";
        let s3 = "PUT /data s3\n\n";
        let iam = "POST / iam\ncontent-type: application/x-www-form-urlencoded\n\nAction=CreateUser&Version=2010-05-08&UserName=alice";
        let text = [kms, s3, "GET /data?location s3\n\n", iam, "GET /data\n\n"].join("\n===\n");
        let answers = answers(&text).expect("well-formed answers");
        let statuses: Vec<u16> = answers.iter().map(|(status, _)| *status).collect();
        assert_eq!(statuses, [200, 200, 200, 200, 403], "{answers:#?}");
    }
}
