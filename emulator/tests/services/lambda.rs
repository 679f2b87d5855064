//! Lambda environment variables: seed 003 (svc:14.4) and svc:11.1.

use crate::cloud::{A, Cloud, Keys, REGION, admin, allow};
use serde_json::{Value, json};

const FUNCTIONS: &str = "/2015-03-31/functions";

fn lambda(cloud: &Cloud, who: &Keys, method: &'static str, path: &str, body: &Value) -> crate::cloud::Reply {
    let body = if body.is_null() {
        String::new()
    } else {
        body.to_string()
    };
    cloud.send(
        Some(who),
        "lambda",
        REGION,
        method,
        &format!("{FUNCTIONS}{path}"),
        &[],
        body.into_bytes(),
    )
}

fn create(cloud: &Cloud, who: &Keys, name: &str, role: &str) -> crate::cloud::Reply {
    let body = json!({
        "FunctionName": name,
        "Role": format!("arn:aws:iam::{A}:role/{role}"),
        "Runtime": "python3.12",
        "Handler": "index.handler",
        "Code": { "ZipFile": "UEsFBgAAAAAAAAAAAAAAAAAAAAAAAA==" },
    });
    lambda(cloud, who, "POST", "", &body)
}

fn configure(cloud: &Cloud, who: &Keys, name: &str, key: &str) -> crate::cloud::Reply {
    let body = json!({ "KMSKeyArn": key, "Environment": { "Variables": { "SECRET": "value" } } });
    lambda(cloud, who, "PUT", &format!("/{name}/configuration"), &body)
}

fn invoke(cloud: &Cloud, who: &Keys, name: &str) -> crate::cloud::Reply {
    lambda(cloud, who, "POST", &format!("/{name}/invocations"), &Value::Null)
}

fn cold(cloud: &Cloud, name: &str) {
    cloud.control(
        "arrange",
        &json!({ "function": { "account": A, "region": REGION, "name": name, "cold": true } }),
    );
}

fn grants(cloud: &Cloud, who: &Keys, key: &str) -> Vec<Value> {
    let listed = cloud.kms(who, "ListGrants", &json!({ "KeyId": key })).ok().json();
    listed["Grants"].as_array().expect("a list").clone()
}

fn without_space(text: &str) -> String {
    text.split_whitespace().collect()
}

/// Admin is the key administrator of the console default policy (KP-console).
fn world() -> (Cloud, Keys, String) {
    let cloud = Cloud::new();
    let logs = json!([allow(&json!("logs:*"), &json!("*"))]);
    cloud.make_role(A, "R", &json!({ "Service": "lambda.amazonaws.com" }), &logs);
    let admin = cloud.role(A, "Admin", "me", &admin());
    let key = cloud.key(
        A,
        &json!([{
            "Effect": "Allow",
            "Principal": { "AWS": format!("arn:aws:iam::{A}:role/Admin") },
            "Action": ["kms:Create*", "kms:Describe*", "kms:Enable*", "kms:List*", "kms:Put*", "kms:Update*", "kms:Revoke*", "kms:Disable*", "kms:Get*", "kms:Delete*", "kms:TagResource", "kms:UntagResource", "kms:ScheduleKeyDeletion", "kms:CancelKeyDeletion"],
            "Resource": "*",
        }]),
    );
    create(&cloud, &admin, "fn", "R").ok();
    (cloud, admin, key)
}

