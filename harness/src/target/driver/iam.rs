//! IAM over its SDK.

use aws_sdk_iam::types::{Tag, User};

use super::fields::{Fields, built, integer, needed, policy, records, text, texts};
use super::members::{Members, members};
use crate::target::TargetError;

super::service_table! { "iam", aws_sdk_iam;
    "CreateUser" create_user CreateUser {
        "Path" text set_path,
        "UserName" text set_user_name,
        "PermissionsBoundary" text set_permissions_boundary,
        "Tags" tags set_tags,
    } => |output| members().put("User", output.user().map(user));
    "GetUser" get_user GetUser {
        "UserName" text set_user_name,
    } => |output| members().put("User", output.user().map(user));
    "DeleteUser" delete_user DeleteUser {
        "UserName" text set_user_name,
    } => |_output| members();
    "CreateRole" create_role CreateRole {
        "Path" text set_path,
        "RoleName" text set_role_name,
        "AssumeRolePolicyDocument" policy set_assume_role_policy_document,
        "Description" text set_description,
        "MaxSessionDuration" integer set_max_session_duration,
        "PermissionsBoundary" text set_permissions_boundary,
        "Tags" tags set_tags,
    } => |output| members().put("Role", output.role().map(role));
    "CreateServiceLinkedRole" create_service_linked_role CreateServiceLinkedRole {
        "AWSServiceName" text set_aws_service_name,
        "Description" text set_description,
        "CustomSuffix" text set_custom_suffix,
    } => |output| members().put("Role", output.role().map(role));
    "GetRole" get_role GetRole {
        "RoleName" text set_role_name,
    } => |output| members().put("Role", output.role().map(role));
    "DeleteRole" delete_role DeleteRole {
        "RoleName" text set_role_name,
    } => |_output| members();
    "UpdateAssumeRolePolicy" update_assume_role_policy UpdateAssumeRolePolicy {
        "RoleName" text set_role_name,
        "PolicyDocument" policy set_policy_document,
    } => |_output| members();
    "PutUserPolicy" put_user_policy PutUserPolicy {
        "UserName" text set_user_name,
        "PolicyName" text set_policy_name,
        "PolicyDocument" policy set_policy_document,
    } => |_output| members();
    "PutRolePolicy" put_role_policy PutRolePolicy {
        "RoleName" text set_role_name,
        "PolicyName" text set_policy_name,
        "PolicyDocument" policy set_policy_document,
    } => |_output| members();
    "PutGroupPolicy" put_group_policy PutGroupPolicy {
        "GroupName" text set_group_name,
        "PolicyName" text set_policy_name,
        "PolicyDocument" policy set_policy_document,
    } => |_output| members();
    "GetUserPolicy" get_user_policy GetUserPolicy {
        "UserName" text set_user_name,
        "PolicyName" text set_policy_name,
    } => |output| members()
        .put("UserName", Some(output.user_name()))
        .put("PolicyName", Some(output.policy_name()))
        .put("PolicyDocument", Some(document(output.policy_document())));
    "GetRolePolicy" get_role_policy GetRolePolicy {
        "RoleName" text set_role_name,
        "PolicyName" text set_policy_name,
    } => |output| members()
        .put("RoleName", Some(output.role_name()))
        .put("PolicyName", Some(output.policy_name()))
        .put("PolicyDocument", Some(document(output.policy_document())));
    "GetGroupPolicy" get_group_policy GetGroupPolicy {
        "GroupName" text set_group_name,
        "PolicyName" text set_policy_name,
    } => |output| members()
        .put("GroupName", Some(output.group_name()))
        .put("PolicyName", Some(output.policy_name()))
        .put("PolicyDocument", Some(document(output.policy_document())));
    "DeleteUserPolicy" delete_user_policy DeleteUserPolicy {
        "UserName" text set_user_name,
        "PolicyName" text set_policy_name,
    } => |_output| members();
    "DeleteRolePolicy" delete_role_policy DeleteRolePolicy {
        "RoleName" text set_role_name,
        "PolicyName" text set_policy_name,
    } => |_output| members();
    "DeleteGroupPolicy" delete_group_policy DeleteGroupPolicy {
        "GroupName" text set_group_name,
        "PolicyName" text set_policy_name,
    } => |_output| members();
    "CreatePolicy" create_policy CreatePolicy {
        "PolicyName" text set_policy_name,
        "Path" text set_path,
        "PolicyDocument" policy set_policy_document,
        "Description" text set_description,
        "Tags" tags set_tags,
    } => |output| members().put(
        "Policy",
        output.policy().map(|policy| {
            members()
                .put("PolicyName", policy.policy_name())
                .put("Path", policy.path())
                .put("Arn", policy.arn())
        }),
    );
    "DeletePolicy" delete_policy DeletePolicy {
        "PolicyArn" text set_policy_arn,
    } => |_output| members();
    "AttachUserPolicy" attach_user_policy AttachUserPolicy {
        "UserName" text set_user_name,
        "PolicyArn" text set_policy_arn,
    } => |_output| members();
    "AttachRolePolicy" attach_role_policy AttachRolePolicy {
        "RoleName" text set_role_name,
        "PolicyArn" text set_policy_arn,
    } => |_output| members();
    "AttachGroupPolicy" attach_group_policy AttachGroupPolicy {
        "GroupName" text set_group_name,
        "PolicyArn" text set_policy_arn,
    } => |_output| members();
    "DetachUserPolicy" detach_user_policy DetachUserPolicy {
        "UserName" text set_user_name,
        "PolicyArn" text set_policy_arn,
    } => |_output| members();
    "DetachRolePolicy" detach_role_policy DetachRolePolicy {
        "RoleName" text set_role_name,
        "PolicyArn" text set_policy_arn,
    } => |_output| members();
    "DetachGroupPolicy" detach_group_policy DetachGroupPolicy {
        "GroupName" text set_group_name,
        "PolicyArn" text set_policy_arn,
    } => |_output| members();
    "PutUserPermissionsBoundary" put_user_permissions_boundary PutUserPermissionsBoundary {
        "UserName" text set_user_name,
        "PermissionsBoundary" text set_permissions_boundary,
    } => |_output| members();
    "PutRolePermissionsBoundary" put_role_permissions_boundary PutRolePermissionsBoundary {
        "RoleName" text set_role_name,
        "PermissionsBoundary" text set_permissions_boundary,
    } => |_output| members();
    "DeleteUserPermissionsBoundary" delete_user_permissions_boundary DeleteUserPermissionsBoundary {
        "UserName" text set_user_name,
    } => |_output| members();
    "DeleteRolePermissionsBoundary" delete_role_permissions_boundary DeleteRolePermissionsBoundary {
        "RoleName" text set_role_name,
    } => |_output| members();
    "CreateGroup" create_group CreateGroup {
        "Path" text set_path,
        "GroupName" text set_group_name,
    } => |output| members().put(
        "Group",
        output.group().map(|group| {
            members()
                .put("GroupName", Some(group.group_name()))
                .put("Arn", Some(group.arn()))
                .put("GroupId", Some(group.group_id()))
        }),
    );
    "GetGroup" get_group GetGroup {
        "GroupName" text set_group_name,
    } => |output| members()
        .put(
            "Group",
            output.group().map(|group| {
                members()
                    .put("GroupName", Some(group.group_name()))
                    .put("Arn", Some(group.arn()))
                    .put("GroupId", Some(group.group_id()))
            }),
        )
        .list("Users", output.users(), |user| {
            members()
                .put("UserName", Some(user.user_name()))
                .put("Arn", Some(user.arn()))
                .put("UserId", Some(user.user_id()))
        });
    "DeleteGroup" delete_group DeleteGroup {
        "GroupName" text set_group_name,
    } => |_output| members();
    "AddUserToGroup" add_user_to_group AddUserToGroup {
        "GroupName" text set_group_name,
        "UserName" text set_user_name,
    } => |_output| members();
    "RemoveUserFromGroup" remove_user_from_group RemoveUserFromGroup {
        "GroupName" text set_group_name,
        "UserName" text set_user_name,
    } => |_output| members();
    "TagUser" tag_user TagUser {
        "UserName" text set_user_name,
        "Tags" tags set_tags,
    } => |_output| members();
    "UntagUser" untag_user UntagUser {
        "UserName" text set_user_name,
        "TagKeys" texts set_tag_keys,
    } => |_output| members();
    "TagRole" tag_role TagRole {
        "RoleName" text set_role_name,
        "Tags" tags set_tags,
    } => |_output| members();
    "UntagRole" untag_role UntagRole {
        "RoleName" text set_role_name,
        "TagKeys" texts set_tag_keys,
    } => |_output| members();
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

fn user(user: &User) -> Members {
    members()
        .put("UserName", Some(user.user_name()))
        .put("Path", Some(user.path()))
        .put("Arn", Some(user.arn()))
        .put("UserId", Some(user.user_id()))
        .list("Tags", user.tags(), tag)
}

fn role(role: &aws_sdk_iam::types::Role) -> Members {
    members()
        .put("RoleName", Some(role.role_name()))
        .put("Path", Some(role.path()))
        .put("Arn", Some(role.arn()))
        .put("RoleId", Some(role.role_id()))
        .put(
            "AssumeRolePolicyDocument",
            role.assume_role_policy_document().map(document),
        )
        .list("Tags", role.tags(), tag)
}

fn tag(tag: &Tag) -> Members {
    members().put("Key", Some(tag.key())).put("Value", Some(tag.value()))
}

/// IAM sends policy documents percent-encoded (RFC 3986).
fn document(encoded: &str) -> String {
    crate::target::shape::percent_decoded(encoded).unwrap_or_else(|_| encoded.to_owned())
}
