//! Calls that build a world on an emulator in this process, written here instead of by an SDK: the same API under the same signature
//! through the same handler, in a fraction of the time. Most calls of a run only build worlds; the steps of a case, which are what is
//! compared, go through the SDKs wherever the emulator is.
//!
//! Here are the operations that nearly every world needs; whatever is not here, the SDKs do.

use std::fmt::Write as _;

use bytes::Bytes;
use http::header::{CONTENT_LENGTH, CONTENT_TYPE};
use http::{Method, Request, request};
use quick_xml::escape::escape;
use quick_xml::events::Event;
use serde_json::{Map, Value};

use crate::target::TargetError;
use crate::target::connector::Line;
use crate::target::driver::{Answer, Call, Failure};

/// Makes a call, if it is one of those and the emulator is in this process.
///
/// # Errors
/// [`TargetError::Transport`] when there is no answer, [`TargetError::Adapter`] when it cannot be read or the request cannot be signed.
pub(super) async fn call(line: &Line, call: &Call<'_>) -> Result<Option<Answer>, TargetError> {
    let (Some(_), Some(credentials)) = (line.emulator(), &call.credentials) else {
        return Ok(None);
    };
    let Some(request) = request_of(line.endpoint(), call) else {
        return Ok(None);
    };
    let request = request.map_err(|error| TargetError::adapter(error.to_string()))?;
    let request = line
        .signing_keys()
        .sign(request, call.service, credentials, call.region, line.now())
        .map_err(TargetError::adapter)?;
    // What may be sent again depends on what it is.
    line.facts().operation = format!("{}:{}", call.service, call.name);
    let response = line.send(request).await?;
    let body = String::from_utf8_lossy(response.body());
    let read = match (call.service, body.is_empty()) {
        (_, true) => Some(Value::Null),
        ("kms", _) => serde_json::from_str(&body).ok(),
        _ => read_xml(&body),
    };
    let read = read.ok_or_else(|| {
        TargetError::adapter(format!("the answer to `{}:{}` cannot be read", call.service, call.name))
    })?;
    Ok(Some(Answer {
        status: response.status().as_u16(),
        repeated: line.repeated(),
        result: if response.status().is_success() {
            Ok(read)
        } else {
            Err(Failure::read(&read))
        },
    }))
}

/// The request before it is signed.
fn request_of(endpoint: &str, call: &Call<'_>) -> Option<Result<Request<Bytes>, http::Error>> {
    match call.service {
        "kms" => Some(json(endpoint, call)),
        "iam" => Some(query(endpoint, call)),
        "s3" => bucket_request(endpoint, call),
        _ => None,
    }
}

fn json(endpoint: &str, call: &Call<'_>) -> Result<Request<Bytes>, http::Error> {
    let body = serde_json::to_vec(call.with).unwrap_or_default();
    let request = Request::post(format!("{endpoint}/"))
        .header(CONTENT_TYPE, "application/x-amz-json-1.1")
        .header("x-amz-target", format!("TrentService.{}", call.name));
    complete(request, body)
}

/// AWS's query protocol: members of lists are numbered, members of structures follow a dot.
fn query(endpoint: &str, call: &Call<'_>) -> Result<Request<Bytes>, http::Error> {
    let mut form = format!("Action={}&Version=2010-05-08", call.name);
    for (name, value) in call.with {
        write_parameter(&mut form, name, value);
    }
    let request = Request::post(format!("{endpoint}/")).header(CONTENT_TYPE, "application/x-www-form-urlencoded");
    complete(request, form.into_bytes())
}

fn write_parameter(form: &mut String, name: &str, value: &Value) {
    match value {
        Value::Array(list) => {
            for (position, element) in list.iter().enumerate() {
                write_parameter(form, &format!("{name}.member.{}", position + 1), element);
            }
        }
        // A document is sent as its text.
        Value::Object(_) if name.ends_with("Document") => write_parameter(form, name, &Value::from(value.to_string())),
        Value::Object(map) => {
            for (member, value) in map {
                write_parameter(form, &format!("{name}.{member}"), value);
            }
        }
        Value::String(text) => {
            form.push('&');
            form.push_str(name);
            form.push('=');
            form.push_str(&super::storage::percent_encoded(text));
        }
        Value::Null => {}
        other => write_parameter(form, name, &Value::from(other.to_string())),
    }
}

