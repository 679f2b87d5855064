//! Where the values of a text stand, for whoever points at a statement of the user's file or names the byte of a mistake. What the
//! values mean is said by the types of `case`, never here.

use std::ops::Range;

use serde::de::DeserializeOwned;

use super::json;
use super::load::{MAX_CASE_BYTES, Problem, ProblemKind, Syntax};
use super::tree::{self, Node, ReadError};

/// The values of a text, each with its place: YAML documents, or JSON values one after the other.
#[derive(Debug, Clone)]
pub struct Places {
    documents: Vec<Node>,
}

/// One value and where it stands.
#[derive(Debug, Clone, Copy)]
pub struct Place<'t> {
    node: &'t Node,
}

impl Places {
    /// Reads a text under the limits of a Case file: size, depth, number of values; a member may stand once.
    ///
    /// # Errors
    /// The first [`Problem`], with its place.
    pub fn read(text: &str, syntax: Syntax) -> Result<Self, Problem> {
        if text.len() > MAX_CASE_BYTES {
            return Err(Problem::new(ProblemKind::TooLarge, 0..0));
        }
        let documents = match syntax {
            Syntax::Yaml => tree::parse_yaml(text),
            Syntax::Json => json::parse_json(text),
        };
        Ok(Self { documents: documents? })
    }

    /// The documents in the order of the text.
    pub fn documents(&self) -> impl ExactSizeIterator<Item = Place<'_>> {
        self.documents.iter().map(|node| Place { node })
    }
}

impl<'t> Place<'t> {
    /// The member of a mapping.
    pub fn member(self, name: &str) -> Option<Self> {
        self.node.get(name).map(|node| Self { node })
    }

    /// The entry of a list.
    pub fn entry(self, position: usize) -> Option<Self> {
        self.node.entries().get(position).map(|node| Self { node })
    }

    /// The names of the members of a mapping, in the order written.
    pub fn names(self) -> impl Iterator<Item = &'t str> {
        self.node.members().iter().map(|(key, _)| key.text.as_str())
    }

    /// Whether the value is a mapping.
    pub fn is_mapping(self) -> bool {
        matches!(self.node.value, tree::NodeValue::Map(_))
    }

    /// The text, if the value is one.
    pub fn text(self) -> Option<&'t str> {
        self.node.text()
    }

    /// Where the value stands, in bytes.
    pub fn span(self) -> Range<usize> {
        self.node.span.clone()
    }

    /// Reads a type from the value.
    ///
    /// # Errors
    /// A [`Problem`] at the innermost value that does not fit.
    pub fn read<T: DeserializeOwned>(self) -> Result<T, Problem> {
        self.node.read().map_err(|mut error: ReadError| {
            error.span.get_or_insert_with(|| self.node.label());
            error.into()
        })
    }
}
