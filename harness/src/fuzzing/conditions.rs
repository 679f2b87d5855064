//! One pattern or condition against one request: the smallest cases there are, from lines of text that a dictionary helps with.
//!
//! The first line is a condition operator, or `Action`, `NotAction`, `Resource`, `NotResource`, `Principal`, `NotPrincipal`; the second
//! is the condition key (for a principal: its kind). Then come the values of the policy, a line each, an empty line, and the values of
//! the request.

use countersign_model::case::{
    Case, EvaluatorCase, EvaluatorDecision, EvaluatorPolicies, EvaluatorPrincipal, EvaluatorRequest, PolicyText,
};
use countersign_model::name::Action;
use serde_json::{Map, Value, json};

use super::{BOTH, FuzzTarget, alike};
use crate::evaluator::TODAY;
use crate::evaluator::generate::blank;

/// The target `conditions`.
pub const TARGET: FuzzTarget = FuzzTarget {
    name: "conditions",
    property: "a pattern or condition holds in both readings or in neither; plain wildcards hold where a textbook matcher says so",
    check,
    case: |input| Some(read(std::str::from_utf8(input).ok()?)?.case()),
    smallest: |_| None,
};

/// Values of the policy, and of the request, at most.
const VALUES: usize = 8;

const USER: &str = "arn:aws:iam::111111111111:user/alice";

struct Lines<'a> {
    what: &'a str,
    key: &'a str,
    policy: Vec<&'a str>,
    request: Vec<&'a str>,
}

fn read(text: &str) -> Option<Lines<'_>> {
    let mut lines = text.split('\n');
    let (what, key) = (lines.next()?, lines.next()?);
    let policy: Vec<&str> = lines
        .by_ref()
        .take_while(|line| !line.is_empty())
        .take(VALUES)
        .collect();
    let request = lines.take(VALUES).collect();
    Some(Lines {
        what,
        key,
        policy,
        request,
    })
}

fn check(input: &[u8]) -> Result<(), String> {
    let Some(lines) = std::str::from_utf8(input).ok().and_then(read) else {
        return Ok(());
    };
    if !lines.is_ruled() {
        return Ok(());
    }
    let case = lines.case();
    alike(&case)?;
    let Some(wanted) = lines.textbook() else {
        return Ok(());
    };
    let evaluate = case.evaluate.unwrap_or_default();
    let decided = BOTH.with_borrow_mut(|both| both.model_verdicts(&evaluate, &Default::default(), TODAY));
    match decided.as_deref() {
        Ok([verdict]) if verdict.decision != EvaluatorDecision::Error => {
            let allowed = verdict.decision == EvaluatorDecision::Allow;
            (allowed == wanted)
                .then_some(())
                .ok_or_else(|| format!("a textbook matcher says {wanted}, both readings {verdict:?}"))
        }
        _ => Ok(()),
    }
}

