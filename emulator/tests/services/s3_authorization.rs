//! Who may do what in S3, without KMS: svc:9.1, the condition keys of svc:9.6 and the texts of svc:S-36.

use crate::cloud::{A, B, Cloud, admin, allow, s3_full};
use serde_json::{Value, json};

fn get_object() -> Value {
    json!([allow(&json!("s3:GetObject"), &json!("arn:aws:s3:::bucket/*"))])
}

pub(crate) fn world() -> Cloud {
    let cloud = Cloud::new();
    let root = cloud.bucket(A, "bucket");
    cloud.s3_with(&root, "PUT", "/bucket/k", &[], "body").ok();
    cloud
}

fn public_read() -> Value {
    json!([{ "Effect": "Allow", "Principal": "*", "Action": "s3:GetObject", "Resource": "arn:aws:s3:::bucket/*" }])
}

/// svc:S-36, svc:S-8, O-20 of svc:17.
#[test]
fn denials_say_what_the_era_says() {
    let cloud = world();
    let user = cloud.user(A, "u", &json!([]));
    let reply = cloud.s3(&user, "GET", "/bucket/k");
    assert_eq!(reply.error(), (403, "AccessDenied".to_owned()));
    assert_eq!(
        reply.element("Message"),
        "User: arn:aws:iam::111111111111:user/u is not authorized to perform: s3:GetObject on resource: \"arn:aws:s3:::bucket/k\" because no identity-based policy allows the s3:GetObject action"
    );
    assert!(!reply.element("RequestId").is_empty());
    cloud.case(&json!({ "as_of": "2023-06-01" }));
    assert_eq!(cloud.s3(&user, "GET", "/bucket/k").element("Message"), "Access Denied");
    cloud.case(&json!({ "as_of": null }));
    let foreign = cloud.user(B, "u", &admin());
    assert_eq!(
        cloud.s3(&foreign, "GET", "/bucket/k").element("Message"),
        "Access Denied"
    );
    let head = cloud.s3(&user, "HEAD", "/bucket/k");
    assert_eq!((head.status, head.body.len()), (403, 0));
}

/// svc:S-8.
#[test]
fn missing_keys_are_told_to_those_who_may_list() {
    let cloud = world();
    let user = cloud.user(A, "u", &get_object());
    let reply = cloud.s3(&user, "GET", "/bucket/none");
    assert_eq!(reply.error(), (403, "AccessDenied".to_owned()));
    assert!(
        reply
            .element("Message")
            .contains("s3:ListBucket on resource: \"arn:aws:s3:::bucket\"")
    );
    assert_eq!(cloud.s3(&user, "HEAD", "/bucket/none").status, 403);
    let mut statements = get_object();
    statements
        .as_array_mut()
        .expect("a list")
        .push(allow(&json!("s3:ListBucket"), &json!("arn:aws:s3:::bucket")));
    cloud.user_policy(A, "u", &statements);
    assert_eq!(
        cloud.s3(&user, "GET", "/bucket/none").error(),
        (404, "NoSuchKey".to_owned())
    );
    assert_eq!(cloud.s3(&user, "HEAD", "/bucket/none").status, 404);
    cloud.user_policy(A, "u", &json!([allow(&json!("s3:ListBucket"), &json!("*"))]));
    assert_eq!(
        cloud.s3(&user, "GET", "/bucket/none").error(),
        (403, "AccessDenied".to_owned())
    );
}

/// svc:S-1, svc:S-2.
#[test]
fn bucket_policies_within_and_across_accounts() {
    let cloud = world();
    let own = cloud.role(A, "r", "s1", &json!([]));
    let foreign = cloud.role(B, "r", "s1", &json!([]));
    for (account, keys, with_policy) in [(A, &own, 200), (B, &foreign, 403)] {
        assert_eq!(cloud.s3(keys, "GET", "/bucket/k").status, 403, "{account}");
        let statement = json!([{
            "Effect": "Allow",
            "Principal": { "AWS": format!("arn:aws:iam::{account}:role/r") },
            "Action": "s3:GetObject",
            "Resource": "arn:aws:s3:::bucket/*",
        }]);
        cloud.bucket_policy(A, "bucket", &statement).ok();
        assert_eq!(cloud.s3(keys, "GET", "/bucket/k").status, with_policy, "{account}");
    }
    let both = cloud.role(B, "reader", "s1", &get_object());
    let statement = json!([{
        "Effect": "Allow",
        "Principal": { "AWS": B },
        "Action": "s3:GetObject",
        "Resource": "arn:aws:s3:::bucket/*",
    }]);
    cloud.bucket_policy(A, "bucket", &statement).ok();
    assert_eq!(cloud.s3(&both, "GET", "/bucket/k").status, 200);
    assert_eq!(cloud.s3(&foreign, "GET", "/bucket/k").status, 403);
    cloud.s3(&cloud.root(A), "DELETE", "/bucket?policy").ok();
    assert_eq!(cloud.s3(&both, "GET", "/bucket/k").status, 403);
}

