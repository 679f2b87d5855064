//! Any text as a policy of every kind: both readings answer or refuse in bounded time, never panic, and agree on whether it can be saved
//! and whether it can be used. No decision is compared here.
#![no_main]

use countersign::policy_texts::differences;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    let Ok(text) = std::str::from_utf8(bytes) else { return };
    let differences = differences(text);
    assert!(differences.is_empty(), "{differences:#?}");
});
