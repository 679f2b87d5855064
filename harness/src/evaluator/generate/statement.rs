//! Statements: elements that cover the request, elements that do not, and how both are written down.

use countersign_model::case::PolicyText;
use serde_json::{Map, Value, json};

use super::condition;
use super::scene::{Caller, CallerKind, Scene, flip_case};
use super::vocabulary::{ACCOUNTS, FEDERATED, PAIRS, ROLES, SERVICES, SESSIONS, USERS};
use crate::generate::dice::Dice;

/// Which policy set a document belongs to: what may stand in it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Set {
    Identity,
    Boundary,
    Session,
    Resource,
    Trust,
    ServiceControl,
    ResourceControl,
    Endpoint,
}

impl Set {
    /// Whether its statements name principals.
    pub(super) fn names_principals(self) -> bool {
        matches!(
            self,
            Self::Resource | Self::Trust | Self::ResourceControl | Self::Endpoint
        )
    }
}

/// How a statement of a resource policy names the caller.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Naming {
    Own,
    Parent,
    Account,
    Everyone,
}

/// A statement of one set that covers the request; its principals name the caller as told.
pub(super) fn covering(
    dice: &mut Dice<'_, '_>,
    scene: &Scene,
    set: Set,
    effect: &str,
    naming: Naming,
    condition_share: u8,
) -> Map<String, Value> {
    let mut statement = Map::new();
    if dice.percent(10) {
        statement.insert("Sid".to_owned(), json!(format!("S{}", dice.below(9000))));
    }
    statement.insert("Effect".to_owned(), json!(effect));
    if set.names_principals() {
        let principal = if set == Set::ResourceControl {
            json!("*")
        } else {
            principal(dice, &scene.caller, naming)
        };
        statement.insert("Principal".to_owned(), principal);
    }
    let (name, value) = covering_action(dice, scene, set);
    statement.insert(name.to_owned(), value);
    if set != Set::Trust {
        let (name, value) = covering_resource(dice, scene);
        statement.insert(name.to_owned(), value);
    }
    if dice.percent(condition_share) {
        statement.insert(
            "Condition".to_owned(),
            Value::Object(condition::holding(dice, scene, 2)),
        );
    }
    shuffled(dice, statement)
}

/// A statement that says something about anything.
pub(super) fn noise(dice: &mut Dice<'_, '_>, scene: &Scene, set: Set) -> Map<String, Value> {
    let effect = if dice.percent(60) { "Allow" } else { "Deny" };
    let effect = if set == Set::ResourceControl { "Deny" } else { effect };
    let mut statement = covering(dice, scene, set, effect, Naming::Everyone, 30);
    // One element that does not cover, so that noise stays noise most of the time.
    match dice.below(if set.names_principals() && set != Set::ResourceControl {
        4
    } else {
        3
    }) {
        0 => {
            for name in ["Action", "NotAction"] {
                statement.remove(name);
            }
            statement.insert("Action".to_owned(), json!(other_action(dice, scene, set)));
        }
        1 if set != Set::Trust => {
            for name in ["Resource", "NotResource"] {
                statement.remove(name);
            }
            statement.insert("Resource".to_owned(), json!(other_resource(dice, scene)));
        }
        3 => {
            statement.insert("Principal".to_owned(), odd_principal(dice, scene));
        }
        _ => {
            let mut block = Map::new();
            condition::add_any(dice, scene, &mut block);
            statement.insert("Condition".to_owned(), Value::Object(block));
        }
    }
    statement
}

/// An element that matches the request's action.
fn covering_action(dice: &mut Dice<'_, '_>, scene: &Scene, set: Set) -> (&'static str, Value) {
    let action = scene.pair.action;
    let (service, name) = action.split_once(':').unwrap_or((action, ""));
    let plain = |value: Value| ("Action", value);
    match dice.below(16) {
        0..=4 => plain(json!(action)),
        5 => plain(json!(flip_case(action))),
        6 | 7 => plain(json!(format!("{service}:*"))),
        8 => plain(json!(format!("{service}:{}", condition::glob_of(dice, name)))),
        9 => plain(json!([action, other_action(dice, scene, set)])),
        10 => plain(json!([other_action(dice, scene, set), format!("{service}:*")])),
        11 => plain(json!([action])),
        12 | 13 if !matches!(set, Set::Trust | Set::ResourceControl) => plain(json!("*")),
        14 if set != Set::ResourceControl => ("NotAction", json!(other_action(dice, scene, set))),
        15 if set != Set::ResourceControl => (
            "NotAction",
            json!([other_action(dice, scene, set), other_action(dice, scene, set)]),
        ),
        _ => plain(json!(action)),
    }
}

