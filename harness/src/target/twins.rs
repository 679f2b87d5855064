//! Hostile twins: what somebody without the signing key makes of a request that another one signed, and spellings that a careless server
//! takes for another request. What must come of a twin is said by a law, without any model: it is refused, or it means nothing and the
//! answer is the plain request's. Here twins are made and compared; who sends them, and when, is the line's affair.

use std::time::SystemTime;

use bytes::Bytes;
use countersign_model::case::Shape;
use http::header::{AUTHORIZATION, CONTENT_TYPE, HeaderName, HeaderValue, IF_MATCH};
use http::{Method, Request, Response, StatusCode};
use serde::Serialize;
use serde_json::json;

use super::connector::Facts;
use super::shape::{self, FormPolicy};

/// What must come of a twin.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum TwinLaw {
    /// It is refused, whatever the plain request may do.
    Refused,
    /// What was added means nothing: the answer is the plain request's.
    SameAnswer,
    /// What was added tells nothing to those whose plain request is refused.
    SameRefusal,
}

/// What came of one twin of one call.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct TwinSeen {
    /// The kind of twin.
    pub twin: &'static str,
    /// The rule that says what must come of it.
    pub rule: &'static str,
    /// What must come of it.
    pub law: TwinLaw,
    /// Method and path of the plain request.
    pub request: String,
    /// HTTP status of the plain request's answer.
    pub plain: u16,
    /// HTTP status of the twin's answer.
    pub met: u16,
    /// Whether the law holds.
    pub holds: bool,
}

/// A signed request about to be sent, and what it takes to sign another one.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Plain<'a> {
    /// Signing name of the service.
    pub(crate) service: &'a str,
    /// Who signs, and where.
    pub(crate) facts: &'a Facts,
    /// The signer's clock.
    pub(crate) now: SystemTime,
    /// The request, signed.
    pub(crate) signed: &'a Request<Bytes>,
}

/// One kind of twin.
struct Kind {
    id: &'static str,
    rule: &'static str,
    law: TwinLaw,
    /// The twins of a request; none where the request is not of the kind.
    make: fn(&Plain<'_>) -> Vec<Request<Bytes>>,
}

const fn kind(id: &'static str, rule: &'static str, law: TwinLaw, make: fn(&Plain<'_>) -> Vec<Request<Bytes>>) -> Kind {
    Kind { id, rule, law, make }
}

/// Every kind.
const KINDS: &[Kind] = &[
    kind("forged-signature", "svc:S-21", TwinLaw::Refused, forged_signature),
    kind("forged-token", "svc:S-21", TwinLaw::Refused, forged_token),
    kind("forged-trailer", "svc:S-21", TwinLaw::Refused, forged_trailer),
    kind("unsigned-header", "svc:S-21", TwinLaw::Refused, unsigned_header),
    kind(
        "presigned-and-header",
        "svc:S-23",
        TwinLaw::Refused,
        presigned_and_header,
    ),
    kind("presigned-too-late", "svc:S-23", TwinLaw::Refused, presigned_too_late),
    kind("form-beside-policy", "svc:S-23", TwinLaw::Refused, form_beside_policy),
    kind(
        "form-for-other-bucket",
        "svc:S-23",
        TwinLaw::Refused,
        form_for_other_bucket,
    ),
    kind("dotted-key", "svc:S-26", TwinLaw::Refused, dotted_key),
    kind("dotted-copy-source", "svc:S-18", TwinLaw::Refused, dotted_copy_source),
    kind("own-access-key", "iam:L-01", TwinLaw::Refused, own_access_key),
    kind("headers-in-query", "svc:S-47", TwinLaw::SameAnswer, headers_in_query),
    kind(
        "failing-precondition",
        "svc:S-19",
        TwinLaw::SameRefusal,
        failing_precondition,
    ),
    kind("forwarded-for", "iam:K-40", TwinLaw::SameAnswer, forwarded_for),
    kind("endpoint-header", "iam:K-43", TwinLaw::SameAnswer, endpoint_header),
];

/// The names of all kinds.
pub fn twin_names() -> impl Iterator<Item = &'static str> {
    KINDS.iter().map(|kind| kind.id)
}

/// The twins of a request, each with its kind's place in the table.
pub(crate) fn of(plain: &Plain<'_>) -> Vec<(usize, Request<Bytes>)> {
    // What nobody signed has no hostile twins: anybody may send it.
    if plain.facts.credentials.is_none() {
        return Vec::new();
    }
    KINDS
        .iter()
        .enumerate()
        .flat_map(|(at, kind)| (kind.make)(plain).into_iter().map(move |twin| (at, twin)))
        .collect()
}

/// What came of the twin of the kind at this place in the table.
pub(crate) fn judge(at: usize, plain: &Plain<'_>, answer: &Response<Bytes>, twin: &Response<Bytes>) -> TwinSeen {
    let Kind { id, rule, law, .. } = &KINDS[at];
    let refused = twin.status().is_client_error();
    TwinSeen {
        twin: id,
        rule,
        law: *law,
        request: format!("{} {}", plain.signed.method(), plain.signed.uri().path()),
        plain: answer.status().as_u16(),
        met: twin.status().as_u16(),
        holds: match law {
            TwinLaw::Refused => refused,
            TwinLaw::SameAnswer => twin.status() == answer.status() && twin.body() == answer.body(),
            TwinLaw::SameRefusal => answer.status() != StatusCode::FORBIDDEN || twin.status() == answer.status(),
        },
    }
}

// ---- kinds ----

/// Headers that signing adds.
const OF_SIGNING: &[&str] = &[
    "authorization",
    "x-amz-date",
    "x-amz-content-sha256",
    "x-amz-security-token",
];

impl Plain<'_> {
    /// The request as it was before it was signed; none of one whose signature is elsewhere than in its headers.
    fn unsigned(&self) -> Option<Request<Bytes>> {
        if self.facts.shape != Shape::Header {
            return None;
        }
        let mut request = self.signed.clone();
        for name in OF_SIGNING {
            request.headers_mut().remove(*name);
        }
        Some(request)
    }

