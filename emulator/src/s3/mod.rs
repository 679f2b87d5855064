//! S3 over REST/XML: routing a verified request to its operation and rendering errors. The operations and their
//! rules are in the sub-modules; signatures, policies and keys belong to `signature`, `access` and `kms`.

mod account;
mod acl;
mod address;
mod authorization;
mod bucket;
mod bucket_keys;
mod bucket_tags;
mod buckets;
mod checksum;
mod conditions;
mod configuration;
mod customer_key;
mod delete;
mod documents;
mod encryption;
mod error;
mod exchange;
mod listing;
mod metadata;
mod misreading;
mod multipart;
mod object_lock;
mod object_settings;
mod operation;
mod permissions;
mod post_object;
mod post_policy;
pub mod public_access;
mod range;
mod read;
mod restore;
mod seal;
mod select;
mod sse;
pub mod tables;
mod update_encryption;
mod write;
mod xml;

use base64::Engine as _;

pub use bucket::Store;

use address::Target;
use error::S3Error;
use exchange::{Answer, Exchange};
use operation::Operation;

use crate::fault::Fault;
use crate::names::AccountId;
use crate::protocol::{Authenticated, Response};
use crate::state::State;

/// Answers one S3 request.
pub fn handle(state: &mut State, request: &Authenticated) -> Response {
    let control = request.headers.contains_key("x-amz-account-id");
    let target = || Target::of(&request.host, &request.raw_path, control);
    let answer = target().and_then(|mut target| {
        if state.case.faults.contains(Fault::DotSegmentsRemovedAfterCheck)
            && let Target::Object(_, key) = &mut target
        {
            *key = misreading::without_dot_segments(key);
        }
        refuse_ambiguous_headers(request)?;
        let operation = operation::find(&request.method, &target, &request.query, |name| {
            request.headers.contains_key(name)
        })?;
        let mut exchange = Exchange {
            state: &mut *state,
            request,
            target,
            operation,
        };
        let mut response = run(&mut exchange)?;
        authorization::tell_charge(&exchange, &mut response);
        Ok(response)
    });
    answer.unwrap_or_else(|error: S3Error| {
        let host_id = base64::engine::general_purpose::STANDARD.encode(state.sources.ids.bytes(48));
        let head = request.method == http::Method::HEAD;
        let resource = target().map_or_else(|_| request.raw_path.clone(), |target| target.resource());
        error.render(&resource, &request.request_id, &host_id, head)
    })
}

/// What S3 is told in `x-amz-…` headers decides; one that cannot be read, or says two things, is not passed over. User
/// metadata and the list of wanted attributes may be anything.
fn refuse_ambiguous_headers(request: &Authenticated) -> Result<(), S3Error> {
    // The values of one name come one after the other.
    let mut last = None;
    for (name, value) in &request.headers {
        let name = name.as_str();
        if !name.starts_with("x-amz-") || name.starts_with("x-amz-meta-") || name == "x-amz-object-attributes" {
            continue;
        }
        if value.to_str().is_err() {
            return Err(S3Error::invalid_argument(
                "Header value cannot be represented using ISO-8859-1.",
                name,
                "",
            ));
        }
        if last.is_some_and(|(other, earlier)| other == name && earlier != value) {
            return Err(S3Error::invalid_argument(
                "The header was sent with several values.",
                name,
                "",
            ));
        }
        last = Some((name, value));
    }
    Ok(())
}

/// The account behind an S3 canonical user id (`iam:P-12`).
#[must_use]
pub fn account_of_canonical_id(canonical_id: &str) -> Option<AccountId> {
    acl::account_of_canonical_id(canonical_id)
}

