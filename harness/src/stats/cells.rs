//! The table rule × outcome over random cases and the corpus: which cells random cases of either tier fill, which only the corpus does,
//! which nothing can, and which are left. Nothing here decides; the cells are `countersign_model::coverage`'s.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::num::NonZero;

use countersign_model::case::EvaluatorSave;
use countersign_model::case::load::{Syntax, load_all};
use countersign_model::coverage::{Column, Coverage};
use serde::Serialize;

use crate::corpus;
use crate::evaluator::documents::documents;
use crate::evaluator::{TODAY, generate};
use crate::policy_texts::KINDS;

/// Random cases of the evaluator tier for each random case with a world: they cost a hundredth.
pub(super) const EVALUATOR_CASES_EACH: u64 = 10;

/// The table, and what it says in all.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct Cells {
    /// Random cases with a world.
    pub world_cases: u64,
    /// Random cases of the evaluator tier.
    pub evaluator_cases: u64,
    /// Documents of the latter, each saved as every kind of policy.
    pub saved_documents: u64,
    /// Cases of the corpus.
    pub corpus_cases: u64,
    /// Deciding rules.
    pub rules: usize,
    /// Cells that something can fill.
    pub reachable: usize,
    /// Cells that random cases with a world fill.
    pub by_worlds: usize,
    /// Cells that random cases of the evaluator tier fill, or their documents when they are saved.
    pub by_evaluator: usize,
    /// Cells that random cases of either tier fill.
    pub by_random: usize,
    /// Cells that only the corpus fills: `RULE × OUTCOME`.
    pub corpus_only: Vec<String>,
    /// Cells that nothing can fill.
    pub out_of_reach: usize,
    /// The cells by rule and outcome.
    pub table: BTreeMap<String, BTreeMap<Column, CellCount>>,
}

/// How many decisions fill a cell.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
pub struct CellCount {
    /// Of random cases with a world.
    pub world: usize,
    /// Of random cases of the evaluator tier, and of saving their documents.
    pub evaluator: usize,
    /// Of the corpus.
    pub corpus: usize,
    /// Why nothing can fill it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub out_of_reach: Option<&'static str>,
}

/// The table with the cells that are not as they should be.
pub(super) struct Counted {
    pub(super) cells: Cells,
    /// Cells that can be filled and are not.
    pub(super) unreached: Vec<String>,
    /// Cells that are out of reach by the list, and are filled.
    pub(super) contradictions: Vec<String>,
}

/// Puts the table together from what random worlds came to, random cases of the evaluator tier under the same seed, and the corpus.
pub(super) fn cells(world_cases: u64, worlds: Coverage, seed: u64) -> Counted {
    let mut cells = Cells {
        world_cases,
        ..Cells::default()
    };
    let evaluator = evaluator_coverage(world_cases * EVALUATOR_CASES_EACH, seed, &mut cells);
    let corpus = corpus_coverage(&mut cells);
    let mut unreached = Vec::new();
    for ((world, evaluator), corpus) in worlds.rows().iter().zip(evaluator.rows()).zip(corpus.rows()) {
        cells.rules += 1;
        let counts = world.cells.iter().zip(evaluator.cells).zip(corpus.cells);
        let row: BTreeMap<Column, CellCount> = counts
            .map(|((world, evaluator), corpus)| {
                let count = CellCount {
                    world: world.decisions,
                    evaluator: evaluator.decisions,
                    corpus: corpus.decisions,
                    out_of_reach: world.unreachable,
                };
                (world.outcome, count)
            })
            .collect();
        for (outcome, count) in &row {
            cells.count(*count, || format!("{} × {outcome}", world.rule), &mut unreached);
        }
        cells.table.insert(world.rule.to_string(), row);
    }
    let mut all = worlds;
    all.merge(evaluator);
    all.merge(corpus);
    Counted {
        cells,
        unreached,
        contradictions: all.contradictions(),
    }
}

