//! Hostile texts: huge, deep, repeated, full of stars. Each ends in bounded time with an error or an answer, on a small stack.

use std::time::{Duration, Instant};

use super::{TODAY, one};
use crate::policy::pattern::ActionPattern;
use crate::policy::{Document, PolicyKind};

const KINDS: [PolicyKind; 5] = [
    PolicyKind::Bucket,
    PolicyKind::Managed,
    PolicyKind::Key,
    PolicyKind::Trust,
    PolicyKind::ServiceControl,
];

/// Far more than an unoptimized build needs on a busy machine, far less than anything quadratic takes.
const PATIENCE: Duration = Duration::from_secs(20);

/// Reads a text as every kind, to save and to use, on a stack of 256 KiB. The answer for a bucket policy that is stored.
fn survives(name: &str, text: String) -> bool {
    // A megabyte is read in a second or so when nothing is optimized: one kind is enough for the huge ones.
    let kinds = if text.len() > 1_000_000 {
        &KINDS[..1]
    } else {
        &KINDS[..]
    };
    let reader = std::thread::Builder::new().stack_size(256 * 1024).spawn(move || {
        let (start, own_start) = (Instant::now(), own_time());
        for &kind in kinds {
            let _ = Document::save(&text, kind, TODAY).map_err(|error| error.to_string());
            let _ = Document::parse(&text, kind).map_err(|error| error.to_string());
        }
        let answer = Document::parse(&text, PolicyKind::Bucket).is_ok();
        let own = own_time().zip(own_start).map(|(end, start)| end.saturating_sub(start));
        (answer, own.unwrap_or_else(|| start.elapsed()))
    });
    let ended = reader.expect("a thread can be made").join();
    let (answer, taken) = ended.unwrap_or_else(|_| panic!("{name}: the reader panicked"));
    assert!(taken < PATIENCE, "{name}: {taken:?}");
    answer
}

/// The processor time that this thread has had, where the system tells: what others do on the machine is not counted.
fn own_time() -> Option<Duration> {
    let statistics = std::fs::read_to_string("/proc/thread-self/schedstat").ok()?;
    let nanoseconds = statistics.split_whitespace().next()?.parse().ok()?;
    Some(Duration::from_nanos(nanoseconds))
}

