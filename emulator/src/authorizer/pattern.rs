//! Patterns: wildcards, policy variables, action patterns, resource patterns. Compiled once, matched without
//! allocation in time linear in text times longest literal run; no recursion. Which patterns are legal is
//! `validate`'s.

use super::asked::{ActionText, Asked, Text, head_of};
use super::context::hash_of;
use super::glob::{Case, Run, glob, is_resolved, resolve};
use crate::fault::Fault;

/// Whether `text` fits `pattern` as a whole, case-sensitively; `*` is any run, `?` exactly one character.
pub fn glob_matches(pattern: &str, text: &str) -> bool {
    TextPattern::compile(pattern, Syntax::WILDCARDS).fits(Text::of(text))
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

/// A piece of a pattern as written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Piece {
    Literal(Box<str>),
    One,
    Star,
    /// `${key}` or `${key, 'default'}`; the key is lower case (`iam:V-01`, `iam:V-06`).
    Variable {
        key: Key,
        default: Option<Box<str>>,
    },
}

/// A condition key or variable name in lower case, with its hash for looking it up.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Key {
    pub(crate) text: Box<str>,
    pub(crate) hash: u64,
}

impl Key {
    pub(crate) fn lower(text: &str) -> Self {
        let text: Box<str> = text.to_lowercase().into();
        Self {
            hash: hash_of(&text),
            text,
        }
    }
}

/// A compiled text pattern.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct TextPattern {
    /// The first bytes of the literal start, and which bytes of a text's head they are compared with.
    head: u64,
    mask: u64,
    form: Form,
}

/// What a text must be; the common shapes have their own variant.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Form {
    Any,
    /// No longer than a head: comparing heads and lengths is all there is to do.
    Short(usize),
    Exact(Box<str>),
    Prefix(Box<str>),
    Suffix(Box<str>),
    /// One star with text on both sides.
    Around(Box<str>, Box<str>),
    /// Wildcards anywhere.
    Glob(Box<[Piece]>),
    /// Has variables: their values are looked up a request.
    Template(Box<[Piece]>),
    /// No text, not even one that spells the pattern.
    Nothing,
}

impl TextPattern {
    /// What no text fits.
    const NOTHING: Self = Self {
        head: 0,
        mask: 0,
        form: Form::Nothing,
    };

    pub(crate) fn compile(text: &str, syntax: Syntax) -> Self {
        Self::from_pieces(pieces(text, syntax))
    }

    /// A text that must be equal but for ASCII letter case, unless it has variables.
    pub(crate) fn compile_ignoring_case(text: &str, syntax: Syntax) -> Self {
        let pieces = pieces(text, syntax);
        if has_variables(&pieces) {
            return Self::from_pieces(pieces);
        }
        // What is left are literals: escapes have become their characters (`iam:V-07`).
        let exact: String = pieces
            .iter()
            .filter_map(|piece| match piece {
                Piece::Literal(text) => Some(text.as_ref()),
                Piece::One | Piece::Star | Piece::Variable { .. } => None,
            })
            .collect();
        Self {
            head: 0,
            mask: 0,
            form: Form::Exact(exact.into()),
        }
    }

    pub(crate) fn from_pieces(pieces: Vec<Piece>) -> Self {
        let start = match pieces.first() {
            Some(Piece::Literal(text)) => text.as_bytes(),
            _ => &[],
        };
        let (head, mask) = (head_of(start), head_of(&[0xFF; 8][..start.len().min(8)]));
        let form = match pieces.as_slice() {
            _ if has_variables(&pieces) => Form::Template(pieces.into_boxed_slice()),
            [] => Form::Short(0),
            [Piece::Star] => Form::Any,
            [Piece::Literal(text)] if text.len() <= 8 => Form::Short(text.len()),
            [Piece::Literal(text)] => Form::Exact(text.clone()),
            [Piece::Literal(text), Piece::Star] => Form::Prefix(text.clone()),
            [Piece::Star, Piece::Literal(text)] => Form::Suffix(text.clone()),
            [Piece::Literal(start), Piece::Star, Piece::Literal(end)] => Form::Around(start.clone(), end.clone()),
            _ => Form::Glob(pieces.into_boxed_slice()),
        };
        Self { head, mask, form }
    }

    /// Whether the pattern has variables.
    pub(crate) fn is_template(&self) -> bool {
        matches!(self.form, Form::Template(_))
    }

    /// Whether the pattern fits, letter case included; a pattern with variables fits nothing. Most texts are told
    /// off by their head.
    #[inline]
    pub(crate) fn fits(&self, text: Text<'_>) -> bool {
        text.head & self.mask == self.head && self.form_fits(text.bytes)
    }

