//! The run as JUnit XML, `junit.xml` in the report's folder, for the test pages of CI systems: a suite for the corpus, one for the random
//! cases, a test case for each case. No times and no dates, so that equal runs give equal files.
//!
//! A case that differs is a `failure`, one that could not be asked an `error`, one of which nothing was compared `skipped` with the reason. A
//! failure that is known is `skipped` too, as JUnit has no word for it, and says so; a case that passes and is known to fail is a `failure`,
//! and so is an entry of the expectations that no longer holds, in a suite of its own.

use std::fs::File;
use std::io::{BufWriter, Write};
use std::path::Path;

use quick_xml::Writer;
use quick_xml::events::{BytesDecl, BytesText, Event as Xml};

use super::{Consumer, Event, ReportError, plain};
use crate::differential::{CaseReport, Side, StepStatus};
use crate::expectations::{Judged, Verdict as Judgement};
use crate::session::{CaseResult, Finished, Phase};
use crate::target::TargetError;

/// Writes `junit.xml` when the run is over.
#[derive(Debug)]
pub struct JunitReport {
    file: BufWriter<File>,
    suites: [Suite; 3],
}

#[derive(Debug, Default)]
struct Suite {
    cases: Vec<(String, Verdict)>,
}

#[derive(Debug)]
enum Verdict {
    Agrees,
    Skipped(String),
    /// It fails as it is known to, for these reasons.
    Expected {
        reasons: String,
        first: String,
    },
    Differs {
        first: String,
        all: String,
    },
    /// What was said of the target and is no longer so.
    Stale(String),
    Error(String),
}

impl JunitReport {
    /// Makes the folder and the file.
    ///
    /// # Errors
    /// [`ReportError::Create`].
    pub fn create(folder: &Path) -> Result<Self, ReportError> {
        Ok(Self {
            file: super::folder::create_file(folder, "junit.xml")?,
            suites: Default::default(),
        })
    }
}

impl Consumer for JunitReport {
    fn event(&mut self, event: &Event<'_>) -> std::io::Result<()> {
        match event {
            Event::Case { finished, judged } => {
                if let Some(case) = verdict(finished, judged) {
                    self.suites[usize::from(finished.phase == Phase::Random)]
                        .cases
                        .push(case);
                }
                Ok(())
            }
            Event::Finished(summary) => {
                for problem in &summary.stale {
                    let name = format!("{}:{}", problem.file, problem.line);
                    self.suites[2]
                        .cases
                        .push((name, Verdict::Stale(problem.message.clone())));
                }
                write(&mut Writer::new_with_indent(&mut self.file, b' ', 1), &self.suites)?;
                self.file.write_all(b"\n")?;
                self.file.flush()
            }
            _ => Ok(()),
        }
    }
}

/// A discarded random case was no case.
fn verdict(finished: &Finished, judged: &Judged) -> Option<(String, Verdict)> {
    match &finished.result {
        CaseResult::Ran { report, .. } => {
            let verdict = match (judged.verdict, of_report(report)) {
                (Some(Judgement::ExpectedFailure), Verdict::Differs { first, .. }) => Verdict::Expected {
                    reasons: judged.reasons.join("; "),
                    first,
                },
                (Some(Judgement::UnexpectedPass), _) => {
                    Verdict::Stale(format!("passes, and is known to fail: {}", judged.reasons.join("; ")))
                }
                (_, verdict) => verdict,
            };
            Some((report.id.clone(), verdict))
        }
        CaseResult::Discarded { .. } => None,
        CaseResult::Lost { id, error } => Some((id.clone(), Verdict::Error(error.to_string()))),
        CaseResult::Failed { id, error } => Some((id.clone(), Verdict::Error(error.clone()))),
    }
}

fn of_report(report: &CaseReport) -> Verdict {
    let mut differences = Vec::new();
    match &report.provisioning_fault {
        Some(fault @ TargetError::Provisioning { .. }) => differences.push(format!("world: {fault}")),
        Some(fault @ TargetError::Ambiguous { .. }) => return Verdict::Skipped(fault.to_string()),
        Some(fault) => return Verdict::Error(fault.to_string()),
        None => {}
    }
    for (position, step) in report.steps.iter().enumerate() {
        for one in &step.disagreements {
            let name = step.name.clone().unwrap_or_else(|| format!("step {}", position + 1));
            let whose = if one.side == Side::Model { " (the model)" } else { "" };
            differences.push(format!(
                "{name}: {}: expected {}, observed {}{whose}",
                one.path, one.expected, one.observed
            ));
        }
    }
    if let Some(first) = differences.first() {
        return Verdict::Differs {
            first: first.clone(),
            all: differences.join("\n"),
        };
    }
    let mut errors = report.steps.iter().filter_map(|step| match &step.status {
        StepStatus::Error { error } => Some(error.to_string()),
        _ => None,
    });
    if let Some(error) = errors.next() {
        return Verdict::Error(error);
    }
    let mut reasons = report.steps.iter().filter_map(|step| match &step.status {
        StepStatus::Skipped { reason } => Some(reason.clone()),
        StepStatus::Ambiguous { reason } => Some(format!("ambiguous: {reason}")),
        _ => None,
    });
    match reasons.next() {
        Some(reason) if report.compared() == 0 => Verdict::Skipped(reason),
        _ => Verdict::Agrees,
    }
}

