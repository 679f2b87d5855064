//! Stages: scenes drawn for one near miss that needs much to come together, such as a grant to another session of the caller's role. The
//! caller, the resource and the one way in that the miss is about are there, and nothing else is in the way. What comes of it is not
//! decided here.

use std::collections::BTreeMap;

use countersign_model::case::{EvaluatorGrant, EvaluatorGrantConstraints, EvaluatorPolicies};
use serde_json::{Value, json};

use super::edges::EDGES;
use super::near;
use super::policies::resource_set;
use super::scene::{CallerKind, Scene, flip_case};
use super::statement::{Naming, Set, covering, document, other_action};
use super::vocabulary::{ACCOUNTS, Kind, PAIRS, Pair, Part, ROLES, SERVICES, SESSIONS};
use crate::generate::dice::Dice;

/// What a stage is set for.
#[derive(Debug, Clone, Copy)]
enum Stage {
    /// A grant to the caller or to somebody much like it.
    Grantee,
    /// A grant whose constraint has nearly the pairs of the request's encryption context.
    Pairs,
    /// A grant to a service for one source.
    Source,
    /// A role named under a path that is its own or nearly.
    RolePath,
    /// A Deny for everybody but the caller, who may have a boundary.
    SparedByName,
    /// A Deny for the account whose root user asks.
    DeniedAccount,
    /// An AssumeRoot session under its task policy.
    TaskPolicy,
    /// One Allow or Deny under a test near the edge of its operator.
    Edge,
    /// A principal that would be the caller if it had wildcards.
    PartOfPrincipal,
    /// A resource with a dot or a question mark in place of a letter.
    LetterOfResource,
    /// A resource with a star in place of several of its fields.
    StarAcrossFields,
    /// A role that has a service's name, where the service is named.
    NamedLikeService,
    /// A key policy's statement without Resource.
    NoResource,
    /// A service-linked role under an SCP.
    LinkedRole,
    /// A role that is to be assumed, with one of the two sides missing.
    Trust,
    /// A key whose policy leaves it to an account, the caller's or another one.
    Delegation,
    /// An element of exceptions in which the request stands, or nearly.
    Exceptions,
}

const STAGES: &[(u32, Stage)] = &[
    (5, Stage::Grantee),
    (5, Stage::Pairs),
    (3, Stage::Source),
    (4, Stage::RolePath),
    (3, Stage::SparedByName),
    (3, Stage::DeniedAccount),
    (3, Stage::TaskPolicy),
    (30, Stage::Edge),
    (2, Stage::PartOfPrincipal),
    (5, Stage::LetterOfResource),
    (3, Stage::StarAcrossFields),
    (3, Stage::NamedLikeService),
    (2, Stage::NoResource),
    (3, Stage::LinkedRole),
    (5, Stage::Trust),
    (4, Stage::Delegation),
    (4, Stage::Exceptions),
];

/// Everybody who has an ARN of its own in a policy.
const NAMED: &[CallerKind] = &[CallerKind::User, CallerKind::RoleSession, CallerKind::FederatedUser];

/// A scene set for one near miss, and its policies and grants.
pub(super) fn draw(dice: &mut Dice<'_, '_>) -> (Scene, EvaluatorPolicies, Vec<EvaluatorGrant>) {
    match dice.weighted(STAGES) {
        Stage::Grantee => grantee(dice),
        Stage::Pairs => pairs(dice),
        Stage::Source => source(dice),
        Stage::RolePath => role_path(dice),
        Stage::SparedByName => spared_by_name(dice),
        Stage::DeniedAccount => denied_account(dice),
        Stage::TaskPolicy => task_policy(dice),
        Stage::Edge => edge(dice),
        Stage::PartOfPrincipal => part_of_principal(dice),
        Stage::LetterOfResource => letter_of_resource(dice),
        Stage::StarAcrossFields => star_across_fields(dice),
        Stage::NamedLikeService => named_like_service(dice),
        Stage::NoResource => no_resource(dice),
        Stage::LinkedRole => linked_role(dice),
        Stage::Trust => trust(dice),
        Stage::Delegation => delegation(dice),
        Stage::Exceptions => exceptions(dice),
    }
}

