//! Requests of other shapes: UpdateObjectEncryption, SelectObjectContent, the cache of S3 Bucket Keys, two
//! sub-resources at once, odd spellings of one path.

use crate::cloud::{A, B, Cloud, Keys, admin, allow};
use serde_json::json;

fn world() -> Cloud {
    let cloud = Cloud::new();
    let root = cloud.bucket(A, "bucket");
    cloud.s3_with(&root, "PUT", "/bucket/k", &[], "body").ok();
    cloud
}

/// svc:S-25: every permission is needed, and the object stays what it is.
#[test]
fn object_encryption_is_updated() {
    let cloud = world();
    let root = cloud.root(A);
    let (first, second) = (cloud.key(A, &json!([])), cloud.key(A, &json!([])));
    let body = |key: &str, bucket_key: bool| {
        format!(
            "<ObjectEncryption><SSE-KMS><KMSKeyArn>{key}</KMSKeyArn><BucketKeyEnabled>{bucket_key}</BucketKeyEnabled></SSE-KMS></ObjectEncryption>"
        )
    };
    let update = |who: &Keys, key: &str, bucket_key: bool| {
        cloud.s3_with(who, "PUT", "/bucket/k?encryption", &[], body(key, bucket_key))
    };
    let etag = cloud.s3(&root, "HEAD", "/bucket/k").header("etag").to_owned();
    update(&root, &first, false).ok();
    let head = cloud.s3(&root, "HEAD", "/bucket/k").ok();
    assert_eq!(head.header("x-amz-server-side-encryption-aws-kms-key-id"), first);
    assert_eq!(head.header("etag"), etag);
    let user = cloud.user(A, "u", &json!([]));
    for missing in [
        "s3:UpdateObjectEncryption",
        "kms:Decrypt",
        "kms:GenerateDataKey",
        "kms:Encrypt",
        "kms:ReEncryptFrom",
        "kms:ReEncryptTo",
    ] {
        cloud.user_policy(
            A,
            "u",
            &json!([{ "Effect": "Allow", "NotAction": missing, "Resource": "*" }]),
        );
        let denied = update(&user, &second, true);
        assert_eq!(denied.error(), (403, "AccessDenied".to_owned()), "{missing}");
        assert!(
            denied.element("Message").contains(&format!("perform: {missing} on")),
            "{missing}: {}",
            denied.text()
        );
    }
    // svc:S-25: nothing else is asked for.
    cloud.user_policy(
        A,
        "u",
        &json!([{ "Effect": "Allow", "NotAction": "s3:PutObject", "Resource": "*" }]),
    );
    let before = cloud.trail().len();
    update(&user, &second, true).ok();
    assert_eq!(
        cloud.kms_calls_since(before),
        ["Decrypt", "GenerateDataKey", "Encrypt", "ReEncrypt"]
    );
    let read = cloud.s3(&root, "GET", "/bucket/k").ok();
    assert_eq!(
        (
            read.text().as_str(),
            read.header("x-amz-server-side-encryption-aws-kms-key-id"),
            read.header("x-amz-server-side-encryption-bucket-key-enabled"),
        ),
        ("body", second.as_str(), "true")
    );
    let events = cloud.trail();
    let context = &events[events.len() - 1]["requestParameters"]["encryptionContext"];
    assert_eq!(context["aws:s3:arn"], "arn:aws:s3:::bucket");
    // What is refused.
    let foreign = cloud.key(B, &json!([]));
    assert_eq!(update(&root, &foreign, false).error(), (403, "AccessDenied".to_owned()));
    assert_eq!(
        update(&root, "alias/x", false).error(),
        (400, "InvalidRequest".to_owned())
    );
    let dsse = [("x-amz-server-side-encryption", "aws:kms:dsse")];
    cloud.s3_with(&root, "PUT", "/bucket/k", &dsse, "body").ok();
    assert_eq!(update(&root, &first, false).error(), (400, "InvalidRequest".to_owned()));
    // The body is what the condition keys show.
    let deny = json!({
        "Effect": "Deny", "Action": "s3:UpdateObjectEncryption", "Resource": "*",
        "Condition": { "ArnEquals": { "s3:x-amz-server-side-encryption-aws-kms-key-id": second } },
    });
    cloud.s3_with(&root, "PUT", "/bucket/k", &[], "body").ok();
    cloud.user_policy(A, "u", &json!([allow(&json!("*"), &json!("*")), deny]));
    assert_eq!(update(&user, &second, false).status, 403);
    assert_eq!(update(&user, &first, false).status, 200);
}

