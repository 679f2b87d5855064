//! Facts of a request that would make a condition true or false, and where a case states them. Candidates only: whether a fact helps
//! is for the model to say.

use countersign_model::case::Step;
use serde_json::{Value, json};

use super::subject::{Question, Run};
use super::tree::{Edit, Path, get};

/// Keys that say who asks and what is asked for. Another value would be another request, not another fact of this one.
const IDENTITY_KEYS: &[&str] = &[
    "aws:principal",
    "aws:userid",
    "aws:username",
    "aws:resource",
    "aws:federatedprovider",
    "kms:calleraccount",
];

/// Facts of a step's network and time: they stand in its `context`.
const NETWORK_KEYS: &[&str] = &[
    "aws:CurrentTime",
    "aws:EpochTime",
    "aws:MultiFactorAuthAge",
    "aws:Referer",
    "aws:SecureTransport",
    "aws:SourceIp",
    "aws:UserAgent",
    "aws:VpcSourceIp",
];

/// Facts that a step states as a parameter of its call or as part of its principal.
const STATED_KEYS: &[(&str, &[&str])] = &[
    ("s3:x-amz-server-side-encryption", &["with", "ServerSideEncryption"]),
    (
        "s3:x-amz-server-side-encryption-aws-kms-key-id",
        &["with", "SSEKMSKeyId"],
    ),
    ("s3:x-amz-acl", &["with", "ACL"]),
    ("s3:prefix", &["with", "Prefix"]),
    ("s3:delimiter", &["with", "Delimiter"]),
    ("s3:max-keys", &["with", "MaxKeys"]),
    ("s3:VersionId", &["with", "VersionId"]),
    ("kms:EncryptionAlgorithm", &["with", "EncryptionAlgorithm"]),
    ("kms:GranteePrincipal", &["with", "GranteePrincipal"]),
    ("kms:RetiringPrincipal", &["with", "RetiringPrincipal"]),
    ("aws:SourceArn", &["as", "service", "source_arn"]),
    ("aws:SourceAccount", &["as", "service", "source_account"]),
    ("aws:MultiFactorAuthPresent", &["as", "mfa"]),
    ("aws:SourceIdentity", &["as", "source_identity"]),
];

/// Operators with the one that says the contrary.
const CONTRARY: &[(&str, &str)] = &[
    ("StringEquals", "StringNotEquals"),
    ("StringEqualsIgnoreCase", "StringNotEqualsIgnoreCase"),
    ("StringLike", "StringNotLike"),
    ("ArnEquals", "ArnNotEquals"),
    ("ArnLike", "ArnNotLike"),
    ("NumericEquals", "NumericNotEquals"),
    ("NumericLessThan", "NumericGreaterThanEquals"),
    ("NumericLessThanEquals", "NumericGreaterThan"),
    ("DateEquals", "DateNotEquals"),
    ("DateLessThan", "DateGreaterThanEquals"),
    ("DateLessThanEquals", "DateGreaterThan"),
    ("IpAddress", "NotIpAddress"),
];

/// A fact to state, or to leave out.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Fact {
    Is(String),
    Absent,
}

/// The changes of facts that could make the conditions of a statement hold, or one of them fail.
pub(super) fn facts(run: &Run, statement: &Value, hold: bool) -> Vec<Edit> {
    let Some(operators) = statement.get("Condition").and_then(Value::as_object) else {
        return Vec::new();
    };
    let mut edits = Vec::new();
    for (operator, keys) in operators {
        for (key, values) in keys.as_object().into_iter().flatten() {
            let values: Vec<String> = match values {
                Value::Array(values) => values.iter().filter_map(scalar).collect(),
                single => scalar(single).into_iter().collect(),
            };
            for fact in wanted(operator, &values, hold) {
                edits.extend(state(run, key, &fact));
            }
        }
    }
    edits
}

/// The facts under which a test holds, or does not.
fn wanted(operator: &str, values: &[String], hold: bool) -> Vec<Fact> {
    let base = operator.rsplit(':').next().unwrap_or(operator);
    let base = base.strip_suffix("IfExists").unwrap_or(base);
    let first = values.first().map_or("", String::as_str);
    if first.contains("${") {
        return Vec::new();
    }
    if base.eq_ignore_ascii_case("Null") {
        let absent = first.eq_ignore_ascii_case("true") == hold;
        return vec![if absent {
            Fact::Absent
        } else {
            Fact::Is("present".to_owned())
        }];
    }
    if base.eq_ignore_ascii_case("Bool") {
        let truth = first.eq_ignore_ascii_case("true") == hold;
        return vec![Fact::Is(truth.to_string())];
    }
    let base = if hold { base } else { contrary(base) };
    let negated = base.contains("Not");
    let mut facts: Vec<Fact> = match base {
        "IpAddress" => vec![address_in(first)],
        "NotIpAddress" => ["192.0.2.1", "198.51.100.1"].iter().map(|ip| is(ip)).collect(),
        _ if base.starts_with("Numeric") => number(base, first).into_iter().collect(),
        _ if base.starts_with("Date") => date(base, first).into_iter().collect(),
        _ if negated => vec![Fact::Is(format!("not-{}", literal(first)))],
        _ => vec![Fact::Is(literal(first))],
    };
    // Without the key a negated test holds (`iam:C-41`).
    if negated {
        facts.push(Fact::Absent);
    }
    facts
}

fn is(text: &str) -> Fact {
    Fact::Is(text.to_owned())
}

