//! Cases on which the two readings once disagreed and that were ruled for KMS, IAM and STS. Each test opens with its
//! case.

use serde_json::{Value, json};

use crate::support::{A, B, Keys, World, allow, key_policy, root, text};

const DENIED: &str = "AccessDeniedException";

/// Case: a grant is created, revoked or retired within the propagation delay, and the grantee goes on presenting its
/// token. Ruling (svc:G-21): the end of a grant propagates like its beginning, token or not; after that it is over.
#[test]
fn a_token_neither_shortens_nor_lengthens_the_end_of_a_grant() {
    for (ending, with_token) in [
        ("RevokeGrant", true),
        ("RevokeGrant", false),
        ("RetireGrant", true),
        ("RetireGrant", false),
    ] {
        let world = World::new();
        let clock = |minute: u32| {
            world.case(&json!({ "clock": format!("2025-01-08T00:{minute:02}:00Z"), "propagation_seconds": 300 }))
        };
        clock(0);
        world.role(A, "R", None);
        let key = world.key(A, None);
        let sealed = world.kms_ok(&root(A), "Encrypt", json!({ "KeyId": key, "Plaintext": "eA==" }));
        let grant =
            json!({ "KeyId": key, "GranteePrincipal": format!("arn:aws:iam::{A}:role/R"), "Operations": ["Decrypt"] });
        let made = world.kms_ok(&root(A), "CreateGrant", grant);
        let tokens = if with_token {
            json!([made["GrantToken"]])
        } else {
            json!([])
        };
        let allowed = || {
            let session = world.session(A, "R", "s1");
            let body = json!({ "CiphertextBlob": sealed["CiphertextBlob"], "GrantTokens": tokens });
            world.kms(&session, "Decrypt", body).0 == 200
        };
        assert_eq!(allowed(), with_token, "{ending} {with_token}: fresh");
        clock(6);
        assert!(allowed(), "{ending} {with_token}: propagated");
        world.kms_ok(&root(A), ending, json!({ "KeyId": key, "GrantId": made["GrantId"] }));
        assert!(allowed(), "{ending} {with_token}: lingers");
        clock(10);
        assert!(allowed(), "{ending} {with_token}: lingers to the last minute");
        clock(11);
        assert!(!allowed(), "{ending} {with_token}: over");
        assert_eq!(world.control("POST", "arrange", &json!({ "settle": true })).0, 204);
        clock(59);
        assert!(!allowed(), "{ending} {with_token}: over for good");
    }
}

/// Case: a key policy without Version. Ruling: errata iam:OQ-3 wins over svc:P-3, a missing Version is refused for
/// managed policies only; without it nothing is a policy variable (iam:G-23).
#[test]
fn key_policies_need_no_version() {
    let world = World::new();
    let mut policy = key_policy(A, &[]);
    policy.as_object_mut().expect("an object").remove("Version");
    let key = world.key(A, Some(&policy));
    let put = json!({ "KeyId": key, "PolicyName": "default", "Policy": policy.to_string() });
    world.kms_ok(&root(A), "PutKeyPolicy", put);
    let shown = world.kms_ok(
        &root(A),
        "GetKeyPolicy",
        json!({ "KeyId": key, "PolicyName": "default" }),
    );
    let shown: Value = serde_json::from_str(&text(&shown["Policy"])).expect("JSON");
    assert_eq!(shown, policy);
    world.kms_ok(&root(A), "DescribeKey", json!({ "KeyId": key }));
    policy["Version"] = json!("2013-10-17");
    let put = json!({ "KeyId": key, "PolicyName": "default", "Policy": policy.to_string() });
    assert_eq!(
        world.kms_err(&root(A), "PutKeyPolicy", put).0,
        "MalformedPolicyDocumentException"
    );
}

