//! The table rule × outcome over the whole corpus: every cell is filled, or listed as out of reach in `unreachable.toml`.

use countersign_model::coverage::{Coverage, Row, faults_of_unreachable, table};

use super::cases_in;

/// The folders of the corpus.
const FOLDERS: [&str; 4] = ["", "stories", "evaluator", "evaluator/pairs"];

/// Runs the corpus.
fn rows() -> Vec<Row> {
    let mut coverage = Coverage::default();
    for case in FOLDERS.into_iter().flat_map(cases_in) {
        coverage
            .add(&case)
            .unwrap_or_else(|fault| panic!("{}: {fault}", case.id));
    }
    coverage.rows()
}

/// Prints the table (`--nocapture`) and fails on an empty cell that nothing says is out of reach, and on a full one that is said to be.
#[test]
fn the_table_of_rules_and_outcomes_has_no_empty_reachable_cell() {
    let rows = rows();
    assert!(rows.len() > 500, "only {} deciding rules", rows.len());
    println!("{}", table(&rows));
    let mut faults = faults_of_unreachable();
    for row in &rows {
        for cell in &row.cells {
            if cell.is_gap() {
                faults.push(format!("{}: nothing is {}", row.rule, cell.outcome));
            }
            if cell.is_contradiction() {
                let (outcome, count) = (cell.outcome, cell.decisions);
                faults.push(format!(
                    "{}: {outcome} is said to be out of reach, {count} decisions are there",
                    row.rule
                ));
            }
        }
    }
    assert!(faults.is_empty(), "{} faults\n{}", faults.len(), faults.join("\n"));
}
