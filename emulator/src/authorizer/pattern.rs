//! Patterns: wildcards, policy variables, action patterns, resource patterns. Compiled once, matched in
//! time linear in text times longest literal run; no recursion. Which patterns are legal is `validate`'s.

use super::Context;
use super::arn;

/// Whether `text` fits `pattern` as a whole, case-sensitively; `*` is any run, `?` exactly one character.
pub fn glob_matches(pattern: &str, text: &str) -> bool {
    TextPattern::compile(pattern, Syntax::WILDCARDS).matches(text, &Context::default(), Case::Sensitive) == Some(true)
}

/// What is special in a text.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Syntax {
    pub(crate) wildcards: bool,
    pub(crate) variables: bool,
}

impl Syntax {
    pub(crate) const WILDCARDS: Self = Self {
        wildcards: true,
        variables: false,
    };
}

/// Whether letter case counts. Ignoring it folds ASCII only (`iam:OQ-17`).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Case {
    Sensitive,
    Ignored,
}

/// A piece of a pattern as written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Piece {
    Literal(String),
    One,
    Star,
    /// `${key}` or `${key, 'default'}`; the key is lower case (`iam:V-01`, `iam:V-06`).
    Variable {
        key: Box<str>,
        default: Option<Box<str>>,
    },
}

/// One step of matching. A `One` takes a whole character, the others work on bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Atom {
    Byte(u8),
    One,
    Star,
}

/// A compiled text pattern; the common shapes have their own variant.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum TextPattern {
    Any,
    Exact(Box<str>),
    Prefix(Box<str>),
    Glob(Box<[Atom]>),
    /// Has variables: resolved per request.
    Template(Box<[Piece]>),
}

impl TextPattern {
    pub(crate) fn compile(text: &str, syntax: Syntax) -> Self {
        Self::from_pieces(pieces(text, syntax))
    }

    pub(crate) fn from_pieces(pieces: Vec<Piece>) -> Self {
        if has_variables(&pieces) {
            return Self::Template(pieces.into_boxed_slice());
        }
        match pieces.as_slice() {
            [] => Self::Exact("".into()),
            [Piece::Star] => Self::Any,
            [Piece::Literal(text)] => Self::Exact(text.as_str().into()),
            [Piece::Literal(text), Piece::Star] => Self::Prefix(text.as_str().into()),
            _ => Self::Glob(atoms_of_plain(&pieces).into_boxed_slice()),
        }
    }

    /// Whether the pattern fits; `None` when a variable has no value (`iam:V-08`, `iam:V-10`).
    #[inline]
    pub(crate) fn matches(&self, text: &str, context: &Context, case: Case) -> Option<bool> {
        Some(match self {
            Self::Any => true,
            Self::Exact(exact) => equal(exact, text, case),
            Self::Prefix(prefix) => {
                let (have, want) = (text.as_bytes(), prefix.as_bytes());
                have.len() >= want.len() && equal_bytes(&have[..want.len()], want, case)
            }
            Self::Glob(atoms) => glob(atoms, text, case),
            Self::Template(pieces) => glob(&resolve(pieces, context)?, text, case),
        })
    }
}

/// Cuts a text into pieces. Malformed variables are literal text (`iam:V-14`).
pub(crate) fn pieces(text: &str, syntax: Syntax) -> Vec<Piece> {
    let mut pieces = Vec::new();
    let mut literal = String::new();
    let mut rest = text;
    while let Some(first) = rest.chars().next() {
        let special = match first {
            '*' if syntax.wildcards => Some((Piece::Star, 1)),
            '?' if syntax.wildcards => Some((Piece::One, 1)),
            '$' if syntax.variables => variable(rest),
            _ => None,
        };
        let Some((piece, length)) = special else {
            literal.push(first);
            rest = &rest[first.len_utf8()..];
            continue;
        };
        rest = &rest[length..];
        match piece {
            Piece::Literal(escaped) => literal.push_str(&escaped),
            // A run of stars is one star.
            Piece::Star if literal.is_empty() && pieces.last() == Some(&Piece::Star) => {}
            other => {
                flush(&mut literal, &mut pieces);
                pieces.push(other);
            }
        }
    }
    flush(&mut literal, &mut pieces);
    pieces
}

