//! Cases on which the two readings once disagreed and that were ruled for the services. Each test opens with its case.

use serde_json::{Value, json};

use crate::cloud::{A, Cloud, Keys, Reply, allow};

fn service(cloud: &Cloud, name: &str) -> Keys {
    cloud.credentials(&json!({ "service": {
        "name": name,
        "source_arn": "arn:aws:logs:us-east-1:111111111111:*",
        "source_account": A,
    } }))
}

/// Case: cloudtrail.amazonaws.com puts an object under SSE-KMS; the key policy allows that service and denies
/// everybody through S3. Ruling (svc:F-2): what S3 asks KMS for a service principal carries kms:ViaService and keeps
/// what belongs to the principal; it has no account to tell (svc:Q-6).
#[test]
fn kms_calls_for_service_principals_come_via_s3() {
    let name = "cloudtrail.amazonaws.com";
    let put = |condition: &Value, effect: &str| -> Reply {
        let cloud = Cloud::new();
        let kms_allow = |condition: &Value| json!({ "Effect": "Allow", "Principal": { "Service": name }, "Action": "kms:*", "Resource": "*", "Condition": condition });
        let extra = if effect == "Allow" {
            json!([kms_allow(condition)])
        } else {
            json!([
                kms_allow(&json!({})),
                { "Effect": "Deny", "Principal": "*", "Action": "kms:GenerateDataKey*", "Resource": "*", "Condition": condition },
            ])
        };
        let key = cloud.key(A, &extra);
        cloud.bucket(A, "bucket");
        cloud
            .bucket_policy(
                A,
                "bucket",
                &json!([{ "Effect": "Allow", "Principal": { "Service": name }, "Action": "s3:PutObject", "Resource": "arn:aws:s3:::bucket/*" }]),
            )
            .ok();
        let headers = [
            ("x-amz-server-side-encryption", "aws:kms"),
            ("x-amz-server-side-encryption-aws-kms-key-id", key.as_str()),
        ];
        cloud.s3_with(&service(&cloud, name), "PUT", "/bucket/k", &headers, "x")
    };
    for (condition, allows) in [
        (
            json!({ "StringEquals": { "kms:ViaService": "s3.us-east-1.amazonaws.com" } }),
            true,
        ),
        (
            json!({ "StringEquals": { "kms:ViaService": "s3.eu-west-1.amazonaws.com" } }),
            false,
        ),
        (json!({ "StringEquals": { "aws:PrincipalServiceName": name } }), true),
        (json!({ "Bool": { "aws:PrincipalIsAWSService": "true" } }), true),
        (json!({ "StringEquals": { "aws:SourceAccount": A } }), true),
        (
            json!({ "ArnLike": { "aws:SourceArn": "arn:aws:logs:us-east-1:111111111111:*" } }),
            true,
        ),
        (json!({ "Bool": { "aws:ViaAWSService": "true" } }), true),
        (json!({ "Null": { "kms:CallerAccount": "true" } }), true),
        (json!({ "Null": { "aws:SourceIp": "true" } }), true),
        (json!({ "Null": { "kms:ViaService": "true" } }), false),
    ] {
        assert_eq!(put(&condition, "Allow").status == 200, allows, "Allow {condition}");
        assert_eq!(put(&condition, "Deny").status == 200, !allows, "Deny {condition}");
    }
}

