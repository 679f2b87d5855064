//! What a line asks: the commands of the protocol, read with the place of every mistake. What to answer is `oracle`'s.

use std::collections::BTreeMap;
use std::ops::Range;

use countersign_model::case::load::{Problem, Syntax, nearest};
use countersign_model::case::place::{Place, Places};
use countersign_model::case::{EvaluatorCase, Step, WorldSpec};
use jiff::civil::Date;
use serde::de::DeserializeOwned;
use serde_json::{Value, json};

/// The version of the protocol.
pub(super) const PROTOCOL: u64 = 1;

/// The members a line may have. An unknown one could change what is asked, so it is refused.
const MEMBERS: &[&str] = &[
    "cmd", "seq", "id", "protocol", "evaluate", "world", "step", "as_of", "quirks",
];

/// One line.
#[derive(Debug)]
pub(super) struct Message {
    /// The number that the answer repeats.
    pub(super) seq: Option<u64>,
    /// What is asked.
    pub(super) command: Command,
}

/// What is asked.
#[derive(Debug)]
pub(super) enum Command {
    /// Who is there?
    Hello { protocol: u64, at: usize },
    /// One or several requests under some policies.
    Evaluate {
        case: Box<EvaluatorCase>,
        settings: Settings,
        at: usize,
    },
    /// A world begins.
    Begin {
        id: String,
        world: Box<WorldSpec>,
        settings: Settings,
        at: usize,
    },
    /// The next step in the world.
    Step { step: Box<Step>, at: usize },
    /// The world is done with.
    End,
    /// The client goes.
    Bye,
    /// A command of another version.
    Unknown,
}

/// What a case may say beside its policies or its world.
#[derive(Debug, Default)]
pub(super) struct Settings {
    /// Picks dated behaviour.
    pub(super) as_of: Option<Date>,
    /// Switches that differ from the default.
    pub(super) quirks: BTreeMap<String, Value>,
}

/// Why a line cannot be answered.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Fault {
    pub(super) seq: Option<u64>,
    pub(super) message: String,
    /// Byte of the line, from 0.
    pub(super) byte: usize,
}

impl Fault {
    pub(super) fn new(seq: Option<u64>, message: impl Into<String>, byte: usize) -> Self {
        Self {
            seq,
            message: message.into(),
            byte,
        }
    }

    pub(super) fn too_long(limit: usize) -> Self {
        Self::new(None, format!("the line is longer than {limit} bytes"), limit)
    }

    /// The line that says so.
    pub(super) fn reply(&self) -> Value {
        let mut reply = json!({"error": {"message": self.message, "byte": self.byte}});
        if let Some(seq) = self.seq {
            reply["seq"] = seq.into();
        }
        reply
    }
}

impl Message {
    /// Reads a line.
    ///
    /// # Errors
    /// A [`Fault`] that names the byte.
    pub(super) fn read(bytes: &[u8]) -> Result<Self, Fault> {
        let text = std::str::from_utf8(bytes)
            .map_err(|error| Fault::new(None, "the line is not UTF-8", error.valid_up_to()))?;
        let places = Places::read(text, Syntax::Json).map_err(|problem| fault(None, &problem))?;
        let mut documents = places.documents();
        let line = match (documents.next(), documents.next()) {
            (Some(line), None) => line,
            (None, _) => return Err(Fault::new(None, "the line is empty; a JSON object is needed", 0)),
            (Some(_), Some(second)) => {
                return Err(Fault::new(
                    None,
                    "one JSON object a line, not several",
                    second.span().start,
                ));
            }
        };
        if !line.is_mapping() {
            return Err(Fault::new(
                None,
                "the line is not a JSON object: `{\"cmd\": …}`",
                line.span().start,
            ));
        }
        let seq = optional::<u64>(None, line, "seq")?;
        let name = line
            .member("cmd")
            .ok_or_else(|| Fault::new(seq, "`cmd` is missing", line.span().start))?;
        let name_at = name.span().start;
        let name = name
            .text()
            .ok_or_else(|| Fault::new(seq, "`cmd` is not a text", name_at))?;
        let command = match name {
            "hello" => {
                let (protocol, at) = required(seq, line, "protocol")?;
                Command::Hello { protocol, at: at.start }
            }
            "evaluate" => {
                let (case, at) = required(seq, line, "evaluate")?;
                Command::Evaluate {
                    case: Box::new(case),
                    settings: Settings::read(seq, line)?,
                    at: at.start,
                }
            }
            "begin" => {
                let (world, at) = required(seq, line, "world")?;
                Command::Begin {
                    id: optional(seq, line, "id")?.unwrap_or_else(|| "stdio".to_owned()),
                    world: Box::new(world),
                    settings: Settings::read(seq, line)?,
                    at: at.start,
                }
            }
            "step" => {
                let (step, at) = required(seq, line, "step")?;
                Command::Step {
                    step: Box::new(step),
                    at: at.start,
                }
            }
            "end" => Command::End,
            "bye" => Command::Bye,
            _ => {
                return Ok(Self {
                    seq,
                    command: Command::Unknown,
                });
            }
        };
        for member in line.names() {
            if !MEMBERS.contains(&member) {
                let at = line.member(member).map_or(0, |value| value.span().start);
                let hint = nearest(member, MEMBERS.iter().copied())
                    .map_or_else(String::new, |near| format!("; did you mean `{near}`?"));
                return Err(Fault::new(seq, format!("unknown member `{member}`{hint}"), at));
            }
        }
        Ok(Self { seq, command })
    }
}

impl Settings {
    fn read(seq: Option<u64>, line: Place<'_>) -> Result<Self, Fault> {
        Ok(Self {
            as_of: optional(seq, line, "as_of")?,
            quirks: optional(seq, line, "quirks")?.unwrap_or_default(),
        })
    }
}

/// A member that must be there, with its place.
fn required<T: DeserializeOwned>(seq: Option<u64>, line: Place<'_>, name: &str) -> Result<(T, Range<usize>), Fault> {
    let value = line
        .member(name)
        .ok_or_else(|| Fault::new(seq, format!("`{name}` is missing"), line.span().start))?;
    let read = value.read().map_err(|problem| fault(seq, &problem))?;
    Ok((read, value.span()))
}

/// A member that may be there; `null` is the same as absent.
fn optional<T: DeserializeOwned>(seq: Option<u64>, line: Place<'_>, name: &str) -> Result<Option<T>, Fault> {
    match line.member(name) {
        Some(value) => value.read().map_err(|problem| fault(seq, &problem)),
        None => Ok(None),
    }
}

fn fault(seq: Option<u64>, problem: &Problem) -> Fault {
    let help = problem
        .help
        .as_ref()
        .map_or_else(String::new, |help| format!(" ({help})"));
    Fault::new(seq, format!("{}{help}", problem.kind), problem.span.start)
}
