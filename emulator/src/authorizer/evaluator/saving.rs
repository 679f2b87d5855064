//! Documents that somebody wants to save: accepted, or the code and message of the service that keeps them, with the
//! rule behind the refusal. The checks themselves are `validate`'s; the quotas are those of `iam:§1.9`.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;

use super::unusable::{place_of, rule_of};
use crate::authorizer::policy::{Policy, PolicyError, PolicyErrorKind, PolicyKind, PrincipalResolver, SaveRules};
use crate::authorizer::request::Settings;
use crate::names::AccountId;

/// A document that somebody wants to save.
#[derive(Clone, Debug)]
pub struct EvaluatorSave {
    /// What it is to be.
    pub kind: SaveKind,
    /// Its text.
    pub text: String,
    /// The users and roles that exist; `None` means that nobody looks (`iam:P-43`).
    pub existing_principals: Option<BTreeSet<String>>,
}

/// The kinds of policy of the Case format.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum SaveKind {
    /// A managed policy, also as permissions boundary.
    Managed,
    /// An inline policy of a user, group or role.
    Inline,
    /// An inline session policy.
    Session,
    /// A key policy.
    Key,
    /// A bucket policy.
    Bucket,
    /// The policy of any other resource; checked as a bucket policy is.
    Resource,
    /// A trust policy.
    Trust,
    /// The policy of a VPC endpoint.
    VpcEndpoint,
    /// A service control policy.
    ServiceControl,
    /// A resource control policy.
    ResourceControl,
}

/// What the service says about a document.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum SaveAnswer {
    /// It is stored.
    Accepted,
    /// It is refused.
    Refused {
        /// AWS's error code.
        code: &'static str,
        /// AWS's message.
        message: String,
        /// The rule that refuses it, such as `iam:E-01`.
        rule: &'static str,
        /// The place in the document as a JSON pointer, or `byte N` where the text is not JSON.
        place: String,
    },
}

impl EvaluatorSave {
    /// Whether the document can be saved. `canonical_users` says whose S3's canonical user ids are (`iam:P-12`).
    pub fn answer(&self, canonical_users: &BTreeMap<String, AccountId>, settings: &Settings) -> SaveAnswer {
        let kept = self.kind.keeper();
        let principals = Known {
            existing: self.existing_principals.as_ref(),
            canonical_users,
        };
        let rules = SaveRules {
            as_of: settings.as_of,
            principals: &principals,
        };
        let refused = |code, message: String, rule, place| SaveAnswer::Refused {
            code,
            message,
            rule,
            place,
        };
        let policy = match Policy::save(kept.kind, &self.text, &rules) {
            Ok(policy) => policy,
            Err(error) => {
                let code = if error.kind == PolicyErrorKind::Characters {
                    kept.parameter_code
                } else {
                    kept.code
                };
                let place = place_of(&self.text, error.offset);
                let rule = self.kind.rule(&error, &place);
                return refused(code, error.message, rule, place);
            }
        };
        let length = match kept.counts {
            Counts::WithoutWhiteSpace => policy.characters_without_white_space(),
            Counts::Characters => self.text.chars().count(),
            Counts::Bytes => self.text.len(),
        };
        if length <= kept.longest {
            return SaveAnswer::Accepted;
        }
        refused(kept.quota_code, kept.too_long.to_owned(), "iam:G-80", "/".to_owned())
    }
}

const SESSION_TOO_LONG: &str = "1 validation error detected: Value at 'policy' failed to satisfy constraint: Member \
     must have length less than or equal to 2048";
/// Where AWS's words are not known.
const TOO_LONG: &str = "The policy document exceeds the maximum length.";

/// How the length of a document is counted (`iam:§1.9`).
#[derive(Clone, Copy)]
enum Counts {
    WithoutWhiteSpace,
    Characters,
    Bytes,
}

/// The service that keeps a kind of policy: grammar, codes, quota.
struct Keeper {
    kind: PolicyKind,
    code: &'static str,
    parameter_code: &'static str,
    quota_code: &'static str,
    too_long: &'static str,
    longest: usize,
    counts: Counts,
}

impl SaveKind {
    fn keeper(self) -> Keeper {
        use Counts::{Bytes, Characters, WithoutWhiteSpace};
        let iam = ("MalformedPolicyDocument", "ValidationError", "LimitExceeded");
        let organizations = (
            "MalformedPolicyDocumentException",
            "InvalidInputException",
            "ConstraintViolationException",
        );
        let s3 = ("MalformedPolicy", "MalformedPolicy", "MalformedPolicy");
        let ec2 = (
            "InvalidPolicyDocument",
            "InvalidPolicyDocument",
            "InvalidPolicyDocument",
        );
        let kms = (
            "MalformedPolicyDocumentException",
            "MalformedPolicyDocumentException",
            "LimitExceededException",
        );
        let sts = ("MalformedPolicyDocument", "ValidationError", "ValidationError");
        let (kind, (code, parameter_code, quota_code), too_long, longest, counts) = match self {
            Self::Managed => (
                PolicyKind::IdentityManaged,
                iam,
                "Cannot exceed quota for PolicySize: 6144",
                6_144,
                WithoutWhiteSpace,
            ),
            // Whose policy it is is not said: the quota of roles is the widest.
            Self::Inline => (
                PolicyKind::IdentityInline,
                iam,
                "Maximum policy size of 10240 bytes exceeded for role",
                10_240,
                WithoutWhiteSpace,
            ),
            Self::Trust => (
                PolicyKind::Trust,
                iam,
                "Cannot exceed quota for ACLSizePerRole: 2048",
                2_048,
                WithoutWhiteSpace,
            ),
            Self::Session => (PolicyKind::Session, sts, SESSION_TOO_LONG, 2_048, Characters),
            Self::Key => (
                PolicyKind::KeyPolicy,
                kms,
                "Policy document exceeds the maximum length of 32768 bytes",
                32_768,
                Bytes,
            ),
            Self::Bucket | Self::Resource => (
                PolicyKind::BucketPolicy,
                s3,
                "Policy exceeds the maximum allowed document size.",
                20_480,
                Bytes,
            ),
            Self::VpcEndpoint => (PolicyKind::VpcEndpoint, ec2, TOO_LONG, 20_480, Characters),
            Self::ServiceControl => (PolicyKind::ServiceControl, organizations, TOO_LONG, 10_240, Characters),
            Self::ResourceControl => (PolicyKind::ResourceControl, organizations, TOO_LONG, 5_120, Characters),
        };
        Keeper {
            kind,
            code,
            parameter_code,
            quota_code,
            too_long,
            longest,
            counts,
        }
    }