/// A scene with one of these pairs and callers, in one account but for the share given.
fn scene(dice: &mut Dice<'_, '_>, suits: impl Fn(&Pair) -> bool, kinds: &[CallerKind], foreign: u8) -> Scene {
    let table: Vec<(u32, usize)> = PAIRS
        .iter()
        .enumerate()
        .filter(|(_, pair)| suits(pair))
        .map(|(at, pair)| (pair.weight, at))
        .collect();
    let pair = PAIRS[dice.weighted(&table)];
    let kind = *dice.pick(kinds);
    let owner = if dice.percent(foreign) {
        ACCOUNTS[1]
    } else {
        ACCOUNTS[0]
    };
    Scene::between(dice, pair, kind, owner)
}

fn has_policy(pair: &Pair) -> bool {
    pair.part != Part::Nothing
}

/// Operations of grants that take an encryption context, and one that takes none.
fn grantable(pair: &Pair) -> bool {
    pair.part == Part::Key
        && matches!(
            pair.action,
            "kms:Decrypt" | "kms:GenerateDataKey" | "kms:Encrypt" | "kms:ReEncryptFrom" | "kms:DescribeKey"
        )
}

/// Policies of a key that leave it to the grant: the account is named, or nobody.
fn left_to_grant(dice: &mut Dice<'_, '_>, scene: &Scene) -> EvaluatorPolicies {
    let mut policies = EvaluatorPolicies::default();
    if dice.percent(60) {
        let allow = covering(dice, scene, Set::Resource, "Allow", Naming::Account, 0);
        policies.resource = Some(document(dice, Set::Resource, vec![allow]));
    }
    policies
}

fn granted(dice: &mut Dice<'_, '_>, scene: &Scene, grantee: String) -> EvaluatorGrant {
    let operation = scene.pair.action.split(':').nth(1).unwrap_or_default();
    let given = if dice.percent(10) { "Verify" } else { operation };
    let mut operations = vec![given.to_owned()];
    if dice.percent(30) && operation != "DescribeKey" {
        operations.push("DescribeKey".to_owned());
    }
    EvaluatorGrant {
        grantee_principal: grantee,
        operations,
        constraints: EvaluatorGrantConstraints::default(),
    }
}

fn grantee(dice: &mut Dice<'_, '_>) -> (Scene, EvaluatorPolicies, Vec<EvaluatorGrant>) {
    let kinds = [
        CallerKind::RoleSession,
        CallerKind::RoleSession,
        CallerKind::RoleSession,
        CallerKind::User,
        CallerKind::FederatedUser,
        CallerKind::BareRole,
    ];
    let scene = scene(dice, grantable, &kinds, 25);
    let own = scene.caller.own.clone().unwrap_or_else(|| scene.caller.name.clone());
    let account = scene.caller.account;
    let name = match (dice.below(8), &scene.caller.parent) {
        (0..=2, Some(_)) if own.contains(":assumed-role/") => {
            // Another session of the same role.
            let (role, session) = own.rsplit_once('/').unwrap_or((&own, ""));
            let others: Vec<&str> = SESSIONS.iter().copied().filter(|one| *one != session).collect();
            format!("{role}/{}", dice.pick(&others))
        }
        (3, Some(_)) if own.contains(":assumed-role/") => {
            let session = own.rsplit('/').next().unwrap_or_default();
            format!(
                "arn:aws:sts::{account}:assumed-role/{}/{session}",
                dice.pick(&ROLES[..3])
            )
        }
        (3 | 4, Some(parent)) => parent.clone(),
        (5, _) => format!("arn:aws:iam::{account}:root"),
        (6, _) => own.replace(account, ACCOUNTS[2]),
        _ => own,
    };
    let mut policies = left_to_grant(dice, &scene);
    match dice.below(8) {
        0 => {
            let deny = covering(dice, &scene, Set::Identity, "Deny", Naming::Everyone, 0);
            policies.identity = vec![document(dice, Set::Identity, vec![deny])];
        }
        1 => {
            let deny = covering(dice, &scene, Set::Resource, "Deny", Naming::Own, 0);
            let allow = covering(dice, &scene, Set::Resource, "Allow", Naming::Account, 0);
            policies.resource = Some(document(dice, Set::Resource, vec![allow, deny]));
        }
        _ => {}
    }
    let grant = granted(dice, &scene, name);
    (scene, policies, vec![grant])
}

