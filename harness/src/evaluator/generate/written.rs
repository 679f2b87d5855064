//! Cases after written ones: a question of the corpus in which a few facts are others. What somebody once thought worth writing down has
//! a rule in it that a drawn scene would seldom meet; its neighbours are where a careless reading of that rule shows.

use std::sync::LazyLock;

use countersign_model::case::load::{Syntax, load_all};
use countersign_model::case::{Case, EvaluatorCase};
use countersign_model::evaluate;
use countersign_model::quirks::Quirks;
use countersign_model::world::CURRENT_DATE;
use serde_json::{Value, json};

use super::vocabulary::KEYS;
use crate::corpus;
use crate::evaluator::documents::all_statements;
use crate::evaluator::shrink;
use crate::generate::dice::Dice;

/// One fact that becomes another.
#[derive(Debug, Clone, Copy)]
enum Change {
    /// The request says something more, of which no policy speaks, or some does.
    MoreContext,
    /// A part is left out, or becomes simpler.
    Less,
    /// An Allow becomes a Deny, or the other way round.
    Effect,
}

const CHANGES: &[(u32, Change)] = &[(50, Change::MoreContext), (35, Change::Less), (15, Change::Effect)];

/// Weights of how many facts become others.
const HOW_MANY: &[(u32, u32)] = &[(60, 1), (30, 2), (10, 3)];

/// The questions of the corpus, each a case of its own without opinion.
static QUESTIONS: LazyLock<Vec<Case>> = LazyLock::new(|| {
    let files = corpus::FILES.iter().filter(|(name, _)| name.contains("evaluator/"));
    // Tests see to it that every file is read.
    let cases = files.flat_map(|(name, text)| load_all(name, text, Syntax::of_file(name)).unwrap_or_default());
    cases.flat_map(questions).collect()
});

fn questions(case: Case) -> Vec<Case> {
    let Some(evaluate) = case.evaluate else {
        return Vec::new();
    };
    let requests = evaluate.request.iter().chain(&evaluate.requests).cloned();
    requests
        .map(|mut request| {
            request.expect = None;
            Case {
                as_of: case.as_of,
                quirks: case.quirks.clone(),
                evaluate: Some(EvaluatorCase {
                    request: Some(request),
                    requests: Vec::new(),
                    saves: Vec::new(),
                    ..evaluate.clone()
                }),
                ..super::blank()
            }
        })
        .collect()
}

/// A question of the corpus with other facts; none where no change leaves a case that can be read.
pub(super) fn draw(dice: &mut Dice<'_, '_>) -> Option<Case> {
    if QUESTIONS.is_empty() {
        return None;
    }
    let written = &QUESTIONS[dice.position(QUESTIONS.len())];
    let mut case = written.clone();
    for _ in 0..dice.weighted(HOW_MANY) {
        match dice.weighted(CHANGES) {
            Change::MoreContext => more_context(dice, &mut case),
            Change::Less => {
                if let Some(less) = shrink::edited(&case, |among| dice.position(among)) {
                    case = less;
                }
            }
            Change::Effect => other_effect(dice, &mut case),
        }
    }
    (case != *written && can_be_asked(&case)).then_some(case)
}

/// Whether it has a request, by somebody who can call: a part that became another may have been the caller.
fn can_be_asked(case: &Case) -> bool {
    let Some(evaluate) = case.evaluate.as_ref().filter(|evaluate| evaluate.request.is_some()) else {
        return false;
    };
    Quirks::from_overrides(&case.quirks)
        .is_ok_and(|quirks| evaluate::case::run(evaluate, &quirks, case.as_of.unwrap_or(CURRENT_DATE)).is_ok())
}

fn more_context(dice: &mut Dice<'_, '_>, case: &mut Case) {
    let Some(request) = case.evaluate.as_mut().and_then(|evaluate| evaluate.request.as_mut()) else {
        return;
    };
    let key = dice.pick(KEYS);
    let value = if key.many {
        let kept = 1 + dice.position(key.values.len());
        json!(key.values[..kept])
    } else {
        json!(dice.pick(key.values))
    };
    if !request.context.keys().any(|known| known.eq_ignore_ascii_case(key.name)) {
        request.context.insert(key.name.to_owned(), value);
    }
}

fn other_effect(dice: &mut Dice<'_, '_>, case: &mut Case) {
    let Some(evaluate) = &mut case.evaluate else { return };
    let mut effects: Vec<&mut Value> = all_statements(&mut evaluate.policies)
        .into_iter()
        .filter_map(|statement| statement.get_mut("Effect"))
        .collect();
    if effects.is_empty() {
        return;
    }
    let at = dice.position(effects.len());
    let other = if *effects[at] == json!("Allow") {
        "Deny"
    } else {
        "Allow"
    };
    *effects[at] = json!(other);
}
