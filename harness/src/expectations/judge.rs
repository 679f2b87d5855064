//! Holds a run to what is known of its target: a verdict for each case, and at the end the entries that no longer say the truth.

use jiff::civil::Date;
use serde::{Deserialize, Serialize};

use super::{Entry, Expectations, Recorded, line_of};
use crate::differential::{CaseReport, StepStatus, fingerprint};
use crate::session::{CaseResult, Finished};
use crate::target::TargetError;

/// What a case came to, seen with what is known of the target. Every case that was run has exactly one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Verdict {
    /// Everything that was compared agrees.
    Pass,
    /// It fails as it is known to.
    ExpectedFailure,
    /// It fails, and not as it is known to.
    Failure,
    /// An entry says by name that it fails, and it does not.
    UnexpectedPass,
    /// Nothing of it was compared: the target declares that it cannot, or nobody knows what it did.
    Skipped,
    /// The target could not be asked, or the case could not be run.
    Error,
}

/// The verdict on a case, and what it rests on.
#[derive(Debug, Clone, PartialEq)]
pub struct Judged {
    /// The verdict; none for a random case that was given up, which is no case.
    pub verdict: Option<Verdict>,
    /// What failed, step by step.
    pub failures: Vec<fingerprint::StepFailure>,
    /// Why it was expected, or why it was not expected to pass: the reasons of the entries.
    pub reasons: Vec<String>,
}

/// Known failures of one entry, as a run met them. Of several entries that fit the first explains a failure.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Class {
    /// The entry in few words.
    pub what: String,
    /// Why it is known.
    pub reason: String,
    /// Where it is reported.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub issue: Option<String>,
    /// Cases of the run that fail so.
    pub cases: u64,
}

/// What is wrong with an entry.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum ProblemKind {
    /// Another entry has the same case and kind.
    Duplicate,
    /// Its last day is over.
    Expired,
    /// A case that it names passes.
    UnexpectedPass,
    /// Nothing of the run is what it names.
    MatchesNothing,
    /// All that it names is skipped.
    OnlySkipped,
}

/// An entry that no longer says the truth.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Problem {
    /// What is wrong.
    pub kind: ProblemKind,
    /// The file.
    pub file: String,
    /// Line of the entry, from 1.
    pub line: usize,
    /// What is wrong, in words.
    pub message: String,
    /// The entry's place, in bytes.
    #[serde(skip)]
    pub span: std::ops::Range<usize>,
}

/// How much of the expected run was run, and so what the file can be held to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Extent {
    /// All of it: every entry must have matched.
    Whole,
    /// Another run, or a part: an entry that matches nothing says nothing.
    Part,
    /// One shard: what an entry names may be in another, so that only all of them together can be held to the file.
    Shard,
    /// A look around with other cases: the file only says what is known, and is not judged itself.
    Explore,
}

/// A run held to a file of expectations, or to none.
#[derive(Debug, Clone, Default)]
pub struct Judge {
    expectations: Option<Expectations>,
    used: Vec<Use>,
}

/// What a run made of one entry.
#[derive(Debug, Clone, Default)]
struct Use {
    /// Cases that fail as it says.
    failing: u64,
    /// Those of them that no entry before it explains already.
    explained: u64,
    /// Cases that it names by id and that fail otherwise.
    otherwise: u64,
    /// Cases that it names by id and that pass.
    passing: u64,
    first_passing: Option<String>,
    /// Cases that it names by id and of which nothing was compared.
    skipped: u64,
}

impl Judge {
    /// A judge with a file, or without one: then every failure is one.
    pub fn new(expectations: Option<Expectations>) -> Self {
        let entries = expectations.as_ref().map_or(0, |file| file.entries.len());
        Self {
            expectations,
            used: vec![Use::default(); entries],
        }
    }

    /// The file.
    pub fn expectations(&self) -> Option<&Expectations> {
        self.expectations.as_ref()
    }