/// What is put under a bucket's name as a whole: the bucket, and settings that are one document.
fn bucket_request(endpoint: &str, call: &Call<'_>) -> Option<Result<Request<Bytes>, http::Error>> {
    let bucket = call.with.get("Bucket")?.as_str()?;
    let only = |members: &[&str]| {
        call.with
            .keys()
            .all(|name| name == "Bucket" || members.contains(&name.as_str()))
    };
    let (method, settings, body) = match call.name {
        "CreateBucket" if only(&[]) => (Method::PUT, "", location(call.region)),
        "PutBucketPolicy" if only(&["Policy"]) => (Method::PUT, "?policy", document(call.with.get("Policy")?)),
        "DeleteBucketPolicy" if only(&[]) => (Method::DELETE, "?policy", String::new()),
        "PutPublicAccessBlock" if only(&["PublicAccessBlockConfiguration"]) => (
            Method::PUT,
            "?publicAccessBlock",
            whole("PublicAccessBlockConfiguration", call.with)?,
        ),
        "PutBucketVersioning" if only(&["VersioningConfiguration"]) => {
            (Method::PUT, "?versioning", whole("VersioningConfiguration", call.with)?)
        }
        "PutBucketOwnershipControls" if only(&["OwnershipControls"]) => (
            Method::PUT,
            "?ownershipControls",
            whole("OwnershipControls", call.with)?,
        ),
        "PutBucketEncryption" if only(&["ServerSideEncryptionConfiguration"]) => (
            Method::PUT,
            "?encryption",
            whole("ServerSideEncryptionConfiguration", call.with)?,
        ),
        _ => return None,
    };
    let request = Request::builder()
        .method(method)
        .uri(format!("{endpoint}/{bucket}{settings}"))
        .header(CONTENT_TYPE, "application/xml");
    Some(complete(request, body.into_bytes()))
}

fn location(region: &str) -> String {
    // Other Regions than the first must be named.
    if region == "us-east-1" {
        return String::new();
    }
    format!(
        "<CreateBucketConfiguration {NAMESPACE}><LocationConstraint>{region}</LocationConstraint></CreateBucketConfiguration>"
    )
}

fn document(policy: &Value) -> String {
    match policy {
        Value::String(text) => text.clone(),
        other => other.to_string(),
    }
}

const NAMESPACE: &str = "xmlns=\"http://s3.amazonaws.com/doc/2006-03-01/\"";

/// The document of that parameter.
fn whole(name: &str, with: &Map<String, Value>) -> Option<String> {
    let mut text = format!("<{name} {NAMESPACE}>");
    write_members(&mut text, with.get(name)?);
    // Writing to a String cannot fail.
    let _ = write!(text, "</{name}>");
    Some(text)
}

fn write_members(text: &mut String, value: &Value) {
    match value {
        Value::Object(map) => {
            for (name, member) in map {
                // S3's lists are flat, and are named in the singular.
                let elements = match member {
                    Value::Array(list) => list.as_slice(),
                    Value::Null => &[],
                    one => std::slice::from_ref(one),
                };
                let name = if member.is_array() {
                    name.trim_end_matches('s')
                } else {
                    name
                };
                for element in elements {
                    let _ = write!(text, "<{name}>");
                    write_members(text, element);
                    let _ = write!(text, "</{name}>");
                }
            }
        }
        Value::String(word) => text.push_str(&escape(word.as_str())),
        other => text.push_str(&other.to_string()),
    }
}

fn complete(request: request::Builder, body: Vec<u8>) -> Result<Request<Bytes>, http::Error> {
    request.header(CONTENT_LENGTH, body.len()).body(Bytes::from(body))
}

