//! The cases of the scope, counted and numbered without being kept: by how many statements they have, then by caller and pair, then by
//! which statements stand where, then by condition, then by request.

use countersign_model::case::{
    Case, EvaluatorCase, EvaluatorGrant, EvaluatorPolicies, EvaluatorRequest, EvaluatorVpcEndpoint, PolicyText,
    VpcEndpointKind,
};

use super::vocabulary::{
    CALLERS, CONDITIONS, Caller, Effect, PAIRS, PLACES, Pair, Place, Statement, document, entry, requests, statements,
};
use crate::evaluator::generate::blank;

/// All cases of at most so many statements.
#[derive(Debug)]
pub struct Space {
    most_statements: usize,
    /// One for each caller and pair.
    groups: Vec<Group>,
    /// In the order of the numbers.
    units: Vec<Unit>,
    cases: u64,
}

/// What is the same for many cases.
#[derive(Debug)]
pub(super) struct Group {
    pub(super) caller: Caller,
    pub(super) pair: Pair,
    /// Requests of policies without a condition, and of those with one.
    pub(super) requests: [Vec<EvaluatorRequest>; 2],
    combinations: Vec<Combination>,
}

/// Which statements stand where.
#[derive(Debug, Clone, Default)]
pub(super) struct Combination {
    places: Vec<(Place, Vec<Statement>)>,
}

/// The cases of one combination: the unit of work.
#[derive(Debug, Clone, Copy)]
pub(super) struct Unit {
    pub(super) group: usize,
    pub(super) combination: usize,
    /// Number of its first case.
    pub(super) first: u64,
}

/// Policies of one combination with or without a condition.
pub(super) struct Policies {
    pub(super) policies: EvaluatorPolicies,
    pub(super) grants: Vec<EvaluatorGrant>,
    /// Whether requests differ in the condition key.
    pub(super) conditioned: bool,
}

impl Space {
    /// Counts the cases of at most so many statements; a grant, an empty list of session policies and an empty level of an organization
    /// count as one.
    pub fn of(most_statements: usize) -> Self {
        let mut groups = Vec::new();
        for pair in PAIRS {
            for caller in CALLERS {
                groups.push(Group {
                    caller: *caller,
                    pair: *pair,
                    requests: [requests(*caller, *pair, false), requests(*caller, *pair, true)],
                    combinations: combinations(*caller, *pair, most_statements),
                });
            }
        }
        let mut space = Self {
            most_statements,
            groups,
            units: Vec::new(),
            cases: 0,
        };
        for size in 0..=most_statements {
            for (group, of_group) in space.groups.iter().enumerate() {
                for (combination, which) in of_group.combinations.iter().enumerate() {
                    if which.size() == size {
                        space.units.push(Unit {
                            group,
                            combination,
                            first: space.cases,
                        });
                        space.cases += of_group.cases_of(which);
                    }
                }
            }
        }
        space
    }

    /// How many cases there are.
    pub fn cases(&self) -> u64 {
        self.cases
    }

    /// The bound in words.
    pub fn bound(&self) -> String {
        format!(
            "every case of at most {} statements, one of them with one of {} conditions: {} callers, {} kinds of resource, own or another \
             account, {} policy types",
            self.most_statements,
            CONDITIONS.len(),
            CALLERS.len(),
            PAIRS.len(),
            PLACES.len(),
        )
    }

    pub(super) fn units(&self) -> &[Unit] {
        &self.units
    }

    pub(super) fn group(&self, unit: Unit) -> &Group {
        &self.groups[unit.group]
    }

    /// The numbers of a unit's cases.
    #[cfg(test)]
    pub(super) fn numbers(&self, unit: Unit) -> std::ops::Range<u64> {
        let group = self.group(unit);
        unit.first..unit.first + group.cases_of(&group.combinations[unit.combination])
    }

