//! The key-state table of svc:§5 over the wire: every operation on a key in every state.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};

use crate::kms_data::make;
use crate::support::{A, Keys, World, root, text};

/// Columns as in svc:§5: Enabled, Disabled, PendingDeletion, PendingReplicaDeletion, PendingImport, Unavailable,
/// Creating, Updating.
const STATES: [&str; 8] = [
    "Enabled",
    "Disabled",
    "PendingDeletion",
    "PendingReplicaDeletion",
    "PendingImport",
    "Unavailable",
    "Creating",
    "Updating",
];

const D: &str = "DisabledException";
const S: &str = "KMSInvalidStateException";
const U: &str = "UnsupportedOperationException";
const OK: &str = "";

/// Rows for keys of KMS's own making; `pending` is what a pending key says.
fn rows() -> Vec<(&'static str, [&'static str; 8])> {
    let crypto = [OK, D, S, S, S, S, S, OK];
    let not_pending = [OK, OK, S, S, OK, OK, OK, OK];
    let always = [OK; 8];
    let switch = [OK, OK, S, S, S, OK, S, S];
    let rotation = [OK, D, S, S, U, U, S, OK];
    vec![
        ("CancelKeyDeletion", [S, S, OK, OK, S, S, S, S]),
        ("CreateAlias", not_pending),
        ("CreateGrant", [OK, D, S, S, S, OK, S, OK]),
        ("Decrypt", crypto),
        ("DeleteAlias", always),
        ("DeleteImportedKeyMaterial", [U, U, U, U, OK, S, S, S]),
        ("DeriveSharedSecret", crypto),
        ("DescribeKey", always),
        ("DisableKey", switch),
        ("DisableKeyRotation", rotation),
        ("EnableKey", switch),
        ("EnableKeyRotation", rotation),
        ("Encrypt", crypto),
        ("GenerateDataKey", crypto),
        ("GenerateDataKeyPair", crypto),
        ("GenerateDataKeyPairWithoutPlaintext", crypto),
        ("GenerateDataKeyWithoutPlaintext", crypto),
        ("GenerateMac", crypto),
        ("GetKeyLastUsage", always),
        ("GetKeyPolicy", always),
        ("GetKeyRotationStatus", [OK, OK, OK, OK, U, U, OK, OK]),
        ("GetParametersForImport", [U, U, U, U, OK, U, S, S]),
        ("GetPublicKey", crypto),
        ("ImportKeyMaterial", [U, U, U, U, OK, U, S, U]),
        ("ListGrants", always),
        ("ListKeyPolicies", always),
        ("ListKeyRotations", always),
        ("ListResourceTags", always),
        ("PutKeyPolicy", always),
        ("ReEncrypt", crypto),
        ("ReplicateKey", [OK, D, S, S, S, S, S, S]),
        ("RevokeGrant", always),
        ("RetireGrant", always),
        ("RotateKeyOnDemand", [OK, D, S, S, S, U, S, S]),
        ("ScheduleKeyDeletion", [OK, OK, S, S, OK, OK, OK, S]),
        ("Sign", crypto),
        ("TagResource", not_pending),
        ("UntagResource", not_pending),
        ("UpdateAlias", not_pending),
        ("UpdateKeyDescription", not_pending),
        ("UpdatePrimaryRegion", crypto),
        ("Verify", crypto),
        ("VerifyMac", crypto),
    ]
}

/// The keys that requests are about.
struct Cast {
    symmetric: String,
    signing: String,
    mac: String,
    agreement: String,
    agreement_public: Value,
    other: String,
    blob: Value,
    grant: String,
}

impl Cast {
    fn new(world: &World, root: &Keys) -> Self {
        let multi = world.kms_ok(root, "CreateKey", json!({ "MultiRegion": true }));
        let symmetric = text(&multi["KeyMetadata"]["Arn"]);
        world.kms_ok(
            root,
            "ReplicateKey",
            json!({ "KeyId": symmetric, "ReplicaRegion": "eu-west-1" }),
        );
        let other = world.key(A, None);
        let agreement = make(world, "ECC_NIST_P256", "KEY_AGREEMENT");
        let blob = world.kms_ok(root, "Encrypt", json!({ "KeyId": symmetric, "Plaintext": "c2VjcmV0" }));
        let grant = world.kms_ok(
            root,
            "CreateGrant",
            json!({
                "KeyId": symmetric, "Operations": ["Decrypt"], "GranteePrincipal": format!("arn:aws:iam::{A}:root"),
            }),
        );
        world.kms_ok(
            root,
            "CreateAlias",
            json!({ "AliasName": "alias/moving", "TargetKeyId": other }),
        );
        world.kms_ok(
            root,
            "CreateAlias",
            json!({ "AliasName": "alias/leaving", "TargetKeyId": symmetric }),
        );
        Self {
            signing: make(world, "ECC_NIST_P256", "SIGN_VERIFY"),
            mac: make(world, "HMAC_256", "GENERATE_VERIFY_MAC"),
            agreement_public: world.kms_ok(root, "GetPublicKey", json!({ "KeyId": agreement }))["PublicKey"].clone(),
            blob: blob["CiphertextBlob"].clone(),
            grant: text(&grant["GrantId"]),
            symmetric,
            agreement,
            other,
        }
    }

