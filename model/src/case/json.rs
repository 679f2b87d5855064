//! JSON into the tree of a Case, place by place. serde_json reads; what is added is where each value stands, and that a member
//! stands once.

use std::collections::BTreeSet;
use std::fmt;
use std::ops::Range;

use serde::de::{MapAccess, Visitor};
use serde::{Deserialize, Deserializer};
use serde_json::value::RawValue;

use super::tree::{Key, MAX_DEPTH, MAX_NODES, Node, NodeValue, ParseError};

/// Parses a text of JSON values, one after the other.
pub(crate) fn parse_json(text: &str) -> Result<Vec<Node>, ParseError> {
    let mut parser = Parser { text, nodes: 0 };
    let mut documents = Vec::new();
    for value in serde_json::Deserializer::from_str(text).into_iter::<&RawValue>() {
        let raw = value.map_err(|error| parser.fault(&error, text))?;
        documents.push(parser.node(raw.get(), 0)?);
    }
    Ok(documents)
}

struct Parser<'t> {
    text: &'t str,
    nodes: usize,
}

impl<'t> Parser<'t> {
    /// `raw` is one JSON value, a part of the text.
    fn node(&mut self, raw: &'t str, depth: usize) -> Result<Node, ParseError> {
        let span = self.span(raw);
        self.nodes += 1;
        if depth >= MAX_DEPTH || self.nodes > MAX_NODES {
            let message = if depth >= MAX_DEPTH {
                "it nests too deeply"
            } else {
                "it has too many values"
            };
            return Err(ParseError {
                message: message.to_owned(),
                span,
                duplicate: false,
            });
        }
        let fail = |error: serde_json::Error, parser: &Self| parser.fault(&error, raw);
        let value = match raw.as_bytes().first() {
            Some(b'{') => {
                let Pairs(pairs) = serde_json::from_str(raw).map_err(|error| fail(error, self))?;
                let mut members = Vec::with_capacity(pairs.len());
                let mut seen = BTreeSet::new();
                for (key, value) in pairs {
                    let span = self.span(key.get());
                    let text: String =
                        serde_json::from_str(key.get()).map_err(|error| self.fault(&error, key.get()))?;
                    if !seen.insert(text.clone()) {
                        let message = format!("duplicate member `{text}`");
                        return Err(ParseError {
                            message,
                            span,
                            duplicate: true,
                        });
                    }
                    members.push((Key { text, span }, self.node(value.get(), depth + 1)?));
                }
                NodeValue::Map(members)
            }
            Some(b'[') => {
                let entries: Vec<&'t RawValue> = serde_json::from_str(raw).map_err(|error| fail(error, self))?;
                NodeValue::List(
                    entries
                        .into_iter()
                        .map(|entry| self.node(entry.get(), depth + 1))
                        .collect::<Result<_, _>>()?,
                )
            }
            Some(b'"') => NodeValue::Text(serde_json::from_str(raw).map_err(|error| fail(error, self))?),
            Some(b't' | b'f') => NodeValue::Bool(serde_json::from_str(raw).map_err(|error| fail(error, self))?),
            Some(b'n') => NodeValue::Null,
            _ => NodeValue::Number(serde_json::from_str(raw).map_err(|error| fail(error, self))?),
        };
        Ok(Node { value, span })
    }

    /// Where a part of the text stands in it.
    fn span(&self, part: &str) -> Range<usize> {
        let start = (part.as_ptr() as usize)
            .saturating_sub(self.text.as_ptr() as usize)
            .min(self.text.len());
        start..(start + part.len()).min(self.text.len())
    }

    /// An error of serde_json inside a part of the text.
    fn fault(&self, error: &serde_json::Error, part: &str) -> ParseError {
        let before: usize = part
            .split_inclusive('\n')
            .take(error.line().saturating_sub(1))
            .map(str::len)
            .sum();
        let mut start = (self.span(part).start + before + error.column().saturating_sub(1)).min(self.text.len());
        while !self.text.is_char_boundary(start) {
            start -= 1;
        }
        let message = error.to_string();
        // The place is in the label; the library also writes it into the text.
        let message = message.split(" at line ").next().unwrap_or(&message).to_owned();
        ParseError {
            message,
            span: start..start,
            duplicate: false,
        }
    }
}

/// The members of an object in the order written, duplicates included.
struct Pairs<'t>(Vec<(&'t RawValue, &'t RawValue)>);

impl<'t> Deserialize<'t> for Pairs<'t> {
    fn deserialize<D: Deserializer<'t>>(deserializer: D) -> Result<Self, D::Error> {
        struct PairsVisitor;

        impl<'t> Visitor<'t> for PairsVisitor {
            type Value = Pairs<'t>;

            fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
                formatter.write_str("an object")
            }

            fn visit_map<A: MapAccess<'t>>(self, mut members: A) -> Result<Pairs<'t>, A::Error> {
                let mut pairs = Vec::new();
                while let Some(pair) = members.next_entry()? {
                    pairs.push(pair);
                }
                Ok(Pairs(pairs))
            }
        }

        deserializer.deserialize_map(PairsVisitor)
    }
}
