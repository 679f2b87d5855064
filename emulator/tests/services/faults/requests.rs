//! Rows of the faults in how a request is read and its signature verified.

use serde_json::json;

use super::{Row, may, row, stored, user};
use crate::cloud::{A, Cloud, Keys, Reply, allow};
use crate::s3_forms::Form;
use crate::support::Draft;

/// A signed request to which something is done before it is sent.
fn sent(cloud: &Cloud, draft: Draft, who: &Keys, change: impl FnOnce(&mut http::HeaderMap)) -> Reply {
    let mut request = draft.sign(who);
    change(request.headers_mut());
    cloud.send_request(request)
}

fn get(cloud: &Cloud) -> Draft {
    cloud.draft("s3", crate::cloud::REGION, "GET", "/bucket/k", &[], Vec::new())
}

fn put(cloud: &Cloud, headers: &[(&str, &str)]) -> Draft {
    cloud.draft("s3", crate::cloud::REGION, "PUT", "/bucket/n", headers, Vec::new())
}

fn header(headers: &mut http::HeaderMap, name: &'static str, value: &'static str) {
    headers.insert(name, http::HeaderValue::from_static(value));
}

/// A form of a user who may `actions`, uploaded to the bucket.
fn posts(cloud: &Cloud, actions: &[&str], make: impl FnOnce(&Keys) -> Form) -> u16 {
    cloud.case(&json!({ "clock": "2025-01-08T00:00:00Z" }));
    stored(cloud);
    let user = user(cloud, &may(actions));
    make(&user).send(cloud).status
}

/// Two buckets, and a user who may everything in the first one.
fn two_buckets(cloud: &Cloud) -> Keys {
    stored(cloud);
    let root = cloud.bucket(A, "secret");
    cloud.s3_with(&root, "PUT", "/secret/k", &[], "secret").ok();
    user(
        cloud,
        &json!([allow(
            &json!("s3:*"),
            &json!(["arn:aws:s3:::bucket", "arn:aws:s3:::bucket/*"])
        )]),
    )
}

