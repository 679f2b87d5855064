//! S3 and KMS together: seeds 000, 001 and 002 (svc:14.1 … svc:14.3), key choice, encryption context, error forms
//! and the two seeded faults that live in S3.

use crate::cloud::{A, B, Cloud, Keys, admin, allow, s3_full};
use serde_json::{Value, json};

const BUCKET: &str = "sample-dev-blog-bucket";

/// IP-000a and its variants.
fn ec2_role(key: &str, kms: &[&str]) -> Value {
    let bucket = format!("arn:aws:s3:::{BUCKET}");
    json!([
        allow(&json!(kms), &json!(key)),
        allow(
            &json!(["s3:ListBucket", "s3:GetObject", "s3:DeleteObject", "s3:PutObject"]),
            &json!([bucket, format!("{bucket}/*")]),
        ),
    ])
}

fn message(reply: &crate::cloud::Reply) -> String {
    assert_eq!(reply.error(), (403, "AccessDenied".to_owned()), "{}", reply.text());
    reply.element("Message")
}

fn kms_headers(key: &str) -> [(&str, &str); 2] {
    [
        ("x-amz-server-side-encryption", "aws:kms"),
        ("x-amz-server-side-encryption-aws-kms-key-id", key),
    ]
}

/// svc:14.1.
#[test]
fn seed_000() {
    let cloud = Cloud::new();
    let key = cloud.key(A, &json!([]));
    let root = cloud.bucket(A, BUCKET);
    cloud.default_kms(A, BUCKET, &key, false);
    let readme = format!("/{BUCKET}/README.md");
    let put = cloud.s3_with(&root, "PUT", &readme, &[], "some text").ok();
    assert_eq!(put.header("x-amz-server-side-encryption"), "aws:kms");
    assert_eq!(put.header("x-amz-server-side-encryption-aws-kms-key-id"), key);
    let role = cloud.role(
        A,
        "dev-sample-ec2-role1",
        "i-06593b38f6016a363",
        &ec2_role(&key, &["kms:Decrypt", "kms:Encrypt"]),
    );
    cloud.case(&json!({ "as_of": "2021-11-20" }));
    // 1, 2, 3
    let before = cloud.trail().len();
    cloud.s3(&role, "GET", &format!("/{BUCKET}?list-type=2")).ok();
    cloud.s3(&role, "HEAD", &readme).ok();
    assert_eq!(cloud.trail().len(), before, "listing and heading make no KMS call");
    assert_eq!(cloud.s3(&role, "GET", &readme).ok().text(), "some text");
    assert_eq!(cloud.kms_calls_since(before), ["Decrypt"]);
    // 5
    let upload = format!("/{BUCKET}/sample-file.png");
    let before = cloud.trail().len();
    let reply = cloud.s3_with(&role, "PUT", &upload, &[], vec![0_u8; 51_573]);
    assert_eq!(message(&reply), "Access Denied");
    let event = cloud.trail()[before].clone();
    assert_eq!(event["eventName"], "GenerateDataKey");
    assert_eq!(event["errorCode"], "AccessDenied");
    assert_eq!(
        event["errorMessage"],
        format!(
            "User: arn:aws:sts::{A}:assumed-role/dev-sample-ec2-role1/i-06593b38f6016a363 is not authorized to perform: kms:GenerateDataKey on resource: {key} because no resource-based policy allows the kms:GenerateDataKey action"
        )
    );
    // 4
    cloud.role_policy(A, "dev-sample-ec2-role1", &ec2_role(&key, &["kms:Encrypt"]));
    cloud.s3(&role, "HEAD", &readme).ok();
    assert_eq!(message(&cloud.s3(&role, "GET", &readme)), "Access Denied");
    // 10
    cloud.case(&json!({ "as_of": null }));
    assert!(
        message(&cloud.s3(&role, "GET", &readme))
            .ends_with("because no identity-based policy allows the kms:Decrypt action")
    );
    // 6, 7
    cloud.role_policy(
        A,
        "dev-sample-ec2-role1",
        &ec2_role(&key, &["kms:Decrypt", "kms:Encrypt", "kms:GenerateDataKey"]),
    );
    let before = cloud.trail().len();
    cloud.s3_with(&role, "PUT", &upload, &[], "png").ok();
    let event = cloud.trail()[before].clone();
    assert_eq!(
        event["requestParameters"]["encryptionContext"],
        json!({ "aws:s3:arn": format!("arn:aws:s3:::{BUCKET}/sample-file.png") })
    );
    assert_eq!(
        cloud
            .s3(&role, "GET", &format!("/{BUCKET}?list-type=2"))
            .element("KeyCount"),
        "2"
    );
    // 8, 9
    cloud.role_policy(A, "dev-sample-ec2-role1", &ec2_role(&key, &["kms:GenerateDataKey"]));
    cloud.s3_with(&role, "PUT", &upload, &[], "png").ok();
    let id = cloud
        .s3(&role, "POST", &format!("{upload}?uploads"))
        .ok()
        .element("UploadId");
    let part = cloud.s3_with(&role, "PUT", &format!("{upload}?partNumber=1&uploadId={id}"), &[], "x");
    assert!(message(&part).contains("kms:Decrypt"));
    // 11
    let before = cloud.trail().len();
    assert_eq!(cloud.s3(&role, "DELETE", &readme).status, 204);
    assert_eq!(cloud.trail().len(), before);
}

