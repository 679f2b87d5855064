//! Shapes of requests that other servers took for something else: uploads, copies, forms, presigned requests. A wrong
//! shape is refused, a right one is decided like its plain twin.

use bytes::Bytes;
use hmac::{Hmac, KeyInit as _, Mac as _};
use http::{HeaderValue, Request};
use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};

use crate::cloud::{A, B, Cloud, Keys, REGION, Reply, admin, allow};
use crate::s3_forms::Form;
use crate::support::Draft;

const DATE: &str = "20250108T000000Z";
const CONTENT: &[u8] = b"hello";
const TRAILER: &str = "STREAMING-UNSIGNED-PAYLOAD-TRAILER";

/// A bucket with an object, another bucket with a secret.
fn world() -> Cloud {
    let cloud = Cloud::new();
    cloud.case(&json!({ "clock": "2025-01-08T00:00:00Z" }));
    for name in ["bucket", "vault"] {
        let root = cloud.bucket(A, name);
        cloud.s3_with(&root, "PUT", &format!("/{name}/k"), &[], name).ok();
    }
    cloud
}

fn draft(cloud: &Cloud, method: &'static str, path: &str, headers: &[(&str, &str)], body: &[u8]) -> Draft {
    cloud.draft("s3", REGION, method, path, headers, body.to_vec())
}

fn mac(key: &[u8], message: &str) -> Vec<u8> {
    let mut mac = Hmac::<Sha256>::new_from_slice(key).expect("any length");
    mac.update(message.as_bytes());
    mac.finalize().into_bytes().to_vec()
}

fn unsigned_chunks() -> Vec<u8> {
    b"5\r\nhello\r\n0\r\nx-amz-checksum-crc32:NhCmhg==\r\n\r\n".to_vec()
}

/// A body in one signed chunk, and the empty last one, after the signature of the head.
fn signed_chunks(who: &Keys, head: &Request<Bytes>) -> Bytes {
    let authorization = head.headers()["authorization"].to_str().expect("ASCII");
    let mut previous = authorization.rsplit('=').next().expect("a signature").to_owned();
    let mut key = format!("AWS4{}", who.secret).into_bytes();
    for part in [&DATE[..8], REGION, "s3", "aws4_request"] {
        key = mac(&key, part);
    }
    let hash = |bytes: &[u8]| hex::encode(Sha256::digest(bytes));
    let mut body = Vec::new();
    for chunk in [CONTENT, b""] {
        let scope = format!("{}/{REGION}/s3/aws4_request", &DATE[..8]);
        let text = format!(
            "AWS4-HMAC-SHA256-PAYLOAD\n{DATE}\n{scope}\n{previous}\n{}\n{}",
            hash(b""),
            hash(chunk)
        );
        previous = hex::encode(mac(&key, &text));
        body.extend_from_slice(format!("{:x};chunk-signature={previous}\r\n", chunk.len()).as_bytes());
        body.extend_from_slice(chunk);
        body.extend_from_slice(b"\r\n");
    }
    Bytes::from(body)
}

type Upload = fn(&Cloud, &Keys) -> Reply;

