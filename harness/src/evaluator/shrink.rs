//! Makes an evaluator case smaller while something about it stays true. What must stay true is the caller's; nothing is decided here.
//!
//! The case is looked at as a JSON tree: members and items are left out, lists become their only item, texts become shorter, verbatim
//! policies become documents. Every candidate is read back as a Case before it is tried, so the result always loads.

use countersign_model::case::{Case, EvaluatorCase};
use serde_json::{Value, json};

pub use crate::differential::shrink::Shrunk;

/// A place in the tree.
type Path = Vec<Step>;

#[derive(Debug, Clone, PartialEq, Eq)]
enum Step {
    Member(String),
    Item(usize),
}

/// The smallest case found within `budget` trials for which `holds` is true. It must be true of the case itself.
///
/// The result is 1-minimal if the budget suffices: none of the single edits that are tried keeps `holds` true any more.
pub fn shrink(case: &Case, budget: usize, holds: impl FnMut(&Case) -> bool) -> Shrunk {
    let mut search = Search {
        best: case.clone(),
        left: budget,
        holds,
    };
    let minimal = search.run();
    Shrunk {
        case: search.best,
        evaluations: budget - search.left,
        minimal,
    }
}

/// The case without one of its parts, for each part that may go alone and leaves a case that can be read.
pub fn single_removals(case: &Case) -> Vec<Case> {
    let Some(tree) = tree_of(case) else { return Vec::new() };
    edits(&tree)
        .iter()
        .filter(|edit| matches!(edit, Edit::Remove(_)))
        .filter_map(|edit| read_back(case, edit.apply(&tree)?))
        .filter(|smaller| smaller != case)
        .collect()
}

/// The case after one of the edits that shrinking would try, chosen out of so many; none where it cannot be read any more.
pub(crate) fn edited(case: &Case, choose: impl FnOnce(usize) -> usize) -> Option<Case> {
    let tree = tree_of(case)?;
    let edits = edits(&tree);
    let edit = (!edits.is_empty())
        .then(|| choose(edits.len()))
        .and_then(|at| edits.get(at))?;
    read_back(case, edit.apply(&tree)?)
}

struct Search<F> {
    best: Case,
    left: usize,
    holds: F,
}

impl<F: FnMut(&Case) -> bool> Search<F> {
    /// Whether nothing more can be taken away.
    fn run(&mut self) -> bool {
        loop {
            let mut progress = false;
            if !self.best.quirks.is_empty() {
                let mut candidate = self.best.clone();
                candidate.quirks.clear();
                progress |= self.accept(candidate);
            }
            let mut at = 0;
            // Candidates are made anew after each success, from the place where the last one stood.
            loop {
                let Some(tree) = tree_of(&self.best) else { return true };
                let edits = edits(&tree);
                let Some((position, candidate)) = edits
                    .iter()
                    .enumerate()
                    .skip(at)
                    .find_map(|(position, edit)| Some((position, read_back(&self.best, edit.apply(&tree)?)?)))
                else {
                    break;
                };
                if self.accept(candidate) {
                    progress = true;
                    at = position;
                } else {
                    at = position + 1;
                }
                if self.left == 0 {
                    return false;
                }
            }
            if !progress {
                return true;
            }
        }
    }

    fn accept(&mut self, candidate: Case) -> bool {
        if self.left == 0 || weight(&candidate) >= weight(&self.best) {
            return false;
        }
        self.left -= 1;
        let better = (self.holds)(&candidate);
        if better {
            self.best = candidate;
        }
        better
    }
}

/// How much there is to read: what shrinking lowers.
fn weight(case: &Case) -> usize {
    let evaluate = tree_of(case).map_or(usize::MAX / 2, |tree| weigh(&tree));
    evaluate + case.quirks.len() * 4
}

fn weigh(value: &Value) -> usize {
    match value {
        Value::Null => 1,
        Value::Bool(_) | Value::Number(_) => 3,
        // A short common word is simpler than a long one; a wildcard alone says least.
        Value::String(text) if text == "*" => 2,
        Value::String(text) => 3 + text.len(),
        Value::Array(items) => 2 + items.iter().map(weigh).sum::<usize>(),
        Value::Object(members) => {
            2 + members
                .iter()
                .map(|(name, value)| 2 + name.len() / 8 + weigh(value))
                .sum::<usize>()
        }
    }
}

fn tree_of(case: &Case) -> Option<Value> {
    serde_json::to_value(case.evaluate.as_ref()?).ok()
}

fn read_back(case: &Case, tree: Value) -> Option<Case> {
    let evaluate: EvaluatorCase = serde_json::from_value(tree).ok()?;
    Some(Case {
        evaluate: Some(evaluate),
        ..case.clone()
    })
}

/// One change to the tree.
#[derive(Debug)]
enum Edit {
    Remove(Path),
    Replace(Path, Value),
}

impl Edit {
    fn apply(&self, tree: &Value) -> Option<Value> {
        let mut tree = tree.clone();
        match self {
            Self::Replace(path, value) => {
                *at_mut(&mut tree, path)? = value.clone();
            }
            Self::Remove(path) => {
                let (last, parent) = path.split_last()?;
                match (at_mut(&mut tree, parent)?, last) {
                    (Value::Object(members), Step::Member(name)) => {
                        members.remove(name)?;
                    }
                    (Value::Array(items), Step::Item(at)) if *at < items.len() => {
                        items.remove(*at);
                    }
                    _ => return None,
                }
            }
        }
        Some(tree)
    }
}

