//! The words and tables that cases are written with: names, actions, operations, near misses. Nothing is drawn here.

/// Account ids of stories.
pub(super) const ACCOUNTS: &[&str] = &[
    "111122223333",
    "444455556666",
    "123456789012",
    "210987654321",
    "555566667777",
    "222233334444",
    "888899990000",
    "333344445555",
];
/// The management account of organizations; no story plays in it.
pub(super) const MANAGEMENT_ACCOUNT: &str = "999900001111";

/// Regions.
pub(super) const REGIONS: &[&str] = &["us-east-1", "eu-west-1", "ap-northeast-1", "us-west-2"];

/// User names.
pub(super) const USERS: &[&str] = &[
    "alice", "bob", "carol", "dave", "erin", "frank", "grace", "heidi", "ivan", "judy", "mallory", "niaj", "olivia",
    "peggy", "rupert", "sybil", "trent", "victor", "walter", "yuki", "hanako", "taro",
];
/// Role names.
pub(super) const ROLES: &[&str] = &[
    "reader",
    "writer",
    "auditor",
    "deployer",
    "ingest",
    "export",
    "analyst",
    "operator",
    "backup",
    "restore",
    "pipeline",
    "batch",
    "web",
    "report",
    "migration",
    "steward",
    "replicator",
    "scanner",
    "BuildRole",
    "DataRole",
    "EdgeRole",
    "AppRole",
];
/// Session names; `session` is the default of a step.
pub(super) const SESSIONS: &[&str] = &[
    "session",
    "DownloadSession",
    "i-06593b38f6016a363",
    "job-17",
    "nightly",
    "alice@example.com",
    "deploy-2025",
    "fn1",
    "fn2",
    "shift.a",
    "worker-3",
    "console",
];
/// Symbolic names of keys.
pub(super) const KEYS: &[&str] = &[
    "ledger", "archive", "vault", "orders", "photos", "payroll", "medical", "claims", "tickets", "sensor", "audit",
    "master", "invoices", "replica", "staging", "secrets", "drafts", "billing",
];
/// First halves of bucket names.
pub(super) const BUCKET_OWNERS: &[&str] = &[
    "acme", "north", "south", "blue", "red", "quick", "still", "amber", "delta", "omega", "harbor", "summit", "maple",
    "cedar", "river", "stone",
];
/// Second halves of bucket names.
pub(super) const BUCKET_USES: &[&str] = &[
    "data", "logs", "exports", "images", "reports", "inbox", "archive", "assets", "landing", "results", "backups",
    "public", "private", "shared",
];
/// First parts of object keys; empty: no folder.
pub(super) const FOLDERS: &[&str] = &[
    "",
    "",
    "reports/",
    "2025/01/",
    "in/",
    "out/",
    "raw/events/",
    "team-a/",
    "team-b/",
    "home/",
    "tmp/",
    "exports/daily/",
];
/// Middle parts of object keys.
pub(super) const STEMS: &[&str] = &[
    "test",
    "summary",
    "ledger",
    "index",
    "photo",
    "part-0001",
    "invoice",
    "readme",
    "events",
    "model",
    "matrix",
    "note",
    "ticket",
    "sample",
    "chart",
    "draft",
    "image",
    "backup",
    "export",
    "a b",
];
/// Last parts of object keys.
pub(super) const ENDINGS: &[&str] = &[".json", ".csv", ".txt", ".parquet", ".bin", ""];
/// Words for plaintexts, bodies and values.
pub(super) const WORDS: &[&str] = &[
    "apple", "birch", "cloud", "dune", "ember", "fjord", "grove", "heron", "islet", "jade", "kelp", "lotus", "moss",
    "north", "ochre", "pearl", "quartz", "reed", "slate", "thorn", "umber", "vale", "willow", "yarrow", "zephyr",
    "amber", "basil", "copper", "delta", "echo", "flint", "gale",
];
/// Keys of encryption contexts, with pairs that differ in case only.
pub(super) const CONTEXT_KEYS: &[&str] = &[
    "Department",
    "department",
    "Purpose",
    "tenant",
    "Tenant",
    "app",
    "aws:s3:arn",
    "stage",
    "owner",
    "project-id",
    "user",
];
/// Tag keys.
pub(super) const TAG_KEYS: &[&str] = &["team", "stage", "Project", "owner", "cost-center"];

/// How an operation names its key.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Identifier {
    /// Key id, key ARN, alias name or alias ARN.
    KeyOrAlias,
    /// Key id or key ARN.
    Key,
}

