//! Rows of the faults in S3's own checks: permissions, ACLs, Block Public Access, settings of buckets.

use serde_json::{Value, json};

use super::{Row, may, row, stored, user};
use crate::cloud::{A, B, Cloud, Keys};

/// What a user who may `actions` gets, in a bucket with the object `k`.
fn asks(cloud: &Cloud, actions: &[&str], method: &'static str, path: &str, headers: &[(&str, &str)]) -> u16 {
    stored(cloud);
    let user = user(cloud, &may(actions));
    cloud.s3_with(&user, method, path, headers, "x").status
}

fn versioned(cloud: &Cloud) -> Keys {
    let root = stored(cloud);
    let body = "<VersioningConfiguration><Status>Enabled</Status></VersioningConfiguration>";
    cloud.s3_with(&root, "PUT", "/bucket?versioning", &[], body).ok();
    root
}

fn open_to(principal: &Value, action: &str) -> Value {
    json!([{ "Effect": "Allow", "Principal": principal, "Action": action, "Resource": "arn:aws:s3:::bucket/*" }])
}

/// A bucket of account A with ACLs and nothing blocked.
fn with_acls(cloud: &Cloud) -> Keys {
    let root = stored(cloud);
    cloud.public_access_block(A, "bucket", &[]);
    cloud.ownership(A, "bucket", "ObjectWriter");
    root
}

/// An upload of account A's root user with one part.
fn upload(cloud: &Cloud) -> (String, String) {
    let root = stored(cloud);
    let id = cloud.s3(&root, "POST", "/bucket/m?uploads").ok().element("UploadId");
    let part = cloud
        .s3_with(
            &root,
            "PUT",
            &format!("/bucket/m?partNumber=1&uploadId={id}"),
            &[],
            "part",
        )
        .ok();
    (id, part.header("etag").trim_matches('"').to_owned())
}

/// A locked version, and what a user gets who wants to remove it by the governance header.
fn removes_locked(cloud: &Cloud) -> u16 {
    let root = cloud.root(A);
    cloud
        .s3_with(
            &root,
            "PUT",
            "/bucket",
            &[("x-amz-bucket-object-lock-enabled", "true")],
            "",
        )
        .ok();
    let lock = [
        ("x-amz-object-lock-mode", "GOVERNANCE"),
        ("x-amz-object-lock-retain-until-date", "2026-01-01T00:00:00Z"),
    ];
    let put = cloud.s3_with(&root, "PUT", "/bucket/k", &lock, "x").ok();
    let path = format!("/bucket/k?versionId={}", put.header("x-amz-version-id"));
    let user = user(cloud, &may(&["s3:DeleteObjectVersion"]));
    let bypass = [("x-amz-bypass-governance-retention", "true")];
    cloud.s3_with(&user, "DELETE", &path, &bypass, "").status
}

