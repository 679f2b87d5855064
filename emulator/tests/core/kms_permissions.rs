//! Who may use a key: delegation, accounts on both sides, key policies and how they are shown, condition keys, service
//! principals.

use serde_json::{Value, json};

use crate::kms::{DENIED, encrypt};
use crate::support::{self, A, B, World, allow, key_policy, root, text};

const PLAINTEXT: &str = "c2VjcmV0";

#[test]
fn delegation_is_not_access() {
    // svc:K-3, svc:K-4, svc:X-2
    let world = World::new();
    world.role(A, "Delegated", Some(&allow(&["kms:Decrypt"], "*")));
    world.role(A, "Named", Some(&allow(&["s3:*"], "*")));
    world.role(A, "Nobody", Some(&allow(&["s3:*"], "*")));
    let key = world.key(
        A,
        Some(&key_policy(
            A,
            &[json!({
                "Effect": "Allow", "Principal": { "AWS": format!("arn:aws:iam::{A}:role/Named") },
                "Action": "kms:Decrypt", "Resource": "*",
            })],
        )),
    );
    let blob = encrypt(&world, &root(A), &key, json!({}));
    let body = json!({ "CiphertextBlob": blob, "KeyId": key });
    for role in ["Delegated", "Named"] {
        world.kms_ok(&world.session(A, role, "s1"), "Decrypt", body.clone());
    }
    let nobody = world.session(A, "Nobody", "DownloadSession");
    let (code, message) = world.kms_err(&nobody, "Decrypt", body.clone());
    assert_eq!(code, DENIED);
    assert_eq!(
        message,
        format!(
            "User: arn:aws:sts::{A}:assumed-role/Nobody/DownloadSession is not authorized to perform: kms:Decrypt on \
             resource: {key} because no identity-based policy allows the kms:Decrypt action"
        )
    );
    // svc:X-3: the profile of 2021, and before it.
    for (as_of, ending) in [
        (
            "2021-11-15",
            " because no resource-based policy allows the kms:Decrypt action",
        ),
        ("2021-09-15", ""),
    ] {
        world.case(&json!({ "as_of": as_of }));
        let (_, message) = world.kms_err(&nobody, "Decrypt", body.clone());
        assert!(message.ends_with(&format!("{key}{ending}")), "{as_of}: {message}");
    }
    world.case(&json!({ "as_of": null }));
    // svc:X-4: without KeyId the answer hides the key, the trail does not.
    let (_, message) = world.kms_err(&nobody, "Decrypt", json!({ "CiphertextBlob": blob }));
    assert!(
        message.starts_with("The ciphertext refers to a customer master key"),
        "{message}"
    );
    let trail = world.trail();
    let last = trail.last().expect("an event");
    assert_eq!(last["errorCode"], "AccessDenied");
    assert!(text(&last["errorMessage"]).contains(&key));
    assert_eq!(last["requestParameters"], Value::Null);
    assert_eq!(last.get("resources"), None, "svc:T-2");
}

#[test]
fn cross_account_use_needs_both_sides() {
    // svc:K-7, svc:K-8, svc:K-9
    let world = World::new();
    let policy = key_policy(
        A,
        &[json!({
            "Effect": "Allow", "Principal": { "AWS": B }, "Action": ["kms:Encrypt", "kms:TagResource"], "Resource": "*",
        })],
    );
    let key = world.key(A, Some(&policy));
    let with = world.user(B, "with", Some(&allow(&["kms:*"], "*")));
    let without = world.user(B, "without", None);
    let body = json!({ "KeyId": key, "Plaintext": PLAINTEXT });
    world.kms_ok(&with, "Encrypt", body.clone());
    let (code, message) = world.kms_err(&without, "Encrypt", body);
    assert_eq!(code, DENIED);
    assert!(
        message.ends_with("because no identity-based policy allows the kms:Encrypt action"),
        "{message}"
    );
    let (code, message) = world.kms_err(
        &with,
        "TagResource",
        json!({ "KeyId": key, "Tags": [{ "TagKey": "k", "TagValue": "v" }] }),
    );
    assert_eq!(code, DENIED, "svc:K-9");
    assert!(
        message.ends_with("because no resource-based policy allows the kms:TagResource action"),
        "{message}"
    );
    let unknown = format!("arn:aws:kms:us-east-1:{A}:key/00000000-0000-4000-8000-000000000000");
    let (code, message) = world.kms_err(&with, "DescribeKey", json!({ "KeyId": unknown }));
    assert_eq!(code, DENIED);
    assert!(
        message.contains(&unknown) && message.contains("no resource-based policy"),
        "{message}"
    );
    // svc:T-8: both accounts see the call.
    let recipients: Vec<Value> = world
        .trail()
        .into_iter()
        .filter(|event| event["eventName"] == "Encrypt" && event.get("errorCode").is_none())
        .map(|event| event["recipientAccountId"].clone())
        .collect();
    assert_eq!(recipients, [json!(B), json!(A)]);
}

