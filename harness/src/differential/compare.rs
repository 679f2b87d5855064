//! One step, model beside target: every difference by name. The model's answer is translated outward and compared with what the target
//! really said; values the target chose are bound on the way. Whether a step's own `expect` holds is the model crate's `case::check`.

use std::borrow::Cow;
use std::fmt;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use countersign_model::case::Decision;
use countersign_model::case::check::{Mismatch, View, expectation};
use countersign_model::case::{Expect, Step};
use countersign_model::outcome::Outcome;
use serde_json::Value;

use super::binding::{Binding, BindingError};
use super::{Disagreement, DisagreementKind, Side};
use crate::target::Observed;

/// Lists whose order means nothing: the target orders them by values that it chose.
const UNORDERED: [&str; 10] = [
    "Aliases",
    "Buckets",
    "Deleted",
    "Errors",
    "Grants",
    "Keys",
    "Operations",
    "TagSet",
    "Tags",
    "Uploads",
];
/// Members that hold a policy document as text.
const DOCUMENTS: [&str; 3] = ["AssumeRolePolicyDocument", "Policy", "PolicyDocument"];
/// Members that hold bytes as base64: a text inside may hold symbols.
const BLOBS: [&str; 2] = ["Body", "Plaintext"];
/// Members whose value may come twice.
const SHARED: [&str; 1] = ["ETag"];

/// Every difference between the model's outcome and what the target did. Fresh values are bound.
pub fn compare_step(step: &Step, outcome: &Outcome, observed: &Observed, binding: &mut Binding) -> Vec<Disagreement> {
    let mut comparison = Comparison {
        outcome,
        binding,
        found: Vec::new(),
    };
    if outcome.decision != observed.decision {
        comparison.differ(
            DisagreementKind::Decision,
            "decision",
            word(outcome.decision),
            word(observed.decision),
        );
    }
    if matches!(step, Step::Call(_) | Step::Invoke(_)) {
        if outcome.code != observed.code {
            comparison.differ(
                DisagreementKind::Code,
                "code",
                or_none(&outcome.code),
                or_none(&observed.code),
            );
        }
        if outcome.status != observed.status {
            comparison.differ(DisagreementKind::Status, "status", outcome.status, observed.status);
        }
        if outcome.decision == observed.decision {
            comparison.message(observed);
            if let Some(expected) = &outcome.output {
                let actual = observed.output.as_ref().unwrap_or(&Value::Null);
                comparison.output(&Path::Start(""), expected, actual);
            }
        }
        if let Some(trail) = &observed.trail {
            comparison.trail(trail);
        }
    }
    comparison.found
}

/// The observation in the model's symbols: what reports show and expectations are judged by.
pub fn inward(observed: Observed, binding: &Binding) -> Observed {
    Observed {
        message: observed
            .message
            .map(|message| binding.inward_text(&message).into_owned()),
        output: observed.output.map(|output| binding.inward_json(output)),
        trail: observed
            .trail
            .map(|trail| trail.into_iter().map(|event| binding.inward_json(event)).collect()),
        ..observed
    }
}

/// What the model's outcome does not show of what the step expects: a fault of the model or of the case.
pub fn check_expectation_of_model(
    expect: &Expect,
    outcome: &Outcome,
    resolve: &dyn Fn(&str) -> Result<String, String>,
) -> Vec<Disagreement> {
    expectation(expect, &View::from(outcome), resolve)
        .into_iter()
        .map(|mismatch| broken(mismatch, Side::Model))
        .collect()
}

/// What an observation, in the model's symbols, does not show of what the step expects.
pub fn check_expectation_of_target(
    expect: &Expect,
    observed: &Observed,
    resolve: &dyn Fn(&str) -> Result<String, String>,
) -> Vec<Disagreement> {
    let view = View {
        decision: Some(observed.decision),
        code: Some(observed.code.as_deref()),
        status: Some(observed.status),
        message: Some(observed.message.as_deref()),
        output: Some(observed.output.as_ref()),
        trail: observed.trail.as_deref(),
        ..View::default()
    };
    expectation(expect, &view, resolve)
        .into_iter()
        .map(|mismatch| broken(mismatch, Side::Target))
        .collect()
}

