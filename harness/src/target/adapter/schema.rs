//! The form of every line of the stdio protocol, as types that a JSON Schema is made of, and the check of a line against it. The schema is
//! checked in for those who write adapters; what a line means is `protocol`'s. Nothing is built of these types.

use std::collections::BTreeMap;
use std::sync::LazyLock;

use countersign_model::case::{EvaluatorCase, EvaluatorDecision, Step, WorldSpec};
use countersign_model::outcome::PolicySet;
use schemars::JsonSchema;
use serde_json::Value;

use crate::json_schema::Schema;

/// Where the schema is kept, from the root of the workspace.
pub const SCHEMA_PATH: &str = "scenarios/schema/protocol.schema.json";

/// All lines of protocol 1. A line of a request is answered by a line of the answer of the same name.
#[derive(Debug, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Protocol {
    /// What the harness sends.
    pub requests: Requests,
    /// What the adapter answers.
    pub answers: Answers,
}

/// What the harness sends.
#[derive(Debug, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Requests {
    /// Who is there?
    pub hello: HelloRequest,
    /// One request under some policies, or one document to be saved.
    pub evaluate: EvaluateRequest,
    /// A world begins: whatever was there is gone.
    pub begin: BeginRequest,
    /// The next step in that world.
    pub step: StepRequest,
    /// The world is done with.
    pub end: EndRequest,
    /// Nothing follows. There is no answer.
    pub bye: ByeRequest,
}

/// What the adapter answers.
#[derive(Debug, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Answers {
    /// To `hello`.
    pub hello: HelloAnswer,
    /// To `evaluate`.
    pub evaluate: EvaluateAnswer,
    /// To `begin`.
    pub begin: DoneAnswer,
    /// To `step`.
    pub step: StepAnswer,
    /// To `end`.
    pub end: DoneAnswer,
}

/// Who is there?
#[derive(Debug, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct HelloRequest {
    /// `hello`.
    #[schemars(extend("const" = "hello"))]
    pub cmd: String,
    /// The version of the protocol.
    pub protocol: u64,
}

/// One request under some policies, or one document to be saved.
#[derive(Debug, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct EvaluateRequest {
    /// `evaluate`.
    #[schemars(extend("const" = "evaluate"))]
    pub cmd: String,
    /// Number of the request; the answer repeats it.
    pub seq: u64,
    /// The case's id, for logs.
    pub id: String,
    /// Picks dated behaviour (`YYYY-MM-DD`).
    pub as_of: Option<String>,
    /// Switches of disputed rules that differ from the default; only if the capability `quirks` is declared.
    #[serde(default)]
    pub quirks: BTreeMap<String, Value>,
    /// Policies with one `request`, or one document in `saves`. What is expected is never sent.
    pub evaluate: EvaluatorCase,
}

/// A world begins: whatever was there is gone.
#[derive(Debug, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct BeginRequest {
    /// `begin`.
    #[schemars(extend("const" = "begin"))]
    pub cmd: String,
    /// Number of the request; the answer repeats it.
    pub seq: u64,
    /// The case's id, for logs.
    pub id: String,
    /// Picks dated behaviour (`YYYY-MM-DD`).
    pub as_of: Option<String>,
    /// Switches of disputed rules that differ from the default; only if the capability `quirks` is declared.
    #[serde(default)]
    pub quirks: BTreeMap<String, Value>,
    /// The world as the case writes it, with `{{…}}` references.
    pub world: WorldSpec,
}

/// The next step in the world.
#[derive(Debug, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct StepRequest {
    /// `step`.
    #[schemars(extend("const" = "step"))]
    pub cmd: String,
    /// Number of the request; the answer repeats it.
    pub seq: u64,
    /// The step as the case writes it, without what is expected.
    pub step: Step,
}

/// The world is done with.
#[derive(Debug, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct EndRequest {
    /// `end`.
    #[schemars(extend("const" = "end"))]
    pub cmd: String,
    /// Number of the request; the answer repeats it.
    pub seq: u64,
}

/// Nothing follows.
#[derive(Debug, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ByeRequest {
    /// `bye`.
    #[schemars(extend("const" = "bye"))]
    pub cmd: String,
}

/// What an adapter says of itself.
#[derive(Debug, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct HelloAnswer {
    /// The version of the protocol: 1.
    #[schemars(extend("const" = 1))]
    pub protocol: u64,
    /// What is behind the adapter.
    pub implementation: ImplementationAnswer,
    /// What it can be asked: `evaluate`, `steps`, `saves`, `permissions_boundary`, `session`, `scp`, `rcp`, `vpc_endpoint`, `grants`,
    /// `canonical_users`, `federated`, `quirks`. Others are left alone.
    pub capabilities: Vec<String>,
    /// What it stands for: `decision`, `full`, or more of `blamed`, `code`, `message`, `output`, `trail` joined by `+`. `decision` when left out.
    pub compare: Option<String>,
}

