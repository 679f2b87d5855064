//! The texts of policy errors (`iam:§1.10`). Which error it is has been decided before.

use super::super::policy::{PolicyError, PolicyErrorKind, PolicyKind};
use super::shape::{Problem, Wrong};

/// `iam:E-04`.
pub(super) const DUPLICATE_SID: &str = "Statement IDs (SID) in a single policy must be unique.";
/// `iam:E-19`.
pub(super) const DUPLICATE_SID_ELSEWHERE: &str = "The Statement Ids in the policy are not unique";
/// Errata `iam:E-20`.
pub(super) const SID_CHARACTERS: &str = "Statement IDs (SID) must be alpha-numeric. \
     Check that your input satisfies the regular expression [0-9A-Za-z]*";
/// `iam:E-19`.
pub(super) const VERSION_WORD: &str = "The policy must contain a valid version string";
/// `iam:E-18`.
/// `svc:C-4`, the words of the KMS developer guide.
pub(super) const FOR_ALL_CONTEXT_VALUES: &str = "OverlyPermissiveCondition:EncryptionContext: \
    Using the ForAllValues set operator with a single-valued condition key matches requests without the specified \
    encryption context or with an unspecified encryption context. To fix, remove ForAllValues.";
pub(super) const ALLOW_NOT_PRINCIPAL: &str = "Allow with NotPrincipal is not allowed.";

const SYNTAX: &str = "Syntax errors in policy.";

pub(super) fn of(kind: PolicyErrorKind, message: &str, offset: usize) -> PolicyError {
    PolicyError {
        kind,
        message: message.to_owned(),
        offset,
    }
}

/// `iam:E-01`.
pub(super) fn syntax(offset: usize) -> PolicyError {
    of(PolicyErrorKind::Syntax, SYNTAX, offset)
}

/// `iam:E-02`.
pub(super) fn old_version(offset: usize) -> PolicyError {
    of(
        PolicyErrorKind::Version,
        "Policy document must be version 2012-10-17 or greater.",
        offset,
    )
}

/// `iam:E-03`.
pub(super) fn legacy_parsing(offset: usize) -> PolicyError {
    of(
        PolicyErrorKind::LegacyParsing,
        "The policy failed legacy parsing",
        offset,
    )
}

/// `iam:E-05`.
pub(super) fn no_actions(offset: usize) -> PolicyError {
    of(
        PolicyErrorKind::Action,
        "Policy statement must contain actions.",
        offset,
    )
}

/// `iam:E-05`.
pub(super) fn no_resources(offset: usize) -> PolicyError {
    of(
        PolicyErrorKind::Resource,
        "Policy statement must contain resources.",
        offset,
    )
}

/// `iam:E-12`.
pub(super) fn principal_not_allowed(offset: usize) -> PolicyError {
    of(
        PolicyErrorKind::Principal,
        "Policy document should not specify a principal.",
        offset,
    )
}

/// `iam:E-17`, `svc:P-4`.
pub(super) fn invalid_principal(kind: PolicyKind, member: &str, value: &str, offset: usize) -> PolicyError {
    let message = match kind {
        PolicyKind::KeyPolicy => "Policy contains a statement with one or more invalid principals.".to_owned(),
        PolicyKind::BucketPolicy => "Invalid principal in policy".to_owned(),
        _ => format!("Invalid principal in policy: \"{}\":\"{value}\"", member.to_uppercase()),
    };
    PolicyError {
        kind: PolicyErrorKind::InvalidPrincipal,
        message,
        offset,
    }
}

/// S3's word for a malformed action.
pub(super) fn bucket_action(error: &PolicyError) -> PolicyError {
    of(PolicyErrorKind::Action, "Policy has invalid action", error.offset)
}

/// S3's word for a malformed resource.
pub(super) fn bucket_resource(error: &PolicyError) -> PolicyError {
    of(PolicyErrorKind::Resource, "Policy has invalid resource", error.offset)
}

/// Text that is not JSON.
pub(super) fn not_json(kind: PolicyKind) -> &'static str {
    match kind {
        PolicyKind::Trust => "This policy contains invalid Json",
        PolicyKind::BucketPolicy => "Policies must be valid JSON and the first byte must be '{'",
        _ => SYNTAX,
    }
}

/// A document of the wrong shape: one text for identity policies (`iam:E-01`), several for trust and bucket
/// policies (`iam:E-13` to `iam:E-19`).
pub(super) fn shape_problem(kind: PolicyKind, problem: &Problem) -> PolicyError {
    let Problem { what, offset } = problem;
    let tells_more = matches!(kind, PolicyKind::Trust | PolicyKind::BucketPolicy);
    if !tells_more {
        return syntax(*offset);
    }
    let is_trust = kind == PolicyKind::Trust;
    match what {
        Wrong::NotAnObject => of(PolicyErrorKind::Json, not_json(kind), *offset),
        Wrong::UnknownMember(name) if is_trust => of(
            PolicyErrorKind::Syntax,
            &format!("Has prohibited field {name}"),
            *offset,
        ),
        Wrong::UnknownMember(name) => of(PolicyErrorKind::Syntax, &format!("Unknown field {name}"), *offset),
        Wrong::Version => of(PolicyErrorKind::Version, VERSION_WORD, *offset),
        Wrong::NoStatement if !is_trust => of(PolicyErrorKind::Syntax, "Missing required field Statement", *offset),
        Wrong::NoStatement | Wrong::EmptyStatement => of(
            PolicyErrorKind::Syntax,
            "Could not parse the policy: Statement is empty!",
            *offset,
        ),
        Wrong::NoEffect => of(PolicyErrorKind::Effect, "Missing required field Effect", *offset),
        Wrong::Effect(word) => of(PolicyErrorKind::Effect, &format!("Invalid effect: {word}"), *offset),
        Wrong::Principal(text) => invalid_principal(kind, "AWS", text, *offset),
        Wrong::Operator(name) => of(
            PolicyErrorKind::Condition,
            &format!("Invalid Condition type : {name}"),
            *offset,
        ),
        Wrong::Duplicate | Wrong::Both | Wrong::Type => syntax(*offset),
    }
}