fn write<W: Write>(xml: &mut Writer<W>, suites: &[Suite; 3]) -> std::io::Result<()> {
    xml.write_event(Xml::Decl(BytesDecl::new("1.0", Some("UTF-8"), None)))?;
    let total = counts(suites.iter().flat_map(|suite| &suite.cases).map(|(_, verdict)| verdict));
    xml.create_element("testsuites")
        .with_attribute(("name", "countersign"))
        .with_attributes(total.iter().map(|(name, count)| (*name, count.as_str())))
        .write_inner_content(|xml| {
            for (name, suite) in ["corpus", "random", "expectations"].iter().zip(suites) {
                if suite.cases.is_empty() {
                    continue;
                }
                let part = counts(suite.cases.iter().map(|(_, verdict)| verdict));
                let skipped = suite
                    .cases
                    .iter()
                    .filter(|(_, one)| matches!(one, Verdict::Skipped(_) | Verdict::Expected { .. }))
                    .count();
                xml.create_element("testsuite")
                    .with_attribute(("name", *name))
                    .with_attributes(part.iter().map(|(name, count)| (*name, count.as_str())))
                    .with_attribute(("skipped", skipped.to_string().as_str()))
                    .write_inner_content(|xml| {
                        suite
                            .cases
                            .iter()
                            .try_for_each(|(id, verdict)| case(xml, name, id, verdict))
                    })?;
            }
            Ok(())
        })?;
    Ok(())
}

fn counts<'a>(verdicts: impl Iterator<Item = &'a Verdict>) -> [(&'static str, String); 3] {
    let (mut tests, mut failures, mut errors) = (0, 0, 0);
    for verdict in verdicts {
        tests += 1;
        failures += u64::from(matches!(verdict, Verdict::Differs { .. } | Verdict::Stale(_)));
        errors += u64::from(matches!(verdict, Verdict::Error(_)));
    }
    [
        ("tests", tests.to_string()),
        ("failures", failures.to_string()),
        ("errors", errors.to_string()),
    ]
}

fn case<W: Write>(xml: &mut Writer<W>, suite: &str, id: &str, verdict: &Verdict) -> std::io::Result<()> {
    let element = xml
        .create_element("testcase")
        .with_attribute(("classname", format!("countersign.{suite}").as_str()))
        .with_attribute(("name", text(id).as_str()));
    match verdict {
        Verdict::Agrees => element.write_empty()?,
        Verdict::Skipped(reason) => element.write_inner_content(|xml| {
            xml.create_element("skipped")
                .with_attribute(("message", text(reason).as_str()))
                .write_empty()?;
            Ok(())
        })?,
        Verdict::Expected { reasons, first } => element.write_inner_content(|xml| {
            xml.create_element("skipped")
                .with_attribute(("type", "expected failure"))
                .with_attribute((
                    "message",
                    text(&format!("expected failure: {reasons} ({first})")).as_str(),
                ))
                .write_empty()?;
            Ok(())
        })?,
        Verdict::Stale(message) => element.write_inner_content(|xml| {
            xml.create_element("failure")
                .with_attribute(("type", "stale expectation"))
                .with_attribute(("message", text(message).as_str()))
                .write_empty()?;
            Ok(())
        })?,
        Verdict::Differs { first, all } => element.write_inner_content(|xml| {
            xml.create_element("failure")
                .with_attribute(("type", "divergence"))
                .with_attribute(("message", text(first).as_str()))
                .write_text_content(BytesText::new(&text(all)))?;
            Ok(())
        })?,
        Verdict::Error(error) => element.write_inner_content(|xml| {
            xml.create_element("error")
                .with_attribute(("type", "fault"))
                .with_attribute(("message", text(error).as_str()))
                .write_empty()?;
            Ok(())
        })?,
    };
    Ok(())
}

/// Text that XML 1.0 can hold: it has no place for control characters and two that are none.
fn text(untrusted: &str) -> String {
    plain(untrusted).replace(['\u{fffe}', '\u{ffff}'], "\u{fffd}")
}

#[cfg(test)]
mod tests {
    use super::{Suite, Verdict, Writer, write};

    #[test]
    fn a_suite_reads_as_junit_and_untrusted_text_stays_text() {
        let corpus = Suite {
            cases: vec![
                ("a".to_owned(), Verdict::Agrees),
                ("b".to_owned(), Verdict::Skipped("grants".to_owned())),
                (
                    "c <script>".to_owned(),
                    Verdict::Differs {
                        first: "decision: \"<&>\"\u{1b}[31m".to_owned(),
                        all: "decision: ]]> \u{0}".to_owned(),
                    },
                ),
                ("d".to_owned(), Verdict::Error("no answer".to_owned())),
                (
                    "e".to_owned(),
                    Verdict::Expected {
                        reasons: "known <here>".to_owned(),
                        first: "decision: expected allow".to_owned(),
                    },
                ),
            ],
        };
        let stale = Suite {
            cases: vec![(
                "expectations/x.toml:7".to_owned(),
                Verdict::Stale("matches nothing".to_owned()),
            )],
        };
        let mut bytes = Vec::new();
        write(
            &mut Writer::new_with_indent(&mut bytes, b' ', 1),
            &[corpus, Suite::default(), stale],
        )
        .expect("a Vec takes everything");
        insta::assert_snapshot!(String::from_utf8(bytes).expect("the writer writes UTF-8"));
    }
}
