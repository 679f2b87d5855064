//! The shape of a policy document: members, types, words (`iam:§1.1` to `iam:§1.7`). No wording of errors
//! and no meaning of actions, resources and principals.

use std::collections::BTreeSet;

use super::super::condition::Operator;
use super::super::json::{Member, Node, Value};
use super::member;

/// A document whose shape is right.
pub(super) struct Shape<'a> {
    members: &'a [Member],
    pub(super) statements: Vec<StatementShape<'a>>,
}

/// A statement whose shape is right.
pub(super) struct StatementShape<'a> {
    pub(super) offset: usize,
    members: &'a [Member],
}

/// What is wrong with the shape, and where.
#[derive(Debug)]
pub(super) struct Problem {
    pub(super) what: Wrong,
    pub(super) offset: usize,
}

/// What is wrong with the shape.
#[derive(Debug)]
pub(super) enum Wrong {
    /// The document is no object.
    NotAnObject,
    /// A member nobody knows (`iam:G-05`).
    UnknownMember(String),
    /// A member that occurs twice (`iam:G-06`, `iam:OQ-1`).
    Duplicate,
    /// A Version that is none (`iam:G-20`).
    Version,
    /// No Statement.
    NoStatement,
    /// An empty Statement list (`iam:G-02`).
    EmptyStatement,
    /// No Effect.
    NoEffect,
    /// An Effect that is neither word in any letter case (`iam:G-32`).
    Effect(String),
    /// X and NotX together (`iam:G-14`).
    Both,
    /// A principal that is neither `"*"` nor a map of known members.
    Principal(String),
    /// An unknown operator with keys (`iam:G-62`).
    Operator(String),
    /// A value of the wrong JSON type.
    Type,
}

const POLICY_MEMBERS: &[&str] = &["Version", "Id", "Statement"];
const STATEMENT_MEMBERS: &[&str] = &[
    "Sid",
    "Effect",
    "Principal",
    "NotPrincipal",
    "Action",
    "NotAction",
    "Resource",
    "NotResource",
    "Condition",
];
const PRINCIPAL_MEMBERS: &[&str] = &["AWS", "Service", "Federated", "CanonicalUser"];
const PAIRS: &[(&str, &str)] = &[
    ("Principal", "NotPrincipal"),
    ("Action", "NotAction"),
    ("Resource", "NotResource"),
];
/// Members that old documents may have several times (`iam:G-06`).
const LEGACY_DUPLICATES: &[&str] = &["Effect", "Action", "NotAction", "Resource", "NotResource"];

/// Reads the shape of a document. `stored` admits what old documents may have.
pub(super) fn read(document: &Value, stored: bool) -> Result<Shape<'_>, Problem> {
    let wrong = |what, offset| Err(Problem { what, offset });
    let Some(members) = document.as_object() else {
        return wrong(Wrong::NotAnObject, document.start);
    };
    check_members(members, POLICY_MEMBERS, &[])?;
    if let Some(version) = member(members, "Version")
        && !matches!(version.as_text(), Some("2008-10-17" | "2012-10-17"))
    {
        return wrong(Wrong::Version, version.start);
    }
    if let Some(id) = member(members, "Id") {
        expect_text(id)?;
    }
    let Some(statement) = member(members, "Statement") else {
        return wrong(Wrong::NoStatement, document.start);
    };
    if statement.as_list().is_empty() {
        return wrong(Wrong::EmptyStatement, statement.start);
    }
    let statements = statement
        .as_list()
        .iter()
        .map(|value| read_statement(value, stored))
        .collect::<Result<_, _>>()?;
    Ok(Shape { members, statements })
}

