//! The emulator's core over the wire: KMS, IAM, STS, signatures, the control plane and the server, driven with
//! self-signed requests. S3, Lambda and Backup have their own tests.

mod control;
mod grants;
mod iam;
mod kms;
mod server;
mod signatures;
mod sts;
mod support;
mod throughput;
