//! Policy statements in the making: a structured draft that breakages can bend, and its rendering to a policy document.
//! Which statements a world needs is decided elsewhere.

use countersign_model::case::PolicyText;
use serde_json::{Map, Value, json};

use super::dice::Dice;

/// Allow or Deny.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Effect {
    Allow,
    Deny,
}

/// The `Principal` of a resource policy's statement.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Principals {
    /// No Principal: identity policies.
    Absent,
    /// `"*"`, or the same as `{"AWS": "*"}`.
    Everyone,
    /// `"*"` and no other way to write it: RCPs (`iam:G-15`).
    Star,
    /// `{"AWS": [...]}`: ARNs, references or account ids.
    Aws(Vec<String>),
    /// `{"Service": [...]}`.
    Service(Vec<String>),
    /// `NotPrincipal: {"AWS": [...]}`.
    NotAws(Vec<String>),
}

/// One member of a Condition block.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Condition {
    pub(super) operator: String,
    pub(super) key: String,
    pub(super) values: Vec<String>,
}

/// A statement in the making.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Draft {
    pub(super) sid: Option<String>,
    pub(super) effect: Effect,
    pub(super) principals: Principals,
    pub(super) actions: Vec<String>,
    pub(super) not_action: bool,
    pub(super) resources: Vec<String>,
    pub(super) not_resource: bool,
    pub(super) conditions: Vec<Condition>,
    /// The paths this statement is part of: (actor, action). Empty for noise.
    pub(super) serves: Vec<(usize, String)>,
}

impl Draft {
    /// An Allow without condition that serves nothing yet.
    pub(super) fn allow(principals: Principals, actions: Vec<String>, resources: Vec<String>) -> Self {
        Self {
            sid: None,
            effect: Effect::Allow,
            principals,
            actions,
            not_action: false,
            resources,
            not_resource: false,
            conditions: Vec::new(),
            serves: Vec::new(),
        }
    }

    /// A Deny without condition.
    pub(super) fn deny(principals: Principals, actions: Vec<String>, resources: Vec<String>) -> Self {
        Self {
            effect: Effect::Deny,
            ..Self::allow(principals, actions, resources)
        }
    }

    /// The statement as it stands in a document. A list of one is written as a scalar three times in four.
    pub(super) fn render(&self, dice: &mut Dice<'_, '_>) -> Value {
        let mut statement = Map::new();
        if let Some(sid) = &self.sid {
            statement.insert("Sid".to_owned(), json!(sid));
        }
        statement.insert(
            "Effect".to_owned(),
            json!(if self.effect == Effect::Allow { "Allow" } else { "Deny" }),
        );
        match &self.principals {
            Principals::Absent => {}
            Principals::Everyone => {
                let value = if dice.below(4) == 0 {
                    json!({"AWS": "*"})
                } else {
                    json!("*")
                };
                statement.insert("Principal".to_owned(), value);
            }
            Principals::Star => {
                statement.insert("Principal".to_owned(), json!("*"));
            }
            Principals::Aws(list) => {
                statement.insert("Principal".to_owned(), json!({"AWS": scalar_or_list(dice, list)}));
            }
            Principals::Service(list) => {
                statement.insert("Principal".to_owned(), json!({"Service": scalar_or_list(dice, list)}));
            }
            Principals::NotAws(list) => {
                statement.insert("NotPrincipal".to_owned(), json!({"AWS": scalar_or_list(dice, list)}));
            }
        }
        let member = if self.not_action { "NotAction" } else { "Action" };
        statement.insert(member.to_owned(), scalar_or_list(dice, &self.actions));
        // Trust policies have no Resource; in a key policy a statement without one is inert (`svc:K-14`).
        if !self.resources.is_empty() {
            let member = if self.not_resource { "NotResource" } else { "Resource" };
            statement.insert(member.to_owned(), scalar_or_list(dice, &self.resources));
        }
        if !self.conditions.is_empty() {
            statement.insert("Condition".to_owned(), render_conditions(dice, &self.conditions));
        }
        Value::Object(statement)
    }
}

/// A document of these statements; Sids are given where they are wanted and never twice.
pub(super) fn document(dice: &mut Dice<'_, '_>, drafts: &[Draft]) -> PolicyText {
    let statements: Vec<Value> = drafts
        .iter()
        .enumerate()
        .map(|(position, draft)| {
            let mut draft = draft.clone();
            if draft.sid.is_none() && dice.below(5) == 0 {
                draft.sid = Some(format!(
                    "{}{position}",
                    if draft.effect == Effect::Allow { "Allow" } else { "Deny" }
                ));
            }
            draft.render(dice)
        })
        .collect();
    let mut document = Map::new();
    document.insert("Version".to_owned(), json!("2012-10-17"));
    let single = statements.len() == 1 && dice.below(4) == 0;
    let statements = match <[Value; 1]>::try_from(statements) {
        Ok([one]) if single => one,
        Ok([one]) => json!([one]),
        Err(many) => Value::Array(many),
    };
    document.insert("Statement".to_owned(), statements);
    PolicyText::Document(document)
}

/// The same document, once in a while under the old version of the language, which knows no variables (`iam:V-15`).
pub(super) fn of_some_version(dice: &mut Dice<'_, '_>, document: PolicyText) -> PolicyText {
    match document {
        PolicyText::Document(mut document) if dice.below(40) == 0 => {
            if dice.below(3) == 0 {
                document.shift_remove("Version");
            } else {
                document.insert("Version".to_owned(), json!("2008-10-17"));
            }
            PolicyText::Document(document)
        }
        document => document,
    }
}

fn scalar_or_list(dice: &mut Dice<'_, '_>, list: &[String]) -> Value {
    match list {
        [one] if dice.below(4) > 0 => json!(one),
        list => json!(list),
    }
}

/// Operator by operator; the same operator and key twice keeps the first, since JSON would.
fn render_conditions(dice: &mut Dice<'_, '_>, conditions: &[Condition]) -> Value {
    let mut block: Map<String, Value> = Map::new();
    for condition in conditions {
        let operator = block.entry(condition.operator.clone()).or_insert_with(|| json!({}));
        let Value::Object(keys) = operator else { continue };
        if !keys.keys().any(|key| key.eq_ignore_ascii_case(&condition.key)) {
            keys.insert(condition.key.clone(), scalar_or_list(dice, &condition.values));
        }
    }
    Value::Object(block)
}
