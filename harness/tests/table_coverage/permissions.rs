//! Every operation of the two tables with exactly its permissions, and with each of them taken away once: allowed, then denied, in model
//! and emulator, and the refusal is of the permission that is missing (`svc:2`, `svc:9.4`).

use std::collections::{BTreeMap, BTreeSet};

use countersign_model::case::{Case, Decision};
use countersign_model::outcome::Outcome;
use countersign_model::world::World;
use serde_json::{Value, json};

use crate::probe::{check, outcome, probes, spec, target};

#[test]
fn every_operation_needs_each_of_its_permissions_over_the_wire() {
    let wanted = wanted();
    let probes = probes().permissions;
    let probed: BTreeSet<String> = probes.iter().map(|probe| probe.call.clone()).collect();
    assert_eq!(
        probed,
        wanted.keys().cloned().collect(),
        "every operation of the tables has a probe"
    );
    let mut target = target();
    let (mut faults, mut asked) = (
        BTreeMap::<String, Vec<String>>::new(),
        BTreeMap::<String, BTreeSet<String>>::new(),
    );
    let (mut removals, mut s3_removals) = (0, 0);
    for probe in &probes {
        let pairs = pairs(&last(&probe.case("table.whole", &everything(), None)));
        let own = asked.entry(probe.call.clone()).or_default();
        own.extend(pairs.iter().map(|(action, _)| action.clone()));
        let mut fail = |why: String| faults.entry(probe.call.clone()).or_default().push(why);
        match outcome(&probe.case("table.enough", &policy(&pairs), None), &mut target) {
            Ok(outcome) if outcome.decision == Decision::Allow => {}
            other => fail(format!("with exactly its permissions: {other:?}")),
        }
        for (place, (action, resource)) in pairs.iter().enumerate() {
            let mut fewer = pairs.clone();
            fewer.remove(place);
            match outcome(&probe.case("table.removal", &policy(&fewer), None), &mut target) {
                Ok(outcome) if is_refusal_of(&outcome, action, resource) => {
                    removals += 1;
                    s3_removals += usize::from(probe.call.starts_with("s3:"));
                }
                Ok(outcome) => fail(format!("without {action} on {resource}: {outcome:?}")),
                Err(why) => fail(format!("without {action} on {resource}: {why}")),
            }
        }
    }
    for (operation, actions) in &wanted {
        assert_eq!(&asked[operation], actions, "{operation} asks for what the table says");
    }
    check("permissions", &faults);
    println!(
        "{} operations, {} probes: {removals} removals of a required allow are denied on both sides, {s3_removals} of them by S3; not over the wire: {:?}",
        wanted.len(),
        probes.len(),
        faults.keys().collect::<Vec<_>>()
    );
    assert!(removals >= 150, "{removals} removals");
}

/// Operation → the actions that the tables name.
fn wanted() -> BTreeMap<String, BTreeSet<String>> {
    let mut wanted = BTreeMap::new();
    for (service, text) in [
        ("kms", include_str!("../../../model/spec/kms_operations.json")),
        ("s3", include_str!("../../../model/spec/s3_operations.json")),
    ] {
        let table = spec(text);
        for (name, row) in table["operations"].as_object().expect("operations are a mapping") {
            let lists = ["permissions", "s3_permissions", "kms_calls"].map(|field| &row[field]);
            let actions = lists
                .iter()
                .filter_map(|list| list.as_array())
                .flatten()
                .filter_map(|entry| entry["action"].as_str().map(str::to_owned))
                .collect();
            wanted.insert(format!("{service}:{name}"), actions);
        }
    }
    wanted
}

/// The last outcome of a case in the model alone.
fn last(case: &Case) -> Outcome {
    let mut world = World::new(case).unwrap_or_else(|error| panic!("{}: {error}", case.id));
    let mut last = None;
    for step in &case.steps {
        last = Some(world.apply(step).unwrap_or_else(|error| panic!("{}: {error}", case.id)));
    }
    last.expect("a probe has at least its own step")
}

/// What was asked, each once, in order.
fn pairs(outcome: &Outcome) -> Vec<(String, String)> {
    let mut pairs = Vec::new();
    for check in &outcome.checks {
        let pair = (check.action.to_string(), check.resource.clone());
        if !pairs.contains(&pair) {
            pairs.push(pair);
        }
    }
    pairs
}

/// A batch is answered entry by entry: the refusal stands inside.
fn is_refusal_of(outcome: &Outcome, action: &str, resource: &str) -> bool {
    let of_last = outcome
        .checks
        .last()
        .is_some_and(|check| check.action.as_str() == action && check.resource == resource);
    let inside = outcome
        .output
        .as_ref()
        .is_some_and(|output| output["Errors"][0]["Code"] == "AccessDenied");
    of_last && (outcome.decision == Decision::Deny || inside)
}

fn policy(pairs: &[(String, String)]) -> Value {
    let mut statements: Vec<Value> = pairs
        .iter()
        .map(|(action, resource)| json!({"Effect": "Allow", "Action": action, "Resource": resource}))
        .collect();
    // A policy has at least one statement.
    statements.push(json!({"Effect": "Allow", "Action": "ec2:DescribeInstances", "Resource": "*"}));
    json!({"Version": "2012-10-17", "Statement": statements})
}

fn everything() -> Value {
    json!({"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "*", "Resource": "*"}]})
}
