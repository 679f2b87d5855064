//! The formulas: what grants a pair (`iam:L-40`…`L-49`, `svc:K-3`…`K-20`), once nothing denies it.

use super::Caller;
use super::facts::{Facts, GrantWorth};
use crate::quirks::Quirks;
use crate::rule::{RuleId, rule};

impl Facts {
    /// The rules by which something grants the pair; none if nothing does.
    pub(super) fn granted(&self, caller: &Caller, quirks: &Quirks) -> Option<Vec<RuleId>> {
        let mut rules = vec![self.formula(caller)];
        if self.grant == GrantWorth::Allows {
            rules.push(rule("svc:K-20"));
            return Some(rules);
        }
        if self.no_account {
            let granted = match caller {
                Caller::Anonymous => self.kinds.wild || self.acl,
                _ => self.kinds.caller || self.kinds.wild,
            };
            return granted.then_some(rules);
        }
        if !self.same_account {
            return self.granted_across_accounts(caller, rules);
        }
        let unlimited = self.boundary_ok && self.session_ok;
        if self.kinds.caller && !self.assume_role_limited {
            rules.push(named_rule(caller, self.is_key));
            return Some(rules);
        }
        if self.kinds.wild && !self.assume_role_limited && (unlimited || !quirks.star_limited_by_boundary_and_session) {
            rules.push(star_rule(caller, self.is_key));
            return Some(rules);
        }
        if self.acl && (unlimited || !quirks.star_limited_by_boundary_and_session) {
            // Inside the account only public ACLs are asked, and those are for everybody, signed or not, as the star is.
            rules.extend([rule("svc:S-1"), rule("svc:S-5")]);
            return Some(rules);
        }
        if self.kinds.parent && (unlimited || !quirks.role_arn_limited_by_boundary_and_session) {
            rules.push(parent_rule(caller, self.is_key));
            return Some(rules);
        }
        if self.ident() && (!self.mandatory || self.kinds.account) {
            rules.push(rule("iam:L-13"));
            match caller {
                Caller::Root { .. } => rules.push(if self.is_key {
                    rule("svc:K-4a")
                } else {
                    rule("iam:L-60")
                }),
                _ if self.is_key => rules.push(rule("svc:K-4")),
                _ if self.kinds.account => rules.push(rule("iam:P-30")),
                _ => {}
            }
            return Some(rules);
        }
        None
    }

    /// Both sides must allow (`iam:L-42`); naming the caller does not replace its own side (`iam:L-43`).
    fn granted_across_accounts(&self, caller: &Caller, mut rules: Vec<RuleId>) -> Option<Vec<RuleId>> {
        if !self.ident() || !(self.kinds.any() || self.acl) {
            return None;
        }
        if matches!(caller, Caller::Root { .. }) {
            rules.push(rule("iam:L-45"));
        }
        if self.is_key {
            rules.push(rule("svc:K-7"));
        }
        Some(rules)
    }

    /// The formula that combines the sides for this caller and resource.
    pub(super) fn formula(&self, caller: &Caller) -> RuleId {
        match caller {
            Caller::Service { .. } => rule("iam:L-46"),
            Caller::Anonymous => rule("iam:L-47"),
            Caller::Federated { .. } => rule("iam:L-75"),
            _ if !self.same_account => rule("iam:L-42"),
            _ if self.mandatory => rule("iam:L-41"),
            _ => rule("iam:L-40"),
        }
    }
}

/// The row of `iam:6.3` for a caller that is named itself.
pub(super) fn named_rule(caller: &Caller, is_key: bool) -> RuleId {
    match caller {
        _ if is_key => rule("svc:K-3"),
        Caller::User(_) => rule("iam:L-20"),
        Caller::RoleSession(_) => rule("iam:L-21"),
        Caller::FederatedUser(_) => rule("iam:L-25"),
        _ => rule("iam:L-28"),
    }
}

/// The row for `Principal: "*"`.
pub(super) fn star_rule(caller: &Caller, is_key: bool) -> RuleId {
    match caller {
        _ if is_key => rule("svc:K-12"),
        Caller::User(_) => rule("iam:L-24"),
        Caller::Root { .. } => rule("iam:L-28"),
        _ => rule("iam:L-23"),
    }
}

/// The row for a caller whose role or user is named.
pub(super) fn parent_rule(caller: &Caller, is_key: bool) -> RuleId {
    match caller {
        _ if is_key => rule("svc:K-3a"),
        Caller::FederatedUser(_) => rule("iam:L-26"),
        _ => rule("iam:L-22"),
    }
}
