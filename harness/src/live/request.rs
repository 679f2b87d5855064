//! What a request that is about to leave would do, read off the request itself: not what somebody meant to send counts, but what is sent.

use std::collections::BTreeMap;

use bytes::Bytes;
use http::header::HOST;
use http::{Method, Request};
use serde_json::Value;

/// A request, read.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Wire {
    /// KMS.
    Kms {
        /// `PutKeyPolicy`.
        operation: String,
        /// Its parameters.
        with: Value,
    },
    /// IAM or STS.
    Query {
        /// `CreateUser`.
        operation: String,
        /// Its parameters.
        with: BTreeMap<String, String>,
    },
    /// S3.
    S3 {
        /// Whether it only reads.
        reads: bool,
        /// The bucket; none for the list of buckets.
        bucket: Option<String>,
        /// Whether it makes the bucket.
        makes_bucket: bool,
        /// Whether it deletes the bucket.
        deletes_bucket: bool,
    },
    /// The question whose account it is, and whether it is a management account.
    Organizations,
    /// Anything else: not for a live run.
    Other,
}

/// Reads a request. What cannot be read is [`Wire::Other`].
pub(super) fn read(request: &Request<Bytes>) -> Wire {
    let target = request
        .headers()
        .get("x-amz-target")
        .and_then(|target| target.to_str().ok());
    if let Some(target) = target {
        return match target.split_once('.') {
            Some(("TrentService", operation)) => match serde_json::from_slice(request.body()) {
                Ok(with) => Wire::Kms {
                    operation: operation.to_owned(),
                    with,
                },
                Err(_) => Wire::Other,
            },
            Some(("AWSOrganizationsV20161128", "DescribeOrganization")) => Wire::Organizations,
            _ => Wire::Other,
        };
    }
    let form = request
        .headers()
        .get(http::header::CONTENT_TYPE)
        .and_then(|kind| kind.to_str().ok())
        .is_some_and(|kind| kind.starts_with("application/x-www-form-urlencoded"));
    if form && request.method() == Method::POST && request.uri().path() == "/" {
        let mut with = form_of(&String::from_utf8_lossy(request.body()));
        return match with.remove("Action") {
            Some(operation) => Wire::Query { operation, with },
            None => Wire::Other,
        };
    }
    of_s3(request)
}

fn of_s3(request: &Request<Bytes>) -> Wire {
    let path = request.uri().path();
    // The REST services that a live run does not use have paths that begin with a date; no bucket's name has a slash behind four digits
    // and a dash.
    if path.starts_with("/2015-03-31/") || path.starts_with("/backup") || path.starts_with("/v20180820/") {
        return Wire::Other;
    }
    let host = request
        .uri()
        .host()
        .or_else(|| request.headers().get(HOST)?.to_str().ok())
        .unwrap_or_default();
    // A bucket in the host name is one of `<bucket>.s3.<region>.amazonaws.com`.
    let of_host = host.split_once(".s3.").map(|(bucket, _)| bucket.to_owned());
    let mut parts = path.trim_start_matches('/').splitn(2, '/');
    let first = parts.next().filter(|first| !first.is_empty()).map(decoded);
    let (bucket, key) = match of_host {
        Some(bucket) => (Some(bucket), first.is_some()),
        None => (first, parts.next().is_some_and(|key| !key.is_empty())),
    };
    let reads = matches!(*request.method(), Method::GET | Method::HEAD);
    // Every request for a part of the bucket, such as `?policy`, says so before anything else in its query.
    let whole = !key
        && request
            .uri()
            .query()
            .is_none_or(|query| query.is_empty() || query.starts_with("x-id="));
    Wire::S3 {
        reads,
        bucket,
        makes_bucket: whole && *request.method() == Method::PUT,
        deletes_bucket: whole && *request.method() == Method::DELETE,
    }
}

