//! Uploads through HTML forms: the form, its policy and signature, the authorization behind it (svc:§9.4, svc:S-23,
//! `sigv4-HTTPPOSTConstructPolicy`).

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use hmac::{Hmac, KeyInit as _, Mac as _};
use serde_json::{Value, json};
use sha2::Sha256;

use crate::cloud::{A, B, Cloud, Keys, REGION, Reply, allow};

const DATE: &str = "20250108T000000Z";
const BOUNDARY: &str = "7f3d1c";

/// A form before it is sent: fields in order, then the file.
#[derive(Debug, Clone)]
pub(crate) struct Form {
    fields: Vec<(String, String)>,
    filename: Option<&'static str>,
    content: Vec<u8>,
}

impl Form {
    pub(crate) fn new(key: &str, content: &str) -> Self {
        Self {
            fields: vec![("key".to_owned(), key.to_owned())],
            filename: Some("C:\\dir\\photo.jpg"),
            content: content.as_bytes().to_vec(),
        }
    }

    pub(crate) fn with(mut self, name: &str, value: &str) -> Self {
        self.fields.push((name.to_owned(), value.to_owned()));
        self
    }

    fn without(mut self, name: &str) -> Self {
        self.fields.retain(|(have, _)| have != name);
        self
    }

    /// Adds the signing fields with a policy that covers everything, plus `more` conditions.
    pub(crate) fn sign(self, who: &Keys, more: &Value) -> Self {
        self.sign_for(who, "bucket", REGION, "2025-01-08T01:00:00.000Z", more)
    }

    pub(crate) fn sign_for(mut self, who: &Keys, bucket: &str, region: &str, expiration: &str, more: &Value) -> Self {
        let scope = format!("20250108/{region}/s3/aws4_request");
        self = self
            .with("x-amz-algorithm", "AWS4-HMAC-SHA256")
            .with("x-amz-credential", &format!("{}/{scope}", who.id))
            .with("x-amz-date", DATE);
        if let Some(token) = &who.token {
            self = self.with("x-amz-security-token", token);
        }
        let mut conditions = vec![json!({ "bucket": bucket })];
        for (name, value) in &self.fields {
            conditions.push(if name == "key" {
                json!(["starts-with", "$key", value.split("${").next().unwrap_or_default()])
            } else {
                json!({ name: value })
            });
        }
        conditions.extend(more.as_array().cloned().unwrap_or_default());
        let policy = json!({ "expiration": expiration, "conditions": conditions }).to_string();
        self.sign_text(who, region, &STANDARD.encode(policy))
    }

    /// Signs a policy text as it is.
    fn sign_text(self, who: &Keys, region: &str, policy: &str) -> Self {
        let mut key = format!("AWS4{}", who.secret).into_bytes();
        for part in ["20250108", region, "s3", "aws4_request"] {
            key = mac(&key, part.as_bytes());
        }
        let signature = hex::encode(mac(&key, policy.as_bytes()));
        self.with("policy", policy).with("x-amz-signature", &signature)
    }

    fn body(&self) -> Vec<u8> {
        let mut body = Vec::new();
        for (name, value) in &self.fields {
            let part = format!("--{BOUNDARY}\r\nContent-Disposition: form-data; name=\"{name}\"\r\n\r\n{value}\r\n");
            body.extend_from_slice(part.as_bytes());
        }
        let filename = self
            .filename
            .map(|name| format!("; filename=\"{name}\""))
            .unwrap_or_default();
        let head = format!("--{BOUNDARY}\r\nContent-Disposition: form-data; name=\"file\"{filename}\r\n\r\n");
        body.extend_from_slice(head.as_bytes());
        body.extend_from_slice(&self.content);
        body.extend_from_slice(format!("\r\n--{BOUNDARY}--\r\n").as_bytes());
        body
    }

    pub(crate) fn send(&self, cloud: &Cloud) -> Reply {
        self.send_to(cloud, "bucket")
    }

    fn send_to(&self, cloud: &Cloud, bucket: &str) -> Reply {
        let content_type = format!("multipart/form-data; boundary={BOUNDARY}");
        cloud.s3_anonymous(
            "POST",
            &format!("/{bucket}"),
            &[("content-type", &content_type)],
            &self.body(),
        )
    }
}

