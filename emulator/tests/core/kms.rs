//! KMS over the wire: keys, ciphertexts, policies, aliases, states, the trail. Grants are in `grants`.

use serde_json::{Value, json};

use crate::support::{self, A, B, World, allow, root, text};

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
