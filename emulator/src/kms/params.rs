//! Reading JSON parameters of KMS requests with AWS's validation texts.

use std::collections::BTreeMap;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use jiff::Timestamp;
use serde_json::{Map, Value};

use super::error::KmsError;

/// The parameters of one request.
#[derive(Debug, Clone, Copy)]
pub(super) struct Params<'a>(pub(super) &'a Map<String, Value>);

impl<'a> Params<'a> {
    /// An optional string.
    pub(super) fn text(&self, name: &str) -> Result<Option<&'a str>, KmsError> {
        match self.present(name) {
            None => Ok(None),
            Some(Value::String(text)) => Ok(Some(text)),
            Some(_) => Err(wrong_type(name)),
        }
    }

    /// A mandatory string of 1 … `longest` characters.
    pub(super) fn required(&self, name: &str, longest: usize) -> Result<&'a str, KmsError> {
        let text = self.text(name)?.ok_or_else(|| missing(name))?;
        check_length(name, text, 1, longest)?;
        Ok(text)
    }

    /// A string out of a closed list; another value is a ValidationException.
    pub(super) fn one_of(&self, name: &str, allowed: &[&'static str]) -> Result<Option<&'static str>, KmsError> {
        let Some(text) = self.text(name)? else {
            return Ok(None);
        };
        match allowed.iter().find(|candidate| **candidate == text) {
            Some(value) => Ok(Some(value)),
            None => Err(not_in_enumeration(name, text, allowed)),
        }
    }

    /// An optional boolean; absent is false.
    pub(super) fn flag(&self, name: &str) -> Result<bool, KmsError> {
        Ok(self.boolean(name)?.unwrap_or(false))
    }

    /// An optional boolean.
    pub(super) fn boolean(&self, name: &str) -> Result<Option<bool>, KmsError> {
        match self.present(name) {
            None => Ok(None),
            Some(Value::Bool(value)) => Ok(Some(*value)),
            Some(_) => Err(wrong_type(name)),
        }
    }

    /// An optional integer within a range.
    pub(super) fn integer(&self, name: &str, lowest: i64, highest: i64) -> Result<Option<i64>, KmsError> {
        let Some(value) = self.present(name) else {
            return Ok(None);
        };
        let number = value.as_i64().ok_or_else(|| wrong_type(name))?;
        if number < lowest {
            return Err(constraint(
                name,
                &number.to_string(),
                &format!("Member must have value greater than or equal to {lowest}"),
            ));
        }
        if number > highest {
            return Err(constraint(
                name,
                &number.to_string(),
                &format!("Member must have value less than or equal to {highest}"),
            ));
        }
        Ok(Some(number))
    }

    /// An optional instant: seconds since 1970, with or without a fraction.
    pub(super) fn timestamp(&self, name: &str) -> Result<Option<Timestamp>, KmsError> {
        let Some(value) = self.present(name) else {
            return Ok(None);
        };
        let seconds = value.as_f64().ok_or_else(|| wrong_type(name))?;
        // Far beyond what an instant can be, and below what a double tells exactly in milliseconds.
        if !(-1.0e11..=2.6e11).contains(&seconds) {
            return Err(wrong_type(name));
        }
        #[expect(clippy::cast_possible_truncation, reason = "the range was checked")]
        let milliseconds = (seconds * 1000.0).round() as i64;
        Timestamp::from_millisecond(milliseconds)
            .map(Some)
            .map_err(|_| wrong_type(name))
    }

    /// An optional blob of 1 to `longest` bytes.
    pub(super) fn blob(&self, name: &str, longest: usize) -> Result<Option<Vec<u8>>, KmsError> {
        self.blob_of(name, 1, longest)
    }

    /// An optional blob of `shortest` to `longest` bytes.
    pub(super) fn blob_of(&self, name: &str, shortest: usize, longest: usize) -> Result<Option<Vec<u8>>, KmsError> {
        let Some(text) = self.text(name)? else {
            return Ok(None);
        };
        let bytes = STANDARD.decode(text).map_err(|_| wrong_type(name))?;
        if bytes.len() < shortest {
            return Err(blob_constraint(
                name,
                &format!("Member must have length greater than or equal to {shortest}"),
            ));
        }
        if bytes.len() > longest {
            return Err(blob_constraint(
                name,
                &format!("Member must have length less than or equal to {longest}"),
            ));
        }
        Ok(Some(bytes))
    }

    /// A map of strings; absent is empty.
    pub(super) fn string_map(&self, name: &str) -> Result<BTreeMap<String, String>, KmsError> {
        match self.present(name) {
            None => Ok(BTreeMap::new()),
            Some(value) => string_map(name, value),
        }
    }

    /// A list of strings; absent is empty.
    pub(super) fn strings(&self, name: &str) -> Result<Vec<String>, KmsError> {
        match self.present(name) {
            None => Ok(Vec::new()),
            Some(Value::Array(items)) => items
                .iter()
                .map(|item| item.as_str().map(str::to_owned).ok_or_else(|| wrong_type(name)))
                .collect(),
            Some(_) => Err(wrong_type(name)),
        }
    }

    /// A structure.
    pub(super) fn structure(&self, name: &str) -> Result<Option<Params<'a>>, KmsError> {
        match self.present(name) {
            None => Ok(None),
            Some(Value::Object(map)) => Ok(Some(Params(map))),
            Some(_) => Err(wrong_type(name)),
        }
    }

    /// A list of structures; absent is empty.
    pub(super) fn structures(&self, name: &str) -> Result<Vec<Params<'a>>, KmsError> {
        match self.present(name) {
            None => Ok(Vec::new()),
            Some(Value::Array(items)) => items
                .iter()
                .map(|item| item.as_object().map(Params).ok_or_else(|| wrong_type(name)))
                .collect(),
            Some(_) => Err(wrong_type(name)),
        }
    }

    /// Whether the parameter was sent at all.
    pub(super) fn has(&self, name: &str) -> bool {
        self.present(name).is_some()
    }

    fn present(&self, name: &str) -> Option<&'a Value> {
        self.0.get(name).filter(|value| !value.is_null())
    }
}