    /// The same of a request to S3.
    fn unsigned_s3(&self) -> Option<Request<Bytes>> {
        self.unsigned().filter(|_| self.service == "s3")
    }

    /// The same of one about an object, with the path after the bucket.
    fn unsigned_on_object(&self) -> Option<(Request<Bytes>, String, String)> {
        let request = self.unsigned_s3()?;
        let path = request.uri().path().trim_start_matches('/');
        let (bucket, key) = path.split_once('/').filter(|(_, key)| !key.is_empty())?;
        let (bucket, key) = (bucket.to_owned(), key.to_owned());
        Some((request, bucket, key))
    }

    /// Signs a request in its headers, as the plain one is.
    fn signed_again(&self, request: Request<Bytes>) -> Option<Request<Bytes>> {
        let credentials = self.facts.credentials.as_ref()?;
        shape::sign_header(request, self.service, credentials, &self.facts.region, self.now).ok()
    }

    /// Gives a request another form.
    fn shaped(&self, request: Request<Bytes>, shape: Shape, now: SystemTime) -> Option<Request<Bytes>> {
        let facts = Facts {
            shape,
            ..self.facts.clone()
        };
        shape::apply(request, self.service, &facts, now).ok()
    }

    /// A plain upload of an object, unsigned.
    fn upload(&self) -> Option<Request<Bytes>> {
        let (request, ..) = self.unsigned_on_object()?;
        let only_body = request.uri().query().is_none_or(|query| query == "x-id=PutObject")
            && !request.headers().contains_key("x-amz-copy-source");
        (request.method() == Method::PUT && only_body).then_some(request)
    }
}

/// One digit of the signature is another.
fn forged_signature(plain: &Plain<'_>) -> Vec<Request<Bytes>> {
    let mut request = plain.signed.clone();
    forge(&mut request).map(|()| request).into_iter().collect()
}

fn forge(request: &mut Request<Bytes>) -> Option<()> {
    if let Some(value) = request.headers().get(AUTHORIZATION) {
        let changed = with_other_last_digit(value.to_str().ok()?)?;
        request
            .headers_mut()
            .insert(AUTHORIZATION, HeaderValue::from_str(&changed).ok()?);
        return Some(());
    }
    let text = request.uri().to_string();
    let at = text.find("X-Amz-Signature=")? + "X-Amz-Signature=".len();
    let end = text[at..].find('&').map_or(text.len(), |end| at + end);
    let changed = with_other_last_digit(text.get(at..end)?)?;
    *request.uri_mut() = format!("{}{changed}{}", &text[..at], &text[end..]).parse().ok()?;
    Some(())
}

