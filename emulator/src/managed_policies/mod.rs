//! AWS managed policies as data: name, path, document. Compiled once, shared by every account.

use std::collections::BTreeMap;
use std::sync::{Arc, OnceLock};

use jiff::Timestamp;

use crate::authorizer::{Policy, PolicyKind};
use crate::iam::{ManagedPolicy, PolicyVersion};

/// One policy as AWS publishes it.
struct Source {
    name: &'static str,
    path: &'static str,
    description: &'static str,
    document: &'static str,
}

/// Every AWS managed policy that is here, sorted by ARN.
const SOURCES: &[Source] = &[
    Source {
        name: "AWSKeyManagementServicePowerUser",
        path: "/",
        description: "Provides access to AWS Key Management Service (KMS).",
        document: include_str!("aws_key_management_service_power_user.json"),
    },
    Source {
        name: "AdministratorAccess",
        path: "/",
        description: "Provides full access to AWS services and resources.",
        document: include_str!("administrator_access.json"),
    },
    Source {
        name: "AmazonS3FullAccess",
        path: "/",
        description: "Provides full access to all buckets via the AWS Management Console.",
        document: include_str!("amazon_s3_full_access.json"),
    },
    Source {
        name: "AmazonS3ReadOnlyAccess",
        path: "/",
        description: "Provides read only access to all buckets via the AWS Management Console.",
        document: include_str!("amazon_s3_read_only_access.json"),
    },
    Source {
        name: "PowerUserAccess",
        path: "/",
        description: "Provides full access to AWS services and resources, but does not allow management of Users and \
                      groups.",
        document: include_str!("power_user_access.json"),
    },
    Source {
        name: "AWSBackupServiceRolePolicyForBackup",
        path: "/service-role/",
        description: "Provides AWS Backup permission to create backups on your behalf across AWS services.",
        document: include_str!("aws_backup_service_role_policy_for_backup.json"),
    },
    Source {
        name: "AWSLambdaBasicExecutionRole",
        path: "/service-role/",
        description: "Provides write permissions to CloudWatch Logs.",
        document: include_str!("aws_lambda_basic_execution_role.json"),
    },
];

/// All AWS managed policies.
#[must_use]
pub fn all() -> &'static [ManagedPolicy] {
    &store().0
}

/// The AWS managed policy with this ARN.
#[must_use]
pub fn find(arn: &str) -> Option<&'static ManagedPolicy> {
    let (policies, index) = store();
    index.get(arn).map(|position| &policies[*position])
}

fn store() -> &'static (Vec<ManagedPolicy>, BTreeMap<String, usize>) {
    static STORE: OnceLock<(Vec<ManagedPolicy>, BTreeMap<String, usize>)> = OnceLock::new();
    STORE.get_or_init(|| {
        let policies: Vec<ManagedPolicy> = SOURCES.iter().map(compile).collect();
        let index = policies
            .iter()
            .enumerate()
            .map(|(position, policy)| (policy.arn.clone(), position))
            .collect();
        (policies, index)
    })
}

fn compile(source: &Source) -> ManagedPolicy {
    let created_at = Timestamp::from_second(1_423_217_982).unwrap_or(Timestamp::UNIX_EPOCH);
    ManagedPolicy {
        policy_id: format!("ANPA{:X<17.17}", source.name.to_ascii_uppercase()),
        name: source.name.to_owned(),
        path: source.path.to_owned(),
        arn: format!("arn:aws:iam::aws:policy{}{}", source.path, source.name),
        created_at,
        updated_at: created_at,
        description: Some(source.description.to_owned()),
        versions: vec![PolicyVersion {
            number: 1,
            created_at,
            policy: Arc::new(Policy::stored(PolicyKind::IdentityManaged, source.document)),
        }],
        default_version: 1,
        last_version: 1,
        tags: BTreeMap::new(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::authorizer::{NoPrincipals, SaveRules};

    #[test]
    fn every_document_would_be_accepted_by_iam() {
        let rules = SaveRules {
            as_of: crate::state::CURRENT_DATE,
            principals: &NoPrincipals,
        };
        for policy in all() {
            let version = policy.default().expect("every policy has a default version");
            let saved = Policy::save(PolicyKind::IdentityManaged, version.policy.text(), &rules);
            assert!(saved.is_ok(), "{}: {:?}", policy.name, saved.err());
        }
    }

    #[test]
    fn policies_are_found_by_their_real_arns() {
        assert!(find("arn:aws:iam::aws:policy/AdministratorAccess").is_some());
        assert!(find("arn:aws:iam::aws:policy/service-role/AWSLambdaBasicExecutionRole").is_some());
        assert!(find("arn:aws:iam::aws:policy/AWSLambdaBasicExecutionRole").is_none());
    }
}
