//! Callers of the later form, what services settle before policies, and who is blamed. A = 111111111111.

use serde_json::{Value, json};

use super::{USER, allow_if, ask, bucket, get};

#[test]
fn callers_of_the_later_form() {
    let fed = "arn:aws:sts::111111111111:federated-user/f";
    let root = "arn:aws:iam::111111111111:root";
    let maker = "arn:aws:iam::111111111111:user/x/u";
    let asked = |principal: Value, context: Value, mut policies: Value| {
        policies["session"] = json!([{"Statement": [{"Effect": "Allow", "Action": "*", "Resource": "*"}]}]);
        ask(&json!({
            "request": {"principal": principal, "action": "s3:GetObject", "resource": "arn:aws:s3:::b/k", "context": context},
            "policies": policies, "canonical_users": {"79a5": "111111111111"},
        }))
    };
    for (rule, principal, context, policies, expected) in [
        (
            "iam:P-04",
            json!({"federated_user": fed, "made_by": maker}),
            json!({}),
            bucket(json!({"AWS": maker})),
            "allow",
        ),
        (
            "iam:P-04",
            json!(fed),
            json!({}),
            bucket(json!({"AWS": maker})),
            "implicit_deny",
        ),
        (
            "iam:P-11",
            json!({"federated": "www.amazon.com"}),
            json!({}),
            bucket(json!({"Federated": "www.amazon.com"})),
            "allow",
        ),
        (
            "iam:P-11",
            json!({"federated": "www.amazon.com"}),
            json!({}),
            bucket(json!({"AWS": "111111111111"})),
            "implicit_deny",
        ),
        (
            "iam:P-03 iam:P-19: a bare id is an account of this partition",
            json!("arn:aws-cn:iam::111111111111:user/alice"),
            json!({}),
            bucket(json!({"AWS": "111111111111"})),
            "implicit_deny",
        ),
        (
            "iam:P-03 iam:P-19, denied",
            json!("arn:aws-cn:iam::111111111111:user/alice"),
            json!({}),
            json!({"resource": {"Statement": [{
                "Effect": "Deny", "Principal": {"AWS": "111111111111"}, "Action": "s3:*", "Resource": "*",
            }]}}),
            "implicit_deny",
        ),
        (
            "iam:P-12",
            json!(root),
            json!({}),
            bucket(json!({"CanonicalUser": "79a5"})),
            "allow",
        ),
        (
            "iam:P-12",
            json!({"federated_user": fed, "made_by": root}),
            json!({}),
            bucket(json!({"CanonicalUser": "79a5"})),
            "allow",
        ),
        (
            "iam:L-62",
            json!(root),
            json!({"aws:AssumedRoot": true}),
            json!({}),
            "implicit_deny",
        ),
        (
            "iam:L-62",
            json!(root),
            json!({"aws:AssumedRoot": true}),
            allow_if(json!({})),
            "allow",
        ),
        (
            "iam:L-62",
            json!(root),
            json!({"aws:AssumedRoot": false}),
            json!({}),
            "allow",
        ),
        (
            "iam:K-07",
            json!({"service": "sns.amazonaws.com"}),
            json!({}),
            json!({"resource": {"Statement": [{"Effect": "Allow", "Principal": "*", "Action": "*", "Resource": "*", "Condition": {
                "StringEquals": {"aws:PrincipalServiceName": "sns.amazonaws.com"},
                "ForAnyValue:StringEquals": {"aws:PrincipalServiceNamesList": "sns.amazonaws.com"}}}]}}),
            "allow",
        ),
    ] {
        let answer = asked(principal.clone(), context, policies);
        assert_eq!(answer.decision.word(), expected, "{rule} {principal}: {answer:?}");
    }
}

