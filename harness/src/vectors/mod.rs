//! The suite as files for other people's test programs: every case of the corpus and a sample of generated ones as JSON, with what the model
//! answers. Here is the form of the files; `sample` chooses generated cases, `export` writes, `verify` holds a folder to its manifest, to the
//! schema and to the model. docs/vectors.md says what the version promises.

mod export;
mod requires;
mod sample;
mod verify;

use std::collections::BTreeMap;

use countersign_model::case::{Case, EvaluatorDecision};
use countersign_model::evaluate;
use countersign_model::evaluate::case::{Answer, SaveAnswer, save};
use countersign_model::outcome::{Outcome, PolicySet};
use countersign_model::quirks::Quirks;
use countersign_model::world::{CURRENT_DATE, World};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::evaluator::documents::documents;

pub use export::{Export, ExportError, export};
pub use sample::SAMPLE_SEED;
pub use verify::{Verified, VerifyError, verify};

/// The suite's version: major for the form of the files, minor for cases, patch for words. docs/vectors.md.
pub const SUITE_VERSION: &str = "0.1.0";

/// The version of the form of the files.
pub const FORMAT: u32 = 1;

/// The name by which an export is known.
pub const SUITE: &str = "countersign-vectors";

/// Name of the manifest in an export.
pub const MANIFEST: &str = "manifest.json";

/// Name of the schema in an export.
pub const SCHEMA: &str = "vectors.schema.json";

/// A file of vectors.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct VectorFile {
    /// `countersign-vectors`.
    pub suite: String,
    /// The version of the form: 1.
    pub format: u32,
    /// `evaluator`: policies and requests; `world`: a state and calls.
    pub tier: Tier,
    /// The vectors, in an order that does not change.
    pub vectors: Vec<Vector>,
}

/// The kinds of vector.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Tier {
    /// Policies and the requests under them.
    Evaluator,
    /// A world and the steps in it.
    World,
}

impl Tier {
    /// The tier of a case.
    pub fn of(case: &Case) -> Self {
        if case.evaluate.is_some() {
            Self::Evaluator
        } else {
            Self::World
        }
    }

    /// The word in files and paths.
    pub fn word(self) -> &'static str {
        match self {
            Self::Evaluator => "evaluator",
            Self::World => "world",
        }
    }
}

/// One vector: a case and what must come out.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Vector {
    /// The case's id, immutable and unique in the suite.
    pub id: String,
    /// What an implementation must be able to be asked; one that lacks any of it skips the vector and says which.
    pub requires: Vec<String>,
    /// The case, as `countersign replay` reads it too. Policies of an evaluator case stand as the text that is to be parsed.
    pub case: Case,
    /// What must come out: one for each request and then one for each document to be saved, or one for each step.
    pub outcomes: Vec<VectorOutcome>,
}

/// What must come out of a request, a document or a step. Members that are not there are not asserted.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct VectorOutcome {
    /// Of a request: `allow`, `implicit_deny`, `explicit_deny`, or `error` for a document that cannot be used. Of a step: `allow`, `deny`,
    /// `error`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub decision: Option<EvaluatorDecision>,
    /// The policy type that a message would name.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub blamed: Option<PolicySet>,
    /// The document that cannot be used, such as `identity[0]`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub document: Option<String>,
    /// Of a document: whether it is accepted.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub saved: Option<bool>,
    /// The error code.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub code: Option<String>,
    /// The HTTP status; none for a step that makes no call.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub status: Option<u16>,
    /// The message.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub message: Option<String>,
    /// The output under AWS names. Values that the implementation chooses are symbols: see `fresh`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub output: Option<Value>,
    /// Values that the implementation chooses: path in `output`, and the symbol that stands for it in later steps.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub fresh: BTreeMap<String, String>,
    /// The rules that decided, for people: `countersign rules ID` explains them. Not to be compared.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub rules: Vec<String>,
}

/// Why a case is no vector.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{id}`: {why}")]
pub struct VectorError {
    /// The case.
    pub id: String,
    /// What the model says.
    pub why: String,
}

