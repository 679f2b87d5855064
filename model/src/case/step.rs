//! The steps of a Case, as they stand in a file. A step is exactly one of: a call, an advance of the clock, a settle, an invocation,
//! an arrangement of a state that AWS cannot produce on demand.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{Expect, StepPrincipal};
use crate::name::{AccountId, Action, Region};

/// One step.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(try_from = "StepForm", into = "StepForm")]
pub enum Step {
    /// An API call by somebody.
    Call(Box<CallStep>),
    /// The Case clock moves forward.
    Advance(AdvanceStep),
    /// Everything pending has propagated.
    Settle {
        /// Name for people and references.
        name: Option<String>,
    },
    /// A Lambda function is invoked, by nobody in particular: what is observed is its start.
    Invoke(Box<InvokeStep>),
    /// A state that AWS cannot produce on demand is put in place.
    Arrange(ArrangeStep),
}

impl Step {
    /// The step's name, if it has one.
    pub fn name(&self) -> Option<&str> {
        match self {
            Self::Call(call) => call.name.as_deref(),
            Self::Advance(advance) => advance.name.as_deref(),
            Self::Settle { name } => name.as_deref(),
            Self::Invoke(invoke) => invoke.name.as_deref(),
            Self::Arrange(arrange) => arrange.name.as_deref(),
        }
    }

    /// What is expected of it, if anything.
    pub fn expect(&self) -> Option<&Expect> {
        match self {
            Self::Call(call) => call.expect.as_ref(),
            Self::Invoke(invoke) => invoke.expect.as_ref(),
            _ => None,
        }
    }

    /// Its kind; steps that are not calls or invocations are set-up.
    pub fn kind(&self) -> StepKind {
        match self {
            Self::Call(call) => call.kind,
            Self::Invoke(invoke) => invoke.kind,
            _ => StepKind::Setup,
        }
    }
}

/// An API call.
#[derive(Debug, Clone, PartialEq)]
pub struct CallStep {
    /// Name for people and references.
    pub name: Option<String>,
    /// Set-up, observation or control.
    pub kind: StepKind,
    /// Who calls.
    pub principal: StepPrincipal,
    /// The API operation, such as `s3:GetObject` (not the IAM action).
    pub call: Action,
    /// The parameters under their AWS names. Blobs: base64 text or `{text: …}`.
    pub with: serde_json::Map<String, serde_json::Value>,
    /// The Region the call goes to; default the world's.
    pub region: Option<Region>,
    /// Name of the VPC endpoint it goes through.
    pub through: Option<String>,
    /// How the request is signed and sent.
    pub shape: Shape,
    /// Facts of the outer request's network and time, by condition key.
    pub context: BTreeMap<String, serde_json::Value>,
    /// Names for values of the output: name -> path (`GrantId`, `KeyMetadata.Arn`).
    pub save: BTreeMap<String, String>,
    /// What must happen.
    pub expect: Option<Expect>,
}

/// Moves the clock.
#[derive(Debug, Clone, PartialEq)]
pub struct AdvanceStep {
    /// Name for people.
    pub name: Option<String>,
    /// How far: `10m`, `1h`, `30s`, `7d`.
    pub advance: String,
}

/// Invokes a function.
#[derive(Debug, Clone, PartialEq)]
pub struct InvokeStep {
    /// Name for people.
    pub name: Option<String>,
    /// Set-up, observation or control.
    pub kind: StepKind,
    /// The function's name.
    pub function: String,
    /// Its account, where the name alone does not say it.
    pub account: Option<AccountId>,
    /// Whether a new environment starts (`svc:L-8`). Default true.
    pub cold: bool,
    /// What must happen.
    pub expect: Option<Expect>,
}

/// Puts states in place.
#[derive(Debug, Clone, PartialEq)]
pub struct ArrangeStep {
    /// Name for people.
    pub name: Option<String>,
    /// `key.NAME.state` -> KeyState.
    pub arrange: BTreeMap<String, String>,
}

/// What a step is for.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum StepKind {
    /// Must succeed; a failure is a fault, not a finding.
    #[default]
    Setup,
    /// What the case is about.
    Observed,
    /// Shows that the observation is not vacuous.
    Control,
}

/// How a request is signed and sent.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Shape {
    /// Signature in the Authorization header.
    #[default]
    Header,
    /// Presigned URL.
    Presigned,
    /// HTML form upload.
    PostForm,
    /// aws-chunked with signed chunks.
    Chunked,
    /// aws-chunked with an unsigned payload and a trailer.
    UnsignedTrailer,
}

