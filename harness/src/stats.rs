//! How good generated cases are: how many differ, what they reach, how they come out. Everything is counted from cases and the
//! model's outcomes; no target is asked.

mod cells;
pub(crate) mod digest;
mod flips;
mod policies;
mod reach;
mod render;

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};

use countersign_model::case::{CallStep, Case, Decision, InvokeStep, Step};
use countersign_model::coverage::Coverage;
use countersign_model::outcome::Outcome;
use countersign_model::rule::RuleId;
use countersign_model::world::World;
use serde::Serialize;
use serde_json::Value;

use crate::generate;
pub use cells::{CellCount, Cells};
use digest::digest;
use policies::{is_trivial, layers_without_document, policies};

/// Runs the generator and the model over a number of cases and counts; for the table rule × outcome also over ten times as many cases of
/// the evaluator tier, and over the corpus.
pub fn collect(cases: u64, seed: u64) -> Stats {
    let mut builder = built(cases, seed, &generate::Settings::default());
    let worlds = std::mem::take(&mut builder.coverage);
    let mut stats = builder.finish();
    let counted = cells::cells(stats.cases, worlds, seed);
    stats.cells = Some(counted.cells);
    stats.unreached.cells = counted.unreached;
    stats.out_of_reach_yet_hit = counted.contradictions;
    stats
}

/// Counts cases with a world alone, with settings of the generator.
pub fn collect_worlds(cases: u64, seed: u64, settings: &generate::Settings) -> Stats {
    built(cases, seed, settings).finish()
}

fn built(cases: u64, seed: u64, settings: &generate::Settings) -> StatsBuilder {
    let mut builder = StatsBuilder::default();
    for number in 0..cases {
        let case = match generate::from_seed_with(seed, number, settings) {
            Ok(case) => case,
            Err(discard) => {
                builder.discard(discard.reason());
                continue;
            }
        };
        let outcomes = model_outcomes(&case);
        let outcomes: Vec<Option<&Outcome>> = outcomes.iter().map(Option::as_ref).collect();
        builder.add(&case, &outcomes);
    }
    builder
}

/// The model's outcomes of a case, step by step; none where the model cannot take the step.
pub fn model_outcomes(case: &Case) -> Vec<Option<Outcome>> {
    match World::new(case) {
        Ok(mut world) => case.steps.iter().map(|step| world.apply(step).ok()).collect(),
        Err(_) => vec![None; case.steps.len()],
    }
}

/// The figures.
#[derive(Debug, Clone, Default, PartialEq, Serialize)]
pub struct Stats {
    /// Cases made.
    pub cases: u64,
    /// Cases given up, by reason.
    pub discards: BTreeMap<String, u64>,
    /// Cases that differ in more than their names and origin.
    pub distinct_cases: u64,
    /// API calls.
    pub requests: u64,
    /// API calls that differ in caller, operation, parameters or network, over all cases together.
    pub distinct_requests: u64,
    /// Outcomes of all steps that ask something.
    pub decisions: Decisions,
    /// Cases with at least one allow and one deny.
    pub both_decisions: u64,
    /// Steps a case.
    pub steps_per_case: Spread,
    /// Policy documents in all cases.
    pub policies: u64,
    /// Documents that only say "everything is allowed".
    pub trivial_policies: u64,
    /// Policy documents a case.
    pub policies_per_case: Spread,
    /// Kinds of policy a case: identity, boundary, key policy, SCP….
    pub layers_per_case: Spread,
    /// Cases with each kind of policy.
    pub layers: BTreeMap<String, u64>,
    /// Outcomes by operation.
    pub operations: BTreeMap<String, Decisions>,
    /// Outcomes by rule named in their trace.
    pub rules: BTreeMap<String, Decisions>,
    /// Error codes.
    pub codes: BTreeMap<String, u64>,
    /// Calls by operation and shape of the request.
    pub shapes: BTreeMap<String, BTreeMap<String, u64>>,
    /// Pairs of steps in one case that differ in one fact and in the decision, by that fact.
    pub flipping_pairs: BTreeMap<String, u64>,
    /// Cases with at least one such pair.
    pub cases_with_flipping_pair: u64,
    /// The table rule × outcome over both tiers and the corpus; none of a run that only counts what it compares.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub cells: Option<Cells>,
    /// What was not reached.
    pub unreached: Unreached,
    /// Cells `RULE × OUTCOME` that the list of unreachable ones names, and that are filled all the same: the list or a trace is wrong.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub out_of_reach_yet_hit: Vec<String>,
}

