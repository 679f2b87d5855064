//! The user's file beside a case: where a value of the case stands in it, and how that place is shown.

use std::fmt::Write as _;
use std::ops::Range;

use countersign_model::case::Syntax;
use countersign_model::case::place::{Place, Places};
use serde::Serialize;

use super::tree::{Path, Segment};
use crate::report::plain;

/// Most lines of a value that are shown.
const SHOWN_LINES: usize = 6;
/// Most characters of a line that are shown.
const SHOWN_COLUMNS: usize = 110;
/// Characters of a value that must be seen before its line is shown from further right.
const LEAST_SHOWN: usize = 40;
/// Characters shown to the left of a value in such a line.
const MARGIN: usize = 12;

/// A file of cases.
#[derive(Debug, Clone)]
pub struct SourceFile {
    name: String,
    text: String,
    places: Option<Places>,
}

/// A place in the user's file.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct FilePlace {
    /// The file.
    pub file: String,
    /// The line, from 1.
    pub line: usize,
    /// The column in characters, from 1.
    pub column: usize,
    /// First byte and the byte behind the last.
    pub bytes: Range<usize>,
}

impl SourceFile {
    /// A file that was read. If its text is no case, nothing is found in it.
    pub fn new(name: impl Into<String>, text: impl Into<String>, syntax: Syntax) -> Self {
        let text = text.into();
        Self {
            name: name.into(),
            places: Places::read(&text, syntax).ok(),
            text,
        }
    }

    /// Where a value stands; of a value that is not there, what is nearest above it.
    pub(super) fn find(&self, document: usize, path: &Path) -> Option<FilePlace> {
        let mut place = self.places.as_ref()?.documents().nth(document)?;
        for segment in path.segments() {
            match below(place, segment) {
                Some(next) => place = next,
                None => break,
            }
        }
        Some(self.place(place.span()))
    }

    fn place(&self, span: Range<usize>) -> FilePlace {
        let before = self.text.get(..span.start.min(self.text.len())).unwrap_or(&self.text);
        let column = before.rsplit('\n').next().unwrap_or("").chars().count() + 1;
        let end = self.end(&span, column);
        FilePlace {
            file: self.name.clone(),
            line: before.matches('\n').count() + 1,
            column,
            bytes: span.start..end,
        }
    }

    /// Where a value ends. Readers of YAML tell of a mapping or list where it starts only: it ends with its bracket, or where the text is
    /// no longer indented as far.
    fn end(&self, span: &Range<usize>, column: usize) -> usize {
        let rest = self.text.get(span.start..).unwrap_or("");
        let flow = rest.starts_with(['{', '[']);
        if span.len() > 1 && !flow {
            return span.end;
        }
        if flow {
            return closing(rest).map_or(span.end, |length| span.start + length);
        }
        let mut end = span.start;
        for (number, line) in rest.split_inclusive('\n').enumerate() {
            let indented = line.chars().take_while(|letter| *letter == ' ').count();
            let blank = line.trim().is_empty();
            if number > 0 && !blank && indented + 1 < column {
                break;
            }
            end += line.len();
        }
        span.start + self.text.get(span.start..end).unwrap_or("").trim_end().len()
    }

    /// The lines of a place, with a mark under its first.
    pub(super) fn show(&self, place: &FilePlace, indent: &str) -> String {
        let mut shown = String::new();
        // Writing to a String cannot fail.
        let _ = writeln!(
            shown,
            "{indent}--> {}:{}:{}",
            plain(&place.file),
            place.line,
            place.column
        );
        let value = self.text.get(place.bytes.clone()).unwrap_or("");
        let count = value.lines().count().clamp(1, SHOWN_LINES);
        let lines = self.text.lines().enumerate().skip(place.line - 1).take(count);
        // Of long lines the part is shown in which the value starts.
        let marked = value.lines().next().unwrap_or("").chars().count().max(1);
        let from = if place.column - 1 + marked.min(LEAST_SHOWN) > SHOWN_COLUMNS {
            place.column - 1 - MARGIN.min(place.column - 1)
        } else {
            0
        };
        for (number, line) in lines {
            let part: String = line.chars().skip(from).collect();
            let lead = if from > 0 { "…" } else { "" };
            let _ = writeln!(shown, "{indent}{:5} | {lead}{}", number + 1, shortened(&part));
            if number + 1 == place.line {
                let at = place.column - 1 - from;
                // Tabs stay tabs, so that the mark stands under its text.
                let gap: String = part
                    .chars()
                    .take(at)
                    .map(|letter| if letter == '\t' { '\t' } else { ' ' })
                    .collect();
                let marks = "^".repeat(marked.min(SHOWN_COLUMNS.saturating_sub(at)).max(1));
                let lead = if from > 0 { " " } else { "" };
                let _ = writeln!(shown, "{indent}      | {lead}{gap}{marks}");
            }
        }
        if value.lines().count() > SHOWN_LINES {
            let _ = writeln!(shown, "{indent}      | …");
        }
        shown
    }
}

/// The length of a flow mapping or list at the start of a text, brackets included; none if it does not end.
fn closing(text: &str) -> Option<usize> {
    let mut depth = 0_usize;
    let mut quote: Option<char> = None;
    let mut escaped = false;
    for (offset, letter) in text.char_indices() {
        match (quote, letter) {
            (Some(_), _) if escaped => escaped = false,
            (Some('"'), '\\') => escaped = true,
            (Some(open), _) if open == letter => quote = None,
            (Some(_), _) => {}
            (None, '"' | '\'') => quote = Some(letter),
            (None, '{' | '[') => depth += 1,
            (None, '}' | ']') => {
                depth = depth.saturating_sub(1);
                if depth == 0 {
                    return Some(offset + letter.len_utf8());
                }
            }
            _ => {}
        }
    }
    None
}

/// One step down, where the text has it: a single statement stands for a list of one.
fn below<'t>(place: Place<'t>, segment: &Segment) -> Option<Place<'t>> {
    match segment {
        Segment::Member(name) => place.member(name),
        Segment::Entry(0) if place.is_mapping() => Some(place),
        Segment::Entry(entry) => place.entry(*entry),
    }
}

fn shortened(line: &str) -> String {
    let safe = plain(line);
    if safe.chars().count() <= SHOWN_COLUMNS {
        return safe.into_owned();
    }
    let mut short: String = safe.chars().take(SHOWN_COLUMNS - 1).collect();
    short.push('…');
    short
}
