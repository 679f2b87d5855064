//! The one place that services ask "may this caller do this?": gathers every policy and context key of a pair
//! (action, resource) and hands them to the authorizer. It decides nothing by itself.

mod misreading;

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::sync::Arc;

use thiserror::Error;

use crate::authorizer::{
    self, AccessRequest, AllowedBy, AttachedPolicy, Context, Denial, EndpointPolicy, EvaluationError, GranteeMatch,
    MatchKinds, Policy, PolicySets, Relation, ResourcePolicyMode, Settings, Verdict, known,
};
use crate::fault::Fault;
use crate::identity::{Caller, Principal, Session, Via};
use crate::names::{AccountId, Region};
use crate::state::State;

/// The address of callers when nothing else is given (contract).
const DEFAULT_SOURCE_IP: &str = "127.0.0.1";

/// One pair to authorize. Start from [`Question::new`] and set what the pair has.
#[derive(Debug)]
pub struct Question<'a> {
    /// Who calls.
    pub caller: &'a Caller,
    /// Directly or through a service.
    pub via: &'a Via,
    /// `service:Action` in AWS's spelling.
    pub action: &'a str,
    /// Region of the endpoint: aws:RequestedRegion.
    pub region: &'a Region,
    /// ARN of the resource; `*` when the action has none.
    pub resource: &'a str,
    /// The account that owns the resource; `None` = the caller's.
    pub resource_account: Option<&'a AccountId>,
    /// What the resource policy means.
    pub mode: ResourcePolicyMode,
    /// Bucket policy, key policy, trust policy.
    pub resource_policy: Option<&'a Arc<Policy>>,
    /// False when Allows of the resource policy do not cover the object (svc:S-4).
    pub resource_allows_count: bool,
    /// Block Public Access takes from outsiders what a public bucket policy gives, and AWS tells that as a Deny of the resource's
    /// policy (svc:S-6; user guide, troubleshoot-403-errors).
    pub cut_off: bool,
    /// ACL grants that match (iam:§10).
    pub resource_side: MatchKinds,
    /// Tags of the resource (aws:ResourceTag/…); `None` where the service does not support the key.
    pub resource_tags: Option<&'a BTreeMap<String, String>>,
    /// Keys only the service knows (`s3:…`, `kms:…`, aws:RequestTag/…, aws:TagKeys). Global keys are added here.
    pub context: Context,
    /// A live, matching grant (svc:K-20); KMS only.
    pub grant: Option<GranteeMatch>,
}

impl<'a> Question<'a> {
    /// A pair without resource, resource policy or service keys.
    #[must_use]
    pub fn new(caller: &'a Caller, via: &'a Via, action: &'a str, region: &'a Region) -> Self {
        Self {
            caller,
            via,
            action,
            region,
            resource: "*",
            resource_account: None,
            mode: ResourcePolicyMode::Optional,
            resource_policy: None,
            resource_allows_count: true,
            cut_off: false,
            resource_side: MatchKinds::NONE,
            resource_tags: None,
            context: Context::new(),
            grant: None,
        }
    }
}

/// Why a pair is not allowed.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum Refusal {
    /// Denied; `message` is AWS's text for the service of the action.
    #[error("{message}")]
    Denied {
        /// Who is to blame.
        denial: Denial,
        /// Text of the error message.
        message: String,
    },
    /// A stored policy cannot be read (iam:L-99): an internal failure of the service.
    #[error("{0}")]
    Unusable(EvaluationError),
}

impl Refusal {
    /// The text for an AccessDenied answer; an unusable policy has no text to tell.
    #[must_use]
    pub fn message(&self) -> String {
        self.to_string()
    }
}

/// Decides one pair.
///
/// # Errors
/// [`Refusal`] when the pair is denied or a policy is unusable.
pub fn check(state: &State, mut question: Question<'_>) -> Result<AllowedBy, Refusal> {
    let settings = settings(state);
    let caller = authorizer_caller(&question.caller.principal);
    let sets = policy_sets(state, &question);
    let context = full_context(state, &mut question);
    let request = AccessRequest {
        caller: &caller,
        action: question.action,
        resource: question.resource,
        resource_account: question.resource_account,
        mode: question.mode,
        context: &context,
    };
    match authorizer::authorize(&request, &sets, &settings) {
        Verdict::Allow(by) => Ok(by),
        Verdict::Deny(mut denial) => {
            if question.cut_off && !denial.explicit {
                denial.explicit = true;
                denial.blamed = authorizer::PolicyType::Resource;
            }
            let relation = relation(state, question.caller.account(), question.resource_account);
            let message = denial.message(&request, relation, &settings);
            Err(Refusal::Denied { denial, message })
        }
        Verdict::Error(error) => Err(Refusal::Unusable(error)),
    }
}