pub(super) const ROWS: &[Row] = &[
    row(
        "head-object-as-own-action",
        |cloud| asks(cloud, &["s3:GetObject"], "HEAD", "/bucket/k", &[]),
        200,
        403,
    ),
    row(
        "head-bucket-as-own-action",
        |cloud| asks(cloud, &["s3:ListBucket"], "HEAD", "/bucket", &[]),
        200,
        403,
    ),
    row(
        "list-objects-v2-as-own-action",
        |cloud| asks(cloud, &["s3:ListBucket"], "GET", "/bucket?list-type=2", &[]),
        200,
        403,
    ),
    row(
        "list-versions-as-list-bucket",
        |cloud| asks(cloud, &["s3:ListBucket"], "GET", "/bucket?versions", &[]),
        403,
        200,
    ),
    row(
        "upload-part-as-own-action",
        |cloud| {
            let (id, _) = upload(cloud);
            let user = user(cloud, &may(&["s3:PutObject"]));
            let path = format!("/bucket/m?partNumber=1&uploadId={id}");
            cloud.s3_with(&user, "PUT", &path, &[], "part").status
        },
        200,
        403,
    ),
    row(
        "version-read-as-plain-read",
        |cloud| asks(cloud, &["s3:GetObject"], "GET", "/bucket/k?versionId=null", &[]),
        403,
        200,
    ),
    row(
        "version-delete-as-plain-delete",
        |cloud| asks(cloud, &["s3:DeleteObject"], "DELETE", "/bucket/k?versionId=null", &[]),
        403,
        204,
    ),
    row(
        "attributes-action-unasked",
        |cloud| {
            asks(
                cloud,
                &["s3:GetObject"],
                "GET",
                "/bucket/k?attributes",
                &[("x-amz-object-attributes", "ETag")],
            )
        },
        403,
        200,
    ),
    row(
        "delete-objects-checked-once",
        |cloud| {
            let root = stored(cloud);
            cloud.s3_with(&root, "PUT", "/bucket/l", &[], "text").ok();
            let first =
                json!([{ "Effect": "Allow", "Action": "s3:DeleteObject", "Resource": "arn:aws:s3:::bucket/k" }]);
            let user = user(cloud, &first);
            let body = "<Delete><Object><Key>k</Key></Object><Object><Key>l</Key></Object></Delete>";
            cloud.s3_with(&user, "POST", "/bucket?delete", &[], body).ok();
            cloud.s3(&root, "GET", "/bucket/l").status
        },
        200,
        404,
    ),
    row(
        "copy-source-unchecked",
        |cloud| {
            asks(
                cloud,
                &["s3:PutObject", "s3:ListBucket"],
                "PUT",
                "/bucket/n",
                &[("x-amz-copy-source", "/bucket/k")],
            )
        },
        403,
        200,
    ),
    row(
        "part-copy-source-unchecked",
        |cloud| {
            let (id, _) = upload(cloud);
            let user = user(cloud, &may(&["s3:PutObject"]));
            let path = format!("/bucket/m?partNumber=2&uploadId={id}");
            cloud
                .s3_with(&user, "PUT", &path, &[("x-amz-copy-source", "/bucket/k")], "")
                .status
        },
        403,
        200,
    ),
    row(
        "complete-upload-unchecked",
        |cloud| {
            let (id, etag) = upload(cloud);
            let user = user(cloud, &json!([]));
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
        "abort-upload-unchecked",
        |cloud| {
            let (id, _) = upload(cloud);
            let user = user(cloud, &json!([]));
            cloud.s3(&user, "DELETE", &format!("/bucket/m?uploadId={id}")).status
        },
        403,
        204,
    ),
    row(
        "tagging-unasked",
        |cloud| {
            asks(
                cloud,
                &["s3:PutObject"],
                "PUT",
                "/bucket/n",
                &[("x-amz-tagging", "t=x")],
            )
        },
        403,
        200,
    ),
    row(
        "source-tags-unasked",
        |cloud| {
            let root = stored(cloud);
            cloud
                .s3_with(&root, "PUT", "/bucket/t", &[("x-amz-tagging", "t=x")], "text")
                .ok();
            let user = user(cloud, &may(&["s3:PutObject", "s3:GetObject", "s3:PutObjectTagging"]));
            cloud
                .s3_with(&user, "PUT", "/bucket/n", &[("x-amz-copy-source", "/bucket/t")], "")
                .status
        },
        403,
        200,
    ),
    row(
        "acl-header-unasked",
        |cloud| {
            asks(
                cloud,
                &["s3:PutObject"],
                "PUT",
                "/bucket/n",
                &[("x-amz-acl", "bucket-owner-full-control")],
            )
        },
        403,
        200,
    ),
    row(
        "lock-headers-unasked",
        |cloud| {
            let root = cloud.root(A);
            cloud
                .s3_with(
                    &root,
                    "PUT",
                    "/bucket",
                    &[("x-amz-bucket-object-lock-enabled", "true")],
                    "",
                )
                .ok();
            let user = user(cloud, &may(&["s3:PutObject"]));
            cloud
                .s3_with(
                    &user,
                    "PUT",
                    "/bucket/k",
                    &[("x-amz-object-lock-legal-hold", "ON")],
                    "x",
                )
                .status
        },
        403,
        200,
    ),
    row("governance-bypass-unasked", removes_locked, 403, 204),
    row(
        "missing-key-told-to-all",
        |cloud| asks(cloud, &["s3:GetObject"], "GET", "/bucket/none", &[]),
        403,
        404,
    ),
    row(
        "precondition-before-permission",
        |cloud| asks(cloud, &["s3:ListBucket"], "GET", "/bucket/k", &[("if-match", "\"x\"")]),
        403,
        412,
    ),
    row(
        "expected-owner-ignored",
        |cloud| {
            let root = stored(cloud);
            cloud
                .s3_with(&root, "GET", "/bucket/k", &[("x-amz-expected-bucket-owner", B)], "")
                .status
        },
        403,
        200,
    ),
    row(
        "requester-pays-unasked",
        |cloud| {
            let root = stored(cloud);
            let body = "<RequestPaymentConfiguration><Payer>Requester</Payer></RequestPaymentConfiguration>";
            cloud.s3_with(&root, "PUT", "/bucket?requestPayment", &[], body).ok();
            cloud
                .bucket_policy(A, "bucket", &open_to(&json!({ "AWS": B }), "s3:GetObject"))
                .ok();
            cloud.s3(&cloud.root(B), "GET", "/bucket/k").status
        },
        403,
        200,
    ),
    row(
        "block-public-acls-ignored",
        |cloud| {
            let root = with_acls(cloud);
            cloud.public_access_block(A, "bucket", &["BlockPublicAcls"]);
            cloud
                .s3_with(&root, "PUT", "/bucket/n", &[("x-amz-acl", "public-read")], "x")
                .status
        },
        403,
        200,
    ),
    row(
        "ignore-public-acls-ignored",
        |cloud| {
            let root = with_acls(cloud);
            cloud
                .s3_with(&root, "PUT", "/bucket/n", &[("x-amz-acl", "public-read")], "x")
                .ok();
            cloud.public_access_block(A, "bucket", &["IgnorePublicAcls"]);
            cloud.s3_anonymous("GET", "/bucket/n", &[], b"").status
        },
        403,
        200,
    ),
    row(
        "block-public-policy-ignored",
        |cloud| {
            stored(cloud);
            cloud
                .bucket_policy(A, "bucket", &open_to(&json!("*"), "s3:GetObject"))
                .status
        },
        403,
        204,
    ),
    row(
        "restrict-public-buckets-ignored",
        |cloud| {
            stored(cloud);
            cloud.public_access_block(A, "bucket", &["RestrictPublicBuckets"]);
            cloud
                .bucket_policy(A, "bucket", &open_to(&json!("*"), "s3:GetObject"))
                .ok();
            cloud.s3_anonymous("GET", "/bucket/k", &[], b"").status
        },
        403,
        200,
    ),
    row(
        "account-block-ignored",
        |cloud| {
            let root = stored(cloud);
            cloud.public_access_block(A, "bucket", &[]);
            let body = "<PublicAccessBlockConfiguration><BlockPublicPolicy>true</BlockPublicPolicy></PublicAccessBlockConfiguration>";
            cloud
                .s3_with(
                    &root,
                    "PUT",
                    "/v20180820/configuration/publicAccessBlock",
                    &[("x-amz-account-id", A)],
                    body,
                )
                .ok();
            cloud
                .bucket_policy(A, "bucket", &open_to(&json!("*"), "s3:GetObject"))
                .status
        },
        403,
        204,
    ),
    row(
        "aws-star-policy-not-public",
        |cloud| {
            stored(cloud);
            cloud
                .bucket_policy(A, "bucket", &open_to(&json!({ "AWS": "*" }), "s3:GetObject"))
                .status
        },
        403,
        204,
    ),
    row(
        "any-condition-makes-private",
        |cloud| {
            stored(cloud);
            let mut open = open_to(&json!("*"), "s3:GetObject");
            open[0]["Condition"] = json!({ "Bool": { "aws:SecureTransport": "true" } });
            cloud.bucket_policy(A, "bucket", &open).status
        },
        403,
        204,
    ),
    row(
        "bucket-policy-covers-foreign-objects",
        |cloud| {
            with_acls(cloud);
            cloud
                .bucket_policy(A, "bucket", &open_to(&json!({ "AWS": [A, B] }), "s3:*"))
                .ok();
            cloud.s3_with(&cloud.root(B), "PUT", "/bucket/n", &[], "x").ok();
            cloud.s3(&cloud.root(A), "GET", "/bucket/n").status
        },
        403,
        200,
    ),
    row(
        "disabled-acls-count",
        |cloud| {
            let root = with_acls(cloud);
            cloud
                .s3_with(&root, "PUT", "/bucket/n", &[("x-amz-acl", "public-read")], "x")
                .ok();
            cloud.ownership(A, "bucket", "BucketOwnerEnforced");
            cloud.s3_anonymous("GET", "/bucket/n", &[], b"").status
        },
        403,
        200,
    ),
    row(
        "authenticated-users-include-anonymous",
        |cloud| {
            let root = with_acls(cloud);
            cloud
                .s3_with(&root, "PUT", "/bucket/n", &[("x-amz-acl", "authenticated-read")], "x")
                .ok();
            cloud.s3_anonymous("GET", "/bucket/n", &[], b"").status
        },
        403,
        200,
    ),
    row(
        "bucket-policy-open-to-strangers",
        |cloud| {
            versioned(cloud);
            let named = open_to(&json!({ "AWS": A }), "s3:GetObject");
            let body = crate::cloud::policy(&named);
            cloud.s3_anonymous("PUT", "/bucket?policy", &[], body.as_bytes()).status
        },
        403,
        204,
    ),
];
