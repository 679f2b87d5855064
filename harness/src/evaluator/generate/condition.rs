//! Condition tests: ones that hold for the request by construction, and ones drawn from everything the language has.

use serde_json::{Map, Value, json};

use super::scene::{Scene, flip_case};
use super::vocabulary::{DERIVED, KEYS, Kind, OPERATORS, odd_values};
use crate::generate::dice::Dice;

/// One test of a condition block.
#[derive(Debug, Clone)]
struct Test {
    operator: String,
    key: String,
    values: Vec<Value>,
}

/// A block of up to `most` tests that hold.
pub(super) fn holding(dice: &mut Dice<'_, '_>, scene: &Scene, most: u32) -> Map<String, Value> {
    let mut block = Map::new();
    for _ in 0..=dice.below(most) {
        let test = holding_test(dice, scene);
        write(dice, &mut block, test);
    }
    block
}

/// Adds a test that may or may not hold.
pub(super) fn add_any(dice: &mut Dice<'_, '_>, scene: &Scene, block: &mut Map<String, Value>) {
    let test = any_test(dice, scene);
    write(dice, block, test);
}

/// A value in place of another one, borderline or unreadable ones included.
pub(super) fn odd_value(dice: &mut Dice<'_, '_>) -> Value {
    let kind = dice.pick(OPERATORS).1;
    json!(dice.pick(odd_values(kind)))
}

fn write(dice: &mut Dice<'_, '_>, block: &mut Map<String, Value>, test: Test) {
    let keys = block.entry(test.operator).or_insert_with(|| json!({}));
    let Value::Object(keys) = keys else { return };
    let values = match test.values.as_slice() {
        [one] if dice.percent(60) => one.clone(),
        _ => Value::Array(test.values),
    };
    keys.entry(test.key).or_insert(values);
}

fn holding_test(dice: &mut Dice<'_, '_>, scene: &Scene) -> Test {
    if dice.percent(22) {
        return absent_test(dice, scene);
    }
    let (key, kind, value) = dice.pick(&scene.present).clone();
    let mut test = match &value {
        Value::Array(list) => many_test(dice, list),
        other => one_test(dice, kind, &text_of(other)),
    };
    test.key = if dice.percent(6) { flip_case(&key) } else { key };
    if !test.operator.ends_with("Null") && dice.percent(12) {
        test.operator.push_str("IfExists");
    }
    test
}

/// A test that holds because the key is not there.
fn absent_test(dice: &mut Dice<'_, '_>, scene: &Scene) -> Test {
    let absent: Vec<&str> = KEYS
        .iter()
        .map(|key| key.name)
        .chain(["app:Nothing"])
        .filter(|name| {
            !scene
                .present
                .iter()
                .any(|(present, ..)| present.eq_ignore_ascii_case(name))
        })
        .collect();
    let key = (*dice.pick(&absent)).to_owned();
    let operator = *dice.pick(&[
        "StringNotEquals",
        "StringNotLike",
        "StringEqualsIfExists",
        "NumericNotEquals",
        "NotIpAddress",
        "ArnNotLike",
        "BoolIfExists",
        "NumericLessThanIfExists",
        "ForAllValues:StringEquals",
        "ForAllValues:StringNotLike",
        "ForAnyValue:StringEqualsIfExists",
        "Null",
    ]);
    let value = match operator {
        "Null" | "BoolIfExists" => "true",
        "NumericNotEquals" | "NumericLessThanIfExists" => "5",
        "NotIpAddress" => "10.0.0.0/8",
        "ArnNotLike" => "arn:aws:s3:::*",
        _ => "x",
    };
    Test {
        operator: operator.to_owned(),
        key,
        values: vec![json!(value)],
    }
}

