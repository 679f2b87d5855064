//! Pairs of steps that differ in one fact and in the decision. A fact is the caller, one parameter, one fact of the network, the way
//! through an endpoint, the shape of the request; where the requests are equal, what came between them.

use countersign_model::case::{CallStep, Case, Decision, Step};
use countersign_model::outcome::Outcome;
use serde_json::Value;

/// How many later calls each call is held against: stories are shorter, and long rows of questions would be counted for ever.
const LATER: usize = 32;

/// The fact of each pair of a case, a step being in at most one pair with a later one.
pub(super) fn flipping_pairs(case: &Case, outcomes: &[Option<&Outcome>]) -> Vec<String> {
    let calls: Vec<(&CallStep, Decision)> = case
        .steps
        .iter()
        .zip(outcomes)
        .filter_map(|(step, outcome)| match (step, outcome) {
            (Step::Call(call), Some(outcome)) if outcome.decision != Decision::Error => {
                Some((&**call, outcome.decision))
            }
            _ => None,
        })
        .collect();
    let mut found = Vec::new();
    for (at, (first, decision)) in calls.iter().enumerate() {
        let flip = calls[at + 1..]
            .iter()
            .take(LATER)
            .filter(|(second, other)| second.call == first.call && other != decision)
            .find_map(|(second, _)| difference(first, second));
        found.extend(flip);
    }
    found
}

/// The only fact in which two calls of one operation differ; none where there are more.
fn difference(first: &CallStep, second: &CallStep) -> Option<String> {
    let mut facts: Vec<&'static str> = Vec::new();
    if first.principal != second.principal {
        facts.push("caller");
    }
    if first.shape != second.shape {
        facts.push("shape");
    }
    if first.through != second.through || first.region != second.region {
        facts.push("network");
    }
    let parameters = members_that_differ(
        (first.with.iter(), &|name| first.with.get(name)),
        (second.with.iter(), &|name| second.with.get(name)),
    );
    facts.extend((0..parameters).map(|_| "parameter"));
    let network = members_that_differ(
        (first.context.iter(), &|name| first.context.get(name)),
        (second.context.iter(), &|name| second.context.get(name)),
    );
    facts.extend((0..network).map(|_| "network"));
    match facts.as_slice() {
        [] => Some("what came between".to_owned()),
        [fact] => Some((*fact).to_owned()),
        _ => None,
    }
}

/// Members, and how to find one.
type Members<'a, I> = (I, &'a dyn Fn(&str) -> Option<&'a Value>);

fn members_that_differ<'a, I, J>((first, in_first): Members<'a, I>, (second, in_second): Members<'a, J>) -> usize
where
    I: Iterator<Item = (&'a String, &'a Value)>,
    J: Iterator<Item = (&'a String, &'a Value)>,
{
    let changed = first.filter(|(name, value)| in_second(name) != Some(value));
    let added = second.filter(|(name, _)| in_first(name).is_none());
    changed.count() + added.count()
}
