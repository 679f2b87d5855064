//! Conditions: the block is an AND over operators and keys (`iam:C-10`); each test reads one key.
//! The operators are a table in `operator`, the meaning of a missing key is a table in `absence`, typed values are read in `value`.

mod absence;
mod keys;
mod notes;
mod operator;
mod value;

use std::borrow::Cow;

use self::absence::holds_when_absent;
use super::pattern::{Symbol, glob_by};
use super::variable::{Syntax, Template};
use crate::context::{Context, ContextValue};
use crate::quirks::{PlainOnMultivalued, Quirks};
use crate::rule::{RuleId, rule};

pub(super) use notes::Situation;
pub(super) use operator::{Operator, Qualifier, is_operator};
pub(super) use value::savable_date;

use operator::{Base, Matcher};
use value::{Unreadable, compare};

/// One test of a condition block: an operator, a key and the values it is compared with.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ConditionTest {
    operator: Operator,
    /// As written, for traces.
    written_operator: String,
    key: String,
    /// Lower case, for look-up.
    lookup: String,
    values: Vec<ConditionValue>,
}

/// A value as written, with its variables found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct ConditionValue {
    text: String,
    template: Template,
}

/// Whether a test holds, and the rules that made it so.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Held {
    pub(super) holds: bool,
    pub(super) rules: Vec<RuleId>,
}

impl ConditionTest {
    /// Builds a test. `variables` says whether the document's version knows variables.
    pub(super) fn new(
        operator: Operator,
        written_operator: &str,
        key: &str,
        values: Vec<String>,
        variables: bool,
    ) -> Self {
        let values = values
            .into_iter()
            .map(|text| {
                // Variables live in String and Arn values (iam:V-02), and perhaps in Bool (iam:C-34), which decides when evaluated.
                let syntax = Syntax {
                    wildcards: operator.base.wildcards(),
                    variables: variables && (operator.base.variables() || operator.base == Base::Bool),
                };
                ConditionValue {
                    template: Template::parse(&text, syntax),
                    text,
                }
            })
            .collect();
        Self {
            operator,
            written_operator: written_operator.to_owned(),
            key: key.to_owned(),
            lookup: key.to_ascii_lowercase(),
            values,
        }
    }

    /// The operator as written, such as `ForAnyValue:StringEquals`.
    pub fn operator(&self) -> &str {
        &self.written_operator
    }

