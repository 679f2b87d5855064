//! Another implementation as a target: a child process that is asked over its standard input and output, one JSON object a line.
//!
//! `words` splits the command line, `process` runs it, `protocol` reads and writes the lines, `schema` holds them to the protocol's form. Here: when a process is started again, when
//! one is given up, and what of a case it is asked. Nothing is compared here.

mod evaluator;
mod process;
mod protocol;
pub mod schema;
mod words;

use std::time::{Duration, Instant};

use countersign_model::case::{Case, EvaluatorCase, EvaluatorPrincipal, Step};
use countersign_model::outcome::Outcome;
use countersign_model::world::World;

use self::process::{Process, Trouble};
use self::protocol::Answer;
use super::{CallCount, Comparison, EvaluatorAnswer, Observed, SavingAnswer, Target, TargetError, Usage};
use crate::differential::Binding;

pub use protocol::{Hello, PROTOCOL};
pub use words::{WordsError, split};

/// How long an adapter may take to say hello: interpreters load their libraries first.
const HELLO_LIMIT: Duration = Duration::from_secs(60);
/// Requests in a row that may end without an answer before the adapter is given up for the rest of the run.
const GIVE_UP_AFTER: u32 = 3;

/// How an adapter is run.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AdapterOptions {
    /// The command, as words; the first is the program. No shell is involved.
    pub command: Vec<String>,
    /// How long one request may take.
    pub limit: Duration,
    /// The target's name in reports and replay commands.
    pub name: String,
    /// Whether every line is held to the schema of the protocol.
    pub validate: bool,
}

impl AdapterOptions {
    /// Options for a command line, split by the rule of [`split`].
    ///
    /// # Errors
    /// [`WordsError`].
    pub fn of_command_line(line: &str) -> Result<Self, WordsError> {
        Ok(Self {
            command: split(line)?,
            limit: Duration::from_secs(10),
            name: format!("adapter: {}", line.trim()),
            validate: false,
        })
    }
}

/// An adapter process and the conversation with it.
#[derive(Debug)]
pub struct AdapterTarget {
    options: AdapterOptions,
    hello: Hello,
    /// None when the last one was lost; the next request starts another.
    process: Option<Process>,
    seq: u64,
    /// Requests in a row that got no answer.
    unanswered: u32,
    /// Steps of the case that was begun, as written.
    steps: Vec<Step>,
    next_step: usize,
    usage: Usage,
}

/// What went wrong with one request.
enum Fault {
    /// The process is gone or silent.
    Trouble(Trouble),
    /// It said something else.
    Protocol(String),
    /// It could not be started again.
    Start(TargetError),
}

impl AdapterTarget {
    /// Starts the adapter and greets it.
    ///
    /// # Errors
    /// [`TargetError::Transport`] when it cannot be started or does not answer, [`TargetError::Protocol`] when it does not speak the
    /// protocol.
    pub fn start(options: AdapterOptions) -> Result<Self, TargetError> {
        let (process, hello) = greet(&options)?;
        Ok(Self {
            options,
            hello,
            process: Some(process),
            seq: 0,
            unanswered: 0,
            steps: Vec::new(),
            next_step: 0,
            usage: Usage::default(),
        })
    }

    /// What the adapter says of itself.
    pub fn hello(&self) -> &Hello {
        &self.hello
    }

    /// Asks once; an adapter that crashes is started again and asked once more if `again` allows it. A process that was silent or spoke
    /// out of turn is not trusted with the next request.
    fn ask<T>(
        &mut self,
        again: bool,
        request: impl Fn(u64) -> Result<String, String>,
        read: impl Fn(&[u8], u64) -> Result<T, String>,
    ) -> Result<T, TargetError> {
        if self.unanswered >= GIVE_UP_AFTER {
            return Err(TargetError::transport(format!(
                "the adapter was given up after {GIVE_UP_AFTER} requests in a row without an answer"
            )));
        }
        let mut result = self.ask_once(&request, &read);
        if again && matches!(result, Err(Fault::Trouble(Trouble::Ended { .. }))) {
            result = self.ask_once(&request, &read);
        }
        match result {
            Ok(answer) => {
                self.unanswered = 0;
                Ok(answer)
            }
            Err(fault) => {
                self.unanswered += 1;
                Err(match fault {
                    Fault::Trouble(trouble) => TargetError::transport(trouble.to_string()),
                    Fault::Protocol(message) => TargetError::Protocol { message },
                    Fault::Start(error) => error,
                })
            }
        }
    }

