//! Condition blocks: operators, set quantifiers, missing keys (`iam:§3`). Typed parsing is in `values`,
//! wildcards and variables in `pattern`.

use std::cmp::Ordering as CompareOrdering;
use std::net::IpAddr;

use super::context::ContextValue;
use super::pattern::{Atom, Case, Piece, Syntax, TextPattern, glob, has_variables, pieces, resolve};
use super::values::{AddressRange, Decimal, Instant, boolean, bytes};
use super::{Context, Settings, arn};
use crate::fault::Fault;
use crate::quirks::PlainOnMultivalued;

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

/// One key under one operator.
#[derive(Clone, Debug)]
pub struct Condition {
    /// The operator.
    pub operator: Operator,
    /// The key in lower case.
    pub key: Box<str>,
    /// The values as text: JSON numbers and booleans in their spelling (`iam:G-09`).
    pub values: Vec<String>,
    compiled: Vec<Compiled>,
}

/// A policy value, parsed as its operator asks. `None` inside means it does not parse.
#[derive(Clone, Debug)]
enum Compiled {
    Text(TextPattern),
    /// Parsed again from the text when compared: a view costs nothing.
    Number,
    Date(Option<Instant>),
    Bool {
        value: Option<bool>,
        template: TextPattern,
    },
    Binary(Option<Vec<u8>>),
    Range(Option<AddressRange>),
    Arn(ArnPattern),
    Null(Option<bool>),
}

/// The ARN pattern of a condition: wildcards in every part (`iam:C-51`).
#[derive(Clone, Debug)]
enum ArnPattern {
    LoneStar,
    Parts(Box<[TextPattern; 6]>),
    /// Variables are substituted before the value is split (errata).
    Template(Vec<Piece>),
    /// Fewer than six parts (`iam:C-53`).
    Nothing,
}

impl Condition {
    /// Compiles a key under an operator. `variables` is whether the policy's version has any.
    pub(crate) fn compile(operator: Operator, key: &str, values: Vec<String>, variables: bool) -> Self {
        let compiled = values
            .iter()
            .map(|value| compile_value(operator.comparison, value, variables))
            .collect();
        Self {
            operator,
            key: key.to_lowercase().into(),
            values,
            compiled,
        }
    }

    /// Whether any value has a policy variable, as far as the operator takes variables.
    pub fn has_variables(&self) -> bool {
        self.compiled.iter().any(|value| {
            matches!(
                value,
                Compiled::Text(TextPattern::Template(_)) | Compiled::Arn(ArnPattern::Template(_))
            )
        })
    }

    /// Whether the condition is true in the context.
    pub(crate) fn holds(&self, context: &Context, settings: &Settings) -> bool {
        let value = context.get_lower(&self.key);
        if self.operator.comparison == Comparison::Null {
            return self.null_holds(value);
        }
        match self.operator.quantifier {
            None => self.plain_holds(value, context, settings),
            Some(quantifier) => self.set_holds(quantifier, value, context, settings),
        }
    }

    /// `iam:§3.8`.
    fn null_holds(&self, value: Option<&ContextValue>) -> bool {
        match self.operator.quantifier {
            Some(Quantifier::ForAllValues) => return true,
            Some(Quantifier::ForAnyValue) => return false,
            None => {}
        }
        let absent = match value {
            None => true,
            // A single empty text is a value (errata `iam:C-05`).
            Some(ContextValue::Single(_) | ContextValue::Conflicting) => false,
            Some(ContextValue::Many(values)) => is_null_list(values),
        };
        self.compiled
            .iter()
            .any(|compiled| matches!(compiled, Compiled::Null(Some(wanted)) if *wanted == absent))
    }