/// svc:S-26: bucket actions match bucket ARNs, object actions object ARNs.
#[test]
fn resource_kinds() {
    let cloud = world();
    let user = cloud.user(A, "u", &json!([allow(&json!("s3:*"), &json!("arn:aws:s3:::bucket"))]));
    assert_eq!(cloud.s3(&user, "GET", "/bucket").status, 200);
    assert_eq!(cloud.s3(&user, "GET", "/bucket/k").status, 403);
    cloud.user_policy(A, "u", &json!([allow(&json!("s3:*"), &json!("arn:aws:s3:::bucket/*"))]));
    assert_eq!(cloud.s3(&user, "GET", "/bucket").status, 403);
    assert_eq!(cloud.s3(&user, "GET", "/bucket/k").status, 200);
    assert_eq!(cloud.s3(&user, "GET", "/").status, 403);
}

/// The action each operation asks for: allowed with exactly this action, denied with everything but it.
#[test]
fn operations_ask_for_their_action() {
    let cloud = world();
    cloud.ownership(A, "bucket", "ObjectWriter");
    let user = cloud.user(A, "u", &json!([]));
    let statement = public_read().to_string();
    let policy = format!("{{\"Version\":\"2012-10-17\",\"Statement\":{statement}}}");
    type Headers = &'static [(&'static str, &'static str)];
    let cases: &[(&'static str, &str, Headers, &str, &str)] = &[
        ("GET", "/", &[], "", "s3:ListAllMyBuckets"),
        ("GET", "/bucket?location", &[], "", "s3:GetBucketLocation"),
        ("GET", "/bucket?list-type=2", &[], "", "s3:ListBucket"),
        ("HEAD", "/bucket", &[], "", "s3:ListBucket"),
        ("GET", "/bucket?versions", &[], "", "s3:ListBucketVersions"),
        ("GET", "/bucket?uploads", &[], "", "s3:ListBucketMultipartUploads"),
        ("GET", "/bucket?encryption", &[], "", "s3:GetEncryptionConfiguration"),
        ("DELETE", "/bucket?encryption", &[], "", "s3:PutEncryptionConfiguration"),
        (
            "GET",
            "/bucket?publicAccessBlock",
            &[],
            "",
            "s3:GetBucketPublicAccessBlock",
        ),
        (
            "GET",
            "/bucket?ownershipControls",
            &[],
            "",
            "s3:GetBucketOwnershipControls",
        ),
        ("GET", "/bucket?versioning", &[], "", "s3:GetBucketVersioning"),
        ("GET", "/bucket?requestPayment", &[], "", "s3:GetBucketRequestPayment"),
        ("GET", "/bucket?acl", &[], "", "s3:GetBucketAcl"),
        ("GET", "/bucket/k?acl", &[], "", "s3:GetObjectAcl"),
        ("GET", "/bucket/k?tagging", &[], "", "s3:GetObjectTagging"),
        ("GET", "/bucket/k?versionId=null", &[], "", "s3:GetObjectVersion"),
        ("PUT", "/bucket/new", &[], "x", "s3:PutObject"),
        ("DELETE", "/bucket/new", &[], "", "s3:DeleteObject"),
        (
            "DELETE",
            "/bucket/new?versionId=null",
            &[],
            "",
            "s3:DeleteObjectVersion",
        ),
        (
            "PUT",
            "/bucket/k?acl",
            &[("x-amz-acl", "private")],
            "",
            "s3:PutObjectAcl",
        ),
        ("PUT", "/newbucket", &[], "", "s3:CreateBucket"),
        ("DELETE", "/newbucket", &[], "", "s3:DeleteBucket"),
    ];
    for (method, path, headers, body, action) in cases {
        let but = json!([{ "Effect": "Allow", "NotAction": action, "Resource": "*" }]);
        cloud.user_policy(A, "u", &but);
        let reply = cloud.s3_with(&user, method, path, headers, body);
        assert_eq!(reply.status, 403, "{method} {path} without {action}");
        cloud.user_policy(A, "u", &json!([allow(&json!(action), &json!("*"))]));
        let reply = cloud.s3_with(&user, method, path, headers, body);
        assert!(reply.status < 300, "{method} {path} with {action}: {}", reply.text());
    }
    // A put with tags and ACL needs all three.
    let headers = [("x-amz-tagging", "a=b"), ("x-amz-acl", "private")];
    for missing in ["s3:PutObject", "s3:PutObjectTagging", "s3:PutObjectAcl"] {
        cloud.user_policy(
            A,
            "u",
            &json!([{ "Effect": "Allow", "NotAction": missing, "Resource": "*" }]),
        );
        let reply = cloud.s3_with(&user, "PUT", "/bucket/t", &headers, "x");
        assert!(
            reply.element("Message").contains(&format!("perform: {missing} on")),
            "{missing}"
        );
    }
    cloud.user_policy(A, "u", &json!([allow(&json!(["s3:PutBucketPolicy"]), &json!("*"))]));
    cloud.public_access_block(A, "bucket", &[]);
    cloud.s3_with(&user, "PUT", "/bucket?policy", &[], policy).ok();
    assert_eq!(cloud.s3(&user, "GET", "/bucket?policyStatus").status, 403);
    assert_eq!(
        cloud
            .s3(&cloud.root(A), "GET", "/bucket?policyStatus")
            .element("IsPublic"),
        "true"
    );
}

/// svc:S-6, svc:S-7, O-002-9, O-002-11, O-002-12.
#[test]
fn block_public_access() {
    let cloud = world();
    let refused = cloud.bucket_policy(A, "bucket", &public_read());
    assert_eq!(refused.error(), (403, "AccessDenied".to_owned()));
    assert!(refused.element("Message").contains("BlockPublicPolicy"));
    cloud.public_access_block(A, "bucket", &[]);
    cloud.bucket_policy(A, "bucket", &public_read()).ok();
    assert_eq!(cloud.s3_anonymous("GET", "/bucket/k", &[], b"").text(), "body");
    let denied = cloud.s3_anonymous("GET", "/bucket?list-type=2", &[], b"");
    assert_eq!(
        (denied.status, denied.element("Message")),
        (403, "Access Denied".to_owned())
    );
    // RestrictPublicBuckets cuts outsiders off, also from statements that are not public (svc:17, 17).
    let reader = cloud.user(B, "reader", &get_object());
    let mut statements = public_read();
    statements.as_array_mut().expect("a list").push(json!({
        "Effect": "Allow",
        "Principal": { "AWS": B },
        "Action": "s3:GetObject",
        "Resource": "arn:aws:s3:::bucket/*",
    }));
    cloud.bucket_policy(A, "bucket", &statements).ok();
    let insider = cloud.user(A, "insider", &json!([]));
    for (restrict, expected) in [(false, 200), (true, 403)] {
        cloud.public_access_block(A, "bucket", if restrict { &["RestrictPublicBuckets"] } else { &[] });
        assert_eq!(cloud.s3(&reader, "GET", "/bucket/k").status, expected);
        assert_eq!(cloud.s3_anonymous("GET", "/bucket/k", &[], b"").status, expected);
        assert_eq!(cloud.s3(&insider, "GET", "/bucket/k").status, 200);
    }
    // The account's settings count as much as the bucket's.
    cloud.public_access_block(A, "bucket", &[]);
    let body = "<PublicAccessBlockConfiguration><RestrictPublicBuckets>true</RestrictPublicBuckets></PublicAccessBlockConfiguration>";
    cloud
        .s3_with(
            &cloud.root(A),
            "PUT",
            "/v20180820/configuration/publicAccessBlock",
            &[("x-amz-account-id", A)],
            body,
        )
        .ok();
    assert_eq!(cloud.s3_anonymous("GET", "/bucket/k", &[], b"").status, 403);
    // Once the policy is no longer public, the foreign statement works again.
    let mut private = statements.clone();
    private.as_array_mut().expect("a list").remove(0);
    cloud.bucket_policy(A, "bucket", &private).ok();
    assert_eq!(cloud.s3(&reader, "GET", "/bucket/k").status, 200);
}

/// svc:S-4, svc:S-5.
#[test]
fn ownership_and_acls() {
    let cloud = world();
    let root = cloud.root(A);
    let public = [("x-amz-acl", "public-read")];
    let refused = cloud.s3_with(&root, "PUT", "/bucket/p", &public, "x");
    assert_eq!(refused.error(), (400, "AccessControlListNotSupported".to_owned()));
    assert_eq!(refused.element("Message"), "The bucket does not allow ACLs");
    let full = [("x-amz-acl", "bucket-owner-full-control")];
    cloud.s3_with(&root, "PUT", "/bucket/p", &full, "x").ok();
    assert_eq!(
        cloud.s3_with(&root, "PUT", "/bucket?acl", &public, "").error().1,
        "AccessControlListNotSupported"
    );
    cloud.ownership(A, "bucket", "ObjectWriter");
    let blocked = cloud.s3_with(&root, "PUT", "/bucket/p", &public, "x");
    assert_eq!(blocked.error(), (403, "AccessDenied".to_owned()));
    assert!(blocked.element("Message").contains("BlockPublicAcls"));
    cloud.public_access_block(A, "bucket", &[]);
    cloud.s3_with(&root, "PUT", "/bucket/p", &public, "open").ok();
    assert_eq!(cloud.s3_anonymous("GET", "/bucket/p", &[], b"").text(), "open");
    assert_eq!(cloud.s3_anonymous("GET", "/bucket/k", &[], b"").status, 403);
    cloud.public_access_block(A, "bucket", &["IgnorePublicAcls"]);
    assert_eq!(cloud.s3_anonymous("GET", "/bucket/p", &[], b"").status, 403);
    cloud.public_access_block(A, "bucket", &[]);
    assert_eq!(
        cloud
            .s3_with(
                &root,
                "PUT",
                "/bucket?ownershipControls",
                &[],
                "<OwnershipControls><Rule><ObjectOwnership>Nobody</ObjectOwnership></Rule></OwnershipControls>"
            )
            .error()
            .1,
        "MalformedXML"
    );
    cloud.ownership(A, "bucket", "BucketOwnerEnforced");
    assert_eq!(cloud.s3_anonymous("GET", "/bucket/p", &[], b"").status, 403);
}

/// svc:S-4: bucket policy Allows do not cover objects of other owners, Denies do.
#[test]
fn foreign_objects() {
    let cloud = world();
    cloud.ownership(A, "bucket", "ObjectWriter");
    let writer = cloud.user(B, "writer", &s3_full());
    let reader = cloud.user(A, "reader", &s3_full());
    let allow_b = json!([{
        "Effect": "Allow",
        "Principal": { "AWS": [A, B] },
        "Action": ["s3:PutObject", "s3:GetObject", "s3:PutObjectAcl"],
        "Resource": "arn:aws:s3:::bucket/*",
    }]);
    cloud.bucket_policy(A, "bucket", &allow_b).ok();
    cloud.s3_with(&writer, "PUT", "/bucket/theirs", &[], "x").ok();
    assert_eq!(cloud.s3(&writer, "GET", "/bucket/theirs").status, 200);
    assert_eq!(cloud.s3(&reader, "GET", "/bucket/theirs").status, 403);
    let full = [("x-amz-acl", "bucket-owner-full-control")];
    cloud.s3_with(&writer, "PUT", "/bucket/theirs", &full, "x").ok();
    assert_eq!(cloud.s3(&reader, "GET", "/bucket/theirs").status, 200);
    assert_eq!(cloud.s3(&reader, "DELETE", "/bucket/theirs").status, 204);
    cloud.ownership(A, "bucket", "BucketOwnerPreferred");
    cloud.s3_with(&writer, "PUT", "/bucket/given", &full, "x").ok();
    cloud.s3_with(&writer, "PUT", "/bucket/kept", &[], "x").ok();
    assert_eq!(cloud.s3(&reader, "GET", "/bucket/given").status, 200);
    assert_eq!(cloud.s3(&reader, "GET", "/bucket/kept").status, 403);
}

/// svc:S-9.
#[test]
fn requester_pays() {
    let cloud = world();
    let body = "<RequestPaymentConfiguration><Payer>Requester</Payer></RequestPaymentConfiguration>";
    cloud
        .s3_with(&cloud.root(A), "PUT", "/bucket?requestPayment", &[], body)
        .ok();
    cloud.public_access_block(A, "bucket", &[]);
    cloud.bucket_policy(A, "bucket", &public_read()).ok();
    let payer = [("x-amz-request-payer", "requester")];
    let foreign = cloud.user(B, "u", &get_object());
    let own = cloud.user(A, "u", &json!([]));
    assert_eq!(cloud.s3(&foreign, "GET", "/bucket/k").status, 403);
    assert_eq!(cloud.s3_with(&foreign, "GET", "/bucket/k", &payer, "").status, 200);
    assert_eq!(cloud.s3(&own, "GET", "/bucket/k").status, 200);
    assert_eq!(cloud.s3_anonymous("GET", "/bucket/k", &payer, b"").status, 403);
}

/// Copies need the source too; tags of the source need their own permissions.
#[test]
fn copies_need_both_sides() {
    let cloud = world();
    let root = cloud.root(A);
    cloud
        .s3_with(&root, "PUT", "/bucket/t", &[("x-amz-tagging", "a=b")], "x")
        .ok();
    let user = cloud.user(A, "u", &json!([]));
    let copy = |source: &str| cloud.s3_with(&user, "PUT", "/bucket/c", &[("x-amz-copy-source", source)], "");
    for (actions, plain, tagged) in [
        (json!(["s3:PutObject"]), 403, 403),
        (json!(["s3:GetObject"]), 403, 403),
        (json!(["s3:GetObject", "s3:PutObject"]), 200, 403),
        (json!(["s3:GetObject", "s3:PutObject", "s3:GetObjectTagging"]), 200, 200),
        (json!(["s3:GetObject*", "s3:PutObject*"]), 200, 200),
    ] {
        cloud.user_policy(A, "u", &json!([allow(&actions, &json!("*"))]));
        assert_eq!(copy("bucket/k").status, plain, "{actions}");
        assert_eq!(copy("bucket/t").status, tagged, "{actions}");
    }
}

/// DeleteObjects answers 200 with one entry per refused key.
#[test]
fn bulk_deletions_are_authorized_key_by_key() {
    let cloud = world();
    let user = cloud.user(
        A,
        "u",
        &json!([allow(&json!("s3:DeleteObject"), &json!("arn:aws:s3:::bucket/mine/*"))]),
    );
    let body = "<Delete><Object><Key>mine/a</Key></Object><Object><Key>k</Key></Object></Delete>";
    let reply = cloud.s3_with(&user, "POST", "/bucket?delete", &[], body).ok();
    assert_eq!(reply.text().matches("<Deleted>").count(), 1);
    assert_eq!(
        (reply.element("Code"), reply.text().matches("<Error>").count()),
        ("AccessDenied".to_owned(), 1)
    );
    assert_eq!(cloud.s3(&cloud.root(A), "GET", "/bucket/k").status, 200);
}

/// PutBucketPolicy is checked when saved, and the owner's root user can always undo it.
#[test]
fn bucket_policy_validation_and_lockout() {
    let cloud = world();
    let cases = [
        (
            json!([{ "Effect": "Allow", "Principal": { "AWS": A }, "Action": "s3:GetObject", "Resource": "arn:aws:s3:::other/*" }]),
            "Policy has invalid resource",
        ),
        (
            json!([{ "Effect": "Allow", "Principal": { "AWS": "arn:aws:iam::111111111111:role/none" }, "Action": "s3:GetObject", "Resource": "arn:aws:s3:::bucket/*" }]),
            "",
        ),
        (
            json!([{ "Effect": "Allow", "Action": "s3:GetObject", "Resource": "arn:aws:s3:::bucket/*" }]),
            "",
        ),
    ];
    for (statements, message) in cases {
        let reply = cloud.bucket_policy(A, "bucket", &statements);
        assert_eq!(reply.error(), (400, "MalformedPolicy".to_owned()), "{statements}");
        assert!(reply.element("Message").contains(message), "{}", reply.text());
    }
    let lockout = json!([{ "Effect": "Deny", "Principal": "*", "Action": "s3:*", "Resource": ["arn:aws:s3:::bucket", "arn:aws:s3:::bucket/*"] }]);
    let user = cloud.user(A, "u", &admin());
    cloud.bucket_policy(A, "bucket", &lockout).ok();
    assert_eq!(cloud.s3(&cloud.root(A), "GET", "/bucket/k").status, 403);
    let denied = cloud.s3(&user, "DELETE", "/bucket?policy");
    assert!(
        denied
            .element("Message")
            .ends_with("with an explicit deny in a resource-based policy")
    );
    assert!(
        cloud
            .s3(&cloud.root(A), "GET", "/bucket?policy")
            .ok()
            .text()
            .contains("Deny")
    );
    cloud.s3(&cloud.root(A), "DELETE", "/bucket?policy").ok();
    assert_eq!(cloud.s3(&user, "GET", "/bucket/k").status, 200);
}

/// iam:P-03: GetBucketPolicy shows an account named by its bare id with the ARN of its root.
#[test]
fn accounts_are_shown_by_their_root_arn() {
    let cloud = world();
    let statements = |account: &str| json!([{ "Effect": "Allow", "Principal": { "AWS": account }, "Action": "s3:GetObject", "Resource": "arn:aws:s3:::bucket/*" }]);
    cloud.bucket_policy(A, "bucket", &statements(B)).ok();
    let shown = cloud.s3(&cloud.root(A), "GET", "/bucket?policy").ok().json();
    assert_eq!(shown["Statement"], statements(&format!("arn:aws:iam::{B}:root")));
}