/// One upload of `hello` to `bucket/u`, in every shape there is.
const UPLOADS: &[(&str, Upload)] = &[
    ("signed header", |cloud, who| {
        cloud.s3_with(who, "PUT", "/bucket/u", &[], CONTENT)
    }),
    ("unsigned payload", |cloud, who| {
        cloud.send_request(draft(cloud, "PUT", "/bucket/u", &[], CONTENT).sign_as(who, "UNSIGNED-PAYLOAD"))
    }),
    ("unsigned chunks with a trailer", |cloud, who| {
        let headers = [
            ("x-amz-decoded-content-length", "5"),
            ("x-amz-trailer", "x-amz-checksum-crc32"),
        ];
        cloud.send_request(draft(cloud, "PUT", "/bucket/u", &headers, &unsigned_chunks()).sign_as(who, TRAILER))
    }),
    ("signed chunks", |cloud, who| {
        let headers = [("x-amz-decoded-content-length", "5")];
        let head = draft(cloud, "PUT", "/bucket/u", &headers, b"").sign_as(who, "STREAMING-AWS4-HMAC-SHA256-PAYLOAD");
        let body = signed_chunks(who, &head);
        cloud.send_request(head.map(|_| body))
    }),
    ("presigned", |cloud, who| {
        cloud.send_request(draft(cloud, "PUT", "/bucket/u", &[], CONTENT).presign(who, 60))
    }),
    ("form", |cloud, who| {
        Form::new("u", "hello").sign(who, &json!([])).send(cloud)
    }),
    ("multipart upload", |cloud, who| {
        let started = cloud.s3(who, "POST", "/bucket/u?uploads");
        if started.status != 200 {
            return started;
        }
        let id = started.element("UploadId");
        let part = cloud.s3_with(
            who,
            "PUT",
            &format!("/bucket/u?partNumber=1&uploadId={id}"),
            &[],
            CONTENT,
        );
        let list = format!(
            "<CompleteMultipartUpload><Part><PartNumber>1</PartNumber><ETag>{}</ETag></Part></CompleteMultipartUpload>",
            part.header("etag")
        );
        cloud.s3_with(who, "POST", &format!("/bucket/u?uploadId={id}"), &[], list)
    }),
];

fn assert_no_upload(cloud: &Cloud, shape: &str) {
    assert_eq!(cloud.s3(&cloud.root(A), "GET", "/bucket/u").status, 404, "{shape}");
}

/// CVE-2021-21362, seaweedfs#2180: the permission is the same in every shape, and so is an explicit Deny.
#[test]
fn uploads_are_decided_alike_in_every_shape() {
    let cloud = world();
    let user = cloud.user(A, "u", &json!([]));
    let reading = json!([allow(
        &json!(["s3:GetObject*", "s3:List*", "s3:DeleteObject"]),
        &json!("*")
    )]);
    let denied = json!([
        allow(&json!("s3:*"), &json!("*")),
        { "Effect": "Deny", "Action": "s3:PutObject", "Resource": "arn:aws:s3:::bucket/u" },
    ]);
    let elsewhere = json!([allow(&json!("s3:PutObject"), &json!("arn:aws:s3:::bucket/other"))]);
    let writing = json!([allow(&json!("s3:PutObject"), &json!("arn:aws:s3:::bucket/u"))]);
    for (shape, upload) in UPLOADS {
        for statements in [&reading, &denied, &elsewhere] {
            cloud.user_policy(A, "u", statements);
            assert_eq!(
                upload(&cloud, &user).error(),
                (403, "AccessDenied".to_owned()),
                "{shape}: {statements}"
            );
            assert_no_upload(&cloud, shape);
        }
        cloud.user_policy(A, "u", &writing);
        let reply = upload(&cloud, &user);
        assert!(reply.status < 300, "{shape}: {}", reply.text());
        let root = cloud.root(A);
        assert_eq!(cloud.s3(&root, "GET", "/bucket/u").ok().text(), "hello", "{shape}");
        cloud.s3(&root, "DELETE", "/bucket/u").ok();
    }
}