    /// Operators without qualifier (`iam:§3.5`, `iam:C-11`).
    fn plain_holds(&self, value: Option<&ContextValue>, context: &Context, settings: &Settings) -> bool {
        let Operator { negated, if_exists, .. } = self.operator;
        let quirks = &settings.quirks;
        if !negated && self.compiled.is_empty() && quirks.empty_value_list_matches {
            return true;
        }
        let Some(value) = value else {
            return if_exists || (negated && !settings.faults.contains(Fault::AbsentKeyNegatedFalse));
        };
        match value {
            ContextValue::Single(text) => self.scan(text, context, settings).decides(negated, settings),
            ContextValue::Conflicting => negated,
            ContextValue::Many(texts) => match quirks.plain_operator_on_multivalued {
                PlainOnMultivalued::Never => false,
                PlainOnMultivalued::Any => {
                    let all = texts
                        .iter()
                        .fold(Scan::default(), |all, text| all.or(self.scan(text, context, settings)));
                    all.decides(negated, settings)
                }
            },
        }
    }

    /// Operators with a qualifier (`iam:§3.10`).
    fn set_holds(
        &self,
        quantifier: Quantifier,
        value: Option<&ContextValue>,
        context: &Context,
        settings: &Settings,
    ) -> bool {
        let Operator { negated, if_exists, .. } = self.operator;
        let texts = match value {
            None => &[],
            // A single empty text is null for set operators only (`iam:OQ-16`).
            Some(ContextValue::Single(text)) if text.is_empty() => &[],
            Some(ContextValue::Single(text)) => std::slice::from_ref(text),
            Some(ContextValue::Many(texts)) if is_null_list(texts) => &[],
            Some(ContextValue::Many(texts)) => texts.as_slice(),
            // One value that equals nothing.
            Some(ContextValue::Conflicting) => return negated,
        };
        if texts.is_empty() {
            return match quantifier {
                Quantifier::ForAllValues => true,
                Quantifier::ForAnyValue => if_exists || (negated && settings.quirks.for_any_value_negated_missing),
            };
        }
        let mut each = texts
            .iter()
            .map(|text| self.scan(text, context, settings).decides(negated, settings));
        match quantifier {
            Quantifier::ForAllValues => each.all(|holds| holds),
            Quantifier::ForAnyValue => each.any(|holds| holds),
        }
    }

    /// Compares one context value with every policy value.
    fn scan(&self, text: &str, context: &Context, settings: &Settings) -> Scan {
        let subject = Subject::read(self.operator.comparison, text);
        let mut scan = Scan {
            unparsable: subject.is_unparsable(),
            ..Scan::default()
        };
        for (compiled, raw) in self.compiled.iter().zip(&self.values) {
            match self.compare(compiled, raw, &subject, context, settings) {
                Outcome::Match => scan.matched = true,
                Outcome::NoMatch => {}
                Outcome::Unparsable => scan.unparsable = true,
                Outcome::Unresolved => scan.unresolved = true,
            }
        }
        scan
    }

    fn compare(
        &self,
        compiled: &Compiled,
        raw: &str,
        subject: &Subject<'_>,
        context: &Context,
        settings: &Settings,
    ) -> Outcome {
        let quirks = &settings.quirks;
        match (compiled, subject) {
            (Compiled::Text(pattern), Subject::Text(text)) => {
                let case = match self.operator.comparison {
                    Comparison::StringEqualsIgnoreCase => Case::Ignored,
                    _ => Case::Sensitive,
                };
                Outcome::of_resolved(pattern.matches(text, context, case))
            }
            (Compiled::Number, Subject::Number(number)) => {
                let wanted = match self.operator.comparison {
                    Comparison::Numeric(wanted) => wanted,
                    _ => Ordering::Equal,
                };
                match (number, Decimal::parse(raw)) {
                    (Some(number), Some(value)) => Outcome::of(wanted.accepts(number.compare(&value))),
                    _ => Outcome::Unparsable,
                }
            }
            (Compiled::Date(value), Subject::Date(instant)) => {
                let wanted = match self.operator.comparison {
                    Comparison::Date(wanted) => wanted,
                    _ => Ordering::Equal,
                };
                match (instant, value) {
                    (Some(instant), Some(value)) => {
                        let epoch = quirks.year_is_epoch;
                        Outcome::of(wanted.accepts(instant.nanoseconds(epoch).cmp(&value.nanoseconds(epoch))))
                    }
                    _ => Outcome::Unparsable,
                }
            }
            (Compiled::Bool { value, template }, Subject::Bool(truth)) => {
                if quirks.variables_in_bool && matches!(template, TextPattern::Template(_)) {
                    let text = if *truth == Some(true) { "true" } else { "false" };
                    return match truth {
                        Some(_) => Outcome::of_resolved(template.matches(text, context, Case::Ignored)),
                        None => Outcome::Unparsable,
                    };
                }
                match (truth, value) {
                    (Some(truth), Some(value)) => Outcome::of(truth == value),
                    _ => Outcome::Unparsable,
                }
            }
            (Compiled::Binary(value), Subject::Text(text)) => value
                .as_ref()
                .map_or(Outcome::Unparsable, |value| Outcome::of(value == text.as_bytes())),
            (Compiled::Range(range), Subject::Address(address)) => match (range, address) {
                (Some(range), Some(address)) => Outcome::of(range.contains(*address)),
                _ => Outcome::Unparsable,
            },
            (Compiled::Arn(pattern), Subject::Arn(parts)) => {
                pattern.compare(parts.as_ref(), context, quirks.lone_star_arn_like_matches)
            }
            // A value is compiled and a subject read by the same comparison, so the rest cannot meet.
            _ => Outcome::NoMatch,
        }
    }
}

