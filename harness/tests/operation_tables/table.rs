//! One form for three tables: rows by name, fields by name, each a set of words. Names of condition keys are in lower case, families end
//! with their separator. No comparison here.

use std::collections::{BTreeMap, BTreeSet};

/// Rows by name; a row is its fields.
pub(crate) type Table = BTreeMap<String, Row>;
/// Fields by name.
pub(crate) type Row = BTreeMap<&'static str, BTreeSet<String>>;

fn words<T: ToString>(list: impl IntoIterator<Item = T>) -> BTreeSet<String> {
    list.into_iter().map(|one| one.to_string()).collect()
}

fn truth(holds: bool) -> BTreeSet<String> {
    words([if holds { "yes" } else { "no" }])
}

/// `aws:RequestTag/${TagKey}` and `s3:ExistingObjectTag/<key>` as the families that they stand for.
pub(crate) fn condition_key(name: &str) -> String {
    let name = name.to_ascii_lowercase();
    if name.starts_with("kms:recipientattestation:") {
        return "kms:recipientattestation:".to_owned();
    }
    match name.find("${").or_else(|| name.find('<')) {
        Some(start) => name[..start].to_owned(),
        None => name,
    }
}

/// Several permissions on one resource are counted: UpdateAlias asks twice about a key.
fn counted(list: impl IntoIterator<Item = String>) -> BTreeSet<String> {
    let mut counts: BTreeMap<String, usize> = BTreeMap::new();
    for one in list {
        *counts.entry(one).or_default() += 1;
    }
    counts
        .into_iter()
        .map(|(one, count)| {
            if count == 1 {
                one
            } else {
                format!("{one}, {count} times")
            }
        })
        .collect()
}

/// The action of a KMS operation that carries its condition keys.
fn own_operation(action: &str) -> &str {
    match action {
        "kms:ReEncryptFrom" | "kms:ReEncryptTo" => "kms:ReEncrypt",
        other => other,
    }
}

/// Actions of KMS out of operations: the resource types that any operation asks them on, and the condition keys of their own operation.
fn kms_actions(operations: &Table) -> Table {
    let mut actions = Table::new();
    for row in operations.values() {
        for permission in &row["permissions"] {
            let (action, on) = permission.split_once(" on ").expect("permissions are written so");
            if !action.starts_with("kms:") {
                continue;
            }
            let on = on.split([',', ' ']).next().unwrap_or(on);
            let own = &operations[own_operation(action)];
            let entry = actions.entry(action.to_owned()).or_default();
            let types = entry.entry("resource types").or_default();
            // `*` is no resource type; TagResource is asked on it while there is no key yet.
            types.extend((on != "*").then(|| on.to_owned()));
            entry.insert("condition keys", own["condition keys"].clone());
            entry.insert("condition keys of the key", own["condition keys of the key"].clone());
        }
    }
    actions
}

/// The model's tables.
pub(crate) mod model {
    use super::{Row, Table, condition_key, counted, truth, words};
    use countersign_model::kms::table as kms_table;
    use countersign_model::s3::table as s3_table;

    /// Operations of KMS.
    pub(crate) fn kms() -> Table {
        let rows = kms_table::table().operations().map(|operation| {
            let permissions = operation
                .permissions
                .iter()
                .map(|permission| format!("{} on {}", permission.action, kms_resource(permission.resource)));
            let usages = match &operation.usage {
                kms_table::Usage::NoKey | kms_table::Usage::Any => words::<&str>([]),
                kms_table::Usage::OneOf(list) => words(list),
            };
            let row = Row::from([
                ("permissions", counted(permissions)),
                ("cross account", truth(operation.cross_account)),
                ("takes an alias", truth(operation.takes_alias)),
                ("usages", usages),
                ("condition keys", keys(&operation.condition_keys)),
                ("condition keys of the key", keys(&operation.resource_condition_keys)),
                ("dry run", truth(operation.dry_run)),
                ("read only", truth(operation.read_only)),
            ]);
            (format!("kms:{}", operation.name), row)
        });
        rows.collect()
    }

    /// Actions of KMS.
    pub(crate) fn kms_actions() -> Table {
        super::kms_actions(&kms())
    }

    /// Operations of S3.
    pub(crate) fn s3() -> Table {
        let rows = s3_table::table().operations().map(|operation| {
            let permissions = operation.permissions.iter().map(|permission| {
                let resource = match (permission.resource, permission.of) {
                    (s3_table::ResourceKind::Everything, _) => "*",
                    (s3_table::ResourceKind::Bucket, _) => "bucket",
                    (s3_table::ResourceKind::Object, s3_table::Side::Target) => "object",
                    (s3_table::ResourceKind::Object, s3_table::Side::Source) => "source object",
                };
                let when = permission.when.map_or("", s3_when);
                format!("{} on {resource}{when}", permission.action)
            });
            (
                format!("s3:{}", operation.name),
                Row::from([("permissions", counted(permissions))]),
            )
        });
        rows.collect()
    }

    /// Actions of S3.
    pub(crate) fn s3_actions() -> Table {
        let rows = s3_table::table().actions().iter().map(|(name, action)| {
            let row = Row::from([
                ("resource types", super::s3_types(&action.resource_types)),
                (
                    "condition keys",
                    action.condition_keys.iter().map(|key| condition_key(key)).collect(),
                ),
            ]);
            (name.clone(), row)
        });
        rows.collect()
    }

