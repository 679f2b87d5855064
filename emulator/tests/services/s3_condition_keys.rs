//! The condition keys of S3's actions: what a request shows, and to which actions.

use serde_json::{Value, json};

use crate::cloud::{A, B, allow};
use crate::s3_authorization::world;

/// svc:S-40 … svc:S-44.
#[test]
fn condition_keys() {
    let cloud = world();
    let user = cloud.user(A, "u", &json!([]));
    let deny = |condition: Value, action: &str| {
        cloud.user_policy(
            A,
            "u",
            &json!([
                allow(&json!("s3:*"), &json!("*")),
                { "Effect": "Deny", "Action": action, "Resource": "*", "Condition": condition },
            ]),
        );
    };
    // S-40: header only, whatever the bucket default does.
    deny(
        json!({ "StringNotEquals": { "s3:x-amz-server-side-encryption": "AES256" } }),
        "s3:PutObject",
    );
    assert_eq!(cloud.s3_with(&user, "PUT", "/bucket/e", &[], "x").status, 403);
    let header = [("x-amz-server-side-encryption", "AES256")];
    assert_eq!(cloud.s3_with(&user, "PUT", "/bucket/e", &header, "x").status, 200);
    // S-42.
    deny(json!({ "StringNotLike": { "s3:prefix": "mine/*" } }), "s3:ListBucket");
    assert_eq!(cloud.s3(&user, "GET", "/bucket?list-type=2").status, 403);
    assert_eq!(
        cloud.s3(&user, "GET", "/bucket?list-type=2&prefix=mine%2Fa").status,
        200
    );
    deny(
        json!({ "NumericGreaterThan": { "s3:max-keys": "10" } }),
        "s3:ListBucket",
    );
    assert_eq!(cloud.s3(&user, "GET", "/bucket?max-keys=11").status, 403);
    assert_eq!(cloud.s3(&user, "GET", "/bucket?max-keys=10").status, 200);
    // S-44.
    cloud
        .s3_with(
            &cloud.root(A),
            "PUT",
            "/bucket/t",
            &[("x-amz-tagging", "team=red")],
            "x",
        )
        .ok();
    deny(
        json!({ "StringEquals": { "s3:ExistingObjectTag/team": "red" } }),
        "s3:GetObject",
    );
    assert_eq!(cloud.s3(&user, "GET", "/bucket/t").status, 403);
    assert_eq!(cloud.s3(&user, "GET", "/bucket/k").status, 200);
    deny(
        json!({ "StringEquals": { "s3:RequestObjectTag/team": "red" } }),
        "s3:PutObject*",
    );
    assert_eq!(
        cloud
            .s3_with(&user, "PUT", "/bucket/n", &[("x-amz-tagging", "team=red")], "x")
            .status,
        403
    );
    assert_eq!(
        cloud
            .s3_with(&user, "PUT", "/bucket/n", &[("x-amz-tagging", "team=blue")], "x")
            .status,
        200
    );
    // S-45, S-46.
    deny(json!({ "StringNotEquals": { "s3:ResourceAccount": A } }), "s3:*");
    assert_eq!(cloud.s3(&user, "GET", "/bucket/k").status, 200);
    deny(
        json!({ "StringEquals": { "s3:authType": "REST-HEADER" } }),
        "s3:GetObject",
    );
    assert_eq!(cloud.s3(&user, "GET", "/bucket/k").status, 403);
    // S-43.
    deny(
        json!({ "StringEquals": { "s3:VersionId": "null" } }),
        "s3:GetObjectVersion",
    );
    assert_eq!(cloud.s3(&user, "GET", "/bucket/k?versionId=null").status, 403);
    // S-47.
    deny(
        json!({ "StringEquals": { "s3:x-amz-copy-source": "bucket/k" } }),
        "s3:PutObject",
    );
    let copy = |source: &str| cloud.s3_with(&user, "PUT", "/bucket/c", &[("x-amz-copy-source", source)], "");
    assert_eq!(copy("bucket/k").status, 403);
    assert_eq!(copy("bucket/t").status, 200);
}