/// The authorizer's settings of the current case.
#[must_use]
pub fn settings(state: &State) -> Settings {
    Settings {
        quirks: state.case.quirks,
        faults: state.case.faults,
        as_of: state.as_of(),
    }
}

/// The caller as the authorizer and principal matching see it.
#[must_use]
pub fn authorizer_caller(principal: &Principal) -> authorizer::Caller {
    match principal {
        Principal::User { account, user_id, .. } => authorizer::Caller::User {
            account: account.clone(),
            arn: principal.arn(),
            unique_id: user_id.clone(),
        },
        Principal::Root { account } => authorizer::Caller::Root {
            account: account.clone(),
            partition: "aws".to_owned(),
            assumed: false,
        },
        Principal::RoleSession {
            account,
            role_id,
            role_path,
            ..
        } => authorizer::Caller::RoleSession {
            account: account.clone(),
            arn: principal.arn(),
            role_arn: principal.principal_arn().unwrap_or_default(),
            role_path_known: true,
            role_unique_id: role_id.clone(),
            service_linked: role_path.starts_with("/aws-service-role/"),
        },
        Principal::FederatedUser { account, parent, .. } => authorizer::Caller::FederatedUser {
            account: account.clone(),
            arn: principal.arn(),
            parent_user: match parent.as_ref() {
                Principal::User { user_id, .. } => Some((parent.arn(), user_id.clone())),
                _ => None,
            },
        },
        Principal::Service { name, .. } => authorizer::Caller::Service { name: name.clone() },
        Principal::Anonymous => authorizer::Caller::Anonymous,
    }
}

/// How close the caller is to the owner (svc:S-36).
#[must_use]
pub fn relation(state: &State, caller: Option<&AccountId>, owner: Option<&AccountId>) -> Relation {
    let Some(caller) = caller else {
        return Relation::Stranger;
    };
    let Some(owner) = owner else {
        return Relation::SameAccount;
    };
    if caller == owner {
        return Relation::SameAccount;
    }
    match &state.case.organization {
        Some(organization) if organization.contains(caller) && organization.contains(owner) => {
            Relation::SameOrganization
        }
        _ => Relation::Stranger,
    }
}

fn policy_sets(state: &State, question: &Question<'_>) -> PolicySets {
    let caller = question.caller;
    let (identity, boundary) = identity_side(state, &caller.principal);
    let owner = question.resource_account.or(caller.account());
    let organization = state.case.organization.as_deref();
    PolicySets {
        identity,
        boundary,
        session: session_policies(state, caller),
        service_control: match (organization, caller.account()) {
            (Some(organization), Some(_)) if state.case.faults.contains(Fault::ServiceControlOfOwner) => owner
                .map(|owner| organization.service_control_levels(owner))
                .unwrap_or_default(),
            (Some(organization), Some(account)) if state.case.faults.contains(Fault::ServiceControlBindsManagement) => {
                organization.service_control_levels_of_anybody(account)
            }
            (Some(organization), Some(account)) => organization.service_control_levels(account),
            _ => Vec::new(),
        },
        resource_control: match (organization, owner) {
            (Some(organization), Some(account)) => organization.resource_control_levels(account),
            _ => Vec::new(),
        },
        endpoint: endpoint_policy(state, question),
        resource: question.resource_policy.cloned(),
        resource_allows_count: question.resource_allows_count,
        resource_side: question.resource_side,
        grant: question.grant,
    }
}

