//! The rows of `iam:§8` and `iam:§12` that the other tables leave out, and the list of all rows: a row without a
//! test fails the build. Rows that other crates' tests of the emulator decide are named with their file.

use super::*;
use crate::authorizer::evaluator::evaluate_form;
use crate::organization::{Organization, OrganizationInput};

/// Families of rows and the ranges of their numbers.
const ROWS: &[(&str, &[(u16, u16)])] = &[
    ("T", &[(1, 28), (30, 130)]),
    ("CV", &[(1, 27), (30, 47), (50, 58), (60, 67), (70, 81), (90, 105)]),
    ("AG", &[(1, 9)]),
    ("RG", &[(1, 13)]),
    ("VV", &[(1, 17)]),
    ("SV", &[(1, 26)]),
];

/// Where the rows are tested. A row counts where its id is written in a text: `"CV-11 CV-12"`, `"SV-22 T-126"`.
const TABLES: &[&str] = &[
    include_str!("condition_switches.rs"),
    include_str!("conditions.rs"),
    include_str!("every_row.rs"),
    include_str!("key_policies.rs"),
    include_str!("messages.rs"),
    include_str!("micro_cases.rs"),
    include_str!("patterns.rs"),
    include_str!("principals.rs"),
    include_str!("saving.rs"),
    include_str!("trust_and_endpoints.rs"),
    // Quotas need a store: SV-23 and SV-26 are asked of the API.
    include_str!("../../../tests/core/limits.rs"),
];

/// Whether some text of the tables names the row.
fn is_tested(id: &str) -> bool {
    TABLES.iter().any(|table| {
        table.lines().any(|line| {
            let is_comment = line.trim_start().starts_with("//");
            !is_comment
                && line
                    .split('"')
                    .skip(1)
                    .step_by(2)
                    .any(|text| text.split([' ', ':']).any(|word| word == id))
        })
    })
}

#[test]
fn every_row_of_the_specification_is_tested() {
    let mut missing = Vec::new();
    let mut rows = 0;
    for (family, ranges) in ROWS {
        let digits = if *family == "T" { 3 } else { 2 };
        for number in ranges.iter().flat_map(|(first, last)| *first..=*last) {
            rows += 1;
            let id = format!("{family}-{number:0digits$}");
            if !is_tested(&id) {
                missing.push(id);
            }
        }
    }
    assert_eq!(rows, 284, "the number of rows in the two chapters");
    assert!(missing.is_empty(), "rows without a test: {missing:?}");
    let no_such_row = format!("T-{}", 29);
    assert!(!is_tested(&no_such_row));
}

#[test]
fn sessions_of_users_are_the_user() {
    // GetSessionToken makes no other principal (L-79); the token shows in the context only.
    let temporary = |id| case(id, user()).with("aws:TokenIssueTime", "2026-01-01T00:00:00Z");
    temporary("T-024").identity(&[GET]).expect("ALLOW");
    temporary("T-025")
        .resource_policy(&[&to("Allow", "u", "")])
        .expect("ALLOW");
}

/// An organization with management account 999999999999 and one member.
fn organization(member: &str, scp: &str, rcp: &str) -> Organization {
    let attached = |statement: &str| match statement {
        "" => serde_json::json!([]),
        _ => serde_json::json!([{"name": "p", "document": text_of(&[statement])}]),
    };
    let input: OrganizationInput = serde_json::from_value(serde_json::json!({
        "id": "o-abcdef",
        "management_account": "999999999999",
        "root": {"scp": attached(scp), "rcp": attached(rcp), "accounts": [member]},
    }))
    .expect("the form is right");
    Organization::build(&input, Settings::CURRENT).expect("the policies are right")
}

#[test]
fn organizations_bind_their_own_side_only() {
    let deny_s3 = r#"{"Effect":"Deny","Action":"s3:*","Resource":"*"}"#;
    let deny_s3_of_all = r#"{"Effect":"Deny","Principal":"*","Action":"s3:*","Resource":"*"}"#;
    // SCPs are those of the caller's account, RCPs those of the owner's (L-44), none in the management account (L-49).
    let under = |id, caller: Caller, owner: &str, organization: &Organization| {
        let mut case = case(id, caller)
            .identity(&[GET])
            .resource_policy(&[&to("Allow", "*", "")]);
        case.owner = account(owner);
        let own = case.caller.account().cloned();
        case.sets.service_control = own.map_or_else(Vec::new, |own| organization.service_control_levels(&own));
        case.sets.resource_control = organization.resource_control_levels(&case.owner);
        case
    };
    let of_b = organization(B, deny_s3, "");
    under("T-038", user(), B, &of_b).expect("ALLOW");
    let of_a = organization(A, "", deny_s3_of_all);
    under("T-041", user(), B, &of_a).expect("ALLOW");
    under("T-041 own", user(), A, &of_a).expect("XD(RCP)");
    let deny_all = organization(A, r#"{"Effect":"Deny","Action":"*","Resource":"*"}"#, deny_s3_of_all);
    let manager = user_of("999999999999", "arn:aws:iam::999999999999:user/m");
    under("T-044", manager.clone(), "999999999999", &deny_all).expect("ALLOW");
    under("T-044 member", user(), "999999999999", &deny_all).expect("XD(SCP)");
    under("T-050", manager.clone(), "999999999999", &deny_all).expect("ALLOW");
    under("T-050 member's", manager, A, &deny_all).expect("XD(RCP)");
}

#[test]
fn services_without_an_organization_id_are_hit() {
    let outsiders = r#"{"Effect":"Deny","Principal":"*","Action":"s3:*","Resource":"*",
        "Condition":{"StringNotEqualsIfExists":{"aws:PrincipalOrgID":"o-1"}}}"#;
    case("T-049", service("cloudtrail.amazonaws.com"))
        .resource_policy(&[&to("Allow", "cloudtrail.amazonaws.com", "")])
        .rcp(&[outsiders])
        .expect("XD(RCP)");
}

