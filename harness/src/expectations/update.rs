//! Rewrites expectations so that they say what a run showed. Reasons, issues and last days of what is still so are kept; what no longer
//! is so goes; what is new comes with a reason that says that nobody has looked at it yet.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use super::{Entry, Expectations, PinnedRun, Recorded, RecordedRun, Verdict};
use crate::session::Phase;

/// The reason of an entry that nobody has looked at.
pub const UNSEEN: &str = "not looked at yet";

/// What an update did.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Changes {
    /// Entries that are as they were, but for the answers they are pinned to.
    pub kept: usize,
    /// New entries, in few words.
    pub added: Vec<String>,
    /// Entries that are gone, in few words.
    pub dropped: Vec<String>,
}

/// The entries that a run asks for: the old ones as far as they are still so, then those for what they leave open. A failing case of the
/// corpus is named by its id, a random one by what failed; with `by_fingerprint` all are.
pub fn update(old: Option<&Expectations>, run: &RecordedRun, by_fingerprint: bool) -> (Vec<Entry>, Changes) {
    let mut changes = Changes::default();
    let mut entries: Vec<Entry> = Vec::new();
    for entry in old.iter().flat_map(|file| &file.entries) {
        let still = still_so(entry, &run.cases);
        if still.is_empty() {
            changes.dropped.push(entry.words());
        }
        for one in still {
            let again = entries
                .iter()
                .any(|known| known.id == one.id && known.fingerprint == one.fingerprint);
            if !again {
                changes.kept += 1;
                entries.push(one);
            }
        }
    }
    for entry in new_entries(&entries, &run.cases, by_fingerprint) {
        changes.added.push(entry.words());
        entries.push(entry);
    }
    (entries, changes)
}

/// Failing steps of a case that a target is answerable for.
fn failing(case: &Recorded) -> impl Iterator<Item = (&str, &str)> {
    let failures = case.failures.iter().filter(|failure| !failure.of_model);
    failures.map(|failure| (failure.fingerprint.as_str(), failure.got.as_str()))
}

/// What is left of an entry: itself with the answers that came; exact ids in the place of a pattern that names passing cases too.
fn still_so(entry: &Entry, cases: &[Recorded]) -> Vec<Entry> {
    let named: Vec<&Recorded> = cases.iter().filter(|case| entry.names(&case.id)).collect();
    let mut answers: BTreeMap<&str, Vec<String>> = BTreeMap::new();
    for case in &named {
        for (fingerprint, got) in failing(case) {
            if entry.is_of(fingerprint) {
                let known = answers.entry(case.id.as_str()).or_default();
                if !known.iter().any(|one| one == got) {
                    known.push(got.to_owned());
                }
            }
        }
    }
    if answers.is_empty() {
        return Vec::new();
    }
    let passing = |case: &&Recorded| matches!(case.verdict, Verdict::Pass | Verdict::UnexpectedPass);
    if entry.id.is_some() && named.iter().any(passing) {
        return answers
            .into_iter()
            .map(|(id, got)| Entry {
                id: Some(id.to_owned()),
                got,
                ..entry.clone()
            })
            .collect();
    }
    let mut got: Vec<String> = entry
        .got
        .iter()
        .filter(|known| answers.values().flatten().any(|one| one == *known))
        .cloned()
        .collect();
    for answer in answers.into_values().flatten() {
        if !got.contains(&answer) {
            got.push(answer);
        }
    }
    vec![Entry { got, ..entry.clone() }]
}

fn new_entries(known: &[Entry], cases: &[Recorded], by_fingerprint: bool) -> Vec<Entry> {
    let is_known = |id: &str, fingerprint: &str, got: &str| {
        known
            .iter()
            .any(|entry| entry.names(id) && entry.is_of(fingerprint) && entry.got.iter().any(|answer| answer == got))
    };
    // By id for the corpus, then by kind, each in the order of its name.
    let mut wanted: BTreeMap<(Option<&str>, Option<&str>), Vec<String>> = BTreeMap::new();
    for case in cases {
        for (fingerprint, got) in failing(case) {
            if is_known(&case.id, fingerprint, got) {
                continue;
            }
            let key = if case.phase == Phase::Corpus && !by_fingerprint {
                (Some(case.id.as_str()), None)
            } else {
                (None, Some(fingerprint))
            };
            let answers = wanted.entry(key).or_default();
            if !answers.iter().any(|answer| answer == got) {
                answers.push(got.to_owned());
            }
        }
    }
    wanted
        .into_iter()
        .map(|((id, fingerprint), got)| Entry {
            id: id.map(str::to_owned),
            fingerprint: fingerprint.map(str::to_owned),
            got,
            reason: UNSEEN.to_owned(),
            issue: None,
            until: None,
            span: 0..0,
        })
        .collect()
}

/// The text of a file. Of an old one the comment at its head is kept.
pub fn render(old: Option<&Expectations>, target: &str, run: PinnedRun, entries: &[Entry]) -> String {
    let mut text = String::new();
    let head: Vec<&str> = old
        .map(|file| file.text.lines().take_while(|line| line.starts_with('#')).collect())
        .unwrap_or_default();
    if head.is_empty() {
        text.push_str("# Known divergences of one target: docs/expectations.md. `countersign expect update` rewrites this file and keeps reasons.\n");
    }
    for line in head {
        text.push_str(line);
        text.push('\n');
    }
    // Writing to a String cannot fail.
    let _ = write_body(&mut text, target, run, entries);
    text
}

