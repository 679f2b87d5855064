//! What happens to requests whose signature, credentials or time are wrong, in each protocol's words.

use serde_json::{Value, json};

use crate::support::{A, Draft, Keys, World, body_text, element, root};

fn kms(world: &World, keys: &Keys, change: impl FnOnce(&mut Draft)) -> (u16, Value) {
    let mut draft = Draft::post("kms", b"{}".to_vec());
    draft
        .headers
        .push(("x-amz-target".to_owned(), "TrentService.ListKeys".to_owned()));
    change(&mut draft);
    let response = world.emulator.handle(draft.sign(keys));
    let status = response.status().as_u16();
    (status, serde_json::from_str(&body_text(response)).expect("JSON"))
}

#[test]
fn kms_refuses_in_json() {
    let world = World::new();
    let good = root(A);
    assert_eq!(kms(&world, &good, |_| {}).0, 200);
    let wrong = Keys {
        secret: "wrong".to_owned(),
        ..good.clone()
    };
    let unknown = Keys {
        id: "AKIAAAAAAAAAAAAAAAAA".to_owned(),
        ..good.clone()
    };
    let with_token = Keys {
        token: Some("t".to_owned()),
        ..good.clone()
    };
    for (keys, code) in [
        (&wrong, "InvalidSignatureException"),
        (&unknown, "UnrecognizedClientException"),
        (&with_token, "UnrecognizedClientException"),
    ] {
        let (status, answer) = kms(&world, keys, |_| {});
        assert_eq!((status, answer["__type"].as_str()), (400, Some(code)), "{answer}");
    }
    let (_, answer) = kms(&world, &good, |draft| draft.date = "20250107T234459Z".to_owned());
    assert_eq!(answer["__type"], "InvalidSignatureException");
    assert!(
        answer["message"]
            .as_str()
            .is_some_and(|text| text.starts_with("Signature expired: 20250107T234459Z"))
    );
    let unsigned = http::Request::builder()
        .method("POST")
        .uri("/")
        .header("x-amz-target", "TrentService.ListKeys")
        .body(bytes::Bytes::from_static(b"{}"))
        .expect("a request");
    let response = world.emulator.handle(unsigned);
    assert_eq!(response.status(), 400);
    assert!(response.headers().contains_key("x-amzn-requestid"));
    assert!(body_text(response).contains("MissingAuthenticationTokenException"));
}

#[test]
fn the_body_is_part_of_the_signature() {
    let world = World::new();
    let mut draft = Draft::post("kms", b"{}".to_vec());
    draft
        .headers
        .push(("x-amz-target".to_owned(), "TrentService.ListKeys".to_owned()));
    let request = draft
        .sign(&root(A))
        .map(|_| bytes::Bytes::from_static(b"{\"Limit\":1}"));
    assert!(body_text(world.emulator.handle(request)).contains("InvalidSignatureException"));
}

#[test]
fn query_services_refuse_in_xml() {
    let world = World::new();
    let wrong = Keys {
        secret: "wrong".to_owned(),
        ..root(A)
    };
    let (status, body) = world.iam(&wrong, "ListUsers", &[]);
    assert_eq!(
        (status, element(&body, "Code").as_str()),
        (403, "SignatureDoesNotMatch")
    );
    let unknown = Keys {
        id: "AKIAAAAAAAAAAAAAAAAA".to_owned(),
        ..root(A)
    };
    let (status, body) = world.sts(&unknown, "GetCallerIdentity", &[]);
    assert_eq!((status, element(&body, "Code").as_str()), (403, "InvalidClientTokenId"));
    assert!(!element(&body, "RequestId").is_empty());
}

