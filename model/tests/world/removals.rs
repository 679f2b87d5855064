//! Every operation with all its permissions, and with each of them taken away: the checks are those of the operation tables, and the
//! answer to a missing one names it (`svc:2`, `svc:9.4`). The tables are read here as JSON.

use std::collections::{BTreeMap, BTreeSet};

use countersign_model::case::Decision;
use countersign_model::outcome::Outcome;
use countersign_model::world::World;
use serde_json::{Value, json};

use crate::support::case;

const WORLD: &str = r#"
as_of: 2026-06-01
world:
  region: us-east-1
  accounts:
    "111111111111":
      users:
        admin: {attached: ["arn:aws:iam::aws:policy/AdministratorAccess"]}
        tested: {policies: {p: POLICY}}
      keys:
        k: {aliases: [alias/a]}
        other: {}
        imported: {origin: EXTERNAL}
        rsa: {spec: RSA_2048, usage: SIGN_VERIFY}
        hmac: {spec: HMAC_256, usage: GENERATE_VERIFY_MAC}
        agree: {spec: ECC_NIST_P256, usage: KEY_AGREEMENT}
        kem: {spec: ML_KEM_768, usage: ENCAPSULATE_DECAPSULATE}
        family: {id: mrk-0123456789abcdef0123456789abcdef, multi_region: true}
      buckets:
        box: {encryption: {sse: "aws:kms", key: k}, versioning: Enabled, objects: {x: {body: hello, tags: {a: b}}}}
        from: {encryption: {sse: "aws:kms", key: other}, objects: {x: {body: hello, tags: {a: b}}}}
        logs: {}
steps:
"#;

/// One way to call an operation, after steps that make what it needs.
struct Probe {
    call: &'static str,
    with: &'static str,
    before: &'static [&'static str],
}

const fn probe(call: &'static str, with: &'static str) -> Probe {
    Probe {
        call,
        with,
        before: &[],
    }
}

const fn after(call: &'static str, with: &'static str, before: &'static [&'static str]) -> Probe {
    Probe { call, with, before }
}

