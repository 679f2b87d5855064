//! Calls that no SDK here makes, or that must work whatever became of a run: KMS, IAM, STS, S3 and the one question to Organizations, signed
//! here. They go over the same line, under the same rails.

use std::sync::Arc;

use aws_credential_types::Credentials;
use bytes::Bytes;
use http::header::{CONTENT_LENGTH, CONTENT_TYPE};
use http::{Method, Request};
use serde_json::Value;

use super::options::GLOBAL_REGION;
use crate::target::TargetError;
use crate::target::connector::Line;
use crate::target::shape;

/// Somebody who calls.
#[derive(Debug, Clone)]
pub struct Raw {
    line: Arc<Line>,
    credentials: Credentials,
    region: String,
}

/// What a service refused.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct RawFailure {
    /// HTTP status.
    pub(super) status: u16,
    /// Error code.
    pub(super) code: String,
    /// Error message.
    pub(super) message: String,
}

impl RawFailure {
    /// Whether it says that the thing is not there.
    pub(super) fn is_absence(&self) -> bool {
        self.status == 404
            || matches!(
                self.code.as_str(),
                "NoSuchEntity" | "NotFoundException" | "NoSuchBucket"
            )
    }
}

impl std::fmt::Display for RawFailure {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(formatter, "{} {}: {}", self.status, self.code, self.message)
    }
}

/// An answer, or what was refused; the outer error is nobody's answer.
pub(super) type RawResult<T> = Result<Result<T, RawFailure>, TargetError>;

impl Raw {
    /// A caller on a line.
    pub(crate) fn new(line: Arc<Line>, credentials: Credentials, region: &str) -> Self {
        Self {
            line,
            credentials,
            region: region.to_owned(),
        }
    }

    /// An operation of KMS.
    pub(super) async fn kms(&self, operation: &str, with: &Value) -> RawResult<Value> {
        let target = format!("TrentService.{operation}");
        self.json("kms", operation, &target, &self.region, with).await
    }

    /// `DescribeOrganization`.
    pub(super) async fn describe_organization(&self) -> RawResult<Value> {
        let operation = "DescribeOrganization";
        let target = format!("AWSOrganizationsV20161128.{operation}");
        let nothing = Value::Object(serde_json::Map::new());
        self.json("organizations", operation, &target, GLOBAL_REGION, &nothing)
            .await
    }

    /// An operation of IAM or STS, with its answer's XML.
    pub(super) async fn query(&self, service: &str, operation: &str, with: &[(&str, &str)]) -> RawResult<String> {
        let version = if service == "sts" { "2011-06-15" } else { "2010-05-08" };
        let mut body = format!("Action={operation}&Version={version}");
        for (name, value) in with {
            body.push_str(&format!("&{name}={}", encoded(value, false)));
        }
        let request = Request::builder()
            .method(Method::POST)
            .uri(format!("{}/", self.line.endpoint_of(service)))
            .header(CONTENT_TYPE, "application/x-www-form-urlencoded");
        let region = if service == "sts" { &self.region } else { GLOBAL_REGION };
        let answer = self.send(service, operation, region, request, body.into()).await?;
        Ok(xml(&answer))
    }

    /// A request to S3. `key` is the object's; `query` is in canonical form, such as `versions=`.
    pub(super) async fn s3(
        &self,
        operation: &str,
        method: Method,
        bucket: &str,
        key: Option<&str>,
        query: &str,
    ) -> RawResult<String> {
        let path = key.map_or_else(
            || format!("/{bucket}"),
            |key| format!("/{bucket}/{}", encoded(key, true)),
        );
        let query = if query.is_empty() {
            String::new()
        } else {
            format!("?{query}")
        };
        let request = Request::builder()
            .method(method)
            .uri(format!("{}{path}{query}", self.line.endpoint_of("s3")));
        let answer = self.send("s3", operation, &self.region, request, Bytes::new()).await?;
        Ok(xml(&answer))
    }

