//! The forms of a Case: which exclude each other, what survives a round trip, and the checked-in schema.

use std::path::{Path, PathBuf};

use countersign_model::case::schema::{SCHEMA_PATH, case_schema, case_schema_text};
use countersign_model::case::{Case, Step, Syntax, load_all, load_str, to_json, to_yaml};

use crate::faults::good;

#[test]
fn forms_of_a_case_exclude_each_other() {
    let request = "request: {principal: anonymous, action: s3:GetObject, resource: \"*\"}";
    let table = [
        (
            "countersign: 1\nid: a".to_owned(),
            "`world` with `steps`, or `evaluate`",
        ),
        (
            format!("countersign: 1\nid: a\nworld: {{}}\nevaluate: {{{request}, policies: {{}}}}"),
            "excludes `world`",
        ),
        (
            "countersign: 1\nid: a\nworld: {}\nexpect: {decision: deny}".to_owned(),
            "belongs to its steps",
        ),
        (
            format!("countersign: 1\nid: a\nevaluate: {{{request}, policies: {{}}}}\nsteps: [{{settle: true}}]"),
            "excludes `steps`",
        ),
        (
            "countersign: 1\nid: a\nevaluate: {policies: {}}".to_owned(),
            "needs `request`",
        ),
    ];
    for (text, says) in table {
        let error = load_str("form.yaml", &text, Syntax::Yaml).expect_err(&text);
        assert!(error.to_string().contains(says), "{error}");
    }
    let right =
        format!("countersign: 1\nid: a\nevaluate: {{{request}, policies: {{}}}}\nexpect: {{decision: implicit_deny}}");
    load_str("right.yaml", &right, Syntax::Yaml).unwrap_or_else(|error| panic!("{error}"));
}

#[test]
fn several_documents_are_several_cases_with_different_ids() {
    let one = good();
    let two = format!("{one}---\n{}", one.replace("test.small", "test.other"));
    assert_eq!(
        load_all("two.yaml", &two, Syntax::Yaml).map(|cases| cases.len()).ok(),
        Some(2)
    );
    assert!(
        load_str("two.yaml", &two, Syntax::Yaml)
            .expect_err("two cases")
            .to_string()
            .contains("not 2")
    );
    let same = format!("{one}---\n{one}");
    let error = load_all("same.yaml", &same, Syntax::Yaml).expect_err("one id twice");
    assert!(error.to_string().contains("stands twice"), "{error}");
    assert_eq!(error.position(&error.problems()[0]).0, one.lines().count() + 3);
}

#[test]
fn writing_and_reading_back_changes_nothing() {
    let mut cases = vec![load_str("good.yaml", &good(), Syntax::Yaml).unwrap_or_else(|error| panic!("{error}"))];
    // Texts that a careless writer would change.
    let awkward = [
        "yes",
        "On",
        "null",
        "~",
        "012345678901",
        "1e3",
        "0x10",
        "true",
        " leading",
        "trailing ",
        "a: b",
        "# no comment",
        "line\nbreak",
        "end\n",
        "\n",
        "tab\there",
        "\"quoted\"",
        "'single'",
        "- x",
        "日本語",
        "\u{1f511}",
        "&a",
        "*a",
        "!t",
        "%d",
        "@x",
        "`y`",
        "\r\n",
        "",
        "\u{7f}",
        "\u{85}",
        "\u{2028}",
        "a very long text that a writer would like to fold over several lines because it is far longer than eighty columns",
    ];
    for text in awkward {
        let mut case = cases[0].clone();
        case.title = Some(text.to_owned());
        if let Some(world) = &mut case.world {
            for account in world.accounts.values_mut() {
                if let Some(bucket) = account.buckets.get_mut("my-bucket") {
                    bucket.tags.insert(format!("{text}."), text.to_owned());
                }
            }
        }
        if let Some(Step::Call(call)) = case.steps.last_mut() {
            // The parameter of a call may hold any text; a policy of the world has to be one.
            call.with.insert("Policy".to_owned(), text.into());
            call.with.insert("Body".to_owned(), text.into());
        }
        cases.push(case);
    }
    for case in &cases {
        let json = to_json(case).expect("a case is JSON");
        let yaml = to_yaml(case).expect("a case is YAML");
        assert_eq!(&read(&json, Syntax::Json), case, "{json}");
        assert_eq!(&read(&yaml, Syntax::Yaml), case, "{yaml}");
    }
}

fn read(text: &str, syntax: Syntax) -> Case {
    load_str("round-trip", text, syntax).unwrap_or_else(|error| panic!("{error}\n{text}"))
}

#[test]
fn the_checked_in_schema_is_the_schema_of_the_types() {
    let path = root().join(SCHEMA_PATH);
    let text = case_schema_text();
    if std::env::var_os("UPDATE_SCHEMA").is_some() {
        std::fs::create_dir_all(path.parent().expect("the schema lies in a folder")).expect("the folder can be made");
        std::fs::write(&path, &text).expect("the schema can be written");
    }
    let kept = std::fs::read_to_string(&path).unwrap_or_default();
    assert!(
        kept == text,
        "{SCHEMA_PATH} is stale: run the tests with UPDATE_SCHEMA=1"
    );
}

#[test]
fn the_schema_accepts_the_written_form_and_refuses_unknown_fields() {
    let validator = jsonschema::validator_for(&case_schema()).expect("the schema is a schema");
    let case = load_str("good.yaml", &good(), Syntax::Yaml).unwrap_or_else(|error| panic!("{error}"));
    let mut value = serde_json::to_value(&case).expect("a case is JSON");
    assert!(
        validator.is_valid(&value),
        "{:?}",
        validator
            .iter_errors(&value)
            .map(|error| error.to_string())
            .collect::<Vec<_>>()
    );
    value["steps"][0]["endpoint"] = "http://localhost".into();
    assert!(!validator.is_valid(&value));
}

/// The root of the workspace.
fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .parent()
        .expect("the crate lies in the workspace")
        .to_owned()
}
