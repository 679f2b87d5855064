//! The tables are complete, and faults are told apart.

use std::collections::BTreeSet;

use countersign_emulator::{Emulator, EmulatorOptions};
use serde_json::json;

use super::*;
use crate::target::connector::Way;

/// The operations that model and drivers have in common (brief of the project, kept here as a list on purpose).
const COMMON: &str = "
    kms: CreateKey DescribeKey ListKeys Encrypt Decrypt ReEncrypt GenerateDataKey GenerateDataKeyWithoutPlaintext GenerateRandom
         CreateGrant ListGrants ListRetirableGrants RetireGrant RevokeGrant PutKeyPolicy GetKeyPolicy EnableKey DisableKey
         ScheduleKeyDeletion CancelKeyDeletion CreateAlias UpdateAlias DeleteAlias ListAliases TagResource UntagResource
         ListResourceTags GetKeyRotationStatus EnableKeyRotation DisableKeyRotation UpdateKeyDescription
    s3: CreateBucket DeleteBucket HeadBucket ListBuckets PutObject GetObject HeadObject DeleteObject DeleteObjects CopyObject
        ListObjectsV2 ListObjectVersions CreateMultipartUpload UploadPart UploadPartCopy CompleteMultipartUpload
        AbortMultipartUpload ListParts GetObjectAttributes GetObjectTagging PutObjectTagging DeleteObjectTagging
        PutBucketPolicy GetBucketPolicy DeleteBucketPolicy PutBucketEncryption GetBucketEncryption DeleteBucketEncryption
        PutPublicAccessBlock GetPublicAccessBlock DeletePublicAccessBlock PutBucketOwnershipControls
        GetBucketOwnershipControls DeleteBucketOwnershipControls PutBucketVersioning GetBucketVersioning PutObjectAcl
        PutBucketAcl
    iam: CreateUser DeleteUser GetUser CreateRole DeleteRole GetRole UpdateAssumeRolePolicy PutUserPolicy PutRolePolicy
         PutGroupPolicy GetUserPolicy GetRolePolicy GetGroupPolicy DeleteUserPolicy DeleteRolePolicy DeleteGroupPolicy
         CreatePolicy DeletePolicy AttachUserPolicy AttachRolePolicy AttachGroupPolicy DetachUserPolicy DetachRolePolicy
         DetachGroupPolicy PutUserPermissionsBoundary PutRolePermissionsBoundary DeleteUserPermissionsBoundary
         DeleteRolePermissionsBoundary CreateGroup AddUserToGroup RemoveUserFromGroup TagUser TagRole UntagUser UntagRole
    sts: GetCallerIdentity AssumeRole
    lambda: CreateFunction UpdateFunctionConfiguration GetFunctionConfiguration DeleteFunction Invoke
    backup: CreateBackupVault StartBackupJob DescribeBackupJob
    dynamodb: CreateTable DescribeTable";

fn common() -> BTreeSet<String> {
    let mut service = "";
    let mut names = BTreeSet::new();
    for word in COMMON.split_whitespace() {
        match word.strip_suffix(':') {
            Some(next) => service = next,
            None => {
                names.insert(format!("{service}:{word}"));
            }
        }
    }
    names
}

fn driver(way: Way, endpoint: &str) -> Driver {
    Driver::new(Arc::new(Line::new(way, endpoint.to_owned())))
}

fn emulator() -> Way {
    Way::InProcess(Arc::new(Emulator::new(EmulatorOptions::default())))
}

fn call(driver: &mut Driver, operation: &str, with: Value) -> Result<Answer, TargetError> {
    let (service, name) = operation.split_once(':').expect("an operation has a service");
    let Value::Object(with) = with else {
        panic!("parameters are an object")
    };
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .expect("a runtime can be made");
    runtime.block_on(driver.call(Call {
        service,
        name,
        with: &with,
        region: "us-east-1",
        credentials: Some(Credentials::new("111122223333", "test", None, None, "test")),
        shape: Shape::Header,
        headers: Vec::new(),
    }))
}

#[test]
fn every_common_operation_is_in_a_table_once() {
    let known: Vec<String> = operations().collect();
    let distinct: BTreeSet<String> = known.iter().cloned().collect();
    assert_eq!(known.len(), distinct.len());
    assert_eq!(
        common().difference(&distinct).collect::<Vec<_>>(),
        Vec::<&String>::new()
    );
}

