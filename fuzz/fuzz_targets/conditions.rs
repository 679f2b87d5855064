//! One pattern or condition against one request: it holds in both readings or in neither.
#![no_main]

libfuzzer_sys::fuzz_target!(|input: &[u8]| countersign::fuzzing::CONDITIONS.hold(input));
