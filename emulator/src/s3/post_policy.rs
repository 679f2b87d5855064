//! The POST policy of an HTML form (`sigv4-HTTPPOSTConstructPolicy`): reading the document and holding it against the
//! form. Its signature is `signature`'s, what the signer may do is `authorization`'s.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use jiff::Timestamp;
use serde_json::{Map, Value};

use super::error::S3Error;

/// Fields that no condition has to cover.
const UNCOVERED: &[&str] = &["x-amz-signature", "file", "policy"];
/// Fields with this prefix are for others.
const IGNORED_PREFIX: &str = "x-ignore-";

/// A policy that was read.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct PostPolicy {
    expiration: Timestamp,
    conditions: Vec<Condition>,
}

/// One condition.
#[derive(Debug, Clone, PartialEq)]
struct Condition {
    test: Test,
    /// As S3 prints it: always as a list.
    shown: String,
}

/// What a condition asks for.
#[derive(Debug, Clone, PartialEq)]
enum Test {
    /// The field has this value.
    Equals { field: String, value: String },
    /// The field starts with this.
    StartsWith { field: String, prefix: String },
    /// The file has this many bytes; `None` for bounds that are no numbers.
    Length(Option<(u64, u64)>),
}

/// What a policy is held against.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Submission<'a> {
    /// Fields as sent, variables expanded.
    pub(crate) fields: &'a [(String, String)],
    /// The bucket of the URL.
    pub(crate) bucket: &'a str,
    /// Bytes of the file.
    pub(crate) file_length: u64,
}

impl PostPolicy {
    /// Reads the base64 text of a form.
    ///
    /// # Errors
    /// `InvalidPolicyDocument`.
    pub(crate) fn read(base64: &str) -> Result<Self, S3Error> {
        let solid: String = base64.chars().filter(|character| !character.is_whitespace()).collect();
        let bytes = STANDARD
            .decode(solid)
            .map_err(|_| invalid("invalid Base64 encoding."))?;
        // The depth that serde_json accepts is bounded; a policy has three levels.
        let Ok(Value::Object(members)) = serde_json::from_slice(&bytes) else {
            return Err(invalid_json());
        };
        if let Some(unknown) = members
            .keys()
            .find(|name| !["expiration", "conditions"].contains(&name.as_str()))
        {
            return Err(invalid(&format!("Unexpected: '{}'", unknown.to_lowercase())));
        }
        let expiration = read_expiration(&members)?;
        let conditions = match members.get("conditions") {
            None => return Err(invalid("Policy missing conditions.")),
            Some(Value::Array(conditions)) => conditions,
            Some(_) => return Err(invalid("Invalid 'conditions' value: must be a List.")),
        };
        Ok(Self {
            expiration,
            conditions: conditions.iter().map(Condition::read).collect::<Result<_, _>>()?,
        })
    }

    /// Holds the policy against a form: expiration, conditions, coverage of all fields, size.
    ///
    /// # Errors
    /// `AccessDenied`, `EntityTooSmall`, `EntityTooLarge`.
    pub(crate) fn check(&self, submission: Submission<'_>, now: Timestamp) -> Result<(), S3Error> {
        if now > self.expiration {
            return Err(denied("Policy expired."));
        }
        for condition in &self.conditions {
            if !condition.holds(&submission) {
                return Err(denied(&format!("Policy Condition failed: {}", condition.shown)));
            }
        }
        let extra = submission.fields.iter().find(|(name, _)| !self.covers(name));
        if let Some((name, _)) = extra {
            return Err(denied(&format!("Extra input fields: {name}")));
        }
        for condition in &self.conditions {
            condition.check_length(submission.file_length)?;
        }
        Ok(())
    }

    fn covers(&self, name: &str) -> bool {
        let name = name.to_ascii_lowercase();
        UNCOVERED.contains(&name.as_str())
            || name.starts_with(IGNORED_PREFIX)
            || self.conditions.iter().any(|condition| match &condition.test {
                Test::Equals { field, .. } | Test::StartsWith { field, .. } => field_name(field) == Some(&name),
                Test::Length(_) => false,
            })
    }
}

impl Condition {
    fn read(value: &Value) -> Result<Self, S3Error> {
        match value {
            Value::Object(members) => Self::read_simple(members),
            Value::Array(items) => Self::read_list(items),
            _ => Err(invalid("Invalid condition test: must be a List or Object.")),
        }
    }

