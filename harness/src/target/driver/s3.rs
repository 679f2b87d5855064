//! S3 over its SDK. The structures of its parameters are read in `s3_types`.

use aws_sdk_s3::types::{CopyPartResult, MultipartUpload, Tag};
use serde_json::{Value, json};

use super::fields::{Fields, boolean, integer, long, moment, policy, text, text_map, word, words};
use super::members::{Members, members};
use super::s3_types::{
    abac_status, access_control_policy, bucket_configuration, completed_upload, delete, encryption,
    input_serialization, legal_hold, logging_status, object_encryption, output_serialization, ownership, payment,
    public_access_block, restore_request, retention, tagging, versioning, website,
};

super::service_table! { "s3", aws_sdk_s3;
    "CreateBucket" create_bucket CreateBucket {
        "ACL" word set_acl,
        "Bucket" text set_bucket,
        "CreateBucketConfiguration" bucket_configuration set_create_bucket_configuration,
        "GrantFullControl" text set_grant_full_control,
        "GrantRead" text set_grant_read,
        "GrantReadACP" text set_grant_read_acp,
        "GrantWrite" text set_grant_write,
        "GrantWriteACP" text set_grant_write_acp,
        "ObjectLockEnabledForBucket" boolean set_object_lock_enabled_for_bucket,
        "ObjectOwnership" word set_object_ownership,
    } => |output| members().put("Location", output.location());
    "DeleteBucket" delete_bucket DeleteBucket {
        "Bucket" text set_bucket,
        "ExpectedBucketOwner" text set_expected_bucket_owner,
    } => |_output| members();
    "HeadBucket" head_bucket HeadBucket {
        "Bucket" text set_bucket,
        "ExpectedBucketOwner" text set_expected_bucket_owner,
    } => |output| members().put("BucketRegion", output.bucket_region());
    "ListBuckets" list_buckets ListBuckets {
        "MaxBuckets" integer set_max_buckets,
        "ContinuationToken" text set_continuation_token,
        "Prefix" text set_prefix,
        "BucketRegion" text set_bucket_region,
    } => |output| members().list("Buckets", output.buckets(), |bucket| members().put("Name", bucket.name()));
    "DeleteObjects" delete_objects DeleteObjects {
        "Bucket" text set_bucket,
        "Delete" delete set_delete,
        "RequestPayer" word set_request_payer,
        "ExpectedBucketOwner" text set_expected_bucket_owner,
        "BypassGovernanceRetention" boolean set_bypass_governance_retention,
        "ChecksumAlgorithm" word set_checksum_algorithm,
    } => |output| members()
        .list("Deleted", output.deleted(), |deleted| {
            members()
                .put("Key", deleted.key())
                .put("VersionId", deleted.version_id())
                .put("DeleteMarker", deleted.delete_marker())
                .put("DeleteMarkerVersionId", deleted.delete_marker_version_id())
        })
        .list("Errors", output.errors(), |error| {
            members()
                .put("Key", error.key())
                .put("VersionId", error.version_id())
                .put("Code", error.code())
                .put("Message", error.message())
        });
    "CopyObject" copy_object CopyObject {
        "ACL" word set_acl,
        "Bucket" text set_bucket,
        "ChecksumAlgorithm" word set_checksum_algorithm,
        "ContentType" text set_content_type,
        "CopySource" text set_copy_source,
        "CopySourceIfMatch" text set_copy_source_if_match,
        "CopySourceIfNoneMatch" text set_copy_source_if_none_match,
        "GrantFullControl" text set_grant_full_control,
        "GrantRead" text set_grant_read,
        "GrantReadACP" text set_grant_read_acp,
        "GrantWriteACP" text set_grant_write_acp,
        "Key" text set_key,
        "Metadata" text_map set_metadata,
        "MetadataDirective" word set_metadata_directive,
        "TaggingDirective" word set_tagging_directive,
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
        "CopySourceSSECustomerAlgorithm" text set_copy_source_sse_customer_algorithm,
        "CopySourceSSECustomerKey" text set_copy_source_sse_customer_key,
        "CopySourceSSECustomerKeyMD5" text set_copy_source_sse_customer_key_md5,
        "ExpectedBucketOwner" text set_expected_bucket_owner,
        "ExpectedSourceBucketOwner" text set_expected_source_bucket_owner,
    } => |output| members()
        .put("VersionId", output.version_id())
        .put("CopySourceVersionId", output.copy_source_version_id())
        .put("CopyObjectResult", output.copy_object_result().map(|result| members().put("ETag", result.e_tag())))
        .put("SSECustomerAlgorithm", output.sse_customer_algorithm())
        .put("SSECustomerKeyMD5", output.sse_customer_key_md5())
        .put("ServerSideEncryption", output.server_side_encryption().map(|word| word.as_str()))
        .put("SSEKMSKeyId", output.ssekms_key_id())
        .put("BucketKeyEnabled", output.bucket_key_enabled());
    "ListObjects" list_objects ListObjects {
        "Bucket" text set_bucket,
        "Delimiter" text set_delimiter,
        "Marker" text set_marker,
        "MaxKeys" integer set_max_keys,
        "Prefix" text set_prefix,
        "RequestPayer" word set_request_payer,
        "ExpectedBucketOwner" text set_expected_bucket_owner,
    } => |output| members()
        .put("Name", output.name())
        .put("Prefix", output.prefix())
        .put("MaxKeys", output.max_keys())
        .list("Contents", output.contents(), object)
        .list("CommonPrefixes", output.common_prefixes(), |one| members().put("Prefix", one.prefix()))
        .put("IsTruncated", output.is_truncated());
    "ListObjectsV2" list_objects_v2 ListObjectsV2 {
        "Bucket" text set_bucket,
        "Delimiter" text set_delimiter,
        "MaxKeys" integer set_max_keys,
        "Prefix" text set_prefix,
        "ContinuationToken" text set_continuation_token,
        "FetchOwner" boolean set_fetch_owner,
        "StartAfter" text set_start_after,
        "RequestPayer" word set_request_payer,
        "ExpectedBucketOwner" text set_expected_bucket_owner,
    } => |output| members()
        .put("Name", output.name())
        .put("Prefix", output.prefix())
        .put("Delimiter", output.delimiter())
        .put("MaxKeys", output.max_keys())
        .put("KeyCount", output.key_count())
        .list("Contents", output.contents(), object)
        .list("CommonPrefixes", output.common_prefixes(), |one| members().put("Prefix", one.prefix()))
        .put("IsTruncated", output.is_truncated());
    "CreateMultipartUpload" create_multipart_upload CreateMultipartUpload {
        "ACL" word set_acl,
        "Bucket" text set_bucket,
        "ContentType" text set_content_type,
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
        "ChecksumAlgorithm" word set_checksum_algorithm,
        "ChecksumType" word set_checksum_type,
    } => |output| members()
        .put("Bucket", output.bucket())
        .put("Key", output.key())
        .put("UploadId", output.upload_id())
        .put("SSECustomerAlgorithm", output.sse_customer_algorithm())
        .put("SSECustomerKeyMD5", output.sse_customer_key_md5())
        .put("ServerSideEncryption", output.server_side_encryption().map(|word| word.as_str()))
        .put("SSEKMSKeyId", output.ssekms_key_id())
        .put("BucketKeyEnabled", output.bucket_key_enabled());
    "UploadPartCopy" upload_part_copy UploadPartCopy {
        "Bucket" text set_bucket,
        "CopySource" text set_copy_source,
        "CopySourceRange" text set_copy_source_range,
        "Key" text set_key,
        "PartNumber" integer set_part_number,
        "UploadId" text set_upload_id,
        "RequestPayer" word set_request_payer,
        "SSECustomerAlgorithm" text set_sse_customer_algorithm,
        "SSECustomerKey" text set_sse_customer_key,
        "SSECustomerKeyMD5" text set_sse_customer_key_md5,
        "CopySourceSSECustomerAlgorithm" text set_copy_source_sse_customer_algorithm,
        "CopySourceSSECustomerKey" text set_copy_source_sse_customer_key,
        "CopySourceSSECustomerKeyMD5" text set_copy_source_sse_customer_key_md5,
        "ExpectedBucketOwner" text set_expected_bucket_owner,
        "ExpectedSourceBucketOwner" text set_expected_source_bucket_owner,
    } => |output| members()
        .put("CopyPartResult", output.copy_part_result().map(copied_part))
        .put("SSECustomerAlgorithm", output.sse_customer_algorithm())
        .put("SSECustomerKeyMD5", output.sse_customer_key_md5())
        .put("ServerSideEncryption", output.server_side_encryption().map(|word| word.as_str()))
        .put("SSEKMSKeyId", output.ssekms_key_id())
        .put("BucketKeyEnabled", output.bucket_key_enabled());
    "CompleteMultipartUpload" complete_multipart_upload CompleteMultipartUpload {
        "Bucket" text set_bucket,
        "Key" text set_key,
        "MultipartUpload" completed_upload set_multipart_upload,
        "UploadId" text set_upload_id,
        "MpuObjectSize" long set_mpu_object_size,
        "RequestPayer" word set_request_payer,
        "ExpectedBucketOwner" text set_expected_bucket_owner,
        "IfMatch" text set_if_match,
        "IfNoneMatch" text set_if_none_match,
    } => |output| members()
        .put("Bucket", output.bucket())
        .put("Key", output.key())
        .put("ETag", output.e_tag())
        .put("VersionId", output.version_id())
        .put("ServerSideEncryption", output.server_side_encryption().map(|word| word.as_str()))
        .put("SSEKMSKeyId", output.ssekms_key_id())
        .put("BucketKeyEnabled", output.bucket_key_enabled());
    "AbortMultipartUpload" abort_multipart_upload AbortMultipartUpload {
        "Bucket" text set_bucket,
        "Key" text set_key,
        "UploadId" text set_upload_id,
        "RequestPayer" word set_request_payer,
        "ExpectedBucketOwner" text set_expected_bucket_owner,
    } => |_output| members();
    "ListParts" list_parts ListParts {
        "Bucket" text set_bucket,
        "Key" text set_key,
        "MaxParts" integer set_max_parts,
        "PartNumberMarker" text set_part_number_marker,
        "UploadId" text set_upload_id,
        "RequestPayer" word set_request_payer,
        "ExpectedBucketOwner" text set_expected_bucket_owner,
    } => |output| members().put("Bucket", output.bucket()).put("Key", output.key()).put("UploadId", output.upload_id()).list("Parts", output.parts(), |part| {
        members().put("PartNumber", part.part_number()).put("ETag", part.e_tag()).put("Size", part.size())
    });
    "ListMultipartUploads" list_multipart_uploads ListMultipartUploads {
        "Bucket" text set_bucket,
        "Delimiter" text set_delimiter,
        "KeyMarker" text set_key_marker,
        "MaxUploads" integer set_max_uploads,
        "Prefix" text set_prefix,
        "UploadIdMarker" text set_upload_id_marker,
        "ExpectedBucketOwner" text set_expected_bucket_owner,
        "RequestPayer" word set_request_payer,
    } => |output| members().put("Bucket", output.bucket()).list("Uploads", output.uploads(), upload);
    "GetObjectAttributes" get_object_attributes GetObjectAttributes {
        "Bucket" text set_bucket,
        "Key" text set_key,
        "VersionId" text set_version_id,
        "MaxParts" integer set_max_parts,
        "PartNumberMarker" text set_part_number_marker,
        "RequestPayer" word set_request_payer,
        "SSECustomerAlgorithm" text set_sse_customer_algorithm,
        "SSECustomerKey" text set_sse_customer_key,
        "SSECustomerKeyMD5" text set_sse_customer_key_md5,
        "ExpectedBucketOwner" text set_expected_bucket_owner,
        "ObjectAttributes" words set_object_attributes,
    } => |output| members()
        .put("ETag", output.e_tag())
        .put("VersionId", output.version_id())
        .put("StorageClass", output.storage_class().map(|word| word.as_str()))
        .put("ObjectSize", output.object_size());
    "GetObjectTagging" get_object_tagging GetObjectTagging {
        "Bucket" text set_bucket,
        "Key" text set_key,
        "VersionId" text set_version_id,
        "ExpectedBucketOwner" text set_expected_bucket_owner,
        "RequestPayer" word set_request_payer,
    } => |output| members().put("VersionId", output.version_id()).list("TagSet", output.tag_set(), tag);
    "PutObjectTagging" put_object_tagging PutObjectTagging {
        "Bucket" text set_bucket,
        "Key" text set_key,
        "VersionId" text set_version_id,
        "Tagging" tagging set_tagging,
        "ExpectedBucketOwner" text set_expected_bucket_owner,
        "RequestPayer" word set_request_payer,
    } => |output| members().put("VersionId", output.version_id());
    "DeleteObjectTagging" delete_object_tagging DeleteObjectTagging {
        "Bucket" text set_bucket,
        "Key" text set_key,
        "VersionId" text set_version_id,
        "ExpectedBucketOwner" text set_expected_bucket_owner,
    } => |output| members().put("VersionId", output.version_id());
    "GetObjectAcl" get_object_acl GetObjectAcl {
        "Bucket" text set_bucket,
        "Key" text set_key,
        "VersionId" text set_version_id,
        "RequestPayer" word set_request_payer,
        "ExpectedBucketOwner" text set_expected_bucket_owner,
    } => |output| members()
        .put("Owner", output.owner().map(|owner| members().put("ID", owner.id())))
        .list("Grants", output.grants(), acl_grant);
    "PutObjectAcl" put_object_acl PutObjectAcl {
        "ACL" word set_acl,
        "AccessControlPolicy" access_control_policy set_access_control_policy,
        "Bucket" text set_bucket,
        "GrantFullControl" text set_grant_full_control,
        "GrantRead" text set_grant_read,
        "GrantReadACP" text set_grant_read_acp,
        "GrantWrite" text set_grant_write,
        "GrantWriteACP" text set_grant_write_acp,
        "Key" text set_key,
        "RequestPayer" word set_request_payer,
        "VersionId" text set_version_id,
        "ExpectedBucketOwner" text set_expected_bucket_owner,
    } => |_output| members();
    "GetObjectRetention" get_object_retention GetObjectRetention {
        "Bucket" text set_bucket,
        "Key" text set_key,
        "VersionId" text set_version_id,
        "RequestPayer" word set_request_payer,
        "ExpectedBucketOwner" text set_expected_bucket_owner,
    } => |output| members().put("Retention", output.retention().map(|retention| {
        members()
            .put("Mode", retention.mode().map(|word| word.as_str()))
            .put("RetainUntilDate", retention.retain_until_date().and_then(in_seconds))
    }));
    "PutObjectRetention" put_object_retention PutObjectRetention {
        "Bucket" text set_bucket,
        "Key" text set_key,
        "VersionId" text set_version_id,
        "Retention" retention set_retention,
        "BypassGovernanceRetention" boolean set_bypass_governance_retention,
        "RequestPayer" word set_request_payer,
        "ExpectedBucketOwner" text set_expected_bucket_owner,
    } => |_output| members();
    "GetObjectLegalHold" get_object_legal_hold GetObjectLegalHold {
        "Bucket" text set_bucket,
        "Key" text set_key,
        "VersionId" text set_version_id,
        "RequestPayer" word set_request_payer,
        "ExpectedBucketOwner" text set_expected_bucket_owner,
    } => |output| members().put(
        "LegalHold",
        output.legal_hold().map(|hold| members().put("Status", hold.status().map(|word| word.as_str()))),
    );
    "PutObjectLegalHold" put_object_legal_hold PutObjectLegalHold {
        "Bucket" text set_bucket,
        "Key" text set_key,
        "VersionId" text set_version_id,
        "LegalHold" legal_hold set_legal_hold,
        "RequestPayer" word set_request_payer,
        "ExpectedBucketOwner" text set_expected_bucket_owner,
    } => |_output| members();
    "RestoreObject" restore_object RestoreObject {
        "Bucket" text set_bucket,
        "Key" text set_key,
        "VersionId" text set_version_id,
        "RestoreRequest" restore_request set_restore_request,
        "RequestPayer" word set_request_payer,
        "ExpectedBucketOwner" text set_expected_bucket_owner,
    } => |_output| members();
    "SelectObjectContent" select_object_content SelectObjectContent {
        "Bucket" text set_bucket,
        "Key" text set_key,
        "Expression" text set_expression,
        "ExpressionType" word set_expression_type,
        "InputSerialization" input_serialization set_input_serialization,
        "OutputSerialization" output_serialization set_output_serialization,
        "SSECustomerAlgorithm" text set_sse_customer_algorithm,
        "SSECustomerKey" text set_sse_customer_key,
        "SSECustomerKeyMD5" text set_sse_customer_key_md5,
        "ExpectedBucketOwner" text set_expected_bucket_owner,
    } => |_output| members();
    "PutBucketWebsite" put_bucket_website PutBucketWebsite {
        "Bucket" text set_bucket,
        "WebsiteConfiguration" website set_website_configuration,
        "ExpectedBucketOwner" text set_expected_bucket_owner,
    } => |_output| members();
    "GetBucketWebsite" get_bucket_website GetBucketWebsite {
        "Bucket" text set_bucket,
        "ExpectedBucketOwner" text set_expected_bucket_owner,
    } => |output| members()
        .put("IndexDocument", output.index_document().map(|index| members().put("Suffix", Some(index.suffix()))))
        .put("ErrorDocument", output.error_document().map(|error| members().put("Key", Some(error.key()))))
        .put("RedirectAllRequestsTo", output.redirect_all_requests_to().map(|redirect| {
            members()
                .put("HostName", Some(redirect.host_name()))
                .put("Protocol", redirect.protocol().map(|word| word.as_str()))
        }));
    "DeleteBucketWebsite" delete_bucket_website DeleteBucketWebsite {
        "Bucket" text set_bucket,
        "ExpectedBucketOwner" text set_expected_bucket_owner,
    } => |_output| members();
    "PutBucketLogging" put_bucket_logging PutBucketLogging {
        "Bucket" text set_bucket,
        "BucketLoggingStatus" logging_status set_bucket_logging_status,
        "ExpectedBucketOwner" text set_expected_bucket_owner,
    } => |_output| members();
    "GetBucketLogging" get_bucket_logging GetBucketLogging {
        "Bucket" text set_bucket,
        "ExpectedBucketOwner" text set_expected_bucket_owner,
    } => |output| members().put("LoggingEnabled", output.logging_enabled().map(|logging| {
        members()
            .put("TargetBucket", Some(logging.target_bucket()))
            .put("TargetPrefix", Some(logging.target_prefix()))
    }));
    "GetBucketAcl" get_bucket_acl GetBucketAcl {
        "Bucket" text set_bucket,
        "ExpectedBucketOwner" text set_expected_bucket_owner,
    } => |output| members()
        .put("Owner", output.owner().map(|owner| members().put("ID", owner.id())))
        .list("Grants", output.grants(), acl_grant);
    "PutBucketAcl" put_bucket_acl PutBucketAcl {
        "ACL" word set_acl,
        "AccessControlPolicy" access_control_policy set_access_control_policy,
        "Bucket" text set_bucket,
        "GrantFullControl" text set_grant_full_control,
        "GrantRead" text set_grant_read,
        "GrantReadACP" text set_grant_read_acp,
        "GrantWrite" text set_grant_write,
        "GrantWriteACP" text set_grant_write_acp,
        "ExpectedBucketOwner" text set_expected_bucket_owner,
    } => |_output| members();
    "PutBucketPolicy" put_bucket_policy PutBucketPolicy {
        "Bucket" text set_bucket,
        "ConfirmRemoveSelfBucketAccess" boolean set_confirm_remove_self_bucket_access,
        "Policy" policy set_policy,
        "ExpectedBucketOwner" text set_expected_bucket_owner,
    } => |_output| members();
    "GetBucketPolicy" get_bucket_policy GetBucketPolicy {
        "Bucket" text set_bucket,
        "ExpectedBucketOwner" text set_expected_bucket_owner,
    } => |output| members().put("Policy", output.policy());
    "GetBucketPolicyStatus" get_bucket_policy_status GetBucketPolicyStatus {
        "Bucket" text set_bucket,
        "ExpectedBucketOwner" text set_expected_bucket_owner,
    } => |output| members().put("PolicyStatus", output.policy_status().map(|status| members().put("IsPublic", status.is_public())));
    "DeleteBucketPolicy" delete_bucket_policy DeleteBucketPolicy {
        "Bucket" text set_bucket,
        "ExpectedBucketOwner" text set_expected_bucket_owner,
    } => |_output| members();
    "PutBucketEncryption" put_bucket_encryption PutBucketEncryption {
        "Bucket" text set_bucket,
        "ServerSideEncryptionConfiguration" encryption set_server_side_encryption_configuration,
        "ExpectedBucketOwner" text set_expected_bucket_owner,
    } => |_output| members();
    "GetBucketEncryption" get_bucket_encryption GetBucketEncryption {
        "Bucket" text set_bucket,
        "ExpectedBucketOwner" text set_expected_bucket_owner,
    } => |output| members().put("ServerSideEncryptionConfiguration", output.server_side_encryption_configuration().map(|configuration| {
        members().list("Rules", configuration.rules(), |rule| {
            members()
                .put("ApplyServerSideEncryptionByDefault", rule.apply_server_side_encryption_by_default().map(|default| {
                    members()
                        .put("SSEAlgorithm", Some(default.sse_algorithm().as_str()))
                        .put("KMSMasterKeyID", default.kms_master_key_id())
                }))
                .put("BucketKeyEnabled", rule.bucket_key_enabled())
                .put("BlockedEncryptionTypes", rule.blocked_encryption_types().map(|types| {
                    let words = types.encryption_type().iter().map(|word| word.as_str());
                    members().put("EncryptionType", Some(words.collect::<Value>()))
                }))
        })
    }));
    "DeleteBucketEncryption" delete_bucket_encryption DeleteBucketEncryption {
        "Bucket" text set_bucket,
        "ExpectedBucketOwner" text set_expected_bucket_owner,
    } => |_output| members();
    "PutPublicAccessBlock" put_public_access_block PutPublicAccessBlock {
        "Bucket" text set_bucket,
        "PublicAccessBlockConfiguration" public_access_block set_public_access_block_configuration,
        "ExpectedBucketOwner" text set_expected_bucket_owner,
    } => |_output| members();
    "GetPublicAccessBlock" get_public_access_block GetPublicAccessBlock {
        "Bucket" text set_bucket,
        "ExpectedBucketOwner" text set_expected_bucket_owner,
    } => |output| members().put("PublicAccessBlockConfiguration", output.public_access_block_configuration().map(|configuration| {
        members()
            .put("BlockPublicAcls", configuration.block_public_acls())
            .put("IgnorePublicAcls", configuration.ignore_public_acls())
            .put("BlockPublicPolicy", configuration.block_public_policy())
            .put("RestrictPublicBuckets", configuration.restrict_public_buckets())
    }));
    "DeletePublicAccessBlock" delete_public_access_block DeletePublicAccessBlock {
        "Bucket" text set_bucket,
        "ExpectedBucketOwner" text set_expected_bucket_owner,
    } => |_output| members();
    "PutBucketOwnershipControls" put_bucket_ownership_controls PutBucketOwnershipControls {
        "Bucket" text set_bucket,
        "OwnershipControls" ownership set_ownership_controls,
        "ExpectedBucketOwner" text set_expected_bucket_owner,
    } => |_output| members();
    "GetBucketOwnershipControls" get_bucket_ownership_controls GetBucketOwnershipControls {
        "Bucket" text set_bucket,
        "ExpectedBucketOwner" text set_expected_bucket_owner,
    } => |output| members().put("OwnershipControls", output.ownership_controls().map(|controls| {
        members().list("Rules", controls.rules(), |rule| members().put("ObjectOwnership", Some(rule.object_ownership().as_str())))
    }));
    "DeleteBucketOwnershipControls" delete_bucket_ownership_controls DeleteBucketOwnershipControls {
        "Bucket" text set_bucket,
        "ExpectedBucketOwner" text set_expected_bucket_owner,
    } => |_output| members();
    "PutBucketVersioning" put_bucket_versioning PutBucketVersioning {
        "Bucket" text set_bucket,
        "VersioningConfiguration" versioning set_versioning_configuration,
        "ExpectedBucketOwner" text set_expected_bucket_owner,
    } => |_output| members();
    "GetBucketVersioning" get_bucket_versioning GetBucketVersioning {
        "Bucket" text set_bucket,
        "ExpectedBucketOwner" text set_expected_bucket_owner,
    } => |output| members().put("Status", output.status().map(|word| word.as_str()));
    "PutBucketTagging" put_bucket_tagging PutBucketTagging {
        "Bucket" text set_bucket,
        "Tagging" tagging set_tagging,
        "ExpectedBucketOwner" text set_expected_bucket_owner,
    } => |_output| members();
    "GetBucketTagging" get_bucket_tagging GetBucketTagging {
        "Bucket" text set_bucket,
        "ExpectedBucketOwner" text set_expected_bucket_owner,
    } => |output| members().list("TagSet", output.tag_set(), tag);
    "DeleteBucketTagging" delete_bucket_tagging DeleteBucketTagging {
        "Bucket" text set_bucket,
        "ExpectedBucketOwner" text set_expected_bucket_owner,
    } => |_output| members();
    "PutBucketAbac" put_bucket_abac PutBucketAbac {
        "Bucket" text set_bucket,
        "AbacStatus" abac_status set_abac_status,
        "ExpectedBucketOwner" text set_expected_bucket_owner,
    } => |_output| members();
    "UpdateObjectEncryption" update_object_encryption UpdateObjectEncryption {
        "Bucket" text set_bucket,
        "Key" text set_key,
        "VersionId" text set_version_id,
        "ObjectEncryption" object_encryption set_object_encryption,
        "RequestPayer" word set_request_payer,
        "ExpectedBucketOwner" text set_expected_bucket_owner,
    } => |_output| members();
    "PutBucketRequestPayment" put_bucket_request_payment PutBucketRequestPayment {
        "Bucket" text set_bucket,
        "RequestPaymentConfiguration" payment set_request_payment_configuration,
        "ExpectedBucketOwner" text set_expected_bucket_owner,
    } => |_output| members();
    "GetBucketRequestPayment" get_bucket_request_payment GetBucketRequestPayment {
        "Bucket" text set_bucket,
        "ExpectedBucketOwner" text set_expected_bucket_owner,
    } => |output| members().put("Payer", output.payer().map(|word| word.as_str()));
    "GetBucketLocation" get_bucket_location GetBucketLocation {
        "Bucket" text set_bucket,
        "ExpectedBucketOwner" text set_expected_bucket_owner,
    } => |output| members().put("LocationConstraint", output.location_constraint().map(|word| word.as_str()));
}

