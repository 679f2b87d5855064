//! Rows of the faults in what a request tells about itself.

use serde_json::{Value, json};

use super::{Row, allow_if, encrypt, row, stored, user};
use crate::cloud::{A, Cloud, Keys, allow};

/// Status of a ListBuckets by a user who may under a condition.
fn lists_if(cloud: &Cloud, condition: &Value) -> u16 {
    let user = user(cloud, &allow_if("s3:ListAllMyBuckets", condition));
    cloud.s3(&user, "GET", "/").status
}

/// Status of a KMS call by a user who may under a condition.
fn calls_if(cloud: &Cloud, operation: &str, body: &Value, condition: &Value) -> u16 {
    let user = user(cloud, &allow_if(&format!("kms:{operation}"), condition));
    cloud.kms(&user, operation, body).status
}

/// The same for an Encrypt with an encryption context.
fn encrypts_if(cloud: &Cloud, condition: &Value) -> u16 {
    let key = cloud.key(A, &json!([]));
    let body = json!({ "KeyId": key, "Plaintext": "eA==", "EncryptionContext": { "a": "b" } });
    calls_if(cloud, "Encrypt", &body, condition)
}

/// The same for a CreateGrant of Decrypt.
fn grants_if(cloud: &Cloud, condition: &Value) -> u16 {
    let key = cloud.key(A, &json!([]));
    let root = format!("arn:aws:iam::{A}:root");
    let body = json!({ "KeyId": key, "GranteePrincipal": root, "Operations": ["Decrypt"] });
    calls_if(cloud, "CreateGrant", &body, condition)
}

/// Status of a request about `bucket/k` by a user who may under a condition.
fn asks_if(
    cloud: &Cloud,
    action: &str,
    condition: &Value,
    method: &'static str,
    path: &str,
    headers: &[(&str, &str)],
) -> u16 {
    stored(cloud);
    let user = user(cloud, &allow_if(action, condition));
    cloud.s3_with(&user, method, path, headers, "").status
}

fn endpoint(cloud: &Cloud) {
    cloud.case(&json!({ "vpc_endpoints": { "e": {
        "id": "vpce-1", "vpc": "vpc-1", "account": A, "service": "s3", "type": "interface",
    } } }));
}

fn through_endpoint(cloud: &Cloud, name: &str) -> Keys {
    cloud.mint(&json!({
        "principal": { "user": { "account": A, "name": name } }, "vpc_endpoint": "e",
    }))
}

const AES256: &[(&str, &str)] = &[("x-amz-server-side-encryption", "AES256")];

