//! Which element is legal where (`iam:1.2`), row by row for every kind of policy, and the order in which faults are told (`iam:1.10`).

use super::{TODAY, refused};
use crate::policy::{Document, PolicyKind};

/// The columns of the table.
const KINDS: [PolicyKind; 10] = [
    PolicyKind::Managed,
    PolicyKind::Inline,
    PolicyKind::Session,
    PolicyKind::Key,
    PolicyKind::Bucket,
    PolicyKind::Resource,
    PolicyKind::Trust,
    PolicyKind::VpcEndpoint,
    PolicyKind::ServiceControl,
    PolicyKind::ResourceControl,
];

/// A legal statement of a kind, with some elements replaced; an empty one is left out.
#[derive(Clone, Copy, Default)]
struct Parts<'a> {
    effect: Option<&'a str>,
    principal: Option<&'a str>,
    action: Option<&'a str>,
    resource: Option<&'a str>,
    more: &'a str,
}

impl Parts<'_> {
    fn members(self, kind: PolicyKind) -> String {
        let effect = match kind {
            PolicyKind::ResourceControl => r#""Effect":"Deny""#,
            _ => r#""Effect":"Allow""#,
        };
        let principal = match kind {
            _ if kind.names_principals() || kind == PolicyKind::ResourceControl => r#""Principal":"*""#,
            _ => "",
        };
        let (action, resource) = match kind {
            PolicyKind::Trust => (r#""Action":"sts:AssumeRole""#, ""),
            _ => (r#""Action":"s3:GetObject""#, r#""Resource":"*""#),
        };
        let members = [
            self.effect.unwrap_or(effect),
            self.principal.unwrap_or(principal),
            self.action.unwrap_or(action),
            self.resource.unwrap_or(resource),
            self.more,
        ];
        let present: Vec<&str> = members.into_iter().filter(|member| !member.is_empty()).collect();
        present.join(",")
    }
}

fn document(head: &str, statements: &str) -> String {
    format!("{{{head}\"Statement\":{statements}}}")
}

const HEAD: &str = r#""Version":"2012-10-17","#;

/// Checks a row: one letter a column, `+` where the document is saved, `-` where it is refused. A refusal names a rule of the
/// catalogue and a place inside the text; what is saved can be used.
#[track_caller]
fn row(name: &str, letters: &str, text: impl Fn(PolicyKind) -> String) {
    let letters: Vec<char> = letters.chars().filter(|letter| !letter.is_whitespace()).collect();
    assert_eq!(letters.len(), KINDS.len(), "{name}");
    for (kind, letter) in KINDS.into_iter().zip(letters) {
        let text = text(kind);
        match (Document::save(&text, kind, TODAY), letter) {
            (Ok(_), '+') => assert!(Document::parse(&text, kind).is_ok(), "{name}, {}: {text}", kind.words()),
            (Err(error), '-') => {
                assert!(error.rule.entry().is_some(), "{name}: {error}");
                assert!(
                    text.is_char_boundary(error.offset) && error.offset <= text.len(),
                    "{name}: {error}"
                );
            }
            (result, _) => panic!(
                "{name}, {}: {text}: {}",
                kind.words(),
                result.map_or_else(|error| error.to_string(), |_| "saved".to_owned())
            ),
        }
    }
}

fn statement_row(name: &str, letters: &str, parts: Parts<'_>) {
    row(name, letters, |kind| {
        document(HEAD, &format!("[{{{}}}]", parts.members(kind)))
    });
}

fn more(name: &'static str, letters: &str) {
    statement_row(
        name,
        letters,
        Parts {
            more: name,
            ..Parts::default()
        },
    );
}

#[test]
fn the_base_of_every_row_is_legal() {
    statement_row("nothing changed", "+++ +++ + + ++", Parts::default());
    // One statement stands for a list of one (iam:G-02), and the order of members is free (iam:G-03).
    row("a bare statement", "+++ +++ + + ++", |kind| {
        document(HEAD, &format!("{{{}}}", Parts::default().members(kind)))
    });
    row("the statement first", "+++ +++ + + ++", |kind| {
        format!(
            r#"{{"Statement":{{{}}},"Version":"2012-10-17"}}"#,
            Parts::default().members(kind)
        )
    });
}

#[test]
fn members_of_the_document() {
    //                                   managed inline session  key bucket resource  trust  endpoint  scp rcp
    for (head, letters) in [
        ("", "-++ +++ + + --"),
        (r#""Version":"2008-10-17","#, "-++ +++ + + --"),
        (r#""Version":"2013-10-17","#, "--- --- - - --"),
        (r#""Version":"","#, "--- --- - - --"),
        (r#""Version":2012,"#, "--- --- - - --"),
        (r#""Version":null,"#, "--- --- - - --"),
        (r#""Version":"2012-10-17","Version":"2012-10-17","#, "--- --- - - --"),
        (r#""version":"2012-10-17","#, "--- --- - - --"),
        (r#""Version":"2012-10-17","Id":"x","#, "++- +++ + + --"),
        (r#""Version":"2012-10-17","Id":1,"#, "--- --- - - --"),
        (r#""Version":"2012-10-17","Comment":"x","#, "--- --- - - --"),
    ] {
        row(head, letters, |kind| {
            document(head, &format!("[{{{}}}]", Parts::default().members(kind)))
        });
    }
    for statements in ["[]", "null", "1", "\"x\"", "[1]", "[null]", "[[]]", "{}", "[{}]"] {
        row(statements, "--- --- - - --", |_| document(HEAD, statements));
    }
    for text in [
        "",
        "{",
        "[]",
        "null",
        "\"x\"",
        "{}",
        "{}{}",
        "x",
        "{\"Version\":\"2012-10-17\"}",
        "\u{feff}{}",
    ] {
        row(text, "--- --- - - --", |_| text.to_owned());
    }
}

#[test]
fn sids_and_unknown_members() {
    more(r#""Sid":"A1""#, "+++ +++ + + ++");
    more(r#""Sid":"""#, "+++ +++ + + ++");
    // Letters and digits only in IAM and STS (iam:G-30); a key policy takes spaces (svc:P-2).
    more(r#""Sid":"a b""#, "--- +++ - + ++");
    more(r#""Sid":1"#, "--- --- - - --");
    more(r#""Sid":null"#, "--- --- - - --");
    more(r#""Sid":["A"]"#, "--- --- - - --");
    for member in [
        r#""Comment":"x""#,
        r#""effect":"Deny""#,
        r#""Conditions":{}"#,
        r#""":1"#,
    ] {
        more(member, "--- --- - - --");
    }
    let twice = |sids: [&'static str; 2]| {
        move |kind: PolicyKind| {
            let members = Parts::default().members(kind);
            document(
                HEAD,
                &format!(
                    r#"[{{"Sid":"{}",{members}}},{{"Sid":"{}",{members}}}]"#,
                    sids[0], sids[1]
                ),
            )
        }
    };
    // observed: kp-duplicate-sid
    row("the same Sid twice", "--- +-- - - --", twice(["A", "A"]));
    row("two empty ones", "+++ +++ + + ++", twice(["", ""]));
    // iam:G-31
    row("another case", "+++ +++ + + ++", twice(["a", "A"]));
}

#[test]
fn effects() {
    let of = |effect, letters| {
        statement_row(
            effect,
            letters,
            Parts {
                effect: Some(effect),
                ..Parts::default()
            },
        )
    };
    of(r#""Effect":"Allow""#, "+++ +++ + + +-");
    of(r#""Effect":"Deny""#, "+++ +++ + + ++");
    for effect in [
        "",
        r#""Effect":"allow""#,
        r#""Effect":"DENY""#,
        r#""Effect":"Permit""#,
        r#""Effect":"""#,
        r#""Effect":1"#,
        r#""Effect":null"#,
        r#""Effect":["Deny"]"#,
        r#""Effect":"Deny","Effect":"Deny""#,
    ] {
        of(effect, "--- --- - - --");
    }
}

#[test]
fn principals() {
    let of = |principal, letters| {
        for effect in [None, Some(r#""Effect":"Deny""#)] {
            statement_row(
                principal,
                letters,
                Parts {
                    effect,
                    principal: Some(principal),
                    ..Parts::default()
                },
            );
        }
    };
    //                                   managed inline session  key bucket resource  trust  endpoint  scp rcp
    of("", "+++ --- - - +-");
    of(r#""Principal":"*""#, "--- +++ + + -+");
    for principal in [
        r#""Principal":{"AWS":"*"}"#,
        r#""Principal":{"AWS":["*"]}"#,
        r#""Principal":{"AWS":"111111111111"}"#,
        r#""Principal":{"AWS":"arn:aws:iam::111111111111:root"}"#,
        r#""Principal":{"AWS":"arn:aws:iam::111111111111:role/team/a"}"#,
        r#""Principal":{"AWS":"arn:aws:sts::111111111111:assumed-role/a/b"}"#,
        r#""Principal":{"Service":"delivery.logs.amazonaws.com"}"#,
        r#""Principal":{"AWS":"*","Service":["s3.amazonaws.com","lambda.amazonaws.com"]}"#,
    ] {
        of(principal, "--- +++ + + --");
    }
    for principal in [
        r#""Principal":"x""#,
        r#""Principal":1"#,
        r#""Principal":null"#,
        r#""Principal":[]"#,
        r#""Principal":["*"]"#,
        r#""Principal":{}"#,
        r#""Principal":{"AWS":[]}"#,
        r#""Principal":{"AWS":""}"#,
        r#""Principal":{"AWS":1}"#,
        r#""Principal":{"AWS":null}"#,
        r#""Principal":{"AWS":"1111"}"#,
        r#""Principal":{"AWS":"arn:aws:iam::111111111111:role/a*"}"#, // P-14
        r#""Principal":{"AWS":"arn:aws:iam::111111111111:user/a?"}"#,
        r#""Principal":{"AWS":"arn:aws:sts::111111111111:assumed-role/a/*"}"#, // P-54
        r#""Principal":{"AWS":"arn:aws:iam::111111111111:group/a"}"#,          // P-16
        r#""Principal":{"AWS":"arn:aws-cn:iam::111111111111:root"}"#,          // P-19
        r#""Principal":{"AWS":"arn:aws:s3:::b"}"#,
        r#""Principal":{"Service":"*"}"#, // P-15
        r#""Principal":{"Service":"x"}"#,
        r#""Principal":{"Service":""}"#,
        r#""Principal":{"Service":[]}"#,
        r#""Principal":{"Federated":"*"}"#,
        r#""Principal":{"CanonicalUser":"x"}"#, // P-12
        r#""Principal":{"Foo":"x"}"#,
        r#""Principal":{"aws":"*"}"#,
        r#""Principal":{"AWS":"*","AWS":"*"}"#, // G-06
        r#""Principal":"*","Principal":"*""#,
        r#""Principal":"*","NotPrincipal":{"AWS":[]}"#, // G-14
    ] {
        of(principal, "--- --- - - --");
    }
    let canonical = format!(r#""Principal":{{"CanonicalUser":"{}"}}"#, "0a".repeat(32));
    statement_row(
        &canonical,
        "--- -++ + - --",
        Parts {
            principal: Some(&canonical),
            ..Parts::default()
        },
    );
    // P-50, P-51
    let not = r#""NotPrincipal":{"AWS":"111111111111"}"#;
    statement_row(
        not,
        "--- --- - - --",
        Parts {
            principal: Some(not),
            ..Parts::default()
        },
    );
    let deny = Some(r#""Effect":"Deny""#);
    statement_row(
        not,
        "--- +++ - + --",
        Parts {
            principal: Some(not),
            effect: deny,
            ..Parts::default()
        },
    );
    let wild = r#""NotPrincipal":{"AWS":"arn:aws:iam::111111111111:role/a*"}"#;
    statement_row(
        wild,
        "--- --- - - --",
        Parts {
            principal: Some(wild),
            effect: deny,
            ..Parts::default()
        },
    );
}

#[test]
fn actions() {
    let of = |action, letters| {
        statement_row(
            action,
            letters,
            Parts {
                action: Some(action),
                ..Parts::default()
            },
        )
    };
    //                                   managed inline session  key bucket resource  trust  endpoint  scp rcp
    of(r#""Action":"*""#, "+++ +++ - + +-");
    of(r#""Action":["*"]"#, "+++ +++ - + +-");
    of(r#""Action":"s3:*""#, "+++ +++ - + ++");
    of(r#""Action":["s3:Get*","S3:putobject","s3:?"]"#, "+++ +++ - + ++");
    of(r#""Action":"s3:""#, "+++ +++ - + ++");
    of(r#""Action":"s3:GetObject,PutObject""#, "+++ +++ - + ++"); // G-42
    of(
        r#""Action":["sts:AssumeRole","STS:tagsession","sts:*"]"#,
        "+++ +++ + + ++",
    );
    of(r#""NotAction":"s3:*""#, "+++ +++ - + +-");
    of(r#""NotAction":"sts:TagSession""#, "+++ +++ + + +-");
    for action in [
        "",
        r#""Action":[]"#,
        r#""NotAction":[]"#,
        r#""Action":"""#,
        r#""Action":"GetObject""#,
        r#""Action":["s3:GetObject","GetObject"]"#,
        r#""Action":"s3:Get:Object""#,
        r#""Action":":x""#,
        r#""Action":"s*:x""#,
        r#""Action":"a a:x""#,
        r#""NotAction":"GetObject""#,
        r#""Action":1"#,
        r#""Action":null"#,
        r#""Action":[null]"#,
        r#""Action":{}"#,
        r#""Action":[["s3:*"]]"#,
        r#""Action":"sts:AssumeRole","NotAction":[]"#,
        r#""Action":"sts:AssumeRole","Action":"sts:AssumeRole""#,
    ] {
        of(action, "--- --- - - --");
    }
}

#[test]
fn resources() {
    let of = |resource, letters| {
        statement_row(
            resource,
            letters,
            Parts {
                resource: Some(resource),
                ..Parts::default()
            },
        )
    };
    //                                   managed inline session  key bucket resource  trust  endpoint  scp rcp
    of("", "--- --+ + - --");
    for resource in [
        r#""Resource":"*""#,
        r#""Resource":["*"]"#,
        r#""Resource":"arn:aws:s3:::some-bucket/*""#,
        r#""Resource":["arn:aws:s3:::some-bucket",null]"#, // G-10
        r#""Resource":"arn:*:s3:::some-bucket""#,          // G-51
        r#""Resource":"arn:aws:iam::111111111111:root""#,  // G-54
        r#""Resource":"arn:aws:s3:us-east-1:111111111111:accesspoint/x""#,
        r#""NotResource":"arn:aws:s3:::some-bucket""#,
    ] {
        of(resource, "+++ +++ - + ++");
    }
    // G-52, G-53, OQ-6
    of(r#""Resource":"arn:aws:sqs""#, "++- +++ - + --");
    for resource in [
        r#""Resource":[]"#,
        r#""NotResource":[]"#,
        r#""Resource":1"#,
        r#""Resource":null"#,
        r#""Resource":{}"#,
        r#""Resource":["*",1]"#,
        r#""Resource":"*","NotResource":[]"#,
        r#""Resource":"*","Resource":"*""#,
    ] {
        of(resource, "--- --- - - --");
    }
    // In a key policy any text is a pattern for the key (svc:K-14).
    for resource in [
        r#""Resource":"some-bucket""#,
        r#""Resource":"""#,
        r#""Resource":"arn:aws:*:::x""#,
        r#""Resource":"arn:sonny:s3:::some-bucket""#,
        r#""Resource":"arn:aws-cn:s3:::some-bucket""#,
        r#""Resource":"arn:aws:s3:us-east-1::some-bucket""#,
        r#""Resource":"arn:aws:s3:*::some-bucket""#,
        r#""Resource":"arn:aws:iam:*::user/x""#,
        r#""Resource":"arn:aws:iam:us-east-1::user/x""#,
        r#""Resource":"arn:aws:iam::111111111111:foo/x""#,
    ] {
        of(resource, "--- +-- - - --");
    }
}

#[test]
fn conditions() {
    for condition in [
        r#""Condition":{}"#, // G-65
        r#""Condition":{"StringEquals":{}}"#,
        r#""Condition":{"Foo":{}}"#, // G-62
        r#""Condition":{"StringEquals":{"a":"b"}}"#,
        r#""Condition":{"StringEquals":{"a":["b",1,true,2.5]}}"#, // G-09
        r#""Condition":{"StringEquals":{"a":[]}}"#,               // G-73
        r#""Condition":{"ForAnyValue:StringEqualsIfExists":{"a":"b"}}"#, // G-61
        r#""Condition":{"ForAllValues:Null":{"a":"true"}}"#,
        r#""Condition":{"NumericEquals":{"a":"x"}}"#, // G-66
        r#""Condition":{"Bool":{"a":"yes"}}"#,
        r#""Condition":{"IpAddress":{"aws:SourceIp":"x"}}"#,
        r#""Condition":{"DateEquals":{"a":"01T"}}"#, // C-33
        r#""Condition":{"StringEquals":{"a":"1"},"StringLike":{"a":"1"}}"#,
    ] {
        more(condition, "+++ +++ + + ++");
    }
    for condition in [
        r#""Condition":[]"#,   // G-60
        r#""Condition":null"#, // G-10
        r#""Condition":"x""#,
        r#""Condition":{"StringEquals":[]}"#,
        r#""Condition":{"StringEquals":"x"}"#,
        r#""Condition":{"StringEquals":{"a":null}}"#,
        r#""Condition":{"StringEquals":{"a":[null]}}"#,
        r#""Condition":{"StringEquals":{"a":{}}}"#,
        r#""Condition":{"StringEquals":{"a":[["b"]]}}"#,
        r#""Condition":{"Foo":{"a":"b"}}"#,
        r#""Condition":{"stringEquals":{"a":"b"}}"#, // C-20
        r#""Condition":{"StringEqualsifExists":{"a":"b"}}"#,
        r#""Condition":{"foranyvalue:StringEquals":{"a":"b"}}"#,
        r#""Condition":{"NullIfExists":{"a":"true"}}"#,  // G-61
        r#""Condition":{"BoolNotEquals":{"a":"true"}}"#, // C-21
        r#""Condition":{"NumericLike":{"a":"1"}}"#,
        r#""Condition":{"DateGreaterThan":{"a":"soon"}}"#, // G-66
        r#""Condition":{"DateLessThanIfExists":{"a":["2020-01-01","soon"]}}"#,
        r#""Condition":{"StringEquals":{"a":"1","A":"2"}}"#, // G-07
        r#""Condition":{"StringEquals":{"a":"1","a":"2"}}"#, // G-06
        r#""Condition":{"StringEquals":{},"StringEquals":{}}"#,
        r#""Condition":{},"Condition":{}"#,
    ] {
        more(condition, "--- --- - - --");
    }
    // svc:C-4
    more(
        r#""Condition":{"ForAllValues:StringEquals":{"kms:EncryptionContext:a":"x"}}"#,
        "+++ -++ + + ++",
    );
}

#[test]
fn the_first_fault_in_the_order_of_iam_is_told() {
    // iam:E-20 as corrected. Every document has all faults of the rows below its own.
    let managed = PolicyKind::Managed;
    let faults = [
        (r#""Comment":1,"#, "iam:E-01"),
        ("", "iam:E-02"),
        (r#""Version":"2012-10-17","#, "iam:E-03"),
    ];
    let body = |effect: &str| {
        format!(
            r#"[{{"Sid":"a b","Effect":"{effect}","Action":"s3:*","Resource":"*"}},{{"Sid":"A","Effect":"Allow","Principal":"*","Resource":"*"}},{{"Sid":"A","Effect":"Allow","Action":"x","Resource":"y"}},{{"Effect":"Allow","Action":"s3:*"}}]"#
        )
    };
    for (head, rule) in faults {
        let error = Document::save(&document(head, &body("allow")), managed, TODAY).expect_err(head);
        assert_eq!(error.rule.as_str(), rule, "{head}");
    }
    // Then one fault after the other is mended.
    let mut text = document(HEAD, &body("Allow"));
    for (rule, fault, mended) in [
        ("iam:G-30", "\"a b\"", "\"B\""),
        (
            "iam:E-04",
            "\"Sid\":\"A\",\"Effect\":\"Allow\",\"Principal\"",
            "\"Sid\":\"C\",\"Effect\":\"Allow\",\"Principal\"",
        ),
        ("iam:E-12", "\"Principal\":\"*\",\"Resource\"", "\"Resource\""),
        (
            "iam:E-05",
            "\"Effect\":\"Allow\",\"Resource\"",
            "\"Effect\":\"Allow\",\"Action\":\"s3:*\",\"Resource\"",
        ),
        ("iam:E-08", "\"y\"", "\"*\""),
        ("iam:E-06", "\"x\"", "\"s3:*\""),
    ] {
        let error = Document::save(&text, managed, TODAY).expect_err(&text);
        assert_eq!(error.rule.as_str(), rule, "{text}");
        assert!(text.contains(fault), "{fault}: {text}");
        text = text.replacen(fault, mended, 1);
    }
    refused(
        managed,
        &text,
        "iam:E-05",
        "Policy statement must contain resources.",
        r#"{"Effect":"Allow","Action":"s3:*"}]"#,
    );
}

#[test]
fn repeated_sids_are_told_before_a_missing_principal() {
    let doubled = r#"[{"Sid":"A","Effect":"Allow","Action":"s3:GetObject","Resource":"*"},{"Sid":"A","Effect":"Deny","Action":"s3:GetObject","Resource":"*"}]"#;
    refused(
        PolicyKind::Bucket,
        &document(HEAD, doubled),
        "iam:G-30",
        "",
        "\"A\",\"Effect\":\"Deny\"",
    );
    refused(
        PolicyKind::Trust,
        &document(HEAD, doubled),
        "iam:E-19",
        "The Statement Ids in the policy are not unique",
        "\"A\",\"Effect\":\"Deny\"",
    );
}
