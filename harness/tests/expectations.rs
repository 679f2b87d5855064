//! What is known of a target: expected failures pass a run, new ones fail it, and what is no longer so fails it with a code of its own. The
//! binary is run as a user runs it, on an evaluator that always says the same.

use std::path::{Path, PathBuf};
use std::process::Command;

use serde_json::Value;

struct Folder(PathBuf);

impl Folder {
    fn new(name: &str) -> Self {
        let path = std::env::temp_dir().join(format!("countersign-expect-{name}-{}", std::process::id()));
        let _ = std::fs::remove_dir_all(&path);
        std::fs::create_dir_all(&path).expect("the temporary folder can be made");
        Self(path)
    }

    fn run(&self, arguments: &[&str]) -> (Option<i32>, String) {
        let output = Command::new(env!("CARGO_BIN_EXE_countersign"))
            .current_dir(&self.0)
            .args(arguments)
            .env("NO_COLOR", "1")
            .env("PYTHONDONTWRITEBYTECODE", "1")
            .output()
            .expect("the binary of this package runs");
        let text = format!(
            "{}{}",
            String::from_utf8_lossy(&output.stdout),
            String::from_utf8_lossy(&output.stderr)
        );
        (output.status.code(), text)
    }

    fn check(&self, more: &[&str]) -> (Option<i32>, String) {
        let target = target();
        let all = [&["check", "--target", &target, "--findings", "0"], more].concat();
        self.run(&all)
    }

    fn read(&self, name: &str) -> String {
        std::fs::read_to_string(self.0.join(name)).unwrap_or_else(|error| panic!("{name}: {error}"))
    }