#[test]
fn every_operation_reaches_the_target_or_says_which_parameter_it_needs() {
    let mut driver = driver(emulator(), "http://127.0.0.1");
    let names = json!({"Bucket": "b", "Key": "k", "UploadId": "u", "PartNumber": 1, "FunctionName": "f", "BackupVaultName": "v", "BackupJobId": "j"});
    for operation in operations() {
        // Give each operation those of the usual names that it has; what it does not have is a named fault.
        let mut with = names.clone();
        let answer = loop {
            match call(&mut driver, &operation, with.clone()) {
                Err(TargetError::Adapter { message }) if message.contains("has no parameter") => {
                    let name = message
                        .split('`')
                        .nth(3)
                        .expect("the message names the parameter")
                        .to_owned();
                    let members = with.as_object_mut().expect("an object");
                    assert!(members.remove(&name).is_some(), "{operation}: {message}");
                }
                other => break other,
            }
        };
        match answer {
            Ok(answer) => assert!(answer.status >= 200, "{operation}: {answer:?}"),
            Err(TargetError::Adapter { message }) => {
                assert!(
                    message.contains("the SDK refuses the parameters"),
                    "{operation}: {message}"
                );
            }
            Err(error) => panic!("{operation}: {error}"),
        }
    }
}

#[test]
fn an_unknown_operation_or_parameter_is_an_adapter_fault_that_names_it() {
    let mut driver = driver(emulator(), "http://127.0.0.1");
    for (operation, with, named) in [
        ("kms:Frobnicate", json!({}), "`kms:Frobnicate`"),
        ("ec2:RunInstances", json!({}), "`ec2:RunInstances`"),
        ("kms:Decrypt", json!({"Ciphertext": "aGk="}), "`Ciphertext`"),
        (
            "kms:Encrypt",
            json!({"KeyId": "k", "Plaintext": "not base64!"}),
            "`Plaintext`",
        ),
        ("s3:PutObject", json!({"Bucket": "b", "Key": 7}), "`Key`"),
        (
            "kms:CreateGrant",
            json!({"Constraints": {"EncryptionContext": {}}}),
            "`EncryptionContext`",
        ),
        ("dynamodb:DescribeTable", json!({"Table": "t"}), "`Table`"),
    ] {
        match call(&mut driver, operation, with) {
            Err(TargetError::Adapter { message }) => assert!(message.contains(named), "{operation}: {message}"),
            other => panic!("{operation}: {other:?}"),
        }
    }
}

#[test]
fn a_dead_endpoint_is_a_transport_fault() {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").expect("loopback is there");
    let endpoint = format!("http://{}", listener.local_addr().expect("it is bound"));
    drop(listener);
    for operation in [
        "kms:ListKeys",
        "s3:ListBuckets",
        "iam:GetUser",
        "dynamodb:DescribeTable",
    ] {
        let with = if operation.starts_with("dynamodb") {
            json!({"TableName": "t"})
        } else {
            json!({})
        };
        let answer = call(&mut driver(Way::socket(), &endpoint), operation, with);
        assert!(
            matches!(answer, Err(TargetError::Transport { .. })),
            "{operation}: {answer:?}"
        );
    }
}

#[test]
fn a_denial_is_told_from_an_error_by_code_and_status() {
    let answer = |status, code: Option<&str>| {
        Answer {
            status,
            result: Err(Failure {
                code: code.map(str::to_owned),
                message: None,
            }),
            repeated: false,
        }
        .decision()
    };
    assert_eq!(answer(403, Some("AccessDenied")), Decision::Deny);
    assert_eq!(answer(400, Some("AccessDeniedException")), Decision::Deny);
    assert_eq!(answer(502, Some("KMSAccessDeniedException")), Decision::Deny);
    assert_eq!(answer(403, None), Decision::Deny);
    assert_eq!(answer(404, None), Decision::Error);
    assert_eq!(answer(403, Some("InvalidAccessKeyId")), Decision::Error);
    assert_eq!(answer(400, Some("InvalidArgument")), Decision::Error);
    assert_eq!(
        Answer {
            status: 204,
            result: Ok(Value::Null),
            repeated: false,
        }
        .decision(),
        Decision::Allow
    );
}
