//! The report for a person: a progress bar on a terminal, plain lines elsewhere, findings side by side, the figures at the end.

use std::fmt::Write as _;
use std::io::{IsTerminal as _, Write};
use std::path::Path;
use std::time::{Duration, Instant};

use countersign_model::outcome::GateVerdict;
use countersign_model::rule;
use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};

use super::words::{cases, describe_expected, describe_observed, describe_step, result, verdict};
use super::{Consumer, Counts, Event, FindingReport, Start, Summary, plain};
use crate::differential::Side;
use crate::differential::shrink::Need;
use crate::expectations::{Extent, Verdict};
use crate::target::Waiting;

/// Without a terminal, a line is written at most this often.
const LINE_EVERY: Duration = Duration::from_secs(5);
/// Reasons of known failures that are listed.
const EXPECTED_REASONS: usize = 12;
/// Stale entries that are listed.
const STALE_SHOWN: usize = 10;

/// Writes for a person: progress to standard error, the report to standard output.
#[derive(Debug)]
pub struct TerminalReport {
    bar: ProgressBar,
    start: Option<Start>,
    done: u64,
    findings: u64,
    last_line: Instant,
}

impl Default for TerminalReport {
    fn default() -> Self {
        Self::new()
    }
}

impl TerminalReport {
    /// Bars only where standard error is a terminal that wants them.
    pub fn new() -> Self {
        let fancy = std::io::stderr().is_terminal() && std::env::var_os("NO_COLOR").is_none();
        let bar = ProgressBar::with_draw_target(
            None,
            if fancy {
                ProgressDrawTarget::stderr()
            } else {
                ProgressDrawTarget::hidden()
            },
        );
        if let Ok(style) = ProgressStyle::with_template("{bar:30} {pos}/{len} cases  {msg}  {elapsed}") {
            bar.set_style(style);
        }
        Self {
            bar,
            start: None,
            done: 0,
            findings: 0,
            last_line: Instant::now(),
        }
    }

    fn faults(&self) -> &[String] {
        self.start.as_ref().map_or(&[], |start| &start.faults)
    }

    fn out(&self, text: &str) -> std::io::Result<()> {
        self.bar.suspend(|| std::io::stdout().lock().write_all(text.as_bytes()))
    }
}

impl Consumer for TerminalReport {
    fn event(&mut self, event: &Event<'_>) -> std::io::Result<()> {
        match event {
            Event::Started(start) => {
                self.bar.set_length(start.own());
                self.start = Some((*start).clone());
                self.last_line = Instant::now();
                self.out(&render_start(start))
            }
            Event::Case { judged, .. } => {
                self.done += 1;
                self.bar.set_position(self.done);
                if judged.verdict == Some(Verdict::Failure) {
                    self.findings += 1;
                    self.bar.set_message(format!("{} diverging", self.findings));
                }
                if self.bar.is_hidden() && self.last_line.elapsed() >= LINE_EVERY {
                    self.last_line = Instant::now();
                    eprintln!("{} cases done, {} diverging", self.done, self.findings);
                }
                Ok(())
            }
            Event::Shrinking { findings } => {
                self.bar.set_message(format!("shrinking {findings}"));
                if self.bar.is_hidden() {
                    eprintln!(
                        "shrinking {findings} distinct {}",
                        if *findings == 1 { "finding" } else { "findings" }
                    );
                }
                Ok(())
            }
            Event::Finding { finding, saved } => self.out(&render_finding(finding, *saved, self.faults())),
            Event::Interrupted => {
                eprintln!("interrupted: no further cases; what was found is kept");
                Ok(())
            }
            Event::Finished(summary) => {
                self.bar.finish_and_clear();
                let workers = self.start.as_ref().map_or(1, |start| start.workers);
                let file = self.start.as_ref().and_then(|start| start.expectations.as_deref());
                self.out(&render_summary(summary, workers, file))
            }
        }
    }
}

/// A finding: expected and observed side by side, the decision path of the model, the deciding rules with their sources, the command that
/// runs it again.
pub fn render_finding(finding: &FindingReport, saved: Option<&Path>, faults: &[String]) -> String {
    let mut text = String::new();
    // Writing to a String cannot fail.
    let _ = write_finding(&mut text, finding, saved, faults);
    plain(&text).into_owned()
}