fn read_statement(value: &Value, stored: bool) -> Result<StatementShape<'_>, Problem> {
    let wrong = |what, offset| Err(Problem { what, offset });
    let Some(members) = value.as_object() else {
        return wrong(Wrong::Type, value.start);
    };
    check_members(members, STATEMENT_MEMBERS, if stored { LEGACY_DUPLICATES } else { &[] })?;
    for (one, other) in PAIRS {
        if let (Some(_), Some(second)) = (member(members, one), member(members, other)) {
            return wrong(Wrong::Both, second.start);
        }
    }
    for Member { name, value, .. } in members {
        match name.as_str() {
            "Sid" => expect_text(value)?,
            // Only the last one counts, so nothing is wrong with what the others say (`iam:G-06`).
            "Effect" if member(members, "Effect").is_some_and(|last| !std::ptr::eq(last, value)) => {}
            "Effect" => {
                let word = value.as_text().unwrap_or_default();
                if !word.eq_ignore_ascii_case("Allow") && !word.eq_ignore_ascii_case("Deny") {
                    return wrong(Wrong::Effect(word.to_owned()), value.start);
                }
            }
            "Action" | "NotAction" => expect_texts(value, false)?,
            // A null inside the list is ignored (errata `iam:G-10`).
            "Resource" | "NotResource" => expect_texts(value, true)?,
            "Principal" | "NotPrincipal" => check_principal(value)?,
            _ => check_condition(value, stored)?,
        }
    }
    if member(members, "Effect").is_none() {
        return wrong(Wrong::NoEffect, value.start);
    }
    Ok(StatementShape {
        offset: value.start,
        members,
    })
}

/// Known names only, each once unless listed in `repeatable`.
fn check_members(members: &[Member], known: &[&str], repeatable: &[&str]) -> Result<(), Problem> {
    let mut seen = BTreeSet::new();
    for Member { name, name_start, .. } in members {
        if !known.contains(&name.as_str()) {
            return Err(Problem {
                what: Wrong::UnknownMember(name.clone()),
                offset: *name_start,
            });
        }
        let repeated = !seen.insert(name.as_str());
        if repeated && !repeatable.contains(&name.as_str()) {
            return Err(Problem {
                what: Wrong::Duplicate,
                offset: *name_start,
            });
        }
    }
    Ok(())
}

fn check_principal(value: &Value) -> Result<(), Problem> {
    if value.as_text() == Some("*") {
        return Ok(());
    }
    let Some(members) = value.as_object() else {
        let text = value.as_text().unwrap_or_default().to_owned();
        return Err(Problem {
            what: Wrong::Principal(text),
            offset: value.start,
        });
    };
    check_members(members, PRINCIPAL_MEMBERS, &[])?;
    members.iter().try_for_each(|member| expect_texts(&member.value, false))
}

fn check_condition(value: &Value, stored: bool) -> Result<(), Problem> {
    let operators = expect_object(value)?;
    expect_distinct(operators, |name| name.to_owned())?;
    for operator in operators {
        let keys = expect_object(&operator.value)?;
        if !keys.is_empty() && Operator::parse(&operator.name).is_none() {
            return Err(Problem {
                what: Wrong::Operator(operator.name.clone()),
                offset: operator.name_start,
            });
        }
        // Keys that differ only by letter case are refused at save (`iam:G-07`); stored, both must hold.
        expect_distinct(keys, |name| if stored { name.to_owned() } else { name.to_lowercase() })?;
        for key in keys {
            for item in key.value.as_list() {
                if matches!(item.node, Node::Null | Node::Array(_) | Node::Object(_)) {
                    return Err(Problem {
                        what: Wrong::Type,
                        offset: item.start,
                    });
                }
            }
        }
    }
    Ok(())
}

fn expect_distinct(members: &[Member], identity: impl Fn(&str) -> String) -> Result<(), Problem> {
    let mut seen = BTreeSet::new();
    match members.iter().find(|member| !seen.insert(identity(&member.name))) {
        Some(member) => Err(Problem {
            what: Wrong::Duplicate,
            offset: member.name_start,
        }),
        None => Ok(()),
    }
}