/// svc:14.2.
#[test]
fn seed_001() {
    let cloud = Cloud::new();
    for name in ["RoleA", "RoleB"] {
        cloud.make_role(A, name, &json!({ "AWS": A }), &s3_full());
    }
    let key = cloud.key(
        A,
        &json!([{
            "Effect": "Allow",
            "Principal": { "AWS": format!("arn:aws:iam::{A}:role/RoleA") },
            "Action": ["kms:Decrypt", "kms:DescribeKey", "kms:Encrypt", "kms:GenerateDataKey*"],
            "Resource": "*",
        }]),
    );
    let admin = cloud.user(A, "terraform", &admin());
    cloud.bucket(A, "my-example-bucket");
    let before = cloud.trail().len();
    cloud.default_kms(A, "my-example-bucket", &key, false);
    assert_eq!(cloud.trail().len(), before, "PutBucketEncryption makes no KMS call");
    let path = "/my-example-bucket/test.json";
    cloud.s3_with(&admin, "PUT", path, &kms_headers(&key), "{}").ok();
    let role_a = cloud.session(A, "RoleA", "DownloadSession");
    let role_b = cloud.session(A, "RoleB", "DownloadSession");
    assert_eq!(cloud.s3(&role_a, "GET", path).ok().text(), "{}");
    cloud.s3(&role_b, "HEAD", path).ok();
    assert_eq!(
        message(&cloud.s3(&role_b, "GET", path)),
        format!(
            "User: arn:aws:sts::{A}:assumed-role/RoleB/DownloadSession is not authorized to perform: kms:Decrypt on resource: {key} because no identity-based policy allows the kms:Decrypt action"
        )
    );
    let grant = cloud
        .kms(
            &admin,
            "CreateGrant",
            &json!({ "KeyId": key, "GranteePrincipal": format!("arn:aws:iam::{A}:role/RoleB"), "Operations": ["Decrypt"] }),
        )
        .ok()
        .json();
    assert_eq!(cloud.s3(&role_b, "GET", path).ok().text(), "{}");
    assert!(message(&cloud.s3_with(&role_b, "PUT", path, &[], "x")).contains("kms:GenerateDataKey"));
    cloud
        .kms(
            &admin,
            "RevokeGrant",
            &json!({ "KeyId": key, "GrantId": grant["GrantId"] }),
        )
        .ok();
    assert!(message(&cloud.s3(&role_b, "GET", path)).contains("kms:Decrypt"));
    // 17: a constraint on the object ARN; Bucket Keys break it.
    cloud
        .kms(
            &admin,
            "CreateGrant",
            &json!({
                "KeyId": key,
                "GranteePrincipal": format!("arn:aws:iam::{A}:role/RoleB"),
                "Operations": ["Decrypt"],
                "Constraints": { "EncryptionContextEquals": { "aws:s3:arn": "arn:aws:s3:::my-example-bucket/test.json" } },
            }),
        )
        .ok();
    assert_eq!(cloud.s3(&role_b, "GET", path).status, 200);
    cloud
        .s3_with(&admin, "PUT", "/my-example-bucket/other.json", &[], "{}")
        .ok();
    assert_eq!(cloud.s3(&role_b, "GET", "/my-example-bucket/other.json").status, 403);
    let bucket_key = [
        ("x-amz-server-side-encryption", "aws:kms"),
        ("x-amz-server-side-encryption-aws-kms-key-id", &key),
        ("x-amz-server-side-encryption-bucket-key-enabled", "true"),
    ];
    let put = cloud.s3_with(&admin, "PUT", path, &bucket_key, "{}").ok();
    assert_eq!(put.header("x-amz-server-side-encryption-bucket-key-enabled"), "true");
    assert_eq!(cloud.s3(&role_b, "GET", path).status, 403);
}

