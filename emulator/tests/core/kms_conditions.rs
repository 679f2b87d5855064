//! KMS over the wire: the condition keys of svc:§3, one by one. Encryption contexts, aliases and tags are in `kms`.

use serde_json::{Value, json};

use crate::kms_data::{MESSAGE, make};
use crate::kms_life::{external, import_body};
use crate::support::{A, World, root, text};

#[test]
fn algorithms_and_messages_are_condition_keys() {
    // svc:C-7 … svc:C-11
    let world = World::new();
    let signing = make(&world, "ECC_NIST_P256", "SIGN_VERIFY");
    let mac = make(&world, "HMAC_256", "GENERATE_VERIFY_MAC");
    let agreement = make(&world, "ECC_NIST_P256", "KEY_AGREEMENT");
    let symmetric = world.key(A, None);
    world.kms_ok(
        &root(A),
        "CreateAlias",
        json!({ "AliasName": "alias/mac", "TargetKeyId": mac }),
    );
    let public = world.kms_ok(&root(A), "GetPublicKey", json!({ "KeyId": agreement }))["PublicKey"].clone();
    let mut number = 0;
    for (operation, key, value, body, allowed) in [
        (
            "Sign",
            "kms:SigningAlgorithm",
            "ECDSA_SHA_256",
            json!({ "KeyId": signing, "Message": MESSAGE, "SigningAlgorithm": "ECDSA_SHA_256" }),
            true,
        ),
        (
            "Sign",
            "kms:MessageType",
            "RAW",
            json!({ "KeyId": signing, "Message": MESSAGE, "SigningAlgorithm": "ECDSA_SHA_256" }),
            true,
        ),
        (
            "Sign",
            "kms:MessageType",
            "DIGEST",
            json!({ "KeyId": signing, "Message": MESSAGE, "SigningAlgorithm": "ECDSA_SHA_256" }),
            false,
        ),
        (
            "GenerateMac",
            "kms:MacAlgorithm",
            "HMAC_SHA_256",
            json!({ "KeyId": mac, "Message": MESSAGE, "MacAlgorithm": "HMAC_SHA_256" }),
            true,
        ),
        (
            "GenerateMac",
            "kms:RequestAlias",
            "alias/mac",
            json!({ "KeyId": "alias/mac", "Message": MESSAGE, "MacAlgorithm": "HMAC_SHA_256" }),
            true,
        ),
        (
            "GenerateMac",
            "kms:RequestAlias",
            "alias/mac",
            json!({ "KeyId": mac, "Message": MESSAGE, "MacAlgorithm": "HMAC_SHA_256" }),
            false,
        ),
        (
            "DeriveSharedSecret",
            "kms:KeyAgreementAlgorithm",
            "ECDH",
            json!({ "KeyId": agreement, "KeyAgreementAlgorithm": "ECDH", "PublicKey": public }),
            true,
        ),
        (
            "GenerateDataKeyPair",
            "kms:DataKeyPairSpec",
            "ECC_NIST_P256",
            json!({ "KeyId": symmetric, "KeyPairSpec": "ECC_NIST_P256" }),
            true,
        ),
        (
            "GenerateDataKeyPair",
            "kms:DataKeyPairSpec",
            "RSA_2048",
            json!({ "KeyId": symmetric, "KeyPairSpec": "ECC_NIST_P256" }),
            false,
        ),
        (
            "GenerateDataKeyPair",
            "kms:EncryptionAlgorithm",
            "SYMMETRIC_DEFAULT",
            json!({ "KeyId": symmetric, "KeyPairSpec": "ECC_NIST_P256" }),
            true,
        ),
        (
            "GetPublicKey",
            "kms:KeyUsage",
            "SIGN_VERIFY",
            json!({ "KeyId": signing }),
            true,
        ),
        (
            "GetPublicKey",
            "kms:SigningAlgorithm",
            "ECDSA_SHA_256",
            json!({ "KeyId": signing }),
            false,
        ),
    ] {
        number += 1;
        let policy = json!({
            "Version": "2012-10-17",
            "Statement": [{
                "Effect": "Allow", "Action": format!("kms:{operation}"), "Resource": "*",
                "Condition": { "StringEquals": { key: value } },
            }],
        });
        let user = world.user(A, &format!("user{number}"), Some(&policy));
        let (status, answer) = world.kms(&user, operation, body);
        assert_eq!(status == 200, allowed, "{operation} {key} {value}: {answer}");
    }
}

