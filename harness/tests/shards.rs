//! Two shards and `merge` come to what one process comes to.
#![forbid(unsafe_code)]

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::Command;

use serde_json::{Map, Value};

struct Folder(PathBuf);

impl Folder {
    fn new(name: &str) -> Self {
        let path = std::env::temp_dir().join(format!("countersign-shards-{name}-{}", std::process::id()));
        let _ = std::fs::remove_dir_all(&path);
        std::fs::create_dir_all(&path).expect("the temporary folder can be made");
        Self(path)
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

fn countersign(folder: &Folder, arguments: &[&str], variables: &[(&str, &str)]) -> i32 {
    let output = Command::new(env!("CARGO_BIN_EXE_countersign"))
        .current_dir(&folder.0)
        .args(arguments)
        .env("NO_COLOR", "1")
        .envs(variables.iter().copied())
        .output()
        .expect("the binary of this package runs");
    output
        .status
        .code()
        .unwrap_or_else(|| panic!("{arguments:?}: {}", String::from_utf8_lossy(&output.stderr)))
}

/// The findings of a report, in order, without what names its folder; and its figures.
fn report(folder: &Path) -> (Vec<Value>, Map<String, Value>) {
    let text = std::fs::read_to_string(folder.join("report.ndjson")).expect("a report");
    let mut findings = Vec::new();
    let mut finished = Map::new();
    for line in text.lines() {
        let mut body: Map<String, Value> = serde_json::from_str(line).expect("a line of JSON");
        match body["event"].as_str() {
            Some("finding") => {
                body.remove("saved");
                // How long calls took is not the same twice, nor are the ids and ciphertexts that the emulator invents.
                if let Some(Value::Object(report)) = body.get_mut("report") {
                    report.remove("wire");
                    report.remove("provisioning");
                    for step in report
                        .get_mut("steps")
                        .and_then(Value::as_array_mut)
                        .into_iter()
                        .flatten()
                    {
                        step["observed"] = Value::Null;
                    }
                }
                findings.push(Value::Object(body));
            }
            Some("finished") => finished = body,
            _ => {}
        }
    }
    assert!(!finished.is_empty(), "{} was cut off", folder.display());
    (findings, finished)
}

/// The Case files of a report's findings.
fn cases(folder: &Path) -> BTreeMap<String, String> {
    let entries = std::fs::read_dir(folder.join("findings")).expect("findings were saved");
    entries
        .map(|entry| entry.expect("listed").path())
        .filter(|path| path.extension().is_some_and(|extension| extension == "yaml"))
        .map(|path| {
            let name = path.file_name().expect("a name").to_string_lossy().into_owned();
            (name, std::fs::read_to_string(&path).expect("a Case file"))
        })
        .collect()
}

/// Runs a command whole and in two shards, and compares.
fn same_findings(name: &str, command: &[&str], merge: &[&str], counts: &[&[&str]]) {
    let folder = Folder::new(name);
    let with = |more: &[&'static str]| -> Vec<&str> { command.iter().copied().chain(more.iter().copied()).collect() };
    let whole = countersign(&folder, &with(&["--report", "whole"]), &[]);
    assert_eq!(whole, 1, "the fault is found");
    countersign(&folder, &with(&["--report", "one", "--shard", "1/2"]), &[]);
    // The second says which it is as an indexed job does.
    let job = [("JOB_COMPLETION_INDEX", "1")];
    countersign(&folder, &with(&["--report", "two", "--shard", "env/2"]), &job);
    let merge = [&["merge", "one", "two", "--report", "merged"], merge].concat();
    let merged = countersign(&folder, &merge, &[]);
    assert_eq!(merged, whole, "the same exit code");

    let (expected, figures) = report(&folder.0.join("whole"));
    let (found, merged_figures) = report(&folder.0.join("merged"));
    assert!(expected.len() > 1, "{} findings say little", expected.len());
    assert_eq!(found, expected);
    assert_eq!(cases(&folder.0.join("merged")), cases(&folder.0.join("whole")));
    for path in counts {
        let at = |figures: &Map<String, Value>| {
            path.iter()
                .try_fold(&Value::Object(figures.clone()), |value, member| value.get(member))
                .cloned()
        };
        assert!(at(&figures).is_some(), "{path:?}");
        assert_eq!(at(&merged_figures), at(&figures), "{path:?}");
    }
    let again = countersign(&folder, &["merge", "one", "one", "--report", "wrong"], &[]);
    assert_eq!(again, 2, "a shard that is missing is told");
}

#[test]
fn two_shards_of_an_evaluator_run_are_the_run() {
    same_findings(
        "evaluator",
        &[
            "evaluator",
            "--cases",
            "1500",
            "--seed",
            "4",
            "--fault",
            "boundary-skipped",
        ],
        &[],
        &[
            &["report", "compared"],
            &["report", "decisions", "allow"],
            &["report", "disagreements"],
        ],
    );
}

#[cfg(feature = "wire")]
#[test]
fn two_shards_of_a_check_are_the_check() {
    same_findings(
        "check",
        &[
            "check",
            "--target",
            "in-process",
            "--no-scenarios",
            "--findings",
            "5",
            "--cases",
            "100",
            "--seed",
            "4",
            "--fault",
            "boundary-skipped",
            "--fault",
            "identity-deny-ignored",
        ],
        &["--findings", "5"],
        &[
            &["random", "cases"],
            &["random", "compared"],
            &["diverging"],
            &["findings"],
        ],
    );
}
