//! Makes a failing case small: takes away whatever can go while a predicate still holds. The order is fixed, so the same case and
//! predicate give the same result. What "still fails" means is the caller's to say.
//!
//! A case is cut as the tree of members and list entries it is in a file: steps, accounts, identities, policies, statements, list
//! entries, conditions, grants, objects, organization units, parameters. What is left is 1-minimal: no single one of these removals
//! and simplifications can be made any more. `needs` then says which of the values left could be anything.

mod names;
mod needs;
mod references;
mod removals;
mod simplifications;
#[cfg(test)]
mod tests;
mod tree;

use std::collections::BTreeSet;

use countersign_model::case::{Case, Origin};
use serde_json::Value;

use names::renamed;
pub use needs::{Need, Part, needs};
use references::{named_things, without};
use removals::removals;
use simplifications::simplifications;
use tree::{remove, replace};

use crate::stats::stable_hash;

/// A shrunk case.
#[derive(Debug, Clone, PartialEq)]
pub struct Shrunk {
    /// The smallest case found.
    pub case: Case,
    /// How often the predicate was asked.
    pub evaluations: usize,
    /// Whether nothing more can be taken away: false when the budget ran out first.
    pub minimal: bool,
}

/// Shrinks a case as long as the predicate holds, asking it at most `budget` times. The predicate is not asked about the case itself.
///
/// A case that got smaller gets an id of its own, and its origin says what it was shrunk from.
pub fn shrink(case: &Case, budget: usize, still_fails: impl FnMut(&Case) -> bool) -> Shrunk {
    let Ok(tree) = serde_json::to_value(case) else {
        return Shrunk {
            case: case.clone(),
            evaluations: 0,
            minimal: false,
        };
    };
    let mut search = Search {
        best: tree,
        best_case: case.clone(),
        evaluations: 0,
        budget,
        refused: BTreeSet::new(),
        still_fails,
    };
    let minimal = search.run();
    let (evaluations, mut smaller) = (search.evaluations, search.best_case);
    if smaller != *case {
        smaller.id = format!("{}.shrunk", case.id);
        if let Some(Origin::Generated { shrunk_from, .. }) = &mut smaller.origin {
            *shrunk_from = Some(case.id.clone());
        }
    }
    Shrunk {
        case: smaller,
        evaluations,
        minimal,
    }
}

/// The case without one of its parts, for each part that may be taken away alone and leaves a case that can be read. No one of them still
/// fails if the case is 1-minimal.
pub fn single_removals(case: &Case) -> Vec<Case> {
    let Ok(tree) = serde_json::to_value(case) else {
        return Vec::new();
    };
    removals(&tree)
        .iter()
        .filter_map(|path| {
            let mut smaller = tree.clone();
            let removed = remove(&mut smaller, path);
            let smaller: Case = serde_json::from_value(smaller).ok()?;
            (removed && smaller != *case).then_some(smaller)
        })
        .collect()
}

struct Search<F> {
    best: Value,
    best_case: Case,
    evaluations: usize,
    budget: usize,
    /// Hashes of what did not fail any more: the last round, which finds nothing, asks nothing twice.
    refused: BTreeSet<u64>,
    still_fails: F,
}

impl<F: FnMut(&Case) -> bool> Search<F> {
    /// Whether the result is 1-minimal.
    fn run(&mut self) -> bool {
        loop {
            let before = self.best.clone();
            self.drop_steps();
            self.drop_with_references();
            self.drop_parts();
            self.simplify();
            self.shorten_names();
            if self.spent() {
                return false;
            }
            if self.best == before {
                return true;
            }
        }
    }

    fn spent(&self) -> bool {
        self.evaluations >= self.budget
    }

    /// Takes the candidate if it is a case and the predicate holds for it.
    fn accept(&mut self, candidate: Value) -> bool {
        // What is no case any more costs nothing to refuse.
        let Ok(case) = serde_json::from_value::<Case>(candidate.clone()) else {
            return false;
        };
        if case == self.best_case || self.spent() {
            return false;
        }
        let hash = stable_hash(&candidate);
        if self.refused.contains(&hash) {
            return false;
        }
        self.evaluations += 1;
        if (self.still_fails)(&case) {
            self.best = candidate;
            self.best_case = case;
            return true;
        }
        self.refused.insert(hash);
        false
    }

    /// Steps, in runs of halving length, from the back: what others depend on stands in front.
    fn drop_steps(&mut self) {
        let mut run = self.steps() / 2;
        while run > 1 {
            let mut end = self.steps();
            while end >= run && !self.spent() {
                let mut candidate = self.best.clone();
                if let Some(Value::Array(steps)) = candidate.get_mut("steps") {
                    steps.drain(end - run..end);
                }
                self.accept(candidate);
                end = (end - run).min(self.steps());
            }
            run /= 2;
        }
    }

    fn steps(&self) -> usize {
        self.best.get("steps").and_then(Value::as_array).map_or(0, Vec::len)
    }

    /// Every removal, larger parts before what is in them. After a success the parts are listed anew and the search goes on at the
    /// same position, where the next part stands now.
    fn drop_parts(&mut self) {
        let mut position = 0;
        let mut parts = removals(&self.best);
        while position < parts.len() && !self.spent() {
            let mut candidate = self.best.clone();
            if remove(&mut candidate, &parts[position]) && self.accept(candidate) {
                parts = removals(&self.best);
            } else {
                position += 1;
            }
        }
    }

    /// Named things together with the steps and statements that speak of them, and saved values with all their uses: neither could go
    /// alone.
    fn drop_with_references(&mut self) {
        let mut position = 0;
        let mut names = named_things(&self.best);
        while position < names.len() && !self.spent() {
            if self.accept(without(&self.best, &names[position])) {
                names = named_things(&self.best);
            } else {
                position += 1;
            }
        }
    }

    fn shorten_names(&mut self) {
        let mut position = 0;
        while let Some(candidate) = renamed(&self.best).into_iter().nth(position) {
            if self.spent() {
                break;
            }
            // After a success the names are listed anew: the one that is short now is not among them.
            position = if self.accept(candidate) { 0 } else { position + 1 };
        }
    }

    fn simplify(&mut self) {
        let mut position = 0;
        let mut rewrites = simplifications(&self.best);
        while position < rewrites.len() && !self.spent() {
            let (path, simple) = rewrites[position].clone();
            let mut candidate = self.best.clone();
            if replace(&mut candidate, &path, simple) && self.accept(candidate) {
                rewrites = simplifications(&self.best);
            } else {
                position += 1;
            }
        }
    }
}