fn write_body(text: &mut String, target: &str, run: PinnedRun, entries: &[Entry]) -> std::fmt::Result {
    writeln!(text, "target = {}", quoted(target))?;
    writeln!(text, "\n[run]\nseed = {}\ncases = {}", run.seed, run.cases)?;
    for entry in entries {
        writeln!(text, "\n[[expect]]")?;
        for (name, value) in [("id", &entry.id), ("fingerprint", &entry.fingerprint)] {
            if let Some(value) = value {
                writeln!(text, "{name} = {}", quoted(value))?;
            }
        }
        match entry.got.as_slice() {
            [only] => writeln!(text, "got = {}", quoted(only))?,
            several => {
                let list: Vec<String> = several.iter().map(|one| quoted(one)).collect();
                writeln!(text, "got = [{}]", list.join(", "))?;
            }
        }
        writeln!(text, "reason = {}", quoted(&entry.reason))?;
        if let Some(issue) = &entry.issue {
            writeln!(text, "issue = {}", quoted(issue))?;
        }
        if let Some(until) = entry.until {
            writeln!(text, "until = {until}")?;
        }
    }
    Ok(())
}

/// A text as a TOML string.
fn quoted(text: &str) -> String {
    toml::Value::from(text).to_string()
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::{UNSEEN, render, update};
    use crate::differential::fingerprint::StepFailure;
    use crate::expectations::{PinnedRun, Recorded, RecordedRun, Verdict, parse};
    use crate::session::Phase;

    fn case(phase: Phase, id: &str, failures: &[(&str, &str)]) -> Recorded {
        Recorded {
            phase,
            id: id.to_owned(),
            verdict: if failures.is_empty() {
                Verdict::Pass
            } else {
                Verdict::Failure
            },
            failures: failures
                .iter()
                .map(|(fingerprint, got)| StepFailure {
                    step: Some(0),
                    fingerprint: (*fingerprint).to_owned(),
                    got: (*got).to_owned(),
                    of_model: false,
                })
                .collect(),
        }
    }

    const OLD: &str = "# Of x.\n# By hand.\ntarget = \"x\"\n\n[[expect]]\nid = \"a.*\"\ngot = \"allow\"\nreason = \"all of a\"\nissue = \"https://e/1\"\n\
                       until = 2030-01-01\n\n[[expect]]\nfingerprint = \"kms *\"\ngot = \"allow\"\nreason = \"keys\"\n\n\
                       [[expect]]\nid = \"gone\"\ngot = \"allow\"\nreason = \"was so\"\n";

    #[test]
    fn what_is_still_so_is_kept_and_what_is_new_is_told() {
        let old = parse(Path::new("x.toml"), OLD.to_owned()).expect("the file is well-formed");
        let run = RecordedRun {
            cases: vec![
                case(Phase::Corpus, "a.1", &[("s3 x", "error")]),
                case(Phase::Corpus, "a.2", &[]),
                case(Phase::Corpus, "b.1", &[("s3 y", "deny")]),
                case(Phase::Random, "g.1", &[("kms z", "allow"), ("s3 \"q\"", "allow")]),
                case(Phase::Corpus, "gone", &[]),
            ],
            ..RecordedRun::default()
        };
        let (entries, changes) = update(Some(&old), &run, false);
        assert_eq!((changes.kept, changes.dropped.len(), changes.added.len()), (2, 1, 2));
        let text = render(Some(&old), "x", PinnedRun::default(), &entries);
        assert!(text.starts_with("# Of x.\n# By hand.\ntarget = \"x\"\n"), "{text}");
        let again = parse(Path::new("x.toml"), text.clone()).expect("what is written can be read");
        let shape: Vec<_> = again
            .entries
            .iter()
            .map(|entry| (entry.words(), entry.got.join("+"), entry.reason.clone()))
            .collect();
        let wanted = [
            // The pattern named a case that passes.
            ("id `a.1`", "error", "all of a"),
            ("fingerprint `kms *`", "allow", "keys"),
            ("fingerprint `s3 \"q\"`", "allow", UNSEEN),
            ("id `b.1`", "deny", UNSEEN),
        ];
        for (entry, (words, got, reason)) in shape.iter().zip(wanted) {
            assert_eq!(
                (entry.0.as_str(), entry.1.as_str(), entry.2.as_str()),
                (words, got, reason)
            );
        }
        assert_eq!(shape.len(), wanted.len());
        assert_eq!(again.entries[0].until, old.entries[0].until);
        assert_eq!(again.entries[0].issue, old.entries[0].issue);
        // A second time changes nothing.
        let (entries, changes) = update(Some(&again), &run, false);
        assert!(changes.added.is_empty() && changes.dropped.is_empty(), "{changes:?}");
        assert_eq!(render(Some(&again), "x", PinnedRun::default(), &entries), text);
    }
}
