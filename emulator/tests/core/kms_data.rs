//! KMS over the wire: RSA encryption, signatures, MACs, key agreement, data key pairs, and which key takes what.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};

use crate::support::{A, B, World, allow, key_policy, root, text};

pub(crate) const MESSAGE: &str = "bWVzc2FnZQ==";

pub(crate) fn make(world: &World, spec: &str, usage: &str) -> String {
    let made = world.kms_ok(&root(A), "CreateKey", json!({ "KeySpec": spec, "KeyUsage": usage }));
    text(&made["KeyMetadata"]["Arn"])
}

fn bytes(value: &Value) -> Vec<u8> {
    STANDARD.decode(text(value)).expect("base64")
}

#[test]
fn signatures_hold_for_their_message_key_and_algorithm() {
    // svc:K-24
    let world = World::new();
    let root = root(A);
    for (spec, algorithm, other) in [
        ("RSA_2048", "RSASSA_PSS_SHA_256", "RSASSA_PKCS1_V1_5_SHA_256"),
        ("ECC_NIST_P256", "ECDSA_SHA_256", ""),
        ("ECC_NIST_P384", "ECDSA_SHA_384", ""),
        ("ECC_NIST_P521", "ECDSA_SHA_512", ""),
        ("ECC_SECG_P256K1", "ECDSA_SHA_256", ""),
        ("ECC_NIST_EDWARDS25519", "ED25519_SHA_512", ""),
    ] {
        let key = make(&world, spec, "SIGN_VERIFY");
        let body = json!({ "KeyId": key, "Message": MESSAGE, "SigningAlgorithm": algorithm });
        let signed = world.kms_ok(&root, "Sign", body.clone());
        assert_eq!(
            (text(&signed["KeyId"]), text(&signed["SigningAlgorithm"])),
            (key.clone(), algorithm.to_owned())
        );
        // A nonce or a salt is drawn each time; Ed25519 has none.
        let again = world.kms_ok(&root, "Sign", body.clone())["Signature"].clone();
        assert_eq!(again == signed["Signature"], spec == "ECC_NIST_EDWARDS25519", "{spec}");
        let mut verify = body.clone();
        verify["Signature"] = again;
        assert_eq!(
            world.kms_ok(&root, "Verify", verify.clone())["SignatureValid"],
            true,
            "{spec}"
        );
        verify["Signature"] = signed["Signature"].clone();
        let verified = world.kms_ok(&root, "Verify", verify.clone());
        assert_eq!(verified["SignatureValid"], true, "{spec}");
        let mut wrong = verify.clone();
        wrong["Message"] = json!("b3RoZXI=");
        assert_eq!(
            world.kms_err(&root, "Verify", wrong),
            ("KMSInvalidSignatureException".to_owned(), String::new()),
            "{spec}"
        );
        if !other.is_empty() {
            let mut wrong = verify.clone();
            wrong["SigningAlgorithm"] = json!(other);
            assert_eq!(world.kms_err(&root, "Verify", wrong).0, "KMSInvalidSignatureException");
        }
        let mut wrong = body.clone();
        wrong["SigningAlgorithm"] = json!("SM2DSA");
        assert_eq!(
            world.kms_err(&root, "Sign", wrong),
            (
                "InvalidKeyUsageException".to_owned(),
                format!("Algorithm SM2DSA is incompatible with key spec {spec}.")
            )
        );
        let public = world.kms_ok(&root, "GetPublicKey", json!({ "KeyId": key }));
        assert_eq!(public["KeyUsage"], "SIGN_VERIFY");
        assert!(
            public["SigningAlgorithms"]
                .as_array()
                .expect("a list")
                .contains(&json!(algorithm)),
            "{public}"
        );
        assert!(bytes(&public["PublicKey"]).len() > 40);
    }
}

