//! Rows of the faults of KMS: key policies, aliases, grants, key states, and Lambda's grants.

use serde_json::{Map, Value, json};

use super::{Row, encrypt, is_error, may, row, sealed, user};
use crate::cloud::{A, B, Cloud, Keys, allow};

fn role_arn() -> String {
    format!("arn:aws:iam::{A}:role/R")
}

/// A role session without policies.
fn session(cloud: &Cloud) -> Keys {
    cloud.role(A, "R", "s1", &json!([]))
}

/// A grant of Encrypt, or what `more` says, to the role.
fn grant(cloud: &Cloud, key: &str, more: &Value) -> Value {
    let mut body = json!({ "KeyId": key, "GranteePrincipal": role_arn(), "Operations": ["Encrypt"] });
    for (name, value) in more.as_object().expect("an object") {
        body[name] = value.clone();
    }
    cloud.kms(&cloud.root(A), "CreateGrant", &body).ok().json()
}

/// What a session of the role gets from an Encrypt with the encryption context `a=b, c=d` under a grant.
fn encrypts_by(cloud: &Cloud, more: &Value) -> u16 {
    let session = session(cloud);
    let key = cloud.key(A, &json!([]));
    grant(cloud, &key, more);
    let context = json!({ "a": "b", "c": "d" });
    let body = json!({ "KeyId": key, "Plaintext": "eA==", "EncryptionContext": context });
    cloud.kms(&session, "Encrypt", &body).status
}

fn revoke(cloud: &Cloud, key: &str, made: &Value) {
    let body = json!({ "KeyId": key, "GrantId": made["GrantId"] });
    cloud.kms(&cloud.root(A), "RevokeGrant", &body).ok();
}

fn retire(cloud: &Cloud, who: &Keys, key: &str, made: &Value) -> u16 {
    let body = json!({ "KeyId": key, "GrantId": made["GrantId"] });
    cloud.kms(who, "RetireGrant", &body).status
}

/// A key that was disabled after something was encrypted under it, and the ciphertext.
fn disabled(cloud: &Cloud) -> (String, Value) {
    let key = cloud.key(A, &json!([]));
    let blob = sealed(cloud, &key);
    cloud.kms(&cloud.root(A), "DisableKey", &json!({ "KeyId": key })).ok();
    (key, blob)
}

/// What account A's root user gets.
fn root_calls(cloud: &Cloud, operation: &str, body: &Value) -> u16 {
    cloud.kms(&cloud.root(A), operation, body).status
}

/// A multi-Region key whose policy names the user `U`.
fn multi_region(cloud: &Cloud) -> String {
    let statements = json!([
        { "Effect": "Allow", "Principal": { "AWS": A }, "Action": "kms:*", "Resource": "*" },
        { "Effect": "Allow", "Principal": { "AWS": format!("arn:aws:iam::{A}:user/U") }, "Action": "kms:Encrypt", "Resource": "*" },
    ]);
    let body = json!({ "MultiRegion": true, "Policy": crate::cloud::policy(&statements) });
    let made = cloud.kms(&cloud.root(A), "CreateKey", &body).ok().json();
    made["KeyMetadata"]["KeyId"].as_str().expect("an id").to_owned()
}

const FUNCTION: &str = "/2015-03-31/functions";

fn lambda(cloud: &Cloud, who: &Keys, method: &'static str, path: &str, body: &Value) -> crate::cloud::Reply {
    let path = format!("{FUNCTION}{path}");
    cloud.send(
        Some(who),
        "lambda",
        crate::cloud::REGION,
        method,
        &path,
        &[],
        body.to_string().into_bytes(),
    )
}

/// A function with an environment under a key.
fn function(cloud: &Cloud) -> String {
    let key = cloud.key(A, &json!([]));
    let logs = may(&["logs:*"]);
    cloud.make_role(A, "R", &json!({ "Service": "lambda.amazonaws.com" }), &logs);
    let body = json!({
        "FunctionName": "fn", "Role": role_arn(), "Runtime": "python3.12", "Handler": "index.handler",
        "Code": { "ZipFile": "UEsFBgAAAAAAAAAAAAAAAAAAAAAAAA==" },
        "KMSKeyArn": key, "Environment": { "Variables": { "SECRET": "value" } },
    });
    lambda(cloud, &cloud.root(A), "POST", "", &body).ok();
    key
}

