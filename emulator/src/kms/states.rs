//! The key-state table (svc:§5): which operation fails in which state, and with what.

use super::error::KmsError;
use super::key::{Key, KeyState};

/// One cell of the table.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Cell {
    /// Works.
    Ok,
    /// `[1]` DisabledException.
    Disabled,
    /// `[2,3]` and `[3]`: KMSInvalidStateException, pending deletion (svc:ST-3).
    PendingDeletion,
    /// `[4]` not pending deletion.
    NotPendingDeletion,
    /// `[5]` pending import.
    PendingImport,
    /// `[11]` unavailable.
    Unavailable,
    /// `[14]` creating.
    Creating,
    /// `[15]` updating.
    Updating,
    /// `[6]` origin EXTERNAL.
    External,
    /// `[7]` key in a custom key store.
    CustomStore,
}

/// Columns: Enabled, Disabled, PendingDeletion (and PendingReplicaDeletion), PendingImport, Unavailable, Creating,
/// Updating.
type Row = [Cell; 7];

/// Works everywhere.
const ALWAYS: Row = [Cell::Ok; 7];
/// Cryptographic operations.
const CRYPTOGRAPHIC: Row = [
    Cell::Ok,
    Cell::Disabled,
    Cell::PendingDeletion,
    Cell::PendingImport,
    Cell::Unavailable,
    Cell::Creating,
    Cell::Ok,
];
/// EnableKey and DisableKey.
const SWITCH: Row = [
    Cell::Ok,
    Cell::Ok,
    Cell::PendingDeletion,
    Cell::PendingImport,
    Cell::Ok,
    Cell::Creating,
    Cell::Updating,
];
/// Everything but pending deletion.
const NOT_PENDING_DELETION: Row = [
    Cell::Ok,
    Cell::Ok,
    Cell::PendingDeletion,
    Cell::Ok,
    Cell::Ok,
    Cell::Ok,
    Cell::Ok,
];
/// EnableKeyRotation and DisableKeyRotation.
const ROTATION: Row = [
    Cell::Ok,
    Cell::Disabled,
    Cell::PendingDeletion,
    Cell::External,
    Cell::CustomStore,
    Cell::Creating,
    Cell::Ok,
];

/// Rows by API operation.
const TABLE: &[(&str, Row)] = &[
    (
        "CancelKeyDeletion",
        [
            Cell::NotPendingDeletion,
            Cell::NotPendingDeletion,
            Cell::Ok,
            Cell::NotPendingDeletion,
            Cell::NotPendingDeletion,
            Cell::NotPendingDeletion,
            Cell::NotPendingDeletion,
        ],
    ),
    ("CreateAlias", NOT_PENDING_DELETION),
    (
        "CreateGrant",
        [
            Cell::Ok,
            Cell::Disabled,
            Cell::PendingDeletion,
            Cell::PendingImport,
            Cell::Ok,
            Cell::Creating,
            Cell::Ok,
        ],
    ),
    ("Decrypt", CRYPTOGRAPHIC),
    ("DeleteAlias", ALWAYS),
    ("DescribeKey", ALWAYS),
    ("DisableKey", SWITCH),
    ("DisableKeyRotation", ROTATION),
    ("EnableKey", SWITCH),
    ("EnableKeyRotation", ROTATION),
    ("Encrypt", CRYPTOGRAPHIC),
    ("GenerateDataKey", CRYPTOGRAPHIC),
    ("GenerateDataKeyWithoutPlaintext", CRYPTOGRAPHIC),
    ("GetKeyPolicy", ALWAYS),
    (
        "GetKeyRotationStatus",
        [
            Cell::Ok,
            Cell::Ok,
            Cell::Ok,
            Cell::External,
            Cell::CustomStore,
            Cell::Ok,
            Cell::Ok,
        ],
    ),
    ("ListGrants", ALWAYS),
    ("ListKeyPolicies", ALWAYS),
    ("ListResourceTags", ALWAYS),
    ("PutKeyPolicy", ALWAYS),
    ("ReEncrypt", CRYPTOGRAPHIC),
    ("RetireGrant", ALWAYS),
    ("RevokeGrant", ALWAYS),
    (
        "ScheduleKeyDeletion",
        [
            Cell::Ok,
            Cell::Ok,
            Cell::PendingDeletion,
            Cell::Ok,
            Cell::Ok,
            Cell::Ok,
            Cell::Updating,
        ],
    ),
    ("TagResource", NOT_PENDING_DELETION),
    ("UntagResource", NOT_PENDING_DELETION),
    // The key that an alias moves to; the key it leaves may be in any state (svc:N-3).
    ("UpdateAlias", NOT_PENDING_DELETION),
    ("UpdateKeyDescription", NOT_PENDING_DELETION),
];