    fn keys<'a>(keys: impl IntoIterator<Item = &'a kms_table::ConditionKey>) -> std::collections::BTreeSet<String> {
        keys.into_iter()
            .map(|key| match key {
                kms_table::ConditionKey::RequestTag => "aws:requesttag/".to_owned(),
                kms_table::ConditionKey::ResourceTag => "aws:resourcetag/".to_owned(),
                kms_table::ConditionKey::TagKeys => "aws:tagkeys".to_owned(),
                kms_table::ConditionKey::Kms(name) => condition_key(name),
            })
            .collect()
    }

    fn kms_resource(resource: kms_table::PermissionResource) -> &'static str {
        use kms_table::PermissionResource as On;
        match resource {
            On::Everything | On::ReplicaRegion | On::RetiringPrincipal => "*",
            On::ServiceLinkedRole => "role",
            On::Alias => "alias",
            On::Key
            | On::SourceKey
            | On::DestinationKey
            | On::CurrentKey
            | On::NewKey
            | On::PrimaryKey
            | On::ReplicaKey => "key",
        }
    }

    fn s3_when(when: s3_table::When) -> &'static str {
        match when {
            s3_table::When::AclHeader => " with acl",
            s3_table::When::OpeningAclHeader => " with acl other than private",
            s3_table::When::OwnershipHeader => " with ownership",
            s3_table::When::ObjectLockHeader => " with object lock enabled",
            s3_table::When::TaggingHeader => " with tags",
            s3_table::When::RetentionHeader => " with retention",
            s3_table::When::LegalHoldHeader => " with legal hold",
            s3_table::When::VersionNamed | s3_table::When::SourceVersionNamed => " with version",
            s3_table::When::NoVersionNamed | s3_table::When::NoSourceVersionNamed => " without version",
            s3_table::When::SourceTagsCopied | s3_table::When::SourceVersionTagsCopied => " with source tags copied",
        }
    }
}

/// The emulator's tables.
pub(crate) mod emulator {
    use std::collections::BTreeSet;

    use super::{Row, Table, counted, truth, words};
    use countersign_emulator::{kms, s3};

    /// Operations of KMS.
    pub(crate) fn kms() -> Table {
        let rows = kms::tables::operations().into_iter().map(|operation| {
            let permissions = operation
                .permissions
                .iter()
                .map(|(action, resource)| format!("{action} on {resource}"));
            let row = Row::from([
                ("permissions", counted(permissions)),
                ("cross account", truth(operation.cross_account)),
                ("takes an alias", truth(operation.takes_alias)),
                ("usages", words(operation.usages)),
                ("condition keys", words(operation.condition_keys)),
                ("condition keys of the key", words(operation.resource_condition_keys)),
                ("dry run", truth(operation.dry_run)),
                ("read only", truth(operation.read_only)),
            ]);
            (format!("kms:{}", operation.name), row)
        });
        rows.collect()
    }

    /// Actions of KMS.
    pub(crate) fn kms_actions() -> Table {
        super::kms_actions(&kms())
    }

    /// Operations of S3.
    pub(crate) fn s3() -> Table {
        let rows = s3::tables::operations().into_iter().map(|operation| {
            let mut permissions = Vec::new();
            for permission in &operation.permissions {
                let when = match permission.when {
                    "" => String::new(),
                    when => format!(" with {when}"),
                };
                if permission.action == permission.version_action {
                    permissions.push(format!("{} on {}{when}", permission.action, permission.on));
                } else {
                    let (without, with) = (permission.action, permission.version_action);
                    permissions.push(format!("{without} on {}{when} without version", permission.on));
                    permissions.push(format!("{with} on {}{when} with version", permission.on));
                }
            }
            (
                format!("s3:{}", operation.name),
                Row::from([("permissions", counted(permissions))]),
            )
        });
        rows.collect()
    }

    /// Actions of S3: those that some operation asks for.
    pub(crate) fn s3_actions() -> Table {
        let operations = s3::tables::operations();
        let rows = s3::tables::actions().into_iter().map(|action| {
            let types: BTreeSet<&str> = operations
                .iter()
                .flat_map(|operation| &operation.permissions)
                .filter(|permission| permission.action == action || permission.version_action == action)
                .map(|permission| permission.on.trim_start_matches("source "))
                .filter(|on| *on != "*")
                .collect();
            let mut keys = s3::tables::condition_keys(action);
            // A key of the bucket, not of the request: it is compared with nothing here.
            keys.remove("s3:buckettag/");
            let row = Row::from([("resource types", words(types)), ("condition keys", keys)]);
            (action.to_owned(), row)
        });
        rows.collect()
    }
}

/// Access points, jobs and the like are out of scope on both sides: buckets and objects are compared.
pub(crate) fn s3_types<'a>(types: impl IntoIterator<Item = &'a String>) -> BTreeSet<String> {
    types
        .into_iter()
        .filter(|one| matches!(one.as_str(), "bucket" | "object"))
        .cloned()
        .collect()
}
