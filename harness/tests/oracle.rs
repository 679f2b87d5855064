//! `countersign evaluate` and `countersign rules`: the stdio protocol with everything that may come in, files for people, the
//! catalogue.

use std::io::Write as _;
use std::process::{Command, Output, Stdio};

use countersign::protocol::{MAX_LINE_BYTES, serve};
use serde_json::{Value, json};

/// Everything that comes back for some input.
fn answers(input: &[u8]) -> Vec<Value> {
    let mut output = Vec::new();
    serve(input, &mut output).expect("slices can be read and written");
    let text = String::from_utf8(output).expect("answers are UTF-8");
    text.lines()
        .map(|line| serde_json::from_str(line).expect("an answer is one JSON object a line"))
        .collect()
}

fn answer(line: &str) -> Value {
    let mut all = answers(line.as_bytes());
    assert_eq!(all.len(), 1, "{line}: {all:?}");
    all.remove(0)
}

fn request(action: &str) -> Value {
    json!({
        "request": {"principal": "arn:aws:iam::111111111111:user/u", "action": action, "resource": "arn:aws:s3:::b/k"},
        "policies": {"identity": [{"Version": "2012-10-17", "Statement": [
            {"Effect": "Allow", "Action": "s3:*", "Resource": "*"},
            {"Effect": "Deny", "Action": "s3:PutObject", "Resource": "*"},
        ]}]},
    })
}

const WORLD: &str = r#"{"accounts":{"111122223333":{
    "users":{"alice":{"policies":{"kms":{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"kms:Encrypt","Resource":"*"}]}}}},
    "keys":{"k":{}}}}}"#;

fn step(operation: &str) -> Value {
    let mut with = json!({"KeyId": "{{key.k.arn}}"});
    if operation == "kms:Encrypt" {
        with["Plaintext"] = json!({"text": "hello"});
    }
    json!({"as": {"user": "alice"}, "call": operation, "with": with})
}

#[test]
fn a_whole_conversation() {
    let world: Value = serde_json::from_str(WORLD).expect("the world is JSON");
    let lines = [
        json!({"cmd": "hello", "protocol": 1}),
        json!({"cmd": "evaluate", "seq": 1, "id": "a", "evaluate": request("s3:GetObject")}),
        json!({"cmd": "evaluate", "seq": 2, "id": "b", "evaluate": request("s3:PutObject")}),
        json!({"cmd": "evaluate", "seq": 3, "id": "c", "evaluate": request("kms:Decrypt")}),
        json!({"cmd": "begin", "seq": 4, "id": "w", "world": world}),
        json!({"cmd": "step", "seq": 5, "step": step("kms:Encrypt")}),
        json!({"cmd": "step", "seq": 6, "step": step("kms:DescribeKey")}),
        json!({"cmd": "end", "seq": 7}),
        json!({"cmd": "step", "seq": 8, "step": step("kms:Encrypt")}),
        json!({"cmd": "bye"}),
        json!({"cmd": "hello", "protocol": 1}),
    ];
    let input: String = lines.iter().map(|line| format!("{line}\n")).collect();
    let answers = answers(input.as_bytes());
    assert_eq!(answers.len(), 9, "nothing comes after bye: {answers:#?}");
    assert_eq!(answers[0]["protocol"], 1);
    assert_eq!(answers[0]["implementation"]["name"], "countersign-model");
    assert_eq!(answers[1]["decision"], "allow");
    assert_eq!(answers[2]["decision"], "explicit_deny");
    assert_eq!(answers[2]["blamed"], "identity");
    assert!(answers[2]["explain"][0]["gates"].is_array());
    assert_eq!(answers[3]["decision"], "implicit_deny");
    assert_eq!(answers[4], json!({"seq": 4, "ok": true}));
    assert_eq!(answers[5]["decision"], "allow");
    assert!(answers[5]["output"]["CiphertextBlob"].is_string());
    assert_eq!(answers[6]["decision"], "deny");
    assert_eq!(answers[6]["code"], "AccessDeniedException");
    assert_eq!(answers[6]["status"], 400);
    assert!(
        answers[6]["message"]
            .as_str()
            .is_some_and(|text| text.contains("kms:DescribeKey"))
    );
    assert_eq!(answers[7], json!({"seq": 7, "ok": true}));
    assert!(
        answers[8]["error"]["message"]
            .as_str()
            .is_some_and(|text| text.contains("begin"))
    );
    for (position, answer) in answers.iter().enumerate().skip(1) {
        assert_eq!(answer["seq"], position, "an answer has the number of its question");
    }
}

