//! Faults in which actions and resources a statement covers, policy variables included. Registry entries only: what each fault does stands where the right code stands.

use super::{Fault, FaultEntry, authorizer};

pub(super) const ENTRIES: &[FaultEntry] = &[
    authorizer(
        Fault::ActionCaseCounts,
        "action-case-counts",
        "iam:M-01",
        "actions are compared with their letter case",
    )
    .stands_for("moto (targets.md §4.8)"),
    authorizer(
        Fault::NotActionFirstEntryOnly,
        "not-action-first-entry-only",
        "iam:M-03",
        "only the first entry of a NotAction list is looked at",
    ),
    authorizer(
        Fault::ResourceStarStopsAtSlash,
        "resource-star-stops-at-slash",
        "iam:M-22",
        "a star in Resource does not cross a slash",
    ),
    authorizer(
        Fault::UnresolvedVariableIsEmpty,
        "unresolved-variable-is-empty",
        "iam:V-10",
        "a policy variable without value is replaced by the empty text",
    )
    .stands_for("iam-rs 0.8 (evaluators.md §1)"),
    authorizer(
        Fault::SubstitutedWildcardsActive,
        "substituted-wildcards-active",
        "iam:V-12",
        "wildcards in the value of a policy variable are wildcards",
    )
    .stands_for("iam-rs 0.8 (evaluators.md §1)"),
];
