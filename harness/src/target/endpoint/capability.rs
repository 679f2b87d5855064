//! What a case with a world can need of an endpoint, by name, and which case needs what. Whether an endpoint has it is its profile's to say.

use countersign_model::case::{AccountSpec, CallStep, Case, KeySpec, Shape, Step, StepPrincipal, WorldSpec};
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::target::provision::is_imported;

macro_rules! capabilities {
    ($($(#[doc = $doc:literal])+ $name:ident = $word:literal,)+) => {
        /// Something that a case may need. An endpoint that has not declared it is not asked: the step is skipped under this name.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        pub enum Capability {
            $($(#[doc = $doc])+ #[serde(rename = $word)] $name,)+
        }

        /// Every capability.
        pub const ALL: [Capability; [$($word),+].len()] = [$(Capability::$name),+];

        impl Capability {
            /// The name in profiles and reports.
            pub fn word(self) -> &'static str {
                match self {
                    $(Self::$name => $word,)+
                }
            }

            /// What it means, in a line.
            pub fn meaning(self) -> &'static str {
                match self {
                    $(Self::$name => concat!($($doc),+),)+
                }
            }
        }
    };
}

capabilities! {
    /// KMS keys and the operations on them.
    Kms = "kms",
    /// Key policies can be put.
    KeyPolicy = "key_policy",
    /// Grants can be made.
    Grants = "grants",
    /// Aliases of keys.
    Aliases = "aliases",
    /// Keys that AWS manages, made at the first use of their alias.
    AwsManagedKeys = "aws_managed_keys",
    /// Key specs, usages and origins other than the default.
    KeySpecs = "key_specs",
    /// Buckets and objects.
    S3 = "s3",
    /// Objects under SSE-KMS.
    SseKms = "sse_kms",
    /// Bucket policies can be put.
    BucketPolicy = "bucket_policy",
    /// ACLs and Object Ownership.
    Acl = "acl",
    /// Block Public Access of a bucket.
    PublicAccessBlock = "public_access_block",
    /// Block Public Access of an account.
    AccountPublicAccessBlock = "account_public_access_block",
    /// Attribute-based access control of buckets.
    Abac = "abac",
    /// Conditions in policies.
    Conditions = "conditions",
    /// The policies that AWS manages can be attached.
    AwsManagedPolicies = "aws_managed_policies",
    /// Permissions boundaries.
    PermissionsBoundary = "permissions_boundary",
    /// Service-linked roles.
    ServiceLinkedRoles = "service_linked_roles",
    /// Inline and managed session policies.
    SessionPolicy = "session_policy",
    /// Session tags and source identities.
    SessionTags = "session_tags",
    /// Calls by the root user of an account.
    RootUser = "root_user",
    /// Users with temporary credentials, with or without MFA.
    Mfa = "mfa",
    /// GetFederationToken sessions.
    Federation = "federation",
    /// Calls by an AWS service as itself.
    ServicePrincipals = "service_principals",
    /// Requests without a signature.
    Anonymous = "anonymous",
    /// More than one account.
    SecondAccount = "second_account",
    /// Listings of a whole account show only what the case made.
    EmptyAccount = "empty_account",
    /// Organizations with their policies.
    Organization = "organization",
    /// VPC endpoints.
    VpcEndpoint = "vpc_endpoint",
    /// A source address other than 127.0.0.1.
    SourceIp = "source_ip",
    /// Loopback counts as TLS, as it does for the model.
    SecureTransport = "secure_transport",
    /// The clock can be set.
    Clock = "clock",
    /// The behaviour of an earlier date.
    AsOf = "as_of",
    /// Other readings of disputed rules.
    Quirks = "quirks",
    /// A delay before changes take effect that the case sets.
    Propagation = "propagation",
    /// States that the API cannot produce.
    Arrange = "arrange",
    /// Presigned URLs.
    Presigned = "presigned",
    /// HTML form uploads.
    PostForm = "post_form",
    /// Signed chunks.
    Chunked = "chunked",
    /// Unsigned payloads with a trailer.
    UnsignedTrailer = "unsigned_trailer",
    /// Lambda functions can be made.
    Lambda = "lambda",
    /// Lambda functions can be started.
    Invoke = "invoke",
    /// AWS Backup vaults and jobs.
    Backup = "backup",
    /// DynamoDB tables.
    DynamoDb = "dynamodb",
}

/// How the ARNs of AWS's own policies begin.
const AWS_MANAGED: &str = "arn:aws:iam::aws:policy/";

/// Condition keys whose value follows from the clock.
const OF_THE_CLOCK: [&str; 5] = [
    "aws:currenttime",
    "aws:epochtime",
    "aws:tokenissuetime",
    "aws:multifactorauthage",
    "s3:signatureage",
];

/// What the world of a case needs, and what its policies ask about; each once, in the order of [`ALL`].
pub fn of_world(case: &Case) -> Vec<Capability> {
    let Some(world) = &case.world else { return Vec::new() };
    let text = text_of(case);
    let mentions = |word: &str| text.contains(word);
    let of_accounts = |test: &dyn Fn(&AccountSpec) -> bool| world.accounts.values().any(test);
    let of_keys =
        |test: &dyn Fn(&KeySpec) -> bool| of_accounts(&|account: &AccountSpec| account.keys.values().any(test));
    let table = [
        (Capability::Kms, of_keys(&|_| true)),
        (Capability::KeyPolicy, of_keys(&|key| key.policy.is_some())),
        (Capability::Grants, of_keys(&|key| !key.grants.is_empty())),
        (Capability::Aliases, of_keys(&|key| !key.aliases.is_empty())),
        (
            Capability::AwsManagedKeys,
            of_keys(&|key| key.manager.as_deref() == Some("AWS")),
        ),
        (Capability::KeySpecs, of_keys(&has_other_spec)),
        (Capability::Arrange, of_keys(&needs_arrangement)),
        (Capability::S3, of_accounts(&|account| !account.buckets.is_empty())),
        (
            Capability::BucketPolicy,
            of_accounts(&|account| account.buckets.values().any(|bucket| bucket.policy.is_some())),
        ),
        (Capability::Acl, of_accounts(&has_acl)),
        (
            Capability::PublicAccessBlock,
            of_accounts(&|account| {
                account
                    .buckets
                    .values()
                    .any(|bucket| bucket.public_access_block.is_some())
            }),
        ),
        (
            Capability::AccountPublicAccessBlock,
            of_accounts(&|account| account.public_access_block.is_some()),
        ),
        (
            Capability::Abac,
            of_accounts(&|account| account.buckets.values().any(|bucket| bucket.abac == Some(true))),
        ),
        (Capability::SseKms, of_accounts(&has_sse_kms)),
        (Capability::Conditions, mentions("\"condition\"")),
        (Capability::AwsManagedPolicies, of_accounts(&has_aws_managed_policy)),
        (Capability::PermissionsBoundary, of_accounts(&has_boundary)),
        (
            Capability::ServiceLinkedRoles,
            of_accounts(&|account| account.roles.values().any(|role| role.service_linked.is_some())),
        ),
        (Capability::SecondAccount, world.accounts.len() > 1),
        (Capability::Organization, world.organization.is_some()),
        (
            Capability::VpcEndpoint,
            of_accounts(&|account| !account.vpc_endpoints.is_empty()),
        ),
        (Capability::SecureTransport, mentions("aws:securetransport")),
        (Capability::Clock, OF_THE_CLOCK.iter().any(|key| mentions(key))),
        (Capability::Propagation, has_propagation(world)),
        (
            Capability::Lambda,
            of_accounts(&|account| !account.functions.is_empty()),
        ),
        (
            Capability::Backup,
            of_accounts(&|account| !account.backup_vaults.is_empty()),
        ),
    ];
    table
        .into_iter()
        .filter_map(|(capability, needed)| needed.then_some(capability))
        .collect()
}

/// What a step needs besides its world.
pub fn of_step(step: &Step) -> Vec<Capability> {
    let call = match step {
        Step::Call(call) => call,
        Step::Invoke(_) => return vec![Capability::Invoke],
        Step::Advance(_) => return vec![Capability::Clock],
        Step::Arrange(_) => return vec![Capability::Arrange],
        Step::Settle { .. } => return Vec::new(),
    };
    let service = match call.call.service() {
        "kms" => Some(Capability::Kms),
        "s3" => Some(Capability::S3),
        "lambda" => Some(Capability::Lambda),
        "backup" => Some(Capability::Backup),
        "dynamodb" => Some(Capability::DynamoDb),
        _ => None,
    };
    let shape = match call.shape {
        Shape::Header => None,
        Shape::Presigned => Some(Capability::Presigned),
        Shape::PostForm => Some(Capability::PostForm),
        Shape::Chunked => Some(Capability::Chunked),
        Shape::UnsignedTrailer => Some(Capability::UnsignedTrailer),
    };
    let operation = match call.call.operation() {
        "CreateGrant" => Some(Capability::Grants),
        "PutKeyPolicy" => Some(Capability::KeyPolicy),
        "PutBucketPolicy" => Some(Capability::BucketPolicy),
        "PutBucketAbac" => Some(Capability::Abac),
        "CreateServiceLinkedRole" => Some(Capability::ServiceLinkedRoles),
        "ListKeys" | "ListBuckets" => Some(Capability::EmptyAccount),
        "ListAliases" if !call.with.contains_key("KeyId") => Some(Capability::EmptyAccount),
        _ => None,
    };
    let through = call.through.as_ref().map(|_| Capability::VpcEndpoint);
    let found = [service, shape, operation, through].into_iter().flatten();
    found
        .chain(of_principal(&call.principal))
        .chain(of_network(call))
        .collect()
}

fn of_principal(principal: &StepPrincipal) -> Vec<Capability> {
    match principal {
        StepPrincipal::User { mfa: Some(_), .. } => vec![Capability::Mfa],
        StepPrincipal::User { mfa: None, .. } => Vec::new(),
        StepPrincipal::Root { .. } => vec![Capability::RootUser],
        StepPrincipal::Role {
            policy,
            policy_arns,
            tags,
            source_identity,
            mfa,
            ..
        } => {
            let table = [
                (Capability::SessionPolicy, policy.is_some() || !policy_arns.is_empty()),
                (Capability::SessionTags, !tags.is_empty() || source_identity.is_some()),
                (Capability::Mfa, mfa.is_some()),
            ];
            let needed = table.into_iter().filter(|(_, needed)| *needed);
            needed.map(|(capability, _)| capability).collect()
        }
        StepPrincipal::FederatedUser { .. } => vec![Capability::Federation],
        StepPrincipal::Service { .. } => vec![Capability::ServicePrincipals],
        StepPrincipal::Anonymous => vec![Capability::Anonymous],
    }
}

/// Facts of the network that a client cannot make true by headers.
fn of_network(call: &CallStep) -> Vec<Capability> {
    let mut needed = Vec::new();
    for (key, value) in &call.context {
        match key.to_ascii_lowercase().as_str() {
            "aws:sourceip" if value.as_str() == Some("127.0.0.1") => {}
            "aws:sourceip" | "aws:vpcsourceip" => needed.push(Capability::SourceIp),
            "aws:securetransport" if value.as_str() != Some("false") => needed.push(Capability::SecureTransport),
            _ => {}
        }
    }
    needed
}

/// Everything that is written in a case's world and steps, in small letters, quotes as they stand in JSON.
fn text_of(case: &Case) -> String {
    let tree = (serde_json::to_value(&case.world), serde_json::to_value(&case.steps));
    let mut text = String::new();
    for part in [tree.0, tree.1].into_iter().flatten() {
        text.push_str(&without_expectations(part).to_string().to_ascii_lowercase());
    }
    // A policy that is given as text has its quotes escaped.
    text.replace("\\\"", "\"")
}

/// What is expected of a step is not what it needs.
fn without_expectations(value: Value) -> Value {
    match value {
        Value::Array(list) => list.into_iter().map(without_expectations).collect(),
        Value::Object(members) => members
            .into_iter()
            .filter(|(name, _)| !matches!(name.as_str(), "expect" | "name" | "context"))
            .map(|(name, member)| (name, without_expectations(member)))
            .collect::<serde_json::Map<_, _>>()
            .into(),
        other => other,
    }
}

fn has_other_spec(key: &KeySpec) -> bool {
    let other = |given: &Option<String>, default: &str| given.as_deref().is_some_and(|given| given != default);
    other(&key.spec, "SYMMETRIC_DEFAULT")
        || other(&key.usage, "ENCRYPT_DECRYPT")
        || is_imported(key)
        || key.multi_region == Some(true)
}

/// A state that neither CreateKey nor DisableKey nor ScheduleKeyDeletion leads to, or a key that has material after CreateKey only there.
fn needs_arrangement(key: &KeySpec) -> bool {
    let state = key.state.as_deref().unwrap_or("Enabled");
    !matches!(state, "Enabled" | "Disabled" | "PendingDeletion") || is_imported(key)
}

fn has_acl(account: &AccountSpec) -> bool {
    account.buckets.values().any(|bucket| {
        bucket.acl.is_some()
            || bucket.ownership.is_some()
            || bucket
                .objects
                .values()
                .any(|object| object.acl.is_some() || object.owner.is_some())
    })
}

fn has_sse_kms(account: &AccountSpec) -> bool {
    let by_kms = |sse: Option<&str>| sse.is_some_and(|sse| sse.starts_with("aws:kms"));
    account.buckets.values().any(|bucket| {
        let default = bucket.encryption.as_ref().map(|encryption| encryption.sse.as_str());
        by_kms(default)
            || bucket
                .objects
                .values()
                .any(|object| by_kms(object.sse.as_deref()) || object.key.is_some())
    })
}

/// AdministratorAccess too: where the endpoint lacks it, the case is rewritten before it gets here (`Target::translate`).
fn has_aws_managed_policy(account: &AccountSpec) -> bool {
    let users = account
        .users
        .values()
        .flat_map(|user| user.attached.iter().chain(&user.permissions_boundary));
    let roles = account
        .roles
        .values()
        .flat_map(|role| role.attached.iter().chain(&role.permissions_boundary));
    let groups = account.groups.values().flat_map(|group| &group.attached);
    users
        .chain(roles)
        .chain(groups)
        .any(|policy| policy.starts_with(AWS_MANAGED))
}

fn has_boundary(account: &AccountSpec) -> bool {
    account.users.values().any(|user| user.permissions_boundary.is_some())
        || account.roles.values().any(|role| role.permissions_boundary.is_some())
}

fn has_propagation(world: &WorldSpec) -> bool {
    world
        .propagation
        .as_deref()
        .is_some_and(|delay| delay.chars().any(|character| ('1'..='9').contains(&character)))
}

#[cfg(test)]
mod tests {
    use countersign_model::case::{Syntax, load_str};

    use super::*;

    fn case(text: &str) -> Case {
        load_str("case.yaml", text, Syntax::Yaml).unwrap_or_else(|error| panic!("{error:?}"))
    }

    #[test]
    fn a_case_needs_what_is_in_it_and_nothing_else() {
        let plain = case(
            r#"
countersign: 1
id: test.plain
world: {accounts: {"111122223333": {users: {alice: {}}, keys: {k: {}}}}}
steps:
  - {as: {user: alice}, call: kms:DescribeKey, with: {KeyId: "{{key.k.arn}}"}}
"#,
        );
        assert_eq!(of_world(&plain), [Capability::Kms]);
        assert_eq!(of_step(&plain.steps[0]), [Capability::Kms]);
        let rich = case(
            r#"
countersign: 1
id: test.rich
world:
  propagation: 2s
  accounts:
    "111122223333":
      roles: {r: {policies: {p: '{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"*","Resource":"*","Condition":{"Bool":{"aws:SecureTransport":"true"}}}]}'}}}
      buckets: {logs: {encryption: {sse: "aws:kms"}}}
    "444455556666": {keys: {k: {state: Unavailable}}}
steps:
  - {as: {role: r, tags: {a: b}}, call: s3:GetObject, shape: presigned, with: {Bucket: logs, Key: o}, context: {"aws:SourceIp": 10.0.0.1}}
  - {advance: 5m}
"#,
        );
        let world: Vec<&str> = of_world(&rich).into_iter().map(Capability::word).collect();
        let expected = [
            "kms",
            "arrange",
            "s3",
            "sse_kms",
            "conditions",
            "second_account",
            "secure_transport",
            "propagation",
        ];
        assert_eq!(world, expected);
        let step: Vec<&str> = of_step(&rich.steps[0]).into_iter().map(Capability::word).collect();
        assert_eq!(step, ["s3", "presigned", "session_tags", "source_ip"]);
        assert_eq!(of_step(&rich.steps[1]), [Capability::Clock]);
    }

    #[test]
    fn policies_of_aws_itself_are_not_the_accounts() {
        for (holder, needed) in [
            (
                "users: {u: {attached: [\"arn:aws:iam::aws:policy/ReadOnlyAccess\"]}}",
                true,
            ),
            (
                "roles: {r: {permissions_boundary: \"arn:aws:iam::aws:policy/ReadOnlyAccess\"}}",
                true,
            ),
            (
                "users: {u: {attached: [\"arn:aws:iam::111122223333:policy/mine\"]}}, managed_policies: {mine: {Version: \"2012-10-17\", Statement: [{Effect: Allow, Action: \"*\", Resource: \"*\"}]}}",
                false,
            ),
        ] {
            let case = case(&format!(
                "countersign: 1\nid: test.managed\nworld: {{accounts: {{\"111122223333\": {{{holder}}}}}}}\nsteps: []\n"
            ));
            assert_eq!(
                of_world(&case).contains(&Capability::AwsManagedPolicies),
                needed,
                "{holder}"
            );
        }
    }

    #[test]
    fn words_are_told_apart() {
        let words: std::collections::BTreeSet<&str> = ALL.iter().map(|capability| capability.word()).collect();
        assert_eq!(words.len(), ALL.len());
        assert!(ALL.iter().all(|capability| !capability.meaning().trim().is_empty()));
    }
}
