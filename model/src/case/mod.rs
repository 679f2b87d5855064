//! The Case format, version 1: one data type for scenarios, counterexamples, vectors and replays.
//!
//! Here are the types as they stand in a file; `load` reads them with source spans, `validate` says what is wrong with one before
//! it runs, `reference` reads `{{…}}`, `check` judges an outcome by an expectation, `schema` generates the JSON Schema. No decision
//! about AWS is made here.

pub mod check;
mod evaluator;
mod expect;
mod json;
pub(crate) mod legal;
pub mod load;
pub mod place;
mod principal;
pub mod reference;
pub mod schema;
mod step;
mod tree;
mod validate;
mod world;

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

pub use evaluator::{
    EvaluatorCase, EvaluatorDecision, EvaluatorExpect, EvaluatorGrant, EvaluatorGrantConstraints, EvaluatorPolicies,
    EvaluatorPrincipal, EvaluatorRequest, EvaluatorSave, EvaluatorSaveExpect, EvaluatorVpcEndpoint,
};
pub use expect::{BlamedExpect, CheckExpect, Decision, Expect, MessageExpect, OneOrMany};
pub use load::{CaseError, Syntax, load_all, load_str, to_json, to_yaml};
pub use principal::{PolicyKey, StepPrincipal};
pub use step::{AdvanceStep, ArrangeStep, CallStep, InvokeStep, Shape, Step, StepKind};
pub use validate::operations;
pub use world::{
    AccountSpec, BackupVaultSpec, BucketEncryptionSpec, BucketSpec, FunctionGrant, FunctionSpec, GrantConstraintsSpec,
    GrantSpec, GroupSpec, KeySpec, ObjectSpec, OrganizationSpec, OrganizationUnitSpec, PublicAccessBlockSpec, RoleSpec,
    UserSpec, VpcEndpointKind, VpcEndpointSpec, WorldSpec,
};

/// One Case: a world with steps, or policies with requests for a pure evaluator.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Case {
    /// Where editors find the JSON Schema.
    #[serde(rename = "$schema", default, skip_serializing_if = "Option::is_none")]
    pub schema: Option<String>,
    /// The format version: always 1.
    pub countersign: u8,
    /// Immutable dotted name, unique in the corpus.
    pub id: String,
    /// One line for people.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub title: Option<String>,
    /// Where the story comes from.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub source: Vec<Source>,
    /// How well the expectation is known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub evidence: Option<Evidence>,
    /// The rules this case is about; each must appear in the trace of at least one step.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub rules: Vec<String>,
    /// Who wrote it: a person, a generator, an issue.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub origin: Option<Origin>,
    /// Picks dated behaviour (`YYYY-MM-DD`); absent means the suite's current date.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(with = "Option<String>")]
    pub as_of: Option<jiff::civil::Date>,
    /// Switches for disputed rules that differ from the default, by name (see `Quirks`).
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub quirks: BTreeMap<String, serde_json::Value>,
    /// The state before the first step.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub world: Option<WorldSpec>,
    /// What happens, in order.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub steps: Vec<Step>,
    /// Policies and requests for a pure evaluator; excludes `world` and `steps`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub evaluate: Option<EvaluatorCase>,
    /// The expectation of an evaluator case with a single `request`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub expect: Option<EvaluatorExpect>,
}

/// A source of a case: at least one of document, url, issue, repository or observation is given.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Source {
    /// A seed document's file stem, such as `001_8e37a473940a29b8`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub document: Option<String>,
    /// A public page.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub url: Option<String>,
    /// An issue or pull request.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub issue: Option<String>,
    /// `repository@commit:path`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub repository: Option<String>,
    /// Date of the source (`YYYY-MM-DD`, `YYYY-MM` or `YYYY`).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub date: Option<String>,
    /// What was taken from it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub note: Option<String>,
}

/// How well an expectation is known.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Evidence {
    /// Recorded from real AWS.
    Recorded,
    /// Stated by AWS documentation.
    Documented,
    /// Follows from documented or recorded rules.
    Inferred,
    /// Sources disagree; the default switch is asserted.
    Disputed,
}

/// Where a case came from.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(untagged, expecting = "expected `handwritten`, {generator, seed, …} or {issue}")]
pub enum Origin {
    /// `handwritten`.
    Word(String),
    /// Generated, and perhaps shrunk.
    Generated {
        /// Version of the generator.
        generator: u32,
        /// The seed that gives the unshrunk case.
        seed: u64,
        /// Number of the case under that seed.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        case: Option<u64>,
        /// The id of the case this one was shrunk from.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        shrunk_from: Option<String>,
    },
    /// From an issue.
    Issue {
        /// The issue's address.
        issue: String,
    },
}

/// A policy as it stands in a Case: a mapping, or a string that is sent verbatim.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(
    untagged,
    expecting = "expected a policy: a mapping, or a string that is sent verbatim"
)]
pub enum PolicyText {
    /// Sent byte for byte: whatever must be rejected has to be writable.
    Verbatim(String),
    /// A document; serialized to compact JSON in the order written.
    Document(serde_json::Map<String, serde_json::Value>),
}

impl PolicyText {
    /// The text that goes over the wire.
    pub fn text(&self) -> String {
        match self {
            Self::Verbatim(text) => text.clone(),
            Self::Document(map) => serde_json::Value::Object(map.clone()).to_string(),
        }
    }
}
