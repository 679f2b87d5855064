//! Holds a JSON value to a JSON Schema, as far as the schemas that schemars writes for our own types go. A keyword that is not known here is
//! an error and never an agreement. What the schemas say is the business of the types they are made of.

use std::fmt;

use serde_json::{Map, Value};

/// Keywords that say nothing about which values are valid.
const ANNOTATIONS: &[&str] = &[
    "$schema",
    "$id",
    "$defs",
    "title",
    "description",
    "default",
    "examples",
    "deprecated",
    "readOnly",
    "writeOnly",
    // Sizes of numbers, said again by `minimum` and `maximum`.
    "format",
];

/// Nesting at which a value is given up; documents of other people are not trusted to end.
const DEEPEST: usize = 200;

/// Why a value is not of a schema.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{}: {what}", if path.is_empty() { "the value" } else { path.as_str() })]
pub struct Mismatch {
    /// Where: `evaluate.request.action`.
    pub path: String,
    /// What is wrong there.
    pub what: String,
}

/// A schema with the definitions it refers to.
#[derive(Debug, Clone, Copy)]
pub struct Schema<'s> {
    root: &'s Value,
    part: &'s Value,
}

impl<'s> Schema<'s> {
    /// A whole schema.
    pub fn new(root: &'s Value) -> Self {
        Self { root, part: root }
    }

    /// One of its definitions; none if there is none of that name.
    pub fn definition(&self, name: &str) -> Option<Self> {
        let part = self.root.get("$defs")?.get(name)?;
        Some(Self { root: self.root, part })
    }

    /// Holds a value to the schema.
    ///
    /// # Errors
    /// The first [`Mismatch`]; of several alternatives, that of the one that came furthest.
    pub fn check(&self, value: &Value) -> Result<(), Mismatch> {
        Checker { root: self.root }.check(self.part, value, &Place { path: Vec::new() })
    }
}

/// Where a value stands.
#[derive(Clone)]
struct Place {
    path: Vec<String>,
}

impl Place {
    fn member(&self, name: &str) -> Self {
        let mut path = self.path.clone();
        path.push(if path.is_empty() {
            name.to_owned()
        } else {
            format!(".{name}")
        });
        Self { path }
    }

    fn item(&self, position: usize) -> Self {
        let mut path = self.path.clone();
        path.push(format!("[{position}]"));
        Self { path }
    }

    fn wrong(&self, what: impl fmt::Display) -> Mismatch {
        Mismatch {
            path: self.path.concat(),
            what: what.to_string(),
        }
    }
}

struct Checker<'s> {
    root: &'s Value,
}

