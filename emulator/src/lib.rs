//! The Countersign emulator: AWS KMS, S3, IAM, STS and the slices of Lambda, Backup and DynamoDB that meet
//! KMS and S3, behind their own wire protocols. This file only names the modules; it holds no behaviour.
//!
//! The emulator is an independent reading of the rule tables (`iam:…`, `svc:…`) and never looks at the
//! reference model it is compared with.
#![forbid(unsafe_code)]

pub mod access;
pub mod authorizer;
pub mod backup;
pub mod control;
pub mod dynamodb;
mod emulator;
pub mod fault;
pub mod iam;
pub mod identity;
pub mod kms;
pub mod lambda;
pub mod managed_policies;
pub mod names;
pub mod organization;
pub mod propagating;
pub mod protocol;
pub mod quirks;
pub mod s3;
pub mod server;
pub mod signature;
mod snapshot;
pub mod sources;
pub mod state;
pub mod sts;

pub use emulator::{Emulator, EmulatorOptions};
pub use server::{Server, ServerError, serve};
pub use snapshot::Snapshot;
pub use sources::{Clock, IdSource, Sources};
