//! The smallest sets of changes that make the model allow: breadth first over the candidates, level by level, so that nothing bigger
//! is tried while something smaller may do. Every set that comes out was put to the model.

use std::collections::BTreeSet;

use countersign_model::case::Decision;
use countersign_model::outcome::{Check, GateVerdict};
use serde::Serialize;
use serde_json::Value;

use super::candidate::candidates;
use super::subject::Run;
use super::tree::{Edit, Operation};

/// How far to look.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// Times the model may be asked.
    pub runs: usize,
    /// Most changes in a set.
    pub changes: usize,
    /// Most sets to give back.
    pub repairs: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            runs: 3_000,
            changes: 6,
            repairs: 6,
        }
    }
}

/// Changes that, made together, make the model allow; none of them can be left out.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Repair {
    /// How many single values the changes add, remove or replace.
    pub size: usize,
    /// The changes, each on the case as the ones before left it.
    pub changes: Vec<Edit>,
    /// The answer that comes then, where it is none of authorization: the object that is asked for is not there, the key is disabled, a
    /// dry run is all that was wanted.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub then: Option<String>,
}

/// What a dry run answers that would have succeeded (`svc:K-26`).
const DRY_RUN: &str = "DryRunOperationException";

impl Repair {
    fn new(changes: Vec<Edit>) -> Self {
        Self {
            size: changes.iter().map(Edit::size).sum(),
            changes,
            then: None,
        }
    }

    /// The case with all changes made; nothing if a place is not there.
    pub fn apply(&self, tree: &Value) -> Option<Value> {
        self.changes
            .iter()
            .try_fold(tree.clone(), |tree, change| change.apply(&tree))
    }

    fn identities(&self) -> BTreeSet<String> {
        self.changes.iter().map(Edit::identity).collect()
    }
}

/// What a search came to.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Repairs {
    /// The smallest first.
    pub repairs: Vec<Repair>,
    /// How many smallest sets there were before they were cut to the limit.
    pub found: usize,
    /// Times the model was asked.
    pub runs: usize,
    /// Whether the search ended because of its limits, not because it had looked everywhere.
    pub cut_short: bool,
}

/// A case on the way: what was changed, and what the model says now.
struct Node {
    changes: Vec<Edit>,
    run: Run,
}

/// Looks for the smallest changes of a denied run that make the model allow.
pub fn repairs(run: &Run, limits: Limits) -> Repairs {
    let mut search = Search {
        start: run,
        limits,
        runs: 0,
        seen: BTreeSet::new(),
        found: Vec::new(),
        beyond: Vec::new(),
    };
    let finished = search.breadth_first();
    let mut found = search.found;
    if found.is_empty() {
        let fewest = search.beyond.iter().map(|repair| repair.changes.len()).min();
        found = search.beyond;
        found.retain(|repair| Some(repair.changes.len()) == fewest);
    }
    found.sort_by_cached_key(|repair| {
        let text: usize = repair
            .changes
            .iter()
            .filter_map(|change| change.value.as_ref())
            .map(|value| value.to_string().len())
            .sum();
        (repair.changes.len(), repair.size, text)
    });
    let count = found.len();
    found.truncate(limits.repairs);
    Repairs {
        repairs: found,
        found: count,
        runs: search.runs,
        cut_short: !finished && count == 0,
    }
}

struct Search<'r> {
    start: &'r Run,
    limits: Limits,
    runs: usize,
    /// Sets of changes tried before, whatever their order.
    seen: BTreeSet<BTreeSet<String>>,
    /// What makes the model allow.
    found: Vec<Repair>,
    /// What makes authorization pass, and something else fail then.
    beyond: Vec<Repair>,
}

/// How far a changed case gets.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Reached {
    Denied,
    /// Authorization passes, something else fails.
    Beyond(String),
    /// It is allowed; a dry run says so by an error.
    Allowed(Option<String>),
}

impl Reached {
    /// A change of the request itself may make it malformed, which is no way past authorization.
    fn of(run: &Run, start: &Run, changes: &[Edit]) -> Self {
        let ruling = &run.ruling;
        let code = || {
            let code = ruling.code.clone().unwrap_or_default();
            let status = ruling.status.map_or_else(String::new, |status| format!(" {status}"));
            format!("{code}{status}").trim().to_owned()
        };
        let request = start.step_path();
        let touches_request = changes.iter().any(|change| {
            let request = request.as_ref().map(|path| path.segments());
            request.is_some_and(|request| {
                change.operation != Operation::Insert && change.path.segments().starts_with(request)
            })
        });
        match ruling.decision {
            Decision::Allow => Self::Allowed(None),
            Decision::Error if ruling.code.as_deref() == Some(DRY_RUN) => Self::Allowed(Some(code())),
            Decision::Error if start.ruling.decision == Decision::Deny && !touches_request && run.journey.is_some() => {
                Self::Beyond(code())
            }
            _ => Self::Denied,
        }
    }
}

