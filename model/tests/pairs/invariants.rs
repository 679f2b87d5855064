//! Rules that say what never changes an outcome, and so can have no pair: the order of members (`iam:G-03`), of statements and policies
//! (`iam:L-04`), and names (`iam:G-33`). They hold for every case of the corpus.

use countersign_model::case::{Case, EvaluatorCase, EvaluatorPolicies, PolicyText};
use countersign_model::evaluate::case::run;
use countersign_model::quirks::Quirks;
use serde_json::{Map, Value, json};

use super::{TODAY, cases_in, pairs};

#[test]
fn order_and_names_never_matter() {
    let mut compared = 0;
    for case in cases_in("evaluator").iter().chain(pairs().values().flatten()) {
        let Some(evaluate) = &case.evaluate else { continue };
        for (what, rewrite) in REWRITINGS {
            let rewritten = EvaluatorCase {
                policies: rewrite_all(&evaluate.policies, rewrite),
                ..evaluate.clone()
            };
            let (before, after) = (outcomes(case, evaluate), outcomes(case, &rewritten));
            compared += before.len();
            assert_eq!(before, after, "{}: {what}", case.id);
        }
    }
    assert!(compared > 1_500, "only {compared} outcomes were compared");
}

/// Changes one document.
type Rewrite = fn(&mut Map<String, Value>);

const REWRITINGS: [(&str, Rewrite); 3] = [
    ("members in reverse", reverse_members),
    ("statements in reverse", reverse_statements),
    ("every statement has a Sid", name_statements),
];

fn outcomes(case: &Case, evaluate: &EvaluatorCase) -> Vec<Value> {
    let quirks = Quirks::from_overrides(&case.quirks).expect("the corpus names switches that exist");
    let answers =
        run(evaluate, &quirks, case.as_of.unwrap_or(TODAY)).unwrap_or_else(|fault| panic!("{}: {fault}", case.id));
    answers
        .iter()
        .map(|answer| json!({"decision": answer.decision(), "blamed": answer.blamed()}))
        .collect()
}

/// Every document rewritten, and every list of policies turned round.
fn rewrite_all(policies: &EvaluatorPolicies, rewrite: Rewrite) -> EvaluatorPolicies {
    let one = |text: &PolicyText| match text {
        PolicyText::Document(document) => {
            let mut document = document.clone();
            rewrite(&mut document);
            PolicyText::Document(document)
        }
        verbatim => verbatim.clone(),
    };
    let list = |texts: &Vec<PolicyText>| texts.iter().rev().map(one).collect::<Vec<_>>();
    let mut endpoint = policies.vpc_endpoint.clone();
    if let Some(endpoint) = &mut endpoint {
        endpoint.policy = one(&endpoint.policy);
    }
    EvaluatorPolicies {
        identity: list(&policies.identity),
        permissions_boundary: policies.permissions_boundary.as_ref().map(one),
        session: policies.session.as_ref().map(list),
        resource: policies.resource.as_ref().map(one),
        // Levels are levels; the policies of one level are a set.
        service_control: policies.service_control.iter().map(list).collect(),
        resource_control: policies.resource_control.iter().map(list).collect(),
        vpc_endpoint: endpoint,
    }
}

fn reverse_members(document: &mut Map<String, Value>) {
    let reversed = |members: &Map<String, Value>| {
        let members: Vec<(String, Value)> = members
            .iter()
            .map(|(key, value)| (key.clone(), value.clone()))
            .collect();
        members.into_iter().rev().collect::<Map<_, _>>()
    };
    for statement in statements(document) {
        *statement = reversed(statement);
    }
    *document = reversed(document);
}

fn reverse_statements(document: &mut Map<String, Value>) {
    if let Some(Value::Array(list)) = document.get_mut("Statement") {
        list.reverse();
    }
}

fn name_statements(document: &mut Map<String, Value>) {
    for (position, statement) in statements(document).into_iter().enumerate() {
        // A Sid that is there may be what the case is about.
        statement
            .entry("Sid")
            .or_insert_with(|| format!("Named{position}").into());
    }
}

fn statements(document: &mut Map<String, Value>) -> Vec<&mut Map<String, Value>> {
    let found = match document.get_mut("Statement") {
        Some(Value::Array(list)) => list.iter_mut().collect(),
        Some(one) => vec![one],
        None => Vec::new(),
    };
    found.into_iter().filter_map(Value::as_object_mut).collect()
}
