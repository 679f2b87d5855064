//! Reading a Case from text and writing it back. Every fault of a file is reported with its place, all of them at once where the
//! file is well formed; nothing here panics or loops without bound on any input.

use std::fmt;
use std::ops::Range;

use miette::{Diagnostic, LabeledSpan, NamedSource, SourceCode};

use super::Case;
use super::json;
use super::tree::{self, Node, ParseError, ReadError};
use super::validate;

/// Largest file that is read.
pub const MAX_CASE_BYTES: usize = 8 * 1024 * 1024;

/// Most problems that are told of one file.
pub const MAX_PROBLEMS: usize = 256;

/// How a Case is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Syntax {
    /// For people.
    Yaml,
    /// For machines.
    Json,
}

impl Syntax {
    /// The syntax that a file name says: JSON for `.json` and `.jsonl`, otherwise YAML.
    pub fn of_file(name: &str) -> Self {
        if name.ends_with(".json") || name.ends_with(".jsonl") {
            Self::Json
        } else {
            Self::Yaml
        }
    }
}

/// Reads the one Case of a text. `name` is the file's name, for messages.
///
/// # Errors
/// [`CaseError`] with every problem found, each with its place.
pub fn load_str(name: &str, text: &str, syntax: Syntax) -> Result<Case, CaseError> {
    let mut cases = load_all(name, text, syntax)?;
    match (cases.pop(), cases.is_empty()) {
        (Some(case), true) => Ok(case),
        (found, _) => {
            let count = cases.len() + usize::from(found.is_some());
            Err(CaseError::new(
                name,
                text,
                vec![Problem::new(ProblemKind::Count(count), 0..0)],
            ))
        }
    }
}

/// Reads every Case of a text: YAML documents separated by `---`, or JSON values one after the other.
///
/// # Errors
/// [`CaseError`] with every problem found, each with its place.
pub fn load_all(name: &str, text: &str, syntax: Syntax) -> Result<Vec<Case>, CaseError> {
    let fail = |problems| CaseError::new(name, text, problems);
    if text.len() > MAX_CASE_BYTES {
        return Err(CaseError::new(
            name,
            "",
            vec![Problem::new(ProblemKind::TooLarge, 0..0)],
        ));
    }
    let documents = match syntax {
        Syntax::Yaml => tree::parse_yaml(text),
        Syntax::Json => json::parse_json(text),
    };
    let documents = documents.map_err(|error| fail(vec![error.into()]))?;
    let mut cases = Vec::with_capacity(documents.len());
    let mut problems = Vec::new();
    for document in &documents {
        match document.read::<Case>() {
            Ok(case) => {
                problems.extend(validate::problems(document, &case, text));
                cases.push(case);
            }
            Err(error) => problems.push(error.into()),
        }
    }
    problems.extend(repeated_ids(&documents));
    if problems.is_empty() {
        Ok(cases)
    } else {
        Err(fail(problems))
    }
}

/// The Case as YAML, for people.
///
/// # Errors
/// [`WriteError`] when a value cannot be written as YAML.
pub fn to_yaml(case: &Case) -> Result<String, WriteError> {
    // Folding would break long messages over lines; a text must read as it is compared.
    let options = serde_saphyr::ser_options! { prefer_block_scalars: false };
    serde_saphyr::to_string_with_options(case, options).map_err(|error| WriteError(error.to_string()))
}

/// The Case as one line of JSON, for machines.
///
/// # Errors
/// [`WriteError`] when a value cannot be written as JSON.
pub fn to_json(case: &Case) -> Result<String, WriteError> {
    serde_json::to_string(case).map_err(|error| WriteError(error.to_string()))
}

/// Why a Case could not be written.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("the case cannot be written: {0}")]
pub struct WriteError(String);

/// Why a text holds no usable Case: all problems found, each with its place.
#[derive(Debug, Clone)]
pub struct CaseError {
    source: NamedSource<String>,
    problems: Vec<Problem>,
}

impl CaseError {
    /// INVARIANT: there is at least one problem.
    fn new(name: &str, text: &str, mut problems: Vec<Problem>) -> Self {
        problems.sort_by_key(|problem| problem.span.start);
        problems.truncate(MAX_PROBLEMS);
        Self {
            source: NamedSource::new(name, text.to_owned()),
            problems,
        }
    }

    /// The problems in the order of the file.
    pub fn problems(&self) -> &[Problem] {
        &self.problems
    }

