//! Faults in how condition operators compare, and in what they make of absent keys.
//! Registry entries only: what a fault does stands where the right code stands.

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
    .stands_for("iam-rs 0.8.0"),
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
    .stands_for("scratchstack-aspen 0.3.1"),
    authorizer(
        Fault::AbsentKeyNegatedFalse,
        "absent-key-negated-false",
        "iam:C-11",
        "a negated operator on an absent key is false",
    )
    .stands_for("scratchstack-aspen 0.3.1"),
    authorizer(
        Fault::IfExistsIgnored,
        "if-exists-ignored",
        "iam:C-41",
        "an IfExists operator on an absent key is read without its suffix",
    )
    .stands_for("ceph#15607"),
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
    .stands_for("fakecloud 0.51.0"),
    authorizer(
        Fault::ForAnyValueAsAll,
        "for-any-value-as-all",
        "iam:C-90",
        "ForAnyValue asks all values of a list",
    ),
    authorizer(
        Fault::ConditionsIgnored,
        "conditions-ignored",
        "iam:C-13",
        "Condition is not looked at",
    )
    .stands_for("cloudemu#841"),
    authorizer(
        Fault::FalseConditionDenies,
        "false-condition-denies",
        "iam:C-13",
        "an Allow whose conditions do not hold denies",
    )
    .stands_for("moto 5.2.5"),
    authorizer(
        Fault::ConditionsJoinedByOr,
        "conditions-joined-by-or",
        "iam:C-10",
        "one condition of a statement that holds is enough",
    ),
    authorizer(
        Fault::StringNotEqualsAsEquals,
        "string-not-equals-as-equals",
        "iam:C-11",
        "StringNotEquals is read as StringEquals",
    )
    .stands_for("rustfs#2015, minio#3660"),
    authorizer(
        Fault::StringEqualsGlobs,
        "string-equals-globs",
        "iam:C-60",
        "wildcards in StringEquals are wildcards",
    ),
    authorizer(
        Fault::GreaterThanInverted,
        "greater-than-inverted",
        "iam:C-30",
        "NumericGreaterThan and NumericGreaterThanEquals are the other way round",
    )
    .stands_for("iam-simulate#150"),
    authorizer(
        Fault::FractionsUnread,
        "fractions-unread",
        "iam:C-30",
        "numbers with a fraction equal nothing",
    )
    .stands_for("scratchstack-aspen 0.3.1"),
    authorizer(
        Fault::DateZoneIgnored,
        "date-zone-ignored",
        "iam:C-31",
        "the time zone of a date is not looked at",
    ),
    authorizer(
        Fault::EpochDatesUnread,
        "epoch-dates-unread",
        "iam:C-32",
        "dates that are epoch seconds equal nothing",
    ),
    authorizer(
        Fault::BoolCaseCounts,
        "bool-case-counts",
        "iam:C-34",
        "Bool compares with letter case",
    ),
    authorizer(
        Fault::RangeWithHostBitsUnread,
        "range-with-host-bits-unread",
        "iam:C-35",
        "an address range with bits after its prefix holds no address",
    ),
    authorizer(
        Fault::AddressWithoutPrefixUnread,
        "address-without-prefix-unread",
        "iam:C-35",
        "an address without a prefix equals nothing",
    )
    .stands_for("iam-simulate 0.1.173"),
    authorizer(
        Fault::ArnWildcardsLiteral,
        "arn-wildcards-literal",
        "iam:C-52",
        "wildcards in ARN operators are literal",
    )
    .stands_for("iam-rs 0.8.0"),
    authorizer(
        Fault::NegatedArnNeedsAnArn,
        "negated-arn-needs-an-arn",
        "iam:C-53",
        "a negated ARN operator is false on a value that is no ARN",
    )
    .stands_for("iam-simulate#50"),
    authorizer(
        Fault::NullInverted,
        "null-inverted",
        "iam:C-70",
        "Null is the other way round",
    )
    .stands_for("minio#6955"),
    authorizer(
        Fault::AbsentKeyHolds,
        "absent-key-holds",
        "iam:K-98",
        "an operator on an absent key is true",
    )
    .stands_for("moto 5.2.5"),
    authorizer(
        Fault::ForAnyValueNeedsNoValue,
        "for-any-value-needs-no-value",
        "iam:C-90",
        "ForAnyValue is true on an absent key",
    ),
    authorizer(
        Fault::NegatedForAllValuesAsAny,
        "negated-for-all-values-as-any",
        "iam:C-90",
        "a negated ForAllValues asks one value of a list",
    )
    .stands_for("PMapper 1.1.5"),
    authorizer(
        Fault::SetOperatorsNeverHold,
        "set-operators-never-hold",
        "iam:C-91",
        "ForAllValues and ForAnyValue are never true",
    )
    .stands_for("moto 5.2.5"),
];
