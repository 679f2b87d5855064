//! The handler is fast enough for fuzzing. Meaningful in release builds only, hence ignored by default.

use std::time::Instant;

use serde_json::json;

use crate::support::{A, Draft, World, allow, root};

const REQUESTS: u32 = 20_000;

#[test]
#[ignore = "a measurement: run with --release -- --ignored"]
fn twenty_thousand_simple_requests_a_second() {
    let world = World::new();
    let user = world.user(A, "u", Some(&allow(&["kms:*"], "*")));
    let key = world.key(A, None);
    let request = |operation: &str, body: serde_json::Value| {
        let mut draft = Draft::post("kms", body.to_string().into_bytes());
        draft
            .headers
            .push(("x-amz-target".to_owned(), format!("TrentService.{operation}")));
        draft.sign(&user)
    };
    for (name, request) in [
        ("DescribeKey", request("DescribeKey", json!({ "KeyId": key }))),
        (
            "Encrypt",
            request("Encrypt", json!({ "KeyId": key, "Plaintext": "c2VjcmV0" })),
        ),
    ] {
        let started = Instant::now();
        for _ in 0..REQUESTS {
            assert_eq!(world.emulator.handle(request.clone()).status(), 200);
        }
        let rate = f64::from(REQUESTS) / started.elapsed().as_secs_f64();
        println!("{name}: {rate:.0} requests/s");
        assert!(rate >= 20_000.0, "{name}: {rate:.0} requests/s");
    }
    assert_eq!(world.kms(&root(A), "ListKeys", json!({})).0, 200);
}