/// What no case reached, by name.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct Unreached {
    /// Operations of the tables that no call was allowed to use.
    pub operations_without_allow: Vec<String>,
    /// Operations of the tables that no call was refused.
    pub operations_without_deny: Vec<String>,
    /// What is not to be expected, with the reason: `OPERATION` or `OPERATION × deny`.
    pub out_of_reach: BTreeMap<String, String>,
    /// Cells `RULE × OUTCOME` that can be filled, and that neither random cases nor the corpus fill.
    pub cells: Vec<String>,
}

/// Outcomes by decision.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
pub struct Decisions {
    /// The call succeeds.
    pub allow: u64,
    /// Authorization refuses it.
    pub deny: u64,
    /// Something else ends it.
    pub error: u64,
}

impl Decisions {
    /// All together.
    pub fn total(self) -> u64 {
        self.allow + self.deny + self.error
    }

    fn count(&mut self, decision: Decision) {
        match decision {
            Decision::Allow => self.allow += 1,
            Decision::Deny => self.deny += 1,
            Decision::Error => self.error += 1,
        }
    }
}

/// How a number is spread over the cases.
#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize)]
pub struct Spread {
    /// Least.
    pub least: u64,
    /// Half of the cases have at most this.
    pub median: u64,
    /// Most.
    pub most: u64,
    /// Arithmetic mean.
    pub mean: f64,
}

impl Spread {
    fn of(mut values: Vec<u64>) -> Self {
        values.sort_unstable();
        let (Some(least), Some(most)) = (values.first(), values.last()) else {
            return Self::default();
        };
        let sum: u64 = values.iter().sum();
        Self {
            least: *least,
            median: values[(values.len() - 1) / 2],
            most: *most,
            mean: ratio(sum, values.len() as u64),
        }
    }
}

impl Stats {
    /// Share of cases given up, from 0 to 1.
    pub fn discard_share(&self) -> f64 {
        let discards: u64 = self.discards.values().sum();
        ratio(discards, discards + self.cases)
    }

    /// Share of distinct requests, from 0 to 1.
    pub fn distinct_request_share(&self) -> f64 {
        ratio(self.distinct_requests, self.requests)
    }

    /// Share of allows among all outcomes, from 0 to 1.
    pub fn allow_share(&self) -> f64 {
        ratio(self.decisions.allow, self.decisions.total())
    }

    /// Share of trivial policies, from 0 to 1.
    pub fn trivial_share(&self) -> f64 {
        ratio(self.trivial_policies, self.policies)
    }
}

/// Counts case by case.
#[derive(Debug, Clone, Default)]
pub struct StatsBuilder {
    stats: Stats,
    cases: HashSet<Option<u64>>,
    requests: HashSet<Option<u64>>,
    steps_per_case: Vec<u64>,
    policies_per_case: Vec<u64>,
    layers_per_case: Vec<u64>,
    coverage: Coverage,
    /// By rule, with the number of the outcome that counted last: it may name the rule many times, and counts once.
    rules: HashMap<RuleId, (Decisions, u64)>,
}

impl StatsBuilder {
    /// Counts a case that was given up, under the name of its reason.
    pub fn discard(&mut self, reason: &str) {
        *self.stats.discards.entry(reason.to_owned()).or_default() += 1;
    }

