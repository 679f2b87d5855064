//! Faults in whom a principal names.
//! Registry entries only: what a fault does stands where the right code stands.

use super::{Fault, FaultEntry, authorizer, world};

pub(super) const ENTRIES: &[FaultEntry] = &[
    authorizer(
        Fault::UserPrincipalIgnoresCase,
        "user-principal-ignores-case",
        "iam:P-18",
        "a user ARN in Principal matches the user in any letter case",
    ),
    authorizer(
        Fault::SessionPrincipalMatchesRole,
        "session-principal-matches-role",
        "iam:P-06",
        "a session ARN in Principal matches every session of the role",
    ),
    authorizer(
        Fault::AwsStarMissesAnonymous,
        "aws-star-misses-anonymous",
        "iam:P-02",
        "the principal {\"AWS\":\"*\"} does not match anonymous callers",
    ),
    authorizer(
        Fault::AccountPrincipalInDenyMisses,
        "account-principal-in-deny-misses",
        "iam:P-32",
        "an account principal in a Deny hits nobody",
    ),
    authorizer(
        Fault::RolePrincipalMissesSessions,
        "role-principal-misses-sessions",
        "iam:P-05",
        "a role ARN in Principal does not match the sessions of the role",
    )
    .stands_for("fakecloud 0.51.0"),
    authorizer(
        Fault::RolePathIgnored,
        "role-path-ignored",
        "iam:P-05",
        "a role ARN in Principal matches a role of that name under any path",
    )
    .stands_for("iam-simulate#164"),
    authorizer(
        Fault::AccountPrincipalMeansRoot,
        "account-principal-means-root",
        "iam:P-31",
        "an account in Principal means its root user only",
    )
    .stands_for("moto 5.2.5"),
    authorizer(
        Fault::AccountDenySparesRoot,
        "account-deny-spares-root",
        "iam:P-32",
        "an account principal in a Deny does not hit the account's root user",
    ),
    authorizer(
        Fault::NotPrincipalIgnored,
        "not-principal-ignored",
        "iam:P-52",
        "a Deny with NotPrincipal hits nobody",
    )
    .stands_for("ministack 1.5.33"),
    authorizer(
        Fault::NotPrincipalSparesBoundaryHolders,
        "not-principal-spares-boundary-holders",
        "iam:P-53",
        "NotPrincipal exempts those who have a permissions boundary",
    ),
    authorizer(
        Fault::PartialPrincipalWildcards,
        "partial-principal-wildcards",
        "iam:P-14",
        "a partial wildcard in Principal matches",
    )
    .stands_for("iam-rs 0.8.0"),
    authorizer(
        Fault::OtherPrincipalKindsMeanEverybody,
        "other-principal-kinds-mean-everybody",
        "iam:P-11",
        "principals of kinds that are not understood mean everybody",
    )
    .stands_for("S4#75"),
    authorizer(
        Fault::ServicePrincipalMatchesRoleName,
        "service-principal-matches-role-name",
        "iam:P-63",
        "a service in Principal matches the sessions of a role that has its name",
    )
    .stands_for("fakecloud#2289"),
    authorizer(
        Fault::ServiceRegionIgnored,
        "service-region-ignored",
        "iam:P-60",
        "the plain name of a service matches it in every Region",
    ),
    world(
        Fault::RecreatedPrincipalMatches,
        "recreated-principal-matches",
        "iam:P-40",
        "a principal that was deleted and made again is still meant by policies that named it before",
    ),
];
