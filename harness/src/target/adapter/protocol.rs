//! The lines of the stdio protocol: requests as JSON, answers read strictly. Who is asked and how often is `mod`'s.

use std::collections::BTreeMap;

use countersign_model::case::{Case, Decision, EvaluatorCase, EvaluatorDecision, Step};
use countersign_model::outcome::PolicySet;
use serde::Deserialize;
use serde_json::{Map, Value, json};

use crate::target::{Comparison, EvaluatorAnswer, Observed, SavingAnswer};

/// The version of the protocol that is spoken here.
pub const PROTOCOL: u64 = 1;

/// Characters of a wrong line that are shown.
const QUOTED: usize = 160;

/// What an adapter says of itself.
#[derive(Debug, Clone, PartialEq)]
pub struct Hello {
    /// Name of the implementation.
    pub name: String,
    /// Its version.
    pub version: String,
    /// What it can do, in the words of [`Hello::can`].
    pub capabilities: Vec<String>,
    /// Which parts of an answer it stands for.
    pub compare: Comparison,
}

impl Hello {
    /// Whether a capability is declared: `evaluate` (evaluator cases), `steps` (worlds and steps); for evaluator requests
    /// `permissions_boundary`, `session`, `scp`, `rcp`, `vpc_endpoint`, `grants`, `canonical_users`, `federated`; for documents to be
    /// saved `saves`; for everything `quirks`.
    pub fn can(&self, capability: &str) -> bool {
        self.capabilities.iter().any(|one| one == capability)
    }
}

/// An answer that follows the protocol.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Answer<T> {
    Given(T),
    /// The capability that is missing.
    Skipped(String),
}

#[derive(Debug, Deserialize)]
struct HelloForm {
    protocol: u64,
    implementation: ImplementationForm,
    #[serde(default)]
    capabilities: Vec<String>,
    #[serde(default)]
    compare: Option<String>,
}

#[derive(Debug, Deserialize)]
struct ImplementationForm {
    name: String,
    #[serde(default)]
    version: Option<Value>,
}

/// All members that an answer may have; others are left to later versions.
#[derive(Debug, Deserialize)]
struct AnswerForm {
    seq: Option<u64>,
    decision: Option<EvaluatorDecision>,
    blamed: Option<PolicySet>,
    saved: Option<bool>,
    explain: Option<Value>,
    code: Option<String>,
    status: Option<u16>,
    message: Option<String>,
    output: Option<Value>,
    trail: Option<Vec<Value>>,
    ok: Option<bool>,
    #[serde(default)]
    ids: BTreeMap<String, String>,
    skipped: Option<String>,
    unsupported: Option<bool>,
    error: Option<ErrorForm>,
}

#[derive(Debug, Deserialize)]
struct ErrorForm {
    message: String,
    document: Option<String>,
}

pub(super) fn hello_request() -> String {
    json!({"cmd": "hello", "protocol": PROTOCOL}).to_string()
}

/// One request under the policies of its case. What is expected is not sent.
pub(super) fn evaluate_request(seq: u64, case: &Case, question: &EvaluatorCase) -> Result<String, String> {
    let mut evaluate = serde_json::to_value(question).map_err(|error| error.to_string())?;
    if let Some(Value::Object(request)) = evaluate.get_mut("request") {
        request.shift_remove("expect");
    }
    Ok(command("evaluate", seq, case, [("evaluate", evaluate)]))
}

/// One document to be saved. What is expected is not sent.
pub(super) fn save_request(seq: u64, case: &Case, question: &EvaluatorCase) -> Result<String, String> {
    let mut evaluate = Map::new();
    let mut saves = serde_json::to_value(&question.saves).map_err(|error| error.to_string())?;
    for document in saves.as_array_mut().into_iter().flatten() {
        if let Value::Object(members) = document {
            members.shift_remove("expect");
        }
    }
    evaluate.insert("saves".to_owned(), saves);
    if !question.canonical_users.is_empty() {
        evaluate.insert("canonical_users".to_owned(), json!(question.canonical_users));
    }
    Ok(command("evaluate", seq, case, [("evaluate", Value::Object(evaluate))]))
}

/// The world as the case writes it, references and all.
pub(super) fn begin_request(seq: u64, case: &Case) -> Result<String, String> {
    let world = serde_json::to_value(&case.world).map_err(|error| error.to_string())?;
    Ok(command("begin", seq, case, [("world", world)]))
}

