//! Every operation in every key state against `spec/kms_key_states.json` (`svc:ST-1`, `svc:ST-2`). What a cell means is read here from
//! the JSON alone, not through the model's own table.

use std::collections::BTreeSet;

use countersign_model::case::Decision;
use countersign_model::outcome::Outcome;
use countersign_model::world::World;
use serde_json::Value;

use crate::support::case;

const WORLD: &str = r#"
as_of: 2026-06-01
world:
  region: us-east-1
  accounts:
    "111111111111":
      users:
        admin: {attached: ["arn:aws:iam::aws:policy/AdministratorAccess"]}
      keys:
        symmetric: {aliases: [alias/a]}
        other: {aliases: [alias/o]}
        imported: {origin: EXTERNAL}
        stored: {origin: AWS_CLOUDHSM}
        rsa: {spec: RSA_2048, usage: SIGN_VERIFY}
        hmac: {spec: HMAC_256, usage: GENERATE_VERIFY_MAC}
        agree: {spec: ECC_NIST_P256, usage: KEY_AGREEMENT}
        kem: {spec: ML_KEM_768, usage: ENCAPSULATE_DECAPSULATE}
        family: {id: mrk-0123456789abcdef0123456789abcdef, multi_region: true}
steps:
"#;

/// A permission of a service-linked role, not an operation of the API (`svc:K-22`).
const NO_OPERATION: &str = "SynchronizeMultiRegionKey";

/// One way to call an operation on a key whose state is in question.
struct Probe {
    operation: &'static str,
    /// The key, by its name in the world.
    key: &'static str,
    /// The parameters; `SUBJECT` stands for the id of the key.
    with: &'static str,
    /// Steps before the key gets its state.
    before: &'static str,
    /// The key is the destination or the new target.
    is_target: bool,
}

const fn probe(operation: &'static str, key: &'static str, with: &'static str) -> Probe {
    Probe {
        operation,
        key,
        with,
        before: "",
        is_target: false,
    }
}

const fn after(operation: &'static str, key: &'static str, with: &'static str, before: &'static str) -> Probe {
    Probe {
        operation,
        key,
        with,
        before,
        is_target: false,
    }
}

const ENCRYPTED: &str = r#"  - {as: {user: admin}, call: kms:Encrypt, with: {KeyId: "{{key.symmetric.id}}", Plaintext: {text: x}}, save: {blob: CiphertextBlob}}"#;
const ELSEWHERE: &str = r#"  - {as: {user: admin}, call: kms:Encrypt, with: {KeyId: "{{key.other.id}}", Plaintext: {text: x}}, save: {blob: CiphertextBlob}}"#;
const SIGNED: &str = r#"  - {as: {user: admin}, call: kms:Sign, with: {KeyId: "{{key.rsa.id}}", Message: {text: x}, SigningAlgorithm: RSASSA_PSS_SHA_256}, save: {signature: Signature}}"#;
const MAC: &str = r#"  - {as: {user: admin}, call: kms:GenerateMac, with: {KeyId: "{{key.hmac.id}}", Message: {text: x}, MacAlgorithm: HMAC_SHA_256}, save: {mac: Mac}}"#;
const SECRET: &str = r#"  - {as: {user: admin}, call: kms:Encapsulate, with: {KeyId: "{{key.kem.id}}", EncapsulationAlgorithm: ML_KEM}, save: {secret: SharedSecretCiphertextBlob}}"#;
const PUBLIC: &str =
    r#"  - {as: {user: admin}, call: kms:GetPublicKey, with: {KeyId: "{{key.agree.id}}"}, save: {public: PublicKey}}"#;
const TOKEN: &str = r#"  - {as: {user: admin}, call: kms:GetParametersForImport, with: {KeyId: "{{key.imported.id}}", WrappingAlgorithm: RSAES_OAEP_SHA_256, WrappingKeySpec: RSA_2048}, save: {token: ImportToken}}"#;
const GRANT: &str = r#"  - {as: {user: admin}, call: kms:CreateGrant, with: {KeyId: "{{key.symmetric.id}}", GranteePrincipal: "{{user.admin.arn}}", Operations: [Decrypt]}, save: {grant: GrantId}}"#;
const REPLICA: &str =
    r#"  - {as: {user: admin}, call: kms:ReplicateKey, with: {KeyId: "{{key.family.id}}", ReplicaRegion: eu-west-1}}"#;

