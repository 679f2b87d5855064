//! What KMS never lets anybody do, whatever the policies allow (`svc:K-9`, `svc:K-30`). A Deny is looked for first (`iam:L-10`).

use super::input::{PolicySets, Request, ResourcePolicy};

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
    let operation = request.action.operation().to_ascii_lowercase();
    is_of_kms(request)
        && is_foreign
        && matches!(sets.resource, ResourcePolicy::Key(_))
        && !CROSS_ACCOUNT_KEY_ACTIONS.contains(&operation.as_str())
}

/// Whether it would change an alias that is AWS's own (`svc:K-30`).
pub(super) fn changes_reserved_alias(request: &Request<'_>) -> bool {
    let name = request.resource.splitn(6, ':').nth(5).unwrap_or("");
    let operation = request.action.operation().to_ascii_lowercase();
    is_of_kms(request)
        && name.starts_with("alias/aws/")
        && matches!(operation.as_str(), "createalias" | "updatealias" | "deletealias")
}

fn is_of_kms(request: &Request<'_>) -> bool {
    request.action.service().eq_ignore_ascii_case("kms")
}
