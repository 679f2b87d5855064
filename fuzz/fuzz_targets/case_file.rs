//! Any text as a Case file: refused or read, the same after it was written, and taken by the model without a panic.
#![no_main]

libfuzzer_sys::fuzz_target!(|input: &[u8]| countersign::fuzzing::CASE_FILE.hold(input));
