//! The parameters of a call under their AWS names, read with their types. What a value means is the operation's business.

use std::collections::BTreeMap;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Map, Value};

use super::StepError;

/// The `with` of a step.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Parameters<'a> {
    call: &'a str,
    values: &'a Map<String, Value>,
}

impl<'a> Parameters<'a> {
    pub(crate) fn new(call: &'a str, values: &'a Map<String, Value>) -> Self {
        Self { call, values }
    }

    /// A structure inside the parameters.
    pub(crate) fn inside(&self, name: &str) -> Result<Option<Self>, StepError> {
        match self.given(name) {
            None => Ok(None),
            Some(Value::Object(values)) => Ok(Some(Self {
                call: self.call,
                values,
            })),
            Some(_) => Err(self.wrong(name, "a mapping is needed")),
        }
    }

    /// A list of structures.
    pub(crate) fn structures(&self, name: &str) -> Result<Vec<Self>, StepError> {
        self.list(name)?
            .unwrap_or(&[])
            .iter()
            .map(|item| match item {
                Value::Object(values) => Ok(Self {
                    call: self.call,
                    values,
                }),
                _ => Err(self.wrong(name, "a list of mappings is needed")),
            })
            .collect()
    }

    /// The value as it was written.
    pub(crate) fn value(&self, name: &str) -> Option<&'a Value> {
        self.given(name)
    }

    pub(crate) fn has(&self, name: &str) -> bool {
        self.given(name).is_some()
    }

    pub(crate) fn text(&self, name: &str) -> Result<Option<&'a str>, StepError> {
        match self.given(name) {
            None => Ok(None),
            Some(Value::String(text)) => Ok(Some(text)),
            Some(_) => Err(self.wrong(name, "a text is needed")),
        }
    }

    pub(crate) fn needed_text(&self, name: &str) -> Result<&'a str, StepError> {
        self.text(name)?
            .ok_or_else(|| self.wrong(name, "it is needed: no request can leave it out"))
    }

    pub(crate) fn boolean(&self, name: &str) -> Result<Option<bool>, StepError> {
        match self.given(name) {
            None => Ok(None),
            Some(Value::Bool(truth)) => Ok(Some(*truth)),
            Some(_) => Err(self.wrong(name, "true or false is needed")),
        }
    }

    pub(crate) fn is_true(&self, name: &str) -> Result<bool, StepError> {
        Ok(self.boolean(name)?.unwrap_or(false))
    }

    pub(crate) fn integer(&self, name: &str) -> Result<Option<i64>, StepError> {
        match self.given(name) {
            None => Ok(None),
            Some(Value::Number(number)) => number
                .as_i64()
                .map(Some)
                .ok_or_else(|| self.wrong(name, "a whole number is needed")),
            Some(_) => Err(self.wrong(name, "a whole number is needed")),
        }
    }

    pub(crate) fn texts(&self, name: &str) -> Result<Option<Vec<String>>, StepError> {
        let Some(list) = self.list(name)? else { return Ok(None) };
        list.iter()
            .map(|item| {
                item.as_str()
                    .map(str::to_owned)
                    .ok_or_else(|| self.wrong(name, "a list of texts is needed"))
            })
            .collect::<Result<_, _>>()
            .map(Some)
    }

    /// A map from text to text.
    pub(crate) fn text_map(&self, name: &str) -> Result<Option<BTreeMap<String, String>>, StepError> {
        let Some(map) = self.inside(name)? else { return Ok(None) };
        map.values
            .iter()
            .map(|(key, value)| match value {
                Value::String(text) => Ok((key.clone(), text.clone())),
                _ => Err(self.wrong(name, "a mapping from text to text is needed")),
            })
            .collect::<Result<_, _>>()
            .map(Some)
    }

    /// A blob as base64 text: given so, or as `{text: …}`.
    pub(crate) fn blob(&self, name: &str) -> Result<Option<String>, StepError> {
        match self.given(name) {
            None => Ok(None),
            Some(Value::String(base64)) => match STANDARD.decode(base64) {
                Ok(_) => Ok(Some(base64.clone())),
                Err(_) => Err(self.wrong(name, "a blob is base64 text or `{text: …}`")),
            },
            Some(Value::Object(map)) => match (map.len(), map.get("text")) {
                (1, Some(Value::String(text))) => Ok(Some(STANDARD.encode(text))),
                _ => Err(self.wrong(name, "a blob is base64 text or `{text: …}`")),
            },
            Some(_) => Err(self.wrong(name, "a blob is base64 text or `{text: …}`")),
        }
    }

    /// A policy: a mapping, or a text sent verbatim.
    pub(crate) fn policy(&self, name: &str) -> Result<Option<String>, StepError> {
        match self.given(name) {
            None => Ok(None),
            Some(Value::String(text)) => Ok(Some(text.clone())),
            Some(Value::Object(_)) => Ok(self.given(name).map(Value::to_string)),
            Some(_) => Err(self.wrong(name, "a policy is a mapping or a text")),
        }
    }

    /// `[{TagKey, TagValue}]` (KMS) or `[{Key, Value}]` (everybody else).
    pub(crate) fn tags(
        &self,
        name: &str,
        key: &str,
        value: &str,
    ) -> Result<Option<BTreeMap<String, String>>, StepError> {
        if !self.has(name) {
            return Ok(None);
        }
        self.structures(name)?
            .iter()
            .map(|tag| {
                Ok((
                    tag.needed_text(key)?.to_owned(),
                    tag.text(value)?.unwrap_or_default().to_owned(),
                ))
            })
            .collect::<Result<_, _>>()
            .map(Some)
    }

    /// The error for a parameter that no request could carry.
    pub(crate) fn wrong(&self, name: &str, why: &str) -> StepError {
        StepError::Parameter {
            call: self.call.to_owned(),
            name: name.to_owned(),
            why: why.to_owned(),
        }
    }

    fn list(&self, name: &str) -> Result<Option<&'a [Value]>, StepError> {
        match self.given(name) {
            None => Ok(None),
            Some(Value::Array(list)) => Ok(Some(list)),
            Some(_) => Err(self.wrong(name, "a list is needed")),
        }
    }

    /// The value; `null` is the same as leaving it out.
    fn given(&self, name: &str) -> Option<&'a Value> {
        // A call has a handful of parameters: to look at them all is quicker than to hash a name.
        let (_, value) = self.values.iter().find(|(known, _)| *known == name)?;
        (!value.is_null()).then_some(value)
    }

    /// The names given.
    pub(crate) fn names(&self) -> impl Iterator<Item = &'a str> {
        self.values
            .iter()
            .filter(|(_, value)| !value.is_null())
            .map(|(name, _)| name.as_str())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn values_are_read_by_their_types() {
        let Value::Object(map) = json!({
            "Name": "x", "Flag": true, "Days": 7, "Blob": {"text": "hi"}, "Raw": "aGk=", "Bad": "a", "Nothing": null,
            "Tags": [{"TagKey": "a", "TagValue": "b"}], "Policy": {"Version": "2012-10-17"}
        }) else {
            unreachable!("the literal is an object")
        };
        let with = Parameters::new("kms:Test", &map);
        assert_eq!(with.text("Name"), Ok(Some("x")));
        assert!(with.text("Flag").is_err());
        assert_eq!(with.boolean("Flag"), Ok(Some(true)));
        assert_eq!(with.integer("Days"), Ok(Some(7)));
        assert_eq!(with.blob("Blob"), with.blob("Raw"));
        assert!(with.blob("Bad").is_err());
        assert!(!with.has("Nothing"));
        assert_eq!(
            with.tags("Tags", "TagKey", "TagValue")
                .map(|tags| tags.map(|tags| tags.len())),
            Ok(Some(1))
        );
        assert_eq!(
            with.policy("Policy"),
            Ok(Some(r#"{"Version":"2012-10-17"}"#.to_owned()))
        );
        assert!(with.needed_text("Missing").is_err());
    }
}
