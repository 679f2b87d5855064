//! What was found about one pair, gate by gate, before anything is decided. The scanning itself and the decision are
//! `decide`'s.

use super::policy::{Policy, PolicyError};
use super::principal::MatchKinds;
use super::request::PolicyArn;
use super::verdict::{Denial, EvaluationError, PolicyType, PolicyTypeSet};
use crate::fault::{Fault, FaultSet};

/// What scanning one policy found.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Scan {
    pub(super) denies: bool,
    pub(super) allows: MatchKinds,
}

/// Everything that was found about a pair, gate by gate.
#[derive(Debug, Default)]
pub(super) struct Findings<'a> {
    /// `iam:E-22`, `iam:L-99`: one unreadable policy among the collected ones stops the evaluation.
    pub(super) unusable: Option<(PolicyType, &'a PolicyError)>,
    pub(super) denies: PolicyTypeSet,
    /// The first denying policy of each type, if it has an ARN; the place is that of the type in blame order.
    pub(super) denying_arns: [Option<&'a PolicyArn>; PolicyType::ALL.len()],
    pub(super) service_control_ok: bool,
    pub(super) endpoint_ok: bool,
    pub(super) identity_ok: bool,
    pub(super) boundary_ok: bool,
    pub(super) session_ok: bool,
    pub(super) kinds: MatchKinds,
}

impl<'a> Findings<'a> {
    pub(super) fn gates_open(&self) -> bool {
        self.service_control_ok && self.endpoint_ok
    }

    /// The permissions boundary and the session policies.
    pub(super) fn limits_ok(&self) -> bool {
        self.boundary_ok && self.session_ok
    }

    /// The boundary or the session policies, whichever is the first in the way (`iam:R-07`).
    pub(super) fn closed_limit(&self) -> Option<PolicyType> {
        if !self.boundary_ok {
            Some(PolicyType::PermissionsBoundary)
        } else if !self.session_ok {
            Some(PolicyType::Session)
        } else {
            None
        }
    }

    pub(super) fn note_deny(&mut self, policy_type: PolicyType, arn: Option<&'a PolicyArn>) {
        if !self.denies.contains(policy_type) {
            self.denies.insert(policy_type);
            self.denying_arns[policy_type as usize] = arn;
        }
    }

    pub(super) fn note_unusable(&mut self, policy_type: PolicyType, policy: &'a Policy) {
        if self.unusable.is_none() {
            self.unusable = policy.unusable().map(|error| (policy_type, error));
        }
    }

    pub(super) fn evaluation_error(&self) -> Option<EvaluationError> {
        let (policy_type, error) = self.unusable?;
        Some(EvaluationError {
            policy_type,
            reason: error.message.clone(),
        })
    }

    /// `iam:R-05`, `iam:R-06`: all denying types are kept, the first in canonical order is named.
    pub(super) fn explicit_denial(&self, faults: FaultSet) -> Option<Denial> {
        let mut denying = self.denies.iter();
        let blamed = if faults.contains(Fault::LastDenyBlamed) {
            denying.last()?
        } else {
            denying.next()?
        };
        Some(Denial {
            explicit: !faults.contains(Fault::ExplicitDenyToldAsImplicit),
            blamed,
            all: self.denies,
            policy_arn: self.denying_arns[blamed as usize].cloned(),
            delegated: false,
        })
    }
}
