//! A Case file as a tree whose every node knows where it stands, and a serde reader over it that keeps the place of an error.
//! What the tree means is said by the types of `case`; what is wrong with a well-formed one by `validate`.

use std::fmt;
use std::ops::Range;

use serde::de::{self, DeserializeSeed, IntoDeserializer, Visitor};
use serde::{Deserialize, Deserializer};
use serde_saphyr::Spanned;

/// Deepest nesting of a Case: twice what a policy in a world needs, and half of what an unoptimized build can read on the 2 MiB
/// stack of a thread.
pub(super) const MAX_DEPTH: usize = 32;
/// Most nodes of a file, aliases replayed.
pub(super) const MAX_NODES: usize = 200_000;

/// One node with its place in the file, in bytes.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Node {
    pub(crate) value: NodeValue,
    pub(crate) span: Range<usize>,
}

/// What a node holds.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum NodeValue {
    Null,
    Bool(bool),
    Number(serde_json::Number),
    Text(String),
    List(Vec<Node>),
    Map(Vec<(Key, Node)>),
}

/// The name of a member with its place.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Key {
    pub(crate) text: String,
    pub(crate) span: Range<usize>,
}

impl Node {
    /// The member of a mapping.
    pub(crate) fn get(&self, name: &str) -> Option<&Self> {
        self.members()
            .iter()
            .find(|(key, _)| key.text == name)
            .map(|(_, node)| node)
    }

    /// The members of a mapping; nothing for other nodes.
    pub(crate) fn members(&self) -> &[(Key, Self)] {
        match &self.value {
            NodeValue::Map(members) => members,
            _ => &[],
        }
    }

    /// The entries of a list; nothing for other nodes.
    pub(crate) fn entries(&self) -> &[Self] {
        match &self.value {
            NodeValue::List(entries) => entries,
            _ => &[],
        }
    }

    /// The text of a text node.
    pub(crate) fn text(&self) -> Option<&str> {
        match &self.value {
            NodeValue::Text(text) => Some(text),
            _ => None,
        }
    }

    /// What a reader calls the node's type.
    fn type_name(&self) -> &'static str {
        match &self.value {
            NodeValue::Null => "null",
            NodeValue::Bool(_) => "a bare boolean",
            NodeValue::Number(_) => "a bare number",
            NodeValue::Text(_) => "a text",
            NodeValue::List(_) => "a list",
            NodeValue::Map(_) => "a mapping",
        }
    }

    /// The part of the node worth pointing at: of a mapping its first name, of a list its first entry.
    pub(crate) fn label(&self) -> Range<usize> {
        match &self.value {
            NodeValue::Map(members) => members
                .first()
                .map_or_else(|| self.span.clone(), |(key, _)| key.span.clone()),
            NodeValue::List(entries) => entries.first().map_or_else(|| self.span.clone(), Self::label),
            _ => self.span.clone(),
        }
    }

    /// Reads a type from the node.
    pub(crate) fn read<'de, T: Deserialize<'de>>(&'de self) -> Result<T, ReadError> {
        T::deserialize(self)
    }
}

/// Why a file is no tree.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct ParseError {
    pub(crate) message: String,
    pub(crate) span: Range<usize>,
    pub(crate) duplicate: bool,
}

/// Parses a file of YAML documents.
pub(crate) fn parse_yaml(text: &str) -> Result<Vec<Node>, ParseError> {
    let options = serde_saphyr::options! {
        budget: serde_saphyr::budget! {
            max_depth: MAX_DEPTH,
            flow_nesting_limit: MAX_DEPTH,
            max_nodes: MAX_NODES,
            max_documents: 1024,
            simple_key_max_lookahead: 8192,
        },
        alias_limits: serde_saphyr::alias_limits! { max_total_replayed_events: MAX_NODES },
        strict_booleans: true,
        reject_unsupported_tags: true,
        merge_keys: serde_saphyr::MergeKeyPolicy::Merge,
        with_snippet: false,
    };
    let documents: Vec<Raw> =
        serde_saphyr::from_multiple_with_options(text, options).map_err(|error| parse_error(&error, text))?;
    Ok(documents.into_iter().map(Node::from).collect())
}

