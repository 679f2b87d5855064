//! STS over the wire: AssumeRole with everything it carries, federation, session tokens, caller identity.

use serde_json::{Value, json};

use crate::support::{A, B, Keys, World, allow, element, root};

fn keys_of(body: &str) -> Keys {
    Keys {
        id: element(body, "AccessKeyId"),
        secret: element(body, "SecretAccessKey"),
        token: Some(element(body, "SessionToken")),
    }
}

fn create_role(world: &World, name: &str, trust: &Value) {
    let trust = json!({ "Version": "2012-10-17", "Statement": trust }).to_string();
    world.iam_ok(
        &root(A),
        "CreateRole",
        &[("RoleName", name), ("AssumeRolePolicyDocument", &trust)],
    );
}

fn role_arn(name: &str) -> String {
    format!("arn:aws:iam::{A}:role/{name}")
}

fn assume(world: &World, keys: &Keys, role: &str, more: &[(&str, &str)]) -> (u16, String) {
    let arn = role_arn(role);
    let mut parameters = vec![("RoleArn", arn.as_str()), ("RoleSessionName", "session")];
    parameters.extend_from_slice(more);
    world.sts(keys, "AssumeRole", &parameters)
}

#[test]
fn caller_identities() {
    let world = World::new();
    let user = world.user(A, "u", None);
    world.role(A, "R", None);
    for (keys, arn) in [
        (root(A), format!("arn:aws:iam::{A}:root")),
        (user, format!("arn:aws:iam::{A}:user/u")),
        (
            world.session(A, "R", "s1"),
            format!("arn:aws:sts::{A}:assumed-role/R/s1"),
        ),
    ] {
        let (status, body) = world.sts(&keys, "GetCallerIdentity", &[]);
        assert_eq!((status, element(&body, "Arn")), (200, arn));
        assert_eq!(element(&body, "Account"), A);
    }
}

#[test]
fn the_trust_policy_decides_first() {
    // iam:L-71, iam:L-41, iam:L-72
    let world = World::new();
    let named = world.user(A, "named", None);
    let allowed = world.user(A, "allowed", Some(&allow(&["sts:AssumeRole"], "*")));
    let statement =
        |principal: Value| json!([{ "Effect": "Allow", "Principal": principal, "Action": "sts:AssumeRole" }]);
    create_role(
        &world,
        "Named",
        &statement(json!({ "AWS": format!("arn:aws:iam::{A}:user/named") })),
    );
    create_role(&world, "Account", &statement(json!({ "AWS": A })));
    assert_eq!(assume(&world, &named, "Named", &[]).0, 200);
    assert_eq!(assume(&world, &named, "Account", &[]).0, 403);
    assert_eq!(assume(&world, &allowed, "Account", &[]).0, 200);
    let (status, body) = assume(&world, &allowed, "Named", &[]);
    assert_eq!((status, element(&body, "Code").as_str()), (403, "AccessDenied"));
    assert!(
        body.contains("because no role trust policy allows the sts:AssumeRole action"),
        "{body}"
    );
    assert_eq!(assume(&world, &allowed, "Ghost", &[]).0, 403);
    let (status, body) = assume(&world, &root(A), "Account", &[]);
    assert_eq!(
        (status, element(&body, "Message").as_str()),
        (403, "Roles may not be assumed by root accounts.")
    );
    // A stranger with every permission still is a stranger (iam:L-42).
    let stranger = world.user(B, "stranger", Some(&allow(&["sts:*"], "*")));
    assert_eq!(assume(&world, &stranger, "Account", &[]).0, 403);
}