fn mac(key: &[u8], message: &[u8]) -> Vec<u8> {
    let mut mac = Hmac::<Sha256>::new_from_slice(key).expect("any length");
    mac.update(message);
    mac.finalize().into_bytes().to_vec()
}

/// A bucket, and a user who may write to it and read from it.
fn world() -> (Cloud, Keys) {
    let cloud = Cloud::new();
    cloud.case(&json!({ "clock": "2025-01-08T00:00:00Z" }));
    cloud.bucket(A, "bucket");
    let writer = cloud.user(
        A,
        "writer",
        &json!([allow(&json!(["s3:PutObject", "s3:GetObject"]), &json!("*"))]),
    );
    (cloud, writer)
}

#[track_caller]
fn refused(reply: &Reply, status: u16, code: &str, message: &str) {
    assert_eq!(reply.error(), (status, code.to_owned()), "{}", reply.text());
    assert_eq!(reply.element("Message"), message);
}

/// The signer is the principal, fields are headers, `${filename}` is the file's name without directories.
#[test]
fn a_form_is_a_put_object_of_its_signer() {
    let (cloud, writer) = world();
    let form = Form::new("u/${filename}", "picture")
        .with("Content-Type", "image/jpeg")
        .with("x-amz-meta-uuid", "14365123651274")
        .with("x-ignore-me", "1")
        .sign(&writer, &json!([["content-length-range", 1, 100]]));
    let reply = form.send(&cloud).ok();
    assert_eq!((reply.status, reply.body.len()), (204, 0));
    assert_eq!(reply.header("location"), "http://localhost:4566/bucket/u%2Fphoto.jpg");
    let read = cloud.s3(&writer, "GET", "/bucket/u/photo.jpg").ok();
    assert_eq!(read.text(), "picture");
    assert_eq!(read.header("content-type"), "image/jpeg");
    assert_eq!(read.header("x-amz-meta-uuid"), "14365123651274");
    assert_eq!(read.header("etag"), reply.header("etag"));
    assert_eq!(read.header("x-ignore-me"), "");
    // The same key, without a file name: nothing to expand.
    let mut bare = Form::new("u/${filename}", "x");
    bare.filename = None;
    let reply = bare
        .with("success_action_status", "201")
        .sign(&writer, &json!([]))
        .send(&cloud)
        .ok();
    assert_eq!((reply.status, reply.element("Key")), (201, "u/${filename}".to_owned()));
    assert_eq!(reply.element("Bucket"), "bucket");
    assert_eq!(reply.element("ETag"), reply.header("etag"));
    // Sessions sign with their token.
    let session = cloud.role(
        A,
        "uploader",
        "me",
        &json!([allow(&json!("s3:PutObject"), &json!("*"))]),
    );
    assert_eq!(Form::new("k", "x").sign(&session, &json!([])).send(&cloud).status, 204);
    let stolen = Keys { token: None, ..session };
    let reply = Form::new("k", "x").sign(&stolen, &json!([])).send(&cloud);
    assert_eq!(reply.error(), (400, "InvalidToken".to_owned()));
}

#[test]
fn the_answer_is_what_the_form_asks_for() {
    let (cloud, writer) = world();
    for (status, expected) in [("200", 200), ("201", 201), ("204", 204), ("404", 204)] {
        let form = Form::new("k", "x").with("success_action_status", status);
        assert_eq!(form.sign(&writer, &json!([])).send(&cloud).status, expected, "{status}");
    }
    for (url, location) in [
        ("http://h/done", "http://h/done?bucket=bucket&key=a%2Fb+c&etag=%22"),
        ("https://h/?a=b", "https://h/?a=b&bucket=bucket&key=a%2Fb+c&etag=%22"),
    ] {
        for name in ["success_action_redirect", "redirect"] {
            let reply = Form::new("a/b c", "x")
                .with(name, url)
                .sign(&writer, &json!([]))
                .send(&cloud);
            assert_eq!((reply.status, reply.body.len()), (303, 0));
            assert!(
                reply.header("location").starts_with(location),
                "{}",
                reply.header("location")
            );
            assert!(reply.header("location").ends_with("%22"));
        }
    }
    let relative = Form::new("k", "x").with("success_action_redirect", "/done");
    assert_eq!(relative.sign(&writer, &json!([])).send(&cloud).status, 204);
}

