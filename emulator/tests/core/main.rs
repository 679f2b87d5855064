//! The emulator's core over the wire: KMS, IAM, STS, signatures, the control plane and the server, driven with
//! self-signed requests. S3, Lambda and Backup have their own tests.

mod control;
mod evaluator_words;
mod grants;
mod iam;
mod iam_upkeep;
mod kms;
mod kms_conditions;
mod kms_data;
mod kms_faults;
mod kms_grants;
mod kms_life;
mod kms_multi_region;
mod kms_permissions;
mod kms_states;
mod limits;
mod rulings;
mod server;
mod signatures;
mod sts;
mod support;
mod throughput;