/// Identity policies and permissions boundary (iam:L-02): the user's with its groups', the role's for its
/// sessions, the parent user's for federated users; root and services have none. Changes are seen late (svc:K-28).
fn identity_side(state: &State, principal: &Principal) -> (Vec<AttachedPolicy>, Option<AttachedPolicy>) {
    let Some(account) = principal.account().and_then(|id| state.iam.account(id)) else {
        return (Vec::new(), None);
    };
    let now = state.now();
    match principal {
        Principal::User { name, user_id, .. } => match account.users.get(name) {
            Some(user) if user.user_id == *user_id => {
                let mut policies = state.iam.policies_of(&user.policies, now);
                let groups_count = !state.case.faults.contains(Fault::GroupPoliciesIgnored);
                for group in user
                    .groups
                    .iter()
                    .filter_map(|name| account.groups.get(name))
                    .filter(|_| groups_count)
                {
                    policies.extend(state.iam.policies_of(&group.policies, now));
                }
                (policies, state.iam.boundary(&user.permissions_boundary, now))
            }
            _ => (Vec::new(), None),
        },
        Principal::RoleSession { role_name, role_id, .. } => match account.roles.get(role_name) {
            Some(role) if role.role_id == *role_id => (
                state.iam.policies_of(&role.policies, now),
                state.iam.boundary(&role.permissions_boundary, now),
            ),
            _ => (Vec::new(), None),
        },
        Principal::FederatedUser { parent, .. } => identity_side(state, parent),
        Principal::Root { .. } | Principal::Service { .. } | Principal::Anonymous => (Vec::new(), None),
    }
}

/// Session policies; `None` when the session was made without any (iam:L-77).
fn session_policies(state: &State, caller: &Caller) -> Option<Vec<AttachedPolicy>> {
    let session = caller.session.as_deref()?;
    let managed_count = !state.case.faults.contains(Fault::ManagedSessionPoliciesIgnored);
    if session.inline_policy.is_none() && (session.managed_policy_arns.is_empty() || !managed_count) {
        return None;
    }
    let now = state.now();
    let inline = session.inline_policy.iter().cloned().map(AttachedPolicy::inline);
    let managed = session
        .managed_policy_arns
        .iter()
        .filter(|_| managed_count)
        .filter_map(|arn| state.iam.managed_policy(arn, now));
    Some(inline.chain(managed).collect())
}

/// The endpoint policy of a direct call to the endpoint's own service (iam:L-90, iam:L-92).
fn endpoint_policy(state: &State, question: &Question<'_>) -> Option<EndpointPolicy> {
    if *question.via != Via::Direct {
        return None;
    }
    let endpoint = state
        .case
        .vpc_endpoints
        .get(question.caller.arrival.vpc_endpoint.as_deref()?)?;
    let (service, _) = question.action.split_once(':')?;
    if service != endpoint.service {
        return None;
    }
    let policy = endpoint.policy.clone()?;
    Some(EndpointPolicy {
        policy,
        gateway: endpoint.gateway,
    })
}

/// The question's own keys, taken out of it, and the global ones.
fn full_context(state: &State, question: &mut Question<'_>) -> Context {
    let mut context = std::mem::take(&mut question.context);
    principal_keys(state, question.caller, question.region, &mut context);
    session_keys(state, question, &mut context);
    network_keys(state, question, &mut context);
    resource_keys(state, question, &mut context);
    service_keys(state, question, &mut context);
    request_keys(state, question, &mut context);
    if !state.case.faults.is_empty() {
        misreading::tell_wrongly(state, question, &mut context);
    }
    context
}

/// iam:K-01 … iam:K-11.
fn principal_keys(state: &State, caller: &Caller, region: &Region, context: &mut Context) {
    let principal = &caller.principal;
    if let Some(arn) = principal.principal_arn() {
        context.set(known!("aws:principalarn"), arn);
    }
    if let Some(user_id) = principal.user_id() {
        context.set(known!("aws:userid"), user_id);
    }
    let principal_type = match principal {
        Principal::User { name, .. } => {
            context.set(known!("aws:username"), name.clone());
            Some("User")
        }
        Principal::Root { .. } => Some("Account"),
        Principal::RoleSession { .. } => Some("AssumedRole"),
        Principal::FederatedUser { .. } => Some("FederatedUser"),
        Principal::Anonymous => {
            context.set_fixed(known!("aws:principalaccount"), "anonymous");
            Some("Anonymous")
        }
        Principal::Service {
            name, source_account, ..
        } => {
            context.set_bool(known!("aws:principalisawsservice"), true);
            context.set(known!("aws:principalservicename"), name.clone());
            context.set_many(known!("aws:principalservicenameslist"), service_names(name, region));
            if state.case.faults.contains(Fault::ServicePrincipalHasPrincipalArn) {
                let account = source_account.as_ref().map_or("000000000000", AccountId::as_str);
                context.set(
                    known!("aws:principalarn"),
                    format!("arn:aws:iam::{account}:role/aws-service-role/{name}"),
                );
            }
            None
        }
    };
    if let Some(name) = principal_type {
        context.set_fixed(known!("aws:principaltype"), name);
    }
    if let Some(account) = principal.account() {
        context.set(known!("aws:principalaccount"), account);
        context.set_bool(known!("aws:principalisawsservice"), false);
        if let Some(organization) = &state.case.organization
            && let Some(path) = organization.path(account)
        {
            context.set(known!("aws:principalorgid"), organization.id());
            context.set_many(known!("aws:principalorgpaths"), vec![path.to_owned()]);
        }
    }
    for (key, value) in principal_tags(state, principal, caller.session.as_deref()) {
        context.add_member("aws:PrincipalTag/", &key, value);
    }
}

