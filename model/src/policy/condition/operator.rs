//! The catalogue of condition operators as one table (`iam:3.3`), and how their names are read.

use std::cmp::Ordering;

/// An operator as a policy writes it: `[ForAllValues:|ForAnyValue:] base [IfExists]` (`iam:G-61`).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::policy) struct Operator {
    pub(in crate::policy) qualifier: Qualifier,
    pub(in crate::policy) base: Base,
    /// The base as the catalogue spells it.
    pub(in crate::policy) base_name: &'static str,
    /// Whether it holds when nothing matches.
    pub(in crate::policy) negated: bool,
    pub(in crate::policy) if_exists: bool,
}

/// The set qualifier.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::policy) enum Qualifier {
    None,
    ForAllValues,
    ForAnyValue,
}

/// What an operator compares, before negation.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::policy) enum Base {
    StringEquals,
    StringEqualsIgnoreCase,
    StringLike,
    Numeric(Order),
    Date(Order),
    Bool,
    Binary,
    IpAddress,
    Arn,
    Null,
}

/// Which order of request value to policy value satisfies a comparison.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::policy) enum Order {
    Equal,
    Less,
    LessOrEqual,
    Greater,
    GreaterOrEqual,
}

impl Order {
    /// Whether `request value ? policy value` satisfies it.
    pub(super) fn accepts(self, ordering: Ordering) -> bool {
        match self {
            Self::Equal => ordering.is_eq(),
            Self::Less => ordering.is_lt(),
            Self::LessOrEqual => ordering.is_le(),
            Self::Greater => ordering.is_gt(),
            Self::GreaterOrEqual => ordering.is_ge(),
        }
    }
}

/// How a base operator looks at its two texts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Matcher {
    Text,
    TextIgnoringCase,
    Arn,
    Typed,
}

impl Base {
    pub(super) fn matcher(self) -> Matcher {
        match self {
            Self::StringEquals | Self::StringLike => Matcher::Text,
            Self::StringEqualsIgnoreCase => Matcher::TextIgnoringCase,
            Self::Arn => Matcher::Arn,
            _ => Matcher::Typed,
        }
    }

    /// Whether policy variables are allowed in the value (`iam:V-02`).
    pub(super) fn variables(self) -> bool {
        self.matcher() != Matcher::Typed
    }

    /// Whether `*` and `?` are wildcards in the value (`iam:C-52`, `iam:C-60`, `iam:C-61`).
    pub(super) fn wildcards(self) -> bool {
        matches!(self, Self::StringLike | Self::Arn)
    }
}

/// Name, base, negated. `ArnEquals` and `ArnLike` are the same operator (`iam:C-52`); there are no other names (`iam:C-21`).
const OPERATORS: &[(&str, Base, bool)] = &[
    ("StringEquals", Base::StringEquals, false),
    ("StringNotEquals", Base::StringEquals, true),
    ("StringEqualsIgnoreCase", Base::StringEqualsIgnoreCase, false),
    ("StringNotEqualsIgnoreCase", Base::StringEqualsIgnoreCase, true),
    ("StringLike", Base::StringLike, false),
    ("StringNotLike", Base::StringLike, true),
    ("NumericEquals", Base::Numeric(Order::Equal), false),
    ("NumericNotEquals", Base::Numeric(Order::Equal), true),
    ("NumericLessThan", Base::Numeric(Order::Less), false),
    ("NumericLessThanEquals", Base::Numeric(Order::LessOrEqual), false),
    ("NumericGreaterThan", Base::Numeric(Order::Greater), false),
    ("NumericGreaterThanEquals", Base::Numeric(Order::GreaterOrEqual), false),
    ("DateEquals", Base::Date(Order::Equal), false),
    ("DateNotEquals", Base::Date(Order::Equal), true),
    ("DateLessThan", Base::Date(Order::Less), false),
    ("DateLessThanEquals", Base::Date(Order::LessOrEqual), false),
    ("DateGreaterThan", Base::Date(Order::Greater), false),
    ("DateGreaterThanEquals", Base::Date(Order::GreaterOrEqual), false),
    ("Bool", Base::Bool, false),
    ("BinaryEquals", Base::Binary, false),
    ("IpAddress", Base::IpAddress, false),
    ("NotIpAddress", Base::IpAddress, true),
    ("ArnEquals", Base::Arn, false),
    ("ArnNotEquals", Base::Arn, true),
    ("ArnLike", Base::Arn, false),
    ("ArnNotLike", Base::Arn, true),
    ("Null", Base::Null, false),
];

impl Operator {
    /// Reads an operator's name, which is case-sensitive (`iam:C-20` as corrected). `Null` takes no `IfExists` (`iam:G-61`).
    pub(in crate::policy) fn parse(text: &str) -> Option<Self> {
        let (qualifier, rest) = if let Some(rest) = text.strip_prefix("ForAllValues:") {
            (Qualifier::ForAllValues, rest)
        } else if let Some(rest) = text.strip_prefix("ForAnyValue:") {
            (Qualifier::ForAnyValue, rest)
        } else {
            (Qualifier::None, text)
        };
        let (name, if_exists) = rest.strip_suffix("IfExists").map_or((rest, false), |name| (name, true));
        let &(base_name, base, negated) = OPERATORS.iter().find(|(known, ..)| *known == name)?;
        (base != Base::Null || !if_exists).then_some(Self {
            qualifier,
            base,
            base_name,
            negated,
            if_exists,
        })
    }

    /// Whether its values are instants, which IAM checks on saving (`iam:G-66`).
    pub(in crate::policy) fn compares_dates(self) -> bool {
        matches!(self.base, Base::Date(_))
    }
}

/// Whether a text names an operator.
pub(in crate::policy) fn is_operator(text: &str) -> bool {
    Operator::parse(text).is_some()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names() {
        for good in [
            "StringEquals",
            "ForAnyValue:StringEqualsIfExists",
            "ForAllValues:Null",
            "BoolIfExists",
            "NotIpAddressIfExists",
        ] {
            assert!(is_operator(good), "{good}");
        }
        // iam:C-20, iam:C-21, iam:G-61
        for bad in [
            "stringEquals",
            "NullIfExists",
            "BoolNotEquals",
            "NumericLike",
            "forAnyValue:Bool",
            "",
            "IfExists",
            "StringEqualsIfExistsIfExists",
        ] {
            assert!(!is_operator(bad), "{bad}");
        }
    }
}