fn pairs(dice: &mut Dice<'_, '_>) -> (Scene, EvaluatorPolicies, Vec<EvaluatorGrant>) {
    let mut scene = scene(dice, grantable, NAMED, 20);
    scene.forget("kms:EncryptionContext");
    let mut asked: BTreeMap<String, String> = BTreeMap::new();
    for (name, value) in [("Team", "red"), ("App", "pay")] {
        if asked.is_empty() || dice.percent(60) {
            scene.say(&format!("kms:EncryptionContext:{name}"), Kind::Text, json!(value));
            asked.insert(name.to_owned(), value.to_owned());
        }
    }
    let mut wanted = asked.clone();
    if scene.pair.action == "kms:DescribeKey" && dice.percent(70) {
        // It has no encryption context for a constraint to bind (`svc:G-12`).
        wanted.insert("Team".to_owned(), "none".to_owned());
    }
    match dice.below(7) {
        0 | 1 if wanted.len() > 1 => {
            let name = *dice.pick(&["Team", "App"]);
            wanted.remove(name);
        }
        2 => {
            wanted.insert("More".to_owned(), "x".to_owned());
        }
        3 => {
            wanted.insert("Team".to_owned(), "Red".to_owned());
        }
        4 => {
            wanted = wanted
                .into_iter()
                .map(|(name, value)| (flip_case(&name), value))
                .collect()
        }
        _ => {}
    }
    let grantee = scene.caller.own.clone().unwrap_or_else(|| scene.caller.name.clone());
    let policies = left_to_grant(dice, &scene);
    let mut grant = granted(dice, &scene, grantee);
    if dice.coin() {
        grant.constraints.encryption_context_equals = Some(wanted);
    } else {
        grant.constraints.encryption_context_subset = Some(wanted);
    }
    (scene, policies, vec![grant])
}

fn source(dice: &mut Dice<'_, '_>) -> (Scene, EvaluatorPolicies, Vec<EvaluatorGrant>) {
    let mut scene = scene(dice, grantable, &[CallerKind::Service], 0);
    scene.forget("aws:SourceArn");
    let arn = format!("arn:aws:lambda:us-east-1:{}:function:f", dice.pick(ACCOUNTS));
    match dice.below(4) {
        0 => {}
        1 => scene.say("aws:SourceArn", Kind::Arn, json!(format!("{arn}2"))),
        2 => scene.say("aws:SourceArn", Kind::Arn, json!(arn.replace("function", "layer"))),
        _ => scene.say("aws:SourceArn", Kind::Arn, json!(arn)),
    }
    let service = scene.caller.name.clone();
    let mut grant = granted(dice, &scene, service);
    grant.constraints.source_arn = Some(arn);
    (scene, EvaluatorPolicies::default(), vec![grant])
}

