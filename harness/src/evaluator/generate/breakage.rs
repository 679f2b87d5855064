//! What is changed about an allowed request: one fact at a time, near the boundary. Whether that denies it is not decided here.

use countersign_model::case::{EvaluatorCase, EvaluatorGrant, EvaluatorPolicies, PolicyText};
use countersign_model::name::AccountId;
use serde_json::{Map, Value, json};

use super::condition;
use super::near;
use super::policies::{resource_set, session};
use super::scene::{Caller, Scene};
use super::statement::{self, Naming, Set, covering, document, other_action, other_resource};
use super::text;
use super::vocabulary::{ACCOUNTS, KEYS};
use crate::evaluator::documents::documents;
use crate::generate::dice::Dice;

/// One kind of change.
#[derive(Debug, Clone, Copy)]
enum Change {
    Deny,
    DropPolicy,
    OtherElement,
    NegateElement,
    OtherPrincipal,
    AddTest,
    OtherTest,
    FlipEffect,
    Boundary,
    Session,
    ServiceControl,
    ResourceControl,
    Endpoint,
    Caller,
    Owner,
    Context,
    Derived,
    Version,
    Grant,
    NearMiss,
    Legacy,
    Malformed,
}

const CHANGES: &[(u32, Change)] = &[
    (13, Change::Deny),
    (5, Change::DropPolicy),
    (10, Change::OtherElement),
    (6, Change::NegateElement),
    (9, Change::OtherPrincipal),
    (16, Change::AddTest),
    (8, Change::OtherTest),
    (2, Change::FlipEffect),
    (4, Change::Boundary),
    (5, Change::Session),
    (5, Change::ServiceControl),
    (5, Change::ResourceControl),
    (3, Change::Endpoint),
    (5, Change::Caller),
    (3, Change::Owner),
    (7, Change::Context),
    (2, Change::Derived),
    (3, Change::Version),
    (4, Change::Grant),
    (24, Change::NearMiss),
    (2, Change::Legacy),
    (3, Change::Malformed),
];

/// Makes one change.
pub(super) fn change(dice: &mut Dice<'_, '_>, scene: &mut Scene, case: &mut EvaluatorCase) {
    match dice.weighted(CHANGES) {
        Change::Deny => deny(dice, scene, &mut case.policies),
        Change::DropPolicy => drop_policy(dice, &mut case.policies),
        Change::OtherElement => other_element(dice, scene, &mut case.policies),
        Change::NegateElement => negate_element(dice, &mut case.policies),
        Change::OtherPrincipal => other_principal(dice, scene, &mut case.policies),
        Change::AddTest => add_test(dice, scene, &mut case.policies),
        Change::OtherTest => change_test(dice, &mut case.policies),
        Change::FlipEffect => flip_effect(dice, &mut case.policies),
        Change::Boundary => {
            case.policies.permissions_boundary = Some(narrow(dice, scene, Set::Boundary));
        }
        Change::Session => match dice.below(4) {
            0 => case.policies.session = None,
            1 => case.policies.session = Some(Vec::new()),
            2 => session(dice, scene, &mut case.policies),
            _ => case.policies.session = Some(vec![narrow(dice, scene, Set::Session)]),
        },
        Change::ServiceControl => {
            let level = levels_change(dice, scene, Set::ServiceControl);
            at_level(dice, &mut case.policies.service_control, level);
        }
        Change::ResourceControl => {
            let level = levels_change(dice, scene, Set::ResourceControl);
            at_level(dice, &mut case.policies.resource_control, level);
        }
        Change::Endpoint => {
            let policy = narrow(dice, scene, Set::Endpoint);
            if let Some(endpoint) = &mut case.policies.vpc_endpoint {
                endpoint.policy = policy;
            }
        }
        Change::Caller => {
            let (kind, account) = (scene.caller.kind, scene.caller.account);
            scene.caller = if dice.percent(70) {
                Caller::of_kind(dice, kind, account)
            } else {
                Caller::draw(dice)
            };
            if let Some(request) = &mut case.request {
                request.principal = scene.caller.principal();
            }
        }
        Change::Owner => {
            if let Some(request) = &mut case.request {
                request.resource_account = AccountId::new(*dice.pick(ACCOUNTS)).ok();
            }
        }
        Change::Context => change_context(dice, scene, case),
        Change::Derived => {
            scene.override_derived(dice);
            if let Some(request) = &mut case.request {
                request.context = scene.context.iter().cloned().collect();
            }
        }
        Change::Version => change_version(dice, &mut case.policies),
        Change::Grant => change_grant(dice, scene, &mut case.grants),
        Change::NearMiss => {
            near::miss(dice, scene, case);
            if let Some(request) = &case.request {
                scene.context = request.context.clone().into_iter().collect();
            }
        }
        Change::Legacy => {
            if let Some(policy) = pick_policy(dice, &mut case.policies) {
                text::legacy(dice, policy);
            }
        }
        Change::Malformed => {
            if let Some(policy) = pick_policy(dice, &mut case.policies) {
                text::malformed(dice, policy);
            }
        }
    }
}

