//! Object Lock and archived objects: what keeps bytes from being removed, and what keeps them from being read.

use crate::cloud::{A, Cloud, Keys, allow};
use serde_json::json;

fn world() -> Cloud {
    let cloud = Cloud::new();
    let root = cloud.bucket(A, "bucket");
    cloud.s3_with(&root, "PUT", "/bucket/k", &[], "body").ok();
    cloud
}

fn versioned(cloud: &Cloud) {
    let body = "<VersioningConfiguration><Status>Enabled</Status></VersioningConfiguration>";
    cloud
        .s3_with(&cloud.root(A), "PUT", "/bucket?versioning", &[], body)
        .ok();
}

/// Retention and legal hold: who may set them, what they prevent, who may override which.
#[test]
fn object_lock() {
    let cloud = world();
    let root = cloud.root(A);
    let retain = |mode: &'static str, until: &'static str| {
        [
            ("x-amz-object-lock-mode", mode),
            ("x-amz-object-lock-retain-until-date", until),
        ]
    };
    let governed = retain("GOVERNANCE", "2025-02-08T00:00:00Z");
    let refused = cloud.s3_with(&root, "PUT", "/bucket/l", &governed, "x");
    assert_eq!(
        (refused.error(), refused.element("Message")),
        (
            (400, "InvalidRequest".to_owned()),
            "Bucket is missing Object Lock Configuration".to_owned()
        )
    );
    // Making a locked bucket takes three permissions.
    let user = cloud.user(A, "u", &json!([]));
    let enabled = [("x-amz-bucket-object-lock-enabled", "true")];
    let but = |action: &str| {
        cloud.user_policy(
            A,
            "u",
            &json!([{ "Effect": "Allow", "NotAction": action, "Resource": "*" }]),
        );
    };
    for action in [
        "s3:CreateBucket",
        "s3:PutBucketObjectLockConfiguration",
        "s3:PutBucketVersioning",
    ] {
        but(action);
        assert_eq!(
            cloud.s3_with(&user, "PUT", "/locked", &enabled, "").status,
            403,
            "{action}"
        );
    }
    but("s3:None");
    cloud.s3_with(&user, "PUT", "/locked", &enabled, "").ok();
    assert_eq!(
        cloud.s3(&root, "GET", "/locked?versioning").element("Status"),
        "Enabled"
    );
    assert_eq!(
        cloud
            .s3(&root, "GET", "/locked?object-lock")
            .element("ObjectLockEnabled"),
        "Enabled"
    );
    assert_eq!(
        cloud.s3(&root, "GET", "/bucket?object-lock").error(),
        (404, "ObjectLockConfigurationNotFoundError".to_owned())
    );
    let suspended = "<VersioningConfiguration><Status>Suspended</Status></VersioningConfiguration>";
    assert_eq!(
        cloud
            .s3_with(&root, "PUT", "/locked?versioning", &[], suspended)
            .error(),
        (409, "InvalidBucketState".to_owned())
    );
    // A put with retention and hold takes their permissions too.
    let held = [governed[0], governed[1], ("x-amz-object-lock-legal-hold", "ON")];
    for action in ["s3:PutObjectRetention", "s3:PutObjectLegalHold"] {
        but(action);
        let denied = cloud.s3_with(&user, "PUT", "/locked/k", &held, "x");
        assert!(denied.element("Message").contains(action), "{}", denied.text());
    }
    but("s3:GetObjectRetention");
    let put = cloud.s3_with(&user, "PUT", "/locked/k", &held, "x").ok();
    let version = put.header("x-amz-version-id").to_owned();
    let path = format!("/locked/k?versionId={version}");
    let seen = cloud.s3(&user, "GET", "/locked/k").ok();
    assert_eq!(
        (
            seen.header("x-amz-object-lock-mode"),
            seen.header("x-amz-object-lock-legal-hold")
        ),
        ("", "ON"),
        "retention is told to those who may see it"
    );
    let seen = cloud.s3(&root, "HEAD", "/locked/k").ok();
    assert_eq!(seen.header("x-amz-object-lock-mode"), "GOVERNANCE");
    // The hold stops everybody, the retention those who may not or do not override it.
    let bypass = [("x-amz-bypass-governance-retention", "true")];
    let denied = cloud.s3_with(&root, "DELETE", &path, &bypass, "");
    assert_eq!(denied.error(), (403, "AccessDenied".to_owned()));
    assert!(denied.element("Message").contains("object lock"));
    // Where nobody spoke of a hold there is none to tell of.
    cloud.s3_with(&root, "PUT", "/locked/free", &[], "x").ok();
    assert_eq!(
        cloud.s3(&root, "GET", "/locked/free?legal-hold").error(),
        (404, "NoSuchObjectLockConfiguration".to_owned())
    );
    let off = "<LegalHold><Status>OFF</Status></LegalHold>";
    cloud
        .s3_with(&root, "PUT", &path.replace('?', "?legal-hold&"), &[], off)
        .ok();
    assert_eq!(cloud.s3(&root, "GET", "/locked/k?legal-hold").element("Status"), "OFF");
    assert_eq!(cloud.s3(&root, "DELETE", &path).status, 403);
    let bulk = format!("<Delete><Object><Key>k</Key><VersionId>{version}</VersionId></Object></Delete>");
    let reply = cloud.s3_with(&root, "POST", "/locked?delete", &[], &bulk).ok();
    assert_eq!(reply.element("Code"), "AccessDenied", "{}", reply.text());
    but("s3:BypassGovernanceRetention");
    assert_eq!(cloud.s3_with(&user, "DELETE", &path, &bypass, "").status, 403);
    // Prolonging is free, lowering is not; compliance is for good.
    let retention = |mode: &str, until: &str| {
        format!("<Retention><Mode>{mode}</Mode><RetainUntilDate>{until}</RetainUntilDate></Retention>")
    };
    let set =
        |body: &str, headers: &[(&str, &str)]| cloud.s3_with(&user, "PUT", "/locked/k?retention", headers, body).status;
    assert_eq!(set(&retention("GOVERNANCE", "2025-03-08T00:00:00Z"), &[]), 200);
    let shorter = retention("GOVERNANCE", "2025-02-01T00:00:00Z");
    assert_eq!(set(&shorter, &[]), 403);
    assert_eq!(set(&shorter, &bypass), 403);
    but("s3:None");
    assert_eq!(set(&shorter, &bypass), 200);
    assert_eq!(set(&retention("COMPLIANCE", "2025-02-01T00:00:00Z"), &[]), 200);
    assert_eq!(set(&shorter, &bypass), 403);
    assert_eq!(cloud.s3_with(&root, "DELETE", &path, &bypass, "").status, 403);
    assert_eq!(
        cloud.s3(&root, "GET", "/locked/k?retention").element("Mode"),
        "COMPLIANCE"
    );
    // A marker is no removal; and time goes by.
    cloud.s3(&root, "DELETE", "/locked/k").ok();
    cloud.case(&json!({ "clock": "2025-02-01T00:00:01Z" }));
    assert_eq!(cloud.send_at("20250201T000001Z", &root, "DELETE", &path).status, 204);
}