/// A step as the case writes it, without what is expected.
pub(super) fn step_request(seq: u64, step: &Step) -> Result<String, String> {
    let mut step = serde_json::to_value(step).map_err(|error| error.to_string())?;
    if let Value::Object(members) = &mut step {
        // Without an expectation a step can only be one of set-up.
        members.shift_remove("expect");
        members.shift_remove("kind");
    }
    Ok(json!({"cmd": "step", "seq": seq, "step": step}).to_string())
}

pub(super) fn end_request(seq: u64) -> String {
    json!({"cmd": "end", "seq": seq}).to_string()
}

fn command<const N: usize>(name: &str, seq: u64, case: &Case, body: [(&str, Value); N]) -> String {
    let mut line = Map::new();
    line.insert("cmd".to_owned(), name.into());
    line.insert("seq".to_owned(), seq.into());
    line.insert("id".to_owned(), case.id.as_str().into());
    if let Some(as_of) = case.as_of {
        line.insert("as_of".to_owned(), as_of.to_string().into());
    }
    if !case.quirks.is_empty() {
        line.insert("quirks".to_owned(), json!(case.quirks));
    }
    for (member, value) in body {
        line.insert(member.to_owned(), value);
    }
    Value::Object(line).to_string()
}

/// Reads the answer to `hello`.
pub(super) fn read_hello(line: &[u8]) -> Result<Hello, String> {
    let form: HelloForm = read_json(line)?;
    if form.protocol != PROTOCOL {
        return Err(format!(
            "the adapter speaks protocol {}, and this is protocol {PROTOCOL}",
            form.protocol
        ));
    }
    let compare = match &form.compare {
        None => Comparison::DECISION,
        Some(text) => Comparison::parse(text).map_err(|unknown| {
            format!(
                "`compare` names `{}`, which is none of decision, blamed, code, message, output, trail, full",
                quoted(unknown.as_bytes())
            )
        })?,
    };
    Ok(Hello {
        name: form.implementation.name,
        version: match form.implementation.version {
            Some(Value::String(text)) => text,
            None | Some(Value::Null) => String::new(),
            Some(other) => other.to_string(),
        },
        capabilities: form.capabilities,
        compare,
    })
}

/// Reads the answer to `evaluate`. An `error` of the adapter is the decision `error`: it could not use what it was given.
pub(super) fn read_evaluate(line: &[u8], seq: u64) -> Result<Answer<EvaluatorAnswer>, String> {
    read_answer(line, seq, "evaluate", |form| {
        if let Some(error) = form.error {
            return Some(EvaluatorAnswer {
                decision: EvaluatorDecision::Error,
                blamed: None,
                document: error.document,
                message: Some(error.message),
            });
        }
        let message = form.message.or_else(|| match form.explain {
            None | Some(Value::Null) => None,
            Some(Value::String(text)) => Some(text),
            Some(other) => Some(other.to_string()),
        });
        Some(EvaluatorAnswer {
            decision: form.decision?,
            blamed: form.blamed,
            document: None,
            message,
        })
    })
}

/// Reads the answer to `evaluate` of a document to be saved: `saved`, and with `false` the reason as `error`.
pub(super) fn read_save(line: &[u8], seq: u64) -> Result<Answer<SavingAnswer>, String> {
    read_answer(line, seq, "evaluate", |form| {
        Some(SavingAnswer {
            saved: form.saved?,
            message: form.error.map(|error| error.message).or(form.message),
        })
    })
}

/// The ids that the adapter chose, by reference (`{{key.example.id}}`); or why it refuses.
pub(super) type Done = Result<BTreeMap<String, String>, String>;

/// Reads the answer to `begin` and `end`: that it was done. An `error` is the target's refusal of the world.
pub(super) fn read_done(line: &[u8], seq: u64, cmd: &str) -> Result<Answer<Done>, String> {
    read_answer(line, seq, cmd, |form| match (form.error, form.ok) {
        (Some(error), _) => Some(Err(error.message)),
        (None, Some(true)) => Some(Ok(form.ids)),
        (None, _) => None,
    })
}

/// Reads the answer to `step`.
pub(super) fn read_step(line: &[u8], seq: u64) -> Result<Answer<Observed>, String> {
    read_answer(line, seq, "step", |form| {
        let decision = match form.decision {
            Some(EvaluatorDecision::Allow) => Decision::Allow,
            Some(EvaluatorDecision::Deny | EvaluatorDecision::ImplicitDeny | EvaluatorDecision::ExplicitDeny) => {
                Decision::Deny
            }
            Some(EvaluatorDecision::Error) => Decision::Error,
            // Steps that ask nothing: the clock, a settled state.
            None => return (form.ok == Some(true)).then(Observed::quiet),
        };
        Some(Observed {
            decision,
            code: form.code,
            status: form.status.unwrap_or(0),
            message: form.message,
            output: form.output,
            trail: form.trail,
        })
    })
}