/// Case: kms:ReEncrypt without any parameter. Ruling (svc:K-32): what fails the API's own syntax check leaves no event
/// in the trail; what fails later does, whatever it is called.
#[test]
fn requests_that_kms_cannot_read_leave_no_event() {
    let world = World::new();
    let key = world.key(A, None);
    let before = world.trail().len();
    for (operation, body) in [
        ("ReEncrypt", json!({})),
        ("Encrypt", json!({ "KeyId": key })),
        ("Encrypt", json!({ "KeyId": key, "Plaintext": "" })),
        ("Encrypt", json!({ "KeyId": 1, "Plaintext": "eA==" })),
        ("GenerateDataKey", json!({ "KeyId": key })),
        ("GenerateDataKey", json!({ "KeyId": key, "KeySpec": "AES_1" })),
        ("GenerateRandom", json!({ "NumberOfBytes": 0 })),
        ("CreateGrant", json!({ "KeyId": key })),
        ("RetireGrant", json!({})),
        ("CreateKey", json!({ "KeySpec": "RSA_2048" })),
        ("CreateAlias", json!({ "AliasName": "x", "TargetKeyId": key })),
        ("ScheduleKeyDeletion", json!({ "KeyId": key, "PendingWindowInDays": 3 })),
        ("PutKeyPolicy", json!({ "KeyId": key, "Policy": "" })),
        ("PutKeyPolicy", json!({ "KeyId": key, "Policy": "{\"Id\":\"日本\"}" })),
    ] {
        let (code, _) = world.kms_err(&root(A), operation, body.clone());
        assert!(
            matches!(code.as_str(), "ValidationException" | "SerializationException"),
            "{operation} {body}: {code}"
        );
        assert_eq!(world.trail().len(), before, "{operation} {body}");
    }
    let grant = json!({ "KeyId": key, "GranteePrincipal": format!("arn:aws:iam::{A}:root"), "Operations": ["Sign"] });
    assert_eq!(
        world.kms_err(&root(A), "CreateGrant", grant).0,
        "ValidationException",
        "svc:G-4"
    );
    let events = world.trail();
    assert_eq!(
        (events.len(), &events[before]["errorCode"]),
        (before + 1, &json!("ValidationException")),
        "svc:T-9"
    );
    assert_eq!(
        world.kms_err(&root(A), "DescribeKey", json!({ "KeyId": "no-id" })).0,
        "NotFoundException"
    );
    assert_eq!(
        world.trail().len(),
        before + 2,
        "a key that is not found was looked for"
    );
}

/// Case: a role whose only way to a key is a key-policy statement whose Condition fails. Ruling (svc:X-2): the denial
/// names the resource-based policy unless a statement of the key policy delegates to the account for this request, and
/// a delegating statement whose Condition does not hold does not delegate now.
#[test]
fn a_statement_that_does_not_hold_now_does_not_delegate_now() {
    let elsewhere = json!({ "StringEquals": { "kms:ViaService": "s3.us-east-1.amazonaws.com" } });
    let anywhere = json!({ "Null": { "kms:ViaService": "true" } });
    let role = format!("arn:aws:iam::{A}:role/R");
    let account = format!("arn:aws:iam::{A}:root");
    for (who, condition, identity, blamed) in [
        (&role, &elsewhere, false, "resource-based"),
        (&role, &elsewhere, true, "resource-based"),
        (&account, &elsewhere, false, "resource-based"),
        (&account, &elsewhere, true, "resource-based"),
        (&account, &anywhere, false, "identity-based"),
    ] {
        let world = World::new();
        let policy = allow(&["kms:Decrypt"], "*");
        world.role(A, "R", identity.then_some(&policy));
        let key = world.key(
            A,
            Some(&json!({
                "Version": "2012-10-17",
                "Statement": [
                    { "Effect": "Allow", "Principal": { "AWS": account }, "NotAction": "kms:Decrypt", "Resource": "*" },
                    { "Effect": "Allow", "Principal": { "AWS": who }, "Action": "kms:Decrypt", "Resource": "*", "Condition": condition },
                ],
            })),
        );
        let sealed = world.kms_ok(&root(A), "Encrypt", json!({ "KeyId": key, "Plaintext": "eA==" }));
        let body = json!({ "KeyId": key, "CiphertextBlob": sealed["CiphertextBlob"] });
        let (code, message) = world.kms_err(&world.session(A, "R", "s1"), "Decrypt", body);
        assert_eq!(code, DENIED);
        assert_eq!(
            message,
            format!(
                "User: arn:aws:sts::{A}:assumed-role/R/s1 is not authorized to perform: kms:Decrypt on resource: {key} because no {blamed} policy allows the kms:Decrypt action"
            ),
            "{who} {condition} {identity}"
        );
    }
}

