//! A stable text for what a disagreement is about: operation, kind of disagreement, what decided. `finding` gives the name of a shrunk case,
//! without the operation: findings with the same deciding rule and the same kind of disagreement are one finding. Values that differ from case to case (names, ids, texts) are not in it, nor are rules that only touched the outcome:
//! one fault of a target should give few fingerprints.

use std::collections::BTreeSet;

use countersign_model::case::{Case, Step};
use countersign_model::outcome::{Check, CheckDecision, GateVerdict, Outcome, PolicySet};
use countersign_model::rule::RuleId;
use countersign_model::world::World;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::{CaseReport, Disagreement, DisagreementKind, Side, StepReport, requests};
use crate::target::TargetError;

/// Conditions that the place of a finding names.
const MOST_CONDITIONS: usize = 2;

/// The fingerprint of the first disagreement of a run; none if everything that was compared agrees.
pub fn of(case: &Case, report: &CaseReport) -> Option<String> {
    each(case, report).next()
}

/// The fingerprints of all disagreeing steps of a run.
pub fn all(case: &Case, report: &CaseReport) -> BTreeSet<String> {
    each(case, report).collect()
}

/// What failed in one step.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct StepFailure {
    /// The step, from 0; none for the world that could not be built.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub step: Option<usize>,
    /// What the failure is about, before anything is shrunk.
    pub fingerprint: String,
    /// The wrong answer: the decision or code that came, else where and what.
    pub got: String,
    /// Whether it is the model that is off.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub of_model: bool,
}

/// What failed in a run, each step by its gravest disagreement.
pub fn failures(case: &Case, report: &CaseReport) -> Vec<StepFailure> {
    let provisioning = provisioning(report).map(|(fingerprint, code)| StepFailure {
        step: None,
        fingerprint,
        got: code.to_owned(),
        of_model: false,
    });
    let steps = report.steps.iter().enumerate().filter_map(|(index, step)| {
        let disagreement = gravest(&step.disagreements)?;
        Some(StepFailure {
            step: Some(index),
            fingerprint: of_step(&operation_at(case, index, step), step, disagreement),
            got: answer(disagreement),
            of_model: disagreement.side == Side::Model,
        })
    });
    provisioning.into_iter().chain(steps).collect()
}

/// The wrong answer of a disagreement, short enough for a line.
fn answer(disagreement: &Disagreement) -> String {
    const MOST: usize = 200;
    let text = match disagreement.kind {
        DisagreementKind::Decision
        | DisagreementKind::Code
        | DisagreementKind::Status
        | DisagreementKind::Expectation => disagreement.observed.clone(),
        // Which value is missing is the case's affair: two cases that lack one answer alike.
        DisagreementKind::Binding => format!(
            "{}: {}",
            without_positions(&disagreement.path),
            without_values(&disagreement.observed)
        ),
        _ => format!("{}: {}", without_positions(&disagreement.path), disagreement.observed),
    };
    text.chars().take(MOST).collect()
}

/// "never gave a value for `a1b2`" -> "never gave a value for `…`": values are of one case, or of one run.
fn without_values(text: &str) -> String {
    let mut said = String::with_capacity(text.len());
    for (position, part) in text.split('`').enumerate() {
        if position > 0 {
            said.push('`');
        }
        said.push_str(if position % 2 == 1 { "…" } else { part });
    }
    said
}

/// The fingerprint of a world that the target refused, and the code it refused it with.
fn provisioning(report: &CaseReport) -> Option<(String, &str)> {
    match &report.provisioning_fault {
        Some(TargetError::Provisioning { what, code, .. }) => {
            Some((format!("provisioning {} {code}", kind_of_part(what)), code))
        }
        _ => None,
    }
}

/// Step by step, each step by its gravest disagreement.
fn each<'a>(case: &'a Case, report: &'a CaseReport) -> impl Iterator<Item = String> + 'a {
    let provisioning = provisioning(report).map(|(fingerprint, _)| fingerprint);
    let steps = report.steps.iter().enumerate().filter_map(|(index, step)| {
        let disagreement = gravest(&step.disagreements)?;
        Some(of_step(&operation_at(case, index, step), step, disagreement))
    });
    provisioning.into_iter().chain(steps)
}

