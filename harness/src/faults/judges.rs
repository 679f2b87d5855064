//! The faults before judges that do not ask the model: what recorded and documented cases of the corpus expect of them, and the laws.
//! What these do not see, only the comparison of the two readings sees, and nothing where both are wrong together.
//!
//! The model takes part in world cases as a clerk: it keeps the names of values that the target chose. It is not asked what should come.

use std::fmt::Write as _;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use countersign_emulator::fault::{FaultEntry, FaultSet, take_came_by};
use countersign_model::case::{BlamedExpect, Case, EvaluatorDecision, EvaluatorExpect, EvaluatorSaveExpect, Evidence};
use serde::Serialize;

use super::MeasureError;
use super::measure::{Crew, Hands};
use crate::differential::requests;
use crate::evaluator::{Answer, EmulatorEvaluator, Evaluator as _, generate};
use crate::laws::{self, Law};

/// What to judge, and by what.
#[derive(Debug, Clone)]
pub struct Trial {
    /// The faults.
    pub faults: Vec<&'static FaultEntry>,
    /// The corpus; only its recorded and documented cases judge.
    pub corpus: Vec<Case>,
    /// Random cases held to the laws.
    pub law_cases: u64,
    /// Their seed.
    pub seed: u64,
    /// Number of threads.
    pub workers: usize,
}

impl Trial {
    /// The cases that judge.
    fn documents(&self) -> Vec<&Case> {
        self.corpus.iter().filter(|case| is_document(case)).collect()
    }

    /// How many steps the progress counts.
    pub fn steps(&self) -> u64 {
        self.documents().len() as u64 + self.law_cases
    }
}

/// Whether what a case expects was recorded from AWS or stands in its documentation.
pub(super) fn is_document(case: &Case) -> bool {
    matches!(case.evidence, Some(Evidence::Recorded | Evidence::Documented))
}

/// What the judges say of all faults.
#[derive(Debug, Clone, Serialize)]
pub struct Verdicts {
    /// Recorded and documented cases that judged.
    pub documents: usize,
    /// Those among them that the sound emulator does not meet, or that this build cannot run: they judge nothing.
    pub idle_documents: Vec<String>,
    /// Laws that judged.
    pub laws: usize,
    /// Random cases held to them.
    pub law_cases: u64,
    /// Whether the run was ended before its time.
    pub interrupted: bool,
    /// Faults that a judge caught.
    pub caught: usize,
    /// Each fault.
    pub faults: Vec<Verdict>,
}

/// What the judges say of one fault.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Verdict {
    /// The fault.
    pub id: String,
    /// The rule it breaks.
    pub rule: String,
    /// Whether any judge reached it.
    pub reached: bool,
    /// The first recorded or documented case whose expectation it breaks.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub document: Option<String>,
    /// The law it breaks first.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub law: Option<BrokenLaw>,
}

/// A law that a fault breaks.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct BrokenLaw {
    /// The law's name.
    pub id: String,
    /// The number of random cases up to and with the one that shows it.
    pub after: u64,
}

impl Verdict {
    /// Whether a judge caught the fault.
    pub fn caught(&self) -> bool {
        self.document.is_some() || self.law.is_some()
    }
}

/// Puts every fault before the judges.
///
/// # Errors
/// [`MeasureError`].
pub fn judge(
    trial: &Trial,
    interrupted: &AtomicBool,
    progress: &(dyn Fn(u64) + Sync),
) -> Result<Verdicts, MeasureError> {
    let documents = trial.documents();
    let laws = laws::all();
    let board = Board::new(trial.faults.len(), documents.len());
    let crew = Crew::new(interrupted);
    let next = AtomicU64::new(0);
    crew.run(trial.workers, |hands| {
        while !crew.stopped() {
            let at = next.fetch_add(1, Ordering::Relaxed);
            match usize::try_from(at).ok().and_then(|at| documents.get(at)) {
                Some(document) => before_document(trial, at, document, &board, hands)?,
                None if at < trial.steps() => before_laws(trial, at - documents.len() as u64, &laws, &board),
                None => break,
            }
            progress(1);
        }
        Ok(())
    })?;
    let faults: Vec<Verdict> = trial
        .faults
        .iter()
        .zip(&board.marks)
        .map(|(entry, marks)| Verdict {
            id: entry.id.to_owned(),
            rule: entry.rule.to_owned(),
            reached: marks.reached.load(Ordering::Relaxed),
            document: place(&marks.document).and_then(|at| Some(documents.get(at)?.id.clone())),
            law: place(&marks.law).and_then(|at| {
                Some(BrokenLaw {
                    id: laws.get(at % laws.len())?.id.to_owned(),
                    after: (at / laws.len()) as u64 + 1,
                })
            }),
        })
        .collect();
    Ok(Verdicts {
        documents: documents.len(),
        idle_documents: documents
            .iter()
            .zip(&board.idle)
            .filter(|(_, idle)| idle.load(Ordering::Relaxed))
            .map(|(document, _)| document.id.clone())
            .collect(),
        laws: laws.len(),
        law_cases: trial.law_cases,
        interrupted: interrupted.load(Ordering::Relaxed),
        caught: faults.iter().filter(|verdict| verdict.caught()).count(),
        faults,
    })
}

