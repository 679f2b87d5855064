//! Bare numbers and booleans: what YAML reads must be what the file says, and where AWS takes a text it must be written as one.

use super::super::load::{Problem, ProblemKind};
use super::super::tree::{Node, NodeValue};
use super::{MOST_PROBLEMS, entries, members};

/// Parameters of API calls that hold a policy document.
const POLICY_PARAMETERS: [&str; 3] = ["Policy", "PolicyDocument", "AssumeRolePolicyDocument"];

pub(super) fn check(document: &Node, text: &str, found: &mut Vec<Problem>) {
    spelling(document, text, found);
    for policy in policies(document) {
        bare(policy, found);
    }
}

/// A number or boolean that JSON would spell otherwise has lost something: `012345678901`, `1_000`, `True`.
fn spelling(node: &Node, text: &str, found: &mut Vec<Problem>) {
    let canonical = match &node.value {
        NodeValue::Bool(value) => value.to_string(),
        NodeValue::Number(value) => value.to_string(),
        NodeValue::List(entries) => {
            entries.iter().for_each(|entry| spelling(entry, text, found));
            return;
        }
        NodeValue::Map(members) => {
            members.iter().for_each(|(_, member)| spelling(member, text, found));
            return;
        }
        NodeValue::Null | NodeValue::Text(_) => return,
    };
    let written = text.get(node.span.clone()).unwrap_or("").trim();
    // What an alias stands for is checked where it is written.
    if written.is_empty() || written.starts_with('*') || written.starts_with('&') {
        return;
    }
    if written != canonical && found.len() < MOST_PROBLEMS {
        let kind = ProblemKind::BareScalar(format!("`{written}` would be read as `{canonical}`"));
        found.push(Problem::new(kind, node.span.clone()).help("quote it if it is a text"));
    }
}

/// Inside a policy every scalar is a text, except the values of a condition (`iam:G-09`).
fn bare(policy: &Node, found: &mut Vec<Problem>) {
    match &policy.value {
        NodeValue::Bool(value) => found.push(bare_problem(policy, &value.to_string(), "boolean")),
        NodeValue::Number(value) => found.push(bare_problem(policy, &value.to_string(), "number")),
        NodeValue::List(entries) => entries.iter().for_each(|entry| bare(entry, found)),
        NodeValue::Map(members) => {
            members
                .iter()
                .filter(|(key, _)| key.text != "Condition")
                .for_each(|(_, member)| bare(member, found));
        }
        NodeValue::Null | NodeValue::Text(_) => {}
    }
}

fn bare_problem(node: &Node, value: &str, what: &str) -> Problem {
    let kind = ProblemKind::BareScalar(format!("the bare {what} `{value}` stands where AWS takes a text"));
    Problem::new(kind, node.span.clone())
        .help("quote it; write the policy as a verbatim string if AWS is meant to refuse it")
}

/// Every policy that stands as a mapping.
fn policies(document: &Node) -> Vec<&Node> {
    let mut policies = Vec::new();
    if let Some(world) = document.get("world") {
        for (_, account) in members(world, "accounts") {
            policies.extend(members(account, "managed_policies").iter().map(|(_, policy)| policy));
            for kind in ["users", "groups", "roles"] {
                for (_, entity) in members(account, kind) {
                    policies.extend(members(entity, "policies").iter().map(|(_, policy)| policy));
                    policies.extend(entity.get("trust"));
                }
            }
            for kind in ["keys", "buckets", "vpc_endpoints"] {
                policies.extend(
                    members(account, kind)
                        .iter()
                        .filter_map(|(_, entity)| entity.get("policy")),
                );
            }
        }
        if let Some(root) = world
            .get("organization")
            .and_then(|organization| organization.get("root"))
        {
            of_unit(root, &mut policies);
        }
    }
    for step in entries(document, "steps") {
        if let Some(principal) = step.get("as") {
            policies.extend(principal.get("policy"));
            policies.extend(principal.get("federated_user").and_then(|user| user.get("policy")));
        }
        if let Some(with) = step.get("with") {
            policies.extend(POLICY_PARAMETERS.iter().filter_map(|name| with.get(name)));
        }
    }
    if let Some(evaluated) = document.get("evaluate").and_then(|evaluate| evaluate.get("policies")) {
        for kind in ["identity", "session"] {
            policies.extend(entries(evaluated, kind));
        }
        for kind in ["permissions_boundary", "resource"] {
            policies.extend(evaluated.get(kind));
        }
        for kind in ["service_control", "resource_control"] {
            policies.extend(entries(evaluated, kind).iter().flat_map(Node::entries));
        }
        policies.extend(
            evaluated
                .get("vpc_endpoint")
                .and_then(|endpoint| endpoint.get("policy")),
        );
    }
    policies
}

fn of_unit<'a>(unit: &'a Node, policies: &mut Vec<&'a Node>) {
    for kind in ["scp", "rcp"] {
        policies.extend(entries(unit, kind));
    }
    members(unit, "units")
        .iter()
        .for_each(|(_, below)| of_unit(below, policies));
}
