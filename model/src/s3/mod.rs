//! S3: buckets, objects, and the checks that each request needs. Read first: [`table`] (request -> checks and KMS calls), then `request`
//! (one check), then `encryption` (which key, and the forwarded calls). Every operation goes through `call`.
//!
//! The order of the steps: bucket, parameters, S3 permissions, ACL rules, Block Public Access, missing object, KMS, effect
//! (`svc:S-19`).

pub(crate) mod acl;
pub(crate) mod bucket;
mod bucket_operations;
mod bucket_settings;
mod condition_keys;
mod conditional_write;
mod copy;
pub(crate) mod customer_key;
mod encryption;
mod listing;
mod multipart;
mod object;
mod object_lock;
pub(crate) mod policy_resource;
pub(crate) mod public_access;
mod request;
pub mod table;
mod tagging;
mod update_encryption;

use serde_json::Value;

use self::request::Request;
use crate::case::{Decision, Shape};
use crate::world::StepError;
use crate::world::actor::Actor;
use crate::world::parameters::Parameters;
use crate::world::state::State;
use crate::world::trace::{Answer, Refusal, Stop, Trace};

pub(crate) use encryption::initial_encryption;

/// Runs one S3 operation for an actor.
pub(crate) fn call(
    state: &mut State,
    trace: &mut Trace,
    actor: &Actor,
    name: &str,
    shape: Shape,
    with: Parameters<'_>,
) -> Answer {
    // A form upload is an operation of its own with the checks of PutObject (s3_operations.json).
    let in_table = if name == "PutObject" && shape == Shape::PostForm {
        "PostObject"
    } else {
        name
    };
    let Some(operation) = table::table().operation(in_table) else {
        return Err(StepError::Operation(format!("s3:{name}")).into());
    };
    let mut request = Request {
        state,
        trace,
        actor,
        operation,
        shape,
        with,
    };
    let answer = request.perform(name);
    if name.starts_with("Head") {
        answer.map_err(without_body)
    } else {
        answer
    }
}

/// The answers to HEAD have no body: status only (`svc:S-8`).
fn without_body(stop: Stop) -> Stop {
    match stop {
        Stop::Refused(refusal) => {
            let decision = if refusal.status == 403 {
                Decision::Deny
            } else {
                Decision::Error
            };
            Stop::Refused(Refusal {
                code: None,
                message: None,
                decision,
                ..refusal
            })
        }
        step => step,
    }
}

impl Request<'_> {
    fn perform(&mut self, name: &str) -> Answer {
        match name {
            "CreateBucket" => self.create_bucket(),
            "DeleteBucket" => self.delete_bucket(),
            "HeadBucket" => self.head_bucket(),
            "ListBuckets" => self.list_buckets(),
            "PutObject" => self.put_object(),
            "GetObject" => self.get_object(),
            "HeadObject" => self.head_object(),
            "GetObjectAttributes" => self.get_object_attributes(),
            "DeleteObject" => self.delete_object(),
            "DeleteObjects" => self.delete_objects(),
            "CopyObject" => self.copy_object(),
            "ListObjects" | "ListObjectsV2" => self.list_objects(),
            "ListObjectVersions" => self.list_object_versions(),
            "CreateMultipartUpload" => self.create_multipart_upload(),
            "UploadPart" => self.upload_part(),
            "UploadPartCopy" => self.upload_part_copy(),
            "CompleteMultipartUpload" => self.complete_multipart_upload(),
            "AbortMultipartUpload" => self.abort_multipart_upload(),
            "ListParts" => self.list_parts(),
            "GetObjectTagging" => self.get_object_tagging(),
            "PutObjectTagging" => self.put_object_tagging(),
            "DeleteObjectTagging" => self.delete_object_tagging(),
            "PutObjectAcl" => self.put_object_acl(),
            "PutBucketAcl" => self.put_bucket_acl(),
            "PutBucketPolicy" => self.put_bucket_policy(),
            "GetBucketPolicy" => self.get_bucket_policy(),
            "DeleteBucketPolicy" => self.delete_bucket_policy(),
            "PutBucketEncryption" => self.put_bucket_encryption(),
            "GetBucketEncryption" => self.get_bucket_encryption(),
            "DeleteBucketEncryption" => self.delete_bucket_encryption(),
            "PutPublicAccessBlock" => self.put_public_access_block(),
            "GetPublicAccessBlock" => self.get_public_access_block(),
            "DeletePublicAccessBlock" => self.delete_public_access_block(),
            "PutBucketOwnershipControls" => self.put_bucket_ownership_controls(),
            "GetBucketOwnershipControls" => self.get_bucket_ownership_controls(),
            "DeleteBucketOwnershipControls" => self.delete_bucket_ownership_controls(),
            "PutBucketVersioning" => self.put_bucket_versioning(),
            "GetBucketVersioning" => self.get_bucket_versioning(),
            "ListMultipartUploads" => self.list_multipart_uploads(),
            "GetBucketLocation" => self.get_bucket_location(),
            "SelectObjectContent" => self.select_object_content(),
            "RestoreObject" => self.restore_object(),
            "UpdateObjectEncryption" => self.update_object_encryption(),
            "GetObjectAcl" => self.get_object_acl(),
            "GetBucketAcl" => self.get_bucket_acl(),
            "GetObjectRetention" => self.get_object_retention(),
            "PutObjectRetention" => self.put_object_retention(),
            "GetObjectLegalHold" => self.get_object_legal_hold(),
            "PutObjectLegalHold" => self.put_object_legal_hold(),
            "GetBucketPolicyStatus" => self.get_bucket_policy_status(),
            "PutBucketWebsite" => self.put_bucket_website(),
            "GetBucketWebsite" => self.get_bucket_website(),
            "DeleteBucketWebsite" => self.delete_bucket_website(),
            "PutBucketRequestPayment" => self.put_bucket_request_payment(),
            "GetBucketRequestPayment" => self.get_bucket_request_payment(),
            "PutBucketLogging" => self.put_bucket_logging(),
            "GetBucketLogging" => self.get_bucket_logging(),
            other => Err(StepError::Operation(format!("s3:{other}")).into()),
        }
    }
}

/// An S3 error: XML with code and message, under an HTTP status.
fn error(code: &str, status: u16, message: &str) -> Stop {
    Refusal::error(code, status, message.to_owned()).into()
}

/// An S3 error whose text is not known.
fn error_without_text(code: &str, status: u16) -> Stop {
    Refusal::error(code, status, None).into()
}

fn empty() -> Value {
    serde_json::json!({})
}