    /// Counts a case with the model's outcomes, step by step; none where a step has none.
    pub fn add(&mut self, case: &Case, outcomes: &[Option<&Outcome>]) {
        self.stats.cases += 1;
        self.steps_per_case.push(case.steps.len() as u64);
        let mut in_case = Decisions::default();
        let mut step_digests = Vec::with_capacity(case.steps.len());
        for (step, outcome) in case.steps.iter().zip(outcomes) {
            if let Some(outcome) = outcome {
                self.coverage.add_outcome(outcome);
            }
            let request = match step {
                Step::Call(call) => request_digest(call),
                _ => None,
            };
            step_digests.push(step_digest(step, request));
            if let Step::Call(_) = step {
                self.stats.requests += 1;
                if self.requests.insert(request) {
                    self.stats.distinct_requests += 1;
                }
            }
            let operation = match step {
                Step::Call(call) => reach::operation_of(call),
                Step::Invoke(_) => "invoke",
                _ => continue,
            };
            if let Step::Call(call) = step {
                let shapes = counted(&mut self.stats.shapes, operation);
                *counted(shapes, reach::shape_name(call.shape)) += 1;
            }
            let Some(outcome) = outcome else { continue };
            in_case.count(outcome.decision);
            self.stats.decisions.count(outcome.decision);
            counted(&mut self.stats.operations, operation).count(outcome.decision);
            let number = self.stats.decisions.total();
            for rule in outcome.every_rule() {
                let (decisions, last) = match self.rules.get_mut(rule) {
                    Some(counted) => counted,
                    None => self.rules.entry(rule.clone()).or_default(),
                };
                if *last != number {
                    *last = number;
                    decisions.count(outcome.decision);
                }
            }
            if let Some(code) = &outcome.code {
                *self.stats.codes.entry(code.clone()).or_default() += 1;
            }
        }
        if self.cases.insert(case_digest(case, &step_digests)) {
            self.stats.distinct_cases += 1;
        }
        let flips = flips::flipping_pairs(case, outcomes);
        self.stats.cases_with_flipping_pair += u64::from(!flips.is_empty());
        for fact in flips {
            *counted(&mut self.stats.flipping_pairs, fact) += 1;
        }
        self.stats.both_decisions += u64::from(in_case.allow > 0 && in_case.deny > 0);
        let policies = policies(case);
        self.stats.policies += policies.len() as u64;
        self.stats.trivial_policies += policies.iter().filter(|(_, policy)| is_trivial(policy)).count() as u64;
        self.policies_per_case.push(policies.len() as u64);
        let mut layers: BTreeSet<&str> = policies.iter().map(|(layer, _)| *layer).collect();
        layers.extend(layers_without_document(case));
        self.layers_per_case.push(layers.len() as u64);
        for layer in layers {
            *counted(&mut self.stats.layers, layer) += 1;
        }
    }

    /// The figures.
    pub fn finish(self) -> Stats {
        Stats {
            unreached: reach::unreached(&self.stats.operations),
            out_of_reach_yet_hit: self.coverage.contradictions(),
            steps_per_case: Spread::of(self.steps_per_case),
            policies_per_case: Spread::of(self.policies_per_case),
            layers_per_case: Spread::of(self.layers_per_case),
            rules: self
                .rules
                .into_iter()
                .map(|(rule, (decisions, _))| (rule.to_string(), decisions))
                .collect(),
            ..self.stats
        }
    }
}

/// What is counted under a name, which is only copied when it is new.
fn counted<'a, T: Default>(counts: &'a mut BTreeMap<String, T>, name: &str) -> &'a mut T {
    if !counts.contains_key(name) {
        counts.insert(name.to_owned(), T::default());
    }
    counts.get_mut(name).expect("it was put there if it was missing")
}