/// Runs of white space become one space.
pub fn fold_white_space(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

fn broken(mismatch: Mismatch, side: Side) -> Disagreement {
    Disagreement {
        kind: DisagreementKind::Expectation,
        side,
        path: format!("expect.{}", mismatch.part),
        expected: mismatch.expected,
        observed: mismatch.actual,
    }
}

/// Where in an answer something stands. It is written out only where it is told or looked up.
#[derive(Debug, Clone, Copy)]
enum Path<'p> {
    /// The beginning, which may have a name.
    Start(&'p str),
    /// A member of a structure.
    Member(&'p Path<'p>, &'p str),
    /// An element of a list.
    Element(&'p Path<'p>, usize),
}

impl Path<'_> {
    /// The name of the member it ends with: `GrantId` of `Grants[0].GrantId`, `Grants` of `Grants`, nothing of `Grants[0]`.
    fn last_name(&self) -> &str {
        match self {
            Self::Start(name) | Self::Member(_, name) => name,
            Self::Element(..) => "",
        }
    }
}

impl fmt::Display for Path<'_> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Start(name) | Self::Member(Path::Start(""), name) => formatter.write_str(name),
            Self::Member(parent, name) => write!(formatter, "{parent}.{name}"),
            Self::Element(parent, index) => write!(formatter, "{parent}[{index}]"),
        }
    }
}

struct Comparison<'o, 'b> {
    outcome: &'o Outcome,
    binding: &'b mut Binding,
    found: Vec<Disagreement>,
}

impl Comparison<'_, '_> {
    fn differ(
        &mut self,
        kind: DisagreementKind,
        path: impl ToString,
        expected: impl ToString,
        observed: impl ToString,
    ) {
        self.found.push(Disagreement {
            kind,
            side: Side::Target,
            path: path.to_string(),
            expected: expected.to_string(),
            observed: observed.to_string(),
        });
    }