pub(super) const ROWS: &[Row] = &[
    row(
        "root-has-no-principal-arn",
        |cloud| {
            let root = stored(cloud);
            let others = json!([{
                "Effect": "Deny", "Principal": "*", "Action": "s3:GetObject", "Resource": "arn:aws:s3:::bucket/*",
                "Condition": { "StringNotEquals": { "aws:PrincipalArn": format!("arn:aws:iam::{A}:root") } },
            }]);
            cloud.bucket_policy(A, "bucket", &others).ok();
            cloud.s3(&root, "GET", "/bucket/k").status
        },
        200,
        403,
    ),
    row(
        "long-term-keys-tell-mfa",
        |cloud| {
            let without = json!({ "Effect": "Deny", "Action": "*", "Resource": "*",
                "Condition": { "Bool": { "aws:MultiFactorAuthPresent": "false" } } });
            let user = user(cloud, &json!([allow(&json!("*"), &json!("*")), without]));
            cloud.s3(&user, "GET", "/").status
        },
        200,
        403,
    ),
    row(
        "principal-tags-absent",
        |cloud| {
            let user = user(
                cloud,
                &allow_if("s3:*", &json!({ "StringEquals": { "aws:PrincipalTag/t": "x" } })),
            );
            let tag = [
                ("Action", "TagUser"),
                ("UserName", "U"),
                ("Tags.member.1.Key", "t"),
                ("Tags.member.1.Value", "x"),
            ];
            cloud.iam(A, &tag);
            cloud.s3(&user, "GET", "/").status
        },
        200,
        403,
    ),
    row(
        "principal-type-absent",
        |cloud| lists_if(cloud, &json!({ "StringEquals": { "aws:PrincipalType": "User" } })),
        200,
        403,
    ),
    row(
        "own-tags-beat-session-tags",
        |cloud| {
            let tagged = allow_if("s3:*", &json!({ "StringEquals": { "aws:PrincipalTag/team": "b" } }));
            cloud.make_role(A, "R", &json!({ "AWS": A }), &tagged);
            let tag = [
                ("Action", "TagRole"),
                ("RoleName", "R"),
                ("Tags.member.1.Key", "team"),
                ("Tags.member.1.Value", "a"),
            ];
            cloud.iam(A, &tag);
            let session = cloud.credentials(&json!({ "role": {
                "account": A, "name": "R", "session": "s1", "tags": { "team": "b" },
            } }));
            cloud.s3(&session, "GET", "/").status
        },
        200,
        403,
    ),
    row(
        "source-ip-absent",
        |cloud| lists_if(cloud, &json!({ "IpAddress": { "aws:SourceIp": "127.0.0.0/8" } })),
        200,
        403,
    ),
    row(
        "source-ip-from-forwarded-for",
        |cloud| {
            let condition = json!({ "IpAddress": { "aws:SourceIp": "203.0.113.9" } });
            let user = user(cloud, &allow_if("s3:*", &condition));
            cloud
                .s3_with(&user, "GET", "/", &[("x-forwarded-for", "203.0.113.9")], "")
                .status
        },
        403,
        200,
    ),
    row(
        "source-vpce-from-header",
        |cloud| {
            endpoint(cloud);
            let condition = json!({ "StringEquals": { "aws:SourceVpce": "vpce-1" } });
            let user = user(cloud, &allow_if("s3:*", &condition));
            cloud
                .s3_with(&user, "GET", "/", &[("x-amz-source-vpce", "e")], "")
                .status
        },
        403,
        200,
    ),
    row(
        "forwarded-call-keeps-vpc",
        |cloud| {
            endpoint(cloud);
            let key = cloud.key(A, &json!([]));
            cloud.bucket(A, "bucket");
            cloud.default_kms(A, "bucket", &key, false);
            let condition = json!({ "StringEquals": { "aws:SourceVpce": "vpce-1" } });
            user(cloud, &allow_if("*", &condition));
            let user = through_endpoint(cloud, "U");
            cloud.s3_with(&user, "PUT", "/bucket/k", &[], "x").status
        },
        403,
        200,
    ),
    row(
        "source-account-on-direct-calls",
        |cloud| lists_if(cloud, &json!({ "StringEquals": { "aws:SourceAccount": A } })),
        403,
        200,
    ),
    row(
        "resource-tags-absent",
        |cloud| {
            let key = cloud.key(A, &json!([]));
            let tags = json!({ "KeyId": key, "Tags": [{ "TagKey": "t", "TagValue": "x" }] });
            cloud.kms(&cloud.root(A), "TagResource", &tags).ok();
            let condition = json!({ "StringEquals": { "aws:ResourceTag/t": "x" } });
            let user = user(cloud, &allow_if("kms:Encrypt", &condition));
            encrypt(cloud, &user, &key)
        },
        200,
        400,
    ),
    row(
        "via-service-absent",
        |cloud| {
            let key = cloud.key(A, &json!([]));
            cloud.bucket(A, "bucket");
            cloud.default_kms(A, "bucket", &key, false);
            let mut statements = allow_if(
                "kms:*",
                &json!({ "StringEquals": { "kms:ViaService": "s3.us-east-1.amazonaws.com" } }),
            );
            statements
                .as_array_mut()
                .expect("a list")
                .push(allow(&json!("s3:*"), &json!("*")));
            let user = user(cloud, &statements);
            cloud.s3_with(&user, "PUT", "/bucket/k", &[], "x").status
        },
        200,
        403,
    ),
    row(
        "caller-account-absent",
        |cloud| encrypts_if(cloud, &json!({ "StringEquals": { "kms:CallerAccount": A } })),
        200,
        400,
    ),
    row(
        "encryption-context-absent",
        |cloud| encrypts_if(cloud, &json!({ "StringEquals": { "kms:EncryptionContext:a": "b" } })),
        200,
        400,
    ),
    row(
        "encryption-context-keys-absent",
        |cloud| {
            encrypts_if(
                cloud,
                &json!({ "ForAnyValue:StringEquals": { "kms:EncryptionContextKeys": "a" } }),
            )
        },
        200,
        400,
    ),
    row(
        "resource-aliases-absent",
        |cloud| {
            let key = cloud.key(A, &json!([]));
            let alias = json!({ "AliasName": "alias/a", "TargetKeyId": key });
            cloud.kms(&cloud.root(A), "CreateAlias", &alias).ok();
            let condition = json!({ "ForAnyValue:StringEquals": { "kms:ResourceAliases": "alias/a" } });
            let user = user(cloud, &allow_if("kms:Encrypt", &condition));
            encrypt(cloud, &user, &key)
        },
        200,
        400,
    ),
    row(
        "grant-operations-absent",
        |cloud| {
            grants_if(
                cloud,
                &json!({ "ForAnyValue:StringEquals": { "kms:GrantOperations": "Decrypt" } }),
            )
        },
        200,
        400,
    ),
    row(
        "every-grant-for-aws-resource",
        |cloud| grants_if(cloud, &json!({ "Bool": { "kms:GrantIsForAWSResource": "true" } })),
        400,
        200,
    ),
    row(
        "encryption-header-absent",
        |cloud| {
            let condition = json!({ "StringEquals": { "s3:x-amz-server-side-encryption": "AES256" } });
            asks_if(cloud, "s3:PutObject", &condition, "PUT", "/bucket/n", AES256)
        },
        200,
        403,
    ),
    row(
        "encryption-header-told-from-default",
        |cloud| {
            let condition = json!({ "StringEquals": { "s3:x-amz-server-side-encryption": "AES256" } });
            asks_if(cloud, "s3:PutObject", &condition, "PUT", "/bucket/n", &[])
        },
        403,
        200,
    ),
    row(
        "copy-source-key-absent",
        |cloud| {
            let condition = json!({ "StringNotEquals": { "s3:x-amz-copy-source": "/bucket/k" } });
            asks_if(
                cloud,
                "s3:*",
                &condition,
                "PUT",
                "/bucket/n",
                &[("x-amz-copy-source", "/bucket/k")],
            )
        },
        403,
        200,
    ),
    row(
        "list-prefix-absent",
        |cloud| {
            let condition = json!({ "StringEquals": { "s3:prefix": "p" } });
            asks_if(
                cloud,
                "s3:ListBucket",
                &condition,
                "GET",
                "/bucket?list-type=2&prefix=p",
                &[],
            )
        },
        200,
        403,
    ),
    row(
        "version-id-absent",
        |cloud| {
            let condition = json!({ "StringEquals": { "s3:VersionId": "null" } });
            asks_if(
                cloud,
                "s3:GetObjectVersion",
                &condition,
                "GET",
                "/bucket/k?versionId=null",
                &[],
            )
        },
        200,
        403,
    ),
    row(
        "existing-object-tags-absent",
        |cloud| {
            let root = stored(cloud);
            cloud
                .s3_with(&root, "PUT", "/bucket/t", &[("x-amz-tagging", "t=x")], "text")
                .ok();
            let condition = json!({ "StringEquals": { "s3:ExistingObjectTag/t": "x" } });
            let user = user(cloud, &allow_if("s3:GetObject", &condition));
            cloud.s3(&user, "GET", "/bucket/t").status
        },
        200,
        403,
    ),
];
