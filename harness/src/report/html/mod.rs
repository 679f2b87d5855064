//! The run as one page, `report.html` in the report's folder: the result, the matrix of rule areas, every finding with its smallest case,
//! the two answers side by side and the decision path as a picture. The page needs no network and runs no script; `maud` escapes every
//! text, so that a policy that holds markup shows as text.

mod diagram;

use std::fs::File;
use std::io::{BufWriter, Write};
use std::path::{Path, PathBuf};

use countersign_model::case::to_yaml;
use countersign_model::rule;
use maud::{DOCTYPE, Markup, PreEscaped, html};

use super::aws_command::commands;
use super::matrix::{Matrix, Row, Score};
use super::words::{cases, describe_expected, describe_observed, describe_step, result};
use super::{Consumer, Counts, Event, FindingReport, ReportError, Start, Summary, plain};
use crate::differential::shrink::{Need, Part};
use crate::session::CaseResult;

const STYLE: &str = include_str!("style.css");

/// Nothing but the style of the page itself is loaded, whatever a text may hold.
const POLICY: &str = "default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; form-action 'none'";

/// Writes `report.html` when the run is over.
#[derive(Debug)]
pub struct HtmlReport {
    file: BufWriter<File>,
    start: Option<Start>,
    matrix: Matrix,
    findings: Vec<(FindingReport, Option<PathBuf>)>,
}

impl HtmlReport {
    /// Makes the folder and the file.
    ///
    /// # Errors
    /// [`ReportError::Create`].
    pub fn create(folder: &Path) -> Result<Self, ReportError> {
        Ok(Self {
            file: super::folder::create_file(folder, "report.html")?,
            start: None,
            matrix: Matrix::default(),
            findings: Vec::new(),
        })
    }
}

impl Consumer for HtmlReport {
    fn event(&mut self, event: &Event<'_>) -> std::io::Result<()> {
        match event {
            Event::Started(start) => self.start = Some((*start).clone()),
            Event::Case { finished, .. } => {
                if let CaseResult::Ran { report, .. } = &finished.result {
                    self.matrix.add(report);
                }
            }
            Event::Finding { finding, saved } => {
                self.findings.push(((*finding).clone(), saved.map(Path::to_path_buf)));
            }
            Event::Shrinking { .. } | Event::Interrupted => {}
            Event::Finished(summary) => {
                if let Some(start) = &self.start {
                    let page = page(start, summary, &self.matrix, &self.findings).into_string();
                    self.file.write_all(page.as_bytes())?;
                }
                self.file.flush()?;
            }
        }
        Ok(())
    }
}

fn page(start: &Start, summary: &Summary, matrix: &Matrix, findings: &[(FindingReport, Option<PathBuf>)]) -> Markup {
    html! {
        (DOCTYPE)
        html lang="en" {
            head {
                meta charset="utf-8";
                meta name="viewport" content="width=device-width, initial-scale=1";
                meta http-equiv="Content-Security-Policy" content=(POLICY);
                title { "Countersign: " (shown(&start.target)) }
                style { (PreEscaped(STYLE)) }
            }
            body {
                a.skip href="#findings" { "Skip to the findings" }
                header {
                    h1 { "Countersign " (start.version) }
                    p { "The model against " strong { (shown(&start.target)) } " (" (shown(&start.reached)) ")." }
                    @if !start.faults.is_empty() {
                        p { "Seeded faults switched on: " (shown(&start.faults.join(", "))) "." }
                    }
                }
                main {
                    p class={ "result " (if good(summary) { "good" } else { "bad" }) } role="status" {
                        (if good(summary) { "✓ " } else { "✗ " }) (shown(&result(summary)))
                        @if summary.interrupted { " (interrupted: what follows is what was found until then)" }
                    }
                    (figures(start, summary))
                    (known(start, summary))
                    (areas(matrix))
                    (list(findings, summary, &start.faults))
                }
            }
        }
    }
}

fn good(summary: &Summary) -> bool {
    summary.findings == 0
        && summary.stale.is_empty()
        && summary.transport_faults.is_empty()
        && summary.internal_faults.is_empty()
        && summary.refusals.is_empty()
        && summary.corpus.compared + summary.random.compared > 0
}

