//! IAM as tools that keep an account use it: versions of policies, tags, changed roles, who has what, pages.

use serde_json::{Value, json};

use crate::support::{A, Keys, World, allow, element, root};

const TRUST: &str = r#"{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":{"AWS":"111111111111"},"Action":"sts:AssumeRole"}]}"#;

fn failure(world: &World, keys: &Keys, action: &str, parameters: &[(&str, &str)]) -> (u16, String) {
    let (status, body) = world.iam(keys, action, parameters);
    (status, element(&body, "Code"))
}

fn policy(world: &World, name: &str, document: &Value) -> String {
    let document = document.to_string();
    let made = world.iam_ok(
        &root(A),
        "CreatePolicy",
        &[("PolicyName", name), ("PolicyDocument", &document)],
    );
    element(&made, "Arn")
}

/// iam:§1.9: five versions, one of them the default; numbers are never used again.
#[test]
fn managed_policies_have_versions() {
    let world = World::new();
    let root = root(A);
    let arn = policy(&world, "p", &allow(&["s3:GetObject"], "*"));
    let arn = ("PolicyArn", arn.as_str());
    let document = allow(&["s3:PutObject"], "*").to_string();
    let document = ("PolicyDocument", document.as_str());
    let made = world.iam_ok(&root, "CreatePolicyVersion", &[arn, document]);
    assert_eq!(
        (element(&made, "VersionId"), element(&made, "IsDefaultVersion")),
        ("v2".to_owned(), "false".to_owned())
    );
    let shown = world.iam_ok(&root, "GetPolicy", &[arn]);
    assert_eq!(element(&shown, "DefaultVersionId"), "v1");
    world.iam_ok(&root, "SetDefaultPolicyVersion", &[arn, ("VersionId", "v2")]);
    let shown = world.iam_ok(&root, "GetPolicy", &[arn]);
    assert_eq!(element(&shown, "DefaultVersionId"), "v2");
    let shown = world.iam_ok(&root, "GetPolicyVersion", &[arn, ("VersionId", "v2")]);
    assert!(element(&shown, "Document").contains("PutObject"), "{shown}");
    // The default stays, and a policy goes with its default version only.
    let version = |id| [arn, ("VersionId", id)];
    assert_eq!(
        failure(&world, &root, "DeletePolicyVersion", &version("v2")),
        (409, "DeleteConflict".to_owned())
    );
    assert_eq!(
        failure(&world, &root, "DeletePolicy", &[arn]),
        (409, "DeleteConflict".to_owned())
    );
    world.iam_ok(&root, "DeletePolicyVersion", &version("v1"));
    for absent in ["v1", "v9", "x"] {
        for action in ["GetPolicyVersion", "SetDefaultPolicyVersion", "DeletePolicyVersion"] {
            assert_eq!(
                failure(&world, &root, action, &version(absent)),
                (404, "NoSuchEntity".to_owned()),
                "{action} {absent}"
            );
        }
    }
    for number in 3..=6 {
        let made = world.iam_ok(&root, "CreatePolicyVersion", &[arn, document]);
        assert_eq!(element(&made, "VersionId"), format!("v{number}"));
    }
    assert_eq!(
        failure(&world, &root, "CreatePolicyVersion", &[arn, document]),
        (409, "LimitExceeded".to_owned())
    );
    world.iam_ok(&root, "DeletePolicyVersion", &version("v6"));
    let made = world.iam_ok(&root, "CreatePolicyVersion", &[arn, document, ("SetAsDefault", "true")]);
    assert_eq!(element(&made, "VersionId"), "v7");
    let listed = world.iam_ok(&root, "ListPolicyVersions", &[arn, ("MaxItems", "2")]);
    assert_eq!(
        (element(&listed, "VersionId"), element(&listed, "IsTruncated")),
        ("v7".to_owned(), "true".to_owned()),
        "newest first"
    );
    // What AWS manages is AWS's.
    let theirs = ("PolicyArn", "arn:aws:iam::aws:policy/AdministratorAccess");
    for (action, more) in [
        ("CreatePolicyVersion", document),
        ("DeletePolicyVersion", ("VersionId", "v1")),
    ] {
        assert_eq!(
            failure(&world, &root, action, &[theirs, more]),
            (403, "AccessDenied".to_owned())
        );
    }
    assert_eq!(
        failure(&world, &root, "CreatePolicyVersion", &[arn, ("PolicyDocument", "{")]),
        (400, "MalformedPolicyDocument".to_owned())
    );
}

