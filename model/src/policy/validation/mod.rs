//! What is wrong with a policy text. Checks gather every fault they see; the first one in AWS's order of reporting is the answer
//! (`iam:E-20`). The same faults decide whether a stored document can be evaluated at all (`iam:E-22`).

mod check;
mod fault;

use jiff::civil::Date;

use self::fault::{Fault, Found};
use super::draft::Draft;
use super::json::{self, Node};
use super::principal::PrincipalEntry;
use super::{PolicyError, PolicyErrorKind, PolicyKind};
use crate::rule::rule;

/// The longest text IAM and STS take at all (`iam:G-11`).
const LONGEST_PARAMETER: usize = 131_072;

/// Reads the JSON.
pub(super) fn read(text: &str, kind: PolicyKind) -> Result<Node, PolicyError> {
    json::read(text).map_err(|error| Fault::NotJson.at(error.offset).error(kind))
}

/// Checks what the evaluator needs: a document that fails here cannot be evaluated (`iam:E-22`).
pub(super) fn usable(node: &Node, kind: PolicyKind) -> Result<Draft<'_>, PolicyError> {
    let draft = draft(node, kind)?;
    let found = check::faults(&draft, node, kind, None)
        .into_iter()
        .filter(|found| found.fault.breaks_evaluation(kind));
    first(found, kind).map_or(Ok(draft), Err)
}

/// Checks everything AWS checks when a document is saved on a given date.
pub(super) fn savable(node: &Node, kind: PolicyKind, as_of: Date) -> Result<Draft<'_>, PolicyError> {
    let draft = draft(node, kind)?;
    first(check::faults(&draft, node, kind, Some(as_of)), kind).map_or(Ok(draft), Err)
}

/// Checks the characters (`iam:G-11`, `svc:P-2`) and the size (`iam:1.9`, `svc:P-1`) of a text about to be saved.
pub(super) fn characters_and_size(text: &str, kind: PolicyKind, as_of: Date) -> Result<(), PolicyError> {
    let refuse = |refused, rule, offset| {
        Err(PolicyError {
            policy: kind,
            kind: refused,
            message: String::new(),
            rule,
            offset,
        })
    };
    let iam_or_sts = kind.is_identity() || kind == PolicyKind::Trust;
    if iam_or_sts && (text.is_empty() || text.chars().count() > LONGEST_PARAMETER) {
        return refuse(PolicyErrorKind::Characters, rule("iam:G-11"), 0);
    }
    if (iam_or_sts || kind == PolicyKind::Key)
        && let Some((offset, _)) = text.char_indices().find(|(_, character)| !is_allowed(*character))
    {
        let source = if iam_or_sts { rule("iam:G-11") } else { rule("svc:P-2") };
        return refuse(PolicyErrorKind::Characters, source, offset);
    }
    match kind.size_limit(as_of) {
        Some(limit) if limit.length(text) > limit.most => {
            let source = if kind == PolicyKind::Key {
                rule("svc:P-1")
            } else {
                rule("iam:G-80")
            };
            refuse(PolicyErrorKind::TooLong, source, 0)
        }
        _ => Ok(()),
    }
}

/// Tab, line feed, carriage return, U+0020 to U+00FF.
fn is_allowed(character: char) -> bool {
    matches!(character, '\t' | '\n' | '\r' | '\u{20}'..='\u{FF}')
}

fn draft(node: &Node, kind: PolicyKind) -> Result<Draft<'_>, PolicyError> {
    Draft::read(node).map_err(|(fault, offset)| Fault::Shape(fault).at(offset).error(kind))
}

/// The fault AWS would report: by stage, then by place.
fn first(found: impl IntoIterator<Item = Found>, kind: PolicyKind) -> Option<PolicyError> {
    found
        .into_iter()
        .min_by_key(|found| (found.fault.stage_in(kind), found.offset))
        .map(|found| found.error(kind))
}

impl PrincipalEntry {
    /// The refusal when the entity this entry names does not exist or cannot be a principal (`iam:E-17`, `svc:P-4`).
    pub fn unknown(&self, kind: PolicyKind) -> PolicyError {
        Fault::InvalidPrincipal {
            member: self.member.clone(),
            text: self.text.clone(),
        }
        .at(self.offset)
        .error(kind)
    }
}

#[cfg(test)]
mod tests;