    /// The operator without set qualifier and `IfExists`, in canonical spelling.
    pub fn base_operator(&self) -> &'static str {
        self.operator.base_name
    }

    /// Whether the test starts with `ForAllValues:` or `ForAnyValue:`, or ends in `IfExists`: then it can hold without the key.
    pub fn is_qualified(&self) -> bool {
        self.operator.qualifier != Qualifier::None || self.operator.if_exists
    }

    /// The condition key as written.
    pub fn key(&self) -> &str {
        &self.key
    }

    /// The values as written.
    pub fn values(&self) -> impl Iterator<Item = &str> {
        self.values.iter().map(|value| value.text.as_str())
    }

    /// Whether the test holds for a request.
    pub(super) fn holds(&self, context: &Context, quirks: &Quirks) -> Held {
        let present = context.get_lowercase(&self.lookup);
        if self.operator.base == Base::Null {
            return self.null_holds(present);
        }
        match (self.operator.qualifier, present) {
            (qualifier, None) => holds_when_absent(
                qualifier,
                self.operator.negated,
                self.operator.if_exists,
                self.values.is_empty(),
                quirks,
            ),
            // For set operators an empty list is the same as no list (iam:C-05).
            (Qualifier::ForAllValues | Qualifier::ForAnyValue, Some(value)) if is_null(value) => {
                let mut held = holds_when_absent(
                    self.operator.qualifier,
                    self.operator.negated,
                    self.operator.if_exists,
                    self.values.is_empty(),
                    quirks,
                );
                held.rules.push(rule("iam:C-05"));
                held
            }
            (Qualifier::None, Some(ContextValue::Many(list))) => self.plain_on_list(list, context, quirks),
            (Qualifier::None, Some(value)) => self.plain(value, context, quirks),
            (qualifier, Some(value)) => self.set(qualifier, value, context, quirks),
        }
    }

    /// Presence test (`iam:C-70`…`C-73`).
    fn null_holds(&self, present: Option<&ContextValue>) -> Held {
        match self.operator.qualifier {
            Qualifier::ForAllValues => Held {
                holds: true,
                rules: vec![rule("iam:C-72")],
            },
            Qualifier::ForAnyValue => Held {
                holds: false,
                rules: vec![rule("iam:C-72")],
            },
            Qualifier::None => {
                let null = present.is_none_or(is_null);
                // Several values are ORed (iam:C-71); anything but true or false never matches (iam:C-73).
                let holds = self
                    .values
                    .iter()
                    .any(|value| value.text.eq_ignore_ascii_case(if null { "true" } else { "false" }));
                Held {
                    holds,
                    rules: vec![rule("iam:C-70")],
                }
            }
        }
    }

    /// A plain operator on one value: OR over the policy's values, NOR if negated (`iam:C-11`).
    fn plain(&self, value: &ContextValue, context: &Context, quirks: &Quirks) -> Held {
        let mut rules = vec![rule("iam:C-11")];
        if self.operator.if_exists {
            rules.push(rule("iam:C-40"));
        }
        if self.values.is_empty() && !self.operator.negated {
            // C-83: with IfExists the reading is certain; without it the switch decides.
            let certain = self.operator.if_exists;
            rules.push(if certain { rule("iam:C-83") } else { rule("iam:C-80") });
            return Held {
                holds: !certain && quirks.empty_value_list_matches,
                rules,
            };
        }
        let comparison = self.compare_one(value.into(), context, quirks, &mut rules);
        Held {
            holds: comparison.verdict(self.operator.negated, quirks, &mut rules),
            rules,
        }
    }

    /// A plain operator on a list: undocumented, so a switch (`iam:C-93`, `iam:OQ-25`).
    fn plain_on_list(&self, list: &[String], context: &Context, quirks: &Quirks) -> Held {
        if self.values.is_empty() && !self.operator.negated && !self.operator.if_exists {
            return Held {
                holds: quirks.empty_value_list_matches,
                rules: vec![rule("iam:C-80"), rule("iam:OQ-24")],
            };
        }
        let mut rules = vec![rule("iam:C-93"), rule("iam:OQ-25")];
        let holds = match quirks.plain_operator_on_multivalued {
            PlainOnMultivalued::Never => false,
            PlainOnMultivalued::Any => {
                let mut each = list.iter().map(|text| {
                    self.compare_one(RequestValue::Text(text), context, quirks, &mut rules)
                        .verdict(self.operator.negated, quirks, &mut Vec::new())
                });
                if self.operator.negated {
                    each.all(|holds| holds)
                } else {
                    each.any(|holds| holds)
                }
            }
        };
        Held { holds, rules }
    }

    /// Set operators: every value, or some value, of the request must satisfy the plain operator (`iam:C-90`).
    fn set(&self, qualifier: Qualifier, value: &ContextValue, context: &Context, quirks: &Quirks) -> Held {
        let mut rules = vec![rule("iam:C-90")];
        if self.operator.if_exists {
            rules.push(rule("iam:C-40"));
        }
        if self.values.is_empty() {
            rules.push(if qualifier == Qualifier::ForAllValues {
                rule("iam:C-81")
            } else {
                rule("iam:C-82")
            });
        }
        let requested: Vec<RequestValue<'_>> = match value {
            // A single-valued key is a list of one (iam:C-92).
            ContextValue::One(text) => {
                rules.push(rule("iam:C-92"));
                vec![RequestValue::Text(text)]
            }
            ContextValue::Many(list) => list.iter().map(|text| RequestValue::Text(text)).collect(),
            ContextValue::Ambiguous => vec![RequestValue::Ambiguous],
        };
        let mut noted = Vec::new();
        let mut each = requested.into_iter().map(|one| {
            self.compare_one(one, context, quirks, &mut noted)
                .verdict(self.operator.negated, quirks, &mut Vec::new())
        });
        let holds = if qualifier == Qualifier::ForAllValues {
            each.all(|holds| holds)
        } else {
            each.any(|holds| holds)
        };
        rules.append(&mut noted);
        Held { holds, rules }
    }

    /// Compares one value of the request with all values of the policy.
    fn compare_one(
        &self,
        requested: RequestValue<'_>,
        context: &Context,
        quirks: &Quirks,
        rules: &mut Vec<RuleId>,
    ) -> Comparison {
        let RequestValue::Text(requested) = requested else {
            // Two tags collide: no match for anybody (iam:OQ-15).
            rules.push(rule("iam:OQ-15"));
            return Comparison::default();
        };
        let mut comparison = Comparison::default();
        let mut unresolved = false;
        for value in &self.values {
            let Some(expected) = self.expected(value, context, quirks) else {
                unresolved = true;
                continue;
            };
            match self.compare_values(&expected, requested, quirks) {
                Ok(true) => comparison.matched = true,
                Ok(false) => {}
                Err(Unreadable) => comparison.unreadable = true,
            }
        }
        if unresolved {
            // A value whose variable has nothing to stand for equals nothing (iam:V-08); the others still count (iam:V-09).
            rules.push(rule("iam:V-08"));
            if self.values.len() > 1 {
                rules.extend([rule("iam:V-09"), rule("iam:OQ-26")]);
                comparison.matched &= !quirks.unresolved_variable_spoils_list;
            }
        }
        comparison
    }

    /// A policy value with its variables filled in; none if one has no value.
    fn expected<'a>(&'a self, value: &'a ConditionValue, context: &Context, quirks: &Quirks) -> Option<Expected<'a>> {
        let base = self.operator.base;
        if base.variables() {
            return Some(Expected::Pattern(value.template.resolve(context)?));
        }
        if base == Base::Bool && quirks.variables_in_bool && value.template.has_variables() {
            return Some(Expected::Text(Cow::Owned(literal_text(
                &value.template.resolve(context)?,
            ))));
        }
        Some(Expected::Text(Cow::Borrowed(&value.text)))
    }

    fn compare_values(&self, expected: &Expected<'_>, requested: &str, quirks: &Quirks) -> Result<bool, Unreadable> {
        match (expected, self.operator.base.matcher()) {
            (Expected::Pattern(pattern), Matcher::Text) => Ok(glob_by(pattern, requested, |left, right| left == right)),
            (Expected::Pattern(pattern), Matcher::TextIgnoringCase) => {
                Ok(glob_by(pattern, requested, |left, right| {
                    left.eq_ignore_ascii_case(&right)
                }))
            }
            (Expected::Pattern(pattern), _) => Ok(self.arn_matches(pattern, requested, quirks)),
            (Expected::Text(text), _) => compare(self.operator.base, text, requested, quirks),
        }
    }

    /// Fewer than six parts on either side: no match (`iam:C-53`); a lone star is a switch (`iam:OQ-23`).
    fn arn_matches(&self, pattern: &[Symbol], requested: &str, quirks: &Quirks) -> bool {
        if matches!(pattern, [Symbol::AnyRun]) {
            return quirks.lone_star_arn_like_matches && crate::name::arn_fields(requested).is_some();
        }
        super::pattern::arn_like(pattern, requested).unwrap_or(false)
    }
}

