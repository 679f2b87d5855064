//! The request of an evaluator case in the making: who asks for what, with which condition keys. Policies are written beside.

use countersign_model::case::{EvaluatorPrincipal, EvaluatorRequest};
use countersign_model::name::{AccountId, Action};
use serde_json::{Value, json};

use super::vocabulary::{
    ACCOUNTS, DERIVED, FEDERATED, KEYS, Kind, PAIRS, Pair, Part, ROLES, SERVICES, SESSIONS, USERS,
};
use crate::generate::dice::Dice;

/// What kind of caller asks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum CallerKind {
    User,
    RoleSession,
    /// Some session of a role: the ARN of the role stands for it.
    BareRole,
    FederatedUser,
    Root,
    Service,
    ServiceLinkedRole,
    Anonymous,
}

/// Who asks.
#[derive(Debug, Clone)]
pub(super) struct Caller {
    pub(super) kind: CallerKind,
    /// Empty for services and anonymous callers.
    pub(super) account: &'static str,
    /// ARN, service name, or `anonymous`.
    pub(super) name: String,
    /// The principal entry that names exactly this caller.
    pub(super) own: Option<String>,
    /// The principal entry that names the role behind a session.
    pub(super) parent: Option<String>,
    /// User name, if it is a user.
    user: Option<&'static str>,
    /// The role's ARN, given as `aws:PrincipalArn` where the session ARN does not tell the path.
    role_arn: Option<String>,
}

/// The request so far.
#[derive(Debug)]
pub(super) struct Scene {
    pub(super) caller: Caller,
    pub(super) pair: Pair,
    pub(super) resource: String,
    pub(super) owner: &'static str,
    /// The condition keys, in the spelling that the request has.
    pub(super) context: Vec<(String, Value)>,
    /// Every present key with its kind and value as a test would see it, derived keys included.
    pub(super) present: Vec<(String, Kind, Value)>,
}

impl Scene {
    pub(super) fn draw(dice: &mut Dice<'_, '_>) -> Self {
        let table: Vec<(u32, usize)> = PAIRS.iter().enumerate().map(|(at, pair)| (pair.weight, at)).collect();
        let pair = PAIRS[dice.weighted(&table)];
        let caller = Caller::draw(dice);
        let owner = match caller.account {
            "" => ACCOUNTS[0],
            account if dice.percent(72) => account,
            account => {
                let others: Vec<&'static str> = ACCOUNTS.iter().copied().filter(|other| *other != account).collect();
                others[dice.position(others.len())]
            }
        };
        Self::of(dice, pair, caller, owner)
    }

    /// A scene with this pair, a caller of this kind in the first account, and the resource's owner.
    pub(super) fn between(dice: &mut Dice<'_, '_>, pair: Pair, kind: CallerKind, owner: &'static str) -> Self {
        let caller = Caller::of_kind(dice, kind, ACCOUNTS[0]);
        Self::of(dice, pair, caller, owner)
    }

    fn of(dice: &mut Dice<'_, '_>, pair: Pair, caller: Caller, owner: &'static str) -> Self {
        let resource = dice.pick(pair.resources).replace("{a}", owner);
        let mut scene = Self {
            caller,
            pair,
            resource,
            owner,
            context: Vec::new(),
            present: Vec::new(),
        };
        scene.derive();
        scene.fill(dice);
        scene
    }

    /// Whether caller and resource belong to one account.
    pub(super) fn same_account(&self) -> bool {
        self.caller.account == self.owner
    }

    /// Whether nothing happens without the resource's own policy.
    pub(super) fn mandatory(&self) -> bool {
        matches!(self.pair.part, Part::Key | Part::Trust)
    }

    /// The request as the Case has it.
    pub(super) fn request(&self, dice: &mut Dice<'_, '_>) -> Option<EvaluatorRequest> {
        // Where the ARN says who owns the resource, and where it is the caller's own anyway, saying so is optional.
        let told = self.resource.contains(self.owner) || self.same_account();
        let resource_account = if told && dice.percent(70) {
            None
        } else {
            Some(AccountId::new(self.owner).ok()?)
        };
        Some(EvaluatorRequest {
            principal: self.caller.principal(),
            action: Action::new(self.pair.action).ok()?,
            resource: self.resource.clone(),
            resource_account,
            context: self.context.iter().cloned().collect(),
            expect: None,
        })
    }

