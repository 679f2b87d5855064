//! One half of a pair: what went in, what came out, and the rules its trace names.

use std::collections::{BTreeMap, BTreeSet};

use countersign_model::case::check::{View, expectation, value_at};
use countersign_model::case::{Case, EvaluatorCase, EvaluatorRequest, EvaluatorSave, Expect, Step};
use countersign_model::coverage::rules_of_answer;
use countersign_model::evaluate::case::{Answer, run, save};
use countersign_model::outcome::Outcome;
use countersign_model::quirks::Quirks;
use countersign_model::world::World;
use jiff::civil::Date;
use serde_json::{Value, json};

use super::TODAY;

/// One half of a pair.
#[derive(Debug)]
pub(crate) struct Side {
    /// The input without names and expectations.
    pub(crate) input: Value,
    /// What came out: decision, blame, code, message; output and trail where the pair is about them.
    pub(crate) outcome: Value,
    /// The rules of the trace.
    pub(crate) named: BTreeSet<String>,
    /// The rules the case is about.
    pub(crate) about: Vec<String>,
    /// Expectations that do not hold.
    pub(crate) faults: Vec<String>,
}

/// The two halves of a pair: two requests, saves or observed steps of one case, or one each of two cases.
pub(crate) fn sides(cases: &[Case]) -> Result<[Side; 2], String> {
    let mut halves = Vec::new();
    for case in cases {
        let mut played = play(case)?;
        if cases.len() > 1 {
            let input = whole(case);
            played.iter_mut().for_each(|side| side.input = input.clone());
        }
        halves.extend(played);
    }
    let count = halves.len();
    halves
        .try_into()
        .map_err(|_| format!("a pair has two halves, not {count}"))
}

/// A case as it stands, without what names, explains and expects.
fn whole(case: &Case) -> Value {
    let mut value = serde_json::to_value(case).expect("a case can be written");
    strip(
        &mut value,
        &["id", "title", "source", "evidence", "rules", "origin", "expect"],
    );
    value
}

/// Takes members out, at every depth of the case's own structure.
fn strip(value: &mut Value, names: &[&str]) {
    match value {
        Value::Object(members) => {
            for name in names {
                members.shift_remove(*name);
            }
            // The insides of documents are input, whatever their members are called.
            let own = ["evaluate", "requests", "saves", "steps"];
            for (_, member) in members.iter_mut().filter(|(name, _)| own.contains(&name.as_str())) {
                strip(member, &["name", "expect"]);
            }
        }
        Value::Array(items) => items.iter_mut().for_each(|item| strip(item, names)),
        _ => {}
    }
}

fn play(case: &Case) -> Result<Vec<Side>, String> {
    let Some(evaluate) = &case.evaluate else {
        return play_world(case);
    };
    let as_of = case.as_of.unwrap_or(TODAY);
    let mut sides = ask(case, evaluate, as_of)?;
    sides.extend(evaluate.saves.iter().map(|document| save_one(case, document, as_of)));
    Ok(sides)
}

fn ask(case: &Case, evaluate: &EvaluatorCase, as_of: Date) -> Result<Vec<Side>, String> {
    let quirks = Quirks::from_overrides(&case.quirks).map_err(|error| error.to_string())?;
    let answers = run(evaluate, &quirks, as_of).map_err(|error| error.to_string())?;
    let requests = evaluate.request.iter().chain(&evaluate.requests);
    Ok(requests
        .zip(answers)
        .map(|(request, answer)| asked(case, evaluate, request, &answer))
        .collect())
}

fn asked(case: &Case, evaluate: &EvaluatorCase, request: &EvaluatorRequest, answer: &Answer) -> Side {
    let expect = request.expect.as_ref().or(case.expect.as_ref());
    let fault = match expect.map(|expect| answer.meets(expect)) {
        Some(Ok(())) => None,
        Some(Err(difference)) => Some(difference),
        None => Some("it expects nothing".to_owned()),
    };
    Side {
        input: without_expectation(request),
        outcome: outcome_of(answer),
        named: rules_of_answer(answer, evaluate, request)
            .iter()
            .map(ToString::to_string)
            .collect(),
        about: case.rules.clone(),
        faults: fault.into_iter().collect(),
    }
}

