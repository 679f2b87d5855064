//! The reports of a run as files: what they hold, and that text from cases and targets stays text in each. The binary is run as a user runs
//! it. What a terminal shows is `command_line.rs`.

use std::path::{Path, PathBuf};
use std::process::Command;

const HOSTILE: &str = r#"countersign: 1
id: test.reports.hostile
world:
  accounts:
    "111122223333":
      users:
        alice: {policies: {kms: {Version: "2012-10-17", Statement: [{Effect: Allow, Action: "kms:*", Resource: "*",
          Condition: {StringNotEquals: {"aws:PrincipalTag/x": "<script>alert(1)</script>\u001b[31m"}}}]}}}
      keys:
        k: {}
steps:
  - name: "</pre><img src=x onerror=alert(1)> ::error::"
    kind: observed
    as: {user: alice}
    call: kms:DescribeKey
    with: {KeyId: "{{key.k.arn}}"}
    expect: {decision: deny}
"#;

struct Reports {
    folder: PathBuf,
    stdout: String,
    code: Option<i32>,
}

impl Reports {
    fn of(name: &str, case: &str, environment: &[(&str, &str)]) -> Self {
        let folder = std::env::temp_dir().join(format!("countersign-reports-{name}-{}", std::process::id()));
        let _ = std::fs::remove_dir_all(&folder);
        std::fs::create_dir_all(&folder).expect("the temporary folder can be made");
        std::fs::write(folder.join("case.yaml"), case).expect("the temporary folder can be written");
        let output = Command::new(env!("CARGO_BIN_EXE_countersign"))
            .current_dir(&folder)
            .args(["replay", "case.yaml", "--target", "in-process", "--report", "r"])
            .env_remove("GITHUB_ACTIONS")
            .envs(environment.iter().copied())
            .env("NO_COLOR", "1")
            .output()
            .expect("the binary of this package runs");
        Self {
            folder,
            stdout: String::from_utf8_lossy(&output.stdout).into_owned(),
            code: output.status.code(),
        }
    }

    fn file(&self, name: &str) -> String {
        let path: &Path = &self.folder.join("r").join(name);
        std::fs::read_to_string(path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
    }
}

impl Drop for Reports {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.folder);
    }
}

#[test]
fn hostile_text_stays_text_on_the_page() {
    let reports = Reports::of("html", HOSTILE, &[]);
    assert_eq!(reports.code, Some(1), "{}", reports.stdout);
    let page = reports.file("report.html");
    assert!(
        page.starts_with("<!DOCTYPE html>") && page.ends_with("</html>"),
        "the page is whole"
    );
    assert!(
        page.contains("default-src 'none'"),
        "the page allows itself no resource"
    );
    for tag in ["<script", "<img", "<link", "<iframe", "javascript:", "\u{1b}"] {
        assert!(!page.contains(tag), "{tag:?} in {page}");
    }
    for shown in [
        "&lt;script&gt;alert(1)&lt;/script&gt;",
        "&lt;img src=x onerror=alert(1)&gt;",
        "countersign replay",
        "aws kms describe-key",
        "<svg",
    ] {
        assert!(page.contains(shown), "no {shown:?} in {page}");
    }
}

#[test]
fn a_difference_is_a_failure_in_junit() {
    let reports = Reports::of("junit", HOSTILE, &[]);
    let junit = reports.file("junit.xml");
    assert!(
        junit.contains(r#"<testsuites name="countersign" tests="1" failures="1" errors="0">"#),
        "{junit}"
    );
    assert!(junit.contains("&lt;/pre&gt;&lt;img"), "{junit}");
    let sound = Reports::of(
        "junit-sound",
        &HOSTILE.replace("decision: deny", "decision: allow"),
        &[],
    );
    assert_eq!(sound.code, Some(0), "{}", sound.stdout);
    assert!(
        sound
            .file("junit.xml")
            .contains(r#"<testcase classname="countersign.corpus" name="test.reports.hostile"/>"#)
    );
    assert!(sound.file("report.html").contains("conformant"));
}

#[test]
fn github_gets_one_line_a_finding_and_only_on_github() {
    let commands = |reports: &Reports| {
        reports
            .stdout
            .lines()
            .filter(|line| line.starts_with("::"))
            .map(ToOwned::to_owned)
            .collect::<Vec<_>>()
    };
    let there = Reports::of("github", HOSTILE, &[("GITHUB_ACTIONS", "true")]);
    let lines = commands(&there);
    assert_eq!(lines.len(), 1, "{lines:?}");
    assert!(lines[0].starts_with("::error title="), "{lines:?}");
    let elsewhere = Reports::of("elsewhere", HOSTILE, &[]);
    assert!(commands(&elsewhere).is_empty(), "{}", elsewhere.stdout);
}
