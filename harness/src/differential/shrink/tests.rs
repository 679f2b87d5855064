//! What shrinking leaves is small, fails still, and is the same every time.

use super::removals::removals;
use super::simplifications::simplifications;
use super::tree::{Segment, remove, replace};
use super::{Need, needs, shrink};
use countersign_model::case::Case;
use serde_json::{Value, json};

fn sample() -> Case {
    let allow = |action: &str| json!({"Effect": "Allow", "Action": [action, "kms:Sign"], "Resource": "*"});
    serde_json::from_value(json!({
        "countersign": 1,
        "id": "sample",
        "origin": {"generator": 1, "seed": 3, "case": 4},
        "as_of": "2025-01-08",
        "world": {
            "region": "us-east-1",
            "accounts": {
                "111122223333": {
                    "users": {
                        "alice": {"policies": {"one": {"Version": "2012-10-17", "Statement": [allow("kms:Decrypt"), allow("kms:Encrypt")]}},
                                  "tags": {"team": "a"}},
                        "bob": {},
                    },
                    "keys": {"k": {"aliases": ["alias/a", "alias/b"], "grants": {"g": {"Operations": ["Decrypt", "Encrypt"]}}}},
                },
                "444455556666": {"roles": {"r": {}}},
            },
        },
        "steps": [
            {"as": {"user": "alice"}, "call": "kms:Encrypt", "with": {"KeyId": "{{key.k.arn}}", "Plaintext": {"text": "long text"}}, "save": {"c": "CiphertextBlob"}},
            {"as": {"role": "r", "session": "s"}, "call": "kms:Decrypt", "with": {"CiphertextBlob": "{{saved.c}}"}},
            {"advance": "10m"},
            {"as": {"user": "bob"}, "call": "kms:DescribeKey", "with": {"KeyId": "{{key.k.arn}}"}},
            {"as": {"user": "alice"}, "call": "kms:Decrypt", "with": {"CiphertextBlob": "{{saved.c}}"}},
        ],
    }))
    .expect("the sample is a case")
}

fn text(case: &Case) -> String {
    serde_json::to_string(case).expect("a case has a JSON form")
}

#[test]
fn what_is_left_is_what_the_predicate_needs() {
    let shrunk = shrink(&sample(), 10_000, |case| {
        let text = text(case);
        text.contains("kms:Encrypt\",\"kms:Sign")
            && text.contains("\"call\":\"kms:Decrypt\"")
            && text.contains("alias/b")
    });
    assert!(shrunk.minimal);
    let text = text(&shrunk.case);
    for gone in [
        "444455556666",
        "bob",
        "alias/a",
        "as_of",
        "advance",
        "DescribeKey",
        "long text",
        "team",
        "grants",
        "[\"kms:Decrypt\"",
    ] {
        assert!(!text.contains(gone), "{gone} is still there: {text}");
    }
    assert_eq!(shrunk.case.steps.len(), 1);
    assert_eq!(shrunk.case.id, "sample.shrunk");
    assert!(text.contains("\"shrunk_from\":\"sample\""), "{text}");
}

#[test]
fn the_result_is_one_minimal_over_every_removal_and_simplification() {
    let holds = |case: &Case| {
        let text = text(case);
        text.matches("kms:").count() >= 4
            && text.contains("{{saved.c}}")
            && text.contains("\"save\"")
            && text.contains("Condition").eq(&false)
    };
    let shrunk = shrink(&sample(), 10_000, holds);
    assert!(shrunk.minimal && holds(&shrunk.case));
    let tree = serde_json::to_value(&shrunk.case).expect("a case has a JSON form");
    let mut tried = 0;
    for path in removals(&tree) {
        let mut smaller = tree.clone();
        assert!(remove(&mut smaller, &path));
        if let Ok(case) = serde_json::from_value::<Case>(smaller) {
            tried += 1;
            assert!(case == shrunk.case || !holds(&case), "{path:?} can still go");
        }
    }
    for (path, simple) in simplifications(&tree) {
        let mut simpler = tree.clone();
        assert!(replace(&mut simpler, &path, simple));
        assert!(
            !serde_json::from_value::<Case>(simpler).is_ok_and(|case| case != shrunk.case && holds(&case)),
            "{path:?}"
        );
    }
    assert!(tried > 0, "nothing was tried");
}

#[test]
fn a_named_thing_goes_with_all_that_speaks_of_it() {
    // Neither the key nor the steps on it can go alone: a step without its key would be no case for this predicate.
    let holds = |case: &Case| {
        let text = text(case);
        let keys_and_users_agree = text.contains("\"keys\"") == text.contains("{{key.k.arn}}");
        keys_and_users_agree && text.contains("{{saved.c}}") == text.contains("\"save\"")
    };
    let shrunk = shrink(&sample(), 10_000, holds);
    assert!(shrunk.minimal);
    let text = text(&shrunk.case);
    assert!(!text.contains("key.k") && !text.contains("saved.c"), "{text}");
}

#[test]
fn shrinking_is_deterministic_and_keeps_to_its_budget() {
    let predicate = |case: &Case| case.steps.len() >= 2 && text(case).contains("alice");
    let first = shrink(&sample(), 10_000, predicate);
    assert_eq!(first, shrink(&sample(), 10_000, predicate));
    let mut asked = 0;
    let short = shrink(&sample(), 7, |case| {
        asked += 1;
        predicate(case)
    });
    assert!(!short.minimal);
    assert_eq!((short.evaluations, asked), (7, 7));
}

#[test]
fn a_case_that_cannot_shrink_is_left_alone() {
    let shrunk = shrink(&sample(), 10_000, |_| false);
    assert!(shrunk.minimal);
    assert_eq!(shrunk.case, sample());
}