/// A new default version is what those have who have the policy.
#[test]
fn a_new_default_version_decides() {
    let world = World::new();
    let root = root(A);
    let arn = policy(&world, "p", &allow(&["kms:ListKeys"], "*"));
    let user = world.user(A, "u", None);
    world.iam_ok(&root, "AttachUserPolicy", &[("UserName", "u"), ("PolicyArn", &arn)]);
    world.kms_ok(&user, "ListKeys", json!({}));
    let document = allow(&["kms:ListAliases"], "*").to_string();
    let version = [
        ("PolicyArn", arn.as_str()),
        ("PolicyDocument", &document),
        ("SetAsDefault", "true"),
    ];
    world.iam_ok(&root, "CreatePolicyVersion", &version);
    assert_eq!(world.kms_err(&user, "ListKeys", json!({})).0, "AccessDeniedException");
    world.kms_ok(&user, "ListAliases", json!({}));
}

#[test]
fn policies_have_tags() {
    let world = World::new();
    let root = root(A);
    let arn = policy(&world, "p", &allow(&["s3:GetObject"], "*"));
    let arn = ("PolicyArn", arn.as_str());
    let tag = [arn, ("Tags.member.1.Key", "team"), ("Tags.member.1.Value", "red")];
    world.iam_ok(&root, "TagPolicy", &tag);
    let listed = world.iam_ok(&root, "ListPolicyTags", &[arn]);
    assert_eq!(element(&listed, "Value"), "red");
    // iam:K-50: the tags of the policy are conditions on what is done to it.
    let condition = json!({ "StringEquals": { "aws:ResourceTag/team": "red" } });
    let statement = json!({ "Effect": "Allow", "Action": "iam:UntagPolicy", "Resource": "*", "Condition": condition });
    let user = world.user(
        A,
        "u",
        Some(&json!({ "Version": "2012-10-17", "Statement": [statement] })),
    );
    let untag = [arn, ("TagKeys.member.1", "team")];
    world.iam_ok(&user, "UntagPolicy", &untag);
    assert_eq!(
        failure(&world, &user, "UntagPolicy", &untag),
        (403, "AccessDenied".to_owned())
    );
    assert!(!world.iam_ok(&root, "ListPolicyTags", &[arn]).contains("team"));
    let absent = ("PolicyArn", "arn:aws:iam::111111111111:policy/absent");
    assert_eq!(
        failure(&world, &root, "ListPolicyTags", &[absent]),
        (404, "NoSuchEntity".to_owned())
    );
    let theirs = ("PolicyArn", "arn:aws:iam::aws:policy/AdministratorAccess");
    assert_eq!(
        failure(&world, &root, "TagPolicy", &[theirs, tag[1], tag[2]]),
        (403, "AccessDenied".to_owned())
    );
}

