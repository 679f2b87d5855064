//! What is known about a request before it is made, and conditions that hold or fail because of it. The facts mirror the tables of
//! condition keys; whether a policy with such a condition allows anything is not decided here.

mod odd;
mod rare;

use super::dice::Dice;
use super::statement::Condition;
use super::vocabulary::WORDS;

/// One condition key of a request, as far as the generator can know it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Fact {
    pub(super) key: String,
    pub(super) value: Known,
    /// Only identity policies may speak of it (`kms:ResourceAliases`).
    pub(super) identity_only: bool,
}

/// What is known of a key's value.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Known {
    /// This text.
    Text(String),
    /// This ARN.
    Arn(String),
    /// True or false.
    Bool(bool),
    /// This address.
    Address(String),
    /// This number.
    Number(i64),
    /// The Case clock: a moment between the two years, which hold it strictly.
    Time { year: i16 },
    /// These values of a multivalued key.
    Many(Vec<String>),
    /// Some text that is not known here.
    Present,
    /// At least one text that is not known here.
    PresentMany,
    /// The key is not in the request.
    Absent,
    /// The key is not in the request; an ARN would be expected.
    AbsentArn,
    /// The key is not in the request, and policies may not use set operators on it.
    AbsentPlain,
}

impl Fact {
    pub(super) fn new(key: impl Into<String>, value: Known) -> Self {
        Self {
            key: key.into(),
            value,
            identity_only: false,
        }
    }

    pub(super) fn text(key: impl Into<String>, value: impl Into<String>) -> Self {
        Self::new(key, Known::Text(value.into()))
    }

    pub(super) fn absent(key: impl Into<String>) -> Self {
        Self::new(key, Known::Absent)
    }
}

/// A condition on one of the facts that holds (`holds`) or fails. `None` when there is no fact.
pub(super) fn condition(dice: &mut Dice<'_, '_>, facts: &[Fact], holds: bool) -> Option<Condition> {
    if facts.is_empty() {
        return None;
    }
    let fact = dice.pick(facts).clone();
    let mut condition = on_fact(dice, &fact, holds);
    if dice.below(14) == 0 {
        // Key names have no case (`iam:C-02`).
        condition.key = if dice.coin() {
            condition.key.to_ascii_lowercase()
        } else {
            swap_case(&condition.key)
        };
    }
    Some(condition)
}

/// A condition on this very fact.
pub(super) fn on_fact(dice: &mut Dice<'_, '_>, fact: &Fact, holds: bool) -> Condition {
    let rare = if dice.below(12) == 0 {
        odd::form(dice, &fact.value, holds)
    } else {
        None
    };
    if let Some((operator, values)) = rare {
        return Condition {
            operator,
            key: fact.key.clone(),
            values,
        };
    }
    let (operator, values) = match &fact.value {
        Known::Text(text) => on_text(dice, text, holds, "String"),
        Known::Arn(arn) => on_arn(dice, arn, holds),
        Known::Bool(value) => on_bool(dice, *value, holds),
        Known::Address(address) => on_address(dice, address, holds),
        Known::Number(number) => on_number(dice, *number, holds),
        Known::Time { year } => on_time(dice, *year, holds),
        Known::Many(values) => on_many(dice, values, holds),
        Known::Present => on_present(dice, holds),
        Known::PresentMany => on_present_many(dice, holds),
        Known::Absent => on_absent(dice, holds, true),
        Known::AbsentPlain => on_absent(dice, holds, false),
        Known::AbsentArn => on_absent_arn(dice, holds),
    };
    Condition {
        operator,
        key: fact.key.clone(),
        values,
    }
}

/// A word that is not the fact's value.
fn other(dice: &mut Dice<'_, '_>) -> String {
    if dice.below(24) == 0 {
        // A variable without value equals nothing (`iam:V-08`).
        return "${aws:PrincipalTag/nothing}".to_owned();
    }
    format!("{}-{}", dice.pick(WORDS), dice.below(90) + 10)
}