#[test]
fn digests_must_have_the_length_of_their_algorithm() {
    let world = World::new();
    let root = root(A);
    let key = make(&world, "ECC_NIST_P256", "SIGN_VERIFY");
    let body = |message: &[u8], message_type: &str| {
        json!({
            "KeyId": key, "Message": STANDARD.encode(message), "MessageType": message_type,
            "SigningAlgorithm": "ECDSA_SHA_256",
        })
    };
    world.kms_ok(&root, "Sign", body(&[1; 32], "DIGEST"));
    assert_eq!(
        world.kms_err(&root, "Sign", body(&[1; 31], "DIGEST")),
        (
            "ValidationException".to_owned(),
            "Digest is invalid length for algorithm ECDSA_SHA_256.".to_owned()
        )
    );
    assert_eq!(
        world.kms_err(&root, "Sign", body(&[1; 64], "EXTERNAL_MU")).0,
        "ValidationException"
    );
    assert_eq!(
        world.kms_err(&root, "Sign", body(&[1; 4097], "RAW")).0,
        "ValidationException"
    );
    world.kms_ok(&root, "Sign", body(&[], "RAW"));
    let edwards = make(&world, "ECC_NIST_EDWARDS25519", "SIGN_VERIFY");
    let pure = json!({
        "KeyId": edwards, "Message": MESSAGE, "MessageType": "DIGEST", "SigningAlgorithm": "ED25519_SHA_512",
    });
    assert_eq!(
        world.kms_err(&root, "Sign", pure),
        (
            "ValidationException".to_owned(),
            "Message type DIGEST is incompatible with algorithm ED25519_SHA_512.".to_owned()
        )
    );
    let hashed = json!({
        "KeyId": edwards, "Message": STANDARD.encode([7; 64]), "MessageType": "DIGEST",
        "SigningAlgorithm": "ED25519_PH_SHA_512",
    });
    let signed = world.kms_ok(&root, "Sign", hashed.clone());
    let mut verify = hashed;
    verify["Signature"] = signed["Signature"].clone();
    world.kms_ok(&root, "Verify", verify);
}

#[test]
fn macs_are_those_of_their_key() {
    let world = World::new();
    let root = root(A);
    for (bits, length) in [("224", 28), ("256", 32), ("384", 48), ("512", 64)] {
        let key = make(&world, &format!("HMAC_{bits}"), "GENERATE_VERIFY_MAC");
        let body = json!({ "KeyId": key, "Message": MESSAGE, "MacAlgorithm": format!("HMAC_SHA_{bits}") });
        let made = world.kms_ok(&root, "GenerateMac", body.clone());
        assert_eq!(bytes(&made["Mac"]).len(), length);
        let mut verify = body.clone();
        verify["Mac"] = made["Mac"].clone();
        assert_eq!(world.kms_ok(&root, "VerifyMac", verify.clone())["MacValid"], true);
        verify["Message"] = json!("b3RoZXI=");
        assert_eq!(
            world.kms_err(&root, "VerifyMac", verify),
            ("KMSInvalidMacException".to_owned(), String::new())
        );
        let mut wrong = body;
        wrong["MacAlgorithm"] = json!(if bits == "224" { "HMAC_SHA_256" } else { "HMAC_SHA_224" });
        let (code, message) = world.kms_err(&root, "GenerateMac", wrong);
        assert_eq!(code, "InvalidKeyUsageException");
        assert!(
            message.ends_with(&format!("is incompatible with key spec HMAC_{bits}.")),
            "{message}"
        );
    }
}

