//! The world step by step: small cases, written like the corpus, for every branch of KMS, S3 and the services around them. Stories of
//! the documents are in `scenarios/`; here is what they do not reach.
#![forbid(unsafe_code)]

mod build;
mod grants;
mod identities;
mod keys;
mod objects;
mod observed;
mod removals;
mod saving;
mod services;
mod states;
mod stories;
mod support;
