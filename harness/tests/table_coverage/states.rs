//! Every operation in every key state (`svc:5`), in model and emulator: the code of each cell is the one of `kms_key_states.json`.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Value, json};

use crate::probe::{Probe, check, outcome, probes, spec, target};

/// A permission of a service-linked role, not an operation of the API (`svc:K-22`).
const NO_OPERATION: &str = "SynchronizeMultiRegionKey";

#[test]
fn every_operation_in_every_key_state_agrees_over_the_wire() {
    let table = spec(include_str!("../../../model/spec/kms_key_states.json"));
    let states: Vec<&str> = table["states"]
        .as_array()
        .expect("states are a list")
        .iter()
        .filter_map(Value::as_str)
        .collect();
    let operations: BTreeSet<String> = table["operations"]
        .as_object()
        .expect("operations are a mapping")
        .keys()
        .filter(|name| *name != NO_OPERATION)
        .map(|name| format!("kms:{name}"))
        .collect();
    let probes = probes().states;
    let probed: BTreeSet<String> = probes.iter().map(|probe| probe.call.clone()).collect();
    assert_eq!(probed, operations, "every operation of the table has a probe");
    let mut target = target();
    let (mut faults, mut cells, mut runs) = (BTreeMap::<String, Vec<String>>::new(), BTreeSet::new(), 0);
    for probe in &probes {
        for state in &states {
            if never(probe, state) {
                continue;
            }
            let everything =
                json!({"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "*", "Resource": "*"}]});
            let case = probe.case("table.state", &everything, Some(state));
            match outcome(&case, &mut target) {
                Err(why) => faults
                    .entry(probe.call.clone())
                    .or_default()
                    .push(format!("{state}: {why}")),
                Ok(outcome) => {
                    let code = outcome.code.as_deref().unwrap_or("");
                    let cell = &table["operations"][probe.call.trim_start_matches("kms:")][state];
                    if !fits(cell, code) {
                        let all = faults.entry(probe.call.clone()).or_default();
                        all.push(format!("{state}: both answer `{code}`, the table says {cell}"));
                    }
                    cells.insert((probe.call.clone(), *state));
                    runs += 1;
                }
            }
        }
    }
    check("states", &faults);
    let all = operations.len() * states.len();
    println!(
        "{} of {all} cells of operation × key state agree over the wire, by {runs} runs; not over the wire: {:?}",
        cells.len(),
        faults.keys().collect::<Vec<_>>()
    );
    let missing = faults.len() * states.len();
    assert!(
        cells.len() + missing >= all,
        "{} cells and {missing} that are known, of {all}",
        cells.len()
    );
}

/// A key of KMS's own making never waits for an import; its other states show the footnote.
fn never(probe: &Probe, state: &str) -> bool {
    state == "PendingImport"
        && probe.call.ends_with("DeleteImportedKeyMaterial")
        && probe.key.as_deref() != Some("imported")
}

/// Whether a code can stand in a cell: its own; that of a condition, or success where the condition does not hold.
fn fits(cell: &Value, code: &str) -> bool {
    let own = cell["model_error"]["code"].as_str();
    let errors = cell["errors"].as_array().into_iter().flatten();
    let listed: BTreeSet<&str> = errors.filter_map(|error| error["code"].as_str()).chain(own).collect();
    match cell["result"].as_str() {
        Some("ok") => code.is_empty() || listed.contains(code),
        Some("fail") => listed.contains(code),
        Some("cond") => code.is_empty() || listed.contains(code),
        Some("n/a") => code == "KMSInvalidStateException",
        _ => false,
    }
}
