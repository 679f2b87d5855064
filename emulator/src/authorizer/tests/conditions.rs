//! Condition vectors: `iam:§12.3` and the condition part of `iam:§12.5`.

use serde_json::{Value, json};

use super::*;
use crate::authorizer::asked::Asked;

/// What the key `k` holds in a request.
#[derive(Clone, Copy, Debug)]
pub(super) enum Has<'a> {
    Nothing,
    One(&'a str),
    List(&'a [&'a str]),
}

use Has::{List, Nothing, One};

pub(super) fn holds_in(condition: &Condition, context: &Context, settings: &Settings) -> bool {
    let mut case = case("condition", user());
    (case.context, case.settings) = (context.clone(), *settings);
    condition.holds(&Asked::of(&case.request(), &case.settings))
}

pub(super) fn holds_with(
    settings: &Settings,
    operator: &str,
    values: &Value,
    has: Has<'_>,
    more: &[(&'static str, &str)],
) -> bool {
    let values: Vec<String> = match values {
        Value::Array(items) => items
            .iter()
            .map(|item| item.as_str().expect("texts").to_owned())
            .collect(),
        Value::String(text) => vec![text.clone()],
        other => vec![other.to_string()],
    };
    let mut context = Context::new();
    for (key, value) in more {
        context.set(*key, *value);
    }
    context.set_many("aws:TagKeys", vec!["x".into()]);
    match has {
        Nothing => {}
        One(text) => context.set("k", text),
        List(texts) => context.set_many("k", texts.iter().map(|text| (*text).to_owned()).collect()),
    }
    let operator = Operator::parse(operator).expect("a known operator");
    holds_in(&Condition::compile(operator, "K", values, true), &context, settings)
}

#[track_caller]
fn check(id: &str, operator: &str, values: Value, rows: &[(Has<'_>, bool)]) {
    for (has, expected) in rows {
        let found = holds_with(&Settings::default(), operator, &values, *has, &[]);
        assert_eq!(found, *expected, "{id} {operator} {values} {has:?}");
    }
}

#[test]
fn strings() {
    check(
        "CV-01 CV-02 CV-03",
        "StringEquals",
        json!("iamuser-admin"),
        &[
            (One("iamuser-admin"), true),
            (One("IAMuser-admin"), false),
            (Nothing, false),
        ],
    );
    check("CV-04", "StringEquals", json!(["a", "b"]), &[(One("b"), true)]);
    check(
        "CV-05 CV-06 CV-07",
        "StringNotEquals",
        json!(["a", "b"]),
        &[(One("b"), false), (One("c"), true), (Nothing, true)],
    );
    check("CV-08", "StringNotEqualsIfExists", json!("a"), &[(Nothing, true)]);
    check("CV-09", "StringEqualsIgnoreCase", json!("Prod"), &[(One("pROD"), true)]);
    check(
        "CV-10",
        "StringNotEqualsIgnoreCase",
        json!("Prod"),
        &[(One("PROD"), false)],
    );
    check(
        "CV-11 CV-12",
        "StringEquals",
        json!("a*"),
        &[(One("abc"), false), (One("a*"), true)],
    );
    check(
        "CV-13 CV-14",
        "StringLike",
        json!("a*"),
        &[(One("abc"), true), (One("Abc"), false)],
    );
    check("CV-15", "StringLike", json!("a?c"), &[(One("ac"), false)]);
    check("CV-16", "StringLike", json!("home/*"), &[(One("home/"), true)]);
    check("CV-17", "StringLike", json!("*"), &[(Nothing, false)]);
    check(
        "CV-18",
        "StringNotLike",
        json!("*"),
        &[(One("x"), false), (Nothing, true)],
    );
    check(
        "CV-19",
        "StringLike",
        json!("a${*}"),
        &[(One("a*"), true), (One("ab"), false)],
    );
    check(
        "H2-E15",
        "StringEqualsIgnoreCase",
        json!("Re${*}"),
        &[(One("re*"), true), (One("rex"), false), (One("re${*}"), false)],
    );
    check(
        "CV-20",
        "StringLikeIfExists",
        json!(["t1.*", "t2.*", "m3.*"]),
        &[(One("t1.micro"), true), (One("m2.micro"), false), (Nothing, true)],
    );
    check("CV-21", "StringEquals", json!(""), &[(One(""), true)]);
    check("CV-22", "StringEquals", json!("true"), &[(One("true"), true)]);
    let pattern = "arn:aws:someservice:*:111122223333:finance/*";
    let value = "arn:aws:someservice:us-east-2:999999999999:store/abc:111122223333:finance/document.txt";
    check("CV-23", "StringLike", json!(pattern), &[(One(value), true)]);
    check("CV-24", "ArnLike", json!(pattern), &[(One(value), false)]);
    check("CV-25", "StringEquals", json!("a "), &[(One("a"), false)]);
    check(
        "CV-26",
        "StringEquals",
        json!([]),
        &[(One("x"), false), (Nothing, false)],
    );
    check(
        "CV-27",
        "StringEqualsIfExists",
        json!([]),
        &[(One("x"), false), (Nothing, true)],
    );
    check(
        "C-84",
        "StringNotEquals",
        json!([]),
        &[(One("x"), true), (Nothing, true)],
    );
}

#[test]
fn numbers_dates_booleans_binary() {
    check(
        "CV-30",
        "NumericLessThanEquals",
        json!("10"),
        &[(One("10"), true), (One("11"), false), (Nothing, false)],
    );
    check(
        "CV-31",
        "NumericLessThanEqualsIfExists",
        json!("10"),
        &[(Nothing, true)],
    );
    check("CV-32", "NumericEquals", json!("1.0"), &[(One("1"), true)]);
    check("CV-33", "NumericEquals", json!(["1", "2"]), &[(One("2"), true)]);
    check(
        "CV-34",
        "NumericNotEquals",
        json!("5"),
        &[(One("5"), false), (One("6"), true), (Nothing, true)],
    );
    check("CV-35", "NumericGreaterThan", json!("x"), &[(One("5"), false)]);
    check("CV-36", "NumericNotEquals", json!("x"), &[(One("5"), true)]);
    check(
        "CV-37",
        "NumericGreaterThan",
        json!("3600"),
        &[(One("3601"), true), (Nothing, false)],
    );
    check("CV-38", "NumericGreaterThanIfExists", json!("3600"), &[(Nothing, true)]);
    check("CV-39", "NumericLessThan", json!("0.3"), &[(One("0.30"), false)]);
    check(
        "CV-40",
        "DateGreaterThan",
        json!("2020-04-01T00:00:00Z"),
        &[
            (One("2020-04-01T00:00:01Z"), true),
            (One("2020-04-01T00:00:00Z"), false),
        ],
    );
    check(
        "CV-41",
        "DateLessThan",
        json!("1577836801"),
        &[(One("2020-01-01T00:00:00Z"), true)],
    );
    check(
        "CV-42",
        "DateEquals",
        json!("2020-01-01T00:00:00+01:00"),
        &[(One("2019-12-31T23:00:00Z"), true)],
    );
    check(
        "CV-43",
        "DateEquals",
        json!("2020-01-01"),
        &[
            (One("2020-01-01T00:00:00Z"), true),
            (One("2020-01-01T12:00:00Z"), false),
        ],
    );
    check(
        "CV-44",
        "NumericLessThan",
        json!("1893456000"),
        &[(One("1577836800"), true)],
    );
    check("CV-45", "DateLessThan", json!("2030-01-01"), &[(Nothing, false)]);
    check("CV-46", "DateNotEquals", json!("2030-01-01"), &[(Nothing, true)]);
    check(
        "CV-47",
        "DateGreaterThan",
        json!("2024"),
        &[(One("2000-01-01T00:00:00Z"), true)],
    );
    check(
        "CV-50",
        "Bool",
        json!("true"),
        &[(One("true"), true), (One("false"), false), (Nothing, false)],
    );
    check("CV-51", "BoolIfExists", json!("true"), &[(Nothing, true)]);
    check("CV-52", "Bool", json!(false), &[(One("false"), true)]);
    check("CV-53", "Bool", json!("True"), &[(One("true"), true)]);
    check(
        "CV-54",
        "Bool",
        json!(["true", "false"]),
        &[(One("true"), true), (Nothing, false)],
    );
    check("CV-55", "Bool", json!("false"), &[(Nothing, false)]);
    check("CV-56", "BoolIfExists", json!("false"), &[(Nothing, true)]);
    check("CV-57", "Bool", json!("yes"), &[(One("true"), false)]);
    check(
        "CV-58",
        "BinaryEquals",
        json!("QmluYXJ5VmFsdWVJbkJhc2U2NA=="),
        &[
            (One("QmluYXJ5VmFsdWVJbkJhc2U2NA=="), true),
            (One("BinaryValueInBase64"), false),
            (One("Binary"), false),
            (Nothing, false),
        ],
    );
    check(
        "H2-E3",
        "BinaryEquals",
        json!("111111111111"),
        &[(One("111111111111"), true)],
    );
    check("H2-E3", "BinaryEquals", json!("x"), &[(One("x"), false)]);
}

#[test]
fn addresses() {
    check(
        "CV-60",
        "IpAddress",
        json!("203.0.113.0/24"),
        &[
            (One("203.0.113.1"), true),
            (One("198.51.100.1"), false),
            (Nothing, false),
        ],
    );
    check(
        "CV-61",
        "NotIpAddress",
        json!("203.0.113.0/24"),
        &[
            (One("203.0.113.1"), false),
            (One("198.51.100.1"), true),
            (Nothing, true),
        ],
    );
    check(
        "CV-62",
        "IpAddress",
        json!(["203.0.113.0/24", "2001:DB8:1234:5678::/64"]),
        &[(One("2001:db8:1234:5678::1"), true)],
    );
    check(
        "CV-63",
        "IpAddress",
        json!("203.0.113.7"),
        &[(One("203.0.113.7"), true), (One("203.0.113.8"), false)],
    );
    check(
        "CV-64",
        "IpAddress",
        json!("203.0.113.200/24"),
        &[(One("203.0.113.5"), true)],
    );
    check(
        "CV-65",
        "NotIpAddress",
        json!("0.0.0.0/0"),
        &[(One("2001:db8::1"), true)],
    );
    check("CV-66", "IpAddress", json!("::/0"), &[(One("203.0.113.5"), false)]);
    check("CV-67", "IpAddress", json!("not-an-ip"), &[(One("203.0.113.5"), false)]);
    check(
        "CV-67",
        "NotIpAddress",
        json!("not-an-ip"),
        &[(One("203.0.113.5"), true)],
    );
}

#[test]
fn arns() {
    let topic = "arn:aws:sns:us-east-1:111111111111:t";
    let foreign = "arn:aws:sns:us-east-1:222222222222:t";
    check(
        "CV-70",
        "ArnEquals",
        json!(topic),
        &[(One(topic), true), (One(foreign), false), (Nothing, false)],
    );
    check(
        "CV-71",
        "ArnNotEquals",
        json!(topic),
        &[(Nothing, true), (One(topic), false)],
    );
    check(
        "CV-72",
        "ArnEquals",
        json!("arn:aws:iam::*:role/Dev*"),
        &[(One("arn:aws:iam::111111111111:role/DevX"), true)],
    );
    check(
        "CV-73",
        "ArnLike",
        json!("arn:*:iam::*:role/Admin"),
        &[(One("arn:aws-cn:iam::111111111111:role/Admin"), true)],
    );
    check(
        "CV-74",
        "ArnLike",
        json!("arn:aws:iam::1:role/*"),
        &[(One("arn:aws:iam::1:role/p/q/R"), true)],
    );
    check(
        "CV-75",
        "ArnLike",
        json!("arn:aws:iam::1:role/R"),
        &[(One("arn:aws:iam::1:role/p/R"), false)],
    );
    check("CV-76", "ArnLike", json!("*"), &[(One(topic), false)]);
    check("CV-77", "ArnNotLike", json!("*"), &[(One(topic), true)]);
    check(
        "CV-78",
        "ArnLike",
        json!("arn:aws:iam::1*1:role/R"),
        &[(One("arn:aws:iam::111111111111:role/R"), true)],
    );
    check(
        "CV-79",
        "ArnLike",
        json!("arn:aws:s3:::b*"),
        &[(One("arn:aws:s3:::b/k"), true)],
    );
    check(
        "CV-80",
        "ArnLike",
        json!("arn:aws:sts::*:assumed-role/R/*"),
        &[(One(ROLE_ARN), false)],
    );
    check(
        "CV-81",
        "StringLike",
        json!("arn:aws:iam::1:role/*"),
        &[(One("arn:aws:iam::1:role/p/R"), true)],
    );
    check("C-53", "ArnLike", json!("arn:aws:s3"), &[(One(topic), false)]);
    check(
        "C-54",
        "ArnLike",
        json!("arn:aws:logs:*:*:log-group:*:x"),
        &[(One("arn:aws:logs:r:1:log-group:a:b:x"), true)],
    );
}

#[test]
fn null_and_set_operators() {
    check(
        "CV-90",
        "Null",
        json!("true"),
        &[(Nothing, true), (One("x"), false), (List(&[]), true), (One(""), false)],
    );
    check("CV-91", "Null", json!("false"), &[(Nothing, false), (One("x"), true)]);
    check(
        "C-71",
        "Null",
        json!(["true", "false"]),
        &[(Nothing, true), (One("x"), true)],
    );
    check("C-73", "Null", json!("maybe"), &[(Nothing, false), (One("x"), false)]);
    let rows = [
        (List(&["a"]), true),
        (List(&["a", "b"]), true),
        (List(&["a", "c"]), false),
        (Nothing, true),
    ];
    check("CV-92", "ForAllValues:StringEquals", json!(["a", "b"]), &rows);
    let rows = [
        (List(&["a"]), true),
        (List(&["a", "c"]), true),
        (List(&["c"]), false),
        (Nothing, false),
    ];
    check("CV-93", "ForAnyValue:StringEquals", json!(["a", "b"]), &rows);
    let rows = [(List(&["b"]), true), (List(&["a", "b"]), false), (Nothing, true)];
    check("CV-94", "ForAllValues:StringNotEquals", json!("a"), &rows);
    let rows = [(List(&["a"]), false), (List(&["a", "b"]), true), (Nothing, false)];
    check("CV-95", "ForAnyValue:StringNotEquals", json!("a"), &rows);
    let rows = [
        (List(&["environment", "webserver"]), true),
        (List(&["Environment"]), false),
        (Nothing, false),
    ];
    check("CV-96", "ForAnyValue:StringEquals", json!("environment"), &rows);
    let admin = "arn:aws:iam::1:user/admin";
    check(
        "CV-97",
        "ForAllValues:StringLike",
        json!(admin),
        &[
            (One(admin), true),
            (One("arn:aws:iam::1:user/x"), false),
            (Nothing, true),
        ],
    );
    let group = |name: &str| format!("arn:aws:logs:us-east-1:1:log-group/{name}");
    let (inside, outside) = (group("x1"), group("y"));
    let rows = [
        (List(&[&inside]), true),
        (List(&[&inside, &outside]), false),
        (Nothing, true),
    ];
    check(
        "CV-99",
        "ForAllValues:ArnLike",
        json!("arn:aws:logs:*:1:log-group/x*"),
        &rows,
    );
    for has in [Nothing, One("x"), List(&["x"])] {
        check("CV-100", "ForAllValues:Null", json!("true"), &[(has, true)]);
        check("CV-100", "ForAnyValue:Null", json!("true"), &[(has, false)]);
    }
    check("CV-101", "StringEquals", json!("a"), &[(List(&["a"]), false)]);
    check("CV-102", "StringNotEquals", json!("a"), &[(List(&["b"]), false)]);
    check(
        "CV-103",
        "ForAnyValue:StringEqualsIfExists",
        json!("a"),
        &[(Nothing, false), (List(&["b"]), false)],
    );
    check(
        "CV-103",
        "ForAnyValue:StringNotEqualsIfExists",
        json!("a"),
        &[(Nothing, false), (List(&["b"]), true)],
    );
    check(
        "CV-104",
        "ForAllValues:StringEquals",
        json!([]),
        &[(List(&["a"]), false), (Nothing, true)],
    );
    check(
        "CV-105",
        "ForAnyValue:StringEquals",
        json!([]),
        &[(List(&["a"]), false), (Nothing, false)],
    );
    check(
        "errata C-05",
        "ForAllValues:StringEquals",
        json!("a"),
        &[(One(""), false)],
    );
    check("errata C-05", "ForAnyValue:StringEquals", json!(""), &[(One(""), true)]);
    check(
        "C-05",
        "ForAllValues:StringEquals",
        json!("a"),
        &[(List(&[""]), true), (List(&["", "a"]), false)],
    );
    check(
        "C-05",
        "Null",
        json!("true"),
        &[(List(&[""]), true), (List(&["", "a"]), false)],
    );
}