/// The operation of a step, or the service that a request is for.
fn operation_at(case: &Case, index: usize, step: &StepReport) -> String {
    match &case.evaluate {
        // The service says enough: an evaluator treats all actions of one alike.
        Some(evaluate) => match requests(evaluate).nth(index) {
            Some(request) => Some(request.action.service().to_ascii_lowercase()),
            None => step.name.clone(),
        },
        None => case.steps.get(index).map(operation),
    }
    .unwrap_or_else(|| "step".to_owned())
}

/// Whether a case might have a fingerprint, as far as the model alone can say: the step that should differ is still there, and decided as it
/// was. Saves asking a slow target about a case that has lost its point.
pub fn is_possible(case: &Case, fingerprint: &str) -> bool {
    // Only these say what the model decided.
    let Some((before, after)) = fingerprint.split_once("->").filter(|(before, _)| {
        [" decision ", " code ", " status "]
            .iter()
            .any(|kind| before.contains(kind))
    }) else {
        return true;
    };
    let decided_then = after.split_once(' ').map_or("", |(_, decided)| decided);
    let Ok(mut world) = World::new(case) else { return false };
    for step in &case.steps {
        let Ok(outcome) = world.apply(step) else { return false };
        let same_operation = before
            .strip_prefix(operation(step).as_str())
            .is_some_and(|rest| rest.starts_with(' '));
        if same_operation && decided_by(&outcome).trim_end() == decided_then {
            return true;
        }
    }
    false
}

/// The operation on which the first disagreement of a run shows.
pub fn operation_of(case: &Case, report: &CaseReport) -> Option<String> {
    let (index, step) = first(report)?;
    Some(operation_at(case, index, step))
}

fn first(report: &CaseReport) -> Option<(usize, &StepReport)> {
    let mut steps = report.steps.iter().enumerate();
    steps.find(|(_, step)| !step.disagreements.is_empty())
}

/// The name of the finding that a shrunk case is: the kind of its first disagreement, and the rule that decides the step. Cases with the same
/// name are one finding, whatever the operation. None if everything that was compared agrees.
pub fn finding(case: &Case, report: &CaseReport) -> Option<String> {
    let Some((index, step)) = first(report) else {
        // The world could not be built: the part that was refused says what it is about.
        return of(case, report);
    };
    let disagreement = gravest(&step.disagreements)?;
    let word = word(disagreement.kind);
    let kind = match disagreement.kind {
        DisagreementKind::Decision | DisagreementKind::Code | DisagreementKind::Status => {
            format!("{word} {}->{}", disagreement.expected, disagreement.observed)
        }
        DisagreementKind::Message => word.to_owned(),
        _ => format!("{word} {}", without_positions(&disagreement.path)),
    };
    let rule = step.expected.as_ref().and_then(deciding_rule);
    let about = rule.map_or_else(|| operation_at(case, index, step), |rule| rule.to_string());
    let side = if disagreement.side == Side::Model {
        " (model)"
    } else {
        ""
    };
    Some(format!("{kind} {about}{side}"))
}

/// What tells findings of one name apart on a target where much differs: that another service asked for the caller, and the conditions that
/// are left in a shrunk case. Empty where there is neither.
pub fn place(case: &Case, report: &CaseReport) -> String {
    let mut place = String::new();
    let decided = first(report).and_then(|(_, step)| deciding_check(step.expected.as_ref()?));
    let asked = operation_of(case, report);
    if let (Some(check), Some(asked)) = (decided, asked)
        && let Some((service, _)) = asked.split_once(':')
        && !check.action.service().eq_ignore_ascii_case(service)
    {
        place.push_str(&format!(" via {service}"));
    }
    let mut conditions = BTreeSet::new();
    for part in [serde_json::to_value(&case.world), serde_json::to_value(&case.steps)]
        .into_iter()
        .flatten()
    {
        conditions_of(&part, &mut conditions);
    }
    if !conditions.is_empty() {
        let listed: Vec<String> = conditions.into_iter().take(MOST_CONDITIONS).collect();
        place.push_str(&format!(" under {}", listed.join(", ")));
    }
    place
}