/// A KMS operation on one key, as far as a generator must know it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct KmsOperation {
    /// The API operation; also the action's name.
    pub(super) name: &'static str,
    /// How it names its key.
    pub(super) identifier: Identifier,
    /// Whether it carries an encryption context.
    pub(super) context: bool,
    /// Whether it takes grant tokens and DryRun.
    pub(super) tokens: bool,
    /// Whether a grant can permit it.
    pub(super) grantable: bool,
    /// Whether a foreign caller can be allowed (`svc:K-8`).
    pub(super) cross_account: bool,
}

const fn operation(
    name: &'static str,
    identifier: Identifier,
    [context, tokens, grantable, cross_account]: [bool; 4],
) -> KmsOperation {
    KmsOperation {
        name,
        identifier,
        context,
        tokens,
        grantable,
        cross_account,
    }
}

/// The operations with an encryption context: what the stories are mostly about.
pub(super) const CRYPTOGRAPHIC: &[KmsOperation] = &[
    operation("Encrypt", Identifier::KeyOrAlias, [true, true, true, true]),
    operation("Decrypt", Identifier::KeyOrAlias, [true, true, true, true]),
    operation("GenerateDataKey", Identifier::KeyOrAlias, [true, true, true, true]),
    operation(
        "GenerateDataKeyWithoutPlaintext",
        Identifier::KeyOrAlias,
        [true, true, true, true],
    ),
    operation("ReEncrypt", Identifier::KeyOrAlias, [true, true, true, true]),
];

/// Reading operations on a key.
pub(super) const READING: &[KmsOperation] = &[
    operation("DescribeKey", Identifier::KeyOrAlias, [false, true, true, true]),
    operation("GetKeyPolicy", Identifier::Key, [false, false, false, false]),
    operation("GetKeyRotationStatus", Identifier::Key, [false, false, false, true]),
    operation("ListGrants", Identifier::Key, [false, false, false, true]),
    operation("ListResourceTags", Identifier::Key, [false, false, false, false]),
];

/// Managing operations on a key without further parameters.
pub(super) const MANAGING: &[KmsOperation] = &[
    operation("DisableKey", Identifier::Key, [false, false, false, false]),
    operation("EnableKey", Identifier::Key, [false, false, false, false]),
    operation("ScheduleKeyDeletion", Identifier::Key, [false, false, false, false]),
    operation("CancelKeyDeletion", Identifier::Key, [false, false, false, false]),
    operation("EnableKeyRotation", Identifier::Key, [false, false, false, false]),
    operation("DisableKeyRotation", Identifier::Key, [false, false, false, false]),
    operation("UpdateKeyDescription", Identifier::Key, [false, false, false, false]),
    operation("TagResource", Identifier::Key, [false, false, false, false]),
    operation("UntagResource", Identifier::Key, [false, false, false, false]),
];

/// The operation of that name.
pub(super) fn kms_operation(name: &str) -> &'static KmsOperation {
    CRYPTOGRAPHIC
        .iter()
        .chain(READING)
        .chain(MANAGING)
        .find(|operation| operation.name == name)
        .unwrap_or(&CRYPTOGRAPHIC[0])
}

/// Actions that a hurried person writes instead of the right one, by the right one (`svc:K-23` and friends).
const NEAR_ACTIONS: &[(&str, &[&str])] = &[
    (
        "kms:GenerateDataKey",
        &[
            "kms:Get*",
            "kms:GenerateDataKeyWithoutPlaintext",
            "kms:GenerateDataKeyPair",
            "kms:Encrypt",
            "kms:Generate",
        ],
    ),
    (
        "kms:GenerateDataKeyWithoutPlaintext",
        &["kms:GenerateDataKey", "kms:GenerateDataKeyPair*", "kms:Get*"],
    ),
    (
        "kms:Decrypt",
        &[
            "kms:Encrypt",
            "kms:Describe*",
            "kms:ReEncrypt*",
            "kms:decryp",
            "kms:GenerateDataKey*",
        ],
    ),
    (
        "kms:Encrypt",
        &["kms:Decrypt", "kms:ReEncrypt*", "kms:GenerateDataKey", "kms:Enc"],
    ),
    (
        "kms:ReEncryptFrom",
        &["kms:ReEncrypt", "kms:ReEncryptTo", "kms:Decrypt"],
    ),
    (
        "kms:ReEncryptTo",
        &["kms:ReEncrypt", "kms:ReEncryptFrom", "kms:Encrypt"],
    ),
    ("kms:DescribeKey", &["kms:Describe", "kms:DescribeKeys", "kms:List*"]),
    (
        "kms:CreateGrant",
        &["kms:CreateGrants", "kms:ListGrants", "kms:CreateAlias"],
    ),
    ("kms:RetireGrant", &["kms:Revoke*", "kms:RetireGrants"]),
    ("kms:RevokeGrant", &["kms:RetireGrant", "kms:ListGrants"]),
    ("kms:ListGrants", &["kms:ListKeys", "kms:ListRetirableGrants"]),
    ("kms:PutKeyPolicy", &["kms:GetKeyPolicy", "kms:PutKey", "kms:Update*"]),
    (
        "s3:GetObject",
        &[
            "s3:GetObjectVersion",
            "s3:GetObjectAcl",
            "s3:ListBucket",
            "s3:Get",
            "s3:HeadObject",
        ],
    ),
    (
        "s3:PutObject",
        &["s3:PutObjectAcl", "s3:PutObjectTagging", "s3:GetObject", "s3:Put"],
    ),
    (
        "s3:DeleteObject",
        &["s3:DeleteObjectVersion", "s3:DeleteBucket", "s3:DeleteObjects"],
    ),
    (
        "s3:ListBucket",
        &[
            "s3:ListAllMyBuckets",
            "s3:ListObjects",
            "s3:ListObjectsV2",
            "s3:ListBucketVersions",
        ],
    ),
];

