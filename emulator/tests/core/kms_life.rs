//! KMS over the wire: what happens to the key material in the life of a key: rotation, import, last use. Multi-Region keys
//! are in `kms_multi_region`.

use aes_kw::{KeyInit as _, KwpAes256};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use rsa::pkcs8::DecodePublicKey as _;
use serde_json::{Value, json};

use crate::kms_data::make;
use crate::support::{A, World, root, text};

pub(crate) const EUROPE: &str = "eu-west-1";
pub(crate) const PLAINTEXT: &str = "c2VjcmV0";

pub(crate) fn state_of(world: &World, region: &str, key: &str) -> String {
    let (status, answer) = world.kms_in(region, &root(A), "DescribeKey", json!({ "KeyId": key }));
    assert_eq!(status, 200, "{answer}");
    text(&answer["KeyMetadata"]["KeyState"])
}

fn rotations(world: &World, key: &str, all: bool) -> Vec<Value> {
    let include = if all { "ALL_KEY_MATERIAL" } else { "ROTATIONS_ONLY" };
    let answer = world.kms_ok(
        &root(A),
        "ListKeyRotations",
        json!({ "KeyId": key, "IncludeKeyMaterial": include }),
    );
    answer["Rotations"].as_array().expect("a list").clone()
}

#[test]
fn rotation_keeps_old_ciphertexts_readable() {
    let world = World::new();
    let root = root(A);
    let key = world.key(A, None);
    let encrypt =
        || world.kms_ok(&root, "Encrypt", json!({ "KeyId": key, "Plaintext": PLAINTEXT }))["CiphertextBlob"].clone();
    let material = |blob: &Value| {
        let opened = world.kms_ok(&root, "Decrypt", json!({ "CiphertextBlob": blob }));
        assert_eq!(opened["Plaintext"], PLAINTEXT);
        text(&opened["KeyMaterialId"])
    };
    let first = encrypt();
    assert_eq!(rotations(&world, &key, false), Vec::<Value>::new());
    world.kms_ok(&root, "RotateKeyOnDemand", json!({ "KeyId": key }));
    let second = encrypt();
    assert_ne!(material(&first), material(&second));
    world.kms_ok(
        &root,
        "EnableKeyRotation",
        json!({ "KeyId": key, "RotationPeriodInDays": 90 }),
    );
    let status = world.kms_ok(&root, "GetKeyRotationStatus", json!({ "KeyId": key }));
    assert_eq!(
        (&status["KeyRotationEnabled"], &status["RotationPeriodInDays"]),
        (&json!(true), &json!(90))
    );
    assert_eq!(status["NextRotationDate"], json!(1_736_294_400.0 + 90.0 * 86_400.0));
    world.case(&json!({ "clock": "2025-07-20T00:00:00Z" }));
    let keys = later(&world, "20250720T000000Z");
    let listed = keys("ListKeyRotations", json!({ "KeyId": key }));
    let kinds: Vec<String> = listed["Rotations"]
        .as_array()
        .expect("a list")
        .iter()
        .map(|entry| text(&entry["RotationType"]))
        .collect();
    assert_eq!(kinds, ["ON_DEMAND", "AUTOMATIC", "AUTOMATIC"]);
    assert_eq!(
        keys("Decrypt", json!({ "CiphertextBlob": first }))["Plaintext"],
        PLAINTEXT
    );
}

/// Root's KMS calls at a later time of signing.
fn later<'a>(world: &'a World, date: &'a str) -> impl Fn(&str, Value) -> Value + 'a {
    move |operation, body| {
        let (status, answer) = world.kms_at(date, &root(A), operation, body);
        assert_eq!(status, 200, "{operation}: {answer}");
        answer
    }
}

#[test]
fn rotation_has_limits() {
    let world = World::new();
    let root = root(A);
    let key = world.key(A, None);
    for _ in 0..25 {
        world.kms_ok(&root, "RotateKeyOnDemand", json!({ "KeyId": key }));
    }
    assert_eq!(
        world.kms_err(&root, "RotateKeyOnDemand", json!({ "KeyId": key })).0,
        "LimitExceededException"
    );
    assert_eq!(rotations(&world, &key, true).len(), 26);
    let hmac = make(&world, "HMAC_256", "GENERATE_VERIFY_MAC");
    for operation in ["RotateKeyOnDemand", "EnableKeyRotation", "ListKeyRotations"] {
        assert_eq!(
            world.kms_err(&root, operation, json!({ "KeyId": hmac })).0,
            "UnsupportedOperationException",
            "{operation}"
        );
    }
    // A rotation under way.
    world.case(&json!({ "propagation_seconds": 60 }));
    let slow = world.key(A, None);
    world.kms_ok(&root, "RotateKeyOnDemand", json!({ "KeyId": slow }));
    assert_eq!(
        world.kms_err(&root, "RotateKeyOnDemand", json!({ "KeyId": slow })).0,
        "ConflictException"
    );
    let status = world.kms_ok(&root, "GetKeyRotationStatus", json!({ "KeyId": slow }));
    assert_eq!(status["OnDemandRotationStartDate"], json!(1_736_294_400.0));
    assert_eq!(world.control("POST", "arrange", &json!({ "settle": true })).0, 204);
    assert_eq!(rotations(&world, &slow, false).len(), 1);
}

