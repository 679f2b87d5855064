//! `countersign rules`: the catalogue of rules, listed or explained one by one, with the scenarios that show them.

use std::collections::{BTreeMap, BTreeSet};
use std::io::Write as _;

use clap::Args;
use countersign_model::case::load::{Syntax, load_all, nearest};
use countersign_model::case::{Case, Decision};
use countersign_model::coverage::{Coverage, table};
use countersign_model::quirks::{QuirkError, Quirks};
use countersign_model::rule::{self, Rule};
use serde::Serialize;
use serde_json::{Value, json};

use super::{Exit, Failure, print};
use crate::corpus;
use crate::explain::{Question, Run, questions};
use crate::report::plain;

/// `rules`.
#[derive(Debug, Clone, Args)]
pub(super) struct RulesArguments {
    /// Rules to explain, such as `svc:K-20`; all are listed when left out.
    #[arg(value_name = "ID")]
    ids: Vec<String>,
    /// The table rule × outcome instead: how many decisions of the corpus name each rule, and came to what. Exit 1 on an empty cell that
    /// is not known to be out of reach.
    #[arg(long, conflicts_with = "ids")]
    coverage: bool,
    /// Machine-readable.
    #[arg(long)]
    json: bool,
}

pub(super) fn run(arguments: &RulesArguments) -> Result<Exit, Failure> {
    if arguments.coverage {
        return coverage(arguments.json);
    }
    let mut out = Vec::new();
    if arguments.ids.is_empty() {
        let rules: Vec<&Rule> = rule::catalogue().values().collect();
        if arguments.json {
            let json = serde_json::to_string_pretty(&rules).map_err(std::io::Error::other)?;
            writeln!(out, "{json}")?;
        } else {
            for rule in rules {
                writeln!(out, "{}", line(rule))?;
            }
        }
        return print(&out).map(|()| Exit::Conformant);
    }
    let rules = arguments
        .ids
        .iter()
        .map(|id| rule::find(id).ok_or_else(|| unknown(id)))
        .collect::<Result<Vec<&Rule>, Failure>>()?;
    let corpus = Corpus::read();
    let explained: Vec<Explained> = rules.into_iter().map(|rule| Explained::of(rule, &corpus)).collect();
    if arguments.json {
        let json = serde_json::to_string_pretty(&explained).map_err(std::io::Error::other)?;
        writeln!(out, "{json}")?;
    } else {
        let texts: Vec<String> = explained.iter().map(Explained::render).collect();
        write!(out, "{}", plain(&texts.join("\n")))?;
    }
    print(&out).map(|()| Exit::Conformant)
}

/// The table rule × outcome over the corpus inside the binary.
fn coverage(json: bool) -> Result<Exit, Failure> {
    let mut coverage = Coverage::default();
    for case in &Corpus::read().cases {
        coverage
            .add(case)
            .map_err(|why| Failure::message(Exit::Internal, format!("case `{}`: {why}", case.id), String::new()))?;
    }
    let rows = coverage.rows();
    let cells = || rows.iter().flat_map(|row| &row.cells);
    let [filled, empty, out_of_reach] = [
        cells().filter(|cell| cell.decisions > 0).count(),
        cells().filter(|cell| cell.is_gap()).count(),
        cells().filter(|cell| cell.decisions == 0 && !cell.is_gap()).count(),
    ];
    let mut out = Vec::new();
    if json {
        let json = serde_json::to_string_pretty(&rows).map_err(std::io::Error::other)?;
        writeln!(out, "{json}")?;
    } else {
        writeln!(out, "{}", table(&rows))?;
        writeln!(
            out,
            "{} deciding rules: {filled} cells filled, {empty} empty, {out_of_reach} out of reach (-)",
            rows.len()
        )?;
    }
    let exit = if empty == 0 { Exit::Conformant } else { Exit::Divergence };
    print(&out).map(|()| exit)
}

/// One line of the list.
fn line(rule: &Rule) -> String {
    format!(
        "{:<10} {:<11} {}",
        rule.id.as_str(),
        rule.status.to_string(),
        rule.statement
    )
}

fn unknown(id: &str) -> Failure {
    let known = || rule::catalogue().keys().map(|id| id.as_str());
    // Somebody who leaves the prefix or its marks out means the id all the same.
    let letters = |id: &str| -> String { id.chars().filter(char::is_ascii_alphanumeric).collect() };
    let bare = |id: &'static str| id.split_once(':').map_or(id, |(_, bare)| bare);
    let near = known()
        .find(|known| {
            [letters(known), letters(bare(known))]
                .iter()
                .any(|name| name.eq_ignore_ascii_case(&letters(id)))
        })
        .or_else(|| nearest(id, known()));
    Failure::message(
        Exit::Usage,
        format!("unknown rule `{id}`"),
        near.map_or_else(
            || "`countersign rules` lists all".to_owned(),
            |near| format!("the nearest id is `{near}`; `countersign rules` lists all"),
        ),
    )
}

/// All there is to say about a rule.
#[derive(Debug, Serialize)]
struct Explained {
    #[serde(flatten)]
    rule: Rule,
    #[serde(skip_serializing_if = "Option::is_none")]
    readings: Option<Readings>,
    /// Ids of the cases that are about the rule.
    scenarios: Vec<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    flipping_pair: Option<Pair>,
}

/// The readings of a disputed rule.
#[derive(Debug, Serialize)]
struct Readings {
    default: Value,
    takes: String,
    source: String,
}

/// Two requests of one case that come out differently, the rule in both traces.
#[derive(Debug, Serialize)]
struct Pair {
    one: Instance,
    other: Instance,
}