fn on_text(dice: &mut Dice<'_, '_>, text: &str, holds: bool, family: &str) -> (String, Vec<String>) {
    let wrong = other(dice);
    // A reference stands for a text that is not known here: no part of it can be cut, no case changed.
    let plain = !text.contains("{{") && !text.contains("${");
    let prefix: String = text.chars().take(text.chars().count().min(3)).collect();
    let like = if plain && !text.is_empty() {
        format!("{prefix}*")
    } else {
        format!("{text}*")
    };
    if holds {
        match dice.below(38) / 4 {
            0 | 1 => (format!("{family}Equals"), vec![text.to_owned()]),
            2 => (format!("{family}Equals"), shuffled(dice, vec![text.to_owned(), wrong])),
            3 => (format!("{family}Like"), vec![like]),
            4 if plain => (format!("{family}EqualsIgnoreCase"), vec![swap_case(text)]),
            5 => (format!("{family}NotEquals"), vec![wrong]),
            6 => (format!("{family}EqualsIfExists"), vec![text.to_owned()]),
            7 => (format!("{family}NotLike"), vec![format!("{wrong}*")]),
            8 => ("Null".to_owned(), vec!["false".to_owned()]),
            // What is no number is unequal to every number (`iam:C-37`).
            _ if plain && text.parse::<f64>().is_err() => ("NumericNotEquals".to_owned(), vec!["5".to_owned()]),
            _ => (format!("{family}Equals"), vec![text.to_owned()]),
        }
    } else {
        match dice.below(34) / 4 {
            0 | 1 => (format!("{family}Equals"), vec![wrong]),
            2 => (
                format!("{family}NotEquals"),
                shuffled(dice, vec![text.to_owned(), wrong]),
            ),
            3 => (format!("{family}NotLike"), vec![like]),
            4 if plain && swap_case(text) != text => (format!("{family}Equals"), vec![swap_case(text)]),
            5 => (format!("{family}EqualsIfExists"), vec![wrong]),
            6 => (format!("{family}Like"), vec![format!("{wrong}*"), "?".to_owned()]),
            7 => ("Null".to_owned(), vec!["true".to_owned()]),
            _ if plain && text.parse::<f64>().is_err() => ("NumericLessThan".to_owned(), vec!["5".to_owned()]),
            _ => (format!("{family}NotEquals"), vec![text.to_owned()]),
        }
    }
}

fn on_arn(dice: &mut Dice<'_, '_>, arn: &str, holds: bool) -> (String, Vec<String>) {
    let wrong = format!("arn:aws:iam::999988887777:user/{}", dice.pick(WORDS));
    match (dice.below(6), holds) {
        (0, true) => ("ArnEquals".to_owned(), vec![arn.to_owned()]),
        (1, true) => ("ArnLike".to_owned(), shuffled(dice, vec![arn.to_owned(), wrong])),
        (2, true) => ("ArnNotLike".to_owned(), vec![wrong]),
        (3, true) => ("ArnNotEquals".to_owned(), vec![wrong]),
        (4, true) => ("ArnLikeIfExists".to_owned(), vec![arn.to_owned()]),
        (0, false) => ("ArnLike".to_owned(), vec![wrong]),
        (1, false) => ("ArnEquals".to_owned(), vec![wrong]),
        (2, false) => ("ArnNotLike".to_owned(), shuffled(dice, vec![arn.to_owned(), wrong])),
        (3, false) => ("ArnNotEquals".to_owned(), vec![arn.to_owned()]),
        _ => on_text(dice, arn, holds, "String"),
    }
}

fn on_bool(dice: &mut Dice<'_, '_>, value: bool, holds: bool) -> (String, Vec<String>) {
    let written = (value == holds).to_string();
    match dice.below(5) {
        0 => ("BoolIfExists".to_owned(), vec![written]),
        1 => ("Null".to_owned(), vec![(!holds).to_string()]),
        2 => ("StringEquals".to_owned(), vec![written]),
        _ => ("Bool".to_owned(), vec![written]),
    }
}