/// Wraps material as ImportKeyMaterial wants it, with the caller's own randomness.
fn wrap(parameters: &Value, algorithm: &str, material: &[u8]) -> String {
    let der = STANDARD.decode(text(&parameters["PublicKey"])).expect("base64");
    let public = rsa::RsaPublicKey::from_public_key_der(&der).expect("a public key");
    let mut random = Counting(0);
    let oaep = || rsa::Oaep::new::<rsa::sha2::Sha256>();
    let wrapped = match algorithm {
        "RSAES_OAEP_SHA_256" => public.encrypt(&mut random, oaep(), material).expect("short enough"),
        "RSA_AES_KEY_WRAP_SHA_256" => {
            let aes = [9_u8; 32];
            let mut wrapped = public.encrypt(&mut random, oaep(), &aes).expect("short enough");
            let mut buffer = vec![0; material.len() + 16];
            let inner = KwpAes256::new(&aes.into())
                .wrap_key(material, &mut buffer)
                .expect("room enough");
            wrapped.extend_from_slice(inner);
            wrapped
        }
        other => panic!("{other}"),
    };
    STANDARD.encode(wrapped)
}

/// Not random at all; enough for padding in a test.
struct Counting(u8);

impl rsa::rand_core::RngCore for Counting {
    fn next_u32(&mut self) -> u32 {
        rsa::rand_core::impls::next_u32_via_fill(self)
    }
    fn next_u64(&mut self) -> u64 {
        rsa::rand_core::impls::next_u64_via_fill(self)
    }
    fn fill_bytes(&mut self, buffer: &mut [u8]) {
        for byte in buffer {
            self.0 = self.0.wrapping_add(1);
            *byte = self.0;
        }
    }
    fn try_fill_bytes(&mut self, buffer: &mut [u8]) -> Result<(), rsa::rand_core::Error> {
        self.fill_bytes(buffer);
        Ok(())
    }
}

impl rsa::rand_core::CryptoRng for Counting {}

pub(crate) fn external(world: &World, body: Value) -> String {
    let mut body = body;
    body["Origin"] = json!("EXTERNAL");
    let made = world.kms_ok(&root(A), "CreateKey", body);
    assert_eq!(made["KeyMetadata"]["KeyState"], "PendingImport", "svc:ST-4");
    text(&made["KeyMetadata"]["Arn"])
}

pub(crate) fn parameters(world: &World, region: &str, key: &str, algorithm: &str) -> Value {
    let (status, answer) = world.kms_in(
        region,
        &root(A),
        "GetParametersForImport",
        json!({ "KeyId": key, "WrappingAlgorithm": algorithm, "WrappingKeySpec": "RSA_2048" }),
    );
    assert_eq!(status, 200, "{answer}");
    answer
}

pub(crate) fn import_body(key: &str, parameters: &Value, algorithm: &str, material: &[u8]) -> Value {
    json!({
        "KeyId": key, "ImportToken": parameters["ImportToken"],
        "EncryptedKeyMaterial": wrap(parameters, algorithm, material),
        "ExpirationModel": "KEY_MATERIAL_DOES_NOT_EXPIRE",
    })
}