    /// Judges a case.
    pub fn judge(&mut self, finished: &Finished) -> Judged {
        let (id, verdict, failures) = match &finished.result {
            CaseResult::Discarded { .. } => {
                return Judged {
                    verdict: None,
                    failures: Vec::new(),
                    reasons: Vec::new(),
                };
            }
            CaseResult::Lost { id, .. } | CaseResult::Failed { id, .. } => (id, Verdict::Error, Vec::new()),
            CaseResult::Ran { case, report } => {
                let failures = fingerprint::failures(case, report);
                (&report.id, plain_verdict(report, !failures.is_empty()), failures)
            }
        };
        let (verdict, reasons) = self.with_entries(id, verdict, &failures);
        Judged {
            verdict: Some(verdict),
            failures,
            reasons,
        }
    }

    /// Takes a case of an earlier run, as its report keeps it, into account: the shards of a run are judged together.
    pub fn take(&mut self, case: &Recorded) {
        let plain = match case.verdict {
            Verdict::ExpectedFailure => Verdict::Failure,
            Verdict::UnexpectedPass => Verdict::Pass,
            verdict => verdict,
        };
        self.with_entries(&case.id, plain, &case.failures);
    }

    fn with_entries(
        &mut self,
        id: &str,
        verdict: Verdict,
        failures: &[fingerprint::StepFailure],
    ) -> (Verdict, Vec<String>) {
        let Some(file) = &self.expectations else {
            return (verdict, Vec::new());
        };
        let mut reasons: Vec<&str> = Vec::new();
        // Every step that fails must be known: a new failure is not hidden by an old one in the same case.
        let mut known = vec![false; failures.len()];
        for (entry, used) in file.entries.iter().zip(&mut self.used) {
            if !entry.names(id) {
                continue;
            }
            let by_name = entry.id.is_some();
            match verdict {
                Verdict::Failure => {
                    let (mut hit, mut explains) = (false, false);
                    for (failure, known) in failures.iter().zip(&mut known) {
                        if is_known(entry, failure) {
                            explains |= !*known;
                            *known = true;
                            hit = true;
                        }
                    }
                    used.failing += u64::from(hit);
                    used.explained += u64::from(explains);
                    used.otherwise += u64::from(!hit && by_name);
                    if explains && !reasons.contains(&entry.reason.as_str()) {
                        reasons.push(&entry.reason);
                    }
                }
                Verdict::Pass if by_name => {
                    used.passing += 1;
                    used.first_passing.get_or_insert_with(|| id.to_owned());
                    reasons.push(&entry.reason);
                }
                Verdict::Skipped if by_name => used.skipped += 1,
                _ => {}
            }
        }
        let verdict = match verdict {
            Verdict::Failure if known.iter().all(|known| *known) => Verdict::ExpectedFailure,
            Verdict::Pass if !reasons.is_empty() => Verdict::UnexpectedPass,
            verdict => verdict,
        };
        let reasons = match verdict {
            Verdict::ExpectedFailure | Verdict::UnexpectedPass => reasons.into_iter().map(str::to_owned).collect(),
            _ => Vec::new(),
        };
        (verdict, reasons)
    }

    /// The known failures that the run met, in the order of the file.
    pub fn classes(&self) -> Vec<Class> {
        let entries = self.expectations.iter().flat_map(|file| &file.entries);
        entries
            .zip(&self.used)
            .filter(|(_, used)| used.explained > 0)
            .map(|(entry, used)| Class {
                what: entry.words(),
                reason: entry.reason.clone(),
                issue: entry.issue.clone(),
                cases: used.explained,
            })
            .collect()
    }

    /// Entries with the same case and kind as another: told before anything is run.
    pub fn duplicates(&self) -> Vec<Problem> {
        let Some(file) = &self.expectations else {
            return Vec::new();
        };
        let mut problems = Vec::new();
        for (position, entry) in file.entries.iter().enumerate() {
            let first = file.entries[..position]
                .iter()
                .find(|other| other.id == entry.id && other.fingerprint == entry.fingerprint);
            if let Some(first) = first {
                let (line, _) = line_of(&file.text, first.span.start);
                problems.push(problem(
                    file,
                    entry,
                    ProblemKind::Duplicate,
                    format!("the entry of line {line} again: {}", entry.words()),
                ));
            }
        }
        problems
    }

