//! The reports of all shards of a run as the report of the whole run: the same findings, with the same exemplars, as one process
//! would have. Reads and joins `report.ndjson` files; nothing is run, compared or shrunk again.
//!
//! A whole run shows the first so many findings in the order of the cases; each shard shows at least those of them whose first case is
//! its own, so the joined list has every one of them, and what is beyond it is cut off as in a whole run.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use serde_json::{Map, Value, json};

use crate::shard::Shard;

/// Name of the report in a report's folder.
pub const FILE: &str = "report.ndjson";

/// Why reports cannot be put together.
#[derive(Debug, thiserror::Error)]
pub enum MergeError {
    /// There are none.
    #[error("no reports were given")]
    Nothing,
    /// A report cannot be read.
    #[error("`{}`: {source}", path.display())]
    Read {
        /// The file.
        path: PathBuf,
        /// The system's reason.
        source: std::io::Error,
    },
    /// A line is none of a report.
    #[error("`{}`, line {line}: {why}", path.display())]
    Line {
        /// The file.
        path: PathBuf,
        /// From 1.
        line: usize,
        /// What is wrong.
        why: String,
    },
    /// The run was cut off.
    #[error("`{}` has no line `{event}`: its run was cut off", path.display())]
    CutOff {
        /// The file.
        path: PathBuf,
        /// What is missing.
        event: &'static str,
    },
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
        ours: Value,
        /// Here.
        theirs: Value,
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
    findings: Vec<Map<String, Value>>,
    exemplars: Vec<Map<String, Value>>,
    finished: Map<String, Value>,
}

/// A finding of the whole run.
#[derive(Debug, Clone)]
pub struct MergedFinding {
    /// As in the report of its shard, but seen as often as in all of them.
    pub body: Map<String, Value>,
    /// The folder of the report that it is from.
    pub folder: PathBuf,
}

impl MergedFinding {
    /// What makes it one finding.
    pub fn fingerprint(&self) -> &str {
        text(&self.body, "fingerprint")
    }

    /// The name of its Case file.
    pub fn file(&self) -> Option<&std::ffi::OsStr> {
        Path::new(text(&self.body, "saved")).file_name()
    }
}

/// The report of the whole run.
#[derive(Debug, Clone)]
pub struct Merged {
    /// What the run was about.
    pub started: Map<String, Value>,
    /// Its findings, in its order.
    pub findings: Vec<MergedFinding>,
    /// Its figures.
    pub finished: Map<String, Value>,
    /// Number of shards.
    pub shards: usize,
}

/// Members of a report's first line that shards need not share.
const OWN: &[&str] = &["event", "shard", "workers"];
/// Figures that cannot be joined: shares and distinct cases, of which shards keep the sum only.
const LOST: &[&str] = &["quality", "distinct"];

/// Joins the reports of all shards of a run: files, or folders that hold a `report.ndjson`. At most `shown` findings of a `check` are
/// kept, as in a whole run; at most `exemplars` cases of a class of an `evaluator` run.
///
/// # Errors
/// [`MergeError`].
pub fn merge(paths: &[PathBuf], shown: usize, exemplars: usize) -> Result<Merged, MergeError> {
    let parts = paths.iter().map(|path| read(path)).collect::<Result<Vec<Part>, _>>()?;
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
    let findings = if text(&first.started, "run") == "evaluator" {
        of_evaluator(&parts, exemplars)
    } else {
        of_check(&parts, &finished, shown)
    };
    finished.remove("event");
    let mut started = first.started.clone();
    started.remove("event");
    started.remove("shard");
    Ok(Merged {
        started,
        findings,
        finished,
        shards: parts.len(),
    })
}

