//! Disputed rules of conditions under their switches, variables in values, conflicting members, operator names.

use serde_json::{Value, json};

use super::conditions::{Has, holds_in, holds_with};
use super::*;
use Has::{List, Nothing, One};

#[test]
fn switches() {
    let with = |quirk: &str, value: Value| {
        let mut settings = Settings::default();
        settings.quirks.set(quirk, &value).expect("a known switch");
        settings
    };
    let on = |quirk: &str| with(quirk, json!(true));
    let off = |quirk: &str| with(quirk, json!(false));
    let any = with("plain_operator_on_multivalued", json!("any"));
    assert!(
        holds_with(&any, "StringEquals", &json!("a"), List(&["a", "b"]), &[]),
        "OQ-25"
    );
    assert!(
        !holds_with(&any, "StringNotEquals", &json!("a"), List(&["a", "b"]), &[]),
        "OQ-25"
    );
    assert!(
        holds_with(&any, "StringNotEquals", &json!("a"), List(&["b"]), &[]),
        "OQ-25"
    );
    let present = on("for_any_value_if_exists_missing");
    for operator in [
        "ForAnyValue:StringEqualsIfExists",
        "ForAnyValue:StringNotEqualsIfExists",
    ] {
        assert!(holds_with(&present, operator, &json!("a"), Nothing, &[]), "CV-103");
        assert!(
            !holds_with(&Settings::default(), operator, &json!("a"), Nothing, &[]),
            "CV-103"
        );
    }
    assert!(
        !holds_with(&present, "ForAnyValue:StringEquals", &json!("a"), Nothing, &[]),
        "CV-93"
    );
    let negated = on("for_any_value_negated_missing");
    for (operator, expected) in [("StringNotEquals", true), ("StringNotEqualsIfExists", false)] {
        let operator = format!("ForAnyValue:{operator}");
        assert_eq!(
            holds_with(&negated, &operator, &json!("a"), Nothing, &[]),
            expected,
            "OQ-22, CV-103"
        );
    }
    let empty = on("empty_value_list_matches");
    assert!(holds_with(&empty, "StringEquals", &json!([]), One("a"), &[]), "OQ-24");
    assert!(
        !holds_with(&empty, "StringEqualsIfExists", &json!([]), One("a"), &[]),
        "C-83"
    );
    let spoiling = on("unresolved_variable_spoils_list");
    let unresolved = json!(["x", "${aws:PrincipalTag/none}"]);
    for (operator, expected) in [("StringEquals", false), ("StringNotEquals", true)] {
        assert_eq!(
            holds_with(&spoiling, operator, &unresolved, One("x"), &[]),
            expected,
            "H2-E9"
        );
    }
    let strict = off("negated_parse_error_matches");
    assert!(
        !holds_with(&strict, "NumericNotEquals", &json!("x"), One("5"), &[]),
        "OQ-21"
    );
    assert!(
        !holds_with(&strict, "NumericNotEquals", &json!("5"), One("x"), &[]),
        "OQ-21"
    );
    assert!(holds_with(&strict, "ArnNotLike", &json!("*"), One("x"), &[]), "C-53");
    let year = off("year_is_epoch");
    assert!(
        !holds_with(
            &year,
            "DateGreaterThan",
            &json!("2024"),
            One("2000-01-01T00:00:00Z"),
            &[]
        ),
        "OQ-19"
    );
    assert!(
        holds_with(
            &on("lone_star_arn_like_matches"),
            "ArnLike",
            &json!("*"),
            One(ROLE_ARN),
            &[]
        ),
        "OQ-23"
    );
    assert!(
        holds_with(
            &on("empty_value_list_matches"),
            "StringEquals",
            &json!([]),
            One("x"),
            &[]
        ),
        "OQ-24"
    );
    assert!(
        holds_with(
            &on("for_any_value_negated_missing"),
            "ForAnyValue:StringNotEquals",
            &json!("a"),
            Nothing,
            &[]
        ),
        "OQ-22"
    );
    let truth = [("aws:ViaAWSService", "true")];
    let variable = json!("${aws:ViaAWSService}");
    assert!(
        !holds_with(&Settings::default(), "Bool", &variable, One("true"), &truth),
        "VV-15"
    );
    assert!(
        holds_with(&on("variables_in_bool"), "Bool", &variable, One("TRUE"), &truth),
        "OQ-20"
    );
    assert!(
        !holds_with(&on("variables_in_bool"), "Bool", &variable, One("false"), &truth),
        "OQ-20"
    );
    let list = json!(["home/", "home/${aws:username}/"]);
    assert!(
        !holds_with(
            &on("unresolved_variable_spoils_list"),
            "StringLike",
            &list,
            One("home/"),
            &[]
        ),
        "OQ-26"
    );
}

