//! IAM over the wire: entities, policies, validation errors, authorization of IAM itself.

use serde_json::json;

use crate::support::{A, B, World, allow, element, root};

const TRUST: &str = r#"{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":{"AWS":"111111111111"},"Action":"sts:AssumeRole"}]}"#;

#[test]
fn users_live_and_die() {
    let world = World::new();
    let root = root(A);
    let made = world.iam_ok(
        &root,
        "CreateUser",
        &[
            ("UserName", "u"),
            ("Path", "/x/"),
            ("Tags.member.1.Key", "k"),
            ("Tags.member.1.Value", "v"),
        ],
    );
    assert_eq!(element(&made, "Arn"), format!("arn:aws:iam::{A}:user/x/u"));
    let first_id = element(&made, "UserId");
    assert!(first_id.starts_with("AIDA") && first_id.len() == 21, "{first_id}");
    assert_eq!(element(&made, "Key"), "k");
    let (status, body) = world.iam(&root, "CreateUser", &[("UserName", "U")]);
    assert_eq!((status, element(&body, "Code").as_str()), (409, "EntityAlreadyExists"));
    let keys = world.iam_ok(&root, "CreateAccessKey", &[("UserName", "u")]);
    let key_id = element(&keys, "AccessKeyId");
    let (status, body) = world.iam(&root, "DeleteUser", &[("UserName", "u")]);
    assert_eq!((status, element(&body, "Code").as_str()), (409, "DeleteConflict"));
    world.iam_ok(&root, "DeleteAccessKey", &[("UserName", "u"), ("AccessKeyId", &key_id)]);
    world.iam_ok(&root, "DeleteUser", &[("UserName", "u")]);
    let (status, body) = world.iam(&root, "GetUser", &[("UserName", "u")]);
    assert_eq!((status, element(&body, "Code").as_str()), (404, "NoSuchEntity"));
    assert_eq!(element(&body, "Message"), "The user with name u cannot be found.");
    let again = world.iam_ok(&root, "CreateUser", &[("UserName", "u")]);
    assert_ne!(element(&again, "UserId"), first_id, "iam:P-40");
}

#[test]
fn roles_keep_their_trust_and_ids() {
    let world = World::new();
    let root = root(A);
    let parameters = [
        ("RoleName", "R"),
        ("AssumeRolePolicyDocument", TRUST),
        ("Description", "a <role>"),
    ];
    let made = world.iam_ok(&root, "CreateRole", &parameters);
    assert!(element(&made, "RoleId").starts_with("AROA"));
    assert_eq!(element(&made, "Description"), "a &lt;role&gt;");
    let document = percent_encoding::percent_decode_str(&element(&made, "AssumeRolePolicyDocument"))
        .decode_utf8()
        .expect("UTF-8")
        .into_owned();
    // iam:P-03: the account is shown by the ARN of its root.
    let shown = TRUST.replace(&format!("\"{A}\""), &format!("\"arn:aws:iam::{A}:root\""));
    assert_eq!(document, shown);
    // iam:E-15, iam:E-17
    for (text, message) in [
        (
            TRUST.replace("sts:AssumeRole", "s3:*"),
            "AssumeRole policy may only specify STS AssumeRole actions.",
        ),
        (
            TRUST.replace("111111111111", "arn:aws:iam::111111111111:user/ghost"),
            "Invalid principal in policy: &quot;AWS&quot;:&quot;arn:aws:iam::111111111111:user/ghost&quot;",
        ),
    ] {
        let (status, body) = world.iam(
            &root,
            "UpdateAssumeRolePolicy",
            &[("RoleName", "R"), ("PolicyDocument", &text)],
        );
        assert_eq!(
            (status, element(&body, "Code").as_str()),
            (400, "MalformedPolicyDocument"),
            "{body}"
        );
        assert_eq!(element(&body, "Message"), message);
    }
    // iam:P-40: a deleted principal is shown by its id.
    world.iam_ok(&root, "CreateUser", &[("UserName", "app")]);
    let named = TRUST.replace("111111111111", "arn:aws:iam::111111111111:user/app");
    world.iam_ok(
        &root,
        "UpdateAssumeRolePolicy",
        &[("RoleName", "R"), ("PolicyDocument", &named)],
    );
    world.iam_ok(&root, "DeleteUser", &[("UserName", "app")]);
    let shown = element(
        &world.iam_ok(&root, "GetRole", &[("RoleName", "R")]),
        "AssumeRolePolicyDocument",
    );
    assert!(shown.contains("AIDA") && !shown.contains("user%2Fapp"), "{shown}");
}

