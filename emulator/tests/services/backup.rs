//! AWS Backup of a DynamoDB table to a vault with a customer key: seed 004 (svc:14.5) and svc:11.2.

use crate::cloud::{A, Cloud, Keys, REGION, admin, allow};
use serde_json::{Value, json};

const REFUSED: &str = "KMS key is either disabled or pending deletion or access to KMS key is denied";

fn backup(cloud: &Cloud, who: &Keys, method: &'static str, path: &str, body: &Value) -> crate::cloud::Reply {
    let body = if body.is_null() {
        String::new()
    } else {
        body.to_string()
    };
    cloud.send(Some(who), "backup", REGION, method, path, &[], body.into_bytes())
}

fn dynamodb(cloud: &Cloud, who: &Keys, operation: &str, body: &Value) -> crate::cloud::Reply {
    let target = format!("DynamoDB_20120810.{operation}");
    let headers = [
        ("content-type", "application/x-amz-json-1.0"),
        ("x-amz-target", target.as_str()),
    ];
    cloud.send(
        Some(who),
        "dynamodb",
        REGION,
        "POST",
        "/",
        &headers,
        body.to_string().into_bytes(),
    )
}

fn table(cloud: &Cloud, who: &Keys) -> crate::cloud::Reply {
    dynamodb(
        cloud,
        who,
        "CreateTable",
        &json!({
            "TableName": "table",
            "AttributeDefinitions": [{ "AttributeName": "id", "AttributeType": "S" }],
            "KeySchema": [{ "AttributeName": "id", "KeyType": "HASH" }],
            "BillingMode": "PAY_PER_REQUEST",
        }),
    )
}

fn vault(cloud: &Cloud, who: &Keys, name: &str, key: &str) -> crate::cloud::Reply {
    backup(
        cloud,
        who,
        "PUT",
        &format!("/backup-vaults/{name}"),
        &json!({ "EncryptionKeyArn": key }),
    )
}

/// Starts a job and returns its description.
fn job(cloud: &Cloud, who: &Keys, vault: &str) -> Value {
    let started = start(cloud, who, vault).ok().json();
    let id = started["BackupJobId"].as_str().expect("an id");
    backup(cloud, who, "GET", &format!("/backup-jobs/{id}"), &Value::Null)
        .ok()
        .json()
}

fn start(cloud: &Cloud, who: &Keys, vault: &str) -> crate::cloud::Reply {
    let body = json!({
        "BackupVaultName": vault,
        "ResourceArn": format!("arn:aws:dynamodb:{REGION}:{A}:table/table"),
        "IamRoleArn": format!("arn:aws:iam::{A}:role/backup-role"),
    });
    backup(cloud, who, "PUT", "/backup-jobs", &body)
}

fn key_policy(cloud: &Cloud, key: &str, deny: Option<&Value>) {
    let mut statements = vec![json!({
        "Sid": "Enable IAM User Permissions",
        "Effect": "Allow",
        "Principal": { "AWS": format!("arn:aws:iam::{A}:root") },
        "Action": "kms:*",
        "Resource": "*",
    })];
    if let Some(condition) = deny {
        statements.push(json!({
            "Effect": "Deny",
            "Principal": "*",
            "Action": "kms:*",
            "Resource": "*",
            "Condition": condition,
        }));
    }
    let policy = crate::cloud::policy(&json!(statements));
    let owner = cloud.credentials(&json!({ "user": { "account": A, "name": "xxx" } }));
    cloud
        .kms(
            &owner,
            "PutKeyPolicy",
            &json!({ "KeyId": key, "PolicyName": "default", "Policy": policy }),
        )
        .ok();
}

fn world() -> (Cloud, Keys, String) {
    let cloud = Cloud::new();
    let owner = cloud.user(A, "xxx", &admin());
    cloud.make_role(
        A,
        "backup-role",
        &json!({ "Service": "backup.amazonaws.com" }),
        &json!([allow(&json!("dynamodb:*"), &json!("*"))]),
    );
    let key = cloud.key(A, &json!([]));
    table(&cloud, &owner).ok();
    (cloud, owner, key)
}

