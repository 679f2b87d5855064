//! A few HTTP requests, signed or not, to a fresh emulator: answered, and the same ones alike.
#![no_main]

libfuzzer_sys::fuzz_target!(|input: &[u8]| countersign::fuzzing::HTTP_REQUEST.hold(input));
