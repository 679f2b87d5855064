//! AWS managed keys `alias/aws/s3`, `aws/lambda`, `aws/backup`, `aws/ebs`, `aws/dynamodb`: created on first use with the
//! recorded policies (svc:M-1 … svc:M-7).

use serde_json::json;

use super::key_operations;
use super::store::{Alias, KeyAddress};
use crate::authorizer::{Policy, PolicyKind};
use crate::names::{AccountId, KeyArn, Region};
use crate::state::State;

/// One managed key.
struct ManagedKey {
    service: &'static str,
    /// Value of kms:ViaService; `{}` is the Region, a `*` makes the condition a StringLike.
    via: &'static str,
    policy_id: &'static str,
    description: &'static str,
    actions: &'static [&'static str],
    revocable_grants: bool,
    /// The service itself may read metadata.
    service_reads: bool,
}

const USE_AND_GRANT: &[&str] = &[
    "kms:Encrypt",
    "kms:Decrypt",
    "kms:ReEncrypt*",
    "kms:GenerateDataKey*",
    "kms:CreateGrant",
    "kms:DescribeKey",
];

/// svc:M-7.
const MANAGED_KEYS: &[ManagedKey] = &[
    ManagedKey {
        service: "s3",
        via: "s3.{}.amazonaws.com",
        policy_id: "auto-s3-2",
        description: "Default key that protects my S3 objects when no other key is defined",
        actions: &[
            "kms:Encrypt",
            "kms:Decrypt",
            "kms:ReEncrypt*",
            "kms:GenerateDataKey*",
            "kms:DescribeKey",
        ],
        revocable_grants: false,
        service_reads: false,
    },
    ManagedKey {
        service: "lambda",
        via: "lambda.{}.amazonaws.com",
        policy_id: "auto-awslambda",
        description: "Default key that protects my Lambda functions when no other key is defined",
        actions: USE_AND_GRANT,
        revocable_grants: true,
        service_reads: false,
    },
    ManagedKey {
        service: "backup",
        via: "backup.{}.amazonaws.com",
        policy_id: "auto-backup-1",
        description: "Default key that protects my Backup data when no other key is defined",
        actions: &["kms:CreateGrant", "kms:Decrypt", "kms:GenerateDataKey*"],
        revocable_grants: true,
        service_reads: false,
    },
    ManagedKey {
        service: "ebs",
        via: "ec2.{}.amazonaws.com",
        policy_id: "auto-ebs-2",
        description: "Default key that protects my EBS volumes when no other key is defined",
        actions: USE_AND_GRANT,
        revocable_grants: true,
        service_reads: false,
    },
    ManagedKey {
        service: "dynamodb",
        via: "dynamodb.*.amazonaws.com",
        policy_id: "auto-dynamodb-3",
        description: "Default key that protects my DynamoDB data when no other key is defined",
        actions: USE_AND_GRANT,
        revocable_grants: true,
        service_reads: true,
    },
];

/// The managed key of a service in an account and Region, created on first use; `None` for a service without one.
pub(super) fn ensure(state: &mut State, account: &AccountId, region: &Region, service: &str) -> Option<KeyArn> {
    let managed = MANAGED_KEYS.iter().find(|managed| managed.service == service)?;
    let name = format!("alias/aws/{service}");
    if let Some(alias) = state
        .kms
        .region(account, region)
        .and_then(|store| store.aliases.get(&name))
    {
        return Some(
            KeyAddress {
                account: account.clone(),
                region: region.clone(),
                id: alias.target.clone(),
            }
            .arn(),
        );
    }
    let policy = Policy::stored(PolicyKind::KeyPolicy, &managed.policy_text(account, region));
    let id = key_operations::make_managed(state, account, region, managed.description, policy);
    let now = state.now();
    let store = state.kms.region_mut(account, region);
    if let Some(key) = store.keys.get_mut(&id) {
        key.alias_names = crate::propagating::Propagating::settled(vec![name.clone()]);
    }
    store.aliases.insert(
        name,
        Alias {
            target: id.clone(),
            created_at: now,
            updated_at: now,
        },
    );
    Some(
        KeyAddress {
            account: account.clone(),
            region: region.clone(),
            id,
        }
        .arn(),
    )
}

impl ManagedKey {
    /// svc:M-2.
    fn policy_text(&self, account: &AccountId, region: &Region) -> String {
        let mut metadata = vec!["kms:Describe*", "kms:Get*", "kms:List*"];
        if self.revocable_grants {
            metadata.push("kms:RevokeGrant");
        }
        let via = self.via.replace("{}", region.as_str());
        let condition = if via.contains('*') {
            json!({
                "StringEquals": { "kms:CallerAccount": account.as_str() },
                "StringLike": { "kms:ViaService": via },
            })
        } else {
            json!({ "StringEquals": { "kms:CallerAccount": account.as_str(), "kms:ViaService": via } })
        };
        let mut statements = vec![
            json!({
                "Sid": format!("Allow access through {} for all principals in the account", self.service),
                "Effect": "Allow",
                "Principal": { "AWS": "*" },
                "Action": self.actions,
                "Resource": "*",
                "Condition": condition,
            }),
            json!({
                "Sid": "Allow direct access to key metadata to the account",
                "Effect": "Allow",
                "Principal": { "AWS": account.root_arn() },
                "Action": metadata,
                "Resource": "*",
            }),
        ];
        if self.service_reads {
            statements.push(json!({
                "Sid": "Allow the service to describe the key directly",
                "Effect": "Allow",
                "Principal": { "Service": format!("{}.amazonaws.com", self.service) },
                "Action": ["kms:Describe*", "kms:Get*", "kms:List*"],
                "Resource": "*",
            }));
        }
        json!({ "Version": "2012-10-17", "Id": self.policy_id, "Statement": statements }).to_string()
    }
}
