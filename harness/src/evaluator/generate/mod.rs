//! Random evaluator cases: bytes in, Case out. A request that is allowed by one route, on which up to three facts are then changed.
//!
//! `scene` draws who asks for what, `policies` writes a route by which it is allowed and the guard rails around it, `breakage` changes
//! facts; `stage` sets up near misses that would seldom come about by themselves, and `written` changes facts of the corpus. Nothing here decides anything.

mod breakage;
mod condition;
mod edges;
mod near;
mod policies;
mod scene;
pub(crate) mod slots;
mod stage;
mod statement;
mod text;
mod vocabulary;
mod written;

use arbitrary::Unstructured;
use countersign_model::case::{Case, EvaluatorCase, Origin};
use rand_chacha::ChaCha8Rng;
use rand_chacha::rand_core::{Rng, SeedableRng};

use crate::generate::dice::Dice;
use vocabulary::SWITCHES;

/// Version of the generator: it changes whenever the same bytes give another case.
pub const GENERATOR: u32 = 5;

/// Bytes behind one seeded case, more than a case draws.
const SEED_BYTES: usize = 4 * 1024;

/// Weights of how many facts are changed: none, one, two, three.
const CHANGES: &[(u32, u32)] = &[(30, 0), (40, 1), (20, 2), (10, 3)];

/// Weights of how many facts are changed on a stage, where one is off already.
const STAGE_CHANGES: &[(u32, u32)] = &[(75, 0), (25, 1)];

/// In how many of a hundred cases the scene is set for one near miss.
const STAGED: u8 = 34;

/// How many of a hundred cases are a question of the corpus with other facts.
const WRITTEN: u8 = 6;

/// In how many of a hundred cases a disputed rule is read the other way.
const SWITCHED: u8 = 8;

/// Why bytes gave no case. Discards are counted and are never findings.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Discard {
    /// The bytes ran out before the case was complete.
    #[error("exhausted")]
    Exhausted,
    /// The generator wrote a name that is not of its kind.
    #[error("malformed")]
    Malformed,
}

/// Makes a case from bytes. The same bytes give the same case everywhere.
///
/// # Errors
/// [`Discard`] when the bytes give no case.
pub fn case(bytes: &mut Unstructured<'_>) -> Result<Case, Discard> {
    let mut dice = Dice::new(bytes);
    let dice = &mut dice;
    if dice.percent(WRITTEN)
        && let Some(case) = written::draw(dice)
    {
        return if dice.exhausted() {
            Err(Discard::Exhausted)
        } else {
            Ok(case)
        };
    }
    let staged = dice.percent(STAGED);
    let (mut scene, policies, grants) = if staged {
        stage::draw(dice)
    } else {
        let scene = scene::Scene::draw(dice);
        let (policies, grants) = policies::allowed(dice, &scene);
        (scene, policies, grants)
    };
    let mut evaluate = EvaluatorCase {
        request: Some(scene.request(dice).ok_or(Discard::Malformed)?),
        requests: Vec::new(),
        policies,
        grants,
        ..EvaluatorCase::default()
    };
    for _ in 0..dice.weighted(if staged { STAGE_CHANGES } else { CHANGES }) {
        breakage::change(dice, &mut scene, &mut evaluate);
    }
    let mut case = blank();
    if dice.percent(SWITCHED) {
        let (name, value) = *dice.pick(SWITCHES);
        let value = serde_json::from_str(value).map_err(|_| Discard::Malformed)?;
        case.quirks.insert(name.to_owned(), value);
    }
    if dice.exhausted() {
        return Err(Discard::Exhausted);
    }
    case.evaluate = Some(evaluate);
    Ok(case)
}

/// The case of a seed and a number under it: any shard can make any case.
///
/// # Errors
/// [`Discard`], as for [`case`].
pub fn from_seed(seed: u64, number: u64) -> Result<Case, Discard> {
    let bytes = seed_bytes(seed, number);
    let mut case = case(&mut Unstructured::new(&bytes))?;
    case.id = format!("generated.evaluator.s{seed}.c{number}");
    case.origin = Some(Origin::Generated {
        generator: GENERATOR,
        seed,
        case: Some(number),
        shrunk_from: None,
    });
    Ok(case)
}

/// The bytes behind a seeded case: ChaCha8 keyed by seed and number; the tag keeps them apart from the cases with a world.
fn seed_bytes(seed: u64, number: u64) -> Vec<u8> {
    let mut key = [0; 32];
    key[..8].copy_from_slice(&seed.to_le_bytes());
    key[8..16].copy_from_slice(&number.to_le_bytes());
    key[16..25].copy_from_slice(b"evaluator");
    let mut generator = ChaCha8Rng::from_seed(key);
    let mut bytes = vec![0; SEED_BYTES];
    generator.fill_bytes(&mut bytes);
    bytes
}

/// The actions that generated cases are about.
pub(crate) fn known_actions() -> impl Iterator<Item = &'static str> {
    vocabulary::PAIRS.iter().map(|pair| pair.action)
}

/// A case without anything in it.
pub(crate) fn blank() -> Case {
    Case {
        schema: None,
        countersign: 1,
        id: "generated.evaluator".to_owned(),
        title: None,
        source: Vec::new(),
        evidence: None,
        rules: Vec::new(),
        origin: None,
        as_of: None,
        quirks: Default::default(),
        world: None,
        steps: Vec::new(),
        evaluate: None,
        expect: None,
    }
}