/// The vector of a case.
///
/// # Errors
/// [`VectorError`] when the model does not take the case.
pub fn vector(case: &Case) -> Result<Vector, VectorError> {
    let mut case = case.clone();
    case.schema = None;
    if let Some(evaluate) = &mut case.evaluate {
        for document in documents(&mut evaluate.policies) {
            *document = countersign_model::case::PolicyText::Verbatim(document.text());
        }
        for wish in &mut evaluate.saves {
            wish.document = countersign_model::case::PolicyText::Verbatim(wish.document.text());
        }
    }
    Ok(Vector {
        id: case.id.clone(),
        requires: requires::of(&case),
        outcomes: outcomes(&case)?,
        case,
    })
}

/// What the model answers to a case.
///
/// # Errors
/// [`VectorError`] when the model does not take the case.
pub fn outcomes(case: &Case) -> Result<Vec<VectorOutcome>, VectorError> {
    let wrong = |why: String| VectorError {
        id: case.id.clone(),
        why,
    };
    let Some(evaluate) = &case.evaluate else {
        let mut world = World::new(case).map_err(|error| wrong(error.to_string()))?;
        return case
            .steps
            .iter()
            .map(|step| world.apply(step).map(|outcome| of_step(&outcome)))
            .collect::<Result<_, _>>()
            .map_err(|error| wrong(error.to_string()));
    };
    let quirks = Quirks::from_overrides(&case.quirks).map_err(|error| wrong(error.to_string()))?;
    let as_of = case.as_of.unwrap_or(CURRENT_DATE);
    let answers = evaluate::case::run(evaluate, &quirks, as_of).map_err(|error| wrong(error.to_string()))?;
    let saves = evaluate.saves.iter().map(|wish| of_save(&save(wish, as_of)));
    Ok(answers.iter().map(of_answer).chain(saves).collect())
}

fn of_answer(answer: &Answer) -> VectorOutcome {
    let bare = VectorOutcome {
        decision: Some(answer.decision()),
        blamed: answer.blamed(),
        ..VectorOutcome::default()
    };
    match answer {
        Answer::Decided(check) => VectorOutcome {
            message: check.message.clone(),
            rules: check.all_rules().iter().map(ToString::to_string).collect(),
            ..bare
        },
        Answer::Unusable { document, error } => VectorOutcome {
            document: Some(document.clone()),
            rules: vec![error.rule.to_string()],
            ..bare
        },
    }
}

fn of_save(answer: &SaveAnswer) -> VectorOutcome {
    let refusal = answer.refusal.as_ref();
    VectorOutcome {
        saved: Some(refusal.is_none()),
        message: refusal
            .map(|refusal| refusal.message.clone())
            .filter(|text| !text.is_empty()),
        rules: match refusal {
            Some(refusal) => vec![refusal.rule.to_string()],
            None => answer.rules.iter().map(ToString::to_string).collect(),
        },
        ..VectorOutcome::default()
    }
}

fn of_step(outcome: &Outcome) -> VectorOutcome {
    use countersign_model::case::Decision;
    VectorOutcome {
        decision: Some(match outcome.decision {
            Decision::Allow => EvaluatorDecision::Allow,
            Decision::Deny => EvaluatorDecision::Deny,
            Decision::Error => EvaluatorDecision::Error,
        }),
        code: outcome.code.clone(),
        status: Some(outcome.status).filter(|status| *status > 0),
        message: outcome.message.clone(),
        output: outcome.output.clone(),
        fresh: outcome.fresh.clone(),
        rules: outcome.all_rules().iter().map(ToString::to_string).collect(),
        ..VectorOutcome::default()
    }
}

/// The schema of a file of vectors.
pub fn schema() -> Value {
    let mut schema = schemars::schema_for!(VectorFile);
    schema.insert("title".to_owned(), "A file of Countersign vectors, format 1".into());
    schema.to_value()
}

/// A value as the text of a file: readable, and the same for the same value.
fn text_of(value: &impl Serialize) -> Result<String, serde_json::Error> {
    serde_json::to_string_pretty(value).map(|text| text + "\n")
}
