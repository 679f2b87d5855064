//! What a user sees: exit codes, messages with their place, nothing half-written. The binary is run as a user runs it.

use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

struct Folder(PathBuf);

impl Folder {
    fn new(name: &str) -> Self {
        let path = std::env::temp_dir().join(format!("countersign-{name}-{}", std::process::id()));
        let _ = std::fs::remove_dir_all(&path);
        std::fs::create_dir_all(&path).expect("the temporary folder can be made");
        Self(path)
    }

    fn file(&self, name: &str, text: &str) -> PathBuf {
        let path = self.0.join(name);
        std::fs::write(&path, text).expect("the temporary folder can be written");
        path
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

fn countersign(folder: &Path, arguments: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_countersign"))
        .current_dir(folder)
        .args(arguments)
        .env("NO_COLOR", "1")
        .output()
        .expect("the binary of this package runs")
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

const GOOD: &str = r#"countersign: 1
id: test.command-line.good
world:
  accounts:
    "111122223333":
      users:
        alice: {policies: {kms: {Version: "2012-10-17", Statement: [{Effect: Allow, Action: "kms:*", Resource: "*"}]}}}
      keys:
        k: {}
steps:
  - name: alice encrypts
    kind: observed
    as: {user: alice}
    call: kms:Encrypt
    with: {KeyId: "{{key.k.arn}}", Plaintext: {text: hello}}
    expect: {decision: allow}
"#;

#[test]
fn a_good_case_is_conformant() {
    let folder = Folder::new("good");
    let file = folder.file("good.yaml", GOOD);
    let output = countersign(&folder.0, &["replay", file.to_str().expect("the path is text")]);
    assert_eq!(
        output.status.code(),
        Some(0),
        "{}{}",
        text(&output.stdout),
        text(&output.stderr)
    );
    assert!(text(&output.stdout).contains("conformant"), "{}", text(&output.stdout));
}

#[test]
fn crossings_are_asked_and_told() {
    let folder = Folder::new("crossings");
    let check = [
        "check",
        "--target",
        "in-process",
        "--no-scenarios",
        "--cases",
        "4",
        "--seed",
        "1",
    ];
    let output = countersign(
        &folder.0,
        &[&check[..], &["--crossings", "40", "--report", "r"]].concat(),
    );
    let shown = format!("{}{}", text(&output.stdout), text(&output.stderr));
    assert_eq!(output.status.code(), Some(0), "{shown}");
    let report = std::fs::read_to_string(folder.0.join("r/report.ndjson")).expect("a report is written");
    let started = report.lines().next().unwrap_or_default();
    assert!(started.contains("\"crossings\":40"), "{started}");
    let steps = shown
        .split("counts")
        .nth(1)
        .and_then(|rest| rest.split_whitespace().next()?.parse().ok());
    assert!(steps.is_some_and(|steps: u64| steps > 4 * 40), "{shown}");
    let output = countersign(&folder.0, &[&check[..], &["--crossings", "100000"]].concat());
    assert_eq!(output.status.code(), Some(2), "{}", text(&output.stderr));
}

/// Each mistake: what replaces what in the good case, the line it is at, what the message must say.
const MISTAKES: &[(&str, &str, &str, usize, &[&str])] = &[
    (
        "a typo in a field",
        "    call: kms:Encrypt",
        "    cal: kms:Encrypt",
        14,
        &["cal", "call"],
    ),
    (
        "an unknown reference",
        "{{key.k.arn}}",
        "{{key.kk.arn}}",
        15,
        &["kk", "`k`"],
    ),
    (
        "an unknown operation",
        "kms:Encrypt",
        "kms:Encript",
        14,
        &["kms:Encript", "kms:Encrypt"],
    ),
    (
        "an unknown field of the world",
        "      users:",
        "      user:",
        6,
        &["user", "users"],
    ),
    (
        "a malformed policy",
        "Effect: Allow",
        "Effekt: Allow",
        0,
        &["alice", "Syntax errors in policy"],
    ),
    (
        "an unknown principal",
        "as: {user: alice}",
        "as: {user: alica}",
        13,
        &["alica", "alice"],
    ),
    ("a wrong version", "countersign: 1", "countersign: 9", 1, &["1"]),
    ("bad YAML", "as: {user: alice}", "as: {user: alice", 0, &[]),
];

#[test]
fn a_mistake_in_a_file_is_shown_at_its_line() {
    let folder = Folder::new("mistakes");
    for (what, good, bad, line, words) in MISTAKES {
        assert!(GOOD.contains(good), "{what}");
        let file = folder.file("bad.yaml", &GOOD.replacen(good, bad, 1));
        let output = countersign(&folder.0, &["replay", file.to_str().expect("the path is text")]);
        let message = text(&output.stderr);
        assert_eq!(output.status.code(), Some(2), "{what}: {message}");
        assert!(message.contains("bad.yaml"), "{what}: {message}");
        if *line > 0 {
            assert!(
                message.contains(&format!("bad.yaml:{line}:")),
                "{what}: line {line}: {message}"
            );
        }
        for word in *words {
            assert!(message.contains(word), "{what}: `{word}`: {message}");
        }
    }
}

#[test]
fn a_wrong_expectation_is_a_divergence_and_is_kept() {
    let folder = Folder::new("wrong");
    let file = folder.file("wrong.yaml", &GOOD.replace("decision: allow", "decision: deny"));
    let output = countersign(&folder.0, &["replay", file.to_str().expect("the path is text")]);
    let report = text(&output.stdout);
    assert_eq!(output.status.code(), Some(1), "{report}{}", text(&output.stderr));
    assert!(
        report.contains("replay    countersign replay countersign-report/findings/"),
        "{report}"
    );
    let saved = std::fs::read_dir(folder.0.join("countersign-report/findings"))
        .expect("the findings were saved")
        .count();
    assert!(saved >= 1);
}

#[test]
fn usage_mistakes_have_their_codes() {
    let folder = Folder::new("usage");
    let missing = folder.0.join("missing.yaml");
    let table: &[(&[&str], i32, &str)] = &[
        (&["chek"], 2, "check"),
        (&["check", "--cases", "many"], 2, "many"),
        (
            &["check", "--fault", "grant-constraint-ignore"],
            2,
            "grant-constraint-ignored",
        ),
        (
            &["replay", missing.to_str().expect("the path is text")],
            2,
            "missing.yaml",
        ),
        (&["scenarios", "no such story"], 6, "no such story"),
        (&["check", "--cases", "0", "--no-scenarios"], 6, "nothing"),
        (&["stats", "--cases", "0"], 6, "--cases"),
        (&["emulator", "--bind", "0.0.0.0"], 4, "loopback"),
        (&["--help"], 0, ""),
        (&["--version"], 0, ""),
    ];
    for (arguments, code, word) in table {
        let output = countersign(&folder.0, arguments);
        let message = text(&output.stderr);
        assert_eq!(output.status.code(), Some(*code), "{arguments:?}: {message}");
        assert!(message.contains(word), "{arguments:?}: {message}");
    }
    assert!(
        !folder.0.join("countersign-report").exists(),
        "nothing is written unless something was found"
    );
}

#[test]
fn a_busy_port_is_said_to_be_busy() {
    let folder = Folder::new("busy");
    let holder = TcpListener::bind("127.0.0.1:0").expect("a loopback port is free");
    let port = holder
        .local_addr()
        .expect("a bound socket has an address")
        .port()
        .to_string();
    let output = countersign(&folder.0, &["emulator", "--port", &port]);
    let message = text(&output.stderr);
    assert_eq!(output.status.code(), Some(3), "{message}");
    assert!(message.contains(&port) && message.contains("--port"), "{message}");
}

#[test]
fn a_dead_endpoint_is_a_transport_fault() {
    let folder = Folder::new("dead");
    let file = folder.file("good.yaml", GOOD);
    let free = TcpListener::bind("127.0.0.1:0").expect("a loopback port is free");
    let port = free.local_addr().expect("a bound socket has an address").port();
    drop(free);
    let target = format!("http://127.0.0.1:{port}");
    let arguments = [
        "replay",
        "--target",
        &target,
        "--control-token",
        "t",
        file.to_str().expect("the path is text"),
    ];
    let output = countersign(&folder.0, &arguments);
    let message = text(&output.stderr);
    assert_eq!(output.status.code(), Some(3), "{message}{}", text(&output.stdout));
    assert!(
        message.contains(&target) || text(&output.stdout).contains(&target),
        "{message}{}",
        text(&output.stdout)
    );
}

#[test]
fn a_seeded_fault_is_found_shrunk_and_replayed() {
    let folder = Folder::new("fault");
    let fault = "generate-data-key-unchecked-on-put";
    let output = countersign(
        &folder.0,
        &[
            "check",
            "--cases",
            "200",
            "--seed",
            "1",
            "--no-scenarios",
            "--fault",
            fault,
            "--report",
            "r",
        ],
    );
    let report = text(&output.stdout);
    assert_eq!(output.status.code(), Some(1), "{report}{}", text(&output.stderr));
    assert!(
        report.contains("svc:S-16") || report.contains("kms:GenerateDataKey"),
        "{report}"
    );
    let replay = report
        .lines()
        .find_map(|line| line.trim().strip_prefix("replay    countersign "))
        .expect("a replay command is printed");
    let words: Vec<&str> = replay.split_whitespace().collect();
    let again = countersign(&folder.0, &words);
    assert_eq!(again.status.code(), Some(1), "{}", text(&again.stdout));
    let without: Vec<&str> = words.iter().take_while(|word| **word != "--fault").copied().collect();
    let sound = countersign(&folder.0, &without);
    assert_eq!(sound.status.code(), Some(0), "{}", text(&sound.stdout));
    let lines =
        std::fs::read_to_string(folder.0.join("r/report.ndjson")).expect("the machine-readable report is written");
    assert!(
        lines
            .lines()
            .last()
            .is_some_and(|line| line.starts_with(r#"{"event":"finished""#))
    );
}
