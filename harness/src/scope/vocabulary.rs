//! What the cases of the scope are made of: callers, requests, statements by what they do, one condition. Data and how it is written.

use countersign_model::case::{EvaluatorPrincipal, EvaluatorRequest};
use countersign_model::name::{AccountId, Action};
use serde_json::json;

/// The caller's account and the other one; without an account of the caller's, the first is the owner's.
pub(super) const ACCOUNTS: [&str; 2] = ["111111111111", "222222222222"];
/// The condition key, the value that the condition names, and one that it does not name.
pub(super) const KEY: (&str, &str, &str) = ("aws:PrincipalTag/team", "red", "blue");

/// Who asks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Caller {
    User,
    RoleSession,
    ServiceLinkedRole,
    FederatedUser,
    Root,
    Service,
    Anonymous,
}

pub(super) const CALLERS: &[Caller] = &[
    Caller::User,
    Caller::RoleSession,
    Caller::ServiceLinkedRole,
    Caller::FederatedUser,
    Caller::Root,
    Caller::Service,
    Caller::Anonymous,
];

impl Caller {
    /// The principal entry that names exactly this caller.
    fn own(self) -> Option<&'static str> {
        Some(match self {
            Self::User => "arn:aws:iam::111111111111:user/alice",
            Self::RoleSession => "arn:aws:sts::111111111111:assumed-role/Worker/s1",
            Self::ServiceLinkedRole => "arn:aws:sts::111111111111:assumed-role/AWSServiceRoleForBackup/s1",
            Self::FederatedUser => "arn:aws:sts::111111111111:federated-user/fred",
            Self::Service => "backup.amazonaws.com",
            // Root is its account.
            Self::Root | Self::Anonymous => return None,
        })
    }

    /// The role behind a session.
    fn parent(self) -> Option<&'static str> {
        match self {
            Self::RoleSession => Some("arn:aws:iam::111111111111:role/Worker"),
            Self::ServiceLinkedRole => {
                Some("arn:aws:iam::111111111111:role/aws-service-role/backup.amazonaws.com/AWSServiceRoleForBackup")
            }
            _ => None,
        }
    }

    /// Whether it belongs to an account, so that the owner may be another one.
    pub(super) fn has_account(self) -> bool {
        !matches!(self, Self::Service | Self::Anonymous)
    }

    fn principal(self) -> EvaluatorPrincipal {
        match self {
            Self::Service => EvaluatorPrincipal::Service {
                service: "backup.amazonaws.com".to_owned(),
            },
            Self::Anonymous => EvaluatorPrincipal::Arn("anonymous".to_owned()),
            Self::Root => EvaluatorPrincipal::Arn("arn:aws:iam::111111111111:root".to_owned()),
            other => EvaluatorPrincipal::Arn(other.own().unwrap_or_default().to_owned()),
        }
    }
}

/// What is asked for: a resource whose policy must allow, one whose policy may, and a role.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Pair {
    Key,
    Object,
    Role,
}

pub(super) const PAIRS: &[Pair] = &[Pair::Key, Pair::Object, Pair::Role];

impl Pair {
    pub(super) fn action(self) -> &'static str {
        match self {
            Self::Key => "kms:Decrypt",
            Self::Object => "s3:GetObject",
            Self::Role => "sts:AssumeRole",
        }
    }

    fn resource(self, owner: &str) -> String {
        match self {
            Self::Key => format!("arn:aws:kms:us-east-1:{owner}:key/1234abcd-12ab-34cd-56ef-1234567890ab"),
            Self::Object => "arn:aws:s3:::data/a.txt".to_owned(),
            Self::Role => format!("arn:aws:iam::{owner}:role/Target"),
        }
    }
}

/// The value that the request has under the condition key.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Present {
    Not,
    Named,
    Other,
}

