//! Who administers: calls of IAM and STS by those who may little, by those who are nobody, and by those whose session
//! policy says less than their role.

use serde_json::{Value, json};

use crate::cloud::{A, B, Cloud, Keys, admin, allow, policy};
use crate::support::element;

/// Everything that any IAM call of the table needs, about things that are there.
const PARAMETERS: &[(&str, &str)] = &[
    ("UserName", "victim"),
    ("RoleName", "Role"),
    ("GroupName", "Group"),
    ("PolicyName", "p"),
    ("PolicyArn", "arn:aws:iam::111111111111:policy/P"),
    ("PermissionsBoundary", "arn:aws:iam::111111111111:policy/P"),
    ("PolicyDocument", POLICY),
    ("AssumeRolePolicyDocument", TRUST),
    ("VersionId", "v1"),
    ("AccessKeyId", "AKIAAAAAAAAAAAAAAAAA"),
    ("Status", "Inactive"),
    ("AWSServiceName", "backup.amazonaws.com"),
    (
        "DeletionTaskId",
        "task/aws-service-role/backup.amazonaws.com/AWSServiceRoleForBackup/1",
    ),
    ("Description", "d"),
    ("Tags.member.1.Key", "team"),
    ("Tags.member.1.Value", "red"),
    ("TagKeys.member.1", "team"),
];
const POLICY: &str =
    r#"{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"s3:GetObject","Resource":"*"}]}"#;
const TRUST: &str = r#"{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":{"AWS":"111111111111"},"Action":"sts:AssumeRole"}]}"#;

/// IAM calls that administer; their action has their name.
const CALLS: &[&str] = &[
    "AddUserToGroup",
    "AttachGroupPolicy",
    "AttachRolePolicy",
    "AttachUserPolicy",
    "CreateAccessKey",
    "CreateGroup",
    "CreatePolicy",
    "CreatePolicyVersion",
    "CreateRole",
    "CreateServiceLinkedRole",
    "CreateUser",
    "DeleteAccessKey",
    "DeleteGroup",
    "DeleteGroupPolicy",
    "DeletePolicy",
    "DeletePolicyVersion",
    "DeleteRole",
    "DeleteRolePermissionsBoundary",
    "DeleteRolePolicy",
    "DeleteUser",
    "DeleteUserPermissionsBoundary",
    "DeleteUserPolicy",
    "DetachGroupPolicy",
    "DetachRolePolicy",
    "DetachUserPolicy",
    "GetGroup",
    "GetGroupPolicy",
    "GetPolicy",
    "GetPolicyVersion",
    "GetRole",
    "GetRolePolicy",
    "GetUser",
    "GetUserPolicy",
    "ListAccessKeys",
    "ListAttachedGroupPolicies",
    "ListAttachedRolePolicies",
    "ListAttachedUserPolicies",
    "ListEntitiesForPolicy",
    "ListGroupPolicies",
    "ListGroups",
    "ListGroupsForUser",
    "ListPolicies",
    "ListPolicyTags",
    "ListPolicyVersions",
    "ListRolePolicies",
    "ListRoleTags",
    "ListRoles",
    "ListUserPolicies",
    "ListUserTags",
    "ListUsers",
    "PutGroupPolicy",
    "PutRolePermissionsBoundary",
    "PutRolePolicy",
    "PutUserPermissionsBoundary",
    "PutUserPolicy",
    "RemoveUserFromGroup",
    "SetDefaultPolicyVersion",
    "TagPolicy",
    "TagRole",
    "TagUser",
    "UntagPolicy",
    "UntagRole",
    "UntagUser",
    "UpdateAccessKey",
    "UpdateAssumeRolePolicy",
    "UpdateRole",
    "UpdateRoleDescription",
];

fn world() -> Cloud {
    let cloud = Cloud::new();
    for (action, parameters) in [
        ("CreateUser", &[("UserName", "victim")][..]),
        ("CreateGroup", &[("GroupName", "Group")]),
        ("CreatePolicy", &[("PolicyName", "P"), ("PolicyDocument", POLICY)]),
    ] {
        let mut all = vec![("Action", action)];
        all.extend_from_slice(parameters);
        cloud.iam(A, &all);
    }
    cloud.make_role(A, "Role", &json!({ "AWS": A }), &json!([]));
    cloud
}

fn is_denied((status, body): &(u16, String)) -> bool {
    *status == 403 && element(body, "Code") == "AccessDenied"
}

