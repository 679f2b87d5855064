//! Faults in how condition operators compare, and in what they make of absent keys. Registry entries only: what each fault does stands where the right code stands.

use super::{Fault, FaultEntry, authorizer};

pub(super) const ENTRIES: &[FaultEntry] = &[
    authorizer(
        Fault::StringEqualsIgnoresCase,
        "string-equals-ignores-case",
        "iam:C-03",
        "StringEquals and StringNotEquals ignore letter case",
    ),
    authorizer(
        Fault::StringLikeQuestionMarkLiteral,
        "string-like-question-mark-literal",
        "iam:C-61",
        "a question mark in StringLike is literal where the value has no star",
    ),
    authorizer(
        Fault::NumbersComparedAsText,
        "numbers-compared-as-text",
        "iam:C-30",
        "numeric operators compare the spellings",
    ),
    authorizer(
        Fault::DateLessThanInclusive,
        "date-less-than-inclusive",
        "iam:C-31",
        "DateLessThan is true of the very instant",
    ),
    authorizer(
        Fault::AbsentBoolIsFalse,
        "absent-bool-is-false",
        "iam:C-43",
        "Bool reads an absent key as false",
    ),
    authorizer(
        Fault::BinaryComparedAsText,
        "binary-compared-as-text",
        "iam:C-36",
        "BinaryEquals decodes the value of the policy, but not the one of the request",
    ),
    authorizer(
        Fault::AddressPrefixIgnored,
        "address-prefix-ignored",
        "iam:C-35",
        "an address range is read as its one address",
    ),
    authorizer(
        Fault::ArnComparedAsWholeText,
        "arn-compared-as-whole-text",
        "iam:C-50",
        "ARN operators let wildcards cross the first five colons",
    )
    .stands_for("iam-rs 0.8 (evaluators.md §1)"),
    authorizer(
        Fault::NullSeesEmptyList,
        "null-sees-empty-list",
        "iam:C-70",
        "Null takes an empty list for a value",
    ),
    authorizer(
        Fault::NegatedListAny,
        "negated-list-any",
        "iam:C-11",
        "a negated operator is true as soon as one of its values differs",
    )
    .stands_for("scratchstack-aspen 0.3.1 (evaluators.md §1)"),
    authorizer(
        Fault::AbsentKeyNegatedFalse,
        "absent-key-negated-false",
        "iam:C-11",
        "a negated operator on an absent key is false",
    )
    .stands_for("scratchstack-aspen 0.3.1 (evaluators.md §1)"),
    authorizer(
        Fault::IfExistsIgnored,
        "if-exists-ignored",
        "iam:C-41",
        "an IfExists operator on an absent key is read without its suffix",
    )
    .stands_for("PMapper 1.1.5 (evaluators.md §1)"),
    authorizer(
        Fault::IfExistsAlwaysHolds,
        "if-exists-always-holds",
        "iam:C-40",
        "an IfExists operator is true also where the key is present",
    ),
    authorizer(
        Fault::ForAllValuesNeedsAValue,
        "for-all-values-needs-a-value",
        "iam:C-92",
        "ForAllValues is false on an absent key",
    )
    .stands_for("fakecloud (targets.md §4.7)"),
    authorizer(
        Fault::ForAnyValueAsAll,
        "for-any-value-as-all",
        "iam:C-90",
        "ForAnyValue asks all values of a list",
    ),
];
