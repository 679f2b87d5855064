//! Every fault a policy can have: when AWS reports it, in which words, and whether it keeps a stored document from being evaluated.
//! An empty text means that the service's words are not known.

use super::super::draft::ShapeFault;
use crate::policy::{PolicyError, PolicyErrorKind, PolicyKind};
use crate::rule::{RuleId, rule};

/// A fault with its place.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Found {
    pub(super) fault: Fault,
    pub(super) offset: usize,
}

/// What is wrong.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Fault {
    NotJson,
    Shape(ShapeFault),
    UnknownMember(String),
    /// The same member twice; in legacy documents only some are readable (`iam:G-06`).
    Duplicate {
        readable: bool,
    },
    BothForms,
    WrongType,
    BadVersion,
    /// No version, or 2008-10-17, where 2012-10-17 is needed.
    OldVersion,
    IdForbidden,
    MissingEffect,
    BadEffect(String),
    /// `allow`, `DENY`: right word, wrong case.
    EffectCase(String),
    UnknownOperator(String),
    BadDate,
    /// `arn:aws:s3::b`: an empty field, but fewer than six.
    LegacyArn,
    PrincipalForbidden,
    SidCharacters,
    SidDuplicate,
    MissingActions,
    MissingResources,
    ResourceNotArn(String),
    ResourcePartition(String),
    ResourceVendor,
    IamResourceType,
    IamResourceRegion(String),
    ResourceRegion(String),
    ActionWithoutVendor,
    ActionColons,
    ActionVendor(String),
    MissingPrincipal,
    EmptyPrincipal,
    /// A text that is not `*` where a map belongs.
    BarePrincipal(String),
    InvalidPrincipal {
        member: String,
        text: String,
    },
    NotPrincipalForbidden,
    AllowNotPrincipal,
    ResourceForbidden,
    NotResourceForbidden,
    NotAssumeRole,
    /// Since 2025-08-18 (`svc:K-14`).
    KeyStatementIncomplete,
    /// `ForAllValues` on a single-valued KMS key (`svc:C-4`).
    OverlyPermissive,
    /// RCPs know only Deny, `Principal: "*"`, and actions with a service (`iam:G-15`).
    ResourceControlForm,
    /// An incomplete ARN where none may be (`iam:G-53`).
    IncompleteArn,
}

/// The order in which IAM reports faults (`iam:E-20` as corrected). Where principals stand in it is not recorded: behind the Sids, which
/// are a matter of the whole document, and before what the statement is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Stage {
    Syntax,
    Version,
    Legacy,
    SidCharacters,
    SidUnique,
    Principals,
    Actions,
    ResourceShape,
    ActionShape,
    Resources,
}

const IAM_RESOURCE_TYPES: &str = "IAM resource path must either be \"*\" or start with user/, federated-user/, role/, group/, \
    instance-profile/, mfa/, server-certificate/, policy/, sms-mfa/, saml-provider/, oidc-provider/, report/, access-report/.";

const SID_CHARACTERS: &str =
    "Statement IDs (SID) must be alpha-numeric. Check that your input satisfies the regular expression [0-9A-Za-z]*";

const OVERLY_PERMISSIVE: &str = "OverlyPermissiveCondition:EncryptionContext: Using the ForAllValues set operator with a single-valued \
    condition key matches requests without the specified encryption context or with an unspecified encryption context. To fix, remove \
    ForAllValues.";

impl Fault {
    pub(super) fn at(self, offset: usize) -> Found {
        Found { fault: self, offset }
    }

    pub(super) fn stage(&self) -> Stage {
        match self {
            Self::OldVersion => Stage::Version,
            Self::EffectCase(_) | Self::BadDate | Self::LegacyArn => Stage::Legacy,
            Self::PrincipalForbidden
            | Self::MissingPrincipal
            | Self::EmptyPrincipal
            | Self::BarePrincipal(_)
            | Self::InvalidPrincipal { .. }
            | Self::NotPrincipalForbidden
            | Self::AllowNotPrincipal
            | Self::ResourceForbidden
            | Self::NotResourceForbidden => Stage::Principals,
            Self::SidCharacters => Stage::SidCharacters,
            Self::SidDuplicate => Stage::SidUnique,
            Self::MissingActions | Self::KeyStatementIncomplete => Stage::Actions,
            Self::ResourceNotArn(_)
            | Self::ResourcePartition(_)
            | Self::ResourceVendor
            | Self::IamResourceType
            | Self::IamResourceRegion(_)
            | Self::ResourceRegion(_)
            | Self::IncompleteArn => Stage::ResourceShape,
            Self::ActionWithoutVendor | Self::ActionColons | Self::ActionVendor(_) | Self::NotAssumeRole => {
                Stage::ActionShape
            }
            Self::MissingResources => Stage::Resources,
            _ => Stage::Syntax,
        }
    }

