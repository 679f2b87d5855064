//! The operation table of IAM: name, what it is about, whether it answers with a result, who runs it.

use super::call::{Call, Kind};
use super::error::IamError;
use super::{
    absent, access_keys, attachments, boundaries, groups, inline_policies, managed, policy_versions, roles,
    service_linked_roles, tags, users,
};
use crate::protocol::XmlWriter;
use crate::state::State;

/// Runs one operation and writes its result.
pub(super) type Run = fn(&mut State, &Call<'_>, &mut XmlWriter) -> Result<(), IamError>;

/// One API operation; its name is also its action.
#[derive(Debug)]
pub(super) struct Operation {
    pub(super) name: &'static str,
    pub(super) kind: Kind,
    pub(super) has_result: bool,
    pub(super) run: Run,
}

const fn result(name: &'static str, kind: Kind, run: Run) -> Operation {
    Operation {
        name,
        kind,
        has_result: true,
        run,
    }
}

const fn silent(name: &'static str, kind: Kind, run: Run) -> Operation {
    Operation {
        name,
        kind,
        has_result: false,
        run,
    }
}

/// Every operation that is here.
pub(super) static OPERATIONS: &[Operation] = &[
    silent("AddUserToGroup", Kind::Group, groups::add_user),
    silent("AttachGroupPolicy", Kind::Group, attachments::attach),
    silent("AttachRolePolicy", Kind::Role, attachments::attach),
    silent("AttachUserPolicy", Kind::User, attachments::attach),
    result("CreateAccessKey", Kind::User, access_keys::create),
    result("CreateGroup", Kind::Group, groups::create),
    result("CreatePolicy", Kind::Other, managed::create),
    result("CreatePolicyVersion", Kind::Other, policy_versions::create),
    result("CreateRole", Kind::Role, roles::create),
    result("CreateServiceLinkedRole", Kind::Role, service_linked_roles::create),
    result("CreateUser", Kind::User, users::create),
    silent("DeleteAccessKey", Kind::User, access_keys::delete),
    silent("DeleteGroup", Kind::Group, groups::delete),
    silent("DeleteGroupPolicy", Kind::Group, inline_policies::delete),
    silent("DeleteLoginProfile", Kind::User, absent::login_profile),
    silent("DeletePolicy", Kind::Other, managed::delete),
    silent("DeletePolicyVersion", Kind::Other, policy_versions::delete),
    silent("DeleteRole", Kind::Role, roles::delete),
    silent("DeleteRolePermissionsBoundary", Kind::Role, boundaries::delete),
    silent("DeleteRolePolicy", Kind::Role, inline_policies::delete),
    result("DeleteServiceLinkedRole", Kind::Role, service_linked_roles::delete),
    silent("DeleteUser", Kind::User, users::delete),
    silent("DeleteUserPermissionsBoundary", Kind::User, boundaries::delete),
    silent("DeleteUserPolicy", Kind::User, inline_policies::delete),
    silent("DetachGroupPolicy", Kind::Group, attachments::detach),
    silent("DetachRolePolicy", Kind::Role, attachments::detach),
    silent("DetachUserPolicy", Kind::User, attachments::detach),
    result("GetGroup", Kind::Group, groups::get),
    result("GetGroupPolicy", Kind::Group, inline_policies::get),
    result("GetLoginProfile", Kind::User, absent::login_profile),
    result("GetPolicy", Kind::Other, managed::get),
    result("GetPolicyVersion", Kind::Other, policy_versions::get),
    result("GetRole", Kind::Role, roles::get),
    result("GetRolePolicy", Kind::Role, inline_policies::get),
    result(
        "GetServiceLinkedRoleDeletionStatus",
        Kind::Other,
        service_linked_roles::deletion_status,
    ),
    result("GetUser", Kind::User, users::get),
    result("GetUserPolicy", Kind::User, inline_policies::get),
    result("ListAccessKeys", Kind::User, access_keys::list),
    result("ListAttachedGroupPolicies", Kind::Group, attachments::list),
    result("ListAttachedRolePolicies", Kind::Role, attachments::list),
    result("ListAttachedUserPolicies", Kind::User, attachments::list),
    result("ListEntitiesForPolicy", Kind::Other, managed::list_entities),
    result("ListGroupPolicies", Kind::Group, inline_policies::list),
    result("ListGroups", Kind::Group, groups::list),
    result("ListGroupsForUser", Kind::User, groups::list_for_user),
    result("ListInstanceProfilesForRole", Kind::Role, roles::list_instance_profiles),
    result("ListMFADevices", Kind::User, absent::mfa_devices),
    result("ListPolicies", Kind::Other, managed::list),
    result("ListPolicyTags", Kind::Other, tags::list),
    result("ListPolicyVersions", Kind::Other, policy_versions::list),
    result("ListRolePolicies", Kind::Role, inline_policies::list),
    result("ListRoleTags", Kind::Role, tags::list),
    result("ListRoles", Kind::Role, roles::list),
    result("ListSSHPublicKeys", Kind::User, absent::ssh_public_keys),
    result(
        "ListServiceSpecificCredentials",
        Kind::User,
        absent::service_credentials,
    ),
    result("ListSigningCertificates", Kind::User, absent::certificates),
    result("ListUserPolicies", Kind::User, inline_policies::list),
    result("ListUserTags", Kind::User, tags::list),
    result("ListUsers", Kind::User, users::list),
    silent("PutGroupPolicy", Kind::Group, inline_policies::put),
    silent("PutRolePermissionsBoundary", Kind::Role, boundaries::put),
    silent("PutRolePolicy", Kind::Role, inline_policies::put),
    silent("PutUserPermissionsBoundary", Kind::User, boundaries::put),
    silent("PutUserPolicy", Kind::User, inline_policies::put),
    silent("RemoveUserFromGroup", Kind::Group, groups::remove_user),
    silent("SetDefaultPolicyVersion", Kind::Other, policy_versions::set_default),
    silent("TagPolicy", Kind::Other, tags::tag),
    silent("TagRole", Kind::Role, tags::tag),
    silent("TagUser", Kind::User, tags::tag),
    silent("UntagPolicy", Kind::Other, tags::untag),
    silent("UntagRole", Kind::Role, tags::untag),
    silent("UntagUser", Kind::User, tags::untag),
    silent("UpdateAccessKey", Kind::User, access_keys::update),
    silent("UpdateAssumeRolePolicy", Kind::Role, roles::update_trust),
    result("UpdateRole", Kind::Role, roles::update),
    result("UpdateRoleDescription", Kind::Role, roles::update),
];

/// Finds an operation by name.
pub(super) fn find(name: &str) -> Option<&'static Operation> {
    OPERATIONS.iter().find(|operation| operation.name == name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_sorted_and_unique() {
        assert!(OPERATIONS.windows(2).all(|pair| pair[0].name < pair[1].name));
    }
}
