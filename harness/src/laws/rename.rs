//! Renames accounts and principals everywhere in a case: the same letters everywhere, so that what was equal stays equal. Cases whose
//! wildcards look inside a name are left alone, for there a new name may well match otherwise, and so are those with a number so near to an
//! account that the new id would stand on its other side.

use countersign_model::case::EvaluatorCase;
use serde_json::Value;

/// Names by their letters without the last, and that last letter. It is the only one that changes.
const NAMES: &[(&str, char)] = &[
    ("alic", 'e'),
    ("bo", 'b'),
    ("caro", 'l'),
    ("worke", 'r'),
    ("admi", 'n'),
    ("runne", 'r'),
    ("fre", 'd'),
];

/// Accounts with their new ids: near, so that whatever compares them as numbers finds them where they were.
const ACCOUNTS: &[(&str, &str)] = &[
    ("111111111111", "111111111151"),
    ("222222222222", "222222222252"),
    ("333333333333", "333333333353"),
];

/// The case under other names; none if a wildcard may tell them apart.
pub(super) fn renamed(case: &EvaluatorCase) -> Option<EvaluatorCase> {
    let mut tree = serde_json::to_value(case).ok()?;
    if !untouched(&tree) {
        return None;
    }
    rename(&mut tree);
    serde_json::from_value(tree).ok()
}

/// Whether no wildcard stands inside a name or an account.
fn untouched(value: &Value) -> bool {
    match value {
        Value::String(text) => {
            no_neighbour_of_account(text) && (!text.contains(['*', '?']) || no_wildcard_inside(text))
        }
        Value::Array(items) => items.iter().all(untouched),
        Value::Object(members) => members.values().all(untouched),
        Value::Number(number) => no_neighbour_of_account(&number.to_string()),
        Value::Null | Value::Bool(_) => true,
    }
}

/// Whether every number that begins like an account is that account.
fn no_neighbour_of_account(text: &str) -> bool {
    ACCOUNTS.iter().all(|(account, _)| {
        let begin = &account[..account.len() - 2];
        text.match_indices(begin).all(|(at, _)| {
            // All digits of an account are the same: a later one of the same run may begin in the middle of it.
            let run = text[..at].bytes().rev().take_while(u8::is_ascii_digit).count();
            let digits = text[at - run..].bytes().take_while(u8::is_ascii_digit).count();
            text[at - run..at - run + digits] == **account
        })
    })
}

fn no_wildcard_inside(text: &str) -> bool {
    // A verbatim policy holds everything at once; it is left alone.
    if text.contains('{') {
        return false;
    }
    let lower = text.to_ascii_lowercase();
    let pieces: Vec<&str> = lower.split(['*', '?']).collect();
    pieces.iter().enumerate().all(|(position, piece)| {
        let digits = |letter: Option<char>| letter.is_some_and(|letter| ('1'..='3').contains(&letter));
        let begins = position > 0;
        let ends = position + 1 < pieces.len();
        let suffix_of_name = begins
            && NAMES.iter().any(|(start, last)| {
                let name = format!("{start}{last}");
                (1..name.len()).any(|from| piece.starts_with(&name[from..]))
            });
        !(suffix_of_name || (begins && digits(piece.chars().next())) || (ends && digits(piece.chars().last())))
    })
}

fn rename(value: &mut Value) {
    match value {
        Value::String(text) => *text = other(text),
        Value::Array(items) => items.iter_mut().for_each(rename),
        Value::Object(members) => {
            *members = std::mem::take(members)
                .into_iter()
                .map(|(name, mut value)| {
                    rename(&mut value);
                    (other(&name), value)
                })
                .collect();
        }
        // An account may be written as a number in a condition.
        Value::Number(number) => {
            if let Some(renamed) = number
                .as_u64()
                .and_then(|number| other(&number.to_string()).parse::<u64>().ok())
            {
                *value = Value::from(renamed);
            }
        }
        Value::Null | Value::Bool(_) => {}
    }
}

/// The text under other names, letter case kept.
fn other(text: &str) -> String {
    let mut text = text.to_owned();
    for (from, to) in ACCOUNTS {
        text = text.replace(from, to);
    }
    let mut letters: Vec<char> = text.chars().collect();
    let lower: Vec<char> = letters.iter().map(char::to_ascii_lowercase).collect();
    for (start, last) in NAMES {
        let start: Vec<char> = start.chars().collect();
        for at in 0..letters.len().saturating_sub(start.len()) {
            let end = at + start.len();
            if lower[at..end] == start[..] && lower[end] == *last {
                letters[end] = if letters[end].is_ascii_uppercase() { 'Q' } else { 'q' };
            }
        }
    }
    letters.into_iter().collect()
}

#[cfg(test)]
mod tests {
    use super::{no_neighbour_of_account, no_wildcard_inside, other};

    /// 333333333334 is after the account, and before its new id.
    #[test]
    fn numbers_near_an_account_are_left_alone() {
        assert!(no_neighbour_of_account(
            "arn:aws:iam::333333333333:root and 111111111111"
        ));
        assert!(no_neighbour_of_account("3333"));
        assert!(!no_neighbour_of_account("333333333334"));
        assert!(!no_neighbour_of_account("4333333333333"));
    }

    #[test]
    fn names_change_everywhere_and_keep_their_case() {
        assert_eq!(
            other("arn:aws:iam::111111111111:user/alice"),
            "arn:aws:iam::111111111151:user/alicq"
        );
        assert_eq!(other("ALICE and Bob"), "ALICQ and Boq");
        assert_eq!(other("s3:GetObject"), "s3:GetObject");
    }

    #[test]
    fn wildcards_inside_names_are_seen() {
        assert!(no_wildcard_inside("arn:aws:iam::111111111111:user/*"));
        assert!(!no_wildcard_inside("user/*ce"));
        assert!(!no_wildcard_inside("arn:aws:iam::11111*:root"));
        assert!(!no_wildcard_inside("arn:aws:iam::?11111111111:*"));
    }
}
