//! What goes into a session: session policies, tags, source identity, and their checks. Shared by the STS operations
//! and the control plane, which makes sessions without asking anybody.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use jiff::{SignedDuration, Timestamp};
use thiserror::Error;

use crate::authorizer::{Policy, PolicyErrorKind, PolicyKind, SaveRules};
use crate::identity::{Principal, Session};
use crate::names::AccountId;
use crate::state::State;

/// Longest inline session policy, and of everything that is passed together (iam:§1.9).
const LONGEST_POLICY: usize = 2048;
/// Room for session policies and session tags in their packed form. AWS tells neither the packing nor the room, only
/// that it is a limit of its own and shared (iam:§1.9, iam:G-80); here nothing is compressed but white space.
const LONGEST_PACKED: usize = 4096;
/// Most managed session policies.
const MOST_ARNS: usize = 10;
/// Most session tags.
const MOST_TAGS: usize = 50;

/// What a session is to carry.
#[derive(Debug, Clone, Default)]
pub struct SessionInput {
    /// Inline session policy.
    pub policy: Option<String>,
    /// Managed session policies.
    pub policy_arns: Vec<String>,
    /// Session tags.
    pub tags: Vec<(String, String)>,
    /// Keys of the tags that stick.
    pub transitive_tag_keys: Vec<String>,
    /// aws:SourceIdentity.
    pub source_identity: Option<String>,
    /// `Some(true)`: MFA was used; `Some(false)`: it is known that it was not; `None`: nothing is known.
    pub mfa: Option<bool>,
    /// Life in seconds.
    pub duration_seconds: i64,
}

/// Why a session cannot be made.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[error("{message}")]
pub struct SessionError {
    /// STS error code.
    pub code: &'static str,
    /// Text.
    pub message: String,
}

impl SessionError {
    fn new(code: &'static str, message: impl Into<String>) -> Self {
        Self {
            code,
            message: message.into(),
        }
    }
}

/// Checks and compiles everything a session carries.
///
/// # Errors
/// MalformedPolicyDocument, PackedPolicyTooLarge, ValidationError, InvalidParameterValue.
pub fn build(state: &State, input: &SessionInput) -> Result<Session, SessionError> {
    let inline_policy = match &input.policy {
        Some(text) => Some(inline_policy(state, text)?),
        None => None,
    };
    check_policy_arns(state, input)?;
    let tags = tags(&input.tags)?;
    check_packed(input)?;
    if let Some(identity) = &input.source_identity {
        check_name("sourceIdentity", identity, 2, 64)?;
    }
    let now = state.now();
    Ok(Session {
        issued_at: now,
        expires_at: now
            .checked_add(SignedDuration::from_secs(input.duration_seconds))
            .unwrap_or(Timestamp::MAX),
        mfa_authenticated_at: (input.mfa == Some(true)).then_some(now),
        mfa_known: input.mfa.is_some(),
        inline_policy,
        managed_policy_arns: input.policy_arns.clone(),
        transitive_tag_keys: input
            .transitive_tag_keys
            .iter()
            .map(|key| key.to_ascii_lowercase())
            .collect(),
        tags,
        source_identity: input.source_identity.clone(),
    })
}

/// The principal of a session of a role that exists.
#[must_use]
pub fn role_principal(state: &State, account: &AccountId, role_name: &str, session_name: &str) -> Option<Principal> {
    let role = state.iam.account(account)?.roles.get(role_name)?;
    Some(Principal::RoleSession {
        account: account.clone(),
        role_id: role.role_id.clone(),
        role_path: role.path.clone(),
        role_name: role.name.clone(),
        session_name: session_name.to_owned(),
    })
}

/// The principal of a user that exists.
#[must_use]
pub fn user_principal(state: &State, account: &AccountId, name: &str) -> Option<Principal> {
    let user = state.iam.account(account)?.users.get(name)?;
    Some(Principal::User {
        account: account.clone(),
        user_id: user.user_id.clone(),
        path: user.path.clone(),
        name: user.name.clone(),
    })
}

/// Whether the user or role behind credentials still is the one they were issued for.
#[must_use]
pub fn is_alive(state: &State, principal: &Principal) -> bool {
    let Some(account) = principal.account() else {
        return true;
    };
    let account = state.iam.account(account);
    match principal {
        Principal::User { name, user_id, .. } => account
            .and_then(|account| account.users.get(name))
            .is_some_and(|user| user.user_id == *user_id),
        Principal::RoleSession { role_name, role_id, .. } => account
            .and_then(|account| account.roles.get(role_name))
            .is_some_and(|role| role.role_id == *role_id),
        Principal::FederatedUser { parent, .. } => is_alive(state, parent),
        Principal::Root { .. } | Principal::Service { .. } | Principal::Anonymous => true,
    }
}