/// Case: `ForAllValues` on an encryption-context pair in a key policy. Ruling (svc:C-4): refused in the words of the KMS
/// developer guide; a foreign partition in `Resource` is none of KMS's concern (svc:K-14).
#[test]
fn what_kms_says_of_for_all_values_and_of_foreign_partitions() {
    let world = World::new();
    let key = world.key(A, None);
    let put = |statement: Value| {
        let policy = key_policy(A, &[statement]);
        json!({ "KeyId": key, "PolicyName": "default", "Policy": policy.to_string() })
    };
    let statement = json!({
        "Effect": "Allow", "Principal": "*", "Action": "kms:Decrypt", "Resource": "*",
        "Condition": { "ForAllValues:StringEquals": { "kms:EncryptionContext:a": "b" } },
    });
    let (code, message) = world.kms_err(&root(A), "PutKeyPolicy", put(statement));
    assert_eq!(code, "MalformedPolicyDocumentException");
    assert_eq!(
        message,
        "OverlyPermissiveCondition:EncryptionContext: Using the ForAllValues set operator with a single-valued \
         condition key matches requests without the specified encryption context or with an unspecified encryption \
         context. To fix, remove ForAllValues."
    );
    let statement =
        json!({ "Effect": "Deny", "Principal": "*", "Action": "kms:*", "Resource": "arn:aws-cn:s3:::data/*" });
    world.kms_ok(&root(A), "PutKeyPolicy", put(statement));
    world.kms_ok(&root(A), "DescribeKey", json!({ "KeyId": key }));
}

/// Case svc.pair.c-26. Ruling: the event of GetParametersForImport tells how the key material is to be wrapped, whether
/// the call succeeds or fails after authorization; a denied one tells nothing (svc:T-2).
#[test]
fn the_trail_tells_how_key_material_is_wrapped() {
    let world = World::new();
    let external = text(&world.kms_ok(&root(A), "CreateKey", json!({ "Origin": "EXTERNAL" }))["KeyMetadata"]["KeyId"]);
    let own = world.key(A, None);
    let nobody = world.user(A, "nobody", None);
    let caller = root(A);
    for (keys, key, error) in [
        (&caller, &external, None),
        (&caller, &own, Some("UnsupportedOperationException")),
        (&nobody, &external, Some("AccessDenied")),
    ] {
        let body = json!({ "KeyId": key, "WrappingAlgorithm": "RSAES_OAEP_SHA_256", "WrappingKeySpec": "RSA_2048" });
        world.kms(keys, "GetParametersForImport", body);
        let event = world.trail().pop().expect("the call is in the trail");
        assert_eq!(event["eventName"], "GetParametersForImport");
        assert_eq!(event.get("errorCode").and_then(Value::as_str), error);
        let expected = if error == Some("AccessDenied") {
            Value::Null
        } else {
            json!({ "keyId": key, "wrappingAlgorithm": "RSAES_OAEP_SHA_256", "wrappingKeySpec": "RSA_2048" })
        };
        assert_eq!(event["requestParameters"], expected, "{error:?}");
    }
}

/// Case kms-plaintext-4097, kms-plaintext-empty. Ruling: the text does not show the blob, as recorded from AWS.
#[test]
fn blobs_are_not_shown_in_validation_errors() {
    use base64::Engine as _;
    let world = World::new();
    let key = world.key(A, None);
    for (length, rule) in [(0, "greater than or equal to 1"), (4097, "less than or equal to 4096")] {
        let plaintext = base64::engine::general_purpose::STANDARD.encode(vec![b'a'; length]);
        let (code, message) = world.kms_err(&root(A), "Encrypt", json!({ "KeyId": key, "Plaintext": plaintext }));
        assert_eq!(code, "ValidationException");
        assert_eq!(
            message,
            format!(
                "1 validation error detected: Value at 'plaintext' failed to satisfy constraint: Member must have \
                 length {rule}"
            )
        );
    }
}

