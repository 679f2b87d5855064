//! Hostile files: deep, huge, repeated. Each ends in bounded time with an error that can be told.

use std::time::{Duration, Instant};

use countersign_model::case::load::{MAX_CASE_BYTES, MAX_PROBLEMS};
use countersign_model::case::{CaseError, Syntax, load_str};

#[test]
fn hostile_input_ends_with_an_error() {
    let deep = format!("{}{}", "[".repeat(100_000), "]".repeat(100_000));
    let deep_map = "a: {".repeat(5000);
    let bomb = {
        let mut text = String::from("a0: &a0 [x, x, x, x, x, x, x, x, x, x]\n");
        for level in 1..12 {
            let below = level - 1;
            text.push_str(&format!(
                "a{level}: &a{level} [{}]\n",
                vec![format!("*a{below}"); 10].join(", ")
            ));
        }
        text
    };
    let large = "#".repeat(MAX_CASE_BYTES + 1);
    let texts = [
        "",
        "\u{0}",
        "---",
        "null",
        "- 1",
        "{{",
        "a: *b",
        "&a [*a]",
        "? {a: b}\n: c",
        "!!binary x: y",
        "\u{feff}",
        "a:\n\t- b",
        &deep,
        &deep_map,
        &bomb,
        &large,
        "{\"a\":1,\"a\":2}",
        "countersign: 1\nid: x\nevaluate: 5",
    ];
    for text in texts {
        for syntax in [Syntax::Yaml, Syntax::Json] {
            assert!(
                load_str("hostile", text, syntax).is_err(),
                "{syntax:?}: {:?}",
                text.chars().take(40).collect::<String>()
            );
        }
    }
}

/// Far more than an unoptimized build needs on a busy machine, far less than anything quadratic takes.
const PATIENCE: Duration = Duration::from_secs(30);

/// Loads and tells everything about a file; the error if it is none.
fn survives(name: &str, text: String, syntax: Syntax) -> Option<CaseError> {
    let start = Instant::now();
    let loaded = load_str(name, &text, syntax);
    if let Err(error) = &loaded {
        assert!(
            !error.problems().is_empty() && error.problems().len() <= MAX_PROBLEMS,
            "{name}"
        );
        assert!(error.to_string().len() < 4_000_000, "{name}: nobody reads that much");
        for problem in error.problems() {
            assert!(
                text.get(problem.span.clone()).is_some(),
                "{name}: {problem:?} is not in the file"
            );
        }
    }
    assert!(start.elapsed() < PATIENCE, "{name}: {:?}", start.elapsed());
    loaded.err()
}

#[test]
fn huge_files_cost_no_more_than_their_reading() {
    const HEAD: &str = "countersign: 1\nid: test.huge\nworld:\n  accounts:\n    \"111122223333\":\n";
    let repeated = "      users: {}\n".repeat(100_000);
    assert!(survives("repeated members", format!("{HEAD}{repeated}"), Syntax::Yaml).is_some());
    let members = vec!["\"a\":1"; 100_000].join(",");
    assert!(survives("repeated members", format!("{{{members}}}"), Syntax::Json).is_some());
    let rules: String = (0..20_000).map(|number| format!("- svc:X-{number}x\n")).collect();
    let text =
        format!("countersign: 1\nid: test.huge\nrules:\n{rules}world: {{accounts: {{\"111122223333\": {{}}}}}}\n");
    assert!(survives("unknown rules", text, Syntax::Yaml).is_some());
    let references: String = (0..100_000).map(|number| format!("{{{{saved.x{number}}}}}")).collect();
    let step = format!("steps:\n  - {{as: {{root: true}}, call: kms:ListKeys, with: {{KeyId: \"{references}\"}}}}\n");
    assert!(
        survives(
            "unknown references",
            format!("{HEAD}      users: {{}}\n{step}"),
            Syntax::Yaml
        )
        .is_some()
    );
    let buckets: String = (0..10_000)
        .map(|number| format!("        Bad_Name_{number}: {{}}\n"))
        .collect();
    assert!(survives("bad names", format!("{HEAD}      buckets:\n{buckets}"), Syntax::Yaml).is_some());
    let policies: String = (0..10_000)
        .map(|number| format!("            p{number}: \"not json\"\n"))
        .collect();
    let text = format!("{HEAD}      users:\n        u:\n          policies:\n{policies}");
    assert!(survives("bad policies", text, Syntax::Yaml).is_some());
    let long = "x".repeat(7 * 1024 * 1024);
    let text = format!("{HEAD}      keys: {{k: {{policy: \"{long}\"}}}}\n");
    assert!(survives("a long text", text, Syntax::Yaml).is_some());
    let statement = r#"{Effect: Allow, Principal: "*", Action: "kms:*", Resource: "*"}"#;
    let text = format!(
        "{HEAD}      keys: {{k: {{policy: {{Version: \"2012-10-17\", Statement: [{}]}}}}}}\n",
        vec![statement; 15_000].join(", ")
    );
    assert!(survives("many statements", text, Syntax::Yaml).is_some(), "svc:P-1");
    let users: String = (0..20_000)
        .map(|number| format!("        user-{number}: {{}}\n"))
        .collect();
    assert!(survives("many users", format!("{HEAD}      users:\n{users}"), Syntax::Yaml).is_none());
    let stars = "*a".repeat(10_000);
    let text = format!(
        "{HEAD}      keys: {{k: {{policy: {{Version: \"2012-10-17\", Statement: [{{Effect: Allow, Principal: \"*\", Action: \"kms:{stars}\", Resource: \"*\"}}]}}}}}}\n"
    );
    assert!(survives("stars", text, Syntax::Yaml).is_none());
}