#[test]
fn every_listed_kind_of_part_is_a_removal() {
    let tree: Value = serde_json::to_value(sample()).expect("a case has a JSON form");
    let paths: Vec<String> = removals(&tree)
        .into_iter()
        .map(|path| {
            path.iter()
                .map(|segment| match segment {
                    Segment::Member(name) => name.clone(),
                    Segment::Entry(index) => index.to_string(),
                })
                .collect::<Vec<_>>()
                .join("/")
        })
        .collect();
    let account = "world/accounts/111122223333";
    for wanted in [
        "steps/2".to_owned(),
        "as_of".to_owned(),
        account.to_owned(),
        format!("{account}/users"),
        format!("{account}/users/alice"),
        format!("{account}/users/alice/policies/one"),
        format!("{account}/users/alice/policies/one/Statement/1"),
        format!("{account}/users/alice/policies/one/Statement/0/Action/0"),
        format!("{account}/keys/k/grants/g"),
        format!("{account}/keys/k/grants/g/Operations/1"),
        format!("{account}/keys/k/aliases/0"),
        "steps/0/with/Plaintext".to_owned(),
        "steps/1/as/session".to_owned(),
    ] {
        assert!(paths.contains(&wanted), "{wanted} is not among {paths:#?}");
    }
    for kept in ["id", "origin", "steps", "steps/0/as", "steps/0/call"] {
        assert!(!paths.iter().any(|path| path == kept), "{kept} may not go");
    }
}

#[test]
fn what_could_be_anything_is_told_from_what_is_needed() {
    let case: Case = serde_json::from_value(json!({
        "countersign": 1,
        "id": "sample",
        "world": {"accounts": {"111122223333": {
            "users": {"alice": {"policies": {"one": {"Version": "2012-10-17", "Statement": {"Effect": "Allow", "Action": "kms:Decrypt", "Resource": "*"}}}}, "bob": {}},
            "keys": {"k": {}},
        }}},
        "steps": [{"as": {"user": "alice"}, "call": "kms:DescribeKey", "with": {"KeyId": "{{key.k.arn}}"}}],
    }))
    .expect("the sample is a case");
    // It matters that something is allowed and that alice asks; which action is asked and allowed does not.
    let holds = |case: &Case| {
        let text = text(case);
        text.contains("\"Effect\":\"Allow\"")
            && text.contains("\"user\":\"alice\"")
            && !text.contains("\"Resource\":\"*x\"")
            && text.contains("{{key.k.arn}}\"")
    };
    let parts = needs(&case, 1_000, holds);
    let need = |path: &str| parts.iter().find(|part| part.path == path).map(|part| part.need);
    let policy = "world.accounts.111122223333.users.alice.policies.one";
    for (path, expected) in [
        ("steps[0].as.user".to_owned(), Some(Need::Needed)),
        ("steps[0].call".to_owned(), Some(Need::Anything)),
        ("steps[0].with.KeyId".to_owned(), Some(Need::Needed)),
        (format!("{policy}.Statement.Effect"), Some(Need::Needed)),
        (format!("{policy}.Statement.Action"), Some(Need::Anything)),
        (format!("{policy}.Version"), Some(Need::Anything)),
        ("id".to_owned(), None),
    ] {
        assert_eq!(need(&path), expected, "{path} in {parts:#?}");
    }
    // What was tried and still fails is listed; a spent budget leaves the rest out.
    let call = parts.iter().find(|part| part.path == "steps[0].call").expect("listed");
    assert!(call.also.contains(&json!("kms:Decrypt")), "{call:?}");
    let mut asked = 0;
    let few = needs(&case, 3, |case| {
        asked += 1;
        holds(case)
    });
    assert!(asked == 3 && few.len() < parts.len(), "{asked} {few:#?}");
}

#[test]
fn names_become_short_wherever_they_stand() {
    let case: Case = serde_json::from_value(json!({
        "countersign": 1,
        "id": "sample",
        "world": {"accounts": {"111122223333": {
            "users": {"administrator": {}, "u": {}},
            "keys": {"production": {"policy": {"Version": "2012-10-17", "Statement": {"Effect": "Allow", "Principal": {"AWS": "{{user.administrator.arn}}"}, "Action": "kms:*", "Resource": "*"}}}},
        }}},
        "steps": [{"as": {"user": "administrator"}, "call": "kms:DescribeKey", "with": {"KeyId": "{{key.production.arn}}"}}],
    }))
    .expect("the sample is a case");
    // Who asks is a user, whom the key names; the key is there; and the second user may not go.
    let holds = |case: &Case| {
        let tree = serde_json::to_value(case).expect("a case has a JSON form");
        let account = &tree["world"]["accounts"]["111122223333"];
        let asker = tree["steps"][0]["as"]["user"].as_str().unwrap_or_default();
        let key = tree["steps"][0]["with"]["KeyId"].as_str().unwrap_or_default();
        let name = key.trim_start_matches("{{key.").trim_end_matches(".arn}}");
        account["users"].get("u").is_some()
            && account["users"].get(asker).is_some()
            && asker != "u"
            && account["keys"][name]
                .to_string()
                .contains(&format!("{{{{user.{asker}.arn}}}}"))
    };
    let shrunk = shrink(&case, 10_000, holds);
    let text = text(&shrunk.case);
    assert!(shrunk.minimal);
    for there in [
        "\"u2\":{",
        "{{user.u2.arn}}",
        "\"user\":\"u2\"",
        "\"k\":{",
        "{{key.k.arn}}",
    ] {
        assert!(text.contains(there), "{there} is not in {text}");
    }
}