#[rustfmt::skip]
const PROBES: &[Probe] = &[
    probe("CancelKeyDeletion", "symmetric", "{KeyId: SUBJECT}"),
    probe("CreateAlias", "symmetric", "{TargetKeyId: SUBJECT, AliasName: alias/new}"),
    probe("CreateGrant", "symmetric", r#"{KeyId: SUBJECT, GranteePrincipal: "{{user.admin.arn}}", Operations: [Decrypt]}"#),
    after("Decapsulate", "kem", r#"{KeyId: SUBJECT, EncapsulationAlgorithm: ML_KEM, SharedSecretCiphertextBlob: "{{saved.secret}}"}"#, SECRET),
    after("Decrypt", "symmetric", r#"{CiphertextBlob: "{{saved.blob}}"}"#, ENCRYPTED),
    after("Decrypt", "symmetric", r#"{KeyId: SUBJECT, CiphertextBlob: "{{saved.blob}}"}"#, ENCRYPTED),
    probe("DeleteAlias", "symmetric", "{AliasName: alias/a}"),
    probe("DeleteImportedKeyMaterial", "imported", "{KeyId: SUBJECT}"),
    probe("DeleteImportedKeyMaterial", "symmetric", "{KeyId: SUBJECT}"),
    after("DeriveSharedSecret", "agree", r#"{KeyId: SUBJECT, KeyAgreementAlgorithm: ECDH, PublicKey: "{{saved.public}}"}"#, PUBLIC),
    probe("DescribeKey", "symmetric", "{KeyId: SUBJECT}"),
    probe("DisableKey", "symmetric", "{KeyId: SUBJECT}"),
    probe("DisableKeyRotation", "symmetric", "{KeyId: SUBJECT}"),
    probe("DisableKeyRotation", "imported", "{KeyId: SUBJECT}"),
    probe("DisableKeyRotation", "stored", "{KeyId: SUBJECT}"),
    probe("EnableKey", "symmetric", "{KeyId: SUBJECT}"),
    probe("EnableKeyRotation", "symmetric", "{KeyId: SUBJECT, RotationPeriodInDays: 90}"),
    probe("EnableKeyRotation", "imported", "{KeyId: SUBJECT}"),
    probe("Encapsulate", "kem", "{KeyId: SUBJECT, EncapsulationAlgorithm: ML_KEM}"),
    probe("Encrypt", "symmetric", "{KeyId: SUBJECT, Plaintext: {text: x}}"),
    probe("GenerateDataKey", "symmetric", "{KeyId: SUBJECT, KeySpec: AES_256}"),
    probe("GenerateDataKeyPair", "symmetric", "{KeyId: SUBJECT, KeyPairSpec: RSA_2048}"),
    probe("GenerateDataKeyPairWithoutPlaintext", "symmetric", "{KeyId: SUBJECT, KeyPairSpec: ECC_NIST_P256}"),
    probe("GenerateDataKeyWithoutPlaintext", "symmetric", "{KeyId: SUBJECT, KeySpec: AES_128}"),
    probe("GenerateMac", "hmac", "{KeyId: SUBJECT, Message: {text: x}, MacAlgorithm: HMAC_SHA_256}"),
    probe("GetKeyLastUsage", "symmetric", "{KeyId: SUBJECT}"),
    probe("GetKeyPolicy", "symmetric", "{KeyId: SUBJECT}"),
    probe("GetKeyRotationStatus", "symmetric", "{KeyId: SUBJECT}"),
    probe("GetKeyRotationStatus", "imported", "{KeyId: SUBJECT}"),
    probe("GetParametersForImport", "imported", "{KeyId: SUBJECT, WrappingAlgorithm: RSAES_OAEP_SHA_256, WrappingKeySpec: RSA_2048}"),
    probe("GetPublicKey", "rsa", "{KeyId: SUBJECT}"),
    after("ImportKeyMaterial", "imported", r#"{KeyId: SUBJECT, ImportToken: "{{saved.token}}", EncryptedKeyMaterial: {text: material}, ExpirationModel: KEY_MATERIAL_DOES_NOT_EXPIRE}"#, TOKEN),
    probe("ListAliases", "symmetric", "{KeyId: SUBJECT}"),
    probe("ListGrants", "symmetric", "{KeyId: SUBJECT}"),
    probe("ListKeyPolicies", "symmetric", "{KeyId: SUBJECT}"),
    probe("ListKeyRotations", "symmetric", "{KeyId: SUBJECT}"),
    probe("ListResourceTags", "symmetric", "{KeyId: SUBJECT}"),
    probe("PutKeyPolicy", "symmetric", r#"{KeyId: SUBJECT, Policy: {Version: "2012-10-17", Statement: [{Effect: Allow, Principal: {AWS: "111111111111"}, Action: "kms:*", Resource: "*"}]}}"#),
    after("ReEncrypt", "symmetric", r#"{CiphertextBlob: "{{saved.blob}}", DestinationKeyId: "{{key.other.id}}"}"#, ENCRYPTED),
    Probe { operation: "ReEncrypt", key: "symmetric", with: r#"{CiphertextBlob: "{{saved.blob}}", DestinationKeyId: SUBJECT}"#, before: ELSEWHERE, is_target: true },
    probe("ReplicateKey", "family", "{KeyId: SUBJECT, ReplicaRegion: eu-west-1}"),
    after("RetireGrant", "symmetric", r#"{KeyId: "{{key.symmetric.arn}}", GrantId: "{{saved.grant}}"}"#, GRANT),
    after("RevokeGrant", "symmetric", r#"{KeyId: SUBJECT, GrantId: "{{saved.grant}}"}"#, GRANT),
    probe("RotateKeyOnDemand", "symmetric", "{KeyId: SUBJECT}"),
    probe("ScheduleKeyDeletion", "symmetric", "{KeyId: SUBJECT, PendingWindowInDays: 7}"),
    probe("Sign", "rsa", "{KeyId: SUBJECT, Message: {text: x}, SigningAlgorithm: RSASSA_PSS_SHA_256}"),
    probe("TagResource", "symmetric", "{KeyId: SUBJECT, Tags: [{TagKey: a, TagValue: b}]}"),
    probe("UntagResource", "symmetric", "{KeyId: SUBJECT, TagKeys: [a]}"),
    probe("UpdateAlias", "symmetric", r#"{AliasName: alias/a, TargetKeyId: "{{key.other.id}}"}"#),
    Probe { operation: "UpdateAlias", key: "symmetric", with: "{AliasName: alias/o, TargetKeyId: SUBJECT}", before: "", is_target: true },
    probe("UpdateKeyDescription", "symmetric", "{KeyId: SUBJECT, Description: words}"),
    after("UpdatePrimaryRegion", "family", "{KeyId: SUBJECT, PrimaryRegion: eu-west-1}", REPLICA),
    after("Verify", "rsa", r#"{KeyId: SUBJECT, Message: {text: x}, Signature: "{{saved.signature}}", SigningAlgorithm: RSASSA_PSS_SHA_256}"#, SIGNED),
    after("VerifyMac", "hmac", r#"{KeyId: SUBJECT, Message: {text: x}, Mac: "{{saved.mac}}", MacAlgorithm: HMAC_SHA_256}"#, MAC),
];

/// What the specification says of a cell for a key: an error code, or success.
fn expected(cell: &Value, key: &str, is_target: bool) -> Result<Option<String>, String> {
    let code = cell["model_error"]["code"].as_str().map(str::to_owned);
    let footnotes: Vec<u64> = cell["footnotes"]
        .as_array()
        .map(|list| list.iter().filter_map(Value::as_u64).collect())
        .unwrap_or_default();
    match cell["result"].as_str() {
        Some("fail") => code
            .map(Some)
            .ok_or_else(|| "a failing cell without an error".to_owned()),
        Some("n/a") => Ok(Some("KMSInvalidStateException".to_owned())),
        // ok, or a condition that the footnote states in words.
        Some("ok" | "cond") => {
            let applies = |footnote: &u64| match footnote {
                7 => matches!(key, "imported" | "stored"),
                9 => key != "imported",
                10 => is_target,
                other => panic!("footnote {other} is no condition"),
            };
            Ok(footnotes.iter().find(|footnote| applies(footnote)).map(|footnote| {
                match footnote {
                    10 => "KMSInvalidStateException",
                    _ => "UnsupportedOperationException",
                }
                .to_owned()
            }))
        }
        other => Err(format!("unknown result {other:?}")),
    }
}

/// Runs a probe with the key in a state.
fn run(probe: &Probe, state: &str) -> Outcome {
    let id = format!("\"{{{{key.{}.id}}}}\"", probe.key);
    let text = format!(
        "{WORLD}{}\n  - {{arrange: {{key.{}.state: {state}}}}}\n  - {{as: {{user: admin}}, call: kms:{}, with: {}}}\n",
        probe.before,
        probe.key,
        probe.operation,
        probe.with.replace("SUBJECT", &id)
    );
    let case = case(&text);
    let mut world = World::new(&case).unwrap_or_else(|error| panic!("{error}"));
    let mut last = None;
    for step in &case.steps {
        let outcome = world
            .apply(step)
            .unwrap_or_else(|error| panic!("{} in {state}: {error}", probe.operation));
        last = Some(outcome);
    }
    last.expect("a probe has at least its own step")
}

#[test]
fn every_operation_is_as_its_key_state_says() {
    // svc:ST-1, svc:ST-2, svc:ST-3, svc:N-3, svc:N-5
    let table: Value = serde_json::from_str(include_str!("../../spec/kms_key_states.json")).expect("the table is JSON");
    let operations = table["operations"].as_object().expect("operations are a mapping");
    let states: Vec<&str> = table["states"]
        .as_array()
        .expect("states are a list")
        .iter()
        .filter_map(Value::as_str)
        .collect();
    assert_eq!(states.len(), 8);
    let probed: BTreeSet<&str> = PROBES.iter().map(|probe| probe.operation).collect();
    let listed: BTreeSet<&str> = operations
        .keys()
        .map(String::as_str)
        .filter(|name| *name != NO_OPERATION)
        .collect();
    assert_eq!(probed, listed, "every operation has a probe");
    let (mut faults, mut cells) = (Vec::new(), 0);
    for probe in PROBES {
        for state in &states {
            if *state == "PendingImport" && probe.operation == "DeleteImportedKeyMaterial" && probe.key != "imported" {
                // A key of another origin never waits for an import; its other states show footnote 9.
                continue;
            }
            cells += 1;
            let cell = &operations[probe.operation][*state];
            let expected = expected(cell, probe.key, probe.is_target).expect("the table can be read");
            let outcome = run(probe, state);
            if outcome.code != expected || (expected.is_none() && outcome.decision != Decision::Allow) {
                faults.push(format!(
                    "{} of `{}` in {state}: expected {expected:?}, got {:?} {:?}",
                    probe.operation, probe.key, outcome.code, outcome.message
                ));
                continue;
            }
            let message = cell["model_error"]["message"]
                .as_str()
                .filter(|text| !text.starts_with("IF "));
            let shown = outcome.message.as_deref();
            if let Some(text) = message
                && shown.is_none_or(|shown| !shown.ends_with(text.trim_start_matches("{key_arn}")))
            {
                faults.push(format!(
                    "{} in {state}: expected `{text}`, got {shown:?}",
                    probe.operation
                ));
            }
        }
    }
    assert!(cells >= 48 * 8, "{cells} cells");
    assert!(faults.is_empty(), "{} of {cells}:\n{}", faults.len(), faults.join("\n"));
}
