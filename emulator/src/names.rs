//! Newtypes for the names that travel everywhere: account ids, Regions, key ids, ARNs. No lookups, no policy.

use std::fmt;
use std::sync::Arc;

macro_rules! text_newtype {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        #[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
        // Shared text: every request copies such names many times, and hardly ever makes one.
        pub struct $name(Arc<str>);

        impl $name {
            /// The text as it appears on the wire.
            #[must_use]
            pub fn as_str(&self) -> &str {
                &self.0
            }

            /// The text, for others to hold too.
            #[must_use]
            pub fn shared(&self) -> Arc<str> {
                Arc::clone(&self.0)
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
                formatter.write_str(&self.0)
            }
        }

        impl AsRef<str> for $name {
            fn as_ref(&self) -> &str {
                &self.0
            }
        }
    };
}

text_newtype! {
    /// A 12-digit AWS account id.
    AccountId
}

text_newtype! {
    /// A Region code such as `us-east-1`.
    Region
}

text_newtype! {
    /// The id of a KMS key: a UUID or `mrk-…`.
    KeyId
}

text_newtype! {
    /// The ARN of a KMS key, `arn:aws:kms:REGION:ACCOUNT:key/ID`.
    KeyArn
}

impl AccountId {
    /// Reads a 12-digit account id; anything else is `None`.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        (text.len() == 12 && text.bytes().all(|byte| byte.is_ascii_digit())).then(|| Self(text.into()))
    }

    /// `arn:aws:iam::ACCOUNT:root`.
    #[must_use]
    pub fn root_arn(&self) -> String {
        format!("arn:aws:iam::{}:root", self.0)
    }
}

impl Region {
    /// Reads a Region code: lower-case letters, digits and dashes, at most 32 bytes.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let legal = !text.is_empty()
            && text.len() <= 32
            && text
                .bytes()
                .all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-');
        legal.then(|| Self(text.into()))
    }

    /// `us-east-1`, where IAM and other global services live (iam:K-67).
    #[must_use]
    pub fn global() -> Self {
        Self("us-east-1".into())
    }
}

impl KeyId {
    /// Reads a well-formed key id: a UUID, or `mrk-` and 32 hexadecimal digits (svc:K-33).
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let legal = match text.strip_prefix("mrk-") {
            Some(rest) => rest.len() == 32 && rest.bytes().all(|byte| byte.is_ascii_hexdigit()),
            None => is_uuid(text),
        };
        legal.then(|| Self(text.into()))
    }
}

impl KeyArn {
    /// Builds the ARN of a key.
    #[must_use]
    pub fn new(region: &Region, account: &AccountId, key: &KeyId) -> Self {
        let parts = [
            "arn:aws:kms:",
            region.as_str(),
            ":",
            account.as_str(),
            ":key/",
            key.as_str(),
        ];
        Self(parts.concat().into())
    }
}

/// An ARN cut into its six fields; the sixth keeps its colons.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ArnParts<'a> {
    /// `aws`, `aws-cn`, …
    pub partition: &'a str,
    /// Service prefix such as `kms`.
    pub service: &'a str,
    /// Region, possibly empty.
    pub region: &'a str,
    /// Account id, possibly empty.
    pub account: &'a str,
    /// Everything after the fifth colon.
    pub resource: &'a str,
}

impl<'a> ArnParts<'a> {
    /// Splits `text`; `None` when it is not `arn:` and six fields.
    #[must_use]
    pub fn parse(text: &'a str) -> Option<Self> {
        let mut fields = text.splitn(6, ':');
        if fields.next() != Some("arn") {
            return None;
        }
        let mut next = || fields.next();
        Some(Self {
            partition: next()?,
            service: next()?,
            region: next()?,
            account: next()?,
            resource: next()?,
        })
    }
}

fn is_uuid(text: &str) -> bool {
    text.len() == 36
        && text.bytes().enumerate().all(|(index, byte)| match index {
            8 | 13 | 18 | 23 => byte == b'-',
            _ => byte.is_ascii_hexdigit(),
        })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn account_ids_are_twelve_digits() {
        assert!(AccountId::parse("123456789012").is_some());
        for bad in ["", "12345678901", "1234567890123", "12345678901a", "１２３４"] {
            assert!(AccountId::parse(bad).is_none(), "{bad}");
        }
    }

    #[test]
    fn key_ids_are_uuids_or_multi_region_ids() {
        assert!(KeyId::parse("1234abcd-12ab-34cd-56ef-1234567890ab").is_some());
        assert!(KeyId::parse("mrk-1234abcd12ab34cd56ef1234567890ab").is_some());
        for bad in [
            "foo",
            "1234abcd-12ab-34cd-56ef-1234567890a",
            "mrk-1234",
            "1234abcd_12ab-34cd-56ef-1234567890ab",
        ] {
            assert!(KeyId::parse(bad).is_none(), "{bad}");
        }
    }

    #[test]
    fn arns_keep_colons_in_the_last_field() {
        let parts = ArnParts::parse("arn:aws:lambda:us-east-1:111111111111:function:f").expect("it has six fields");
        assert_eq!(parts.resource, "function:f");
        assert!(ArnParts::parse("arn:aws:s3").is_none());
        assert!(ArnParts::parse("alias/x").is_none());
    }
}