/// Case grant-constraint-asymmetric and svc.pair.c-9. Ruling (svc:K-32): the callers that may not are denied first; then
/// an encryption-context constraint on a key that knows no context, or a public key that is none, is a fault of the
/// request's form and leaves no event. An operation that the key does not support is no such fault (svc:T-9).
#[test]
fn faults_of_form_that_only_the_key_shows_leave_no_event() {
    let world = World::new();
    let made = |spec: &str, usage: &str| {
        let made = world.kms_ok(&root(A), "CreateKey", json!({ "KeySpec": spec, "KeyUsage": usage }));
        text(&made["KeyMetadata"]["KeyId"])
    };
    let (mac, agreement) = (
        made("HMAC_256", "GENERATE_VERIFY_MAC"),
        made("ECC_NIST_P256", "KEY_AGREEMENT"),
    );
    let nobody = world.user(A, "nobody", None);
    let grant = |operation: &str, constraints: Value| {
        json!({
            "KeyId": mac, "GranteePrincipal": format!("arn:aws:iam::{A}:root"), "Operations": [operation],
            "Constraints": constraints,
        })
    };
    let derive = json!({ "KeyId": agreement, "KeyAgreementAlgorithm": "ECDH", "PublicKey": "eA==" });
    let context = "EncryptionContext is supported only when creating a grant for a symmetric encryption KMS key.";
    for (operation, body, expected, events) in [
        (
            "CreateGrant",
            grant("GenerateMac", json!({ "EncryptionContextEquals": { "a": "b" } })),
            context,
            0,
        ),
        (
            "CreateGrant",
            grant("GenerateMac", json!({ "EncryptionContextSubset": { "a": "b" } })),
            context,
            0,
        ),
        (
            "CreateGrant",
            grant("Sign", json!({})),
            "The operation Sign is not supported by",
            1,
        ),
        (
            "DeriveSharedSecret",
            derive,
            "The public key is not a valid key of spec ECC_NIST_P256.",
            0,
        ),
    ] {
        let before = world.trail().len();
        let (code, _) = world.kms_err(&nobody, operation, body.clone());
        assert_eq!(
            (code.as_str(), world.trail().len()),
            (DENIED, before + 1),
            "{operation} {body}"
        );
        let (code, message) = world.kms_err(&root(A), operation, body.clone());
        assert_eq!(code, "ValidationException", "{operation} {body}");
        assert!(message.starts_with(expected), "{operation} {body}: {message}");
        assert_eq!(world.trail().len(), before + 1 + events, "{operation} {body}");
    }
}