    /// `{"acl": "public-read"}`.
    fn read_simple(members: &Map<String, Value>) -> Result<Self, S3Error> {
        let mut members = members.iter();
        let (Some((name, value)), None) = (members.next(), members.next()) else {
            return Err(invalid(
                "Invalid Simple-Condition: Simple-Conditions must have exactly one property specified.",
            ));
        };
        match value {
            Value::String(value) => Ok(Self::equals(
                format!("${}", name.to_ascii_lowercase()),
                format!("${name}"),
                value,
            )),
            Value::Null => Err(invalid_json()),
            _ => Err(invalid("Invalid Simple-Condition: value must be a string.")),
        }
    }

    fn equals(field: String, shown_field: String, value: &str) -> Self {
        Self {
            shown: shown("eq", &[Value::String(shown_field), Value::String(value.to_owned())]),
            test: Test::Equals {
                field,
                value: value.to_owned(),
            },
        }
    }

    /// `["eq", "$acl", "public-read"]`, `["starts-with", "$key", ""]`, `["content-length-range", 1, 10]`.
    fn read_list(items: &[Value]) -> Result<Self, S3Error> {
        let Some((operation, arguments)) = items.split_first() else {
            return Err(invalid("Invalid Condition: missing operation identifier."));
        };
        let operation = operation.as_str().ok_or_else(invalid_json)?;
        let known = operation.to_ascii_lowercase();
        if !["eq", "starts-with", "content-length-range"].contains(&known.as_str()) {
            return Err(invalid(&format!("Invalid Condition: unknown operation '{operation}'.")));
        }
        let [first, second] = arguments else {
            return Err(invalid(&format!("Invalid {known}: wrong number of arguments.")));
        };
        let shown = shown(&known, arguments);
        if known == "content-length-range" {
            let bounds = (read_bound(first)?, read_bound(second)?);
            return Ok(Self {
                shown,
                test: Test::Length(bounds.0.zip(bounds.1)),
            });
        }
        let (Some(field), Some(value)) = (first.as_str(), second.as_str()) else {
            return Err(invalid_json());
        };
        let field = field.to_ascii_lowercase();
        let test = if known == "eq" {
            Test::Equals {
                field,
                value: value.to_owned(),
            }
        } else {
            Test::StartsWith {
                field,
                prefix: value.to_owned(),
            }
        };
        Ok(Self { shown, test })
    }

    /// A condition on a field that was not sent fails, even if every value would do.
    fn holds(&self, submission: &Submission<'_>) -> bool {
        match &self.test {
            Test::Equals { field, value } => submission.value(field).is_some_and(|sent| sent == value),
            Test::StartsWith { field, prefix } => submission.value(field).is_some_and(|sent| {
                if field == "$content-type" {
                    // A list of types: each of them must do.
                    sent.split(',').all(|one| one.trim_start().starts_with(prefix.as_str()))
                } else {
                    sent.starts_with(prefix.as_str())
                }
            }),
            Test::Length(bounds) => bounds.is_some(),
        }
    }

    fn check_length(&self, length: u64) -> Result<(), S3Error> {
        let Test::Length(Some((smallest, largest))) = self.test else {
            return Ok(());
        };
        if length > largest {
            return Err(S3Error::new(
                "EntityTooLarge",
                400,
                "Your proposed upload exceeds the maximum allowed size",
            )
            .with("ProposedSize", length.to_string())
            .with("MaxSizeAllowed", largest.to_string()));
        }
        if length < smallest {
            return Err(S3Error::new(
                "EntityTooSmall",
                400,
                "Your proposed upload is smaller than the minimum allowed size",
            )
            .with("ProposedSize", length.to_string())
            .with("MinSizeAllowed", smallest.to_string()));
        }
        Ok(())
    }
}

impl<'a> Submission<'a> {
    /// The value behind `$name`; names without `$` mean nothing. The bucket is the URL's, whatever a field says.
    fn value(&self, reference: &str) -> Option<&'a str> {
        let name = field_name(reference)?;
        if name == "bucket" {
            return Some(self.bucket);
        }
        self.fields
            .iter()
            .find(|(have, _)| have.eq_ignore_ascii_case(name))
            .map(|(_, value)| value.as_str())
    }
}

fn field_name(reference: &str) -> Option<&str> {
    reference.strip_prefix('$')
}

/// `2013-08-01T12:00:00.000Z`: UTC only, with or without a fraction.
fn read_expiration(members: &Map<String, Value>) -> Result<Timestamp, S3Error> {
    let value = members
        .get("expiration")
        .ok_or_else(|| invalid("Policy missing expiration."))?;
    let text = value.as_str().ok_or_else(invalid_json)?;
    let shaped = text.len() >= 20 && text.as_bytes().get(10) == Some(&b'T') && text.ends_with('Z');
    text.parse()
        .ok()
        .filter(|_| shaped)
        .ok_or_else(|| invalid(&format!("Invalid 'expiration' value: '{text}'")))
}

