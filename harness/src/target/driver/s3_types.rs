//! The structures of S3's parameters.

use aws_sdk_s3::primitives::ByteStream;
use aws_sdk_s3::types::{
    AbacStatus, AccessControlPolicy, BlockedEncryptionTypes, BucketLoggingStatus, CompletedMultipartUpload,
    CompletedPart, CreateBucketConfiguration, CsvInput, CsvOutput, Delete, ErrorDocument, GlacierJobParameters, Grant,
    Grantee, IndexDocument, InputSerialization, JsonInput, JsonOutput, LoggingEnabled, ObjectEncryption,
    ObjectIdentifier, ObjectLockLegalHold, ObjectLockRetention, OutputSerialization, Owner, OwnershipControls,
    OwnershipControlsRule, PublicAccessBlockConfiguration, RedirectAllRequestsTo, RequestPaymentConfiguration,
    RestoreRequest, ServerSideEncryptionByDefault, ServerSideEncryptionConfiguration, ServerSideEncryptionRule,
    SsekmsEncryption, Tag, Tagging, Type, VersioningConfiguration, WebsiteConfiguration,
};

use crate::target::TargetError;
use crate::target::driver::fields::{
    Fields, boolean, built, bytes, integer, moment, needed, record, records, text, word, words,
};

pub(super) fn body(fields: &mut Fields, name: &str) -> Result<Option<ByteStream>, TargetError> {
    Ok(bytes(fields, name)?.map(ByteStream::from))
}

pub(super) fn bucket_configuration(
    fields: &mut Fields,
    name: &str,
) -> Result<Option<CreateBucketConfiguration>, TargetError> {
    record(fields, name, |configuration| {
        Ok(CreateBucketConfiguration::builder()
            .set_location_constraint(word(configuration, "LocationConstraint")?)
            .build())
    })
}

pub(super) fn delete(fields: &mut Fields, name: &str) -> Result<Option<Delete>, TargetError> {
    record(fields, name, |delete| {
        let objects = records(delete, "Objects", |object| {
            let builder = ObjectIdentifier::builder()
                .set_key(text(object, "Key")?)
                .set_version_id(text(object, "VersionId")?);
            built(object, builder.build())
        })?;
        let builder = Delete::builder()
            .set_objects(objects)
            .set_quiet(boolean(delete, "Quiet")?);
        built(delete, builder.build())
    })
}

pub(super) fn completed_upload(
    fields: &mut Fields,
    name: &str,
) -> Result<Option<CompletedMultipartUpload>, TargetError> {
    record(fields, name, |upload| {
        let parts = records(upload, "Parts", |part| {
            Ok(CompletedPart::builder()
                .set_e_tag(text(part, "ETag")?)
                .set_part_number(integer(part, "PartNumber")?)
                .build())
        })?;
        Ok(CompletedMultipartUpload::builder().set_parts(parts).build())
    })
}

pub(super) fn tagging(fields: &mut Fields, name: &str) -> Result<Option<Tagging>, TargetError> {
    record(fields, name, |tagging| {
        let tags = records(tagging, "TagSet", |tag| {
            let key = text(tag, "Key")?;
            let value = text(tag, "Value")?;
            let builder = Tag::builder()
                .key(needed(tag, "Key", key)?)
                .value(needed(tag, "Value", value)?);
            built(tag, builder.build())
        })?;
        built(tagging, Tagging::builder().set_tag_set(tags).build())
    })
}

pub(super) fn encryption(
    fields: &mut Fields,
    name: &str,
) -> Result<Option<ServerSideEncryptionConfiguration>, TargetError> {
    record(fields, name, |configuration| {
        let rules = records(configuration, "Rules", |rule| {
            let default = record(rule, "ApplyServerSideEncryptionByDefault", |default| {
                let builder = ServerSideEncryptionByDefault::builder()
                    .set_sse_algorithm(word(default, "SSEAlgorithm")?)
                    .set_kms_master_key_id(text(default, "KMSMasterKeyID")?);
                built(default, builder.build())
            })?;
            let blocked = record(rule, "BlockedEncryptionTypes", |types| {
                Ok(BlockedEncryptionTypes::builder()
                    .set_encryption_type(words(types, "EncryptionType")?)
                    .build())
            })?;
            Ok(ServerSideEncryptionRule::builder()
                .set_blocked_encryption_types(blocked)
                .set_apply_server_side_encryption_by_default(default)
                .set_bucket_key_enabled(boolean(rule, "BucketKeyEnabled")?)
                .build())
        })?;
        built(
            configuration,
            ServerSideEncryptionConfiguration::builder().set_rules(rules).build(),
        )
    })
}