#[test]
fn key_policies_are_checked_before_they_are_stored() {
    // svc:P-1 … svc:P-6
    let world = World::new();
    let root_a = root(A);
    let key = world.key(A, None);
    let put = |keys: &support::Keys, policy: &str, bypass: bool| {
        let body = json!({ "KeyId": key, "Policy": policy, "BypassPolicyLockoutSafetyCheck": bypass });
        let (status, answer) = world.kms(keys, "PutKeyPolicy", body);
        (
            status,
            text(&answer.get("__type").cloned().unwrap_or(json!(""))),
            answer["message"].clone(),
        )
    };
    let good = key_policy(A, &[]).to_string();
    assert_eq!(put(&root_a, &good, false).0, 200);
    let malformed = "MalformedPolicyDocumentException";
    assert_eq!(put(&root_a, "{", false).1, malformed);
    let ghost = json!({
        "Effect": "Allow", "Principal": { "AWS": format!("arn:aws:iam::{A}:role/Ghost") }, "Action": "kms:*",
        "Resource": "*",
    });
    let (_, code, message) = put(&root_a, &key_policy(A, &[ghost]).to_string(), false);
    assert_eq!(code, malformed);
    assert_eq!(
        message,
        "Policy contains a statement with one or more invalid principals."
    );
    let locked = json!({
        "Version": "2012-10-17",
        "Statement": [{ "Effect": "Allow", "Principal": { "AWS": A }, "Action": "kms:Describe*", "Resource": "*" }],
    })
    .to_string();
    let (_, code, message) = put(&root_a, &locked, false);
    assert_eq!(code, malformed);
    assert_eq!(
        message,
        "The new key policy will not allow you to update the key policy in the future."
    );
    let long = format!("{}{}", good, " ".repeat(33_000));
    assert_eq!(put(&root_a, &long, false).1, "LimitExceededException");
    // svc:P-5: the check is about the caller, not about the account statement.
    let user = world.user(A, "putter", Some(&allow(&["kms:PutKeyPolicy"], "*")));
    assert_eq!(put(&user, &good, false).0, 200);
    assert_eq!(put(&root_a, &locked, true).0, 200);
    assert_eq!(put(&root_a, &good, false).1, DENIED, "svc:K-1");
    let stored = world.kms_err(&root_a, "GetKeyPolicy", json!({ "KeyId": key }));
    assert_eq!(stored.0, DENIED);
}

#[test]
fn conditions_see_the_keys_of_section_3() {
    let world = World::new();
    let key = world.key(A, None);
    let user = |name: &str, condition: Value| {
        let policy = json!({
            "Version": "2012-10-17",
            "Statement": [{ "Effect": "Allow", "Action": "kms:*", "Resource": "*", "Condition": condition }],
        });
        world.user(A, name, Some(&policy))
    };
    let encrypt = |keys: &support::Keys, identifier: &str, context: Value| {
        world
            .kms(
                keys,
                "Encrypt",
                json!({ "KeyId": identifier, "Plaintext": PLAINTEXT, "EncryptionContext": context }),
            )
            .0
    };
    let context = user("c4", json!({ "StringEquals": { "kms:EncryptionContext:dept": "IT" } }));
    assert_eq!(
        encrypt(&context, &key, json!({ "Dept": "IT" })),
        200,
        "svc:C-4: the name is matched ignoring case"
    );
    assert_eq!(encrypt(&context, &key, json!({ "Dept": "it" })), 400);
    assert_eq!(encrypt(&context, &key, json!({})), 400);
    let names = user(
        "c5",
        json!({ "ForAnyValue:StringEquals": { "kms:EncryptionContextKeys": "Dept" } }),
    );
    assert_eq!(encrypt(&names, &key, json!({ "Dept": "x" })), 200);
    assert_eq!(
        encrypt(&names, &key, json!({ "dept": "x" })),
        400,
        "svc:C-5: as a value, with case"
    );
    world.kms_ok(
        &root(A),
        "CreateAlias",
        json!({ "AliasName": "alias/app", "TargetKeyId": key }),
    );
    let alias = user("c11", json!({ "StringEquals": { "kms:RequestAlias": "alias/app" } }));
    assert_eq!(encrypt(&alias, "alias/app", json!({})), 200, "svc:C-11");
    assert_eq!(
        encrypt(&alias, &format!("arn:aws:kms:us-east-1:{A}:alias/app"), json!({})),
        200
    );
    assert_eq!(encrypt(&alias, &key, json!({})), 400);
    let resource = user(
        "c12",
        json!({ "ForAnyValue:StringLike": { "kms:ResourceAliases": "alias/a*" } }),
    );
    assert_eq!(encrypt(&resource, &key, json!({})), 200, "svc:C-12");
    let via = user(
        "c3",
        json!({ "StringEquals": { "kms:ViaService": "s3.us-east-1.amazonaws.com" } }),
    );
    assert_eq!(encrypt(&via, &key, json!({})), 400, "svc:C-3: absent on direct calls");
    let caller = user("c1", json!({ "StringEquals": { "kms:CallerAccount": A } }));
    assert_eq!(encrypt(&caller, &key, json!({})), 200);
    world.kms_ok(
        &root(A),
        "TagResource",
        json!({ "KeyId": key, "Tags": [{ "TagKey": "Env", "TagValue": "prod" }] }),
    );
    let tagged = user("tag", json!({ "StringEquals": { "aws:ResourceTag/env": "prod" } }));
    assert_eq!(encrypt(&tagged, &key, json!({})), 200);
    let spec = user("k19", json!({ "StringEquals": { "kms:KeySpec": "SYMMETRIC_DEFAULT" } }));
    assert_eq!(world.kms(&spec, "CreateKey", json!({})).0, 200, "svc:K-19");
    assert_eq!(
        world
            .kms(
                &spec,
                "CreateKey",
                json!({ "KeySpec": "HMAC_256", "KeyUsage": "GENERATE_VERIFY_MAC" })
            )
            .0,
        400
    );
    assert_eq!(world.kms(&spec, "ListKeys", json!({})).0, 400, "svc:K-18");
    let grants = user(
        "c13",
        json!({ "ForAllValues:StringEquals": { "kms:GrantOperations": ["Decrypt"] } }),
    );
    let grant = |operations: Value| {
        let body =
            json!({ "KeyId": key, "GranteePrincipal": format!("arn:aws:iam::{A}:root"), "Operations": operations });
        world.kms(&grants, "CreateGrant", body).0
    };
    assert_eq!(grant(json!(["Decrypt"])), 200, "svc:C-13");
    assert_eq!(grant(json!(["Decrypt", "Encrypt"])), 400);
}