fn write_finding(
    text: &mut String,
    finding: &FindingReport,
    saved: Option<&Path>,
    faults: &[String],
) -> std::fmt::Result {
    let whose = match finding.side() {
        Side::Target => "target divergence",
        Side::Model => "model fault, or a wrong expectation in the case",
    };
    writeln!(
        text,
        "\nfinding   {}  ({whose}; seen in {} {})",
        finding.fingerprint,
        finding.seen,
        cases(finding.seen)
    )?;
    if finding.seen_on.len() > 1 {
        let seen = finding
            .seen_on
            .iter()
            .map(|(operation, seen)| format!("{operation} {seen}"));
        writeln!(text, "  seen on   {}", seen.collect::<Vec<_>>().join(", "))?;
    }
    match finding.seed {
        Some((seed, number)) => writeln!(
            text,
            "  found     seed {seed}, case {number} ({} steps before shrinking)",
            finding.steps_before
        )?,
        None => writeln!(text, "  found     {}", finding.found_in)?,
    }
    if let Some(fault) = &finding.report.provisioning_fault {
        writeln!(text, "  world     {fault}")?;
    }
    if let Some((position, step)) = finding.step() {
        writeln!(
            text,
            "  step {:<4} {}",
            position + 1,
            describe_step(finding, position, step)
        )?;
        if let Some(expected) = &step.expected {
            writeln!(text, "  expected  {}", describe_expected(expected))?;
        }
        if let Some(observed) = &step.observed {
            writeln!(text, "  observed  {}", describe_observed(observed))?;
        }
        for one in &step.disagreements {
            writeln!(
                text,
                "  differs   {}: expected {}, observed {}",
                one.path, one.expected, one.observed
            )?;
        }
    }
    if let Some(check) = finding.deciding_check() {
        let gates: Vec<String> = check
            .gates
            .iter()
            .filter(|gate| gate.verdict != GateVerdict::NotApplicable)
            .map(|gate| format!("{} {}", gate.set, verdict(gate.verdict)))
            .collect();
        writeln!(
            text,
            "  decided   {} on {}: {}",
            check.action,
            check.resource,
            gates.join(" · ")
        )?;
        for statement in check
            .statements
            .iter()
            .filter(|statement| statement.verdict == "applies")
            .take(6)
        {
            let sid = statement
                .sid
                .as_deref()
                .map(|sid| format!(" `{sid}`"))
                .unwrap_or_default();
            writeln!(
                text,
                "            {} statement {}{sid} of {} ({}) applies",
                statement.effect, statement.position, statement.policy, statement.set
            )?;
        }
    }
    for id in finding.rules().iter().take(8) {
        match rule::find(id.as_str()) {
            Some(entry) => writeln!(
                text,
                "  rule      {id}  {}\n            {}",
                entry.statement, entry.source
            )?,
            None => writeln!(text, "  rule      {id}")?,
        }
    }
    write_needs(text, finding)?;
    if let Some(path) = saved {
        writeln!(text, "  case      {}", path.display())?;
        writeln!(text, "  replay    {}", finding.replay_command(path, faults))?;
    }
    Ok(())
}

/// Which values of the shrunk case matter.
fn write_needs(text: &mut String, finding: &FindingReport) -> std::fmt::Result {
    let listed = |need: Need| -> Vec<String> {
        let parts = finding.needs.iter().filter(|part| part.need == need);
        parts
            .map(|part| {
                let value = part
                    .value
                    .as_str()
                    .map_or_else(|| part.value.to_string(), str::to_owned);
                format!("{} = {value}", part.path)
            })
            .collect()
    };
    for (word, need) in [
        ("needed", Need::Needed),
        ("in part", Need::Loose),
        ("anything", Need::Anything),
    ] {
        for (position, line) in listed(need).iter().enumerate() {
            writeln!(text, "  {:<9} {line}", if position == 0 { word } else { "" })?;
        }
    }
    Ok(())
}

fn render_start(start: &Start) -> String {
    let mut text = format!(
        "countersign {}: model against {} ({})\n",
        start.version, start.target, start.reached
    );
    if let Some(shard) = &start.shard {
        text.push_str(&format!(
            "shard {shard}: {} of {} cases\n",
            start.own(),
            start.corpus + start.random
        ));
    }
    if let (Some(file), Some(held)) = (&start.expectations, start.held) {
        let how = match held {
            Extent::Whole => "",
            Extent::Part => " (another run than its own: entries that match nothing are not told)",
            Extent::Shard => " (a shard: `countersign merge` tells which entries no longer hold)",
            Extent::Explore => " (to tell the known from the new; the file itself is not judged)",
        };
        text.push_str(&format!("known divergences: {}{how}\n", plain(file)));
    }
    if !start.faults.is_empty() {
        text.push_str(&format!("seeded faults switched on: {}\n", start.faults.join(", ")));
    }
    text
}

fn render_summary(summary: &Summary, workers: usize, expectations: Option<&str>) -> String {
    let mut text = String::new();
    // Writing to a String cannot fail.
    let _ = write_summary(&mut text, summary, workers, expectations);
    plain(&text).into_owned()
}