    /// The policies of a unit, one after the other: without a condition, then with each on each statement.
    pub(super) fn policies(&self, unit: Unit) -> impl Iterator<Item = Policies> {
        let group = self.group(unit);
        let combination = &group.combinations[unit.combination];
        let conditioned = combination
            .conditioned()
            .flat_map(|at| (0..CONDITIONS.len()).map(move |which| Some((at, which))));
        std::iter::once(None)
            .chain(conditioned)
            .map(|condition| combination.write(group.caller, group.pair, condition))
    }

    /// One request under some policies as a Case.
    pub(super) fn case(&self, number: u64, request: &EvaluatorRequest, policies: &Policies) -> Case {
        let mut case = blank();
        case.id = format!("scope.{}.{number}", self.most_statements);
        case.evaluate = Some(EvaluatorCase {
            request: Some(request.clone()),
            policies: policies.policies.clone(),
            grants: policies.grants.clone(),
            ..EvaluatorCase::default()
        });
        case
    }
}

impl Group {
    fn cases_of(&self, combination: &Combination) -> u64 {
        let conditions = combination.conditioned().count() * CONDITIONS.len();
        (self.requests[0].len() + conditions * self.requests[1].len()) as u64
    }
}

impl Combination {
    fn size(&self) -> usize {
        self.places.iter().map(|(_, statements)| statements.len()).sum()
    }

    /// Place and number of each statement that can have a condition.
    fn conditioned(&self) -> impl Iterator<Item = (Place, usize)> {
        self.places.iter().flat_map(|(place, statements)| {
            statements
                .iter()
                .enumerate()
                .filter(|(_, statement)| statement.takes_a_condition(*place))
                .map(|(at, _)| (*place, at))
        })
    }

    fn write(&self, caller: Caller, pair: Pair, condition: Option<((Place, usize), usize)>) -> Policies {
        let mut policies = EvaluatorPolicies::default();
        let mut grants = Vec::new();
        for (place, statements) in &self.places {
            let here = condition
                .filter(|((at, _), _)| at == place)
                .map(|((_, statement), which)| (statement, which));
            let text = || PolicyText::Verbatim(document(*place, caller, pair, statements, here));
            let is_empty = statements.iter().any(|statement| statement.effect == Effect::Empty);
            match place {
                Place::Identity => policies.identity.push(text()),
                Place::Resource => policies.resource = Some(text()),
                Place::Boundary => policies.permissions_boundary = Some(text()),
                Place::Session if is_empty => policies.session = Some(Vec::new()),
                Place::Session => policies.session = Some(vec![text()]),
                Place::ServiceControl if is_empty => policies.service_control.push(Vec::new()),
                Place::ServiceControl => policies.service_control.push(vec![text()]),
                Place::ResourceControl => policies.resource_control.push(vec![text()]),
                Place::Endpoint => {
                    policies.vpc_endpoint = Some(EvaluatorVpcEndpoint {
                        kind: VpcEndpointKind::Interface,
                        policy: text(),
                    });
                }
                Place::Grant => grants.extend(statements.iter().map(|statement| EvaluatorGrant {
                    grantee_principal: entry(caller, statement.naming),
                    operations: vec!["Decrypt".to_owned()],
                    constraints: Default::default(),
                })),
            }
        }
        Policies {
            policies,
            grants,
            conditioned: condition.is_some(),
        }
    }
}

/// Every way to put at most so many statements in place. Statements of a document are a set: no order, none twice.
fn combinations(caller: Caller, pair: Pair, most: usize) -> Vec<Combination> {
    let mut all = vec![Combination::default()];
    for place in PLACES {
        let documents = documents(&statements(*place, caller, pair), most);
        let mut more = Vec::new();
        for combination in &all {
            for document in &documents {
                if combination.size() + document.len() <= most {
                    let mut with = combination.clone();
                    with.places.push((*place, document.clone()));
                    more.push(with);
                }
            }
        }
        all.append(&mut more);
    }
    all
}