    async fn json(&self, service: &str, operation: &str, target: &str, region: &str, with: &Value) -> RawResult<Value> {
        let request = Request::builder()
            .method(Method::POST)
            .uri(format!("{}/", self.line.endpoint_of(service)))
            .header(CONTENT_TYPE, "application/x-amz-json-1.1")
            .header("x-amz-target", target);
        let body = Bytes::from(with.to_string());
        let answer = self.send(service, operation, region, request, body).await?;
        let body: Value = serde_json::from_slice(answer.body()).unwrap_or(Value::Null);
        if answer.status().is_success() {
            return Ok(Ok(body));
        }
        let member = |name: &str| body.get(name).and_then(Value::as_str).unwrap_or_default();
        let code = member("__type");
        Ok(Err(RawFailure {
            status: answer.status().as_u16(),
            code: code.rsplit('#').next().unwrap_or(code).to_owned(),
            message: format!("{}{}", member("message"), member("Message")),
        }))
    }

    async fn send(
        &self,
        service: &str,
        operation: &str,
        region: &str,
        request: http::request::Builder,
        body: Bytes,
    ) -> Result<http::Response<Bytes>, TargetError> {
        let request = request
            .header(CONTENT_LENGTH, body.len())
            .body(body)
            .map_err(|error| TargetError::adapter(error.to_string()))?;
        let request = shape::sign_header(request, service, &self.credentials, region, self.line.now())
            .map_err(TargetError::adapter)?;
        {
            let mut facts = self.line.facts();
            facts.operation = format!("{service}:{operation}");
            facts.region = region.to_owned();
        }
        self.line.send(request).await
    }
}

fn xml(answer: &http::Response<Bytes>) -> Result<String, RawFailure> {
    let text = String::from_utf8_lossy(answer.body()).into_owned();
    if answer.status().is_success() {
        return Ok(text);
    }
    Err(RawFailure {
        status: answer.status().as_u16(),
        code: element(&text, "Code").unwrap_or_default(),
        message: element(&text, "Message").unwrap_or_default(),
    })
}

/// The content of the first element of a name that holds text alone.
pub(super) fn element(xml: &str, name: &str) -> Option<String> {
    elements(xml, name).into_iter().next()
}

/// The contents of all elements of a name that hold text alone.
pub(super) fn elements(xml: &str, name: &str) -> Vec<String> {
    let (open, close) = (format!("<{name}>"), format!("</{name}>"));
    let parts = xml.split(open.as_str()).skip(1);
    parts
        .filter_map(|part| part.split_once(close.as_str()))
        .filter(|(content, _)| !content.contains('<'))
        .map(|(content, _)| {
            quick_xml::escape::unescape(content).map_or_else(|_| content.to_owned(), std::borrow::Cow::into_owned)
        })
        .collect()
}

/// The contents of all elements of a name, whatever they hold.
pub(super) fn blocks<'a>(xml: &'a str, name: &str) -> Vec<&'a str> {
    let (open, close) = (format!("<{name}>"), format!("</{name}>"));
    let parts = xml.split(open.as_str()).skip(1);
    parts
        .filter_map(|part| part.split_once(close.as_str()).map(|(content, _)| content))
        .collect()
}

/// Percent-encoded as AWS wants it; slashes stand in paths.
pub(super) fn encoded(text: &str, path: bool) -> String {
    use std::fmt::Write as _;
    text.bytes()
        .fold(String::with_capacity(text.len()), |mut encoded, byte| {
            if byte.is_ascii_alphanumeric() || b"-_.~".contains(&byte) || path && byte == b'/' {
                encoded.push(char::from(byte));
            } else {
                // Writing to a String cannot fail.
                let _ = write!(encoded, "%{byte:02X}");
            }
            encoded
        })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn answers_are_read() {
        let text = "<R><A><Name>a&amp;b</Name></A><A><Name>c</Name></A><Empty></Empty><Name><B>x</B></Name></R>";
        assert_eq!(elements(text, "Name"), ["a&b", "c"]);
        assert_eq!(element(text, "Empty").as_deref(), Some(""));
        assert_eq!(element(text, "None"), None);
        assert_eq!(blocks(text, "A").len(), 2);
        assert_eq!(encoded("a b/c+d", true), "a%20b/c%2Bd");
        assert_eq!(encoded("a/b", false), "a%2Fb");
    }
}