    /// The keys that follow from principal and resource, as far as tests may rely on them.
    fn derive(&mut self) {
        let caller = &self.caller;
        let mut add = |key: &str, kind: Kind, value: Value| self.present.push((key.to_owned(), kind, value));
        add("aws:ResourceAccount", Kind::Text, json!(self.owner));
        let (kind_word, arn) = match caller.kind {
            CallerKind::User => ("User", Some(caller.name.clone())),
            CallerKind::RoleSession | CallerKind::BareRole | CallerKind::ServiceLinkedRole => {
                ("AssumedRole", caller.parent.clone())
            }
            CallerKind::FederatedUser => ("FederatedUser", Some(caller.name.clone())),
            CallerKind::Root => ("Account", Some(caller.name.clone())),
            CallerKind::Service => {
                add("aws:PrincipalIsAWSService", Kind::Flag, json!("true"));
                return;
            }
            CallerKind::Anonymous => {
                add("aws:PrincipalType", Kind::Text, json!("Anonymous"));
                return;
            }
        };
        add("aws:PrincipalType", Kind::Text, json!(kind_word));
        add("aws:PrincipalIsAWSService", Kind::Flag, json!("false"));
        add("aws:PrincipalAccount", Kind::Text, json!(caller.account));
        if let Some(arn) = arn {
            add("aws:PrincipalArn", Kind::Arn, json!(arn));
        }
        if let Some(user) = caller.user {
            let name = user.rsplit('/').next().unwrap_or(user);
            add("aws:username", Kind::Text, json!(name));
        }
    }

    fn fill(&mut self, dice: &mut Dice<'_, '_>) {
        let prefix = self.pair.action.split(':').next().unwrap_or_default();
        for key in KEYS {
            let family = key.name.split(':').next().unwrap_or_default();
            // Keys of another service appear seldom: they say nothing about what the policies of this one do.
            let share = if family == "aws" || family == "app" || family == prefix {
                key.share
            } else {
                key.share / 6
            };
            if !dice.percent(share) {
                continue;
            }
            let value = if key.many {
                let mut list = dice.some(key.values, 0, 2);
                if dice.percent(70) && list.is_empty() {
                    list.push(key.values[0]);
                }
                // A set of one may be written as a scalar.
                match list.as_slice() {
                    [one] if dice.percent(20) => json!(one),
                    _ => json!(list),
                }
            } else {
                let word = *dice.pick(key.values);
                match (key.kind, word) {
                    (Kind::Flag, "true") if dice.percent(20) => json!(true),
                    (Kind::Flag, "false") if dice.percent(20) => json!(false),
                    (Kind::Number, word) if dice.percent(20) => {
                        word.parse::<i64>().map_or_else(|_| json!(word), |number| json!(number))
                    }
                    (_, word) if dice.percent(2) => json!([word]),
                    _ => json!(word),
                }
            };
            self.tell(dice, key.name, key.kind, value);
        }
        if let Some(role_arn) = self.caller.role_arn.clone() {
            self.tell(dice, "aws:PrincipalArn", Kind::Arn, json!(role_arn));
        }
        if dice.percent(5) {
            self.override_derived(dice);
        }
    }

    /// Adds a key; its spelling may vary in case.
    fn tell(&mut self, dice: &mut Dice<'_, '_>, name: &str, kind: Kind, value: Value) {
        let spelled = if dice.percent(6) {
            flip_case(name)
        } else {
            name.to_owned()
        };
        self.put(name, spelled, kind, value);
    }

    /// Adds a key as it is spelled.
    pub(super) fn say(&mut self, name: &str, kind: Kind, value: Value) {
        self.put(name, name.to_owned(), kind, value);
    }

    /// Takes away every key whose name begins like this.
    pub(super) fn forget(&mut self, prefix: &str) {
        let other = |name: &str| {
            let begins = name.get(..prefix.len());
            !begins.is_some_and(|begins| begins.eq_ignore_ascii_case(prefix))
        };
        self.present.retain(|(name, ..)| other(name));
        self.context.retain(|(name, _)| other(name));
    }

    fn put(&mut self, name: &str, spelled: String, kind: Kind, value: Value) {
        self.present.retain(|(present, ..)| !present.eq_ignore_ascii_case(name));
        self.present.push((name.to_owned(), kind, value.clone()));
        self.context.retain(|(present, _)| !present.eq_ignore_ascii_case(name));
        self.context.push((spelled, value));
    }

    /// A value in the context wins over the derived one, and null removes it.
    pub(super) fn override_derived(&mut self, dice: &mut Dice<'_, '_>) {
        let (name, kind) = *dice.pick(DERIVED);
        if dice.percent(45) {
            self.present.retain(|(present, ..)| present != name);
            self.context.retain(|(present, _)| !present.eq_ignore_ascii_case(name));
            self.context.push((name.to_owned(), Value::Null));
            return;
        }
        let value = match name {
            "aws:PrincipalAccount" | "aws:ResourceAccount" => json!(dice.pick(ACCOUNTS)),
            "aws:PrincipalType" => json!(dice.pick(&["User", "AssumedRole", "Account"])),
            "aws:userid" => json!(dice.pick(&["AIDAEXAMPLEEXAMPLE001", "AROAEXAMPLEEXAMPLE001:s1", "111111111111"])),
            "aws:username" => json!(dice.pick(&["alice", "bob", "a*"])),
            "aws:PrincipalIsAWSService" => json!(dice.pick(&["true", "false"])),
            // A session's own role is left alone: another one would make the caller somebody else.
            _ => return,
        };
        self.tell(dice, name, kind, value);
    }
}

