//! The policies of an allowed request: one route by which it is allowed, guard rails that let it through, and noise.

use std::collections::BTreeMap;

use countersign_model::case::{
    EvaluatorGrant, EvaluatorGrantConstraints, EvaluatorPolicies, EvaluatorVpcEndpoint, PolicyText, VpcEndpointKind,
};
use serde_json::{Map, Value, json};

use super::scene::{CallerKind, Scene};
use super::statement::{self, Naming, Set, covering, document};
use super::vocabulary::Part;
use crate::generate::dice::Dice;

/// The share of covering statements that carry a condition.
const CONDITION: u8 = 40;

/// Policies and grants under which the request is allowed, as far as the writer knows.
pub(super) fn allowed(dice: &mut Dice<'_, '_>, scene: &Scene) -> (EvaluatorPolicies, Vec<EvaluatorGrant>) {
    let mut policies = EvaluatorPolicies::default();
    let mut grants = Vec::new();
    route(dice, scene, &mut policies, &mut grants);
    guards(dice, scene, &mut policies);
    (policies, grants)
}

/// The set that the resource's own policy is.
pub(super) fn resource_set(scene: &Scene) -> Set {
    if scene.pair.part == Part::Trust {
        Set::Trust
    } else {
        Set::Resource
    }
}

fn route(dice: &mut Dice<'_, '_>, scene: &Scene, policies: &mut EvaluatorPolicies, grants: &mut Vec<EvaluatorGrant>) {
    let kind = scene.caller.kind;
    let direct = direct_naming(dice, scene);
    if matches!(kind, CallerKind::Service | CallerKind::Anonymous) {
        policies.resource = Some(resource(dice, scene, direct));
        return;
    }
    let federated = kind == CallerKind::FederatedUser;
    if !scene.same_account() {
        identity(dice, scene, policies);
        let naming = if dice.coin() { Naming::Account } else { direct };
        policies.resource = Some(resource(dice, scene, naming));
        if federated {
            session(dice, scene, policies);
        }
        if scene.pair.part == Part::Key && dice.percent(25) {
            grants.push(grant(dice, scene));
        }
        return;
    }
    // Within one account: through the identity side, through the resource's policy, or through a grant.
    let by_grant = scene.pair.part == Part::Key && dice.percent(30);
    if by_grant {
        grants.push(grant(dice, scene));
        if dice.percent(60) {
            policies.resource = Some(resource(dice, scene, Naming::Account));
        }
    } else if dice.percent(40) && scene.pair.part != Part::Nothing {
        policies.resource = Some(resource(dice, scene, direct));
        if dice.percent(35) {
            identity(dice, scene, policies);
        }
    } else {
        identity(dice, scene, policies);
        if scene.mandatory() || (dice.percent(35) && scene.pair.part != Part::Nothing) {
            policies.resource = Some(resource(dice, scene, Naming::Account));
        }
    }
    if federated && (direct != Naming::Own || dice.coin()) {
        session(dice, scene, policies);
    }
}

/// A way to name the caller that suffices by itself within the account.
fn direct_naming(dice: &mut Dice<'_, '_>, scene: &Scene) -> Naming {
    let caller = &scene.caller;
    let mut ways = vec![Naming::Everyone];
    if caller.own.is_some() {
        ways.extend([Naming::Own, Naming::Own]);
    }
    if caller.parent.is_some() {
        ways.extend([Naming::Parent, Naming::Parent]);
    }
    if caller.kind == CallerKind::Root {
        ways.push(Naming::Account);
    }
    *dice.pick(&ways)
}

fn identity(dice: &mut Dice<'_, '_>, scene: &Scene, policies: &mut EvaluatorPolicies) {
    let allow = covering(dice, scene, Set::Identity, "Allow", Naming::Everyone, CONDITION);
    policies.identity.push(with_noise(dice, scene, Set::Identity, allow));
    if dice.percent(22) {
        let extra = statement::noise(dice, scene, Set::Identity);
        policies.identity.push(document(dice, Set::Identity, vec![extra]));
    }
    if dice.percent(6) {
        let extra = covering(dice, scene, Set::Identity, "Allow", Naming::Everyone, CONDITION);
        policies.identity.push(document(dice, Set::Identity, vec![extra]));
    }
}

fn resource(dice: &mut Dice<'_, '_>, scene: &Scene, naming: Naming) -> PolicyText {
    let set = resource_set(scene);
    let allow = covering(dice, scene, set, "Allow", naming, CONDITION);
    let mut statements = vec![allow];
    if dice.percent(15) && scene.mandatory() {
        let account = json!({"AWS": format!("arn:aws:iam::{}:root", scene.owner)});
        let mut whole = covering(dice, scene, set, "Allow", Naming::Everyone, 0);
        whole.insert("Principal".to_owned(), account);
        statements.push(whole);
    }
    if dice.percent(25) {
        statements.push(statement::noise(dice, scene, set));
    }
    if dice.percent(30) {
        statements.reverse();
    }
    document(dice, set, statements)
}

fn with_noise(dice: &mut Dice<'_, '_>, scene: &Scene, set: Set, statement: Map<String, Value>) -> PolicyText {
    let mut statements = vec![statement];
    for _ in 0..dice.weighted(&[(70, 0), (22, 1), (8, 2)]) {
        statements.push(statement::noise(dice, scene, set));
    }
    if dice.percent(30) {
        statements.reverse();
    }
    document(dice, set, statements)
}

