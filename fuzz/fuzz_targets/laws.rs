//! Bytes as a case of the generator: both readings answer alike, and the model keeps the law that the first byte picks.
#![no_main]

/// Half of an execution would be the C library's malloc.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

libfuzzer_sys::fuzz_target!(|input: &[u8]| countersign::fuzzing::LAWS.hold(input));