fn flush(literal: &mut String, pieces: &mut Vec<Piece>) {
    if !literal.is_empty() {
        pieces.push(Piece::Literal(std::mem::take(literal)));
    }
}

/// Reads a variable at the start of `text`; gives it and its length in bytes.
fn variable(text: &str) -> Option<(Piece, usize)> {
    let inside = text.strip_prefix("${")?;
    // `iam:V-07`: the three escapes.
    for escape in ["*", "?", "$"] {
        if inside.strip_prefix(escape).is_some_and(|rest| rest.starts_with('}')) {
            return Some((Piece::Literal(escape.to_owned()), 4));
        }
    }
    let key_length = inside.find(|character| !is_key_character(character))?;
    let (key, after) = inside.split_at(key_length);
    if key.is_empty() {
        return None;
    }
    let key: Box<str> = key.to_lowercase().into();
    if after.starts_with('}') {
        return Some((Piece::Variable { key, default: None }, 2 + key_length + 1));
    }
    let default = after.strip_prefix(", '")?;
    let default_length = default.find('\'')?;
    if !default[default_length + 1..].starts_with('}') {
        return None;
    }
    let length = 2 + key_length + 3 + default_length + 2;
    Some((
        Piece::Variable {
            key,
            default: Some(default[..default_length].into()),
        },
        length,
    ))
}

fn is_key_character(character: char) -> bool {
    character.is_alphanumeric() || matches!(character, ':' | '/' | '_' | '.' | '@' | '+' | '=' | '-' | '%')
}

pub(crate) fn has_variables(pieces: &[Piece]) -> bool {
    pieces.iter().any(|piece| matches!(piece, Piece::Variable { .. }))
}

/// Replaces variables by their values, which are literal text and are not looked at again (`iam:V-12`,
/// `iam:V-13`). `None` when one has neither value nor default.
pub(crate) fn resolve(pieces: &[Piece], context: &Context) -> Option<Vec<Atom>> {
    let mut atoms = Vec::new();
    for piece in pieces {
        match piece {
            Piece::Literal(text) => atoms.extend(text.bytes().map(Atom::Byte)),
            Piece::One => atoms.push(Atom::One),
            Piece::Star => atoms.push(Atom::Star),
            Piece::Variable { key, default } => {
                let value = context.single_lower(key).or(default.as_deref())?;
                atoms.extend(value.bytes().map(Atom::Byte));
            }
        }
    }
    Some(atoms)
}

fn atoms_of_plain(pieces: &[Piece]) -> Vec<Atom> {
    resolve(pieces, &Context::default()).unwrap_or_default()
}

/// Two-pointer globbing: on a mismatch only the last star moves on, by one character.
pub(crate) fn glob(atoms: &[Atom], text: &str, case: Case) -> bool {
    let bytes = text.as_bytes();
    let (mut at_atom, mut at_byte) = (0, 0);
    let mut retry: Option<(usize, usize)> = None;
    loop {
        let advanced = match atoms.get(at_atom) {
            None if at_byte == bytes.len() => return true,
            None => false,
            Some(Atom::Star) => {
                at_atom += 1;
                if at_atom == atoms.len() {
                    return true;
                }
                retry = Some((at_atom, at_byte));
                continue;
            }
            Some(Atom::One) if at_byte < bytes.len() => {
                at_byte += character_length(bytes[at_byte]);
                true
            }
            Some(Atom::Byte(want)) if at_byte < bytes.len() && same_byte(bytes[at_byte], *want, case) => {
                at_byte += 1;
                true
            }
            Some(_) => false,
        };
        if advanced {
            at_atom += 1;
            continue;
        }
        let Some((after_star, from)) = retry else {
            return false;
        };
        if from >= bytes.len() {
            return false;
        }
        let from = from + character_length(bytes[from]);
        retry = Some((after_star, from));
        at_atom = after_star;
        at_byte = from;
    }
}

/// Length in bytes of the UTF-8 character that starts with this byte.
fn character_length(first: u8) -> usize {
    match first {
        0xF0.. => 4,
        0xE0.. => 3,
        0xC0.. => 2,
        _ => 1,
    }
}

#[inline]
fn same_byte(have: u8, want: u8, case: Case) -> bool {
    have == want || (case == Case::Ignored && have.eq_ignore_ascii_case(&want))
}