/// Which actions know which keys (service authorization reference): an action without the key sees it absent, whatever
/// the request carries.
#[test]
fn actions_see_only_the_condition_keys_they_know() {
    let cloud = world();
    let root = cloud.root(A);
    let user = cloud.user(A, "u", &json!([]));
    let key = cloud.key(A, &json!([]));
    cloud
        .s3_with(&root, "PUT", "/bucket/t", &[("x-amz-tagging", "a=b")], "x")
        .ok();
    // Allowed only where the condition holds.
    let allowed = |action: &str, condition: Value| {
        cloud.user_policy(
            A,
            "u",
            &json!([
                { "Effect": "Allow", "NotAction": action, "Resource": "*" },
                { "Effect": "Allow", "Action": action, "Resource": "*", "Condition": condition },
            ]),
        );
    };
    // S-44: UpdateObjectEncryption sees the tags of its object.
    let body = format!("<ObjectEncryption><SSE-KMS><KMSKeyArn>{key}</KMSKeyArn></SSE-KMS></ObjectEncryption>");
    for (value, status) in [("b", 200), ("c", 403)] {
        allowed(
            "s3:UpdateObjectEncryption",
            json!({ "StringEquals": { "s3:ExistingObjectTag/a": value } }),
        );
        let reply = cloud.s3_with(&user, "PUT", "/bucket/t?encryption", &[], &body);
        assert_eq!(reply.status, status, "{}", reply.text());
    }
    // S-43: only actions of a version see which.
    for (action, query, knows) in [
        ("s3:GetObjectVersion", "versionId=null", true),
        ("s3:GetObjectVersionTagging", "tagging&versionId=null", true),
        ("s3:GetObjectRetention", "retention&versionId=null", false),
        ("s3:GetObjectLegalHold", "legal-hold&versionId=null", false),
    ] {
        allowed(action, json!({ "Null": { "s3:versionid": "true" } }));
        let denied = cloud.s3(&user, "GET", &format!("/bucket/t?{query}")).status == 403;
        assert_eq!(denied, knows, "{action}");
    }
    // Tags of a request: creating a bucket and tagging through TagResource, not PutBucketTagging.
    let tags = "<Tagging><TagSet><Tag><Key>a</Key><Value>b</Value></Tag></TagSet></Tagging>";
    allowed(
        "s3:PutBucketTagging",
        json!({ "Null": { "aws:TagKeys": "true", "aws:RequestTag/a": "true" } }),
    );
    cloud.s3_with(&user, "PUT", "/bucket?tagging", &[], tags).ok();
    let create =
        "<CreateBucketConfiguration><Tags><Tag><Key>a</Key><Value>b</Value></Tag></Tags></CreateBucketConfiguration>";
    for (condition, status) in [
        (json!({ "StringEquals": { "aws:RequestTag/a": "b" } }), 200),
        (json!({ "Null": { "aws:TagKeys": "true" } }), 403),
        // S-45: a bucket that is made, and a list of buckets, are of the caller's account.
        (json!({ "StringEquals": { "s3:ResourceAccount": A } }), 200),
        (json!({ "StringEquals": { "s3:ResourceAccount": B } }), 403),
    ] {
        allowed("s3:CreateBucket", condition.clone());
        let reply = cloud.s3_with(&user, "PUT", "/tagged-bucket", &[], create);
        assert_eq!(reply.status, status, "{condition}: {}", reply.text());
    }
    for (account, status) in [(A, 200), (B, 403)] {
        allowed(
            "s3:ListAllMyBuckets",
            json!({ "StringEquals": { "s3:ResourceAccount": account } }),
        );
        assert_eq!(cloud.s3(&user, "GET", "/").status, status);
    }
    // s3:x-amz-object-ownership is CreateBucket's.
    let ownership = [("x-amz-object-ownership", "BucketOwnerPreferred")];
    let present = json!({ "Null": { "s3:x-amz-object-ownership": "false" } });
    for (action, status) in [("s3:CreateBucket", 200), ("s3:PutBucketOwnershipControls", 403)] {
        allowed(action, present.clone());
        let reply = cloud.s3_with(&user, "PUT", "/owned-bucket", &ownership, "");
        assert_eq!(reply.status, status, "{action}: {}", reply.text());
    }
}
