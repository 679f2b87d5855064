//! Rows of the faults in how condition operators compare, and in what they make of absent keys.

use super::{Row, allowed_if, denied_if, row};
use crate::authorizer::tests::*;

/// At two o'clock in a zone that is two hours ahead.
const EARLY: &str = "2026-01-01T02:00:00+02:00";

pub(super) const ROWS: &[Row] = &[
    row(
        "string operators",
        "conditions-ignored",
        || allowed_if(r#"{"StringEquals":{"aws:username":"v"}}"#),
        "ID(IDP)",
        "ALLOW",
    ),
    row(
        "string operators",
        "false-condition-denies",
        || case("C-13", user()).identity(&[GET, &get_if("Allow", r#"{"StringEquals":{"aws:username":"v"}}"#)]),
        "ALLOW",
        "XD(IDP)",
    ),
    row(
        "string operators",
        "conditions-joined-by-or",
        || allowed_if(r#"{"StringEquals":{"aws:username":"u"},"Bool":{"aws:SecureTransport":"false"}}"#),
        "ID(IDP)",
        "ALLOW",
    ),
    row(
        "negated operators",
        "string-not-equals-as-equals",
        || denied_if(r#"{"StringNotEquals":{"aws:username":"v"}}"#),
        "XD(IDP)",
        "ALLOW",
    ),
    row(
        "string operators",
        "string-equals-globs",
        || allowed_if(r#"{"StringEquals":{"aws:username":"*"}}"#),
        "ID(IDP)",
        "ALLOW",
    ),
    row(
        "numeric operators",
        "greater-than-inverted",
        || allowed_if(r#"{"NumericGreaterThan":{"s3:max-keys":"10"}}"#).with("s3:max-keys", "11"),
        "ALLOW",
        "ID(IDP)",
    ),
    row(
        "numeric operators",
        "fractions-unread",
        || allowed_if(r#"{"NumericEquals":{"s3:TlsVersion":"1.20"}}"#).with("s3:TlsVersion", "1.2"),
        "ALLOW",
        "ID(IDP)",
    ),
    row(
        "date operators",
        "date-zone-ignored",
        || allowed_if(r#"{"DateEquals":{"aws:CurrentTime":"2026-01-01T00:00:00Z"}}"#).with("aws:CurrentTime", EARLY),
        "ALLOW",
        "ID(IDP)",
    ),
    row(
        "date operators",
        "epoch-dates-unread",
        || allowed_if(r#"{"DateGreaterThan":{"aws:EpochTime":"1000000000"}}"#).with("aws:EpochTime", "1800000000"),
        "ALLOW",
        "ID(IDP)",
    ),
    row(
        "bool operator",
        "bool-case-counts",
        || allowed_if(r#"{"Bool":{"aws:SecureTransport":"True"}}"#),
        "ALLOW",
        "ID(IDP)",
    ),
    row(
        "address operators",
        "range-with-host-bits-unread",
        || allowed_if(r#"{"IpAddress":{"aws:SourceIp":"203.0.113.7/24"}}"#).with("aws:SourceIp", "203.0.113.9"),
        "ALLOW",
        "ID(IDP)",
    ),
    row(
        "address operators",
        "address-without-prefix-unread",
        || allowed_if(r#"{"IpAddress":{"aws:SourceIp":"203.0.113.7"}}"#).with("aws:SourceIp", "203.0.113.7"),
        "ALLOW",
        "ID(IDP)",
    ),
    row(
        "arn operators",
        "arn-wildcards-literal",
        || allowed_if(r#"{"ArnEquals":{"aws:PrincipalArn":"arn:aws:iam::*:user/u"}}"#),
        "ALLOW",
        "ID(IDP)",
    ),
    row(
        "arn operators",
        "negated-arn-needs-an-arn",
        || denied_if(r#"{"ArnNotLike":{"aws:SourceArn":"arn:aws:sns:*:*:t"}}"#).with("aws:SourceArn", "nonsense"),
        "XD(IDP)",
        "ALLOW",
    ),
    row(
        "null operator",
        "null-inverted",
        || allowed_if(r#"{"Null":{"aws:username":"false"}}"#),
        "ALLOW",
        "ID(IDP)",
    ),
    row(
        "if exists",
        "absent-key-holds",
        || allowed_if(r#"{"StringEquals":{"aws:PrincipalTag/t":"x"}}"#),
        "ID(IDP)",
        "ALLOW",
    ),
    row(
        "for any value",
        "for-any-value-needs-no-value",
        || allowed_if(r#"{"ForAnyValue:StringEquals":{"aws:TagKeys":"a"}}"#),
        "ID(IDP)",
        "ALLOW",
    ),
    row(
        "for all values",
        "negated-for-all-values-as-any",
        || {
            let without = r#"{"ForAllValues:StringNotEquals":{"aws:TagKeys":"a"}}"#;
            allowed_if(without).with_many("aws:TagKeys", &["a", "b"])
        },
        "ID(IDP)",
        "ALLOW",
    ),
    row(
        "for all values",
        "set-operators-never-hold",
        || allowed_if(r#"{"ForAllValues:StringEquals":{"aws:TagKeys":"a"}}"#).with_many("aws:TagKeys", &["a"]),
        "ALLOW",
        "ID(IDP)",
    ),
    row(
        "global keys",
        "role-name-as-user-name",
        || {
            let named = get_if("Allow", r#"{"StringEquals":{"aws:username":"R"}}"#);
            case("K-11", session()).identity(&[&named])
        },
        "ID(IDP)",
        "ALLOW",
    ),
];
