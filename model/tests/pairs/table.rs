//! The table rule × outcome: how many answers name a rule, by what they came to. It is filled by the evaluator corpus and by variants
//! of its cases, and every empty cell must be listed, with a reason, in `unreachable.toml`.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::sync::LazyLock;

use countersign_model::case::{Case, EvaluatorCase, EvaluatorDecision, PolicyText};
use countersign_model::evaluate::case::{run, save};
use countersign_model::quirks::Quirks;
use serde::Deserialize;
use serde_json::{Value, json};

use super::side::named;
use super::{TODAY, cases_in, deciding_iam_rules, pairs};

/// The columns.
const OUTCOMES: [&str; 4] = ["allow", "explicit_deny", "implicit_deny", "refused"];

/// Cells that no answer can fill.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Unreachable {
    /// Whole groups of rules: by ids or by the start of an id.
    group: Vec<Group>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Group {
    /// Rule ids, or starts of ids that end in `-`.
    rules: Vec<String>,
    /// The columns that these rules never reach.
    outcomes: Vec<String>,
    /// Why.
    reason: String,
}

/// How many answers fill each cell.
#[derive(Debug, Default)]
pub(crate) struct Table {
    cells: BTreeMap<String, [usize; 4]>,
}

impl Table {
    /// Runs the corpus and its variants.
    pub(crate) fn of_corpus() -> Self {
        let mut table = Self::default();
        let mut iam_pairs = pairs();
        iam_pairs.retain(|id, _| id.starts_with("iam."));
        let worlds = cases_in("");
        let microcases = worlds
            .iter()
            .filter(|case| case.id.starts_with("iam.") && case.evaluate.is_none());
        for case in cases_in("evaluator")
            .iter()
            .chain(iam_pairs.values().flatten())
            .chain(microcases)
        {
            table.add(case);
        }
        table
    }

    fn add(&mut self, case: &Case) {
        let Some(evaluate) = &case.evaluate else {
            return self.add_world(case);
        };
        let as_of = case.as_of.unwrap_or(TODAY);
        let quirks = Quirks::from_overrides(&case.quirks).expect("the corpus names switches that exist");
        for variant in variants(evaluate) {
            let answers = run(&variant, &quirks, as_of).unwrap_or_else(|fault| panic!("{}: {fault}", case.id));
            for (request, answer) in variant.request.iter().chain(&variant.requests).zip(answers) {
                let column = match answer.decision() {
                    EvaluatorDecision::Allow => 0,
                    EvaluatorDecision::ExplicitDeny => 1,
                    EvaluatorDecision::ImplicitDeny | EvaluatorDecision::Deny => 2,
                    EvaluatorDecision::Error => 3,
                };
                self.count(named(&answer, &variant, request), column);
            }
        }
        for document in &evaluate.saves {
            let answer = save(document, as_of);
            let column = if answer.refusal.is_some() { 3 } else { 0 };
            self.count(answer.rules.iter().map(ToString::to_string).collect(), column);
        }
    }

    /// The checks that the steps of a world come to.
    fn add_world(&mut self, case: &Case) {
        use countersign_model::outcome::CheckDecision;
        let mut world =
            countersign_model::world::World::new(case).unwrap_or_else(|error| panic!("{}: {error}", case.id));
        for step in &case.steps {
            let outcome = world.apply(step).unwrap_or_else(|error| panic!("{}: {error}", case.id));
            for check in &outcome.checks {
                let column = match check.decision {
                    CheckDecision::Allow => 0,
                    CheckDecision::ExplicitDeny => 1,
                    CheckDecision::ImplicitDeny => 2,
                };
                self.count(check.all_rules().iter().map(ToString::to_string).collect(), column);
            }
        }
    }

    fn count(&mut self, rules: BTreeSet<String>, column: usize) {
        for id in rules {
            self.cells.entry(id).or_default()[column] += 1;
        }
    }

