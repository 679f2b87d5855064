//! Findings as annotations of GitHub's workflow log: one `::error` line each, and one for every expectation that no longer holds, at its line;
//! failures that are known are one `::notice`. What they say is the terminal report's business.
//!
//! Format: <https://docs.github.com/en/actions/reference/workflows-and-actions/workflow-commands#setting-an-error-message>

use std::io::Write;

use super::words::describe_step;
use super::{Consumer, Event, FindingReport, Summary, plain};

/// Writes an annotation for every finding.
#[derive(Debug)]
pub struct GithubReport<W> {
    out: W,
}

impl<W: Write> GithubReport<W> {
    /// Annotations go to `out`: standard output, where GitHub looks for them.
    pub fn new(out: W) -> Self {
        Self { out }
    }
}

impl<W: Write> Consumer for GithubReport<W> {
    fn event(&mut self, event: &Event<'_>) -> std::io::Result<()> {
        let (finding, saved) = match event {
            Event::Finding { finding, saved } => (finding, saved),
            Event::Finished(summary) => return self.expectations(summary),
            _ => return Ok(()),
        };
        let mut properties = format!("title={}", property(&finding.fingerprint));
        if let Some(path) = saved {
            properties.push_str(&format!(",file={}", property(&path.display().to_string())));
        }
        writeln!(self.out, "::error {properties}::{}", message(&text(finding)))
    }
}

impl<W: Write> GithubReport<W> {
    fn expectations(&mut self, summary: &Summary) -> std::io::Result<()> {
        for problem in &summary.stale {
            writeln!(
                self.out,
                "::error title=stale expectation,file={},line={}::{}",
                property(&problem.file),
                problem.line,
                message(&problem.message)
            )?;
        }
        if summary.verdicts.expected_failures > 0 {
            let text = format!(
                "{} cases fail as they are known to, in {} known divergences",
                summary.verdicts.expected_failures,
                summary.expected.len()
            );
            writeln!(self.out, "::notice title=expected failures::{}", message(&text))?;
        }
        Ok(())
    }
}

fn text(finding: &FindingReport) -> String {
    let mut lines = vec![format!("seen in {} cases", finding.seen)];
    if let Some((position, step)) = finding.step() {
        lines.push(format!(
            "step {}: {}",
            position + 1,
            describe_step(finding, position, step)
        ));
        for one in &step.disagreements {
            lines.push(format!(
                "{}: expected {}, observed {}",
                one.path, one.expected, one.observed
            ));
        }
    }
    let rules: Vec<String> = finding.rules().iter().take(8).map(ToString::to_string).collect();
    if !rules.is_empty() {
        lines.push(format!("rules: {}", rules.join(", ")));
    }
    lines.join("\n")
}

/// A message: a line end would end the command.
fn message(text: &str) -> String {
    plain(text)
        .replace('%', "%25")
        .replace('\r', "%0D")
        .replace('\n', "%0A")
}

/// A property: a colon or comma would end it too.
fn property(text: &str) -> String {
    message(text).replace(':', "%3A").replace(',', "%2C")
}

#[cfg(test)]
mod tests {
    use super::{message, property};

    #[test]
    fn text_stays_inside_its_annotation() {
        assert_eq!(message("100 %\r\n::warning::x"), "100 %25\\u{d}%0A::warning::x");
        assert_eq!(property("a,b:c\n"), "a%2Cb%3Ac%0A");
    }
}
