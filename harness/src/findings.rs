//! Keeps findings: the shrunk Case as a file that replays, and beside it what was expected and what came. Nothing is run here.

use std::fs;
use std::io::Write as _;
use std::path::{Path, PathBuf};

use countersign_model::case::{Case, Expect, OneOrMany, Step, StepKind};
use countersign_model::outcome::Outcome;
use serde_json::json;

use crate::differential::{fingerprint, with_answers};
use crate::report::FindingReport;
use crate::stats::stable_hash;

/// Why a finding could not be kept.
#[derive(Debug, thiserror::Error)]
pub enum FindingError {
    /// The file system refused.
    #[error("`{}`: {source}", path.display())]
    File {
        /// The file or folder.
        path: PathBuf,
        /// The system's reason.
        source: std::io::Error,
    },
    /// The case cannot be written as YAML.
    #[error("the case cannot be written: {0}")]
    Case(String),
}

/// Saves a finding under a folder, which is made if need be: `NAME.yaml` is the Case, `NAME.json` the explanation. Answers the
/// Case's path. A finding saved before under the same fingerprint is replaced; no reader ever sees half a file.
///
/// # Errors
/// [`FindingError`].
pub fn save(folder: &Path, finding: &FindingReport) -> Result<PathBuf, FindingError> {
    save_with_faults(folder, finding, &[])
}

/// As [`save`], for a finding that was made with seeded faults switched on: the replay command names them.
///
/// # Errors
/// [`FindingError`].
pub fn save_with_faults(folder: &Path, finding: &FindingReport, faults: &[String]) -> Result<PathBuf, FindingError> {
    fs::create_dir_all(folder).map_err(|source| FindingError::File {
        path: folder.to_owned(),
        source,
    })?;
    let name = file_name(&finding.fingerprint);
    let path = folder.join(format!("{name}.yaml"));
    let outcomes: Vec<Option<&Outcome>> = finding.report.steps.iter().map(|step| step.expected.as_ref()).collect();
    let case = with_answers(&with_expectations(&finding.case, &outcomes), &outcomes);
    let yaml = countersign_model::case::to_yaml(&case).map_err(|error| FindingError::Case(error.to_string()))?;
    let steps: Vec<serde_json::Value> = finding
        .report
        .steps
        .iter()
        .map(|step| {
            json!({
                "name": step.name,
                "status": step.status,
                "deciding_rules": step.expected.as_ref().map(fingerprint::deciding_rules),
                "expected": step.expected,
                "observed": step.observed,
                "disagreements": step.disagreements,
            })
        })
        .collect();
    let explanation = json!({
        "fingerprint": finding.fingerprint,
        "kinds": finding.kinds,
        "seen": finding.seen,
        "seen_on": finding.seen_on,
        "minimal": finding.minimal,
        "needs": finding.needs,
        "found_in": finding.found_in,
        "seed": finding.seed.map(|(seed, _)| seed),
        "case": finding.seed.map(|(_, case)| case),
        "target": finding.report.target,
        "faults": faults,
        "provisioning_fault": finding.report.provisioning_fault,
        "steps": steps,
        "replay": finding.replay_command(&path, faults),
    });
    let json = serde_json::to_string_pretty(&explanation).map_err(|error| FindingError::Case(error.to_string()))?;
    write_whole(&folder.join(format!("{name}.json")), &format!("{json}\n"))?;
    write_whole(&path, &yaml)?;
    Ok(path)
}

/// Saves a case alone, under a name. Answers its path.
///
/// # Errors
/// [`FindingError`].
pub fn save_case(folder: &Path, name: &str, case: &Case) -> Result<PathBuf, FindingError> {
    fs::create_dir_all(folder).map_err(|source| FindingError::File {
        path: folder.to_owned(),
        source,
    })?;
    let path = folder.join(format!("{}.yaml", file_name(name)));
    let yaml = countersign_model::case::to_yaml(case).map_err(|error| FindingError::Case(error.to_string()))?;
    write_whole(&path, &yaml)?;
    Ok(path)
}

/// Whether a case can be read back from a file: a smaller case that cannot is of no use to anybody.
pub fn loads(case: &Case) -> bool {
    use countersign_model::case::load::{Syntax, load_str};
    countersign_model::case::to_json(case).is_ok_and(|text| load_str("case", &text, Syntax::Json).is_ok())
}

/// The case with the model's decision and code as expectation of each step that has none, so that the file says what should come.
pub fn with_expectations(case: &Case, outcomes: &[Option<&Outcome>]) -> Case {
    let mut case = case.clone();
    for (step, outcome) in case.steps.iter_mut().zip(outcomes) {
        let Some(outcome) = outcome else { continue };
        let (kind, expect) = match step {
            Step::Call(call) => (&mut call.kind, &mut call.expect),
            Step::Invoke(invoke) => (&mut invoke.kind, &mut invoke.expect),
            Step::Advance(_) | Step::Settle { .. } | Step::Arrange(_) => continue,
        };
        if expect.is_none() {
            *kind = StepKind::Observed;
            *expect = Some(Expect {
                decision: Some(outcome.decision),
                code: outcome.code.clone().map(OneOrMany::One),
                ..Expect::default()
            });
        }
    }
    case
}

