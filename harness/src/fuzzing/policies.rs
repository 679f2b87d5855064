//! Any text as a policy of every kind.

use countersign_model::case::{Case, EvaluatorCase, EvaluatorSave, PolicyText};
use countersign_model::policy::repeats_a_member;

use super::FuzzTarget;
use crate::evaluator::generate::blank;
use crate::policy_texts::{differences, readings, unsound};

/// The target `policy_parse`.
pub const TARGET: FuzzTarget = FuzzTarget {
    name: "policy_parse",
    property: "both readings answer or refuse any text as a policy of every kind, alike, and read it alike after it was printed",
    check,
    case,
    smallest: |_| None,
};

fn check(input: &[u8]) -> Result<(), String> {
    let Ok(text) = std::str::from_utf8(input) else {
        return Ok(());
    };
    let found = unsound(text);
    if !found.is_empty() {
        return Err(format!("saved but unusable: {found:#?}"));
    }
    let mut differ = differences(text);
    // Which services exist is nowhere told in full: a name that only one reading takes for a service is no difference.
    differ.retain(|one| {
        !one.model
            .save
            .as_ref()
            .is_some_and(|refusal| refusal.contains("\"SERVICE\":"))
    });
    if !differ.is_empty() {
        return Err(format!("the readings differ: {differ:#?}"));
    }
    printed_again(text)
}

/// A text that was read as JSON and printed says the same: blanks and escapes mean nothing. Texts that repeat a member lose one by
/// being printed.
fn printed_again(text: &str) -> Result<(), String> {
    if repeats_a_member(text) {
        return Ok(());
    }
    let Ok(value) = serde_json::from_str::<serde_json::Value>(text) else {
        return Ok(());
    };
    let printed = value.to_string();
    let before = readings(text);
    let after = readings(&printed);
    for ((kind, was), (_, is)) in before.iter().zip(&after) {
        for (side, was, is) in [("model", &was.0, &is.0), ("emulator", &was.1, &is.1)] {
            if let (Some(was), Some(is)) = (was, is)
                && was.usable != is.usable
            {
                return Err(format!(
                    "{side}, {kind:?}: usable {} as written, {} as printed: {printed}",
                    was.usable, is.usable
                ));
            }
        }
    }
    Ok(())
}

/// The text as a document that somebody wants to save, as every kind on which the readings differ; as every kind if they do not.
fn case(input: &[u8]) -> Option<Case> {
    let text = std::str::from_utf8(input).ok()?;
    let differ = differences(text);
    let kinds = crate::policy_texts::KINDS.iter().map(|(kind, _)| *kind);
    let mut case = blank();
    case.id = "fuzzed.policy_parse".to_owned();
    case.evaluate = Some(EvaluatorCase {
        saves: kinds
            .filter(|kind| differ.is_empty() || differ.iter().any(|one| one.kind == *kind))
            .map(|kind| EvaluatorSave {
                kind,
                document: PolicyText::Verbatim(text.to_owned()),
                existing_principals: None,
                expect: None,
            })
            .collect(),
        ..EvaluatorCase::default()
    });
    Some(case)
}
