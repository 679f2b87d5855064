//! What a target is: something that is given a world, takes steps, and says what it did. Nothing here compares or decides.
//!
//! `embedded` runs the emulator in process and drives it through the AWS SDKs (`driver/`); `authorizer` asks its authorizer alone, for
//! cases without a world; `adapter` asks another program over its standard input and output; `endpoint` drives any AWS-compatible URL as its
//! profile says.

use std::time::Duration;

use countersign_model::case::{Case, Decision, EvaluatorCase, EvaluatorDecision, Step};
use countersign_model::outcome::{Outcome, PolicySet};
use countersign_model::world::World;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::differential::Binding;

pub mod adapter;
mod authorizer;
#[cfg(feature = "wire")]
mod blob;
mod comparison;
#[cfg(feature = "wire")]
pub(crate) mod connector;
#[cfg(feature = "wire")]
mod control;
mod disturbance;
#[cfg(feature = "wire")]
pub mod driver;
#[cfg(feature = "wire")]
mod embedded;
#[cfg(feature = "wire")]
pub mod endpoint;
#[cfg(feature = "wire")]
mod fact;
#[cfg(feature = "wire")]
mod patience;
#[cfg(feature = "wire")]
mod provision;
pub(crate) mod repeat;
#[cfg(feature = "wire")]
mod settings;
#[cfg(feature = "wire")]
pub(crate) mod shape;
#[cfg(feature = "wire")]
mod signing;
#[cfg(all(test, feature = "wire"))]
mod tests;
mod translation;
#[cfg(feature = "wire")]
mod twins;

pub use adapter::{AdapterOptions, AdapterTarget};
pub use authorizer::AuthorizerTarget;
pub use comparison::Comparison;
pub use disturbance::Disturbance;
#[cfg(feature = "wire")]
pub use embedded::{EmbeddedOptions, EmbeddedTarget};
#[cfg(feature = "wire")]
pub use endpoint::EndpointTarget;
pub use translation::{Changes, Translation};
#[cfg(feature = "wire")]
pub use twins::{TwinLaw, TwinSeen, twin_names};

/// Something that can be asked what the model is asked. Object-safe and synchronous; a target that needs a runtime owns it.
pub trait Target {
    /// The target's name in reports, such as `embedded`.
    fn name(&self) -> &str;

    /// Wipes what was there and builds the case's world. Returns the binding of every id that the target chose while doing so.
    ///
    /// # Errors
    /// [`TargetError::Provisioning`] when the target refuses a part of the world, [`TargetError::Unsupported`] when it cannot take it,
    /// [`TargetError::Transport`] and [`TargetError::Adapter`] when nothing can be said about the target.
    fn begin(&mut self, case: &Case, world: &World) -> Result<Binding, TargetError>;

    /// Takes one step. The step comes resolved, in the model's symbols; the binding translates them. `outcome` is the model's answer and
    /// serves as a hint for binding only: a target never looks at its decision. The observation is in the target's own values.
    ///
    /// # Errors
    /// As for [`Target::begin`]. A refusal by the target is an observation, not an error.
    fn step(&mut self, step: &Step, outcome: &Outcome, binding: &mut Binding) -> Result<Observed, TargetError>;

    /// The case as it is run here: in names of its own where cases share the target's namespaces, in the target's accounts. None if it is
    /// run as it is written. Asked once a case, before [`Target::begin`], which is then given the translated case.
    fn translate(&mut self, case: &Case) -> Option<Translation> {
        let _ = case;
        None
    }

    /// From now on worlds come that differ little from one another, as in shrinking: a target that can go back to a state may make one of
    /// another instead of building each whole. Switched off again, the next world is built whole.
    fn remember_worlds(&mut self, on: bool) {
        let _ = on;
    }

    /// The world of the last case is the one that those to come are parts of.
    fn keep_world(&mut self) {}

    /// The case is over.
    ///
    /// # Errors
    /// [`TargetError::Transport`] when the target is gone.
    fn end(&mut self) -> Result<(), TargetError>;

