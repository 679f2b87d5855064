//! Each seeded fault of the services changes what its story says. One row a fault: what is done in a world, and what
//! comes of it without and with the fault. The rows are in the sub-modules; the faults of the authorizer have theirs
//! beside it.

mod context;
mod encryption;
mod keys;
mod policies;
mod requests;
mod storage;

use countersign_emulator::fault::{FAULTS, Tier};
use serde_json::{Value, json};

use crate::cloud::{A, Cloud, Keys, Reply, allow};

/// What is done and what comes of it: a status, or 0 and 1 for no and yes.
struct Row {
    fault: &'static str,
    run: fn(&Cloud) -> u16,
    right: u16,
    wrong: u16,
}

const fn row(fault: &'static str, run: fn(&Cloud) -> u16, right: u16, wrong: u16) -> Row {
    Row {
        fault,
        run,
        right,
        wrong,
    }
}

const TABLES: &[&[Row]] = &[
    context::ROWS,
    policies::ROWS,
    keys::ROWS,
    encryption::ROWS,
    storage::ROWS,
    requests::ROWS,
];

/// Faults whose tests stand with the behaviour they break: `core/kms_faults`, `access::tests`.
const ELSEWHERE: &[&str] = &[
    "service-principal-has-principal-arn",
    "request-alias-absent",
    "lockout-check-skipped",
    "alias-key-unasked",
    "re-encrypt-destination-unchecked",
    "child-grant-unlimited",
    "grant-token-ignored",
    "key-policy-retire-grant-counts",
    "cancelled-deletion-enables",
];

fn rows() -> impl Iterator<Item = &'static Row> {
    TABLES.iter().copied().flatten()
}

/// `None` where the set-up fails.
fn outcome(row: &Row, faults: &Value) -> Option<u16> {
    let run = || {
        let cloud = Cloud::new();
        cloud.case(&json!({ "faults": faults }));
        (row.run)(&cloud)
    };
    std::panic::catch_unwind(run).ok()
}

#[test]
fn each_fault_changes_the_outcome_of_its_row() {
    let mut wrong = Vec::new();
    for row in rows() {
        let found = (outcome(row, &json!([])), outcome(row, &json!([row.fault])));
        if found != (Some(row.right), Some(row.wrong)) {
            wrong.push(format!(
                "{}: {found:?}, expected {:?}",
                row.fault,
                (row.right, row.wrong)
            ));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn every_fault_of_the_services_has_a_row() {
    for entry in FAULTS.iter().filter(|entry| entry.tier != Tier::Authorizer) {
        let has_row = rows().any(|row| row.fault == entry.id) || ELSEWHERE.contains(&entry.id);
        assert!(has_row, "{}", entry.id);
    }
}

/// Every rule that a fault breaks looks like one of the two rule books, and its story is one sentence.
#[test]
fn entries_are_well_formed() {
    for entry in FAULTS {
        let (book, rule) = entry.rule.split_once(':').expect("a rule book and a rule");
        assert!(matches!(book, "iam" | "svc"), "{}", entry.rule);
        assert!(rule.contains('-'), "{}", entry.rule);
        assert!(!entry.story.ends_with('.') && !entry.story.is_empty(), "{}", entry.id);
        assert!(entry.class.is_none_or(|class| !class.is_empty()), "{}", entry.id);
    }
}

/// A user of account A with statements.
fn user(cloud: &Cloud, statements: &Value) -> Keys {
    cloud.user(A, "U", statements)
}

/// One Allow of `action` on everything, under a condition.
fn allow_if(action: &str, condition: &Value) -> Value {
    json!([{ "Effect": "Allow", "Action": action, "Resource": "*", "Condition": condition }])
}

/// One Allow of actions on everything.
fn may(actions: &[&str]) -> Value {
    json!([allow(&json!(actions), &json!("*"))])
}

/// A bucket of account A with the object `k`.
fn stored(cloud: &Cloud) -> Keys {
    let root = cloud.bucket(A, "bucket");
    cloud.s3_with(&root, "PUT", "/bucket/k", &[], "text").ok();
    root
}

/// Whether a reply is an error of that name.
fn is_error(reply: &Reply, name: &str) -> u16 {
    u16::from(reply.text().contains(name))
}

/// Ciphertext of the account's root user under a key.
fn sealed(cloud: &Cloud, key: &str) -> Value {
    let body = json!({ "KeyId": key, "Plaintext": "eA==" });
    cloud.kms(&cloud.root(A), "Encrypt", &body).ok().json()["CiphertextBlob"].clone()
}

/// Status of an Encrypt.
fn encrypt(cloud: &Cloud, who: &Keys, key: &str) -> u16 {
    cloud
        .kms(who, "Encrypt", &json!({ "KeyId": key, "Plaintext": "eA==" }))
        .status
}