/// A Deny that covers the request, or would but for a condition.
fn deny(dice: &mut Dice<'_, '_>, scene: &Scene, policies: &mut EvaluatorPolicies) {
    let resource = resource_set(scene);
    let set = dice.weighted(&[
        (30, Set::Identity),
        (30, resource),
        (8, Set::Boundary),
        (8, Set::Session),
        (10, Set::ServiceControl),
        (9, Set::ResourceControl),
        (5, Set::Endpoint),
    ]);
    let naming = match dice.below(5) {
        0 => Naming::Own,
        1 => Naming::Parent,
        2 => Naming::Account,
        _ => Naming::Everyone,
    };
    let mut statement = covering(dice, scene, set, "Deny", naming, 20);
    if dice.percent(60) {
        let mut block = statement
            .get("Condition")
            .and_then(Value::as_object)
            .cloned()
            .unwrap_or_default();
        condition::add_any(dice, scene, &mut block);
        statement.insert("Condition".to_owned(), Value::Object(block));
    }
    if set.names_principals() && set != Set::ResourceControl && set != Set::Trust && dice.percent(35) {
        statement.remove("Principal");
        statement.insert("NotPrincipal".to_owned(), statement::odd_principal(dice, scene));
    }
    match set {
        Set::Identity => {
            if let Some(policy) = policies.identity.first_mut()
                && dice.coin()
            {
                push(dice, policy, statement);
            } else {
                policies.identity.push(document(dice, set, vec![statement]));
            }
        }
        Set::Resource | Set::Trust => match &mut policies.resource {
            Some(policy) => push(dice, policy, statement),
            none => *none = Some(document(dice, set, vec![statement])),
        },
        Set::Boundary => match &mut policies.permissions_boundary {
            Some(policy) => push(dice, policy, statement),
            None => {
                let allow = covering(dice, scene, set, "Allow", Naming::Everyone, 0);
                policies.permissions_boundary = Some(document(dice, set, vec![allow, statement]));
            }
        },
        Set::Session => match policies.session.as_mut().and_then(|list| list.first_mut()) {
            Some(policy) => push(dice, policy, statement),
            None => {
                let allow = covering(dice, scene, set, "Allow", Naming::Everyone, 0);
                policies.session = Some(vec![document(dice, set, vec![allow, statement])]);
            }
        },
        Set::ServiceControl | Set::ResourceControl => {
            let policy = document(dice, set, vec![statement]);
            let levels = if set == Set::ServiceControl {
                &mut policies.service_control
            } else {
                &mut policies.resource_control
            };
            match levels.last_mut() {
                Some(level) => level.push(policy),
                None => {
                    let allow = covering(dice, scene, set, "Allow", Naming::Everyone, 0);
                    levels.push(vec![document(dice, set, vec![allow]), policy]);
                }
            }
        }
        Set::Endpoint => {
            if let Some(endpoint) = &mut policies.vpc_endpoint {
                push(dice, &mut endpoint.policy, statement);
            }
        }
    }
}

fn drop_policy(dice: &mut Dice<'_, '_>, policies: &mut EvaluatorPolicies) {
    match dice.below(3) {
        0 => policies.resource = None,
        1 => {
            policies.identity.pop();
        }
        _ => policies.identity.clear(),
    }
}

/// A document that does not allow the request, or only under a condition.
fn narrow(dice: &mut Dice<'_, '_>, scene: &Scene, set: Set) -> PolicyText {
    let mut statement = covering(dice, scene, set, "Allow", Naming::Everyone, 20);
    match dice.below(3) {
        0 => {
            statement.remove("NotAction");
            statement.insert("Action".to_owned(), json!(other_action(dice, scene, set)));
        }
        1 => {
            statement.remove("NotResource");
            statement.insert("Resource".to_owned(), json!(other_resource(dice, scene)));
        }
        _ => {
            let mut block = Map::new();
            condition::add_any(dice, scene, &mut block);
            statement.insert("Condition".to_owned(), Value::Object(block));
        }
    }
    document(dice, set, vec![statement])
}