pub(super) const ROWS: &[Row] = &[
    row(
        "signature-unverified",
        |cloud| {
            let root = stored(cloud);
            let forged = Keys {
                secret: "wrong".to_owned(),
                ..root
            };
            cloud.s3(&forged, "GET", "/bucket/k").status
        },
        403,
        200,
    ),
    row(
        "unsigned-trailer-unverified",
        |cloud| {
            let root = stored(cloud);
            let body = b"4\r\ntext\r\n0\r\n\r\n".to_vec();
            let headers = [("x-amz-decoded-content-length", "4")];
            let draft = cloud.draft("s3", crate::cloud::REGION, "PUT", "/bucket/n", &headers, body);
            // Replaced after signing, so that the signature is of something else.
            sent(cloud, draft, &root, |headers| {
                header(headers, "x-amz-content-sha256", "STREAMING-UNSIGNED-PAYLOAD-TRAILER");
            })
            .status
        },
        403,
        200,
    ),
    row(
        "session-token-unchecked",
        |cloud| {
            let session = cloud.role(A, "R", "s1", &may(&["s3:*"]));
            let forged = Keys {
                token: Some("wrong".to_owned()),
                ..session
            };
            cloud.s3(&forged, "GET", "/").status
        },
        400,
        200,
    ),
    row(
        "unsigned-header-accepted",
        |cloud| {
            let root = stored(cloud);
            sent(cloud, put(cloud, &[]), &root, |headers| {
                header(headers, "x-amz-copy-source", "/bucket/k");
            })
            .status
        },
        403,
        200,
    ),
    row(
        "presigned-extra-header-accepted",
        |cloud| {
            let root = stored(cloud);
            let mut request = put(cloud, &[]).presign(&root, 60);
            header(request.headers_mut(), "x-amz-copy-source", "/bucket/k");
            cloud.send_request(request).status
        },
        403,
        200,
    ),
    row(
        "presign-expiry-ignored",
        |cloud| {
            let root = stored(cloud);
            let mut draft = get(cloud);
            "20250107T000000Z".clone_into(&mut draft.date);
            cloud.send_request(draft.presign(&root, 60)).status
        },
        403,
        200,
    ),
    row(
        "presigned-unchecked",
        |cloud| {
            stored(cloud);
            let user = user(cloud, &json!([]));
            cloud.send_request(get(cloud).presign(&user, 60)).status
        },
        403,
        200,
    ),
    row(
        "streaming-upload-unchecked",
        |cloud| {
            stored(cloud);
            let user = user(cloud, &json!([]));
            cloud.send_request(trailing(cloud, &user)).status
        },
        403,
        200,
    ),
    row(
        "query-over-header",
        |cloud| {
            let root = stored(cloud);
            cloud
                .s3_with(&root, "PUT", "/bucket/n?x-amz-copy-source=%2Fbucket%2Fk", &[], "")
                .ok();
            u16::from(cloud.s3(&root, "GET", "/bucket/n").text() == "text")
        },
        0,
        1,
    ),
    row(
        "form-upload-unchecked",
        |cloud| {
            posts(cloud, &["s3:GetObject"], |user| {
                Form::new("n", "x").sign(user, &json!([]))
            })
        },
        403,
        204,
    ),
    row(
        "form-policy-ignored",
        |cloud| {
            posts(cloud, &["s3:PutObject"], |user| {
                Form::new("n", "x").sign(user, &json!([["content-length-range", 100, 200]]))
            })
        },
        400,
        204,
    ),
    row(
        "form-bucket-field-decides",
        |cloud| {
            posts(cloud, &["s3:PutObject"], |user| {
                let form = Form::new("n", "x").with("bucket", "other");
                form.sign_for(
                    user,
                    "other",
                    crate::cloud::REGION,
                    "2025-01-08T01:00:00.000Z",
                    &json!([]),
                )
            })
        },
        403,
        204,
    ),
    row(
        "dot-segments-removed-after-check",
        |cloud| {
            let root = stored(cloud);
            cloud.s3_with(&root, "PUT", "/bucket/secret", &[], "secret").ok();
            let own = json!([allow(&json!("s3:GetObject"), &json!("arn:aws:s3:::bucket/own/*"))]);
            let user = user(cloud, &own);
            u16::from(cloud.s3(&user, "GET", "/bucket/own/../secret").text() == "secret")
        },
        0,
        1,
    ),
    row(
        "copy-source-dot-segments",
        |cloud| {
            let user = two_buckets(cloud);
            let source = [("x-amz-copy-source", "/bucket/../secret/k")];
            cloud.s3_with(&user, "PUT", "/bucket/n", &source, "");
            u16::from(cloud.s3(&user, "GET", "/bucket/n").text() == "secret")
        },
        0,
        1,
    ),
    row(
        "key-checked-undecoded",
        |cloud| {
            let root = stored(cloud);
            cloud.s3_with(&root, "PUT", "/bucket/a%20b", &[], "text").ok();
            let one = json!([allow(&json!("s3:GetObject"), &json!("arn:aws:s3:::bucket/a b"))]);
            let user = user(cloud, &one);
            cloud.s3(&user, "GET", "/bucket/a%20b").status
        },
        200,
        403,
    ),
];

/// A PUT with an unsigned trailer.
fn trailing(cloud: &Cloud, who: &Keys) -> http::Request<bytes::Bytes> {
    let body = b"4\r\ntext\r\n0\r\n\r\n".to_vec();
    let headers = [("x-amz-decoded-content-length", "4")];
    let draft = cloud.draft("s3", crate::cloud::REGION, "PUT", "/bucket/n", &headers, body);
    draft.sign_as(who, "STREAMING-UNSIGNED-PAYLOAD-TRAILER")
}