/// CVE-2024-55949, CVE-2026-22042, GHSA-mm2q-qcmx-gw4w, ceph#54826: without its action a call is denied, whatever else is
/// allowed, and with its action alone it is not.
#[test]
fn every_iam_call_asks_for_its_own_action() {
    for call in CALLS {
        let cloud = world();
        let user = cloud.user(A, "u", &json!([]));
        // Tags at a creation take the permission to tag too.
        let parameters: Vec<(&str, &str)> = PARAMETERS
            .iter()
            .filter(|(name, _)| call.starts_with("Tag") || !name.starts_with("Tags."))
            .copied()
            .collect();
        let run = || cloud.iam_as(&user, call, &parameters);
        assert!(is_denied(&run()), "{call} without any permission");
        cloud.user_policy(
            A,
            "u",
            &json!([{ "Effect": "Allow", "NotAction": format!("iam:{call}"), "Resource": "*" }]),
        );
        let without = run();
        assert!(is_denied(&without), "{call} without its action: {without:?}");
        let named = format!("perform: iam:{call} on resource");
        assert!(element(&without.1, "Message").contains(&named), "{call}: {without:?}");
        cloud.user_policy(A, "u", &json!([allow(&json!(format!("iam:{call}")), &json!("*"))]));
        let with = run();
        assert!(!is_denied(&with), "{call} with its action: {with:?}");
        // Another account's root has no say at all.
        let foreign = cloud.iam_as(&cloud.root(B), call, &parameters);
        let untouched = foreign.0 != 200 || call.starts_with("Create") || call.starts_with("List");
        assert!(untouched, "{call} by another account: {foreign:?}");
    }
}

/// Whatever a session could make itself more with.
fn escalations(cloud: &Cloud, who: &Keys) -> Vec<(String, u16)> {
    let mut outcomes: Vec<(String, u16)> = Vec::new();
    let iam: &[(&str, &[(&str, &str)])] = &[
        ("CreateAccessKey", &[("UserName", "victim")]),
        ("CreateUser", &[("UserName", "mine")]),
        (
            "PutUserPolicy",
            &[("UserName", "victim"), ("PolicyName", "p"), ("PolicyDocument", POLICY)],
        ),
        (
            "PutRolePolicy",
            &[("RoleName", "Wide"), ("PolicyName", "q"), ("PolicyDocument", POLICY)],
        ),
        (
            "UpdateAssumeRolePolicy",
            &[("RoleName", "Wide"), ("PolicyDocument", TRUST)],
        ),
        ("DeleteRolePermissionsBoundary", &[("RoleName", "Wide")]),
        (
            "AttachUserPolicy",
            &[
                ("UserName", "victim"),
                ("PolicyArn", "arn:aws:iam::aws:policy/AdministratorAccess"),
            ],
        ),
    ];
    for (action, parameters) in iam {
        outcomes.push(((*action).to_owned(), cloud.iam_as(who, action, parameters).0));
    }
    let wide = format!("arn:aws:iam::{A}:role/Wide");
    let assume = [("RoleArn", wide.as_str()), ("RoleSessionName", "more")];
    outcomes.push(("AssumeRole".to_owned(), cloud.sts(who, "AssumeRole", &assume).0));
    for (method, path, body) in [
        ("PUT", "/fresh-bucket", String::new()),
        (
            "PUT",
            "/bucket?policy",
            policy(
                &json!([{ "Effect": "Allow", "Principal": { "AWS": A }, "Action": "s3:PutObject", "Resource": "arn:aws:s3:::bucket/*" }]),
            ),
        ),
        ("PUT", "/bucket/new", "x".to_owned()),
        ("DELETE", "/bucket?publicAccessBlock", String::new()),
    ] {
        outcomes.push((
            format!("{method} {path}"),
            cloud.s3_with(who, method, path, &[], body).status,
        ));
    }
    let key = cloud.key(A, &json!([]));
    for (operation, body) in [
        ("CreateKey", json!({})),
        (
            "CreateGrant",
            json!({ "KeyId": key, "GranteePrincipal": wide, "Operations": ["Decrypt"] }),
        ),
        ("Encrypt", json!({ "KeyId": key, "Plaintext": "YQ==" })),
    ] {
        outcomes.push((operation.to_owned(), cloud.kms(who, operation, &body).status));
    }
    outcomes
}