    /// Calls and time spent since [`Target::begin`] or [`Target::forget_usage`].
    fn usage(&self) -> Usage {
        Usage::default()
    }

    /// Starts counting anew: an evaluator case begins, which builds no world.
    fn forget_usage(&mut self) {}

    /// How changes propagate on this target; none where decisions see them at once, or as late as the case says.
    fn settling(&self) -> Option<Settling> {
        None
    }

    /// Lets time pass on the target between two questions.
    ///
    /// # Errors
    /// [`TargetError::Transport`] and [`TargetError::Adapter`] when a target's own clock cannot be moved.
    fn wait(&mut self, time: Duration) -> Result<(), TargetError> {
        std::thread::sleep(time);
        Ok(())
    }

    /// The world has settled, or as much time has gone by as it may take: what was asked until now was no part of the case.
    fn settled(&mut self) {}

    /// Whether cases with a world are for this target.
    fn takes_worlds(&self) -> bool {
        true
    }

    /// Whether evaluator cases are for this target.
    fn takes_evaluator_cases(&self) -> bool {
        false
    }

    /// Which parts of an answer the target stands for.
    fn compares(&self) -> Comparison {
        Comparison::FULL
    }

    /// Answers one request of an evaluator case: `question` holds the policies and the one `request`. The case is there for its id,
    /// date and switches; a target never looks at what it expects.
    ///
    /// # Errors
    /// [`TargetError::Unsupported`] when the target lacks what the request needs, [`TargetError::Transport`] and
    /// [`TargetError::Protocol`] when nothing can be said about it.
    fn evaluate(&mut self, case: &Case, question: &EvaluatorCase) -> Result<EvaluatorAnswer, TargetError> {
        let _ = (case, question);
        Err(TargetError::unsupported("evaluate"))
    }

    /// Saves one document of an evaluator case, or says why not: `question` holds the one in `saves` and whose the canonical user ids
    /// are. The case is there for its id, date and switches; a target never looks at what it expects.
    ///
    /// # Errors
    /// As for [`Target::evaluate`]. A refusal is an answer.
    fn save(&mut self, case: &Case, question: &EvaluatorCase) -> Result<SavingAnswer, TargetError> {
        let _ = (case, question);
        Err(TargetError::unsupported("saves"))
    }
}

/// A target's answer to a document that somebody wants to save.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct SavingAnswer {
    /// Whether it is accepted.
    pub saved: bool,
    /// Why it is refused, in its own words.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub message: Option<String>,
}

/// A target's answer to one request of an evaluator case.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct EvaluatorAnswer {
    /// The decision; `deny` when the target does not tell implicit from explicit.
    pub decision: EvaluatorDecision,
    /// The policy type it blames.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub blamed: Option<PolicySet>,
    /// For an error, the document that it cannot use, such as `identity[0]`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub document: Option<String>,
    /// Its reasons, in its own words.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub message: Option<String>,
}

/// What a target did with a step, in its own values.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Observed {
    /// allow | deny | error, as seen from outside: success is allow, an access-denied code is deny, anything else is error.
    pub decision: Decision,
    /// The error code; none on success and on HEAD.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub code: Option<String>,
    /// HTTP status; 0 for steps that make no call.
    pub status: u16,
    /// The error message.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub message: Option<String>,
    /// The compared members of the output under AWS names.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub output: Option<Value>,
    /// CloudTrail-shaped events that the step left. None when the target keeps no trail: then the trail is not compared.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub trail: Option<Vec<Value>>,
}

impl Observed {
    /// The observation of a step that makes no call: a moved clock, a settled or arranged state.
    pub fn quiet() -> Self {
        Self {
            decision: Decision::Allow,
            code: None,
            status: 200,
            message: None,
            output: None,
            trail: None,
        }
    }
}

/// Calls and the time they took.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
pub struct CallCount {
    /// Number of calls.
    pub calls: u64,
    /// Time spent in them.
    pub time: Duration,
}

impl CallCount {
    /// Adds another count.
    pub fn add(&mut self, other: Self) {
        self.calls += other.calls;
        self.time += other.time;
    }
}

