//! Asks every statement of a policy set, and keeps what mattered for the trace. What a set's answer is worth is decided in `decide`.

use super::input::PolicyRef;
use crate::name::Arn;
use crate::outcome::{PolicySet, StatementTrace};
use crate::policy::{Applies, Effect, MatchKinds, Question, Statement, Verdict};

/// What the policies of one set say together (`iam:L-03`): any Deny denies, else any Allow allows; order never matters (`iam:L-04`).
#[derive(Debug, Clone, Default)]
pub(super) struct Answer<'a> {
    /// Whether some Deny applies.
    pub(super) denies: bool,
    /// Whether some Allow applies.
    pub(super) allows: bool,
    /// How the principals of the applying Allow statements match the caller (`iam:A-02`, `iam:L-32`).
    pub(super) allowed_kinds: MatchKinds,
    /// The ARN of the first denying policy, if it has one (`iam:R-04`).
    pub(super) denying_policy: Option<&'a Arn>,
}

/// The statements that mattered, in the order they were asked.
pub(super) type Trace = Vec<StatementTrace>;

/// Asks all policies of a set.
pub(super) fn ask<'a>(
    set: PolicySet,
    policies: impl IntoIterator<Item = PolicyRef<'a>>,
    question: &Question<'_>,
    mut trace: Option<&mut Trace>,
) -> Answer<'a> {
    let mut answer = Answer::default();
    for policy in policies {
        for statement in policy.document.statements() {
            let applies = statement.applies(policy.document.kind(), question);
            if applies.verdict == Verdict::Applies {
                answer.add(statement.effect(), applies.kinds, policy.arn);
            }
            if let Some(trace) = &mut trace
                && applies.verdict != Verdict::Unrelated
            {
                trace.push(trace_of(set, policy, statement, applies));
            }
        }
    }
    answer
}

impl<'a> Answer<'a> {
    fn add(&mut self, effect: Effect, kinds: MatchKinds, arn: Option<&'a Arn>) {
        match effect {
            Effect::Allow => {
                self.allows = true;
                self.allowed_kinds = self.allowed_kinds.or(kinds);
            }
            Effect::Deny if !self.denies => {
                self.denies = true;
                self.denying_policy = arn;
            }
            Effect::Deny => {}
        }
    }
}

fn trace_of(set: PolicySet, policy: PolicyRef<'_>, statement: &Statement, applies: Applies) -> StatementTrace {
    StatementTrace {
        set,
        policy: policy.arn.map_or_else(|| policy.name.to_owned(), ToString::to_string),
        position: statement.position(),
        sid: statement.sid().map(str::to_owned),
        effect: statement.effect().word().into(),
        principal: applies.kinds.best().map(|kind| kind.word().into()),
        verdict: match applies.verdict {
            Verdict::Applies => "applies".into(),
            Verdict::OtherPrincipal => "principal does not match".into(),
            Verdict::OtherAction => "action does not match".into(),
            Verdict::OtherResource => "resource does not match".into(),
            Verdict::Condition(test) => format!("condition is false: {test}").into(),
            Verdict::Inert => "has no effect".into(),
            Verdict::Unrelated => "is about something else".into(),
        },
        rules: applies.rules.into_iter().collect(),
    }
}
