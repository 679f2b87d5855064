//! SSE-C: keys that the requester brings (`svc:S-22`, `svc:S-40`; codes and texts as recorded from AWS). KMS is never
//! asked, and the only policy it meets is a condition on the algorithm header.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use md5::{Digest, Md5};
use serde_json::json;

use crate::cloud::{A, Cloud, Keys, Reply, admin};

const ONE: &[u8] = b"1234567890abcdef1234567890abcdef";
const OTHER: &[u8] = b"abcdef1234567890abcdef1234567890";
const OBJECT: &str = "x-amz-server-side-encryption-customer";
const SOURCE: &str = "x-amz-copy-source-server-side-encryption-customer";
const NEEDS_KEY: &str = "The object was stored using a form of Server Side Encryption. The correct parameters must be provided to retrieve the object.";
const NOT_APPLICABLE: &str = "The encryption parameters are not applicable to this object.";
const WRONG_KEY: &str =
    "Requests specifying Server Side Encryption with Customer provided keys must provide the correct secret key.";

/// The three headers for a key.
fn headers(prefix: &str, key: &[u8]) -> Vec<(String, String)> {
    vec![
        (format!("{prefix}-algorithm"), "AES256".to_owned()),
        (format!("{prefix}-key"), STANDARD.encode(key)),
        (format!("{prefix}-key-md5"), STANDARD.encode(Md5::digest(key))),
    ]
}

fn send(
    cloud: &Cloud,
    who: &Keys,
    method: &'static str,
    path: &str,
    headers: &[(String, String)],
    body: &str,
) -> Reply {
    let headers: Vec<(&str, &str)> = headers
        .iter()
        .map(|(name, value)| (name.as_str(), value.as_str()))
        .collect();
    cloud.s3_with(who, method, path, &headers, body)
}

/// A bucket that takes SSE-C, of an account with an administrator.
fn world() -> (Cloud, Keys) {
    let cloud = Cloud::new();
    cloud.bucket(A, "bucket");
    allow_customer_keys(&cloud);
    let user = cloud.user(A, "u", &admin());
    (cloud, user)
}

fn allow_customer_keys(cloud: &Cloud) {
    blocked(cloud, "NONE");
}

fn blocked(cloud: &Cloud, kind: &str) {
    let body = format!(
        "<ServerSideEncryptionConfiguration><Rule><ApplyServerSideEncryptionByDefault><SSEAlgorithm>AES256</SSEAlgorithm></ApplyServerSideEncryptionByDefault><BlockedEncryptionTypes><EncryptionType>{kind}</EncryptionType></BlockedEncryptionTypes></Rule></ServerSideEncryptionConfiguration>"
    );
    cloud
        .s3_with(&cloud.root(A), "PUT", "/bucket?encryption", &[], body)
        .ok();
}

fn refused(reply: &Reply, status: u16, code: &str, message: &str) {
    assert_eq!(reply.error(), (status, code.to_owned()), "{}", reply.text());
    assert_eq!(reply.element("Message"), message);
}

