//! An explanation as text for a terminal. Whatever came from a file is escaped before it is shown.

use std::collections::BTreeSet;
use std::fmt::Write as _;

use countersign_model::case::Decision;
use countersign_model::outcome::{CheckDecision, Gate, GateVerdict, PolicySet};
use serde_json::Value;

use super::tree::{Edit, Operation, Segment};
use super::{ExplainedCheck, Explanation, Repairs, SourceFile};
use crate::report::plain;

/// Most statements shown for a gate; the rest are counted.
const SHOWN_STATEMENTS: usize = 4;
/// Longest fragment that stays on one line.
const ONE_LINE: usize = 140;
/// Longest text of parameters.
const SHOWN_PARAMETERS: usize = 400;

/// Writes an explanation. `source` is the file its places are in, and the position of the case in it.
pub fn render(explanation: &Explanation, source: Option<(&SourceFile, usize)>) -> String {
    let mut text = String::new();
    let out = &mut text;
    head(out, explanation);
    let file = source.map(|(file, _)| file);
    if let (Some(place), Some(file)) = (&explanation.unusable, file) {
        out.push_str(&file.show(place, "  "));
    }
    for (number, check) in explanation.checks.iter().enumerate() {
        out.push('\n');
        checked(out, number + 1, check, file);
    }
    rules(out, explanation);
    if let Some(repairs) = &explanation.repairs {
        out.push('\n');
        mended(out, repairs, explanation, source);
    }
    text
}

// Writing to a String cannot fail, which is why no result of `write!` is looked at below.

fn head(out: &mut String, explanation: &Explanation) {
    let _ = writeln!(out, "case      {}", plain(&explanation.case));
    if let Some(title) = &explanation.title {
        let _ = writeln!(out, "          {}", plain(title));
    }
    let _ = write!(out, "step      {}", plain(&explanation.name));
    if let Some(place) = &explanation.place {
        let _ = write!(out, "  ({}:{}:{})", plain(&place.file), place.line, place.column);
    }
    let request = &explanation.request;
    let _ = writeln!(out, "\ncaller    {}", plain(&explanation.caller));
    let _ = write!(out, "request   {}", plain(&request.action));
    if let Some(resource) = &request.resource {
        let _ = write!(out, " on {}", plain(resource));
    }
    if !request.with.is_null() {
        let _ = write!(
            out,
            "\n          {}",
            plain(&cut(&request.with.to_string(), SHOWN_PARAMETERS))
        );
    }
    let answer = &explanation.answer;
    let _ = write!(out, "\nanswer    {}", decision_word(answer.decision));
    if let Some(code) = &answer.code {
        let _ = write!(out, " · {}", plain(code));
    }
    if let Some(status) = answer.status {
        let _ = write!(out, " · {status}");
    }
    out.push('\n');
    if let Some(message) = &answer.message {
        let _ = writeln!(out, "message   {}", plain(message));
    }
}

fn decision_word(decision: Decision) -> &'static str {
    match decision {
        Decision::Allow => "allow",
        Decision::Deny => "deny",
        Decision::Error => "error, which is no matter of authorization",
    }
}

fn checked(out: &mut String, number: usize, explained: &ExplainedCheck, file: Option<&SourceFile>) {
    let check = &explained.check;
    let decision = match check.decision {
        CheckDecision::Allow => "allow",
        CheckDecision::ImplicitDeny => "implicit deny",
        CheckDecision::ExplicitDeny => "explicit deny",
    };
    let _ = write!(
        out,
        "check {number}   {} on {}: {decision}",
        check.action,
        plain(&check.resource)
    );
    if let Some(blamed) = check.blamed {
        let _ = write!(out, ", blamed on {}", words(blamed));
    }
    let _ = write!(out, "\n          for {}", plain(&check.caller));
    if let Some(via) = &check.via {
        let _ = write!(out, ", forwarded by {}", plain(via));
    }
    out.push('\n');
    let mut aside = Vec::new();
    for gate in &check.gates {
        if gate.verdict == GateVerdict::NotApplicable {
            aside.push(words(gate.set));
        } else {
            gated(out, gate, explained, file);
        }
    }
    if !aside.is_empty() {
        let _ = writeln!(out, "  (does not apply: {})", aside.join(", "));
    }
}

fn gated(out: &mut String, gate: &Gate, explained: &ExplainedCheck, file: Option<&SourceFile>) {
    let (verdict, effect) = match gate.verdict {
        GateVerdict::Allows => ("allow", "Allow"),
        GateVerdict::Denies => ("deny", "Deny"),
        _ => ("silent", ""),
    };
    let rules: Vec<&str> = gate.rules.iter().map(|rule| rule.as_str()).collect();
    let _ = writeln!(out, "  {}: {verdict}  [{}]", words(gate.set), rules.join(" "));
    // What decided; of a set that is silent, what came nearest.
    let statements: Vec<usize> = (0..explained.check.statements.len())
        .filter(|position| {
            let trace = &explained.check.statements[*position];
            let decided = trace.verdict == "applies" && trace.effect == effect;
            trace.set == gate.set && (decided || (effect.is_empty() && trace.effect == "Allow"))
        })
        .collect();
    for position in statements.iter().take(SHOWN_STATEMENTS) {
        let trace = &explained.check.statements[*position];
        let name = match &trace.sid {
            Some(sid) => format!("{} `{sid}`", trace.effect),
            None => format!("{} statement {}", trace.effect, trace.position),
        };
        let matched = trace
            .principal
            .as_ref()
            .map_or_else(String::new, |kind| format!(" (the principal matches as {kind})"));
        let rules: Vec<&str> = trace.rules.iter().map(|rule| rule.as_str()).collect();
        let policy = explained.policies.get(*position).map_or("", String::as_str);
        let line = format!(
            "    {name} of {policy}: {}{matched}  [{}]",
            trace.verdict,
            rules.join(" ")
        );
        let _ = writeln!(out, "{}", plain(&line).replace('\n', " "));
        if let (Some(Some(place)), Some(file)) = (explained.places.get(*position), file) {
            out.push_str(&file.show(place, "      "));
        }
    }
    if statements.len() > SHOWN_STATEMENTS {
        let _ = writeln!(out, "    … and {} more", statements.len() - SHOWN_STATEMENTS);
    }
}

