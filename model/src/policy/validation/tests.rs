//! What each kind of policy is refused for, with AWS's words and the place (`iam:1.10`). The tables of elements and of vectors, stored
//! documents and hostile texts are in the modules below.

mod elements;
mod hostile;
mod stored;
mod vectors;

use jiff::civil::{Date, date};

use crate::policy::{Document, PolicyErrorKind, PolicyKind};

const TODAY: Date = date(2026, 11, 22);

/// Wraps one statement's members into a document of version 2012-10-17.
fn one(members: &str) -> String {
    format!(r#"{{"Version":"2012-10-17","Statement":[{{{members}}}]}}"#)
}

/// A statement that is fine in an identity policy.
const FINE: &str = r#""Effect":"Allow","Action":"s3:*","Resource":"*""#;

/// Checks a refusal: rule, text, and what stands at the byte offset.
#[track_caller]
fn refused(kind: PolicyKind, text: &str, rule: &str, message: &str, place: &str) {
    let error = Document::save(text, kind, TODAY).expect_err(text);
    assert_eq!((error.rule.as_str(), error.message.as_str()), (rule, message), "{text}");
    assert!(
        text[error.offset..].starts_with(place),
        "{text}: offset {} is `{}`",
        error.offset,
        &text[error.offset..]
    );
}

#[track_caller]
fn accepted(kind: PolicyKind, text: &str) {
    if let Err(error) = Document::save(text, kind, TODAY) {
        panic!("{text} must be accepted as {}: {error}", kind.words());
    }
}

#[test]
fn identity_policies() {
    let managed = PolicyKind::Managed;
    let syntax = "Syntax errors in policy.";
    let legacy = "The policy failed legacy parsing";
    let actions = "Policy statement must contain actions.";
    let resources = "Policy statement must contain resources.";
    let version = "Policy document must be version 2012-10-17 or greater.";
    let vendor = "Resource vendor must be fully qualified and cannot contain regexes.";
    refused(
        PolicyKind::Inline,
        r#"{"Version":"2012-10-17","Statement":[]}"#,
        "iam:E-01",
        syntax,
        "[]",
    ); // SV-01
    refused(
        managed,
        &format!(r#"{{"Version":"2008-10-17","Statement":{{{FINE}}}}}"#),
        "iam:E-02",
        version,
        "\"2008",
    ); // SV-02
    refused(
        managed,
        &format!(r#"{{"Statement":{{{FINE}}}}}"#),
        "iam:E-02",
        version,
        "{",
    );
    accepted(PolicyKind::Inline, &format!(r#"{{"Statement":{{{FINE}}}}}"#)); // OQ-3
    accepted(
        managed,
        &format!(r#"{{"Version":"2012-10-17","Id":"x","Statement":{{{FINE}}}}}"#),
    ); // OQ-4
    for (members, rule, message, place) in [
        (
            r#""Effect":"allow","Action":"s3:*","Resource":"*""#,
            "iam:E-03",
            legacy,
            "\"allow\"",
        ), // SV-03
        (
            r#""Effect":"Permit","Action":"s3:*","Resource":"*""#,
            "iam:E-01",
            syntax,
            "\"Permit\"",
        ), // SV-04
        (r#""Action":"s3:*","Resource":"*""#, "iam:E-01", syntax, "{"),
        (
            r#""effect":"Allow","Action":"s3:*","Resource":"*""#,
            "iam:E-01",
            syntax,
            "",
        ), // G-04
        (r#""Effect":"Allow","Resource":"*""#, "iam:E-05", actions, "{"), // SV-06
        (
            r#""Effect":"Allow","Action":[],"Resource":"*""#,
            "iam:E-05",
            actions,
            "[]",
        ), // G-70
        (
            r#""Effect":"Allow","Action":"s3:*","Resource":[]"#,
            "iam:E-05",
            resources,
            "[]",
        ), // SV-07
        (r#""Effect":"Allow","Action":"s3:*""#, "iam:E-05", resources, "{"),
        (
            r#""Effect":"Allow","Action":"GetObject","Resource":"*""#,
            "iam:E-06",
            "Actions/Conditions must be prefaced by a vendor, e.g., iam, sdb, ec2, etc.",
            "\"GetObject\"",
        ), // SV-08
        (
            r#""Effect":"Allow","Action":"s3:Get:Object","Resource":"*""#,
            "iam:E-07",
            "Actions/Condition can contain only one colon.",
            "\"s3:Get:Object\"",
        ), // SV-09
        (
            r#""Effect":"Allow","Action":"a a:x","Resource":"*""#,
            "iam:E-07",
            "Vendor a a is not valid",
            "\"a a:x\"",
        ),
        (
            r#""Effect":"Allow","Action":"s3:*","Resource":"mybucket""#,
            "iam:E-08",
            "Resource mybucket must be in ARN format or \"*\".",
            "\"mybucket\"",
        ), // SV-10
        (
            r#""Effect":"Allow","Action":"s3:*","Resource":"arn:sonny:s3""#,
            "iam:E-09",
            "Partition \"sonny\" is not valid for resource \"arn:sonny:s3:*:*:*\".",
            "\"arn:sonny:s3\"",
        ),
        (
            r#""Effect":"Allow","Action":"s3:*","Resource":"arn:aws""#,
            "iam:E-10",
            vendor,
            "\"arn:aws\"",
        ),
        (
            r#""Effect":"Allow","Action":"s3:*","Resource":"arn:aws:*:::x""#,
            "iam:E-10",
            vendor,
            "\"arn:aws:*:::x\"",
        ),
        (
            r#""Effect":"Allow","Action":"s3:*","Resource":"arn:aws:s3:us-east-1::b""#,
            "iam:E-11",
            "Resource arn:aws:s3:us-east-1::b can not contain region information.",
            "\"arn:aws:s3",
        ), // SV-11
        (
            r#""Effect":"Allow","Action":"s3:*","Resource":"arn:aws:iam:us-east-1::user/x""#,
            "iam:E-11",
            "IAM resource arn:aws:iam:us-east-1::user/x cannot contain region information.",
            "\"arn:aws:iam",
        ),
        (
            r#""Effect":"Allow","Action":"s3:*","Resource":"arn:aws:s3::b""#,
            "iam:E-03",
            legacy,
            "\"arn:aws:s3::b\"",
        ),
        (
            r#""Effect":"Allow","Principal":"*","Action":"s3:*","Resource":"*""#,
            "iam:E-12",
            "Policy document should not specify a principal.",
            "\"Principal\"",
        ), // SV-12
        (
            r#""Effect":"Allow","Action":"s3:*","NotAction":[],"Resource":"*""#,
            "iam:E-01",
            syntax,
            "\"NotAction\"",
        ), // SV-13
        (
            r#""Effect":"Allow","Effect":"Deny","Action":"s3:*","Resource":"*""#,
            "iam:E-01",
            syntax,
            "\"Effect\":\"Deny\"",
        ), // G-06
        (
            r#""Effect":"Allow","Action":"s3:*","Resource":"*","Condition":{"Foo":{"a":"1"}}"#,
            "iam:E-01",
            syntax,
            "\"Foo\"",
        ), // SV-14
        (
            r#""Effect":"Allow","Action":"s3:*","Resource":"*","Condition":{"stringEquals":{"a":"1"}}"#,
            "iam:E-01",
            syntax,
            "\"stringEquals\"",
        ), // C-20
        (
            r#""Effect":"Allow","Action":"s3:*","Resource":"*","Condition":{"DateGreaterThan":{"a":"soon"}}"#,
            "iam:E-03",
            legacy,
            "\"soon\"",
        ), // SV-15
        (
            r#""Effect":"Allow","Action":"s3:*","Resource":"*","Condition":{"StringEquals":{"aws:x":"1","AWS:X":"2"}}"#,
            "iam:E-01",
            syntax,
            "\"AWS:X\"",
        ), // G-07
        (
            r#""Effect":"Allow","Action":"s3:*","Resource":"*","Condition":[]"#,
            "iam:E-01",
            syntax,
            "[]",
        ), // G-60
        (
            r#""Effect":"Allow","Action":"s3:*","Resource":"*","Condition":null"#,
            "iam:E-01",
            syntax,
            "null",
        ), // G-10
        (
            r#""Effect":"Allow","Action":"s3:*","Resource":null"#,
            "iam:E-01",
            syntax,
            "null",
        ),
        (
            r#""Effect":"Allow","Action":"s3:*","Resource":"*","Comment":"x""#,
            "iam:E-01",
            syntax,
            "\"Comment\"",
        ), // G-05
        (
            r#""Sid":"a b","Effect":"Allow","Action":"s3:*","Resource":"*""#,
            "iam:G-30",
            "Statement IDs (SID) must be alpha-numeric. Check that your input satisfies the regular expression [0-9A-Za-z]*",
            "\"a b\"",
        ),
    ] {
        refused(managed, &one(members), rule, message, place);
    }
    for members in [
        FINE,
        r#""Effect":"Allow","Action":"fsx:ListBucket","Resource":"*""#, // G-41
        r#""Effect":"Allow","Action":"s3:GetObject,PutObject","Resource":"*""#, // G-42
        r#""Effect":"Allow","Action":"s3:*","Resource":"arn:aws:sqs""#, // G-52
        r#""Effect":"Allow","Action":"s3:*","Resource":"arn:*:s3:::b""#, // G-51
        r#""Effect":"Allow","Action":"iam:*","Resource":"arn:aws:iam::111111111111:root""#, // G-54
        r#""Effect":"Allow","Action":"s3:*","Resource":"arn:aws:s3:us-east-1:111111111111:accesspoint/x""#,
        r#""Effect":"Allow","Action":"s3:*","Resource":["arn:aws:s3:::b",null]"#, // G-10
        r#""Effect":"Allow","Action":"s3:*","Resource":"*","Condition":{"Foo":{}}"#, // SV-14
        r#""Effect":"Allow","Action":"s3:*","Resource":"*","Condition":{"NumericEquals":{"a":"x"}}"#, // SV-16
        r#""Effect":"Allow","Action":"s3:*","Resource":"*","Condition":{"StringEquals":{"aws:NoSuchKey":"x"}}"#, // SV-17
        r#""Effect":"Allow","Action":"s3:*","Resource":"*","Condition":{"DateGreaterThan":{"a":"01T"}}"#,        // C-33
        r#""Effect":"Allow","Action":"s3:*","Resource":"*","Condition":{}"#,                                     // G-65
    ] {
        accepted(managed, &one(members));
    }
}

#[test]
fn order_of_identity_faults() {
    // iam:E-20: version before duplicate Sid (T-122), actions before resource shapes before action shapes.
    let doubled = r#"{"Statement":[{"Sid":"A","Effect":"Allow","Action":"s3:*","Resource":"*"},{"Sid":"A","Effect":"Allow","Action":"s3:*","Resource":"*"}]}"#;
    let rule = |text: &str| {
        Document::save(text, PolicyKind::Managed, TODAY)
            .expect_err(text)
            .rule
            .to_string()
    };
    assert_eq!(rule(doubled), "iam:E-02");
    assert_eq!(
        rule(&doubled.replace("{\"Statement", "{\"Version\":\"2012-10-17\",\"Statement")),
        "iam:E-04"
    ); // SV-05
    assert_eq!(rule(&one(r#""Effect":"Allow","Resource":"mybucket""#)), "iam:E-05");
    assert_eq!(
        rule(&one(r#""Effect":"Allow","Action":"x","Resource":"mybucket""#)),
        "iam:E-08"
    );
    assert_eq!(rule(&one(r#""Effect":"Allow","Action":"x""#)), "iam:E-06");
    assert_eq!(
        rule(&one(
            r#""Effect":"Allow","Action":"s3:*","Resource":["arn:aws:s3::b","mybucket"]"#
        )),
        "iam:E-08"
    );
}

#[test]
fn trust_policies() {
    let trust = PolicyKind::Trust;
    let fine = r#""Effect":"Allow","Principal":{"AWS":"111111111111"},"Action":"sts:AssumeRole""#;
    accepted(trust, &one(fine));
    accepted(trust, &format!(r#"{{"Statement":{{{fine}}}}}"#));
    accepted(
        trust,
        &one(
            r#""Effect":"Allow","Principal":{"Service":"lambda.amazonaws.com"},"Action":["sts:AssumeRole","sts:TagSession"]"#,
        ),
    );
    let sts = "AssumeRole policy may only specify STS AssumeRole actions.";
    refused(trust, "{", "iam:E-13", "This policy contains invalid Json", "");
    refused(
        trust,
        r#"{"Version":"x","Statement":{}}"#,
        "iam:E-19",
        "The policy must contain a valid version string",
        "\"x\"",
    );
    refused(
        trust,
        r#"{"Version":"2012-10-17"}"#,
        "iam:E-19",
        "Could not parse the policy: Statement is empty!",
        "{",
    );
    for (members, rule, message, place) in [
        (
            r#""Effect":"Allow","Principal":"*","Action":"s3:GetObject""#,
            "iam:E-15",
            sts,
            "\"s3:GetObject\"",
        ), // SV-18
        (
            r#""Effect":"Allow","Principal":"*","Action":"*""#,
            "iam:E-15",
            sts,
            "\"*\"}",
        ),
        (
            r#""Effect":"Allow","Principal":"*","Action":"sts:AssumeRole","Resource":"*""#,
            "iam:E-14",
            "Has prohibited field Resource",
            "\"Resource\"",
        ), // SV-19, T-123
        (
            r#""Effect":"Deny","NotPrincipal":{"AWS":"111111111111"},"Action":"sts:AssumeRole""#,
            "iam:E-18",
            "AssumeRole policy must not contain NotPrincipal field.",
            "\"NotPrincipal\"",
        ), // SV-20
        (
            r#""Effect":"Allow","NotPrincipal":{"AWS":"111111111111"},"Action":"sts:AssumeRole""#,
            "iam:E-18",
            "Allow with NotPrincipal is not allowed.",
            "\"NotPrincipal\"",
        ),
        (
            r#""Effect":"Allow","Principal":{"AWS":"arn:aws:iam::111111111111:role/Dev*"},"Action":"sts:AssumeRole""#,
            "iam:E-17",
            "Invalid principal in policy: \"AWS\":\"arn:aws:iam::111111111111:role/Dev*\"",
            "\"arn:aws:iam",
        ), // SV-21, T-124
        (
            r#""Effect":"Allow","Principal":{"Service":"*"},"Action":"sts:AssumeRole""#,
            "iam:E-17",
            "Invalid principal in policy: \"SERVICE\":\"*\"",
            "\"*\"",
        ), // P-15
        (
            r#""Effect":"Allow","Action":"sts:AssumeRole""#,
            "iam:E-16",
            "Missing required field Principal",
            "{",
        ),
        (
            r#""Effect":"Allow","Principal":{},"Action":"sts:AssumeRole""#,
            "iam:E-16",
            "Missing required field Principal cannot be empty!",
            "{}",
        ),
        (
            r#""Effect":"Allow","Principal":"*""#,
            "iam:E-16",
            "Missing required field Action",
            "{",
        ),
        (
            r#""Effect":"allow","Principal":"*","Action":"sts:AssumeRole""#,
            "iam:E-16",
            "Invalid effect: allow",
            "\"allow\"",
        ),
        (
            r#""Effect":"Allow","Principal":"*","Action":"sts:AssumeRole","Condition":{"stringEquals":{"a":"b"}}"#,
            "iam:C-20",
            "Invalid Condition type : stringEquals",
            "\"stringEquals\"",
        ),
    ] {
        refused(trust, &one(members), rule, message, place);
    }
    // The world refuses principals that do not exist in the same words (P-43).
    let document = Document::save(
        &one(&fine.replace("111111111111", "arn:aws:iam::111111111111:user/ghost")),
        trust,
        TODAY,
    );
    let document = document.expect("existence is not checked here");
    let entry = document.principals().next().expect("one principal");
    let error = entry.unknown(trust);
    assert_eq!(
        error.message,
        "Invalid principal in policy: \"AWS\":\"arn:aws:iam::111111111111:user/ghost\""
    );
    assert_eq!(error.kind, PolicyErrorKind::InvalidPrincipal);
}

#[test]
fn key_policies() {
    let key = PolicyKind::Key;
    let fine = r#""Sid":"Enable IAM User Permissions","Effect":"Allow","Principal":{"AWS":"111111111111"},"Action":"kms:*","Resource":"*""#;
    accepted(
        key,
        &format!(r#"{{"Version":"2012-10-17","Id":"key-default-1","Statement":[{{{fine}}},{{{fine}}}]}}"#),
    );
    refused(
        key,
        &one(r#""Effect":"Allow","Action":"kms:*","Resource":"*""#),
        "svc:P-3",
        "",
        "{",
    );
    let invalid = "Policy contains a statement with one or more invalid principals.";
    let group =
        r#""Effect":"Allow","Principal":{"AWS":"arn:aws:iam::111111111111:group/g"},"Action":"kms:*","Resource":"*""#;
    refused(key, &one(group), "svc:P-4", invalid, "\"arn:aws:iam"); // svc:K-29
    let context = r#""Effect":"Allow","Principal":"*","Action":"kms:*","Resource":"*","Condition":{"ForAllValues:StringEquals":{"kms:EncryptionContext:a":"b"}}"#;
    let error = Document::save(&one(context), key, TODAY).expect_err("svc:C-4");
    assert!(
        error
            .message
            .starts_with("OverlyPermissiveCondition:EncryptionContext: ")
    );
    // svc:K-14: a date decides.
    let inert = one(r#""Effect":"Allow","Principal":"*","Action":"kms:*""#);
    assert!(Document::save(&inert, key, date(2025, 8, 17)).is_ok());
    assert_eq!(
        Document::save(&inert, key, date(2025, 8, 18))
            .expect_err("refused since then")
            .rule
            .as_str(),
        "svc:K-14"
    );
    assert!(Document::parse(&inert, key).is_ok(), "a stored one stays");
    // svc:P-1, svc:P-2
    let padded = |length: usize| {
        let text = one(fine);
        format!("{text}{}", " ".repeat(length - text.len()))
    };
    accepted(key, &padded(32_768));
    let error = Document::save(&padded(32_769), key, TODAY).expect_err("too long");
    assert_eq!((error.kind, error.rule.as_str()), (PolicyErrorKind::TooLong, "svc:P-1"));
    let japanese = one(&fine.replace("Enable", "許可"));
    let error = Document::save(&japanese, key, TODAY).expect_err("characters");
    assert_eq!(
        (error.kind, error.rule.as_str()),
        (PolicyErrorKind::Characters, "svc:P-2")
    );
}

#[test]
fn bucket_endpoint_session_and_organization_policies() {
    let bucket = PolicyKind::Bucket;
    accepted(
        bucket,
        &one(
            r#""Sid":"any thing","Effect":"Allow","Principal":"*","Action":"s3:GetObject","Resource":"arn:aws:s3:::b/*""#,
        ),
    );
    let json = "Policies must be valid JSON and the first byte must be '{'";
    refused(bucket, "", "iam:G-01", json, "");
    refused(bucket, "random string", "iam:G-01", json, "random");
    let no_principal = r#""Effect":"Allow","Action":"s3:GetObject","Resource":"arn:aws:s3:::b/*""#;
    refused(
        bucket,
        &one(no_principal),
        "iam:G-14",
        "Missing required field Principal",
        "{",
    );
    let not_principal = r#""Effect":"Allow","NotPrincipal":{"AWS":"111111111111"},"Action":"s3:*","Resource":"*""#;
    refused(bucket, &one(not_principal), "iam:P-50", "", "\"NotPrincipal\"");
    accepted(bucket, &one(&not_principal.replace("Allow", "Deny")));
    // SV-22, T-126
    let sqs = r#""Effect":"Allow","Action":"sqs:*","Resource":"arn:aws:sqs""#;
    refused(PolicyKind::Session, &one(sqs), "iam:G-53", "", "\"arn:aws:sqs\"");
    // SV-24, T-125
    let rcp = PolicyKind::ResourceControl;
    let fine = r#""Effect":"Deny","Principal":"*","Action":"s3:*","Resource":"*""#;
    accepted(rcp, &one(fine));
    for bad in [
        fine.replace("Deny", "Allow"),
        fine.replace("s3:*", "*"),
        fine.replace("\"Principal\":\"*\"", "\"Principal\":{\"AWS\":\"111111111111\"}"),
        fine.replace("\"Action\"", "\"NotAction\""),
    ] {
        assert_eq!(
            Document::save(&one(&bad), rcp, TODAY).expect_err(&bad).rule.as_str(),
            "iam:G-15"
        );
    }
    // SV-25, iam:G-16
    let scp = PolicyKind::ServiceControl;
    assert!(Document::save(&one(fine), scp, TODAY).is_err());
    accepted(
        scp,
        &one(
            r#""Effect":"Allow","Action":"s3:*","Resource":"arn:aws:s3:::b/*","Condition":{"Bool":{"aws:SecureTransport":true}}"#,
        ),
    );
    assert!(
        Document::save(&format!(r#"{{"Statement":{{{FINE}}}}}"#), scp, TODAY).is_err(),
        "organization policies need the version"
    );
    // iam:1.9: the limit of SCPs grew in May 2026.
    let long = one(&format!(
        r#"{FINE},"Condition":{{"StringEquals":{{"a":"{}"}}}}"#,
        "x".repeat(6_000)
    ));
    assert!(Document::save(&long, scp, TODAY).is_ok() && Document::save(&long, scp, date(2026, 5, 14)).is_err());
}