fn read_answer<T>(
    line: &[u8],
    seq: u64,
    cmd: &str,
    read: impl FnOnce(AnswerForm) -> Option<T>,
) -> Result<Answer<T>, String> {
    let form: AnswerForm = read_json(line)?;
    match form.seq {
        Some(theirs) if theirs == seq => {}
        Some(theirs) => {
            return Err(format!(
                "the answer is to request {theirs}, and {seq} was asked: `{}`",
                quoted(line)
            ));
        }
        None => return Err(format!("the answer has no `seq`: `{}`", quoted(line))),
    }
    if form.unsupported == Some(true) {
        return Ok(Answer::Skipped(cmd.to_owned()));
    }
    if let Some(capability) = &form.skipped {
        return Ok(Answer::Skipped(quoted(capability.as_bytes())));
    }
    read(form)
        .map(Answer::Given)
        .ok_or_else(|| format!("the answer to `{cmd}` says nothing: `{}`", quoted(line)))
}

fn read_json<T: for<'a> Deserialize<'a>>(line: &[u8]) -> Result<T, String> {
    let text = std::str::from_utf8(line).map_err(|error| {
        format!(
            "the adapter's line is not UTF-8 (byte {}): `{}`",
            error.valid_up_to(),
            quoted(line)
        )
    })?;
    serde_json::from_str(text).map_err(|error| {
        let what = if error.is_data() {
            "is not of the protocol's form"
        } else {
            "is not JSON"
        };
        format!(
            "the adapter's line {what} (byte {}: {error}): `{}`",
            error.column(),
            quoted(line)
        )
    })
}

/// The start of a line with everything escaped that a terminal could take for something else.
fn quoted(line: &[u8]) -> String {
    let text = String::from_utf8_lossy(line);
    let mut shown: String = text.chars().take(QUOTED).collect();
    if shown.len() < text.len() {
        shown.push('…');
    }
    crate::report::plain(&shown.replace('\n', "\\n")).into_owned()
}

#[cfg(test)]
mod tests {
    use super::{Answer, evaluate_request, read_done, read_evaluate, read_hello, read_save, read_step, save_request};
    use crate::target::{Comparison, SavingAnswer};

    use countersign_model::case::{Case, Decision, EvaluatorDecision};
    use countersign_model::outcome::PolicySet;
    use serde_json::{Value, json};