fn figures(start: &Start, summary: &Summary) -> Markup {
    let row = |name: &str, counts: &Counts| {
        html! {
            tr {
                th scope="row" { (name) }
                td { (counts.cases) }
                td { (counts.agreeing) }
                td { (counts.steps) }
                td { (counts.compared) }
                td { (counts.skipped) }
                td { (counts.ambiguous) }
                td { (counts.errors) }
            }
        }
    };
    html! {
        h2 { "What was run" }
        div.scroll tabindex="0" role="region" aria-label="Figures of the run" {
            table {
                thead {
                    tr {
                        th scope="col" { "part" }
                        @for name in ["cases", "agree", "steps", "compared", "skipped", "ambiguous", "errors"] { th scope="col" { (name) } }
                    }
                }
                tbody { (row("corpus", &summary.corpus)) (row("random", &summary.random)) }
            }
        }
        @if start.random > 0 { p { "Seed of the random cases: " code { (start.seed) } "." } }
        @for (title, reasons) in [("Skipped, by reason", &summary.skips), ("Ambiguous, by reason", &summary.ambiguous), ("Discarded, by reason", &summary.discards)] {
            @if !reasons.is_empty() {
                details {
                    summary { (title) }
                    ul { @for (reason, count) in reasons { li { (shown(reason)) ": " (count) } } }
                }
            }
        }
        @for (title, faults) in [("Faults of transport", &summary.transport_faults), ("Faults of files or of Countersign", &summary.internal_faults)] {
            @if !faults.is_empty() {
                details open {
                    summary { (title) }
                    ul { @for fault in faults.iter().take(50) { li { (shown(fault)) } } }
                }
            }
        }
    }
}

/// What is known of the target, and how far it still is so.
fn known(start: &Start, summary: &Summary) -> Markup {
    let Some(file) = &start.expectations else {
        return html! {};
    };
    let counts = &summary.verdicts;
    html! {
        h2 { "Known divergences" }
        p {
            (counts.cases) " cases = " (counts.pass) " pass + " (counts.expected_failures) " expected failures + " (counts.failures)
            " failures + " (counts.unexpected_passes) " unexpected passes + " (counts.skipped) " skipped + " (counts.errors)
            " errors, by " code { (shown(file)) } "."
        }
        @if !summary.stale.is_empty() {
            h3 { "No longer so" }
            ul { @for problem in &summary.stale { li { code { (shown(&problem.file)) ":" (problem.line) } " " (shown(&problem.message)) } } }
        }
        @if !summary.expected.is_empty() {
            details {
                summary { (summary.expected.len()) " expected failures" }
                div.scroll tabindex="0" role="region" aria-label="Expected failures" {
                    table.words {
                        thead { tr { th scope="col" { "cases" } th scope="col" { "reason" } th scope="col" { "what" } } }
                        tbody {
                            @for class in &summary.expected {
                                tr {
                                    td { (class.cases) }
                                    td {
                                        (shown(&class.reason))
                                        @if let Some(issue) = &class.issue {
                                            @if issue.starts_with("https://") {
                                                " " a href=(issue) rel="noreferrer" { "issue" }
                                            } @else {
                                                " (" (shown(issue)) ")"
                                            }
                                        }
                                    }
                                    td.mono { (shown(&class.what)) }
                                }
                            }
                        }
                    }
                }
            }
        }
    }
}

fn areas(matrix: &Matrix) -> Markup {
    html! {
        h2 { "By area of the rules" }
        p { "Each step counts once in every area whose rules decide it. What must be allowed and what must be denied is scored apart: a \
             target that denies everything has no right answer in the first column." }
        div.scroll tabindex="0" role="region" aria-label="Matrix of rule areas and outcomes" {
            table {
                thead {
                    tr {
                        th scope="col" { "area" }
                        th scope="col" { "must be allowed" }
                        th scope="col" { "must be denied" }
                        th scope="col" { "must be an error" }
                    }
                }
                tbody {
                    @for (name, row) in matrix.rows() { (area(name, row)) }
                    (area("all steps", &matrix.total))
                }
            }
        }
    }
}

fn area(name: &str, row: &Row) -> Markup {
    let cell = |score: Score| {
        html! {
            @if score.steps() == 0 {
                td.none { "none" }
            } @else if score.differ == 0 {
                td { "✓ " (score.agree) " of " (score.agree) }
            } @else {
                td.differ { "✗ " (score.agree) " of " (score.steps()) }
            }
        }
    };
    html! { tr { th scope="row" { (name) } (cell(row.allow)) (cell(row.deny)) (cell(row.error)) } }
}

fn list(findings: &[(FindingReport, Option<PathBuf>)], summary: &Summary, faults: &[String]) -> Markup {
    html! {
        h2 id="findings" tabindex="-1" { "Findings" }
        @if findings.is_empty() {
            p { "None." }
        } @else if summary.findings > findings.len() {
            p { "The first " (findings.len()) " of " (summary.findings) " distinct findings; more with " code { "--findings N" } "." }
        }
        @for (position, (finding, saved)) in findings.iter().enumerate() {
            details open[position == 0] {
                summary { (position + 1) ". " (shown(&finding.fingerprint)) }
                (one(finding, saved.as_deref(), faults))
            }
        }
    }
}