    /// The stage in a document of this kind. Legacy parsing is IAM's; elsewhere an ARN that ends early is a matter of the resource, so
    /// that a missing Principal is told first.
    pub(super) fn stage_in(&self, kind: PolicyKind) -> Stage {
        match self {
            Self::LegacyArn if !kind.is_identity() => Stage::ResourceShape,
            _ => self.stage(),
        }
    }

    /// Whether a stored document with this fault is unusable (`iam:E-22` as corrected). Version and quotas matter on saving only, and
    /// a rule that says what happens at run time wins: a bad date matches nothing, an impossible principal matches nobody.
    pub(super) fn breaks_evaluation(&self, kind: PolicyKind) -> bool {
        let identity = kind.is_identity();
        match self {
            Self::NotJson
            | Self::Shape(_)
            | Self::UnknownMember(_)
            | Self::BothForms
            | Self::WrongType
            | Self::BadVersion
            | Self::MissingEffect
            | Self::BadEffect(_)
            | Self::EffectCase(_)
            | Self::UnknownOperator(_)
            | Self::BarePrincipal(_)
            | Self::PrincipalForbidden
            // The grammar of actions and resources is that of every policy (iam:G-40, iam:G-50); odd names of actions are not faults at
            // all (iam:G-42).
            | Self::ResourceNotArn(_)
            | Self::ResourcePartition(_)
            | Self::ResourceVendor
            | Self::IamResourceType
            | Self::IamResourceRegion(_)
            | Self::ResourceRegion(_)
            | Self::ActionWithoutVendor
            | Self::ActionColons
            | Self::ActionVendor(_) => true,
            Self::Duplicate { readable } => !readable,
            // Principal or NotPrincipal must be there; an empty one never applies (iam:G-71).
            Self::MissingPrincipal => kind.names_principals(),
            Self::MissingActions => kind != PolicyKind::Key,
            Self::MissingResources => identity || kind.is_organization() || kind == PolicyKind::VpcEndpoint,
            Self::LegacyArn | Self::SidDuplicate => identity,
            Self::IncompleteArn => kind == PolicyKind::Session,
            _ => false,
        }
    }

    /// AWS's words for a document of this kind, and the rule that says so.
    fn describe(&self, kind: PolicyKind) -> (String, RuleId) {
        match kind {
            PolicyKind::Managed | PolicyKind::Inline | PolicyKind::Session => self.describe_identity(),
            PolicyKind::Trust => self.describe_trust(),
            PolicyKind::Key => self.describe_key(),
            PolicyKind::Bucket => self.describe_bucket(),
            PolicyKind::ServiceControl | PolicyKind::ResourceControl => {
                (String::new(), self.plain_rule(rule("iam:E-21")))
            }
            PolicyKind::Resource | PolicyKind::VpcEndpoint => (String::new(), self.plain_rule(rule("iam:G-12"))),
        }
    }

