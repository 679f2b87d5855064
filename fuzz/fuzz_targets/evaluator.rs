//! Bytes as an evaluator case by fixed places: the model and the emulator's authorizer answer alike.
#![no_main]

libfuzzer_sys::fuzz_target!(|input: &[u8]| countersign::fuzzing::fuzz("evaluator", input));
