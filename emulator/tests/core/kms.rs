//! KMS over the wire: keys, ciphertexts, policies, aliases, states, the trail. Grants are in `grants`.

use serde_json::{Value, json};

use crate::support::{self, A, B, World, allow, key_policy, root, text};

pub(crate) const DENIED: &str = "AccessDeniedException";
const PLAINTEXT: &str = "c2VjcmV0";

pub(crate) fn encrypt(world: &World, keys: &support::Keys, key: &str, context: Value) -> String {
    text(
        &world.kms_ok(
            keys,
            "Encrypt",
            json!({ "KeyId": key, "Plaintext": PLAINTEXT, "EncryptionContext": context }),
        )["CiphertextBlob"],
    )
}

#[test]
fn ciphertexts_open_with_their_own_context_and_key_only() {
    let world = World::new();
    let root = root(A);
    let (key, other) = (world.key(A, None), world.key(A, None));
    let blob = encrypt(&world, &root, &key, json!({ "a": "b" }));
    let decrypt = |body: Value| {
        let mut all = json!({ "CiphertextBlob": blob, "EncryptionContext": { "a": "b" } });
        for (name, value) in body.as_object().expect("an object") {
            all[name] = value.clone();
        }
        all
    };
    let answer = world.kms_ok(&root, "Decrypt", decrypt(json!({})));
    assert_eq!(
        (text(&answer["Plaintext"]).as_str(), text(&answer["KeyId"])),
        (PLAINTEXT, key.clone())
    );
    // svc:K-25
    let wrong = world.kms_err(&root, "Decrypt", decrypt(json!({ "EncryptionContext": { "a": "B" } })));
    assert_eq!(wrong, ("InvalidCiphertextException".to_owned(), String::new()));
    let wrong = world.kms_err(&root, "Decrypt", decrypt(json!({ "KeyId": other })));
    assert_eq!(wrong.0, "IncorrectKeyException");
    let garbage = world.kms_err(&root, "Decrypt", json!({ "CiphertextBlob": "AAAA" }));
    assert_eq!(garbage.0, "InvalidCiphertextException");
    // svc:K-21
    let moved = world.kms_ok(
        &root,
        "ReEncrypt",
        json!({
            "CiphertextBlob": blob, "SourceEncryptionContext": { "a": "b" }, "DestinationKeyId": other,
            "DestinationEncryptionContext": { "c": "d" },
        }),
    );
    assert_eq!((text(&moved["SourceKeyId"]), text(&moved["KeyId"])), (key, other));
    let opened = world.kms_ok(
        &root,
        "Decrypt",
        json!({ "CiphertextBlob": moved["CiphertextBlob"], "EncryptionContext": { "c": "d" } }),
    );
    assert_eq!(text(&opened["Plaintext"]), PLAINTEXT);
}

