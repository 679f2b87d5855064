//! Bucket settings that are only kept, tags of buckets, and what else a bucket's owner says about its use.

use crate::cloud::{A, B, Cloud, Keys, admin, allow};
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

type DocumentRow = (&'static str, &'static str, [&'static str; 3], (u16, &'static str));

/// Sub-resource, document, permission to put, get and delete, and what a bucket without it answers.
const DOCUMENTS: &[DocumentRow] = &[
    (
        "cors",
        "<CORSConfiguration><CORSRule><AllowedMethod>GET</AllowedMethod><AllowedOrigin>*</AllowedOrigin></CORSRule></CORSConfiguration>",
        ["s3:PutBucketCORS", "s3:GetBucketCORS", "s3:PutBucketCORS"],
        (404, "NoSuchCORSConfiguration"),
    ),
    (
        "lifecycle",
        "<LifecycleConfiguration><Rule><ID>r</ID><Status>Enabled</Status><Filter><Prefix>a</Prefix></Filter><Expiration><Days>1</Days></Expiration></Rule></LifecycleConfiguration>",
        [
            "s3:PutLifecycleConfiguration",
            "s3:GetLifecycleConfiguration",
            "s3:PutLifecycleConfiguration",
        ],
        (404, "NoSuchLifecycleConfiguration"),
    ),
    (
        "website",
        "<WebsiteConfiguration><IndexDocument><Suffix>index.html</Suffix></IndexDocument></WebsiteConfiguration>",
        ["s3:PutBucketWebsite", "s3:GetBucketWebsite", "s3:DeleteBucketWebsite"],
        (404, "NoSuchWebsiteConfiguration"),
    ),
    (
        "logging",
        "<BucketLoggingStatus><LoggingEnabled><TargetBucket>bucket</TargetBucket><TargetPrefix>l</TargetPrefix></LoggingEnabled></BucketLoggingStatus>",
        ["s3:PutBucketLogging", "s3:GetBucketLogging", ""],
        (200, ""),
    ),
    (
        "notification",
        "<NotificationConfiguration><EventBridgeConfiguration></EventBridgeConfiguration></NotificationConfiguration>",
        ["s3:PutBucketNotification", "s3:GetBucketNotification", ""],
        (200, ""),
    ),
    (
        "accelerate",
        "<AccelerateConfiguration><Status>Suspended</Status></AccelerateConfiguration>",
        ["s3:PutAccelerateConfiguration", "s3:GetAccelerateConfiguration", ""],
        (200, ""),
    ),
    (
        "metrics&id=m",
        "<MetricsConfiguration><Id>m</Id></MetricsConfiguration>",
        [
            "s3:PutMetricsConfiguration",
            "s3:GetMetricsConfiguration",
            "s3:PutMetricsConfiguration",
        ],
        (404, "NoSuchConfiguration"),
    ),
    (
        "analytics&id=a",
        "<AnalyticsConfiguration><Id>a</Id><StorageClassAnalysis></StorageClassAnalysis></AnalyticsConfiguration>",
        [
            "s3:PutAnalyticsConfiguration",
            "s3:GetAnalyticsConfiguration",
            "s3:PutAnalyticsConfiguration",
        ],
        (404, "NoSuchConfiguration"),
    ),
    (
        "intelligent-tiering&id=t",
        "<IntelligentTieringConfiguration><Id>t</Id><Status>Enabled</Status><Tiering><Days>90</Days><AccessTier>ARCHIVE_ACCESS</AccessTier></Tiering></IntelligentTieringConfiguration>",
        [
            "s3:PutIntelligentTieringConfiguration",
            "s3:GetIntelligentTieringConfiguration",
            "s3:PutIntelligentTieringConfiguration",
        ],
        (404, "NoSuchConfiguration"),
    ),
    (
        "inventory&id=i",
        "<InventoryConfiguration><Destination><S3BucketDestination><Format>CSV</Format></S3BucketDestination></Destination><IsEnabled>true</IsEnabled><Id>i</Id><IncludedObjectVersions>All</IncludedObjectVersions><Schedule><Frequency>Daily</Frequency></Schedule></InventoryConfiguration>",
        [
            "s3:PutInventoryConfiguration",
            "s3:GetInventoryConfiguration",
            "s3:PutInventoryConfiguration",
        ],
        (404, "NoSuchConfiguration"),
    ),
];

