//! Other programs as targets: the protocol as an adapter sees it, and every way in which an adapter can fail. The adapters are small
//! shell scripts, the two Python ones of `adapters/`, and Countersign's own model.

use std::path::{Path, PathBuf};
use std::process::{Command, Output};
use std::time::{Duration, Instant};

use countersign::differential::{CaseReport, DisagreementKind, StepStatus, run_case};
use countersign::target::{AdapterOptions, AdapterTarget, Target as _, TargetError};
use countersign_model::case::{Case, Decision};
use serde_json::json;

struct Folder(PathBuf);

impl Folder {
    fn new(name: &str) -> Self {
        let path = std::env::temp_dir().join(format!("countersign-adapter-{name}-{}", std::process::id()));
        let _ = std::fs::remove_dir_all(&path);
        std::fs::create_dir_all(&path).expect("the temporary folder can be made");
        Self(path)
    }

    /// A shell script that runs in this folder; answers the command that starts it.
    fn script(&self, text: &str) -> AdapterOptions {
        let path = self.0.join("adapter.sh");
        let text = format!("cd '{}'\n{text}\n", self.0.display());
        std::fs::write(&path, text).expect("the temporary folder can be written");
        let mut options =
            AdapterOptions::of_command_line(&format!("sh '{}'", path.display())).expect("the command line splits");
        options.limit = Duration::from_millis(1500);
        options
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

/// Says hello with these capabilities and this comparison.
fn hello(capabilities: &str, compare: &str) -> String {
    format!(
        r#"read line; echo '{{"protocol":1,"implementation":{{"name":"script","version":"1"}},"capabilities":[{capabilities}],"compare":"{compare}"}}'"#
    )
}

fn start(options: AdapterOptions) -> AdapterTarget {
    AdapterTarget::start(options).expect("the script says hello")
}

/// u may read b/k; the answer of the model is allow.
fn allowed() -> Case {
    case(
        json!({"identity": [{"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "s3:GetObject", "Resource": "*"}]}]}),
    )
}

fn case(policies: serde_json::Value) -> Case {
    serde_json::from_value(json!({
        "countersign": 1,
        "id": "test.adapter",
        "evaluate": {
            "request": {"principal": "arn:aws:iam::111111111111:user/u", "action": "s3:GetObject", "resource": "arn:aws:s3:::b/k"},
            "policies": policies,
        },
    }))
    .expect("the sample is a case")
}

fn ask(target: &mut AdapterTarget, case: &Case) -> CaseReport {
    let report = run_case(case, target).expect("the sample can be run");
    assert!(report.reconciles(), "{report:?}");
    report
}

/// The fault of the only request.
fn fault(report: &CaseReport) -> &TargetError {
    match &report.steps[0].status {
        StepStatus::Error { error } => error,
        other => panic!("expected a fault, got {other:?}"),
    }
}

#[test]
fn what_an_adapter_may_do_wrong_is_its_fault_and_said() {
    /// What stands in the script after hello, whether it is the protocol that was broken, and what the fault says.
    const FAULTS: &[(&str, &str, bool, &[&str])] = &[
        (
            "garbage",
            r"read line; printf 'Traceback \033[31m(most recent\n'; cat > /dev/null",
            true,
            &["is not JSON", "Traceback \\u{1b}[31m(most recent"],
        ),
        (
            "wrong-seq",
            r#"read line; echo '{"seq":99,"decision":"allow"}'; cat > /dev/null"#,
            true,
            &["to request 99", "1 was asked"],
        ),
        (
            "no-seq",
            r#"read line; echo '{"decision":"allow"}'; cat > /dev/null"#,
            true,
            &["no `seq`"],
        ),
        (
            "no-answer",
            r#"read line; echo '{"seq":1}'; cat > /dev/null"#,
            true,
            &["says nothing"],
        ),
        (
            "not-utf8",
            r"read line; printf '\377\376\n'; cat > /dev/null",
            true,
            &["not UTF-8"],
        ),
        (
            "talks-unasked",
            r#"echo 'ready!'; read line; echo '{"seq":1,"decision":"allow"}'; cat > /dev/null"#,
            true,
            &["ready!"],
        ),
        (
            "silent",
            r"read line; echo thinking hard >&2; sleep 60",
            false,
            &["no answer", "1.5 s", "thinking hard"],
        ),
        (
            "crash",
            r"read line; echo 'out of memory' >&2; exit 9",
            false,
            &["ended", "9", "out of memory"],
        ),
        (
            "half-a-line",
            r#"read line; printf '{"seq":1,"deci'; exit 0"#,
            true,
            &["not JSON", "deci"],
        ),
    ];
    for (name, script, protocol, parts) in FAULTS {
        let folder = Folder::new(name);
        let mut target = start(folder.script(&format!("{}\n{script}", hello(r#""evaluate""#, "decision"))));
        let report = ask(&mut target, &allowed());
        let error = fault(&report);
        assert_eq!(
            matches!(error, TargetError::Protocol { .. }),
            *protocol,
            "{name}: {error}"
        );
        assert_eq!(
            matches!(error, TargetError::Transport { .. }),
            !*protocol,
            "{name}: {error}"
        );
        for part in *parts {
            assert!(error.to_string().contains(part), "{name}: {error}");
        }
        assert!(error.to_string().len() < 6_000, "{name}: what is shown is bounded");
    }
}

#[test]
fn an_adapter_that_crashes_is_started_again_once() {
    let folder = Folder::new("again");
    // The first process dies of its first request; the second answers.
    let script = format!(
        "{}\nread line\nif [ ! -e crashed ]; then touch crashed; exit 1; fi\necho '{{\"seq\":2,\"decision\":\"allow\"}}'; cat > /dev/null",
        hello(r#""evaluate""#, "decision")
    );
    let mut target = start(folder.script(&script));
    let report = ask(&mut target, &allowed());
    assert!(report.agrees(), "{report:?}");
}

#[test]
fn an_adapter_that_keeps_crashing_is_given_up() {
    let folder = Folder::new("given-up");
    let script = format!(
        "echo x >> starts\n{}\nread line; exit 1",
        hello(r#""evaluate""#, "decision")
    );
    let mut target = start(folder.script(&script));
    let faults: Vec<String> = (0..6)
        .map(|_| fault(&ask(&mut target, &allowed())).to_string())
        .collect();
    assert!(faults[2].contains("ended"), "{faults:?}");
    assert!(faults[3..].iter().all(|fault| fault.contains("given up")), "{faults:?}");
    let starts = std::fs::read_to_string(folder.0.join("starts")).expect("the script was started");
    assert_eq!(starts.lines().count(), 6, "two processes for each of three requests");
}

#[test]
fn what_an_adapter_does_not_declare_it_is_not_asked() {
    let folder = Folder::new("skips");
    let script = format!(
        "{}\nwhile read line; do echo asked >> asked; echo '{{\"seq\":1,\"skipped\":\"moon_phase\"}}'; done",
        hello(r#""evaluate""#, "decision")
    );
    let mut target = start(folder.script(&script));
    for (policies, capability) in [
        (json!({"session": []}), "session"),
        (json!({"service_control": [[]]}), "scp"),
        (
            json!({"permissions_boundary": {"Version": "2012-10-17", "Statement": []}}),
            "permissions_boundary",
        ),
    ] {
        let report = ask(&mut target, &case(policies));
        let expected = StepStatus::Skipped {
            reason: capability.to_owned(),
        };
        assert_eq!(report.steps[0].status, expected);
    }
    assert!(!folder.0.join("asked").exists(), "nothing was asked");
    let report = ask(&mut target, &allowed());
    let expected = StepStatus::Skipped {
        reason: "moon_phase".to_owned(),
    };
    assert_eq!(
        report.steps[0].status, expected,
        "a skip of the adapter names the capability"
    );
    assert!(!target.takes_worlds() && target.takes_evaluator_cases());
}

#[test]
fn only_what_an_adapter_stands_for_is_compared() {
    // Nobody allows: the model blames the identity policies.
    let denied = case(json!({}));
    for (compare, answer, kinds) in [
        ("decision", r#""decision":"implicit_deny","blamed":"scp""#, None),
        (
            "decision",
            r#""decision":"implicit_deny","blamed":"resource""#,
            Some(vec![]),
        ),
        ("decision", r#""decision":"deny""#, Some(vec![])),
        (
            "decision",
            r#""decision":"explicit_deny""#,
            Some(vec![DisagreementKind::Decision]),
        ),
        (
            "decision",
            r#""decision":"allow""#,
            Some(vec![DisagreementKind::Decision]),
        ),
        (
            "decision",
            r#""error":{"message":"no such operator"}"#,
            Some(vec![DisagreementKind::Decision]),
        ),
        (
            "decision+blamed",
            r#""decision":"implicit_deny","blamed":"resource""#,
            Some(vec![DisagreementKind::Expectation]),
        ),
        (
            "full",
            r#""decision":"implicit_deny","blamed":"identity""#,
            Some(vec![]),
        ),
    ] {
        let folder = Folder::new("compare");
        let script = format!(
            "{}\nread line; echo '{{\"seq\":1,{answer}}}'; cat > /dev/null",
            hello(r#""evaluate""#, compare)
        );
        let mut target = start(folder.script(&script));
        let report = ask(&mut target, &denied);
        match kinds {
            // A policy type that is none breaks the protocol, whatever is compared.
            None => assert!(matches!(fault(&report), TargetError::Protocol { .. }), "{report:?}"),
            Some(kinds) => {
                let found: Vec<_> = report.disagreements().map(|(_, one)| one.kind).collect();
                assert_eq!(found, kinds, "{compare}: {answer}: {report:?}");
                let observed = report.steps[0].observed.as_ref().expect("there is an answer");
                assert_eq!(
                    observed.decision == Decision::Allow,
                    answer.contains("allow"),
                    "{answer}"
                );
            }
        }
    }
}

#[test]
fn a_dropped_adapter_is_gone_with_what_it_started() {
    let folder = Folder::new("drop");
    // The script does not read, does not leave when told to, and has a child.
    let script = format!(
        "trap '' TERM\n{}\nsleep 600 & echo $! > child; echo $$ > parent\nwhile true; do sleep 1; done",
        hello(r#""evaluate""#, "decision")
    );
    let target = start(folder.script(&script));
    let pid = |name: &str| {
        let path = folder.0.join(name);
        let until = Instant::now() + Duration::from_secs(5);
        loop {
            match std::fs::read_to_string(&path) {
                Ok(text) if text.ends_with('\n') => return text.trim().to_owned(),
                _ if Instant::now() < until => std::thread::sleep(Duration::from_millis(20)),
                other => panic!("{name}: {other:?}"),
            }
        }
    };
    let pids = [pid("child"), pid("parent")];
    assert!(pids.iter().all(|pid| alive(pid)), "both run before the end");
    drop(target);
    let until = Instant::now() + Duration::from_secs(5);
    while pids.iter().any(|pid| alive(pid)) {
        assert!(Instant::now() < until, "{pids:?} still run");
        std::thread::sleep(Duration::from_millis(20));
    }
}

/// Whether a process runs; one that is dead and not yet collected does not.
fn alive(pid: &str) -> bool {
    let output = Command::new("ps")
        .args(["-o", "stat=", "-p", pid])
        .output()
        .expect("ps runs");
    let state = String::from_utf8_lossy(&output.stdout);
    !state.trim().is_empty() && !state.trim().starts_with('Z')
}

#[test]
fn a_request_that_nobody_reads_does_not_hang() {
    let folder = Folder::new("full-pipe");
    let mut target = start(folder.script(&format!("{}\nsleep 60", hello(r#""evaluate""#, "decision"))));
    // Far more than a pipe holds.
    let long = "x".repeat(4 << 20);
    let big = case(json!({"identity": [{"Version": "2012-10-17", "Id": long, "Statement": []}]}));
    let begun = Instant::now();
    let report = ask(&mut target, &big);
    assert!(fault(&report).to_string().contains("no answer"), "{:?}", fault(&report));
    drop(target);
    assert!(begun.elapsed() < Duration::from_secs(20));
}

fn root() -> &'static Path {
    Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/.."))
}

fn countersign(arguments: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_countersign"))
        .current_dir(root())
        .args(arguments)
        .env("NO_COLOR", "1")
        .env("PYTHONDONTWRITEBYTECODE", "1")
        .output()
        .expect("the binary of this package runs")
}

fn said(output: &Output) -> String {
    format!(
        "{}{}",
        String::from_utf8_lossy(&output.stdout),
        String::from_utf8_lossy(&output.stderr)
    )
}

#[test]
fn an_evaluator_that_always_says_the_same_is_not_conformant() {
    for (script, wrong) in [("always_allow", "->allow"), ("always_deny", "allow->deny")] {
        let folder = Folder::new(script);
        let report = folder.0.join("report");
        let output = countersign(&[
            "check",
            "--target",
            &format!("adapter: python3 adapters/{script}.py"),
            "--cases",
            "40",
            "--seed",
            "1",
            "--report",
            report.to_str().expect("the path is text"),
        ]);
        let text = said(&output);
        assert_eq!(output.status.code(), Some(1), "{text}");
        assert!(text.contains(wrong) && text.contains("target divergence"), "{text}");
        assert!(
            text.contains(&format!("--target 'adapter: python3 adapters/{script}.py'")),
            "{text}"
        );
        assert!(!text.contains(" errors)") || text.contains("0 errors"), "{text}");
        // What was found can be run again, and is found again.
        let saved = std::fs::read_dir(report.join("findings"))
            .expect("findings were saved")
            .filter_map(|entry| entry.ok().map(|entry| entry.path()))
            .find(|path| path.extension().is_some_and(|extension| extension == "yaml"))
            .expect("there is a finding");
        let again = countersign(&[
            "replay",
            saved.to_str().expect("the path is text"),
            "--target",
            &format!("adapter: python3 adapters/{script}.py"),
        ]);
        assert_eq!(again.status.code(), Some(1), "{}", said(&again));
    }
}

#[test]
fn the_models_own_oracle_is_conformant() {
    let folder = Folder::new("oracle");
    let output = countersign(&[
        "check",
        "--target",
        &format!("adapter: '{}' evaluate", env!("CARGO_BIN_EXE_countersign")),
        "--validate",
        "--cases",
        "60",
        "--seed",
        "7",
        "--report",
        folder.0.join("report").to_str().expect("the path is text"),
    ]);
    let text = said(&output);
    assert_eq!(output.status.code(), Some(0), "{text}");
    assert!(text.contains("conformant: every compared outcome agrees"), "{text}");
    assert!(text.contains(" 0 errors"), "{text}");
}

/// Without `--validate` a member that nobody knows is left to later versions; with it, it is a slip of whoever writes the adapter.
#[test]
fn validation_is_strict_about_every_line() {
    for (answer, wrong) in [
        (
            r#""decision":"allow","blammed":"identity""#,
            Some("`blammed` is no member here"),
        ),
        (
            r#""decision":"allow","status":"200""#,
            Some("`status` is no member here"),
        ),
        (r#""decision":"allow","explain":[1]"#, None),
    ] {
        let folder = Folder::new("validate");
        let script = format!(
            "{}\nwhile read line; do echo '{{\"seq\":1,{answer}}}'; done",
            hello(r#""evaluate""#, "decision")
        );
        let loose = ask(&mut start(folder.script(&script)), &allowed());
        let accepted = |report: &CaseReport| report.steps[0].status == StepStatus::Compared;
        assert!(accepted(&loose) || answer.contains("status"), "{loose:?}");
        let options = AdapterOptions {
            validate: true,
            ..folder.script(&script)
        };
        let strict = ask(&mut start(options), &allowed());
        match wrong {
            None => assert!(accepted(&strict), "{strict:?}"),
            Some(words) => {
                let message = fault(&strict).to_string();
                assert!(
                    message.contains(words) && message.contains("protocol.schema.json"),
                    "{message}"
                );
            }
        }
    }
}

#[test]
fn exit_codes_say_whose_fault_it_is() {
    let folder = Folder::new("exit");
    let crash = folder.0.join("crash.sh");
    let hello = hello(r#""evaluate""#, "decision");
    std::fs::write(&crash, format!("{hello}\nread line; exit 1\n")).expect("the folder can be written");
    let crash = format!("adapter: sh '{}'", crash.display());
    let report = folder.0.join("report");
    let report = report.to_str().expect("the path is text");
    let table: &[(&[&str], i32, &str)] = &[
        (&["--target", "adapter: /nonexistent/evaluator"], 3, "cannot be started"),
        (&["--target", "adapter: echo hello"], 3, "`hello`"),
        (&["--target", "adapter: true"], 3, "ended"),
        (&["--target", &crash, "--report", report], 3, "the adapter ended"),
        (&["--target", "adapter: 'half"], 2, "never closed"),
        (&["--target", "adapter:"], 2, "there is no command"),
        (
            &["--target", "adapter: true", "--fault", "boundary-skipped"],
            2,
            "no seeded fault",
        ),
    ];
    for (arguments, code, part) in table {
        let mut all = vec!["check", "--cases", "0"];
        all.extend(*arguments);
        let output = countersign(&all);
        let text = said(&output);
        assert_eq!(output.status.code(), Some(*code), "{arguments:?}: {text}");
        // Long lines are broken where a person reads them.
        let folded = text.replace(['\n', '│'], " ");
        let folded = folded.split_whitespace().collect::<Vec<_>>().join(" ");
        assert!(folded.contains(part), "{arguments:?}: {text}");
    }
}
