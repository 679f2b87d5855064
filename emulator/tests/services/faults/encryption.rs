//! Rows of the faults in what S3 and other services ask KMS for.

use serde_json::{Value, json};

use super::{Row, allow_if, may, row, user};
use crate::cloud::{A, Cloud, Keys, allow, s3_full};
use crate::s3_forms::Form;

fn kms_headers(key: &str) -> [(&str, &str); 2] {
    [
        ("x-amz-server-side-encryption", "aws:kms"),
        ("x-amz-server-side-encryption-aws-kms-key-id", key),
    ]
}

/// A bucket with an object under a KMS key and one without, and a user who may everything of S3 and nothing of KMS.
fn world(cloud: &Cloud) -> (Keys, String) {
    let key = cloud.key(A, &json!([]));
    let root = cloud.bucket(A, "bucket");
    cloud
        .s3_with(&root, "PUT", "/bucket/k", &kms_headers(&key), "a,b\n")
        .ok();
    cloud.s3_with(&root, "PUT", "/bucket/plain", &[], "text").ok();
    (user(cloud, &s3_full()), key)
}

/// What the user gets.
fn asks(cloud: &Cloud, method: &'static str, path: &str, headers: &[(&str, &str)], body: &str) -> u16 {
    let (user, _) = world(cloud);
    cloud.s3_with(&user, method, path, headers, body).status
}

/// The same with the headers that ask for the KMS key.
fn writes(cloud: &Cloud, method: &'static str, path: &str, more: &[(&str, &str)]) -> u16 {
    let (user, key) = world(cloud);
    let mut headers = kms_headers(&key).to_vec();
    headers.extend(more);
    cloud.s3_with(&user, method, path, &headers, "x").status
}

/// An upload under the KMS key that root began, with one part.
fn upload(cloud: &Cloud) -> (Keys, String, String) {
    let (user, key) = world(cloud);
    let root = cloud.root(A);
    let id = cloud
        .s3_with(&root, "POST", "/bucket/m?uploads", &kms_headers(&key), "")
        .ok()
        .element("UploadId");
    let part = cloud
        .s3_with(
            &root,
            "PUT",
            &format!("/bucket/m?partNumber=1&uploadId={id}"),
            &[],
            "part",
        )
        .ok();
    let etag = part.header("etag").trim_matches('"').to_owned();
    (user, id, etag)
}

const SELECT: &str = "<SelectObjectContentRequest><Expression>SELECT * FROM S3Object</Expression><ExpressionType>SQL</ExpressionType><InputSerialization><CSV/></InputSerialization><OutputSerialization><CSV/></OutputSerialization></SelectObjectContentRequest>";

/// What a user gets from an upload under the key, who may take data keys under a condition.
fn puts_if(cloud: &Cloud, condition: &Value, bucket_key: bool, headers: &[(&str, &str)]) -> u16 {
    let key = cloud.key(A, &json!([]));
    cloud.bucket(A, "bucket");
    cloud.default_kms(A, "bucket", &key, bucket_key);
    let mut statements = allow_if("kms:GenerateDataKey", condition);
    let list = statements.as_array_mut().expect("a list");
    list.push(allow(&json!("s3:*"), &json!("*")));
    let user = user(cloud, &statements);
    let mut all = headers.to_vec();
    if !headers.is_empty() {
        all.extend(kms_headers(&key));
    }
    cloud.s3_with(&user, "PUT", "/bucket/k", &all, "x").status
}

