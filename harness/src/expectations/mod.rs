//! What is known to go wrong on a target: expected failures, each with the wrong answer it is pinned to, why it is known, and until when.
//! Here is the file, `expectations/<target>.toml`, read with the place of every mistake. `judge` holds a run to it, `update` rewrites it
//! from a run, `glob` matches names. What differs is `differential`'s business; nothing here decides what is right.

mod glob;
mod judge;
mod recorded;
mod update;

use std::path::{Path, PathBuf};

use jiff::civil::Date;
use miette::{LabeledSpan, NamedSource};
use serde::Deserialize;
use toml::Spanned;

pub use glob::matches;
pub use judge::{Class, Extent, Judge, Judged, Problem, ProblemKind, Verdict};
pub use recorded::{Recorded, RecordedRun, read_report};
pub use update::{Changes, UNSEEN, render, update};

/// Folder of the files, from where the command runs.
pub const FOLDER: &str = "expectations";

/// Seed of the random cases on a target whose failures are recorded, where its file names none.
pub const PINNED_SEED: u64 = 1;

/// A file of expectations.
#[derive(Debug, Clone, PartialEq)]
pub struct Expectations {
    /// Where it was read.
    pub path: PathBuf,
    /// Its text.
    pub text: String,
    /// The target, by the name of its file.
    pub target: String,
    /// The run that the entries are of.
    pub run: PinnedRun,
    /// The entries, in order.
    pub entries: Vec<Entry>,
}

/// The run that expectations are of: the corpus and so many random cases.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PinnedRun {
    /// Seed of the random cases.
    pub seed: u64,
    /// Number of the random cases.
    pub cases: u64,
}

impl Default for PinnedRun {
    fn default() -> Self {
        Self {
            seed: PINNED_SEED,
            cases: 300,
        }
    }
}

/// One known divergence. It is of every failing step whose case, kind and answer it names.
#[derive(Debug, Clone, PartialEq)]
pub struct Entry {
    /// Case ids (`*` any text, `?` any letter); none for every case. Each case that it names must fail.
    pub id: Option<String>,
    /// Kinds of failure before shrinking, as `report.ndjson` names them; none for every kind.
    pub fingerprint: Option<String>,
    /// The wrong answers that are known. Another one is a new finding.
    pub got: Vec<String>,
    /// Why it is known.
    pub reason: String,
    /// Where it is reported.
    pub issue: Option<String>,
    /// The last day on which it is expected.
    pub until: Option<Date>,
    /// Its place in the file, in bytes.
    pub span: std::ops::Range<usize>,
}

impl Entry {
    /// Whether it names the case.
    pub fn names(&self, case: &str) -> bool {
        self.id.as_deref().is_none_or(|pattern| matches(pattern, case))
    }

    /// Whether it is of that kind of failure, whatever the answer.
    pub fn is_of(&self, fingerprint: &str) -> bool {
        self.fingerprint
            .as_deref()
            .is_none_or(|pattern| matches(pattern, fingerprint))
    }

    /// The entry in few words.
    pub fn words(&self) -> String {
        let id = self.id.as_ref().map(|id| format!("id `{id}`"));
        let fingerprint = self.fingerprint.as_ref().map(|text| format!("fingerprint `{text}`"));
        id.into_iter().chain(fingerprint).collect::<Vec<_>>().join(", ")
    }
}

/// Why a file of expectations cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum ExpectationsError {
    /// It cannot be read.
    #[error("cannot read `{}`: {source}", path.display())]
    Read {
        /// The file.
        path: PathBuf,
        /// The system's reason.
        source: std::io::Error,
    },
    /// It is not of the form.
    #[error("{message}")]
    Form {
        /// What is wrong.
        message: String,
        /// Where, in bytes.
        span: std::ops::Range<usize>,
        /// The file and its text.
        source_code: Box<NamedSource<String>>,
    },
}

impl miette::Diagnostic for ExpectationsError {
    fn source_code(&self) -> Option<&dyn miette::SourceCode> {
        match self {
            Self::Read { .. } => None,
            Self::Form { source_code, .. } => Some(source_code.as_ref()),
        }
    }

