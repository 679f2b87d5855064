//! Laws about the two sides of a request (`iam.md` §7.3, 8 and 10): across accounts both sides must allow, within one account the
//! caller's own ARN does what `*` does.

use countersign_model::case::{
    Case, EvaluatorCase, EvaluatorPolicies, EvaluatorPrincipal, EvaluatorRequest, PolicyText,
};
use countersign_model::name::AccountId;
use serde_json::{Value, json};

use super::{Law, Relation, Trial, changed};
use crate::evaluator::documents::statements;
use crate::generate::dice::Dice;

pub(super) const LAWS: &[Law] = &[
    Law {
        id: "across-accounts-identity-is-needed",
        statement: "across accounts nothing is allowed without an identity policy",
        rules: &["iam:L-42", "iam:L-43"],
        trials: without_identity,
    },
    Law {
        id: "across-accounts-resource-is-needed",
        statement: "across accounts nothing is allowed without the resource's policy or a grant",
        rules: &["iam:L-42"],
        trials: without_resource,
    },
    Law {
        id: "across-accounts-callers-side-allows-alone",
        statement: "what is allowed across accounts, the caller's side allows by itself",
        rules: &["iam:L-42"],
        trials: callers_side,
    },
    Law {
        id: "across-accounts-owners-side-allows-alone",
        statement: "what is allowed across accounts, the owner's side allows whatever the caller's side limits",
        rules: &["iam:L-42"],
        trials: owners_side,
    },
    Law {
        id: "own-arn-is-everyone",
        statement: "within an account, naming the caller's own ARN in place of `*` changes no decision",
        rules: &["iam:L-20", "iam:L-21", "iam:L-23", "iam:L-24"],
        trials: own_arn,
    },
];

/// The caller's and the owner's account, where both are known.
fn accounts(case: &EvaluatorCase) -> Option<(AccountId, AccountId)> {
    let request = case.request.as_ref()?;
    let EvaluatorPrincipal::Arn(principal) = &request.principal else {
        return None;
    };
    let caller = account_of(principal)?;
    let owner = match &request.resource_account {
        Some(owner) => owner.clone(),
        None => account_of(&request.resource).unwrap_or_else(|| caller.clone()),
    };
    Some((caller, owner))
}

fn account_of(arn: &str) -> Option<AccountId> {
    AccountId::new(arn.split(':').nth(4)?).ok()
}

/// Whether the request goes across accounts and its outcome hangs on policies alone.
fn crosses(case: &EvaluatorCase) -> bool {
    let free = case.request.as_ref().is_none_or(|request| {
        // Always allowed, or never a matter of policies (iam:L-78, iam:L-80).
        let operation = request.action.operation().to_ascii_lowercase();
        operation == "getcalleridentity" || operation == "getsessiontoken"
    });
    !free && case.grants.is_empty() && accounts(case).is_some_and(|(caller, owner)| caller != owner)
}

fn is_root(request: &EvaluatorRequest) -> bool {
    matches!(&request.principal, EvaluatorPrincipal::Arn(arn) if arn.ends_with(":root"))
}

fn without_identity(case: &Case, _: &mut Dice<'_, '_>) -> Vec<Trial> {
    changed(case, Relation::RightDenies, |case| {
        // The identity side of root is implicit (iam:L-45).
        if !crosses(case) || case.request.as_ref().is_none_or(is_root) {
            return false;
        }
        case.policies.identity.clear();
        true
    })
}

fn without_resource(case: &Case, _: &mut Dice<'_, '_>) -> Vec<Trial> {
    changed(case, Relation::RightDenies, |case| {
        let applies = crosses(case);
        case.policies.resource = None;
        applies
    })
}

fn callers_side(case: &Case, _: &mut Dice<'_, '_>) -> Vec<Trial> {
    changed(case, Relation::AllowStays, |case| {
        let Some((caller, owner)) = accounts(case) else {
            return false;
        };
        if !crosses(case) {
            return false;
        }
        let EvaluatorCase {
            request: Some(request),
            policies,
            ..
        } = case
        else {
            return false;
        };
        // The resource is the caller's own now, but the keys tell what they told.
        if !request
            .context
            .keys()
            .any(|key| key.eq_ignore_ascii_case("aws:ResourceAccount"))
        {
            request
                .context
                .insert("aws:ResourceAccount".to_owned(), json!(owner.as_str()));
        }
        request.resource_account = Some(caller.clone());
        policies.resource_control.clear();
        // Keys and roles need a policy that delegates; elsewhere the identity side suffices.
        let service = request.action.service().to_ascii_lowercase();
        let principal = json!({"AWS": caller.as_str()});
        policies.resource = match service.as_str() {
            "kms" => document(json!({"Effect": "Allow", "Principal": principal, "Action": "kms:*", "Resource": "*"})),
            "sts" => document(json!({"Effect": "Allow", "Principal": principal, "Action": "sts:*"})),
            _ => None,
        };
        true
    })
}

fn owners_side(case: &Case, _: &mut Dice<'_, '_>) -> Vec<Trial> {
    changed(case, Relation::AllowStays, |case| {
        if !crosses(case) {
            return false;
        }
        let all = || document(json!({"Effect": "Allow", "Action": "*", "Resource": "*"}));
        let federated = case.request.as_ref().is_some_and(
            |request| matches!(&request.principal, EvaluatorPrincipal::Arn(arn) if arn.contains(":federated-user/")),
        );
        case.policies = EvaluatorPolicies {
            identity: all().into_iter().collect(),
            permissions_boundary: None,
            session: federated.then(|| all().into_iter().collect()),
            service_control: Vec::new(),
            ..case.policies.clone()
        };
        true
    })
}

fn own_arn(case: &Case, _: &mut Dice<'_, '_>) -> Vec<Trial> {
    changed(case, Relation::SameDecision, |case| {
        let Some((caller, owner)) = accounts(case) else {
            return false;
        };
        let Some(EvaluatorPrincipal::Arn(arn)) = case.request.as_ref().map(|request| request.principal.clone()) else {
            return false;
        };
        // The ARN of a role stands for sessions whose own ARN is not known; root's is the account.
        let names_itself = [":user/", ":assumed-role/", ":federated-user/"]
            .iter()
            .any(|part| arn.contains(part));
        // A policy names nobody of another partition (iam:P-19).
        if caller != owner || !names_itself || !arn.starts_with("arn:aws:") {
            return false;
        }
        let Some(policy) = &mut case.policies.resource else {
            return false;
        };
        let mut applies = false;
        for statement in statements(policy) {
            let Some(principal) = statement.get_mut("Principal") else {
                continue;
            };
            let everyone =
                *principal == json!("*") || *principal == json!({"AWS": "*"}) || *principal == json!({"AWS": ["*"]});
            if everyone {
                *principal = json!({"AWS": arn});
                applies = true;
            }
        }
        applies
    })
}

fn document(statement: Value) -> Option<PolicyText> {
    match json!({"Version": "2012-10-17", "Statement": [statement]}) {
        Value::Object(document) => Some(PolicyText::Document(document)),
        _ => None,
    }
}