/// Lines that cannot be answered: what comes in, the byte that is named, a word of the message.
const GARBAGE: &[(&str, u64, &str)] = &[
    ("", 0, "empty"),
    ("   ", 0, "empty"),
    ("hello", 0, ""),
    ("{\"cmd\":", 6, "EOF"),
    ("{\"cmd\": \"hello\", \"protocol\": 1} {}", 32, "several"),
    ("[1, 2]", 0, "object"),
    ("42", 0, "object"),
    ("{}", 0, "`cmd`"),
    ("{\"cmd\": 5}", 8, "`cmd`"),
    ("{\"cmd\": \"hello\"}", 0, "`protocol`"),
    ("{\"cmd\": \"hello\", \"protocol\": 9}", 29, "protocol 9"),
    ("{\"cmd\": \"hello\", \"protocol\": \"1\"}", 29, ""),
    ("{\"cmd\": \"end\", \"cmd\": \"end\"}", 15, "cmd"),
    ("{\"cmd\": \"end\", \"seqq\": 1}", 23, "`seq`"),
    ("{\"cmd\": \"end\", \"seq\": -1}", 22, ""),
    (
        "{\"cmd\": \"evaluate\", \"seq\": 1, \"evaluate\": {\"polices\": {}}}",
        43,
        "polices",
    ),
    ("{\"cmd\": \"evaluate\", \"seq\": 1, \"evaluate\": {}}", 42, "request"),
    (
        "{\"cmd\": \"evaluate\", \"seq\": 1, \"quirks\": {\"x\": true}, \"evaluate\": {}}",
        65,
        "unknown quirk",
    ),
    (
        "{\"cmd\": \"begin\", \"seq\": 1, \"world\": {\"accounts\": {\"12\": {}}}}",
        50,
        "account id",
    ),
    (
        "{\"cmd\": \"step\", \"seq\": 1, \"step\": {\"advance\": \"1h\", \"settle\": true}}",
        35,
        "exactly one",
    ),
];

