//! Whether what happened is what a step expects. The same code judges the model's outcome and a target's: what a side cannot see,
//! it leaves out of the [`View`], and nothing is asserted about it.

use std::fmt;

use serde_json::Value;

use super::{BlamedExpect, CheckExpect, Decision, Expect, MessageExpect, OneOrMany};
use crate::name::Action;
use crate::outcome::{Check, Outcome};

/// What can be seen of a step. `None`: this side cannot see it.
#[derive(Debug, Clone, Default)]
pub struct View<'a> {
    /// allow | deny | error.
    pub decision: Option<Decision>,
    /// The error code; `Some(None)` when there is none.
    pub code: Option<Option<&'a str>>,
    /// HTTP status.
    pub status: Option<u16>,
    /// The error message; `Some(None)` when there is none.
    pub message: Option<Option<&'a str>>,
    /// The output; `Some(None)` when there is none.
    pub output: Option<Option<&'a Value>>,
    /// The CloudTrail events of the step.
    pub trail: Option<&'a [Value]>,
    /// The checks made.
    pub checks: Option<&'a [Check]>,
    /// The action that ended the call; `Some(None)` when none did.
    pub stops_at: Option<Option<&'a Action>>,
    /// Whether the state is as before.
    pub unchanged: Option<bool>,
}

impl<'a> From<&'a Outcome> for View<'a> {
    fn from(outcome: &'a Outcome) -> Self {
        Self {
            decision: Some(outcome.decision),
            code: Some(outcome.code.as_deref()),
            status: Some(outcome.status),
            message: Some(outcome.message.as_deref()),
            output: Some(outcome.output.as_ref()),
            trail: Some(&outcome.trail),
            checks: Some(&outcome.checks),
            stops_at: Some(outcome.stops_at.as_ref()),
            unchanged: Some(outcome.unchanged),
        }
    }
}

/// One thing that is not as expected.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Mismatch {
    /// Which part of the expectation: `decision`, `message`, `output.Grants.0.GrantId`.
    pub part: String,
    /// What was expected.
    pub expected: String,
    /// What is.
    pub actual: String,
}

impl fmt::Display for Mismatch {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            formatter,
            "{}: expected {}, got {}",
            self.part, self.expected, self.actual
        )
    }
}

/// Everything in which a view differs from an expectation. `resolve` replaces the `{{…}}` references of an expected text by the
/// values of the side that is judged (`World::resolve_text` for the model); a text it refuses is itself a mismatch.
pub fn expectation(
    expect: &Expect,
    view: &View<'_>,
    resolve: &dyn Fn(&str) -> Result<String, String>,
) -> Vec<Mismatch> {
    let mut judge = Judge {
        resolve,
        found: Vec::new(),
    };
    if let (Some(expected), Some(actual)) = (expect.decision, view.decision)
        && expected != actual
    {
        judge.differ("decision", word(expected), word(actual));
    }
    if let (Some(expected), Some(actual)) = (&expect.code, view.code) {
        judge.code(expected, actual);
    }
    if let (Some(expected), Some(actual)) = (expect.status, view.status)
        && expected != actual
    {
        judge.differ("status", expected, actual);
    }
    if let (Some(expected), Some(actual)) = (&expect.message, view.message) {
        judge.message(expected, actual);
    }
    if let (Some(expected), Some(actual)) = (&expect.checks, view.checks) {
        judge.checks(expected, actual);
    }
    if let (Some(expected), Some(actual)) = (&expect.stops_at, view.stops_at)
        && !actual.is_some_and(|actual| actual.as_str().eq_ignore_ascii_case(expected.as_str()))
    {
        judge.differ("stops_at", expected, actual.map_or("nothing", Action::as_str));
    }
    if let (Some(expected), Some(actual)) = (expect.unchanged, view.unchanged)
        && expected != actual
    {
        judge.differ("unchanged", expected, actual);
    }
    if let (Some(expected), Some(actual)) = (&expect.trail, view.trail) {
        judge.trail(expected, actual);
    }
    if let (Some(expected), Some(actual)) = (&expect.output, view.output) {
        judge.subset("output", expected, actual.unwrap_or(&Value::Null));
    }
    if let Some(Some(actual)) = view.output {
        for path in &expect.absent {
            if let Some(value) = value_at(actual, path) {
                judge.differ(&format!("output.{path}"), "nothing", value);
            }
        }
    }
    judge.found
}

