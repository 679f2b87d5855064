//! The executable specification: what AWS KMS and S3 authorization must answer, rule by rule.
//!
//! Read first: [`case`] (the one data format), then [`world`] (`World::apply(&Step) -> Outcome`), then
//! [`evaluate`] (one action on one resource), then [`kms`] and [`s3`] (which checks a request needs).
//!
//! This crate knows no I/O, no clock, no randomness and no AWS SDK type; it is written for clarity, not speed.
#![forbid(unsafe_code)]

pub mod case;
pub mod context;
pub mod coverage;
pub mod evaluate;
pub mod kms;
pub mod name;
pub mod outcome;
pub mod policy;
pub mod quirks;
pub mod rule;
pub mod s3;
pub mod services;
pub mod world;
