//! `countersign evaluate`: the model as an oracle. Without a file it speaks the stdio protocol; with files it answers every request and
//! step in them, one line each, and compares with what the file expects.

use std::io::{IsTerminal as _, Write};
use std::path::PathBuf;

use clap::Args;
use countersign_model::case::check::{View, expectation};
use countersign_model::case::load::{Syntax, load_all};
use countersign_model::case::{Case, EvaluatorPrincipal, Step};
use countersign_model::evaluate::case::{run as run_evaluator, save};
use countersign_model::quirks::Quirks;
use countersign_model::world::{CURRENT_DATE, World};
use serde_json::{Value, json};

use super::{Exit, Failure, files, print};
use crate::protocol::{evaluator_answer, save_answer, serve, step_answer};
use crate::report::plain;

/// `evaluate`.
#[derive(Debug, Clone, Args)]
pub(super) struct EvaluateArguments {
    /// Case files; without one, the stdio protocol: one JSON object a line in, one out.
    #[arg(value_name = "FILE")]
    files: Vec<PathBuf>,
    /// One JSON object a line for every request.
    #[arg(long)]
    json: bool,
}

pub(super) fn run(arguments: &EvaluateArguments) -> Result<Exit, Failure> {
    if arguments.files.is_empty() {
        return protocol();
    }
    let mut tally = Tally::default();
    let mut out = Vec::new();
    for file in &arguments.files {
        let name = file.display().to_string();
        let text = files::text_of(file)?;
        let cases = load_all(&name, &text, Syntax::of_file(&name)).map_err(|error| Failure::new(Exit::Usage, error))?;
        for case in &cases {
            let lines = if case.world.is_some() {
                steps(case, &name)?
            } else {
                requests(case, &name)?
            };
            for line in lines {
                tally.add(&line);
                if arguments.json {
                    writeln!(out, "{}", line.json(&case.id))?;
                } else {
                    line.write(&case.id, &mut out)?;
                }
            }
        }
    }
    if tally.asked == 0 {
        return Err(Failure::message(
            Exit::NothingRan,
            "these files ask nothing",
            "give an evaluator case, or a case with a world and steps",
        ));
    }
    if !arguments.json {
        writeln!(
            out,
            "{} asked: {} as expected, {} otherwise, {} without expectation",
            tally.asked,
            tally.asked - tally.differing - tally.open,
            tally.differing,
            tally.open
        )?;
    }
    print(&out)?;
    Ok(if tally.differing == 0 {
        Exit::Conformant
    } else {
        Exit::Divergence
    })
}

/// Answers on standard input and output until the other side goes.
fn protocol() -> Result<Exit, Failure> {
    let input = std::io::stdin();
    if input.is_terminal() {
        eprintln!(
            "the stdio protocol: one JSON object a line, such as {{\"cmd\":\"hello\",\"protocol\":1}}; end with Ctrl-D"
        );
    }
    match serve(input.lock(), std::io::stdout().lock()) {
        Ok(()) => Ok(Exit::Conformant),
        // The client closed its end: it has what it wanted.
        Err(error) if error.kind() == std::io::ErrorKind::BrokenPipe => Ok(Exit::Conformant),
        Err(error) => Err(error.into()),
    }
}

/// One answer.
struct Line {
    /// Which request or step.
    name: String,
    /// What was asked, for people.
    asked: String,
    /// The decision, and who is blamed or which code came.
    answer: String,
    /// Everything, in the form of the protocol.
    details: Value,
    /// In what it differs from the expectation; none if nothing was expected.
    differences: Option<Vec<String>>,
}

impl Line {
    fn write(&self, case: &str, out: &mut impl Write) -> std::io::Result<()> {
        let mark = match &self.differences {
            None => "-",
            Some(none) if none.is_empty() => "ok",
            Some(_) => "DIFFERS",
        };
        let line = format!("{mark:<8}{:<24} {case} · {}: {}", self.answer, self.name, self.asked);
        writeln!(out, "{}", plain(&line).replace('\n', " "))?;
        for difference in self.differences.iter().flatten() {
            writeln!(out, "        {}", plain(difference).replace('\n', " "))?;
        }
        Ok(())
    }

    fn json(&self, case: &str) -> Value {
        let mut line = json!({"case": case, "name": self.name});
        if let Some(differences) = &self.differences {
            line["as_expected"] = differences.is_empty().into();
            line["differences"] = json!(differences);
        }
        if let (Some(members), Value::Object(details)) = (line.as_object_mut(), &self.details) {
            members.extend(details.clone());
        }
        line
    }
}