/// svc:9.4: SelectObjectContent reads like GetObject.
#[test]
fn select_reads_like_get() {
    let cloud = world();
    let root = cloud.root(A);
    let key = cloud.key(A, &json!([]));
    let headers = [
        ("x-amz-server-side-encryption", "aws:kms"),
        ("x-amz-server-side-encryption-aws-kms-key-id", key.as_str()),
    ];
    cloud
        .s3_with(&root, "PUT", "/bucket/t.csv", &headers, "a,b\n1,2\n3,4\n")
        .ok();
    let body = |expression: &str| {
        format!(
            "<SelectObjectContentRequest><Expression>{expression}</Expression><ExpressionType>SQL</ExpressionType><InputSerialization><CSV><FileHeaderInfo>IGNORE</FileHeaderInfo></CSV></InputSerialization><OutputSerialization><CSV/></OutputSerialization></SelectObjectContentRequest>"
        )
    };
    let select = |who: &Keys, expression: &str| {
        cloud.s3_with(who, "POST", "/bucket/t.csv?select&select-type=2", &[], body(expression))
    };
    let all = "SELECT * FROM S3Object s LIMIT 1";
    let before = cloud.trail().len();
    let text = select(&root, all).ok().text();
    assert!(
        text.contains("1,2\n") && !text.contains("a,b") && !text.contains("3,4"),
        "{text}"
    );
    assert_eq!(cloud.kms_calls_since(before), ["Decrypt"]);
    let user = cloud.user(A, "u", &json!([]));
    for missing in ["s3:GetObject", "kms:Decrypt"] {
        cloud.user_policy(
            A,
            "u",
            &json!([{ "Effect": "Allow", "NotAction": missing, "Resource": "*" }]),
        );
        assert_eq!(
            select(&user, all).error(),
            (403, "AccessDenied".to_owned()),
            "{missing}"
        );
    }
    assert_eq!(
        select(&root, "SELECT s._1 FROM S3Object s").error(),
        (400, "UnsupportedSqlStructure".to_owned())
    );
}

/// svc:S-20: while S3 keeps a bucket-level key it asks KMS no more; other sessions always ask; off by default.
#[test]
fn bucket_keys_are_kept_for_a_while() {
    let cloud = world();
    let root = cloud.root(A);
    let key = cloud.key(A, &json!([]));
    cloud.default_kms(A, "bucket", &key, true);
    cloud.make_role(A, "R", &json!({ "AWS": A }), &admin());
    let (one, two) = (cloud.session(A, "R", "one"), cloud.session(A, "R", "two"));
    let calls = |who: &Keys, method: &'static str, path: &str| {
        let before = cloud.trail().len();
        let status = cloud
            .s3_with(who, method, path, &[], if method == "PUT" { "x" } else { "" })
            .status;
        (status, cloud.kms_calls_since(before))
    };
    let names = |names: &[&str]| names.iter().map(|name| (*name).to_owned()).collect::<Vec<_>>();
    let asked = |name: &str| (200, names(&[name]));
    let quiet = (200, Vec::new());
    for _ in 0..2 {
        assert_eq!(calls(&one, "PUT", "/bucket/x"), asked("GenerateDataKey"), "off");
        assert_eq!(calls(&one, "GET", "/bucket/x"), asked("Decrypt"), "off");
    }
    cloud.case(&json!({ "bucket_key_seconds": 300 }));
    assert_eq!(calls(&one, "PUT", "/bucket/x"), asked("GenerateDataKey"));
    assert_eq!(calls(&one, "PUT", "/bucket/y"), quiet);
    assert_eq!(calls(&one, "GET", "/bucket/y"), quiet);
    assert_eq!(calls(&two, "GET", "/bucket/y"), asked("Decrypt"), "another session");
    assert_eq!(calls(&two, "GET", "/bucket/x"), quiet);
    // A loss of permission, or of the key, goes unnoticed until then.
    cloud.kms(&root, "DisableKey", &json!({ "KeyId": key })).ok();
    assert_eq!(calls(&one, "PUT", "/bucket/z"), quiet);
    assert_eq!(calls(&one, "GET", "/bucket/z"), quiet);
    let third = cloud.session(A, "R", "three");
    assert_eq!(
        cloud.s3(&third, "GET", "/bucket/z").error(),
        (400, "KMS.DisabledException".to_owned())
    );
    cloud.case(&json!({ "clock": "2025-01-08T00:05:00Z" }));
    assert_eq!(
        cloud.s3(&one, "GET", "/bucket/z").error(),
        (400, "KMS.DisabledException".to_owned()),
        "the key has expired"
    );
    // Objects with a key of their own never share.
    cloud.kms(&root, "EnableKey", &json!({ "KeyId": key })).ok();
    let own = [("x-amz-server-side-encryption-bucket-key-enabled", "false")];
    for _ in 0..2 {
        let before = cloud.trail().len();
        cloud.s3_with(&one, "PUT", "/bucket/o", &own, "x").ok();
        assert_eq!(cloud.kms_calls_since(before), names(&["GenerateDataKey"]));
    }
}

