//! Documents that were read before, by kind and text. What is decided is the same with and without.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use crate::case::PolicyText;
use crate::policy::{Document, PolicyError, PolicyKind};

/// Documents kept; when there are more, all are forgotten and read again as they come.
const MOST: usize = 1 << 14;

/// What was read so far. An empty one is as good as a full one, only slower.
// INVARIANT: looked up only, never walked, so the order of a `HashMap` reaches nothing.
#[derive(Debug, Default)]
pub struct Library {
    read: BTreeMap<PolicyKind, HashMap<String, Result<Arc<Document>, PolicyError>>>,
    kept: usize,
}

impl Library {
    /// The document of a text, read now or earlier.
    pub(super) fn read(&mut self, text: &PolicyText, kind: PolicyKind) -> Result<Arc<Document>, PolicyError> {
        let owned;
        let text = match text {
            PolicyText::Verbatim(text) => text.as_str(),
            document => {
                owned = document.text();
                &owned
            }
        };
        if let Some(known) = self.read.get(&kind).and_then(|of_kind| of_kind.get(text)) {
            return known.clone();
        }
        if self.kept >= MOST {
            self.read.clear();
            self.kept = 0;
        }
        self.kept += 1;
        let read = Document::parse(text, kind).map(Arc::new);
        self.read.entry(kind).or_default().insert(text.to_owned(), read.clone());
        read
    }
}
