//! Worlds and steps made from bytes, on the emulator in process through the AWS SDKs: it does what the model says at every step.
#![no_main]

libfuzzer_sys::fuzz_target!(|input: &[u8]| countersign::fuzzing::WORLD.hold(input));