/// A request that names two sub-resources is refused: nobody may guess which one is meant.
#[test]
fn two_sub_resources_are_one_too_many() {
    let cloud = world();
    let root = cloud.root(A);
    for (method, path, names) in [
        ("GET", "/bucket?acl&policy", "acl, policy"),
        // The signer sorts them.
        ("PUT", "/bucket/k?tagging&acl", "acl, tagging"),
        ("GET", "/bucket/k?torrent&tagging", "tagging, torrent"),
        ("DELETE", "/bucket?policy&encryption", "encryption, policy"),
    ] {
        let reply = cloud.s3(&root, method, path);
        assert_eq!(reply.error(), (400, "InvalidArgument".to_owned()), "{method} {path}");
        assert_eq!(
            reply.element("Message"),
            format!("Conflicting query string parameters: {names}")
        );
    }
    cloud.s3(&root, "GET", "/bucket/k?tagging&versionId=null").ok();
    cloud.s3(&root, "GET", "/bucket/k?acl&x-id=GetObjectAcl").ok();
}

/// Twins of one request are decided alike: path style and virtual host, encoded and plain, with and without forged
/// origin headers.
#[test]
fn odd_shapes_are_decided_like_their_plain_twin() {
    let cloud = world();
    let root = cloud.root(A);
    for key in ["dir/../k2", "a/b", "a//b", "./k3", "k%2Fescaped"] {
        let path = format!("/bucket/{}", key.replace('%', "%25"));
        cloud.s3_with(&root, "PUT", &path, &[], key).ok();
    }
    let statement = |resource: &str| {
        json!([allow(
            &json!("s3:GetObject"),
            &json!(format!("arn:aws:s3:::bucket/{resource}"))
        )])
    };
    let user = cloud.user(A, "u", &statement("a/*"));
    // Keys are verbatim: `a/../k` is no way to `k`, and what is not there is not told.
    for (path, sent, code) in [
        ("/bucket/a/b", "/bucket/a/b", ""),
        ("/bucket/a/b", "/bucket/a%2Fb", ""),
        ("/bucket/a/b", "/bucket/a%2fb", ""),
        ("/bucket/a/b", "/bucket/%61/b", ""),
        ("/bucket/a/b", "/%62ucket/a/b", ""),
        ("/bucket/a//b", "/bucket/a//b", ""),
        ("/bucket/dir/../k2", "/bucket/dir/../k2", "AccessDenied"),
        ("/bucket/dir/../k2", "/bucket/dir/..%2Fk2", "AccessDenied"),
        ("/bucket/dir/../k2", "/bucket/dir/%2e%2e/k2", "AccessDenied"),
        ("/bucket/a/../k", "/bucket/a/../k", "AccessDenied"),
        ("/bucket/a/../k", "/bucket/a%2F..%2Fk", "AccessDenied"),
        ("/bucket/k%252Fescaped", "/bucket/k%252Fescaped", "AccessDenied"),
        ("/bucket/k", "/bucket/k", "AccessDenied"),
        // Who signs one spelling and means another is refused.
        ("/bucket/a%2Fb", "/bucket/a%2Fb", "SignatureDoesNotMatch"),
        ("/bucket/a/b", "/bucket/k", "SignatureDoesNotMatch"),
        ("/bucket/a/b", "/bucket/a/b/", "SignatureDoesNotMatch"),
        ("/bucket/a/b", "/bucket//a/b", "SignatureDoesNotMatch"),
        ("/bucket/a/b", "/bucket/a/./b", "SignatureDoesNotMatch"),
        ("/bucket/a/b", "/bucket/a/b?acl", "SignatureDoesNotMatch"),
        ("/bucket/a/b", "/bucket/a/b?versionId=null", "SignatureDoesNotMatch"),
    ] {
        let reply = cloud.get_as_sent(&user, path, sent);
        let expected = if code.is_empty() { 200 } else { 403 };
        assert_eq!(
            reply.error(),
            (expected, code.to_owned()),
            "{path} as {sent}: {}",
            reply.text()
        );
    }
    // Who calls from where is nothing that headers say.
    let inside = json!([{
        "Effect": "Allow", "Action": "s3:GetObject", "Resource": "*",
        "Condition": { "IpAddress": { "aws:SourceIp": "203.0.113.0/24" } },
    }]);
    cloud.user_policy(A, "u", &inside);
    for header in [
        "x-forwarded-for",
        "x-real-ip",
        "forwarded",
        "true-client-ip",
        "x-amzn-vpc-endpoint-id",
    ] {
        let forged = [(header, "203.0.113.7")];
        assert_eq!(
            cloud.s3_with(&user, "GET", "/bucket/k", &forged, "").status,
            403,
            "{header}"
        );
    }
    let overridden = [("x-http-method-override", "DELETE")];
    cloud.s3_with(&root, "GET", "/bucket/k", &overridden, "").ok();
    assert_eq!(cloud.s3(&root, "GET", "/bucket/k").ok().text(), "body");
}