    fn describe_identity(&self) -> (String, RuleId) {
        let said = |text: &str, id| (text.to_owned(), id);
        match self {
            Self::OldVersion => said(
                "Policy document must be version 2012-10-17 or greater.",
                rule("iam:E-02"),
            ),
            Self::EffectCase(_) | Self::BadDate | Self::LegacyArn => {
                said("The policy failed legacy parsing", rule("iam:E-03"))
            }
            Self::SidCharacters => said(SID_CHARACTERS, rule("iam:G-30")),
            Self::SidDuplicate => said(
                "Statement IDs (SID) in a single policy must be unique.",
                rule("iam:E-04"),
            ),
            Self::MissingActions => said("Policy statement must contain actions.", rule("iam:E-05")),
            Self::MissingResources => said("Policy statement must contain resources.", rule("iam:E-05")),
            Self::ActionWithoutVendor => said(
                "Actions/Conditions must be prefaced by a vendor, e.g., iam, sdb, ec2, etc.",
                rule("iam:E-06"),
            ),
            Self::ActionColons => said("Actions/Condition can contain only one colon.", rule("iam:E-07")),
            Self::ActionVendor(vendor) => (format!("Vendor {vendor} is not valid"), rule("iam:E-07")),
            Self::ResourceNotArn(text) => (
                format!("Resource {text} must be in ARN format or \"*\"."),
                rule("iam:E-08"),
            ),
            Self::ResourcePartition(text) => (partition_text(text), rule("iam:E-09")),
            Self::ResourceVendor => said(
                "Resource vendor must be fully qualified and cannot contain regexes.",
                rule("iam:E-10"),
            ),
            Self::IamResourceType => said(IAM_RESOURCE_TYPES, rule("iam:E-11")),
            Self::IamResourceRegion(text) => (
                format!("IAM resource {text} cannot contain region information."),
                rule("iam:E-11"),
            ),
            Self::ResourceRegion(text) => (
                format!("Resource {text} can not contain region information."),
                rule("iam:E-11"),
            ),
            Self::PrincipalForbidden => said("Policy document should not specify a principal.", rule("iam:E-12")),
            Self::IncompleteArn => (String::new(), rule("iam:G-53")),
            _ => said("Syntax errors in policy.", rule("iam:E-01")),
        }
    }

    fn describe_trust(&self) -> (String, RuleId) {
        let said = |text: &str, id| (text.to_owned(), id);
        match self {
            Self::NotJson => said("This policy contains invalid Json", rule("iam:E-13")),
            Self::BadVersion => said("The policy must contain a valid version string", rule("iam:E-19")),
            Self::Shape(ShapeFault::NoStatement | ShapeFault::NoStatements) => {
                said("Could not parse the policy: Statement is empty!", rule("iam:E-19"))
            }
            Self::SidDuplicate => said("The Statement Ids in the policy are not unique", rule("iam:E-19")),
            Self::SidCharacters => said(SID_CHARACTERS, rule("iam:G-30")),
            Self::ResourceForbidden => said("Has prohibited field Resource", rule("iam:E-14")),
            Self::NotResourceForbidden => said("AssumeRole policy must not contain resources.", rule("iam:E-14")),
            Self::NotAssumeRole => said(
                "AssumeRole policy may only specify STS AssumeRole actions.",
                rule("iam:E-15"),
            ),
            Self::MissingPrincipal => said("Missing required field Principal", rule("iam:E-16")),
            Self::EmptyPrincipal => said("Missing required field Principal cannot be empty!", rule("iam:E-16")),
            Self::MissingActions => said("Missing required field Action", rule("iam:E-16")),
            Self::MissingEffect => said("Missing required field Effect", rule("iam:E-16")),
            Self::BadEffect(word) | Self::EffectCase(word) => (format!("Invalid effect: {word}"), rule("iam:E-16")),
            Self::BadDate => said("The policy failed legacy parsing", rule("iam:E-03")),
            Self::BarePrincipal(text) => (
                format!("Invalid principal in policy: \"AWS\":\"{text}\""),
                rule("iam:E-17"),
            ),
            // IAM writes the member of services in capitals (recorded in hashicorp/terraform#35086).
            Self::InvalidPrincipal { member, text } => (
                format!(
                    "Invalid principal in policy: \"{}\":\"{text}\"",
                    if *member == "Service" { "SERVICE" } else { member }
                ),
                rule("iam:E-17"),
            ),
            Self::AllowNotPrincipal => said("Allow with NotPrincipal is not allowed.", rule("iam:E-18")),
            Self::NotPrincipalForbidden => said(
                "AssumeRole policy must not contain NotPrincipal field.",
                rule("iam:E-18"),
            ),
            Self::UnknownOperator(name) => (format!("Invalid Condition type : {name}"), rule("iam:C-20")),
            _ => said("Syntax errors in policy.", rule("iam:E-01")),
        }
    }

    fn describe_key(&self) -> (String, RuleId) {
        let said = |text: &str, id| (text.to_owned(), id);
        match self {
            Self::InvalidPrincipal { .. } | Self::BarePrincipal(_) => said(
                "Policy contains a statement with one or more invalid principals.",
                rule("svc:P-4"),
            ),
            Self::KeyStatementIncomplete => said("", rule("svc:K-14")),
            Self::OverlyPermissive => said(OVERLY_PERMISSIVE, rule("svc:C-4")),
            Self::AllowNotPrincipal => said("", rule("iam:P-50")),
            Self::ActionWithoutVendor | Self::ActionColons | Self::ActionVendor(_) => said("", rule("iam:G-40")),
            Self::BadDate => said("", rule("iam:G-66")),
            Self::NotJson | Self::WrongType => said("", rule("svc:P-4")),
            _ => said("", rule("svc:P-3")),
        }
    }