#[test]
fn imported_material_comes_goes_and_comes_back() {
    let world = World::new();
    let root = root(A);
    let algorithm = "RSAES_OAEP_SHA_256";
    let key = external(&world, json!({}));
    assert_eq!(
        world.kms_err(&root, "Encrypt", json!({ "KeyId": key, "Plaintext": PLAINTEXT })),
        (
            "KMSInvalidStateException".to_owned(),
            format!("{key} is pending import.")
        )
    );
    let given = parameters(&world, "us-east-1", &key, algorithm);
    let body = import_body(&key, &given, algorithm, &[5; 32]);
    // Parameters that contradict each other, foreign tokens, foreign ciphertexts, wrong material.
    let mut wrong = body.clone();
    wrong["ExpirationModel"] = json!("KEY_MATERIAL_EXPIRES");
    assert_eq!(
        world.kms_err(&root, "ImportKeyMaterial", wrong).0,
        "ValidationException"
    );
    let mut wrong = body.clone();
    wrong["ValidTo"] = json!(1_736_300_000);
    assert_eq!(
        world.kms_err(&root, "ImportKeyMaterial", wrong).0,
        "ValidationException"
    );
    let mut wrong = body.clone();
    wrong["ImportToken"] = json!(PLAINTEXT);
    assert_eq!(
        world.kms_err(&root, "ImportKeyMaterial", wrong).0,
        "InvalidImportTokenException"
    );
    let mut wrong = body.clone();
    wrong["EncryptedKeyMaterial"] = json!(STANDARD.encode([1; 256]));
    assert_eq!(
        world.kms_err(&root, "ImportKeyMaterial", wrong).0,
        "InvalidCiphertextException"
    );
    let short = import_body(&key, &given, algorithm, &[5; 16]);
    assert_eq!(
        world.kms_err(&root, "ImportKeyMaterial", short).0,
        "IncorrectKeyMaterialException"
    );
    // The material itself.
    let imported = world.kms_ok(&root, "ImportKeyMaterial", body.clone());
    let metadata = world.kms_ok(&root, "DescribeKey", json!({ "KeyId": key }))["KeyMetadata"].clone();
    assert_eq!(
        (
            &metadata["KeyState"],
            &metadata["ExpirationModel"],
            &metadata["CurrentKeyMaterialId"]
        ),
        (
            &json!("Enabled"),
            &json!("KEY_MATERIAL_DOES_NOT_EXPIRE"),
            &imported["KeyMaterialId"]
        )
    );
    let blob =
        world.kms_ok(&root, "Encrypt", json!({ "KeyId": key, "Plaintext": PLAINTEXT }))["CiphertextBlob"].clone();
    // Gone and back: only the same material fits.
    world.kms_ok(&root, "DeleteImportedKeyMaterial", json!({ "KeyId": key }));
    assert_eq!(state_of(&world, "us-east-1", &key), "PendingImport");
    assert_eq!(
        world.kms_err(&root, "Decrypt", json!({ "CiphertextBlob": blob })).0,
        "KMSInvalidStateException"
    );
    let other = import_body(&key, &given, algorithm, &[6; 32]);
    assert_eq!(
        world.kms_err(&root, "ImportKeyMaterial", other.clone()).0,
        "IncorrectKeyMaterialException"
    );
    let mut expiring = body.clone();
    expiring["ExpirationModel"] = json!("KEY_MATERIAL_EXPIRES");
    expiring["ValidTo"] = json!(1_736_294_400 + 600);
    world.kms_ok(&root, "ImportKeyMaterial", expiring);
    assert_eq!(
        world.kms_ok(&root, "Decrypt", json!({ "CiphertextBlob": blob }))["Plaintext"],
        PLAINTEXT
    );
    world.case(&json!({ "clock": "2025-01-08T00:10:00Z" }));
    assert_eq!(
        state_of(&world, "us-east-1", &key),
        "PendingImport",
        "svc:ST-4: expired"
    );
    world.case(&json!({ "clock": null }));
    world.kms_ok(&root, "ImportKeyMaterial", body);
    // New material waits for its rotation; both must be there afterwards.
    let mut second = other;
    second["ImportType"] = json!("NEW_KEY_MATERIAL");
    assert_eq!(
        world.kms_err(&root, "RotateKeyOnDemand", json!({ "KeyId": key })).0,
        "KMSInvalidStateException"
    );
    world.kms_ok(&root, "ImportKeyMaterial", second);
    let states = |world: &World| -> Vec<String> {
        rotations(world, &key, true)
            .iter()
            .map(|entry| text(&entry["KeyMaterialState"]))
            .collect()
    };
    assert_eq!(states(&world), ["CURRENT", "PENDING_ROTATION"]);
    world.kms_ok(&root, "RotateKeyOnDemand", json!({ "KeyId": key }));
    assert_eq!(states(&world), ["NON_CURRENT", "CURRENT"]);
    assert_eq!(
        world.kms_ok(&root, "Decrypt", json!({ "CiphertextBlob": blob }))["Plaintext"],
        PLAINTEXT
    );
}