/// What is behind an adapter.
#[derive(Debug, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ImplementationAnswer {
    /// Its name; expectations are kept under it.
    pub name: String,
    /// Its version, a text or a number.
    pub version: Option<Value>,
    /// Where its bugs are reported.
    pub issues: Option<String>,
}

/// The answer to `evaluate`: `decision` for a request, `saved` for a document, `error` for a document that cannot be used (or saved, beside
/// `"saved": false`), `skipped` for what needs a capability that it lacks.
#[derive(Debug, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(extend("anyOf" = [
    {"required": ["decision"]}, {"required": ["saved"]}, {"required": ["error"]}, {"required": ["skipped"]}, {"required": ["unsupported"]}
]))]
pub struct EvaluateAnswer {
    /// The number of the request.
    pub seq: u64,
    /// The decision; `deny` if it does not tell the two denials apart.
    pub decision: Option<EvaluatorDecision>,
    /// The policy type that a message would name.
    pub blamed: Option<PolicySet>,
    /// All policy types that do not allow.
    pub failed: Option<Vec<PolicySet>>,
    /// Whether the document is accepted.
    pub saved: Option<bool>,
    /// The message, in its own words.
    pub message: Option<String>,
    /// The names of the rules that decided.
    pub rules: Option<Vec<String>>,
    /// Its reasons, in any form: shown, never compared.
    pub explain: Option<Value>,
    /// What cannot be used, and why.
    pub error: Option<ErrorAnswer>,
    /// The capability that is missing.
    pub skipped: Option<String>,
    /// The command is not known.
    #[schemars(extend("const" = true))]
    pub unsupported: Option<bool>,
}

/// The answer to `begin` and `end`.
#[derive(Debug, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(extend("anyOf" = [
    {"required": ["ok"]}, {"required": ["error"]}, {"required": ["skipped"]}, {"required": ["unsupported"]}
]))]
pub struct DoneAnswer {
    /// The number of the request.
    pub seq: u64,
    /// It is done.
    pub ok: Option<bool>,
    /// Ids that it chose, by reference: `{"{{key.k.id}}": "1234…"}`.
    #[serde(default)]
    pub ids: BTreeMap<String, String>,
    /// What it refuses of the world, and why.
    pub error: Option<ErrorAnswer>,
    /// The capability that is missing.
    pub skipped: Option<String>,
    /// The command is not known.
    #[schemars(extend("const" = true))]
    pub unsupported: Option<bool>,
}

/// The answer to `step`: `ok` for a step that asks nothing.
#[derive(Debug, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(extend("anyOf" = [
    {"required": ["decision"]}, {"required": ["ok"]}, {"required": ["error"]}, {"required": ["skipped"]}, {"required": ["unsupported"]}
]))]
pub struct StepAnswer {
    /// The number of the request.
    pub seq: u64,
    /// Success is `allow`, a refusal by authorization `deny`, anything else `error`.
    pub decision: Option<EvaluatorDecision>,
    /// The error code.
    pub code: Option<String>,
    /// The HTTP status.
    pub status: Option<u16>,
    /// The error message.
    pub message: Option<String>,
    /// The output under AWS names.
    pub output: Option<Value>,
    /// CloudTrail events that the step left.
    pub trail: Option<Vec<Value>>,
    /// The step is done, and asked nothing.
    pub ok: Option<bool>,
    /// The action whose check ended the call.
    pub stops_at: Option<String>,
    /// Values that it chose, by path in the output.
    #[serde(default)]
    pub fresh: BTreeMap<String, String>,
    /// Whether nothing changed.
    pub unchanged: Option<bool>,
    /// The names of the rules that decided.
    pub rules: Option<Vec<String>>,
    /// Its reasons, in any form: shown, never compared.
    pub explain: Option<Value>,
    /// Why the step cannot be taken.
    pub error: Option<ErrorAnswer>,
    /// The capability that is missing.
    pub skipped: Option<String>,
    /// The command is not known.
    #[schemars(extend("const" = true))]
    pub unsupported: Option<bool>,
}

/// What went wrong.
#[derive(Debug, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ErrorAnswer {
    /// In words.
    pub message: String,
    /// The document that cannot be used, such as `identity[0]`.
    pub document: Option<String>,
    /// The rule that it breaks.
    pub rule: Option<String>,
    /// The byte of the document, or of the line.
    pub byte: Option<u64>,
    /// The part of the world that nobody could save.
    pub unsavable: Option<String>,
}

/// The schema as it is checked in.
pub fn protocol_schema() -> Value {
    let mut schema = schemars::schema_for!(Protocol);
    schema.insert("title".to_owned(), "Countersign stdio protocol, version 1".into());
    schema.to_value()
}

/// The schema's text, with a line break at the end.
pub fn protocol_schema_text() -> String {
    format!("{:#}\n", protocol_schema())
}

static SCHEMA: LazyLock<Value> = LazyLock::new(protocol_schema);