/// svc:14.3.
#[test]
fn seed_002() {
    let cloud = Cloud::new();
    let key = cloud.key(A, &json!([]));
    for name in ["bucket-sse-s3", "bucket-sse-kms"] {
        cloud.bucket(A, name);
    }
    cloud.default_kms(A, "bucket-sse-kms", &key, false);
    let function = cloud.role(A, "lambda-role", "fn", &s3_full());
    let put = |who: &Keys, bucket: &str| cloud.s3_with(who, "PUT", &format!("/{bucket}/tmp.txt"), &[], "text");
    assert_eq!(put(&function, "bucket-sse-s3").status, 200);
    assert!(message(&put(&function, "bucket-sse-kms")).contains("kms:GenerateDataKey"));
    // 3: kms:Get* is not GenerateDataKey.
    let mut power_user = s3_full();
    power_user.as_array_mut().expect("a list").push(allow(
        &json!([
            "kms:CreateAlias",
            "kms:CreateKey",
            "kms:DeleteAlias",
            "kms:Describe*",
            "kms:GenerateRandom",
            "kms:Get*",
            "kms:List*",
            "kms:TagResource",
            "kms:UntagResource"
        ]),
        &json!("*"),
    ));
    cloud.role_policy(A, "lambda-role", &power_user);
    assert_eq!(put(&function, "bucket-sse-kms").status, 403);
    cloud.role_policy(
        A,
        "lambda-role",
        &json!([{ "Effect": "Allow", "NotAction": ["iam:*"], "Resource": "*" }]),
    );
    assert_eq!(put(&function, "bucket-sse-kms").status, 200);
    let normal = cloud.user(A, "normaluser", &s3_full());
    assert_eq!(cloud.s3(&normal, "GET", "/bucket-sse-s3/tmp.txt").status, 200);
    assert_eq!(cloud.s3(&normal, "GET", "/bucket-sse-kms").status, 200);
    assert_eq!(cloud.s3(&normal, "GET", "/bucket-sse-kms/tmp.txt").status, 403);
    // 9, 10
    for bucket in ["bucket-sse-s3", "bucket-sse-kms"] {
        cloud.public_access_block(A, bucket, &[]);
        let statement = json!([{ "Effect": "Allow", "Principal": "*", "Action": "s3:*Object", "Resource": format!("arn:aws:s3:::{bucket}/*") }]);
        cloud.bucket_policy(A, bucket, &statement).ok();
    }
    assert_eq!(
        cloud.s3_anonymous("GET", "/bucket-sse-s3/tmp.txt", &[], b"").status,
        200
    );
    let before = cloud.trail().len();
    for reply in [
        cloud.s3_anonymous("GET", "/bucket-sse-kms/tmp.txt", &[], b""),
        cloud.s3_anonymous("PUT", "/bucket-sse-kms/new.txt", &[], b"x"),
    ] {
        assert_eq!(reply.error(), (400, "InvalidArgument".to_owned()));
        assert_eq!(
            reply.element("Message"),
            "Requests specifying Server Side Encryption with AWS KMS managed keys require AWS Signature Version 4."
        );
    }
    assert_eq!(cloud.trail().len(), before);
    // 13: aws/s3 needs no kms permission in the account, and is no use outside it (svc:M-3).
    cloud
        .s3_with(
            &normal,
            "PUT",
            "/bucket-sse-kms/managed.txt",
            &[("x-amz-server-side-encryption", "aws:kms")],
            "x",
        )
        .ok();
    assert_eq!(cloud.s3(&normal, "GET", "/bucket-sse-kms/managed.txt").ok().text(), "x");
    let foreign = cloud.user(B, "reader", &admin());
    assert!(message(&cloud.s3(&foreign, "GET", "/bucket-sse-kms/managed.txt")).contains("kms:Decrypt"));
}

