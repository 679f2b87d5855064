//! Grants over the wire, in the details of svc:§4: who can be a grantee, which operation goes with which key, what
//! constraints look like, who sees and ends grants. The main lines are in `grants`.

use serde_json::{Value, json};

use crate::kms::{DENIED, encrypt};
use crate::kms_data::make;
use crate::support::{A, B, Keys, World, allow, key_policy, root, text};

const REFUSED: &str = "InvalidArnException";
const INVALID: &str = "ValidationException";

fn create(world: &World, keys: &Keys, key: &str, body: Value) -> (u16, Value) {
    let mut all = json!({ "KeyId": key, "Operations": ["Decrypt"] });
    for (name, value) in body.as_object().expect("an object") {
        all[name] = value.clone();
    }
    world.kms(keys, "CreateGrant", all)
}

#[test]
fn grantees_are_accounts_users_roles_and_sessions() {
    // svc:G-2, svc:G-3
    let world = World::new();
    let key = world.key(A, None);
    world.role(A, "R", None);
    world.role(B, "Foreign", None);
    world.user(A, "U", None);
    world.iam_ok(&root(A), "CreateGroup", &[("GroupName", "G")]);
    for (grantee, code) in [
        (format!("arn:aws:iam::{A}:root"), ""),
        (format!("arn:aws:iam::{B}:root"), ""),
        (format!("arn:aws:iam::{A}:user/U"), ""),
        (format!("arn:aws:iam::{A}:role/R"), ""),
        (format!("arn:aws:iam::{B}:role/Foreign"), ""),
        (format!("arn:aws:sts::{A}:assumed-role/R/session"), ""),
        (format!("arn:aws:sts::{A}:federated-user/anybody"), ""),
        (format!("arn:aws:iam::{A}:user/Nobody"), REFUSED),
        (format!("arn:aws:iam::{A}:role/Nobody"), REFUSED),
        (format!("arn:aws:sts::{A}:assumed-role/Nobody/session"), REFUSED),
        (format!("arn:aws:sts::{A}:assumed-role/R"), REFUSED),
        (format!("arn:aws:iam::{A}:group/G"), REFUSED),
        (A.to_owned(), REFUSED),
        ("lambda.amazonaws.com".to_owned(), REFUSED),
        ("*".to_owned(), REFUSED),
        (format!("arn:aws:iam::{A}:*"), REFUSED),
        (String::new(), INVALID),
    ] {
        let (status, answer) = create(&world, &root(A), &key, json!({ "GranteePrincipal": grantee }));
        assert_eq!(
            answer["__type"].as_str().unwrap_or_default(),
            code,
            "{grantee}: {status} {answer}"
        );
    }
    assert_eq!(
        create(&world, &root(A), &key, json!({})).1["__type"],
        INVALID,
        "exactly one of the two"
    );
}

#[test]
fn services_are_grantees_with_source_arn_and_retiring_principal() {
    // svc:G-2, svc:G-13, svc:C-15, svc:C-17
    let world = World::new();
    let key = world.key(A, None);
    let table = format!("arn:aws:dynamodb:us-east-1:{A}:table/T1");
    let blob = encrypt(&world, &root(A), &key, json!({}));
    let service = "dynamodb.amazonaws.com";
    for (body, code) in [
        (json!({ "GranteeServicePrincipal": service }), INVALID),
        (
            json!({ "GranteeServicePrincipal": service, "Constraints": { "SourceArn": table } }),
            INVALID,
        ),
        (
            json!({ "GranteeServicePrincipal": service, "RetiringServicePrincipal": service }),
            INVALID,
        ),
        (
            json!({
                "GranteeServicePrincipal": service, "GranteePrincipal": format!("arn:aws:iam::{A}:root"),
                "RetiringServicePrincipal": service, "Constraints": { "SourceArn": table },
            }),
            INVALID,
        ),
        (
            json!({
                "GranteeServicePrincipal": service, "RetiringServicePrincipal": service,
                "Constraints": { "SourceArn": table },
            }),
            "",
        ),
    ] {
        let (_, answer) = create(&world, &root(A), &key, body.clone());
        assert_eq!(answer["__type"].as_str().unwrap_or_default(), code, "{body}: {answer}");
    }
    let call = |source: Option<&str>| {
        let mut principal = json!({ "name": service });
        if let Some(arn) = source {
            principal["source_arn"] = json!(arn);
        }
        let keys = world.mint(&json!({ "principal": { "service": principal } }));
        world
            .kms(&keys, "Decrypt", json!({ "CiphertextBlob": blob, "KeyId": key }))
            .0
    };
    assert_eq!(call(Some(&table)), 200);
    assert_eq!(call(Some(&table.replace("T1", "T2"))), 400);
    assert_eq!(call(None), 400);
}