/// Signature before policy, policy before permission; whatever fails, nothing is stored.
#[test]
fn signatures_and_policies_are_checked() {
    let (cloud, writer) = world();
    let mismatch = "The request signature we calculated does not match the signature you provided. Check your key and signing method.";
    let signed = |form: Form| form.sign(&writer, &json!([]));
    let key = |more: Value| Form::new("k", "0123456789").sign(&writer, &more);
    // A policy changed after signing is not read at all.
    let mut changed = signed(Form::new("k", "x"));
    for (name, value) in &mut changed.fields {
        if name == "policy" {
            value.truncate(value.len() - 2);
        }
    }
    let reply = changed.send(&cloud);
    refused(&reply, 403, "SignatureDoesNotMatch", mismatch);
    let policy = changed
        .fields
        .iter()
        .find(|(name, _)| name == "policy")
        .expect("signed");
    assert_eq!(reply.element("StringToSign"), policy.1);
    assert_eq!(reply.element("AWSAccessKeyId"), writer.id);
    let other_secret = Keys {
        secret: "other".to_owned(),
        ..writer.clone()
    };
    refused(
        &Form::new("k", "x").sign(&other_secret, &json!([])).send(&cloud),
        403,
        "SignatureDoesNotMatch",
        mismatch,
    );
    let nobody = Keys {
        id: "AKIANOBODYNOBODYNOBO".to_owned(),
        ..writer.clone()
    };
    assert_eq!(
        Form::new("k", "x").sign(&nobody, &json!([])).send(&cloud).error(),
        (403, "InvalidAccessKeyId".to_owned())
    );
    let expired = Form::new("k", "x").sign_for(&writer, "bucket", REGION, "2025-01-07T23:59:59Z", &json!([]));
    refused(
        &expired.send(&cloud),
        403,
        "AccessDenied",
        "Invalid according to Policy: Policy expired.",
    );
    refused(
        &key(json!([["eq", "$key", "other"]])).send(&cloud),
        403,
        "AccessDenied",
        "Invalid according to Policy: Policy Condition failed: [\"eq\", \"$key\", \"other\"]",
    );
    refused(
        &key(json!([["content-length-range", 0, 9]])).send(&cloud),
        400,
        "EntityTooLarge",
        "Your proposed upload exceeds the maximum allowed size",
    );
    refused(
        &key(json!([["content-length-range", 11, 99]])).send(&cloud),
        400,
        "EntityTooSmall",
        "Your proposed upload is smaller than the minimum allowed size",
    );
    // A field added after signing, a policy for another bucket, a policy that is none.
    refused(
        &signed(Form::new("k", "x")).with("acl", "public-read").send(&cloud),
        403,
        "AccessDenied",
        "Invalid according to Policy: Extra input fields: acl",
    );
    let elsewhere = Form::new("k", "x").sign_for(&writer, "other", REGION, "2025-01-08T01:00:00Z", &json!([]));
    refused(
        &elsewhere.send(&cloud),
        403,
        "AccessDenied",
        "Invalid according to Policy: Policy Condition failed: [\"eq\", \"$bucket\", \"other\"]",
    );
    let fields = Form::new("k", "x")
        .with("x-amz-algorithm", "AWS4-HMAC-SHA256")
        .with(
            "x-amz-credential",
            &format!("{}/20250108/{REGION}/s3/aws4_request", writer.id),
        )
        .with("x-amz-date", DATE);
    for (policy, message) in [
        (STANDARD.encode("{}"), "Invalid Policy: Policy missing expiration."),
        (STANDARD.encode(b"\xff\xfe"), "Invalid Policy: Invalid JSON."),
        ("no base64!".to_owned(), "Invalid Policy: invalid Base64 encoding."),
    ] {
        let form = fields.clone().sign_text(&writer, REGION, &policy);
        refused(&form.send(&cloud), 400, "InvalidPolicyDocument", message);
    }
    // The Region of the scope is the bucket's; the key that signs is not older than a week.
    let far = Form::new("k", "x").sign_for(&writer, "bucket", "eu-west-1", "2025-01-08T01:00:00Z", &json!([]));
    let reply = far.send(&cloud);
    refused(
        &reply,
        400,
        "InvalidArgument",
        "the region 'eu-west-1' is wrong; expecting 'us-east-1'",
    );
    assert_eq!(reply.element("ArgumentName"), "X-Amz-Credential");
    let lasting = Form::new("k", "x").sign_for(&writer, "bucket", REGION, "2026-01-01T00:00:00Z", &json!([]));
    let stored = cloud.s3(&cloud.root(A), "GET", "/bucket/k");
    assert_eq!(stored.status, 404, "nothing was stored so far");
    cloud.case(&json!({ "clock": "2025-01-15T00:00:01Z" }));
    refused(&lasting.send(&cloud), 403, "AccessDenied", "Request has expired");
    cloud.case(&json!({ "clock": "2025-01-15T00:00:00Z" }));
    assert_eq!(lasting.send(&cloud).status, 204);
}

