//! The Case format as a reader and writer meets it: places of faults, hints, limits, round trips, the checked-in schema.
#![forbid(unsafe_code)]

use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use countersign_model::case::load::{MAX_CASE_BYTES, MAX_PROBLEMS, ProblemKind};
use countersign_model::case::schema::{SCHEMA_PATH, case_schema, case_schema_text};
use countersign_model::case::{Case, CaseError, PolicyText, Step, Syntax, load_all, load_str, to_json, to_yaml};
use miette::Diagnostic;

/// A small world that is right; each row of the table spoils one line of it.
const GOOD: &str = r#"countersign: 1
id: test.small
title: "A small case: one key, one bucket"
source: [{document: 001_8e37a473940a29b8}]
evidence: recorded
rules: [svc:K-1]
origin: handwritten
as_of: 2025-01-08
quirks: {notprincipal_strict: false}
world:
  region: ap-northeast-1
  clock: 2025-01-08T00:00:00Z
  propagation: 0s
  accounts:
    "123456789012":
      users: {admin: {attached: ["arn:aws:iam::aws:policy/AdministratorAccess"]}}
      roles:
        RoleB: {policies: {s3: {Version: "2012-10-17", Statement: [{Effect: Allow, Action: "s3:*", Resource: "*"}]}}}
      keys:
        example:
          state: Enabled
          aliases: [alias/example]
          policy: {Version: "2012-10-17", Statement: [{Effect: Allow, Principal: {AWS: "{{root.arn}}"}, Action: "kms:*", Resource: "*", Condition: {Bool: {"aws:SecureTransport": true}}}]}
          grants: {g: {GranteePrincipal: "{{role.RoleB.arn}}", Operations: [Decrypt]}}
      buckets:
        my-bucket:
          encryption: {sse: "aws:kms", key: example}
          objects: {a.txt: {body: hello}}
    "210987654321":
      users: {other: {}}
steps:
  - name: first
    as: {user: admin}
    call: kms:CreateGrant
    with: {KeyId: "{{key.example.arn}}", GranteePrincipal: "{{role.RoleB.arn}}", Operations: [Decrypt]}
    save: {grant: GrantId}
    expect: {decision: allow, output: {GrantId: "{{saved.grant}}"}}
  - name: second
    kind: observed
    as: {role: RoleB, session: DownloadSession}
    call: s3:GetObject
    with: {Bucket: my-bucket, Key: a.txt}
    context: {"aws:SourceIp": 203.0.113.7}
    expect: {decision: allow, checks: [{action: s3:GetObject, decision: allow}]}
  - {advance: 10m}
  - {settle: true}
"#;

