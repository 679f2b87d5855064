//! Documents as texts that nobody would write today: duplicate members that count by legacy rules (`iam:G-06`), and documents that
//! cannot be used (`iam:E-22`).

use countersign_model::case::PolicyText;
use serde_json::{Value, json};

use crate::generate::dice::Dice;

/// Writes a document as a verbatim text in which a member stands twice.
pub(super) fn legacy(dice: &mut Dice<'_, '_>, policy: &mut PolicyText) {
    let PolicyText::Document(document) = &*policy else {
        return;
    };
    let text = Value::Object(document.clone()).to_string();
    let (from, to) = match dice.below(5) {
        0 => ("\"Effect\":\"Allow\"", "\"Effect\":\"Deny\",\"Effect\":\"Allow\""),
        1 => ("\"Effect\":\"Deny\"", "\"Effect\":\"Allow\",\"Effect\":\"Deny\""),
        2 => ("\"Action\":", "\"Action\":\"sqs:ReceiveMessage\",\"Action\":"),
        3 => ("\"Resource\":", "\"Resource\":[\"arn:aws:s3:::logs\"],\"Resource\":"),
        _ => ("\"Version\":", "\"Version\":\"2008-10-17\",\"Version\":"),
    };
    *policy = PolicyText::Verbatim(text.replacen(from, to, 1));
}

/// Changes a document so that it breaks its grammar, or nearly.
pub(super) fn malformed(dice: &mut Dice<'_, '_>, policy: &mut PolicyText) {
    let PolicyText::Document(document) = policy else { return };
    if dice.percent(15) {
        let text = Value::Object(document.clone()).to_string();
        let broken = match dice.below(5) {
            0 => text[..text.len() - 1].to_owned(),
            1 => format!("{text}{{}}"),
            2 => text.replacen(':', "", 1),
            3 => String::new(),
            _ => format!("[{text}]"),
        };
        *policy = PolicyText::Verbatim(broken);
        return;
    }
    if dice.percent(15) {
        let (name, value) = match dice.below(5) {
            0 => ("Version", json!("2013-10-17")),
            1 => ("Comment", json!("x")),
            2 => ("Statement", json!([])),
            3 => ("Id", json!("x")),
            _ => ("Version", json!(20121017)),
        };
        document.insert(name.to_owned(), value);
        return;
    }
    let statement = match document.get_mut("Statement") {
        Some(Value::Object(statement)) => statement,
        Some(Value::Array(list)) => match list.first_mut() {
            Some(Value::Object(statement)) => statement,
            _ => return,
        },
        _ => return,
    };
    let (name, value) = match dice.below(24) {
        0 => ("Effect", json!("allow")),
        1 => ("Effect", json!("Permit")),
        2 => ("Comment", json!("x")),
        3 => ("Action", json!([])),
        4 => ("Action", json!("GetObject")),
        5 => ("Action", json!("s3:List:Bucket")),
        6 => ("Action", json!(7)),
        7 => ("NotAction", json!("s3:PutObject")),
        8 => ("Resource", json!([])),
        9 => ("Resource", json!("data")),
        10 => ("Resource", json!("arn:aws:s3")),
        11 => ("Resource", json!("arn:aws:*:::data")),
        12 => ("Resource", json!("arn:aws:s3:us-east-1::data")),
        13 => ("NotResource", json!("arn:aws:s3:::logs")),
        14 => ("Condition", json!([])),
        15 => ("Condition", json!({"StringMatches": {"aws:SourceIp": "x"}})),
        16 => ("Condition", json!({"StringMatches": {}})),
        17 => ("Condition", json!({})),
        18 => ("Condition", json!({"DateGreaterThan": {"aws:CurrentTime": "soon"}})),
        19 => ("Principal", json!("*")),
        20 => ("Principal", json!({"AWS": []})),
        21 => ("Sid", json!("not alnum!")),
        22 => ("Resource", Value::Null),
        _ => {
            let name = *dice.pick(&["Effect", "Action", "Resource", "Principal"]);
            statement.remove(name);
            return;
        }
    };
    statement.insert(name.to_owned(), value);
}
