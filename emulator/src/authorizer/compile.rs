//! From a checked document to compiled statements. Nothing is refused here: `validate` has had its say, and
//! what it lets through from old stored documents gets the reading the rules give it.

use super::condition::Condition;
use super::json::{Member, Node, Value};
use super::operator::Operator;
use super::pattern::{ActionPattern, ResourcePattern};
use super::policy::{Meant, PolicyKind, PrincipalBinding, PrincipalResolver};
use super::principal::PrincipalEntry;
use super::statement::{ActionClause, Effect, PrincipalClause, ResourceClause, Statement};

/// The version that has policy variables (`iam:G-23`).
const VERSION_WITH_VARIABLES: &str = "2012-10-17";

pub(crate) struct Compiled {
    pub(crate) statements: Vec<Statement>,
    /// In document order.
    pub(crate) bindings: Vec<PrincipalBinding>,
}

/// Compiles a document. With a resolver, users and roles named as principals are bound to unique ids.
pub(crate) fn compile(kind: PolicyKind, document: &Value, resolver: Option<&dyn PrincipalResolver>) -> Compiled {
    let members = document.as_object().unwrap_or_default();
    let variables = last(members, "Version").and_then(Value::as_text) == Some(VERSION_WITH_VARIABLES);
    let mut compiler = Compiler {
        kind,
        variables,
        resolver,
        bindings: Vec::new(),
    };
    let statements = last(members, "Statement").map_or(&[][..], Value::as_list);
    let statements = statements
        .iter()
        .filter_map(|statement| compiler.statement(statement))
        .collect();
    compiler.bindings.sort_by_key(|binding| binding.start);
    Compiled {
        statements,
        bindings: compiler.bindings,
    }
}

struct Compiler<'a> {
    kind: PolicyKind,
    variables: bool,
    resolver: Option<&'a dyn PrincipalResolver>,
    bindings: Vec<PrincipalBinding>,
}

impl Compiler<'_> {
    fn statement(&mut self, value: &Value) -> Option<Statement> {
        let members = value.as_object()?;
        let effect = match last(members, "Effect").and_then(Value::as_text)? {
            "Allow" => Effect::Allow,
            "Deny" => Effect::Deny,
            _ => return None,
        };
        Some(Statement {
            sid: last(members, "Sid").and_then(Value::as_text).map(str::to_owned),
            effect,
            principals: self.principals(members),
            actions: actions(members),
            resources: self.resources(members),
            conditions: last(members, "Condition").map_or_else(Vec::new, |block| self.conditions(block)),
            offset: value.start,
        })
    }

    fn principals(&mut self, members: &[Member]) -> PrincipalClause {
        if !self.kind.has_principals() {
            return PrincipalClause::Implied;
        }
        if let Some(value) = last(members, "Principal") {
            PrincipalClause::Principal(self.entries(value))
        } else if let Some(value) = last(members, "NotPrincipal") {
            PrincipalClause::NotPrincipal(self.entries(value))
        } else {
            PrincipalClause::Implied
        }
    }

    fn entries(&mut self, value: &Value) -> Vec<PrincipalEntry> {
        if value.as_text() == Some("*") {
            return vec![PrincipalEntry::Everyone];
        }
        let mut entries = Vec::new();
        for member in value.as_object().unwrap_or_default() {
            for item in member.value.as_list() {
                let Some(text) = item.as_text() else { continue };
                let Some(entry) = PrincipalEntry::read(&member.name, text, self.resolver) else {
                    continue;
                };
                self.note_binding(&entry, item);
                entries.push(entry);
            }
        }
        entries
    }

    fn note_binding(&mut self, entry: &PrincipalEntry, item: &Value) {
        let meant = match entry {
            PrincipalEntry::User { bound_to: Some(id), .. } | PrincipalEntry::Role { bound_to: Some(id), .. } => {
                Meant::Entity(id.clone())
            }
            PrincipalEntry::UniqueId(id) if self.resolver.is_some() => Meant::Entity(id.clone()),
            PrincipalEntry::Account { account, bare: true } if self.resolver.is_some() => {
                Meant::Account(account.clone())
            }
            _ => return,
        };
        self.bindings.push(PrincipalBinding {
            start: item.start,
            end: item.end,
            written: item.as_text().unwrap_or_default().to_owned(),
            meant,
        });
    }

    fn resources(&self, members: &[Member]) -> ResourceClause {
        let compile = |text: &str| ResourcePattern::compile(text, self.kind.completes_arns(), self.variables);
        if has(members, "Resource") {
            return ResourceClause::Resource(texts(members, "Resource").map(compile).collect());
        }
        if has(members, "NotResource") {
            return ResourceClause::NotResource(texts(members, "NotResource").map(compile).collect());
        }
        match self.kind {
            // A trust policy may not have a resource (`iam:§1.2`); one that is stored with it must match like any other.
            PolicyKind::Trust | PolicyKind::BucketPolicy | PolicyKind::VpcEndpoint => ResourceClause::Attached,
            _ => ResourceClause::Inert,
        }
    }

    fn conditions(&self, block: &Value) -> Vec<Condition> {
        let mut conditions = Vec::new();
        for operator in block.as_object().unwrap_or_default() {
            let Some(parsed) = Operator::parse(&operator.name) else {
                continue;
            };
            for key in operator.value.as_object().unwrap_or_default() {
                let values = key.value.as_list().iter().filter_map(scalar_text).collect();
                conditions.push(Condition::compile(parsed, &key.name, values, self.variables));
            }
        }
        // All must hold and none has an effect, so their order is free (`iam:C-10`): the cheapest may settle it.
        conditions.sort_by_key(|condition| condition.operator.comparison.cost());
        conditions
    }
}

fn actions(members: &[Member]) -> ActionClause {
    if has(members, "Action") {
        ActionClause::Action(texts(members, "Action").map(ActionPattern::compile).collect())
    } else if has(members, "NotAction") {
        ActionClause::NotAction(texts(members, "NotAction").map(ActionPattern::compile).collect())
    } else {
        ActionClause::Missing
    }
}

/// The last member of a name counts (`iam:G-06`).
pub(crate) fn last<'a>(members: &'a [Member], name: &str) -> Option<&'a Value> {
    members
        .iter()
        .rev()
        .find(|member| member.name == name)
        .map(|member| &member.value)
}

fn has(members: &[Member], name: &str) -> bool {
    members.iter().any(|member| member.name == name)
}

/// All texts of all members of a name: old documents may have several (`iam:G-06`); nulls are skipped
/// (errata `iam:G-10`).
fn texts<'a>(members: &'a [Member], name: &'a str) -> impl Iterator<Item = &'a str> {
    members
        .iter()
        .filter(move |member| member.name == name)
        .flat_map(|member| member.value.as_list())
        .filter_map(Value::as_text)
}

/// Numbers and booleans are their spelling (`iam:G-09`).
fn scalar_text(value: &Value) -> Option<String> {
    match &value.node {
        Node::Text(text) | Node::Number(text) => Some(text.clone()),
        Node::Bool(truth) => Some(truth.to_string()),
        Node::Null | Node::Array(_) | Node::Object(_) => None,
    }
}