/// Names of sessions, source identities and federated users.
///
/// # Errors
/// ValidationError.
pub fn check_name(member: &str, text: &str, shortest: usize, longest: usize) -> Result<(), SessionError> {
    let legal = |byte: u8| byte.is_ascii_alphanumeric() || b"_+=,.@-".contains(&byte);
    if (shortest..=longest).contains(&text.len()) && text.bytes().all(legal) {
        return Ok(());
    }
    Err(SessionError::new(
        "ValidationError",
        format!(
            "1 validation error detected: Value '{text}' at '{member}' failed to satisfy constraint: Member must \
             satisfy regular expression pattern: [\\w+=,.@-]*"
        ),
    ))
}

fn inline_policy(state: &State, text: &str) -> Result<Arc<Policy>, SessionError> {
    if text.chars().count() > LONGEST_POLICY {
        return Err(SessionError::new(
            "ValidationError",
            "1 validation error detected: Value at 'policy' failed to satisfy constraint: Member must have length less \
             than or equal to 2048",
        ));
    }
    let rules = SaveRules {
        as_of: state.as_of(),
        principals: &state.iam,
    };
    Policy::save(PolicyKind::Session, text, &rules)
        .map(Arc::new)
        .map_err(|error| {
            let code = if error.kind == PolicyErrorKind::Characters {
                "ValidationError"
            } else {
                "MalformedPolicyDocument"
            };
            SessionError::new(code, error.message)
        })
}

fn check_policy_arns(state: &State, input: &SessionInput) -> Result<(), SessionError> {
    if input.policy_arns.len() > MOST_ARNS {
        return Err(SessionError::new(
            "ValidationError",
            format!("At most {MOST_ARNS} managed session policies can be passed."),
        ));
    }
    if let Some(unknown) = input.policy_arns.iter().find(|arn| !state.iam.has_managed_policy(arn)) {
        return Err(SessionError::new(
            "InvalidParameterValue",
            format!("Policy {unknown} was not found."),
        ));
    }
    let inline = input.policy.as_ref().map_or(0, |text| text.chars().count());
    let arns: usize = input.policy_arns.iter().map(|arn| arn.chars().count()).sum();
    if inline + arns > LONGEST_POLICY {
        return Err(packed_too_large(inline + arns, LONGEST_POLICY));
    }
    Ok(())
}

/// Policies and tags share one packed limit.
fn check_packed(input: &SessionInput) -> Result<(), SessionError> {
    let solid = |text: &String| text.chars().filter(|character| !character.is_whitespace()).count();
    let policies: usize = input.policy.iter().chain(&input.policy_arns).map(solid).sum();
    let tags: usize = input
        .tags
        .iter()
        .map(|(key, value)| key.chars().count() + value.chars().count())
        .sum();
    if policies + tags > LONGEST_PACKED {
        return Err(packed_too_large(policies + tags, LONGEST_PACKED));
    }
    Ok(())
}

fn packed_too_large(size: usize, room: usize) -> SessionError {
    SessionError::new(
        "PackedPolicyTooLarge",
        format!(
            "Packed policy consumes {}% of allotted space, please use smaller policy.",
            (size * 100).div_ceil(room)
        ),
    )
}

fn tags(pairs: &[(String, String)]) -> Result<BTreeMap<String, String>, SessionError> {
    let mut seen = BTreeSet::new();
    let mut tags = BTreeMap::new();
    for (key, value) in pairs {
        if key.is_empty() || key.chars().count() > 128 || value.chars().count() > 256 {
            return Err(SessionError::new(
                "ValidationError",
                format!("The session tag `{key}` has an invalid length."),
            ));
        }
        if key.to_ascii_lowercase().starts_with("aws:") {
            return Err(SessionError::new(
                "InvalidParameterValue",
                "Tag keys beginning with aws: are reserved.",
            ));
        }
        if !seen.insert(key.to_lowercase()) {
            return Err(SessionError::new(
                "InvalidParameterValue",
                "Duplicate tag keys found. Please note that Tag keys are case insensitive.",
            ));
        }
        tags.insert(key.clone(), value.clone());
    }
    if tags.len() > MOST_TAGS {
        return Err(SessionError::new(
            "ValidationError",
            format!("At most {MOST_TAGS} session tags can be passed."),
        ));
    }
    Ok(tags)
}
