//! Any text as a Case file, as YAML and as JSON.

use countersign_model::case::load::{Syntax, load_all};
use countersign_model::case::{Case, to_json, to_yaml};
use countersign_model::world::World;

use super::{FuzzTarget, alike};

/// Steps of a case that are taken; each is bounded, their number is the file's.
const STEPS: usize = 32;

/// The target `case_file`.
pub const TARGET: FuzzTarget = FuzzTarget {
    name: "case_file",
    property: "any text is a Case or is refused; a Case is the same after it was written; the model takes its steps, both readings \
               answer its requests alike",
    check,
    case: |input| cases(std::str::from_utf8(input).ok()?).pop(),
    smallest: |_| None,
};

fn cases(text: &str) -> Vec<Case> {
    [Syntax::Yaml, Syntax::Json]
        .into_iter()
        .flat_map(|syntax| load_all("input", text, syntax).unwrap_or_default())
        .collect()
}

fn check(input: &[u8]) -> Result<(), String> {
    let Ok(text) = std::str::from_utf8(input) else {
        return Ok(());
    };
    for case in cases(text) {
        written_again(&case)?;
        if case.evaluate.is_some() {
            alike(&case)?;
        } else if let Ok(mut world) = World::new(&case) {
            for step in case.steps.iter().take(STEPS) {
                if world.apply(step).is_err() {
                    break;
                }
            }
        }
    }
    Ok(())
}

fn written_again(case: &Case) -> Result<(), String> {
    let texts = [(Syntax::Yaml, to_yaml(case)), (Syntax::Json, to_json(case))];
    for (syntax, text) in texts {
        let text = text.map_err(|error| format!("{syntax:?}: {error}"))?;
        match load_all("written", &text, syntax) {
            Ok(read) if read.as_slice() == std::slice::from_ref(case) => {}
            Ok(read) => {
                return Err(format!(
                    "{syntax:?}: another case after it was written:\n{text}\n{case:#?}\n{read:#?}"
                ));
            }
            Err(error) => return Err(format!("{syntax:?}: cannot be read again: {error:?}\n{text}")),
        }
    }
    Ok(())
}