/// Near misses of an action; a generic one where none is listed.
pub(super) fn near_actions(action: &str) -> &'static [&'static str] {
    NEAR_ACTIONS.iter().find(|(right, _)| *right == action).map_or(
        if action.starts_with("kms:") {
            &["kms:ListAliases", "kms:Sign"]
        } else {
            &["s3:GetBucketLocation", "s3:RestoreObject"]
        },
        |(_, near)| near,
    )
}

/// Wildcard forms that cover an action, by action; all are also covered by `service:*`.
pub(super) fn wider_actions(action: &str) -> Vec<String> {
    let (service, name) = action.split_once(':').unwrap_or((action, ""));
    let mut forms = Vec::new();
    match name {
        "GenerateDataKey" | "GenerateDataKeyWithoutPlaintext" => {
            forms.extend(["GenerateDataKey*", "Generate*"].map(str::to_owned))
        }
        "ReEncryptFrom" | "ReEncryptTo" => forms.push("ReEncrypt*".to_owned()),
        "Decrypt" => forms.extend(["De*", "Decryp?", "decrypt"].map(str::to_owned)),
        "Encrypt" => forms.extend(["En*", "ENCRYPT", "?ncrypt"].map(str::to_owned)),
        "GetObject" => forms.extend(["GetObject*", "Get*", "getobject"].map(str::to_owned)),
        "PutObject" => forms.extend(["PutObject*", "Put*"].map(str::to_owned)),
        "ListBucket" => forms.extend(["List*", "ListBucket*"].map(str::to_owned)),
        _ => {}
    }
    let head: String = name
        .chars()
        .take_while(|letter| letter.is_ascii_alphabetic())
        .take(3)
        .collect();
    if head.len() == 3 {
        forms.push(format!("{head}*"));
    }
    forms.into_iter().map(|form| format!("{service}:{form}")).collect()
}

/// Actions that noise statements speak of, by service.
pub(super) const KMS_NOISE: &[&str] = &[
    "kms:Decrypt",
    "kms:Encrypt",
    "kms:GenerateDataKey",
    "kms:GenerateDataKey*",
    "kms:ReEncrypt*",
    "kms:DescribeKey",
    "kms:List*",
    "kms:Get*",
    "kms:CreateGrant",
    "kms:TagResource",
    "kms:Sign",
    "kms:ScheduleKeyDeletion",
    "kms:Put*",
    "kms:Revoke*",
    "kms:CreateAlias",
];
/// Actions on objects that noise statements speak of.
pub(super) const OBJECT_NOISE: &[&str] = &[
    "s3:GetObject",
    "s3:PutObject",
    "s3:DeleteObject",
    "s3:GetObjectTagging",
    "s3:PutObjectAcl",
    "s3:AbortMultipartUpload",
    "s3:GetObjectVersion",
];
/// Actions on buckets that noise statements speak of.
pub(super) const BUCKET_NOISE: &[&str] = &[
    "s3:ListBucket",
    "s3:GetBucketPolicy",
    "s3:PutBucketPolicy",
    "s3:GetBucketLocation",
    "s3:GetEncryptionConfiguration",
    "s3:ListBucketVersions",
];
/// Actions of other services that noise statements of identities speak of.
pub(super) const OTHER_NOISE: &[&str] = &[
    "ec2:Describe*",
    "logs:PutLogEvents",
    "sts:AssumeRole",
    "sqs:SendMessage",
    "iam:Get*",
    "lambda:InvokeFunction",
];

