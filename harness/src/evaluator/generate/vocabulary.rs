//! What evaluator cases are made of: accounts, names, pairs, condition keys and their values. Data only; choosing lives beside.

/// The accounts, by role in a case: the caller's usual one first.
pub(super) const ACCOUNTS: &[&str] = &["111111111111", "222222222222", "333333333333"];
/// User names; the last has a path.
pub(super) const USERS: &[&str] = &["alice", "bob", "Alice", "team/carol"];
/// Role names; the last has a path.
pub(super) const ROLES: &[&str] = &["Worker", "Admin", "worker", "app/Runner"];
/// Session names.
pub(super) const SESSIONS: &[&str] = &["s1", "alice", "i-0abc"];
/// Names of federated users.
pub(super) const FEDERATED: &[&str] = &["fred", "alice"];
/// Service principals.
pub(super) const SERVICES: &[&str] = &[
    "backup.amazonaws.com",
    "cloudtrail.amazonaws.com",
    "s3.ap-east-1.amazonaws.com",
    "lambda.amazonaws.com",
];

/// What a pair's resource is, hence what its policy is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Part {
    /// A KMS key: key policy, mandatory.
    Key,
    /// A role being assumed: trust policy, mandatory.
    Trust,
    /// A bucket or an object: bucket policy.
    Bucket,
    /// Another resource that may have a policy.
    Other,
    /// No resource at all, or one without a policy of its own.
    Nothing,
}

/// One action with the resources it is asked on. `{a}` stands for the owner's account.
#[derive(Debug, Clone, Copy)]
pub(super) struct Pair {
    pub(super) weight: u32,
    pub(super) action: &'static str,
    pub(super) resources: &'static [&'static str],
    pub(super) part: Part,
}

const KEY: &[&str] = &["arn:aws:kms:us-east-1:{a}:key/1234abcd-12ab-34cd-56ef-1234567890ab"];
const OBJECT: &[&str] = &[
    "arn:aws:s3:::data/a.txt",
    "arn:aws:s3:::data/home/alice/a:b.txt",
    "arn:aws:s3:::data/team/red/x",
    "arn:aws:s3:::data/*",
    "arn:aws:s3:::data/k?y$",
];
const BUCKET: &[&str] = &["arn:aws:s3:::data", "arn:aws:s3:::data-alice"];
const ROLE: &[&str] = &["arn:aws:iam::{a}:role/Target", "arn:aws:iam::{a}:role/app/Target"];
const NONE: &[&str] = &["*"];

const fn pair(weight: u32, action: &'static str, resources: &'static [&'static str], part: Part) -> Pair {
    Pair {
        weight,
        action,
        resources,
        part,
    }
}

/// Every pair a case may ask for.
pub(super) const PAIRS: &[Pair] = &[
    pair(12, "kms:Decrypt", KEY, Part::Key),
    pair(8, "kms:GenerateDataKey", KEY, Part::Key),
    pair(4, "kms:Encrypt", KEY, Part::Key),
    pair(3, "kms:ReEncryptFrom", KEY, Part::Key),
    pair(3, "kms:DescribeKey", KEY, Part::Key),
    pair(3, "kms:CreateGrant", KEY, Part::Key),
    pair(2, "kms:RetireGrant", KEY, Part::Key),
    pair(2, "kms:Sign", KEY, Part::Key),
    pair(2, "kms:GetKeyPolicy", KEY, Part::Key),
    pair(2, "kms:ListKeys", NONE, Part::Nothing),
    pair(1, "kms:CreateKey", NONE, Part::Nothing),
    pair(
        2,
        "kms:CreateAlias",
        &[
            "arn:aws:kms:us-east-1:{a}:alias/app",
            "arn:aws:kms:us-east-1:{a}:alias/aws/s3",
        ],
        Part::Nothing,
    ),
    pair(14, "s3:GetObject", OBJECT, Part::Bucket),
    pair(6, "s3:PutObject", OBJECT, Part::Bucket),
    pair(4, "s3:ListBucket", BUCKET, Part::Bucket),
    pair(2, "s3:PutBucketPolicy", BUCKET, Part::Bucket),
    pair(2, "s3:ListAllMyBuckets", &["*", "arn:aws:s3:::*"], Part::Nothing),
    pair(8, "sts:AssumeRole", ROLE, Part::Trust),
    pair(2, "sts:TagSession", ROLE, Part::Trust),
    pair(2, "sts:SetSourceIdentity", ROLE, Part::Trust),
    pair(1, "sts:GetCallerIdentity", NONE, Part::Nothing),
    pair(1, "sts:GetSessionToken", NONE, Part::Nothing),
    pair(4, "sqs:SendMessage", &["arn:aws:sqs:us-east-1:{a}:orders"], Part::Other),
    pair(
        3,
        "dynamodb:GetItem",
        &["arn:aws:dynamodb:us-east-1:{a}:table/orders"],
        Part::Other,
    ),
    pair(
        3,
        "secretsmanager:GetSecretValue",
        &["arn:aws:secretsmanager:us-east-1:{a}:secret:db-AbCdEf"],
        Part::Other,
    ),
    pair(
        2,
        "iam:GetUser",
        &["arn:aws:iam::{a}:user/alice", "arn:aws:iam::{a}:user/team/carol"],
        Part::Nothing,
    ),
    pair(2, "ec2:DescribeInstances", NONE, Part::Nothing),
];

/// The kind of a key's values: which operators suit it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    Text,
    Number,
    Date,
    Flag,
    Address,
    Arn,
    Binary,
}