/// What a spoiled file is told: (what is replaced, by what, code, line of the place, text that the message holds).
const FAULTS: &[(&str, &str, &str, usize, &str)] = &[
    ("countersign: 1", "countersign: 2", "value", 1, "format version 2"),
    ("id: test.small", "id: Test Small", "value", 2, "dotted name"),
    (
        "evidence: recorded",
        "evidence: recordet",
        "shape",
        5,
        "did you mean `recorded`?",
    ),
    (
        "rules: [svc:K-1]",
        "rules: [svc:K-1x]",
        "unknown_rule",
        6,
        "did you mean `svc:K-1`?",
    ),
    (
        "document: 001_8e37a473940a29b8",
        "note: nothing",
        "value",
        4,
        "a document, url, issue or repository",
    ),
    ("as_of: 2025-01-08", "as_of: 2025-13-08", "shape", 8, "month"),
    (
        "notprincipal_strict",
        "notprincipal_strikt",
        "quirk",
        9,
        "did you mean `notprincipal_strict`?",
    ),
    (
        "notprincipal_strict: false",
        "notprincipal_strict: 1",
        "quirk",
        9,
        "takes true or false",
    ),
    ("propagation: 0s", "propagation: soon", "value", 13, "not a duration"),
    ("\"123456789012\":", "\"12345678901\":", "shape", 15, "twelve digits"),
    (
        "users: {admin: {attached:",
        "users: {admin: {atached:",
        "unknown_field",
        16,
        "did you mean `attached`?",
    ),
    (
        "arn:aws:iam::aws:policy/AdministratorAccess",
        "AdministratorAccess",
        "unknown_name",
        16,
        "managed policy",
    ),
    (
        "Effect: Allow, Action: \"s3:*\"",
        "Effect: Allow, Effect: Deny, Action: \"s3:*\"",
        "duplicate",
        18,
        "duplicate",
    ),
    (
        "Statement: [{Effect: Allow, Action: \"s3:*\", Resource: \"*\"}]",
        "Statement: [{Sid: 012345678901, Effect: Allow}]",
        "bare_scalar",
        18,
        "012345678901",
    ),
    (
        "Statement: [{Effect: Allow, Action: \"s3:*\", Resource: \"*\"}]",
        "Statement: [{Sid: 5, Effect: Allow}]",
        "bare_scalar",
        18,
        "bare number `5`",
    ),
    (
        "Statement: [{Effect: Allow, Action: \"s3:*\", Resource: \"*\"}]",
        "Statement: [{Sid: true, Effect: Allow}]",
        "bare_scalar",
        18,
        "bare boolean `true`",
    ),
    (
        "\"aws:SecureTransport\": true",
        "\"aws:SecureTransport\": True",
        "bare_scalar",
        23,
        "`True` would be read as `true`",
    ),
    (
        "state: Enabled",
        "state: Enabledd",
        "value",
        21,
        "did you mean `Enabled`?",
    ),
    (
        "aliases: [alias/example]",
        "aliases: [example]",
        "value",
        22,
        "prefix `alias/`",
    ),
    ("{{root.arn}}", "{{root.arm}}", "bad_reference", 23, "ends with"),
    (
        "{{root.arn}}",
        "{{root.arn}}",
        "ambiguous_account",
        23,
        "123456789012 and 210987654321",
    ),
    (
        "grants: {g: {GranteePrincipal: \"{{role.RoleB.arn}}\"",
        "grants: {g: {GranteePrincipal: \"{{role.RoleC.arn}}\"",
        "unknown_name",
        24,
        "did you mean `RoleB`?",
    ),
    (
        "key: example}",
        "key: exemple}",
        "unknown_name",
        27,
        "did you mean `example`?",
    ),
    ("sse: \"aws:kms\"", "sse: \"kms\"", "value", 27, "AES256"),
    (
        "as: {user: admin}",
        "as: {user: admn}",
        "unknown_name",
        33,
        "did you mean `admin`?",
    ),
    (
        "as: {user: admin}",
        "as: {user: admin, role: RoleB}",
        "shape",
        33,
        "exactly one of",
    ),
    (
        "call: kms:CreateGrant",
        "call: kms:CreatGrant",
        "unknown_operation",
        34,
        "did you mean `kms:CreateGrant`?",
    ),
    (
        "call: kms:CreateGrant",
        "call: CreateGrant",
        "shape",
        34,
        "service:Name",
    ),
    (
        "save: {grant: GrantId}",
        "save: {grnt: GrantId}",
        "unknown_name",
        37,
        "did you mean `grnt`?",
    ),
    (
        "Operations: [Decrypt]}\n    save",
        "Operations: [Decrypt], BypassPolicyLockoutSafetyCheck: true}\n    save",
        "lockout_bypass",
        35,
        "kms:PutKeyPolicy",
    ),
    (
        "expect: {decision: allow, checks",
        "expect: {checks",
        "shape",
        38,
        "expect.decision",
    ),
    (
        "name: second",
        "name: first",
        "duplicate",
        38,
        "two steps are named `first`",
    ),
    (
        "session: DownloadSession",
        "sesion: DownloadSession",
        "unknown_field",
        40,
        "did you mean `session`?",
    ),
    (
        "\"aws:SourceIp\": 203.0.113.7",
        "\"aws:PrincipalArn\": x",
        "value",
        43,
        "not a fact",
    ),
    ("{advance: 10m}", "{advance: 10 minutes}", "value", 45, "not a duration"),
    (
        "{settle: true}",
        "{settle: true, advance: 1m}",
        "shape",
        46,
        "exactly one of",
    ),
    (
        "{settle: true}",
        "{setle: true}",
        "unknown_field",
        46,
        "did you mean `settle`?",
    ),
    ("- {settle: true}", "- [settle: true", "syntax", 46, "bracket"),
];