/// A multi-valued key is null when it has no value, or none but empty texts (`iam:C-05`).
fn is_null_list(values: &[String]) -> bool {
    values.iter().all(String::is_empty)
}

/// What comparing one context value with the whole list found.
#[derive(Clone, Copy, Debug, Default)]
struct Scan {
    matched: bool,
    unparsable: bool,
    unresolved: bool,
}

impl Scan {
    fn or(self, other: Self) -> Self {
        Self {
            matched: self.matched || other.matched,
            unparsable: self.unparsable || other.unparsable,
            unresolved: self.unresolved || other.unresolved,
        }
    }

    /// Positive: some value matched. Negated: none did (`iam:C-11`), with the disputes `iam:OQ-21` and
    /// `iam:OQ-26`.
    fn decides(self, negated: bool, settings: &Settings) -> bool {
        if self.unresolved && settings.quirks.unresolved_variable_spoils_list {
            return false;
        }
        if !negated {
            return self.matched;
        }
        !self.matched && (!self.unparsable || settings.quirks.negated_parse_error_matches)
    }
}

/// What comparing one context value with one policy value found.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Outcome {
    Match,
    NoMatch,
    Unparsable,
    Unresolved,
}

impl Outcome {
    fn of(matched: bool) -> Self {
        if matched { Self::Match } else { Self::NoMatch }
    }

    fn of_resolved(matched: Option<bool>) -> Self {
        matched.map_or(Self::Unresolved, Self::of)
    }
}

