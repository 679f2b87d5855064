//! Rows of the faults in whom a principal names.

use super::{Row, row};
use crate::authorizer::tests::*;

const PATHED: &str = "arn:aws:iam::111111111111:role/p/R";

/// A bucket policy that allows by `principal`, asked by `caller`.
fn allowed_to(caller: Caller, principal: &str) -> Case {
    case("allowed to", caller).resource_policy(&[&to("Allow", principal, "")])
}

fn denied_but(list: &str) -> String {
    format!(r#"{{"Effect":"Deny","NotPrincipal":{{"AWS":[{list}]}},"Action":"s3:*","Resource":"arn:aws:s3:::b/*"}}"#)
}

pub(super) const ROWS: &[Row] = &[
    row(
        "principals",
        "role-principal-misses-sessions",
        || allowed_to(session(), "R"),
        "ALLOW",
        "ID(IDP)",
    ),
    row(
        "principals",
        "role-path-ignored",
        || allowed_to(session_of(PATHED, "s", ROLE_ID), "R"),
        "ID(IDP)",
        "ALLOW",
    ),
    row(
        "principals",
        "account-principal-means-root",
        || {
            case("P-31", user_of(B, "arn:aws:iam::222222222222:user/b"))
                .identity(&[GET])
                .resource_policy(&[&to("Allow", "B:root", "")])
        },
        "ALLOW",
        "ID(RBP)",
    ),
    row(
        "principals",
        "account-deny-spares-root",
        || case("P-32", root()).resource_policy(&[&to("Deny", "A:root", "")]),
        "XD(RBP)",
        "ALLOW",
    ),
    row(
        "principals",
        "not-principal-ignored",
        || {
            case("P-52", user())
                .identity(&[GET])
                .resource_policy(&[&denied_but(r#""arn:aws:iam::111111111111:user/v""#)])
        },
        "XD(RBP)",
        "ALLOW",
    ),
    row(
        "principals",
        "not-principal-spares-boundary-holders",
        || {
            case("P-53", user())
                .identity(&[GET])
                .boundary(&[ALLOW_ALL])
                .resource_policy(&[&denied_but(&format!("\"{USER_ARN}\",\"{A}\""))])
        },
        "XD(RBP)",
        "ALLOW",
    ),
    row(
        "principals",
        "partial-principal-wildcards",
        || allowed_to(user(), "arn:aws:iam::111111111111:user/*"),
        "ID(IDP)",
        "ALLOW",
    ),
    row(
        "principals",
        "other-principal-kinds-mean-everybody",
        || allowed_to(user(), r#"{"Federated":"www.amazon.com"}"#),
        "ID(IDP)",
        "ALLOW",
    ),
    row(
        "principals",
        "service-principal-matches-role-name",
        || {
            let named = "arn:aws:iam::111111111111:role/x.amazonaws.com";
            allowed_to(session_of(named, "s", ROLE_ID), "x.amazonaws.com")
        },
        "ID(IDP)",
        "ALLOW",
    ),
    row(
        "principals",
        "service-region-ignored",
        || allowed_to(service("s3.ap-east-1.amazonaws.com"), "s3.amazonaws.com"),
        "ID(RBP)",
        "ALLOW",
    ),
];
