//! The fuzz targets without a fuzzer: every checked-in input holds, and what the folders say agrees with what the targets are.
#![forbid(unsafe_code)]

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::process::Command;

use countersign::fuzzing::{FuzzTarget, TARGETS};
use countersign_model::case::{Syntax, load_str};

fn fuzz_folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../fuzz")
}

/// The one target that needs the SDKs has a package of its own.
fn folder_of(target: &str) -> PathBuf {
    let base = fuzz_folder();
    if target == "world" { base.join("world") } else { base }
}

/// Checked-in inputs; what a fuzzer adds has names of hexadecimal digits and is not checked in.
fn seeds(target: &str) -> Vec<PathBuf> {
    let folder = folder_of(target).join("corpus").join(target);
    let mut paths: Vec<PathBuf> = std::fs::read_dir(&folder)
        .unwrap_or_else(|error| panic!("{}: {error}", folder.display()))
        .map(|entry| entry.expect("the folder can be listed").path())
        .collect();
    paths.sort();
    paths
}

#[test]
fn every_input_of_the_corpora_holds() {
    for target in TARGETS {
        let paths = seeds(target.name);
        assert!(paths.len() >= 3, "{} has {} inputs", target.name, paths.len());
        for path in paths {
            let input = std::fs::read(&path).expect("a readable input");
            if let Err(found) = target.check(&input) {
                panic!("{}: {found}", path.display());
            }
        }
    }
}

/// Inputs that stand for nothing test nothing.
#[test]
fn the_seeds_stand_for_cases() {
    for target in TARGETS.iter().filter(|target| target.name != "http_request") {
        let inputs: Vec<Vec<u8>> = seeds(target.name)
            .iter()
            .map(|path| std::fs::read(path).expect("a readable input"))
            .collect();
        let cases = inputs.iter().filter(|input| target.case(input).is_some()).count();
        assert!(
            cases * 2 > inputs.len(),
            "{}: {cases} cases of {} inputs",
            target.name,
            inputs.len()
        );
    }
}

#[test]
fn every_target_is_a_page_in_the_fuzz_folder_and_every_page_a_target() {
    let mut pages = BTreeSet::new();
    for folder in [fuzz_folder(), fuzz_folder().join("world")] {
        for entry in std::fs::read_dir(folder.join("fuzz_targets")).expect("the pages") {
            let path = entry.expect("the folder can be listed").path();
            let name = path
                .file_stem()
                .and_then(|name| name.to_str())
                .expect("a name")
                .to_owned();
            let page = std::fs::read_to_string(&path).expect("a page");
            let constant = name.to_uppercase();
            assert!(
                page.contains(&format!("fuzzing::{constant}.hold(input)")),
                "{}",
                path.display()
            );
            let manifest = std::fs::read_to_string(folder.join("Cargo.toml")).expect("a manifest");
            assert!(manifest.contains(&format!("name = \"{name}\"")), "{name} is not built");
            pages.insert(name);
        }
    }
    let targets: BTreeSet<String> = TARGETS.iter().map(|target| target.name.to_owned()).collect();
    // Without the SDKs there is no `world`.
    let needs_sdks = BTreeSet::from(["world".to_owned()]);
    assert!(targets.is_subset(&pages), "{targets:?} {pages:?}");
    assert!(
        pages.difference(&targets).all(|page| needs_sdks.contains(page)),
        "{targets:?} {pages:?}"
    );
}

#[test]
fn inputs_that_are_too_long_are_not_looked_at() {
    let target = FuzzTarget::named("case_file").expect("a target");
    let long = vec![b'['; countersign::fuzzing::LONGEST_INPUT + 1];
    assert_eq!(target.check(&long), Ok(()));
    assert!(target.case(&long).is_none());
}

/// One command makes a Case of an input, and the Case replays.
#[test]
fn an_input_becomes_a_case() {
    let folder = std::env::temp_dir().join(format!("countersign-fuzz-case-{}", std::process::id()));
    std::fs::create_dir_all(&folder).expect("a temporary folder");
    for target in ["evaluator", "conditions", "policy_parse"] {
        let input = seeds(target).pop().expect("a seed");
        let report = folder.join(target);
        let output = Command::new(env!("CARGO_BIN_EXE_countersign"))
            .args(["fuzz-case", target, input.to_str().expect("a path of text"), "--report"])
            .arg(&report)
            .output()
            .expect("the binary of this package runs");
        let said = String::from_utf8_lossy(&output.stdout).into_owned();
        assert_eq!(
            output.status.code(),
            Some(0),
            "{said}{}",
            String::from_utf8_lossy(&output.stderr)
        );
        let saved: Vec<PathBuf> = std::fs::read_dir(report.join("findings"))
            .expect("the Case was saved")
            .map(|entry| entry.expect("listed").path())
            .collect();
        let [saved] = saved.as_slice() else { panic!("{saved:?}") };
        let text = std::fs::read_to_string(saved).expect("a Case file");
        load_str(target, &text, Syntax::Yaml).unwrap_or_else(|error| panic!("{target}: {error:?}\n{text}"));
        assert!(said.contains("countersign replay"), "{said}");
    }
    std::fs::remove_dir_all(&folder).expect("the folder was ours");
}
