//! Each seeded fault of KMS changes what its story says, and nothing else about the same request.

use serde_json::{Value, json};

use crate::kms::encrypt;
use crate::support::{A, Keys, World, allow, key_policy, root, text};

/// Status without and with the fault.
fn both(fault: &str, run: impl Fn(&World) -> u16) -> (u16, u16) {
    let ask = |faults: Value| {
        let world = World::new();
        world.case(&json!({ "faults": faults }));
        run(&world)
    };
    (ask(json!([])), ask(json!([fault])))
}

fn role_arn(name: &str) -> String {
    format!("arn:aws:iam::{A}:role/{name}")
}

fn session_with(world: &World, name: &str, policy: Option<&Value>) -> Keys {
    world.role(A, name, policy);
    world.session(A, name, "s1")
}

#[test]
fn re_encrypt_destination_unchecked() {
    let statuses = both("re-encrypt-destination-unchecked", |world| {
        let session = session_with(world, "R", Some(&allow(&["kms:ReEncryptFrom"], "*")));
        let (source, destination) = (world.key(A, None), world.key(A, None));
        let blob = encrypt(world, &root(A), &source, json!({}));
        let body = json!({ "CiphertextBlob": blob, "DestinationKeyId": destination });
        world.kms(&session, "ReEncrypt", body).0
    });
    assert_eq!(statuses, (400, 200), "svc:K-21");
}

#[test]
fn cancelled_deletion_enables() {
    let statuses = both("cancelled-deletion-enables", |world| {
        let key = world.key(A, None);
        world.kms_ok(&root(A), "ScheduleKeyDeletion", json!({ "KeyId": key }));
        world.kms_ok(&root(A), "CancelKeyDeletion", json!({ "KeyId": key }));
        world
            .kms(&root(A), "Encrypt", json!({ "KeyId": key, "Plaintext": "eA==" }))
            .0
    });
    assert_eq!(statuses, (400, 200), "svc:ST-4");
}

#[test]
fn child_grant_unlimited() {
    let statuses = both("child-grant-unlimited", |world| {
        let session = session_with(world, "R", None);
        let key = world.key(A, None);
        let parent = json!({ "KeyId": key, "GranteePrincipal": role_arn("R"), "Operations": ["CreateGrant"] });
        world.kms_ok(&root(A), "CreateGrant", parent);
        let child = json!({ "KeyId": key, "GranteePrincipal": role_arn("R"), "Operations": ["Decrypt"] });
        world.kms(&session, "CreateGrant", child).0
    });
    assert_eq!(statuses, (400, 200), "svc:G-6");
}

#[test]
fn grant_token_ignored() {
    let statuses = both("grant-token-ignored", |world| {
        world.case(&json!({ "propagation_seconds": 300 }));
        let session = session_with(world, "R", None);
        let key = world.key(A, None);
        let grant = json!({ "KeyId": key, "GranteePrincipal": role_arn("R"), "Operations": ["Encrypt"] });
        let token = world.kms_ok(&root(A), "CreateGrant", grant)["GrantToken"].clone();
        let body = json!({ "KeyId": key, "Plaintext": "eA==", "GrantTokens": [token] });
        world.kms(&session, "Encrypt", body).0
    });
    assert_eq!(statuses, (200, 400), "svc:G-21");
}

#[test]
fn alias_key_unasked() {
    let statuses = both("alias-key-unasked", |world| {
        let key = world.key(A, None);
        let policy = allow(&["kms:CreateAlias"], &format!("arn:aws:kms:us-east-1:{A}:alias/*"));
        let session = session_with(world, "R", Some(&policy));
        let body = json!({ "AliasName": "alias/a", "TargetKeyId": key });
        world.kms(&session, "CreateAlias", body).0
    });
    assert_eq!(statuses, (400, 200), "svc:K-17");
}

#[test]
fn lockout_check_skipped() {
    let statuses = both("lockout-check-skipped", |world| {
        world.role(A, "R", None);
        let key = world.key(A, None);
        let policy = json!({
            "Version": "2012-10-17",
            "Statement": [{ "Effect": "Allow", "Principal": { "AWS": role_arn("R") }, "Action": "kms:*", "Resource": "*" }],
        });
        let body = json!({ "KeyId": key, "Policy": policy.to_string() });
        world.kms(&root(A), "PutKeyPolicy", body).0
    });
    assert_eq!(statuses, (400, 200), "svc:P-5");
}

#[test]
fn key_policy_retire_grant_counts() {
    let statuses = both("key-policy-retire-grant-counts", |world| {
        let session = session_with(world, "R", None);
        let named = json!({
            "Effect": "Allow", "Principal": { "AWS": role_arn("R") }, "Action": "kms:RetireGrant", "Resource": "*",
        });
        let key = world.key(A, Some(&key_policy(A, &[named])));
        let grant = json!({
            "KeyId": key, "GranteePrincipal": format!("arn:aws:iam::{A}:root"), "Operations": ["Decrypt"],
        });
        let id = text(&world.kms_ok(&root(A), "CreateGrant", grant)["GrantId"]);
        world
            .kms(&session, "RetireGrant", json!({ "KeyId": key, "GrantId": id }))
            .0
    });
    assert_eq!(statuses, (400, 200), "svc:G-16");
}

#[test]
fn request_alias_absent() {
    let statuses = both("request-alias-absent", |world| {
        let key = world.key(A, None);
        world.kms_ok(
            &root(A),
            "CreateAlias",
            json!({ "AliasName": "alias/a", "TargetKeyId": key }),
        );
        let policy = json!({
            "Version": "2012-10-17",
            "Statement": [{
                "Effect": "Allow", "Action": "kms:Encrypt", "Resource": "*",
                "Condition": { "StringEquals": { "kms:RequestAlias": "alias/a" } },
            }],
        });
        let session = session_with(world, "R", Some(&policy));
        world
            .kms(&session, "Encrypt", json!({ "KeyId": "alias/a", "Plaintext": "eA==" }))
            .0
    });
    assert_eq!(statuses, (200, 400), "svc:C-11");
}