/// The value at a dotted path; a number is a position in a list: `KeyMetadata.Arn`, `Grants.0.GrantId`.
pub fn value_at<'v>(value: &'v Value, path: &str) -> Option<&'v Value> {
    path.split('.').try_fold(value, |here, part| match here {
        Value::Array(entries) => entries.get(part.parse::<usize>().ok()?),
        _ => here.get(part),
    })
}

struct Judge<'r> {
    resolve: &'r dyn Fn(&str) -> Result<String, String>,
    found: Vec<Mismatch>,
}

impl Judge<'_> {
    fn differ(&mut self, part: &str, expected: impl fmt::Display, actual: impl fmt::Display) {
        self.found.push(Mismatch {
            part: part.to_owned(),
            expected: expected.to_string(),
            actual: actual.to_string(),
        });
    }

    /// The text with its references replaced; `None` after reporting that it cannot be.
    fn text(&mut self, part: &str, text: &str) -> Option<String> {
        match (self.resolve)(text) {
            Ok(resolved) => Some(resolved),
            Err(why) => {
                self.differ(part, format!("`{text}`"), why);
                None
            }
        }
    }

    fn code(&mut self, expected: &OneOrMany, actual: Option<&str>) {
        if !actual.is_some_and(|actual| expected.accepts(actual)) {
            let expected = match expected {
                OneOrMany::One(one) => one.clone(),
                OneOrMany::Many(many) => format!("one of {}", many.join(", ")),
            };
            self.differ("code", expected, actual.unwrap_or("no code"));
        }
    }

    fn message(&mut self, expected: &MessageExpect, actual: Option<&str>) {
        let folded = fold(actual.unwrap_or(""));
        let parts: Vec<(&str, &String)> = match expected {
            MessageExpect::Whole(whole) => vec![("whole", whole)],
            MessageExpect::Prefix { prefix } => vec![("prefix", prefix)],
            MessageExpect::Contains { contains } => contains.iter().map(|part| ("part", part)).collect(),
        };
        for (how, part) in parts {
            let Some(wanted) = self.text("message", part).map(|text| fold(&text)) else {
                continue;
            };
            let right = match how {
                "whole" => folded == wanted && actual.is_some(),
                "prefix" => folded.starts_with(&wanted),
                _ => folded.contains(&wanted),
            };
            if !right {
                let expected = if how == "whole" {
                    format!("`{wanted}`")
                } else {
                    format!("the {how} `{wanted}`")
                };
                self.differ(
                    "message",
                    expected,
                    actual.map_or("no message".to_owned(), |actual| format!("`{actual}`")),
                );
            }
        }
    }

    /// The expected checks are all that are made, in any order.
    fn checks(&mut self, expected: &[CheckExpect], actual: &[Check]) {
        let mut rest: Vec<&Check> = actual.iter().collect();
        for wanted in expected {
            let resource = match &wanted.resource {
                None => None,
                Some(text) => match self.text("checks.resource", text) {
                    Some(resolved) => Some(resolved),
                    None => continue,
                },
            };
            let fits = |check: &&Check| {
                check.action.as_str().eq_ignore_ascii_case(wanted.action.as_str())
                    && resource.as_ref().is_none_or(|resource| *resource == check.resource)
            };
            // Of several checks of one action, the one with the expected decision is meant.
            let best = rest
                .iter()
                .position(|check| fits(check) && check.decision == wanted.decision);
            let Some(position) = best.or_else(|| rest.iter().position(fits)) else {
                self.differ("checks", describe(wanted), list(actual));
                continue;
            };
            let check = rest.remove(position);
            if check.decision != wanted.decision {
                self.differ(
                    &format!("checks.{}", wanted.action),
                    name(&wanted.decision),
                    name(&check.decision),
                );
            }
            if let Some(blamed) = &wanted.blamed {
                let right = match blamed {
                    BlamedExpect::One(set) => check.blamed == Some(*set),
                    BlamedExpect::AnyOf { any_of } => check.blamed.is_some_and(|set| any_of.contains(&set)),
                };
                if !right {
                    let actual = check.blamed.map_or("nobody".to_owned(), |set| set.to_string());
                    self.differ(&format!("checks.{}.blamed", wanted.action), name(blamed), actual);
                }
            }
        }
        for check in rest {
            self.differ(
                "checks",
                "no further check",
                format!("{} on {}", check.action, check.resource),
            );
        }
    }

    /// As many events as expected, each holding what is expected at its place.
    fn trail(&mut self, expected: &[Value], actual: &[Value]) {
        if expected.len() != actual.len() {
            let names: Vec<&str> = actual
                .iter()
                .map(|event| event.get("eventName").and_then(Value::as_str).unwrap_or("?"))
                .collect();
            self.differ(
                "trail",
                format!("{} events", expected.len()),
                format!("{}: {}", actual.len(), names.join(", ")),
            );
        }
        for (position, (expected, actual)) in expected.iter().zip(actual).enumerate() {
            self.subset(&format!("trail.{position}"), expected, actual);
        }
    }

    /// Every expected member is there; lists have the same length and agree entry by entry.
    fn subset(&mut self, path: &str, expected: &Value, actual: &Value) {
        match (expected, actual) {
            (Value::Object(expected), Value::Object(actual)) => {
                for (name, value) in expected {
                    match actual.get(name) {
                        Some(there) => self.subset(&format!("{path}.{name}"), value, there),
                        None => self.differ(&format!("{path}.{name}"), value, "nothing"),
                    }
                }
            }
            (Value::Array(expected), Value::Array(actual)) if expected.len() == actual.len() => {
                for (position, (expected, actual)) in expected.iter().zip(actual).enumerate() {
                    self.subset(&format!("{path}.{position}"), expected, actual);
                }
            }
            // A policy document stands as a mapping in a Case and as a text in an output.
            (Value::Object(_), Value::String(text)) => match serde_json::from_str::<Value>(text) {
                Ok(document @ Value::Object(_)) => self.subset(path, expected, &document),
                _ => self.differ(path, expected, actual),
            },
            (Value::String(expected), actual) => {
                let Some(wanted) = self.text(path, expected) else {
                    return;
                };
                let same = match actual {
                    Value::String(text) => fold(text) == fold(&wanted),
                    _ => false,
                };
                if !same {
                    self.differ(path, format!("`{wanted}`"), actual);
                }
            }
            _ if expected == actual => {}
            _ => self.differ(path, expected, actual),
        }
    }
}

/// Runs of white space become one space: AWS breaks lines in some messages and some tools fold them.
fn fold(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

fn word(decision: Decision) -> &'static str {
    match decision {
        Decision::Allow => "allow",
        Decision::Deny => "deny",
        Decision::Error => "error",
    }
}

/// How a value is spelled in a Case.
fn name<T: serde::Serialize>(value: &T) -> String {
    match serde_json::to_value(value) {
        Ok(Value::String(text)) => text,
        Ok(other) => other.to_string(),
        Err(error) => error.to_string(),
    }
}

fn describe(check: &CheckExpect) -> String {
    let resource = check
        .resource
        .as_ref()
        .map(|resource| format!(" on {resource}"))
        .unwrap_or_default();
    format!("{} {}{resource}", name(&check.decision), check.action)
}

fn list(checks: &[Check]) -> String {
    if checks.is_empty() {
        return "no check".to_owned();
    }
    let texts: Vec<String> = checks
        .iter()
        .map(|check| format!("{} {} on {}", name(&check.decision), check.action, check.resource))
        .collect();
    texts.join("; ")
}
