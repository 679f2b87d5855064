//! What an implementation must be able to be asked for a case, by the names of the stdio protocol and of the profiles of endpoints.

use std::collections::BTreeSet;

use countersign_model::case::Case;

use crate::differential::{question, requests};
use crate::target::adapter::needs;
use crate::target::endpoint::{Capability, of_step, of_world};

/// The capabilities that a case needs, in the order of their names.
pub(super) fn of(case: &Case) -> Vec<String> {
    let mut names: BTreeSet<&str> = BTreeSet::new();
    match &case.evaluate {
        Some(evaluate) => {
            for request in requests(evaluate) {
                names.extend(needs(case, &question(evaluate, request)));
            }
            if !evaluate.saves.is_empty() {
                names.insert("saves");
            }
            if !evaluate.canonical_users.is_empty() {
                names.insert("canonical_users");
            }
        }
        None => {
            names.insert("steps");
            names.extend(of_world(case).into_iter().map(Capability::word));
            names.extend(case.steps.iter().flat_map(of_step).map(Capability::word));
            if case.as_of.is_some() {
                names.insert(Capability::AsOf.word());
            }
            if !case.quirks.is_empty() {
                names.insert(Capability::Quirks.word());
            }
        }
    }
    names.into_iter().map(str::to_owned).collect()
}