fn one(finding: &FindingReport, saved: Option<&Path>, faults: &[String]) -> Markup {
    let step = finding.step();
    html! {
        p {
            "Seen in " (finding.seen) " " (cases(finding.seen)) ". "
            @match finding.seed {
                Some((seed, number)) => { "First in seed " (seed) ", case " (number) "." }
                None => { "First in " code { (shown(&finding.found_in)) } "." }
            }
        }
        @if let Some(fault) = &finding.report.provisioning_fault {
            p { "The world could not be built: " (shown(&fault.to_string())) }
        }
        @if let Some((position, step)) = step {
            h3 { "Step " (position + 1) ": " (shown(&describe_step(finding, position, step))) }
            div.sides {
                div {
                    strong { "Expected by the model" }
                    p.mono { @if let Some(expected) = &step.expected { (shown(&describe_expected(expected))) } @else { "nothing" } }
                }
                div {
                    strong { "Observed at the target" }
                    p.mono { @if let Some(observed) = &step.observed { (shown(&describe_observed(observed))) } @else { "no answer" } }
                }
            }
            h3 { "What differs" }
            div.scroll tabindex="0" role="region" aria-label="Differences" {
                table.words {
                    thead { tr { th scope="col" { "where" } th scope="col" { "expected" } th scope="col" { "observed" } } }
                    tbody {
                        @for one in &step.disagreements {
                            tr { td.mono { (shown(&one.path)) } td.mono { (shown(&one.expected)) } td.mono { (shown(&one.observed)) } }
                        }
                    }
                }
            }
            @if let (Some(check), Some(expected)) = (finding.deciding_check(), &step.expected) {
                h3 { "How the model decided" }
                p.mono { (shown(&check.caller)) " → " (check.action.to_string()) " on " (shown(&check.resource)) }
                (diagram::decision_path(check, expected.decision, step.observed.as_ref().map(|observed| observed.decision)))
                (statements(check))
            }
        }
        (rules(finding))
        (needs(finding))
        h3 { "The smallest case" }
        pre tabindex="0" { (shown(&to_yaml(&finding.case).unwrap_or_else(|error| error.to_string()))) }
        @if let Some(path) = saved {
            h3 { "Run it again" }
            pre.wrap tabindex="0" { (shown(&finding.replay_command(path, faults))) }
        }
        (by_hand(finding))
    }
}

fn statements(check: &countersign_model::outcome::Check) -> Markup {
    html! {
        @if !check.statements.is_empty() {
            ul {
                @for one in &check.statements {
                    li {
                        (one.effect) " statement " (one.position)
                        @if let Some(sid) = &one.sid { " (" (shown(sid)) ")" }
                        " of " (shown(&one.policy)) " (" (one.set.to_string()) "): " (shown(&one.verdict))
                    }
                }
            }
        }
    }
}

fn rules(finding: &FindingReport) -> Markup {
    let rules = finding.rules();
    html! {
        @if !rules.is_empty() {
            h3 { "Deciding rules" }
            ul.rules {
                @for id in &rules {
                    li {
                        code { (id.to_string()) }
                        @if let Some(entry) = rule::find(id.as_str()) {
                            " " (entry.statement) " "
                            @if entry.source.starts_with("https://") {
                                a href=(entry.source) rel="noreferrer" { "source" }
                            } @else {
                                "(" (entry.source) ")"
                            }
                        }
                    }
                }
            }
        }
    }
}

/// Which values of the smallest case matter: what is needed as it stands comes first.
fn needs(finding: &FindingReport) -> Markup {
    let listed = |need: Need| -> Vec<&Part> { finding.needs.iter().filter(|part| part.need == need).collect() };
    let value = |value: &serde_json::Value| value.as_str().map_or_else(|| value.to_string(), str::to_owned);
    html! {
        @if !finding.needs.is_empty() {
            h3 { "Which values matter" }
            div.scroll tabindex="0" role="region" aria-label="Which values matter" {
                table.words {
                    thead { tr { th scope="col" { "value" } th scope="col" { "where" } th scope="col" { "is" } } }
                    tbody {
                        @for (need, word) in [
                            (Need::Needed, "needed as it stands"),
                            (Need::Loose, "needed in part"),
                            (Need::Anything, "could be anything"),
                        ] {
                            @for part in listed(need) {
                                tr {
                                    td.mono { (shown(&value(&part.value))) }
                                    td.mono { (shown(&part.path)) }
                                    td {
                                        (word)
                                        @if !part.also.is_empty() && need == Need::Loose {
                                            ": also fails with "
                                            code { (shown(&part.also.iter().take(4).map(&value).collect::<Vec<_>>().join(", "))) }
                                        }
                                    }
                                }
                            }
                        }
                    }
                }
            }
        }
    }
}

fn by_hand(finding: &FindingReport) -> Markup {
    let commands = commands(&finding.case);
    html! {
        @if !commands.is_empty() {
            details {
                summary { "The steps as aws commands" }
                p { "For a world built by hand: " code { "{{…}}" } " stands for what the world calls so." }
                pre.wrap tabindex="0" { (shown(&commands.join("\n"))) }
            }
        }
    }
}

/// Control characters and direction overrides show as escapes here too; markup is maud's business.
fn shown(text: &str) -> String {
    plain(text).into_owned()
}