/// The members of the answer's outermost element, in the query protocol of its result. Of a list only the last element is kept: no list of
/// an answer takes part in building a world.
fn read_xml(text: &str) -> Option<Value> {
    let mut reader = quick_xml::Reader::from_str(text);
    let mut open: Vec<(String, Map<String, Value>, String)> = vec![Default::default()];
    loop {
        match reader.read_event().ok()? {
            Event::Start(start) => {
                let name = start.local_name().as_ref().to_owned();
                open.push((name, Map::new(), String::new()));
            }
            Event::Empty(empty) => {
                let name = empty.local_name().as_ref().to_owned();
                open.last_mut()?.1.insert(name, Value::from(""));
            }
            Event::Text(piece) => open.last_mut()?.2.push_str(&piece),
            Event::End(_) => {
                let (name, members, text) = open.pop()?;
                let value = if members.is_empty() {
                    Value::from(text)
                } else {
                    Value::Object(members)
                };
                open.last_mut()?.1.insert(name, value);
            }
            Event::Eof => break,
            _ => {}
        }
    }
    let (_, top, _) = open.pop()?;
    let (name, answer) = top.into_iter().next()?;
    if name == "Error" {
        return Some(answer);
    }
    match answer {
        Value::Object(mut members) => {
            let result = members.keys().find(|name| name.ends_with("Result")).cloned();
            Some(match result.and_then(|name| members.shift_remove(&name)) {
                Some(result) => result,
                None => Value::Object(members),
            })
        }
        other => Some(other),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn written(service: &str, name: &str, with: Value) -> Option<(String, String)> {
        let Value::Object(with) = with else { return None };
        let call = Call {
            service,
            name,
            with: &with,
            region: "eu-west-1",
            credentials: None,
            shape: countersign_model::case::Shape::Header,
            headers: Vec::new(),
        };
        let request = request_of("http://127.0.0.1", &call)?.expect("a request of plain names");
        let body = String::from_utf8_lossy(request.body()).into_owned();
        Some((format!("{} {}", request.method(), request.uri()), body))
    }

    #[test]
    fn lists_are_numbered_and_documents_are_texts() {
        let with = json!({
            "RoleName": "R", "AssumeRolePolicyDocument": {"Statement": []},
            "Tags": [{"Key": "a", "Value": "b c"}, {"Key": "d", "Value": "é"}],
        });
        let (_, body) = written("iam", "CreateRole", with).expect("IAM is written here");
        assert_eq!(
            body,
            "Action=CreateRole&Version=2010-05-08&RoleName=R&AssumeRolePolicyDocument=%7B%22Statement%22%3A%5B%5D%7D\
             &Tags.member.1.Key=a&Tags.member.1.Value=b%20c&Tags.member.2.Key=d&Tags.member.2.Value=%C3%A9"
        );
    }

    #[test]
    fn settings_of_buckets_are_documents_and_more_is_left_to_the_sdk() {
        let rule = json!({"ApplyServerSideEncryptionByDefault": {"SSEAlgorithm": "aws:kms"}, "BucketKeyEnabled": null});
        let with = json!({"Bucket": "data", "ServerSideEncryptionConfiguration": {"Rules": [rule]}});
        let (line, body) = written("s3", "PutBucketEncryption", with).expect("written here");
        assert_eq!(line, "PUT http://127.0.0.1/data?encryption");
        assert_eq!(
            body,
            "<ServerSideEncryptionConfiguration xmlns=\"http://s3.amazonaws.com/doc/2006-03-01/\"><Rule>\
             <ApplyServerSideEncryptionByDefault><SSEAlgorithm>aws:kms</SSEAlgorithm></ApplyServerSideEncryptionByDefault>\
             </Rule></ServerSideEncryptionConfiguration>"
        );
        assert_eq!(
            written("s3", "CreateBucket", json!({"Bucket": "data", "ACL": "private"})),
            None
        );
        assert_eq!(written("s3", "PutObject", json!({"Bucket": "data", "Key": "k"})), None);
        assert_eq!(written("lambda", "CreateFunction", json!({})), None);
    }

    #[test]
    fn answers_are_read_whatever_they_are_written_in() {
        let xml = "<?xml version=\"1.0\"?><CreateRoleResponse xmlns=\"x\"><CreateRoleResult><Role><RoleId>AROA1</RoleId>\
                   </Role></CreateRoleResult><ResponseMetadata><RequestId>1</RequestId></ResponseMetadata></CreateRoleResponse>";
        let read = read_xml(xml).expect("well-formed");
        assert_eq!(read.pointer("/Role/RoleId"), Some(&json!("AROA1")));
        for refusal in [
            read_xml("<ErrorResponse><Error><Code>NoSuchEntity</Code><Message>m</Message></Error></ErrorResponse>"),
            read_xml("<Error><Code>NoSuchEntity</Code><Message>m</Message></Error>"),
            Some(json!({"__type": "com.amazonaws.kms#NoSuchEntity", "message": "m"})),
        ] {
            let refusal = Failure::read(&refusal.expect("well-formed"));
            assert_eq!(refusal.code.as_deref(), Some("NoSuchEntity"));
            assert_eq!(refusal.message.as_deref(), Some("m"));
        }
    }
}