    /// The entries that no longer say the truth, in the order of the file.
    pub fn stale(&self, extent: Extent, today: Date) -> Vec<Problem> {
        let Some(file) = &self.expectations else {
            return Vec::new();
        };
        if matches!(extent, Extent::Explore | Extent::Shard) {
            return Vec::new();
        }
        let mut problems = Vec::new();
        for (entry, used) in file.entries.iter().zip(&self.used) {
            if let Some(until) = entry.until.filter(|until| *until < today) {
                problems.push(problem(
                    file,
                    entry,
                    ProblemKind::Expired,
                    format!("expected until {until}, which is over: {}", entry.words()),
                ));
            }
            let seen = used.failing + used.otherwise + used.passing + used.skipped;
            let (kind, message) = if let Some(first) = &used.first_passing {
                let cases = if used.passing == 1 { "case passes" } else { "cases pass" };
                (
                    ProblemKind::UnexpectedPass,
                    format!("{} {cases} that should fail, `{first}` first", used.passing),
                )
            } else if extent == Extent::Part {
                continue;
            } else if seen == 0 {
                (
                    ProblemKind::MatchesNothing,
                    format!("matches nothing that the target does: {}", entry.words()),
                )
            } else if seen == used.skipped {
                (
                    ProblemKind::OnlySkipped,
                    format!(
                        "all that it names is skipped, so that it cannot fail: {}",
                        entry.words()
                    ),
                )
            } else {
                continue;
            };
            problems.push(problem(file, entry, kind, message));
        }
        problems
    }
}

fn problem(file: &Expectations, entry: &Entry, kind: ProblemKind, message: String) -> Problem {
    Problem {
        kind,
        file: file.path.display().to_string(),
        line: line_of(&file.text, entry.span.start).0,
        message,
        span: entry.span.clone(),
    }
}

/// A fault of the model is nobody's known failure.
fn is_known(entry: &Entry, failure: &fingerprint::StepFailure) -> bool {
    !failure.of_model && entry.is_of(&failure.fingerprint) && entry.got.contains(&failure.got)
}