/// CVE-2025-62506, CVE-2026-22043, CVE-2021-43858, CVE-2022-24842, ceph#41585, ceph#42247: a session policy limits every
/// service and one's own account too. CVE-2024-24747 and its regression: without one, the role's permissions are all
/// there.
#[test]
fn limited_sessions_stay_limited() {
    let cloud = world();
    let root = cloud.bucket(A, "bucket");
    cloud.s3_with(&root, "PUT", "/bucket/k", &[], "body").ok();
    cloud.make_role(A, "Wide", &json!({ "AWS": A }), &admin());
    let reading = policy(&json!([allow(&json!("s3:GetObject"), &json!("*"))]));
    let but_denied = policy(&json!([
        allow(&json!("s3:GetObject"), &json!("*")),
        { "Effect": "Deny", "NotAction": "s3:GetObject", "Resource": "*" },
    ]));
    let role = |session: &str, limit: Option<&str>| {
        let mut principal = json!({ "role": { "account": A, "name": "Wide", "session": session } });
        if let Some(limit) = limit {
            principal["role"]["policy"] = json!(limit);
        }
        cloud.credentials(&principal)
    };
    let federated = json!({ "federated_user": { "account": A, "name": "fed", "by": "root", "policy": reading } });
    let arn = "arn:aws:iam::aws:policy/AmazonS3ReadOnlyAccess";
    let managed = json!({ "role": { "account": A, "name": "Wide", "session": "managed", "policy_arns": [arn] } });
    for who in [
        role("limited", Some(&reading)),
        role("denied", Some(&but_denied)),
        cloud.credentials(&managed),
        cloud.credentials(&federated),
    ] {
        for (what, status) in escalations(&cloud, &who) {
            assert!(matches!(status, 400 | 403), "{what}: {status}");
        }
        assert_eq!(
            cloud.s3(&who, "GET", "/bucket/k").status,
            200,
            "what is left still works"
        );
        // No children without limits: sessions get neither tokens nor keys of their own.
        for (action, parameters) in [
            ("GetSessionToken", &[][..]),
            ("GetFederationToken", &[("Name", "child"), ("Policy", POLICY)]),
        ] {
            assert_eq!(cloud.sts(&who, action, parameters).0, 403, "{action}");
        }
    }
    let unlimited = role("unlimited", None);
    for (what, status) in escalations(&cloud, &unlimited) {
        assert!(
            status < 300 || what == "DeleteRolePermissionsBoundary",
            "{what}: {status}"
        );
    }
    // What the unlimited one did to the role does not lift the limit of another session.
    let limited = role("again", Some(&reading));
    assert_eq!(cloud.s3_with(&limited, "PUT", "/bucket/new", &[], "x").status, 403);
    // The keys of root are nobody's to make.
    let user = cloud.user(A, "plain", &admin());
    let made = cloud.iam_as(&user, "CreateAccessKey", &[("UserName", "root")]);
    assert_ne!(made.0, 200, "{made:?}");
    let boss = cloud.user(A, "boss", &json!([]));
    assert!(is_denied(&cloud.iam_as(&boss, "CreateAccessKey", &[])));
}

/// CVE-2023-27589, CVE-2026-55873, CVE-2026-45043: names are free, identities are not.
#[test]
fn names_are_no_identities() {
    let cloud = Cloud::new();
    let root = cloud.bucket(A, "bucket");
    cloud.s3_with(&root, "PUT", "/bucket/k", &[], "body").ok();
    for name in [A, "root", "admin", "anonymous"] {
        let user = cloud.user(A, name, &json!([]));
        assert_eq!(cloud.s3(&user, "GET", "/bucket/k").status, 403, "{name}");
        // The secret of a user opens the account as little as its name does.
        let disguised = Keys {
            id: A.to_owned(),
            token: None,
            ..user
        };
        assert_eq!(
            cloud.s3(&disguised, "GET", "/bucket/k").error(),
            (403, "SignatureDoesNotMatch".to_owned()),
            "{name}"
        );
    }
    // The caller does not choose the id of a key.
    let chosen = cloud.iam_as(
        &root,
        "CreateAccessKey",
        &[("UserName", "root"), ("AccessKeyId", A), ("SecretAccessKey", "s")],
    );
    let id = element(&chosen.1, "AccessKeyId");
    assert!(id.starts_with("AKIA") && id.len() == 20, "{id}");
    assert_ne!(element(&chosen.1, "SecretAccessKey"), "s");
    // Who is not known is nobody, not somebody by default.
    let user = cloud.user(A, "u", &admin());
    for id in [
        "",
        "AKIA",
        "admin",
        "root",
        "*",
        "1111111111111",
        "11111111111",
        &user.id.to_lowercase(),
    ] {
        let unknown = Keys {
            id: id.to_owned(),
            ..user.clone()
        };
        assert!(
            matches!(cloud.s3(&unknown, "GET", "/bucket/k").status, 400 | 403),
            "{id}"
        );
    }
    assert_eq!(cloud.s3(&user, "GET", "/bucket/k").status, 200);
    // A token is its caller's, whatever the request says of parents and accounts.
    let bare = cloud.user(
        A,
        "bare",
        &json!([allow(&json!("sts:GetFederationToken"), &json!("*"))]),
    );
    let keys = cloud.mint(&json!({ "principal": { "user": { "account": A, "name": "bare" } } }));
    assert_ne!(bare.id, keys.id);
    let wide = policy(&admin());
    let parameters = [
        ("Name", "fed"),
        ("Policy", wide.as_str()),
        ("Parent", "root"),
        ("ParentUser", A),
        ("UserName", "u"),
        ("AccountId", A),
    ];
    let (status, body) = cloud.sts(&keys, "GetFederationToken", &parameters);
    assert_eq!(status, 200, "{body}");
    let federated = Keys {
        id: element(&body, "AccessKeyId"),
        secret: element(&body, "SecretAccessKey"),
        token: Some(element(&body, "SessionToken")),
    };
    assert_eq!(cloud.s3(&federated, "GET", "/bucket/k").status, 403);
}

