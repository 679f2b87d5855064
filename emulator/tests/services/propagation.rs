//! Policy changes under a propagation delay (svc:K-28): readers see them at once, decisions when they have propagated.
//! Each test changes one kind of policy and watches one request turn.

use serde_json::{Value, json};

use crate::cloud::{A, Cloud, Keys, admin, allow, policy};

const BEFORE: &str = "2025-01-08T00:04:59Z";
const AFTER: &str = "2025-01-08T00:05:00Z";

/// From here on changes need five minutes.
fn delay(cloud: &Cloud) {
    cloud
        .world
        .case(&json!({ "clock": "2025-01-08T00:00:00Z", "propagation_seconds": 300 }));
}

fn clock(cloud: &Cloud, at: &str) {
    cloud.world.case(&json!({ "clock": at }));
}

/// Makes the change, and sees `probe` answer `old` until the change has propagated and `new` from then on.
fn turns(cloud: &Cloud, change: impl FnOnce(), probe: impl Fn() -> u16, old: u16, new: u16) {
    assert_eq!(probe(), old, "before the change");
    delay(cloud);
    change();
    assert_eq!(probe(), old, "just changed");
    clock(cloud, BEFORE);
    assert_eq!(probe(), old, "a second before");
    clock(cloud, AFTER);
    assert_eq!(probe(), new, "propagated");
}

fn role(cloud: &Cloud, statements: &Value) -> Keys {
    cloud
        .world
        .role(A, "r", Some(&serde_json::from_str(&policy(statements)).expect("JSON")));
    cloud.world.session(A, "r", "work")
}

fn deny_put() -> Value {
    json!([{ "Effect": "Deny", "Principal": "*", "Action": "s3:PutObject", "Resource": "arn:aws:s3:::bucket/*" }])
}

/// The issue's case: no policy, PutBucketPolicy with a Deny; the session goes on writing until it has propagated.
#[test]
fn bucket_policies_k_28() {
    let cloud = Cloud::new();
    let root = cloud.bucket(A, "bucket");
    let session = role(&cloud, &admin());
    let put = || cloud.s3_with(&session, "PUT", "/bucket/k", &[], "x").status;
    turns(
        &cloud,
        || {
            cloud.bucket_policy(A, "bucket", &deny_put()).ok();
            let shown = cloud.s3(&root, "GET", "/bucket?policy").ok();
            assert!(shown.text().contains("Deny"), "readers see it at once");
        },
        put,
        200,
        403,
    );
    // Taking it away needs as long.
    cloud.s3(&root, "DELETE", "/bucket?policy").ok();
    assert_eq!(cloud.s3(&root, "GET", "/bucket?policy").status, 404);
    assert_eq!(put(), 403);
    clock(&cloud, "2025-01-08T00:10:00Z");
    assert_eq!(put(), 200);
}

/// Public policies cut outsiders off (svc:S-6) when the policy has propagated; the settings themselves count at once.
#[test]
fn public_access_block_counts_at_once_but_reads_the_propagated_policy() {
    let cloud = Cloud::new();
    cloud.bucket(A, "bucket");
    cloud.public_access_block(A, "bucket", &[]);
    cloud.s3_with(&cloud.root(A), "PUT", "/bucket/k", &[], "x").ok();
    let get = || cloud.s3_anonymous("GET", "/bucket/k", &[], b"").status;
    let public =
        json!([{ "Effect": "Allow", "Principal": "*", "Action": "s3:GetObject", "Resource": "arn:aws:s3:::bucket/*" }]);
    turns(
        &cloud,
        || {
            cloud.bucket_policy(A, "bucket", &public).ok();
        },
        get,
        403,
        200,
    );
    cloud.public_access_block(A, "bucket", &["RestrictPublicBuckets"]);
    assert_eq!(get(), 403);
    // BlockPublicPolicy looks at the text that is put.
    cloud.public_access_block(A, "bucket", &["BlockPublicPolicy"]);
    assert_eq!(cloud.bucket_policy(A, "bucket", &public).status, 403);
}