#[test]
fn identity_policies_are_validated_when_saved() {
    let world = World::new();
    let root = root(A);
    world.iam_ok(&root, "CreateUser", &[("UserName", "u")]);
    for (document, message) in [
        ("{", "Syntax errors in policy."),
        (
            r#"{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"x","Resource":"*"}]}"#,
            "Actions/Conditions must be prefaced by a vendor, e.g., iam, sdb, ec2, etc.",
        ),
        (
            r#"{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"s3:*","Resource":"*","Principal":"*"}]}"#,
            "Policy document should not specify a principal.",
        ),
    ] {
        let parameters = [("UserName", "u"), ("PolicyName", "p"), ("PolicyDocument", document)];
        let (status, body) = world.iam(&root, "PutUserPolicy", &parameters);
        assert_eq!(
            (status, element(&body, "Code").as_str()),
            (400, "MalformedPolicyDocument"),
            "{document}"
        );
        assert_eq!(element(&body, "Message"), message);
    }
    // errata iam:OQ-3: only managed policies need the version.
    let old = r#"{"Statement":[{"Effect":"Allow","Action":"s3:*","Resource":"*"}]}"#;
    world.iam_ok(
        &root,
        "PutUserPolicy",
        &[("UserName", "u"), ("PolicyName", "p"), ("PolicyDocument", old)],
    );
    let (status, body) = world.iam(&root, "CreatePolicy", &[("PolicyName", "p"), ("PolicyDocument", old)]);
    assert_eq!(
        (status, element(&body, "Message").as_str()),
        (400, "Policy document must be version 2012-10-17 or greater.")
    );
    // iam:G-80
    let many: Vec<String> = (0..200)
        .map(|index| format!("arn:aws:s3:::bucket-number-{index}"))
        .collect();
    let large = json!({
        "Version": "2012-10-17", "Statement": [{ "Effect": "Allow", "Action": "s3:*", "Resource": many }],
    })
    .to_string();
    let (status, body) = world.iam(
        &root,
        "PutUserPolicy",
        &[("UserName", "u"), ("PolicyName", "q"), ("PolicyDocument", &large)],
    );
    assert_eq!((status, element(&body, "Code").as_str()), (409, "LimitExceeded"));
}

#[test]
fn managed_policies_attach_detach_and_bound() {
    let world = World::new();
    let root = root(A);
    let user = world.user(A, "u", None);
    let document = allow(&["iam:GetUser"], "*").to_string();
    let made = world.iam_ok(
        &root,
        "CreatePolicy",
        &[("PolicyName", "p"), ("PolicyDocument", &document)],
    );
    let arn = element(&made, "Arn");
    assert_eq!(world.iam(&user, "GetUser", &[]).0, 403);
    world.iam_ok(&root, "AttachUserPolicy", &[("UserName", "u"), ("PolicyArn", &arn)]);
    assert_eq!(world.iam(&user, "GetUser", &[]).0, 200);
    let listed = world.iam_ok(&root, "ListAttachedUserPolicies", &[("UserName", "u")]);
    assert_eq!(element(&listed, "PolicyArn"), arn);
    let (status, body) = world.iam(&root, "DeletePolicy", &[("PolicyArn", &arn)]);
    assert_eq!((status, element(&body, "Code").as_str()), (409, "DeleteConflict"));
    // iam:L-85
    let bound = world.iam_ok(
        &root,
        "CreatePolicy",
        &[
            ("PolicyName", "only-s3"),
            ("PolicyDocument", &allow(&["s3:*"], "*").to_string()),
        ],
    );
    let bound = element(&bound, "Arn");
    world.iam_ok(
        &root,
        "PutUserPermissionsBoundary",
        &[("UserName", "u"), ("PermissionsBoundary", &bound)],
    );
    let (status, body) = world.iam(&user, "GetUser", &[]);
    assert_eq!(status, 403);
    assert!(
        body.contains("because no permissions boundary allows the iam:GetUser action"),
        "{body}"
    );
    world.iam_ok(&root, "DeleteUserPermissionsBoundary", &[("UserName", "u")]);
    assert_eq!(world.iam(&user, "GetUser", &[]).0, 200);
    world.iam_ok(&root, "DetachUserPolicy", &[("UserName", "u"), ("PolicyArn", &arn)]);
    assert_eq!(world.iam(&user, "GetUser", &[]).0, 403);
    let aws = "arn:aws:iam::aws:policy/AdministratorAccess";
    world.iam_ok(&root, "AttachUserPolicy", &[("UserName", "u"), ("PolicyArn", aws)]);
    assert_eq!(world.iam(&user, "ListUsers", &[]).0, 200);
    let (status, body) = world.iam(
        &root,
        "AttachUserPolicy",
        &[("UserName", "u"), ("PolicyArn", "arn:aws:iam::aws:policy/Nope")],
    );
    assert_eq!((status, element(&body, "Code").as_str()), (404, "NoSuchEntity"));
}