#[test]
fn variables_in_values() {
    let settings = Settings::default();
    let tag = json!("${aws:PrincipalTag/t}");
    let holds = |operator: &str, values: &Value, has: Has<'_>, more: &[(&'static str, &str)]| {
        holds_with(&settings, operator, values, has, more)
    };
    assert!(!holds("StringEquals", &tag, One("x"), &[]), "VV-05");
    assert!(holds("StringNotEquals", &tag, One("x"), &[]), "VV-06");
    assert!(holds("StringNotEquals", &tag, Nothing, &[]), "VV-07");
    assert!(
        holds(
            "StringLike",
            &json!(["home/", "home/${aws:username}/"]),
            One("home/"),
            &[]
        ),
        "VV-08"
    );
    assert!(
        !holds("NumericEquals", &tag, One("5"), &[("aws:PrincipalTag/t", "5")]),
        "VV-14"
    );
    assert!(!holds("StringEquals", &json!("${aws:TagKeys}"), One("x"), &[]), "VV-16");
    assert!(
        holds("StringEquals", &tag, One("x"), &[("aws:PrincipalTag/T", "x")]),
        "V-01"
    );
    assert!(
        holds("StringEqualsIgnoreCase", &tag, One("X"), &[("aws:PrincipalTag/t", "x")]),
        "V-02"
    );
    // Errata: substitution comes before splitting.
    let own = json!("arn:aws:iam::${aws:PrincipalAccount}:role/*");
    assert!(holds("ArnLike", &own, One(ROLE_ARN), &[("aws:PrincipalAccount", A)]));
    assert!(!holds("ArnLike", &own, One(ROLE_ARN), &[("aws:PrincipalAccount", B)]));
    assert!(holds(
        "ArnLike",
        &json!("${k2}:role/R"),
        One(ROLE_ARN),
        &[("k2", "arn:aws:iam::111111111111")]
    ));
    assert!(
        !holds(
            "ArnLike",
            &json!("${k2}"),
            One(ROLE_ARN),
            &[("k2", "arn:aws:iam::*:role/R")]
        ),
        "V-12"
    );
}

#[test]
fn conflicting_members_equal_nothing_oq_15() {
    let mut context = Context::new();
    context.add_member("aws:RequestTag/", "ec2", "a");
    context.add_member("aws:RequestTag/", "EC2", "a");
    let holds = |operator: &str| {
        let operator = Operator::parse(operator).expect("a known operator");
        holds_in(
            &Condition::compile(operator, "aws:RequestTag/ec2", vec!["a".into()], true),
            &context,
            &Settings::default(),
        )
    };
    assert!(!holds("StringEquals"));
    assert!(holds("StringNotEquals"));
    assert!(!holds("StringEqualsIfExists"));
    assert!(!holds("ForAllValues:StringEquals"));
}

#[test]
fn operator_names_are_exact() {
    for name in [
        "stringEquals",
        "StringEqual",
        "BoolNotEquals",
        "NumericLike",
        "NullIfExists",
        "ForAllValues:",
        "ForEach:Bool",
        "ForAllValues:ForAnyValue:Bool",
        "IfExists",
        "",
        "StringEqualsIfExistsIfExists",
        "BinaryNotEquals",
    ] {
        assert_eq!(Operator::parse(name), None, "{name}");
    }
    let operator = Operator::parse("ForAnyValue:StringNotLikeIfExists").expect("legal (G-61)");
    assert!(operator.negated && operator.if_exists);
    assert_eq!(operator.quantifier, Some(Quantifier::ForAnyValue));
    assert_eq!(operator.comparison, Comparison::StringLike);
}