/// Case: kms:TagResource on a key of another account, which never works, under an identity Deny, a Deny of that key's
/// policy, a service control policy that is silent, and none of these; and the same of a key that nobody has. Ruling
/// (svc:K-2, svc:K-9, iam:R-07): a Deny is the reason where there is one, then a silent guardrail; else the key's side.
#[test]
fn a_deny_is_told_before_a_foreign_key() {
    let world = World::new();
    let denying = json!({ "Effect": "Deny", "Principal": "*", "Action": "kms:TagResource", "Resource": "*" });
    let (open, closed) = (
        world.key(B, Some(&key_policy(B, &[]))),
        world.key(B, Some(&key_policy(B, &[denying]))),
    );
    let nobodys = format!(
        "{}/{}",
        open.rsplit_once('/').expect("an ARN").0,
        "0".repeat(8) + "-0000-0000-0000-000000000000"
    );
    let user = world.user(A, "u", Some(&allow(&["kms:*"], "*")));
    let deny =
        json!({ "Version": "2012-10-17", "Statement": [{ "Effect": "Deny", "Action": "kms:Tag*", "Resource": "*" }] });
    let denied = world.user(A, "denied", Some(&deny));
    let message = |keys: &Keys, key: &str| {
        let tags = json!([{ "TagKey": "a", "TagValue": "b" }]);
        let (code, message) = world.kms_err(keys, "TagResource", json!({ "KeyId": key, "Tags": tags }));
        assert_eq!(code, "AccessDeniedException");
        let (_, reason) = message
            .split_once(&format!("on resource: {key} "))
            .expect("the key is named");
        reason.to_owned()
    };
    let silent = "because no resource-based policy allows the kms:TagResource action";
    assert_eq!(message(&user, &open), silent);
    assert_eq!(message(&user, &nobodys), silent);
    assert_eq!(
        message(&user, &closed),
        "with an explicit deny in a resource-based policy"
    );
    for key in [&open, &nobodys] {
        assert_eq!(
            message(&denied, key),
            "with an explicit deny in an identity-based policy"
        );
    }
    // The guardrail of the caller's organization.
    let document = allow(&["s3:*"], "*").to_string();
    world.case(&json!({ "organization": {
        "id": "o-1", "management_account": "999999999999",
        "root": { "scp": [], "rcp": [], "accounts": [], "units": {
            "ou-1": { "scp": [{ "name": "s3", "document": document }], "rcp": [], "accounts": [A], "units": {} },
        } },
    } }));
    assert_eq!(
        message(&user, &open),
        "because no service control policy allows the kms:TagResource action"
    );
}

/// Case kms.regression.foreign-operation-deny-first. Ruling (svc:K-9, iam:L-10): a Deny that hangs on a condition key of
/// the operation's own parameters or of the key is told too, in the answer and in the caller's trail, and only while its
/// condition holds; whatever is allowed on both sides, the operation never works across accounts.
#[test]
fn a_conditional_deny_is_told_before_a_foreign_key() {
    let world = World::new();
    let deny = |action: &str, condition: Value| {
        json!({
            "Effect": "Deny", "Principal": { "AWS": format!("arn:aws:iam::{B}:root") }, "Action": action,
            "Resource": "*", "Condition": condition,
        })
    };
    let open = json!({ "Effect": "Allow", "Principal": { "AWS": B }, "Action": "kms:*", "Resource": "*" });
    let key = world.key(
        A,
        Some(&key_policy(
            A,
            &[
                open,
                deny(
                    "kms:GetKeyPolicy",
                    json!({ "StringEquals": { "kms:PolicyName": "default" } }),
                ),
                deny(
                    "kms:TagResource",
                    json!({ "StringEquals": { "aws:RequestTag/a": "denied" } }),
                ),
                deny(
                    "kms:DisableKey",
                    json!({ "NumericLessThan": { "kms:TrailingDaysWithoutKeyUsage": "1" } }),
                ),
                deny(
                    "kms:UntagResource",
                    json!({ "ForAnyValue:StringEquals": { "aws:TagKeys": ["denied"] } }),
                ),
            ],
        )),
    );
    let user = world.user(B, "w", Some(&allow(&["kms:*"], "*")));
    let told = "with an explicit deny in a resource-based policy".to_owned();
    let silent = |operation: &str| format!("because no resource-based policy allows the kms:{operation} action");
    let tag = |value: &str| json!({ "KeyId": key, "Tags": [{ "TagKey": "a", "TagValue": value }] });
    for (operation, body, reason) in [
        ("ListKeyPolicies", json!({ "KeyId": key }), silent("ListKeyPolicies")),
        ("GetKeyPolicy", json!({ "KeyId": key }), told.clone()),
        (
            "GetKeyPolicy",
            json!({ "KeyId": key, "PolicyName": "other" }),
            silent("GetKeyPolicy"),
        ),
        ("TagResource", tag("denied"), told.clone()),
        ("TagResource", tag("b"), silent("TagResource")),
        (
            "UntagResource",
            json!({ "KeyId": key, "TagKeys": ["denied"] }),
            told.clone(),
        ),
        (
            "UntagResource",
            json!({ "KeyId": key, "TagKeys": ["b"] }),
            silent("UntagResource"),
        ),
        ("DisableKey", json!({ "KeyId": key }), told),
        ("EnableKey", json!({ "KeyId": key }), silent("EnableKey")),
    ] {
        let (code, message) = world.kms_err(&user, operation, body.clone());
        assert_eq!(code, DENIED, "{operation} {body}");
        let expected = format!(
            "User: arn:aws:iam::{B}:user/w is not authorized to perform: kms:{operation} on resource: {key} {reason}"
        );
        assert_eq!(message, expected, "{operation} {body}");
        let event = world.trail().pop().expect("the call is in the trail");
        assert_eq!(
            (&event["eventName"], &event["errorMessage"]),
            (&json!(operation), &json!(expected))
        );
        assert_eq!(event["recipientAccountId"], B, "{operation} {body}");
    }
}

