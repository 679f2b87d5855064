//! IAM failures with AWS's code, status and text.

use thiserror::Error;

use crate::access::Refusal;
use crate::authorizer::{PolicyError, PolicyErrorKind};

/// An IAM error answer.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[error("{code}: {message}")]
pub(crate) struct IamError {
    pub(crate) status: u16,
    pub(crate) code: &'static str,
    pub(crate) message: String,
}

/// Status by code; everything else is 400.
const STATUS: &[(&str, u16)] = &[
    ("AccessDenied", 403),
    ("InvalidClientTokenId", 403),
    ("NoSuchEntity", 404),
    ("EntityAlreadyExists", 409),
    ("DeleteConflict", 409),
    ("LimitExceeded", 409),
    ("ServiceFailure", 500),
];

impl IamError {
    pub(crate) fn new(code: &'static str, message: impl Into<String>) -> Self {
        let status = STATUS
            .iter()
            .find(|(name, _)| *name == code)
            .map_or(400, |(_, status)| *status);
        Self {
            status,
            code,
            message: message.into(),
        }
    }

    /// `The user with name x cannot be found.`
    pub(crate) fn no_such(kind: &str, name: &str) -> Self {
        Self::new("NoSuchEntity", format!("The {kind} with name {name} cannot be found."))
    }

    pub(crate) fn exists(kind: &str, name: &str) -> Self {
        Self::new(
            "EntityAlreadyExists",
            format!("{kind} with name {name} already exists."),
        )
    }

    pub(crate) fn missing(parameter: &str) -> Self {
        Self::new(
            "ValidationError",
            format!(
                "1 validation error detected: Value null at '{}' failed to satisfy constraint: Member must not be null",
                member(parameter)
            ),
        )
    }

    pub(crate) fn refused(refusal: &Refusal) -> Self {
        match refusal {
            Refusal::Denied { message, .. } => Self::new("AccessDenied", message.clone()),
            Refusal::Unusable(error) => Self::new("ServiceFailure", error.to_string()),
        }
    }

    /// A refused policy document (iam:§1.10).
    pub(crate) fn policy(error: &PolicyError) -> Self {
        let code = if error.kind == PolicyErrorKind::Characters {
            "ValidationError"
        } else {
            "MalformedPolicyDocument"
        };
        Self::new(code, error.message.clone())
    }
}

/// `UserName` -> `userName`.
fn member(parameter: &str) -> String {
    let mut characters = parameter.chars();
    characters
        .next()
        .map_or_else(String::new, |first| first.to_lowercase().chain(characters).collect())
}
