//! The examples of docs/adapters.md: each is a whole adapter that agrees with the model on what it answers, line for line by the protocol's
//! schema. A language that this machine lacks is said and skipped.

use std::path::{Path, PathBuf};
use std::process::Command;

fn root() -> &'static Path {
    Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/.."))
}

fn has(program: &str, arguments: &[&str]) -> Option<String> {
    let output = Command::new(program).args(arguments).output().ok()?;
    let version = String::from_utf8_lossy(&output.stdout).trim().to_owned();
    output.status.success().then_some(version)
}

/// The corpus, held to the schema: conformant, and not by skipping everything.
fn conforms(command: &str) {
    let output = Command::new(env!("CARGO_BIN_EXE_countersign"))
        .current_dir(root())
        .args(["check", "--validate", "--cases", "100", "--target"])
        .arg(format!("adapter: {command}"))
        .env("NO_COLOR", "1")
        .env("PYTHONDONTWRITEBYTECODE", "1")
        .output()
        .expect("the binary of this package runs");
    let text = format!(
        "{}{}",
        String::from_utf8_lossy(&output.stdout),
        String::from_utf8_lossy(&output.stderr)
    );
    assert_eq!(output.status.code(), Some(0), "{command}: {text}");
    assert!(text.contains("result    conformant"), "{command}: {text}");
    let compared: Option<u64> = text
        .split(" steps = ")
        .nth(1)
        .and_then(|rest| rest.split(' ').next()?.parse().ok());
    assert!(compared.is_some_and(|compared| compared >= 30), "{command}: {text}");
}

#[test]
fn the_python_example_conforms() {
    if has("python3", &["--version"]).is_none() {
        eprintln!("skipped: no python3 on this machine");
        return;
    }
    conforms("python3 adapters/examples/python/adapter.py");
}

#[test]
fn the_go_example_conforms() {
    if has("go", &["version"]).is_none() {
        eprintln!("skipped: no go on this machine");
        return;
    }
    let program = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join(format!("example-go-{}", std::process::id()));
    let built = Command::new("go")
        .current_dir(root().join("adapters/examples/go"))
        .args(["build", "-o"])
        .arg(&program)
        .arg(".")
        .status()
        .expect("go runs");
    assert!(built.success(), "the example does not build");
    conforms(&format!("'{}'", program.display()));
    let _ = std::fs::remove_file(&program);
}

#[test]
fn the_typescript_example_conforms() {
    let example = "adapters/examples/typescript";
    let built = format!("{example}/build/adapter.js");
    // From 22.18 on node runs it as it stands; before, somebody must have built it.
    let version = has("node", &["--version"]).and_then(|version| {
        let mut parts = version.trim_start_matches('v').split('.');
        Some((parts.next()?.parse::<u32>().ok()?, parts.next()?.parse::<u32>().ok()?))
    });
    match version {
        Some(version) if version >= (22, 18) => conforms(&format!("node {example}/adapter.ts")),
        Some(_) if root().join(&built).is_file() => conforms(&format!("node {built}")),
        Some(_) => eprintln!("skipped: this node runs no TypeScript, and {built} is not built (npm ci && npx tsc)"),
        None => eprintln!("skipped: no node on this machine"),
    }
}