fn parse_error(error: &serde_saphyr::Error, text: &str) -> ParseError {
    let span = error
        .location()
        .map_or(0..0, |location| match location.span().byte_offset() {
            Some(_) => bytes(location, text.len()),
            None => offset_of(text, location),
        });
    let inner = error.without_snippet();
    let duplicate = matches!(inner, serde_saphyr::Error::DuplicateMappingKey { .. });
    let message = inner.to_string();
    // The place is in the label; the library also writes it into the text.
    let message = message.split(" at line ").next().unwrap_or(&message).trim().to_owned();
    ParseError {
        message,
        span,
        duplicate,
    }
}

/// The place of a location that has only line and column, both from 1, the column in characters.
fn offset_of(text: &str, location: serde_saphyr::Location) -> Range<usize> {
    let count = |value: u64| usize::try_from(value).unwrap_or(usize::MAX).saturating_sub(1);
    let start: usize = text
        .split_inclusive('\n')
        .take(count(location.line()))
        .map(str::len)
        .sum();
    let line = text.get(start..).unwrap_or("");
    let within = line
        .char_indices()
        .nth(count(location.column()))
        .map_or(line.len(), |(offset, _)| offset);
    start + within..start + within
}

/// The bytes of a location, kept inside the text.
fn bytes(location: serde_saphyr::Location, length: usize) -> Range<usize> {
    let clamp = |offset: Option<u64>| usize::try_from(offset.unwrap_or(0)).unwrap_or(length).min(length);
    let start = clamp(location.span().byte_offset());
    let end = start.saturating_add(clamp(location.span().byte_len())).min(length);
    start..end
}

/// A node as the YAML reader gives it. Depth is bounded by the budget, so the recursion is too.
#[derive(Deserialize)]
struct Raw(Spanned<RawValue>);

enum RawValue {
    Null,
    Bool(bool),
    Number(serde_json::Number),
    Text(String),
    List(Vec<Raw>),
    Map(Vec<(Spanned<String>, Raw)>),
}

impl From<Raw> for Node {
    fn from(raw: Raw) -> Self {
        let value = match raw.0.value {
            RawValue::Null => NodeValue::Null,
            RawValue::Bool(value) => NodeValue::Bool(value),
            RawValue::Number(value) => NodeValue::Number(value),
            RawValue::Text(value) => NodeValue::Text(value),
            RawValue::List(entries) => NodeValue::List(entries.into_iter().map(Self::from).collect()),
            RawValue::Map(members) => NodeValue::Map(
                members
                    .into_iter()
                    .map(|(key, value)| {
                        (
                            Key {
                                span: bytes(key.referenced, usize::MAX),
                                text: key.value,
                            },
                            Self::from(value),
                        )
                    })
                    .collect(),
            ),
        };
        Self {
            value,
            span: bytes(raw.0.referenced, usize::MAX),
        }
    }
}

impl<'de> Deserialize<'de> for RawValue {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(RawVisitor)
    }
}

struct RawVisitor;