/// svc:14.5, steps 1 to 4, 12 and 13.
#[test]
fn seed_004() {
    let (cloud, owner, key) = world();
    vault(&cloud, &owner, "vault", &key).ok();
    let user = format!("arn:aws:iam::{A}:user/xxx");
    let role = format!("arn:aws:iam::{A}:role/backup-role");
    let not_user = json!({ "aws:PrincipalArn": [user] });
    let cases = [
        ("KP-root", None, true),
        ("KP-deny1", Some(json!({ "StringNotEquals": not_user })), false),
        (
            "KP-deny2",
            Some(json!({ "StringNotEquals": { "aws:PrincipalArn": [user, role] } })),
            false,
        ),
        (
            "KP-deny3",
            Some(json!({ "StringNotEquals": not_user, "BoolIfExists": { "aws:PrincipalIsAWSService": "false" } })),
            true,
        ),
        ("IfExists", Some(json!({ "StringNotEqualsIfExists": not_user })), false),
        (
            "Null",
            Some(json!({ "StringNotEquals": not_user, "Null": { "aws:PrincipalArn": "false" } })),
            true,
        ),
    ];
    for (name, deny, succeeds) in cases {
        key_policy(&cloud, &key, deny.as_ref());
        let before = cloud.trail().len();
        let job = job(&cloud, &owner, "vault");
        let expected = if succeeds { "COMPLETED" } else { "FAILED" };
        assert_eq!(job["State"], expected, "{name}");
        assert_eq!(job["StatusMessage"].as_str(), (!succeeds).then_some(REFUSED), "{name}");
        assert_eq!(job.get("RecoveryPointArn").is_some(), succeeds, "{name}");
        let event = cloud.trail()[before].clone();
        assert_eq!(event["eventName"], "Decrypt", "{name}");
        assert_eq!(
            event["userIdentity"],
            json!({ "type": "AWSService", "invokedBy": "backup-storage.amazonaws.com" }),
            "{name}"
        );
    }
    let listed = backup(&cloud, &owner, "GET", "/backup-jobs/?state=FAILED", &Value::Null)
        .ok()
        .json();
    assert_eq!(listed["BackupJobs"].as_array().map(Vec::len), Some(3));
}

/// svc:B-4: no grant, no backup; svc:B-5: a disabled key fails the job with the same words.
#[test]
fn jobs_need_the_grant_and_an_enabled_key() {
    let (cloud, owner, key) = world();
    vault(&cloud, &owner, "vault", &key).ok();
    let listed = cloud.kms(&owner, "ListGrants", &json!({ "KeyId": key })).ok().json();
    let grant = &listed["Grants"][0];
    assert_eq!(grant["GranteePrincipal"], "backup-storage.amazonaws.com");
    cloud.kms(&owner, "DisableKey", &json!({ "KeyId": key })).ok();
    assert_eq!(job(&cloud, &owner, "vault")["StatusMessage"], REFUSED);
    cloud.kms(&owner, "EnableKey", &json!({ "KeyId": key })).ok();
    assert_eq!(job(&cloud, &owner, "vault")["State"], "COMPLETED");
    cloud
        .kms(
            &owner,
            "RevokeGrant",
            &json!({ "KeyId": key, "GrantId": grant["GrantId"] }),
        )
        .ok();
    assert_eq!(job(&cloud, &owner, "vault")["StatusMessage"], REFUSED);
}

/// svc:B-6: the confused-deputy condition sees vault and account.
#[test]
fn source_keys_name_the_vault() {
    let (cloud, owner, key) = world();
    vault(&cloud, &owner, "vault", &key).ok();
    for (arn, state) in [
        (format!("arn:aws:backup:{REGION}:{A}:backup-vault:vault"), "COMPLETED"),
        (format!("arn:aws:backup:{REGION}:{A}:backup-vault:other"), "FAILED"),
    ] {
        let deny = json!({
            "Bool": { "aws:PrincipalIsAWSService": "true" },
            "ArnNotLike": { "aws:SourceArn": arn },
        });
        key_policy(&cloud, &key, Some(&deny));
        assert_eq!(job(&cloud, &owner, "vault")["State"], state, "{arn}");
    }
    let deny = json!({
        "Bool": { "aws:PrincipalIsAWSService": "true" },
        "StringNotEquals": { "aws:SourceAccount": crate::cloud::B },
    });
    key_policy(&cloud, &key, Some(&deny));
    assert_eq!(job(&cloud, &owner, "vault")["State"], "FAILED");
}