#[test]
fn rsa_keys_encrypt_what_they_can_hold() {
    let world = World::new();
    let root = root(A);
    let key = make(&world, "RSA_2048", "ENCRYPT_DECRYPT");
    let symmetric = world.key(A, None);
    let body = |length: usize, algorithm: &str| json!({ "KeyId": key, "Plaintext": STANDARD.encode(vec![7; length]), "EncryptionAlgorithm": algorithm });
    for (algorithm, longest) in [("RSAES_OAEP_SHA_1", 214), ("RSAES_OAEP_SHA_256", 190)] {
        let sealed = world.kms_ok(&root, "Encrypt", body(longest, algorithm));
        assert_eq!(sealed["EncryptionAlgorithm"], algorithm);
        assert_eq!(
            world.kms_err(&root, "Encrypt", body(longest + 1, algorithm)),
            (
                "ValidationException".to_owned(),
                format!("Algorithm {algorithm} and key spec RSA_2048 cannot encrypt data larger than {longest} bytes.")
            )
        );
        let open = json!({
            "KeyId": key, "CiphertextBlob": sealed["CiphertextBlob"], "EncryptionAlgorithm": algorithm,
        });
        let opened = world.kms_ok(&root, "Decrypt", open.clone());
        assert_eq!(bytes(&opened["Plaintext"]), vec![7; longest]);
        assert_eq!(
            opened.get("KeyMaterialId"),
            None,
            "only symmetric keys have material ids"
        );
        // From the RSA key to a symmetric key and back.
        let moved = world.kms_ok(
            &root,
            "ReEncrypt",
            json!({
                "SourceKeyId": key, "SourceEncryptionAlgorithm": algorithm, "CiphertextBlob": sealed["CiphertextBlob"],
                "DestinationKeyId": symmetric,
            }),
        );
        assert_eq!(moved["SourceEncryptionAlgorithm"], algorithm);
        let opened = world.kms_ok(&root, "Decrypt", json!({ "CiphertextBlob": moved["CiphertextBlob"] }));
        assert_eq!(bytes(&opened["Plaintext"]), vec![7; longest]);
        // The key of an asymmetric ciphertext cannot be guessed.
        let mut unnamed = open;
        unnamed.as_object_mut().expect("an object").remove("KeyId");
        assert_eq!(world.kms_err(&root, "Decrypt", unnamed).0, "InvalidCiphertextException");
    }
    assert_eq!(
        world.kms_err(&root, "Encrypt", json!({ "KeyId": key, "Plaintext": MESSAGE })),
        (
            "InvalidKeyUsageException".to_owned(),
            "Algorithm SYMMETRIC_DEFAULT is incompatible with key spec RSA_2048.".to_owned()
        )
    );
    let mut with_context = body(10, "RSAES_OAEP_SHA_256");
    with_context["EncryptionContext"] = json!({ "a": "b" });
    assert_eq!(world.kms_err(&root, "Encrypt", with_context).0, "ValidationException");
    let garbage = json!({
        "KeyId": key, "CiphertextBlob": STANDARD.encode([1; 256]), "EncryptionAlgorithm": "RSAES_OAEP_SHA_256",
    });
    assert_eq!(world.kms_err(&root, "Decrypt", garbage).0, "InvalidCiphertextException");
    assert_eq!(
        world
            .kms_err(&root, "GenerateDataKey", json!({ "KeyId": key, "KeySpec": "AES_256" }))
            .0,
        "InvalidKeyUsageException"
    );
}

#[test]
fn data_key_pairs_come_with_and_without_their_private_half() {
    let world = World::new();
    let root = root(A);
    let key = world.key(A, None);
    for spec in [
        "RSA_2048",
        "ECC_NIST_P256",
        "ECC_NIST_P384",
        "ECC_NIST_P521",
        "ECC_SECG_P256K1",
        "ECC_NIST_EDWARDS25519",
    ] {
        let body = json!({ "KeyId": key, "KeyPairSpec": spec, "EncryptionContext": { "a": "b" } });
        let made = world.kms_ok(&root, "GenerateDataKeyPair", body.clone());
        assert_eq!(made["KeyPairSpec"], spec);
        let opened = world.kms_ok(
            &root,
            "Decrypt",
            json!({ "CiphertextBlob": made["PrivateKeyCiphertextBlob"], "EncryptionContext": { "a": "b" } }),
        );
        assert_eq!(opened["Plaintext"], made["PrivateKeyPlaintext"], "{spec}");
        let silent = world.kms_ok(&root, "GenerateDataKeyPairWithoutPlaintext", body);
        assert_eq!(silent.get("PrivateKeyPlaintext"), None);
        assert_ne!(silent["PublicKey"], made["PublicKey"], "every pair is a new one");
    }
    for spec in ["SM2", "ML_KEM_768"] {
        let refused = world.kms_err(
            &root,
            "GenerateDataKeyPair",
            json!({ "KeyId": key, "KeyPairSpec": spec }),
        );
        assert_eq!(refused.0, "UnsupportedOperationException");
    }
    let dry = json!({ "KeyId": key, "KeyPairSpec": "RSA_4096", "DryRun": true });
    assert_eq!(
        world.kms_err(&root, "GenerateDataKeyPair", dry),
        (
            "DryRunOperationException".to_owned(),
            "The request would have succeeded, but the DryRun option is set.".to_owned()
        )
    );
}