#[derive(Default)]
struct Tally {
    asked: usize,
    differing: usize,
    open: usize,
}

impl Tally {
    fn add(&mut self, line: &Line) {
        self.asked += 1;
        match &line.differences {
            None => self.open += 1,
            Some(differences) => self.differing += usize::from(!differences.is_empty()),
        }
    }
}

/// Every request and every document to be saved of an evaluator case.
fn requests(case: &Case, file: &str) -> Result<Vec<Line>, Failure> {
    let Some(evaluate) = &case.evaluate else {
        return Ok(Vec::new());
    };
    let bad = |why: String| {
        Failure::message(
            Exit::Usage,
            format!("{file}: `{}`: {why}", case.id),
            "see scenarios/schema/case.schema.json for the form of an evaluator case",
        )
    };
    let quirks = Quirks::from_overrides(&case.quirks).map_err(|error| bad(error.to_string()))?;
    let as_of = case.as_of.unwrap_or(CURRENT_DATE);
    let answers = run_evaluator(evaluate, &quirks, as_of).map_err(|fault| bad(fault.to_string()))?;
    let asked = evaluate.request.iter().chain(&evaluate.requests);
    let mut lines: Vec<Line> = asked
        .zip(&answers)
        .enumerate()
        .map(|(position, (request, answer))| {
            let details = evaluator_answer(answer);
            let expect = request.expect.as_ref().or(case.expect.as_ref());
            Line {
                name: format!("request {}", position + 1),
                asked: format!(
                    "{} {} on {}",
                    caller(&request.principal),
                    request.action,
                    request.resource
                ),
                answer: words(&details, "decision", "blamed"),
                differences: expect.map(|expect| answer.meets(expect).err().into_iter().collect()),
                details,
            }
        })
        .collect();
    lines.extend(evaluate.saves.iter().enumerate().map(|(position, wish)| {
        let answer = save(wish, as_of);
        let word = if answer.refusal.is_none() { "saved" } else { "refused" };
        let rule = answer.refusal.as_ref().map(|refusal| format!(" ({})", refusal.rule));
        Line {
            name: format!("document {}", position + 1),
            asked: format!("save a {}", wish.kind.words()),
            answer: format!("{word}{}", rule.unwrap_or_default()),
            details: save_answer(&answer),
            differences: wish
                .expect
                .as_ref()
                .map(|expect| answer.meets(expect).err().into_iter().collect()),
        }
    }));
    Ok(lines)
}

/// Every step of a case with a world that somebody answers.
fn steps(case: &Case, file: &str) -> Result<Vec<Line>, Failure> {
    let bad = |why: String| {
        Failure::message(
            Exit::Usage,
            format!("{file}: `{}`: {why}", case.id),
            "the case cannot be run as it is",
        )
    };
    let mut world = World::new(case).map_err(|error| bad(error.to_string()))?;
    let mut lines = Vec::new();
    for (position, step) in case.steps.iter().enumerate() {
        let name = step
            .name()
            .map_or_else(|| format!("step {}", position + 1), str::to_owned);
        let outcome = world.apply(step).map_err(|error| bad(format!("{name}: {error}")))?;
        let asked = match step {
            Step::Call(call) => call.call.to_string(),
            Step::Invoke(invoke) => format!("start of function {}", invoke.function),
            Step::Advance(_) | Step::Settle { .. } | Step::Arrange(_) => continue,
        };
        let differences = step.expect().map(|expect| {
            let resolve = |text: &str| world.resolve_text(text).map_err(|error| error.to_string());
            expectation(expect, &View::from(&outcome), &resolve)
                .iter()
                .map(ToString::to_string)
                .collect()
        });
        let details = step_answer(&outcome);
        lines.push(Line {
            name,
            asked,
            answer: words(&details, "decision", "code"),
            details,
            differences,
        });
    }
    Ok(lines)
}

/// Two members of an answer: `deny (AccessDenied)`.
fn words(details: &Value, first: &str, second: &str) -> String {
    let text = |name: &str| details.get(name).and_then(Value::as_str);
    match (text(first), text(second)) {
        (Some(first), Some(second)) => format!("{first} ({second})"),
        (first, _) => first.unwrap_or_default().to_owned(),
    }
}

fn caller(principal: &EvaluatorPrincipal) -> String {
    match principal {
        EvaluatorPrincipal::Arn(arn) => arn.clone(),
        EvaluatorPrincipal::Service { service } => service.clone(),
        other => serde_json::to_string(other).unwrap_or_default(),
    }
}