#[test]
fn malformed_forms() {
    let (cloud, writer) = world();
    let named = |name: &str| {
        format!(
            "Bucket POST must contain a field named '{name}'.  If it is specified, please check the order of the fields."
        )
    };
    let signed = Form::new("k", "x").sign(&writer, &json!([]));
    for (without, name) in [
        ("key", "key"),
        ("x-amz-signature", "X-Amz-Signature"),
        ("x-amz-algorithm", "X-Amz-Algorithm"),
        ("x-amz-credential", "X-Amz-Credential"),
        ("x-amz-date", "X-Amz-Date"),
        ("policy", "policy"),
    ] {
        let reply = signed.clone().without(without).send(&cloud);
        refused(&reply, 400, "InvalidArgument", &named(name));
        assert_eq!(reply.element("ArgumentName"), name);
    }
    for (field, value, message) in [
        (
            "x-amz-date",
            "yesterday",
            "X-Amz-Date must be formated via ISO8601 Long format",
        ),
        (
            "x-amz-credential",
            "/20250108/us-east-1/s3/aws4_request",
            "a non-empty Access Key (AKID) must be provided in the credential.",
        ),
        (
            "x-amz-credential",
            "a/20250108/us-east-1/kms/aws4_request",
            "incorrect service \"kms\". This endpoint belongs to \"s3\".",
        ),
        (
            "x-amz-credential",
            "a/b",
            "the Credential is mal-formed; expecting \"<YOUR-AKID>/YYYYMMDD/REGION/SERVICE/aws4_request\".",
        ),
    ] {
        let reply = signed.clone().without(field).with(field, value).send(&cloud);
        refused(&reply, 400, "InvalidArgument", message);
        assert!(reply.element("ArgumentName").eq_ignore_ascii_case(field));
    }
    let twice = signed.clone().with("KEY", "other").send(&cloud);
    assert_eq!(twice.error(), (400, "InvalidArgument".to_owned()), "{}", twice.text());
    let old = Form::new("k", "x")
        .with("AWSAccessKeyId", &writer.id)
        .with("policy", "e30=")
        .with("signature", "x");
    assert_eq!(old.send(&cloud).error(), (400, "InvalidRequest".to_owned()));
    let long = Form::new("k", "x").with("x-ignore-a", &"a".repeat(20_480)).send(&cloud);
    assert_eq!(long.error(), (400, "MaxPostPreDataLengthExceeded".to_owned()));
    let plain = cloud.s3_anonymous("POST", "/bucket", &[("content-type", "text/plain")], b"x");
    assert_eq!(plain.error(), (412, "PreconditionFailed".to_owned()));
    assert_eq!(
        plain.element("Condition"),
        "Bucket POST must be of the enclosure-type multipart/form-data"
    );
    let open = cloud.s3_anonymous(
        "POST",
        "/bucket",
        &[("content-type", "multipart/form-data; boundary=x")],
        b"--x\r\n",
    );
    assert_eq!(open.error(), (400, "MalformedPOSTRequest".to_owned()));
    let no_file = format!("--{BOUNDARY}\r\nContent-Disposition: form-data; name=\"key\"\r\n\r\nk\r\n--{BOUNDARY}--");
    let content_type = format!("multipart/form-data; boundary={BOUNDARY}");
    let no_file = cloud.s3_anonymous(
        "POST",
        "/bucket",
        &[("content-type", &content_type)],
        no_file.as_bytes(),
    );
    refused(
        &no_file,
        400,
        "InvalidArgument",
        "POST requires exactly one file upload per request.",
    );
    let in_header = cloud.s3_with(
        &writer,
        "POST",
        "/bucket",
        &[("content-type", &content_type)],
        signed.body(),
    );
    assert_eq!(in_header.error(), (405, "MethodNotAllowed".to_owned()));
    let nowhere = Form::new("k", "x").sign_for(&writer, "none", REGION, "2025-01-08T01:00:00Z", &json!([]));
    assert_eq!(
        nowhere.send_to(&cloud, "none").error(),
        (404, "NoSuchBucket".to_owned())
    );
}