impl Search<'_> {
    /// Whether everything within the levels was looked at.
    fn breadth_first(&mut self) -> bool {
        if self.start.ruling.decision == Decision::Allow {
            return true;
        }
        let mut level = vec![Node {
            changes: Vec::new(),
            run: self.start.clone(),
        }];
        for _ in 0..self.limits.changes {
            let mut next = Vec::new();
            for node in &level {
                if !self.expand(node, &mut next) {
                    return false;
                }
            }
            if !self.found.is_empty() || next.is_empty() {
                return true;
            }
            // Where the limits cut a level short, the cases that got furthest were tried.
            next.sort_by_key(|node: &Node| {
                let ruling = &node.run.ruling;
                let silent = |check: &Check| {
                    let gates = check.gates.iter();
                    gates.filter(|gate| gate.verdict == GateVerdict::Silent).count()
                };
                let failed = ruling
                    .failing()
                    .map_or((0, 0), |check| (check.failed.len(), silent(check)));
                (std::cmp::Reverse(ruling.checks.len()), failed)
            });
            level = next;
        }
        false
    }

    /// Tries every candidate on a case; `false` when the limit of runs was reached.
    fn expand(&mut self, node: &Node, next: &mut Vec<Node>) -> bool {
        for edit in candidates(&node.run) {
            let mut identities: BTreeSet<String> = node.changes.iter().map(Edit::identity).collect();
            if !identities.insert(edit.identity()) || !self.seen.insert(identities.clone()) {
                continue;
            }
            if self
                .found
                .iter()
                .any(|repair| repair.identities().is_subset(&identities))
            {
                continue;
            }
            if self.runs >= self.limits.runs {
                return false;
            }
            let Some(run) = self.ask(&node.run.tree, &edit) else {
                continue;
            };
            let mut changes = node.changes.clone();
            changes.push(edit);
            let reached = Reached::of(&run, self.start, &changes);
            if reached != Reached::Denied {
                self.keep(changes.clone(), &run, &reached);
            }
            // A change that the model does not even notice leads nowhere.
            if !matches!(reached, Reached::Allowed(_)) && run.ruling != node.run.ruling {
                next.push(Node { changes, run });
            }
        }
        true
    }

    fn ask(&mut self, tree: &Value, edit: &Edit) -> Option<Run> {
        let tree = edit.apply(tree)?;
        self.runs += 1;
        self.run_of(tree)
    }

    /// The run of a changed case. A step put in before the one asked about moves it by one.
    fn run_of(&self, tree: Value) -> Option<Run> {
        use super::Question;
        let steps = |tree: &Value| tree["steps"].as_array().map_or(0, Vec::len);
        let moved = steps(&tree).saturating_sub(steps(&self.start.tree));
        let question = match self.start.question {
            Question::Step(position) => Question::Step(position + moved),
            request => request,
        };
        Run::of_tree(tree, question).ok()
    }

    /// Keeps a set of changes that works, without those it does not need.
    fn keep(&mut self, mut changes: Vec<Edit>, run: &Run, reached: &Reached) {
        if !crate::findings::loads(&run.case) {
            return;
        }
        let mut place = 0;
        while changes.len() > 1 && place < changes.len() {
            let mut fewer = changes.clone();
            fewer.remove(place);
            self.runs += 1;
            let works = Repair::new(fewer.clone())
                .apply(&self.start.tree)
                .and_then(|tree| self.run_of(tree))
                .is_some_and(|run| {
                    Reached::of(&run, self.start, &fewer) == *reached && crate::findings::loads(&run.case)
                });
            if works {
                changes = fewer;
                place = 0;
            } else {
                place += 1;
            }
        }
        let mut repair = Repair::new(changes);
        let list = match reached {
            Reached::Allowed(then) => {
                repair.then.clone_from(then);
                &mut self.found
            }
            Reached::Beyond(then) => {
                repair.then = Some(then.clone());
                &mut self.beyond
            }
            Reached::Denied => return,
        };
        let identities = repair.identities();
        if !list.iter().any(|known| known.identities().is_subset(&identities)) {
            list.push(repair);
        }
    }
}
