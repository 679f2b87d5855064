//! The generator: bytes in, Case out. One generator serves seeds, property tests and fuzzing, for they all give it bytes.
//!
//! Every case is built from a path that is allowed (a caller, a call, an allow source) on which a few things are then broken.
//! `settings` says how often; `scene` holds the world in the making, `cast` creates what is in it; `story` tells who does what; `permit` and `breakage` write the
//! policies; `finish` renders the Case. Nothing here decides anything: what must come of a case is the model's business.

mod aim;
mod breakage;
mod cast;
pub(crate) mod dice;
mod fact;
mod finish;
mod noise;
mod permit;
mod request;
mod scene;
mod settings;
mod statement;
mod story;
mod vocabulary;
mod writing;

use arbitrary::Unstructured;
use countersign_model::case::{Case, Origin};
use countersign_model::world::{ReferenceError, StepError, World, WorldError};
use rand_chacha::ChaCha8Rng;
use rand_chacha::rand_core::{Rng, SeedableRng};

use crate::differential::Rehearsal;

#[cfg(feature = "wire")]
pub(crate) use finish::ENDPOINT;
pub use settings::Settings;

/// Version of the generator: it changes whenever the same bytes give another case.
pub const GENERATOR: u32 = 7;

/// Bytes behind one seeded case. Far more than a case draws, since exhausted bytes would decode to trivial worlds.
pub const SEED_BYTES: usize = 16 * 1024;

/// Most steps of a case that cross its callers and its requests: so many find their bytes among those of a seed.
pub const MOST_CROSSINGS: u32 = 500;

/// Why bytes gave no case. Discards are counted by name and are never findings; the text of one is its name alone.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Discard {
    /// The bytes ran out before the case was complete.
    #[error("exhausted")]
    Exhausted,
    /// No story came about, or no step of it could be taken.
    #[error("no_steps")]
    NoSteps,
    /// The generator wrote something that is not of its kind.
    #[error("malformed")]
    Malformed,
    /// No sequence of permitted API calls reaches the world.
    #[error("unsavable")]
    Unsavable {
        /// What cannot be saved.
        what: String,
        /// Why.
        why: String,
    },
    /// The model does not take the world for another reason: a fault of the generator.
    #[error("no_world")]
    NoWorld {
        /// The model's words.
        why: String,
    },
    /// The model does not take a step: a fault of the generator.
    #[error("bad_step")]
    BadStep {
        /// The step.
        step: String,
        /// The model's words.
        why: String,
    },
}

impl Discard {
    /// The name under which it is counted.
    pub fn reason(&self) -> &'static str {
        match self {
            Self::Exhausted => "exhausted",
            Self::NoSteps => "no_steps",
            Self::Malformed => "malformed",
            Self::Unsavable { .. } => "unsavable",
            Self::NoWorld { .. } => "no_world",
            Self::BadStep { .. } => "bad_step",
        }
    }

    /// What stood in the way, for the one who mends the generator.
    pub fn detail(&self) -> String {
        match self {
            Self::Exhausted => "the bytes ran out".to_owned(),
            Self::NoSteps => "no story came about".to_owned(),
            Self::Malformed => "a name is not of its kind".to_owned(),
            Self::Unsavable { what, why } => format!("`{what}` cannot be saved: {why}"),
            Self::NoWorld { why } => why.clone(),
            Self::BadStep { step, why } => format!("{step}: {why}"),
        }
    }
}

/// Makes a case from bytes. The same bytes and settings give the same case everywhere.
///
/// # Errors
/// [`Discard`] when the bytes give no case, or one whose world cannot be.
pub fn case(bytes: &mut Unstructured<'_>, settings: &Settings) -> Result<Case, Discard> {
    rehearsed(bytes, settings, Rehearsal::new).map(|(case, _)| case)
}

/// As [`case`], with the model's way through it.
fn rehearsed(
    bytes: &mut Unstructured<'_>,
    settings: &Settings,
    rehearsal: fn(World) -> Rehearsal,
) -> Result<(Case, Rehearsal), Discard> {
    let mut case = draft(bytes, settings)?;
    let mut rehearsal = match World::new(&case) {
        Ok(world) => rehearsal(world),
        Err(WorldError::Unsavable { what, why }) => return Err(Discard::Unsavable { what, why }),
        Err(error) => return Err(Discard::NoWorld { why: error.to_string() }),
    };
    let mut steps = Vec::with_capacity(case.steps.len());
    let mut world = rehearsal.world().clone();
    rehearsal.reserve(case.steps.len());
    for step in std::mem::take(&mut case.steps) {
        match world.take(&step) {
            Ok((resolved, outcome)) => {
                rehearsal.push(resolved, outcome);
                steps.push(step);
            }
            // The step that should have saved the value was denied: what hangs on it cannot be said.
            Err(StepError::Reference(ReferenceError::NotSaved(_))) => {}
            Err(error) => {
                let step = step.name().unwrap_or("a step").to_owned();
                return Err(Discard::BadStep {
                    step,
                    why: error.to_string(),
                });
            }
        }
    }
    if steps.is_empty() {
        return Err(Discard::NoSteps);
    }
    case.steps = steps;
    Ok((case, rehearsal))
}

/// The case of a seed and a number under it, with the default settings.
///
/// # Errors
/// [`Discard`], as for [`case`].
pub fn from_seed(seed: u64, number: u64) -> Result<Case, Discard> {
    from_seed_with(seed, number, &Settings::default())
}

/// The case of a seed and a number under it.
///
/// # Errors
/// [`Discard`], as for [`case`].
pub fn from_seed_with(seed: u64, number: u64, settings: &Settings) -> Result<Case, Discard> {
    rehearsed_from_seed(seed, number, settings, Rehearsal::new).map(|(case, _)| case)
}

/// As [`from_seed_with`], with the model's way through the case, begun by [`Rehearsal::new`] or, for cases of very many steps that mostly
/// agree, by [`Rehearsal::unexplained`].
///
/// # Errors
/// [`Discard`], as for [`case`].
pub fn rehearsed_from_seed(
    seed: u64,
    number: u64,
    settings: &Settings,
    rehearsal: fn(World) -> Rehearsal,
) -> Result<(Case, Rehearsal), Discard> {
    let bytes = seed_bytes(seed, number);
    let (mut case, rehearsal) = rehearsed(&mut Unstructured::new(&bytes), settings, rehearsal)?;
    case.id = format!("generated.s{seed}.c{number}");
    if settings.crossings > 0 {
        case.id.push_str(&format!(".x{}", settings.crossings));
    }
    case.origin = Some(Origin::Generated {
        generator: GENERATOR,
        seed,
        case: Some(number),
        shrunk_from: None,
    });
    Ok((case, rehearsal))
}

/// The bytes behind a seeded case: ChaCha8 keyed by seed and number, so that cases are independent and any shard can make
/// any case.
pub fn seed_bytes(seed: u64, number: u64) -> Vec<u8> {
    let mut key = [0; 32];
    key[..8].copy_from_slice(&seed.to_le_bytes());
    key[8..16].copy_from_slice(&number.to_le_bytes());
    let mut generator = ChaCha8Rng::from_seed(key);
    let mut bytes = vec![0; SEED_BYTES];
    generator.fill_bytes(&mut bytes);
    bytes
}

/// The case before the model has looked at its world.
fn draft(bytes: &mut Unstructured<'_>, settings: &Settings) -> Result<Case, Discard> {
    let mut scene = scene::Scene::new(dice::Dice::new(bytes), settings);
    scene.tell();
    scene.cross();
    scene.finish()
}

#[cfg(test)]
mod tests;