#[test]
fn granted_operations_suit_the_key() {
    // svc:G-4
    let world = World::new();
    let grantee = format!("arn:aws:iam::{A}:root");
    let everything = ["CreateGrant", "DescribeKey", "RetireGrant"];
    let symmetric = [
        "Decrypt",
        "Encrypt",
        "GenerateDataKey",
        "GenerateDataKeyPair",
        "GenerateDataKeyPairWithoutPlaintext",
        "GenerateDataKeyWithoutPlaintext",
        "ReEncryptFrom",
        "ReEncryptTo",
    ];
    let rsa = ["Decrypt", "Encrypt", "GetPublicKey", "ReEncryptFrom", "ReEncryptTo"];
    let kinds: [(String, &[&str]); 6] = [
        (world.key(A, None), &symmetric),
        (make(&world, "RSA_2048", "ENCRYPT_DECRYPT"), &rsa),
        (
            make(&world, "ECC_NIST_P256", "SIGN_VERIFY"),
            &["GetPublicKey", "Sign", "Verify"],
        ),
        (
            make(&world, "HMAC_256", "GENERATE_VERIFY_MAC"),
            &["GenerateMac", "VerifyMac"],
        ),
        (
            make(&world, "ECC_NIST_P256", "KEY_AGREEMENT"),
            &["DeriveSharedSecret", "GetPublicKey"],
        ),
        (
            make(&world, "ML_KEM_768", "ENCAPSULATE_DECAPSULATE"),
            &["Decapsulate", "Encapsulate", "GetPublicKey"],
        ),
    ];
    let mut all: Vec<&str> = kinds.iter().flat_map(|(_, names)| names.iter().copied()).collect();
    all.extend(everything);
    all.sort_unstable();
    all.dedup();
    assert_eq!(all.len(), 19, "svc:G-4 has 19 operations");
    for (key, suited) in &kinds {
        for operation in &all {
            let body = json!({ "GranteePrincipal": grantee, "Operations": [operation] });
            let (_, answer) = create(&world, &root(A), key, body);
            let expected = if suited.contains(operation) || everything.contains(operation) {
                ""
            } else {
                INVALID
            };
            let code = answer["__type"].as_str().unwrap_or_default();
            assert_eq!(code, expected, "{operation} on {key}: {answer}");
        }
    }
    for operations in [json!([]), json!(["ReEncrypt"]), json!(["ListGrants"]), json!("Decrypt")] {
        let body = json!({ "GranteePrincipal": grantee, "Operations": operations });
        assert_eq!(create(&world, &root(A), &kinds[0].0, body).0, 400, "{operations}");
    }
}

#[test]
fn constraints_have_limits() {
    // svc:G-10
    let world = World::new();
    let grantee = format!("arn:aws:iam::{A}:root");
    let symmetric = world.key(A, None);
    let mac = make(&world, "HMAC_256", "GENERATE_VERIFY_MAC");
    let pairs = |count: usize, length: usize| -> Value {
        (0..count)
            .map(|index| (format!("k{index}"), json!("v".repeat(length))))
            .collect()
    };
    for (key, operation, constraints, code) in [
        (
            &symmetric,
            "Decrypt",
            json!({ "EncryptionContextEquals": pairs(8, 48) }),
            "",
        ),
        (
            &symmetric,
            "Decrypt",
            json!({ "EncryptionContextSubset": pairs(8, 49) }),
            INVALID,
        ),
        (
            &symmetric,
            "Decrypt",
            json!({ "EncryptionContextEquals": pairs(9, 1) }),
            INVALID,
        ),
        (
            &symmetric,
            "Decrypt",
            json!({ "EncryptionContextEquals": pairs(1, 1), "EncryptionContextSubset": pairs(1, 1) }),
            INVALID,
        ),
        (
            &mac,
            "GenerateMac",
            json!({ "EncryptionContextEquals": pairs(1, 1) }),
            INVALID,
        ),
        (&mac, "GenerateMac", json!({}), ""),
    ] {
        let body = json!({ "GranteePrincipal": grantee, "Operations": [operation], "Constraints": constraints });
        let (_, answer) = create(&world, &root(A), key, body);
        assert_eq!(
            answer["__type"].as_str().unwrap_or_default(),
            code,
            "{constraints}: {answer}"
        );
    }
}

