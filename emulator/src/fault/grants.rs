//! Faults in whom a grant names, what it allows, and when it ends. Registry entries only: what each fault does stands where the right code stands.

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
    .stands_for("awsim (targets.md §2)"),
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
    )
    .stands_for("ministack (targets.md §4.3)"),
];