pub(super) fn session(dice: &mut Dice<'_, '_>, scene: &Scene, policies: &mut EvaluatorPolicies) {
    let allow = covering(dice, scene, Set::Session, "Allow", Naming::Everyone, CONDITION / 2);
    let mut list = vec![with_noise(dice, scene, Set::Session, allow)];
    if dice.percent(15) {
        let extra = statement::noise(dice, scene, Set::Session);
        list.push(document(dice, Set::Session, vec![extra]));
    }
    policies.session = Some(list);
}

/// Guard rails that let the request through.
fn guards(dice: &mut Dice<'_, '_>, scene: &Scene, policies: &mut EvaluatorPolicies) {
    let kind = scene.caller.kind;
    if dice.percent(
        if matches!(kind, CallerKind::Service | CallerKind::Anonymous | CallerKind::Root) {
            4
        } else {
            22
        },
    ) {
        let allow = covering(dice, scene, Set::Boundary, "Allow", Naming::Everyone, CONDITION / 2);
        policies.permissions_boundary = Some(with_noise(dice, scene, Set::Boundary, allow));
    }
    if policies.session.is_none() && dice.percent(if scene.caller.is_session() { 22 } else { 2 }) {
        session(dice, scene, policies);
    }
    if dice.percent(22) {
        policies.service_control = levels(dice, scene, Set::ServiceControl);
    }
    if dice.percent(18) {
        policies.resource_control = levels(dice, scene, Set::ResourceControl);
    }
    if dice.percent(12) {
        let kind = if dice.coin() {
            VpcEndpointKind::Gateway
        } else {
            VpcEndpointKind::Interface
        };
        let naming = match dice.below(4) {
            0 => Naming::Account,
            1 => direct_naming(dice, scene),
            _ => Naming::Everyone,
        };
        let allow = covering(dice, scene, Set::Endpoint, "Allow", naming, CONDITION / 2);
        policies.vpc_endpoint = Some(EvaluatorVpcEndpoint {
            kind,
            policy: with_noise(dice, scene, Set::Endpoint, allow),
        });
    }
}

/// One to three levels of an organization, each of which allows.
fn levels(dice: &mut Dice<'_, '_>, scene: &Scene, set: Set) -> Vec<Vec<PolicyText>> {
    let count = 1 + dice.below(3);
    (0..count)
        .map(|_| {
            let full = full_access(set);
            let narrow = set == Set::ServiceControl && dice.percent(25);
            let mut level = if narrow {
                let allow = covering(dice, scene, set, "Allow", Naming::Everyone, CONDITION / 2);
                vec![document(dice, set, vec![allow])]
            } else {
                vec![full]
            };
            if dice.percent(30) {
                let extra = statement::noise(dice, scene, set);
                level.push(document(dice, set, vec![extra]));
            }
            level
        })
        .collect()
}

/// `FullAWSAccess` or `RCPFullAWSAccess`.
fn full_access(set: Set) -> PolicyText {
    let mut statement = Map::new();
    statement.insert("Effect".to_owned(), json!("Allow"));
    if set == Set::ResourceControl {
        statement.insert("Principal".to_owned(), json!("*"));
    }
    statement.insert("Action".to_owned(), json!("*"));
    statement.insert("Resource".to_owned(), json!("*"));
    let mut document = Map::new();
    document.insert("Version".to_owned(), json!("2012-10-17"));
    document.insert("Statement".to_owned(), json!([statement]));
    PolicyText::Document(document)
}

/// A grant that lets the caller do it.
fn grant(dice: &mut Dice<'_, '_>, scene: &Scene) -> EvaluatorGrant {
    let caller = &scene.caller;
    let mut grantees: Vec<String> = caller.own.iter().chain(&caller.parent).cloned().collect();
    if !caller.account.is_empty() {
        grantees.push(format!("arn:aws:iam::{}:root", caller.account));
    }
    let grantee = if grantees.is_empty() {
        "arn:aws:iam::111111111111:user/alice".to_owned()
    } else {
        dice.pick(&grantees).clone()
    };
    let operation = scene.pair.action.split(':').nth(1).unwrap_or_default();
    let mut operations = vec![operation.to_owned()];
    if dice.percent(40) {
        operations.push("DescribeKey".to_owned());
    }
    let mut constraints = EvaluatorGrantConstraints::default();
    if dice.percent(45) {
        let pairs: BTreeMap<String, String> = scene
            .context
            .iter()
            .filter_map(|(key, value)| {
                let lower = key.to_ascii_lowercase();
                let name = lower.strip_prefix("kms:encryptioncontext:")?;
                let spelled = if name == "team" { "Team" } else { "App" };
                Some((spelled.to_owned(), value.as_str()?.to_owned()))
            })
            .collect();
        if dice.coin() {
            constraints.encryption_context_equals = Some(pairs);
        } else {
            let kept = dice.position(pairs.len() + 1);
            constraints.encryption_context_subset = Some(pairs.into_iter().take(kept).collect());
        }
    }
    EvaluatorGrant {
        grantee_principal: grantee,
        operations,
        constraints,
    }
}
