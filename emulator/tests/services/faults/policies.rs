//! Rows of the faults in principals and layers of policies that only the services show: IAM, STS, organizations.

use serde_json::json;

use super::{Row, may, row, stored, user};
use crate::cloud::{A, B, Cloud, Keys, allow, policy};

/// Status of an AssumeRole of `R` with more parameters, by a user who may everything of STS. The trust policy names
/// the account and only the assumption.
fn assumes(cloud: &Cloud, more: &[(&str, &str)]) -> u16 {
    cloud.make_role(A, "R", &json!({ "AWS": A }), &json!([]));
    let user = user(cloud, &may(&["sts:*"]));
    assume(cloud, &user, more)
}

fn assume(cloud: &Cloud, who: &Keys, more: &[(&str, &str)]) -> u16 {
    let role = format!("arn:aws:iam::{A}:role/R");
    let mut parameters = vec![("RoleArn", role.as_str()), ("RoleSessionName", "s1")];
    parameters.extend(more);
    cloud.sts(who, "AssumeRole", &parameters).0
}

/// An IAM call of a user without permissions.
fn calls(cloud: &Cloud, action: &str, parameters: &[(&str, &str)]) -> u16 {
    let user = user(cloud, &json!([]));
    cloud.iam_as(&user, action, parameters).0
}

fn make_policy(cloud: &Cloud, name: &str, document: &str) -> String {
    let parameters = [
        ("Action", "CreatePolicy"),
        ("PolicyName", name),
        ("PolicyDocument", document),
    ];
    cloud.iam(A, &parameters);
    format!("arn:aws:iam::{A}:policy/{name}")
}

fn denying_s3() -> String {
    policy(&json!([{ "Effect": "Deny", "Action": "s3:*", "Resource": "*" }]))
}