    fn ask_once<T>(
        &mut self,
        request: &impl Fn(u64) -> Result<String, String>,
        read: &impl Fn(&[u8], u64) -> Result<T, String>,
    ) -> Result<T, Fault> {
        self.seq += 1;
        let seq = self.seq;
        let line = request(seq).map_err(|message| Fault::Start(TargetError::adapter(message)))?;
        let validate = self.options.validate;
        if validate {
            // What we send wrongly is our fault, not the adapter's.
            schema::check_request(&line).map_err(|message| Fault::Start(TargetError::adapter(message)))?;
        }
        let process = match &mut self.process {
            Some(process) => process,
            lost @ None => {
                let (process, hello) = greet(&self.options).map_err(Fault::Start)?;
                if hello != self.hello {
                    return Err(Fault::Protocol(
                        "the adapter, started again, says something else of itself than before".to_owned(),
                    ));
                }
                lost.insert(process)
            }
        };
        let answer = process
            .exchange(&line, self.options.limit)
            .map_err(Fault::Trouble)
            .and_then(|answer| {
                if validate {
                    schema::check_answer(&line, &answer).map_err(Fault::Protocol)?;
                }
                read(&answer, seq).map_err(Fault::Protocol)
            });
        if answer.is_err() {
            self.process = None;
        }
        answer
    }
}

/// Starts a process and greets it.
fn greet(options: &AdapterOptions) -> Result<(Process, Hello), TargetError> {
    let program = options.command.first().map_or("", String::as_str);
    let mut process = Process::start(&options.command)
        .map_err(|error| TargetError::transport(format!("the adapter `{program}` cannot be started: {error}")))?;
    let line = process
        .exchange(&protocol::hello_request(), HELLO_LIMIT.max(options.limit))
        .map_err(|trouble| TargetError::transport(trouble.to_string()))?;
    if options.validate {
        schema::check_answer(&protocol::hello_request(), &line).map_err(|message| TargetError::Protocol { message })?;
    }
    let hello = protocol::read_hello(&line).map_err(|message| TargetError::Protocol { message })?;
    Ok((process, hello))
}

/// What an evaluator request needs, in the words of [`Hello::can`].
pub fn needs(case: &Case, question: &EvaluatorCase) -> Vec<&'static str> {
    let policies = &question.policies;
    let federated = question.request.iter().any(|request| {
        matches!(
            request.principal,
            EvaluatorPrincipal::Federated { .. } | EvaluatorPrincipal::FederatedUser { .. }
        )
    });
    let table = [
        (true, "evaluate"),
        (policies.permissions_boundary.is_some(), "permissions_boundary"),
        (policies.session.is_some(), "session"),
        (!policies.service_control.is_empty(), "scp"),
        (!policies.resource_control.is_empty(), "rcp"),
        (policies.vpc_endpoint.is_some(), "vpc_endpoint"),
        (!question.grants.is_empty(), "grants"),
        (!question.canonical_users.is_empty(), "canonical_users"),
        (federated, "federated"),
        (!case.quirks.is_empty(), "quirks"),
    ];
    table
        .into_iter()
        .filter_map(|(needed, capability)| needed.then_some(capability))
        .collect()
}

impl Target for AdapterTarget {
    fn name(&self) -> &str {
        &self.options.name
    }

    fn takes_worlds(&self) -> bool {
        self.hello.can("steps")
    }

    fn takes_evaluator_cases(&self) -> bool {
        self.hello.can("evaluate")
    }

    fn compares(&self) -> Comparison {
        self.hello.compare
    }

