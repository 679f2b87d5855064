//! The key-state table (svc:§5): which operation fails in which state, and with what. The rows are named here and hang
//! in the operation table.

use super::error::KmsError;
use super::key::{Key, KeyState};
use super::operations::Operation;

/// One cell of the table.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Cell {
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
    /// `[6]` origin EXTERNAL.
    External,
    /// `[7]` key in a custom key store.
    CustomStore,
    /// `[8,9]` KMSInvalidStateException for imported material, else UnsupportedOperationException.
    ImportedPendingDeletion,
    /// `[9]` UnsupportedOperationException unless the material is imported.
    Imported,
    /// `[11]` unavailable.
    Unavailable,
    /// `[14]` creating.
    Creating,
    /// `[15]` updating.
    Updating,
}

/// Columns: Enabled, Disabled, PendingDeletion (and PendingReplicaDeletion), PendingImport, Unavailable, Creating,
/// Updating.
pub(super) type Row = [Cell; 7];

/// Works everywhere.
pub(super) const ALWAYS: Row = [Cell::Ok; 7];
/// Cryptographic operations, GetPublicKey, UpdatePrimaryRegion.
pub(super) const CRYPTOGRAPHIC: Row = [
    Cell::Ok,
    Cell::Disabled,
    Cell::PendingDeletion,
    Cell::PendingImport,
    Cell::Unavailable,
    Cell::Creating,
    Cell::Ok,
];
/// CreateGrant.
pub(super) const GRANT: Row = [
    Cell::Ok,
    Cell::Disabled,
    Cell::PendingDeletion,
    Cell::PendingImport,
    Cell::Ok,
    Cell::Creating,
    Cell::Ok,
];
/// CancelKeyDeletion.
pub(super) const CANCEL: Row = [
    Cell::NotPendingDeletion,
    Cell::NotPendingDeletion,
    Cell::Ok,
    Cell::NotPendingDeletion,
    Cell::NotPendingDeletion,
    Cell::NotPendingDeletion,
    Cell::NotPendingDeletion,
];
/// EnableKey and DisableKey.
pub(super) const SWITCH: Row = [
    Cell::Ok,
    Cell::Ok,
    Cell::PendingDeletion,
    Cell::PendingImport,
    Cell::Ok,
    Cell::Creating,
    Cell::Updating,
];
/// Everything but pending deletion. For UpdateAlias this is the key that the alias moves to; the key it leaves may be
/// in any state (svc:N-3).
pub(super) const NOT_PENDING_DELETION: Row = [
    Cell::Ok,
    Cell::Ok,
    Cell::PendingDeletion,
    Cell::Ok,
    Cell::Ok,
    Cell::Ok,
    Cell::Ok,
];
/// EnableKeyRotation and DisableKeyRotation.
pub(super) const ROTATION: Row = [
    Cell::Ok,
    Cell::Disabled,
    Cell::PendingDeletion,
    Cell::External,
    Cell::CustomStore,
    Cell::Creating,
    Cell::Ok,
];
/// GetKeyRotationStatus.
pub(super) const ROTATION_STATUS: Row = [
    Cell::Ok,
    Cell::Ok,
    Cell::Ok,
    Cell::External,
    Cell::CustomStore,
    Cell::Ok,
    Cell::Ok,
];
/// RotateKeyOnDemand.
pub(super) const ROTATE_ON_DEMAND: Row = [
    Cell::Ok,
    Cell::Disabled,
    Cell::PendingDeletion,
    Cell::PendingImport,
    Cell::CustomStore,
    Cell::Creating,
    Cell::Updating,
];
/// ReplicateKey.
pub(super) const REPLICATE: Row = [
    Cell::Ok,
    Cell::Disabled,
    Cell::PendingDeletion,
    Cell::PendingImport,
    Cell::Unavailable,
    Cell::Creating,
    Cell::Updating,
];
/// ScheduleKeyDeletion.
pub(super) const SCHEDULE_DELETION: Row = [
    Cell::Ok,
    Cell::Ok,
    Cell::PendingDeletion,
    Cell::Ok,
    Cell::Ok,
    Cell::Ok,
    Cell::Updating,
];
/// DeleteImportedKeyMaterial.
pub(super) const DELETE_IMPORTED: Row = [
    Cell::Imported,
    Cell::Imported,
    Cell::Imported,
    Cell::Ok,
    Cell::Unavailable,
    Cell::Creating,
    Cell::Updating,
];
/// GetParametersForImport.
pub(super) const IMPORT_PARAMETERS: Row = [
    Cell::Imported,
    Cell::Imported,
    Cell::ImportedPendingDeletion,
    Cell::Ok,
    Cell::Imported,
    Cell::Creating,
    Cell::Updating,
];
/// ImportKeyMaterial.
pub(super) const IMPORT: Row = [
    Cell::Imported,
    Cell::Imported,
    Cell::ImportedPendingDeletion,
    Cell::Ok,
    Cell::Imported,
    Cell::Creating,
    Cell::Imported,
];

/// Fails when `operation` does not work in the key's state (svc:ST-1, svc:ST-2).
///
/// # Errors
/// DisabledException, KMSInvalidStateException or UnsupportedOperationException.
pub(super) fn check(operation: &Operation, key: &Key) -> Result<(), KmsError> {
    let Some(row) = operation.states else {
        return Ok(());
    };
    let arn = &key.arn;
    let invalid = |text: &str| Err(KmsError::new("KMSInvalidStateException", format!("{arn} {text}.")));
    let pending_deletion = || match key.state {
        KeyState::PendingReplicaDeletion => invalid("is pending replica deletion"),
        _ => invalid("is pending deletion"),
    };
    let imported = key.origin == "EXTERNAL";
    match row[column(key.state)] {
        Cell::Ok => Ok(()),
        Cell::Imported if imported => Ok(()),
        Cell::Disabled => Err(KmsError::new("DisabledException", format!("{arn} is disabled."))),
        Cell::PendingDeletion => pending_deletion(),
        Cell::ImportedPendingDeletion if imported => pending_deletion(),
        Cell::NotPendingDeletion => invalid("is not pending deletion"),
        Cell::PendingImport => invalid("is pending import"),
        Cell::Unavailable => invalid("is unavailable"),
        Cell::Creating => invalid("is creating"),
        Cell::Updating => invalid("is updating"),
        Cell::External => Err(KmsError::wrong_origin_named(arn.as_str(), "EXTERNAL")),
        Cell::CustomStore | Cell::Imported | Cell::ImportedPendingDeletion => Err(KmsError::wrong_origin(key)),
    }
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
    use crate::kms::operations;

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
            let row = operations::find(name).and_then(|operation| operation.states);
            assert_eq!(row, Some(&ALWAYS), "{name}");
        }
    }
}