pub(super) const ROWS: &[Row] = &[
    row(
        "recreated-principal-matches",
        |cloud| {
            stored(cloud);
            user(cloud, &json!([]));
            let named = json!([{
                "Effect": "Allow", "Principal": { "AWS": format!("arn:aws:iam::{A}:user/U") },
                "Action": "s3:GetObject", "Resource": "arn:aws:s3:::bucket/*",
            }]);
            cloud.bucket_policy(A, "bucket", &named).ok();
            cloud.iam(A, &[("Action", "DeleteUser"), ("UserName", "U")]);
            let again = user(cloud, &json!([]));
            cloud.s3(&again, "GET", "/bucket/k").status
        },
        403,
        200,
    ),
    row(
        "alias-resource-covers-key",
        |cloud| {
            let key = cloud.key(A, &json!([]));
            let alias = json!({ "AliasName": "alias/a", "TargetKeyId": key });
            cloud.kms(&cloud.root(A), "CreateAlias", &alias).ok();
            let arn = format!("arn:aws:kms:us-east-1:{A}:alias/a");
            let user = user(cloud, &json!([allow(&json!("kms:*"), &json!(arn))]));
            super::encrypt(cloud, &user, "alias/a")
        },
        400,
        200,
    ),
    row(
        "service-control-binds-management",
        |cloud| {
            let user = user(cloud, &may(&["s3:*"]));
            cloud.case(&json!({ "organization": {
                "id": "o-abc123", "management_account": A,
                "root": { "scp": [{ "name": "p", "document": denying_s3() }] },
            } }));
            cloud.s3(&user, "GET", "/").status
        },
        200,
        403,
    ),
    row(
        "service-control-of-owner",
        |cloud| {
            let root = cloud.bucket(B, "bucket");
            cloud.s3_with(&root, "PUT", "/bucket/k", &[], "text").ok();
            let named = json!([{
                "Effect": "Allow", "Principal": { "AWS": A },
                "Action": "s3:GetObject", "Resource": "arn:aws:s3:::bucket/*",
            }]);
            cloud.bucket_policy(B, "bucket", &named).ok();
            let user = user(cloud, &may(&["s3:*"]));
            cloud.case(&json!({ "organization": {
                "id": "o-abc123", "management_account": "999999999999",
                "root": { "units": {
                    "a": { "accounts": [A], "scp": [{ "name": "p", "document": denying_s3() }] },
                    "b": { "accounts": [B] },
                } },
            } }));
            cloud.s3(&user, "GET", "/bucket/k").status
        },
        403,
        200,
    ),
    row(
        "group-policies-ignored",
        |cloud| {
            let user = user(cloud, &json!([]));
            let document = policy(&may(&["s3:*"]));
            cloud.iam(A, &[("Action", "CreateGroup"), ("GroupName", "G")]);
            let put = [
                ("Action", "PutGroupPolicy"),
                ("GroupName", "G"),
                ("PolicyName", "p"),
                ("PolicyDocument", document.as_str()),
            ];
            cloud.iam(A, &put);
            cloud.iam(
                A,
                &[("Action", "AddUserToGroup"), ("GroupName", "G"), ("UserName", "U")],
            );
            cloud.s3(&user, "GET", "/").status
        },
        200,
        403,
    ),
    row(
        "managed-session-policies-ignored",
        |cloud| {
            let arn = make_policy(cloud, "P", &policy(&may(&["ec2:*"])));
            cloud.make_role(A, "R", &json!({ "AWS": A }), &may(&["s3:*"]));
            let session = cloud.credentials(&json!({ "role": {
                "account": A, "name": "R", "session": "s1", "policy_arns": [arn],
            } }));
            cloud.s3(&session, "GET", "/").status
        },
        403,
        200,
    ),
    row(
        "message-names-role",
        |cloud| {
            let session = cloud.role(A, "R", "s1", &json!([]));
            super::is_error(&cloud.s3(&session, "GET", "/"), "assumed-role/R/s1")
        },
        1,
        0,
    ),
    row(
        "session-tags-unasked",
        |cloud| assumes(cloud, &[("Tags.member.1.Key", "t"), ("Tags.member.1.Value", "x")]),
        403,
        200,
    ),
    row(
        "source-identity-unasked",
        |cloud| assumes(cloud, &[("SourceIdentity", "somebody")]),
        403,
        200,
    ),
    row(
        "role-trusts-itself",
        |cloud| {
            cloud.make_role(A, "R", &json!({ "Service": "lambda.amazonaws.com" }), &may(&["sts:*"]));
            let session = cloud.session(A, "R", "s0");
            assume(cloud, &session, &[])
        },
        403,
        200,
    ),
    row(
        "own-policy-unasked",
        |cloud| {
            let document = policy(&may(&["*"]));
            let put = [
                ("UserName", "U"),
                ("PolicyName", "p"),
                ("PolicyDocument", document.as_str()),
            ];
            calls(cloud, "PutUserPolicy", &put)
        },
        403,
        200,
    ),
    row(
        "create-access-key-unasked",
        |cloud| {
            cloud.user(A, "V", &json!([]));
            calls(cloud, "CreateAccessKey", &[("UserName", "V")])
        },
        403,
        200,
    ),
    row(
        "boundary-removal-unasked",
        |cloud| {
            cloud.user(A, "V", &json!([]));
            let arn = make_policy(cloud, "P", &policy(&may(&["s3:*"])));
            let put = [
                ("Action", "PutUserPermissionsBoundary"),
                ("UserName", "V"),
                ("PermissionsBoundary", arn.as_str()),
            ];
            cloud.iam(A, &put);
            calls(cloud, "DeleteUserPermissionsBoundary", &[("UserName", "V")])
        },
        403,
        200,
    ),
    row(
        "attach-user-policy-unasked",
        |cloud| {
            let arn = make_policy(cloud, "P", &policy(&may(&["*"])));
            calls(
                cloud,
                "AttachUserPolicy",
                &[("UserName", "U"), ("PolicyArn", arn.as_str())],
            )
        },
        403,
        200,
    ),
    row(
        "trust-policy-change-unasked",
        |cloud| {
            cloud.make_role(A, "R", &json!({ "AWS": A }), &json!([]));
            let trust = policy(&json!([{ "Effect": "Allow", "Principal": { "AWS": A }, "Action": "sts:AssumeRole" }]));
            let update = [("RoleName", "R"), ("PolicyDocument", trust.as_str())];
            calls(cloud, "UpdateAssumeRolePolicy", &update)
        },
        403,
        200,
    ),
    row(
        "put-user-policy-asks-to-read",
        |cloud| {
            let user = user(cloud, &may(&["iam:GetUserPolicy"]));
            let document = policy(&may(&["*"]));
            let put = [
                ("UserName", "U"),
                ("PolicyName", "q"),
                ("PolicyDocument", document.as_str()),
            ];
            cloud.iam_as(&user, "PutUserPolicy", &put).0
        },
        403,
        200,
    ),
];
