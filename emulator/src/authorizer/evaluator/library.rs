//! Policies that were compiled before, by kind and text. What is decided is the same with and without.

use std::collections::HashMap;
use std::sync::Arc;

use crate::authorizer::policy::{Policy, PolicyKind};

/// Policies kept; when there are more, all are forgotten and compiled again as they come.
const MOST: usize = 1 << 14;

/// What was compiled so far. An empty one is as good as a full one, only slower. It is looked up, never walked.
#[derive(Debug, Default)]
pub struct Library {
    compiled: HashMap<PolicyKind, HashMap<String, Arc<Policy>>>,
    kept: usize,
}

impl Library {
    /// The policy of a document, compiled now or earlier.
    pub(super) fn read(&mut self, kind: PolicyKind, text: &str) -> Arc<Policy> {
        if let Some(known) = self.compiled.get(&kind).and_then(|of_kind| of_kind.get(text)) {
            return Arc::clone(known);
        }
        if self.kept >= MOST {
            self.compiled.clear();
            self.kept = 0;
        }
        self.kept += 1;
        let policy = Arc::new(Policy::stored(kind, text));
        self.compiled
            .entry(kind)
            .or_default()
            .insert(text.to_owned(), Arc::clone(&policy));
        policy
    }
}
