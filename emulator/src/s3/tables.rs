//! The operation table of S3 for other eyes: which permissions each operation asks for and which condition keys each action knows, as
//! plain words. Nothing here decides anything; it is read from the tables that do.

use std::collections::BTreeSet;

use super::conditions;
use super::operation::{self, Operation};
use super::permissions::{self, On, When};

/// A permission of an S3 operation.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct PermissionView {
    /// The action when no version is named.
    pub action: &'static str,
    /// The action when a version is named; the same where S3 has no version action.
    pub version_action: &'static str,
    /// `*`, `bucket`, `object` or `source object`.
    pub on: &'static str,
    /// When it is asked for, in the words of [`condition`]; empty: always.
    pub when: &'static str,
}

/// One operation as the emulator reads the API pages.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OperationView {
    /// API name.
    pub name: String,
    /// The permissions, in the order in which they are asked for.
    pub permissions: Vec<PermissionView>,
}

/// Every operation that has a route, by name.
#[must_use]
pub fn operations() -> Vec<OperationView> {
    let mut all: Vec<OperationView> = operation::all()
        .into_iter()
        .map(|operation| OperationView {
            name: name(operation),
            permissions: permissions::checks(operation)
                .iter()
                .map(|check| PermissionView {
                    action: check.action,
                    version_action: check.version_action,
                    on: match check.on {
                        On::Nothing => "*",
                        On::Bucket => "bucket",
                        On::Object => "object",
                        On::SourceObject => "source object",
                    },
                    when: condition(check.when),
                })
                .collect(),
        })
        .collect();
    all.sort_by(|one, other| one.name.cmp(&other.name));
    all
}

/// Every action that an operation asks for, with and without a version.
#[must_use]
pub fn actions() -> BTreeSet<&'static str> {
    operations()
        .iter()
        .flat_map(|operation| &operation.permissions)
        .flat_map(|permission| [permission.action, permission.version_action])
        .collect()
}

/// The condition keys that a request for an action can have, in lower case; families end with their separator (svc:9.6).
#[must_use]
pub fn condition_keys(action: &str) -> BTreeSet<String> {
    conditions::known(action)
}

/// The name in the API; documents are named after what is done with them.
fn name(operation: Operation) -> String {
    match operation {
        Operation::Document(deed, document) => {
            let document = match format!("{document:?}").as_str() {
                "Accelerate" => "AccelerateConfiguration".to_owned(),
                "Lifecycle" | "Notification" if format!("{deed:?}") != "Delete" => {
                    format!("{document:?}Configuration")
                }
                "Analytics" | "IntelligentTiering" | "Inventory" | "Metrics" => {
                    format!("{document:?}Configuration")
                }
                other => other.to_owned(),
            };
            format!("{deed:?}Bucket{document}")
        }
        other => format!("{other:?}"),
    }
}

fn condition(when: When) -> &'static str {
    match when {
        When::Always => "",
        When::AclHeader | When::OpenAclHeader => "acl",
        When::Tags => "tags",
        When::BucketTags => "bucket tags",
        When::OwnershipHeader => "ownership",
        When::SourceTagsCopied => "source tags copied",
        When::RetentionHeader => "retention",
        When::LegalHoldHeader => "legal hold",
        When::LockHeader => "object lock enabled",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn operations_have_the_names_of_the_api() {
        let names: Vec<String> = operations().into_iter().map(|row| row.name).collect();
        for expected in [
            "CopyObject",
            "DeleteBucketLifecycle",
            "GetBucketLifecycleConfiguration",
            "GetBucketAccelerateConfiguration",
            "PutBucketCors",
            "PutBucketInventoryConfiguration",
            "PutBucketNotificationConfiguration",
            "DeleteBucketReplication",
        ] {
            assert!(names.iter().any(|name| name == expected), "{expected}: {names:?}");
        }
        let mut once = names.clone();
        once.dedup();
        assert_eq!(names, once, "an operation stands once");
        assert!(actions().contains("s3:GetObjectVersion") && actions().contains("s3:PutBucketCORS"));
        assert!(condition_keys("s3:ListBucket").contains("s3:prefix"));
        assert!(!condition_keys("s3:GetObject").contains("s3:prefix"));
    }
}
