//! The decision: which sets apply to the caller, what each says, which gates must open (`iam:§6`, `svc:§1`). Who is
//! blamed is in `blame`, what was found in `findings`. Statement matching is in `statement`, `principal` and `condition`.

use super::Caller;
use super::asked::Asked;
use super::findings::{Findings, Scan};
use super::policy::Policy;
use super::principal::{
    MatchKinds, PrincipalEntry, Reading, allow_reaches_despite, deny_hits_despite, principal_kinds,
};
use super::request::{
    AccessRequest, AttachedPolicy, EndpointPolicy, GranteeMatch, PolicyLevel, PolicySets, ResourcePolicyMode, Settings,
};
use super::statement::{Effect, PrincipalClause, Statement};
use super::verdict::{AllowedBy, PolicyType, Verdict};
use crate::fault::Fault;

/// Decides one pair.
///
/// An explicit Deny in any applicable set wins (`iam:L-10`); SCPs, RCPs and the endpoint policy must let
/// the pair through whatever else says yes (`iam:L-11`, `iam:L-14`, `iam:L-30`); then the formulas of
/// `iam:§6.4` decide, with grants as one more source of Allow on KMS keys (`svc:K-20`).
///
/// Nothing is allocated unless a policy is unusable.
pub fn authorize(request: &AccessRequest<'_>, sets: &PolicySets, settings: &Settings) -> Verdict {
    let evaluation = Evaluation {
        request,
        settings,
        asked: Asked::of(request, settings),
    };
    let applicable = Applicable::select(request, sets, settings);
    let findings = evaluation.find(&applicable, sets);
    if evaluation.has(Fault::RootNeverDenied) && matches!(request.caller, Caller::Root { .. }) {
        return Verdict::Allow(AllowedBy::Policies);
    }
    let forgiving = evaluation.has(Fault::UnusablePolicyIgnored) || evaluation.has(Fault::UnreadablePartsSkipped);
    if !forgiving && let Some(error) = findings.evaluation_error() {
        return Verdict::Error(error);
    }
    if let Some(denial) = findings.explicit_denial(settings.faults) {
        return Verdict::Deny(denial);
    }
    let gates_open = findings.gates_open()
        || (evaluation.has(Fault::GrantEscapesServiceControl) && findings.endpoint_ok && sets.grant.is_some());
    if gates_open {
        if evaluation.policies_allow(&findings) {
            return Verdict::Allow(AllowedBy::Policies);
        }
        if sets
            .grant
            .is_some_and(|grant| evaluation.grant_allows(grant, &findings))
        {
            return Verdict::Allow(AllowedBy::Grant);
        }
    }
    Verdict::Deny(evaluation.implicit_denial(&findings, sets.grant))
}

/// The sets that apply to this caller and pair (`iam:L-02`).
struct Applicable<'a> {
    identity: &'a [AttachedPolicy],
    boundary: Option<&'a AttachedPolicy>,
    session: Option<&'a [AttachedPolicy]>,
    service_control: &'a [PolicyLevel],
    resource_control: &'a [PolicyLevel],
    endpoint: Option<&'a EndpointPolicy>,
    resource: Option<&'a Policy>,
}

impl<'a> Applicable<'a> {
    fn select(request: &AccessRequest<'_>, sets: &'a PolicySets, settings: &Settings) -> Self {
        let caller = request.caller;
        let has_policies = matches!(
            caller,
            Caller::User { .. }
                | Caller::RoleSession { .. }
                | Caller::FederatedUser {
                    parent_user: Some(_),
                    ..
                }
        );
        let is_session = matches!(caller, Caller::RoleSession { .. } | Caller::FederatedUser { .. });
        // `iam:L-48`: service-linked roles have no boundary and escape the organization's policies.
        let faults = settings.faults;
        let organization_binds = !caller.is_service_linked() || faults.contains(Fault::ServiceLinkedRoleBound);
        let boundary_binds = has_policies && !caller.is_service_linked() && !faults.contains(Fault::BoundarySkipped);
        let session_binds = is_session && !faults.contains(Fault::SessionPolicySkipped);
        Self {
            identity: if has_policies || matches!(caller, Caller::Root { assumed: true, .. }) {
                &sets.identity
            } else {
                &[]
            },
            boundary: sets.boundary.as_ref().filter(|_| boundary_binds),
            session: sets.session.as_deref().filter(|_| session_binds),
            service_control: if caller.has_identity_side()
                && organization_binds
                && !(faults.contains(Fault::ServiceControlSparesRoot) && matches!(caller, Caller::Root { .. }))
            {
                &sets.service_control
            } else {
                &[]
            },
            resource_control: if organization_binds
                && !faults.contains(Fault::ResourceControlSkipped)
                && resource_control_covers(request, settings)
            {
                &sets.resource_control
            } else {
                &[]
            },
            // `iam:L-46`: a service's own calls do not come through a customer's endpoint.
            endpoint: sets.endpoint.as_ref().filter(|_| {
                !matches!(caller, Caller::Service { .. }) && !faults.contains(Fault::EndpointPolicySkipped)
            }),
            resource: sets.resource.as_deref(),
        }
    }
}