fn at_mut<'t>(tree: &'t mut Value, path: &[Step]) -> Option<&'t mut Value> {
    path.iter().try_fold(tree, |value, step| match (value, step) {
        (Value::Object(members), Step::Member(name)) => members.get_mut(name),
        (Value::Array(items), Step::Item(at)) => items.get_mut(*at),
        _ => None,
    })
}

/// Every edit worth trying, the coarsest first: places near the root hold most.
fn edits(tree: &Value) -> Vec<Edit> {
    let mut removals = Vec::new();
    let mut simpler = Vec::new();
    walk(tree, &mut Vec::new(), &mut removals, &mut simpler);
    removals.sort_by_key(Vec::len);
    removals
        .into_iter()
        .map(Edit::Remove)
        .chain(simpler.into_iter().map(|(path, value)| Edit::Replace(path, value)))
        .collect()
}

/// Members without which a document cannot be used, or says something else altogether.
const NEEDED: &[&str] = &[
    "Statement",
    "Effect",
    "Principal",
    "NotPrincipal",
    "Action",
    "NotAction",
    "Resource",
    "NotResource",
];

fn walk(value: &Value, path: &mut Path, removals: &mut Vec<Path>, simpler: &mut Vec<(Path, Value)>) {
    let needed = matches!(path.last(), Some(Step::Member(name)) if NEEDED.contains(&name.as_str()));
    // Without what it needs a document is unusable, which is another finding; the request's own members are needed anyway.
    let kept = needed && path.contains(&Step::Member("policies".to_owned()));
    if !path.is_empty() && !kept {
        removals.push(path.clone());
    }
    match value {
        Value::Object(members) => {
            let last = members.len() == 1
                && matches!(path.last(), Some(Step::Member(name)) if name == "Principal" || name == "NotPrincipal");
            for (name, member) in members {
                path.push(Step::Member(name.clone()));
                walk(member, path, removals, simpler);
                path.pop();
            }
            if last {
                // An empty map of principals is a case of its own.
                let depth = path.len() + 1;
                removals.retain(|removal| !(removal.len() == depth && removal.starts_with(path)));
            }
        }
        Value::Array(items) => {
            if let [only] = items.as_slice()
                && !only.is_null()
                // A set of one request value is not the same as the value.
                && !path.iter().any(|step| *step == Step::Member("context".to_owned()))
            {
                simpler.push((path.clone(), only.clone()));
            }
            let whole = removals.len();
            for (at, item) in items.iter().enumerate() {
                path.push(Step::Item(at));
                walk(item, path, removals, simpler);
                path.pop();
            }
            if items.len() == 1 && path.contains(&Step::Member("Statement".to_owned())) {
                // So is an empty list.
                let depth = path.len() + 1;
                let mut position = 0;
                removals.retain(|removal| {
                    position += 1;
                    position <= whole || removal.len() != depth
                });
            }
        }
        Value::String(text) => simplify(text, path, simpler),
        Value::Null | Value::Bool(_) | Value::Number(_) => {}
    }
}

/// Simpler texts in place of one. Nothing here makes a sound element unsound: that would be another finding.
fn simplify(text: &str, path: &Path, simpler: &mut Vec<(Path, Value)>) {
    if let Ok(document @ Value::Object(_)) = serde_json::from_str::<Value>(text) {
        simpler.push((path.clone(), document));
    }
    if text.len() > 4096 {
        return;
    }
    let under = |name: &str| path.iter().any(|step| *step == Step::Member(name.to_owned()));
    if path.contains(&Step::Member("policies".to_owned()))
        && !under("Effect")
        && !under("Version")
        && !under("Condition")
        && text != "*"
    {
        simpler.push((path.clone(), json!("*")));
    }
    if under("principal") && !under("service") {
        simpler.push((path.clone(), json!("arn:aws:iam::111111111111:user/alice")));
    }
    if under("resource_account") {
        simpler.push((path.clone(), json!("111111111111")));
    }
    // Halves and quarters of a verbatim text.
    if text.len() > 40 && text.is_ascii() && text.starts_with(['{', '[']) {
        for part in [2, 4, 8, 16] {
            let size = text.len() / part;
            for start in (0..text.len()).step_by(size.max(1)) {
                let end = (start + size).min(text.len());
                simpler.push((path.clone(), json!(format!("{}{}", &text[..start], &text[end..]))));
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::shrink;
    use crate::evaluator::generate;
    use crate::evaluator::{Evaluator, ModelEvaluator};
    use countersign_model::case::EvaluatorDecision;

    #[test]
    fn a_shrunk_case_is_smaller_and_still_true() {
        let mut denied = 0;
        for number in 0..60 {
            let Ok(case) = generate::from_seed(9, number) else {
                continue;
            };
            let explicit = |case: &countersign_model::case::Case| {
                ModelEvaluator
                    .answer(case)
                    .is_ok_and(|answers| answers[0].decision == EvaluatorDecision::ExplicitDeny)
            };
            if !explicit(&case) {
                continue;
            }
            denied += 1;
            let small = shrink(&case, 2_000, explicit).case;
            assert!(explicit(&small), "{number}");
            let length = |case| serde_json::to_string(case).map_or(0, |text| text.len());
            assert!(length(&small) <= length(&case), "{number}");
        }
        assert!(denied > 2, "only {denied} explicit denials in sixty cases");
    }
}