pub(super) const ROWS: &[Row] = &[
    row(
        "generate-data-key-unchecked-on-put",
        |cloud| writes(cloud, "PUT", "/bucket/n", &[]),
        403,
        200,
    ),
    row(
        "generate-data-key-unchecked-on-form",
        |cloud| {
            cloud.case(&json!({ "clock": "2025-01-08T00:00:00Z" }));
            let (user, key) = world(cloud);
            let mut form = Form::new("n", "x");
            for (name, value) in kms_headers(&key) {
                form = form.with(name, value);
            }
            form.sign(&user, &json!([])).send(cloud).status
        },
        403,
        204,
    ),
    row(
        "generate-data-key-unchecked-on-copy",
        |cloud| writes(cloud, "PUT", "/bucket/n", &[("x-amz-copy-source", "/bucket/plain")]),
        403,
        200,
    ),
    row(
        "generate-data-key-unchecked-on-upload",
        |cloud| writes(cloud, "POST", "/bucket/n?uploads", &[]),
        403,
        200,
    ),
    row(
        "decrypt-unchecked-on-get",
        |cloud| asks(cloud, "GET", "/bucket/k", &[], ""),
        403,
        200,
    ),
    row(
        "decrypt-unchecked-on-head",
        |cloud| asks(cloud, "HEAD", "/bucket/k", &[("x-amz-checksum-mode", "ENABLED")], ""),
        403,
        200,
    ),
    row(
        "decrypt-unchecked-on-attributes",
        |cloud| {
            asks(
                cloud,
                "GET",
                "/bucket/k?attributes",
                &[("x-amz-object-attributes", "ETag")],
                "",
            )
        },
        403,
        200,
    ),
    row(
        "decrypt-unchecked-on-select",
        |cloud| asks(cloud, "POST", "/bucket/k?select&select-type=2", &[], SELECT),
        403,
        200,
    ),
    row(
        "decrypt-unchecked-on-copy-source",
        |cloud| asks(cloud, "PUT", "/bucket/n", &[("x-amz-copy-source", "/bucket/k")], ""),
        403,
        200,
    ),
    row(
        "decrypt-unchecked-on-part",
        |cloud| {
            let (user, id, _) = upload(cloud);
            let path = format!("/bucket/m?partNumber=2&uploadId={id}");
            cloud.s3_with(&user, "PUT", &path, &[], "part").status
        },
        403,
        200,
    ),
    row(
        "decrypt-unchecked-on-part-copy",
        |cloud| {
            let (user, id, _) = upload(cloud);
            let path = format!("/bucket/m?partNumber=2&uploadId={id}");
            cloud
                .s3_with(&user, "PUT", &path, &[("x-amz-copy-source", "/bucket/k")], "")
                .status
        },
        403,
        200,
    ),
    row(
        "decrypt-unchecked-on-complete",
        |cloud| {
            let (user, id, etag) = upload(cloud);
            let body = format!(
                "<CompleteMultipartUpload><Part><PartNumber>1</PartNumber><ETag>{etag}</ETag></Part></CompleteMultipartUpload>"
            );
            cloud
                .s3_with(&user, "POST", &format!("/bucket/m?uploadId={id}"), &[], body)
                .status
        },
        403,
        200,
    ),
    row(
        "decrypt-unchecked-on-list-parts",
        |cloud| {
            let (user, id, _) = upload(cloud);
            cloud.s3(&user, "GET", &format!("/bucket/m?uploadId={id}")).status
        },
        403,
        200,
    ),
    row(
        "anonymous-reads-kms-objects",
        |cloud| {
            world(cloud);
            cloud.public_access_block(A, "bucket", &[]);
            let public = json!([{
                "Effect": "Allow", "Principal": "*", "Action": "s3:GetObject", "Resource": "arn:aws:s3:::bucket/*",
            }]);
            cloud.bucket_policy(A, "bucket", &public).ok();
            cloud.s3_anonymous("GET", "/bucket/k", &[], b"").status
        },
        400,
        200,
    ),
    row(
        "kms-asked-as-bucket-owner",
        |cloud| writes(cloud, "PUT", "/bucket/n", &[]),
        403,
        200,
    ),
    row(
        "bucket-default-key-asked",
        |cloud| {
            let default = cloud.key(A, &json!([]));
            let named = cloud.key(A, &json!([]));
            cloud.bucket(A, "bucket");
            cloud.default_kms(A, "bucket", &default, false);
            let user = user(
                cloud,
                &json!([
                    allow(&json!("s3:*"), &json!("*")),
                    allow(&json!("kms:GenerateDataKey"), &json!(default)),
                ]),
            );
            cloud
                .s3_with(&user, "PUT", "/bucket/k", &kms_headers(&named), "x")
                .status
        },
        403,
        200,
    ),
    row(
        "bucket-key-context-is-object",
        |cloud| {
            let condition = json!({ "StringEquals": { "kms:EncryptionContext:aws:s3:arn": "arn:aws:s3:::bucket" } });
            puts_if(cloud, &condition, true, &[])
        },
        200,
        403,
    ),
    row(
        "customer-context-dropped",
        |cloud| {
            let condition = json!({ "StringEquals": { "kms:EncryptionContext:team": "x" } });
            // {"team":"x"}
            puts_if(
                cloud,
                &condition,
                false,
                &[("x-amz-server-side-encryption-context", "eyJ0ZWFtIjoieCJ9")],
            )
        },
        200,
        403,
    ),
    row(
        "lambda-asks-as-account",
        |cloud| {
            let key = cloud.key(A, &json!([]));
            cloud.make_role(A, "R", &json!({ "Service": "lambda.amazonaws.com" }), &json!([]));
            let user = user(cloud, &may(&["lambda:*", "iam:PassRole"]));
            let body = json!({
                "FunctionName": "fn", "Role": format!("arn:aws:iam::{A}:role/R"),
                "Runtime": "python3.12", "Handler": "index.handler",
                "Code": { "ZipFile": "UEsFBgAAAAAAAAAAAAAAAAAAAAAAAA==" },
                "KMSKeyArn": key, "Environment": { "Variables": { "SECRET": "value" } },
            });
            let body = body.to_string().into_bytes();
            cloud
                .send(
                    Some(&user),
                    "lambda",
                    crate::cloud::REGION,
                    "POST",
                    "/2015-03-31/functions",
                    &[],
                    body,
                )
                .status
        },
        403,
        201,
    ),
    row(
        "backup-asks-as-account",
        |cloud| {
            let key = cloud.key(A, &json!([]));
            let user = user(cloud, &may(&["backup:*", "backup-storage:*"]));
            let body = json!({ "EncryptionKeyArn": key }).to_string().into_bytes();
            cloud
                .send(
                    Some(&user),
                    "backup",
                    crate::cloud::REGION,
                    "PUT",
                    "/backup-vaults/vault",
                    &[],
                    body,
                )
                .status
        },
        403,
        200,
    ),
];
