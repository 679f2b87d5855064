//! What a stored document may be: which faults make it unusable, and what legacy texts mean (`iam:E-22`, `iam:G-06`).

use super::{FINE, one};
use crate::policy::{Document, PolicyKind};

#[test]
fn stored_documents() {
    // iam:E-22 and what it leaves usable.
    let usable = |kind, text: &str| {
        Document::parse(text, kind)
            .map(|_| ())
            .map_err(|error| error.rule.to_string())
    };
    let managed = PolicyKind::Managed;
    let bucket = PolicyKind::Bucket;
    for (kind, members, expected) in [
        (
            managed,
            r#""Effect":"Deny","Effect":"Allow","Action":"s3:Get*","Action":"s3:Put*","Resource":"*""#,
            Ok(()),
        ), // T-127
        (
            managed,
            r#""Sid":"a b","Effect":"Allow","Action":"s3:*","Resource":"*""#,
            Ok(()),
        ),
        (
            managed,
            r#""Effect":"Allow","Action":"s3:*","Resource":"*","Condition":{"DateEquals":{"a":"soon"}}"#,
            Ok(()),
        ),
        (managed, r#""Effect":"Allow","NotAction":[],"Resource":"*""#, Ok(())), // OQ-7
        (
            managed,
            r#""Effect":"allow","Action":"s3:*","Resource":"*""#,
            Err("iam:E-03"),
        ),
        (
            managed,
            r#""Effect":"Allow","Action":"s3:*","Resource":"mybucket""#,
            Err("iam:E-08"),
        ),
        (
            managed,
            r#""Effect":"Allow","Action":"s3","Resource":"*""#,
            Err("iam:E-06"),
        ),
        (managed, r#""Effect":"Allow","Action":[],"Resource":"*""#, Ok(())), // G-71: it never applies
        (managed, r#""Effect":"Allow","Action":"s3:*","Resource":[]"#, Ok(())),
        (managed, r#""Effect":"Allow","Resource":"*""#, Err("iam:E-05")),
        (
            managed,
            r#""Effect":"Allow","Principal":"*","Action":"s3:*","Resource":"*""#,
            Err("iam:E-12"),
        ),
        (
            managed,
            r#""Effect":"Allow","Action":"s3:*","Resource":"*","Condition":{"x":{"a":"1"}}"#,
            Err("iam:E-01"),
        ),
        (
            managed,
            r#""Condition":{},"Condition":{},"Effect":"Allow","Action":"s3:*","Resource":"*""#,
            Err("iam:E-01"),
        ),
        (
            bucket,
            r#""Effect":"Allow","Principal":{"AWS":[]},"Action":[],"Resource":[]"#,
            Ok(()),
        ), // G-71
        (
            bucket,
            r#""Effect":"Allow","Principal":{"AWS":"arn:aws:iam::111111111111:role/*"},"Action":"s3:*"#,
            Err("iam:G-01"),
        ),
        (
            bucket,
            r#""Effect":"Allow","Principal":{"AWS":"arn:aws:iam::111111111111:role/*"},"Action":"s3:*","Resource":"*""#,
            Ok(()),
        ), // P-14: it names nobody
        (
            bucket,
            r#""Effect":"Allow","Principal":"x","Action":"s3:*","Resource":"*""#,
            Err("iam:P-43"),
        ),
        (
            bucket,
            r#""Effect":"Allow","Principal":"*","Action":"s3:*","Resource":"x""#,
            Err("iam:G-50"),
        ),
        (
            bucket,
            r#""Effect":"Allow","Principal":"*","Action":"s3:*","Resource":"arn:aws:s3""#,
            Ok(()),
        ), // OQ-6: it never matches
        (
            PolicyKind::Key,
            r#""Effect":"Allow","Principal":"*","Action":"kms:*","Resource":"x""#,
            Ok(()),
        ), // svc:K-14
        (
            PolicyKind::ServiceControl,
            r#""Effect":"Allow","Action":"GetObject","Resource":"*""#,
            Err("iam:G-40"),
        ),
        (
            bucket,
            r#""Effect":"Allow","Principal":"*","Action":"s3:${aws:username}","Resource":"*""#,
            Err("iam:G-40"),
        ), // VV-13: its second colon
        (
            bucket,
            r#""Effect":"Allow","Principal":"*","Action":"s3:${username}","Resource":"*""#,
            Ok(()),
        ), // G-43: literal text
        (
            managed,
            r#""Effect":"Allow","Action":"s3:*","Resource":"*","Condition":{"StringEquals":{"a":"1","A":"2"}}"#,
            Ok(()),
        ), // G-07
        (
            managed,
            r#""Effect":"Allow","Action":"s3:*","Resource":"*","Condition":{"StringEquals":{"a":"1","a":"2"}}"#,
            Err("iam:E-01"),
        ), // G-06
        (
            bucket,
            r#""Effect":"Allow","NotPrincipal":{"AWS":"111111111111"},"Action":"s3:*""#,
            Ok(()),
        ),
        (
            bucket,
            r#""Effect":"Allow","Action":"s3:*","Resource":"*""#,
            Err("iam:G-14"),
        ),
        (
            PolicyKind::Trust,
            r#""Effect":"Allow","Principal":"*","Action":"*","Resource":"*""#,
            Ok(()),
        ),
        (
            PolicyKind::ResourceControl,
            r#""Effect":"Allow","Action":"*","Resource":"*""#,
            Ok(()),
        ),
    ] {
        assert_eq!(
            usable(kind, &one(members)),
            expected.map_err(str::to_owned),
            "{members}"
        );
    }
    assert_eq!(
        usable(managed, &format!(r#"{{"Statement":{{{FINE}}}}}"#)),
        Ok(()),
        "E-02 matters on saving only"
    );
    let legacy = Document::parse(
        &one(r#""Effect":"Deny","Effect":"Allow","Action":"s3:Get*","Action":"s3:Put*","Resource":"*""#),
        managed,
    )
    .expect("legacy");
    assert_eq!(legacy.statements()[0].effect(), crate::policy::Effect::Allow);
    assert_eq!(
        legacy.statements()[0].action_patterns(),
        Some((false, vec!["s3:Get*", "s3:Put*"]))
    );
}
