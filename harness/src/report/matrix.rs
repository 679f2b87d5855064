//! What a target gets right, by area of the rules: steps that must be allowed, denied or refused with an error, counted apart, so that a
//! target that denies everything cannot look good. A step counts in every area whose rules its trace names. Nothing here renders.

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use countersign_model::case::Decision;
use countersign_model::rule::RuleId;

use crate::differential::{CaseReport, Side, StepStatus};

/// The areas, in the order of reports: a name, and the families of rules in it.
const AREAS: &[(&str, &[&str])] = &[
    ("policy grammar", &["iam:G"]),
    ("policies that cannot be used", &["iam:E", "svc:P"]),
    ("principals", &["iam:P", "iam:A"]),
    ("actions and resources", &["iam:M"]),
    ("conditions", &["iam:C", "iam:V"]),
    ("condition keys", &["iam:K", "svc:C"]),
    ("evaluation logic", &["iam:L"]),
    ("messages", &["iam:R", "svc:X"]),
    ("disputed readings", &["iam:OQ", "iam:CV", "svc:Q"]),
    ("KMS keys", &["svc:K", "svc:N"]),
    ("KMS grants", &["svc:G"]),
    ("key states", &["svc:ST"]),
    ("AWS managed keys", &["svc:M"]),
    ("S3 and SSE-KMS", &["svc:S"]),
    ("forwarded calls", &["svc:F"]),
    ("Lambda", &["svc:L"]),
    ("Backup", &["svc:B"]),
    ("CloudTrail", &["svc:T"]),
];

/// Steps with one expected decision.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Score {
    /// Steps in which the target agrees.
    pub agree: u64,
    /// Steps in which it differs, in whatever is compared.
    pub differ: u64,
}

impl Score {
    /// All of them.
    pub fn steps(self) -> u64 {
        self.agree + self.differ
    }

    fn add(&mut self, agrees: bool) {
        if agrees {
            self.agree += 1;
        } else {
            self.differ += 1;
        }
    }
}

/// One area, or all of them.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Row {
    /// What must be allowed.
    pub allow: Score,
    /// What must be denied.
    pub deny: Score,
    /// What must be refused with another error.
    pub error: Score,
}

impl Row {
    /// All steps of the row.
    pub fn steps(&self) -> u64 {
        self.allow.steps() + self.deny.steps() + self.error.steps()
    }

    fn add(&mut self, decision: Decision, agrees: bool) {
        match decision {
            Decision::Allow => self.allow.add(agrees),
            Decision::Deny => self.deny.add(agrees),
            Decision::Error => self.error.add(agrees),
        }
    }
}

/// Rule areas × what must happen × whether it did.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Matrix {
    areas: Vec<Row>,
    /// Every compared step once.
    pub total: Row,
}

impl Default for Matrix {
    fn default() -> Self {
        Self {
            areas: vec![Row::default(); AREAS.len()],
            total: Row::default(),
        }
    }
}

impl Matrix {
    /// Counts the compared steps of a case.
    pub fn add(&mut self, report: &CaseReport) {
        for step in &report.steps {
            let Some(expected) = step.expected.as_ref().filter(|_| step.status == StepStatus::Compared) else {
                continue;
            };
            let agrees = !step.disagreements.iter().any(|one| one.side == Side::Target);
            let rules = expected.all_rules();
            self.total.add(expected.decision, agrees);
            for ((_, families), row) in AREAS.iter().zip(&mut self.areas) {
                if rules.iter().any(|rule| families.contains(&family(rule))) {
                    row.add(expected.decision, agrees);
                }
            }
        }
    }

    /// The matrix as a line of a report: the areas that were reached, by name.
    pub fn lines(&self) -> Value {
        let areas: Vec<Value> = self
            .rows()
            .map(|(name, row)| json!({"area": name, "allow": row.allow, "deny": row.deny, "error": row.error}))
            .collect();
        json!({"areas": areas, "total": self.total})
    }

    /// The names of all areas, in order.
    pub fn areas() -> impl Iterator<Item = &'static str> {
        AREAS.iter().map(|(name, _)| *name)
    }

    /// The areas that were reached, in order.
    pub fn rows(&self) -> impl Iterator<Item = (&'static str, &Row)> {
        AREAS
            .iter()
            .zip(&self.areas)
            .filter(|(_, row)| row.steps() > 0)
            .map(|((name, _), row)| (*name, row))
    }
}

/// `iam:L` of `iam:L-40`.
fn family(rule: &RuleId) -> &str {
    let id = rule.as_str();
    id.split_once('-').map_or(id, |(family, _)| family)
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use countersign_model::rule;

    use super::{AREAS, family};

    #[test]
    fn every_family_of_the_catalogue_is_in_one_area() {
        let known: BTreeSet<&str> = rule::catalogue().keys().map(family).collect();
        for name in known {
            let areas = AREAS.iter().filter(|(_, families)| families.contains(&name)).count();
            assert_eq!(areas, 1, "{name}");
        }
    }
}
