//! Text that wants to hurt: deep, long, broken, repeated. Whatever it is, the answer comes soon and is no panic.

use std::time::{Duration, Instant};

use super::super::{MAX_POLICY_CHARACTERS, Policy, PolicyErrorKind, PolicyKind, glob_matches};
use super::save;

/// What one document may take on a busy machine without optimisation. A quadratic check of what is below takes
/// minutes.
const SOON: Duration = Duration::from_secs(10);

const KINDS: [PolicyKind; 5] = [
    PolicyKind::IdentityManaged,
    PolicyKind::Trust,
    PolicyKind::KeyPolicy,
    PolicyKind::BucketPolicy,
    PolicyKind::VpcEndpoint,
];

#[track_caller]
fn soon<T>(what: &str, work: impl FnOnce() -> T) -> T {
    let started = Instant::now();
    let result = work();
    let took = started.elapsed();
    assert!(took < SOON, "{what} took {took:?}");
    result
}

/// Saves and stores a text in every kind; nothing of it may be usable.
#[track_caller]
fn refused(what: &str, text: &str) {
    for kind in KINDS {
        assert!(soon(what, || save(kind, text)).is_err(), "{what} {kind:?}");
        let stored = soon(what, || Policy::stored(kind, text));
        assert!(stored.unusable().is_some(), "{what} {kind:?}");
        assert!(stored.statements().is_empty(), "{what} {kind:?}");
    }
}

#[test]
fn deep_nesting() {
    for (open, close) in [("[", "]"), ("{\"a\":", "}")] {
        let depth = 100_000;
        refused("bare", &open.repeat(depth));
        let text = format!("{}1{}", open.repeat(depth), close.repeat(depth));
        refused("closed", &text);
        // Short enough to be looked at, in the place where nesting is legal.
        let inner = format!("{}1{}", open.repeat(5_000), close.repeat(5_000));
        refused(
            "condition",
            &format!(
                r#"{{"Version":"2012-10-17","Statement":{{"Effect":"Allow","Principal":"*","Action":"s3:*","Resource":"*","Condition":{{"StringEquals":{{"a":{inner}}}}}}}}}"#
            ),
        );
    }
}

#[test]
fn ten_megabytes() {
    let ten = 10 * 1024 * 1024;
    refused("blanks", &" ".repeat(ten));
    refused("a text without end", &format!("\"{}", "a".repeat(ten)));
    let actions = vec!["\"s3:GetObject\""; ten / 15].join(",");
    refused(
        "a long list",
        &format!(
            r#"{{"Version":"2012-10-17","Statement":[{{"Effect":"Allow","Principal":"*","Action":[{actions}],"Resource":"*"}}]}}"#
        ),
    );
    for kind in KINDS {
        let error = save(kind, &" ".repeat(ten)).expect_err("too long for every kind");
        assert_eq!(error.kind, PolicyErrorKind::Characters, "{kind:?}");
    }
}

#[test]
fn a_hundred_thousand_members() {
    for name in ["Effect", "Sid", "Condition", "x"] {
        let members = vec![format!("\"{name}\":\"Allow\""); 100_000].join(",");
        refused("in a statement", &format!(r#"{{"Statement":[{{{members}}}]}}"#));
    }
    // As many as a stored policy may have: the last one counts (`iam:G-06`).
    let effects = vec![r#""Effect":"Deny""#; 25_000].join(",");
    let text = format!(
        r#"{{"Version":"2012-10-17","Statement":[{{"Action":"s3:*","Resource":"*",{effects},"Effect":"Allow"}}]}}"#
    );
    let stored = soon("repeated effects", || Policy::stored(PolicyKind::IdentityInline, &text));
    assert!(stored.unusable().is_none(), "{:?}", stored.unusable());
    assert_eq!(stored.statements().len(), 1);
    // Distinct members of a condition block are legal, and none is looked up in a list.
    let keys: Vec<String> = (0..8_000).map(|index| format!("\"k:{index}\":1")).collect();
    let text = format!(
        r#"{{"Version":"2012-10-17","Statement":{{"Effect":"Allow","Action":"s3:*","Resource":"*","Condition":{{"StringEquals":{{{}}}}}}}}}"#,
        keys.join(",")
    );
    assert!(text.len() <= MAX_POLICY_CHARACTERS);
    let saved = soon("condition keys", || save(PolicyKind::IdentityInline, &text));
    assert_eq!(
        saved.expect("every key is distinct").statements()[0].conditions.len(),
        8_000
    );
    let sids: Vec<String> = (0..1_800)
        .map(|index| format!(r#"{{"Sid":"S{index}","Effect":"Allow","Action":"s3:*","Resource":"*"}}"#))
        .collect();
    let text = format!(r#"{{"Version":"2012-10-17","Statement":[{}]}}"#, sids.join(","));
    let saved = soon("sids", || save(PolicyKind::IdentityInline, &text));
    assert_eq!(saved.expect("every Sid is distinct").statements().len(), 1_800);
}

#[test]
fn globs_do_not_backtrack() {
    for pattern in [
        "*a".repeat(2_000),
        "a*".repeat(2_000),
        "*a?".repeat(1_500),
        "*".repeat(5_000),
    ] {
        let pattern = format!("{pattern}b");
        let text = "a".repeat(10_000);
        assert!(!soon("a glob", || glob_matches(&pattern, &text)), "{pattern:.20}");
        assert!(
            soon("a glob", || glob_matches(&pattern, &format!("{text}b"))),
            "{pattern:.20}"
        );
        let document = format!(
            r#"{{"Version":"2012-10-17","Statement":{{"Effect":"Allow","Action":"s3:{pattern}","Resource":"arn:aws:s3:::{pattern}"}}}}"#
        );
        soon("a policy of globs", || save(PolicyKind::IdentityManaged, &document)).expect("a pattern is a pattern");
    }
}

#[test]
fn broken_text() {
    for text in [
        "",
        "\u{feff}{}",
        "{\"Statement\":[{\"Effect\":\"Allow\",\"Sid\":\"\\ud800\"}]}",
        "{\"Version\":\"2012-10-17\",\"Statement\":[{\"Effect\":\"All\0ow\"}]}",
        "{\"Version\":\"2012-10-17\",\"Statement\":[{}]}}",
        "{\"Version\":\"2012-10-17\",\"Statement\":[{\"Effect\":\"Allow\",\"Action\":1e999999999,\"Resource\":\"*\"}]}",
        "NaN",
        "{\"Statement\":[{\"Effect\":\"Allow\"",
        "'{}'",
    ] {
        refused(text, text);
    }
}