/// The members of a form.
pub(super) fn form_of(text: &str) -> BTreeMap<String, String> {
    let pairs = text.split('&').filter_map(|pair| pair.split_once('='));
    pairs
        .map(|(name, value)| (decoded(&name.replace('+', " ")), decoded(&value.replace('+', " "))))
        .collect()
}

/// Percent-encoded text as it is meant.
pub(super) fn decoded(text: &str) -> String {
    let bytes = text.as_bytes();
    let mut plain = Vec::with_capacity(bytes.len());
    let mut position = 0;
    while position < bytes.len() {
        let digits = bytes
            .get(position + 1..position + 3)
            .filter(|_| bytes[position] == b'%')
            .and_then(|digits| u8::from_str_radix(std::str::from_utf8(digits).ok()?, 16).ok());
        plain.push(digits.unwrap_or(bytes[position]));
        position += if digits.is_some() { 3 } else { 1 };
    }
    String::from_utf8_lossy(&plain).into_owned()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn request(method: &str, uri: &str, headers: &[(&str, &str)], body: &str) -> Request<Bytes> {
        let mut builder = Request::builder().method(method).uri(uri);
        for (name, value) in headers {
            builder = builder.header(*name, *value);
        }
        builder.body(Bytes::from(body.to_owned())).expect("a request")
    }

    #[test]
    fn requests_are_read_as_what_they_do() {
        let kms = request(
            "POST",
            "https://kms.us-east-1.amazonaws.com/",
            &[("x-amz-target", "TrentService.PutKeyPolicy")],
            r#"{"KeyId":"k"}"#,
        );
        assert_eq!(
            read(&kms),
            Wire::Kms {
                operation: "PutKeyPolicy".to_owned(),
                with: json!({"KeyId": "k"})
            }
        );
        let iam = request(
            "POST",
            "https://iam.amazonaws.com/",
            &[("content-type", "application/x-www-form-urlencoded")],
            "Action=CreateUser&Version=2010-05-08&UserName=a%2Bb+c",
        );
        assert!(
            matches!(read(&iam), Wire::Query { operation, with } if operation == "CreateUser" && with["UserName"] == "a+b c")
        );
        for (method, uri, bucket, reads, makes, deletes) in [
            ("GET", "http://127.0.0.1:1/", None, true, false, false),
            (
                "PUT",
                "http://127.0.0.1:1/b?x-id=CreateBucket",
                Some("b"),
                false,
                true,
                false,
            ),
            (
                "PUT",
                "https://b.s3.us-east-1.amazonaws.com/",
                Some("b"),
                false,
                true,
                false,
            ),
            (
                "PUT",
                "https://b.s3.us-east-1.amazonaws.com/k",
                Some("b"),
                false,
                false,
                false,
            ),
            ("PUT", "http://127.0.0.1:1/b?policy", Some("b"), false, false, false),
            ("PUT", "http://127.0.0.1:1/b/k", Some("b"), false, false, false),
            ("DELETE", "http://127.0.0.1:1/b/", Some("b"), false, false, true),
            ("DELETE", "http://127.0.0.1:1/b/k", Some("b"), false, false, false),
            ("HEAD", "http://127.0.0.1:1/b/k", Some("b"), true, false, false),
        ] {
            let expected = Wire::S3 {
                reads,
                bucket: bucket.map(str::to_owned),
                makes_bucket: makes,
                deletes_bucket: deletes,
            };
            assert_eq!(read(&request(method, uri, &[], "")), expected, "{method} {uri}");
        }
        for (uri, headers) in [
            ("http://127.0.0.1:1/2015-03-31/functions", vec![]),
            ("http://127.0.0.1:1/v20180820/configuration/publicAccessBlock", vec![]),
            (
                "http://127.0.0.1:1/",
                vec![("x-amz-target", "DynamoDB_20120810.CreateTable")],
            ),
            ("http://127.0.0.1:1/", vec![("x-amz-target", "TrentService.CreateKey")]),
        ] {
            assert_eq!(read(&request("POST", uri, &headers, "no json")), Wire::Other, "{uri}");
        }
    }
}
