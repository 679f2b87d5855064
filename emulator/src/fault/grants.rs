//! Faults in whom a grant names, what it allows, and when it ends.
//! Registry entries only: what a fault does stands where the right code stands.

use super::{Fault, FaultEntry, authorizer, world};

pub(super) const ENTRIES: &[FaultEntry] = &[
    authorizer(
        Fault::GrantConstraintIgnored,
        "grant-constraint-ignored",
        "svc:G-10",
        "encryption-context constraints of a grant are not looked at",
    ),
    authorizer(
        Fault::RoleGranteeMissesSessions,
        "role-grantee-misses-sessions",
        "svc:G-14",
        "a grant to a role ARN does not match sessions of that role",
    )
    .stands_for("awsim 0.8.0"),
    authorizer(
        Fault::SessionNameIgnoredInGrantee,
        "session-name-ignored-in-grantee",
        "svc:G-14",
        "a session-ARN grantee matches every session of the role",
    ),
    world(
        Fault::RetiredGrantStillAllows,
        "retired-grant-still-allows",
        "svc:G-1",
        "a retired or revoked grant keeps allowing",
    ),
    world(
        Fault::ChildGrantUnlimited,
        "child-grant-unlimited",
        "svc:G-6",
        "a grant with CreateGrant permits child grants of any operations and constraints",
    ),
    world(
        Fault::GrantTokenIgnored,
        "grant-token-ignored",
        "svc:G-21",
        "a grant token does not help before the grant has propagated",
    ),
    world(
        Fault::KeyPolicyRetireGrantCounts,
        "key-policy-retire-grant-counts",
        "svc:G-16",
        "an Allow of kms:RetireGrant in a key policy lets its principal retire grants",
    ),
    authorizer(
        Fault::GrantsInert,
        "grants-inert",
        "svc:K-20",
        "grants are stored and allow nothing",
    )
    .stands_for("moto 5.2.5"),
    authorizer(
        Fault::GrantOperationIgnored,
        "grant-operation-ignored",
        "svc:K-20",
        "a grant allows operations that it does not list",
    ),
    authorizer(
        Fault::GrantNeedsKeyPolicy,
        "grant-needs-key-policy",
        "svc:K-20",
        "a grant allows only what the key policy allows too",
    ),
    authorizer(
        Fault::GrantEscapesServiceControl,
        "grant-escapes-service-control",
        "svc:K-27",
        "SCPs do not bind what a grant allows",
    ),
    authorizer(
        Fault::GrantBeatsIdentityDeny,
        "grant-beats-identity-deny",
        "svc:K-2",
        "a grant wins over a Deny of the identity policies",
    ),
    authorizer(
        Fault::ForeignGranteeNeedsIdentity,
        "foreign-grantee-needs-identity",
        "svc:G-20",
        "a grantee of another account needs an identity policy",
    ),
    authorizer(
        Fault::GrantEqualsAsSubset,
        "grant-equals-as-subset",
        "svc:G-10",
        "EncryptionContextEquals is read as EncryptionContextSubset",
    ),
    authorizer(
        Fault::GrantSubsetAsEquals,
        "grant-subset-as-equals",
        "svc:G-10",
        "EncryptionContextSubset is read as EncryptionContextEquals",
    ),
    authorizer(
        Fault::GrantConstraintOnDescribeKey,
        "grant-constraint-on-describe-key",
        "svc:G-12",
        "encryption-context constraints bind DescribeKey",
    )
    .stands_for("awsim 0.8.0"),
    authorizer(
        Fault::GrantSourceIgnored,
        "grant-source-ignored",
        "svc:G-13",
        "the SourceArn constraint of a grant is not looked at",
    ),
    world(
        Fault::GranteeMatchedByName,
        "grantee-matched-by-name",
        "svc:G-15",
        "a grantee that was deleted and made again still holds its grant",
    ),
    world(
        Fault::TokenRevivesEndedGrant,
        "token-revives-ended-grant",
        "svc:G-21",
        "the token of a retired or revoked grant keeps it alive",
    ),
    world(
        Fault::UnknownGrantTokenAccepted,
        "unknown-grant-token-accepted",
        "svc:G-22",
        "a grant token that was never given out is accepted",
    ),
    world(
        Fault::GrantPairQuotaSkipped,
        "grant-pair-quota-skipped",
        "svc:G-10",
        "a grant constraint may have any number of pairs",
    ),
    world(
        Fault::NonexistentGranteeAccepted,
        "nonexistent-grantee-accepted",
        "svc:G-2",
        "a grant can name nobody, or everybody",
    )
    .stands_for("ministack 1.5.33"),
    world(
        Fault::AnyoneMayRetire,
        "anyone-may-retire",
        "svc:G-16",
        "anybody may retire any grant",
    ),
    world(
        Fault::IdentityPolicyRetiresAnyGrant,
        "identity-policy-retires-any-grant",
        "svc:G-16",
        "an Allow of kms:RetireGrant in an identity policy retires grants of every account",
    )
    .stands_for("ministack 1.5.33"),
    world(
        Fault::RetiringPrincipalNeedsPolicy,
        "retiring-principal-needs-policy",
        "svc:G-16",
        "the retiring principal needs a policy to retire its grant",
    )
    .stands_for("ministack 1.5.33"),
    world(
        Fault::LambdaGrantsWholeRole,
        "lambda-grants-whole-role",
        "svc:L-10",
        "Lambda's grant is for the whole role, not for the function's session",
    ),
    world(
        Fault::LambdaGrantLacksDecrypt,
        "lambda-grant-lacks-decrypt",
        "svc:L-3",
        "Lambda's grant does not allow Decrypt",
    )
    .stands_for("moto 5.2.5"),
];
