//! Faults in how the kinds of policies are put together. Registry entries only: what each fault does stands where the right code stands.

use super::{Fault, FaultEntry, authorizer};

pub(super) const ENTRIES: &[FaultEntry] = &[
    authorizer(
        Fault::IdentityDenyIgnored,
        "identity-deny-ignored",
        "iam:L-10",
        "an explicit Deny in an identity policy is not collected",
    ),
    authorizer(
        Fault::BoundarySkipped,
        "boundary-skipped",
        "iam:L-13",
        "permissions boundaries are not consulted",
    )
    .stands_for("moto (targets.md §4.8)"),
    authorizer(
        Fault::BoundaryGrants,
        "boundary-grants",
        "iam:L-85",
        "an Allow of the permissions boundary grants by itself",
    ),
    authorizer(
        Fault::SessionPolicySkipped,
        "session-policy-skipped",
        "iam:L-76",
        "session policies are not consulted",
    )
    .stands_for("CVE-2025-62506"),
    authorizer(
        Fault::FederatedUserNeedsNoSessionPolicy,
        "federated-user-needs-no-session-policy",
        "iam:L-77",
        "a federated user without session policy has all its parent's permissions",
    ),
    authorizer(
        Fault::ServiceControlLastLevelOnly,
        "service-control-last-level-only",
        "iam:L-03",
        "only the account's own SCPs must allow, the levels above only deny",
    ),
    authorizer(
        Fault::ServiceLinkedRoleBound,
        "service-linked-role-bound",
        "iam:L-48",
        "SCPs and RCPs bind sessions of service-linked roles",
    )
    .stands_for("iam-simulate 0.1.173 (evaluators.md §1)"),
    authorizer(
        Fault::ResourceControlSparesOwnAccount,
        "resource-control-spares-own-account",
        "iam:L-11",
        "RCPs bind only callers of other accounts",
    ),
    authorizer(
        Fault::EndpointPolicySkipped,
        "endpoint-policy-skipped",
        "iam:L-14",
        "the policy of a VPC endpoint is not consulted",
    ),
    authorizer(
        Fault::TrustPolicyOptional,
        "trust-policy-optional",
        "iam:L-41",
        "an identity policy suffices to assume a role of the own account",
    ),
    authorizer(
        Fault::CrossAccountIdentitySuffices,
        "cross-account-identity-suffices",
        "iam:L-42",
        "a foreign caller needs no resource policy when its identity policy allows",
    )
    .stands_for("moto (targets.md §4.8)"),
    authorizer(
        Fault::RootNeedsIdentityPolicy,
        "root-needs-identity-policy",
        "iam:L-60",
        "the root user is not allowed everything in its account by nature",
    ),
    authorizer(
        Fault::BlamesIdentityAlways,
        "blames-identity-always",
        "iam:R-07",
        "every implicit denial is blamed on the identity-based policies",
    )
    .stands_for("ministack (targets.md §4.6)"),
];
