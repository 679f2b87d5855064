//! Condition blocks: set quantifiers, missing keys, comparisons (`iam:§3`). Operator names are in `operator`, typed
//! parsing in `values`, wildcards and variables in `pattern`.

use std::net::IpAddr;

use super::asked::{Asked, Fact, Text};
use super::glob::{Case, Run, Runs, glob, resolve};
use super::misreading::compare_wrongly;
pub(super) use super::operator::{Comparison, Operator, Ordering, Quantifier};
use super::pattern::{Key, Piece, Syntax, TextPattern, has_variables, pieces};
use super::values::{AddressRange, Decimal, Instant, boolean, bytes};
use super::{Settings, arn};
use crate::fault::{Fault, FaultSet};
use crate::quirks::PlainOnMultivalued;

/// One key under one operator.
#[derive(Clone, Debug)]
pub struct Condition {
    /// The operator.
    pub operator: Operator,
    /// The key in lower case.
    pub key: Box<str>,
    key_hash: u64,
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
    /// Whether the value is base64. Texts are compared: equal bytes have equal texts.
    Binary(bool),
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
        let key = Key::lower(key);
        let compiled = values
            .iter()
            .map(|value| compile_value(operator.comparison, value, variables))
            .collect();
        Self {
            operator,
            key_hash: key.hash,
            key: key.text,
            values,
            compiled,
        }
    }

    /// Whether any value has a policy variable, as far as the operator takes variables.
    pub fn has_variables(&self) -> bool {
        self.compiled.iter().any(|value| match value {
            Compiled::Text(pattern) => pattern.is_template(),
            Compiled::Arn(pattern) => matches!(pattern, ArnPattern::Template(_)),
            _ => false,
        })
    }

    /// Whether the condition is true in the context.
    #[inline]
    pub(crate) fn holds(&self, asked: &Asked<'_>) -> bool {
        let fact = asked.fact(&self.key, self.key_hash);
        if self.operator.comparison == Comparison::Null {
            return self.null_holds(fact, asked.settings.faults);
        }
        match self.operator.quantifier {
            None => self.plain_holds(fact, asked),
            Some(quantifier) => self.set_holds(quantifier, fact, asked),
        }
    }

    /// `iam:§3.8`.
    fn null_holds(&self, fact: Option<Fact<'_>>, faults: FaultSet) -> bool {
        match self.operator.quantifier {
            Some(Quantifier::ForAllValues) => return true,
            Some(Quantifier::ForAnyValue) => return false,
            None => {}
        }
        let absent = match fact {
            None => true,
            // A single empty text is a value (errata `iam:C-05`).
            Some(Fact::Single(_) | Fact::Conflicting) => false,
            Some(Fact::Many(_)) if faults.contains(Fault::NullSeesEmptyList) => false,
            Some(Fact::Many(texts)) => is_null_list(texts),
        };
        let inverted = faults.contains(Fault::NullInverted);
        self.compiled
            .iter()
            .any(|compiled| matches!(compiled, Compiled::Null(Some(wanted)) if (*wanted == absent) != inverted))
    }

    /// Operators without qualifier (`iam:§3.5`, `iam:C-11`).
    fn plain_holds<'a>(&self, fact: Option<Fact<'a>>, asked: &Asked<'a>) -> bool {
        let Operator { if_exists, .. } = self.operator;
        let negated = self.is_negated(asked);
        let quirks = &asked.settings.quirks;
        // The switch is about the plain form: with `IfExists` an empty list is true on an absent key only (`iam:C-83`).
        if !negated && !if_exists && self.compiled.is_empty() && quirks.empty_value_list_matches {
            return true;
        }
        let Some(fact) = fact else {
            return self.holds_without_key(asked);
        };
        if self.if_exists_always_holds(asked.settings.faults) {
            return true;
        }
        match fact {
            Fact::Single(text)
                if negated
                    && asked.has(Fault::NegatedArnNeedsAnArn)
                    && self.operator.comparison == Comparison::Arn
                    && arn::split(text).is_none() =>
            {
                false
            }
            Fact::Single(text) => self.scan(text, asked).decides(negated, asked.settings),
            Fact::Conflicting => negated,
            Fact::Many(texts) => match quirks.plain_operator_on_multivalued {
                PlainOnMultivalued::Never => false,
                PlainOnMultivalued::Any => {
                    let all = texts
                        .iter()
                        .fold(Scan::default(), |all, text| all.or(self.scan(text, asked)));
                    all.decides(negated, asked.settings)
                }
            },
        }
    }

    /// Whether none of the values may match (`iam:C-11`).
    fn is_negated(&self, asked: &Asked<'_>) -> bool {
        let dropped = asked.has(Fault::StringNotEqualsAsEquals) && self.operator.comparison == Comparison::StringEquals;
        self.operator.negated && !dropped
    }

    /// `iam:§3.5`.
    fn holds_without_key(&self, asked: &Asked<'_>) -> bool {
        if asked.has(Fault::AbsentKeyHolds) {
            return true;
        }
        let Operator {
            comparison,
            negated,
            if_exists,
            ..
        } = self.operator;
        let faults = asked.settings.faults;
        if comparison == Comparison::Bool && !if_exists && faults.contains(Fault::AbsentBoolIsFalse) {
            return self.scan("false", asked).decides(negated, asked.settings);
        }
        let excused = if_exists && !faults.contains(Fault::IfExistsIgnored);
        excused || (negated && !faults.contains(Fault::AbsentKeyNegatedFalse))
    }

    fn if_exists_always_holds(&self, faults: FaultSet) -> bool {
        self.operator.if_exists && faults.contains(Fault::IfExistsAlwaysHolds)
    }

    /// Operators with a qualifier (`iam:§3.10`).
    fn set_holds<'a>(&self, quantifier: Quantifier, fact: Option<Fact<'a>>, asked: &Asked<'a>) -> bool {
        let Operator { negated, if_exists, .. } = self.operator;
        let faults = asked.settings.faults;
        if asked.has(Fault::SetOperatorsNeverHold) {
            return false;
        }
        let one;
        let texts: &[&str] = match fact {
            None => &[],
            // Also an empty text is a value (errata `iam:C-05`).
            Some(Fact::Single(text)) => {
                one = [text];
                &one
            }
            Some(Fact::Many(texts)) if is_null_list(texts) => &[],
            Some(Fact::Many(texts)) => {
                return self.all_or_any(quantifier, texts.iter().map(String::as_str), asked);
            }
            // One value that equals nothing.
            Some(Fact::Conflicting) => return negated,
        };
        if texts.is_empty() {
            return match quantifier {
                Quantifier::ForAllValues => !faults.contains(Fault::ForAllValuesNeedsAValue),
                Quantifier::ForAnyValue if faults.contains(Fault::ForAnyValueNeedsNoValue) => true,
                Quantifier::ForAnyValue => {
                    let quirks = &asked.settings.quirks;
                    if if_exists {
                        quirks.for_any_value_if_exists_missing
                    } else {
                        negated && quirks.for_any_value_negated_missing
                    }
                }
            };
        }
        self.all_or_any(quantifier, texts.iter().copied(), asked)
    }

    fn all_or_any<'a>(
        &self,
        quantifier: Quantifier,
        mut texts: impl Iterator<Item = &'a str>,
        asked: &Asked<'a>,
    ) -> bool {
        let faults = asked.settings.faults;
        if self.if_exists_always_holds(faults) {
            return true;
        }
        let negated = self.is_negated(asked);
        let mut holds = |text: &'a str| self.scan(text, asked).decides(negated, asked.settings);
        match quantifier {
            Quantifier::ForAnyValue if !faults.contains(Fault::ForAnyValueAsAll) => texts.any(&mut holds),
            Quantifier::ForAllValues if negated && faults.contains(Fault::NegatedForAllValuesAsAny) => {
                texts.any(&mut holds)
            }
            Quantifier::ForAllValues | Quantifier::ForAnyValue => texts.all(&mut holds),
        }
    }

    /// Compares one context value with every policy value.
    fn scan<'a>(&self, text: &'a str, asked: &Asked<'a>) -> Scan {
        let subject = Subject::read(self.operator.comparison, text, asked);
        let mut scan = Scan {
            // Where nothing is compared, nothing fails to be read (`iam:C-81`).
            unparsable: !self.values.is_empty() && subject.is_unparsable(),
            ..Scan::default()
        };
        // A match decides, whatever else the list has, unless an unresolved variable may spoil it.
        let must_see_all = asked.settings.quirks.unresolved_variable_spoils_list;
        for (compiled, raw) in self.compiled.iter().zip(&self.values) {
            match self.compare(compiled, raw, &subject, text, asked) {
                Outcome::Match => {
                    scan.matched = true;
                    if !must_see_all && !asked.settings.faults.contains(Fault::NegatedListAny) {
                        return scan;
                    }
                }
                Outcome::NoMatch => scan.missed = true,
                Outcome::Unparsable => scan.unparsable = true,
                Outcome::Unresolved => scan.unresolved = true,
            }
        }
        scan
    }

    fn compare(&self, compiled: &Compiled, raw: &str, subject: &Subject<'_>, text: &str, asked: &Asked<'_>) -> Outcome {
        let faults = asked.settings.faults;
        if asked.faulty
            && let Some(outcome) = compare_wrongly(self.operator.comparison, raw, subject, text, faults)
        {
            return outcome;
        }
        let quirks = &asked.settings.quirks;
        match (compiled, subject) {
            (Compiled::Text(pattern), Subject::Text(text)) => {
                let case = match self.operator.comparison {
                    Comparison::StringEqualsIgnoreCase => Case::Ignored,
                    _ => Case::Sensitive,
                };
                Outcome::of_resolved(pattern.matches(*text, case, asked))
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
                if quirks.variables_in_bool && template.is_template() {
                    let text = if *truth == Some(true) { "true" } else { "false" };
                    return match truth {
                        Some(_) => Outcome::of_resolved(template.matches(Text::of(text), Case::Ignored, asked)),
                        None => Outcome::Unparsable,
                    };
                }
                match (truth, value) {
                    (Some(truth), Some(value)) => Outcome::of(truth == value),
                    _ => Outcome::Unparsable,
                }
            }
            // Both sides are base64 text (`iam:C-36`); what is none equals nothing.
            (Compiled::Binary(false), Subject::Text(_)) => Outcome::Unparsable,
            (Compiled::Binary(true), Subject::Text(text)) => Outcome::of(raw.as_bytes() == text.bytes),
            (Compiled::Range(range), Subject::Address(address)) => match (range, address) {
                (Some(range), Some(address)) => Outcome::of(range.contains(*address)),
                _ => Outcome::Unparsable,
            },
            (Compiled::Arn(pattern), Subject::Arn(parts)) => {
                pattern.compare(parts.as_ref(), quirks.lone_star_arn_like_matches, asked)
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
    /// Some value was compared and did not match.
    missed: bool,
    unparsable: bool,
    unresolved: bool,
}

impl Scan {
    fn or(self, other: Self) -> Self {
        Self {
            matched: self.matched || other.matched,
            missed: self.missed || other.missed,
            unparsable: self.unparsable || other.unparsable,
            unresolved: self.unresolved || other.unresolved,
        }
    }

    /// Positive: some value matched. Negated: none did (`iam:C-11`), with the disputes `iam:OQ-21` and
    /// `iam:OQ-26`.
    fn decides(self, negated: bool, settings: &Settings) -> bool {
        if self.unresolved && settings.quirks.unresolved_variable_spoils_list {
            // The list matches nothing, whatever else it has.
            return negated;
        }
        if !negated {
            return self.matched;
        }
        if self.missed && settings.faults.contains(Fault::NegatedListAny) {
            return true;
        }
        !self.matched && (!self.unparsable || settings.quirks.negated_parse_error_matches)
    }
}

/// What comparing one context value with one policy value found.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Outcome {
    Match,
    NoMatch,
    Unparsable,
    Unresolved,
}

impl Outcome {
    pub(super) fn of(matched: bool) -> Self {
        if matched { Self::Match } else { Self::NoMatch }
    }

    fn of_resolved(matched: Option<bool>) -> Self {
        matched.map_or(Self::Unresolved, Self::of)
    }
}

/// A context value, read once as the operator asks.
pub(super) enum Subject<'a> {
    Text(Text<'a>),
    Number(Option<Decimal<'a>>),
    Date(Option<Instant>),
    Bool(Option<bool>),
    Address(Option<IpAddr>),
    Arn(Option<[Text<'a>; 6]>),
}

impl<'a> Subject<'a> {
    fn read(comparison: Comparison, text: &'a str, asked: &Asked<'a>) -> Self {
        match comparison {
            Comparison::StringEquals
            | Comparison::StringEqualsIgnoreCase
            | Comparison::StringLike
            | Comparison::Binary
            | Comparison::Null => Self::Text(Text::of(text)),
            Comparison::Numeric(_) => Self::Number(Decimal::parse(text)),
            Comparison::Date(_) => Self::Date(Instant::parse(text)),
            Comparison::Bool => Self::Bool(boolean(text)),
            Comparison::IpAddress => Self::Address(asked.address(text)),
            Comparison::Arn => Self::Arn(arn::split(text).map(|parts| parts.map(Text::of))),
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

fn compile_value(comparison: Comparison, value: &str, variables: bool) -> Compiled {
    let literal = Syntax {
        wildcards: false,
        variables,
    };
    match comparison {
        Comparison::StringEquals => Compiled::Text(TextPattern::compile(value, literal)),
        Comparison::StringEqualsIgnoreCase => Compiled::Text(TextPattern::compile_ignoring_case(value, literal)),
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
        Comparison::Binary => Compiled::Binary(bytes(value).is_some()),
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
            let mut rest: &str = &text;
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

    fn compare(&self, parts: Option<&[Text<'_>; 6]>, lone_star_matches: bool, asked: &Asked<'_>) -> Outcome {
        match self {
            // `iam:OQ-23`: every ARN, but nothing that is none.
            Self::LoneStar => Outcome::of(lone_star_matches && parts.is_some()),
            Self::Nothing => Outcome::NoMatch,
            Self::Parts(patterns) => {
                let Some(parts) = parts else { return Outcome::NoMatch };
                let mut pairs = patterns.iter().zip(parts);
                Outcome::of(pairs.all(|(pattern, part)| pattern.fits(*part)))
            }
            Self::Template(pieces) => {
                let Some(runs) = resolve(pieces, asked) else {
                    return Outcome::Unresolved;
                };
                let Some(parts) = parts else { return Outcome::NoMatch };
                Outcome::of(fits_split(runs.as_slice(), parts))
            }
        }
    }
}

/// Splits a pattern at its first five colons and compares part by part (`iam:C-50`).
fn fits_split(runs: &[Run<'_>], parts: &[Text<'_>; 6]) -> bool {
    let mut rest = runs.iter();
    // What is left of a text run after one of its colons.
    let mut carried = None;
    for (index, part) in parts.iter().enumerate() {
        let mut pattern = Runs::new();
        let mut closed = false;
        while let Some(run) = carried.take().or_else(|| rest.next().copied()) {
            match run {
                Run::Text(text) if index < 5 && text.contains(':') => {
                    let (before, after) = text.split_once(':').unwrap_or((text, ""));
                    pattern.push(Run::Text(before));
                    carried = Some(Run::Text(after));
                    closed = true;
                    break;
                }
                other => pattern.push(other),
            }
        }
        // All parts but the last end with a colon (`iam:C-53`).
        let pattern = pattern.as_slice();
        let complete = closed || index == 5;
        if !complete || !glob(pattern.len(), |at| pattern[at], part.bytes, Case::Sensitive) {
            return false;
        }
    }
    true
}

fn push_literal(parts: &mut [Vec<Piece>], text: &str) {
    if !text.is_empty() {
        push_to_last(parts, Piece::Literal(text.into()));
    }
}

fn push_to_last(parts: &mut [Vec<Piece>], piece: Piece) {
    if let Some(last) = parts.last_mut() {
        last.push(piece);
    }
}
