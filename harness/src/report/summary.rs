//! The figures of a run. They reconcile: steps = compared + skipped + ambiguous + errors, and every case has one verdict.

use std::collections::BTreeMap;
use std::time::Duration;

use serde::Serialize;

use crate::differential::{Side, StepStatus};
use crate::expectations::{Class, Judged, Problem, Verdict};
use crate::session::{CaseResult, Finished, Phase};
use crate::stats::{Stats, StatsBuilder};
use crate::target::{CallCount, TargetError, Waiting};

/// Counts of one part of a run.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct Counts {
    /// Cases that were run.
    pub cases: u64,
    /// Cases in which everything agrees.
    pub agreeing: u64,
    /// Their steps.
    pub steps: u64,
    /// Steps that were compared.
    pub compared: u64,
    /// Steps that were not taken.
    pub skipped: u64,
    /// Steps of which nobody knows what the target did: neither agreement nor divergence.
    pub ambiguous: u64,
    /// Steps in which the target could not be asked.
    pub errors: u64,
}

impl Counts {
    /// Whether every step is accounted for.
    pub fn reconcile(&self) -> bool {
        self.steps == self.compared + self.skipped + self.ambiguous + self.errors
    }
}

/// Cases by their verdict.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
pub struct Verdicts {
    /// Cases that were run.
    pub cases: u64,
    /// Everything that was compared agrees.
    pub pass: u64,
    /// They fail as they are known to.
    pub expected_failures: u64,
    /// They fail, and not as they are known to.
    pub failures: u64,
    /// They pass, and are known to fail.
    pub unexpected_passes: u64,
    /// Nothing of them was compared.
    pub skipped: u64,
    /// They could not be asked or run.
    pub errors: u64,
}

impl Verdicts {
    /// Counts a case.
    pub fn add(&mut self, verdict: Verdict) {
        self.cases += 1;
        *match verdict {
            Verdict::Pass => &mut self.pass,
            Verdict::ExpectedFailure => &mut self.expected_failures,
            Verdict::Failure => &mut self.failures,
            Verdict::UnexpectedPass => &mut self.unexpected_passes,
            Verdict::Skipped => &mut self.skipped,
            Verdict::Error => &mut self.errors,
        } += 1;
    }

    /// Whether every case is accounted for.
    pub fn reconcile(&self) -> bool {
        self.cases
            == self.pass + self.expected_failures + self.failures + self.unexpected_passes + self.skipped + self.errors
    }
}

/// The figures of a run.
#[derive(Debug, Default, Serialize)]
pub struct Summary {
    /// The corpus.
    pub corpus: Counts,
    /// The random cases.
    pub random: Counts,
    /// All cases by their verdict.
    pub verdicts: Verdicts,
    /// Failures that are known of the target, by entry.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub expected: Vec<Class>,
    /// What is known of the target and no longer so.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub stale: Vec<Problem>,
    /// Random cases that were given up, by reason.
    pub discards: BTreeMap<String, u64>,
    /// Cases with a disagreement of the target that is not known.
    pub diverging: u64,
    /// Cases whose own expectation the model does not meet.
    pub model_faults: u64,
    /// Skipped steps by capability or reason.
    pub skips: BTreeMap<String, u64>,
    /// Ambiguous steps by reason.
    pub ambiguous: BTreeMap<String, u64>,
    /// Cases with an ambiguous step, or whose world nobody knows.
    pub ambiguous_cases: u64,
    /// Calls that were sent again and time that was waited, added over the cases.
    #[serde(serialize_with = "waiting")]
    pub waiting: Waiting,
    /// Rails that stopped the run, with what to do about each.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub refusals: BTreeMap<String, String>,
    /// Faults of transport, and of a target that breaks the protocol it is asked by.
    pub transport_faults: Vec<String>,
    /// Faults of the case files, the driver or Countersign itself.
    pub internal_faults: Vec<String>,
    /// Calls and time for building worlds, added over the workers.
    #[serde(serialize_with = "call_count")]
    pub provisioning: CallCount,
    /// Calls and time for the steps, added over the workers.
    #[serde(serialize_with = "call_count")]
    pub wire: CallCount,
    /// Time from start to end.
    #[serde(serialize_with = "seconds")]
    pub elapsed: Duration,
    /// Distinct findings.
    pub findings: usize,
    /// Whether the user ended the run early.
    pub interrupted: bool,
    /// Quality of the random cases.
    pub quality: Option<Stats>,
    /// Random cases with a world.
    #[serde(skip)]
    worlds: u64,
    #[serde(skip)]
    builder: StatsBuilder,
}