#[test]
fn temporary_credentials_need_their_token_and_end() {
    let world = World::new();
    world.role(A, "R", None);
    let keys = world.session(A, "R", "s1");
    assert_eq!(world.sts(&keys, "GetCallerIdentity", &[]).0, 200);
    for token in [None, Some("other".to_owned())] {
        let (status, body) = world.sts(&Keys { token, ..keys.clone() }, "GetCallerIdentity", &[]);
        assert_eq!((status, element(&body, "Code").as_str()), (403, "InvalidClientTokenId"));
    }
    world.case(&json!({ "clock": "2025-01-08T01:00:00Z" }));
    let mut draft = Draft::post("sts", b"Action=GetCallerIdentity&Version=2011-06-15".to_vec());
    draft.date = "20250108T010000Z".to_owned();
    let body = body_text(world.emulator.handle(draft.sign(&keys)));
    assert_eq!(element(&body, "Code"), "ExpiredToken");
}

#[test]
fn credentials_die_with_their_principal() {
    // svc:L-9, iam:P-40
    let world = World::new();
    world.role(A, "R", None);
    let keys = world.session(A, "R", "s1");
    world.iam_ok(&root(A), "DeleteRole", &[("RoleName", "R")]);
    let (_, answer) = world.kms(&keys, "ListKeys", json!({}));
    assert_eq!(answer["__type"], "UnrecognizedClientException");
    assert_eq!(
        answer["message"],
        "The security token included in the request is invalid."
    );
    world.role(A, "R", None);
    assert_eq!(
        world.kms(&keys, "ListKeys", json!({})).1["__type"],
        "UnrecognizedClientException"
    );
}

#[test]
fn inactive_and_deleted_access_keys_do_not_sign() {
    let world = World::new();
    world.iam_ok(&root(A), "CreateUser", &[("UserName", "u")]);
    let made = world.iam_ok(&root(A), "CreateAccessKey", &[("UserName", "u")]);
    let keys = Keys {
        id: element(&made, "AccessKeyId"),
        secret: element(&made, "SecretAccessKey"),
        token: None,
    };
    let works = || world.sts(&keys, "GetCallerIdentity", &[]).0;
    let switch = |status: &str| {
        world.iam_ok(
            &root(A),
            "UpdateAccessKey",
            &[("UserName", "u"), ("AccessKeyId", &keys.id), ("Status", status)],
        );
    };
    assert_eq!(works(), 200);
    switch("Inactive");
    assert_eq!(works(), 403);
    switch("Active");
    assert_eq!(works(), 200);
    world.iam_ok(
        &root(A),
        "DeleteAccessKey",
        &[("UserName", "u"), ("AccessKeyId", &keys.id)],
    );
    assert_eq!(works(), 403);
}

#[test]
fn s3_refuses_in_its_own_xml() {
    let world = World::new();
    let get = |query: &[(&str, &str)], date: &str| {
        let mut draft = Draft::post("s3", Vec::new());
        draft.method = "GET";
        draft.date = date.to_owned();
        draft.query = query
            .iter()
            .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()))
            .collect();
        draft
    };
    let wrong = Keys {
        secret: "wrong".to_owned(),
        ..root(A)
    };
    let response = world.emulator.handle(get(&[], "20250108T000000Z").sign(&wrong));
    assert_eq!(response.status(), 403);
    assert!(response.headers().contains_key("x-amz-request-id"));
    assert_eq!(element(&body_text(response), "Code"), "SignatureDoesNotMatch");
    let response = world.emulator.handle(get(&[], "20250108T001600Z").sign(&root(A)));
    assert_eq!(element(&body_text(response), "Code"), "RequestTimeTooSkewed");
    // Presigned URLs go by the emulator's clock.
    assert_eq!(
        world
            .emulator
            .handle(get(&[], "20250107T235900Z").presign(&root(A), 61))
            .status(),
        200
    );
    let response = world
        .emulator
        .handle(get(&[], "20250107T235900Z").presign(&root(A), 59));
    assert_eq!(response.status(), 403);
    assert_eq!(element(&body_text(response), "Message"), "Request has expired");
}

#[test]
fn bodies_have_a_limit() {
    let world = World::new();
    let request = http::Request::builder()
        .method("POST")
        .uri("/")
        .body(bytes::Bytes::from(vec![0; 64 * 1024 * 1024 + 1]))
        .expect("a request");
    assert_eq!(world.emulator.handle(request).status(), 413);
}