/// An action the request does not ask for; of another service or of the same.
pub(super) fn other_action(dice: &mut Dice<'_, '_>, scene: &Scene, set: Set) -> String {
    let others: Vec<&str> = PAIRS
        .iter()
        .map(|pair| pair.action)
        .filter(|action| {
            *action != scene.pair.action
                && (set != Set::Trust || action.starts_with("sts:Assume") || action.starts_with("sts:TagS"))
        })
        .collect();
    if others.is_empty() {
        return "sts:AssumeRoleWithSAML".to_owned();
    }
    let action = *dice.pick(&others);
    match dice.below(6) {
        0 if set != Set::Trust => format!("{}:*", action.split(':').next().unwrap_or(action)),
        1 => format!("{action}Version"),
        _ => action.to_owned(),
    }
}

/// An element that matches the request's resource, or does so for this caller.
fn covering_resource(dice: &mut Dice<'_, '_>, scene: &Scene) -> (&'static str, Value) {
    let resource = scene.resource.as_str();
    let plain = |value: Value| ("Resource", value);
    if resource == "*" {
        return match dice.below(4) {
            0 => plain(json!(["*", other_resource(dice, scene)])),
            1 => ("NotResource", json!(other_resource(dice, scene))),
            _ => plain(json!("*")),
        };
    }
    let wild = resource.contains(['*', '?', '$']);
    match dice.below(16) {
        0..=4 => plain(json!("*")),
        5 | 6 if !wild => plain(json!(resource)),
        7 | 8 if !wild => plain(json!(condition::arn_glob(dice, resource))),
        9 => plain(json!([other_resource(dice, scene), "*"])),
        10 => plain(json!([other_resource(dice, scene), resource])),
        11 => ("NotResource", json!(other_resource(dice, scene))),
        12 => (
            "NotResource",
            json!([
                other_resource(dice, scene),
                "arn:aws:s3:::none/${aws:PrincipalTag/none}"
            ]),
        ),
        13 => plain(json!(
            resource
                .replace("alice", "${aws:username}")
                .replace("red", "${aws:PrincipalTag/team, 'red'}")
        )),
        14 if !wild => plain(json!([resource])),
        15 => plain(json!(resource.replace('*', "${*}").replace('?', "${?}"))),
        _ => plain(json!("*")),
    }
}

/// A resource pattern that most likely does not match.
pub(super) fn other_resource(dice: &mut Dice<'_, '_>, scene: &Scene) -> String {
    const OTHERS: &[&str] = &[
        "arn:aws:s3:::logs/*",
        "arn:aws:s3:::data",
        "arn:aws:s3:::data/*/x",
        "arn:aws:s3:::data/home/${aws:username}/*",
        "arn:aws:kms:us-east-1:111111111111:key/ffffffff-12ab-34cd-56ef-1234567890ab",
        "arn:aws:kms:eu-west-1:*:key/*",
        "arn:aws:kms:*:222222222222:key/*",
        "arn:aws:iam::*:role/app/*",
        "arn:aws:sqs:*:*:order",
        "arn:*:s3:::data/a.txt",
        "arn:aws-cn:s3:::data/*",
        "arn:aws:dynamodb:us-east-1:111111111111:table/${aws:PrincipalTag/team}",
    ];
    let near = scene.resource.as_str();
    match dice.below(10) {
        0 if near != "*" => format!("{near}x"),
        1 if near != "*" => {
            let mut shorter = near.to_owned();
            shorter.pop();
            shorter
        }
        2 if near != "*" => {
            let (start, end) = near.rsplit_once(':').unwrap_or((near, ""));
            format!("{start}:{}", flip_case(end))
        }
        _ => (*dice.pick(OTHERS)).to_owned(),
    }
}

/// Principals that name the caller.
fn principal(dice: &mut Dice<'_, '_>, caller: &Caller, naming: Naming) -> Value {
    let entry = match naming {
        Naming::Own => caller.own.clone(),
        Naming::Parent => caller.parent.clone(),
        Naming::Account if !caller.account.is_empty() => Some(if dice.coin() {
            caller.account.to_owned()
        } else {
            format!("arn:aws:iam::{}:root", caller.account)
        }),
        Naming::Account | Naming::Everyone => None,
    };
    match entry {
        Some(entry) => {
            let member = if caller.kind == CallerKind::Service {
                "Service"
            } else {
                "AWS"
            };
            match dice.below(5) {
                0 => json!({member: [entry]}),
                1 if member == "AWS" => json!({"AWS": [one_entry(dice), entry]}),
                1 => json!({"Service": entry, "AWS": one_entry(dice)}),
                _ => json!({member: entry}),
            }
        }
        None if dice.percent(30) => json!({"AWS": "*"}),
        None if dice.percent(10) => json!({"AWS": ["*"]}),
        None => json!("*"),
    }
}

