//! The whole state of a Case and what each step does to it: `World::apply(&Step) -> Outcome`.
//!
//! Here are the entry points. The state is in `world::state`, building it from a Case in `world::build`, references in
//! `world::resolve`, the way of a call (credentials, parameters, dispatch, answer) in `world::call`. What an operation does lives
//! in `kms`, `s3` and `services`; whether a pair of action and resource is allowed is `evaluate`'s alone.

pub(crate) mod access;
pub(crate) mod actor;
mod availability;
mod build;
mod build_keys;
mod build_organization;
mod build_resources;
mod call;
pub mod catalogue;
pub(crate) mod clock;
pub(crate) mod growing;
mod notes;
pub(crate) mod parameters;
pub(crate) mod policy;
mod resolve;
pub(crate) mod shared;
pub(crate) mod state;
pub(crate) mod symbol;
pub(crate) mod trace;

use std::borrow::Cow;
use std::collections::BTreeMap;

pub use build::CURRENT_DATE;

use crate::case::reference::ReferenceSyntaxError;
use crate::case::{Case, Step, WorldSpec};
use crate::name::AccountId;
use crate::outcome::Outcome;
use crate::quirks::Quirks;

/// The state of a Case between two steps. Equal worlds give equal outcomes: no clock but the Case's, no randomness.
#[derive(Debug, Clone)]
pub struct World {
    state: state::State,
}

/// Why a Case has no world, or none that AWS could be in.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum WorldError {
    /// An evaluator case has no world.
    #[error("this case has no world: it is a case for a pure evaluator")]
    NoWorld,
    /// No sequence of permitted API calls reaches this world. Generators discard such a case under this name; it is never a finding.
    #[error("`{what}` cannot be saved: {why}")]
    Unsavable {
        /// What cannot be saved, as a reference without braces: `key.example.policy`.
        what: String,
        /// AWS's reason: code and message, or the rule.
        why: String,
    },
    /// Something in the world refers to what is not there.
    #[error(transparent)]
    Reference(#[from] ReferenceError),
    /// A value that is not of its kind: an unknown key state, a bad duration.
    #[error("`{what}`: {why}")]
    Invalid {
        /// Where, as a reference without braces.
        what: String,
        /// What is wrong.
        why: String,
    },
}

/// Why a step has no outcome: the case is wrong, not AWS's answer.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum StepError {
    /// A reference cannot be resolved.
    #[error(transparent)]
    Reference(#[from] ReferenceError),
    /// The caller is not in the world (no credentials could be made for it).
    #[error("no such caller: {0}")]
    Caller(String),
    /// The model does not know the operation.
    #[error("`{0}` is not an operation the model knows")]
    Operation(String),
    /// A parameter has a type no request could have.
    #[error("parameter `{name}` of `{call}`: {why}")]
    Parameter {
        /// The operation.
        call: String,
        /// The parameter's name.
        name: String,
        /// What is wrong.
        why: String,
    },
    /// The step itself makes no sense: a bad duration, an unknown function, an unknown VPC endpoint.
    #[error("{0}")]
    Step(String),
    /// A saved path is not in the output.
    #[error("`{path}` is not in the output, so `saved.{name}` has no value")]
    Save {
        /// The saved value's name.
        name: String,
        /// The path.
        path: String,
    },
}

/// Why a reference cannot be resolved.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ReferenceError {
    /// It is not of the grammar.
    #[error(transparent)]
    Syntax(#[from] ReferenceSyntaxError),
    /// Nothing in the world has the name.
    #[error("`{reference}`: no {kind} is named `{name}`{}", nearest.as_ref().map(|nearest| format!(" (nearest: `{nearest}`)")).unwrap_or_default())]
    Unknown {
        /// The whole reference.
        reference: String,
        /// Kind of what is missing.
        kind: String,
        /// Its name.
        name: String,
        /// The nearest name that exists.
        nearest: Option<String>,
    },
    /// Two accounts have the name.
    #[error("`{reference}`: `{name}` stands in the accounts {}; write `{{{{ACCOUNT.{kind}.{name}…}}}}`", accounts.join(" and "))]
    Ambiguous {
        /// The whole reference.
        reference: String,
        /// Kind of what is meant.
        kind: String,
        /// Its name.
        name: String,
        /// The accounts.
        accounts: Vec<String>,
    },
    /// A saved value is not there yet, or its step did not give it.
    #[error("`saved.{0}` has no value yet")]
    NotSaved(String),
}

