//! Faults in whom a principal names. Registry entries only: what each fault does stands where the right code stands.

use super::{Fault, FaultEntry, authorizer};

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
];