/// A union whose only member is `SSEKMS`.
pub(super) fn object_encryption(fields: &mut Fields, name: &str) -> Result<Option<ObjectEncryption>, TargetError> {
    let wanted = record(fields, name, |encryption| {
        record(encryption, "SSEKMS", |kms| {
            let key = text(kms, "KMSKeyArn")?;
            let builder = SsekmsEncryption::builder()
                .kms_key_arn(needed(kms, "KMSKeyArn", key)?)
                .set_bucket_key_enabled(boolean(kms, "BucketKeyEnabled")?);
            built(kms, builder.build())
        })
    })?;
    Ok(wanted.flatten().map(ObjectEncryption::Ssekms))
}

pub(super) fn abac_status(fields: &mut Fields, name: &str) -> Result<Option<AbacStatus>, TargetError> {
    record(fields, name, |abac| {
        Ok(AbacStatus::builder().set_status(word(abac, "Status")?).build())
    })
}

pub(super) fn public_access_block(
    fields: &mut Fields,
    name: &str,
) -> Result<Option<PublicAccessBlockConfiguration>, TargetError> {
    record(fields, name, |configuration| {
        Ok(PublicAccessBlockConfiguration::builder()
            .set_block_public_acls(boolean(configuration, "BlockPublicAcls")?)
            .set_ignore_public_acls(boolean(configuration, "IgnorePublicAcls")?)
            .set_block_public_policy(boolean(configuration, "BlockPublicPolicy")?)
            .set_restrict_public_buckets(boolean(configuration, "RestrictPublicBuckets")?)
            .build())
    })
}

pub(super) fn ownership(fields: &mut Fields, name: &str) -> Result<Option<OwnershipControls>, TargetError> {
    record(fields, name, |controls| {
        let rules = records(controls, "Rules", |rule| {
            let builder = OwnershipControlsRule::builder().set_object_ownership(word(rule, "ObjectOwnership")?);
            built(rule, builder.build())
        })?;
        built(controls, OwnershipControls::builder().set_rules(rules).build())
    })
}

pub(super) fn versioning(fields: &mut Fields, name: &str) -> Result<Option<VersioningConfiguration>, TargetError> {
    record(fields, name, |configuration| {
        Ok(VersioningConfiguration::builder()
            .set_status(word(configuration, "Status")?)
            .set_mfa_delete(word(configuration, "MFADelete")?)
            .build())
    })
}

pub(super) fn payment(fields: &mut Fields, name: &str) -> Result<Option<RequestPaymentConfiguration>, TargetError> {
    record(fields, name, |configuration| {
        let builder = RequestPaymentConfiguration::builder().set_payer(word(configuration, "Payer")?);
        built(configuration, builder.build())
    })
}

pub(super) fn access_control_policy(
    fields: &mut Fields,
    name: &str,
) -> Result<Option<AccessControlPolicy>, TargetError> {
    record(fields, name, |policy| {
        let grants = records(policy, "Grants", |grant| {
            let grantee = record(grant, "Grantee", |grantee| {
                let kind: Option<Type> = word(grantee, "Type")?;
                let builder = Grantee::builder()
                    .r#type(needed(grantee, "Type", kind)?)
                    .set_id(text(grantee, "ID")?)
                    .set_uri(text(grantee, "URI")?)
                    .set_display_name(text(grantee, "DisplayName")?)
                    .set_email_address(text(grantee, "EmailAddress")?);
                built(grantee, builder.build())
            })?;
            Ok(Grant::builder()
                .set_grantee(grantee)
                .set_permission(word(grant, "Permission")?)
                .build())
        })?;
        let owner = record(policy, "Owner", |owner| {
            Ok(Owner::builder()
                .set_id(text(owner, "ID")?)
                .set_display_name(text(owner, "DisplayName")?)
                .build())
        })?;
        Ok(AccessControlPolicy::builder()
            .set_grants(grants)
            .set_owner(owner)
            .build())
    })
}