/// svc:B-1: each of the creator's permissions is needed.
#[test]
fn creators_of_vaults_are_checked() {
    let (cloud, _, key) = world();
    let creator = cloud.user(A, "creator", &json!([]));
    let needed = [
        "backup:CreateBackupVault",
        "backup-storage:MountCapsule",
        "kms:CreateGrant",
        "kms:DescribeKey",
        "kms:RetireGrant",
        "kms:Decrypt",
        "kms:GenerateDataKey",
    ];
    for missing in needed {
        let rest: Vec<&str> = needed.into_iter().filter(|action| *action != missing).collect();
        cloud.user_policy(A, "creator", &json!([allow(&json!(rest), &json!("*"))]));
        let reply = vault(&cloud, &creator, "vault", &key);
        assert_eq!(
            (reply.status, reply.header("x-amzn-errortype")),
            (403, "AccessDeniedException"),
            "{missing}"
        );
    }
    let listed = cloud
        .kms(&cloud.root(A), "ListGrants", &json!({ "KeyId": key }))
        .ok()
        .json();
    assert_eq!(listed["Grants"], json!([]), "failed creations leave no grant");
    cloud.user_policy(A, "creator", &json!([allow(&json!(needed), &json!("*"))]));
    vault(&cloud, &creator, "vault", &key).ok();
    assert_eq!(
        vault(&cloud, &creator, "vault", &key).header("x-amzn-errortype"),
        "AlreadyExistsException"
    );
}

/// The default key of a vault is aws/backup, used through its own policy.
#[test]
fn default_vault_key() {
    let (cloud, owner, _) = world();
    let actions = ["backup:*", "backup-storage:MountCapsule", "iam:PassRole"];
    let creator = cloud.user(A, "creator", &json!([allow(&json!(actions), &json!("*"))]));
    backup(&cloud, &creator, "PUT", "/backup-vaults/plain", &json!({})).ok();
    assert_eq!(job(&cloud, &creator, "plain")["State"], "COMPLETED");
    let shown = backup(&cloud, &owner, "GET", "/backup-vaults/plain", &Value::Null)
        .ok()
        .json();
    assert_eq!(shown["NumberOfRecoveryPoints"], 1);
    assert!(
        shown["EncryptionKeyArn"]
            .as_str()
            .expect("an ARN")
            .starts_with("arn:aws:kms:")
    );
    let reply = backup(&cloud, &owner, "DELETE", "/backup-vaults/plain", &Value::Null);
    assert_eq!(reply.header("x-amzn-errortype"), "InvalidRequestException");
}

/// Case svc.pair.m-7. Ruling (svc:B-1, svc:M-7): an AWS managed key is used through its own policy also where it is named,
/// so a creator without any KMS permission may name aws/backup, by ARN, key id or alias, and is refused at CreateGrant by
/// the key of another service; a customer managed key is described first.
#[test]
fn managed_keys_named_for_a_vault() {
    let (cloud, _, customer) = world();
    let root = cloud.root(A);
    let actions = ["backup:*", "backup-storage:*"];
    let creator = cloud.user(A, "creator", &json!([allow(&json!(actions), &json!("*"))]));
    let describe = |alias: &str| cloud.kms(&root, "DescribeKey", &json!({ "KeyId": alias })).ok().json();
    let own = describe("alias/aws/backup")["KeyMetadata"].clone();
    let (arn, id) = (
        own["Arn"].as_str().expect("an ARN"),
        own["KeyId"].as_str().expect("an id"),
    );
    for (name, key) in [("arn", arn), ("id", id), ("alias", "alias/aws/backup")] {
        let before = cloud.trail().len();
        vault(&cloud, &creator, name, key).ok();
        let events: Vec<Value> = cloud.trail()[before..]
            .iter()
            .map(|event| event["eventName"].clone())
            .collect();
        assert_eq!(events, ["CreateGrant", "GenerateDataKey", "Decrypt"], "{name}");
        let shown = backup(&cloud, &root, "GET", &format!("/backup-vaults/{name}"), &Value::Null);
        assert_eq!(shown.ok().json()["EncryptionKeyArn"], arn, "{name}");
    }
    let of_s3 = describe("alias/aws/s3")["KeyMetadata"]["Arn"].clone();
    let of_s3 = of_s3.as_str().expect("an ARN");
    for (key, event_name, reason) in [
        (
            of_s3,
            "CreateGrant",
            "because no resource-based policy allows the kms:CreateGrant action",
        ),
        (
            &customer,
            "DescribeKey",
            "because no identity-based policy allows the kms:DescribeKey action",
        ),
    ] {
        let before = cloud.trail().len();
        assert_eq!(vault(&cloud, &creator, "refused", key).status, 403, "{event_name}");
        let events = cloud.trail()[before..].to_vec();
        assert_eq!(events.len(), 1, "{event_name}: {events:?}");
        assert_eq!(events[0]["eventName"], event_name);
        let message = events[0]["errorMessage"].as_str().expect("a message");
        assert!(message.ends_with(reason), "{message}");
    }
}

