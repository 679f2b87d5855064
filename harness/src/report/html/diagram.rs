//! The decision path of a finding as an inline SVG picture: the gates in order, what each said, and where target and model parted. It is
//! drawn from top to bottom, so that it fits a phone, and says everything in words and signs, so that it needs no colour.

use countersign_model::case::Decision;
use countersign_model::outcome::{Check, Gate, GateVerdict};
use maud::{Markup, html};

use super::super::words::verdict;

const WIDTH: u32 = 340;
const STEP: u32 = 60;
const BOX: u32 = 36;

/// Draws a check of the model, and what the target answered instead.
pub(super) fn decision_path(check: &Check, expected: Decision, observed: Option<Decision>) -> Markup {
    let gates: Vec<&Gate> = check
        .gates
        .iter()
        .filter(|gate| gate.verdict != GateVerdict::NotApplicable)
        .collect();
    let ends = gates.len() as u32;
    let height = (ends + 1) * STEP + BOX + 8;
    let parted = parting(check, expected);
    let described = describe(check, &gates, expected, observed);
    html! {
        svg.path role="img" viewBox=(format!("0 0 {WIDTH} {height}")) width=(WIDTH) height=(height) aria-label=(described) {
            (node(0, "start", "●", check.action.as_str()))
            @for (position, gate) in gates.iter().enumerate() {
                @let row = position as u32 + 1;
                (arrow(row))
                (node(row, class(gate.verdict), sign(gate.verdict), &format!("{} {}", gate.set, verdict(gate.verdict))))
                @if parted == Some(position) {
                    text.parted x=(WIDTH - 6) y=(row * STEP - 3) text-anchor="end" { "here they part ▾" }
                }
            }
            @let row = ends + 1;
            (arrow(row))
            (half(row, 4, end_class(Some(expected)), &format!("model: {}", name(Some(expected)))))
            (half(row, WIDTH / 2 + 2, end_class(observed), &format!("target: {}", name(observed))))
        }
    }
}

/// The gate where the model stopped a call that the target let pass. Where the target stopped one that the model lets pass, nobody but
/// the target knows its gate.
fn parting(check: &Check, expected: Decision) -> Option<usize> {
    if expected == Decision::Allow {
        return None;
    }
    check
        .gates
        .iter()
        .filter(|gate| gate.verdict != GateVerdict::NotApplicable)
        .position(|gate| Some(gate.set) == check.blamed && gate.verdict != GateVerdict::Allows)
}

fn describe(check: &Check, gates: &[&Gate], expected: Decision, observed: Option<Decision>) -> String {
    let said: Vec<String> = gates
        .iter()
        .map(|gate| format!("{} {}", gate.set, verdict(gate.verdict)))
        .collect();
    format!(
        "{} on {}: {}; model: {}, target: {}",
        check.action,
        check.resource,
        said.join(", "),
        name(Some(expected)),
        name(observed)
    )
}

fn node(row: u32, class: &str, sign: &str, text: &str) -> Markup {
    let top = row * STEP + 4;
    html! {
        rect class=(class) x="4" y=(top) width=(WIDTH - 8) height=(BOX) rx="6" {}
        text x="16" y=(top + 23) { (sign) "  " (shortened(text)) }
    }
}

fn half(row: u32, left: u32, class: &str, text: &str) -> Markup {
    let top = row * STEP + 4;
    html! {
        rect class=(class) x=(left) y=(top) width=(WIDTH / 2 - 6) height=(BOX) rx="6" {}
        text x=(left + 10) y=(top + 23) { (text) }
    }
}

fn arrow(row: u32) -> Markup {
    let bottom = row * STEP + 4;
    html! {
        path.arrow d=(format!("M {x} {} L {x} {} M {} {y} L {x} {} L {} {y}", bottom - (STEP - BOX), bottom - 2, 22, bottom - 2, 34,
            x = 28, y = bottom - 8)) {}
    }
}

/// An action fits; a resource's long name need not.
fn shortened(text: &str) -> String {
    const MOST: usize = 42;
    if text.chars().count() <= MOST {
        return text.to_owned();
    }
    let start: String = text.chars().take(MOST - 1).collect();
    format!("{start}…")
}

fn sign(verdict: GateVerdict) -> &'static str {
    match verdict {
        GateVerdict::Allows => "✓",
        GateVerdict::Denies => "✗",
        GateVerdict::Silent => "–",
        GateVerdict::NotApplicable => "·",
    }
}

fn class(verdict: GateVerdict) -> &'static str {
    match verdict {
        GateVerdict::Allows => "allows",
        GateVerdict::Denies => "denies",
        GateVerdict::Silent | GateVerdict::NotApplicable => "silent",
    }
}

fn end_class(decision: Option<Decision>) -> &'static str {
    match decision {
        Some(Decision::Allow) => "allows",
        Some(Decision::Deny) => "denies",
        Some(Decision::Error) | None => "silent",
    }
}

fn name(decision: Option<Decision>) -> &'static str {
    match decision {
        Some(Decision::Allow) => "allow",
        Some(Decision::Deny) => "deny",
        Some(Decision::Error) => "error",
        None => "no answer",
    }
}
