//! Policy texts before both readings: the seeds of the fuzz target, and each text on which they once differed or broke.

use countersign::policy_texts::{differences, unsound};

/// Hostile texts: each is answered or refused in bounded time, alike on both sides.
#[test]
fn hostile_texts_are_answered_alike() {
    let deep = format!("{}{}", "[".repeat(100_000), "]".repeat(100_000));
    let deep_condition = format!(
        r#"{{"Version":"2012-10-17","Statement":[{{"Condition":{}1{}}}]}}"#,
        r#"{"a":"#.repeat(5_000),
        "}".repeat(5_000)
    );
    let stars = format!(
        r#"{{"Version":"2012-10-17","Statement":[{{"Effect":"Allow","Action":"s3:{}b","Resource":"arn:aws:s3:::{}c"}}]}}"#,
        "*a".repeat(2_000),
        "*?".repeat(2_000)
    );
    let texts = [
        "",
        "null",
        "{}",
        "[]",
        "\"\"",
        "{\"Version\":\"2012-10-17\"",
        "\u{feff}{}",
        "{\"Statement\":[{}]}",
        "{\"Statement\":[null]}",
        "{\"Version\":\"2012-10-17\",\"Version\":\"2012-10-17\",\"Statement\":[]}",
        &deep,
        &deep_condition,
        &stars,
    ];
    for text in texts {
        let found = differences(text);
        assert!(
            found.is_empty(),
            "{}: {found:#?}",
            text.chars().take(120).collect::<String>()
        );
    }
}

#[test]
fn what_the_seeds_save_can_be_used() {
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/../fuzz/corpus/policy_parse");
    let mut seen = 0;
    for entry in std::fs::read_dir(folder).expect("the seeds are part of the repository") {
        let path = entry.expect("the folder can be listed").path();
        let Ok(text) = std::fs::read_to_string(&path) else {
            continue;
        };
        let found = unsound(&text);
        assert!(found.is_empty(), "{}: {found:#?}", path.display());
        seen += 1;
    }
    assert!(seen >= 4, "only {seen} seeds");
}