/// svc:S-19: what S3 denies leaves no KMS event.
#[test]
fn s3_decides_before_kms() {
    let cloud = Cloud::new();
    let key = cloud.key(A, &json!([]));
    let root = cloud.bucket(A, "bucket");
    cloud.s3_with(&root, "PUT", "/bucket/k", &kms_headers(&key), "x").ok();
    let user = cloud.user(A, "u", &json!([allow(&json!("kms:*"), &json!("*"))]));
    let before = cloud.trail().len();
    assert_eq!(cloud.s3(&user, "GET", "/bucket/k").status, 403);
    assert_eq!(
        cloud.s3_with(&user, "PUT", "/bucket/k", &kms_headers(&key), "x").status,
        403
    );
    assert_eq!(cloud.s3(&root, "GET", "/bucket/missing").status, 404);
    assert_eq!(cloud.trail().len(), before);
}

/// svc:S-10 … svc:S-14: the key is chosen per write and recorded per object.
#[test]
fn key_choice_and_context() {
    let cloud = Cloud::new();
    let (first, second) = (cloud.key(A, &json!([])), cloud.key(A, &json!([])));
    let root = cloud.bucket(A, "bucket");
    cloud.default_kms(A, "bucket", &first, false);
    cloud.s3_with(&root, "PUT", "/bucket/old", &[], "old").ok();
    cloud.default_kms(A, "bucket", &second, true);
    let put = cloud.s3_with(&root, "PUT", "/bucket/new", &[], "new").ok();
    assert_eq!(put.header("x-amz-server-side-encryption-aws-kms-key-id"), second);
    assert_eq!(put.header("x-amz-server-side-encryption-bucket-key-enabled"), "true");
    let old = cloud.s3(&root, "GET", "/bucket/old").ok();
    assert_eq!(old.header("x-amz-server-side-encryption-aws-kms-key-id"), first);
    let plain = cloud
        .s3_with(
            &root,
            "PUT",
            "/bucket/plain",
            &[("x-amz-server-side-encryption", "AES256")],
            "p",
        )
        .ok();
    assert_eq!(plain.header("x-amz-server-side-encryption"), "AES256");
    // The caller's context is merged, sent again on reads, and not S3's key.
    let context = "eyJ0ZWFtIjoicmVkIn0=";
    let mut headers = kms_headers(&first).to_vec();
    headers.push(("x-amz-server-side-encryption-context", context));
    headers.push(("x-amz-server-side-encryption-bucket-key-enabled", "false"));
    let before = cloud.trail().len();
    cloud.s3_with(&root, "PUT", "/bucket/c", &headers, "c").ok();
    cloud.s3(&root, "GET", "/bucket/c").ok();
    for event in &cloud.trail()[before..] {
        assert_eq!(
            event["requestParameters"]["encryptionContext"],
            json!({ "team": "red", "aws:s3:arn": "arn:aws:s3:::bucket/c" })
        );
    }
    assert_eq!(cloud.kms_calls_since(before), ["GenerateDataKey", "Decrypt"]);
    // Double-layer encryption never has a bucket key.
    let dsse = [
        ("x-amz-server-side-encryption", "aws:kms:dsse"),
        ("x-amz-server-side-encryption-aws-kms-key-id", first.as_str()),
    ];
    let before = cloud.trail().len();
    let put = cloud.s3_with(&root, "PUT", "/bucket/d", &dsse, "dsse").ok();
    assert_eq!(put.header("x-amz-server-side-encryption"), "aws:kms:dsse");
    assert_eq!(put.header("x-amz-server-side-encryption-bucket-key-enabled"), "");
    assert_eq!(
        cloud.trail()[before]["requestParameters"]["encryptionContext"],
        json!({ "aws:s3:arn": "arn:aws:s3:::bucket/d" })
    );
    assert_eq!(cloud.s3(&root, "GET", "/bucket/d").ok().text(), "dsse");
    // svc:S-22
    let reply = cloud.s3_with(
        &root,
        "GET",
        "/bucket/d",
        &[("x-amz-server-side-encryption", "aws:kms")],
        "",
    );
    assert_eq!(reply.error(), (400, "InvalidArgument".to_owned()));
    // svc:S-35
    let reply = cloud.s3_with(
        &root,
        "PUT",
        "/bucket/d",
        &[("x-amz-server-side-encryption-aws-kms-key-id", first.as_str())],
        "",
    );
    assert_eq!(reply.error(), (400, "InvalidArgument".to_owned()));
}