/// The text of a pattern without wildcards.
fn literal_text(symbols: &[Symbol]) -> String {
    symbols
        .iter()
        .filter_map(|symbol| match symbol {
            Symbol::Exactly(character) => Some(*character),
            Symbol::AnyOne | Symbol::AnyRun => None,
        })
        .collect()
}

/// A policy value ready for comparison.
enum Expected<'a> {
    /// For typed operators.
    Text(Cow<'a, str>),
    /// For String and Arn operators.
    Pattern(Cow<'a, [Symbol]>),
}

/// One value of the request.
#[derive(Clone, Copy)]
enum RequestValue<'a> {
    Text(&'a str),
    Ambiguous,
}

impl<'a> From<&'a ContextValue> for RequestValue<'a> {
    fn from(value: &'a ContextValue) -> Self {
        match value {
            ContextValue::One(text) => Self::Text(text),
            ContextValue::Many(_) | ContextValue::Ambiguous => Self::Ambiguous,
        }
    }
}

/// What comparing one request value with all policy values gave.
#[derive(Debug, Clone, Copy, Default)]
struct Comparison {
    matched: bool,
    /// Some value, of the policy or the request, is not of the operator's type.
    unreadable: bool,
}

impl Comparison {
    /// Positive: some value matched. Negated: none did; whether an unreadable value spoils that is a switch (`iam:C-37`, `iam:OQ-21`).
    fn verdict(self, negated: bool, quirks: &Quirks, rules: &mut Vec<RuleId>) -> bool {
        if self.unreadable {
            rules.push(rule("iam:C-37"));
            if negated {
                rules.push(rule("iam:OQ-21"));
            }
        }
        if negated {
            !self.matched && (!self.unreadable || quirks.negated_parse_error_matches)
        } else {
            self.matched
        }
    }
}

/// A list with nothing in it but empty texts is null for `Null` and the set operators; a single empty text is a value
/// (`iam:C-05`, `iam:OQ-16`).
fn is_null(value: &ContextValue) -> bool {
    matches!(value, ContextValue::Many(list) if list.iter().all(String::is_empty))
}

#[cfg(test)]
mod tests;