#[test]
fn user_sessions_without_mfa_cannot_ask_iam() {
    // H2-E10, iam:L-78: before policies, so nobody is blamed.
    let deny_all = json!({"identity": [{"Statement": [{"Effect": "Deny", "Action": "*", "Resource": "*"}]}]});
    let allow_all = json!({"identity": [{"Statement": [{"Effect": "Allow", "Action": "*", "Resource": "*"}]}]});
    let issued = json!({"aws:TokenIssueTime": "2026-01-01T00:00:00Z"});
    let with_mfa = json!({"aws:TokenIssueTime": "2026-01-01T00:00:00Z", "aws:MultiFactorAuthPresent": true});
    for (action, context, policies, expected) in [
        ("iam:ListUsers", &issued, &deny_all, ("implicit_deny", None)),
        ("iam:ListUsers", &with_mfa, &allow_all, ("allow", None)),
        (
            "iam:ListUsers",
            &with_mfa,
            &deny_all,
            ("explicit_deny", Some("identity")),
        ),
        ("sts:GetFederationToken", &with_mfa, &allow_all, ("implicit_deny", None)),
        ("sts:GetSessionToken", &issued, &allow_all, ("implicit_deny", None)),
        ("sts:GetCallerIdentity", &issued, &deny_all, ("allow", None)),
        (
            "sts:DecodeAuthorizationMessage",
            &with_mfa,
            &allow_all,
            ("implicit_deny", None),
        ),
        ("sts:TagSession", &issued, &allow_all, ("allow", None)),
        ("s3:ListAllMyBuckets", &issued, &allow_all, ("allow", None)),
    ] {
        let answer = ask(&json!({
            "request": {"principal": USER, "action": action, "resource": "*", "context": context},
            "policies": policies,
        }));
        assert_eq!((answer.decision.word(), answer.blamed), expected, "{action} {context}");
    }
}

#[test]
fn the_first_side_to_fail_is_blamed() {
    let foreign_key = "arn:aws:kms:us-east-1:222222222222:key/1";
    let alias = "arn:aws:kms:us-east-1:111111111111:alias/aws/s3";
    let role = "arn:aws:iam::111111111111:role/R";
    let root = "arn:aws:iam::111111111111:root";
    let all = json!([{"Statement": [{"Effect": "Allow", "Action": "*", "Resource": "*"}]}]);
    let silent = json!({"Statement": [{"Effect": "Allow", "Action": "ec2:*", "Resource": "*"}]});
    let key =
        |effect: &str| json!({"Statement": [{"Effect": effect, "Principal": "*", "Action": "*", "Resource": "*"}]});
    for (id, principal, action, resource, policies, expected) in [
        (
            "H2-E7",
            USER,
            "kms:CreateAlias",
            alias,
            json!({"identity": all}),
            ("implicit_deny", None),
        ),
        (
            "H2-E11",
            USER,
            "kms:GetKeyPolicy",
            foreign_key,
            json!({"identity": all, "resource": key("Allow"), "permissions_boundary": silent}),
            ("implicit_deny", Some("resource")),
        ),
        (
            "H2-M12",
            USER,
            "kms:GetKeyPolicy",
            foreign_key,
            json!({"identity": all, "resource": key("Deny")}),
            ("explicit_deny", Some("resource")),
        ),
        (
            "H2-E14",
            USER,
            "kms:GetKeyPolicy",
            foreign_key,
            json!({}),
            ("implicit_deny", Some("resource")),
        ),
        (
            "H2-E13",
            root,
            "sts:AssumeRole",
            role,
            json!({"resource": {"Statement": [{"Effect": "Deny", "Principal": "*", "Action": "sts:*"}]}}),
            ("implicit_deny", None),
        ),
    ] {
        let answer = ask(&json!({
            "request": {"principal": principal, "action": action, "resource": resource},
            "policies": policies,
            "grants": [{"grantee_principal": "111111111111", "operations": ["GetKeyPolicy", "DescribeKey"]}],
        }));
        assert_eq!((answer.decision.word(), answer.blamed), expected, "{id}: {answer:?}");
    }
}

#[test]
fn a_resource_in_a_trust_policy_must_match() {
    // iam:§1.2 does not let it be saved; stored, it is a resource like any other (iam:M-21, iam:G-71).
    let role = "arn:aws:iam::111111111111:role/R";
    for (resource, expected) in [
        (json!(role), "allow"),
        (json!("*"), "allow"),
        (json!("arn:aws:s3:::data"), "implicit_deny"),
        (json!([]), "implicit_deny"),
    ] {
        let answer = ask(&json!({
            "request": {"principal": USER, "action": "sts:AssumeRole", "resource": role},
            "policies": {"resource": {"Statement": [
                {"Effect": "Allow", "Principal": {"AWS": USER}, "Action": "sts:AssumeRole", "Resource": resource}]}},
        }));
        assert_eq!(answer.decision.word(), expected, "{resource}");
    }
}

#[test]
fn an_empty_not_principal_never_applies() {
    // H2-E8, H2-M8, iam:G-71.
    for (effect, expected) in [("Deny", "allow"), ("Allow", "implicit_deny")] {
        let mut policies = if effect == "Deny" {
            allow_if(json!({}))
        } else {
            json!({})
        };
        policies["resource"] =
            json!({"Statement": [{"Effect": effect, "NotPrincipal": {}, "Action": "*", "Resource": "*"}]});
        assert_eq!(get(USER, json!({}), policies).decision.word(), expected, "{effect}");
    }
}