#[test]
fn vaults_live_and_die() {
    let (cloud, owner, key) = world();
    vault(&cloud, &owner, "vault", &key).ok();
    let listed = backup(&cloud, &owner, "GET", "/backup-vaults/", &Value::Null)
        .ok()
        .json();
    assert_eq!(listed["BackupVaultList"][0]["BackupVaultName"], "vault");
    backup(&cloud, &owner, "DELETE", "/backup-vaults/vault", &Value::Null).ok();
    let grants = cloud.kms(&owner, "ListGrants", &json!({ "KeyId": key })).ok().json();
    assert_eq!(grants["Grants"], json!([]), "the service retires its grant");
    assert_eq!(
        start(&cloud, &owner, "vault").header("x-amzn-errortype"),
        "ResourceNotFoundException"
    );
    let nobody = cloud.user(A, "nobody", &json!([allow(&json!("backup:*"), &json!("*"))]));
    assert!(start(&cloud, &nobody, "vault").text().contains("iam:PassRole"));
}

#[test]
fn tables() {
    let (cloud, owner, _) = world();
    let name = json!({ "TableName": "table" });
    let shown = dynamodb(&cloud, &owner, "DescribeTable", &name).ok().json();
    assert_eq!(
        shown["Table"]["TableArn"],
        format!("arn:aws:dynamodb:{REGION}:{A}:table/table")
    );
    assert!(table(&cloud, &owner).text().contains("ResourceInUseException"));
    assert_eq!(
        dynamodb(&cloud, &owner, "ListTables", &json!({})).ok().json()["TableNames"],
        json!(["table"])
    );
    let user = cloud.user(A, "u", &json!([]));
    let denied = dynamodb(&cloud, &user, "DescribeTable", &name);
    assert_eq!(denied.status, 400);
    assert!(denied.text().contains("AccessDeniedException") && denied.text().contains("dynamodb:DescribeTable"));
    dynamodb(&cloud, &owner, "DeleteTable", &name).ok();
    assert!(
        dynamodb(&cloud, &owner, "DescribeTable", &name)
            .text()
            .contains("ResourceNotFoundException")
    );
}

