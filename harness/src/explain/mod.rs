//! Why a request was denied, for the person who has to mend it: the checks in order, the gates of each, the statements that decided
//! with their places in the user's file, the message AWS would send, and the smallest changes that would allow it.
//!
//! The model decides everything. Here its trace is put beside the file (`site`, `source`), changes are thought up (`candidate`,
//! `fact`) and put to it one by one (`search`); `subject` asks, `tree` changes, `render` writes for people.

mod candidate;
mod fact;
mod render;
mod search;
mod site;
mod source;
mod subject;
mod tree;

use std::collections::BTreeMap;

use countersign_model::case::{Case, Decision, Step};
use countersign_model::outcome::Check;
use serde::Serialize;
use serde_json::Value;

pub use render::render;
pub use search::{Limits, Repair, Repairs, repairs};
pub use source::{FilePlace, SourceFile};
pub use subject::{AskError, Journey, Question, Ruling, Run, questions};
pub use tree::{Edit, Operation, Path, Segment};

/// Everything there is to say about one request.
#[derive(Debug, Clone, Serialize)]
pub struct Explanation {
    /// The case's id.
    pub case: String,
    /// Its title.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub title: Option<String>,
    /// The step's name, or the number of the request.
    pub name: String,
    /// Where the request stands in the user's file.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub place: Option<FilePlace>,
    /// Who asks.
    pub caller: String,
    /// What is asked.
    pub request: Asked,
    /// What came of it.
    pub answer: Ruling,
    /// The document that cannot be used, where that is why.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub unusable: Option<FilePlace>,
    /// The checks in order.
    pub checks: Vec<ExplainedCheck>,
    /// What every rule that is named says, in one line.
    pub rules: BTreeMap<String, String>,
    /// The smallest changes that would allow it, for a denied request.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub repairs: Option<Repairs>,
}

/// A request in the words of its case.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Asked {
    /// The action of an evaluator request, or the operation called.
    pub action: String,
    /// The resource, in an evaluator case.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub resource: Option<String>,
    /// Parameters of the call, or the context of the request.
    #[serde(skip_serializing_if = "Value::is_null")]
    pub with: Value,
}

/// A check with the places of its statements.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct ExplainedCheck {
    /// The check as the model made it.
    #[serde(flatten)]
    pub check: Check,
    /// Place of every statement of `statements`, in the same order; none for what the file does not write.
    pub places: Vec<Option<FilePlace>>,
    /// The policy each statement stands in, as people call it.
    pub policies: Vec<String>,
}

/// Explains one question of a case. `document` is the position of the case in its file.
///
/// # Errors
/// [`AskError`] when the case is wrong.
pub fn explain(
    case: &Case,
    question: Question,
    source: Option<(&SourceFile, usize)>,
    limits: Limits,
) -> Result<Explanation, AskError> {
    let run = Run::of(case, question)?;
    let find = |path: &Path| source.and_then(|(file, document)| file.find(document, path));
    let checks = run
        .ruling
        .checks
        .iter()
        .map(|check| {
            let mut explained = ExplainedCheck {
                check: check.clone(),
                places: Vec::new(),
                policies: Vec::new(),
            };
            for trace in &check.statements {
                let found = run.statement(check, trace);
                explained
                    .places
                    .push(found.as_ref().and_then(|(_, path, _)| find(path)));
                explained.policies.push(match found {
                    Some((site, _, _)) => site.words,
                    None => trace.policy.clone(),
                });
            }
            explained
        })
        .collect();
    let named = run.ruling.checks.iter().flat_map(Check::all_rules);
    let rules = run.ruling.rules.iter().cloned().chain(named);
    Ok(Explanation {
        case: case.id.clone(),
        title: case.title.clone(),
        name: run.name(),
        place: find(&path_of(&run)),
        caller: run.caller(),
        request: asked(&run),
        unusable: run
            .ruling
            .unusable
            .as_ref()
            .and_then(|(document, _)| find(&site::evaluator_path(document)?)),
        checks,
        rules: rules
            .filter_map(|rule| Some((rule.to_string(), rule.entry()?.statement.clone())))
            .collect(),
        repairs: (run.ruling.decision != Decision::Allow).then(|| repairs(&run, limits)),
        answer: run.ruling,
    })
}

/// Where the request or step stands.
fn path_of(run: &Run) -> Path {
    match run.question {
        Question::Step(position) => Path::of(["steps"]).entry(position),
        Question::Request(position) => match &run.case.evaluate {
            Some(evaluate) if evaluate.request.is_none() => Path::of(["evaluate", "requests"]).entry(position),
            _ => Path::of(["evaluate", "request"]),
        },
    }
}

fn asked(run: &Run) -> Asked {
    if let Some((_, request)) = run.request() {
        return Asked {
            action: request.action.to_string(),
            resource: Some(request.resource.clone()),
            with: if request.context.is_empty() {
                Value::Null
            } else {
                serde_json::json!(request.context)
            },
        };
    }
    match run.journey.as_ref().map(|journey| &journey.step) {
        Some(Step::Call(call)) => Asked {
            action: call.call.to_string(),
            resource: None,
            with: Value::Object(call.with.clone()),
        },
        Some(Step::Invoke(invoke)) => Asked {
            action: format!("the start of function `{}`", invoke.function),
            resource: None,
            with: Value::Null,
        },
        _ => Asked {
            action: "nothing that anybody answers".to_owned(),
            resource: None,
            with: Value::Null,
        },
    }
}
