//! What a live run was allowed: the account, the Region, ceilings, the journal. And why it is refused.

use std::path::PathBuf;

use countersign_model::name::{AccountId, Region};

use crate::target::endpoint::Organizations;

/// Every name that a live run makes begins with this, and nothing else is touched.
pub const NAME_PREFIX: &str = "countersign-";
/// The tag of everything that can have one; its value is the run.
pub(super) const TAG: &str = "countersign:run";
/// Sid of the statement by which every key policy keeps the provisioner.
pub(super) const PROVISIONER_SID: &str = "CountersignProvisioner";
/// The Region of IAM's calls.
pub(super) const GLOBAL_REGION: &str = "us-east-1";

/// What a live run was allowed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LiveOptions {
    /// The only account.
    pub account: AccountId,
    /// The only Region.
    pub region: Region,
    /// How much it may take.
    pub ceilings: Ceilings,
    /// Where everything is written down before it is made.
    pub journal: PathBuf,
    /// Name of the run, in tags and in the journal.
    pub run: String,
    /// What takes AWS's place, on loopback; none for AWS itself.
    pub rehearsal: Option<Rehearsal>,
}

/// What takes AWS's place in a rehearsal.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Rehearsal {
    /// Its address, on loopback.
    pub endpoint: String,
    /// What its Organizations service is worth. INVARIANT: AWS's own is never asked about here, so that its answer always counts.
    pub organizations: Organizations,
}

/// How much a run may take. What would go over is not sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Ceilings {
    /// Keys that may be made; those of the pool that are there already do not count.
    pub keys: u64,
    /// Calls of AWS's API.
    pub calls: u64,
    /// Minutes from the first call.
    pub minutes: u64,
    /// Costs at list prices, every key counted for a whole month, in millionths of a dollar.
    pub micro_dollars: u64,
}

impl Default for Ceilings {
    fn default() -> Self {
        Self {
            keys: 4,
            calls: 20_000,
            minutes: 60,
            micro_dollars: 10_000_000,
        }
    }
}

/// Why a live run does not start, or stops. Every one of them is exit code 4.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum LiveError {
    /// The credentials are of another account.
    #[error("these credentials are of account `{found}`, and `--account {allowed}` was allowed")]
    OtherAccount {
        /// The account that was named.
        allowed: String,
        /// The one that answered.
        found: String,
    },
    /// The credentials are the root user's.
    #[error("`{arn}` is the root user: key policies cannot keep it apart from the rest of the account")]
    RootUser {
        /// The caller.
        arn: String,
    },
    /// The account is the management account of an organization.
    #[error("`{account}` is the management account of an organization: no policy of the organization protects it")]
    ManagementAccount {
        /// The account.
        account: String,
    },
    /// It cannot be found out whether it is.
    #[error("it cannot be found out whether `{account}` is a management account: {reason}")]
    OrganizationUnknown {
        /// The account.
        account: String,
        /// What was answered.
        reason: String,
    },
    /// A ceiling is reached.
    #[error("the ceiling of {ceiling} is reached")]
    Ceiling {
        /// What was counted and how much of it was allowed.
        ceiling: String,
    },
    /// A rehearsal is only for loopback.
    #[error("`{endpoint}` is not on this machine")]
    NotLoopback {
        /// The address.
        endpoint: String,
    },
    /// The journal cannot be written.
    #[error("the journal `{path}` cannot be written: {reason}")]
    Journal {
        /// The file.
        path: String,
        /// The system's reason.
        reason: String,
    },
    /// The call that would prove it cannot be made.
    #[error("the account cannot be verified: {reason}")]
    Unverified {
        /// What was answered.
        reason: String,
    },
}

impl LiveError {
    /// What to do about it.
    pub fn next_step(&self) -> &'static str {
        match self {
            Self::OtherAccount { .. } => {
                "choose other credentials (AWS_PROFILE), or name that account with --account if it is meant"
            }
            Self::RootUser { .. } => "use a role or user of an account that is there for tests alone",
            Self::ManagementAccount { .. } => "use a member account that is there for tests alone",
            Self::OrganizationUnknown { .. } => "allow the caller organizations:DescribeOrganization",
            Self::Ceiling { .. } => {
                "`countersign clean` deletes what was made; give a higher ceiling (--max-calls, --max-keys, --max-minutes, --max-cost-usd)"
            }
            Self::NotLoopback { .. } => "a rehearsal is driven on 127.0.0.1 only; leave the address out for AWS itself",
            Self::Journal { .. } => "name a file that can be written with --journal: nothing is made without it",
            Self::Unverified { .. } => "do the credentials work? `aws sts get-caller-identity` says",
        }
    }
}