fn role_path(dice: &mut Dice<'_, '_>) -> (Scene, EvaluatorPolicies, Vec<EvaluatorGrant>) {
    let mut scene = scene(dice, has_policy, &[CallerKind::RoleSession], 0);
    let role = scene.caller.parent.clone().unwrap_or_default();
    // Otherwise nobody knows under which path the role is.
    scene.say("aws:PrincipalArn", Kind::Arn, json!(role));
    let (account, name) = role.split_once(":role/").unwrap_or((&role, ""));
    let last = name.rsplit('/').next().unwrap_or(name);
    let named = match dice.below(4) {
        0 => format!("{account}:role/{name}"),
        1 => format!("{account}:role/{last}"),
        2 => format!("{account}:role/team/{last}"),
        _ => format!("{account}:role/App/{last}"),
    };
    let set = resource_set(&scene);
    let denies = dice.percent(30);
    let effect = if denies { "Deny" } else { "Allow" };
    let mut statement = covering(dice, &scene, set, effect, Naming::Parent, 15);
    statement.insert("Principal".to_owned(), json!({"AWS": named}));
    let mut statements = vec![statement];
    let mut policies = EvaluatorPolicies::default();
    if denies {
        policies.identity = vec![allowed(dice, &scene, Set::Identity)];
        statements.push(covering(dice, &scene, set, "Allow", Naming::Account, 0));
    }
    policies.resource = Some(document(dice, set, statements));
    (scene, policies, Vec::new())
}

fn spared_by_name(dice: &mut Dice<'_, '_>) -> (Scene, EvaluatorPolicies, Vec<EvaluatorGrant>) {
    let suits = |pair: &Pair| has_policy(pair) && pair.part != Part::Trust;
    let scene = scene(dice, suits, &[CallerKind::User, CallerKind::RoleSession], 20);
    let caller = &scene.caller;
    let mut spared: Vec<String> = caller.own.iter().chain(&caller.parent).cloned().collect();
    spared.push(caller.account.to_owned());
    if dice.percent(20) {
        let dropped = dice.position(spared.len());
        spared.remove(dropped);
    }
    let mut deny = covering(dice, &scene, Set::Resource, "Deny", Naming::Everyone, 10);
    deny.remove("Principal");
    deny.insert("NotPrincipal".to_owned(), json!({"AWS": spared}));
    let naming = if scene.same_account() && dice.coin() {
        Naming::Own
    } else {
        Naming::Account
    };
    let allow = covering(dice, &scene, Set::Resource, "Allow", naming, 0);
    let mut policies = EvaluatorPolicies {
        identity: vec![allowed(dice, &scene, Set::Identity)],
        resource: Some(document(dice, Set::Resource, vec![allow, deny])),
        ..EvaluatorPolicies::default()
    };
    if dice.percent(65) {
        policies.permissions_boundary = Some(allowed(dice, &scene, Set::Boundary));
    }
    (scene, policies, Vec::new())
}

fn denied_account(dice: &mut Dice<'_, '_>) -> (Scene, EvaluatorPolicies, Vec<EvaluatorGrant>) {
    let kinds = [CallerKind::Root, CallerKind::Root, CallerKind::User];
    let scene = scene(dice, has_policy, &kinds, 0);
    let set = resource_set(&scene);
    let mut deny = covering(dice, &scene, set, "Deny", Naming::Account, 15);
    if dice.percent(15) {
        deny.insert("Principal".to_owned(), json!({"AWS": ACCOUNTS[1]}));
    }
    let allow = covering(dice, &scene, set, "Allow", Naming::Account, 0);
    let mut policies = EvaluatorPolicies {
        resource: Some(document(dice, set, vec![deny, allow])),
        ..EvaluatorPolicies::default()
    };
    if scene.caller.kind != CallerKind::Root {
        policies.identity = vec![allowed(dice, &scene, Set::Identity)];
    }
    (scene, policies, Vec::new())
}

fn task_policy(dice: &mut Dice<'_, '_>) -> (Scene, EvaluatorPolicies, Vec<EvaluatorGrant>) {
    let suits = |pair: &Pair| pair.part != Part::Trust;
    let mut scene = scene(dice, suits, &[CallerKind::Root], 0);
    let assumed: Value = if dice.percent(85) { json!("true") } else { json!(false) };
    scene.say("aws:AssumedRoot", Kind::Flag, assumed);
    let mut allow = covering(dice, &scene, Set::Identity, "Allow", Naming::Everyone, 10);
    if dice.percent(60) {
        allow.remove("NotAction");
        allow.insert("Action".to_owned(), json!(other_action(dice, &scene, Set::Identity)));
    }
    let mut policies = EvaluatorPolicies::default();
    if dice.percent(85) {
        policies.identity = vec![document(dice, Set::Identity, vec![allow])];
    }
    if has_policy(&scene.pair) && (scene.mandatory() || dice.percent(40)) {
        let allow = covering(dice, &scene, Set::Resource, "Allow", Naming::Account, 0);
        policies.resource = Some(document(dice, Set::Resource, vec![allow]));
    }
    (scene, policies, Vec::new())
}