    fn describe_bucket(&self) -> (String, RuleId) {
        let said = |text: &str, id| (text.to_owned(), id);
        match self {
            Self::NotJson | Self::Shape(ShapeFault::NotAnObject) => said(
                "Policies must be valid JSON and the first byte must be '{'",
                rule("iam:G-01"),
            ),
            Self::MissingPrincipal => said("Missing required field Principal", rule("iam:G-14")),
            Self::InvalidPrincipal { .. } | Self::BarePrincipal(_) | Self::EmptyPrincipal => {
                said("Invalid principal in policy", rule("iam:P-43"))
            }
            // Recorded in public reports (aws-samples/aws-serverless-appsync-app#4, versity/versitygw#648 and #650).
            Self::ActionWithoutVendor | Self::ActionColons | Self::ActionVendor(_) => {
                said("Policy has invalid action", rule("iam:G-40"))
            }
            Self::ResourceNotArn(_)
            | Self::ResourcePartition(_)
            | Self::ResourceVendor
            | Self::IamResourceType
            | Self::IamResourceRegion(_)
            | Self::ResourceRegion(_)
            | Self::LegacyArn => said("Policy has invalid resource", rule("iam:G-50")),
            _ => (String::new(), self.plain_rule(rule("iam:G-12"))),
        }
    }

    /// The grammar rule behind a fault, where no service's own table of answers is known.
    fn plain_rule(&self, otherwise: RuleId) -> RuleId {
        match self {
            Self::NotJson | Self::Shape(_) => rule("iam:G-01"),
            Self::UnknownMember(_) => rule("iam:G-05"),
            Self::Duplicate { .. } => rule("iam:G-06"),
            Self::SidDuplicate => rule("iam:G-30"),
            Self::BothForms | Self::MissingActions | Self::MissingResources => rule("iam:G-14"),
            Self::ActionWithoutVendor | Self::ActionColons | Self::ActionVendor(_) => rule("iam:G-40"),
            Self::ResourceNotArn(_) => rule("iam:G-50"),
            Self::ResourcePartition(_) | Self::ResourceVendor => rule("iam:G-51"),
            Self::IamResourceType | Self::IamResourceRegion(_) | Self::ResourceRegion(_) => rule("iam:G-54"),
            Self::IncompleteArn | Self::LegacyArn => rule("iam:G-53"),
            Self::BadDate => rule("iam:G-66"),
            Self::BarePrincipal(_) => rule("iam:P-01"),
            Self::BadVersion => rule("iam:G-20"),
            Self::MissingEffect | Self::BadEffect(_) | Self::EffectCase(_) => rule("iam:G-32"),
            Self::UnknownOperator(_) => rule("iam:G-62"),
            Self::AllowNotPrincipal => rule("iam:P-50"),
            Self::NotPrincipalForbidden => rule("iam:P-51"),
            Self::InvalidPrincipal { .. } => rule("iam:P-14"),
            Self::ResourceControlForm => rule("iam:G-15"),
            _ => otherwise,
        }
    }
}

impl Found {
    /// The refusal of a document of this kind.
    pub(super) fn error(self, kind: PolicyKind) -> PolicyError {
        let (message, rule) = self.fault.describe(kind);
        let sort = match self.fault {
            Fault::InvalidPrincipal { .. } | Fault::BarePrincipal(_) => PolicyErrorKind::InvalidPrincipal,
            _ => PolicyErrorKind::Malformed,
        };
        PolicyError {
            policy: kind,
            kind: sort,
            message,
            rule,
            offset: self.offset,
        }
    }
}

/// Missing fields are shown as `*`.
fn partition_text(resource: &str) -> String {
    let mut fields: Vec<&str> = resource.splitn(6, ':').collect();
    fields.resize(6, "*");
    let partition = fields[1];
    format!(
        "Partition \"{partition}\" is not valid for resource \"arn:{}\".",
        fields[1..].join(":")
    )
}
