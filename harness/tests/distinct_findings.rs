//! Findings with the same deciding rule and the same kind of disagreement are one finding, with a count and one shrunk exemplar that says
//! what it needs.
#![cfg(feature = "wire")]

use std::sync::atomic::AtomicBool;

use countersign::differential::run_case;
use countersign::distinct::{Distinct, Effort};
use countersign::evaluator::generate;
use countersign::findings;
use countersign::session::Phase;
use countersign::target::AuthorizerTarget;
use countersign_model::case::{Syntax, load_str};

const EFFORT: Effort = Effort {
    groups: 6,
    shrinking: 2_000,
    needs: 200,
    stranger: false,
};

#[test]
fn many_disagreements_of_one_fault_are_few_findings() {
    let fault = ["identity-deny-ignored".to_owned()];
    let mut target = AuthorizerTarget::new(&fault, Default::default()).expect("the fault exists");
    let mut distinct = Distinct::default();
    let mut differing = 0;
    for number in 0..1_500 {
        let Ok(case) = generate::from_seed(11, number) else {
            continue;
        };
        let report = run_case(&case, &mut target).expect("a generated case runs");
        differing += u64::from(report.disagreements().next().is_some());
        distinct.add(Phase::Random, number, case, report);
    }
    let groups = distinct.len();
    assert!(differing > 20 && groups > 1, "{differing} cases in {groups} groups");
    let found = distinct.findings(EFFORT, 11, &mut target, &AtomicBool::new(false));
    let names: Vec<&str> = found.shown.iter().map(|finding| finding.fingerprint.as_str()).collect();
    let mut distinct_names = names.clone();
    distinct_names.sort_unstable();
    distinct_names.dedup();
    assert_eq!(
        distinct_names.len(),
        names.len(),
        "one finding for each name: {names:?}"
    );
    assert!(found.shown.len() + found.hidden <= groups);
    if found.hidden == 0 {
        assert_eq!(found.shown.iter().map(|finding| finding.seen).sum::<u64>(), differing);
    }
    for finding in &found.shown {
        assert_eq!(
            finding.seen_on.values().sum::<u64>(),
            finding.seen,
            "{}",
            finding.fingerprint
        );
        assert!(finding.minimal, "{}", finding.fingerprint);
        let request = finding
            .needs
            .iter()
            .any(|part| part.path.starts_with("evaluate.request"));
        assert!(request, "the parts of the request are judged: {:?}", finding.needs);
    }
    // Kept, it loads, it still shows the same, and it says what it needs.
    let folder = std::env::temp_dir().join(format!("countersign-distinct-{}", std::process::id()));
    let path = findings::save_with_faults(&folder, &found.shown[0], &fault).expect("the folder can be written");
    let yaml = std::fs::read_to_string(&path).expect("the case was written");
    let case = load_str("finding", &yaml, Syntax::Yaml).expect("the saved case loads");
    assert!(
        run_case(&case, &mut target)
            .expect("it runs")
            .disagreements()
            .next()
            .is_some()
    );
    let json = std::fs::read_to_string(path.with_extension("json")).expect("the explanation was written");
    let json: serde_json::Value = serde_json::from_str(&json).expect("the explanation is JSON");
    assert_eq!(json["seen"], found.shown[0].seen);
    assert!(
        json["needs"]
            .as_array()
            .is_some_and(|parts| parts.iter().any(|part| part["need"] == "needed")),
        "{json}"
    );
    std::fs::remove_dir_all(&folder).expect("the folder was ours");
}