fn edge(dice: &mut Dice<'_, '_>) -> (Scene, EvaluatorPolicies, Vec<EvaluatorGrant>) {
    let suits = |pair: &Pair| pair.part != Part::Trust;
    let mut scene = scene(dice, suits, &[CallerKind::User], 0);
    let (key, kind, told, operator, asked) = *dice.pick(EDGES);
    scene.forget(key);
    match told {
        // A list that is there and has nothing in it.
        [] if operator == "Null" => scene.say(key, kind, json!([])),
        [] => {}
        [one] if !key.starts_with("aws:TagKeys") => scene.say(key, kind, json!(one)),
        many => scene.say(key, kind, json!(many)),
    }
    let condition = json!({operator: {key: asked}});
    let denies = dice.percent(25);
    let mut allow = covering(dice, &scene, Set::Identity, "Allow", Naming::Everyone, 0);
    // A question mark stands for one character, not for none (iam:M-23).
    if dice.percent(12) {
        allow.remove("NotResource");
        allow.insert("Resource".to_owned(), json!(format!("{}?", scene.resource)));
    }
    let mut statements = Vec::new();
    if denies {
        let mut deny = covering(dice, &scene, Set::Identity, "Deny", Naming::Everyone, 0);
        deny.insert("Condition".to_owned(), condition);
        statements.push(deny);
    } else {
        allow.insert("Condition".to_owned(), condition);
    }
    statements.push(allow);
    let mut policies = EvaluatorPolicies {
        identity: vec![document(dice, Set::Identity, statements)],
        ..EvaluatorPolicies::default()
    };
    if scene.mandatory() {
        let open = covering(dice, &scene, Set::Resource, "Allow", Naming::Account, 0);
        policies.resource = Some(document(dice, Set::Resource, vec![open]));
    }
    (scene, policies, Vec::new())
}

fn part_of_principal(dice: &mut Dice<'_, '_>) -> (Scene, EvaluatorPolicies, Vec<EvaluatorGrant>) {
    let suits = |pair: &Pair| has_policy(pair) && pair.part != Part::Trust;
    let scene = scene(dice, suits, &[CallerKind::User, CallerKind::RoleSession], 0);
    let name = scene
        .caller
        .parent
        .clone()
        .or_else(|| scene.caller.own.clone())
        .unwrap_or_default();
    let slash = name.find('/').map_or(name.len(), |at| at + 1);
    let kept = slash + dice.position((name.len() - slash).max(1));
    let part = format!("{}*", name.get(..kept).unwrap_or(&name));
    let mut allow = covering(dice, &scene, Set::Resource, "Allow", Naming::Own, 0);
    allow.insert("Principal".to_owned(), json!({"AWS": part}));
    let policies = EvaluatorPolicies {
        resource: Some(document(dice, Set::Resource, vec![allow])),
        ..EvaluatorPolicies::default()
    };
    (scene, policies, Vec::new())
}