#[test]
fn sessions_work_and_carry_their_limits() {
    let world = World::new();
    let user = world.user(A, "u", Some(&allow(&["sts:AssumeRole"], "*")));
    world.role(A, "R", Some(&allow(&["kms:*"], "*")));
    let key = world.key(A, None);
    let (_, body) = assume(&world, &user, "R", &[]);
    let session = keys_of(&body);
    assert_eq!(
        element(&body, "Arn"),
        format!("arn:aws:sts::{A}:assumed-role/R/session")
    );
    assert!(element(&body, "AssumedRoleId").starts_with("AROA"));
    world.kms_ok(&session, "DescribeKey", json!({ "KeyId": key }));
    // iam:L-76
    let policy = allow(&["kms:List*"], "*").to_string();
    let (_, body) = assume(&world, &user, "R", &[("Policy", &policy)]);
    let (code, message) = world.kms_err(&keys_of(&body), "DescribeKey", json!({ "KeyId": key }));
    assert_eq!(code, "AccessDeniedException");
    assert!(
        message.ends_with("because no session policy allows the kms:DescribeKey action"),
        "{message}"
    );
    world.case(&json!({ "faults": ["session-policy-skipped"] }));
    world.kms_ok(&keys_of(&body), "DescribeKey", json!({ "KeyId": key }));
    world.case(&json!({ "faults": [] }));
    let arn = "arn:aws:iam::aws:policy/AmazonS3ReadOnlyAccess";
    let (_, body) = assume(&world, &user, "R", &[("PolicyArns.member.1.arn", arn)]);
    assert_eq!(
        world.kms(&keys_of(&body), "DescribeKey", json!({ "KeyId": key })).0,
        400
    );
    let (status, body) = assume(&world, &user, "R", &[("Policy", "{")]);
    assert_eq!(
        (status, element(&body, "Code").as_str()),
        (400, "MalformedPolicyDocument")
    );
    // The session ends with its hour.
    world.case(&json!({ "clock": "2025-01-08T00:00:00Z" }));
    let (status, _) = assume(&world, &user, "R", &[("DurationSeconds", "899")]);
    assert_eq!(status, 400);
    let mut other = session.clone();
    other.token = None;
    assert_eq!(
        world.kms(&other, "ListKeys", json!({})).1["__type"],
        "UnrecognizedClientException"
    );
}

#[test]
fn external_ids_tags_and_source_identities_need_their_statements() {
    // iam:L-74, errata iam:L-74
    let world = World::new();
    let user = world.user(A, "u", Some(&allow(&["sts:*"], "*")));
    create_role(
        &world,
        "External",
        &json!([{
            "Effect": "Allow", "Principal": { "AWS": A }, "Action": "sts:AssumeRole",
            "Condition": { "StringEquals": { "sts:ExternalId": "42" } },
        }]),
    );
    assert_eq!(assume(&world, &user, "External", &[]).0, 403);
    assert_eq!(assume(&world, &user, "External", &[("ExternalId", "42")]).0, 200);
    let tag = [("Tags.member.1.Key", "Team"), ("Tags.member.1.Value", "x")];
    let identity = [("SourceIdentity", "alice")];
    world.role(A, "Plain", None);
    assert_eq!(assume(&world, &user, "Plain", &tag).0, 403);
    assert_eq!(assume(&world, &user, "Plain", &identity).0, 403);
    create_role(
        &world,
        "Open",
        &json!([{
            "Effect": "Allow", "Principal": { "AWS": A },
            "Action": ["sts:AssumeRole", "sts:TagSession", "sts:SetSourceIdentity"],
        }]),
    );
    let policy = json!({
        "Version": "2012-10-17",
        "Statement": [{
            "Effect": "Allow", "Action": ["kms:ListKeys", "sts:*"], "Resource": "*",
            "Condition": { "StringEquals": { "aws:PrincipalTag/team": "x", "aws:SourceIdentity": "alice" } },
        }],
    })
    .to_string();
    world.iam_ok(
        &root(A),
        "PutRolePolicy",
        &[("RoleName", "Open"), ("PolicyName", "p"), ("PolicyDocument", &policy)],
    );
    let (status, body) = assume(
        &world,
        &user,
        "Open",
        &[tag[0], tag[1], identity[0], ("TransitiveTagKeys.member.1", "Team")],
    );
    assert_eq!(status, 200, "{body}");
    let session = keys_of(&body);
    world.kms_ok(&session, "ListKeys", json!({}));
    let (_, body) = assume(&world, &user, "Open", &tag);
    assert_eq!(
        world.kms(&keys_of(&body), "ListKeys", json!({})).0,
        400,
        "no source identity"
    );
    // Role chaining keeps transitive tags and the source identity (iam:K-91, iam:K-24).
    create_role(
        &world,
        "Next",
        &json!([{
            "Effect": "Allow", "Principal": { "AWS": role_arn("Open") },
            "Action": ["sts:AssumeRole", "sts:TagSession", "sts:SetSourceIdentity"],
        }]),
    );
    world.iam_ok(
        &root(A),
        "PutRolePolicy",
        &[("RoleName", "Next"), ("PolicyName", "p"), ("PolicyDocument", &policy)],
    );
    let (status, body) = assume(&world, &session, "Next", &[]);
    assert_eq!(status, 200, "{body}");
    world.kms_ok(&keys_of(&body), "ListKeys", json!({}));
    let (status, body) = assume(&world, &session, "Next", &tag);
    assert_eq!(
        (status, element(&body, "Code").as_str()),
        (400, "InvalidParameterValue")
    );
    // That it cannot be changed is said only to those whom the policies let through (iam:L-74).
    let bob = [("SourceIdentity", "bob")];
    let (status, body) = assume(&world, &session, "Next", &bob);
    assert_eq!(
        (status, element(&body, "Message").as_str()),
        (403, "The source identity of the calling session cannot be changed.")
    );
    let (status, body) = assume(&world, &session, "Plain", &bob);
    assert_eq!(status, 403);
    assert!(
        element(&body, "Message").contains("is not authorized to perform: sts:"),
        "{body}"
    );
}

