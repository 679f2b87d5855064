//! `countersign explain`: why a request was denied, and the smallest changes that would allow it.

use std::path::PathBuf;

use clap::Args;
use countersign_model::case::load::{Syntax, load_all, nearest};
use countersign_model::case::{Case, Decision};

use super::{Exit, Failure, files, print};
use crate::explain::{AskError, Limits, Question, Run, SourceFile, explain, questions, render};

/// `explain`.
#[derive(Debug, Clone, Args)]
pub(super) struct ExplainArguments {
    /// The Case file.
    #[arg(value_name = "FILE")]
    file: PathBuf,
    /// The step by its name, a part of its name or its number from 1 (evaluator cases: the number of the request); the first denied
    /// one when left out.
    #[arg(long, value_name = "NAME")]
    step: Option<String>,
    /// The case by its id, in a file of several.
    #[arg(long, value_name = "ID")]
    case: Option<String>,
    /// Machine-readable.
    #[arg(long)]
    json: bool,
}

pub(super) fn run(arguments: &ExplainArguments) -> Result<Exit, Failure> {
    let name = arguments.file.display().to_string();
    let text = files::text_of(&arguments.file)?;
    let syntax = Syntax::of_file(&name);
    let cases = load_all(&name, &text, syntax).map_err(|error| Failure::new(Exit::Usage, error))?;
    let cases = chosen(&cases, arguments.case.as_deref())?;
    let (document, case, question) = match &arguments.step {
        Some(step) => named(&cases, step)?,
        None => first_denied(&cases)?,
    };
    let source = SourceFile::new(name, text, syntax);
    let explanation =
        explain(case, question, Some((&source, document)), Limits::default()).map_err(|error| bad(case, &error))?;
    let text = if arguments.json {
        serde_json::to_string_pretty(&explanation).map_err(std::io::Error::other)? + "\n"
    } else {
        render(&explanation, Some((&source, document)))
    };
    print(text.as_bytes()).map(|()| Exit::Conformant)
}

/// The cases in question with their positions in the file.
fn chosen<'c>(cases: &'c [Case], id: Option<&str>) -> Result<Vec<(usize, &'c Case)>, Failure> {
    let all = cases.iter().enumerate();
    let Some(id) = id else {
        return Ok(all.collect());
    };
    let found: Vec<_> = all.filter(|(_, case)| case.id == id).collect();
    if found.is_empty() {
        let ids: Vec<&str> = cases.iter().map(|case| case.id.as_str()).collect();
        return Err(unknown("case", id, &ids));
    }
    Ok(found)
}

/// The step of a name: the name itself, a part of one only, or the number of a step of the first case.
fn named<'c>(cases: &[(usize, &'c Case)], wanted: &str) -> Result<(usize, &'c Case, Question), Failure> {
    let mut steps: Vec<(usize, &Case, Question, Option<&str>)> = Vec::new();
    for (document, case) in cases {
        for question in questions(case) {
            let name = match question {
                Question::Step(position) => case.steps[position].name(),
                Question::Request(_) => None,
            };
            steps.push((*document, case, question, name));
        }
    }
    let answer =
        |(document, case, question, _): &(usize, &'c Case, Question, Option<&str>)| (*document, *case, *question);
    if let Some(step) = steps.iter().find(|(.., name)| *name == Some(wanted)) {
        return Ok(answer(step));
    }
    if let Ok(number) = wanted.parse::<usize>() {
        let place = number.checked_sub(1);
        let first = cases.first().map(|(document, _)| *document);
        let step = steps.iter().find(|(document, _, question, _)| {
            let position = match question {
                Question::Step(position) | Question::Request(position) => *position,
            };
            Some(*document) == first && Some(position) == place
        });
        if let Some(step) = step {
            return Ok(answer(step));
        }
    }
    let parts: Vec<_> = steps
        .iter()
        .filter(|(.., name)| name.is_some_and(|name| name.contains(wanted)))
        .collect();
    match parts.as_slice() {
        [one] => Ok(answer(one)),
        [] => {
            let names: Vec<&str> = steps.iter().filter_map(|(.., name)| *name).collect();
            Err(unknown("step", wanted, &names))
        }
        several => Err(Failure::message(
            Exit::Usage,
            format!("`{wanted}` is a part of the names of {} steps", several.len()),
            format!(
                "one of: {}",
                several
                    .iter()
                    .filter_map(|(.., name)| name.map(|name| format!("`{name}`")))
                    .collect::<Vec<_>>()
                    .join(", ")
            ),
        )),
    }
}

/// The first request or step that is denied.
fn first_denied<'c>(cases: &[(usize, &'c Case)]) -> Result<(usize, &'c Case, Question), Failure> {
    let mut asked = 0;
    for (document, case) in cases {
        for question in questions(case) {
            asked += 1;
            let run = Run::of(case, question).map_err(|error| bad(case, &error))?;
            if run.ruling.decision == Decision::Deny {
                return Ok((*document, case, question));
            }
        }
    }
    Err(Failure::message(
        Exit::NothingRan,
        format!("nothing is denied here ({asked} asked)"),
        "name a step with --step to have it explained all the same",
    ))
}

fn unknown(what: &str, name: &str, known: &[&str]) -> Failure {
    let help = match nearest(name, known.iter().copied()) {
        Some(near) => format!("did you mean `{near}`?"),
        None if known.is_empty() => "the requests of an evaluator case have numbers, from 1".to_owned(),
        None => {
            let some: Vec<String> = known.iter().take(8).map(|name| format!("`{name}`")).collect();
            format!(
                "there are {}{}",
                some.join(", "),
                if known.len() > 8 { ", …" } else { "" }
            )
        }
    };
    Failure::message(Exit::Usage, format!("no {what} is named `{name}`"), help)
}

fn bad(case: &Case, error: &AskError) -> Failure {
    Failure::message(
        Exit::Usage,
        format!("`{}`: {error}", case.id),
        "the case cannot be run as it is",
    )
}
