//! Files with one fault each: what is told about it, where, and with which hint.

use countersign_model::case::load::ProblemKind;
use countersign_model::case::{CaseError, PolicyText, Syntax, load_str};
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
pub(crate) fn good() -> String {
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

/// Found by fuzzing: a request for what only looks like a key's ARN was decided by two readings in two ways.
#[test]
fn what_an_evaluator_is_asked_about_is_an_arn_or_a_star() {
    let one = "  request: {principal: anonymous, action: kms:Decrypt, resource: RESOURCE}\n";
    let listed = "  requests:\n  - {principal: anonymous, action: kms:Decrypt, resource: \"*\", expect: {decision: error}}\n  - {principal: anonymous, action: kms:Decrypt, resource: RESOURCE}\n";
    for (requests, line) in [(one, 6), (listed, 8)] {
        let head = "countersign: 1\nid: test.resource\ntitle: A resource\norigin: handwritten\nevaluate:\n";
        let written = |resource: &str| format!("{head}{}", requests.replace("RESOURCE", resource));
        for wrong in [
            "ari:aws:kms:us-east-1:111111111111:key/k",
            "arn:aws:kms:us-east-1:k",
            "\"\"",
            "' *'",
        ] {
            let error = load_str("resource.yaml", &written(wrong), Syntax::Yaml).expect_err(wrong);
            let [problem] = error.problems() else {
                panic!("{error:?}")
            };
            let told = describe(&error, problem);
            assert!(
                told.starts_with(&format!("value@{line} ")) && told.contains("neither an ARN nor `*`"),
                "{told}"
            );
        }
        for right in [
            "'*'",
            "arn:aws:kms:us-east-1:111111111111:key/k",
            "'arn:aws:s3:::bucket/a:b'",
        ] {
            load_str("resource.yaml", &written(right), Syntax::Yaml)
                .unwrap_or_else(|error| panic!("{right}: {error:?}"));
        }
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