/// The default of the bucket, and the condition keys.
#[test]
fn object_lock_defaults_and_conditions() {
    let cloud = world();
    let root = cloud.root(A);
    let configuration = |period: &str| {
        format!(
            "<ObjectLockConfiguration><ObjectLockEnabled>Enabled</ObjectLockEnabled><Rule><DefaultRetention><Mode>COMPLIANCE</Mode>{period}</DefaultRetention></Rule></ObjectLockConfiguration>"
        )
    };
    let set = |body: String| cloud.s3_with(&root, "PUT", "/bucket?object-lock", &[], body);
    assert_eq!(
        set(configuration("<Days>3</Days>")).error(),
        (409, "InvalidBucketState".to_owned())
    );
    versioned(&cloud);
    for period in [
        "",
        "<Days>0</Days>",
        "<Days>1</Days><Years>1</Years>",
        "<Years>101</Years>",
    ] {
        assert_eq!(
            set(configuration(period)).error(),
            (400, "MalformedXML".to_owned()),
            "{period}"
        );
    }
    set(configuration("<Days>3</Days>")).ok();
    assert_eq!(
        cloud.s3(&root, "GET", "/bucket/k?retention").status,
        404,
        "older objects have none"
    );
    cloud.s3_with(&root, "PUT", "/bucket/n", &[], "x").ok();
    let reply = cloud.s3(&root, "GET", "/bucket/n?retention").ok();
    assert_eq!(reply.element("RetainUntilDate"), "2025-01-11T00:00:00.000Z");
    let user = cloud.user(
        A,
        "u",
        &json!([
            allow(&json!("s3:*"), &json!("*")),
            {
                "Effect": "Deny", "Action": ["s3:PutObject", "s3:PutObjectRetention"], "Resource": "*",
                "Condition": { "NumericGreaterThan": { "s3:object-lock-remaining-retention-days": "10" } },
            },
            {
                "Effect": "Deny", "Action": "s3:PutObjectLegalHold", "Resource": "*",
                "Condition": { "StringEquals": { "s3:object-lock-legal-hold": "OFF" } },
            },
        ]),
    );
    for (until, expected) in [("2025-01-18T00:00:00Z", 200), ("2025-01-19T00:00:00Z", 403)] {
        let headers = [
            ("x-amz-object-lock-mode", "GOVERNANCE"),
            ("x-amz-object-lock-retain-until-date", until),
        ];
        assert_eq!(cloud.s3_with(&user, "PUT", "/bucket/c", &headers, "x").status, expected);
        let body = format!("<Retention><Mode>COMPLIANCE</Mode><RetainUntilDate>{until}</RetainUntilDate></Retention>");
        assert_eq!(
            cloud.s3_with(&user, "PUT", "/bucket/c?retention", &[], body).status,
            expected
        );
    }
    for (status, expected) in [("ON", 200), ("OFF", 403)] {
        let body = format!("<LegalHold><Status>{status}</Status></LegalHold>");
        assert_eq!(
            cloud.s3_with(&user, "PUT", "/bucket/c?legal-hold", &[], body).status,
            expected
        );
    }
}