#[test]
fn key_policies_k_28() {
    let cloud = Cloud::new();
    let key = cloud.key(A, &json!([]));
    let session = role(&cloud, &admin());
    let root = cloud.root(A);
    let encrypt = || {
        let body = json!({ "KeyId": key, "Plaintext": "eA==" });
        cloud.kms(&session, "Encrypt", &body).status
    };
    let denying = policy(&json!([
        { "Effect": "Allow", "Principal": { "AWS": format!("arn:aws:iam::{A}:root") }, "Action": "kms:*", "Resource": "*" },
        { "Effect": "Deny", "Principal": "*", "Action": "kms:Encrypt", "Resource": "*" },
    ]));
    turns(
        &cloud,
        || {
            cloud
                .kms(
                    &root,
                    "PutKeyPolicy",
                    &json!({ "KeyId": key, "PolicyName": "default", "Policy": denying }),
                )
                .ok();
            let shown = cloud.kms(&root, "GetKeyPolicy", &json!({ "KeyId": key })).ok().json();
            assert!(
                shown["Policy"]
                    .as_str()
                    .is_some_and(|text| text.contains("kms:Encrypt"))
            );
        },
        encrypt,
        200,
        400,
    );
}

/// Inline and attached policies of users, roles and groups; versions of managed policies.
#[test]
fn identity_policies_k_28() {
    let allow_put = policy(&json!([allow(&json!("s3:PutObject"), &json!("*"))]));
    let nothing = policy(&json!([allow(&json!("s3:GetObject"), &json!("*"))]));
    let arn = format!("arn:aws:iam::{A}:policy/p");
    let group = ("GroupName", "g");
    // Calls that set the world up, the call that is the change, and the answers before and after it has propagated.
    type Calls<'a> = Vec<(&'a str, Vec<(&'a str, &'a str)>)>;
    let create = (
        "CreatePolicy",
        vec![("PolicyName", "p"), ("PolicyDocument", allow_put.as_str())],
    );
    let create_idle = (
        "CreatePolicy",
        vec![("PolicyName", "p"), ("PolicyDocument", nothing.as_str())],
    );
    let user = ("UserName", "u");
    let attach = ("AttachUserPolicy", vec![user, ("PolicyArn", arn.as_str())]);
    let detach = ("DetachUserPolicy", vec![user, ("PolicyArn", arn.as_str())]);
    let put = (
        "PutUserPolicy",
        vec![user, ("PolicyName", "i"), ("PolicyDocument", allow_put.as_str())],
    );
    let delete = ("DeleteUserPolicy", vec![user, ("PolicyName", "i")]);
    let grouped = [("CreateGroup", vec![group]), ("AddUserToGroup", vec![group, user])];
    let put_group = (
        "PutGroupPolicy",
        vec![group, ("PolicyName", "i"), ("PolicyDocument", allow_put.as_str())],
    );
    let delete_group = ("DeleteGroupPolicy", vec![group, ("PolicyName", "i")]);
    let version = |document, default| {
        (
            "CreatePolicyVersion",
            vec![
                ("PolicyArn", arn.as_str()),
                ("PolicyDocument", document),
                ("SetAsDefault", default),
            ],
        )
    };
    let set_default = (
        "SetDefaultPolicyVersion",
        vec![("PolicyArn", arn.as_str()), ("VersionId", "v1")],
    );
    let cases: Vec<(Calls<'_>, Calls<'_>, u16, u16)> = vec![
        (vec![], vec![put.clone()], 403, 200),
        (vec![put.clone()], vec![delete], 200, 403),
        (vec![], vec![create.clone(), attach.clone()], 403, 200),
        (vec![create.clone(), attach.clone()], vec![detach.clone()], 200, 403),
        // What is attached is seen with its document until the end, even if both are gone.
        (
            vec![create.clone(), attach.clone()],
            vec![detach, ("DeletePolicy", vec![("PolicyArn", arn.as_str())])],
            200,
            403,
        ),
        (grouped.to_vec(), vec![put_group.clone()], 403, 200),
        (
            [grouped.to_vec(), vec![put_group]].concat(),
            vec![delete_group],
            200,
            403,
        ),
        (
            vec![create_idle.clone(), attach.clone()],
            vec![version(&allow_put, "true")],
            403,
            200,
        ),
        (
            vec![create.clone(), attach.clone()],
            vec![version(&nothing, "true")],
            200,
            403,
        ),
        (
            vec![create, attach.clone(), version(&nothing, "true")],
            vec![set_default],
            403,
            200,
        ),
        // A version that is not the default changes nothing.
        (vec![create_idle, attach], vec![version(&allow_put, "false")], 403, 403),
    ];
    for (setup, change, old, new) in cases {
        let cloud = Cloud::new();
        cloud.bucket(A, "bucket");
        let keys = cloud.world.user(A, "u", None);
        let root = cloud.root(A);
        let run = |calls: &Calls<'_>| {
            for (action, parameters) in calls {
                cloud.world.iam_ok(&root, action, parameters);
            }
        };
        run(&setup);
        let probe = || cloud.s3_with(&keys, "PUT", "/bucket/k", &[], "x").status;
        turns(&cloud, || run(&change), probe, old, new);
    }
}