/// What was seen so far: the first place of each kind, so that the number of threads does not matter.
struct Board {
    marks: Vec<Marks>,
    idle: Vec<AtomicBool>,
}

struct Marks {
    reached: AtomicBool,
    document: AtomicU64,
    law: AtomicU64,
}

fn place(mark: &AtomicU64) -> Option<usize> {
    let place = mark.load(Ordering::Relaxed);
    usize::try_from(place).ok().filter(|_| place != u64::MAX)
}

impl Board {
    fn new(faults: usize, documents: usize) -> Self {
        let marks = (0..faults).map(|_| Marks {
            reached: AtomicBool::new(false),
            document: AtomicU64::new(u64::MAX),
            law: AtomicU64::new(u64::MAX),
        });
        Self {
            marks: marks.collect(),
            idle: (0..documents).map(|_| AtomicBool::new(false)).collect(),
        }
    }

    /// The faults among those come by that no earlier place caught.
    fn wanted<'t>(
        &'t self,
        trial: &'t Trial,
        came_by: FaultSet,
        at: u64,
        which: fn(&Marks) -> &AtomicU64,
    ) -> impl Iterator<Item = (&'static FaultEntry, &'t AtomicU64)> {
        trial
            .faults
            .iter()
            .zip(&self.marks)
            .filter(move |(entry, _)| came_by.contains(entry.fault))
            .map(move |(entry, marks)| {
                marks.reached.store(true, Ordering::Relaxed);
                (*entry, which(marks))
            })
            .filter(move |(_, mark)| mark.load(Ordering::Relaxed) > at)
    }
}

fn before_document(
    trial: &Trial,
    at: u64,
    document: &Case,
    board: &Board,
    hands: &mut Hands,
) -> Result<(), MeasureError> {
    let wanted = |came_by| board.wanted(trial, came_by, at, |marks| &marks.document);
    take_came_by();
    if document.evaluate.is_some() {
        let sound = meets(document, FaultSet::EMPTY.watched());
        let came_by = take_came_by();
        if !sound {
            mark_idle(board, at);
            return Ok(());
        }
        for (entry, mark) in wanted(came_by) {
            if !meets(document, FaultSet::EMPTY.with(entry.fault)) {
                mark.fetch_min(at, Ordering::Relaxed);
            }
        }
        return Ok(());
    }
    #[cfg(feature = "wire")]
    {
        let (sound, came_by) = hands.worlds.soundly(document)?;
        if !super::world::meets(&sound) {
            mark_idle(board, at);
            return Ok(());
        }
        for (entry, mark) in wanted(came_by) {
            if !super::world::meets(&hands.worlds.with(entry.id, document)?) {
                mark.fetch_min(at, Ordering::Relaxed);
            }
        }
    }
    #[cfg(not(feature = "wire"))]
    {
        let _ = (hands, wanted);
        mark_idle(board, at);
    }
    Ok(())
}

fn mark_idle(board: &Board, at: u64) {
    if let Some(idle) = usize::try_from(at).ok().and_then(|at| board.idle.get(at)) {
        idle.store(true, Ordering::Relaxed);
    }
}

/// Whether the authorizer with these faults does all that an evaluator case expects.
fn meets(case: &Case, faults: FaultSet) -> bool {
    let Some(evaluate) = &case.evaluate else { return false };
    let mut emulator = EmulatorEvaluator { faults };
    let asked = evaluate.request.is_some() || !evaluate.requests.is_empty();
    if asked {
        let Ok(answers) = emulator.answer(case) else {
            return false;
        };
        let expects = requests(evaluate).map(|request| request.expect.as_ref().or(case.expect.as_ref()));
        let holds = |(expect, answer): (Option<&EvaluatorExpect>, &Answer)| {
            expect.is_none_or(|expect| answers_to(expect, answer))
        };
        if !expects.zip(&answers).all(holds) {
            return false;
        }
    }
    if evaluate.saves.is_empty() {
        return asked;
    }
    let Ok(refusals) = emulator.refusals(case) else {
        return false;
    };
    evaluate.saves.iter().zip(&refusals).all(|(save, refusal)| {
        save.expect
            .as_ref()
            .is_none_or(|expect| saved_as(expect, refusal.as_deref()))
    })
}

fn answers_to(expect: &EvaluatorExpect, answer: &Answer) -> bool {
    use EvaluatorDecision::{Deny, ExplicitDeny, ImplicitDeny};
    let denial = matches!(answer.decision, Deny | ImplicitDeny | ExplicitDeny);
    let decided = expect.decision == answer.decision || (expect.decision == Deny && denial);
    let blamed = match &expect.blamed {
        None => true,
        Some(BlamedExpect::One(set)) => answer.blamed == Some(*set),
        Some(BlamedExpect::AnyOf { any_of }) => answer.blamed.is_some_and(|set| any_of.contains(&set)),
    };
    decided && blamed
}