    fn labels(&self) -> Option<Box<dyn Iterator<Item = LabeledSpan> + '_>> {
        match self {
            Self::Read { .. } => None,
            Self::Form { span, .. } => {
                let label = LabeledSpan::new_with_span(Some("here".to_owned()), span.clone());
                Some(Box::new(std::iter::once(label)))
            }
        }
    }

    fn help<'a>(&'a self) -> Option<Box<dyn std::fmt::Display + 'a>> {
        Some(Box::new(match self {
            Self::Read { .. } => "name a file of expectations, or give --no-expectations",
            Self::Form { .. } => {
                "an entry is `[[expect]]` with `id` or `fingerprint`, `got`, `reason`, and perhaps `issue` and `until`: docs/expectations.md"
            }
        }))
    }
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct FileForm {
    target: String,
    #[serde(default)]
    run: PinnedRun,
    #[serde(default)]
    expect: Vec<Spanned<EntryForm>>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct EntryForm {
    id: Option<Spanned<String>>,
    fingerprint: Option<Spanned<String>>,
    #[serde(default)]
    outcome: OutcomeForm,
    got: GotForm,
    reason: Spanned<String>,
    issue: Option<String>,
    until: Option<Spanned<toml::value::Datetime>>,
}

/// A crash or a silence is never expected: it says nothing about what the target would have answered.
#[derive(Default, Deserialize)]
#[serde(rename_all = "snake_case")]
enum OutcomeForm {
    #[default]
    Fail,
}

#[derive(Deserialize)]
#[serde(untagged, expecting = "expected a wrong answer or a list of them")]
enum GotForm {
    One(String),
    Many(Vec<String>),
}

/// Reads a file.
///
/// # Errors
/// [`ExpectationsError`] with the place of the first mistake. Duplicates are the judge's: they are stale, not malformed.
pub fn load(path: &Path) -> Result<Expectations, ExpectationsError> {
    let text = std::fs::read_to_string(path).map_err(|source| ExpectationsError::Read {
        path: path.to_owned(),
        source,
    })?;
    parse(path, text)
}

/// Reads a text as that of a file.
///
/// # Errors
/// As for [`load`].
pub fn parse(path: &Path, text: String) -> Result<Expectations, ExpectationsError> {
    let wrong = |message: String, span: std::ops::Range<usize>| ExpectationsError::Form {
        message,
        span,
        source_code: Box::new(NamedSource::new(path.display().to_string(), text.clone())),
    };
    let form: FileForm = toml::from_str(&text).map_err(|error| {
        let message = crate::report::plain(error.message()).replace('\n', " ");
        wrong(message, error.span().unwrap_or(0..0))
    })?;
    let mut entries = Vec::with_capacity(form.expect.len());
    for entry in form.expect {
        let span = entry.span();
        entries.push(read_entry(entry.into_inner(), span).map_err(|(message, span)| wrong(message, span))?);
    }
    Ok(Expectations {
        path: path.to_owned(),
        target: form.target,
        run: form.run,
        entries,
        text,
    })
}

fn read_entry(form: EntryForm, span: std::ops::Range<usize>) -> Result<Entry, (String, std::ops::Range<usize>)> {
    let OutcomeForm::Fail = form.outcome;
    if form.id.is_none() && form.fingerprint.is_none() {
        return Err(("the entry names neither an `id` nor a `fingerprint`".to_owned(), span));
    }
    for pattern in [&form.id, &form.fingerprint].into_iter().flatten() {
        if pattern.get_ref().is_empty() {
            return Err(("an empty pattern names nothing".to_owned(), pattern.span()));
        }
    }
    if form.reason.get_ref().trim().is_empty() {
        return Err(("the `reason` says nothing".to_owned(), form.reason.span()));
    }
    let got = match form.got {
        GotForm::One(answer) => vec![answer],
        GotForm::Many(answers) => answers,
    };
    if got.is_empty() {
        return Err(("`got` names no wrong answer".to_owned(), span));
    }
    let until = match &form.until {
        None => None,
        Some(until) => Some(
            day(until.get_ref()).ok_or_else(|| ("`until` is not a day such as 2027-03-01".to_owned(), until.span()))?,
        ),
    };
    Ok(Entry {
        id: form.id.map(Spanned::into_inner),
        fingerprint: form.fingerprint.map(Spanned::into_inner),
        got,
        reason: form.reason.into_inner(),
        issue: form.issue,
        until,
        span,
    })
}

fn day(datetime: &toml::value::Datetime) -> Option<Date> {
    if datetime.time.is_some() || datetime.offset.is_some() {
        return None;
    }
    let date = datetime.date?;
    let year = i16::try_from(date.year).ok()?;
    Date::new(year, i8::try_from(date.month).ok()?, i8::try_from(date.day).ok()?).ok()
}

/// A target's name as the name of its file: letters, digits and single hyphens.
pub fn file_stem(target: &str) -> String {
    let mut stem = String::new();
    for letter in target.chars() {
        if letter.is_ascii_alphanumeric() || letter == '_' || letter == '.' {
            stem.push(letter.to_ascii_lowercase());
        } else if !stem.ends_with('-') {
            stem.push('-');
        }
    }
    stem.trim_matches(['-', '.']).to_owned()
}

/// The file of a target, by its name, from where the command runs.
pub fn default_path(target: &str) -> PathBuf {
    Path::new(FOLDER).join(format!("{}.toml", file_stem(target)))
}

/// The place of a byte of a text, line and column from 1.
pub fn line_of(text: &str, byte: usize) -> (usize, usize) {
    let before = text.get(..byte).unwrap_or(text);
    let line = before.matches('\n').count() + 1;
    let column = before.rsplit('\n').next().map_or(0, |rest| rest.chars().count()) + 1;
    (line, column)
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::{ExpectationsError, file_stem, line_of, parse};

    const GOOD: &str = "target = \"x\"\n\n[run]\nseed = 4\ncases = 20\n\n[[expect]]\nid = \"a.*\"\ngot = [\"allow\", \"error\"]\n\
                        reason = \"why\"\nuntil = 2027-03-01\n";

    #[test]
    fn a_file_is_read_with_the_place_of_its_entries() {
        let read = parse(Path::new("x.toml"), GOOD.to_owned()).expect("the file is well-formed");
        assert_eq!((read.target.as_str(), read.run.seed, read.run.cases), ("x", 4, 20));
        let entry = &read.entries[0];
        assert_eq!(entry.got, ["allow", "error"]);
        assert_eq!(entry.until.map(|day| day.to_string()).as_deref(), Some("2027-03-01"));
        assert_eq!(line_of(&read.text, entry.span.start), (7, 1));
    }

    #[test]
    fn every_mistake_has_its_place() {
        let table: &[(&str, &str, &str, usize)] = &[
            ("id = \"a.*\"", "idd = \"a.*\"", "unknown field `idd`", 8),
            ("id = \"a.*\"\n", "", "neither an `id`", 7),
            ("id = \"a.*\"", "id = \"\"", "empty pattern", 8),
            ("reason = \"why\"", "reason = \" \"", "says nothing", 10),
            ("reason = \"why\"\n", "", "missing field `reason`", 7),
            ("got = [\"allow\", \"error\"]", "got = []", "no wrong answer", 7),
            ("got = [\"allow\", \"error\"]\n", "", "missing field `got`", 7),
            ("2027-03-01", "2027-03-01T10:00:00", "not a day", 11),
            ("2027-03-01", "2027-02-30", "", 11),
            ("seed = 4", "seed = -4", "", 4),
            ("target = \"x\"", "target = ", "", 1),
        ];
        for (good, bad, words, line) in table {
            assert!(GOOD.contains(good), "{good}");
            match parse(Path::new("x.toml"), GOOD.replacen(good, bad, 1)) {
                Err(ExpectationsError::Form {
                    message,
                    span,
                    source_code,
                }) => {
                    assert!(message.contains(words), "{bad:?}: {message}");
                    assert_eq!(line_of(source_code.inner(), span.start).0, *line, "{bad:?}: {message}");
                }
                other => panic!("{bad:?}: {other:?}"),
            }
        }
    }

    #[test]
    fn a_targets_name_is_a_file_name() {
        assert_eq!(file_stem("IAM Simulate"), "iam-simulate");
        assert_eq!(file_stem("../../etc/passwd"), "etc-passwd");
        assert_eq!(file_stem("moto_evaluator 5.2"), "moto_evaluator-5.2");
    }
}