impl Caller {
    /// A caller of any kind, in the first account four times out of five.
    pub(super) fn draw(dice: &mut Dice<'_, '_>) -> Self {
        let kind = dice.weighted(&[
            (34, CallerKind::User),
            (30, CallerKind::RoleSession),
            (7, CallerKind::BareRole),
            (9, CallerKind::FederatedUser),
            (5, CallerKind::Root),
            (6, CallerKind::Service),
            (4, CallerKind::ServiceLinkedRole),
            (5, CallerKind::Anonymous),
        ]);
        let account = if dice.percent(80) {
            ACCOUNTS[0]
        } else {
            dice.pick(ACCOUNTS)
        };
        Self::of_kind(dice, kind, account)
    }

    /// A caller of one kind in one account.
    pub(super) fn of_kind(dice: &mut Dice<'_, '_>, kind: CallerKind, account: &'static str) -> Self {
        let plain = Self {
            kind,
            account,
            name: String::new(),
            own: None,
            parent: None,
            user: None,
            role_arn: None,
        };
        match kind {
            CallerKind::User => {
                let user = *dice.pick(USERS);
                let arn = format!("arn:aws:iam::{account}:user/{user}");
                Self {
                    own: Some(arn.clone()),
                    name: arn,
                    user: Some(user),
                    ..plain
                }
            }
            CallerKind::RoleSession => {
                let role = *dice.pick(ROLES);
                let session = *dice.pick(SESSIONS);
                let short = role.rsplit('/').next().unwrap_or(role);
                let role_arn = format!("arn:aws:iam::{account}:role/{role}");
                let arn = format!("arn:aws:sts::{account}:assumed-role/{short}/{session}");
                Self {
                    own: Some(arn.clone()),
                    name: arn,
                    parent: Some(role_arn.clone()),
                    role_arn: (role.contains('/') && dice.percent(60)).then_some(role_arn),
                    ..plain
                }
            }
            CallerKind::BareRole => {
                let arn = format!("arn:aws:iam::{account}:role/{}", dice.pick(ROLES));
                Self {
                    name: arn.clone(),
                    parent: Some(arn),
                    ..plain
                }
            }
            CallerKind::ServiceLinkedRole => {
                let role_arn = format!(
                    "arn:aws:iam::{account}:role/aws-service-role/backup.amazonaws.com/AWSServiceRoleForBackup"
                );
                if dice.coin() {
                    return Self {
                        name: role_arn.clone(),
                        parent: Some(role_arn),
                        ..plain
                    };
                }
                let arn = format!("arn:aws:sts::{account}:assumed-role/AWSServiceRoleForBackup/s1");
                Self {
                    own: Some(arn.clone()),
                    name: arn,
                    parent: Some(role_arn.clone()),
                    role_arn: Some(role_arn),
                    ..plain
                }
            }
            CallerKind::FederatedUser => {
                let arn = format!("arn:aws:sts::{account}:federated-user/{}", dice.pick(FEDERATED));
                Self {
                    own: Some(arn.clone()),
                    name: arn,
                    ..plain
                }
            }
            CallerKind::Root => {
                let arn = format!("arn:aws:iam::{account}:root");
                Self { name: arn, ..plain }
            }
            CallerKind::Service => {
                let name = (*dice.pick(SERVICES)).to_owned();
                Self {
                    account: "",
                    own: Some(name.clone()),
                    name,
                    ..plain
                }
            }
            CallerKind::Anonymous => Self {
                account: "",
                name: "anonymous".to_owned(),
                ..plain
            },
        }
    }

    pub(super) fn principal(&self) -> EvaluatorPrincipal {
        match self.kind {
            CallerKind::Service => EvaluatorPrincipal::Service {
                service: self.name.clone(),
            },
            _ => EvaluatorPrincipal::Arn(self.name.clone()),
        }
    }

    /// Whether it is a session, so that a session policy limits it.
    pub(super) fn is_session(&self) -> bool {
        matches!(
            self.kind,
            CallerKind::RoleSession | CallerKind::BareRole | CallerKind::FederatedUser | CallerKind::ServiceLinkedRole
        )
    }
}

/// The text in the other case, letter by letter.
pub(super) fn flip_case(text: &str) -> String {
    text.chars()
        .map(|letter| {
            if letter.is_ascii_uppercase() {
                letter.to_ascii_lowercase()
            } else {
                letter.to_ascii_uppercase()
            }
        })
        .collect()
}
