//! What is explained: one request of an evaluator case, or one step of a world case, put to the model together with all that came
//! before it. The model decides; here is only the asking.

use countersign_model::case::{Case, Decision, EvaluatorCase, EvaluatorDecision, EvaluatorPrincipal, Step};
use countersign_model::evaluate::case::{Answer, CaseFault, run};
use countersign_model::name::Action;
use countersign_model::outcome::{Check, CheckDecision, Outcome};
use countersign_model::quirks::{QuirkError, Quirks};
use countersign_model::rule::Rules;
use countersign_model::world::{CURRENT_DATE, StepError, World, WorldError};
use serde::Serialize;
use serde_json::Value;

use crate::differential::question;

/// Which part of a case is asked about, by position from 0.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Question {
    /// A request of an evaluator case.
    Request(usize),
    /// A step of a world case.
    Step(usize),
}

/// Why there is no answer: the case is wrong.
#[derive(Debug, thiserror::Error)]
pub enum AskError {
    /// The case has no such request or step.
    #[error("the case has no such request or step")]
    NoSuch,
    /// The evaluator case cannot be understood.
    #[error(transparent)]
    Case(#[from] CaseFault),
    /// A switch is not known.
    #[error(transparent)]
    Quirk(#[from] QuirkError),
    /// The world cannot be.
    #[error("the world cannot be: {0}")]
    World(#[from] WorldError),
    /// A step makes no sense.
    #[error("step {position}: {error}")]
    Step {
        /// Which, from 1.
        position: usize,
        /// The model's words.
        error: StepError,
    },
    /// The tree is no case.
    #[error("this is no case: {0}")]
    Shape(String),
}

/// What came of a question.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Ruling {
    /// allow | deny | error.
    pub decision: Decision,
    /// The error code; evaluator cases have none.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub code: Option<String>,
    /// HTTP status; evaluator cases have none.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub status: Option<u16>,
    /// The message AWS would send.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub message: Option<String>,
    /// The action whose check ended the call.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub stops_at: Option<Action>,
    /// Rules beyond those of the checks.
    #[serde(skip_serializing_if = "Rules::is_empty")]
    pub rules: Rules,
    /// The document that cannot be used, and the byte in it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub unusable: Option<(String, usize)>,
    /// Every check made, in order.
    #[serde(skip)]
    pub checks: Vec<Check>,
}

impl Ruling {
    /// The check that has to turn out otherwise for the call to go on: the one that ended it, else the last that failed.
    pub fn failing(&self) -> Option<&Check> {
        let failed = |check: &&Check| check.decision != CheckDecision::Allow;
        let ended = |check: &&Check| self.stops_at.as_ref() == Some(&check.action);
        self.checks
            .iter()
            .rev()
            .filter(failed)
            .find(ended)
            .or_else(|| self.checks.iter().rev().find(failed))
    }
}

/// A case that was asked one question.
#[derive(Debug, Clone)]
pub struct Run {
    /// The case.
    pub case: Case,
    /// The same, as the tree it is in a file.
    pub tree: Value,
    /// The question.
    pub question: Question,
    /// The answer.
    pub ruling: Ruling,
    /// What happened up to the step, in a case with a world.
    pub journey: Option<Journey>,
}

/// The way to a step.
#[derive(Debug, Clone)]
pub struct Journey {
    /// The world when the step was about to be taken.
    pub world: World,
    /// The steps before it, references replaced, with what came of them.
    pub walked: Vec<(Step, Outcome)>,
    /// The step itself, references replaced.
    pub step: Step,
}

impl Run {
    /// Asks one question of a case.
    ///
    /// # Errors
    /// [`AskError`].
    pub fn of(case: &Case, question: Question) -> Result<Self, AskError> {
        let tree = serde_json::to_value(case).map_err(|error| AskError::Shape(error.to_string()))?;
        Self::with(case.clone(), tree, question)
    }

    /// Asks the question of a case given as a tree.
    ///
    /// # Errors
    /// [`AskError`].
    pub fn of_tree(tree: Value, question: Question) -> Result<Self, AskError> {
        let case = serde_json::from_value(tree.clone()).map_err(|error| AskError::Shape(error.to_string()))?;
        Self::with(case, tree, question)
    }

    fn with(case: Case, tree: Value, question: Question) -> Result<Self, AskError> {
        let (ruling, journey) = match question {
            Question::Request(position) => (of_request(&case, position)?, None),
            Question::Step(position) => {
                let (ruling, journey) = of_step(&case, position)?;
                (ruling, Some(journey))
            }
        };
        Ok(Self {
            case,
            tree,
            question,
            ruling,
            journey,
        })
    }

    /// The evaluator case and its request, if that is what was asked.
    pub fn request(&self) -> Option<(&EvaluatorCase, &countersign_model::case::EvaluatorRequest)> {
        let Question::Request(position) = self.question else {
            return None;
        };
        let evaluate = self.case.evaluate.as_ref()?;
        let request = match &evaluate.request {
            Some(request) => Some(request).filter(|_| position == 0),
            None => evaluate.requests.get(position),
        };
        Some((evaluate, request?))
    }

    /// The name of what was asked: the step's, or the request's number from 1.
    pub fn name(&self) -> String {
        match self.question {
            Question::Request(position) => format!("request {}", position + 1),
            Question::Step(position) => self
                .case
                .steps
                .get(position)
                .and_then(Step::name)
                .map_or_else(|| format!("step {}", position + 1), str::to_owned),
        }
    }

    /// Who asks, as far as the case says.
    pub fn caller(&self) -> String {
        if let Some(check) = self.ruling.checks.first() {
            return check.caller.clone();
        }
        if let Some((_, request)) = self.request() {
            return match &request.principal {
                EvaluatorPrincipal::Arn(arn) => arn.clone(),
                EvaluatorPrincipal::Service { service } => service.clone(),
                other => serde_json::to_string(other).unwrap_or_default(),
            };
        }
        match self.journey.as_ref().map(|journey| &journey.step) {
            Some(Step::Call(call)) => serde_json::to_string(&call.principal).unwrap_or_default(),
            Some(Step::Invoke(_)) => "AWS Lambda".to_owned(),
            _ => "nobody".to_owned(),
        }
    }
}

/// Every question of a case, in order; steps that ask nothing of anybody are none.
pub fn questions(case: &Case) -> Vec<Question> {
    if let Some(evaluate) = &case.evaluate {
        let count = usize::from(evaluate.request.is_some()) + evaluate.requests.len();
        return (0..count).map(Question::Request).collect();
    }
    case.steps
        .iter()
        .enumerate()
        .filter(|(_, step)| matches!(step, Step::Call(_) | Step::Invoke(_)))
        .map(|(position, _)| Question::Step(position))
        .collect()
}

fn of_request(case: &Case, position: usize) -> Result<Ruling, AskError> {
    let evaluate = case.evaluate.as_ref().ok_or(AskError::NoSuch)?;
    let request = match &evaluate.request {
        Some(request) if position == 0 => request,
        None => evaluate.requests.get(position).ok_or(AskError::NoSuch)?,
        Some(_) => return Err(AskError::NoSuch),
    };
    let only = question(evaluate, request);
    let quirks = Quirks::from_overrides(&case.quirks)?;
    let answers = run(&only, &quirks, case.as_of.unwrap_or(CURRENT_DATE))?;
    let answer = answers.into_iter().next().ok_or(AskError::NoSuch)?;
    let decision = match answer.decision() {
        EvaluatorDecision::Allow => Decision::Allow,
        EvaluatorDecision::Error => Decision::Error,
        _ => Decision::Deny,
    };
    let none = Ruling {
        decision,
        code: None,
        status: None,
        message: None,
        stops_at: None,
        rules: Rules::new(),
        unusable: None,
        checks: Vec::new(),
    };
    Ok(match answer {
        Answer::Decided(check) => Ruling {
            message: check.message.clone(),
            checks: vec![*check],
            ..none
        },
        Answer::Unusable { document, error } => Ruling {
            message: Some(error.to_string()),
            rules: Rules::from([error.rule.clone()]),
            unusable: Some((document, error.offset)),
            ..none
        },
    })
}

fn of_step(case: &Case, position: usize) -> Result<(Ruling, Journey), AskError> {
    let step = case.steps.get(position).ok_or(AskError::NoSuch)?;
    let mut world = World::new(case)?;
    let wrong = |position: usize| {
        move |error| AskError::Step {
            position: position + 1,
            error,
        }
    };
    let mut walked = Vec::with_capacity(position);
    for (place, before) in case.steps[..position].iter().enumerate() {
        let (resolved, outcome) = world.take(before).map_err(wrong(place))?;
        walked.push((resolved.into_owned(), outcome));
    }
    let then = world.clone();
    let (resolved, outcome) = world.take(step).map_err(wrong(position))?;
    let ruling = Ruling {
        decision: outcome.decision,
        code: outcome.code,
        status: Some(outcome.status),
        message: outcome.message,
        stops_at: outcome.stops_at,
        rules: outcome.rules,
        unusable: None,
        checks: outcome.checks,
    };
    let journey = Journey {
        world: then,
        walked,
        step: resolved.into_owned(),
    };
    Ok((ruling, journey))
}