#[test]
fn import_and_rotation_parameters_are_condition_keys() {
    // svc:C-20, svc:C-22, svc:C-25, svc:C-26
    let world = World::new();
    let key = external(&world, json!({}));
    let other = world.key(A, None);
    let wrapping = json!({ "KeyId": key, "WrappingAlgorithm": "RSAES_OAEP_SHA_256", "WrappingKeySpec": "RSA_2048" });
    let given = world.kms_ok(&root(A), "GetParametersForImport", wrapping.clone());
    let mut import = import_body(&key, &given, "RSAES_OAEP_SHA_256", &[5; 32]);
    let mut number = 0;
    let mut check = |operation: &str, condition: Value, body: Value, allowed: bool| {
        number += 1;
        let policy = json!({
            "Version": "2012-10-17",
            "Statement": [{
                "Effect": "Allow", "Action": format!("kms:{operation}"), "Resource": "*", "Condition": condition,
            }],
        });
        let user = world.user(A, &format!("user{number}"), Some(&policy));
        let (status, answer) = world.kms(&user, operation, body);
        assert_eq!(status == 200, allowed, "{operation} {condition}: {answer}");
        if !allowed {
            assert_eq!(answer["__type"], "AccessDeniedException", "{operation} {condition}");
        }
    };
    for (name, value, allowed) in [
        ("kms:WrappingAlgorithm", "RSAES_OAEP_SHA_256", true),
        ("kms:WrappingAlgorithm", "RSAES_OAEP_SHA_1", false),
        ("kms:WrappingKeySpec", "RSA_2048", true),
        ("kms:KeyOrigin", "EXTERNAL", true),
    ] {
        let condition = json!({ "StringEquals": { name: value } });
        check("GetParametersForImport", condition, wrapping.clone(), allowed);
    }
    check(
        "ImportKeyMaterial",
        json!({ "Null": { "kms:ValidTo": "false" } }),
        import.clone(),
        false,
    );
    check(
        "ImportKeyMaterial",
        json!({ "StringEquals": { "kms:ExpirationModel": "KEY_MATERIAL_DOES_NOT_EXPIRE" } }),
        import.clone(),
        true,
    );
    import["ExpirationModel"] = json!("KEY_MATERIAL_EXPIRES");
    import["ValidTo"] = json!(1_736_300_000);
    let before = |date: &str| json!({ "DateLessThan": { "kms:ValidTo": date } });
    check(
        "ImportKeyMaterial",
        before("2025-01-08T01:00:00Z"),
        import.clone(),
        false,
    );
    check("ImportKeyMaterial", before("2025-01-08T02:00:00Z"), import, true);
    let at_most = |name: &str, value: &str| json!({ "NumericLessThanEquals": { name: value } });
    let rotation = |days: i64| json!({ "KeyId": other, "RotationPeriodInDays": days });
    check(
        "EnableKeyRotation",
        at_most("kms:RotationPeriodInDays", "200"),
        rotation(201),
        false,
    );
    check(
        "EnableKeyRotation",
        at_most("kms:RotationPeriodInDays", "200"),
        rotation(200),
        true,
    );
    let window = "kms:ScheduleKeyDeletionPendingWindowInDays";
    check(
        "ScheduleKeyDeletion",
        at_most(window, "10"),
        json!({ "KeyId": other }),
        false,
    );
    check(
        "ScheduleKeyDeletion",
        at_most(window, "10"),
        json!({ "KeyId": other, "PendingWindowInDays": 10 }),
        true,
    );
}

