//! Policy variables and wildcards in a text: `${aws:username}`, `${key, 'default'}`, `${*}`, `*`, `?`.
//! Where they are allowed is said by the element that holds the text.

use std::borrow::Cow;

use super::pattern::Symbol;
use crate::context::{Context, ContextValue, is_multivalued};
use crate::rule::{RuleId, rule};

/// What a template's text may contain besides itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Syntax {
    /// `*` and `?` are wildcards.
    pub(super) wildcards: bool,
    /// `${…}` is a variable: only in documents of version 2012-10-17 (`iam:G-23`, `iam:V-15`).
    pub(super) variables: bool,
}

/// A text whose wildcards and variables have been found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Template {
    pieces: Vec<Piece>,
    has_variables: bool,
    /// Whether `${*}`, `${?}` or `${$}` stands for its character (`iam:V-07`).
    has_literals: bool,
    /// Whether something looks like a variable and is none (`iam:V-14`).
    has_malformed: bool,
    /// The symbols of a text without variables, ready to match.
    fixed: Vec<Symbol>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum Piece {
    Symbol(Symbol),
    Variable(Variable),
}

/// `${key}` or `${key, 'default'}`.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Variable {
    /// Lower case: key names have no case (`iam:V-01`).
    key: String,
    default: Option<String>,
}

impl Template {
    /// Finds wildcards and variables. A malformed variable is literal text (`iam:V-14`).
    pub(super) fn parse(text: &str, syntax: Syntax) -> Self {
        let mut pieces = Vec::with_capacity(text.len());
        let mut has_literals = false;
        let mut has_malformed = false;
        let mut rest = text;
        while let Some(character) = rest.chars().next() {
            if syntax.variables && rest.starts_with("${") {
                if let Some((piece, after)) = read_variable(rest) {
                    has_literals |= matches!(piece, Piece::Symbol(_));
                    pieces.push(piece);
                    rest = after;
                    continue;
                }
                has_malformed = true;
            }
            pieces.push(Piece::Symbol(match character {
                '*' if syntax.wildcards => Symbol::AnyRun,
                '?' if syntax.wildcards => Symbol::AnyOne,
                other => Symbol::Exactly(other),
            }));
            rest = &rest[character.len_utf8()..];
        }
        let has_variables = pieces.iter().any(|piece| matches!(piece, Piece::Variable(_)));
        let fixed = if has_variables { Vec::new() } else { symbols(&pieces) };
        Self {
            pieces,
            has_variables,
            has_literals,
            has_malformed,
            fixed,
        }
    }

    /// The rules about variables that this text brings into play for a request (`iam:4`), whether it then matches or not.
    pub(super) fn notes(&self, context: &Context) -> Vec<RuleId> {
        let mut rules = Vec::new();
        if self.has_literals {
            rules.push(rule("iam:V-07"));
        }
        if self.has_malformed {
            rules.push(rule("iam:V-14"));
        }
        for piece in &self.pieces {
            if let Piece::Variable(variable) = piece {
                variable.note(context, &mut rules);
            }
        }
        rules
    }

    /// Whether the text depends on the request.
    pub(super) fn has_variables(&self) -> bool {
        self.has_variables
    }

    /// Whether some variable has no default.
    pub(super) fn needs_a_value(&self) -> bool {
        self.pieces
            .iter()
            .any(|piece| matches!(piece, Piece::Variable(variable) if variable.default.is_none()))
    }

    /// The pattern for one request; none when a variable has neither value nor default (`iam:V-08`, `iam:V-10`).
    /// Substituted text is literal (`iam:V-12`) and is not read again (`iam:V-13`).
    pub(super) fn resolve(&self, context: &Context) -> Option<Cow<'_, [Symbol]>> {
        if !self.has_variables {
            return Some(Cow::Borrowed(&self.fixed));
        }
        let mut resolved = Vec::with_capacity(self.pieces.len());
        for piece in &self.pieces {
            match piece {
                Piece::Symbol(symbol) => resolved.push(*symbol),
                Piece::Variable(variable) => resolved.extend(variable.value(context)?.chars().map(Symbol::Exactly)),
            }
        }
        Some(Cow::Owned(resolved))
    }
}

impl Variable {
    fn note(&self, context: &Context, rules: &mut Vec<RuleId>) {
        let value = self.value(context).unwrap_or_default();
        let matters = [
            (true, "iam:V-01"),
            (true, "iam:V-02"),
            (is_multivalued(&self.key), "iam:V-04"),
            (self.key.contains("tag/"), "iam:V-05"),
            (self.default.is_some(), "iam:V-06"),
            (value.contains(['*', '?']), "iam:V-12"),
            (value.contains(['*', '?']), "iam:OQ-28"),
            (value.contains("${"), "iam:V-13"),
            (self.key == "aws:username", "iam:V-16"),
        ];
        rules.extend(matters.into_iter().filter(|(holds, _)| *holds).map(|(_, id)| rule(id)));
    }

    /// Only single-valued keys have a value as a variable (`iam:V-04`).
    fn value<'a>(&'a self, context: &'a Context) -> Option<&'a str> {
        match context.get_lowercase(&self.key) {
            Some(ContextValue::One(text)) => Some(text),
            _ => self.default.as_deref(),
        }
    }
}

