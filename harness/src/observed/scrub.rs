//! Takes out of an observation what is an account's own: account ids, key ids, access keys, unique ids, addresses, long tokens. What the
//! case or the model itself names stays. Equal values get equal names, so that what is the same stays the same.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;

use super::texts;
use crate::target::Observed;

/// Prefixes of ids that IAM gives.
const ID_PREFIXES: [&str; 9] = ["AKIA", "ASIA", "AIDA", "AROA", "AGPA", "ANPA", "ANVA", "APKA", "ABIA"];
/// A word longer than this, of letters and digits alone, is a token or a ciphertext.
const LONG: usize = 40;

/// Takes out what is not known.
#[derive(Debug, Default)]
pub(super) struct Scrub {
    known: BTreeSet<String>,
    names: BTreeMap<String, String>,
}

impl Scrub {
    /// Leaves every word that stands in a value.
    pub(super) fn knowing(value: &Value) -> Self {
        let mut found = Vec::new();
        texts(value, &mut found);
        let known = found
            .iter()
            .flat_map(|text| words(text))
            .map(|(word, _)| word.to_owned());
        Self {
            known: known.collect(),
            names: BTreeMap::new(),
        }
    }

    /// An observation.
    pub(super) fn observed(&mut self, observed: &Observed) -> Observed {
        Observed {
            message: observed.message.as_deref().map(|message| self.text(message)),
            output: observed.output.as_ref().map(|output| self.json(output)),
            trail: observed
                .trail
                .as_ref()
                .map(|trail| trail.iter().map(|event| self.json(event)).collect()),
            ..observed.clone()
        }
    }

    /// A text.
    pub(super) fn text(&mut self, text: &str) -> String {
        let mut scrubbed = String::with_capacity(text.len());
        let mut end = 0;
        for (word, start) in words(text) {
            scrubbed.push_str(&text[end..start]);
            end = start + word.len();
            match kind_of(word).filter(|_| !self.known.contains(word)) {
                Some(kind) => {
                    let next = self.names.len() + 1;
                    let name = self
                        .names
                        .entry(word.to_owned())
                        .or_insert_with(|| format!("<{kind}:{next}>"));
                    scrubbed.push_str(name);
                }
                None => scrubbed.push_str(word),
            }
        }
        scrubbed.push_str(&text[end..]);
        scrubbed
    }

    fn json(&mut self, value: &Value) -> Value {
        match value {
            Value::String(text) => Value::String(self.text(text)),
            Value::Array(list) => list.iter().map(|one| self.json(one)).collect(),
            Value::Object(members) => members
                .iter()
                .map(|(name, member)| (self.text(name), self.json(member)))
                .collect::<serde_json::Map<_, _>>()
                .into(),
            other => other.clone(),
        }
    }
}

/// The words of a text with their places: letters, digits, and what holds ids and base64 together.
fn words(text: &str) -> Vec<(&str, usize)> {
    let of_word = |letter: char| letter.is_ascii_alphanumeric() || matches!(letter, '-' | '_' | '+' | '=' | '.');
    let mut found = Vec::new();
    let mut start = None;
    for (place, letter) in text.char_indices() {
        match (of_word(letter), start) {
            (true, None) => start = Some(place),
            (false, Some(from)) => {
                found.push((&text[from..place], from));
                start = None;
            }
            _ => {}
        }
    }
    if let Some(from) = start {
        found.push((&text[from..], from));
    }
    found
}

/// What a word is that may be an account's own.
fn kind_of(word: &str) -> Option<&'static str> {
    let hexadecimal = |text: &str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_hexdigit());
    let groups: Vec<&str> = word.split('-').collect();
    let is_uuid = |groups: &[&str]| {
        groups.len() == 5
            && groups.iter().all(|group| hexadecimal(group))
            && groups.iter().map(|group| group.len()).eq([8, 4, 4, 4, 12])
    };
    let is_key_id = is_uuid(&groups) || word.starts_with("mrk-") && hexadecimal(&word[4..]);
    let is_unique_id = word.len() >= 16
        && ID_PREFIXES.iter().any(|prefix| word.starts_with(prefix))
        && word
            .bytes()
            .all(|byte| byte.is_ascii_uppercase() || byte.is_ascii_digit());
    if word.len() == 12 && word.bytes().all(|byte| byte.is_ascii_digit()) {
        Some("account")
    } else if is_key_id || is_unique_id {
        Some("id")
    } else if word.split('.').count() == 4 && word.split('.').all(|part| part.parse::<u8>().is_ok()) {
        Some("address")
    } else if word.len() > LONG && word.bytes().any(|byte| byte.is_ascii_digit()) {
        Some("token")
    } else if word.len() >= 16 && hexadecimal(word) {
        Some("id")
    } else {
        None
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn what_is_the_accounts_own_goes_and_what_the_case_names_stays() {
        let mut scrub = Scrub::knowing(&json!({"accounts": {"111122223333": {}}, "ip": "192.0.2.1"}));
        let text = "arn:aws:kms:us-east-1:999988887777:key/1234abcd-12ab-34cd-56ef-1234567890ab by AROA1234567890ABCDEF:s \
                    from 203.0.113.9 and 192.0.2.1, account 111122223333, again 999988887777, key AKIAIOSFODNN7EXAMPLE";
        let scrubbed = scrub.text(text);
        assert_eq!(
            scrubbed,
            "arn:aws:kms:us-east-1:<account:1>:key/<id:2> by <id:3>:s from <address:4> and 192.0.2.1, account 111122223333, again \
             <account:1>, key <id:5>"
        );
        let long = "A1".repeat(30);
        assert_eq!(scrub.text(&format!("({long})")), "(<token:6>)");
        for plain in [
            "kms:Decrypt",
            "AccessDeniedException",
            "User: x is not authorized",
            "",
            "2026-11-22",
            "ä1é",
        ] {
            assert_eq!(scrub.text(plain), plain);
        }
    }
}