/// svc:S-31 … svc:S-34.
#[test]
fn key_errors() {
    let cloud = Cloud::new();
    let root = cloud.bucket(A, "bucket");
    let key = cloud.key(A, &json!([]));
    cloud.s3_with(&root, "PUT", "/bucket/k", &kms_headers(&key), "x").ok();
    let get = || cloud.s3(&root, "GET", "/bucket/k");
    cloud.kms(&root, "DisableKey", &json!({ "KeyId": key })).ok();
    assert_eq!(get().error(), (400, "KMS.DisabledException".to_owned()));
    assert_eq!(get().element("Message"), format!("{key} is disabled."));
    let put = cloud.s3_with(&root, "PUT", "/bucket/k", &kms_headers(&key), "x");
    assert_eq!(put.error(), (400, "KMS.DisabledException".to_owned()));
    cloud
        .kms(
            &root,
            "ScheduleKeyDeletion",
            &json!({ "KeyId": key, "PendingWindowInDays": 7 }),
        )
        .ok();
    assert_eq!(get().error(), (400, "KMS.KMSInvalidStateException".to_owned()));
    assert_eq!(get().element("Message"), format!("{key} is pending deletion."));
    for (id, message) in [
        ("bogus", "Invalid keyId 'bogus'".to_owned()),
        (
            "11111111-2222-3333-4444-555555555555",
            format!("Key 'arn:aws:kms:us-east-1:{A}:key/11111111-2222-3333-4444-555555555555' does not exist"),
        ),
    ] {
        let reply = cloud.s3_with(&root, "PUT", "/bucket/x", &kms_headers(id), "x");
        assert_eq!(
            reply.error(),
            (400, "KMS.NotFoundException".to_owned()),
            "{}",
            reply.text()
        );
        assert_eq!(reply.element("Message"), message);
    }
    let signing = cloud
        .kms(
            &root,
            "CreateKey",
            &json!({ "KeySpec": "ECC_NIST_P256", "KeyUsage": "SIGN_VERIFY" }),
        )
        .ok()
        .json();
    let arn = signing["KeyMetadata"]["Arn"].as_str().expect("an ARN");
    let reply = cloud.s3_with(&root, "PUT", "/bucket/x", &kms_headers(arn), "x");
    assert_eq!(reply.error(), (400, "KMS.InvalidKeyUsageException".to_owned()));
}

