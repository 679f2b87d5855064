//! What KMS knows of an API operation, and how one is found. The operations themselves are in `operation_table`.

use super::call::{Answer, Call, Note};
use super::operation_table::OPERATIONS;
use super::params::Params;
use super::states::Row;
use crate::state::State;

/// Identifier forms an operation accepts (svc:K-10).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Identifiers {
    /// Key id or key ARN.
    Key,
    /// These, alias name or alias ARN.
    KeyOrAlias,
}

/// What a permission is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum On {
    /// A KMS key: key policy, or identity policy where the key policy delegates (svc:K-4).
    Key,
    /// An alias ARN: identity policies only (svc:K-17).
    Alias,
    /// `*`: identity policies only (svc:K-18).
    Any,
    /// A service-linked role (svc:K-19).
    Role,
}

type Run = fn(&mut State, &Call<'_>, &'static Operation, Params<'_>, &mut Note) -> Answer;

/// One API operation.
#[derive(Debug, Clone, Copy)]
pub(super) struct Operation {
    /// API name.
    pub(super) name: &'static str,
    /// Permissions it asks for, the main one first; some only under conditions.
    pub(super) permissions: &'static [(&'static str, On)],
    /// Works on keys of other accounts (svc:K-8).
    pub(super) cross_account: bool,
    /// Identifier forms.
    pub(super) identifiers: Identifiers,
    /// Key usages it suits (svc:K-24); empty: any.
    pub(super) usages: &'static [&'static str],
    /// Its row of the key-state table (svc:§5); `None` for operations that are about no single key.
    pub(super) states: Option<&'static Row>,
    /// Condition keys beyond those every key operation has (svc:C-1 … C-3), lower case; `…/` stands for a family.
    pub(super) condition_keys: &'static [&'static str],
    /// Takes DryRun (svc:K-26).
    pub(super) dry_run: bool,
    /// The trail's `readOnly` (svc:T-6).
    pub(super) read_only: bool,
    /// Runs it.
    pub(super) run: Run,
}

impl Operation {
    /// The main permission. ReEncrypt has two of equal rank; this is the source's.
    pub(super) fn action(&self) -> &'static str {
        self.permissions[0].0
    }

    /// Whether requests of this operation can have the condition key (svc:§3).
    pub(super) fn has_condition_key(&self, key: &str) -> bool {
        self.condition_keys
            .iter()
            .any(|known| key == *known || known.ends_with('/') && key.starts_with(known))
    }
}

/// Finds an operation by API name.
#[must_use]
pub(super) fn find(name: &str) -> Option<&'static Operation> {
    OPERATIONS
        .binary_search_by(|operation| operation.name.cmp(name))
        .ok()
        .map(|at| &OPERATIONS[at])
}

#[cfg(test)]
mod tests {
    use super::*;
    use On::Key;

    #[test]
    fn the_table_is_sorted_whole_and_every_action_is_a_kms_action() {
        // INVARIANT: `find` searches a sorted table.
        assert!(OPERATIONS.is_sorted_by_key(|operation| operation.name));
        assert_eq!(OPERATIONS.len(), 56, "svc:§2 has 56 operations");
        for operation in OPERATIONS {
            assert!(operation.action().starts_with("kms:"), "{}", operation.name);
            assert!(find(operation.name).is_some(), "{}", operation.name);
            assert!(operation.condition_keys.is_sorted(), "{}", operation.name);
            let about_key = operation.permissions[0].1 == Key || operation.permissions.iter().any(|(_, on)| *on == Key);
            assert_eq!(operation.states.is_some(), about_key, "{}", operation.name);
        }
        assert!(find("Nonsense").is_none());
    }

    fn names(wanted: impl Fn(&Operation) -> bool) -> Vec<&'static str> {
        OPERATIONS
            .iter()
            .filter(|operation| wanted(operation))
            .map(|operation| operation.name)
            .collect()
    }

    #[test]
    fn cross_account_operations_are_those_of_k_8() {
        assert_eq!(
            names(|operation| operation.cross_account),
            [
                "CreateGrant",
                "Decapsulate",
                "Decrypt",
                "DeriveSharedSecret",
                "DescribeKey",
                "Encapsulate",
                "Encrypt",
                "GenerateDataKey",
                "GenerateDataKeyPair",
                "GenerateDataKeyPairWithoutPlaintext",
                "GenerateDataKeyWithoutPlaintext",
                "GenerateMac",
                "GetKeyRotationStatus",
                "GetPublicKey",
                "ListGrants",
                "ReEncrypt",
                "RetireGrant",
                "RevokeGrant",
                "Sign",
                "Verify",
                "VerifyMac",
            ]
        );
    }

    #[test]
    fn dry_runs_and_encryption_contexts_are_those_of_section_2() {
        assert_eq!(
            names(|operation| operation.dry_run),
            [
                "CreateGrant",
                "Decapsulate",
                "Decrypt",
                "DeriveSharedSecret",
                "Encapsulate",
                "Encrypt",
                "GenerateDataKey",
                "GenerateDataKeyPair",
                "GenerateDataKeyPairWithoutPlaintext",
                "GenerateDataKeyWithoutPlaintext",
                "GenerateMac",
                "ReEncrypt",
                "RetireGrant",
                "RevokeGrant",
                "Sign",
                "Verify",
                "VerifyMac",
            ]
        );
        assert_eq!(
            names(|operation| operation.has_condition_key("kms:encryptioncontextkeys")),
            [
                "CreateGrant",
                "Decrypt",
                "Encrypt",
                "GenerateDataKey",
                "GenerateDataKeyPair",
                "GenerateDataKeyPairWithoutPlaintext",
                "GenerateDataKeyWithoutPlaintext",
                "ReEncrypt",
                "RetireGrant",
            ]
        );
    }
}
