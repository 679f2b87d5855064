//! The answers: what a message asks is put to the model. The only state is the world that `begin` made. No decision of its own.

use countersign_model::case::{Case, EvaluatorCase};
use countersign_model::evaluate::case::{Answer, SaveAnswer, run, save};
use countersign_model::outcome::Outcome;
use countersign_model::quirks::Quirks;
use countersign_model::world::{CURRENT_DATE, World, WorldError};
use serde_json::{Map, Value, json};

use super::message::{Command, Fault, Message, PROTOCOL, Settings};

/// What the model can be asked, in the words of the protocol.
const CAPABILITIES: &[&str] = &[
    "evaluate",
    "steps",
    "session",
    "permissions_boundary",
    "scp",
    "rcp",
    "vpc_endpoint",
    "grants",
    "canonical_users",
    "federated",
    "saves",
    "quirks",
    "as_of",
];

/// The model as a partner in the protocol.
#[derive(Debug, Default)]
pub struct Oracle {
    world: Option<World>,
}

/// What to do after a line.
#[derive(Debug, Clone, PartialEq)]
pub enum Reply {
    /// Write this.
    Line(Value),
    /// The client has gone: end without a word.
    Bye,
}

impl Oracle {
    /// Answers one line.
    pub fn answer(&mut self, line: &[u8]) -> Reply {
        let message = match Message::read(line) {
            Ok(message) => message,
            Err(fault) => return Reply::Line(fault.reply()),
        };
        let seq = message.seq;
        let answer = match message.command {
            Command::Bye => return Reply::Bye,
            Command::Unknown => Ok(json!({"unsupported": true})),
            Command::Hello { protocol, at } => hello(protocol).map_err(|message| (message.into(), at)),
            Command::Evaluate { case, settings, at } => evaluate(&case, &settings).map_err(|message| (message, at)),
            Command::Begin {
                id,
                world,
                settings,
                at,
            } => {
                // A world that cannot be must not leave the one before in its place.
                self.world = None;
                let case = Case {
                    schema: None,
                    countersign: 1,
                    id,
                    title: None,
                    source: Vec::new(),
                    evidence: None,
                    rules: Vec::new(),
                    origin: None,
                    as_of: settings.as_of,
                    quirks: settings.quirks,
                    world: Some(*world),
                    steps: Vec::new(),
                    evaluate: None,
                    expect: None,
                };
                match World::new(&case) {
                    Ok(world) => {
                        self.world = Some(world);
                        Ok(json!({"ok": true}))
                    }
                    Err(error) => Err((Words::of_world(&error), at)),
                }
            }
            Command::Step { step, at } => match &mut self.world {
                None => Err(("no world: `begin` makes one".into(), at)),
                Some(world) => match world.apply(&step) {
                    Ok(outcome) => Ok(step_answer(&outcome)),
                    Err(error) => Err((error.to_string().into(), at)),
                },
            },
            Command::End => {
                self.world = None;
                Ok(json!({"ok": true}))
            }
        };
        Reply::Line(match answer {
            Ok(body) => numbered(seq, body),
            Err((words, at)) => {
                let mut reply = Fault::new(seq, words.message, at).reply();
                if let Some(what) = words.unsavable {
                    reply["error"]["unsavable"] = what.into();
                }
                reply
            }
        })
    }
}

/// A refusal in words.
struct Words {
    message: String,
    unsavable: Option<String>,
}

impl From<&str> for Words {
    fn from(message: &str) -> Self {
        message.to_owned().into()
    }
}

impl From<String> for Words {
    fn from(message: String) -> Self {
        Self {
            message,
            unsavable: None,
        }
    }
}

impl Words {
    fn of_world(error: &WorldError) -> Self {
        Self {
            message: error.to_string(),
            unsavable: match error {
                WorldError::Unsavable { what, .. } => Some(what.clone()),
                _ => None,
            },
        }
    }
}

/// The answer with the number of its question in front.
fn numbered(seq: Option<u64>, body: Value) -> Value {
    let mut reply = Map::new();
    if let Some(seq) = seq {
        reply.insert("seq".to_owned(), seq.into());
    }
    if let Value::Object(members) = body {
        reply.extend(members);
    }
    Value::Object(reply)
}

fn hello(protocol: u64) -> Result<Value, String> {
    if protocol != PROTOCOL {
        return Err(format!("protocol {protocol} is not known here; this is {PROTOCOL}"));
    }
    Ok(json!({
        "protocol": PROTOCOL,
        "implementation": {"name": "countersign-model", "version": env!("CARGO_PKG_VERSION")},
        "capabilities": CAPABILITIES,
        "compare": "full",
    }))
}

fn evaluate(case: &EvaluatorCase, settings: &Settings) -> Result<Value, Words> {
    let quirks = Quirks::from_overrides(&settings.quirks).map_err(|error| error.to_string())?;
    let as_of = settings.as_of.unwrap_or(CURRENT_DATE);
    let answers = run(case, &quirks, as_of).map_err(|fault| fault.to_string())?;
    let mut answers: Vec<Value> = answers.iter().map(evaluator_answer).collect();
    answers.extend(case.saves.iter().map(|wish| save_answer(&save(wish, as_of))));
    Ok(match (answers.pop(), answers.is_empty()) {
        (Some(only), true) => only,
        (last, _) => {
            answers.extend(last);
            json!({"answers": answers})
        }
    })
}

/// The answer to one request of an evaluator case, as the protocol and `countersign evaluate --json` write it.
pub(crate) fn evaluator_answer(answer: &Answer) -> Value {
    match answer {
        Answer::Decided(check) => {
            let mut reply = json!({"decision": check.decision});
            if let Some(blamed) = check.blamed {
                reply["blamed"] = json!(blamed);
                reply["failed"] = json!(check.failed);
            }
            if let Some(message) = &check.message {
                reply["message"] = json!(message);
            }
            reply["explain"] = json!([check]);
            reply
        }
        Answer::Unusable { document, error } => json!({
            "decision": answer.decision(),
            "error": {
                "message": error.to_string(),
                "document": document,
                "rule": error.rule,
                "byte": error.offset,
            },
        }),
    }
}

/// The answer to one document that somebody wants to save.
pub(crate) fn save_answer(answer: &SaveAnswer) -> Value {
    let mut reply = json!({"saved": answer.refusal.is_none(), "rules": answer.rules});
    if let Some(refusal) = &answer.refusal {
        reply["error"] = json!({"message": refusal.message, "rule": refusal.rule, "byte": refusal.offset});
    }
    reply
}

/// The answer to one step.
pub(crate) fn step_answer(outcome: &Outcome) -> Value {
    let mut reply = json!(outcome);
    if let Some(members) = reply.as_object_mut()
        && let Some(checks) = members.shift_remove("checks")
    {
        members.insert("explain".to_owned(), checks);
    }
    reply
}