/// Principals of any kind: near misses of the caller, other people, forms that mean nothing.
pub(super) fn odd_principal(dice: &mut Dice<'_, '_>, scene: &Scene) -> Value {
    let caller = &scene.caller;
    match dice.below(12) {
        0 => json!("*"),
        1 => json!({"Service": dice.pick(SERVICES)}),
        2 => json!({"Service": [dice.pick(SERVICES), dice.pick(SERVICES)], "AWS": dice.pick(ACCOUNTS)}),
        3 => json!({"AWS": format!("arn:aws:iam::{}:root", dice.pick(ACCOUNTS))}),
        4 => json!({"AWS": [one_entry(dice), one_entry(dice)]}),
        5 => {
            json!({"Federated": dice.pick(&["cognito-identity.amazonaws.com", "arn:aws:iam::111111111111:saml-provider/p"])})
        }
        6 => match (&caller.own, &caller.parent) {
            (Some(own), Some(parent)) if caller.kind != CallerKind::Service => {
                json!({"AWS": [own, parent, caller.account]})
            }
            (Some(own), None) if caller.kind != CallerKind::Service => json!({"AWS": [own, caller.account]}),
            (None, Some(parent)) => json!({"AWS": [parent, caller.account]}),
            _ => json!({"AWS": one_entry(dice)}),
        },
        7 => match &caller.parent {
            Some(parent) => json!({"AWS": parent}),
            None => json!({"AWS": one_entry(dice)}),
        },
        8 => match &caller.own {
            Some(own) if caller.kind != CallerKind::Service => json!({"AWS": flip_last(own)}),
            _ => json!({"AWS": one_entry(dice)}),
        },
        9 => json!({"AWS": dice.pick(&["AIDAEXAMPLEEXAMPLE001", "AROAEXAMPLEEXAMPLE001", "AIDAQQQQQQQQQQQQQQQQQ"])}),
        _ => json!({"AWS": one_entry(dice)}),
    }
}

/// One entry of an AWS principal list.
fn one_entry(dice: &mut Dice<'_, '_>) -> String {
    let account = dice.pick(ACCOUNTS);
    match dice.below(6) {
        0 => format!("arn:aws:iam::{account}:user/{}", dice.pick(USERS)),
        1 => format!("arn:aws:iam::{account}:role/{}", dice.pick(ROLES)),
        2 => {
            let role = dice.pick(ROLES);
            let short = role.rsplit('/').next().unwrap_or(role);
            format!("arn:aws:sts::{account}:assumed-role/{short}/{}", dice.pick(SESSIONS))
        }
        3 => format!("arn:aws:sts::{account}:federated-user/{}", dice.pick(FEDERATED)),
        4 => (*account).to_owned(),
        _ => format!("arn:aws:iam::{account}:user/{}x", dice.pick(USERS)),
    }
}

fn flip_last(text: &str) -> String {
    let mut letters: Vec<char> = text.chars().collect();
    if let Some(last) = letters.last_mut() {
        *last = if last.is_ascii_uppercase() {
            last.to_ascii_lowercase()
        } else {
            last.to_ascii_uppercase()
        };
    }
    letters.into_iter().collect()
}

/// A document of statements.
pub(super) fn document(dice: &mut Dice<'_, '_>, set: Set, statements: Vec<Map<String, Value>>) -> PolicyText {
    let mut document = Map::new();
    let organization = matches!(set, Set::ServiceControl | Set::ResourceControl);
    match dice.below(if organization { 8 } else { 16 }) {
        0..=12 => {
            document.insert("Version".to_owned(), json!("2012-10-17"));
        }
        13 => {
            document.insert("Version".to_owned(), json!("2008-10-17"));
        }
        _ => {}
    }
    if dice.percent(2) && set == Set::Resource {
        document.insert("Id".to_owned(), json!("x"));
    }
    let mut statements: Vec<Value> = statements.into_iter().map(Value::Object).collect();
    let written = match statements.pop() {
        Some(only) if statements.is_empty() && dice.percent(25) => only,
        Some(last) => {
            statements.push(last);
            Value::Array(statements)
        }
        None => Value::Array(statements),
    };
    document.insert("Statement".to_owned(), written);
    PolicyText::Document(shuffled(dice, document))
}

/// The members in another order, sometimes: order never matters (`iam:G-03`).
fn shuffled(dice: &mut Dice<'_, '_>, members: Map<String, Value>) -> Map<String, Value> {
    if dice.percent(88) {
        return members;
    }
    members.into_iter().rev().collect()
}