fn saved_as(expect: &EvaluatorSaveExpect, refusal: Option<&str>) -> bool {
    expect.saved == refusal.is_none()
        && match (&expect.message, refusal) {
            (Some(expected), Some(told)) => expected == told,
            _ => true,
        }
}

/// Holds one random case to every law: without faults, and with each fault that came up.
fn before_laws(trial: &Trial, number: u64, laws: &[Law], board: &Board) {
    let Ok(case) = generate::from_seed(trial.seed, number) else {
        return;
    };
    let holds = |law: &Law, faults| {
        let held = law.hold(&case, number, &mut EmulatorEvaluator { faults });
        held.is_ok_and(|(_, violation)| violation.is_none())
    };
    for (law, position) in laws.iter().zip(0..) {
        take_came_by();
        let sound = holds(law, FaultSet::EMPTY.watched());
        let came_by = take_came_by();
        if !sound {
            continue;
        }
        let at = number * laws.len() as u64 + position;
        for (entry, mark) in board.wanted(trial, came_by, at, |marks| &marks.law) {
            if !holds(law, FaultSet::EMPTY.with(entry.fault)) {
                mark.fetch_min(at, Ordering::Relaxed);
            }
        }
    }
}

impl Verdicts {
    /// The verdicts as a table.
    pub fn render(&self) -> String {
        let mut text = String::new();
        // Writing to a String cannot fail.
        let _ = self.write(&mut text);
        text
    }

    fn write(&self, out: &mut String) -> std::fmt::Result {
        writeln!(
            out,
            "{:<44} {:<10} {:<46} caught by case",
            "fault", "breaks", "caught by law"
        )?;
        for verdict in &self.faults {
            let law = verdict
                .law
                .as_ref()
                .map_or_else(|| "-".to_owned(), |law| format!("{} ({} cases)", law.id, law.after));
            let document = match (&verdict.document, verdict.caught(), verdict.reached) {
                (Some(document), ..) => document.as_str(),
                (None, true, _) => "-",
                (None, false, true) => "-  ESCAPES",
                (None, false, false) => "-  ESCAPES: no judge reaches it",
            };
            writeln!(out, "{:<44} {:<10} {law:<46} {document}", verdict.id, verdict.rule)?;
        }
        writeln!(
            out,
            "\n{} of {} faults ({}%) caught without the model, by {} recorded and documented cases and {} laws over {} random cases",
            self.caught,
            self.faults.len(),
            super::protection::percent(self.caught, self.faults.len()),
            self.documents - self.idle_documents.len(),
            self.laws,
            self.law_cases
        )?;
        if !self.idle_documents.is_empty() {
            writeln!(
                out,
                "{} cases judge nothing: the sound emulator does not meet them, or this build has no worlds: {}",
                self.idle_documents.len(),
                self.idle_documents.join(", ")
            )?;
        }
        if self.interrupted {
            writeln!(out, "interrupted: what was not caught may yet be")?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::AtomicBool;

    use super::{Trial, judge};
    use crate::corpus;
    use crate::faults::of_names;
    use countersign_model::case::Syntax;
    use countersign_model::case::load::load_all;

    /// The evaluator cases of the corpus; worlds take too long here.
    fn corpus() -> Vec<countersign_model::case::Case> {
        corpus::FILES
            .iter()
            .flat_map(|(name, text)| load_all(name, text, Syntax::of_file(name)).expect("the corpus is sound"))
            .filter(|case| case.evaluate.is_some())
            .collect()
    }

    #[test]
    fn judges_catch_what_breaks_a_document_or_a_law_and_the_sound_emulator_breaks_none() {
        let ids = ["action-case-counts", "string-equals-ignores-case"].map(str::to_owned);
        let trial = |workers| Trial {
            faults: of_names(&ids).expect("both exist"),
            corpus: corpus(),
            law_cases: 60,
            seed: 1,
            workers,
        };
        let verdicts = judge(&trial(2), &AtomicBool::new(false), &|_| {}).expect("the judges can be asked");
        assert!(verdicts.documents > 500, "{}", verdicts.documents);
        assert!(verdicts.idle_documents.is_empty(), "{:?}", verdicts.idle_documents);
        assert_eq!(verdicts.caught, 2, "{}", verdicts.render());
        assert!(
            verdicts.faults.iter().all(|verdict| verdict.document.is_some()),
            "{}",
            verdicts.render()
        );
        let unlawful = &verdicts.faults[0];
        assert!(unlawful.law.is_some(), "{}", verdicts.render());
        let alone = judge(&trial(1), &AtomicBool::new(false), &|_| {}).expect("the judges can be asked");
        assert_eq!(alone.faults, verdicts.faults, "the number of threads does not matter");
    }
}