/// Archived bytes are out of reach until they are restored; no KMS call is made for either answer.
#[test]
fn archived_objects() {
    let cloud = world();
    let root = cloud.root(A);
    let key = cloud.key(A, &json!([]));
    let headers = [
        ("x-amz-storage-class", "GLACIER"),
        ("x-amz-server-side-encryption", "aws:kms"),
        ("x-amz-server-side-encryption-aws-kms-key-id", key.as_str()),
    ];
    cloud.s3_with(&root, "PUT", "/bucket/a", &headers, "cold").ok();
    let before = cloud.trail().len();
    assert_eq!(
        cloud.s3(&root, "GET", "/bucket/a").error(),
        (403, "InvalidObjectState".to_owned())
    );
    let copy = [("x-amz-copy-source", "bucket/a")];
    assert_eq!(cloud.s3_with(&root, "PUT", "/bucket/b", &copy, "").status, 403);
    cloud.s3(&root, "HEAD", "/bucket/a").ok();
    let user = cloud.user(
        A,
        "u",
        &json!([{ "Effect": "Allow", "NotAction": "s3:RestoreObject", "Resource": "*" }]),
    );
    let body =
        "<RestoreRequest><Days>2</Days><GlacierJobParameters><Tier>Bulk</Tier></GlacierJobParameters></RestoreRequest>";
    let restore = |who: &Keys, path: &str| cloud.s3_with(who, "POST", path, &[], body);
    assert_eq!(
        restore(&user, "/bucket/a?restore").error(),
        (403, "AccessDenied".to_owned())
    );
    assert_eq!(
        restore(&root, "/bucket/k?restore").error(),
        (403, "InvalidObjectState".to_owned())
    );
    assert_eq!(restore(&root, "/bucket/a?restore").status, 202);
    assert_eq!(restore(&root, "/bucket/a?restore").status, 200);
    assert_eq!(cloud.trail().len(), before);
    assert_eq!(
        cloud.s3(&root, "HEAD", "/bucket/a").header("x-amz-restore"),
        "ongoing-request=\"false\", expiry-date=\"Fri, 10 Jan 2025 00:00:00 GMT\""
    );
    assert_eq!(cloud.s3(&root, "GET", "/bucket/a").ok().text(), "cold");
    assert_eq!(cloud.kms_calls_since(before), ["Decrypt"]);
}