    /// Line and column of a problem, both from 1; the column counts characters.
    pub fn position(&self, problem: &Problem) -> (usize, usize) {
        let text = self.source.inner();
        let before = text.get(..problem.span.start.min(text.len())).unwrap_or(text);
        let line = before.matches('\n').count() + 1;
        let column = before.rsplit('\n').next().unwrap_or("").chars().count() + 1;
        (line, column)
    }
}

impl fmt::Display for CaseError {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (position, problem) in self.problems.iter().enumerate() {
            if position > 0 {
                formatter.write_str("; ")?;
            }
            let (line, column) = self.position(problem);
            write!(formatter, "{}:{line}:{column}: {}", self.source.name(), problem.kind)?;
            if let Some(help) = &problem.help {
                write!(formatter, " ({help})")?;
            }
        }
        Ok(())
    }
}

impl std::error::Error for CaseError {}

impl Diagnostic for CaseError {
    fn code<'a>(&'a self) -> Option<Box<dyn fmt::Display + 'a>> {
        self.problems.first()?.code()
    }

    fn help<'a>(&'a self) -> Option<Box<dyn fmt::Display + 'a>> {
        self.problems.first()?.help()
    }

    fn source_code(&self) -> Option<&dyn SourceCode> {
        Some(&self.source)
    }

    fn labels(&self) -> Option<Box<dyn Iterator<Item = LabeledSpan> + '_>> {
        self.problems.first()?.labels()
    }

    fn related<'a>(&'a self) -> Option<Box<dyn Iterator<Item = &'a dyn Diagnostic> + 'a>> {
        let rest = self.problems.get(1..).filter(|rest| !rest.is_empty())?;
        Some(Box::new(rest.iter().map(|problem| problem as &dyn Diagnostic)))
    }
}

/// One problem of a file.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{kind}")]
pub struct Problem {
    /// What it is.
    pub kind: ProblemKind,
    /// Where it is, in bytes.
    pub span: Range<usize>,
    /// What to do about it.
    pub help: Option<String>,
}

impl Problem {
    pub(super) fn new(kind: ProblemKind, span: Range<usize>) -> Self {
        Self { kind, span, help: None }
    }

    pub(super) fn help(mut self, help: impl Into<String>) -> Self {
        self.help = Some(help.into());
        self
    }

    /// Adds the nearest of the names that would have been right, if one is near.
    pub(super) fn nearest<'a>(self, name: &str, known: impl IntoIterator<Item = &'a str>) -> Self {
        match nearest(name, known) {
            Some(near) => self.help(format!("did you mean `{near}`?")),
            None => self,
        }
    }
}

impl Diagnostic for Problem {
    fn code<'a>(&'a self) -> Option<Box<dyn fmt::Display + 'a>> {
        Some(Box::new(format!("countersign::case::{}", self.kind.code())))
    }

    fn help<'a>(&'a self) -> Option<Box<dyn fmt::Display + 'a>> {
        self.help.as_ref().map(|help| Box::new(help) as Box<dyn fmt::Display>)
    }

    fn labels(&self) -> Option<Box<dyn Iterator<Item = LabeledSpan> + '_>> {
        let label = LabeledSpan::new(Some("here".to_owned()), self.span.start, self.span.len());
        Some(Box::new(std::iter::once(label)))
    }
}