/// A context value, read once as the operator asks.
enum Subject<'a> {
    Text(&'a str),
    Number(Option<Decimal<'a>>),
    Date(Option<Instant>),
    Bool(Option<bool>),
    Address(Option<IpAddr>),
    Arn(Option<[&'a str; 6]>),
}

impl<'a> Subject<'a> {
    fn read(comparison: Comparison, text: &'a str) -> Self {
        match comparison {
            Comparison::StringEquals
            | Comparison::StringEqualsIgnoreCase
            | Comparison::StringLike
            | Comparison::Binary
            | Comparison::Null => Self::Text(text),
            Comparison::Numeric(_) => Self::Number(Decimal::parse(text)),
            Comparison::Date(_) => Self::Date(Instant::parse(text)),
            Comparison::Bool => Self::Bool(boolean(text)),
            Comparison::IpAddress => Self::Address(text.parse().ok()),
            Comparison::Arn => Self::Arn(arn::split(text)),
        }
    }

    /// A short ARN is no parse error: it simply matches nothing (`iam:C-53`).
    fn is_unparsable(&self) -> bool {
        matches!(
            self,
            Self::Number(None) | Self::Date(None) | Self::Bool(None) | Self::Address(None)
        )
    }
}

impl Ordering {
    fn accepts(self, order: CompareOrdering) -> bool {
        match self {
            Self::Equal => order.is_eq(),
            Self::Less => order.is_lt(),
            Self::LessOrEqual => order.is_le(),
            Self::Greater => order.is_gt(),
            Self::GreaterOrEqual => order.is_ge(),
        }
    }
}

fn compile_value(comparison: Comparison, value: &str, variables: bool) -> Compiled {
    let literal = Syntax {
        wildcards: false,
        variables,
    };
    match comparison {
        Comparison::StringEquals | Comparison::StringEqualsIgnoreCase => {
            Compiled::Text(TextPattern::compile(value, literal))
        }
        Comparison::StringLike => Compiled::Text(TextPattern::compile(
            value,
            Syntax {
                wildcards: true,
                variables,
            },
        )),
        Comparison::Numeric(_) => Compiled::Number,
        Comparison::Date(_) => Compiled::Date(Instant::parse(value)),
        Comparison::Bool => Compiled::Bool {
            value: boolean(value),
            template: TextPattern::compile(value, literal),
        },
        Comparison::Binary => Compiled::Binary(bytes(value)),
        Comparison::IpAddress => Compiled::Range(AddressRange::parse(value)),
        Comparison::Arn => Compiled::Arn(ArnPattern::compile(value, variables)),
        Comparison::Null => Compiled::Null(boolean(value)),
    }
}

impl ArnPattern {
    fn compile(text: &str, variables: bool) -> Self {
        if text == "*" {
            return Self::LoneStar;
        }
        let pieces = pieces(
            text,
            Syntax {
                wildcards: true,
                variables,
            },
        );
        if has_variables(&pieces) {
            return Self::Template(pieces);
        }
        let mut parts = vec![Vec::new()];
        for piece in pieces {
            let Piece::Literal(text) = piece else {
                push_to_last(&mut parts, piece);
                continue;
            };
            let mut rest = text.as_str();
            // Only the first five colons separate.
            while parts.len() < 6 {
                let Some((before, after)) = rest.split_once(':') else {
                    break;
                };
                push_literal(&mut parts, before);
                parts.push(Vec::new());
                rest = after;
            }
            push_literal(&mut parts, rest);
        }
        let parts: Vec<TextPattern> = parts.into_iter().map(TextPattern::from_pieces).collect();
        <[TextPattern; 6]>::try_from(parts).map_or(Self::Nothing, |parts| Self::Parts(Box::new(parts)))
    }

    fn compare(&self, parts: Option<&[&str; 6]>, context: &Context, lone_star_matches: bool) -> Outcome {
        match self {
            Self::LoneStar => Outcome::of(lone_star_matches),
            Self::Nothing => Outcome::NoMatch,
            Self::Parts(patterns) => {
                let Some(parts) = parts else { return Outcome::NoMatch };
                let fits = |(pattern, part): (&TextPattern, &&str)| {
                    pattern.matches(part, context, Case::Sensitive) == Some(true)
                };
                Outcome::of(patterns.iter().zip(parts).all(fits))
            }
            Self::Template(pieces) => {
                let Some(atoms) = resolve(pieces, context) else {
                    return Outcome::Unresolved;
                };
                let Some(parts) = parts else { return Outcome::NoMatch };
                let patterns: Vec<&[Atom]> = atoms.splitn(6, |atom| *atom == Atom::Byte(b':')).collect();
                let fits = patterns.len() == 6
                    && patterns
                        .iter()
                        .zip(parts)
                        .all(|(pattern, part)| glob(pattern, part, Case::Sensitive));
                Outcome::of(fits)
            }
        }
    }
}

fn push_literal(parts: &mut [Vec<Piece>], text: &str) {
    if !text.is_empty() {
        push_to_last(parts, Piece::Literal(text.to_owned()));
    }
}

fn push_to_last(parts: &mut [Vec<Piece>], piece: Piece) {
    if let Some(last) = parts.last_mut() {
        last.push(piece);
    }
}