/// Operators and keys of every condition in a tree, in policies that are given as text too. Of a key that has a name in it, only what stands
/// before the name.
fn conditions_of(tree: &Value, found: &mut BTreeSet<String>) {
    match tree {
        Value::Array(list) => list.iter().for_each(|element| conditions_of(element, found)),
        Value::Object(members) => {
            for (name, member) in members {
                let operators = member.as_object().filter(|_| name == "Condition");
                for (operator, keys) in operators.into_iter().flatten() {
                    for key in keys.as_object().into_iter().flat_map(serde_json::Map::keys) {
                        let named = match key.find('/').or_else(|| Some(key.match_indices(':').nth(1)?.0)) {
                            Some(position) => format!("{}*", &key[..=position]),
                            None => key.clone(),
                        };
                        found.insert(format!("{operator} {named}"));
                    }
                }
                conditions_of(member, found);
            }
        }
        Value::String(text) if text.trim_start().starts_with('{') => {
            if let Ok(policy @ Value::Object(_)) = serde_json::from_str(text) {
                conditions_of(&policy, found);
            }
        }
        _ => {}
    }
}

fn of_step(operation: &str, step: &StepReport, disagreement: &Disagreement) -> String {
    let service = operation.split(':').next().unwrap_or(operation);
    let outcome = step.expected.as_ref();
    let word = word(disagreement.kind);
    let mut text = match disagreement.kind {
        DisagreementKind::Decision | DisagreementKind::Code | DisagreementKind::Status => {
            let decided = outcome.map(decided_by).unwrap_or_default();
            format!(
                "{operation} {word} {}->{} {decided}",
                disagreement.expected, disagreement.observed
            )
        }
        // Which of the texts should have come is said by code and blamed set.
        DisagreementKind::Message => {
            let code = outcome.and_then(|outcome| outcome.code.as_deref()).unwrap_or("none");
            let blamed = outcome.and_then(deciding_check).and_then(|check| check.blamed);
            format!(
                "{service} {word} {code}{}",
                blamed.map(|set| format!(" {set}")).unwrap_or_default()
            )
        }
        DisagreementKind::Trail => format!("{service} {word} {}", without_positions(&disagreement.path)),
        DisagreementKind::Output | DisagreementKind::Binding | DisagreementKind::Expectation => {
            format!("{operation} {word} {}", without_positions(&disagreement.path))
        }
    };
    if disagreement.side == Side::Model {
        text.push_str(" (model)");
    }
    text.trim_end().to_owned()
}

/// The check that decided an outcome: the one that refused, else the last.
pub fn deciding_check(outcome: &Outcome) -> Option<&Check> {
    outcome
        .checks
        .iter()
        .find(|check| check.decision != CheckDecision::Allow)
        .or_else(|| outcome.checks.last())
}

/// All rules that decided an outcome: those of the deciding check if authorization decided it, else those of the outcome itself.
pub fn deciding_rules(outcome: &Outcome) -> String {
    rules_that_decide(outcome)
        .into_iter()
        .map(ToString::to_string)
        .collect::<Vec<_>>()
        .join("+")
}

/// What decided an outcome, in short: decision, policy set, and the most telling rule.
pub fn decided_by(outcome: &Outcome) -> String {
    let mut parts = Vec::new();
    if let Some(check) = deciding_check(outcome) {
        let sets: Vec<String> = match check.decision {
            CheckDecision::Allow => {
                let allows = check.gates.iter().filter(|gate| gate.verdict == GateVerdict::Allows);
                allows.map(|gate| gate.set.to_string()).collect()
            }
            _ => check.blamed.iter().map(ToString::to_string).collect(),
        };
        let decision = match check.decision {
            CheckDecision::Allow => "allow",
            CheckDecision::ImplicitDeny => "implicit_deny",
            CheckDecision::ExplicitDeny => "explicit_deny",
        };
        parts.push(format!(
            "{decision} by {}",
            if sets.is_empty() {
                "nothing".to_owned()
            } else {
                sets.join("+")
            }
        ));
    }
    parts.extend(telling_rule(outcome).map(ToString::to_string));
    parts.join(" ")
}