/// What patience a case needed: calls that were sent again, and time that was waited.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
pub struct Waiting {
    /// Attempts that were throttled, lost or failed, and followed by another.
    pub retries: u64,
    /// Pauses between attempts, and slow answers.
    pub waited: Duration,
    /// Time until changes had propagated.
    pub settled: Duration,
}

impl Waiting {
    /// Adds another's.
    pub fn add(&mut self, other: Self) {
        self.retries += other.retries;
        self.waited += other.waited;
        self.settled += other.settled;
    }
}

/// How long decisions may lag behind changes on a target, and how it is waited for: by asking again.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Settling {
    /// After this long a difference is no matter of time.
    pub within: Duration,
    /// The first pause between two questions; where time is real each further one is twice as long.
    pub every: Duration,
    /// Whether time passes on a clock that the case knows: then it passes for the model too.
    pub case_clock: bool,
}

impl Settling {
    /// The pause before the question is asked again, by how often it was.
    pub fn pause(self, asked: u32) -> Duration {
        if self.case_clock {
            return self.every;
        }
        self.every.saturating_mul(1 << asked.min(16)).min(LONGEST_PAUSE)
    }
}

/// The longest pause between two questions where time is real.
const LONGEST_PAUSE: Duration = Duration::from_secs(5);

/// What a case cost on the target. Provisioning and steps are counted apart.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
pub struct Usage {
    /// Building the world.
    pub provisioning: CallCount,
    /// Taking the steps.
    pub wire: CallCount,
    /// What had to be waited for.
    pub waiting: Waiting,
}

/// Why a target could not do its part. The variant says whose fault it is.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error, Serialize)]
#[serde(tag = "fault", rename_all = "snake_case")]
pub enum TargetError {
    /// The target refused a part of the world that the model holds for legal: a finding (`unsavable` on one side only).
    #[error("the target refuses {what}: {code}: {message}")]
    Provisioning {
        /// The part of the world, such as "key policy of `example`".
        what: String,
        /// The target's error code.
        code: String,
        /// The target's message.
        message: String,
    },
    /// The target could not be reached, or broke the connection.
    #[error("transport fault: {message}")]
    Transport {
        /// What happened.
        message: String,
    },
    /// The target broke the protocol that it is asked by: an answer that is none, or one to another question.
    #[error("protocol fault: {message}")]
    Protocol {
        /// What came, quoted.
        message: String,
    },
    /// The driver cannot express the step: a fault of the case or of the harness, never of the target.
    #[error("adapter fault: {message}")]
    Adapter {
        /// What cannot be expressed, naming the field.
        message: String,
    },
    /// A step needs a value that the target should have given before and did not: a finding, in the words of [`crate::differential`].
    #[error("the target never gave a value for `{symbol}`")]
    Unbound {
        /// The model's symbol for the value.
        symbol: String,
    },
    /// A rail stopped the run: nothing more is sent.
    #[error("refused: {message}")]
    Refused {
        /// Which rail.
        message: String,
        /// What to do about it.
        next_step: String,
    },
    /// Nobody knows what the target did: an answer was lost, and asking again could not tell. Neither agreement nor divergence.
    #[error("ambiguous: {reason}")]
    Ambiguous {
        /// What was lost.
        reason: String,
    },
    /// The target lacks a capability that the case needs.
    #[error("not supported by this target: {capability}")]
    Unsupported {
        /// The capability.
        capability: String,
    },
}

impl TargetError {
    /// An adapter fault.
    pub fn adapter(message: impl Into<String>) -> Self {
        Self::Adapter {
            message: message.into(),
        }
    }

    /// A transport fault.
    pub fn transport(message: impl Into<String>) -> Self {
        Self::Transport {
            message: message.into(),
        }
    }

    /// An outcome that nobody knows.
    pub fn ambiguous(reason: impl Into<String>) -> Self {
        Self::Ambiguous { reason: reason.into() }
    }

    /// A missing capability.
    pub fn unsupported(capability: impl Into<String>) -> Self {
        Self::Unsupported {
            capability: capability.into(),
        }
    }
}
