//! The operation table of KMS for other eyes: what each operation asks and accepts, as plain words. Nothing here decides anything; it is
//! read from the table that does.

use super::operation_table::OPERATIONS;
use super::operations::{Identifiers, On, Operation};

/// One operation as the emulator reads the API pages.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OperationView {
    /// API name.
    pub name: &'static str,
    /// Permissions and what each is about: `key`, `alias`, `role` or `*`.
    pub permissions: Vec<(&'static str, &'static str)>,
    /// Works on keys of other accounts (svc:K-8).
    pub cross_account: bool,
    /// Takes alias names and alias ARNs beside key ids and key ARNs (svc:K-10).
    pub takes_alias: bool,
    /// Key usages it suits; empty: any (svc:K-24).
    pub usages: &'static [&'static str],
    /// Condition keys that its requests can have, in lower case; families end with their separator (svc:C-1 … C-13).
    pub condition_keys: Vec<&'static str>,
    /// Condition keys that the key it is about can have (svc:C-2).
    pub resource_condition_keys: &'static [&'static str],
    /// Takes DryRun (svc:K-26).
    pub dry_run: bool,
    /// The trail's `readOnly` (svc:T-6).
    pub read_only: bool,
}

/// Condition keys of every request.
const CALLER_KEYS: &[&str] = &["kms:calleraccount", "kms:viaservice"];
/// Condition keys of a key.
const KEY_KEYS: &[&str] = &[
    "aws:resourcetag/",
    "kms:keyorigin",
    "kms:keyspec",
    "kms:keyusage",
    "kms:multiregion",
    "kms:multiregionkeytype",
    "kms:resourcealiases",
];

/// Every operation, by name.
#[must_use]
pub fn operations() -> Vec<OperationView> {
    OPERATIONS.iter().map(view).collect()
}

fn view(operation: &Operation) -> OperationView {
    let about_key = operation.states.is_some();
    let mut condition_keys: Vec<&'static str> = [CALLER_KEYS, operation.condition_keys].concat();
    if operation.has_condition_key("kms:encryptioncontextkeys") {
        condition_keys.push("kms:encryptioncontext:");
    }
    condition_keys.sort_unstable();
    OperationView {
        name: operation.name,
        permissions: operation
            .permissions
            .iter()
            .map(|(action, on)| (*action, word(*on)))
            .collect(),
        cross_account: operation.cross_account,
        takes_alias: operation.identifiers == Identifiers::KeyOrAlias,
        usages: operation.usages,
        condition_keys,
        resource_condition_keys: if about_key { KEY_KEYS } else { &[] },
        dry_run: operation.dry_run,
        read_only: operation.read_only,
    }
}

fn word(on: On) -> &'static str {
    match on {
        On::Key => "key",
        On::Alias => "alias",
        On::Any => "*",
        On::Role => "role",
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::authorizer::Context;
    use crate::kms::authorize::spec_keys;

    #[test]
    fn the_keys_of_a_key_are_those_that_it_gets() {
        let mut context = Context::new();
        spec_keys(
            "SYMMETRIC_DEFAULT",
            "ENCRYPT_DECRYPT",
            "AWS_KMS",
            Some("PRIMARY"),
            &mut context,
        );
        let mut seen: Vec<&str> = context.iter().map(|(key, _)| key).collect();
        // The names of before 2021 still work and stand in no page.
        seen.retain(|key| !key.contains("customermasterkey"));
        seen.extend(["aws:resourcetag/", "kms:resourcealiases"]);
        seen.sort_unstable();
        assert_eq!(seen, KEY_KEYS);
    }

    #[test]
    fn every_operation_is_shown() {
        let shown = operations();
        assert_eq!(shown.len(), OPERATIONS.len());
        let decrypt = shown
            .iter()
            .find(|row| row.name == "Decrypt")
            .expect("it is an operation");
        assert_eq!(decrypt.permissions, [("kms:Decrypt", "key")]);
        assert!(decrypt.cross_account && decrypt.takes_alias && decrypt.dry_run && decrypt.read_only);
        assert!(decrypt.condition_keys.contains(&"kms:encryptioncontext:"));
        let lists = shown
            .iter()
            .find(|row| row.name == "ListKeys")
            .expect("it is an operation");
        assert!(lists.resource_condition_keys.is_empty());
    }
}
