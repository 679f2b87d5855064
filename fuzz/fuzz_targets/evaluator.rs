//! Bytes as an evaluator case, by the generator that serves seeds too: the model and the emulator's authorizer answer alike, and keep
//! every law. A crash is a case; `countersign::evaluator::generate::case` makes it from the bytes again.
#![no_main]

use arbitrary::Unstructured;
use countersign::evaluator::finding::Disagreement;
use countersign::evaluator::{EmulatorEvaluator, ModelEvaluator, generate};
use countersign::laws;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    let Ok(case) = generate::case(&mut Unstructured::new(bytes)) else {
        return;
    };
    let mut emulator = EmulatorEvaluator::default();
    if let Some(found) = Disagreement::of(&case, &mut ModelEvaluator, &mut emulator) {
        let text = serde_json::to_string(&case.evaluate).unwrap_or_default();
        panic!("{}: {text}", found.class());
    }
    let salt = bytes.first().map_or(0, |byte| u64::from(*byte));
    for law in laws::all() {
        let held = law.hold(&case, salt, &mut ModelEvaluator);
        assert!(matches!(held, Ok((_, None))), "the model breaks {}: {held:#?}", law.id);
    }
});
