//! Judging an outcome by an expectation: what agrees is silent, each difference is told once with its part.
#![forbid(unsafe_code)]

use countersign_model::case::check::{View, expectation, value_at};
use countersign_model::case::{Decision, Expect};
use countersign_model::name::Action;
use countersign_model::outcome::{Check, CheckDecision, PolicySet};
use serde_json::{Value, json};

/// The same denial for every row.
struct Denial {
    output: Value,
    trail: Vec<Value>,
    checks: Vec<Check>,
    stops_at: Action,
}

impl Denial {
    fn new() -> Self {
        Self {
            output: json!({"Grants": [{"GrantId": "abc", "Operations": ["Decrypt"]}], "Policy": "{\"Version\":\"2012-10-17\",\"Statement\":[]}"}),
            trail: vec![json!({"eventName": "Decrypt", "requestParameters": null})],
            checks: vec![
                check("s3:GetObject", "arn:aws:s3:::b/k", CheckDecision::Allow, None),
                check(
                    "kms:Decrypt",
                    "arn:aws:kms:us-east-1:111122223333:key/1",
                    CheckDecision::ImplicitDeny,
                    Some(PolicySet::Identity),
                ),
            ],
            stops_at: Action::new("kms:Decrypt").expect("an action"),
        }
    }

    fn view(&self) -> View<'_> {
        View {
            decision: Some(Decision::Deny),
            code: Some(Some("AccessDenied")),
            status: Some(403),
            message: Some(Some("User:  a is\n not authorized")),
            output: Some(Some(&self.output)),
            trail: Some(&self.trail),
            checks: Some(&self.checks),
            stops_at: Some(Some(&self.stops_at)),
            unchanged: Some(true),
        }
    }
}

fn check(action: &str, resource: &str, decision: CheckDecision, blamed: Option<PolicySet>) -> Check {
    Check {
        action: Action::new(action).expect("an action"),
        resource: resource.to_owned(),
        caller: "arn:aws:iam::111122223333:user/a".to_owned(),
        via: None,
        decision,
        blamed,
        failed: blamed.into_iter().collect(),
        gates: Vec::new(),
        statements: Vec::new(),
        rules: Default::default(),
        message: None,
    }
}

/// Expectation, and the parts that differ.
fn table() -> Vec<(Value, Vec<&'static str>)> {
    let both = json!([{"action": "kms:Decrypt", "decision": "implicit_deny"}, {"action": "s3:getobject", "decision": "allow"}]);
    vec![
        (json!({}), vec![]),
        (
            json!({"decision": "deny", "code": "AccessDenied", "status": 403, "unchanged": true, "stops_at": "kms:Decrypt"}),
            vec![],
        ),
        (json!({"code": ["Other", "AccessDenied"]}), vec![]),
        (
            json!({"decision": "allow", "status": 400, "unchanged": false}),
            vec!["decision", "status", "unchanged"],
        ),
        (
            json!({"code": ["Other"], "stops_at": "s3:GetObject"}),
            vec!["code", "stops_at"],
        ),
        (json!({"message": "User: a is not authorized"}), vec![]),
        (json!({"message": "User: a is"}), vec!["message"]),
        (json!({"message": {"prefix": "User: a is"}}), vec![]),
        (json!({"message": {"prefix": "a is"}}), vec!["message"]),
        (json!({"message": {"contains": ["not authorized", "a is"]}}), vec![]),
        (
            json!({"message": {"contains": ["not authorized", "nobody"]}}),
            vec!["message"],
        ),
        (json!({"message": "User: {{who}} is not authorized"}), vec![]),
        (json!({"message": "{{unknown}}"}), vec!["message"]),
        (json!({"checks": both}), vec![]),
        (json!({"checks": [both[0]]}), vec!["checks"]),
        (json!({"checks": [both[0], both[1], both[1]]}), vec!["checks"]),
        (
            json!({"checks": [{"action": "kms:Decrypt", "decision": "allow"}, both[1]]}),
            vec!["checks.kms:Decrypt"],
        ),
        (
            json!({"checks": [{"action": "kms:Decrypt", "decision": "implicit_deny", "blamed": "resource"}, both[1]]}),
            vec!["checks.kms:Decrypt.blamed"],
        ),
        (
            json!({"checks": [{"action": "kms:Decrypt", "decision": "implicit_deny", "blamed": {"any_of": ["resource", "identity"]}}, both[1]]}),
            vec![],
        ),
        (
            json!({"checks": [{"action": "kms:Decrypt", "resource": "other", "decision": "implicit_deny"}, both[1]]}),
            vec!["checks", "checks"],
        ),
        (json!({"trail": [{"eventName": "Decrypt"}]}), vec![]),
        (json!({"trail": [{"requestParameters": null}]}), vec![]),
        (json!({"trail": []}), vec!["trail"]),
        (json!({"trail": [{"errorCode": null}]}), vec!["trail.0.errorCode"]),
        (json!({"output": {"Grants": [{"Operations": ["Decrypt"]}]}}), vec![]),
        (json!({"output": {"Grants": []}}), vec!["output.Grants"]),
        (
            json!({"output": {"Grants": [{"GrantId": "xyz"}]}}),
            vec!["output.Grants.0.GrantId"],
        ),
        (json!({"output": {"Policy": {"Version": "2012-10-17"}}}), vec![]),
        (
            json!({"output": {"Policy": {"Version": "2008-10-17"}}}),
            vec!["output.Policy.Version"],
        ),
        (json!({"absent": ["Grants.0.GrantToken", "NextMarker"]}), vec![]),
        (json!({"absent": ["Grants.0.GrantId"]}), vec!["output.Grants.0.GrantId"]),
    ]
}

#[test]
fn differences_are_told_and_only_they() {
    let denial = Denial::new();
    for (form, parts) in table() {
        let expect: Expect = serde_json::from_value(form.clone()).unwrap_or_else(|error| panic!("{form}: {error}"));
        let found = expectation(&expect, &denial.view(), &resolve);
        let told: Vec<&str> = found.iter().map(|mismatch| mismatch.part.as_str()).collect();
        assert_eq!(told, parts, "{form}: {found:?}");
    }
}

#[test]
fn what_a_side_cannot_see_is_not_asserted() {
    for (form, _) in table() {
        let expect: Expect = serde_json::from_value(form.clone()).unwrap_or_else(|error| panic!("{form}: {error}"));
        assert_eq!(expectation(&expect, &View::default(), &resolve), [], "{form}");
    }
}

#[test]
fn paths_lead_through_members_and_lists() {
    let value = json!({"a": {"b": [{"c": 1}, [2, 3]]}});
    assert_eq!(value_at(&value, "a.b.0.c"), Some(&json!(1)));
    assert_eq!(value_at(&value, "a.b.1.1"), Some(&json!(3)));
    for path in ["", "a.x", "a.b.2", "a.b.x", "a.b.-1", "a..b", "a.b.0.c.d"] {
        assert_eq!(value_at(&value, path), None, "{path}");
    }
}

fn resolve(text: &str) -> Result<String, String> {
    if text.contains("{{unknown}}") {
        Err("nothing is named so".to_owned())
    } else {
        Ok(text.replace("{{who}}", "a"))
    }
}