/// CVE-2025-31489, CVE-2026-40344, CVE-2026-41145: whoever has not the secret uploads nothing, and a good head does not
/// vouch for another body.
#[test]
fn forged_uploads_are_refused_in_every_shape() {
    let cloud = world();
    let user = cloud.user(A, "u", &admin());
    let forged = Keys {
        secret: "wrong".to_owned(),
        ..user.clone()
    };
    for (shape, upload) in UPLOADS {
        assert_eq!(
            upload(&cloud, &forged).error(),
            (403, "SignatureDoesNotMatch".to_owned()),
            "{shape}"
        );
        assert_no_upload(&cloud, shape);
    }
    // The way of signing is announced in a header that another way of signing does not cover.
    let announced = |mut request: Request<Bytes>| {
        let headers = request.headers_mut();
        headers.insert("x-amz-content-sha256", HeaderValue::from_static(TRAILER));
        headers.insert("x-amz-decoded-content-length", HeaderValue::from_static("5"));
        cloud.send_request(request.map(|_| Bytes::from(unsigned_chunks())))
    };
    let plain = || draft(&cloud, "PUT", "/bucket/u", &[], CONTENT);
    for who in [&user, &forged] {
        for request in [plain().presign(who, 60), plain().sign(who)] {
            assert_eq!(announced(request).status, 403);
            assert_no_upload(&cloud, "announced");
        }
    }
    // Signed chunks: another text, a chunk without signature, an end too soon.
    let headers = [("x-amz-decoded-content-length", "5")];
    let head = draft(&cloud, "PUT", "/bucket/u", &headers, b"").sign_as(&user, "STREAMING-AWS4-HMAC-SHA256-PAYLOAD");
    let good = String::from_utf8(signed_chunks(&user, &head).to_vec()).expect("ASCII");
    for bad in [
        good.replace("hello", "jello"),
        good.replace(";chunk-signature=", ";chunk-signature=0"),
        "5\r\nhello\r\n0\r\n\r\n".to_owned(),
        good.split_inclusive("hello\r\n").next().unwrap_or_default().to_owned(),
    ] {
        let reply = cloud.send_request(head.clone().map(|_| Bytes::from(bad.clone())));
        assert!(matches!(reply.status, 400 | 403), "{bad}: {}", reply.text());
        assert_no_upload(&cloud, &bad);
    }
    assert_eq!(cloud.send_request(head.map(|_| Bytes::from(good))).status, 200);
}

/// GHSA-g8w9-qw9q-fghr, GHSA-xm99-m3gq-83g8: what S3 is told in headers counts only if it was signed.
#[test]
fn headers_that_nobody_signed_are_refused() {
    let cloud = world();
    let user = cloud.user(A, "u", &admin());
    for (name, value) in [
        ("x-amz-copy-source", "vault/k"),
        ("x-amz-acl", "public-read"),
        ("x-amz-tagging", "team=red"),
        ("x-amz-server-side-encryption", "aws:kms"),
        ("x-amz-storage-class", "GLACIER"),
        ("x-amz-meta-owner", "somebody"),
        ("x-amz-bypass-governance-retention", "true"),
        ("x-amz-security-token", "other"),
    ] {
        let plain = || draft(&cloud, "PUT", "/bucket/u", &[], CONTENT);
        for mut request in [plain().sign(&user), plain().presign(&user, 60)] {
            request.headers_mut().insert(name, HeaderValue::from_static(value));
            let reply = cloud.send_request(request);
            assert!(
                matches!(reply.status, 400 | 403),
                "{name}: {} {}",
                reply.status,
                reply.text()
            );
            assert!(!reply.text().contains("vault"));
            assert_no_upload(&cloud, name);
        }
        // In the query it is signed, but it is no header: nothing is copied, tagged or made public by it.
        let mut asked = plain();
        asked.query.push((name.to_owned(), value.to_owned()));
        if name != "x-amz-security-token" {
            let reply = cloud.send_request(asked.presign(&user, 60));
            if reply.status == 200 {
                let got = cloud.s3(&cloud.root(A), "GET", "/bucket/u").ok();
                assert_eq!(got.text(), "hello", "{name}");
                assert_eq!(
                    (got.header("x-amz-tagging-count"), got.header("x-amz-meta-owner")),
                    ("", "")
                );
                assert_eq!(got.header("x-amz-server-side-encryption"), "AES256");
                cloud.s3(&cloud.root(A), "DELETE", "/bucket/u").ok();
            }
        }
    }
}

