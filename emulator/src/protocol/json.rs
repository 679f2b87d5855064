//! JSON 1.0 / 1.1 answers: bodies with the right content type, and the `__type` error form.

use bytes::Bytes;
use http::{HeaderValue, StatusCode};
use serde_json::{Value, json};

use super::Response;

/// Most answers are shorter.
const USUAL_BODY: usize = 512;
/// Content type of JSON 1.1 services.
pub const JSON_1_1: &str = "application/x-amz-json-1.1";
/// Content type of JSON 1.0 services.
pub const JSON_1_0: &str = "application/x-amz-json-1.0";
/// Content type of REST/JSON services.
pub const JSON: &str = "application/json";

/// An answer with a JSON body.
#[must_use]
pub fn answer(status: u16, content_type: &'static str, body: &Value) -> Response {
    let mut text = Vec::with_capacity(USUAL_BODY);
    serde_json::to_writer(&mut text, body).expect("a JSON value is JSON, and a vector takes it");
    let mut response = http::Response::new(Bytes::from(text));
    *response.status_mut() = StatusCode::from_u16(status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    response
        .headers_mut()
        .insert(http::header::CONTENT_TYPE, HeaderValue::from_static(content_type));
    response
}

/// An empty 200 of an operation without output.
#[must_use]
pub fn empty(content_type: &'static str) -> Response {
    let mut response = http::Response::new(Bytes::new());
    response
        .headers_mut()
        .insert(http::header::CONTENT_TYPE, HeaderValue::from_static(content_type));
    response
}

/// A JSON error: AccessDenied carries `Message`, the others `message`, as KMS sends them.
#[must_use]
pub fn failure(status: u16, content_type: &'static str, code: &str, message: &str) -> Response {
    let name = if code == "AccessDeniedException" {
        "Message"
    } else {
        "message"
    };
    answer(status, content_type, &json!({ "__type": code, name: message }))
}

/// A REST/JSON error: the code travels in `x-amzn-ErrorType`.
#[must_use]
pub fn rest_failure(status: u16, code: &str, message: &str) -> Response {
    let mut response = answer(
        status,
        JSON,
        &json!({ "message": message, "Message": message, "Type": "User" }),
    );
    if let Ok(value) = HeaderValue::from_str(code) {
        response.headers_mut().insert("x-amzn-errortype", value);
    }
    response
}