fn symbols(pieces: &[Piece]) -> Vec<Symbol> {
    pieces
        .iter()
        .filter_map(|piece| match piece {
            Piece::Symbol(symbol) => Some(*symbol),
            Piece::Variable(_) => None,
        })
        .collect()
}

/// Reads a variable at the start of a text, if a well-formed one is there: the piece and the text behind it.
fn read_variable(text: &str) -> Option<(Piece, &str)> {
    let inside = text.strip_prefix("${")?;
    for literal in ['*', '?', '$'] {
        // `${*}`, `${?}`, `${$}` stand for the character itself (iam:V-07).
        if let Some(after) = inside.strip_prefix(literal).and_then(|rest| rest.strip_prefix('}')) {
            return Some((Piece::Symbol(Symbol::Exactly(literal)), after));
        }
    }
    let key_length = inside.find(|character: char| !is_key_character(character))?;
    let (key, behind_key) = inside.split_at(key_length);
    if key.is_empty() {
        return None;
    }
    let key = key.to_ascii_lowercase();
    if let Some(after) = behind_key.strip_prefix('}') {
        return Some((Piece::Variable(Variable { key, default: None }), after));
    }
    // The default: a comma, one space, single quotes (iam:V-06).
    let (default, after) = behind_key.strip_prefix(", '")?.split_once("'}")?;
    if default.contains('\'') {
        // No page says how a quote would be written in a default: malformed, so literal text (iam:V-14).
        return None;
    }
    Some((
        Piece::Variable(Variable {
            key,
            default: Some(default.to_owned()),
        }),
        after,
    ))
}

/// What a key in a variable is made of. A space makes the variable malformed (`iam:V-14`).
fn is_key_character(character: char) -> bool {
    character.is_alphanumeric() || matches!(character, ':' | '/' | '_' | '.' | '-' | '@' | '=' | '+')
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::policy::pattern::glob;

    const FULL: Syntax = Syntax {
        wildcards: true,
        variables: true,
    };

    fn matches(template: &str, context: &Context, text: &str) -> Option<bool> {
        Template::parse(template, FULL)
            .resolve(context)
            .map(|pattern| glob(&pattern, text))
    }

    #[test]
    fn vectors_of_variables() {
        let user = Context::new()
            .with("aws:username", "u")
            .with("aws:PrincipalTag/star", "*")
            .with("aws:TagKeys", vec!["a".to_owned()]);
        let self_reference = user.clone().with("aws:PrincipalTag/t", "${aws:username}");
        for (rule, template, context, text, expected) in [
            ("iam:V-01", "b/${aws:username}/*", &user, "b/u/k", Some(true)),
            ("iam:V-01", "b/${AWS:UserName}/*", &user, "b/v/k", Some(false)),
            ("iam:V-10", "b/${aws:nobody}/*", &user, "b/x/k", None),
            ("iam:V-04", "${aws:TagKeys}", &user, "a", None),
            (
                "iam:V-06",
                "b/${aws:PrincipalTag/team, 'all'}/*",
                &user,
                "b/all/k",
                Some(true),
            ),
            ("iam:V-06", "${aws:username, 'x'}", &user, "u", Some(true)),
            ("iam:V-07", "b/${*}", &user, "b/*", Some(true)),
            ("iam:V-07", "b/${*}", &user, "b/x", Some(false)),
            ("iam:V-07", "b/${?}${$}", &user, "b/?$", Some(true)),
            ("iam:V-12", "b/${aws:PrincipalTag/star}/k", &user, "b/x/k", Some(false)),
            ("iam:V-12", "b/${aws:PrincipalTag/star}/k", &user, "b/*/k", Some(true)),
            (
                "iam:V-13",
                "b/${aws:PrincipalTag/t}",
                &self_reference,
                "b/u",
                Some(false),
            ),
            ("iam:V-14", "b/${aws:username", &user, "b/${aws:username", Some(true)),
            ("iam:V-14", "b/${}", &user, "b/${}", Some(true)),
            (
                "iam:V-14",
                "b/${aws: username}",
                &user,
                "b/${aws: username}",
                Some(true),
            ),
            (
                "iam:V-14",
                "${aws:username,'x'}",
                &user,
                "${aws:username,'x'}",
                Some(true),
            ),
            (
                "iam:V-14",
                "${aws:username, 'x}",
                &user,
                "${aws:username, 'x}",
                Some(true),
            ),
        ] {
            assert_eq!(
                matches(template, context, text),
                expected,
                "{rule}: {template} against {text}"
            );
        }
    }

    #[test]
    fn without_variables_everything_is_literal_but_wildcards() {
        // iam:V-15, iam:G-24
        let old = Template::parse(
            "b/${*}",
            Syntax {
                wildcards: true,
                variables: false,
            },
        );
        let pattern = old.resolve(&Context::new()).expect("nothing to resolve");
        assert!(glob(&pattern, "b/${abc}"));
        assert!(!glob(&pattern, "b/*"));
    }
}
