//! Reading parameters out of a Case: typed, complete, never silently dropped. An unknown name or a wrong type is an adapter fault that
//! names the field by its path.

use std::collections::HashMap;

use serde_json::{Map, Value};

use crate::target::{TargetError, blob};

/// Parameters not yet read. What is left at the end is an error.
#[derive(Debug, Clone)]
pub(super) struct Fields {
    path: String,
    map: Map<String, Value>,
}

impl Fields {
    /// The parameters of one call.
    pub(super) fn new(path: &str, map: Map<String, Value>) -> Self {
        Self {
            path: path.to_owned(),
            map,
        }
    }

    /// Removes and returns a parameter.
    pub(super) fn take(&mut self, name: &str) -> Option<Value> {
        self.map.shift_remove(name)
    }

    /// Sets a parameter that is absent.
    pub(super) fn supply(&mut self, name: &str, value: impl FnOnce() -> Value) {
        if !self.map.contains_key(name) {
            self.map.insert(name.to_owned(), value());
        }
    }

    /// Everything that is left, for operations that pass their parameters on as they are.
    pub(super) fn take_all(&mut self) -> Map<String, Value> {
        std::mem::take(&mut self.map)
    }

    /// All parameters have been read.
    ///
    /// # Errors
    /// [`TargetError::Adapter`] naming the first one that has not.
    pub(super) fn finish(&self) -> Result<(), TargetError> {
        match self.map.keys().next() {
            None => Ok(()),
            Some(name) => Err(TargetError::adapter(format!(
                "`{}` has no parameter `{name}` in this driver",
                self.path
            ))),
        }
    }

    /// The fault of a parameter of the wrong type.
    pub(super) fn wrong(&self, name: &str, why: &str) -> TargetError {
        TargetError::adapter(format!("parameter `{name}` of `{}`: {why}", self.path))
    }
}

/// A text.
pub(super) fn text(fields: &mut Fields, name: &str) -> Result<Option<String>, TargetError> {
    read(fields, name, "a text is needed", |value| match value {
        Value::String(text) => Some(text),
        _ => None,
    })
}

/// A list of texts.
pub(super) fn texts(fields: &mut Fields, name: &str) -> Result<Option<Vec<String>>, TargetError> {
    read(fields, name, "a list of texts is needed", text_list)
}

/// A word of an enumeration. Words that the SDK does not know pass as they are.
pub(super) fn word<T: for<'a> From<&'a str>>(fields: &mut Fields, name: &str) -> Result<Option<T>, TargetError> {
    Ok(text(fields, name)?.map(|word| T::from(word.as_str())))
}

/// A list of words.
pub(super) fn words<T: for<'a> From<&'a str>>(fields: &mut Fields, name: &str) -> Result<Option<Vec<T>>, TargetError> {
    Ok(texts(fields, name)?.map(|words| words.iter().map(|word| T::from(word.as_str())).collect()))
}

/// true or false.
pub(super) fn boolean(fields: &mut Fields, name: &str) -> Result<Option<bool>, TargetError> {
    read(fields, name, "true or false is needed", |value| value.as_bool())
}

/// A whole number of 32 bits.
pub(super) fn integer(fields: &mut Fields, name: &str) -> Result<Option<i32>, TargetError> {
    read(fields, name, "a whole number is needed", |value| {
        value.as_i64().and_then(|number| i32::try_from(number).ok())
    })
}

/// A whole number of 64 bits.
pub(super) fn long(fields: &mut Fields, name: &str) -> Result<Option<i64>, TargetError> {
    read(fields, name, "a whole number is needed", |value| value.as_i64())
}

/// Texts by text.
pub(super) fn text_map(fields: &mut Fields, name: &str) -> Result<Option<HashMap<String, String>>, TargetError> {
    read(
        fields,
        name,
        "a mapping of texts to texts is needed",
        |value| match value {
            Value::Object(map) => map
                .into_iter()
                .map(|(key, value)| match value {
                    Value::String(text) => Some((key, text)),
                    _ => None,
                })
                .collect(),
            _ => None,
        },
    )
}

/// Bytes.
pub(super) fn bytes(fields: &mut Fields, name: &str) -> Result<Option<Vec<u8>>, TargetError> {
    match fields.take(name) {
        None => Ok(None),
        Some(value) => blob::decode(&value).map(Some).map_err(|why| fields.wrong(name, &why)),
    }
}

/// Bytes, as the SDKs carry them.
pub(super) fn blob(fields: &mut Fields, name: &str) -> Result<Option<aws_smithy_types::Blob>, TargetError> {
    Ok(bytes(fields, name)?.map(aws_smithy_types::Blob::new))
}

/// A moment such as `2027-01-01T00:00:00Z`.
pub(super) fn moment(fields: &mut Fields, name: &str) -> Result<Option<aws_smithy_types::DateTime>, TargetError> {
    let Some(written) = text(fields, name)? else {
        return Ok(None);
    };
    aws_smithy_types::DateTime::from_str(&written, aws_smithy_types::date_time::Format::DateTime)
        .map(Some)
        .map_err(|_| fields.wrong(name, "a time such as 2027-01-01T00:00:00Z is needed"))
}

