//! Gathers the disagreements of a run into findings: one for each deciding rule and kind of disagreement, with a count, the operations it
//! was seen on, and one shrunk exemplar that says which of its values could be anything. Saving and showing them is the caller's.
//!
//! Before shrinking, disagreements are told apart finely, by operation, so that few are lost behind others. Which rule decides is clear only
//! in the shrunk case: then those that are about the same become one.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicBool, Ordering};

use countersign_model::case::{Case, Step, StepKind};
use serde::{Deserialize, Serialize};

use crate::differential::{CaseReport, fingerprint, run_case, shrink};
use crate::evaluator;
use crate::findings;
use crate::report::FindingReport;
use crate::session::Phase;
use crate::target::Target;

/// Times the model alone may be asked about a smaller case for each time that a foreign target is.
const FREE_QUESTIONS: usize = 20;

/// Disagreements by what they look like before shrinking, each with its first exemplar.
#[derive(Debug, Default)]
pub struct Distinct {
    groups: BTreeMap<String, Group>,
}

#[derive(Debug)]
struct Group {
    seen: u64,
    order: (Phase, u64),
    case: Case,
    report: CaseReport,
}

/// How findings are made of groups.
#[derive(Debug, Clone, Copy)]
pub struct Effort {
    /// Groups that are shrunk, the first met first; the others are only counted.
    pub groups: usize,
    /// Times a case may be run again while it is shrunk.
    pub shrinking: usize,
    /// Times a shrunk case may be run again to see what it needs.
    pub needs: usize,
    /// Whether the target is another implementation: much may differ there, so the kinds that show most often come first, one of each name
    /// before a second one, and cases of the corpus are shrunk like random ones.
    pub stranger: bool,
}

/// The findings of a run.
#[derive(Debug, Default)]
pub struct Findings {
    /// Those that were shrunk, in the order in which they were met.
    pub shown: Vec<FindingReport>,
    /// How many more there are.
    pub hidden: usize,
}

/// A kind of disagreement before shrinking, as a shard of a run hands it on.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct GroupRecord {
    /// What the kind looks like.
    pub key: String,
    /// How many cases show it.
    pub seen: u64,
    /// The part of the run and the number of its first case.
    pub order: (Phase, u64),
    /// That case.
    pub case: Case,
}

impl Distinct {
    /// Every group, for other processes.
    pub fn groups(&self) -> impl Iterator<Item = GroupRecord> {
        self.groups.iter().map(|(key, group)| GroupRecord {
            key: key.clone(),
            seen: group.seen,
            order: group.order,
            case: group.case.clone(),
        })
    }

    /// Takes a group of another process, with what came of its case when it was run again.
    pub fn add_group(&mut self, record: GroupRecord, report: CaseReport) {
        let GroupRecord { key, seen, order, case } = record;
        let group = Group {
            seen,
            order,
            case,
            report,
        };
        match self.groups.get_mut(&key) {
            Some(known) => {
                known.seen += group.seen;
                if group.order < known.order {
                    let seen = known.seen;
                    *known = Group { seen, ..group };
                }
            }
            None => {
                self.groups.insert(key, group);
            }
        }
    }

    /// Takes what came of a case; nothing if model and target agree.
    pub fn add(&mut self, phase: Phase, number: u64, case: Case, report: CaseReport) {
        let Some(fingerprint) = fingerprint::of(&case, &report) else {
            return;
        };
        self.groups
            .entry(fingerprint)
            .and_modify(|group| group.seen += 1)
            .or_insert(Group {
                seen: 1,
                order: (phase, number),
                case,
                report,
            });
    }

    /// Kinds that look different before shrinking.
    pub fn len(&self) -> usize {
        self.groups.len()
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.groups.is_empty()
    }

