//! The sliver of DynamoDB that backups need: no SDK, JSON 1.0 requests signed here. Parameters go out as they are in the case.

use bytes::Bytes;
use countersign_model::case::Shape;
use http::{Method, Request};
use serde_json::{Value, json};

use super::fields::Fields;
use super::{Called, Failure, unknown_operation};
use crate::target::connector::Line;
use crate::target::{TargetError, shape};

/// The operations of this service.
pub(super) const NAMES: &[&str] = &["CreateTable", "DescribeTable", "ListTables", "DeleteTable"];

const PARAMETERS: &[(&str, &[&str])] = &[
    (
        "CreateTable",
        &[
            "TableName",
            "KeySchema",
            "AttributeDefinitions",
            "BillingMode",
            "SSESpecification",
            "Tags",
        ],
    ),
    ("DescribeTable", &["TableName"]),
    ("ListTables", &["Limit"]),
    ("DeleteTable", &["TableName"]),
];

/// Makes the call of this name.
///
/// # Errors
/// [`TargetError::Adapter`] for an unknown parameter, [`TargetError::Transport`] when there is no answer.
pub(super) async fn call(line: &Line, name: &str, fields: &mut Fields) -> Called {
    let (_, parameters) = PARAMETERS
        .iter()
        .find(|(operation, _)| *operation == name)
        .ok_or_else(|| unknown_operation("dynamodb", name))?;
    if name == "CreateTable" {
        fields.supply("KeySchema", || json!([{"AttributeName": "id", "KeyType": "HASH"}]));
        fields.supply(
            "AttributeDefinitions",
            || json!([{"AttributeName": "id", "AttributeType": "S"}]),
        );
        fields.supply("BillingMode", || json!("PAY_PER_REQUEST"));
    }
    let mut body = fields.take_all();
    if let Some(unknown) = body.keys().find(|name| !parameters.contains(&name.as_str())) {
        return Err(TargetError::adapter(format!(
            "`dynamodb:{name}` has no parameter `{unknown}` in this driver"
        )));
    }
    body.retain(|_, value| !value.is_null());
    let facts = line.facts().clone();
    if facts.shape != Shape::Header {
        return Err(TargetError::adapter(format!(
            "`dynamodb:{name}` is only sent with a header signature"
        )));
    }
    let mut request = Request::builder()
        .method(Method::POST)
        .uri(format!("{}/", line.endpoint()))
        .header("content-type", "application/x-amz-json-1.0")
        // As every SDK: without one `aws:UserAgent` would be absent here only.
        .header("user-agent", "countersign")
        .header("x-amz-target", format!("DynamoDB_20120810.{name}"))
        .body(Bytes::from(Value::Object(body).to_string()))
        .map_err(|error| TargetError::adapter(error.to_string()))?;
    for (name, value) in &facts.headers {
        request.headers_mut().insert(name.clone(), value.clone());
    }
    if let Some(credentials) = &facts.credentials {
        request = shape::sign_header(request, "dynamodb", credentials, &facts.region, line.now())
            .map_err(TargetError::adapter)?;
    }
    let response = line.send(request).await?;
    let body: Value = serde_json::from_slice(response.body()).unwrap_or(Value::Null);
    if response.status().is_success() {
        return Ok(Ok(body));
    }
    let member = |name: &str| body.get(name).and_then(Value::as_str).map(str::to_owned);
    let code = member("__type").map(|kind| kind.rsplit('#').next().unwrap_or(&kind).to_owned());
    Ok(Err(Failure {
        code,
        message: member("message").or_else(|| member("Message")),
    }))
}