#[test]
fn an_object_is_read_with_its_own_key_only() {
    let (cloud, user) = world();
    let before = cloud.trail().len();
    let put = send(&cloud, &user, "PUT", "/bucket/k", &headers(OBJECT, ONE), "text").ok();
    for reply in [
        &put,
        &send(&cloud, &user, "GET", "/bucket/k", &headers(OBJECT, ONE), "").ok(),
        &send(&cloud, &user, "HEAD", "/bucket/k", &headers(OBJECT, ONE), "").ok(),
    ] {
        assert_eq!(
            reply.header("x-amz-server-side-encryption-customer-algorithm"),
            "AES256"
        );
        assert_eq!(
            reply.header("x-amz-server-side-encryption-customer-key-md5"),
            "JMwgiexXqwuPqIPjYFmIZQ=="
        );
        assert_eq!(reply.header("x-amz-server-side-encryption"), "");
    }
    assert_ne!(put.header("etag"), format!("\"{}\"", hex::encode(Md5::digest("text"))));
    let read = send(&cloud, &user, "GET", "/bucket/k", &headers(OBJECT, ONE), "").ok();
    assert_eq!(read.text(), "text");
    // The MD5 may be left out of a read.
    let without_md5 = &headers(OBJECT, ONE)[..2];
    send(&cloud, &user, "GET", "/bucket/k", without_md5, "").ok();
    let none = cloud.s3(&user, "GET", "/bucket/k");
    refused(&none, 400, "InvalidRequest", NEEDS_KEY);
    assert_eq!(cloud.s3(&user, "HEAD", "/bucket/k").status, 400);
    let other = send(&cloud, &user, "GET", "/bucket/k", &headers(OBJECT, OTHER), "");
    refused(&other, 403, "AccessDenied", WRONG_KEY);
    let short = send(&cloud, &user, "GET", "/bucket/k", &headers(OBJECT, &ONE[..10]), "");
    refused(&short, 403, "AccessDenied", WRONG_KEY);
    assert_eq!(
        send(&cloud, &user, "HEAD", "/bucket/k", &headers(OBJECT, OTHER), "").status,
        403
    );
    let mut attributes = headers(OBJECT, ONE);
    attributes.push(("x-amz-object-attributes".to_owned(), "ObjectSize".to_owned()));
    let size = send(&cloud, &user, "GET", "/bucket/k?attributes", &attributes, "").ok();
    assert_eq!(size.element("ObjectSize"), "4");
    let none = send(&cloud, &user, "GET", "/bucket/k?attributes", &attributes[3..], "");
    refused(&none, 400, "InvalidRequest", NEEDS_KEY);
    // svc:S-22: what has no such key takes none.
    cloud.s3_with(&user, "PUT", "/bucket/plain", &[], "x").ok();
    let plain = send(&cloud, &user, "GET", "/bucket/plain", &headers(OBJECT, ONE), "");
    refused(&plain, 400, "InvalidRequest", NOT_APPLICABLE);
    // What needs no bytes needs no key.
    cloud.s3(&user, "GET", "/bucket/k?tagging").ok();
    cloud.s3(&user, "DELETE", "/bucket/k").ok();
    assert_eq!(cloud.trail().len(), before, "KMS is not asked");
}

#[test]
fn permissions_come_first() {
    let (cloud, user) = world();
    send(&cloud, &user, "PUT", "/bucket/k", &headers(OBJECT, ONE), "text").ok();
    let nobody = cloud.user(A, "nobody", &json!([]));
    for key in [ONE, OTHER] {
        let reply = send(&cloud, &nobody, "GET", "/bucket/k", &headers(OBJECT, key), "");
        assert_eq!(reply.error(), (403, "AccessDenied".to_owned()));
        assert!(reply.element("Message").contains("s3:GetObject"), "{}", reply.text());
    }
    // A malformed request is told so whoever asks.
    let half = &headers(OBJECT, ONE)[1..];
    assert_eq!(
        send(&cloud, &nobody, "GET", "/bucket/k", half, "").error().1,
        "InvalidArgument"
    );
}

/// The header is the condition key, and it does not replace `s3:x-amz-server-side-encryption` (`svc:S-40`).
#[test]
fn the_algorithm_is_a_condition_key() {
    let (cloud, user) = world();
    let put = |headers: &[(String, String)]| send(&cloud, &user, "PUT", "/bucket/k", headers, "x").status;
    let deny = |condition: serde_json::Value| {
        cloud
            .bucket_policy(
                A,
                "bucket",
                &json!([{ "Effect": "Deny", "Principal": "*", "Action": "s3:PutObject", "Resource": "arn:aws:s3:::bucket/*", "Condition": condition }]),
            )
            .ok();
    };
    let key = "s3:x-amz-server-side-encryption-customer-algorithm";
    let with = headers(OBJECT, ONE);
    deny(json!({ "Null": { key: "false" } }));
    assert_eq!((put(&with), put(&[])), (403, 200));
    deny(json!({ "Null": { key: "true" } }));
    assert_eq!((put(&with), put(&[])), (200, 403));
    deny(json!({ "StringEquals": { key: "AES256" } }));
    assert_eq!((put(&with), put(&[])), (403, 200));
    deny(json!({ "Null": { "s3:x-amz-server-side-encryption": "true" } }));
    assert_eq!((put(&with), put(&[])), (403, 403));
}