/// Tables and vaults as tools read them: tags, pages, what was never switched on.
#[test]
fn tables_and_vaults_are_read_and_tagged() {
    let cloud = Cloud::new();
    let root = cloud.root(A);
    table(&cloud, &root).ok();
    let arn = format!("arn:aws:dynamodb:{REGION}:{A}:table/table");
    let ask = |who: &Keys, operation: &str, body: &Value| dynamodb(&cloud, who, operation, body);
    let tags = json!([{ "Key": "team", "Value": "red" }]);
    ask(&root, "TagResource", &json!({ "ResourceArn": arn, "Tags": tags })).ok();
    let listed = ask(&root, "ListTagsOfResource", &json!({ "ResourceArn": arn })).ok();
    assert_eq!(listed.json()["Tags"], tags);
    ask(
        &root,
        "UntagResource",
        &json!({ "ResourceArn": arn, "TagKeys": ["team"] }),
    )
    .ok();
    let listed = ask(&root, "ListTagsOfResource", &json!({ "ResourceArn": arn })).ok();
    assert_eq!(listed.json()["Tags"], json!([]));
    let named = json!({ "TableName": "table" });
    let time = ask(&root, "DescribeTimeToLive", &named).ok().json();
    assert_eq!(time["TimeToLiveDescription"]["TimeToLiveStatus"], "DISABLED");
    let backups = ask(&root, "DescribeContinuousBackups", &named).ok().json();
    assert_eq!(
        backups["ContinuousBackupsDescription"]["PointInTimeRecoveryDescription"]["PointInTimeRecoveryStatus"],
        "DISABLED"
    );
    // Each is asked for by its own name.
    let nobody = cloud.user(A, "nobody", &json!([]));
    let by_arn = json!({ "ResourceArn": arn, "TagKeys": ["team"] });
    for (operation, body) in [
        ("ListTagsOfResource", &by_arn),
        ("TagResource", &by_arn),
        ("UntagResource", &by_arn),
        ("DescribeTimeToLive", &named),
        ("DescribeContinuousBackups", &named),
    ] {
        let denied = ask(&nobody, operation, body);
        assert_eq!(denied.status, 400);
        assert!(
            denied.text().contains(&format!("dynamodb:{operation}")),
            "{}",
            denied.text()
        );
    }
    let protected = json!({
        "TableName": "protected",
        "AttributeDefinitions": [{ "AttributeName": "id", "AttributeType": "S" }],
        "KeySchema": [{ "AttributeName": "id", "KeyType": "HASH" }],
        "DeletionProtectionEnabled": true,
        "Tags": tags,
    });
    ask(&root, "CreateTable", &protected).ok();
    assert_eq!(
        ask(&root, "DeleteTable", &json!({ "TableName": "protected" })).status,
        400
    );
    let page = ask(&root, "ListTables", &json!({ "Limit": 1 })).ok().json();
    assert_eq!(
        page,
        json!({ "TableNames": ["protected"], "LastEvaluatedTableName": "protected" })
    );
    let next = json!({ "Limit": 1, "ExclusiveStartTableName": "protected" });
    assert_eq!(
        ask(&root, "ListTables", &next).ok().json(),
        json!({ "TableNames": ["table"] })
    );
    assert_eq!(ask(&root, "ListTables", &json!({ "Limit": 0 })).status, 400);

    let key = cloud.key(A, &json!([]));
    for name in ["one", "two", "three"] {
        vault(&cloud, &root, name, &key).ok();
    }
    let arn = format!("arn:aws:backup:{REGION}:{A}:backup-vault:one");
    let path = format!("/tags/{arn}").replace("arn:", "arn%3A");
    let path = path.as_str();
    backup(&cloud, &root, "POST", path, &json!({ "Tags": { "team": "red" } })).ok();
    let listed = backup(&cloud, &root, "GET", path, &Value::Null).ok().json();
    assert_eq!(listed["Tags"], json!({ "team": "red" }));
    let untag = path.replace("/tags/", "/untag/");
    backup(&cloud, &root, "POST", &untag, &json!({ "TagKeyList": ["team"] })).ok();
    let listed = backup(&cloud, &root, "GET", path, &Value::Null).ok().json();
    assert_eq!(listed["Tags"], json!({}));
    assert_eq!(backup(&cloud, &nobody, "GET", path, &Value::Null).status, 403);
    let page = backup(&cloud, &root, "GET", "/backup-vaults?maxResults=2", &Value::Null)
        .ok()
        .json();
    assert_eq!(page["BackupVaultList"].as_array().map(Vec::len), Some(2));
    let token = page["NextToken"].as_str().expect("there is more");
    let path = format!("/backup-vaults?maxResults=2&nextToken={token}");
    let page = backup(&cloud, &root, "GET", &path, &Value::Null).ok().json();
    assert_eq!(
        (page["BackupVaultList"].as_array().map(Vec::len), page.get("NextToken")),
        (Some(1), None)
    );
    assert_eq!(
        backup(&cloud, &root, "GET", "/backup-vaults?nextToken=x", &Value::Null).status,
        400
    );
}
