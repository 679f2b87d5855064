//! A driver for the emulator: a small SigV4 signer of its own (not the verifier's code), KMS, IAM, STS and control
//! calls against `Emulator::handle`. No assertions about AWS behaviour live here.

use bytes::Bytes;
use countersign_emulator::{Emulator, EmulatorOptions, Sources};
use hmac::{Hmac, KeyInit, Mac};
use http::{Request, Response};
use serde_json::{Value, json};
use sha2::{Digest, Sha256};

/// Account of most tests, and a foreign one.
pub(crate) const A: &str = "111111111111";
pub(crate) const B: &str = "222222222222";
pub(crate) const REGION: &str = "us-east-1";
pub(crate) const TOKEN: &str = "control-token";
/// The still clock of every test world.
pub(crate) const NOW: &str = "2025-01-08T00:00:00Z";
/// The same as signatures write it.
const SIGNED_AT: &str = "20250108T000000Z";

/// Working credentials.
#[derive(Debug, Clone)]
pub(crate) struct Keys {
    pub(crate) id: String,
    pub(crate) secret: String,
    pub(crate) token: Option<String>,
}

/// A signed request before it is sent.
#[derive(Debug, Clone)]
pub(crate) struct Draft {
    pub(crate) method: &'static str,
    pub(crate) path: String,
    pub(crate) query: Vec<(String, String)>,
    pub(crate) headers: Vec<(String, String)>,
    pub(crate) body: Vec<u8>,
    pub(crate) service: &'static str,
    pub(crate) region: String,
    /// `YYYYMMDDTHHMMSSZ`.
    pub(crate) date: String,
}

/// One emulator and the calls on it.
#[derive(Debug)]
pub(crate) struct World {
    pub(crate) emulator: Emulator,
}

impl World {
    pub(crate) fn new() -> Self {
        let options = EmulatorOptions {
            sources: Sources::seeded(1, NOW.parse().expect("an instant")),
            control_token: Some(TOKEN.to_owned()),
            ..EmulatorOptions::new()
        };
        Self {
            emulator: Emulator::new(options),
        }
    }

    /// KMS in the default Region.
    pub(crate) fn kms(&self, keys: &Keys, operation: &str, body: Value) -> (u16, Value) {
        self.kms_in(REGION, keys, operation, body)
    }

    pub(crate) fn kms_in(&self, region: &str, keys: &Keys, operation: &str, body: Value) -> (u16, Value) {
        self.kms_in_at(region, SIGNED_AT, keys, operation, body)
    }

    /// The same in the default Region, signed at another time.
    pub(crate) fn kms_at(&self, date: &str, keys: &Keys, operation: &str, body: Value) -> (u16, Value) {
        self.kms_in_at(REGION, date, keys, operation, body)
    }

    pub(crate) fn kms_in_at(
        &self,
        region: &str,
        date: &str,
        keys: &Keys,
        operation: &str,
        body: Value,
    ) -> (u16, Value) {
        let mut draft = Draft::post("kms", body.to_string().into_bytes());
        draft.region = region.to_owned();
        draft.date = date.to_owned();
        draft
            .headers
            .push(("content-type".to_owned(), "application/x-amz-json-1.1".to_owned()));
        draft
            .headers
            .push(("x-amz-target".to_owned(), format!("TrentService.{operation}")));
        let response = self.emulator.handle(draft.sign(keys));
        let status = response.status().as_u16();
        let body = response.into_body();
        (
            status,
            if body.is_empty() {
                Value::Null
            } else {
                serde_json::from_slice(&body).expect("JSON")
            },
        )
    }

    /// A KMS call that must succeed.
    pub(crate) fn kms_ok(&self, keys: &Keys, operation: &str, body: Value) -> Value {
        let (status, answer) = self.kms(keys, operation, body);
        assert_eq!(status, 200, "{operation}: {answer}");
        answer
    }

    /// A KMS call that must fail: exception name and message.
    pub(crate) fn kms_err(&self, keys: &Keys, operation: &str, body: Value) -> (String, String) {
        let (status, answer) = self.kms(keys, operation, body);
        assert_eq!(status, 400, "{operation}: {answer}");
        let code = answer["__type"].as_str().expect("a code").to_owned();
        let message = answer["message"]
            .as_str()
            .or(answer["Message"].as_str())
            .unwrap_or_default()
            .to_owned();
        (code, message)
    }

