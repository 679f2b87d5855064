//! Block Public Access: the four settings and what "public" means for a bucket policy (`svc:S-6`, `svc:S-7`).
//! Where the settings bite is decided by `authorization` and the operations.

use std::net::IpAddr;

use super::error::S3Error;
use super::xml::{Element, XmlWriter};
use crate::authorizer::{
    Comparison, Condition, Effect, Policy, PrincipalClause, PrincipalEntry, Quantifier, Statement,
};
use crate::fault::{Fault, FaultSet};
use crate::names::ArnParts;

/// The four settings of an account or bucket.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct PublicAccessBlock {
    /// Rejects requests that set public ACLs.
    pub(crate) block_public_acls: bool,
    /// Makes public ACLs ineffective.
    pub(crate) ignore_public_acls: bool,
    /// Rejects public bucket policies.
    pub(crate) block_public_policy: bool,
    /// Cuts outsiders off once the bucket policy is public.
    pub(crate) restrict_public_buckets: bool,
}

impl PublicAccessBlock {
    /// Nothing blocked.
    pub(crate) const NONE: Self = Self {
        block_public_acls: false,
        ignore_public_acls: false,
        block_public_policy: false,
        restrict_public_buckets: false,
    };

    /// Everything blocked: the default of new buckets (`svc:S-6`).
    pub(crate) const ALL: Self = Self {
        block_public_acls: true,
        ignore_public_acls: true,
        block_public_policy: true,
        restrict_public_buckets: true,
    };

    /// The more restrictive of both, setting by setting.
    pub(crate) fn or(self, other: Self) -> Self {
        Self {
            block_public_acls: self.block_public_acls || other.block_public_acls,
            ignore_public_acls: self.ignore_public_acls || other.ignore_public_acls,
            block_public_policy: self.block_public_policy || other.block_public_policy,
            restrict_public_buckets: self.restrict_public_buckets || other.restrict_public_buckets,
        }
    }

    /// Reads a `PublicAccessBlockConfiguration` document; missing members are false.
    ///
    /// # Errors
    /// `MalformedXML`.
    pub(crate) fn from_xml(body: &[u8]) -> Result<Self, S3Error> {
        let root = Element::parse_root(body, "PublicAccessBlockConfiguration")?;
        let flag = |name: &str| match root.child_text(name) {
            None => Ok(false),
            Some(text) if text.eq_ignore_ascii_case("true") => Ok(true),
            Some(text) if text.eq_ignore_ascii_case("false") => Ok(false),
            Some(_) => Err(S3Error::fixed("MalformedXML")),
        };
        Ok(Self {
            block_public_acls: flag("BlockPublicAcls")?,
            ignore_public_acls: flag("IgnorePublicAcls")?,
            block_public_policy: flag("BlockPublicPolicy")?,
            restrict_public_buckets: flag("RestrictPublicBuckets")?,
        })
    }

    /// Writes the document.
    pub(crate) fn to_xml(self) -> bytes::Bytes {
        let mut xml = XmlWriter::document();
        xml.open_root("PublicAccessBlockConfiguration");
        for (name, value) in [
            ("BlockPublicAcls", self.block_public_acls),
            ("IgnorePublicAcls", self.ignore_public_acls),
            ("BlockPublicPolicy", self.block_public_policy),
            ("RestrictPublicBuckets", self.restrict_public_buckets),
        ] {
            xml.text(name, if value { "true" } else { "false" });
        }
        xml.close("PublicAccessBlockConfiguration");
        xml.finish()
    }
}

/// Whether a bucket policy is public: evaluation starts from "public", and every Allow must be limited to a fixed
/// principal or to fixed values of one of the keys that identify a caller (`svc:S-7`).
#[must_use]
pub fn is_public(policy: &Policy) -> bool {
    policy
        .statements()
        .iter()
        .any(|statement| statement.effect == Effect::Allow && is_open(statement))
}

/// The same as active faults see it.
pub(crate) fn is_public_under(policy: &Policy, faults: FaultSet) -> bool {
    let everybody_is = |entry: &PrincipalEntry| match entry {
        PrincipalEntry::EveryAwsPrincipal => !faults.contains(Fault::AwsStarPolicyNotPublic),
        PrincipalEntry::Everyone => true,
        _ => false,
    };
    policy.statements().iter().any(|statement| {
        let overlooked = match &statement.principals {
            PrincipalClause::Principal(entries) => !entries.iter().any(everybody_is),
            PrincipalClause::NotPrincipal(_) | PrincipalClause::Implied => false,
        };
        let conditioned = !statement.conditions.is_empty() && faults.contains(Fault::AnyConditionMakesPrivate);
        statement.effect == Effect::Allow && is_open(statement) && !overlooked && !conditioned
    })
}

