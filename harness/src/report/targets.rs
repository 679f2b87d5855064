//! Several runs side by side, `docs/matrix.md`: targets and rule areas, what must be allowed, denied and refused with an error in tables of
//! their own, so that a target that denies everything cannot look good. Made of the reports of runs alone.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::path::Path;

use serde::Deserialize;
use serde_json::Value;

use super::lines::{ReportFile, ReportFileError};
use super::matrix::{Matrix, Row, Score};
use super::plain;

/// A run, as far as the tables need it.
#[derive(Debug, Clone, PartialEq)]
pub struct TargetRun {
    started: StartedForm,
    areas: BTreeMap<String, Row>,
    total: Row,
    finished: FinishedForm,
}

#[derive(Debug, Clone, PartialEq, Deserialize)]
struct StartedForm {
    version: String,
    target: String,
    #[serde(default)]
    key: Option<String>,
    corpus: u64,
    random: u64,
    seed: u64,
}

#[derive(Debug, Clone, PartialEq, Deserialize)]
struct FinishedForm {
    verdicts: VerdictsForm,
    #[serde(default)]
    expected: Vec<Value>,
    #[serde(default)]
    interrupted: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Deserialize)]
struct VerdictsForm {
    cases: u64,
    pass: u64,
    expected_failures: u64,
    failures: u64,
    unexpected_passes: u64,
    skipped: u64,
    errors: u64,
}

#[derive(Deserialize)]
struct AreaForm {
    area: String,
    #[serde(flatten)]
    row: Row,
}

#[derive(Deserialize)]
struct MatrixForm {
    areas: Vec<AreaForm>,
    total: Row,
}

/// The part of a row that a table is about.
type ScoreOf = fn(&Row) -> Score;

impl TargetRun {
    /// Reads a report: the file, or the folder that holds it.
    ///
    /// # Errors
    /// [`ReportFileError`].
    pub fn read(path: &Path) -> Result<Self, ReportFileError> {
        let file = ReportFile::read(path)?;
        let (mut started, mut matrix, mut finished) = (None, None, None);
        file.each(false, |event, body| {
            match event {
                "started" => started = Some(serde_json::from_value::<StartedForm>(body)?),
                "matrix" => matrix = Some(serde_json::from_value::<MatrixForm>(body)?),
                "finished" => finished = Some(serde_json::from_value::<FinishedForm>(body)?),
                _ => {}
            }
            Ok(())
        })?;
        let matrix = file.had("matrix", matrix)?;
        Ok(Self {
            started: file.had("started", started)?,
            finished: file.had("finished", finished)?,
            areas: matrix.areas.into_iter().map(|one| (one.area, one.row)).collect(),
            total: matrix.total,
        })
    }

    /// The name at the head of a column.
    fn name(&self) -> String {
        cell(self.started.key.as_deref().unwrap_or(&self.started.target))
    }
}

/// The page of some runs, in their order.
pub fn page(runs: &[TargetRun]) -> String {
    let mut text = String::new();
    // Writing to a String cannot fail.
    let _ = write_page(&mut text, runs);
    text
}

fn write_page(text: &mut String, runs: &[TargetRun]) -> std::fmt::Result {
    writeln!(
        text,
        "# What targets get right\n\nMade of the reports of runs by `countersign matrix REPORT…`; not to be edited. Each step counts once in every area whose \
         rules decide it.\nA cell is the steps in which the target agrees with the model, of those that were compared; what a target cannot be asked is \
         skipped\nand in no cell. What must be allowed and what must be denied stand apart: one answer to everything is right in one table only.\n"
    )?;
    write_runs(text, runs)?;
    let tables: [(&str, ScoreOf); 3] = [
        ("What must be allowed", |row| row.allow),
        ("What must be denied", |row| row.deny),
        ("What must be refused with another error", |row| row.error),
    ];
    for (title, score) in tables {
        write_table(text, title, runs, score)?;
    }
    Ok(())
}

fn write_runs(text: &mut String, runs: &[TargetRun]) -> std::fmt::Result {
    writeln!(
        text,
        "| target | what it calls itself | run | cases | pass | known failures | new failures | skipped | errors |"
    )?;
    writeln!(text, "|---|---|---|--:|--:|--:|--:|--:|--:|")?;
    for run in runs {
        let counts = run.finished.verdicts;
        let random = match run.started.random {
            0 => String::new(),
            random => format!(" and {random} random cases, seed {}", run.started.seed),
        };
        let cut = if run.finished.interrupted { ", cut short" } else { "" };
        writeln!(
            text,
            "| {} | {} | corpus of {}{random}{cut} (Countersign {}) | {} | {} | {} | {} | {} | {} |",
            run.name(),
            cell(run.started.target.split(", adapter:").next().unwrap_or_default()),
            run.started.corpus,
            cell(&run.started.version),
            counts.cases,
            counts.pass + counts.unexpected_passes,
            match run.finished.expected.len() {
                0 => counts.expected_failures.to_string(),
                entries => format!("{} in {entries} entries", counts.expected_failures),
            },
            counts.failures,
            counts.skipped,
            counts.errors,
        )?;
    }
    Ok(())
}