/// CVE-2026-55874: the source of a copy is a bucket and a key, and the key is verbatim.
#[test]
fn dots_in_a_copy_source_are_part_of_the_key() {
    let cloud = world();
    let own = json!(["arn:aws:s3:::bucket", "arn:aws:s3:::bucket/*"]);
    let user = cloud.user(A, "u", &json!([allow(&json!("s3:*"), &own)]));
    let started = cloud.s3(&user, "POST", "/bucket/m?uploads").ok();
    let part = format!("/bucket/m?partNumber=1&uploadId={}", started.element("UploadId"));
    for source in [
        "bucket/../vault/k",
        "/bucket/../vault/k",
        "bucket/%2e%2e/vault/k",
        "bucket/..%2Fvault%2Fk",
        "bucket%2F..%2Fvault%2Fk",
        "bucket//../vault/k",
        "bucket/./../vault/k",
        "./vault/k",
        "../vault/k",
        "vault/../vault/k",
        "vault/k",
    ] {
        for path in ["/bucket/u", part.as_str()] {
            let reply = cloud.s3_with(&user, "PUT", path, &[("x-amz-copy-source", source)], "");
            assert!(matches!(reply.status, 400 | 403 | 404), "{source}: {}", reply.status);
            assert_no_upload(&cloud, source);
        }
    }
    // The plain twin, and a key that has dots.
    cloud
        .s3_with(&cloud.root(A), "PUT", "/bucket/../vault/k", &[], "dots")
        .ok();
    for (source, content) in [("bucket/k", "bucket"), ("bucket/../vault/k", "dots")] {
        cloud
            .s3_with(&user, "PUT", "/bucket/c", &[("x-amz-copy-source", source)], "")
            .ok();
        assert_eq!(cloud.s3(&user, "GET", "/bucket/c").ok().text(), content);
    }
}

/// CVE-2023-28434, CVE-2023-43040: a field of that name is one more field, and not even that where the policy has no word
/// for it.
#[test]
fn the_bucket_of_a_form_is_the_one_of_its_url() {
    let cloud = world();
    let own = json!(["arn:aws:s3:::bucket", "arn:aws:s3:::bucket/*"]);
    let user = cloud.user(A, "u", &json!([allow(&json!("s3:*"), &own)]));
    let forms = [
        Form::new("u", "hello").with("bucket", "vault").sign(&user, &json!([])),
        Form::new("u", "hello").sign(&user, &json!([])).with("bucket", "vault"),
        Form::new("u", "hello").with("Bucket", "vault").sign(&user, &json!([])),
        Form::new("../vault/u", "hello").sign(&user, &json!([])),
    ];
    for form in forms {
        let reply = form.send(&cloud);
        assert!(reply.status == 204 || reply.status == 403, "{form:?}: {}", reply.text());
        assert_eq!(cloud.s3(&cloud.root(A), "GET", "/vault/u").status, 404, "{form:?}");
    }
    // A policy for one bucket does not open another, whatever the fields say.
    let both = json!([allow(&json!("s3:*"), &json!("*"))]);
    cloud.user_policy(A, "u", &both);
    let vault = Form::new("v", "hello").with("bucket", "vault").sign_for(
        &user,
        "vault",
        REGION,
        "2025-01-08T01:00:00Z",
        &json!([]),
    );
    assert_eq!(vault.send(&cloud).error(), (403, "AccessDenied".to_owned()));
    assert_eq!(cloud.s3(&cloud.root(A), "GET", "/bucket/v").status, 404);
}