#[test]
fn nesting_is_bounded() {
    for (open, close) in [("[", "]"), ("{\"a\":", "}"), ("[{\"Condition\":", "}]")] {
        for closed in [true, false] {
            let end = if closed { close.repeat(100_000) } else { String::new() };
            assert!(
                !survives("nesting", format!("{}1{end}", open.repeat(100_000))),
                "{open}"
            );
        }
    }
    let deep = format!("{}1{}", "[".repeat(100_000), "]".repeat(100_000));
    for element in ["Principal", "Action", "Resource", "Condition", "Sid"] {
        assert!(!survives(
            element,
            one(&format!(r#""Effect":"Allow","{element}":{deep}"#))
        ));
    }
}

#[test]
fn size_costs_no_more_than_its_reading() {
    const BYTES: usize = 10 * 1024 * 1024;
    let statement = r#"{"Effect":"Allow","Principal":"*","Action":"s3:GetObject","Resource":"*"}"#;
    let many = vec![statement; BYTES / statement.len()].join(",");
    assert!(survives(
        "statements",
        format!(r#"{{"Version":"2012-10-17","Statement":[{many}]}}"#)
    ));
    let long = "x".repeat(BYTES);
    assert!(!survives("one string", format!("\"{long}\"")));
    assert!(survives(
        "a long value",
        one(&format!(
            r#""Effect":"Allow","Principal":"*","Action":"s3:*","Resource":"*","Condition":{{"StringEquals":{{"a":"{long}"}}}}"#
        ))
    ));
    assert!(!survives("white space", " ".repeat(BYTES)));
    assert!(!survives("escapes", format!("\"{}", "\\u0041".repeat(BYTES / 6))));
    let values = vec!["\"v\""; BYTES / 40].join(",");
    assert!(survives(
        "many values",
        one(&format!(
            r#""Effect":"Allow","Principal":"*","Action":[{}],"Resource":"*","Condition":{{"StringEquals":{{"a":[{values}]}}}}"#,
            vec!["\"s3:x\""; 100_000].join(",")
        ))
    ));
}

#[test]
fn repeated_members_are_found_in_one_pass() {
    const TIMES: usize = 100_000;
    let repeated = |member: &str| vec![member; TIMES].join(",");
    assert!(!survives(
        "Version",
        format!(r#"{{{},"Statement":[]}}"#, repeated(r#""Version":"2012-10-17""#))
    ));
    assert!(survives(
        "Action",
        one(&format!(
            r#""Effect":"Allow","Principal":"*","Resource":"*",{}"#,
            repeated(r#""Action":"s3:*""#)
        ))
    ));
    assert!(!survives(
        "Sid",
        one(&format!(
            r#""Effect":"Allow","Principal":"*","Action":"s3:*","Resource":"*",{}"#,
            repeated(r#""Sid":"A""#)
        ))
    ));
    assert!(!survives(
        "keys",
        one(&format!(
            r#""Effect":"Allow","Principal":"*","Action":"s3:*","Resource":"*","Condition":{{"StringEquals":{{{}}}}}"#,
            repeated(r#""a":"1""#)
        ))
    ));
    assert!(!survives(
        "Principal",
        one(&format!(
            r#""Effect":"Allow","Principal":{{{}}},"Action":"s3:*","Resource":"*""#,
            repeated(r#""AWS":"*""#)
        ))
    ));
    let statements: Vec<String> = (0..TIMES)
        .map(|_| r#"{"Sid":"A","Effect":"Allow","Principal":"*","Action":"s3:*","Resource":"*"}"#.to_owned())
        .collect();
    assert!(survives(
        "Sids",
        format!(r#"{{"Version":"2012-10-17","Statement":[{}]}}"#, statements.join(","))
    ));
}

#[test]
fn stars_are_read_in_linear_time() {
    let stars = "*a".repeat(10_000);
    assert!(survives(
        "stars",
        one(&format!(
            r#""Effect":"Allow","Principal":"*","Action":"s3:{stars}b","Resource":"arn:aws:s3:::{stars}c","Condition":{{"StringLike":{{"a":"{stars}d"}},"ArnLike":{{"b":"arn:aws:s3:::{stars}"}}}}"#
        ))
    ));
    // Matching them is linear too: a star never tries again what a later star took over.
    let start = Instant::now();
    let text = "a".repeat(200_000);
    let pattern = ActionPattern::parse(&format!("s3:{stars}b"), 0);
    assert!(!pattern.matches("s3", &text));
    assert!(pattern.matches("s3", &format!("{text}b")));
    let questions = ActionPattern::parse(&format!("s3:*{}*b", "?".repeat(10_000)), 0);
    assert!(!questions.matches("s3", &text));
    assert!(start.elapsed() < PATIENCE, "{:?}", start.elapsed());
    let variables = "${aws:username}".repeat(10_000);
    assert!(survives(
        "variables",
        one(&format!(
            r#""Effect":"Allow","Principal":"*","Action":"s3:*","Resource":"arn:aws:s3:::{variables}","Condition":{{"StringLike":{{"a":"{variables}"}}}}"#
        ))
    ));
    assert!(survives(
        "open variables",
        one(&format!(
            r#""Effect":"Allow","Principal":"*","Action":"s3:*","Resource":"arn:aws:s3:::{}""#,
            "${".repeat(50_000)
        ))
    ));
}

#[test]
fn odd_characters_are_characters() {
    for text in [
        "\u{0}",
        "{\"a\u{0}\":1}",
        "\"\\ud800\"",
        "\u{feff}{}",
        "{\u{a0}}",
        "{\"\\u0000\":1}",
    ] {
        assert!(!survives(text, text.to_owned()), "{text:?}");
    }
    assert!(survives(
        "a NUL that is escaped",
        one(
            r#""Effect":"Allow","Principal":"*","Action":"s3:*","Resource":"*","Condition":{"StringEquals":{"a":"\u0000"}}"#
        )
    ));
}