/// Every document is kept as it is, and each deed asks for its own permission and for no other.
#[test]
fn documents() {
    let cloud = world();
    let user = cloud.user(A, "u", &json!([]));
    let may = |action: &str, yes: bool| {
        let name = if yes { "Action" } else { "NotAction" };
        cloud.user_policy(A, "u", &json!([{ "Effect": "Allow", name: action, "Resource": "*" }]));
    };
    for (query, body, [put, get, delete], absent) in DOCUMENTS {
        let path = format!("/bucket?{query}");
        for (method, action) in [("PUT", put), ("GET", get), ("DELETE", delete)] {
            if action.is_empty() {
                assert_eq!(
                    cloud.s3(&user, method, &path).error(),
                    (405, "MethodNotAllowed".to_owned())
                );
                continue;
            }
            may(action, false);
            let denied = cloud.s3_with(&user, method, &path, &[], body);
            assert_eq!(denied.error(), (403, "AccessDenied".to_owned()), "{method} {path}");
            assert!(
                denied.element("Message").contains(&format!("perform: {action} on")),
                "{method} {path}: {}",
                denied.text()
            );
            may(action, true);
            match method {
                "GET" => {
                    let text = cloud.s3(&user, method, &path).ok().text();
                    let inner = body.split_once('>').map_or(*body, |(_, inner)| inner);
                    assert!(text.ends_with(inner), "{path}: {text}");
                }
                _ => {
                    let body = if method == "PUT" { body } else { "" };
                    cloud.s3_with(&user, method, &path, &[], body).ok();
                }
            }
        }
        if !delete.is_empty() {
            may(get, true);
            let gone = cloud.s3(&user, "GET", &path);
            assert_eq!(gone.error(), (absent.0, absent.1.to_owned()), "{path}");
        }
        let malformed = cloud.s3_with(&cloud.root(A), "PUT", &path, &[], "<Other/>");
        assert_eq!(malformed.error(), (400, "MalformedXML".to_owned()), "{path}");
    }
    let root = cloud.root(A);
    for id in ["b", "a"] {
        let body = format!("<MetricsConfiguration><Id>{id}</Id></MetricsConfiguration>");
        cloud
            .s3_with(&root, "PUT", &format!("/bucket?metrics&id={id}"), &[], body)
            .ok();
    }
    let list = cloud.s3(&root, "GET", "/bucket?metrics").ok().text();
    assert!(
        list.contains("<Id>a</Id></MetricsConfiguration><MetricsConfiguration><Id>b</Id>"),
        "{list}"
    );
    assert_eq!(cloud.s3(&root, "DELETE", "/bucket?metrics&id=c").status, 404);
    // Buckets of another world have none of it.
    cloud.bucket(B, "other");
    assert_eq!(cloud.s3(&cloud.root(B), "GET", "/other?cors").status, 404);
}

/// PutBucketReplication hands S3 a role, and needs versions.
#[test]
fn replication_passes_a_role() {
    let cloud = world();
    cloud.make_role(A, "replica", &json!({ "Service": "s3.amazonaws.com" }), &json!([]));
    let arn = format!("arn:aws:iam::{A}:role/replica");
    let body = format!(
        "<ReplicationConfiguration><Role>{arn}</Role><Rule><Status>Enabled</Status><Destination><Bucket>arn:aws:s3:::bucket</Bucket></Destination></Rule></ReplicationConfiguration>"
    );
    let user = cloud.user(A, "u", &json!([allow(&json!("s3:*"), &json!("*"))]));
    let put = |who: &Keys| cloud.s3_with(who, "PUT", "/bucket?replication", &[], &body);
    assert_eq!(put(&user).error(), (400, "InvalidRequest".to_owned()));
    versioned(&cloud);
    let denied = put(&user);
    assert!(denied.element("Message").contains("iam:PassRole"), "{}", denied.text());
    let pass = json!({
        "Effect": "Allow", "Action": "iam:PassRole", "Resource": arn,
        "Condition": { "StringEquals": { "iam:PassedToService": "s3.amazonaws.com" } },
    });
    cloud.user_policy(A, "u", &json!([allow(&json!("s3:*"), &json!("*")), pass]));
    put(&user).ok();
    cloud.s3(&user, "GET", "/bucket?replication").ok();
}