/// Service principals that call by themselves in stories.
pub(super) const SERVICES: &[&str] = &[
    "backup-storage.amazonaws.com",
    "cloudtrail.amazonaws.com",
    "logging.s3.amazonaws.com",
    "sns.amazonaws.com",
    "delivery.logs.amazonaws.com",
];

/// AWS managed policies that allow a path: ARN and the action prefixes they cover.
pub(super) const MANAGED_POLICIES: &[(&str, &[&str])] = &[
    ("arn:aws:iam::aws:policy/AdministratorAccess", &["kms:", "s3:"]),
    ("arn:aws:iam::aws:policy/AmazonS3FullAccess", &["s3:"]),
    ("arn:aws:iam::aws:policy/PowerUserAccess", &["kms:", "s3:"]),
];
/// The AWS managed policy that seems to allow the use of keys and does not (`svc:K-23`).
pub(super) const KMS_POWER_USER: &str = "arn:aws:iam::aws:policy/AWSKeyManagementServicePowerUser";

/// Policy texts that a careful service refuses to save, sent as they are. `{action}` and `{resource}` stand for ones that fit.
pub(super) const BROKEN_POLICIES: &[&str] = &[
    r#"{"Version":"2012-10-17","Statement":[]}"#,
    r#"{"Version":"2012-10-17","Statement":[{"Effect":"allow","Action":"{action}","Resource":"{resource}"}]}"#,
    r#"{"Version":"2012-10-17","Statement":[{"Effect":"Permit","Action":"{action}","Resource":"{resource}"}]}"#,
    r#"{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Resource":"{resource}"}]}"#,
    r#"{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"{action}"}]}"#,
    r#"{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"{action}","Resource":[]}]}"#,
    r#"{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":[],"Resource":"{resource}"}]}"#,
    r#"{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"Decrypt","Resource":"{resource}"}]}"#,
    r#"{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"{action}:x","Resource":"{resource}"}]}"#,
    r#"{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"{action}","Resource":"mybucket"}]}"#,
    r#"{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"{action}","Resource":"arn:aws:s3:us-east-1::b"}]}"#,
    r#"{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"{action}","Resource":"arn:nowhere:s3:::b"}]}"#,
    r#"{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":"*","Action":"{action}","Resource":"{resource}"}]}"#,
    r#"{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"{action}","NotAction":[],"Resource":"{resource}"}]}"#,
    r#"{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"{action}","Resource":"{resource}","Condition":{"Foo":{"a":"1"}}}]}"#,
    r#"{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"{action}","Resource":"{resource}","Condition":{"DateGreaterThan":{"a":"soon"}}}]}"#,
    r#"{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"{action}","Resource":"{resource}","Colour":"red"}]}"#,
    r#"{"Version":"2012-10-17","Statement":[{"Sid":"A","Effect":"Allow","Action":"{action}","Resource":"{resource}"},{"Sid":"A","Effect":"Deny","Action":"{action}","Resource":"{resource}"}]}"#,
    r#"{"Version":"2008-10-17","Statement":[{"Effect":"Allow","Action":"{action}","Resource":"{resource}"}]}"#,
    r#"{"Statement":[{"Effect":"Allow","Action":"{action}","Resource":"{resource}"}]}"#,
    r#"{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"{action}","Resource":"{resource}"}"#,
    r#"{"Version":"2020-10-17","Statement":[{"Effect":"Allow","Action":"{action}","Resource":"{resource}"}]}"#,
    r#"{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"{action}","Resource":"arn:aws::::b"}]}"#,
    r#"{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Effect":"Deny","Action":"{action}","Resource":"{resource}"}]}"#,
    r#"{"Version":"2012-10-17","Statement":[{"Sid":"not alphanumeric","Effect":"Allow","Action":"{action}","Resource":"{resource}"}]}"#,
    r#"{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"{action}","Resource":"{resource}","Condition":{"stringEquals":{"aws:username":"a"}}}]}"#,
    r#"{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"{action}","Resource":"{resource}","NotResource":"arn:aws:s3:::b"}]}"#,
    r#"{"Version":"2012-10-17"}"#,
    r#"[{"Effect":"Allow","Action":"{action}","Resource":"{resource}"}]"#,
    r#"{"Version":"2012-10-17","statement":[{"Effect":"Allow","Action":"{action}","Resource":"{resource}"}]}"#,
    r#"{"Version":"2012-10-17","Id":"named","Statement":[{"Effect":"Allow","Action":"{action}","Resource":"{resource}"}]}"#,
    r#"{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":null,"Resource":"{resource}"}]}"#,
    r#"{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"{action}","Resource":"{resource}","Condition":{"StringEquals":{"aws:username":"a","AWS:UserName":"b"}}}]}"#,
    r#"{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"{action}","Resource":"{resource}","Condition":{"BoolNotEquals":{"aws:SecureTransport":"false"}}}]}"#,
    r#"{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"{action}","Resource":"{resource}","Condition":{}}]}"#,
    r#"{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"{action}","Resource":"{resource}","Condition":{"StringEquals":{"aws:username":[]}}}]}"#,
    r#"{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"s3:GetNothing","Resource":"arn:aws:s3:::b/*"}]}"#,
    r#"{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"{action}","Resource":"arn:aws:*:::b"}]}"#,
    r#"{"Version":"2012-10-17","Statement":[{"Sid":"A","Effect":"Allow","Action":"{action}","Resource":"{resource}"},{"Sid":"a","Effect":"Deny","Action":"{action}","Resource":"{resource}"}]}"#,
    "",
    "not a policy",
];

