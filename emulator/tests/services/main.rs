//! S3, Lambda, Backup and DynamoDB over `Emulator::handle`. One binary for all of them: linking is slow.

mod advisories;
mod backup;
mod cloud;
mod faults;
mod lambda;
mod propagation;
mod rulings;
mod s3_authorization;
mod s3_condition_keys;
mod s3_customer_keys;
mod s3_forms;
mod s3_object_lock;
mod s3_objects;
mod s3_settings;
mod s3_shapes;
mod s3_sse_kms;
#[expect(dead_code, reason = "the driver of the core tests; only a part of it is used here")]
#[path = "../core/support.rs"]
mod support;