#[test]
fn attestation_documents_are_refused_rather_than_overlooked() {
    // svc:C-27
    let world = World::new();
    let key = world.key(A, None);
    let recipient = json!({ "KeyEncryptionAlgorithm": "RSAES_OAEP_SHA_256", "AttestationDocument": MESSAGE });
    for (operation, mut body) in [
        ("GenerateDataKey", json!({ "KeyId": key, "KeySpec": "AES_256" })),
        ("GenerateRandom", json!({ "NumberOfBytes": 4 })),
        ("Decrypt", json!({ "KeyId": key, "CiphertextBlob": MESSAGE })),
    ] {
        body["Recipient"] = recipient.clone();
        assert_eq!(
            world.kms_err(&root(A), operation, body).0,
            "UnsupportedOperationException",
            "{operation}"
        );
    }
}

#[test]
fn two_keys_agree_on_one_secret() {
    let world = World::new();
    let root = root(A);
    let (left, right) = (
        make(&world, "ECC_NIST_P256", "KEY_AGREEMENT"),
        make(&world, "ECC_NIST_P256", "KEY_AGREEMENT"),
    );
    let other_curve = make(&world, "ECC_NIST_P384", "KEY_AGREEMENT");
    let public = |key: &str| world.kms_ok(&root, "GetPublicKey", json!({ "KeyId": key }))["PublicKey"].clone();
    let body =
        |key: &str, peer: &str| json!({ "KeyId": key, "KeyAgreementAlgorithm": "ECDH", "PublicKey": public(peer) });
    let one = world.kms_ok(&root, "DeriveSharedSecret", body(&left, &right));
    let two = world.kms_ok(&root, "DeriveSharedSecret", body(&right, &left));
    assert_eq!(one["SharedSecret"], two["SharedSecret"]);
    assert_eq!(bytes(&one["SharedSecret"]).len(), 32);
    assert_eq!(one["KeyOrigin"], "AWS_KMS");
    assert_eq!(
        world.kms_err(&root, "DeriveSharedSecret", body(&left, &other_curve)).0,
        "ValidationException"
    );
    let signing = make(&world, "ECC_NIST_P256", "SIGN_VERIFY");
    assert_eq!(
        world.kms_err(&root, "DeriveSharedSecret", body(&signing, &left)),
        (
            "InvalidKeyUsageException".to_owned(),
            format!("{signing} key usage is SIGN_VERIFY which is not valid for DeriveSharedSecret.")
        )
    );
}

