//! Condition operators: their names, taken apart. What they do with values is in `condition`.

use std::cmp::Ordering as CompareOrdering;

/// A condition operator, taken apart (`iam:G-61`).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Operator {
    /// What is compared.
    pub comparison: Comparison,
    /// `…Not…`: none of the values may match (`iam:C-11`).
    pub negated: bool,
    /// `…IfExists`: true when the key is absent.
    pub if_exists: bool,
    /// `ForAllValues:` or `ForAnyValue:`.
    pub quantifier: Option<Quantifier>,
}

/// The set qualifiers (`iam:§3.10`).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Quantifier {
    /// `ForAllValues:`.
    ForAllValues,
    /// `ForAnyValue:`.
    ForAnyValue,
}

/// What an operator compares; the negated form shares the entry of the positive one (`iam:§3.3`).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Comparison {
    /// Text, byte for byte.
    StringEquals,
    /// Text, ignoring ASCII letter case.
    StringEqualsIgnoreCase,
    /// Text with wildcards.
    StringLike,
    /// Decimal numbers.
    Numeric(Ordering),
    /// Instants.
    Date(Ordering),
    /// Truth values.
    Bool,
    /// Bytes; the policy's side is base64.
    Binary,
    /// Addresses in ranges.
    IpAddress,
    /// ARNs, part by part, with wildcards; `ArnEquals` and `ArnLike` are the same (`iam:C-52`).
    Arn,
    /// Presence of the key.
    Null,
}

/// The order an ordered comparison asks for: context value first, policy value second.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ordering {
    /// `…Equals`.
    Equal,
    /// `…LessThan`.
    Less,
    /// `…LessThanEquals`.
    LessOrEqual,
    /// `…GreaterThan`.
    Greater,
    /// `…GreaterThanEquals`.
    GreaterOrEqual,
}

/// Names are case-sensitive (errata `iam:C-20`).
const OPERATORS: &[(&str, Comparison, bool)] = &[
    ("StringEquals", Comparison::StringEquals, false),
    ("StringNotEquals", Comparison::StringEquals, true),
    ("StringEqualsIgnoreCase", Comparison::StringEqualsIgnoreCase, false),
    ("StringNotEqualsIgnoreCase", Comparison::StringEqualsIgnoreCase, true),
    ("StringLike", Comparison::StringLike, false),
    ("StringNotLike", Comparison::StringLike, true),
    ("NumericEquals", Comparison::Numeric(Ordering::Equal), false),
    ("NumericNotEquals", Comparison::Numeric(Ordering::Equal), true),
    ("NumericLessThan", Comparison::Numeric(Ordering::Less), false),
    (
        "NumericLessThanEquals",
        Comparison::Numeric(Ordering::LessOrEqual),
        false,
    ),
    ("NumericGreaterThan", Comparison::Numeric(Ordering::Greater), false),
    (
        "NumericGreaterThanEquals",
        Comparison::Numeric(Ordering::GreaterOrEqual),
        false,
    ),
    ("DateEquals", Comparison::Date(Ordering::Equal), false),
    ("DateNotEquals", Comparison::Date(Ordering::Equal), true),
    ("DateLessThan", Comparison::Date(Ordering::Less), false),
    ("DateLessThanEquals", Comparison::Date(Ordering::LessOrEqual), false),
    ("DateGreaterThan", Comparison::Date(Ordering::Greater), false),
    (
        "DateGreaterThanEquals",
        Comparison::Date(Ordering::GreaterOrEqual),
        false,
    ),
    ("Bool", Comparison::Bool, false),
    ("BinaryEquals", Comparison::Binary, false),
    ("IpAddress", Comparison::IpAddress, false),
    ("NotIpAddress", Comparison::IpAddress, true),
    ("ArnEquals", Comparison::Arn, false),
    ("ArnNotEquals", Comparison::Arn, true),
    ("ArnLike", Comparison::Arn, false),
    ("ArnNotLike", Comparison::Arn, true),
    ("Null", Comparison::Null, false),
];

impl Operator {
    /// Reads an operator name; `None` when there is no such operator.
    pub fn parse(name: &str) -> Option<Self> {
        let (quantifier, rest) = match name.split_once(':') {
            Some(("ForAllValues", rest)) => (Some(Quantifier::ForAllValues), rest),
            Some(("ForAnyValue", rest)) => (Some(Quantifier::ForAnyValue), rest),
            Some(_) => return None,
            None => (None, name),
        };
        let (base, if_exists) = rest.strip_suffix("IfExists").map_or((rest, false), |base| (base, true));
        let (_, comparison, negated) = *OPERATORS.iter().find(|(name, _, _)| *name == base)?;
        // `iam:G-61`: presence of a key that need not be present makes no sense.
        if if_exists && comparison == Comparison::Null {
            return None;
        }
        Some(Self {
            comparison,
            negated,
            if_exists,
            quantifier,
        })
    }
}

impl Comparison {
    /// What a comparison costs beside the others.
    pub(crate) fn cost(self) -> u8 {
        match self {
            Self::Null => 0,
            Self::Bool | Self::StringEquals | Self::StringEqualsIgnoreCase | Self::Binary => 1,
            Self::Numeric(_) | Self::IpAddress => 2,
            Self::Date(_) | Self::Arn => 3,
            Self::StringLike => 4,
        }
    }
}

impl Ordering {
    /// Whether the order is the one asked for.
    pub(crate) fn accepts(self, order: CompareOrdering) -> bool {
        match self {
            Self::Equal => order.is_eq(),
            Self::Less => order.is_lt(),
            Self::LessOrEqual => order.is_le(),
            Self::Greater => order.is_gt(),
            Self::GreaterOrEqual => order.is_ge(),
        }
    }
}