#[test]
fn roles_are_changed_and_listed_for_their_policies() {
    let world = World::new();
    let root = root(A);
    let name = ("RoleName", "R");
    world.iam_ok(
        &root,
        "CreateRole",
        &[name, ("AssumeRolePolicyDocument", TRUST), ("Description", "old")],
    );
    world.iam_ok(&root, "UpdateRole", &[name, ("MaxSessionDuration", "7200")]);
    let shown = world.iam_ok(&root, "GetRole", &[name]);
    assert_eq!(
        (element(&shown, "Description"), element(&shown, "MaxSessionDuration")),
        ("old".to_owned(), "7200".to_owned()),
        "what is not sent stays"
    );
    let answered = world.iam_ok(&root, "UpdateRoleDescription", &[name, ("Description", "new")]);
    assert_eq!(element(&answered, "Description"), "new");
    assert_eq!(
        failure(&world, &root, "UpdateRole", &[name, ("MaxSessionDuration", "1")]),
        (400, "ValidationError".to_owned())
    );
    let profiles = world.iam_ok(&root, "ListInstanceProfilesForRole", &[name]);
    assert_eq!(element(&profiles, "IsTruncated"), "false");
    // Who has a policy, and as what.
    let arn = policy(&world, "p", &allow(&["s3:GetObject"], "*"));
    let arn = ("PolicyArn", arn.as_str());
    world.iam_ok(&root, "AttachRolePolicy", &[name, arn]);
    world.iam_ok(&root, "CreateUser", &[("UserName", "u")]);
    let boundary = [("UserName", "u"), ("PermissionsBoundary", arn.1)];
    world.iam_ok(&root, "PutUserPermissionsBoundary", &boundary);
    let entities = |more: &[(&str, &str)]| {
        let body = world.iam_ok(&root, "ListEntitiesForPolicy", &[&[arn], more].concat());
        (body.contains("<RoleName>R<"), body.contains("<UserName>u<"))
    };
    assert_eq!(entities(&[]), (true, true));
    assert_eq!(entities(&[("EntityFilter", "Role")]), (true, false));
    assert_eq!(entities(&[("PolicyUsageFilter", "PermissionsPolicy")]), (true, false));
    assert_eq!(entities(&[("PolicyUsageFilter", "PermissionsBoundary")]), (false, true));
    assert_eq!(entities(&[("MaxItems", "1")]), (false, true), "groups, users, roles");
    assert_eq!(entities(&[("PathPrefix", "/x/")]), (false, false));
    assert_eq!(
        failure(&world, &root, "ListEntitiesForPolicy", &[arn, ("Marker", "x")]),
        (400, "ValidationError".to_owned())
    );
}

#[test]
fn service_linked_roles_are_deleted_by_their_own_call() {
    let world = World::new();
    let root = root(A);
    let made = world.iam_ok(
        &root,
        "CreateServiceLinkedRole",
        &[("AWSServiceName", "autoscaling.amazonaws.com")],
    );
    let name = element(&made, "RoleName");
    let name = ("RoleName", name.as_str());
    assert_eq!(
        failure(&world, &root, "DeleteRole", &[name]),
        (400, "UnmodifiableEntity".to_owned()),
        "errata svc:N-7"
    );
    let task = element(
        &world.iam_ok(&root, "DeleteServiceLinkedRole", &[name]),
        "DeletionTaskId",
    );
    assert!(task.starts_with("task/aws-service-role/autoscaling.amazonaws.com/AWSServiceRoleForAutoScaling/"));
    let status = world.iam_ok(
        &root,
        "GetServiceLinkedRoleDeletionStatus",
        &[("DeletionTaskId", &task)],
    );
    assert_eq!(element(&status, "Status"), "SUCCEEDED");
    assert_eq!(
        failure(&world, &root, "GetRole", &[name]),
        (404, "NoSuchEntity".to_owned())
    );
    for task in ["x", "task/aws-service-role/", "task/aws-service-role/a/b"] {
        assert_eq!(
            failure(
                &world,
                &root,
                "GetServiceLinkedRoleDeletionStatus",
                &[("DeletionTaskId", task)]
            ),
            (400, "InvalidInput".to_owned())
        );
    }
    world.role(A, "plain", None);
    assert_eq!(
        failure(&world, &root, "DeleteServiceLinkedRole", &[("RoleName", "plain")]),
        (400, "InvalidInput".to_owned())
    );
}

/// What a tool asks before it deletes a user with everything: nothing of the kind is there, and each has its action.
#[test]
fn users_have_no_other_credentials() {
    let world = World::new();
    let root = root(A);
    let user = world.user(A, "u", None);
    let name = ("UserName", "u");
    for action in [
        "ListMFADevices",
        "ListSSHPublicKeys",
        "ListServiceSpecificCredentials",
        "ListSigningCertificates",
    ] {
        let listed = world.iam_ok(&root, action, &[name]);
        assert_eq!(element(&listed, "IsTruncated"), "false");
        let (status, body) = world.iam(&user, action, &[name]);
        assert_eq!(status, 403);
        assert!(body.contains(&format!("iam:{action}")), "{body}");
        assert_eq!(
            failure(&world, &root, action, &[("UserName", "absent")]),
            (404, "NoSuchEntity".to_owned())
        );
    }
    for action in ["GetLoginProfile", "DeleteLoginProfile"] {
        assert_eq!(
            failure(&world, &root, action, &[name]),
            (404, "NoSuchEntity".to_owned())
        );
    }
}