    /// The model's text in the target's values; a symbol without value is a difference of its own.
    fn outward<'t>(&mut self, path: impl fmt::Display, text: &'t str) -> Option<Cow<'t, str>> {
        match self.binding.outward_text(text) {
            Ok(outward) => Some(outward),
            Err(error) => {
                self.unbindable(path.to_string(), text, &error);
                None
            }
        }
    }

    /// Whether two texts are the same but for white space. The id of a key that nobody made (an AWS managed key comes into being with its
    /// first use) may show for the first time in the middle of a text: it is bound there.
    fn same_text(&mut self, outward: &str, actual: &str) -> bool {
        if outward == actual {
            return true;
        }
        let (expected, actual): (Vec<&str>, Vec<&str>) = (
            outward.split_whitespace().collect(),
            actual.split_whitespace().collect(),
        );
        if expected.len() != actual.len() {
            return false;
        }
        let mut ids = Vec::new();
        for (one, other) in expected.into_iter().zip(actual) {
            if one != other {
                match (key_id_in(one), key_id_in(other)) {
                    (Some((before, id, after)), Some((same_before, value, same_after)))
                        if before == same_before && after == same_after =>
                    {
                        ids.push((id, value));
                    }
                    _ => return false,
                }
            }
        }
        let mut trial = self.binding.clone();
        // An id that is itself a value of the target has been translated already: it is another key.
        let bound = ids
            .iter()
            .all(|(id, value)| trial.symbol_of(id).is_none() && trial.bind(id, value).is_ok());
        if bound {
            *self.binding = trial;
        }
        bound
    }

    /// Whether two blobs hold the same text, the model's translated.
    fn same_blob(&self, expected: &str, actual: &str) -> bool {
        let text = |blob: &str| {
            STANDARD
                .decode(blob)
                .ok()
                .and_then(|bytes| String::from_utf8(bytes).ok())
        };
        match (text(expected), text(actual)) {
            (Some(expected), Some(actual)) => self
                .binding
                .outward_text(&expected)
                .is_ok_and(|outward| outward == actual),
            _ => false,
        }
    }

    fn unbindable(&mut self, path: String, expected: &str, error: &BindingError) {
        self.differ(DisagreementKind::Binding, path, expected, error);
    }

    /// The model leaves a message out where it does not claim to know it.
    fn message(&mut self, observed: &Observed) {
        let Some(expected) = &self.outcome.message else { return };
        let Some(outward) = self.outward("message", expected) else {
            return;
        };
        let actual = observed.message.as_deref().unwrap_or("");
        if !self.same_text(&outward, actual) {
            let shown = observed
                .message
                .as_deref()
                .map_or("no message".into(), |message| self.binding.inward_text(message))
                .into_owned();
            self.differ(DisagreementKind::Message, "message", expected, shown);
        }
    }

    /// Every member that the model gives is there. Lists are complete.
    fn output(&mut self, path: &Path<'_>, expected: &Value, actual: &Value) {
        if expected.is_string()
            && let Some(symbol) = fresh_at(self.outcome, path)
        {
            self.fresh(path, symbol, expected, actual);
            return;
        }
        match (expected, actual) {
            (Value::Object(members), Value::Object(actual_members)) if !is_document(path, expected) => {
                for (name, member) in members {
                    let inner = Path::Member(path, name);
                    match actual_members.get(name) {
                        Some(value) => self.output(&inner, member, value),
                        None => self.output_differs(&inner, member, &Value::Null),
                    }
                }
            }
            (Value::Array(list), Value::Array(actual_list)) if list.len() == actual_list.len() => {
                if is_unordered(path) {
                    self.unordered(path, list, actual_list);
                } else {
                    for (index, (element, value)) in list.iter().zip(actual_list).enumerate() {
                        self.output(&Path::Element(path, index), element, value);
                    }
                }
            }
            _ if is_document(path, expected) => self.document(path, expected, actual),
            (Value::String(text), Value::String(value)) => {
                if let Some(outward) = self.outward(format_args!("output.{path}"), text)
                    && !self.same_text(&outward, value)
                    && !(BLOBS.contains(&path.last_name()) && self.same_blob(text, value))
                {
                    self.output_differs(path, expected, actual);
                }
            }
            _ if expected == actual => {}
            _ => self.output_differs(path, expected, actual),
        }
    }

    fn output_differs(&mut self, path: &Path<'_>, expected: &Value, actual: &Value) {
        let actual = self.binding.inward_json(actual.clone());
        self.differ(
            DisagreementKind::Output,
            format!("output.{path}"),
            shown(expected),
            shown(&actual),
        );
    }

    /// A value that the target chooses: bound now, or the same as before.
    fn fresh(&mut self, path: &Path<'_>, symbol: &str, expected: &Value, actual: &Value) {
        let place = format!("output.{path}");
        let (Value::String(expected_text), Value::String(value)) = (expected, actual) else {
            self.output_differs(path, expected, actual);
            return;
        };
        // The symbol may be a part of the member, as a key id is of an ARN.
        let value = match expected_text.split_once(symbol) {
            Some((before, after)) => {
                let (Some(before), Some(after)) = (self.outward(&place, before), self.outward(&place, after)) else {
                    return;
                };
                match value.strip_prefix(&*before).and_then(|rest| rest.strip_suffix(&*after)) {
                    Some(part) => part,
                    None => {
                        self.output_differs(path, expected, actual);
                        return;
                    }
                }
            }
            None => value.as_str(),
        };
        if value.is_empty() {
            self.differ(DisagreementKind::Binding, &place, symbol, "an empty value");
            return;
        }
        let bound = if SHARED.contains(&path.last_name()) {
            self.binding.bind_shared(symbol, value)
        } else {
            self.binding.bind(symbol, value)
        };
        if let Err(error) = bound {
            self.unbindable(place, symbol, &error);
        }
    }

    /// Each expected element takes the first element not yet taken that fits it; what is left over is compared to say what differs.
    fn unordered(&mut self, path: &Path<'_>, list: &[Value], actual: &[Value]) {
        let mut free: Vec<usize> = (0..actual.len()).collect();
        let mut unmatched = Vec::new();
        for (index, element) in list.iter().enumerate() {
            let inner = Path::Element(path, index);
            // The element in the same place is tried first.
            let mut candidates = free.clone();
            candidates.sort_by_key(|place| *place != index);
            match candidates
                .into_iter()
                .find(|place| self.fits(&inner, element, &actual[*place]))
            {
                Some(place) => {
                    free.retain(|other| *other != place);
                    self.output(&inner, element, &actual[place]);
                }
                None => unmatched.push(index),
            }
        }
        for (index, place) in unmatched.into_iter().zip(free) {
            self.output(&Path::Element(path, index), &list[index], &actual[place]);
        }
    }

    fn fits(&self, path: &Path<'_>, expected: &Value, actual: &Value) -> bool {
        let mut binding = self.binding.clone();
        let mut trial = Comparison {
            outcome: self.outcome,
            binding: &mut binding,
            found: Vec::new(),
        };
        trial.output(path, expected, actual);
        trial.found.is_empty()
    }

    /// Policy documents are equal as JSON, or as texts when one of them is none.
    fn document(&mut self, path: &Path<'_>, expected: &Value, actual: &Value) {
        let expected_text = text_of(expected);
        let Some(outward) = self.outward(format_args!("output.{path}"), &expected_text) else {
            return;
        };
        let actual_text = text_of(actual);
        let same = match (
            serde_json::from_str::<Value>(&outward),
            serde_json::from_str::<Value>(&actual_text),
        ) {
            (Ok(expected), Ok(actual)) => expected == actual,
            _ => outward == actual_text,
        };
        if !same {
            self.output_differs(path, expected, actual);
        }
    }

    /// As many events as the model gives, each holding what the model's holds.
    fn trail(&mut self, actual: &[Value]) {
        let expected = &self.outcome.trail;
        if expected.len() != actual.len() {
            let kind = DisagreementKind::Trail;
            self.differ(kind, "trail", names_of(expected), names_of(actual));
            return;
        }
        for (index, (event, seen)) in expected.iter().zip(actual).enumerate() {
            self.event(&Path::Element(&Path::Start("trail"), index), event, seen);
        }
    }

    fn event_fits(&self, path: &Path<'_>, expected: &Value, actual: &Value) -> bool {
        let mut binding = self.binding.clone();
        let mut trial = Comparison {
            outcome: self.outcome,
            binding: &mut binding,
            found: Vec::new(),
        };
        trial.event(path, expected, actual);
        trial.found.is_empty()
    }

    /// The id of a grant that a service made for itself shows in the trail only: it is bound there.
    fn first_seen(&mut self, symbol: &str, value: &str) -> bool {
        self.binding.value_of(symbol).is_none() && self.binding.bind(symbol, value).is_ok()
    }

    fn event(&mut self, path: &Path<'_>, expected: &Value, actual: &Value) {
        match (expected, actual) {
            // A call without parameters has none, or an empty set of them.
            (Value::Object(members), Value::Null) | (Value::Null, Value::Object(members)) if members.is_empty() => {}
            (Value::Object(members), Value::Object(seen)) => {
                // Both sides give their members in much the same order, and comparing names takes less than hashing them.
                let mut ahead = seen.iter();
                for (name, member) in members {
                    let found = ahead.find_map(|(other, value)| (other == name).then_some(value));
                    let seen = found.or_else(|| {
                        ahead = seen.iter();
                        seen.get(name)
                    });
                    self.event(&Path::Member(path, name), member, seen.unwrap_or(&Value::Null));
                }
            }
            // The model names the keys a call touched; the trail may name its aliases too.
            (Value::Array(list), Value::Array(seen)) if path.last_name() == "resources" => {
                for (index, member) in list.iter().enumerate() {
                    let inner = Path::Element(path, index);
                    if !seen.iter().any(|value| self.event_fits(&inner, member, value)) {
                        self.differ(
                            DisagreementKind::Trail,
                            inner,
                            shown(member),
                            shown(&Value::from(seen.clone())),
                        );
                    }
                }
            }
            (Value::Array(list), Value::Array(seen)) if list.len() == seen.len() => {
                for (index, (member, value)) in list.iter().zip(seen).enumerate() {
                    self.event(&Path::Element(path, index), member, value);
                }
            }
            (Value::String(text), Value::String(value)) => {
                if let Some(outward) = self.outward(path, text)
                    && !self.same_text(&outward, value)
                    && !(path.last_name() == "grantId" && self.first_seen(text, value))
                {
                    let value = self.binding.inward_text(value).into_owned();
                    self.differ(DisagreementKind::Trail, path, text, value);
                }
            }
            _ if expected == actual => {}
            _ => {
                let actual = self.binding.inward_json(actual.clone());
                self.differ(DisagreementKind::Trail, path, shown(expected), shown(&actual));
            }
        }
    }
}

