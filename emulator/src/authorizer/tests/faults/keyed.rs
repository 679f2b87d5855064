//! Rows of the faults in what key policies and matching grants mean to a decision.

use super::{Row, row};
use crate::authorizer::tests::*;

const DECRYPT: &str = r#"{"Effect":"Allow","Action":"kms:Decrypt","Resource":"*"}"#;
const DENY_DECRYPT: &str = r#"{"Effect":"Deny","Action":"kms:Decrypt","Resource":"*"}"#;
const FOREIGN: &str = "arn:aws:iam::222222222222:user/b";

fn statement(effect: &str, who: &str, action: &str) -> String {
    let who = principal(who);
    format!(r#"{{"Effect":"{effect}","Principal":{who},"Action":"{action}","Resource":"*"}}"#)
}

/// A key whose policy allows `action` to `who`.
fn on_key(caller: Caller, who: &str, action: &str) -> Case {
    case("on key", caller)
        .key()
        .resource_policy(&[&statement("Allow", who, action)])
}

pub(super) const ROWS: &[Row] = &[
    row(
        "key policies",
        "delegation-as-direct-allow",
        || on_key(user(), "A:root", "kms:*"),
        "ID(IDP)",
        "ALLOW",
    ),
    row(
        "key policies",
        "cross-account-key-policy-suffices",
        || on_key(user_of(B, FOREIGN), FOREIGN, "kms:*"),
        "ID(IDP)",
        "ALLOW",
    ),
    row(
        "key policies",
        "key-policy-optional",
        || on_key(user(), "R", "kms:*").identity(&[DECRYPT]),
        "ID(RBP)",
        "ALLOW",
    ),
    row(
        "key policies",
        "key-policy-allow-needs-identity",
        || on_key(user(), "u", "kms:*"),
        "ALLOW",
        "ID(IDP)",
    ),
    row(
        "key policies",
        "delegation-ignores-action",
        || on_key(user(), "A:root", "kms:Encrypt").identity(&[DECRYPT]),
        "ID(RBP)",
        "ALLOW",
    ),
    row(
        "key policies",
        "other-account-delegates",
        || on_key(user(), "B:root", "kms:*").identity(&[DECRYPT]),
        "ID(RBP)",
        "ALLOW",
    ),
    row(
        "grants",
        "key-policy-deny-ignored-for-grants",
        || {
            case("K-11", user())
                .key()
                .resource_policy(&[&statement("Deny", "*", "kms:*")])
                .grant(GranteeMatch::User)
        },
        "XD(RBP)",
        "GRANT",
    ),
    row(
        "grants",
        "grant-needs-key-policy",
        || on_key(user(), "R", "kms:*").grant(GranteeMatch::User),
        "GRANT",
        "ID(RBP)",
    ),
    row(
        "grants",
        "grant-escapes-service-control",
        || on_key(user(), "R", "kms:*").scp(&[SILENT]).grant(GranteeMatch::User),
        "ID(SCP)",
        "GRANT",
    ),
    row(
        "grants",
        "grant-beats-identity-deny",
        || {
            on_key(user(), "R", "kms:*")
                .identity(&[DENY_DECRYPT])
                .grant(GranteeMatch::User)
        },
        "XD(IDP)",
        "GRANT",
    ),
    row(
        "grants",
        "foreign-grantee-needs-identity",
        || on_key(user_of(B, FOREIGN), "R", "kms:*").grant(GranteeMatch::User),
        "GRANT",
        "ID(RBP)",
    ),
];