/// CVE-2024-36107: a caller who may not read learns nothing from a condition, a range or a part number, also not
/// whether the object is there.
#[test]
fn preconditions_and_ranges_tell_nothing_to_the_denied() {
    let cloud = world();
    let user = cloud.user(A, "u", &json!([allow(&json!("s3:PutObject"), &json!("*"))]));
    let etag = cloud
        .s3(&cloud.root(A), "HEAD", "/bucket/k")
        .ok()
        .header("etag")
        .to_owned();
    let conditions: &[&[(&str, &str)]] = &[
        &[],
        &[("if-match", &etag)],
        &[("if-match", "\"none\"")],
        &[("if-none-match", &etag)],
        &[("if-none-match", "*")],
        &[("if-modified-since", "Wed, 08 Jan 2030 00:00:00 GMT")],
        &[("if-unmodified-since", "Wed, 08 Jan 2020 00:00:00 GMT")],
        &[("range", "bytes=0-1")],
        &[("range", "bytes=900-")],
        &[("x-amz-checksum-mode", "ENABLED")],
    ];
    for method in ["GET", "HEAD"] {
        for path in [
            "/bucket/k",
            "/bucket/none",
            "/bucket/k?partNumber=9",
            "/bucket/k?versionId=none",
        ] {
            for headers in conditions {
                let reply = cloud.s3_with(&user, method, path, headers, "");
                assert_eq!(reply.status, 403, "{method} {path} {headers:?}");
                for name in [
                    "etag",
                    "last-modified",
                    "accept-ranges",
                    "content-range",
                    "x-amz-version-id",
                ] {
                    assert_eq!(reply.header(name), "", "{method} {path} {headers:?}");
                }
            }
        }
    }
    // Copies: the conditions are about the source, which may not be read.
    for (name, value) in [
        ("x-amz-copy-source-if-match", etag.as_str()),
        ("x-amz-copy-source-if-match", "\"none\""),
        ("x-amz-copy-source-if-none-match", etag.as_str()),
    ] {
        for source in ["bucket/k", "bucket/none"] {
            let headers = [("x-amz-copy-source", source), (name, value)];
            let reply = cloud.s3_with(&user, "PUT", "/bucket/c", &headers, "");
            assert_eq!(
                reply.error(),
                (403, "AccessDenied".to_owned()),
                "{name}: {value} of {source}"
            );
        }
    }
    // Who may read is told.
    cloud.user_policy(
        A,
        "u",
        &json!([allow(&json!(["s3:GetObject", "s3:ListBucket"]), &json!("*"))]),
    );
    for (headers, status) in [
        ([("if-match", "\"none\"")], 412),
        ([("if-none-match", etag.as_str())], 304),
        ([("range", "bytes=900-")], 416),
    ] {
        assert_eq!(cloud.s3_with(&user, "GET", "/bucket/k", &headers, "").status, status);
    }
    assert_eq!(cloud.s3(&user, "GET", "/bucket/none").status, 404);
}

