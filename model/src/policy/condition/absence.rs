//! The heart of the matter: what a test says when the request does not have the key (`iam:3.5`). One table, nothing else.

use super::Held;
use super::operator::Qualifier;
use crate::quirks::Quirks;
use crate::rule::{RuleId, rule};

/// Whether a row is for positive operators, negated ones, or both.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Polarity {
    Positive,
    Negated,
    Either,
}

use Polarity::{Either, Negated, Positive};

/// One row: for these operators, with or without `IfExists`, an absent key means this.
struct Row {
    qualifier: Qualifier,
    polarity: Polarity,
    if_exists: bool,
    holds: fn(&Quirks) -> bool,
    rule: RuleId,
}

const fn row(
    qualifier: Qualifier,
    polarity: Polarity,
    if_exists: bool,
    holds: fn(&Quirks) -> bool,
    rule: RuleId,
) -> Row {
    Row {
        qualifier,
        polarity,
        if_exists,
        holds,
        rule,
    }
}

const NEVER: fn(&Quirks) -> bool = |_| false;
const ALWAYS: fn(&Quirks) -> bool = |_| true;

/// Every combination once; the test below counts them.
#[rustfmt::skip]
static TABLE: &[Row] = &[
    //  qualifier                 polarity  IfExists  holds   why
    row(Qualifier::None,          Positive, false,    NEVER,  rule("iam:C-43")),
    row(Qualifier::None,          Positive, true,     ALWAYS, rule("iam:C-43")),
    row(Qualifier::None,          Negated,  false,    ALWAYS, rule("iam:C-42")),
    row(Qualifier::None,          Negated,  true,     ALWAYS, rule("iam:C-41")),
    row(Qualifier::ForAllValues,  Either,   false,    ALWAYS, rule("iam:C-92")),
    row(Qualifier::ForAllValues,  Either,   true,     ALWAYS, rule("iam:C-92")),
    row(Qualifier::ForAnyValue,   Positive, false,    NEVER,  rule("iam:C-90")),
    row(Qualifier::ForAnyValue,   Positive, true,     |quirks| quirks.for_any_value_if_exists_missing, rule("iam:OQ-42")),
    row(Qualifier::ForAnyValue,   Negated,  false,    |quirks| quirks.for_any_value_negated_missing, rule("iam:OQ-22")),
    row(Qualifier::ForAnyValue,   Negated,  true,     |quirks| quirks.for_any_value_if_exists_missing, rule("iam:OQ-42")),
];

/// Looks the answer up. An empty value list changes one row: a plain positive test without `IfExists` (`iam:C-80`, `iam:OQ-24`).
pub(super) fn holds_when_absent(
    qualifier: Qualifier,
    negated: bool,
    if_exists: bool,
    no_values: bool,
    quirks: &Quirks,
) -> Held {
    let polarity = if negated { Negated } else { Positive };
    let row = TABLE
        .iter()
        .find(|row| {
            row.qualifier == qualifier
                && row.if_exists == if_exists
                && matches!(row.polarity, Either) | (row.polarity == polarity)
        })
        .expect("the table has a row for every combination, which a test checks");
    let mut held = Held {
        holds: (row.holds)(quirks),
        rules: vec![row.rule.clone()],
    };
    if no_values && qualifier == Qualifier::None && polarity == Positive && !if_exists {
        held = Held {
            holds: quirks.empty_value_list_matches,
            rules: vec![rule("iam:C-80"), rule("iam:OQ-24")],
        };
    }
    held
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_combination_has_exactly_one_row() {
        for qualifier in [Qualifier::None, Qualifier::ForAllValues, Qualifier::ForAnyValue] {
            for polarity in [Positive, Negated] {
                for if_exists in [false, true] {
                    let rows = TABLE
                        .iter()
                        .filter(|row| row.qualifier == qualifier && row.if_exists == if_exists)
                        .filter(|row| row.polarity == Either || row.polarity == polarity);
                    assert_eq!(rows.count(), 1);
                }
            }
        }
    }
}
