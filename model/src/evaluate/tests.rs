//! What the tests of the decision core share: callers, documents, and a way to ask.
//! The micro-cases of `iam:8` live in `scenarios/evaluator/`.

mod callers;
mod grid;
mod messages;
mod switches;

use jiff::civil::{Date, date};

use super::*;
use crate::context::{Context, principal_keys};
use crate::name::{AccountId, Action, Partition};
use crate::outcome::{Check, CheckDecision, PolicySet};
use crate::policy::{Document, PolicyKind};
use crate::quirks::Quirks;

const TODAY: Date = date(2026, 11, 22);
const A: &str = "111111111111";
const B: &str = "222222222222";
const USER: &str = "arn:aws:iam::111111111111:user/u";
const ROLE: &str = "arn:aws:iam::111111111111:role/R";
const SESSION: &str = "arn:aws:sts::111111111111:assumed-role/R/s";
const FEDERATED: &str = "arn:aws:sts::111111111111:federated-user/fed";
const ROOT: &str = "arn:aws:iam::111111111111:root";
const OBJECT: &str = "arn:aws:s3:::b/k";
const KEY: &str = "arn:aws:kms:us-east-1:111111111111:key/k";

fn account(id: &str) -> AccountId {
    AccountId::new(id).expect("twelve digits")
}

fn user() -> User {
    User {
        account: account(A),
        partition: Partition::default(),
        path: "/".to_owned(),
        name: "u".to_owned(),
        unique_id: None,
    }
}

fn session_of(name: &str) -> Caller {
    let role = Role {
        account: account(A),
        partition: Partition::default(),
        path: Some("/".to_owned()),
        name: "R".to_owned(),
        unique_id: None,
    };
    Caller::RoleSession(RoleSession {
        role,
        name: Some(name.to_owned()),
        service_linked: false,
    })
}

fn federated() -> Caller {
    Caller::FederatedUser(FederatedUser {
        parent: Parent::User(user()),
        name: "fed".to_owned(),
    })
}

fn root() -> Caller {
    Caller::Root {
        account: account(A),
        partition: Partition::default(),
        assumed: false,
    }
}

/// A document of one statement per given text of members.
fn document(kind: PolicyKind, statements: &[String]) -> Document {
    let list: Vec<String> = statements.iter().map(|members| format!("{{{members}}}")).collect();
    Document::parse(
        &format!(r#"{{"Version":"2012-10-17","Statement":[{}]}}"#, list.join(",")),
        kind,
    )
    .expect("a document of this test")
}

fn identity(effect: &str, action: &str) -> Document {
    document(
        PolicyKind::Managed,
        &[format!(r#""Effect":"{effect}","Action":"{action}","Resource":"*""#)],
    )
}

fn on_resource(kind: PolicyKind, effect: &str, principals: &[&str]) -> Document {
    let statements: Vec<String> = principals
        .iter()
        .map(|principal| {
            format!(r#""Effect":"{effect}","Principal":{{"AWS":"{principal}"}},"Action":"*","Resource":"*""#)
        })
        .collect();
    if statements.is_empty() {
        Document::empty(kind)
    } else {
        document(kind, &statements)
    }
}

fn named(document: &Document) -> PolicyRef<'_> {
    PolicyRef {
        document,
        name: "p",
        arn: None,
    }
}

/// Asks with the principal keys of the caller and nothing else.
struct Ask<'a> {
    caller: &'a Caller,
    action: &'a str,
    resource: &'a str,
    owner: &'a str,
    as_of: Date,
    quirks: Quirks,
}

impl<'a> Ask<'a> {
    fn object(caller: &'a Caller) -> Self {
        Self {
            caller,
            action: "s3:GetObject",
            resource: OBJECT,
            owner: A,
            as_of: TODAY,
            quirks: Quirks::default(),
        }
    }

    fn key(caller: &'a Caller) -> Self {
        Self {
            action: "kms:Decrypt",
            resource: KEY,
            ..Self::object(caller)
        }
    }

    fn with(mut self, quirk: &str, value: bool) -> Self {
        self.quirks.set(quirk, &value.into()).expect("a boolean switch");
        self
    }

    fn of(&self, sets: &PolicySets<'_>) -> Check {
        let owner = account(self.owner);
        let action = Action::new(self.action).expect("an action");
        let context = principal_keys(self.caller);
        let request = Request {
            caller: self.caller,
            action: &action,
            resource: self.resource,
            resource_account: Some(&owner),
            context: &context,
            via: None,
            as_of: self.as_of,
        };
        decide(&request, sets, &self.quirks)
    }

    fn allows(&self, sets: &PolicySets<'_>) -> bool {
        self.of(sets).decision == CheckDecision::Allow
    }
}
