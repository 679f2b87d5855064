//! Calls of S3, Lambda, Backup and DynamoDB for the integration tests, on top of the signer and the control-plane
//! driver of `support`. It checks nothing about AWS behaviour by itself.

use std::fmt::Write as _;

use bytes::Bytes;
use http::{HeaderMap, Request};
use serde_json::{Value, json};

pub(crate) use crate::support::{A, B, Keys, REGION};
use crate::support::{Draft, World, root};

/// An answer.
#[derive(Debug, Clone)]
pub(crate) struct Reply {
    pub(crate) status: u16,
    pub(crate) headers: HeaderMap,
    pub(crate) body: Bytes,
}

impl Reply {
    pub(crate) fn text(&self) -> String {
        String::from_utf8_lossy(&self.body).into_owned()
    }

    pub(crate) fn json(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap_or_else(|error| panic!("{error}: {}", self.text()))
    }

    pub(crate) fn header(&self, name: &str) -> &str {
        self.headers
            .get(name)
            .and_then(|value| value.to_str().ok())
            .unwrap_or("")
    }

    /// Text of the first element of that name, entities of quotes resolved.
    pub(crate) fn element(&self, name: &str) -> String {
        let text = self.text();
        let start = format!("<{name}>");
        let Some(from) = text.find(&start) else {
            return String::new();
        };
        let rest = &text[from + start.len()..];
        let end = rest.find(&format!("</{name}>")).unwrap_or(rest.len());
        rest[..end]
            .replace("&quot;", "\"")
            .replace("&lt;", "<")
            .replace("&gt;", ">")
            .replace("&amp;", "&")
    }

    /// `Code` of an S3 error, with its status.
    pub(crate) fn error(&self) -> (u16, String) {
        (self.status, self.element("Code"))
    }

    #[track_caller]
    pub(crate) fn ok(self) -> Self {
        assert!(self.status < 300, "{} {}", self.status, self.text());
        self
    }
}

/// One emulator with its control plane.
#[derive(Debug)]
pub(crate) struct Cloud {
    pub(crate) world: World,
}

impl Cloud {
    pub(crate) fn new() -> Self {
        Self { world: World::new() }
    }

    #[track_caller]
    pub(crate) fn control(&self, path: &str, body: &Value) -> Value {
        let (status, answer) = self.world.control("POST", path, body);
        assert!((200..300).contains(&status), "{path} {body}: {status} {answer}");
        answer
    }

    /// KMS events of the trail.
    pub(crate) fn trail(&self) -> Vec<Value> {
        self.world.trail()
    }

    /// Names of the KMS events since `count` of them.
    pub(crate) fn kms_calls_since(&self, count: usize) -> Vec<String> {
        self.trail()[count..]
            .iter()
            .map(|event| event["eventName"].as_str().unwrap_or_default().to_owned())
            .collect()
    }

    pub(crate) fn case(&self, body: &Value) {
        self.world.case(body);
    }

    pub(crate) fn root(&self, account: &str) -> Keys {
        root(account)
    }

    pub(crate) fn credentials(&self, principal: &Value) -> Keys {
        self.world.mint(&json!({ "principal": principal }))
    }

    /// Creates a user with one inline policy, or none when there is no statement.
    pub(crate) fn user(&self, account: &str, name: &str, statements: &Value) -> Keys {
        self.iam(account, &[("Action", "CreateUser"), ("UserName", name)]);
        if statements != &json!([]) {
            self.user_policy(account, name, statements);
        }
        self.credentials(&json!({ "user": { "account": account, "name": name } }))
    }

    pub(crate) fn user_policy(&self, account: &str, name: &str, statements: &Value) {
        let document = policy(statements);
        self.iam(
            account,
            &[
                ("Action", "PutUserPolicy"),
                ("UserName", name),
                ("PolicyName", "p"),
                ("PolicyDocument", &document),
            ],
        );
    }

    /// Creates a role that `principal` may assume, with one inline policy.
    pub(crate) fn make_role(&self, account: &str, name: &str, principal: &Value, statements: &Value) {
        let trust = policy(&json!([{ "Effect": "Allow", "Principal": principal, "Action": "sts:AssumeRole" }]));
        self.iam(
            account,
            &[
                ("Action", "CreateRole"),
                ("RoleName", name),
                ("AssumeRolePolicyDocument", &trust),
            ],
        );
        if statements != &json!([]) {
            self.role_policy(account, name, statements);
        }
    }

    pub(crate) fn role_policy(&self, account: &str, name: &str, statements: &Value) {
        let document = policy(statements);
        self.iam(
            account,
            &[
                ("Action", "PutRolePolicy"),
                ("RoleName", name),
                ("PolicyName", "p"),
                ("PolicyDocument", &document),
            ],
        );
    }