    pub(crate) fn iam(&self, keys: &Keys, action: &str, parameters: &[(&str, &str)]) -> (u16, String) {
        self.query("iam", "2010-05-08", keys, action, parameters)
    }

    pub(crate) fn iam_ok(&self, keys: &Keys, action: &str, parameters: &[(&str, &str)]) -> String {
        let (status, body) = self.iam(keys, action, parameters);
        assert_eq!(status, 200, "{action}: {body}");
        body
    }

    pub(crate) fn sts(&self, keys: &Keys, action: &str, parameters: &[(&str, &str)]) -> (u16, String) {
        self.query("sts", "2011-06-15", keys, action, parameters)
    }

    fn query(
        &self,
        service: &'static str,
        version: &str,
        keys: &Keys,
        action: &str,
        parameters: &[(&str, &str)],
    ) -> (u16, String) {
        let mut form = format!("Action={action}&Version={version}");
        for (name, value) in parameters {
            form.push_str(&format!("&{}={}", encode(name), encode(value)));
        }
        let mut draft = Draft::post(service, form.into_bytes());
        draft.headers.push((
            "content-type".to_owned(),
            "application/x-www-form-urlencoded".to_owned(),
        ));
        let response = self.emulator.handle(draft.sign(keys));
        let status = response.status().as_u16();
        (status, String::from_utf8(response.into_body().to_vec()).expect("UTF-8"))
    }

    pub(crate) fn control(&self, method: &str, path: &str, body: &Value) -> (u16, Value) {
        let request = Request::builder()
            .method(method)
            .uri(format!("/_countersign/v1/{path}"))
            .header("host", "127.0.0.1:4566")
            .header("x-countersign-token", TOKEN)
            .body(Bytes::from(body.to_string()))
            .expect("a request");
        let response = self.emulator.handle(request);
        let status = response.status().as_u16();
        let body = response.into_body();
        (
            status,
            if body.is_empty() {
                Value::Null
            } else {
                serde_json::from_slice(&body).expect("JSON")
            },
        )
    }

    /// Changes case settings.
    pub(crate) fn case(&self, settings: &Value) {
        let (status, answer) = self.control("POST", "case", settings);
        assert_eq!(status, 204, "{answer}");
    }

    /// Credentials from the control plane.
    pub(crate) fn mint(&self, request: &Value) -> Keys {
        let (status, answer) = self.control("POST", "credentials", request);
        assert_eq!(status, 200, "{answer}");
        Keys {
            id: text(&answer["access_key_id"]),
            secret: text(&answer["secret_access_key"]),
            token: answer["session_token"].as_str().map(str::to_owned),
        }
    }

    pub(crate) fn session(&self, account: &str, role: &str, session: &str) -> Keys {
        self.mint(&json!({ "principal": { "role": { "account": account, "name": role, "session": session } } }))
    }

    pub(crate) fn service(&self, name: &str) -> Keys {
        self.mint(&json!({ "principal": { "service": { "name": name } } }))
    }

    /// A role that its account may assume, with one inline policy.
    pub(crate) fn role(&self, account: &str, name: &str, policy: Option<&Value>) {
        let trust = json!({
            "Version": "2012-10-17",
            "Statement": [{ "Effect": "Allow", "Principal": { "AWS": account }, "Action": "sts:AssumeRole" }],
        });
        let root = root(account);
        self.iam_ok(
            &root,
            "CreateRole",
            &[("RoleName", name), ("AssumeRolePolicyDocument", &trust.to_string())],
        );
        if let Some(policy) = policy {
            self.iam_ok(
                &root,
                "PutRolePolicy",
                &[
                    ("RoleName", name),
                    ("PolicyName", "inline"),
                    ("PolicyDocument", &policy.to_string()),
                ],
            );
        }
    }