fn on_address(dice: &mut Dice<'_, '_>, address: &str, holds: bool) -> (String, Vec<String>) {
    let around = match dice.below(3) {
        0 => format!("{address}/32"),
        1 => address.to_owned(),
        _ => format!("{}.0.0.0/8", address.split('.').next().unwrap_or("127")),
    };
    let elsewhere = format!("198.51.{}.0/24", dice.below(200));
    match (dice.below(5), holds) {
        (0, true) => ("IpAddress".to_owned(), shuffled(dice, vec![around, elsewhere])),
        (1 | 2, true) => ("NotIpAddress".to_owned(), vec![elsewhere]),
        (_, true) => ("IpAddress".to_owned(), vec![around]),
        (0, false) => ("NotIpAddress".to_owned(), shuffled(dice, vec![around, elsewhere])),
        (1, false) => ("NotIpAddress".to_owned(), vec![around]),
        (2, false) => ("IpAddressIfExists".to_owned(), vec![elsewhere]),
        (_, false) => ("IpAddress".to_owned(), vec![elsewhere]),
    }
}

fn on_number(dice: &mut Dice<'_, '_>, number: i64, holds: bool) -> (String, Vec<String>) {
    let above = number + 1 + i64::from(dice.below(50));
    let below = number - 1 - i64::from(dice.below(50));
    let (operator, value) = match (dice.below(4), holds) {
        (0, true) => ("NumericEquals", number),
        (1, true) => ("NumericLessThanEquals", if dice.coin() { number } else { above }),
        (2, true) => ("NumericGreaterThan", below),
        (_, true) => ("NumericNotEquals", above),
        (0, false) => ("NumericEquals", above),
        (1, false) => ("NumericLessThan", if dice.coin() { number } else { below }),
        (2, false) => ("NumericGreaterThanEquals", above),
        (_, false) => ("NumericNotEquals", number),
    };
    (operator.to_owned(), vec![value.to_string()])
}

fn on_time(dice: &mut Dice<'_, '_>, year: i16, holds: bool) -> (String, Vec<String>) {
    let distance = 1 + i16::try_from(dice.below(3)).unwrap_or(1);
    let (early, late) = (year - distance, year + 1 + distance);
    let (operator, at) = match (dice.below(4), holds) {
        (0 | 1, true) => ("DateLessThan", late),
        (2, true) => ("DateGreaterThan", early),
        (_, true) => ("DateNotEquals", early),
        (0 | 1, false) => ("DateLessThan", early),
        (2, false) => ("DateGreaterThanEquals", late),
        (_, false) => ("DateEquals", late),
    };
    (
        operator.to_owned(),
        vec![if dice.coin() {
            format!("{at}-01-01T00:00:00Z")
        } else {
            format!("{at}-06-30")
        }],
    )
}

fn on_many(dice: &mut Dice<'_, '_>, values: &[String], holds: bool) -> (String, Vec<String>) {
    let wrong = other(dice);
    let one = if values.is_empty() {
        wrong.clone()
    } else {
        dice.pick(values).clone()
    };
    let all = |extra: String| values.iter().cloned().chain([extra]).collect::<Vec<_>>();
    match (dice.below(5), holds) {
        (0 | 1, true) => ("ForAnyValue:StringEquals".to_owned(), shuffled(dice, vec![one, wrong])),
        (2, true) => ("ForAllValues:StringEquals".to_owned(), all(wrong)),
        (3, true) => ("ForAllValues:StringNotEquals".to_owned(), vec![wrong]),
        (_, true) => ("Null".to_owned(), vec!["false".to_owned()]),
        (0 | 1, false) => ("ForAnyValue:StringEquals".to_owned(), vec![wrong]),
        (2, false) => ("ForAllValues:StringEquals".to_owned(), vec![wrong]),
        (3, false) => ("ForAllValues:StringNotEquals".to_owned(), vec![one]),
        (_, false) => ("Null".to_owned(), vec!["true".to_owned()]),
    }
}