/// A bound as number or text; a text that is no number makes the condition fail instead of the policy.
fn read_bound(value: &Value) -> Result<Option<u64>, S3Error> {
    match value {
        Value::Number(number) => number.as_u64().map(Some).ok_or_else(invalid_json),
        Value::String(text) => Ok(text.parse().ok()),
        _ => Err(invalid_json()),
    }
}

/// `["eq", "$key", "value"]`, spaces after the commas.
fn shown(operation: &str, arguments: &[Value]) -> String {
    let mut text = format!("[\"{operation}\"");
    for argument in arguments {
        text.push_str(", ");
        text.push_str(&argument.to_string());
    }
    text.push(']');
    text
}

fn invalid(what: &str) -> S3Error {
    S3Error::new("InvalidPolicyDocument", 400, format!("Invalid Policy: {what}"))
}

fn invalid_json() -> S3Error {
    invalid("Invalid JSON.")
}

fn denied(what: &str) -> S3Error {
    S3Error::access_denied(format!("Invalid according to Policy: {what}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: &str = "2025-01-08T00:00:00Z";

    fn read(document: &str) -> Result<PostPolicy, S3Error> {
        PostPolicy::read(&STANDARD.encode(document))
    }

    fn policy(conditions: &str) -> String {
        format!(r#"{{"expiration":"2025-01-08T00:00:00.000Z","conditions":{conditions}}}"#)
    }

    fn check(conditions: &str, fields: &[(&str, &str)], length: u64) -> Result<(), S3Error> {
        let fields: Vec<(String, String)> = fields
            .iter()
            .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()))
            .collect();
        let submission = Submission {
            fields: &fields,
            bucket: "bucket",
            file_length: length,
        };
        read(&policy(conditions))?.check(submission, NOW.parse().expect("an instant"))
    }

    #[test]
    fn documents() {
        for (document, message) in [
            ("", "Invalid JSON."),
            ("[]", "Invalid JSON."),
            (r#"{"conditions":[]}"#, "Policy missing expiration."),
            (r#"{"expiration":1,"conditions":[]}"#, "Invalid JSON."),
            (
                r#"{"expiration":"2011-09-13T07:52:58+02:00","conditions":[]}"#,
                "Invalid 'expiration' value: '2011-09-13T07:52:58+02:00'",
            ),
            (
                r#"{"expiration":"2015-10-17 03:15:59Z","conditions":[]}"#,
                "Invalid 'expiration' value: '2015-10-17 03:15:59Z'",
            ),
            (r#"{"expiration":"2025-01-08T00:00:00Z"}"#, "Policy missing conditions."),
            (
                r#"{"expiration":"2025-01-08T00:00:00Z","conditions":{}}"#,
                "Invalid 'conditions' value: must be a List.",
            ),
            (r#"{"Statement":[]}"#, "Unexpected: 'statement'"),
            (
                r#"{"EXPIRATION":"2025-01-08T00:00:00Z","conditions":[]}"#,
                "Unexpected: 'expiration'",
            ),
            (
                &policy("[{}]"),
                "Invalid Simple-Condition: Simple-Conditions must have exactly one property specified.",
            ),
            (
                &policy(r#"[{"a":"1","b":"2"}]"#),
                "Invalid Simple-Condition: Simple-Conditions must have exactly one property specified.",
            ),
            (
                &policy(r#"[{"a":1}]"#),
                "Invalid Simple-Condition: value must be a string.",
            ),
            (&policy(r#"[{"a":null}]"#), "Invalid JSON."),
            (&policy("[1]"), "Invalid condition test: must be a List or Object."),
            (&policy("[[]]"), "Invalid Condition: missing operation identifier."),
            (
                &policy(r#"[["is","$a","b"]]"#),
                "Invalid Condition: unknown operation 'is'.",
            ),
            (&policy(r#"[["eq","$a"]]"#), "Invalid eq: wrong number of arguments."),
            (&policy(r#"[["eq","$a",1]]"#), "Invalid JSON."),
            (
                &policy(r#"[["content-length-range",0]]"#),
                "Invalid content-length-range: wrong number of arguments.",
            ),
            (&policy(r#"[["content-length-range",0,512.0]]"#), "Invalid JSON."),
            (&policy(r#"[["content-length-range",-1,0]]"#), "Invalid JSON."),
        ] {
            let error = read(document).expect_err(document);
            assert_eq!(
                (error.code.as_str(), error.status.as_u16()),
                ("InvalidPolicyDocument", 400)
            );
            assert_eq!(error.message, format!("Invalid Policy: {message}"), "{document}");
        }
        let error = PostPolicy::read("%%%").expect_err("no base64");
        assert_eq!(error.message, "Invalid Policy: invalid Base64 encoding.");
        let deep = format!("{{\"conditions\":{}", "[".repeat(100_000));
        assert_eq!(read(&deep).expect_err("deep").message, "Invalid Policy: Invalid JSON.");
    }

    #[test]
    fn conditions() {
        let failed = |shown: &str| Some(format!("Invalid according to Policy: Policy Condition failed: {shown}"));
        let extra = |name: &str| Some(format!("Invalid according to Policy: Extra input fields: {name}"));
        type Fields = &'static [(&'static str, &'static str)];
        let table: &[(&str, Fields, Option<String>)] = &[
            (r#"[{"bucket":"bucket"}]"#, &[], None),
            (
                r#"[{"bucket":"other"}]"#,
                &[("bucket", "other")],
                failed(r#"["eq", "$bucket", "other"]"#),
            ),
            (r#"[{"aCl":"private"}]"#, &[("AcL", "private")], None),
            (
                r#"[{"acl":"private"}]"#,
                &[("acl", "PRIVATE")],
                failed(r#"["eq", "$acl", "private"]"#),
            ),
            (r#"[["eq","$ACL","private"]]"#, &[("acl", "private")], None),
            (
                r#"[["eq","acl","private"]]"#,
                &[("acl", "private")],
                failed(r#"["eq", "acl", "private"]"#),
            ),
            (r#"[["StArTs-WiTh","$KeY","u/"]]"#, &[("key", "u/a")], None),
            (
                r#"[["starts-with","$key","u/"]]"#,
                &[("key", "U/a")],
                failed(r#"["starts-with", "$key", "u/"]"#),
            ),
            (r#"[["starts-with","$acl",""]]"#, &[("acl", "x")], None),
            (
                r#"[["starts-with","$acl",""]]"#,
                &[],
                failed(r#"["starts-with", "$acl", ""]"#),
            ),
            (
                r#"[["starts-with","$Content-Type","image/"]]"#,
                &[("content-type", "image/a,image/b")],
                None,
            ),
            (
                r#"[["starts-with","$Content-Type","image/"]]"#,
                &[("content-type", "image/a,text/b")],
                failed(r#"["starts-with", "$Content-Type", "image/"]"#),
            ),
            (
                r#"[["starts-with","$x-amz-meta-a","1"]]"#,
                &[("x-amz-meta-a", "1,2")],
                None,
            ),
            (
                r#"[["eq","$a","\"q\""]]"#,
                &[("a", "q")],
                failed(r#"["eq", "$a", "\"q\""]"#),
            ),
            ("[]", &[("Key", "k")], extra("Key")),
            (
                "[]",
                &[
                    ("x-ignore-Me", "1"),
                    ("Policy", "p"),
                    ("X-Amz-Signature", "s"),
                    ("file", "f"),
                ],
                None,
            ),
            (
                r#"[{"key":"k"}]"#,
                &[("key", "k"), ("x-amz-storage-class", "GLACIER")],
                extra("x-amz-storage-class"),
            ),
            (r#"[["content-length-range","0","10"]]"#, &[], None),
            (
                r#"[["content-length-range","test",10]]"#,
                &[],
                failed(r#"["content-length-range", "test", 10]"#),
            ),
        ];
        for (conditions, fields, message) in table {
            let error = check(conditions, fields, 5).err();
            if let Some(error) = &error {
                assert_eq!((error.code.as_str(), error.status.as_u16()), ("AccessDenied", 403));
            }
            assert_eq!(error.map(|error| error.message), *message, "{conditions} {fields:?}");
        }
    }

    #[test]
    fn sizes_are_inclusive_and_checked_last() {
        let range = r#"[["content-length-range",5,10]]"#;
        for (length, code) in [
            (4, Some("EntityTooSmall")),
            (5, None),
            (10, None),
            (11, Some("EntityTooLarge")),
        ] {
            let error = check(range, &[], length).err();
            assert_eq!(error.map(|error| error.code).as_deref(), code, "{length}");
        }
        assert_eq!(
            check(range, &[("a", "b")], 11).expect_err("uncovered").code,
            "AccessDenied"
        );
    }

    #[test]
    fn a_policy_lives_to_the_instant_of_its_expiration() {
        let policy = read(&policy("[]")).expect("a policy");
        let submission = Submission {
            fields: &[],
            bucket: "b",
            file_length: 0,
        };
        let at = |text: &str| policy.check(submission, text.parse().expect("an instant"));
        assert!(at(NOW).is_ok());
        let late = at("2025-01-08T00:00:00.001Z").expect_err("expired");
        assert_eq!(late.message, "Invalid according to Policy: Policy expired.");
    }
}
