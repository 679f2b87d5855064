//! A policy: its text, its compiled statements, and the two ways to get one (saved now, stored earlier).
//! The grammar is checked in `validate`, statements are built in `compile`.

use std::sync::Arc;

use jiff::civil::Date;

use super::statement::Statement;
use super::{compile, json, validate};
use crate::names::AccountId;

/// What a policy is for; decides grammar (`iam:§1.2`) and how incomplete ARNs are read.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum PolicyKind {
    /// A customer or AWS managed identity policy. May also serve as a boundary or session policy.
    IdentityManaged,
    /// An inline policy of a user, group or role.
    IdentityInline,
    /// A permissions boundary; the grammar is that of managed policies.
    Boundary,
    /// An inline session policy (`Policy` of `AssumeRole*`, `GetFederationToken`).
    Session,
    /// A service control policy.
    ServiceControl,
    /// A resource control policy written by a customer.
    ResourceControl,
    /// The trust policy of a role.
    Trust,
    /// The policy of a KMS key.
    KeyPolicy,
    /// The policy of a bucket.
    BucketPolicy,
    /// The policy of a VPC endpoint.
    VpcEndpoint,
}

impl PolicyKind {
    /// Kinds whose statements name who is allowed or denied.
    pub fn has_principals(self) -> bool {
        matches!(
            self,
            Self::Trust | Self::KeyPolicy | Self::BucketPolicy | Self::VpcEndpoint | Self::ResourceControl
        )
    }

    /// Kinds whose incomplete ARNs are completed with `*` (`iam:G-52`); elsewhere they match nothing.
    pub(crate) fn completes_arns(self) -> bool {
        matches!(self, Self::IdentityManaged | Self::IdentityInline | Self::Boundary)
    }
}

/// A compiled policy. Cheap to share behind an `Arc`; never changes.
#[derive(Clone, Debug)]
pub struct Policy {
    kind: PolicyKind,
    text: Arc<str>,
    statements: Vec<Statement>,
    /// Of an unusable policy, the statements that can be made out: for the fault that reads on.
    readable: Vec<Statement>,
    bindings: Vec<PrincipalBinding>,
    unusable: Option<PolicyError>,
}

/// A principal of the text that may be shown otherwise than it was written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct PrincipalBinding {
    /// Where the JSON string starts (at its opening quote) and ends (after its closing quote), in bytes.
    pub(crate) start: usize,
    pub(crate) end: usize,
    /// What the text says there: an ARN, a unique id or an account id.
    pub(crate) written: String,
    /// Who is meant.
    pub(crate) meant: Meant,
}

/// Whom a bound principal means.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Meant {
    /// The user or role that had this unique id when the policy was saved (`iam:P-40`).
    Entity(String),
    /// An account, written as its bare id: the two spellings are identical, and services show the ARN (`iam:P-03`).
    Account(String),
}

impl Meant {
    /// How it is shown: with the current ARN; an entity that is gone with its bare unique id (`iam:P-41`).
    fn shown(&self, principals: &dyn PrincipalResolver) -> String {
        match self {
            Self::Entity(unique_id) => principals.arn_of(unique_id).unwrap_or_else(|| unique_id.clone()),
            Self::Account(account) => format!("arn:aws:iam::{account}:root"),
        }
    }
}

/// What saving a policy depends on beside its text.
#[derive(Clone, Copy)]
pub struct SaveRules<'a> {
    /// The date whose rules apply (errata `svc:K-14`).
    pub as_of: Date,
    /// Which users and roles exist.
    pub principals: &'a dyn PrincipalResolver,
}

impl std::fmt::Debug for SaveRules<'_> {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter
            .debug_struct("SaveRules")
            .field("as_of", &self.as_of)
            .finish_non_exhaustive()
    }
}

/// The world's users and roles, asked while a policy with principals is saved or shown.
pub trait PrincipalResolver {
    /// The unique id (`AIDA…`, `AROA…`) of the user or role that has exactly this ARN now (`iam:P-43`).
    fn unique_id_of(&self, arn: &str) -> Option<String>;

    /// The ARN of the user or role that carries this unique id now (`iam:P-40`, `iam:P-41`).
    fn arn_of(&self, unique_id: &str) -> Option<String>;

    /// The account with this S3 canonical user id (`iam:P-12`).
    fn account_of_canonical_user(&self, canonical_id: &str) -> Option<AccountId> {
        let _ = canonical_id;
        None
    }
}

/// A world without users and roles; enough for policies that name no principals.
#[derive(Clone, Copy, Debug, Default)]
pub struct NoPrincipals;

impl PrincipalResolver for NoPrincipals {
    fn unique_id_of(&self, _arn: &str) -> Option<String> {
        None
    }

    fn arn_of(&self, _unique_id: &str) -> Option<String> {
        None
    }
}

/// Why a policy text is refused, or why a stored one is unusable. The message is IAM's (`iam:§1.10`) for
/// identity, session, organization and trust policies, S3's for bucket policies; KMS and Organizations
/// render their own code around it.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{message}")]
pub struct PolicyError {
    /// Which family of checks failed.
    pub kind: PolicyErrorKind,
    /// The text the service answers with.
    pub message: String,
    /// Byte offset in the policy text of what is to blame.
    pub offset: usize,
}