/// Trust policies that IAM refuses to save.
pub(super) const BROKEN_TRUST_POLICIES: &[&str] = &[
    "not a policy",
    r#"{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":{"AWS":"{root}"},"Action":"{action}","Resource":"*"}]}"#,
    r#"{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":{"AWS":"{root}"},"Action":"s3:GetObject"}]}"#,
    r#"{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"{action}"}]}"#,
    r#"{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":{"AWS":"{root}"}}]}"#,
    r#"{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":{"AWS":"arn:aws:iam::{account}:user/ghost"},"Action":"{action}"}]}"#,
    r#"{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":{"AWS":"arn:aws:iam::{account}:role/*"},"Action":"{action}"}]}"#,
    r#"{"Version":"2012-10-17","Statement":[{"Effect":"Allow","NotPrincipal":{"AWS":"{root}"},"Action":"{action}"}]}"#,
    r#"{"Version":"2012-10-17","Statement":[]}"#,
    r#"{"Version":"2012-10-17","Statement":[{"Sid":"A","Effect":"Allow","Principal":{"AWS":"{root}"},"Action":"{action}"},{"Sid":"A","Effect":"Deny","Principal":{"AWS":"{root}"},"Action":"{action}"}]}"#,
];

/// Key policies that KMS refuses to save.
pub(super) const BROKEN_KEY_POLICIES: &[&str] = &[
    r#"{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":{"AWS":"{root}"},"Action":"kms:*","Resource":"*"},{"Effect":"Allow","Principal":{"Service":"*"},"Action":"{action}","Resource":"*"}]}"#,
    r#"{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":{"AWS":"{root}"},"Action":"kms:*","Resource":"*"},{"Effect":"Allow","Principal":{"AWS":"arn:aws:iam::{account}:group/staff"},"Action":"{action}","Resource":"*"}]}"#,
    "not a policy",
    r#"{"Version":"2012-10-17","Statement":[]}"#,
    r#"{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"kms:*","Resource":"*"}]}"#,
    r#"{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":{"AWS":"{root}"},"Resource":"*"}]}"#,
    r#"{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":{"AWS":"{root}"},"Action":"kms:*","Resource":"*"},{"Effect":"Allow","Principal":{"AWS":"arn:aws:iam::{account}:user/ghost"},"Action":"{action}","Resource":"*"}]}"#,
    r#"{"Version":"2012-10-17","Statement":[{"Effect":"Permit","Principal":{"AWS":"{root}"},"Action":"kms:*","Resource":"*"}]}"#,
    r#"{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":{"AWS":"arn:aws:iam::{account}:role/*"},"Action":"kms:*","Resource":"*"}]}"#,
];

/// Bucket policies that S3 refuses to save.
pub(super) const BROKEN_BUCKET_POLICIES: &[&str] = &[
    "not a policy",
    r#"{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"{action}","Resource":"{resource}"}]}"#,
    r#"{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":{"AWS":"{root}"},"Action":"{action}"}]}"#,
    r#"{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":{"AWS":"{root}"},"Action":"{action}","Resource":"arn:aws:s3:::somebody-elses-bucket/*"}]}"#,
    r#"{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":{"AWS":"{root}"},"Action":"kms:Decrypt","Resource":"{resource}"}]}"#,
    r#"{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":{"AWS":"arn:aws:iam::{account}:user/ghost"},"Action":"{action}","Resource":"{resource}"}]}"#,
    r#"{"Version":"2012-10-17","Statement":[{"Effect":"Permit","Principal":{"AWS":"{root}"},"Action":"{action}","Resource":"{resource}"}]}"#,
];