/// A bucket with ACLs and Object Lock, whose objects are encrypted under `k`, with an object in it.
const LOCKED: &[&str] = &[
    r#"  - {as: {user: admin}, call: s3:CreateBucket, with: {Bucket: locked, ObjectLockEnabledForBucket: true, ObjectOwnership: ObjectWriter}}"#,
    r#"  - {as: {user: admin}, call: s3:PutBucketEncryption, with: {Bucket: locked, ServerSideEncryptionConfiguration: {Rules: [{ApplyServerSideEncryptionByDefault: {SSEAlgorithm: "aws:kms", KMSMasterKeyID: "{{key.k.arn}}"}}]}}}"#,
    r#"  - {as: {user: admin}, call: s3:PutObject, with: {Bucket: locked, Key: x, Body: {text: x}, ObjectLockMode: GOVERNANCE, ObjectLockRetainUntilDate: "2026-07-01T00:00:00Z", ObjectLockLegalHoldStatus: "OFF"}, save: {version: VersionId}}"#,
];
const VERSION: &[&str] = &[
    r#"  - {as: {user: admin}, call: s3:PutObject, with: {Bucket: box, Key: v, Body: {text: x}, Tagging: "a=b"}, save: {version: VersionId}}"#,
];
const UPLOAD: &[&str] = &[
    r#"  - {as: {user: admin}, call: s3:CreateMultipartUpload, with: {Bucket: box, Key: big}, save: {upload: UploadId}}"#,
    r#"  - {as: {user: admin}, call: s3:UploadPart, with: {Bucket: box, Key: big, UploadId: "{{saved.upload}}", PartNumber: 1, Body: {text: x}}}"#,
];
const ARCHIVED: &[&str] = &[
    r#"  - {as: {user: admin}, call: s3:PutObject, with: {Bucket: box, Key: cold, Body: {text: x}, StorageClass: GLACIER}}"#,
];
const WRITER: &[&str] = &[
    r#"  - {as: {user: admin}, call: s3:PutBucketOwnershipControls, with: {Bucket: box, OwnershipControls: {Rules: [{ObjectOwnership: ObjectWriter}]}}}"#,
];
const POLICY_THERE: &[&str] = &[
    r#"  - {as: {user: admin}, call: s3:PutBucketPolicy, with: {Bucket: box, Policy: {Version: "2012-10-17", Statement: [{Effect: Deny, Principal: "*", Action: "s3:PutBucketTagging", Resource: "arn:aws:s3:::box"}]}}}"#,
];
const WEBSITE_THERE: &[&str] = &[
    r#"  - {as: {user: admin}, call: s3:PutBucketWebsite, with: {Bucket: box, WebsiteConfiguration: {IndexDocument: {Suffix: index.html}}}}"#,
];
const BLOCK_THERE: &[&str] = &[
    r#"  - {as: {user: admin}, call: s3:PutPublicAccessBlock, with: {Bucket: box, PublicAccessBlockConfiguration: {BlockPublicAcls: true}}}"#,
];
const EMPTY_BUCKET: &[&str] = &[r#"  - {as: {user: admin}, call: s3:CreateBucket, with: {Bucket: made}}"#];
const STORE: &[&str] = &[
    r#"  - {as: {user: admin}, call: kms:CreateCustomKeyStore, with: {CustomKeyStoreName: s}, save: {store: CustomKeyStoreId}}"#,
];
const PENDING: &[&str] = &[r#"  - {as: {user: admin}, call: kms:ScheduleKeyDeletion, with: {KeyId: "{{key.k.id}}"}}"#];
const ENCRYPTED: &[&str] = &[
    r#"  - {as: {user: admin}, call: kms:Encrypt, with: {KeyId: "{{key.k.id}}", Plaintext: {text: x}}, save: {blob: CiphertextBlob}}"#,
];
const SIGNED: &[&str] = &[
    r#"  - {as: {user: admin}, call: kms:Sign, with: {KeyId: "{{key.rsa.id}}", Message: {text: x}, SigningAlgorithm: RSASSA_PSS_SHA_256}, save: {signature: Signature}}"#,
];
const MAC: &[&str] = &[
    r#"  - {as: {user: admin}, call: kms:GenerateMac, with: {KeyId: "{{key.hmac.id}}", Message: {text: x}, MacAlgorithm: HMAC_SHA_256}, save: {mac: Mac}}"#,
];
const SECRET: &[&str] = &[
    r#"  - {as: {user: admin}, call: kms:Encapsulate, with: {KeyId: "{{key.kem.id}}", EncapsulationAlgorithm: ML_KEM}, save: {secret: SharedSecretCiphertextBlob}}"#,
];
const PUBLIC: &[&str] = &[
    r#"  - {as: {user: admin}, call: kms:GetPublicKey, with: {KeyId: "{{key.agree.id}}"}, save: {public: PublicKey}}"#,
];
const TOKEN: &[&str] = &[
    r#"  - {as: {user: admin}, call: kms:GetParametersForImport, with: {KeyId: "{{key.imported.id}}", WrappingAlgorithm: RSAES_OAEP_SHA_256, WrappingKeySpec: RSA_2048}, save: {token: ImportToken}}"#,
];
const GRANT: &[&str] = &[
    r#"  - {as: {user: admin}, call: kms:CreateGrant, with: {KeyId: "{{key.k.id}}", GranteePrincipal: "{{user.admin.arn}}", Operations: [Decrypt]}, save: {grant: GrantId}}"#,
];
const REPLICA: &[&str] = &[
    r#"  - {as: {user: admin}, call: kms:ReplicateKey, with: {KeyId: "{{key.family.id}}", ReplicaRegion: eu-west-1}}"#,
];

#[rustfmt::skip]
const KMS: &[Probe] = &[
    after("CancelKeyDeletion", r#"{KeyId: "{{key.k.id}}"}"#, PENDING),
    after("ConnectCustomKeyStore", r#"{CustomKeyStoreId: "{{saved.store}}"}"#, STORE),
    probe("CreateAlias", r#"{AliasName: alias/new, TargetKeyId: "{{key.k.id}}"}"#),
    probe("CreateCustomKeyStore", "{CustomKeyStoreName: s}"),
    probe("CreateGrant", r#"{KeyId: "{{key.k.id}}", GranteePrincipal: "{{user.admin.arn}}", Operations: [Decrypt]}"#),
    probe("CreateKey", "{MultiRegion: true, Tags: [{TagKey: a, TagValue: b}]}"),
    after("Decapsulate", r#"{KeyId: "{{key.kem.id}}", EncapsulationAlgorithm: ML_KEM, SharedSecretCiphertextBlob: "{{saved.secret}}"}"#, SECRET),
    after("Decrypt", r#"{KeyId: "{{key.k.id}}", CiphertextBlob: "{{saved.blob}}"}"#, ENCRYPTED),
    probe("DeleteAlias", "{AliasName: alias/a}"),
    after("DeleteCustomKeyStore", r#"{CustomKeyStoreId: "{{saved.store}}"}"#, STORE),
    probe("DeleteImportedKeyMaterial", r#"{KeyId: "{{key.imported.id}}"}"#),
    after("DeriveSharedSecret", r#"{KeyId: "{{key.agree.id}}", KeyAgreementAlgorithm: ECDH, PublicKey: "{{saved.public}}"}"#, PUBLIC),
    probe("DescribeCustomKeyStores", "{}"),
    probe("DescribeKey", r#"{KeyId: alias/a}"#),
    probe("DisableKey", r#"{KeyId: "{{key.k.id}}"}"#),
    probe("DisableKeyRotation", r#"{KeyId: "{{key.k.id}}"}"#),
    after("DisconnectCustomKeyStore", r#"{CustomKeyStoreId: "{{saved.store}}"}"#, STORE),
    probe("EnableKey", r#"{KeyId: "{{key.k.id}}"}"#),
    probe("EnableKeyRotation", r#"{KeyId: "{{key.k.id}}"}"#),
    probe("Encapsulate", r#"{KeyId: "{{key.kem.id}}", EncapsulationAlgorithm: ML_KEM}"#),
    probe("Encrypt", r#"{KeyId: "{{key.k.id}}", Plaintext: {text: x}}"#),
    probe("GenerateDataKey", r#"{KeyId: "{{key.k.id}}", KeySpec: AES_256}"#),
    probe("GenerateDataKeyPair", r#"{KeyId: "{{key.k.id}}", KeyPairSpec: RSA_2048}"#),
    probe("GenerateDataKeyPairWithoutPlaintext", r#"{KeyId: "{{key.k.id}}", KeyPairSpec: RSA_2048}"#),
    probe("GenerateDataKeyWithoutPlaintext", r#"{KeyId: "{{key.k.id}}", KeySpec: AES_256}"#),
    probe("GenerateMac", r#"{KeyId: "{{key.hmac.id}}", Message: {text: x}, MacAlgorithm: HMAC_SHA_256}"#),
    probe("GenerateRandom", "{NumberOfBytes: 16}"),
    probe("GetKeyLastUsage", r#"{KeyId: "{{key.k.id}}"}"#),
    probe("GetKeyPolicy", r#"{KeyId: "{{key.k.id}}"}"#),
    probe("GetKeyRotationStatus", r#"{KeyId: "{{key.k.id}}"}"#),
    probe("GetParametersForImport", r#"{KeyId: "{{key.imported.id}}", WrappingAlgorithm: RSAES_OAEP_SHA_256, WrappingKeySpec: RSA_2048}"#),
    probe("GetPublicKey", r#"{KeyId: "{{key.rsa.id}}"}"#),
    after("ImportKeyMaterial", r#"{KeyId: "{{key.imported.id}}", ImportToken: "{{saved.token}}", EncryptedKeyMaterial: {text: m}, ValidTo: "2027-01-01T00:00:00Z"}"#, TOKEN),
    probe("ListAliases", "{}"),
    probe("ListGrants", r#"{KeyId: "{{key.k.id}}"}"#),
    probe("ListKeyPolicies", r#"{KeyId: "{{key.k.id}}"}"#),
    probe("ListKeyRotations", r#"{KeyId: "{{key.k.id}}"}"#),
    probe("ListKeys", "{}"),
    probe("ListResourceTags", r#"{KeyId: "{{key.k.id}}"}"#),
    probe("ListRetirableGrants", r#"{RetiringPrincipal: "{{user.tested.arn}}"}"#),
    probe("PutKeyPolicy", r#"{KeyId: "{{key.k.id}}", Policy: {Version: "2012-10-17", Statement: [{Effect: Allow, Principal: {AWS: "111111111111"}, Action: "kms:*", Resource: "*"}]}}"#),
    after("ReEncrypt", r#"{CiphertextBlob: "{{saved.blob}}", DestinationKeyId: "{{key.other.id}}"}"#, ENCRYPTED),
    probe("ReplicateKey", r#"{KeyId: "{{key.family.id}}", ReplicaRegion: eu-west-1, Tags: [{TagKey: a, TagValue: b}]}"#),
    after("RetireGrant", r#"{KeyId: "{{key.k.arn}}", GrantId: "{{saved.grant}}"}"#, GRANT),
    after("RevokeGrant", r#"{KeyId: "{{key.k.id}}", GrantId: "{{saved.grant}}"}"#, GRANT),
    probe("RotateKeyOnDemand", r#"{KeyId: "{{key.k.id}}"}"#),
    probe("ScheduleKeyDeletion", r#"{KeyId: "{{key.k.id}}"}"#),
    probe("Sign", r#"{KeyId: "{{key.rsa.id}}", Message: {text: x}, SigningAlgorithm: RSASSA_PSS_SHA_256}"#),
    probe("TagResource", r#"{KeyId: "{{key.k.id}}", Tags: [{TagKey: a, TagValue: b}]}"#),
    probe("UntagResource", r#"{KeyId: "{{key.k.id}}", TagKeys: [a]}"#),
    probe("UpdateAlias", r#"{AliasName: alias/a, TargetKeyId: "{{key.other.id}}"}"#),
    after("UpdateCustomKeyStore", r#"{CustomKeyStoreId: "{{saved.store}}", NewCustomKeyStoreName: t}"#, STORE),
    probe("UpdateKeyDescription", r#"{KeyId: "{{key.k.id}}", Description: words}"#),
    after("UpdatePrimaryRegion", r#"{KeyId: "{{key.family.id}}", PrimaryRegion: eu-west-1}"#, REPLICA),
    after("Verify", r#"{KeyId: "{{key.rsa.id}}", Message: {text: x}, Signature: "{{saved.signature}}", SigningAlgorithm: RSASSA_PSS_SHA_256}"#, SIGNED),
    after("VerifyMac", r#"{KeyId: "{{key.hmac.id}}", Message: {text: x}, Mac: "{{saved.mac}}", MacAlgorithm: HMAC_SHA_256}"#, MAC),
];

const HEADERS: &str = r#"ACL: private, Tagging: "a=b", ObjectLockMode: GOVERNANCE, ObjectLockRetainUntilDate: "2026-07-01T00:00:00Z", ObjectLockLegalHoldStatus: "ON""#;

#[rustfmt::skip]
const S3: &[Probe] = &[
    after("AbortMultipartUpload", r#"{Bucket: box, Key: big, UploadId: "{{saved.upload}}"}"#, UPLOAD),
    after("CompleteMultipartUpload", r#"{Bucket: box, Key: big, UploadId: "{{saved.upload}}", MultipartUpload: {Parts: [{PartNumber: 1}]}}"#, UPLOAD),
    after("CopyObject", "{Bucket: locked, Key: y, CopySource: from/x, HEADERS}", LOCKED),
    after("CopyObject", r#"{Bucket: from, Key: y, CopySource: "box/v?versionId={{saved.version}}"}"#, VERSION),
    probe("CreateBucket", "{Bucket: made}"),
    probe("CreateBucket", "{Bucket: made, ObjectOwnership: ObjectWriter, ACL: authenticated-read, ObjectLockEnabledForBucket: true}"),
    after("CreateMultipartUpload", "{Bucket: locked, Key: y, HEADERS}", LOCKED),
    after("DeleteBucket", "{Bucket: made}", EMPTY_BUCKET),
    probe("DeleteBucketEncryption", "{Bucket: box}"),
    probe("DeleteBucketOwnershipControls", "{Bucket: box}"),
    after("DeleteBucketPolicy", "{Bucket: box}", POLICY_THERE),
    after("DeleteBucketWebsite", "{Bucket: box}", WEBSITE_THERE),
    probe("DeleteObject", "{Bucket: box, Key: x}"),
    after("DeleteObject", r#"{Bucket: box, Key: v, VersionId: "{{saved.version}}"}"#, VERSION),
    probe("DeleteObjectTagging", "{Bucket: box, Key: x}"),
    after("DeleteObjectTagging", r#"{Bucket: box, Key: v, VersionId: "{{saved.version}}"}"#, VERSION),
    probe("DeleteObjects", "{Bucket: box, Delete: {Objects: [{Key: x}]}}"),
    after("DeleteObjects", r#"{Bucket: box, Delete: {Objects: [{Key: v, VersionId: "{{saved.version}}"}]}}"#, VERSION),
    probe("DeletePublicAccessBlock", "{Bucket: box}"),
    probe("GetBucketAcl", "{Bucket: box}"),
    probe("GetBucketEncryption", "{Bucket: box}"),
    probe("GetBucketLocation", "{Bucket: box}"),
    probe("GetBucketLogging", "{Bucket: box}"),
    probe("GetBucketOwnershipControls", "{Bucket: box}"),
    after("GetBucketPolicy", "{Bucket: box}", POLICY_THERE),
    after("GetBucketPolicyStatus", "{Bucket: box}", POLICY_THERE),
    probe("GetBucketRequestPayment", "{Bucket: box}"),
    probe("GetBucketVersioning", "{Bucket: box}"),
    after("GetBucketWebsite", "{Bucket: box}", WEBSITE_THERE),
    probe("GetObject", "{Bucket: box, Key: x}"),
    after("GetObject", r#"{Bucket: box, Key: v, VersionId: "{{saved.version}}"}"#, VERSION),
    probe("GetObjectAcl", "{Bucket: box, Key: x}"),
    after("GetObjectAcl", r#"{Bucket: box, Key: v, VersionId: "{{saved.version}}"}"#, VERSION),
    probe("GetObjectAttributes", "{Bucket: box, Key: x, ObjectAttributes: [ObjectSize]}"),
    after("GetObjectAttributes", r#"{Bucket: box, Key: v, VersionId: "{{saved.version}}", ObjectAttributes: [ObjectSize]}"#, VERSION),
    after("GetObjectLegalHold", "{Bucket: locked, Key: x}", LOCKED),
    after("GetObjectRetention", "{Bucket: locked, Key: x}", LOCKED),
    probe("GetObjectTagging", "{Bucket: box, Key: x}"),
    after("GetObjectTagging", r#"{Bucket: box, Key: v, VersionId: "{{saved.version}}"}"#, VERSION),
    after("GetPublicAccessBlock", "{Bucket: box}", BLOCK_THERE),
    probe("HeadBucket", "{Bucket: box}"),
    probe("HeadObject", "{Bucket: box, Key: x, ChecksumMode: ENABLED}"),
    after("HeadObject", r#"{Bucket: box, Key: v, VersionId: "{{saved.version}}"}"#, VERSION),
    probe("ListBuckets", "{}"),
    probe("ListMultipartUploads", "{Bucket: box}"),
    probe("ListObjectVersions", "{Bucket: box}"),
    probe("ListObjects", "{Bucket: box}"),
    probe("ListObjectsV2", "{Bucket: box}"),
    after("ListParts", r#"{Bucket: box, Key: big, UploadId: "{{saved.upload}}"}"#, UPLOAD),
    after("PutBucketAcl", "{Bucket: box, ACL: private}", WRITER),
    probe("PutBucketEncryption", r#"{Bucket: box, ServerSideEncryptionConfiguration: {Rules: [{ApplyServerSideEncryptionByDefault: {SSEAlgorithm: AES256}}]}}"#),
    probe("PutBucketLogging", "{Bucket: box, BucketLoggingStatus: {LoggingEnabled: {TargetBucket: logs, TargetPrefix: p}}}"),
    probe("PutBucketOwnershipControls", "{Bucket: box, OwnershipControls: {Rules: [{ObjectOwnership: ObjectWriter}]}}"),
    probe("PutBucketPolicy", r#"{Bucket: box, Policy: {Version: "2012-10-17", Statement: [{Effect: Deny, Principal: "*", Action: "s3:PutBucketTagging", Resource: "arn:aws:s3:::box"}]}}"#),
    probe("PutBucketRequestPayment", "{Bucket: box, RequestPaymentConfiguration: {Payer: Requester}}"),
    probe("PutBucketVersioning", "{Bucket: box, VersioningConfiguration: {Status: Suspended}}"),
    probe("PutBucketWebsite", "{Bucket: box, WebsiteConfiguration: {IndexDocument: {Suffix: index.html}}}"),
    after("PutObject", "{Bucket: locked, Key: y, Body: {text: x}, HEADERS}", LOCKED),
    after("PutObjectAcl", "{Bucket: locked, Key: x, ACL: private}", LOCKED),
    after("PutObjectAcl", r#"{Bucket: locked, Key: x, VersionId: "{{saved.version}}", ACL: private}"#, LOCKED),
    after("PutObjectLegalHold", r#"{Bucket: locked, Key: x, LegalHold: {Status: "ON"}}"#, LOCKED),
    after("PutObjectRetention", r#"{Bucket: locked, Key: x, Retention: {Mode: GOVERNANCE, RetainUntilDate: "2026-08-01T00:00:00Z"}}"#, LOCKED),
    probe("PutObjectTagging", "{Bucket: box, Key: x, Tagging: {TagSet: [{Key: a, Value: b}]}}"),
    after("PutObjectTagging", r#"{Bucket: box, Key: v, VersionId: "{{saved.version}}", Tagging: {TagSet: [{Key: a, Value: b}]}}"#, VERSION),
    probe("PutPublicAccessBlock", "{Bucket: box, PublicAccessBlockConfiguration: {BlockPublicAcls: true}}"),
    after("RestoreObject", "{Bucket: box, Key: cold, RestoreRequest: {Days: 1}}", ARCHIVED),
    probe("SelectObjectContent", "{Bucket: box, Key: x, Expression: 'SELECT * FROM S3Object', ExpressionType: SQL}"),
    probe("UpdateObjectEncryption", r#"{Bucket: box, Key: x, ObjectEncryption: {SSEKMS: {KMSKeyArn: "{{key.other.arn}}"}}}"#),
    after("UploadPart", r#"{Bucket: box, Key: big, UploadId: "{{saved.upload}}", PartNumber: 2, Body: {text: x}}"#, UPLOAD),
    after("UploadPartCopy", r#"{Bucket: box, Key: big, UploadId: "{{saved.upload}}", PartNumber: 2, CopySource: from/x}"#, UPLOAD),
    after("UploadPartCopy", r#"{Bucket: box, Key: big, UploadId: "{{saved.upload}}", PartNumber: 2, CopySource: "box/v?versionId={{saved.version}}"}"#, VERSION_AND_UPLOAD),
];

const VERSION_AND_UPLOAD: &[&str] = &[VERSION[0], UPLOAD[0]];

/// The form upload has a shape of its own; it stands in the table under this name.
const FORM: &str = "PostObject";

/// Runs a probe with the policy of the user `tested`.
fn run(service: &str, probe: &Probe, shape: &str, policy: &Value) -> Outcome {
    let text = format!(
        "{}{}\n  - {{as: {{user: tested}}, call: {service}:{}, {shape}with: {}}}\n",
        WORLD.replace("POLICY", &policy.to_string()),
        probe.before.join("\n"),
        probe.call,
        probe.with.replace("HEADERS", HEADERS)
    );
    let case = case(&text);
    let mut world = World::new(&case).unwrap_or_else(|error| panic!("{error}"));
    let mut last = None;
    for (place, step) in case.steps.iter().enumerate() {
        let outcome = world
            .apply(step)
            .unwrap_or_else(|error| panic!("{} {}: {error}", probe.call, probe.with));
        assert!(
            place + 1 == case.steps.len() || outcome.decision == Decision::Allow,
            "{}: step {place} before it failed: {:?} {:?}",
            probe.call,
            outcome.code,
            outcome.message
        );
        last = Some(outcome);
    }
    last.expect("a probe has at least its own step")
}

fn policy(pairs: &[(String, String)]) -> Value {
    let mut statements: Vec<Value> = pairs
        .iter()
        .map(|(action, resource)| json!({"Effect": "Allow", "Action": action, "Resource": resource}))
        .collect();
    // A policy has at least one statement.
    statements.push(json!({"Effect": "Allow", "Action": "ec2:DescribeInstances", "Resource": "*"}));
    json!({"Version": "2012-10-17", "Statement": statements})
}

fn everything() -> Value {
    json!({"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "*", "Resource": "*"}]})
}

/// Runs a probe whole and with each of its permissions removed; gives back the actions it asked for.
fn examine(service: &str, probe: &Probe, shape: &str, faults: &mut Vec<String>) -> BTreeSet<String> {
    let whole = run(service, probe, shape, &everything());
    if whole.decision != Decision::Allow {
        faults.push(format!(
            "{service}:{} with everything allowed: {:?} {:?}",
            probe.call, whole.code, whole.message
        ));
    }
    let mut pairs: Vec<(String, String)> = Vec::new();
    for check in &whole.checks {
        let pair = (check.action.to_string(), check.resource.clone());
        if !pairs.contains(&pair) {
            pairs.push(pair);
        }
    }
    let enough = run(service, probe, shape, &policy(&pairs));
    if enough.decision != Decision::Allow {
        faults.push(format!(
            "{service}:{} with exactly its permissions: {:?} {:?}",
            probe.call, enough.code, enough.message
        ));
    }
    for (place, (action, resource)) in pairs.iter().enumerate() {
        let mut fewer = pairs.clone();
        fewer.remove(place);
        let outcome = run(service, probe, shape, &policy(&fewer));
        let last = outcome.checks.last();
        let names_it = last.is_some_and(|check| check.action.as_str() == action && check.resource == *resource);
        // A batch is answered entry by entry: the refusal stands inside (notes of s3_operations.json).
        let refused = if probe.call == "DeleteObjects" {
            outcome
                .output
                .as_ref()
                .is_some_and(|output| output["Errors"][0]["Code"] == "AccessDenied")
        } else {
            outcome.decision == Decision::Deny
                && outcome.stops_at.as_ref().is_some_and(|stop| stop.as_str() == action)
                && outcome.unchanged
        };
        if !refused || !names_it {
            faults.push(format!(
                "{service}:{} without {action} on {resource}: {:?} {:?} at {:?}, {:?}",
                probe.call, outcome.decision, outcome.code, outcome.stops_at, outcome.message
            ));
        }
    }
    pairs.into_iter().map(|(action, _)| action).collect()
}

fn assert_as_in_table(asked: &BTreeMap<String, BTreeSet<String>>, wanted: &BTreeMap<String, BTreeSet<String>>) {
    let mut faults = Vec::new();
    for (operation, actions) in wanted {
        match asked.get(operation) {
            Some(own) if own == actions => {}
            other => faults.push(format!(
                "{operation}: the table has {actions:?}, the model asks {other:?}"
            )),
        }
    }
    assert_eq!(asked.len(), wanted.len(), "every operation has a probe, and only those");
    assert!(faults.is_empty(), "{}", faults.join("\n"));
}

#[test]
fn every_kms_operation_needs_each_of_its_permissions() {
    // svc:K-17, svc:K-18, svc:K-19, svc:K-21, svc:K-22, svc:K-23
    let table: Value = serde_json::from_str(include_str!("../../spec/kms_operations.json")).expect("the table is JSON");
    let wanted: BTreeMap<String, BTreeSet<String>> = table["operations"]
        .as_object()
        .expect("operations are a mapping")
        .iter()
        .map(|(name, row)| (name.clone(), actions(&row["permissions"])))
        .collect();
    let (mut asked, mut faults) = (BTreeMap::<String, BTreeSet<String>>::new(), Vec::new());
    for probe in KMS {
        let actions = examine("kms", probe, "", &mut faults);
        asked.entry(probe.call.to_owned()).or_default().extend(actions);
    }
    assert!(faults.is_empty(), "{}:\n{}", faults.len(), faults.join("\n"));
    assert_as_in_table(&asked, &wanted);
}

#[test]
fn every_s3_operation_needs_each_of_its_permissions() {
    // svc:S-15, svc:S-16, svc:S-17, svc:S-18, svc:S-25, svc:S-26
    let table: Value = serde_json::from_str(include_str!("../../spec/s3_operations.json")).expect("the table is JSON");
    let wanted: BTreeMap<String, BTreeSet<String>> = table["operations"]
        .as_object()
        .expect("operations are a mapping")
        .iter()
        .map(|(name, row)| {
            let mut all = actions(&row["s3_permissions"]);
            all.extend(actions(&row["kms_calls"]));
            (name.clone(), all)
        })
        .collect();
    let (mut asked, mut faults) = (BTreeMap::<String, BTreeSet<String>>::new(), Vec::new());
    for probe in S3 {
        let actions = examine("s3", probe, "", &mut faults);
        asked.entry(probe.call.to_owned()).or_default().extend(actions);
    }
    let form = after(
        "PutObject",
        "{Bucket: locked, Key: y, Body: {text: x}, HEADERS}",
        LOCKED,
    );
    let actions = examine("s3", &form, "shape: post_form, ", &mut faults);
    asked.insert(FORM.to_owned(), actions);
    assert!(faults.is_empty(), "{}:\n{}", faults.len(), faults.join("\n"));
    assert_as_in_table(&asked, &wanted);
}

fn actions(rows: &Value) -> BTreeSet<String> {
    rows.as_array()
        .into_iter()
        .flatten()
        .filter_map(|row| row["action"].as_str())
        .map(str::to_owned)
        .collect()
}