    /// The key and the request of an operation; some go wrong after the state check, with the code beside.
    fn request(&self, operation: &str) -> (&str, Value, &'static str) {
        let key = self.symmetric.as_str();
        let junk = STANDARD.encode([1; 8]);
        let message = json!({ "Message": junk });
        let with = |mut body: Value, more: Value| {
            for (name, value) in more.as_object().expect("an object") {
                body[name] = value.clone();
            }
            body
        };
        match operation {
            "CreateAlias" => (key, json!({ "AliasName": "alias/fresh", "TargetKeyId": key }), OK),
            "UpdateAlias" => (key, json!({ "AliasName": "alias/moving", "TargetKeyId": key }), OK),
            "DeleteAlias" => (key, json!({ "AliasName": "alias/leaving" }), OK),
            "CreateGrant" => (
                key,
                json!({ "Operations": ["Decrypt"], "GranteePrincipal": format!("arn:aws:iam::{A}:root"), "DryRun": true }),
                "DryRunOperationException",
            ),
            "RevokeGrant" | "RetireGrant" => (
                key,
                json!({ "GrantId": self.grant, "DryRun": true }),
                "DryRunOperationException",
            ),
            "Decrypt" => (key, json!({ "CiphertextBlob": self.blob }), OK),
            "ReEncrypt" => (
                key,
                json!({ "CiphertextBlob": self.blob, "SourceKeyId": key, "DestinationKeyId": self.other }),
                OK,
            ),
            "DeriveSharedSecret" => (
                &self.agreement,
                json!({ "KeyAgreementAlgorithm": "ECDH", "PublicKey": self.agreement_public }),
                OK,
            ),
            "Encrypt" => (key, json!({ "Plaintext": junk }), OK),
            "GenerateDataKey" | "GenerateDataKeyWithoutPlaintext" => (key, json!({ "KeySpec": "AES_128" }), OK),
            "GenerateDataKeyPair" | "GenerateDataKeyPairWithoutPlaintext" => {
                (key, json!({ "KeyPairSpec": "ECC_NIST_P256" }), OK)
            }
            "GenerateMac" => (&self.mac, with(message, json!({ "MacAlgorithm": "HMAC_SHA_256" })), OK),
            "VerifyMac" => (
                &self.mac,
                with(message, json!({ "MacAlgorithm": "HMAC_SHA_256", "Mac": junk })),
                "KMSInvalidMacException",
            ),
            "Sign" => (
                &self.signing,
                with(message, json!({ "SigningAlgorithm": "ECDSA_SHA_256" })),
                OK,
            ),
            "Verify" => (
                &self.signing,
                with(
                    message,
                    json!({ "SigningAlgorithm": "ECDSA_SHA_256", "Signature": junk }),
                ),
                "KMSInvalidSignatureException",
            ),
            "GetPublicKey" => (&self.signing, json!({}), OK),
            "GetParametersForImport" => (
                key,
                // Arranged states do not change the origin: the request fails for that, after the state.
                json!({ "WrappingAlgorithm": "RSAES_OAEP_SHA_256", "WrappingKeySpec": "RSA_2048" }),
                OK,
            ),
            "ImportKeyMaterial" => (
                key,
                json!({
                    "ImportToken": junk, "EncryptedKeyMaterial": junk,
                    "ExpirationModel": "KEY_MATERIAL_DOES_NOT_EXPIRE",
                }),
                "InvalidImportTokenException",
            ),
            "PutKeyPolicy" => (
                key,
                json!({ "Policy": crate::support::key_policy(A, &[]).to_string() }),
                OK,
            ),
            "ReplicateKey" => (key, json!({ "ReplicaRegion": "eu-west-1" }), "AlreadyExistsException"),
            "UpdatePrimaryRegion" => (key, json!({ "PrimaryRegion": "eu-west-1" }), OK),
            "TagResource" => (key, json!({ "Tags": [{ "TagKey": "a", "TagValue": "b" }] }), OK),
            "UntagResource" => (key, json!({ "TagKeys": ["a"] }), OK),
            "UpdateKeyDescription" => (key, json!({ "Description": "x" }), OK),
            _ => (key, json!({}), OK),
        }
    }
}

#[test]
fn every_operation_behaves_in_every_state_as_the_table_says() {
    for (operation, row) in rows() {
        for (state, expected) in STATES.into_iter().zip(row) {
            // A fresh world for each cell: operations change states.
            let world = World::new();
            let root = root(A);
            let cast = Cast::new(&world, &root);
            let (key, mut body, after) = cast.request(operation);
            let id = key.rsplit('/').next().expect("an id");
            let arranged = json!({ "key": { "account": A, "region": "us-east-1", "key_id": id, "state": state } });
            assert_eq!(world.control("POST", "arrange", &arranged).0, 204);
            if !operation.contains("Alias") && operation != "ReEncrypt" {
                body["KeyId"] = json!(key);
            }
            let (_, answer) = world.kms(&root, operation, body);
            let code = answer["__type"].as_str().unwrap_or_default();
            let expected = if expected.is_empty() { after } else { expected };
            assert_eq!(code, expected, "{operation} in {state}: {answer}");
            if code == S {
                let text = text(&answer["message"]);
                let words = match (operation, state) {
                    ("CancelKeyDeletion", _) => "is not pending deletion.",
                    (_, "PendingDeletion") => "is pending deletion.",
                    (_, "PendingReplicaDeletion") => "is pending replica deletion.",
                    (_, "PendingImport") => "is pending import.",
                    (_, "Unavailable") => "is unavailable.",
                    (_, "Creating") => "is creating.",
                    _ => "is updating.",
                };
                assert!(text.ends_with(words), "{operation} in {state}: {text}");
            }
        }
    }
}