#[test]
fn two_kinds_of_encryption_do_not_go_together() {
    let (cloud, user) = world();
    let mut both = headers(OBJECT, ONE);
    both.push(("x-amz-server-side-encryption".to_owned(), "AES256".to_owned()));
    for (method, path) in [("PUT", "/bucket/k"), ("POST", "/bucket/k?uploads")] {
        let reply = send(&cloud, &user, method, path, &both, "");
        refused(
            &reply,
            400,
            "InvalidArgument",
            "Server Side Encryption with Customer provided key is incompatible with the encryption method specified",
        );
        assert_eq!(reply.element("ArgumentValue"), "AES256");
    }
    // A bucket default is only for those who say nothing: no key of KMS is asked for.
    let key = cloud.key(A, &json!([]));
    cloud.default_kms(A, "bucket", &key, false);
    let before = cloud.trail().len();
    send(&cloud, &user, "PUT", "/bucket/k", &headers(OBJECT, ONE), "x").ok();
    assert_eq!(cloud.trail().len(), before);
}

#[test]
fn copies_need_the_key_of_the_source_and_may_bring_another() {
    let (cloud, user) = world();
    send(&cloud, &user, "PUT", "/bucket/k", &headers(OBJECT, ONE), "text").ok();
    let copy = |more: &[(String, String)]| {
        let mut all = vec![("x-amz-copy-source".to_owned(), "bucket/k".to_owned())];
        all.extend_from_slice(more);
        send(&cloud, &user, "PUT", "/bucket/copy", &all, "")
    };
    refused(&copy(&[]), 400, "InvalidRequest", NEEDS_KEY);
    refused(&copy(&headers(OBJECT, ONE)), 400, "InvalidRequest", NEEDS_KEY);
    refused(&copy(&headers(SOURCE, OTHER)), 403, "AccessDenied", "Access Denied");
    copy(&headers(SOURCE, ONE)).ok();
    assert_eq!(cloud.s3(&user, "GET", "/bucket/copy").ok().text(), "text");
    copy(&[headers(SOURCE, ONE), headers(OBJECT, OTHER)].concat()).ok();
    let read = send(&cloud, &user, "GET", "/bucket/copy", &headers(OBJECT, OTHER), "").ok();
    assert_eq!(read.text(), "text");
    // Another key is a change, so the copy may land on its source.
    let mut onto_itself = vec![("x-amz-copy-source".to_owned(), "bucket/k".to_owned())];
    onto_itself.extend([headers(SOURCE, ONE), headers(OBJECT, OTHER)].concat());
    send(&cloud, &user, "PUT", "/bucket/k", &onto_itself, "").ok();
    send(&cloud, &user, "GET", "/bucket/k", &headers(OBJECT, OTHER), "").ok();
}

