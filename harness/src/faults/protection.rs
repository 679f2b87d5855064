//! Which rules are protected without the model, and which only by the comparison of the two readings: where both could be wrong together.
//!
//! A rule is protected when
//! - every seeded fault that breaks it is caught by a law or by a recorded or documented case (there is at least one such fault), or
//! - no fault is seeded for it, and a flipping pair of recorded or documented cases shows it: two cases that differ in one fact, with
//!   different expectations, both about the rule, or
//! - no fault is seeded for it, and a law follows from it.
//!
//! A rule with a fault that escapes the judges is not protected, whatever else speaks of it.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;

use countersign_model::case::{Case, StepKind};
use countersign_model::rule::{Rule, Status, catalogue};
use serde::Serialize;
use serde_json::{Value, json};

use super::judges::{Verdict, Verdicts, is_document};
use crate::differential::requests;
use crate::laws;

/// What protects the rules.
#[derive(Debug, Clone, Serialize)]
pub struct Protection {
    /// Deciding rules that AWS documents.
    pub documented: Share,
    /// All deciding rules.
    pub deciding: Share,
    /// Rules that nothing but the comparison of the two readings protects.
    pub unprotected: Vec<Unprotected>,
}

/// How many of some rules are protected.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct Share {
    /// The rules.
    pub rules: usize,
    /// Protected ones, by what protects them.
    pub protected: BTreeMap<Shield, usize>,
}

impl Share {
    /// Protected rules.
    pub fn protected(&self) -> usize {
        self.protected.values().sum()
    }
}

/// What protects a rule.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Shield {
    /// Its seeded faults are caught.
    Fault,
    /// A flipping pair.
    Pair,
    /// A law.
    Law,
}

/// A rule that is not protected.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Unprotected {
    /// The rule.
    pub rule: String,
    /// How well it is known.
    pub status: Status,
    /// What it says.
    pub statement: String,
    /// Why it counts as unprotected.
    pub why: String,
}

impl Protection {
    /// What protects each deciding rule, given what the judges said and the corpus they had.
    pub fn of(verdicts: &Verdicts, corpus: &[Case]) -> Self {
        let flipped = flipped_rules(corpus);
        let lawful: BTreeSet<&str> = laws::all().iter().flat_map(|law| law.rules).copied().collect();
        let mut protection = Self {
            documented: Share::default(),
            deciding: Share::default(),
            unprotected: Vec::new(),
        };
        for rule in catalogue().values().filter(|rule| rule.is_deciding()) {
            let id = rule.id.as_str();
            let faults: Vec<&Verdict> = verdicts.faults.iter().filter(|verdict| verdict.rule == id).collect();
            let shield = shield(&faults, flipped.contains(id), lawful.contains(id));
            let shares = [
                Some(&mut protection.deciding),
                (rule.status == Status::Documented).then_some(&mut protection.documented),
            ];
            for share in shares.into_iter().flatten() {
                share.rules += 1;
                if let Ok(shield) = shield {
                    *share.protected.entry(shield).or_default() += 1;
                }
            }
            if let Err(why) = shield {
                protection.unprotected.push(unprotected(rule, why));
            }
        }
        protection
    }

    /// The figures and the list, for people.
    pub fn render(&self) -> String {
        let mut text = String::new();
        // Writing to a String cannot fail.
        let _ = self.write(&mut text);
        text
    }

    fn write(&self, out: &mut String) -> std::fmt::Result {
        for (name, share) in [("documented", &self.documented), ("all", &self.deciding)] {
            let by = |shield| share.protected.get(&shield).copied().unwrap_or_default();
            writeln!(
                out,
                "{} of {} deciding rules ({name}) protected without the model ({}%): {} by caught faults, {} by flipping pairs, {} by laws",
                share.protected(),
                share.rules,
                percent(share.protected(), share.rules),
                by(Shield::Fault),
                by(Shield::Pair),
                by(Shield::Law)
            )?;
        }
        writeln!(out, "\nrules that only the comparison of the two readings protects:")?;
        for one in &self.unprotected {
            writeln!(
                out,
                "  {:<10} {:<11} {}: {}",
                one.rule,
                one.status.to_string(),
                one.statement,
                one.why
            )?;
        }
        Ok(())
    }
}

/// What protects a rule, or why nothing does.
fn shield(faults: &[&Verdict], flipped: bool, lawful: bool) -> Result<Shield, String> {
    let escaped: Vec<&str> = faults
        .iter()
        .filter(|verdict| !verdict.caught())
        .map(|verdict| verdict.id.as_str())
        .collect();
    match (faults, escaped.as_slice()) {
        ([], []) if flipped => Ok(Shield::Pair),
        ([], []) if lawful => Ok(Shield::Law),
        ([], []) => Err("no recorded or documented pair flips on it".to_owned()),
        (_, []) => Ok(Shield::Fault),
        (_, escaped) => Err(format!("`{}` escapes", escaped.join("`, `"))),
    }
}

