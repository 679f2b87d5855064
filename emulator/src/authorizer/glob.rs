//! Matching: the steps of a pattern against a text, without allocation. How patterns are written and compiled is
//! in `pattern`.

use std::ops::Range;

use super::asked::Asked;
use super::pattern::{Key, Piece};
use crate::fault::Fault;

/// Whether letter case counts. Ignoring it folds ASCII only (`iam:OQ-17`).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Case {
    Sensitive,
    Ignored,
}

/// One step of matching, with variables replaced.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Run<'a> {
    Text(&'a str),
    One,
    Star,
}

impl<'a> Run<'a> {
    /// A variable is nothing here: only patterns without variables are matched piece by piece.
    pub(crate) fn of(piece: &'a Piece) -> Self {
        match piece {
            Piece::Literal(text) => Self::Text(text),
            Piece::One => Self::One,
            Piece::Star => Self::Star,
            Piece::Variable { .. } => Self::Text(""),
        }
    }
}

/// More runs than a pattern of any sane policy has; the rest goes to the heap.
const INLINE_RUNS: usize = 24;

/// A list of runs that stays on the stack while it is short.
#[derive(Debug)]
pub(crate) struct Runs<'a> {
    inline: [Run<'a>; INLINE_RUNS],
    length: usize,
    spilled: Vec<Run<'a>>,
}

impl<'a> Runs<'a> {
    pub(crate) fn new() -> Self {
        Self {
            inline: [Run::One; INLINE_RUNS],
            length: 0,
            spilled: Vec::new(),
        }
    }

    pub(crate) fn push(&mut self, run: Run<'a>) {
        match self.inline.get_mut(self.length) {
            Some(place) => *place = run,
            None => {
                if self.spilled.is_empty() {
                    self.spilled.extend_from_slice(&self.inline);
                }
                self.spilled.push(run);
            }
        }
        self.length += 1;
    }

    pub(crate) fn as_slice(&self) -> &[Run<'a>] {
        if self.spilled.is_empty() {
            &self.inline[..self.length]
        } else {
            &self.spilled
        }
    }
}

/// Replaces variables by their values, which are literal text and are not looked at again (`iam:V-12`,
/// `iam:V-13`). `None` when one has neither value nor default.
pub(crate) fn resolve<'p, 'a: 'p>(pieces: &'p [Piece], asked: &Asked<'a>) -> Option<Runs<'p>> {
    let mut runs = Runs::new();
    for piece in pieces {
        match piece {
            Piece::Variable { key, default } => {
                let value = value_of(key, default.as_deref(), asked)?;
                if asked.has(Fault::SubstitutedWildcardsActive) {
                    push_with_wildcards(value, &mut runs);
                } else {
                    runs.push(Run::Text(value));
                }
            }
            other => runs.push(Run::of(other)),
        }
    }
    Some(runs)
}

/// Whether every variable has a value or a default.
pub(crate) fn is_resolved(pieces: &[Piece], asked: &Asked<'_>) -> bool {
    pieces.iter().all(|piece| match piece {
        Piece::Variable { key, default } => value_of(key, default.as_deref(), asked).is_some(),
        Piece::Literal(_) | Piece::One | Piece::Star => true,
    })
}

fn value_of<'p, 'a: 'p>(key: &Key, default: Option<&'p str>, asked: &Asked<'a>) -> Option<&'p str> {
    let empty = || asked.has(Fault::UnresolvedVariableIsEmpty).then_some("");
    let value: Option<&'p str> = asked.single(key);
    let default = default.filter(|_| !asked.has(Fault::VariableDefaultIgnored));
    value.or(default).or_else(empty)
}

/// What `substituted-wildcards-active` makes of a value.
fn push_with_wildcards<'a>(value: &'a str, runs: &mut Runs<'a>) {
    let mut rest = value;
    while let Some(at) = rest.find(['*', '?']) {
        runs.push(Run::Text(&rest[..at]));
        runs.push(if rest[at..].starts_with('*') {
            Run::Star
        } else {
            Run::One
        });
        rest = &rest[at + 1..];
    }
    runs.push(Run::Text(rest));
}