/// The rules that decided the check that ended it, each with what it says; the others by their ids.
fn rules(out: &mut String, explanation: &Explanation) {
    let deciding: BTreeSet<&str> = match explanation.answer.failing() {
        Some(failing) => failing.rules.iter().map(|rule| rule.as_str()).collect(),
        None => explanation.answer.rules.iter().map(|rule| rule.as_str()).collect(),
    };
    if !deciding.is_empty() {
        out.push_str("\nrules that decided\n");
    }
    for id in &deciding {
        let statement = explanation.rules.get(*id).map_or("", String::as_str);
        let _ = writeln!(out, "  {id:<10} {}", plain(statement));
    }
    let others = explanation.answer.rules.iter().map(|rule| rule.as_str());
    let others: Vec<&str> = others.filter(|id| !deciding.contains(id)).collect();
    if !others.is_empty() {
        let _ = writeln!(out, "  besides    {}", others.join(" "));
    }
}

fn mended(out: &mut String, repairs: &Repairs, explanation: &Explanation, source: Option<(&SourceFile, usize)>) {
    if repairs.repairs.is_empty() {
        let why = if repairs.cut_short {
            "within the limits of the search"
        } else if explanation.answer.decision == Decision::Error {
            "by policies, grants or facts: something else stands in the way"
        } else {
            "by policies, grants or facts that the case can state"
        };
        let _ = writeln!(
            out,
            "no change was found that would allow it {why} ({} tried)",
            repairs.runs
        );
        return;
    }
    let _ = writeln!(
        out,
        "to allow it, smallest change first; each was put to the model ({} tried)",
        repairs.runs
    );
    for (number, repair) in repairs.repairs.iter().enumerate() {
        let values = if repair.size == 1 { "1 value" } else { "values" };
        let size = if repair.size == 1 {
            values.to_owned()
        } else {
            format!("{} {values}", repair.size)
        };
        let together = if repair.changes.len() == 1 {
            String::new()
        } else {
            format!(", {} changes together", repair.changes.len())
        };
        let then = repair.then.as_ref().map_or_else(String::new, |then| {
            format!("; it is no longer denied, the answer is then {}", plain(then))
        });
        let _ = writeln!(out, "\n{}. ({size}{together}{then})", number + 1);
        for change in &repair.changes {
            changed(out, change, source);
        }
    }
    if repairs.found > repairs.repairs.len() {
        let _ = writeln!(
            out,
            "\n{} more of the same number of changes",
            repairs.found - repairs.repairs.len()
        );
    }
}

fn changed(out: &mut String, change: &Edit, source: Option<(&SourceFile, usize)>) {
    let _ = writeln!(out, "   {}", plain(&change.words));
    let place = source
        .and_then(|(file, document)| file.find(document, &change.path))
        .map_or_else(String::new, |place| {
            format!("  ({}:{})", plain(&place.file), place.line)
        });
    // What is set is shown with its name, so that it can be pasted into the mapping above it.
    let (mut at, mut name) = (change.path.to_string(), None);
    if let (Operation::Set, Some((parent, Segment::Member(member)))) = (change.operation, change.path.split_last()) {
        at = parent.to_string();
        name = Some(member);
    }
    let (how, value) = match change.operation {
        Operation::Append => ("add to the list", &change.value),
        Operation::Insert => ("insert at", &change.value),
        Operation::Set => ("set in", &change.value),
        Operation::Remove => ("remove", &change.was),
    };
    let _ = writeln!(out, "   {how} {}{place}", plain(&at));
    if let Some(value) = value {
        let name = name.map_or_else(String::new, |name| format!("{}: ", Value::from(name.as_str())));
        for line in format!("{name}{}", fragment(value)).lines() {
            let _ = writeln!(out, "     {}", plain(line));
        }
    }
}

/// A value as a fragment that can be pasted into YAML and into JSON.
fn fragment(value: &Value) -> String {
    let line = value.to_string();
    if line.chars().count() <= ONE_LINE {
        return line;
    }
    // Alternate formatting of a value cannot fail.
    format!("{value:#}")
}

fn cut(text: &str, most: usize) -> String {
    if text.chars().count() <= most {
        return text.to_owned();
    }
    let mut short: String = text.chars().take(most - 1).collect();
    short.push('…');
    short
}

fn words(set: PolicySet) -> &'static str {
    match set {
        PolicySet::Identity => "identity policies",
        PolicySet::Resource => "resource's policy",
        PolicySet::Trust => "trust policy",
        PolicySet::PermissionsBoundary => "permissions boundary",
        PolicySet::Session => "session policy",
        PolicySet::ServiceControl => "service control policies",
        PolicySet::ResourceControl => "resource control policies",
        PolicySet::VpcEndpoint => "VPC endpoint's policy",
        PolicySet::Grant => "grants",
        PolicySet::PublicAccessBlock => "Block Public Access",
        PolicySet::Acl => "ACL",
    }
}