/// A request whose trace names the rule.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
struct Instance {
    case: String,
    name: String,
    decision: String,
}

impl Explained {
    fn of(rule: &Rule, corpus: &Corpus) -> Self {
        let id = rule.id.as_str();
        let about = corpus
            .cases
            .iter()
            .filter(|case| case.rules.iter().any(|named| named == id));
        Self {
            readings: rule.switch.as_deref().and_then(Readings::of),
            scenarios: about.map(|case| case.id.clone()).collect(),
            flipping_pair: corpus.pair(id),
            rule: rule.clone(),
        }
    }

    fn render(&self) -> String {
        let rule = &self.rule;
        let mut lines = vec![
            format!("{}  ({})", rule.id, rule.status),
            format!("  {}", rule.statement),
            format!("  source      {}", rule.source),
        ];
        // Whatever else the catalogue says of a rule, under its own name.
        let known = ["id", "statement", "status", "source", "switch"];
        if let Value::Object(members) = json!(rule) {
            for (name, value) in members.iter().filter(|(name, _)| !known.contains(&name.as_str())) {
                let text = value.as_str().map_or_else(|| value.to_string(), str::to_owned);
                lines.push(format!("  {name:<11} {text}"));
            }
        }
        if let (Some(switch), Some(readings)) = (&rule.switch, &self.readings) {
            lines.push(format!(
                "  switch      {switch} ({}): takes {}, default {}",
                readings.source, readings.takes, readings.default
            ));
        }
        match self.scenarios.as_slice() {
            [] => lines.push("  scenarios   none is about it".to_owned()),
            ids => lines.push(format!("  scenarios   {}", ids.join("\n              "))),
        }
        if let Some(Pair { one, other }) = &self.flipping_pair {
            lines.push("  flips       the rule is in the trace of both".to_owned());
            for instance in [one, other] {
                lines.push(format!(
                    "              {}: {}, {}",
                    instance.decision, instance.case, instance.name
                ));
            }
        } else {
            lines.push("  flips       no two requests of one case show it yet".to_owned());
        }
        lines.push(String::new());
        lines.join("\n")
    }
}

impl Readings {
    fn of(switch: &str) -> Option<Self> {
        let default = Quirks::default().values().get(switch)?.clone();
        // No switch takes null: its refusal says what it takes.
        let takes = match Quirks::default().set(switch, &Value::Null) {
            Err(QuirkError::Value { expected, .. }) => expected.to_owned(),
            _ => String::new(),
        };
        Some(Self {
            default,
            takes,
            source: Quirks::sources().get(switch).copied().unwrap_or_default().to_owned(),
        })
    }
}

/// The cases inside the binary.
struct Corpus {
    cases: Vec<Case>,
}

impl Corpus {
    /// A file that is no case tells nothing about rules; the tests see to it that there is none.
    fn read() -> Self {
        let cases = corpus::FILES
            .iter()
            .filter_map(|(name, text)| load_all(name, text, Syntax::of_file(name)).ok());
        Self {
            cases: cases.flatten().collect(),
        }
    }

    /// The first two requests that name a rule and come out differently: of one case, or of two whose ids differ in the last word only.
    /// Cases that say they are about the rule come first.
    fn pair(&self, id: &str) -> Option<Pair> {
        let (about, others): (Vec<&Case>, Vec<&Case>) = self
            .cases
            .iter()
            .partition(|case| case.rules.iter().any(|named| named == id));
        let mut families: BTreeMap<&str, Vec<Instance>> = BTreeMap::new();
        let mut tried = BTreeSet::new();
        for case in about.into_iter().chain(others) {
            let instances = instances(case, id);
            if let Some(pair) = differing(&instances) {
                return Some(pair);
            }
            let family = case.id.rsplit_once('.').map_or(case.id.as_str(), |(family, _)| family);
            let siblings = families.entry(family).or_default();
            siblings.extend(instances);
            if tried.insert(case.id.as_str())
                && let Some(pair) = differing(siblings)
            {
                return Some(pair);
            }
        }
        None
    }
}

fn differing(instances: &[Instance]) -> Option<Pair> {
    let one = instances.first()?;
    let other = instances.iter().find(|other| other.decision != one.decision)?;
    Some(Pair {
        one: one.clone(),
        other: other.clone(),
    })
}

/// The requests of a case whose traces name a rule.
fn instances(case: &Case, id: &str) -> Vec<Instance> {
    questions(case)
        .into_iter()
        .filter_map(|question| {
            let run = Run::of(case, question).ok()?;
            let ruling = &run.ruling;
            let names = ruling.rules.iter().any(|rule| rule.as_str() == id)
                || ruling
                    .checks
                    .iter()
                    .any(|check| check.all_rules().iter().any(|rule| rule.as_str() == id));
            let decision = match (ruling.decision, ruling.failing()) {
                (Decision::Allow, _) => "allow".to_owned(),
                (_, Some(check)) => serde_json::to_value(check.decision)
                    .ok()
                    .and_then(|word| word.as_str().map(str::to_owned))
                    .unwrap_or_default(),
                (Decision::Deny, None) => "deny".to_owned(),
                (Decision::Error, None) => ruling.code.clone().unwrap_or_else(|| "error".to_owned()),
            };
            let name = match question {
                Question::Request(_) => {
                    let (_, request) = run.request()?;
                    format!("{} ({} on {})", run.name(), request.action, request.resource)
                }
                Question::Step(_) => format!("step `{}`", run.name()),
            };
            names.then_some(Instance {
                case: case.id.clone(),
                name,
                decision,
            })
        })
        .collect()
}
