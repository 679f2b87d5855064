//! Bytes as an evaluator case by fixed places: the model and the emulator's authorizer answer alike.
#![no_main]

/// Half of an execution would be the C library's malloc.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

libfuzzer_sys::fuzz_target!(|input: &[u8]| countersign::fuzzing::EVALUATOR.hold(input));