/// Requests that would succeed on a key of the right usage.
fn uses() -> Vec<(&'static str, Value, &'static [&'static str])> {
    let message = |algorithm: &str, name: &str| json!({ "Message": MESSAGE, algorithm: name });
    let with = |mut body: Value, name: &str| {
        body[name] = json!(MESSAGE);
        body
    };
    vec![
        ("Encrypt", json!({ "Plaintext": MESSAGE }), &["ENCRYPT_DECRYPT"]),
        ("GenerateDataKey", json!({ "KeySpec": "AES_256" }), &["ENCRYPT_DECRYPT"]),
        (
            "GenerateDataKeyWithoutPlaintext",
            json!({ "KeySpec": "AES_256" }),
            &["ENCRYPT_DECRYPT"],
        ),
        (
            "GenerateDataKeyPair",
            json!({ "KeyPairSpec": "ECC_NIST_P256" }),
            &["ENCRYPT_DECRYPT"],
        ),
        (
            "GenerateDataKeyPairWithoutPlaintext",
            json!({ "KeyPairSpec": "ECC_NIST_P256" }),
            &["ENCRYPT_DECRYPT"],
        ),
        ("Sign", message("SigningAlgorithm", "ECDSA_SHA_256"), &["SIGN_VERIFY"]),
        (
            "Verify",
            with(message("SigningAlgorithm", "ECDSA_SHA_256"), "Signature"),
            &["SIGN_VERIFY"],
        ),
        (
            "GenerateMac",
            message("MacAlgorithm", "HMAC_SHA_256"),
            &["GENERATE_VERIFY_MAC"],
        ),
        (
            "VerifyMac",
            with(message("MacAlgorithm", "HMAC_SHA_256"), "Mac"),
            &["GENERATE_VERIFY_MAC"],
        ),
        (
            "Encapsulate",
            json!({ "EncapsulationAlgorithm": "ML_KEM" }),
            &["ENCAPSULATE_DECAPSULATE"],
        ),
        (
            "Decapsulate",
            json!({ "EncapsulationAlgorithm": "ML_KEM", "CiphertextBlob": MESSAGE }),
            &["ENCAPSULATE_DECAPSULATE"],
        ),
    ]
}

#[test]
fn every_use_checks_usage_state_permission_and_dry_run_in_order() {
    // svc:K-24, svc:K-26, svc:K-32, svc:ST-1
    let world = World::new();
    let root = root(A);
    let nobody = world.user(A, "nobody", None);
    let keys = [
        ("ENCRYPT_DECRYPT", world.key(A, None)),
        ("SIGN_VERIFY", make(&world, "ECC_NIST_P256", "SIGN_VERIFY")),
        ("GENERATE_VERIFY_MAC", make(&world, "HMAC_256", "GENERATE_VERIFY_MAC")),
        ("KEY_AGREEMENT", make(&world, "ECC_NIST_P256", "KEY_AGREEMENT")),
        (
            "ENCAPSULATE_DECAPSULATE",
            make(&world, "ML_KEM_768", "ENCAPSULATE_DECAPSULATE"),
        ),
    ];
    for (operation, body, usages) in uses() {
        for (usage, key) in &keys {
            let mut body = body.clone();
            body["KeyId"] = json!(key);
            body["DryRun"] = json!(true);
            assert_eq!(
                world.kms_err(&nobody, operation, body.clone()).0,
                "AccessDeniedException",
                "{operation} {usage}"
            );
            let expected = match (usages.contains(usage), *usage) {
                (false, _) => "InvalidKeyUsageException",
                (true, "ENCAPSULATE_DECAPSULATE") => "UnsupportedOperationException",
                (true, _) => "DryRunOperationException",
            };
            let (code, message) = world.kms_err(&root, operation, body.clone());
            assert_eq!(code, expected, "{operation} {usage}: {message}");
            if code == "InvalidKeyUsageException" {
                assert_eq!(
                    message,
                    format!("{key} key usage is {usage} which is not valid for {operation}.")
                );
            }
            world.kms_ok(&root, "DisableKey", json!({ "KeyId": key }));
            assert_eq!(
                world.kms_err(&root, operation, body).0,
                "DisabledException",
                "{operation} {usage}"
            );
            world.kms_ok(&root, "EnableKey", json!({ "KeyId": key }));
        }
    }
}

#[test]
fn other_accounts_use_asymmetric_keys_like_symmetric_ones() {
    // svc:K-8, svc:K-20, svc:G-4
    let world = World::new();
    let policy = key_policy(
        A,
        &[json!({ "Effect": "Allow", "Principal": { "AWS": B }, "Action": "kms:Sign", "Resource": "*" })],
    );
    let made = world.kms_ok(
        &root(A),
        "CreateKey",
        json!({ "KeySpec": "ECC_NIST_P256", "KeyUsage": "SIGN_VERIFY", "Policy": policy.to_string() }),
    );
    let key = text(&made["KeyMetadata"]["Arn"]);
    let user = world.user(B, "signer", Some(&allow(&["kms:Sign", "kms:Verify"], "*")));
    let body = json!({ "KeyId": key, "Message": MESSAGE, "SigningAlgorithm": "ECDSA_SHA_256" });
    let signed = world.kms_ok(&user, "Sign", body.clone());
    let mut verify = body.clone();
    verify["Signature"] = signed["Signature"].clone();
    assert_eq!(
        world.kms_err(&user, "Verify", verify.clone()).0,
        "AccessDeniedException"
    );
    let grantee = format!("arn:aws:iam::{B}:user/signer");
    let grant = json!({ "KeyId": key, "GranteePrincipal": grantee, "Operations": ["Verify", "GetPublicKey"] });
    world.kms_ok(&root(A), "CreateGrant", grant);
    world.kms_ok(&user, "Verify", verify);
    world.kms_ok(&user, "GetPublicKey", json!({ "KeyId": key }));
    let refused = json!({ "KeyId": key, "GranteePrincipal": grantee, "Operations": ["Decrypt"] });
    assert_eq!(world.kms_err(&root(A), "CreateGrant", refused).0, "ValidationException");
}

#[test]
fn what_is_in_the_tables_only_is_refused_after_authorization() {
    let world = World::new();
    let nobody = world.user(A, "nobody", None);
    for operation in [
        "ConnectCustomKeyStore",
        "CreateCustomKeyStore",
        "DeleteCustomKeyStore",
        "DescribeCustomKeyStores",
        "DisconnectCustomKeyStore",
        "UpdateCustomKeyStore",
    ] {
        assert_eq!(world.kms_err(&nobody, operation, json!({})).0, "AccessDeniedException");
        assert_eq!(
            world.kms_err(&root(A), operation, json!({})).0,
            "UnsupportedOperationException"
        );
    }
    let signing = make(&world, "ML_DSA_65", "SIGN_VERIFY");
    let body = json!({ "KeyId": signing, "Message": MESSAGE, "SigningAlgorithm": "ML_DSA_SHAKE_256" });
    assert_eq!(world.kms_err(&nobody, "Sign", body.clone()).0, "AccessDeniedException");
    assert_eq!(world.kms_err(&root(A), "Sign", body).0, "UnsupportedOperationException");
    for (body, code) in [
        (
            json!({ "KeySpec": "SM2", "KeyUsage": "SIGN_VERIFY" }),
            "UnsupportedOperationException",
        ),
        (json!({ "Origin": "AWS_CLOUDHSM" }), "ValidationException"),
        (
            json!({ "Origin": "AWS_CLOUDHSM", "CustomKeyStoreId": "cks-1234567890abcdef0" }),
            "UnsupportedOperationException",
        ),
    ] {
        assert_eq!(world.kms_err(&root(A), "CreateKey", body).0, code);
    }
    let symmetric = world.key(A, None);
    assert_eq!(
        world.kms_err(&root(A), "GetPublicKey", json!({ "KeyId": symmetric })).0,
        "UnsupportedOperationException"
    );
}

/// Searching primes is slow: the RSA pairs of a world that is gone serve the keys of the next one. No two keys that live
/// at once share one, also not with a key that a snapshot brings back.
#[test]
fn rsa_pairs_serve_again_in_the_next_world() {
    let world = World::new();
    let public = |key: &str| text(&world.kms_ok(&root(A), "GetPublicKey", json!({ "KeyId": key }))["PublicKey"]);
    let new = || public(&make(&world, "RSA_2048", "SIGN_VERIFY"));
    let (first, second) = (new(), new());
    assert_ne!(first, second);
    assert_eq!(world.control("POST", "reset", &json!({})).0, 204);
    let kept = make(&world, "RSA_2048", "ENCRYPT_DECRYPT");
    let kept_pair = public(&kept);
    assert!([&first, &second].contains(&&kept_pair));
    let snapshot = world.emulator.snapshot();
    let lost = new();
    assert!([&first, &second].contains(&&lost) && lost != kept_pair);
    world.emulator.restore(&snapshot);
    assert_eq!(new(), lost, "free again");
    assert_eq!(public(&kept), kept_pair);
    let body = json!({ "KeyId": kept, "Plaintext": "YQ==", "EncryptionAlgorithm": "RSAES_OAEP_SHA_256" });
    let sealed = world.kms_ok(&root(A), "Encrypt", body)["CiphertextBlob"].clone();
    let body = json!({ "KeyId": kept, "CiphertextBlob": sealed, "EncryptionAlgorithm": "RSAES_OAEP_SHA_256" });
    assert_eq!(world.kms_ok(&root(A), "Decrypt", body)["Plaintext"], "YQ==");
    // The snapshot still has the pair of the key that is in it.
    assert_eq!(world.control("POST", "reset", &json!({})).0, 204);
    assert_eq!(new(), lost);
}