    fn write(&self, name: &str, text: &str) {
        std::fs::write(self.0.join(name), text).expect("the temporary folder can be written");
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

fn target() -> String {
    let script = Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/../adapters/always_allow.py"));
    format!("adapter: python3 '{}'", script.display())
}

const FILE: &str = "expectations/always-allow.toml";

/// Everything in one go, for each run asks the whole corpus.
#[test]
fn a_target_with_known_failures_lives_with_them() {
    let folder = Folder::new("life");
    let (code, text) = folder.check(&["--cases", "30", "--report", "first"]);
    assert_eq!(code, Some(1), "{text}");

    // From the report of that run, and from a run of its own: the same file.
    let (code, text) = folder.run(&["expect", "update", "always-allow", "--from", "first"]);
    assert_eq!(code, Some(0), "{text}");
    let from_report = folder.read(FILE);
    assert!(
        from_report.contains("seed = 1\ncases = 30\n"),
        "the seed was pinned: {from_report}"
    );
    let (code, text) = folder.run(&["expect", "update", &target()]);
    assert_eq!(code, Some(0), "{text}");
    assert_eq!(folder.read(FILE), from_report, "what is known is known: {text}");

    // Now it is as expected, and every case has one verdict.
    let (code, text) = folder.check(&["--report", "second"]);
    assert_eq!(code, Some(0), "{text}");
    assert!(text.contains("result    as expected: "), "{text}");
    let report = folder.read("second/report.ndjson");
    let finished: Value = report
        .lines()
        .last()
        .and_then(|line| serde_json::from_str(line).ok())
        .expect("the last line is JSON");
    let count = |name: &str| {
        finished["verdicts"][name]
            .as_u64()
            .unwrap_or_else(|| panic!("{name}: {finished}"))
    };
    let parts = [
        "pass",
        "expected_failures",
        "failures",
        "unexpected_passes",
        "skipped",
        "errors",
    ];
    assert_eq!(parts.into_iter().map(count).sum::<u64>(), count("cases"));
    let lines = report
        .lines()
        .filter(|line| line.contains(r#""verdict":"expected_failure""#))
        .count();
    assert_eq!(lines as u64, count("expected_failures"));
    assert!(lines > 100, "{lines}");
    let junit = folder.read("second/junit.xml");
    assert_eq!(junit.matches(r#"type="expected failure""#).count(), lines);
    assert!(junit.contains(r#"failures="0" errors="0">"#), "{}", &junit[..300]);
    assert!(folder.read("second/report.html").contains("Known divergences"));

    // One entry of each kind that is no longer so, and one known failure forgotten.
    let head = from_report.find("\n[[expect]]").expect("there are entries");
    let passing = passing_case(&report);
    let stale = format!(
        "{}\n[[expect]]\nid = \"{passing}\"\ngot = \"allow\"\nreason = \"it passes\"\n\
         \n[[expect]]\nfingerprint = \"moon *\"\ngot = \"allow\"\nreason = \"there is none\"\n\
         \n[[expect]]\nfingerprint = \"*\"\ngot = \"allow\"\nreason = \"old\"\nuntil = 2020-01-01\n",
        &from_report[..head]
    );
    folder.write("stale.toml", &stale);
    let (code, text) = folder.check(&["--expectations", "stale.toml"]);
    assert_eq!(code, Some(5), "{text}");
    let line = |part: &str| stale[..stale.find(part).expect("it is there")].matches('\n').count();
    for (part, words) in [
        (&format!("id = \"{passing}\"") as &str, "that should fail"),
        ("fingerprint = \"moon *\"", "matches nothing"),
        ("fingerprint = \"*\"", "expected until 2020-01-01"),
    ] {
        let told = format!("stale     stale.toml:{}: ", line(part));
        let found = text.lines().find(|one| one.starts_with(&told));
        assert!(found.is_some_and(|one| one.contains(words)), "{told}{words}: {text}");
    }

    // Looking around, the file is not judged; nor is it when the run is another.
    let (code, text) = folder.check(&["--expectations", "stale.toml", "--explore", "--cases", "5"]);
    assert_eq!(code, Some(0), "{text}");
    assert!(!text.contains("stale     "), "{text}");

    // Another wrong answer, or none that is known, is a finding.
    folder.write("other.toml", &from_report.replace("got = \"allow\"", "got = \"error\""));
    assert_eq!(folder.check(&["--expectations", "other.toml"]).0, Some(1));
    assert_eq!(folder.check(&["--no-expectations", "--cases", "0"]).0, Some(1));

    // A duplicate is told before anything runs, at its place.
    let duplicate = "[[expect]]\nfingerprint = \"*\"\ngot = \"allow\"\nreason = \"all\"\n";
    folder.write(
        "twice.toml",
        &format!("target = \"always-allow\"\n{duplicate}{duplicate}"),
    );
    let (code, text) = folder.check(&["--expectations", "twice.toml"]);
    assert_eq!(code, Some(5), "{text}");
    assert!(
        text.contains("twice.toml:6:") && text.contains("the entry of line 2 again"),
        "{text}"
    );
    assert!(!text.contains("corpus "), "nothing was run: {text}");
}

/// A shard sees a part of what the file is about; all of them together are held to it.
#[test]
fn shards_together_are_held_to_the_file() {
    let folder = Folder::new("shards");
    let (code, text) = folder.run(&["expect", "update", &target(), "--cases", "30"]);
    assert_eq!(code, Some(0), "{text}");
    let known = folder.read(FILE);
    let nothing = "\n[[expect]]\nfingerprint = \"moon *\"\ngot = \"allow\"\nreason = \"there is none\"\n";
    folder.write("stale.toml", &format!("{known}{nothing}"));
    for (file, name, wanted) in [(FILE, "good", 0), ("stale.toml", "stale", 5)] {
        let reports = ["1", "2"].map(|part| format!("{name}-{part}"));
        for (part, report) in ["1/2", "2/2"].into_iter().zip(&reports) {
            let (code, text) = folder.check(&[
                "--expectations",
                file,
                "--seed",
                "1",
                "--shard",
                part,
                "--report",
                report,
            ]);
            assert_eq!(code, Some(0), "{file} {part}: {text}");
            assert!(!text.contains("stale     "), "{file} {part}: {text}");
        }
        let merged = format!("{name}-merged");
        let (code, text) = folder.run(&["merge", &reports[0], &reports[1], "--report", &merged]);
        assert_eq!(code, Some(wanted), "{file}: {text}");
        assert_eq!(
            text.contains("matches nothing that the target does"),
            wanted == 5,
            "{text}"
        );
        let report = folder.read(&format!("{merged}/report.ndjson"));
        let finished: Value = report
            .lines()
            .last()
            .and_then(|line| serde_json::from_str(line).ok())
            .expect("the last line is JSON");
        let count = |name: &str| finished[name].as_array().map_or(0, Vec::len);
        assert_eq!(count("stale"), usize::from(wanted == 5), "{finished}");
        // Each class once, with the cases of both shards.
        let classes = finished["expected"].as_array().expect("there are known failures");
        let named: std::collections::BTreeSet<_> = classes.iter().map(|class| class["what"].to_string()).collect();
        assert_eq!(named.len(), classes.len());
    }
    // One of the two says nothing about the whole.
    let (code, text) = folder.run(&["merge", "good-1", "--report", "half"]);
    assert_eq!(code, Some(2), "{text}");
}

/// The id of a case of the corpus that passes.
fn passing_case(report: &str) -> String {
    let lines = report
        .lines()
        .filter_map(|line| serde_json::from_str::<Value>(line).ok());
    let mut passing = lines.filter(|line| line["verdict"] == "pass" && line["phase"] == "corpus");
    passing
        .find_map(|line| line["id"].as_str().map(str::to_owned))
        .expect("a case must be allowed")
}

#[test]
fn a_mistake_in_the_file_is_shown_at_its_line() {
    let folder = Folder::new("mistakes");
    for (text, place, words) in [
        (
            "target = \"always-allow\"\n[[expect]]\nid = \"a\"\nreason = \"b\"\n",
            ":2:",
            "got",
        ),
        ("target = \"moon\"\n", "", "calls itself `always-allow`"),
        ("target = always-allow\n", ":1:", ""),
    ] {
        folder.write("x.toml", text);
        let (code, said) = folder.check(&["--expectations", "x.toml"]);
        assert_eq!(code, Some(2), "{text}: {said}");
        assert!(
            said.contains(&format!("x.toml{place}")) && said.contains(words),
            "{text}: {said}"
        );
    }
    let (code, said) = folder.check(&["--expectations", "nowhere.toml"]);
    assert_eq!(code, Some(2), "{said}");
    let (code, said) = folder.run(&["expect", "update", "always-allow"]);
    assert_eq!(code, Some(2), "{said}");
    assert!(said.contains("--from"), "{said}");
}
