//! The wire itself, without the model: drivers, shapes, control plane and emulator understand each other, in process and over a socket.

use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;

use aws_credential_types::Credentials;
use countersign_emulator::{Emulator, EmulatorOptions, serve};
use countersign_model::case::{Decision, PublicAccessBlockSpec, Shape};
use countersign_model::name::AccountId;
use serde_json::{Map, Value, json};

use super::blob;
use super::connector::{Line, Way};
use super::control::ControlPlane;
use super::driver::{Answer, Call, Driver};
use super::provision::root;

const TOKEN: &str = "token-of-the-test";
const REGION: &str = "ap-northeast-1";

fn account() -> AccountId {
    AccountId::new("111122223333").expect("twelve digits")
}

fn object(value: Value) -> Map<String, Value> {
    match value {
        Value::Object(map) => map,
        other => panic!("{other} is no object"),
    }
}

async fn send(
    driver: &mut Driver,
    operation: &str,
    with: Value,
    credentials: Option<Credentials>,
    shape: Shape,
) -> Answer {
    let (service, name) = operation.split_once(':').expect("an operation has a service");
    let call = Call {
        service,
        name,
        with: &object(with),
        region: REGION,
        credentials,
        shape,
        headers: Vec::new(),
    };
    driver
        .call(call)
        .await
        .unwrap_or_else(|error| panic!("{operation} as {shape:?}: {error}"))
}

async fn allowed(driver: &mut Driver, operation: &str, with: Value) -> Value {
    let answer = send(driver, operation, with, Some(root(&account())), Shape::Header).await;
    answer
        .result
        .unwrap_or_else(|failure| panic!("{operation}: {failure:?}"))
}

