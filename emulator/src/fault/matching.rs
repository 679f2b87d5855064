//! Faults in which actions and resources a statement covers, policy variables included.
//! Registry entries only: what a fault does stands where the right code stands.

use super::{Fault, FaultEntry, authorizer, world};

pub(super) const ENTRIES: &[FaultEntry] = &[
    authorizer(
        Fault::ActionCaseCounts,
        "action-case-counts",
        "iam:M-01",
        "actions are compared with their letter case",
    )
    .stands_for("moto 5.2.5"),
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
    .stands_for("iam-rs 0.8.0"),
    authorizer(
        Fault::SubstitutedWildcardsActive,
        "substituted-wildcards-active",
        "iam:V-12",
        "wildcards in the value of a policy variable are wildcards",
    )
    .stands_for("iam-rs 0.8.0"),
    authorizer(
        Fault::ActionPrefixSuffices,
        "action-prefix-suffices",
        "svc:K-23",
        "an action in a policy covers every action whose name begins so",
    ),
    authorizer(
        Fault::NotActionIgnored,
        "not-action-ignored",
        "iam:M-03",
        "NotAction covers every action",
    )
    .stands_for("cloudemu#841"),
    authorizer(
        Fault::NotResourceIgnored,
        "not-resource-ignored",
        "iam:M-27",
        "NotResource covers every resource",
    )
    .stands_for("cloudemu#841"),
    authorizer(
        Fault::NotResourceDenyMisses,
        "not-resource-deny-misses",
        "iam:M-27",
        "a Deny with NotResource never applies",
    )
    .stands_for("moto 5.2.5"),
    authorizer(
        Fault::AnyResourceCoversNone,
        "any-resource-covers-none",
        "iam:M-25",
        "any Resource covers an action that has no resource",
    )
    .stands_for("moto#9581"),
    authorizer(
        Fault::ResourceStarCrossesColons,
        "resource-star-crosses-colons",
        "iam:M-22",
        "a star in Resource crosses the first five colons",
    ),
    authorizer(
        Fault::ResourceStarStopsAtColon,
        "resource-star-stops-at-colon",
        "iam:M-22",
        "a star in Resource does not cross a colon in the last field",
    ),
    authorizer(
        Fault::QuestionMarkMatchesNothing,
        "question-mark-matches-nothing",
        "iam:M-23",
        "a question mark in Resource also matches no character",
    )
    .stands_for("moto 5.2.5"),
    authorizer(
        Fault::DotMatchesAnything,
        "dot-matches-anything",
        "iam:M-21",
        "a dot in Resource matches any character",
    )
    .stands_for("iam-simulate#175"),
    authorizer(
        Fault::ResourceCaseIgnored,
        "resource-case-ignored",
        "iam:M-24",
        "resources are compared without their letter case",
    ),
    authorizer(
        Fault::BucketPatternCoversObjects,
        "bucket-pattern-covers-objects",
        "iam:M-29",
        "a bucket ARN in Resource covers the objects in it",
    )
    .stands_for("S4#75"),
    authorizer(
        Fault::StatementWithoutResourceCounts,
        "statement-without-resource-counts",
        "svc:K-14",
        "a key policy statement without Resource applies",
    ),
    authorizer(
        Fault::ResourceVariablesLiteral,
        "resource-variables-literal",
        "iam:V-01",
        "policy variables in Resource are literal text",
    )
    .stands_for("ministack 1.5.33"),
    authorizer(
        Fault::ConditionVariablesLiteral,
        "condition-variables-literal",
        "iam:V-02",
        "policy variables in conditions are literal text",
    )
    .stands_for("iam-rs 0.8.0"),
    authorizer(
        Fault::VariableDefaultIgnored,
        "variable-default-ignored",
        "iam:V-06",
        "the default of a policy variable is not used",
    ),
    authorizer(
        Fault::VariablesInOldVersion,
        "variables-in-old-version",
        "iam:V-15",
        "policy variables in Resource work under version 2008-10-17",
    )
    .stands_for("iam-simulate 0.1.173"),
    authorizer(
        Fault::EscapedWildcardActive,
        "escaped-wildcard-active",
        "iam:V-07",
        "an escaped wildcard in Resource is a wildcard",
    )
    .stands_for("iam-rs 0.8.0"),
    world(
        Fault::AliasResourceCoversKey,
        "alias-resource-covers-key",
        "svc:K-16",
        "an alias ARN in Resource covers the use of its key through that alias",
    )
    .stands_for("ministack 1.5.33"),
];
