//! The vectors of `iam:12.3` and the condition rows of `iam:12.5`, as one table each.

use super::*;

/// What the request has under key `k`.
#[derive(Clone, Copy)]
enum Given {
    Absent,
    One(&'static str),
    Many(&'static [&'static str]),
}

use Given::{Absent, Many, One};

fn context(given: Given) -> Context {
    match given {
        Absent => Context::new(),
        One(text) => Context::new().with("k", text),
        Many(list) => Context::new().with("k", list.iter().map(|&text| text.to_owned()).collect::<Vec<_>>()),
    }
}

fn holds(operator: &str, values: &[&str], context: &Context, quirks: &Quirks) -> bool {
    let parsed = Operator::parse(operator).expect("an operator");
    let values = values.iter().map(|&value| value.to_owned()).collect();
    ConditionTest::new(parsed, operator, "k", values, true)
        .holds(context, quirks)
        .holds
}

/// Id, operator, policy values, and what each request gives.
type Row<'a> = (&'a str, &'a str, &'a [&'a str], &'a [(Given, bool)]);

fn check(rows: &[Row<'_>]) {
    for (id, operator, values, cases) in rows {
        for (position, (given, expected)) in cases.iter().enumerate() {
            let actual = holds(operator, values, &context(*given), &Quirks::default());
            assert_eq!(actual, *expected, "{id}: {operator} {values:?}, request {position}");
        }
    }
}

const T: bool = true;
const F: bool = false;
const STORE: &str = "arn:aws:someservice:us-east-2:999999999999:store/abc:111122223333:finance/document.txt";
const FINANCE: &str = "arn:aws:someservice:*:111122223333:finance/*";

#[test]
fn strings() {
    check(&[
        (
            "CV-01",
            "StringEquals",
            &["iamuser-admin"],
            &[(One("iamuser-admin"), T)],
        ),
        (
            "CV-02",
            "StringEquals",
            &["iamuser-admin"],
            &[(One("IAMuser-admin"), F)],
        ),
        ("CV-03", "StringEquals", &["iamuser-admin"], &[(Absent, F)]),
        ("CV-04", "StringEquals", &["a", "b"], &[(One("b"), T)]),
        ("CV-05", "StringNotEquals", &["a", "b"], &[(One("b"), F)]),
        ("CV-06", "StringNotEquals", &["a", "b"], &[(One("c"), T)]),
        ("CV-07", "StringNotEquals", &["a", "b"], &[(Absent, T)]),
        ("CV-08", "StringNotEqualsIfExists", &["a"], &[(Absent, T)]),
        ("CV-09", "StringEqualsIgnoreCase", &["Prod"], &[(One("pROD"), T)]),
        ("CV-10", "StringNotEqualsIgnoreCase", &["Prod"], &[(One("PROD"), F)]),
        ("CV-11", "StringEquals", &["a*"], &[(One("abc"), F)]),
        ("CV-12", "StringEquals", &["a*"], &[(One("a*"), T)]),
        ("CV-13", "StringLike", &["a*"], &[(One("abc"), T)]),
        ("CV-14", "StringLike", &["a*"], &[(One("Abc"), F)]),
        ("CV-15", "StringLike", &["a?c"], &[(One("ac"), F)]),
        ("CV-16", "StringLike", &["home/*"], &[(One("home/"), T)]),
        ("CV-17", "StringLike", &["*"], &[(Absent, F)]),
        ("CV-18", "StringNotLike", &["*"], &[(One("x"), F), (Absent, T)]),
        ("CV-19", "StringLike", &["a${*}"], &[(One("a*"), T), (One("ab"), F)]),
        (
            "CV-20",
            "StringLikeIfExists",
            &["t1.*", "t2.*", "m3.*"],
            &[(One("t1.micro"), T), (One("m2.micro"), F), (Absent, T)],
        ),
        ("CV-21", "StringEquals", &[""], &[(One(""), T)]),
        ("CV-22", "StringEquals", &["true"], &[(One("true"), T)]),
        ("CV-23", "StringLike", &[FINANCE], &[(One(STORE), T)]),
        ("CV-24", "ArnLike", &[FINANCE], &[(One(STORE), F)]),
        ("CV-25", "StringEquals", &["a "], &[(One("a"), F)]),
        ("CV-26", "StringEquals", &[], &[(One("x"), F), (Absent, F)]),
        ("CV-27", "StringEqualsIfExists", &[], &[(One("x"), F), (Absent, T)]),
        ("C-84", "StringNotEquals", &[], &[(One("x"), T), (Absent, T)]),
        ("OQ-17", "StringEqualsIgnoreCase", &["É"], &[(One("é"), F)]),
    ]);
}

#[test]
fn numbers_dates_truth_and_bytes() {
    const MIDNIGHT: &str = "2020-04-01T00:00:00Z";
    check(&[
        (
            "CV-30",
            "NumericLessThanEquals",
            &["10"],
            &[(One("10"), T), (One("11"), F), (Absent, F)],
        ),
        ("CV-31", "NumericLessThanEqualsIfExists", &["10"], &[(Absent, T)]),
        ("CV-32", "NumericEquals", &["1.0"], &[(One("1"), T)]),
        ("CV-33", "NumericEquals", &["1", "2"], &[(One("2"), T)]),
        (
            "CV-34",
            "NumericNotEquals",
            &["5"],
            &[(One("5"), F), (One("6"), T), (Absent, T)],
        ),
        ("CV-35", "NumericGreaterThan", &["x"], &[(One("5"), F)]),
        ("CV-36", "NumericNotEquals", &["x"], &[(One("5"), T)]),
        (
            "CV-37",
            "NumericGreaterThan",
            &["3600"],
            &[(One("3601"), T), (Absent, F)],
        ),
        ("CV-38", "NumericGreaterThanIfExists", &["3600"], &[(Absent, T)]),
        ("CV-39", "NumericLessThan", &["0.3"], &[(One("0.30"), F)]),
        (
            "CV-40",
            "DateGreaterThan",
            &[MIDNIGHT],
            &[(One("2020-04-01T00:00:01Z"), T), (One(MIDNIGHT), F)],
        ),
        (
            "CV-41",
            "DateLessThan",
            &["1577836801"],
            &[(One("2020-01-01T00:00:00Z"), T)],
        ),
        (
            "CV-42",
            "DateEquals",
            &["2020-01-01T00:00:00+01:00"],
            &[(One("2019-12-31T23:00:00Z"), T)],
        ),
        (
            "CV-43",
            "DateEquals",
            &["2020-01-01"],
            &[(One("2020-01-01T00:00:00Z"), T), (One("2020-01-01T12:00:00Z"), F)],
        ),
        ("CV-44", "NumericLessThan", &["1893456000"], &[(One("1577836800"), T)]),
        ("CV-45", "DateLessThan", &["2030-01-01T00:00:00Z"], &[(Absent, F)]),
        ("CV-46", "DateNotEquals", &["2030-01-01T00:00:00Z"], &[(Absent, T)]),
        (
            "CV-47",
            "DateGreaterThan",
            &["2024"],
            &[(One("2000-01-01T00:00:00Z"), T)],
        ),
        (
            "CV-50",
            "Bool",
            &["true"],
            &[(One("true"), T), (One("false"), F), (Absent, F)],
        ),
        ("CV-51", "BoolIfExists", &["true"], &[(Absent, T)]),
        ("CV-52", "Bool", &["false"], &[(One("false"), T)]),
        ("CV-53", "Bool", &["True"], &[(One("true"), T)]),
        (
            "CV-54",
            "Bool",
            &["true", "false"],
            &[(One("false"), T), (One("true"), T), (Absent, F)],
        ),
        ("CV-55", "Bool", &["false"], &[(Absent, F)]),
        ("CV-56", "BoolIfExists", &["false"], &[(Absent, T)]),
        ("CV-57", "Bool", &["yes"], &[(One("true"), F)]),
        (
            "CV-58",
            "BinaryEquals",
            &["QmluYXJ5VmFsdWVJbkJhc2U2NA=="],
            &[
                (One("QmluYXJ5VmFsdWVJbkJhc2U2NA=="), T),
                (One("QmluYXJ5"), F),
                (Absent, F),
            ],
        ),
    ]);
}

#[test]
fn addresses() {
    check(&[
        (
            "CV-60",
            "IpAddress",
            &["203.0.113.0/24"],
            &[(One("203.0.113.1"), T), (One("198.51.100.1"), F), (Absent, F)],
        ),
        (
            "CV-61",
            "NotIpAddress",
            &["203.0.113.0/24"],
            &[(One("203.0.113.1"), F), (One("198.51.100.1"), T), (Absent, T)],
        ),
        (
            "CV-62",
            "IpAddress",
            &["203.0.113.0/24", "2001:DB8:1234:5678::/64"],
            &[(One("2001:db8:1234:5678::1"), T)],
        ),
        (
            "CV-63",
            "IpAddress",
            &["203.0.113.7"],
            &[(One("203.0.113.7"), T), (One("203.0.113.8"), F)],
        ),
        ("CV-64", "IpAddress", &["203.0.113.200/24"], &[(One("203.0.113.5"), T)]),
        (
            "CV-65",
            "NotIpAddress",
            &["0.0.0.0/0"],
            &[(One("2001:db8::1"), T), (One("203.0.113.5"), F)],
        ),
        (
            "CV-66",
            "IpAddress",
            &["::/0"],
            &[(One("203.0.113.5"), F), (One("::1"), T)],
        ),
        ("CV-67", "IpAddress", &["not-an-ip"], &[(One("203.0.113.5"), F)]),
        ("CV-67", "NotIpAddress", &["not-an-ip"], &[(One("203.0.113.5"), T)]),
        ("C-35", "IpAddress", &["203.0.113.0/33"], &[(One("203.0.113.0"), F)]),
    ]);
}

#[test]
fn arns() {
    const TOPIC: &str = "arn:aws:sns:us-east-1:111111111111:t";
    check(&[
        (
            "CV-70",
            "ArnEquals",
            &[TOPIC],
            &[
                (One(TOPIC), T),
                (One("arn:aws:sns:us-east-1:222222222222:t"), F),
                (Absent, F),
            ],
        ),
        ("CV-71", "ArnNotEquals", &[TOPIC], &[(Absent, T)]),
        (
            "CV-72",
            "ArnEquals",
            &["arn:aws:iam::*:role/Dev*"],
            &[(One("arn:aws:iam::111111111111:role/DevX"), T)],
        ),
        (
            "CV-73",
            "ArnLike",
            &["arn:*:iam::*:role/Admin"],
            &[(One("arn:aws-cn:iam::111111111111:role/Admin"), T)],
        ),
        (
            "CV-74",
            "ArnLike",
            &["arn:aws:iam::111111111111:role/*"],
            &[(One("arn:aws:iam::111111111111:role/p/q/R"), T)],
        ),
        (
            "CV-75",
            "ArnLike",
            &["arn:aws:iam::111111111111:role/R"],
            &[(One("arn:aws:iam::111111111111:role/p/R"), F)],
        ),
        ("CV-76", "ArnLike", &["*"], &[(One(TOPIC), F)]),
        ("CV-77", "ArnNotLike", &["*"], &[(One(TOPIC), T)]),
        (
            "CV-78",
            "ArnLike",
            &["arn:aws:iam::1*1:role/R"],
            &[(One("arn:aws:iam::111111111111:role/R"), T)],
        ),
        (
            "CV-79",
            "ArnLike",
            &["arn:aws:s3:::b*"],
            &[(One("arn:aws:s3:::b/k"), T)],
        ),
        (
            "CV-80",
            "ArnLike",
            &["arn:aws:sts::*:assumed-role/R/*"],
            &[(One("arn:aws:iam::111111111111:role/R"), F)],
        ),
        (
            "CV-81",
            "StringLike",
            &["arn:aws:iam::111111111111:role/*"],
            &[(One("arn:aws:iam::111111111111:role/p/R"), T)],
        ),
    ]);
}

#[test]
fn null_and_sets() {
    const LOGS: &str = "arn:aws:logs:*:111111111111:log-group/x*";
    const INSIDE: &str = "arn:aws:logs:us-east-1:111111111111:log-group/x1";
    const OUTSIDE: &str = "arn:aws:logs:us-east-1:111111111111:log-group/y";
    check(&[
        (
            "CV-90",
            "Null",
            &["true"],
            &[(Absent, T), (One("x"), F), (Many(&[]), T)],
        ),
        ("CV-91", "Null", &["false"], &[(Absent, F), (One("x"), T)]),
        ("C-71", "Null", &["true", "false"], &[(Absent, T), (One("x"), T)]),
        ("C-73", "Null", &["maybe"], &[(Absent, F), (One("x"), F)]),
        (
            "CV-92",
            "ForAllValues:StringEquals",
            &["a", "b"],
            &[
                (Many(&["a"]), T),
                (Many(&["a", "b"]), T),
                (Many(&["a", "c"]), F),
                (Absent, T),
                (Many(&[]), T),
            ],
        ),
        (
            "CV-93",
            "ForAnyValue:StringEquals",
            &["a", "b"],
            &[
                (Many(&["a"]), T),
                (Many(&["a", "c"]), T),
                (Many(&["c"]), F),
                (Absent, F),
                (Many(&[]), F),
            ],
        ),
        (
            "CV-94",
            "ForAllValues:StringNotEquals",
            &["a"],
            &[(Many(&["b"]), T), (Many(&["a", "b"]), F), (Absent, T)],
        ),
        (
            "CV-95",
            "ForAnyValue:StringNotEquals",
            &["a"],
            &[(Many(&["a"]), F), (Many(&["a", "b"]), T), (Absent, F)],
        ),
        (
            "CV-96",
            "ForAnyValue:StringEquals",
            &["environment"],
            &[
                (Many(&["environment", "webserver"]), T),
                (Many(&["Environment"]), F),
                (Absent, F),
            ],
        ),
        (
            "CV-97",
            "ForAllValues:StringLike",
            &["*:user/admin"],
            &[(One("arn:aws:iam::1:user/admin"), T), (One("x"), F), (Absent, T)],
        ),
        (
            "CV-99",
            "ForAllValues:ArnLike",
            &[LOGS],
            &[(Many(&[INSIDE]), T), (Many(&[INSIDE, OUTSIDE]), F), (Absent, T)],
        ),
        ("CV-100", "ForAllValues:Null", &["true"], &[(Absent, T), (One("x"), T)]),
        ("CV-100", "ForAnyValue:Null", &["true"], &[(Absent, F), (One("x"), F)]),
        ("CV-101", "StringEquals", &["a"], &[(Many(&["a"]), F)]),
        ("CV-102", "StringNotEquals", &["a"], &[(Many(&["b"]), F)]),
        (
            "CV-103",
            "ForAnyValue:StringEqualsIfExists",
            &["a"],
            &[(Absent, F), (Many(&[]), F), (Many(&["b"]), F), (Many(&["a"]), T)],
        ),
        (
            "CV-103",
            "ForAnyValue:StringNotEqualsIfExists",
            &["a"],
            &[(Absent, F), (Many(&["b"]), T), (Many(&["a"]), F)],
        ),
        (
            "CV-104",
            "ForAllValues:StringEquals",
            &[],
            &[(Many(&["a"]), F), (Absent, T)],
        ),
        (
            "CV-105",
            "ForAnyValue:StringEquals",
            &[],
            &[(Many(&["a"]), F), (Absent, F)],
        ),
        (
            "C-05",
            "Null",
            &["true"],
            &[(One(""), F), (Many(&[""]), T), (Many(&["", "a"]), F)],
        ),
    ]);
    // CV-98: the guard closes the empty-set hole.
    assert!(holds(
        "ForAllValues:StringEquals",
        &["a"],
        &Context::new(),
        &Quirks::default()
    ));
    assert!(!holds("Null", &["false"], &Context::new(), &Quirks::default()));
}

#[test]
fn variables() {
    let tagged = |tag: &str| Context::new().with("aws:PrincipalTag/t", tag);
    let quirks = Quirks::default();
    let tag = ["${aws:PrincipalTag/t}"];
    assert!(
        !holds("StringEquals", &tag, &Context::new().with("k", "x"), &quirks),
        "VV-05"
    );
    assert!(
        holds("StringNotEquals", &tag, &Context::new().with("k", "x"), &quirks),
        "VV-06"
    );
    assert!(holds("StringNotEquals", &tag, &Context::new(), &quirks), "VV-07");
    let home = ["home/", "home/${aws:username}/"];
    assert!(
        holds("StringLike", &home, &Context::new().with("k", "home/"), &quirks),
        "VV-08"
    );
    assert!(
        !holds("NumericEquals", &tag, &tagged("5").with("k", "5"), &quirks),
        "VV-14"
    );
    let via = Context::new().with("aws:ViaAWSService", true).with("k", "true");
    assert!(!holds("Bool", &["${aws:ViaAWSService}"], &via, &quirks), "VV-15");
    let tags = Context::new().with("aws:TagKeys", vec!["a".to_owned()]).with("k", "a");
    assert!(!holds("StringEquals", &["${aws:TagKeys}"], &tags, &quirks), "VV-16");
    // The errata: variables are substituted before an ARN value is split, and stay literal.
    let arn = Context::new()
        .with("k", "arn:aws:iam::111111111111:role/R")
        .with("aws:PrincipalTag/t", "111111111111:role/R");
    assert!(holds("ArnLike", &["arn:aws:iam::${aws:PrincipalTag/t}"], &arn, &quirks));
    let star = Context::new()
        .with("k", "arn:aws:iam::111111111111:role/R")
        .with("aws:PrincipalTag/t", "*");
    assert!(!holds(
        "ArnLike",
        &["arn:aws:iam::111111111111:role/${aws:PrincipalTag/t}"],
        &star,
        &quirks
    ));
}

/// Every disputed rule about conditions flips something.
#[test]
fn switches() {
    let flips = |quirk: &str, value: serde_json::Value, operator: &str, values: &[&str], context: &Context| {
        let mut quirks = Quirks::default();
        let before = holds(operator, values, context, &quirks);
        quirks.set(quirk, &value).expect("a switch");
        assert_ne!(
            before,
            holds(operator, values, context, &quirks),
            "{quirk} must change {operator} {values:?}"
        );
    };
    let list = Context::new().with("k", vec!["a".to_owned()]);
    flips(
        "plain_operator_on_multivalued",
        "any".into(),
        "StringEquals",
        &["a"],
        &list,
    );
    flips(
        "plain_operator_on_multivalued",
        "any".into(),
        "StringNotEquals",
        &["b"],
        &list,
    );
    let five = Context::new().with("k", "5");
    flips(
        "negated_parse_error_matches",
        false.into(),
        "NumericNotEquals",
        &["x"],
        &five,
    );
    flips(
        "for_any_value_negated_missing",
        true.into(),
        "ForAnyValue:StringNotEquals",
        &["a"],
        &Context::new(),
    );
    for operator in [
        "ForAnyValue:StringEqualsIfExists",
        "ForAnyValue:StringNotEqualsIfExists",
    ] {
        flips(
            "for_any_value_if_exists_missing",
            true.into(),
            operator,
            &["a"],
            &Context::new(),
        );
    }
    let via = Context::new().with("aws:ViaAWSService", true).with("k", "true");
    flips(
        "variables_in_bool",
        true.into(),
        "Bool",
        &["${aws:ViaAWSService}"],
        &via,
    );
    let role = Context::new().with("k", "arn:aws:iam::111111111111:role/R");
    flips("lone_star_arn_like_matches", true.into(), "ArnLike", &["*"], &role);
    flips("empty_value_list_matches", true.into(), "StringEquals", &[], &five);
    flips(
        "empty_value_list_matches",
        true.into(),
        "StringEquals",
        &[],
        &Context::new(),
    );
    let home = Context::new().with("k", "home/");
    flips(
        "unresolved_variable_spoils_list",
        true.into(),
        "StringLike",
        &["home/", "home/${aws:username}/"],
        &home,
    );
    let y2k = Context::new().with("k", "2000-01-01T00:00:00Z");
    flips("year_is_epoch", false.into(), "DateGreaterThan", &["2024"], &y2k);
}

/// iam:7.3, invariants 5, 6 and 7, over a grid of operators, values and requests.
#[test]
fn invariants() {
    let quirks = Quirks::default();
    let pairs = [
        ("StringEquals", "StringNotEquals"),
        ("StringLike", "StringNotLike"),
        ("NumericEquals", "NumericNotEquals"),
        ("DateEquals", "DateNotEquals"),
        ("IpAddress", "NotIpAddress"),
        ("ArnLike", "ArnNotLike"),
    ];
    let texts = [
        "",
        "a",
        "a*",
        "5",
        "5.0",
        "203.0.113.0/24",
        "2020-01-01",
        "arn:aws:s3:::b",
        "*",
        "${aws:username}",
    ];
    for (positive, negated) in pairs {
        for value in texts {
            for other in texts {
                for request in texts {
                    let present = Context::new().with("k", request);
                    let values = [value, other];
                    let yes = holds(positive, &values, &present, &quirks);
                    assert_ne!(
                        yes,
                        holds(negated, &values, &present, &quirks),
                        "{positive} {values:?} {request}"
                    );
                    assert_eq!(yes, holds(&format!("{positive}IfExists"), &values, &present, &quirks));
                    let absent = Context::new();
                    assert!(holds(&format!("ForAllValues:{positive}"), &values, &absent, &quirks));
                    assert!(
                        holds(negated, &values, &absent, &quirks)
                            && holds(&format!("{negated}IfExists"), &values, &absent, &quirks)
                    );
                }
            }
        }
    }
}