/// A bucket outside `us-east-1` is only made with its Region named.
pub(super) fn supply(name: &str, region: &str, fields: &mut Fields) {
    if name == "CreateBucket" && region != "us-east-1" {
        fields.supply("CreateBucketConfiguration", || json!({"LocationConstraint": region}));
    }
}

fn object(object: &aws_sdk_s3::types::Object) -> Members {
    members()
        .put("Key", object.key())
        .put("Size", object.size())
        .put("ETag", object.e_tag())
}

/// A moment as S3 writes it in answers.
fn in_seconds(moment: &aws_sdk_s3::primitives::DateTime) -> Option<String> {
    moment.fmt(aws_sdk_s3::primitives::DateTimeFormat::DateTime).ok()
}

fn upload(upload: &MultipartUpload) -> Members {
    members().put("Key", upload.key()).put("UploadId", upload.upload_id())
}

fn copied_part(result: &CopyPartResult) -> Members {
    members().put("ETag", result.e_tag())
}

fn tag(tag: &Tag) -> Members {
    members().put("Key", Some(tag.key())).put("Value", Some(tag.value()))
}

fn acl_grant(grant: &aws_sdk_s3::types::Grant) -> Members {
    members()
        .put(
            "Grantee",
            grant.grantee().map(|grantee| {
                members()
                    .put("Type", Some(grantee.r#type().as_str()))
                    .put("ID", grantee.id())
                    .put("URI", grantee.uri())
            }),
        )
        .put("Permission", grant.permission().map(|word| word.as_str()))
}
