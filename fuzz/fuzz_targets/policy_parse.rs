//! Any text as a policy of every kind: answered or refused in bounded time, alike by both readings, never with a panic.
#![no_main]

libfuzzer_sys::fuzz_target!(|input: &[u8]| countersign::fuzzing::POLICY_PARSE.hold(input));