    /// A user with one inline policy, and its long-term keys.
    pub(crate) fn user(&self, account: &str, name: &str, policy: Option<&Value>) -> Keys {
        let root = root(account);
        self.iam_ok(&root, "CreateUser", &[("UserName", name)]);
        if let Some(policy) = policy {
            self.iam_ok(
                &root,
                "PutUserPolicy",
                &[
                    ("UserName", name),
                    ("PolicyName", "inline"),
                    ("PolicyDocument", &policy.to_string()),
                ],
            );
        }
        self.mint(&json!({ "principal": { "user": { "account": account, "name": name } } }))
    }

    /// A key of an account; the ARN.
    pub(crate) fn key(&self, account: &str, policy: Option<&Value>) -> String {
        let mut parameters = json!({});
        if let Some(policy) = policy {
            parameters["Policy"] = json!(policy.to_string());
        }
        text(&self.kms_ok(&root(account), "CreateKey", parameters)["KeyMetadata"]["Arn"])
    }

    pub(crate) fn trail(&self) -> Vec<Value> {
        let (status, answer) = self.control("GET", "trail?since=0", &Value::Null);
        assert_eq!(status, 200);
        answer["events"].as_array().expect("a list").clone()
    }
}

/// The root user of an account.
pub(crate) fn root(account: &str) -> Keys {
    Keys {
        id: account.to_owned(),
        secret: "test".to_owned(),
        token: None,
    }
}

/// An identity policy of one statement.
pub(crate) fn allow(actions: &[&str], resource: &str) -> Value {
    json!({
        "Version": "2012-10-17",
        "Statement": [{ "Effect": "Allow", "Action": actions, "Resource": resource }],
    })
}

/// A key policy: the account statement and more.
pub(crate) fn key_policy(account: &str, more: &[Value]) -> Value {
    let mut statements = vec![json!({
        "Sid": "Enable IAM User Permissions",
        "Effect": "Allow",
        "Principal": { "AWS": format!("arn:aws:iam::{account}:root") },
        "Action": "kms:*",
        "Resource": "*",
    })];
    statements.extend(more.iter().cloned());
    json!({ "Version": "2012-10-17", "Statement": statements })
}

pub(crate) fn text(value: &Value) -> String {
    value
        .as_str()
        .unwrap_or_else(|| panic!("not a text: {value}"))
        .to_owned()
}

/// The text of the first `<name>…</name>`.
pub(crate) fn element(xml: &str, name: &str) -> String {
    let open = format!("<{name}>");
    let start = xml.find(&open).unwrap_or_else(|| panic!("no {name} in {xml}")) + open.len();
    let end = xml[start..].find(&format!("</{name}>")).expect("a closing tag") + start;
    xml[start..end].to_owned()
}

impl Draft {
    pub(crate) fn post(service: &'static str, body: Vec<u8>) -> Self {
        Self {
            method: "POST",
            path: "/".to_owned(),
            query: Vec::new(),
            headers: Vec::new(),
            body,
            service,
            region: REGION.to_owned(),
            date: SIGNED_AT.to_owned(),
        }
    }

    /// Signs in the Authorization header.
    pub(crate) fn sign(self, keys: &Keys) -> Request<Bytes> {
        let payload = hex::encode(Sha256::digest(&self.body));
        self.sign_as(keys, &payload)
    }

    /// The same with a payload line of its own.
    pub(crate) fn sign_as(mut self, keys: &Keys, payload: &str) -> Request<Bytes> {
        self.headers.push(("host".to_owned(), "localhost:4566".to_owned()));
        self.headers.push(("x-amz-date".to_owned(), self.date.clone()));
        if self.service == "s3" {
            self.headers
                .push(("x-amz-content-sha256".to_owned(), payload.to_owned()));
        }
        if let Some(token) = &keys.token {
            self.headers.push(("x-amz-security-token".to_owned(), token.clone()));
        }
        self.headers.sort();
        let names: Vec<&str> = self.headers.iter().map(|(name, _)| name.as_str()).collect();
        let signed_headers = names.join(";");
        let signature = self.signature(keys, &signed_headers, payload, &self.query_text());
        let authorization = format!(
            "AWS4-HMAC-SHA256 Credential={}/{}, SignedHeaders={signed_headers}, Signature={signature}",
            keys.id,
            self.scope()
        );
        self.headers.push(("authorization".to_owned(), authorization));
        self.build(&self.query_text())
    }

