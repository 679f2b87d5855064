//! What active faults make of the condition keys of a request: keys that are hidden, keys that should not be there.
//! The right keys are `access`'s; nothing here runs unless a fault is active.

use super::{Question, principal_tags};
use crate::authorizer::{Context, known};
use crate::fault::Fault;
use crate::identity::{Principal, Via};
use crate::state::State;

/// Keys that a fault hides. A name that ends with a colon or slash stands for all keys that begin so.
const HIDDEN: &[(Fault, &str)] = &[
    (Fault::ViaServiceAbsent, "kms:viaservice"),
    (Fault::CallerAccountAbsent, "kms:calleraccount"),
    (Fault::ResourceAliasesAbsent, "kms:resourcealiases"),
    (Fault::GrantOperationsAbsent, "kms:grantoperations"),
    (Fault::EncryptionContextAbsent, "kms:encryptioncontext:"),
    (Fault::EncryptionContextKeysAbsent, "kms:encryptioncontextkeys"),
    (Fault::CopySourceKeyAbsent, "s3:x-amz-copy-source"),
    (Fault::ListPrefixAbsent, "s3:prefix"),
    (Fault::VersionIdAbsent, "s3:versionid"),
    (Fault::EncryptionHeaderAbsent, "s3:x-amz-server-side-encryption"),
    (Fault::ExistingObjectTagsAbsent, "s3:existingobjecttag/"),
    (Fault::SourceIpAbsent, "aws:sourceip"),
    (Fault::PrincipalTagsAbsent, "aws:principaltag/"),
    (Fault::PrincipalTypeAbsent, "aws:principaltype"),
    (Fault::ResourceTagsAbsent, "aws:resourcetag/"),
];

/// Changes the context as the active faults have it.
#[cold]
pub(super) fn tell_wrongly(state: &State, question: &Question<'_>, context: &mut Context) {
    let faults = state.case.faults;
    for (_, name) in HIDDEN.iter().filter(|(fault, _)| faults.contains(*fault)) {
        hide(name, context);
    }
    let principal = &question.caller.principal;
    let forwarded = matches!(question.via, Via::Forwarded { .. });
    if faults.contains(Fault::RootHasNoPrincipalArn) && matches!(principal, Principal::Root { .. }) {
        context.remove("aws:principalarn");
    }
    if faults.contains(Fault::LongTermKeysTellMfa)
        && matches!(principal, Principal::User { .. })
        && question.caller.session.is_none()
    {
        context.set_bool(known!("aws:multifactorauthpresent"), false);
    }
    if faults.contains(Fault::SourceAccountOnDirectCalls)
        && let Some(account) = principal.account()
    {
        context.set(known!("aws:sourceaccount"), account.as_str());
    }
    if faults.contains(Fault::ForwardedCallKeepsVpc)
        && forwarded
        && let Some(endpoint) = question.caller.arrival.vpc_endpoint.as_deref()
        && let Some(endpoint) = state.case.vpc_endpoints.get(endpoint)
    {
        context.set(known!("aws:sourcevpce"), endpoint.id.clone());
        context.set(known!("aws:sourcevpc"), endpoint.vpc.clone());
    }
    if faults.contains(Fault::OwnTagsBeatSessionTags) {
        for (key, value) in principal_tags(state, principal, None) {
            hide(&format!("aws:principaltag/{}", key.to_lowercase()), context);
            context.add_member("aws:PrincipalTag/", &key, value);
        }
    }
    if faults.contains(Fault::EveryGrantForAwsResource) && context.get("kms:grantisforawsresource").is_some() {
        context.set_bool(known!("kms:grantisforawsresource"), true);
    }
}

fn hide(name: &str, context: &mut Context) {
    let family = name.ends_with([':', '/']);
    let doomed: Vec<String> = context
        .iter()
        .map(|(key, _)| key)
        .filter(|key| *key == name || (family && key.starts_with(name)))
        .map(str::to_owned)
        .collect();
    for key in doomed {
        context.remove(&key);
    }
}
