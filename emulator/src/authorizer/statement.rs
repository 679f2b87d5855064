//! A compiled statement: read access for whoever looks at policies without evaluating them. No matching
//! here beyond the two clauses of patterns.

use super::asked::Asked;
use super::condition::Condition;
use super::pattern::{ActionPattern, ResourcePattern};
use super::principal::PrincipalEntry;
use crate::fault::Fault;
use crate::quirks::UnresolvedNotResource;

/// What an applicable statement does (`iam:G-32`).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Effect {
    /// It allows.
    Allow,
    /// It denies.
    Deny,
}

/// One statement of a policy.
#[derive(Clone, Debug)]
pub struct Statement {
    /// The Sid, if any; never influences matching (`iam:G-33`).
    pub sid: Option<String>,
    /// Allow or Deny.
    pub effect: Effect,
    /// Who is meant.
    pub principals: PrincipalClause,
    /// Which actions are meant.
    pub actions: ActionClause,
    /// Which resources are meant.
    pub resources: ResourceClause,
    /// The condition block: one entry per operator and key, all of which must hold (`iam:C-10`).
    pub conditions: Vec<Condition>,
    /// Byte offset of the statement in the policy text.
    pub offset: usize,
}

/// `Principal` or `NotPrincipal`.
#[derive(Clone, Debug)]
pub enum PrincipalClause {
    /// Neither: the policy is attached to whom it means (`iam:A-01`).
    Implied,
    /// `Principal`: any of these (`iam:P-13`).
    Principal(Vec<PrincipalEntry>),
    /// `NotPrincipal` (`iam:§2.4`).
    NotPrincipal(Vec<PrincipalEntry>),
}

/// `Action` or `NotAction`.
#[derive(Clone, Debug)]
pub enum ActionClause {
    /// Neither: a stored statement without effect (`svc:K-14`).
    Missing,
    /// `Action`: any of these.
    Action(Vec<ActionPattern>),
    /// `NotAction`: none of these.
    NotAction(Vec<ActionPattern>),
}

/// `Resource` or `NotResource`.
#[derive(Clone, Debug)]
pub enum ResourceClause {
    /// Neither, and it means the resource the policy is attached to (`iam:G-13`, trust policies).
    Attached,
    /// Neither, and the statement has no effect (`svc:K-14`).
    Inert,
    /// `Resource`: any of these.
    Resource(Vec<ResourcePattern>),
    /// `NotResource`: none of these.
    NotResource(Vec<ResourcePattern>),
}

impl ActionClause {
    /// `iam:M-01` to `iam:M-05`.
    #[inline]
    pub(crate) fn matches(&self, asked: &Asked<'_>) -> bool {
        match self {
            Self::Missing => false,
            Self::Action(patterns) => any_covers(patterns, asked),
            Self::NotAction(_) if asked.has(Fault::NotActionIgnored) => true,
            Self::NotAction(patterns) => match patterns.as_slice() {
                [] => asked.settings.quirks.empty_not_list_applies,
                [first, ..] if asked.has(Fault::NotActionFirstEntryOnly) => {
                    !any_covers(std::slice::from_ref(first), asked)
                }
                all => !any_covers(all, asked),
            },
        }
    }
}

#[inline]
fn any_covers(patterns: &[ActionPattern], asked: &Asked<'_>) -> bool {
    if asked.has(Fault::ActionPrefixSuffices) && patterns.iter().any(|pattern| pattern.begins(&asked.action)) {
        return true;
    }
    if asked.has(Fault::ActionCaseCounts) {
        return patterns.iter().any(|pattern| pattern.covers_in_case(&asked.action));
    }
    patterns.iter().any(|pattern| pattern.covers(&asked.action))
}

impl ResourceClause {
    /// `iam:M-20` to `iam:M-29`.
    #[inline]
    pub(crate) fn matches(&self, effect: Effect, asked: &Asked<'_>) -> bool {
        match self {
            Self::Attached => true,
            Self::Inert => asked.has(Fault::StatementWithoutResourceCounts),
            Self::Resource(patterns) => patterns.iter().any(|pattern| pattern.covers(asked)),
            Self::NotResource(_) if asked.has(Fault::NotResourceIgnored) => true,
            Self::NotResource(_) if effect == Effect::Deny && asked.has(Fault::NotResourceDenyMisses) => false,
            Self::NotResource(patterns) if patterns.is_empty() => asked.settings.quirks.empty_not_list_applies,
            Self::NotResource(patterns) => not_resource_matches(patterns, effect, asked),
        }
    }
}

/// `iam:M-27`, `iam:M-28`; an unresolved variable is `iam:V-11`.
fn not_resource_matches(patterns: &[ResourcePattern], effect: Effect, asked: &Asked<'_>) -> bool {
    let mut unresolved = false;
    for pattern in patterns {
        match pattern.matches(asked) {
            Some(true) => return false,
            Some(false) => {}
            None => unresolved = true,
        }
    }
    if !unresolved {
        return true;
    }
    match asked.settings.quirks.unresolved_not_resource {
        UnresolvedNotResource::FailClosed => effect == Effect::Deny,
        UnresolvedNotResource::Applies => true,
        UnresolvedNotResource::Void => false,
    }
}