/// Everything once; the clock stands in 2021.
async fn tour(driver: &mut Driver, control: &ControlPlane) {
    let line = Arc::clone(driver.line());
    let clock: jiff::Timestamp = "2021-11-01T00:00:00Z".parse().expect("an instant");
    control.reset(&line).await.expect("the control plane is there");
    control
        .case(
            &line,
            &object(json!({"clock": clock.to_string(), "as_of": "2021-11-01"})),
        )
        .await
        .expect("settings are taken");
    line.facts().clock = Some(clock);

    let key = allowed(
        driver,
        "kms:CreateKey",
        json!({"Tags": [{"TagKey": "a", "TagValue": "b"}]}),
    )
    .await;
    let key_id = key
        .pointer("/KeyMetadata/KeyId")
        .and_then(Value::as_str)
        .expect("an id")
        .to_owned();
    let context = json!({"a": "1", "b": "2"});
    let parameters = json!({"KeyId": key_id, "Plaintext": {"text": "secret"}, "EncryptionContext": context});
    let encrypted = allowed(driver, "kms:Encrypt", parameters).await;
    let parameters = json!({"CiphertextBlob": encrypted["CiphertextBlob"], "EncryptionContext": context});
    let decrypted = allowed(driver, "kms:Decrypt", parameters).await;
    assert_eq!(decrypted["Plaintext"], blob::encode("secret"));

    allowed(driver, "s3:CreateBucket", json!({"Bucket": "tour"})).await;
    for shape in [Shape::Header, Shape::Presigned, Shape::Chunked, Shape::UnsignedTrailer] {
        let name = format!("a key/{shape:?}");
        let parameters = json!({
            "Bucket": "tour", "Key": name, "Body": {"text": "hello"},
            "ServerSideEncryption": "aws:kms", "SSEKMSKeyId": key["KeyMetadata"]["Arn"],
        });
        let answer = send(driver, "s3:PutObject", parameters, Some(root(&account())), shape).await;
        assert!(answer.result.is_ok(), "{shape:?}: {answer:?}");
        let parameters = json!({"Bucket": "tour", "Key": name});
        let read = allowed(driver, "s3:GetObject", parameters.clone()).await;
        assert_eq!(read["Body"], blob::encode("hello"), "{shape:?}");
        assert_eq!(read["SSEKMSKeyId"], key["KeyMetadata"]["Arn"], "{shape:?}");
        let presigned = send(
            driver,
            "s3:GetObject",
            parameters.clone(),
            Some(root(&account())),
            Shape::Presigned,
        )
        .await;
        assert_eq!(
            presigned.result.map(|output| output["Body"].clone()),
            Ok(json!(blob::encode("hello"))),
            "{shape:?}"
        );
        let anonymous = send(driver, "s3:GetObject", parameters.clone(), None, Shape::Header).await;
        assert_eq!((anonymous.decision(), anonymous.status), (Decision::Deny, 403));
        let head = send(driver, "s3:HeadObject", parameters, None, Shape::Header).await;
        assert_eq!(
            (head.decision(), head.status, &head.result),
            (Decision::Deny, 403, &Err(Default::default()))
        );
    }
    let listed = allowed(driver, "s3:ListObjectsV2", json!({"Bucket": "tour"})).await;
    assert_eq!(listed["KeyCount"], 4);
    let missing = send(
        driver,
        "s3:HeadObject",
        json!({"Bucket": "tour", "Key": "no"}),
        Some(root(&account())),
        Shape::Header,
    )
    .await;
    assert_eq!((missing.decision(), missing.status), (Decision::Error, 404));

    let trust = json!({"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Principal": {"AWS": account().root_arn(), "Service": "lambda.amazonaws.com"}, "Action": "sts:AssumeRole"}]});
    let role = allowed(
        driver,
        "iam:CreateRole",
        json!({"RoleName": "reader", "AssumeRolePolicyDocument": trust}),
    )
    .await;
    assert_eq!(role["Role"]["Arn"], "arn:aws:iam::111122223333:role/reader");
    let principal = json!({"principal": {"role": {"account": "111122223333", "name": "reader", "session": "s1"}}});
    let reader = control.credentials(&line, &principal).await.expect("the role is there");
    let who = send(
        driver,
        "sts:GetCallerIdentity",
        json!({}),
        Some(reader.clone()),
        Shape::Header,
    )
    .await;
    assert_eq!(
        who.result.map(|output| output["Arn"].clone()),
        Ok(json!("arn:aws:sts::111122223333:assumed-role/reader/s1"))
    );
    let (before, position) = control.trail(&line, 0).await.expect("there is a trail");
    assert!(!before.is_empty());
    let denied = send(
        driver,
        "kms:DescribeKey",
        json!({"KeyId": key_id}),
        Some(reader),
        Shape::Header,
    )
    .await;
    assert_eq!((denied.decision(), denied.status), (Decision::Deny, 400));
    let (events, _) = control.trail(&line, position).await.expect("there is a trail");
    assert_eq!(events.len(), 1);
    assert_eq!(events[0]["eventName"], "DescribeKey");

    let parameters = json!({
        "FunctionName": "fn", "Role": "arn:aws:iam::111122223333:role/reader",
        "KMSKeyArn": key["KeyMetadata"]["Arn"], "Environment": {"Variables": {"NAME": "1"}},
    });
    let function = allowed(driver, "lambda:CreateFunction", parameters).await;
    assert_eq!(function["KMSKeyArn"], key["KeyMetadata"]["Arn"]);
    let invoked = allowed(driver, "lambda:Invoke", json!({"FunctionName": "fn"})).await;
    assert_eq!(invoked["StatusCode"], 200);
    allowed(driver, "kms:DisableKey", json!({"KeyId": key_id})).await;
    let cold = json!({"function": {"account": "111122223333", "region": REGION, "name": "fn", "cold": true}});
    control.arrange(&line, &cold).await.expect("the function is there");
    let failed = send(
        driver,
        "lambda:Invoke",
        json!({"FunctionName": "fn"}),
        Some(root(&account())),
        Shape::Header,
    )
    .await;
    assert_eq!((failed.decision(), failed.status), (Decision::Error, 502));
    assert_eq!(
        failed.result.expect_err("the key is disabled").code.as_deref(),
        Some("KMSDisabledException")
    );
    let enabled = json!({"key": {"account": "111122223333", "region": REGION, "key_id": key_id, "state": "Enabled"}});
    control.arrange(&line, &enabled).await.expect("the key is there");

    let vault = allowed(
        driver,
        "backup:CreateBackupVault",
        json!({"BackupVaultName": "vault", "EncryptionKeyArn": key["KeyMetadata"]["Arn"]}),
    )
    .await;
    assert!(vault["BackupVaultArn"].is_string());
    let table = allowed(driver, "dynamodb:CreateTable", json!({"TableName": "table"})).await;
    assert_eq!(table["TableDescription"]["TableName"], "table");
    let missing = send(
        driver,
        "dynamodb:DescribeTable",
        json!({"TableName": "no-table"}),
        Some(root(&account())),
        Shape::Header,
    )
    .await;
    assert_eq!(
        missing.result.expect_err("no such table").code.as_deref(),
        Some("ResourceNotFoundException")
    );

    let blocked = PublicAccessBlockSpec {
        block_public_policy: true,
        ..PublicAccessBlockSpec::default()
    };
    let answer = driver
        .put_account_block("111122223333", root(&account()), REGION, &blocked)
        .await
        .expect("there is an answer");
    assert!(answer.result.is_ok(), "{answer:?}");

    for wrong in [
        json!({"principal": {"user": {"account": "111122223333", "name": "nobody"}}}),
        json!({"principal": {}}),
    ] {
        assert!(control.credentials(&line, &wrong).await.is_err(), "{wrong}");
    }
    assert!(
        control
            .case(&line, &object(json!({"faults": ["no-such-fault"]})))
            .await
            .is_err()
    );
}

fn emulator() -> Arc<Emulator> {
    Arc::new(Emulator::new(EmulatorOptions {
        control_token: Some(TOKEN.to_owned()),
        ..EmulatorOptions::default()
    }))
}

fn runtime() -> tokio::runtime::Runtime {
    tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .expect("a runtime can be made")
}

#[test]
fn everything_once_in_process() {
    let mut driver = Driver::new(Arc::new(Line::new(
        Way::InProcess(emulator()),
        "http://127.0.0.1".to_owned(),
    )));
    runtime().block_on(tour(&mut driver, &ControlPlane::new(TOKEN.to_owned())));
}

#[test]
fn everything_once_over_a_socket() {
    runtime().block_on(async {
        let server = serve(emulator(), SocketAddr::from((Ipv4Addr::LOCALHOST, 0)))
            .await
            .expect("loopback is there");
        let endpoint = format!("http://{}", server.address());
        let mut driver = Driver::new(Arc::new(Line::new(Way::socket(), endpoint)));
        tour(&mut driver, &ControlPlane::new(TOKEN.to_owned())).await;
        server.stop().await;
    });
}

#[test]
fn a_wrong_token_is_refused() {
    let line = Line::new(Way::InProcess(emulator()), "http://127.0.0.1".to_owned());
    assert!(
        runtime()
            .block_on(ControlPlane::new("wrong".to_owned()).reset(&line))
            .is_err()
    );
}