    /// The rule behind a refusal; what has no rule of the kind's own has that of identity policies.
    fn rule(self, error: &PolicyError, place: &str) -> &'static str {
        let own = RULES
            .iter()
            .find(|(kinds, kind, part, _)| kinds.contains(&self) && *kind == error.kind && error.message.contains(part))
            .map(|(_, _, _, rule)| *rule);
        let about_resources = place.contains("/Resource") || place.contains("/NotResource");
        match self {
            _ if error.kind == PolicyErrorKind::Characters => "iam:G-11",
            // Nothing completes an ARN there.
            Self::Session if error.kind == PolicyErrorKind::LegacyParsing && about_resources => "iam:G-53",
            Self::ServiceControl => "iam:E-21",
            _ if error.message.contains("alpha-numeric") => "iam:G-30",
            _ => own.unwrap_or_else(|| rule_of(error)),
        }
    }
}

use PolicyErrorKind as Family;
use SaveKind as Kind;

/// Kinds of policy, family of the error, what its text contains, rule (`iam:§1.10`). First row wins.
const RULES: &[(&[SaveKind], PolicyErrorKind, &str, &str)] = &[
    (&[Kind::Trust], Family::Json, "", "iam:E-13"),
    (&[Kind::Trust], Family::Resource, "", "iam:E-14"),
    (&[Kind::Trust], Family::Action, "only specify STS", "iam:E-15"),
    (&[Kind::Trust], Family::Principal, "NotPrincipal", "iam:E-18"),
    (&[Kind::Trust], Family::Syntax, "Statement is empty", "iam:E-19"),
    (&[Kind::Trust], Family::Version, "", "iam:E-19"),
    (&[Kind::Trust], Family::Sid, "", "iam:E-19"),
    (&[Kind::Trust], Family::Action, "Missing", "iam:E-16"),
    (&[Kind::Trust], Family::Effect, "", "iam:E-16"),
    (&[Kind::Trust], Family::InvalidPrincipal, "", "iam:E-17"),
    (PRINCIPAL_KINDS, Family::Principal, "NotPrincipal", "iam:P-50"),
    (PRINCIPAL_KINDS, Family::InvalidPrincipal, "", "iam:P-43"),
    (PRINCIPAL_KINDS, Family::Action, "Missing", "iam:E-05"),
    (PRINCIPAL_KINDS, Family::Resource, "Missing", "iam:E-05"),
    (&[Kind::Key], Family::Condition, "OverlyPermissive", "svc:C-4"),
    (&[Kind::ResourceControl], Family::Effect, "", "iam:G-15"),
    (&[Kind::ResourceControl], Family::Principal, "", "iam:G-15"),
    (&[Kind::ResourceControl], Family::Action, "RCP", "iam:G-15"),
    (
        &[Kind::ResourceControl, Kind::Managed],
        Family::Version,
        "or greater",
        "iam:E-02",
    ),
];

const PRINCIPAL_KINDS: &[SaveKind] = &[Kind::Key, Kind::Bucket, Kind::Resource, Kind::VpcEndpoint];

/// The users, roles and canonical users of a case.
struct Known<'a> {
    existing: Option<&'a BTreeSet<String>>,
    canonical_users: &'a BTreeMap<String, AccountId>,
}

impl PrincipalResolver for Known<'_> {
    fn unique_id_of(&self, arn: &str) -> Option<String> {
        // Which id it is, nobody asks.
        let exists = self.existing.is_none_or(|existing| existing.contains(arn));
        exists.then(|| "AIDAEXISTS".to_owned())
    }

    fn arn_of(&self, unique_id: &str) -> Option<String> {
        // The form names those that exist by their ARNs.
        self.existing.is_none().then(|| unique_id.to_owned())
    }

    fn account_of_canonical_user(&self, canonical_id: &str) -> Option<AccountId> {
        // Who exists is said of users and roles; a canonical user stands for an account, some account.
        let known = self.canonical_users.get(canonical_id).cloned();
        known.or_else(|| AccountId::parse("000000000000"))
    }
}

/// The text of a document: a mapping, or a string that is the text itself.
pub(super) fn text_of(document: &Value) -> String {
    match document {
        Value::String(text) => text.clone(),
        other => other.to_string(),
    }
}