/// Asked once for each owner, and for each value if a condition looks at it.
pub(super) fn requests(caller: Caller, pair: Pair, conditioned: bool) -> Vec<EvaluatorRequest> {
    let owners = if caller.has_account() {
        &ACCOUNTS[..]
    } else {
        &ACCOUNTS[..1]
    };
    let values: &[Present] = if conditioned {
        &[Present::Not, Present::Named, Present::Other]
    } else {
        &[Present::Not]
    };
    let mut requests = Vec::new();
    for owner in owners {
        for present in values {
            let mut context = std::collections::BTreeMap::new();
            match present {
                Present::Not => None,
                Present::Named => context.insert(KEY.0.to_owned(), json!(KEY.1)),
                Present::Other => context.insert(KEY.0.to_owned(), json!(KEY.2)),
            };
            if caller == Caller::ServiceLinkedRole {
                // Its ARN does not say that the role is a service's own.
                context.insert("aws:PrincipalArn".to_owned(), json!(caller.parent()));
            }
            requests.push(EvaluatorRequest {
                principal: caller.principal(),
                action: Action::new(pair.action()).expect("an action of the vocabulary"),
                resource: pair.resource(owner),
                resource_account: Some(AccountId::new(*owner).expect("an account of the vocabulary")),
                context,
                expect: None,
            });
        }
    }
    requests
}

/// Where a statement stands: the policy types of the Case format, and the grants of a key.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Place {
    Identity,
    Resource,
    Boundary,
    Session,
    ServiceControl,
    ResourceControl,
    Endpoint,
    Grant,
}

pub(super) const PLACES: &[Place] = &[
    Place::Identity,
    Place::Resource,
    Place::Boundary,
    Place::Session,
    Place::ServiceControl,
    Place::ResourceControl,
    Place::Endpoint,
    Place::Grant,
];

/// What a statement says about the request's action on every resource.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Effect {
    Allow,
    Deny,
    /// Allows another action only: a policy that is there and does not help.
    Elsewhere,
    /// An effect that is none: the document cannot be used.
    Broken,
    /// No statement at all: a list of session policies that is empty, or a level of an organization without policies.
    Empty,
}

/// Whom a statement names, by what that is to the caller.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Naming {
    /// The set has no principals.
    Nobody,
    Everyone,
    /// `{"AWS": "*"}`.
    EveryoneOfAws,
    Own,
    Parent,
    FirstAccount,
    SecondAccount,
    /// Another user of the first account.
    OtherUser,
}

/// One statement without its condition.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Statement {
    pub(super) effect: Effect,
    pub(super) naming: Naming,
    /// `NotPrincipal`.
    pub(super) excepted: bool,
}

const fn plain(effect: Effect) -> Statement {
    Statement {
        effect,
        naming: Naming::Nobody,
        excepted: false,
    }
}

const fn naming(effect: Effect, naming: Naming) -> Statement {
    Statement {
        effect,
        naming,
        excepted: false,
    }
}

impl Statement {
    /// Whether it stands in a document with others, or is a document of its own.
    pub(super) fn combines(self) -> bool {
        !matches!(self.effect, Effect::Broken | Effect::Empty)
    }

    /// Whether a condition on it could matter.
    pub(super) fn takes_a_condition(self, place: Place) -> bool {
        place != Place::Grant && matches!(self.effect, Effect::Allow | Effect::Deny)
    }
}

/// Every statement that may stand somewhere.
pub(super) fn statements(place: Place, caller: Caller, pair: Pair) -> Vec<Statement> {
    use Effect::{Allow, Broken, Deny, Elsewhere, Empty};
    let known = |one: &Naming| match one {
        Naming::Own => caller.own().is_some(),
        Naming::Parent => caller.parent().is_some(),
        _ => true,
    };
    let each = |effect: Effect, namings: &[Naming]| -> Vec<Statement> {
        namings
            .iter()
            .filter(|one| known(one))
            .map(|one| naming(effect, *one))
            .collect()
    };
    match place {
        Place::Identity => vec![plain(Allow), plain(Deny), plain(Elsewhere), plain(Broken)],
        Place::Boundary => vec![plain(Allow), plain(Deny), plain(Elsewhere)],
        Place::Session | Place::ServiceControl => vec![plain(Allow), plain(Deny), plain(Elsewhere), plain(Empty)],
        Place::ResourceControl => vec![naming(Deny, Naming::Everyone)],
        Place::Endpoint => [
            each(Allow, &[Naming::Everyone, Naming::FirstAccount, Naming::Own]),
            each(Deny, &[Naming::Everyone]),
            each(Elsewhere, &[Naming::Everyone]),
        ]
        .concat(),
        Place::Resource => {
            const ALL: &[Naming] = &[
                Naming::Everyone,
                Naming::EveryoneOfAws,
                Naming::Own,
                Naming::Parent,
                Naming::FirstAccount,
                Naming::SecondAccount,
                Naming::OtherUser,
            ];
            const EXCEPTED: &[Naming] = &[Naming::Own, Naming::Parent, Naming::FirstAccount];
            let mut excepted = each(Deny, EXCEPTED);
            for statement in &mut excepted {
                statement.excepted = true;
            }
            let broken = vec![naming(Broken, Naming::Everyone)];
            [each(Allow, ALL), each(Deny, ALL), excepted, broken].concat()
        }
        Place::Grant if pair == Pair::Key => each(Allow, &[Naming::Own, Naming::Parent, Naming::FirstAccount])
            .into_iter()
            .filter(|_| caller.has_account())
            .collect(),
        Place::Grant => Vec::new(),
    }
}

