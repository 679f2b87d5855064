//! What a run tells people and machines: one stream of events, several consumers. Nothing is run or compared here.
//!
//! `terminal` and `html` write for a person, `ndjson` for machines, `junit` and `github` for CI systems; `summary` and `matrix` count;
//! `targets` puts the reports of several runs side by side. `lines` reads a report again.

mod aws_command;
mod finding;
mod folder;
mod github;
mod html;
mod junit;
mod lines;
mod matrix;
mod ndjson;
mod summary;
mod targets;
mod terminal;
mod text;
mod words;

use std::path::Path;

use crate::expectations::{Extent, Judged};
use crate::session::Finished;
use crate::shard::Shard;

pub use finding::{FindingReport, replay_command};
pub use folder::ReportError;
pub use github::GithubReport;
pub use html::HtmlReport;
pub use junit::JunitReport;
pub(crate) use lines::ReportFile;
pub use lines::{FILE, ReportFileError};
pub use matrix::{Matrix, Row, Score};
pub use ndjson::NdjsonReport;
pub use summary::{Counts, Summary, Verdicts};
pub use targets::{TargetRun, page as targets_page};
pub use terminal::{TerminalReport, render_finding};
pub use text::{plain, shell_word};

/// What a run is about to do.
#[derive(Debug, Clone, serde::Serialize)]
pub struct Start {
    /// Version of Countersign.
    pub version: &'static str,
    /// The target's name.
    pub target: String,
    /// The name under which what is known of the target is kept; none for the embedded emulator.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub key: Option<String>,
    /// How the target is reached.
    pub reached: String,
    /// Cases of the corpus.
    pub corpus: u64,
    /// Random cases.
    pub random: u64,
    /// Their seed.
    pub seed: u64,
    /// Steps of each random world that cross its callers and its requests.
    #[serde(skip_serializing_if = "is_zero")]
    pub crossings: u32,
    /// Workers.
    pub workers: usize,
    /// The part of the cases that is run, `2/4`; none for a whole run.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub shard: Option<String>,
    /// Seeded faults that are switched on.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub faults: Vec<String>,
    /// The file of what is known of the target.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub expectations: Option<String>,
    /// How far the run is held to that file.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub held: Option<Extent>,
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde hands a reference")]
fn is_zero(number: &u32) -> bool {
    *number == 0
}

impl Start {
    /// The cases of this run: all, or those of the shard.
    pub fn own(&self) -> u64 {
        let shard = self.shard.as_ref().and_then(|shard| shard.parse().ok());
        shard.unwrap_or(Shard::WHOLE).count(self.corpus + self.random)
    }
}

/// One event of a run.
#[derive(Debug)]
pub enum Event<'a> {
    /// The run starts.
    Started(&'a Start),
    /// A case is done.
    Case {
        /// What came of it.
        finished: &'a Finished,
        /// What that is worth, seen with what is known of the target.
        judged: &'a Judged,
    },
    /// Findings are being shrunk.
    Shrinking {
        /// Distinct findings.
        findings: usize,
    },
    /// A distinct finding, shrunk and saved.
    Finding {
        /// The finding.
        finding: &'a FindingReport,
        /// Where its case was saved.
        saved: Option<&'a Path>,
    },
    /// The run was interrupted by the user; what was found is kept.
    Interrupted,
    /// The run is over.
    Finished(&'a Summary),
}

/// Somebody who wants to know.
pub trait Consumer {
    /// Takes one event.
    ///
    /// # Errors
    /// When the event cannot be written.
    fn event(&mut self, event: &Event<'_>) -> std::io::Result<()>;
}