/// svc:14.4.
#[test]
fn seed_003() {
    let (cloud, admin, key) = world();
    cloud.case(&json!({ "as_of": "2022-06-01" }));
    assert!(grants(&cloud, &admin, &key).is_empty());
    let before = cloud.trail().len();
    let configured = configure(&cloud, &admin, "fn", &key).ok().json();
    assert_eq!(configured["Environment"]["Variables"]["SECRET"], "value");
    assert_eq!(cloud.kms_calls_since(before), ["Encrypt", "CreateGrant"]);
    let listed = grants(&cloud, &admin, &key);
    assert_eq!(listed.len(), 1);
    let grant = &listed[0];
    assert_eq!(grant["GranteePrincipal"], format!("arn:aws:sts::{A}:assumed-role/R/fn"));
    assert_eq!(grant["RetiringPrincipal"], "lambda.us-east-1.amazonaws.com");
    assert_eq!(grant["Operations"], json!(["Decrypt", "RetireGrant"]));
    assert_eq!(grant["IssuingAccount"], format!("arn:aws:iam::{A}:root"));
    assert!(grant["Name"].as_str().expect("a name").starts_with("fn/"));
    let function_arn = format!("arn:aws:lambda:{REGION}:{A}:function:fn");
    assert_eq!(
        grant["Constraints"],
        json!({ "EncryptionContextEquals": { "aws:lambda:FunctionArn": function_arn } })
    );
    // 4
    let before = cloud.trail().len();
    let reply = invoke(&cloud, &admin, "fn").ok();
    assert_eq!(reply.json(), json!({ "statusCode": 200 }));
    let event = cloud.trail()[before].clone();
    assert_eq!(
        event["userIdentity"]["arn"],
        format!("arn:aws:sts::{A}:assumed-role/R/fn")
    );
    assert_eq!(
        event["requestParameters"]["encryptionContext"],
        json!({ "aws:lambda:FunctionArn": function_arn })
    );
    // 5 … 7, 13
    cloud
        .kms(
            &admin,
            "RetireGrant",
            &json!({ "KeyId": key, "GrantId": grant["GrantId"] }),
        )
        .ok();
    assert!(grants(&cloud, &admin, &key).is_empty());
    let before = cloud.trail().len();
    invoke(&cloud, &admin, "fn").ok();
    assert_eq!(cloud.trail().len(), before, "a warm environment asks nobody");
    cold(&cloud, "fn");
    let reply = invoke(&cloud, &admin, "fn");
    assert_eq!(
        (reply.status, reply.header("x-amzn-errortype")),
        (502, "KMSAccessDeniedException")
    );
    assert_eq!(
        without_space(reply.json()["Message"].as_str().expect("a message")),
        without_space(
            "Lambda was unable to decrypt the environment variables because KMS access was denied. Please check the function's KMS key settings. KMS Exception: AccessDeniedException KMS Message: The ciphertext refers to a customer master key that does not exist, does not exist in this region, or you are not allowed to access."
        )
    );
    // 10
    let document = crate::cloud::policy(&json!([allow(&json!("kms:Decrypt"), &json!(key))]));
    cloud.iam(
        A,
        &[
            ("Action", "PutRolePolicy"),
            ("RoleName", "R"),
            ("PolicyName", "p"),
            ("PolicyDocument", &document),
        ],
    );
    invoke(&cloud, &admin, "fn").ok();
}

/// svc:L-10: the grant is for one session name and one context.
#[test]
fn the_grant_is_for_one_function() {
    let (cloud, admin, key) = world();
    configure(&cloud, &admin, "fn", &key).ok();
    create(&cloud, &admin, "fn2", "R").ok();
    configure(&cloud, &admin, "fn2", &key).ok();
    let of_fn2 = grants(&cloud, &admin, &key)
        .into_iter()
        .find(|grant| {
            grant["GranteePrincipal"]
                .as_str()
                .is_some_and(|arn| arn.ends_with("/fn2"))
        })
        .expect("fn2 has its grant");
    cloud
        .kms(
            &admin,
            "RevokeGrant",
            &json!({ "KeyId": key, "GrantId": of_fn2["GrantId"] }),
        )
        .ok();
    assert_eq!(invoke(&cloud, &admin, "fn").status, 200);
    assert_eq!(invoke(&cloud, &admin, "fn2").status, 502);
}

/// svc:L-5, svc:L-7.
#[test]
fn key_states_at_cold_start() {
    let (cloud, admin, key) = world();
    configure(&cloud, &admin, "fn", &key).ok();
    cloud.kms(&admin, "DisableKey", &json!({ "KeyId": key })).ok();
    let reply = invoke(&cloud, &admin, "fn");
    assert_eq!(
        (reply.status, reply.header("x-amzn-errortype")),
        (502, "KMSDisabledException")
    );
    assert_eq!(
        reply.json()["Message"],
        "Lambda was unable to decrypt the environment variables because the KMS key used is disabled. Please check the function's KMS key settings."
    );
    cloud
        .kms(
            &admin,
            "ScheduleKeyDeletion",
            &json!({ "KeyId": key, "PendingWindowInDays": 7 }),
        )
        .ok();
    assert_eq!(
        invoke(&cloud, &admin, "fn").header("x-amzn-errortype"),
        "KMSInvalidStateException"
    );
}