impl Summary {
    /// Counts one case.
    pub fn add(&mut self, finished: &Finished, judged: &Judged) {
        if let Some(verdict) = judged.verdict {
            self.verdicts.add(verdict);
        }
        let known = judged.verdict == Some(Verdict::ExpectedFailure);
        match &finished.result {
            CaseResult::Discarded { reason } => {
                *self.discards.entry(reason.clone()).or_default() += 1;
                self.builder.discard(reason);
            }
            CaseResult::Lost { id, error } => self.fault(id, error),
            CaseResult::Failed { id, error } => self.internal_faults.push(format!("{id}: {error}")),
            CaseResult::Ran { case, report } => {
                let counts = match finished.phase {
                    Phase::Corpus => &mut self.corpus,
                    Phase::Random => &mut self.random,
                };
                counts.cases += 1;
                counts.steps += report.steps.len() as u64;
                counts.compared += report.compared() as u64;
                counts.skipped += report.skipped() as u64;
                counts.ambiguous += report.ambiguous() as u64;
                counts.errors += report.errors() as u64;
                counts.agreeing += u64::from(report.agrees());
                self.provisioning.add(report.provisioning);
                self.wire.add(report.wire);
                self.waiting.add(report.waiting);
                self.ambiguous_cases += u64::from(report.ambiguous() > 0);
                match &report.provisioning_fault {
                    Some(TargetError::Provisioning { .. }) => self.diverging += u64::from(!known),
                    // Its steps are skipped under the name of the capability, or ambiguous.
                    Some(TargetError::Unsupported { .. } | TargetError::Ambiguous { .. }) => {}
                    Some(fault) => self.fault(&report.id, fault),
                    None => {
                        let on = |side| report.disagreements().any(|(_, one)| one.side == side);
                        self.diverging += u64::from(on(Side::Target) && !known);
                        self.model_faults += u64::from(on(Side::Model));
                    }
                }
                for step in &report.steps {
                    match &step.status {
                        StepStatus::Error { error } => self.fault(&report.id, error),
                        StepStatus::Skipped { reason } => *self.skips.entry(reason.clone()).or_default() += 1,
                        StepStatus::Ambiguous { reason } => *self.ambiguous.entry(reason.clone()).or_default() += 1,
                        StepStatus::Compared => {}
                    }
                }
                // Worlds and steps are what quality is about.
                if finished.phase == Phase::Random && case.world.is_some() {
                    self.worlds += 1;
                    let outcomes: Vec<_> = report.steps.iter().map(|step| step.expected.as_ref()).collect();
                    self.builder.add(case, &outcomes);
                }
            }
        }
    }

    /// Ends the counting.
    pub fn finish(&mut self, elapsed: Duration, interrupted: bool) {
        self.elapsed = elapsed;
        self.interrupted = interrupted;
        if self.worlds > 0 {
            self.quality = Some(std::mem::take(&mut self.builder).finish());
        }
    }

    /// Steps a second while steps were being taken, over all workers together.
    pub fn wire_steps_a_second(&self, workers: usize) -> f64 {
        rate(self.wire, workers)
    }

    /// Calls a second while worlds were being built, over all workers together.
    pub fn provisioning_calls_a_second(&self, workers: usize) -> f64 {
        rate(self.provisioning, workers)
    }

    fn fault(&mut self, id: &str, error: &TargetError) {
        let text = format!("{id}: {error}");
        match error {
            TargetError::Transport { .. } | TargetError::Protocol { .. } => self.transport_faults.push(text),
            TargetError::Adapter { .. } | TargetError::Provisioning { .. } | TargetError::Unbound { .. } => {
                self.internal_faults.push(text)
            }
            TargetError::Refused { message, next_step } => {
                self.refusals
                    .entry(message.clone())
                    .or_insert_with(|| next_step.clone());
            }
            TargetError::Ambiguous { reason } => *self.ambiguous.entry(reason.clone()).or_default() += 1,
            TargetError::Unsupported { capability } => *self.skips.entry(capability.clone()).or_default() += 1,
        }
    }
}

/// Workers spend their time side by side, so the sum of their times is divided by their number.
fn rate(count: CallCount, workers: usize) -> f64 {
    let seconds = count.time.as_secs_f64() / workers.max(1) as f64;
    if seconds > 0.0 {
        count.calls as f64 / seconds
    } else {
        0.0
    }
}

fn call_count<S: serde::Serializer>(count: &CallCount, serializer: S) -> Result<S::Ok, S::Error> {
    use serde::ser::SerializeStruct as _;
    let mut fields = serializer.serialize_struct("CallCount", 2)?;
    fields.serialize_field("calls", &count.calls)?;
    fields.serialize_field("seconds", &count.time.as_secs_f64())?;
    fields.end()
}

fn waiting<S: serde::Serializer>(waiting: &Waiting, serializer: S) -> Result<S::Ok, S::Error> {
    use serde::ser::SerializeStruct as _;
    let mut fields = serializer.serialize_struct("Waiting", 3)?;
    fields.serialize_field("retries", &waiting.retries)?;
    fields.serialize_field("waited_seconds", &waiting.waited.as_secs_f64())?;
    fields.serialize_field("settled_seconds", &waiting.settled.as_secs_f64())?;
    fields.end()
}

fn seconds<S: serde::Serializer>(time: &Duration, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_f64(time.as_secs_f64())
}