impl Cells {
    fn count(&mut self, count: CellCount, name: impl Fn() -> String, unreached: &mut Vec<String>) {
        let random = count.world + count.evaluator > 0;
        if count.out_of_reach.is_some() && !random && count.corpus == 0 {
            self.out_of_reach += 1;
            return;
        }
        self.reachable += 1;
        self.by_worlds += usize::from(count.world > 0);
        self.by_evaluator += usize::from(count.evaluator > 0);
        self.by_random += usize::from(random);
        match (random, count.corpus > 0) {
            (true, _) => {}
            (false, true) => self.corpus_only.push(name()),
            (false, false) => unreached.push(name()),
        }
    }

    /// The figures in lines for a terminal; the table itself is in the JSON form.
    pub(super) fn write(&self, out: &mut String) -> std::fmt::Result {
        writeln!(out, "\nrule × outcome")?;
        for (what, count) in [
            ("deciding rules", self.rules),
            ("cells within reach", self.reachable),
            ("  by random worlds", self.by_worlds),
            ("  by random evaluator", self.by_evaluator),
            ("  by either", self.by_random),
            ("  by the corpus only", self.corpus_only.len()),
            ("cells out of reach", self.out_of_reach),
        ] {
            writeln!(out, "  {what:<24}{count:>7}")?;
        }
        writeln!(
            out,
            "  of {} random worlds, {} random evaluator cases, {} documents as every kind of policy, {} cases of the corpus",
            self.world_cases, self.evaluator_cases, self.saved_documents, self.corpus_cases
        )?;
        if !self.corpus_only.is_empty() {
            writeln!(out, "  by the corpus only: {}", self.corpus_only.join(", "))?;
        }
        Ok(())
    }
}

/// What random cases of the evaluator tier come to, on every core: counts add up the same in any order.
fn evaluator_coverage(cases: u64, seed: u64, cells: &mut Cells) -> Coverage {
    let workers = std::thread::available_parallelism().map_or(1, NonZero::get) as u64;
    let parts: Vec<Part> = std::thread::scope(|scope| {
        let handles: Vec<_> = (0..workers)
            .map(|worker| scope.spawn(move || part(seed, (worker..cases).step_by(workers as usize))))
            .collect();
        handles.into_iter().filter_map(|handle| handle.join().ok()).collect()
    });
    let mut coverage = Coverage::default();
    for part in parts {
        coverage.merge(part.coverage);
        cells.evaluator_cases += part.cases;
        cells.saved_documents += part.documents;
    }
    coverage
}

/// What one thread counted.
#[derive(Debug, Default)]
struct Part {
    coverage: Coverage,
    cases: u64,
    documents: u64,
}

fn part(seed: u64, numbers: impl Iterator<Item = u64>) -> Part {
    let mut part = Part::default();
    for number in numbers {
        let Ok(mut case) = generate::from_seed(seed, number) else {
            continue;
        };
        // What the model does not take is no case and counts for nothing.
        if part.coverage.add(&case).is_err() {
            continue;
        }
        part.cases += 1;
        let as_of = case.as_of.unwrap_or(TODAY);
        let Some(evaluate) = &mut case.evaluate else { continue };
        for document in documents(&mut evaluate.policies) {
            part.documents += 1;
            for (kind, _) in KINDS {
                let save = EvaluatorSave {
                    kind: *kind,
                    document: document.clone(),
                    existing_principals: None,
                    expect: None,
                };
                part.coverage.add_save(&save, as_of);
            }
        }
    }
    part
}

fn corpus_coverage(cells: &mut Cells) -> Coverage {
    let mut coverage = Coverage::default();
    for (name, text) in corpus::FILES {
        // Tests see to it that every file is read; one that is not says nothing about rules.
        for case in load_all(name, text, Syntax::of_file(name)).unwrap_or_default() {
            cells.corpus_cases += u64::from(coverage.add(&case).is_ok());
        }
    }
    coverage
}