fn with_other_last_digit(text: &str) -> Option<String> {
    let last = text.chars().last()?;
    let other = if last == '0' { '1' } else { '0' };
    Some(format!("{}{other}", &text[..text.len() - last.len_utf8()]))
}

/// The credentials of a session, with a token that nobody gave out.
fn forged_token(plain: &Plain<'_>) -> Vec<Request<Bytes>> {
    let forged = || {
        let credentials = plain.facts.credentials.as_ref()?;
        let token = format!("{}0", credentials.session_token()?);
        let forged = aws_credential_types::Credentials::new(
            credentials.access_key_id(),
            credentials.secret_access_key(),
            Some(token),
            None,
            "twin",
        );
        let request = plain.unsigned()?;
        shape::sign_header(request, plain.service, &forged, &plain.facts.region, plain.now).ok()
    };
    forged().into_iter().collect()
}

/// An upload with an unsigned trailer whose signature is of something else.
fn forged_trailer(plain: &Plain<'_>) -> Vec<Request<Bytes>> {
    let forged = || {
        let mut request = plain.shaped(plain.upload()?, Shape::UnsignedTrailer, plain.now)?;
        forge(&mut request)?;
        Some(request)
    };
    forged().into_iter().collect()
}

const ADDED: (HeaderName, HeaderValue) = (
    HeaderName::from_static("x-amz-meta-added"),
    HeaderValue::from_static("by somebody else"),
);

/// A header of S3's own beside those that the signature covers.
fn unsigned_header(plain: &Plain<'_>) -> Vec<Request<Bytes>> {
    let changed = || {
        plain.unsigned_s3()?;
        let mut request = plain.signed.clone();
        request.headers_mut().insert(ADDED.0, ADDED.1);
        Some(request)
    };
    changed().into_iter().collect()
}

/// The same beside a presigned URL.
fn presigned_and_header(plain: &Plain<'_>) -> Vec<Request<Bytes>> {
    let changed = || {
        let mut request = plain.shaped(plain.unsigned_s3()?, Shape::Presigned, plain.now)?;
        request.headers_mut().insert(ADDED.0, ADDED.1);
        Some(request)
    };
    changed().into_iter().collect()
}

/// A presigned URL that ended before it was used.
fn presigned_too_late(plain: &Plain<'_>) -> Vec<Request<Bytes>> {
    let late = || {
        let then = plain.now.checked_sub(shape::VALID_FOR * 2)?;
        plain.shaped(plain.unsigned_s3()?, Shape::Presigned, then)
    };
    late().into_iter().collect()
}

/// A form upload that one condition of its policy does not let through.
fn form_beside_policy(plain: &Plain<'_>) -> Vec<Request<Bytes>> {
    let policies = [
        json!(["content-length-range", 1_000_000, 2_000_000]),
        json!(["starts-with", "$key", "nowhere/"]),
    ];
    let forms = policies.into_iter().filter_map(|condition| {
        let policy = FormPolicy {
            condition: Some(condition),
            ..FormPolicy::default()
        };
        shape::form_under(&plain.upload()?, plain.facts, plain.now, &policy).ok()
    });
    forms.collect()
}

/// A form whose policy and bucket field are for one bucket, sent to another one.
fn form_for_other_bucket(plain: &Plain<'_>) -> Vec<Request<Bytes>> {
    let form = || {
        let policy = FormPolicy {
            bucket: Some("another-bucket".to_owned()),
            ..FormPolicy::default()
        };
        shape::form_under(&plain.upload()?, plain.facts, plain.now, &policy).ok()
    };
    form().into_iter().collect()
}

