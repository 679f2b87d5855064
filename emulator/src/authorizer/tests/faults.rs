//! The seeded faults that live in the authorizer: each breaks its rule, and nothing else that is asked here. One
//! row a fault: the family of rules, the fault, a question, the right and the wrong answer.

mod compared;
mod covered;
mod forms;
mod keyed;
mod layered;
mod named;

use super::*;
use crate::fault::{FAULTS, Tier};

/// All rows.
const TABLES: &[&[Row]] = &[
    ROWS,
    named::ROWS,
    covered::ROWS,
    compared::ROWS,
    layered::ROWS,
    keyed::ROWS,
];

fn rows() -> impl Iterator<Item = &'static Row> {
    TABLES.iter().copied().flatten()
}

struct Row {
    family: &'static str,
    fault: &'static str,
    question: fn() -> Case,
    right: &'static str,
    wrong: &'static str,
}

const fn row(
    family: &'static str,
    fault: &'static str,
    question: fn() -> Case,
    right: &'static str,
    wrong: &'static str,
) -> Row {
    Row {
        family,
        fault,
        question,
        right,
        wrong,
    }
}

/// Every family of rules the authorizer knows.
const FAMILIES: &[&str] = &[
    "principals",
    "actions",
    "resources",
    "string operators",
    "numeric operators",
    "date operators",
    "bool operator",
    "binary operator",
    "address operators",
    "arn operators",
    "null operator",
    "negated operators",
    "if exists",
    "for all values",
    "for any value",
    "variables",
    "global keys",
    "identity",
    "root",
    "boundary",
    "session",
    "service control",
    "resource control",
    "endpoint",
    "trust",
    "cross account",
    "blame",
    "key policies",
    "grants",
];

const LINKED: &str = "arn:aws:iam::111111111111:role/aws-service-role/x.amazonaws.com/AWSServiceRoleForX";

fn allowed_if(condition: &str) -> Case {
    case("allowed if", user()).identity(&[&get_if("Allow", condition)])
}

fn denied_if(condition: &str) -> Case {
    case("denied if", user()).identity(&[GET, &get_if("Deny", condition)])
}