/// Globbing segment by segment: what stands before the first star is anchored at the start, what stands after the
/// last one at the end, and the segments between are each found at their earliest place, which leaves the most
/// for the rest. No step is ever taken back, so hostile patterns cost no more than others. The text is UTF-8.
#[inline]
pub(crate) fn glob<'a>(count: usize, run_at: impl Fn(usize) -> Run<'a>, text: &[u8], case: Case) -> bool {
    let segment_from = |start: usize| {
        let mut end = start;
        while end < count && run_at(end) != Run::Star {
            end += 1;
        }
        end
    };
    let mut end = segment_from(0);
    let Some(mut at) = match_forward(0..end, &run_at, text, 0, case) else {
        return false;
    };
    if end == count {
        return at == text.len();
    }
    loop {
        let start = end + 1;
        end = segment_from(start);
        if end == count {
            return match_backward(start..end, &run_at, text, case).is_some_and(|from| from >= at);
        }
        let Some(next) = find(start..end, &run_at, text, at, case) else {
            return false;
        };
        at = next;
    }
}

/// Where the runs end that start at `at`, if they fit there.
#[inline]
fn match_forward<'a>(
    runs: Range<usize>,
    run_at: &impl Fn(usize) -> Run<'a>,
    text: &[u8],
    mut at: usize,
    case: Case,
) -> Option<usize> {
    for run in runs {
        let rest = text.get(at..)?;
        at += match run_at(run) {
            Run::Text(want) => starts_with(rest, want.as_bytes(), case).then_some(want.len())?,
            Run::One | Run::Star => character_length(*rest.first()?),
        };
    }
    Some(at)
}

/// Where the runs start that end with the text, if they fit there.
#[inline]
fn match_backward<'a>(
    runs: Range<usize>,
    run_at: &impl Fn(usize) -> Run<'a>,
    text: &[u8],
    case: Case,
) -> Option<usize> {
    let mut at = text.len();
    for run in runs.rev() {
        let rest = text.get(..at)?;
        at = match run_at(run) {
            Run::Text(want) => {
                let from = at.checked_sub(want.len())?;
                starts_with(&rest[from..], want.as_bytes(), case).then_some(from)?
            }
            // The last byte that is not the continuation of a character.
            Run::One | Run::Star => rest.iter().rposition(|byte| byte & 0xC0 != 0x80)?,
        };
    }
    Some(at)
}

/// Where the earliest place ends at which the runs fit, from `at` on.
#[inline]
fn find<'a>(
    runs: Range<usize>,
    run_at: &impl Fn(usize) -> Run<'a>,
    text: &[u8],
    mut at: usize,
    case: Case,
) -> Option<usize> {
    let first = match run_at(runs.start) {
        Run::Text(want) if case == Case::Sensitive => want.as_bytes().first().copied(),
        _ => None,
    };
    loop {
        if let Some(first) = first {
            at += text.get(at..)?.iter().position(|byte| *byte == first)?;
        }
        if let Some(end) = match_forward(runs.clone(), run_at, text, at, case) {
            return Some(end);
        }
        at += character_length(*text.get(at)?);
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
fn starts_with(have: &[u8], want: &[u8], case: Case) -> bool {
    match case {
        Case::Sensitive => have.starts_with(want),
        Case::Ignored => have
            .get(..want.len())
            .is_some_and(|start| start.eq_ignore_ascii_case(want)),
    }
}

#[cfg(test)]
mod tests {
    use super::{INLINE_RUNS, Run, Runs};

    #[test]
    fn runs_spill_without_losing_order() {
        let mut runs = Runs::new();
        let all: Vec<Run<'_>> = (0..INLINE_RUNS * 2)
            .map(|index| if index % 3 == 0 { Run::Star } else { Run::Text("x") })
            .collect();
        for (index, run) in all.iter().enumerate() {
            runs.push(*run);
            assert_eq!(runs.as_slice(), &all[..=index]);
        }
    }
}
