//! Bytes as a case of the generator: both readings answer alike, and the model keeps the law that the first byte picks.
#![no_main]

libfuzzer_sys::fuzz_target!(|input: &[u8]| countersign::fuzzing::fuzz("laws", input));