#[test]
fn permissions_boundaries_k_28() {
    let cloud = Cloud::new();
    cloud.bucket(A, "bucket");
    let session = role(&cloud, &admin());
    let root = cloud.root(A);
    let put = || cloud.s3_with(&session, "PUT", "/bucket/k", &[], "x").status;
    let reading = "arn:aws:iam::aws:policy/AmazonS3ReadOnlyAccess";
    turns(
        &cloud,
        || {
            let boundary = [("RoleName", "r"), ("PermissionsBoundary", reading)];
            cloud.world.iam_ok(&root, "PutRolePermissionsBoundary", &boundary);
            let shown = cloud.world.iam_ok(&root, "GetRole", &[("RoleName", "r")]);
            assert!(shown.contains(reading), "{shown}");
        },
        put,
        200,
        403,
    );
    cloud
        .world
        .iam_ok(&root, "DeleteRolePermissionsBoundary", &[("RoleName", "r")]);
    assert_eq!(put(), 403);
    // Everything pending has propagated (contract).
    cloud.world.control("POST", "arrange", &json!({ "settle": true }));
    assert_eq!(put(), 200);
}

#[test]
fn trust_policies_k_28() {
    let cloud = Cloud::new();
    role(&cloud, &admin());
    let user = cloud.user(A, "u", &admin());
    let arn = format!("arn:aws:iam::{A}:role/r");
    let assume = || {
        let parameters = [("RoleArn", arn.as_str()), ("RoleSessionName", "session")];
        cloud.world.sts(&user, "AssumeRole", &parameters).0
    };
    let nobody = policy(&json!([
        { "Effect": "Allow", "Principal": { "Service": "ec2.amazonaws.com" }, "Action": "sts:AssumeRole" }
    ]));
    turns(
        &cloud,
        || {
            let trust = [("RoleName", "r"), ("PolicyDocument", nobody.as_str())];
            cloud.world.iam_ok(&cloud.root(A), "UpdateAssumeRolePolicy", &trust);
        },
        assume,
        200,
        403,
    );
}

/// Changes that follow each other are seen one after the other, each after its own time.
#[test]
fn changes_are_seen_in_order() {
    let cloud = Cloud::new();
    let root = cloud.bucket(A, "bucket");
    let session = role(&cloud, &admin());
    let put = || cloud.s3_with(&session, "PUT", "/bucket/k", &[], "x").status;
    delay(&cloud);
    cloud.bucket_policy(A, "bucket", &deny_put()).ok();
    clock(&cloud, "2025-01-08T00:02:00Z");
    cloud.s3(&root, "DELETE", "/bucket?policy").ok();
    for (at, expected) in [
        ("2025-01-08T00:04:59Z", 200),
        ("2025-01-08T00:05:00Z", 403),
        ("2025-01-08T00:06:59Z", 403),
        ("2025-01-08T00:07:00Z", 200),
    ] {
        clock(&cloud, at);
        assert_eq!(put(), expected, "{at}");
    }
}

/// What something is made with is there from the start: the delay is for changes.
#[test]
fn new_things_have_their_policies_at_once() {
    let cloud = Cloud::new();
    let user = cloud.user(A, "u", &admin());
    delay(&cloud);
    cloud.world.role(A, "fresh", None);
    let arn = format!("arn:aws:iam::{A}:role/fresh");
    let parameters = [("RoleArn", arn.as_str()), ("RoleSessionName", "session")];
    assert_eq!(cloud.world.sts(&user, "AssumeRole", &parameters).0, 200);
    let key = cloud.key(A, &json!([]));
    let body = json!({ "KeyId": key, "Plaintext": "eA==" });
    cloud.kms(&user, "Encrypt", &body).ok();
}