/// The plain and the Regional name of a service principal (iam:K-08).
fn service_names(name: &str, region: &Region) -> Vec<String> {
    match name.strip_suffix(".amazonaws.com") {
        Some(service) if !service.contains('.') => {
            vec![format!("{service}.{region}.amazonaws.com"), name.to_owned()]
        }
        _ => vec![name.to_owned()],
    }
}

/// Tags of the user or role, overlaid by session tags ignoring case (iam:K-91).
#[must_use]
pub fn principal_tags(state: &State, principal: &Principal, session: Option<&Session>) -> BTreeMap<String, String> {
    let own = |principal: &Principal| -> BTreeMap<String, String> {
        let Some(account) = principal.account().and_then(|id| state.iam.account(id)) else {
            return BTreeMap::new();
        };
        match principal {
            Principal::User { name, .. } => account
                .users
                .get(name)
                .map(|user| user.tags.clone())
                .unwrap_or_default(),
            Principal::RoleSession { role_name, .. } => account
                .roles
                .get(role_name)
                .map(|role| role.tags.clone())
                .unwrap_or_default(),
            _ => BTreeMap::new(),
        }
    };
    let mut tags = match principal {
        Principal::FederatedUser { parent, .. } => own(parent),
        other => own(other),
    };
    if let Some(session) = session {
        tags.retain(|key, _| !session.tags.keys().any(|name| name.eq_ignore_ascii_case(key)));
        tags.extend(session.tags.clone());
    }
    tags
}

/// iam:K-20 … iam:K-24.
fn session_keys(state: &State, question: &Question<'_>, context: &mut Context) {
    let caller = question.caller;
    let forwarded = matches!(question.via, Via::Forwarded { .. });
    let Some(session) = caller.session.as_deref() else {
        // Long-term user keys show MFA as absent on a direct call and as false on a forwarded one (iam:K-21).
        if forwarded && matches!(caller.principal, Principal::User { .. }) {
            context.set_bool(known!("aws:multifactorauthpresent"), false);
        }
        return;
    };
    context.set(known!("aws:tokenissuetime"), second(session.issued_at));
    if session.mfa_known {
        context.set_bool(
            known!("aws:multifactorauthpresent"),
            session.mfa_authenticated_at.is_some(),
        );
    }
    if let Some(at) = session.mfa_authenticated_at {
        let age = state.now().as_second().saturating_sub(at.as_second()).max(0);
        context.set(known!("aws:multifactorauthage"), age.to_string());
    }
    if let Some(identity) = &session.source_identity {
        context.set(known!("aws:sourceidentity"), identity.clone());
    }
}

/// iam:K-40 … iam:K-46; on forwarded calls the VPC keys are gone (iam:L-96).
fn network_keys(state: &State, question: &Question<'_>, context: &mut Context) {
    let caller = question.caller;
    if matches!(caller.principal, Principal::Service { .. }) {
        return;
    }
    let endpoint = caller
        .arrival
        .vpc_endpoint
        .as_deref()
        .and_then(|name| state.case.vpc_endpoints.get(name));
    let forwarded = matches!(question.via, Via::Forwarded { .. });
    let source_ip = caller.arrival.source_ip.as_deref();
    if matches!(question.via, Via::LambdaRuntime { .. }) && source_ip.is_none() {
        // The runtime calls from inside Lambda, not from where the invoker is: nobody's address is known (svc:L-4).
        return;
    }
    match endpoint {
        None if forwarded && !state.case.quirks.forwarded_call_keeps_source_ip => {}
        None => match source_ip {
            Some(ip) => context.set(known!("aws:sourceip"), ip),
            None => context.set_fixed(known!("aws:sourceip"), DEFAULT_SOURCE_IP),
        },
        Some(_) if forwarded => {}
        Some(endpoint) => {
            context.set(known!("aws:sourcevpce"), endpoint.id.clone());
            context.set(known!("aws:sourcevpc"), endpoint.vpc.clone());
            let arn = format!(
                "arn:aws:ec2:{}:{}:vpc/{}",
                question.region, endpoint.account, endpoint.vpc
            );
            context.set(known!("aws:sourcevpcarn"), arn);
            context.set(known!("aws:vpceaccount"), &endpoint.account);
            if let Some(organization) = &state.case.organization
                && let Some(path) = organization.path(&endpoint.account)
            {
                context.set(known!("aws:vpceorgid"), organization.id());
                context.set_many(known!("aws:vpceorgpaths"), vec![path.to_owned()]);
            }
            if let Some(ip) = source_ip {
                context.set(known!("aws:vpcsourceip"), ip);
            }
        }
    }
}

