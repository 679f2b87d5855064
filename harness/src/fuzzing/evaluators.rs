//! Evaluator cases made from bytes: by fixed places for speed, by the generator of `countersign evaluator` for the laws.

use arbitrary::Unstructured;
use countersign_model::case::Case;

use super::{FuzzTarget, alike};
use crate::evaluator::ModelEvaluator;
use crate::evaluator::generate::{self, slots};
use crate::laws;

/// The target `evaluator`.
pub const EVALUATOR: FuzzTarget = FuzzTarget {
    name: "evaluator",
    property: "the model and the authorizer answer a case alike: decision, blame, the document that cannot be used",
    check: |input| slots::case(input).map_or(Ok(()), |case| alike(&case)),
    case: |input| named(slots::case(input)?, "fuzzed.evaluator"),
    smallest: |_| None,
};

/// The target `laws`.
pub const LAWS: FuzzTarget = FuzzTarget {
    name: "laws",
    property: "a case of the generator is answered alike, and the model keeps one law on it, which the first byte picks",
    check: keeps_a_law,
    case: |input| named(drawn(input)?.2, "fuzzed.laws"),
    smallest: |_| None,
};

fn named(mut case: Case, id: &str) -> Option<Case> {
    case.id = id.to_owned();
    Some(case)
}

/// Which law, which of its choices, and the case that the rest gives.
fn drawn(input: &[u8]) -> Option<(laws::Law, u64, Case)> {
    let [law, salt, rest @ ..] = input else { return None };
    let laws = laws::all();
    let law = laws[usize::from(*law) % laws.len()];
    let case = generate::case(&mut Unstructured::new(rest)).ok()?;
    Some((law, u64::from(*salt), case))
}

fn keeps_a_law(input: &[u8]) -> Result<(), String> {
    let Some((law, salt, case)) = drawn(input) else {
        return Ok(());
    };
    alike(&case)?;
    match law.hold(&case, salt, &mut ModelEvaluator) {
        Ok((_, None)) => Ok(()),
        Ok((_, Some(violation))) => Err(format!("the model breaks {}: {violation:#?}", law.id)),
        Err(fault) => Err(format!("{}: {fault}", law.id)),
    }
}