/// svc:L-2: the configuring user needs Encrypt and CreateGrant, and Decrypt to see the values.
#[test]
fn the_configuring_user_is_checked() {
    let (cloud, _, key) = world();
    let user = cloud.user(A, "dev", &json!([]));
    let with = |kms: &[&str]| {
        let mut actions = vec!["lambda:*", "iam:PassRole"];
        actions.extend_from_slice(kms);
        cloud.user_policy(A, "dev", &json!([allow(&json!(actions), &json!("*"))]));
        configure(&cloud, &user, "fn", &key)
    };
    for missing in [&["kms:Encrypt"][..], &["kms:CreateGrant"], &[]] {
        let reply = with(missing);
        assert_eq!(
            (reply.status, reply.header("x-amzn-errortype")),
            (403, "AccessDeniedException"),
            "{missing:?}"
        );
        assert!(reply.text().contains("KMS Exception: AccessDeniedException"));
    }
    with(&["kms:Encrypt", "kms:CreateGrant"]).ok();
    let shown = lambda(&cloud, &user, "GET", "/fn/configuration", &Value::Null)
        .ok()
        .json();
    assert_eq!(shown["Environment"]["Error"]["ErrorCode"], "AccessDeniedException");
    with(&["kms:Encrypt", "kms:CreateGrant", "kms:Decrypt"]).ok();
    let shown = lambda(&cloud, &user, "GET", "/fn/configuration", &Value::Null)
        .ok()
        .json();
    assert_eq!(shown["Environment"]["Variables"]["SECRET"], "value");
    assert_eq!(shown["KMSKeyArn"], key);
    // The old grants were retired by Lambda (svc:L-9).
    assert_eq!(grants(&cloud, &cloud.root(A), &key).len(), 1);
    // The key policy and grants of a forwarded call carry kms:ViaService and kms:GrantIsForAWSResource.
    cloud.user_policy(
        A,
        "dev",
        &json!([
            allow(&json!(["lambda:*", "iam:PassRole"]), &json!("*")),
            {
                "Effect": "Allow",
                "Action": ["kms:Encrypt", "kms:CreateGrant"],
                "Resource": "*",
                "Condition": { "StringEquals": { "kms:ViaService": "lambda.us-east-1.amazonaws.com" } },
            },
            {
                "Effect": "Deny",
                "Action": "kms:CreateGrant",
                "Resource": "*",
                "Condition": { "Bool": { "kms:GrantIsForAWSResource": "false" } },
            },
        ]),
    );
    configure(&cloud, &user, "fn", &key).ok();
}

/// svc:L-1, svc:L-3: without a key, aws/lambda is used and nobody needs kms permissions.
#[test]
fn the_default_key_needs_no_permission() {
    let (cloud, _, _) = world();
    let user = cloud.user(
        A,
        "dev",
        &json!([allow(&json!(["lambda:*", "iam:PassRole"]), &json!("*"))]),
    );
    let body = json!({ "Environment": { "Variables": { "NAME": "x" } } });
    lambda(&cloud, &user, "PUT", "/fn/configuration", &body).ok();
    cold(&cloud, "fn");
    invoke(&cloud, &user, "fn").ok();
    let shown = lambda(&cloud, &user, "GET", "/fn/configuration", &Value::Null)
        .ok()
        .json();
    assert_eq!(shown["Environment"]["Variables"]["NAME"], "x");
    assert!(shown.get("KMSKeyArn").is_none());
}

/// svc:L-9, svc:G-15.
#[test]
fn a_recreated_role_is_another_role() {
    let (cloud, admin, key) = world();
    configure(&cloud, &admin, "fn", &key).ok();
    cloud.iam(
        A,
        &[("Action", "DeleteRolePolicy"), ("RoleName", "R"), ("PolicyName", "p")],
    );
    cloud.iam(A, &[("Action", "DeleteRole"), ("RoleName", "R")]);
    let logs = json!([allow(&json!("logs:*"), &json!("*"))]);
    cloud.make_role(A, "R", &json!({ "Service": "lambda.amazonaws.com" }), &logs);
    let reply = invoke(&cloud, &admin, "fn");
    assert_eq!(
        (reply.status, reply.header("x-amzn-errortype")),
        (502, "KMSAccessDeniedException")
    );
    assert!(reply.text().contains("UnrecognizedClientException"));
    configure(&cloud, &admin, "fn", &key).ok();
    invoke(&cloud, &admin, "fn").ok();
}