/// A hash that is the same on every machine, with every release of Rust, and whatever the order of JSON members: FNV-1a.
pub fn stable_hash(value: &impl Serialize) -> u64 {
    let mut hash = 0xcbf2_9ce4_8422_2325;
    match serde_json::to_value(value) {
        Ok(value) => hash_value(&value, &mut hash),
        // What has no JSON form has no hash of its own.
        Err(_) => hash_bytes(b"unserializable", &mut hash),
    }
    hash
}

fn hash_value(value: &Value, hash: &mut u64) {
    match value {
        Value::Object(members) => {
            let sorted: BTreeMap<&String, &Value> = members.iter().collect();
            hash_bytes(b"{", hash);
            for (name, member) in sorted {
                hash_bytes(name.as_bytes(), hash);
                hash_bytes(b":", hash);
                hash_value(member, hash);
            }
            hash_bytes(b"}", hash);
        }
        Value::Array(items) => {
            hash_bytes(b"[", hash);
            for item in items {
                hash_value(item, hash);
                hash_bytes(b",", hash);
            }
            hash_bytes(b"]", hash);
        }
        scalar => hash_bytes(scalar.to_string().as_bytes(), hash),
    }
}

fn hash_bytes(bytes: &[u8], hash: &mut u64) {
    for byte in bytes {
        *hash ^= u64::from(*byte);
        *hash = hash.wrapping_mul(0x0000_0100_0000_01b3);
    }
}

/// What makes a case: all but its names and origin, with its steps digested already.
fn case_digest(case: &Case, steps: &[Option<u64>]) -> Option<u64> {
    digest(&(&case.world, steps, &case.as_of, &case.quirks, &case.evaluate))
}

/// What makes a step: all but its name, with the request of a call digested already.
fn step_digest(step: &Step, request: Option<u64>) -> Option<u64> {
    match step {
        Step::Call(call) => digest(&(request, &call.save, &call.expect)),
        Step::Advance(step) => digest(&("advance", &step.advance)),
        Step::Settle { .. } => digest(&"settle"),
        Step::Invoke(step) => {
            let InvokeStep {
                name: _,
                kind,
                function,
                account,
                cold,
                expect,
            } = &**step;
            digest(&("invoke", kind, function, account, cold, expect))
        }
        Step::Arrange(step) => digest(&("arrange", &step.arrange)),
    }
}

/// What makes a request: caller, operation, parameters, network.
fn request_digest(call: &CallStep) -> Option<u64> {
    let CallStep {
        name: _,
        kind,
        principal,
        call,
        with,
        region,
        through,
        shape,
        context,
        save: _,
        expect: _,
    } = call;
    digest(&(kind, principal, call, with, region, through, shape, context))
}

fn percent(part: u64, whole: u64) -> f64 {
    100.0 * ratio(part, whole)
}

#[expect(clippy::cast_precision_loss, reason = "counts stay far below 2^52")]
fn ratio(part: u64, whole: u64) -> f64 {
    if whole == 0 { 0.0 } else { part as f64 / whole as f64 }
}

#[cfg(test)]
mod tests {
    use super::{Spread, stable_hash};
    use serde_json::json;

    #[test]
    fn the_hash_knows_no_order_of_members_but_that_of_lists() {
        assert_eq!(
            stable_hash(&json!({"a": 1, "b": [1, 2]})),
            stable_hash(&json!({"b": [1, 2], "a": 1}))
        );
        assert_ne!(stable_hash(&json!([1, 2])), stable_hash(&json!([2, 1])));
        // Pinned: a change of the hash would change what is pinned by it.
        assert_eq!(stable_hash(&json!("")), 561_953_828_980_956_709);
    }

    #[test]
    fn a_spread_of_nothing_is_zero_and_of_something_is_exact() {
        assert_eq!(Spread::of(Vec::new()), Spread::default());
        assert_eq!(
            Spread::of(vec![4, 1, 1]),
            Spread {
                least: 1,
                median: 1,
                most: 4,
                mean: 2.0
            }
        );
    }
}
