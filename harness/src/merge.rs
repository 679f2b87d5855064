//! The reports of all shards of a run as the report of the whole run. Shards hand on what they met before shrinking: the first case of
//! every kind of disagreement, and how many cases show it. Joined, that is what one process would have had before shrinking, so that the
//! same shrinking comes to the same findings. Here reports are read and joined; shrinking is `distinct`'s and `evaluator`'s.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use serde_json::{Map, Value, json};

use crate::distinct::GroupRecord;
use crate::expectations::Recorded;
use crate::report::{FILE, ReportFile, ReportFileError};
use crate::shard::Shard;

/// Name of the file beside it in which a shard of a `check` says what it met before shrinking.
pub const GROUPS: &str = "groups.ndjson";

/// Why reports cannot be put together.
#[derive(Debug, thiserror::Error)]
pub enum MergeError {
    /// There are none.
    #[error("no reports were given")]
    Nothing,
    /// A report cannot be used.
    #[error(transparent)]
    File(#[from] ReportFileError),
    /// Two reports are of different runs.
    #[error("`{}` is of another run than `{}`: {member} is {theirs}, not {ours}", path.display(), first.display())]
    OtherRun {
        /// The file.
        path: PathBuf,
        /// The file it differs from.
        first: PathBuf,
        /// What differs.
        member: String,
        /// There.
        ours: Box<Value>,
        /// Here.
        theirs: Box<Value>,
    },
    /// A part is missing or there twice.
    #[error("the shards are not all of one run: {0}")]
    Shards(String),
}

/// The report of one shard.
#[derive(Debug, Clone)]
struct Part {
    path: PathBuf,
    started: Map<String, Value>,
    groups: Vec<GroupRecord>,
    exemplars: Vec<(String, u64)>,
    cases: Vec<Recorded>,
    finished: Map<String, Value>,
}

/// The report of the whole run, as far as it goes without shrinking again.
#[derive(Debug, Clone)]
pub struct Merged {
    /// What the run was about.
    pub started: Map<String, Value>,
    /// Kinds of disagreement of a `check`; the same kind may come from several shards.
    pub groups: Vec<GroupRecord>,
    /// Numbers of the first cases of each class of an `evaluator` run.
    pub exemplars: BTreeMap<String, BTreeSet<u64>>,
    /// What each case of a `check` came to.
    pub cases: Vec<Recorded>,
    /// Its figures.
    pub finished: Map<String, Value>,
    /// Number of shards.
    pub shards: usize,
}

impl Merged {
    /// Whether it is of `countersign evaluator`.
    pub fn is_of_evaluator(&self) -> bool {
        text(&self.started, "run") == "evaluator"
    }
}

/// Members of a report's first line that shards need not share.
const OWN: &[&str] = &["event", "shard", "workers"];
/// Figures that cannot be joined: shares and distinct cases, of which shards keep the sum only.
const LOST: &[&str] = &["quality", "distinct"];

/// Joins the reports of all shards of a run: folders that hold a `report.ndjson`.
///
/// # Errors
/// [`MergeError`].
pub fn merge(folders: &[PathBuf]) -> Result<Merged, MergeError> {
    let parts = folders
        .iter()
        .map(|folder| read(folder))
        .collect::<Result<Vec<Part>, _>>()?;
    let first = parts.first().ok_or(MergeError::Nothing)?;
    for part in &parts[1..] {
        same_run(first, part)?;
    }
    complete(&parts)?;
    let mut finished = parts
        .iter()
        .map(|part| part.finished.clone())
        .reduce(|mut whole, part| {
            join(&mut whole, part, true);
            whole
        })
        .unwrap_or_default();
    let mut exemplars: BTreeMap<String, BTreeSet<u64>> = BTreeMap::new();
    for (class, number) in parts.iter().flat_map(|part| part.exemplars.iter().cloned()) {
        exemplars.entry(class).or_default().insert(number);
    }
    finished.remove("event");
    let mut started = first.started.clone();
    started.remove("event");
    started.remove("shard");
    let shards = parts.len();
    let (mut groups, mut cases) = (Vec::new(), Vec::new());
    for part in parts {
        groups.extend(part.groups);
        cases.extend(part.cases);
    }
    Ok(Merged {
        started,
        shards,
        groups,
        cases,
        exemplars,
        finished,
    })
}

fn read(folder: &Path) -> Result<Part, MergeError> {
    let file = ReportFile::read(&folder.join(FILE))?;
    let (mut started, mut finished) = (None, None);
    let mut exemplars = Vec::new();
    let mut cases = Vec::new();
    file.each(true, |event, body| {
        match (event, &body) {
            ("started", Value::Object(body)) => started = Some(body.clone()),
            ("exemplar", Value::Object(body)) => {
                let number = body.get("number").and_then(Value::as_u64).unwrap_or(u64::MAX);
                exemplars.push((text(body, "class").to_owned(), number));
            }
            // Of an evaluator's run there are none.
            ("case" | "failed", _) => cases.push(serde_json::from_value(body)?),
            ("finished", Value::Object(body)) => finished = Some(body.clone()),
            _ => {}
        }
        Ok(())
    })?;
    Ok(Part {
        started: file.had("started", started)?,
        finished: file.had("finished", finished)?,
        groups: read_groups(&folder.join(GROUPS))?,
        exemplars,
        cases,
        path: file.path().to_owned(),
    })
}

/// A run without a shard, and one of `evaluator`, has no such file.
fn read_groups(path: &Path) -> Result<Vec<GroupRecord>, ReportFileError> {
    let text_of_file = match std::fs::read_to_string(path) {
        Ok(text_of_file) => text_of_file,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(Vec::new()),
        Err(source) => {
            return Err(ReportFileError::Read {
                path: path.to_owned(),
                source,
            });
        }
    };
    let read = |(number, line): (usize, &str)| {
        serde_json::from_str(line).map_err(|error| ReportFileError::Line {
            path: path.to_owned(),
            line: number + 1,
            why: error.to_string(),
        })
    };
    text_of_file.lines().enumerate().map(read).collect()
}

fn same_run(first: &Part, part: &Part) -> Result<(), MergeError> {
    let members: BTreeSet<&String> = first.started.keys().chain(part.started.keys()).collect();
    for member in members {
        let (ours, theirs) = (first.started.get(member), part.started.get(member));
        if ours != theirs && !OWN.contains(&member.as_str()) {
            return Err(MergeError::OtherRun {
                path: part.path.clone(),
                first: first.path.clone(),
                member: member.clone(),
                ours: Box::new(ours.cloned().unwrap_or_default()),
                theirs: Box::new(theirs.cloned().unwrap_or_default()),
            });
        }
    }
    Ok(())
}

/// Every part of a run is there once.
fn complete(parts: &[Part]) -> Result<(), MergeError> {
    let mut seen: BTreeMap<u64, &Path> = BTreeMap::new();
    let mut of = None;
    for part in parts {
        let written = match part.started.get("shard") {
            None => Shard::WHOLE,
            Some(written) => written
                .as_str()
                .and_then(|written| written.parse().ok())
                .ok_or_else(|| MergeError::Shards(format!("`{}` is of {written}", part.path.display())))?,
        };
        let (index, count) = written.parts();
        if *of.get_or_insert(count) != count {
            return Err(MergeError::Shards(format!(
                "`{}` is one of {count}, others are not",
                part.path.display()
            )));
        }
        if let Some(other) = seen.insert(index, &part.path) {
            return Err(MergeError::Shards(format!(
                "{written} is there twice: `{}` and `{}`",
                other.display(),
                part.path.display()
            )));
        }
    }
    let of = of.unwrap_or_default();
    match (0..of).find(|index| !seen.contains_key(index)) {
        Some(missing) => Err(MergeError::Shards(format!("{}/{of} is missing", missing + 1))),
        None => Ok(()),
    }
}

/// Adds counts, joins lists and maps. Times of shards pass side by side, so the longest counts.
fn join(whole: &mut Map<String, Value>, part: Map<String, Value>, at_top: bool) {
    for (name, theirs) in part {
        if LOST.contains(&name.as_str()) {
            continue;
        }
        let Some(ours) = whole.get_mut(&name) else {
            whole.insert(name, theirs);
            continue;
        };
        let is_time = at_top && matches!(name.as_str(), "elapsed" | "seconds");
        match (ours, theirs) {
            (Value::Object(ours), Value::Object(theirs)) => join(ours, theirs, false),
            (Value::Array(ours), Value::Array(theirs)) => ours.extend(theirs),
            (Value::Bool(ours), Value::Bool(theirs)) => *ours |= theirs,
            (ours @ Value::Number(_), Value::Number(theirs)) => {
                let sum = match (ours.as_u64(), theirs.as_u64()) {
                    (Some(ours), Some(theirs)) if !is_time => json!(ours + theirs),
                    _ => {
                        let (ours, theirs) = (ours.as_f64().unwrap_or_default(), theirs.as_f64().unwrap_or_default());
                        json!(if is_time { ours.max(theirs) } else { ours + theirs })
                    }
                };
                *ours = sum;
            }
            _ => {}
        }
    }
    for lost in LOST {
        whole.remove(*lost);
    }
}

fn text<'a>(body: &'a Map<String, Value>, member: &str) -> &'a str {
    body.get(member).and_then(Value::as_str).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::{GROUPS, MergeError, merge};
    use crate::report::FILE;
    use serde_json::{Value, json};
    use std::path::PathBuf;

    fn report(name: &str, lines: &[Value], groups: &[Value]) -> PathBuf {
        let folder = std::env::temp_dir().join(format!("countersign-merge-{}-{name}", std::process::id()));
        std::fs::create_dir_all(&folder).expect("a temporary folder");
        for (file, lines) in [(FILE, lines), (GROUPS, groups)] {
            let lines: Vec<String> = lines.iter().map(Value::to_string).collect();
            std::fs::write(folder.join(file), lines.join("\n")).expect("a temporary file");
        }
        folder
    }

    fn started(shard: &str) -> Value {
        json!({"event": "started", "seed": 1, "shard": shard, "workers": 2})
    }

    #[test]
    fn counts_add_and_times_do_not() {
        let group = json!({"key": "k", "seen": 2, "order": ["random", 7], "case": {"countersign": 1, "id": "a.b"}});
        let one = report(
            "one",
            &[
                started("1/2"),
                json!({"event": "exemplar", "class": "c", "number": 4}),
                json!({"event": "finished", "diverging": 1, "skips": {"b": 1}, "elapsed": 2.5, "quality": {}, "interrupted": false}),
            ],
            &[group],
        );
        let two = report(
            "two",
            &[
                started("2/2"),
                json!({"event": "exemplar", "class": "c", "number": 3}),
                json!({"event": "finished", "diverging": 3, "skips": {"a": 1, "b": 2}, "elapsed": 1.5, "interrupted": true}),
            ],
            &[],
        );
        let merged = merge(&[one, two]).expect("two halves of a run");
        let finished = Value::Object(merged.finished);
        assert_eq!(
            finished,
            json!({"diverging": 4, "skips": {"a": 1, "b": 3}, "elapsed": 2.5, "interrupted": true})
        );
        assert_eq!(merged.groups.len(), 1);
        assert_eq!(merged.exemplars["c"].iter().copied().collect::<Vec<_>>(), [3, 4]);
    }

    #[test]
    fn parts_that_do_not_belong_together_are_refused() {
        let finished = json!({"event": "finished"});
        let one = report("part-1", &[started("1/2"), finished.clone()], &[]);
        let two = report("part-2", &[started("2/2"), finished.clone()], &[]);
        let third = report("part-3", &[started("3/3"), finished.clone()], &[]);
        let other_run = json!({"event": "started", "seed": 2, "shard": "2/2"});
        let other = report("other", &[other_run, finished.clone()], &[]);
        let cut_off = report("cut-off", &[started("2/2")], &[]);
        let broken = report("broken", &[json!(7)], &[]);
        let groups = report("groups", &[started("2/2"), finished], &[json!({})]);
        assert!(merge(&[one.clone(), two.clone()]).is_ok());
        assert!(matches!(merge(&[]), Err(MergeError::Nothing)));
        for (paths, wanted) in [
            (vec![one.clone()], "2/2 is missing"),
            (vec![one.clone(), one.clone()], "there twice"),
            (vec![one.clone(), third], "one of 3"),
            (vec![one.clone(), other], "seed is 2, not 1"),
            (vec![one.clone(), cut_off], "cut off"),
            (vec![one.clone(), broken], "line 1"),
            (vec![one.clone(), groups], "line 1"),
            (vec![one, PathBuf::from("/nonexistent/report")], "/nonexistent/report"),
        ] {
            let error = merge(&paths).expect_err(wanted).to_string();
            assert!(error.contains(wanted), "{error}");
        }
    }
}