impl<'de> Visitor<'de> for RawVisitor {
    type Value = RawValue;

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("a mapping, a list, a text, a number, a boolean or null")
    }

    fn visit_unit<E>(self) -> Result<RawValue, E> {
        Ok(RawValue::Null)
    }

    fn visit_none<E>(self) -> Result<RawValue, E> {
        Ok(RawValue::Null)
    }

    fn visit_some<D: Deserializer<'de>>(self, deserializer: D) -> Result<RawValue, D::Error> {
        deserializer.deserialize_any(self)
    }

    fn visit_bool<E>(self, value: bool) -> Result<RawValue, E> {
        Ok(RawValue::Bool(value))
    }

    fn visit_u64<E>(self, value: u64) -> Result<RawValue, E> {
        Ok(RawValue::Number(value.into()))
    }

    fn visit_i64<E>(self, value: i64) -> Result<RawValue, E> {
        Ok(RawValue::Number(value.into()))
    }

    fn visit_u128<E: de::Error>(self, value: u128) -> Result<RawValue, E> {
        Err(E::custom(format!(
            "the number {value} is too large; quote it if it is a text"
        )))
    }

    fn visit_i128<E: de::Error>(self, value: i128) -> Result<RawValue, E> {
        Err(E::custom(format!(
            "the number {value} is too large; quote it if it is a text"
        )))
    }

    fn visit_f64<E: de::Error>(self, value: f64) -> Result<RawValue, E> {
        serde_json::Number::from_f64(value)
            .map(RawValue::Number)
            .ok_or_else(|| E::custom("a number must be finite; quote it if it is a text"))
    }

    fn visit_str<E>(self, value: &str) -> Result<RawValue, E> {
        Ok(RawValue::Text(value.to_owned()))
    }

    fn visit_string<E>(self, value: String) -> Result<RawValue, E> {
        Ok(RawValue::Text(value))
    }

    fn visit_seq<A: de::SeqAccess<'de>>(self, mut entries: A) -> Result<RawValue, A::Error> {
        let mut list = Vec::new();
        while let Some(entry) = entries.next_element()? {
            list.push(entry);
        }
        Ok(RawValue::List(list))
    }

    fn visit_map<A: de::MapAccess<'de>>(self, mut members: A) -> Result<RawValue, A::Error> {
        let mut map = Vec::new();
        while let Some(key) = members.next_key()? {
            map.push((key, members.next_value()?));
        }
        Ok(RawValue::Map(map))
    }
}

/// Why a node is not of the type it should be, and where.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct ReadError {
    pub(crate) message: String,
    /// The place of the innermost node that was being read.
    pub(crate) span: Option<Range<usize>>,
    /// The unknown name and the names that were expected.
    pub(crate) unknown: Option<(String, &'static [&'static str])>,
}

impl ReadError {
    /// Gives the error a place unless an inner node already did.
    fn at(mut self, span: Range<usize>) -> Self {
        self.span.get_or_insert(span);
        self
    }
}

impl fmt::Display for ReadError {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.message)
    }
}

impl std::error::Error for ReadError {}

impl de::Error for ReadError {
    fn custom<T: fmt::Display>(message: T) -> Self {
        Self {
            message: message.to_string(),
            span: None,
            unknown: None,
        }
    }

    fn unknown_field(field: &str, expected: &'static [&'static str]) -> Self {
        Self {
            message: format!("unknown field `{field}`"),
            span: None,
            unknown: Some((field.to_owned(), expected)),
        }
    }

    fn unknown_variant(variant: &str, expected: &'static [&'static str]) -> Self {
        Self {
            message: format!("`{variant}` is not one of {}", expected.join(", ")),
            span: None,
            unknown: Some((variant.to_owned(), expected)),
        }
    }

    fn invalid_type(unexpected: de::Unexpected<'_>, expected: &dyn de::Expected) -> Self {
        Self::custom(format_args!("expected {expected}, not {}", describe(unexpected)))
    }
}

fn describe(unexpected: de::Unexpected<'_>) -> String {
    match unexpected {
        de::Unexpected::Bool(value) => format!("the bare boolean `{value}`"),
        de::Unexpected::Unsigned(value) => format!("the bare number `{value}`"),
        de::Unexpected::Signed(value) => format!("the bare number `{value}`"),
        de::Unexpected::Float(value) => format!("the bare number `{value}`"),
        de::Unexpected::Str(value) => format!("the text `{}`", value.chars().take(80).collect::<String>()),
        de::Unexpected::Unit | de::Unexpected::Option => "null".to_owned(),
        de::Unexpected::Seq => "a list".to_owned(),
        de::Unexpected::Map => "a mapping".to_owned(),
        other => other.to_string(),
    }
}