impl Checker<'_> {
    fn check(&self, schema: &Value, value: &Value, place: &Place) -> Result<(), Mismatch> {
        if place.path.len() > DEEPEST {
            return Err(place.wrong("nested too deeply"));
        }
        let members = match schema {
            Value::Bool(true) => return Ok(()),
            Value::Bool(false) => return Err(place.wrong("nothing may stand here")),
            Value::Object(members) => members,
            _ => return Err(place.wrong("the schema itself is none")),
        };
        for (keyword, wanted) in members {
            self.keyword(members, keyword, wanted, value, place)?;
        }
        Ok(())
    }

    fn keyword(
        &self,
        members: &Map<String, Value>,
        keyword: &str,
        wanted: &Value,
        value: &Value,
        place: &Place,
    ) -> Result<(), Mismatch> {
        let unreadable = || place.wrong(format!("the schema's `{keyword}` is not understood"));
        match keyword {
            "$ref" => {
                let name = wanted.as_str().and_then(|text| text.strip_prefix("#/$defs/"));
                let found = name.and_then(|name| self.root.get("$defs")?.get(name));
                self.check(found.ok_or_else(unreadable)?, value, place)
            }
            "type" => {
                let names: Vec<&str> = match wanted {
                    Value::String(name) => vec![name],
                    Value::Array(names) => names.iter().filter_map(Value::as_str).collect(),
                    _ => return Err(unreadable()),
                };
                if names.iter().any(|name| is_of_type(value, name)) {
                    Ok(())
                } else {
                    Err(place.wrong(format!("{} where {} is wanted", kind(value), names.join(" or "))))
                }
            }
            "const" if value == wanted => Ok(()),
            "const" => Err(place.wrong(format!("`{}` where `{}` is wanted", short(value), short(wanted)))),
            "enum" => {
                let words = wanted.as_array().ok_or_else(unreadable)?;
                if words.contains(value) {
                    return Ok(());
                }
                let words: Vec<String> = words.iter().map(|word| format!("`{}`", short(word))).collect();
                Err(place.wrong(format!("`{}` is none of {}", short(value), words.join(", "))))
            }
            "required" => {
                let Value::Object(object) = value else { return Ok(()) };
                let names = wanted.as_array().ok_or_else(unreadable)?;
                let missing = names
                    .iter()
                    .filter_map(Value::as_str)
                    .find(|name| !object.contains_key(*name));
                missing.map_or(Ok(()), |name| Err(place.wrong(format!("`{name}` is missing"))))
            }
            "properties" => {
                let Value::Object(object) = value else { return Ok(()) };
                let schemas = wanted.as_object().ok_or_else(unreadable)?;
                schemas
                    .iter()
                    .filter_map(|(name, schema)| Some((name, schema, object.get(name)?)))
                    .try_for_each(|(name, schema, member)| self.check(schema, member, &place.member(name)))
            }
            "additionalProperties" => {
                let Value::Object(object) = value else { return Ok(()) };
                let known = members.get("properties").and_then(Value::as_object);
                let mut others = object
                    .iter()
                    .filter(|(name, _)| known.is_none_or(|known| !known.contains_key(*name)));
                if wanted == &Value::Bool(false) {
                    return others.next().map_or(Ok(()), |(name, _)| {
                        Err(place.wrong(format!("`{}` is no member here", short(&Value::from(name.as_str())))))
                    });
                }
                others.try_for_each(|(name, member)| self.check(wanted, member, &place.member(name)))
            }
            "items" => match value {
                Value::Array(items) => items
                    .iter()
                    .enumerate()
                    .try_for_each(|(position, item)| self.check(wanted, item, &place.item(position))),
                _ => Ok(()),
            },
            "minItems" | "maxItems" => {
                let bound = wanted.as_u64().ok_or_else(unreadable)?;
                let count = value.as_array().map(|items| items.len() as u64);
                let within = |count| {
                    if keyword == "minItems" {
                        count >= bound
                    } else {
                        count <= bound
                    }
                };
                match count {
                    Some(count) if !within(count) => Err(place.wrong(format!("{count} items, {keyword} is {bound}"))),
                    _ => Ok(()),
                }
            }
            "minimum" | "maximum" => {
                let bound = wanted.as_f64().ok_or_else(unreadable)?;
                let within = |number| {
                    if keyword == "minimum" {
                        number >= bound
                    } else {
                        number <= bound
                    }
                };
                match value.as_f64() {
                    Some(number) if !within(number) => Err(place.wrong(format!("{number}, and {keyword} is {bound}"))),
                    _ => Ok(()),
                }
            }
            "allOf" => wanted
                .as_array()
                .ok_or_else(unreadable)?
                .iter()
                .try_for_each(|schema| self.check(schema, value, place)),
            "anyOf" => self
                .alternatives(wanted.as_array().ok_or_else(unreadable)?, value, place)
                .map(drop),
            "oneOf" => match self.alternatives(wanted.as_array().ok_or_else(unreadable)?, value, place)? {
                1 => Ok(()),
                several => Err(place.wrong(format!("{several} forms at once"))),
            },
            known if ANNOTATIONS.contains(&known) => Ok(()),
            _ => Err(unreadable()),
        }
    }

    /// How many of the alternatives the value is of.
    ///
    /// # Errors
    /// If it is of none: what is wrong in the one in which the mistake is deepest.
    fn alternatives(&self, schemas: &[Value], value: &Value, place: &Place) -> Result<usize, Mismatch> {
        let mut count = 0;
        let mut furthest: Option<Mismatch> = None;
        for schema in schemas {
            match self.check(schema, value, place) {
                Ok(()) => count += 1,
                Err(mismatch) => {
                    if furthest
                        .as_ref()
                        .is_none_or(|known| mismatch.path.len() > known.path.len())
                    {
                        furthest = Some(mismatch);
                    }
                }
            }
        }
        match furthest {
            Some(mismatch) if count == 0 => {
                // Alternatives that only ask for one member each are said together.
                let asked: Option<Vec<&str>> = schemas.iter().map(only_required).collect();
                Err(asked.map_or(mismatch, |names| {
                    place.wrong(format!("none of `{}` is there", names.join("`, `")))
                }))
            }
            _ => Ok(count),
        }
    }
}

/// The one member that a schema asks for, if it asks for nothing else.
fn only_required(schema: &Value) -> Option<&str> {
    let members = schema.as_object().filter(|members| members.len() == 1)?;
    match members.get("required")?.as_array()?.as_slice() {
        [only] => only.as_str(),
        _ => None,
    }
}