#[test]
fn groups_give_their_policies_to_their_members() {
    let world = World::new();
    let root = root(A);
    let user = world.user(A, "u", None);
    world.iam_ok(&root, "CreateGroup", &[("GroupName", "g")]);
    let document = allow(&["iam:ListUsers"], "*").to_string();
    let parameters = [
        ("GroupName", "g"),
        ("PolicyName", "p"),
        ("PolicyDocument", document.as_str()),
    ];
    world.iam_ok(&root, "PutGroupPolicy", &parameters);
    assert_eq!(world.iam(&user, "ListUsers", &[]).0, 403);
    world.iam_ok(&root, "AddUserToGroup", &[("GroupName", "g"), ("UserName", "u")]);
    assert_eq!(world.iam(&user, "ListUsers", &[]).0, 200);
    let (status, body) = world.iam(&root, "DeleteGroup", &[("GroupName", "g")]);
    assert_eq!((status, element(&body, "Code").as_str()), (409, "DeleteConflict"));
    world.iam_ok(&root, "RemoveUserFromGroup", &[("GroupName", "g"), ("UserName", "u")]);
    assert_eq!(world.iam(&user, "ListUsers", &[]).0, 403);
}

#[test]
fn service_linked_roles_are_protected() {
    // errata svc:N-7
    let world = World::new();
    let root = root(A);
    let made = world.iam_ok(
        &root,
        "CreateServiceLinkedRole",
        &[("AWSServiceName", "backup.amazonaws.com")],
    );
    assert_eq!(element(&made, "RoleName"), "AWSServiceRoleForBackup");
    assert_eq!(element(&made, "Path"), "/aws-service-role/backup.amazonaws.com/");
    let document = allow(&["s3:*"], "*").to_string();
    let parameters = [
        ("RoleName", "AWSServiceRoleForBackup"),
        ("PolicyName", "p"),
        ("PolicyDocument", document.as_str()),
    ];
    let (status, body) = world.iam(&root, "PutRolePolicy", &parameters);
    assert_eq!((status, element(&body, "Code").as_str()), (400, "UnmodifiableEntity"));
    assert_eq!(
        element(&body, "Message"),
        "Cannot perform the operation on the protected role 'AWSServiceRoleForBackup' - this role is only modifiable \
         by AWS"
    );
}

#[test]
fn iam_is_authorized_like_everything_else() {
    let world = World::new();
    let user = world.user(
        A,
        "u",
        Some(&allow(&["iam:GetUser"], &format!("arn:aws:iam::{A}:user/u"))),
    );
    assert_eq!(world.iam(&user, "GetUser", &[]).0, 200);
    world.iam_ok(&root(A), "CreateUser", &[("UserName", "other")]);
    let (status, body) = world.iam(&user, "GetUser", &[("UserName", "other")]);
    assert_eq!(status, 403);
    assert_eq!(
        element(&body, "Message"),
        format!(
            "User: arn:aws:iam::{A}:user/u is not authorized to perform: iam:GetUser on resource: \
             arn:aws:iam::{A}:user/other because no identity-based policy allows the iam:GetUser action"
        )
    );
    // Accounts are apart: root of B sees its own users only.
    assert_eq!(world.iam(&root(B), "GetUser", &[("UserName", "u")]).0, 404);
    // iam:L-78
    let federated = world.mint(&json!({
        "principal": { "federated_user": {
            "account": A, "name": "fed", "by": "root", "policy": allow(&["*"], "*").to_string(),
        } },
    }));
    assert_eq!(world.iam(&federated, "ListUsers", &[]).0, 403);
}

#[test]
fn pages_and_tags() {
    let world = World::new();
    let root = root(A);
    for name in ["a", "b", "c"] {
        world.iam_ok(&root, "CreateUser", &[("UserName", name)]);
    }
    let first = world.iam_ok(&root, "ListUsers", &[("MaxItems", "2")]);
    assert_eq!(element(&first, "IsTruncated"), "true");
    let marker = element(&first, "Marker");
    let second = world.iam_ok(&root, "ListUsers", &[("MaxItems", "2"), ("Marker", &marker)]);
    assert_eq!(
        (
            element(&second, "UserName").as_str(),
            element(&second, "IsTruncated").as_str()
        ),
        ("c", "false")
    );
    let tag = [
        ("UserName", "a"),
        ("Tags.member.1.Key", "Team"),
        ("Tags.member.1.Value", "x"),
    ];
    world.iam_ok(&root, "TagUser", &tag);
    world.iam_ok(
        &root,
        "TagUser",
        &[
            ("UserName", "a"),
            ("Tags.member.1.Key", "team"),
            ("Tags.member.1.Value", "y"),
        ],
    );
    let tags = world.iam_ok(&root, "ListUserTags", &[("UserName", "a")]);
    assert_eq!(
        (element(&tags, "Key").as_str(), element(&tags, "Value").as_str()),
        ("team", "y"),
        "iam:K-92"
    );
    world.iam_ok(&root, "UntagUser", &[("UserName", "a"), ("TagKeys.member.1", "TEAM")]);
    assert!(
        !world
            .iam_ok(&root, "ListUserTags", &[("UserName", "a")])
            .contains("<Key>")
    );
}