#[test]
fn names_make_grants_idempotent_and_nothing_else_does() {
    // svc:G-7
    let world = World::new();
    let key = world.key(A, None);
    let grantee = format!("arn:aws:iam::{A}:root");
    let id = |body: Value| {
        let mut all = json!({ "GranteePrincipal": grantee, "Operations": ["Decrypt", "Encrypt"], "Name": "n" });
        for (name, value) in body.as_object().expect("an object") {
            all[name] = value.clone();
        }
        let (status, answer) = create(&world, &root(A), &key, all);
        assert_eq!(status, 200, "{answer}");
        text(&answer["GrantId"])
    };
    let first = id(json!({}));
    assert_eq!(id(json!({})), first);
    assert_eq!(
        id(json!({ "Operations": ["Encrypt", "Decrypt"] })),
        first,
        "the order is no difference"
    );
    assert_ne!(id(json!({ "Operations": ["Decrypt"] })), first);
    assert_ne!(id(json!({ "Name": "m" })), first);
    assert_ne!(
        id(json!({ "Constraints": { "EncryptionContextEquals": { "a": "b" } } })),
        first
    );
    assert_ne!(id(json!({ "Name": null })), id(json!({ "Name": null })));
    world.kms_ok(&root(A), "RevokeGrant", json!({ "KeyId": key, "GrantId": first }));
    assert_ne!(id(json!({})), first, "an ended grant does not come back");
}

#[test]
fn listings_filter_page_and_stay_with_their_account() {
    // svc:G-19
    let world = World::new();
    let policy = key_policy(
        A,
        &[json!({
            "Effect": "Allow", "Principal": { "AWS": B }, "Action": ["kms:CreateGrant", "kms:ListGrants", "kms:RevokeGrant"],
            "Resource": "*",
        })],
    );
    let key = world.key(A, Some(&policy));
    let admin = world.user(B, "admin", Some(&allow(&["kms:*"], "*")));
    let retiring = format!("arn:aws:iam::{B}:user/admin");
    let grantees = [format!("arn:aws:iam::{A}:root"), format!("arn:aws:iam::{B}:root")];
    let mut ids = Vec::new();
    for grantee in &grantees {
        let body = json!({ "GranteePrincipal": grantee, "RetiringPrincipal": retiring });
        let (status, answer) = create(&world, &admin, &key, body);
        assert_eq!(status, 200, "{answer}");
        ids.push(text(&answer["GrantId"]));
    }
    let listed = |body: Value| {
        let mut all = json!({ "KeyId": key });
        for (name, value) in body.as_object().expect("an object") {
            all[name] = value.clone();
        }
        let answer = world.kms_ok(&admin, "ListGrants", all);
        let grants = answer["Grants"].as_array().expect("a list").clone();
        assert!(grants.iter().all(|grant| grant.get("GrantToken").is_none()));
        assert!(
            grants
                .iter()
                .all(|grant| grant["IssuingAccount"] == json!(format!("arn:aws:iam::{B}:root")))
        );
        (
            grants.iter().map(|grant| text(&grant["GrantId"])).collect::<Vec<_>>(),
            answer,
        )
    };
    assert_eq!(listed(json!({})).0, ids);
    assert_eq!(listed(json!({ "GrantId": ids[1] })).0, &ids[1..]);
    assert_eq!(listed(json!({ "GranteePrincipal": grantees[0] })).0, &ids[..1]);
    let (page, answer) = listed(json!({ "Limit": 1 }));
    assert_eq!((page.as_slice(), &answer["Truncated"]), (&ids[..1], &json!(true)));
    assert_eq!(
        listed(json!({ "Limit": 1, "Marker": answer["NextMarker"] })).0,
        &ids[1..]
    );
    for (body, code) in [
        (json!({ "KeyId": key, "Limit": 0 }), INVALID),
        (json!({ "KeyId": key, "Limit": 101 }), INVALID),
        (json!({ "KeyId": key, "Marker": "?" }), "InvalidMarkerException"),
        (
            json!({ "KeyId": key, "GrantId": "nonsense" }),
            "InvalidGrantIdException",
        ),
        (json!({ "KeyId": "alias/nothing" }), "NotFoundException"),
    ] {
        assert_eq!(world.kms_err(&admin, "ListGrants", body.clone()).0, code, "{body}");
    }
    // The own account's retiring principals, across the accounts of the keys.
    let retirable = |keys: &Keys, principal: &str| {
        let answer = world.kms_ok(keys, "ListRetirableGrants", json!({ "RetiringPrincipal": principal }));
        answer["Grants"].as_array().expect("a list").len()
    };
    assert_eq!(retirable(&admin, &retiring), 2);
    assert_eq!(retirable(&root(A), &retiring), 0);
    // The key policy lets B revoke, and nobody else of B.
    let other = world.user(B, "other", None);
    let revoke = json!({ "KeyId": key, "GrantId": ids[0] });
    assert_eq!(world.kms_err(&other, "RevokeGrant", revoke.clone()).0, DENIED);
    world.kms_ok(&admin, "RevokeGrant", revoke.clone());
    assert_eq!(world.kms_err(&admin, "RevokeGrant", revoke).0, "NotFoundException");
}