fn many_test(dice: &mut Dice<'_, '_>, list: &[Value]) -> Test {
    let texts: Vec<String> = list.iter().map(text_of).collect();
    let null = texts.is_empty() || texts.iter().all(String::is_empty);
    let (operator, values) = if null {
        *dice.pick(&[("Null", "true"), ("ForAllValues:StringEquals", "x")])
    } else {
        *dice.pick(&[
            ("Null", "false"),
            ("ForAnyValue:StringEquals", ""),
            ("ForAllValues:StringEquals", ""),
            ("ForAllValues:StringLike", "*"),
            ("ForAnyValue:StringLike", "?*"),
            ("ForAnyValue:StringNotEquals", "none"),
            ("ForAllValues:StringNotEquals", "none"),
        ])
    };
    let values = match operator {
        "ForAnyValue:StringEquals" => vec![json!(dice.pick(&texts))],
        "ForAllValues:StringEquals" if !null => texts.iter().map(|text| json!(text)).chain([json!("none")]).collect(),
        _ => vec![json!(values)],
    };
    Test {
        operator: operator.to_owned(),
        key: String::new(),
        values,
    }
}

fn one_test(dice: &mut Dice<'_, '_>, kind: Kind, value: &str) -> Test {
    let kind = if dice.percent(12) { Kind::Text } else { kind };
    let (operator, value): (&str, String) = match kind {
        Kind::Text | Kind::Binary if value.is_empty() || value.contains(['*', '?', '$']) => {
            ("StringEquals", value.to_owned())
        }
        Kind::Text | Kind::Binary => match dice.below(8) {
            0 | 1 => ("StringEquals", value.to_owned()),
            2 => ("StringLike", glob_of(dice, value)),
            3 => ("StringEqualsIgnoreCase", flip_case(value)),
            4 => ("StringNotEquals", "nobody".to_owned()),
            5 => ("StringNotLike", format!("{value}?*")),
            6 => ("StringNotEqualsIgnoreCase", "nobody".to_owned()),
            _ => ("Null", "false".to_owned()),
        },
        Kind::Number => match value.parse::<i64>() {
            Ok(number) => match dice.below(5) {
                0 => ("NumericEquals", format!("{number}.0")),
                1 => ("NumericLessThan", (number + 1).to_string()),
                2 => ("NumericGreaterThanEquals", number.to_string()),
                3 => ("NumericNotEquals", (number + 7).to_string()),
                _ => ("NumericLessThanEquals", number.to_string()),
            },
            Err(_) => ("StringEquals", value.to_owned()),
        },
        Kind::Date => match dice.below(4) {
            0 => ("DateEquals", value.to_owned()),
            1 => ("DateGreaterThan", "1960-01-01T00:00:00Z".to_owned()),
            2 => ("DateLessThan", "2030-01-01".to_owned()),
            _ => ("DateNotEquals", "2020-01-01T00:00:00Z".to_owned()),
        },
        Kind::Flag => ("Bool", value.to_owned()),
        Kind::Address => match (dice.below(3), value.contains(':')) {
            (0, _) => ("IpAddress", value.to_owned()),
            (1, false) => ("IpAddress", "0.0.0.0/0".to_owned()),
            (1, true) => ("IpAddress", "2001:db8::/16".to_owned()),
            _ => ("NotIpAddress", "192.0.2.0/24".to_owned()),
        },
        Kind::Arn if value.starts_with("arn:") => match dice.below(5) {
            0 => ("ArnEquals", value.to_owned()),
            1 => ("ArnLike", arn_glob(dice, value)),
            2 => ("ArnNotLike", "arn:aws:sns:*:*:none".to_owned()),
            3 => ("ArnNotEquals", "arn:aws:sns:us-east-1:111111111111:none".to_owned()),
            _ => ("StringLike", glob_of(dice, value)),
        },
        Kind::Arn => ("StringEquals", value.to_owned()),
    };
    let prefix = if operator == "Null" {
        ""
    } else {
        dice.weighted(&[(76, ""), (12, "ForAnyValue:"), (12, "ForAllValues:")])
    };
    let mut values = vec![match value.as_str() {
        "true" if dice.percent(25) => json!(true),
        "false" if dice.percent(25) => json!(false),
        text => json!(text),
    }];
    let negated = operator.contains("Not");
    if dice.percent(20) && operator != "Null" && !negated {
        values.push(odd_value(dice));
    }
    Test {
        operator: format!("{prefix}{operator}"),
        key: String::new(),
        values,
    }
}