fn unprotected(rule: &Rule, why: String) -> Unprotected {
    Unprotected {
        rule: rule.id.to_string(),
        status: rule.status,
        statement: rule.statement.clone(),
        why,
    }
}

/// The rules that flipping pairs of recorded or documented cases are about. That a pair differs in one fact and that both of its traces name
/// the rule is the affair of the model's tests; here is looked at what is expected.
fn flipped_rules(corpus: &[Case]) -> BTreeSet<String> {
    let mut pairs: BTreeMap<&str, Vec<&Case>> = BTreeMap::new();
    for case in corpus.iter().filter(|case| case.id.contains(".pair.")) {
        let base = case.id.strip_suffix(".a").or_else(|| case.id.strip_suffix(".b"));
        pairs.entry(base.unwrap_or(&case.id)).or_default().push(case);
    }
    pairs
        .into_values()
        .filter(|cases| cases.iter().all(|case| is_document(case)))
        .filter(|cases| {
            let expected: BTreeSet<String> = cases.iter().flat_map(|case| expectations(case)).collect();
            expected.len() > 1
        })
        .flatten()
        .flat_map(|case| case.rules.iter().cloned())
        .collect()
}

/// What a case expects of each thing that it observes.
fn expectations(case: &Case) -> Vec<String> {
    let text = |expect: Value| expect.to_string();
    let mut found = Vec::new();
    if let Some(evaluate) = &case.evaluate {
        let expects = requests(evaluate).filter_map(|request| request.expect.as_ref().or(case.expect.as_ref()));
        found.extend(expects.map(|expect| text(json!(expect))));
        found.extend(
            evaluate
                .saves
                .iter()
                .filter_map(|save| save.expect.as_ref())
                // The rule is the model's word.
                .map(|expect| text(json!([expect.saved, expect.message]))),
        );
    }
    let observed = case.steps.iter().filter(|step| step.kind() == StepKind::Observed);
    found.extend(
        observed
            .filter_map(|step| step.expect())
            .map(|expect| text(json!(expect))),
    );
    found
}

/// Whole percent, rounded down: nothing is made to look better than it is.
pub(super) fn percent(part: usize, whole: usize) -> usize {
    (part * 100).checked_div(whole).unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::{Shield, flipped_rules, percent, shield};
    use crate::faults::judges::Verdict;
    use serde_json::json;

    fn verdict(id: &str, caught: bool) -> Verdict {
        Verdict {
            id: id.to_owned(),
            rule: "iam:L-10".to_owned(),
            reached: true,
            document: caught.then(|| "case".to_owned()),
            law: None,
        }
    }

    #[test]
    fn a_fault_that_escapes_outweighs_every_pair() {
        let (caught, escaped) = (verdict("one", true), verdict("two", false));
        assert_eq!(shield(&[&caught], false, false), Ok(Shield::Fault));
        assert_eq!(
            shield(&[&caught, &escaped], true, true),
            Err("`two` escapes".to_owned())
        );
        assert_eq!(shield(&[], true, true), Ok(Shield::Pair));
        assert_eq!(shield(&[], false, true), Ok(Shield::Law));
        assert!(shield(&[], false, false).is_err());
        assert_eq!((percent(199, 200), percent(0, 0)), (99, 0));
    }

    #[test]
    fn only_documented_pairs_that_flip_count() {
        let case = |id: &str, evidence: &str, decision: &str, rule: &str| {
            serde_json::from_value(json!({
                "countersign": 1, "id": id, "evidence": evidence, "rules": [rule],
                "evaluate": {
                    "request": {"principal": "arn:aws:iam::111111111111:user/u", "action": "s3:GetObject", "resource": "arn:aws:s3:::b/k"},
                    "policies": {},
                },
                "expect": {"decision": decision},
            }))
            .expect("the sample is a case")
        };
        let corpus = [
            case("iam.pair.one.a", "documented", "allow", "iam:L-10"),
            case("iam.pair.one.b", "documented", "implicit_deny", "iam:L-10"),
            case("iam.pair.two.a", "documented", "allow", "iam:L-11"),
            case("iam.pair.two.b", "documented", "allow", "iam:L-11"),
            case("iam.pair.three.a", "inferred", "allow", "iam:L-12"),
            case("iam.pair.three.b", "documented", "implicit_deny", "iam:L-12"),
        ];
        assert_eq!(flipped_rules(&corpus).into_iter().collect::<Vec<_>>(), ["iam:L-10"]);
    }
}