/// GHSA-mx42-j6wv-px98, seaweedfs#9555: each step has its own permission; a copied part needs the source too.
#[test]
fn every_step_of_a_multipart_upload_asks() {
    let cloud = world();
    let root = cloud.root(A);
    let user = cloud.user(A, "u", &admin());
    let started = cloud.s3(&user, "POST", "/bucket/m?uploads").ok();
    let id = started.element("UploadId");
    let upload = format!("/bucket/m?uploadId={id}");
    let part = format!("/bucket/m?partNumber=1&uploadId={id}");
    let copied = [("x-amz-copy-source", "vault/k")];
    let etag = cloud
        .s3_with(&root, "PUT", &part, &[], "part")
        .ok()
        .header("etag")
        .to_owned();
    let list = format!(
        "<CompleteMultipartUpload><Part><PartNumber>1</PartNumber><ETag>{etag}</ETag></Part></CompleteMultipartUpload>"
    );
    type Step<'a> = (&'static str, &'a str, &'a [(&'a str, &'a str)], &'a str, &'a [&'a str]);
    let steps: &[Step<'_>] = &[
        ("POST", "/bucket/n?uploads", &[], "", &["s3:PutObject"]),
        ("PUT", &part, &[], "part", &["s3:PutObject"]),
        ("PUT", &part, &copied, "", &["s3:GetObject", "s3:PutObject"]),
        ("GET", &upload, &[], "", &["s3:ListMultipartUploadParts"]),
        ("POST", &upload, &[], &list, &["s3:PutObject"]),
        ("DELETE", &upload, &[], "", &["s3:AbortMultipartUpload"]),
    ];
    let but = |action: &str| {
        let statements = json!([{ "Effect": "Allow", "NotAction": action, "Resource": "*" }]);
        cloud.user_policy(A, "u", &statements);
    };
    for (method, path, headers, body, actions) in steps {
        for action in *actions {
            but(action);
            let reply = cloud.s3_with(&user, method, path, headers, body);
            assert_eq!(
                reply.error(),
                (403, "AccessDenied".to_owned()),
                "{method} {path} without {action}"
            );
        }
        // Nothing of it happened, and another account is nobody here.
        let stranger = cloud.root(B);
        assert_eq!(
            cloud.s3_with(&stranger, method, path, headers, body).status,
            403,
            "{method} {path}"
        );
        assert_eq!(cloud.s3(&root, "GET", &upload).ok().text().matches("<Part>").count(), 1);
    }
    for (method, path, headers, body, actions) in &steps[..4] {
        cloud.user_policy(A, "u", &json!([allow(&json!(actions), &json!("*"))]));
        let reply = cloud.s3_with(&user, method, path, headers, body);
        assert!(reply.status < 300, "{method} {path} with {actions:?}: {}", reply.text());
    }
    cloud.user_policy(A, "u", &json!([allow(&json!("s3:AbortMultipartUpload"), &json!("*"))]));
    cloud.s3(&user, "DELETE", &upload).ok();
    assert_eq!(cloud.s3(&root, "GET", &upload).status, 404);
}

/// CVE-2016-7031: the group of authenticated users is none of those who did not sign, and does not replace the
/// identity policy of those who did.
#[test]
fn authenticated_read_is_not_for_everybody() {
    let cloud = world();
    let root = cloud.root(A);
    cloud.ownership(A, "bucket", "ObjectWriter");
    cloud.public_access_block(A, "bucket", &[]);
    let acl = [("x-amz-acl", "authenticated-read")];
    cloud.s3_with(&root, "PUT", "/bucket?acl", &acl, "").ok();
    cloud.s3_with(&root, "PUT", "/bucket/k?acl", &acl, "").ok();
    let listing = allow(&json!(["s3:ListBucket", "s3:GetObject"]), &json!("*"));
    let (allowed, bare) = (
        cloud.user(B, "allowed", &json!([listing])),
        cloud.user(B, "bare", &json!([])),
    );
    for path in ["/bucket?list-type=2", "/bucket/k"] {
        assert_eq!(cloud.s3_anonymous("GET", path, &[], b"").status, 403, "{path}");
        assert_eq!(cloud.s3(&bare, "GET", path).status, 403, "{path}");
        assert_eq!(cloud.s3(&allowed, "GET", path).status, 200, "{path}");
    }
    cloud.public_access_block(A, "bucket", &["IgnorePublicAcls"]);
    assert_eq!(cloud.s3(&allowed, "GET", "/bucket/k").status, 403);
}

/// floci#3195: a presigned request is its signer's request: what the policies say at the time of use counts.
#[test]
fn presigned_requests_are_decided_like_signed_ones() {
    let cloud = world();
    let user = cloud.user(A, "u", &json!([]));
    let get = |who: &Keys| cloud.send_request(draft(&cloud, "GET", "/bucket/k", &[], b"").presign(who, 60));
    let reading = allow(&json!("s3:GetObject"), &json!("*"));
    let deny =
        |condition: Value| json!({ "Effect": "Deny", "Action": "s3:*", "Resource": "*", "Condition": condition });
    for (statements, expected) in [
        (json!([allow(&json!("s3:PutObject"), &json!("*"))]), 403),
        (json!([reading]), 200),
        (
            json!([
                reading,
                deny(json!({ "StringEquals": { "s3:authType": "REST-QUERY-STRING" } }))
            ]),
            403,
        ),
        (
            json!([
                reading,
                deny(json!({ "StringEquals": { "s3:authType": "REST-HEADER" } }))
            ]),
            200,
        ),
        (
            json!([
                reading,
                deny(json!({ "NumericGreaterThanEquals": { "s3:signatureAge": "0" } }))
            ]),
            403,
        ),
    ] {
        cloud.user_policy(A, "u", &statements);
        assert_eq!(get(&user).status, expected, "{statements}");
    }
    // Neither a parameter nor the end of the signature can be changed.
    cloud.user_policy(A, "u", &json!([reading]));
    let good = draft(&cloud, "GET", "/bucket/k", &[], b"").presign(&user, 60);
    let uri = good.uri().to_string();
    for bad in [
        uri.replace("X-Amz-Expires=60", "X-Amz-Expires=600"),
        uri.replace("/bucket/k", "/vault/k"),
        format!("{uri}&versionId=null"),
        format!("{uri}&x-amz-acl=public-read"),
        uri.replace("X-Amz-Signature=", "X-Amz-Signature=0"),
        uri.replace("X-Amz-SignedHeaders=host", "X-Amz-SignedHeaders="),
    ] {
        let mut request = good.clone();
        *request.uri_mut() = bad.parse().expect("a URI");
        let reply = cloud.send_request(request);
        assert!(matches!(reply.status, 400 | 403), "{bad}: {}", reply.status);
    }
    assert_eq!(cloud.send_request(good).status, 200);
}

/// floci#3536, floci#2333: who did not sign changes nothing, whatever the subresource.
#[test]
fn nobody_in_particular_changes_settings() {
    let cloud = world();
    let root = cloud.root(A);
    cloud.public_access_block(A, "bucket", &[]);
    let open =
        json!([{ "Effect": "Allow", "Principal": "*", "Action": "s3:GetObject", "Resource": "arn:aws:s3:::bucket/*" }]);
    cloud.bucket_policy(A, "bucket", &open).ok();
    let policy = crate::cloud::policy(&json!([{
        "Effect": "Allow", "Principal": "*", "Action": "s3:*", "Resource": ["arn:aws:s3:::bucket", "arn:aws:s3:::bucket/*"],
    }]));
    let stranger = cloud.user(B, "stranger", &json!([]));
    for (method, path, headers, body) in [
        ("PUT", "/bucket?policy", &[][..], policy.as_str()),
        ("DELETE", "/bucket?policy", &[], ""),
        ("PUT", "/bucket?acl", &[("x-amz-acl", "public-read-write")], ""),
        ("PUT", "/bucket/k?acl", &[("x-amz-acl", "public-read-write")], ""),
        ("DELETE", "/bucket?publicAccessBlock", &[], ""),
        ("DELETE", "/bucket?encryption", &[], ""),
        ("DELETE", "/bucket?ownershipControls", &[], ""),
        ("PUT", "/bucket/k?tagging", &[], "<Tagging><TagSet/></Tagging>"),
        ("PUT", "/bucket/new", &[], "x"),
        ("DELETE", "/bucket/k", &[], ""),
        ("DELETE", "/bucket", &[], ""),
        ("PUT", "/fresh-bucket", &[], ""),
        ("GET", "/bucket?policy", &[], ""),
        ("GET", "/", &[], ""),
    ] {
        let reply = cloud.s3_anonymous(method, path, headers, body.as_bytes());
        assert_eq!(reply.error(), (403, "AccessDenied".to_owned()), "{method} {path}");
        let reply = cloud.s3_with(&stranger, method, path, headers, body);
        assert_eq!(reply.status, 403, "{method} {path}");
    }
    assert_eq!(cloud.s3_anonymous("GET", "/bucket/k", &[], b"").text(), "bucket");
    let kept = cloud.s3(&root, "GET", "/bucket?policy").ok().json();
    assert_eq!(kept["Statement"], open);
}

/// GHSA-fc6g-2gcp-2qrq, for KMS: where a call comes from is nothing that its headers say.
#[test]
fn forged_origins_change_nothing_at_kms() {
    let cloud = world();
    let key = cloud.key(A, &json!([]));
    let inside = json!([{
        "Effect": "Allow", "Action": "kms:*", "Resource": "*",
        "Condition": { "IpAddress": { "aws:SourceIp": "203.0.113.0/24" } },
    }]);
    let user = cloud.user(A, "u", &inside);
    let target = ("x-amz-target", "TrentService.DescribeKey");
    let body = json!({ "KeyId": key }).to_string().into_bytes();
    for name in [
        "x-forwarded-for",
        "x-real-ip",
        "forwarded",
        "true-client-ip",
        "cf-connecting-ip",
        "x-client-ip",
        "x-amz-source-ip",
    ] {
        let value = if name == "forwarded" {
            "for=203.0.113.7"
        } else {
            "203.0.113.7"
        };
        let headers = [target, (name, value)];
        let reply = cloud.send(Some(&user), "kms", REGION, "POST", "/", &headers, body.clone());
        assert_eq!(reply.status, 400, "{name}");
        assert_eq!(reply.json()["__type"], "AccessDeniedException", "{name}");
    }
    let from = json!({ "principal": { "user": { "account": A, "name": "u" } }, "source_ip": "203.0.113.7" });
    cloud
        .kms(&cloud.mint(&from), "DescribeKey", &json!({ "KeyId": key }))
        .ok();
}