/// Fails when `operation` does not work in the key's state (svc:ST-1, svc:ST-2).
///
/// # Errors
/// DisabledException, KMSInvalidStateException or UnsupportedOperationException.
pub(super) fn check(operation: &str, key: &Key) -> Result<(), KmsError> {
    let Some((_, row)) = TABLE.iter().find(|(name, _)| *name == operation) else {
        return Ok(());
    };
    let arn = &key.arn;
    let invalid = |text: &str| Err(KmsError::new("KMSInvalidStateException", format!("{arn} {text}.")));
    match row[column(key.state)] {
        Cell::Ok => Ok(()),
        Cell::Disabled => Err(KmsError::new("DisabledException", format!("{arn} is disabled."))),
        Cell::PendingDeletion if key.state == KeyState::PendingReplicaDeletion => {
            invalid("is pending replica deletion")
        }
        Cell::PendingDeletion => invalid("is pending deletion"),
        Cell::NotPendingDeletion => invalid("is not pending deletion"),
        Cell::PendingImport => invalid("is pending import"),
        Cell::Unavailable => invalid("is unavailable"),
        Cell::Creating => invalid("is creating"),
        Cell::Updating => invalid("is updating"),
        Cell::External => unsupported(format!(
            "{arn} origin is EXTERNAL which is not valid for this operation."
        )),
        Cell::CustomStore => unsupported(format!(
            "{arn} origin is {} which is not valid for this operation.",
            key.origin
        )),
    }
}

fn unsupported(message: String) -> Result<(), KmsError> {
    Err(KmsError::new("UnsupportedOperationException", message))
}

fn column(state: KeyState) -> usize {
    match state {
        KeyState::Enabled => 0,
        KeyState::Disabled => 1,
        KeyState::PendingDeletion | KeyState::PendingReplicaDeletion => 2,
        KeyState::PendingImport => 3,
        KeyState::Unavailable => 4,
        KeyState::Creating => 5,
        KeyState::Updating => 6,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::kms::operations::OPERATIONS;

    /// Operations that are about no single key.
    const WITHOUT_KEY: &[&str] = &[
        "CreateKey",
        "GenerateRandom",
        "ListAliases",
        "ListKeys",
        "ListRetirableGrants",
    ];

    #[test]
    fn every_operation_on_a_key_has_a_row_and_every_row_an_operation() {
        for operation in OPERATIONS {
            let has_row = TABLE.iter().any(|(name, _)| *name == operation.name);
            assert_eq!(has_row, !WITHOUT_KEY.contains(&operation.name), "{}", operation.name);
        }
        assert!(
            TABLE
                .iter()
                .all(|(name, _)| OPERATIONS.iter().any(|operation| operation.name == *name))
        );
    }

    #[test]
    fn repairs_work_in_every_state() {
        // svc:N-5
        for name in [
            "DescribeKey",
            "ListGrants",
            "GetKeyPolicy",
            "RetireGrant",
            "RevokeGrant",
            "PutKeyPolicy",
        ] {
            let row = TABLE.iter().find(|(known, _)| *known == name).map(|(_, row)| *row);
            assert_eq!(row, Some(ALWAYS), "{name}");
        }
    }
}