    /// The same when the heads agree.
    #[inline]
    fn form_fits(&self, text: &[u8]) -> bool {
        match &self.form {
            Form::Any => true,
            Form::Short(length) => text.len() == *length,
            Form::Exact(exact) => exact.as_bytes() == text,
            Form::Prefix(prefix) => text.starts_with(prefix.as_bytes()),
            Form::Suffix(suffix) => text.ends_with(suffix.as_bytes()),
            Form::Around(start, end) => {
                text.len() >= start.len() + end.len()
                    && text.starts_with(start.as_bytes())
                    && text.ends_with(end.as_bytes())
            }
            Form::Glob(pieces) => glob(pieces.len(), |at| Run::of(&pieces[at]), text, Case::Sensitive),
            Form::Template(_) | Form::Nothing => false,
        }
    }

    /// Whether the pattern fits; `None` when a variable has no value (`iam:V-08`, `iam:V-10`). Ignoring case is for
    /// patterns that were compiled for it.
    #[inline]
    pub(crate) fn matches(&self, text: Text<'_>, case: Case, asked: &Asked<'_>) -> Option<bool> {
        match &self.form {
            Form::Template(pieces) => {
                if case == Case::Sensitive && text.head & self.mask != self.head && is_resolved(pieces, asked) {
                    return Some(false);
                }
                let runs = resolve(pieces, asked)?;
                let runs = runs.as_slice();
                Some(glob(runs.len(), |at| runs[at], text.bytes, case))
            }
            Form::Exact(exact) if case == Case::Ignored => Some(exact.as_bytes().eq_ignore_ascii_case(text.bytes)),
            _ => Some(self.fits(text)),
        }
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
        pieces.push(Piece::Literal(std::mem::take(literal).into()));
    }
}