#[test]
fn service_principals_are_denied_by_negated_principal_conditions() {
    // svc:F-6, svc:B-4
    let world = World::new();
    let deny = |extra: Value| {
        let mut condition = json!({ "StringNotEquals": { "aws:PrincipalArn": [format!("arn:aws:iam::{A}:root")] } });
        for (name, value) in extra.as_object().expect("an object") {
            condition[name] = value.clone();
        }
        key_policy(
            A,
            &[
                json!({ "Effect": "Allow", "Principal": { "Service": "backup-storage.amazonaws.com" },
                        "Action": "kms:GenerateDataKey", "Resource": "*" }),
                json!({ "Effect": "Deny", "Principal": "*", "Action": "kms:*", "Resource": "*", "Condition": condition }),
            ],
        )
    };
    let service = world.service("backup-storage.amazonaws.com");
    let call = |key: &str| {
        world.kms(
            &service,
            "GenerateDataKey",
            json!({ "KeyId": key, "KeySpec": "AES_256" }),
        )
    };
    let strict = world.key(A, Some(&deny(json!({}))));
    assert_eq!(call(&strict).0, 400);
    let exempt = world.key(
        A,
        Some(&deny(
            json!({ "BoolIfExists": { "aws:PrincipalIsAWSService": "false" } }),
        )),
    );
    let (status, answer) = call(&exempt);
    assert_eq!(status, 200, "{answer}");
    let event = world.trail().last().cloned().expect("an event");
    assert_eq!(
        event["userIdentity"],
        json!({ "type": "AWSService", "invokedBy": "backup-storage.amazonaws.com" }),
        "svc:T-4"
    );
}

/// iam:P-03: an account named by its bare id is shown with the ARN of its root, by GetKeyPolicy and in the answer of
/// ReplicateKey; everything else of the text stays as it was sent.
#[test]
fn accounts_are_shown_by_their_root_arn() {
    let world = World::new();
    let root_a = root(A);
    let sent = format!(
        r#"{{ "Version" : "2012-10-17", "Statement": [{{"Effect":"Allow","Principal":{{"AWS":["{A}","arn:aws:iam::{B}:root"]}},"Action":"kms:*","Resource":"*"}},
        {{"Effect":"Deny","NotPrincipal":{{"AWS":"{A}"}},"Action":"kms:Sign","Resource":"*","Condition":{{"StringEquals":{{"kms:CallerAccount":"{B}"}}}}}}]}}"#
    );
    let shown = sent.replace(&format!("\"{A}\""), &format!("\"arn:aws:iam::{A}:root\""));
    let made = world.kms_ok(&root_a, "CreateKey", json!({ "Policy": sent, "MultiRegion": true }));
    let key = text(&made["KeyMetadata"]["Arn"]);
    let policy = world.kms_ok(&root_a, "GetKeyPolicy", json!({ "KeyId": key }));
    assert_eq!(policy["Policy"], shown);
    let body = json!({ "KeyId": key, "ReplicaRegion": "eu-west-1", "Policy": sent });
    assert_eq!(world.kms_ok(&root_a, "ReplicateKey", body)["ReplicaPolicy"], shown);
    world.kms_ok(&root_a, "PutKeyPolicy", json!({ "KeyId": key, "Policy": shown }));
    let policy = world.kms_ok(&root_a, "GetKeyPolicy", json!({ "KeyId": key }));
    assert_eq!(policy["Policy"], shown, "what is shown can be saved");
}