fn levels_change(dice: &mut Dice<'_, '_>, scene: &Scene, set: Set) -> Vec<PolicyText> {
    match dice.below(4) {
        0 => Vec::new(),
        1 if set == Set::ResourceControl => {
            let deny = covering(dice, scene, set, "Deny", Naming::Everyone, 60);
            vec![document(dice, set, vec![deny])]
        }
        _ => vec![narrow(dice, scene, set)],
    }
}

fn at_level(dice: &mut Dice<'_, '_>, levels: &mut Vec<Vec<PolicyText>>, level: Vec<PolicyText>) {
    if levels.is_empty() || dice.coin() {
        levels.push(level);
    } else {
        let at = dice.position(levels.len());
        levels[at] = level;
    }
}

fn other_element(dice: &mut Dice<'_, '_>, scene: &Scene, policies: &mut EvaluatorPolicies) {
    with_statement(dice, policies, |dice, statement| {
        if dice.coin() {
            if let Some(value) = statement.get_mut("Action") {
                *value = if dice.percent(8) {
                    json!([])
                } else {
                    json!(other_action(dice, scene, Set::Identity))
                };
            }
        } else if let Some(value) = statement.get_mut("Resource") {
            *value = if dice.percent(6) {
                json!([Value::Null, other_resource(dice, scene)])
            } else {
                json!(other_resource(dice, scene))
            };
        } else if let Some(value) = statement.get_mut("NotResource") {
            *value = if dice.percent(15) {
                json!([])
            } else {
                json!(other_resource(dice, scene))
            };
        }
    });
}

fn negate_element(dice: &mut Dice<'_, '_>, policies: &mut EvaluatorPolicies) {
    with_statement(dice, policies, |dice, statement| {
        let (plain, negated) = *dice.pick(&[
            ("Action", "NotAction"),
            ("Resource", "NotResource"),
            ("Principal", "NotPrincipal"),
            ("Principal", "NotPrincipal"),
        ]);
        let (from, to) = if statement.contains_key(plain) {
            (plain, negated)
        } else {
            (negated, plain)
        };
        if let Some(value) = statement.remove(from) {
            statement.insert(to.to_owned(), value);
        }
    });
}

fn other_principal(dice: &mut Dice<'_, '_>, scene: &Scene, policies: &mut EvaluatorPolicies) {
    let endpoint = policies.vpc_endpoint.is_some() && dice.percent(25);
    let policy = if endpoint {
        policies.vpc_endpoint.as_mut().map(|endpoint| &mut endpoint.policy)
    } else {
        policies.resource.as_mut()
    };
    let Some(policy) = policy else { return };
    let principal = statement::odd_principal(dice, scene);
    statement_of(dice, policy, |_, statement| {
        let name = if statement.contains_key("NotPrincipal") {
            "NotPrincipal"
        } else {
            "Principal"
        };
        statement.insert(name.to_owned(), principal);
    });
}

fn add_test(dice: &mut Dice<'_, '_>, scene: &Scene, policies: &mut EvaluatorPolicies) {
    with_statement(dice, policies, |dice, statement| {
        let block = statement.entry("Condition").or_insert_with(|| json!({}));
        if let Value::Object(block) = block {
            condition::add_any(dice, scene, block);
        }
    });
}

/// Replaces a value of a test, or swaps its operator for the negated one.
fn change_test(dice: &mut Dice<'_, '_>, policies: &mut EvaluatorPolicies) {
    with_statement(dice, policies, |dice, statement| {
        let Some(Value::Object(block)) = statement.get_mut("Condition") else {
            return;
        };
        let Some(operator) = block.keys().next().cloned() else {
            return;
        };
        if dice.coin() {
            if let Some(Value::Object(keys)) = block.get_mut(&operator)
                && let Some((_, value)) = keys.iter_mut().next()
            {
                *value = match dice.below(4) {
                    0 => json!([]),
                    1 => json!([condition::odd_value(dice), value.as_str().unwrap_or("x")]),
                    _ => condition::odd_value(dice),
                };
            }
        } else {
            let other = if operator.contains("Not") {
                operator.replacen("Not", "", 1)
            } else {
                ["String", "Numeric", "Date", "Arn"]
                    .iter()
                    .find(|family| {
                        operator.contains(*family) && operator.contains("Equals") && !operator.contains("Than")
                    })
                    .map_or_else(
                        || operator.replace("IfExists", ""),
                        |family| operator.replacen(family, &format!("{family}Not"), 1),
                    )
            };
            if let Some(keys) = block.remove(&operator) {
                block.insert(other, keys);
            }
        }
        // A date that cannot be read makes the whole document unusable; that is what `Malformed` is for.
        block.retain(|operator, keys| {
            !operator.contains("Date") || !keys.to_string().contains(['x', 'e', '$', '*', '/'])
        });
    });
}

