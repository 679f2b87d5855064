//! Names disagreements of the evaluator tier and keeps them: a shrunk Case that replays, and beside it what each side said.

use std::path::{Path, PathBuf};

use countersign_model::case::{BlamedExpect, Case, EvaluatorDecision, EvaluatorExpect, Origin};
use serde_json::json;

use super::shrink::shrink;
use super::{Answer, Evaluator};
use crate::differential::fingerprint;
use crate::findings::{self, FindingError};

/// Times a case may be asked again while it is shrunk.
const SHRINK_BUDGET: usize = 4_000;

/// Two answers to the same request that differ.
#[derive(Debug, Clone)]
pub struct Disagreement {
    /// The model's answer.
    pub expected: Answer,
    /// The target's answer.
    pub observed: Answer,
}

impl Disagreement {
    /// The first request on which two evaluators differ; none if they agree or one has no answer.
    pub fn of(case: &Case, model: &mut dyn Evaluator, target: &mut dyn Evaluator) -> Option<Self> {
        let expected = model.answer(case).ok()?;
        let observed = target.answer(case).ok()?;
        Self::between(&expected, &observed)
    }

    /// The first pair of answers that differ.
    pub fn between(expected: &[Answer], observed: &[Answer]) -> Option<Self> {
        expected
            .iter()
            .zip(observed)
            .find(|(expected, observed)| expected != observed)
            .map(|(expected, observed)| Self {
                expected: expected.clone(),
                observed: observed.clone(),
            })
    }

    /// What changed, in words: the same for every case of a kind.
    pub fn class(&self) -> String {
        let plain = |answer: &Answer| {
            // Which of several documents it is says nothing about the kind.
            answer.words().replace(|letter: char| letter.is_ascii_digit(), "N")
        };
        format!("{} -> {}", plain(&self.expected), plain(&self.observed))
    }

    /// What the model says and the rule that says most about why.
    pub fn decided_by(&self) -> String {
        let rule = fingerprint::most_telling(self.expected.rules.iter().map(String::as_str));
        [self.expected.words()]
            .into_iter()
            .chain(rule.map(str::to_owned))
            .collect::<Vec<_>>()
            .join(" ")
    }

    /// The name under which a finding is kept: what changed, and the rule that decides the shrunk case.
    pub fn fingerprint(&self) -> String {
        let rule = fingerprint::deciding_of(self.expected.rules.iter().map(String::as_str));
        format!("{} | {}", self.class(), rule.unwrap_or("no rule"))
    }
}

/// A kind of disagreement with its smallest exemplar.
#[derive(Debug, Clone)]
pub struct Finding {
    /// Its name.
    pub fingerprint: String,
    /// How many cases of the run differed in the ways that this finding was made of; shrinking may tell more kinds apart than were counted.
    pub seen: u64,
    /// Id of the case it was found in.
    pub found_in: String,
    /// The shrunk case, with the model's answer as expectation.
    pub case: Case,
    /// What each side says about it.
    pub disagreement: Disagreement,
}

/// Shrinks a case on which the two differ, keeping the way in which they differ.
pub fn investigate(case: &Case, model: &mut dyn Evaluator, target: &mut dyn Evaluator, seen: u64) -> Option<Finding> {
    let wanted = Disagreement::of(case, model, target)?.class();
    let small = shrink(case, SHRINK_BUDGET, |candidate| {
        Disagreement::of(candidate, model, target).is_some_and(|found| found.class() == wanted)
    })
    .case;
    let disagreement = Disagreement::of(&small, model, target)?;
    let fingerprint = disagreement.fingerprint();
    Some(Finding {
        fingerprint,
        seen,
        found_in: case.id.clone(),
        case: told(small, &disagreement.expected, &case.id),
        disagreement,
    })
}

/// The case with the expectation, so that the file says what should come.
pub(crate) fn told(mut case: Case, expected: &Answer, found_in: &str) -> Case {
    case.expect = Some(EvaluatorExpect {
        decision: expected.decision,
        blamed: expected.blamed.map(BlamedExpect::One),
    });
    if let Some(Origin::Generated { shrunk_from, .. }) = &mut case.origin {
        *shrunk_from = Some(found_in.to_owned());
        case.id = format!("{found_in}.shrunk");
    }
    case.rules = if expected.decision == EvaluatorDecision::Error {
        Vec::new()
    } else {
        case.rules
    };
    case
}

/// Saves a finding under a folder: the Case as YAML and what came as JSON beside it. Answers the Case's path.
///
/// # Errors
/// [`FindingError`].
pub fn save(folder: &Path, finding: &Finding) -> Result<PathBuf, FindingError> {
    let path = findings::save_case(folder, &finding.fingerprint, &finding.case)?;
    let explanation = json!({
        "fingerprint": finding.fingerprint,
        "seen": finding.seen,
        "found_in": finding.found_in,
        "expected": finding.disagreement.expected.words(),
        "expected_note": finding.disagreement.expected.note,
        "expected_rules": finding.disagreement.expected.rules,
        "observed": finding.disagreement.observed.words(),
        "observed_note": finding.disagreement.observed.note,
        "replay": format!("countersign replay {}", path.display()),
    });
    let text = serde_json::to_string_pretty(&explanation).map_err(|error| FindingError::Case(error.to_string()))?;
    let beside = path.with_extension("json");
    std::fs::write(&beside, format!("{text}\n")).map_err(|source| FindingError::File { path: beside, source })?;
    Ok(path)
}
