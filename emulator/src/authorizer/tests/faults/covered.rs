//! Rows of the faults in which actions and resources a statement covers, policy variables included.

use super::{Row, row};
use crate::authorizer::tests::*;

/// An identity policy that allows on `resource`, asked for `wanted`.
fn on(resource: &str, wanted: &str) -> Case {
    let statement = format!(r#"{{"Effect":"Allow","Action":"s3:*","Resource":"{resource}"}}"#);
    case("on", user())
        .identity(&[&statement])
        .asks("s3:GetObject", wanted)
        .with("aws:PrincipalTag/t", "x")
}

fn element(effect: &str, element: &str, value: &str) -> String {
    let other = if element.ends_with("Action") {
        r#""Resource":"*""#
    } else {
        r#""Action":"s3:*""#
    };
    format!(r#"{{"Effect":"{effect}","{element}":"{value}",{other}}}"#)
}

/// A policy of the old version, which has no variables.
fn old_version(resource: &str) -> Case {
    let text = format!(
        r#"{{"Version":"2008-10-17","Statement":[{{"Effect":"Allow","Action":"s3:*","Resource":"{resource}"}}]}}"#
    );
    let policy = Policy::stored(PolicyKind::IdentityInline, &text);
    let mut case = case("V-15", user());
    case.sets.identity.push(AttachedPolicy::inline(Arc::new(policy)));
    case
}

pub(super) const ROWS: &[Row] = &[
    row(
        "actions",
        "action-prefix-suffices",
        || {
            case("K-23", user())
                .identity(&[&element("Allow", "Action", "s3:GetObject")])
                .asks("s3:GetObjectTagging", "arn:aws:s3:::b/k")
        },
        "ID(IDP)",
        "ALLOW",
    ),
    row(
        "actions",
        "not-action-ignored",
        || case("M-03", user()).identity(&[&element("Allow", "NotAction", "s3:*")]),
        "ID(IDP)",
        "ALLOW",
    ),
    row(
        "resources",
        "not-resource-ignored",
        || case("M-27", user()).identity(&[&element("Allow", "NotResource", "arn:aws:s3:::b/*")]),
        "ID(IDP)",
        "ALLOW",
    ),
    row(
        "resources",
        "not-resource-deny-misses",
        || case("M-27", user()).identity(&[GET, &element("Deny", "NotResource", "arn:aws:s3:::other/*")]),
        "XD(IDP)",
        "ALLOW",
    ),
    row(
        "resources",
        "any-resource-covers-none",
        || on("arn:aws:s3:::b/*", "*").asks("s3:ListAllMyBuckets", "*"),
        "ID(IDP)",
        "ALLOW",
    ),
    row(
        "resources",
        "resource-star-crosses-colons",
        || {
            let statement = r#"{"Effect":"Allow","Action":"*","Resource":"arn:aws:kms:us-east-1:*/k"}"#;
            let key = "arn:aws:kms:us-east-1:111111111111:key/k";
            case("M-22", user()).identity(&[statement]).asks("kms:Decrypt", key)
        },
        "ID(IDP)",
        "ALLOW",
    ),
    row(
        "resources",
        "resource-star-stops-at-colon",
        || on("arn:aws:s3:::b/*", "arn:aws:s3:::b/a:b"),
        "ALLOW",
        "ID(IDP)",
    ),
    row(
        "resources",
        "question-mark-matches-nothing",
        || on("arn:aws:s3:::b/k?", "arn:aws:s3:::b/k"),
        "ID(IDP)",
        "ALLOW",
    ),
    row(
        "resources",
        "dot-matches-anything",
        || on("arn:aws:s3:::b/a.b", "arn:aws:s3:::b/axb"),
        "ID(IDP)",
        "ALLOW",
    ),
    row(
        "resources",
        "resource-case-ignored",
        || on("arn:aws:s3:::b/K", "arn:aws:s3:::b/k"),
        "ID(IDP)",
        "ALLOW",
    ),
    row(
        "resources",
        "bucket-pattern-covers-objects",
        || on("arn:aws:s3:::b", "arn:aws:s3:::b/k"),
        "ID(IDP)",
        "ALLOW",
    ),
    row(
        "resources",
        "statement-without-resource-counts",
        || {
            let statement = r#"{"Effect":"Allow","Principal":{"AWS":"arn:aws:iam::111111111111:user/u"},"Action":"*"}"#;
            case("K-14", user()).key().resource_policy(&[statement])
        },
        "ID(RBP)",
        "ALLOW",
    ),
    row(
        "variables",
        "resource-variables-literal",
        || on("arn:aws:s3:::b/${aws:username}", "arn:aws:s3:::b/u"),
        "ALLOW",
        "ID(IDP)",
    ),
    row(
        "variables",
        "condition-variables-literal",
        || {
            let own = get_if("Allow", r#"{"StringEquals":{"s3:prefix":"${aws:username}"}}"#);
            case("V-02", user()).identity(&[&own]).with("s3:prefix", "u")
        },
        "ALLOW",
        "ID(IDP)",
    ),
    row(
        "variables",
        "variable-default-ignored",
        || on("arn:aws:s3:::b/${aws:PrincipalTag/none, 'd'}", "arn:aws:s3:::b/d"),
        "ALLOW",
        "ID(IDP)",
    ),
    row(
        "variables",
        "variables-in-old-version",
        || old_version("arn:aws:s3:::b/${aws:username}").asks("s3:GetObject", "arn:aws:s3:::b/u"),
        "ID(IDP)",
        "ALLOW",
    ),
    row(
        "variables",
        "escaped-wildcard-active",
        || on("arn:aws:s3:::b/${*}", "arn:aws:s3:::b/k"),
        "ID(IDP)",
        "ALLOW",
    ),
];