fn contrary(base: &str) -> &str {
    CONTRARY
        .iter()
        .find_map(|(one, other)| match base {
            _ if base == *one => Some(*other),
            _ if base == *other => Some(*one),
            _ => None,
        })
        .unwrap_or(base)
}

/// A text that a pattern matches. Fields of an ARN must not be empty.
fn literal(pattern: &str) -> String {
    pattern.replace(['*', '?'], "x")
}

fn address_in(range: &str) -> Fact {
    Fact::Is(range.split('/').next().unwrap_or(range).to_owned())
}

fn number(base: &str, text: &str) -> Option<Fact> {
    let number: i64 = text.trim().parse().ok()?;
    let fitting = match base {
        "NumericLessThan" => number.checked_sub(1)?,
        "NumericGreaterThan" | "NumericNotEquals" => number.checked_add(1)?,
        _ => number,
    };
    Some(Fact::Is(fitting.to_string()))
}

fn date(base: &str, text: &str) -> Option<Fact> {
    let instant: jiff::Timestamp = text.parse().ok()?;
    let day = jiff::SignedDuration::from_hours(24);
    let fitting = match base {
        "DateLessThan" => instant.checked_sub(day).ok()?,
        "DateGreaterThan" | "DateNotEquals" => instant.checked_add(day).ok()?,
        _ => instant,
    };
    Some(Fact::Is(fitting.to_string()))
}

/// The change that states a fact of the request, where the case can state it.
fn state(run: &Run, key: &str, fact: &Fact) -> Option<Edit> {
    let lower = key.to_ascii_lowercase();
    if IDENTITY_KEYS.iter().any(|prefix| lower.starts_with(prefix)) {
        return None;
    }
    let path = place(run, key, &lower)?;
    match fact {
        Fact::Is(text) => {
            let mut value = Value::String(text.clone());
            // What the format types as a boolean or a number is stated as one.
            if path == mfa(run)? {
                value = json!(text == "true");
            } else if key.eq_ignore_ascii_case("s3:max-keys") {
                value = json!(text.parse::<i64>().ok()?);
            }
            if get(&run.tree, &path).as_ref() == Some(&value) {
                return None;
            }
            Some(Edit::set(
                format!("let the request have `{key}`: `{text}`"),
                path,
                value,
                &run.tree,
            ))
        }
        Fact::Absent => {
            let words = format!("let the request not have `{key}`");
            match (run.question, get(&run.tree, &path)) {
                (Question::Request(_), None) => Some(Edit::set(words, path, Value::Null, &run.tree)),
                (_, None | Some(Value::Null)) => None,
                (_, Some(_)) => Edit::remove(words, path, &run.tree),
            }
        }
    }
}

/// A path no fact but MFA has; in evaluator cases none has it.
fn mfa(run: &Run) -> Option<Path> {
    Some(match run.question {
        Question::Step(_) => run.step_path()?.member("as").member("mfa"),
        Question::Request(_) => Path::default(),
    })
}

/// Where the case states a key.
fn place(run: &Run, key: &str, lower: &str) -> Option<Path> {
    if let Some((evaluate, request)) = run.request() {
        let written = request.context.keys().find(|written| written.eq_ignore_ascii_case(key));
        let path = Path::of(["evaluate"]);
        let path = match run.question {
            Question::Request(position) if evaluate.request.is_none() => path.member("requests").entry(position),
            _ => path.member("request"),
        };
        return Some(path.member("context").member(written.map_or(key, String::as_str)));
    }
    let step = run.step_path()?;
    let Some(Step::Call(call)) = run.journey.as_ref().map(|journey| &journey.step) else {
        return None;
    };
    if let Some(known) = NETWORK_KEYS.iter().find(|known| known.eq_ignore_ascii_case(key)) {
        return Some(step.member("context").member(known));
    }
    if lower.starts_with("kms:encryptioncontext:") && call.call.service() == "kms" {
        let name = key.splitn(3, ':').nth(2)?;
        return Some(step.member("with").member("EncryptionContext").member(name));
    }
    let (_, members) = STATED_KEYS.iter().find(|(known, _)| known.eq_ignore_ascii_case(key))?;
    Some(members.iter().fold(step, |path, member| path.member(member)))
}

fn scalar(value: &Value) -> Option<String> {
    match value {
        Value::String(text) => Some(text.clone()),
        Value::Bool(_) | Value::Number(_) => Some(value.to_string()),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn facts_fit_their_operators() {
        let values = |text: &str| vec![text.to_owned()];
        let table: &[(&str, &str, bool, Fact)] = &[
            ("StringEquals", "a", true, is("a")),
            ("ForAnyValue:StringLike", "team-*", true, is("team-x")),
            ("StringNotEquals", "a", false, is("a")),
            ("StringEquals", "a", false, is("not-a")),
            ("BoolIfExists", "false", false, is("true")),
            ("Null", "true", true, Fact::Absent),
            ("Null", "true", false, is("present")),
            ("NumericLessThan", "10", true, is("9")),
            ("NumericLessThan", "10", false, is("10")),
            ("IpAddress", "203.0.113.0/24", true, is("203.0.113.0")),
            ("NotIpAddress", "203.0.113.0/24", false, is("203.0.113.0")),
            (
                "DateGreaterThan",
                "2025-01-01T00:00:00Z",
                true,
                is("2025-01-02T00:00:00Z"),
            ),
        ];
        for (operator, value, hold, fact) in table {
            let facts = wanted(operator, &values(value), *hold);
            assert_eq!(facts.first(), Some(fact), "{operator} {value} {hold}");
        }
        assert!(wanted("StringEquals", &values("${aws:username}"), true).is_empty());
    }
}