impl<'de> Deserializer<'de> for &'de Node {
    type Error = ReadError;

    fn deserialize_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, ReadError> {
        let result = match &self.value {
            NodeValue::Null => visitor.visit_unit(),
            NodeValue::Bool(value) => visitor.visit_bool(*value),
            NodeValue::Number(number) => {
                if let Some(value) = number.as_u64() {
                    visitor.visit_u64(value)
                } else if let Some(value) = number.as_i64() {
                    visitor.visit_i64(value)
                } else {
                    visitor.visit_f64(number.as_f64().unwrap_or_default())
                }
            }
            NodeValue::Text(text) => visitor.visit_borrowed_str(text),
            NodeValue::List(entries) => visitor.visit_seq(Entries { rest: entries.iter() }),
            NodeValue::Map(members) => visitor.visit_map(Members {
                rest: members.iter(),
                value: None,
            }),
        };
        result.map_err(|error| error.at(self.label()))
    }

    fn deserialize_option<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, ReadError> {
        match self.value {
            NodeValue::Null => visitor.visit_none(),
            _ => visitor.visit_some(self),
        }
    }

    fn deserialize_struct<V: Visitor<'de>>(
        self,
        _name: &'static str,
        _fields: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, ReadError> {
        match self.value {
            NodeValue::Map(_) => self.deserialize_any(visitor),
            // serde would read a list as the members in order.
            _ => Err(
                <ReadError as de::Error>::custom(format_args!("expected a mapping, not {}", self.type_name()))
                    .at(self.label()),
            ),
        }
    }

    fn deserialize_newtype_struct<V: Visitor<'de>>(
        self,
        _name: &'static str,
        visitor: V,
    ) -> Result<V::Value, ReadError> {
        visitor
            .visit_newtype_struct(self)
            .map_err(|error| error.at(self.label()))
    }

    fn deserialize_enum<V: Visitor<'de>>(
        self,
        _name: &'static str,
        variants: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, ReadError> {
        let Some(text) = self.text() else {
            let message = format!("expected one of {}, not {}", variants.join(", "), self.type_name());
            return Err(de::Error::custom(message)).map_err(|error: ReadError| error.at(self.label()));
        };
        let variant: de::value::StrDeserializer<'_, ReadError> = text.into_deserializer();
        visitor.visit_enum(variant).map_err(|error| error.at(self.label()))
    }

    serde::forward_to_deserialize_any! {
        bool i8 i16 i32 i64 i128 u8 u16 u32 u64 u128 f32 f64 char str string bytes byte_buf
        unit unit_struct seq tuple tuple_struct map identifier ignored_any
    }
}

/// The entries of a list, read one after the other.
struct Entries<'de> {
    rest: std::slice::Iter<'de, Node>,
}

impl<'de> de::SeqAccess<'de> for Entries<'de> {
    type Error = ReadError;

    fn next_element_seed<S: DeserializeSeed<'de>>(&mut self, seed: S) -> Result<Option<S::Value>, ReadError> {
        let Some(entry) = self.rest.next() else { return Ok(None) };
        // A check that runs after the entry was read, such as `try_from`, has no place of its own.
        seed.deserialize(entry)
            .map(Some)
            .map_err(|error| error.at(entry.label()))
    }

    fn size_hint(&self) -> Option<usize> {
        Some(self.rest.len())
    }
}

/// The members of a mapping, read one after the other.
struct Members<'de> {
    rest: std::slice::Iter<'de, (Key, Node)>,
    value: Option<&'de Node>,
}

impl<'de> de::MapAccess<'de> for Members<'de> {
    type Error = ReadError;

    fn next_key_seed<K: DeserializeSeed<'de>>(&mut self, seed: K) -> Result<Option<K::Value>, ReadError> {
        let Some((key, value)) = self.rest.next() else {
            return Ok(None);
        };
        self.value = Some(value);
        let name: de::value::BorrowedStrDeserializer<'de, ReadError> =
            de::value::BorrowedStrDeserializer::new(&key.text);
        seed.deserialize(name)
            .map(Some)
            .map_err(|error| error.at(key.span.clone()))
    }

    fn next_value_seed<V: DeserializeSeed<'de>>(&mut self, seed: V) -> Result<V::Value, ReadError> {
        let value = self
            .value
            .take()
            .ok_or_else(|| <ReadError as de::Error>::custom("a value was asked for before its name"))?;
        seed.deserialize(value).map_err(|error| error.at(value.label()))
    }
}