#[test]
fn data_keys_have_the_asked_length() {
    let world = World::new();
    let (root, key) = (root(A), world.key(A, None));
    for (size, length) in [
        (json!({ "KeySpec": "AES_256" }), 44),
        (json!({ "KeySpec": "AES_128" }), 24),
        (json!({ "NumberOfBytes": 64 }), 88),
    ] {
        let mut body = size.clone();
        body["KeyId"] = json!(key);
        let answer = world.kms_ok(&root, "GenerateDataKey", body.clone());
        assert_eq!(text(&answer["Plaintext"]).len(), length, "{size}");
        let opened = world.kms_ok(&root, "Decrypt", json!({ "CiphertextBlob": answer["CiphertextBlob"] }));
        assert_eq!(opened["Plaintext"], answer["Plaintext"]);
        let silent = world.kms_ok(&root, "GenerateDataKeyWithoutPlaintext", body);
        assert_eq!(silent["Plaintext"], Value::Null);
    }
    for bad in [
        json!({}),
        json!({ "KeySpec": "AES_256", "NumberOfBytes": 1 }),
        json!({ "NumberOfBytes": 1025 }),
    ] {
        let mut body = bad.clone();
        body["KeyId"] = json!(key);
        assert_eq!(
            world.kms_err(&root, "GenerateDataKey", body).0,
            "ValidationException",
            "{bad}"
        );
    }
    let random = world.kms_ok(&root, "GenerateRandom", json!({ "NumberOfBytes": 16 }));
    assert_eq!(text(&random["Plaintext"]).len(), 24);
}

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
fn identifiers_resolve_as_in_k_10_and_k_33() {
    let world = World::new();
    let root_a = root(A);
    let key = world.key(A, None);
    let id = key.rsplit('/').next().expect("an id").to_owned();
    world.kms_ok(
        &root_a,
        "CreateAlias",
        json!({ "AliasName": "alias/x", "TargetKeyId": id }),
    );
    let alias_arn = format!("arn:aws:kms:us-east-1:{A}:alias/x");
    for form in [key.as_str(), &id, "alias/x", &alias_arn] {
        let answer = world.kms_ok(&root_a, "DescribeKey", json!({ "KeyId": form }));
        assert_eq!(text(&answer["KeyMetadata"]["Arn"]), key, "{form}");
    }
    let message = |form: &str| world.kms_err(&root_a, "DescribeKey", json!({ "KeyId": form }));
    let missing = "00000000-0000-4000-8000-000000000000";
    assert_eq!(
        message(missing),
        (
            "NotFoundException".to_owned(),
            format!("Key 'arn:aws:kms:us-east-1:{A}:key/{missing}' does not exist")
        )
    );
    assert_eq!(
        message("foo"),
        ("NotFoundException".to_owned(), "Invalid keyId 'foo'".to_owned())
    );
    let elsewhere = key.replace("us-east-1", "eu-west-1");
    assert_eq!(
        message(&elsewhere),
        ("NotFoundException".to_owned(), "Invalid arn eu-west-1".to_owned())
    );
    assert_eq!(message("alias/y").0, "NotFoundException");
    // Operations on keys take no alias.
    assert_eq!(
        world.kms_err(&root_a, "ListGrants", json!({ "KeyId": "alias/x" })).0,
        "NotFoundException"
    );
    // A bare alias is the caller's own.
    assert_eq!(
        world.kms_err(&root(B), "DescribeKey", json!({ "KeyId": "alias/x" })).0,
        "NotFoundException"
    );
}