#[test]
fn garbage_is_answered_with_its_byte_and_nothing_is_fatal() {
    let mut wrong = Vec::new();
    for (line, byte, word) in GARBAGE {
        let input = format!("{line}\n{{\"cmd\":\"end\",\"seq\":7}}\n");
        let answers = answers(input.as_bytes());
        assert_eq!(answers.len(), 2, "{line}: {answers:?}");
        let error = &answers[0]["error"];
        assert!(
            error["message"].as_str().is_some_and(|text| text.contains(word)),
            "{line}: {error}"
        );
        if error["byte"] != *byte {
            wrong.push(format!("{line}: byte {byte} is expected: {error}"));
        }
        if line.contains("\"seq\": 1") {
            assert_eq!(answers[0]["seq"], 1, "{line}");
        }
        assert_eq!(
            answers[1],
            json!({"seq": 7, "ok": true}),
            "{line}: the next line is answered"
        );
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn bytes_that_are_no_text_and_endless_lines_are_survived() {
    let mut input = b"{\"cmd\": \"\xff\xfe\"}\n".to_vec();
    input.extend(b"{\"cmd\": \"");
    input.extend(std::iter::repeat_n(b'x', 10_000_000));
    input.extend(b"\"}\n");
    input.extend(b"[".repeat(1_000_000));
    input.extend(b"\n{\"cmd\": \"end\", \"seq\": 1}\r\n{\"cmd\": \"end\", \"seq\": 2}");
    let answers = answers(&input);
    assert_eq!(answers.len(), 5, "{answers:?}");
    assert_eq!(answers[0]["error"]["byte"], 9);
    assert_eq!(answers[1]["error"]["byte"], MAX_LINE_BYTES);
    assert!(answers[2]["error"].is_object());
    assert_eq!(
        answers[3],
        json!({"seq": 1, "ok": true}),
        "a carriage return is white space"
    );
    assert_eq!(
        answers[4],
        json!({"seq": 2, "ok": true}),
        "the last line needs no line break"
    );
    assert_eq!(self::answers(b""), [] as [Value; 0], "the end of the input is the end");
}

#[test]
fn unknown_commands_are_said_to_be_unsupported() {
    assert_eq!(
        answer(r#"{"cmd":"snapshot","seq":12,"whatever":[1]}"#),
        json!({"seq": 12, "unsupported": true})
    );
}

#[test]
fn duplicate_members_inside_a_policy_are_seen() {
    let twice = r#"{\"Version\":\"2012-10-17\",\"Statement\":[{\"Effect\":\"Allow\",\"Effect\":\"Deny\",\"Action\":\"s3:*\",\"Resource\":\"*\"}]}"#;
    let line = |policy: &str| {
        format!(
            r#"{{"cmd":"evaluate","seq":1,"evaluate":{{"request":{{"principal":"arn:aws:iam::111111111111:user/u","action":"s3:GetObject","resource":"arn:aws:s3:::b/k"}},"policies":{{"identity":["{policy}"]}}}}}}"#
        )
    };
    // The last Effect of a stored document counts (iam:G-06).
    assert_eq!(answer(&line(twice))["decision"], "explicit_deny");
    let unusable = answer(&line("{"));
    assert_eq!(unusable["decision"], "error");
    assert_eq!(unusable["error"]["document"], "identity[0]");
    assert_eq!(unusable["error"]["byte"], 1);
    assert!(unusable["error"]["rule"].is_string());
}

#[test]
fn quirks_dates_and_several_requests_are_taken() {
    let mut several = request("s3:GetObject");
    let first = several["request"].take();
    several.as_object_mut().expect("an object").remove("request");
    let mut second = first.clone();
    second["action"] = "s3:PutObject".into();
    several["requests"] = json!([first, second]);
    let both = answer(&json!({"cmd": "evaluate", "seq": 1, "evaluate": several}).to_string());
    let decisions: Vec<&Value> = both["answers"]
        .as_array()
        .expect("several requests have several answers")
        .iter()
        .map(|answer| &answer["decision"])
        .collect();
    assert_eq!(decisions, ["allow", "explicit_deny"]);
    // Before November 2021 a denial gave no reason (svc:X-3).
    let line = |as_of: &str| json!({"cmd": "evaluate", "as_of": as_of, "evaluate": request("kms:Decrypt")}).to_string();
    let message = |as_of: &str| {
        answer(&line(as_of))["message"]
            .as_str()
            .map(str::to_owned)
            .unwrap_or_default()
    };
    assert!(
        message("2025-01-08").contains("because no"),
        "{}",
        message("2025-01-08")
    );
    assert!(
        !message("2021-01-08").contains("because no"),
        "{}",
        message("2021-01-08")
    );
    // A plain operator on a list (iam:OQ-25).
    let listed = |quirks: Value| {
        let mut case = request("s3:GetObject");
        case["policies"]["identity"][0]["Statement"] = json!([
            {"Effect": "Allow", "Action": "s3:*", "Resource": "*", "Condition": {"StringEquals": {"aws:TagKeys": "a"}}},
        ]);
        case["request"]["context"] = json!({"aws:TagKeys": ["a", "b"]});
        answer(&json!({"cmd": "evaluate", "quirks": quirks, "evaluate": case}).to_string())["decision"].clone()
    };
    assert_eq!(listed(json!({})), "implicit_deny");
    assert_eq!(listed(json!({"plain_operator_on_multivalued": "any"})), "allow");
}

#[test]
fn a_world_that_cannot_be_leaves_no_world() {
    let bad = WORLD
        .replace("\"k\":{}", "\"k\":{\"policy\":\"no policy\"}")
        .replace('\n', "");
    let good = WORLD.replace('\n', "");
    let input = format!(
        "{{\"cmd\":\"begin\",\"seq\":1,\"world\":{good}}}\n{{\"cmd\":\"begin\",\"seq\":2,\"world\":{bad}}}\n{}\n",
        json!({"cmd": "step", "seq": 3, "step": step("kms:Encrypt")})
    );
    let answers = answers(input.as_bytes());
    assert_eq!(answers[0]["ok"], true);
    assert!(
        answers[1]["error"]["unsavable"]
            .as_str()
            .is_some_and(|what| what.contains('k')),
        "{}",
        answers[1]
    );
    assert!(answers[2]["error"].is_object(), "{}", answers[2]);
}

fn countersign(arguments: &[&str], input: &str) -> Output {
    let mut child = Command::new(env!("CARGO_BIN_EXE_countersign"))
        .current_dir(format!("{}/..", env!("CARGO_MANIFEST_DIR")))
        .args(arguments)
        .env("NO_COLOR", "1")
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("the binary of this package runs");
    // A command that reads nothing may have ended already.
    let _ = child.stdin.take().expect("it is piped").write_all(input.as_bytes());
    child.wait_with_output().expect("it ends")
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

#[test]
fn the_command_speaks_the_protocol() {
    let output = countersign(
        &["evaluate"],
        "{\"cmd\":\"hello\",\"protocol\":1}\nnonsense\n{\"cmd\":\"bye\"}\n",
    );
    assert_eq!(output.status.code(), Some(0), "{}", text(&output.stderr));
    let out = text(&output.stdout);
    let lines: Vec<&str> = out.lines().collect();
    assert_eq!(lines.len(), 2, "{out}");
    assert!(lines[0].contains("\"capabilities\""), "{out}");
    assert!(lines[1].contains("\"error\""), "{out}");
    assert_eq!(
        countersign(&["evaluate"], "").status.code(),
        Some(0),
        "the end of the input is no fault"
    );
}

#[test]
fn the_documents_hold_in_the_model() {
    for file in [
        "000_sse_kms_ec2_role",
        "001_grant_role_b",
        "002_sse_s3_vs_sse_kms",
        "003_lambda_environment_grant",
        "004_backup_service_principal",
    ] {
        let output = countersign(&["evaluate", &format!("scenarios/{file}.yaml")], "");
        let out = text(&output.stdout);
        assert_eq!(output.status.code(), Some(0), "{out}{}", text(&output.stderr));
        insta::assert_snapshot!(format!("evaluate-{}", &file[..3]), out);
    }
}

#[test]
fn a_file_is_answered_line_by_line_with_its_exit_code() {
    let folder = std::env::temp_dir().join(format!("countersign-oracle-{}", std::process::id()));
    std::fs::create_dir_all(&folder).expect("the temporary folder can be made");
    let path = folder.join("case.yaml");
    let yaml = |decision: &str| {
        format!(
            "countersign: 1\nid: test.oracle\nevaluate:\n  requests:\n    - {{principal: 'arn:aws:iam::111111111111:user/u', action: 's3:GetObject', resource: 'arn:aws:s3:::b/\\x1b[31mk', expect: {{decision: {decision}}}}}\n  policies: {{}}\n"
        )
        .replace('\'', "\"")
    };
    let ask = |text: &str, json: bool| {
        std::fs::write(&path, text).expect("the temporary folder can be written");
        let path = path.to_str().expect("the path is text");
        let arguments = if json {
            vec!["evaluate", "--json", path]
        } else {
            vec!["evaluate", path]
        };
        countersign(&arguments, "")
    };
    let good = ask(&yaml("implicit_deny"), false);
    assert_eq!(good.status.code(), Some(0), "{}", text(&good.stderr));
    let out = text(&good.stdout);
    assert!(out.starts_with("ok      implicit_deny (identity)"), "{out}");
    assert!(
        out.contains("\\u{1b}[31m") && !out.contains('\u{1b}'),
        "escapes show as text: {out}"
    );
    let wrong = ask(&yaml("allow"), false);
    assert_eq!(wrong.status.code(), Some(1));
    assert!(text(&wrong.stdout).contains("DIFFERS"), "{}", text(&wrong.stdout));
    let lines = ask(&yaml("allow"), true);
    let line: Value = serde_json::from_slice(&lines.stdout).expect("one request is one JSON line");
    assert_eq!(line["as_expected"], false);
    assert_eq!(line["decision"], "implicit_deny");
    let bad = ask("countersign: 1\nid: x\nevaluat: {}\n", false);
    assert_eq!(bad.status.code(), Some(2), "{}", text(&bad.stdout));
    assert!(text(&bad.stderr).contains("evaluat"), "{}", text(&bad.stderr));
    std::fs::remove_dir_all(&folder).expect("the folder was ours");
}

#[test]
fn rules_are_listed_and_explained() {
    let list = countersign(&["rules"], "");
    assert_eq!(list.status.code(), Some(0));
    let catalogue = countersign_model::rule::catalogue();
    let out = text(&list.stdout);
    assert_eq!(out.lines().count(), catalogue.len(), "one line a rule");
    let json = countersign(&["rules", "--json"], "");
    let json: Value = serde_json::from_slice(&json.stdout).expect("--json is JSON");
    assert_eq!(json.as_array().map(Vec::len), Some(catalogue.len()));
    let explained = countersign(&["rules", "svc:K-20", "iam:OQ-11"], "");
    let explained = text(&explained.stdout);
    assert!(
        explained.contains("s3.sse-kms.grant.role-b-temporary-decrypt"),
        "{explained}"
    );
    assert_eq!(
        explained.matches("the rule is in the trace of both").count(),
        2,
        "{explained}"
    );
    // The scenarios are left out: every new case would be another text.
    let lasting: Vec<&str> = explained
        .lines()
        .filter(|line| !line.starts_with("     ") && !line.starts_with("  scenarios"))
        .collect();
    insta::assert_snapshot!("rules", lasting.join("\n"));
}

#[test]
fn an_unknown_rule_is_told_the_nearest() {
    for (id, near) in [
        ("svc:K-2O", "svc:K-2"),
        ("k20", "`iam:K-20`"),
        ("svc-k-20", "`svc:K-20`"),
        ("nonsense", "lists all"),
    ] {
        let output = countersign(&["rules", id], "");
        let message = text(&output.stderr);
        assert_eq!(output.status.code(), Some(2), "{id}: {message}");
        assert!(message.contains(near), "{id}: {message}");
    }
}