fn is_of_type(value: &Value, name: &str) -> bool {
    match name {
        "integer" => value.as_f64().is_some_and(|number| number.fract() == 0.0),
        "number" => value.is_number(),
        name => kind(value) == name,
    }
}

fn kind(value: &Value) -> &'static str {
    match value {
        Value::Null => "null",
        Value::Bool(_) => "boolean",
        Value::Number(_) => "number",
        Value::String(_) => "string",
        Value::Array(_) => "array",
        Value::Object(_) => "object",
    }
}

/// The start of a value, for a message.
fn short(value: &Value) -> String {
    const MOST: usize = 60;
    let text = value.as_str().map_or_else(|| value.to_string(), str::to_owned);
    let mut short: String = text.chars().take(MOST).collect();
    if short.len() < text.len() {
        short.push('…');
    }
    crate::report::plain(&short).into_owned()
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::Schema;

    fn schema() -> Value {
        json!({
            "type": "object",
            "properties": {
                "seq": {"type": "integer", "minimum": 0, "format": "uint64"},
                "decision": {"$ref": "#/$defs/Decision"},
                "list": {"type": "array", "items": {"type": ["string", "null"]}, "minItems": 1},
                "map": {"type": "object", "additionalProperties": {"type": "boolean"}},
                "form": {"oneOf": [{"const": 1}, {"type": "object", "required": ["a"], "properties": {"a": {"enum": ["x", "y"]}}}]},
            },
            "required": ["seq"],
            "additionalProperties": false,
            "anyOf": [{"required": ["decision"]}, {"required": ["list"]}, {"required": ["map"]}, {"required": ["form"]}],
            "$defs": {"Decision": {"oneOf": [{"const": "allow", "description": "a"}, {"const": "deny"}]}},
        })
    }

    #[test]
    fn mistakes_are_named_at_their_place() {
        let schema = schema();
        let table: &[(Value, Option<&str>)] = &[
            (json!({"seq": 1, "decision": "allow"}), None),
            (json!({"seq": 1.0, "list": ["a", null]}), None),
            (json!({"seq": 1, "map": {"a": true}}), None),
            (json!({"seq": 1, "form": {"a": "x"}}), None),
            (json!([]), Some("the value: array where object is wanted")),
            (json!({"decision": "allow"}), Some("`seq` is missing")),
            (
                json!({"seq": "1", "decision": "allow"}),
                Some("seq: string where integer"),
            ),
            (
                json!({"seq": -1, "decision": "allow"}),
                Some("seq: -1, and minimum is 0"),
            ),
            (
                json!({"seq": 1, "decision": "maybe"}),
                Some("decision: `maybe` where `allow`"),
            ),
            (
                json!({"seq": 1, "decisoin": "allow", "list": [""]}),
                Some("`decisoin` is no member here"),
            ),
            (
                json!({"seq": 1, "list": ["a", 2]}),
                Some("list[1]: number where string or null"),
            ),
            (json!({"seq": 1, "list": []}), Some("list: 0 items")),
            (json!({"seq": 1, "map": {"a": 1}}), Some("map.a: number where boolean")),
            (
                json!({"seq": 1, "form": {"a": "z"}}),
                Some("form.a: `z` is none of `x`, `y`"),
            ),
            (
                json!({"seq": 1}),
                Some("none of `decision`, `list`, `map`, `form` is there"),
            ),
        ];
        for (value, wanted) in table {
            let result = Schema::new(&schema)
                .check(value)
                .map_err(|mismatch| mismatch.to_string());
            match wanted {
                None => assert_eq!(result, Ok(()), "{value}"),
                Some(words) => {
                    let message = result.expect_err("the value is not of the schema");
                    assert!(message.contains(words), "{value}: {message}");
                }
            }
        }
    }

    #[test]
    fn a_keyword_that_is_not_known_is_no_agreement() {
        for schema in [
            json!({"pattern": "^a"}),
            json!({"$ref": "#/$defs/Nobody"}),
            json!({"not": {}}),
            json!(7),
        ] {
            assert!(Schema::new(&schema).check(&json!("a")).is_err(), "{schema}");
        }
    }

    #[test]
    fn a_value_without_end_is_given_up() {
        let schema = json!({"$ref": "#/$defs/Tree", "$defs": {"Tree": {"type": ["array", "null"], "items": {"$ref": "#/$defs/Tree"}}}});
        let mut value = Value::Null;
        for _ in 0..100 {
            value = json!([value]);
        }
        assert_eq!(Schema::new(&schema).check(&value), Ok(()));
        for _ in 0..150 {
            value = json!([value]);
        }
        assert!(Schema::new(&schema).check(&value).is_err());
    }
}