pub(super) const ROWS: &[Row] = &[
    row(
        "replica-uses-primary-policy",
        |cloud| {
            let user = user(cloud, &json!([]));
            let id = multi_region(cloud);
            let replicate = json!({ "KeyId": id, "ReplicaRegion": "eu-west-1" });
            cloud.kms(&cloud.root(A), "ReplicateKey", &replicate).ok();
            let body = json!({ "KeyId": id, "Plaintext": "eA==" });
            cloud.kms_in("eu-west-1", &user, "Encrypt", &body).status
        },
        400,
        200,
    ),
    row(
        "replica-create-key-unasked",
        |cloud| {
            let user = user(cloud, &may(&["kms:ReplicateKey"]));
            let id = multi_region(cloud);
            let replicate = json!({ "KeyId": id, "ReplicaRegion": "eu-west-1" });
            cloud.kms(&user, "ReplicateKey", &replicate).status
        },
        400,
        200,
    ),
    row(
        "foreign-operations-allowed",
        |cloud| {
            let all = json!([{ "Effect": "Allow", "Principal": { "AWS": B }, "Action": "kms:*", "Resource": "*" }]);
            let key = cloud.key(A, &all);
            let body = json!({ "KeyId": key, "Tags": [{ "TagKey": "t", "TagValue": "x" }] });
            cloud.kms(&cloud.root(B), "TagResource", &body).status
        },
        400,
        200,
    ),
    row(
        "alias-itself-unasked",
        |cloud| {
            let keys = format!("arn:aws:kms:us-east-1:{A}:key/*");
            let user = user(cloud, &json!([allow(&json!("kms:CreateAlias"), &json!(keys))]));
            let key = cloud.key(A, &json!([]));
            let body = json!({ "AliasName": "alias/a", "TargetKeyId": key });
            cloud.kms(&user, "CreateAlias", &body).status
        },
        400,
        200,
    ),
    row(
        "decrypt-without-key-id-unchecked",
        |cloud| {
            let blob = sealed(cloud, &cloud.key(A, &json!([])));
            let user = user(cloud, &json!([]));
            cloud.kms(&user, "Decrypt", &json!({ "CiphertextBlob": blob })).status
        },
        400,
        200,
    ),
    row(
        "key-id-less-denial-names-key",
        |cloud| {
            let key = cloud.key(A, &json!([]));
            let blob = sealed(cloud, &key);
            let user = user(cloud, &json!([]));
            is_error(&cloud.kms(&user, "Decrypt", &json!({ "CiphertextBlob": blob })), &key)
        },
        0,
        1,
    ),
    row(
        "re-encrypt-source-unchecked",
        |cloud| {
            let blob = sealed(cloud, &cloud.key(A, &json!([])));
            let user = user(cloud, &may(&["kms:ReEncryptTo"]));
            let body = json!({ "CiphertextBlob": blob, "DestinationKeyId": cloud.key(A, &json!([])) });
            cloud.kms(&user, "ReEncrypt", &body).status
        },
        400,
        200,
    ),
    row(
        "data-key-without-plaintext-as-data-key",
        |cloud| {
            let user = user(cloud, &may(&["kms:GenerateDataKey"]));
            let body = json!({ "KeyId": cloud.key(A, &json!([])), "KeySpec": "AES_256" });
            cloud.kms(&user, "GenerateDataKeyWithoutPlaintext", &body).status
        },
        400,
        200,
    ),
    row(
        "bad-key-policy-stored",
        |cloud| {
            let body = json!({ "KeyId": cloud.key(A, &json!([])), "Policy": "nonsense" });
            root_calls(cloud, "PutKeyPolicy", &body)
        },
        400,
        200,
    ),
    row(
        "dry-run-executes",
        |cloud| {
            let body = json!({ "KeyId": cloud.key(A, &json!([])), "Plaintext": "eA==", "DryRun": true });
            root_calls(cloud, "Encrypt", &body)
        },
        400,
        200,
    ),
    row("grants-inert", |cloud| encrypts_by(cloud, &json!({})), 200, 400),
    row(
        "grant-operation-ignored",
        |cloud| encrypts_by(cloud, &json!({ "Operations": ["Decrypt"] })),
        400,
        200,
    ),
    row(
        "grant-constraint-ignored",
        |cloud| {
            encrypts_by(
                cloud,
                &json!({ "Constraints": { "EncryptionContextSubset": { "x": "y" } } }),
            )
        },
        400,
        200,
    ),
    row(
        "grant-equals-as-subset",
        |cloud| {
            encrypts_by(
                cloud,
                &json!({ "Constraints": { "EncryptionContextEquals": { "a": "b" } } }),
            )
        },
        400,
        200,
    ),
    row(
        "grant-subset-as-equals",
        |cloud| {
            encrypts_by(
                cloud,
                &json!({ "Constraints": { "EncryptionContextSubset": { "a": "b" } } }),
            )
        },
        200,
        400,
    ),
    row(
        "grant-constraint-on-describe-key",
        |cloud| {
            let session = session(cloud);
            let key = cloud.key(A, &json!([]));
            let constraints = json!({ "EncryptionContextEquals": { "a": "b" } });
            grant(
                cloud,
                &key,
                &json!({ "Operations": ["DescribeKey", "Encrypt"], "Constraints": constraints }),
            );
            cloud.kms(&session, "DescribeKey", &json!({ "KeyId": key })).status
        },
        200,
        400,
    ),
    row(
        "grant-source-ignored",
        |cloud| {
            let key = cloud.key(A, &json!([]));
            let service = "dynamodb.amazonaws.com";
            let table = |name: &str| format!("arn:aws:dynamodb:us-east-1:{A}:table/{name}");
            let body = json!({
                "KeyId": key, "GranteeServicePrincipal": service, "RetiringServicePrincipal": service,
                "Operations": ["Encrypt"], "Constraints": { "SourceArn": table("T1") },
            });
            cloud.kms(&cloud.root(A), "CreateGrant", &body).ok();
            let caller = cloud.credentials(&json!({ "service": { "name": service, "source_arn": table("T2") } }));
            encrypt(cloud, &caller, &key)
        },
        400,
        200,
    ),
    row(
        "retired-grant-still-allows",
        |cloud| {
            let session = session(cloud);
            let key = cloud.key(A, &json!([]));
            let made = grant(cloud, &key, &json!({}));
            revoke(cloud, &key, &made);
            encrypt(cloud, &session, &key)
        },
        400,
        200,
    ),
    row(
        "grantee-matched-by-name",
        |cloud| {
            session(cloud);
            let key = cloud.key(A, &json!([]));
            grant(cloud, &key, &json!({}));
            cloud.iam(A, &[("Action", "DeleteRole"), ("RoleName", "R")]);
            encrypt(cloud, &session(cloud), &key)
        },
        400,
        200,
    ),
    row(
        "token-revives-ended-grant",
        |cloud| {
            let session = session(cloud);
            let key = cloud.key(A, &json!([]));
            let made = grant(cloud, &key, &json!({}));
            revoke(cloud, &key, &made);
            let body = json!({ "KeyId": key, "Plaintext": "eA==", "GrantTokens": [made["GrantToken"]] });
            cloud.kms(&session, "Encrypt", &body).status
        },
        400,
        200,
    ),
    row(
        "unknown-grant-token-accepted",
        |cloud| {
            let body = json!({ "KeyId": cloud.key(A, &json!([])), "Plaintext": "eA==", "GrantTokens": ["x"] });
            root_calls(cloud, "Encrypt", &body)
        },
        400,
        200,
    ),
    row(
        "grant-pair-quota-skipped",
        |cloud| {
            let pairs: Map<String, Value> = (0..9).map(|number| (number.to_string(), json!("x"))).collect();
            let root = format!("arn:aws:iam::{A}:root");
            let body = json!({
                "KeyId": cloud.key(A, &json!([])), "GranteePrincipal": root, "Operations": ["Encrypt"],
                "Constraints": { "EncryptionContextSubset": pairs },
            });
            root_calls(cloud, "CreateGrant", &body)
        },
        400,
        200,
    ),
    row(
        "nonexistent-grantee-accepted",
        |cloud| {
            let body = json!({ "KeyId": cloud.key(A, &json!([])), "GranteePrincipal": "*", "Operations": ["Encrypt"] });
            root_calls(cloud, "CreateGrant", &body)
        },
        400,
        200,
    ),
    row(
        "anyone-may-retire",
        |cloud| {
            session(cloud);
            let key = cloud.key(A, &json!([]));
            let made = grant(cloud, &key, &json!({}));
            let user = user(cloud, &json!([]));
            retire(cloud, &user, &key, &made)
        },
        400,
        200,
    ),
    row(
        "identity-policy-retires-any-grant",
        |cloud| {
            session(cloud);
            let key = cloud.key(A, &json!([]));
            let made = grant(cloud, &key, &json!({}));
            let stranger = cloud.user(B, "U", &may(&["kms:RetireGrant"]));
            retire(cloud, &stranger, &key, &made)
        },
        400,
        200,
    ),
    row(
        "retiring-principal-needs-policy",
        |cloud| {
            let session = session(cloud);
            let key = cloud.key(A, &json!([]));
            let made = grant(cloud, &key, &json!({ "RetiringPrincipal": role_arn() }));
            retire(cloud, &session, &key, &made)
        },
        200,
        400,
    ),
    row(
        "lambda-grants-whole-role",
        |cloud| {
            let key = function(cloud);
            let listed = cloud.kms(&cloud.root(A), "ListGrants", &json!({ "KeyId": key })).ok();
            is_error(&listed, &format!("\"{}\"", role_arn()))
        },
        0,
        1,
    ),
    row(
        "lambda-grant-lacks-decrypt",
        |cloud| {
            function(cloud);
            lambda(cloud, &cloud.root(A), "POST", "/fn/invocations", &json!({})).status
        },
        200,
        502,
    ),
    row(
        "key-state-ignored",
        |cloud| {
            let (key, _) = disabled(cloud);
            encrypt(cloud, &cloud.root(A), &key)
        },
        400,
        200,
    ),
    row(
        "decrypt-state-ignored",
        |cloud| {
            let (key, blob) = disabled(cloud);
            root_calls(cloud, "Decrypt", &json!({ "KeyId": key, "CiphertextBlob": blob }))
        },
        400,
        200,
    ),
    row(
        "data-key-state-ignored",
        |cloud| {
            let (key, _) = disabled(cloud);
            root_calls(cloud, "GenerateDataKey", &json!({ "KeyId": key, "KeySpec": "AES_256" }))
        },
        400,
        200,
    ),
    row(
        "signing-state-ignored",
        |cloud| {
            let body = json!({ "KeySpec": "HMAC_256", "KeyUsage": "GENERATE_VERIFY_MAC" });
            let made = cloud.kms(&cloud.root(A), "CreateKey", &body).ok().json();
            let key = made["KeyMetadata"]["KeyId"].clone();
            cloud.kms(&cloud.root(A), "DisableKey", &json!({ "KeyId": key })).ok();
            let body = json!({ "KeyId": key, "Message": "eA==", "MacAlgorithm": "HMAC_SHA_256" });
            root_calls(cloud, "GenerateMac", &body)
        },
        400,
        200,
    ),
    row(
        "create-grant-state-ignored",
        |cloud| {
            let (key, _) = disabled(cloud);
            let root = format!("arn:aws:iam::{A}:root");
            let body = json!({ "KeyId": key, "GranteePrincipal": root, "Operations": ["Encrypt"] });
            root_calls(cloud, "CreateGrant", &body)
        },
        400,
        200,
    ),
    row(
        "pending-deletion-usable",
        |cloud| {
            let key = cloud.key(A, &json!([]));
            root_calls(cloud, "ScheduleKeyDeletion", &json!({ "KeyId": key }));
            encrypt(cloud, &cloud.root(A), &key)
        },
        400,
        200,
    ),
    row(
        "disabled-key-serves-s3",
        |cloud| {
            let (key, _) = disabled(cloud);
            let root = cloud.bucket(A, "bucket");
            cloud.default_kms(A, "bucket", &key, false);
            cloud.s3_with(&root, "PUT", "/bucket/k", &[], "x").status
        },
        400,
        200,
    ),
    row(
        "re-encrypt-destination-state-ignored",
        |cloud| {
            let blob = sealed(cloud, &cloud.key(A, &json!([])));
            let (key, _) = disabled(cloud);
            root_calls(
                cloud,
                "ReEncrypt",
                &json!({ "CiphertextBlob": blob, "DestinationKeyId": key }),
            )
        },
        400,
        200,
    ),
    row(
        "state-before-permission",
        |cloud| {
            let (key, _) = disabled(cloud);
            let user = user(cloud, &json!([]));
            let body = json!({ "KeyId": key, "Plaintext": "eA==" });
            is_error(&cloud.kms(&user, "Encrypt", &body), "DisabledException")
        },
        0,
        1,
    ),
];
