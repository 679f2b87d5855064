//! Who is blamed when nothing allows (`iam:§6R`). Whether anything does is `decide`'s, the words are `verdict`'s.

use super::decide::{Evaluation, resource_type};
use super::findings::Findings;
use super::principal::MatchKinds;
use super::request::{GranteeMatch, ResourcePolicyMode};
use super::verdict::{Denial, PolicyType, PolicyTypeSet};
use crate::fault::Fault;

impl Evaluation<'_> {
    /// `iam:R-07`, `iam:R-08`, `svc:X-2`: the first closed gate of the documented flow.
    pub(super) fn implicit_denial(&self, findings: &Findings<'_>, grant: Option<GranteeMatch>) -> Denial {
        // A grant names the caller as a key policy would: its role or its account.
        let kinds = findings.kinds
            | match grant {
                Some(GranteeMatch::Role) => MatchKinds::PARENT,
                Some(GranteeMatch::Account) => MatchKinds::ACCOUNT,
                _ => MatchKinds::NONE,
            };
        let blamed = match findings.closed_limit() {
            // The grant is enough but for the boundary or the session policies (`svc:Q-3`), also across accounts.
            Some(limit)
                if grant.is_some_and(|grant| self.grant_stands_in_for_identity(grant))
                    && findings.service_control_ok
                    && findings.endpoint_ok =>
            {
                limit
            }
            _ if self.settings.faults.contains(Fault::BlamesIdentityAlways) => PolicyType::Identity,
            _ => self.blame(findings, kinds),
        };
        let mut all = self.failing(findings, kinds);
        all.insert(blamed);
        Denial {
            explicit: false,
            blamed,
            all,
            policy_arn: None,
            delegated: self.is_key_policy() && blamed == PolicyType::Identity && kinds.intersects(MatchKinds::ACCOUNT),
        }
    }

    fn blame(&self, findings: &Findings<'_>, kinds: MatchKinds) -> PolicyType {
        if !findings.service_control_ok {
            return PolicyType::ServiceControl;
        }
        if !findings.endpoint_ok {
            return PolicyType::VpcEndpoint;
        }
        let resource = resource_type(self.request.mode);
        if !self.request.caller.has_identity_side() {
            return resource;
        }
        let cross_account = self.is_cross_account();
        let limit = findings.closed_limit();
        if !cross_account
            && kinds.intersects(MatchKinds::CALLER | MatchKinds::PARENT | MatchKinds::WILD)
            && let Some(limit) = limit
        {
            // Named, and only the boundary or the session policies stand in the way.
            return limit;
        }
        if kinds.is_empty() && self.resource_side_needed() {
            return if findings.identity_ok || self.silence_blames_resource() {
                resource
            } else {
                PolicyType::Identity
            };
        }
        if !findings.identity_ok {
            return PolicyType::Identity;
        }
        limit.unwrap_or(resource)
    }

    /// Whether the pair needs the resource side at all.
    fn resource_side_needed(&self) -> bool {
        self.is_cross_account() || self.request.mode != ResourcePolicyMode::Optional
    }

    /// Who is blamed when neither side says anything (errata `iam:R-08`).
    fn silence_blames_resource(&self) -> bool {
        let quirks = &self.settings.quirks;
        if self.is_key_policy() {
            quirks.kms_both_sides_silent_blames_key_policy
        } else {
            self.is_cross_account() && quirks.both_sides_silent_blames_resource
        }
    }

    /// Every set that fails to allow, for tests that accept any of them (`iam:A-07`).
    fn failing(&self, findings: &Findings<'_>, kinds: MatchKinds) -> PolicyTypeSet {
        let has_identity_side = self.request.caller.has_identity_side();
        let resource_needed = !has_identity_side || self.resource_side_needed();
        [
            (PolicyType::ServiceControl, !findings.service_control_ok),
            (PolicyType::VpcEndpoint, !findings.endpoint_ok),
            (PolicyType::PermissionsBoundary, !findings.boundary_ok),
            (PolicyType::Session, !findings.session_ok),
            (PolicyType::Identity, has_identity_side && !findings.identity_ok),
            (resource_type(self.request.mode), resource_needed && kinds.is_empty()),
        ]
        .into_iter()
        .filter_map(|(policy_type, fails)| fails.then_some(policy_type))
        .collect()
    }
}
