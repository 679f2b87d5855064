//! The authorizer: policy text to compiled policy, and one access question to one verdict.
//!
//! Here live the policy language (grammar, save-time validation, principals, conditions, variables,
//! globbing), the evaluation logic (gates, match kinds, blame) and the wording of denials. What does
//! *not* live here: who calls, which policies are attached where, what is in the context (`access`),
//! which grant matches (`kms`), ACLs and public-access blocks (`s3`).
//!
//! In: [`AccessRequest`] + [`PolicySets`] + [`Settings`]. Out: [`Verdict`]. Everything is a pure
//! function; nothing here reads a clock, a store or a random source.

mod arn;
mod asked;
mod blame;
mod caller;
mod compile;
mod condition;
mod context;
mod decide;
pub mod evaluator;
mod findings;
mod glob;
mod json;
mod misreading;
mod operator;
mod pattern;
mod policy;
mod principal;
mod request;
mod statement;
mod validate;
mod values;
mod verdict;

#[cfg(test)]
mod tests;

pub use caller::Caller;
pub use condition::Condition;
pub(crate) use context::known;
pub use context::{Context, ContextValue, KeyName, KnownKey, Words};
pub use decide::authorize;
pub use json::MAX_POLICY_CHARACTERS;
pub use operator::{Comparison, Operator, Ordering, Quantifier};
pub use pattern::{ActionPattern, ResourcePattern, glob_matches};
pub use policy::{NoPrincipals, Policy, PolicyError, PolicyErrorKind, PolicyKind, PrincipalResolver, SaveRules};
pub(crate) use principal::same_service;
pub use principal::{MatchKinds, PrincipalEntry};
pub use request::{
    AccessRequest, AttachedPolicy, EndpointPolicy, GranteeMatch, PolicyArn, PolicyLevel, PolicySets,
    ResourcePolicyMode, Settings,
};
pub use statement::{ActionClause, Effect, PrincipalClause, ResourceClause, Statement};
pub use verdict::{AllowedBy, Denial, EvaluationError, PolicyType, PolicyTypeSet, Relation, Verdict};