#[test]
fn grants_never_combine_and_survive_the_states_of_their_key() {
    // svc:G-24, svc:G-9, svc:G-12
    let world = World::new();
    world.role(A, "R", None);
    let key = world.key(A, None);
    let grantee = format!("arn:aws:iam::{A}:role/R");
    let blob = encrypt(&world, &root(A), &key, json!({ "a": "y" }));
    for body in [
        json!({ "Operations": ["Decrypt"], "Constraints": { "EncryptionContextEquals": { "a": "x" } } }),
        json!({ "Operations": ["Encrypt", "DescribeKey"], "Constraints": { "EncryptionContextSubset": { "a": "y" } } }),
    ] {
        let mut body = body;
        body["GranteePrincipal"] = json!(grantee);
        assert_eq!(create(&world, &root(A), &key, body).0, 200);
    }
    let session = world.session(A, "R", "s1");
    let decrypt = json!({ "CiphertextBlob": blob, "KeyId": key, "EncryptionContext": { "a": "y" } });
    assert_eq!(world.kms_err(&session, "Decrypt", decrypt).0, DENIED);
    world.kms_ok(&session, "DescribeKey", json!({ "KeyId": key }));
    let sealed = json!({ "KeyId": key, "Plaintext": "eA==", "EncryptionContext": { "a": "y", "b": "z" } });
    world.kms_ok(&session, "Encrypt", sealed.clone());
    world.kms_ok(&root(A), "DisableKey", json!({ "KeyId": key }));
    assert_eq!(
        world.kms_err(&session, "Encrypt", sealed.clone()).0,
        "DisabledException"
    );
    world.kms_ok(&root(A), "EnableKey", json!({ "KeyId": key }));
    world.kms_ok(&session, "Encrypt", sealed);
}