/// A step as written: which members are present decides which kind of step it is.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
struct StepForm {
    /// Name for people and references.
    #[serde(skip_serializing_if = "Option::is_none")]
    name: Option<String>,
    /// setup (default) | observed | control.
    #[serde(skip_serializing_if = "Option::is_none")]
    kind: Option<StepKind>,
    /// Who calls.
    #[serde(rename = "as", skip_serializing_if = "Option::is_none")]
    principal: Option<StepPrincipal>,
    /// The API operation, such as `s3:GetObject`.
    #[serde(skip_serializing_if = "Option::is_none")]
    call: Option<Action>,
    /// Parameters under their AWS names.
    #[serde(skip_serializing_if = "Option::is_none")]
    with: Option<serde_json::Map<String, serde_json::Value>>,
    /// The Region the call goes to.
    #[serde(skip_serializing_if = "Option::is_none")]
    region: Option<Region>,
    /// Name of a VPC endpoint.
    #[serde(skip_serializing_if = "Option::is_none")]
    through: Option<String>,
    /// header (default) | presigned | post_form | chunked | unsigned_trailer.
    #[serde(skip_serializing_if = "Option::is_none")]
    shape: Option<Shape>,
    /// Facts of the outer request's network and time.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    context: BTreeMap<String, serde_json::Value>,
    /// Name -> path in the output.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    save: BTreeMap<String, String>,
    /// What must happen.
    #[serde(skip_serializing_if = "Option::is_none")]
    expect: Option<Expect>,
    /// Moves the Case clock: `10m`.
    #[serde(skip_serializing_if = "Option::is_none")]
    advance: Option<String>,
    /// Everything pending has propagated.
    #[serde(skip_serializing_if = "Option::is_none")]
    settle: Option<bool>,
    /// Invokes a function.
    #[serde(skip_serializing_if = "Option::is_none")]
    invoke: Option<InvokeForm>,
    /// `key.NAME.state` -> KeyState.
    #[serde(skip_serializing_if = "Option::is_none")]
    arrange: Option<BTreeMap<String, String>>,
}

/// What an `invoke` step says.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct InvokeForm {
    /// The function's name.
    function: String,
    /// Its account, where the name alone does not say it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    account: Option<AccountId>,
    /// Whether a new environment starts. Default true.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    cold: Option<bool>,
}

impl TryFrom<StepForm> for Step {
    type Error = String;

    fn try_from(form: StepForm) -> Result<Self, String> {
        let given = [
            ("call", form.call.is_some()),
            ("advance", form.advance.is_some()),
            ("settle", form.settle.is_some()),
            ("invoke", form.invoke.is_some()),
            ("arrange", form.arrange.is_some()),
        ];
        let present: Vec<&str> = given.iter().filter(|(_, is)| *is).map(|(name, _)| *name).collect();
        if present.len() != 1 {
            return Err(format!(
                "a step is exactly one of call, advance, settle, invoke, arrange; this one has {}",
                if present.is_empty() {
                    "none".to_owned()
                } else {
                    present.join(" and ")
                }
            ));
        }
        if form.call.is_none() {
            let extra = [
                ("as", form.principal.is_some()),
                ("with", form.with.is_some()),
                ("region", form.region.is_some()),
                ("through", form.through.is_some()),
                ("shape", form.shape.is_some()),
                ("context", !form.context.is_empty()),
                ("save", !form.save.is_empty()),
                ("expect", form.expect.is_some() && form.invoke.is_none()),
                ("kind", form.kind.is_some() && form.invoke.is_none()),
            ];
            if let Some((name, _)) = extra.iter().find(|(_, is)| *is) {
                return Err(format!("`{name}` has no meaning on `{}`", present[0]));
            }
        }
        let kind = form.kind.unwrap_or_default();
        if kind != StepKind::Setup && form.expect.as_ref().is_none_or(|expect| expect.decision.is_none()) {
            return Err("an observed or control step needs `expect.decision`".to_owned());
        }
        if let Some(call) = form.call {
            let principal = form
                .principal
                .ok_or_else(|| "a call needs `as`: who makes it".to_owned())?;
            return Ok(Self::Call(Box::new(CallStep {
                name: form.name,
                kind,
                principal,
                call,
                with: form.with.unwrap_or_default(),
                region: form.region,
                through: form.through,
                shape: form.shape.unwrap_or_default(),
                context: form.context,
                save: form.save,
                expect: form.expect,
            })));
        }
        if let Some(advance) = form.advance {
            return Ok(Self::Advance(AdvanceStep {
                name: form.name,
                advance,
            }));
        }
        if let Some(invoke) = form.invoke {
            return Ok(Self::Invoke(Box::new(InvokeStep {
                name: form.name,
                kind,
                function: invoke.function,
                account: invoke.account,
                cold: invoke.cold.unwrap_or(true),
                expect: form.expect,
            })));
        }
        if let Some(arrange) = form.arrange {
            return Ok(Self::Arrange(ArrangeStep {
                name: form.name,
                arrange,
            }));
        }
        Ok(Self::Settle { name: form.name })
    }
}

impl From<Step> for StepForm {
    fn from(step: Step) -> Self {
        match step {
            Step::Call(call) => Self {
                name: call.name,
                kind: (call.kind != StepKind::Setup).then_some(call.kind),
                principal: Some(call.principal),
                call: Some(call.call),
                with: (!call.with.is_empty()).then_some(call.with),
                region: call.region,
                through: call.through,
                shape: (call.shape != Shape::Header).then_some(call.shape),
                context: call.context,
                save: call.save,
                expect: call.expect,
                ..Self::default()
            },
            Step::Advance(step) => Self {
                name: step.name,
                advance: Some(step.advance),
                ..Self::default()
            },
            Step::Settle { name } => Self {
                name,
                settle: Some(true),
                ..Self::default()
            },
            Step::Invoke(step) => Self {
                name: step.name,
                kind: (step.kind != StepKind::Setup).then_some(step.kind),
                invoke: Some(InvokeForm {
                    function: step.function,
                    account: step.account,
                    cold: Some(step.cold),
                }),
                expect: step.expect,
                ..Self::default()
            },
            Step::Arrange(step) => Self {
                name: step.name,
                arrange: Some(step.arrange),
                ..Self::default()
            },
        }
    }
}

impl JsonSchema for Step {
    fn schema_name() -> std::borrow::Cow<'static, str> {
        "Step".into()
    }

    fn json_schema(generator: &mut schemars::SchemaGenerator) -> schemars::Schema {
        StepForm::json_schema(generator)
    }
}
