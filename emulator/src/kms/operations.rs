//! The operation table of KMS (svc:§2): what each API operation is called, whom and what it accepts, who runs it.

use super::call::{Answer, Call, Note};
use super::params::Params;
use super::{alias_operations, crypto_operations, grant_operations, key_operations, policy_operations, tag_operations};
use crate::state::State;

/// Identifier forms an operation accepts (svc:K-10).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Identifiers {
    /// Key id or key ARN.
    Key,
    /// These, alias name or alias ARN.
    KeyOrAlias,
}

/// One API operation.
#[derive(Debug)]
pub(super) struct Operation {
    /// API name.
    pub(super) name: &'static str,
    /// The permission on the key, the alias or `*`. ReEncrypt has two of its own.
    pub(super) action: &'static str,
    /// Works on keys of other accounts (svc:K-8).
    pub(super) cross_account: bool,
    /// Identifier forms.
    pub(super) identifiers: Identifiers,
    /// Takes DryRun (svc:K-26).
    pub(super) dry_run: bool,
    /// The trail's `readOnly` (svc:T-6).
    pub(super) read_only: bool,
    /// Runs it.
    pub(super) run: fn(&mut State, &Call<'_>, &'static Operation, Params<'_>, &mut Note) -> Answer,
}

type Run = fn(&mut State, &Call<'_>, &'static Operation, Params<'_>, &mut Note) -> Answer;

/// Cross-account, alias, dry run, read only.
const fn row(name: &'static str, action: &'static str, flags: [bool; 4], run: Run) -> Operation {
    let [cross_account, alias, dry_run, read_only] = flags;
    let identifiers = if alias {
        Identifiers::KeyOrAlias
    } else {
        Identifiers::Key
    };
    Operation {
        name,
        action,
        cross_account,
        identifiers,
        dry_run,
        read_only,
        run,
    }
}

/// Key use: every identifier form, from every account, dry run.
const USE: [bool; 4] = [true, true, true, true];
/// Changes to a key of the own account, by key id or ARN.
const CHANGE: [bool; 4] = [false, false, false, false];
/// Reading from a key of the own account, by key id or ARN.
const READ: [bool; 4] = [false, false, false, true];

/// Every operation that is here.
pub(super) static OPERATIONS: &[Operation] = &[
    row(
        "CancelKeyDeletion",
        "kms:CancelKeyDeletion",
        CHANGE,
        key_operations::cancel_deletion,
    ),
    row("CreateAlias", "kms:CreateAlias", CHANGE, alias_operations::create),
    row(
        "CreateGrant",
        "kms:CreateGrant",
        [true, false, true, false],
        grant_operations::create,
    ),
    row("CreateKey", "kms:CreateKey", CHANGE, key_operations::create),
    row("Decrypt", "kms:Decrypt", USE, crypto_operations::decrypt),
    row("DeleteAlias", "kms:DeleteAlias", CHANGE, alias_operations::delete),
    row(
        "DescribeKey",
        "kms:DescribeKey",
        [true, true, false, true],
        key_operations::describe,
    ),
    row("DisableKey", "kms:DisableKey", CHANGE, key_operations::disable),
    row(
        "DisableKeyRotation",
        "kms:DisableKeyRotation",
        CHANGE,
        key_operations::disable_rotation,
    ),
    row("EnableKey", "kms:EnableKey", CHANGE, key_operations::enable),
    row(
        "EnableKeyRotation",
        "kms:EnableKeyRotation",
        CHANGE,
        key_operations::enable_rotation,
    ),
    row("Encrypt", "kms:Encrypt", USE, crypto_operations::encrypt),
    row(
        "GenerateDataKey",
        "kms:GenerateDataKey",
        USE,
        crypto_operations::generate_data_key,
    ),
    row(
        "GenerateDataKeyWithoutPlaintext",
        "kms:GenerateDataKeyWithoutPlaintext",
        USE,
        crypto_operations::generate_data_key,
    ),
    row(
        "GenerateRandom",
        "kms:GenerateRandom",
        READ,
        crypto_operations::generate_random,
    ),
    row("GetKeyPolicy", "kms:GetKeyPolicy", READ, policy_operations::get),
    row(
        "GetKeyRotationStatus",
        "kms:GetKeyRotationStatus",
        [true, false, false, true],
        key_operations::rotation_status,
    ),
    row("ListAliases", "kms:ListAliases", READ, alias_operations::list),
    row(
        "ListGrants",
        "kms:ListGrants",
        [true, false, false, true],
        grant_operations::list,
    ),
    row("ListKeyPolicies", "kms:ListKeyPolicies", READ, policy_operations::list),
    row("ListKeys", "kms:ListKeys", READ, key_operations::list),
    row("ListResourceTags", "kms:ListResourceTags", READ, tag_operations::list),
    row(
        "ListRetirableGrants",
        "kms:ListRetirableGrants",
        READ,
        grant_operations::list_retirable,
    ),
    row("PutKeyPolicy", "kms:PutKeyPolicy", CHANGE, policy_operations::put),
    row("ReEncrypt", "kms:ReEncryptFrom", USE, crypto_operations::re_encrypt),
    row(
        "RetireGrant",
        "kms:RetireGrant",
        [true, false, true, false],
        grant_operations::retire,
    ),
    row(
        "RevokeGrant",
        "kms:RevokeGrant",
        [true, false, true, false],
        grant_operations::revoke,
    ),
    row(
        "ScheduleKeyDeletion",
        "kms:ScheduleKeyDeletion",
        CHANGE,
        key_operations::schedule_deletion,
    ),
    row("TagResource", "kms:TagResource", CHANGE, tag_operations::tag),
    row("UntagResource", "kms:UntagResource", CHANGE, tag_operations::untag),
    row("UpdateAlias", "kms:UpdateAlias", CHANGE, alias_operations::update),
    row(
        "UpdateKeyDescription",
        "kms:UpdateKeyDescription",
        CHANGE,
        key_operations::update_description,
    ),
];

/// Finds an operation by API name.
#[must_use]
pub(super) fn find(name: &str) -> Option<&'static Operation> {
    OPERATIONS.iter().find(|operation| operation.name == name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_table_is_sorted_and_every_action_is_a_kms_action() {
        assert!(OPERATIONS.is_sorted_by_key(|operation| operation.name));
        for operation in OPERATIONS {
            assert!(operation.action.starts_with("kms:"), "{}", operation.name);
        }
    }

    #[test]
    fn cross_account_operations_are_those_of_k_8() {
        let names: Vec<&str> = OPERATIONS
            .iter()
            .filter(|operation| operation.cross_account)
            .map(|operation| operation.name)
            .collect();
        assert_eq!(
            names,
            [
                "CreateGrant",
                "Decrypt",
                "DescribeKey",
                "Encrypt",
                "GenerateDataKey",
                "GenerateDataKeyWithoutPlaintext",
                "GetKeyRotationStatus",
                "ListGrants",
                "ReEncrypt",
                "RetireGrant",
                "RevokeGrant",
            ]
        );
    }
}