/// svc:S-24: bucket in A, key in B, caller in A.
#[test]
fn foreign_keys() {
    let cloud = Cloud::new();
    cloud.bucket(A, "bucket");
    let writer = cloud.user(A, "writer", &admin());
    let without = cloud.user(A, "without", &s3_full());
    let closed = cloud.key(B, &json!([]));
    let open = cloud.key(
        B,
        &json!([{ "Effect": "Allow", "Principal": { "AWS": A }, "Action": ["kms:GenerateDataKey", "kms:Decrypt"], "Resource": "*" }]),
    );
    let put = |who: &Keys, key: &str| cloud.s3_with(who, "PUT", "/bucket/k", &kms_headers(key), "x");
    assert!(message(&put(&writer, &closed)).contains("no resource-based policy"));
    assert_eq!(put(&without, &open).status, 403);
    assert_eq!(put(&writer, &open).status, 200);
    assert_eq!(cloud.s3(&writer, "GET", "/bucket/k").ok().text(), "x");
    assert_eq!(cloud.s3(&without, "GET", "/bucket/k").status, 403);
    // A bare id is looked up in the requester's account (svc:S-11).
    let bare = open.rsplit('/').next().expect("an id");
    assert_eq!(put(&writer, bare).error(), (400, "KMS.NotFoundException".to_owned()));
}

/// svc:S-18.
#[test]
fn copies_decrypt_and_encrypt() {
    let cloud = Cloud::new();
    let key = cloud.key(A, &json!([]));
    let root = cloud.bucket(A, "bucket");
    cloud
        .s3_with(&root, "PUT", "/bucket/k", &kms_headers(&key), "secret")
        .ok();
    let user = cloud.user(A, "u", &json!([]));
    for (actions, status) in [
        (json!(["s3:*"]), 403),
        (json!(["s3:*", "kms:Decrypt"]), 403),
        (json!(["s3:*", "kms:GenerateDataKey"]), 403),
        (json!(["s3:*", "kms:Decrypt", "kms:GenerateDataKey"]), 200),
    ] {
        cloud.user_policy(A, "u", &json!([allow(&actions, &json!("*"))]));
        let mut headers = kms_headers(&key).to_vec();
        headers.push(("x-amz-copy-source", "bucket/k"));
        let before = cloud.trail().len();
        let reply = cloud.s3_with(&user, "PUT", "/bucket/copy", &headers, "");
        assert_eq!(reply.status, status, "{actions}: {}", reply.text());
        if status == 200 {
            assert_eq!(cloud.kms_calls_since(before), ["Decrypt", "GenerateDataKey"]);
        }
    }
    assert_eq!(cloud.s3(&user, "GET", "/bucket/copy").ok().text(), "secret");
}