#[inline]
fn equal(left: &str, right: &str, case: Case) -> bool {
    equal_bytes(left.as_bytes(), right.as_bytes(), case)
}

#[inline]
fn equal_bytes(left: &[u8], right: &[u8], case: Case) -> bool {
    match case {
        Case::Sensitive => left == right,
        Case::Ignored => left.eq_ignore_ascii_case(right),
    }
}

/// One entry of `Action` or `NotAction` (`iam:§2.6`). Variables are plain text here (`iam:G-43`).
#[derive(Clone, Debug)]
pub struct ActionPattern {
    text: Box<str>,
    pattern: TextPattern,
}

impl ActionPattern {
    pub(crate) fn compile(text: &str) -> Self {
        Self {
            text: text.into(),
            pattern: TextPattern::compile(&text.to_ascii_lowercase(), Syntax::WILDCARDS),
        }
    }

    /// The entry as written.
    pub fn text(&self) -> &str {
        &self.text
    }

    /// Whether the entry covers the action, ignoring letter case (`iam:M-01`).
    #[inline]
    pub fn matches(&self, action: &str) -> bool {
        match &self.pattern {
            TextPattern::Any => true,
            TextPattern::Exact(exact) => exact.eq_ignore_ascii_case(action),
            TextPattern::Prefix(prefix) => action
                .get(..prefix.len())
                .is_some_and(|start| start.eq_ignore_ascii_case(prefix)),
            TextPattern::Glob(atoms) => glob(atoms, action, Case::Ignored),
            // Compiled without variables.
            TextPattern::Template(_) => false,
        }
    }
}

/// One entry of `Resource` or `NotResource` (`iam:§2.7`).
#[derive(Clone, Debug)]
pub struct ResourcePattern {
    text: Box<str>,
    form: ResourceForm,
}

#[derive(Clone, Debug)]
enum ResourceForm {
    /// `*`: every pair, also those without resource (`iam:M-20`).
    Everything,
    /// Partition, service, Region, account, resource, each on its own (errata `iam:OQ-13`).
    Fields(Box<[TextPattern; 5]>),
    /// Not an ARN, or an incomplete one where those are not completed (`iam:OQ-6`).
    Nothing,
}

impl ResourcePattern {
    /// Compiles an entry. `complete` fills missing fields with `*` (`iam:G-52`); `variables` is whether the
    /// policy's version has any (`iam:G-23`).
    pub(crate) fn compile(text: &str, complete: bool, variables: bool) -> Self {
        let form = if text == "*" {
            ResourceForm::Everything
        } else {
            resource_fields(text, complete, variables).map_or(ResourceForm::Nothing, ResourceForm::Fields)
        };
        Self {
            text: text.into(),
            form,
        }
    }

    /// The entry as written.
    pub fn text(&self) -> &str {
        &self.text
    }

    /// Whether the entry has a policy variable.
    pub fn has_variables(&self) -> bool {
        match &self.form {
            ResourceForm::Fields(fields) => matches!(fields[4], TextPattern::Template(_)),
            ResourceForm::Everything | ResourceForm::Nothing => false,
        }
    }

    /// Whether the entry covers the resource; `None` when a variable has no value (`iam:V-10`).
    pub fn matches(&self, resource: &str, context: &Context) -> Option<bool> {
        let fields = match &self.form {
            ResourceForm::Everything => return Some(true),
            ResourceForm::Nothing => return Some(false),
            ResourceForm::Fields(fields) => fields,
        };
        // `iam:V-11` asks whether the variable has a value, whatever the resource is.
        if let TextPattern::Template(pieces) = &fields[4] {
            resolve(pieces, context)?;
        }
        // A pair without resource is covered by a literal `*` only (`iam:M-25`).
        let Some(parts) = arn::split(resource) else {
            return Some(false);
        };
        for (pattern, part) in fields.iter().zip(&parts[1..]) {
            if pattern.matches(part, context, Case::Sensitive) != Some(true) {
                return Some(false);
            }
        }
        Some(parts[0] == "arn")
    }
}