/// The one rule that says most about why an outcome is what it is: that of the explicit Deny, that of the ceiling that did not
/// allow, else the most special of the deciding rules.
pub fn telling_rule(outcome: &Outcome) -> Option<&RuleId> {
    let explicit = deciding_check(outcome).filter(|check| check.decision == CheckDecision::ExplicitDeny);
    if let Some(rule) = explicit.and_then(|check| {
        let found = |id: &str| check.rules.iter().find(|rule| rule.as_str() == id);
        found("svc:K-11").or_else(|| found("iam:L-10"))
    }) {
        return Some(rule);
    }
    let ceiling = deciding_check(outcome)
        .filter(|check| check.decision == CheckDecision::ImplicitDeny)
        .and_then(|check| {
            let blamed = check
                .blamed
                .filter(|set| !matches!(set, PolicySet::Identity | PolicySet::Resource | PolicySet::Grant))?;
            check.gates.iter().find(|gate| gate.set == blamed)
        });
    ceiling
        .and_then(|gate| most_special(gate.rules.iter().collect()))
        .or_else(|| most_special(rules_that_decide(outcome)))
}

/// The rule that decides a shrunk case. What decides conditions and variables is in the trace of every policy that has some; where a shrunk case
/// still has them, they are what it is about.
pub fn deciding_rule(outcome: &Outcome) -> Option<&RuleId> {
    let check = deciding_check(outcome);
    let rules = check.into_iter().flat_map(|check| &check.rules);
    rules
        .filter(|rule| is_of_conditions(rule.as_str()))
        // The later a rule stands in its chapter, the more special it is.
        .max_by_key(|rule| rule.as_str())
        .or_else(|| telling_rule(outcome))
}

/// The same of the names of all rules of a trace.
pub fn deciding_of<'r>(rules: impl Iterator<Item = &'r str> + Clone) -> Option<&'r str> {
    let conditions = rules.clone().filter(|rule| is_of_conditions(rule));
    conditions.max().or_else(|| most_telling(rules))
}

fn is_of_conditions(rule: &str) -> bool {
    rule.starts_with("iam:C-") || rule.starts_with("iam:V-")
}

fn most_special(rules: Vec<&RuleId>) -> Option<&RuleId> {
    rules.into_iter().min_by_key(|rule| specialty(rule.as_str()))
}

/// The one of some rules that says most.
pub fn most_telling<'r>(rules: impl Iterator<Item = &'r str>) -> Option<&'r str> {
    rules.min_by_key(|rule| specialty(rule))
}

fn specialty(rule: &str) -> (usize, usize, &str) {
    (rank(rule), rule.len(), rule)
}

fn rules_that_decide(outcome: &Outcome) -> Vec<&RuleId> {
    match deciding_check(outcome) {
        Some(check) if check.decision != CheckDecision::Allow || outcome.code.is_none() => check.rules.iter().collect(),
        _ => outcome.rules.iter().collect(),
    }
}

/// How little a rule says: the wording of messages and the filling of contexts least, the logic of keys, grants and policies most.
fn rank(rule: &str) -> usize {
    /// Rules that are in nearly every trace.
    const EVERYWHERE: &[&str] = &[
        "svc:K-2", "svc:K-8", "svc:K-10", "svc:K-16", "svc:K-23", "svc:K-31", "svc:K-32", "iam:L-01", "iam:L-12",
        "iam:L-13", "iam:L-29",
    ];
    const FAMILIES: &[&str] = &[
        "svc:ST-", "svc:K-", "svc:G-", "svc:P-", "svc:M-", "svc:S-", "svc:L-", "svc:B-", "svc:Q-", "iam:L-", "iam:P-",
        "svc:F-", "iam:",
    ];
    if EVERYWHERE.contains(&rule) {
        return FAMILIES.len();
    }
    let wording = ["iam:R-", "svc:X-", "svc:T-", "svc:C-"]
        .iter()
        .any(|family| rule.starts_with(family));
    if wording {
        return FAMILIES.len() + 1;
    }
    FAMILIES
        .iter()
        .position(|family| rule.starts_with(family))
        .unwrap_or(FAMILIES.len())
}

/// What differs most: a decision before a code before a text.
fn gravest(disagreements: &[Disagreement]) -> Option<&Disagreement> {
    disagreements
        .iter()
        .min_by_key(|one| (one.side == Side::Model, one.kind))
}

fn operation(step: &Step) -> String {
    match step {
        Step::Call(call) => call.call.to_string(),
        Step::Invoke(_) => "invoke".to_owned(),
        Step::Advance(_) => "advance".to_owned(),
        Step::Settle { .. } => "settle".to_owned(),
        Step::Arrange(_) => "arrange".to_owned(),
    }
}