fn run(exchange: &mut Exchange<'_>) -> Answer {
    use Operation as O;
    let perform: fn(&mut Exchange<'_>) -> Answer = match exchange.operation {
        O::AbortMultipartUpload => multipart::abort,
        O::CompleteMultipartUpload => multipart::complete,
        O::CopyObject => write::copy_object,
        O::CreateBucket => buckets::create_bucket,
        O::CreateMultipartUpload => multipart::create,
        O::DeleteAccountPublicAccessBlock => account::delete_block,
        O::DeleteBucket => buckets::delete_bucket,
        O::DeleteBucketEncryption => configuration::delete_encryption,
        O::DeleteBucketOwnershipControls => configuration::delete_ownership_controls,
        O::DeleteBucketPolicy => configuration::delete_policy,
        O::DeleteBucketTagging => configuration::delete_tagging,
        O::DeleteObject => delete::delete_object,
        O::DeleteObjectTagging => object_settings::delete_tagging,
        O::DeleteObjects => delete::delete_objects,
        O::DeletePublicAccessBlock => configuration::delete_public_access_block,
        O::Document(deed, document) => return documents::run(exchange, deed, document),
        O::GetAccountPublicAccessBlock => account::get_block,
        O::GetBucketAcl => configuration::get_acl,
        O::GetBucketEncryption => configuration::get_encryption,
        O::GetBucketLocation => buckets::get_bucket_location,
        O::GetBucketOwnershipControls => configuration::get_ownership_controls,
        O::GetBucketPolicy => configuration::get_policy,
        O::GetBucketPolicyStatus => configuration::get_policy_status,
        O::GetBucketRequestPayment => configuration::get_request_payment,
        O::GetBucketTagging => configuration::get_tagging,
        O::GetBucketVersioning => configuration::get_versioning,
        O::GetObject => read::get_object,
        O::GetObjectAcl => object_settings::get_acl,
        O::GetObjectAttributes => read::get_object_attributes,
        O::GetObjectLegalHold => object_lock::get_legal_hold,
        O::GetObjectLockConfiguration => object_lock::get_configuration,
        O::GetObjectRetention => object_lock::get_retention,
        O::GetObjectTagging => object_settings::get_tagging,
        O::GetPublicAccessBlock => configuration::get_public_access_block,
        O::HeadBucket => buckets::head_bucket,
        O::HeadObject => read::head_object,
        O::ListBuckets => buckets::list_buckets,
        O::ListMultipartUploads => listing::list_multipart_uploads,
        O::ListObjectVersions => listing::list_object_versions,
        O::ListObjects => listing::list_objects,
        O::ListObjectsV2 => listing::list_objects_v2,
        O::ListParts => multipart::list_parts,
        O::PostObject => post_object::post_object,
        O::PutAccountPublicAccessBlock => account::put_block,
        O::PutBucketAcl => configuration::put_acl,
        O::PutBucketEncryption => configuration::put_encryption,
        O::PutBucketOwnershipControls => configuration::put_ownership_controls,
        O::PutBucketPolicy => configuration::put_policy,
        O::PutBucketRequestPayment => configuration::put_request_payment,
        O::PutBucketTagging => configuration::put_tagging,
        O::PutBucketVersioning => configuration::put_versioning,
        O::PutObject => write::put_object,
        O::PutObjectAcl => object_settings::put_acl,
        O::PutObjectLegalHold => object_lock::put_legal_hold,
        O::PutObjectLockConfiguration => object_lock::put_configuration,
        O::PutObjectRetention => object_lock::put_retention,
        O::PutObjectTagging => object_settings::put_tagging,
        O::PutPublicAccessBlock => configuration::put_public_access_block,
        O::ListTagsForResource => bucket_tags::list_tags,
        O::TagResource => bucket_tags::tag,
        O::UntagResource => bucket_tags::untag,
        O::RestoreObject => restore::restore_object,
        O::SelectObjectContent => select::select_object_content,
        O::UpdateObjectEncryption => update_encryption::update_object_encryption,
        O::UploadPart => multipart::upload_part,
        O::UploadPartCopy => multipart::upload_part_copy,
    };
    perform(exchange)
}
