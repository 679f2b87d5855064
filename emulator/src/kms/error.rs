//! KMS failures with AWS's code and text. Rendering to the wire is `protocol`'s.

use thiserror::Error;

use super::key::Key;
use crate::access::Refusal;
use crate::protocol::{Response, json};

/// The text for a denied caller who named no key (svc:X-4).
const CIPHERTEXT_REFERS: &str = "The ciphertext refers to a customer master key that does not exist, does not exist \
                                 in this region, or you are not allowed to access.";

/// A KMS error as the API answers it. S3 renders it again per svc:9.5.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[error("{code}: {message}")]
pub struct KmsError {
    /// Exception name such as `AccessDeniedException`.
    pub code: &'static str,
    /// Text as AWS writes it; empty where AWS sends none.
    pub message: String,
    /// What the trail says where it says more than the answer (svc:X-4).
    pub(super) trail_message: Option<String>,
    /// Whether the request is at fault in its form although that was told only after a key was looked up; like every
    /// fault of form it leaves no event (svc:K-32).
    pub(super) is_of_form: bool,
}

impl KmsError {
    /// Builds an error.
    #[must_use]
    pub fn new(code: &'static str, message: impl Into<String>) -> Self {
        Self {
            code,
            message: message.into(),
            trail_message: None,
            is_of_form: false,
        }
    }

    /// True when the caller was not allowed.
    #[must_use]
    pub fn is_access_denied(&self) -> bool {
        self.code == "AccessDeniedException"
    }

    /// True for requests that KMS cannot read or that break the API's own constraints (svc:K-32, step 1).
    pub(super) fn is_syntax(&self) -> bool {
        matches!(self.code, "ValidationException" | "SerializationException")
    }

    /// ValidationException.
    pub(super) fn validation(message: impl Into<String>) -> Self {
        Self::new("ValidationException", message)
    }

    /// ValidationException for the form of a request that only its key shows to be wrong.
    pub(super) fn malformed(message: impl Into<String>) -> Self {
        Self {
            is_of_form: true,
            ..Self::validation(message)
        }
    }

    /// NotFoundException.
    pub(super) fn not_found(message: impl Into<String>) -> Self {
        Self::new("NotFoundException", message)
    }

    /// A refused pair (svc:X-1); unusable policies are an internal failure (iam:L-99).
    pub(super) fn refused(refusal: &Refusal) -> Self {
        match refusal {
            Refusal::Denied { message, .. } => Self::new("AccessDeniedException", message.clone()),
            Refusal::Unusable(error) => Self::new("KMSInternalException", error.to_string()),
        }
    }

    /// The same denial for a caller who named no key: the answer hides key and action, the trail does not (svc:X-4).
    #[must_use]
    pub(super) fn without_key_id(self) -> Self {
        if !self.is_access_denied() {
            return self;
        }
        Self {
            code: self.code,
            message: CIPHERTEXT_REFERS.to_owned(),
            trail_message: Some(self.message),
            is_of_form: false,
        }
    }

    /// A ciphertext whose key is not here (svc:X-4).
    pub(super) fn ciphertext_key_unknown() -> Self {
        Self::new("AccessDeniedException", CIPHERTEXT_REFERS)
    }

    /// Wrong usage (svc:K-24).
    pub(super) fn wrong_usage(key: &Key, operation: &str) -> Self {
        Self::new(
            "InvalidKeyUsageException",
            format!(
                "{} key usage is {} which is not valid for {operation}.",
                key.arn, key.usage
            ),
        )
    }

    /// Wrong origin for an operation on key material (svc:ST-2 [6], [7], [9]).
    pub(super) fn wrong_origin(key: &Key) -> Self {
        Self::wrong_origin_named(key.arn.as_str(), key.origin)
    }

    /// The same for an origin that the state implies.
    pub(super) fn wrong_origin_named(arn: &str, origin: &str) -> Self {
        Self::new(
            "UnsupportedOperationException",
            format!("{arn} origin is {origin} which is not valid for this operation."),
        )
    }

    /// An algorithm that the key spec does not have (svc:K-24).
    pub(super) fn wrong_algorithm(key: &Key, algorithm: &str) -> Self {
        Self::new(
            "InvalidKeyUsageException",
            format!("Algorithm {algorithm} is incompatible with key spec {}.", key.spec.name),
        )
    }

    /// Key specs and features that are in the tables only: custom key stores, SM2, ML-DSA, ML-KEM, attestation.
    pub(super) fn unsupported(message: impl Into<String>) -> Self {
        Self::new("UnsupportedOperationException", message)
    }

    /// Everything passed, but the request was a dry run (svc:K-26).
    pub(super) fn dry_run() -> Self {
        Self::new(
            "DryRunOperationException",
            "The request would have succeeded, but the DryRun option is set.",
        )
    }

    /// The JSON 1.1 answer: 400, internal failures 500 (svc:K-31).
    pub(super) fn response(&self) -> Response {
        let status = if self.code == "KMSInternalException" { 500 } else { 400 };
        if self.message.is_empty() {
            return json::answer(status, json::JSON_1_1, &serde_json::json!({ "__type": self.code }));
        }
        json::failure(status, json::JSON_1_1, self.code, &self.message)
    }
}
