//! The save-time vectors SV-01 … SV-26 of `iam:12.6`: kind of policy, document, and what AWS answers. SV-21 (who does not exist),
//! SV-23 and SV-26 (what several things come to together) are asked of the world too, in `tests/world/saving.rs`.

use std::collections::BTreeSet;

use super::{TODAY, one};
use crate::policy::{Document, PolicyErrorKind, PolicyKind};

/// What saving answers.
enum Answer {
    Saved,
    /// The error code, the rule, the text (empty where none is known), and what stands at the offset.
    Refused(&'static str, &'static str, &'static str, &'static str),
}

use Answer::{Refused, Saved};

const MALFORMED: &str = "MalformedPolicyDocument";
const SYNTAX: &str = "Syntax errors in policy.";
const LEGACY: &str = "The policy failed legacy parsing";
const STS_ONLY: &str = "AssumeRole policy may only specify STS AssumeRole actions.";

#[test]
fn every_vector_is_answered_as_recorded() {
    use PolicyKind::{Inline, Managed, ResourceControl, ServiceControl, Session, Trust};
    let fine = r#""Effect":"Allow","Action":"s3:*","Resource":"*""#;
    let with = |more: &str| one(&format!("{fine},{more}"));
    let statement = |text: &str| one(text);
    let control = |change: fn(&str) -> String| {
        one(&change(
            r#""Effect":"Deny","Principal":"*","Action":"s3:*","Resource":"*""#,
        ))
    };
    let rows: Vec<(&str, PolicyKind, String, Answer)> = vec![
        (
            "SV-01",
            Inline,
            r#"{"Version":"2012-10-17","Statement":[]}"#.to_owned(),
            Refused(MALFORMED, "iam:E-01", SYNTAX, "[]"),
        ),
        (
            "SV-02",
            Managed,
            format!(r#"{{"Version":"2008-10-17","Statement":[{{{fine}}}]}}"#),
            Refused(
                MALFORMED,
                "iam:E-02",
                "Policy document must be version 2012-10-17 or greater.",
                "\"2008-10-17\"",
            ),
        ),
        (
            "SV-03",
            Managed,
            statement(&fine.replace("Allow", "allow")),
            Refused(MALFORMED, "iam:E-03", LEGACY, "\"allow\""),
        ),
        (
            "SV-04",
            Managed,
            statement(&fine.replace("Allow", "Permit")),
            Refused(MALFORMED, "iam:E-01", SYNTAX, "\"Permit\""),
        ),
        (
            "SV-05",
            Managed,
            format!(r#"{{"Version":"2012-10-17","Statement":[{{"Sid":"A",{fine}}},{{"Sid":"A",{fine}}}]}}"#),
            Refused(
                MALFORMED,
                "iam:E-04",
                "Statement IDs (SID) in a single policy must be unique.",
                "\"A\"",
            ),
        ),
        (
            "SV-06",
            Managed,
            statement(r#""Effect":"Allow","Resource":"*""#),
            Refused(
                MALFORMED,
                "iam:E-05",
                "Policy statement must contain actions.",
                "{\"Effect\"",
            ),
        ),
        (
            "SV-07",
            Managed,
            statement(r#""Effect":"Allow","Action":"s3:*","Resource":[]"#),
            Refused(MALFORMED, "iam:E-05", "Policy statement must contain resources.", "[]"),
        ),
        (
            "SV-08",
            Managed,
            statement(&fine.replace("s3:*", "GetObject")),
            Refused(
                MALFORMED,
                "iam:E-06",
                "Actions/Conditions must be prefaced by a vendor, e.g., iam, sdb, ec2, etc.",
                "\"GetObject\"",
            ),
        ),
        (
            "SV-09",
            Managed,
            statement(&fine.replace("s3:*", "s3:Get:Object")),
            Refused(
                MALFORMED,
                "iam:E-07",
                "Actions/Condition can contain only one colon.",
                "\"s3:Get:Object\"",
            ),
        ),
        (
            "SV-10",
            Managed,
            statement(r#""Effect":"Allow","Action":"s3:*","Resource":"mybucket""#),
            Refused(
                MALFORMED,
                "iam:E-08",
                "Resource mybucket must be in ARN format or \"*\".",
                "\"mybucket\"",
            ),
        ),
        (
            "SV-11",
            Managed,
            statement(r#""Effect":"Allow","Action":"s3:*","Resource":"arn:aws:s3:us-east-1::b""#),
            Refused(
                MALFORMED,
                "iam:E-11",
                "Resource arn:aws:s3:us-east-1::b can not contain region information.",
                "\"arn:aws:s3",
            ),
        ),
        (
            "SV-12",
            Managed,
            with(r#""Principal":"*""#),
            Refused(
                MALFORMED,
                "iam:E-12",
                "Policy document should not specify a principal.",
                "\"Principal\"",
            ),
        ),
        (
            "SV-13",
            Managed,
            with(r#""NotAction":[]"#),
            Refused(MALFORMED, "iam:E-01", SYNTAX, "\"NotAction\""),
        ),
        (
            "SV-14 a",
            Managed,
            with(r#""Condition":{"Foo":{"a":"1"}}"#),
            Refused(MALFORMED, "iam:E-01", SYNTAX, "\"Foo\""),
        ),
        ("SV-14 b", Managed, with(r#""Condition":{"Foo":{}}"#), Saved),
        (
            "SV-15",
            Managed,
            with(r#""Condition":{"DateGreaterThan":{"a":"soon"}}"#),
            Refused(MALFORMED, "iam:E-03", LEGACY, "\"soon\""),
        ),
        (
            "SV-16",
            Managed,
            with(r#""Condition":{"NumericEquals":{"a":"x"}}"#),
            Saved,
        ),
        (
            "SV-17",
            Managed,
            with(r#""Condition":{"StringEquals":{"aws:NoSuchKey":"x"}}"#),
            Saved,
        ),
        (
            "SV-18 a",
            Trust,
            statement(r#""Effect":"Allow","Principal":"*","Action":"s3:GetObject""#),
            Refused(MALFORMED, "iam:E-15", STS_ONLY, "\"s3:GetObject\""),
        ),
        (
            "SV-18 b",
            Trust,
            statement(r#""Effect":"Allow","Principal":{"AWS":"111111111111"},"Action":"*""#),
            Refused(MALFORMED, "iam:E-15", STS_ONLY, "\"*\""),
        ),
        (
            "SV-19",
            Trust,
            statement(r#""Effect":"Allow","Principal":"*","Action":"sts:AssumeRole","Resource":"*""#),
            Refused(MALFORMED, "iam:E-14", "Has prohibited field Resource", "\"Resource\""),
        ),
        (
            "SV-20",
            Trust,
            statement(r#""Effect":"Deny","NotPrincipal":{"AWS":"111111111111"},"Action":"sts:AssumeRole""#),
            Refused(
                MALFORMED,
                "iam:E-18",
                "AssumeRole policy must not contain NotPrincipal field.",
                "\"NotPrincipal\"",
            ),
        ),
        (
            "SV-21 b",
            Trust,
            statement(
                r#""Effect":"Allow","Principal":{"AWS":"arn:aws:iam::111111111111:role/*"},"Action":"sts:AssumeRole""#,
            ),
            Refused(
                MALFORMED,
                "iam:E-17",
                "Invalid principal in policy: \"AWS\":\"arn:aws:iam::111111111111:role/*\"",
                "\"arn:aws:iam",
            ),
        ),
        (
            "SV-22",
            Session,
            statement(r#""Effect":"Allow","Action":"sqs:*","Resource":"arn:aws:sqs""#),
            Refused(MALFORMED, "iam:G-53", "", "\"arn:aws:sqs\""),
        ),
        (
            "SV-23",
            Session,
            with(&format!(
                r#""Condition":{{"StringEquals":{{"a":"{}"}}}}"#,
                "x".repeat(2_048)
            )),
            Refused("PackedPolicyTooLarge", "iam:G-80", "", "{\"Version\""),
        ),
        (
            "SV-24 a",
            ResourceControl,
            control(|text| text.replace("Deny", "Allow")),
            Refused("MalformedPolicyDocumentException", "iam:G-15", "", "{\"Effect\""),
        ),
        (
            "SV-24 b",
            ResourceControl,
            control(|text| text.replace("s3:*", "*")),
            Refused("MalformedPolicyDocumentException", "iam:G-15", "", "{\"Effect\""),
        ),
        (
            "SV-24 c",
            ResourceControl,
            control(|text| text.replace(r#""Principal":"*""#, r#""Principal":{"AWS":"111111111111"}"#)),
            Refused("MalformedPolicyDocumentException", "iam:G-15", "", "{\"Effect\""),
        ),
        (
            "SV-24 d",
            ResourceControl,
            control(|text| text.replace("\"Action\"", "\"NotAction\"")),
            Refused("MalformedPolicyDocumentException", "iam:G-15", "", "{\"Effect\""),
        ),
        (
            "SV-25",
            ServiceControl,
            with(r#""Principal":"*""#),
            Refused("MalformedPolicyDocumentException", "iam:E-21", "", "\"Principal\""),
        ),
        // The sum of the inline policies is the world's to count; one policy alone has no limit of its own (SV-26).
        (
            "SV-26",
            Inline,
            with(&format!(
                r#""Condition":{{"StringEquals":{{"a":"{}"}}}}"#,
                "x".repeat(12_000)
            )),
            Saved,
        ),
    ];
    let mut seen = BTreeSet::new();
    for (id, kind, text, answer) in &rows {
        seen.insert(id.split(' ').next().unwrap_or(id));
        match (Document::save(text, *kind, TODAY), answer) {
            (Ok(_), Saved) => {}
            (Err(error), Refused(code, rule, message, place)) => {
                assert_eq!(
                    (error.code(), error.rule.as_str(), error.message.as_str()),
                    (*code, *rule, *message),
                    "{id}: {text}"
                );
                let at = &text[error.offset..];
                assert!(at.starts_with(place), "{id}: {at}");
            }
            (Ok(_), Refused(..)) => panic!("{id}: {text} is saved"),
            (Err(error), Saved) => panic!("{id}: {text}: {error}"),
        }
    }
    let all: BTreeSet<String> = (1..=26).map(|number| format!("SV-{number:02}")).collect();
    assert_eq!(seen, all.iter().map(String::as_str).collect());
}

#[test]
fn every_kind_has_its_quota() {
    // iam:1.9, svc:P-1: the longest that is saved, and one more.
    let padding = |kind: PolicyKind| match kind {
        PolicyKind::Managed | PolicyKind::Inline | PolicyKind::Trust => "x",
        _ => " ",
    };
    for (kind, most, code, as_of) in [
        (PolicyKind::Managed, 6_144, "LimitExceeded", TODAY),
        (PolicyKind::Trust, 2_048, "LimitExceeded", TODAY),
        (PolicyKind::Session, 2_048, "PackedPolicyTooLarge", TODAY),
        (PolicyKind::Key, 32_768, "LimitExceededException", TODAY),
        (PolicyKind::Bucket, 20_480, "MalformedPolicy", TODAY),
        (PolicyKind::VpcEndpoint, 20_480, "InvalidPolicyDocument", TODAY),
        (
            PolicyKind::ServiceControl,
            10_240,
            "ConstraintViolationException",
            TODAY,
        ),
        (
            PolicyKind::ServiceControl,
            5_120,
            "ConstraintViolationException",
            jiff::civil::date(2026, 5, 14),
        ),
        (
            PolicyKind::ResourceControl,
            5_120,
            "ConstraintViolationException",
            TODAY,
        ),
    ] {
        let members = match kind {
            PolicyKind::Trust => r#""Effect":"Allow","Principal":"*","Action":"sts:AssumeRole""#,
            PolicyKind::ResourceControl => r#""Effect":"Deny","Principal":"*","Action":"s3:*","Resource":"*""#,
            _ if kind.names_principals() => r#""Effect":"Allow","Principal":"*","Action":"s3:*","Resource":"*""#,
            _ => r#""Effect":"Allow","Action":"s3:*","Resource":"*""#,
        };
        let of_length = |length: usize| {
            let text = one(&format!(r#"{members},"Condition":{{"StringEquals":{{"a":""}}}}"#));
            let missing = padding(kind).repeat(length - text.len());
            text.replace("\"a\":\"\"", &format!("\"a\":\"{missing}\""))
        };
        assert!(
            Document::save(&of_length(most), kind, as_of).is_ok(),
            "{} {most}",
            kind.words()
        );
        let error = Document::save(&of_length(most + 1), kind, as_of).expect_err("one more");
        assert_eq!(
            (error.kind, error.code()),
            (PolicyErrorKind::TooLong, code),
            "{}",
            kind.words()
        );
    }
    // White space does not count where the quota says so, and not elsewhere.
    let spaced = format!(
        "{}{}",
        one(r#""Effect":"Allow","Action":"s3:*","Resource":"*""#),
        " ".repeat(7_000)
    );
    assert!(Document::save(&spaced, PolicyKind::Managed, TODAY).is_ok());
    assert!(Document::save(&spaced, PolicyKind::Session, TODAY).is_err());
}

#[test]
fn characters_are_those_of_the_parameter() {
    // iam:G-11, svc:P-2
    for (character, fine) in [
        ('\t', true),
        ('\n', true),
        ('\r', true),
        (' ', true),
        ('ÿ', true),
        ('Ā', false),
        ('許', false),
        ('😀', false),
    ] {
        let text = format!(
            "{}{character}",
            one(r#""Effect":"Allow","Action":"s3:*","Resource":"*","Condition":{"StringEquals":{"a":"é"}}"#)
        );
        let inside = text.replace('é', &character.to_string());
        for (kind, checked) in [
            (PolicyKind::Managed, true),
            (PolicyKind::Inline, true),
            (PolicyKind::Session, true),
            (PolicyKind::ServiceControl, false),
        ] {
            let Err(error) = Document::save(&inside, kind, TODAY) else {
                assert!(
                    fine || !checked || character.is_whitespace(),
                    "{character:?} {}",
                    kind.words()
                );
                continue;
            };
            let told = error.kind == PolicyErrorKind::Characters;
            assert_eq!(told, !fine && checked, "{character:?} {}: {error}", kind.words());
            if told {
                assert_eq!((error.rule.as_str(), error.code()), ("iam:G-11", "ValidationError"));
                assert!(inside[error.offset..].starts_with(character), "{character:?}");
            }
        }
    }
}
