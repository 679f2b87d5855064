//! What a request costs without a socket: `Emulator::handle` on signed requests, with allocations counted. The same kinds
//! of request as `scripts/bench-emulator`, which adds HTTP.
//!
//! `cargo bench -p countersign-emulator --bench handle`
#![forbid(unsafe_code)]

use bytes::Bytes;
use countersign_emulator::{Emulator, EmulatorOptions};
use divan::{AllocProfiler, Bencher};
use http::Request;
use serde_json::json;

use support::{A, Draft, Keys, NOW, TOKEN, World, allow, root};

#[path = "../tests/core/support.rs"]
#[expect(dead_code, reason = "the driver of the tests, of which a bench needs a part")]
mod support;

#[global_allocator]
static ALLOCATOR: AllocProfiler = AllocProfiler::system();

/// Distinct requests of a kind.
const DISTINCT: usize = 200;
const BUCKET: &str = "/bench";

fn main() {
    divan::main();
}

#[divan::bench]
fn encrypt_by_identity_policy(bencher: Bencher<'_, '_>) {
    let world = world();
    let user = world.user(A, "u", Some(&allow(&["kms:Encrypt"], "*")));
    let key = world.key(A, None);
    cycle(bencher, &world, |number| encrypt(&user, &key, number));
}

#[divan::bench]
fn encrypt_by_grant(bencher: Bencher<'_, '_>) {
    let world = world();
    let user = world.user(A, "u", None);
    let key = world.key(A, None);
    let grant = json!({
        "KeyId": key,
        "GranteePrincipal": format!("arn:aws:iam::{A}:user/u"),
        "Operations": ["Encrypt"],
        "Constraints": { "EncryptionContextSubset": { "tenant": "t-1" } },
    });
    world.kms_ok(&root(A), "CreateGrant", grant);
    cycle(bencher, &world, |number| encrypt(&user, &key, number));
}

#[divan::bench]
fn get_object_sse_s3(bencher: Bencher<'_, '_>) {
    get_object(bencher, None);
}

#[divan::bench]
fn get_object_sse_kms(bencher: Bencher<'_, '_>) {
    get_object(bencher, Some("aws:kms"));
}

fn get_object(bencher: Bencher<'_, '_>, encryption: Option<&str>) {
    let world = world();
    let user = world.user(A, "u", Some(&allow(&["s3:GetObject", "kms:Decrypt"], "*")));
    send(&world, object("PUT", BUCKET, Vec::new()).sign(&root(A)));
    let key = world.key(A, None);
    for number in 0..DISTINCT {
        let mut draft = object("PUT", &path(number), b"a small object".to_vec());
        if let Some(algorithm) = encryption {
            for (name, value) in [("", algorithm), ("-aws-kms-key-id", &key)] {
                let name = format!("x-amz-server-side-encryption{name}");
                draft.headers.push((name, value.to_owned()));
            }
        }
        send(&world, draft.sign(&root(A)));
    }
    cycle(bencher, &world, |number| {
        object("GET", &path(number), Vec::new()).sign(&user)
    });
}

/// The machine's randomness, as a server has it; the clock stands still.
fn world() -> World {
    let emulator = Emulator::new(EmulatorOptions {
        control_token: Some(TOKEN.to_owned()),
        ..EmulatorOptions::new()
    });
    let world = World { emulator };
    world.case(&json!({ "clock": NOW }));
    world
}

fn encrypt(keys: &Keys, key: &str, number: usize) -> Request<Bytes> {
    let body = json!({
        "KeyId": key,
        "Plaintext": "c2VjcmV0",
        "EncryptionContext": { "tenant": "t-1", "order": number.to_string() },
    });
    let mut draft = Draft::post("kms", body.to_string().into_bytes());
    draft
        .headers
        .push(("x-amz-target".to_owned(), "TrentService.Encrypt".to_owned()));
    draft.sign(keys)
}

fn path(number: usize) -> String {
    format!("{BUCKET}/object-{number}")
}

fn object(method: &'static str, path: &str, body: Vec<u8>) -> Draft {
    Draft {
        method,
        path: path.to_owned(),
        ..Draft::post("s3", body)
    }
}

fn send(world: &World, request: Request<Bytes>) {
    let response = world.emulator.handle(request);
    assert_eq!(response.status(), 200, "{:?}", response.body());
}

/// Handles one request after the other; every answer must be 200.
fn cycle(bencher: Bencher<'_, '_>, world: &World, make: impl Fn(usize) -> Request<Bytes>) {
    let requests: Vec<Request<Bytes>> = (0..DISTINCT).map(make).collect();
    let next = std::sync::atomic::AtomicUsize::new(0);
    bencher
        .with_inputs(|| {
            let number = next.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
            requests[number % DISTINCT].clone()
        })
        .bench_values(|request| {
            let response = world.emulator.handle(request);
            assert_eq!(response.status(), 200, "{:?}", response.body());
            response
        });
}