/// A condition key that a request may carry.
#[derive(Debug, Clone, Copy)]
pub(super) struct Key {
    pub(super) name: &'static str,
    pub(super) kind: Kind,
    /// Whether it holds a list.
    pub(super) many: bool,
    /// In how many of a hundred requests it is present.
    pub(super) share: u8,
    pub(super) values: &'static [&'static str],
}

const fn key(name: &'static str, kind: Kind, many: bool, share: u8, values: &'static [&'static str]) -> Key {
    Key {
        name,
        kind,
        many,
        share,
        values,
    }
}

const WORDS: &[&str] = &["red", "blue", "Red", "re*", "", "alice", "${aws:username}", "team red"];
const PATHS: &[&str] = &["o-abc123/r-a/ou-x/", "o-abc123/r-a/ou-y/", "o-zzz999/r-b/"];
const ARNS: &[&str] = &[
    "arn:aws:s3:::data",
    "arn:aws:cloudtrail:us-east-1:111111111111:trail/main",
    "arn:aws:lambda:us-east-1:222222222222:function:f",
    "arn:aws:iam::111111111111:role/Worker",
    "not-an-arn",
];

/// The keys a request may carry of itself; keys that follow from the principal are not listed.
pub(super) const KEYS: &[Key] = &[
    key(
        "aws:SourceIp",
        Kind::Address,
        false,
        45,
        &["203.0.113.7", "198.51.100.9", "2001:db8::1", "10.0.0.1"],
    ),
    key(
        "aws:SecureTransport",
        Kind::Flag,
        false,
        45,
        &["true", "false", "True", "yes"],
    ),
    key(
        "aws:RequestedRegion",
        Kind::Text,
        false,
        35,
        &["us-east-1", "eu-west-1"],
    ),
    key(
        "aws:CurrentTime",
        Kind::Date,
        false,
        35,
        &[
            "2026-11-22T10:00:00Z",
            "2026-11-22",
            "2026-11-22T12:00:00+02:00",
            "2026-11-22T10:00:00.500Z",
        ],
    ),
    key(
        "aws:EpochTime",
        Kind::Date,
        false,
        20,
        &["1795341600", "1577836801", "2026"],
    ),
    key("aws:PrincipalOrgID", Kind::Text, false, 25, &["o-abc123", "o-zzz999"]),
    key("aws:PrincipalOrgPaths", Kind::Text, true, 15, PATHS),
    key("aws:PrincipalTag/team", Kind::Text, false, 30, WORDS),
    key("aws:ResourceTag/team", Kind::Text, false, 25, WORDS),
    key("aws:RequestTag/Env", Kind::Text, false, 12, &["prod", "Prod", "dev"]),
    key("aws:TagKeys", Kind::Text, true, 25, &["team", "Env", "cost", ""]),
    key("aws:MultiFactorAuthPresent", Kind::Flag, false, 25, &["true", "false"]),
    key(
        "aws:MultiFactorAuthAge",
        Kind::Number,
        false,
        20,
        &["300", "0", "3600", "300.5", "-1"],
    ),
    key(
        "aws:TokenIssueTime",
        Kind::Date,
        false,
        15,
        &["2026-11-22T09:00:00Z", "2026-11-22T09:00:00z"],
    ),
    key("aws:SourceVpc", Kind::Text, false, 15, &["vpc-1", "vpc-2"]),
    key("aws:SourceVpce", Kind::Text, false, 15, &["vpce-1", "vpce-2"]),
    key("aws:ViaAWSService", Kind::Flag, false, 12, &["true", "false"]),
    key(
        "aws:CalledVia",
        Kind::Text,
        true,
        10,
        &["cloudformation.amazonaws.com", "dynamodb.amazonaws.com"],
    ),
    key("aws:SourceArn", Kind::Arn, false, 25, ARNS),
    key(
        "aws:SourceAccount",
        Kind::Text,
        false,
        15,
        &["111111111111", "222222222222"],
    ),
    key("aws:SourceIdentity", Kind::Text, false, 8, &["alice", "bob"]),
    key("aws:FederatedProvider", Kind::Arn, false, 4, ARNS),
    key(
        "kms:ViaService",
        Kind::Text,
        false,
        15,
        &["s3.us-east-1.amazonaws.com", "lambda.us-east-1.amazonaws.com"],
    ),
    key("kms:GrantIsForAWSResource", Kind::Flag, false, 8, &["true", "false"]),
    key(
        "kms:EncryptionContext:Team",
        Kind::Text,
        false,
        18,
        &["red", "blue", "Red"],
    ),
    key("kms:EncryptionContext:App", Kind::Text, false, 12, &["pay", "web"]),
    key(
        "kms:EncryptionContextKeys",
        Kind::Text,
        true,
        12,
        &["Team", "App", "team"],
    ),
    key("kms:ResourceAliases", Kind::Text, true, 12, &["alias/app", "alias/pay"]),
    key(
        "s3:prefix",
        Kind::Text,
        false,
        18,
        &["", "home/", "home/alice/", "team/red"],
    ),
    key(
        "s3:max-keys",
        Kind::Number,
        false,
        18,
        &["10", "1000", "0", "010", "ten"],
    ),
    key(
        "s3:x-amz-server-side-encryption",
        Kind::Text,
        false,
        12,
        &["aws:kms", "AES256"],
    ),
    key("s3:ExistingObjectTag/team", Kind::Text, false, 15, WORDS),
    key("sts:ExternalId", Kind::Text, false, 10, &["e-1", "e-2"]),
    key("sts:RoleSessionName", Kind::Text, false, 10, &["s1", "alice"]),
    key("app:Blob", Kind::Binary, false, 10, &["aGVsbG8=", "hello", "aGVsbG8"]),
    key("app:Flags", Kind::Flag, true, 6, &["true", "false"]),
    key("app:Sizes", Kind::Number, true, 6, &["1", "2", "10"]),
    key("app:Owners", Kind::Arn, true, 8, ARNS),
];

/// Keys that follow from the principal and resource; a test may ask for them, a request may override them.
pub(super) const DERIVED: &[(&str, Kind)] = &[
    ("aws:PrincipalArn", Kind::Arn),
    ("aws:PrincipalAccount", Kind::Text),
    ("aws:PrincipalType", Kind::Text),
    ("aws:userid", Kind::Text),
    ("aws:username", Kind::Text),
    ("aws:PrincipalIsAWSService", Kind::Flag),
    ("aws:ResourceAccount", Kind::Text),
];

/// The base operators with whether they are negated and what they are for.
pub(super) const OPERATORS: &[(&str, Kind)] = &[
    ("StringEquals", Kind::Text),
    ("StringNotEquals", Kind::Text),
    ("StringEqualsIgnoreCase", Kind::Text),
    ("StringNotEqualsIgnoreCase", Kind::Text),
    ("StringLike", Kind::Text),
    ("StringNotLike", Kind::Text),
    ("NumericEquals", Kind::Number),
    ("NumericNotEquals", Kind::Number),
    ("NumericLessThan", Kind::Number),
    ("NumericLessThanEquals", Kind::Number),
    ("NumericGreaterThan", Kind::Number),
    ("NumericGreaterThanEquals", Kind::Number),
    ("DateEquals", Kind::Date),
    ("DateNotEquals", Kind::Date),
    ("DateLessThan", Kind::Date),
    ("DateLessThanEquals", Kind::Date),
    ("DateGreaterThan", Kind::Date),
    ("DateGreaterThanEquals", Kind::Date),
    ("Bool", Kind::Flag),
    ("BinaryEquals", Kind::Binary),
    ("IpAddress", Kind::Address),
    ("NotIpAddress", Kind::Address),
    ("ArnEquals", Kind::Arn),
    ("ArnLike", Kind::Arn),
    ("ArnNotEquals", Kind::Arn),
    ("ArnNotLike", Kind::Arn),
    ("Null", Kind::Flag),
];

/// Values of policies by kind: plain, borderline and unreadable ones.
pub(super) fn odd_values(kind: Kind) -> &'static [&'static str] {
    match kind {
        Kind::Text => &[
            "*",
            "",
            "re?",
            "${aws:username}",
            "${AWS:UserName}",
            "${aws:PrincipalTag/team}",
            "${aws:PrincipalTag/none}",
            "${aws:PrincipalTag/none, 'red'}",
            "${aws:PrincipalTag/team, 'blue'}",
            "${aws:TagKeys}",
            "${aws:PrincipalAccount}",
            "re${*}",
            "re${?}",
            "${$}{aws:username}",
            "${",
            "${}",
            "${aws:username",
            "${ aws:username }",
            "${aws:PrincipalTag/none,'red'}",
            "${aws:PrincipalTag/none, 'red}",
            "home/${aws:username}/*",
            "x${aws:username}y",
            "RED",
        ],
        Kind::Number => &[
            "5",
            "300",
            "300.0",
            "+300",
            "-0",
            "0300",
            "10",
            "1000",
            "300.50",
            "x",
            "",
            "12345678901234567890123",
            "0.1",
            "${aws:MultiFactorAuthAge}",
        ],
        Kind::Date => &[
            "2026-11-22T10:00:00Z",
            "2026-11-22",
            "2026-11",
            "2026",
            "1795341600",
            "2026-11-22T11:00:00+01:00",
            "2020-01-01T00:00:00Z",
            "2030-01-01T00:00:00Z",
            "2026-11-22T10:00Z",
            "2026-11-22T10:00:00.5Z",
        ],
        Kind::Flag => &[
            "true",
            "false",
            "TRUE",
            "False",
            "maybe",
            "",
            "1",
            "${aws:SecureTransport}",
        ],
        Kind::Address => &[
            "203.0.113.0/24",
            "203.0.113.7",
            "203.0.113.99/24",
            "0.0.0.0/0",
            "::/0",
            "2001:db8::/32",
            "2001:DB8:0::1",
            "10.0.0.0/8",
            "203.0.113.0/33",
            "203.0.113",
            "x",
            "",
        ],
        Kind::Arn => &[
            "arn:aws:s3:::*",
            "arn:aws:iam::*:role/*",
            "arn:*:iam::111111111111:user/alice",
            "arn:aws:iam::111111111111:user/${aws:username}",
            "arn:aws:iam::${aws:PrincipalAccount}:role/Worker",
            "arn:aws:iam::?11111111111:*/*",
            "arn:aws:sts::111111111111:assumed-role/Worker/*",
            "*",
            "arn:aws:s3",
            "",
            "arn:aws:iam::111111111111:user/${aws:PrincipalTag/none, 'alice'}",
            "${aws:PrincipalArn}",
        ],
        Kind::Binary => &["aGVsbG8=", "aGVsbG8", "hello", "", "////"],
    }
}