/// Services whose resources RCPs protect (`iam:L-02`; the list is open, see errata).
const RESOURCE_CONTROL_SERVICES: &[&str] = &[
    "s3",
    "kms",
    "sts",
    "sqs",
    "secretsmanager",
    "dynamodb",
    "logs",
    "ecr",
    "aoss",
    "cognito-identity",
    "cognito-idp",
];

/// Whether RCPs reach the pair (`iam:A-05`).
fn resource_control_covers(request: &AccessRequest<'_>, settings: &Settings) -> bool {
    let Some((service, name)) = request.action.split_once(':') else {
        return false;
    };
    let spared = settings.faults.contains(Fault::ResourceControlSparesOwnAccount)
        && request.caller.account().is_some()
        && request.caller.account() == request.resource_account.or(request.caller.account());
    let exempt = spared
        || matches!(request.mode, ResourcePolicyMode::KeyPolicy { aws_managed: true })
        || (service.eq_ignore_ascii_case("kms") && name.eq_ignore_ascii_case("RetireGrant"));
    // `s3:ListAllMyBuckets` names `arn:aws:s3:::*` for matching only (`iam:OQ-14`).
    let has_resource = !matches!(request.resource, "*" | "arn:aws:s3:::*");
    RESOURCE_CONTROL_SERVICES
        .iter()
        .any(|covered| covered.eq_ignore_ascii_case(service))
        && !exempt
        && (has_resource || settings.quirks.rcp_covers_requests_without_resource)
}

pub(super) fn resource_type(mode: ResourcePolicyMode) -> PolicyType {
    match mode {
        ResourcePolicyMode::TrustPolicy => PolicyType::RoleTrust,
        ResourcePolicyMode::Optional | ResourcePolicyMode::KeyPolicy { .. } => PolicyType::Resource,
    }
}

pub(super) struct Evaluation<'a> {
    pub(super) request: &'a AccessRequest<'a>,
    pub(super) settings: &'a Settings,
    asked: Asked<'a>,
}