/// What an answer comes to, for comparison.
pub(crate) fn outcome_of(answer: &Answer) -> Value {
    let message = match answer {
        Answer::Decided(check) => check.message.clone(),
        Answer::Unusable { error, .. } => Some(error.message.clone()),
    };
    json!({"decision": answer.decision(), "blamed": answer.blamed(), "message": message})
}

fn save_one(case: &Case, document: &EvaluatorSave, as_of: Date) -> Side {
    let answer = save(document, as_of);
    let fault = match document.expect.as_ref().map(|expect| answer.meets(expect)) {
        Some(Ok(())) => None,
        Some(Err(difference)) => Some(difference),
        None => Some("it expects nothing".to_owned()),
    };
    let refusal = answer.refusal.as_ref();
    Side {
        input: without_expectation(document),
        outcome: json!({
            "saved": refusal.is_none(),
            "rule": refusal.map(|refusal| refusal.rule.as_str()),
            "message": refusal.map(|refusal| refusal.message.as_str()),
        }),
        named: answer.rules.iter().map(ToString::to_string).collect(),
        about: case.rules.clone(),
        faults: fault.into_iter().collect(),
    }
}

fn without_expectation(part: &impl serde::Serialize) -> Value {
    let mut value = serde_json::to_value(part).expect("a part of a case can be written");
    if let Some(members) = value.as_object_mut() {
        members.shift_remove("expect");
        members.shift_remove("name");
    }
    value
}

fn play_world(case: &Case) -> Result<Vec<Side>, String> {
    let mut world = World::new(case).map_err(|error| error.to_string())?;
    let shown = Shown::of(case);
    let mut saved = BTreeMap::new();
    let mut sides = Vec::new();
    for step in &case.steps {
        let outcome = world.apply(step).map_err(|error| error.to_string())?;
        if let Some(expect) = step.expect() {
            let resolve = |text: &str| world.resolve_text(text).map_err(|error| error.to_string());
            let faults = expectation(expect, &View::from(&outcome), &resolve);
            sides.push(Side {
                input: without_expectation(step),
                outcome: shown.of_step(&outcome, &saved),
                named: outcome.all_rules().iter().map(ToString::to_string).collect(),
                about: case.rules.clone(),
                faults: faults.iter().map(ToString::to_string).collect(),
            });
        }
        if let (Step::Call(call), Some(output)) = (step, &outcome.output) {
            let values = call
                .save
                .iter()
                .filter_map(|(name, path)| Some((value_at(output, path)?, name)));
            saved.extend(values.filter_map(|(value, name)| Some((value.as_str()?.to_owned(), name.clone()))));
        }
    }
    Ok(sides)
}

/// What of a step the halves of a pair are compared by: what the caller sees of the decision, and the output or the trail where the
/// pair expects something of it.
struct Shown {
    output: bool,
    trail: bool,
}

impl Shown {
    fn of(case: &Case) -> Self {
        let expects = |wanted: fn(&Expect) -> bool| case.steps.iter().filter_map(Step::expect).any(wanted);
        Self {
            output: expects(|expect| expect.output.is_some()),
            trail: expects(|expect| expect.trail.is_some()),
        }
    }

    fn of_step(&self, outcome: &Outcome, saved: &BTreeMap<String, String>) -> Value {
        let mut visible = json!({
            "decision": outcome.decision,
            "code": outcome.code,
            "status": outcome.status,
            "message": outcome.message,
        });
        if self.output {
            let mut output = json!(outcome.output);
            name_values(&mut output, outcome.fresh.values().collect(), saved);
            visible["output"] = output;
        }
        if self.trail {
            visible["trail"] = json!(outcome.trail);
        }
        visible
    }
}

/// Values that the target chooses say nothing by themselves: an earlier step's saved value goes by its name, every other is just new.
fn name_values(value: &mut Value, chosen: Vec<&String>, saved: &BTreeMap<String, String>) {
    match value {
        Value::Object(members) => members
            .values_mut()
            .for_each(|value| name_values(value, chosen.clone(), saved)),
        Value::Array(items) => items
            .iter_mut()
            .for_each(|value| name_values(value, chosen.clone(), saved)),
        Value::String(text) => {
            if let Some(name) = saved.get(text) {
                *value = format!("{{{{saved.{name}}}}}").into();
            } else if chosen.contains(&&*text) {
                *value = "new".into();
            }
        }
        _ => {}
    }
}