/// s3:PutObject as the signer, with ACL and tagging permissions by field, and the condition keys of a form.
#[test]
fn forms_are_authorized() {
    let (cloud, _) = world();
    let user = cloud.user(A, "u", &json!([]));
    let send = |form: Form| form.sign(&user, &json!([])).send(&cloud);
    let policy = |statements: Value| cloud.user_policy(A, "u", &statements);
    let denied = send(Form::new("k", "x"));
    refused(
        &denied,
        403,
        "AccessDenied",
        "User: arn:aws:iam::111111111111:user/u is not authorized to perform: s3:PutObject on resource: \"arn:aws:s3:::bucket/k\" because no identity-based policy allows the s3:PutObject action",
    );
    let put = allow(&json!("s3:PutObject"), &json!("arn:aws:s3:::bucket/k"));
    policy(json!([put]));
    assert_eq!(send(Form::new("k", "x")).status, 204);
    assert_eq!(
        send(Form::new("other", "x")).status,
        403,
        "the key of the form is the resource"
    );
    let tagging = "<Tagging><TagSet><Tag><Key>team</Key><Value>red</Value></Tag></TagSet></Tagging>";
    assert_eq!(send(Form::new("k", "x").with("tagging", tagging)).status, 403);
    assert_eq!(
        send(Form::new("k", "x").with("acl", "bucket-owner-full-control")).status,
        403
    );
    policy(json!([allow(
        &json!(["s3:PutObject", "s3:PutObjectTagging", "s3:GetObjectTagging"]),
        &json!("*")
    )]));
    assert_eq!(send(Form::new("k", "x").with("tagging", tagging)).status, 204);
    let tags = cloud.s3(&user, "GET", "/bucket/k?tagging").ok();
    assert_eq!(
        (tags.element("Key"), tags.element("Value")),
        ("team".to_owned(), "red".to_owned())
    );
    assert_eq!(
        send(Form::new("k", "x").with("tagging", "no document")).error(),
        (400, "MalformedXML".to_owned())
    );
    for (condition, form, status) in [
        (
            json!({ "StringEquals": { "s3:authType": "POST" } }),
            Form::new("k", "x"),
            403,
        ),
        (
            json!({ "StringEquals": { "s3:authType": "REST-HEADER" } }),
            Form::new("k", "x"),
            204,
        ),
        (
            json!({ "StringEquals": { "s3:RequestObjectTag/team": "red" } }),
            Form::new("k", "x").with("tagging", tagging),
            403,
        ),
        (
            json!({ "Bool": { "s3:ObjectCreationOperation": "true" } }),
            Form::new("k", "x"),
            403,
        ),
        (
            json!({ "Null": { "s3:x-amz-server-side-encryption": "true" } }),
            Form::new("k", "x"),
            403,
        ),
        (
            json!({ "Null": { "s3:x-amz-server-side-encryption": "true" } }),
            Form::new("k", "x").with("x-amz-server-side-encryption", "AES256"),
            204,
        ),
    ] {
        policy(json!([
            allow(&json!("s3:*"), &json!("*")),
            { "Effect": "Deny", "Action": "s3:PutObject*", "Resource": "*", "Condition": condition },
        ]));
        assert_eq!(send(form.clone()).status, status, "{condition} {form:?}");
    }
    // Another account needs both sides, like with every other upload (svc:S-2).
    let foreign = cloud.user(B, "f", &json!([allow(&json!("s3:PutObject"), &json!("*"))]));
    assert_eq!(Form::new("k", "x").sign(&foreign, &json!([])).send(&cloud).status, 403);
    cloud
        .bucket_policy(
            A,
            "bucket",
            &json!([{ "Effect": "Allow", "Principal": { "AWS": B }, "Action": "s3:PutObject", "Resource": "arn:aws:s3:::bucket/*" }]),
        )
        .ok();
    assert_eq!(Form::new("k", "x").sign(&foreign, &json!([])).send(&cloud).status, 204);
}