    /// A role session, the role made for it.
    pub(crate) fn role(&self, account: &str, name: &str, session: &str, statements: &Value) -> Keys {
        self.make_role(account, name, &json!({ "AWS": account }), statements);
        self.session(account, name, session)
    }

    pub(crate) fn session(&self, account: &str, name: &str, session: &str) -> Keys {
        self.credentials(&json!({ "role": { "account": account, "name": name, "session": session } }))
    }

    /// An IAM call of the account's root user that must succeed; the action is one of the parameters.
    #[track_caller]
    pub(crate) fn iam(&self, account: &str, parameters: &[(&str, &str)]) {
        let (_, action) = parameters
            .iter()
            .find(|(name, _)| *name == "Action")
            .expect("an action");
        let (status, answer) = self.world.iam(&root(account), action, parameters);
        assert_eq!(status, 200, "{parameters:?}: {answer}");
    }

    /// An IAM call of anybody.
    pub(crate) fn iam_as(&self, who: &Keys, action: &str, parameters: &[(&str, &str)]) -> (u16, String) {
        self.world.iam(who, action, parameters)
    }

    pub(crate) fn sts(&self, who: &Keys, action: &str, parameters: &[(&str, &str)]) -> (u16, String) {
        self.world.sts(who, action, parameters)
    }

    /// Credentials with everything that the control plane can say of them.
    pub(crate) fn mint(&self, request: &Value) -> Keys {
        self.world.mint(request)
    }

    /// A request that was built elsewhere.
    pub(crate) fn send_request(&self, request: Request<Bytes>) -> Reply {
        self.answer(request)
    }

    pub(crate) fn kms(&self, who: &Keys, operation: &str, body: &Value) -> Reply {
        self.kms_in(REGION, who, operation, body)
    }

    pub(crate) fn kms_in(&self, region: &str, who: &Keys, operation: &str, body: &Value) -> Reply {
        self.send(
            Some(who),
            "kms",
            region,
            "POST",
            "/",
            &[
                ("content-type", "application/x-amz-json-1.1"),
                ("x-amz-target", &format!("TrentService.{operation}")),
            ],
            body.to_string().into_bytes(),
        )
    }

    /// A key with the given statements after the usual one for the account; returns its ARN.
    pub(crate) fn key(&self, account: &str, extra: &Value) -> String {
        let mut statements = vec![json!({
            "Sid": "Enable IAM User Permissions",
            "Effect": "Allow",
            "Principal": { "AWS": format!("arn:aws:iam::{account}:root") },
            "Action": "kms:*",
            "Resource": "*",
        })];
        statements.extend(extra.as_array().cloned().unwrap_or_default());
        let made = self
            .kms(
                &self.root(account),
                "CreateKey",
                &json!({ "Policy": policy(&json!(statements)) }),
            )
            .ok()
            .json();
        made["KeyMetadata"]["Arn"].as_str().expect("an ARN").to_owned()
    }

    pub(crate) fn s3(&self, who: &Keys, method: &'static str, path: &str) -> Reply {
        self.s3_with(who, method, path, &[], b"")
    }

    pub(crate) fn s3_with(
        &self,
        who: &Keys,
        method: &'static str,
        path: &str,
        headers: &[(&str, &str)],
        body: impl AsRef<[u8]>,
    ) -> Reply {
        self.send(Some(who), "s3", REGION, method, path, headers, body.as_ref().to_vec())
    }

    /// A bodyless S3 request signed at another time, for worlds whose clock has moved.
    pub(crate) fn send_at(&self, date: &str, who: &Keys, method: &'static str, path_and_query: &str) -> Reply {
        let mut draft = self.draft("s3", REGION, method, path_and_query, &[], Vec::new());
        date.clone_into(&mut draft.date);
        self.answer(draft.sign(who))
    }

    /// A GET whose path is sent in another spelling than the canonical one that is signed.
    pub(crate) fn get_as_sent(&self, who: &Keys, canonical: &str, sent: &str) -> Reply {
        let mut request = self.draft("s3", REGION, "GET", canonical, &[], Vec::new()).sign(who);
        *request.uri_mut() = sent.parse().expect("a path");
        self.answer(request)
    }

    pub(crate) fn s3_anonymous(
        &self,
        method: &'static str,
        path: &str,
        headers: &[(&str, &str)],
        body: &[u8],
    ) -> Reply {
        self.send(None, "s3", REGION, method, path, headers, body.to_vec())
    }

    /// A bucket of an account's root user.
    pub(crate) fn bucket(&self, account: &str, name: &str) -> Keys {
        let root = self.root(account);
        self.s3(&root, "PUT", &format!("/{name}")).ok();
        root
    }

    pub(crate) fn bucket_policy(&self, account: &str, bucket: &str, statements: &Value) -> Reply {
        self.s3_with(
            &self.root(account),
            "PUT",
            &format!("/{bucket}?policy"),
            &[],
            policy(statements),
        )
    }