/// Reads a key that nobody wrote: without its dot segments it would be the one asked for.
fn dotted_key(plain: &Plain<'_>) -> Vec<Request<Bytes>> {
    let dotted = || {
        let (mut request, bucket, key) = plain.unsigned_on_object()?;
        if request.method() != Method::GET || !reads_object(request.uri().query()) {
            return None;
        }
        let authority = request.uri().authority()?.clone();
        let query = request
            .uri()
            .query()
            .map(|query| format!("?{query}"))
            .unwrap_or_default();
        *request.uri_mut() = format!("http://{authority}/{bucket}/unwritten/../{key}{query}")
            .parse()
            .ok()?;
        plain.signed_again(request)
    };
    dotted().into_iter().collect()
}

/// Whether a GET with this query reads the object itself.
fn reads_object(query: Option<&str>) -> bool {
    query.is_none_or(|query| query == "x-id=GetObject")
}

/// Copies a key that nobody wrote, likewise.
fn dotted_copy_source(plain: &Plain<'_>) -> Vec<Request<Bytes>> {
    let dotted = || {
        let mut request = plain.unsigned_s3()?;
        let source = request.headers().get("x-amz-copy-source")?.to_str().ok()?.to_owned();
        let (bucket, key) = source.trim_start_matches('/').split_once('/')?;
        let value = HeaderValue::from_str(&format!("{bucket}/unwritten/../{key}")).ok()?;
        request.headers_mut().insert("x-amz-copy-source", value);
        plain.signed_again(request)
    };
    dotted().into_iter().collect()
}

/// A user who asked for something else makes itself an access key. No generated world allows that but by a policy for everything: what the
/// sound emulator accepts is nobody's finding here.
fn own_access_key(plain: &Plain<'_>) -> Vec<Request<Bytes>> {
    let asks = || {
        let credentials = plain.facts.credentials.as_ref()?;
        if !credentials.access_key_id().starts_with("AKIA") {
            return None;
        }
        let authority = plain.signed.uri().authority()?;
        let request = Request::builder()
            .method(Method::POST)
            .uri(format!("http://{authority}/"))
            .header(CONTENT_TYPE, "application/x-www-form-urlencoded")
            .body(Bytes::from_static(b"Action=CreateAccessKey&Version=2010-05-08"))
            .ok()?;
        shape::sign_header(request, "iam", credentials, "us-east-1", plain.now).ok()
    };
    asks().into_iter().collect()
}

/// What would be a header, as a signed parameter of the query.
fn headers_in_query(plain: &Plain<'_>) -> Vec<Request<Bytes>> {
    let moved = || {
        let mut request = plain.upload()?;
        if request.headers().contains_key("x-amz-acl") {
            return None;
        }
        let text = request.uri().to_string();
        let sign = if request.uri().query().is_some() { '&' } else { '?' };
        *request.uri_mut() = format!("{text}{sign}x-amz-acl=public-read").parse().ok()?;
        plain.signed_again(request)
    };
    moved().into_iter().collect()
}

/// Reads an object under a precondition that no object meets.
fn failing_precondition(plain: &Plain<'_>) -> Vec<Request<Bytes>> {
    let asks = || {
        let (mut request, ..) = plain.unsigned_on_object()?;
        let query = request.uri().query();
        let reads = match *request.method() {
            Method::GET => reads_object(query),
            Method::HEAD => query.is_none(),
            _ => false,
        };
        if !reads {
            return None;
        }
        let nobody = HeaderValue::from_static("\"00000000000000000000000000000000\"");
        request.headers_mut().insert(IF_MATCH, nobody);
        plain.signed_again(request)
    };
    asks().into_iter().collect()
}

/// Says that the request was forwarded for somebody elsewhere.
fn forwarded_for(plain: &Plain<'_>) -> Vec<Request<Bytes>> {
    ["203.0.113.7", "10.1.2.3", "198.51.100.9"]
        .into_iter()
        .map(|address| {
            let mut request = plain.signed.clone();
            request
                .headers_mut()
                .insert("x-forwarded-for", HeaderValue::from_static(address));
            request
        })
        .collect()
}

/// Says through which endpoint the request came.
fn endpoint_header(plain: &Plain<'_>) -> Vec<Request<Bytes>> {
    let said = || {
        let mut request = plain.unsigned()?;
        request
            .headers_mut()
            .insert("x-amz-source-vpce", HeaderValue::from_static(crate::generate::ENDPOINT));
        plain.signed_again(request)
    };
    said().into_iter().collect()
}