/// Case: a role that may s3:GetObject, s3:PutObject and s3:GetObjectTagging copies a tagged object without any tagging
/// header. Ruling (svc:§9.4): s3:PutObjectTagging is asked for only with `x-amz-tagging`; the tags of the source need
/// s3:GetObjectTagging, and only where they are taken over.
#[test]
fn copied_tags_do_not_ask_for_put_object_tagging() {
    let cloud = Cloud::new();
    let root = cloud.bucket(A, "bucket");
    cloud
        .s3_with(
            &root,
            "PUT",
            "/bucket/tagged",
            &[("x-amz-tagging", "Project=yarrow")],
            "",
        )
        .ok();
    cloud.s3_with(&root, "PUT", "/bucket/plain", &[], "").ok();
    let user = cloud.user(A, "u", &json!([]));
    let copy = |source: &str, headers: &[(&str, &str)]| {
        let mut headers = headers.to_vec();
        headers.push(("x-amz-copy-source", source));
        cloud.s3_with(&user, "PUT", "/bucket/copy", &headers, "").status
    };
    let replace = [("x-amz-tagging-directive", "REPLACE"), ("x-amz-tagging", "a=b")];
    let base = json!(["s3:GetObject", "s3:PutObject"]);
    let reading = json!(["s3:GetObject", "s3:PutObject", "s3:GetObjectTagging"]);
    let writing = json!(["s3:GetObject", "s3:PutObject", "s3:PutObjectTagging"]);
    for (actions, plain, tagged, emptied, replaced) in [
        (base, 200, 403, 200, 403),
        (reading, 200, 200, 200, 403),
        (writing, 200, 403, 200, 200),
    ] {
        cloud.user_policy(A, "u", &json!([allow(&actions, &json!("*"))]));
        assert_eq!(copy("bucket/plain", &[]), plain, "{actions}");
        assert_eq!(copy("bucket/tagged", &[]), tagged, "{actions}");
        assert_eq!(
            copy("bucket/tagged", &[("x-amz-tagging-directive", "REPLACE")]),
            emptied,
            "{actions}"
        );
        assert_eq!(copy("bucket/tagged", &replace), replaced, "{actions}");
    }
    cloud.user_policy(A, "u", &json!([allow(&json!("s3:*"), &json!("*"))]));
    assert_eq!(copy("bucket/tagged", &[]), 200);
    let tags = cloud.s3(&root, "GET", "/bucket/copy?tagging").ok();
    assert_eq!(tags.element("Value"), "yarrow", "the tags come along all the same");
    // The tags of the source are not the request's (svc:S-44).
    cloud.user_policy(
        A,
        "u",
        &json!([
            allow(&json!("s3:*"), &json!("*")),
            { "Effect": "Deny", "Action": "s3:*", "Resource": "*", "Condition": { "StringEquals": { "s3:RequestObjectTag/Project": "yarrow" } } },
        ]),
    );
    assert_eq!(copy("bucket/tagged", &[]), 200);
}

/// Case: a function whose role has an identity policy that allows kms:Decrypt from outside 127.0.0.0/8 and a boundary
/// that is silent about KMS starts cold. Ruling (iam:R-07): Lambda's runtime does not call from the invoker's address,
/// so the identity policy allows and the trail blames the boundary.
#[test]
fn the_runtime_of_lambda_is_held_back_by_the_boundary() {
    let cloud = Cloud::new();
    let key = cloud.key(A, &json!([]));
    let root = cloud.root(A);
    cloud.make_role(
        A,
        "analyst",
        &json!({ "Service": "lambda.amazonaws.com" }),
        &json!([{
            "Effect": "Allow", "Action": "kms:Decrypt", "Resource": key,
            "Condition": { "NotIpAddress": { "aws:SourceIp": "127.0.0.0/8" } },
        }]),
    );
    let boundary = crate::cloud::policy(&json!([allow(&json!("kms:ListKeys"), &json!("*"))]));
    cloud.iam(
        A,
        &[
            ("Action", "CreatePolicy"),
            ("PolicyName", "silent"),
            ("PolicyDocument", &boundary),
        ],
    );
    let function = json!({
        "FunctionName": "fn", "Role": format!("arn:aws:iam::{A}:role/analyst"), "Runtime": "nodejs22.x",
        "Handler": "index.handler", "Code": { "ZipFile": "UEsFBgAAAAAAAAAAAAAAAAAAAAAAAA==" },
        "KMSKeyArn": key, "Environment": { "Variables": { "STAGE": "x" } },
    });
    cloud
        .send(
            Some(&root),
            "lambda",
            crate::cloud::REGION,
            "POST",
            "/2015-03-31/functions",
            &[],
            function.to_string().into_bytes(),
        )
        .ok();
    let grants = cloud.kms(&root, "ListGrants", &json!({ "KeyId": key })).ok().json();
    let grant = grants["Grants"][0]["GrantId"].clone();
    cloud
        .kms(&root, "RevokeGrant", &json!({ "KeyId": key, "GrantId": grant }))
        .ok();
    let start = || {
        cloud.control(
            "arrange",
            &json!({ "function": { "account": A, "region": crate::cloud::REGION, "name": "fn", "cold": true } }),
        );
        cloud.send(
            Some(&root),
            "lambda",
            crate::cloud::REGION,
            "POST",
            "/2015-03-31/functions/fn/invocations",
            &[],
            b"{}".to_vec(),
        )
    };
    start().ok();
    cloud.iam(
        A,
        &[
            ("Action", "PutRolePermissionsBoundary"),
            ("RoleName", "analyst"),
            ("PermissionsBoundary", &format!("arn:aws:iam::{A}:policy/silent")),
        ],
    );
    let denied = start();
    assert_eq!(
        (denied.status, denied.header("x-amzn-errortype")),
        (502, "KMSAccessDeniedException")
    );
    let trail = cloud.trail();
    let event = trail.last().expect("the denied call is an event");
    assert_eq!(event["eventName"], "Decrypt");
    assert_eq!(
        event["errorMessage"],
        format!(
            "User: arn:aws:sts::{A}:assumed-role/analyst/fn is not authorized to perform: kms:Decrypt on resource: {key} because no permissions boundary allows the kms:Decrypt action"
        )
    );
    // Without the identity policy it is to blame first.
    cloud.iam(
        A,
        &[
            ("Action", "DeleteRolePolicy"),
            ("RoleName", "analyst"),
            ("PolicyName", "p"),
        ],
    );
    assert_eq!(start().status, 502);
    let message = cloud.trail().last().expect("an event")["errorMessage"].clone();
    assert!(
        message
            .as_str()
            .expect("a text")
            .contains("because no identity-based policy"),
        "{message}"
    );
}

