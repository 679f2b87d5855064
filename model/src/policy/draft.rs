//! A policy half read: its elements with their places, duplicates included, before any of them is understood.
//! Validation looks at drafts, because it must speak about what the user wrote; [`Document`](super::Document) is built from one.

use std::collections::BTreeSet;

use super::json::{Json, Member, Node};

/// The members a document may have (`iam:G-01`).
const DOCUMENT_MEMBERS: &[&str] = &["Version", "Id", "Statement"];

/// The members a statement may have (`iam:1.2`).
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

/// A document whose outermost shape is right.
#[derive(Debug)]
pub(super) struct Draft<'a> {
    pub(super) members: Members<'a>,
    pub(super) statements: Vec<Members<'a>>,
}

/// The members of one object, in the order written.
#[derive(Debug)]
pub(super) struct Members<'a> {
    /// Where the object starts.
    pub(super) offset: usize,
    list: &'a [Member],
    known: &'static [&'static str],
}

/// What is wrong with the outermost shape.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum ShapeFault {
    NotAnObject,
    NoStatement,
    NoStatements,
    StatementIsNoObject,
}

impl<'a> Draft<'a> {
    /// Finds the statements. `Statement` may be one object or a list of them (`iam:G-02`).
    pub(super) fn read(node: &'a Node) -> Result<Self, (ShapeFault, usize)> {
        let Json::Object(list) = &node.value else {
            return Err((ShapeFault::NotAnObject, node.offset));
        };
        let members = Members {
            offset: node.offset,
            list,
            known: DOCUMENT_MEMBERS,
        };
        let Some(statement) = members.last("Statement") else {
            return Err((ShapeFault::NoStatement, node.offset));
        };
        let nodes = match &statement.value.value {
            Json::Array(items) => items.iter().collect(),
            _ => vec![&statement.value],
        };
        if nodes.is_empty() {
            return Err((ShapeFault::NoStatements, statement.value.offset));
        }
        let mut statements = Vec::with_capacity(nodes.len());
        for node in nodes {
            let Json::Object(list) = &node.value else {
                return Err((ShapeFault::StatementIsNoObject, node.offset));
            };
            statements.push(Members {
                offset: node.offset,
                list,
                known: STATEMENT_MEMBERS,
            });
        }
        Ok(Self { members, statements })
    }
}

impl<'a> Members<'a> {
    /// Every member of that name; more than one in legacy documents (`iam:G-06`).
    pub(super) fn all(&self, name: &str) -> impl Iterator<Item = &'a Member> {
        self.list.iter().filter(move |member| member.key == name)
    }

    /// The member of that name; the last one wins.
    pub(super) fn last(&self, name: &str) -> Option<&'a Member> {
        self.all(name).last()
    }

    /// Whether there is a member of that name.
    pub(super) fn has(&self, name: &str) -> bool {
        self.all(name).next().is_some()
    }

    /// Members no such object may have; names are case-sensitive (`iam:G-04`, `iam:G-05`).
    pub(super) fn unknown(&self) -> impl Iterator<Item = &'a Member> {
        let known = self.known;
        self.list
            .iter()
            .filter(move |member| !known.contains(&member.key.as_str()))
    }

    /// Members whose name was already used.
    pub(super) fn duplicates(&self) -> impl Iterator<Item = &'a Member> {
        let mut seen = BTreeSet::new();
        self.list.iter().filter(move |member| !seen.insert(member.key.as_str()))
    }
}

/// The items of a value that may stand alone or in a list (`iam:G-08`).
pub(super) fn items(node: &Node) -> Vec<&Node> {
    match &node.value {
        Json::Array(items) => items.iter().collect(),
        _ => vec![node],
    }
}

/// The text of a JSON string.
pub(super) fn text(node: &Node) -> Option<&str> {
    match &node.value {
        Json::String(text) => Some(text),
        _ => None,
    }
}

/// The spelling of a condition value: strings, numbers and booleans (`iam:G-09`).
pub(super) fn scalar(node: &Node) -> Option<String> {
    match &node.value {
        Json::String(text) | Json::Number(text) => Some(text.clone()),
        Json::Bool(truth) => Some(truth.to_string()),
        Json::Null | Json::Array(_) | Json::Object(_) => None,
    }
}
