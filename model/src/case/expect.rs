//! What a step must show. Everything left out is not asserted.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::name::Action;
use crate::outcome::{CheckDecision, PolicySet};

/// The expectation of a step.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Expect {
    /// allow | deny | error.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub decision: Option<Decision>,
    /// The error code, or the acceptable ones.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub code: Option<OneOrMany>,
    /// HTTP status.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub status: Option<u16>,
    /// The message, whole or in part.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub message: Option<MessageExpect>,
    /// The set of checks this call makes (model only).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub checks: Option<Vec<CheckExpect>>,
    /// The action whose check ended the call (model only).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub stops_at: Option<Action>,
    /// The call changed nothing.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub unchanged: Option<bool>,
    /// CloudTrail events of this step: each entry is a subset of the event at its place.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub trail: Option<Vec<serde_json::Value>>,
    /// A subset of the output; lists match element by element.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub output: Option<serde_json::Value>,
    /// Paths that must not be in the output.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub absent: Vec<String>,
}

/// The decision as a caller sees it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Decision {
    /// The call succeeded.
    Allow,
    /// Authorization refused it.
    Deny,
    /// Something that is not authorization ended it: DisabledException, ValidationException, NoSuchKey…
    Error,
}

/// One text or several acceptable ones.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(untagged, expecting = "expected a text or a list of texts")]
pub enum OneOrMany {
    /// Exactly this.
    One(String),
    /// Any of these.
    Many(Vec<String>),
}

impl OneOrMany {
    /// Whether a text is acceptable.
    pub fn accepts(&self, text: &str) -> bool {
        match self {
            Self::One(one) => one == text,
            Self::Many(many) => many.iter().any(|one| one == text),
        }
    }
}

/// What a message must be. White space is folded before comparing.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(untagged, expecting = "expected a text, {prefix: …} or {contains: […]}")]
pub enum MessageExpect {
    /// Exactly this.
    Whole(String),
    /// It starts so.
    Prefix {
        /// The beginning.
        prefix: String,
    },
    /// It contains all of these.
    Contains {
        /// The parts.
        contains: Vec<String>,
    },
}

/// One check of a call.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct CheckExpect {
    /// The IAM action.
    pub action: Action,
    /// The resource, where it matters.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub resource: Option<String>,
    /// allow | implicit_deny | explicit_deny.
    pub decision: CheckDecision,
    /// Which policy types may be blamed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub blamed: Option<BlamedExpect>,
}

/// The acceptable blamed policy types.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(untagged, expecting = "expected a policy type or {any_of: […]}")]
pub enum BlamedExpect {
    /// Exactly this.
    One(PolicySet),
    /// Any of these.
    AnyOf {
        /// The acceptable ones.
        any_of: Vec<PolicySet>,
    },
}
