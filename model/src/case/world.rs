//! The state a Case starts from, as it stands in a file. Defaults are documented at each field; what they mean for a decision is
//! said by the rules, not here.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::PolicyText;
use crate::name::{AccountId, Region};

/// The world before the first step.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct WorldSpec {
    /// Region of everything that does not name one. Default `us-east-1`.
    pub region: Region,
    /// The Case clock at the start. Default: midnight UTC of `as_of`, or of the suite's current date.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(with = "Option<String>")]
    pub clock: Option<jiff::Timestamp>,
    /// Delay before grants, policies and tags take effect: `0s`, `5m` (`svc:K-28`, `svc:G-21`). Default `0s`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub propagation: Option<String>,
    /// The accounts, by id.
    pub accounts: BTreeMap<AccountId, AccountSpec>,
    /// The organization that binds some of them.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub organization: Option<OrganizationSpec>,
}

/// What one account holds. Every map is by name; a name is unique in its account and kind.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct AccountSpec {
    /// Customer managed policies; AWS managed ones are referred to by ARN.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub managed_policies: BTreeMap<String, PolicyText>,
    /// Account-level Block Public Access; absent means none set.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub public_access_block: Option<PublicAccessBlockSpec>,
    /// IAM users.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub users: BTreeMap<String, UserSpec>,
    /// IAM groups.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub groups: BTreeMap<String, GroupSpec>,
    /// IAM roles.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub roles: BTreeMap<String, RoleSpec>,
    /// KMS keys by symbolic name.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub keys: BTreeMap<String, KeySpec>,
    /// S3 buckets.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub buckets: BTreeMap<String, BucketSpec>,
    /// Lambda functions.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub functions: BTreeMap<String, FunctionSpec>,
    /// AWS Backup vaults.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub backup_vaults: BTreeMap<String, BackupVaultSpec>,
    /// VPC endpoints owned by the account.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub vpc_endpoints: BTreeMap<String, VpcEndpointSpec>,
}

/// An IAM user.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct UserSpec {
    /// Path, default `/`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub path: Option<String>,
    /// Inline policies.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub policies: BTreeMap<String, PolicyText>,
    /// ARNs of managed policies, or names of the account's `managed_policies`.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub attached: Vec<String>,
    /// Names of groups.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub groups: Vec<String>,
    /// ARN or name of the managed policy that is the boundary.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub permissions_boundary: Option<String>,
    /// Tags.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub tags: BTreeMap<String, String>,
}

/// An IAM group.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct GroupSpec {
    /// Path, default `/`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub path: Option<String>,
    /// Inline policies.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub policies: BTreeMap<String, PolicyText>,
    /// ARNs of managed policies, or names of the account's `managed_policies`.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub attached: Vec<String>,
}

/// An IAM role.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct RoleSpec {
    /// Path, default `/`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub path: Option<String>,
    /// Trust policy; default: the role's own account may assume it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub trust: Option<PolicyText>,
    /// Inline policies.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub policies: BTreeMap<String, PolicyText>,
    /// ARNs of managed policies, or names of the account's `managed_policies`.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub attached: Vec<String>,
    /// ARN or name of the managed policy that is the boundary.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub permissions_boundary: Option<String>,
    /// Tags.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub tags: BTreeMap<String, String>,
    /// The service principal, for a service-linked role (`iam:L-48`); its path follows from it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub service_linked: Option<String>,
}

/// A KMS key.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct KeySpec {
    /// The key id; assigned when absent.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub id: Option<String>,
    /// Region; default the world's.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub region: Option<Region>,
    /// `KeySpec`, default `SYMMETRIC_DEFAULT`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub spec: Option<String>,
    /// `KeyUsage`, default `ENCRYPT_DECRYPT`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub usage: Option<String>,
    /// `Origin`, default `AWS_KMS`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub origin: Option<String>,
    /// Whether it is a multi-Region key.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub multi_region: Option<bool>,
    /// The primary key's name, for a replica.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub replica_of: Option<String>,
    /// `CUSTOMER` (default) or `AWS`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub manager: Option<String>,
    /// Tags.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub tags: BTreeMap<String, String>,
    /// Key state at the start, default `Enabled`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub state: Option<String>,
    /// Aliases, each with its `alias/` prefix.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub aliases: Vec<String>,
    /// Key policy; default: the API's default policy (`svc:P-7`).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub policy: Option<PolicyText>,
    /// Grants present from the start, by symbolic name.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub grants: BTreeMap<String, GrantSpec>,
}

/// The parameters of CreateGrant.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default, rename_all = "PascalCase")]
pub struct GrantSpec {
    /// The grantee (`svc:G-2`).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub grantee_principal: Option<String>,
    /// A service as grantee.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub grantee_service_principal: Option<String>,
    /// Who may retire it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub retiring_principal: Option<String>,
    /// A service that may retire it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub retiring_service_principal: Option<String>,
    /// The operations it permits.
    pub operations: Vec<String>,
    /// What a request must carry.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub constraints: Option<GrantConstraintsSpec>,
    /// Name for idempotency (`svc:G-7`).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
}