/// What can be wrong with a file.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ProblemKind {
    /// The file is larger than [`MAX_CASE_BYTES`].
    #[error("the file is larger than {MAX_CASE_BYTES} bytes")]
    TooLarge,
    /// It is neither YAML nor JSON, or beyond the limits of depth and size.
    #[error("{0}")]
    Syntax(String),
    /// One Case was asked for.
    #[error("one case is expected here, not {0}")]
    Count(usize),
    /// A value is not of its type, or a member is missing.
    #[error("{0}")]
    Shape(String),
    /// A member that the format does not have.
    #[error("unknown field `{0}`")]
    UnknownField(String),
    /// The same member or name twice.
    #[error("{0}")]
    Duplicate(String),
    /// Two forms of a case in one, or none.
    #[error("{0}")]
    Form(String),
    /// A rule id that is not in the catalogue.
    #[error("unknown rule `{0}`")]
    UnknownRule(String),
    /// An API operation that the suite does not know.
    #[error("unknown operation `{0}`")]
    UnknownOperation(String),
    /// A switch that does not exist, or a value it does not take.
    #[error("{0}")]
    Quirk(String),
    /// A reference that is not of the grammar.
    #[error("{0}")]
    BadReference(String),
    /// A reference or a name that leads nowhere.
    #[error("no {kind} is named `{name}`")]
    UnknownName {
        /// What is looked for.
        kind: String,
        /// Its name.
        name: String,
    },
    /// A name that stands in two accounts.
    #[error("the {kind} `{name}` stands in the accounts {accounts}")]
    AmbiguousAccount {
        /// What is looked for.
        kind: String,
        /// Its name.
        name: String,
        /// Where it stands.
        accounts: String,
    },
    /// A bare number or boolean where AWS takes a text.
    #[error("{0}")]
    BareScalar(String),
    /// A value outside the set that the field takes.
    #[error("{0}")]
    Value(String),
    /// A policy that AWS would not save: its error code and words.
    #[error("{0}")]
    Policy(String),
    /// `BypassPolicyLockoutSafetyCheck` where nothing tests it.
    #[error(
        "`BypassPolicyLockoutSafetyCheck` stands only in `with` of an observed or control kms:CreateKey or kms:PutKeyPolicy"
    )]
    LockoutBypass,
}

impl ProblemKind {
    /// The last part of the diagnostic's code.
    pub fn code(&self) -> &'static str {
        match self {
            Self::TooLarge => "too_large",
            Self::Syntax(_) => "syntax",
            Self::Count(_) => "count",
            Self::Shape(_) => "shape",
            Self::UnknownField(_) => "unknown_field",
            Self::Duplicate(_) => "duplicate",
            Self::Form(_) => "form",
            Self::UnknownRule(_) => "unknown_rule",
            Self::UnknownOperation(_) => "unknown_operation",
            Self::Quirk(_) => "quirk",
            Self::BadReference(_) => "bad_reference",
            Self::UnknownName { .. } => "unknown_name",
            Self::AmbiguousAccount { .. } => "ambiguous_account",
            Self::BareScalar(_) => "bare_scalar",
            Self::Value(_) => "value",
            Self::Policy(_) => "policy",
            Self::LockoutBypass => "lockout_bypass",
        }
    }
}

impl From<ParseError> for Problem {
    fn from(error: ParseError) -> Self {
        let kind = if error.duplicate {
            ProblemKind::Duplicate(error.message)
        } else {
            ProblemKind::Syntax(error.message)
        };
        Self::new(kind, error.span)
    }
}

impl From<ReadError> for Problem {
    fn from(error: ReadError) -> Self {
        let span = error.span.unwrap_or(0..0);
        match error.unknown {
            Some((name, expected)) if error.message.starts_with("unknown field") => {
                let problem = Self::new(ProblemKind::UnknownField(name.clone()), span);
                match nearest(&name, expected.iter().copied()) {
                    Some(near) => problem.help(format!("did you mean `{near}`?")),
                    None if expected.is_empty() => problem,
                    None => problem.help(format!("the fields here are {}", expected.join(", "))),
                }
            }
            Some((name, expected)) => {
                Self::new(ProblemKind::Shape(error.message), span).nearest(&name, expected.iter().copied())
            }
            None => Self::new(ProblemKind::Shape(error.message), span),
        }
    }
}

/// The name that a mistyped one was probably meant to be: at most a third of it differs.
pub fn nearest<'a>(name: &str, known: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    // Distance is quadratic in length; no name worth a hint is longer.
    const LONGEST: usize = 128;
    if name.len() > LONGEST {
        return None;
    }
    known
        .into_iter()
        .filter(|candidate| candidate.len() <= LONGEST)
        .map(|candidate| (strsim::damerau_levenshtein(name, candidate), candidate))
        .filter(|(distance, candidate)| *distance <= (name.len().max(candidate.len()) / 3).max(1))
        .min()
        .map(|(_, candidate)| candidate)
}

fn repeated_ids(documents: &[Node]) -> Vec<Problem> {
    let mut seen = std::collections::BTreeSet::new();
    let ids = documents.iter().filter_map(|document| document.get("id"));
    ids.filter_map(|id| {
        let text = id.text()?;
        (!seen.insert(text)).then(|| {
            Problem::new(
                ProblemKind::Duplicate(format!("the id `{text}` stands twice in this file")),
                id.span.clone(),
            )
        })
    })
    .collect()
}