    /// Switches Block Public Access of a bucket off, or single settings on.
    pub(crate) fn public_access_block(&self, account: &str, bucket: &str, on: &[&str]) {
        let mut body = "<PublicAccessBlockConfiguration>".to_owned();
        for name in on {
            write!(body, "<{name}>true</{name}>").expect("writing to a String cannot fail");
        }
        body.push_str("</PublicAccessBlockConfiguration>");
        self.s3_with(
            &self.root(account),
            "PUT",
            &format!("/{bucket}?publicAccessBlock"),
            &[],
            body,
        )
        .ok();
    }

    pub(crate) fn ownership(&self, account: &str, bucket: &str, ownership: &str) {
        let body = format!(
            "<OwnershipControls><Rule><ObjectOwnership>{ownership}</ObjectOwnership></Rule></OwnershipControls>"
        );
        self.s3_with(
            &self.root(account),
            "PUT",
            &format!("/{bucket}?ownershipControls"),
            &[],
            body,
        )
        .ok();
    }

    /// Sets the bucket default to SSE-KMS.
    pub(crate) fn default_kms(&self, account: &str, bucket: &str, key: &str, bucket_key: bool) {
        let body = format!(
            "<ServerSideEncryptionConfiguration><Rule><ApplyServerSideEncryptionByDefault><SSEAlgorithm>aws:kms</SSEAlgorithm><KMSMasterKeyID>{key}</KMSMasterKeyID></ApplyServerSideEncryptionByDefault><BucketKeyEnabled>{bucket_key}</BucketKeyEnabled></Rule></ServerSideEncryptionConfiguration>"
        );
        self.s3_with(&self.root(account), "PUT", &format!("/{bucket}?encryption"), &[], body)
            .ok();
    }

    /// One request, signed for `service` and `region` unless `who` is `None`.
    #[expect(
        clippy::too_many_arguments,
        reason = "every part of a request is its own argument here"
    )]
    pub(crate) fn send(
        &self,
        who: Option<&Keys>,
        service: &'static str,
        region: &str,
        method: &'static str,
        path_and_query: &str,
        headers: &[(&str, &str)],
        body: Vec<u8>,
    ) -> Reply {
        let draft = self.draft(service, region, method, path_and_query, headers, body);
        self.answer(match who {
            Some(keys) => draft.sign(keys),
            None => unsigned(&draft, path_and_query),
        })
    }

    pub(crate) fn draft(
        &self,
        service: &'static str,
        region: &str,
        method: &'static str,
        path_and_query: &str,
        headers: &[(&str, &str)],
        body: Vec<u8>,
    ) -> Draft {
        let (path, query) = path_and_query.split_once('?').unwrap_or((path_and_query, ""));
        let decode = |text: &str| {
            percent_encoding::percent_decode_str(text)
                .decode_utf8_lossy()
                .into_owned()
        };
        let mut draft = Draft::post(service, body);
        draft.method = method;
        region.clone_into(&mut draft.region);
        path.clone_into(&mut draft.path);
        draft.query = query
            .split('&')
            .filter(|part| !part.is_empty())
            .map(|part| part.split_once('=').unwrap_or((part, "")))
            .map(|(name, value)| (decode(name), decode(value)))
            .collect();
        draft.headers = headers
            .iter()
            .map(|(name, value)| (name.to_ascii_lowercase(), (*value).to_owned()))
            .collect();
        draft
    }

    fn answer(&self, request: Request<Bytes>) -> Reply {
        let (parts, body) = self.world.emulator.handle(request).into_parts();
        Reply {
            status: parts.status.as_u16(),
            headers: parts.headers,
            body,
        }
    }
}

fn unsigned(draft: &Draft, path_and_query: &str) -> Request<Bytes> {
    let mut request = Request::builder()
        .method(draft.method)
        .uri(path_and_query)
        .header("host", "localhost:4566");
    for (name, value) in &draft.headers {
        request = request.header(name, value);
    }
    request.body(Bytes::from(draft.body.clone())).expect("literal parts")
}

/// A policy document.
pub(crate) fn policy(statements: &Value) -> String {
    json!({ "Version": "2012-10-17", "Statement": statements }).to_string()
}

/// One Allow statement.
pub(crate) fn allow(action: &Value, resource: &Value) -> Value {
    json!({ "Effect": "Allow", "Action": action, "Resource": resource })
}

/// `s3:*` on everything and nothing of KMS (AmazonS3FullAccess).
pub(crate) fn s3_full() -> Value {
    json!([allow(&json!(["s3:*", "s3-object-lambda:*"]), &json!("*"))])
}

/// `*` on `*`.
pub(crate) fn admin() -> Value {
    json!([allow(&json!("*"), &json!("*"))])
}