/// Case: a caller asks for a key of another account that does not exist, under a Deny of its own that hangs on the
/// request. Ruling (svc:K-32, iam:L-10): the Deny is the reason, with the condition keys of the request; without it the
/// silent key policy is, as ever.
#[test]
fn the_requests_own_keys_are_told_before_an_unknown_foreign_key() {
    let world = World::new();
    let user = world.user(B, "w", None);
    let key = format!("arn:aws:kms:us-east-1:{A}:key/1234abcd-12ab-34cd-56ef-1234567890ab");
    let alias = format!("arn:aws:kms:us-east-1:{A}:alias/none");
    let role = format!("arn:aws:iam::{B}:role/R");
    world.role(B, "R", None);
    let team = json!({ "StringEquals": { "kms:EncryptionContext:team": "red" } });
    let algorithm = json!({ "StringEquals": { "kms:EncryptionAlgorithm": "SYMMETRIC_DEFAULT" } });
    let context = |value: &str| json!({ "KeyId": key, "Plaintext": "YQ==", "EncryptionContext": { "team": value } });
    for (operation, body, condition, denied) in [
        ("Encrypt", context("red"), team.clone(), true),
        ("Encrypt", context("blue"), team.clone(), false),
        ("Encrypt", context("blue"), algorithm, true),
        (
            "GenerateDataKey",
            json!({ "KeyId": key, "KeySpec": "AES_256", "EncryptionContext": { "team": "red" } }),
            team,
            true,
        ),
        (
            "Sign",
            json!({ "KeyId": key, "Message": "YQ==", "SigningAlgorithm": "ECDSA_SHA_256" }),
            json!({ "StringEquals": { "kms:SigningAlgorithm": "ECDSA_SHA_256" } }),
            true,
        ),
        (
            "CreateGrant",
            json!({ "KeyId": key, "GranteePrincipal": role, "Operations": ["Decrypt"] }),
            json!({ "ForAnyValue:StringEquals": { "kms:GrantOperations": "Decrypt" } }),
            true,
        ),
        (
            "Encrypt",
            json!({ "KeyId": alias, "Plaintext": "YQ==" }),
            json!({ "StringEquals": { "kms:RequestAlias": "alias/none" } }),
            true,
        ),
        (
            "Encrypt",
            context("red"),
            json!({ "Null": { "kms:KeySpec": "false" } }),
            false,
        ),
    ] {
        let policy = json!({
            "Version": "2012-10-17",
            "Statement": [
                { "Effect": "Allow", "Action": "kms:*", "Resource": "*" },
                { "Effect": "Deny", "Action": format!("kms:{operation}"), "Resource": "*", "Condition": condition },
            ],
        })
        .to_string();
        let put = [
            ("UserName", "w"),
            ("PolicyName", "p"),
            ("PolicyDocument", policy.as_str()),
        ];
        world.iam_ok(&root(B), "PutUserPolicy", &put);
        let (code, message) = world.kms_err(&user, operation, body.clone());
        assert_eq!(code, DENIED, "{operation} {body}");
        let reason = if denied {
            "with an explicit deny in an identity-based policy".to_owned()
        } else {
            format!("because no resource-based policy allows the kms:{operation} action")
        };
        assert!(message.ends_with(&reason), "{operation} {body} {condition}: {message}");
    }
}
