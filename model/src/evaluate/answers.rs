//! What every policy set says about a request: which sets apply at all (`iam:L-02`), and their answers. Nothing is combined here.

use std::collections::BTreeSet;

use super::Caller;
use super::input::{PolicyRef, PolicySets, Request, ResourcePolicy};
use super::scan::{Answer, Trace, ask};
use crate::case::VpcEndpointKind;
use crate::name::Arn;
use crate::outcome::PolicySet;
use crate::policy::Question;
use crate::quirks::Quirks;

/// The answers of all sets that apply; `None` where a set does not.
#[derive(Debug)]
pub(super) struct Answers<'a> {
    pub(super) service_control: Option<Vec<Answer<'a>>>,
    pub(super) resource_control: Option<Vec<Answer<'a>>>,
    pub(super) vpc_endpoint: Option<Answer<'a>>,
    pub(super) resource: Option<Answer<'a>>,
    pub(super) identity: Option<Answer<'a>>,
    pub(super) permissions_boundary: Option<Answer<'a>>,
    pub(super) session: Option<Vec<Answer<'a>>>,
}

/// Services whose resources RCPs bind (`iam:L-02`). AWS adds to the list; what the specification names is here.
const RESOURCE_CONTROL_SERVICES: &[&str] = &["dynamodb", "ecr", "kms", "logs", "s3", "secretsmanager", "sqs", "sts"];

impl<'a> Answers<'a> {
    /// Asks every set that applies. Without a trace nobody wants to know which rules mattered.
    pub(super) fn gather(
        request: &Request<'_>,
        sets: &PolicySets<'a>,
        quirks: &Quirks,
        mut trace: Option<&mut Trace>,
    ) -> Self {
        let caller = request.caller;
        let boundary = sets.permissions_boundary.filter(|_| can_have_boundary(caller));
        let mut question = Question::new(request, boundary.is_some(), quirks, trace.is_some());
        let mut ask_all = |set, policies: &[PolicyRef<'a>], question: &Question<'_>| {
            ask(set, policies.iter().copied(), question, trace.as_deref_mut())
        };
        let binds = service_control_binds(caller) && !sets.service_control.is_empty();
        let service_control = binds.then(|| {
            let levels = sets.service_control.iter();
            levels
                .map(|level| ask_all(PolicySet::ServiceControl, level, &question))
                .collect()
        });
        let binds = resource_control_binds(request, quirks) && !sets.resource_control.is_empty();
        let resource_control = binds.then(|| {
            let levels = sets.resource_control.iter();
            levels
                .map(|level| ask_all(PolicySet::ResourceControl, level, &question))
                .collect()
        });
        let resource_set = resource_set(&sets.resource);
        let resource = sets
            .resource
            .policy()
            .map(|policy| ask_all(resource_set, &[policy], &question));
        let identity = has_identity_policies(caller).then(|| ask_all(PolicySet::Identity, &sets.identity, &question));
        let permissions_boundary = boundary.map(|policy| ask_all(PolicySet::PermissionsBoundary, &[policy], &question));
        let session = sets
            .session
            .as_ref()
            .filter(|_| can_have_session_policies(caller))
            .map(|policies| {
                policies
                    .iter()
                    .map(|policy| ask_all(PolicySet::Session, &[*policy], &question))
                    .collect()
            });
        // Service principals do not come through endpoints (iam:L-46).
        let endpoint = sets.vpc_endpoint.filter(|_| !matches!(caller, Caller::Service { .. }));
        question.at_gateway = endpoint.is_some_and(|endpoint| endpoint.kind == VpcEndpointKind::Gateway);
        let vpc_endpoint = endpoint
            .and_then(|endpoint| endpoint.policy)
            .map(|policy| ask_all(PolicySet::VpcEndpoint, &[policy], &question));
        Self {
            service_control,
            resource_control,
            vpc_endpoint,
            resource,
            identity,
            permissions_boundary,
            session,
        }
    }

    /// The sets that deny explicitly (`iam:L-10`).
    pub(super) fn denying(&self, sets: &PolicySets<'_>) -> BTreeSet<PolicySet> {
        let any = |answers: &Option<Vec<Answer<'_>>>| answers.iter().flatten().any(|answer| answer.denies);
        let one = |answer: &Option<Answer<'_>>| answer.as_ref().is_some_and(|answer| answer.denies);
        [
            (any(&self.service_control), PolicySet::ServiceControl),
            (any(&self.resource_control), PolicySet::ResourceControl),
            (one(&self.vpc_endpoint), PolicySet::VpcEndpoint),
            (one(&self.permissions_boundary), PolicySet::PermissionsBoundary),
            (any(&self.session), PolicySet::Session),
            (one(&self.identity), PolicySet::Identity),
            (one(&self.resource), resource_set(&sets.resource)),
        ]
        .into_iter()
        .filter_map(|(denies, set)| denies.then_some(set))
        .collect()
    }

    /// The ARN of the policy of a set that denies first, for `iam:R-03`.
    pub(super) fn denying_policy(&self, set: Option<PolicySet>) -> Option<&'a Arn> {
        let among = |answers: &Option<Vec<Answer<'a>>>| {
            answers
                .iter()
                .flatten()
                .find(|answer| answer.denies)
                .and_then(|answer| answer.denying_policy)
        };
        match set? {
            PolicySet::ServiceControl => among(&self.service_control),
            PolicySet::ResourceControl => among(&self.resource_control),
            PolicySet::Session => among(&self.session),
            PolicySet::Identity => self.identity.as_ref()?.denying_policy,
            PolicySet::PermissionsBoundary => self.permissions_boundary.as_ref()?.denying_policy,
            // Resource policies and endpoint policies are never named by ARN (iam:R-04).
            _ => None,
        }
    }
}