    /// Signs in the query.
    pub(crate) fn presign(mut self, keys: &Keys, expires: u32) -> Request<Bytes> {
        self.headers.push(("host".to_owned(), "localhost:4566".to_owned()));
        let mut add = |name: &str, value: String| self.query.push((name.to_owned(), value));
        add("X-Amz-Algorithm", "AWS4-HMAC-SHA256".to_owned());
        add("X-Amz-Expires", expires.to_string());
        add("X-Amz-SignedHeaders", "host".to_owned());
        let (scope, date) = (self.scope(), self.date.clone());
        self.query
            .push(("X-Amz-Credential".to_owned(), format!("{}/{scope}", keys.id)));
        self.query.push(("X-Amz-Date".to_owned(), date));
        if let Some(token) = &keys.token {
            self.query.push(("X-Amz-Security-Token".to_owned(), token.clone()));
        }
        let payload = if self.service == "s3" {
            "UNSIGNED-PAYLOAD".to_owned()
        } else {
            hex::encode(Sha256::digest(&self.body))
        };
        let query = self.query_text();
        let signature = self.signature(keys, "host", &payload, &query);
        self.build(&format!("{query}&X-Amz-Signature={signature}"))
    }

    fn scope(&self) -> String {
        format!("{}/{}/{}/aws4_request", &self.date[..8], self.region, self.service)
    }

    fn query_text(&self) -> String {
        let mut pairs: Vec<(String, String)> = self
            .query
            .iter()
            .map(|(name, value)| (encode(name), encode(value)))
            .collect();
        pairs.sort();
        let pairs: Vec<String> = pairs.iter().map(|(name, value)| format!("{name}={value}")).collect();
        pairs.join("&")
    }

    fn signature(&self, keys: &Keys, signed_headers: &str, payload: &str, query: &str) -> String {
        let headers: String = self
            .headers
            .iter()
            .map(|(name, value)| format!("{name}:{value}\n"))
            .collect();
        // Every service but S3 encodes the path once more.
        let path = if self.service == "s3" {
            self.path.clone()
        } else {
            self.path.split('/').map(encode).collect::<Vec<_>>().join("/")
        };
        let canonical = format!(
            "{}\n{path}\n{query}\n{headers}\n{signed_headers}\n{payload}",
            self.method
        );
        let to_sign = format!(
            "AWS4-HMAC-SHA256\n{}\n{}\n{}",
            self.date,
            self.scope(),
            hex::encode(Sha256::digest(canonical.as_bytes()))
        );
        let mut key = format!("AWS4{}", keys.secret).into_bytes();
        for part in [&self.date[..8], &self.region, self.service, "aws4_request"] {
            key = mac(&key, part.as_bytes());
        }
        hex::encode(mac(&key, to_sign.as_bytes()))
    }

    fn build(&self, query: &str) -> Request<Bytes> {
        let uri = if query.is_empty() {
            self.path.clone()
        } else {
            format!("{}?{query}", self.path)
        };
        let mut builder = Request::builder().method(self.method).uri(uri);
        for (name, value) in &self.headers {
            builder = builder.header(name, value);
        }
        builder.body(Bytes::from(self.body.clone())).expect("a request")
    }
}

pub(crate) fn body_text(response: Response<Bytes>) -> String {
    String::from_utf8(response.into_body().to_vec()).expect("UTF-8")
}

fn mac(key: &[u8], message: &[u8]) -> Vec<u8> {
    let mut mac = Hmac::<Sha256>::new_from_slice(key).expect("any length");
    mac.update(message);
    mac.finalize().into_bytes().to_vec()
}

pub(crate) fn encode(text: &str) -> String {
    text.bytes()
        .map(|byte| match byte {
            b'A'..=b'Z' | b'a'..=b'z' | b'0'..=b'9' | b'-' | b'.' | b'_' | b'~' => char::from(byte).to_string(),
            other => format!("%{other:02X}"),
        })
        .collect()
}