/// svc:S-16: a multipart upload unwraps its key for every part, for the end and for the list of parts.
#[test]
fn multipart_uploads_need_decrypt() {
    let cloud = Cloud::new();
    let key = cloud.key(A, &json!([]));
    cloud.bucket(A, "bucket");
    let user = cloud.user(A, "u", &admin());
    let before = cloud.trail().len();
    let id = cloud
        .s3_with(&user, "POST", "/bucket/k?uploads", &kms_headers(&key), "")
        .ok()
        .element("UploadId");
    let path = format!("/bucket/k?uploadId={id}");
    let part = cloud
        .s3_with(
            &user,
            "PUT",
            &format!("/bucket/k?partNumber=1&uploadId={id}"),
            &[],
            "part",
        )
        .ok();
    cloud.s3(&user, "GET", &path).ok();
    let body = format!(
        "<CompleteMultipartUpload><Part><PartNumber>1</PartNumber><ETag>{}</ETag></Part></CompleteMultipartUpload>",
        part.header("etag")
    );
    cloud.user_policy(
        A,
        "u",
        &json!([allow(&json!(["s3:*", "kms:GenerateDataKey"]), &json!("*"))]),
    );
    assert!(message(&cloud.s3_with(&user, "POST", &path, &[], &body)).contains("kms:Decrypt"));
    assert_eq!(cloud.s3(&user, "GET", &path).status, 403);
    cloud.user_policy(A, "u", &admin());
    cloud.s3_with(&user, "POST", &path, &[], &body).ok();
    assert_eq!(cloud.s3(&user, "GET", "/bucket/k").ok().text(), "part");
    let names = cloud.kms_calls_since(before);
    let expected = [
        "GenerateDataKey",
        "Decrypt",
        "Decrypt",
        "Decrypt",
        "Decrypt",
        "Decrypt",
        "Decrypt",
    ];
    assert_eq!(names, expected);
}

/// HEAD asks KMS only in checksum mode; GetObjectAttributes always (svc:9.4).
#[test]
fn heads_and_attributes() {
    let cloud = Cloud::new();
    let key = cloud.key(A, &json!([]));
    let root = cloud.bucket(A, "bucket");
    cloud.s3_with(&root, "PUT", "/bucket/k", &kms_headers(&key), "x").ok();
    let user = cloud.user(A, "u", &s3_full());
    let head = cloud.s3(&user, "HEAD", "/bucket/k").ok();
    assert_eq!(head.header("x-amz-server-side-encryption-aws-kms-key-id"), key);
    assert_eq!(head.header("content-length"), "1");
    let mode = [("x-amz-checksum-mode", "ENABLED")];
    assert_eq!(cloud.s3_with(&user, "HEAD", "/bucket/k", &mode, "").status, 403);
    let attributes = [("x-amz-object-attributes", "ETag")];
    assert_eq!(
        cloud
            .s3_with(&user, "GET", "/bucket/k?attributes", &attributes, "")
            .status,
        403
    );
    assert_eq!(
        cloud
            .s3_with(&root, "GET", "/bucket/k?attributes", &attributes, "")
            .status,
        200
    );
    assert_eq!(cloud.s3(&user, "GET", "/bucket/k?tagging").status, 200);
}

/// Both faults are visible exactly where their rule is, and nowhere else.
#[test]
fn seeded_faults() {
    let cloud = Cloud::new();
    let key = cloud.key(A, &json!([]));
    let root = cloud.bucket(A, "bucket");
    cloud
        .s3_with(&root, "PUT", "/bucket/k", &kms_headers(&key), "secret")
        .ok();
    let user = cloud.user(A, "u", &s3_full());
    let put = || cloud.s3_with(&user, "PUT", "/bucket/u", &kms_headers(&key), "x").status;
    let get = || cloud.s3(&user, "GET", "/bucket/k").status;
    assert_eq!((put(), get()), (403, 403));
    let before = cloud.trail().len();
    cloud.case(&json!({ "faults": ["generate-data-key-unchecked-on-put"] }));
    assert_eq!((put(), cloud.trail().len()), (200, before));
    assert_eq!(get(), 403);
    cloud.case(&json!({ "faults": ["decrypt-unchecked-on-get"] }));
    let before = cloud.trail().len();
    assert_eq!((get(), cloud.trail().len()), (200, before));
    assert_eq!(put(), 403);
    cloud.case(&json!({ "faults": [] }));
    assert_eq!((put(), get()), (403, 403));
    assert_eq!(cloud.s3(&root, "GET", "/bucket/u").ok().text(), "x");
}
