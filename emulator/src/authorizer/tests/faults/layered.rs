//! Rows of the faults in how the kinds of policies are put together.

use super::{Row, row};
use crate::authorizer::tests::*;

const DENY_GET: &str = r#"{"Effect":"Deny","Action":"s3:GetObject","Resource":"*"}"#;
const DENY_ALL_TO_ALL: &str = r#"{"Effect":"Deny","Principal":"*","Action":"s3:*","Resource":"*"}"#;
const ALLOW_ALL_TO_ALL: &str = r#"{"Effect":"Allow","Principal":"*","Action":"*","Resource":"*"}"#;
const FOREIGN: &str = "arn:aws:iam::222222222222:user/b";

fn assumed_root() -> Caller {
    Caller::Root {
        account: account(A),
        partition: "aws".to_owned(),
        assumed: true,
    }
}

/// A policy whose only statement has an operator that does not exist.
fn with_unknown_operator() -> AttachedPolicy {
    let statement = get_if("Allow", r#"{"StringMatches":{"aws:username":"v"}}"#);
    let policy = Policy::stored(PolicyKind::IdentityInline, &text_of(&[&statement]));
    AttachedPolicy::inline(Arc::new(policy))
}

pub(super) const ROWS: &[Row] = &[
    row(
        "boundary",
        "boundary-deny-ignored",
        || case("L-10", user()).identity(&[GET]).boundary(&[ALLOW_ALL, DENY_GET]),
        "XD(PB)",
        "ALLOW",
    ),
    row(
        "session",
        "session-deny-ignored",
        || {
            case("L-10", session())
                .identity(&[GET])
                .session_policy(&[ALLOW_ALL, DENY_GET])
        },
        "XD(SP)",
        "ALLOW",
    ),
    row(
        "service control",
        "service-control-deny-ignored",
        || case("L-10", user()).identity(&[GET]).scp(&[ALLOW_ALL, DENY_GET]),
        "XD(SCP)",
        "ALLOW",
    ),
    row(
        "endpoint",
        "endpoint-deny-ignored",
        || {
            case("L-10", user())
                .identity(&[GET])
                .endpoint(false, &[ALLOW_ALL_TO_ALL, DENY_ALL_TO_ALL])
        },
        "XD(VPCEP)",
        "ALLOW",
    ),
    row(
        "identity",
        "resource-deny-ignored",
        || {
            case("L-10", user())
                .identity(&[GET])
                .resource_policy(&[&to("Deny", "u", "")])
        },
        "XD(RBP)",
        "ALLOW",
    ),
    row(
        "resource control",
        "resource-control-skipped",
        || {
            case("L-11", user())
                .owned_by_b()
                .identity(&[GET])
                .resource_policy(&[&to("Allow", "u", "")])
                .rcp(&[DENY_ALL_TO_ALL])
        },
        "XD(RCP)",
        "ALLOW",
    ),
    row(
        "identity",
        "resource-allow-beats-identity-deny",
        || {
            case("L-29", user())
                .identity(&[DENY_GET])
                .resource_policy(&[&to("Allow", "u", "")])
        },
        "XD(IDP)",
        "ALLOW",
    ),
    row(
        "identity",
        "first-allow-wins",
        || case("L-04", user()).identity(&[GET, DENY_GET]),
        "XD(IDP)",
        "ALLOW",
    ),
    row(
        "identity",
        "session-needs-no-allow",
        || case("L-01", session()),
        "ID(IDP)",
        "ALLOW",
    ),
    row(
        "identity",
        "caller-without-account-allowed",
        || case("L-46", Caller::Anonymous),
        "ID(RBP)",
        "ALLOW",
    ),
    row(
        "identity",
        "unusable-policy-ignored",
        || {
            let mut case = case("E-22", user()).identity(&[GET]);
            case.sets.identity.push(with_unknown_operator());
            case
        },
        "ERROR",
        "ALLOW",
    ),
    row(
        "identity",
        "unreadable-parts-skipped",
        || {
            let mut case = case("E-22", user());
            case.sets.identity.push(with_unknown_operator());
            case
        },
        "ERROR",
        "ALLOW",
    ),
    row(
        "boundary",
        "boundary-limits-named-caller",
        || {
            case("L-20", user())
                .boundary(&[SILENT])
                .resource_policy(&[&to("Allow", "u", "")])
        },
        "ALLOW",
        "ID(PB)",
    ),
    row(
        "session",
        "session-policy-limits-named-session",
        || {
            case("L-21", session())
                .session_policy(&[SILENT])
                .resource_policy(&[&to("Allow", "R/s", "")])
        },
        "ALLOW",
        "ID(SP)",
    ),
    row(
        "boundary",
        "role-principal-escapes-limits",
        || {
            case("L-22", session())
                .boundary(&[SILENT])
                .resource_policy(&[&to("Allow", "R", "")])
        },
        "ID(PB)",
        "ALLOW",
    ),
    row(
        "session",
        "session-policy-grants",
        || case("L-76", session()).session_policy(&[GET]),
        "ID(IDP)",
        "ALLOW",
    ),
    row(
        "session",
        "session-policy-only-denies",
        || case("L-76", session()).identity(&[GET]).session_policy(&[SILENT]),
        "ID(SP)",
        "ALLOW",
    ),
    row(
        "identity",
        "account-principal-as-direct-allow",
        || case("P-30", user()).resource_policy(&[&to("Allow", "A:root", "")]),
        "ID(IDP)",
        "ALLOW",
    ),
    row(
        "identity",
        "resource-allow-needs-identity",
        || case("L-40", user()).resource_policy(&[&to("Allow", "u", "")]),
        "ALLOW",
        "ID(IDP)",
    ),
    row(
        "trust",
        "trust-policy-suffices-across-accounts",
        || {
            let trusts = format!(r#"{{"Effect":"Allow","Principal":{{"AWS":"{FOREIGN}"}},"Action":"sts:AssumeRole"}}"#);
            case("L-42", user_of(B, FOREIGN))
                .assume_role()
                .resource_policy(&[&trusts])
        },
        "ID(IDP)",
        "ALLOW",
    ),
    row(
        "endpoint",
        "endpoint-policy-grants",
        || case("L-90", user()).endpoint(false, &[ALLOW_ALL_TO_ALL]),
        "ID(IDP)",
        "ALLOW",
    ),
    row(
        "endpoint",
        "gateway-account-means-everybody",
        || {
            case("P-34", user())
                .identity(&[GET])
                .endpoint(true, &[&to("Allow", "A:root", "")])
        },
        "ID(VPCEP)",
        "ALLOW",
    ),
    row(
        "service control",
        "service-control-spares-root",
        || case("L-61", root()).scp(&[SILENT]),
        "ID(SCP)",
        "ALLOW",
    ),
    row(
        "service control",
        "service-control-spares-resource-allow",
        || {
            case("L-30", user())
                .resource_policy(&[&to("Allow", "u", "")])
                .scp(&[SILENT])
        },
        "ID(SCP)",
        "ALLOW",
    ),
    row(
        "root",
        "root-never-denied",
        || case("L-61", root()).resource_policy(&[DENY_ALL_TO_ALL]),
        "XD(RBP)",
        "ALLOW",
    ),
    row(
        "root",
        "assumed-root-unlimited",
        || case("L-62", assumed_root()).identity(&[SILENT]),
        "ID(IDP)",
        "ALLOW",
    ),
    row(
        "blame",
        "explicit-deny-told-as-implicit",
        || case("R-02", user()).identity(&[GET, DENY_GET]),
        "XD(IDP)",
        "ID(IDP)",
    ),
    row(
        "blame",
        "last-deny-blamed",
        || {
            case("R-06", user())
                .identity(&[DENY_GET])
                .resource_policy(&[DENY_ALL_TO_ALL])
        },
        "XD(IDP)",
        "XD(RBP)",
    ),
];