#[test]
fn parts_come_with_the_key_of_their_upload() {
    const OTHER_PARAMETERS: &str = "The multipart upload initiate requested encryption. Subsequent part requests must include the appropriate encryption parameters.";
    let (cloud, user) = world();
    let begin = |headers: &[(String, String)]| {
        let reply = send(&cloud, &user, "POST", "/bucket/k?uploads", headers, "").ok();
        reply.element("UploadId")
    };
    let part = |upload: &str, headers: &[(String, String)]| {
        let path = format!("/bucket/k?partNumber=1&uploadId={upload}");
        send(&cloud, &user, "PUT", &path, headers, "text")
    };
    let plain = begin(&[]);
    refused(
        &part(&plain, &headers(OBJECT, ONE)),
        400,
        "InvalidRequest",
        OTHER_PARAMETERS,
    );
    let upload = begin(&headers(OBJECT, ONE));
    refused(&part(&upload, &[]), 400, "InvalidRequest", OTHER_PARAMETERS);
    refused(
        &part(&upload, &headers(OBJECT, OTHER)),
        400,
        "InvalidRequest",
        "The provided encryption parameters did not match the ones used originally.",
    );
    let etag = part(&upload, &headers(OBJECT, ONE)).ok().header("etag").to_owned();
    let path = format!("/bucket/k?uploadId={upload}");
    cloud.s3(&user, "GET", &path).ok();
    let list = format!(
        "<CompleteMultipartUpload><Part><PartNumber>1</PartNumber><ETag>{etag}</ETag></Part></CompleteMultipartUpload>"
    );
    let other = send(&cloud, &user, "POST", &path, &headers(OBJECT, OTHER), &list);
    assert_eq!(other.error(), (400, "InvalidRequest".to_owned()));
    // Completing needs no key.
    send(&cloud, &user, "POST", &path, &[], &list).ok();
    refused(&cloud.s3(&user, "GET", "/bucket/k"), 400, "InvalidRequest", NEEDS_KEY);
    let read = send(&cloud, &user, "GET", "/bucket/k", &headers(OBJECT, ONE), "").ok();
    assert_eq!(read.text(), "text");
    assert!(read.header("etag").ends_with("-1\""));
}

/// Since April 2026 new buckets take no uploads under SSE-C until PutBucketEncryption says so.
#[test]
fn new_buckets_block_uploads_since_april_2026() {
    let put = |cloud: &Cloud| {
        let root = cloud.root(A);
        send(cloud, &root, "PUT", "/bucket/k", &headers(OBJECT, ONE), "x").status
    };
    let cloud = Cloud::new();
    let root = cloud.bucket(A, "bucket");
    assert_eq!(put(&cloud), 403);
    let shown = cloud.s3(&root, "GET", "/bucket?encryption").ok();
    assert_eq!(shown.element("EncryptionType"), "SSE-C");
    let upload = send(&cloud, &root, "POST", "/bucket/k?uploads", &headers(OBJECT, ONE), "");
    assert_eq!(upload.error(), (403, "AccessDenied".to_owned()));
    // The user guide's words, both blanks included (troubleshoot-403-errors).
    let start = format!("User: arn:aws:iam::{A}:root  is not authorized to perform: s3:PutObject on resource: ");
    let reason = "\"arn:aws:s3:::bucket/k\" because this bucket has blocked upload requests";
    let message = upload.element("Message");
    assert!(message.starts_with(&format!("{start}{reason}")), "{message}");
    allow_customer_keys(&cloud);
    assert_eq!(put(&cloud), 200);
    // A configuration that says nothing about it changes nothing about it.
    let key = cloud.key(A, &json!([]));
    cloud.default_kms(A, "bucket", &key, true);
    let shown = cloud.s3(&root, "GET", "/bucket?encryption").ok();
    assert_eq!(shown.element("EncryptionType"), "NONE");
    assert_eq!(put(&cloud), 200);
    blocked(&cloud, "SSE-C");
    assert_eq!(put(&cloud), 403);
    // What is there stays readable.
    send(&cloud, &root, "GET", "/bucket/k", &headers(OBJECT, ONE), "").ok();

    let earlier = Cloud::new();
    earlier.case(&json!({ "as_of": "2026-04-05" }));
    let root = earlier.bucket(A, "bucket");
    assert_eq!(put(&earlier), 200);
    let shown = earlier.s3(&root, "GET", "/bucket?encryption").ok();
    assert_eq!(shown.element("EncryptionType"), "");
}