#[test]
fn a_right_file_loads() {
    let case = load_str("good.yaml", &good(), Syntax::Yaml).unwrap_or_else(|error| panic!("{error}"));
    assert_eq!(case.id, "test.small");
    assert_eq!(case.steps.len(), 4);
    let world = case.world.expect("the case has a world");
    let account = world.accounts.values().next().expect("it has an account");
    // The policy keeps the order and the types that were written.
    let PolicyText::Document(policy) = account.keys["example"].policy.clone().expect("the key has a policy") else {
        panic!("the policy is a mapping")
    };
    assert_eq!(policy.keys().collect::<Vec<_>>(), ["Version", "Statement"]);
    assert_eq!(policy["Statement"][0]["Condition"]["Bool"]["aws:SecureTransport"], true);
}

/// The base of every row: the key policy names the account, so that `{{root.arn}}` is the only ambiguous reference of one row.
fn good() -> String {
    GOOD.replace("{{root.arn}}", "{{123456789012.root.arn}}")
}

#[test]
fn every_fault_is_told_with_its_place_and_a_hint() {
    for (from, to, code, line, says) in FAULTS {
        let base = if from.contains("root.arn") {
            GOOD.to_owned()
        } else {
            good()
        };
        assert!(base.contains(from), "the table is stale: `{from}`");
        let text = base.replacen(from, to, 1);
        let error = match load_str("spoiled.yaml", &text, Syntax::Yaml) {
            Ok(_) => panic!("`{to}` was accepted"),
            Err(error) => error,
        };
        let told: Vec<String> = error
            .problems()
            .iter()
            .map(|problem| describe(&error, problem))
            .collect();
        let wanted = format!("{code}@{line}");
        assert!(
            error.problems().iter().any(|problem| {
                let text = describe(&error, problem);
                text.starts_with(&wanted) && text.contains(says)
            }),
            "`{to}`: wanted {wanted} with `{says}`, got {told:#?}"
        );
        assert!(
            error
                .code()
                .is_some_and(|code| code.to_string().starts_with("countersign::case::"))
        );
        assert!(error.source_code().is_some() && error.labels().is_some());
    }
}

fn describe(error: &CaseError, problem: &countersign_model::case::load::Problem) -> String {
    let (line, _) = error.position(problem);
    format!(
        "{}@{line} {problem} {}",
        problem.kind.code(),
        problem.help.as_deref().unwrap_or("")
    )
}

#[test]
fn a_label_points_at_the_very_reference() {
    let text = good().replace("{{key.example.arn}}", "{{key.exampel.arn}}");
    let error = load_str("spoiled.yaml", &text, Syntax::Yaml).expect_err("the key does not exist");
    let [problem] = error.problems() else { panic!("{error}") };
    assert_eq!(&text[problem.span.clone()], "{{key.exampel.arn}}");
    assert_eq!(error.position(problem), (35, 20));
    assert!(matches!(&problem.kind, ProblemKind::UnknownName { name, .. } if name == "exampel"));
}

#[test]
fn all_problems_of_a_file_are_told_at_once() {
    let text = good()
        .replace("svc:K-1", "svc:K-1x")
        .replace("user: admin}", "user: admn}")
        .replace("10m", "soon");
    let error = load_str("spoiled.yaml", &text, Syntax::Yaml).expect_err("three faults");
    assert_eq!(error.problems().len(), 3, "{error}");
    assert_eq!(error.related().map(Iterator::count), Some(2));
}

#[test]
fn yaml_1_2_words_stay_texts() {
    for word in ["On", "off", "yes", "No", "y", "0o17x", "1.2.3", "2025-01-08"] {
        let text = good().replace("body: hello", &format!("body: {word}"));
        let case = load_str("words.yaml", &text, Syntax::Yaml).unwrap_or_else(|error| panic!("{word}: {error}"));
        let world = case.world.expect("the case has a world");
        let body = world
            .accounts
            .values()
            .next()
            .map(|account| account.buckets["my-bucket"].objects["a.txt"].body.clone());
        assert_eq!(body.as_deref(), Some(word));
    }
}

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
