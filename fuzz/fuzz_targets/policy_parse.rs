//! Any text as a policy of every kind: both readings answer or refuse in bounded time, never panic, agree on what can be saved and what
//! can be used, and can use whatever they would save. No decision is compared here.
#![no_main]

use countersign::policy_texts::{differences, unsound};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    let Ok(text) = std::str::from_utf8(bytes) else { return };
    let found = unsound(text);
    assert!(found.is_empty(), "{found:#?}");
    let differ = differences(text);
    assert!(differ.is_empty(), "{differ:#?}");
});