    /// Shrinks an exemplar of each group and makes one finding of those that are about the same. `seed` is that of the random cases. A raised
    /// `interrupted` leaves exemplars as large as they are then.
    pub fn findings(self, effort: Effort, seed: u64, target: &mut dyn Target, interrupted: &AtomicBool) -> Findings {
        let mut groups: Vec<(String, Group)> = self.groups.into_iter().collect();
        groups.sort_by_key(|(_, group)| group.order);
        if effort.stranger {
            groups = most_telling_first(groups);
        }
        let hidden: Vec<(String, Group)> = groups.split_off(groups.len().min(effort.groups));
        let mut shown: Vec<FindingReport> = Vec::new();
        for (fingerprint, group) in groups {
            let finding = exemplar(fingerprint, group, effort, seed, target, interrupted);
            match shown.iter_mut().find(|known| known.fingerprint == finding.fingerprint) {
                Some(known) => merge(known, finding),
                None => shown.push(finding),
            }
        }
        let mut more: BTreeMap<String, ()> = BTreeMap::new();
        for (kind, group) in hidden {
            let name = fingerprint::finding(&group.case, &group.report).unwrap_or_default();
            // Before shrinking it is not clear which of several of one name it would be.
            let same = |known: &FindingReport| {
                known.fingerprint == name || (effort.stranger && known.fingerprint.starts_with(&format!("{name} ")))
            };
            match shown.iter_mut().find(|known| same(known)) {
                Some(known) => {
                    known.kinds.push(kind);
                    count(known, &group.case, &group.report, group.seen);
                }
                None => {
                    more.insert(name, ());
                }
            }
        }
        for finding in &mut shown {
            if !interrupted.load(Ordering::Relaxed) {
                finding.needs = needs(finding, effort.needs, target, interrupted);
            }
        }
        Findings {
            shown,
            hidden: more.len(),
        }
    }
}

/// The groups with the most cases first, one of each finding's name before the second of any: what is cut off says least.
fn most_telling_first(groups: Vec<(String, Group)>) -> Vec<(String, Group)> {
    let mut by_name: BTreeMap<String, Vec<(String, Group)>> = BTreeMap::new();
    for (key, group) in groups {
        let name = fingerprint::finding(&group.case, &group.report).unwrap_or_default();
        by_name.entry(name).or_default().push((key, group));
    }
    let mut ranked: Vec<(usize, (String, Group))> = Vec::new();
    for mut same in by_name.into_values() {
        // Stable: of equals the one met first.
        same.sort_by_key(|(_, group)| std::cmp::Reverse(group.seen));
        ranked.extend(same.into_iter().enumerate());
    }
    ranked.sort_by_key(|(rank, (_, group))| (*rank, std::cmp::Reverse(group.seen), group.order));
    ranked.into_iter().map(|(_, group)| group).collect()
}

/// The case as one that nobody has an opinion about.
fn without_expectations(case: &Case) -> Case {
    let mut case = case.clone();
    case.rules.clear();
    for step in &mut case.steps {
        match step {
            Step::Call(call) => (call.kind, call.expect) = (StepKind::Setup, None),
            Step::Invoke(invoke) => (invoke.kind, invoke.expect) = (StepKind::Setup, None),
            Step::Advance(_) | Step::Settle { .. } | Step::Arrange(_) => {}
        }
    }
    case
}