/// The conditions: operator and value. The key is [`KEY`]'s.
pub(super) const CONDITIONS: &[(&str, &str)] = &[
    ("StringEquals", KEY.1),
    ("StringNotEquals", KEY.1),
    ("StringLikeIfExists", "r*"),
    ("ForAnyValue:StringEquals", KEY.1),
    ("ForAllValues:StringEquals", KEY.1),
    ("ForAnyValue:StringNotEquals", KEY.1),
    ("Null", "true"),
];

/// The entry of a principal list, or of a grant.
pub(super) fn entry(caller: Caller, naming: Naming) -> String {
    match naming {
        Naming::Nobody | Naming::Everyone | Naming::EveryoneOfAws => "*".to_owned(),
        Naming::Own => caller.own().unwrap_or_default().to_owned(),
        Naming::Parent => caller.parent().unwrap_or_default().to_owned(),
        Naming::FirstAccount => format!("arn:aws:iam::{}:root", ACCOUNTS[0]),
        Naming::SecondAccount => format!("arn:aws:iam::{}:root", ACCOUNTS[1]),
        Naming::OtherUser => format!("arn:aws:iam::{}:user/bob", ACCOUNTS[0]),
    }
}

/// A document of some statements, at most one of them with a condition.
pub(super) fn document(
    place: Place,
    caller: Caller,
    pair: Pair,
    statements: &[Statement],
    condition: Option<(usize, usize)>,
) -> String {
    let mut text = String::from(r#"{"Version":"2012-10-17","Statement":["#);
    for (number, statement) in statements.iter().enumerate() {
        if number > 0 {
            text.push(',');
        }
        text.push_str(match statement.effect {
            Effect::Deny => r#"{"Effect":"Deny""#,
            Effect::Broken => r#"{"Effect":"Permit""#,
            Effect::Allow | Effect::Elsewhere | Effect::Empty => r#"{"Effect":"Allow""#,
        });
        if statement.naming != Naming::Nobody {
            text.push_str(if statement.excepted {
                r#","NotPrincipal":"#
            } else {
                r#","Principal":"#
            });
            if statement.naming == Naming::Everyone {
                text.push_str(r#""*""#);
            } else {
                let is_service = statement.naming == Naming::Own && caller == Caller::Service;
                text.push_str(if is_service { r#"{"Service":""# } else { r#"{"AWS":""# });
                text.push_str(&entry(caller, statement.naming));
                text.push_str(r#""}"#);
            }
        }
        text.push_str(r#","Action":""#);
        text.push_str(if statement.effect == Effect::Elsewhere {
            "sqs:SendMessage"
        } else {
            pair.action()
        });
        text.push('"');
        // A trust policy has no Resource.
        if place != Place::Resource || pair != Pair::Role {
            text.push_str(r#","Resource":"*""#);
        }
        if let Some((at, which)) = condition
            && at == number
        {
            let (operator, value) = CONDITIONS[which];
            text.push_str(&format!(r#","Condition":{{"{operator}":{{"{}":"{value}"}}}}"#, KEY.0));
        }
        text.push('}');
    }
    text.push_str("]}");
    text
}
