//! A policy as it goes over the wire, and for every byte of it the place in the file that it came from. Mappings become compact JSON in
//! the order written, as `PolicyText::text` makes it; texts go verbatim; references are replaced by what they stand for.

use std::ops::Range;

use super::super::reference::{Reference, TextPart, parse_text};
use super::super::tree::{Node, NodeValue};
use super::policies::around;
use super::stand_in::StandIn;

/// The text of a policy with its origin.
pub(super) struct Written {
    text: String,
    origin: Origin,
    span: Range<usize>,
    is_a_guess: bool,
}

enum Origin {
    /// Where in the text each value and name of the mapping starts, in order, with its place in the file.
    Mapping(Vec<(usize, Range<usize>)>),
    /// One scalar: where in the text each piece starts, in order, with the offset in the scalar's text and whether it is literal.
    Verbatim {
        pieces: Vec<(usize, usize, bool)>,
        decoded: String,
    },
}

impl Written {
    /// Writes a policy. `value` says what a reference stands for.
    pub(super) fn of(node: &Node, value: impl Fn(&Reference) -> StandIn) -> Self {
        let mut writer = Writer {
            text: String::new(),
            marks: Vec::new(),
            is_a_guess: false,
            value: &value,
        };
        let origin = match &node.value {
            NodeValue::Text(decoded) => {
                let pieces = writer.verbatim(decoded);
                Origin::Verbatim {
                    pieces,
                    decoded: decoded.clone(),
                }
            }
            _ => {
                writer.node(node);
                Origin::Mapping(std::mem::take(&mut writer.marks))
            }
        };
        let span = match &origin {
            Origin::Mapping(marks) => around(marks.iter().map(|(_, span)| span.clone())),
            Origin::Verbatim { .. } => node.span.clone(),
        };
        Self {
            text: writer.text,
            origin,
            span,
            is_a_guess: writer.is_a_guess,
        }
    }

    pub(super) fn text(&self) -> &str {
        &self.text
    }

    /// Whether its length depends on a value that only the world has.
    pub(super) fn is_a_guess(&self) -> bool {
        self.is_a_guess
    }

    /// The part of the file it stands in.
    pub(super) fn span(&self) -> Range<usize> {
        self.span.clone()
    }

    /// The place in the file of a byte of the text: the value or name of a mapping that starts there or holds it; inside a scalar the
    /// very place where the scalar stands as it reads, else its start.
    pub(super) fn place(&self, offset: usize, file: &str) -> Range<usize> {
        match &self.origin {
            Origin::Mapping(marks) => {
                let after = marks.partition_point(|(start, _)| *start <= offset);
                let mark = after
                    .checked_sub(1)
                    .and_then(|before| marks.get(before))
                    .or_else(|| marks.first());
                mark.map_or_else(|| self.span.clone(), |(_, span)| span.clone())
            }
            Origin::Verbatim { pieces, decoded } => {
                let after = pieces.partition_point(|(start, _, _)| *start <= offset);
                let within = match after.checked_sub(1).and_then(|before| pieces.get(before)) {
                    Some((start, origin, true)) => origin + (offset - start),
                    Some((_, origin, false)) => *origin,
                    None => 0,
                };
                scalar_place(file, &self.span, decoded, within).unwrap_or_else(|| first_line(file, &self.span))
            }
        }
    }
}

struct Writer<'v, V> {
    text: String,
    marks: Vec<(usize, Range<usize>)>,
    is_a_guess: bool,
    value: &'v V,
}

impl<V: Fn(&Reference) -> StandIn> Writer<'_, V> {
    /// Depth is bounded by that of the tree.
    fn node(&mut self, node: &Node) {
        self.marks.push((self.text.len(), node.label()));
        match &node.value {
            NodeValue::Null => self.text.push_str("null"),
            NodeValue::Bool(truth) => self.text.push_str(if *truth { "true" } else { "false" }),
            NodeValue::Number(number) => self.text.push_str(&number.to_string()),
            NodeValue::Text(text) => self.string(text),
            NodeValue::List(entries) => {
                self.text.push('[');
                for (place, entry) in entries.iter().enumerate() {
                    if place > 0 {
                        self.text.push(',');
                    }
                    self.node(entry);
                }
                self.text.push(']');
            }
            NodeValue::Map(members) => {
                self.text.push('{');
                for (place, (key, member)) in members.iter().enumerate() {
                    if place > 0 {
                        self.text.push(',');
                    }
                    self.marks.push((self.text.len(), key.span.clone()));
                    self.string(&key.text);
                    self.text.push(':');
                    self.node(member);
                }
                self.text.push('}');
            }
        }
    }

    fn string(&mut self, text: &str) {
        let replaced = self.replace(text);
        self.text.push_str(&serde_json::Value::from(replaced).to_string());
    }

    fn replace(&mut self, text: &str) -> String {
        // A text that is not of the grammar is reported elsewhere.
        let Ok(parts) = parse_text(text) else {
            return text.to_owned();
        };
        let mut replaced = String::with_capacity(text.len());
        for part in parts {
            match part {
                TextPart::Literal(literal) => replaced.push_str(&literal),
                TextPart::Reference { reference, .. } => {
                    let value = (self.value)(&reference);
                    self.is_a_guess |= value.is_a_guess;
                    replaced.push_str(&value.text);
                }
            }
        }
        replaced
    }

    fn verbatim(&mut self, text: &str) -> Vec<(usize, usize, bool)> {
        let Ok(parts) = parse_text(text) else {
            text.clone_into(&mut self.text);
            return vec![(0, 0, true)];
        };
        let mut pieces = Vec::with_capacity(parts.len());
        let mut origin = 0;
        for part in parts {
            match part {
                TextPart::Literal(literal) => {
                    pieces.push((self.text.len(), origin, true));
                    origin += literal.len();
                    self.text.push_str(&literal);
                }
                TextPart::Reference {
                    reference,
                    offset,
                    length,
                } => {
                    let value = (self.value)(&reference);
                    self.is_a_guess |= value.is_a_guess;
                    pieces.push((self.text.len(), offset, false));
                    origin = offset + length;
                    self.text.push_str(&value.text);
                }
            }
        }
        pieces
    }
}