/// Keys whose fixed values limit a statement. The first group names the caller, the others its way in.
const LIMITING_KEYS: &[&str] = &[
    "aws:principalorgid",
    "aws:principalorgpaths",
    "aws:principalaccount",
    "aws:principalarn",
    "aws:sourcearn",
    "aws:sourcevpc",
    "aws:sourcevpce",
    "aws:sourceowner",
    "aws:sourceaccount",
    "aws:userid",
    "s3:x-amz-server-side-encryption-aws-kms-key-id",
    "s3:dataaccesspointaccount",
];

fn is_open(statement: &Statement) -> bool {
    let fixed_principals = match &statement.principals {
        PrincipalClause::Principal(entries) => !entries
            .iter()
            .any(|entry| matches!(entry, PrincipalEntry::Everyone | PrincipalEntry::EveryAwsPrincipal)),
        PrincipalClause::NotPrincipal(_) | PrincipalClause::Implied => false,
    };
    !fixed_principals && !statement.conditions.iter().any(is_limiting)
}

fn is_limiting(condition: &Condition) -> bool {
    let operator = condition.operator;
    // Negation, IfExists and ForAllValues are true without the key, so they limit nobody.
    if operator.negated
        || operator.if_exists
        || operator.quantifier == Some(Quantifier::ForAllValues)
        || condition.values.is_empty()
    {
        return false;
    }
    let key = condition.key.as_ref();
    match operator.comparison {
        Comparison::IpAddress => key == "aws:sourceip" && condition.values.iter().all(|value| is_narrow_range(value)),
        Comparison::StringEquals | Comparison::StringEqualsIgnoreCase | Comparison::StringLike | Comparison::Arn => {
            if key == "s3:dataaccesspointarn" {
                return condition
                    .values
                    .iter()
                    .all(|value| is_access_point_of_fixed_account(value));
            }
            LIMITING_KEYS.contains(&key) && condition.values.iter().all(|value| is_fixed(value))
        }
        _ => false,
    }
}

/// No wildcard and no policy variable.
fn is_fixed(value: &str) -> bool {
    !value.is_empty() && !value.contains(['*', '?']) && !value.contains("${")
}

/// At least /8 for IPv4, /32 for IPv6.
fn is_narrow_range(value: &str) -> bool {
    let (address, length) = value.split_once('/').unwrap_or((value, ""));
    let (bits, narrowest) = match address.parse::<IpAddr>() {
        Ok(IpAddr::V4(_)) => (32, 8),
        Ok(IpAddr::V6(_)) => (128, 32),
        Err(_) => return false,
    };
    let length = if length.is_empty() {
        bits
    } else {
        match length.parse::<u8>() {
            Ok(length) => u32::from(length),
            Err(_) => return false,
        }
    };
    (narrowest..=bits).contains(&length)
}