/// A test of any operator on any key with any values.
fn any_test(dice: &mut Dice<'_, '_>, scene: &Scene) -> Test {
    let (base, mut kind) = *dice.pick(OPERATORS);
    let suits: Vec<&str> = KEYS
        .iter()
        .filter(|key| key.kind == kind)
        .map(|key| key.name)
        .chain(
            DERIVED
                .iter()
                .filter(|(_, derived)| *derived == kind)
                .map(|(name, _)| *name),
        )
        .collect();
    let key = match dice.below(10) {
        0 => KEYS[dice.position(KEYS.len())].name.to_owned(),
        1 => "app:Nothing".to_owned(),
        2..=5 => {
            let fitting: Vec<&str> = scene
                .present
                .iter()
                .filter(|(_, present, _)| *present == kind)
                .map(|(name, ..)| name.as_str())
                .collect();
            if fitting.is_empty() {
                scene.present[dice.position(scene.present.len())].0.clone()
            } else {
                (*dice.pick(&fitting)).to_owned()
            }
        }
        _ if suits.is_empty() => "aws:SourceIp".to_owned(),
        _ => (*dice.pick(&suits)).to_owned(),
    };
    if dice.percent(6) {
        kind = dice.pick(OPERATORS).1;
    }
    let prefix = dice.weighted(&[(62, ""), (19, "ForAnyValue:"), (19, "ForAllValues:")]);
    let suffix = if base != "Null" && dice.percent(25) {
        "IfExists"
    } else {
        ""
    };
    let count = dice.weighted(&[(4, 0), (66, 1), (24, 2), (6, 3)]);
    let own = KEYS.iter().find(|candidate| candidate.name == key);
    let mut values = Vec::new();
    for _ in 0..count {
        let present = scene
            .present
            .iter()
            .find(|(name, ..)| *name == key)
            .map(|(.., value)| value);
        let value = match (dice.below(4), own, present) {
            (0, Some(own), _) => json!(dice.pick(own.values)),
            (1, _, Some(Value::Array(list))) if !list.is_empty() => dice.pick(list).clone(),
            (1, _, Some(value)) if !value.is_array() => json!(text_of(value)),
            _ => json!(dice.pick(odd_values(kind))),
        };
        values.push(as_scalar(dice, value));
    }
    if matches!(base, "Date" | "DateEquals" | "DateNotEquals") || base.starts_with("Date") {
        // A date that cannot be read makes the document unusable: said once, not in every other case.
        values.retain(|value| {
            value
                .as_str()
                .is_none_or(|text| text.starts_with(|c: char| c.is_ascii_digit()))
        });
    }
    Test {
        operator: format!("{prefix}{base}{suffix}"),
        key: if dice.percent(8) { flip_case(&key) } else { key },
        values,
    }
}

/// Numbers and booleans may stand as such.
fn as_scalar(dice: &mut Dice<'_, '_>, value: Value) -> Value {
    if !dice.percent(12) {
        return value;
    }
    match value.as_str() {
        Some("true") => json!(true),
        Some("false") => json!(false),
        Some(text) => match text.parse::<i64>() {
            Ok(number) if number.to_string() == text => json!(number),
            _ => value,
        },
        None => value,
    }
}

/// A pattern that matches the text, which holds no wildcard itself.
pub(super) fn glob_of(dice: &mut Dice<'_, '_>, text: &str) -> String {
    let letters: Vec<char> = text.chars().collect();
    if letters.is_empty() {
        return "*".to_owned();
    }
    let at = dice.position(letters.len());
    match dice.below(4) {
        0 => letters[..at].iter().chain(&['*']).collect(),
        1 => letters[..at].iter().chain(&['?']).chain(&letters[at + 1..]).collect(),
        2 => ['*'].iter().chain(&letters[at..]).collect(),
        _ => letters[..at].iter().chain(&['*']).chain(&letters[at..]).collect(),
    }
}

/// The same for an ARN: the wildcards stay inside one field.
pub(super) fn arn_glob(dice: &mut Dice<'_, '_>, arn: &str) -> String {
    let mut fields: Vec<String> = arn.splitn(6, ':').map(str::to_owned).collect();
    if fields.len() < 6 {
        return arn.to_owned();
    }
    let at = *dice.pick(&[3, 4, 5, 5, 5]);
    fields[at] = glob_of(dice, &fields[at]);
    fields.join(":")
}

fn text_of(value: &Value) -> String {
    match value {
        Value::String(text) => text.clone(),
        other => other.to_string(),
    }
}