impl Evaluation<'_> {
    fn find<'p>(&self, applicable: &Applicable<'p>, sets: &PolicySets) -> Findings<'p> {
        let caller = self.request.caller;
        let faults = self.settings.faults;
        let reading = Reading {
            settings: self.settings,
            accounts_are_root_only: false,
            is_key_policy: self.is_key_policy(),
            denies: false,
            region_free_services: self.request.mode == ResourcePolicyMode::TrustPolicy
                || faults.contains(Fault::ServiceRegionIgnored),
            caller_has_boundary: applicable.boundary.is_some(),
        };
        let mut findings = Findings {
            service_control_ok: true,
            endpoint_ok: true,
            ..Findings::default()
        };

        for level in applicable.service_control {
            let allowed = self.any_allows(&level.policies, PolicyType::ServiceControl, &reading, &mut findings);
            // `iam:L-03`: every level must allow.
            let earlier = findings.service_control_ok || faults.contains(Fault::ServiceControlLastLevelOnly);
            findings.service_control_ok = earlier && allowed;
        }
        // `RCPFullAWSAccess` is always attached, so only Denies count (`iam:L-11`).
        for level in applicable.resource_control {
            self.any_allows(&level.policies, PolicyType::ResourceControl, &reading, &mut findings);
        }
        if let Some(endpoint) = applicable.endpoint {
            let reading = Reading {
                accounts_are_root_only: endpoint.gateway && !faults.contains(Fault::GatewayAccountMeansEverybody),
                ..reading
            };
            findings.note_unusable(PolicyType::VpcEndpoint, &endpoint.policy);
            let scan = self.scan(&endpoint.policy, &reading);
            findings.endpoint_ok = !scan.allows.is_empty();
            if scan.denies && !faults.contains(Fault::EndpointDenyIgnored) {
                findings.note_deny(PolicyType::VpcEndpoint, None);
            }
        }

        findings.boundary_ok = applicable.boundary.is_none_or(|boundary| {
            self.any_allows(
                std::slice::from_ref(boundary),
                PolicyType::PermissionsBoundary,
                &reading,
                &mut findings,
            )
        });
        findings.session_ok = self.session_ok(applicable.session, &reading, &mut findings);
        findings.identity_ok = self.identity_ok(applicable.identity, &reading, &mut findings)
            || (applicable.boundary.is_some() && findings.boundary_ok && faults.contains(Fault::BoundaryGrants))
            || (applicable.session.is_some() && findings.session_ok && faults.contains(Fault::SessionPolicyGrants))
            || (applicable.endpoint.is_some() && findings.endpoint_ok && faults.contains(Fault::EndpointPolicyGrants));
        if faults.contains(Fault::SessionPolicyOnlyDenies) {
            findings.session_ok = true;
        }

        if let Some(policy) = applicable.resource {
            findings.note_unusable(resource_type(self.request.mode), policy);
            let scan = self.scan(policy, &reading);
            if sets.resource_allows_count {
                findings.kinds |= scan.allows;
            }
            let grant_wins =
                self.is_key_policy() && sets.grant.is_some() && faults.contains(Fault::KeyPolicyDenyIgnoredForGrants);
            if scan.denies && !grant_wins && !faults.contains(Fault::ResourceDenyIgnored) {
                findings.note_deny(resource_type(self.request.mode), None);
            }
        }
        findings.kinds |= sets.resource_side;
        let delegation_is_direct = faults.contains(Fault::DelegationAsDirectAllow)
            && self.is_key_policy()
            && caller.has_identity_side()
            && !self.is_cross_account();
        if delegation_is_direct && findings.kinds.intersects(MatchKinds::ACCOUNT) {
            findings.kinds |= MatchKinds::CALLER;
        }
        if self.asked.faulty {
            self.forget_wrongly(&mut findings, sets.grant);
        }
        findings
    }

    /// What active faults make of the findings as a whole.
    #[cold]
    fn forget_wrongly(&self, findings: &mut Findings<'_>, grant: Option<GranteeMatch>) {
        let direct = MatchKinds::CALLER | MatchKinds::PARENT | MatchKinds::WILD;
        let optional = self.request.mode == ResourcePolicyMode::Optional;
        if self.has(Fault::AccountPrincipalAsDirectAllow)
            && optional
            && !self.is_cross_account()
            && findings.kinds.intersects(MatchKinds::ACCOUNT)
        {
            findings.kinds |= MatchKinds::CALLER;
        }
        let named = findings.kinds.intersects(direct);
        let identity_deny_loses = (self.has(Fault::ResourceAllowBeatsIdentityDeny) && named)
            || (self.has(Fault::GrantBeatsIdentityDeny) && grant.is_some());
        if identity_deny_loses {
            findings.denies.remove(PolicyType::Identity);
        }
        findings.service_control_ok |= self.has(Fault::ServiceControlSparesResourceAllow) && named;
    }

    /// Whether a fault is active.
    pub(super) fn has(&self, fault: Fault) -> bool {
        self.asked.has(fault)
    }

    /// Identity policies; root is allowed everything by nature (`iam:L-60`), callers without account
    /// nothing. A federated user of root inherits from root.
    fn identity_ok<'p>(
        &self,
        policies: &'p [AttachedPolicy],
        reading: &Reading<'_>,
        findings: &mut Findings<'p>,
    ) -> bool {
        match self.request.caller {
            Caller::Root { .. } if self.settings.faults.contains(Fault::RootNeedsIdentityPolicy) => false,
            // The task policy of an `AssumeRoot` session (`iam:L-62`).
            Caller::Root { assumed: true, .. } if self.has(Fault::AssumedRootUnlimited) => true,
            Caller::Root { assumed: true, .. } => self.any_allows(policies, PolicyType::Identity, reading, findings),
            Caller::Root { .. } | Caller::FederatedUser { parent_user: None, .. } => true,
            Caller::Service { .. } | Caller::WebIdentity { .. } | Caller::Anonymous => false,
            Caller::User { .. } | Caller::RoleSession { .. } | Caller::FederatedUser { .. } => {
                self.any_allows(policies, PolicyType::Identity, reading, findings)
            }
        }
    }

    /// `iam:L-76`, `iam:L-77`: sessions without session policy pass, except federated users.
    fn session_ok<'p>(
        &self,
        policies: Option<&'p [AttachedPolicy]>,
        reading: &Reading<'_>,
        findings: &mut Findings<'p>,
    ) -> bool {
        let Some(policies) = policies else {
            let is_federated = matches!(self.request.caller, Caller::FederatedUser { .. });
            return !is_federated
                || self.settings.quirks.federated_user_default_session_policy
                || self.settings.faults.contains(Fault::SessionPolicySkipped)
                || self.settings.faults.contains(Fault::FederatedUserNeedsNoSessionPolicy);
        };
        if !self.settings.quirks.session_policies_intersect {
            return self.any_allows(policies, PolicyType::Session, reading, findings);
        }
        // A session whose policies are gone is limited to nothing, also where all of them must allow.
        let mut all = !policies.is_empty();
        for policy in policies {
            all &= self.any_allows(std::slice::from_ref(policy), PolicyType::Session, reading, findings);
        }
        all
    }

    /// Whether one of the policies allows; notes every Deny on the way (`iam:L-03`).
    fn any_allows<'p>(
        &self,
        policies: &'p [AttachedPolicy],
        policy_type: PolicyType,
        reading: &Reading<'_>,
        findings: &mut Findings<'p>,
    ) -> bool {
        let denies_count = !self.asked.faulty || !self.denies_are_ignored(policy_type);
        let mut allowed = false;
        for attached in policies {
            findings.note_unusable(policy_type, &attached.policy);
            let scan = self.scan(&attached.policy, reading);
            allowed |= !scan.allows.is_empty();
            if scan.denies && denies_count {
                findings.note_deny(policy_type, attached.arn.as_ref());
            }
        }
        allowed
    }

    /// Whether an active fault drops the Denies of such policies.
    #[cold]
    fn denies_are_ignored(&self, policy_type: PolicyType) -> bool {
        self.has(match policy_type {
            PolicyType::Identity => Fault::IdentityDenyIgnored,
            PolicyType::PermissionsBoundary => Fault::BoundaryDenyIgnored,
            PolicyType::Session => Fault::SessionDenyIgnored,
            PolicyType::ServiceControl => Fault::ServiceControlDenyIgnored,
            PolicyType::ResourceControl | PolicyType::VpcEndpoint | PolicyType::Resource | PolicyType::RoleTrust => {
                return false;
            }
        })
    }

    fn scan(&self, policy: &Policy, reading: &Reading<'_>) -> Scan {
        let mut scan = Scan::default();
        let statements = if self.has(Fault::UnreadablePartsSkipped) && policy.unusable().is_some() {
            policy.readable_statements()
        } else {
            policy.statements()
        };
        for statement in statements {
            if !self.pair_fits(statement) && !self.delegates_wrongly(statement) {
                continue;
            }
            let kinds = self.principal_fits(statement, reading);
            if kinds.is_empty() {
                continue;
            }
            if !self.conditions_hold(statement) {
                scan.denies |= self.has(Fault::FalseConditionDenies) && statement.effect == Effect::Allow;
                continue;
            }
            match statement.effect {
                Effect::Allow => scan.allows |= kinds,
                Effect::Deny => scan.denies = true,
            }
            if self.has(Fault::FirstAllowWins) && statement.effect == Effect::Allow && !scan.denies {
                return scan;
            }
        }
        scan
    }

    /// Whether the statement delegates actions that it does not name, under `delegation-ignores-action`.
    fn delegates_wrongly(&self, statement: &Statement) -> bool {
        self.has(Fault::DelegationIgnoresAction)
            && self.is_key_policy()
            && statement.effect == Effect::Allow
            && matches!(&statement.principals, PrincipalClause::Principal(entries)
                if entries.iter().all(|entry| matches!(entry, PrincipalEntry::Account { .. })))
    }

    fn pair_fits(&self, statement: &Statement) -> bool {
        statement.actions.matches(&self.asked) && statement.resources.matches(statement.effect, &self.asked)
    }

    fn principal_fits(&self, statement: &Statement, reading: &Reading<'_>) -> MatchKinds {
        let caller = self.request.caller;
        match (&statement.principals, statement.effect) {
            (PrincipalClause::Implied, _) => MatchKinds::WILD,
            (PrincipalClause::Principal(entries), Effect::Allow) => principal_kinds(entries, caller, reading),
            (PrincipalClause::Principal(entries), Effect::Deny) => principal_kinds(entries, caller, &reading.of_deny()),
            (PrincipalClause::NotPrincipal(entries), effect) => {
                let reached = match effect {
                    Effect::Allow => allow_reaches_despite(entries, caller, reading),
                    Effect::Deny => deny_hits_despite(entries, caller, reading),
                };
                if reached { MatchKinds::WILD } else { MatchKinds::NONE }
            }
        }
    }

    fn conditions_hold(&self, statement: &Statement) -> bool {
        if self.has(Fault::ConditionsIgnored) {
            return true;
        }
        if self.has(Fault::ConditionsJoinedByOr) && !statement.conditions.is_empty() {
            return statement
                .conditions
                .iter()
                .any(|condition| condition.holds(&self.asked));
        }
        statement
            .conditions
            .iter()
            .all(|condition| condition.holds(&self.asked))
    }

    pub(super) fn is_key_policy(&self) -> bool {
        matches!(self.request.mode, ResourcePolicyMode::KeyPolicy { .. })
    }

    pub(super) fn is_cross_account(&self) -> bool {
        match (self.request.caller.account(), self.request.resource_account) {
            (Some(own), Some(owner)) => own != owner,
            _ => false,
        }
    }

    /// The formulas of `iam:§6.4`, without the gates.
    fn policies_allow(&self, findings: &Findings<'_>) -> bool {
        let kinds = findings.kinds;
        match self.request.caller {
            Caller::Service { .. } | Caller::WebIdentity { .. } | Caller::Anonymous
                if self.has(Fault::CallerWithoutAccountAllowed) =>
            {
                true
            }
            // `iam:L-46`, `iam:L-75`.
            Caller::Service { .. } | Caller::WebIdentity { .. } => {
                kinds.intersects(MatchKinds::CALLER | MatchKinds::WILD)
            }
            // `iam:L-47`.
            Caller::Anonymous => kinds.intersects(MatchKinds::WILD),
            _ if self.is_cross_account() => self.cross_account_allows(findings),
            _ => self.same_account_allows(findings),
        }
    }

    /// `iam:L-40`, `iam:L-41` and the rows of `iam:§6.3`.
    fn same_account_allows(&self, findings: &Findings<'_>) -> bool {
        if let Some(allowed) = self.same_account_allows_wrongly(findings) {
            return allowed;
        }
        let quirks = &self.settings.quirks;
        let kinds = findings.kinds;
        let boundary_permits =
            !(self.naming_needs_boundary() || self.has(Fault::BoundaryLimitsNamedCaller)) || findings.boundary_ok;
        let session_permits = !self.has(Fault::SessionPolicyLimitsNamedSession) || findings.session_ok;
        let named = kinds.intersects(MatchKinds::CALLER) && boundary_permits && session_permits;
        let everyone = kinds.intersects(MatchKinds::WILD)
            && boundary_permits
            && (!quirks.star_limited_by_boundary_and_session || findings.limits_ok());
        // `iam:OQ-33` is about roles; a parent user is limited without dispute (`iam:L-26`).
        let parent_limited = (quirks.role_arn_limited_by_boundary_and_session
            || !matches!(self.request.caller, Caller::RoleSession { .. }))
            && !self.has(Fault::RolePrincipalEscapesLimits);
        let parent = kinds.intersects(MatchKinds::PARENT) && (!parent_limited || findings.limits_ok());
        let delegated = match self.request.mode {
            ResourcePolicyMode::Optional => true,
            ResourcePolicyMode::TrustPolicy if self.has(Fault::TrustPolicyOptional) => true,
            ResourcePolicyMode::KeyPolicy { .. } if self.has(Fault::KeyPolicyOptional) => true,
            ResourcePolicyMode::KeyPolicy { .. } | ResourcePolicyMode::TrustPolicy => {
                kinds.intersects(MatchKinds::ACCOUNT)
            }
        };
        named || everyone || parent || (delegated && findings.identity_ok && findings.limits_ok())
    }

    /// What faults that turn the whole formula around say; `None` where they leave it alone.
    fn same_account_allows_wrongly(&self, findings: &Findings<'_>) -> Option<bool> {
        if !self.asked.faulty {
            return None;
        }
        let optional = self.request.mode == ResourcePolicyMode::Optional;
        let is_session = matches!(self.request.caller, Caller::RoleSession { .. });
        if self.has(Fault::SessionNeedsNoAllow) && optional && is_session {
            return Some(true);
        }
        let identity_needed = (self.has(Fault::ResourceAllowNeedsIdentity) && optional)
            || (self.has(Fault::KeyPolicyAllowNeedsIdentity) && self.is_key_policy());
        (identity_needed && !findings.identity_ok).then_some(false)
    }

    /// `iam:L-72`: whoever a trust policy names still needs its boundary to allow the assumption itself; tags and
    /// source identity follow the general rule.
    fn naming_needs_boundary(&self) -> bool {
        self.request.mode == ResourcePolicyMode::TrustPolicy
            && self.settings.quirks.assume_role_needs_boundary
            && self.request.action.eq_ignore_ascii_case("sts:AssumeRole")
    }

    /// `iam:L-42`, `svc:K-7`: both sides must allow.
    fn cross_account_allows(&self, findings: &Findings<'_>) -> bool {
        let key_policy_suffices =
            self.is_key_policy() && self.settings.faults.contains(Fault::CrossAccountKeyPolicySuffices);
        let resource_side =
            !findings.kinds.is_empty() || self.settings.faults.contains(Fault::CrossAccountIdentitySuffices);
        let trust_suffices =
            self.has(Fault::TrustPolicySufficesAcrossAccounts) && self.request.mode == ResourcePolicyMode::TrustPolicy;
        resource_side && (key_policy_suffices || trust_suffices || (findings.identity_ok && findings.limits_ok()))
    }

    /// `svc:K-20`, `svc:G-20`, with the disputes `svc:Q-3` and `svc:Q-4`.
    fn grant_allows(&self, grant: GranteeMatch, findings: &Findings<'_>) -> bool {
        let quirks = &self.settings.quirks;
        if (self.has(Fault::ForeignGranteeNeedsIdentity) && self.is_cross_account() && !findings.identity_ok)
            || (self.has(Fault::GrantNeedsKeyPolicy) && findings.kinds.is_empty())
        {
            return false;
        }
        match grant {
            GranteeMatch::User | GranteeMatch::Session | GranteeMatch::Service => true,
            GranteeMatch::Role => !quirks.role_grant_limited_by_boundary_and_session || findings.limits_ok(),
            GranteeMatch::Account => {
                findings.limits_ok() && (findings.identity_ok || !quirks.account_grantee_needs_identity)
            }
        }
    }

    /// Whether only boundary and session are left to ask where such a grant matches (`svc:Q-3`, `svc:Q-4` in its other reading).
    pub(super) fn grant_stands_in_for_identity(&self, grant: GranteeMatch) -> bool {
        match grant {
            GranteeMatch::Role => true,
            GranteeMatch::Account => !self.settings.quirks.account_grantee_needs_identity,
            GranteeMatch::User | GranteeMatch::Session | GranteeMatch::Service => false,
        }
    }
}