/// iam:K-50 … iam:K-53.
fn resource_keys(state: &State, question: &Question<'_>, context: &mut Context) {
    if let Some(account) = question.resource_account.or(question.caller.account()) {
        // The service knows better where a part of the resource is somebody else's.
        if context.get_lower("aws:resourceaccount").is_none() {
            context.set(known!("aws:resourceaccount"), account);
        }
        if let Some(organization) = &state.case.organization
            && let Some(path) = organization.path(account)
        {
            context.set(known!("aws:resourceorgid"), organization.id());
            context.set_many(known!("aws:resourceorgpaths"), vec![path.to_owned()]);
        }
    }
    for (key, value) in question.resource_tags.into_iter().flatten() {
        context.add_member("aws:ResourceTag/", key, value.clone());
    }
}

/// iam:K-60 … iam:K-62, iam:K-80 … iam:K-83.
fn service_keys(state: &State, question: &Question<'_>, context: &mut Context) {
    let forwarded_by = match question.via {
        Via::Forwarded { service, .. } => Some(*service),
        Via::Direct | Via::LambdaRuntime { .. } => None,
    };
    context.set_bool(known!("aws:viaawsservice"), forwarded_by.is_some());
    // S3 and Lambda are not on AWS's list of services that fill the key (errata svc:Q-5).
    if let Some(service @ ("s3" | "lambda")) = forwarded_by
        && state.case.quirks.called_via_on_s3_and_lambda
    {
        let name = format!("{service}.amazonaws.com");
        context.set_many(known!("aws:calledvia"), vec![name.clone()]);
        context.set(known!("aws:calledviafirst"), name.clone());
        context.set(known!("aws:calledvialast"), name);
    }
    if let Principal::Service {
        source_arn,
        source_account,
        ..
    } = &question.caller.principal
    {
        if let Some(arn) = source_arn {
            context.set(known!("aws:sourcearn"), arn.clone());
        }
        if let Some(account) = source_account {
            context.set(known!("aws:sourceaccount"), account);
            if let Some(organization) = &state.case.organization
                && let Some(path) = organization.path(account)
            {
                context.set(known!("aws:sourceorgid"), organization.id());
                context.set_many(known!("aws:sourceorgpaths"), vec![path.to_owned()]);
            }
        }
    }
}

/// iam:K-64 … iam:K-69.
fn request_keys(state: &State, question: &Question<'_>, context: &mut Context) {
    let now = state.now();
    context.set(known!("aws:currenttime"), second(now));
    context.set(known!("aws:epochtime"), now.as_second().to_string());
    context.set_bool(known!("aws:securetransport"), true);
    context.set(known!("aws:requestedregion"), question.region);
    if matches!(question.caller.principal, Principal::Service { .. }) {
        // What else is known of a service's own request nobody says (iam:OQ-12).
        return;
    }
    if let Some(agent) = &question.caller.arrival.user_agent {
        context.set(known!("aws:useragent"), agent.clone());
    }
    // A browser followed a link to the service that was asked, to no other (iam:K-69).
    if *question.via == Via::Direct
        && let Some(referer) = &question.caller.arrival.referer
    {
        context.set(known!("aws:referer"), referer.clone());
    }
}

/// An instant as the policy language writes it, to the second.
fn second(instant: jiff::Timestamp) -> String {
    // Room for the whole text at once: every question is told the time.
    let mut text = String::with_capacity(24);
    let whole = jiff::Timestamp::from_second(instant.as_second()).unwrap_or(instant);
    write!(text, "{whole}").expect("writing to a String does not fail");
    text
}

#[cfg(test)]
mod tests;