/// `1 validation error detected: …`.
pub(super) fn constraint(name: &str, value: &str, rule: &str) -> KmsError {
    KmsError::validation(format!(
        "1 validation error detected: Value '{value}' at '{}' failed to satisfy constraint: {rule}",
        member(name)
    ))
}

/// The same for a blob, which is not shown.
fn blob_constraint(name: &str, rule: &str) -> KmsError {
    KmsError::validation(format!(
        "1 validation error detected: Value at '{}' failed to satisfy constraint: {rule}",
        member(name)
    ))
}

/// A parameter that must be sent.
pub(super) fn missing(name: &str) -> KmsError {
    KmsError::validation(format!(
        "1 validation error detected: Value null at '{}' failed to satisfy constraint: Member must not be null",
        member(name)
    ))
}

/// A value outside a closed list.
pub(super) fn not_in_enumeration(name: &str, value: &str, allowed: &[&str]) -> KmsError {
    constraint(
        name,
        value,
        &format!("Member must satisfy enum value set: [{}]", allowed.join(", ")),
    )
}

/// A string whose length is out of bounds.
pub(super) fn check_length(name: &str, text: &str, shortest: usize, longest: usize) -> Result<(), KmsError> {
    let length = text.chars().count();
    if length < shortest {
        return Err(constraint(
            name,
            text,
            &format!("Member must have length greater than or equal to {shortest}"),
        ));
    }
    if length > longest {
        return Err(constraint(
            name,
            text,
            &format!("Member must have length less than or equal to {longest}"),
        ));
    }
    Ok(())
}

fn string_map(name: &str, value: &Value) -> Result<BTreeMap<String, String>, KmsError> {
    let map = value.as_object().ok_or_else(|| wrong_type(name))?;
    map.iter()
        .map(|(key, value)| {
            let value = value.as_str().ok_or_else(|| wrong_type(name))?;
            Ok((key.clone(), value.to_owned()))
        })
        .collect()
}

fn wrong_type(name: &str) -> KmsError {
    KmsError::new(
        "SerializationException",
        format!("the value of {name} has the wrong type"),
    )
}

/// `KeyId` -> `keyId`, as validation texts name members.
fn member(name: &str) -> String {
    let mut characters = name.chars();
    match characters.next() {
        Some(first) => first.to_lowercase().chain(characters).collect(),
        None => String::new(),
    }
}