/// A header that decides and cannot be read, or says two things, is refused: it must not count as absent.
#[test]
fn headers_that_decide_say_one_thing() {
    let cloud = world();
    let root = cloud.root(A);
    for (headers, code) in [
        (&[("x-amz-server-side-encryption", "aws:kmsé")][..], "InvalidArgument"),
        (&[("x-amz-tagging", "a=é")], "InvalidArgument"),
        (&[("x-amz-storage-class", "é")], "InvalidArgument"),
        (&[("x-amz-meta-a", "é")], ""),
    ] {
        let reply = cloud.s3_with(&root, "PUT", "/bucket/h", headers, "x");
        assert_eq!(reply.element("Code"), code, "{headers:?}: {}", reply.text());
    }
    let twice = [
        ("x-amz-server-side-encryption", "AES256"),
        ("x-amz-server-side-encryption", "aws:kms"),
    ];
    // Nobody signed, so that the signature is no matter.
    cloud.public_access_block(A, "bucket", &[]);
    let open =
        json!([{ "Effect": "Allow", "Principal": "*", "Action": "s3:PutObject", "Resource": "arn:aws:s3:::bucket/*" }]);
    cloud.bucket_policy(A, "bucket", &open).ok();
    let reply = cloud.s3_anonymous("PUT", "/bucket/h", &twice, b"x");
    assert_eq!(reply.error(), (400, "InvalidArgument".to_owned()));
    cloud.s3_anonymous("PUT", "/bucket/h", &twice[..1], b"x").ok();
}

/// Whatever a body is, every operation that reads one answers with an error of S3's own, and nothing changes.
#[test]
fn no_body_is_too_odd() {
    let cloud = world();
    let root = cloud.root(A);
    let endpoints: &[(&'static str, &str)] = &[
        ("PUT", "/bucket?abac"),
        ("PUT", "/bucket?accelerate"),
        ("PUT", "/bucket?analytics&id=a"),
        ("PUT", "/bucket?cors"),
        ("PUT", "/bucket?encryption"),
        ("PUT", "/bucket?intelligent-tiering&id=a"),
        ("PUT", "/bucket?inventory&id=a"),
        ("PUT", "/bucket?lifecycle"),
        ("PUT", "/bucket?logging"),
        ("PUT", "/bucket?metrics&id=a"),
        ("PUT", "/bucket?notification"),
        ("PUT", "/bucket?object-lock"),
        ("PUT", "/bucket?ownershipControls"),
        ("PUT", "/bucket?publicAccessBlock"),
        ("PUT", "/bucket?replication"),
        ("PUT", "/bucket?requestPayment"),
        ("PUT", "/bucket?tagging"),
        ("PUT", "/bucket?versioning"),
        ("PUT", "/bucket?website"),
        ("PUT", "/other-bucket"),
        ("POST", "/bucket?delete"),
        ("PUT", "/bucket/k?encryption"),
        ("PUT", "/bucket/k?legal-hold"),
        ("PUT", "/bucket/k?retention"),
        ("PUT", "/bucket/k?tagging"),
        ("POST", "/bucket/k?restore"),
        ("POST", "/bucket/k?select&select-type=2"),
    ];
    let nested = "<a>".repeat(50_000);
    let wide = format!("<Tagging>{}", "<a/>".repeat(200_000));
    let bodies: &[&[u8]] = &[
        b"<",
        b"{}",
        b"<a></b>",
        b"\xff\xfe<a/>",
        b"<!DOCTYPE a [<!ENTITY b \"c\">]><a>&b;</a>",
        nested.as_bytes(),
        wide.as_bytes(),
    ];
    for (method, path) in endpoints {
        for body in bodies {
            let reply = cloud.s3_with(&root, method, path, &[], body);
            assert_eq!(
                reply.error(),
                (400, "MalformedXML".to_owned()),
                "{method} {path} {:.40}",
                String::from_utf8_lossy(body)
            );
        }
    }
    assert_eq!(cloud.s3(&root, "GET", "/other-bucket?location").status, 404);
    assert_eq!(cloud.s3(&root, "GET", "/bucket?versioning").element("Status"), "");
    assert_eq!(cloud.s3(&root, "GET", "/bucket/k").ok().text(), "body");
}