#[test]
fn private_keys_are_imported_under_a_wrapped_wrapping_key() {
    let world = World::new();
    let root = root(A);
    let algorithm = "RSA_AES_KEY_WRAP_SHA_256";
    let symmetric = world.key(A, None);
    for (spec, signing) in [("RSA_2048", "RSASSA_PSS_SHA_256"), ("ECC_NIST_P521", "ECDSA_SHA_512")] {
        let key = external(&world, json!({ "KeySpec": spec, "KeyUsage": "SIGN_VERIFY" }));
        let pair = world.kms_ok(
            &root,
            "GenerateDataKeyPair",
            json!({ "KeyId": symmetric, "KeyPairSpec": spec }),
        );
        let private = STANDARD.decode(text(&pair["PrivateKeyPlaintext"])).expect("base64");
        let given = parameters(&world, "us-east-1", &key, algorithm);
        let answer = world.kms_ok(
            &root,
            "ImportKeyMaterial",
            import_body(&key, &given, algorithm, &private),
        );
        assert_eq!(
            answer.get("KeyMaterialId"),
            None,
            "only symmetric keys have material ids"
        );
        let public = world.kms_ok(&root, "GetPublicKey", json!({ "KeyId": key }));
        assert_eq!(public["PublicKey"], pair["PublicKey"]);
        let body = json!({ "KeyId": key, "Message": PLAINTEXT, "SigningAlgorithm": signing });
        let signed = world.kms_ok(&root, "Sign", body.clone());
        let mut verify = body;
        verify["Signature"] = signed["Signature"].clone();
        world.kms_ok(&root, "Verify", verify);
    }
    let rsa = external(&world, json!({ "KeySpec": "RSA_2048", "KeyUsage": "SIGN_VERIFY" }));
    for (algorithm, code) in [
        ("RSAES_OAEP_SHA_256", "UnsupportedOperationException"),
        ("RSAES_PKCS1_V1_5", "UnsupportedOperationException"),
        ("NONSENSE", "ValidationException"),
    ] {
        let body = json!({ "KeyId": rsa, "WrappingAlgorithm": algorithm, "WrappingKeySpec": "RSA_2048" });
        assert_eq!(
            world.kms_err(&root, "GetParametersForImport", body).0,
            code,
            "{algorithm}"
        );
    }
    let own = world.key(A, None);
    let body = json!({ "KeyId": own, "WrappingAlgorithm": "RSAES_OAEP_SHA_256", "WrappingKeySpec": "RSA_2048" });
    assert_eq!(
        world.kms_err(&root, "GetParametersForImport", body),
        (
            "UnsupportedOperationException".to_owned(),
            format!("{own} origin is AWS_KMS which is not valid for this operation.")
        )
    );
}

#[test]
fn import_tokens_expire() {
    let world = World::new();
    let algorithm = "RSAES_OAEP_SHA_256";
    let key = external(&world, json!({}));
    let given = parameters(&world, "us-east-1", &key, algorithm);
    world.case(&json!({ "clock": "2025-01-09T00:00:00Z" }));
    let body = import_body(&key, &given, algorithm, &[5; 32]);
    let (status, answer) = world.kms_at("20250109T000000Z", &root(A), "ImportKeyMaterial", body);
    assert_eq!(
        (status, &answer["__type"]),
        (400, &json!("ExpiredImportTokenException"))
    );
}

#[test]
fn the_last_use_is_remembered() {
    let world = World::new();
    let root = root(A);
    let (key, other) = (world.key(A, None), world.key(A, None));
    let usage = |key: &str| world.kms_ok(&root, "GetKeyLastUsage", json!({ "KeyId": key }));
    assert_eq!(usage(&key).get("KeyLastUsage"), None);
    let blob =
        world.kms_ok(&root, "Encrypt", json!({ "KeyId": key, "Plaintext": PLAINTEXT }))["CiphertextBlob"].clone();
    assert_eq!(usage(&key)["KeyLastUsage"]["Operation"], "Encrypt");
    world.kms_err(
        &root,
        "Encrypt",
        json!({ "KeyId": key, "Plaintext": PLAINTEXT, "DryRun": true }),
    );
    world.kms_ok(
        &root,
        "ReEncrypt",
        json!({ "CiphertextBlob": blob, "DestinationKeyId": other }),
    );
    for key in [&key, &other] {
        assert_eq!(usage(key)["KeyLastUsage"]["Operation"], "ReEncrypt");
    }
    world.kms_ok(&root, "DisableKey", json!({ "KeyId": key }));
    assert_eq!(usage(&key)["KeyLastUsage"]["Operation"], "ReEncrypt");
}
