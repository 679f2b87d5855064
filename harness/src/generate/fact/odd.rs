//! Forms of conditions that people seldom write and services get wrong: no values at all, a default for a variable, a lone star, a bare
//! year. What they come to is written down here as in the tables of condition operators, under the default readings.

use super::super::dice::Dice;
use super::super::vocabulary::WORDS;
use super::Known;

/// A rare condition on a value of this kind that holds or fails; none where there is no such form.
pub(super) fn form(dice: &mut Dice<'_, '_>, value: &Known, holds: bool) -> Option<(String, Vec<String>)> {
    match value {
        Known::Text(text) => on_text(dice, text, holds),
        // A lone star is no ARN (`iam:C-53`).
        Known::Arn(_) if holds => one("ArnNotLike", "*"),
        Known::Arn(_) => one("ArnLike", "*"),
        // Variables are not replaced under Bool (`iam:C-34`).
        Known::Bool(_) if !holds => one("Bool", "${aws:ViaAWSService}"),
        // Four digits are seconds since 1970 (`iam:C-32`).
        Known::Time { year } if holds => one("DateGreaterThan", &(year + 5).to_string()),
        Known::Time { year } => one("DateLessThan", &(year + 5).to_string()),
        Known::Many(values) => on_many(dice, values, holds),
        Known::Absent => on_absent(dice, holds),
        Known::AbsentPlain if holds => none("StringEqualsIfExists"),
        Known::AbsentPlain => none("StringEquals"),
        Known::Number(_) if !holds => none("NumericEquals"),
        _ => None,
    }
}

fn on_text(dice: &mut Dice<'_, '_>, text: &str, holds: bool) -> Option<(String, Vec<String>)> {
    // The text stands between quotes in a variable, where a reference or a quote has no place.
    let plain = !text.is_empty() && !text.contains(['{', '}', '\'', '$', '*', '?']);
    match (dice.below(6), holds) {
        // `iam:C-60`: a star in StringEquals is a star.
        (3, false) if plain => one("StringEquals", &format!("{}*", &text[..text.floor_char_boundary(2)])),
        (3, true) if plain => one("StringNotEquals", &format!("{text}*")),
        // `iam:C-71`: both values.
        (4, true) => Some(("Null".to_owned(), vec!["true".to_owned(), "FALSE".to_owned()])),
        // `iam:C-84`: a negated operator without values.
        (5, true) => none("StringNotEquals"),
        // `iam:C-63`: a blank is a letter.
        (5, false) if plain => one("StringEquals", &format!("{text} ")),
        // `iam:V-06`: the default of a variable without value.
        (0 | 1, true) if plain => one("StringEquals", &format!("${{aws:PrincipalTag/nothing, '{text}'}}")),
        (0, false) if plain => {
            let word = dice.pick(WORDS);
            one("StringEquals", &format!("${{aws:PrincipalTag/nothing, '{word}-0'}}"))
        }
        // `iam:V-07`: a star that is only a star.
        (1, false) if plain => one("StringLike", &format!("{text}${{*}}")),
        (_, true) if plain => one("StringNotLike", &format!("{text}${{?}}")),
        // `iam:C-80`: none of no values.
        (_, false) => none("StringEquals"),
        _ => None,
    }
}

fn on_many(dice: &mut Dice<'_, '_>, values: &[String], holds: bool) -> Option<(String, Vec<String>)> {
    let empty = values.is_empty();
    match (dice.below(3), holds) {
        // `iam:C-72`.
        (0, true) => one("ForAllValues:Null", "true"),
        (0, false) => one("ForAnyValue:Null", "false"),
        // `iam:C-91`: set operators exist for every operator.
        (1, true) if !empty => one("ForAnyValue:StringLike", &values[0]),
        // `iam:C-81`, `iam:C-82`.
        (1, false) if !empty => none("ForAllValues:StringEquals"),
        (_, false) => none("ForAnyValue:StringEquals"),
        (_, true) if empty => none("ForAllValues:StringEquals"),
        _ => None,
    }
}

fn on_absent(dice: &mut Dice<'_, '_>, holds: bool) -> Option<(String, Vec<String>)> {
    let word = *dice.pick(WORDS);
    match (dice.below(3), holds) {
        // `iam:C-83`.
        (0, true) => none("StringEqualsIfExists"),
        (1, true) => none("ForAllValues:StringEquals"),
        // The negated operators under ForAnyValue need a value (`iam:C-90`).
        (0, false) => one("ForAnyValue:StringNotEquals", word),
        (1, false) => none("StringEquals"),
        (_, true) => one("StringNotEquals", &format!("${{aws:PrincipalTag/nothing, '{word}'}}")),
        (_, false) => one("StringEquals", &format!("${{aws:PrincipalTag/nothing, '{word}'}}")),
    }
}

fn one(operator: &str, value: &str) -> Option<(String, Vec<String>)> {
    Some((operator.to_owned(), vec![value.to_owned()]))
}

fn none(operator: &str) -> Option<(String, Vec<String>)> {
    Some((operator.to_owned(), Vec::new()))
}