/// Holds a line that is sent to the schema.
///
/// # Errors
/// What is wrong, with its place.
pub fn check_request(line: &str) -> Result<(), String> {
    let value: Value = serde_json::from_str(line).map_err(|error| format!("the request is not JSON: {error}"))?;
    let cmd = cmd(&value);
    check(&value, &format!("{cmd}Request")).map_err(|why| {
        format!(
            "the request `{}` is not of the protocol's schema: {why}",
            cmd.to_lowercase()
        )
    })
}

/// Holds the answer to a line to the schema.
///
/// # Errors
/// What is wrong, with its place.
pub fn check_answer(request: &str, answer: &[u8]) -> Result<(), String> {
    let request: Value = serde_json::from_str(request).unwrap_or_default();
    // What is no JSON is said better by whoever reads the answer.
    let Ok(value) = serde_json::from_slice::<Value>(answer) else {
        return Ok(());
    };
    let cmd = cmd(&request);
    let definition = match cmd.as_str() {
        "Begin" | "End" => "DoneAnswer".to_owned(),
        cmd => format!("{cmd}Answer"),
    };
    check(&value, &definition).map_err(|why| {
        format!(
            "the answer to `{}` is not of the protocol's schema ({SCHEMA_PATH}): {why}",
            cmd.to_lowercase()
        )
    })
}

/// The command of a request, as its types are called.
fn cmd(request: &Value) -> String {
    let word = request.get("cmd").and_then(Value::as_str).unwrap_or_default();
    let mut letters = word.chars();
    letters.next().map_or_else(String::new, |first| {
        first.to_ascii_uppercase().to_string() + letters.as_str()
    })
}

fn check(value: &Value, definition: &str) -> Result<(), String> {
    let schema = Schema::new(&SCHEMA)
        .definition(definition)
        .ok_or_else(|| format!("there is no form `{definition}`"))?;
    schema.check(value).map_err(|mismatch| mismatch.to_string())
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use serde_json::json;

    use super::{SCHEMA_PATH, check_answer, check_request, protocol_schema_text};

    #[test]
    fn the_checked_in_schema_is_the_schema_of_the_types() {
        let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("..").join(SCHEMA_PATH);
        let text = protocol_schema_text();
        if std::env::var_os("UPDATE_SCHEMA").is_some() {
            std::fs::write(&path, &text).expect("the schema can be written");
        }
        let kept = std::fs::read_to_string(&path).unwrap_or_default();
        assert!(
            kept == text,
            "{SCHEMA_PATH} is stale: run the tests with UPDATE_SCHEMA=1"
        );
    }

    #[test]
    fn a_line_is_held_to_the_form_of_its_command() {
        let hello = r#"{"cmd":"hello","protocol":1}"#;
        let evaluate = r#"{"cmd":"evaluate","seq":1,"id":"a","evaluate":{"request":{"principal":"anonymous","action":"s3:GetObject","resource":"*"}}}"#;
        let step = r#"{"cmd":"step","seq":2,"step":{"advance":"10m"}}"#;
        for request in [hello, evaluate, step, r#"{"cmd":"end","seq":3}"#, r#"{"cmd":"bye"}"#] {
            assert_eq!(check_request(request), Ok(()), "{request}");
        }
        let wrong = check_request(r#"{"cmd":"step","seq":2,"step":{"advanse":"10m"}}"#).expect_err("no such step");
        assert!(wrong.contains("step"), "{wrong}");
        let table = [
            (
                hello,
                json!({"protocol": 1, "implementation": {"name": "x"}, "capabilities": []}),
                None,
            ),
            (
                hello,
                json!({"protocol": 1, "implementation": {"name": "x"}}),
                Some("`capabilities` is missing"),
            ),
            (
                hello,
                json!({"protocol": 2, "implementation": {"name": "x"}, "capabilities": []}),
                Some("protocol"),
            ),
            (
                evaluate,
                json!({"seq": 1, "decision": "deny", "explain": [1, "a"]}),
                None,
            ),
            (
                evaluate,
                json!({"seq": 1, "error": {"message": "m", "document": null}}),
                None,
            ),
            (evaluate, json!({"seq": 1, "decision": "denied"}), Some("decision")),
            (
                evaluate,
                json!({"seq": 1, "decision": "deny", "blammed": "identity"}),
                Some("`blammed` is no member here"),
            ),
            (evaluate, json!({"seq": 1}), Some("none of `decision`, `saved`")),
            (
                evaluate,
                json!({"seq": "1", "decision": "deny"}),
                Some("seq: string where integer"),
            ),
            (step, json!({"seq": 2, "ok": true}), None),
            (
                step,
                json!({"seq": 2, "decision": "deny", "status": 70000}),
                Some("status"),
            ),
        ];
        for (request, answer, wanted) in table {
            let result = check_answer(request, answer.to_string().as_bytes());
            match wanted {
                None => assert_eq!(result, Ok(()), "{answer}"),
                Some(words) => {
                    let message = result.expect_err("the answer is not of the schema");
                    assert!(
                        message.contains(words) && message.contains(SCHEMA_PATH),
                        "{answer}: {message}"
                    );
                }
            }
        }
    }
}
