//! Which parts of an answer a target stands for. What it does not stand for is not compared; comparing is `differential`'s.

use serde::Serialize;

use crate::differential::{Disagreement, DisagreementKind};

/// The parts of an answer that are compared. The decision always is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct Comparison {
    /// The blamed policy type of an evaluator's answer, and which document cannot be used.
    pub blamed: bool,
    /// Error code and HTTP status of a step.
    pub code: bool,
    /// The error message of a step.
    pub message: bool,
    /// The output of a step.
    pub output: bool,
    /// The CloudTrail events of a step.
    pub trail: bool,
}

impl Comparison {
    /// Everything.
    pub const FULL: Self = Self {
        blamed: true,
        code: true,
        message: true,
        output: true,
        trail: true,
    };
    /// The decision alone.
    pub const DECISION: Self = Self {
        blamed: false,
        code: false,
        message: false,
        output: false,
        trail: false,
    };

    /// Reads an adapter's `compare`: `full`, or names joined by `+`, such as `decision+code+message`.
    ///
    /// # Errors
    /// The name nobody knows.
    pub fn parse(text: &str) -> Result<Self, String> {
        let mut comparison = Self::DECISION;
        for name in text.split('+').map(str::trim) {
            match name {
                "full" => comparison = Self::FULL,
                "decision" => {}
                "blamed" => comparison.blamed = true,
                "code" => comparison.code = true,
                "message" => comparison.message = true,
                "output" => comparison.output = true,
                "trail" => comparison.trail = true,
                unknown => return Err(unknown.to_owned()),
            }
        }
        Ok(comparison)
    }

    fn parts(self) -> impl Iterator<Item = &'static str> {
        let parts = [
            (true, "decision"),
            (self.blamed, "blamed"),
            (self.code, "code"),
            (self.message, "message"),
            (self.output, "output"),
            (self.trail, "trail"),
        ];
        parts
            .into_iter()
            .filter(|(compared, _)| *compared)
            .map(|(_, name)| name)
    }

    /// Whether a disagreement is about a part that is compared.
    pub fn covers(&self, disagreement: &Disagreement) -> bool {
        match disagreement.kind {
            DisagreementKind::Decision => true,
            DisagreementKind::Code | DisagreementKind::Status => self.code,
            DisagreementKind::Message => self.message,
            DisagreementKind::Output => self.output,
            DisagreementKind::Trail => self.trail,
            // A value that is bound to nothing matters only where values are compared.
            DisagreementKind::Binding => self.output || self.message,
            DisagreementKind::Expectation => {
                let part = disagreement
                    .path
                    .strip_prefix("expect.")
                    .unwrap_or(&disagreement.path)
                    .split(['.', '['])
                    .next()
                    .unwrap_or_default();
                match part {
                    "blamed" | "document" => self.blamed,
                    "code" | "status" => self.code,
                    "message" => self.message,
                    "output" | "absent" => self.output,
                    "trail" => self.trail,
                    _ => true,
                }
            }
        }
    }
}

/// As [`Comparison::parse`] reads it.
impl std::fmt::Display for Comparison {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.write_str(&self.parts().collect::<Vec<_>>().join("+"))
    }
}

#[cfg(test)]
mod tests {
    use super::Comparison;
    use crate::differential::{Disagreement, DisagreementKind, Side};

    #[test]
    fn a_comparison_is_read_by_its_parts() {
        assert_eq!(Comparison::parse("decision"), Ok(Comparison::DECISION));
        assert_eq!(Comparison::parse("full"), Ok(Comparison::FULL));
        for one in [Comparison::DECISION, Comparison::FULL] {
            assert_eq!(Comparison::parse(&one.to_string()), Ok(one));
        }
        let some = Comparison::parse("decision + blamed+code").expect("the names are known");
        assert!(some.blamed && some.code && !some.message && !some.output && !some.trail);
        assert_eq!(Comparison::parse("decision+verdict"), Err("verdict".to_owned()));
    }

    #[test]
    fn what_a_target_does_not_stand_for_is_no_disagreement() {
        let one = |kind, path: &str| Disagreement {
            kind,
            side: Side::Target,
            path: path.to_owned(),
            expected: "a".to_owned(),
            observed: "b".to_owned(),
        };
        let decision = Comparison::DECISION;
        assert!(decision.covers(&one(DisagreementKind::Decision, "decision")));
        assert!(decision.covers(&one(DisagreementKind::Expectation, "expect.decision")));
        for (kind, path) in [
            (DisagreementKind::Code, "code"),
            (DisagreementKind::Status, "status"),
            (DisagreementKind::Message, "message"),
            (DisagreementKind::Output, "output.Plaintext"),
            (DisagreementKind::Binding, "output.KeyId"),
            (DisagreementKind::Trail, "trail[0]"),
            (DisagreementKind::Expectation, "expect.code"),
            (DisagreementKind::Expectation, "expect.output.Grants"),
        ] {
            assert!(!decision.covers(&one(kind, path)), "{path}");
            assert!(Comparison::FULL.covers(&one(kind, path)), "{path}");
        }
    }
}