    #[test]
    fn a_hello_is_read_and_another_protocol_refused() {
        let hello = read_hello(
            br#"{"protocol":1,"implementation":{"name":"x","version":3},"capabilities":["evaluate","scp"],"compare":"decision+blamed"}"#,
        )
        .expect("the hello is well-formed");
        assert_eq!((hello.name.as_str(), hello.version.as_str()), ("x", "3"));
        assert!(hello.can("scp") && !hello.can("rcp"));
        assert_eq!(
            hello.compare,
            Comparison {
                blamed: true,
                ..Comparison::DECISION
            }
        );
        let bad: &[(&[u8], &str)] = &[
            (br#"{"protocol":2,"implementation":{"name":"x"}}"#, "protocol 2"),
            (
                br#"{"protocol":1,"implementation":{"name":"x"},"compare":"mood"}"#,
                "`mood`",
            ),
            (br#"{"protocol":1}"#, "implementation"),
            (b"Welcome to x 1.0!", "`Welcome to x 1.0!`"),
            (b"\xff\xfe", "not UTF-8"),
            (b"", "not JSON"),
        ];
        for (line, part) in bad {
            let error = read_hello(line).expect_err("the hello is none");
            assert!(error.contains(part), "{error}");
        }
    }

    #[test]
    fn answers_are_read_by_their_form() {
        let Ok(Answer::Given(answer)) = read_evaluate(
            br#"{"seq":4,"decision":"explicit_deny","blamed":"resource","explain":["a"]}"#,
            4,
        ) else {
            panic!("the answer is well-formed");
        };
        assert_eq!(answer.decision, EvaluatorDecision::ExplicitDeny);
        assert_eq!(answer.blamed, Some(PolicySet::Resource));
        assert_eq!(answer.message.as_deref(), Some(r#"["a"]"#));
        assert_eq!(
            read_evaluate(br#"{"seq":4,"skipped":"rcp"}"#, 4),
            Ok(Answer::Skipped("rcp".to_owned()))
        );
        assert_eq!(
            read_evaluate(br#"{"seq":4,"unsupported":true}"#, 4),
            Ok(Answer::Skipped("evaluate".to_owned()))
        );
        let Ok(Answer::Given(answer)) = read_evaluate(br#"{"seq":4,"error":{"message":"no such operator"}}"#, 4) else {
            panic!("an error is an answer");
        };
        assert_eq!(answer.decision, EvaluatorDecision::Error);
        assert_eq!(
            read_done(br#"{"seq":1,"ok":true}"#, 1, "begin"),
            Ok(Answer::Given(Ok(Default::default())))
        );
        let Ok(Answer::Given(observed)) = read_step(
            br#"{"seq":3,"decision":"deny","code":"AccessDeniedException","status":400,"message":"m"}"#,
            3,
        ) else {
            panic!("the answer is well-formed");
        };
        assert_eq!((observed.decision, observed.status), (Decision::Deny, 400));
    }

    #[test]
    fn what_is_no_answer_is_said_with_the_line() {
        let bad: &[(&[u8], &[&str])] = &[
            (br#"{"seq":5,"decision":"allow"}"#, &["to request 5", "4 was asked"]),
            (br#"{"decision":"allow"}"#, &["no `seq`"]),
            (br#"{"seq":4}"#, &["says nothing"]),
            (br#"{"seq":4,"decision":"perhaps"}"#, &["protocol's form", "perhaps"]),
            (
                br#"{"seq":4,"decision":"deny","blamed":"moon"}"#,
                &["protocol's form", "moon"],
            ),
            (b"Segmentation \x1b[31mfault", &["not JSON", "\\u{1b}[31mfault"]),
            (br#"{"seq":4,"decision":"allow"} extra"#, &["not JSON", "extra"]),
        ];
        for (line, parts) in bad {
            let error = read_evaluate(line, 4).expect_err("the line is no answer");
            for part in *parts {
                assert!(error.contains(part), "{error}");
            }
        }
        let deep = [b"[".repeat(100_000), b"]".repeat(100_000)].concat();
        assert!(read_evaluate(&deep, 4).expect_err("the line is no answer").len() < 1_000);
    }

    #[test]
    fn a_document_to_be_saved_is_asked_for_and_answered() {
        let case: Case = serde_json::from_value(json!({
            "countersign": 1,
            "id": "test.protocol.saves",
            "evaluate": {"saves": [{"kind": "inline", "document": {"Statement": []}, "expect": {"saved": false, "rule": "iam:E-01"}}]},
        }))
        .expect("the sample is a case");
        let question = case.evaluate.as_ref().expect("the sample is an evaluator case");
        let line: Value = serde_json::from_str(&save_request(2, &case, question).expect("the document can be written"))
            .expect("a request is JSON");
        assert_eq!(
            line["evaluate"],
            json!({"saves": [{"kind": "inline", "document": {"Statement": []}}]})
        );
        let refused = read_save(
            br#"{"seq":2,"saved":false,"error":{"message":"Syntax errors in policy."}}"#,
            2,
        );
        assert_eq!(
            refused,
            Ok(Answer::Given(SavingAnswer {
                saved: false,
                message: Some("Syntax errors in policy.".to_owned()),
            }))
        );
        let Ok(Answer::Given(saved)) = read_save(br#"{"seq":2,"saved":true,"rules":["iam:G-01"]}"#, 2) else {
            panic!("the answer is well-formed");
        };
        assert!(saved.saved && saved.message.is_none());
        let error = read_save(br#"{"seq":2,"decision":"allow"}"#, 2).expect_err("a decision is no answer to it");
        assert!(error.contains("says nothing"), "{error}");
    }

    #[test]
    fn an_adapter_is_not_told_what_is_expected() {
        let case: Case = serde_json::from_value(json!({
            "countersign": 1,
            "id": "test.protocol",
            "as_of": "2025-01-08",
            "evaluate": {
                "request": {"principal": "anonymous", "action": "s3:GetObject", "resource": "arn:aws:s3:::b/k", "expect": {"decision": "deny"}},
                "policies": {},
            },
        }))
        .expect("the sample is a case");
        let question = case.evaluate.clone().expect("the sample is an evaluator case");
        let line = evaluate_request(7, &case, &question).expect("the case can be written");
        let line: Value = serde_json::from_str(&line).expect("a request is JSON");
        assert_eq!(
            (&line["cmd"], &line["seq"], &line["as_of"]),
            (&json!("evaluate"), &json!(7), &json!("2025-01-08"))
        );
        assert_eq!(line["evaluate"]["request"]["action"], "s3:GetObject");
        assert!(line["evaluate"]["request"].get("expect").is_none(), "{line}");
    }
}
