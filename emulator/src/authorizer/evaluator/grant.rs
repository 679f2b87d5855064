//! Grants of the form: whom they match, which constraints hold (`svc:§4`). The effect of a matching grant is
//! decided with the policies, in `decide`.

use std::collections::BTreeMap;

use serde::Deserialize;

use super::EvaluatorRequest;
use crate::authorizer::principal::{
    MatchKinds, PrincipalEntry, Reading, is_session_of_same_role, principal_kinds, same_service,
};
use crate::authorizer::{Caller, ContextValue, GranteeMatch, Settings};
use crate::fault::Fault;

/// A live grant on the key of the request.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct EvaluatorGrant {
    /// ARN, account id, unique id or service principal.
    pub grantee_principal: String,
    /// GrantOperation names.
    pub operations: Vec<String>,
    /// What must hold beside.
    #[serde(default)]
    pub constraints: Option<GrantConstraints>,
}

/// Constraints of a grant (`svc:G-10`, `svc:G-13`).
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct GrantConstraints {
    /// The request's encryption context has exactly these pairs.
    #[serde(default)]
    pub encryption_context_equals: Option<BTreeMap<String, String>>,
    /// The request's encryption context has at least these pairs.
    #[serde(default)]
    pub encryption_context_subset: Option<BTreeMap<String, String>>,
    /// When a service calls, `aws:SourceArn` is this.
    #[serde(default)]
    pub source_arn: Option<String>,
}

/// The most favourable grant that allows the request (`svc:K-20`, `svc:G-24`).
pub(super) fn best_match(
    grants: &[EvaluatorGrant],
    request: &EvaluatorRequest,
    settings: &Settings,
) -> Option<GranteeMatch> {
    grants
        .iter()
        .filter(|_| !settings.faults.contains(Fault::GrantsInert))
        .filter(|grant| grant.has_operation(request) || settings.faults.contains(Fault::GrantOperationIgnored))
        .filter(|grant| grant.constraints_hold(request, settings))
        .filter_map(|grant| grant.grantee_match(&request.caller, settings))
        .min_by_key(|how| match how {
            GranteeMatch::User | GranteeMatch::Session | GranteeMatch::Service => 0,
            GranteeMatch::Role => 1,
            GranteeMatch::Account => 2,
        })
}

/// Permissions whose request has an encryption context (`svc:G-12`).
const WITH_ENCRYPTION_CONTEXT: &[&str] = &[
    "kms:Encrypt",
    "kms:Decrypt",
    "kms:ReEncryptFrom",
    "kms:ReEncryptTo",
    "kms:GenerateDataKey",
    "kms:GenerateDataKeyWithoutPlaintext",
    "kms:GenerateDataKeyPair",
    "kms:GenerateDataKeyPairWithoutPlaintext",
];

impl EvaluatorGrant {
    fn has_operation(&self, request: &EvaluatorRequest) -> bool {
        let Some((_, name)) = request.action.split_once(':') else {
            return false;
        };
        self.operations
            .iter()
            .any(|operation| operation.eq_ignore_ascii_case(name))
    }

    /// `svc:G-14`: the forms a grantee has are forms a policy's principal has, but for `*`.
    fn grantee_match(&self, caller: &Caller, settings: &Settings) -> Option<GranteeMatch> {
        let reading = Reading::plain(settings);
        if let Caller::Service { name } = caller {
            // `svc:G-3`: the Regional name stands for the service too.
            let same = same_service(name, &self.grantee_principal);
            return same.then_some(GranteeMatch::Service);
        }
        let entry = PrincipalEntry::read("AWS", &self.grantee_principal, None)?;
        if entry == PrincipalEntry::EveryAwsPrincipal {
            return None;
        }
        if settings.faults.contains(Fault::SessionNameIgnoredInGrantee) && is_session_of_role(&entry, caller) {
            return Some(GranteeMatch::Session);
        }
        let kinds = principal_kinds(std::slice::from_ref(&entry), caller, &reading);
        if kinds.intersects(MatchKinds::CALLER) {
            return Some(match caller {
                Caller::RoleSession { .. } | Caller::FederatedUser { .. } => GranteeMatch::Session,
                _ => GranteeMatch::User,
            });
        }
        if kinds.intersects(MatchKinds::PARENT) {
            let missed = matches!(caller, Caller::RoleSession { .. })
                && settings.faults.contains(Fault::RoleGranteeMissesSessions);
            return (!missed).then_some(GranteeMatch::Role);
        }
        kinds.intersects(MatchKinds::ACCOUNT).then_some(GranteeMatch::Account)
    }

    fn constraints_hold(&self, request: &EvaluatorRequest, settings: &Settings) -> bool {
        let Some(constraints) = &self.constraints else {
            return true;
        };
        let source_counts = !settings.faults.contains(Fault::GrantSourceIgnored);
        (!source_counts || constraints.source_holds(request)) && constraints.encryption_context_holds(request, settings)
    }
}

impl GrantConstraints {
    /// `svc:G-13`: looked at only when a service calls, and never for RetireGrant.
    fn source_holds(&self, request: &EvaluatorRequest) -> bool {
        let (Some(expected), Caller::Service { .. }) = (&self.source_arn, &request.caller) else {
            return true;
        };
        let source = request.context.get_lower("aws:sourcearn");
        request.is_action("kms:RetireGrant")
            || matches!(source, Some(ContextValue::Single(source)) if source.as_str() == expected)
    }

    /// `svc:G-10`, `svc:G-12`.
    fn encryption_context_holds(&self, request: &EvaluatorRequest, settings: &Settings) -> bool {
        let faults = settings.faults;
        let applies = WITH_ENCRYPTION_CONTEXT.iter().any(|action| request.is_action(action))
            || (request.is_action("kms:DescribeKey") && faults.contains(Fault::GrantConstraintOnDescribeKey));
        if !applies || faults.contains(Fault::GrantConstraintIgnored) {
            return true;
        }
        let context = &request.encryption_context;
        let insensitive = settings.quirks.grant_constraint_key_case_insensitive;
        let exact = self.encryption_context_equals.as_ref().is_none_or(|pairs| {
            (pairs.len() == context.len() || faults.contains(Fault::GrantEqualsAsSubset))
                && has_all(context, pairs, insensitive)
        });
        let subset = self.encryption_context_subset.as_ref().is_none_or(|pairs| {
            (pairs.len() == context.len() || !faults.contains(Fault::GrantSubsetAsEquals))
                && has_all(context, pairs, insensitive)
        });
        exact && subset
    }
}

/// Names by case or not (`svc:G-10a`), values always by case.
fn has_all(context: &BTreeMap<String, String>, pairs: &BTreeMap<String, String>, insensitive: bool) -> bool {
    pairs.iter().all(|(name, value)| {
        context.iter().any(|(have, of)| {
            of == value && (have == name || (insensitive && have.to_lowercase() == name.to_lowercase()))
        })
    })
}

/// Whether entry and caller are sessions of the same role, whatever their names.
fn is_session_of_role(entry: &PrincipalEntry, caller: &Caller) -> bool {
    match (entry, caller) {
        (PrincipalEntry::Session(wanted), Caller::RoleSession { arn, .. }) => is_session_of_same_role(wanted, arn),
        _ => false,
    }
}