/// Switches that bear on a pure evaluator, each with the value that is not the default.
pub(super) const SWITCHES: &[(&str, &str)] = &[
    ("notprincipal_strict", "false"),
    ("star_limited_by_boundary_and_session", "true"),
    ("role_arn_limited_by_boundary_and_session", "false"),
    ("assume_role_needs_boundary", "false"),
    ("plain_operator_on_multivalued", "\"any\""),
    ("negated_parse_error_matches", "false"),
    ("for_any_value_negated_missing", "true"),
    ("variables_in_bool", "true"),
    ("unresolved_not_resource", "\"applies\""),
    ("unresolved_not_resource", "\"void\""),
    ("aws_star_matches_service", "false"),
    ("empty_not_list_applies", "true"),
    ("lone_star_arn_like_matches", "true"),
    ("empty_value_list_matches", "true"),
    ("unresolved_variable_spoils_list", "true"),
    ("role_name_case_insensitive", "true"),
    ("year_is_epoch", "false"),
    ("session_policies_intersect", "true"),
    ("federated_user_default_session_policy", "true"),
    ("rcp_covers_requests_without_resource", "true"),
    ("both_sides_silent_blames_resource", "true"),
    ("kms_both_sides_silent_blames_key_policy", "false"),
    ("grant_constraint_key_case_insensitive", "false"),
    ("role_grant_limited_by_boundary_and_session", "false"),
    ("account_grantee_needs_identity", "false"),
];
