//! Pairs of steps that differ in one fact and in the decision. A fact is the caller, one parameter, one fact of the network, the way
//! through an endpoint, the shape of the request; where the requests are equal, what came between them.

use countersign_model::case::{CallStep, Case, Decision, Step};
use countersign_model::outcome::Outcome;
use serde_json::Value;

/// How many later calls each call is held against: stories are shorter, and long rows of questions would be counted for ever.
const LATER: usize = 32;

/// The fact of each pair of a case, a step being in at most one pair with a later one.
pub(super) fn flipping_pairs(case: &Case, outcomes: &[Option<&Outcome>]) -> Vec<&'static str> {
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
fn difference(first: &CallStep, second: &CallStep) -> Option<&'static str> {
    let mut facts = Facts::default();
    facts.add("shape", usize::from(first.shape != second.shape))?;
    let way = first.through != second.through || first.region != second.region;
    facts.add("network", usize::from(way))?;
    facts.add("caller", usize::from(first.principal != second.principal))?;
    let parameters = members_that_differ(
        (first.with.iter(), &|name| parameter(first, name)),
        (second.with.iter(), &|name| parameter(second, name)),
    );
    facts.add("parameter", parameters)?;
    let network = members_that_differ(
        (first.context.iter(), &|name| first.context.get(name)),
        (second.context.iter(), &|name| second.context.get(name)),
    );
    facts.add("network", network)?;
    Some(facts.only.unwrap_or("what came between"))
}

/// A call has a handful of parameters: to look at them all is quicker than to hash a name.
fn parameter<'a>(call: &'a CallStep, name: &str) -> Option<&'a Value> {
    let mut given = call.with.iter();
    given.find(|(known, _)| *known == name).map(|(_, value)| value)
}

/// At most one fact.
#[derive(Default)]
struct Facts {
    only: Option<&'static str>,
}

impl Facts {
    /// Adds so many facts of a name; none where they are too many together.
    fn add(&mut self, name: &'static str, count: usize) -> Option<()> {
        match (count, self.only) {
            (0, _) => Some(()),
            (1, None) => {
                self.only = Some(name);
                Some(())
            }
            _ => None,
        }
    }
}

/// Members, and how to find one.
type Members<'a, I> = (I, &'a dyn Fn(&str) -> Option<&'a Value>);

/// How many members differ, up to two.
fn members_that_differ<'a, I, J>((first, in_first): Members<'a, I>, (second, in_second): Members<'a, J>) -> usize
where
    I: Iterator<Item = (&'a String, &'a Value)>,
    J: Iterator<Item = (&'a String, &'a Value)>,
{
    let changed = first.filter(|(name, value)| in_second(name) != Some(value)).map(|_| ());
    let added = second.filter(|(name, _)| in_first(name).is_none()).map(|_| ());
    changed.chain(added).take(2).count()
}