/// Grants of 2021 look different (svc:L-3).
#[test]
fn grants_of_2021() {
    let (cloud, admin, key) = world();
    cloud.case(&json!({ "as_of": "2021-09-15" }));
    configure(&cloud, &admin, "fn", &key).ok();
    let grant = grants(&cloud, &admin, &key).remove(0);
    assert_eq!(grant["Name"], "fn");
    assert_eq!(grant["RetiringPrincipal"], grant["GranteePrincipal"]);
    assert_eq!(lambda(&cloud, &admin, "DELETE", "/fn", &Value::Null).status, 204);
    assert!(grants(&cloud, &admin, &key).is_empty());
}

#[test]
fn functions_live_and_die() {
    let (cloud, admin, _) = world();
    assert_eq!(
        create(&cloud, &admin, "fn", "R").header("x-amzn-errortype"),
        "ResourceConflictException"
    );
    assert_eq!(
        create(&cloud, &admin, "other", "none").header("x-amzn-errortype"),
        "InvalidParameterValueException"
    );
    let listed = lambda(&cloud, &admin, "GET", "/", &Value::Null).ok().json();
    assert_eq!(listed["Functions"][0]["FunctionName"], "fn");
    let shown = lambda(&cloud, &admin, "GET", "/fn", &Value::Null).ok().json();
    assert_eq!(
        shown["Configuration"]["FunctionArn"],
        format!("arn:aws:lambda:{REGION}:{A}:function:fn")
    );
    invoke(&cloud, &admin, "fn").ok();
    let user = cloud.user(A, "u", &json!([]));
    let denied = invoke(&cloud, &user, "fn");
    assert_eq!(
        (denied.status, denied.header("x-amzn-errortype")),
        (403, "AccessDeniedException")
    );
    assert!(
        denied
            .text()
            .contains("lambda:InvokeFunction on resource: arn:aws:lambda:us-east-1:111111111111:function:fn")
    );
    lambda(&cloud, &admin, "DELETE", "/fn", &Value::Null).ok();
    assert_eq!(
        invoke(&cloud, &admin, "fn").header("x-amzn-errortype"),
        "ResourceNotFoundException"
    );
    let passer = cloud.user(A, "p", &json!([allow(&json!("lambda:*"), &json!("*"))]));
    assert!(create(&cloud, &passer, "fn", "R").text().contains("iam:PassRole"));
}

/// svc:T-3: who made the call, as the trail tells it: configuration and, since 2025, the runtime come through Lambda;
/// before, the runtime was an SDK at an address.
#[test]
fn the_trail_tells_lambdas_calls() {
    let (cloud, admin, key) = world();
    let outside = |event: &Value| {
        [
            &event["userIdentity"]["invokedBy"],
            &event["sourceIPAddress"],
            &event["userAgent"],
        ]
        .map(Clone::clone)
    };
    let lambda = [0; 3].map(|_| json!("lambda.amazonaws.com"));
    for (as_of, runtime_is_lambda) in [("2021-09-01", false), ("2025-06-01", true)] {
        cloud.case(&json!({ "as_of": as_of }));
        let before = cloud.trail().len();
        configure(&cloud, &admin, "fn", &key).ok();
        for event in &cloud.trail()[before..] {
            assert_eq!(outside(event), lambda, "{as_of} {event}");
        }
        let before = cloud.trail().len();
        cold(&cloud, "fn");
        invoke(&cloud, &admin, "fn").ok();
        let event = cloud.trail()[before].clone();
        assert_eq!(event["eventName"], "Decrypt");
        assert_eq!(outside(&event) == lambda, runtime_is_lambda, "{as_of} {event}");
        if !runtime_is_lambda {
            let [invoked_by, address, agent] = outside(&event);
            assert!(invoked_by.is_null(), "{event}");
            assert!(
                address
                    .as_str()
                    .is_some_and(|text| text.parse::<std::net::IpAddr>().is_ok())
            );
            assert!(agent.as_str().is_some_and(|text| text.starts_with("aws-sdk-")));
        }
    }
}

