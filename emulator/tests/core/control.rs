//! The control plane: its rails, case settings, credentials, arranged facts.

use bytes::Bytes;
use countersign_emulator::{Emulator, EmulatorOptions};
use http::Request;
use serde_json::{Value, json};

use crate::support::{A, B, TOKEN, World, allow, root};

fn raw(emulator: &Emulator, host: &str, token: Option<&str>, origin: Option<&str>) -> u16 {
    let mut builder = Request::builder()
        .method("GET")
        .uri("/_countersign/v1/trail")
        .header("host", host);
    if let Some(token) = token {
        builder = builder.header("x-countersign-token", token);
    }
    if let Some(origin) = origin {
        builder = builder.header("origin", origin);
    }
    emulator
        .handle(builder.body(Bytes::new()).expect("a request"))
        .status()
        .as_u16()
}

#[test]
fn the_rails_hold() {
    let world = World::new();
    for (host, token, origin, expected) in [
        ("127.0.0.1:4566", Some(TOKEN), None, 200),
        ("localhost", Some(TOKEN), Some("http://localhost:3000"), 200),
        ("[::1]:80", Some(TOKEN), Some("http://[::1]"), 200),
        ("127.0.0.1:4566", None, None, 403),
        ("127.0.0.1:4566", Some("other"), None, 403),
        ("127.0.0.1:4566", Some(""), None, 403),
        ("evil.example", Some(TOKEN), None, 403),
        ("127.0.0.1.evil.example", Some(TOKEN), None, 403),
        ("127.0.0.1:4566", Some(TOKEN), Some("https://evil.example"), 403),
        ("127.0.0.1:4566", Some(TOKEN), Some("null"), 403),
    ] {
        assert_eq!(
            raw(&world.emulator, host, token, origin),
            expected,
            "{host} {token:?} {origin:?}"
        );
    }
    let without = Emulator::new(EmulatorOptions::new());
    assert_eq!(
        raw(&without, "127.0.0.1", Some(TOKEN), None),
        403,
        "no token, no control plane"
    );
    assert_eq!(raw(&without, "127.0.0.1", None, None), 403);
}

#[test]
fn bad_requests_change_nothing() {
    let world = World::new();
    let refused = |path: &str, body: Value| {
        let (status, answer) = world.control("POST", path, &body);
        assert_eq!(status, 400, "{path} {body}");
        answer["error"].as_str().expect("an error").to_owned()
    };
    assert_eq!(refused("case", json!({ "faults": ["x"] })), "unknown fault `x`");
    assert_eq!(refused("case", json!({ "quirks": { "x": true } })), "unknown quirk `x`");
    refused("case", json!({ "surprise": 1 }));
    refused("case", json!({ "as_of": "yesterday" }));
    refused("case", json!({ "propagation_seconds": -1 }));
    refused("case", json!({ "as_of": "2021-01-01", "faults": ["x"] }));
    refused(
        "credentials",
        json!({ "principal": { "role": { "account": A, "name": "R", "session": "s1" } } }),
    );
    refused(
        "credentials",
        json!({ "principal": { "user": { "account": A, "name": "u" } } }),
    );
    refused("credentials", json!({ "principal": { "root": { "account": "1" } } }));
    refused(
        "credentials",
        json!({ "principal": { "root": { "account": A } }, "source_ip": "here" }),
    );
    refused(
        "credentials",
        json!({ "principal": { "root": { "account": A } }, "vpc_endpoint": "none" }),
    );
    refused("arrange", json!({ "settle": false }));
    refused(
        "arrange",
        json!({ "key": { "account": A, "region": "us-east-1", "key_id": "00000000-0000-4000-8000-000000000000",
                          "state": "Enabled" } }),
    );
    assert_eq!(world.control("POST", "nothing", &json!({})).0, 404);
    // The half-good case above did not turn the clock of the message profile.
    let user = world.user(A, "u", None);
    let (_, message) = world.kms_err(&user, "ListKeys", json!({}));
    assert!(message.contains("because"), "{message}");
}

#[test]
fn reset_wipes_the_world_and_the_case() {
    let world = World::new();
    world.key(A, None);
    let user = world.user(A, "u", None);
    world.case(&json!({ "as_of": "2021-01-01", "faults": ["identity-deny-ignored"], "propagation_seconds": 5 }));
    assert_eq!(world.control("POST", "reset", &Value::Null).0, 204);
    assert_eq!(world.trail(), Vec::<Value>::new());
    assert_eq!(world.kms_ok(&root(A), "ListKeys", json!({}))["Keys"], json!([]));
    assert_eq!(
        world.kms(&user, "ListKeys", json!({})).1["__type"],
        "UnrecognizedClientException"
    );
    let user = world.user(A, "u", None);
    assert!(
        world.kms_err(&user, "ListKeys", json!({})).1.contains("because"),
        "as_of is back to current"
    );
}

