//! KMS grants over the wire (svc:§4).

use serde_json::{Value, json};

use crate::kms::{DENIED, encrypt};
use crate::support::{A, World, allow, key_policy, root, text};

#[test]
fn grants_allow_match_and_end() {
    // svc:G-14, svc:G-10, svc:K-20
    let world = World::new();
    let root_a = root(A);
    world.role(A, "R", None);
    let key = world.key(A, None);
    let plain = encrypt(&world, &root_a, &key, json!({}));
    let it = encrypt(&world, &root_a, &key, json!({ "D": "IT" }));
    let session = world.session(A, "R", "fn1");
    let body = json!({ "CiphertextBlob": plain });
    assert_eq!(world.kms_err(&session, "Decrypt", body.clone()).0, DENIED);
    let role = format!("arn:aws:iam::{A}:role/R");
    let request = json!({ "KeyId": key, "GranteePrincipal": role, "Operations": ["Decrypt"], "Name": "n" });
    let made = world.kms_ok(&root_a, "CreateGrant", request.clone());
    world.kms_ok(&session, "Decrypt", body.clone());
    // svc:G-7
    let again = world.kms_ok(&root_a, "CreateGrant", request);
    assert_eq!(again["GrantId"], made["GrantId"]);
    assert_ne!(again["GrantToken"], made["GrantToken"]);
    let listed = world.kms_ok(&root_a, "ListGrants", json!({ "KeyId": key }));
    assert_eq!(listed["Grants"].as_array().map(Vec::len), Some(1));
    assert_eq!(text(&listed["Grants"][0]["GranteePrincipal"]), role);
    assert_eq!(
        text(&listed["Grants"][0]["IssuingAccount"]),
        format!("arn:aws:iam::{A}:root")
    );
    world.kms_ok(
        &root_a,
        "RevokeGrant",
        json!({ "KeyId": key, "GrantId": made["GrantId"] }),
    );
    assert_eq!(world.kms_err(&session, "Decrypt", body.clone()).0, DENIED, "svc:G-18");
    // A session grantee is one session (svc:L-10), a constraint one context.
    world.kms_ok(
        &root_a,
        "CreateGrant",
        json!({
            "KeyId": key, "GranteePrincipal": format!("arn:aws:sts::{A}:assumed-role/R/fn1"), "Operations": ["Decrypt"],
            "Constraints": { "EncryptionContextEquals": { "D": "IT" } },
        }),
    );
    let with_it = json!({ "CiphertextBlob": it, "EncryptionContext": { "D": "IT" } });
    world.kms_ok(&session, "Decrypt", with_it.clone());
    assert_eq!(world.kms_err(&session, "Decrypt", body).0, DENIED);
    assert_eq!(
        world
            .kms_err(&world.session(A, "R", "fn2"), "Decrypt", with_it.clone())
            .0,
        DENIED
    );
    // svc:G-15: the grant is bound to the role's unique id.
    world.iam_ok(&root_a, "DeleteRole", &[("RoleName", "R")]);
    let listed = world.kms_ok(&root_a, "ListGrants", json!({ "KeyId": key }));
    let shown = text(&listed["Grants"][0]["GranteePrincipal"]);
    assert!(shown.starts_with("AROA") && shown.ends_with(":fn1"), "{shown}");
    world.role(A, "R", None);
    assert_eq!(
        world.kms_err(&world.session(A, "R", "fn1"), "Decrypt", with_it).0,
        DENIED
    );
}

#[test]
fn an_explicit_deny_beats_a_grant() {
    // svc:K-11
    let world = World::new();
    world.role(A, "R", None);
    let role = format!("arn:aws:iam::{A}:role/R");
    let deny = json!({ "Effect": "Deny", "Principal": { "AWS": role }, "Action": "kms:Decrypt", "Resource": "*" });
    let key = world.key(A, Some(&key_policy(A, &[deny])));
    world.kms_ok(
        &root(A),
        "CreateGrant",
        json!({ "KeyId": key, "GranteePrincipal": role, "Operations": ["Decrypt", "Encrypt"] }),
    );
    let session = world.session(A, "R", "s1");
    let blob = encrypt(&world, &session, &key, json!({}));
    let body = json!({ "CiphertextBlob": blob, "KeyId": key });
    let (code, message) = world.kms_err(&session, "Decrypt", body.clone());
    assert_eq!(code, DENIED);
    assert!(
        message.ends_with("with an explicit deny in a resource-based policy"),
        "{message}"
    );
    world.case(&json!({ "faults": ["key-policy-deny-ignored-for-grants"] }));
    world.kms_ok(&session, "Decrypt", body);
}