/// svc:S-9: the requester who pays is told so.
#[test]
fn requesters_who_pay_are_told() {
    let cloud = world();
    let body = "<RequestPaymentConfiguration><Payer>Requester</Payer></RequestPaymentConfiguration>";
    cloud
        .s3_with(&cloud.root(A), "PUT", "/bucket?requestPayment", &[], body)
        .ok();
    let bucket = json!([{ "Effect": "Allow", "Principal": { "AWS": B }, "Action": "s3:GetObject", "Resource": "arn:aws:s3:::bucket/*" }]);
    cloud.bucket_policy(A, "bucket", &bucket).ok();
    let reader = cloud.user(B, "reader", &admin());
    assert_eq!(cloud.s3(&reader, "GET", "/bucket/k").status, 403);
    let payer = [("x-amz-request-payer", "requester")];
    let reply = cloud.s3_with(&reader, "GET", "/bucket/k", &payer, "").ok();
    assert_eq!(reply.header("x-amz-request-charged"), "requester");
    let reply = cloud.s3(&cloud.root(A), "GET", "/bucket/k").ok();
    assert_eq!(reply.header("x-amz-request-charged"), "");
}

/// Tags of buckets: at creation, by TagResource, and as attributes once the owner says so.
#[test]
fn bucket_tags_and_attributes() {
    let cloud = world();
    let root = cloud.root(A);
    let user = cloud.user(A, "u", &json!([]));
    let body = "<CreateBucketConfiguration><Tags><Tag><Key>team</Key><Value>red</Value></Tag></Tags></CreateBucketConfiguration>";
    let create = || cloud.s3_with(&user, "PUT", "/tagged", &[], body);
    let requested = |value: &str| {
        json!([{
            "Effect": "Allow", "Action": ["s3:CreateBucket", "s3:TagResource"], "Resource": "*",
            "Condition": { "StringEquals": { "aws:RequestTag/team": value }, "ForAllValues:StringEquals": { "aws:TagKeys": ["team"] } },
        }])
    };
    cloud.user_policy(A, "u", &json!([allow(&json!("s3:CreateBucket"), &json!("*"))]));
    let denied = create();
    assert!(
        denied.element("Message").contains("s3:TagResource"),
        "{}",
        denied.text()
    );
    cloud.user_policy(A, "u", &requested("blue"));
    assert_eq!(create().status, 403);
    cloud.user_policy(A, "u", &requested("red"));
    create().ok();
    assert_eq!(cloud.s3(&root, "GET", "/tagged?tagging").element("Value"), "red");
    // S3 Control.
    let control = [("x-amz-account-id", A)];
    let path = "/v20180820/tags/arn%3Aaws%3As3%3A%3A%3Atagged";
    let tag = "<TagResourceRequest xmlns=\"http://awss3control.amazonaws.com/doc/2018-08-20/\"><Tags><Tag><Key>stage</Key><Value>x</Value></Tag></Tags></TagResourceRequest>";
    for (method, path, body, action) in [
        ("POST", path.to_owned(), tag, "s3:TagResource"),
        ("GET", path.to_owned(), "", "s3:ListTagsForResource"),
        ("DELETE", format!("{path}?tagKeys=stage"), "", "s3:UntagResource"),
    ] {
        cloud.user_policy(
            A,
            "u",
            &json!([{ "Effect": "Allow", "NotAction": action, "Resource": "*" }]),
        );
        assert_eq!(
            cloud.s3_with(&user, method, &path, &control, body).status,
            403,
            "{action}"
        );
        cloud.user_policy(A, "u", &json!([allow(&json!(action), &json!("arn:aws:s3:::tagged"))]));
        let reply = cloud.s3_with(&user, method, &path, &control, body).ok();
        if method == "GET" {
            assert!(reply.text().contains("<Key>stage</Key>"), "{}", reply.text());
        }
    }
    assert_eq!(
        cloud
            .s3_with(
                &root,
                "GET",
                "/v20180820/tags/arn%3Aaws%3As3%3A%3A%3Atagged/k",
                &control,
                ""
            )
            .error(),
        (400, "InvalidRequest".to_owned())
    );
    // aws:ResourceTag counts only where the owner has switched it on.
    let attributes = json!([{
        "Effect": "Allow", "Action": "s3:ListBucket", "Resource": "*",
        "Condition": { "StringEquals": { "aws:ResourceTag/team": "red" } },
    }]);
    cloud.user_policy(A, "u", &attributes);
    assert_eq!(cloud.s3(&user, "GET", "/tagged").status, 403);
    assert_eq!(cloud.s3(&root, "GET", "/tagged?abac").element("Status"), "Disabled");
    cloud
        .s3_with(
            &root,
            "PUT",
            "/tagged?abac",
            &[],
            "<AbacStatus><Status>Enabled</Status></AbacStatus>",
        )
        .ok();
    assert_eq!(cloud.s3(&user, "GET", "/tagged").status, 200);
    assert_eq!(cloud.s3(&user, "GET", "/bucket").status, 403);
}