/// Resource policies of roles are blamed under a name of their own (`iam:R-02`).
pub(super) fn resource_set(resource: &ResourcePolicy<'_>) -> PolicySet {
    if matches!(resource, ResourcePolicy::Trust(_)) {
        PolicySet::Trust
    } else {
        PolicySet::Resource
    }
}

/// Users, roles and federated users have identity policies; an AssumeRoot session has its task policy (`iam:L-02`).
fn has_identity_policies(caller: &Caller) -> bool {
    matches!(
        caller,
        Caller::User(_) | Caller::RoleSession(_) | Caller::FederatedUser(_) | Caller::Root { assumed: true, .. }
    )
}

/// Users and roles can have a boundary, which binds their sessions too; root and service-linked roles cannot (`iam:L-02`, `iam:L-48`).
fn can_have_boundary(caller: &Caller) -> bool {
    match caller {
        Caller::User(_) | Caller::FederatedUser(_) => true,
        Caller::RoleSession(session) => !session.service_linked,
        _ => false,
    }
}

/// Only sessions of roles and federated users can have session policies (`iam:L-76`).
fn can_have_session_policies(caller: &Caller) -> bool {
    matches!(caller, Caller::RoleSession(_) | Caller::FederatedUser(_))
}

/// SCPs bind the principals of member accounts, root included; never service-linked roles (`iam:L-02`, `iam:L-48`).
fn service_control_binds(caller: &Caller) -> bool {
    match caller {
        Caller::User(_) | Caller::FederatedUser(_) | Caller::Root { .. } => true,
        Caller::RoleSession(session) => !session.service_linked,
        Caller::Service { .. } | Caller::Federated { .. } | Caller::Anonymous => false,
    }
}

/// RCPs bind access to resources of some services, whoever asks; never service-linked roles, `kms:RetireGrant`, or requests that name
/// no resource (`iam:L-02`, `iam:L-48`, `iam:A-05`).
fn resource_control_binds(request: &Request<'_>, quirks: &Quirks) -> bool {
    let service = request.action.service();
    let covered = RESOURCE_CONTROL_SERVICES
        .iter()
        .any(|known| known.eq_ignore_ascii_case(service));
    let names_resource =
        !matches!(request.resource, "*" | "arn:aws:s3:::*") || quirks.rcp_covers_requests_without_resource;
    let excepted =
        request.action.as_str().eq_ignore_ascii_case("kms:RetireGrant") || request.caller.is_service_linked();
    covered && names_resource && !excepted
}
