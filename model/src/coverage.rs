//! The table rule × outcome: how many decisions of a set of cases name each deciding rule, by what they came to, and which cells nothing
//! can fill (`unreachable.toml` beside `src/`). Nothing here decides; the cases are run as anywhere else.

use std::collections::{BTreeSet, HashMap};
use std::fmt;
use std::sync::LazyLock;

use jiff::civil::Date;
use serde::{Deserialize, Serialize};

use crate::case::{Case, Decision, EvaluatorCase, EvaluatorDecision, EvaluatorRequest, EvaluatorSave};
use crate::evaluate::case::{Answer, reading_rules, run, save};
use crate::outcome::{Check, CheckDecision, Outcome};
use crate::quirks::Quirks;
use crate::rule::{RuleId, Rules, catalogue};
use crate::world::{CURRENT_DATE, World};

/// What a decision comes to: the columns of the table.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Column {
    /// Allowed, or saved.
    Allow,
    /// A statement denies it.
    ExplicitDeny,
    /// Nothing allows it, or a gate does not.
    ImplicitDeny,
    /// Refused for another reason than permission: a document that cannot be used or saved, a state, a parameter, a thing that is not there.
    Refused,
}

impl Column {
    /// All, in the order of the table.
    pub const ALL: [Self; 4] = [Self::Allow, Self::ExplicitDeny, Self::ImplicitDeny, Self::Refused];

    fn of_answer(answer: &Answer) -> Self {
        match answer.decision() {
            EvaluatorDecision::Allow => Self::Allow,
            EvaluatorDecision::ExplicitDeny => Self::ExplicitDeny,
            EvaluatorDecision::ImplicitDeny | EvaluatorDecision::Deny => Self::ImplicitDeny,
            EvaluatorDecision::Error => Self::Refused,
        }
    }

    fn of_check(check: &Check) -> Self {
        match check.decision {
            CheckDecision::Allow => Self::Allow,
            CheckDecision::ExplicitDeny => Self::ExplicitDeny,
            CheckDecision::ImplicitDeny => Self::ImplicitDeny,
        }
    }

    /// A denial without a check that fails is a rule of its own, such as a block of public access: nothing denied it explicitly.
    fn of_step(outcome: &Outcome) -> Self {
        let explicit = |check: &Check| check.decision == CheckDecision::ExplicitDeny;
        match outcome.decision {
            Decision::Allow => Self::Allow,
            Decision::Deny if outcome.checks.last().is_some_and(explicit) => Self::ExplicitDeny,
            Decision::Deny => Self::ImplicitDeny,
            Decision::Error => Self::Refused,
        }
    }
}

impl fmt::Display for Column {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.pad(match self {
            Self::Allow => "allow",
            Self::ExplicitDeny => "explicit_deny",
            Self::ImplicitDeny => "implicit_deny",
            Self::Refused => "refused",
        })
    }
}

/// How many decisions name each rule.
#[derive(Debug, Clone, Default)]
pub struct Coverage {
    tallies: HashMap<RuleId, Tally>,
    /// Decisions counted so far.
    decisions: u64,
}

/// The cells of one rule.
#[derive(Debug, Clone, Default)]
struct Tally {
    counts: [usize; 4],
    /// The decision that counted last: it may name the rule many times, and counts once.
    last: u64,
}

/// One rule of the table.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Row {
    /// The rule.
    pub rule: RuleId,
    /// The cells, in the order of [`Column::ALL`].
    pub cells: [Cell; 4],
}

/// One cell of the table.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct Cell {
    /// What the decisions came to.
    pub outcome: Column,
    /// How many decisions name the rule and came to that.
    pub decisions: usize,
    /// Why none can; none for a cell that can be reached.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub unreachable: Option<&'static str>,
}

impl Cell {
    /// Empty, and nothing says that it has to be.
    pub fn is_gap(&self) -> bool {
        self.decisions == 0 && self.unreachable.is_none()
    }

    /// Filled, although it is said that nothing fills it.
    pub fn is_contradiction(&self) -> bool {
        self.decisions > 0 && self.unreachable.is_some()
    }
}

impl Coverage {
    /// Runs a case and counts its decisions: every request and save of an evaluator case, every check and every step of a world.
    /// A check counts by its own decision; a step counts by what it came to, for the rules beyond those of its checks.
    ///
    /// # Errors
    /// What is wrong with the case, in words.
    pub fn add(&mut self, case: &Case) -> Result<(), String> {
        match &case.evaluate {
            Some(evaluate) => self.add_evaluator(case, evaluate),
            None => self.add_world(case),
        }
    }

    /// Counts what came of a step of a world, as [`Coverage::add`] counts it: for who has run the case already.
    pub fn add_outcome(&mut self, outcome: &Outcome) {
        for check in &outcome.checks {
            self.count(check.every_rule(), Column::of_check(check));
        }
        self.count(&outcome.rules, Column::of_step(outcome));
    }

    /// Saves a document on a date and counts what comes of it.
    pub fn add_save(&mut self, document: &EvaluatorSave, as_of: Date) {
        let answer = save(document, as_of);
        let refused = answer.refusal.is_some();
        self.count(&answer.rules, if refused { Column::Refused } else { Column::Allow });
    }

    /// Adds what another table counted.
    pub fn merge(&mut self, other: Self) {
        for (id, theirs) in other.tallies {
            let mine = self.tallies.entry(id).or_default();
            for (mine, theirs) in mine.counts.iter_mut().zip(theirs.counts) {
                *mine += theirs;
            }
        }
    }