/// Families of policy errors. Everything but `Characters` is `MalformedPolicyDocument` and its like.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum PolicyErrorKind {
    /// Empty, too long, or characters outside the allowed set: parameter validation (`iam:G-11`).
    Characters,
    /// Not JSON.
    Json,
    /// `iam:E-01` and its variants.
    Syntax,
    /// `iam:E-02`, `iam:E-19`.
    Version,
    /// `iam:E-03`.
    LegacyParsing,
    /// `iam:E-04` and the characters of a Sid.
    Sid,
    /// Missing or unknown Effect (`iam:E-16`).
    Effect,
    /// `iam:E-05` to `iam:E-07`, `iam:E-15`.
    Action,
    /// `iam:E-05`, `iam:E-08` to `iam:E-11`, `iam:E-14`.
    Resource,
    /// Missing, forbidden or malformed Principal or NotPrincipal (`iam:E-12`, `iam:E-16`, `iam:E-18`).
    Principal,
    /// A principal that is malformed or does not exist (`iam:E-17`, `svc:P-4`).
    InvalidPrincipal,
    /// A condition block that is refused.
    Condition,
}

impl Policy {
    /// Checks and compiles a policy that somebody saves now. User and role ARNs in principals are bound to
    /// unique ids (`iam:P-40`).
    ///
    /// # Errors
    /// [`PolicyError`] for the first check that fails, in the order of errata `iam:E-20`.
    pub fn save(kind: PolicyKind, text: &str, rules: &SaveRules<'_>) -> Result<Self, PolicyError> {
        validate::check_characters(kind, text)?;
        let document = json::parse(text).map_err(|error| validate::json_error(kind, &error))?;
        validate::check_saved(kind, &document, rules)?;
        let compiled = compile::compile(kind, &document, Some(rules.principals));
        Ok(Self {
            kind,
            text: Arc::from(text),
            statements: compiled.statements,
            readable: Vec::new(),
            bindings: compiled.bindings,
            unusable: None,
        })
    }

    /// Reads a policy that is simply there. Nothing is refused: what breaks its own grammar becomes
    /// unusable, and using it is an evaluation error, never an allow (`iam:E-22`).
    pub fn stored(kind: PolicyKind, text: &str) -> Self {
        Self::stored_among(kind, text, None)
    }

    /// The same where somebody knows whose canonical user ids are (`iam:P-12`).
    pub(crate) fn stored_among(kind: PolicyKind, text: &str, principals: Option<&dyn PrincipalResolver>) -> Self {
        let parsed = json::parse(text).map_err(|error| validate::json_error(kind, &error));
        let checked = parsed.and_then(|document| validate::check_stored(kind, &document).map(|()| document));
        match checked {
            Ok(document) => Self {
                kind,
                text: Arc::from(text),
                statements: compile::compile(kind, &document, principals).statements,
                readable: Vec::new(),
                bindings: Vec::new(),
                unusable: None,
            },
            Err(error) => Self {
                kind,
                text: Arc::from(text),
                statements: Vec::new(),
                readable: json::parse(text).map_or_else(
                    |_| Vec::new(),
                    |document| compile::compile(kind, &document, principals).statements,
                ),
                bindings: Vec::new(),
                unusable: Some(error),
            },
        }
    }

    /// What the policy is for.
    pub fn kind(&self) -> PolicyKind {
        self.kind
    }

    /// The text exactly as saved.
    pub fn text(&self) -> &str {
        &self.text
    }

    /// The compiled statements, in document order; empty when the policy is unusable.
    pub fn statements(&self) -> &[Statement] {
        &self.statements
    }

    /// What `unreadable-parts-skipped` makes of the policy.
    pub(super) fn readable_statements(&self) -> &[Statement] {
        &self.readable
    }

    /// Why the policy cannot be evaluated, if so (`iam:E-22`).
    pub fn unusable(&self) -> Option<&PolicyError> {
        self.unusable.as_ref()
    }

    /// The text as it is shown: users and roles appear with their current ARN, those that are gone with
    /// their bare unique id (`iam:P-40`, `iam:P-41`), accounts with the ARN of their root (`iam:P-03`).
    pub fn displayed_text(&self, principals: &dyn PrincipalResolver) -> String {
        let mut shown = String::with_capacity(self.text.len());
        let mut copied = 0;
        for binding in &self.bindings {
            let name = binding.meant.shown(principals);
            if name == binding.written {
                continue;
            }
            shown.push_str(&self.text[copied..binding.start]);
            // Neither ARNs of accounts, users and roles nor unique ids have characters that JSON escapes.
            shown.push('"');
            shown.push_str(&name);
            shown.push('"');
            copied = binding.end;
        }
        shown.push_str(&self.text[copied..]);
        shown
    }

    /// The number of characters that count against IAM's quotas: white space is free (`iam:§1.9`).
    pub fn characters_without_white_space(&self) -> usize {
        self.text.chars().filter(|character| !character.is_whitespace()).count()
    }
}
