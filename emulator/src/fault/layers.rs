//! Faults in how the kinds of policies are put together.
//! Registry entries only: what a fault does stands where the right code stands.

use super::{Fault, FaultEntry, authorizer, request, world};

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
    .stands_for("moto 5.2.5"),
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
    .stands_for("ceph#42247"),
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
    .stands_for("iam-simulate 0.1.173"),
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
    .stands_for("moto 5.2.5"),
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
    .stands_for("ministack 1.5.33"),
    authorizer(
        Fault::BoundaryDenyIgnored,
        "boundary-deny-ignored",
        "iam:L-10",
        "an explicit Deny in a permissions boundary is not collected",
    ),
    authorizer(
        Fault::SessionDenyIgnored,
        "session-deny-ignored",
        "iam:L-10",
        "an explicit Deny in a session policy is not collected",
    ),
    authorizer(
        Fault::ServiceControlDenyIgnored,
        "service-control-deny-ignored",
        "iam:L-10",
        "an explicit Deny in an SCP is not collected",
    ),
    authorizer(
        Fault::EndpointDenyIgnored,
        "endpoint-deny-ignored",
        "iam:L-10",
        "an explicit Deny in a VPC endpoint policy is not collected",
    ),
    authorizer(
        Fault::ResourceDenyIgnored,
        "resource-deny-ignored",
        "iam:L-10",
        "an explicit Deny in a resource policy is not collected",
    ),
    authorizer(
        Fault::ResourceControlSkipped,
        "resource-control-skipped",
        "iam:L-11",
        "RCPs are not consulted",
    ),
    authorizer(
        Fault::ResourceAllowBeatsIdentityDeny,
        "resource-allow-beats-identity-deny",
        "iam:L-29",
        "an Allow of the resource policy wins over a Deny of the identity policies",
    )
    .stands_for("seaweedfs#11273"),
    authorizer(
        Fault::FirstAllowWins,
        "first-allow-wins",
        "iam:L-04",
        "a Deny after an Allow in the same policy is not looked at",
    )
    .stands_for("scratchstack-aspen 0.3.1"),
    authorizer(
        Fault::SessionNeedsNoAllow,
        "session-needs-no-allow",
        "iam:L-01",
        "in its own account a session may do what nothing denies",
    )
    .stands_for("CVE-2026-22043"),
    authorizer(
        Fault::CallerWithoutAccountAllowed,
        "caller-without-account-allowed",
        "iam:L-46",
        "a caller without account may do what nothing denies",
    )
    .stands_for("CVE-2026-55873"),
    authorizer(
        Fault::UnusablePolicyIgnored,
        "unusable-policy-ignored",
        "iam:E-22",
        "a policy that cannot be read is left out",
    )
    .stands_for("awsim 0.8.0"),
    authorizer(
        Fault::UnreadablePartsSkipped,
        "unreadable-parts-skipped",
        "iam:E-22",
        "what cannot be read in a policy is skipped, and the rest counts",
    )
    .stands_for("seaweedfs#11283"),
    authorizer(
        Fault::BoundaryLimitsNamedCaller,
        "boundary-limits-named-caller",
        "iam:L-20",
        "a permissions boundary also limits what a resource policy allows the caller by name",
    )
    .stands_for("floci#3584"),
    authorizer(
        Fault::SessionPolicyLimitsNamedSession,
        "session-policy-limits-named-session",
        "iam:L-21",
        "a session policy also limits what a resource policy allows the session by name",
    )
    .stands_for("iam-simulate 0.1.173"),
    authorizer(
        Fault::RolePrincipalEscapesLimits,
        "role-principal-escapes-limits",
        "iam:L-22",
        "what a resource policy allows a role escapes boundary and session policies",
    ),
    authorizer(
        Fault::SessionPolicyGrants,
        "session-policy-grants",
        "iam:L-76",
        "an Allow of a session policy grants by itself",
    )
    .stands_for("ceph#41585"),
    authorizer(
        Fault::SessionPolicyOnlyDenies,
        "session-policy-only-denies",
        "iam:L-76",
        "session policies need not allow, they only deny",
    )
    .stands_for("CVE-2025-62506"),
    authorizer(
        Fault::AccountPrincipalAsDirectAllow,
        "account-principal-as-direct-allow",
        "iam:P-30",
        "the account principal in a bucket policy allows every identity of the account",
    )
    .stands_for("fakecloud 0.51.0"),
    authorizer(
        Fault::ResourceAllowNeedsIdentity,
        "resource-allow-needs-identity",
        "iam:L-40",
        "in the own account a resource policy's Allow is not enough",
    )
    .stands_for("rustfs#1423"),
    authorizer(
        Fault::TrustPolicySufficesAcrossAccounts,
        "trust-policy-suffices-across-accounts",
        "iam:L-42",
        "a foreign caller may assume a role by its trust policy alone",
    )
    .stands_for("ceph#66909"),
    authorizer(
        Fault::EndpointPolicyGrants,
        "endpoint-policy-grants",
        "iam:L-90",
        "an Allow of the VPC endpoint policy grants by itself",
    ),
    authorizer(
        Fault::GatewayAccountMeansEverybody,
        "gateway-account-means-everybody",
        "iam:P-34",
        "an account in a gateway endpoint's policy means all its principals",
    ),
    authorizer(
        Fault::ServiceControlSparesRoot,
        "service-control-spares-root",
        "iam:L-61",
        "SCPs do not bind the root user",
    ),
    authorizer(
        Fault::ServiceControlSparesResourceAllow,
        "service-control-spares-resource-allow",
        "iam:L-30",
        "SCPs do not bind what a resource policy allows",
    )
    .stands_for("fakecloud 0.51.0"),
    world(
        Fault::ServiceControlBindsManagement,
        "service-control-binds-management",
        "iam:L-49",
        "SCPs bind the management account",
    ),
    world(
        Fault::ServiceControlOfOwner,
        "service-control-of-owner",
        "iam:L-44",
        "the SCPs of the resource's account bind, those of the caller's do not",
    ),
    authorizer(
        Fault::RootNeverDenied,
        "root-never-denied",
        "iam:L-61",
        "no Deny reaches the root user",
    )
    .stands_for("ministack 1.5.33"),
    authorizer(
        Fault::AssumedRootUnlimited,
        "assumed-root-unlimited",
        "iam:L-62",
        "the task policy of an AssumeRoot session is not looked at",
    ),
    world(
        Fault::GroupPoliciesIgnored,
        "group-policies-ignored",
        "iam:L-02",
        "the policies of a user's groups are not collected",
    )
    .stands_for("PMapper 1.1.5"),
    world(
        Fault::ManagedSessionPoliciesIgnored,
        "managed-session-policies-ignored",
        "iam:L-76",
        "managed policies passed as session policies are not collected",
    )
    .stands_for("ceph#42247"),
    authorizer(
        Fault::ExplicitDenyToldAsImplicit,
        "explicit-deny-told-as-implicit",
        "iam:R-02",
        "an explicit denial is told as an implicit one",
    ),
    authorizer(
        Fault::LastDenyBlamed,
        "last-deny-blamed",
        "iam:R-06",
        "of several denying policies the last one is blamed",
    ),
    world(
        Fault::MessageNamesRole,
        "message-names-role",
        "iam:R-01",
        "denials name the role of a session instead of the session",
    ),
    world(
        Fault::SessionTagsUnasked,
        "session-tags-unasked",
        "iam:L-74",
        "passing session tags needs no sts:TagSession",
    ),
    world(
        Fault::SourceIdentityUnasked,
        "source-identity-unasked",
        "iam:L-74",
        "setting a source identity needs no sts:SetSourceIdentity",
    ),
    world(
        Fault::RoleTrustsItself,
        "role-trusts-itself",
        "iam:L-73",
        "a role may assume itself though its trust policy does not say so",
    ),
    world(
        Fault::OwnPolicyUnasked,
        "own-policy-unasked",
        "iam:L-01",
        "a user may put policies on itself unasked",
    )
    .stands_for("CVE-2021-43858"),
    request(
        Fault::CreateAccessKeyUnasked,
        "create-access-key-unasked",
        "iam:L-01",
        "anybody may make access keys for the users of the account",
    )
    .stands_for("CVE-2022-24842"),
    world(
        Fault::BoundaryRemovalUnasked,
        "boundary-removal-unasked",
        "iam:L-01",
        "anybody may take a user's permissions boundary away",
    )
    .stands_for("CVE-2024-24747"),
    world(
        Fault::AttachUserPolicyUnasked,
        "attach-user-policy-unasked",
        "iam:L-01",
        "anybody may attach policies to the users of the account",
    )
    .stands_for("CVE-2024-55949"),
    world(
        Fault::TrustPolicyChangeUnasked,
        "trust-policy-change-unasked",
        "iam:L-01",
        "anybody may change a role's trust policy",
    )
    .stands_for("ceph#54826"),
    world(
        Fault::PutUserPolicyAsksToRead,
        "put-user-policy-asks-to-read",
        "iam:L-01",
        "PutUserPolicy asks for iam:GetUserPolicy",
    )
    .stands_for("CVE-2026-22042"),
];