/// The name of an access point may be a wildcard as long as its account is fixed.
fn is_access_point_of_fixed_account(value: &str) -> bool {
    if value.contains("${") {
        return false;
    }
    ArnParts::parse(value)
        .is_some_and(|arn| arn.service == "s3" && is_fixed(arn.account) && arn.resource.starts_with("accesspoint/"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::authorizer::PolicyKind;

    fn public(principal: &str, condition: &str) -> bool {
        let condition = if condition.is_empty() {
            String::new()
        } else {
            format!(r#","Condition":{condition}"#)
        };
        let text = format!(
            r#"{{"Version":"2012-10-17","Statement":[{{"Effect":"Allow","Principal":{principal},"Action":"s3:GetObject","Resource":"arn:aws:s3:::b/*"{condition}}}]}}"#
        );
        let policy = Policy::stored(PolicyKind::BucketPolicy, &text);
        assert!(policy.unusable().is_none(), "{text}");
        is_public(&policy)
    }

    /// svc:S-7 as a table.
    #[test]
    fn public_table() {
        let star = r#""*""#;
        let cases = [
            (star, "", true),
            (r#"{"AWS":"*"}"#, "", true),
            (r#"{"AWS":["arn:aws:iam::111111111111:root","*"]}"#, "", true),
            (r#"{"AWS":"arn:aws:iam::111111111111:root"}"#, "", false),
            (r#"{"AWS":"arn:aws:iam::111111111111:role/r"}"#, "", false),
            (r#"{"Service":"cloudtrail.amazonaws.com"}"#, "", false),
            (star, r#"{"StringEquals":{"aws:SourceVpc":"vpc-91237329"}}"#, false),
            (star, r#"{"StringLike":{"aws:SourceVpc":"vpc-*"}}"#, true),
            (star, r#"{"StringLike":{"aws:SourceVpc":"vpc-91237329"}}"#, false),
            (star, r#"{"StringEquals":{"aws:SourceVpc":["vpc-1","vpc-*"]}}"#, true),
            (star, r#"{"StringEquals":{"aws:PrincipalOrgID":"o-1"}}"#, false),
            (
                star,
                r#"{"StringEquals":{"aws:PrincipalOrgID":"${aws:PrincipalOrgID}"}}"#,
                true,
            ),
            (star, r#"{"IpAddress":{"aws:SourceIp":"203.0.113.0/24"}}"#, false),
            (star, r#"{"IpAddress":{"aws:SourceIp":"10.0.0.0/8"}}"#, false),
            (star, r#"{"IpAddress":{"aws:SourceIp":"0.0.0.0/1"}}"#, true),
            (
                star,
                r#"{"IpAddress":{"aws:SourceIp":["203.0.113.7","0.0.0.0/0"]}}"#,
                true,
            ),
            (star, r#"{"IpAddress":{"aws:SourceIp":"2001:db8::/32"}}"#, false),
            (star, r#"{"IpAddress":{"aws:SourceIp":"2001::/16"}}"#, true),
            (star, r#"{"NotIpAddress":{"aws:SourceIp":"203.0.113.0/24"}}"#, true),
            (star, r#"{"StringEquals":{"aws:SourceAccount":"111111111111"}}"#, false),
            (
                star,
                r#"{"StringNotEquals":{"aws:SourceAccount":"111111111111"}}"#,
                true,
            ),
            (
                star,
                r#"{"StringEqualsIfExists":{"aws:SourceAccount":"111111111111"}}"#,
                true,
            ),
            (
                star,
                r#"{"ForAllValues:StringEquals":{"aws:PrincipalOrgID":"o-1"}}"#,
                true,
            ),
            (
                star,
                r#"{"ArnLike":{"aws:SourceArn":"arn:aws:sns:us-east-1:111111111111:t"}}"#,
                false,
            ),
            (
                star,
                r#"{"ArnLike":{"aws:SourceArn":"arn:aws:sns:us-east-1:111111111111:*"}}"#,
                true,
            ),
            (star, r#"{"StringLike":{"aws:userid":"AROAEXAMPLE:*"}}"#, true),
            (star, r#"{"StringEquals":{"aws:userid":"AIDAEXAMPLE"}}"#, false),
            (star, r#"{"Bool":{"aws:SecureTransport":"true"}}"#, true),
            (star, r#"{"StringEquals":{"aws:UserAgent":"x"}}"#, true),
            (
                star,
                r#"{"StringEquals":{"s3:x-amz-server-side-encryption-aws-kms-key-id":"arn:aws:kms:us-east-1:111111111111:key/k"}}"#,
                false,
            ),
            (
                star,
                r#"{"ArnLike":{"s3:DataAccessPointArn":"arn:aws:s3:us-east-1:111111111111:accesspoint/*"}}"#,
                false,
            ),
            (
                star,
                r#"{"ArnLike":{"s3:DataAccessPointArn":"arn:aws:s3:us-east-1:*:accesspoint/*"}}"#,
                true,
            ),
            // One limiting condition is enough: conditions are ANDed.
            (
                star,
                r#"{"Bool":{"aws:SecureTransport":"true"},"StringEquals":{"aws:SourceVpce":"vpce-1"}}"#,
                false,
            ),
        ];
        for (principal, condition, expected) in cases {
            assert_eq!(public(principal, condition), expected, "{principal} {condition}");
        }
    }

    #[test]
    fn denies_are_never_public_and_one_open_allow_is_enough() {
        let deny = r#"{"Version":"2012-10-17","Statement":[{"Effect":"Deny","Principal":"*","Action":"s3:*","Resource":"arn:aws:s3:::b/*"}]}"#;
        assert!(!is_public(&Policy::stored(PolicyKind::BucketPolicy, deny)));
        let mixed = r#"{"Version":"2012-10-17","Statement":[
            {"Effect":"Allow","Principal":{"AWS":"arn:aws:iam::111111111111:root"},"Action":"s3:*","Resource":"arn:aws:s3:::b/*"},
            {"Effect":"Allow","Principal":"*","Action":"s3:GetObject","Resource":"arn:aws:s3:::b/public/*"}]}"#;
        assert!(is_public(&Policy::stored(PolicyKind::BucketPolicy, mixed)));
        let not_principal = r#"{"Version":"2012-10-17","Statement":[{"Effect":"Allow","NotPrincipal":{"AWS":"arn:aws:iam::111111111111:root"},"Action":"s3:GetObject","Resource":"arn:aws:s3:::b/*"}]}"#;
        assert!(is_public(&Policy::stored(PolicyKind::BucketPolicy, not_principal)));
    }

    #[test]
    fn settings_combine_and_round_trip() {
        let one = PublicAccessBlock {
            ignore_public_acls: true,
            ..PublicAccessBlock::NONE
        };
        let other = PublicAccessBlock {
            block_public_policy: true,
            ..PublicAccessBlock::NONE
        };
        let both = one.or(other);
        assert!(both.ignore_public_acls && both.block_public_policy && !both.block_public_acls);
        assert_eq!(PublicAccessBlock::from_xml(&both.to_xml()), Ok(both));
        assert!(PublicAccessBlock::from_xml(b"<X/>").is_err());
    }
}