fn write_table(text: &mut String, title: &str, runs: &[TargetRun], score: ScoreOf) -> std::fmt::Result {
    writeln!(text, "\n## {title}\n")?;
    let names: Vec<String> = runs.iter().map(TargetRun::name).collect();
    writeln!(text, "| area | {} |", names.join(" | "))?;
    writeln!(text, "|---|{}", "--:|".repeat(runs.len()))?;
    for area in Matrix::areas() {
        let scores: Vec<Score> = runs
            .iter()
            .map(|run| run.areas.get(area).map(score).unwrap_or_default())
            .collect();
        if scores.iter().any(|score| score.steps() > 0) {
            write_row(text, area, &scores)?;
        }
    }
    let totals: Vec<Score> = runs.iter().map(|run| score(&run.total)).collect();
    write_row(text, "**all steps**", &totals)
}

fn write_row(text: &mut String, name: &str, scores: &[Score]) -> std::fmt::Result {
    let cells: Vec<String> = scores.iter().map(|score| shown(*score)).collect();
    writeln!(text, "| {name} | {} |", cells.join(" | "))
}

/// `✓ 12`, or `10 of 12 (83%)`; rounded down, so that a hundred means all.
fn shown(score: Score) -> String {
    match (score.steps(), score.differ) {
        (0, _) => "–".to_owned(),
        (steps, 0) => format!("✓ {steps}"),
        (steps, _) => format!("{} of {steps} ({}%)", score.agree, score.agree * 100 / steps),
    }
}

/// A text of others in a cell of a table.
fn cell(text: &str) -> String {
    let mut safe = String::with_capacity(text.len());
    for letter in plain(text).chars() {
        match letter {
            '\n' | '\t' => safe.push(' '),
            '|' | '\\' | '`' | '*' | '_' | '[' | ']' | '<' | '>' | '&' | '#' => {
                safe.push('\\');
                safe.push(letter);
            }
            letter => safe.push(letter),
        }
    }
    safe
}

#[cfg(test)]
mod tests {
    use std::path::PathBuf;

    use serde_json::{Value, json};

    use super::{ReportFileError, TargetRun, page};

    fn report(name: &str, lines: &[Value]) -> PathBuf {
        let path = std::env::temp_dir().join(format!("countersign-matrix-{}-{name}.ndjson", std::process::id()));
        let lines: Vec<String> = lines.iter().map(Value::to_string).collect();
        std::fs::write(&path, lines.join("\n")).expect("a temporary file");
        path
    }

    fn lines(target: &str, agree: u64, differ: u64) -> Vec<Value> {
        let score = json!({"agree": agree, "differ": differ});
        let none = json!({"agree": 0, "differ": 0});
        vec![
            json!({"event": "started", "version": "0.1.0", "target": format!("{target} 2, adapter: /home/me/x"), "key": target, "corpus": 3, "random": 2, "seed": 1}),
            json!({"event": "case", "id": "a"}),
            json!({"event": "matrix", "areas": [{"area": "KMS grants", "allow": score, "deny": none, "error": none}],
                   "total": {"allow": score, "deny": none, "error": none}}),
            json!({"event": "finished", "verdicts": {"cases": 5, "pass": 2, "expected_failures": 1, "failures": 1, "unexpected_passes": 0,
                   "skipped": 1, "errors": 0}, "expected": [{}], "interrupted": false}),
        ]
    }

    #[test]
    fn runs_stand_side_by_side_and_names_stay_names() {
        let one = TargetRun::read(&report("one", &lines("one", 2, 1))).expect("a whole report");
        let two = TargetRun::read(&report("two", &lines("t|wo <b>", 4, 0))).expect("a whole report");
        let text = page(&[one, two]);
        // Where somebody keeps an adapter is nobody's business.
        assert!(
            text.contains("| one | one 2 | corpus of 3") && !text.contains("/home/me"),
            "{text}"
        );
        assert!(text.contains("| area | one | t\\|wo \\<b\\> |"), "{text}");
        assert!(text.contains("| KMS grants | 2 of 3 (66%) | ✓ 4 |"), "{text}");
        assert!(
            text.contains("| **all steps** | – | – |"),
            "nothing must be denied: {text}"
        );
        assert!(text.contains("| 5 | 2 | 1 in 1 entries | 1 | 1 | 0 |"), "{text}");
    }

    #[test]
    fn half_a_report_is_said() {
        for (event, left_out) in [("started", 0), ("matrix", 2), ("finished", 3)] {
            let mut lines = lines("x", 1, 1);
            lines.remove(left_out);
            match TargetRun::read(&report(event, &lines)) {
                Err(ReportFileError::Missing { event: missing, .. }) => assert_eq!(missing, event),
                other => panic!("{event}: {other:?}"),
            }
        }
        assert!(matches!(
            TargetRun::read(&PathBuf::from("/nonexistent/report")),
            Err(ReportFileError::Read { .. })
        ));
    }
}