    /// Every deciding rule of the catalogue, in its order, also those that nothing names.
    pub fn rows(&self) -> Vec<Row> {
        let deciding = catalogue().values().filter(|rule| rule.is_deciding());
        deciding
            .map(|rule| {
                let counts = self.tallies.get(&rule.id).map(|tally| tally.counts).unwrap_or_default();
                let cell = |outcome: Column| Cell {
                    outcome,
                    decisions: counts[outcome as usize],
                    unreachable: unreachable(rule.id.as_str(), outcome),
                };
                Row {
                    rule: rule.id.clone(),
                    cells: Column::ALL.map(cell),
                }
            })
            .collect()
    }

    /// The cells that are filled, although the list of unreachable ones says that nothing fills them, as `RULE × OUTCOME`: there the list is
    /// wrong, or a trace names a rule that did not matter.
    pub fn contradictions(&self) -> Vec<String> {
        let rows = self.rows();
        let cells = rows
            .iter()
            .flat_map(|row| row.cells.iter().map(move |cell| (row, cell)));
        cells
            .filter(|(_, cell)| cell.is_contradiction())
            .map(|(row, cell)| format!("{} × {}", row.rule, cell.outcome))
            .collect()
    }

    fn add_evaluator(&mut self, case: &Case, evaluate: &EvaluatorCase) -> Result<(), String> {
        let as_of = case.as_of.unwrap_or(CURRENT_DATE);
        let quirks = Quirks::from_overrides(&case.quirks).map_err(|error| error.to_string())?;
        let answers = run(evaluate, &quirks, as_of).map_err(|error| error.to_string())?;
        let requests = evaluate.request.iter().chain(&evaluate.requests);
        for (request, answer) in requests.zip(&answers) {
            self.count(&rules_of_answer(answer, evaluate, request), Column::of_answer(answer));
        }
        for document in &evaluate.saves {
            self.add_save(document, as_of);
        }
        Ok(())
    }

    fn add_world(&mut self, case: &Case) -> Result<(), String> {
        let mut world = World::new(case).map_err(|error| error.to_string())?;
        for step in &case.steps {
            let outcome = world.apply(step).map_err(|error| error.to_string())?;
            self.add_outcome(&outcome);
        }
        Ok(())
    }

    /// One decision and the rules that it names, in any order and as often as it does.
    fn count<'a>(&mut self, rules: impl IntoIterator<Item = &'a RuleId>, column: Column) {
        self.decisions += 1;
        for id in rules {
            let tally = match self.tallies.get_mut(id) {
                Some(tally) => tally,
                None => self.tallies.entry(id.clone()).or_default(),
            };
            if tally.last != self.decisions {
                tally.last = self.decisions;
                tally.counts[column as usize] += 1;
            }
        }
    }
}

/// The rules an answer of the evaluator names: those of the decision, and those by which its documents were read.
pub fn rules_of_answer(answer: &Answer, case: &EvaluatorCase, request: &EvaluatorRequest) -> Rules {
    let mut rules = match answer {
        Answer::Decided(check) => check.all_rules(),
        Answer::Unusable { error, .. } => Rules::from([error.rule.clone()]),
    };
    rules.extend(reading_rules(case, request));
    rules
}

/// The table as text: a line a rule.
pub fn table(rows: &[Row]) -> String {
    let mut lines = vec![
        Column::ALL
            .iter()
            .fold(format!("{:<12}", "rule"), |line, column| format!("{line}{column:>15}")),
    ];
    lines.extend(rows.iter().map(|row| {
        row.cells
            .iter()
            .fold(format!("{:<12}", row.rule.as_str()), |line, cell| {
                if cell.decisions == 0 && cell.unreachable.is_some() {
                    format!("{line}{:>15}", "-")
                } else {
                    format!("{line}{:>15}", cell.decisions)
                }
            })
    }));
    lines.join("\n")
}

/// Why nothing can come to `outcome` under a rule; none where something can.
pub fn unreachable(rule: &str, outcome: Column) -> Option<&'static str> {
    UNREACHABLE
        .group
        .iter()
        .find(|group| group.covers(rule, outcome))
        .map(|group| group.reason.as_str())
}

/// Every cell of the list of unreachable ones that stands there twice or belongs to no deciding rule.
pub fn faults_of_unreachable() -> Vec<String> {
    let mut faults = Vec::new();
    let deciding = |id: &str| crate::rule::find(id).is_some_and(crate::rule::Rule::is_deciding);
    let mut seen = BTreeSet::new();
    for group in &UNREACHABLE.group {
        if group.reason.len() < 20 {
            faults.push(format!("{:?}: why?", group.rules));
        }
        for id in &group.rules {
            if !deciding(id) {
                faults.push(format!("{id} is no deciding rule"));
            }
            for outcome in &group.outcomes {
                if !seen.insert((id, outcome)) {
                    faults.push(format!("{id}, {outcome}: listed twice"));
                }
            }
        }
    }
    faults
}

/// Cells that no decision can fill.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Unreachable {
    group: Vec<Group>,
}

/// Rules that share the cells they leave empty, and the reason.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Group {
    rules: BTreeSet<String>,
    outcomes: BTreeSet<Column>,
    reason: String,
}

impl Group {
    fn covers(&self, rule: &str, outcome: Column) -> bool {
        self.outcomes.contains(&outcome) && self.rules.contains(rule)
    }
}

static UNREACHABLE: LazyLock<Unreachable> = LazyLock::new(|| {
    toml::from_str(include_str!("../unreachable.toml"))
        .expect("unreachable.toml is part of this crate and a test reads it")
});
