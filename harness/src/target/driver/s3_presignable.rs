//! The S3 operations that the SDK can presign: it makes the URL, and somebody else sends it.

use aws_sdk_s3::types::ObjectVersion;

use super::fields::{boolean, integer, moment, text, text_map, word};
use super::members::{Members, members};
use super::s3_types::body;

super::service_table! { presignable "s3", aws_sdk_s3;
    "PutObject" put_object PutObject {
        "ACL" word set_acl,
        "Body" body set_body,
        "Bucket" text set_bucket,
        "CacheControl" text set_cache_control,
        "ContentType" text set_content_type,
        "ContentMD5" text set_content_md5,
        "ChecksumAlgorithm" word set_checksum_algorithm,
        "IfMatch" text set_if_match,
        "IfNoneMatch" text set_if_none_match,
        "GrantFullControl" text set_grant_full_control,
        "GrantRead" text set_grant_read,
        "GrantReadACP" text set_grant_read_acp,
        "GrantWriteACP" text set_grant_write_acp,
        "Key" text set_key,
        "Metadata" text_map set_metadata,
        "ServerSideEncryption" word set_server_side_encryption,
        "StorageClass" word set_storage_class,
        "SSECustomerAlgorithm" text set_sse_customer_algorithm,
        "SSECustomerKey" text set_sse_customer_key,
        "SSECustomerKeyMD5" text set_sse_customer_key_md5,
        "SSEKMSKeyId" text set_ssekms_key_id,
        "SSEKMSEncryptionContext" text set_ssekms_encryption_context,
        "BucketKeyEnabled" boolean set_bucket_key_enabled,
        "RequestPayer" word set_request_payer,
        "ObjectLockMode" word set_object_lock_mode,
        "ObjectLockRetainUntilDate" moment set_object_lock_retain_until_date,
        "ObjectLockLegalHoldStatus" word set_object_lock_legal_hold_status,
        "Tagging" text set_tagging,
        "ExpectedBucketOwner" text set_expected_bucket_owner,
    } => |output| members()
        .put("ETag", output.e_tag())
        .put("VersionId", output.version_id())
        .put("SSECustomerAlgorithm", output.sse_customer_algorithm())
        .put("SSECustomerKeyMD5", output.sse_customer_key_md5())
        .put("ServerSideEncryption", output.server_side_encryption().map(|word| word.as_str()))
        .put("SSEKMSKeyId", output.ssekms_key_id())
        .put("SSEKMSEncryptionContext", output.ssekms_encryption_context())
        .put("BucketKeyEnabled", output.bucket_key_enabled());
    "GetObject" get_object GetObject {
        "Bucket" text set_bucket,
        "IfMatch" text set_if_match,
        "IfNoneMatch" text set_if_none_match,
        "Key" text set_key,
        "Range" text set_range,
        "VersionId" text set_version_id,
        "SSECustomerAlgorithm" text set_sse_customer_algorithm,
        "SSECustomerKey" text set_sse_customer_key,
        "SSECustomerKeyMD5" text set_sse_customer_key_md5,
        "RequestPayer" word set_request_payer,
        "PartNumber" integer set_part_number,
        "ExpectedBucketOwner" text set_expected_bucket_owner,
        "ChecksumMode" word set_checksum_mode,
    } => |output| {
        let described = members()
            .put("ETag", output.e_tag())
            .put("VersionId", output.version_id())
            .put("ContentLength", output.content_length())
            .put("ContentType", output.content_type())
            .put("DeleteMarker", output.delete_marker())
            .put("TagCount", output.tag_count())
            .put("SSECustomerAlgorithm", output.sse_customer_algorithm())
            .put("SSECustomerKeyMD5", output.sse_customer_key_md5())
            .put("ServerSideEncryption", output.server_side_encryption().map(|word| word.as_str()))
            .put("SSEKMSKeyId", output.ssekms_key_id())
            .put("BucketKeyEnabled", output.bucket_key_enabled());
        match output.body.collect().await {
            Ok(bytes) => described.put_blob("Body", Some(bytes.into_bytes())),
            Err(error) => {
                return Ok(Err(super::Failure {
                    code: Some(super::UNPARSABLE.to_owned()),
                    message: Some(crate::target::connector::chain_of(&error)),
                }));
            }
        }
    };
    "HeadObject" head_object HeadObject {
        "Bucket" text set_bucket,
        "IfMatch" text set_if_match,
        "IfNoneMatch" text set_if_none_match,
        "Key" text set_key,
        "Range" text set_range,
        "VersionId" text set_version_id,
        "SSECustomerAlgorithm" text set_sse_customer_algorithm,
        "SSECustomerKey" text set_sse_customer_key,
        "SSECustomerKeyMD5" text set_sse_customer_key_md5,
        "RequestPayer" word set_request_payer,
        "PartNumber" integer set_part_number,
        "ExpectedBucketOwner" text set_expected_bucket_owner,
        "ChecksumMode" word set_checksum_mode,
    } => |output| members()
        .put("ETag", output.e_tag())
        .put("VersionId", output.version_id())
        .put("ContentLength", output.content_length())
        .put("ContentType", output.content_type())
        .put("SSECustomerAlgorithm", output.sse_customer_algorithm())
        .put("SSECustomerKeyMD5", output.sse_customer_key_md5())
        .put("ServerSideEncryption", output.server_side_encryption().map(|word| word.as_str()))
        .put("SSEKMSKeyId", output.ssekms_key_id())
        .put("BucketKeyEnabled", output.bucket_key_enabled());
    "DeleteObject" delete_object DeleteObject {
        "Bucket" text set_bucket,
        "Key" text set_key,
        "VersionId" text set_version_id,
        "BypassGovernanceRetention" boolean set_bypass_governance_retention,
        "RequestPayer" word set_request_payer,
        "ExpectedBucketOwner" text set_expected_bucket_owner,
    } => |output| members().put("DeleteMarker", output.delete_marker()).put("VersionId", output.version_id());
    "ListObjectVersions" list_object_versions ListObjectVersions {
        "Bucket" text set_bucket,
        "Delimiter" text set_delimiter,
        "KeyMarker" text set_key_marker,
        "MaxKeys" integer set_max_keys,
        "Prefix" text set_prefix,
        "VersionIdMarker" text set_version_id_marker,
        "ExpectedBucketOwner" text set_expected_bucket_owner,
        "RequestPayer" word set_request_payer,
    } => |output| members()
        .put("Name", output.name())
        .put("Prefix", output.prefix())
        .list("Versions", output.versions(), version)
        .list("DeleteMarkers", output.delete_markers(), |marker| {
            members().put("Key", marker.key()).put("VersionId", marker.version_id()).put("IsLatest", marker.is_latest())
        });
    "UploadPart" upload_part UploadPart {
        "Body" body set_body,
        "Bucket" text set_bucket,
        "ContentMD5" text set_content_md5,
        "ChecksumAlgorithm" word set_checksum_algorithm,
        "Key" text set_key,
        "PartNumber" integer set_part_number,
        "UploadId" text set_upload_id,
        "SSECustomerAlgorithm" text set_sse_customer_algorithm,
        "SSECustomerKey" text set_sse_customer_key,
        "SSECustomerKeyMD5" text set_sse_customer_key_md5,
        "RequestPayer" word set_request_payer,
        "ExpectedBucketOwner" text set_expected_bucket_owner,
    } => |output| members()
        .put("ETag", output.e_tag())
        .put("SSECustomerAlgorithm", output.sse_customer_algorithm())
        .put("SSECustomerKeyMD5", output.sse_customer_key_md5())
        .put("ServerSideEncryption", output.server_side_encryption().map(|word| word.as_str()))
        .put("SSEKMSKeyId", output.ssekms_key_id())
        .put("BucketKeyEnabled", output.bucket_key_enabled());
}

fn version(version: &ObjectVersion) -> Members {
    members()
        .put("Key", version.key())
        .put("VersionId", version.version_id())
        .put("IsLatest", version.is_latest())
        .put("Size", version.size())
        .put("ETag", version.e_tag())
}
