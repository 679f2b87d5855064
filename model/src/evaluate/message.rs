//! The text of a denial (`iam:R-01`…`R-04`, `svc:X-1`). Services may shorten or replace it; that is theirs to do.

use jiff::civil::{Date, date};

use super::blame::REASONS_SINCE;
use super::input::Request;
use crate::name::Arn;
use crate::outcome::{CheckDecision, PolicySet};

/// From this day S3 names the denying policy by ARN (`iam:R-03`).
const S3_NAMES_POLICIES_SINCE: Date = date(2026, 8, 13);

/// `User: … is not authorized to perform: … on resource: … because …`, as worded on the request's date.
///
/// `denying_policy` is the ARN of the policy that denies, if it has one.
pub fn denial_message(
    request: &Request<'_>,
    decision: CheckDecision,
    blamed: Option<PolicySet>,
    denying_policy: Option<&Arn>,
) -> String {
    let caller = request.caller.message_name();
    let action = request.action;
    let is_s3 = action.service().eq_ignore_ascii_case("s3");
    // S3 quotes the ARN, KMS does not; S3 names none where there is none (svc:X-1, iam:R-01, iam:R-09).
    let resource = match (is_s3, request.resource) {
        (true, "*" | "arn:aws:s3:::*") => String::new(),
        (true, arn) => format!(" on resource: \"{arn}\""),
        (false, arn) => format!(" on resource: {arn}"),
    };
    let mut text = format!("User: {caller} is not authorized to perform: {action}{resource}");
    let Some(blamed) = blamed else { return text };
    match decision {
        CheckDecision::ExplicitDeny => {
            text.push_str(" with an explicit deny in ");
            text.push_str(article_and_type(blamed));
            if let Some(arn) = denying_policy
                .filter(|_| is_s3 && request.as_of >= S3_NAMES_POLICIES_SINCE && knows_each_other(request))
            {
                text.push_str(&format!(": {arn}"));
            }
        }
        // Before that day the sentence stopped at the resource (svc:X-3).
        CheckDecision::ImplicitDeny if request.as_of >= REASONS_SINCE => {
            text.push_str(&format!(
                " because no {} allows the {action} action",
                type_words(blamed)
            ));
        }
        CheckDecision::ImplicitDeny | CheckDecision::Allow => {}
    }
    text
}

/// Caller and resource belong to the same account or the same organization.
fn knows_each_other(request: &Request<'_>) -> bool {
    let same_account = request
        .resource_account
        .is_none_or(|owner| request.caller.account() == Some(owner));
    let organization = |key| request.context.text(key);
    same_account || organization("aws:PrincipalOrgID").is_some_and(|own| organization("aws:ResourceOrgID") == Some(own))
}

/// The type behind `because no`.
fn type_words(set: PolicySet) -> &'static str {
    match set {
        PolicySet::Identity => "identity-based policy",
        PolicySet::Trust => "role trust policy",
        PolicySet::PermissionsBoundary => "permissions boundary",
        PolicySet::Session => "session policy",
        PolicySet::ServiceControl => "service control policy",
        PolicySet::ResourceControl => "resource control policy",
        PolicySet::VpcEndpoint => "VPC endpoint policy",
        // Grants, ACLs and Block Public Access speak for the resource.
        PolicySet::Resource | PolicySet::Grant | PolicySet::PublicAccessBlock | PolicySet::Acl => {
            "resource-based policy"
        }
    }
}

/// The type behind `with an explicit deny in`.
fn article_and_type(set: PolicySet) -> &'static str {
    match set {
        PolicySet::Identity => "an identity-based policy",
        PolicySet::Trust => "the role trust policy",
        PolicySet::PermissionsBoundary => "a permissions boundary",
        PolicySet::Session => "a session policy",
        PolicySet::ServiceControl => "a service control policy",
        PolicySet::ResourceControl => "a resource control policy",
        PolicySet::VpcEndpoint => "a VPC endpoint policy",
        PolicySet::Resource | PolicySet::Grant | PolicySet::PublicAccessBlock | PolicySet::Acl => {
            "a resource-based policy"
        }
    }
}