/// Case: PutBucketPolicy with two statements of the same Sid, neither with a Principal. Ruling (iam:§1.10, errata
/// iam:E-20): what the document as a whole must be (unique Sids, E-04) is told before what a statement lacks.
#[test]
fn duplicate_sids_are_told_before_missing_principals() {
    let cloud = Cloud::new();
    cloud.bucket(A, "bucket");
    let statement = |sid: &str, effect: &str| json!({ "Sid": sid, "Effect": effect, "Action": "s3:GetObject", "Resource": "arn:aws:s3:::bucket/*" });
    let put = |second: &str| {
        let reply = cloud.bucket_policy(
            A,
            "bucket",
            &json!([statement("A", "Allow"), statement(second, "Deny")]),
        );
        assert_eq!(reply.error(), (400, "MalformedPolicy".to_owned()));
        reply.element("Message")
    };
    assert_eq!(put("A"), "The Statement Ids in the policy are not unique");
    assert_eq!(put("B"), "Missing required field Principal");
}

/// Case: documents that name another partition, and key policies with one Sid twice. Ruling (iam:E-09; recorded for key
/// policies): the first are refused wherever resources are looked at, the second are stored.
#[test]
fn partitions_and_sids_of_saved_policies() {
    let cloud = Cloud::new();
    cloud.bucket(A, "bucket");
    let reply = cloud.bucket_policy(
        A,
        "bucket",
        &json!([{ "Effect": "Deny", "Principal": "*", "Action": "s3:GetObject", "Resource": ["arn:aws:s3:::bucket/*", "arn:aws-cn:s3:::bucket/*"] }]),
    );
    assert_eq!(
        (reply.error(), reply.element("Message")),
        (
            (400, "MalformedPolicy".to_owned()),
            "Policy has invalid resource".to_owned()
        )
    );
    let statement = json!({ "Sid": "same", "Effect": "Deny", "Principal": "*", "Action": "kms:Sign", "Resource": "*" });
    let key = cloud.key(A, &json!([statement, statement]));
    let stored = cloud
        .kms(
            &cloud.root(A),
            "GetKeyPolicy",
            &json!({ "KeyId": key, "PolicyName": "default" }),
        )
        .ok()
        .json();
    let text = stored["Policy"].as_str().expect("a policy");
    assert_eq!(text.matches("same").count(), 2, "{text}");
}