fn word(kind: DisagreementKind) -> &'static str {
    match kind {
        DisagreementKind::Decision => "decision",
        DisagreementKind::Code => "code",
        DisagreementKind::Status => "status",
        DisagreementKind::Message => "message",
        DisagreementKind::Output => "output",
        DisagreementKind::Trail => "trail",
        DisagreementKind::Binding => "binding",
        DisagreementKind::Expectation => "expectation",
    }
}

/// `trail[3].eventName` -> `trail[].eventName`: which event it is depends on what else happens.
fn without_positions(path: &str) -> String {
    let mut text = String::with_capacity(path.len());
    let mut inside = false;
    for letter in path.chars() {
        match letter {
            '[' => inside = true,
            ']' => inside = false,
            _ if inside && letter.is_ascii_digit() => continue,
            _ => {}
        }
        text.push(letter);
    }
    text
}

/// "key policy of `example`" -> "key policy of".
fn kind_of_part(what: &str) -> &str {
    what.split('`').next().unwrap_or(what).trim()
}

#[cfg(test)]
mod tests {
    use countersign_model::case::{Syntax, load_str};

    use super::{is_possible, kind_of_part, rank, without_positions, without_values};

    #[test]
    fn conditions_are_named_without_the_names_in_their_keys() {
        let tree = serde_json::json!({"policies": [
            {"Statement": [{"Condition": {"StringLike": {"kms:EncryptionContext:team": "a", "aws:PrincipalTag/x": "b"}}}]},
            "{\"Statement\":[{\"Condition\":{\"Bool\":{\"aws:SecureTransport\":\"true\"}}}]}",
            {"Condition": "no condition"},
        ]});
        let mut found = std::collections::BTreeSet::new();
        super::conditions_of(&tree, &mut found);
        let found: Vec<&str> = found.iter().map(String::as_str).collect();
        assert_eq!(
            found,
            [
                "Bool aws:SecureTransport",
                "StringLike aws:PrincipalTag/*",
                "StringLike kms:EncryptionContext:*"
            ]
        );
    }

    #[test]
    fn the_model_says_whether_a_fingerprint_is_possible() {
        let case = |principal: &str| {
            let text = format!(
                r#"
countersign: 1
id: test.possible
world: {{accounts: {{"111122223333": {{users: {{alice: {{}}}}, keys: {{k: {{}}}}}}}}}}
steps:
  - {{as: {principal}, call: kms:Decrypt, with: {{KeyId: "{{{{key.k.arn}}}}", CiphertextBlob: {{text: x}}}}}}
"#
            );
            load_str("case.yaml", &text, Syntax::Yaml).unwrap_or_else(|error| panic!("{error:?}"))
        };
        let denied = case("{user: alice}");
        let mut world = countersign_model::world::World::new(&denied).expect("the world can be");
        let outcome = world.apply(&denied.steps[0]).expect("the step can be taken");
        let fingerprint = format!("kms:Decrypt decision deny->allow {}", super::decided_by(&outcome));
        assert!(is_possible(&denied, &fingerprint), "{fingerprint}");
        assert!(
            !is_possible(&case("{root: \"111122223333\"}"), &fingerprint),
            "{fingerprint}"
        );
        assert!(!is_possible(
            &denied,
            &fingerprint.replace("kms:Decrypt", "kms:Encrypt")
        ));
        assert!(is_possible(&denied, "provisioning key policy of MalformedPolicy"));
        assert!(is_possible(&denied, "kms trail trail[].eventName"));
    }

    #[test]
    fn names_and_positions_are_not_part_of_a_fingerprint() {
        assert_eq!(without_positions("trail[12].eventName"), "trail[].eventName");
        assert_eq!(without_positions("output.Grants[0].GrantId"), "output.Grants[].GrantId");
        assert_eq!(kind_of_part("key policy of `example`"), "key policy of");
        assert_eq!(
            without_values("the target's `v` already stands for `s`, and cannot"),
            "the target's `…` already stands for `…`, and cannot"
        );
    }

    #[test]
    fn the_logic_of_keys_says_more_than_the_wording_of_messages() {
        assert!(rank("svc:K-4") < rank("iam:L-42"));
        assert!(rank("iam:L-10") < rank("iam:R-01"));
        assert!(
            rank("svc:G-14") < rank("svc:K-10"),
            "what is in every trace says little"
        );
    }
}
