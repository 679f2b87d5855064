//! The exhaustive small scope: every evaluator case over a tiny vocabulary up to a number of statements, asked of the model and of the
//! authorizer. What random cases miss by chance cannot hide here.
//!
//! `vocabulary` says what there is, `space` counts and numbers the cases, `run` asks. Nothing here decides a request.
//!
//! Two cases that differ only in names are one: the caller is always the first account's `alice`, `Worker/s1` or `fred`; every other
//! name is said by what it is to the caller (the same, its role, its account, another). The order of statements is nothing and is not
//! enumerated either. So every number is a case of its own, which a test shows by renaming and comparing.

pub mod run;
mod space;
mod vocabulary;

pub use space::Space;
