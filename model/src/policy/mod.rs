//! The policy language: from a text to statements, and what one statement says about one request.
//! How the policies of a request are combined into a decision lives in [`crate::evaluate`].
//!
//! Read first: [`Document`] (parse once, evaluate many times), then [`Statement`], then `condition`. Save-time checks, with AWS's
//! texts, live in `validation`.

mod condition;
mod document;
mod draft;
mod error;
mod grammar;
mod json;
mod kind;
mod notes;
mod pattern;
mod principal;
mod statement;
mod validation;
mod variable;

pub use condition::ConditionTest;
pub use document::Document;
pub use error::{PolicyError, PolicyErrorKind};
pub use grammar::{rules_of_reading, rules_of_saving};
pub use json::repeats_a_member;
pub use kind::{InlineOwner, PolicyKind, SizeLimit, SizeUnit, length_without_white_space};
pub use principal::{MatchKind, MatchKinds, PrincipalEntry, PrincipalForm, grantee_kind};
pub use statement::{Effect, Statement};

pub(crate) use statement::{Applies, Question, Verdict};