/// Case: text that wants to hurt, as bucket policy, form field and tag document. Whatever it is, the answer is one of
/// S3's own and the next request is served.
#[test]
fn hostile_bodies_are_answered() {
    let cloud = Cloud::new();
    let root = cloud.bucket(A, "bucket");
    let deep = "[".repeat(100_000);
    let members = format!(
        r#"{{"Statement":[{{{}}}]}}"#,
        vec![r#""Effect":"Allow""#; 100_000].join(",")
    );
    let bodies: Vec<Vec<u8>> = vec![
        deep.clone().into_bytes(),
        format!(r#"{{"Version":"2012-10-17","Statement":{deep}"#).into_bytes(),
        members.into_bytes(),
        vec![b' '; 10 * 1024 * 1024],
        b"{\"Version\":\"2012-10-17\",\"Statement\":\"\xff\xfe\"}".to_vec(),
        vec![0xff; 1024],
        b"\0".to_vec(),
    ];
    for body in &bodies {
        let reply = cloud.s3_with(&root, "PUT", "/bucket?policy", &[], body);
        assert_eq!(
            reply.error(),
            (400, "MalformedPolicy".to_owned()),
            "{:.60}",
            reply.text()
        );
    }
    let nested = "<a>".repeat(100_000);
    for body in [
        nested.as_bytes(),
        b"<Tagging>\xff</Tagging>",
        b"<!DOCTYPE a [<!ENTITY b \"c\">]><Tagging>&b;</Tagging>",
    ] {
        let reply = cloud.s3_with(&root, "PUT", "/bucket?tagging", &[], body);
        assert_eq!(reply.error(), (400, "MalformedXML".to_owned()));
    }
    for body in [
        &b"\r\n"[..],
        b"--x",
        &b"\r".repeat(1024 * 1024),
        &b"\r\n--".repeat(200_000),
        b"--x\r\n\xff\r\n\r\n\r\n--x--",
    ] {
        let reply = cloud.s3_anonymous(
            "POST",
            "/bucket",
            &[("content-type", "multipart/form-data; boundary=x")],
            body,
        );
        assert_eq!(reply.error(), (400, "MalformedPOSTRequest".to_owned()));
    }
    assert_eq!(
        cloud.s3(&root, "GET", "/bucket?policy").error(),
        (404, "NoSuchBucketPolicy".to_owned())
    );
}

/// Case: `x-amz-expected-bucket-owner` is no account id. Ruling (svc:S-19): every operation on a bucket or object says so
/// with 400 before it looks at permissions; a well-formed id of somebody else stays AccessDenied.
#[test]
fn an_expected_bucket_owner_must_be_an_account_id() {
    let cloud = Cloud::new();
    let root = cloud.bucket(A, "bucket");
    cloud.s3_with(&root, "PUT", "/bucket/k", &[], "x").ok();
    let nobody = cloud.user(A, "nobody", &json!([]));
    let malformed = (400, "InvalidBucketOwnerAWSAccountID".to_owned());
    let denied = (403, "AccessDenied".to_owned());
    for (method, path) in [
        ("GET", "/bucket?policy"),
        ("PUT", "/bucket?policy"),
        ("GET", "/bucket?acl"),
        ("GET", "/bucket?versioning"),
        ("GET", "/bucket?tagging"),
        ("GET", "/bucket?object-lock"),
        ("GET", "/bucket?lifecycle"),
        ("GET", "/bucket?list-type=2"),
        ("DELETE", "/bucket"),
        ("GET", "/bucket/k"),
        ("PUT", "/bucket/k"),
        ("DELETE", "/bucket/k"),
        ("GET", "/bucket/k?tagging"),
        ("POST", "/bucket/k?uploads"),
    ] {
        let ask = |keys: &Keys, owner: &str| -> (u16, String) {
            let headers = [("x-amz-expected-bucket-owner", owner)];
            let body = if path == "/bucket?policy" { "{}" } else { "" };
            cloud.s3_with(keys, method, path, &headers, body).error()
        };
        for owner in ["", "me", "1111111111111", "11111111111a"] {
            assert_eq!(ask(&root, owner), malformed, "{method} {path} {owner}");
            assert_eq!(ask(&nobody, owner), malformed, "{method} {path} {owner}");
        }
        assert_eq!(ask(&root, "222222222222"), denied, "{method} {path}");
        assert_eq!(ask(&nobody, A), denied, "{method} {path}");
    }
    let head = cloud.s3_with(&root, "HEAD", "/bucket", &[("x-amz-expected-bucket-owner", "me")], "");
    assert_eq!(head.status, 400);
    let copy = [
        ("x-amz-copy-source", "bucket/k"),
        ("x-amz-source-expected-bucket-owner", "me"),
    ];
    assert_eq!(
        cloud.s3_with(&root, "PUT", "/bucket/copy", &copy, "").error(),
        malformed
    );
}