/// The values that the model invented for what the target chooses while the world is provisioned. The harness binds each to the
/// target's value; key ids are not here because `resolved_spec` names them.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct InitialSymbols {
    /// Unique ids (`AIDA…`, `AROA…`) by ARN of the user or role.
    pub unique_ids: BTreeMap<String, String>,
    /// Grants given in the world.
    pub grants: Vec<InitialGrant>,
}

/// A grant given in the world.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct InitialGrant {
    /// Account of the key.
    pub account: AccountId,
    /// Symbolic name of the key.
    pub key: String,
    /// Symbolic name of the grant.
    pub name: String,
    /// The model's grant id.
    pub grant_id: String,
    /// The model's grant token.
    pub grant_token: String,
}

/// The ids and ARNs that the model gave the organization; whoever provisions a target hands them on.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct OrganizationNames {
    /// `o-…`.
    pub id: String,
    /// `r-…`.
    pub root_id: String,
    /// Ids of the organizational units by their path of names, joined by `/`.
    pub unit_ids: BTreeMap<String, String>,
    /// Name and ARN of every SCP and RCP: by the unit's path (empty for the root), `scp` or `rcp`, and position.
    pub policies: BTreeMap<(String, &'static str, usize), OrganizationPolicyName>,
}

/// How an SCP or RCP is called.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OrganizationPolicyName {
    /// Its name.
    pub name: String,
    /// Its ARN, as messages show it (`iam:R-03`).
    pub arn: String,
}

impl World {
    /// Builds the world of a Case: resolves references, fills in defaults, invents ids, checks that AWS could hold it.
    ///
    /// # Errors
    /// [`WorldError`]; `Unsavable` when no sequence of permitted calls reaches this world.
    pub fn new(case: &Case) -> Result<Self, WorldError> {
        Ok(Self {
            state: build::build(case)?,
        })
    }

    /// The same world, whose outcomes say what comes of a step and leave out why: checks without gates and statements, and few of the
    /// rules. For very many steps that are only compared.
    #[must_use]
    pub fn unexplained(mut self) -> Self {
        self.state.explained = false;
        self
    }

    /// Does one step and says all that comes of it. On an error the world is as before.
    ///
    /// # Errors
    /// [`StepError`] when the step itself is wrong; what AWS refuses is an [`Outcome`].
    pub fn apply(&mut self, step: &Step) -> Result<Outcome, StepError> {
        self.take(step).map(|(_, outcome)| outcome)
    }

    /// As [`World::apply`], with the step as it was taken: as [`World::resolve_step`] gives it.
    ///
    /// # Errors
    /// As for [`World::apply`].
    pub fn take<'s>(&mut self, step: &'s Step) -> Result<(Cow<'s, Step>, Outcome), StepError> {
        call::apply(&mut self.state, step)
    }

    /// Replaces every `{{…}}` by the model's value.
    ///
    /// # Errors
    /// [`ReferenceError`].
    pub fn resolve_text(&self, text: &str) -> Result<String, ReferenceError> {
        resolve::text(&self.state, text)
    }

    /// The step with every reference replaced and the account of its principal filled in. `expect` is resolved too. The step itself, where
    /// there is nothing to replace.
    ///
    /// # Errors
    /// [`ReferenceError`].
    pub fn resolve_step<'s>(&self, step: &'s Step) -> Result<Cow<'s, Step>, ReferenceError> {
        resolve::step(&self.state, step)
    }

    /// The world at the start, as the harness provisions it: references resolved, defaults filled in, every key's `id` and `policy`
    /// set, encryption keys and managed policies as ARNs.
    pub fn resolved_spec(&self) -> &WorldSpec {
        &self.state.spec
    }

    /// The values the model invented for what the target chooses while the world is provisioned.
    pub fn initial_symbols(&self) -> &InitialSymbols {
        &self.state.initial_symbols
    }

    /// The ids and ARNs that the model gave the organization and its policies.
    pub fn organization_names(&self) -> Option<&OrganizationNames> {
        self.state.organization_names.as_deref()
    }

    /// The Case clock now.
    pub fn now(&self) -> jiff::Timestamp {
        self.state.clock.now
    }

    /// The date that picks dated behaviour.
    pub fn as_of(&self) -> jiff::civil::Date {
        self.state.as_of
    }

    /// The delay before grants, policies and tags take effect.
    pub fn propagation(&self) -> jiff::SignedDuration {
        self.state.clock.propagation
    }

    /// The switches in force.
    pub fn quirks(&self) -> &Quirks {
        &self.state.quirks
    }
}