/// The verdict without anything known: what differs counts before what could not be asked.
fn plain_verdict(report: &CaseReport, fails: bool) -> Verdict {
    let no_answer = |status: &StepStatus| matches!(status, StepStatus::Error { .. });
    let unbuilt = !matches!(
        report.provisioning_fault,
        None | Some(TargetError::Provisioning { .. } | TargetError::Unsupported { .. } | TargetError::Ambiguous { .. })
    );
    if fails {
        Verdict::Failure
    } else if unbuilt || report.steps.iter().any(|step| no_answer(&step.status)) {
        Verdict::Error
    } else if report.compared() == 0
        && (report.skipped() + report.ambiguous() > 0 || report.provisioning_fault.is_some())
    {
        Verdict::Skipped
    } else {
        Verdict::Pass
    }
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use jiff::civil::date;

    use super::{Extent, Judge, ProblemKind, Verdict};
    use crate::differential::fingerprint::StepFailure;
    use crate::expectations::parse;

    fn judge(entries: &str) -> Judge {
        let file = parse(Path::new("x.toml"), format!("target = \"x\"\n{entries}")).expect("the file is well-formed");
        Judge::new(Some(file))
    }

    fn failure(fingerprint: &str, got: &str) -> StepFailure {
        StepFailure {
            step: Some(0),
            fingerprint: fingerprint.to_owned(),
            got: got.to_owned(),
            of_model: false,
        }
    }

    const BY_ID: &str = "[[expect]]\nid = \"a.*\"\ngot = \"allow\"\nreason = \"why\"\n";
    const BY_KIND: &str = "[[expect]]\nfingerprint = \"kms *\"\ngot = \"allow\"\nreason = \"kms\"\n";

    #[test]
    fn a_failure_is_expected_only_as_it_is_pinned() {
        let table: &[(&str, &[StepFailure], Verdict)] = &[
            ("a.1", &[failure("kms x", "allow")], Verdict::ExpectedFailure),
            ("a.1", &[failure("kms x", "error")], Verdict::Failure),
            ("b.1", &[failure("kms x", "allow")], Verdict::Failure),
            (
                "a.1",
                &[failure("kms x", "allow"), failure("kms x", "error")],
                Verdict::Failure,
            ),
            (
                "a.1",
                &[failure("kms x", "allow"), failure("s3 y", "allow")],
                Verdict::ExpectedFailure,
            ),
            (
                "a.1",
                &[StepFailure {
                    of_model: true,
                    ..failure("kms x", "allow")
                }],
                Verdict::Failure,
            ),
        ];
        for (id, failures, wanted) in table {
            let (verdict, reasons) = judge(BY_ID).with_entries(id, Verdict::Failure, failures);
            assert_eq!(verdict, *wanted, "{id} {failures:?}");
            assert_eq!(reasons.is_empty(), verdict == Verdict::Failure, "{reasons:?}");
        }
        let two = [failure("kms x", "allow"), failure("s3 y", "allow")];
        let (verdict, _) = judge(BY_KIND).with_entries("a.1", Verdict::Failure, &two);
        assert_eq!(verdict, Verdict::Failure, "a new failure is not hidden by an old one");
    }

    #[test]
    fn what_no_longer_is_so_is_stale() {
        let today = date(2026, 11, 22);
        let kinds = |judge: &Judge, extent| -> Vec<ProblemKind> {
            judge.stale(extent, today).iter().map(|one| one.kind).collect()
        };
        let mut passing = judge(BY_ID);
        let (verdict, reasons) = passing.with_entries("a.1", Verdict::Pass, &[]);
        assert_eq!((verdict, reasons.len()), (Verdict::UnexpectedPass, 1));
        assert_eq!(kinds(&passing, Extent::Whole), [ProblemKind::UnexpectedPass]);
        assert_eq!(kinds(&passing, Extent::Part), [ProblemKind::UnexpectedPass]);
        assert!(kinds(&passing, Extent::Explore).is_empty());
        // A kind of failure names no case that could pass.
        let mut by_kind = judge(BY_KIND);
        assert_eq!(by_kind.with_entries("a.1", Verdict::Pass, &[]).0, Verdict::Pass);
        assert_eq!(kinds(&by_kind, Extent::Whole), [ProblemKind::MatchesNothing]);
        assert!(kinds(&by_kind, Extent::Part).is_empty());
        by_kind.with_entries("a.1", Verdict::Failure, &[failure("kms x", "allow")]);
        assert!(kinds(&by_kind, Extent::Whole).is_empty());
        let mut skipped = judge(BY_ID);
        skipped.with_entries("a.1", Verdict::Skipped, &[]);
        assert_eq!(kinds(&skipped, Extent::Whole), [ProblemKind::OnlySkipped]);
        // It fails, but otherwise: that is a finding, and the entry is not stale besides.
        let mut otherwise = judge(BY_ID);
        otherwise.with_entries("a.1", Verdict::Failure, &[failure("kms x", "error")]);
        assert!(kinds(&otherwise, Extent::Whole).is_empty());
    }

    #[test]
    fn days_and_duplicates() {
        let dated = format!("{BY_ID}until = 2026-11-21\n{BY_KIND}until = 2026-11-22\n");
        let mut judge_dated = judge(&dated);
        judge_dated.with_entries("a.1", Verdict::Failure, &[failure("kms x", "allow")]);
        let problems = judge_dated.stale(Extent::Part, date(2026, 11, 22));
        assert_eq!(problems.len(), 1, "{problems:?}");
        assert_eq!((problems[0].kind, problems[0].line), (ProblemKind::Expired, 2));
        let twice = judge(&format!("{BY_ID}{BY_KIND}{BY_ID}"));
        let problems = twice.duplicates();
        assert_eq!(problems.len(), 1);
        assert_eq!((problems[0].kind, problems[0].line), (ProblemKind::Duplicate, 10));
        assert!(problems[0].message.contains("line 2"), "{}", problems[0].message);
    }
}