/// A finding of one group.
fn exemplar(
    fingerprint: String,
    group: Group,
    effort: Effort,
    seed: u64,
    target: &mut dyn Target,
    interrupted: &AtomicBool,
) -> FindingReport {
    let random = group.order.0 == Phase::Random;
    let steps_before = group.case.steps.len();
    let (mut case, mut report) = (group.case, group.report);
    let found_in = case.id.clone();
    let mut minimal = false;
    if random || effort.stranger {
        // What a person expected of a written case need not hold of a smaller one.
        if effort.stranger
            && !random
            && let bare = without_expectations(&case)
            && let Ok(again) = run_case(&bare, target)
            && fingerprint::of(&bare, &again).as_deref() == Some(fingerprint.as_str())
        {
            case = bare;
        }
        let mut asked = 0;
        // A smaller case differs from the smallest so far in one part.
        target.remember_worlds(true);
        let mut still_fails = |smaller: &Case| {
            if interrupted.load(Ordering::Relaxed) || !findings::loads(smaller) {
                return false;
            }
            if effort.stranger {
                if asked >= effort.shrinking || !fingerprint::is_possible(smaller, &fingerprint) {
                    return false;
                }
                asked += 1;
            }
            let fails = run_case(smaller, target)
                .is_ok_and(|report| fingerprint::of(smaller, &report).as_deref() == Some(fingerprint.as_str()));
            if fails {
                target.keep_world();
            }
            fails
        };
        // A question to the model alone costs next to nothing.
        let budget = if effort.stranger {
            effort.shrinking.saturating_mul(FREE_QUESTIONS)
        } else {
            effort.shrinking
        };
        let mut shrunk = if case.evaluate.is_some() {
            evaluator::shrink::shrink(&case, budget, &mut still_fails)
        } else {
            shrink::shrink(&case, budget, &mut still_fails)
        };
        shrunk.minimal &= !effort.stranger || asked < effort.shrinking;
        // What is reported was seen in a world that was built whole.
        target.remember_worlds(false);
        if let Ok(again) = run_case(&shrunk.case, target)
            && fingerprint::of(&shrunk.case, &again).as_deref() == Some(fingerprint.as_str())
        {
            case = shrunk.case;
            report = again;
            minimal = shrunk.minimal && !interrupted.load(Ordering::Relaxed);
        }
    }
    let mut finding = FindingReport {
        fingerprint: name(&case, &report, effort.stranger && minimal).unwrap_or_else(|| fingerprint.clone()),
        kinds: vec![fingerprint],
        seen: 0,
        seen_on: BTreeMap::new(),
        found_in,
        seed: random.then_some((seed, group.order.1)),
        steps_before,
        minimal,
        needs: Vec::new(),
        case: case.clone(),
        report: report.clone(),
    };
    count(&mut finding, &case, &report, group.seen);
    finding
}

/// The name of a finding; on a foreign target with its place.
fn name(case: &Case, report: &CaseReport, with_place: bool) -> Option<String> {
    let name = fingerprint::finding(case, report)?;
    Some(if with_place {
        format!("{name}{}", fingerprint::place(case, report))
    } else {
        name
    })
}

fn count(finding: &mut FindingReport, case: &Case, report: &CaseReport, seen: u64) {
    finding.seen += seen;
    if let Some(operation) = fingerprint::operation_of(case, report) {
        *finding.seen_on.entry(operation).or_default() += seen;
    }
}

/// Two that are about the same: both are counted, the smaller case is kept.
fn merge(known: &mut FindingReport, mut other: FindingReport) {
    let size = |finding: &FindingReport| {
        let text = serde_json::to_string(&finding.case).map_or(usize::MAX, |text| text.len());
        (!finding.minimal, finding.case.steps.len(), text)
    };
    if size(&other) < size(known) {
        std::mem::swap(known, &mut other);
    }
    known.seen += other.seen;
    known.kinds.extend(other.kinds);
    for (operation, seen) in other.seen_on {
        *known.seen_on.entry(operation).or_default() += seen;
    }
}

/// Which values of the exemplar could be anything: with which it stays the same finding.
fn needs(
    finding: &FindingReport,
    budget: usize,
    target: &mut dyn Target,
    interrupted: &AtomicBool,
) -> Vec<shrink::Part> {
    if !finding.minimal {
        // In a case that could be smaller most values could be anything.
        return Vec::new();
    }
    // All that is asked differs from this case in one value.
    target.remember_worlds(true);
    if budget > 0 && run_case(&finding.case, target).is_ok() {
        target.keep_world();
    }
    let parts = shrink::needs(&finding.case, budget, |other| {
        !interrupted.load(Ordering::Relaxed)
            && run_case(other, target).is_ok_and(|report| {
                let plain = fingerprint::finding(other, &report);
                plain.as_deref() == Some(finding.fingerprint.as_str())
                    || name(other, &report, true).as_deref() == Some(finding.fingerprint.as_str())
            })
    });
    target.remember_worlds(false);
    parts
}