fn letter_of_resource(dice: &mut Dice<'_, '_>) -> (Scene, EvaluatorPolicies, Vec<EvaluatorGrant>) {
    let suits = |pair: &Pair| pair.part == Part::Bucket || pair.part == Part::Other;
    let scene = scene(dice, suits, &[CallerKind::User], 0);
    let resource = scene.resource.clone();
    let from = resource.rfind(':').map_or(0, |at| at + 1);
    let place = from + dice.position((resource.len() - from).max(1));
    let sign = if dice.coin() { "." } else { "?" };
    let named = match (resource.get(..place), resource.get(place + 1..)) {
        (Some(before), Some(after)) if !resource[place..].starts_with(['*', '?', '$']) => {
            format!("{before}{sign}{after}")
        }
        _ => resource.clone(),
    };
    let mut allow = covering(dice, &scene, Set::Identity, "Allow", Naming::Everyone, 0);
    allow.remove("NotResource");
    allow.insert("Resource".to_owned(), json!(named));
    let policies = EvaluatorPolicies {
        identity: vec![document(dice, Set::Identity, vec![allow])],
        ..EvaluatorPolicies::default()
    };
    (scene, policies, Vec::new())
}

fn star_across_fields(dice: &mut Dice<'_, '_>) -> (Scene, EvaluatorPolicies, Vec<EvaluatorGrant>) {
    let suits = |pair: &Pair| matches!(pair.part, Part::Key | Part::Other);
    let scene = scene(dice, suits, &[CallerKind::User], 0);
    let named = near::star_across_colons(dice, &scene.resource).unwrap_or_else(|| scene.resource.clone());
    let mut allow = covering(dice, &scene, Set::Identity, "Allow", Naming::Everyone, 0);
    allow.remove("NotResource");
    allow.insert("Resource".to_owned(), json!(named));
    let mut policies = EvaluatorPolicies {
        identity: vec![document(dice, Set::Identity, vec![allow])],
        ..EvaluatorPolicies::default()
    };
    if scene.mandatory() {
        let open = covering(dice, &scene, Set::Resource, "Allow", Naming::Account, 0);
        policies.resource = Some(document(dice, Set::Resource, vec![open]));
    }
    (scene, policies, Vec::new())
}

fn named_like_service(dice: &mut Dice<'_, '_>) -> (Scene, EvaluatorPolicies, Vec<EvaluatorGrant>) {
    let mut scene = scene(dice, has_policy, &[CallerKind::RoleSession], 0);
    let service = *dice.pick(SERVICES);
    let account = scene.caller.account;
    scene.caller.name = format!("arn:aws:sts::{account}:assumed-role/{service}/s1");
    scene.caller.own = Some(scene.caller.name.clone());
    scene.caller.parent = Some(format!("arn:aws:iam::{account}:role/{service}"));
    scene.forget("aws:PrincipalArn");
    let set = resource_set(&scene);
    let mut allow = covering(dice, &scene, set, "Allow", Naming::Own, 0);
    let principal = if dice.percent(80) {
        json!({"Service": service})
    } else {
        json!({"AWS": scene.caller.parent})
    };
    allow.insert("Principal".to_owned(), principal);
    let policies = EvaluatorPolicies {
        resource: Some(document(dice, set, vec![allow])),
        ..EvaluatorPolicies::default()
    };
    (scene, policies, Vec::new())
}

fn no_resource(dice: &mut Dice<'_, '_>) -> (Scene, EvaluatorPolicies, Vec<EvaluatorGrant>) {
    let scene = scene(dice, |pair| pair.part == Part::Key, NAMED, 0);
    let mut allow = covering(dice, &scene, Set::Resource, "Allow", Naming::Own, 0);
    allow.remove("Resource");
    allow.remove("NotResource");
    let policies = EvaluatorPolicies {
        resource: Some(document(dice, Set::Resource, vec![allow])),
        ..EvaluatorPolicies::default()
    };
    (scene, policies, Vec::new())
}

fn linked_role(dice: &mut Dice<'_, '_>) -> (Scene, EvaluatorPolicies, Vec<EvaluatorGrant>) {
    let suits = |pair: &Pair| pair.part != Part::Trust;
    let scene = scene(dice, suits, &[CallerKind::ServiceLinkedRole], 0);
    let mut policies = EvaluatorPolicies {
        identity: vec![allowed(dice, &scene, Set::Identity)],
        ..EvaluatorPolicies::default()
    };
    if scene.mandatory() {
        let open = covering(dice, &scene, Set::Resource, "Allow", Naming::Account, 0);
        policies.resource = Some(document(dice, Set::Resource, vec![open]));
    }
    let set = if dice.percent(70) {
        Set::ServiceControl
    } else {
        Set::ResourceControl
    };
    let deny = covering(dice, &scene, set, "Deny", Naming::Everyone, 20);
    let all = covering(dice, &scene, set, "Allow", Naming::Everyone, 0);
    let levels = vec![vec![document(dice, set, vec![all]), document(dice, set, vec![deny])]];
    if set == Set::ServiceControl {
        policies.service_control = levels;
    } else {
        policies.resource_control = levels;
    }
    (scene, policies, Vec::new())
}