#[test]
fn arrival_facts_reach_the_policies() {
    // iam:K-40 … iam:K-46, iam:L-90
    let world = World::new();
    world.case(&json!({ "vpc_endpoints": {
        "open": { "id": "vpce-1", "vpc": "vpc-1", "account": A, "service": "kms", "type": "interface", "policy": null },
        "closed": { "id": "vpce-2", "vpc": "vpc-1", "account": A, "service": "kms", "type": "interface",
                    "policy": json!({ "Version": "2012-10-17", "Statement": [{ "Effect": "Allow", "Principal": "*",
                                      "Action": "kms:ListAliases", "Resource": "*" }] }).to_string() },
    } }));
    let statement = |condition: Value| {
        json!({ "Version": "2012-10-17", "Statement": [{ "Effect": "Allow", "Action": "kms:*", "Resource": "*",
                "Condition": condition }] })
    };
    world.user(
        A,
        "ip",
        Some(&statement(json!({ "IpAddress": { "aws:SourceIp": "203.0.113.0/24" } }))),
    );
    world.user(
        A,
        "vpce",
        Some(&statement(json!({ "StringEquals": { "aws:SourceVpce": "vpce-1" } }))),
    );
    world.user(A, "any", Some(&allow(&["kms:*"], "*")));
    let status = |name: &str, source_ip: Option<&str>, endpoint: Option<&str>| {
        let mut request = json!({ "principal": { "user": { "account": A, "name": name } } });
        if let Some(ip) = source_ip {
            request["source_ip"] = json!(ip);
        }
        if let Some(endpoint) = endpoint {
            request["vpc_endpoint"] = json!(endpoint);
        }
        world.kms(&world.mint(&request), "ListKeys", json!({})).0
    };
    assert_eq!(status("ip", Some("203.0.113.9"), None), 200);
    assert_eq!(status("ip", None, None), 400, "127.0.0.1");
    assert_eq!(
        status("ip", Some("203.0.113.9"), Some("open")),
        400,
        "aws:SourceIp is absent behind an endpoint"
    );
    assert_eq!(status("vpce", None, Some("open")), 200);
    assert_eq!(status("vpce", None, None), 400);
    assert_eq!(status("any", None, Some("closed")), 400, "the endpoint policy");
    assert_eq!(status("any", None, Some("open")), 200);
}

#[test]
fn organizations_limit_members_but_not_the_management_account() {
    // iam:L-11, iam:L-49, iam:K-03
    let world = World::new();
    let deny = json!({ "Version": "2012-10-17",
        "Statement": [{ "Effect": "Deny", "Action": "kms:ListKeys", "Resource": "*" }] })
    .to_string();
    let full = allow(&["*"], "*").to_string();
    let organization = |management: &str| {
        json!({ "organization": { "id": "o-abc123", "management_account": management,
            "root": { "units": { "dev": { "scp": [{ "name": "Full", "document": full },
                                                  { "name": "NoList", "document": deny }],
                                          "accounts": [A] } } } } })
    };
    world.case(&organization(B));
    let user = world.user(A, "u", Some(&allow(&["*"], "*")));
    let (_, message) = world.kms_err(&user, "ListKeys", json!({}));
    assert!(
        message.ends_with("with an explicit deny in a service control policy"),
        "{message}"
    );
    assert_eq!(world.kms(&user, "ListAliases", json!({})).0, 200);
    assert_eq!(
        world.kms(&root(A), "ListKeys", json!({})).0,
        400,
        "iam:L-61: root is bound too"
    );
    world.case(&organization(A));
    assert_eq!(world.kms(&user, "ListKeys", json!({})).0, 200);
    world.case(&json!({ "organization": null }));
    assert_eq!(world.kms(&user, "ListKeys", json!({})).0, 200);
}

#[test]
fn the_trail_is_numbered() {
    let world = World::new();
    world.key(A, None);
    let (_, first) = world.control("GET", "trail?since=0", &Value::Null);
    assert_eq!(first["events"][0]["eventName"], "CreateKey");
    let next = first["next"].as_u64().expect("a number");
    world.kms_ok(&root(A), "ListKeys", json!({}));
    let (_, second) = world.control("GET", &format!("trail?since={next}"), &Value::Null);
    assert_eq!(second["events"].as_array().map(Vec::len), Some(1));
    assert_eq!(second["events"][0]["eventName"], "ListKeys");
    assert_eq!(second["events"][0]["userIdentity"]["type"], "Root");
    assert_eq!(world.control("GET", "trail?since=x", &Value::Null).0, 400);
}