#[test]
fn console_policies_delegate_administer_and_grant_for_services() {
    // svc:P-8, svc:P-9
    let world = World::new();
    let admin = world.user(A, "Admin", None);
    let user = world.user(A, "User", None);
    let arn = |name: &str| json!({ "AWS": format!("arn:aws:iam::{A}:user/{name}") });
    let policy = json!({
        "Version": "2012-10-17",
        "Id": "key-consolepolicy-3",
        "Statement": [
            {
                "Sid": "Enable IAM User Permissions", "Effect": "Allow",
                "Principal": { "AWS": format!("arn:aws:iam::{A}:root") }, "Action": "kms:*", "Resource": "*",
            },
            {
                "Sid": "Allow access for Key Administrators", "Effect": "Allow", "Principal": arn("Admin"),
                "Action": [
                    "kms:Create*", "kms:Describe*", "kms:Enable*", "kms:List*", "kms:Put*", "kms:Update*", "kms:Revoke*",
                    "kms:Disable*", "kms:Get*", "kms:Delete*", "kms:TagResource", "kms:UntagResource",
                    "kms:ScheduleKeyDeletion", "kms:CancelKeyDeletion",
                ],
                "Resource": "*",
            },
            {
                "Sid": "Allow use of the key", "Effect": "Allow", "Principal": arn("User"),
                "Action": ["kms:Encrypt", "kms:Decrypt", "kms:ReEncrypt*", "kms:GenerateDataKey*", "kms:DescribeKey"],
                "Resource": "*",
            },
            {
                "Sid": "Allow attachment of persistent resources", "Effect": "Allow", "Principal": arn("User"),
                "Action": ["kms:CreateGrant", "kms:ListGrants", "kms:RevokeGrant"], "Resource": "*",
                "Condition": { "Bool": { "kms:GrantIsForAWSResource": "true" } },
            },
        ],
    });
    let key = world.key(A, Some(&policy));
    let pair = json!({ "KeyId": key, "KeyPairSpec": "ECC_NIST_P256" });
    let grant = |name: &str| json!({ "KeyId": key, "GranteePrincipal": format!("arn:aws:iam::{A}:user/{name}"), "Operations": ["Decrypt", "Encrypt"] });
    for (operation, body, by_admin, by_user) in [
        ("Encrypt", json!({ "KeyId": key, "Plaintext": "eA==" }), false, true),
        ("GenerateDataKeyPair", pair, false, true),
        ("DescribeKey", json!({ "KeyId": key }), true, true),
        (
            "UpdateKeyDescription",
            json!({ "KeyId": key, "Description": "x" }),
            true,
            false,
        ),
        ("GetKeyRotationStatus", json!({ "KeyId": key }), true, false),
        ("RotateKeyOnDemand", json!({ "KeyId": key }), false, false),
        ("ListGrants", json!({ "KeyId": key }), true, false),
        ("CreateGrant", grant("User"), true, false),
        ("DisableKey", json!({ "KeyId": key }), true, false),
        ("EnableKey", json!({ "KeyId": key }), true, false),
    ] {
        for (keys, allowed) in [(&admin, by_admin), (&user, by_user)] {
            let (status, answer) = world.kms(keys, operation, body.clone());
            assert_eq!(status == 200, allowed, "{operation}: {answer}");
        }
    }
    // An administrator reaches everything by a detour.
    world.kms_ok(&admin, "CreateGrant", grant("Admin"));
    world.kms_ok(&admin, "Encrypt", json!({ "KeyId": key, "Plaintext": "eA==" }));
}

#[test]
fn managed_keys_have_the_recorded_policies() {
    // svc:M-2, svc:M-7
    let world = World::new();
    for (service, id, via) in [
        ("s3", "auto-s3-2", "s3.us-east-1.amazonaws.com"),
        ("lambda", "auto-awslambda", "lambda.us-east-1.amazonaws.com"),
        ("backup", "auto-backup-1", "backup.us-east-1.amazonaws.com"),
        ("ebs", "auto-ebs-2", "ec2.us-east-1.amazonaws.com"),
        ("dynamodb", "auto-dynamodb-3", "dynamodb.*.amazonaws.com"),
    ] {
        let metadata = world.kms_ok(
            &root(A),
            "DescribeKey",
            json!({ "KeyId": format!("alias/aws/{service}") }),
        );
        let key = metadata["KeyMetadata"]["KeyId"].clone();
        let policy = text(&world.kms_ok(&root(A), "GetKeyPolicy", json!({ "KeyId": key }))["Policy"]);
        assert!(policy.contains(id) && policy.contains(via), "{service}: {policy}");
        let status = world.kms_ok(&root(A), "GetKeyRotationStatus", json!({ "KeyId": key }));
        assert_eq!(status["KeyRotationEnabled"], true);
        assert_eq!(
            world.kms_err(&root(A), "RotateKeyOnDemand", json!({ "KeyId": key })).0,
            DENIED,
            "svc:M-1"
        );
    }
    let unknown = json!({ "KeyId": "alias/aws/nothing" });
    assert_eq!(world.kms_err(&root(A), "DescribeKey", unknown).0, "NotFoundException");
}