fn resource_fields(text: &str, complete: bool, variables: bool) -> Option<Box<[TextPattern; 5]>> {
    let mut parts = text.splitn(6, ':');
    if parts.next() != Some("arn") {
        return None;
    }
    let mut next = |wildcards: bool, variables: bool| -> Option<TextPattern> {
        match parts.next() {
            Some(part) => Some(TextPattern::compile(part, Syntax { wildcards, variables })),
            None if complete => Some(TextPattern::Any),
            None => None,
        }
    };
    // `iam:M-21`: partition (or `*`) and service are literal; `iam:G-55`: variables in the last field only.
    let partition = next(false, false)?;
    let partition = if partition == TextPattern::Exact("*".into()) {
        TextPattern::Any
    } else {
        partition
    };
    let service = next(false, false)?;
    Some(Box::new([
        partition,
        service,
        next(true, false)?,
        next(true, false)?,
        next(true, variables)?,
    ]))
}

#[cfg(test)]
mod tests {
    use super::{Case, Piece, Syntax, TextPattern, glob_matches, pieces};
    use crate::authorizer::Context;

    const FULL: Syntax = Syntax {
        wildcards: true,
        variables: true,
    };

    /// The obvious recursive definition, to compare with.
    fn slow_glob(pattern: &[char], text: &[char]) -> bool {
        match (pattern.first(), text.first()) {
            (None, None) => true,
            (Some('*'), _) => slow_glob(&pattern[1..], text) || (!text.is_empty() && slow_glob(pattern, &text[1..])),
            (Some('?'), Some(_)) => slow_glob(&pattern[1..], &text[1..]),
            (Some(want), Some(have)) if want == have => slow_glob(&pattern[1..], &text[1..]),
            _ => false,
        }
    }

    fn words(alphabet: &[char], longest: usize) -> Vec<String> {
        let mut all = vec![String::new()];
        let mut last = all.clone();
        for _ in 0..longest {
            last = last
                .iter()
                .flat_map(|word| alphabet.iter().map(move |character| format!("{word}{character}")))
                .collect();
            all.extend(last.iter().cloned());
        }
        all
    }

    #[test]
    fn globbing_equals_its_definition_on_all_short_words() {
        for pattern in words(&['a', 'é', '*', '?'], 4) {
            let slow: Vec<char> = pattern.chars().collect();
            for text in words(&['a', 'é'], 4) {
                let text_characters: Vec<char> = text.chars().collect();
                assert_eq!(
                    glob_matches(&pattern, &text),
                    slow_glob(&slow, &text_characters),
                    "{pattern} {text}"
                );
            }
        }
    }

    #[test]
    fn hostile_patterns_finish() {
        let pattern = format!("{}b", "a*".repeat(2_000));
        assert!(!glob_matches(&pattern, &"a".repeat(20_000)));
    }

    #[test]
    fn variables_are_read_and_malformed_ones_are_text() {
        let variable = |key: &str, default: Option<&str>| Piece::Variable {
            key: key.into(),
            default: default.map(Into::into),
        };
        let literal = |text: &str| Piece::Literal(text.into());
        for (text, expected) in [
            ("${aws:UserName}", vec![variable("aws:username", None)]),
            (
                "a${aws:PrincipalTag/Team, 'x y'}b",
                vec![
                    literal("a"),
                    variable("aws:principaltag/team", Some("x y")),
                    literal("b"),
                ],
            ),
            ("${*}${?}${$}", vec![literal("*?$")]),
            ("${", vec![literal("${")]),
            ("${}", vec![literal("${}")]),
            ("${aws:username", vec![literal("${aws:username")]),
            ("${aws:user name}", vec![literal("${aws:user name}")]),
            ("${k,'x'}", vec![literal("${k,'x'}")]),
            ("${k, 'x}", vec![literal("${k, 'x}")]),
            ("a**?*", vec![literal("a"), Piece::Star, Piece::One, Piece::Star]),
        ] {
            assert_eq!(pieces(text, FULL), expected, "{text}");
        }
    }

    #[test]
    fn a_literal_dollar_form_survives_without_variables() {
        let pattern = TextPattern::compile("${*}", Syntax::WILDCARDS);
        // `iam:G-24`: nothing recognises the variable, so the star is a wildcard.
        assert_eq!(
            pattern.matches("${abc}", &Context::default(), Case::Sensitive),
            Some(true)
        );
        assert_eq!(pattern.matches("*", &Context::default(), Case::Sensitive), Some(false));
    }
}
