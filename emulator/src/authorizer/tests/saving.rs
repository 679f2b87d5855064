//! Save-time vectors: `iam:§12.6`, the order of errata `iam:E-20`, key and bucket policies.

mod elements;
mod hostile;

use super::principals::World;
use super::*;
use jiff::civil::date;

const PREFACED: &str = "Actions/Conditions must be prefaced by a vendor, e.g., iam, sdb, ec2, etc.";
const ONE_COLON: &str = "Actions/Condition can contain only one colon.";
const VENDOR: &str = "Resource vendor must be fully qualified and cannot contain regexes.";
const LEGACY: &str = "The policy failed legacy parsing";
const SYNTAX: &str = "Syntax errors in policy.";
const ACTIONS: &str = "Policy statement must contain actions.";
const RESOURCES: &str = "Policy statement must contain resources.";
const DUPLICATE: &str = "Statement IDs (SID) in a single policy must be unique.";
const OLD: &str = "Policy document must be version 2012-10-17 or greater.";
const IAM_PATH: &str = "IAM resource path must either be \"*\" or start with user/, federated-user/, role/, group/, \
     instance-profile/, mfa/, server-certificate/, policy/, sms-mfa/, saml-provider/, oidc-provider/, report/, access-report/.";

fn save(kind: PolicyKind, text: &str) -> Result<Policy, PolicyError> {
    save_at(kind, text, Settings::CURRENT)
}

fn save_at(kind: PolicyKind, text: &str, as_of: jiff::civil::Date) -> Result<Policy, PolicyError> {
    Policy::save(
        kind,
        text,
        &SaveRules {
            as_of,
            principals: &World,
        },
    )
}

fn answer(kind: PolicyKind, text: &str) -> String {
    save(kind, text).map_or_else(|error| error.message, |_| "saved".to_owned())
}

/// A document of the current version with one statement whose members are given.
fn one(members: &str) -> String {
    text_of(&[&format!("{{{members}}}")])
}

