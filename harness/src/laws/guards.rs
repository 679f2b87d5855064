//! Laws about adding: a Deny, a guard rail or a session policy takes away and never gives (`iam.md` §7.3, 1 and 2).

use countersign_model::case::{
    Case, EvaluatorCase, EvaluatorPrincipal, EvaluatorVpcEndpoint, PolicyText, VpcEndpointKind,
};
use serde_json::{Map, Value, json};

use super::{Law, Relation, Trial, changed};
use crate::evaluator::documents::{all_statements, documents};
use crate::generate::dice::Dice;

pub(super) const LAWS: &[Law] = &[
    Law {
        id: "deny-never-allows",
        statement: "adding a Deny statement to any policy never turns a denial into an allow",
        rules: &["iam:L-10"],
        trials: deny,
    },
    Law {
        id: "service-control-never-allows",
        statement: "adding a level of service control policies never turns a denial into an allow",
        rules: &["iam:L-11", "iam:L-03"],
        trials: service_control,
    },
    Law {
        id: "resource-control-never-allows",
        statement: "adding a level of resource control policies never turns a denial into an allow",
        rules: &["iam:L-11", "iam:L-03"],
        trials: resource_control,
    },
    Law {
        id: "boundary-never-allows",
        statement: "adding a permissions boundary never turns a denial into an allow",
        rules: &["iam:L-85"],
        trials: boundary,
    },
    Law {
        id: "session-never-allows",
        statement: "adding session policies never turns a denial into an allow, but for a federated user who had none",
        rules: &["iam:L-76", "iam:L-77"],
        trials: session,
    },
    Law {
        id: "endpoint-never-allows",
        statement: "adding a VPC endpoint policy never turns a denial into an allow",
        rules: &["iam:L-14", "iam:L-90"],
        trials: endpoint,
    },
];

/// A statement of the case made fit for another set; a plain one where the case has none.
fn borrowed(case: &mut EvaluatorCase, dice: &mut Dice<'_, '_>, effect: &str, principals: bool) -> Map<String, Value> {
    let mut all: Vec<Map<String, Value>> = all_statements(&mut case.policies)
        .into_iter()
        .map(|one| one.clone())
        .collect();
    let mut statement = if all.is_empty() || dice.percent(20) {
        Map::new()
    } else {
        let at = dice.position(all.len());
        all.swap_remove(at)
    };
    for name in ["Sid", "Principal", "NotPrincipal"] {
        statement.remove(name);
    }
    statement.insert("Effect".to_owned(), json!(effect));
    if principals {
        statement.insert("Principal".to_owned(), json!("*"));
    }
    if !statement.contains_key("Action") && !statement.contains_key("NotAction") {
        statement.insert("Action".to_owned(), json!("*"));
    }
    if !statement.contains_key("Resource") && !statement.contains_key("NotResource") {
        statement.insert("Resource".to_owned(), json!("*"));
    }
    statement
}

fn document(statement: Map<String, Value>) -> PolicyText {
    let mut document = Map::new();
    document.insert("Version".to_owned(), json!("2012-10-17"));
    document.insert("Statement".to_owned(), json!([statement]));
    PolicyText::Document(document)
}

fn deny(case: &Case, dice: &mut Dice<'_, '_>) -> Vec<Trial> {
    let at = usize::try_from(dice.below(8)).unwrap_or_default();
    changed(case, Relation::NoNewAllow, |case| {
        let count = documents(&mut case.policies).len();
        if count == 0 {
            let statement = borrowed(case, dice, "Deny", false);
            case.policies.identity.push(document(statement));
            return true;
        }
        let statement = borrowed(case, dice, "Deny", false);
        let mut all = documents(&mut case.policies);
        let PolicyText::Document(policy) = &mut *all[at % count] else {
            return false;
        };
        let Some(statements) = policy.get_mut("Statement") else {
            return false;
        };
        if statements.is_object() {
            *statements = json!([statements.take()]);
        }
        let Some(list) = statements.as_array_mut() else {
            return false;
        };
        let Some(first) = list.first().and_then(Value::as_object) else {
            return false;
        };
        // The new statement has the elements that this kind of policy has.
        let mut statement = statement;
        if first.contains_key("Principal") || first.contains_key("NotPrincipal") {
            statement.insert("Principal".to_owned(), json!("*"));
        }
        if !first.contains_key("Resource") && !first.contains_key("NotResource") {
            statement.remove("Resource");
            statement.remove("NotResource");
        }
        list.push(Value::Object(statement));
        true
    })
}

fn service_control(case: &Case, dice: &mut Dice<'_, '_>) -> Vec<Trial> {
    changed(case, Relation::NoNewAllow, |case| {
        let statement = borrowed(case, dice, "Allow", false);
        case.policies.service_control.push(vec![document(statement)]);
        true
    })
}

fn resource_control(case: &Case, dice: &mut Dice<'_, '_>) -> Vec<Trial> {
    changed(case, Relation::NoNewAllow, |case| {
        let mut full = Map::new();
        full.insert("Effect".to_owned(), json!("Allow"));
        full.insert("Principal".to_owned(), json!("*"));
        full.insert("Action".to_owned(), json!("*"));
        full.insert("Resource".to_owned(), json!("*"));
        let statement = borrowed(case, dice, "Deny", true);
        case.policies
            .resource_control
            .push(vec![document(full), document(statement)]);
        true
    })
}

fn boundary(case: &Case, dice: &mut Dice<'_, '_>) -> Vec<Trial> {
    changed(case, Relation::NoNewAllow, |case| {
        if case.policies.permissions_boundary.is_some() {
            return false;
        }
        let effect = if dice.percent(80) { "Allow" } else { "Deny" };
        let statement = borrowed(case, dice, effect, false);
        case.policies.permissions_boundary = Some(document(statement));
        true
    })
}

fn session(case: &Case, dice: &mut Dice<'_, '_>) -> Vec<Trial> {
    changed(case, Relation::NoNewAllow, |case| {
        let federated = case.request.as_ref().is_some_and(
            |request| matches!(&request.principal, EvaluatorPrincipal::Arn(arn) if arn.contains(":federated-user/")),
        );
        if federated || case.policies.session.is_some() {
            return false;
        }
        let statement = borrowed(case, dice, "Allow", false);
        case.policies.session = Some(if dice.percent(15) {
            Vec::new()
        } else {
            vec![document(statement)]
        });
        true
    })
}

fn endpoint(case: &Case, dice: &mut Dice<'_, '_>) -> Vec<Trial> {
    changed(case, Relation::NoNewAllow, |case| {
        if case.policies.vpc_endpoint.is_some() {
            return false;
        }
        let statement = borrowed(case, dice, "Allow", true);
        case.policies.vpc_endpoint = Some(EvaluatorVpcEndpoint {
            kind: if dice.coin() {
                VpcEndpointKind::Gateway
            } else {
                VpcEndpointKind::Interface
            },
            policy: document(statement),
        });
        true
    })
}