/// `GrantConstraints`.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default, rename_all = "PascalCase")]
pub struct GrantConstraintsSpec {
    /// Exactly these pairs.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub encryption_context_equals: Option<BTreeMap<String, String>>,
    /// At least these pairs.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub encryption_context_subset: Option<BTreeMap<String, String>>,
    /// Only for this source, when a service calls.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub source_arn: Option<String>,
}

/// An S3 general purpose bucket.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct BucketSpec {
    /// Region; default the world's.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub region: Option<Region>,
    /// Default encryption; absent means SSE-S3.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub encryption: Option<BucketEncryptionSpec>,
    /// Whether uploads under keys that customers send (SSE-C) are blocked; absent means as for a bucket made on the case's date.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub sse_c_blocked: Option<bool>,
    /// Block Public Access; absent means all four on.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub public_access_block: Option<PublicAccessBlockSpec>,
    /// Object Ownership: `BucketOwnerEnforced` (default), `BucketOwnerPreferred`, `ObjectWriter`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub ownership: Option<String>,
    /// Canned ACL.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub acl: Option<String>,
    /// `Enabled` or `Suspended`; absent means never enabled.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub versioning: Option<String>,
    /// Tags.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub tags: BTreeMap<String, String>,
    /// Whether others pay for their requests.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub requester_pays: Option<bool>,
    /// Whether attribute-based access control is on for the bucket.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub abac: Option<bool>,
    /// Bucket policy.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub policy: Option<PolicyText>,
    /// Objects by key.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub objects: BTreeMap<String, ObjectSpec>,
}

/// Default encryption of a bucket.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct BucketEncryptionSpec {
    /// `AES256`, `aws:kms` or `aws:kms:dsse`.
    pub sse: String,
    /// The key: a key's symbolic name, a reference or an ARN; absent with `aws:kms` means `aws/s3`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub key: Option<String>,
    /// Whether S3 Bucket Keys are on.
    #[serde(default)]
    pub bucket_key: bool,
}

/// The four Block Public Access settings.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct PublicAccessBlockSpec {
    /// `BlockPublicAcls`.
    pub block_public_acls: bool,
    /// `IgnorePublicAcls`.
    pub ignore_public_acls: bool,
    /// `BlockPublicPolicy`.
    pub block_public_policy: bool,
    /// `RestrictPublicBuckets`.
    pub restrict_public_buckets: bool,
}

/// An object.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct ObjectSpec {
    /// Its bytes as text.
    pub body: String,
    /// Tags.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub tags: BTreeMap<String, String>,
    /// Canned ACL.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub acl: Option<String>,
    /// The account that wrote it; default the bucket's.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub owner: Option<AccountId>,
    /// `AES256`, `aws:kms`, `aws:kms:dsse`; default the bucket default.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub sse: Option<String>,
    /// The key, as in the bucket's default encryption.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub key: Option<String>,
}

/// A Lambda function.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct FunctionSpec {
    /// Name of the execution role.
    pub role: String,
    /// Region; default the world's.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub region: Option<Region>,
    /// The key that encrypts the environment: a key's name, reference or ARN; absent means `aws/lambda`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub kms_key: Option<String>,
    /// Environment variables.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub environment: BTreeMap<String, String>,
    /// Whether the grant that Lambda makes for itself is there at the start.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub grant: Option<FunctionGrant>,
}

/// Whether a function given in the world has its grant.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum FunctionGrant {
    /// No grant.
    #[default]
    None,
    /// The grant of `svc:L-3`.
    Service,
}

/// An AWS Backup vault.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct BackupVaultSpec {
    /// Region; default the world's.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub region: Option<Region>,
    /// The vault key: a key's name, reference or ARN; absent means `aws/backup`. The service's grant (`svc:Q-7`) is there at the start.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub key: Option<String>,
}

/// A VPC endpoint.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct VpcEndpointSpec {
    /// `s3`, `kms`, …
    pub service: String,
    /// Gateway or interface.
    #[serde(rename = "type")]
    pub kind: VpcEndpointKind,
    /// The endpoint policy; absent means everything is allowed (`iam:L-90`).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub policy: Option<PolicyText>,
}

/// Kind of a VPC endpoint.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum VpcEndpointKind {
    /// Gateway endpoint: account principals mean the root user only (`iam:P-34`).
    Gateway,
    /// Interface endpoint.
    Interface,
}

/// An AWS organization.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct OrganizationSpec {
    /// The management account: SCPs and RCPs never bind it (`iam:L-49`).
    pub management_account: AccountId,
    /// The root of the tree.
    #[serde(default)]
    pub root: OrganizationUnitSpec,
}

/// A node of the organization: its policies, accounts and units below.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct OrganizationUnitSpec {
    /// SCPs attached here; empty means only FullAWSAccess.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub scp: Vec<PolicyText>,
    /// RCPs attached here, besides RCPFullAWSAccess which is always attached.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub rcp: Vec<PolicyText>,
    /// Member accounts directly below.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub accounts: Vec<AccountId>,
    /// Organizational units below, by name.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub units: BTreeMap<String, OrganizationUnitSpec>,
}