/// What stands before the id of a KMS key's ARN in a word, the id, and what stands behind it.
fn key_id_in(word: &str) -> Option<(&str, &str, &str)> {
    let start = word.find("arn:aws:kms:")?;
    let id_start = start + word[start..].find(":key/")? + ":key/".len();
    let length = word[id_start..]
        .find(|character: char| !(character.is_ascii_alphanumeric() || character == '-'))
        .unwrap_or(word.len() - id_start);
    let (before, rest) = word.split_at(id_start);
    let (id, after) = rest.split_at(length);
    (!id.is_empty()).then_some((before, id, after))
}

/// The symbol that the target chooses at a path, which the model writes `Grants.0.GrantId`.
fn fresh_at<'a>(outcome: &'a Outcome, path: &Path<'_>) -> Option<&'a str> {
    if outcome.fresh.is_empty() {
        return None;
    }
    let path = path.to_string();
    let dotted = || outcome.fresh.get(&path.replace('[', ".").replace(']', ""));
    outcome.fresh.get(&path).or_else(dotted).map(String::as_str)
}

fn is_unordered(path: &Path<'_>) -> bool {
    UNORDERED.contains(&path.last_name())
}

/// Whether a member holds a policy document. IAM's `Policy{Arn}` is a structure: it has no `Statement`.
fn is_document(path: &Path<'_>, value: &Value) -> bool {
    DOCUMENTS.contains(&path.last_name()) && (value.is_string() || value.get("Statement").is_some())
}

fn text_of(value: &Value) -> String {
    match value {
        Value::String(text) => text.clone(),
        other => other.to_string(),
    }
}

fn shown(value: &Value) -> String {
    match value {
        Value::Null => "nothing".to_owned(),
        Value::String(text) => text.clone(),
        other => other.to_string(),
    }
}

fn names_of(events: &[Value]) -> String {
    if events.is_empty() {
        return "no event".to_owned();
    }
    let names: Vec<String> = events
        .iter()
        .map(|event| {
            let member = |name: &str| event.get(name).and_then(Value::as_str);
            let name = member("eventName").unwrap_or("?");
            member("errorCode").map_or_else(|| name.to_owned(), |code| format!("{name} ({code})"))
        })
        .collect();
    names.join(", ")
}

fn or_none(text: &Option<String>) -> &str {
    text.as_deref().unwrap_or("none")
}

fn word(decision: Decision) -> &'static str {
    match decision {
        Decision::Allow => "allow",
        Decision::Deny => "deny",
        Decision::Error => "error",
    }
}

#[cfg(test)]
mod tests;