#[test]
fn child_grants_are_no_wider_than_their_parent() {
    // svc:G-6, svc:G-11
    let world = World::new();
    world.role(A, "Parent", None);
    world.role(A, "Child", None);
    let key = world.key(A, None);
    let arn = |name: &str| format!("arn:aws:iam::{A}:role/{name}");
    world.kms_ok(
        &root(A),
        "CreateGrant",
        json!({
            "KeyId": key, "GranteePrincipal": arn("Parent"), "Operations": ["CreateGrant", "Decrypt", "GenerateDataKey"],
            "Constraints": { "EncryptionContextSubset": { "Dept": "IT" } },
        }),
    );
    let parent = world.session(A, "Parent", "s1");
    let create = |operations: Value, constraints: Value| {
        let body = json!({
            "KeyId": key, "GranteePrincipal": arn("Child"), "Operations": operations, "Constraints": constraints,
        });
        world.kms(&parent, "CreateGrant", body).0
    };
    assert_eq!(
        create(
            json!(["Decrypt"]),
            json!({ "EncryptionContextEquals": { "Dept": "IT" } })
        ),
        200
    );
    assert_eq!(
        create(
            json!(["Decrypt"]),
            json!({ "EncryptionContextSubset": { "Dept": "IT", "P": "x" } })
        ),
        200
    );
    assert_eq!(
        create(
            json!(["Encrypt"]),
            json!({ "EncryptionContextEquals": { "Dept": "IT" } })
        ),
        400
    );
    assert_eq!(create(json!(["Decrypt"]), json!({})), 400);
    assert_eq!(
        create(json!(["Decrypt"]), json!({ "EncryptionContextSubset": { "P": "x" } })),
        400
    );
}

#[test]
fn retiring_is_centred_on_the_grant() {
    // svc:G-16
    let world = World::new();
    let root_a = root(A);
    world.role(A, "Grantee", None);
    world.role(A, "Retiring", None);
    world.role(A, "Admin", Some(&allow(&["kms:RetireGrant"], "*")));
    world.role(A, "ByKeyPolicy", None);
    let arn = |name: &str| format!("arn:aws:iam::{A}:role/{name}");
    let named = json!({
        "Effect": "Allow", "Principal": { "AWS": arn("ByKeyPolicy") }, "Action": "kms:*", "Resource": "*",
    });
    let key = world.key(A, Some(&key_policy(A, &[named])));
    let make = |operations: Value, retiring: Option<&str>| {
        let mut body = json!({ "KeyId": key, "GranteePrincipal": arn("Grantee"), "Operations": operations });
        if let Some(name) = retiring {
            body["RetiringPrincipal"] = json!(arn(name));
        }
        text(&world.kms_ok(&root_a, "CreateGrant", body)["GrantId"])
    };
    let retire = |role: &str, grant: &str| {
        world
            .kms(
                &world.session(A, role, "s1"),
                "RetireGrant",
                json!({ "KeyId": key, "GrantId": grant }),
            )
            .0
    };
    let grant = make(json!(["Decrypt"]), Some("Retiring"));
    assert_eq!(
        retire("Grantee", &grant),
        400,
        "a grantee needs the RetireGrant operation"
    );
    assert_eq!(retire("ByKeyPolicy", &grant), 400, "svc:N-1");
    assert_eq!(retire("Retiring", &grant), 200, "(a)");
    let grant = make(json!(["Decrypt", "RetireGrant"]), None);
    assert_eq!(retire("Grantee", &grant), 200, "(b)");
    let grant = make(json!(["Decrypt"]), None);
    assert_eq!(retire("Admin", &grant), 200, "(c)");
    assert_eq!(retire("Admin", &grant), 400, "it is gone");
    let token = world.kms_ok(
        &root_a,
        "CreateGrant",
        json!({
            "KeyId": key, "GranteePrincipal": arn("Grantee"), "Operations": ["Decrypt"],
            "RetiringPrincipal": arn("Retiring"),
        }),
    )["GrantToken"]
        .clone();
    let retiring = world.session(A, "Retiring", "s1");
    let dry = world.kms_err(&retiring, "RetireGrant", json!({ "GrantToken": token, "DryRun": true }));
    assert_eq!(dry.0, "DryRunOperationException");
    world.kms_ok(&retiring, "RetireGrant", json!({ "GrantToken": token }));
    let last = world.trail().last().cloned().expect("an event");
    assert_eq!(last["requestParameters"], Value::Null, "svc:T-7");
    assert!(last["additionalEventData"]["grantId"].is_string());
}

#[test]
fn fresh_grants_need_their_token_until_they_have_propagated() {
    // svc:G-21
    let world = World::new();
    world.case(&json!({ "clock": "2025-01-08T00:00:00Z", "propagation_seconds": 300 }));
    world.role(A, "R", None);
    let key = world.key(A, None);
    let blob = encrypt(&world, &root(A), &key, json!({}));
    let grant = json!({
        "KeyId": key, "GranteePrincipal": format!("arn:aws:iam::{A}:role/R"), "Operations": ["Decrypt"],
    });
    let made = world.kms_ok(&root(A), "CreateGrant", grant);
    let session = world.session(A, "R", "s1");
    let body = json!({ "CiphertextBlob": blob });
    assert_eq!(world.kms_err(&session, "Decrypt", body.clone()).0, DENIED);
    world.kms_ok(
        &session,
        "Decrypt",
        json!({ "CiphertextBlob": blob, "GrantTokens": [made["GrantToken"]] }),
    );
    let bad = world.kms_err(
        &session,
        "Decrypt",
        json!({ "CiphertextBlob": blob, "GrantTokens": ["nonsense"] }),
    );
    assert_eq!(bad.0, "InvalidGrantTokenException", "svc:G-22");
    assert_eq!(world.control("POST", "arrange", &json!({ "settle": true })).0, 204);
    world.kms_ok(&session, "Decrypt", body.clone());
    world.kms_ok(
        &root(A),
        "RevokeGrant",
        json!({ "KeyId": key, "GrantId": made["GrantId"] }),
    );
    world.kms_ok(&session, "Decrypt", body.clone());
    world.control("POST", "arrange", &json!({ "settle": true }));
    assert_eq!(world.kms_err(&session, "Decrypt", body).0, DENIED);
}
