//! What KMS never lets anybody do, whatever the policies allow (`svc:K-9`, `svc:K-30`). A Deny is looked for first (`iam:L-10`).

use super::input::{PolicySets, Request, ResourcePolicy};
use crate::name::arn_fields;

/// Key operations that work on a key of another account (`svc:K-8`), as permissions.
const CROSS_ACCOUNT_KEY_ACTIONS: &[&str] = &[
    "creategrant",
    "decapsulate",
    "decrypt",
    "derivesharedsecret",
    "describekey",
    "encapsulate",
    "encrypt",
    "generatedatakey",
    "generatedatakeypair",
    "generatedatakeypairwithoutplaintext",
    "generatedatakeywithoutplaintext",
    "generatemac",
    "getkeyrotationstatus",
    "getpublickey",
    "listgrants",
    "reencryptfrom",
    "reencryptto",
    "retiregrant",
    "revokegrant",
    "sign",
    "verify",
    "verifymac",
];

/// Whether it is an operation on a key of another account that does not work across accounts (`svc:K-9`).
pub(super) fn is_foreign_key_operation(request: &Request<'_>, sets: &PolicySets<'_>) -> bool {
    let accounts = (request.caller.account(), request.resource_account);
    let is_foreign = matches!(accounts, (Some(own), Some(owner)) if own != owner);
    is_foreign
        && is_of_kms(request)
        && matches!(sets.resource, ResourcePolicy::Key(_))
        && !is_one_of(request, CROSS_ACCOUNT_KEY_ACTIONS)
}

/// Whether it would change an alias that is AWS's own (`svc:K-30`).
pub(super) fn changes_reserved_alias(request: &Request<'_>) -> bool {
    is_of_kms(request)
        && is_one_of(request, &["createalias", "updatealias", "deletealias"])
        && arn_fields(request.resource).is_some_and(|fields| fields[5].starts_with("alias/aws/"))
}

/// Whether the action is one of these, given in lower case.
fn is_one_of(request: &Request<'_>, operations: &[&str]) -> bool {
    let operation = request.action.operation();
    operations.iter().any(|one| one.eq_ignore_ascii_case(operation))
}

fn is_of_kms(request: &Request<'_>) -> bool {
    request.action.service().eq_ignore_ascii_case("kms")
}