/// Every non-empty set of statements of at most that size that makes one document.
fn documents(statements: &[Statement], most: usize) -> Vec<Vec<Statement>> {
    let mut sets: Vec<Vec<Statement>> = Vec::new();
    let mut start = 0;
    for size in 1..=most {
        let end = sets.len();
        for (position, statement) in statements.iter().enumerate() {
            if size == 1 {
                sets.push(vec![*statement]);
                continue;
            }
            if !statement.combines() {
                continue;
            }
            for at in start..end {
                let set = &sets[at];
                let last = set
                    .last()
                    .and_then(|last| statements.iter().position(|one| one == last));
                if set[0].combines() && last.is_some_and(|last| last < position) {
                    let mut larger = set.clone();
                    larger.push(*statement);
                    sets.push(larger);
                }
            }
        }
        start = end;
    }
    sets
}

#[cfg(test)]
mod tests {
    use super::Space;
    use serde_json::Value;
    use std::collections::BTreeSet;

    /// Renames accounts and names in the order in which they appear and sorts statements: what is left is what a case is about.
    fn canonical(case: &Value) -> String {
        let mut text = case.to_string();
        let mut renamed: Vec<String> = Vec::new();
        let mut at = 0;
        // Accounts are the only numbers of twelve digits.
        while let Some(found) = text[at..].find(|letter: char| letter.is_ascii_digit()) {
            let start = at + found;
            let digits = text[start..].chars().take_while(char::is_ascii_digit).count();
            let number = text[start..start + digits].to_owned();
            at = start + digits;
            if digits != 12 {
                continue;
            }
            let name = renamed.iter().position(|known| *known == number).unwrap_or_else(|| {
                renamed.push(number);
                renamed.len() - 1
            });
            text.replace_range(start..start + digits, &format!("{name:012}"));
        }
        for (kind, names) in [("user/", ["alice", "bob"])] {
            let mut order: Vec<(usize, &str)> = names
                .iter()
                .filter_map(|name| Some((text.find(&format!("{kind}{name}"))?, *name)))
                .collect();
            order.sort();
            for (number, (_, name)) in order.iter().enumerate() {
                text = text.replace(&format!("{kind}{name}"), &format!("{kind}#{number}"));
            }
        }
        let mut value: Value = serde_json::from_str(&text).expect("JSON stays JSON");
        sort_statements(&mut value);
        value.to_string()
    }

    fn sort_statements(value: &mut Value) {
        match value {
            Value::String(text) => {
                if let Ok(mut document) = serde_json::from_str::<Value>(text)
                    && document.is_object()
                {
                    if let Some(Value::Array(list)) = document.get_mut("Statement") {
                        list.sort_by_key(Value::to_string);
                    }
                    *text = document.to_string();
                }
            }
            Value::Array(items) => items.iter_mut().for_each(sort_statements),
            Value::Object(members) => members.values_mut().for_each(sort_statements),
            _ => {}
        }
    }

    #[test]
    fn every_number_is_a_case_of_its_own_after_renaming() {
        let space = Space::of(2);
        let mut seen = BTreeSet::new();
        let mut taken = 0;
        // All cases without a condition, and every 37th combination with all its conditions.
        for (position, unit) in space.units().iter().enumerate() {
            let sampled = position % 37 == 0;
            let mut number = unit.first;
            for policies in space.policies(*unit).take(if sampled { usize::MAX } else { 1 }) {
                for request in &space.group(*unit).requests[usize::from(policies.conditioned)] {
                    let case = space.case(number, request, &policies);
                    let value = serde_json::to_value(&case.evaluate).expect("a case is JSON");
                    let canonical = canonical(&value);
                    taken += 1;
                    number += 1;
                    assert!(
                        seen.insert(canonical.clone()),
                        "case {number} was there before: {canonical}"
                    );
                }
            }
            let end = space.numbers(*unit).end;
            assert!(
                number == end || !sampled,
                "unit {position} has {number} cases, not {end}"
            );
        }
        assert!(taken > 20_000, "only {taken} cases");
    }

    #[test]
    fn units_follow_each_other_without_gaps() {
        let space = Space::of(2);
        let mut next = 0;
        for unit in space.units() {
            let numbers = space.numbers(*unit);
            assert_eq!(numbers.start, next);
            next = numbers.end;
        }
        assert_eq!(next, space.cases());
        assert!(Space::of(3).cases() >= 10_000_000, "{}", Space::of(3).cases());
    }
}