#[test]
fn identity_policies() {
    let with_action = |action: &str| one(&format!(r#""Effect":"Allow","Action":{action},"Resource":"*""#));
    let with_resource = |resource: &str| one(&format!(r#""Effect":"Allow","Action":"*","Resource":{resource}"#));
    let with_condition = |block: &str| {
        one(&format!(
            r#""Effect":"Allow","Action":"*","Resource":"*","Condition":{block}"#
        ))
    };
    let with_more = |more: &str| one(&format!(r#""Effect":"Allow","Action":"*","Resource":"*",{more}"#));
    let two_sids = |version: &str| {
        let statement = r#"{"Sid":"A","Effect":"Allow","Action":"*","Resource":"*"}"#;
        format!(r#"{{{version}"Statement":[{statement},{statement}]}}"#)
    };
    let new = r#""Version":"2012-10-17","#;
    let table: &[(&str, String, &str)] = &[
        ("SV-01", format!("{{{new}\"Statement\":[]}}"), SYNTAX),
        ("SV-02", with_action("\"*\"").replace("2012", "2008"), OLD),
        ("SV-03", with_action("\"*\"").replace("Allow", "allow"), LEGACY),
        ("SV-04", with_action("\"*\"").replace("Allow", "Permit"), SYNTAX),
        ("SV-05", two_sids(new), DUPLICATE),
        ("SV-06", one(r#""Effect":"Allow","Resource":"*""#), ACTIONS),
        ("SV-07", with_resource("[]"), RESOURCES),
        ("SV-08", with_action("\"GetObject\""), PREFACED),
        ("SV-09", with_action("\"s3:Get:Object\""), ONE_COLON),
        (
            "SV-10",
            with_resource("\"mybucket\""),
            "Resource mybucket must be in ARN format or \"*\".",
        ),
        (
            "SV-11",
            with_resource("\"arn:aws:s3:us-east-1::b\""),
            "Resource arn:aws:s3:us-east-1::b can not contain region information.",
        ),
        (
            "SV-12",
            with_more(r#""Principal":"*""#),
            "Policy document should not specify a principal.",
        ),
        ("SV-13", with_more(r#""NotAction":[]"#), SYNTAX),
        ("SV-14", with_condition(r#"{"Foo":{"a":"1"}}"#), SYNTAX),
        ("SV-14", with_condition(r#"{"Foo":{}}"#), "saved"),
        ("SV-15", with_condition(r#"{"DateGreaterThan":{"a":"soon"}}"#), LEGACY),
        ("SV-16", with_condition(r#"{"NumericEquals":{"a":"x"}}"#), "saved"),
        (
            "SV-17",
            with_condition(r#"{"StringEquals":{"aws:NoSuchKey":"x"}}"#),
            "saved",
        ),
        ("T-121", with_action("\"*\"").replace("Allow", "deny"), LEGACY),
        ("T-122", two_sids(""), OLD),
        (
            "G-01",
            format!("{}{}", with_action("\"*\""), with_action("\"*\"")),
            SYNTAX,
        ),
        ("G-01", "[]".into(), SYNTAX),
        ("G-01", "nonsense".into(), SYNTAX),
        ("G-02", format!("{{{new}\"Statement\":\"x\"}}"), SYNTAX),
        (
            "G-02",
            format!("{{{new}\"Statement\":{{\"Effect\":\"Allow\",\"Action\":\"*\",\"Resource\":\"*\"}}}}"),
            "saved",
        ),
        ("G-04", one(r#""effect":"Allow","Action":"*","Resource":"*""#), SYNTAX),
        ("G-05", with_more(r#""Comment":"x""#), SYNTAX),
        ("G-06", with_more(r#""Effect":"Deny""#), SYNTAX),
        (
            "G-07",
            with_condition(r#"{"StringEquals":{"aws:SourceIp":"x","AWS:sourceip":"x"}}"#),
            SYNTAX,
        ),
        ("G-10", with_condition("null"), SYNTAX),
        ("errata G-10", with_resource("[\"*\",null]"), "saved"),
        ("G-10", with_resource("null"), SYNTAX),
        ("G-14", with_more(r#""NotResource":[]"#), SYNTAX),
        ("G-20", with_action("\"*\"").replace("2012-10-17", "2013-10-17"), SYNTAX),
        ("G-22", format!(r#"{{{new}"Id":"x","Statement":{GET}}}"#), "saved"),
        ("G-32", one(r#""Action":"*","Resource":"*""#), SYNTAX),
        ("G-40", with_action("\"a a:x\""), "Vendor a a is not valid"),
        ("G-40", with_action("\"\""), PREFACED),
        ("G-41", with_action("\"fsx:ListBucket\""), "saved"),
        ("G-42", with_action("\"s3:GetObject,PutObject\""), "saved"),
        ("G-52", with_resource("\"arn:aws:sqs\""), "saved"),
        ("G-60", with_condition("[]"), SYNTAX),
        (
            "G-61",
            with_condition(r#"{"ForAnyValue:StringEqualsIfExists":{"a":"1"}}"#),
            "saved",
        ),
        ("G-65", with_condition("{}"), "saved"),
        ("G-70", with_action("[]"), ACTIONS),
        (
            "E-09",
            with_resource("\"arn:aw:s3:::b\""),
            "Partition \"aw\" is not valid for resource \"arn:aw:s3:::b\".",
        ),
        (
            "E-09",
            with_resource("\"arn:aw:s3\""),
            "Partition \"aw\" is not valid for resource \"arn:aw:s3:*:*:*\".",
        ),
        ("errata G-51", with_resource("\"arn:*:s3:::b\""), "saved"),
        ("E-10", with_resource("\"arn:aws\""), VENDOR),
        ("E-10", with_resource("\"arn:aws:s*:::b\""), VENDOR),
        ("E-11", with_resource("\"arn:aws:iam::1:thing/x\""), IAM_PATH),
        (
            "E-11",
            with_resource("\"arn:aws:iam:us-east-1:1:user/x\""),
            "IAM resource arn:aws:iam:us-east-1:1:user/x cannot contain region information.",
        ),
        ("errata G-54", with_resource("\"arn:aws:iam::1:root\""), "saved"),
        ("errata G-51", with_resource("\"arn:aws:iam::1:*/x\""), "saved"),
        (
            "errata G-54",
            with_resource("\"arn:aws:s3:us-east-1:1:accesspoint/p\""),
            "saved",
        ),
        ("errata E-20", with_resource("\"arn:aws:s3::b\""), LEGACY),
        ("errata E-20", with_resource("\"arn:aws::r:1:x\""), LEGACY),
        (
            "errata E-20",
            with_resource("[\"arn:aws:s3::b\",\"mybucket\"]"),
            "Resource mybucket must be in ARN format or \"*\".",
        ),
        (
            "errata E-20 Sid",
            with_more(r#""Sid":"a b""#),
            "Statement IDs (SID) must be alpha-numeric. Check that your input satisfies the regular expression [0-9A-Za-z]*",
        ),
        (
            "errata E-20 order",
            one(r#""Effect":"Allow","Action":"GetObject","Resource":"mybucket""#),
            "Resource mybucket must be in ARN format or \"*\".",
        ),
        (
            "errata E-20 order",
            one(r#""Effect":"Allow","Action":"GetObject""#),
            PREFACED,
        ),
        ("C-20", with_condition(r#"{"stringEquals":{"a":"1"}}"#), SYNTAX),
        ("C-33", with_condition(r#"{"DateGreaterThan":{"a":"01T"}}"#), "saved"),
        (
            "C-33",
            with_condition(r#"{"ForAnyValue:DateLessThanIfExists":{"a":["2020-01-01T00:00:00+23"]}}"#),
            "saved",
        ),
    ];
    for (id, text, expected) in table {
        assert_eq!(answer(PolicyKind::IdentityManaged, text), *expected, "{id} {text}");
    }
    // Errata OQ-3: a version is asked of managed policies only.
    for text in [
        with_action("\"*\"").replace("2012", "2008"),
        with_action("\"*\"").replace(new, ""),
    ] {
        assert_eq!(answer(PolicyKind::IdentityInline, &text), "saved", "{text}");
        assert_eq!(answer(PolicyKind::Boundary, &text), OLD, "{text}");
    }
}

#[test]
fn characters_come_before_everything() {
    let kind_of = |text: &str| save(PolicyKind::IdentityManaged, text).expect_err("refused").kind;
    assert_eq!(kind_of(""), PolicyErrorKind::Characters);
    assert_eq!(kind_of("{\"Sid\":\"😀\"}"), PolicyErrorKind::Characters);
    assert_eq!(
        kind_of(&" ".repeat(MAX_POLICY_CHARACTERS + 1)),
        PolicyErrorKind::Characters
    );
    assert_eq!(kind_of(&" ".repeat(MAX_POLICY_CHARACTERS)), PolicyErrorKind::Json);
}

#[test]
fn offsets_point_at_the_culprit() {
    let text = one(r#""Effect":"Allow","Action":["s3:*","Nope"],"Resource":"*""#);
    let error = save(PolicyKind::IdentityManaged, &text).expect_err("no vendor");
    assert!(
        text[error.offset..].starts_with("\"Nope\""),
        "{}",
        &text[error.offset..]
    );
}

#[test]
fn trust_policies() {
    let trust = |members: &str| one(&format!(r#""Effect":"Allow",{members}"#));
    let who = r#""Principal":{"AWS":"111111111111"}"#;
    let act = r#""Action":"sts:AssumeRole""#;
    let invalid = |value: &str| format!("Invalid principal in policy: \"AWS\":\"{value}\"");
    let named = |value: &str| trust(&format!(r#""Principal":{{"AWS":"{value}"}},{act}"#));
    let sts_only = "AssumeRole policy may only specify STS AssumeRole actions.";
    let table: &[(&str, String, String)] = &[
        ("ok", trust(&format!("{who},{act}")), "saved".into()),
        (
            "OQ-3",
            trust(&format!("{who},{act}")).replace(r#""Version":"2012-10-17","#, ""),
            "saved".into(),
        ),
        (
            "SV-18",
            trust(&format!(r#"{who},"Action":"s3:GetObject""#)),
            sts_only.into(),
        ),
        ("SV-18", trust(&format!(r#"{who},"Action":"*""#)), sts_only.into()),
        (
            "SV-19",
            trust(&format!(r#"{who},{act},"Resource":"*""#)),
            "Has prohibited field Resource".into(),
        ),
        (
            "E-14",
            trust(&format!(r#"{who},{act},"NotResource":"*""#)),
            "AssumeRole policy must not contain resources.".into(),
        ),
        (
            "SV-20",
            trust(&format!(r#""NotPrincipal":{{"AWS":"111111111111"}},{act}"#)),
            "Allow with NotPrincipal is not allowed.".into(),
        ),
        (
            "E-18",
            trust(&format!(r#""NotPrincipal":{{"AWS":"111111111111"}},{act}"#)).replace("Allow", "Deny"),
            "AssumeRole policy must not contain NotPrincipal field.".into(),
        ),
        (
            "SV-21",
            named("arn:aws:iam::111111111111:user/ghost"),
            invalid("arn:aws:iam::111111111111:user/ghost"),
        ),
        (
            "SV-21",
            named("arn:aws:iam::111111111111:role/*"),
            invalid("arn:aws:iam::111111111111:role/*"),
        ),
        (
            "T-124",
            named("arn:aws:iam::111111111111:role/Dev*"),
            invalid("arn:aws:iam::111111111111:role/Dev*"),
        ),
        (
            "P-16",
            named("arn:aws:iam::111111111111:group/G"),
            invalid("arn:aws:iam::111111111111:group/G"),
        ),
        ("P-08", named(ROLE_ID), "saved".into()),
        ("P-08", named("AROADELETEDDELETED01"), invalid("AROADELETEDDELETED01")),
        ("P-05", named(ROLE_ARN), "saved".into()),
        ("OQ-40", named(SESSION_ARN), "saved".into()),
        (
            "P-15",
            trust(&format!(r#""Principal":{{"Service":"*"}},{act}"#)),
            "Invalid principal in policy: \"SERVICE\":\"*\"".into(),
        ),
        (
            "E-17",
            trust(&format!(r#""Principal":{{"Service":"lambda.amczonaws.com"}},{act}"#)),
            "Invalid principal in policy: \"SERVICE\":\"lambda.amczonaws.com\"".into(),
        ),
        (
            "E-17",
            trust(&format!(
                r#""Principal":{{"Service":"lambda.amazonaws.coms.com"}},{act}"#
            )),
            "Invalid principal in policy: \"SERVICE\":\"lambda.amazonaws.coms.com\"".into(),
        ),
        (
            "P-09",
            trust(&format!(r#""Principal":{{"Service":["ec2.amazonaws.com"]}},{act}"#)),
            "saved".into(),
        ),
        ("E-13", "{".into(), "This policy contains invalid Json".into()),
        ("E-16", trust(act), "Missing required field Principal".into()),
        (
            "E-16",
            trust(&format!(r#""Principal":{{"AWS":[]}},{act}"#)),
            "Missing required field Principal cannot be empty!".into(),
        ),
        ("E-16", trust(who), "Missing required field Action".into()),
        (
            "E-16",
            one(&format!("{who},{act}")),
            "Missing required field Effect".into(),
        ),
        (
            "E-16",
            trust(&format!("{who},{act}")).replace("Allow", "allow"),
            "Invalid effect: allow".into(),
        ),
        (
            "E-16",
            trust(&format!("{who},{act}")).replace("Allow", "Permit"),
            "Invalid effect: Permit".into(),
        ),
        (
            "E-19",
            trust(&format!("{who},{act}")).replace("2012", "2013"),
            "The policy must contain a valid version string".into(),
        ),
        (
            "E-19",
            r#"{"Version":"2012-10-17","Statement":[]}"#.into(),
            "Could not parse the policy: Statement is empty!".into(),
        ),
        (
            "errata C-20",
            trust(&format!(r#"{who},{act},"Condition":{{"stringEquals":{{"a":"b"}}}}"#)),
            "Invalid Condition type : stringEquals".into(),
        ),
    ];
    for (id, text, expected) in table {
        assert_eq!(answer(PolicyKind::Trust, text), *expected, "{id} {text}");
    }
    let twice = format!(r#"{{"Sid":"A","Effect":"Allow",{who},{act}}}"#);
    assert_eq!(
        answer(PolicyKind::Trust, &text_of(&[&twice, &twice])),
        "The Statement Ids in the policy are not unique"
    );
}

#[test]
fn session_and_organization_policies() {
    let incomplete = one(r#""Effect":"Allow","Action":"*","Resource":"arn:aws:sqs""#);
    assert!(save(PolicyKind::Session, &incomplete).is_err(), "SV-22 T-126");
    assert!(save(PolicyKind::ServiceControl, &incomplete).is_err(), "OQ-6");
    let fine = one(r#""Effect":"Allow","Action":"s3:*","Resource":"arn:aws:s3:::b/*","Condition":{"Bool":{"k":true}}"#);
    assert_eq!(answer(PolicyKind::ServiceControl, &fine), "saved", "G-16");
    assert_eq!(answer(PolicyKind::Session, &fine), "saved");
    let named = one(r#""Effect":"Deny","Principal":"*","Action":"s3:*","Resource":"*""#);
    assert!(save(PolicyKind::ServiceControl, &named).is_err(), "SV-25");
    assert_eq!(
        answer(PolicyKind::ServiceControl, &fine.replace("2012", "2008")),
        OLD,
        "§1.2"
    );
    assert_eq!(answer(PolicyKind::ResourceControl, &named), "saved");
    for (id, text) in [
        ("SV-24", named.replace("Deny", "Allow")),
        ("SV-24 T-125", named.replace("\"s3:*\"", "\"*\"")),
        (
            "SV-24",
            named.replace("\"Principal\":\"*\"", "\"Principal\":{\"AWS\":\"111111111111\"}"),
        ),
        ("SV-24", named.replace("\"Action\"", "\"NotAction\"")),
        ("§1.2", named.replace("\"Principal\":\"*\",", "")),
        ("§1.2", named.replace(",\"Resource\":\"*\"", "")),
    ] {
        assert!(save(PolicyKind::ResourceControl, &text).is_err(), "{id} {text}");
    }
}

#[test]
fn key_policies() {
    let key = |members: &str| one(&format!(r#""Effect":"Allow",{members}"#));
    let who = r#""Principal":{"AWS":"111111111111"}"#;
    let act = r#""Action":"kms:*""#;
    let all = r#""Resource":"*""#;
    let before = date(2025, 8, 17);
    let unknown = "Policy contains a statement with one or more invalid principals.";
    for (id, text, saved_before, saved_now) in [
        ("ok", key(&format!("{who},{act},{all}")), true, true),
        (
            "P-2",
            key(&format!(r#"{who},{act},{all},"Sid":"Enable IAM User Permissions""#)),
            true,
            true,
        ),
        ("K-14 resource", key(&format!("{who},{act}")), true, false),
        ("K-14 action", key(&format!("{who},{all}")), true, false),
        (
            "K-14 other resource",
            key(&format!(r#"{who},{act},"Resource":"arn:aws:s3:::b""#)),
            true,
            true,
        ),
        ("P-3 principal", key(&format!("{act},{all}")), false, false),
        (
            "errata OQ-3 over P-3",
            key(&format!("{who},{act},{all}")).replace(r#""Version":"2012-10-17","#, ""),
            true,
            true,
        ),
        (
            "P-50",
            key(&format!(r#""NotPrincipal":{{"AWS":"111111111111"}},{act},{all}"#)),
            false,
            false,
        ),
        (
            "C-4",
            key(&format!(
                r#"{who},{act},{all},"Condition":{{"ForAllValues:StringEquals":{{"kms:EncryptionContext:a":"b"}}}}"#
            )),
            false,
            false,
        ),
        (
            "C-5",
            key(&format!(
                r#"{who},{act},{all},"Condition":{{"ForAllValues:StringEquals":{{"kms:EncryptionContextKeys":"b"}}}}"#
            )),
            true,
            true,
        ),
    ] {
        assert_eq!(
            save_at(PolicyKind::KeyPolicy, &text, before).is_ok(),
            saved_before,
            "{id} before {text}"
        );
        assert_eq!(save(PolicyKind::KeyPolicy, &text).is_ok(), saved_now, "{id} now {text}");
    }
    for value in [
        "arn:aws:iam::111111111111:role/typo",
        "arn:aws:iam::111111111111:group/Dev",
        "nobody",
    ] {
        let text = key(&format!(r#""Principal":{{"AWS":"{value}"}},{act},{all}"#));
        assert_eq!(answer(PolicyKind::KeyPolicy, &text), unknown, "P-4 K-29 {value}");
    }
}

#[test]
fn bucket_policies() {
    let bucket = |members: &str| one(&format!(r#""Effect":"Allow","Principal":"*",{members}"#));
    for (text, expected) in [
        (
            bucket(r#""Action":"s3:GetObject","Resource":"arn:aws:s3:::b/*""#),
            "saved",
        ),
        (bucket(r#""Action":"s3:GetObject""#), "Missing required field Resource"),
        (
            bucket(r#""Resource":"arn:aws:s3:::b/*""#),
            "Missing required field Action",
        ),
        (
            bucket(r#""Action":"GetObject","Resource":"arn:aws:s3:::b/*""#),
            "Policy has invalid action",
        ),
        (
            bucket(r#""Action":"s3:GetObject","Resource":"b""#),
            "Policy has invalid resource",
        ),
        (
            bucket(r#""Action":"s3:GetObject","Resource":"arn:aws:s3:::b/*","Foo":1"#),
            "Unknown field Foo",
        ),
        (
            "x".to_owned(),
            "Policies must be valid JSON and the first byte must be '{'",
        ),
        ("{}".to_owned(), "Missing required field Statement"),
    ] {
        assert_eq!(answer(PolicyKind::BucketPolicy, &text), expected, "{text}");
    }
    let ghost = to("Allow", "arn:aws:iam::111111111111:user/ghost", "");
    assert_eq!(
        answer(PolicyKind::BucketPolicy, &text_of(&[&ghost])),
        "Invalid principal in policy"
    );
    let canonical = to(
        "Allow",
        &format!(r#"{{"CanonicalUser":"{}"}}"#, super::principals::CANONICAL_A),
        "",
    );
    assert_eq!(
        answer(PolicyKind::BucketPolicy, &text_of(&[&canonical])),
        "saved",
        "P-12"
    );
}