#[test]
fn arns_are_compared_field_by_field() {
    let from = to(
        "Allow",
        "x.amazonaws.com",
        r#","Condition":{"ArnLike":{"aws:SourceArn":"arn:aws:x:*:1:f/*"}}"#,
    );
    let named = |value: &str| {
        case("T-078", service("x.amazonaws.com"))
            .resource_policy(&[&from])
            .with("aws:SourceArn", value)
    };
    named("arn:aws:x:us-east-2:9:store/abc:1:f/d").expect("ID(RBP)");
    named("arn:aws:x:us-east-2:1:f/d").expect("ALLOW");
}

#[test]
fn sts_has_rules_of_its_own() {
    // T-105: who may assume may not tag for that reason; both sides are silent.
    case("T-105", user())
        .assume_role()
        .resource_policy(&[r#"{"Effect":"Allow","Principal":{"AWS":"111111111111"},"Action":"sts:AssumeRole"}"#])
        .asks("sts:TagSession", "arn:aws:iam::111111111111:role/T")
        .identity(&[r#"{"Effect":"Allow","Action":"sts:*","Resource":"*"}"#])
        .expect("ID(trust)");
    let form = serde_json::json!({
        "request": {"principal": USER_ARN, "action": "sts:GetCallerIdentity", "resource": "*"},
        "policies": {"identity": [{"Version": "2012-10-17", "Statement": [
            {"Effect": "Deny", "Action": "sts:GetCallerIdentity", "Resource": "*"}]}]},
    });
    let answers = evaluate_form(&form, &Settings::default()).expect("the form is right");
    assert_eq!(answers[0].decision.word(), "allow", "T-106");
}

#[test]
fn forwarded_calls_are_pairs_of_their_own() {
    let key_policy = to("Allow", "A:root", "")
        .replace("s3:GetObject", "kms:*")
        .replace("arn:aws:s3:::b/*", "*");
    let hop = |id| {
        case(id, session())
            .key()
            .resource_policy(&[&key_policy])
            .with("aws:ViaAWSService", "true")
    };
    hop("T-113").identity(&[GET]).expect("ID(IDP)");
    let decrypt = r#"{"Effect":"Allow","Action":"kms:Decrypt","Resource":"*"}"#;
    hop("T-113 allowed").identity(&[GET, decrypt]).expect("ALLOW");
}

#[test]
fn policies_that_are_refused_when_saved() {
    let rules = SaveRules {
        as_of: Settings::CURRENT,
        principals: &NoPrincipals,
    };
    let trust = |principal: &str, more: &str| {
        text_of(&[&format!(
            r#"{{"Effect":"Allow","Principal":{principal},"Action":"sts:AssumeRole"{more}}}"#
        )])
    };
    let account = principal("A:root");
    let star_action = r#"{"Effect":"Deny","Principal":"*","Action":"*","Resource":"*"}"#;
    let short_arn = r#"{"Effect":"Allow","Action":"*","Resource":"arn:aws:sqs"}"#;
    for (id, kind, text, expected) in [
        (
            "T-123",
            PolicyKind::Trust,
            trust(&account, r#","Resource":"*""#),
            Some("Has prohibited field Resource"),
        ),
        (
            "T-124",
            PolicyKind::Trust,
            trust(r#"{"AWS":"arn:aws:iam::111111111111:role/Dev*"}"#, ""),
            Some("Invalid principal in policy: \"AWS\":\"arn:aws:iam::111111111111:role/Dev*\""),
        ),
        ("T-125", PolicyKind::ResourceControl, text_of(&[star_action]), None),
        ("T-126", PolicyKind::Session, text_of(&[short_arn]), None),
    ] {
        let error = Policy::save(kind, &text, &rules).expect_err(id);
        assert!(
            expected.is_none_or(|expected| error.message == expected),
            "{id}: {error}"
        );
    }
    let saved = Policy::save(PolicyKind::Trust, &trust(&account, ""), &rules);
    assert!(saved.is_ok(), "{saved:?}");
}

#[test]
fn condition_rows_with_two_sides() {
    let holds = |condition: &str, present: Option<&str>| {
        let mut case = case("CV", user()).identity(&[&get_if("Allow", condition)]);
        if let Some(text) = present {
            case = case.with("k", text);
        }
        case.verdict().is_allowed()
    };
    for (id, condition, present, expected) in [
        (
            "CV-02",
            r#"{"StringEquals":{"k":"iamuser-admin"}}"#,
            Some("IAMuser-admin"),
            false,
        ),
        ("CV-03", r#"{"StringEquals":{"k":"iamuser-admin"}}"#, None, false),
        ("CV-06", r#"{"StringNotEquals":{"k":["a","b"]}}"#, Some("c"), true),
        ("CV-07", r#"{"StringNotEquals":{"k":["a","b"]}}"#, None, true),
        ("CV-12", r#"{"StringEquals":{"k":"a*"}}"#, Some("a*"), true),
        ("CV-14", r#"{"StringLike":{"k":"a*"}}"#, Some("Abc"), false),
        (
            "CV-98",
            r#"{"ForAllValues:StringEquals":{"k":"a"},"Null":{"k":"false"}}"#,
            None,
            false,
        ),
        (
            "CV-98",
            r#"{"ForAllValues:StringEquals":{"k":"a"},"Null":{"k":"false"}}"#,
            Some("a"),
            true,
        ),
    ] {
        assert_eq!(holds(condition, present), expected, "{id}");
    }
}
