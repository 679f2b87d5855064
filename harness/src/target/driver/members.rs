//! Writing outputs: a JSON object under AWS names from an SDK's getters, without members that are not there.

use serde_json::{Map, Value};

use crate::target::blob;

/// An object in the making.
#[derive(Debug, Default)]
pub(super) struct Members(Map<String, Value>);

/// An empty object.
pub(super) fn members() -> Members {
    Members::default()
}

impl Members {
    /// Adds a member that may be absent.
    pub(super) fn put<T: Into<Value>>(mut self, name: &str, value: Option<T>) -> Self {
        if let Some(value) = value {
            self.0.insert(name.to_owned(), value.into());
        }
        self
    }

    /// Adds bytes that may be absent.
    pub(super) fn put_blob<T: AsRef<[u8]>>(self, name: &str, value: Option<T>) -> Self {
        self.put(name, value.map(blob::encode))
    }

    /// Adds a list, also an empty one.
    pub(super) fn list<T>(mut self, name: &str, elements: &[T], each: impl Fn(&T) -> Members) -> Self {
        self.0.insert(
            name.to_owned(),
            elements.iter().map(|element| Value::from(each(element))).collect(),
        );
        self
    }
}

impl From<Members> for Value {
    fn from(members: Members) -> Self {
        Self::Object(members.0)
    }
}
