//! Grants of an evaluator case: which of them matches a request (`svc:G-10`…`G-14`, `svc:G-24`). What it is then worth is decided in
//! `decide`.

use std::collections::BTreeMap;

use crate::case::{EvaluatorGrant, EvaluatorGrantConstraints};
use crate::context::{Context, ContextValue};
use crate::evaluate::{Caller, GrantFact, GranteeKind};
use crate::name::Action;
use crate::policy::grantee_kind;
use crate::quirks::Quirks;

/// Operations whose requests carry an encryption context, and so are held to the constraint (`svc:G-12`).
const WITH_ENCRYPTION_CONTEXT: &[&str] = &[
    "Decrypt",
    "Encrypt",
    "GenerateDataKey",
    "GenerateDataKeyPair",
    "GenerateDataKeyPairWithoutPlaintext",
    "GenerateDataKeyWithoutPlaintext",
    "ReEncryptFrom",
    "ReEncryptTo",
];

/// The most useful grant that matches; grants never combine (`svc:G-24`).
pub(super) fn matching<'a>(
    grants: &'a [EvaluatorGrant],
    caller: &Caller,
    action: &Action,
    resource: &str,
    context: &Context,
    quirks: &Quirks,
) -> Option<GrantFact<'a>> {
    // A grant is on a key (svc:G-1): it says nothing of aliases, nor of requests without a key.
    if !super::is_key(resource) || !action.service().eq_ignore_ascii_case("kms") {
        return None;
    }
    grants
        .iter()
        .filter(|grant| {
            grant
                .operations
                .iter()
                .any(|operation| operation.eq_ignore_ascii_case(action.operation()))
        })
        .filter(|grant| constraints_hold(&grant.constraints, caller, action.operation(), context, quirks))
        .filter_map(|grant| {
            let grantee = grantee_kind(caller, &grant.grantee_principal, quirks)?;
            Some(GrantFact {
                grantee,
                name: &grant.grantee_principal,
            })
        })
        .min_by_key(|fact| match fact.grantee {
            GranteeKind::User | GranteeKind::Session | GranteeKind::Service => 0,
            GranteeKind::Role => 1,
            GranteeKind::Account => 2,
        })
}

fn constraints_hold(
    constraints: &EvaluatorGrantConstraints,
    caller: &Caller,
    operation: &str,
    context: &Context,
    quirks: &Quirks,
) -> bool {
    let source_holds = constraints.source_arn.as_ref().is_none_or(|wanted| {
        // Only calls of services are held to it, and retiring is not (svc:G-13).
        !matches!(caller, Caller::Service { .. })
            || operation.eq_ignore_ascii_case("RetireGrant")
            || context.text("aws:SourceArn") == Some(wanted)
    });
    if !source_holds
        || !WITH_ENCRYPTION_CONTEXT
            .iter()
            .any(|known| known.eq_ignore_ascii_case(operation))
    {
        return source_holds;
    }
    let given = context.family("kms:EncryptionContext:");
    let pairs: Vec<(&str, &str)> = given
        .filter_map(|(name, value)| match value {
            ContextValue::One(text) => Some((name, text.as_str())),
            _ => None,
        })
        .collect();
    let contains = |wanted: &BTreeMap<String, String>| {
        wanted.iter().all(|(key, value)| {
            pairs
                .iter()
                .any(|(name, text)| same_key(name, key, quirks) && text == value)
        })
    };
    let equals_holds = constraints
        .encryption_context_equals
        .as_ref()
        .is_none_or(|wanted| contains(wanted) && wanted.len() == pairs.len());
    let subset_holds = constraints.encryption_context_subset.as_ref().is_none_or(contains);
    equals_holds && subset_holds
}

/// Constraint keys compare without case by the API reference, exactly by the guide (`svc:Q-1`).
fn same_key(left: &str, right: &str, quirks: &Quirks) -> bool {
    if quirks.grant_constraint_key_case_insensitive {
        left.eq_ignore_ascii_case(right)
    } else {
        left == right
    }
}