    /// Empty cells that nothing explains, and explanations of cells that are not empty.
    pub(crate) fn faults(&self) -> Vec<String> {
        let mut faults = Vec::new();
        for id in deciding_iam_rules() {
            let cells = self.cells.get(&id).copied().unwrap_or_default();
            for (outcome, count) in OUTCOMES.into_iter().zip(cells) {
                let explained = is_out_of_reach(&id, outcome);
                match (count, explained) {
                    (0, false) => faults.push(format!("{id}: no answer is {outcome}")),
                    (1.., true) => faults.push(format!(
                        "{id}: {outcome} is said to be out of reach, {count} answers are there"
                    )),
                    _ => {}
                }
            }
        }
        faults
    }
}

/// Whether nothing can fill a cell; the list is read once.
fn is_out_of_reach(id: &str, outcome: &str) -> bool {
    static LIST: LazyLock<Unreachable> = LazyLock::new(|| {
        let list: Unreachable = toml::from_str(include_str!("unreachable.toml")).expect("the list is TOML of its type");
        for group in &list.group {
            assert!(
                !group.reason.is_empty(),
                "{:?}: an empty cell has a reason",
                group.rules
            );
        }
        list
    });
    LIST.group.iter().any(|group| group.covers(id, outcome))
}

impl Group {
    fn covers(&self, id: &str, outcome: &str) -> bool {
        self.outcomes.iter().any(|known| known == outcome)
            && self
                .rules
                .iter()
                .any(|known| known == id || known.ends_with('-') && id.starts_with(known.as_str()))
    }
}

impl fmt::Display for Table {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{:<12}", "rule")?;
        OUTCOMES
            .iter()
            .try_for_each(|outcome| write!(formatter, "{outcome:>15}"))?;
        for id in deciding_iam_rules() {
            let cells = self.cells.get(&id).copied().unwrap_or_default();
            write!(formatter, "\n{id:<12}")?;
            for (outcome, count) in OUTCOMES.into_iter().zip(cells) {
                if count == 0 && is_out_of_reach(&id, outcome) {
                    write!(formatter, "{:>15}", "not applicable")?;
                } else {
                    write!(formatter, "{count:>15}")?;
                }
            }
        }
        Ok(())
    }
}

/// A case as it stands, and the same with one policy more: a Deny for everything on either side, a guardrail that is silent, an identity
/// policy that allows everything. Each moves the outcome and leaves what the case is about in its trace.
fn variants(case: &EvaluatorCase) -> Vec<EvaluatorCase> {
    let statement = |effect: &str| json!({"Effect": effect, "Action": "*", "Resource": "*"});
    let with_principal = |mut statement: Value| {
        statement["Principal"] = json!("*");
        statement
    };
    let policy = |statement: Value| match json!({"Version": "2012-10-17", "Statement": [statement]}) {
        Value::Object(document) => PolicyText::Document(document),
        _ => unreachable!("the text above is an object"),
    };
    let mut denied = case.clone();
    denied.policies.identity.push(policy(statement("Deny")));
    let mut denied_by_organization = case.clone();
    let everywhere = policy(with_principal(statement("Deny")));
    denied_by_organization.policies.resource_control.push(vec![everywhere]);
    let mut unguarded = case.clone();
    let elsewhere = json!({"Effect": "Allow", "Action": "countersign:*", "Resource": "*"});
    unguarded.policies.service_control.push(vec![policy(elsewhere.clone())]);
    let mut kept_out = case.clone();
    kept_out.policies.vpc_endpoint = Some(countersign_model::case::EvaluatorVpcEndpoint {
        kind: countersign_model::case::VpcEndpointKind::Interface,
        policy: policy(with_principal(elsewhere)),
    });
    let mut allowed = case.clone();
    allowed.policies.identity.push(policy(statement("Allow")));
    let mut open = allowed.clone();
    open.policies
        .resource
        .get_or_insert_with(|| policy(with_principal(statement("Allow"))));
    vec![
        case.clone(),
        denied,
        denied_by_organization,
        unguarded,
        kept_out,
        allowed,
        open,
    ]
}