#[test]
fn grants_and_policies_have_condition_keys_of_their_own() {
    // svc:C-13 … svc:C-19, svc:C-28
    let world = World::new();
    let key = world.key(A, None);
    world.role(A, "R", None);
    let role = format!("arn:aws:iam::{A}:role/R");
    let account = format!("arn:aws:iam::{A}:root");
    let grant = json!({
        "KeyId": key, "GranteePrincipal": role, "RetiringPrincipal": account, "Operations": ["Decrypt"],
        "Constraints": { "EncryptionContextSubset": { "a": "b" } },
    });
    let put = json!({ "KeyId": key, "Policy": crate::support::key_policy(A, &[]).to_string() });
    let mut bypassing = put.clone();
    bypassing["BypassPolicyLockoutSafetyCheck"] = json!(true);
    let condition = |operator: &str, name: &str, value: &str| json!({ operator: { name: value } });
    for (number, (operation, condition, body, allowed)) in [
        (
            "CreateGrant",
            condition("StringEquals", "kms:GranteePrincipal", &role),
            &grant,
            true,
        ),
        (
            "CreateGrant",
            condition("StringEquals", "kms:GranteePrincipal", &account),
            &grant,
            false,
        ),
        (
            "CreateGrant",
            condition("StringEquals", "kms:RetiringPrincipal", &account),
            &grant,
            true,
        ),
        (
            "CreateGrant",
            condition("Null", "kms:GranteeServicePrincipal", "true"),
            &grant,
            true,
        ),
        (
            "CreateGrant",
            condition("StringEquals", "kms:GrantConstraintType", "EncryptionContextSubset"),
            &grant,
            true,
        ),
        (
            "CreateGrant",
            condition("StringEquals", "kms:GrantConstraintType", "EncryptionContextEquals"),
            &grant,
            false,
        ),
        (
            "CreateGrant",
            condition("StringEquals", "kms:EncryptionContext:a", "b"),
            &grant,
            true,
        ),
        (
            "CreateGrant",
            condition("Bool", "kms:GrantIsForAWSResource", "false"),
            &grant,
            true,
        ),
        (
            "CreateGrant",
            condition("Bool", "kms:GrantIsForAWSResource", "true"),
            &grant,
            false,
        ),
        (
            "PutKeyPolicy",
            condition("Null", "kms:BypassPolicyLockoutSafetyCheck", "true"),
            &put,
            true,
        ),
        (
            "PutKeyPolicy",
            condition("Null", "kms:BypassPolicyLockoutSafetyCheck", "true"),
            &bypassing,
            false,
        ),
        (
            "PutKeyPolicy",
            condition("Bool", "kms:BypassPolicyLockoutSafetyCheck", "true"),
            &bypassing,
            true,
        ),
        (
            "PutKeyPolicy",
            condition("StringEquals", "kms:PolicyName", "default"),
            &put,
            true,
        ),
    ]
    .into_iter()
    .enumerate()
    {
        let statements = [json!({
            "Effect": "Allow", "Action": format!("kms:{operation}"), "Resource": "*", "Condition": condition,
        })];
        let policy = json!({ "Version": "2012-10-17", "Statement": statements });
        let user = world.user(A, &format!("user{number}"), Some(&policy));
        let (status, answer) = world.kms(&user, operation, body.clone());
        let denied = answer["__type"] == "AccessDeniedException";
        assert_eq!(!denied, allowed, "{operation} {condition}: {status} {answer}");
    }
}

#[test]
fn properties_of_the_key_are_condition_keys_everywhere() {
    // svc:C-1, svc:C-2
    let world = World::new();
    let mac = make(&world, "HMAC_256", "GENERATE_VERIFY_MAC");
    let made = world.kms_ok(&root(A), "CreateKey", json!({ "MultiRegion": true }));
    let multi = text(&made["KeyMetadata"]["Arn"]);
    for (number, (key, operator, name, value, allowed)) in [
        (&mac, "StringEquals", "kms:KeySpec", "HMAC_256", true),
        (&mac, "StringEquals", "kms:CustomerMasterKeySpec", "HMAC_256", true),
        (&mac, "StringEquals", "kms:KeyUsage", "GENERATE_VERIFY_MAC", true),
        (&mac, "StringEquals", "kms:KeyOrigin", "AWS_KMS", true),
        (&mac, "Bool", "kms:MultiRegion", "false", true),
        (&mac, "Null", "kms:MultiRegionKeyType", "true", true),
        (&mac, "StringEquals", "kms:CallerAccount", A, true),
        (&mac, "Null", "kms:ViaService", "true", true),
        (&multi, "Bool", "kms:MultiRegion", "true", true),
        (&multi, "StringEquals", "kms:MultiRegionKeyType", "PRIMARY", true),
        (&multi, "StringEquals", "kms:KeySpec", "HMAC_256", false),
    ]
    .into_iter()
    .enumerate()
    {
        let policy = json!({
            "Version": "2012-10-17",
            "Statement": [{
                "Effect": "Allow", "Action": "kms:*", "Resource": "*", "Condition": { operator: { name: value } },
            }],
        });
        let user = world.user(A, &format!("user{number}"), Some(&policy));
        for operation in [
            "DescribeKey",
            "GetKeyPolicy",
            "ListGrants",
            "GetKeyLastUsage",
            "ListResourceTags",
        ] {
            let (status, answer) = world.kms(&user, operation, json!({ "KeyId": key }));
            assert_eq!(status == 200, allowed, "{operation} {name}: {answer}");
        }
    }
}
