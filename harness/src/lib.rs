//! The Countersign harness: generators, targets, the differential loop, shrinking and reports. No decision logic of its own.
//!
//! Read first: [`target`] (what is asked), [`differential`] (how answers are compared), [`session`] (a whole run), [`generate`] (random
//! cases). The command line is `cli`.
#![forbid(unsafe_code)]

pub mod cli;
pub mod corpus;
pub mod differential;
pub mod distinct;
pub mod evaluator;
pub mod expectations;
pub mod explain;
pub mod faults;
pub mod findings;
pub mod fuzzing;
pub mod generate;
mod hexadecimal;
pub mod json_schema;
pub mod laws;
#[cfg(feature = "wire")]
pub mod live;
pub mod merge;
pub mod observed;
pub mod policy_texts;
pub mod protocol;
pub mod report;
pub mod scenario;
pub mod scope;
pub mod session;
pub mod shard;
pub mod stats;
pub mod target;
#[cfg(feature = "wire")]
pub mod vectors;
