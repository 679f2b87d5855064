//! Where a policy stands, and what that place allows (`iam:1.2`, `iam:1.9`).

use jiff::civil::{Date, date};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// The kind of a policy document. It decides which elements are legal, which texts refuse a bad one and how long it may be.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum PolicyKind {
    /// A managed policy, also as permissions boundary.
    Managed,
    /// An inline policy of a user, group or role.
    Inline,
    /// A session policy given to `AssumeRole*` or `GetFederationToken`.
    Session,
    /// A KMS key policy.
    Key,
    /// An S3 bucket policy.
    Bucket,
    /// The policy of any other resource.
    Resource,
    /// A role's trust policy.
    Trust,
    /// A VPC endpoint policy.
    VpcEndpoint,
    /// A service control policy.
    ServiceControl,
    /// A customer-written resource control policy.
    ResourceControl,
}

impl PolicyKind {
    /// The words an error uses for the document.
    pub fn words(self) -> &'static str {
        match self {
            Self::Managed => "managed policy",
            Self::Inline => "inline policy",
            Self::Session => "session policy",
            Self::Key => "key policy",
            Self::Bucket => "bucket policy",
            Self::Resource => "resource policy",
            Self::Trust => "trust policy",
            Self::VpcEndpoint => "VPC endpoint policy",
            Self::ServiceControl => "service control policy",
            Self::ResourceControl => "resource control policy",
        }
    }

    /// Whether the document belongs to an identity: no principals, incomplete ARNs are completed (`iam:G-52`).
    pub fn is_identity(self) -> bool {
        matches!(self, Self::Managed | Self::Inline | Self::Session)
    }

    /// Whether the document belongs to an organization.
    pub fn is_organization(self) -> bool {
        matches!(self, Self::ServiceControl | Self::ResourceControl)
    }

    /// Whether statements must name principals.
    pub fn names_principals(self) -> bool {
        matches!(
            self,
            Self::Key | Self::Bucket | Self::Resource | Self::Trust | Self::VpcEndpoint
        )
    }

    /// How long a single document may be (`iam:1.9`, `svc:P-1`).
    /// Inline policies share a quota per entity that only the world can add up: see [`PolicyKind::inline_quota`].
    pub fn size_limit(self, as_of: Date) -> Option<SizeLimit> {
        let (most, unit) = match self {
            Self::Managed => (6_144, SizeUnit::CharactersWithoutWhiteSpace),
            Self::Inline | Self::Resource => return None,
            Self::Session => (2_048, SizeUnit::Characters),
            Self::Key => (32_768, SizeUnit::Bytes),
            Self::Bucket => (20_480, SizeUnit::Bytes),
            Self::Trust => (2_048, SizeUnit::CharactersWithoutWhiteSpace),
            Self::VpcEndpoint => (20_480, SizeUnit::Characters),
            Self::ServiceControl if as_of >= date(2026, 5, 15) => (10_240, SizeUnit::Characters),
            Self::ServiceControl | Self::ResourceControl => (5_120, SizeUnit::Characters),
        };
        Some(SizeLimit { most, unit })
    }

    /// The quota for all inline policies of one user, group or role together, white space excluded (`iam:1.9`).
    pub fn inline_quota(owner: InlineOwner) -> usize {
        match owner {
            InlineOwner::User => 2_048,
            InlineOwner::Group => 5_120,
            InlineOwner::Role => 10_240,
        }
    }
}

/// How long a document may be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SizeLimit {
    /// How much is allowed.
    pub most: usize,
    /// Of what.
    pub unit: SizeUnit,
}

/// What a size limit counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SizeUnit {
    /// All characters.
    Characters,
    /// Characters that are not white space.
    CharactersWithoutWhiteSpace,
    /// Bytes of the UTF-8 text.
    Bytes,
}

impl SizeLimit {
    /// The length of a text as this limit counts it.
    pub fn length(self, text: &str) -> usize {
        match self.unit {
            SizeUnit::Characters => text.chars().count(),
            SizeUnit::CharactersWithoutWhiteSpace => length_without_white_space(text),
            SizeUnit::Bytes => text.len(),
        }
    }
}

/// The length of a policy as IAM's quotas count it: characters that are not white space.
pub fn length_without_white_space(text: &str) -> usize {
    text.chars()
        .filter(|character| !character.is_ascii_whitespace())
        .count()
}

/// What an inline policy belongs to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum InlineOwner {
    /// A user.
    User,
    /// A group.
    Group,
    /// A role.
    Role,
}
