//! What a target can be asked: which cases are for it, how random ones are drawn, whether several may run at once. The run itself is
//! `check`'s.

use countersign_model::case::Case;

use super::arguments::{TargetArguments, TargetName};
#[cfg(feature = "wire")]
use super::is_endpoint;
use super::{Exit, Failure, adapter};
use crate::differential::Rehearsal;
use crate::evaluator;
use crate::generate;
use crate::session::Drawn;
use crate::target::{AdapterTarget, Target as _};

/// What a target can be asked, learnt before anything is run.
pub(super) struct Offered {
    /// The target's name, an adapter's as it calls itself.
    pub(super) name: String,
    /// The name under which what is known of the target is kept; the embedded emulator has nothing to be known.
    pub(super) key: Option<String>,
    pub(super) worlds: bool,
    pub(super) evaluator: bool,
    /// Whether several cases may run at once.
    pub(super) takes_workers: bool,
    /// Whether random cases are drawn for an evaluator too: the emulator has a command of its own for that.
    pub(super) random_evaluator: bool,
    /// How random worlds are made.
    pub(super) settings: generate::Settings,
    /// Whether it is the emulator in this process: of very many questions it is asked the model says why only where something differs.
    pub(super) in_process: bool,
}

impl Offered {
    pub(super) fn by(arguments: &TargetArguments, faults: &[String]) -> Result<Self, Failure> {
        let (name, key, worlds, evaluator) = match &arguments.target {
            TargetName::Embedded => ("embedded".to_owned(), None, true, true),
            TargetName::InProcess => ("in-process".to_owned(), None, true, true),
            #[cfg(feature = "wire")]
            _ if is_endpoint(arguments) => {
                if let Some(fault) = faults.first() {
                    return Err(Failure::message(
                        Exit::Usage,
                        format!("an endpoint has no seeded fault `{fault}`"),
                        "the seeded faults are the emulator's: leave --target out",
                    ));
                }
                let options = super::endpoint::options(arguments)?;
                // What is known of a stranger is known of one address only, and kept nowhere.
                let key = super::endpoint::profile_of(arguments)?.name;
                let key = Some(key).filter(|key| key != "generic");
                (
                    options.map_or_else(|| "aws".to_owned(), |options| options.name),
                    key,
                    true,
                    false,
                )
            }
            TargetName::Url(endpoint) => (endpoint.clone(), None, true, false),
            TargetName::Observed(_) => ("observed".to_owned(), None, true, false),
            TargetName::Aws | TargetName::Managed(_) | TargetName::Endpoint { .. } => {
                (String::new(), None, false, false)
            }
            TargetName::Adapter(options) => {
                if let Some(fault) = faults.first() {
                    return Err(Failure::message(
                        Exit::Usage,
                        format!("an adapter has no seeded fault `{fault}`"),
                        "the seeded faults are the emulator's: leave --target out",
                    ));
                }
                let adapter = AdapterTarget::start(adapter(options, arguments)).map_err(|error| {
                    Failure::message(
                        Exit::Target,
                        error,
                        "does the command run by itself, and does it answer one JSON line with one?",
                    )
                })?;
                let hello = adapter.hello();
                let name = format!("{} {}, {}", hello.name, hello.version, options.name);
                (
                    name,
                    Some(hello.name.clone()),
                    adapter.takes_worlds(),
                    adapter.takes_evaluator_cases(),
                )
            }
        };
        let random_evaluator = evaluator && matches!(arguments.target, TargetName::Adapter(_));
        Ok(Self {
            name,
            key,
            worlds,
            evaluator,
            takes_workers: takes_workers(arguments),
            random_evaluator,
            settings: generate::Settings::default(),
            in_process: matches!(arguments.target, TargetName::InProcess),
        })
    }

    /// The cases that are for the target.
    pub(super) fn of(&self, cases: Vec<Case>) -> Vec<Case> {
        let mut cases = cases;
        cases.retain(|case| match case.evaluate {
            Some(_) => self.evaluator,
            None => self.worlds && case.world.is_some(),
        });
        cases
    }

    /// A random case for the target; of both kinds in turn if it takes both.
    pub(super) fn draw(&self, seed: u64, number: u64) -> Result<Drawn, String> {
        if self.random_evaluator && (!self.worlds || number.is_multiple_of(2)) {
            let case = evaluator::generate::from_seed(seed, number).map_err(|discard| discard.to_string())?;
            return Ok(Drawn { case, rehearsal: None });
        }
        let rehearsal = if self.in_process && self.settings.crossings > 0 {
            Rehearsal::unexplained
        } else {
            Rehearsal::new
        };
        let drawn = generate::rehearsed_from_seed(seed, number, &self.settings, rehearsal);
        let (case, rehearsal) = drawn.map_err(|discard| discard.to_string())?;
        Ok(Drawn {
            case,
            rehearsal: Some(rehearsal),
        })
    }
}

/// Whether several cases may run on the target at once.
fn takes_workers(target: &TargetArguments) -> bool {
    #[cfg(feature = "wire")]
    if is_endpoint(target) {
        return super::endpoint::takes_workers(target);
    }
    !matches!(target.target, TargetName::Url(_))
}