pub(super) fn retention(fields: &mut Fields, name: &str) -> Result<Option<ObjectLockRetention>, TargetError> {
    record(fields, name, |retention| {
        Ok(ObjectLockRetention::builder()
            .set_mode(word(retention, "Mode")?)
            .set_retain_until_date(moment(retention, "RetainUntilDate")?)
            .build())
    })
}

pub(super) fn legal_hold(fields: &mut Fields, name: &str) -> Result<Option<ObjectLockLegalHold>, TargetError> {
    record(fields, name, |hold| {
        Ok(ObjectLockLegalHold::builder().set_status(word(hold, "Status")?).build())
    })
}

pub(super) fn restore_request(fields: &mut Fields, name: &str) -> Result<Option<RestoreRequest>, TargetError> {
    record(fields, name, |restore| {
        let parameters = record(restore, "GlacierJobParameters", |parameters| {
            let builder = GlacierJobParameters::builder().set_tier(word(parameters, "Tier")?);
            built(parameters, builder.build())
        })?;
        Ok(RestoreRequest::builder()
            .set_days(integer(restore, "Days")?)
            .set_glacier_job_parameters(parameters)
            .build())
    })
}

pub(super) fn input_serialization(fields: &mut Fields, name: &str) -> Result<Option<InputSerialization>, TargetError> {
    record(fields, name, |input| {
        let csv = record(input, "CSV", |csv| {
            Ok(CsvInput::builder()
                .set_file_header_info(word(csv, "FileHeaderInfo")?)
                .build())
        })?;
        let json = record(input, "JSON", |json| {
            Ok(JsonInput::builder().set_type(word(json, "Type")?).build())
        })?;
        Ok(InputSerialization::builder()
            .set_csv(csv)
            .set_json(json)
            .set_compression_type(word(input, "CompressionType")?)
            .build())
    })
}

pub(super) fn output_serialization(
    fields: &mut Fields,
    name: &str,
) -> Result<Option<OutputSerialization>, TargetError> {
    record(fields, name, |output| {
        let csv = record(output, "CSV", |_| Ok(CsvOutput::builder().build()))?;
        let json = record(output, "JSON", |_| Ok(JsonOutput::builder().build()))?;
        Ok(OutputSerialization::builder().set_csv(csv).set_json(json).build())
    })
}

pub(super) fn website(fields: &mut Fields, name: &str) -> Result<Option<WebsiteConfiguration>, TargetError> {
    record(fields, name, |website| {
        let index = record(website, "IndexDocument", |index| {
            let builder = IndexDocument::builder().set_suffix(text(index, "Suffix")?);
            built(index, builder.build())
        })?;
        let error = record(website, "ErrorDocument", |error| {
            let builder = ErrorDocument::builder().set_key(text(error, "Key")?);
            built(error, builder.build())
        })?;
        let redirect = record(website, "RedirectAllRequestsTo", |redirect| {
            let builder = RedirectAllRequestsTo::builder()
                .set_host_name(text(redirect, "HostName")?)
                .set_protocol(word(redirect, "Protocol")?);
            built(redirect, builder.build())
        })?;
        Ok(WebsiteConfiguration::builder()
            .set_index_document(index)
            .set_error_document(error)
            .set_redirect_all_requests_to(redirect)
            .build())
    })
}

pub(super) fn logging_status(fields: &mut Fields, name: &str) -> Result<Option<BucketLoggingStatus>, TargetError> {
    record(fields, name, |status| {
        let enabled = record(status, "LoggingEnabled", |logging| {
            let builder = LoggingEnabled::builder()
                .set_target_bucket(text(logging, "TargetBucket")?)
                .set_target_prefix(text(logging, "TargetPrefix")?);
            built(logging, builder.build())
        })?;
        Ok(BucketLoggingStatus::builder().set_logging_enabled(enabled).build())
    })
}