const ROWS: &[Row] = &[
    row(
        "principals",
        "user-principal-ignores-case",
        || case("P-18", user()).resource_policy(&[&to("Allow", "arn:aws:iam::111111111111:user/U", "")]),
        "ID(IDP)",
        "ALLOW",
    ),
    row(
        "principals",
        "session-principal-matches-role",
        || case("P-06", session_of(ROLE_ARN, "t", ROLE_ID)).resource_policy(&[&to("Allow", "R/s", "")]),
        "ID(IDP)",
        "ALLOW",
    ),
    row(
        "principals",
        "aws-star-misses-anonymous",
        || case("P-02", Caller::Anonymous).resource_policy(&[&to("Allow", r#"{"AWS":"*"}"#, "")]),
        "ALLOW",
        "ID(RBP)",
    ),
    row(
        "principals",
        "account-principal-in-deny-misses",
        || case("P-32", user()).resource_policy(&[&to("Deny", "A:root", ""), &to("Allow", "u", "")]),
        "XD(RBP)",
        "ALLOW",
    ),
    row(
        "actions",
        "action-case-counts",
        || case("M-01", user()).identity(&[r#"{"Effect":"Allow","Action":"s3:getobject","Resource":"*"}"#]),
        "ALLOW",
        "ID(IDP)",
    ),
    row(
        "actions",
        "not-action-first-entry-only",
        || case("M-03", user()).identity(&[r#"{"Effect":"Allow","NotAction":["iam:*","s3:*"],"Resource":"*"}"#]),
        "ID(IDP)",
        "ALLOW",
    ),
    row(
        "resources",
        "resource-star-stops-at-slash",
        || {
            case("M-22", user())
                .identity(&[GET])
                .asks("s3:GetObject", "arn:aws:s3:::b/x/y")
        },
        "ALLOW",
        "ID(IDP)",
    ),
    row(
        "string operators",
        "string-equals-ignores-case",
        || allowed_if(r#"{"StringEquals":{"aws:username":"U"}}"#),
        "ID(IDP)",
        "ALLOW",
    ),
    row(
        "string operators",
        "string-like-question-mark-literal",
        || allowed_if(r#"{"StringLike":{"aws:username":"?"}}"#),
        "ALLOW",
        "ID(IDP)",
    ),
    row(
        "numeric operators",
        "numbers-compared-as-text",
        || allowed_if(r#"{"NumericLessThan":{"s3:max-keys":"10"}}"#).with("s3:max-keys", "9"),
        "ALLOW",
        "ID(IDP)",
    ),
    row(
        "date operators",
        "date-less-than-inclusive",
        || {
            allowed_if(r#"{"DateLessThan":{"aws:CurrentTime":"2026-01-01T00:00:00Z"}}"#)
                .with("aws:CurrentTime", "2026-01-01T00:00:00Z")
        },
        "ID(IDP)",
        "ALLOW",
    ),
    row(
        "bool operator",
        "absent-bool-is-false",
        || denied_if(r#"{"Bool":{"aws:MultiFactorAuthPresent":"false"}}"#),
        "ALLOW",
        "XD(IDP)",
    ),
    row(
        "binary operator",
        "binary-compared-as-text",
        || allowed_if(r#"{"BinaryEquals":{"x:bytes":"QQ=="}}"#).with("x:bytes", "QQ=="),
        "ALLOW",
        "ID(IDP)",
    ),
    row(
        "address operators",
        "address-prefix-ignored",
        || allowed_if(r#"{"IpAddress":{"aws:SourceIp":"10.0.0.0/8"}}"#).with("aws:SourceIp", "10.1.2.3"),
        "ALLOW",
        "ID(IDP)",
    ),
    row(
        "arn operators",
        "arn-compared-as-whole-text",
        || {
            allowed_if(r#"{"ArnLike":{"aws:SourceArn":"arn:aws:x:*:1:f/*"}}"#)
                .with("aws:SourceArn", "arn:aws:x:us-east-2:9:store/abc:1:f/d")
        },
        "ID(IDP)",
        "ALLOW",
    ),
    row(
        "null operator",
        "null-sees-empty-list",
        || allowed_if(r#"{"Null":{"aws:TagKeys":"true"}}"#).with_many("aws:TagKeys", &[]),
        "ALLOW",
        "ID(IDP)",
    ),
    row(
        "negated operators",
        "negated-list-any",
        || denied_if(r#"{"StringNotEquals":{"aws:username":["u","v"]}}"#),
        "ALLOW",
        "XD(IDP)",
    ),
    row(
        "negated operators",
        "absent-key-negated-false",
        || denied_if(r#"{"StringNotEquals":{"aws:PrincipalTag/t":"x"}}"#),
        "XD(IDP)",
        "ALLOW",
    ),
    row(
        "if exists",
        "if-exists-ignored",
        || denied_if(r#"{"BoolIfExists":{"aws:MultiFactorAuthPresent":"false"}}"#),
        "XD(IDP)",
        "ALLOW",
    ),
    row(
        "if exists",
        "if-exists-always-holds",
        || denied_if(r#"{"StringEqualsIfExists":{"aws:username":"v"}}"#),
        "ALLOW",
        "XD(IDP)",
    ),
    row(
        "for all values",
        "for-all-values-needs-a-value",
        || allowed_if(r#"{"ForAllValues:StringEquals":{"aws:TagKeys":"a"}}"#),
        "ALLOW",
        "ID(IDP)",
    ),
    row(
        "for any value",
        "for-any-value-as-all",
        || allowed_if(r#"{"ForAnyValue:StringEquals":{"aws:TagKeys":"a"}}"#).with_many("aws:TagKeys", &["a", "b"]),
        "ALLOW",
        "ID(IDP)",
    ),
    row(
        "variables",
        "unresolved-variable-is-empty",
        || {
            let own = r#"{"Effect":"Allow","Action":"s3:*","Resource":"arn:aws:s3:::b/${aws:username}*"}"#;
            case("V-10", session()).identity(&[own])
        },
        "ID(IDP)",
        "ALLOW",
    ),
    row(
        "variables",
        "substituted-wildcards-active",
        || {
            let tagged = r#"{"Effect":"Allow","Action":"s3:*","Resource":"arn:aws:s3:::b/${aws:PrincipalTag/t}"}"#;
            case("V-12", user()).identity(&[tagged]).with("aws:PrincipalTag/t", "*")
        },
        "ID(IDP)",
        "ALLOW",
    ),
    row(
        "global keys",
        "session-arn-as-principal-arn",
        || {
            let role = get_if("Allow", r#"{"ArnLike":{"aws:PrincipalArn":"arn:aws:iam::*:role/R"}}"#);
            case("K-95", session()).identity(&[&role])
        },
        "ALLOW",
        "ID(IDP)",
    ),
    row(
        "global keys",
        "via-aws-service-always-false",
        || allowed_if(r#"{"Bool":{"aws:ViaAWSService":"true"}}"#).with("aws:ViaAWSService", "true"),
        "ALLOW",
        "ID(IDP)",
    ),
    row(
        "identity",
        "identity-deny-ignored",
        || denied_if("{}"),
        "XD(IDP)",
        "ALLOW",
    ),
    row(
        "root",
        "root-needs-identity-policy",
        || case("L-60", root()),
        "ALLOW",
        "ID(IDP)",
    ),
    row(
        "boundary",
        "boundary-grants",
        || case("L-85", user()).boundary(&[GET]),
        "ID(IDP)",
        "ALLOW",
    ),
    row(
        "boundary",
        "boundary-skipped",
        || case("L-13", user()).identity(&[GET]).boundary(&[SILENT]),
        "ID(PB)",
        "ALLOW",
    ),
    row(
        "session",
        "federated-user-needs-no-session-policy",
        || case("L-77", federated()).identity(&[GET]),
        "ID(SP)",
        "ALLOW",
    ),
    row(
        "session",
        "session-policy-skipped",
        || case("L-76", session()).identity(&[GET]).session_policy(&[SILENT]),
        "ID(SP)",
        "ALLOW",
    ),
    row(
        "service control",
        "service-control-last-level-only",
        || case("L-03", user()).identity(&[GET]).scp(&[SILENT]).scp(&[ALLOW_ALL]),
        "ID(SCP)",
        "ALLOW",
    ),
    row(
        "service control",
        "service-linked-role-bound",
        || {
            case("L-48", session_of(LINKED, "s", ROLE_ID))
                .identity(&[GET])
                .scp(&[SILENT])
        },
        "ALLOW",
        "ID(SCP)",
    ),
    row(
        "resource control",
        "resource-control-spares-own-account",
        || {
            let deny = r#"{"Effect":"Deny","Principal":"*","Action":"s3:*","Resource":"*"}"#;
            case("L-11", user()).identity(&[GET]).rcp(&[deny])
        },
        "XD(RCP)",
        "ALLOW",
    ),
    row(
        "endpoint",
        "endpoint-policy-skipped",
        || {
            let puts = r#"{"Effect":"Allow","Principal":"*","Action":"s3:PutObject","Resource":"*"}"#;
            case("L-14", user()).identity(&[GET]).endpoint(false, &[puts])
        },
        "ID(VPCEP)",
        "ALLOW",
    ),
    row(
        "trust",
        "trust-policy-optional",
        || {
            let lambda =
                r#"{"Effect":"Allow","Principal":{"Service":"lambda.amazonaws.com"},"Action":"sts:AssumeRole"}"#;
            case("L-41", user())
                .assume_role()
                .identity(&[ALLOW_ALL])
                .resource_policy(&[lambda])
        },
        "ID(trust)",
        "ALLOW",
    ),
    row(
        "cross account",
        "cross-account-identity-suffices",
        || case("L-42", user()).owned_by_b().identity(&[GET]),
        "ID(RBP)",
        "ALLOW",
    ),
    row(
        "blame",
        "blames-identity-always",
        || case("R-07", user()).identity(&[GET]).boundary(&[SILENT]),
        "ID(PB)",
        "ID(IDP)",
    ),
];

#[test]
fn each_fault_breaks_its_rule_and_no_other_row() {
    let all = rows().count();
    for row in rows() {
        (row.question)().expect(row.right);
        (row.question)().fault(row.fault).expect(row.wrong);
        let turned: Vec<&str> = rows()
            .filter(|other| {
                let question = (other.question)();
                let allowed = question.verdict().is_allowed();
                question.fault(row.fault).verdict().is_allowed() != allowed
            })
            .map(|other| other.fault)
            .collect();
        assert!(
            turned.len() <= all / 4,
            "{} turns too many decisions: {turned:?}",
            row.fault
        );
    }
}

#[test]
fn every_family_has_a_fault_and_every_fault_of_ours_a_row() {
    for family in FAMILIES {
        assert!(rows().any(|row| row.family == *family), "{family}");
    }
    for row in rows() {
        assert!(FAMILIES.contains(&row.family), "{}", row.family);
    }
    for entry in FAULTS {
        let has_row = rows().any(|row| row.fault == entry.id) || forms::ROWS.iter().any(|row| row.fault == entry.id);
        assert!(entry.tier != Tier::Authorizer || has_row, "{}", entry.id);
    }
}