fn expect_object(value: &Value) -> Result<&[Member], Problem> {
    value.as_object().ok_or(Problem {
        what: Wrong::Type,
        offset: value.start,
    })
}

fn expect_text(value: &Value) -> Result<(), Problem> {
    value.as_text().map(|_| ()).ok_or(Problem {
        what: Wrong::Type,
        offset: value.start,
    })
}

fn expect_texts(value: &Value, null_in_list: bool) -> Result<(), Problem> {
    let is_list = matches!(value.node, Node::Array(_));
    let wrong = |item: &&Value| item.as_text().is_none() && !(is_list && null_in_list && item.node == Node::Null);
    match value.as_list().iter().find(wrong) {
        Some(item) => Err(Problem {
            what: Wrong::Type,
            offset: item.start,
        }),
        None => Ok(()),
    }
}

impl<'a> Shape<'a> {
    /// A top-level member.
    pub(super) fn member(&self, name: &str) -> Option<&'a Value> {
        member(self.members, name)
    }

    /// Where an Effect is spelled in the wrong letter case (`iam:E-03`).
    pub(super) fn odd_effect_case(&self) -> Option<usize> {
        let odd = |statement: &&StatementShape<'_>| !matches!(statement.effect(), Some("Allow" | "Deny"));
        self.statements
            .iter()
            .find(odd)
            .map(|statement| statement.member("Effect").map_or(statement.offset, |value| value.start))
    }
}

impl<'a> StatementShape<'a> {
    /// A member; of several the last.
    pub(super) fn member(&self, name: &str) -> Option<&'a Value> {
        member(self.members, name)
    }

    pub(super) fn effect(&self) -> Option<&'a str> {
        self.member("Effect").and_then(Value::as_text)
    }

    /// The Sid and where it is.
    pub(super) fn sid(&self) -> Option<(&'a str, usize)> {
        let value = self.member("Sid")?;
        Some((value.as_text()?, value.start))
    }

    /// `Principal` or `NotPrincipal`, with its name.
    pub(super) fn principal(&self) -> Option<(&'static str, &'a Value)> {
        self.either("Principal", "NotPrincipal")
    }

    /// `Action` or `NotAction`, with its name.
    pub(super) fn action(&self) -> Option<(&'static str, &'a Value)> {
        self.either("Action", "NotAction")
    }

    /// `Resource` or `NotResource`, with its name.
    pub(super) fn resource(&self) -> Option<(&'static str, &'a Value)> {
        self.either("Resource", "NotResource")
    }

    /// Whether there is a non-empty `Action` or `NotAction` (`iam:G-70`).
    pub(super) fn has_actions(&self) -> bool {
        self.action().is_some_and(|(_, value)| !value.as_list().is_empty())
    }

    /// Whether there is a non-empty `Resource` or `NotResource` (`iam:G-70`).
    pub(super) fn has_resources(&self) -> bool {
        self.resource().is_some_and(|(_, value)| !value.as_list().is_empty())
    }

    /// All texts of all members of two names, with their offsets.
    pub(super) fn texts(&self, names: [&'static str; 2]) -> impl Iterator<Item = (&'a str, usize)> {
        self.members
            .iter()
            .filter(move |member| names.contains(&member.name.as_str()))
            .flat_map(|member| member.value.as_list())
            .filter_map(|item| Some((item.as_text()?, item.start)))
    }

    /// Every operator with every key under it.
    pub(super) fn conditions(&self) -> impl Iterator<Item = (&'a Member, &'a Member)> {
        let operators = self.member("Condition").and_then(Value::as_object).unwrap_or_default();
        operators.iter().flat_map(|operator| {
            let keys = operator.value.as_object().unwrap_or_default();
            keys.iter().map(move |key| (operator, key))
        })
    }

    fn either(&self, one: &'static str, other: &'static str) -> Option<(&'static str, &'a Value)> {
        [one, other]
            .into_iter()
            .find_map(|name| Some((name, self.member(name)?)))
    }
}
