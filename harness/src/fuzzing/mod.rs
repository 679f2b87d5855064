//! What the fuzz targets hold inputs to. A target in `fuzz/` is a page that hands bytes to one of these; `cargo test` replays the
//! checked-in corpora through them, and `countersign fuzz-case` makes a Case of an input that fails.
//!
//! Nothing here is random and nothing decides a request: an input either holds, or a text says what does not.

mod case_file;
mod conditions;
mod evaluators;
mod http;
mod policies;
#[cfg(feature = "wire")]
mod world;

use std::cell::RefCell;

use countersign_model::case::{Case, EvaluatorDecision};

use crate::evaluator::both::Both;
use crate::evaluator::{EvaluatorFault, TODAY};

/// Longest input that a target looks at; longer ones hold. Corpora stay small and replays quick.
pub const LONGEST_INPUT: usize = 16 * 1024;

/// A fuzz target.
#[derive(Debug, Clone, Copy)]
pub struct FuzzTarget {
    /// Its name: of the file in `fuzz/`, of the folder of its corpus.
    pub name: &'static str,
    /// What it holds inputs to, in one line.
    pub property: &'static str,
    /// Holds an input to it.
    check: fn(&[u8]) -> Result<(), String>,
    /// The Case that an input stands for, if it is about one.
    case: fn(&[u8]) -> Option<Case>,
    /// The smallest Case that is wrong in the same way; none where [`FuzzTarget::smallest`] is not this target's to say.
    smallest: fn(&Case) -> Option<Case>,
}

// Each by itself, so that a fuzzer holds no code, and no counters, but those of its own target.
pub use case_file::TARGET as CASE_FILE;
pub use conditions::TARGET as CONDITIONS;
pub use evaluators::{EVALUATOR, LAWS};
pub use http::TARGET as HTTP_REQUEST;
pub use policies::TARGET as POLICY_PARSE;
#[cfg(feature = "wire")]
pub use world::TARGET as WORLD;

/// Every target of this build.
pub const TARGETS: &[FuzzTarget] = &[
    POLICY_PARSE,
    CONDITIONS,
    EVALUATOR,
    LAWS,
    CASE_FILE,
    HTTP_REQUEST,
    #[cfg(feature = "wire")]
    WORLD,
];

impl FuzzTarget {
    /// The target of that name.
    pub fn named(name: &str) -> Option<&'static Self> {
        TARGETS.iter().find(|target| target.name == name)
    }

    /// Holds an input to the target's property.
    ///
    /// # Errors
    /// What does not hold, for a person.
    pub fn check(&self, input: &[u8]) -> Result<(), String> {
        if input.len() > LONGEST_INPUT {
            return Ok(());
        }
        (self.check)(input)
    }

    /// Holds an input to the target's property and panics where it does not: what a fuzzer understands.
    ///
    /// # Panics
    /// When the property does not hold.
    pub fn hold(&self, input: &[u8]) {
        if let Err(found) = self.check(input) {
            panic!("{}: {found}", self.name);
        }
    }

    /// The smallest Case with a world that is wrong in the same way as this one. None where nothing is wrong, and for targets without
    /// worlds: two readings of one request are compared, and shrunk, by [`crate::evaluator::finding`].
    pub fn smallest(&self, case: &Case) -> Option<Case> {
        (self.smallest)(case)
    }

    /// The Case that an input stands for: what to replay, shrink and add to the corpus of scenarios. None for inputs that stand for
    /// no case, and for targets that are not about cases.
    pub fn case(&self, input: &[u8]) -> Option<Case> {
        if input.len() > LONGEST_INPUT {
            return None;
        }
        (self.case)(input)
    }
}

thread_local! {
    /// Documents that were read for earlier inputs; what is decided does not depend on them.
    static BOTH: RefCell<Both> = RefCell::default();
}

/// Whether the model decides some request of a case.
fn decides(both: &mut Both, case: &Case) -> bool {
    let evaluate = case.evaluate.as_ref();
    let verdicts = evaluate.and_then(|evaluate| both.model_verdicts(evaluate, &Default::default(), TODAY).ok());
    verdicts.is_some_and(|verdicts| {
        verdicts
            .iter()
            .any(|verdict| verdict.decision != EvaluatorDecision::Error)
    })
}

/// Whether both readings answer a case alike. A case that the model does not take is no case; one that only the authorizer does not
/// take is a difference.
fn alike(case: &Case) -> Result<(), String> {
    BOTH.with_borrow_mut(|both| match both.difference(case) {
        Ok(None) => Ok(()),
        Ok(Some((number, expected, observed))) => Err(format!(
            "request {number}: the model says {expected:?}, the authorizer {observed:?}: {}",
            serde_json::to_string(&case.evaluate).unwrap_or_default()
        )),
        // Of documents that cannot be used the model speaks before it looks at the request.
        Err(EvaluatorFault::Case { evaluator, why }) if evaluator == "emulator" && decides(both, case) => Err(format!(
            "the authorizer does not take what the model takes: {why}: {}",
            serde_json::to_string(&case.evaluate).unwrap_or_default()
        )),
        Err(_) => Ok(()),
    })
}
