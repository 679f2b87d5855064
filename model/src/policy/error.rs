//! Why a policy text is refused: AWS's own words, the rule, and the place in the user's text.

use super::PolicyKind;
use crate::rule::RuleId;

/// A refusal. Which error code it becomes depends on the API: `MalformedPolicyDocument` for IAM and STS,
/// `MalformedPolicyDocumentException` for KMS and Organizations, `MalformedPolicy` for S3.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{}: {message} (`{rule}`, byte {offset})", policy.words())]
pub struct PolicyError {
    /// The kind of document that was refused.
    pub policy: PolicyKind,
    /// What sort of refusal it is.
    pub kind: PolicyErrorKind,
    /// The service's text; empty where no text is known.
    pub message: String,
    /// The rule that refuses, such as `iam:E-01`.
    pub rule: RuleId,
    /// Byte offset into the text the user gave.
    pub offset: usize,
}

impl PolicyError {
    /// The error code of the API that saves such a document.
    pub fn code(&self) -> &'static str {
        use PolicyErrorKind::{Characters, InvalidPrincipal, Malformed, PackedTooLarge, TooLong};
        match (self.policy, self.kind) {
            (PolicyKind::Session, TooLong | PackedTooLarge) => "PackedPolicyTooLarge",
            (PolicyKind::Key, TooLong | PackedTooLarge) => "LimitExceededException",
            (PolicyKind::Key, Characters) => "ValidationException",
            (PolicyKind::Bucket | PolicyKind::Resource, _) => "MalformedPolicy",
            (PolicyKind::ServiceControl | PolicyKind::ResourceControl, TooLong | PackedTooLarge) => {
                "ConstraintViolationException"
            }
            (PolicyKind::Key | PolicyKind::ServiceControl | PolicyKind::ResourceControl, _) => {
                "MalformedPolicyDocumentException"
            }
            (PolicyKind::VpcEndpoint, _) => "InvalidPolicyDocument",
            (_, TooLong | PackedTooLarge) => "LimitExceeded",
            (_, Characters) => "ValidationError",
            (_, Malformed | InvalidPrincipal) => "MalformedPolicyDocument",
        }
    }
}

/// The sort of a refusal, which decides the error code.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum PolicyErrorKind {
    /// Not a policy of its kind: `MalformedPolicyDocument`.
    Malformed,
    /// A principal that does not exist or cannot be one (`iam:E-17`, `svc:P-4`); the same code as `Malformed`.
    InvalidPrincipal,
    /// Characters outside the allowed range, or an empty or overlong parameter (`iam:G-11`): `ValidationError`.
    Characters,
    /// Longer than the quota (`iam:G-80`): `LimitExceeded`.
    TooLong,
    /// A session policy longer than STS packs (`iam:G-80`): `PackedPolicyTooLarge`.
    PackedTooLarge,
}