/// A policy document: a mapping, which is sent as compact JSON in the order written, or a text that is sent verbatim.
pub(super) fn policy(fields: &mut Fields, name: &str) -> Result<Option<String>, TargetError> {
    read(fields, name, "a policy is a mapping or a text", |value| match value {
        Value::String(text) => Some(text),
        Value::Object(map) => Some(Value::Object(map).to_string()),
        _ => None,
    })
}

/// A structure, read by a function that takes its members.
pub(super) fn record<T>(
    fields: &mut Fields,
    name: &str,
    read_members: impl FnOnce(&mut Fields) -> Result<T, TargetError>,
) -> Result<Option<T>, TargetError> {
    match fields.take(name) {
        None => Ok(None),
        Some(Value::Object(map)) => {
            let mut members = Fields::new(&format!("{}.{name}", fields.path), map);
            let value = read_members(&mut members)?;
            members.finish()?;
            Ok(Some(value))
        }
        Some(_) => Err(fields.wrong(name, "a mapping is needed")),
    }
}

/// A list of structures.
pub(super) fn records<T>(
    fields: &mut Fields,
    name: &str,
    read_members: impl Fn(&mut Fields) -> Result<T, TargetError>,
) -> Result<Option<Vec<T>>, TargetError> {
    let list = match fields.take(name) {
        None => return Ok(None),
        Some(Value::Array(list)) => list,
        Some(_) => return Err(fields.wrong(name, "a list of mappings is needed")),
    };
    let mut values = Vec::with_capacity(list.len());
    for (index, element) in list.into_iter().enumerate() {
        let Value::Object(map) = element else {
            return Err(fields.wrong(&format!("{name}[{index}]"), "a mapping is needed"));
        };
        let mut members = Fields::new(&format!("{}.{name}[{index}]", fields.path), map);
        values.push(read_members(&mut members)?);
        members.finish()?;
    }
    Ok(Some(values))
}

/// A member that the SDK needs; the adapter fault says so when the case leaves it out.
pub(super) fn needed<T>(fields: &Fields, name: &str, value: Option<T>) -> Result<T, TargetError> {
    value.ok_or_else(|| fields.wrong(name, "the SDK does not send the structure without it"))
}

/// Builds an SDK structure, turning its build error into an adapter fault.
pub(super) fn built<T, E: std::fmt::Display>(fields: &Fields, value: Result<T, E>) -> Result<T, TargetError> {
    value.map_err(|error| TargetError::adapter(format!("`{}`: {error}", fields.path)))
}

fn text_list(value: Value) -> Option<Vec<String>> {
    match value {
        Value::Array(list) => list
            .into_iter()
            .map(|element| match element {
                Value::String(text) => Some(text),
                _ => None,
            })
            .collect(),
        _ => None,
    }
}

fn read<T>(
    fields: &mut Fields,
    name: &str,
    needed: &str,
    convert: impl FnOnce(Value) -> Option<T>,
) -> Result<Option<T>, TargetError> {
    match fields.take(name) {
        None => Ok(None),
        Some(value) => convert(value).map(Some).ok_or_else(|| fields.wrong(name, needed)),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn fields(value: Value) -> Fields {
        match value {
            Value::Object(map) => Fields::new("kms:Encrypt", map),
            _ => Fields::new("kms:Encrypt", Map::new()),
        }
    }

    #[test]
    fn a_wrong_type_names_the_field() {
        let mut given = fields(json!({"KeyId": 7}));
        let error = text(&mut given, "KeyId").expect_err("a number is no text");
        assert_eq!(
            error.to_string(),
            "adapter fault: parameter `KeyId` of `kms:Encrypt`: a text is needed"
        );
    }

    #[test]
    fn a_nested_unknown_name_is_found_with_its_path() {
        let mut given = fields(json!({"Tags": [{"TagKey": "a", "Tagkey": "b"}]}));
        let error = records(&mut given, "Tags", |members| text(members, "TagKey")).expect_err("Tagkey is unknown");
        assert_eq!(
            error.to_string(),
            "adapter fault: `kms:Encrypt.Tags[0]` has no parameter `Tagkey` in this driver"
        );
    }

    #[test]
    fn what_is_left_is_an_error() {
        let mut given = fields(json!({"KeyId": "k", "Foo": 1}));
        assert_eq!(text(&mut given, "KeyId"), Ok(Some("k".to_owned())));
        assert!(given.finish().expect_err("Foo is left").to_string().contains("`Foo`"));
    }

    #[test]
    fn a_policy_keeps_its_text_or_its_order() {
        let mut given = fields(json!({"A": {"b": 1, "a": [2]}, "B": "{ verbatim"}));
        assert_eq!(policy(&mut given, "A"), Ok(Some("{\"b\":1,\"a\":[2]}".to_owned())));
        assert_eq!(policy(&mut given, "B"), Ok(Some("{ verbatim".to_owned())));
    }
}