/// Functions as tools read and keep them: versions, code, tags, pages.
#[test]
fn functions_are_read_and_tagged() {
    let (cloud, admin, _) = world();
    for name in ["fa", "fb"] {
        create(&cloud, &admin, name, "R").ok();
    }
    let send = |who: &Keys, method: &'static str, path: &str, body: &Value| {
        let body = if body.is_null() {
            String::new()
        } else {
            body.to_string()
        };
        cloud.send(Some(who), "lambda", REGION, method, path, &[], body.into_bytes())
    };
    let arn = format!("arn:aws:lambda:{REGION}:{A}:function:fn").replace("arn:", "arn%3A");
    let tags = format!("/2017-03-31/tags/{arn}");
    send(&admin, "POST", &tags, &json!({ "Tags": { "a": "1", "b": "2" } })).ok();
    assert_eq!(
        send(&admin, "GET", &tags, &Value::Null).ok().json(),
        json!({ "Tags": { "a": "1", "b": "2" } })
    );
    send(&admin, "DELETE", &format!("{tags}?tagKeys=a"), &Value::Null).ok();
    assert_eq!(
        lambda(&cloud, &admin, "GET", "/fn", &Value::Null).ok().json()["Tags"],
        json!({ "b": "2" })
    );
    let versions = lambda(&cloud, &admin, "GET", "/fn/versions", &Value::Null).ok().json();
    assert_eq!(versions["Versions"][0]["Version"], "$LATEST");
    let before = lambda(&cloud, &admin, "GET", "/fn/configuration", &Value::Null)
        .ok()
        .json();
    let changed = lambda(&cloud, &admin, "PUT", "/fn/code", &json!({ "ZipFile": "eA==" }))
        .ok()
        .json();
    assert_eq!(changed["CodeSize"], 1);
    assert_ne!(changed["CodeSha256"], before["CodeSha256"]);
    let signing = send(
        &admin,
        "GET",
        "/2020-06-30/functions/fn/code-signing-config",
        &Value::Null,
    )
    .ok();
    assert_eq!(signing.json(), json!({ "FunctionName": "fn" }));
    let page = lambda(&cloud, &admin, "GET", "?MaxItems=2", &Value::Null).ok().json();
    assert_eq!(
        (page["Functions"].as_array().map(Vec::len), &page["NextMarker"]),
        (Some(2), &json!("fb"))
    );
    let page = lambda(&cloud, &admin, "GET", "?MaxItems=2&Marker=fb", &Value::Null)
        .ok()
        .json();
    assert_eq!(
        (page["Functions"].as_array().map(Vec::len), page.get("NextMarker")),
        (Some(1), None)
    );
    assert_eq!(lambda(&cloud, &admin, "GET", "?MaxItems=0", &Value::Null).status, 400);
    // Each is asked for by its own name.
    let nobody = cloud.user(A, "nobody", &json!([]));
    for (method, path, action) in [
        ("GET", tags.as_str(), "ListTags"),
        ("POST", &tags, "TagResource"),
        ("DELETE", &tags, "UntagResource"),
        ("GET", "/2015-03-31/functions/fn/versions", "ListVersionsByFunction"),
        ("PUT", "/2015-03-31/functions/fn/code", "UpdateFunctionCode"),
        ("GET", "/2019-09-30/functions/fn/concurrency", "GetFunctionConcurrency"),
    ] {
        let denied = send(&nobody, method, path, &Value::Null);
        assert_eq!(denied.status, 403, "{action}");
        assert!(denied.text().contains(&format!("lambda:{action}")), "{}", denied.text());
    }
    assert_eq!(send(&admin, "GET", "/functions/fn", &Value::Null).status, 404);
}

/// A variable's name is a constraint of the API: told before anybody is asked.
#[test]
fn names_of_variables_come_before_permissions() {
    let (cloud, _, _) = world();
    let nobody = cloud.user(A, "nobody", &json!([]));
    for (name, status) in [("A", 400), ("1A", 400), ("AB", 403)] {
        let body = json!({ "Environment": { "Variables": { name: "x" } } });
        let reply = lambda(&cloud, &nobody, "PUT", "/fn/configuration", &body);
        assert_eq!(reply.status, status, "{name}: {}", reply.text());
        let body = json!({ "FunctionName": "new", "Environment": { "Variables": { name: "x" } } });
        assert_eq!(lambda(&cloud, &nobody, "POST", "", &body).status, status, "{name}");
    }
}
