//! Proves that an endpoint enforces anything before a case counts: a user without policies must be denied, one with a policy must not.
//! An emulator whose switch is off, or misspelt, allows everything, and would pass every case that expects an allow.

use countersign_model::case::{Case, Decision, Step, Syntax, load_all};

use super::{EndpointTarget, of_step, of_world};
use crate::differential::{StepStatus, run_case};
use crate::target::{Target as _, TargetError};

const CASES: &str = include_str!("../../../../targets/canary.yaml");

/// What the canary showed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Canary {
    /// Questions that had the answer due.
    pub asked: usize,
}

/// Why nothing that the endpoint answers would count.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum CanaryError {
    /// It allows what must be denied.
    #[error("the endpoint does not enforce policies: {what} was allowed")]
    NotEnforced {
        /// Who did what.
        what: String,
    },
    /// It refuses what must be allowed.
    #[error("the endpoint refuses what must be allowed: {what}: {answer}")]
    Refuses {
        /// Who did what.
        what: String,
        /// Its answer.
        answer: String,
    },
    /// It could not be asked.
    #[error("the endpoint cannot be asked: {0}")]
    Target(TargetError),
    /// None of the questions is within its capabilities.
    #[error("the profile declares neither `s3` nor `kms`: nothing can be asked")]
    NothingToAsk,
}

/// Asks the endpoint what must be denied and what must be allowed, as far as its profile says that it can be asked.
///
/// # Errors
/// [`CanaryError`]; then nothing that the endpoint answers says anything.
pub fn canary(target: &mut EndpointTarget) -> Result<Canary, CanaryError> {
    let mut asked = 0;
    for case in cases() {
        let needs = of_world(&case).into_iter().chain(case.steps.iter().flat_map(of_step));
        if needs.into_iter().any(|needed| !target.profile().can(needed)) {
            continue;
        }
        asked += ask(&case, target)?;
    }
    if asked == 0 {
        return Err(CanaryError::NothingToAsk);
    }
    Ok(Canary { asked })
}

fn ask(case: &Case, target: &mut EndpointTarget) -> Result<usize, CanaryError> {
    let report =
        run_case(case, target).map_err(|error| CanaryError::Target(TargetError::adapter(error.to_string())))?;
    if let Some(fault) = report.provisioning_fault {
        return Err(CanaryError::Target(fault));
    }
    for (step, taken) in case.steps.iter().zip(&report.steps) {
        let what = words(step);
        match (&taken.status, &taken.expected, &taken.observed) {
            (StepStatus::Error { error }, ..) => return Err(CanaryError::Target(error.clone())),
            (StepStatus::Compared, Some(expected), Some(observed)) if expected.decision == observed.decision => {}
            (StepStatus::Compared, Some(expected), Some(observed)) => {
                return Err(
                    if observed.decision == Decision::Allow && expected.decision != Decision::Allow {
                        CanaryError::NotEnforced { what }
                    } else {
                        let code = observed.code.as_deref().unwrap_or("no code");
                        let message = observed.message.as_deref().unwrap_or("no message");
                        CanaryError::Refuses {
                            what,
                            answer: format!("{} {code}: {message}", observed.status),
                        }
                    },
                );
            }
            _ => {
                return Err(CanaryError::Refuses {
                    what,
                    answer: "it was not asked".to_owned(),
                });
            }
        }
    }
    let _ = target.end();
    Ok(report.steps.len())
}

fn words(step: &Step) -> String {
    let name = step.name().unwrap_or("a step");
    match step {
        Step::Call(call) => format!("`{}` ({name})", call.call),
        _ => name.to_owned(),
    }
}

fn cases() -> Vec<Case> {
    load_all("canary.yaml", CASES, Syntax::Yaml).expect("a test reads the canary's cases")
}

#[cfg(test)]
mod tests {
    use countersign_model::world::World;

    use super::*;

    #[test]
    fn the_canary_asks_for_a_deny_and_an_allow_of_each_service() {
        for case in cases() {
            let mut world = World::new(&case).expect("the world can be");
            let mut decisions = Vec::new();
            for step in &case.steps {
                let outcome = world.apply(step).expect("the step can be taken");
                let due = step.expect().and_then(|expect| expect.decision);
                assert_eq!(due, Some(outcome.decision), "{}: {}", case.id, words(step));
                decisions.push(outcome.decision);
            }
            assert!(
                decisions.contains(&Decision::Deny) && decisions.contains(&Decision::Allow),
                "{}",
                case.id
            );
        }
    }
}