impl Lines<'_> {
    /// Whether the rules say what must come. A quote within the default of a variable is nowhere explained (`iam:V-06`).
    fn is_ruled(&self) -> bool {
        let quotes = |value: &&str| value.matches('\'').count();
        let is_plain = |value: &&str| !value.contains("${") || matches!(quotes(value), 0 | 2);
        self.policy.iter().all(is_plain)
    }

    fn case(&self) -> Case {
        let mut statement = Map::new();
        statement.insert("Effect".to_owned(), json!("Allow"));
        statement.insert("Action".to_owned(), json!("*"));
        statement.insert("Resource".to_owned(), json!("*"));
        let mut request = EvaluatorRequest {
            principal: EvaluatorPrincipal::Arn(USER.to_owned()),
            action: known_action(),
            resource: "arn:aws:s3:::data/a.txt".to_owned(),
            resource_account: None,
            context: Default::default(),
            expect: None,
        };
        let first = self.request.first().copied().unwrap_or_default();
        let mut of_resource = false;
        match self.what {
            "Action" | "NotAction" => {
                statement.remove("Action");
                statement.insert(self.what.to_owned(), json!(self.policy));
                request.action = Action::new(first).unwrap_or_else(|_| known_action());
            }
            "Resource" | "NotResource" => {
                statement.remove("Resource");
                statement.insert(self.what.to_owned(), json!(self.policy));
                // A resource is asked for by an action of its service; what others mean on it is `case_file`'s.
                if let Some(action) = action_of_service(first) {
                    request.action = action;
                    request.resource = first.to_owned();
                }
            }
            "Principal" | "NotPrincipal" => {
                of_resource = true;
                let entries = match self.policy.as_slice() {
                    ["*"] if self.key.is_empty() => json!("*"),
                    entries => json!({self.key: entries}),
                };
                statement.insert(self.what.to_owned(), entries);
                if self.what == "NotPrincipal" {
                    statement.insert("Effect".to_owned(), json!("Deny"));
                }
                request.principal = match first.strip_prefix("service ") {
                    Some(service) => EvaluatorPrincipal::Service {
                        service: service.to_owned(),
                    },
                    None => EvaluatorPrincipal::Arn(first.to_owned()),
                };
            }
            operator => {
                let mut keys = Map::new();
                keys.insert(self.key.to_owned(), json!(self.policy));
                let mut block = Map::new();
                block.insert(operator.to_owned(), Value::Object(keys));
                statement.insert("Condition".to_owned(), Value::Object(block));
                match self.request.as_slice() {
                    // No line at all: the key is not there.
                    [] => {}
                    [one] => {
                        request.context.insert(self.key.to_owned(), json!(one));
                    }
                    many => {
                        request.context.insert(self.key.to_owned(), json!(many));
                    }
                }
            }
        }
        let text = json!({"Version": "2012-10-17", "Statement": statement}).to_string();
        let mut policies = EvaluatorPolicies::default();
        if of_resource {
            policies.resource = Some(PolicyText::Verbatim(text));
        } else {
            policies.identity.push(PolicyText::Verbatim(text));
        }
        let mut case = blank();
        case.id = "fuzzed.conditions".to_owned();
        case.evaluate = Some(EvaluatorCase {
            request: Some(request),
            policies,
            ..EvaluatorCase::default()
        });
        case
    }

    /// What a matcher of a few lines says of plain string operators on one value each.
    fn textbook(&self) -> Option<bool> {
        let ([pattern], [value]) = (self.policy.as_slice(), self.request.as_slice()) else {
            return None;
        };
        // A key of nobody's: no type, no derived value.
        if !self.key.starts_with("app:") || self.key.len() < 5 || pattern.contains('$') {
            return None;
        }
        match self.what {
            "StringEquals" => Some(pattern == value),
            "StringNotEquals" => Some(pattern != value),
            "StringLike" => Some(like(pattern, value)),
            "StringNotLike" => Some(!like(pattern, value)),
            _ => None,
        }
    }
}

/// Some action of the service that an ARN is of.
fn action_of_service(arn: &str) -> Option<Action> {
    let service = arn.split(':').nth(2)?;
    let is_plain = service
        .chars()
        .all(|letter| letter.is_ascii_lowercase() || letter.is_ascii_digit() || letter == '-');
    is_plain.then(|| Action::new(format!("{service}:GetObject")).ok())?
}

fn known_action() -> Action {
    Action::new("s3:GetObject").expect("a service, a colon and a name")
}

/// Wildcards by the table of all prefixes: slow and plain.
fn like(pattern: &str, value: &str) -> bool {
    let value: Vec<char> = value.chars().collect();
    // matched[n]: what is read of the pattern matches the first n letters.
    let mut matched = vec![false; value.len() + 1];
    matched[0] = true;
    for letter in pattern.chars() {
        if letter == '*' {
            for end in 1..=value.len() {
                matched[end] |= matched[end - 1];
            }
            continue;
        }
        for end in (1..=value.len()).rev() {
            matched[end] = matched[end - 1] && (letter == '?' || letter == value[end - 1]);
        }
        matched[0] = false;
    }
    matched[value.len()]
}

#[cfg(test)]
mod tests {
    use super::like;

    #[test]
    fn the_textbook_matcher_knows_its_wildcards() {
        for (pattern, value, holds) in [
            ("", "", true),
            ("*", "", true),
            ("?", "", false),
            ("a*c", "abbc", true),
            ("a*c", "abb", false),
            ("**?", "x", true),
            ("a?c", "ac", false),
            ("a*b*c", "axbxbc", true),
        ] {
            assert_eq!(like(pattern, value), holds, "{pattern} {value}");
        }
    }
}