#[test]
fn mfa_is_a_fact_of_the_assumption_and_of_session_tokens() {
    let world = World::new();
    let user = world.user(A, "u", Some(&allow(&["*"], "*")));
    create_role(
        &world,
        "Mfa",
        &json!([{
            "Effect": "Allow", "Principal": { "AWS": A }, "Action": "sts:AssumeRole",
            "Condition": { "Bool": { "aws:MultiFactorAuthPresent": "true" } },
        }]),
    );
    let device = format!("arn:aws:iam::{A}:mfa/u");
    let mfa = [("SerialNumber", device.as_str()), ("TokenCode", "123456")];
    assert_eq!(assume(&world, &user, "Mfa", &[]).0, 403);
    assert_eq!(assume(&world, &user, "Mfa", &mfa).0, 200);
    let (_, body) = world.sts(&user, "GetSessionToken", &mfa);
    let with = keys_of(&body);
    assert_eq!(assume(&world, &with, "Mfa", &[]).0, 200);
    assert_eq!(world.iam(&with, "ListUsers", &[]).0, 200);
    let (_, body) = world.sts(&user, "GetSessionToken", &[]);
    let without = keys_of(&body);
    assert_eq!(assume(&world, &without, "Mfa", &[]).0, 403);
    assert_eq!(world.iam(&without, "ListUsers", &[]).0, 403, "iam:L-78");
    assert_eq!(world.sts(&without, "GetSessionToken", &[]).0, 403, "iam:L-78");
    assert_eq!(world.sts(&without, "GetCallerIdentity", &[]).0, 200, "iam:L-80");
}

#[test]
fn federated_users_have_what_both_the_parent_and_the_session_policy_allow() {
    // iam:L-77
    let world = World::new();
    let user = world.user(
        A,
        "u",
        Some(&allow(
            &["sts:GetFederationToken", "kms:ListKeys", "kms:ListAliases"],
            "*",
        )),
    );
    let policy = allow(&["kms:ListKeys", "kms:CreateKey"], "*").to_string();
    let (status, body) = world.sts(&user, "GetFederationToken", &[("Name", "fed"), ("Policy", &policy)]);
    assert_eq!(status, 200, "{body}");
    assert_eq!(element(&body, "FederatedUserId"), format!("{A}:fed"));
    let federated = keys_of(&body);
    assert_eq!(world.kms(&federated, "ListKeys", json!({})).0, 200);
    assert_eq!(world.kms(&federated, "ListAliases", json!({})).0, 400);
    assert_eq!(world.kms(&federated, "CreateKey", json!({})).0, 400);
    let (_, body) = world.sts(&user, "GetFederationToken", &[("Name", "bare")]);
    assert_eq!(
        world.kms(&keys_of(&body), "ListKeys", json!({})).0,
        400,
        "no session policy, no permission"
    );
    world.role(A, "R", Some(&allow(&["*"], "*")));
    assert_eq!(
        world
            .sts(&world.session(A, "R", "s1"), "GetFederationToken", &[("Name", "fed")])
            .0,
        403
    );
}

#[test]
fn presigned_caller_identity() {
    let world = World::new();
    let user = world.user(A, "u", None);
    let mut draft = crate::support::Draft::post("sts", Vec::new());
    draft.method = "GET";
    draft.query = vec![
        ("Action".to_owned(), "GetCallerIdentity".to_owned()),
        ("Version".to_owned(), "2011-06-15".to_owned()),
    ];
    let response = world.emulator.handle(draft.presign(&user, 60));
    assert_eq!(response.status(), 200);
    assert_eq!(
        element(&crate::support::body_text(response), "Arn"),
        format!("arn:aws:iam::{A}:user/u")
    );
}