/// CVE-2024-48916: there is no identity provider here whose tokens could be checked, so none is accepted.
#[test]
fn web_identities_and_assertions_are_refused() {
    let cloud = Cloud::new();
    let trusting = json!({ "Federated": "accounts.google.com" });
    let trust =
        policy(&json!([{ "Effect": "Allow", "Principal": trusting, "Action": "sts:AssumeRoleWithWebIdentity" }]));
    cloud.iam(
        A,
        &[
            ("Action", "CreateRole"),
            ("RoleName", "Web"),
            ("AssumeRolePolicyDocument", &trust),
        ],
    );
    let arn = format!("arn:aws:iam::{A}:role/Web");
    // {"alg":"none"}.{"iss":"accounts.google.com","aud":"a","sub":"s"}.
    let token = "eyJhbGciOiJub25lIn0.eyJpc3MiOiJhY2NvdW50cy5nb29nbGUuY29tIiwiYXVkIjoiYSIsInN1YiI6InMifQ.";
    let user = cloud.user(A, "u", &admin());
    for (action, name) in [
        ("AssumeRoleWithWebIdentity", "WebIdentityToken"),
        ("AssumeRoleWithSAML", "SAMLAssertion"),
        ("AssumeRole", "WebIdentityToken"),
    ] {
        let parameters = [("RoleArn", arn.as_str()), ("RoleSessionName", "session"), (name, token)];
        let (status, body) = cloud.sts(&user, action, &parameters);
        assert!(matches!(status, 400 | 403), "{action}: {status} {body}");
        assert!(!body.contains("SecretAccessKey"), "{action}");
        let unsigned =
            format!("Action={action}&Version=2011-06-15&RoleArn={arn}&RoleSessionName=session&{name}={token}");
        let reply = cloud.s3_anonymous(
            "POST",
            "/",
            &[("content-type", "application/x-www-form-urlencoded")],
            unsigned.as_bytes(),
        );
        assert!(
            reply.status >= 400 && !reply.text().contains("SecretAccessKey"),
            "{}",
            reply.text()
        );
    }
}

/// ceph#66909: the trust policy of a role in another account is one side, the caller's own permission the other.
#[test]
fn foreign_roles_need_both_sides() {
    let cloud = Cloud::new();
    cloud.make_role(A, "Open", &json!({ "AWS": format!("arn:aws:iam::{B}:root") }), &admin());
    cloud.make_role(A, "Closed", &json!({ "AWS": A }), &admin());
    let may = |actions: Value| json!([allow(&actions, &json!("*"))]);
    let (bare, able) = (
        cloud.user(B, "bare", &json!([])),
        cloud.user(B, "able", &may(json!("sts:AssumeRole"))),
    );
    let bounded = cloud.user(B, "bounded", &may(json!("*")));
    let boundary = policy(&may(json!("s3:*")));
    cloud.iam(
        B,
        &[
            ("Action", "CreatePolicy"),
            ("PolicyName", "Edge"),
            ("PolicyDocument", &boundary),
        ],
    );
    let edge = format!("arn:aws:iam::{B}:policy/Edge");
    cloud.iam(
        B,
        &[
            ("Action", "PutUserPermissionsBoundary"),
            ("UserName", "bounded"),
            ("PermissionsBoundary", &edge),
        ],
    );
    for (who, role, expected) in [
        (&bare, "Open", 403),
        (&able, "Open", 200),
        (&bounded, "Open", 403),
        (&able, "Closed", 403),
        (&bounded, "Closed", 403),
    ] {
        let arn = format!("arn:aws:iam::{A}:role/{role}");
        let (status, body) = cloud.sts(who, "AssumeRole", &[("RoleArn", &arn), ("RoleSessionName", "session")]);
        assert_eq!(status, expected, "{role}: {body}");
    }
}