fn flip_effect(dice: &mut Dice<'_, '_>, policies: &mut EvaluatorPolicies) {
    with_statement(dice, policies, |_, statement| {
        let deny = statement.get("Effect").and_then(Value::as_str) == Some("Allow");
        statement.insert("Effect".to_owned(), json!(if deny { "Deny" } else { "Allow" }));
    });
}

fn change_context(dice: &mut Dice<'_, '_>, scene: &mut Scene, case: &mut EvaluatorCase) {
    let Some(request) = &mut case.request else { return };
    let keys: Vec<String> = request.context.keys().cloned().collect();
    if keys.is_empty() {
        return;
    }
    let name = dice.pick(&keys).clone();
    let value = match dice.below(6) {
        0 => Value::Null,
        1 => {
            request.context.remove(&name);
            return;
        }
        2 => json!([]),
        3 => json!([request.context[&name].as_str().unwrap_or("red"), "x"]),
        _ => {
            let known = KEYS.iter().find(|key| key.name.eq_ignore_ascii_case(&name));
            known.map_or_else(|| json!(""), |key| json!(dice.pick(key.values)))
        }
    };
    request.context.insert(name, value);
    scene.context = request.context.clone().into_iter().collect();
}

fn change_version(dice: &mut Dice<'_, '_>, policies: &mut EvaluatorPolicies) {
    let Some(PolicyText::Document(document)) = pick_policy(dice, policies) else {
        return;
    };
    if dice.coin() {
        document.insert("Version".to_owned(), json!("2008-10-17"));
    } else {
        document.remove("Version");
    }
}

fn change_grant(dice: &mut Dice<'_, '_>, scene: &Scene, grants: &mut [EvaluatorGrant]) {
    let Some(grant) = grants.first_mut() else { return };
    match dice.below(5) {
        0 => grant.operations = vec!["DescribeKey".to_owned()],
        1 => grant.grantee_principal = Caller::of_kind(dice, scene.caller.kind, ACCOUNTS[0]).name,
        2 => grant.grantee_principal = format!("arn:aws:iam::{}:root", dice.pick(ACCOUNTS)),
        3 => grant.constraints.encryption_context_equals = Some([("Team".to_owned(), "red".to_owned())].into()),
        _ => {
            grant.constraints.encryption_context_subset = Some(
                [(
                    (*dice.pick(&["team", "Team", "App"])).to_owned(),
                    (*dice.pick(&["red", "pay"])).to_owned(),
                )]
                .into(),
            );
        }
    }
}

fn pick_policy<'p>(dice: &mut Dice<'_, '_>, policies: &'p mut EvaluatorPolicies) -> Option<&'p mut PolicyText> {
    let mut all = documents(policies);
    if all.is_empty() {
        return None;
    }
    let at = dice.position(all.len());
    Some(all.swap_remove(at))
}

fn with_statement(
    dice: &mut Dice<'_, '_>,
    policies: &mut EvaluatorPolicies,
    change: impl FnOnce(&mut Dice<'_, '_>, &mut Map<String, Value>),
) {
    if let Some(policy) = pick_policy(dice, policies) {
        statement_of(dice, policy, change);
    }
}

fn statement_of(
    dice: &mut Dice<'_, '_>,
    policy: &mut PolicyText,
    change: impl FnOnce(&mut Dice<'_, '_>, &mut Map<String, Value>),
) {
    let PolicyText::Document(document) = policy else { return };
    match document.get_mut("Statement") {
        Some(Value::Object(statement)) => change(dice, statement),
        Some(Value::Array(list)) if !list.is_empty() => {
            let at = dice.position(list.len());
            if let Value::Object(statement) = &mut list[at] {
                change(dice, statement);
            }
        }
        _ => {}
    }
}

/// Adds a statement to a document, first or last.
fn push(dice: &mut Dice<'_, '_>, policy: &mut PolicyText, statement: Map<String, Value>) {
    let PolicyText::Document(document) = policy else { return };
    let statements = document.entry("Statement").or_insert_with(|| json!([]));
    if let Value::Object(_) = statements {
        *statements = json!([statements.take()]);
    }
    if let Value::Array(list) = statements {
        let at = if dice.coin() { 0 } else { list.len() };
        list.insert(at, Value::Object(statement));
    }
}