/// Reads a variable at the start of `text`; gives it and its length in bytes.
fn variable(text: &str) -> Option<(Piece, usize)> {
    let inside = text.strip_prefix("${")?;
    // `iam:V-07`: the three escapes.
    for escape in ["*", "?", "$"] {
        if inside.strip_prefix(escape).is_some_and(|rest| rest.starts_with('}')) {
            return Some((Piece::Literal(escape.into()), 4));
        }
    }
    let key_length = inside.find(|character| !is_key_character(character))?;
    let (key, after) = inside.split_at(key_length);
    if key.is_empty() {
        return None;
    }
    let key = Key::lower(key);
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

/// Letters, digits and what the key of a tag may hold beside them; a space makes no variable (`iam:V-14`).
fn is_key_character(character: char) -> bool {
    character.is_alphanumeric() || matches!(character, ':' | '/' | '_' | '.' | '@' | '+' | '=' | '-')
}

pub(crate) fn has_variables(pieces: &[Piece]) -> bool {
    pieces.iter().any(|piece| matches!(piece, Piece::Variable { .. }))
}

/// One entry of `Action` or `NotAction` (`iam:§2.6`). Variables are plain text here (`iam:G-43`).
#[derive(Clone, Debug)]
pub struct ActionPattern {
    text: Box<str>,
    /// Of the text in lower case.
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
    pub fn matches(&self, action: &str) -> bool {
        self.covers(&ActionText::lower(action))
    }

    /// The same for an action that is already in lower case.
    #[inline]
    pub(crate) fn covers(&self, action: &ActionText<'_>) -> bool {
        self.pattern.fits(action.text())
    }

    /// What `action-prefix-suffices` makes of the entry: `kms:GenerateDataKey` for every action that begins so.
    #[cold]
    pub(crate) fn begins(&self, action: &ActionText<'_>) -> bool {
        let written = action.written.get(..self.text.len());
        written.is_some_and(|start| start.eq_ignore_ascii_case(&self.text))
    }

    /// What `action-case-counts` makes of the entry.
    #[cold]
    pub(crate) fn covers_in_case(&self, action: &ActionText<'_>) -> bool {
        glob_matches(&self.text, action.written)
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
            ResourceForm::Fields(fields) => fields[4].is_template(),
            ResourceForm::Everything | ResourceForm::Nothing => false,
        }
    }

    /// Whether the entry covers the resource; `None` when a variable has no value, whatever the resource is
    /// (`iam:V-10`, `iam:V-11`).
    pub(crate) fn matches(&self, asked: &Asked<'_>) -> Option<bool> {
        if let ResourceForm::Fields(fields) = &self.form
            && let Form::Template(pieces) = &fields[4].form
            && !is_resolved(pieces, asked)
        {
            return None;
        }
        Some(self.covers(asked))
    }

    /// Whether the entry covers the resource; not when a variable has no value (`iam:V-10`).
    #[inline]
    pub(crate) fn covers(&self, asked: &Asked<'_>) -> bool {
        if asked.faulty
            && let Some(covered) = self.covers_wrongly(asked)
        {
            return covered;
        }
        self.covers_rightly(asked)
    }

    #[inline]
    fn covers_rightly(&self, asked: &Asked<'_>) -> bool {
        let fields = match &self.form {
            ResourceForm::Everything => return true,
            ResourceForm::Nothing => return false,
            ResourceForm::Fields(fields) => fields,
        };
        // A pair without resource is covered by a literal `*` only (`iam:M-25`).
        let Some([arn, partition, service, region, account, name]) = asked.resource else {
            return false;
        };
        // The most telling fields first.
        fields[1].fits(service)
            && fields[3].fits(account)
            && self.name_fits(&fields[4], name, asked)
            && fields[2].fits(region)
            && fields[0].fits(partition)
            && arn.bytes == b"arn"
    }

    #[inline]
    fn name_fits(&self, pattern: &TextPattern, name: Text<'_>, asked: &Asked<'_>) -> bool {
        pattern.matches(name, Case::Sensitive, asked) == Some(true)
    }

    /// What active faults make of the entry; `None` where they leave it alone. They read the text once more, with no
    /// care for speed.
    #[cold]
    fn covers_wrongly(&self, asked: &Asked<'_>) -> Option<bool> {
        let (text, resource) = (self.text.as_ref(), asked.resource_text);
        if asked.resource.is_none() || text == "*" {
            let covered = asked.has(Fault::AnyResourceCoversNone) && asked.resource.is_none();
            return covered.then_some(true);
        }
        let fields = || text.splitn(6, ':').zip(resource.splitn(6, ':'));
        let name = |of: &'static str, text: &str| text.splitn(6, ':').nth(5).unwrap_or(of).to_owned();
        let (wanted, asked_for) = (name("*", text), name("", resource));
        let through_alias = || {
            let alias = asked.context.single_lower("kms:requestalias")?;
            let key = resource.rfind(":key/")?;
            Some(glob_matches(text, &format!("{}:{alias}", &resource[..key])))
        };
        let piecewise = |mark: char| {
            fields().take(5).all(|(pattern, field)| glob_matches(pattern, field))
                && wanted.split(mark).count() == asked_for.split(mark).count()
                && wanted
                    .split(mark)
                    .zip(asked_for.split(mark))
                    .all(|(pattern, part)| glob_matches(pattern, part))
        };
        // The entry read in another way, by the right code.
        let reread = |text: &str, variables: bool| {
            let again = Self {
                text: text.into(),
                form: resource_fields(text, true, variables).map_or(ResourceForm::Nothing, ResourceForm::Fields),
            };
            again.covers_rightly(asked)
        };
        let variables = text.contains("${");
        if asked.has(Fault::ResourceStarStopsAtSlash) {
            Some(piecewise('/'))
        } else if asked.has(Fault::ResourceStarStopsAtColon) && wanted.contains('*') {
            Some(piecewise(':'))
        } else if asked.has(Fault::ResourceStarCrossesColons) && !variables {
            Some(glob_matches(text, resource))
        } else if asked.has(Fault::QuestionMarkMatchesNothing) && text.contains('?') {
            Some(reread(text, true) || reread(&text.replace('?', ""), true))
        } else if asked.has(Fault::DotMatchesAnything) && text.contains('.') {
            Some(reread(&text.replace('.', "?"), true))
        } else if asked.has(Fault::ResourceCaseIgnored) && !variables {
            Some(glob_matches(&text.to_ascii_lowercase(), &resource.to_ascii_lowercase()))
        } else if (asked.has(Fault::BucketPatternCoversObjects) && resource.starts_with(&format!("{text}/")))
            || (asked.has(Fault::AliasResourceCoversKey) && through_alias() == Some(true))
        {
            Some(true)
        } else if asked.has(Fault::ResourceVariablesLiteral) && variables {
            Some(reread(text, false))
        } else if asked.has(Fault::VariablesInOldVersion) && variables {
            Some(reread(text, true))
        } else if asked.has(Fault::EscapedWildcardActive) && variables {
            Some(reread(&text.replace("${*}", "*").replace("${?}", "?"), true))
        } else {
            None
        }
    }
}

fn resource_fields(text: &str, complete: bool, variables: bool) -> Option<Box<[TextPattern; 5]>> {
    let mut parts = text.splitn(6, ':');
    if parts.next() != Some("arn") {
        return None;
    }
    let mut next = || parts.next().or(complete.then_some("*"));
    let mut field = |wildcards: bool| {
        next().map(|part| {
            // `iam:G-55`: where a variable may not stand, it makes the entry one that never matches.
            if variables && part.contains("${") {
                return TextPattern::NOTHING;
            }
            let syntax = Syntax {
                // A missing field is `*` even where stars are literal, and so is the partition's (`iam:M-21`).
                wildcards: wildcards || part == "*",
                variables: false,
            };
            TextPattern::compile(part, syntax)
        })
    };
    let [partition, service, region, account] = [field(false)?, field(false)?, field(true)?, field(true)?];
    let syntax = Syntax {
        wildcards: true,
        variables,
    };
    let name = TextPattern::compile(next()?, syntax);
    Some(Box::new([partition, service, region, account, name]))
}

#[cfg(test)]
mod tests {
    use super::{Key, Piece, Syntax, Text, TextPattern, glob_matches, pieces};

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
            key: Key::lower(key),
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
        assert!(pattern.fits(Text::of("${abc}")));
        assert!(!pattern.fits(Text::of("*")));
    }
}