/// What a body asks for can be forbidden by name.
#[test]
fn inventory_fields_are_condition_values() {
    let cloud = world();
    let user = cloud.user(
        A,
        "u",
        &json!([{
            "Effect": "Allow", "Action": "s3:PutInventoryConfiguration", "Resource": "*",
            "Condition": { "ForAllValues:StringEquals": { "s3:InventoryAccessibleOptionalFields": ["Size"] } },
        }]),
    );
    for (fields, expected) in [
        ("<Field>Size</Field>", 200),
        ("<Field>Size</Field><Field>ETag</Field>", 403),
    ] {
        let body = format!(
            "<InventoryConfiguration><Destination/><IsEnabled>true</IsEnabled><Id>i</Id><IncludedObjectVersions>All</IncludedObjectVersions><OptionalFields>{fields}</OptionalFields><Schedule/></InventoryConfiguration>"
        );
        let reply = cloud.s3_with(&user, "PUT", "/bucket?inventory&id=i", &[], body);
        assert_eq!(reply.status, expected, "{fields}: {}", reply.text());
    }
}

/// Entity tags in a bulk deletion, and pages of parts.
#[test]
fn conditional_bulk_deletion() {
    let cloud = world();
    let root = cloud.root(A);
    let etag = cloud.s3(&root, "HEAD", "/bucket/k").header("etag").to_owned();
    for (etag, code) in [("\"0\"", "PreconditionFailed"), (etag.as_str(), "")] {
        let body = format!("<Delete><Object><Key>k</Key><ETag>{etag}</ETag></Object></Delete>");
        let reply = cloud.s3_with(&root, "POST", "/bucket?delete", &[], body).ok();
        assert_eq!(reply.element("Code"), code, "{}", reply.text());
    }
    assert_eq!(cloud.s3(&root, "GET", "/bucket/k").status, 404);
}

/// A new bucket has all of Block Public Access on, so its first ACL cannot be public (create-bucket-faq of the user guide).
#[test]
fn new_buckets_take_no_public_acl() {
    let cloud = world();
    let root = cloud.root(A);
    let create = |acl: &str, ownership: &str| {
        let headers = [("x-amz-acl", acl), ("x-amz-object-ownership", ownership)];
        cloud.s3_with(&root, "PUT", "/brand-new", &headers, "").error()
    };
    for acl in ["public-read", "authenticated-read"] {
        assert_eq!(
            create(acl, "ObjectWriter"),
            (400, "InvalidBucketAclWithBlockPublicAccessError".to_owned()),
            "{acl}"
        );
        assert_eq!(
            create(acl, "BucketOwnerEnforced"),
            (400, "InvalidBucketAclWithObjectOwnership".to_owned()),
            "{acl}"
        );
    }
    assert_eq!(create("private", "ObjectWriter").0, 200);
}