fn trust(dice: &mut Dice<'_, '_>) -> (Scene, EvaluatorPolicies, Vec<EvaluatorGrant>) {
    let suits = |pair: &Pair| pair.part == Part::Trust;
    let scene = scene(dice, suits, &[CallerKind::User, CallerKind::RoleSession], 50);
    let mut policies = EvaluatorPolicies::default();
    let missing = dice.below(4);
    if missing != 0 {
        policies.identity = vec![allowed(dice, &scene, Set::Identity)];
    }
    if missing != 1 {
        let naming = if dice.percent(70) { Naming::Own } else { Naming::Account };
        let allow = covering(dice, &scene, Set::Trust, "Allow", naming, 0);
        policies.resource = Some(document(dice, Set::Trust, vec![allow]));
    }
    (scene, policies, Vec::new())
}

fn delegation(dice: &mut Dice<'_, '_>) -> (Scene, EvaluatorPolicies, Vec<EvaluatorGrant>) {
    let scene = scene(
        dice,
        |pair| pair.part == Part::Key,
        &[CallerKind::User, CallerKind::RoleSession],
        35,
    );
    let mut allow = covering(dice, &scene, Set::Resource, "Allow", Naming::Account, 0);
    if dice.percent(65) {
        let account = *dice.pick(ACCOUNTS);
        allow.insert("Principal".to_owned(), json!({"AWS": account}));
    }
    if dice.percent(20) {
        allow.remove("NotAction");
        allow.insert("Action".to_owned(), json!(other_action(dice, &scene, Set::Resource)));
    }
    let policies = EvaluatorPolicies {
        identity: vec![allowed(dice, &scene, Set::Identity)],
        resource: Some(document(dice, Set::Resource, vec![allow])),
        ..EvaluatorPolicies::default()
    };
    (scene, policies, Vec::new())
}

fn exceptions(dice: &mut Dice<'_, '_>) -> (Scene, EvaluatorPolicies, Vec<EvaluatorGrant>) {
    let suits = |pair: &Pair| matches!(pair.part, Part::Bucket | Part::Other);
    let scene = scene(dice, suits, &[CallerKind::User, CallerKind::RoleSession], 0);
    let other = other_action(dice, &scene, Set::Identity);
    let mut excepted = vec![other, scene.pair.action.to_owned()];
    if dice.coin() {
        excepted.reverse();
    }
    if dice.percent(25) {
        excepted.retain(|action| action != scene.pair.action);
    }
    let denies = dice.percent(30);
    let effect = if denies { "Deny" } else { "Allow" };
    let mut statement = covering(dice, &scene, Set::Identity, effect, Naming::Everyone, 0);
    statement.remove("Action");
    statement.insert("NotAction".to_owned(), json!(excepted));
    let mut statements = vec![statement];
    if denies {
        statements.push(covering(dice, &scene, Set::Identity, "Allow", Naming::Everyone, 0));
    }
    let policies = EvaluatorPolicies {
        identity: vec![document(dice, Set::Identity, statements)],
        ..EvaluatorPolicies::default()
    };
    (scene, policies, Vec::new())
}

/// A document that allows the request.
fn allowed(dice: &mut Dice<'_, '_>, scene: &Scene, set: Set) -> countersign_model::case::PolicyText {
    let allow = covering(dice, scene, set, "Allow", Naming::Everyone, 0);
    document(dice, set, vec![allow])
}