fn on_present(dice: &mut Dice<'_, '_>, holds: bool) -> (String, Vec<String>) {
    let wrong = other(dice);
    let (operator, value) = match (dice.below(4), holds) {
        (0, true) => ("StringLike", "*".to_owned()),
        (1, true) => ("StringNotEquals", wrong),
        (_, true) => ("Null", "false".to_owned()),
        (0, false) => ("StringNotLike", "*".to_owned()),
        (1, false) => ("StringEquals", wrong),
        (_, false) => ("Null", "true".to_owned()),
    };
    (operator.to_owned(), vec![value])
}

fn on_present_many(dice: &mut Dice<'_, '_>, holds: bool) -> (String, Vec<String>) {
    let wrong = other(dice);
    let (operator, value) = match (dice.below(4), holds) {
        (0, true) => ("ForAnyValue:StringLike", "*".to_owned()),
        (1, true) => ("ForAllValues:StringNotEquals", wrong),
        (_, true) => ("Null", "false".to_owned()),
        (0, false) => ("ForAnyValue:StringEquals", wrong),
        (1, false) => ("ForAllValues:StringEquals", wrong),
        (_, false) => ("Null", "true".to_owned()),
    };
    (operator.to_owned(), vec![value])
}

fn on_absent(dice: &mut Dice<'_, '_>, holds: bool, set_operators: bool) -> (String, Vec<String>) {
    let operator = match (dice.below(7), holds) {
        (0 | 1, true) => "StringNotEquals",
        (2, true) => "StringNotLike",
        (3, true) => "StringEqualsIfExists",
        (4, true) if set_operators => "ForAllValues:StringEquals",
        (5, true) => *dice.pick(&[
            "StringNotEqualsIgnoreCase",
            "StringNotEqualsIfExists",
            "StringNotLikeIfExists",
        ]),
        (_, true) => return ("Null".to_owned(), vec!["true".to_owned()]),
        (0 | 1, false) => "StringEquals",
        (2, false) => "StringLike",
        (3, false) if set_operators => "ForAnyValue:StringEquals",
        (4, false) => "StringEqualsIgnoreCase",
        (_, false) => return ("Null".to_owned(), vec!["false".to_owned()]),
    };
    let value = if operator.ends_with("Like") && dice.coin() {
        "*".to_owned()
    } else {
        other(dice)
    };
    (operator.to_owned(), vec![value])
}

fn on_absent_arn(dice: &mut Dice<'_, '_>, holds: bool) -> (String, Vec<String>) {
    let value = match dice.below(3) {
        0 => "arn:aws:iam::*:*".to_owned(),
        1 => "arn:*:*:*:*:*".to_owned(),
        _ => format!("arn:aws:iam::111122223333:role/{}", dice.pick(WORDS)),
    };
    let operator = match (dice.below(6), holds) {
        (0, true) => "ArnNotLike",
        (1, true) => "ArnNotEquals",
        (2, true) => "StringNotLike",
        (3, true) => "ArnLikeIfExists",
        (_, true) => return ("Null".to_owned(), vec!["true".to_owned()]),
        (0, false) => "ArnLike",
        (1, false) => "ArnEquals",
        (2 | 3, false) => "StringLike",
        (_, false) => return ("Null".to_owned(), vec!["false".to_owned()]),
    };
    (operator.to_owned(), vec![value])
}

fn shuffled(dice: &mut Dice<'_, '_>, mut values: Vec<String>) -> Vec<String> {
    if dice.coin() {
        values.reverse();
    }
    values
}

fn swap_case(text: &str) -> String {
    text.chars()
        .map(|letter| {
            if letter.is_ascii_lowercase() {
                letter.to_ascii_uppercase()
            } else {
                letter.to_ascii_lowercase()
            }
        })
        .collect()
}
