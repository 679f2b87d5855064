//! Block Public Access and what counts as a public policy (`svc:S-6`, `svc:S-7`).

use std::net::IpAddr;

use super::bucket::Bucket;
use crate::case::PublicAccessBlockSpec;
use crate::policy::{Document, Effect, PrincipalForm, Statement};
use crate::world::state::State;

/// The settings that hold for a bucket: the most restrictive of account and bucket.
pub(crate) fn settings(state: &State, bucket: &Bucket) -> PublicAccessBlockSpec {
    let account = state
        .account(&bucket.owner)
        .and_then(|account| account.public_access_block)
        .unwrap_or_default();
    let own = bucket.public_access_block.unwrap_or_default();
    PublicAccessBlockSpec {
        block_public_acls: account.block_public_acls || own.block_public_acls,
        ignore_public_acls: account.ignore_public_acls || own.ignore_public_acls,
        block_public_policy: account.block_public_policy || own.block_public_policy,
        restrict_public_buckets: account.restrict_public_buckets || own.restrict_public_buckets,
    }
}

/// Whether a bucket policy is public: some Allow is not limited to fixed values. Evaluation starts from "public".
pub(crate) fn is_public(policy: &Document) -> bool {
    policy
        .statements()
        .iter()
        .filter(|statement| statement.effect() == Effect::Allow)
        .any(|statement| names_everybody(statement) && !statement.conditions().iter().any(limits))
}

/// Whether the principal is a star, or a `NotPrincipal`, which is everybody but a few.
fn names_everybody(statement: &Statement) -> bool {
    statement.has_not_principal()
        || statement
            .principals()
            .iter()
            .any(|entry| matches!(entry.form, PrincipalForm::Everyone | PrincipalForm::AwsEveryone))
}

/// Keys whose fixed values make a statement non-public. Values of the last group may hold wildcards in the access point's name.
const FIXED_KEYS: &[&str] = &[
    "aws:principalaccount",
    "aws:principalarn",
    "aws:principalorgid",
    "aws:principalorgpaths",
    "aws:sourcearn",
    "aws:sourcevpc",
    "aws:sourcevpce",
    "aws:sourceowner",
    "aws:sourceaccount",
    "aws:userid",
    "s3:x-amz-server-side-encryption-aws-kms-key-id",
    "s3:dataaccesspointaccount",
];

/// Whether one condition limits the statement to fixed values.
fn limits(test: &crate::policy::ConditionTest) -> bool {
    if test.is_qualified() && !test.operator().starts_with("ForAnyValue:") || test.operator().ends_with("IfExists") {
        return false;
    }
    let key = test.key().to_ascii_lowercase();
    let values: Vec<&str> = test.values().collect();
    if values.is_empty() {
        return false;
    }
    match test.base_operator() {
        "IpAddress" => key == "aws:sourceip" && values.iter().all(|value| narrow_range(value)),
        "StringEquals" | "StringEqualsIgnoreCase" | "StringLike" | "ArnEquals" | "ArnLike" => {
            if key == "s3:dataaccesspointarn" {
                return values.iter().all(|value| fixed_but_name(value));
            }
            FIXED_KEYS.contains(&key.as_str()) && values.iter().all(|value| is_fixed(value))
        }
        _ => false,
    }
}

/// No wildcard and no policy variable.
fn is_fixed(value: &str) -> bool {
    !value.contains(['*', '?']) && !value.contains("${")
}

/// An access point's ARN whose account is fixed, whatever its name.
fn fixed_but_name(value: &str) -> bool {
    let fields: Vec<&str> = value.splitn(6, ':').collect();
    fields.len() == 6 && fields[..5].iter().all(|field| is_fixed(field)) && !fields[4].is_empty()
}

/// Not broader than /8 for IPv4 and /32 for IPv6.
fn narrow_range(value: &str) -> bool {
    let (address, length) = value
        .split_once('/')
        .map_or((value, None), |(address, length)| (address, Some(length)));
    let Ok(address) = address.parse::<IpAddr>() else {
        return false;
    };
    let (least, most) = if address.is_ipv4() { (8, 32) } else { (32, 128) };
    match length {
        None => true,
        Some(length) => length
            .parse::<u8>()
            .is_ok_and(|length| (least..=most).contains(&length)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::policy::PolicyKind;
    use serde_json::{Value, json};

    fn public(principal: Value, condition: Value) -> bool {
        let text = json!({"Version": "2012-10-17", "Statement": [{
            "Effect": "Allow", "Principal": principal, "Action": "s3:GetObject", "Resource": "arn:aws:s3:::b/*", "Condition": condition
        }]});
        is_public(&Document::parse(&text.to_string(), PolicyKind::Bucket).expect("a bucket policy"))
    }

    #[test]
    fn a_policy_is_public_unless_every_allow_is_limited_to_fixed_values() {
        // svc:S-7; observed: bpa-sourceip-broad
        for (principal, condition, expected) in [
            (json!("*"), json!({}), true),
            (json!({"AWS": "*"}), json!({}), true),
            (json!({"AWS": "111122223333"}), json!({}), false),
            (json!({"Service": "cloudtrail.amazonaws.com"}), json!({}), false),
            (
                json!("*"),
                json!({"StringEquals": {"aws:SourceVpc": "vpc-91237329"}}),
                false,
            ),
            (json!("*"), json!({"StringLike": {"aws:SourceVpc": "vpc-*"}}), true),
            (
                json!("*"),
                json!({"StringEqualsIfExists": {"aws:SourceVpc": "vpc-91237329"}}),
                true,
            ),
            (
                json!("*"),
                json!({"StringNotEquals": {"aws:SourceVpc": "vpc-91237329"}}),
                true,
            ),
            (
                json!("*"),
                json!({"StringEquals": {"aws:PrincipalOrgID": "o-1"}}),
                false,
            ),
            (
                json!("*"),
                json!({"StringEquals": {"aws:PrincipalOrgID": "${aws:ResourceOrgID}"}}),
                true,
            ),
            (json!("*"), json!({"IpAddress": {"aws:SourceIp": "0.0.0.0/1"}}), true),
            (
                json!("*"),
                json!({"IpAddress": {"aws:SourceIp": ["10.0.0.0/8", "192.0.2.1"]}}),
                false,
            ),
            (
                json!("*"),
                json!({"IpAddress": {"aws:SourceIp": "2001:db8::/31"}}),
                true,
            ),
            (json!("*"), json!({"StringEquals": {"aws:UserAgent": "x"}}), true),
            (
                json!("*"),
                json!({"ArnLike": {"s3:DataAccessPointArn": "arn:aws:s3:us-west-2:123456789012:accesspoint/*"}}),
                false,
            ),
            (
                json!("*"),
                json!({"ForAllValues:StringEquals": {"aws:SourceVpc": "vpc-91237329"}}),
                true,
            ),
        ] {
            assert_eq!(
                public(principal.clone(), condition.clone()),
                expected,
                "{principal} {condition}"
            );
        }
    }
}