/// The place of a byte of a scalar's text; none where the file writes it otherwise than it reads (folded, or with exotic escapes).
fn scalar_place(file: &str, span: &Range<usize>, decoded: &str, offset: usize) -> Option<Range<usize>> {
    let raw = file.get(span.clone())?;
    let (start, is_quoted) = match raw.bytes().next() {
        Some(b'"') => (quoted(raw, decoded, offset, double_quoted)?, true),
        Some(b'\'') => (quoted(raw, decoded, offset, single_quoted)?, false),
        _ if raw.trim_end() == decoded => (offset, false),
        _ => (
            literal_block(file, span, decoded, offset)?.checked_sub(span.start)?,
            false,
        ),
    };
    let length = token_length(file.get(span.start + start..)?, is_quoted);
    Some(span.start + start..span.start + start + length)
}

/// Reads one character of a quoted scalar: what it stands for and how many bytes it takes.
type ReadCharacter = fn(&str) -> Option<(char, usize)>;

fn quoted(raw: &str, decoded: &str, offset: usize, read: ReadCharacter) -> Option<usize> {
    let mut at = 1;
    let mut read_to = 0;
    while read_to < offset {
        let (character, length) = read(raw.get(at..)?)?;
        // The file must read as the text does, character by character.
        if !decoded.get(read_to..)?.starts_with(character) {
            return None;
        }
        read_to += character.len_utf8();
        at += length;
    }
    (read_to == offset).then_some(at)
}

fn single_quoted(rest: &str) -> Option<(char, usize)> {
    let character = rest.chars().next().filter(|character| *character != '\n')?;
    if character == '\'' {
        return rest.starts_with("''").then_some(('\'', 2));
    }
    Some((character, character.len_utf8()))
}

fn double_quoted(rest: &str) -> Option<(char, usize)> {
    let mut characters = rest.chars();
    match characters.next()? {
        '\n' | '"' => None,
        '\\' => {
            let stands_for = match characters.next()? {
                'n' => '\n',
                't' => '\t',
                'r' => '\r',
                same @ ('"' | '\\' | '/' | ' ') => same,
                _ => return None,
            };
            Some((stands_for, 2))
        }
        plain => Some((plain, plain.len_utf8())),
    }
}

/// A literal block: each line of the text stands on a line of its own behind the same indentation.
fn literal_block(file: &str, span: &Range<usize>, decoded: &str, offset: usize) -> Option<usize> {
    // The span may begin at the bar or at the first line.
    let rest = file.get(span.start..)?;
    let body = if rest.starts_with('|') {
        span.start + rest.find('\n')? + 1
    } else if rest.starts_with('>') {
        return None;
    } else {
        file.get(..span.start)?.rfind('\n').map_or(0, |newline| newline + 1)
    };
    let header = file.get(..body)?.trim_end().rsplit('\n').next()?;
    if !header.contains('|') {
        return None;
    }
    let mut lines = file.get(body..)?.split_inclusive('\n');
    let mut at = body;
    let mut read_to = 0;
    let mut indentation = None;
    for wanted in decoded.split_inclusive('\n') {
        let line = lines.next()?;
        let content = if wanted.trim_end().is_empty() {
            line.len() - line.trim_start_matches(' ').len().min(line.len())
        } else {
            let own = *indentation.get_or_insert_with(|| line.len() - line.trim_start_matches(' ').len());
            if line.get(own..)?.trim_end_matches(['\n', '\r']) != wanted.trim_end_matches(['\n', '\r']) {
                return None;
            }
            own
        };
        if offset < read_to + wanted.len() || read_to + wanted.len() == decoded.len() {
            return Some((at + content + (offset - read_to)).min(file.len()));
        }
        read_to += wanted.len();
        at += line.len();
    }
    None
}

/// How much to point at: a whole JSON string on its line, else one character.
fn token_length(rest: &str, is_quoted: bool) -> usize {
    let quote = if is_quoted { "\\\"" } else { "\"" };
    let line = rest.lines().next().unwrap_or("");
    if let Some(behind) = line.strip_prefix(quote)
        && let Some(end) = behind.find(quote)
    {
        return quote.len() + end + quote.len();
    }
    rest.chars().next().map_or(0, char::len_utf8)
}

/// The first line of a scalar.
fn first_line(file: &str, span: &Range<usize>) -> Range<usize> {
    let raw = file.get(span.clone()).unwrap_or("");
    span.start..span.start + raw.lines().next().unwrap_or("").len()
}
