//! STS over its SDK.

use aws_sdk_sts::types::{PolicyDescriptorType, Tag};

use super::fields::{Fields, built, integer, needed, policy, records, text, texts};
use super::members::members;
use crate::target::TargetError;

super::service_table! { "sts", aws_sdk_sts;
    "GetCallerIdentity" get_caller_identity GetCallerIdentity {
    } => |output| members().put("Account", output.account()).put("Arn", output.arn()).put("UserId", output.user_id());
    "AssumeRole" assume_role AssumeRole {
        "RoleArn" text set_role_arn,
        "RoleSessionName" text set_role_session_name,
        "PolicyArns" policy_arns set_policy_arns,
        "Policy" policy set_policy,
        "DurationSeconds" integer set_duration_seconds,
        "Tags" tags set_tags,
        "TransitiveTagKeys" texts set_transitive_tag_keys,
        "ExternalId" text set_external_id,
        "SerialNumber" text set_serial_number,
        "TokenCode" text set_token_code,
        "SourceIdentity" text set_source_identity,
    } => |output| members()
        .put(
            "AssumedRoleUser",
            output.assumed_role_user().map(|user| {
                members().put("Arn", Some(user.arn())).put("AssumedRoleId", Some(user.assumed_role_id()))
            }),
        )
        .put("SourceIdentity", output.source_identity());
    "GetSessionToken" get_session_token GetSessionToken {
        "DurationSeconds" integer set_duration_seconds,
        "SerialNumber" text set_serial_number,
        "TokenCode" text set_token_code,
    } => |_output| members();
    "GetFederationToken" get_federation_token GetFederationToken {
        "Name" text set_name,
        "Policy" policy set_policy,
        "PolicyArns" policy_arns set_policy_arns,
        "DurationSeconds" integer set_duration_seconds,
        "Tags" tags set_tags,
    } => |output| members().put(
        "FederatedUser",
        output.federated_user().map(|user| {
            members().put("Arn", Some(user.arn())).put("FederatedUserId", Some(user.federated_user_id()))
        }),
    );
}

fn tags(fields: &mut Fields, name: &str) -> Result<Option<Vec<Tag>>, TargetError> {
    records(fields, name, |tag| {
        let key = text(tag, "Key")?;
        let value = text(tag, "Value")?;
        let tag_builder = Tag::builder()
            .key(needed(tag, "Key", key)?)
            .value(needed(tag, "Value", value)?);
        built(tag, tag_builder.build())
    })
}

/// `[{arn: …}]`, as in the API (`arn` is written small there).
fn policy_arns(fields: &mut Fields, name: &str) -> Result<Option<Vec<PolicyDescriptorType>>, TargetError> {
    records(fields, name, |descriptor| {
        Ok(PolicyDescriptorType::builder()
            .set_arn(text(descriptor, "arn")?)
            .build())
    })
}