fn write_summary(text: &mut String, summary: &Summary, workers: usize, expectations: Option<&str>) -> std::fmt::Result {
    writeln!(text)?;
    write_counts(text, "corpus", &summary.corpus)?;
    write_counts(text, "random", &summary.random)?;
    if let Some(quality) = &summary.quality {
        let discarded: u64 = summary.discards.values().sum();
        let tried = summary.random.cases + discarded;
        writeln!(
            text,
            "quality   {:.1}% distinct requests · {:.1}% allow · {:.1}% discards{}",
            quality.distinct_request_share() * 100.0,
            quality.allow_share() * 100.0,
            percent(discarded, tried),
            reasons(&summary.discards),
        )?;
    }
    let steps = summary.corpus.steps + summary.random.steps;
    let compared = summary.corpus.compared + summary.random.compared;
    let skipped = summary.corpus.skipped + summary.random.skipped;
    let ambiguous = summary.corpus.ambiguous + summary.random.ambiguous;
    let errors = summary.corpus.errors + summary.random.errors;
    let third = if ambiguous > 0 {
        format!(" + {ambiguous} ambiguous")
    } else {
        String::new()
    };
    writeln!(
        text,
        "counts    {steps} steps = {compared} compared + {skipped} skipped{third} + {errors} errors{}",
        reasons(&summary.skips)
    )?;
    if summary.waiting != Waiting::default() {
        writeln!(
            text,
            "patience  {} calls sent again · {:.0} s of pauses · {:.0} s for changes to propagate",
            summary.waiting.retries,
            summary.waiting.waited.as_secs_f64(),
            summary.waiting.settled.as_secs_f64(),
        )?;
    }
    if !summary.ambiguous.is_empty() {
        writeln!(
            text,
            "ambiguous {} {}: neither agreement nor divergence",
            summary.ambiguous_cases,
            cases(summary.ambiguous_cases)
        )?;
        let mut reasons: Vec<_> = summary.ambiguous.iter().collect();
        reasons.sort_by_key(|(_, count)| std::cmp::Reverse(**count));
        for (reason, count) in reasons.into_iter().take(5) {
            writeln!(text, "          {count} × {reason}")?;
        }
    }
    writeln!(
        text,
        "cost      worlds: {} calls, {:.0} a second · steps: {} calls, {:.0} a second · {:.1} s in all",
        summary.provisioning.calls,
        summary.provisioning_calls_a_second(workers),
        summary.wire.calls,
        summary.wire_steps_a_second(workers),
        summary.elapsed.as_secs_f64(),
    )?;
    if let Some(file) = expectations {
        write_expected(text, summary, file)?;
    }
    for (refusal, next_step) in &summary.refusals {
        writeln!(text, "refused   {refusal}: {next_step}")?;
    }
    for fault in summary.transport_faults.iter().take(5) {
        writeln!(text, "target    {fault}")?;
    }
    for fault in summary.internal_faults.iter().take(5) {
        writeln!(text, "internal  {fault}")?;
    }
    let verdict = result(summary);
    let cut = if summary.interrupted { " (interrupted)" } else { "" };
    writeln!(text, "result    {verdict}{cut}")
}

/// What is known of the target, and how far it still is so.
fn write_expected(text: &mut String, summary: &Summary, file: &str) -> std::fmt::Result {
    let counts = &summary.verdicts;
    writeln!(
        text,
        "verdicts  {} cases = {} pass + {} expected failures + {} failures + {} unexpected passes + {} skipped + {} errors",
        counts.cases,
        counts.pass,
        counts.expected_failures,
        counts.failures,
        counts.unexpected_passes,
        counts.skipped,
        counts.errors
    )?;
    let mut reasons: Vec<(&str, u64)> = Vec::new();
    for class in &summary.expected {
        match reasons.iter_mut().find(|(reason, _)| *reason == class.reason) {
            Some((_, cases)) => *cases += class.cases,
            None => reasons.push((&class.reason, class.cases)),
        }
    }
    reasons.sort_by_key(|(_, cases)| std::cmp::Reverse(*cases));
    writeln!(text, "expected  {} known divergences of {file}", summary.expected.len())?;
    for (reason, cases) in reasons.iter().take(EXPECTED_REASONS) {
        writeln!(text, "  {cases:>7} {reason}")?;
    }
    if reasons.len() > EXPECTED_REASONS {
        writeln!(
            text,
            "          … and {} more reasons",
            reasons.len() - EXPECTED_REASONS
        )?;
    }
    for problem in summary.stale.iter().take(STALE_SHOWN) {
        writeln!(text, "stale     {}:{}: {}", problem.file, problem.line, problem.message)?;
    }
    if summary.stale.len() > STALE_SHOWN {
        writeln!(text, "          … and {} more", summary.stale.len() - STALE_SHOWN)?;
    }
    Ok(())
}

fn write_counts(text: &mut String, name: &str, counts: &Counts) -> std::fmt::Result {
    if counts.cases == 0 {
        return Ok(());
    }
    let agree = if counts.agreeing == counts.cases {
        "all agree".to_owned()
    } else {
        format!("{} agree", counts.agreeing)
    };
    writeln!(
        text,
        "{name:<9} {} {}, {} steps: {agree}",
        counts.cases,
        cases(counts.cases),
        counts.steps
    )
}

fn percent(part: u64, whole: u64) -> f64 {
    if whole == 0 {
        0.0
    } else {
        part as f64 * 100.0 / whole as f64
    }
}

fn reasons(counts: &std::collections::BTreeMap<String, u64>) -> String {
    if counts.is_empty() {
        return String::new();
    }
    let list: Vec<String> = counts
        .iter()
        .map(|(reason, count)| format!("{reason} {count}"))
        .collect();
    format!(" ({})", list.join(", "))
}