/// svc:S-3, svc:S-21: nobody in particular may upload where everybody may, but never with a KMS key.
#[test]
fn anonymous_forms() {
    let (cloud, writer) = world();
    assert_eq!(
        Form::new("k", "x").send(&cloud).error(),
        (403, "AccessDenied".to_owned())
    );
    // A policy that nobody signed is nobody's: the form is anonymous.
    let unsigned = Form::new("k", "x").with("policy", "e30=");
    assert_eq!(unsigned.send(&cloud).error(), (403, "AccessDenied".to_owned()));
    cloud.public_access_block(A, "bucket", &[]);
    cloud
        .bucket_policy(
            A,
            "bucket",
            &json!([{ "Effect": "Allow", "Principal": "*", "Action": "s3:PutObject", "Resource": "arn:aws:s3:::bucket/*" }]),
        )
        .ok();
    assert_eq!(Form::new("k", "open").send(&cloud).status, 204);
    assert_eq!(cloud.s3(&writer, "GET", "/bucket/k").ok().text(), "open");
    let encrypted = Form::new("k", "x").with("x-amz-server-side-encryption", "aws:kms");
    assert_eq!(encrypted.send(&cloud).error(), (400, "InvalidArgument".to_owned()));
}

/// svc:S-10, svc:S-15, svc:S-16: SSE-KMS by field or by default, GenerateDataKey as the signer, KMS's own denial.
#[test]
fn forms_under_sse_kms() {
    let (cloud, writer) = world();
    let key = cloud.key(A, &json!([]));
    let context = json!({ "aws:s3:arn": "arn:aws:s3:::bucket/k" });
    let form = || {
        Form::new("k", "secret")
            .with("x-amz-server-side-encryption", "aws:kms")
            .with("x-amz-server-side-encryption-aws-kms-key-id", &key)
            .sign(&writer, &json!([]))
    };
    let before = cloud.trail().len();
    refused(
        &form().send(&cloud),
        403,
        "AccessDenied",
        &format!(
            "User: arn:aws:iam::111111111111:user/writer is not authorized to perform: kms:GenerateDataKey on resource: {key} because no identity-based policy allows the kms:GenerateDataKey action"
        ),
    );
    assert_eq!(cloud.kms_calls_since(before), ["GenerateDataKey"]);
    cloud.user_policy(
        A,
        "writer",
        &json!([
            allow(&json!("s3:*"), &json!("*")),
            {
                "Effect": "Allow", "Action": "kms:GenerateDataKey", "Resource": key,
                "Condition": { "StringEquals": { "kms:ViaService": "s3.us-east-1.amazonaws.com", "kms:EncryptionContext:aws:s3:arn": "arn:aws:s3:::bucket/k" } },
            },
        ]),
    );
    let before = cloud.trail().len();
    let reply = form().send(&cloud).ok();
    assert_eq!(reply.header("x-amz-server-side-encryption"), "aws:kms");
    assert_eq!(reply.header("x-amz-server-side-encryption-aws-kms-key-id"), key);
    assert_eq!(cloud.trail()[before]["requestParameters"]["encryptionContext"], context);
    assert_eq!(
        cloud.s3(&writer, "GET", "/bucket/k").error(),
        (403, "AccessDenied".to_owned())
    );
    assert_eq!(cloud.s3(&cloud.root(A), "GET", "/bucket/k").ok().text(), "secret");
    cloud.default_kms(A, "bucket", &key, false);
    let by_default = Form::new("k", "x").sign(&writer, &json!([])).send(&cloud).ok();
    assert_eq!(by_default.header("x-amz-server-side-encryption-aws-kms-key-id"), key);
    // S3 says no before KMS is asked (svc:S-19).
    cloud.user_policy(A, "writer", &json!([allow(&json!("kms:*"), &json!("*"))]));
    let before = cloud.trail().len();
    assert_eq!(form().send(&cloud).status, 403);
    assert_eq!(cloud.trail().len(), before);
}