fn read(path: &Path) -> Result<Part, MergeError> {
    let path = if path.is_dir() {
        path.join(FILE)
    } else {
        path.to_owned()
    };
    let text_of_file = std::fs::read_to_string(&path).map_err(|source| MergeError::Read {
        path: path.clone(),
        source,
    })?;
    let (mut started, mut finished) = (None, None);
    let (mut findings, mut exemplars) = (Vec::new(), Vec::new());
    for (number, line) in text_of_file.lines().enumerate() {
        let body: Map<String, Value> = serde_json::from_str(line).map_err(|error| MergeError::Line {
            path: path.clone(),
            line: number + 1,
            why: error.to_string(),
        })?;
        match text(&body, "event") {
            "started" => started = Some(body),
            "finding" => findings.push(body),
            "exemplar" => exemplars.push(body),
            "finished" => finished = Some(body),
            _ => {}
        }
    }
    let cut_off = |event| MergeError::CutOff {
        path: path.clone(),
        event,
    };
    Ok(Part {
        started: started.ok_or_else(|| cut_off("started"))?,
        finished: finished.ok_or_else(|| cut_off("finished"))?,
        findings,
        exemplars,
        path,
    })
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
                ours: ours.cloned().unwrap_or_default(),
                theirs: theirs.cloned().unwrap_or_default(),
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

/// Of each fingerprint the exemplar that comes first in the whole run; of these the first so many.
fn of_check(parts: &[Part], finished: &Map<String, Value>, shown: usize) -> Vec<MergedFinding> {
    let mut found: BTreeMap<&str, (u64, MergedFinding)> = BTreeMap::new();
    for (part, body) in parts
        .iter()
        .flat_map(|part| part.findings.iter().map(move |body| (part, body)))
    {
        let position = body.get("position").and_then(Value::as_u64).unwrap_or(u64::MAX);
        let is_first = found
            .get(text(body, "fingerprint"))
            .is_none_or(|(known, _)| position < *known);
        if is_first {
            found.insert(text(body, "fingerprint"), (position, finding(part, body)));
        }
    }
    let mut found: Vec<(u64, MergedFinding)> = found.into_values().collect();
    found.sort_by_key(|(position, _)| *position);
    found.truncate(shown);
    let seen = finished.get("fingerprints");
    for (_, finding) in &mut found {
        if let Some(count) = seen.and_then(|seen| seen.get(finding.fingerprint())) {
            finding.body.insert("seen".to_owned(), count.clone());
        }
    }
    found.into_iter().map(|(_, finding)| finding).collect()
}

/// Of each class the exemplars with the smallest numbers, as a whole run keeps them; of each fingerprint among them the first.
fn of_evaluator(parts: &[Part], exemplars: usize) -> Vec<MergedFinding> {
    let mut classes: BTreeMap<&str, BTreeMap<u64, (&Part, &str)>> = BTreeMap::new();
    for part in parts {
        for exemplar in &part.exemplars {
            let number = exemplar.get("number").and_then(Value::as_u64).unwrap_or(u64::MAX);
            classes
                .entry(text(exemplar, "class"))
                .or_default()
                .insert(number, (part, text(exemplar, "fingerprint")));
        }
    }
    let mut found: BTreeMap<&str, MergedFinding> = BTreeMap::new();
    for (class, of_class) in classes {
        let seen: u64 = parts
            .iter()
            .filter_map(|part| part.finished.get("report")?.get("disagreements")?.get(class)?.as_u64())
            .sum();
        for (number, (part, fingerprint)) in of_class.into_iter().take(exemplars) {
            if fingerprint.is_empty() || found.contains_key(fingerprint) {
                continue;
            }
            // A shard keeps the first exemplar of a fingerprint only, which is the first of the whole run too if it is the shard's.
            let body = part.findings.iter().find(|body| {
                text(body, "fingerprint") == fingerprint
                    && body
                        .get("number")
                        .and_then(Value::as_u64)
                        .is_none_or(|own| own == number)
            });
            if let Some(body) = body {
                let mut finding = finding(part, body);
                finding.body.insert("seen".to_owned(), json!(seen));
                found.insert(fingerprint, finding);
            }
        }
    }
    found.into_values().collect()
}

fn finding(part: &Part, body: &Map<String, Value>) -> MergedFinding {
    let mut body = body.clone();
    body.remove("event");
    MergedFinding {
        body,
        folder: part.path.parent().unwrap_or(Path::new(".")).to_owned(),
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
    use super::{MergeError, merge};
    use serde_json::{Value, json};
    use std::path::PathBuf;

    fn report(name: &str, lines: &[Value]) -> PathBuf {
        let folder = std::env::temp_dir().join(format!("countersign-merge-{}", std::process::id()));
        std::fs::create_dir_all(&folder).expect("a temporary folder");
        let path = folder.join(name);
        let lines: Vec<String> = lines.iter().map(Value::to_string).collect();
        std::fs::write(&path, lines.join("\n")).expect("a temporary file");
        path
    }

    fn started(shard: &str) -> Value {
        json!({"event": "started", "seed": 1, "shard": shard, "workers": 2})
    }

    #[test]
    fn the_first_exemplar_wins_and_counts_add() {
        let one = report(
            "one",
            &[
                started("1/2"),
                json!({"event": "finding", "fingerprint": "b", "position": 6, "seen": 1, "found_in": "c6"}),
                json!({"event": "finished", "diverging": 1, "fingerprints": {"b": 1}, "elapsed": 2.5, "quality": {}, "interrupted": false}),
            ],
        );
        let two = report(
            "two",
            &[
                started("2/2"),
                json!({"event": "finding", "fingerprint": "b", "position": 3, "seen": 2, "found_in": "c3"}),
                json!({"event": "finding", "fingerprint": "a", "position": 5, "seen": 1, "found_in": "c5"}),
                json!({"event": "finished", "diverging": 3, "fingerprints": {"a": 1, "b": 2}, "elapsed": 1.5, "interrupted": false}),
            ],
        );
        let merged = merge(&[one.clone(), two.clone()], 20, 12).expect("two halves of a run");
        let found: Vec<Value> = merged
            .findings
            .iter()
            .map(|one| Value::Object(one.body.clone()))
            .collect();
        assert_eq!(
            found,
            [
                json!({"fingerprint": "b", "position": 3, "seen": 3, "found_in": "c3"}),
                json!({"fingerprint": "a", "position": 5, "seen": 1, "found_in": "c5"}),
            ]
        );
        let finished = Value::Object(merged.finished);
        assert_eq!(
            finished,
            json!({"diverging": 4, "fingerprints": {"a": 1, "b": 3}, "elapsed": 2.5, "interrupted": false})
        );
        let cut = merge(&[one, two], 1, 12).expect("two halves of a run");
        assert_eq!(cut.findings.len(), 1);
    }

    #[test]
    fn parts_that_do_not_belong_together_are_refused() {
        let finished = json!({"event": "finished"});
        let one = report("part-1", &[started("1/2"), finished.clone()]);
        let two = report("part-2", &[started("2/2"), finished.clone()]);
        let third = report("part-3", &[started("3/3"), finished.clone()]);
        let other = report(
            "other",
            &[json!({"event": "started", "seed": 2, "shard": "2/2"}), finished],
        );
        let cut_off = report("cut-off", &[started("2/2")]);
        let broken = report("broken", &[json!(7)]);
        assert!(merge(&[one.clone(), two.clone()], 20, 12).is_ok());
        assert!(matches!(merge(&[], 20, 12), Err(MergeError::Nothing)));
        for (paths, wanted) in [
            (vec![one.clone()], "2/2 is missing"),
            (vec![one.clone(), one.clone()], "there twice"),
            (vec![one.clone(), third], "one of 3"),
            (vec![one.clone(), other], "seed is 2, not 1"),
            (vec![one.clone(), cut_off], "cut off"),
            (vec![one.clone(), broken], "line 1"),
            (vec![one, PathBuf::from("/nonexistent/report")], "/nonexistent/report"),
        ] {
            let error = merge(&paths, 20, 12).expect_err(wanted).to_string();
            assert!(error.contains(wanted), "{error}");
        }
    }
}