    fn evaluate(&mut self, case: &Case, question: &EvaluatorCase) -> Result<EvaluatorAnswer, TargetError> {
        if let Some(missing) = needs(case, question)
            .into_iter()
            .find(|capability| !self.hello.can(capability))
        {
            return Err(TargetError::unsupported(missing));
        }
        let started = Instant::now();
        let answer = self.ask(
            true,
            |seq| protocol::evaluate_request(seq, case, question),
            protocol::read_evaluate,
        );
        self.usage.wire.add(CallCount {
            calls: 1,
            time: started.elapsed(),
        });
        given(answer?)
    }

    fn save(&mut self, case: &Case, question: &EvaluatorCase) -> Result<SavingAnswer, TargetError> {
        let users = !question.canonical_users.is_empty();
        let table = [(true, "saves"), (users, "canonical_users")];
        if let Some((_, missing)) = table
            .iter()
            .find(|(needed, capability)| *needed && !self.hello.can(capability))
        {
            return Err(TargetError::unsupported(*missing));
        }
        let started = Instant::now();
        let answer = self.ask(
            true,
            |seq| protocol::save_request(seq, case, question),
            protocol::read_save,
        );
        self.usage.wire.add(CallCount {
            calls: 1,
            time: started.elapsed(),
        });
        given(answer?)
    }

    fn begin(&mut self, case: &Case, world: &World) -> Result<Binding, TargetError> {
        self.usage = Usage::default();
        if !self.hello.can("steps") {
            return Err(TargetError::unsupported("steps"));
        }
        if !case.quirks.is_empty() && !self.hello.can("quirks") {
            return Err(TargetError::unsupported("quirks"));
        }
        self.steps.clone_from(&case.steps);
        self.next_step = 0;
        let started = Instant::now();
        let answer = self.ask(
            true,
            |seq| protocol::begin_request(seq, case),
            |line, seq| protocol::read_done(line, seq, "begin"),
        );
        self.usage.provisioning.add(CallCount {
            calls: 1,
            time: started.elapsed(),
        });
        let ids = given(answer?)?.map_err(|message| TargetError::Provisioning {
            what: "the world".to_owned(),
            code: "error".to_owned(),
            message,
        })?;
        let mut binding = Binding::default();
        for (reference, value) in ids {
            let wrong = |why: String| TargetError::Protocol {
                message: format!("the adapter's id for `{reference}`: {why}"),
            };
            let symbol = world
                .resolve_text(&reference)
                .map_err(|error| wrong(error.to_string()))?;
            binding
                .bind(&symbol, &value)
                .map_err(|error| wrong(error.to_string()))?;
        }
        Ok(binding)
    }

    fn step(&mut self, _step: &Step, _outcome: &Outcome, _binding: &mut Binding) -> Result<Observed, TargetError> {
        let position = self.next_step;
        let step = self
            .steps
            .get(position)
            .cloned()
            .ok_or_else(|| TargetError::adapter("a step of a case that was not begun"))?;
        self.next_step += 1;
        if self.process.is_none() {
            return Err(TargetError::transport("the adapter that knew the world is gone"));
        }
        let started = Instant::now();
        // Not asked again: an adapter that is started anew knows nothing of the world.
        let answer = self.ask(false, |seq| protocol::step_request(seq, &step), protocol::read_step);
        self.usage.wire.add(CallCount {
            calls: 1,
            time: started.elapsed(),
        });
        given(answer?)
    }

    fn end(&mut self) -> Result<(), TargetError> {
        self.steps.clear();
        if self.process.is_none() {
            // What it knew went with it.
            return Ok(());
        }
        let answer = self.ask(
            false,
            |seq| Ok(protocol::end_request(seq)),
            |line, seq| protocol::read_done(line, seq, "end"),
        )?;
        match answer {
            Answer::Given(Ok(_)) | Answer::Skipped(_) => Ok(()),
            Answer::Given(Err(message)) => Err(TargetError::Protocol {
                message: format!("the adapter could not end the case: {message}"),
            }),
        }
    }

    fn usage(&self) -> Usage {
        self.usage
    }

    fn forget_usage(&mut self) {
        self.usage = Usage::default();
    }
}

fn given<T>(answer: Answer<T>) -> Result<T, TargetError> {
    match answer {
        Answer::Given(answer) => Ok(answer),
        Answer::Skipped(capability) => Err(TargetError::Unsupported { capability }),
    }
}