/// A file name that a person can read and that no two fingerprints share.
fn file_name(fingerprint: &str) -> String {
    let mut words = String::new();
    for letter in fingerprint.chars() {
        if letter.is_ascii_alphanumeric() {
            words.push(letter.to_ascii_lowercase());
        } else if !words.ends_with('-') {
            words.push('-');
        }
        if words.len() >= 60 {
            break;
        }
    }
    format!("{}-{:08x}", words.trim_matches('-'), stable_hash(&fingerprint) >> 32)
}

/// Writes beside the file and renames: a reader sees the old file or the new one.
pub(crate) fn write_whole(path: &Path, text: &str) -> Result<(), FindingError> {
    let failed = |source| FindingError::File {
        path: path.to_owned(),
        source,
    };
    let mut beside = path.as_os_str().to_owned();
    beside.push(format!(".{}.part", std::process::id()));
    let beside = PathBuf::from(beside);
    let written = fs::File::create(&beside).and_then(|mut file| {
        file.write_all(text.as_bytes())?;
        file.sync_all()
    });
    written.and_then(|()| fs::rename(&beside, path)).map_err(|source| {
        // The reason is reported; a leftover that cannot be removed either adds nothing to it.
        let _ = fs::remove_file(&beside);
        failed(source)
    })
}

#[cfg(test)]
mod tests {
    use super::{file_name, save_with_faults, with_expectations};
    use crate::differential::CaseReport;
    use crate::report::FindingReport;
    use countersign_model::case::{Case, Decision, StepKind, Syntax, load_str};
    use countersign_model::outcome::Outcome;
    use serde_json::json;

    fn case() -> Case {
        serde_json::from_value(json!({
            "countersign": 1,
            "id": "generated.s3.c4.shrunk",
            "origin": {"generator": 1, "seed": 3, "case": 4, "shrunk_from": "generated.s3.c4"},
            "world": {"accounts": {"111122223333": {"users": {"alice": {}}}}},
            "steps": [{"as": {"user": "alice"}, "call": "kms:ListKeys"}, {"advance": "10m"}],
        }))
        .expect("the sample is a case")
    }

    fn denied() -> Outcome {
        Outcome {
            decision: Decision::Deny,
            code: Some("AccessDeniedException".to_owned()),
            status: 400,
            message: None,
            checks: Vec::new(),
            stops_at: None,
            output: None,
            fresh: Default::default(),
            trail: Vec::new(),
            unchanged: true,
            rules: Default::default(),
        }
    }

    #[test]
    fn a_saved_finding_is_a_case_that_loads_and_an_explanation() {
        let folder = std::env::temp_dir().join(format!("countersign-findings-{}", std::process::id()));
        let report = CaseReport {
            id: case().id,
            target: "in-process".to_owned(),
            steps: Vec::new(),
            provisioning_fault: None,
            provisioning: Default::default(),
            wire: Default::default(),
            waiting: Default::default(),
        };
        let finding = FindingReport {
            fingerprint: "kms:ListKeys decision deny->allow iam:L-10".to_owned(),
            kinds: Vec::new(),
            seen: 2,
            found_in: "generated.s3.c4".to_owned(),
            seed: Some((3, 4)),
            steps_before: 5,
            seen_on: Default::default(),
            minimal: true,
            needs: Vec::new(),
            case: case(),
            report,
        };
        // Twice: the second replaces the first.
        let path =
            save_with_faults(&folder, &finding, &["boundary-skipped".to_owned()]).expect("the folder can be written");
        assert_eq!(
            save_with_faults(&folder, &finding, &["boundary-skipped".to_owned()]).expect("it can be replaced"),
            path
        );
        let yaml = std::fs::read_to_string(&path).expect("the case was written");
        assert_eq!(
            load_str("finding", &yaml, Syntax::Yaml).expect("the saved case loads"),
            case()
        );
        let json = std::fs::read_to_string(path.with_extension("json")).expect("the explanation was written");
        let json: serde_json::Value = serde_json::from_str(&json).expect("the explanation is JSON");
        assert_eq!(json["seed"], 3);
        let replay = json["replay"].as_str().expect("the replay command is a text");
        assert!(
            replay.starts_with("countersign replay ") && replay.ends_with("--fault boundary-skipped"),
            "{replay}"
        );
        let left: Vec<_> = std::fs::read_dir(&folder).expect("the folder is there").collect();
        assert_eq!(left.len(), 2, "no half-written file stays: {left:?}");
        std::fs::remove_dir_all(&folder).expect("the folder was ours");
    }

    #[test]
    fn every_asked_step_gets_the_models_answer_as_expectation() {
        let outcome = denied();
        let case = with_expectations(&case(), &[Some(&outcome), Some(&outcome)]);
        let expect = case.steps[0].expect().expect("the call has an expectation now");
        assert_eq!(expect.decision, Some(Decision::Deny));
        assert_eq!(case.steps[0].kind(), StepKind::Observed);
        assert!(case.steps[1].expect().is_none(), "a moved clock answers nothing");
        // What is expected already stays.
        assert_eq!(with_expectations(&case, &[None, None]), case);
    }

    #[test]
    fn file_names_are_readable_and_distinct() {
        let name = file_name("kms:Decrypt decision deny->allow svc:K-4");
        assert!(name.starts_with("kms-decrypt-decision-deny-allow-svc-k-4-"), "{name}");
        assert_ne!(name, file_name("kms:Decrypt decision deny->allow svc:K-5"));
        assert!(file_name(&"long ".repeat(100)).len() < 80);
        assert!(!file_name("../../etc/passwd").contains(['/', '.']));
    }
}