#[test]
fn key_states_decide_after_authorization() {
    // svc:ST-1, svc:K-32
    let world = World::new();
    let root_a = root(A);
    let stranger = world.user(A, "stranger", None);
    let key = world.key(A, None);
    let body = json!({ "KeyId": key, "Plaintext": PLAINTEXT });
    world.kms_ok(&root_a, "DisableKey", json!({ "KeyId": key }));
    let disabled = world.kms_err(&root_a, "Encrypt", body.clone());
    assert_eq!(
        disabled,
        ("DisabledException".to_owned(), format!("{key} is disabled."))
    );
    assert_eq!(world.kms_err(&stranger, "Encrypt", body.clone()).0, DENIED);
    world.kms_ok(&root_a, "EnableKey", json!({ "KeyId": key }));
    world.kms_ok(&root_a, "Encrypt", body.clone());
    let scheduled = world.kms_ok(
        &root_a,
        "ScheduleKeyDeletion",
        json!({ "KeyId": key, "PendingWindowInDays": 7 }),
    );
    assert_eq!(scheduled["KeyState"], "PendingDeletion");
    let pending = world.kms_err(&root_a, "Encrypt", body.clone());
    assert_eq!(
        pending,
        (
            "KMSInvalidStateException".to_owned(),
            format!("{key} is pending deletion.")
        )
    );
    world.kms_ok(&root_a, "GetKeyPolicy", json!({ "KeyId": key }));
    world.kms_ok(&root_a, "CancelKeyDeletion", json!({ "KeyId": key }));
    let metadata = world.kms_ok(&root_a, "DescribeKey", json!({ "KeyId": key }));
    assert_eq!(metadata["KeyMetadata"]["KeyState"], "Disabled", "svc:ST-4");
    assert_eq!(
        world.kms_err(&root_a, "CancelKeyDeletion", json!({ "KeyId": key })).0,
        "KMSInvalidStateException"
    );
    // svc:ST-5
    world.kms_ok(
        &root_a,
        "ScheduleKeyDeletion",
        json!({ "KeyId": key, "PendingWindowInDays": 7 }),
    );
    world.case(&json!({ "clock": "2025-01-08T00:14:00Z" }));
    world.kms_ok(&root_a, "DescribeKey", json!({ "KeyId": key }));
    let id = key.rsplit('/').next().expect("an id");
    for (state, code) in [
        ("Unavailable", "KMSInvalidStateException"),
        ("PendingImport", "KMSInvalidStateException"),
        ("Enabled", ""),
    ] {
        let arranged = json!({ "key": { "account": A, "region": "us-east-1", "key_id": id, "state": state } });
        assert_eq!(world.control("POST", "arrange", &arranged).0, 204);
        let (status, answer) = world.kms(&root_a, "Encrypt", body.clone());
        assert_eq!(
            answer["__type"].as_str().unwrap_or_default(),
            code,
            "{state}: {status} {answer}"
        );
    }
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
fn alias_changes_ask_about_the_alias_and_the_keys() {
    // svc:K-17, svc:K-30
    let world = World::new();
    let (first, second) = (world.key(A, None), world.key(A, None));
    let only_key = world.user(A, "only-key", Some(&allow(&["kms:*Alias"], &first)));
    let body = json!({ "AliasName": "alias/x", "TargetKeyId": first });
    let (code, message) = world.kms_err(&only_key, "CreateAlias", body.clone());
    assert_eq!(code, DENIED);
    assert!(
        message.contains(&format!("arn:aws:kms:us-east-1:{A}:alias/x")),
        "{message}"
    );
    let both = json!({
        "Version": "2012-10-17",
        "Statement": [{
            "Effect": "Allow", "Action": "kms:*Alias",
            "Resource": [first, format!("arn:aws:kms:us-east-1:{A}:alias/*")],
        }],
    });
    let both = world.user(A, "both", Some(&both));
    world.kms_ok(&both, "CreateAlias", body.clone());
    assert_eq!(world.kms_err(&both, "CreateAlias", body).0, "AlreadyExistsException");
    let moved = json!({ "AliasName": "alias/x", "TargetKeyId": second });
    assert_eq!(
        world.kms_err(&both, "UpdateAlias", moved.clone()).0,
        DENIED,
        "the new key is not allowed"
    );
    let root_a = root(A);
    world.kms_ok(&root_a, "UpdateAlias", moved);
    let aliases = world.kms_ok(&root_a, "ListAliases", json!({ "KeyId": second }));
    assert_eq!(aliases["Aliases"][0]["AliasName"], "alias/x");
    assert_eq!(
        world
            .kms_err(
                &root_a,
                "CreateAlias",
                json!({ "AliasName": "alias/aws/foo", "TargetKeyId": first })
            )
            .0,
        DENIED
    );
    world.kms_ok(&root_a, "DeleteAlias", json!({ "AliasName": "alias/x" }));
    assert_eq!(
        world.kms_err(&root_a, "DescribeKey", json!({ "KeyId": "alias/x" })).0,
        "NotFoundException"
    );
}

#[test]
fn aws_managed_keys_are_used_through_their_service_only() {
    // svc:M-1, svc:M-3
    let world = World::new();
    let admin = world.user(A, "admin", Some(&allow(&["*"], "*")));
    let metadata = world.kms_ok(&admin, "DescribeKey", json!({ "KeyId": "alias/aws/s3" }))["KeyMetadata"].clone();
    assert_eq!(metadata["KeyManager"], "AWS");
    let key = text(&metadata["Arn"]);
    for (operation, body) in [
        ("Encrypt", json!({ "KeyId": key, "Plaintext": PLAINTEXT })),
        ("DisableKey", json!({ "KeyId": key })),
        (
            "CreateGrant",
            json!({ "KeyId": key, "GranteePrincipal": format!("arn:aws:iam::{A}:root"), "Operations": ["Decrypt"] }),
        ),
    ] {
        assert_eq!(world.kms_err(&admin, operation, body).0, DENIED, "{operation}");
    }
    let policy = world.kms_ok(&admin, "GetKeyPolicy", json!({ "KeyId": key }));
    assert!(text(&policy["Policy"]).contains("auto-s3-2"), "svc:M-7");
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

#[test]
fn dry_runs_tell_and_do_nothing() {
    // svc:K-26
    let world = World::new();
    let (root_a, key) = (root(A), world.key(A, None));
    let dry = |operation: &str, mut body: Value| {
        body["DryRun"] = json!(true);
        world.kms_err(&root_a, operation, body).0
    };
    let expected = "DryRunOperationException";
    assert_eq!(
        dry("Encrypt", json!({ "KeyId": key, "Plaintext": PLAINTEXT })),
        expected
    );
    assert_eq!(
        dry("GenerateDataKey", json!({ "KeyId": key, "KeySpec": "AES_256" })),
        expected
    );
    assert_eq!(
        dry(
            "Decrypt",
            json!({ "KeyId": key, "DryRunModifiers": ["IGNORE_CIPHERTEXT"] })
        ),
        expected
    );
    assert_eq!(
        dry("Decrypt", json!({ "DryRunModifiers": ["IGNORE_CIPHERTEXT"] })),
        "ValidationException"
    );
    let grantee = format!("arn:aws:iam::{A}:root");
    let grant = json!({ "KeyId": key, "GranteePrincipal": grantee, "Operations": ["Decrypt"] });
    assert_eq!(dry("CreateGrant", grant), expected);
    let listed = world.kms_ok(&root_a, "ListGrants", json!({ "KeyId": key }));
    assert_eq!(listed["Grants"], json!([]));
    world.kms_ok(&root_a, "DisableKey", json!({ "KeyId": key }));
    assert_eq!(
        dry("Encrypt", json!({ "KeyId": key, "Plaintext": PLAINTEXT })),
        "DisabledException"
    );
}

#[test]
fn listings_come_in_pages() {
    let world = World::new();
    let root_a = root(A);
    let mut expected: Vec<String> = (0..5).map(|_| world.key(A, None)).collect();
    expected.sort();
    let mut seen = Vec::new();
    let mut body = json!({ "Limit": 2 });
    loop {
        let page = world.kms_ok(&root_a, "ListKeys", body.clone());
        seen.extend(
            page["Keys"]
                .as_array()
                .expect("a list")
                .iter()
                .map(|key| text(&key["KeyArn"])),
        );
        if page["Truncated"] == json!(false) {
            break;
        }
        body["Marker"] = page["NextMarker"].clone();
    }
    assert_eq!(seen, expected);
    assert_eq!(
        world.kms_err(&root_a, "ListKeys", json!({ "Marker": "x" })).0,
        "InvalidMarkerException"
    );
}

#[test]
fn other_key_kinds_have_metadata_and_their_own_usage() {
    // svc:K-24, svc:N-6
    let world = World::new();
    let root_a = root(A);
    let (code, message) = world.kms_err(&root_a, "CreateKey", json!({ "KeySpec": "HMAC_256" }));
    assert_eq!(code, "ValidationException");
    assert_eq!(
        message,
        "You must specify a KeyUsage value for all KMS keys except for symmetric encryption keys."
    );
    let made = world.kms_ok(
        &root_a,
        "CreateKey",
        json!({ "KeySpec": "HMAC_256", "KeyUsage": "GENERATE_VERIFY_MAC" }),
    );
    let key = text(&made["KeyMetadata"]["Arn"]);
    assert_eq!(made["KeyMetadata"]["MacAlgorithms"], json!(["HMAC_SHA_256"]));
    let wrong = world.kms_err(&root_a, "Encrypt", json!({ "KeyId": key, "Plaintext": PLAINTEXT }));
    assert_eq!(
        wrong,
        (
            "InvalidKeyUsageException".to_owned(),
            format!("{key} key usage is GENERATE_VERIFY_MAC which is not valid for Encrypt.")
        )
    );
}
